"""Many regions in boxes at once: a ball in each, its facets, and the walls that share a facet."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.numba import jit
from .._core.types import Floats
from ._lp import ESSENTIAL, REDUNDANCY_TOLERANCE, REDUNDANT, UNDETERMINED, essential_walls
from ._polytope import ROW_TOLERANCE, ball, ball_by_highs, box_rows, reach_beyond

CONSTANT_WALL, VANISHING_WALL = (
    -1,
    -2,
)  # a wall that is constant: away from zero, or zero throughout


@jit
def _equal_walls(N, c, slopes, values, n, i, name, first, q):  # type: ignore[no-untyped-def]
    """The first row that is the same wall as row i, written down for all that are.

    -1 if the facet is none: at q, a point on it, another wall is zero to rounding.
    """
    d, least, far = N.shape[1], -1, np.sqrt((q**2).sum())
    for k in range(n):
        tol, same = slopes[i] + slopes[k], True
        for j in range(d):
            if abs(N[i, j] - N[k, j]) > tol:
                same = False
                break
        if same and abs(c[i] - c[k]) <= values[i] + values[k] + tol * abs(c[i]):
            if least < 0:
                least = k
            if name[k] >= 2 * d:
                first[name[k] - 2 * d] = name[least]
            continue
        room = c[k]
        for j in range(d):
            room += N[k, j] * q[j]
        if room <= 2.0 * (values[k] + (slopes[k] - ROW_TOLERANCE) * far):
            return -1
    return least


@jit
def box_cells(G, c, slopes, values, low, high):  # type: ignore[no-untyped-def]
    """Regions in a box: walls G (B, k, d), c (B, k) and box sides about a point of each.

    slopes, values (B, k): what rounding may leave of a zero. Walls are numbered behind the 2 d
    sides of the box. Returns centres (B, d), radii (B,) (0: nothing but rounding), state
    (B, 2 d + k), first (B, k): the first equal wall of each, and points (B, 2 d + k, d), one on
    each facet.
    """
    B, k, d = G.shape
    m = 2 * d + k
    centres, radii = np.zeros((B, d)), np.zeros(B)
    state, first = np.full((B, m), REDUNDANT, np.int8), np.full((B, k), CONSTANT_WALL)
    points = np.zeros((B, m, d))
    for r in range(B):
        N, offsets = np.zeros((m, d)), np.empty(m)
        loose, shift = np.empty(m), np.empty(m)
        name, n, empty = np.arange(m), 2 * d, False
        reach = (high[r] - low[r]).max()
        for j in range(d):
            N[j, j], N[d + j, j] = 1.0, -1.0
            offsets[j], offsets[d + j] = -low[r, j], high[r, j]
        loose[:n] = ROW_TOLERANCE
        shift[:n] = 1e-15 * reach
        for i in range(k):
            length = 0.0
            for j in range(d):
                length += G[r, i, j] ** 2
            length = np.sqrt(length)
            if length <= slopes[r, i]:
                if abs(c[r, i]) <= values[r, i]:
                    first[r, i] = VANISHING_WALL
                elif c[r, i] < 0.0:
                    empty = True
                continue
            for j in range(d):
                N[n, j] = G[r, i, j] / length
            offsets[n] = c[r, i] / length
            loose[n] = ROW_TOLERANCE + slopes[r, i] / length
            shift[n] = values[r, i] / length + 1e-15 * reach
            name[n] = i + 2 * d
            n += 1
        if empty:
            continue
        y, radius, ok = ball(N[:n], offsets[:n], reach, np.zeros(d))
        centres[r] = y
        about, rounding = offsets[:n] + N[:n] @ y, ROW_TOLERANCE * reach
        for i in range(n):
            if about[i] <= 1.5 * radius:
                rounding = max(rounding, shift[i])
        if not ok:
            radii[r] = np.nan
        if not radius > rounding:
            continue
        radii[r] = radius
        witnesses = np.zeros((n, d))
        answer = essential_walls(-N[:n], about / radius, witnesses)
        for i in range(n):
            at, q = i, y + radius * witnesses[i]
            if answer[i] == ESSENTIAL:  # all that are the same wall; the first of them is the facet
                at = _equal_walls(N, offsets, loose, shift, n, i, name, first[r], q)
            if answer[i] != REDUNDANT and at >= 0:
                state[r, name[at]] = answer[i]
                points[r, name[at]] = q
    return centres, radii, state, first, points


def solve_by_highs(G: Floats, c: Floats, low: Floats, high: Floats, r: int, cells: Any) -> None:
    """Region r of what `box_cells` found, where the dictionary did not close, again by HiGHS."""
    centres, radii, state, first, points = cells
    d = len(low)
    N, offsets = np.vstack([*box_rows(d), G]), np.r_[-low, high, c]
    length = np.linalg.norm(N, axis=1)
    walls = np.flatnonzero(np.r_[np.ones(2 * d, bool), first[r] != VANISHING_WALL] & (length > 0))
    N, offsets = N[walls] / length[walls, None], offsets[walls] / length[walls]
    y, radius = centres[r], radii[r]
    if np.isnan(radius):
        far = float((high - low).max())
        y, radius = ball_by_highs(N, offsets, far)
        centres[r], radii[r] = y, radius if radius > ROW_TOLERANCE * far else 0.0
        state[r, walls] = UNDETERMINED
    if radii[r] <= 0:
        return
    A, b, own = -N, (offsets + N @ y) / radius, state[r, walls].copy()
    for i in np.flatnonzero(own == UNDETERMINED)[::-1]:
        reach, point = reach_beyond(A, b, i, own)
        own[i] = ESSENTIAL if reach > b[i] + REDUNDANCY_TOLERANCE else REDUNDANT
        points[r, walls[i]] = y + radius * point * (b[i] / max(reach, b[i]))
    state[r, walls] = own


@jit
def same_walls(N, h, slopes, values, among, rows):  # type: ignore[no-untyped-def]
    """For each of rows (f,) the walls (f, k) `among` all that are the same; of length 1."""
    out = np.zeros((len(rows), len(N)), np.bool_)
    for r in range(len(rows)):
        k = rows[r]
        for i in range(len(N)):
            tol = slopes[i] + slopes[k]
            same = among[i] and abs(h[i] - h[k]) <= values[i] + values[k] + tol * abs(h[k])
            if same:
                for j in range(N.shape[1]):
                    if abs(N[i, j] - N[k, j]) > tol:
                        same = False
                        break
            out[r, i] = same
    return out
