"""Inverse distance weighting (Shepard 1968): all rows, or the nearest, by a power of distance."""

from __future__ import annotations

from typing import Any

from scipy.sparse import csr_array

from .._core.memory import check_memory
from .._core.options import check_int, check_nonnegative
from .._core.threads import StopFlag
from .._core.types import Floats, Progress
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ._batching import ScaledProblem, weigh_in_batches
from ._distance_kernels import WeightEntries
from ._inverse_distance_kernel import inverse_distance
from .interpolant import Interpolant, MetricOption

__all__ = ["InverseDistanceRegressor", "inverse_distance_weights"]


def inverse_distance_weights(
    cloud: Cloud,
    Q: Floats,
    metric: Metric,
    progress: Progress | None = None,
    *,
    power: float = 2.0,
    n_neighbors: int | None = None,
) -> csr_array:
    """Weights 1 / D^power of all rows, or of the nearest, at queries Q (m, d): (m, n).

    D is the distance from the query (Shepard 1968). Rows at distance 0 take all the weight, alike.
    O(n d) for each query, and the answer holds m n numbers (16 bytes each, twice while it is
    made) where n_neighbors is None.

    Raises
    ------
    MemoryLimitError
        Where the answer would not fit in memory.
    """
    k = cloud.n if n_neighbors is None else min(n_neighbors, cloud.n)
    check_memory(32 * len(Q) * k, f"weights of {len(Q):,} queries on {k:,} rows each")
    problem = ScaledProblem.of(cloud, Q, metric)

    def weigh(first: int, last: int, stop: StopFlag) -> WeightEntries:
        return inverse_distance(*problem.arrays, float(power), k, first, last, stop.flag)

    work = cloud.n * (2.0 * problem.rows.shape[1] + 16)
    return weigh_in_batches(weigh, (len(Q), cloud.n), work, progress)


class InverseDistanceRegressor(Interpolant):
    """Inverse distance weighting: all rows, or the nearest, by 1 / distance^power.

    Parameters
    ----------
    metric : "std", "range", None, (d,), (d, d) or function of (X, y)
        Of the distances.
    duplicates : {"mean", "raise"}
        What to do with rows that are equal but for the target.
    power : float
        Greater than 0.
    n_neighbors : int or None
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
        metric: MetricOption = "std",
        duplicates: str = "mean",
        power: float = 2.0,
        n_neighbors: int | None = None,
    ) -> None:
        super().__init__(metric=metric, duplicates=duplicates)
        self.power = power
        self.n_neighbors = n_neighbors

    def _learn(self, cloud: Cloud, metric: Metric) -> dict[str, Any]:
        self._checked_options()
        return {}

    def _checked_options(self) -> dict[str, Any]:
        """LabelledArray for every prediction: `set_params` may change them after `fit`."""
        power, k = check_nonnegative("power", self.power), self.n_neighbors
        if power == 0:
            raise DataError("power=0: expected more than 0. NearestRegressor weighs rows alike.")
        return {
            "power": power,
            "n_neighbors": None if k is None else check_int("n_neighbors", k, 1),
        }

    def _weigh(self, Q: Floats, progress: Progress | None) -> csr_array:
        options = self._checked_options()
        return inverse_distance_weights(self.cloud_, Q, self.metric_, progress, **options)
