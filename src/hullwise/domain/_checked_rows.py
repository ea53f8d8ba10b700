"""Rows of a table in the coordinates in which proofs are checked: numbers, and levels by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._core.types import Array, Floats, Indices, Mask
from ..errors import DataError
from ._checked_cells import (
    NEVER_SEEN,
    NO_CELL,
    ROLES_OF_LEVELS,
    TableCells,
    level_vertices,
    rounded_coordinates,
)

WIDTHS = {
    "periodic": 2,
    "constant": 0,
    "levels": 0,
    "segment": 0,
}  # coordinates of a column, 1 where not said
ROUNDED_ROLES = ("log", "periodic", "output")


@dataclass(frozen=True, eq=False)
class CheckedColumns:
    """What each column of a domain is, from its description in the header of a file alone."""

    columns: tuple[Mapping[str, Any], ...]

    @cached_property
    def widths(self) -> Indices:
        """(C,) number of coordinates of each column."""
        return np.array(
            [
                len(c["levels"]) - 1 if c["role"] == "category" else WIDTHS.get(c["role"], 1)
                for c in self.columns
            ],
            dtype=np.intp,
        )

    @cached_property
    def owner(self) -> Indices:
        """(D,) the column of each coordinate."""
        return np.repeat(np.arange(len(self.columns)), self.widths)

    @cached_property
    def categories(self) -> tuple[int, ...]:
        """The columns whose levels are vertices; one level alone has no coordinate."""
        has_levels = [c["role"] == "category" and len(c["levels"]) > 1 for c in self.columns]
        return tuple(np.flatnonzero(has_levels).tolist())

    @cached_property
    def vertices(self) -> dict[int, Floats]:
        """The vertices of the levels of each category."""
        return {j: level_vertices(len(self.columns[j]["levels"])) for j in self.categories}

    @cached_property
    def is_rounded(self) -> Mask:
        """(D,) coordinates that are logarithms, on circles or outputs of a transformer."""
        rounded = [c["role"] in ROUNDED_ROLES for c in self.columns]
        return np.repeat(np.array(rounded, dtype=bool), self.widths)

    def rows(self, cells: TableCells, stored: Floats) -> tuple[CheckedRows, Mask]:
        """Cells in these coordinates, where rounded ones are those `stored` (m, D) if near enough.

        And (m, C) the cells of which they are not.
        """
        wrong = np.zeros(cells.codes.shape, dtype=bool)
        numbers = np.full((len(cells), len(self.owner)), np.nan)
        codes = np.full(cells.codes.shape, NO_CELL, dtype=np.int32)
        for j, column in enumerate(self.columns):
            at = self.owner == j
            if column["role"] in ROLES_OF_LEVELS:
                known = {level: number for number, level in enumerate(column["levels"])}
                number = [known.get(label, NEVER_SEEN) for label in cells.labels[j]]
                codes[:, j] = np.array([*number, NO_CELL], dtype=np.int32)[cells.codes[:, j]]
                if column["role"] == "ordered":
                    numbers[:, at] = np.where(codes[:, j] < 0, np.nan, codes[:, j])[:, None]
            elif column["role"] in ROUNDED_ROLES:
                own, slack = rounded_coordinates(column, cells.numbers[:, j])
                near = np.abs(own - stored[:, at]) <= slack
                wrong[:, j] = ~(near | (np.isnan(own) & np.isnan(stored[:, at]))).all(axis=1)
                numbers[:, at] = np.where(near, stored[:, at], own)
            else:
                numbers[:, at] = cells.numbers[:, [j]]
        return CheckedRows(self, numbers, codes), wrong

    def stored_rows(self, stored: Floats, segments: Indices | None = None) -> CheckedRows:
        """Rows that were stored as coordinates (n, D), their vertices read as levels again.

        `segments` (n,) are the levels of the column of segments, which has no coordinates.

        Raises
        ------
        DataError
            A row lies on no vertex.
        """
        numbers = np.array(stored, dtype=np.float64)
        codes = np.full((len(stored), len(self.columns)), NO_CELL, dtype=np.int32)
        for j, column in enumerate(self.columns):
            block = numbers[:, self.owner == j]
            has_one_level = column["role"] == "category" and not self.widths[j]
            if column["role"] in ("constant", "levels") or has_one_level:
                codes[:, j] = 0
            elif column["role"] == "segment" and segments is not None:
                codes[:, j] = segments
            elif column["role"] == "ordered":
                codes[:, j] = np.where(np.isnan(block[:, 0]), NO_CELL, block[:, 0])
            elif column["role"] == "category":
                negative = block < 0  # level k has its one negative entry at k - 1, level 0 none
                code = np.where(negative.any(axis=1), negative.argmax(axis=1) + 1, 0)
                empty = np.isnan(block).any(axis=1)
                if not (empty | (self.vertices[j][code] == block).all(axis=1)).all():
                    raise DataError(f"column {column['name']!r}: a stored row holds no level.")
                codes[:, j] = np.where(empty, NO_CELL, code)
        numbers[:, np.isin(self.owner, self.categories)] = np.nan
        return CheckedRows(self, numbers, codes)


@dataclass(frozen=True, eq=False)
class CheckedRows:
    """Rows in the coordinates in which proofs are checked.

    Attributes
    ----------
    layout : CheckedColumns
    numbers : (m, D) float64
        Coordinates that are numbers; NaN in gaps and at categories.
    codes : (m, C) int
        The level of each category, ordered column or constant, `NO_CELL` or `NEVER_SEEN`.
    """

    layout: CheckedColumns
    numbers: Floats
    codes: Array

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: Any) -> CheckedRows:
        """Some rows."""
        return CheckedRows(self.layout, self.numbers[rows], self.codes[rows])

    @cached_property
    def present(self) -> Mask:
        """(m, C) the columns by which each row is located; a constant always counts."""
        present = self.codes >= 0
        for j, column in enumerate(self.layout.columns):
            if column["role"] not in ROLES_OF_LEVELS:
                present[:, j] = ~np.isnan(self.numbers[:, self.layout.owner == j]).any(axis=1)
            elif not self.layout.widths[j]:
                present[:, j] = True
        return present

    @property
    def never_seen(self) -> Mask:
        """(m, C) cells that hold a level of no training row."""
        return np.asarray(self.codes == NEVER_SEEN)

    def coordinates(self, columns: Sequence[int]) -> Floats:
        """(m, k) the rows in the coordinates of these columns, levels as vertices."""
        parts = [np.zeros((len(self), 0))]
        for j in columns:
            if j in self.layout.vertices:
                parts.append(self.layout.vertices[j][self.codes[:, j]])
            else:
                parts.append(self.numbers[:, self.layout.owner == j])
        return np.hstack(parts)
