"""What the page says of a segment between two points: pieces, values, classes, hull, fade or morph.

With curved inputs the segment is bent in what the network takes: it is then read behind chords, of
which a segment affords many more than a picture.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.types import Floats, Ints
from ..errors import DataError
from ..metrics.walk import Walk, walk
from ..model.line import Line
from ..model.network import Network
from .drawing import Drawing
from .row_readings import RowReadings

__all__ = ["line_reading"]

LINE_CHORDS = 128
LINE_HULL_STEPS = 8  # the hull is convex: where it is left is found between them
CURVED_LINE_NOTE = (
    f"Curved inputs: the line is read behind {LINE_CHORDS} chords of each, its breaks are those of "
    "the network's units."
)


def line_reading(
    drawing: Drawing, readings: RowReadings, start: Floats, end: Floats
) -> dict[str, Any]:
    """Everything said of the segment from `start` to `end` (2,); `messages.py` describes it.

    Raises
    ------
    DataError
        If both are one point.

    Notes
    -----
    Cost: one forward pass for each piece, and membership of some tens of points in the hull: a few
    milliseconds, too much for every move of a pointer.
    """
    if (start == end).all():
        raise DataError("the line's two ends are one point; choose another")
    line, n_chord_units = _trace(drawing, start, end)
    units, layers = _broken_units(line, n_chord_units)
    breaks = np.array([at for at, own in zip(line.breaks, units, strict=True) if len(own)])
    outputs = drawing.outputs(drawing.rows(start + line.knots[:, None] * (end - start)))
    answer: dict[str, Any] = {
        "from": start,
        "to": end,
        "length": float(np.hypot(*(end - start))),
        "positions": line.knots,
        "values": outputs,
        "breaks": breaks,
        "break_layers": [layer for layer in layers if layer >= 0],
        "n_pieces": len(breaks) + 1,
        "exact": not drawing.is_curved,
        "notes": [CURVED_LINE_NOTE] if drawing.is_curved else [],
    }
    if readings.has_rows:
        answer |= _among_rows(drawing, readings, start, end)
    if drawing.has_classes:
        answer["decisions"] = line.decisions()
    return answer


def _trace(drawing: Drawing, start: Floats, end: Floats) -> tuple[Line, int]:
    """The drawn network on the segment, and how many units of chords come first."""
    net: Network = drawing.net
    if not drawing.data.is_plane:
        ends = drawing.rows(np.stack([start, end]))
        return net.along(*ends), 0
    low, high = np.minimum(start, end), np.maximum(start, end)
    wide = 1e-9 * max(1.0, float(np.abs([low, high]).max()))  # a level line is no rectangle
    behind = drawing.inputs.network(net, low - wide, high + wide, LINE_CHORDS)
    n_chord_units = behind.layers[0].n_units if drawing.is_curved else 0
    return behind.along(start, end), n_chord_units


def _broken_units(line: Line, n_chord_units: int) -> tuple[list[Ints], list[int]]:
    """The network's own units that change at each break, and the first of their layers, or -1."""
    ends = [layer.start + layer.n_units for layer in line.net.layers]
    n_chord_layers = int(n_chord_units > 0)
    units = [unit[unit >= n_chord_units] for unit in line.units]
    layers = [
        int(np.searchsorted(ends, own[0], side="right")) - n_chord_layers if len(own) else -1
        for own in units
    ]
    return units, layers


def _among_rows(
    drawing: Drawing, readings: RowReadings, start: Floats, end: Floats
) -> dict[str, Any]:
    """Where the segment leaves the hull, and whether its middle is like some row."""
    ends = drawing.rows(np.stack([start, end]))
    path = walk(readings.cloud, ends[0], ends[1], metric=None, steps=LINE_HULL_STEPS)
    return {
        "outside_share": path.outside_share,
        "outside": path.outside,
        "fades": path.fades,
        "to_average": path.to_average,
        "to_row": path.to_row,
        "nearest_row": path.nearest_row,
        "usual_gap": readings.usual_gap,
        "sentence": fade_sentence(path, readings.usual_gap),
    }


def fade_sentence(path: Walk, usual_gap: float) -> str:
    """Whether the middle of the path is a mixture of its ends or like some row.

    A straight line fades unless a row lies exactly halfway; that says little where rows are no
    farther than they are from each other.
    """
    near = f"{path.to_row:.3g} from the nearest row"
    if usual_gap > 0:
        near += f", {path.to_row / usual_gap:.2g} times what is usual between neighbouring rows"
    if not path.fades:
        return f"The line morphs: halfway it is like a row, {near}."
    if path.to_row <= 2 * usual_gap:
        return f"Halfway the line is among the rows, {near}."
    return f"The line fades: halfway it is the average of its ends and like no row, {near}."
