"""Proof that a query lies strictly inside, when the combination found lies on a thin face.

A query that is an average of two training rows, or sits on a grid, is found as a combination of
few rows: on a segment or a triangle, where floating point cannot tell inside from outside. If
the hull is full-dimensional around it, a fat simplex says so. Take a ball known to lie in the
hull, push the query a little away from the ball's centre, and find the pushed point in the hull:
the query then lies in the interior of the hull of that combination and the ball's simplex, and
Caratheodory's theorem thins both to one simplex with the query well inside.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr

from .._core.types import Floats, Indices
from .cloud import Cloud
from .hull_projection import project
from .scaling import Frame

PUSHES = (1e-2, 1e-5, 1e-8)  # how far the query is pushed, as a share of its way from the ball
MOST_FEATURES = 100  # thinning costs O(d^4) for each row


def interior_simplices(
    cloud: Cloud, Q: Floats, push: float, avoid: Indices | None
) -> tuple[Indices, Floats]:
    """For each row of Q (m, d) a simplex of d + 1 rows around it: rows and weights, -1 for none.

    `avoid` (m,) names one row for each query that its simplex shall not have.
    """
    m, d = Q.shape
    rows, weights = np.full((m, d + 1), -1), np.zeros((m, d + 1))
    if d > MOST_FEATURES or cloud.rank < d:
        return rows, weights
    view = cloud.columnwise_view
    core = cloud.cached("core", lambda: _fat_simplex(cloud, view.frame))
    Zq, centre = view.frame.map(Q), view.take(core).mean(axis=0)
    found = project(view, Zq + push * (Zq - centre), exclude=avoid, membership=True)
    for b in np.flatnonzero(found.lower <= 0):
        here = found.rows[b] >= 0
        both = np.concatenate([found.rows[b, here], core])
        share = np.concatenate([found.weights[b, here], np.full(d + 1, push / (d + 1))])
        kept, w = _thin(view.take(both) - Zq[b], share / share.sum())
        if len(kept) == d + 1:
            rows[b], weights[b] = both[kept], w
    return rows, weights


def _fat_simplex(cloud: Cloud, frame: Frame) -> Indices:
    """d + 1 rows that span much volume: a pivoted QR of rows far out, around their own mean."""
    G = np.concatenate([np.eye(cloud.d), -np.eye(cloud.d)]) * frame.factor
    far = np.unique(cloud.support(G, k=1).rows)
    seed = np.random.default_rng(0).choice(cloud.n, min(cloud.n, 4 * cloud.d + 64), replace=False)
    rows = np.union1d(far, seed)
    Z = frame.map(cloud.take(rows))
    base = int(np.square(Z - Z.mean(axis=0)).sum(axis=1).argmax())
    order = qr((Z - Z[base]).T, mode="r", pivoting=True)[1]
    return np.asarray(rows[np.concatenate([[base], order[: cloud.d]])], dtype=np.intp)


def _thin(Y: Floats, w: Floats) -> tuple[Indices, Floats]:
    """Caratheodory: the same combination on affinely independent rows, one dropped at a time."""
    alive = np.arange(len(w))
    while True:
        A = np.vstack([Y[alive].T, np.ones(len(alive))])
        _, sigma, Vt = np.linalg.svd(A)
        if len(alive) == len(A) and sigma[-1] > 1e-13 * sigma[0]:
            exact = np.linalg.solve(A, np.append(np.zeros(len(A) - 1), 1.0))
            return alive, exact if exact.min() > 0 else w[alive]
        if len(alive) < len(A) and sigma[-1] > 1e-13 * sigma[0]:
            return alive, w[alive]
        null = Vt[-1]
        null = null if null.max() > -null.min() else -null
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(null > 1e-14, w[alive] / null, np.inf)
        out = int(step.argmin())
        w[alive] = np.maximum(w[alive] - step[out] * null, 0.0)
        alive = np.delete(alive, out)
