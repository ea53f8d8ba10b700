"""Metrics of where a target bends: the average absolute Hessian, of a model or from rows.

What reproduces linear functions makes its errors where a target bends, so there distance should
count bends and not slopes (the gradient outer product): along a direction in which the target is
linear a row far away is as good as one nearby.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.foreign import own_errors
from .._core.threads import single_threaded_blas
from .._core.types import Floats
from ..errors import DataError, ModelError
from ..geometry.cloud import Cloud
from ..io.validation import check_rows
from ..predict.duplicates import unique_rows
from ..predict.targets import numeric_target
from ._jacobians import (
    TREE_MODEL_STEP,
    FiniteDifferences,
    Gradients,
    LinearGradients,
    NetworkGradients,
    gradients_of,
)
from .feature_matrices import AGOP_RIDGE, add_ridge

__all__ = ["curvature", "curvature_of_rows"]

CURVATURE_ROWS = 500  # rows at which Hessians are averaged
FITTED_ROWS = 1000  # rows that a smooth fit is made of
HESSIAN_WORK = 1 << 31  # multiplications that Hessians of such a fit may take
CURVATURE_RIDGE = 0.02  # of the mean eigenvalue: no direction is known to have no bend at all
HESSIAN_STEP = 1e-2  # of a standard deviation, where gradients are differences too
EXACT_GRADIENT_STEP = 1e-4  # the same where gradients are exact
KERNEL_WIDTHS = (0.02, 0.1, 0.5)  # gamma times d of a Gaussian kernel of standardised rows
RIDGE_PENALTIES = (1e-5, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
CURVATURE_UPDATES = 3  # fits, each in the metric that the last one found
LEAST_SHARE_GAIN = 0.005  # of the share explained: less, and the metric stays
LEAST_BEND = 0.02  # share of what a linear function leaves that a fit must explain, left out
NO_RESIDUAL = 1e-10  # of a target's spread: it is linear, to rounding


def curvature(
    model: Any, X: Any, *, ridge: float = AGOP_RIDGE, step: float | None = None
) -> Floats:
    """The average absolute Hessian of a model, E |H|: a metric of where its answer bends.

    Parameters
    ----------
    model : Network, torch module, fitted scikit-learn estimator, or function
        As for `agop`. Smooth models are differentiated twice, by differences of their gradients;
        of piecewise affine networks and of trees the jumps of slopes (of values) count that lie
        within half a standard deviation: they bend at the scale of the data only.
    X : array-like (n, d)
        The rows to average over: the training rows, of more than 500 a seeded sample.
    ridge : float
        How much of the mean eigenvalue is added to all, as for `agop`.
    step : float, optional
        Step of differences, in standard deviations of each feature.

    Returns
    -------
    ndarray (d, d)
        Symmetric, positive semidefinite: pass it as ``metric=``. |v|^2 is twice the most that the
        answer may leave its tangent plane along v, on average. Hessians of several outputs add up.

    Raises
    ------
    DataError
        If X is empty or not finite, or `ridge` is negative.
    ModelError
        If the model cannot be differentiated, or bends nowhere on X.

    Notes
    -----
    |H| has the eigenvectors of H and the sizes of its eigenvalues, where features are in standard
    deviations: another unit of a feature gives the same metric in that unit.
    2 d Jacobians for each row, and O(d^3).

    Source: Imbens and Wager, *Optimized regression discontinuity designs*, Review of Economics and
    Statistics 2019, for errors of linear reproduction as bounded by second derivatives.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> X = np.random.default_rng(0).uniform(size=(50, 3))
    >>> hw.metrics.curvature(lambda x: x[:, 0] ** 2 + 9 * x[:, 1], X, ridge=0).round(4) + 0.0
    array([[2., 0., 0.],
           [0., 0., 0.],
           [0., 0., 0.]])
    """
    with own_errors("averaging second derivatives"), single_threaded_blas():
        rows = np.ascontiguousarray(check_rows(X).values, dtype=np.float64)
        spread = rows.std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        at = rows[Cloud(rows, copy=False).sample(CURVATURE_ROWS)]
        differences = _differences(model, rows, step)
        total = sum(_absolute_sum(H) for H in differences.hessians(at, scale))
        M = total / len(at) / np.outer(scale, scale)
        return add_ridge(M, ridge, "model's slope", scale)


@dataclass(frozen=True, eq=False)
class _GradientDifferences:
    """Hessians by central differences of gradients, `step` standard deviations to each side."""

    gradients: Gradients
    step: float

    def hessians(self, X: Floats, scale: Floats) -> Iterator[Floats]:
        """Those of each output at rows X (m, d) with features in units of `scale`, (m k, d, d)."""
        m, d = X.shape
        if isinstance(self.gradients, LinearGradients):
            return
        block = max(1, 2**20 // (d * d))
        for start in range(0, m, block):
            part = X[start : start + block]
            columns = []
            for j in range(d):
                moved = np.repeat(part[None], 2, axis=0)
                moved[0, :, j] += self.step * scale[j]
                moved[1, :, j] -= self.step * scale[j]
                J = np.concatenate(list(self.gradients.jacobians(moved.reshape(-1, d))))
                J = J.reshape(2, len(part), -1, d) * scale
                columns.append((J[0] - J[1]) / (2 * self.step))
            H = np.stack(columns, axis=-1).reshape(-1, d, d)
            yield (H + H.transpose(0, 2, 1)) / 2


def _differences(model: Any, X: Floats, step: float | None) -> _GradientDifferences:
    """How to differentiate a model twice, for rows like X."""
    gradients = gradients_of(model, X, step)
    if step is not None:
        return _GradientDifferences(gradients, step)
    if isinstance(gradients, NetworkGradients):
        return _GradientDifferences(gradients, TREE_MODEL_STEP)
    if not isinstance(gradients, FiniteDifferences):
        return _GradientDifferences(gradients, EXACT_GRADIENT_STEP)
    steps = gradients.steps / np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    own = max(float(steps[X.std(axis=0) > 0].min(initial=np.inf)), HESSIAN_STEP)
    own = own if np.isfinite(own) else HESSIAN_STEP
    return _GradientDifferences(gradients_of(model, X, own), own)


def _absolute_sum(H: Floats) -> Floats:
    """The sum of the matrix absolute values of symmetric matrices (m, d, d)."""
    values, vectors = np.linalg.eigh(H)
    return np.asarray(np.einsum("mij,mj,mkj->ik", vectors, np.abs(values), vectors, optimize=True))


# ---- from rows --------------------------------------------------------------------------------


def curvature_of_rows(X: Any, y: Any, *, ridge: float = CURVATURE_RIDGE) -> Floats:
    """The average absolute Hessian of a smooth fit to rows: where a target bends, with no model.

    Parameters
    ----------
    X : array-like (n, d) or Cloud
    y : array-like (n,) or (n, t)
        Targets. For classes pass indicator columns.
    ridge : float
        As for `agop`; more, since no direction is known to have no bend at all.

    Returns
    -------
    ndarray (d, d)
        In the features' own units, of targets of unit spread about a linear function; each of
        several counts by the share of that spread that the fit explains of left-out rows.

    Raises
    ------
    DataError
        If X or y is not finite, their lengths differ, or y is constant.
    ModelError
        If no target bends more than noise would let it seem to.

    Notes
    -----
    A linear function is taken off, by least squares where there are three rows for each of its
    coefficients; Gaussian kernel ridge regression of what is left, width and penalty chosen by the
    closed form of leaving one out, has Hessians in closed form. Their average is the metric of the
    next fit, up to three times, while left-out rows are predicted better: directions without bends
    then cost no rows. At most 1,000 distinct rows (a seeded sample), three eigendecompositions of
    the kernel for each fit, and O(1000 d^2) for each of at most 500 Hessians. To judge by rows that
    did not help to learn it: `MetricLearner.from_targets(..., method="curvature")`.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> X = np.random.default_rng(0).normal(size=(300, 4))
    >>> M = hw.metrics.curvature_of_rows(X, np.sin(2 * X[:, 0]) + 5 * X[:, 1])
    >>> bool(M[0, 0] > 0.8 * np.trace(M))        # x1 matters most to y, and y is linear in it
    True
    """
    with own_errors("fitting second derivatives"):
        cloud = X if isinstance(X, Cloud) else Cloud(X, copy=False)
        M, _ = fit_curvature(cloud, numeric_target(y, cloud.n))
        return add_ridge(M, ridge, "target's slope", _scale(cloud))


def _scale(cloud: Cloud) -> Floats:
    return np.asarray(np.where(cloud.spread > 0, cloud.spread, 1.0))


def fit_curvature(cloud: Cloud, y: Floats) -> tuple[Floats, float]:
    """E |H| in the features' units, (d, d), and the share of what is not linear that it explains.

    The share is that of left-out rows, on average over the targets.
    """
    with single_threaded_blas():  # many products of small matrices
        return _fit_curvature(cloud, y.reshape(cloud.n, -1))


def _fit_curvature(cloud: Cloud, T: Floats) -> tuple[Floats, float]:
    if not T.std(axis=0).any():
        raise DataError("y is constant: it bends nowhere")
    table = cloud.rows.block(0, cloud.n).astype(np.float64)
    unique = unique_rows(table)
    if len(unique.first) < cloud.n:
        T = np.asarray(unique.averaging_matrix() @ T)
    table, scale = table[unique.first], _scale(cloud)
    Z = (table - cloud.mean) / scale
    residual = _without_linear_part(Z, T)
    spread = residual.std(axis=0)
    bends = spread > NO_RESIDUAL * np.maximum(T.std(axis=0), np.finfo(float).tiny)
    residual = residual[:, bends] / spread[bends]
    if not len(residual.T):
        raise ModelError("the target is a linear function: it bends nowhere, there is no metric")
    sample = np.random.default_rng(0).permutation(len(Z))[:FITTED_ROWS]
    M, share = _refined_fits(Z[np.sort(sample)], residual[np.sort(sample)])
    return M / np.outer(scale, scale), share * len(residual.T) / len(T.T)


def _refined_fits(Z: Floats, T: Floats) -> tuple[Floats, float]:
    """E |H| of fits to targets (n, t) of unit spread, each in the metric of the last one.

    Also the share of left-out targets that the best one explains.
    """
    d = Z.shape[1]
    root, best = np.eye(d), (np.zeros((d, d)), -np.inf)
    for _ in range(CURVATURE_UPDATES + 1):
        fits = _smooth_fits(Z @ root, T)
        share = float(np.mean([fit.share for fit in fits]))
        fits = [fit for fit in fits if fit.share > LEAST_BEND]
        if not fits or share <= best[1]:
            break
        H = sum(fit.share * fit.mean_absolute_hessian() for fit in fits)
        M = root @ H @ root.T
        gain, best = share - best[1], (M, share)
        if gain < LEAST_SHARE_GAIN:
            break
        values, vectors = np.linalg.eigh(M * d / np.trace(M) + CURVATURE_RIDGE * np.eye(d))
        root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    if not np.isfinite(best[1]):
        raise ModelError(
            "the target bends in no direction more than its noise would let it seem to: "
            "there is no metric to learn"
        )
    return best


def _without_linear_part(Z: Floats, T: Floats) -> Floats:
    """Targets less their least squares fit on (1, z), or less their mean where rows are few."""
    n, d = Z.shape
    if n < 3 * (d + 1):
        return np.asarray(T - T.mean(axis=0))
    A = np.column_stack([np.ones(n), Z])
    return np.asarray(T - A @ np.linalg.lstsq(A, T, rcond=None)[0])


@dataclass(frozen=True, eq=False)
class _SmoothFit:
    """sum_i a_i exp(-gamma |z - z_i|^2), and the share of left-out targets that it explains."""

    Z: Floats
    coefficients: Floats
    gamma: float
    share: float

    def mean_absolute_hessian(self) -> Floats:
        """Over its own rows, or a sample of them, (d, d)."""
        n, d = self.Z.shape
        count = int(np.clip(HESSIAN_WORK // (n * d * d), 30, CURVATURE_ROWS))
        total = np.zeros((d, d))
        for z in self.Z[:: -(-n // count)]:
            V = z - self.Z
            k = np.exp(-self.gamma * np.square(V).sum(axis=1)) * self.coefficients
            H = 4 * self.gamma**2 * (V.T * k) @ V - 2 * self.gamma * k.sum() * np.eye(d)
            total += _absolute_sum(H[None])
        return total / len(self.Z[:: -(-n // count)])


def _smooth_fits(Z: Floats, T: Floats) -> list[_SmoothFit]:
    """For each target (n, t) of mean square 1 the fit that predicts left-out rows best."""
    size = np.square(Z).sum(axis=1)
    squares = np.maximum(size[:, None] + size - 2 * Z @ Z.T, 0.0)
    best: list[_SmoothFit | None] = [None] * len(T.T)
    for width in KERNEL_WIDTHS:
        gamma = width / Z.shape[1]
        values, V = np.linalg.eigh(np.exp(-gamma * squares))
        values, V2, projected = np.maximum(values, 0.0), np.square(V), V.T @ T
        for penalty in RIDGE_PENALTIES:
            inverse = 1 / (values + penalty)
            A = V @ (inverse[:, None] * projected)
            # a left-out residual is a coefficient over the inverse's diagonal entry
            error = np.square(A / (V2 @ inverse)[:, None]).mean(axis=0)
            for t, share in enumerate(1 - error / np.square(T).mean(axis=0)):
                current = best[t]
                if current is None or share > current.share:
                    best[t] = _SmoothFit(Z, A[:, t], gamma, float(share))
    return [fit for fit in best if fit is not None]
