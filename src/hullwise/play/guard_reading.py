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

GUARD_GRID_SIDE = 32  # points of the grid, while training
FINE_GUARD_GRID_SIDE = 96  # of a picture at rest that is too large for an outline
LARGEST_OUTLINED = 3_000  # regions in view
LARGEST_DIFFERENCE = 20_000  # regions of the difference
CHANGED_OUTPUT = 1e-9  # of the largest output in view: less is rounding


def guard_reading(drawing: Drawing, guard: Guard, *, exact: bool) -> dict[str, Any]:
    """Where and how often the guard changes the output; `messages.py` describes each part.

    Parameters
    ----------
    drawing : Drawing
    guard : Guard
        Of its network, fitted on its rows.
    exact : bool
        True: the outline of where it does, three times the work of the picture, where that has no
        more than 3,000 regions; else a grid of 96 x 96 points. False: a grid of 32 x 32 points, a
        few milliseconds.
    """
    new = drawing.network_inputs(drawing.data.new_X) if len(drawing.data.new_X) else None
    answer: dict[str, Any] = {
        "exact": False,
        "n_new_rows": 0 if new is None else len(new),
        "n_new_clipped": None if new is None else int((guard.clip_count(new) > 0).sum()),
        "n_new_changed": None if new is None else int(_changed(drawing, guard, new).sum()),
        "grid": None,
        "outline": None,
    }
    if exact and drawing.slice.n_regions <= LARGEST_OUTLINED:
        outline = changed_outline(drawing, guard)
        if outline is not None:
            parts = {"outline": outline[0], "share_changed": outline[1]}
            return answer | parts | {"exact": not drawing.is_curved}
    x, y, points = _grid_points(drawing, FINE_GUARD_GRID_SIDE if exact else GUARD_GRID_SIDE)
    changed = _changed(drawing, guard, drawing.network_inputs(drawing.rows(points)))
    grid = {"x": x, "y": y, "changed": changed.reshape(len(y), len(x))}
    return answer | {"grid": grid, "share_changed": float(changed.mean())}


def _changed(drawing: Drawing, guard: Guard, inputs: Floats) -> Mask:
    """Where (m,) the guard's output differs from the network's by more than rounding."""
    change = np.abs(guard.predict(inputs) - drawing.net(inputs))
    largest = np.abs(drawing.slice.outputs).max()
    return np.asarray((change > CHANGED_OUTPUT * largest).any(axis=1))


def _grid_points(drawing: Drawing, n_side: int) -> tuple[Floats, Floats, Floats]:
    share = (2 * np.arange(n_side) + 1) / n_side - 1
    x, y = drawing.centre[:, None] + drawing.slice.high[:, None] * share
    return x, y, np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def changed_outline(drawing: Drawing, guard: Guard) -> tuple[Floats, float] | None:
    """Segments (k, 2, 2) around where the guard changes the output in view, and its share.

    None where that takes more regions than `LARGEST_DIFFERENCE`.

    The cells of the difference of both networks are cut by the walls of both: on each it is affine,
    so none changes that has no change at a corner.
    """
    half, difference = drawing.slice.high, network_difference(guard.network_, drawing.net)
    if drawing.data.is_plane:
        low, high = drawing.centre - half, drawing.centre + half
        difference = drawing.inputs.network(difference, low, high, drawing.n_pieces)
    drawn = drawing.slice
    cut = difference.slice(drawn.origin, drawn.axes, half, max_regions=LARGEST_DIFFERENCE)
    if cut.partial:
        return None
    largest = np.abs(drawn.outputs).max()
    size = np.maximum(cut.output_errors, CHANGED_OUTPUT * largest)
    at_corners = (np.abs(cut.outputs) > size).any(axis=1).astype(np.float64)
    changed = cut.complex.corner_means(at_corners[:, None])[:, 0] > 0
    share = float(cut.areas[changed].sum() / cut.areas.sum())
    return outline_of_cells(cut, changed) + drawing.centre, share
