"""Options that several commands take; nothing numeric is imported here."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import click

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


def names(_: click.Context, __: click.Parameter, value: str | None) -> list[str] | None:
    """Column names with commas between; a name that holds a comma stands in double quotes."""
    if value is None:
        return None
    found = next(csv.reader([value], skipinitialspace=True), [])
    if not found or "" in found:
        raise click.BadParameter(f"{value!r} holds an empty name")
    return found


def _mark(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and value not in ("\\t", "tab") and len(value.encode()) != 1:
        raise click.BadParameter(f"{value!r}: expected one ASCII character")
    return value


def finite(unit: str = "") -> Callable[[Any, Any, float | None], float | None]:
    """A check that a number is finite and not negative; `unit` says of what, for the message."""

    def check(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise click.BadParameter(f"expected a finite number{unit}, at least 0")
        return value

    return check


def some_of(known: Sequence[str]) -> Callable[[Any, Any, str | None], list[str] | None]:
    """A check that names with commas between are all among those known."""

    def check(_: click.Context, __: click.Parameter, value: str | None) -> list[str] | None:
        some = None if value is None else value.split(",")
        for name in some or ():
            if name not in known:
                raise click.BadParameter(f"{name!r}: expected some of {','.join(known)}")
        return some

    return check


def page(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """The name of an HTML page."""
    if value is not None and os.path.splitext(value)[1].lower() not in (".html", ".htm"):
        raise click.BadParameter(f"{value!r}: expected a name that ends in .html")
    return value


ID = click.option("--id", "id_column", metavar="COL", help="Column that names the rows.")
COLUMNS = click.option(
    "--columns",
    callback=names,
    metavar="a,b,c",
    help="The features, where not all other columns are.",
)
METRIC = (
    click.option(
        "--metric",
        default="std",
        show_default=True,
        metavar="std|range|none|FILE.npy|agop|rfm|nfm:LAYER",
        help="Units of distance: each feature divided by its standard deviation or range, its own "
        "units, or a (d,) or (d, d) metric. Or "
        "what matters to the target: agop and rfm learn it from --target, agop and nfm:LAYER take "
        "it from --model.",
    ),
    click.option(
        "--model",
        metavar="NET.onnx",
        help="For --metric agop and nfm:LAYER (a linear layer's number or name): a network of the "
        "features in the table's order.",
    ),
    click.option(
        "--save-metric", metavar="M.npy", help="Keep the metric learnt, for --metric M.npy."
    ),
)
BOUND = (
    click.option("--bound", is_flag=True, help="Add a bound of each prediction's error."),
    click.option(
        "--smoothness",
        type=float,
        callback=finite(),
        metavar="G",
        help="For --bound: Lipschitz constant of the target's gradient, in the metric; estimated "
        "from TRAIN if not given, and an estimate is no guarantee.",
    ),
    click.option(
        "--lipschitz",
        type=float,
        callback=finite(),
        metavar="L",
        help="For --bound: Lipschitz constant of the target itself; the same.",
    ),
)
READING = (
    click.option("--sep", callback=_mark, metavar="CHAR", help="Separator of the CSV files."),
    click.option(
        "--decimal",
        callback=_mark,
        default=".",
        metavar="CHAR",
        help="Decimal mark of the CSV files.",
    ),
    click.option("--no-header", is_flag=True, help="CSV without names: columns are x0, x1, ..."),
)
OUTPUT = click.option(
    "-o", "--output", metavar="OUT", help="One row per new row: .csv, .parquet, or -."
)
FORCE = click.option("--force", is_flag=True, help="Replace files that are there.")
QUIET = click.option("-q", "--quiet", is_flag=True, help="Print errors only.")


def bad_rows(done: str) -> Any:
    """What becomes of new rows with missing values; `done` is what else happens to a row."""
    return click.option(
        "--bad-rows",
        type=click.Choice(["refuse", "keep"]),
        default="refuse",
        show_default=True,
        help=f"New rows with missing or infinite values: refuse the file, or keep them un{done}.",
    )


def apply(*options: Any) -> Callable[[Any], Any]:
    """Several options as one decorator, shown in this order."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def refuse_usage(train: str, query: str, options: dict[str, Any]) -> None:
    """What no file could make right, in the options that all commands on two tables take."""
    if train == query == "-":
        raise click.UsageError("only one of TRAIN and QUERY can be standard input")
    _refuse_metric(options)
    refuse_output(options["output"])


def learns(options: dict[str, Any]) -> bool:
    """Whether the metric asked for is that of a task."""
    metric = options["metric"]
    return metric in ("agop", "rfm", "nfm") or metric.startswith("nfm:")


def learns_from_rows(options: dict[str, Any]) -> bool:
    """Whether it is learnt from the target of the training rows."""
    return options["metric"] == "rfm" or (options["metric"] == "agop" and not options["model"])


def _refuse_metric(options: dict[str, Any]) -> None:
    metric, model, saved = options["metric"], options["model"], options["save_metric"]
    if not learns(options):
        if metric not in ("std", "range", "none") and not metric.endswith(".npy"):
            raise click.BadParameter(
                f"{metric!r}: expected std, range, none, a .npy file, agop, rfm or nfm:LAYER",
                param_hint="--metric",
            )
        if model is not None:
            raise click.UsageError("--model belongs to --metric agop or nfm:LAYER")
        if saved is not None:
            raise click.UsageError("--save-metric keeps a metric learnt by agop, rfm or nfm:LAYER")
        return
    if metric not in ("agop", "rfm") and not metric[3:].strip(": "):
        raise click.BadParameter(
            f"{metric!r}: expected nfm:LAYER, such as nfm:0 for the first linear layer",
            param_hint="--metric",
        )
    if metric.startswith("nfm") and model is None:
        raise click.UsageError(f"--metric {metric} needs --model, the network of that layer")
    if metric == "rfm" and model is not None:
        raise click.UsageError("--metric rfm learns from --target: leave out --model")
    if model == "-":
        raise click.BadParameter("a network cannot come from standard input", param_hint="--model")
    if learns_from_rows(options) and not (options.get("target") or options.get("targets")):
        other = ", or --model, a network" if metric == "agop" else ""
        raise click.UsageError(
            f"--metric {metric} needs --target, the column to learn it from{other}"
        )
    if saved is not None and os.path.splitext(saved)[1].lower() != ".npy":
        raise click.BadParameter(
            f"{saved!r}: expected a name that ends in .npy", param_hint="--save-metric"
        )


def refuse_output(output: str | None) -> None:
    """The name of a table that is to be made must say its format."""
    if output is None or output == "-" or os.path.lexists(output):
        return
    if os.path.splitext(output)[1].lower() not in (".csv", ".parquet"):
        raise click.BadParameter(
            f"{output!r}: expected a name that ends in .csv or .parquet", param_hint="-o"
        )
