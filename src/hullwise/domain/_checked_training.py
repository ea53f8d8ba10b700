"""The training rows as the checker of proofs reads them, from their table where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.types import Indices, Mask
from ..errors import DataError
from ..io.mixed_table import MixedTable
from ._cells_of_outputs import cells_of
from ._checked_rows import CheckedColumns, CheckedRows

if TYPE_CHECKING:
    from .fitted_table import FittedTable


def training_rows(fitted: FittedTable, table: MixedTable | None) -> CheckedRows:
    """The training rows as the checker reads them: from their table, or those that were kept.

    Raises
    ------
    DataError
        The table is not that of the domain: it says where they differ.
    """
    columns = tuple(column.to_json() for column in fitted.coordinates.columns)
    layout = CheckedColumns(columns)
    segments = None if fitted.segments is None else fitted.segments.codes
    kept = layout.stored_rows(fitted.values, segments)
    if table is None:
        return kept
    cells = cells_of(fitted.coordinates, table)
    for j, column in enumerate(columns):
        if column["role"] in ("category", "constant") and "outputs" not in column:
            _compare_levels(table.source, column, set(cells.labels[j]))
    stored = np.full((table.n, len(layout.owner)), np.nan)
    complete = np.arange(table.n)
    if table.n != len(fitted):  # rows with gaps were left out
        has_all = np.ones(table.n, dtype=bool)
        for j, width in enumerate(layout.widths):
            if width:
                has_all &= ~np.isnan(cells.numbers[:, j]) | (cells.codes[:, j] >= 0)
        complete = np.flatnonzero(has_all)
    if len(complete) != len(fitted):
        raise DataError(
            f"{table.source} is another table: it has {table.n:,} rows, and the domain was fitted "
            f"on {len(fitted):,}."
        )
    stored = np.asarray(fitted.values, dtype=np.float64)
    rows, wrong = layout.rows(cells.take(complete), stored)
    _compare_rows(table.source, rows, kept, wrong, complete)
    return rows


def _compare_levels(source: str, column: Mapping[str, Any], labels: set[str]) -> None:
    levels = set(column["levels"])
    if labels != levels:
        wrong = sorted(labels ^ levels)[0]
        raise DataError(
            f"{source} is another table: column {column['name']!r} has the level {wrong!r} in one "
            "of the two only."
        )


def _compare_rows(
    source: str, rows: CheckedRows, kept: CheckedRows, wrong: Mask, numbers: Indices
) -> None:
    same = (rows.numbers == kept.numbers) | (np.isnan(rows.numbers) & np.isnan(kept.numbers))
    same_codes = rows.codes == kept.codes
    for j, column in enumerate(rows.layout.columns):
        if not rows.layout.widths[j]:
            continue
        is_same = same[:, rows.layout.owner == j].all(axis=1) & same_codes[:, j]
        is_same &= ~wrong[:, j]
        if not is_same.all():
            row = int(numbers[np.argmin(is_same)])
            raise DataError(
                f"{source} is another table: row {row} holds another value in column "
                f"{column['name']!r} than the domain."
            )
