"""`hullwise dissect`: its options; nothing numeric is imported."""

from __future__ import annotations

import click

from .. import __version__
from ._command_options import DissectOptions
from ._network_options import OF_MODEL_ARGUMENT
from .options import (
    DROP,
    EXIT_CODES,
    FEATURES,
    FORCE,
    ID,
    OUTPUT,
    QUIET,
    READING,
    REPORT,
    SOURCE,
    apply,
    bad_rows_option,
    takes,
    target_option,
)


@click.command(epilog=EXIT_CODES)
@click.argument("model")
@click.option("--data", metavar="TABLE", help="The rows: a table as for locate.")
@apply(*OF_MODEL_ARGUMENT)
@apply(
    target_option("The column that holds the rows' classes or values: no input."),
    DROP,
    ID,
    FEATURES,
)
@click.option(
    "--slice",
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
    "--max-regions",
    type=click.IntRange(min=1),
    default=300_000,
    show_default=True,
    metavar="REGIONS",
    help="For the slice: with more it is partial, and says so.",
)
@click.option(
    "--max-memory",
    metavar="SIZE",
    help="For the slice, such as 2GB; all that is free unless told. A slice that needs more ends "
    "with a message.",
)
@apply(*READING, *SOURCE, bad_rows_option("dissected"), OUTPUT, REPORT, FORCE, QUIET)
@takes(DissectOptions, table="data")
def dissect(options: DissectOptions) -> None:
    """Show the linear regions of a network, and where the rows of a table lie in them.

    MODEL is an ONNX file of layers that are piecewise affine (linear, convolution, ReLU, pooling
    and their like). The other columns of TABLE are the network's inputs, in their order or that of
    --columns. The output has one row per row: outputs, class and margin, the distance to the
    region's nearest boundary and the unit behind it, the region and how many rows share it.

    \b
      hullwise dissect net.onnx --data rows.csv --target class -o rows_in.csv --report net.html
    """
    options.status(f"hullwise {__version__}: dissecting {options.model} at {options.data} ...")
    from ._dissect import run_dissect

    run_dissect(options)
