"""GELU and layer norm as older exporters write them out: read, or refused as what they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import ModelError

onnx = pytest.importorskip("onnx")

ROOT_OF_TWO = np.float32(np.sqrt(2))


def model(steps: Any, rng: Any) -> Any:
    """x W, then steps (operator, inputs) whose inputs are arrays or earlier values, then V."""
    from onnx import helper, numpy_helper

    tensors, nodes = [], [helper.make_node("MatMul", ["x", "W"], ["z"])]

    def constant(array: Any) -> str:
        tensors.append(numpy_helper.from_array(np.asarray(array), f"c{len(tensors)}"))
        return tensors[-1].name

    weights = [
        (rng.normal(size=s).astype(np.float32), n) for s, n in (((3, 6), "W"), ((6, 2), "V"))
    ]
    tensors += [numpy_helper.from_array(array, name) for array, name in weights]
    last = "z"
    for i, (kind, inputs, *attributes) in enumerate(steps):
        names = [one if isinstance(one, str) else constant(one) for one in inputs]
        options = attributes[0] if attributes else {}
        nodes.append(helper.make_node(kind, names, [last := f"v{i}"], **options))
    nodes.append(helper.make_node("MatMul", [last, "V"], ["y"]))
    value = helper.make_tensor_value_info
    real = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes, "g", [value("x", real, ["n", 3])], [value("y", real, ["n", 2])], tensors
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


half, one = np.float32(0.5), np.float32(1)
GELUS = {
    "as torch wrote it": [
        ("Div", ["z", ROOT_OF_TWO]), ("Erf", ["v0"]), ("Add", ["v1", one]), ("Mul", ["z", "v2"]),
        ("Mul", ["v3", half]),
    ],
    "half first": [
        ("Mul", ["z", half]), ("Mul", ["z", np.float32(1) / ROOT_OF_TWO]), ("Erf", ["v1"]),
        ("Add", ["v2", one]), ("Mul", ["v0", "v3"]),
    ],
    "half of the sum": [
        ("Div", ["z", ROOT_OF_TWO]), ("Erf", ["v0"]), ("Mul", ["v1", half]), ("Add", ["v2", half]),
        ("Mul", ["v3", "z"]),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", GELUS)
def test_gelu_of_an_error_function(name: str) -> None:
    from onnx.reference import ReferenceEvaluator

    rng = np.random.default_rng(0)
    file = model(GELUS[name], rng)
    with pytest.raises(ModelError, match=r"(?s)Erf.*not piecewise affine.*smooth=.pieces"):
        hw.model.read(file)
    X = rng.uniform(-2, 2, (300, 3)).astype(np.float32)
    (truth,) = ReferenceEvaluator(file).run(None, {"x": X})
    for error in (1e-2, 1e-3):
        net = hw.model.read(file, smooth="pieces", error=error)
        gap = np.abs(net(X) - truth).max(axis=0)
        assert (gap <= net.approximation_errors() + 1e-5).all()
        assert gap.max() > 1e-6
        assert net.n_units == 6  # the error function is no unit of its own


def test_gelu_in_code() -> None:
    torch = pytest.importorskip("torch")

    class Written(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = torch.nn.Linear(3, 6), torch.nn.Linear(6, 2)

        def forward(self, x: Any) -> Any:
            z = self.first(x)
            return self.last(z * 0.5 * (1.0 + torch.erf(z / np.sqrt(2.0))))

    torch.manual_seed(0)
    module = Written().double()
    net = hw.model.read(module, smooth="pieces", error=1e-3)
    X = np.random.default_rng(0).uniform(-2, 2, (300, 3))
    gap = np.abs(net(X) - module(torch.tensor(X)).detach().numpy()).max(axis=0)
    assert (gap <= net.approximation_errors()).all()
    assert net.n_units == 6


def test_another_product_with_an_error_function_is_refused() -> None:
    rng = np.random.default_rng(0)
    steps = [("Erf", ["z"]), ("Add", ["v0", np.float32(2)]), ("Mul", ["z", "v1"])]
    with pytest.raises(ModelError, match="product of two branches"):
        hw.model.read(model(steps, rng), smooth="pieces")


@pytest.mark.parametrize("squared", ["Pow", "Mul"])
def test_layer_norm_written_out_is_refused_as_what_it_is(squared: str) -> None:
    square = ("Pow", ["v1", np.float32(2)]) if squared == "Pow" else ("Mul", ["v1", "v1"])
    steps = [
        ("ReduceMean", ["z"], {"axes": [-1]}), ("Sub", ["z", "v0"]), square,
        ("ReduceMean", ["v2"], {"axes": [-1]}), ("Add", ["v3", np.float32(1e-5)]),
        ("Sqrt", ["v4"]), ("Div", ["v1", "v5"]),
    ]  # fmt: skip
    with pytest.raises(ModelError, match=r"layer norm written out.*not piecewise affine"):
        hw.model.read(model(steps, np.random.default_rng(0)))


def test_layer_normalization_is_refused_by_name() -> None:
    steps = [("LayerNormalization", ["z", np.ones(6, np.float32)])]
    with pytest.raises(ModelError, match=r"LayerNormalization \(opset 17\).*not piecewise affine"):
        hw.model.read(model(steps, np.random.default_rng(0)))
