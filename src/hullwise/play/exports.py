"""What a page gives away: the network, the rows, the lines of Python that compute the same."""

from __future__ import annotations

import base64
import csv
import io
import warnings
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import torch

from .._core.foreign import own_errors
from ..errors import DataError
from .configuration import Configuration
from .network_run import NetworkRun
from .replay import replay_page

__all__ = ["export"]

ONNX_OPSET = 17
Answer = dict[str, Any]


def export(run: NetworkRun, configuration: Configuration, what: Any) -> Answer:
    """The file of a message "export": name, mime, text or base64.

    Raises
    ------
    DataError
        There is no such file.
    """
    if not isinstance(what, str) or what not in EXPORTS:
        raise DataError(f"what is {what!r:.40}: expected one of {', '.join(EXPORTS)}")
    return EXPORTS[what](run, configuration)


@own_errors("writing the network")
def _onnx(run: NetworkRun, _: Configuration) -> Answer:
    """The network at rest, as it is shown; its inputs are those named in the lines of Python."""
    module = deepcopy(run.training.module).eval()
    example = torch.zeros(1, len(run.inputs.names) if run.data.is_plane else run.data.X.shape[1])
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter of the day needs a package more, and this one is all that these layers need.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            module, (example,), stream, dynamo=False, opset_version=ONNX_OPSET,
            input_names=["x"], output_names=["f"], dynamic_axes={"x": {0: "n"}, "f": {0: "n"}},
        )  # fmt: skip
    return _binary("network.onnx", "application/octet-stream", stream.getvalue())


def _csv(run: NetworkRun, _: Configuration) -> Answer:
    """The rows in the units that the page says, and their targets."""
    data = run.data
    X = data.X if data.units is None else data.units.values(data.X)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*_column_names(run), "target"])
    labels = data.labels if data.n_classes else ()
    for row, target in zip(X.tolist(), data.targets.tolist(), strict=True):
        writer.writerow([*row, labels[target] if labels else target])
    return {"name": "rows.csv", "mime": "text/csv", "text": stream.getvalue()}


def _column_names(run: NetworkRun) -> list[str]:
    units = run.data.units
    return ["x", "y"] if units is None else list(units.names)


def _python(run: NetworkRun, configuration: Configuration) -> Answer:
    """A few lines that compute the picture's numbers again, beside the two files."""
    view = configuration.view or run.fit
    center, half = (list(map(float, part)) for part in (view.center, view.half))
    lines = [
        "import numpy as np, hullwise as hw",
        'network = hw.model.read("network.onnx")',
    ]
    if run.data.is_plane and run.inputs.is_curved:
        low, high = (np.array(center) - half).tolist(), (np.array(center) + half).tolist()
        lines += [
            f"inputs = hw.model.CurvedInputs({list(run.inputs.names)!r})",
            "# curved inputs have no flat pieces: this is the drawing behind chords of them",
            f"drawn = inputs.network(network, {low}, {high}, 32)",
            f"picture = drawn.slice({center}, np.eye(2), {half})",
        ]
    elif run.data.is_plane:
        lines.append(f"picture = network.slice({center}, np.eye(2), {half})")
    else:
        origin = (run.data.origin + np.array(center) @ run.data.axes).tolist()
        lines.append(f"picture = network.slice({origin}, {run.data.axes.tolist()}, {half})")
    units = run.data.units
    if units is not None and units.is_own:
        lines.insert(
            2,
            f"# the network takes (rows - {units.centre.tolist()}) / {units.scale.tolist()}",
        )
    d = run.data.X.shape[1]
    lines += [
        'print(picture.n_regions, "flat pieces in view")',
        f'rows = np.loadtxt("rows.csv", delimiter=",", skiprows=1, usecols=range({d}))',
        "print(hw.locate(rows, rows.mean(axis=0, keepdims=True) + 3 * rows.std(axis=0)))",
    ]
    text = "\n".join(lines) + "\n"
    return {"name": "picture.py", "mime": "text/x-python", "text": text}


def _page(run: NetworkRun, configuration: Configuration) -> Answer:
    page = replay_page(run, configuration)
    return _binary("replay.html", "text/html", page.encode())


def _binary(name: str, mime: str, content: bytes) -> Answer:
    return {"name": name, "mime": mime, "base64": base64.b64encode(content).decode("ascii")}


EXPORTS: dict[str, Callable[[NetworkRun, Configuration], Answer]] = {
    "onnx": _onnx,
    "csv": _csv,
    "python": _python,
    "page": _page,
}
