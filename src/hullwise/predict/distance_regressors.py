"""Weights from distances alone, as scikit-learn regressors; each asks its method."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from .._core.options import check_int, check_nonnegative
from .._core.types import Floats, Progress
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from .interpolant import Interpolant
from .nearest import inverse_distance_weights, nearest_weights
from .shepard import LocalFits, linear_shepard_weights, local_fits, shepard_radii, shepard_weights

__all__ = [
    "InverseDistanceRegressor",
    "LinearShepardRegressor",
    "NearestRegressor",
    "ShepardRegressor",
]


class ShepardRegressor(Interpolant):
    """Modified Shepard: rows by the inverse square of the distance, each within its own radius.

    Parameters
    ----------
    metric : None, "std", "range", (d,) or (d, d)
        Of the distances.
    duplicates : {"mean", "raise"}
        What to do with rows that are equal but for the target.

    Attributes
    ----------
    cloud_ : Cloud
        The distinct training rows.
    radii_ : (p,)
        Radius of each of them, in the metric: the distance to the (d + 1)-th nearest other one.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    The weight of row k is ((R_k - D_k)_+ / (R_k D_k))^2 divided by the sum of all weights, D_k
    being the distance and R_k the radius; where no ball covers the query, its d + 1 nearest rows
    by 1 / D^2, so the prediction jumps at the end of the last ball. d is the number of features,
    also where the metric sees fewer. `hullwise.predict.shepard.shepard_weights` says the rest.
    O(n^2 d) to fit, O(m n d) to predict.

    Source: Lux, Watson, Chang, Hong, Cameron, *Interpolation of sparse high-dimensional data*,
    Numerical Algorithms 2021, section 3.2.

    Examples
    --------
    >>> import hullwise as hw
    >>> reg = hw.ShepardRegressor().fit([[0.0], [1.0], [3.0], [4.0]], [0.0, 1.0, 9.0, 16.0])
    >>> reg.radii_
    array([3., 2., 2., 3.])
    >>> reg.predict([[1.0], [2.0]])
    array([1. , 5.3])
    """

    radii_: Floats

    def __init__(self, *, metric: ArrayLike | str | None = None, duplicates: str = "mean") -> None:
        self.metric = metric
        self.duplicates = duplicates

    def _learn(self, cloud: Cloud, metric: Metric) -> dict[str, Any]:
        return {"radii_": shepard_radii(cloud, metric)}

    def _weigh(self, Q: Floats, metric: Metric, progress: Progress | None) -> csr_array:
        return shepard_weights(self.cloud_, Q, metric, progress, radii=self.radii_)


class LinearShepardRegressor(Interpolant):
    """Linear Shepard: a linear fit through each row, blended by modified Shepard weights.

    Parameters
    ----------
    metric : None, "std", "range", (d,) or (d, d)
        Of the distances; slopes that the rows leave open are of minimum norm in it.
    duplicates : {"mean", "raise"}
        What to do with rows that are equal but for the target.

    Attributes
    ----------
    cloud_ : Cloud
        The distinct training rows.
    fits_ : LocalFits
        Rows and radius of the fit at each of them.
    radii_ : (p,)
        The radii, in the metric.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    A fit goes through its own row and takes the (3 d + 1) // 2 nearest others by weighted least
    squares; `hullwise.predict.shepard.linear_shepard_weights` says it exactly. Predictions are
    linear in y, so they have weights with sum 1, but these may be negative: predictions may leave
    the range of the targets, there are no quantiles, and no bound for convex weights holds. Linear
    functions are reproduced wherever a ball covers the query and the fits have full rank.
    O(n^2 d) to fit, O(m n d) and O(d^3) for each fit used to predict.

    Source: LSHEP of Thacker, Zhang, Watson, Birch, Iyer, Berry, *Algorithm 905: SHEPPACK*, ACM
    Transactions on Mathematical Software 37, 2010; Lux, Watson, Chang, Hong, Cameron,
    *Interpolation of sparse high-dimensional data*, Numerical Algorithms 2021, section 3.3. The
    errors printed there for LSHEP could not be reproduced, neither from the formula nor with
    SHEPPACK.

    Examples
    --------
    >>> import hullwise as hw
    >>> X = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.4, 0.6]]
    >>> reg = hw.LinearShepardRegressor().fit(X, [1.0, 3.0, 4.0, 6.0, 3.6])     # 1 + 2 a + 3 b
    >>> reg.predict([[0.5, 0.5], [0.2, 0.1]]).round(12)
    array([3.5, 1.7])
    """

    fits_: LocalFits
    radii_: Floats

    def __init__(self, *, metric: ArrayLike | str | None = None, duplicates: str = "mean") -> None:
        self.metric = metric
        self.duplicates = duplicates

    def _learn(self, cloud: Cloud, metric: Metric) -> dict[str, Any]:
        fits = local_fits(cloud, metric)
        return {"fits_": fits, "radii_": fits.radii}

    def _weigh(self, Q: Floats, metric: Metric, progress: Progress | None) -> csr_array:
        return linear_shepard_weights(self.cloud_, Q, metric, progress, fits=self.fits_)


class InverseDistanceRegressor(Interpolant):
    """Inverse distance weighting: all rows, or the k nearest, by 1 / distance^power.

    Parameters
    ----------
    metric : None, "std", "range", (d,) or (d, d)
        Of the distances.
    duplicates : {"mean", "raise"}
        What to do with rows that are equal but for the target.
    power : float
        Greater than 0.
    k : int or None
        How many of the nearest rows count; None for all, and then `weights` of m queries holds
        m n numbers.

    Attributes
    ----------
    cloud_ : Cloud
        The distinct training rows.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    A query on a row has that row's target. O(n d) to fit, O(m n d) to predict.

    Source: Shepard, *A two-dimensional interpolation function for irregularly-spaced data*, ACM
    National Conference 1968.

    Examples
    --------
    >>> import hullwise as hw
    >>> reg = hw.InverseDistanceRegressor().fit([[0.0], [3.0]], [0.0, 10.0])
    >>> reg.predict([[1.0], [3.0]])
    array([ 2., 10.])
    """

    def __init__(
        self,
        *,
        metric: ArrayLike | str | None = None,
        duplicates: str = "mean",
        power: float = 2.0,
        k: int | None = None,
    ) -> None:
        self.metric = metric
        self.duplicates = duplicates
        self.power = power
        self.k = k

    def _learn(self, cloud: Cloud, metric: Metric) -> dict[str, Any]:
        self._options()
        return {}

    def _options(self) -> tuple[float, int | None]:
        """Power and k, checked for every prediction: `set_params` may change them after `fit`."""
        power = check_nonnegative("power", self.power)
        if power == 0:
            raise DataError("power=0: expected more than 0. NearestRegressor weighs rows alike.")
        return power, None if self.k is None else check_int("k", self.k, 1)

    def _weigh(self, Q: Floats, metric: Metric, progress: Progress | None) -> csr_array:
        power, k = self._options()
        return inverse_distance_weights(self.cloud_, Q, metric, progress, power=power, k=k)


class NearestRegressor(Interpolant):
    """The average of the k nearest rows.

    Parameters
    ----------
    metric : None, "std", "range", (d,) or (d, d)
        Of the distances.
    duplicates : {"mean", "raise"}
        What to do with rows that are equal but for the target.
    k : int
        How many rows; all where there are fewer. Rows that are equal in every feature count once.

    Attributes
    ----------
    cloud_ : Cloud
        The distinct training rows.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    Equal distances: the lowest row. O(n d) to fit, O(m n d) to predict.

    Source: Fix, Hodges, *Discriminatory analysis*, USAF School of Aviation Medicine 1951.

    Examples
    --------
    >>> import hullwise as hw
    >>> reg = hw.NearestRegressor(k=2).fit([[0.0], [1.0], [5.0]], [1.0, 3.0, 100.0])
    >>> reg.predict([[0.4], [4.0]])
    array([ 2. , 51.5])
    """

    def __init__(
        self, *, metric: ArrayLike | str | None = None, duplicates: str = "mean", k: int = 5
    ) -> None:
        self.metric = metric
        self.duplicates = duplicates
        self.k = k

    def _learn(self, cloud: Cloud, metric: Metric) -> dict[str, Any]:
        check_int("k", self.k, 1)
        return {}

    def _weigh(self, Q: Floats, metric: Metric, progress: Progress | None) -> csr_array:
        k = check_int("k", self.k, 1)  # `set_params` may have changed it after `fit`
        return nearest_weights(self.cloud_, Q, metric, progress, k=k)
