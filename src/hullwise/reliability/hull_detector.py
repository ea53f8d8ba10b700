"""The hull as an outlier detector of scikit-learn's convention."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from .._core.estimators import OutlierMixin
from .._core.foreign import own_errors
from .._core.options import check_fraction, check_int
from .._core.types import Array, Floats, Indices, Ints
from ..errors import DataError
from ..geometry.bands import BEYOND, Reference
from ..geometry.cloud import Cloud
from ..geometry.cloud_estimator import CloudEstimator
from ..geometry.hull import locate_in_hull
from ..geometry.left_out import MetricLike, leave_out, reference_for
from ..geometry.metric import Metric
from ..geometry.optional_parts import OptionalParts

LARGEST_CONTAMINATION = 0.5


class HullDetector(OutlierMixin, CloudEstimator):
    """Rows far out of the convex hull of the training rows are outliers.

    Parameters
    ----------
    contamination : "auto" or float
        The share of training rows that are outliers; "auto" calls those rows outliers that are
        beyond or far: farther out than 95 % of training rows left out.
    metric : "std", "range", "euclidean", None, (d,), (d, d) or MetricLearner
        As for `hullwise.locate`.
    reference : int
        Training rows left out in turn to learn which distances are usual.

    Attributes
    ----------
    offset_ : float
        Scores below it are outliers.
    cloud_ : Cloud
    reference_ : Reference
    metric_ : Metric
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    The score of a new row is minus its distance to the hull, 0 inside; a row that leaves the flat
    which the training rows span is below all rows that do not. A row that equals a training row is
    judged as if that one were left out, so that training rows can be judged at all. O(m n d) for
    each pass over the data, and once more for training rows that are not in the reference.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> X = np.random.default_rng(0).normal(size=(200, 5))
    >>> detector = hw.HullDetector().fit(X)
    >>> detector.predict([[0.0] * 5, [5.0] * 5])
    array([ 1, -1])
    >>> int((detector.predict(X) == -1).sum())
    10
    """

    cloud_: Cloud
    reference_: Reference
    metric_: Metric
    offset_: float
    _row_order: Indices

    def __init__(
        self,
        *,
        contamination: float | Literal["auto"] = "auto",
        metric: MetricLike = "std",
        reference: int = 500,
    ) -> None:
        self.contamination = contamination
        self.metric = metric
        self.reference = reference

    @own_errors("fitting the detector")
    def fit(self, X: Any, y: Any = None) -> HullDetector:
        """Learn the training rows X (n, d); y is ignored.

        Raises
        ------
        DataError, DataTypeError
            For rows that cannot be used, naming row and column.
        """
        share = 1 - BEYOND / 100
        if not isinstance(self.contamination, str):
            share = check_fraction("contamination", self.contamination, ends=False)
        elif self.contamination != "auto":
            raise DataError(f"contamination={self.contamination!r}: expected 'auto' or a share.")
        if share > LARGEST_CONTAMINATION:
            raise DataError(f"contamination={share:g}: expected at most {LARGEST_CONTAMINATION:g}.")
        check_int("reference", self.reference, 1)
        cloud = self._read_training(X)
        if cloud.n < 2:
            raise DataError(f"n_samples={cloud.n}: a row left out needs at least one other row.")
        cloud.warn_if_flat()
        optional = OptionalParts()
        reference = reference_for(cloud, self.metric, 1, self.reference, optional)
        optional.warn()
        scores = _scores(reference.hull, reference.off, _above(reference))
        self._set_fitted(
            X,
            cloud,
            reference_=reference,
            metric_=reference.metric,
            offset_=float(np.quantile(scores, share)),
            _row_order=np.argsort(_as_bytes(cloud.take(np.arange(cloud.n))), kind="stable"),
        )
        return self

    @own_errors("judging rows")
    def score_samples(self, X: Any) -> Floats:
        """Minus the distance of each row of X (m, d) to the hull: the larger, the more usual."""
        values = self._queries(X).values.astype(np.float64)
        cloud = self.cloud_
        hull = locate_in_hull(cloud, values, self.metric_)
        distance = np.where(hull.lower > 0, hull.upper, 0.0)
        off = np.isinf(cloud.flat.mahalanobis(values))
        scores = _scores(distance, off, _above(self.reference_))
        rows = self._training_rows(values)
        known = rows >= 0
        scores[known] = self._left_out_scores(rows[known])
        return scores

    def decision_function(self, X: Any) -> Floats:
        """`score_samples` minus `offset_`: negative for outliers, (m,)."""
        return np.asarray(self.score_samples(X) - self.offset_)

    def predict(self, X: Any) -> Ints:
        """1 for rows of X (m, d) that are usual, -1 for outliers."""
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def _training_rows(self, values: Floats) -> Indices:
        """(m,) the training row that each row equals, -1 where there is none."""
        keys = _as_bytes(self.cloud_.take(self._row_order))
        mine = _as_bytes(values)
        places = np.minimum(np.searchsorted(keys, mine), len(keys) - 1)
        return np.where(keys[places] == mine, self._row_order[places], -1)

    def _left_out_scores(self, rows: Indices) -> Floats:
        """Scores of training rows, each left out; measured now where the reference lacks them."""
        measured = {int(row): i for i, row in enumerate(self.reference_.rows)}
        reference, cloud = self.reference_, self.cloud_
        missing = np.array(sorted({int(row) for row in rows} - set(measured)), dtype=np.intp)
        hull, off = reference.hull, reference.off
        if len(missing):
            more = leave_out(cloud, self.metric_, 1, missing)
            hull, off = np.concatenate([hull, more.hull]), np.concatenate([off, more.off])
            measured |= {int(row): len(reference) + i for i, row in enumerate(missing)}
        places = np.array([measured[int(row)] for row in rows], dtype=np.intp)
        return _scores(hull[places], off[places], _above(reference))


def _above(reference: Reference) -> float:
    """What is added to the distance of rows off the flat, to rank them above all others."""
    return 2 * float(reference.hull.max(initial=0.0)) + 1


def _scores(distance: Floats, off: Array, above: float) -> Floats:
    return np.asarray(0.0 - np.where(off, distance + above, distance))


def _as_bytes(values: Floats) -> Array:
    """(m,) each row as one sortable value; -0 counts as 0."""
    rows = np.ascontiguousarray(values + 0.0)
    return rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
