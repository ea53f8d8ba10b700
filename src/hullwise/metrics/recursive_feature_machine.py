"""Recursive feature machines: kernel machines that learn the metric of their task.

Radhakrishnan, Beaglehole, Pandit & Belkin (Science 2024), algorithm 1: solve kernel ridge
regression in a metric, take the average gradient outer product of its answer as the next metric,
and again. Which step, and which ridge, is chosen by cross-validation here.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from .._core.estimators import ClassifierMixin, RegressorMixin
from .._core.memory import check_memory
from .._core.options import check_int
from .._core.threads import single_threaded_blas
from .._core.types import Floats
from ..errors import DataError
from ..geometry.cloud_estimator import CloudEstimator
from ..geometry.location import Location
from ..predict.targets import encode_classes, numeric_target
from ._iterative_kernel_ridge import Kernel, solve_kernel_ridge
from .feature_matrices import AGOP_RIDGE, add_ridge

RFM_KERNELS = ("laplace", "gaussian")
RFM_RIDGES = (1e-3, 1e-2, 1e-1, 1.0)
SINGLE_THREAD_ROWS = 2000  # up to here one thread is faster
METRIC_SAMPLE_ROWS = 5000  # rows that lead the metric where kernel matrices of all cannot be held
QUERY_KERNEL_ENTRIES = 2**22  # numbers of a kernel matrix of queries held at a time


class RecursiveFeatureMachine(CloudEstimator):
    """What the regressor and the classifier share; not for use by itself."""

    metric_: Floats
    offset_: Floats
    _fitted: tuple[Floats, Floats, Floats]
    dual_coef_: Floats
    n_iter_: int
    ridge_: float
    cv_errors_: Floats | None
    _max_dense_rows = 10_000  # most rows of which kernel matrices are held

    def __init__(
        self,
        *,
        kernel: str = "laplace",
        bandwidth: float = 30.0,
        ridges: Sequence[float] = RFM_RIDGES,
        iterations: int = 5,
        diagonal: bool = False,
        cv: int = 3,
        random_state: int = 0,
    ) -> None:
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.ridges = ridges
        self.iterations = iterations
        self.diagonal = diagonal
        self.cv = cv
        self.random_state = random_state

    def _check_options(self) -> Floats:
        """The ridges, all options checked."""
        if self.kernel not in RFM_KERNELS:
            raise DataError(f"kernel is {self.kernel!r}, not one of {', '.join(RFM_KERNELS)}")
        if not (np.isfinite(self.bandwidth) and self.bandwidth > 0):
            raise DataError(f"bandwidth is {self.bandwidth!r}; give a positive number")
        check_int("iterations", self.iterations, 0)
        check_int("cv", self.cv, 2)
        ridges = np.atleast_1d(np.asarray(self.ridges, dtype=np.float64))
        if not len(ridges) or not (np.isfinite(ridges).all() and (ridges > 0).all()):
            raise DataError(f"ridges is {self.ridges!r}; give positive numbers")
        return np.sort(ridges)

    def _fit_targets(self, X: Any, Y: Floats, cloud: Any, **learned: Any) -> None:
        """Fit to targets Y (n, k), and remember."""
        ridges = self._check_options()
        # on small matrices the BLAS's threads mostly wait for each other
        with single_threaded_blas() if cloud.n <= SINGLE_THREAD_ROWS else nullcontext():
            learned |= self._fitted_attributes(cloud, Y, ridges)
        self._set_fitted(X, cloud, **learned)

    def _fitted_attributes(self, cloud: Any, Y: Floats, ridges: Floats) -> dict[str, Any]:
        """What fitting finds, by attribute."""
        rows = cloud.rows.block(0, cloud.n).astype(np.float64)
        scale = np.where(cloud.spread > 0, cloud.spread, 1.0)
        Z, mean = (rows - cloud.mean) / scale, Y.mean(axis=0)
        size = Y.std(axis=0)
        size = np.where(size > 0, size, 1.0)
        T = (Y - mean) / size
        is_dense = len(Z) <= self._max_dense_rows
        rng = np.random.default_rng(self.random_state)
        sample = (
            slice(None)
            if is_dense
            else np.sort(rng.choice(len(Z), METRIC_SAMPLE_ROWS, replace=False))
        )
        check_memory(32 * len(Z[sample]) ** 2, f"the kernel matrices of {len(Z[sample]):,} rows")
        M, step, ridge, errors = self._learn_metric(Z[sample], T[sample], ridges)
        if is_dense:
            dual = _solve_dense(self._kernel(Z, Z, M)[0], ridge, T)
        else:
            kernel = Kernel(self.kernel, self.bandwidth)
            dual = solve_kernel_ridge(
                Z @ _root(M), kernel, ridge, T, self.random_state
            ).coefficients
        return {
            "metric_": M / np.outer(scale, scale),
            "dual_coef_": dual * size,
            "offset_": mean,
            "n_iter_": step,
            "ridge_": ridge,
            "cv_errors_": errors,
            "_fitted": (Z, M, scale),
        }

    def _learn_metric(
        self, Z: Floats, T: Floats, ridges: Floats
    ) -> tuple[Floats, int, float, Floats | None]:
        """The metric after the step that predicts best, that step, its ridge, all errors."""
        errors = self._cross_validated_errors(Z, T, ridges) if len(Z) >= 2 * self.cv else None
        if errors is None:
            step, best = 0, len(ridges) // 2
        else:
            step, best = (int(i) for i in np.unravel_index(errors.argmin(), errors.shape))
        M = np.eye(Z.shape[1])
        for _ in range(step):
            K, D = self._kernel(Z, Z, M)
            M = self._next_metric(Z, _solve_dense(K, ridges[0], T), K, D, M)
        return M, step, float(ridges[best]), errors

    def _cross_validated_errors(self, Z: Floats, T: Floats, ridges: Floats) -> Floats:
        """Mean squared error of held-out rows, (iterations + 1, ridges)."""
        order = np.random.default_rng(self.random_state).permutation(len(Z))
        total = np.zeros((self.iterations + 1, len(ridges)))
        for fold in np.array_split(order, self.cv):
            others = np.setdiff1d(order, fold)
            M = np.eye(Z.shape[1])
            for step in range(self.iterations + 1):
                K, D = self._kernel(Z[others], Z[others], M)
                K_fold, _ = self._kernel(Z[fold], Z[others], M)
                coefficients = [_solve_dense(K, ridge, T[others]) for ridge in ridges]
                total[step] += [float(((K_fold @ a - T[fold]) ** 2).sum()) for a in coefficients]
                M = self._next_metric(Z[others], coefficients[0], K, D, M)
        return np.asarray(total / T.size)

    def _kernel(self, A: Floats, B: Floats, M: Floats) -> tuple[Floats, Floats]:
        """Kernel and distances (a, b) in the metric M."""
        root = _root(M)
        a, b = A @ root, B @ root
        D2 = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * (a @ b.T)
        np.clip(D2, 0, None, out=D2)
        D = np.sqrt(D2)
        if self.kernel == "laplace":
            return np.exp(-D / self.bandwidth), D
        return np.exp(-D2 / (2 * self.bandwidth**2)), D

    def _next_metric(self, Z: Floats, a: Floats, K: Floats, D: Floats, M: Floats) -> Floats:
        """The average gradient outer product of the answer a at the rows, of mean eigenvalue 1."""
        if self.kernel == "laplace":
            # the kernel has no gradient at its own centre: that term is left out, as in the source
            with np.errstate(divide="ignore", invalid="ignore"):
                slope = np.where(D > 0, K / D, 0.0) / self.bandwidth
        else:
            slope = K / self.bandwidth**2
        total = np.zeros_like(M)
        for weight in a.T:
            S = slope * weight
            G = (S @ Z - Z * S.sum(axis=1)[:, None]) @ M
            total += G.T @ G
        if self.diagonal:
            total = np.diag(np.diag(total))
        mean = float(np.trace(total)) / len(total)
        return M if not mean > 0 else np.asarray(total / mean)

    def _outputs(self, X: Any) -> Floats:
        rows = self._queries(X).values.astype(np.float64)
        Z, M, scale = self._fitted
        Q = (rows - self.cloud_.mean) / scale
        out = np.empty((len(Q), self.dual_coef_.shape[1]))
        step = max(1, QUERY_KERNEL_ENTRIES // len(Z))
        for i in range(0, len(Q), step):
            out[i : i + step] = self._kernel(Q[i : i + step], Z, M)[0] @ self.dual_coef_
        return np.asarray(out + self.offset_)

    def regular_metric(self) -> Floats:
        """The metric learnt (d, d), with 1e-6 of its mean eigenvalue added in every direction."""
        return add_ridge(self.metric_, AGOP_RIDGE, "target", self._fitted[2])

    def locate(self, Q: Any, **options: Any) -> Location:
        """Where queries stand in the training rows, in the metric that was learnt.

        Far from the data the answer falls back to the mean without a word: this says it. The
        metric is `regular_metric()`; options are those of `hullwise.locate`.
        """
        from ..geometry.locate import locate

        queries = self._queries(Q).values
        return locate(self.cloud_, queries, metric=self.regular_metric(), **options)


class RFMRegressor(RegressorMixin, RecursiveFeatureMachine):
    """Kernel regression in a metric learnt from the task itself.

    Parameters
    ----------
    kernel : {"laplace", "gaussian"}
        exp(-D / bandwidth), or exp(-D^2 / (2 bandwidth^2)), of the distance D in the metric.
    bandwidth : float
        In units in which each feature has unit spread and the metric mean eigenvalue 1.
    ridges : sequence of float
        Ridges to choose from; the smallest one leads the metric from step to step.
    iterations : int
        Most steps of the metric; how many are taken is chosen too. 0 is kernel ridge regression.
    diagonal : bool
        Weigh features only, one by one.
    cv : int
        Folds of the cross-validation that chooses step and ridge.
    random_state : int
        Of the folds.

    Attributes
    ----------
    metric_ : (d, d)
        The metric learnt, in the features' own units: for `hullwise.locate(X, Q, metric=...)`.
    n_iter_, ridge_ : int, float
        The step and ridge chosen.
    cv_errors_ : (iterations + 1, ridges) or None
        Mean squared errors of held-out rows, of targets of unit spread; None with too few rows.
    dual_coef_ : (n, k)
    cloud_ : Cloud
        The training rows.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    Up to 10,000 rows by Cholesky factors: O(cv iterations ridges n^3) to fit, four n x n matrices
    of memory. With more, metric, step and ridge are those of a seeded sample of 5,000, and the
    final answer is solved for all rows by preconditioned conjugate gradients to a relative residual
    of 1e-4: O(n^2 d) for each of 20 to 100 products, the kernel computed anew each time (minutes at
    100,000 rows; progress is logged to "hullwise"). O(m n d) to predict.

    Source: Radhakrishnan, Beaglehole, Pandit & Belkin, *Mechanism for feature learning in neural
    networks and backpropagation-free machine learning models*, Science 2024, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> X = np.random.default_rng(0).normal(size=(200, 5))
    >>> reg = hw.RFMRegressor().fit(X, X[:, 0] * X[:, 1])
    >>> weight = np.diag(reg.metric_)
    >>> bool(weight[:2].min() > 10 * weight[2:].max())       # it found the two that matter
    True
    """

    _flat: bool

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags

    def fit(self, X: Any, y: Any) -> RFMRegressor:
        """Fit to rows X (n, d) and targets y (n,) or (n, k)."""
        cloud = self._read_training(X)
        target = numeric_target(y, cloud.n)
        self._fit_targets(X, target.reshape(cloud.n, -1), cloud, _flat=target.ndim == 1)
        return self

    def predict(self, X: Any) -> Floats:
        """Predictions for rows X (m, d): (m,) or (m, k)."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._flat else outputs


class RFMClassifier(ClassifierMixin, RecursiveFeatureMachine):
    """`RFMRegressor` on indicators of the classes; parameters and attributes are the same.

    Attributes
    ----------
    classes_ : (k,)

    Notes
    -----
    `predict_proba` clips the fitted indicators to [0, 1] and scales them to sum 1: shares, not
    calibrated. Cost and source as `RFMRegressor`.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> X = np.random.default_rng(0).normal(size=(200, 5))
    >>> clf = hw.RFMClassifier().fit(X, X[:, 0] * X[:, 1] > 0)
    >>> clf.predict([[1.0, 1.0, 0, 0, 0], [1.0, -1.0, 0, 0, 0]])
    array([ True, False])
    """

    classes_: NDArray[Any]

    def fit(self, X: Any, y: Any) -> RFMClassifier:
        """Fit to rows X (n, d) and labels y (n,)."""
        cloud = self._read_training(X)
        classes, code = encode_classes(y)
        if len(code) != cloud.n:
            raise DataError(f"X has {cloud.n} rows, y has {len(code)}: one label for each row.")
        if len(classes) < 2:
            raise DataError(f"y holds one class only ({classes[0]!r}): a classifier needs two.")
        self._fit_targets(X, np.eye(len(classes))[code], cloud, classes_=classes)
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Shares (m, k) of the classes, each row with sum 1."""
        shares = np.clip(self._outputs(X), 0.0, 1.0)
        total = shares.sum(axis=1, keepdims=True)
        even = np.full_like(shares, 1 / len(self.classes_))
        return np.where(total > 0, shares / np.where(total > 0, total, 1.0), even)

    def predict(self, X: Any) -> NDArray[Any]:
        """The class (m,) with the largest indicator."""
        outputs = self._outputs(X)
        return np.asarray(self.classes_[outputs.argmax(axis=1)])


def _root(M: Floats) -> Floats:
    """R with R R' = M: rows x @ R have the metric's distances, plainly."""
    values, vectors = np.linalg.eigh(M)
    return np.asarray(vectors * np.sqrt(np.clip(values, 0, None)))


def _solve_dense(K: Floats, ridge: float, T: Floats) -> Floats:
    """(K + ridge I)^-1 T; more ridge where rounding leaves no factor."""
    while True:
        try:
            return np.asarray(cho_solve(cho_factor(K + ridge * np.eye(len(K))), T))
        except LinAlgError:
            ridge *= 10
