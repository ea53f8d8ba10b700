"""Loops and scans of ONNX files: as many passes as are made, or refused by name."""

import io
import warnings

import numpy as np
import pytest

import hullwise as hw

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

W = np.random.default_rng(0).normal(size=(3, 3))


def info(name, shape=None, kind=TensorProto.DOUBLE):
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name, value):
    return numpy_helper.from_array(np.asarray(value), name)


def model(nodes, weights, inputs, outputs):
    graph = helper.make_graph(nodes, "net", inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def looped(passes, batch, condition="going"):
    """h <- relu(h W) a few times, all of them stacked along a first axis."""
    body = [
        helper.make_node("MatMul", ["h", "w"], ["hw"]),
        helper.make_node("Relu", ["hw"], ["next"], name="units"),
        helper.make_node("ReduceMax", ["next"], ["size"], keepdims=0),
        helper.make_node("Less", ["size", "limit"], ["small"]),
        helper.make_node("Identity", ["going"], ["still"]),
        helper.make_node("Identity", ["next"], ["each"]),
    ]
    step = helper.make_graph(
        body,
        "body",
        [info("i", [], TensorProto.INT64), info("going", [], TensorProto.BOOL), info("h")],
        [
            info("still" if condition == "going" else "small", [], TensorProto.BOOL),
            info("next"),
            info("each"),
        ],
    )
    nodes = [
        helper.make_node("Loop", ["n", "", "x"], ["last", "all"], name="loop", body=step),
        helper.make_node("Transpose", ["all"], ["y"], perm=[1, 0, 2]),
    ]
    weights = [constant("n", np.int64(passes)), constant("w", W), constant("limit", 1e9)]
    return model(nodes, weights, [info("x", [batch, 3])], [info("y")])


def scanned(batch, backwards):
    """Running sums of relus along the second axis, from either end."""
    body = [
        helper.make_node("Add", ["sum", "part"], ["added"]),
        helper.make_node("Relu", ["added"], ["next"], name="units"),
        helper.make_node("Identity", ["next"], ["each"]),
    ]
    step = helper.make_graph(
        body, "body", [info("sum"), info("part")], [info("next"), info("each")]
    )
    nodes = [
        helper.make_node("MatMul", ["x", "zero"], ["start"]),
        helper.make_node(
            *("Scan", ["start", "steps"], ["last", "y"]),
            name="scan",
            body=step,
            num_scan_inputs=1,
            scan_input_axes=[1],
            scan_output_axes=[1],
            scan_input_directions=[int(backwards)],
            scan_output_directions=[int(backwards)],
        ),
        helper.make_node("Reshape", ["x", "shape"], ["steps"]),
    ]
    weights = [constant("zero", np.zeros((6, 2))), constant("shape", np.array([-1, 3, 2]))]
    return model(nodes[:1] + nodes[2:] + nodes[1:2], weights, [info("x", [batch, 6])], [info("y")])


@pytest.mark.parametrize("batch", ["n", 1, 4])
def test_a_loop_is_its_passes(batch):
    net = hw.model.read(looped(3, batch))
    assert net.n_units == 9
    X = np.random.default_rng(1).normal(size=(5, 3))
    h, out = X, []
    for _ in range(3):
        h = np.maximum(h @ W, 0)
        out.append(h)
    np.testing.assert_allclose(net(X), np.concatenate(out, axis=1), atol=1e-12)


@pytest.mark.parametrize("batch", ["n", 1, 4])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_scan_is_its_passes(batch, backwards):
    net = hw.model.read(scanned(batch, backwards))
    X = np.random.default_rng(2).normal(size=(5, 6))
    steps, state, out = X.reshape(5, 3, 2), np.zeros((5, 2)), np.zeros((5, 3, 2))
    for t in range(3)[:: -1 if backwards else 1]:
        state = out[:, t] = np.maximum(state + steps[:, t], 0)
    np.testing.assert_allclose(net(X), out.reshape(5, -1), atol=1e-12)


def test_an_end_that_depends_on_the_input_is_refused():
    with pytest.raises(hw.ModelError, match=r"(?s)'size'|whether it goes on depends on the input"):
        hw.model.read(looped(3, 1, condition="small"))


def test_too_many_passes_are_refused():
    with pytest.raises(hw.ModelError, match="more than 4,096 passes"):
        hw.model.read(looped(10**9, 1))
    with pytest.raises(hw.ModelError, match=r"'loop' is a Loop \(opset 21\) of no passes"):
        hw.model.read(looped(0, 1))


def test_a_loop_that_torch_writes():
    torch = pytest.importorskip("torch")

    class Repeated(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.nn.Linear(3, 3)

        def forward(self, x):
            for _ in range(4):
                x = torch.relu(self.inner(x)) - 0.1 * x
            return x

    torch.manual_seed(0)
    module = Repeated().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.script(module)
        file = io.BytesIO()
        torch.onnx.export(script, (torch.zeros(1, 3),), file, dynamo=False)
    proto = onnx.load_model_from_string(file.getvalue())
    net, live = hw.model.read(proto), hw.model.read(module)
    X = np.random.default_rng(3).normal(size=(6, 3))
    np.testing.assert_allclose(net(X), live(X), atol=1e-6)


def test_masks_that_are_moved_and_sums_at_places():
    """Masks cut and turned as what they mask is, scatters that add a branch, tests for gaps."""
    nodes = [
        helper.make_node("Greater", ["x", "zero"], ["mask"]),
        helper.make_node("Slice", ["mask", "last", "before", "one", "back"], ["turned"]),
        helper.make_node("Slice", ["x", "last", "before", "one", "back"], ["values"]),
        helper.make_node("Cast", ["turned"], ["share"], to=TensorProto.DOUBLE),
        helper.make_node("Mul", ["share", "values"], ["relus"]),
        helper.make_node("IsNaN", ["relus"], ["gaps"]),
        helper.make_node("And", ["gaps", "turned"], ["both"]),
        helper.make_node("Where", ["both", "zero", "relus"], ["filled"]),
        helper.make_node(
            *("ScatterElements", ["x", "places", "filled"], ["y"]), axis=1, reduction="add"
        ),
    ]
    weights = [
        constant("zero", np.zeros(1)),
        constant("places", np.array([[1, 1, 0]])),
        *(constant(k, np.array([v])) for k, v in (("last", -1), ("before", -9), ("back", -1))),
        constant("one", np.array([1])),
    ]
    net = hw.model.read(model(nodes, weights, [info("x", [1, 3])], [info("y")]))
    X = np.random.default_rng(4).normal(size=(9, 3))
    relus = np.maximum(X[:, ::-1], 0)
    expected = X + np.stack([relus[:, 2], relus[:, 0] + relus[:, 1], 0 * X[:, 0]], axis=1)
    np.testing.assert_allclose(net(X), expected, atol=1e-12)
