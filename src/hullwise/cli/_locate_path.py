"""`hullwise locate`: which way a table is located, as numbers or as columns of any kind."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass

import numpy as np

from ..domain.domain_file import load
from ..domain.half_spaces import HalfSpaces
from ..errors import DataWarning, FileError, Hint
from ..io.mixed_column import ColumnKind
from ..io.mixed_table import mixed_table
from ..io.numeric_table import NumericTable
from ..io.paths import select_features
from ..io.table_reader import OpenTable, read_rows
from ._command_options import LocateOptions
from ._locate import run_locate
from ._locate_domain import fit_and_locate, locate_in_domain
from ._locate_half_spaces import locate_by_rules
from ._output import check_outputs
from ._tables import check_named_columns, fills_memory, open_as


def locate_rows(options: LocateOptions) -> bool:
    """Locate the rows of one file among those of another; whether --fail-on is met.

    A table of numbers without gaps is located as such, by all that `hullwise.locate` offers; any
    other, and a domain in a file, by `hullwise.Domain`. Where both ways are open they agree.
    """
    check_outputs(options, (options.train, options.query), [*options.files.values()])
    if options.is_domain_file:
        domain = load(options.train)
        known = domain if isinstance(domain, HalfSpaces) else domain.fitted_
        query = open_as(options.query, options, known.csv_marks)
        if isinstance(domain, HalfSpaces):
            return locate_by_rules(options, domain, query)
        return locate_in_domain(options, domain, query, os.path.basename(options.train))
    train, query = (open_as(path, options) for path in (options.train, options.query))
    if options.numeric_options:
        try:
            return run_locate(options, train, query)
        except FileError as error:
            raise _any_table(error, options.numeric_options[0]) from None
    check_named_columns(train, options)
    reading = read_numbers(train, options)
    # a metric that is learnt has two readings of numbers, those that are 0 and 1 among them
    is_plain = reading.is_plain or (options.is_learnt and reading.table is not None)
    if options.domain_options or not is_plain or _has_gaps(query, train, options):
        return fit_and_locate(options, train, query, reading.refusal)
    return run_locate(options, train, query, reading.table)


@dataclass(frozen=True, eq=False)
class NumbersOfTable:
    """A table read as numbers: `table` where it was, `refusal` where it holds anything else."""

    is_plain: bool
    table: NumericTable | None = None
    refusal: FileError | None = None


def read_numbers(train: OpenTable, options: LocateOptions) -> NumbersOfTable:
    """Read a training table as numbers, and whether it is one of numbers and nothing else.

    It is not where a column has gaps, one value, only 0 and 1, or counts the rows.
    """
    if train.kind == ".npy":
        return NumbersOfTable(True)
    id_column = options.id_column if options.id_column in train.names else None
    drop = [*options.excluded, *(c for c in train.index if options.columns is None)]
    features = select_features(train.path, train.names, options.columns, drop, id_column)
    if fills_memory(train, len(features)):
        return NumbersOfTable(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            table = read_rows(train, columns=features, id_column=id_column)
    except FileError as error:
        return NumbersOfTable(False, refusal=error)
    columns = table.values.T
    if all(_says_nothing(column) for column in columns):
        return NumbersOfTable(True, table)
    special = any(_says_nothing(column) or _is_binary(column) for column in columns)
    return NumbersOfTable(not special and not _holds_codes(train, table), table)


def _says_nothing(values: np.ndarray) -> bool:
    """Whether a column has one value, or counts the rows."""
    counts_rows = len(values) > 2 and bool((np.diff(values) == 1).all())
    return counts_rows or bool(values.min() == values.max())


def _is_binary(values: np.ndarray) -> bool:
    """Whether a column holds only 0 and 1."""
    return bool(values.min() == 0 and values.max() == 1 and np.isin(values, (0, 1)).all())


def _holds_codes(train: OpenTable, table: NumericTable) -> bool:
    """Whether whole numbers are codes, such as 01234, which only their text tells."""
    if train.kind != ".csv":
        return False
    whole = [c for c, v in zip(table.columns, table.values.T) if bool((v == np.rint(v)).all())]
    if not whole:
        return False
    mixed = mixed_table(train)
    return any(mixed.column(c).kind is ColumnKind.TEXT for c in whole)


def _has_gaps(query: OpenTable, train: OpenTable, options: LocateOptions) -> bool:
    """Whether new rows lack numbers, so that each is to be located in the columns that it has."""
    if "bad_rows" in options.explicit or query.kind == ".npy" or not (query.named and train.named):
        return False
    excluded = {*options.excluded, options.id_column, *train.index}
    features = [c for c in options.columns or train.names if c not in excluded and c in query.names]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            table = read_rows(query, columns=features, bad_rows="keep")
    except FileError:
        return False
    return bool(table.bad)


def _any_table(error: FileError, option: str) -> FileError:
    """The error, and which option asks for numbers, where cells are text or empty."""
    hints = {hint for hint, _ in error.hints}
    if Hint.ENCODE_OR_LEAVE_OUT in hints:
        return error.with_hint(Hint.ANY_TABLE, option)
    return error
