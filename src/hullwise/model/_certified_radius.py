"""A radius about a point within which a network is proved to decide alike, by linear bounds."""

from __future__ import annotations

import numpy as np

from .._core.types import Floats
from ._distance_norm import DistanceNorm
from ._rival_outputs import RivalOutputs
from .linear_bounds import LinearBounds, input_ball, output_rows

RADIUS_HALVINGS = 12  # of a known upper bound: smaller radii are not tried
RADIUS_BISECTIONS = 5
LARGEST_RADIUS = 1e3  # of the size of x, where no upper bound is known


def certified_radius(
    rivals: RivalOutputs, norm: DistanceNorm, low: Floats, high: Floats, upper: float
) -> float:
    """A lower bound of the distance to another decision, within offsets [low, high]; 0 if none.

    Zhang et al. (2018), CROWN, algorithm 1: bisection on the radius. Cost: some ten passes of
    `LinearBounds`, each of all units that are undecided in the ball.
    """
    start = upper if np.isfinite(upper) else LARGEST_RADIUS * max(1.0, norm.size(rivals.x))
    proved, failed = 0.0, start
    radius = start / 2
    for _ in range(RADIUS_HALVINGS):
        if _decides_alike(rivals, norm, low, high, radius):
            proved = radius
            break
        failed, radius = radius, radius / 2
    if proved:
        for _ in range(RADIUS_BISECTIONS):
            radius = (proved + failed) / 2
            if _decides_alike(rivals, norm, low, high, radius):
                proved = radius
            else:
                failed = radius
    return proved


def _decides_alike(
    rivals: RivalOutputs, norm: DistanceNorm, low: Floats, high: Floats, radius: float
) -> bool:
    # offsets were rounded when x was taken off: one step outwards makes up for it
    box = np.nextafter(rivals.x + low, -np.inf), np.nextafter(rivals.x + high, np.inf)
    bounds = LinearBounds(rivals.net, input_ball(rivals.x, radius, norm.order, box))
    return bool((bounds.least(output_rows(rivals.net, -rivals.rows(), 1)) > 0).all())
