"""The checker of Delaunay simplices; it shares no code with the search.

Everything is measured from the first row, as seen in the metric, so that an offset of the whole
table costs nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats
from ..io.rows import Rows

if TYPE_CHECKING:
    from .simplices import Simplices

VERIFY_BLOCK = 1024
SCALE_SPAN = 256  # powers of two: squares over such a range are far from vanishing


def verify_simplices(simplices: Simplices, rows: Rows, tolerance: float) -> NDArray[np.bool_]:
    """Whether the three claims of each query hold, (m,).

    One power of two brings the squares of differences into range, but not for queries near the
    rows and one at 1e300 alike: those of very different size are judged apart.
    """
    origin = rows.take(np.zeros(1, np.intp))[0]
    size = np.abs(simplices.queries - origin).max(axis=1, initial=0.0)
    exponent = np.frexp(np.maximum(size, _largest_difference(rows, origin)))[1]
    holds = np.zeros(len(size), dtype=bool)
    for powers in np.unique(exponent // SCALE_SPAN):
        at = np.flatnonzero(exponent // SCALE_SPAN == powers)
        unit = float(np.ldexp(1.0, int(np.clip(-exponent[at].max(), -1000, 1000))))
        names = ("corners", "weights", "nearest", "distance", "centre", "status", "queries")
        part = replace(simplices, **{name: getattr(simplices, name)[at] for name in names})
        holds[at] = _verify(part, rows, tolerance, origin, unit)
    return holds


def _verify(
    simplices: Simplices, rows: Rows, tolerance: float, origin: Floats, unit: float
) -> NDArray[np.bool_]:
    m = len(simplices.queries)
    q, p, c = (
        _in_metric(simplices, (points - origin) * unit)
        for points in (simplices.queries, simplices.nearest, simplices.centre)
    )
    away, out = q - p, c - p
    # min |x - c|^2 - |p - c|^2 and max <q - p, x - p> over all rows x; |q - x| for the scale
    empty, beyond, width = np.full(m, np.inf), np.full(m, -np.inf), np.zeros(m)
    for start in range(0, rows.n, VERIFY_BLOCK):
        block = rows.block(start, min(start + VERIFY_BLOCK, rows.n)).astype(np.float64)
        x = _in_metric(simplices, (block - origin) * unit)
        size = np.square(x).sum(axis=1)
        for low in range(0, m, VERIFY_BLOCK):
            at = slice(low, low + VERIFY_BLOCK)
            apart = size - 2 * p[at] @ x.T + np.square(p[at]).sum(axis=1)[:, None]
            tilt = out[at] @ x.T - np.einsum("ij,ij->i", out[at], p[at])[:, None]
            empty[at] = np.minimum(empty[at], (apart - 2 * tilt).min(axis=1))
            reach = away[at] @ x.T - np.einsum("ij,ij->i", away[at], p[at])[:, None]
            beyond[at] = np.maximum(beyond[at], reach.max(axis=1))
            width[at] = np.maximum(width[at], np.sqrt(np.maximum(apart.max(axis=1), 0.0)))
    # the values themselves, far from the origin perhaps: their last digits are rounding
    size = np.abs(_in_metric(simplices, np.abs(simplices.queries) * unit)).max(axis=1, initial=0.0)
    holds = np.zeros(m, dtype=bool)
    for b in range(m):
        span = slice(simplices.weights.indptr[b], simplices.weights.indptr[b + 1])
        w = simplices.weights.data[span]
        if not len(w) or (w < 0).any() or abs(w.sum() - 1) > 1e-12:
            continue
        own = rows.take(simplices.weights.indices[span].astype(np.intp))
        x = _in_metric(simplices, (own - origin) * unit)
        gap = float(np.linalg.norm(w @ (x - p[b])))
        spread = float(w @ np.square(x - p[b]).sum(axis=1))
        length = float(np.linalg.norm(away[b]))
        scale = float(width[b]) + length + 1e-6 * float(size[b])
        leaning = 1e-6 * float(np.linalg.norm(out[b]))  # rounding, where the centre is far off
        rounding = 2.0**-48 * (scale + float(size[b]))
        holds[b] = (
            gap <= tolerance * scale
            and spread <= empty[b] + tolerance * scale * (scale + leaning)
            and beyond[b] <= scale * (tolerance * length + rounding)
            and abs(float(np.linalg.norm(away[b])) - simplices.distance[b] * unit)
            <= tolerance * scale
        )
    return holds


def _largest_difference(rows: Rows, origin: Floats) -> float:
    """The largest difference from the origin in any feature."""
    largest = 0.0
    for start in range(0, rows.n, VERIFY_BLOCK):
        block = rows.block(start, min(start + VERIFY_BLOCK, rows.n)).astype(np.float64)
        largest = max(largest, float(np.abs(block - origin).max()))
    return largest


def _in_metric(simplices: Simplices, V: Floats) -> Any:
    """Differences V (k, d) as the metric sees them."""
    metric = simplices.metric
    return V * metric.root if metric.factor is None else V @ metric.factor.T
