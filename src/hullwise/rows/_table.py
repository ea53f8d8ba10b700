"""Tables from files, read strictly: whatever is no number is refused with its place."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, FileError
from ._memory import check_memory
from ._paths import existing, select, shown, suffix

__all__ = ["Table", "read_table"]

BATCH = 1 << 16


@dataclass(frozen=True, repr=False, eq=False)
class Table:
    """A table of finite numbers read from a file.

    Attributes
    ----------
    values : ndarray of shape (n, d)
        float64, or float32 where every column of the file is.
    columns : tuple of str
        Names of the d features; x0, x1, ... where the file has none.
    ids : object ndarray of shape (n,) or None
        Row ids as given, int or str.
    path : str
        The file as the user named it.
    """

    values: NDArray[Any]
    columns: tuple[str, ...]
    ids: NDArray[np.object_] | None
    path: str

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.values.shape[0])

    @property
    def d(self) -> int:
        """Number of features."""
        return int(self.values.shape[1])

    def __repr__(self) -> str:
        name = Path(self.path).name
        return f"Table({self.n} rows, {self.d} features, {self.values.dtype} from {name!r})"


def read_table(
    path: str | PathLike[str],
    *,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    id_column: str | None = None,
    sep: str | None = None,
    decimal: str = ".",
    header: bool = True,
) -> Table:
    """Read a table of numbers; refuse, with its place, whatever is no number.

    Parameters
    ----------
    path : str or path
        ``.csv``, ``.tsv``, ``.txt`` (each also gzipped), ``.parquet`` or ``.npy``; ``~`` is
        expanded, a pipe is read as CSV, and so is standard input for ``-``.
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

    Returns
    -------
    Table

    Raises
    ------
    FileError
        The file cannot be read, or holds text, a missing or infinite value, a truncated line,
        an integer beyond 2**53, duplicate names, or not the columns asked for.
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
    Table(2 rows, 2 features, float64 from 'train.csv')
    >>> table.columns, list(table.ids)
    (('age', 'weight'), ['a', 'b'])
    """
    kind = _kind(path)
    if kind == ".npy":
        return _read_npy(path, columns, drop, id_column)
    if kind == ".parquet":
        return _read_parquet(path, columns, drop, id_column)
    from ._csv import CsvTable
    from ._source import open_source

    source = open_source(path)
    # What arrives from a shell when a tab is meant.
    sep = "\t" if sep in ("\\t", "tab") else sep
    for option, mark in (("sep", sep), ("decimal", decimal)):
        if mark is not None and len(mark.encode()) != 1:
            raise DataError(f"{option}={mark!r}: expected one ASCII character")
    if sep is None:
        first = source.head().split(b"\n", 1)[0]
        sep = "\t" if kind == ".tsv" or (kind == ".txt" and b"\t" in first) else ","
    text = CsvTable(source, sep, decimal, header)
    values, features, ids = text.read(columns, drop, id_column)
    return Table(values, tuple(features), ids, source.name)


def _kind(path: str | PathLike[str]) -> str:
    if os.fspath(path) == "-":
        return ".csv"
    try:
        return suffix(path)
    except FileError:
        # A missing or forbidden path deserves that sentence; a pipe has no suffix at all.
        if stat.S_ISREG(existing(path).stat().st_mode):
            raise
        return ".csv"


def _read_npy(
    path: str | PathLike[str],
    columns: Sequence[str] | None,
    drop: Sequence[str],
    id_column: str | None,
) -> Table:
    from ._files import NpyRows

    name = shown(path)
    rows = NpyRows(path)
    names = [f"x{j}" for j in range(rows.d)]
    features = select(name, names, columns, drop, id_column)
    dtype = rows.dtype if rows.dtype.kind == "f" and rows.dtype.itemsize == 4 else np.float64
    check_memory(rows.n * len(features) * np.dtype(dtype).itemsize, f"{name} in memory")
    stored = rows.block(0, rows.n)
    _refuse_values(stored, name, names)
    wanted = [names.index(c) for c in features]
    ids = None
    if id_column is not None:
        ids = np.empty(rows.n, dtype=object)
        ids[:] = stored[:, names.index(id_column)].tolist()
    values = np.ascontiguousarray(stored[:, wanted], dtype=np.dtype(dtype).newbyteorder("="))
    return Table(values, tuple(features), ids, name)


def _read_parquet(
    path: str | PathLike[str],
    columns: Sequence[str] | None,
    drop: Sequence[str],
    id_column: str | None,
) -> Table:
    from ._parquet import batch_values, index_columns, open_parquet, refuse_types, shared_dtype

    name = shown(path)
    file = open_parquet(existing(path), name)
    schema = file.schema_arrow
    index = index_columns(schema) if columns is None else []
    features = select(name, schema.names, columns, [*_list(drop), *index], id_column)
    refuse_types(name, schema, features)
    single = all(shared_dtype(schema, [c]) in (np.float32, np.float16) for c in features)
    dtype = np.dtype(np.float32 if single else np.float64)
    n = int(file.metadata.num_rows)
    if n == 0:
        raise FileError(name, "found array with 0 sample(s): the file holds no rows")
    check_memory(n * len(features) * dtype.itemsize, f"{name} in memory")
    values = np.empty((n, len(features)), dtype=dtype)
    id_names = [id_column] if id_column is not None else index[:1]
    ids: list[object] = []
    start = 0
    try:
        for batch in file.iter_batches(BATCH, columns=list(dict.fromkeys([*features, *id_names]))):
            values[start : start + batch.num_rows] = batch_values(
                name, batch, features, start, dtype
            )
            ids += batch.column(id_names[0]).to_pylist() if id_names else []
            start += batch.num_rows
    except OSError as error:
        raise FileError(name, f"is a damaged Parquet file ({error})") from None
    _refuse_values(values, name, features)
    labels = None
    if id_names:
        labels = np.empty(n, dtype=object)
        labels[:] = ids
    return Table(values, tuple(features), labels, name)


def _list(names: Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _refuse_values(values: NDArray[Any], name: str, columns: Sequence[str]) -> None:
    from ._finite import refuse_bad

    try:
        refuse_bad(values, "the table", 0, columns, None)
    except DataError as error:
        raise FileError(name, str(error)) from None
