"""The columns of a Parquet file: which of them hold numbers, and those as one array."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError, Hint
from ._arrow import arrow_values, is_numeric_type, numpy_dtype, rounded_decimal, valid_mask
from .coercion import LARGEST_INTEGER, format_names

# Rows of columns turned into rows at once: they stay in the cache.
TRANSPOSE_ROWS: Final = 4096


def index_columns(schema: Any) -> list[str]:
    """Columns in which pandas stored its index: labels of rows, no features."""
    try:
        stored = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
        index = stored.get("index_columns", [])
    except (ValueError, AttributeError):
        return []
    return [c for c in index if isinstance(c, str) and c in schema.names]


def refuse_types(name: str, schema: Any, features: Sequence[str]) -> None:
    """Refuse columns that are neither numbers nor bool, listing them all."""
    bad = [
        f"{c!r} ({schema.field(c).type})"
        for c in features
        if not is_numeric_type(schema.field(c).type)
    ]
    if bad:
        listing = ", ".join(bad[:8]) + (f" and {len(bad) - 8} more" if len(bad) > 8 else "")
        good = [c for c in features if not any(b.startswith(f"{c!r} (") for b in bad)]
        problem = f"columns that hold no plain numbers: {listing}"
        if not good:
            raise FileError(name, f"{problem}; none is left")
        raise FileError(name, problem, hint=Hint.NUMERIC_COLUMNS, value=format_names(good))


def shared_dtype(schema: Any, features: Sequence[str]) -> np.dtype[Any]:
    """The dtype that holds all features."""
    return np.result_type(*(numpy_dtype(schema.field(c).type) for c in features))


def batch_values(
    name: str,
    table: Any,
    features: Sequence[str],
    start: int,
    dtype: np.dtype[Any],
    keep_null: bool = False,
) -> NDArray[Any]:
    """Columns of one batch, whose first row is row `start`, as an array (rows, d).

    Raises
    ------
    FileError
        A missing value, unless `keep_null` makes it NaN, or an integer beyond 2**53 that `dtype`
        would round; with its place.
    """
    values = np.empty((table.num_rows, len(features)), dtype=dtype)
    fill_columns(values, name, table, features, start, keep_null)
    return values


def fill_columns(
    values: NDArray[Any],
    name: str,
    table: Any,
    features: Sequence[str],
    start: int,
    keep_null: bool = False,
) -> None:
    """The same into an array (rows, d) that is already there."""
    whole: list[tuple[int, NDArray[Any]]] = []
    for j, column in enumerate(features):
        array = table.column(column)
        rows: Sequence[int] | NDArray[np.intp] = range(start, start + len(array))
        if array.null_count:
            present = valid_mask(array)
            if not keep_null:
                refuse_null(name, array, column, start + int(np.argmin(present)), start)
            values[~present, j] = np.nan
            where = np.flatnonzero(present)
            array = array.drop_null()
            rows, column_values = start + where, arrow_values(array)
            values[where, j] = column_values
        else:
            column_values = arrow_values(array)
            whole.append((j, column_values))
        refuse_rounding(name, array, column_values, column, rows)
    # whole columns would be written across the array, one number in each line of the cache
    for low in range(0, len(values), TRANSPOSE_ROWS):
        part = slice(low, low + TRANSPOSE_ROWS)
        for j, column_values in whole:
            values[part, j] = column_values[part]


def refuse_null(name: str, array: Any, column: str, row: int, start: int) -> NoReturn:
    """Refuse a missing value; `array` holds the rows from row `start` on."""
    raise FileError(
        name,
        f"row {row} (counted from 0), column {column!r} is empty (null), {array.null_count} in "
        f"the {len(array)} rows from row {start}; nothing is filled in for you: impute them or "
        "drop those rows",
    )


def refuse_rounding(
    name: str,
    array: Any,
    values: NDArray[Any],
    column: str,
    rows: Sequence[int] | NDArray[np.intp],
) -> None:
    """Refuse integers beyond 2**53, which float64 would round; `rows` are their numbers."""
    wide = values.dtype.kind in "iu" and values.dtype.itemsize == 8
    i = _rounded_integer(values) if wide else rounded_decimal(array)
    if i is None:
        return
    raise FileError(
        name,
        f"row {rows[i]} (counted from 0), column {column!r} holds the integer "
        f"{array[i].as_py()}: beyond 2**53 neighbouring integers are the same float64",
        hint=Hint.OFFSET_OR_ROW_ID,
    )


def _rounded_integer(values: NDArray[Any]) -> int | None:
    if not values.size or max(int(values.max()), -int(values.min())) <= LARGEST_INTEGER:
        return None
    low = -LARGEST_INTEGER if values.dtype.kind == "i" else 0
    return int(np.argmax((values > LARGEST_INTEGER) | (values < low)))
