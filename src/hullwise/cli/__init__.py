"""The command line: `hullwise fit`, `locate`, `inspect`, `predict`, ..., and commands of plugins.

Nothing numeric is imported until a command runs, so that help and the first line come at once.
"""

from __future__ import annotations

import click

from .. import __version__
from ._command_options import (
    FAIL_BANDS,
    DemoOptions,
    FitOptions,
    InspectOptions,
    LocateOptions,
    VerifyOptions,
)
from ._complex_command import cell_complex
from ._dissect_command import dissect
from ._export_options import ExportOptions
from ._next_command import next_runs
from ._play_options import PlayOptions
from ._prediction_commands import errors, predict
from ._program import Program
from ._prove_command import prove
from ._serve_command import serve
from ._warm_options import WarmOptions
from ._watch_command import watch
from .column_options import COLUMN_ROLES
from .options import (
    DROP,
    EXIT_CODES,
    FEATURES,
    FORCE,
    ID,
    METRIC,
    OUTPUT,
    QUIET,
    READING,
    REPORT,
    SEARCH,
    SOURCE,
    apply,
    bad_rows_option,
    finite_number,
    table_argument,
    takes,
    target_option,
)
from .status import print_status


@click.group(
    cls=Program,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="hullwise")
def main() -> None:
    """For every row a model is asked about: is it inside the data, how far out, and why."""


@main.command(epilog=EXIT_CODES)
@table_argument("train")
@apply(
    target_option("A column that is predicted from the others: no feature."),
    ID,
    DROP,
    FEATURES,
    *COLUMN_ROLES,
)
@click.option("--write-spec", metavar="SPEC.toml", help="Write what columns are, to be edited.")
@click.option(
    "--metric",
    type=click.Choice(["std", "range", "none", "agop", "curvature", "rfm"]),
    default="std",
    show_default=True,
    help="Units of numbers: each divided by its standard deviation or range, or its own units. Or "
    "what matters to --target, learnt from it: agop, curvature, rfm.",
)
@apply(*SEARCH, *READING, *SOURCE)
@click.option("-o", "--output", metavar="SEEN.hull", help="Keep what was fitted in this file.")
@click.option(
    "--keep",
    type=click.Choice(["rows", "half-spaces"]),
    default="rows",
    show_default=True,
    help="What the file keeps: training rows as coordinates, or rules that hold none of them.",
)
@apply(FORCE, QUIET)
@takes(FitOptions, table="train")
def fit(options: FitOptions) -> None:
    """Learn what the table TRAIN holds, say what every column was taken for, and keep it.

    The file holds the training rows as coordinates, what its columns are, and the distances of rows
    left out; nothing in it runs. `hullwise locate` takes it in place of TRAIN. Whatever is not
    declared is inferred from the cells.

    \b
      hullwise fit train.csv --target price --id id -o seen.hull
      hullwise locate seen.hull new.csv -o where.csv
      hullwise fit --query "SELECT * FROM orders" --db sqlite:///shop.db -o seen.hull
    """
    options.status(f"hullwise {__version__}: fitting {options.train} ...")
    from ._fit import run_fit

    run_fit(options)


@main.command(epilog=EXIT_CODES)
@click.argument("domain")
@click.option("--json", is_flag=True, help="As JSON, for other programs.")
@takes(InspectOptions)
def inspect(options: InspectOptions) -> None:
    """Say what DOMAIN, a file of `hullwise fit`, holds.

    Its columns and what they were taken for, levels and gaps with their counts, the training rows
    left out, which version wrote it, and the hash of the training table.

    \b
      hullwise inspect seen.hull
    """
    from ._inspect import run_inspect

    run_inspect(options)


@main.command(epilog=EXIT_CODES)
@click.argument("domain")
@click.argument("proofs")
@click.option(
    "--table", metavar="TRAIN", help="The training table, whose cells are then read again."
)
@click.option(
    "--new", metavar="QUERY", help="The new rows, in their order: proofs of others do not hold."
)
@click.option("--exact", is_flag=True, help="Judge everything in whole numbers.")
@apply(*READING, QUIET)
@takes(VerifyOptions)
def verify(options: VerifyOptions) -> None:
    """Check PROOFS of where rows stand in DOMAIN, by code that shares nothing with the search.

    DOMAIN is a file of `hullwise fit`, PROOFS one of `hullwise locate --proofs`, long after if need
    be. Exit code 1: some proof does not hold.

    \b
      hullwise verify seen.hull where.npz --table train.csv
    """
    options.status(f"hullwise {__version__}: verifying {options.proofs} in {options.domain} ...")
    from ._verify import run_verify

    if run_verify(options):
        click.get_current_context().exit(1)


@main.command(epilog=EXIT_CODES)
@click.argument("train")
@table_argument("query")
@apply(
    target_option(
        "The column of TRAIN that is predicted from the others: no feature, and what "
        "--metric agop, curvature and rfm learn from."
    ),
    DROP,
    ID,
    FEATURES,
    *COLUMN_ROLES,
    *METRIC,
)
@click.option(
    "--classes",
    is_flag=True,
    help="For --metric agop, curvature and rfm: --target holds class labels, even where they are "
    "numbers.",
)
@apply(*SEARCH)
@click.option("--membership-only", is_flag=True, help="Only inside or outside: fast.")
@click.option(
    "--tolerance",
    type=float,
    callback=finite_number(),
    default=1e-12,
    show_default=True,
    metavar="T",
    help="How near an average of training rows must come for inside, of each feature's range.",
)
@click.option(
    "--max-seconds",
    type=float,
    callback=finite_number(" of seconds"),
    metavar="SECONDS",
    help="For the search.",
)
@apply(*READING, *SOURCE, bad_rows_option("located"))
@click.option(
    "--strict", is_flag=True, help="Refuse columns of QUERY that TRAIN has not; else ignored."
)
@apply(OUTPUT, REPORT)
@click.option("--summary", metavar="OUT.json", help="The figures of the summary, for programs.")
@click.option("--proofs", metavar="OUT.npz", help="What proves every answer, for hullwise verify.")
@FORCE
@click.option(
    "--explain",
    multiple=True,
    metavar="ROW",
    help="Say everything of this new row, by --id or counted from 0. May be repeated.",
)
@click.option(
    "--fixed",
    multiple=True,
    metavar="COL",
    help="With --explain: a column that cannot change. May be repeated.",
)
@click.option(
    "--fail-on",
    type=click.Choice([*FAIL_BANDS, "outside"]),
    help="Exit with 1 if a row is in this band or a worse one, cannot be located, or is open; in "
    "what matters, where --metric is agop, curvature, rfm or nfm.",
)
@click.option(
    "--allow",
    type=click.FloatRange(0, 100),
    default=0.0,
    metavar="PERCENT",
    help="With --fail-on: exit with 1 only if more than this share of the new rows is.",
)
@click.option(
    "--fdr",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="RATE",
    help="Select rows that are not like those of TRAIN at this false discovery rate, such as 0.1; "
    "adds p_value, adjusted_p_value and selected to the table.",
)
@click.option(
    "--junit", metavar="OUT.xml", help="The rows of --fail-on as test cases, for CI systems."
)
@click.option("--verify", is_flag=True, help="Check every certificate again, by other code.")
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Of a Dask cluster whose workers hold TRAIN, a .parquet or .npy file that they can read.",
)
@QUIET
@takes(LocateOptions, table="query")
def locate(options: LocateOptions) -> None:
    """Say for each row of QUERY where it stands against the rows of TRAIN.

    Both are tables with the same columns, in any order: CSV or JSON lines (also gzipped), Parquet
    or .npy; "-" reads CSV or JSON lines from standard input. A folder or a pattern of Parquet,
    Arrow or ORC files is one table, here or at s3:// and gs://; --query stands for QUERY. The
    summary goes to standard output, or to standard error where the table itself does (-o -).

    With --metric agop, curvature, rfm or nfm:LAYER two readings are given side by side: out of the
    data, and out of the data in what matters to the target.

    \b
      hullwise locate train.csv new.csv --target price -o where.csv --report where.html
      hullwise locate train.csv new.csv --target price --metric rfm
    """
    options.status(f"hullwise {__version__}: locating {options.query} in {options.train} ...")
    from ._locate_path import locate_rows

    if locate_rows(options):
        click.get_current_context().exit(1)


for command in (predict, errors, next_runs, watch, serve, dissect, cell_complex, prove):
    main.add_command(command)


@main.command(epilog=EXIT_CODES)
@click.argument("rules")
@click.option(
    "--to",
    type=click.Choice(["onnx", "sql", "json"]),
    help="The language: a model for any ONNX runtime, a SELECT for DuckDB, or all numbers as JSON."
    "  [default: as the file's name ends]",
)
@click.option("-o", "--output", metavar="FILE", help="The file; - for standard output.")
@click.option(
    "--precision",
    type=click.Choice(["double", "single"]),
    default="double",
    show_default=True,
    help="Of a model's numbers.",
)
@click.option(
    "--table", default="new", show_default=True, metavar="NAME", help="The table of the SELECT."
)
@click.option(
    "--pass-on",
    multiple=True,
    metavar="COL",
    help="A column of the table that the SELECT passes on, such as an id. May be repeated.",
)
@apply(FORCE, QUIET)
@takes(ExportOptions)
def export(options: ExportOptions) -> None:
    """Write half-spaces for programs without Python.

    RULES is a file (.hull) that keeps half-spaces, or a domain's, whose training rows are then left
    out. What is written says of each row whether it is proved outside, how far at least, and by
    which rule; see the page on half-spaces.

    \b
      hullwise export rules.hull -o rules.onnx
    """
    options.status(f"hullwise {__version__}: exporting {options.rules} ...")
    from ._export import run_export

    run_export(options)


@main.command(epilog=EXIT_CODES)
@click.option("--report", metavar="OUT.html", help="Also write the report of the penguins.")
@click.option(
    "--write",
    metavar="FOLDER",
    help="Only write tables to try fit and locate on (penguins_seen.csv, penguins_new.csv; of "
    "numbers seen.csv, new.csv), and a network with its table for dissect (spirals.onnx, "
    "spirals.csv).",
)
@FORCE
@takes(DemoOptions)
def demo(options: DemoOptions) -> None:
    """Locate held-out rows of two bundled tables; needs no files.

    Penguins, a table with text and gaps: a season to come, some of whose birds are of a species
    that was never seen. Parkinson's telemonitoring: new patients, next to a random split of the
    same size, which hides that new patients are farther out.
    """
    if options.write is None:
        print_status(f"hullwise {__version__}: locating rows of two bundled tables ...")
    from ._demo import run_demo

    run_demo(options)


@main.command(epilog=EXIT_CODES)
@click.option(
    "--only",
    type=click.Choice(["locate", "predict", "networks"]),
    multiple=True,
    help="What later runs will do. May be repeated.  [default: all]",
)
@QUIET
@takes(WarmOptions)
def warm(options: WarmOptions) -> None:
    """Compile every kernel now, for an image or a fresh machine.

    Kernels are kept where NUMBA_CACHE_DIR says, beside the installed files, or in the user's own
    cache folder. A later run that may only read that folder compiles nothing.

    \b
      NUMBA_CACHE_DIR=/opt/kernels hullwise warm
    """
    options.status(f"hullwise {__version__}: compiling the kernels ...")
    from ._warm import run_warm

    run_warm(options)


@main.command(epilog=EXIT_CODES)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="PORT",
    help="Of the address; any that is free unless told.",
)
@click.option("--browser/--no-browser", default=True, help="Open the page in the browser.")
@takes(PlayOptions)
def play(options: PlayOptions) -> None:
    """Open a page on which a small network is seen while it trains.

    Its flat pieces, exactly and live; the hull of the data; what the network does beyond it. The
    page is served to this machine alone, until Ctrl-C.

    \b
      hullwise play
    """
    print_status(f"hullwise {__version__}: starting the page ...")
    from ._play import run_play

    run_play(options)
