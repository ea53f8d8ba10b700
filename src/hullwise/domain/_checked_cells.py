"""A table as the checker of proofs reads it: its cells, level by level and number by number.

Only the reader of files and frames is shared with the rest of the library. What a cell becomes is
written down here once more, from the columns' descriptions alone: a number is itself, a level is a
vertex of a regular simplex. Logarithms and circles are rounded: their coordinates, as they were
stored, are accepted within a stated rounding of what is computed here, and are exact from then on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow.compute as pc

from .._core.types import Array, Floats, Mask
from ..errors import DataError
from ..io.mixed_column import ColumnKind
from ..io.mixed_table import MixedTable

ROLES_OF_LEVELS = ("category", "ordered", "constant", "levels", "segment")
LABEL_OF_A_GAP = "(empty)"  # where a gap is a level
NO_CELL, NEVER_SEEN = -1, -2  # in place of the number of a level
OUTPUT_AGREEMENT = 1e-9  # of the largest: a transformer's outputs for the same cells, twice
COORDINATE_ROUNDOFF = 2.0**-50  # of a logarithm or a circle's radius: four units in its last place


@dataclass(frozen=True, eq=False)
class TableCells:
    """The cells of the columns that a domain uses.

    Attributes
    ----------
    numbers : (m, C) float64
        Numbers, and dates in days since 1970; NaN in gaps and in columns of levels.
    codes : (m, C) int
        Which of the column's `labels` a cell holds, `NO_CELL` in gaps and in columns of numbers.
    labels : tuple of tuple of str
        The labels that occur in each column.
    """

    numbers: Floats
    codes: Array
    labels: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: Any) -> TableCells:
        """Some rows."""
        return TableCells(self.numbers[rows], self.codes[rows], self.labels)

    def same_rows(self, other: TableCells, outputs: Mask) -> Mask:
        """(m,) whether both hold the same cells, row by row; those of `outputs` (C,) nearly."""
        size = np.nanmax(np.abs(self.numbers), axis=0, initial=0.0)
        slack = np.where(outputs, OUTPUT_AGREEMENT * size, 0.0)
        same = np.abs(self.numbers - other.numbers) <= slack
        same = np.asarray((same | _both_nan(self.numbers, other.numbers)).all(axis=1))
        for j, labels in enumerate(self.labels):
            mine = np.array([*labels, None], dtype=object)[self.codes[:, j]]
            its = np.array([*other.labels[j], None], dtype=object)[other.codes[:, j]]
            same &= mine == its
        return np.asarray(same)


def _both_nan(a: Floats, b: Floats) -> Mask:
    return np.asarray(np.isnan(a) & np.isnan(b))


def read_cells(table: MixedTable, columns: Sequence[Mapping[str, Any]]) -> TableCells:
    """The cells of these columns (descriptions, as in the header of a file).

    Raises
    ------
    DataError
        A column is missing, or a cell is not what its column is.
    """
    missing = [c["source"] for c in columns if c["source"] not in table.names]
    if missing:
        raise DataError(f"{table.source} lacks the column {missing[0]!r}.")
    numbers = np.full((table.n, len(columns)), np.nan)
    codes = np.full((table.n, len(columns)), NO_CELL, dtype=np.int32)
    labels: list[tuple[str, ...]] = []
    for j, column in enumerate(columns):
        cells = table.column(column["source"])
        if column["role"] not in ROLES_OF_LEVELS:
            is_date = column["role"] == "date" or column.get("part")
            numbers[:, j] = cells.days() if is_date else cells.numbers()
            labels.append(())
            continue
        words = cells.labels(ColumnKind(column["kind"]))
        if column["gap_is_level"]:
            words = words.fill_null(LABEL_OF_A_GAP)
        words = pc.dictionary_encode(words)
        codes[:, j] = words.indices.fill_null(NO_CELL).to_numpy(zero_copy_only=False)
        labels.append(tuple(words.dictionary.to_pylist()))
    return TableCells(numbers, codes, tuple(labels))


def level_vertices(n_levels: int) -> Floats:
    """(L, L - 1) the vertices of the levels: Helmert contrasts, rounded to float64."""
    k = np.arange(1, n_levels)
    root = np.sqrt(k * (k + 1))
    above = np.arange(n_levels)[:, None] < k
    return np.asarray(np.where(above, 1 / root, 0.0) - np.eye(n_levels, k=-1)[:, :-1] * (k / root))


def rounded_coordinates(column: Mapping[str, Any], numbers: Floats) -> tuple[Floats, Floats]:
    """Coordinates (m, width) that are rounded, and how far stored ones may be off."""
    if column["role"] == "output":
        size = np.nanmax(np.abs(numbers), initial=0.0)
        return numbers[:, None], np.full((len(numbers), 1), OUTPUT_AGREEMENT * size)
    if column["role"] == "log":
        with np.errstate(invalid="ignore", divide="ignore"):
            values = np.log10(numbers)[:, None]
        return values, COORDINATE_ROUNDOFF * np.abs(values)
    period, radius = column["period"], column["radius"]
    if column["part"]:
        numbers = part_of_date(numbers, column["part"])
    turn = 2 * np.pi * np.fmod(numbers, period) / period
    circle = radius * np.column_stack([np.cos(turn), np.sin(turn)])
    turns = 1 + np.abs(numbers / period)  # the stored fraction of a turn is that of a rounded ratio
    return circle, (8 * COORDINATE_ROUNDOFF * radius * turns)[:, None] * np.ones(2)


def part_of_date(days: Floats, part: str) -> Floats:
    """Where in the year (days), month (as of 12), week (days) or day (hours) dates lie."""
    whole = np.floor(days)
    if part == "hour":
        return np.asarray(24 * (days - whole))
    if part == "weekday":
        return np.asarray(np.fmod(np.fmod(days + 3, 7) + 7, 7))  # 1970-01-01 was a Thursday
    distinct, places = np.unique(whole[~np.isnan(days)], return_inverse=True)
    place_in_part = np.array([_place_in(date(1970, 1, 1) + timedelta(d), part) for d in distinct])
    parts = np.full(len(days), np.nan)
    parts[~np.isnan(days)] = place_in_part[places] if len(distinct) else 0.0
    return parts + (days - whole) * (part == "year")


def _place_in(day: date, part: str) -> float:
    if part == "year":
        return (day - date(day.year, 1, 1)).days
    first = day.replace(day=1)
    following = (first + timedelta(31)).replace(day=1)
    return day.month - 1 + (day - first).days / (following - first).days
