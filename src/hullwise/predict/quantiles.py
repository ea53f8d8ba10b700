"""Weighted quantiles of targets, one row of weights for each query."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from ..errors import DataError
from ..rows._rows import Floats


def weighted_quantiles(W: csr_array, y: Floats, p: ArrayLike) -> Floats:
    """Quantiles of targets y (n,) or (n, k) under each row of W (m, n).

    The least target at which the weights of all smaller or equal targets reach p: a left inverse
    of the weighted distribution function, so always one of the targets. O(nnz k log nnz).

    Raises
    ------
    DataError
        For probabilities outside 0 to 1, and for weights that are negative.
    """
    probabilities = np.asarray(p, dtype=np.float64)
    if probabilities.ndim > 1 or not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise DataError(f"p={p!r}: expected probabilities from 0 to 1.")
    if (W.data < 0).any():
        raise DataError("quantiles need weights of at least 0: these are signed.")
    targets = y.reshape(len(y), -1)
    found = np.zeros((W.shape[0], targets.shape[1], probabilities.size))
    for b in range(W.shape[0]):
        span = slice(W.indptr[b], W.indptr[b + 1])
        w, rows = W.data[span], W.indices[span]
        order = np.argsort(targets[rows], axis=0, kind="stable")
        for j in range(targets.shape[1]):
            values, total = targets[rows[order[:, j]], j], np.cumsum(w[order[:, j]])
            at = np.searchsorted(total, probabilities.ravel() * total[-1] * (1 - 1e-12))
            found[b, j] = values[np.minimum(at, len(values) - 1)]
    shape = (W.shape[0], *y.shape[1:], *probabilities.shape)
    return found.reshape(shape)
