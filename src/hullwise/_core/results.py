"""What results share: columns as plain lists or as a data frame, and rows that can be picked."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from operator import index as whole
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .types import Array, Indices, Mask, Objects

Column = Array | Sequence[Any]
RowIndex = int | slice | Mask | Indices | Sequence[int] | Sequence[bool]

FRAME_LIBRARIES = ("pandas", "polars", "pyarrow")  # the first that is installed serves arrays


@dataclass(frozen=True, eq=False)
class RowNames:
    """What the rows of a table are called, and which data frame library it came in.

    Attributes
    ----------
    labels : (m,) object or None
        None for rows that are counted from 0.
    frame_library : str or None
        Such as "pandas", "polars" or "pyarrow"; None for arrays.
    """

    labels: Objects | None = None
    frame_library: str | None = None

    def take(self, rows: Indices) -> RowNames:
        """The names of some rows: they keep the numbers they had."""
        if self.labels is not None:
            return RowNames(self.labels[rows], self.frame_library)
        if np.array_equal(rows, np.arange(len(rows))):
            return self
        return RowNames(rows.astype(object), self.frame_library)


UNNAMED_ROWS = RowNames()


class TableResult:
    """A result that is a table: `to_dict`, `to_frame` and a length."""

    row_names: RowNames = UNNAMED_ROWS

    def _columns(self) -> Mapping[str, Column]:
        """The table's columns by name, one entry for each row."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(next(iter(self._columns().values())))

    @property
    def labels(self) -> Objects | None:
        """(m,) names of the rows; None where they are counted from 0."""
        return self.row_names.labels

    def to_dict(self) -> dict[str, list[Any]]:
        """The columns as lists of numbers, text, booleans and None, which `json.dumps` takes."""
        return {name: _plain_list(column) for name, column in self._columns().items()}

    def to_json(self) -> str:
        """The columns as JSON text: lists as lists, null for what is not known.

        An infinite number is null too: JSON has none. The names of the rows, where they have some,
        are a first column `row`.
        """
        names = {} if self.labels is None else {"row": self.labels}
        columns = json_ready({**names, **self.list_columns()})
        return json.dumps(columns, ensure_ascii=False, allow_nan=False)

    def list_columns(self) -> Mapping[str, Column]:
        """The columns, with lists in the cells that `to_dict` writes as one text."""
        return self._columns()

    def head_columns(self, n_rows: int) -> Mapping[str, Column]:
        """The columns of at least the first rows, for views that show no more."""
        return self._columns()

    def _repr_html_(self) -> str:
        from ..report.notebook import table_view

        return table_view(self)

    def to_frame(self) -> Any:
        """The columns as a data frame, in the library that the input came in.

        For arrays that is pandas, or polars or pyarrow where pandas is missing. Names of rows are
        the index in pandas, and a first column `row` elsewhere.
        """
        return frame_of(self._columns(), self.row_names)


class RowResult(TableResult):
    """A result with an entry for each query, which can be indexed like an array of them.

    ``result[i]`` is the result of one query (of length 1); slices, masks and arrays of row numbers
    pick several. Rows without a name keep the number they had.
    """

    def _take(self, rows: Indices) -> Self:
        """The same result for some of the rows."""
        raise NotImplementedError

    def __getitem__(self, index: RowIndex) -> Self:
        return self._take(row_numbers(index, len(self)))

    def head_columns(self, n_rows: int) -> Mapping[str, Column]:
        return (self[:n_rows] if n_rows < len(self) else self)._columns()


class RecordResult:
    """A result that is one thing and no table: a data class, shown in notebooks by its fields."""

    def _repr_html_(self) -> str:
        from ..report.notebook import record_view

        return record_view(self)


def json_ready(value: Any) -> Any:
    """The same as lists, dictionaries, text and numbers, with None for numbers that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> json_ready({"a": np.array([1.0, np.nan]), "b": (np.int8(2), "x")})
    {'a': [1.0, None], 'b': [2, 'x']}
    """
    if isinstance(value, Mapping):
        return {str(name): json_ready(one) for name, one in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [json_ready(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def row_numbers(index: Any, n: int) -> Indices:
    """The rows that an index picks out of n, as numbers from 0.

    Raises
    ------
    IndexError
        There is no such row, or a mask has another length.

    Examples
    --------
    >>> row_numbers(-1, 4), row_numbers(slice(1, 3), 4), row_numbers([True, False, True], 3)
    (array([3]), array([1, 2]), array([0, 2]))
    """
    if isinstance(index, slice):
        return np.arange(n)[index]
    values = np.asarray(index)
    if values.dtype == bool:
        if values.shape != (n,):
            raise IndexError(f"a mask of shape {values.shape} for {n} rows: expected ({n},)")
        return np.flatnonzero(values)
    if values.ndim == 0:
        values = np.array([whole(index)])
    elif values.size == 0:
        values = values.astype(np.intp)
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise IndexError(f"rows are picked by numbers, a slice or a mask, not by {index!r}")
    outside = values[(values < -n) | (values >= n)]
    if outside.size:
        raise IndexError(f"there is no row {outside[0]}: the result has {n} rows")
    return np.where(values < 0, values + n, values).astype(np.intp)


def scatter(values: NDArray[Any], where: Mask, fill: Any) -> NDArray[Any]:
    """An array with one entry for each of `where`: `values` where it is true, else `fill`."""
    out = np.full((len(where), *values.shape[1:]), fill, dtype=values.dtype)
    out[where] = values
    return out


def scatter_sparse(W: csr_array, where: Mask) -> csr_array:
    """The same for the rows of a sparse matrix: empty ones elsewhere."""
    counts = np.zeros(len(where), dtype=W.indptr.dtype)
    counts[where] = np.diff(W.indptr)
    ends = np.concatenate([[0], np.cumsum(counts)])
    return csr_array((W.data, W.indices, ends), shape=(len(where), W.shape[1]))


def frame_of(columns: Mapping[str, Column], names: RowNames) -> Any:
    """A data frame of these columns in the library of the input."""
    import narwhals as nw

    library = names.frame_library or next(lib for lib in FRAME_LIBRARIES if find_spec(lib))
    table = {name: _typed(column) for name, column in columns.items()}
    if names.labels is not None and library != "pandas":
        table = {"row": np.array([str(label) for label in names.labels], dtype=str), **table}
    frame = nw.from_dict(table, backend=library).to_native()
    if names.labels is not None and library == "pandas":
        import pandas as pd

        frame.index = pd.Index(names.labels)
    return frame


def _typed(column: Column) -> Column:
    """An empty column of text is one of text, not of nothing."""
    if len(column) == 0 and not (isinstance(column, np.ndarray) and column.dtype != object):
        return np.zeros(0, dtype=str)
    return column.tolist() if isinstance(column, np.ndarray) and column.dtype == object else column


def _plain_list(column: Column) -> list[Any]:
    return column.tolist() if isinstance(column, np.ndarray) else list(column)
