"""Tables as people have them: files, frames and records, each column as it is.

Whatever a table comes from, it becomes Arrow columns that are read as `MixedColumn`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np

from ..errors import DataError, DataTypeError, FileError
from ._csv import CsvTable
from ._dataframe import collected, frame_columns, frame_labels, frame_library, is_frame
from ._json_lines import JsonLinesTable
from ._pandas_columns import plain_columns
from .arrow_table import ArrowTable
from .dataset_table import DatasetTable, is_dataset
from .mixed_column import MixedColumn
from .paths import check_repeated
from .records import column_table, holds_columns, plain_cell, record_columns
from .table_reader import OpenTable, open_table


@dataclass(frozen=True, eq=False)
class MixedTable:
    """A table whose columns are what they are.

    Attributes
    ----------
    arrow : pyarrow.Table
    source : str
        What the table is called in messages: a path, or "the table".
    native : object or None
        The data frame it came from.
    labels : (n,) object or None
        Labels of the rows where the source has them (a pandas index).
    is_named : bool
        False for an array, whose columns are known by their places alone.
    """

    arrow: Any
    source: str = "the table"
    native: Any = None
    labels: Any = None
    decimal: str = "."
    gaps: tuple[str, ...] = ()
    file: CsvTable | JsonLinesTable | ArrowTable | None = field(default=None, repr=False)
    faults: dict[int, str] | None = field(default=None, repr=False)
    is_named: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(self.arrow.column_names)

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.arrow.num_rows)

    @property
    def frame_library(self) -> str | None:
        """The data frame library that it came in; None for files and records."""
        return None if self.native is None else frame_library(self.native)

    @property
    def csv_marks(self) -> tuple[str, str] | None:
        """Separator and decimal mark of the text file that it came from."""
        return (self.file.sep, self.file.decimal) if isinstance(self.file, CsvTable) else None

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        return f"MixedTable({self.n} rows, {len(self.names)} columns from {self.source!r})"

    def place(self, row: int) -> str:
        """Where a row stands, in words."""
        if self.file is None:
            return f"{self.source}: row {row}"
        return self.file.place(row)

    def column(self, name: str) -> MixedColumn:
        """One column."""
        cells = self.arrow.column(name)
        return MixedColumn(name, cells, self.decimal, self.place, self.gaps, self.faults)

    def with_gaps(self, names: Sequence[str]) -> MixedTable:
        """The table with these columns: those that it lacks are empty."""
        import pyarrow as pa

        arrow = self.arrow
        for name in names:
            if name not in arrow.column_names:
                arrow = arrow.append_column(name, pa.nulls(self.n))
        return replace(self, arrow=arrow)

    def tolerant(self) -> MixedTable:
        """The same table, whose cells that cannot be read are gaps, noted in `faults`."""
        return replace(self, faults=dict(self.faults or {}))

    def take(self, rows: Any) -> MixedTable:
        """Some rows, as a table of their own."""
        labels = None if self.labels is None else self.labels[rows]
        return MixedTable(self.arrow.take(rows), self.source, None, labels, self.decimal, self.gaps)


class RecordTable(MixedTable):
    """One row given as a dictionary; it becomes Arrow columns where these are asked for.

    Most cells of a row can be read as they are, which takes a hundredth of the time.
    """

    def __init__(self, record: Mapping[str, Any], gaps: Sequence[str] = ()) -> None:
        self.__dict__.update(record=dict(record), gaps=tuple(gaps))
        if not all(type(name) is str for name in record):
            _ = self.arrow  # says which name is no text

    record: dict[str, Any]

    @cached_property
    def arrow(self) -> Any:
        return record_columns([self.record], self.source)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.record)

    @property
    def n(self) -> int:
        return 1

    def cell(self, name: str) -> Any:
        """A cell as Python has it, None where it is empty."""
        return plain_cell(self.record[name])

    def column(self, name: str) -> MixedColumn:
        cells = record_columns([{name: self.record[name]}], self.source).column(name)
        return MixedColumn(name, cells, self.decimal, self.place, self.gaps)

    def tolerant(self) -> MixedTable:
        return MixedTable(self.arrow, self.source, gaps=self.gaps, faults={})


def read_mixed(
    table: Any,
    *,
    sep: str | None = None,
    decimal: str = ".",
    header: bool = True,
    gaps: Sequence[str] = (),
    name: str = "the table",
) -> MixedTable:
    """Any table as columns that are what they are.

    Parameters
    ----------
    table : path, SqlQuery, data frame, pyarrow.Table, array (n, d), mapping or list of mappings
        A CSV, Parquet or JSON lines file, a folder or pattern of Arrow files, here or in an object
        store; a frame of any library, a dataset or stream of Arrow, a relation of DuckDB; rows as
        dictionaries (as JSON gives them), or a dictionary of columns, each a list or an array.
    sep, decimal, header
        Of a text file, as in `read_table`.
    gaps : sequence of str
        Texts that stand for a gap, beside the empty one. NA, N/A, NaN and null are gaps in columns
        whose other cells are numbers; in a column of text they are text unless named here.

    Raises
    ------
    FileError, DataError, DataTypeError
        It cannot be read, or is no table.

    Examples
    --------
    >>> table = read_mixed([{"job": "nurse", "age": 41}, {"job": "", "age": None}])
    >>> table.names, [table.column(c).kind.value for c in table.names]
    (('job', 'age'), ['text', 'number'])
    """
    if isinstance(table, MixedTable):
        return table
    gaps = tuple(gaps)
    if isinstance(table, str | PathLike):
        return mixed_table(open_table(table, sep=sep, decimal=decimal, header=header), gaps)
    if hasattr(table, "tocsr"):
        raise DataTypeError(
            f"{name} is a sparse matrix, which a table of columns is not: pass its toarray()."
        )
    if isinstance(table, Mapping):
        if holds_columns(table):
            return MixedTable(column_table(table, name), name, gaps=gaps)
        table = [table]
    if isinstance(table, list) and table and all(isinstance(row, Mapping) for row in table):
        return MixedTable(record_columns(table, name), name, gaps=gaps)
    if is_dataset(table):
        return mixed_table(DatasetTable(table, name), gaps)
    table = collected(table, name)
    if is_frame(table, name):
        return _from_frame(table, name, gaps)
    return _from_array(table, name)


def read_as(
    table: Any,
    gaps: Sequence[str] = (),
    csv_marks: tuple[str, str] | None = None,
    *,
    name: str = "the table",
) -> MixedTable:
    """Any table, text files with the marks of a file that was read before: see `csv_marks`."""
    if csv_marks is None:
        return read_mixed(table, gaps=gaps, name=name)
    sep, decimal = csv_marks
    return read_mixed(table, sep=sep, decimal=decimal, gaps=gaps, name=name)


def mixed_table(opened: OpenTable, gaps: Sequence[str] = ()) -> MixedTable:
    """All columns of a table that was opened, as they are.

    Raises
    ------
    FileError
        As `read_mixed`.
    """
    import pyarrow as pa

    gaps = tuple(gaps)
    if isinstance(opened, CsvTable):
        names = [name for name in opened.names if name]  # the first may be an index without a name
        unnamed = [k for k, name in enumerate(opened.names) if k and not name]
        if unnamed:
            raise FileError(
                opened.path,
                f"has a header whose entry {unnamed[0] + 1} is empty: name that column, or take it "
                "out",
            )
        check_repeated(opened.path, names)
        arrow = opened.text_table(names)
        if arrow.num_rows == 0:
            raise FileError(opened.path, "has a header but no rows")
        return MixedTable(arrow, opened.path, decimal=opened.decimal, gaps=gaps, file=opened)
    if isinstance(opened, JsonLinesTable):
        return MixedTable(opened.arrow, opened.path, gaps=gaps, file=opened)
    if isinstance(opened, ArrowTable):
        arrow = opened.arrow_table([c for c in opened.names if c not in opened.index])
        labels = opened.ids(None)
        return MixedTable(arrow, opened.path, None, labels, gaps=gaps, file=opened)
    values, _ = opened.read(list(opened.names), None, True)
    return MixedTable(pa.table(dict(zip(opened.names, values.T))), opened.path)


def _from_frame(frame: Any, name: str, gaps: tuple[str, ...]) -> MixedTable:
    import narwhals as nw
    import pyarrow as pa

    if frame_columns(frame, name) is None:
        raise DataTypeError(
            f"{name} has column names that are no text: rename them, for example with pandas "
            "frame.columns = frame.columns.astype(str)."
        )
    labels = frame_labels(frame)
    if labels is not None:
        frame = frame.reset_index(drop=True)
    if hasattr(frame, "iloc"):
        frame = plain_columns(frame, name)
    try:
        arrow = nw.from_native(frame, eager_only=True).to_arrow()
    except (pa.ArrowException, TypeError, ValueError) as error:
        why = "; ".join(map(str, error.args))
        raise DataTypeError(
            f"{name} has a column that cannot be read ({' '.join(why.split())[:200]}): make each "
            "column numbers, text, booleans or dates."
        ) from None
    return MixedTable(arrow, name, frame, labels, gaps=gaps)


def _from_array(values: Any, name: str) -> MixedTable:
    import pyarrow as pa

    from .validation import check_rows

    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        array = check_rows(values, name=name).values
    if array.ndim != 2:
        raise DataError(
            f"Expected 2D array, got {array.ndim}D array instead: {name} must have the shape "
            "(n rows, d columns). Reshape your data."
        )
    columns = {f"x{j}": column for j, column in enumerate(array.T)}
    return MixedTable(pa.table(columns), name, is_named=False)
