"""ONNX files: both exporters of torch, operators one by one, and files that must be refused."""

import warnings

import numpy as np
import pytest

import hullwise as hw

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnx.reference")
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
    "AveragePool ceil": one("AveragePool", IMAGE, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    "MatMul of a vector": one("MatMul", (4, 5), {"B": f(5)}),
    "MatMul of many": one("MatMul", (2, 4, 5), {"B": f(2, 5, 3)}),
    "Einsum": one("Einsum", (5,), {"W": f(3, 5)}, equation="bi,oi->bo"),
    "ConvTranspose": one("ConvTranspose", (2, 3, 3), {"W": f(2, 3, 2, 2)}, strides=[2, 2]),
    "Resize": one("Resize", (2, 3, 3), {"r": f(0), "s": np.float32([1, 1, 2, 2])}),
    "Pad with a number": one("Pad", (4,), {"p": np.array([0, 1, 0, 2]), "v": np.float32(1.5)}),
    "Sum": one("Sum", (5,), {"c": f(5), "d": f(5)}),
    "Min of three": one("Min", (5,), {"c": f(5), "d": f(5)}),
    "Shrink": one("Shrink", (5,), opset=9, lambd=0.5, bias=0.5),
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


def test_a_matrix_from_the_left():
    proto = model([helper.make_node("MatMul", ["W", "x"], ["y"])], {"W": f(3, 4)}, (2, 4, 5))
    X = f(6, 40)
    want = answers(proto, X, (2, 4, 5))
    np.testing.assert_allclose(hw.model.read(proto)(X), want, atol=1e-5)


def test_a_batch_moved_and_brought_back():
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0]),
        helper.make_node("Gather", ["t", "i"], ["g"], axis=0),
        helper.make_node("Transpose", ["g"], ["y"], perm=[1, 0]),
    ]
    net = hw.model.read(model(nodes, {"i": np.array([2, 0, 2])}, (4,)))
    np.testing.assert_array_equal(net(np.eye(4)[0]), [[0, 1, 0]])
    with pytest.raises(hw.ModelError, match="rows of a batch"):
        hw.model.read(model([helper.make_node("Transpose", ["x"], ["y"])], {}, (4,)))


def test_constants_beside_a_batch_of_one():
    node = helper.make_node("Concat", ["c", "x"], ["y"], axis=1)
    net = hw.model.read(model([node], {"c": np.float32([[7, 8]])}, (2,), batch=1))
    assert net([[1.0, 2.0], [3.0, 4.0]]).tolist() == [[7, 8, 1, 2], [7, 8, 3, 4]]


def test_a_single_row_without_a_batch_axis():
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [5])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [3])
    W = numpy_helper.from_array(f(5, 3), "W")
    nodes = [helper.make_node("MatMul", ["x", "W"], ["h"]), helper.make_node("Relu", ["h"], ["y"])]
    proto = helper.make_model(helper.make_graph(nodes, "g", [given], [result], [W]))
    assert hw.model.read(proto).n_units == 3


def test_functions_of_the_file_are_read():
    body = [helper.make_node("Relu", ["a"], ["r"]), helper.make_node("Neg", ["r"], ["b"])]
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    function = helper.make_function("own", "Less", ["a"], ["b"], body, opsets[:1])
    proto = model([helper.make_node("Less", ["x"], ["y"], domain="own")], {}, (4,))
    proto.opset_import.append(opsets[1])
    proto.functions.append(function)
    assert hw.model.read(proto)([[1.0, -1.0, 2.0, 0.0]]).tolist() == [[-1, 0, -2, 0]]


@pytest.mark.parametrize(
    ("kind", "attributes", "says"),
    [
        ("Cast", {"to": TensorProto.INT64}, "rounds"),
        ("Mul", {}, "product of two branches"),
        ("Softmax", {}, "Softmax"),
        ("Round", {}, "Round"),
        ("Shrink", {"lambd": 0.5}, "jumps"),
    ],
)
def test_operators_that_are_refused(kind, attributes, says):
    given = ["h", "x"] if kind == "Mul" else ["h"]
    nodes = [
        helper.make_node("Neg", ["x"], ["h"]),
        helper.make_node(kind, given, ["g"], name="here", **attributes),
        helper.make_node("Cast", ["g"], ["c"], to=TensorProto.FLOAT),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    with pytest.raises(hw.ModelError, match=f"'here'.*{says}"):
        hw.model.read(model(nodes, {}, (4,)))


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
    from torch_modules import resnet

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
        assert hw.model.read(model(nodes, {"A": f(5, 4)}, (5,))).output_activations


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


def test_a_constant_that_a_few_bytes_ask_for():
    nodes = [
        helper.make_node("ConstantOfShape", ["s"], ["c"]),
        helper.make_node("Add", ["x", "c"], ["y"]),
    ]
    with pytest.raises(hw.MemoryLimitError):
        hw.model.read(model(nodes, {"s": np.array([10**7, 10**8])}, (4,)))


@pytest.mark.parametrize("dims", [[10**12], [2**31, 2**31], [2**32, 2**32, 2**32]])
def test_declared_shapes_beyond_memory(dims):
    proto = model([helper.make_node("Gemm", ["x", "A"], ["y"])], {"A": f(5, 4)}, (5,))
    del proto.graph.initializer[0].dims[:]
    proto.graph.initializer[0].dims.extend(dims)
    with pytest.raises(hw.MemoryLimitError):
        hw.model.read(proto)
    with pytest.raises(hw.MemoryLimitError):
        hw.model.read(model([helper.make_node("Relu", ["x"], ["y"])], {}, tuple(dims)))


def test_a_tensor_larger_than_memory_is_refused_before_it_is_made(tmp_path):
    proto = model([helper.make_node("Gemm", ["x", "A"], ["y"])], {"A": f(5, 4)}, (5,))
    proto.graph.initializer[0].dims[0] = 10**12
    with pytest.raises((hw.MemoryLimitError, hw.ModelError)):
        hw.model.read(proto)


def test_whole_numbers_that_are_cast_first():
    nodes = [
        helper.make_node("Cast", ["x"], ["c"], to=TensorProto.FLOAT),
        helper.make_node("Gemm", ["c", "A"], ["y"]),
    ]
    proto = model(nodes, {"A": f(5, 4)}, (5,))
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    assert hw.model.read(proto).n_outputs == 4
