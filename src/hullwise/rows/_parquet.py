"""What a Parquet file holds, and its columns as one array."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError
from ._arrow import known, numbers
from ._values import LARGEST_INTEGER, some


def open_parquet(path: Path, name: str) -> Any:
    """The opened file; every failure is one sentence with its name."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with path.open("rb") as stream:
        start = stream.read(24)
    if not start:
        raise FileError(name, "the file is empty")
    if not start.startswith(b"PAR1"):
        raise FileError(
            name,
            f"is not a Parquet file: it begins with {start!r}; if it is text, name it .csv",
        )
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        text = str(error)
        if "magic" in text or "size is" in text:
            raise FileError(name, "is a truncated Parquet file: its end is missing") from None
        raise FileError(name, f"is a damaged Parquet file ({_sentence(text)})") from None


def _sentence(text: str) -> str:
    return " ".join(text.split())[:200]


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
    import pyarrow.types as types

    bad = [
        f"{c!r} ({schema.field(c).type})"
        for c in features
        if not (
            types.is_boolean(schema.field(c).type)
            or types.is_integer(schema.field(c).type)
            or types.is_floating(schema.field(c).type)
        )
    ]
    if bad:
        listing = ", ".join(bad[:8]) + (f" and {len(bad) - 8} more" if len(bad) > 8 else "")
        good = [c for c in features if not any(b.startswith(f"{c!r} (") for b in bad)]
        hint = f"select the numeric ones with --columns: {some(good)}" if good else "none is left"
        raise FileError(name, f"columns that hold no plain numbers: {listing}; {hint}")


def shared_dtype(schema: Any, features: Sequence[str]) -> np.dtype[Any]:
    """The dtype that holds all features."""
    return np.result_type(*(np.dtype(schema.field(c).type.to_pandas_dtype()) for c in features))


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
    for j, column in enumerate(features):
        array = table.column(column)
        rows: Sequence[int] | NDArray[np.intp] = range(start, start + len(array))
        where: slice | NDArray[np.intp] = slice(None)
        if array.null_count:
            present = known(array)
            if not keep_null:
                _refuse_null(name, array, column, start + int(np.argmin(present)), start)
            values[~present, j] = np.nan
            where = np.flatnonzero(present)
            array, rows = array.drop_null(), start + where
        found = numbers(array)
        if found.dtype.kind in "iu" and found.dtype.itemsize == 8:
            _refuse_inexact(name, found, column, rows)
        values[where, j] = found
    return values


def _refuse_null(name: str, array: Any, column: str, row: int, start: int) -> NoReturn:
    raise FileError(
        name,
        f"row {row} (counted from 0), column {column!r} is empty (null), {array.null_count} in "
        f"the {len(array)} rows from row {start}; nothing is filled in for you: impute them or "
        "drop those rows",
    )


def _refuse_inexact(
    name: str, numbers: NDArray[Any], column: str, rows: Sequence[int] | NDArray[np.intp]
) -> None:
    if numbers.size == 0 or max(int(numbers.max()), -int(numbers.min())) <= LARGEST_INTEGER:
        return
    low = -LARGEST_INTEGER if numbers.dtype.kind == "i" else 0
    i = int(np.argmax((numbers > LARGEST_INTEGER) | (numbers < low)))
    raise FileError(
        name,
        f"row {rows[i]} (counted from 0), column {column!r} holds the integer {numbers[i]}: "
        "beyond 2**53 neighbouring integers are the same float64; subtract an offset from that "
        "column first, or take it as the row id with --id",
    )
