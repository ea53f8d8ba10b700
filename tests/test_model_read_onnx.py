"""ONNX files: both exporters of torch, operators one by one, and files that must be refused."""

import warnings

import numpy as np
import pytest

import hullwise as hw

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

rng = np.random.default_rng(0)


def model(nodes, arrays, shape, opset=18, batch="b"):
    """A model from nodes, named constants and the shape of a row."""
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *shape])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["m", "n"])
    constants = [numpy_helper.from_array(np.asarray(a), k) for k, a in arrays.items()]
    graph = helper.make_graph(nodes, "g", [given], [result], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def one(kind, shape, arrays=None, opset=18, **attributes):
    arrays = {k: np.asarray(v) for k, v in (arrays or {}).items()}
    return model(
        [helper.make_node(kind, ["x", *arrays], ["y"], **attributes)], arrays, shape, opset
    )


def f(*shape):
    return rng.normal(size=shape).astype(np.float32)


IMAGE = (2, 6, 7)
SLICE = {"s": [1, 5], "e": [2, 0], "a": [1, 3], "t": [1, -2]}  # start, end, axes, steps
SINGLE = {
    "Gemm": one("Gemm", (5,), {"B": f(3, 5), "C": f(3)}, transB=1, alpha=0.5, beta=2.0),
    "Gemm plain": one("Gemm", (5,), {"B": f(5, 3)}),
    "MatMul": one("MatMul", (4, 5), {"B": f(5, 3)}),
    "Conv": one("Conv", IMAGE, {"W": f(4, 2, 3, 2), "b": f(4)}, strides=[2, 1], pads=[1, 0, 1, 2]),
    "Conv groups": one("Conv", IMAGE, {"W": f(4, 1, 3, 3)}, group=2, dilations=[1, 2]),
    "Conv same": one("Conv", IMAGE, {"W": f(4, 2, 3, 4)}, auto_pad="SAME_UPPER", strides=[2, 2]),
    "Conv same lower": one("Conv", IMAGE, {"W": f(4, 2, 4, 4)}, auto_pad="SAME_LOWER"),
    "BatchNormalization": one(
        "BatchNormalization",
        IMAGE,
        {"s": f(2), "b": f(2), "m": f(2), "v": np.exp(f(2))},
        epsilon=1e-3,
    ),
    "AveragePool": one(
        "AveragePool", IMAGE, kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 0]
    ),
    "AveragePool counted": one(
        "AveragePool", IMAGE, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1
    ),
    "GlobalAveragePool": one("GlobalAveragePool", IMAGE),
    "ReduceMean 13": one("ReduceMean", IMAGE, opset=13, axes=[2, 3], keepdims=0),
    "ReduceMean 18": one("ReduceMean", IMAGE, {"a": np.array([-1])}, keepdims=1),
    "ReduceMax": one("ReduceMax", IMAGE, {"a": np.array([1, -1])}, keepdims=0),
    "ReduceMin 13": one("ReduceMin", IMAGE, opset=13, axes=[2], keepdims=1),
    "MaxPool": one("MaxPool", IMAGE, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    "MaxPool ceil": one("MaxPool", IMAGE, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    "GlobalMaxPool": one("GlobalMaxPool", IMAGE),
    "Flatten": one("Flatten", IMAGE),
    "Reshape": one("Reshape", IMAGE, {"s": np.array([0, 3, -1])}),
    "Transpose": one("Transpose", IMAGE, perm=[0, 2, 3, 1]),
    "Unsqueeze": one("Unsqueeze", (5,), {"a": np.array([1])}),
    "Squeeze": one("Squeeze", (1, 5), {"a": np.array([1])}),
    "Slice": one("Slice", IMAGE, SLICE),
    "Gather": one("Gather", IMAGE, {"i": np.array([1, 1, 0])}, axis=1),
    "Pad": one("Pad", (4,), {"p": np.array([0, 1, 0, 2])}),
    "Relu": one("Relu", IMAGE),
    "LeakyRelu": one("LeakyRelu", IMAGE, alpha=0.3),
    "PRelu": one("PRelu", IMAGE, {"s": f(2, 1, 1)}),
    "Abs": one("Abs", IMAGE),
    "Neg": one("Neg", IMAGE),
    "Clip 6": one("Clip", IMAGE, opset=6, min=-0.5, max=1.0),
    "Clip": one("Clip", IMAGE, {"l": np.float32(-0.3)}),
    "HardSigmoid": one("HardSigmoid", IMAGE, alpha=0.25),
    "Max of constant": one("Max", (5,), {"c": f(5)}),
    "Add": one("Add", (5,), {"c": f(5)}),
    "Div": one("Div", (5,), {"c": np.exp(f(5))}),
    "Cast": one("Cast", (5,), to=TensorProto.FLOAT),
    "Dropout": one("Dropout", (5,)),
}


def answers(proto, X, shape):
    x = X.reshape(len(X), *shape)
    return onnx.reference.ReferenceEvaluator(proto).run(None, {"x": x})[0].reshape(len(X), -1)


@pytest.mark.parametrize("name", SINGLE)
def test_operators(name):
    proto = SINGLE[name]
    dims = proto.graph.input[0].type.tensor_type.shape.dim
    shape = tuple(d.dim_value for d in dims)[1:]
    net = hw.model.read(proto)
    X = np.random.default_rng(3).normal(size=(20, int(np.prod(shape)))).astype(np.float32)
    want = answers(proto, X, shape)
    np.testing.assert_allclose(net(X), want, atol=2e-5 * np.abs(want).max())
    p = hw.dissect(net, X[:3])
    found = np.einsum("mod,md->mo", p.A, X[:3]) + p.b
    np.testing.assert_allclose(found, net(X[:3]), atol=1e-12 * np.abs(want).max())


def branches(kind, **attributes):
    nodes = [
        helper.make_node("Gemm", ["x", "A"], ["a"]),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("Gemm", ["x", "B"], ["b"]),
        helper.make_node(kind, ["r", "b"], ["y"], **attributes),
    ]
    return model(nodes, {"A": f(5, 4), "B": f(5, 4)}, (5,))


@pytest.mark.parametrize("kind", ["Add", "Sub", "Max", "Min", "Concat"])
def test_two_branches(kind):
    proto = branches(kind, **({"axis": -1} if kind == "Concat" else {}))
    X = f(30, 5)
    np.testing.assert_allclose(hw.model.read(proto)(X), answers(proto, X, (5,)), atol=1e-5)


def test_shapes_worked_out_by_the_graph():
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Unsqueeze", ["n", "axes"], ["n1"]),
        helper.make_node("Concat", ["n1", "rest"], ["to"], axis=0),
        helper.make_node("Reshape", ["x", "to"], ["y"]),
    ]
    arrays = {"zero": np.array(0), "axes": np.array([0]), "rest": np.array([-1])}
    assert hw.model.read(model(nodes, arrays, IMAGE)).output_shape == (84,)


@pytest.mark.parametrize("batch", ["b", 1, 3])
def test_batches_fixed_or_open(batch):
    nodes = [helper.make_node("Flatten", ["x"], ["h"]), helper.make_node("Relu", ["h"], ["y"])]
    net = hw.model.read(model(nodes, {}, IMAGE, batch=batch))
    assert net.n_inputs == net.n_units == 84


@pytest.mark.parametrize("dynamo", [False, True])
@pytest.mark.parametrize("opened", [False, True])
def test_torch_exporters(tmp_path, dynamo, opened):
    torch = pytest.importorskip("torch")
    if dynamo:
        pytest.importorskip("onnxscript")
    from test_model_read_torch import resnet

    module, path = resnet().float(), tmp_path / "net.onnx"
    options = {"dynamo": dynamo, "verbose": False} if dynamo else {"dynamo": False}
    if opened and dynamo:
        options["dynamic_shapes"] = ({0: torch.export.Dim.DYNAMIC},)
    elif opened:
        options |= {"input_names": ["x"], "dynamic_axes": {"x": {0: "b"}}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (torch.randn(2 if opened else 1, 3, 16, 16),), path, **options)
    net = hw.model.read(path)
    X = np.random.default_rng(0).normal(size=(10, 768))
    with torch.no_grad():
        want = module.double()(torch.tensor(X.reshape(10, 3, 16, 16))).numpy()
    np.testing.assert_allclose(net(X), want, atol=1e-4)
    live = hw.model.read(module, (3, 16, 16))
    assert [layer.kind for layer in live.layers] == [layer.kind for layer in net.layers]
    np.testing.assert_array_equal(live.codes(X[:3]), net.codes(X[:3]))


def test_a_final_softmax_is_left_out():
    nodes = [helper.make_node("Gemm", ["x", "A"], ["h"]), helper.make_node("Softmax", ["h"], ["y"])]
    with pytest.warns(hw.DataWarning, match="left out"):
        assert hw.model.read(model(nodes, {"A": f(5, 4)}, (5,))).outside


def test_unknown_operators_are_named_with_the_part_before_them():
    nodes = [
        helper.make_node("Gemm", ["x", "A"], ["a"], name="first"),
        helper.make_node("Relu", ["a"], ["r"], name="second"),
        helper.make_node("Gelu", ["r"], ["g"], name="third"),
        helper.make_node("Gemm", ["g", "B"], ["y"], name="fourth"),
    ]
    proto = model(nodes, {"A": f(5, 4), "B": f(4, 2)}, (5,), opset=20)
    with pytest.raises(hw.ModelError, match=r"layer 'third' is a Gelu.*max pooling.*upto"):
        hw.model.read(proto)
    assert hw.model.read(proto, upto="third").n_units == 4
    with pytest.raises(hw.ModelError, match="no layer 'fifth'"):
        hw.model.read(proto, upto="fifth")


def saved(tmp_path, proto, name="m.onnx"):
    path = tmp_path / name
    path.write_bytes(proto.SerializeToString())
    return path


def test_files_that_cannot_be_read(tmp_path):
    good = SINGLE["Gemm"].SerializeToString()
    for name, content, says in [
        ("cut.onnx", good[: len(good) // 2], "cut short|not valid|layers"),
        ("empty.onnx", b"", "empty"),
        ("text.onnx", b"hello world, this is text", "cut short|layers|not valid"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(hw.HullwiseError, match=says):
            hw.model.read(tmp_path / name)
    with pytest.raises(hw.FileError, match="nowhere"):
        hw.model.read(tmp_path / "nowhere.onnx")


@pytest.mark.parametrize("name", ["m.pt", "m.pkl", "m.joblib", "m.onnx", "zip.onnx"])
def test_pickles_are_refused_and_not_opened(tmp_path, name):
    import pickle

    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was opened",))

    path = tmp_path / name
    path.write_bytes(b"PK\x03\x04" + b"0" * 50 if name == "zip.onnx" else pickle.dumps(Bomb()))
    with pytest.raises(hw.ModelError, match=r"pickle.*torch\.onnx\.export"):
        hw.model.read(path)


def test_weights_outside_the_folder_are_not_read(tmp_path):
    (tmp_path / "secret.bin").write_bytes(b"\0" * 80)
    folder = tmp_path / "model"
    folder.mkdir()
    proto = SINGLE["Gemm plain"]
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    (tensor,) = copy.graph.initializer
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret.bin")
    with pytest.raises(hw.ModelError, match="outside its own folder"):
        hw.model.read(saved(folder, copy))
    del tensor.external_data[:]
    tensor.external_data.add(key="location", value="absent.bin")
    with pytest.raises(hw.HullwiseError, match=r"absent\.bin"):
        hw.model.read(saved(folder, copy))


def test_graphs_that_cannot_be():
    A = {"A": f(5, 4)}
    turned = [helper.make_node("Relu", ["h"], ["y"]), helper.make_node("Gemm", ["x", "A"], ["h"])]
    with pytest.raises(hw.ModelError, match="valid"):
        hw.model.read(model(turned, A, (5,)))
    nan = {"A": np.full((5, 4), np.nan, np.float32)}
    with pytest.raises(hw.ModelError, match="NaN"):
        hw.model.read(model([helper.make_node("Gemm", ["x", "A"], ["y"])], nan, (5,)))
    two = model([helper.make_node("Gemm", ["x", "A"], ["y"])], A, (5,))
    two.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 2]))
    with pytest.raises(hw.ModelError, match="2 inputs"):
        hw.model.read(two)
    wrong = model([helper.make_node("Gemm", ["x", "A"], ["y"])], A, (7,))
    with pytest.raises(hw.ModelError, match="cannot be run"):
        hw.model.read(wrong)
    opened = model([helper.make_node("Relu", ["x"], ["y"])], {}, ("c", "h"))
    with pytest.raises(hw.ModelError, match="input_shape"):
        hw.model.read(opened)
    assert hw.model.read(opened, (3, 4)).n_units == 12


def test_a_tensor_larger_than_memory_is_refused_before_it_is_made(tmp_path):
    proto = model([helper.make_node("Gemm", ["x", "A"], ["y"])], {"A": f(5, 4)}, (5,))
    proto.graph.initializer[0].dims[0] = 10**12
    with pytest.raises((hw.MemoryLimitError, hw.ModelError)):
        hw.model.read(proto)
