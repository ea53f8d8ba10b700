"""Coordinates as the cell of a table that has them: what a column's coordinates are in words."""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from .._core.types import Floats
from .columns import (
    CategoryColumn,
    Column,
    DateColumn,
    LogColumn,
    NumberColumn,
    OrderedColumn,
    PeriodicColumn,
)

WHOLE_RANK = 0.05  # ranks this near to a whole one are shown as its level


@singledispatch
def cell_text(column: Column, coordinates: Floats, digits: int = 4) -> str:
    """The cell that has these (width,) coordinates, with so many digits where it is a number.

    Of a mixture of categories it is the level with the largest share, of one of ordered levels the
    two levels between which it lies.

    Examples
    --------
    >>> import numpy as np
    >>> from hullwise.table.columns import NumberColumn, OrderedColumn
    >>> cell_text(NumberColumn("age", "age", "declared"), np.array([36.25]))
    '36.25'
    >>> size = OrderedColumn("size", "size", "declared", ("small", "middle", "large"), (1, 1, 1))
    >>> cell_text(size, np.array([2.0])), cell_text(size, np.array([0.4]))
    ('large', 'between small and middle')
    """
    return f"{float(coordinates[0]):.{digits}g}" if len(coordinates) else ""


@cell_text.register
def _(column: NumberColumn, coordinates: Floats, digits: int = 4) -> str:
    value = float(coordinates[0])
    if column.whole and value == np.rint(value) and abs(value) < 1e15:
        return f"{int(value)}"
    return f"{value:.{digits}g}"


@cell_text.register
def _(column: LogColumn, coordinates: Floats, digits: int = 4) -> str:
    return f"{10.0 ** float(coordinates[0]):.{digits}g}"


@cell_text.register
def _(column: OrderedColumn, coordinates: Floats, digits: int = 4) -> str:
    rank, last = float(coordinates[0]), len(column.levels) - 1
    if abs(rank - np.rint(rank)) < WHOLE_RANK:
        return column.levels[int(np.clip(np.rint(rank), 0, last))]
    below = int(np.clip(np.floor(rank), 0, max(0, last - 1)))
    return f"between {column.levels[below]} and {column.levels[min(below + 1, last)]}"


@cell_text.register
def _(column: CategoryColumn, coordinates: Floats, digits: int = 4) -> str:
    return column.levels[int(np.argmax(column.shares(coordinates)))]


@cell_text.register
def _(column: PeriodicColumn, coordinates: Floats, digits: int = 4) -> str:
    turn = float(np.arctan2(coordinates[1], coordinates[0])) / (2 * np.pi)
    value = turn * column.period % column.period
    return f"{0.0 if abs(value) < 1e-9 * column.period else value:.{digits}g}"


@cell_text.register
def _(column: DateColumn, coordinates: Floats, digits: int = 4) -> str:
    return str(np.datetime64(int(np.floor(coordinates[0])), "D"))
