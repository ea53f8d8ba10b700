"""Smooth units as pieces: derivatives and errors as stated, carried to outputs, in every reader."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

import hullwise as hw
from hullwise.errors import DataError, ModelError
from hullwise.model import smooth_functions as smooth

FUNCTIONS = [
    smooth.gelu(), smooth.gelu_tanh(), smooth.silu(), smooth.mish(), smooth.tanh(),
    smooth.sigmoid(), smooth.softplus(), smooth.softplus(3.0), smooth.softplus(0.2), smooth.elu(),
    smooth.elu(1.6732632423543772, 1.0507009873554805), smooth.elu(0.5, 1.0, 2.0),
    smooth.hardswish(),
]  # fmt: skip


def names(function: smooth.SmoothFunction) -> str:
    return function.name


@pytest.mark.parametrize("function", FUNCTIONS, ids=names)
def test_bounds_of_derivatives_hold(function: smooth.SmoothFunction) -> None:
    z = np.linspace(-40, 40, 160_001)
    h, middle = z[1] - z[0], (z[1:] + z[:-1]) / 2
    smooth_cell = np.ones(len(middle), dtype=bool)
    for t in function.breaks:
        smooth_cell &= np.abs(middle - t) > 2 * h
    slopes, bends = np.diff(function.value(z)) / h, np.diff(function.slope(z)) / h
    np.testing.assert_allclose(slopes, function.slope(middle), atol=1e-6)
    np.testing.assert_allclose(bends[smooth_cell], function.bend(middle)[smooth_cell], atol=1e-5)
    turns = np.abs(np.diff(function.bend(z)) / h)[smooth_cell]
    assert np.abs(function.slope(z)).max() <= function.steepest
    assert np.abs(function.bend(z)).max() <= function.most_bent * (1 + 1e-12)
    assert turns.max() <= function.most_turned + 1e-6
    far = np.array([30.0, 35.0, 40.0])
    for sign, (slope, offset) in ((-1, function.left), (1, function.right)):
        gap = np.abs(function.value(sign * far) - slope * sign * far - offset)
        assert (np.diff(gap) <= 1e-12).all()
        assert gap[-1] < 0.01


@pytest.mark.parametrize("error", [1e-1, 1e-2, 1e-3, 3e-4])
@pytest.mark.parametrize("function", FUNCTIONS, ids=names)
def test_pieces_stay_within_their_error(function: smooth.SmoothFunction, error: float) -> None:
    line = smooth.interpolant(function, error)
    z = np.concatenate([np.linspace(-80, 80, 200_001), line.knots])
    r = np.searchsorted(line.knots, z)
    heights = np.concatenate([[line.first_value], line.first_value + np.cumsum(
        line.slopes[1:-1] * np.diff(line.knots))])  # fmt: skip
    base = np.maximum(r - 1, 0)
    y = heights[base] + line.slopes[r] * (z - line.knots[base])
    assert np.abs(y - function.value(z)).max() <= line.error + 1e-12
    assert line.error <= error * (1 + 1e-9) + 1e-12


@pytest.mark.parametrize("function", FUNCTIONS, ids=names)
def test_the_steepest_slope_over_a_range(function: smooth.SmoothFunction) -> None:
    rng = np.random.default_rng(0)
    low = rng.uniform(-6, 6, 50)
    high = low + rng.uniform(0, 3, 50)
    bound = function.steepest_over(low, high)
    z = low + np.linspace(0, 1, 2001)[:, None] * (high - low)
    assert (np.abs(function.slope(z)).max(axis=0) <= bound + 1e-12).all()


def modules() -> dict[str, Any]:
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class Gate(nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x: Any) -> Any:
            return x * torch.sigmoid(x)

    class HardGate(nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x: Any) -> Any:
            return nn.functional.hardsigmoid(x) * x

    every = [nn.GELU(), nn.SiLU(), nn.Mish(), nn.Tanh(), nn.Sigmoid(), nn.Softplus(2.0),
             nn.ELU(0.7), nn.SELU(), nn.CELU(1.5), nn.Hardswish(), Gate(), HardGate()]  # fmt: skip
    out = {type(one).__name__: one for one in every}
    out["GELU tanh"] = nn.GELU("tanh")
    return out


NAMES = ["GELU", "GELU tanh", "SiLU", "Mish", "Tanh", "Sigmoid", "Softplus", "ELU", "SELU", "CELU",
         "Hardswish", "Gate", "HardGate"]  # fmt: skip


def two_layers(name: str) -> Any:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    unit = modules()[name]
    return torch.nn.Sequential(
        torch.nn.Linear(3, 12), unit, torch.nn.Linear(12, 8), unit, torch.nn.Linear(8, 2)
    ).double()


@pytest.mark.parametrize("name", NAMES)
def test_outputs_of_modules_are_within_the_stated_error(name: str) -> None:
    torch = pytest.importorskip("torch")
    module = two_layers(name)
    with pytest.raises(ModelError, match=r"(?s)not piecewise affine.*smooth=.pieces"):
        hw.model.read(module)
    X = np.random.default_rng(0).uniform(-2, 2, (4000, 3))
    truth = module(torch.tensor(X)).detach().numpy()
    last = np.inf
    for error in (1e-1, 1e-2, 1e-3):
        net = hw.model.read(module, smooth="pieces", error=error)
        gap = np.abs(net(X) - truth).max(axis=0)
        over_box, everywhere = net.approximation_errors(2.0), net.approximation_errors()
        assert (gap <= over_box).all()
        assert (over_box <= everywhere * (1 + 1e-9)).all()
        assert over_box.max() < last
        last = over_box.max()
    part = net.slice(np.zeros(3), np.eye(3)[:2], 1.0)
    assert part.n_regions > 10
    assert (net.codes(X[:50]).max(axis=0) > 1).any()


def test_a_property_of_the_smooth_model_follows() -> None:
    torch = pytest.importorskip("torch")
    module = two_layers("GELU")
    net = hw.model.read(module, smooth="pieces", error=1e-3)
    X = np.random.default_rng(0).uniform(-1, 1, (4000, 3))
    top = float(module(torch.tensor(X)).detach().numpy()[:, 0].max())
    margin = float(net.approximation_errors(1.0)[0])
    proved = hw.verify_property(net, 1.0, f"y0 <= {top + 0.5 - margin}")
    assert proved.holds  # so the module's output is at most top + .5 in the whole box
    assert proved.verify().ok


def test_the_last_function_is_still_left_out() -> None:
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(
        torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1), torch.nn.Sigmoid()
    )
    with pytest.warns(hw.errors.DataWarning, match="left out"):
        net = hw.model.read(module, smooth="pieces")
    assert [one.kind for one in net.output_activations] == ["sigmoid"]
    assert net.approximation_errors()[0] > 0


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_scikit_learn(activation: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (150, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlp = MLPRegressor(
            hidden_layer_sizes=(8,), activation=activation, random_state=0, max_iter=50
        )
        mlp.fit(X, X[:, 0] * X[:, 1])
        classifier = MLPClassifier(
            hidden_layer_sizes=(8,), activation=activation, random_state=0, max_iter=50
        )
        classifier.fit(X, X[:, 0] > 0)
    with pytest.raises(ModelError, match="smooth="):
        hw.model.read(mlp)
    net = hw.model.read(mlp, smooth="pieces", error=1e-4)
    gap = np.abs(net(X)[:, 0] - mlp.predict(X)).max()
    assert 0 < gap <= net.approximation_errors()[0]
    with pytest.warns(hw.errors.DataWarning, match="left out"):
        assert hw.model.read(classifier, smooth="pieces").n_units == 8


ONNX_KINDS: list[tuple[str, dict[str, Any]]] = [
    ("Sigmoid", {}), ("Tanh", {}), ("Softplus", {}), ("Elu", {"alpha": 0.7}), ("Selu", {}),
    ("Celu", {"alpha": 1.5}), ("Gelu", {}), ("Gelu", {"approximate": "tanh"}), ("HardSwish", {}),
    ("Mish", {}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "attributes"), ONNX_KINDS)
def test_files(kind: str, attributes: dict[str, Any]) -> None:
    onnx = pytest.importorskip("onnx")
    from onnx import helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    rng = np.random.default_rng(0)
    tensors = [
        numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)
        for name, shape in (("W", (3, 6)), ("V", (6, 2)))
    ]
    nodes = [
        helper.make_node("MatMul", ["x", "W"], ["z"]),
        helper.make_node(kind, ["z"], ["a"], **attributes),
        helper.make_node("MatMul", ["a", "V"], ["y"]),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "g",
        [value("x", onnx.TensorProto.FLOAT, ["n", 3])],
        [value("y", onnx.TensorProto.FLOAT, ["n", 2])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])
    with pytest.raises(ModelError, match=r"(?s)not piecewise affine.*smooth=.pieces"):
        hw.model.read(model)
    net = hw.model.read(model, smooth="pieces", error=1e-3)
    X = rng.uniform(-2, 2, (200, 3)).astype(np.float32)
    (truth,) = ReferenceEvaluator(model).run(None, {"x": X})
    gap = np.abs(net(X) - truth).max(axis=0)
    assert (gap <= net.approximation_errors() + 1e-5).all()


def test_options_are_checked() -> None:
    net = hw.model.from_arrays([[[1.0]]])
    assert net.approximation_errors() == 0
    mlp = MLPRegressor(hidden_layer_sizes=(3,), activation="tanh")
    with pytest.raises(DataError, match="expected 'pieces'"):
        hw.model.read(mlp, smooth="yes")
    with pytest.raises(DataError, match="error="):
        hw.model.read(mlp, smooth="pieces", error=0)
    X = np.random.default_rng(0).normal(size=(30, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlp.set_params(max_iter=5).fit(X, X[:, 0])
    with pytest.raises(ModelError, match="larger error="):
        hw.model.read(mlp, smooth="pieces", error=1e-9)
