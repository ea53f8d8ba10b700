"""Tables from files, read strictly: whatever is no number is refused with its place."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .._core.foreign import own_errors
from .._core.memory import HELD_WHOLE, check_memory
from ..errors import DataError, FileError
from ._byte_source import ByteSource, open_byte_source, refuse_foreign
from ._csv import CsvTable, likely_marks
from ._finite import bad_rows as find_bad_rows
from ._finite import refuse_bad
from ._json_lines import JsonLinesTable, begins_with_object
from ._number_grammar import is_number
from ._parquet_columns import batch_values, shared_dtype
from ._parquet_files import ParquetFiles, is_parquet_set
from ._row_numbers import warn_of_row_numbers
from .file_rows import NpyRows
from .numeric_table import BadRows, NumericTable
from .paths import JSON_SUFFIXES, readable_path, select_features, table_suffix

__all__ = ["NumericTable", "OpenTable", "open_table", "open_table_text", "read_rows", "read_table"]

PARQUET_BATCH_ROWS = 1 << 16
HEAD_OF_TEXT = 1 << 16  # characters of CSV text in which its marks are looked for
HEAD_OF_JSON = 1 << 10  # bytes of a pipe in which JSON lines are known
ValuesAndIds = tuple[NDArray[Any], NDArray[np.object_] | None]


class OpenTable(Protocol):
    """A file whose columns are known and whose rows have not been read.

    Attributes
    ----------
    kind : str
        ``.csv`` for any text, ``.jsonl``, ``.parquet`` or ``.npy``.
    path : str
        The file as messages show it.
    names : tuple of str
        All columns.
    named : bool
        False where the names are only places: x0, x1, ...
    index : tuple of str
        The columns in which pandas stored its index.
    """

    kind: str
    path: str
    names: tuple[str, ...]
    named: bool
    index: tuple[str, ...]

    def read(self, features: list[str], id_column: str | None, keep_bad: bool) -> ValuesAndIds:
        """Values and row ids; NaN and infinity only where `keep_bad`."""
        ...


@own_errors("reading the table")
def read_table(
    path: str | PathLike[str],
    *,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    id_column: str | None = None,
    sep: str | None = None,
    decimal: str = ".",
    header: bool = True,
    bad_rows: BadRows = "refuse",
) -> NumericTable:
    """Read a table of numbers; refuse, with its place, whatever is no number.

    Parameters
    ----------
    path : str or path
        ``.csv``, ``.tsv``, ``.txt``, ``.jsonl`` (each also gzipped), ``.parquet`` or ``.npy``;
        ``~`` is expanded, a pipe is read as CSV or, where it begins with an object, as JSON lines,
        and so is standard input for ``-``. The ``.parquet`` files
        of a folder, or of a pattern such as ``data/*.parquet``, are one table.
    columns : sequence of str, optional
        The features, in this order; all columns by default.
    drop : sequence of str, default=()
        Columns that are no features, such as the target.
    id_column : str, optional
        Column of row ids, numbers or text. The index that pandas stores in a Parquet file is
        taken by default.
    sep : str, optional
        Separator of a text file; a comma by default, a tab for ``.tsv`` and for a ``.txt`` whose
        first line holds one.
    decimal : str, default="."
        Decimal mark of a text file.
    header : bool, default=True
        Whether the first line of a text file holds the names. If not they are x0, x1, ...
    bad_rows : {"refuse", "keep"}, default="refuse"
        Rows with missing or infinite values: an error, or NaN and infinity in `NumericTable.values`
        and a sentence for each such row in `NumericTable.bad`. Text is refused in any case.

    Returns
    -------
    NumericTable

    Warns
    -----
    DataWarning
        A column such as "Unnamed: 0" or "index" counts the rows: it is taken for a feature.

    Raises
    ------
    FileError
        The file cannot be read, or holds text, a missing or infinite value (unless kept), a
        truncated line, an integer beyond 2**53, duplicate names, or not the columns asked for.
    MemoryLimitError
        The table would not fit in memory.

    Notes
    -----
    O(nd) time; memory twice the float64 table for text, once and a batch for Parquet.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "train.csv"
    >>> _ = path.write_text("id,age,weight\\na,30,70.5\\nb,40,80\\n")
    >>> table = read_table(path, id_column="id")
    >>> table
    NumericTable(2 rows, 2 features, float64 from 'train.csv')
    >>> table.columns, list(table.ids)
    (('age', 'weight'), ['a', 'b'])
    """
    return read_rows(
        open_table(path, sep=sep, decimal=decimal, header=header),
        columns=columns,
        drop=drop,
        id_column=id_column,
        bad_rows=bad_rows,
    )


@own_errors("opening the table")
def open_table(
    path: str | PathLike[str],
    *,
    sep: str | None = None,
    decimal: str = ".",
    header: bool = True,
) -> OpenTable:
    """Look at the columns of a file; parameters and errors as in `read_table`."""
    kind = ".parquet" if is_parquet_set(path) else _kind(path)
    if kind == ".npy":
        return NpyTable(path)
    if kind == ".parquet":
        return ParquetTable(path)
    source = open_byte_source(path)
    is_named = os.path.splitext(os.fsdecode(path))[1] != ""
    if kind in JSON_SUFFIXES or (not is_named and begins_with_object(source.head(HEAD_OF_JSON))):
        return JsonLinesTable(source)
    # What arrives from a shell when a tab is meant.
    sep = "\t" if sep in ("\\t", "tab") else sep
    for option, mark in (("sep", sep), ("decimal", decimal)):
        if mark is not None and len(mark.encode()) != 1:
            raise DataError(f"{option}={mark!r}: expected one ASCII character")
    if sep is None:
        first = source.head().split(b"\n", 1)[0]
        sep = "\t" if kind == ".tsv" or (kind == ".txt" and b"\t" in first) else ","
    return CsvTable(source, sep, decimal, header)


@own_errors("reading the table")
def open_table_text(text: str, name: str = "the table") -> CsvTable:
    """Look at the columns of CSV text that is in memory; no file is opened.

    The separator is the likeliest mark of the first line, a comma is the decimal mark where it is
    not between cells, and there is a header unless the first line holds numbers only.

    Raises
    ------
    FileError
        As `read_table`; `name` stands for the path.

    Examples
    --------
    >>> table = open_table_text("age;weight\\n30;70,5\\n")
    >>> table.names, table.decimal
    (('age', 'weight'), ',')
    """
    data = text.encode("utf-8", "surrogatepass")
    refuse_foreign(data[:HEAD_OF_TEXT], name)
    source = ByteSource(name, None, data, gzip=False)
    sep, decimal = likely_marks(text[:HEAD_OF_TEXT])
    first = next((cells for _, cells in source.records(sep) if any(map(str.strip, cells))), [])
    header = not (first and all(is_number(cell, decimal) for cell in first))
    return CsvTable(source, sep, decimal, header)


@own_errors("reading the table")
def read_rows(
    table: OpenTable,
    *,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    id_column: str | None = None,
    bad_rows: BadRows = "refuse",
) -> NumericTable:
    """Read the rows of a table that was opened; again gives the same, from a pipe too.

    Parameters are those of `read_table`.

    Raises
    ------
    FileError, MemoryLimitError
        As `read_table`.
    """
    keep = bad_rows == "keep"
    drop = [drop] if isinstance(drop, str) else drop
    index = table.index if columns is None else ()
    features = select_features(table.path, table.names, columns, [*drop, *index], id_column)
    values, ids = table.read(features, id_column, keep)
    if table.named:
        warn_of_row_numbers(values, features, table.path, stacklevel=3)
    bad = find_bad_rows(values, features) if keep else {}
    return NumericTable(values, tuple(features), ids, table.path, bad)


def _kind(path: str | PathLike[str]) -> str:
    if os.fsdecode(path) == "-":
        return ".csv"
    try:
        return table_suffix(path)
    except FileError:
        # A missing or forbidden path deserves that sentence; a pipe has no suffix at all.
        if stat.S_ISREG(readable_path(path).stat().st_mode):
            raise
        return ".csv"


class NpyTable:
    """An `OpenTable` of a ``.npy`` file."""

    kind, named = ".npy", False
    index: tuple[str, ...] = ()

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = os.fsdecode(path)
        self._rows = NpyRows(path)
        self.names = tuple(f"x{j}" for j in range(self._rows.d))

    def read(self, features: list[str], id_column: str | None, keep_bad: bool) -> ValuesAndIds:
        n, stored_dtype = self._rows.n, self._rows.dtype
        single = stored_dtype.kind == "f" and stored_dtype.itemsize == 4
        dtype = np.dtype(np.float32 if single else np.float64)
        check_memory(n * len(features) * dtype.itemsize, f"{self.path} in memory")
        stored = self._rows.block(0, n)
        places = [self.names.index(c) for c in features]
        chosen = stored if features == list(self.names) else stored[:, places]
        if not (keep_bad and stored_dtype.kind == "f"):
            _refuse_values(chosen, self.path, features)
        ids = None
        if id_column is not None:
            ids = _object_array(stored[:, self.names.index(id_column)].tolist())
        return np.ascontiguousarray(chosen, dtype=dtype), ids


def _least_bits(dtype: Any) -> int:
    """Bits that a cell takes at least as Arrow holds it; text is counted as the places of it."""
    try:
        return int(dtype.bit_width)
    except ValueError:
        return 32


class ParquetTable:
    """An `OpenTable` of one Parquet file or several."""

    kind, named = ".parquet", True

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = os.fsdecode(path)
        self._files = ParquetFiles(path)
        self.n, self.index = self._files.n, self._files.index
        self.names = tuple(self._files.schema.names)

    def ids(self, id_column: str | None) -> NDArray[np.object_] | None:
        """The ids of all rows, read from one column: the index of pandas by default."""
        names = self._id_names(id_column)
        if not names:
            return None
        return _object_array([i for batch in self._batches(names) for i in batch[0].to_pylist()])

    def arrow_table(self, columns: Sequence[str]) -> Any:
        """The columns as they are stored, as one pyarrow.Table."""
        import pyarrow as pa

        schema = pa.schema([self._files.schema.field(c) for c in columns])
        row_bits = sum(_least_bits(field.type) for field in schema)
        check_memory(self.n * row_bits // 8, f"{self.path} in memory", HELD_WHOLE)
        return pa.Table.from_batches(self._batches(columns), schema)

    def _batches(self, columns: Sequence[str]) -> Iterator[Any]:
        for decoder in self._files.decoders:
            yield from decoder.batches(columns, PARQUET_BATCH_ROWS)

    def _id_names(self, id_column: str | None) -> list[str]:
        return [id_column] if id_column is not None else list(self.index[:1])

    def read(self, features: list[str], id_column: str | None, keep_bad: bool) -> ValuesAndIds:
        path, schema = self.path, self._files.schema
        self._files.check_features(features, every=False)
        single = all(shared_dtype(schema, [c]) in (np.float32, np.float16) for c in features)
        dtype = np.dtype(np.float32 if single else np.float64)
        if self.n == 0:
            raise FileError(path, "found array with 0 sample(s): the file holds no rows")
        check_memory(self.n * len(features) * dtype.itemsize, f"{path} in memory")
        values = np.empty((self.n, len(features)), dtype=dtype)
        id_names = self._id_names(id_column)
        ids: list[object] = []
        start = 0
        for batch in self._batches(list(dict.fromkeys([*features, *id_names]))):
            stop = start + batch.num_rows
            if stop > self.n:
                break
            values[start:stop] = batch_values(path, batch, features, start, dtype, keep_bad)
            ids += batch.column(id_names[0]).to_pylist() if id_names else []
            start = stop
        if start != self.n:
            raise FileError(
                path, f"is a damaged Parquet file: it has not the {self.n} rows it says"
            )
        if not keep_bad:
            _refuse_values(values, path, features)
        return values, _object_array(ids) if id_names else None


def _object_array(ids: list[Any]) -> NDArray[np.object_]:
    array = np.empty(len(ids), dtype=object)
    array[:] = ids
    return array


def _refuse_values(values: NDArray[Any], path: str, columns: Sequence[str]) -> None:
    try:
        refuse_bad(values, "the table", 0, columns, None)
    except DataError as error:
        raise FileError(path, str(error)) from None
