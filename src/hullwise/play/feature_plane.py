"""The second view of a network of two functions of x and y: exact, in the plane of the functions.

A ring is a straight line in the plane of x² and y²: what one unit cannot do with x and y it does
there. Walls are straight and regions are regions, without chords.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DataError
from .drawing import MAX_DRAWN_REGIONS, Drawing, walls_of_edges
from .probe import input_names

__all__ = ["feature_plane"]

FEATURE_MARGIN = 1.1  # of the rows' and the view's rectangle


def feature_plane(drawing: Drawing) -> dict[str, Any]:
    """The regions of a network of two functions in their plane, and the rows there; see `messages`.

    Raises
    ------
    DataError
        If the network takes another number of functions, or the columns of a table.
    """
    if not drawing.data.is_plane or len(drawing.inputs.names) != 2:
        raise DataError(
            "a plane of functions shows a network of exactly two: choose two inputs, such as x² "
            "and y²"
        )
    half = drawing.slice.high
    corners = drawing.centre + half * np.stack(
        np.meshgrid(np.linspace(-1, 1, 9), np.linspace(-1, 1, 9)), axis=-1
    ).reshape(-1, 2)
    points = drawing.inputs(drawing.data.X) if len(drawing.data.X) else np.zeros((0, 2))
    everything = np.concatenate([points, drawing.inputs(corners)])
    low, high = everything.min(axis=0), everything.max(axis=0)
    centre, size = (low + high) / 2, FEATURE_MARGIN * (high - low) / 2
    drawn = drawing.net.slice(centre, np.eye(2), size, max_regions=MAX_DRAWN_REGIONS)
    walls, layers, units = walls_of_edges(drawn, 0)
    return {
        "names": input_names(drawing),
        "center": centre,
        "half": size,
        "points": points,
        "walls": walls + centre,
        "layers": layers,
        "units": units,
        "boundary": drawn.decision_boundary() + centre if drawing.has_classes else None,
        "n_regions": drawn.n_regions,
        "exact": not drawn.partial,
    }
