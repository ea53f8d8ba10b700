"""Mean errors in bins of rows, with intervals that hold for all bins at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats, Indices, Ints

RESAMPLES = 400  # of the studentised bootstrap


@dataclass(frozen=True, eq=False)
class BinnedMeans:
    """Means of K bins with simultaneous limits.

    Attributes
    ----------
    rows : (K,) int
    mean, lower, upper : (K,) float64
        NaN in empty bins. With the probability `level` all K limits hold at once.
    level : float
    """

    rows: Ints
    mean: Floats
    lower: Floats
    upper: Floats
    level: float


def group_codes(groups: NDArray[np.generic] | None, n: int) -> Indices:
    """(n,) number of each row's group from 0; every row is its own where there are none."""
    if groups is None:
        return np.arange(n)
    return np.asarray(np.unique(groups, return_inverse=True)[1], dtype=np.intp)


def binned_means(
    bins: Indices,
    n_bins: int,
    error: Floats,
    group: Indices,
    *,
    level: float = 0.9,
    random_state: int = 0,
) -> BinnedMeans:
    """Mean error of each bin, with simultaneous intervals.

    Parameters
    ----------
    bins : (n,) int
        The bin of each row, from 0 to `n_bins` - 1.
    error : (n,) float64
        At least 0.
    group : (n,) int
        Rows of one group are drawn together; `numpy.arange(n)` for rows that are independent.
    level : float
    random_state : int

    Notes
    -----
    Half widths are one quantile of the largest studentised deviation over the bins, over 400
    resamples of whole groups; each bin's standard error is that of a ratio estimator. Errors that
    are 0 or 1 get Clopper-Pearson limits at (1 - level) / K, exact for independent rows.
    O(400 G K).

    Examples
    --------
    >>> import numpy as np
    >>> error = np.array([0.0, 1.0, 2.0, 5.0, 6.0, 7.0])
    >>> binned_means(np.repeat([0, 1], 3), 2, error, np.arange(6)).mean
    array([1., 6.])
    """
    if np.isin(error, (0.0, 1.0)).all() and len(np.unique(group)) == len(group):
        return _clopper_pearson(bins, n_bins, error, level)
    n_groups = int(group.max()) + 1
    total, rows = np.zeros((n_groups, n_bins)), np.zeros((n_groups, n_bins))
    scale = float(error.max(initial=0.0)) or 1.0
    np.add.at(total, (group, bins), error / scale)
    np.add.at(rows, (group, bins), 1.0)
    counts = rows.sum(axis=0)
    safe = np.maximum(counts, 1.0)
    mean = total.sum(axis=0) / safe
    influence = total - rows * mean
    correction = n_groups / max(n_groups - 1, 1)
    standard_error = np.sqrt((influence**2).sum(axis=0) * correction) / safe
    rng = np.random.default_rng(random_state)
    deviation = _largest_deviations(total, rows, mean, rng)
    half = np.quantile(deviation, level) * standard_error
    empty = counts == 0
    limits = (np.where(empty, np.nan, scale * v) for v in (mean, mean - half, mean + half))
    centre, lower, upper = limits
    return BinnedMeans(counts.astype(np.int64), centre, np.maximum(lower, 0.0), upper, level)


def _largest_deviations(
    total: Floats, rows: Floats, mean: Floats, rng: np.random.Generator
) -> Floats:
    """(400,) largest studentised deviation of resampled bin means from `mean`."""
    n_groups = len(total)
    sums = np.hstack([rows, total, total**2, total * rows, rows**2])
    resampled = np.empty((RESAMPLES, sums.shape[1]))
    for k in range(RESAMPLES):
        times = np.bincount(rng.integers(0, n_groups, n_groups), minlength=n_groups)
        resampled[k] = times @ sums
    n, sum_, sum_of_squares, products, rows_squared = np.hsplit(resampled, 5)
    means = sum_ / np.maximum(n, 1e-9)
    squares = sum_of_squares - 2 * means * products + means**2 * rows_squared
    error = np.sqrt(np.maximum(squares, 0.0)) / np.maximum(n, 1e-9)
    usable = (n > 0) & (error > 0)
    deviation = np.abs(means - mean) / np.where(usable, error, 1.0)
    return np.asarray(np.where(usable, deviation, 0.0).max(axis=1))


def _clopper_pearson(bins: Indices, n_bins: int, error: Floats, level: float) -> BinnedMeans:
    from scipy.stats import beta

    rows = np.bincount(bins, minlength=n_bins)
    wrong = np.bincount(bins, error, minlength=n_bins)
    miss = (1 - level) / (2 * n_bins)
    lower = np.where(wrong > 0, beta.ppf(miss, np.maximum(wrong, 1), rows - wrong + 1), 0.0)
    upper = np.where(wrong < rows, beta.ppf(1 - miss, wrong + 1, np.maximum(rows - wrong, 1)), 1.0)
    empty = rows == 0
    mean = np.where(empty, np.nan, wrong / np.maximum(rows, 1))
    return BinnedMeans(
        rows, mean, np.where(empty, np.nan, lower), np.where(empty, np.nan, upper), level
    )
