"""A domain for each segment of the rows: a site, a material, a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.types import Floats, Indices, Mask, Objects
from ..geometry.neighbours import nearest_rows
from ..io.mixed_table import MixedTable
from ..table.columns import CategoryColumn, SegmentColumn

if TYPE_CHECKING:
    from .fitted_table import FittedTable

FEWEST_ROWS_OF_A_SEGMENT = 20  # smaller segments are pooled


@dataclass(frozen=True, eq=False)
class RowSegments:
    """Which training rows the rows of each segment are located among.

    Attributes
    ----------
    column : str
    codes : (n,) int
        The level of each training row.
    of_level : (L,) int
        The segment of each level: small ones share one.
    names : (S,) tuple of str
        What each segment is called in answers.
    in_all_rows : int
        The segment of levels that are few even together: its rows are located among all training
        rows; -1 where there is none.
    """

    column: str
    codes: Indices
    of_level: Indices
    names: tuple[str, ...]
    in_all_rows: int = -1

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"RowSegments({self.column}: {len(self)} segments of {len(self.codes)} rows)"

    @classmethod
    def of(cls, column: SegmentColumn, codes: Indices) -> RowSegments:
        """Levels of fewer than 20 rows are pooled; if these are fewer too, all rows serve them."""
        counts = np.bincount(codes, minlength=len(column.levels))
        is_large = counts >= FEWEST_ROWS_OF_A_SEGMENT
        of_level = np.where(is_large, np.cumsum(is_large) - 1, is_large.sum())
        name = column.name
        names = [f"{name} {level!r}" for level, large in zip(column.levels, is_large) if large]
        small = [level for level, large in zip(column.levels, is_large) if not large]
        in_all_rows = -1
        if small:
            few = counts[~is_large].sum() < FEWEST_ROWS_OF_A_SEGMENT
            in_all_rows = len(names) if few else -1
            listed = ", ".join(map(repr, small[:4])) + ", ..." * (len(small) > 4)
            names.append("all training rows" if few else f"{name} {listed} together")
        return cls(name, codes, of_level.astype(np.intp), tuple(names), in_all_rows)

    def rows(self, segment: int) -> Indices:
        """The training rows that a segment's rows are located among."""
        if segment == self.in_all_rows:
            return np.arange(len(self.codes))
        return np.flatnonzero(self.of_level[self.codes] == segment)

    def notes(self, levels: tuple[str, ...]) -> tuple[str, ...]:
        """What of the segments may surprise."""
        counts = np.bincount(self.codes, minlength=len(self.of_level))
        small = [f"{v!r} ({n})" for v, n in zip(levels, counts) if n < FEWEST_ROWS_OF_A_SEGMENT]
        if not small:
            return ()
        listed = ", ".join(small[:5]) + ", ..." * (len(small) > 5)
        among = "all training rows" if self.in_all_rows >= 0 else "one another's"
        return (
            f"{self.column}: fewer than {FEWEST_ROWS_OF_A_SEGMENT} rows of {listed}: located among "
            f"{among}" + ("" if self.in_all_rows >= 0 else ", pooled"),
        )

    def to_json(self) -> dict[str, Any]:
        """What is no long array of it, as JSON."""
        return {
            "column": self.column,
            "of_level": self.of_level.tolist(),
            "names": list(self.names),
            "in_all_rows": self.in_all_rows,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], codes: Indices) -> RowSegments:
        """Restore what `to_json` stored; ValueError where the parts do not fit."""
        of_level = np.array(stored["of_level"], dtype=np.intp)
        names = tuple(map(str, stored["names"]))
        in_all_rows = int(stored["in_all_rows"])
        fits = not len(codes) or 0 <= codes.min() <= codes.max() < len(of_level)
        if not fits or sorted({*of_level.tolist()}) != list(range(len(names))):
            raise ValueError(f"segments of {len(of_level)} levels")
        return cls(str(stored["column"]), codes, of_level, names, in_all_rows)


@dataclass(frozen=True, eq=False)
class SegmentedRows:
    """The segment that each new row was located in.

    Attributes
    ----------
    segments : RowSegments
    segment : (m,) int
    is_nearest : (m,) bool
        Rows of a segment never seen: located in the nearest one.
    """

    segments: RowSegments
    segment: Indices
    is_nearest: Mask

    def __repr__(self) -> str:
        counts = np.bincount(self.segment, minlength=len(self.segments))
        listed = [f"{n} in {name}" for name, n in zip(self.segments.names, counts) if n]
        more = ", ..." * (len(listed) > 4)
        return f"SegmentedRows({len(self.segment)} rows: {', '.join(listed[:4])}{more})"

    def take(self, rows: Indices) -> SegmentedRows:
        """Those of some rows."""
        return SegmentedRows(self.segments, self.segment[rows], self.is_nearest[rows])

    @cached_property
    def names(self) -> Objects:
        """(m,) what each row's segment is called."""
        return np.array(self.segments.names, dtype=object)[self.segment]


def segments_of_new_rows(
    fitted: FittedTable, table: MixedTable, values: Floats, filled: Mask
) -> SegmentedRows | None:
    """The segment of each new row; of a level never seen the one with the nearest training row."""
    segments = fitted.segments
    if segments is None:
        return None
    column = next(c for c in fitted.coordinates.columns if isinstance(c, SegmentColumn))
    codes, _ = column.codes(table.column(column.source))
    is_new = codes < 0
    segment = np.where(is_new, 0, segments.of_level[np.maximum(codes, 0)])
    segment[is_new] = _nearest_segments(fitted, values[is_new], filled[is_new])
    return SegmentedRows(segments, segment, is_new)


def _nearest_segments(fitted: FittedTable, values: Floats, filled: Mask) -> Indices:
    """(m,) the segment with the nearest training row, each measured in its own units."""
    assert fitted.segments is not None
    nearest, least = np.zeros(len(values), dtype=np.intp), np.full(len(values), np.inf)
    patterns, which = np.unique(filled, axis=0, return_inverse=True)
    for number, columns in enumerate(patterns):
        rows = np.flatnonzero(which.ravel() == number)
        for segment in range(len(fitted.segments)):
            pattern = fitted.pattern(columns, segment=segment)
            if pattern is None or segment == fitted.segments.in_all_rows:
                continue
            Q = values[np.ix_(rows, pattern.coordinates)]
            distance = nearest_rows(pattern.cloud, Q, pattern.reference.metric, 1).distances[:, 0]
            nearer = distance < least[rows]
            nearest[rows[nearer]], least[rows[nearer]] = segment, distance[nearer]
    return nearest


def levels_never_seen_in_segment(
    fitted: FittedTable, values: Floats, filled: Mask, segment: Indices
) -> Mask:
    """(m, C) categories whose level occurs in training rows, but in none of the row's segment."""
    absent = np.zeros(filled.shape, dtype=bool)
    for j, column in enumerate(fitted.coordinates.columns):
        if isinstance(column, CategoryColumn) and column.width:
            rows = np.flatnonzero(filled[:, j])
            level = column.level_numbers(values[rows, fitted.coordinates.coordinates_of(j)])
            absent[rows, j] = ~fitted.levels_of_segments[j][segment[rows], level]
    return absent
