"""Training rows that belong together: groups that are left out whole, and blocks of time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._core.types import Floats, Indices, Mask, Objects
from ..errors import DataError
from ..io.mixed_column import ColumnKind
from ..io.mixed_table import MixedTable

MAX_GROUPS_LEFT_OUT = 200  # with twice as many, the units come from the other groups
MIN_ROWS_OF_A_GROUP = 20  # left out of each group, at least, where it has as many
GROUPS_FOR_BEYOND = 20  # with fewer, the one group that a new row comes from exceeds 5 %
TIME_BLOCKS = 10  # after the first half of the rows, each against all that came before


@dataclass(frozen=True, eq=False)
class RowBlocks:
    """The block of each training row.

    Attributes
    ----------
    column : str
        The column of the table that says it.
    codes : (n,) int
        The block of each row, from 0.
    names : (B,) object
        What each block is called.
    kind : ColumnKind
        What the column's cells are, so that 3, 3.0 and "3" are one group.
    forward : bool
        Whether blocks follow one another in time: a block is then compared with earlier ones only.
    """

    column: str
    codes: Indices
    names: Objects
    kind: ColumnKind
    forward: bool = False

    def __len__(self) -> int:
        return len(self.names)

    def to_json(self) -> dict[str, Any]:
        """What is no array of it, as JSON."""
        return {"column": self.column, "kind": self.kind.value, "forward": self.forward}

    def take(self, rows: Indices) -> RowBlocks:
        """Those of some rows; all blocks keep their numbers."""
        return replace(self, codes=self.codes[rows])


@dataclass(frozen=True, eq=False)
class GroupedRows:
    """The group of each new row.

    Attributes
    ----------
    column : str
    codes : (m,) int
        From 0.
    names : (M,) object
    known : (M,) bool
        Groups that training rows belong to as well: these are no new groups.
    """

    column: str
    codes: Indices
    names: Objects
    known: Mask

    def take(self, rows: Indices) -> GroupedRows:
        """Those of some rows."""
        return replace(self, codes=self.codes[rows])


def group_names(
    table: MixedTable, column: str, kind: ColumnKind, row_text: str
) -> tuple[Indices, Objects]:
    """(m,) the number of each row's group, and their names; an empty cell is a group of its own."""
    import pyarrow.compute as pc

    labels = pc.dictionary_encode(table.column(column).labels(kind))
    codes = np.array(labels.indices.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.intp)
    names = labels.dictionary.to_pylist()
    empty = np.flatnonzero(codes < 0)
    codes[empty] = len(names) + np.arange(len(empty))
    called = [*names, *(f"(empty, {row_text} {row})" for row in empty.tolist())]
    return codes, np.array(called, dtype=object)


def groups_of_training_rows(table: MixedTable, column: str) -> tuple[RowBlocks, tuple[str, ...]]:
    """The groups of the training rows, and notes on what they allow.

    Raises
    ------
    DataError
        All rows are of one group.
    """
    kind = table.column(column).kind
    codes, names = group_names(table, column, kind, "training row")
    n_groups = len(names)
    if n_groups < 2:
        raise DataError(
            f"{table.source}: all rows are of one group ({column!r}): none can be left out "
            "whole. Do not declare it a group."
        )
    notes = []
    if n_groups < GROUPS_FOR_BEYOND:
        notes.append(
            f"{n_groups} groups ({column}): no row is 'beyond', as that takes "
            f"{GROUPS_FOR_BEYOND}; a row of a new group is 'far' in at most 1 of {n_groups + 1} "
            "cases by chance"
        )
    if n_groups >= 2 * MAX_GROUPS_LEFT_OUT:
        notes.append(
            f"{MAX_GROUPS_LEFT_OUT} of {n_groups:,} groups ({column}), a seeded sample, are left "
            "out whole, and the units come from the others"
        )
    n_empty = int(table.column(column).empty.sum())
    if n_empty:
        notes.append(f"{column} is empty in {n_empty:,} rows: each is a group of its own")
    return RowBlocks(column, codes, names, kind), tuple(notes)


def groups_of_new_rows(
    table: MixedTable, groups: RowBlocks
) -> tuple[GroupedRows | None, tuple[str, ...]]:
    """The groups of a table of new rows, and notes.

    Without the column of groups one row is a group, and of several it is not known.
    """
    if groups.column not in table.names:
        if table.n == 1:
            alone = np.zeros(1, dtype=np.intp)
            return GroupedRows(groups.column, alone, np.array(["(new)"], object), alone > 0), ()
        return None, (
            f"there is no column {groups.column!r}: which new rows belong together is not known, "
            "so no chance is computed; bands hold for each row",
        )
    codes, names = group_names(table, groups.column, groups.kind, "row")
    of_training = set(groups.names.tolist())
    known = np.array([name in of_training for name in names], dtype=bool)
    notes = []
    if known.any():
        notes.append(
            f"{int(known.sum()):,} of {len(names):,} groups ({groups.column}) are in the training "
            "rows too: these are no new groups, and no chance is computed for them"
        )
    return GroupedRows(groups.column, codes, names, known), tuple(notes)


def blocks_of_training_times(
    table: MixedTable, column: str, rows: Indices
) -> tuple[RowBlocks, tuple[str, ...]]:
    """Blocks of these rows by a column of dates or numbers, and notes on what they mean.

    Raises
    ------
    DataError
        A cell is empty, or is neither a date nor a number.
    """
    cells = table.column(column)
    times = cells.days() if cells.kind is ColumnKind.TIME else cells.numbers()
    empty = rows[np.isnan(times[rows])]
    if len(empty):
        raise DataError(
            f"{cells.place(int(empty[0]))}, column {column!r} is empty: every training row needs "
            "its time, by which earlier rows are told from later ones."
        )
    blocks = blocks_of_time(times[rows], column, cells.kind)
    if len(blocks) < 2:
        raise DataError(f"{table.source}: all rows are of one time ({column!r}): none is later.")
    return blocks, (
        f"{column}: rows of {len(blocks) - 1} later blocks are compared with the rows before them. "
        "That replays what happened; no theorem says what will: there is no chance()",
    )


def blocks_of_time(times: Floats, column: str, kind: ColumnKind) -> RowBlocks:
    """The first half of the rows as block 0, then blocks of equal size, each later than the last.

    Equal times are in one block.
    """
    order = np.argsort(times, kind="stable")
    rank = np.searchsorted(times[order], times, side="left")
    half = (len(times) + 1) // 2
    size = max(1.0, (len(times) - half) / TIME_BLOCKS)
    codes = np.where(rank < half, 0, 1 + np.floor((rank - half) / size)).astype(np.intp)
    codes = np.unique(np.minimum(codes, TIME_BLOCKS), return_inverse=True)[1]
    names = np.array([f"block {b}" for b in range(int(codes.max()) + 1)], dtype=object)
    return RowBlocks(column, codes.ravel(), names, kind, forward=True)


def left_out_groups(codes: Indices) -> Indices:
    """The groups that may be left out: all, or a seeded sample where the others can give units."""
    groups = np.unique(codes)
    if len(groups) < 2 * MAX_GROUPS_LEFT_OUT:
        return groups
    chosen = np.random.default_rng(0).permutation(groups)[:MAX_GROUPS_LEFT_OUT]
    return np.sort(chosen)


def sample_of_groups(codes: Indices, reference: int) -> Mask:
    """(r,) which of these rows are measured: some of each group, drawn without looking.

    As many of each as make `reference` rows in all, and at least 20 where a group has them.
    """
    groups, own, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    most = max(MIN_ROWS_OF_A_GROUP, reference // max(1, len(groups)))
    measured = np.ones(len(codes), dtype=bool)
    rng = np.random.default_rng(0)
    for group in np.flatnonzero(sizes > most):
        members = np.flatnonzero(own == group)
        measured[rng.permutation(members)[most:]] = False
    return measured
