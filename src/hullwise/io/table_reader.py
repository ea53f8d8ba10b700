"""Tables from files, read strictly: whatever is no number is refused with its place."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from os import PathLike
from typing import Protocol

import numpy as np

from .._core.foreign import own_errors
from .._core.memory import check_memory
from .._core.types import Objects
from ..errors import DataError, FileError
from ._byte_source import ByteSource, open_byte_source, refuse_foreign
from ._csv import CsvTable, likely_marks
from ._finite import bad_rows as find_bad_rows
from ._json_lines import JsonLinesTable, begins_with_object
from ._number_grammar import is_number
from ._parquet_files import is_parquet_set
from ._row_numbers import warn_of_row_numbers
from .arrow_table import ParquetTable, ValuesAndIds, object_array, refuse_values
from .dataset_table import is_dataset_path, open_dataset
from .file_rows import NpyRows
from .numeric_table import BadRows, NumericTable
from .paths import JSON_SUFFIXES, readable_path, select_features, table_suffix
from .sql_query import SqlQuery

__all__ = ["NumericTable", "OpenTable", "open_table", "open_table_text", "read_rows", "read_table"]

HEAD_OF_TEXT = 1 << 16  # characters of CSV text in which its marks are looked for
HEAD_OF_JSON = 1 << 10  # bytes of a pipe in which JSON lines are known


class OpenTable(Protocol):
    """A file whose columns are known and whose rows have not been read.

    Attributes
    ----------
    kind : str
        ``.csv`` for any text, ``.jsonl``, ``.parquet`` or ``.npy``.
    path : str
        The file as messages show it.
    named : bool
        False where the names are only places: x0, x1, ...
    """

    kind: str
    path: str
    named: bool

    @property
    def names(self) -> tuple[str, ...]:
        """All columns."""
        ...

    @property
    def index(self) -> tuple[str, ...]:
        """The columns in which pandas stored its index."""
        ...

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
    if isinstance(path, SqlQuery):
        from ._query_table import open_query

        return open_query(path)
    if is_dataset_path(path):
        return open_dataset(path)
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


def read_ids(table: OpenTable, id_column: str) -> Objects:
    """The cells (n,) of one column as they are, such as the ids of rows; "" or None in gaps.

    Raises
    ------
    FileError
        The file cannot be read.
    """
    ids = table.read([], id_column, True)[1]
    assert ids is not None  # a column was named
    return ids


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
            refuse_values(chosen, self.path, features)
        ids = None
        if id_column is not None:
            ids = object_array(stored[:, self.names.index(id_column)].tolist())
        return np.ascontiguousarray(chosen, dtype=dtype), ids
