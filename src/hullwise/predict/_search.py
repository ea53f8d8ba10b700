"""Delaunay simplices of many points among rows that all fit in the cache's reach: one kernel.

Each point looks at all rows a few times and works on a small set in between: the nearest rows
first, the nearest point of their hull (which adds the rows that reach beyond it), then simplex
steps (which add the rows inside the sphere), until a look finds nothing more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data._qr import dot, jit
from ..data._wolfe import nearest_to_origin
from ._simplex import (
    MORE,
    UNIT,
    begin,
    complete,
    descend,
    fill,
    keep_active,
    scores,
    smallest,
    sphere,
)

NEAR = 2  # times r + 3 nearest rows to begin with
INSIDE, OUTSIDE, LOOSE = range(3)  # how a search ends


@jit  # type: ignore[untyped-decorator]
def _project(
    ZT: Any, q: Any, floor: float, Y: Any, cost: Any, rows: Any, n: int, look: Any, out: Any
) -> Any:
    """The point of the hull of all columns of ZT nearest to q, by working sets that grow.

    The working set begins with n rows. `look` is (active, weights, p, u): on return p is the
    point relative to q, and u the unit vector from it to q. Returns (k, inside): the support's
    size, its rows being the first k of the working set.
    """
    active, w, p, u = look
    r = Y.shape[1]
    fresh, warm = np.zeros(MORE, np.int64), np.zeros(0)
    best, idle = np.inf, 0
    while True:
        k = nearest_to_origin(Y[:n], len(warm), warm, 1e-15, floor, active, w, p, u)
        keep_active(Y, cost, rows, active, k)
        length = np.sqrt(dot(p, p, r))
        if length <= floor:
            return k, True
        idle = 0 if length < best * (1.0 - 1e-14) else idle + 1
        best = min(best, length)
        scores(ZT, q, 0.0, u, 0.0, out)  # how far behind q, seen along u
        plane = np.inf
        for a in range(k):
            plane = min(plane, out[rows[a]])
        found = smallest(out, plane - 4.0 * UNIT * (plane + floor), MORE, fresh)
        if found == 0 or idle > 4:
            return k, False
        warm, n = w[:k].copy(), k + found
        for a in range(found):
            rows[k + a] = fresh[a]
        fill(ZT, q, rows, k, n, Y, cost)


@jit  # type: ignore[untyped-decorator]
def _mend(Y: Any, floor: float, w: Any) -> None:
    """Weights of at least 0, where a simplex with corners Y (k, r) is so thin that some are not.

    Those of its point nearest to the origin, which is there to rounding.
    """
    k, r = Y.shape
    active, found, p, u = np.zeros(k + 1, np.int64), np.zeros(k + 1), np.zeros(r), np.zeros(r)
    used = nearest_to_origin(Y, 0, found, 1e-15, floor / 8.0, active, found, p, u)
    w[:] = 0.0
    for a in range(used):
        w[active[a]] = found[a]


@jit  # type: ignore[untyped-decorator]
def find_simplices(ZT: Any, Zq: Any, floor: Any, whole: bool, halt: Any, found: Any) -> None:
    """The Delaunay simplex around each row of Zq (m, r), or around its projection on the hull.

    `found` is (rows, weights, nearest, centre, ended): rows (m, r + 1) with -1 where there are
    fewer and weights alike with 0; nearest and centre (m, r), the point interpolated at relative
    to the query and the centre of the empty sphere relative to that point. `floor` (m,) is the
    distance that counts as none; `whole` asks for r + 1 rows where fewer do; `halt` ends it.
    """
    rows, weights, nearest, centre, ended = found
    m, r = Zq.shape
    n = ZT.shape[1]
    near = min(n, NEAR * (r + 3))
    room = NEAR * (r + 3) + 16 * MORE + 4 * (r + 2)
    Y, cost, held = np.zeros((room, r)), np.zeros(room), np.zeros(room, np.int64)
    basis = (
        np.zeros((r + 2, r + 1)),
        np.zeros((r + 2, r + 2)),
        np.zeros(room + 1, np.int64),
        np.zeros(room + 1),
    )
    active, w = basis[2], basis[3]
    y, u, p, z = np.zeros(r), np.zeros(r), np.zeros(r), np.zeros(r)
    out, depth, fresh = np.zeros(n), np.zeros(n), np.zeros(MORE, np.int64)
    for b in range(m):
        if halt[0]:
            return
        y[:] = 0.0
        z[:] = Zq[b]
        scores(ZT, z, 1.0, y, 0.0, out)
        count = smallest(out, np.inf, near, held)
        fill(ZT, z, held, 0, count, Y, cost)
        k, inside = _project(ZT, z, floor[b], Y, cost, held, count, (active, w, p, u), out)
        deepest, face, done = np.inf, k, True
        if not inside:
            # only rows on the face of the projection can take part; most faces have no others
            for j in range(r):
                z[j] += p[j]
            scores(ZT, z, 0.0, u, 0.0, depth)
            deepest = 0.0
            for a in range(k):
                deepest = max(deepest, depth[held[a]])
            deepest = 2.0 * deepest + 4.0 * floor[b]
            face = (depth <= deepest).sum()
            fill(ZT, z, held, 0, k, Y, cost)
        if inside or face > k:
            size, y0, s, done = descend(
                ZT, z, (depth, deepest), Y, cost, held, k, basis, y, (out, fresh, halt)
            )
        else:
            size, s = begin(Y, cost, k, basis)
            y0 = sphere(basis[0], basis[1], size, s, cost, active, np.zeros(r + 2), y)
        if whole and inside and size < r + 1 and cost[active[:size]].min() > 0.0:
            size, y0 = complete(ZT, z, Y, cost, held, size, s, basis, y, y0, out)
        if whole and not inside:
            # behind the face every row is out of a sphere that is large enough
            scores(ZT, z, 1.0, y, y0, out)
            push = 0.0
            for i in range(n):
                if depth[i] > deepest and out[i] < -push * depth[i]:
                    push = -out[i] / depth[i]
            for j in range(r):
                y[j] += push * u[j]
        ended[b] = LOOSE if not done else INSIDE if inside else OUTSIDE
        nearest[b] = z - Zq[b]
        centre[b] = y / 2.0
        rows[b] = -1
        weights[b] = 0.0
        for a in range(size):
            rows[b, a], weights[b, a] = held[active[a]], w[a]
        if w[:size].min() < 0.0:
            _mend(Y[active[:size]], floor[b], weights[b, :size])
        weights[b] /= weights[b].sum()
