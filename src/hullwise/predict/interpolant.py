"""What every interpolant shares: a prediction is W @ y, with one sparse row of W for each query."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from .._core.estimators import RegressorMixin
from .._core.types import Floats, Progress
from ..errors import DataError, DataWarning
from ..geometry.cloud import Cloud
from ..geometry.cloud_estimator import CloudEstimator
from ..geometry.metric import Metric
from ._duplicates import Places, distinct_places
from .error_bound import ErrorBound, error_bound
from .explanation import Explanation, explain
from .outlier_check import warn_of_stray_rows
from .quantiles import weighted_quantiles
from .targets import read_numbers

CHUNK = 8192  # queries whose weights are held at once to predict


class Interpolant(RegressorMixin, CloudEstimator):
    """A regressor whose prediction is a weighted average of training targets.

    A subclass says in `_weigh` what the weights of queries are over the rows of `cloud_`, and may
    learn something beforehand in `_learn`. Rows that are equal in every feature are one place:
    the cloud holds it once, and its weight is divided equally among them.
    """

    metric: Any
    duplicates: str
    metric_: Metric
    y_: Floats
    labels_: Any
    places_: Places | None
    share_: csr_array | None

    def fit(self, X: Any, y: Any) -> Self:
        """Learn training rows X (n, d) and their targets y, (n,) or (n, k) numbers.

        Rows that are equal in every feature but not in their target are averaged with a warning,
        or refused with ``duplicates="raise"``.

        Raises
        ------
        DataError, DataTypeError
            For rows or targets that cannot be used, naming row and column.
        """
        if self.duplicates not in ("mean", "raise"):
            raise DataError(f"duplicates={self.duplicates!r}: expected 'mean' or 'raise'.")
        cloud = self._read_training(X)
        target = read_numbers(y, cloud.n)
        labels, X_rows = cloud.labels, cloud.rows.block(0, cloud.n)
        warn_of_stray_rows(X_rows, cloud.names)
        places = distinct_places(X_rows)
        learned: dict[str, Any] = {"places_": None, "share_": None}
        if len(places.first) < cloud.n:
            self._refuse_disagreement(target, places.first[places.place])
            cloud = Cloud(X_rows[places.first], columns=cloud.columns)
            learned = {"places_": places, "share_": places.share()}
        metric = cloud.metric(self.metric)
        learned |= {"y_": target, "labels_": labels, "metric_": metric}
        self._set_fitted(X, cloud, **learned, **self._learn(cloud, metric))
        return self

    def _refuse_disagreement(self, y: Floats, first: Any) -> None:
        apart = (y != y[first]).reshape(len(y), -1).any(axis=1)
        if not apart.any():
            return
        b = int(apart.argmax())
        found = (
            f"{int(apart.sum())} row(s) repeat the features of an earlier row with another "
            f"target, the first is row {b} (as row {int(first[b])}; counted from 0)"
        )
        if self.duplicates == "raise":
            raise DataError(f'{found}. Remove them, or average them with duplicates="mean".')
        warnings.warn(f"{found}: their targets are averaged.", DataWarning, stacklevel=3)

    def _learn(self, cloud: Cloud, metric: Metric) -> dict[str, Any]:
        """What `fit` works out beyond the cloud: names and values of attributes."""
        return {}

    def _weigh(self, Q: Floats, metric: Metric, progress: Progress | None) -> csr_array:
        """Weights of queries Q (m, d) over the rows of `cloud_`, (m, cloud_.n)."""
        raise NotImplementedError

    def _weights(self, Q: Floats, progress: Progress | None = None) -> csr_array:
        """Over the distinct rows."""
        if not len(Q):
            return csr_array((0, self.cloud_.n))
        return self._weigh(Q, self.metric_, progress)

    def _row_weights(self, Q: Floats, progress: Progress | None = None) -> csr_array:
        """Over all training rows."""
        W = self._weights(Q, progress)
        if self.share_ is not None:
            W = csr_array(W @ self.share_)
            W.sort_indices()
        return W

    def weights(self, Q: Any, *, progress: Progress | None = None) -> csr_array:
        """Weights of queries Q (m, d) over the training rows: (m, n) CSR, each row with sum 1."""
        return self._row_weights(self._queries(Q).values.astype(np.float64), progress)

    def predict(self, Q: Any) -> Floats:
        """Predictions for queries Q (m, d), W @ y: (m,) or (m, k)."""
        values = self._queries(Q).values.astype(np.float64)
        parts = [slice(start, start + CHUNK) for start in range(0, max(1, len(values)), CHUNK)]
        return np.concatenate([self._row_weights(values[at]) @ self.y_ for at in parts])

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

    def explain(self, q: Any) -> Explanation:
        """Which rows make the prediction at one query q, (d,) or (1, d): heaviest first."""
        row = np.asarray(q)[None] if np.ndim(q) == 1 else q
        checked = self._queries(row)
        if len(checked.values) != 1:
            raise DataError(f"explain takes one query: found {len(checked.values)} rows.")
        return explain(self, checked.values.astype(np.float64))

    def bound(self, Q: Any, *, smoothness: float, lipschitz: float = 0.0) -> ErrorBound:
        """How wrong the predictions at Q (m, d) can be: `hullwise.error_bound` of the weights.

        Parameters
        ----------
        Q : (m, d)
        smoothness : float
            Lipschitz constant of the target's gradient, in the metric.
        lipschitz : float
            Lipschitz constant of the target itself, in the metric; it counts where the weighted
            rows do not average to the query, as outside the hull.
        """
        values = self._queries(Q).values.astype(np.float64)
        return error_bound(
            *(self._weights(values), self.cloud_, values),
            smoothness=smoothness,
            lipschitz=lipschitz,
            metric=self.metric_,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
