"""Tables whose columns are Arrow's: of Parquet files, of a dataset, of a query."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from os import PathLike, fsdecode
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.memory import HELD_WHOLE, check_memory
from ..errors import DataError, FileError
from ._finite import refuse_bad
from ._parquet_columns import batch_values, index_columns, refuse_types, shared_dtype
from ._parquet_files import ParquetFiles

ValuesAndIds = tuple[NDArray[Any], NDArray[np.object_] | None]
ARROW_BATCH_ROWS = 1 << 16


class RowSpans:
    """Where the rows of a table that is made of several files lie.

    Parameters
    ----------
    names : sequence of str
        The files, in the order of their rows.
    sizes : sequence of int
        Their numbers of rows.
    """

    def __init__(self, names: Sequence[str], sizes: Sequence[int]) -> None:
        self.names, self.sizes = list(names), list(sizes)
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.int64).tolist()

    @property
    def n(self) -> int:
        """All rows."""
        return int(self.starts[-1])

    def place(self, row: int) -> tuple[str, int]:
        """The file of a row, and its number there."""
        i = min(bisect_right(self.starts, row), len(self.names)) - 1
        return self.names[i], row - self.starts[i]

    def labels(self) -> NDArray[np.object_]:
        """(n,) names of the rows, such as "part-0.parquet:17"."""
        each = zip(self.names, self.sizes)
        return object_array([f"{name}:{row}" for name, size in each for row in range(size)])


class ArrowTable(ABC):
    """An `OpenTable` that comes in record batches.

    Attributes
    ----------
    path : str
        What messages call it.
    schema : pyarrow.Schema
    n : int
        Rows.
    spans : RowSpans or None
        The files that its rows come from, where they are several.
    """

    kind, named = ".parquet", True
    path: str
    schema: Any
    n: int
    spans: RowSpans | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All columns."""
        return tuple(self.schema.names)

    @property
    def index(self) -> tuple[str, ...]:
        """The columns in which pandas stored its index."""
        return tuple(index_columns(self.schema))

    @abstractmethod
    def batches(self, columns: Sequence[str]) -> Iterator[Any]:
        """Some columns of all rows in their order; a batch comes from one file."""

    def check_features(self, features: Sequence[str]) -> None:
        """Refuse features that are no numbers."""
        refuse_types(self.path, self.schema, features)

    def place(self, row: int) -> str:
        """Where a row stands, in words."""
        if self.spans is None:
            return f"{self.path}: row {row}"
        name, number = self.spans.place(row)
        return f"{name}: row {number}"

    def ids(self, id_column: str | None) -> NDArray[np.object_] | None:
        """The ids of all rows, read from one column: the index of pandas by default."""
        names = self._id_names(id_column)
        if not names:
            return self._row_labels()
        return object_array([i for batch in self.batches(names) for i in batch[0].to_pylist()])

    def arrow_table(self, columns: Sequence[str]) -> Any:
        """The columns as they are stored, as one pyarrow.Table."""
        import pyarrow as pa

        schema = pa.schema([self.schema.field(c) for c in columns])
        row_bits = sum(_least_bits(field.type) for field in schema)
        check_memory(self.n * row_bits // 8, f"{self.path} in memory", HELD_WHOLE)
        return pa.Table.from_batches(self.batches(columns), schema)

    def read(self, features: list[str], id_column: str | None, keep_bad: bool) -> ValuesAndIds:
        """Values and row ids; NaN and infinity only where `keep_bad`."""
        path, schema = self.path, self.schema
        self.check_features(features)
        single = all(shared_dtype(schema, [c]) in (np.float32, np.float16) for c in features)
        dtype = np.dtype(np.float32 if single else np.float64)
        if self.n == 0:
            raise FileError(path, "found array with 0 sample(s): the file holds no rows")
        check_memory(self.n * len(features) * dtype.itemsize, f"{path} in memory")
        values = np.empty((self.n, len(features)), dtype=dtype)
        id_names = self._id_names(id_column)
        ids: list[object] = []
        start = 0
        for batch in self.batches(list(dict.fromkeys([*features, *id_names]))):
            stop = start + batch.num_rows
            if stop > self.n:
                break
            name, first = (path, start) if self.spans is None else self.spans.place(start)
            values[start:stop] = batch_values(name, batch, features, first, dtype, keep_bad)
            ids += batch.column(id_names[0]).to_pylist() if id_names else []
            start = stop
        if start != self.n:
            raise FileError(
                path, f"is a damaged Parquet file: it has not the {self.n} rows it says"
            )
        labels = object_array(ids) if id_names else self._row_labels()
        if not keep_bad:
            refuse_values(values, path, features, None if id_names else labels)
        return values, labels

    def _id_names(self, id_column: str | None) -> list[str]:
        return [id_column] if id_column is not None else list(self.index[:1])

    def _row_labels(self) -> NDArray[np.object_] | None:
        return None if self.spans is None else self.spans.labels()


class ParquetTable(ArrowTable):
    """One Parquet file or several."""

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = fsdecode(path)
        self._files = ParquetFiles(path)
        self.n, self.schema = self._files.n, self._files.schema

    def check_features(self, features: Sequence[str]) -> None:
        self._files.check_features(features, every=False)

    def batches(self, columns: Sequence[str]) -> Iterator[Any]:
        for decoder in self._files.decoders:
            yield from decoder.batches(columns, ARROW_BATCH_ROWS)


class StoredTable(ArrowTable):
    """A pyarrow.Table in memory, such as the result of a query."""

    def __init__(self, table: Any, name: str) -> None:
        self.path, self._table = name, table
        self.n, self.schema = table.num_rows, table.schema

    def batches(self, columns: Sequence[str]) -> Iterator[Any]:
        yield from self._table.select(list(columns)).to_batches(ARROW_BATCH_ROWS)


def object_array(ids: list[Any]) -> NDArray[np.object_]:
    """A list as a one-dimensional array of objects."""
    array = np.empty(len(ids), dtype=object)
    array[:] = ids
    return array


def refuse_values(
    values: NDArray[Any],
    path: str,
    columns: Sequence[str],
    labels: NDArray[np.object_] | None = None,
) -> None:
    """Refuse NaN, infinity and integers that float64 would round, naming the file."""
    try:
        refuse_bad(values, "the table", 0, columns, labels)
    except DataError as error:
        raise FileError(path, str(error)) from None


def _least_bits(dtype: Any) -> int:
    """Bits that a cell takes at least as Arrow holds it; text is counted as the places of it."""
    try:
        return int(dtype.bit_width)
    except ValueError:
        return 32
