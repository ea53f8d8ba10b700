"""What each parameter of a design space is: its values, its cells, and its coordinates.

Distances between points are taken in coordinates in which every parameter spans 1:

=========  ====================================================================================
number     (x - low) / (high - low)
integer    the same; only whole numbers are suggested
log        the logarithm, in the same way
ordered    the rank of its level, in the same way
periodic   a circle of diameter 1: half a period counts as far as the whole range of a number
category   the vertices of a regular simplex: any two levels are 1 apart
=========  ====================================================================================

`scale` multiplies the coordinates of a parameter: 0.5 where half of its range counts like the
range of another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from .._core.types import Array, Floats, Mask
from ..errors import DataError
from ..io.mixed_column import MixedColumn, as_mask
from ..table.columns import simplex_vertices
from ..table.decoding import number_text

SUGGESTED_DIGITS = 6  # of a parameter's range: more would say nothing
MOST_LEVELS = 1000


@dataclass(frozen=True)
class Parameter:
    """One parameter of a design space: a real number from `low` to `high`.

    Attributes
    ----------
    name : str
        The column that holds it.
    low, high : float
        The ends of its range; a parameter whose ends are one value is fixed there.
    scale : float
        How far its whole range counts, beside 1 of the others.

    Examples
    --------
    >>> thickness = Parameter("thickness", 2.0, 4.0)
    >>> thickness.coordinates(np.array([2.0, 3.5]))
    array([[0.  ],
           [0.75]])
    """

    role: ClassVar[str] = "number"
    name: str
    low: float
    high: float
    scale: float = 1.0

    def __post_init__(self) -> None:
        ends = (self.low, self.high)
        if not np.isfinite(ends).all() or self.low > self.high:
            raise DataError(
                f"parameter {self.name!r} goes from {self.low:g} to {self.high:g}: expected finite "
                "ends, the lower one first."
            )
        if not 0 < self.scale < np.inf:
            raise DataError(f"parameter {self.name!r} has scale {self.scale!r}: expected above 0.")

    @property
    def width(self) -> int:
        """Number of coordinates."""
        return 1

    @property
    def is_continuous(self) -> bool:
        """Whether it takes all numbers of its range."""
        return self.n_values is None

    @property
    def n_values(self) -> int | None:
        """How many values it can take; None for real numbers."""
        return 1 if self.low == self.high else None

    def every_value(self) -> Floats:
        """(n_values,) all its values."""
        return np.array([self.low])

    def values(self, unit: Floats) -> Floats:
        """(m,) values at places of the unit interval (m,), rounded to digits that people read."""
        span = self.high - self.low
        if not span:
            return np.full(len(unit), self.low)
        decimals = SUGGESTED_DIGITS - 1 - int(np.floor(np.log10(span)))
        values = self.low + unit * span
        if abs(decimals) < 300:
            values = np.round(values, decimals)
        return np.asarray(np.clip(values, self.low, self.high))

    def unit(self, values: Floats) -> Floats:
        """(m,) where values lie between the ends, 0 at the lower one; in the middle of a level."""
        return np.asarray((values - self.low) / ((self.high - self.low) or 1.0))

    def coordinates(self, values: Floats) -> Floats:
        """(m, width) coordinates of values (m,)."""
        span = (self.high - self.low) or 1.0
        return (values / span - self.low / span)[:, None] * self.scale

    def contains(self, values: Floats) -> Mask:
        """(m,) which values are in its range."""
        return np.asarray((values >= self.low) & (values <= self.high))

    def read(self, cells: MixedColumn) -> Floats:
        """(n,) values of a column; NaN in gaps and for what it cannot take at all."""
        return cells.numbers()

    def cells(self, values: Floats) -> Array:
        """(m,) values as a table has them."""
        return values

    def text(self, value: float) -> str:
        """A value as people write it."""
        return number_text(value)

    def describe(self) -> str:
        """What it is, in a few words."""
        if self.low == self.high:
            return f"fixed at {number_text(self.low)}"
        return f"{self.role} from {number_text(self.low)} to {number_text(self.high)}"


@dataclass(frozen=True)
class LogParameter(Parameter):
    """Numbers above 0 whose ratios count."""

    role: ClassVar[str] = "log"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low <= 0:
            raise DataError(
                f"parameter {self.name!r} is log and goes from {self.low:g}: a logarithm needs "
                "numbers above 0."
            )

    def values(self, unit: Floats) -> Floats:
        values = self.low * (self.high / self.low) ** unit
        decimals = SUGGESTED_DIGITS - 1 - np.floor(np.log10(values))
        factor = 10.0 ** np.clip(decimals, -300, 300)
        rounded = np.round(values * factor) / factor
        return np.asarray(np.clip(rounded, self.low, self.high))

    def unit(self, values: Floats) -> Floats:
        span = np.log(self.high / self.low) or 1.0
        return np.asarray(np.log(np.maximum(values, 1e-300) / self.low) / span)

    def coordinates(self, values: Floats) -> Floats:
        span = np.log(self.high / self.low) or 1.0
        with np.errstate(divide="ignore", invalid="ignore"):
            return (np.log(values / self.low) / span)[:, None] * self.scale

    def read(self, cells: MixedColumn) -> Floats:
        values = cells.numbers()
        return np.where(values > 0, values, np.nan)


@dataclass(frozen=True)
class IntegerParameter(Parameter):
    """Whole numbers."""

    role: ClassVar[str] = "integer"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low != np.rint(self.low) or self.high != np.rint(self.high):
            raise DataError(
                f"parameter {self.name!r} is integer and goes from {self.low:g} to {self.high:g}: "
                "expected whole ends."
            )

    @property
    def n_values(self) -> int | None:
        return int(self.high - self.low) + 1

    def every_value(self) -> Floats:
        return np.arange(self.low, self.high + 1)

    def values(self, unit: Floats) -> Floats:
        steps = np.floor(unit * (self.high - self.low + 1))
        return np.asarray(np.minimum(self.low + steps, self.high))

    def cells(self, values: Floats) -> Array:
        return values.astype(np.int64)

    def text(self, value: float) -> str:
        return f"{value:,.0f}" if value == np.rint(value) else number_text(value)


@dataclass(frozen=True)
class PeriodicParameter(Parameter):
    """Numbers on a circle: what is one period apart is the same.

    Attributes
    ----------
    period : float
        After which the numbers begin again.
    """

    role: ClassVar[str] = "periodic"
    period: float = field(default=np.nan, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.period < np.inf:
            raise DataError(f"parameter {self.name!r} has period {self.period:g}: expected above 0")

    @property
    def width(self) -> int:
        return 2

    def coordinates(self, values: Floats) -> Floats:
        turn = 2 * np.pi * (values / self.period % 1.0)
        return np.column_stack([np.cos(turn), np.sin(turn)]) * (self.scale / 2)

    def describe(self) -> str:
        return f"{super().describe()}, on a circle of {number_text(self.period)}"


@dataclass(frozen=True)
class CategoryParameter(Parameter):
    """Levels without an order; values are the numbers of levels, from 0.

    Attributes
    ----------
    levels : tuple of str
        As labels: 3, 3.0 and "3" are one level.
    """

    role: ClassVar[str] = "category"
    low: float = field(default=0.0, init=False)
    high: float = field(default=0.0, init=False)
    levels: tuple[str, ...] = field(kw_only=True)

    def __post_init__(self) -> None:
        n, n_distinct = len(self.levels), len(set(self.levels))
        if not 1 <= n_distinct == n <= MOST_LEVELS:
            raise DataError(
                f"parameter {self.name!r} has {n:,} levels, {n_distinct:,} of them different: "
                f"expected 1 to {MOST_LEVELS:,}, each once."
            )
        object.__setattr__(self, "high", float(len(self.levels) - 1))
        super().__post_init__()

    @property
    def width(self) -> int:
        return len(self.levels) - 1

    @property
    def n_values(self) -> int | None:
        return len(self.levels)

    def every_value(self) -> Floats:
        return np.arange(len(self.levels), dtype=np.float64)

    def values(self, unit: Floats) -> Floats:
        return np.asarray(np.minimum(np.floor(unit * len(self.levels)), len(self.levels) - 1))

    def unit(self, values: Floats) -> Floats:
        return np.asarray((values + 0.5) / len(self.levels))

    def coordinates(self, values: Floats) -> Floats:
        vertices = simplex_vertices(len(self.levels)) * (self.scale / np.sqrt(2))
        return np.asarray(vertices[values.astype(np.intp)])

    def read(self, cells: MixedColumn) -> Floats:
        import pyarrow as pa
        import pyarrow.compute as pc

        labels = cells.labels(cells.kind)
        places = pc.index_in(labels, value_set=pa.array(self.levels, pa.string()))
        codes = np.asarray(places.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.float64)
        return np.where((codes < 0) | ~as_mask(labels.is_valid()), np.nan, codes)

    def cells(self, values: Floats) -> Array:
        return np.array(self.levels, dtype=object)[values.astype(np.intp)]

    def text(self, value: float) -> str:
        return self.levels[int(value)]

    def describe(self) -> str:
        shown = ", ".join(self.levels[:4]) + (", ..." if len(self.levels) > 4 else "")
        return f"{self.role} of {len(self.levels)}: {shown}"


@dataclass(frozen=True)
class OrderedParameter(CategoryParameter):
    """Levels with an order, lowest first: a level between two others is between them."""

    role: ClassVar[str] = "ordered"

    @property
    def width(self) -> int:
        return 1

    def coordinates(self, values: Floats) -> Floats:
        return values[:, None] * (self.scale / max(len(self.levels) - 1, 1))
