"""What the page says of the point under the pointer, for one drawing.

All of it is cheap enough for every move of the pointer: one dissection, the segments of the slice,
and `RowReadings`, whose reference is prepared once. The walk of `Dissection.decision` is not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.types import Array, Floats
from ..model.dissect import Dissection, dissect
from ..model.slice_readings import nearest_on_segments
from .drawing import Drawing, outline_of_cells
from .row_readings import RowReadings

__all__ = ["chord_errors", "probe"]

FUNCTION_WORDS = {"x2": "x²", "y2": "y²", "xy": "xy", "sinx": "sin x", "siny": "sin y"}
WALL_CROSSING_STEP = 1e-9  # of the coordinates, to either side of a wall
STANDARD_COLUMNS_NOTE = (
    "Formula and slope are in standard deviations of the columns, from their means."
)
CURVED_COUNT_NOTE = (
    "Curved inputs: the picture is made of chords; its pieces are no regions and are not counted."
)


def probe(
    drawing: Drawing, readings: RowReadings, point: Floats, *, simplex: bool = False
) -> dict[str, Any]:
    """Everything said of a point (2,) of the plane; `messages.py` describes each part."""
    row = drawing.rows(point[None])
    inputs = drawing.network_inputs(row)
    dissection, units = dissect(drawing.net, inputs), drawing.data.units
    map_ = affine_map(drawing, dissection, row)
    answer: dict[str, Any] = {
        "point": point,
        "row": row[0] if units is None else units.values(row)[0],
        "names": column_names(drawing),
        "inputs": inputs[0],
        "input_names": input_names(drawing),
        "outputs": dissection.outputs[0],
        "map": map_,
        "code": code_by_layer(drawing, dissection.codes[0]),
        "wall": nearest_wall(drawing, dissection, point),
        "region": region(drawing, dissection.codes[0], point),
        "notes": notes(drawing, map_["gradient"][int(dissection.outputs[0].argmax())]),
    }
    answer["wall"]["weight"] = wall_weight(drawing, point, answer["wall"])
    if readings.has_rows:
        location = readings.location(row[0])
        answer["hull"] = readings.hull_of(location)
        answer["neighbours"] = readings.neighbours(location)
    if drawing.has_classes:
        answer["class"] = int(drawing.classes(dissection.outputs)[0])
        answer["decision"] = decision_distance(drawing, point)
    if simplex and readings.has_rows:
        answer["simplex"] = readings.simplex(row[0])
    return answer


def column_names(drawing: Drawing) -> list[str]:
    """Of the entries of a row."""
    data = drawing.data
    if data.units is not None:
        return list(data.units.names)
    return list(data.names) if data.is_plane else [f"x{j}" for j in range(data.X.shape[1])]


def input_names(drawing: Drawing) -> list[str]:
    """Of what the network takes: functions of x and y, or the columns."""
    if not drawing.data.is_plane:
        return column_names(drawing)
    if drawing.data.units is None:
        return list(drawing.inputs.names)
    a, b = column_names(drawing)
    names = {"x": a, "y": b, "x2": f"{a}²", "y2": f"{b}²", "xy": f"{a}·{b}"}
    names |= {"sinx": f"sin {a}", "siny": f"sin {b}"}
    return [names[name] for name in drawing.inputs.names]


def chord_errors(drawing: Drawing) -> dict[str, Any]:
    """How far the curved inputs are at most from what is drawn of them in view."""
    low, high = drawing.centre - drawing.slice.high, drawing.centre + drawing.slice.high
    bounds = drawing.inputs.error_bounds(low, high, drawing.n_pieces)
    names = input_names(drawing)
    if drawing.data.units is None:
        names = [FUNCTION_WORDS.get(name, name) for name in names]
    parts = [f"{name} by {b:.2g}" for name, b in zip(names, bounds, strict=True) if b > 0]
    return {
        "n_pieces": drawing.n_pieces,
        "bounds": bounds,
        "sentence": f"Curved inputs, drawn in {drawing.n_pieces} steps: in view off by at most "
        + ", ".join(parts)
        + ".",
    }


def affine_map(drawing: Drawing, dissection: Dissection, row: Floats) -> dict[str, Any]:
    """The network near the point as slopes (k, p) in its inputs and offsets (k,).

    `gradient` (k, d) are the derivatives in the columns themselves: the slopes again, but for
    curved inputs, where the network is no affine function of x and y. Columns of an own table are
    in the units that the page says them in.
    """
    slopes, offsets, units = dissection.A[0], dissection.b[0], drawing.data.units
    gradient = slopes @ drawing.inputs.jacobians(row)[0] if drawing.data.is_plane else slopes
    if units is not None and not drawing.is_curved and len(slopes[0]) == len(units.names):
        slopes, offsets = units.affine_map(slopes, offsets)
        gradient = slopes
    return {
        "slopes": slopes,
        "offsets": offsets,
        "kind": "gradient" if drawing.is_curved else "piece",
        "gradient": gradient,
    }


def code_by_layer(drawing: Drawing, code: Array) -> list[dict[str, Any]]:
    """The piece of each unit, layer by layer: 0 and 1 are off and on."""
    return [
        {"layer": i, "kind": layer.kind, "code": code[layer.columns].astype(int)}
        for i, layer in enumerate(drawing.net.layers)
    ]


def nearest_wall(drawing: Drawing, dissection: Dissection, point: Floats) -> dict[str, Any]:
    """How far the point is from the nearest wall in the plane, and whose wall that is.

    Exact everywhere where the network takes the plane's own coordinates. Through more columns it is
    read off the slice: exact within the view, `at_least` where the view's border is nearer; behind
    chords it is that of the drawing.
    """
    if drawing.data.is_plane and not drawing.is_curved:
        return _wall_of_dissection(drawing, dissection, point)
    segments, layers, units = drawing.wall_edges
    distance, foot, edge = nearest_on_segments(point, segments)
    at_least = not distance <= drawing.border_distance(point)
    if at_least:
        return {"at_least": True, "exact": False, **_border(drawing, point)}
    layer = int(layers[edge])
    return {
        "distance": distance,
        "at_least": False,
        "exact": drawing.is_exact,
        "foot": foot,
        "layer": layer,
        "unit": int(units[edge]) - drawing.net.layers[layer].start,
    }


def wall_weight(drawing: Drawing, point: Floats, wall: dict[str, Any]) -> Floats | None:
    """How much steeper each output (k,) is beyond a wall than before it, on the way across.

    Of a network of one hidden layer that is the unit's outgoing weight times the length of its
    incoming ones.
    """
    if wall["foot"] is None or not wall["distance"] > 0:
        return None
    foot = wall["foot"]
    across = (foot - point) / np.hypot(*(foot - point))
    step = WALL_CROSSING_STEP * max(float(drawing.slice.high.max()), float(np.abs(foot).max()))
    sides = drawing.rows(foot + step * np.array([[-1.0], [1.0]]) * across)
    before, beyond = drawing.jacobians(sides) @ drawing.data.axes.T
    return np.asarray((beyond - before) @ across)


def _wall_of_dissection(drawing: Drawing, dissection: Dissection, point: Floats) -> dict[str, Any]:
    distance, unit = float(dissection.boundary_distance[0]), int(dissection.boundary_unit[0])
    if unit < 0:
        return {"distance": None, "at_least": False, "exact": True, "foot": None}
    ends = [layer.start + layer.n_units for layer in drawing.net.layers]
    layer = int(np.searchsorted(ends, unit, side="right"))
    direction = np.zeros(2)
    direction[["xy".index(name) for name in drawing.inputs.names]] = dissection.boundary_direction[
        0
    ]
    return {
        "distance": distance,
        "at_least": False,
        "exact": True,
        "foot": point + distance * direction,
        "layer": layer,
        "unit": unit - drawing.net.layers[layer].start,
    }


def _border(drawing: Drawing, point: Floats) -> dict[str, Any]:
    return {"distance": max(0.0, drawing.border_distance(point)), "foot": None}


def decision_distance(drawing: Drawing, point: Floats) -> dict[str, Any]:
    """How far it is, in the plane, to where the network decides otherwise, and the way there.

    `Slice.decision_distance`: the distance itself where nothing beyond the view's border can be
    nearer, else `at_least` that of the border; 0 where the slice is partial.
    """
    if drawing.slice.partial:
        return {"distance": 0.0, "at_least": True, "exact": False, "foot": None}
    nearest = drawing.slice.decision_distance(point - drawing.centre)
    return {
        "distance": nearest.distance,
        "at_least": nearest.at_least,
        "exact": drawing.is_exact and not nearest.at_least,
        "foot": None if nearest.foot is None else nearest.foot + drawing.centre,
    }


def region(drawing: Drawing, code: Array, point: Floats) -> dict[str, Any]:
    """The piece around the point: its polygon in view, and the training rows on it."""
    rows = np.flatnonzero(drawing.same_region(code))
    targets = drawing.data.targets[rows]
    n_classes = drawing.data.n_classes
    counts = np.bincount(targets, minlength=n_classes) if n_classes else None
    polygon = outline = None
    if drawing.in_view(point) and not drawing.is_curved:
        polygon = region_polygon(drawing, point)
    if drawing.in_view(point) and drawing.is_curved:
        outline = outline_of_code(drawing, point)
    return {"n_rows": len(rows), "class_counts": counts, "polygon": polygon, "outline": outline}


def outline_of_code(drawing: Drawing, point: Floats) -> Floats | None:
    """Segments (k, 2, 2) around all of the drawn view with the code of the cell around a point.

    Behind chords one piece of the network is drawn as many cells; they need not hang together.
    """
    drawn = drawing.slice
    (cell,) = drawn.find(point - drawing.centre)
    if cell < 0 or drawn.partial:
        return None
    chords = sum(layer.n_units for layer in drawn.net.layers[: drawing.n_chord_layers])
    own = drawn.codes[:, chords:]
    return outline_of_cells(drawn, (own == own[cell]).all(axis=1)) + drawing.centre


def region_polygon(drawing: Drawing, point: Floats) -> Floats | None:
    """The corners (k, 2) of the drawn cell around a point (2,), counter-clockwise."""
    (cell,) = drawing.slice.find(point - drawing.centre)
    if cell < 0:
        return None
    return np.asarray(drawing.slice.polygon(int(cell)) + drawing.centre)


def notes(drawing: Drawing, gradient: Floats) -> list[str]:
    """What the reading does not say of itself."""
    out = []
    if drawing.is_curved:
        out += [gradient_note(gradient), CURVED_COUNT_NOTE]
        if drawing.data.units is not None:
            out.append(STANDARD_COLUMNS_NOTE)
    if not drawing.data.is_plane:
        out.append(
            "Distances to walls and classes are those within the plane; in all columns they may be "
            "less."
        )
    if drawing.slice.partial:
        out.append("More pieces than can be drawn: the last layers are left out of the picture.")
    return out


def gradient_note(gradient: Floats) -> str:
    """What stands in for the affine map where the inputs are curved: derivatives (2,)."""
    along_x, along_y = gradient
    return (
        "With curved inputs the network is bent between its walls: in x and y it has a slope here, "
        f"{along_x:.3g} and {along_y:.3g}, and no formula that holds nearby."
    )
