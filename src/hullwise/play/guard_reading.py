"""Where a guard fitted on the training rows changes what the network says, and how often.

The guard keeps every unit's input to the range it had on the training rows. The clipped network is
piecewise affine as well, so where its output differs is drawn exactly, cell by cell of its own
slice; while training on a grid of points, which costs less.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.types import Floats, Mask
from ..model.guard import Guard
from ..model.network_difference import network_difference
from .drawing import Drawing, outline_of_cells

__all__ = ["guard_reading"]

GUARD_GRID_SIDE = 48  # points of the grid, while training
CHANGED_OUTPUT = 1e-9  # of the largest output in view: less is rounding


def guard_reading(drawing: Drawing, guard: Guard, *, exact: bool) -> dict[str, Any]:
    """Where and how often the guard changes the output; `messages.py` describes each part.

    Parameters
    ----------
    drawing : Drawing
    guard : Guard
        Of its network, fitted on its rows.
    exact : bool
        True: the outline of where it does, about as much work as the picture twice over. False: a
        grid of 48 x 48 points, a few milliseconds.
    """
    new = drawing.network_inputs(drawing.data.new_X) if len(drawing.data.new_X) else None
    answer: dict[str, Any] = {
        "exact": exact and not drawing.is_curved,
        "n_new_rows": 0 if new is None else len(new),
        "n_new_clipped": None if new is None else int((guard.clip_count(new) > 0).sum()),
        "n_new_changed": None if new is None else int(_changed(drawing, guard, new).sum()),
        "grid": None,
        "outline": None,
    }
    if exact:
        outline, share = changed_outline(drawing, guard)
        return answer | {"outline": outline, "share_changed": share}
    x, y, points = _grid_points(drawing)
    changed = _changed(drawing, guard, drawing.network_inputs(drawing.rows(points)))
    grid = {"x": x, "y": y, "changed": changed.reshape(len(y), len(x))}
    return answer | {"grid": grid, "share_changed": float(changed.mean())}


def _changed(drawing: Drawing, guard: Guard, inputs: Floats) -> Mask:
    """Where (m,) the guard's output differs from the network's by more than rounding."""
    change = np.abs(guard.predict(inputs) - drawing.net(inputs))
    largest = np.abs(drawing.slice.outputs).max()
    return np.asarray((change > CHANGED_OUTPUT * largest).any(axis=1))


def _grid_points(drawing: Drawing) -> tuple[Floats, Floats, Floats]:
    share = (2 * np.arange(GUARD_GRID_SIDE) + 1) / GUARD_GRID_SIDE - 1
    x, y = drawing.centre[:, None] + drawing.slice.high[:, None] * share
    return x, y, np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def changed_outline(drawing: Drawing, guard: Guard) -> tuple[Floats, float]:
    """Segments (k, 2, 2) around where the guard changes the output in view, and its share.

    The cells of the difference of both networks are cut by the walls of both: on each it is affine,
    so none changes that has no change at a corner.
    """
    half, difference = drawing.slice.high, network_difference(guard.network_, drawing.net)
    if drawing.data.is_plane:
        low, high = drawing.centre - half, drawing.centre + half
        difference = drawing.inputs.network(difference, low, high, drawing.n_pieces)
    cut = difference.slice(drawing.slice.origin, drawing.slice.axes, half)
    largest = np.abs(drawing.slice.outputs).max()
    size = np.maximum(cut.output_errors, CHANGED_OUTPUT * largest)
    at_corners = (np.abs(cut.outputs) > size).any(axis=1).astype(np.float64)
    changed = cut.complex.corner_means(at_corners[:, None])[:, 0] > 0
    share = float(cut.areas[changed].sum() / cut.areas.sum())
    return outline_of_cells(cut, changed) + drawing.centre, share
