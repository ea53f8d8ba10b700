"""Delaunay simplices of many points among rows that all fit in the cache's reach: one kernel.

Each point looks at all rows a few times and works on a small set in between: the nearest rows
first, the nearest point of their hull (which adds the rows that reach beyond it), then simplex
steps (which add the rows inside the sphere), until a look finds nothing more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.numba import jit
from .._core.rounding import UNIT_ROUNDOFF
from ..geometry.qr_update import dot
from ..geometry.wolfe import nearest_to_origin
from ._delaunay_pivot import (
    ROWS_PER_LOOK,
    drop_inactive,
    factorise,
    least_spread,
    load_rows,
    sphere,
    weights_of_nearest,
)
from ._score_kernels import scores, smallest

FIRST_ROWS_FACTOR = 2  # times r + 3 nearest rows to begin with
INSIDE_HULL, OUTSIDE_HULL, NOT_OPTIMAL = range(3)  # how a search ends


@jit
def _project_on_hull(
    ZT: Any, q: Any, floor: float, working_set: Any, n: int, nearest: Any, out: Any
) -> Any:
    """The point of the hull of all columns of ZT nearest to q, by working sets that grow.

    The working set begins with n rows. `nearest` is (active, weights, p, u): on return p is the
    point relative to q, and u the unit vector from it to q. Returns (k, inside): the support's
    size, its rows being the first k of the working set.
    """
    active, w, p, u = nearest
    Y, _, rows = working_set
    r = Y.shape[1]
    fresh, warm = np.zeros(ROWS_PER_LOOK, np.int64), np.zeros(0)
    best, idle = np.inf, 0
    while True:
        k = nearest_to_origin(Y[:n], len(warm), warm, 1e-15, floor, active, w, p, u)
        drop_inactive(working_set, active, k)
        length = np.sqrt(dot(p, p, r))
        if length <= floor:
            return k, True
        idle = 0 if length < best * (1.0 - 1e-14) else idle + 1
        best = min(best, length)
        scores(ZT, q, 0.0, u, 0.0, out)  # how far behind q, seen along u
        plane = np.inf
        for a in range(k):
            plane = min(plane, out[rows[a]])
        n_found = smallest(out, plane - 4.0 * UNIT_ROUNDOFF * (plane + floor), ROWS_PER_LOOK, fresh)
        if n_found == 0 or idle > 4:
            return k, False
        warm, n = w[:k].copy(), k + n_found
        for a in range(n_found):
            rows[k + a] = fresh[a]
        load_rows(ZT, q, working_set, k, n)


@jit
def _rows_on_face(all_rows: Any, working_set: Any, k: int, floor: float, u: Any) -> Any:
    """How deep behind the projection's plane a row may lie to count as on it, and how many do."""
    ZT, z, depth, _, _ = all_rows
    scores(ZT, z, 0.0, u, 0.0, depth)
    deepest = 0.0
    for a in range(k):
        deepest = max(deepest, depth[working_set[2][a]])
    deepest = 2.0 * deepest + 4.0 * floor
    return deepest, (depth <= deepest).sum()


@jit
def _push_sphere(all_rows: Any, deepest: float, u: Any, y: Any, y0: float) -> None:
    """Move the sphere's centre outwards along u, until no row behind the face is in it."""
    ZT, z, depth, _, out = all_rows
    scores(ZT, z, 1.0, y, y0, out)
    push = 0.0
    for i in range(out.shape[0]):
        if depth[i] > deepest and out[i] < -push * depth[i]:
            push = -out[i] / depth[i]
    for j in range(y.shape[0]):
        y[j] += push * u[j]


@jit
def find_simplices(ZT: Any, Zq: Any, rounding: Any, spheres: bool, halt: Any, result: Any) -> None:
    """The Delaunay simplex around each row of Zq (m, r), or around its projection on the hull.

    `result` is (rows, weights, nearest, centre, outcome): rows (m, r + 1) with -1 where there are
    fewer and weights alike with 0; nearest and centre (m, r), the point interpolated at relative
    to the query and the centre of the empty sphere relative to that point. `rounding` (m,) is the
    distance that counts as none; with `spheres` those on a face hold no row behind it either;
    `halt` ends the search.
    """
    rows, weights, nearest, centre, outcome = result
    m, r = Zq.shape
    n = ZT.shape[1]
    near = min(n, FIRST_ROWS_FACTOR * (r + 3))
    room = near + 16 * ROWS_PER_LOOK + 10 * (r + 2)
    working_set = (np.zeros((room, r)), np.zeros(room), np.zeros(room, np.int64))
    active, w = np.zeros(room + 1, np.int64), np.zeros(room + 1)
    basis = (np.zeros((r + 2, r + 1)), np.zeros((r + 2, r + 2)), active, w, np.zeros(r + 1))
    y, u, p, z = np.zeros(r), np.zeros(r), np.zeros(r), np.zeros(r)
    out, depth = np.zeros(n), np.zeros(n)
    for b in range(m):
        if halt[0]:
            return
        y[:] = 0.0
        z[:] = Zq[b]
        depth[:] = 0.0
        scores(ZT, z, 1.0, y, 0.0, out)
        count = smallest(out, np.inf, near, working_set[2])
        load_rows(ZT, z, working_set, 0, count)
        k, inside = _project_on_hull(ZT, z, rounding[b], working_set, count, (active, w, p, u), out)
        deepest, face, is_optimal = np.inf, k, True
        if not inside:
            # only rows on the face of the projection can take part; most faces have no others
            for j in range(r):
                z[j] += p[j]
            deepest, face = _rows_on_face(
                (ZT, z, depth, np.inf, out), working_set, k, rounding[b], u
            )
            load_rows(ZT, z, working_set, 0, k)
        if inside or face > k:
            all_rows = (ZT, z, depth, deepest, out)
            size, y0, is_optimal = least_spread(
                all_rows, working_set, k, rounding[b], basis, y, halt
            )
        else:
            size, s = factorise(working_set, k, basis)
            y0 = sphere(basis, size, s, working_set[1], np.zeros(r + 2), y)
        if spheres and not inside:
            _push_sphere((ZT, z, depth, np.inf, out), deepest, u, y, y0)
        outcome[b] = NOT_OPTIMAL if not is_optimal else INSIDE_HULL if inside else OUTSIDE_HULL
        nearest[b] = z - Zq[b]
        centre[b] = y / 2.0
        rows[b] = -1
        weights[b] = 0.0
        for a in range(size):
            rows[b, a], weights[b, a] = working_set[2][active[a]], w[a]
        if w[:size].min() < 0.0:
            weights_of_nearest(working_set[0][active[:size]], rounding[b], weights[b, :size])
        weights[b] /= weights[b].sum()
