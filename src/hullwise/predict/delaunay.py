"""Delaunay interpolation without a triangulation: the simplex around each query, one at a time.

A cloud that fits in memory is searched by one kernel (`_search`). Of a larger one each query keeps
a few rows; whole passes through the cloud's one question, with h = 1, then find the rows inside
the spheres found among these, until there are none.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from .._core.threads import StopFlag, cpu_count, run_in_threads
from .._core.types import Floats, Progress
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ._coordinates import Coordinates, coordinates
from ._delaunay_out_of_core import search_large
from ._delaunay_search import find_simplices
from ._simplex_result import Found, floors

HEAVY = 1 << 22  # numbers read by a query's looks beyond which it is worth a thread


def delaunay_weights(
    cloud: Cloud, Q: Floats, metric: Metric, progress: Progress | None = None
) -> csr_array:
    """Barycentric weights in the Delaunay simplex around each query, (m, n).

    Outside the hull the weights at the nearest point of the hull.
    """
    return as_weights(search(coordinates(cloud, metric), Q, False, progress), cloud.n)


def as_weights(found: Found, n: int) -> csr_array:
    """The weights as a sparse matrix; rows with weight 0 are left out."""
    have = found.weights > 0
    ends = np.concatenate([[0], np.cumsum(have.sum(axis=1))])
    W = csr_array((found.weights[have], found.rows[have], ends), shape=(len(have), n))
    W.sort_indices()
    return W


def search(place: Coordinates, Q: Floats, whole: bool, progress: Progress | None) -> Found:
    """Simplices around queries Q (m, d); with `whole` also their empty spheres and last corners.

    About ten looks at all rows, O(n r), and a few dozen simplex steps, O(r^2), for each query.
    """
    Zq = place.map(Q)
    found = Found.empty(*Zq.shape)
    if not place.view.in_memory:
        return search_large(place, Zq, found, whole, progress)
    floor = floors(Zq)
    work = place.view.n * (place.view.rank + 8)
    each = int(np.clip((1 << 25) // work, 1, 256))
    columns, done = place.columns, [0]

    def some(at: slice, stop: StopFlag) -> None:
        find_simplices(columns, Zq[at], floor[at], whole, stop.flag, found.part(at))
        done[0] += len(Zq[at])
        if progress is not None:
            progress(done[0], len(Zq), "simplices")

    parts = [slice(start, start + each) for start in range(0, len(Zq), each)]
    # a thread of its own even on one processor: a kernel would not hear of Ctrl-C
    run_in_threads(some, parts, 1 if work * len(Zq) < HEAVY else max(2, cpu_count()))
    return found
