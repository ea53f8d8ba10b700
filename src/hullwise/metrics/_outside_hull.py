"""The part of a polyline outside the hull, with a proof for every part of it.

The hull is convex. So a piece whose two ends are inside is inside, and a plane that separates a
point of a piece from the data separates all of the piece on its side. What is left is halved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.types import Floats, Progress
from ..geometry.cloud import Cloud
from ..geometry.hull import locate_in_hull
from ..geometry.metric import Metric

CROSSING_TOLERANCE = 1e-4  # of the path: of the places where it crosses the hull
BISECTION_ROUNDS = 60


@dataclass(frozen=True, eq=False)
class PathOutside:
    """Brackets (t,) of the distance to the hull at points, and intervals (k, 2) of positions."""

    lower: Floats
    upper: Floats
    intervals: Floats

    @property
    def share(self) -> float:
        return float(min(1.0, np.diff(self.intervals, axis=1).sum()))


@dataclass(eq=False)
class _OpenPiece:
    """An open part of a piece of the path: from `low` to `high`, shares of the piece `number`.

    `planes` are (direction, offset) that separate an end which is outside, None where it is not.
    """

    number: int
    low: float
    high: float
    planes: list[tuple[Floats, float] | None]
    outside_ends: tuple[bool, bool]


def outside_path(
    cloud: Cloud, points: Floats, position: Floats, metric: Metric, progress: Progress | None
) -> PathOutside:
    """Where the polyline through the points (t, d) leaves the hull of the cloud's rows."""
    projection = locate_in_hull(cloud, points, metric, progress=progress)
    outside = projection.lower > 0
    covectors = metric.dual(projection.direction.astype(np.float64))
    offsets = (covectors * points).sum(axis=1) - projection.lower
    planes = [
        (v, float(h)) if o else None for v, h, o in zip(covectors, offsets, outside, strict=True)
    ]
    proved: list[tuple[int, float, float]] = []
    open_pieces = [
        _OpenPiece(
            i, 0.0, 1.0, [planes[i], planes[i + 1]], (bool(outside[i]), bool(outside[i + 1]))
        )
        for i in range(len(points) - 1)
        if (outside[i] or outside[i + 1]) and position[i + 1] > position[i]
    ]
    width = np.diff(position)
    for _ in range(BISECTION_ROUNDS):
        open_pieces = [
            p
            for p in open_pieces
            if _shrink_by_planes(p, points, proved, CROSSING_TOLERANCE / width[p.number])
        ]
        if not open_pieces:
            break
        open_pieces = _bisect(cloud, points, metric, open_pieces)
    spans = [(position[i] + lo * width[i], position[i] + hi * width[i]) for i, lo, hi in proved]
    return PathOutside(projection.lower, projection.upper, _merge_intervals(spans))


def _shrink_by_planes(
    piece: _OpenPiece, points: Floats, proved: list[tuple[int, float, float]], tolerance: float
) -> bool:
    """Take off what the planes prove to be outside; whether a part stays open."""
    start, end = points[piece.number], points[piece.number + 1]
    low, high = piece.low, piece.high
    for plane, first in zip(piece.planes, (True, False), strict=True):
        if plane is None:
            continue
        direction, offset = plane
        at_low, at_high = (
            float(direction @ ((1 - s) * start + s * end)) - offset for s in (low, high)
        )
        mine, other = (at_low, at_high) if first else (at_high, at_low)
        share = 1.0 if other > 0 else mine / (mine - other) if mine > other else 0.0
        if first:
            piece.low = low + max(0.0, share) * (high - low)
        else:
            piece.high = high - max(0.0, share) * (high - low)
    if piece.outside_ends[0]:
        proved.append((piece.number, low, min(piece.low, high)))
    if piece.outside_ends[1]:
        proved.append((piece.number, max(piece.high, low), high))
    piece.planes = [None, None]
    if piece.high - piece.low > tolerance:
        return True
    if (
        all(piece.outside_ends) and piece.high > piece.low
    ):  # shorter than anything that is looked for
        proved.append((piece.number, piece.low, piece.high))
    return False


def _bisect(
    cloud: Cloud, points: Floats, metric: Metric, pieces: list[_OpenPiece]
) -> list[_OpenPiece]:
    middle = np.array([(p.low + p.high) / 2 for p in pieces])
    number = np.array([p.number for p in pieces])
    at = (1 - middle)[:, None] * points[number] + middle[:, None] * points[number + 1]
    projection = locate_in_hull(cloud, at, metric, membership_only=True)
    covectors = metric.dual(projection.direction.astype(np.float64))
    halves = []
    for i, p in enumerate(pieces):
        is_outside, cut = bool(projection.lower[i] > 0), float(middle[i])
        plane = (
            (covectors[i], float(covectors[i] @ at[i] - projection.lower[i]))
            if is_outside
            else None
        )
        halves.append(
            _OpenPiece(p.number, p.low, cut, [None, plane], (p.outside_ends[0], is_outside))
        )
        halves.append(
            _OpenPiece(p.number, cut, p.high, [plane, None], (is_outside, p.outside_ends[1]))
        )
    return [p for p in halves if any(p.outside_ends)]


def _merge_intervals(spans: list[tuple[float, float]]) -> Floats:
    merged: list[list[float]] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1] + CROSSING_TOLERANCE / 1e3:
            merged[-1][1] = max(merged[-1][1], high)
        elif high > low:
            merged.append([low, high])
    return np.array(merged, dtype=np.float64).reshape(-1, 2)
