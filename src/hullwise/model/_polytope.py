"""Polytopes ``{y : G @ y + c >= 0}``: a centre, the walls that bound them, the nearest point.

Seen from an inner point every wall is a *dual point* p = -g / slack, the polytope ``p @ v <= 1``,
and the walls that bound it are the dual points that are corners of their hull. Rays find most of
them: the first wall that a ray hits alone is one. What is left is decided by Clarkson's algorithm
(1994): a wall is to spare if the known dual points and 0 have its own within their hull; if not, a
ray towards what separates it finds a new one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog, nnls

from ._affine import Floats

ALONE = 1e-9  # relative to the first hit: a second wall nearer than this shares it
KEPT = 1e-9  # a dual point nearer than this, relative to its length, to those known is implied
SAME = 1e-9  # two dual points closer than this, relative to their length, are one wall
ROUNDS = 8  # of rays: as many each as there are walls


def interior(G: Floats, c: Floats) -> tuple[Floats, float]:
    """The centre (d,) and radius of the largest ball within; radius <= 0 where there is none.

    A polytope without end has a ball of radius at most 1 here. One linear programme.
    """
    norm = np.linalg.norm(G, axis=1)
    real = norm > 0
    if (c[~real] < 0).any():
        return np.zeros(G.shape[1]), -1.0
    G, c, norm = G[real], c[real], norm[real]
    d = G.shape[1]
    if not len(G):
        return np.zeros(d), 1.0
    A = np.c_[-G / norm[:, None], np.ones(len(G))]
    scale = max(1.0, float(np.abs(c / norm).max()))
    bounds = [(None, None)] * d + [(None, 1.0)]
    done = linprog(np.r_[np.zeros(d), -1.0], A, c / norm / scale, bounds=bounds, method="highs")
    if done.x is None:
        return np.zeros(d), -1.0
    centre = done.x[:d] * scale
    return centre, float(((G @ centre + c) / norm).min())


@dataclass(frozen=True, eq=False)
class Bounding:
    """The walls that bound a polytope and a point (k, d) inside the face of each."""

    rows: NDArray[np.int64]
    points: Floats


def bounding(G: Floats, c: Floats, x: Floats, seed: int = 0) -> Bounding:
    """The walls of ``G @ y + c >= 0`` that none of the others imply; x (d,) is strictly inside.

    Of equal walls the first is kept. Cost: O(k^2 r) for k walls that span r dimensions, and a
    non-negative least squares problem with the bounding walls for each one the rays leave open.
    """
    slack = G @ x + c
    length = np.linalg.norm(G, axis=1)
    real = np.flatnonzero(length > 0)
    if not len(real):
        return Bounding(real, np.zeros((0, G.shape[1])))
    unit = float((slack[real] / length[real]).min())  # the distance to the nearest wall
    P = -G[real] * (unit / slack[real])[:, None]
    kept = _different(P)
    real, P = real[kept], P[kept]
    U, s, Vt = np.linalg.svd(P, full_matrices=False)
    span = s > s[0] * len(P) * 2.0**-50
    P = P @ Vt[span].T  # in the space that the walls see
    hits = _Hits(P)
    rng = np.random.default_rng(seed)
    lever = np.linalg.norm(U[:, span], axis=1)
    alone = np.linalg.pinv(P)[:, lever > 1 - 1e-9].T  # violate one wall and keep all others at 0
    hits.shoot(np.vstack([P, alone]))
    for _ in range(ROUNDS):
        if hits.all_found():
            break
        hits.shoot(rng.normal(size=P.shape))
        hits.shoot(rng.normal(size=(len(P), len(P))) ** 4 @ P)  # towards a few walls together
    _clarkson(hits)
    rows = np.flatnonzero(np.isfinite(hits.gap))
    reach = hits.direction[rows]
    points = x + unit * (reach / np.einsum("kr,kr->k", reach, P[rows])[:, None]) @ Vt[span]
    return Bounding(real[rows], points)


def essential(G: Floats, c: Floats, x: Floats) -> NDArray[np.bool_]:
    """Which walls bound the polytope; see `bounding`."""
    out = np.zeros(len(G), dtype=bool)
    out[bounding(G, c, x).rows] = True
    return out


def _different(P: Floats) -> NDArray[np.int64]:
    """The first of each run of equal dual points, in the order given."""
    size = np.linalg.norm(P, axis=1)
    key = P @ np.random.default_rng(1).normal(size=P.shape[1])
    order = np.argsort(key, kind="stable")
    drop = np.zeros(len(P), dtype=bool)
    for a, i in enumerate(order):
        if drop[i]:
            continue
        for j in order[a + 1 :]:
            if key[j] - key[i] > 8 * SAME * size[i] * np.sqrt(P.shape[1]):
                break
            if np.linalg.norm(P[i] - P[j]) <= SAME * size[i]:
                drop[max(i, j)] = True
    return np.flatnonzero(~drop)


class _Hits:
    """For each wall the direction of the ray that hit it alone most clearly; gap -inf: none yet."""

    def __init__(self, P: Floats) -> None:
        self.P = P
        self.gap = np.full(len(P), -np.inf)
        self.direction = np.zeros_like(P)

    def all_found(self) -> bool:
        return bool(np.isfinite(self.gap).all())

    def shoot(self, V: Floats) -> None:
        """Rays along V (b, r)."""
        if len(self.P) == 1:
            self.gap[0], self.direction[0] = 1.0, self.P[0]
            return
        reach = V @ self.P.T
        first = reach.argmax(axis=1)
        rows = np.arange(len(V))
        top = reach[rows, first]
        reach[rows, first] = -np.inf
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = np.where(top > 0, (top - np.maximum(reach.max(axis=1), 0)) / top, -np.inf)
        order = np.lexsort((gap, first))
        best = order[np.flatnonzero(np.diff(first[order], append=-1))]  # the clearest of each wall
        new = best[(gap[best] > ALONE) & (gap[best] > self.gap[first[best]])]
        self.gap[first[new]], self.direction[first[new]] = gap[new], V[new]


def _clarkson(hits: _Hits) -> None:
    for i in range(len(hits.P)):
        while not np.isfinite(hits.gap[i]):
            known = np.flatnonzero(np.isfinite(hits.gap))
            out = _cut_off(hits.P[known], hits.P[i])
            if out is None:
                break
            # a little aside as well: a ray through a corner hits no wall alone
            aside = np.random.default_rng(i).normal(size=(8, len(out))) * 1e-3 * np.abs(out).max()
            hits.shoot(np.vstack([out, out + aside]))
            if np.isfinite(hits.gap).sum() == len(known) and not _part(hits, i):
                break


def _cut_off(known: Floats, p: Floats) -> Floats | None:
    """A point v with p @ v > 1 that the known walls keep in; None where they imply p.

    p is implied when it is a convex combination of the known dual points and 0. The residual of
    the nearest combination, by non-negative least squares, is the point (Farkas).
    """
    size = float(np.linalg.norm(p))
    A = np.vstack([np.c_[known.T, np.zeros(len(p))], np.full(len(known) + 1, size)])
    b = np.r_[p, size]
    w, _ = nnls(A, b, maxiter=20 * A.shape[1] + 100)
    residual = b - A @ w
    if np.linalg.norm(residual) <= KEPT * size:
        return None
    v, room = residual[:-1], -size * residual[-1]
    return np.asarray(v / room if room > KEPT * abs(p @ v) else v * (1e6 / abs(p @ v)))


def _part(hits: _Hits, i: int) -> bool:
    """A ray that hits wall i alone: through the middle of its face, by a linear programme."""
    P = hits.P
    rest = np.delete(P, i, axis=0)
    r = P.shape[1]
    norm = np.linalg.norm(rest, axis=1)
    done = linprog(
        np.r_[np.zeros(r), -1.0],
        np.c_[rest, norm],
        np.ones(len(rest)),
        np.r_[P[i], 0.0][None],
        [1.0],
        bounds=[(None, None)] * r + [(None, 1.0)],
        method="highs",
    )
    if done.x is None or done.x[-1] <= 0:
        return False
    hits.shoot(done.x[None, :r])
    return bool(np.isfinite(hits.gap[i]))


def nearest(G: Floats, c: Floats, x: Floats) -> Floats | None:
    """The point (d,) of ``G @ y + c >= 0`` nearest to x; None where the polytope is empty.

    Lawson & Hanson (1974), Solving Least Squares Problems, ch. 23: least distance programming by
    non-negative least squares.
    """
    slack = G @ x + c
    if (slack >= 0).all():
        return x
    norm = np.linalg.norm(G, axis=1)
    real = norm > 0
    if (c[~real] < 0).any():
        return None
    g, h = G[real] / norm[real, None], -slack[real] / norm[real]
    scale = float(np.abs(h).max())
    A = np.vstack([g.T, h / scale])
    try:
        w, _ = nnls(A, np.r_[np.zeros(len(x)), 1.0], maxiter=50 * len(g) + 100)
    except RuntimeError:
        return None
    residual = A @ w - np.r_[np.zeros(len(x)), 1.0]
    if abs(residual[-1]) < 1e-12:
        return None
    return np.asarray(x - scale * residual[:-1] / residual[-1])
