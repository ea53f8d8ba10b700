"""What a column of a table was taken for, and its coordinates.

Every column becomes coordinates in which it counts alike: with `metric="std"` two random rows
differ in it by the square root of 2 (root mean square).

=========  =====================================================================================
number     the number itself; its unit is learnt (standard deviation or range)
log        the decimal logarithm, then as a number
ordered    the rank 0, 1, 2, ... of its level, then as a number
category   the vertices of a regular simplex, one for each level, a mismatch of length sqrt(2)
periodic   a circle of radius R, R = 1 / sqrt(1 - rho^2) with rho the mean resultant length
date       days (as a number), year, month, weekday, hour (as circles), as declared
=========  =====================================================================================

A category is on the vertices of a simplex (L - 1 coordinates for L levels), so that "off the flat
of the training rows" keeps its meaning: indicators would always sum to 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from .._core.types import Floats, Ints, Mask
from ..errors import DataError
from ..io.mixed_column import ColumnKind, MixedColumn, as_mask

DATE_PARTS = ("since", "year", "month", "weekday", "hour")
PERIOD_OF_PART = {"year": 365.2425, "month": 12.0, "weekday": 7.0, "hour": 24.0}
SMALLEST_AMOUNT = 1e-9  # of a column's range: less is not named as a reason
SMALLEST_SHARE = 1e-6  # of rows of other levels: less is not named as a reason
LEARNT = float("nan")  # in `Column.fixed_weights`: a unit that is learnt from the rows


@dataclass(frozen=True)
class Column:
    """One column of a table as coordinates.

    Attributes
    ----------
    name : str
        What the column is called in answers; a part of a date has its part in brackets.
    source : str
        The column of the table that it is read from.
    reason : str
        Why it was taken for what it is: "declared", or the rule.
    """

    role: ClassVar[str] = ""
    name: str
    source: str
    reason: str

    @property
    def width(self) -> int:
        """Number of coordinates."""
        return 1

    @property
    def coordinate_names(self) -> tuple[str, ...]:
        """What each coordinate is called."""
        return (self.name,)

    def encode(self, cells: MixedColumn) -> tuple[Floats, Mask]:
        """Coordinates (m, width), NaN in gaps and levels never seen; and (m,) those levels."""
        raise NotImplementedError

    def fixed_weights(self, metric: str) -> Floats:
        """(width,) weight of each coordinate's square, `LEARNT` where the rows give it."""
        return np.full(self.width, LEARNT)

    def amount(self, query: Floats, nearest: Floats, half_width: Floats) -> Floats:
        """(...) what parts rows from their nearest mixtures of training rows; arrays (..., width).

        In the column's own units, positive where a row is too high; 0 where it is rounding.
        """
        amount = query[..., 0] - nearest[..., 0]
        return np.where(np.abs(amount) > SMALLEST_AMOUNT * 2 * float(half_width[0]), amount, 0.0)

    def describe(self) -> str:
        """What the column was taken for, in a few words."""
        return self.role

    def to_json(self) -> dict[str, Any]:
        """Everything of it, as JSON."""
        return {"role": self.role, "name": self.name, "source": self.source, "reason": self.reason}

    def declaration(self) -> Any:
        """The same column in a file of columns, declared."""
        return self.role


@dataclass(frozen=True)
class NumberColumn(Column):
    """Numbers as they are."""

    role: ClassVar[str] = "number"
    whole: bool = False

    def encode(self, cells: MixedColumn) -> tuple[Floats, Mask]:
        values = cells.numbers()
        return values[:, None], np.zeros(len(values), dtype=bool)

    def describe(self) -> str:
        return "whole number" if self.whole else "number"

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "whole": self.whole}


@dataclass(frozen=True)
class LogColumn(Column):
    """The decimal logarithm of numbers above 0."""

    role: ClassVar[str] = "log"

    def encode(self, cells: MixedColumn) -> tuple[Floats, Mask]:
        values = cells.numbers()
        low = values <= 0
        if low.any():
            cells.refuse(low, ": it is declared log, and a logarithm needs numbers above 0")
            values[low] = np.nan
        return self.coordinates(values), np.zeros(len(values), dtype=bool)

    def coordinates(self, values: Floats) -> Floats:
        """(m, 1) the logarithms of numbers above 0 (m,)."""
        return np.log10(values)[:, None]

    def amount(self, query: Floats, nearest: Floats, half_width: Floats) -> Floats:
        decades = super().amount(query, nearest, half_width)
        return np.where(decades != 0, 10.0 ** query[..., 0] - 10.0 ** nearest[..., 0], 0.0)

    def describe(self) -> str:
        return "number on a logarithmic scale"


@dataclass(frozen=True)
class LevelColumn(Column):
    """A column whose cells are levels: what ordered and unordered ones share.

    Attributes
    ----------
    levels : tuple of str
    counts : tuple of int
        Training rows with each level.
    kind : ColumnKind
        What the cells are, so that 3, 3.0 and "3" are one level.
    """

    levels: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    kind: ColumnKind = ColumnKind.TEXT
    gap_is_level: bool = False

    GAP: ClassVar[str] = "(empty)"

    def codes(self, cells: MixedColumn) -> tuple[Any, Mask]:
        """(m,) number of each cell's level, -1 in gaps and for levels never seen; and those."""
        import pyarrow as pa
        import pyarrow.compute as pc

        labels = cells.labels(self.kind)
        if self.gap_is_level:
            labels = labels.fill_null(self.GAP)
        places = pc.index_in(labels, value_set=pa.array(self.levels, pa.string()))
        codes = np.asarray(places.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)
        filled = as_mask(labels.is_valid())
        return codes, filled & (codes < 0)

    def level_numbers(self, coordinates: Floats) -> Ints:
        """(m,) the number of the level that rows with these coordinates (m, width) hold."""
        raise NotImplementedError

    @cached_property
    def place_of_level(self) -> dict[str, int]:
        """The number of each level."""
        return {level: place for place, level in enumerate(self.levels)}

    def to_json(self) -> dict[str, Any]:
        return {
            **super().to_json(),
            "levels": list(self.levels),
            "counts": list(self.counts),
            "kind": self.kind.value,
            "gap_is_level": self.gap_is_level,
        }


@dataclass(frozen=True)
class OrderedColumn(LevelColumn):
    """Levels with an order, as their ranks: a level between two others may be between them."""

    role: ClassVar[str] = "ordered"

    def encode(self, cells: MixedColumn) -> tuple[Floats, Mask]:
        codes, unseen = self.codes(cells)
        return np.where(codes < 0, np.nan, codes)[:, None], unseen

    def level_numbers(self, coordinates: Floats) -> Ints:
        return coordinates[:, 0].astype(np.int64)

    def describe(self) -> str:
        return f"{len(self.levels)} ordered levels: {' < '.join(self.levels[:6])}" + (
            " < ..." if len(self.levels) > 6 else ""
        )

    def declaration(self) -> Any:
        return {"role": "ordered", "levels": list(self.levels)}


@dataclass(frozen=True)
class CategoryColumn(LevelColumn):
    """Levels without an order, each a vertex of a regular simplex."""

    role: ClassVar[str] = "category"

    @property
    def width(self) -> int:
        return max(0, len(self.levels) - 1)

    @property
    def coordinate_names(self) -> tuple[str, ...]:
        return tuple(f"{self.name} ({k + 1})" for k in range(self.width))

    @cached_property
    def vertices(self) -> Floats:
        """(L, L - 1) one row for each level; any two are sqrt(2) apart."""
        return simplex_vertices(len(self.levels))

    def encode(self, cells: MixedColumn) -> tuple[Floats, Mask]:
        codes, unseen = self.codes(cells)
        values = self.vertices[np.maximum(codes, 0)]
        values[codes < 0] = np.nan
        return values, unseen

    def indicators(self, cells: MixedColumn) -> Floats:
        """(m, L) one column for each level, as proofs are checked in; NaN in gaps."""
        codes, _ = self.codes(cells)
        values = np.zeros((len(codes), len(self.levels)))
        values[np.arange(len(codes)), np.maximum(codes, 0)] = 1.0
        values[codes < 0] = np.nan
        return values

    def level_numbers(self, coordinates: Floats) -> Ints:
        return np.asarray(self.shares(coordinates).argmax(axis=1))

    def shares(self, coordinates: Floats) -> Floats:
        """(..., L) shares of the levels in a mixture of rows with these coordinates."""
        return np.asarray(coordinates @ self.vertices.T + 1 / len(self.levels))

    def fixed_weights(self, metric: str) -> Floats:
        """A mismatch has length sqrt(2) beside standard deviations, 1 beside ranges (Gower)."""
        return np.full(self.width, 0.5 if metric == "range" else 1.0)

    def amount(self, query: Floats, nearest: Floats, half_width: Floats) -> Floats:
        """The share of rows of other levels in the nearest mixture."""
        level = np.argmax(self.shares(query), axis=-1)[..., None]
        share = 1.0 - np.take_along_axis(self.shares(nearest), level, axis=-1)[..., 0]
        return np.where(share > SMALLEST_SHARE, share, 0.0)

    def describe(self) -> str:
        n = len(self.levels)
        shown = ", ".join(self.levels[:4]) + (", ..." if n > 4 else "")
        return f"{n} level{'s' * (n != 1)}: {shown}"


@dataclass(frozen=True)
class PeriodicColumn(Column):
    """Numbers on a circle: hours, months, angles.

    Attributes
    ----------
    period : float
        After which the numbers begin again.
    radius : float
        Of the circle, so that its total variance is 1 (or, for "range", its diameter).
    scale : float or None
        How much counts like one standard deviation, where that was declared.
    part : str
        The part of a date that is read, or "".
    """

    role: ClassVar[str] = "periodic"
    period: float = 1.0
    radius: float = 1.0
    scale: float | None = None
    part: str = ""

    @property
    def width(self) -> int:
        return 2

    @property
    def coordinate_names(self) -> tuple[str, ...]:
        return (f"{self.name} (cos)", f"{self.name} (sin)")

    def values(self, cells: MixedColumn) -> Floats:
        """(m,) what is put on the circle."""
        return date_part(cells.days(), self.part) if self.part else cells.numbers()

    def encode(self, cells: MixedColumn) -> tuple[Floats, Mask]:
        values = self.values(cells)
        return self.coordinates(values), np.zeros(len(values), dtype=bool)

    def coordinates(self, values: Floats) -> Floats:
        """(m, 2) numbers (m,) on the circle."""
        turn = 2 * np.pi * (values / self.period % 1.0)
        return self.radius * np.column_stack([np.cos(turn), np.sin(turn)])

    def fixed_weights(self, metric: str) -> Floats:
        """The radius is in the coordinates; beside ranges the diameter is 1."""
        return np.full(2, 1 / (2 * self.radius) ** 2 if metric == "range" else 1.0)

    def amount(self, query: Floats, nearest: Floats, half_width: Floats) -> Floats:
        """The shorter way around the circle."""
        angles = [np.arctan2(one[..., 1], one[..., 0]) for one in (query, nearest)]
        turn = (angles[0] - angles[1] + np.pi) % (2 * np.pi) - np.pi
        chord = np.linalg.norm(query - nearest, axis=-1)
        is_rounding = chord <= SMALLEST_AMOUNT * 2 * self.radius
        return np.where(is_rounding, 0.0, turn / (2 * np.pi) * self.period)

    @property
    def arc(self) -> float:
        """How much of the period counts like one standard deviation."""
        return self.period / (2 * np.pi * self.radius)

    def describe(self) -> str:
        return f"a circle of {self.period:g}; {self.arc:.2g} count like one standard deviation"

    def to_json(self) -> dict[str, Any]:
        more = {"period": self.period, "radius": self.radius, "scale": self.scale}
        return {**super().to_json(), **more, "part": self.part}

    def declaration(self) -> Any:
        if self.scale is None:
            return {"role": "periodic", "period": self.period}
        return {"role": "periodic", "period": self.period, "scale": self.scale}


@dataclass(frozen=True)
class DateColumn(Column):
    """Days since 1970-01-01, as a number."""

    role: ClassVar[str] = "date"

    def encode(self, cells: MixedColumn) -> tuple[Floats, Mask]:
        days = cells.days()
        return days[:, None], np.zeros(len(days), dtype=bool)

    def describe(self) -> str:
        return "days, as a number"


@dataclass(frozen=True)
class CheckedColumn(LevelColumn):
    """Levels that are looked up and give no coordinate: a level never seen is far by name."""

    @property
    def width(self) -> int:
        return 0

    @property
    def coordinate_names(self) -> tuple[str, ...]:
        return ()

    def encode(self, cells: MixedColumn) -> tuple[Floats, Mask]:
        _, unseen = self.codes(cells)
        return np.zeros((len(unseen), 0)), unseen

    def fixed_weights(self, metric: str) -> Floats:
        return np.zeros(0)


@dataclass(frozen=True)
class ConstantColumn(CheckedColumn):
    """One value in all training rows: no coordinate, and a row that differs is far by name."""

    role: ClassVar[str] = "constant"

    def describe(self) -> str:
        return f"always {self.levels[0]!r}; a row that differs is far, by name"


@dataclass(frozen=True)
class SegmentColumn(CheckedColumn):
    """What parts the rows into segments: no coordinate, and a new level is far by name."""

    role: ClassVar[str] = "segment"

    def describe(self) -> str:
        n = len(self.levels)
        shown = ", ".join(self.levels[:4]) + (", ..." if n > 4 else "")
        return f"a domain for each of {n}: {shown}"


@dataclass(frozen=True)
class UnusedColumn:
    """A column that gives no coordinates: an id, a target, a group, dates, text.

    Attributes
    ----------
    name, role, reason : str
    """

    name: str
    role: str
    reason: str = field(default="declared")

    def describe(self) -> str:
        """What it was taken for, in a few words."""
        return self.reason if self.role == "left out" else self.role

    def to_json(self) -> dict[str, Any]:
        """Everything of it, as JSON."""
        return {"role": self.role, "name": self.name, "reason": self.reason}

    def declaration(self) -> Any:
        """The same column in a file of columns, declared."""
        return self.role


COLUMN_TYPES: dict[str, type[Column]] = {
    kind.role: kind
    for kind in (
        *(NumberColumn, LogColumn, OrderedColumn, CategoryColumn),
        *(PeriodicColumn, DateColumn, ConstantColumn, SegmentColumn),
    )
}


def column_from_json(stored: dict[str, Any]) -> Column:
    """The column that `to_json` stored.

    Raises
    ------
    DataError
        What is stored is no column of ours.
    """
    values = dict(stored)
    kind = COLUMN_TYPES.get(str(values.pop("role", "")))
    try:
        if kind is None:
            raise KeyError(stored.get("role"))
        for name in ("levels", "counts"):
            if name in values:
                values[name] = tuple(values[name])
        if "kind" in values:
            values["kind"] = ColumnKind(values["kind"])
        return kind(**values)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"a stored column cannot be read ({error}): {str(stored)[:80]}") from None


def simplex_vertices(n_levels: int) -> Floats:
    """(L, L - 1) vertices of a regular simplex around 0, any two sqrt(2) apart: Helmert contrasts.

    The indicators of the levels, seen in the flat in which their shares sum to 1.

    Examples
    --------
    >>> V = simplex_vertices(3)
    >>> ((V[0] - V[1]) ** 2).sum().round(12), ((V[1] - V[2]) ** 2).sum().round(12)
    (np.float64(2.0), np.float64(2.0))
    """
    H = np.zeros((n_levels, max(0, n_levels - 1)))
    for j in range(1, n_levels):
        H[:j, j - 1] = 1 / np.sqrt(j * (j + 1))
        H[j, j - 1] = -j / np.sqrt(j * (j + 1))
    return H


def circle_radius(values: Floats, period: float) -> float:
    """R = 1 / sqrt(1 - rho^2): the radius that gives numbers on a circle the total variance 1.

    rho is the mean resultant length (Mardia and Jupp 2000, section 2.3).
    """
    rho = abs(np.exp(2j * np.pi * values / period).mean()) if len(values) else 0.0
    return float(1 / np.sqrt(max(1 - rho * rho, 1e-12)))


def date_part(days: Floats, part: str) -> Floats:
    """A part of dates given in days since 1970: where in the year, month, week or day they lie."""
    if part == "weekday":
        return np.asarray((days + 3) % 7.0)  # 1970-01-01 was a Thursday
    if part == "hour":
        return np.asarray(days % 1.0 * 24)
    empty = np.isnan(days)
    stamps = np.floor(np.where(empty, 0.0, days)).astype("datetime64[D]")
    if part == "month":
        months = stamps.astype("datetime64[M]")
        within = (stamps - months.astype("datetime64[D]")).astype(float)
        length = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(
            float
        )
        return np.where(empty, np.nan, months.astype(int) % 12 + within / length)
    years = stamps.astype("datetime64[Y]").astype("datetime64[D]")
    return np.where(empty, np.nan, (stamps - years).astype(float) + days % 1.0)
