"""Which rows a query's hull shall not have: one row, or a whole block of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .._core.types import Indices, Mask


@dataclass(frozen=True, eq=False)
class BlockExclusion:
    """For each query a block of rows: a group that is left out whole, or all from a time on.

    Attributes
    ----------
    blocks : (n,) int
        The block of each row.
    own : (m,) int
        The block of each query.
    later : bool
        Whether rows of later blocks (larger numbers) are left out too.
    """

    blocks: Indices
    own: Indices
    later: bool = False

    def __len__(self) -> int:
        return len(self.own)

    def __getitem__(self, queries: slice | Indices | Mask) -> BlockExclusion:
        return replace(self, own=self.own[queries])

    def among(self, rows: Indices) -> BlockExclusion:
        """The same where only these rows are looked at, numbered from 0."""
        return replace(self, blocks=self.blocks[rows])

    def mask(self, start: int, stop: int) -> Mask:
        """(m, stop - start) which of these rows each query's hull shall not have."""
        blocks, own = self.blocks[None, start:stop], self.own[:, None]
        return np.asarray(blocks >= own if self.later else blocks == own)

    def n_others(self) -> Indices:
        """(m,) how many rows remain for each query."""
        counts = np.bincount(self.blocks, minlength=int(self.own.max(initial=0)) + 1)
        before = np.cumsum(counts) - counts
        return np.asarray((before if self.later else len(self.blocks) - counts)[self.own])


Exclusion = Indices | BlockExclusion


def excluded_scores(exclude: Exclusion, start: int, width: int) -> tuple[Indices, Indices]:
    """Queries and places, among `width` rows from `start` on, of what shall not be looked at."""
    if isinstance(exclude, BlockExclusion):
        queries, places = np.nonzero(exclude.mask(start, start + width))
        return queries, places
    column = exclude - start
    hit = np.flatnonzero((column >= 0) & (column < width))
    return hit, column[hit]
