"""Rows as dictionaries, as JSON gives them, and dictionaries of columns, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import DataError, DataTypeError
from .coercion import format_names


def record_columns(rows: Sequence[Mapping[str, Any]], name: str) -> Any:
    """Rows as a pyarrow.Table; a name that a row lacks is a gap in it.

    Raises
    ------
    DataTypeError
        Names that are no text.
    """
    import pyarrow as pa

    names = list(dict.fromkeys(key for row in rows for key in row))
    _check_names(names, name)
    return pa.table({key: _arrow_column([row.get(key) for row in rows]) for key in names})


def holds_columns(table: Mapping[str, Any]) -> bool:
    """Whether a dictionary holds columns, not the cells of one row."""
    return bool(table) and all(map(_is_column, table.values()))


def _is_column(cells: Any) -> bool:
    if isinstance(cells, list | tuple):
        return True
    is_scalar = isinstance(cells, str | np.generic)
    return not is_scalar and hasattr(cells, "__array__") and np.ndim(cells) == 1


def column_table(columns: Mapping[str, Any], name: str) -> Any:
    """A dictionary of columns as a pyarrow.Table.

    Raises
    ------
    DataTypeError
        Names that are no text.
    DataError
        Columns of several lengths.
    """
    import pyarrow as pa

    _check_names(list(columns), name)
    lengths = {key: len(cells) for key, cells in columns.items()}
    if len({*lengths.values()}) > 1:
        listed = ", ".join(f"{key!r} {n}" for key, n in list(lengths.items())[:6])
        raise DataError(
            f"{name} has columns of several lengths ({listed}): each needs one cell for each row."
        )
    return pa.table({key: _arrow_column(_plain_cells(cells)) for key, cells in columns.items()})


def _plain_cells(column: Any) -> Any:
    """A column whose cells Arrow reads: an array of times as it is, else cell by cell."""
    values = np.asarray(column) if hasattr(column, "__array__") else column
    is_time = isinstance(values, np.ndarray) and values.dtype.kind in "mM"
    return values if is_time else list(column)


def _check_names(names: Sequence[Any], table: str) -> None:
    wrong = [key for key in names if not isinstance(key, str)]
    if wrong:
        raise DataTypeError(f"{table} has names that are no text: {format_names(wrong)}.")


def _arrow_column(cells: Any) -> Any:
    import pyarrow as pa

    if not isinstance(cells, np.ndarray):
        cells = [plain_cell(cell) for cell in cells]
    try:
        return pa.array(cells)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        # Numbers beside text: one of the two is wrong, and the reader of the text says which.
        return pa.array([None if cell is None else str(cell) for cell in cells], pa.string())


def plain_cell(value: Any) -> Any:
    """A cell of a record as a plain value."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and np.isnan(value):
        return None
    return value
