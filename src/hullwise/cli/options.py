"""Options that several commands take, as click reads them; nothing numeric is imported here."""

from __future__ import annotations

import csv
import functools
import math
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from ._network_options import OF_MODEL_OPTION
from .status import IS_QUIET

__all__ = [
    "EXIT_CODES",
    "FORCE",
    "apply",
    "check_choices",
    "check_page",
    "finite_number",
    "split_names",
    "table_argument",
    "takes",
]

EXIT_CODES = """
\b
Exit codes:
    0  done
    1  done, and the condition of --fail-on is met
    2  wrong usage
    3  a file or its data cannot be used, or an output cannot be written
    4  out of memory
   70  internal error: please report it
  130  stopped with Ctrl-C: no half file is left
  141  the reader of standard output went away
"""

Options = TypeVar("Options")


# ---- what a value may be ----------------------------------------------------------------------


def split_names(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Column names with commas between; a name that holds a comma stands in double quotes."""
    if value is None:
        return None
    names = next(csv.reader([value], skipinitialspace=True), [])
    if not names or "" in names:
        raise click.BadParameter(f"{value!r} holds an empty name")
    return tuple(names)


def _check_mark(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and value not in ("\\t", "tab") and len(value.encode()) != 1:
        raise click.BadParameter(f"{value!r}: expected one ASCII character")
    return value


def finite_number(unit: str = "") -> Callable[[Any, Any, float | None], float | None]:
    """A check that a number is finite and not negative; `unit` says of what, for the message."""

    def check(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise click.BadParameter(f"expected a finite number{unit}, at least 0")
        return value

    return check


def finite_numbers(
    _: click.Context, __: click.Parameter, values: tuple[float, ...]
) -> tuple[float, ...]:
    """The same of an option that may be repeated."""
    if not all(math.isfinite(value) and value >= 0 for value in values):
        raise click.BadParameter("expected a finite number, at least 0")
    return values


def check_choices(choices: Sequence[str]) -> Callable[[Any, Any, str | None], list[str] | None]:
    """A check that names with commas between are all among the choices."""

    def check(_: click.Context, __: click.Parameter, value: str | None) -> list[str] | None:
        names = None if value is None else value.split(",")
        for name in names or ():
            if name not in choices:
                raise click.BadParameter(f"{name!r}: expected some of {','.join(choices)}")
        return names

    return check


def check_page(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """The name of an HTML page."""
    if value is not None and os.path.splitext(value)[1].lower() not in (".html", ".htm"):
        raise click.BadParameter(f"{value!r}: expected a name that ends in .html")
    return value


# ---- the options ------------------------------------------------------------------------------


def target_option(text: str, *, required: bool = False) -> Any:
    """--target: the column or columns that are to be predicted, or learnt from."""
    return click.option(
        "--target",
        multiple=True,
        required=required,
        metavar="COL",
        help=f"{text} May be repeated.",
    )


DROP = click.option(
    "--drop",
    multiple=True,
    metavar="COL",
    help="A column to leave out. May be repeated.",
)
ID = click.option("--id", "id_column", metavar="COL", help="Column that names the rows.")
FEATURES = click.option(
    "--columns",
    callback=split_names,
    metavar="a,b,c",
    help="The features, where not all other columns are.",
)
METRIC = (
    click.option(
        "--metric",
        default="std",
        show_default=True,
        metavar="std|range|none|FILE.npy|agop|curvature|rfm|nfm:LAYER",
        help="Units of distance: each feature divided by its standard deviation or range, its own "
        "units, or a (d,) or (d, d) metric. Or what matters to the target: agop, curvature and "
        "rfm learn it from --target; agop, curvature and nfm:LAYER take it from --model.",
    ),
    click.option(
        "--model",
        metavar="NET.onnx",
        help="For --metric agop, curvature and nfm:LAYER (a linear layer's number or name): a "
        "network of the features in the table's order.",
    ),
    *OF_MODEL_OPTION,
    click.option(
        "--save-metric", metavar="M.npy", help="Keep the metric learnt, for --metric M.npy."
    ),
)
SEARCH = (
    click.option(
        "--n-neighbors",
        type=click.IntRange(min=1),
        default=5,
        show_default=True,
        metavar="K",
        help="Nearest training rows of each new row.",
    ),
    click.option(
        "--reference",
        type=click.IntRange(min=0),
        default=500,
        show_default=True,
        help="Training rows left out in turn to learn which distances are usual.",
    ),
)
BOUND = (
    click.option("--bound", is_flag=True, help="Add a bound of each prediction's error."),
    click.option(
        "--smoothness",
        type=float,
        multiple=True,
        callback=finite_numbers,
        metavar="G",
        help="For --bound: Lipschitz constant of the target's gradient, in the metric; estimated "
        "from TRAIN if not given, and an estimate is no guarantee. Once, or once a --target.",
    ),
    click.option(
        "--lipschitz",
        type=float,
        multiple=True,
        callback=finite_numbers,
        metavar="L",
        help="For --bound: Lipschitz constant of the target itself; the same.",
    ),
)
READING = (
    click.option("--sep", callback=_check_mark, metavar="CHAR", help="Separator of the CSV files."),
    click.option(
        "--decimal",
        callback=_check_mark,
        default=".",
        metavar="CHAR",
        help="Decimal mark of the CSV files.",
    ),
    click.option("--no-header", is_flag=True, help="CSV without names: columns are x0, x1, ..."),
)
SOURCE = (
    click.option(
        "--query",
        "sql",
        metavar="SQL|FILE.sql",
        help="Rows of a database in place of the last table: one SELECT, or a file that holds it.",
    ),
    click.option(
        "--db",
        "database",
        metavar="URL",
        envvar="HULLWISE_DB",
        help="For --query: the database, such as sqlite:///shop.db or "
        "postgresql://user@host/shop. Or in the environment as HULLWISE_DB.",
    ),
)
OUTPUT = click.option(
    "-o", "--output", metavar="OUT", help="One row per new row: .csv, .parquet, or -."
)
REPORT = click.option(
    "--report",
    callback=check_page,
    metavar="OUT.html",
    help="One page for people, self-contained.",
)
FORCE = click.option("--force", is_flag=True, help="Replace files that are there.")
QUIET = click.option("-q", "--quiet", is_flag=True, help="Print errors only.")


def bad_rows_option(participle: str) -> Any:
    """What becomes of new rows with missing values, which are else "located", say."""
    return click.option(
        "--bad-rows",
        type=click.Choice(["refuse", "keep"]),
        default="refuse",
        show_default=True,
        help="New rows with missing or infinite values: refuse the file, or keep them "
        f"un{participle}.",
    )


# ---- decorators -------------------------------------------------------------------------------


def apply(*options: Any) -> Callable[[Any], Any]:
    """Several options as one decorator, shown in this order."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def takes(
    kind: Callable[..., Options], table: str | None = None
) -> Callable[[Callable[[Options], None]], Any]:
    """Let a command take one object, made of all that click has read, in place of keywords.

    A field `explicit` of it gets the names of the parameters that the command line named. `table`
    is the parameter in whose place --query may stand.
    """

    def decorate(command: Callable[[Options], None]) -> Any:
        @functools.wraps(command)
        def callback(**values: Any) -> None:
            ctx = click.get_current_context()
            ctx.meta[IS_QUIET] = values.get("quiet", False)
            if "explicit" in kind.__annotations__:
                values["explicit"] = frozenset(
                    name
                    for name in values
                    if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
                )
            if table is not None:
                values[table] = _table_or_query(
                    values[table], values.pop("sql"), values.pop("database"), table
                )
            command(kind(**values))

        return callback

    return decorate


def table_argument(name: str) -> Callable[[Any], Any]:
    """An argument in whose place --query may stand."""
    return click.argument(name, required=False, metavar=name.upper())


def _table_or_query(table: Any, sql: str | None, database: str | None, name: str) -> Any:
    """The table that an argument names, or the query that stands in its place."""
    is_several = isinstance(table, tuple)
    if sql is None:
        if click.get_current_context().get_parameter_source("database") is (
            ParameterSource.COMMANDLINE
        ):
            raise click.UsageError("--db needs --query, the rows of the database")
        if table is None:
            raise click.UsageError(f"Missing argument '{name.upper()}', or --query with --db.")
        return table
    if table and not is_several:
        raise click.UsageError(f"--query stands in the place of {name.upper()}: give one of them")
    if database is None:
        raise click.UsageError("--query needs --db, the URL of the database")
    from ..io.sql_query import SqlQuery, query_text

    query = SqlQuery(query_text(sql), database)
    return (*table, query) if is_several else query
