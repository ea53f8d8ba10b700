"""Every torch module of these tests as an ONNX file, by both exporters: the same network."""

import functools
import io
import logging
import warnings

import numpy as np
import pytest

import hullwise as hw

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from torch import nn  # noqa: E402

from torch_modules import CALLS, MODULES, Calls, settled  # noqa: E402

# what an exporter cannot write, or writes as something else
UNWRITTEN = {
    "script": {
        *("adaptive average, uneven", "adaptive max, uneven", "threshold", "spectral norm"),
        *("data parallel", "batch norm", "average pool, divisor"),
    },
    "dynamo": {
        *("rrelu", "adaptive max, uneven", "batch norm", "data parallel"),
        "average pool, divisor",
    },
}
# made for the two rows of the example, where the batch is open
OF_TWO_ROWS = {"shapes in Python", "constants made on the way", "a constant beside"}


class Together(nn.Module):
    """Several modules on one input: exporting them at once takes a tenth of the time."""

    def __init__(self, parts):
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x):
        return tuple(part(x) for part in self.parts)


@functools.cache
def modules():
    torch.manual_seed(0)
    out = {name: (settled(module), shape) for name, (module, shape) in MODULES.items()}
    calls = {name: (settled(Calls(call)), shape) for name, (call, shape) in CALLS.items()}
    return {name: (module.double(), shape) for name, (module, shape) in (out | calls).items()}


@functools.cache
def exported(exporter, shape, opened):
    """A file with all modules for one shape of rows, and the names of their outputs."""
    parts = {
        name: module
        for name, (module, own) in modules().items()
        if own == shape and name not in UNWRITTEN[exporter]
    }
    example = torch.randn(2 if opened else 1, *shape, dtype=torch.float64)
    together = Together(parts.values()).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == "dynamo":
            pytest.importorskip("onnxscript")
            logging.getLogger("torch.onnx").setLevel(logging.ERROR)
            program = torch.onnx.export(together, (example,), dynamo=True, verbose=False)
            proto = program.model_proto
        else:
            file = io.BytesIO()
            options = {"dynamic_axes": {"x": {0: "b"}}} if opened else {}
            torch.onnx.export(
                together, (example,), file, dynamo=False, input_names=["x"], **options
            )
            proto = onnx.load_model_from_string(file.getvalue())
    outputs = [output.name for output in proto.graph.output]
    return proto, dict(zip(parts, outputs, strict=True))


def compare(name, exporter, opened):
    module, shape = modules()[name]
    proto, outputs = exported(exporter, shape, opened)
    net, live = hw.model.read(proto, upto=outputs[name]), hw.model.read(module, shape)
    X = 3 * np.random.default_rng(5).normal(size=(20, int(np.prod(shape))))
    expected = live(X)
    # slopes and bounds are float32 in a file, whatever the module's own numbers are
    assert np.abs(net(X) - expected).max() <= 1e-7 * np.abs(expected).max()
    p, q = hw.dissect(net, X[:3]), hw.dissect(live, X[:3])
    np.testing.assert_allclose(p.A, q.A, atol=1e-7 * np.abs(q.A).max())


def names(exporter, without=frozenset()):
    return [n for n in [*MODULES, *CALLS] if n not in UNWRITTEN[exporter] and n not in without]


@pytest.mark.parametrize("name", names("script"))
def test_the_older_exporter(name):
    compare(name, "script", opened=False)


@pytest.mark.parametrize("name", names("script", OF_TWO_ROWS))
def test_the_older_exporter_with_an_open_batch(name):
    compare(name, "script", opened=True)


@pytest.mark.parametrize("name", sorted(OF_TWO_ROWS))
def test_a_file_made_for_two_rows_is_refused(name):
    with pytest.raises(hw.ModelError, match=r"\(7, |rows of a batch"):
        compare(name, "script", opened=True)


@pytest.mark.parametrize("name", names("dynamo"))
def test_the_newer_exporter(name):
    compare(name, "dynamo", opened=False)
