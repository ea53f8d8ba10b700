"""The distance to a network's decision boundary, exactly, by a walk through its regions.

On one region the boundary is where two outputs are equal: a polytope, and the nearest point of it a
small least squares problem. Regions are visited in the order of their distance from x, so when the
next one is farther than the nearest boundary found, nothing nearer can come.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import count

import numpy as np

from ._affine import Floats
from ._cross import Cell, cell, neighbours
from ._polytope import nearest
from .network import Network

SLACK = 1e-12  # of a region's size: it is entered if that much of it is left


@dataclass(frozen=True, eq=False)
class DecisionDistance:
    """The distance from a point to where the largest output changes (one output: its sign).

    The truth is in [lower, upper]; both are equal unless the budget ended. `point` (d,) is on the
    boundary at distance `upper`, where the outputs `classes` are equal; None and infinite if there
    is no boundary at all. `n_regions` were visited.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0, 0], [-1.0, 0]], [[1.0, 1.0]]], [[0, 0], [-2.0]])
    >>> hw.dissect(net, [0.5, 7.0]).decision()
    DecisionDistance(1.5 after 1 region)
    """

    lower: float
    upper: float
    point: Floats | None
    classes: tuple[int, int]
    n_regions: int

    def __repr__(self) -> str:
        span = f"{self.upper:.6g}" if self.lower == self.upper else f"{self.lower:.6g} to {self.upper:.6g}"
        return f"DecisionDistance({span} after {self.n_regions} region{'s' * (self.n_regions != 1)})"


def decision_distance(net: Network, x: Floats, budget: int = 1000) -> DecisionDistance:
    """See `DecisionDistance`; x (d,). At most `budget` regions are visited."""
    f = net(x)[0]
    own = int(f.argmax()) if len(f) > 1 else 0
    order, tie = [(0.0, 0, net.codes(x)[0])], count(1)
    seen = {order[0][2].tobytes()}
    best: tuple[float, Floats | None, int] = (np.inf, None, own)
    visited, lower = 0, 0.0
    while order:
        lower, _, code = heapq.heappop(order)
        if lower >= best[0] or visited == budget:
            break
        visited += 1
        here = cell(net, code, None)
        best = min(best, _within(net, here, x, own), key=lambda one: one[0])
        centre, radius = here.centre()
        if radius <= SLACK * (1 + np.abs(centre).max()):
            continue
        around = neighbours(net, here, centre)
        for other in around.codes:
            if other.tobytes() in seen:
                continue
            seen.add(other.tobytes())
            there = cell(net, other, None)
            foot = nearest(there.normals, there.offsets, x)
            if foot is not None and np.linalg.norm(foot - x) < best[0]:
                gap = max(lower, float(np.linalg.norm(foot - x)))
                heapq.heappush(order, (gap, next(tie), other))
    else:
        lower = best[0]
    return DecisionDistance(min(lower, best[0]), best[0], best[1], (own, best[2]), visited)


def _within(net: Network, here: Cell, x: Floats, own: int) -> tuple[float, Floats | None, int]:
    """The nearest point within a region where another output overtakes `own`: distance, point, which.

    Every path from x to where another output is the largest passes such a point.
    """
    d = net.n_inputs
    frame = np.vstack([np.zeros(d), np.eye(d)])[None]
    map_ = net.push(frame, here.code[None])[0]  # offset, slopes
    rivals = [j for j in range(map_.shape[1]) if j != own] if map_.shape[1] > 1 else [-1]
    best: tuple[float, Floats | None, int] = (np.inf, None, own)
    for j in rivals:
        gap = map_[:, own] - (map_[:, j] if j >= 0 else 0.0)
        sign = 1.0 if j >= 0 or net(x)[0, 0] > 0 else -1.0
        size = float(np.linalg.norm(gap[1:]))
        if size == 0:
            continue
        a, b = sign * gap[1:] / size, sign * gap[0] / size
        # where the rival has overtaken: the nearest such point has the two equal, unless x itself
        normals = np.vstack([here.normals, -a])
        foot = nearest(normals, np.r_[here.offsets, -b], x)
        if foot is not None and (dist := float(np.linalg.norm(foot - x))) < best[0]:
            best = (dist, foot, j)
    return best
