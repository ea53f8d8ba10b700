"""Answers to what a page asks of a snapshot, as JSON takes them; `messages` describes each part.

The readings themselves are in `probe`, `line_reading`, `metric_ellipses`, `guard_reading` and
`complexity_reading`, as functions of a drawing. What is prepared for the rows of a data set is kept
for as long as one of the newest data sets needs it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.types import Floats
from ..errors import DataError, HullwiseError
from ..model.guard import Guard
from .complexity_reading import complexity_reading
from .configuration import is_finite_number
from .data_sets import DataSet
from .drawing import CHORDS_TRAINING, Drawing
from .feature_plane import feature_plane
from .guard_reading import guard_reading
from .line_reading import line_reading
from .metric_ellipses import metric_ellipses, task_metric
from .probe import chord_errors, probe
from .row_readings import RowReadings

if TYPE_CHECKING:
    from .snapshot import Snapshot

__all__ = [
    "as_json",
    "features_answer",
    "frame_answer",
    "line_answer",
    "new_rows_answer",
    "probe_answer",
    "unit_answer",
]

PREPARED_DATA_SETS = 12
FEWEST_GUARDED_ROWS = 2  # of one row no range has a width

Answer = dict[str, Any]


@lru_cache(maxsize=PREPARED_DATA_SETS)
def row_readings(data: DataSet) -> RowReadings:
    """What is prepared once for the rows of a data set."""
    return RowReadings(data)


def probe_answer(snapshot: Snapshot, message: Answer) -> Answer:
    """Of the message "probe"."""
    point = point_of(message, "point")
    drawing, show = snapshot.drawing, snapshot.configuration.show
    readings = row_readings(drawing.data)
    answer = probe(drawing, readings, point, simplex=show.simplex)
    if show.metric is not None and readings.has_rows:
        answer["metric_hull"] = _hull_in_task_metric(drawing, readings, point)
    if show.guard and len(drawing.data.X) >= FEWEST_GUARDED_ROWS:
        answer["guard"] = _guarded(drawing, point)
    return as_json(answer)  # type: ignore[no-any-return]


def _hull_in_task_metric(drawing: Drawing, readings: RowReadings, point: Floats) -> Answer | None:
    try:
        metric = task_metric(drawing)
    except HullwiseError:  # a network that does not change anywhere has none
        return None
    (row,) = drawing.rows(point[None])
    return readings.hull(row, metric, band=not is_preview(drawing))


def _guarded(drawing: Drawing, point: Floats) -> Answer:
    guard = fitted_guard(drawing)
    inputs = drawing.network_inputs(drawing.rows(point[None]))
    n_clipped = int(guard.clip_count(inputs)[0])
    return {
        "clipped": n_clipped > 0,
        "n_clipped": n_clipped,
        "outputs": guard.predict(inputs)[0],
    }


@lru_cache(maxsize=PREPARED_DATA_SETS)
def fitted_guard(drawing: Drawing) -> Guard:
    """The guard of a drawing's weights and rows.

    Its threshold is not used: the level is one that needs no more rows than there are.
    """
    rows = drawing.network_inputs(drawing.data.X)
    return Guard(drawing.net, level=max(0.05, 1 / (len(rows) + 1))).fit(rows)


def is_preview(drawing: Drawing) -> bool:
    """Whether it is one of many frames while training: what takes long is left out."""
    return drawing.n_pieces == CHORDS_TRAINING


def line_answer(snapshot: Snapshot, message: Answer) -> Answer:
    """Of the message "line"."""
    start, end = point_of(message, "from"), point_of(message, "to")
    drawing = snapshot.drawing
    return as_json(line_reading(drawing, row_readings(drawing.data), start, end))  # type: ignore[no-any-return]


def unit_answer(snapshot: Snapshot, message: Answer) -> Answer:
    """Of the message "unit": where in view one unit changes its piece."""
    drawing = snapshot.drawing
    sizes = [layer.n_units for layer in drawing.net.layers]
    layer, unit = (_whole_number(message, key) for key in ("layer", "unit"))
    if not (layer < len(sizes) and unit < sizes[layer]):
        raise DataError(f"the network has no unit {unit} in layer {layer}, counted from 0")
    segments, layers, units = drawing.wall_edges
    own = (layers == layer) & (units == drawing.net.layers[layer].start + unit)
    return as_json({"layer": layer, "unit": unit, "segments": segments[own]})  # type: ignore[no-any-return]


def features_answer(snapshot: Snapshot, _: Answer) -> Answer:
    """Of the message "features": the plane of two functions of x and y."""
    return as_json(feature_plane(snapshot.drawing))  # type: ignore[no-any-return]


def new_rows_answer(data: DataSet) -> Answer:
    """Of the message "new_rows": what belongs to the rows alone."""
    return as_json(row_readings(data).new_rows)  # type: ignore[no-any-return]


def frame_answer(snapshot: Snapshot) -> Answer:
    """What `show` adds to the numbers of a frame: ellipses, guard, local complexity."""
    drawing, show = snapshot.drawing, snapshot.configuration.show
    answer: Answer = {}
    if show.metric is not None and len(drawing.data.X):
        answer["metric"] = metric_ellipses(drawing, show.metric)
    if show.guard and len(drawing.data.X) >= FEWEST_GUARDED_ROWS:
        answer["guard"] = guard_reading(
            drawing, fitted_guard(drawing), exact=not is_preview(drawing)
        )
    if show.complexity:
        answer["complexity"] = complexity_reading(drawing)
    if drawing.is_curved:
        answer["chords"] = chord_errors(drawing)
    return as_json(answer)  # type: ignore[no-any-return]


def point_of(message: Answer, key: str) -> Floats:
    """A point (2,) of the plane in a message."""
    value = message.get(key)
    if not isinstance(value, list) or len(value) != 2 or not all(map(is_finite_number, value)):
        raise DataError(f"{key} is {value!r:.60}: expected a point [x, y] of finite numbers")
    return np.array(value, dtype=np.float64)


def _whole_number(message: Answer, key: str) -> int:
    value = message.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise DataError(f"{key} is {value!r:.60}: expected a whole number, counted from 0")
    return value


def as_json(value: Any) -> Any:
    """Arrays as lists, numbers that JSON lacks (NaN, infinity) as None."""
    if isinstance(value, dict):
        return {key: as_json(one) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            return as_json(value.tolist())
        return value.tolist()
    if isinstance(value, list | tuple):
        return [as_json(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
