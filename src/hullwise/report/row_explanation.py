"""One row in words: where it stands, why, and what lies nearest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..table.columns import ConstantColumn, LevelColumn
from ..table.decoding import decode
from .words import NBSP, format_number, printable

if TYPE_CHECKING:
    from ..domain.column_comparisons import ColumnComparison
    from ..domain.domain_location import DomainLocation
    from ..domain.fitted_table import FittedTable
    from ..domain.pattern_location import PatternLocation

__all__ = ["nearest_cells", "part_of_row", "row_sentences_of", "row_title"]

REASONS_IN_WORDS = 3
LEAST_SHARE_TOLD = 0.02  # of the largest reason
TITLES = {
    "inside": "Inside the data: this very row is a weighted average of training rows.",
    "inside by its cells": "Inside the data, by the cells that this row has.",
    "core": "Close to the data: outside, but no farther than half of the training rows are.",
    "edge": "At the edge of the data: farther out than {rank} of the training rows.",
    "beyond": "Beyond the data: farther out than {rank} of the training rows.",
    "far": "Far out: farther than every training row that was left out.",
    "unknown": "Not settled: how far out this row is could not be proved.",
}


def part_of_row(location: DomainLocation, row: int) -> tuple[PatternLocation, int] | None:
    """The rows with the same gaps, and the place of a row among them; None where it has none."""
    for part in location.parts:
        places = np.flatnonzero(part.rows == row)
        if len(places):
            return part, int(places[0])
    return None


def row_title(location: DomainLocation, row: int) -> str:
    """Where a row stands, in one sentence.

    Examples
    --------
    >>> import hullwise as hw
    >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(60)]
    >>> where = hw.Domain().fit(rows).locate([{"job": "smith", "age": 3}, {"age": 80}])
    >>> row_title(where, 0)
    "Far out, by name: job 'smith' was never seen."
    >>> row_title(where, 1)
    'Far out: farther than every training row that was left out.'
    """
    if row in location.unusable:
        return f"Not located: {location.unusable[row]}."
    if location.unseen[row].any():
        return _by_name(location, row)
    if not (location.filled[row] & location.coordinates.located_by).any():
        return "Not located: all its cells are empty."
    if part_of_row(location, row) is None:
        return "Not located: too few training rows have the columns that this row has."
    band, rank = str(location.band[row]), float(location.hull_percentile[row])
    kind = "inside" if location.verdict[row] > 0 else band
    if kind == "inside" and location.located_without(row):
        kind = "inside by its cells"
    share = f"{format_number(np.floor(rank * 10) / 10)}{NBSP}%"
    return TITLES[kind].format(rank=share)


def _by_name(location: DomainLocation, row: int) -> str:
    texts = []
    for j in np.flatnonzero(location.unseen[row]).tolist():
        column = location.coordinates.columns[j]
        cell = f"{printable(column.name, 40)} {printable(location.cells[row, j], 40)!r}"
        if isinstance(column, ConstantColumn):
            texts.append(f"{cell}, which was always {printable(column.levels[0], 40)!r}")
        else:
            texts.append(f"{cell} was never seen")
    return f"Far out, by name: {'; '.join(texts[:REASONS_IN_WORDS])}."


def row_sentences_of(
    location: DomainLocation, row: int, columns: tuple[ColumnComparison, ...]
) -> list[str]:
    """Why a row stands there, a sentence for each of the first reasons."""
    changes = sorted((c for c in columns if c.share > 0), key=lambda c: -c.share)
    least = LEAST_SHARE_TOLD * changes[0].share if changes else 0.0
    texts = [_reason(c) for c in changes[:REASONS_IN_WORDS] if c.share >= least]
    lacking = [c for c in location.located_without(row) if not _is_unseen(columns, c)]
    if lacking:
        listed = ", ".join(printable(name, 40) for name in lacking[:8])
        more = ", ..." * (len(lacking) > 8)
        they = "it is" if len(lacking) == 1 else "they are"
        texts.append(
            f"Empty here: {listed}{more}. However {they} filled, the row is at least as far out."
        )
    return texts


def _is_unseen(columns: tuple[ColumnComparison, ...], name: str) -> bool:
    return any(c.is_unseen for c in columns if c.name == name)


def _reason(column: ColumnComparison) -> str:
    name, value = printable(column.name, 40), printable(column.value, 60)
    nearest = printable(column.nearest.removesuffix(", ..."), 90).replace(" %", f"{NBSP}%")
    if column.role == "category":
        return f"{name} is {value}; the nearest mixture of training rows is {nearest}."
    way = "high" if column.amount > 0 else "low"
    return (
        f"{name} is too {way}: {value}, where the nearest mixture of training rows has {nearest}."
    )


def nearest_cells(location: DomainLocation, row: int) -> list[dict[str, Any]]:
    """The nearest training rows, nearest first: ``row``, its name, and its ``cells`` by column.

    Examples
    --------
    >>> import hullwise as hw
    >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(60)]
    >>> where = hw.Domain().fit(rows).locate([{"job": "clerk", "age": 80}])
    >>> nearest_cells(where, 0)[0]
    {'row': 119, 'cells': {'job': 'clerk', 'age': 59}}
    """
    place = part_of_row(location, row)
    if place is None or location.new_rows is None:
        return []
    part, number = place
    fitted = location.new_rows.fitted
    rows = part.pattern.rows[part.location[[number]].nearest_rows[0]].tolist()
    names = rows if fitted.labels is None else fitted.labels[rows].tolist()
    return [{"row": name, "cells": _training_cells(fitted, r)} for name, r in zip(names, rows)]


def _training_cells(fitted: FittedTable, row: int) -> dict[str, Any]:
    """A training row as cells, from its coordinates."""
    coordinates, cells = fitted.values[row], dict[str, Any]()
    for j, column in enumerate(fitted.coordinates.columns):
        own = coordinates[fitted.coordinates.coordinates_of(j)]
        if column.width:
            cells[column.name] = None if np.isnan(own).any() else _rounded(decode(column, own))
        elif fitted.segments is not None and column.name == fitted.segments.column:
            assert isinstance(column, LevelColumn)
            cells[column.name] = column.levels[fitted.segments.codes[row]]
    return cells


def _rounded(cell: Any) -> Any:
    return float(f"{cell:.9g}") if isinstance(cell, float) else cell
