"""Convex cells that are cut in two: polygons exactly, polytopes of more dimensions by programs.

A cell lives in coordinates u in which the box is [-1, 1]^d (the whole space: u = x). A *row* is
an affine function (w, beta), w.u + beta. Whether it cuts a cell is judged by a tolerance relative
to its own values there, and by `noise`, what rounding may have done to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..._core.numba import jit
from ..._core.types import Floats
from .._polytope import interior
from .._rounding import RELATIVE_TOLERANCE

LEAST_RADIUS = 1e-7  # of the cell's box: a thinner polytope is none; HiGHS keeps rows to 1e-7

SIDE_UNKNOWN = np.int8(2)


class Cell(Protocol):
    """A convex cell."""

    def sides(self, rows: Floats, noises: Floats, every: bool) -> NDArray[np.int8]:
        """For rows (k, d + 1): 1 above zero on the cell, -1 at or below it, 0 both.

        Without `every` those behind the first that cuts may be 2: not looked at.
        """

    def split(self, row: Floats, noise: float) -> tuple[Any, Any]:
        """The cells where a row that cuts is negative and where it is positive."""

    def volume(self) -> float:
        """In u; NaN if it is not bounded or not known."""


@dataclass(frozen=True, eq=False)
class Polygon:
    """Corners as rays (v, 3) of the cone over it, in order; (x, y, 0) is a corner at infinity."""

    rays: Floats

    def sides(self, rows: Floats, noises: Floats, every: bool) -> NDArray[np.int8]:
        return _sides(self.rays, rows, noises)  # type: ignore[no-any-return]

    def split(self, row: Floats, noise: float) -> tuple[Polygon, Polygon]:
        room = np.empty((2, len(self.rays) + 4, 3))
        n, m = _split(self.rays, row, noise, room)
        return Polygon(room[0, :n].copy()), Polygon(room[1, :m].copy())

    def volume(self) -> float:
        if (self.rays[:, 2] != 1).any():
            return float("nan")
        x, y = self.rays[:, 0] - self.rays[0, 0], self.rays[:, 1] - self.rays[0, 1]
        return float(0.5 * np.abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])))


@jit
def _sides(rays: Any, rows: Any, noises: Any) -> Any:
    out = np.empty(len(rows), dtype=np.int8)
    for k in range(len(rows)):
        low, high = np.inf, -np.inf
        finite = False
        for i in range(len(rays)):
            v = rows[k, 0] * rays[i, 0] + rows[k, 1] * rays[i, 1] + rows[k, 2] * rays[i, 2]
            low, high = min(low, v), max(high, v)
            finite |= rays[i, 2] > 0
        if not finite:  # the whole plane: a constant shows at no corner
            low, high = min(low, rows[k, 2]), max(high, rows[k, 2])
        tol = RELATIVE_TOLERANCE * max(-low, high) + noises[k]
        if high > tol and low < -tol:
            out[k] = 0
        else:
            out[k] = 1 if high > tol else -1
    return out


@jit
def _split(rays: Any, row: Any, noise: float, room: Any) -> Any:
    """Both parts into `room`; how many corners each has. A corner on the row is in both."""
    n = len(rays)
    v = np.empty(n)
    big = 0.0
    bounded = True
    for i in range(n):
        v[i] = row[0] * rays[i, 0] + row[1] * rays[i, 1] + row[2] * rays[i, 2]
        big = max(big, abs(v[i]))
        bounded &= rays[i, 2] == 1
    tol = RELATIVE_TOLERANCE * big + noise
    used = np.zeros(2, dtype=np.int64)
    last = np.zeros(3)
    met = 0
    p = np.empty(3)
    for i in range(n):
        j = (i + 1) % n
        for side in range(2):
            if (v[i] <= tol) if side == 0 else (v[i] >= -tol):
                room[side, used[side]] = rays[i]
                used[side] += 1
        crossing = (v[i] > tol and v[j] < -tol) or (v[i] < -tol and v[j] > tol)
        if crossing:
            t = v[i] / (v[i] - v[j])
            p[:] = rays[i] + t * (rays[j] - rays[i])
            if bounded:
                p[2] = 1.0
            else:
                p /= np.sqrt(p[0] ** 2 + p[1] ** 2 + p[2] ** 2)
            for side in range(2):
                room[side, used[side]] = p
                used[side] += 1
        elif abs(v[i]) <= tol:
            p[:] = rays[i]
        if (crossing or abs(v[i]) <= tol) and p[2] == 0:
            met += 1
            last[:] = p
    if met == 2:
        # The row's whole line lies in the cell: between its ends at infinity, which are opposite
        # rays and so have no direction between them, goes the point nearest the origin.
        norm = row[0] ** 2 + row[1] ** 2
        foot = np.array([-row[0] * row[2] / norm, -row[1] * row[2] / norm, 1.0])
        foot /= np.sqrt((foot**2).sum())
        for side in range(2):
            used[side] = _between(room[side], used[side], row, last, foot)
    return used[0], used[1]


@jit
def _between(rays: Any, n: Any, row: Any, end: Any, foot: Any) -> Any:
    """`foot` put into a cycle of corners next to `end`, on the side of the other end of the row."""
    at = 0
    for i in range(n):
        if rays[i, 0] == end[0] and rays[i, 1] == end[1] and rays[i, 2] == 0:
            at = i
    before, after = rays[(at - 1) % n], rays[(at + 1) % n]
    # the other end is the opposite ray
    gap_before = before[0] * end[0] + before[1] * end[1] if before[2] == 0 else 1.0
    gap_after = after[0] * end[0] + after[1] * end[1] if after[2] == 0 else 1.0
    place = at + 1 if gap_after < gap_before else at
    for i in range(n, place, -1):
        rays[i] = rays[i - 1]
    rays[place] = foot
    return n + 1


@dataclass(frozen=True, eq=False)
class Polytope:
    """{u : G u + c >= 0} with rows of length 1, and a ball in it."""

    G: Floats
    c: Floats
    centre: Floats
    radius: float

    def sides(self, rows: Floats, noises: Floats, every: bool) -> NDArray[np.int8]:
        out = np.full(len(rows), SIDE_UNKNOWN)
        values = rows[:, :-1] @ self.centre + rows[:, -1]
        norms = np.linalg.norm(rows[:, :-1], axis=1)
        for k in range(len(rows)):
            # a slope that is nothing but rounding: the sign of the constant, zero if that is too
            if norms[k] <= noises[k]:
                out[k] = 1 if rows[k, -1] > noises[k] else -1
            else:
                beyond = -np.sign(values[k]) if values[k] else 1.0
                if abs(values[k]) < 0.5 * self.radius * norms[k]:
                    out[k] = 0  # it cuts the ball
                else:
                    cut = self._with(beyond * rows[k]).radius > LEAST_RADIUS
                    out[k] = 0 if cut else -beyond
            if not every and out[k] == 0:
                break
        return out

    def _with(self, row: Floats) -> Polytope:
        norm = np.linalg.norm(row[:-1])
        G, c = np.vstack([self.G, row[:-1] / norm]), np.append(self.c, row[-1] / norm)
        centre, radius = interior(G, c)
        if np.isinf(radius) and radius > 0:  # balls of any size fit: the one found will do
            radius = float((G @ centre + c).min())
        return Polytope(G, c, centre, radius)

    def split(self, row: Floats, noise: float) -> tuple[Polytope, Polytope]:
        return self._with(-row), self._with(row)

    def volume(self) -> float:
        return float("nan")


def whole(d: int, bounded: bool) -> Polygon | Polytope:
    """The cell that all others are cut from; one dimension is taken as a strip of a plane."""
    if d <= 2:
        if bounded:
            return Polygon(np.array([[-1.0, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]]))
        return Polygon(np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]]))
    G = np.vstack([np.eye(d), -np.eye(d)]) if bounded else np.zeros((0, d))
    return Polytope(G, np.ones(len(G)), np.zeros(d), 1.0)
