"""Weighted quantiles of targets, one row of weights for each query."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from .._core.types import Floats
from ..errors import DataError

QUANTILE_VALUES = 1 << 20  # compared at once


def weighted_quantiles(W: csr_array, y: Floats, p: ArrayLike) -> Floats:
    """Quantiles of targets y (n,) or (n, k) under each row of W (m, n).

    The least target at which the weights of all smaller or equal targets reach p: a left inverse
    of the weighted distribution function, so always one of the targets. O(nnz k log nnz).

    Raises
    ------
    DataError
        For probabilities outside 0 to 1, and for weights that are negative.
    """
    probabilities = check_probabilities(p)
    if (W.data < 0).any():
        raise DataError("quantiles need weights of at least 0: these are signed.")
    targets = y.reshape(len(y), -1)
    values_at = np.full((W.shape[0], targets.shape[1], probabilities.size), np.nan)
    if (W.data == 0).any():  # a row without weight is none of those that make the prediction
        W = W.copy()
        W.eliminate_zeros()
    counts = np.diff(W.indptr)
    for size in np.unique(counts[counts > 0]).tolist():
        queries = np.flatnonzero(counts == size)
        each = max(1, QUANTILE_VALUES // (size * (2 + probabilities.size)))
        for start in range(0, len(queries), each):
            batch = queries[start : start + each]
            entries = W.indptr[batch][:, None] + np.arange(size)
            for j in range(targets.shape[1]):
                values = targets[W.indices[entries], j]
                values_at[batch, j] = _quantiles(values, W.data[entries], probabilities.ravel())
    return values_at.reshape(W.shape[0], *y.shape[1:], *probabilities.shape)


def check_probabilities(p: ArrayLike) -> Floats:
    """One probability (), or several (s,)."""
    try:
        values_at = np.asarray(p, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):  # text, or rows of unequal length
        values_at = np.array(np.nan)
    if values_at.ndim > 1 or not ((values_at >= 0) & (values_at <= 1)).all():
        raise DataError(f"p={p!r}: expected probabilities from 0 to 1.")
    return values_at


def _quantiles(values: Floats, weights: Floats, p: Floats) -> Floats:
    """Quantiles (b, s) of b distributions on values (b, e), e entries each."""
    order = np.argsort(values, axis=1, kind="stable")
    total = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    # weights that should add up to p may miss it by their rounding
    reached = p * total[:, -1:] * (1 - 1e-12)
    at = (total[:, None, :] < reached[:, :, None]).sum(axis=2)
    ordered = np.take_along_axis(values, order, axis=1)
    return np.take_along_axis(ordered, np.minimum(at, values.shape[1] - 1), axis=1)
