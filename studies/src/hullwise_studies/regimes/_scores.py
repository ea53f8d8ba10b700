"""How well a reading tells which predictions are wrong: rank statistics, and their intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from .._types import Floats

CURVE_BINS = 10  # of a curve: queries by how far out they are read
WORST_SHARE = 0.1  # the share of queries whose errors count as bad
INTERVAL_LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean over seeds and its t-interval; NaN where there are too few."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def half(self) -> float:
        """What stands behind the sign +-."""
        return (self.high - self.low) / 2


def interval(values: Floats) -> Interval:
    """Mean of the values that are known, and the 95 % interval of Student's t."""
    finite = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    n = len(finite)
    if not n:
        return Interval(np.nan, np.nan, np.nan, 0)
    mean = float(finite.mean())
    if n == 1:
        return Interval(mean, np.nan, np.nan, 1)
    reach = float(
        special.stdtrit(n - 1, (1 + INTERVAL_LEVEL) / 2) * finite.std(ddof=1) / np.sqrt(n)
    )
    return Interval(mean, mean - reach, mean + reach, n)


def ranks(values: Floats) -> Floats:
    """Ranks from 1, of equal values their mean; infinities rank last."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(values), dtype=np.float64)


def spearman(reading: Floats, error: Floats) -> float:
    """Spearman's rank correlation; 0 for a reading that is the same everywhere: it says nothing."""
    a, b = ranks(reading), ranks(error)
    a, b = a - a.mean(), b - b.mean()
    if np.isnan(a).any() or not b.any():
        return float("nan")
    return float(a @ b / np.sqrt((a @ a) * (b @ b))) if a.any() else 0.0


def auroc(reading: Floats, bad: NDArray[np.bool_]) -> float:
    """The chance that a bad query reads higher than another, ties by half; NaN without both."""
    positive = int(bad.sum())
    negative = len(bad) - positive
    if not positive or not negative:
        return float("nan")
    above = ranks(reading)[bad].sum() - positive * (positive + 1) / 2
    return float(above / (positive * negative))


def worst(error: Floats) -> NDArray[np.bool_]:
    """The tenth of the queries with the largest errors; equal errors stay together."""
    count = max(1, int(np.ceil(WORST_SHARE * len(error))))
    return np.asarray(error >= np.sort(error)[-count])


def curve(reading: Floats, error: Floats, bins: int = CURVE_BINS) -> Floats:
    """Median error, in mean errors, of each tenth of the queries from the lowest reading up.

    Equal readings share a bin: that of their mean rank; bins that none falls in are NaN.
    """
    if np.isnan(reading).any():
        return np.full(bins, np.nan)
    place = np.minimum(((ranks(reading) - 0.5) / len(reading) * bins).astype(int), bins - 1)
    mean = error.mean()
    medians = np.full(bins, np.nan)
    for b in np.unique(place) if mean > 0 else ():
        medians[b] = np.median(error[place == b]) / mean
    return medians
