"""Domains as the command line makes and reads them."""

from __future__ import annotations

import os
from typing import Any

import click

from ..domain.domain import Domain
from ..domain.domain_file import load
from ..errors import FileError
from ..io.mixed_table import MixedTable, mixed_table
from ..io.paths import missing_columns_text
from ..io.sql_query import TablePath
from ..io.table_reader import OpenTable
from ..table.spec import read_spec
from ._command_options import FitOptions, LocateOptions
from ._option_groups import ReadingOptions, RoleOptions
from ._tables import open_as

DOMAIN_SUFFIX = ".hull"
ROLES_OF_NO_FEATURE = ("id", "target", "group", "segment", "time")


def is_domain_file(path: str) -> bool:
    """Whether a name is that of a domain in a file."""
    return os.path.splitext(path)[1].lower() == DOMAIN_SUFFIX


def read_domain(path: str) -> Domain:
    """The domain of a file that keeps its rows.

    Raises
    ------
    FileError
        It cannot be read, or keeps half-spaces only.
    """
    domain = load(path)
    if not isinstance(domain, Domain):
        raise FileError(
            path,
            "keeps half-spaces in place of its training rows, which this command needs: fit it "
            "without --keep half-spaces",
        )
    return domain


def new_domain(options: FitOptions | LocateOptions, table: OpenTable) -> Domain:
    """A domain as the options declare it, not fitted; columns are those of the training table.

    Raises
    ------
    click.BadParameter
        An option names a column that the table has not.
    """
    check_declared(table, options)
    drop = [*options.drop, *_beside_columns(table, options)]
    metric = None if options.metric == "none" else options.metric
    return Domain(
        numbers=options.numbers,
        categories=options.categories,
        log=options.log,
        ordered=options.ordered,
        periodic=options.periodic,
        dates=options.dates,
        drop=drop,
        gaps=options.gaps,
        gaps_are_levels=options.gaps_are_levels,
        columns_from=options.columns_from,
        groups=options.group,
        by=options.by,
        time=options.time,
        missing=options.missing,
        metric=metric,
        n_neighbors=options.n_neighbors,
        reference=options.reference,
    )


def fit_domain(
    domain: Domain, table: MixedTable, options: RoleOptions, progress: Any = None
) -> Domain:
    """The domain, fitted on a table that was read."""
    id_column = options.id_column if options.id_column in table.names else None
    return domain.fit(table, target=options.target, id=id_column, progress=progress)


def read_as_domain(table: OpenTable, domain: Domain) -> MixedTable:
    """All columns of a table, with the texts as gaps that the domain takes for such."""
    return mixed_table(table, domain.spec.gaps)


def read_like_training(path: TablePath, domain: Domain, options: ReadingOptions) -> MixedTable:
    """All columns of a file of new rows, read as the file of the training rows was."""
    return read_as_domain(open_as(path, options, domain.fitted_.csv_marks), domain)


def check_declared(table: OpenTable, options: RoleOptions) -> None:
    """Refuse options that name columns which the table has not."""
    for option, columns in options.declared.items():
        unknown = [c for c in columns if c not in table.names]
        if unknown and (option != "--id" or isinstance(options, FitOptions)):
            raise click.BadParameter(
                f"in {table.path}: {missing_columns_text(unknown, table.names)}", param_hint=option
            )


def _beside_columns(table: OpenTable, options: RoleOptions) -> list[str]:
    """The columns that --columns leaves out."""
    if options.columns is None:
        return []
    named = {*options.columns, *(c for columns in options.declared.values() for c in columns)}
    if options.columns_from is not None:
        roles = read_spec(options.columns_from).roles
        named |= {column for column, role in roles.items() if role in ROLES_OF_NO_FEATURE}
    return [c for c in table.names if c and c not in named and c not in table.index]
