"""The checker of bands: is each row where its bracket lies among the rows left out?

Like the checker of proofs it shares no code with what it checks: ranks are counted one by one, and
which rows leave the flat of the training rows is judged from those anew.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

import numpy as np

from .._core.types import Array, Floats, Indices, Mask
from ._checked_rows import CheckedRows

CLAIMED_BANDS = ("core", "edge", "beyond", "far", "unknown")
CERTAIN_FLAT = 1e-13  # of the largest spread: a smaller one is none
POSSIBLE_FLAT = 1e-9  # of the largest spread: a smaller one may be none
CERTAINLY_OFF = 1e-8  # of the half widths: so far off the flat is off
POSSIBLY_OFF = 1e-10  # of the half widths: so far off the flat may be off


Rank = tuple[bool, float]  # whether off the flat, and the distance


@dataclass(frozen=True, eq=False)
class BandClaims:
    """What is claimed of where m rows rank.

    Attributes
    ----------
    band : (m,) int
        A place in `CLAIMED_BANDS`.
    percentile : (m,) float64
    off : (m,) int
        1 for rows off the flat of the training rows, 0 for others, -1 where it is not known.
    at_surface : (m,) bool
        Rows within rounding of the hull's boundary, which rank as if on it.
    reference, reference_off : (r,)
        Distances of training rows left out in turn, and whether they leave the flat of the others.
    negligible : float
        Distances up to this one count as none.
    groups : (r,) int or None
        The group of each reference row, where each group counts alike, beside one more.
    """

    band: Array
    percentile: Floats
    off: Array
    at_surface: Mask
    reference: Floats
    reference_off: Mask
    negligible: float
    groups: Array | None = None

    def take(self, rows: Indices) -> BandClaims:
        """The claims of some rows."""
        parts = (self.band[rows], self.percentile[rows], self.off[rows], self.at_surface[rows])
        return BandClaims(*parts, self.reference, self.reference_off, self.negligible, self.groups)


def bands_hold(claims: BandClaims, lower: Floats, upper: Floats, verdict: Array) -> Mask:
    """(m,) whether bands and percentiles follow from the brackets and the reference."""
    none_below = claims.negligible
    usual = [
        (bool(off), 0.0 if distance <= none_below else float(distance))
        for off, distance in zip(claims.reference_off, claims.reference, strict=True)
    ]
    order = sorted(range(len(usual)), key=usual.__getitem__)
    weights = _weights(claims)
    usual = [usual[i] for i in order]
    below_each = list(accumulate((weights[i] for i in order), initial=Fraction(0)))
    holds = np.zeros(len(lower), dtype=bool)
    for b in range(len(lower)):
        high = 0.0 if verdict[b] == 1 or claims.at_surface[b] else float(upper[b])
        bracket = [
            (claims.off[b] == 1, 0.0 if distance <= none_below else float(distance))
            for distance in (min(float(lower[b]), high), high)
        ]
        band, percentile = CLAIMED_BANDS[claims.band[b]], float(claims.percentile[b])
        if claims.off[b] < 0:
            holds[b] = band == "unknown" and np.isnan(percentile)
        elif not usual:
            expected = "core" if bracket[1][1] == 0 else "unknown"
            holds[b] = band == expected and np.isnan(percentile)
        else:
            below = float(100 * below_each[bisect_left(usual, bracket[1])])
            names = {_band_of(distance, usual, below_each) for distance in bracket}
            expected = names.pop() if len(names) == 1 else "unknown"
            holds[b] = band == expected and abs(percentile - below) <= 1e-9
    return holds


def _weights(claims: BandClaims) -> list[Fraction]:
    """What each reference row counts: all alike, or each of G groups 1 / (G + 1)."""
    r = len(claims.reference)
    if claims.groups is None:
        return [Fraction(1, max(1, r))] * r
    sizes = Counter(claims.groups.tolist())
    return [Fraction(1, (len(sizes) + 1) * sizes[group]) for group in claims.groups.tolist()]


def _band_of(distance: Rank, usual: list[Rank], below_each: list[Fraction]) -> str:
    if distance > usual[-1]:
        return "far"
    percentile = 100 * below_each[bisect_left(usual, distance)]
    return "core" if percentile <= 50 else "edge" if percentile <= 95 else "beyond"


def off_flat_holds(
    off: Array, columns: Sequence[int], training: CheckedRows, queries: CheckedRows
) -> Mask:
    """(m,) whether it is right which rows are off the flat that the training rows span.

    A row within rounding of the question may be claimed either way. O(n k^2), k coordinates.
    """
    X, Q = training.coordinates(columns), queries.coordinates(columns)
    low, high = X.min(axis=0), X.max(axis=0)
    half, size = high / 2 - low / 2, np.maximum(np.abs(low), np.abs(high))
    unit = np.where(half > CERTAIN_FLAT * size, half, np.where(size > 0, size, 1.0))
    _, spread, axes = np.linalg.svd(_triangle(X / unit), full_matrices=True)
    spread = np.concatenate([spread, np.zeros(len(axes) - len(spread))])
    largest = max(float(spread[0]), np.finfo(float).tiny) if len(spread) else 1.0
    with np.errstate(all="ignore"):
        D = Q / unit - X[0] / unit
        reach = 1 + np.abs(D).max(axis=1, initial=0.0)
        certainly = np.abs(D @ axes[spread <= CERTAIN_FLAT * largest].T).max(axis=1, initial=0.0)
        possibly = np.abs(D @ axes[spread <= POSSIBLE_FLAT * largest].T).max(axis=1, initial=0.0)
    is_off, is_on = certainly > CERTAINLY_OFF * reach, possibly < POSSIBLY_OFF * reach
    return np.asarray((off < 0) | np.where(off == 1, ~is_on, ~is_off))


def _triangle(X: Floats) -> Floats:
    """R of the QR of the rows less the first one, block by block."""
    R = np.zeros((0, X.shape[1]))
    for start in range(0, len(X), 4096):
        R = np.asarray(np.linalg.qr(np.vstack([R, X[start : start + 4096] - X[0]]), mode="r"))
    return R
