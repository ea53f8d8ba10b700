"""The command line: `hullwise locate`, `predict`, `dissect` and `demo`, and commands of plugins.

Nothing numeric is imported until a command runs, so that help and the first line come at once.
"""

from __future__ import annotations

import os
from typing import Any

import click

from .. import __version__
from ..predict import INTERPOLANT_METHODS
from ._program import Program
from .options import (
    BOUND,
    COLUMNS,
    EXIT_CODES,
    FORCE,
    ID,
    METRIC,
    OUTPUT,
    QUIET,
    READING,
    apply,
    bad_rows,
    finite,
    learns,
    learns_from_rows,
    page,
    refuse_output,
    refuse_usage,
)

BANDS = ("core", "edge", "beyond", "far")


@click.group(
    cls=Program,
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
    help="A column that is no feature: the target, or any other to leave out. May be repeated; "
    "the first is the one that --metric agop and rfm learn from.",
)
@apply(ID, COLUMNS, *METRIC)
@click.option(
    "--classes",
    is_flag=True,
    help="For --metric agop and rfm: --target holds class labels, even where they are numbers.",
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
@click.option(
    "--budget",
    type=float,
    callback=finite(" of seconds"),
    metavar="SECONDS",
    help="For the search.",
)
@apply(*READING, bad_rows("located"), OUTPUT)
@click.option(
    "--report", callback=page, metavar="OUT.html", help="One page for people, self-contained."
)
@FORCE
@click.option(
    "--fail-on",
    type=click.Choice([*BANDS, "outside"]),
    help="Exit with 1 if a row is in this band or a worse one, cannot be located, or is open; in "
    "what matters, where --metric is agop, rfm or nfm.",
)
@click.option(
    "--allow",
    type=click.FloatRange(0, 100),
    default=0.0,
    metavar="PERCENT",
    help="With --fail-on: exit with 1 only if more than this share of the new rows is.",
)
@click.option("--verify", is_flag=True, help="Check every certificate again, by other code.")
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Of a Dask cluster whose workers hold TRAIN, a .parquet or .npy file that they can read.",
)
@QUIET
def locate(train: str, query: str, **options: Any) -> None:
    """Say for each row of QUERY where it stands against the rows of TRAIN.

    Both are tables with the same columns, in any order: CSV (also gzipped), Parquet or .npy; "-"
    reads CSV from standard input. The summary goes to standard output, or to standard error
    where the table itself does (-o -).

    With --metric agop, rfm or nfm:LAYER two readings are given side by side: out of the data, and
    out of the data in what matters to the target.

    \b
      hullwise locate train.csv new.csv --target price -o where.csv --report where.html
      hullwise locate train.csv new.csv --target price --metric rfm
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
    output, report = options["output"], options["report"]
    if None not in (output, report) and os.path.abspath(output) == os.path.abspath(report):
        raise click.UsageError("-o and --report name the same file")
    if options["allow"] and options["fail_on"] is None:
        raise click.UsageError("--allow needs --fail-on")
    refuse_usage(train, query, options)
    if learns(options) and options["membership_only"]:
        raise click.UsageError(
            "the two readings compare distances: leave out --membership-only or --metric "
            f"{options['metric']}"
        )
    if options["classes"] and not learns_from_rows(options):
        raise click.UsageError("--classes belongs to --metric agop or rfm that learn from --target")
    if options["scheduler"] is not None and learns_from_rows(options):
        raise click.UsageError(
            "a metric is learnt on one machine: learn it from a sample with --save-metric M.npy, "
            "then use --metric M.npy with --scheduler"
        )
    needs = options["fail_on"] in BANDS
    if needs and options["membership_only"]:
        raise click.UsageError(
            "bands need distances: use --fail-on outside, or leave out --membership-only"
        )
    if needs and options["reference"] == 0:
        raise click.UsageError("bands need --reference of at least 1")


@main.command(epilog=EXIT_CODES)
@click.argument("train")
@click.argument("query")
@click.option("--target", required=True, metavar="COL", help="The column of TRAIN to predict.")
@click.option(
    "--drop",
    "dropped",
    multiple=True,
    metavar="COL",
    help="Another column that is no feature. May be repeated.",
)
@click.option(
    "--method",
    type=click.Choice([*INTERPOLANT_METHODS]),
    default="delaunay",
    show_default=True,
    help="How training rows are weighted.",
)
@click.option("--classes", is_flag=True, help="The target holds class labels: predict shares.")
@apply(*BOUND, ID, COLUMNS, *METRIC, *READING, bad_rows("predicted"), OUTPUT, FORCE)
@click.option("--verify", is_flag=True, help="Check every Delaunay simplex again, by other code.")
@QUIET
def predict(train: str, query: str, **options: Any) -> None:
    """Predict COL for each row of QUERY from the rows of TRAIN, and say which rows did it.

    The tables are read as by `hullwise locate`. The output has one row per new row: prediction,
    error bound, inside or outside the training data and how far, and the training rows used. If
    QUERY holds COL too, the errors are summed up; they are never used to predict.

    \b
      hullwise predict train.csv new.csv --target price --bound -o predicted.csv
    """
    refuse_usage(train, query, options)
    if options["target"] in (options["id_column"], *options["dropped"]):
        raise click.UsageError("the column of --target is also that of --id or --drop")
    given = options["smoothness"] is not None or options["lipschitz"] is not None
    if given and not options["bound"]:
        raise click.UsageError("--smoothness and --lipschitz belong to --bound")
    if options["classes"] and options["bound"]:
        raise click.UsageError("--bound is about numbers: leave out --classes")
    if options["classes"] and options["method"] == "linear-shepard":
        raise click.UsageError("linear-shepard has negative weights: they are no class shares")
    if options["verify"] and options["method"] != "delaunay":
        raise click.UsageError("--verify checks Delaunay simplices: use --method delaunay")
    if not options["quiet"]:
        click.echo(f"hullwise {__version__}: predicting {query} from {train} ...", err=True)
    from ._predict import run

    run(train, query, options)


@main.command(epilog=EXIT_CODES)
@click.argument("model")
@click.option("--data", required=True, metavar="TABLE", help="The rows: a table as for locate.")
@click.option("--target", metavar="COL", help="The column that holds the rows' classes or values.")
@click.option(
    "--drop",
    "dropped",
    multiple=True,
    metavar="COL",
    help="Another column that is no input. May be repeated.",
)
@apply(ID, COLUMNS)
@click.option(
    "--slice",
    "plane",
    metavar="ROW,ROW,ROW|pca|none",
    help="The plane to cut: through three rows (by --id, or counted from 0), or along the two "
    "directions in which the rows vary most. Unless told: all of the input where it is two "
    "numbers, otherwise pca.",
)
@click.option(
    "--line",
    metavar="ROW,ROW|none",
    help="The walk between two rows; between two classes unless told.",
)
@click.option(
    "--budget",
    type=click.IntRange(min=1),
    default=300_000,
    show_default=True,
    metavar="REGIONS",
    help="For the slice: with more it is partial, and says so.",
)
@apply(*READING, bad_rows("dissected"), OUTPUT)
@click.option(
    "--report", callback=page, metavar="OUT.html", help="One page for people, self-contained."
)
@apply(FORCE, QUIET)
def dissect(model: str, data: str, **options: Any) -> None:
    """Show the linear regions of a network, and where the rows of a table lie in them.

    MODEL is an ONNX file of layers that are piecewise affine (linear, convolution, ReLU, pooling
    and their like). The other columns of TABLE are the network's inputs, in their order or that of
    --columns. The output has one row per row: outputs, class and margin, the distance to the
    region's nearest boundary and the unit behind it, the region and how many rows share it.

    \b
      hullwise dissect net.onnx --data rows.csv --target class -o rows_in.csv --report net.html
    """
    output, report = options["output"], options["report"]
    if None not in (output, report) and os.path.abspath(output) == os.path.abspath(report):
        raise click.UsageError("-o and --report name the same file")
    refuse_output(output)
    if options["target"] is not None and options["target"] in (
        options["id_column"],
        *options["dropped"],
    ):
        raise click.UsageError("the column of --target is also that of --id or --drop")
    if not options["quiet"]:
        click.echo(f"hullwise {__version__}: dissecting {model} at {data} ...", err=True)
    from ._dissect import run

    run(model, data, options)


@main.command(epilog=EXIT_CODES)
@click.option("--report", metavar="OUT.html", help="Also write the report of the second table.")
@click.option(
    "--write",
    "folder",
    metavar="FOLDER",
    help="Only write tables to try locate on (seen.csv, new.csv), and a network with its table "
    "for dissect (spirals.onnx, spirals.csv).",
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
