"""Validation of tables in memory: what enters is finite, real and two-dimensional.

A table that is already such an ndarray is returned as it is, whatever its memory order, so a
memory map is never copied; every scan goes by blocks and allocates a fixed number of bytes.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.foreign import own_errors
from .._core.memory import available_memory, check_memory, size_text
from .._core.results import UNNAMED_ROWS, RowNames
from ..errors import DataError, DataTypeError, DataWarning
from ._dataframe import (
    collected,
    frame_columns,
    frame_labels,
    frame_library,
    frame_values,
    is_frame,
)
from ._finite import bad_rows as find_bad_rows
from ._finite import check_block, refuse_bad
from ._row_numbers import warn_of_row_numbers
from .coercion import as_table, format_names, real_values, refuse_tensor
from .dataset_table import DatasetTable, is_dataset
from .numeric_table import BadRows, NumericTable

__all__ = [
    "LabelledArray",
    "available_memory",
    "check_block",
    "check_columns",
    "check_memory",
    "check_rows",
    "check_target",
    "match_columns",
    "rows_in_memory",
    "size_text",
    "table_row_names",
]


@dataclass(frozen=True, repr=False)
class LabelledArray:
    """A table that passed every check.

    Attributes
    ----------
    values : ndarray of shape (n, d)
        bool, integer, float16, float32 or float64, as given.
    columns : tuple of str or None
        Names of the d features, if the table had names.
    labels : object ndarray of shape (n,) or None
        Row labels, if the table had labels other than 0, 1, 2, ...
    bad : mapping of int to str
        The rows with missing or infinite values, where these were kept, and what each holds.
    frame_library : str or None
        The data frame library that the table came in, such as "polars"; None for no frame.
    """

    values: NDArray[Any]
    columns: tuple[str, ...] | None = None
    labels: NDArray[np.object_] | None = None
    bad: Mapping[int, str] = field(default_factory=dict)
    frame_library: str | None = None

    @property
    def row_names(self) -> RowNames:
        """What results call the rows, and the data frame library that they are given in."""
        return RowNames(self.labels, self.frame_library)

    def __repr__(self) -> str:
        n, d = self.values.shape
        names = format_names(self.columns or ())
        return f"LabelledArray({n} x {d} {self.values.dtype}, columns={names})"


@own_errors("reading a table")
def check_rows(
    X: Any,
    *,
    name: str = "X",
    columns: Sequence[str] | None = None,
    n_features: int | None = None,
    allow_empty: bool = False,
    finite: bool = True,
    by_name: bool = False,
    bad_rows: BadRows = "refuse",
) -> LabelledArray:
    """Check a table of rows and return it as a real ndarray.

    Parameters
    ----------
    X : array-like or data frame of shape (n, d)
        An array, nested lists, a CPU tensor, a data frame (pandas, polars, Arrow, ...), or what
        `read_table` returns.
        Object arrays that hold numbers are converted; text that looks like numbers is refused.
    name : str, default="X"
        What messages call the table.
    columns : sequence of str, optional
        The names expected, in this order. A data frame with others is refused; a table without
        names is taken in the order given, with a `DataWarning`.
    n_features : int, optional
        The number of columns expected; ``len(columns)`` if `columns` is given.
    allow_empty : bool, default=False
        Accept zero rows.
    finite : bool, default=True
        Also refuse NaN, infinity and integers beyond 2**53 in what is already an array. False
        leaves that to `check_block` in a pass that is made anyway.
    by_name : bool, default=False
        Match the columns of a data frame with `columns` by name: another order is put right
        rather than refused.
    bad_rows : {"refuse", "keep"}, default="refuse"
        Rows with missing or infinite values: an error, or NaN and infinity in the values and a
        sentence for each such row in `LabelledArray.bad`.

    Returns
    -------
    LabelledArray
        `values` shares memory with `X` if `X` is an ndarray of a supported dtype, in any memory
        order, strided, read-only or memory-mapped (foreign byte order is kept in a memory map
        only). Otherwise it is the one copy made.

    Raises
    ------
    DataError
        NaN, infinity, missing values, text, times, categories, complex numbers, integers beyond
        2**53, a wrong shape, duplicate, missing, renamed or reordered columns.
    DataTypeError
        Sparse matrices, lazy frames, tensors on a GPU or requiring gradients, column names of
        mixed types, entries that are not numbers.
    MemoryLimitError
        The converted copy would not fit.

    Notes
    -----
    O(nd) time, and memory for a conversion only; scans add 256 KiB.

    Examples
    --------
    >>> check_rows([[0, 1], [2, 3]]).values.shape
    (2, 2)
    >>> check_rows([[0.0, float("nan")]])
    Traceback (most recent call last):
        ...
    hullwise.errors.DataError: X contains NaN: 1 missing value, in row 0, column 1 (counted \
from 0). Nothing is filled in for you: impute it or drop that row.
    """
    expected = len(columns) if columns is not None else n_features
    X = rows_in_memory(X, name, bad_rows)
    table = _labelled(X, name, columns, by_name)
    values, names, labels = table.values, table.columns, table.labels
    _check_shape(values, name, expected, allow_empty)
    if values.dtype.kind == "O" or values.dtype.itemsize > 8:
        check_memory(8 * values.size, f"{name} as float64")
    names_for_messages = names if names is not None else _tuple(columns)
    values = real_values(values, name, names_for_messages, labels)
    if names is not None and columns is None:
        warn_of_row_numbers(values, names, name, stacklevel=3)
    keep = bad_rows == "keep"
    if finite and not (keep and values.dtype.kind == "f"):
        refuse_bad(values, name, 0, names_for_messages, labels)
    bad = find_bad_rows(values, names_for_messages) if keep else {}
    return LabelledArray(values, names, labels, bad, table.frame_library)


def rows_in_memory(X: Any, name: str, bad_rows: BadRows = "refuse") -> Any:
    """The rows of what holds a plan, a dataset or a stream of them; anything else as it is."""
    if not is_dataset(X):
        return collected(X, name)
    from .table_reader import read_rows

    return read_rows(DatasetTable(X, name), bad_rows=bad_rows)


def _labelled(X: Any, name: str, columns: Sequence[str] | None, by_name: bool) -> LabelledArray:
    """Values of any dtype, with the names of columns and rows that the container brings."""
    if isinstance(X, NumericTable):
        order = match_columns(X.columns, columns, name=name, by_name=by_name)
        return LabelledArray(_columns_of(X.values, order), _named(X.columns, order), X.ids)
    if not is_frame(X, name):
        if columns is not None:
            _warn_nameless(name)
        return LabelledArray(as_table(X, name))
    names = frame_columns(X, name)
    order = None if names is None else match_columns(names, columns, name=name, by_name=by_name)
    check_memory(_frame_bytes(X), f"{name} as an array")
    values = _columns_of(frame_values(X, name), order)
    return LabelledArray(
        values, _named(names, order), frame_labels(X), frame_library=frame_library(X)
    )


def _columns_of(values: NDArray[Any], order: list[int] | None) -> NDArray[Any]:
    return values if order is None else values[:, order]


def _named(names: tuple[str, ...] | None, order: list[int] | None) -> tuple[str, ...] | None:
    return names if names is None or order is None else tuple(names[j] for j in order)


def table_row_names(X: Any) -> RowNames:
    """The names of a table's rows and the data frame library that it came in; none for arrays."""
    if isinstance(X, NumericTable):
        return RowNames(X.ids)
    if not hasattr(X, "columns") or not is_frame(X, "X"):
        return UNNAMED_ROWS
    return RowNames(frame_labels(X), frame_library(X))


def match_columns(
    names: Sequence[str],
    expected: Sequence[str] | None,
    *,
    name: str = "X",
    by_name: bool = True,
) -> list[int] | None:
    """Where the expected columns stand among those there are; None where they stand in place.

    Parameters
    ----------
    names, expected : sequence of str
        The columns of a table, and those it should have.
    name : str, default="X"
        What messages call the table.
    by_name : bool, default=True
        Columns may come in another order. If not, that is an error.

    Raises
    ------
    DataError
        Listing both, and which are missing or new.

    Examples
    --------
    >>> match_columns(["b", "a"], ["a", "b"])
    [1, 0]
    """
    if expected is None or list(names) == list(expected):
        return None
    if not by_name or sorted(names) != sorted(expected):
        check_columns(names, expected, name=name)
    places = {c: j for j, c in enumerate(names)}
    return [places[c] for c in expected]


def check_columns(columns: Sequence[str], expected: Sequence[str], *, name: str = "X") -> None:
    """Refuse columns that are not the expected ones in the expected order.

    Raises
    ------
    DataError
        Listing both, and which are missing or new.

    Examples
    --------
    >>> check_columns(["b", "a"], ["a", "b"], name="Q")
    Traceback (most recent call last):
        ...
    hullwise.errors.DataError: Q has the columns of the training data in another order: found \
'b', 'a'; expected 'a', 'b'. Reorder them, for example Q[list(columns)].
    """
    if list(columns) == list(expected):
        return
    listing = f"found {format_names(columns)}; expected {format_names(expected)}"
    if sorted(columns) == sorted(expected):
        raise DataError(
            f"{name} has the columns of the training data in another order: {listing}. "
            f"Reorder them, for example {name}[list(columns)]."
        )
    missing = [c for c in expected if c not in set(columns)]
    new = [c for c in columns if c not in set(expected)]
    parts = [f"missing {format_names(missing)}"] if missing else []
    parts += [f"not in the training data {format_names(new)}"] if new else []
    raise DataError(
        f"{name} does not have the columns of the training data: {'; '.join(parts)} "
        f"({listing}; {len(columns)} where {len(expected)} belong). "
        "Rename, add or drop columns so that both lists are the same."
    )


@own_errors("reading a target")
def check_target(y: Any, n: int) -> NDArray[Any]:
    """Check a target of n rows: one column or several, finite if it holds floats.

    Raises
    ------
    DataError
        No target, another length than n, complex numbers, NaN or infinity.
    """
    if y is None:
        raise DataError("a target is needed: it requires y to be passed, but the target y is None")
    refuse_tensor(y, "y")
    try:
        values = np.asarray(y)
    except (ValueError, TypeError, RuntimeError) as error:
        raise DataTypeError(f"y of type {type(y).__name__} is no array: {error}") from None
    if values.ndim not in (1, 2):
        raise DataError(
            f"y should be a 1d array (or 2d for several outputs), got shape {values.shape}"
        )
    if len(values) != n:
        raise DataError(
            f"X and y have inconsistent numbers of samples: X has {n} rows, y has {len(values)}"
        )
    if values.dtype.kind == "c":
        raise DataError("Complex data not supported: y holds complex numbers")
    if values.dtype.kind == "f":
        finite = np.isfinite(values)
        if not finite.all():
            row = int(np.argwhere(~finite)[0][0])
            what = "infinity or a value too large" if np.isinf(values[row]).any() else "NaN"
            raise DataError(
                f"Input y contains {what} for {values.dtype!r}: {int((~finite).sum())} value(s), "
                f"first in row {row} (counted from 0). Drop those rows."
            )
    return values


def _tuple(columns: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if columns is None else tuple(columns)


def _frame_bytes(X: Any) -> int:
    shape = getattr(X, "shape", (0, 0))
    return 8 * int(shape[0]) * int(shape[1])


def _warn_nameless(name: str) -> None:
    warnings.warn(
        f"{name} does not have valid feature names, but the training data had: "
        "its columns are taken in the order given",
        DataWarning,
        stacklevel=5,  # the caller of check_rows
    )


def _check_shape(values: NDArray[Any], name: str, expected: int | None, allow_empty: bool) -> None:
    n, d = values.shape
    if n == 0 and not allow_empty:
        raise DataError(
            f"{name}: found array with 0 sample(s) (shape={values.shape}) while a minimum of 1 "
            "is required. Check how the rows were selected."
        )
    if d == 0:
        raise DataError(
            f"{name}: found array with 0 feature(s) (shape={values.shape}) while a minimum of 1 "
            "is required. Check how the columns were selected."
        )
    if expected is not None and d != expected:
        raise DataError(
            f"{name} has {d} features, but hullwise is expecting {expected} features as input, "
            "as in the training data."
        )
