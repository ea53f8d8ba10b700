"""Coordinates back as cells: what a column would have to hold to lie there."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.types import Floats
from .columns import (
    CategoryColumn,
    Column,
    ConstantColumn,
    DateColumn,
    LevelColumn,
    LogColumn,
    NumberColumn,
    OrderedColumn,
    PeriodicColumn,
)
from .output_columns import OutputColumn


def level_coordinates(column: LevelColumn) -> Floats:
    """(L, width) where each level of a column lies."""
    if isinstance(column, CategoryColumn):
        return column.vertices
    if isinstance(column, ConstantColumn):
        return np.zeros((1, 0))
    return np.arange(len(column.levels), dtype=np.float64)[:, None]


def takes_steps(column: Column) -> bool:
    """Whether cells of a column are whole numbers or ranks, so that what is between is rounded."""
    return isinstance(column, OrderedColumn) or (isinstance(column, NumberColumn) and column.whole)


def on_column(column: Column, values: Floats) -> Floats:
    """Where cells of a column can lie that is nearest to these coordinates (m, width).

    Whole numbers and ranks are rounded, a circle is met on the way from its centre, categories
    take the level with the largest share; other columns can hold everything.
    """
    if isinstance(column, PeriodicColumn):
        size = np.hypot(values[:, 0], values[:, 1])
        unit = np.where(size[:, None] > 0, values, [1.0, 0.0])
        return np.asarray(column.radius * unit / np.where(size > 0, size, 1.0)[:, None])
    if isinstance(column, CategoryColumn):
        return np.asarray(column.vertices[np.argmax(column.shares(values), axis=1)])
    if takes_steps(column):
        values = np.rint(values)
    if isinstance(column, OrderedColumn):
        return np.clip(values, 0, len(column.levels) - 1)
    return values


def decode(column: Column, values: Floats) -> Any:
    """The cell of a column at these coordinates (width,), which `on_column` gave.

    Examples
    --------
    >>> decode(PeriodicColumn("hour", "hour", "declared", period=24.0), np.array([0.0, 1.0]))
    6.0
    >>> decode(LogColumn("dose", "dose", "declared"), np.array([2.0]))
    100.0
    """
    if isinstance(column, PeriodicColumn):
        turn = float(np.arctan2(values[1], values[0])) / (2 * np.pi) % 1.0
        return turn * column.period
    if isinstance(column, CategoryColumn):
        return column.levels[int(np.argmax(column.shares(values)))]
    if isinstance(column, OrderedColumn):
        return column.levels[int(np.rint(values[0]))]
    if isinstance(column, ConstantColumn):
        return column.levels[0]
    if isinstance(column, LogColumn):
        return float(10.0 ** values[0])
    if isinstance(column, OutputColumn) and column.slope:
        return float(column.cells(values))
    if takes_steps(column) and abs(values[0]) < 2.0**53:
        return int(np.rint(values[0]))
    if isinstance(column, DateColumn):
        micro = np.timedelta64(int(np.rint(values[0] * 86_400e6)), "us")
        return str(np.datetime64("1970-01-01", "us") + micro).removesuffix("T00:00:00.000000")
    return float(values[0])


def change_text(column: Column, before: Floats, after: Floats) -> str:
    """What a column changes by, from one place (width,) to another, in its own units.

    NaN in `before` is a level never seen.

    Examples
    --------
    >>> change_text(NumberColumn("age", "age", "numbers", whole=True), np.array([95.0]), [59.0])
    'by -36 (95 to 59)'
    >>> change_text(LogColumn("dose", "dose", "declared"), np.array([2.0]), np.array([1.5]))
    'times 0.3162 (100 to 31.62)'
    """
    old, new = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if isinstance(column, LevelColumn):
        return f"to {decode(column, new)!r}"
    both = f"({_shown(decode(column, old))} to {_shown(decode(column, new))})"
    if isinstance(column, LogColumn):
        return f"times {number_text(10.0 ** float(new[0] - old[0]))} {both}"
    days = " days" if isinstance(column, DateColumn) else ""
    amount = -float(column.amount(old, new, np.zeros(column.width)))
    return f"by {number_text(amount, '+')}{days} {both}"


def _shown(cell: Any) -> str:
    return cell if isinstance(cell, str) else number_text(cell)


def number_text(value: float, sign: str = "") -> str:
    """A number as people write it: four digits, or all before the point.

    Examples
    --------
    >>> number_text(-12345.6), number_text(0.123456, "+"), number_text(3e9)
    ('-12,346', '+0.1235', '3e+09')
    """
    if 1000 <= abs(value) < 1e9:
        return format(value, f"{sign},.0f")
    return format(value, f"{sign}.4g")
