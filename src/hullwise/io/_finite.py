"""Scans for values that are no finite float64; they allocate a fixed number of bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .coercion import LARGEST_INTEGER, cell_place, format_names

# A boolean scratch of this many entries stays in the second-level cache.
SCAN_ENTRIES: Final = 1 << 18


def check_block(
    values: NDArray[Any],
    start: int = 0,
    columns: Sequence[str] | None = None,
    name: str = "X",
) -> None:
    """Refuse non-finite values and inexact integers in one block of rows.

    Parameters
    ----------
    values : ndarray of shape (b, d)
        Rows `start` to `start` + b of the table, of any real dtype.
    start : int, default=0
        Number of the first row, for the message.
    columns : sequence of str, optional
        Names of the d columns.
    name : str, default="X"
        What the message calls the table.

    Raises
    ------
    DataError
        Naming the first such row and column and the number of them in this block.

    Notes
    -----
    O(bd) time; 256 KiB of scratch.

    Examples
    --------
    >>> check_block(np.array([[1.0], [np.inf]]), start=100, columns=["age"])
    Traceback (most recent call last):
        ...
    hullwise.errors.DataError: X contains infinity: 1 infinite value, in row 101, column 'age' \
(counted from 0, looking at rows 100 to 101 only). Replace it by finite values or drop that row.
    """
    scope = "" if len(values) == 0 else f"rows {start} to {start + len(values) - 1}"
    refuse_bad(values, name, start, columns, None, scope)


def _row_blocks(values: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    step = max(1, SCAN_ENTRIES // max(1, values.shape[1]))
    for start in range(0, len(values), step):
        yield start, values[start : start + step]


def refuse_bad(
    values: NDArray[Any],
    name: str,
    start: int,
    columns: Sequence[str] | None,
    labels: NDArray[np.object_] | None,
    scope: str = "",
) -> None:
    kind, size = values.dtype.kind, values.dtype.itemsize
    if values.size == 0 or kind == "b" or (kind in "iu" and size < 8):
        return
    if kind in "iu":
        if values.max() > LARGEST_INTEGER or (kind == "i" and values.min() < -LARGEST_INTEGER):
            _raise_inexact(values, name, start, columns, labels)
        return
    # Columns of Fortran-ordered data are contiguous, so they are scanned as rows.
    scanned = values.T if values.flags.f_contiguous else values
    if not all(np.isfinite(block).all() for _, block in _row_blocks(scanned)):
        _raise_nonfinite(values, name, start, columns, labels, scope)


def bad_rows(values: NDArray[Any], columns: Sequence[str] | None) -> dict[int, str]:
    """For each row that holds NaN or infinity, by number, what it holds and where."""
    bad: dict[int, str] = {}
    if values.dtype.kind != "f":
        return bad
    for start, block in _row_blocks(values):
        nonfinite = ~np.isfinite(block)
        for i in np.flatnonzero(nonfinite.any(axis=1)).tolist():
            at = np.flatnonzero(nonfinite[i]).tolist()
            what = "NaN" if np.isnan(block[i, at[0]]) else "infinity"
            more = f" and {len(at) - 1} more" if len(at) > 1 else ""
            column = at[0] if columns is None else columns[at[0]]
            bad[start + i] = f"{what} in column {column!r}{more}"
    return bad


def _raise_inexact(
    values: NDArray[Any],
    name: str,
    start: int,
    columns: Sequence[str] | None,
    labels: NDArray[np.object_] | None,
) -> None:
    for offset, block in _row_blocks(values):
        bad = block > LARGEST_INTEGER
        if values.dtype.kind == "i":
            bad |= block < -LARGEST_INTEGER
        if bad.any():
            i, j = np.argwhere(bad)[0]
            where = cell_place(start + offset + int(i), int(j), columns, labels, start)
            raise DataError(
                f"{name} holds the integer {block[i, j]} in {where}: beyond 2**53 neighbouring "
                "integers are the same float64. Subtract an offset from that column first, in "
                f"integers, for example {name}[:, {j}] - {name}[0, {j}]."
            )


def _raise_nonfinite(
    values: NDArray[Any],
    name: str,
    start: int,
    columns: Sequence[str] | None,
    labels: NDArray[np.object_] | None,
    scope: str,
) -> None:
    nan, inf = np.zeros(values.shape[1], dtype=np.intp), 0
    first: tuple[int, int] | None = None
    for offset, block in _row_blocks(values):
        nan += np.isnan(block).sum(axis=0)
        inf += int(np.isinf(block).sum())
        if first is None and (nan.any() or inf):
            i, j = np.argwhere(~np.isfinite(block))[0]
            first = (offset + int(i), int(j))
    assert first is not None
    missing = int(nan.sum())
    many = missing + inf > 1
    what = " and ".join(["NaN"] * bool(missing) + ["infinity"] * bool(inf))
    counts = [f"{missing} missing value{'s' * (missing > 1)}"] * bool(missing)
    counts += [f"{inf} infinite value{'s' * (inf > 1)}"] * bool(inf)
    where = cell_place(start + first[0], first[1], columns, labels, start)
    where = f"the first in {where}" if many else f"in {where}"
    looked = f"counted from 0, looking at {scope} only" if scope else "counted from 0"
    empty = [columns[j] if columns else j for j in np.flatnonzero(nan == len(values)).tolist()]
    advice = _advice(many, bool(missing), empty if len(values) > 1 else [])
    raise DataError(f"{name} contains {what}: {', '.join(counts)}, {where} ({looked}). {advice}")


def _advice(many: bool, missing: bool, empty: Sequence[object]) -> str:
    if empty:
        return f"Column {format_names(empty)} has no value in any of these rows: drop it."
    them, rows = ("them", "those rows") if many else ("it", "that row")
    if missing:
        return f"Nothing is filled in for you: impute {them} or drop {rows}."
    return f"Replace {them} by finite values or drop {rows}."
