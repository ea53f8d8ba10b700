"""Rows as dictionaries, as JSON gives them, as the columns of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import DataTypeError
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
    wrong = [key for key in names if not isinstance(key, str)]
    if wrong:
        raise DataTypeError(f"{name} has names that are no text: {format_names(wrong)}.")
    columns = {}
    for key in names:
        cells = [plain_cell(row.get(key)) for row in rows]
        try:
            columns[key] = pa.array(cells)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            # Numbers beside text: one of the two is wrong, and the reader of the text says which.
            texts = [None if cell is None else str(cell) for cell in cells]
            columns[key] = pa.array(texts, pa.string())
    return pa.table(columns)


def plain_cell(value: Any) -> Any:
    """A cell of a record as a plain value."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and np.isnan(value):
        return None
    return value
