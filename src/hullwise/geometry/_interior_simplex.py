"""Proof that a query lies strictly inside, when the combination found lies on a thin face.

A query that is an average of two training rows, or sits on a grid, is found as a combination of
few rows: on a segment or a triangle, where floating point cannot tell inside from outside. If
the hull is full-dimensional around it, a large simplex says so. Take a ball known to lie in the
hull, push the query a little away from the ball's centre, and find the pushed point in the hull:
the query then lies in the interior of the hull of that combination and the ball's simplex, and
Caratheodory's theorem reduces both to one simplex with the query well inside.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr

from .._core.types import Floats, Indices
from .cloud import Cloud
from .hull_projection import project
from .scaling import Frame

PUSH_FRACTIONS = (1e-2, 1e-5, 1e-8)  # of the query's way from the ball's centre
MAX_SIMPLEX_FEATURES = 100  # reducing a support costs O(d^4) for each row


def interior_simplices(
    cloud: Cloud, Q: Floats, push: float, avoid: Indices | None
) -> tuple[Indices, Floats]:
    """For each row of Q (m, d) a simplex of d + 1 rows around it: rows and weights, -1 for none.

    `avoid` (m,) names one row for each query that its simplex shall not have.
    """
    m, d = Q.shape
    rows, weights = np.full((m, d + 1), -1), np.zeros((m, d + 1))
    if d > MAX_SIMPLEX_FEATURES or cloud.known_rank != d:
        return rows, weights
    view = cloud.columnwise_view
    core = cloud.cached("core", lambda: _large_simplex(cloud, view.frame))
    Zq, centre = view.frame.map(Q), view.take(core).mean(axis=0)
    projection = project(view, Zq + push * (Zq - centre), exclude=avoid, membership=True)
    for b in np.flatnonzero(projection.lower <= 0):
        in_support = projection.rows[b] >= 0
        candidates = np.concatenate([projection.rows[b, in_support], core])
        w = np.concatenate([projection.weights[b, in_support], np.full(d + 1, push / (d + 1))])
        reduced, w = _reduce_support(view.take(candidates) - Zq[b], w / w.sum())
        if len(reduced) == d + 1:
            rows[b], weights[b] = candidates[reduced], w
    return rows, weights


def _large_simplex(cloud: Cloud, frame: Frame) -> Indices:
    """d + 1 rows that span much volume: a pivoted QR of far out, around their own mean."""
    G = np.concatenate([np.eye(cloud.d), -np.eye(cloud.d)]) * frame.factor
    extreme = np.unique(cloud.support(G, k=1).rows)
    sample = np.random.default_rng(0).choice(cloud.n, min(cloud.n, 4 * cloud.d + 64), replace=False)
    rows = np.union1d(extreme, sample)
    Z = frame.map(cloud.take(rows))
    base = int(np.square(Z - Z.mean(axis=0)).sum(axis=1).argmax())
    order = qr((Z - Z[base]).T, mode="r", pivoting=True)[1]
    return np.asarray(rows[np.concatenate([[base], order[: cloud.d]])], dtype=np.intp)


def _reduce_support(Y: Floats, w: Floats) -> tuple[Indices, Floats]:
    """Caratheodory: the same combination on affinely independent rows, one dropped at a time."""
    active = np.arange(len(w))
    while True:
        A = np.vstack([Y[active].T, np.ones(len(active))])
        _, sigma, Vt = np.linalg.svd(A)
        if len(active) == len(A) and sigma[-1] > 1e-13 * sigma[0]:
            exact = np.linalg.solve(A, np.append(np.zeros(len(A) - 1), 1.0))
            return active, exact if exact.min() > 0 else w[active]
        if len(active) < len(A) and sigma[-1] > 1e-13 * sigma[0]:
            return active, w[active]
        null = Vt[-1]
        null = null if null.max() > -null.min() else -null
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(null > 1e-14, w[active] / null, np.inf)
        out = int(step.argmin())
        w[active] = np.maximum(w[active] - step[out] * null, 0.0)
        active = np.delete(active, out)
