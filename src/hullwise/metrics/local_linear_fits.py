"""The average gradient outer product of a target known at rows only: no model is needed.

A linear function fitted to the nearest rows of a point estimates the gradient there. Averaging the
outer products, and taking them as the metric of the next search for nearest rows, is the refined
outer product of gradients of Xia, Tong, Li and Zhu (2002): neighbourhoods become long in the
directions that do not matter, so that few rows suffice in many dimensions. The noise of each fit
adds its own covariance to the outer product; that is estimated from the residuals and taken off.
Of the metrics met on the way the one counts whose neighbourhoods predict left-out rows best.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from .._core.foreign import own_errors
from .._core.options import check_int
from .._core.types import Floats
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..geometry.neighbours import nearest_rows
from ..predict.targets import numeric_target
from ._jacobians import JACOBIAN_BLOCK_ENTRIES
from .feature_matrices import AGOP_RIDGE, add_ridge

METRIC_UPDATES = 5  # searches, each in the metric that the last one found
GRADIENT_ROWS = 500  # rows at which gradients are estimated
SMALLEST_FIT_WEIGHT = 1e-3  # of the farthest neighbour, and of directions that seem not to matter
GRADIENT_CLIP = 3.0  # largest squared gradient that counts in full, of the median one
FIT_SHRINKAGE = 0.1  # ridge of a local fit, of the average one's squared deviations


def agop_of_rows(
    X: Any, y: Any, *, n_neighbors: int | None = None, ridge: float = AGOP_RIDGE
) -> Floats:
    """The AGOP of a target from local linear fits to its rows: a metric without a model.

    Parameters
    ----------
    X : array-like (n, d) or Cloud
    y : array-like (n,) or (n, t)
        Targets; each of several counts by its own spread. For classes pass indicator columns.
    n_neighbors : int, optional
        Rows of each local fit; 3 d + 60 unless told. More for noisy targets.
    ridge : float
        As for `agop`.

    Returns
    -------
    ndarray (d, d)
        In the features' own units, of targets of unit spread. The fits are shrunk, so its size is
        up to a third low; directions and proportions are what it is for.

    Raises
    ------
    DataError
        If X or y is not finite, their lengths differ, or y is constant.
    ModelError
        If no direction matters more than noise would let it seem to.

    Notes
    -----
    Gradients are estimated at 500 rows (a seeded sample) in 6 rounds: O(500 n d) to search and
    O(500 n_neighbors d^2) to fit in each. A gradient counts for at most that of three median ones.

    Source: Xia, Tong, Li & Zhu, *An adaptive estimation of dimension reduction space*, JRSS B
    2002 (refined outer product of gradients); the correction for noise is the sandwich covariance
    of each weighted fit.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> X = np.random.default_rng(0).normal(size=(500, 6))
    >>> M = hw.metrics.agop_of_rows(X, X[:, 0] * X[:, 1])
    >>> bool(np.trace(M[:2, :2]) > 0.99 * np.trace(M))
    True
    """
    with own_errors("fitting local gradients"):
        cloud = X if isinstance(X, Cloud) else Cloud(X, copy=False)
        n, d = cloud.n, cloud.d
        T = numeric_target(y, n).reshape(n, -1)
        spread = T.std(axis=0)
        if not spread.any():
            raise DataError("y is constant: no direction of X changes it")
        T = (T - T.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        n_fitted = 3 * d + 60 if n_neighbors is None else check_int("n_neighbors", n_neighbors, 2)
        scale = np.where(cloud.spread > 0, cloud.spread, 1.0)
        Z = Cloud((cloud.rows.block(0, n).astype(np.float64) - cloud.mean) / scale, copy=False)
        places = Z.sample(GRADIENT_ROWS)
        M, candidates = np.eye(d), []
        for _ in range(METRIC_UPDATES + 1):
            outer, error = _outer_products(Z, T, places, M, min(n_fitted, n - 1))
            candidates.append((outer, error))
            total = float(np.trace(outer))
            if not total > 0:
                break
            M = outer * d / total
        # each was found in the metric before it, and the error is that of the metric before it too
        scored = [(error, outer) for (outer, _), (_, error) in pairwise(candidates)]
        best = min(scored, key=lambda one: one[0])[1] if scored else candidates[0][0]
        return add_ridge(best / np.outer(scale, scale), ridge, "target", scale)


def _outer_products(Z: Cloud, T: Floats, at: Any, M: Floats, k: int) -> tuple[Floats, float]:
    """The mean outer product of gradients at rows `at`, neighbourhoods in the metric M.

    Also the mean squared error of predicting each of those rows from the others.
    """
    d = Z.d
    metric = Z.metric(M + SMALLEST_FIT_WEIGHT * np.eye(d))
    total, error = np.zeros((d, d)), 0.0
    block = max(1, JACOBIAN_BLOCK_ENTRIES // (k * (d + 1)))
    for i in range(0, len(at), block):
        rows_at = at[i : i + block]
        centre = Z.take(rows_at)
        near = nearest_rows(Z, centre, metric, k, exclude=rows_at)
        reach = np.maximum(near.distances[:, -1:], np.finfo(float).tiny)
        weight = (
            np.maximum(1 - (near.distances / reach) ** 3, 0) ** 3 + SMALLEST_FIT_WEIGHT
        )  # tricube
        rows = Z.take(near.rows.ravel()).reshape(*near.rows.shape, d)
        outer, fitted = _fit_gradients(rows - centre[:, None], T[near.rows], weight)
        total += outer
        error += float(((fitted - T[rows_at]) ** 2).sum())
    values, vectors = np.linalg.eigh((total + total.T) / (2 * len(at)))
    return np.asarray((vectors * np.maximum(values, 0)) @ vectors.T), error / len(at)


def _fit_gradients(rows: Floats, T: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Sum of g g' over weighted ridge fits to rows (m, k, d), less the share that is noise.

    Also the fitted values (m, t) at the origin.
    """
    m, k, d = rows.shape
    A = np.concatenate([np.ones((m, k, 1)), rows], axis=2)
    W = A * weight[:, :, None]
    gram = W.transpose(0, 2, 1) @ A
    # the shape of the average neighbourhood: a ridge of another shape would favour directions
    shape = gram[:, 1:, 1:].mean(axis=0)
    shrink = np.zeros((d + 1, d + 1))
    least = SMALLEST_FIT_WEIGHT**4 * max(float(np.trace(shape)) / d, 1.0)
    shrink[1:, 1:] = FIT_SHRINKAGE * shape + least * np.eye(d)
    inverse = np.linalg.inv(gram + shrink)
    slopes = inverse @ (W.transpose(0, 2, 1) @ T)
    freedom = weight.sum(axis=1) - np.einsum("mij,mji->m", inverse, gram)
    squares = (weight[:, :, None] * (T - A @ slopes) ** 2).sum(axis=(1, 2))
    noise = squares / np.maximum(freedom, 1.0)
    spanned = (inverse @ (W.transpose(0, 2, 1) @ W) @ inverse)[:, 1:, 1:]
    g = slopes[:, 1:].transpose(0, 2, 1)
    size = np.square(g).sum(axis=(1, 2))
    # nearly equal features can make a slope huge at a few places: none counts for many others
    most = GRADIENT_CLIP * np.median(size)
    share = np.minimum(1.0, most / np.maximum(size, np.finfo(float).tiny))
    outer = np.einsum("m,mti,mtj->ij", share, g, g, optimize=True)
    return outer - np.einsum("m,mij->ij", share * noise, spanned), slopes[:, 0]
