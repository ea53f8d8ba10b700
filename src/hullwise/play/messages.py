"""The text messages between a page and its session: JSON objects with a "type".

One WebSocket a page, at ``/socket``. Binary messages are frames, see `frame`. What the page can
change is ONE configuration, see `configuration`.

From the page, by type:

open (token, configuration)
    The first message of a socket; the configuration may be in its shortest form.
configure (configuration)
    Whole. Rows and training start over only where data, inputs or network changed.
play, pause, step, restart
    step pauses, trains once and shows it; restart draws the weights again.
view (view: {center, half})
    Another part of the plane.
scrub (step)
    Pause and show the network as it was at the newest recorded step not after this one.
resume
    Train on from the step that is shown, with a fresh optimiser; later steps are forgotten. (play
    in its place goes back to the newest step.)
probe (point: [x, y] or null), line (from, to), unit (layer, unit), features (shown: true)
    Readings, see `readings`: answered at once while paused, with every frame while playing; null in
    place of point, from, layer or shown ends that.
rows (points: [[x, y, label], ...])
    Rows drawn by hand, for the data "drawn".
table (csv or null, columns or null)
    Rows of an own table, for the data "own". Without columns it is only described; with columns
    (any of plane, features, inputs, target, task, units: what is missing is as proposed) it is
    trained on. csv null: the table that was sent last.
new_rows
    Answered once: new rows with their bands. They change with a configuration's data only.
export (what: "onnx", "csv", "python", or "page": the run so far, to be replayed without a server)
    Answered by a file.
curse
    Answered once: the share of new rows in the hull of 500 rows, by dimension.
ack (frame)
    The frame is drawn; without it no more than two come.

To the page, by type:

opened (token)
    The token for the next time this page opens a socket, such as after a reload: to be kept in
    place of the one from the address, which may be good only once.
configuration (number, configuration, shortest, rows, names, labels, hull, fit, notes)
    As checked; a frame names the number it belongs to. rows: points, targets, task, classes.
status (state, sentence)
    playing, paused, compiling, flat (training stopped itself), diverged.
numbers (frame, step, ...)
    Counts and readings of a frame, right before it; see `numbers`.
probe, line, unit, features (frame, ...), table (...), new_rows (...)
    See below. A message whose frame is null answers a question that was taken back.
file (name, mime, text or base64)
    What was exported.
error (sentence, where)
    where: the dotted key of the configuration, or the type of the message that went wrong.

Answers. Points, feet and polygons are of the plane; distances are those of the network's columns
(of an own table standard deviations). Nothing here is NaN: what is unknown or infinite is null.

probe
    point; row (d,) and its names, in the units of an own table; inputs (p,) and input_names: what
    the network takes; outputs (k,); class, where there are classes; notes.

    - map: slopes (k, p), offsets (k,) in input_names; kind: "piece", exact on the piece, or behind
      curved inputs "gradient": what holds in x and y at this point only is gradient (k, d).
    - code: of each layer its kind and the code of its units.
    - wall: distance, foot, layer, unit (from 0), at_least (the view's border is nearer), exact
      (false for a drawing in chords, or of too many pieces); weight (k,): how much steeper each
      output is beyond it. distance null: there is none.
    - decision, where there are classes: distance, foot, at_least, exact; 0 at least where the
      picture is partial.
    - region: polygon (null where curved or out of view), n_rows, class_counts; behind curved inputs
      outline: segments around all of the drawn view with this code.
    - hull: verdict, lower and upper (proved), band, percentile, nearest. metric_hull, where
      show.metric is set: the same in the network's AGOP; outside its band is "unknown" while
      training.
    - neighbours: rows, distances, points, targets, the nearest first.
    - simplex, where show.simplex is: rows, weights, points, status; value, or shares of classes.
    - guard, where show.guard is: clipped, n_clipped, outputs.

    hull, neighbours, simplex and guard are missing where there are no rows.
line
    from, to, length; positions (0 to 1) and values (k each) where it bends; breaks, break_layers,
    n_pieces; decisions, where the class changes; outside (intervals), outside_share; fades,
    to_average, to_row, nearest_row, usual_gap, sentence (missing without rows); exact, notes.
unit
    layer, unit, segments: where in view it changes its piece.
features
    The exact picture in the plane of a network's two inputs, such as x² and y²: names, center,
    half, points of the rows, walls (segments), their layers and units, boundary, n_regions, exact.
numbers, as `show` has it
    - metric: kind; points and axes (two half axes each, as vectors, the long one first) of ellipses
      on which v'Mv is the same; notes.
    - guard: where it changes the output: outline (segments), or grid (x, y, changed) while training
      and for large pictures; share_changed of the view; n_new_rows, n_new_clipped, n_new_changed;
      exact.
    - complexity: x, y, radius, counts (rows of y), mean_by_layer.
    - chords, for curved inputs: n_pieces, bounds, sentence.
new_rows (configuration)
    points, targets and bands of at most 500 new rows; sentence.
table
    rows, limit; columns: name, kind, gaps, levels, is_coordinate, is_target, reason (why it is no
    coordinate); proposed: plane (two names or "principal"), features, inputs ("plane" or "all"),
    target or null, task ("classes" or "regression"), units ("own" or "standard").
curse
    dimensions and shares; n and m, the numbers of rows seen and of new ones.
configuration, of an own table
    units: centre and scale of the two axes, or null: z on an axis is centre + scale z of the table.

Messages longer than `SHORT_MESSAGE_CHARACTERS` are refused, tables at `LONG_MESSAGE_BYTES`; so is
what is no JSON object, has NaN, is nested deeply, or has an unknown type: the socket is closed.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from .._core.types import Floats
from ..errors import DataError
from .configuration import ROW_RANGE, is_finite_number

__all__ = [
    "LONG_MESSAGE_BYTES",
    "MESSAGE_TYPES",
    "WireError",
    "drawn_rows",
    "error_message",
    "parse_message",
    "step_number",
]

LONG_MESSAGE_BYTES = 8 * 2**20
SHORT_MESSAGE_CHARACTERS = 2**16
DRAWN_MESSAGE_CHARACTERS = 2**19
MESSAGE_TYPES = {
    "open": {"token", "configuration"},
    "configure": {"configuration"},
    "play": set(),
    "pause": set(),
    "step": set(),
    "restart": set(),
    "view": {"view"},
    "scrub": {"step"},
    "resume": set(),
    "probe": {"point"},
    "line": {"from", "to"},
    "unit": {"layer", "unit"},
    "features": {"shown"},
    "new_rows": set(),
    "curse": set(),
    "rows": {"points"},
    "table": {"csv"},
    "export": {"what"},
    "ack": {"frame"},
}  # and the keys that have to be there
LENGTH_LIMITS = {"table": LONG_MESSAGE_BYTES, "rows": DRAWN_MESSAGE_CHARACTERS}

Message = dict[str, Any]


class WireError(DataError):
    """A message that no page of ours sends; its socket is closed."""


def parse_message(data: str | bytes) -> Message:
    """The message of a page, its type known and its keys there.

    Raises
    ------
    WireError
        For anything else.

    Examples
    --------
    >>> parse_message('{"type": "ack", "frame": 3}')
    {'type': 'ack', 'frame': 3}
    >>> parse_message('{"type": "shutdown"}')
    Traceback (most recent call last):
    hullwise.play.messages.WireError: no message has the type 'shutdown'
    """
    if not isinstance(data, str):
        raise WireError("a page sends text, this is binary")
    try:
        message = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise WireError("the message is no JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise WireError("the message is no object with a type")
    kind = message["type"]
    if kind not in MESSAGE_TYPES:
        raise WireError(f"no message has the type {kind[:40]!r}")
    if len(data) > LENGTH_LIMITS.get(kind, SHORT_MESSAGE_CHARACTERS):
        raise WireError(f"a message {kind!r} of {len(data):,} characters is too long")
    if missing := MESSAGE_TYPES[kind] - message.keys():
        raise WireError(f"the message {kind!r} lacks {sorted(missing)[0]!r}")
    return message


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def error_message(error: Exception, where: str | None) -> Message:
    """What the page shows of an error, at the control of `where`."""
    return {"type": "error", "sentence": str(error), "where": getattr(error, "key", where)}


def drawn_rows(points: Any) -> tuple[Floats, Floats]:
    """Points (n, 2) and labels (n,) of the message "rows"."""
    if not isinstance(points, list) or len(points) > ROW_RANGE[1]:
        raise DataError(f"rows are a list of at most {ROW_RANGE[1]:,} points with their labels")
    for i, point in enumerate(points):
        numbers = isinstance(point, list) and len(point) == 3 and all(map(is_finite_number, point))
        if not numbers:
            raise DataError(f"row {i} is no [x, y, label] of finite numbers")
    table = np.array(points, dtype=np.float64).reshape(-1, 3)
    return table[:, :2], table[:, 2]


def step_number(value: Any) -> int:
    """The step of the message "scrub"."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise DataError(f"step is {value!r:.40}: expected a step of the training run")
    return int(value)
