"""The command line: `hullwise locate` and `hullwise demo`.

Nothing numeric is imported until a command runs, so that help and the first line come at once.
"""

from __future__ import annotations

import contextlib
import csv
import math
import os
import re
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator
from typing import Any, NoReturn

import click

from .. import __version__
from ..errors import DataWarning, HullwiseError

STOPPED = "hullwise.stopped"
BANDS = ("core", "edge", "beyond", "far")

IN_PYTHON = re.compile(r" \((force=True|header=False|sep= in Python|decimal='.' in Python)\)")

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


class _Program(click.Group):
    """Turns every way to end into one exit code and at most one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _stop_remembered(ctx), warnings.catch_warnings():
                warnings.showwarning = _show_warning
                warnings.simplefilter("always", DataWarning)
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            _stop(ctx)
        except MemoryError as error:
            _fail(ctx, str(error) or "out of memory", 4)
        except HullwiseError as error:
            _fail(ctx, str(error), 3)
        except BrokenPipeError:
            _silence_stdout()
            ctx.exit(141)
        except OSError as error:
            _silence_stdout()
            _fail(ctx, f"standard output cannot be written ({error.strerror or error})", 3)
        except Exception as error:
            if _was_stopped(error):
                _stop(ctx)
            if "no locator available" in str(error):
                folder = "numba found no folder to keep compiled code in; set NUMBA_CACHE_DIR"
                _fail(ctx, f"{folder} to one that can be written", 3)
            traceback.print_exc()
            _fail(ctx, "internal error: please report it with the lines above", 70)


@contextlib.contextmanager
def _stop_remembered(ctx: click.Context) -> Iterator[None]:
    """Note a Ctrl-C: libraries lose some, such as one that comes while a kernel is loaded."""

    def stop(*_: object) -> None:
        ctx.meta[STOPPED] = True
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    try:
        signal.signal(signal.SIGINT, stop)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _stop(ctx: click.Context) -> NoReturn:
    written = ctx.meta.get("hullwise.written")
    what = f"only {written} was written" if written else "nothing was written"
    click.echo(f"\nhullwise: stopped; {what}", err=True)
    ctx.exit(130)


def _was_stopped(error: BaseException | None) -> bool:
    """Whether Ctrl-C came while a library was imported, and was wrapped in another error."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def _silence_stdout() -> None:
    """What is still in the buffer must not be flushed into the closed pipe at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(ctx: click.Context, message: str, code: int) -> NoReturn:
    # The library also says what to write in Python.
    message = IN_PYTHON.sub("", message)
    click.echo(f"hullwise: {message}", err=True)
    ctx.exit(code)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    click.echo(f"note: {message}", err=True)


def _names(_: click.Context, __: click.Parameter, value: str | None) -> list[str] | None:
    """Column names with commas between; a name that holds a comma stands in double quotes."""
    if value is None:
        return None
    names = next(csv.reader([value], skipinitialspace=True), [])
    if not names or "" in names:
        raise click.BadParameter(f"{value!r} holds an empty name")
    return names


def _mark(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and value not in ("\\t", "tab") and len(value.encode()) != 1:
        raise click.BadParameter(f"{value!r}: expected one ASCII character")
    return value


def _finite(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise click.BadParameter("expected a finite number of seconds, at least 0")
    return value


@click.group(
    cls=_Program,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="hullwise")
def main() -> None:
    """For every row a model is asked about: is it inside the data, how far out, and why."""


@main.command(epilog=EXIT_CODES)
@click.argument("train")
@click.argument("query")
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="COL",
    help="A column that is no feature: the target, or any other to leave out. May be repeated.",
)
@click.option("--id", "id_column", metavar="COL", help="Column that names the rows.")
@click.option(
    "--columns",
    callback=_names,
    metavar="a,b,c",
    help="The features, where not all other columns are.",
)
@click.option(
    "--metric",
    default="std",
    show_default=True,
    metavar="std|range|none|FILE.npy",
    help="Units of distance: each feature divided by its standard deviation or range, its own "
    "units, or a (d,) or (d, d) metric. Only here the default is std: tables mix units.",
)
@click.option("--k", type=click.IntRange(min=1), default=5, show_default=True, help="Neighbours.")
@click.option(
    "--reference",
    type=click.IntRange(min=0),
    default=500,
    show_default=True,
    help="Training rows left out in turn to learn which distances are usual.",
)
@click.option("--membership-only", is_flag=True, help="Only inside or outside: fast.")
@click.option("--budget", type=float, callback=_finite, metavar="SECONDS", help="For the search.")
@click.option("--sep", callback=_mark, metavar="CHAR", help="Separator of the CSV files.")
@click.option(
    "--decimal", callback=_mark, default=".", metavar="CHAR", help="Decimal mark of the CSV files."
)
@click.option("--no-header", is_flag=True, help="CSV without names: columns are x0, x1, ...")
@click.option(
    "--bad-rows",
    type=click.Choice(["refuse", "keep"]),
    default="refuse",
    show_default=True,
    help="New rows with missing or infinite values: refuse the file, or keep them unlocated.",
)
@click.option("-o", "--output", metavar="OUT", help="One row per new row: .csv, .parquet, or -.")
@click.option("--report", metavar="OUT.html", help="One page for people, self-contained.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@click.option(
    "--fail-on",
    type=click.Choice([*BANDS, "outside"]),
    help="Exit with 1 if a row is in this band or a worse one, cannot be located, or is open.",
)
@click.option(
    "--allow",
    type=click.FloatRange(0, 100),
    default=0.0,
    metavar="PERCENT",
    help="With --fail-on: exit with 1 only if more than this share of the new rows is.",
)
@click.option("--verify", is_flag=True, help="Check every certificate again, by other code.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def locate(train: str, query: str, **options: Any) -> None:
    """Say for each row of QUERY where it stands against the rows of TRAIN.

    Both are tables with the same columns, in any order: CSV (also gzipped), Parquet or .npy; "-"
    reads CSV from standard input. The summary goes to standard output, or to standard error
    where the table itself does (-o -).

    \b
      hullwise locate train.csv new.csv --target price -o where.csv --report where.html
    """
    _refuse_usage(train, query, options)
    if not options["quiet"]:
        click.echo(f"hullwise {__version__}: locating {query} in {train} ...", err=True)
    from ._locate import run

    failed = run(train, query, options)
    if failed:
        click.get_current_context().exit(1)


def _refuse_usage(train: str, query: str, options: dict[str, Any]) -> None:
    """What no file could make right."""
    if train == query == "-":
        raise click.UsageError("only one of TRAIN and QUERY can be standard input")
    output, report = options["output"], options["report"]
    if report is not None and os.path.splitext(report)[1].lower() not in (".html", ".htm"):
        raise click.BadParameter("expected a name that ends in .html", param_hint="--report")
    if (
        output is not None
        and report is not None
        and os.path.abspath(output) == os.path.abspath(report)
    ):
        raise click.UsageError("-o and --report name the same file")
    if options["allow"] and options["fail_on"] is None:
        raise click.UsageError("--allow needs --fail-on")
    metric = options["metric"]
    if metric not in ("std", "range", "none") and not metric.endswith(".npy"):
        raise click.BadParameter(
            f"{metric!r}: expected std, range, none or a .npy file", param_hint="--metric"
        )
    kinds = (".csv", ".parquet")
    made = output not in (None, "-") and not os.path.lexists(output)
    if made and os.path.splitext(output)[1].lower() not in kinds:
        raise click.BadParameter(
            f"{output!r}: expected a name that ends in .csv or .parquet", param_hint="-o"
        )
    needs = options["fail_on"] in BANDS
    if needs and options["membership_only"]:
        raise click.UsageError(
            "bands need distances: use --fail-on outside, or leave out --membership-only"
        )
    if needs and options["reference"] == 0:
        raise click.UsageError("bands need --reference of at least 1")


@main.command(epilog=EXIT_CODES)
@click.option("--report", metavar="OUT.html", help="Also write the report of the second table.")
@click.option(
    "--write",
    "folder",
    metavar="FOLDER",
    help="Only write the forest fires, as seen.csv and new.csv, to try locate on.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
def demo(report: str | None, folder: str | None, force: bool) -> None:
    """Locate held-out rows of two bundled tables; needs no files.

    Forest fires: a random fifth is held out. Parkinson's telemonitoring: new patients, next to a
    random split of the same size, which hides that new patients are farther out.
    """
    if folder is not None:
        if report is not None:
            raise click.UsageError("--write only writes tables: leave out --report")
        from ._demo import write_files

        write_files(folder, force)
        return
    click.echo(f"hullwise {__version__}: locating rows of two bundled tables ...", err=True)
    from ._demo import run

    run(report, force)
