"""Voronoi weights: a row counts until its Voronoi cell, twice enlarged, ends."""

from __future__ import annotations

from scipy.sparse import csr_array

from .._core.threads import StopFlag
from .._core.types import Floats, Progress
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ._batching import ScaledProblem, weigh_in_batches
from ._distance_kernels import WeightEntries
from ._voronoi_kernel import voronoi
from .interpolant import Interpolant

__all__ = ["VoronoiRegressor", "voronoi_weights"]


def voronoi_weights(
    cloud: Cloud, Q: Floats, metric: Metric, progress: Progress | None = None
) -> csr_array:
    """Weights of the Voronoi model at queries Q (m, d): (m, n), of at least 0, each row sums to 1.

    Row i has the weight (1 - r_i)_+ with r_i the largest of 0 and, over all rows j,

        <q - x_i, x_j - x_i> / |x_j - x_i|^2,

    in the metric, divided by the sum of all weights. That is 1 - |q - x_i| / 2h, with h the
    distance from x_i to the end of its Voronoi cell in the direction of q (Lux et al. 2021,
    section 3.5), and 1 where the cell has no end there. The nearest row has at least 1/2 before
    the division, so the weights are always defined. A query on a row has that row alone; rows
    between which the metric sees no distance share the weight of their place equally.

    Weights below 1e-14 (before the division) are rounding and left out. O(n (d + log n)) for each
    query, and O(i d) for the i-th nearest row where no nearer one rules it out early; memory
    O(n d) a thread.
    """
    problem = ScaledProblem.of(cloud, Q, metric)

    def weigh(first: int, last: int, stop: StopFlag) -> WeightEntries:
        return voronoi(*problem.arrays, first, last, stop.flag)

    work = cloud.n * (8.0 * problem.rows.shape[1] + 64)
    return weigh_in_batches(weigh, (len(Q), cloud.n), work, progress)


class VoronoiRegressor(Interpolant):
    """Rows weighted by how far the query is towards the end of their Voronoi cell.

    Parameters
    ----------
    metric : "std", "range", None, (d,), (d, d) or function of (X, y)
        In which units nearness counts.
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
    Row i has the weight ``1 - max_j <q - x_i, x_j - x_i> / |x_j - x_i|^2`` where that is positive:
    1 at the row itself, 1/2 where its cell ends, 0 at twice that distance. The prediction is
    continuous and always defined. O(n (d + log n)) for each query, and O(i d) more for the i-th
    nearest row where no nearer one rules it out.

    Source: Lux, Watson, Chang, Hong, Cameron, *Interpolation of sparse high-dimensional data*,
    Numerical Algorithms 2021, section 3.5; Lux et al., *Novel meshes for multivariate
    interpolation and approximation*, ACMSE 2018.

    Examples
    --------
    >>> import hullwise as hw
    >>> reg = hw.VoronoiRegressor().fit([[0.0], [1.0], [3.0]], [0.0, 2.0, 1.0])
    >>> reg.predict([[0.25], [1.0]])
    array([0.5, 2. ])
    """

    def _weigh(self, Q: Floats, progress: Progress | None) -> csr_array:
        return voronoi_weights(self.cloud_, Q, self.metric_, progress)
