"""Kernels for queries in the simplices of a triangulation: their order, weights and values."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.numba import jit
from .._core.rounding import UNIT_ROUNDOFF


@jit
def morton_codes(Q: Any, low: Any, scale: Any, bits: int, codes: Any) -> None:
    """Interleave the first `bits` binary digits of each query's coordinates, (q - low) * scale."""
    m, d = Q.shape
    for i in range(m):
        code = 0
        for j in range(d):
            cell = int((Q[i, j] - low[j]) * scale[j])
            for b in range(bits):
                code |= ((cell >> b) & 1) << (b * d + j)
        codes[i] = code


@jit
def weigh_in_simplices(
    Q: Any,
    simplex: Any,
    triangulation: Any,
    tolerances: Any,
    weights: Any,
    holds: Any,
) -> None:
    """Barycentric weights (m, d + 1) in a given simplex each; `holds` if they are believed.

    `triangulation` is (points, corners, inverses), the inverses of the edges as SciPy has them;
    one step of refinement takes their rounding away. `tolerances` are how far below 0 a weight may
    be, and how far off the query, of the longest edge along each coordinate, what they reproduce.
    """
    points, corners, inverses = triangulation
    below, off = tolerances
    m, d = Q.shape
    away, gap, edge = np.zeros(d), np.zeros(d), np.zeros(d)
    for i in range(m):
        s = simplex[i]
        holds[i] = s >= 0
        if s < 0:
            continue
        last, T, w = points[corners[s, d]], inverses[s], weights[i]
        for j in range(d):
            away[j] = Q[i, j] - last[j]
            gap[j] = away[j]
            edge[j] = 0.0
            w[j] = 0.0
        for _ in range(2):
            for a in range(d):
                for j in range(d):
                    w[a] += T[a, j] * gap[j]
            for j in range(d):
                gap[j] = away[j]
            for a in range(d):
                x = points[corners[s, a]]
                for j in range(d):
                    length = x[j] - last[j]
                    gap[j] -= w[a] * length
                    edge[j] = max(edge[j], abs(length))
        w[d] = 1.0
        for a in range(d):
            w[d] -= w[a]
        for j in range(d):
            # false where it is nan, as for a simplex without volume
            if not abs(gap[j]) <= off * edge[j] + 4.0 * UNIT_ROUNDOFF * abs(Q[i, j]):
                holds[i] = False
        total = 0.0
        for a in range(d + 1):
            if not w[a] >= -below:
                holds[i] = False
            w[a] = max(w[a], 0.0)
            total += w[a]
        for a in range(d + 1):
            w[a] /= total
