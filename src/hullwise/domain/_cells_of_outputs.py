"""The outputs of a transformer as cells: what proofs are about where a domain has one."""

from __future__ import annotations

import numpy as np

from ..io.mixed_table import MixedTable
from ..table.columns import SegmentColumn
from ..table.coordinates import Coordinates
from ..table.output_columns import KnownLevels, OutputBlock
from ..table.transformed_coordinates import TransformedCoordinates
from ._checked_cells import NO_CELL, TableCells, read_cells

NEW_LEVEL = "(a level never seen)"


def cells_of(coordinates: Coordinates, table: MixedTable) -> TableCells:
    """The cells of a table that its coordinates come from; with a transformer, its outputs.

    Raises
    ------
    DataError
        A column is missing, or a cell is not what its column is.
    """
    columns = coordinates.columns
    if not isinstance(coordinates, TransformedCoordinates):
        return read_cells(table, [column.to_json() for column in columns])
    encoded = coordinates.encode(table)
    numbers = np.full((table.n, len(columns)), np.nan)
    codes = np.full((table.n, len(columns)), NO_CELL, dtype=np.int32)
    labels: list[tuple[str, ...]] = [()] * len(columns)
    for j, column in enumerate(columns):
        block = encoded.values[:, coordinates.coordinates_of(j)]
        if isinstance(column, KnownLevels | SegmentColumn):
            own = read_cells(table, [column.to_json()])
            codes[:, j], labels[j] = own.codes[:, 0], own.labels[0]
        elif isinstance(column, OutputBlock):
            there = np.flatnonzero(~np.isnan(block).any(axis=1) & ~encoded.unseen[:, j])
            codes[there, j] = column.level_numbers(block[there])
            codes[encoded.unseen[:, j], j] = len(column.levels)
            labels[j] = (*column.levels, NEW_LEVEL)
        else:
            numbers[:, j] = block[:, 0]
    return TableCells(numbers, codes, tuple(labels))
