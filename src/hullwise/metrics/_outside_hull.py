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

CLOSE = 1e-4  # of the path: how closely the places where it crosses the hull are found
ROUNDS = 60


@dataclass(frozen=True, eq=False)
class Outside:
    """Brackets (t,) of the distance to the hull at points, and intervals (k, 2) of positions."""

    lower: Floats
    upper: Floats
    intervals: Floats

    @property
    def share(self) -> float:
        return float(min(1.0, np.diff(self.intervals, axis=1).sum()))


@dataclass(eq=False)
class _Piece:
    """An open part of a piece of the path: from `low` to `high`, shares of the piece `number`.

    `planes` are (direction, offset) that separate an end which is outside, None where it is not.
    """

    number: int
    low: float
    high: float
    planes: list[tuple[Floats, float] | None]
    out: tuple[bool, bool]


def outside_of(
    cloud: Cloud, points: Floats, position: Floats, metric: Metric, progress: Progress | None
) -> Outside:
    """Where the polyline through the points (t, d) leaves the hull of the cloud's rows."""
    found = locate_in_hull(cloud, points, metric, progress=progress)
    out = found.lower > 0
    covectors = metric.dual(found.direction.astype(np.float64))
    offsets = (covectors * points).sum(axis=1) - found.lower
    planes = [(v, float(h)) if o else None for v, h, o in zip(covectors, offsets, out, strict=True)]
    done: list[tuple[int, float, float]] = []
    work = [
        _Piece(i, 0.0, 1.0, [planes[i], planes[i + 1]], (bool(out[i]), bool(out[i + 1])))
        for i in range(len(points) - 1)
        if (out[i] or out[i + 1]) and position[i + 1] > position[i]
    ]
    width = np.diff(position)
    for _ in range(ROUNDS):
        work = [p for p in work if _shrunk(p, points, done, CLOSE / width[p.number])]
        if not work:
            break
        work = _halved(cloud, points, metric, work)
    spans = [(position[i] + lo * width[i], position[i] + hi * width[i]) for i, lo, hi in done]
    return Outside(found.lower, found.upper, _merged(spans))


def _shrunk(
    piece: _Piece, points: Floats, done: list[tuple[int, float, float]], close: float
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
    if piece.out[0]:
        done.append((piece.number, low, min(piece.low, high)))
    if piece.out[1]:
        done.append((piece.number, max(piece.high, low), high))
    piece.planes = [None, None]
    if piece.high - piece.low > close:
        return True
    if all(piece.out) and piece.high > piece.low:  # shorter than anything that is looked for
        done.append((piece.number, piece.low, piece.high))
    return False


def _halved(cloud: Cloud, points: Floats, metric: Metric, work: list[_Piece]) -> list[_Piece]:
    middle = np.array([(p.low + p.high) / 2 for p in work])
    number = np.array([p.number for p in work])
    at = (1 - middle)[:, None] * points[number] + middle[:, None] * points[number + 1]
    found = locate_in_hull(cloud, at, metric, membership_only=True)
    covectors = metric.dual(found.direction.astype(np.float64))
    halves = []
    for i, p in enumerate(work):
        out, m = bool(found.lower[i] > 0), float(middle[i])
        plane = (covectors[i], float(covectors[i] @ at[i] - found.lower[i])) if out else None
        halves.append(_Piece(p.number, p.low, m, [None, plane], (p.out[0], out)))
        halves.append(_Piece(p.number, m, p.high, [plane, None], (out, p.out[1])))
    return [p for p in halves if any(p.out)]


def _merged(spans: list[tuple[float, float]]) -> Floats:
    merged: list[list[float]] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1] + CLOSE / 1e3:
            merged[-1][1] = max(merged[-1][1], high)
        elif high > low:
            merged.append([low, high])
    return np.array(merged, dtype=np.float64).reshape(-1, 2)
