"""What every interpolant shares: a prediction is W @ y, with one sparse row of W for each query."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from .._core.caller import caller_stacklevel
from .._core.estimators import RegressorMixin
from .._core.foreign import own_errors
from .._core.types import Array, Floats, Progress
from ..errors import DataError, DataWarning
from ..geometry.cloud import Cloud
from ..geometry.cloud_estimator import CloudEstimator
from ..geometry.metric import Metric
from .duplicates import TrainingPlaces, UniqueRows, unique_rows
from .error_bound import ErrorBound, error_bound
from .explanation import Explanation, explain_prediction
from .learnt_metrics import learnt_metric
from .outlier_check import warn_of_outliers
from .quantiles import weighted_quantiles
from .targets import as_one_row, encode_groups, numeric_target

MetricOption = ArrayLike | str | None | Metric | Callable[[Array, Floats], Any]
PREDICTION_BATCH = 8192  # queries whose weights are in memory at once
LEAST_BATCH = 64  # queries at once where every training row may have a weight
BATCH_WEIGHTS = 1 << 24  # weights at once, there


class Interpolant(RegressorMixin, CloudEstimator):
    """A regressor whose prediction is a weighted average of training targets.

    A subclass says in `_weigh` what the weights of queries are over the rows of `cloud_`, and may
    learn something beforehand in `_learn`; one with more options has an `__init__` that passes
    these two on. The cloud holds the distinct rows: the weight of a row that occurs several times
    is divided equally among its copies.
    """

    metric_: Metric
    y_: Floats
    labels_: Any
    unique_rows_: UniqueRows | None
    averaging_: csr_array | None
    _duplicate_options: ClassVar[tuple[str, ...]] = ("mean", "raise")

    def __init__(self, *, metric: MetricOption = "std", duplicates: str = "mean") -> None:
        self.metric = metric
        self.duplicates = duplicates

    @own_errors("fitting the regressor")
    def fit(self, X: Any, y: Any) -> Self:
        """Learn training rows X (n, d) and their targets y, (n,) or (n, k) numbers.

        Rows that are equal in every feature but not in their target are averaged with a warning,
        or refused with ``duplicates="raise"``. A `metric` that is a function is called with the
        rows (n, d) and targets given here, and nothing else.

        Raises
        ------
        DataError, DataTypeError
            For rows or targets that cannot be used, naming row and column.
        """
        return self._fit_rows(X, y)

    def _fit_rows(self, X: Any, y: Any, groups: Any = None) -> Self:
        """What `fit` does; `groups` (n,) is for interpolants that leave rows out to learn."""
        options = self._duplicate_options
        if not isinstance(self.duplicates, str) or self.duplicates not in options:
            names = " or ".join(repr(option) for option in options)
            raise DataError(f"duplicates={self.duplicates!r}: expected {names}.")
        cloud = self._read_training(X)
        target = numeric_target(y, cloud.n)
        labels, table = cloud.labels, cloud.rows.block(0, cloud.n)
        warn_of_outliers(table, cloud.names)
        unique = unique_rows(table)
        learned: dict[str, Any] = {"unique_rows_": None, "averaging_": None}
        if len(unique.first) < cloud.n:
            self.check_duplicates(target, unique)
            library, cloud = cloud.frame_library, Cloud(table[unique.first], columns=cloud.columns)
            cloud.frame_library = library
            learned = {"unique_rows_": unique, "averaging_": unique.averaging_matrix()}
        metric = self._read_metric(cloud, table, target)
        learned |= {"y_": target, "labels_": labels, "metric_": metric}
        learned |= self._learn(cloud, metric)
        group = None if groups is None else encode_groups(groups, len(target))
        places = TrainingPlaces.of(target, unique, group)
        learned |= self._learn_targets(cloud, metric, places)
        self._set_fitted(X, cloud, **learned)
        return self

    def _read_metric(self, cloud: Cloud, table: Array, target: Floats) -> Metric:
        """The metric option understood for the distinct rows, `cloud`, of a table."""
        option: Any = self.metric
        learn = option if callable(option) else learnt_metric(option)
        return cloud.metric(option if learn is None else learn(table, target))

    def check_duplicates(self, y: Floats, unique: UniqueRows) -> None:
        """Warn of equal rows with different targets, or refuse them with ``duplicates="raise"``."""
        if self.duplicates == "count":  # each copy counts: nothing is made of them
            return
        first = unique.first[unique.inverse]
        differs = (y != y[first]).reshape(len(y), -1).any(axis=1)
        if not differs.any():
            return
        b = int(differs.argmax())
        problem = (
            f"{int(differs.sum())} row(s) repeat the features of an earlier row with another "
            f"target, the first is row {b} (as row {int(first[b])}; counted from 0)"
        )
        if self.duplicates == "raise":
            raise DataError(f'{problem}. Remove them, or average them with duplicates="mean".')
        warnings.warn(
            f"{problem}: their targets are averaged.", DataWarning, stacklevel=caller_stacklevel()
        )

    def _learn(self, cloud: Cloud, metric: Metric) -> dict[str, Any]:
        """What `fit` works out beyond the cloud: names and values of attributes."""
        return {}

    def _learn_targets(
        self, cloud: Cloud, metric: Metric, places: TrainingPlaces
    ) -> dict[str, Any]:
        """The same for what also depends on the targets, and on groups of rows."""
        return {}

    def _weigh(self, Q: Floats, progress: Progress | None) -> csr_array:
        """Weights of queries Q (m, d) over the rows of `cloud_` in `metric_`, (m, cloud_.n)."""
        raise NotImplementedError

    def _batch_rows(self) -> int:
        """How many queries `predict` has weights of at once."""
        return PREDICTION_BATCH

    def unique_row_weights(self, Q: Floats, progress: Progress | None = None) -> csr_array:
        """Weights of checked queries Q (m, d) over the distinct rows, those of `cloud_`."""
        if not len(Q):
            return csr_array((0, self.cloud_.n))
        return self._weigh(Q, progress)

    def row_weights(self, Q: Floats, progress: Progress | None = None) -> csr_array:
        """Weights of checked queries Q (m, d) over all training rows."""
        return self.share_among_copies(self.unique_row_weights(Q, progress))

    def share_among_copies(self, W: csr_array) -> csr_array:
        """Weights on distinct rows, divided equally among the copies of each: (m, n)."""
        if self.averaging_ is None:
            return W
        W = csr_array(W @ self.averaging_)
        W.sort_indices()
        return W

    def remarks(self, Q: Floats) -> tuple[str, ...]:
        """What a reader of predictions at checked queries Q (m, d) should know, a sentence each."""
        return ()

    @own_errors("weighing rows")
    def weights(self, Q: Any, *, progress: Progress | None = None) -> csr_array:
        """Weights of queries Q (m, d) over the training rows: (m, n) CSR, each row with sum 1."""
        return self.row_weights(self._queries(Q).values.astype(np.float64), progress)

    @own_errors("predicting")
    def predict(self, Q: Any) -> Floats:
        """Predictions for queries Q (m, d), W @ y: (m,) or (m, k)."""
        values = self._queries(Q).values.astype(np.float64)
        size = self._batch_rows()
        starts = range(0, max(1, len(values)), size)
        batches = [values[start : start + size] for start in starts]
        return np.concatenate([self.row_weights(batch) @ self.y_ for batch in batches])

    @own_errors("predicting quantiles")
    def predict_quantile(self, Q: Any, p: ArrayLike = 0.5) -> Floats:
        """Weighted quantiles of the targets that make each prediction; p = 0.5 is the median.

        Parameters
        ----------
        Q : (m, d)
        p : float or (s,)
            Probabilities, 0 to 1.

        Returns
        -------
        (m,), (m, k), (m, s) or (m, k, s) float64
            The least target at which the weights of all smaller or equal targets reach p.
        """
        return weighted_quantiles(self.weights(Q), self.y_, p)

    @own_errors("explaining a prediction")
    def explain(self, q: Any) -> Explanation:
        """Which rows make the prediction at one query q, (d,) or (1, d): heaviest first."""
        checked = self._queries(as_one_row(q))
        if len(checked.values) != 1:
            raise DataError(f"explain takes one query: found {len(checked.values)} rows.")
        return explain_prediction(self, checked)

    @own_errors("bounding errors")
    def bound(self, Q: Any, *, smoothness: ArrayLike, lipschitz: ArrayLike = 0.0) -> ErrorBound:
        """How wrong the predictions at Q (m, d) can be: `hullwise.error_bound` of the weights.

        Parameters
        ----------
        Q : (m, d)
        smoothness : float or (k,)
            Lipschitz constant of the target's gradient, in the metric; for k targets one each.
        lipschitz : float or (k,)
            Lipschitz constant of the target itself, in the metric; it counts where the weighted
            rows do not average to the query, as outside the hull.
        """
        checked = self._queries(Q)
        values = checked.values.astype(np.float64)
        bound = error_bound(
            *(self.unique_row_weights(values), self.cloud_, values),
            smoothness=smoothness,
            lipschitz=lipschitz,
            metric=self.metric_,
        )
        return replace(bound, row_names=checked.row_names)

    @own_errors("scoring predictions")
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R^2 of the predictions at X (m, d) against y, (m,) or (m, k)."""
        target = numeric_target(y, len(self._queries(X).values))
        return float(super().score(X, target, sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def dense_batch_rows(n: int) -> int:
    """How many queries at once where each of n training rows may have a weight."""
    return int(np.clip(BATCH_WEIGHTS // n, LEAST_BATCH, PREDICTION_BATCH))
