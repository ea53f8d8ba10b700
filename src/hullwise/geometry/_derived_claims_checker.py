"""The checker of what follows from a certificate: the nearest point, the change, and the band.

Like `verify` it shares no code with what it checks: percentiles are counted one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..io.rows import Rows

if TYPE_CHECKING:
    from .location import Location

DERIVED_ROUNDOFF = 2.0**-50


def derived_claims_hold(location: Location, rows: Rows) -> np.ndarray[Any, Any]:
    """Whether nearest point, residual, percentile and band of each row follow, (m,) bool.

    The nearest point is the weighted average that is exhibited, and the residual leads to it from
    the query; the band is where the bracket of the distance lies among the reference distances.
    Nothing of it is claimed in a `membership_only` run, or of a row that could not be located.
    """
    holds = np.ones(len(location.verdict), dtype=bool)
    if location.membership_only:
        return holds
    reference = _ranked_reference(location)
    for b in range(len(holds)):
        if b not in location.unusable:
            holds[b] = _nearest_holds(location, rows, b) and _band_holds(location, reference, b)
    return holds


def _nearest_holds(location: Location, rows: Rows, b: int) -> bool:
    query = location.queries[b].astype(np.float64)
    nearest, residual = location.nearest[b], location.residual[b]
    begin, end = location.weights.indptr[b : b + 2]
    support, w = location.weights.indices[begin:end], location.weights.data[begin:end]
    if not len(w):
        return True  # the search ended before any combination: nothing is exhibited
    points = rows.take(support.astype(np.intp)).astype(np.float64)
    with np.errstate(all="ignore"):
        step = np.abs(query + residual - nearest)
        size = np.abs(query) + np.abs(residual)
        average = np.abs((w[:, None] * (points - query)).sum(axis=0) / w.sum() - residual)
        spread = (w[:, None] * np.abs(points - query)).sum(axis=0)
        slack = location.allowed(b) + (len(w) + 16) * DERIVED_ROUNDOFF * (spread + size)
        if np.isnan(nearest).any() or np.isnan(residual).any():
            return False
        return not bool((step > 4 * DERIVED_ROUNDOFF * size).any() or (average > slack).any())


def _ranked_reference(location: Location) -> list[tuple[bool, float]]:
    """The reference distances, those of rows off the flat of the others above all the rest."""
    claimed = location.training.reference
    return sorted(
        (bool(off), 0.0 if distance <= claimed.negligible else float(distance))
        for off, distance in zip(claimed.off.tolist(), claimed.hull.tolist(), strict=True)
    )


def _band_holds(location: Location, reference: list[tuple[bool, float]], b: int) -> bool:
    band, percentile = str(location.band[b]), float(location.hull_percentile[b])
    if band == "unknown" and np.isnan(percentile) and location.notes:
        return True  # it could not be computed, which a note says: nothing is claimed
    if np.isnan(location.mahalanobis[b]):
        return band == "unknown"
    at_surface = location.verdict[b] == 1 or location.status[b].name == "BOUNDARY"
    upper = 0.0 if at_surface else float(location.upper[b])
    lower = min(float(location.lower[b]), upper)
    negligible = location.training.reference.negligible
    off = bool(np.isinf(location.mahalanobis[b]))
    low, high = ((off, 0.0 if v <= negligible else v) for v in (lower, upper))
    if not reference:
        return band == ("core" if high[1] == 0 else "unknown") and np.isnan(percentile)
    below = sum(one < high for one in reference)
    if abs(percentile - 100.0 * below / len(reference)) > 1e-9:
        return False
    names = {_band_of(distance, reference) for distance in (low, high)}
    return band == (names.pop() if len(names) == 1 else "unknown")


def _band_of(distance: tuple[bool, float], reference: list[tuple[bool, float]]) -> str:
    if distance > reference[-1]:
        return "far"
    percentile = 100.0 * sum(one < distance for one in reference) / len(reference)
    return "core" if percentile <= 50 else "edge" if percentile <= 95 else "beyond"
