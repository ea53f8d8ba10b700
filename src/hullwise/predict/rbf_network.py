"""Radial basis function networks (Broomhead and Lowe 1988; Moody and Darken 1989)."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array

from .._core.estimators import ClassifierMixin
from .._core.foreign import own_errors
from .._core.memory import check_memory
from .._core.options import check_int, check_nonnegative
from .._core.threads import single_threaded_blas
from .._core.types import Array, Floats, Progress
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..geometry.cloud_estimator import CloudEstimator
from ..geometry.metric import Metric
from ._bandwidths import frame_length
from ._batching import ScaledProblem
from ._rbf_fitting import FittedNetwork, NetworkOptions, fit_network
from .duplicates import TrainingPlaces
from .explanation import Explanation
from .interpolant import Interpolant, MetricOption, dense_batch_rows
from .targets import as_one_row, encode_classes

__all__ = ["RBFNetworkClassifier", "RBFNetworkRegressor"]

CENTER_KINDS = ("kmeans", "mixture", "rows")
WIDTH_RULES = ("nearest", "global")
SINGLE_THREAD_CENTERS = 500
LEAST_ACTIVATION = 0.01  # a query at which no bump has more is beyond all centres


class RBFNetworkRegressor(Interpolant):
    """Radial basis function network: a ridge regression on Gaussian bumps around centres.

    Parameters
    ----------
    metric : "std", "range", None, (d,), (d, d) or function of (X, y)
        Of the distances to the centres.
    duplicates : {"mean", "raise"}
        What to do with rows that are equal but for the target.
    n_centers : int
        All rows where there are no more.
    centers : {"kmeans", "mixture", "rows"}
        Means of clusters; components of a Gaussian mixture, whose covariances give each its own
        widths and axes; or training rows drawn at random.
    widths : "nearest", "global" or float
        Root mean square distance to the `n_neighbors` nearest other centres; the largest distance
        between centres over sqrt(2 n_centers); or a length in the metric. A mixture has its own.
    n_neighbors : int
        Other centres that make a width.
    width_factor : "cv" or float
        What the widths are multiplied by: the best of 1/2, 1, 2, 4, 8, or a number.
    ridge : "cv" or float
        Of the coefficients; with "cv" the least generalised cross-validation error or, with
        `groups`, the least error of groups that are left out.
    normalized : bool
        Divide the bumps by their sum: the answer is a weighted average of the centres' own values.
    linear : bool
        A linear function of the features besides, not penalised: linear targets are reproduced.
    fine_tuning : int
        Most iterations of L-BFGS on centres and widths; the coefficients remain the best ones.
    random_state : int
        Of the centres.

    Attributes
    ----------
    centers_ : (c, d)
        In the data's own units.
    widths_ : (c,)
        In the metric; of a mixture the root mean square width over its axes.
    ridge_, width_factor_ : float
        As chosen. A ridge is relative to the bumps, whose greatest value is 1.
    cv_error_ : float
        The error that chose them, of targets of variance 1, before any fine-tuning.
    cloud_ : Cloud
        The distinct training rows.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    For given centres the answer is linear in y and reproduces constants, so `weights`, `explain`
    and `bound` exist as for every interpolant: with sum 1, but signed, so that no mixture or
    quantile can be made of them and the spread of `bound` counts their sizes. With `linear` the
    weighted rows also average to the query, and the shift of the bound is 0 up to rounding. Width
    factor, ridge and fine-tuned centres are learnt from y: the weights hold at what was learnt,
    another y would have others. Left-out errors take centres and widths as given.

    Far from all centres the answer tends to the intercept (the linear function with `linear`);
    normalised, to the value of the nearest centre, or of the widest. `activations` are all 0 there.

    O(n c (d + c)) to fit for each width factor, O(m c d) to predict, and O(m n c) for weights.
    Fine-tuning costs O(n c (d + c)) for each iteration.

    Source: Broomhead, Lowe, *Multivariable functional interpolation and adaptive networks*, Complex
    Systems 1988; Moody, Darken, *Fast learning in networks of locally-tuned processing units*,
    Neural Computation 1989; Golub, Heath, Wahba, *Generalized cross-validation*, Technometrics
    1979; Golub, Pereyra, *The differentiation of pseudo-inverses and nonlinear least squares
    problems whose variables separate*, SIAM J. Numer. Anal. 1973.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> X = np.linspace(0, 6, 40)[:, None]
    >>> reg = hw.RBFNetworkRegressor(n_centers=8).fit(X, np.sin(X[:, 0]))
    >>> reg.predict([[0.5], [3.0]]).round(2), np.sin([0.5, 3.0]).round(2)
    (array([0.48, 0.14]), array([0.48, 0.14]))
    >>> float(reg.weights([[3.0]]).sum().round(9))
    1.0
    """

    centers_: Floats
    widths_: Floats
    ridge_: float
    width_factor_: float
    cv_error_: float
    _network: FittedNetwork

    def __init__(
        self,
        *,
        metric: MetricOption = "std",
        duplicates: str = "mean",
        n_centers: int = 100,
        centers: str = "kmeans",
        widths: str | float = "nearest",
        n_neighbors: int = 2,
        width_factor: str | float = "cv",
        ridge: str | float = "cv",
        normalized: bool = False,
        linear: bool = False,
        fine_tuning: int = 0,
        random_state: int = 0,
    ) -> None:
        super().__init__(metric=metric, duplicates=duplicates)
        self.n_centers = n_centers
        self.centers = centers
        self.widths = widths
        self.n_neighbors = n_neighbors
        self.width_factor = width_factor
        self.ridge = ridge
        self.normalized = normalized
        self.linear = linear
        self.fine_tuning = fine_tuning
        self.random_state = random_state

    @own_errors("fitting the regressor")
    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Learn training rows X (n, d) and their targets y, (n,) or (n, k) numbers.

        Parameters
        ----------
        X : (n, d)
        y : (n,) or (n, k)
        groups : (n,), optional
            Which rows belong together: groups are left out as a whole to choose ridge and widths.

        Raises
        ------
        DataError, DataTypeError
            For rows, targets or options that cannot be used.
        """
        self._check_options()
        return self._fit_rows(X, y, groups)

    def _check_options(self) -> None:
        for name, value in (("n_centers", 1), ("n_neighbors", 1), ("fine_tuning", 0)):
            check_int(name, getattr(self, name), value)
        check_int("random_state", self.random_state, 0)
        if not isinstance(self.centers, str) or self.centers not in CENTER_KINDS:
            names = ", ".join(repr(kind) for kind in CENTER_KINDS)
            raise DataError(f"centers={self.centers!r}: expected one of {names}.")
        for name, words in (("widths", WIDTH_RULES), ("width_factor", ("cv",)), ("ridge", ("cv",))):
            value = getattr(self, name)
            if isinstance(value, str):
                if value not in words:
                    expected = " or ".join(repr(word) for word in words)
                    raise DataError(f"{name}={value!r}: expected {expected}, or a number.")
            elif check_nonnegative(name, value) == 0 and name != "ridge":
                raise DataError(f"{name}=0: expected more than 0.")
        for name in ("normalized", "linear"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise DataError(f"{name}={getattr(self, name)!r}: expected True or False.")

    def _learn_targets(
        self, cloud: Cloud, metric: Metric, places: TrainingPlaces
    ) -> dict[str, Any]:
        self._check_options()
        problem = ScaledProblem.of(cloud, np.zeros((0, cloud.d)), metric)
        widths = self.widths
        if not isinstance(widths, str):
            widths = frame_length(problem.frame, widths)
        options = NetworkOptions(
            n_centers=self.n_centers,
            centers=self.centers,
            widths=widths,
            n_neighbors=self.n_neighbors,
            width_factor=self.width_factor,
            ridge=self.ridge,
            is_normalized=bool(self.normalized),
            is_linear=bool(self.linear),
            fine_tuning=self.fine_tuning,
            random_state=self.random_state,
        )
        # on small matrices the BLAS's threads mostly wait for each other
        alone = min(self.n_centers, cloud.n) <= SINGLE_THREAD_CENTERS
        with single_threaded_blas() if alone else nullcontext():
            network = fit_network(problem.rows, places, options)
        frame, basis = problem.frame, network.basis
        return {
            "centers_": metric.preimage(frame.distance(basis.centers)) + frame.shift,
            "widths_": frame.distance(basis.widths),
            "ridge_": network.ridge,
            "width_factor_": network.width_factor,
            "cv_error_": network.error,
            "_network": network,
        }

    def remarks(self, Q: Floats) -> tuple[str, ...]:
        """That weights are signed, and how many queries are beyond every centre."""
        c = len(self.centers_)
        remark = (
            f"The network has {c} {'centre' if c == 1 else 'centres'}; weights of rows are signed."
        )
        if self._network.basis.is_normalized or not len(Q):
            return (remark,)
        largest = np.concatenate(
            [self._network.basis.values(p.queries).max(axis=1) for p in self._problems(Q)]
        )
        n_out = int((largest < LEAST_ACTIVATION).sum())
        if not n_out:
            return (remark,)
        rows = "1 row is" if n_out == 1 else f"{n_out:,} rows are"
        rest = "the linear function" if len(self._network.polynomial.directions.T) else "a constant"
        return remark, f"{rows} beyond all centres: there {rest} answers."

    def _batch_rows(self) -> int:
        return dense_batch_rows(self.cloud_.n)

    def _weigh(self, Q: Floats, progress: Progress | None) -> csr_array:
        m, n = len(Q), self.cloud_.n
        check_memory(32 * m * n, f"weights of {m:,} queries on {n:,} rows each")
        W = self._network.weights(ScaledProblem.of(self.cloud_, Q, self.metric_))
        if progress is not None:
            progress(m, m, "queries")
        return csr_array(W)

    @own_errors("predicting")
    def predict(self, Q: Any) -> Floats:
        """Predictions for queries Q (m, d), W @ y without making W: (m,) or (m, k)."""
        values = self._queries(Q).values.astype(np.float64)
        with single_threaded_blas():
            parts = [self._network.outputs(problem) for problem in self._problems(values)]
        outputs = np.concatenate(parts)
        return outputs[:, 0] if self.y_.ndim == 1 else outputs

    @own_errors("computing activations")
    def activations(self, Q: Any) -> Floats:
        """Values of the bumps at queries Q (m, d): (m, c), from 0 to 1.

        All near 0 far from every centre; with `normalized` each row has sum 1.
        """
        values = self._queries(Q).values.astype(np.float64)
        basis = self._network.basis
        return np.concatenate([basis.values(p.queries) for p in self._problems(values)])

    def _problems(self, values: Floats) -> list[ScaledProblem]:
        size = dense_batch_rows(max(len(self.centers_), 1))
        starts = range(0, max(1, len(values)), size)
        return [
            ScaledProblem.of(self.cloud_, values[start : start + size], self.metric_)
            for start in starts
        ]


class RBFNetworkClassifier(ClassifierMixin, CloudEstimator):
    """`RBFNetworkRegressor` on indicators of the classes; parameters are the same.

    Attributes
    ----------
    classes_ : (k,)
        The labels found, ascending.
    regressor_ : RBFNetworkRegressor
        Fitted on the classes as 0s and a 1, (n, k).
    cloud_ : Cloud
        The distinct training rows.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    `predict_proba` clips the fitted indicators to [0, 1] and scales them to sum 1: shares, not
    calibrated. Cost and source as `RBFNetworkRegressor`.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> clf = hw.RBFNetworkClassifier(n_centers=20).fit(X, np.hypot(*X.T) < 1)
    >>> clf.predict([[0.0, 0.1], [2.0, 0.0]])
    array([ True, False])
    """

    classes_: Array
    regressor_: RBFNetworkRegressor

    def __init__(
        self,
        *,
        metric: MetricOption = "std",
        duplicates: str = "mean",
        n_centers: int = 100,
        centers: str = "kmeans",
        widths: str | float = "nearest",
        n_neighbors: int = 2,
        width_factor: str | float = "cv",
        ridge: str | float = "cv",
        normalized: bool = False,
        linear: bool = False,
        fine_tuning: int = 0,
        random_state: int = 0,
    ) -> None:
        self.metric = metric
        self.duplicates = duplicates
        self.n_centers = n_centers
        self.centers = centers
        self.widths = widths
        self.n_neighbors = n_neighbors
        self.width_factor = width_factor
        self.ridge = ridge
        self.normalized = normalized
        self.linear = linear
        self.fine_tuning = fine_tuning
        self.random_state = random_state

    @own_errors("fitting the classifier")
    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Learn training rows X (n, d) and their classes y (n,), of any type that sorts.

        Parameters
        ----------
        X : (n, d)
        y : (n,)
        groups : (n,), optional
            Which rows belong together: groups are left out as a whole to choose ridge and widths.

        Raises
        ------
        DataError, DataTypeError
            For rows, labels or options that cannot be used.
        """
        classes, code = encode_classes(y)
        regressor = RBFNetworkRegressor(**self.get_params(deep=False))
        regressor.fit(X, np.eye(len(classes))[code], groups)
        self._set_fitted(X, regressor.cloud_, regressor_=regressor, classes_=classes)
        return self

    @own_errors("predicting classes")
    def predict_proba(self, Q: Any) -> Floats:
        """Share of each class at queries Q (m, d): (m, k), in the order of `classes_`."""
        self._queries(Q)
        shares = np.clip(self.regressor_.predict(Q), 0.0, 1.0)
        total = shares.sum(axis=1, keepdims=True)
        even = np.full_like(shares, 1 / len(self.classes_))
        return np.where(total > 0, shares / np.where(total > 0, total, 1.0), even)

    @own_errors("predicting classes")
    def predict(self, Q: Any) -> Array:
        """The class with the largest share at queries Q (m, d), (m,); of equal ones the first."""
        best = self.predict_proba(Q).argmax(axis=1)
        return np.asarray(self.classes_[best])

    @own_errors("weighing rows")
    def weights(self, Q: Any, *, progress: Progress | None = None) -> csr_array:
        """Weights of queries Q (m, d) over the training rows: (m, n), signed, each row with sum 1.

        `weights(Q) @ (y == label)` is what is clipped for a share.
        """
        self._queries(Q)
        return self.regressor_.weights(Q, progress=progress)

    @own_errors("explaining a prediction")
    def explain(self, q: Any) -> Explanation:
        """Which rows make the prediction at one query q, (d,) or (1, d): heaviest first."""
        self._queries(as_one_row(q))
        return self.regressor_.explain(q)
