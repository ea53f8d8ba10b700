"""The scores of rows for directions, block by block, on a few threads, and what is kept of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .._core.numba import jit
from .._core.threads import StopFlag, cpu_count, run_in_threads, single_threaded_blas
from .._core.types import Array, Floats, Indices
from .scaled_view import ScaledView

BLOCK_ROWS = 1024  # rows of data in one product
BLOCK_DIRECTIONS = 1024  # directions in one product
MIN_THREADED_PRODUCTS = 1 << 24  # products of less than this are not worth a second thread
GroupSpans = list[tuple[int, int, int]]  # groups of rows: number, first row, end


class ScoreBlock(Protocol):
    """The scores of a block of rows for some directions, where they were computed."""

    @property
    def width(self) -> int:
        """How many rows."""

    def hide(self, directions: Indices, rows: Indices) -> None:
        """Take single scores out."""

    def best(self) -> tuple[Indices, Array]:
        """The first best row of each direction, and its score."""

    def above(self, threshold: Floats) -> tuple[Indices, Indices]:
        """Directions and rows of the scores that reach their direction's level."""

    def insert(self, start: int, values: Floats, rows: Indices) -> None:
        """Merge into sorted lists of the best; the first row of the block is number `start`."""


@dataclass(frozen=True, eq=False)
class ArrayScoreBlock:
    """A block of scores: the first `width` columns of the first `count` rows of an array."""

    buffer: Array
    count: int
    width: int

    @property
    def S(self) -> Array:
        """(directions, rows)."""
        return self.buffer[: self.count, : self.width]

    def hide(self, directions: Indices, rows: Indices) -> None:
        self.S[directions, rows] = -np.inf

    def best(self) -> tuple[Indices, Array]:
        arg = self.S.argmax(axis=1)
        return arg, np.take_along_axis(self.S, arg[:, None], axis=1)[:, 0]

    def above(self, threshold: Floats) -> tuple[Indices, Indices]:
        which, row = np.nonzero(threshold[:, None] <= self.S)
        return which, row

    def insert(self, start: int, values: Floats, rows: Indices) -> None:
        if self.buffer.dtype == np.float64:
            merge_top(self.buffer, self.width, start, values, rows)
            return
        # the kernel is compiled for one type; few of the later blocks hold a row that is kept
        improved = np.flatnonzero(self.S.max(axis=1) > values[:, -1])
        own_values, own_rows = values[improved], rows[improved]
        merge_top(self.S[improved].astype(np.float64), self.width, start, own_values, own_rows)
        values[improved], rows[improved] = own_values, own_rows


def scan_scores(
    view: ScaledView,
    directions: Array,
    spans: GroupSpans,
    block: int,
    single: bool,
    consume: Callable[[int, int, slice, ScoreBlock], None],
    h: float = 0.0,
) -> None:
    """Hand the scores of every block to `consume(group, start, directions, scores)`.

    A group is a span of rows; its blocks come in order and from one thread only, so a consumer
    that writes to its own group needs no lock.
    """
    count = len(directions)
    if not count:
        return
    folded = view.folds_matrix(count, h)

    def one_group(item: tuple[int, int, int], stop: StopFlag) -> None:
        group, first, last = item
        shape = (min(BLOCK_DIRECTIONS, count), block + -block % 64)
        buffer = np.zeros(shape, dtype=directions.dtype)
        for start in range(first, last, block):
            Z = view.block(start, min(start + block, last), single, folded)
            # equal rows get equal scores only where the product treats them alike: no ragged end
            padded = np.pad(Z, ((0, -len(Z) % 64), (0, 0))) if len(Z) % 64 else Z
            weight = h * np.einsum("ij,ij->i", Z, Z) if h else None
            for low in range(0, count, BLOCK_DIRECTIONS):
                if stop.is_set():
                    return
                at = slice(low, min(low + BLOCK_DIRECTIONS, count))
                part = directions[at]
                S = buffer[: len(part), : len(padded)]
                np.matmul(part, padded.T, out=S)
                scores = ArrayScoreBlock(buffer, len(part), len(Z))
                if weight is not None:
                    scores.S[:] -= weight
                consume(group, start, at, scores)

    if view.in_memory:
        _ = view.scaled_rows  # made once, before the threads ask for it
    # a thread costs more to start than a small product takes
    threads = cpu_count() if view.n * view.rank * count > MIN_THREADED_PRODUCTS else 1
    with single_threaded_blas():
        run_in_threads(one_group, spans, threads)


@jit
def merge_top(S: Any, width: int, start: int, values: Any, rows: Any) -> None:
    """Insert the first `width` scores for each direction into sorted lists of the best k.

    Ties keep the earlier row; that of the first score is `start`.
    """
    k = values.shape[1]
    for b in range(values.shape[0]):
        threshold = values[b, k - 1]
        for j in range(width):
            score = S[b, j]
            if score > threshold:
                at = k - 1
                while at > 0 and values[b, at - 1] < score:
                    values[b, at] = values[b, at - 1]
                    rows[b, at] = rows[b, at - 1]
                    at -= 1
                values[b, at] = score
                rows[b, at] = start + j
                threshold = values[b, k - 1]
