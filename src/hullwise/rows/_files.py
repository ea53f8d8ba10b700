"""Rows of files larger than memory, read in blocks: .npy memory-mapped, Parquet by row group."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._threads import cores
from ..errors import DataError, DataTypeError, FileError, MemoryLimitError
from ._memory import available_memory, size_text
from ._parquet import (
    batch_values,
    index_columns,
    open_parquet,
    refuse_types,
    shared_dtype,
)
from ._paths import existing, select, suffix
from ._values import real_values

__all__ = ["NpyRows", "ParquetRows", "open_rows"]

CACHED_GROUPS = cores() + 1  # every thread reads its own part of the file


def open_rows(
    path: str | PathLike[str], columns: Sequence[str] | None = None
) -> NpyRows | ParquetRows:
    """Rows of a ``.npy`` or ``.parquet`` file, read in blocks.

    Parameters
    ----------
    path : str or path
        The file; ``~`` is expanded.
    columns : sequence of str, optional
        Parquet: the features, in this order (all but pandas' index by default). A ``.npy`` file
        has no names: they are given to its columns.

    Raises
    ------
    FileError
        The file cannot be read, holds no table of numbers, or has another kind.

    Notes
    -----
    Memory: see `NpyRows` and `ParquetRows`.
    """
    kind = suffix(path)
    if kind == ".npy":
        return NpyRows(path, columns)
    if kind == ".parquet":
        return ParquetRows(path, columns)
    raise FileError(os.fspath(path), "only .npy and .parquet files are read in blocks")


class NpyRows:
    """Rows of a ``.npy`` file, memory-mapped.

    Memory: nothing is held; the system keeps as many of the file's pages as it likes and gives
    them back when asked. Fortran-ordered files work, but each block then touches every page of
    the file: save them in C order. Pickling stores the path, not the data.

    Parameters
    ----------
    path : str or path
        A two-dimensional array of bool, integer, float16, float32 or float64 numbers.
    columns : sequence of str, optional
        Names for its columns.

    Raises
    ------
    FileError
        Missing, truncated, not a ``.npy`` file, Python objects, a wrong shape or dtype.
    """

    def __init__(self, path: str | PathLike[str], columns: Sequence[str] | None = None) -> None:
        self.path, self.seekable = existing(path).absolute(), True
        self._map = _open_map(self.path, os.fspath(path))
        self.n, self.d = self._map.shape
        self.dtype: np.dtype[Any] = self._map.dtype
        self.columns = None if columns is None else tuple(columns)
        if self.columns is not None and len(self.columns) != self.d:
            raise FileError(
                os.fspath(path), f"{len(self.columns)} names were given for {self.d} columns"
            )

    def block(self, start: int, stop: int) -> NDArray[Any]:
        """Rows start to stop in the stored dtype, a view of the file."""
        return np.asarray(self._map[start:stop])

    def take(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """The given rows as a float64 copy."""
        return np.asarray(self._map[rows], dtype=np.float64)

    def __repr__(self) -> str:
        return f"NpyRows({self.n} x {self.d} {self.dtype} from {self.path.name})"

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "columns": self.columns, "found": _signature(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        NpyRows.__init__(self, state["path"], state["columns"])
        _refuse_other(self, state["found"])


class ParquetRows:
    """Rows of a Parquet file, one row group at a time.

    Memory: with g the bytes of the largest row group (its rows x d x item size), at most
    (processors + 3) g: one group for each thread and one more stay cached, and while one is read
    its encoded and its decoded form exist beside them. A block that crosses groups is a copy.
    Single rows cost a whole group, so `take` sorts its rows by group. Safe to use from several
    threads. Pickling stores the path.

    Parameters
    ----------
    path : str or path
        A Parquet file whose features are numbers or bool.
    columns : sequence of str, optional
        The features, in this order; all but pandas' index by default.

    Raises
    ------
    FileError
        The file cannot be read, a column holds no numbers, or a value is missing (when read).
    MemoryLimitError
        A row group is too large; the message says how to write the file with smaller ones.
    """

    def __init__(self, path: str | PathLike[str], columns: Sequence[str] | None = None) -> None:
        self.path, self.seekable = existing(path).absolute(), False
        self._name = os.fspath(path)
        self._file = open_parquet(self.path, self._name)
        schema = self._file.schema_arrow
        index = index_columns(schema) if columns is None else []
        features = select(self._name, schema.names, columns, index, None)
        refuse_types(self._name, schema, features)
        self.columns: tuple[str, ...] | None = tuple(features)
        self.dtype: np.dtype[Any] = shared_dtype(schema, features)
        metadata = self._file.metadata
        self.n, self.d = int(metadata.num_rows), len(features)
        if self.n == 0:
            raise FileError(self._name, "found array with 0 sample(s): the file holds no rows")
        sizes = [metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)]
        self._starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.intp)])
        self._refuse_large(max(sizes))
        self._lock = threading.Lock()
        self._cache: dict[int, NDArray[Any]] = {}

    def _refuse_large(self, rows: int) -> None:
        need = 3 * rows * self.d * self.dtype.itemsize
        free = available_memory()
        if free is not None and need > free:
            raise MemoryLimitError(
                f"{self._name}: its largest row group holds {rows} rows, and reading it needs "
                f"{size_text(need)} ({need} bytes), but about {size_text(free)} of memory is "
                "free. Write the file with smaller row groups: pyarrow.parquet.write_table("
                f"table, path, row_group_size={max(1, int(rows * free / need / 4))}), or "
                "batch by batch with pyarrow.parquet.ParquetWriter."
            )

    def _group(self, g: int) -> NDArray[Any]:
        # One lock for cache and file: a Parquet reader is not safe to share between threads.
        with self._lock:
            if g in self._cache:
                self._cache[g] = self._cache.pop(g)
                return self._cache[g]
            while len(self._cache) >= CACHED_GROUPS:
                del self._cache[next(iter(self._cache))]
            names = list(self.columns or ())
            try:
                table = self._file.read_row_group(g, columns=names)
            except (OSError, ValueError) as error:
                raise FileError(self._name, f"row group {g} cannot be read ({error})") from None
            start = int(self._starts[g])
            values = batch_values(self._name, table, names, start, self.dtype)
            self._cache[g] = values
            return values

    def block(self, start: int, stop: int) -> NDArray[Any]:
        """Rows start to stop; a view if they lie in one row group."""
        start, stop = max(0, start), min(stop, self.n)
        if start >= stop:
            return np.empty((0, self.d), dtype=self.dtype)
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        last = int(np.searchsorted(self._starts, stop, side="left")) - 1
        if first == last:
            low = int(self._starts[first])
            return self._group(first)[start - low : stop - low]
        out = np.empty((stop - start, self.d), dtype=self.dtype)
        for g in range(first, last + 1):
            low, high = int(self._starts[g]), int(self._starts[g + 1])
            a, b = max(start, low), min(stop, high)
            if a < b:
                out[a - start : b - start] = self._group(g)[a - low : b - low]
        return out

    def take(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """The given rows as a float64 copy; each row group is read once."""
        rows = np.asarray(rows, dtype=np.intp)
        if rows.size and (rows.min() < 0 or rows.max() >= self.n):
            raise IndexError(f"rows must lie in 0..{self.n - 1}")
        out = np.empty((len(rows), self.d), dtype=np.float64)
        groups = np.searchsorted(self._starts, rows, side="right") - 1
        for g in np.unique(groups).tolist():
            mine = np.flatnonzero(groups == g)
            out[mine] = self._group(g)[rows[mine] - self._starts[g]]
        return out

    def __repr__(self) -> str:
        groups = len(self._starts) - 1
        return (
            f"ParquetRows({self.n} x {self.d} {self.dtype} in {groups} row groups "
            f"from {self.path.name})"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "columns": self.columns, "found": _signature(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        ParquetRows.__init__(self, state["path"], state["columns"])
        _refuse_other(self, state["found"])


def _signature(rows: NpyRows | ParquetRows) -> tuple[int, int, str, int]:
    return rows.n, rows.d, rows.dtype.str, rows.path.stat().st_size


def _refuse_other(rows: NpyRows | ParquetRows, found: tuple[int, int, str, int]) -> None:
    now = _signature(rows)
    if now != found:
        raise FileError(
            str(rows.path),
            f"has changed since it was stored: {found[0]} x {found[1]} {found[2]} in {found[3]} "
            f"bytes then, {now[0]} x {now[1]} {now[2]} in {now[3]} bytes now",
        )


def _open_map(path: Path, name: str) -> NDArray[Any]:
    with path.open("rb") as stream:
        magic = stream.read(6)
    if not magic:
        raise FileError(name, "the file is empty")
    if magic != b"\x93NUMPY":
        zipped = " (it is an .npz archive: save one array with numpy.save)"
        raise FileError(name, f"is not a .npy file{zipped if magic[:2] == b'PK' else ''}")
    try:
        found: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        text = str(error)
        if "mmap length" in text or "EOF" in text:
            raise FileError(name, "is truncated: it ends before the array does") from None
        if "object" in text:
            raise FileError(
                name, "holds Python objects, which are not loaded (they can run code); save numbers"
            ) from None
        raise FileError(name, f"cannot be read as .npy ({text})") from None
    if found.ndim != 2 or 0 in found.shape:
        raise FileError(
            name,
            f"Expected 2D array with at least one row and one column, found shape {found.shape}",
        )
    if found.dtype.itemsize > 8 and found.dtype.kind == "f":
        raise FileError(name, f"holds {found.dtype} numbers; save them as float64")
    try:
        real_values(found[:1], "it", None)
    except (DataError, DataTypeError) as error:
        raise FileError(name, str(error)) from None
    return found
