"""The two tables of `hullwise locate`: which columns are features, and the rows themselves."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.cloud import Cloud
from ..errors import DataError, FileError
from ..rows._csv import MISSING, NUMBER, CsvTable, _is_inexact
from ..rows._files import NpyRows, ParquetRows
from ..rows._memory import available_memory
from ..rows._parquet import index_columns, open_parquet, refuse_types
from ..rows._paths import existing, select, shown
from ..rows._rows import ArrayRows
from ..rows._source import open_source
from ..rows._table import Table, _kind, read_table
from ..rows._values import LARGEST_INTEGER, some

PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".joblib")


@dataclass(frozen=True, repr=False, eq=False)
class Opened:
    """A table whose columns are known and whose rows have not been read."""

    path: str
    name: str
    kind: str
    names: tuple[str, ...]
    named: bool  # False where the names are only places: x0, x1, ...
    index: tuple[str, ...] = ()
    text: CsvTable | None = None


@dataclass(frozen=True, repr=False, eq=False)
class Plan:
    """Which columns of both files are features, in the same order, and which are ids."""

    features: tuple[str, ...]
    query_features: tuple[str, ...]
    train_id: str | None
    query_id: str | None
    notes: tuple[str, ...]


@dataclass(frozen=True, repr=False, eq=False)
class Queries:
    """The rows asked about: `values` holds those that can be located, in file order."""

    values: NDArray[Any]  # (g, d)
    located: NDArray[np.bool_]  # (m,)
    reasons: dict[int, str]  # row: why it cannot be located
    ids: NDArray[np.object_] | None  # (m,)

    @property
    def labels(self) -> NDArray[np.object_] | None:
        """(g,) names of the located rows; None where they are simply 0, 1, 2, ..."""
        if self.ids is not None:
            return np.asarray(self.ids[self.located])
        return np.flatnonzero(self.located).astype(object) if self.reasons else None


def open_table(path: str, *, sep: str | None, decimal: str, header: bool) -> Opened:
    """Look at a file's columns.

    Raises
    ------
    FileError
        The file is not there, cannot be read, or is a pickle.
    """
    name = shown(path)
    if path.lower().endswith(PICKLES):
        raise FileError(
            name,
            "is a pickle, which can run any code when it is loaded, so it never is; save the "
            "table as CSV, Parquet or .npy (numpy.save, DataFrame.to_parquet)",
        )
    kind = _kind(path)
    if kind == ".npy":
        rows = NpyRows(path)
        return Opened(path, name, kind, tuple(f"x{j}" for j in range(rows.d)), False)
    if kind == ".parquet":
        schema = open_parquet(existing(path), name).schema_arrow
        return Opened(path, name, kind, tuple(schema.names), True, tuple(index_columns(schema)))
    source = open_source(path)
    sep = "\t" if sep in ("\\t", "tab") else sep
    for option, mark in (("--sep", sep), ("--decimal", decimal)):
        if mark is not None and len(mark.encode()) != 1:
            raise DataError(f"{option} {mark!r}: expected one ASCII character.")
    if sep is None:
        first = source.head().split(b"\n", 1)[0]
        sep = "\t" if kind == ".tsv" or (kind == ".txt" and b"\t" in first) else ","
    text = CsvTable(source, sep, decimal, header)
    return Opened(path, name, ".csv", tuple(text.names), header, text=text)


def plan(
    train: Opened,
    query: Opened,
    *,
    targets: Sequence[str],
    id_column: str | None,
    columns: Sequence[str] | None,
) -> Plan:
    """Pair the columns of the two files by name.

    Raises
    ------
    FileError
        A column is missing, or the query file holds one that is neither feature, target nor id.
    """
    train_id = id_column if id_column in train.names else None
    query_id = id_column if id_column in query.names else None
    if id_column is not None and train_id is None and query_id is None:
        listing = f"its columns are {some(query.names, 40)}"
        raise FileError(query.name, f"no column {id_column!r} here or in {train.name}; {listing}")
    index = [c for c in train.index if columns is None and c != id_column]
    drop = list(dict.fromkeys([*targets, *index]))
    features = tuple(select(train.name, train.names, columns, drop, train_id))
    if train.named == query.named:
        _refuse_unpaired(train, query, features, {*targets, id_column}, columns is not None)
        return Plan(features, features, train_id, query_id, ())
    rest = [c for c in query.names if c not in {*targets, id_column, *query.index}]
    if len(rest) != len(features):
        raise FileError(
            query.name,
            f"has {len(rest)} columns where the {len(features)} features of {train.name} are "
            f"expected ({some(features)}); only one of the two files has column names, so they "
            "are paired by their place",
        )
    note = "only one of the two files has column names: columns are paired by their place"
    return Plan(features, tuple(rest), train_id, query_id, (note,))


def _refuse_unpaired(
    train: Opened,
    query: Opened,
    features: Sequence[str],
    known: set[str | None],
    chosen: bool,
) -> None:
    there = set(query.names)
    missing = [c for c in features if c not in there]
    extra = [c for c in query.names if c not in {*features, *known, *query.index, *train.index}]
    if missing:
        new = f"; it has {some(extra)}, which {train.name} does not use" if extra else ""
        raise FileError(
            query.name,
            f"lacks {some(missing)}, feature{'s' * (len(missing) > 1)} of {train.name}{new}; "
            "rename or add them, or say what is no feature with --target, --id or --columns",
        )
    if extra and not chosen:
        listing = ",".join(features)
        listing = f"--columns {listing}" if len(listing) <= 200 else "--columns NAME,NAME,..."
        raise FileError(
            query.name,
            f"has columns that {train.name} has not: {some(extra)}; to leave them out, name the "
            f"features with {listing} (or the row ids with --id)",
        )


def read_cloud(train: Opened, features: Sequence[str], id_column: str | None) -> Cloud:
    """The training rows: in memory where they fit well, else read from the file in blocks."""
    whole = tuple(features) == train.names
    if train.kind == ".npy" and whole and id_column is None:
        return Cloud(NpyRows(train.path))
    if train.kind == ".parquet":
        file = open_parquet(existing(train.path), train.name)
        free = available_memory()
        if free is not None and 16 * file.metadata.num_rows * len(features) > free:
            cloud = Cloud(ParquetRows(train.path, columns=features))
            column = id_column or next(iter(train.index), None)
            if column is not None:
                ids = file.read(columns=[column]).column(0).to_pylist()
                cloud.labels = np.fromiter(ids, dtype=object, count=len(ids))
            return cloud
    values, ids = _read(train, features, id_column)
    cloud = Cloud(ArrayRows(values, tuple(features)))
    cloud.labels = ids
    return cloud


def read_queries(
    query: Opened, features: Sequence[str], id_column: str | None, keep_bad: bool
) -> Queries:
    """The rows asked about.

    Raises
    ------
    FileError
        For text, and for missing or infinite values unless `keep_bad`.
    """
    try:
        values, ids = _read(query, features, id_column)
        return Queries(values, np.ones(len(values), dtype=bool), {}, ids)
    except FileError as error:
        strict = error
    try:
        values, reasons = _tolerant(query, features)
    except FileError as error:
        raise (error if keep_bad else strict) from None
    if not reasons:
        raise strict
    if not keep_bad:
        hint = "or pass --bad-rows keep to locate the other rows"
        raise FileError(strict.path, f"{strict.problem}; {hint}")
    located = np.ones(len(values), dtype=bool)
    located[list(reasons)] = False
    return Queries(values[located], located, reasons, _ids_of(query, id_column, len(values)))


def _read(opened: Opened, features: Sequence[str], id_column: str | None) -> tuple[Any, Any]:
    if opened.text is not None:
        values, _, ids = opened.text.read(features, (), id_column)
        return values, ids
    if id_column is None and opened.index:
        id_column = opened.index[0]
    table: Table = read_table(opened.path, columns=features, id_column=id_column)
    return table.values, table.ids


# ---- rows that cannot be located ------------------------------------------------------------


def _tolerant(query: Opened, features: Sequence[str]) -> tuple[NDArray[np.float64], dict[int, str]]:
    """Values, NaN where there is none, and for each row that holds one why it is not located.

    Raises
    ------
    FileError
        For text and whatever else is wrong beyond missing and infinite values.
    """
    if query.text is not None:
        values = _csv_values(query.text, features)
    elif query.kind == ".npy":
        stored = np.load(existing(query.path), mmap_mode="r", allow_pickle=False)
        values = stored[:, [query.names.index(c) for c in features]].astype(np.float64)
    else:
        values = _parquet_values(query, features)
    reasons = {}
    for row in np.flatnonzero(~np.isfinite(values).all(axis=1)).tolist():
        at = np.flatnonzero(~np.isfinite(values[row])).tolist()
        what = "infinity" if np.isinf(values[row, at[0]]) else "NaN"
        more = f" and {len(at) - 1} more" if len(at) > 1 else ""
        reasons[row] = f"not located: {what} in column {features[at[0]]!r}{more}"
    return values, reasons


def _csv_values(text: CsvTable, features: Sequence[str]) -> NDArray[np.float64]:
    places = [text.names.index(c) for c in features]
    width, rows = len(text.names), []
    first = text.header_end + 1 if text.header else text.first_line
    for line, found in text.source.records(text.sep):
        if line < first or (not found and width > 1):
            continue
        cells = found or [""]
        if len(cells) != width:
            raise FileError(
                text.path, f"line {line} has {len(cells)} values where {width} are expected"
            )
        row = [_number(cells[j], text.decimal) for j in places]
        if None in row:
            j = row.index(None)
            raise FileError(
                text.path,
                f"line {line}, column {features[j]!r} holds {cells[places[j]]!r}: neither a "
                "number that float64 can hold nor a missing value",
            )
        rows.append([v for v in row if v is not None])
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(features))


def _number(cell: str, decimal: str) -> float | None:
    """The cell's number, NaN or infinity; None for text and for integers that float64 rounds."""
    word = cell.strip()
    if word.upper() in MISSING:
        return float("nan")
    if decimal != "." and "." in word:
        return None
    plain = word.replace(decimal, ".")
    if re.fullmatch(NUMBER, plain):
        return None if _is_inexact(plain) else float(plain)
    bare = plain.lower().lstrip("+-")
    return float(plain) if bare in ("inf", "infinity", "nan") else None


def _parquet_values(query: Opened, features: Sequence[str]) -> NDArray[np.float64]:
    import pyarrow.compute as compute
    import pyarrow.types as types

    file = open_parquet(existing(query.path), query.name)
    refuse_types(query.name, file.schema_arrow, features)
    table = file.read(columns=list(features))
    values = np.full((table.num_rows, len(features)), np.nan)
    for j, column in enumerate(features):
        cells = table.column(column)
        known = np.asarray(cells.is_valid())
        numbers = np.asarray(cells.drop_null())
        if types.is_integer(cells.type) and len(numbers):
            span = compute.min_max(cells).as_py()
            if max(span["max"], -span["min"]) > LARGEST_INTEGER:
                raise FileError(query.name, f"column {column!r} holds integers beyond 2**53")
        values[known, j] = numbers
    return values


def _ids_of(query: Opened, id_column: str | None, m: int) -> NDArray[np.object_] | None:
    column = id_column or next(iter(query.index), None)
    if column is None:
        return None
    if query.text is None:
        if query.kind == ".npy":
            return np.asarray(NpyRows(query.path).block(0, m)[:, query.names.index(column)], object)
        file = open_parquet(existing(query.path), query.name)
        ids = file.read(columns=[column]).column(0).to_pylist()
        return np.fromiter(ids, dtype=object, count=m)
    from ..rows._csv import _ids

    # As text nothing but the ids is parsed.
    return _ids(query.text._parse([], column).column(column))


def same_file(one: str, other: str) -> bool:
    """Whether two paths name the same existing file."""
    try:
        return os.path.samefile(os.path.expanduser(one), os.path.expanduser(other))
    except OSError:
        return False
