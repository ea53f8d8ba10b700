"""One row column by column: its own cell, that of the nearest mixture, and the training rows'."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Floats
from ..table.cell_text import cell_text
from ..table.columns import (
    CategoryColumn,
    Column,
    ConstantColumn,
    LevelColumn,
    NumberColumn,
    PeriodicColumn,
)
from ._reasons import column_changes
from .pattern_location import PatternLocation

if TYPE_CHECKING:
    from .domain_location import DomainLocation

NAMED_SHARES = 2  # levels of a mixture that are named
LEAST_NAMED_SHARE = 0.005
LARGEST_SHOWN_WHOLE = 1e9  # beyond it numbers are powers of ten
MOST_DIGITS = 12
CELL_DIGITS = 6  # of a row's own cell


@dataclass(frozen=True)
class ColumnComparison:
    """What one row holds in a column, beside its nearest mixture of training rows.

    Attributes
    ----------
    name, role : str
    value : str
        The row's own cell; "" where it is empty.
    nearest : str
        That of the nearest mixture, for categories the shares of its levels; "" where the column
        was not used or the row is inside.
    training : str
        What training rows hold: a range, or how many have the same level.
    share : float
        The change as a share of what is possible, by which columns are ranked; 0 for none.
    amount : float
        The change in the column's own units, positive where the row is too high.
    is_unseen : bool
        Whether the cell was never seen in the training rows that it is located among.
    is_elsewhere : bool
        Whether it was seen in those of other segments.
    """

    name: str
    role: str
    value: str
    nearest: str
    training: str
    share: float
    amount: float
    is_unseen: bool
    is_elsewhere: bool = False

    @property
    def unseen_text(self) -> str:
        """What is said of a cell that was never seen."""
        return "was never seen" + " in its segment" * self.is_elsewhere


def compare_columns(location: DomainLocation, row: int) -> tuple[ColumnComparison, ...]:
    """Every column of a row, in the order of the table."""
    part = next((p for p in location.parts if row in p.rows), None)
    if part is None:
        return tuple(
            _unused(location, row, j, column)
            for j, column in enumerate(location.coordinates.columns)
        )
    place = int(np.flatnonzero(part.rows == row)[0])
    single = PatternLocation(part.rows[[place]], part.pattern, part.location[[place]])
    shares, amounts = column_changes(location.coordinates, single)
    out, start = [], 0
    for j, column in enumerate(location.coordinates.columns):
        if not part.pattern.columns[j] or not column.width:
            out.append(_unused(location, row, j, column))
            continue
        block = slice(start, start + column.width)
        start += column.width
        out.append(_used(single, column, block, float(shares[0, j]), float(amounts[0, j])))
    return tuple(out)


def _used(
    part: PatternLocation, column: Column, block: slice, share: float, amount: float
) -> ColumnComparison:
    """A column by which the row was located; `part` holds that row alone."""
    location, training = part.location, part.location.training
    query, nearest = location.queries[0, block], location.nearest[0, block]
    value = number_text(column, query, CELL_DIGITS)
    known = share > 0 and not np.isnan(nearest).any()
    return ColumnComparison(
        column.name,
        column.role,
        value,
        mixture_text(column, nearest, amount) if known else "",
        _training_text(column, value, training.minimum[block], training.maximum[block]),
        share,
        amount,
        False,
    )


def _unused(location: DomainLocation, row: int, j: int, column: Column) -> ColumnComparison:
    """A column that is empty, constant, or holds what was never seen."""
    is_unseen = bool(location.unseen[row, j])
    value = str(location.cells[row, j]) if is_unseen else ""
    if isinstance(column, ConstantColumn) and not is_unseen:
        value = column.levels[0]
    is_elsewhere = is_unseen and isinstance(column, LevelColumn) and value in column.levels
    training = _levels_text(column, value)
    return ColumnComparison(
        column.name, column.role, value, "", training, 0.0, 0.0, is_unseen, is_elsewhere
    )


def mixture_text(column: Column, coordinates: Floats, change: float = 0.0) -> str:
    """What a mixture of rows holds: a cell, or the largest shares of levels in words.

    Examples
    --------
    >>> import numpy as np
    >>> from hullwise.table.columns import CategoryColumn
    >>> job = CategoryColumn("job", "job", "declared", ("nurse", "clerk"), (1, 1))
    >>> mixture_text(job, 0.75 * job.vertices[0] + 0.25 * job.vertices[1])
    '75 % nurse, 25 % clerk'
    """
    if not isinstance(column, CategoryColumn):
        return number_text(column, coordinates, change=change)
    shares = column.shares(coordinates)
    order = np.argsort(-shares, kind="stable")
    named = [j for j in order[:NAMED_SHARES] if shares[j] >= LEAST_NAMED_SHARE]
    text = ", ".join(f"{100 * shares[j]:.0f} % {column.levels[j]}" for j in named)
    return text + ", ..." * bool((shares[order[NAMED_SHARES:]] >= LEAST_NAMED_SHARE).any())


def number_text(column: Column, coordinates: Floats, digits: int = 4, change: float = 0.0) -> str:
    """A cell of at least so many digits: all before the point, and those that show a change.

    Examples
    --------
    >>> import numpy as np
    >>> from hullwise.table.columns import NumberColumn
    >>> price = NumberColumn("price", "price", "declared")
    >>> number_text(price, np.array([13227.6])), number_text(price, np.array([53.134]))
    ('13228', '53.13')
    >>> number_text(price, np.array([2007.43]), change=0.43)
    '2007.43'
    """
    size = abs(float(coordinates[0])) if isinstance(column, NumberColumn) else 0.0
    if not 1 <= size < LARGEST_SHOWN_WHOLE:
        return cell_text(column, coordinates, digits)
    places = max(0, 1 - math.floor(math.log10(abs(change)))) if change else 0
    needed = math.floor(math.log10(size)) + 1 + places
    return cell_text(column, coordinates, min(MOST_DIGITS, max(digits, needed)))


def _training_text(column: Column, value: str, low: Floats, high: Floats) -> str:
    if isinstance(column, LevelColumn):
        return _levels_text(column, value)
    if isinstance(column, PeriodicColumn):
        return f"a circle of {column.period:g}"
    return f"{number_text(column, low)} to {number_text(column, high)}"


def _levels_text(column: Column, value: str) -> str:
    """How many training rows have this level, or how many levels there are."""
    if not isinstance(column, LevelColumn):
        return ""
    n = sum(column.counts)
    if isinstance(column, ConstantColumn):
        return f"always {column.levels[0]}"
    if value in column.levels:
        return f"{column.counts[column.levels.index(value)]:,} of {n:,} rows"
    return f"{len(column.levels):,} levels in {n:,} rows"
