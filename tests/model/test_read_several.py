"""Models of several inputs or outputs, exported programs, compiled modules."""

import warnings
import zipfile

import numpy as np
import pytest

import hullwise as hw

onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from torch import nn  # noqa: E402

from torch_modules import resnet  # noqa: E402


class Several(nn.Module):
    """Two inputs and a flag; answers by name and by place."""

    def __init__(self, kind="dict"):
        super().__init__()
        self.kind = kind
        self.image, self.state = nn.Conv2d(2, 3, 3), nn.Linear(4, 3)
        self.head = nn.Linear(3, 2)

    def forward(self, image, state, doubled=False):
        z = self.image(image).amax((2, 3)) + self.state(state).relu() * (2 if doubled else 1)
        logits = self.head(z.relu())
        return {"logits": logits, "aux": (z, state)} if self.kind == "dict" else (logits, z)


def random(*shape):
    return torch.randn(*shape, dtype=torch.float64)


@pytest.fixture
def rows():
    torch.manual_seed(2)
    return random(6, 2, 5, 5), random(6, 4)


def test_inputs_side_by_side(rows):
    module = Several("tuple").eval()
    shapes = {"state": (4,), "image": (2, 5, 5)}
    net = hw.model.read(module, shapes, output=0)
    image, state = rows
    X = torch.cat([state, image.flatten(1)], 1).numpy()
    with torch.no_grad():
        expected = module.double()(image, state)[0].numpy()
    np.testing.assert_allclose(net(X), expected, atol=1e-12)
    net = hw.model.read(module, shapes, output="1", constants={"doubled": True})
    with torch.no_grad():
        expected = module.double()(image, state, True)[1].numpy()
    np.testing.assert_allclose(net(X), expected, atol=1e-12)


def test_an_input_that_stays_what_it_is(rows):
    module, (image, state) = Several().eval(), rows
    for shape, constants, X, arguments in (
        ((2, 5, 5), {"state": state[:1].numpy()}, image, (image, state[:1].expand(6, 4))),
        ((4,), {"image": image[:1]}, state, (image[:1].expand(6, 2, 5, 5), state)),
    ):
        net = hw.model.read(module, shape, output="logits", constants=constants)
        with torch.no_grad():
            expected = module.double()(*arguments)["logits"].numpy()
        np.testing.assert_allclose(net(X.flatten(1).numpy()), expected, atol=1e-12)


def test_outputs_by_name():
    net = hw.model.read(
        Several().eval(), (2, 5, 5), output="aux.0", constants={"state": np.ones((1, 4))}
    )
    assert net.n_outputs == 3
    read = hw.model.read
    constants = {"state": np.ones((1, 4))}
    with pytest.raises(hw.ModelError, match=r"2 outputs.*'logits', 'aux.0'.*output='logits'"):
        read(Several().eval(), (2, 5, 5), constants=constants)
    with pytest.raises(hw.ModelError, match="no output 'loss'"):
        read(Several().eval(), (2, 5, 5), output="loss", constants=constants)
    with pytest.raises(hw.ModelError, match=r"3 inputs.*constants=.'state'"):
        read(Several().eval(), (2, 5, 5))
    with pytest.raises(hw.ModelError, match="takes no 'mask'"):
        read(Several().eval(), (2, 5, 5), constants={"mask": None})
    with pytest.raises(hw.DataError, match="not both"):
        read(Several().eval(), (2, 5, 5), upto="head", output=0)
    with pytest.raises(hw.ModelError, match="one input and one output"):
        read(net, output=0)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of torch, about itself
@pytest.mark.parametrize("batch", [1, 2, "open"])
def test_exported_programs(batch):
    module, sizes = resnet(), {0: torch.export.Dim("rows")}
    x = torch.randn(2 if batch == "open" else batch, 3, 16, 16)
    dynamic = (sizes,) if batch == "open" else None
    program = torch.export.export(module, (x,), dynamic_shapes=dynamic)
    net, X = hw.model.read(program), random(5, 3, 16, 16)
    lowered = hw.model.read(program.run_decompositions())
    with torch.no_grad():
        expected = module.double()(X).numpy()
    np.testing.assert_allclose(net(X.flatten(1).numpy()), expected, atol=1e-12)
    np.testing.assert_allclose(lowered(X.flatten(1).numpy()), expected, atol=1e-12)


def test_a_program_of_several_inputs(rows):
    module, (image, state) = Several("tuple").eval(), rows
    program = torch.export.export(module.double(), (image[:2], state[:2]))
    net = hw.model.read(program, output=0, constants={"state": state[:1].numpy()})
    with torch.no_grad():
        expected = module(image, state[:1].expand(6, 4))[0].numpy()
    np.testing.assert_allclose(net(image.flatten(1).numpy()), expected, atol=1e-12)
    with pytest.raises(hw.ModelError, match="takes image, state"):
        hw.model.read(program)


@pytest.mark.parametrize("compile_", [torch.jit.script, lambda m: torch.jit.trace(m, IMAGES)])
def test_compiled_modules(compile_):
    module = resnet()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = compile_(module)
    net, X = hw.model.read(compiled, (3, 16, 16)), random(5, 3, 16, 16)
    with torch.no_grad():
        expected = module.double()(X).numpy()
    np.testing.assert_allclose(net(X.flatten(1).numpy()), expected, atol=1e-12)


IMAGES = torch.zeros(2, 3, 16, 16)


def two_headed(batch):
    """relu(a W + b) and its negative, of a (batch, 3) and b (batch, 2)."""
    W = np.array([[1.0, 2.0], [0.0, -1.0], [0.5, 0.0]], dtype=np.float32)
    values = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, (batch, k))
        for n, k in (("a", 3), ("b", 2))
    ]
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, (batch, 2)) for n in ("y", "z")]
    nodes = [
        helper.make_node("MatMul", ["a", "W"], ["aW"]),
        helper.make_node("Add", ["aW", "b"], ["s"]),
        helper.make_node("Relu", ["s"], ["y"]),
        helper.make_node("LeakyRelu", ["s"], ["z"], alpha=0.5),
    ]
    graph = helper.make_graph(nodes, "g", values, outputs, [numpy_helper.from_array(W, "W")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model, W.astype(np.float64)


@pytest.mark.parametrize("batch", ["N", 1, 4])
def test_onnx_inputs_and_outputs(batch):
    model, W = two_headed(batch)
    A, B = np.random.default_rng(0).normal(size=(2, 5, 3))
    B = B[:, :2]
    net = hw.model.read(model, output="z")
    s = A @ W + B
    np.testing.assert_allclose(net(np.hstack([A, B])), np.where(s > 0, s, 0.5 * s))
    net = hw.model.read(model, {"b": (2,), "a": (3,)}, output=0)
    np.testing.assert_allclose(net(np.hstack([B, A])), np.maximum(s, 0))
    net = hw.model.read(model, output="y", constants={"b": B[:1]})
    np.testing.assert_allclose(net(A), np.maximum(A @ W + B[0], 0))
    with pytest.raises(hw.ModelError, match="output='y'"):
        hw.model.read(model)
    with pytest.raises(hw.ModelError, match=r"takes a, b, input_shape names a"):
        hw.model.read(model, {"a": (3,)}, output="y")
    with pytest.raises(hw.ModelError, match=r"no input 'c'.*takes a, b"):
        hw.model.read(model, output="y", constants={"c": 0})


def saved(program, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(program, path)
    return path


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of torch, about itself
@pytest.mark.parametrize("batch", [1, "open"])
def test_files_of_exported_programs(batch, tmp_path):
    module = resnet()
    dynamic = ({0: torch.export.Dim("rows")},) if batch == "open" else None
    x = torch.randn(1 if batch == 1 else 2, 3, 16, 16)
    program = torch.export.export(module, (x,), dynamic_shapes=dynamic)
    net = hw.model.read(saved(program, tmp_path / "net.pt2"))
    lowered = hw.model.read(saved(program.run_decompositions(), tmp_path / "low.pt2"))
    X = random(5, 3, 16, 16)
    with torch.no_grad():
        expected = module.double()(X).numpy()
    for one in (net, lowered):
        np.testing.assert_allclose(one(X.flatten(1).numpy()), expected, atol=1e-12)
    assert "net.pt2" in repr(net)


def changed(path, old, new):
    """The archive with a text replaced in its JSON."""
    out = path.with_name("changed.pt2")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w") as target:
        for one in source.infolist():
            data = source.read(one)
            target.writestr(one, data.replace(old, new) if one.filename.endswith("json") else data)
    return out


def test_files_that_would_run_code_are_refused(tmp_path):
    program = torch.export.export(nn.Sequential(nn.Linear(3, 2), nn.ReLU()), (torch.ones(2, 3),))
    path = saved(program, tmp_path / "net.pt2")
    for old, new, says in (
        (b'"use_pickle": false', b'"use_pickle": true', "pickle.*torch.export.load"),
        (b"torch.ops.aten.relu.default", b"os.system", "calls 'os.system'.*not implemented"),
        (b"torch.ops.aten.relu.default", b"torch.ops.aten.from_file.default", "from_file"),
        (b"torch.ops.aten.relu.default", b"torch.ops.aten.nothing.default", "nothing"),
    ):
        with pytest.raises(hw.ModelError, match=says):
            hw.model.read(changed(path, old, new))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(hw.FileError, match="cut short"):
        hw.model.read(path)
    with pytest.raises(hw.FileError, match="absent"):
        hw.model.read(tmp_path / "absent.pt2")
