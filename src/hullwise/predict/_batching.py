"""Rows and queries in coordinates where the metric is Euclidean, and weights in batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import Self

import numpy as np
from scipy.sparse import csr_array

from .._core.threads import StopFlag, cpu_count, run_in_threads
from .._core.types import Floats, Indices, Progress
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ..geometry.scaling import Frame
from ._distance_kernels import WeightEntries, multiply_rowwise

QUERY_RADII = 40  # a query beyond 2**40 radii of the data is moved in: rounding would hide the rows
BATCH_WORK = 1 << 26  # numbers read by one task: about a twentieth of a second


@dataclass(frozen=True, eq=False)
class ScaledProblem:
    """Rows (n, r) and queries (m, r) in coordinates in which the metric is Euclidean.

    Distances of at most `floor` are rounding: a matrix metric maps rows that it cannot tell
    apart to nearly one place, any other metric to exactly one.
    """

    rows: Floats
    queries: Floats
    floor: float
    frame: Frame
    exponents: Indices  # queries are 2**exponents times what they are here; 0 but far out

    @classmethod
    def of(cls, cloud: Cloud, Q: Floats, metric: Metric) -> Self:
        """A cloud and queries Q (m, d) in the cloud's frame of the metric."""
        view = cloud.view_in(metric)
        frame = view.frame
        if frame.matrix is None:
            frame, rows = cloud.cached(
                "rows about a short centre",
                lambda: _map_about_short_centre(cloud, view.frame),
                metric,
            )
            queries, exponents = map_with_exponents(frame, Q)
            return cls(rows, queries, 0.0, frame, exponents)
        rounding = 4 * float(np.linalg.norm(view.rounding_bound(np.eye(view.rank), False)))
        queries, exponents = map_with_exponents(frame, Q)
        return cls(view.scaled_rows, queries, rounding, frame, exponents)

    @property
    def arrays(self) -> tuple[Floats, Floats, float]:
        """What a kernel needs."""
        return self.rows, self.queries, self.floor


def _map_about_short_centre(cloud: Cloud, frame: Frame) -> tuple[Frame, Floats]:
    """The frame about a centre with few digits, and all rows in it.

    A mean of many digits would round what is whole, and rows that are equally far with it.
    """
    width = (cloud.maximum / 2 - cloud.minimum / 2) * frame.prescale
    step = np.ldexp(1.0, np.maximum(np.frexp(width)[1] - 4, -1000))
    shift = np.rint(frame.shift * frame.prescale / step) * step / frame.prescale
    frame = replace(frame, shift=np.where(width > 0, shift, cloud.minimum))
    return frame, np.ascontiguousarray(frame.map(cloud.rows.block(0, cloud.n)))


def map_rowwise(frame: Frame, Q: Floats) -> Floats:
    """Queries Q (m, d) in a frame, each with the same bits whatever the others are."""
    return map_with_exponents(frame, Q)[0]


def map_with_exponents(frame: Frame, Q: Floats) -> tuple[Floats, Indices]:
    """(Z, e): queries Q (m, d) are Z 2**e in a frame, e = 0 but for those far out."""
    Q, exponents = _pull_within_reach(frame, Q)
    if frame.matrix is None:
        return frame.map(Q), exponents
    scaled = replace(frame, matrix=None).map(Q)
    return np.asarray(multiply_rowwise(scaled, np.ascontiguousarray(frame.matrix))), exponents


def _pull_within_reach(frame: Frame, Q: Floats) -> tuple[Floats, Indices]:
    """Queries beyond 2**QUERY_RADII radii of the data, moved towards the centre on a straight line.

    Which rows are nearer than others is the same there, and not yet a matter of rounding. Also how
    many times each was halved.
    """
    halvings = np.zeros(len(Q), dtype=np.int64)
    for _ in range(8):
        with np.errstate(over="ignore", invalid="ignore"):
            size = np.abs(frame.map(Q)).max(axis=1)
        if (size <= 2.0**QUERY_RADII).all():
            break
        less = np.where(np.isfinite(size), np.maximum(np.frexp(size)[1] - QUERY_RADII, 0), 300)
        halvings += less.astype(np.int64)
        less = less.astype(np.int32)[:, None]
        Q = np.where(less > 0, np.ldexp(Q, -less) - np.ldexp(frame.shift, -less) + frame.shift, Q)
    return Q, halvings


def weigh_in_batches(
    kernel: Callable[[int, int, StopFlag], WeightEntries],
    shape: tuple[int, int],
    work: float,
    progress: Progress | None,
) -> csr_array:
    """Weights of all queries, by a kernel that answers queries `first` to `last`.

    `work` is how many numbers are read for one query.
    """
    m, each = shape[0], int(np.clip(BATCH_WORK / work, 1, 4096))
    starts = range(0, m, each)
    nothing: WeightEntries = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    parts, completed, lock = [nothing] * len(starts), [0], Lock()

    def weigh_part(number: int, stop: StopFlag) -> None:
        if stop.is_set():
            return
        first, last = starts[number], min(starts[number] + each, m)
        parts[number] = kernel(first, last, stop)
        if progress is not None:
            with lock:
                completed[0] += last - first
                progress(completed[0], m, "queries")

    # a thread of its own even on one processor: a kernel would not hear of Ctrl-C
    run_in_threads(
        weigh_part, range(len(starts)), 1 if m * work < BATCH_WORK / 8 else max(2, cpu_count())
    )
    return join_weights(parts, shape[1])


def join_weights(parts: list[WeightEntries], n: int) -> csr_array:
    """Entries of successive queries as one matrix (m, n)."""
    if not parts:
        return csr_array((0, n))
    counts, columns, values = (np.concatenate(part) for part in zip(*parts))
    ends = np.concatenate([[0], np.cumsum(counts)])
    W = csr_array((values, columns, ends), shape=(len(counts), n))
    W.sort_indices()
    return W
