"""Modified Shepard weights: by the inverse of the distance, within a radius of each row."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from .._core.threads import StopFlag
from .._core.types import Floats, Indices, Progress
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ..geometry.neighbours import nearest_rows
from ._batching import ScaledProblem, weigh_in_batches
from ._distance_kernels import WeightEntries
from ._shepard_kernels import shepard
from .interpolant import Interpolant

__all__ = ["ShepardRegressor", "shepard_radii", "shepard_weights"]


def shepard_radii(cloud: Cloud, metric: Metric) -> Floats:
    """Distance of each row to its (d + 1)-th nearest other row, (n,), in the metric; O(n^2 d).

    d is the number of features, whatever the rank of the metric. With fewer than d + 2 rows the
    farthest other row is taken; a single row has radius 0.
    """
    if cloud.n == 1:
        return np.zeros(1)
    rows = np.arange(cloud.n)
    near = nearest_rows(cloud, cloud.take(rows), metric, cloud.d + 1, exclude=rows)
    return near.distances[:, -1].copy()


def shepard_weights(
    cloud: Cloud,
    Q: Floats,
    metric: Metric,
    progress: Progress | None = None,
    *,
    radii: Floats | None = None,
) -> csr_array:
    """Modified Shepard weights at queries Q (m, d): (m, n), of at least 0, each row sums to 1.

    With D_k the distance of the query to row k and R_k the row's radius (`shepard_radii`, worked
    out anew unless given), row k has the weight

        ((R_k - D_k)_+ / (R_k D_k))^2,

    divided by the sum of all weights (Lux et al. 2021, section 3.2). What the paper leaves open is
    as in its code: a row at the query takes all the weight (several share it equally); a query that
    no ball covers gets its d + 1 nearest rows (equal distances: the lowest) by 1 / D_k^2. So the
    weights jump where the query leaves the last ball. A query on a sphere, up to 8 roundings, is
    not in the ball.

    O(n d) for each query; memory O(n d) a thread.
    """
    if radii is None:
        radii = shepard_radii(cloud, metric)
    return blend(ScaledProblem.of(cloud, Q, metric), radii, cloud.d + 1, progress)[0]


def blend(
    problem: ScaledProblem, radii: Floats, n_uncovered: int, progress: Progress | None
) -> tuple[csr_array, Indices]:
    """Shepard weights for any radii, and whether each query is COVERED, a HIT or UNCOVERED.

    A query that no ball covers gets its `n_uncovered` nearest rows.
    """
    m, n = len(problem.queries), len(problem.rows)
    scaled_radii, coverage = np.ldexp(radii, -problem.frame.exponent), np.zeros(m, dtype=np.intp)

    def weigh(first: int, last: int, stop: StopFlag) -> WeightEntries:
        few = min(n_uncovered, n)
        return shepard(*problem.arrays, scaled_radii, few, first, last, stop.flag, coverage)

    work = n * (2.0 * problem.rows.shape[1] + 16)
    return weigh_in_batches(weigh, (m, n), work, progress), coverage


class ShepardRegressor(Interpolant):
    """Modified Shepard: rows by the inverse square of the distance, each within its own radius.

    Parameters
    ----------
    metric : "std", "range", None, (d,), (d, d) or function of (X, y)
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
    >>> X, y = [[0.0], [1.0], [3.0], [4.0]], [0.0, 1.0, 9.0, 16.0]
    >>> reg = hw.ShepardRegressor(metric=None).fit(X, y)
    >>> reg.radii_
    array([3., 2., 2., 3.])
    >>> reg.predict([[1.0], [2.0]])
    array([1. , 5.3])
    """

    radii_: Floats

    def _learn(self, cloud: Cloud, metric: Metric) -> dict[str, Any]:
        return {"radii_": shepard_radii(cloud, metric)}

    def _weigh(self, Q: Floats, progress: Progress | None) -> csr_array:
        return shepard_weights(self.cloud_, Q, self.metric_, progress, radii=self.radii_)
