"""The two tables of a command: which columns are features, and the rows themselves."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import click
import numpy as np
from numpy.typing import NDArray

from .._core.memory import available_memory
from .._core.types import Mask
from ..errors import FileError, Hint
from ..geometry.cloud import Cloud
from ..io.arrow_table import ParquetTable
from ..io.coercion import format_names
from ..io.file_rows import NpyRows, ParquetRows
from ..io.paths import missing_columns_text, select_features
from ..io.rows import ArrayRows
from ..io.sql_query import TablePath
from ..io.table_reader import NumericTable, OpenTable, open_table, read_rows
from ._option_groups import NewRowsOptions, ReadingOptions, TableOptions

LISTING_CHARACTERS = 210  # of names that a message repeats for --columns


@dataclass(frozen=True, repr=False, eq=False)
class ColumnPairing:
    """Which columns of both files are features, in the same order, and which are ids."""

    features: tuple[str, ...]
    query_features: tuple[str, ...]
    train_id: str | None
    query_id: str | None
    notes: tuple[str, ...]


@dataclass(frozen=True, repr=False, eq=False)
class QueryRows:
    """The rows asked about: `values` holds those that can be used, in file order."""

    values: NDArray[Any]  # (g, d)
    usable: Mask  # (m,) whether a row is among them
    reasons: Mapping[int, str]  # row: why it is not
    ids: NDArray[np.object_] | None  # (m,)

    @property
    def are_numbered(self) -> bool:
        """Whether a row is named by its place in the file, from 0."""
        return self.ids is None

    @property
    def labels(self) -> NDArray[np.object_] | None:
        """(g,) names of the rows in `values`; None where they are simply 0, 1, 2, ..."""
        if self.ids is not None:
            return np.asarray(self.ids[self.usable])
        return np.flatnonzero(self.usable).astype(object) if self.reasons else None


def open_as(
    path: TablePath, options: ReadingOptions, csv_marks: tuple[str, str] | None = None
) -> OpenTable:
    """A table, opened as the options say; where they say nothing, with the marks of another."""
    sep, decimal = options.sep, options.decimal
    if csv_marks is not None and sep is None and decimal == ".":
        sep, decimal = csv_marks
    return open_table(path, sep=sep, decimal=decimal, header=not options.no_header)


def pair_columns(
    train: OpenTable, query: OpenTable, options: TableOptions, *, strict: bool = True
) -> ColumnPairing:
    """Pair the columns of the two files by name.

    Columns that only the query file has are refused, or, unless `strict`, ignored with a note.

    Raises
    ------
    click.BadParameter
        An option names a column that is not there.
    FileError
        A column is missing, or the query file holds one that is neither feature, target nor id.
    """
    id_column, columns = options.id_column, options.columns
    train_id = id_column if id_column in train.names else None
    query_id = id_column if id_column in query.names else None
    if id_column is not None and train_id is None and query_id is None:
        both = list(dict.fromkeys([*query.names, *train.names]))
        _refuse_option("--id", f"in {query.path} or {train.path}", [id_column], both)
    check_named_columns(train, options)
    index = [c for c in train.index if columns is None and c != id_column]
    drop = list(dict.fromkeys([*options.excluded, *index]))
    features = tuple(select_features(train.path, train.names, columns, drop, train_id))
    notes = tuple(
        f"{table.path}: rows are named by the index that pandas stored in it ({table.index[0]!r})."
        for table, named in ((train, train_id), (query, query_id))
        if table.index and named is None
    )
    if train.named == query.named:
        known = {*options.excluded, id_column, *train.names, *query.index}
        extra = [c for c in query.names if c not in known]
        _refuse_missing(train, query, features, extra)
        if extra and columns is None and train.named:
            notes = (*notes, _extra_columns(train, query, features, extra, strict=strict))
        return ColumnPairing(features, features, train_id, query_id, notes)
    rest = [c for c in query.names if c not in {*options.excluded, id_column, *query.index}]
    if len(rest) != len(features):
        raise FileError(
            query.path,
            f"has {len(rest)} columns where the {len(features)} features of {train.path} are "
            f"expected ({format_names(features)}); only one of the two files has column names, so "
            "they are paired by their place",
        )
    place = "only one of the two files has column names: columns are paired by their place"
    return ColumnPairing(features, tuple(rest), train_id, query_id, (place, *notes))


def check_named_columns(table: OpenTable, options: TableOptions) -> None:
    """Refuse options that name columns which the table has not."""
    for option, columns in (
        *(("--target", options.target), ("--drop", options.drop)),
        ("--columns", options.columns or ()),
    ):
        unknown = [c for c in columns if c not in table.names]
        if unknown:
            _refuse_option(option, f"in {table.path}", unknown, table.names)


def _refuse_option(
    option: str, where: str, unknown: Sequence[str], names: Sequence[str]
) -> NoReturn:
    raise click.BadParameter(f"{where}: {missing_columns_text(unknown, names)}", param_hint=option)


def _refuse_missing(
    train: OpenTable, query: OpenTable, features: Sequence[str], extra: Sequence[str]
) -> None:
    """Refuse a query file that lacks features."""
    there = set(query.names)
    missing = [c for c in features if c not in there]
    if missing:
        new = f"; it has {format_names(extra)}, which {train.path} does not use" if extra else ""
        raise FileError(
            query.path,
            f"lacks {format_names(missing)}, feature{'s' * (len(missing) > 1)} of "
            f"{train.path}{new}; rename or add them, or say what is no feature with --drop, "
            "--target, --id or --columns",
        )


def _extra_columns(
    train: OpenTable,
    query: OpenTable,
    features: Sequence[str],
    extra: Sequence[str],
    *,
    strict: bool,
) -> str:
    """That columns of the query file are ignored; refused where `strict`."""
    if not strict:
        return f"columns of {query.path} that {train.path} has not are ignored: " + format_names(
            list(extra)
        )
    listing = f"--columns {shell_list(features)}"
    if len(listing) > LISTING_CHARACTERS:
        listing = "--columns NAME,NAME,..."
    raise FileError(
        query.path,
        f"has columns that {train.path} has not: {format_names(list(extra))}; to leave them out, "
        f"name the features with {listing} (or the row ids with --id)",
    )


def read_cloud(
    train: OpenTable,
    features: Sequence[str],
    id_column: str | None,
    scheduler: str | None = None,
) -> Cloud:
    """The training rows: in memory where they fit well, else read from the file in blocks.

    Or read, and kept, by the workers of a scheduler.
    """
    if scheduler is not None:
        from ..io.cluster_rows import ClusterRows

        columns = features if isinstance(train, ParquetTable) else None
        cloud = Cloud(ClusterRows(scheduler, os.path.abspath(train.path), columns=columns))
        cloud.labels = train.ids(id_column) if isinstance(train, ParquetTable) else None
        return cloud
    if train.kind == ".npy" and tuple(features) == train.names and id_column is None:
        return Cloud(NpyRows(train.path))
    if isinstance(train, ParquetTable) and fills_memory(train, len(features)):
        cloud = Cloud(ParquetRows(train.path, columns=features))
        cloud.labels = train.ids(id_column)
        return cloud
    return cloud_of(read_rows(train, columns=features, id_column=id_column), features)


def fills_memory(train: OpenTable, n_features: int) -> bool:
    """Whether a table is better read from its file in blocks."""
    free = available_memory()
    return isinstance(train, ParquetTable) and free is not None and 16 * train.n * n_features > free


def cloud_of(table: NumericTable, features: Sequence[str]) -> Cloud:
    """The cloud of a table that was read, whose columns are these features."""
    assert table.columns == tuple(features)
    cloud = Cloud(ArrayRows(table.values, table.columns))
    cloud.labels = table.ids
    return cloud


def read_queries(
    query: OpenTable,
    features: Sequence[str],
    id_column: str | None,
    options: NewRowsOptions,
    participle: str = "located",
) -> QueryRows:
    """The rows asked about; `participle` is what a row with missing values is not.

    Raises
    ------
    FileError
        For text, and for missing or infinite values unless --bad-rows keep.
    """
    try:
        table = read_rows(query, columns=features, id_column=id_column, bad_rows=options.bad_rows)
    except FileError as error:
        refused = error
    else:
        return _query_rows(table, participle)
    with contextlib.suppress(FileError):
        if options.bad_rows == "refuse":
            read_rows(query, columns=features, bad_rows="keep")
            refused = refused.with_hint(Hint.KEEP_BAD_ROWS, participle)
    raise refused


def _query_rows(table: NumericTable, participle: str) -> QueryRows:
    usable = np.ones(table.n, dtype=bool)
    usable[list(table.bad)] = False
    values = table.values[usable] if table.bad else table.values
    reasons = {row: f"not {participle}: {what}" for row, what in table.bad.items()}
    return QueryRows(values, usable, reasons, table.ids)


def repeated_ids(train_ids: Any, query_ids: Any) -> list[str]:
    """A sentence for each file in which an id names more than one row."""
    notes: list[str] = []
    for what, ids in (("training", train_ids), ("new", query_ids)):
        repeated = 0 if ids is None else len(ids) - len(set(ids.tolist()))
        if repeated:
            rows = "row repeats" if repeated == 1 else "rows repeat"
            notes.append(f"{repeated:,} {what} {rows} the id of another row.")
    return notes


def shell_list(names: Sequence[str]) -> str:
    """Names as --columns takes them, quoted for a shell."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return shlex.quote(line.getvalue())


def shell_word(name: str) -> str:
    return shlex.quote(name)


def same_file(one: TablePath, other: TablePath) -> bool:
    """Whether two paths name the same existing file."""
    try:
        return os.path.samefile(os.path.expanduser(one), os.path.expanduser(other))
    except OSError:
        return False
