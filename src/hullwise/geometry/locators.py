"""The locators as scikit-learn transformers: fit on training rows, transform queries to columns.

They compute nothing themselves: each holds a cloud and asks the method of its name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from .._core.estimators import TransformerMixin
from .._core.options import check_int, check_nonnegative
from .._core.types import Floats
from .bands import BANDS, Reference, percentile
from .bounding_box import excess
from .cloud import Cloud
from .cloud_estimator import CloudEstimator, RowsEstimator
from .comparison import Comparison, band_of_hull
from .ellipsoid import Ellipsoid, smallest_ellipsoid
from .hull import locate_in_hull
from .left_out import MetricLike, metric_for, own_unit_ratios, reference_for, rows_left_out
from .locate import locate
from .location import Location
from .metric import Metric
from .neighbours import Neighbours, nearest_rows, reference_gaps
from .optional_parts import OptionalParts

__all__ = ["BoxLocator", "EllipsoidLocator", "HullLocator", "NeighbourLocator"]


class _Locator(TransformerMixin, RowsEstimator):
    """What the four share: fitting, column names, and a score."""

    _columns: tuple[str, ...]
    _distance = ""  # the column whose negative is the score

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the training rows X (n, d); a private copy is kept. y is ignored.

        Raises
        ------
        DataError, DataTypeError
            For rows that cannot be used, naming row and column.
        """
        cloud = self._read_training(X)
        self._set_fitted(X, cloud, **self._learn(cloud))
        return self

    def _learn(self, cloud: Cloud) -> dict[str, Any]:
        return {}

    def _evaluate(self, X: Any) -> Floats:
        """The columns as a plain array, whatever container `transform` is set to return."""
        raise NotImplementedError

    def transform(self, X: Any) -> Floats:
        """One row for each query of X (m, d); the columns are those of `get_feature_names_out`."""
        return self._evaluate(X)

    def score_samples(self, X: Any) -> Floats:
        """Minus the distance of each query, (m,): the larger, the more usual."""
        return np.asarray(-self._evaluate(X)[:, self._columns.index(self._distance)])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns that `transform` returns."""
        check_is_fitted(self)
        return np.array(self._columns, dtype=object)


class HullLocator(_Locator, CloudEstimator):
    """Where queries stand against the convex hull of the training rows.

    Parameters
    ----------
    metric : "std", "range", "euclidean", None, (d,), (d, d) or MetricLearner
        In which units distance counts, as for `hullwise.locate`.
    n_neighbors : int
        Nearest rows listed by `locate`.
    reference : int
        Training rows left out in turn to learn which distances are usual.
    tolerance : float
        As for `hullwise.locate`.

    Attributes
    ----------
    cloud_ : Cloud
    rank_ : int or None
        Dimension of the flat that the training rows span.
    reference_ : Reference
        Leave-one-out distances of the sampled training rows.
    metric_ : Metric
        The metric in force: units are learnt from rows that are not left out.
    n_features_in_ : int
    feature_names_in_ : (d,) array of str
        Where X had names.

    Notes
    -----
    Columns of `transform`: the verdict (-1 outside, 0 undecided, 1 inside), the certified bracket
    of the distance, its percentile, and the band (0 core, 1 edge, 2 beyond,
    3 far, NaN unknown). `locate` gives all the rest.

    `fit` costs O((reference + d) n d) for each pass, `transform` O(m n d) for each.
    Interpolation as hull membership: Balestriero, Pesenti and LeCun 2021, Definition 1.

    Examples
    --------
    >>> import hullwise as hw
    >>> X = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    >>> locator = hw.HullLocator(metric=None).fit(X)
    >>> locator.transform([[0.5, 0.5], [2.0, 0.5]]).round(6)
    array([[  1.,   0.,   0.,   0.,   0.],
           [ -1.,   1.,   1., 100.,   3.]])
    >>> list(locator.get_feature_names_out())
    ['hull_verdict', 'hull_lower', 'hull_upper', 'hull_percentile', 'hull_band']
    """

    rank_: int | None
    reference_: Reference
    metric_: Metric
    _columns = ("hull_verdict", "hull_lower", "hull_upper", "hull_percentile", "hull_band")

    def __init__(
        self,
        *,
        metric: MetricLike = "std",
        n_neighbors: int = 5,
        reference: int = 500,
        tolerance: float = 1e-12,
    ) -> None:
        self.metric = metric
        self.n_neighbors = n_neighbors
        self.reference = reference
        self.tolerance = tolerance

    def _learn(self, cloud: Cloud) -> dict[str, Any]:
        check_nonnegative("tolerance", self.tolerance)
        check_int("n_neighbors", self.n_neighbors, 1)
        cloud.warn_if_flat()
        optional = OptionalParts()
        reference = reference_for(cloud, self.metric, self.n_neighbors, self.reference, optional)
        rank = optional.compute("the rank of the training rows was", lambda: cloud.rank, None)
        optional.warn()
        return {"rank_": rank, "reference_": reference, "metric_": reference.metric}

    def locate(self, X: Any) -> Location:
        """The whole answer for queries X (m, d): proofs, bands and the other definitions."""
        checked = self._queries(X)
        location = locate(
            self.cloud_,
            checked.values,
            metric=self.metric_,
            n_neighbors=self.n_neighbors,
            reference=self.reference_,
            tolerance=self.tolerance,
        )
        return replace(location, row_names=checked.row_names)

    def _evaluate(self, X: Any) -> Floats:
        values = self._queries(X).values.astype(np.float64)
        hull = locate_in_hull(self.cloud_, values, self.metric_, tolerance=self.tolerance)
        unknown = Comparison.empty(len(values))
        optional = OptionalParts()
        band, share = optional.compute(
            "the bands were",
            lambda: band_of_hull(hull, self.cloud_.flat.mahalanobis(values), self.reference_),
            (unknown.band, unknown.hull_percentile),
        )
        optional.warn()
        number = [float(BANDS.index(b)) if b in BANDS else np.nan for b in band]
        return np.column_stack([hull.verdict, hull.lower, hull.upper, share, number])

    def score_samples(self, X: Any) -> Floats:
        """Minus the distance to the hull, (m,): the larger, the more usual; 0 inside."""
        columns = self._evaluate(X)
        return np.where(columns[:, 1] > 0, -columns[:, 2], 0.0)


class EllipsoidLocator(_Locator, CloudEstimator):
    """Where queries stand against the smallest ellipsoid around the training rows.

    Parameters
    ----------
    tolerance : float
        Relative optimality gap of the ellipsoid.

    Attributes
    ----------
    cloud_ : Cloud
    ellipsoid_ : Ellipsoid
        With its support, its gap and its own `verify`.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    Columns of `transform`: whether inside (0 or 1), the ellipsoid's distance (1 on the boundary),
    and the Mahalanobis distance for comparison, whose ellipsoid need not contain the rows. Cost
    and sources: `hullwise.smallest_ellipsoid`.

    Examples
    --------
    >>> import hullwise as hw
    >>> locator = hw.EllipsoidLocator().fit([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> locator.transform([[0.5, 0.5], [2.0, 0.5]]).round(3)
    array([[1.   , 0.   , 0.   ],
           [0.   , 2.121, 3.   ]])
    """

    ellipsoid_: Ellipsoid
    _columns = ("in_ellipsoid", "ellipsoid_distance", "mahalanobis")
    _distance = "ellipsoid_distance"

    def __init__(self, *, tolerance: float = 1e-6) -> None:
        self.tolerance = tolerance

    def _learn(self, cloud: Cloud) -> dict[str, Any]:
        return {"ellipsoid_": smallest_ellipsoid(cloud, tolerance=self.tolerance)}

    def _evaluate(self, X: Any) -> Floats:
        values = self._queries(X).values
        distance = self.ellipsoid_.distance(values)
        return np.column_stack([distance <= 1, distance, self.cloud_.flat.mahalanobis(values)])


class BoxLocator(_Locator):
    """Where queries stand against the range of each feature.

    Attributes
    ----------
    data_min_, data_max_ : (d,) float64
        Range of each feature; the rows themselves are not kept.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    Columns of `transform`: the share of features in range, and the largest excess as a share of
    its feature's range. O(n d) to fit, O(m d) to transform.

    Examples
    --------
    >>> import hullwise as hw
    >>> locator = hw.BoxLocator().fit([[0.0, 0.0], [2.0, 1.0]])
    >>> locator.transform([[1.0, 0.5], [5.0, 0.5]])
    array([[1. , 0. ],
           [0.5, 1.5]])
    >>> locator.excess([[5.0, -0.5]])
    array([[ 3. , -0.5]])
    """

    data_min_: Floats
    data_max_: Floats
    _columns = ("in_range_share", "box_distance")
    _distance = "box_distance"

    def _learn(self, cloud: Cloud) -> dict[str, Any]:
        return {"data_min_": cloud.minimum, "data_max_": cloud.maximum}

    def _evaluate(self, X: Any) -> Floats:
        out = self.excess(X)
        half = self.data_max_ / 2 - self.data_min_ / 2
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            widths = np.where(out == 0, 0.0, np.abs(out / 2) / half)
        return np.column_stack([(out == 0).mean(axis=1), widths.max(axis=1)])

    def excess(self, X: Any) -> Floats:
        """Signed amounts outside the range, (m, d), in the data's own units."""
        values = self._queries(X).values
        return excess(values, self.data_min_, self.data_max_)


class NeighbourLocator(_Locator, CloudEstimator):
    """How far queries are from their nearest training rows.

    Parameters
    ----------
    n_neighbors : int
        The neighbour whose distance counts.
    metric : "std", "range", "euclidean", None, (d,), (d, d) or MetricLearner
        As for `hullwise.locate`.
    reference : int
        Training rows whose own distances (each left out in turn) make the percentile.

    Attributes
    ----------
    cloud_ : Cloud
    reference_gaps_ : (r,)
        Distances of sampled training rows to their nearest other row number `n_neighbors`.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    Columns of `transform`: the distance to that row, and its percentile. O(m n d): a
    scan of all rows through the cloud's one question, no tree.

    Examples
    --------
    >>> import hullwise as hw
    >>> locator = hw.NeighbourLocator(metric=None, n_neighbors=1).fit([[0.0], [1.0], [3.0]])
    >>> locator.transform([[1.5], [9.0]])
    array([[  0.5,   0. ],
           [  6. , 100. ]])
    """

    reference_gaps_: Floats
    metric_: Metric
    _columns = ("neighbour_distance", "neighbour_percentile")
    _distance = "neighbour_distance"

    def __init__(
        self,
        *,
        n_neighbors: int = 5,
        metric: MetricLike = "std",
        reference: int = 500,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.reference = reference

    def _learn(self, cloud: Cloud) -> dict[str, Any]:
        check_int("n_neighbors", self.n_neighbors, 1)
        rows = rows_left_out(cloud, self.reference)
        metric = metric_for(cloud, self.metric, rows)
        own_units = own_unit_ratios(cloud, metric, rows)
        gaps = reference_gaps(cloud, metric, self.n_neighbors, rows, own_units)
        return {"reference_gaps_": gaps, "metric_": metric}

    def neighbours(self, X: Any) -> Neighbours:
        """The `n_neighbors` nearest training rows of each query and their distances."""
        values = self._queries(X).values
        return nearest_rows(self.cloud_, values, self.metric_, self.n_neighbors)

    def _evaluate(self, X: Any) -> Floats:
        gap = self.neighbours(X).distances[:, -1]
        return np.column_stack([gap, percentile(gap, self.reference_gaps_)])
