"""Voronoi weights: a row counts until its Voronoi cell, twice enlarged, ends."""

from __future__ import annotations

from scipy.sparse import csr_array

from .._core.threads import StopFlag
from .._core.types import Floats, Progress
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ._batching import Batch, in_batches, scene
from ._voronoi_kernel import voronoi


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
    seen = scene(cloud, Q, metric)

    def some(first: int, last: int, stop: StopFlag) -> Batch:
        return voronoi(*seen.arrays, first, last, stop.flag)  # type: ignore[no-any-return]

    work = cloud.n * (8.0 * seen.rows.shape[1] + 64)
    return in_batches(some, (len(Q), cloud.n), work, progress)
