"""The checker of Delaunay simplices; it shares no code with the search.

Everything is measured from the first row, as seen in the metric, so that an offset of the whole
table costs nothing; and in powers of two of its own, so that squares exist at any scale.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Floats, Indices, Mask
from ..geometry.metric import Metric
from ..io.rows import Rows

if TYPE_CHECKING:
    from .simplices import Simplices

VERIFY_BLOCK = 1024  # rows, and queries, looked at together
SCALE_SPAN = 256  # powers of two: squares over such a range are far from vanishing
HALVED_BEYOND = 1000  # points beyond are halved before they are subtracted


@dataclass(frozen=True, eq=False)
class _Scaling:
    """Differences from `origin`, each feature in a power of two, as the metric sees them.

    Lengths are in units of 2**exponent of the metric.
    """

    origin: Floats
    halvings: int
    exponents: Indices  # (d,)
    form: Floats  # (d,) or (r, d)
    exponent: int

    def map(self, points: Floats) -> Floats:
        """Points (k, d) in these coordinates."""
        V = np.ldexp(points, -self.halvings) - np.ldexp(self.origin, -self.halvings)
        V = np.ldexp(V, self.halvings - self.exponents)
        return np.asarray(V * self.form if self.form.ndim == 1 else V @ self.form.T)


def verify_simplices(simplices: Simplices, rows: Rows, tolerance: float) -> Mask:
    """Whether all claims about each query hold, (m,)."""
    holds = np.zeros(len(simplices.queries), dtype=bool)
    names = ("corners", "weights", "nearest", "distance", "centre", "status", "queries")
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for at, scaling in _scalings(simplices, rows):
            part = replace(simplices, **{name: getattr(simplices, name)[at] for name in names})
            holds[at] = _verify_group(part, rows, tolerance, scaling)
    return holds


def _scalings(simplices: Simplices, rows: Rows) -> Iterator[tuple[Indices, _Scaling]]:
    """Queries of like size, and powers of two that bring their squares into range.

    A query near the rows and one at 1e300 have none in common: they are judged apart.
    """
    origin = rows.take(np.zeros(1, np.intp))[0].astype(np.float64)
    points = np.stack([simplices.queries, simplices.nearest])
    halvings = int(_exponents(points).max(initial=-5000) > HALVED_BEYOND)
    away = _exponents(np.ldexp(points, -halvings) - np.ldexp(origin, -halvings)).max(axis=0)
    reach = _row_exponents(rows, origin, halvings)
    form = _exponents(_form(simplices.metric)).reshape(-1, rows.d).max(axis=0)
    size = np.maximum(away + form, (reach + form)[None, :]).max(axis=1, initial=-5000)
    for group in np.unique(size // SCALE_SPAN):
        at = np.flatnonzero(size // SCALE_SPAN == group)
        exponents = np.maximum(away[at].max(axis=0), reach) + halvings
        yield at, _scaled_form(simplices.metric, origin, halvings, exponents)


def _scaled_form(metric: Metric, origin: Floats, halvings: int, exponents: Indices) -> _Scaling:
    mantissa, power = np.frexp(_form(metric))
    power = np.where(mantissa == 0, -5000, power + exponents)
    exponent = int(power.max(initial=-5000))
    form = np.ldexp(mantissa, np.maximum(power - exponent, -2000).astype(np.int32))
    return _Scaling(origin, halvings, exponents, form, exponent)


def _form(metric: Metric) -> Floats:
    return metric.root if metric.factor is None else metric.factor


def _exponents(values: Floats) -> Indices:
    """Powers of two just above the sizes of values; -5000 for 0 and what is not finite."""
    mantissa, exponent = np.frexp(values)
    usable = np.isfinite(values) & (mantissa != 0)
    return np.where(usable, exponent, -5000).astype(np.intp)


def _row_exponents(rows: Rows, origin: Floats, halvings: int) -> Indices:
    """That of the largest difference from the origin in each feature, (d,)."""
    largest = np.zeros(rows.d)
    for start in range(0, rows.n, VERIFY_BLOCK):
        block = rows.block(start, min(start + VERIFY_BLOCK, rows.n)).astype(np.float64)
        away = np.ldexp(block, -halvings) - np.ldexp(origin, -halvings)
        largest = np.maximum(largest, np.abs(away).max(axis=0))
    return _exponents(largest)


def _verify_group(simplices: Simplices, rows: Rows, tolerance: float, scaling: _Scaling) -> Mask:
    """The claims of queries that are judged in one scaling."""
    q, p = scaling.map(simplices.queries), scaling.map(simplices.nearest)
    offset = q - p
    to_centre = scaling.map(simplices.centre) - p
    power, beyond, width = _extremes(rows, scaling, p, offset, to_centre)
    length = np.sqrt(np.square(offset).sum(axis=1))
    # the values themselves, far from the origin perhaps: their last digits are rounding
    magnitude = _magnitudes(simplices, scaling)
    scale = width + length + 1e-6 * magnitude
    # rounding, where the centre is far off
    leaning = 1e-6 * np.sqrt(np.square(to_centre).sum(axis=1))
    gap, spread = _combinations(simplices, rows, scaling, p)
    claimed = np.ldexp(simplices.distance, np.clip(-scaling.exponent, -5000, 5000))
    rounding = 2.0**-48 * (scale + magnitude)
    return np.asarray(
        _consistent(simplices)
        & (gap <= tolerance * scale)
        & np.isfinite(leaning)
        & (spread <= power + tolerance * scale * (scale + leaning))
        & (beyond <= scale * (tolerance * length + rounding))
        & (np.abs(length - claimed) <= tolerance * scale)
    )


def _consistent(simplices: Simplices) -> Mask:
    """Weights that are convex, on the corners named; a query is moved if it is outside."""
    W, holds = simplices.weights, np.zeros(len(simplices.queries), dtype=bool)
    for b, corners in enumerate(simplices.corners):
        entries = slice(W.indptr[b], W.indptr[b + 1])
        w, rows = W.data[entries], W.indices[entries]
        named = corners[corners >= 0]
        holds[b] = (
            len(w) > 0
            and bool((w >= 0).all())
            and abs(w.sum() - 1) <= 1e-12
            and bool(np.isin(rows[w > 0], named).all())
            and len(np.unique(named)) == len(named)
            and bool((named < W.shape[1]).all())
        )
    names = np.array([status.name for status in simplices.status], dtype=str)
    still = (simplices.nearest == simplices.queries).all(axis=1) & (simplices.distance == 0)
    position = np.where(names == "INSIDE", still, np.where(names == "OUTSIDE", ~still, True))
    return np.asarray(holds & position)


def _extremes(
    rows: Rows, scaling: _Scaling, p: Floats, offset: Floats, to_centre: Floats
) -> tuple[Floats, Floats, Floats]:
    """Over all rows x: min |x - c|^2 - |p - c|^2, max <q - p, x - p> and max |x - p|, (m,) each."""
    m = len(p)
    power, beyond, width = np.full(m, np.inf), np.full(m, -np.inf), np.zeros(m)
    for start in range(0, rows.n, VERIFY_BLOCK):
        block = rows.block(start, min(start + VERIFY_BLOCK, rows.n)).astype(np.float64)
        x = scaling.map(block)
        size = np.square(x).sum(axis=1)
        for low in range(0, m, VERIFY_BLOCK):
            at = slice(low, low + VERIFY_BLOCK)
            apart = size - 2 * p[at] @ x.T + np.square(p[at]).sum(axis=1)[:, None]
            tilt = to_centre[at] @ x.T - np.einsum("ij,ij->i", to_centre[at], p[at])[:, None]
            reach = offset[at] @ x.T - np.einsum("ij,ij->i", offset[at], p[at])[:, None]
            power[at] = np.minimum(power[at], (apart - 2 * tilt).min(axis=1))
            beyond[at] = np.maximum(beyond[at], reach.max(axis=1))
            width[at] = np.maximum(width[at], np.sqrt(np.maximum(apart.max(axis=1), 0.0)))
    return power, beyond, width


def _combinations(
    simplices: Simplices, rows: Rows, scaling: _Scaling, p: Floats
) -> tuple[Floats, Floats]:
    """|sum w_i x_i - p| and sum w_i |x_i - p|^2 of each query, (m,) both."""
    W, m = simplices.weights, len(p)
    gap, spread = np.full(m, np.inf), np.full(m, np.inf)
    for b in range(m):
        entries = slice(W.indptr[b], W.indptr[b + 1])
        if entries.stop > entries.start:
            x = scaling.map(rows.take(W.indices[entries].astype(np.intp)).astype(np.float64)) - p[b]
            gap[b] = np.sqrt(np.square(W.data[entries] @ x).sum())
            spread[b] = W.data[entries] @ np.square(x).sum(axis=1)
    return gap, spread


def _magnitudes(simplices: Simplices, scaling: _Scaling) -> Floats:
    """The largest coordinate of each query itself, not of its difference from the origin."""
    from_zero = replace(scaling, origin=np.zeros_like(scaling.origin), form=np.abs(scaling.form))
    return np.asarray(from_zero.map(np.abs(simplices.queries)).max(axis=1, initial=0.0))
