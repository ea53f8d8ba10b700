"""A whole table as coordinates: the columns side by side, gaps as NaN."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from .._core.memory import HELD_WHOLE, check_memory
from .._core.types import Floats, Indices, Mask
from ..errors import DataError
from ..io.coercion import format_names
from ..io.mixed_table import MixedTable, RecordTable
from .cell_coordinates import encode_cell
from .columns import CategoryColumn, Column, LevelColumn


@dataclass(frozen=True, eq=False)
class EncodedRows:
    """Rows of a table as coordinates.

    Attributes
    ----------
    values : (m, D) float64
        NaN where a cell is empty or holds a level never seen.
    unseen : (m, C) bool
        Which columns hold a level never seen, or differ from a constant.
    """

    values: Floats
    unseen: Mask

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, eq=False)
class Coordinates:
    """How rows of a table become coordinates: what a domain needs to know of it.

    Each coordinate belongs to one of the `columns`. A kind of coordinates gives `encode`, and
    `restricted` where it holds more than its columns.

    Attributes
    ----------
    columns : tuple of Column
        Those that give coordinates, and constants.
    """

    columns: tuple[Column, ...]

    @cached_property
    def owner(self) -> Indices:
        """(D,) the column of each coordinate."""
        return np.repeat(np.arange(len(self.columns)), [c.width for c in self.columns])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """(D,) names of the coordinates."""
        return tuple(name for column in self.columns for name in column.coordinate_names)

    @cached_property
    def located_by(self) -> Mask:
        """(C,) the columns that give coordinates."""
        return np.array([column.width > 0 for column in self.columns], dtype=bool)

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The columns of the table that are read."""
        return tuple(dict.fromkeys(column.source for column in self.columns))

    def coordinates_of(self, column: int) -> slice:
        """The coordinates of a column."""
        start = int(np.searchsorted(self.owner, column))
        return slice(start, start + self.columns[column].width)

    def encode(self, table: MixedTable) -> EncodedRows:
        """Rows of a table, whose columns are found by name.

        Raises
        ------
        DataError
            A column is missing, or a cell is not what its column is.
        MemoryLimitError
            The coordinates would not fit in memory.

        Notes
        -----
        O(m D) time and memory.
        """
        raise NotImplementedError

    def restricted(self, keep: Mask) -> Self:
        """The coordinates of some of the columns (C,) only."""
        return replace(self, columns=tuple(c for c, kept in zip(self.columns, keep) if kept))

    def filled(self, values: Floats) -> Mask:
        """(m, C) which columns each row has; constants count as there."""
        filled = np.ones((len(values), len(self.columns)), dtype=bool)
        for j, column in enumerate(self.columns):
            if column.width:
                filled[:, j] = ~np.isnan(values[:, self.coordinates_of(j)]).any(axis=1)
        return filled

    def fixed_weights(self, metric: str) -> Floats:
        """(D,) weight of each coordinate's square, NaN where it is learnt from the rows."""
        return np.concatenate([np.zeros(0), *(c.fixed_weights(metric) for c in self.columns)])

    def indicators(self, table: MixedTable) -> tuple[Floats, tuple[str, ...]]:
        """The rows with one column for each level, as proofs are checked in, and the names."""
        raise NotImplementedError

    def notes_on(self, table: MixedTable) -> tuple[str, ...]:
        """What may surprise of the way that these rows become coordinates."""
        return ()

    def to_indicators(self, directions: Floats) -> Floats:
        """Vectors of coordinates (m, D) as the same vectors with one entry for each level."""
        parts = [np.zeros((len(directions), 0))]
        for j, column in enumerate(self.columns):
            part = directions[:, self.coordinates_of(j)]
            if isinstance(column, CategoryColumn):
                part = part @ column.vertices.T
            parts.append(part)
        return np.hstack(parts)

    def unseen_rate(self, n: int) -> float:
        """Share of honest rows with some level never seen: (N1 + 1) / (n + 1), N1 levels seen once.

        Good (1953) has N1 / n; one more of each, so that none seen once proves nothing.
        """
        once = [
            column.counts.count(1) for column in self.columns if isinstance(column, LevelColumn)
        ]
        return (sum(once) + 1) / (n + 1) if once else 0.0


@dataclass(frozen=True, eq=False)
class TableCoordinates(Coordinates):
    """The columns of a table as coordinates, fitted on training rows.

    Attributes
    ----------
    columns : tuple of Column
        Those that give coordinates, and constants.
    """

    def encode(self, table: MixedTable) -> EncodedRows:
        missing = [name for name in self.sources if name not in table.names]
        if missing:
            raise DataError(
                f"{table.source} lacks the column{'s' * (len(missing) > 1)} "
                f"{format_names(missing)}; it has {format_names(list(table.names)) or 'none'}. "
                "A column without values may be left empty, but must be there."
            )
        if not isinstance(table, RecordTable):
            size = 16 * table.n * len(self.owner)
            check_memory(size, f"{table.source} as coordinates", HELD_WHOLE)
        values = np.empty((table.n, len(self.owner)))
        unseen = np.zeros((table.n, len(self.columns)), dtype=bool)
        stop = 0
        for j, column in enumerate(self.columns):
            start, stop = stop, stop + column.width
            block = values[:, start:stop]
            if isinstance(table, RecordTable) and encode_cell(
                column, table.cell(column.source), block
            ):
                continue
            block[:], unseen[:, j] = column.encode(table.column(column.source))
        return EncodedRows(values, unseen)

    def indicators(self, table: MixedTable) -> tuple[Floats, tuple[str, ...]]:
        parts, names = [np.zeros((table.n, 0))], []
        for column in self.columns:
            cells = table.column(column.source)
            if isinstance(column, CategoryColumn):
                parts.append(column.indicators(cells))
                names += [f"{column.name}={level}" for level in column.levels]
            else:
                parts.append(column.encode(cells)[0])
                names += column.coordinate_names
        return np.hstack(parts), tuple(names)
