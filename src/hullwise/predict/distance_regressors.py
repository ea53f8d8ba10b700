"""Weights from distances alone, as scikit-learn regressors; each only asks its method."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from ..data._frame import Metric
from ..data._options import Progress, nonnegative, whole_number
from ..data.cloud import Cloud
from ..errors import DataError
from ..rows._rows import Floats
from ._interpolant import Interpolant
from .nearest import inverse_distance_weights, nearest_weights
from .shepard import linear_shepard_weights, shepard_radii, shepard_weights

__all__ = [
    "InverseDistanceRegressor",
    "LinearShepardRegressor",
    "NearestRegressor",
    "ShepardRegressor",
]


class _BallRegressor(Interpolant):
    """What the two Shepard methods share: a radius for each row."""

    radii_: Floats

    def __init__(self, *, metric: ArrayLike | str | None = None, duplicates: str = "mean") -> None:
        self.metric = metric
        self.duplicates = duplicates

    def _learn(self, cloud: Cloud, metric: Metric) -> dict[str, Any]:
        return {"radii_": shepard_radii(cloud, metric)}


class ShepardRegressor(_BallRegressor):
    """Modified Shepard interpolation: rows count within a ball that holds d + 1 other rows.

    Parameters
    ----------
    metric : None, "std", "range", (d,) or (d, d)
        In which units distance counts.
    duplicates : {"mean", "raise"}
        What to do with rows that are equal but for the target.

    Attributes
    ----------
    cloud_ : Cloud
        The distinct training rows.
    radii_ : (p,)
        Distance of each of them to its (d + 1)-th nearest other row, in the metric.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    Row i has the weight ((r_i - t)_+ / (r_i t))^2 at distance t, divided by the sum. Where no ball
    holds the query, the d + 1 nearest rows count with 1 / t^2. d is the number of features, also
    where the metric sees fewer. O(n^2 d) to fit, O(m n d) to predict.

    Source: Lux, Watson, Chang, Hong, Cameron, *Interpolation of sparse high-dimensional data*,
    Numerical Algorithms 2021, section 3.2; Thacker, Zhang, Watson, Birch, Iyer, Berry, *Algorithm
    905: SHEPPACK*, ACM Transactions on Mathematical Software 2010.

    Examples
    --------
    >>> import hullwise as hw
    >>> reg = hw.ShepardRegressor().fit([[0.0], [1.0], [3.0]], [0.0, 2.0, 1.0])
    >>> reg.radii_
    array([3., 2., 3.])
    >>> reg.predict([[0.0], [0.5]]).round(3)
    array([0.   , 0.895])
    """

    def _weigh(self, Q: Floats, metric: Metric, progress: Progress | None) -> csr_array:
        return shepard_weights(self.cloud_, Q, metric, self.radii_, progress)


class LinearShepardRegressor(_BallRegressor):
    """Shepard's average of linear functions, one fitted around each row.

    Parameters
    ----------
    metric : None, "std", "range", (d,) or (d, d)
        In which units distance counts.
    duplicates : {"mean", "raise"}
        What to do with rows that are equal but for the target.

    Attributes
    ----------
    cloud_ : Cloud
        The distinct training rows.
    radii_ : (p,)
        As for `ShepardRegressor`.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    The function around row k passes through its target and is fitted to the max(d + 1, 3 d / 2)
    nearest other rows by weighted least squares (of least slope where these leave it open). The
    prediction is still W @ y, but W has negative entries, so quantiles and mixtures refuse it, and
    off the data a prediction may leave the range of the targets.

    The idea is that of LSHEP (Thacker et al. 2010, SHEPPACK). The published predictions of LSHEP
    in Lux et al. (2021) are reproduced neither by this nor by SHEPPACK itself.

    O(n^2 d) to fit, O(m (n d + s d^3)) to predict, with s rows whose ball holds a query.

    Examples
    --------
    >>> import hullwise as hw
    >>> reg = hw.LinearShepardRegressor().fit([[0.0], [1.0], [3.0]], [1.0, 3.0, 7.0])
    >>> reg.predict([[0.5], [5.0]])                 # linear functions are reproduced
    array([ 2., 11.])
    """

    def _weigh(self, Q: Floats, metric: Metric, progress: Progress | None) -> csr_array:
        return linear_shepard_weights(self.cloud_, Q, metric, self.radii_, progress)


class InverseDistanceRegressor(Interpolant):
    """All rows, or the k nearest, weighted with a power of their inverse distance.

    Parameters
    ----------
    power : float
        Of the inverse distance.
    k : int, optional
        Rows that count; all of them if None.
    metric : None, "std", "range", (d,) or (d, d)
        In which units distance counts.
    duplicates : {"mean", "raise"}
        What to do with rows that are equal but for the target.

    Attributes
    ----------
    cloud_ : Cloud
        The distinct training rows.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    With k=None the weights of m queries are m n numbers. O(m n d) to predict.

    Source: Shepard, *A two-dimensional interpolation function for irregularly-spaced data*, 1968.

    Examples
    --------
    >>> import hullwise as hw
    >>> reg = hw.InverseDistanceRegressor().fit([[0.0], [1.0]], [0.0, 5.0])
    >>> reg.predict([[0.5], [-1.0], [1.0]])
    array([2.5, 1. , 5. ])
    """

    def __init__(
        self,
        *,
        power: float = 2.0,
        k: int | None = None,
        metric: ArrayLike | str | None = None,
        duplicates: str = "mean",
    ) -> None:
        self.power = power
        self.k = k
        self.metric = metric
        self.duplicates = duplicates

    def _learn(self, cloud: Cloud, metric: Metric) -> dict[str, Any]:
        if nonnegative("power", self.power) == 0:
            raise DataError("power=0 weighs all rows alike: expected a positive number.")
        if self.k is not None:
            whole_number("k", self.k, 1)
        return {}

    def _weigh(self, Q: Floats, metric: Metric, progress: Progress | None) -> csr_array:
        return inverse_distance_weights(
            self.cloud_, Q, metric, progress, power=float(self.power), k=self.k
        )


class NearestRegressor(Interpolant):
    """The plain average of the k nearest rows.

    Parameters
    ----------
    k : int
        Rows that count; all of them, where there are fewer.
    metric : None, "std", "range", (d,) or (d, d)
        In which units distance counts.
    duplicates : {"mean", "raise"}
        What to do with rows that are equal but for the target: they count as one.

    Attributes
    ----------
    cloud_ : Cloud
        The distinct training rows.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    For k = 1 an interpolant, else not: a training row is averaged with its neighbours. Equal
    distances go to the lowest row. O(m n d) to predict, by a scan of all rows.

    Examples
    --------
    >>> import hullwise as hw
    >>> hw.NearestRegressor(k=2).fit([[0.0], [1.0], [3.0]], [0.0, 2.0, 1.0]).predict([[0.4]])
    array([1.])
    """

    def __init__(
        self,
        *,
        k: int = 5,
        metric: ArrayLike | str | None = None,
        duplicates: str = "mean",
    ) -> None:
        self.k = k
        self.metric = metric
        self.duplicates = duplicates

    def _learn(self, cloud: Cloud, metric: Metric) -> dict[str, Any]:
        whole_number("k", self.k, 1)
        return {}

    def _weigh(self, Q: Floats, metric: Metric, progress: Progress | None) -> csr_array:
        return nearest_weights(self.cloud_, Q, metric, progress, k=self.k)
