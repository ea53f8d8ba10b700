"""Rows of files larger than memory, read in blocks: .npy memory-mapped, Parquet by row group."""

from __future__ import annotations

import os
from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.foreign import own_errors
from .._core.memory import available_memory, size_text
from .._core.threads import StopFlag, cpu_count, run_in_threads
from ..errors import FileError, MemoryLimitError
from ._file_part import Part, edges, read_part
from ._npy import NpyRows
from ._parquet_columns import shared_dtype
from ._parquet_decoder import ParquetDecoder
from ._parquet_files import ParquetFiles, is_parquet_set
from ._prefetch import GatherCache, RowGroupCache
from .paths import select_features, table_suffix

__all__ = ["NpyRows", "ParquetRows", "open_rows"]

# Row groups read ahead of each thread that walks through the file.
PREFETCH_GROUPS = min(cpu_count(), 4)
# A group for each thread, those ahead, those where spans meet.
MIN_CACHED_GROUPS = 2 * cpu_count() + PREFETCH_GROUPS + 1
GROUP_CACHE_BYTES = 1 << 27  # bytes of small groups that are kept
READ_UNIT_BYTES = 1 << 22  # row groups smaller than this are read together
GATHER_CACHE_BYTES = 1 << 25  # bytes of single rows that are kept


@own_errors("opening the rows")
def open_rows(
    path: str | PathLike[str], columns: Sequence[str] | None = None
) -> NpyRows | ParquetRows:
    """Rows of a ``.npy`` or ``.parquet`` file, or of several Parquet files, read in blocks.

    Parameters
    ----------
    path : str or path
        The file; ``~`` is expanded. The ``.parquet`` files of a folder, and those of a pattern
        such as ``data/*.parquet``, are one table, one after the other in the order of their names.
    columns : sequence of str, optional
        Parquet: the features, in this order (all but pandas' index by default). A ``.npy`` file
        has no names: they are given to its columns.

    Raises
    ------
    FileError
        The file cannot be read, holds no table of numbers, or has another kind; the files of a
        folder differ in their columns.

    Notes
    -----
    Memory: see `NpyRows` and `ParquetRows`.
    """
    if is_parquet_set(path):
        return ParquetRows(path, columns)
    kind = table_suffix(path)
    if kind == ".npy":
        return NpyRows(path, columns)
    if kind == ".parquet":
        return ParquetRows(path, columns)
    raise FileError(os.fsdecode(path), "only .npy and .parquet files are read in blocks")


class ParquetRows:
    """Rows of a Parquet file, or of a folder of them, one row group at a time.

    A pass reads and decodes each row group once; the next ones are read while one is worked on.
    Safe to use from several threads and after a fork. Pickling stores the paths and what identifies
    the files: files are kept open, those that take their names later are not read, and one that is
    changed in place, or is another one when rows are unpickled, is an error.

    Memory: with g the bytes of the largest row group (its rows x d x item size, at least 4 MiB)
    and p processors, at most (3 p + 5) g, or 128 MiB and (p + 4) g where that is more: groups that
    are worked on, just done with or read ahead, and those where two threads' spans meet. While a
    group is read its pages of the file are mapped, and eight of its columns (1 MiB where that is
    more) exist beside it; at most p + 4 are read at once. A block that crosses groups is a copy.
    Single rows cost a whole group: `take` sorts them by group and keeps the last 32 MiB of them.

    Parameters
    ----------
    path : str or path
        A Parquet file whose features are numbers (decimals too) or bool. Of a folder all files
        ``*.parquet``, and all of a pattern such as ``data/*.parquet``, in the order of their names,
        are one table; their columns must be the same.
    columns : sequence of str, optional
        The features, in this order; all but pandas' index by default.
    groups : (first, last), optional
        A part of the file as rows of its own: row groups first to last, last not included,
        counted through all files. Its rows are numbered from 0.

    Attributes
    ----------
    n_groups : int
        Row groups of the whole file, of which `part` (first, last) are read.

    Raises
    ------
    FileError
        The file cannot be read, a column holds no numbers, or a value is missing (when read).
    MemoryLimitError
        A row group is too large; the message says how to write the file with smaller ones.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        columns: Sequence[str] | None = None,
        groups: Part | None = None,
    ) -> None:
        self._open(ParquetFiles(path), columns, groups)

    @own_errors("opening the rows")
    def _open(
        self, files: ParquetFiles, columns: Sequence[str] | None, groups: Sequence[int] | None
    ) -> None:
        self._files, self._name, self.path, self.seekable = files, files.name, files.path, False
        decoders, schema = files.decoders, files.schema
        index = files.index if columns is None else ()
        features = select_features(self._name, schema.names, columns, index, None)
        files.check_features(features, columns is None)
        self.columns: tuple[str, ...] | None = tuple(features)
        self.d, self.dtype = len(features), shared_dtype(schema, features)
        row_groups = [(i, g) for i, f in enumerate(decoders) for g in range(len(f.sizes))]
        self.n_groups = len(row_groups)
        sizes = [decoders[i].sizes[g] for i, g in row_groups]
        if sum(sizes) == 0:
            raise FileError(self._name, "found array with 0 sample(s): the file holds no rows")
        self.part = read_part(self._name, groups, self.n_groups, "groups")
        part = slice(*self.part)
        if sum(sizes[part]) == 0:
            raise FileError(self._name, f"row groups {self.part} hold no rows")
        self._refuse_large(max(sizes[part]))
        units = _read_units(row_groups[part], sizes[part], self.d * self.dtype.itemsize)
        self._units = _ReadUnits(decoders, units, features, self.dtype)
        self._starts = np.concatenate([[0], np.cumsum(self._units.sizes, dtype=np.intp)])
        self.n = int(self._starts[-1])
        largest = max(self._units.sizes) * self.d * self.dtype.itemsize
        room = max(MIN_CACHED_GROUPS, GROUP_CACHE_BYTES // largest)
        self._groups = RowGroupCache(self._units.read, self._units.sizes, room, PREFETCH_GROUPS)
        self._gathered = GatherCache(GATHER_CACHE_BYTES)

    def parts(self, count: int) -> list[ParquetRows]:
        """The same rows as at most `count` parts of nearly equally many row groups, in order."""
        first, last = self.part
        return [self._part(first + a, first + b) for a, b in edges(last - first, count)]

    def _part(self, first: int, last: int) -> ParquetRows:
        part = ParquetRows.__new__(ParquetRows)
        part._open(self._files, self.columns, (first, last))
        return part

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

    @own_errors("reading rows")
    def block(self, start: int, stop: int) -> NDArray[Any]:
        """Rows start to stop; a view if they lie in one row group."""
        start, stop = max(0, start), min(stop, self.n)
        if start >= stop:
            return np.empty((0, self.d), dtype=self.dtype)
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        last = int(np.searchsorted(self._starts, stop, side="left")) - 1
        if first == last:
            return self._rows(first, start, stop)
        out = np.empty((stop - start, self.d), dtype=self.dtype)
        for g in range(first, last + 1):
            a, b = max(start, int(self._starts[g])), min(stop, int(self._starts[g + 1]))
            out[a - start : b - start] = self._rows(g, a, b)
        return out

    def _rows(self, g: int, start: int, stop: int) -> NDArray[Any]:
        low = int(self._starts[g])
        return self._groups.get(g, start - low, stop - low)[start - low : stop - low]

    @own_errors("reading rows")
    def take(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """The given rows as a float64 copy; each row group is read once."""
        rows = np.asarray(rows, dtype=np.intp)
        if rows.size and (rows.min() < 0 or rows.max() >= self.n):
            raise IndexError(f"rows must lie in 0..{self.n - 1}")
        out = np.empty((len(rows), self.d), dtype=np.float64)
        missing = self._gathered.fill_known(rows, out)
        groups = np.searchsorted(self._starts, rows[missing], side="right") - 1
        order = np.argsort(groups, kind="stable")
        used, begin = np.unique(groups[order], return_index=True)

        def take_group(item: tuple[int, NDArray[np.intp]], stop: StopFlag) -> None:
            g, places = item
            if stop.is_set():
                return
            local = rows[places] - self._starts[g]
            cached = self._groups.peek(g)
            out[places] = cached[local] if cached is not None else self._units.take(g, local)

        items = list(zip(used.tolist(), np.split(missing[order], begin)[1:], strict=True))
        run_in_threads(take_group, items, min(cpu_count(), max(1, len(items))))
        self._gathered.store(rows[missing], out[missing])
        return out

    def __repr__(self) -> str:
        first, last = self.part
        return (
            f"ParquetRows({self.n} x {self.d} {self.dtype} in {last - first} row groups "
            f"from {self.path.name})"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {"files": self._files, "columns": self.columns, "groups": self.part}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._open(state["files"], state["columns"], state["groups"])


class _ReadUnits:
    """What is read together: a row group, or several small ones next to each other."""

    def __init__(
        self,
        decoders: list[ParquetDecoder],
        units: list[tuple[int, range]],
        features: list[str],
        dtype: np.dtype[Any],
    ) -> None:
        self._decoders, self._units, self._features, self._dtype = decoders, units, features, dtype
        self.sizes = [sum(decoders[i].sizes[g] for g in groups) for i, groups in units]

    def read(self, unit: int) -> NDArray[Any]:
        i, groups = self._units[unit]
        return self._decoders[i].read(groups, self._features, self._dtype)

    def take(self, unit: int, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        i, groups = self._units[unit]
        return self._decoders[i].take(groups, self._features, rows)


def _read_units(
    row_groups: list[tuple[int, int]], sizes: list[int], row: int
) -> list[tuple[int, range]]:
    """(file, row groups) of what is read together; `row` is the bytes of one row."""
    units: list[tuple[int, range]] = []
    unit_rows = 0
    for (i, g), size in zip(row_groups, sizes, strict=True):
        if units and units[-1][0] == i and (unit_rows + size) * row <= READ_UNIT_BYTES:
            units[-1] = i, range(units[-1][1].start, g + 1)
            unit_rows += size
        elif size:
            units.append((i, range(g, g + 1)))
            unit_rows = size
    return units
