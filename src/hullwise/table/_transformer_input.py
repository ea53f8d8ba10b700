"""Rows of any table as the columns that a fitted transformer takes.

A transformer takes what it was fitted on: a pandas or Polars frame with its types, or an array. A
table of the same library is passed as it is; any other is made into columns of the same types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from .._core.types import Indices, Mask
from ..errors import DataError
from ..io.coercion import format_names
from ..io.mixed_column import ColumnKind, MixedColumn
from ..io.mixed_table import MixedTable

Library = Literal["pandas", "polars", "array"]
N_PROBE_CELLS = 8


@dataclass(frozen=True)
class InputColumn:
    """One column that a transformer takes.

    Attributes
    ----------
    name : str
    kind : ColumnKind
        What its cells were in the training rows.
    dtype : str
        Its type there, in the words of the library.
    categories : tuple or None
        Of a pandas categorical, in their order.
    ordered : bool
        Whether those are ordered.
    probes : tuple
        A few of its cells, as JSON has them: each column's own choice, so that side by side they
        are no training rows.
    """

    name: str
    kind: ColumnKind
    dtype: str
    categories: tuple[Any, ...] | None = None
    ordered: bool = False
    probes: tuple[Any, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Everything of it, as JSON."""
        return {
            "name": self.name,
            "kind": self.kind.value,
            "dtype": self.dtype,
            "categories": None if self.categories is None else list(self.categories),
            "ordered": self.ordered,
            "probes": list(self.probes),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> InputColumn:
        """The column that `to_json` stored."""
        categories = stored["categories"]
        return cls(
            str(stored["name"]),
            ColumnKind(stored["kind"]),
            str(stored["dtype"]),
            None if categories is None else tuple(categories),
            bool(stored["ordered"]),
            tuple(stored["probes"]),
        )

    def native(self, cells: MixedColumn, library: Library) -> Any:
        """The cells as a column of the library, in the type that the training rows had."""
        values = self._values(cells)
        if library == "array":
            return values
        if library == "polars":
            return self._in_polars(values)
        import pandas as pd

        if self.categories is not None:
            labels = pd.Categorical(values, list(self.categories), ordered=self.ordered)
            return pd.Series(labels)
        series = pd.Series(values)
        is_integer = self.dtype.lower().startswith(("int", "uint"))
        if is_integer and self.dtype.islower() and series.isna().any():
            return series
        try:
            return series.astype(self.dtype)
        except (TypeError, ValueError):
            return series

    def _values(self, cells: MixedColumn) -> Any:
        if self.kind is ColumnKind.TIME:
            micro = cells.days() * 86_400e6
            empty = np.isnan(micro)
            stamps = np.rint(np.where(empty, 0.0, micro)).astype("datetime64[us]")
            stamps[empty] = np.datetime64("NaT")
            return stamps
        if self.kind is ColumnKind.NUMBER:
            return cells.numbers()
        labels = cells.labels(self.kind)
        values = np.array(labels.to_pylist(), dtype=object)
        if self.kind is ColumnKind.BOOLEAN:
            names: dict[Any, Any] = {"True": True, "False": False}
            values = np.array([names.get(label, label) for label in values], dtype=object)
            return values if cells.empty.any() else values.astype(bool)
        return np.where(cells.empty, np.nan, values) if self.dtype != "polars" else values

    def _in_polars(self, values: Any) -> Any:
        import polars as pl

        if values.dtype == object:
            values = [None if cell != cell else cell for cell in values]
        series = pl.Series(self.name, values, nan_to_null=True, strict=False)
        kind = getattr(pl, self.dtype, None)
        return series if kind is None else series.cast(kind, strict=False)


@dataclass(frozen=True, eq=False)
class NativeColumns:
    """Columns of one library side by side, and what is needed of them: some rows, and gaps.

    Attributes
    ----------
    library : {"pandas", "polars", "array"}
    columns : dict of str to column
    n : int
    """

    library: Library
    columns: Mapping[str, Any]
    n: int

    def take(self, rows: Mapping[str, Indices] | Indices) -> NativeColumns:
        """Some rows, of each column its own where they are named by column."""
        taken = {
            name: _taken(column, rows[name] if isinstance(rows, Mapping) else rows)
            for name, column in self.columns.items()
        }
        n = len(next(iter(rows.values()))) if isinstance(rows, Mapping) else len(rows)
        return NativeColumns(self.library, taken, n)

    def substituted(self, donors: NativeColumns, where: Mapping[str, Mask]) -> NativeColumns:
        """The same with the first cell of `donors` where a column has a mask."""
        columns = dict(self.columns)
        for name, mask in where.items():
            rows = np.where(mask, self.n, np.arange(self.n))
            columns[name] = _taken(_joined(columns[name], donors.columns[name]), rows)
        return NativeColumns(self.library, columns, self.n)

    def emptied(self, name: str, mask: Mask) -> NativeColumns:
        """The same with gaps where the mask is, in one column."""
        return NativeColumns(
            self.library, {**self.columns, name: _emptied(self.columns[name], mask)}, self.n
        )

    def frame(self, names: Sequence[str]) -> Any:
        """A frame, or an array, of these columns; those that are not there are empty."""
        if self.library == "pandas":
            import pandas as pd

            index = pd.RangeIndex(self.n)
            none = pd.Series(np.full(self.n, np.nan), index=index)
            return pd.DataFrame({name: self.columns.get(name, none) for name in names}, index=index)
        if self.library == "polars":
            import polars as pl

            nothing = pl.Series(values=[None] * self.n)
            return pl.DataFrame({name: self.columns.get(name, nothing) for name in names})
        lacking = np.full(self.n, np.nan)
        parts = [np.asarray(self.columns.get(name, lacking)) for name in names]
        numeric = all(part.dtype.kind in "biuf" for part in parts)
        return np.column_stack([part if numeric else part.astype(object) for part in parts])


def _taken(column: Any, rows: Indices) -> Any:
    if hasattr(column, "iloc"):
        return column.take(rows).reset_index(drop=True)
    return column[rows]


def _joined(column: Any, donor: Any) -> Any:
    if isinstance(column, np.ndarray):
        return np.concatenate([column, donor[:1]])
    if hasattr(column, "iloc"):
        import pandas as pd

        return pd.concat([column, donor[:1].astype(column.dtype, errors="ignore")])
    import polars as pl

    return pl.concat([column, donor[:1].cast(column.dtype, strict=False)])


def _emptied(column: Any, mask: Mask) -> Any:
    if isinstance(column, np.ndarray):
        wide = column.astype(np.float64 if column.dtype.kind in "biuf" else object)
        wide[mask] = np.nan
        return wide
    if hasattr(column, "iloc"):
        if column.dtype.kind in "iub" and not hasattr(column.dtype, "na_value"):
            column = column.astype(object if column.dtype.kind == "b" else np.float64)
        return column.mask(mask)
    import polars as pl

    return pl.select(pl.when(pl.Series(~mask)).then(column)).to_series().alias(column.name)


@dataclass(frozen=True, eq=False)
class TransformerInput:
    """What a fitted transformer takes: its columns in order, and in which library.

    Attributes
    ----------
    library : {"pandas", "polars", "array"}
    columns : tuple of InputColumn
    """

    library: Library
    columns: tuple[InputColumn, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def probe_rows(self) -> NativeColumns:
        """Rows of the cells that are kept of each column."""
        import pyarrow as pa

        n = max((len(column.probes) for column in self.columns), default=0)
        cells = {c.name: pa.array((list(c.probes) + [None] * n)[:n]) for c in self.columns}
        return self.read(MixedTable(pa.table(cells), "the kept cells"))

    def read(self, table: MixedTable) -> NativeColumns:
        """The columns of a table that the transformer takes; those that are not there are left."""
        native = table.native if _library_of(table.native) == self.library else None
        columns = {}
        for column in self.columns:
            if column.name not in table.names:
                continue
            if native is not None:
                columns[column.name] = native[column.name]
            else:
                columns[column.name] = column.native(table.column(column.name), self.library)
        return NativeColumns(self.library, columns, table.n)


def transformer_input(
    transformer: Any, table: MixedTable, left_out: Sequence[str]
) -> TransformerInput:
    """What a fitted transformer takes of a table of training rows.

    Raises
    ------
    DataError
        The table lacks a column that it was fitted on, or has another number of them.
    """
    names, library = _names_taken(transformer, table, left_out)
    lacking = [name for name in names if name not in table.names]
    if lacking:
        raise DataError(
            f"{table.source} lacks the column{'s' * (len(lacking) > 1)} {format_names(lacking)}, "
            f"which the transformer was fitted on; it has {format_names(list(table.names))}."
        )
    return TransformerInput(
        library, tuple(_input_column(table, name, number) for number, name in enumerate(names))
    )


def _names_taken(
    transformer: Any, table: MixedTable, left_out: Sequence[str]
) -> tuple[list[str], Library]:
    rest = [name for name in table.names if name not in left_out]
    library: Library = "polars" if _library_of(table.native) == "polars" else "pandas"
    known = getattr(transformer, "feature_names_in_", None)
    if known is not None:
        return [str(name) for name in known], library
    n = getattr(transformer, "n_features_in_", None)
    if n is None:
        return rest, library
    if n != len(rest):
        raise DataError(
            f"the transformer was fitted on arrays of {n} columns, and {table.source} has "
            f"{len(rest)} ({format_names(rest)}): fit it on a data frame, whose columns have "
            "names, or leave the others out (id=, target=)."
        )
    return rest, "array"


def _library_of(native: Any) -> str:
    library = type(native).__module__.partition(".")[0]
    return library if library in ("pandas", "polars") else ""


def _input_column(table: MixedTable, name: str, number: int) -> InputColumn:
    cells = table.column(name)
    native = None if _library_of(table.native) == "" else table.native[name]
    dtype = getattr(native, "dtype", None)
    categories = getattr(dtype, "categories", None) if hasattr(native, "iloc") else None
    probes = _probe_cells(cells, number)
    return InputColumn(
        name,
        cells.kind,
        _dtype_text(dtype, cells),
        None if categories is None else tuple(_as_json(c) for c in categories),
        bool(getattr(dtype, "ordered", False)),
        probes,
    )


def _dtype_text(dtype: Any, cells: MixedColumn) -> str:
    if dtype is not None:
        return str(dtype).partition("(")[0]
    if cells.kind is ColumnKind.NUMBER and cells.whole and not cells.empty.any():
        return "int64"
    words = {ColumnKind.NUMBER: "float64", ColumnKind.BOOLEAN: "bool"}
    return words.get(cells.kind, "str")


def _probe_cells(cells: MixedColumn, number: int) -> tuple[Any, ...]:
    """A few filled cells, drawn for each column by itself."""
    rows = np.flatnonzero(~cells.empty)
    if not len(rows):
        return ()
    picked = np.random.default_rng(number).choice(rows, N_PROBE_CELLS)
    if cells.kind is ColumnKind.NUMBER:
        return tuple(float(v) for v in cells.numbers()[picked])
    if cells.kind is ColumnKind.TIME:
        stamps = (np.rint(cells.days()[picked] * 86_400e6)).astype("datetime64[us]")
        return tuple(str(stamp) for stamp in stamps)
    return tuple(_as_json(cells.cells[int(row)].as_py()) for row in picked)


def _as_json(cell: Any) -> Any:
    if isinstance(cell, np.generic):
        cell = cell.item()
    return cell if isinstance(cell, str | int | float | bool) else str(cell)
