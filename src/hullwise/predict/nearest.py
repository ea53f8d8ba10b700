"""Weights from distances alone: the nearest rows alike, or rows by the inverse of a distance."""

from __future__ import annotations

from scipy.sparse import csr_array

from .._core.memory import check_memory
from .._core.threads import StopFlag
from .._core.types import Floats, Progress
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ._batching import Batch, in_batches, scene
from ._nearest_kernel import by_distance


def nearest_weights(
    cloud: Cloud, Q: Floats, metric: Metric, progress: Progress | None = None, *, k: int = 5
) -> csr_array:
    """Weight 1 / k for each of the k nearest rows of queries Q (m, d): (m, n).

    Equal distances: the lowest row. All rows where there are no more than k. O(n d) for each
    query.
    """
    return inverse_distance_weights(cloud, Q, metric, progress, power=0.0, k=k)


def inverse_distance_weights(
    cloud: Cloud,
    Q: Floats,
    metric: Metric,
    progress: Progress | None = None,
    *,
    power: float = 2.0,
    k: int | None = None,
) -> csr_array:
    """Weights 1 / D^power of all rows, or of the k nearest, at queries Q (m, d): (m, n).

    D is the distance from the query (Shepard 1968). Rows at distance 0 take all the weight, alike.
    O(n d) for each query, and the answer holds m n numbers (16 bytes each, twice while it is
    made) where k is None.

    Raises
    ------
    MemoryLimitError
        Where the answer would not fit in memory.
    """
    k = cloud.n if k is None else min(k, cloud.n)
    what = f"weights of {len(Q):,} queries on {k:,} rows each"
    check_memory(32 * len(Q) * k, what)
    seen = scene(cloud, Q, metric)

    def some(first: int, last: int, stop: StopFlag) -> Batch:
        return by_distance(*seen.arrays, float(power), k, first, last, stop.flag)  # type: ignore[no-any-return]

    work = cloud.n * (2.0 * seen.rows.shape[1] + 16)
    return in_batches(some, (len(Q), cloud.n), work, progress)
