"""A row so far from the others that rounding leaves little of their differences."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from .._core.caller import caller_stacklevel
from .._core.types import Array
from ..errors import DataWarning

OUTLIER_SAMPLE = 1000  # rows that say where most of them lie
LOST_DIGITS = 1e10  # of float64's 1e16: beyond, fewer than 6 digits are left


def warn_of_outliers(X: Array, names: Sequence[str]) -> None:
    """Name the row that takes the digits of all others, such as a 1e20 for a missing value.

    Distances are computed about one centre: what is lost there is lost to the prediction.
    O(n d).
    """
    rows = np.linspace(0, len(X) - 1, min(len(X), OUTLIER_SAMPLE)).astype(np.intp)
    sample = X[rows].astype(np.float64)
    low, middle, high = np.quantile(sample / 4, [0.25, 0.5, 0.75], axis=0, method="nearest")
    least, most = (end.astype(np.float64) / 4 for end in (X.min(axis=0), X.max(axis=0)))
    farthest, spread = np.maximum(most - middle, middle - least), high - low
    is_outlying = (spread > 0) & (farthest / LOST_DIGITS > spread)
    if is_outlying.any():
        j = int(is_outlying.argmax())
        row = int(np.abs(X[:, j] / 4 - middle[j]).argmax())
        warnings.warn(
            f"feature {names[j]!r} is {X[row, j]:.3g} in row {row} (counted from 0), while half of "
            f"the rows lie within {4 * spread[j]:.3g} of each other: in float64 little is left of "
            "the differences between them, and predictions rest on those. If the value stands "
            "for a missing one, drop that row.",
            DataWarning,
            stacklevel=caller_stacklevel(),
        )
