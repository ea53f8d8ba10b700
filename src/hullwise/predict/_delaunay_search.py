"""Delaunay simplices without a triangulation: the one around each query, one at a time.

A cloud that fits in memory is searched by one kernel. Of a larger one each query keeps a few rows;
whole passes through the cloud's one question, with h = 1, then find the rows inside the spheres
found among these, until there are none.
"""

from __future__ import annotations

import numpy as np

from .._core.threads import StopFlag, cpu_count, run_in_threads
from .._core.types import Floats, Progress
from ._coordinates import FlatCoordinates
from ._delaunay_kernel import find_simplices
from ._delaunay_out_of_core import search_out_of_core
from ._simplex_result import SimplexResult, distance_rounding

THREAD_WORTH = 1 << 22  # numbers read by all queries beyond which threads are worth starting
TASK_WORK = 1 << 25  # numbers that one task reads


def search_simplices(
    coordinates: FlatCoordinates, Q: Floats, spheres: bool, progress: Progress | None
) -> SimplexResult:
    """Simplices around queries Q (m, d); with `spheres` those outside get an empty sphere too.

    About ten looks at all rows, O(n r), and a few dozen simplex steps, O(r^2), for each query.
    """
    Zq = coordinates.map(Q)
    result = SimplexResult.empty(*Zq.shape)
    if not coordinates.view.in_memory:
        return search_out_of_core(coordinates.view, Zq, result, spheres, progress)
    rounding = distance_rounding(Zq)
    work = coordinates.view.n * (coordinates.view.rank + 8)
    each = int(np.clip(TASK_WORK // work, 1, 256))
    columns, completed = coordinates.columns, [0]

    def search_part(at: slice, stop: StopFlag) -> None:
        find_simplices(columns, Zq[at], rounding[at], spheres, stop.flag, result.views(at))
        completed[0] += len(Zq[at])
        if progress is not None:
            progress(completed[0], len(Zq), "simplices")

    parts = [slice(start, start + each) for start in range(0, len(Zq), each)]
    # a thread of its own even on one processor: a kernel would not hear of Ctrl-C
    run_in_threads(search_part, parts, 1 if work * len(Zq) < THREAD_WORTH else max(2, cpu_count()))
    return result
