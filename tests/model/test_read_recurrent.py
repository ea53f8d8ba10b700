"""Recurrent and quantised ONNX files, against onnxruntime."""

import numpy as np
import pytest

import hullwise as hw

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

STEPS, FEATURES, UNITS = 4, 3, 5


def file_of(nodes, shape, arrays):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    tensors = [numpy_helper.from_array(np.asarray(a), k) for k, a in arrays.items()]
    graph = helper.make_graph(nodes, "g", [x], [y], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def compare(model, shape, tolerance=1e-5):
    net = hw.model.read(model)
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    (y,) = session.run(["y"], {"x": x})
    np.testing.assert_allclose(net(x.reshape(len(x), -1)), y.reshape(len(x), -1), atol=tolerance)
    return net


def recurrent(direction, last, rows, kind="Relu", **more):
    rng = np.random.default_rng(0)
    ways = 2 if direction == "bidirectional" else 1
    arrays = {
        "W": rng.normal(size=(ways, UNITS, FEATURES)),
        "R": rng.normal(size=(ways, UNITS, UNITS)) / 2,
        "b": rng.normal(size=(ways, 2 * UNITS)),
        "h": np.repeat(rng.normal(size=(ways, 1, UNITS)), rows, axis=1),
    }
    order = [1, 0, 2] if last else [2, 0, 1, 3]
    inputs = ["turned", "W", "R", "b", "", "h"]
    options = {"hidden_size": UNITS, "direction": direction, "activations": [kind] * ways} | more
    nodes = [
        helper.make_node("Transpose", ["x"], ["turned"], perm=[1, 0, 2]),
        helper.make_node("RNN", inputs, ["Y", "Yh"], name="here", **options),
        helper.make_node("Transpose", ["Yh" if last else "Y"], ["y"], perm=order),
    ]
    arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
    return file_of(nodes, (rows, STEPS, FEATURES), arrays)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_recurrent_layers(direction, last):
    for rows in (1, 3):
        net = compare(recurrent(direction, last, rows), (rows, STEPS, FEATURES))
        assert net.n_units == STEPS * UNITS * (2 if direction == "bidirectional" else 1)
    leaky = recurrent(
        direction, last, 2, "LeakyRelu", activation_alpha=[0.2, 0.2][: net.n_units // 20]
    )
    compare(leaky, (2, STEPS, FEATURES))


def test_other_recurrence_is_refused():
    with pytest.raises(hw.ModelError, match=r"'here'.*of Tanh units.*not piecewise affine"):
        hw.model.read(recurrent("forward", 0, 2, "Tanh"))
    with pytest.raises(hw.ModelError, match=r"'here'.*clip.*not implemented"):
        hw.model.read(recurrent("forward", 0, 2, clip=3.0))


def quantised(signal=False, axis=0):
    rng = np.random.default_rng(2)
    arrays = {
        "W": rng.integers(-128, 128, (4, 3)).astype(np.int8),
        "scale": rng.uniform(0.01, 0.02, 4).astype(np.float32),
        "zero": rng.integers(-5, 5, 4).astype(np.int8),
        "V": rng.normal(size=(4, 2)).astype(np.float32),
        "s": np.float32(0.05),
        "z": np.uint8(100),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["W", "scale", "zero"], ["Wf"], axis=axis),
        helper.make_node("Gemm", ["x", "Wf"], ["a"], transB=1),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("QuantizeLinear", ["r" if signal else "V", "s", "z"], ["q"], name="here"),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["f"]),
        helper.make_node("MatMul", ["f", "V"] if signal else ["r", "f"], ["y"]),
    ]
    return file_of(nodes, ("N", 3), arrays)


def test_quantised_weights_are_the_numbers_they_stand_for():
    net = compare(quantised(), (6, 3))
    assert net.n_units == 4


def test_quantised_signals_jump():
    with pytest.raises(hw.ModelError, match=r"'here' is a QuantizeLinear.*jumps.*not implemented"):
        hw.model.read(quantised(signal=True))
