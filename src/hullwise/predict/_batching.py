"""What the methods of near rows share: rows and queries in one frame, and batches of queries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from .._core.numba import jit
from .._core.threads import StopFlag, cpu_count, run_in_threads
from .._core.types import Floats, Indices, Progress
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ..geometry.qr_update import dot
from ..geometry.scaling import Frame

FAR = 40  # a query farther than 2**FAR radii of the data is moved in: rounding would hide the rows
TINY = 1e-200  # of a squared distance: differences are enlarged first
ENLARGE = 2.0**500
STEP = 1 << 26  # numbers read by one task: about a twentieth of a second
Batch = tuple[Indices, Indices, Floats]  # entries of each query, their columns, their values


@dataclass(frozen=True, eq=False)
class Scene:
    """Rows (n, r) and queries (m, r) in coordinates in which the metric is Euclidean.

    Distances of at most `floor` are rounding: a matrix metric maps rows that it cannot tell
    apart to nearly one place, any other metric to exactly one.
    """

    rows: Floats
    queries: Floats
    floor: float
    frame: Frame

    @property
    def arrays(self) -> tuple[Floats, Floats, float]:
        """What a kernel needs."""
        return self.rows, self.queries, self.floor


def scene(cloud: Cloud, Q: Floats, metric: Metric) -> Scene:
    """A cloud and queries Q (m, d) in the cloud's frame of the metric."""
    view = cloud.view_in(metric)
    frame = view.frame
    if frame.matrix is None:
        frame, rows = cloud.cached(("rows", id(metric)), lambda: (metric, _plain(cloud, frame)))[1]
        return Scene(rows, mapped_alone(frame, Q), 0.0, frame)
    rounding = 4 * float(np.linalg.norm(view.rounding_bound(np.eye(view.rank), False)))
    return Scene(view.scaled_rows, mapped_alone(frame, Q), rounding, frame)


def _plain(cloud: Cloud, frame: Frame) -> tuple[Frame, Floats]:
    """The frame about a centre with few digits, and all rows in it.

    A mean of many digits would round what is whole, and rows that are equally far with it.
    """
    width = (cloud.maximum / 2 - cloud.minimum / 2) * frame.prescale
    step = np.ldexp(1.0, np.maximum(np.frexp(width)[1] - 4, -1000))
    shift = np.rint(frame.shift * frame.prescale / step) * step / frame.prescale
    frame = replace(frame, shift=np.where(width > 0, shift, cloud.minimum))
    return frame, np.ascontiguousarray(frame.map(cloud.rows.block(0, cloud.n)))


def mapped_alone(frame: Frame, Q: Floats) -> Floats:
    """Queries Q (m, d) in a frame, each with the same bits whatever the others are."""
    Q = within_reach(frame, Q)
    if frame.matrix is None:
        return frame.map(Q)
    plain = replace(frame, matrix=None).map(Q)
    return np.asarray(mapped(plain, np.ascontiguousarray(frame.matrix)))


def within_reach(frame: Frame, Q: Floats) -> Floats:
    """Queries beyond 2**FAR radii of the data, moved towards the centre along a straight line.

    Which rows are nearer than others is the same there, and not yet a matter of rounding.
    """
    for _ in range(8):
        with np.errstate(over="ignore", invalid="ignore"):
            size = np.abs(frame.map(Q)).max(axis=1)
        if (size <= 2.0**FAR).all():
            break
        less = np.where(np.isfinite(size), np.maximum(np.frexp(size)[1] - FAR, 0), 300)
        less = less.astype(np.int32)[:, None]
        Q = np.where(less > 0, np.ldexp(Q, -less) - np.ldexp(frame.shift, -less) + frame.shift, Q)
    return Q


@jit
def mapped(Z: Any, matrix: Any) -> Any:
    """Z @ matrix, each row by itself: the same bits whatever the other rows are."""
    out = np.zeros((Z.shape[0], matrix.shape[1]))
    for b in range(Z.shape[0]):
        for j in range(Z.shape[1]):
            for k in range(matrix.shape[1]):
                out[b, k] += Z[b, j] * matrix[j, k]
    return out


@jit
def differences(Z: Any, q: Any, Y: Any, square: Any) -> float:
    """Y = (Z - q) s and its squared lengths; s is 1, or ENLARGE where squares would vanish."""
    n, r = Z.shape
    s = 1.0
    while True:
        least = np.inf
        for i in range(n):
            y = Y[i]
            for k in range(r):
                y[k] = (Z[i, k] - q[k]) * s
            square[i] = dot(y, y, r)
            least = min(least, square[i])
        if least >= TINY or s > 1.0:
            return s
        s = ENLARGE


@jit
def nearest_few(square: Any, k: int, rows: Any) -> None:
    """The k least entries of `square`, least first, equal ones by lowest row, into `rows`."""
    found = 0
    for i in range(square.shape[0]):
        if found == k and not square[i] < square[rows[k - 1]]:
            continue
        at = min(found, k - 1)
        while at > 0 and square[rows[at - 1]] > square[i]:
            rows[at] = rows[at - 1]
            at -= 1
        rows[at] = i
        found = min(found + 1, k)


@jit
def extended(rows: Any, values: Any, more: int) -> Any:
    """The two arrays with room for `more` entries at least, and at least twice as many."""
    size = max(2 * rows.shape[0], rows.shape[0] + more)
    new_rows, new_values = np.empty(size, np.int64), np.empty(size)
    new_rows[: rows.shape[0]] = rows
    new_values[: rows.shape[0]] = values
    return new_rows, new_values


def in_batches(
    kernel: Callable[[int, int, StopFlag], Batch],
    shape: tuple[int, int],
    work: float,
    progress: Progress | None,
) -> csr_array:
    """Weights of all queries, by a kernel that answers queries `start` to `stop`.

    `work` is how many numbers are read for one query.
    """
    m, each = shape[0], int(np.clip(STEP / work, 1, 4096))
    starts = range(0, m, each)
    parts: list[Batch] = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))] * len(starts)
    done, lock = [0], Lock()

    def some(number: int, stop: StopFlag) -> None:
        if stop.is_set():
            return
        first, last = starts[number], min(starts[number] + each, m)
        parts[number] = kernel(first, last, stop)
        if progress is not None:
            with lock:
                done[0] += last - first
                progress(done[0], m, "queries")

    # a thread of its own even on one processor: a kernel would not hear of Ctrl-C
    run_in_threads(some, range(len(starts)), 1 if m * work < STEP / 8 else max(2, cpu_count()))
    if not parts:
        return csr_array(shape)
    counts, columns, values = (np.concatenate(part) for part in zip(*parts))
    W = csr_array((values, columns, np.concatenate([[0], np.cumsum(counts)])), shape=shape)
    W.sort_indices()
    return W
