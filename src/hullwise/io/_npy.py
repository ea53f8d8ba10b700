"""Rows of a .npy file larger than memory: memory-mapped, and let go behind the reader."""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, DataTypeError, FileError
from ._file_part import Part, edges, read_part, refuse_other, signature
from .coercion import real_values
from .paths import readable_path

RELEASE_BYTES = 1 << 20  # bytes of the file that are let go together
RELEASE_MARGIN_BYTES = (
    1 << 22
)  # the system maps more than was touched: so much is let go on both sides


class NpyRows:
    """Rows of a ``.npy`` file, memory-mapped.

    Memory: what is read lies in the system's cache of the file, which it takes back when memory
    is wanted. Mapped into this process are, for each thread that reads, at most 8 MiB and two
    blocks: pages behind it are let go (where the system has `madvise`), and single rows are read,
    not mapped. Fortran-ordered files work, but each block then touches every page of the file,
    and nothing is let go: save them in C order. Pickling stores the path, not the data.

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
        self.path, self.seekable = readable_path(path).absolute(), True
        whole: Any = _open_map(self.path, os.fspath(path))
        self.part = read_part(os.fspath(path), rows, len(whole), "rows")
        self._map: NDArray[Any] = whole[slice(*self.part)]
        self._begin = whole.offset + self.part[0] * whole.strides[0]
        self.n, self.d = self._map.shape
        self.dtype: np.dtype[Any] = self._map.dtype
        self.columns = None if columns is None else tuple(columns)
        if self.columns is not None and len(self.columns) != self.d:
            raise FileError(
                os.fspath(path), f"{len(self.columns)} names were given for {self.d} columns"
            )
        self._pages = _MappedPages(whole, self.part[0])

    def parts(self, count: int) -> list[NpyRows]:
        """The same rows as at most `count` parts of nearly equal size, in order."""
        low = self.part[0]
        return [
            NpyRows(self.path, self.columns, (low + a, low + b)) for a, b in edges(self.n, count)
        ]

    def block(self, start: int, stop: int) -> NDArray[Any]:
        """Rows start to stop in the stored dtype, a view of the file."""
        self._pages.enter(start, stop)
        return np.asarray(self._map[start:stop])

    def take(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """The given rows as a float64 copy."""
        rows = np.asarray(rows, dtype=np.intp)
        if not self._pages.rowwise:
            return np.asarray(self._map[rows], dtype=np.float64)
        if rows.size and (rows.min() < 0 or rows.max() >= self.n):
            raise IndexError(f"rows must lie in 0..{self.n - 1}")
        # a row touched in the map would map megabytes around it
        gathered = np.empty((len(rows), self.d), dtype=self.dtype)
        places = self._begin + rows * gathered.strides[0]
        with self.path.open("rb", buffering=0) as stream:
            file = stream.fileno()
            for row, place in zip(gathered, places.tolist(), strict=True):
                if os.preadv(file, [row], place) < row.nbytes:
                    raise FileError(
                        str(self.path), "has changed since it was opened: open it again"
                    )
        return gathered.astype(np.float64, copy=False)

    def __repr__(self) -> str:
        return f"NpyRows({self.n} x {self.d} {self.dtype} from {self.path.name})"

    def __getstate__(self) -> dict[str, Any]:
        stored = signature(self, self.path.stat().st_size)
        return {"path": self.path, "columns": self.columns, "rows": self.part, "signature": stored}

    def __setstate__(self, state: dict[str, Any]) -> None:
        NpyRows.__init__(self, state["path"], state["columns"])
        size = self.path.stat().st_size
        part, stored = state["rows"], state["signature"]
        if part != self.part and part[1] <= self.n:
            NpyRows.__init__(self, state["path"], state["columns"], part)
        refuse_other(self, signature(self, size), stored)


class _MappedPages:
    """Gives pages of a mapped file back; whoever still looks at them gets them again."""

    def __init__(self, whole: Any, first: int) -> None:
        self._mmap = whole._mmap
        self._row = whole.strides[0]
        self._first = whole.offset % mmap.ALLOCATIONGRANULARITY + first * self._row
        self._last = threading.local()
        self.rowwise = whole.flags.c_contiguous and hasattr(os, "preadv")
        self._advice = getattr(mmap, "MADV_DONTNEED", None) if whole.flags.c_contiguous else None

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
        if low < high:
            self._mmap.madvise(self._advice, low, high - low)


def _open_map(path: Path, name: str) -> NDArray[Any]:
    with path.open("rb") as stream:
        magic = stream.read(6)
    if not magic:
        raise FileError(name, "the file is empty")
    if magic != b"\x93NUMPY":
        zipped = " (it is an .npz archive: save one array with numpy.save)"
        raise FileError(name, f"is not a .npy file{zipped if magic[:2] == b'PK' else ''}")
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        text = str(error)
        if "mmap length" in text or "EOF" in text:
            raise FileError(name, "is truncated: it ends before the array does") from None
        if "object" in text:
            raise FileError(
                name, "holds Python objects, which are not loaded (they can run code); save numbers"
            ) from None
        raise FileError(name, f"cannot be read as .npy ({text})") from None
    if array.ndim != 2 or 0 in array.shape:
        raise FileError(
            name,
            f"Expected 2D array with at least one row and one column, found shape {array.shape}",
        )
    if array.dtype.itemsize > 8 and array.dtype.kind == "f":
        raise FileError(name, f"holds {array.dtype} numbers; save them as float64")
    try:
        real_values(array[:1], "it", None)
    except (DataError, DataTypeError) as error:
        raise FileError(name, str(error)) from None
    return array
