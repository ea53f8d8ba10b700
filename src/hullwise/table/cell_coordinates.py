"""The coordinates of a single cell, without a table: the same bits as those of a column of it."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from .._core.types import Floats
from ..io.mixed_column import ColumnKind, number_label
from .columns import CategoryColumn, Column, LevelColumn, LogColumn, NumberColumn, PeriodicColumn

LARGEST_WHOLE = 1 << 53  # integers below it are float64 numbers


def encode_cell(column: Column, cell: Any, out: Floats) -> bool:
    """Write the coordinates of a cell of plain Python to out (1, width).

    False where it is none of the kinds that need no reading: text of numbers, dates, a level never
    seen, what no column may hold. Then out holds nothing, and the column has to be read.
    """
    if isinstance(column, LevelColumn):
        return _encode_level(column, cell, out)
    value = _number(cell)
    if value is None:
        return False
    if isinstance(column, NumberColumn):
        out[0, 0] = value
        return True
    if (isinstance(column, LogColumn) and not value <= 0) or (
        isinstance(column, PeriodicColumn) and not column.part
    ):
        out[:] = column.coordinates(np.array([value]))
        return True
    return False


def _number(cell: Any) -> float | None:
    """A number as float64, NaN for a gap; None for what is neither."""
    if cell is None:
        return float("nan")
    if type(cell) is float and isfinite(cell):
        return cell
    return float(cell) if type(cell) is int and -LARGEST_WHOLE < cell < LARGEST_WHOLE else None


def _encode_level(column: LevelColumn, cell: Any, out: Floats) -> bool:
    label = _label(column, cell)
    place = -1 if label is None else column.place_of_level.get(label, -1)
    if place < 0 and (cell is not None or column.gap_is_level):
        return False
    if isinstance(column, CategoryColumn):
        out[0] = np.nan if place < 0 else column.vertices[place]
    elif column.width:
        out[0, 0] = np.nan if place < 0 else place
    return True


def _label(column: LevelColumn, cell: Any) -> str | None:
    """The cell as a label of the column, None for a gap and for what has to be read."""
    if cell is None:
        return column.GAP if column.gap_is_level else None
    if column.kind is ColumnKind.TEXT and type(cell) is str:
        return cell
    if column.kind is ColumnKind.BOOLEAN and type(cell) is bool:
        return str(cell)
    value = _number(cell) if column.kind is ColumnKind.NUMBER else None
    return None if value is None else number_label(value)
