"""A pass over rows in memory, the longest first: it ends where no other row can reach the best.

A row z has <u, z> <= |u| |z|. With the rows in the order of their lengths, a direction that has
found a score as large as the length of all rows to come has its best; in a cloud of 20 features
that is after about half of them, and most rows that bound its hull are among the first quarter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.rounding import UNIT_ROUNDOFF
from .._core.threads import StopFlag, cpu_count, run_in_threads, single_threaded_blas
from .._core.types import Floats, Indices
from .block_floats import row_norms

LONGEST_FIRST_ROWS = 1 << 14  # of a smaller cloud a pass looks at every row
LENGTH_BLOCK_ROWS = 1024
DIRECTIONS_TOGETHER = 512


@dataclass(frozen=True, eq=False)
class RowsByLength:
    """The rows of a view in blocks by their lengths, longest first; within a block by number.

    Attributes
    ----------
    order : (n,) int
        Their numbers.
    Z : (n, r)
    length : (b,)
        Of each block of 1024 rows the largest length, and no less than any row's.
    """

    order: Indices
    Z: Floats
    length: Floats

    @classmethod
    def of(cls, Z: Floats) -> RowsByLength:
        lengths = row_norms(Z) * (1 + 4 * UNIT_ROUNDOFF)
        order = np.argsort(-lengths, kind="stable")
        longest = lengths[order[::LENGTH_BLOCK_ROWS]]
        for start in range(0, len(order), LENGTH_BLOCK_ROWS):
            order[start : start + LENGTH_BLOCK_ROWS].sort()
        return cls(order, np.ascontiguousarray(Z[order]), longest)

    def group_ends(self, n_groups: int) -> Indices:
        """(groups,) the blocks before which groups end: short ones of the longest rows."""
        n_blocks = len(self.length)
        edges = n_blocks * np.linspace(0, 1, min(n_groups, n_blocks) + 1) ** 1.5
        return np.unique(np.maximum(np.ceil(edges), np.arange(len(edges))))[1:].astype(np.intp)


def best_by_length(rows: RowsByLength, U: Floats, n_groups: int) -> tuple[Indices, Floats]:
    """The best row of each group of rows and its score, (B, groups) both.

    -inf where no row of a group can be the best of all. O(B n r), half of it where it ends early.
    """
    ends = rows.group_ends(n_groups)
    winners = np.zeros((len(U), len(ends)), dtype=np.intp)
    scores = np.full((len(U), len(ends)), -np.inf)
    size = min(DIRECTIONS_TOGETHER, max(64, -(-len(U) // cpu_count())))

    def some_directions(start: int, stop: StopFlag) -> None:
        at = slice(start, start + size)
        _best_of_some(rows, U[at], ends, winners[at], scores[at], stop)

    with single_threaded_blas():
        run_in_threads(some_directions, range(0, len(U), size), cpu_count())
    return winners, scores


def _best_of_some(
    rows: RowsByLength, U: Floats, ends: Indices, winners: Indices, scores: Floats, stop: StopFlag
) -> None:
    n, open_ = len(rows.Z), np.arange(len(U))
    reach = row_norms(U) * (1 + 4 * UNIT_ROUNDOFF)
    best = np.full(len(U), -np.inf)
    buffer = np.empty((len(U), LENGTH_BLOCK_ROWS))
    group, directions = 0, U
    for block, start in enumerate(range(0, n, LENGTH_BLOCK_ROWS)):
        group += block == ends[group]
        still = best[open_] <= rows.length[block] * reach[open_]
        if not still.any() or stop.is_set():
            return
        if still.sum() < 0.9 * len(still):
            open_ = open_[still]
            directions = np.ascontiguousarray(U[open_])
        Z = rows.Z[start : start + LENGTH_BLOCK_ROWS]
        # equal rows get equal scores only where the product treats them alike: no ragged end
        padded = np.pad(Z, ((0, -len(Z) % 64), (0, 0))) if len(Z) % 64 else Z
        S = buffer[: len(open_), : len(padded)]
        np.matmul(directions, padded.T, out=S)
        S = S[:, : len(Z)]
        first = S.argmax(axis=1)
        value = S[np.arange(len(open_)), first]
        row = rows.order[start + first]
        before = scores[open_, group]
        better = (value > before) | ((value == before) & (row < winners[open_, group]))
        improved = open_[better]
        winners[improved, group] = row[better]
        scores[improved, group] = value[better]
        best[open_] = np.maximum(best[open_], value)
