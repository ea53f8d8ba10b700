"""The training rows of one segment: which of them may be left out, and in which units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Indices, Mask
from ..geometry.bands import Reference
from ..table.columns import LevelColumn
from .gap_patterns import (
    FEWEST_ALIKE,
    LearntUnits,
    left_out_pool,
    reference_of_rare_gaps,
    rows_of_rare_gaps,
)
from .row_blocks import RowBlocks

if TYPE_CHECKING:
    from .fitted_table import FittedTable


@dataclass(frozen=True, eq=False)
class RowSubset:
    """Some training rows as a table of their own; without segments, all of them.

    Masks and rows of its own count from 0 within the subset; `rows` says which they are.

    Attributes
    ----------
    table : FittedTable
    rows : (s,) int
    segment : int
    """

    table: FittedTable
    rows: Indices
    segment: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def is_whole(self) -> bool:
        """Whether these are all training rows."""
        return len(self.rows) == len(self.table)

    @cached_property
    def filled(self) -> Mask:
        """(s, C) which columns each row has."""
        return self.table.filled if self.is_whole else self.table.filled[self.rows]

    @cached_property
    def blocks(self) -> RowBlocks | None:
        """The blocks that are left out whole, if rows are not left out one by one."""
        return None if self.table.blocks is None else self.table.blocks.take(self.rows)

    @cached_property
    def pool(self) -> Indices:
        """The rows that may be left out."""
        if not self.table.reference:
            return self.rows[:0]
        if self.table.directions is not None and not self.is_whole:
            # the directions were learnt from rows of all segments
            return np.flatnonzero(np.isin(self.rows, self.table.every_row.pool))
        return left_out_pool(self.filled, self.table.reference, self.blocks)

    @cached_property
    def units(self) -> LearntUnits:
        """The weights of the coordinates."""
        table = self.table
        values = table.values if self.is_whole else table.values[self.rows]
        return LearntUnits.learn(values, table.coordinates, table.metric, self.pool, self.blocks)

    @cached_property
    def alone_with_a_level(self) -> Mask:
        """(s,) rows that alone hold a level: the counterparts of new rows that are far by name.

        Alone, or with no one but their group; in blocks of time with no row of an earlier block.
        """
        alone = np.zeros(len(self), dtype=bool)
        for j, column in enumerate(self.table.coordinates.columns):
            if not isinstance(column, LevelColumn) or not column.width:
                continue
            if self.blocks is None and self.is_whole and 1 not in column.counts:
                continue
            block = self.table.values[self.rows, self.table.coordinates.coordinates_of(j)]
            filled = np.flatnonzero(self.filled[:, j])
            alone[filled] |= self._alone(column.level_numbers(block[filled]), filled)
        return alone

    @cached_property
    def unseen_rate(self) -> float:
        """Share of honest rows, or groups, with some level never seen (Good 1953).

        As `Coordinates.unseen_rate`; of groups, with the levels that one group alone holds.
        """
        coordinates = self.table.coordinates
        if self.blocks is None and self.is_whole:
            return coordinates.unseen_rate(len(self))
        n_alone = n_columns = 0
        for j, column in enumerate(coordinates.columns):
            if not isinstance(column, LevelColumn):
                continue
            n_columns += 1
            if column.width:
                rows = np.flatnonzero(self.filled[:, j])
                block = self.table.values[self.rows[rows], coordinates.coordinates_of(j)]
                level = column.level_numbers(block)
                n_alone += len(np.unique(level[self._alone(level, rows)]))
        n_units = len(self) if self.blocks is None else len(np.unique(self.blocks.codes))
        return (n_alone + 1) / (n_units + 1) if n_columns else 0.0

    @cached_property
    def may_leave(self) -> Mask:
        """(s,) rows of the pool but those that alone hold a level."""
        may_leave = ~self.alone_with_a_level
        may_leave[np.setdiff1d(np.arange(len(self)), self.pool)] = False
        return may_leave

    @property
    def leaves_groups_out(self) -> bool:
        """Whether whole groups are left out."""
        return self.blocks is not None and not self.blocks.forward

    def n_left_out(self, rows: Indices) -> int:
        """How many of these rows there are to compare with, or groups of them."""
        if self.blocks is None or self.blocks.forward:
            return len(rows)
        return len(np.unique(self.blocks.codes[rows]))

    @cached_property
    def fewest_alike(self) -> int:
        """How many of them are enough."""
        return (
            min(FEWEST_ALIKE, self.n_left_out(self.pool))
            if self.leaves_groups_out
            else FEWEST_ALIKE
        )

    @cached_property
    def rare_rows(self) -> Indices:
        """Rows with gaps that too few have, which are left out for one another."""
        return rows_of_rare_gaps(self)

    @cached_property
    def rare_reference(self) -> Reference:
        """Those, each left out in the columns that it has."""
        return reference_of_rare_gaps(self)

    def _alone(self, level: Indices, rows: Indices) -> Mask:
        """Which of these rows hold a level that no row outside their block holds."""
        n_levels = int(level.max(initial=-1)) + 1
        if self.blocks is None:
            return np.asarray(np.bincount(level, minlength=n_levels)[level] == 1)
        codes = self.blocks.codes[rows]
        first, last = np.full(n_levels, codes.max(initial=0)), np.zeros(n_levels, dtype=np.intp)
        np.minimum.at(first, level, codes)
        np.maximum.at(last, level, codes)
        if self.blocks.forward:
            return np.asarray(codes == first[level])
        return np.asarray(first[level] == last[level])
