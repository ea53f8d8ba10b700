"""What a Parquet file holds, and its columns as one array."""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError, Hint
from ._arrow import arrow_values, valid_mask
from ._file_part import CHANGED
from .coercion import LARGEST_INTEGER, format_names

DECODE_BYTES: Final = 1 << 20  # bytes of columns decoded at once: they stay in the cache
CACHE_LINE_COLUMNS: Final = (
    8  # columns written to an array together: numbers in one line of the cache
)
TRANSPOSE_ROWS: Final = 4096  # rows of columns turned into rows at once: they stay in the cache


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
        problem = f"columns that hold no plain numbers: {listing}"
        if not good:
            raise FileError(name, f"{problem}; none is left")
        raise FileError(name, problem, hint=Hint.NUMERIC_COLUMNS, value=format_names(good))


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
                _refuse_null(name, array, column, start + int(np.argmin(present)), start)
            values[~present, j] = np.nan
            where = np.flatnonzero(present)
            rows, column_values = start + where, arrow_values(array.drop_null())
            values[where, j] = column_values
        else:
            column_values = arrow_values(array)
            whole.append((j, column_values))
        if column_values.dtype.kind in "iu" and column_values.dtype.itemsize == 8:
            _refuse_inexact(name, column_values, column, rows)
    # whole columns would be written across the array, one number in each line of the cache
    for low in range(0, len(values), TRANSPOSE_ROWS):
        part = slice(low, low + TRANSPOSE_ROWS)
        for j, column_values in whole:
            values[part, j] = column_values[part]


class ParquetDecoder:
    """Row groups of one Parquet file as arrays, from several threads at once.

    The file is mapped anew for each read: no thread shares a handle, no page stays mapped, and the
    system is told which pages come next. Beside the array it makes, a thread holds at most eight
    columns of the group, or 1 MiB of them where that is more.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        file = open_parquet(path, name)
        self.schema, self.metadata = file.schema_arrow, file.metadata
        self.bytes = path.stat().st_size
        self.sizes = [self.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
        self.starts = np.concatenate([[0], np.cumsum(self.sizes, dtype=np.intp)])
        leaves = self.metadata.schema
        self._place = {leaves.column(j).path: j for j in range(self.metadata.num_columns)}

    def read(self, groups: range, features: Sequence[str], dtype: np.dtype[Any]) -> NDArray[Any]:
        """All rows of consecutive groups."""
        first, last = int(self.starts[groups.start]), int(self.starts[groups.stop])
        values = np.empty((last - first, len(features)), dtype)
        for part, table in self._parts(groups, features, CACHE_LINE_COLUMNS):
            fill_columns(values[:, part], self.name, table, features[part], first)
        return values

    def take(
        self, groups: range, features: Sequence[str], rows: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Some rows of consecutive groups, counted from the first row of the first one."""
        first = int(self.starts[groups.start])
        values = np.empty((len(rows), len(features)))
        for part, table in self._parts(groups, features, 1):
            for j, column in enumerate(features[part], part.start):
                array = table.column(column)
                if array.null_count:
                    row = first + int(np.argmin(valid_mask(array)))
                    _refuse_null(self.name, array, column, row, first)
                column_values = arrow_values(array)[rows]
                if column_values.dtype.kind in "iu" and column_values.dtype.itemsize == 8:
                    _refuse_inexact(self.name, column_values, column, first + rows)
                values[:, j] = column_values
        return values

    def _parts(
        self, groups: range, features: Sequence[str], least: int
    ) -> Iterator[tuple[slice, Any]]:
        """The groups' columns, a few at a time."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = int(self.starts[groups.stop] - self.starts[groups.start])
        step = max(least, DECODE_BYTES // (8 * max(1, rows)))
        try:
            mapped = self._map(groups, features)
            source = pa.BufferReader(pa.py_buffer(mapped))
            file = pq.ParquetFile(source, metadata=self.metadata, pre_buffer=False)
            for j in range(0, len(features), step):
                part = slice(j, min(j + step, len(features)))
                names = list(features[part])
                yield part, file.read_row_groups(list(groups), columns=names, use_threads=False)
        except MemoryError:  # an ArrowException too
            raise
        except (pa.ArrowException, OSError, ValueError) as error:
            which = f"row group {groups.start}"
            if len(groups) > 1:
                which = f"one of the row groups {groups.start} to {groups.stop - 1}"
            text = _sentence(str(error))
            raise FileError(self.name, f"{which} cannot be read ({text})") from None

    def _map(self, groups: range, features: Sequence[str]) -> mmap.mmap:
        """The mapped file, of which the system is to fetch the groups now."""
        with self.path.open("rb") as stream:
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        if len(mapped) != self.bytes:  # to read past its end would end the process
            raise FileError(self.name, CHANGED)
        if hasattr(mapped, "madvise"):
            places = [self._place[c] for c in features if c in self._place]
            low, high = self.bytes, 0
            for g in groups if places else ():
                group = self.metadata.row_group(g)
                for column in (group.column(min(places)), group.column(max(places))):
                    start = column.dictionary_page_offset or column.data_page_offset
                    low, high = min(low, start), max(high, start + column.total_compressed_size)
            low -= low % mmap.ALLOCATIONGRANULARITY
            if low < high <= self.bytes:
                mapped.madvise(mmap.MADV_WILLNEED, low, high - low)
        return mapped


def _refuse_null(name: str, array: Any, column: str, row: int, start: int) -> NoReturn:
    raise FileError(
        name,
        f"row {row} (counted from 0), column {column!r} is empty (null), {array.null_count} in "
        f"the {len(array)} rows from row {start}; nothing is filled in for you: impute them or "
        "drop those rows",
    )


def _refuse_inexact(
    name: str, values: NDArray[Any], column: str, rows: Sequence[int] | NDArray[np.intp]
) -> None:
    if values.size == 0 or max(int(values.max()), -int(values.min())) <= LARGEST_INTEGER:
        return
    low = -LARGEST_INTEGER if values.dtype.kind == "i" else 0
    i = int(np.argmax((values > LARGEST_INTEGER) | (values < low)))
    raise FileError(
        name,
        f"row {rows[i]} (counted from 0), column {column!r} holds the integer {values[i]}: "
        "beyond 2**53 neighbouring integers are the same float64",
        hint=Hint.OFFSET_OR_ROW_ID,
    )
