"""The complete rows of a table as points, in the coordinates and the units of a domain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.types import Floats, Mask
from ..errors import DataError
from ..io.mixed_table import MixedTable
from ..table.columns import LevelColumn
from .encoded_tables import encode_table
from .fitted_table import FittedTable


@dataclass(frozen=True, eq=False)
class CompleteRows:
    """The rows of a table that have every column, with levels that training rows have.

    Attributes
    ----------
    values : (k, D) float64
        Their coordinates.
    mask : (m,) bool
        Which rows of the table they are.
    gaps, unseen : dict of int to str
        The other rows: the columns that are empty or cannot be read, or the level never seen.
    """

    values: Floats
    mask: Mask
    gaps: dict[int, str]
    unseen: dict[int, str]


def complete_rows(fitted: FittedTable, table: MixedTable) -> CompleteRows:
    """The rows of a table as points, and why the others are none.

    Raises
    ------
    DataError
        A column is missing.

    Notes
    -----
    O(m D) time and memory.
    """
    encoded = encode_table(fitted, table.tolerant())
    columns = fitted.coordinates.columns
    gaps, unseen = dict(encoded.unusable), {}
    empty = fitted.coordinates.located_by & ~fitted.coordinates.filled(encoded.values)
    empty &= ~encoded.unseen
    for row in np.flatnonzero(empty.any(axis=1)).tolist():
        names = dict.fromkeys(columns[j].name for j in np.flatnonzero(empty[row]))
        gaps.setdefault(row, f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} empty")
    for row in np.flatnonzero(encoded.unseen.any(axis=1)).tolist():
        if row not in gaps:
            column = columns[int(np.flatnonzero(encoded.unseen[row])[0])]
            assert isinstance(column, LevelColumn)  # numbers have no levels
            level = table.column(column.source).labels(column.kind)[row].as_py()
            unseen[row] = f"{column.name} {level!r} was never seen in {len(fitted):,} training rows"
    mask = np.ones(table.n, dtype=bool)
    mask[[*gaps, *unseen]] = False
    return CompleteRows(encoded.values[mask], mask, gaps, unseen)


def complete_training_rows(fitted: FittedTable) -> Floats:
    """The training rows (n, D) of a domain, none of which may have gaps.

    Raises
    ------
    DataError
        Some have.
    """
    incomplete = ~fitted.filled.all(axis=1)
    if incomplete.any():
        row = int(np.argmax(incomplete))
        names = [
            c.name for c, there in zip(fitted.coordinates.columns, fitted.filled[row]) if not there
        ]
        raise DataError(
            f"{int(incomplete.sum()):,} of {len(fitted):,} training rows have gaps, the "
            f"first in row {row} (counted from 0): {', '.join(names)}. Nothing is filled in for "
            "you: leave out these rows or columns."
        )
    return fitted.values
