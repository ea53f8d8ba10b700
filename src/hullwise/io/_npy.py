"""Rows of a .npy file larger than memory: memory-mapped, and let go behind the reader."""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Sequence
from os import PathLike
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .._core.foreign import own_errors
from ..errors import FileError
from ._file_part import Part, edges, read_part
from ._npy_header import MAX_NPY_HEADER_BYTES, parse_npy_header
from ._pinned_file import PinnedFile, read_into
from .paths import readable_path

RELEASE_BYTES = 1 << 20  # bytes of the file that are let go together
# The system maps more than was touched: so much is let go on both sides.
RELEASE_MARGIN_BYTES = 1 << 22


class NpyRows:
    """Rows of a ``.npy`` file, memory-mapped.

    Memory: what is read lies in the system's cache of the file, which it takes back when memory
    is wanted. Mapped into this process are, for each thread that reads, at most 8 MiB and two
    blocks: pages behind it are let go (where the system has `madvise`), and single rows are read,
    not mapped. Fortran-ordered files work, but each block then touches every page of the file,
    and nothing is let go: save them in C order. Pickling stores the path and what
    identifies the file, not the data.

    The file is kept open: one that takes its name later is not read, and one that is changed in
    place, or is another one when rows are unpickled, is an error.

    Parameters
    ----------
    path : str or path
        A two-dimensional array of bool, integer, float16, float32 or float64 numbers.
    columns : sequence of str, optional
        Names for its columns.
    rows : (start, stop), optional
        A part of the file as rows of its own: those from start on, stop not included. They are
        numbered from 0.

    Raises
    ------
    FileError
        Missing, truncated, not a ``.npy`` file, Python objects, a wrong shape or dtype, or no such
        part.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        columns: Sequence[str] | None = None,
        rows: Part | None = None,
    ) -> None:
        name = os.fsdecode(path)
        self._open(PinnedFile(readable_path(path).absolute(), name), columns, rows)

    @own_errors("opening the rows")
    def _open(
        self, file: PinnedFile, columns: Sequence[str] | None, rows: Sequence[int] | None
    ) -> None:
        self._file, self.path, self.seekable = file, file.path, True
        start = file.stream().read(MAX_NPY_HEADER_BYTES + 12)
        header = parse_npy_header(start, file.identity.size, file.name)
        order: Literal["F", "C"] = "F" if header.fortran_order else "C"
        mapped = file.map()
        whole = np.ndarray(header.shape, header.dtype, mapped, header.offset, order=order)
        self.part = read_part(file.name, rows, len(whole), "rows")
        self._map: NDArray[Any] = whole[slice(*self.part)]
        self._begin = header.offset + self.part[0] * whole.strides[0]
        self.n, self.d = self._map.shape
        self.dtype: np.dtype[Any] = self._map.dtype
        self.columns = None if columns is None else tuple(columns)
        if self.columns is not None and len(self.columns) != self.d:
            raise FileError(file.name, f"{len(self.columns)} names were given for {self.d} columns")
        self._pages = _MappedPages(mapped, whole, self._begin)

    def parts(self, count: int) -> list[NpyRows]:
        """The same rows as at most `count` parts of nearly equal size, in order."""
        low = self.part[0]
        return [self._part(low + a, low + b) for a, b in edges(self.n, count)]

    def _part(self, start: int, stop: int) -> NpyRows:
        part = NpyRows.__new__(NpyRows)
        part._open(self._file, self.columns, (start, stop))
        return part

    def block(self, start: int, stop: int) -> NDArray[Any]:
        """Rows start to stop in the stored dtype, a view of the file."""
        self._file.check()
        self._pages.enter(start, stop)
        return np.asarray(self._map[start:stop])

    def take(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """The given rows as a float64 copy."""
        rows = np.asarray(rows, dtype=np.intp)
        if rows.size and (rows.min() < 0 or rows.max() >= self.n):
            raise IndexError(f"rows must lie in 0..{self.n - 1}")
        self._file.check()
        if not self._pages.rowwise:
            return np.asarray(self._map[rows], dtype=np.float64)
        # a row touched in the map would map megabytes around it
        gathered = np.empty((len(rows), self.d), dtype=self.dtype)
        places = self._begin + rows * gathered.strides[0]
        with self._file.descriptor() as fd:
            for row, place in zip(gathered, places.tolist(), strict=True):
                if read_into(fd, row, place) < row.nbytes:
                    raise FileError(self._file.name, "ends earlier than when it was opened")
        return gathered.astype(np.float64, copy=False)

    def __repr__(self) -> str:
        return f"NpyRows({self.n} x {self.d} {self.dtype} from {self.path.name})"

    def __getstate__(self) -> dict[str, Any]:
        return {"file": self._file, "columns": self.columns, "rows": self.part}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._open(state["file"], state["columns"], state["rows"])


class _MappedPages:
    """Gives pages of a mapped file back; whoever still looks at them gets them again."""

    def __init__(self, mapped: mmap.mmap, whole: NDArray[Any], begin: int) -> None:
        self._mmap = mapped
        self._row = whole.strides[0]
        self._first = begin
        self._last = threading.local()
        self.rowwise = whole.flags.c_contiguous and hasattr(os, "preadv")
        self._advice: int | None = (
            getattr(mmap, "MADV_DONTNEED", None) if whole.flags.c_contiguous else None
        )

    def enter(self, start: int, stop: int) -> None:
        """This thread goes on with rows start to stop: what lies behind it may go."""
        if self._advice is None:
            return
        low, high = self._first + start * self._row, self._first + stop * self._row
        was = getattr(self._last, "rows", None)
        self._last.rows = low, high
        if was is None:
            return
        if was[1] != low:  # it is elsewhere now
            self._release(was[0] - RELEASE_MARGIN_BYTES, was[1] + RELEASE_MARGIN_BYTES)
        elif was[0] // RELEASE_BYTES < low // RELEASE_BYTES:
            self._release(was[0] - RELEASE_MARGIN_BYTES, low)

    def _release(self, low: int, high: int) -> None:
        low, high = (
            max(0, low // RELEASE_BYTES * RELEASE_BYTES),
            high // RELEASE_BYTES * RELEASE_BYTES,
        )
        if low < high and self._advice is not None:
            self._mmap.madvise(self._advice, low, high - low)
