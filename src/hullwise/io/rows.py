"""Where rows are read from: the protocol, and rows that lie in an array.

A source knows nothing of geometry. It hands out blocks of rows as they are stored, and single
rows as float64; everything above it is the same whether the rows lie in memory or on a disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import numpy as np

from .._core.types import Array, Floats, Indices
from ._pinned_file import PinnedFile, pin_mapped_file

Answer = TypeVar("Answer")


class Rows(Protocol):
    """n rows of d numbers, read in blocks: what a `Cloud` can be made of.

    Attributes
    ----------
    n, d : int
        Numbers of rows and of features.
    dtype : dtype
        Of the stored numbers: bool, integer, float16, float32 or float64.
    columns : tuple of str or None
        Names of the features.
    seekable : bool
        Whether a single row costs no more than its share of a block. If not, rows are asked for
        seldom and many at a time.

    Notes
    -----
    `block` and `take` are called from several threads at once.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> class Grid:                                # the points 0..n-1 on a line, stored nowhere
    ...     n, d, dtype, columns, seekable = 1000, 1, np.dtype(float), None, True
    ...     def block(self, start, stop):
    ...         return np.arange(start, stop, dtype=float)[:, None]
    ...     def take(self, rows):
    ...         return rows.astype(float)[:, None]
    >>> hw.Cloud(Grid()).support([[1.0], [-1.0]]).rows
    array([[999],
           [  0]])
    """

    n: int
    d: int
    dtype: np.dtype[Any]
    columns: tuple[str, ...] | None
    seekable: bool

    def block(self, start: int, stop: int) -> Array:
        """Rows start to stop, (stop - start, d), in the stored dtype; a view where possible."""
        ...

    def take(self, rows: Indices) -> Floats:
        """The given rows, (len(rows), d) float64, any order, repeats allowed."""
        ...


def ask(rows: Rows, question: Callable[[Rows, int], Answer]) -> list[Answer]:
    """What each part of the rows answers, in their order: one answer for rows in one place.

    `question` gets a part and the number of its first row. Rows that lie in several places have a
    method `ask` of their own, which puts the question there; it must then survive pickling.
    """
    elsewhere: Callable[[Any], list[Answer]] | None = getattr(rows, "ask", None)
    return [question(rows, 0)] if elsewhere is None else elsewhere(question)


class ArrayRows:
    """Rows of an array already in memory (or memory-mapped); nothing is copied."""

    def __init__(self, values: Array, columns: tuple[str, ...] | None = None) -> None:
        self.values = values
        self.n, self.d = values.shape
        self.dtype = values.dtype
        self.columns = columns
        self.seekable = True

    def __getstate__(self) -> dict[str, Any]:
        """A memory map is remembered by its place in its file: a pickle must not hold it all.

        The file must be the one that is mapped, here and where it is unpickled.
        """
        state = dict(self.__dict__)
        if isinstance(self.values, np.memmap):
            whole = self.values
            if whole.filename is None or isinstance(whole.base, np.ndarray):
                raise TypeError(
                    "a slice of a memory map cannot be pickled by its place in the file: pass the "
                    "path of a .npy file to Cloud instead."
                )
            order = "F" if whole.flags.f_contiguous and not whole.flags.c_contiguous else "C"
            file = pin_mapped_file(whole)
            state["values"] = (file, whole.dtype, whole.offset, whole.shape, order)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if isinstance(self.values, tuple):
            file, dtype, offset, shape, order = self.values
            self.values = np.memmap(file.path, dtype, "r", offset, shape, order)
            # The path was opened anew: it must still be the file that was compared.
            PinnedFile(file.path, file.name, file.identity)

    def __sizeof__(self) -> int:
        """With the array: a cluster counts by it what its workers hold."""
        return object.__sizeof__(self) + self.values.nbytes

    def block(self, start: int, stop: int) -> Array:
        return self.values[start:stop]

    def take(self, rows: Indices) -> Floats:
        return self.values[rows].astype(np.float64)
