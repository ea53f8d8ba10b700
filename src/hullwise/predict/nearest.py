"""The nearest rows, all with the same weight."""

from __future__ import annotations

from typing import Any

from scipy.sparse import csr_array

from .._core.options import check_int
from .._core.types import Floats, Progress
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from .interpolant import Interpolant, MetricOption
from .inverse_distance import inverse_distance_weights

__all__ = ["NearestRegressor", "nearest_weights"]


def nearest_weights(
    cloud: Cloud,
    Q: Floats,
    metric: Metric,
    progress: Progress | None = None,
    *,
    n_neighbors: int = 5,
) -> csr_array:
    """Weight 1 / n_neighbors for each of the nearest rows of queries Q (m, d): (m, n).

    Equal distances: the lowest row. All rows where there are no more. O(n d) for each query.
    """
    return inverse_distance_weights(cloud, Q, metric, progress, power=0.0, n_neighbors=n_neighbors)


class NearestRegressor(Interpolant):
    """The average of the nearest rows.

    Parameters
    ----------
    metric : "std", "range", None, (d,), (d, d) or function of (X, y)
        Of the distances.
    duplicates : {"mean", "raise"}
        What to do with rows that are equal but for the target.
    n_neighbors : int
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
    >>> reg = hw.NearestRegressor(n_neighbors=2).fit([[0.0], [1.0], [5.0]], [1.0, 3.0, 100.0])
    >>> reg.predict([[0.4], [4.0]])
    array([ 2. , 51.5])
    """

    def __init__(
        self,
        *,
        metric: MetricOption = "std",
        duplicates: str = "mean",
        n_neighbors: int = 5,
    ) -> None:
        super().__init__(metric=metric, duplicates=duplicates)
        self.n_neighbors = n_neighbors

    def _learn(self, cloud: Cloud, metric: Metric) -> dict[str, Any]:
        check_int("n_neighbors", self.n_neighbors, 1)
        return {}

    def _weigh(self, Q: Floats, progress: Progress | None) -> csr_array:
        k = check_int("n_neighbors", self.n_neighbors, 1)  # `set_params` may have changed it
        return nearest_weights(self.cloud_, Q, self.metric_, progress, n_neighbors=k)
