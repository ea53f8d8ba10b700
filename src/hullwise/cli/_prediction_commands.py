"""`hullwise predict` and `hullwise errors`: their options; nothing numeric is imported."""

from __future__ import annotations

import click

from .. import __version__
from ..predict import INTERPOLANT_METHODS
from ._command_options import ErrorsOptions, PredictOptions
from ._network_options import OF_MODEL_OPTION
from .options import (
    BOUND,
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
    SOURCE,
    apply,
    bad_rows_option,
    finite_number,
    table_argument,
    takes,
    target_option,
)


@click.command(epilog=EXIT_CODES)
@click.argument("train")
@table_argument("query")
@apply(target_option("The column of TRAIN to predict, no feature.", required=True), DROP)
@click.option(
    "--method",
    type=click.Choice([*INTERPOLANT_METHODS]),
    help="How training rows are weighted. Default: the one of several with the least error of "
    "training rows that are left out in turn; with --verify delaunay.",
)
@click.option(
    "--group",
    metavar="COL",
    help="The column of TRAIN that says which rows belong together: groups are left out as a "
    "whole. No feature.",
)
@click.option("--classes", is_flag=True, help="The target holds class labels: predict shares.")
@apply(*BOUND, ID, FEATURES, *METRIC, *READING, *SOURCE, bad_rows_option("predicted"))
@apply(OUTPUT, FORCE)
@click.option("--verify", is_flag=True, help="Check every Delaunay simplex again, by other code.")
@QUIET
@takes(PredictOptions, table="query")
def predict(options: PredictOptions) -> None:
    """Predict COL for each row of QUERY from the rows of TRAIN, and say which rows did it.

    The tables are read as by `hullwise locate`. The output has one row per new row: prediction,
    error bound, inside or outside the training data and how far, and the training rows used.
    Methods are compared by rows of TRAIN that are left out in turn, unless --method names one. If
    QUERY holds COL too, the errors are summed up; they are never used to predict.

    \b
      hullwise predict train.csv new.csv --target price --bound -o predicted.csv
    """
    options.status(f"hullwise {__version__}: predicting {options.query} from {options.train} ...")
    from ._predict import run_predict

    run_predict(options)


@click.command(epilog=EXIT_CODES)
@click.argument("domain")
@table_argument("table")
@click.option(
    "--truth",
    multiple=True,
    required=True,
    metavar="COL",
    help="What really happened. May be repeated, for several outputs.",
)
@click.option(
    "--prediction",
    multiple=True,
    metavar="COL",
    help="What the model predicted. As often as --truth.",
)
@click.option(
    "--model",
    metavar="NET.onnx",
    help="A network of the domain's columns, in place of --prediction.",
)
@apply(*OF_MODEL_OPTION)
@click.option("--group", metavar="COL", help="Rows of one group were drawn together.")
@click.option(
    "--peer",
    multiple=True,
    metavar="COL",
    help="Another measure of doubt, such as an ensemble's spread, judged beside the distances. "
    "May be repeated.",
)
@click.option(
    "--classes", is_flag=True, help="--truth holds class labels, even where they are numbers."
)
@click.option(
    "--at-most",
    type=click.FloatRange(0, 1, max_open=True),
    metavar="SHARE",
    help="Also find the largest region in which at most this share is wrong.",
)
@click.option(
    "--tolerance",
    type=float,
    callback=finite_number(),
    metavar="ERROR",
    help="For --at-most: from which error on a prediction is wrong.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.9,
    show_default=True,
    help="For --at-most.",
)
@click.option(
    "--notion",
    type=click.Choice(["hull", "neighbours", "ellipsoid"]),
    default="hull",
    show_default=True,
    help="For --at-most: the distance that bounds the region.",
)
@click.option("--bins", type=click.IntRange(min=1), default=10, show_default=True)
@apply(*READING, *SOURCE, OUTPUT, REPORT, FORCE, QUIET)
@takes(ErrorsOptions, table="table")
def errors(options: ErrorsOptions) -> None:
    """Judge whether a model's error goes with the distance of its rows from the training data.

    DOMAIN is a file of `hullwise fit`, TABLE holds rows that the model has not seen, with what it
    predicted and what really happened. The answer is yes, falls, nothing or cannot tell, for each
    notion of distance, with intervals.

    \b
      hullwise errors seen.hull test.csv --truth price --prediction predicted
      hullwise errors seen.hull test.csv --truth price --prediction predicted \\
          --tolerance 50 --at-most 0.1
    """
    options.status(f"hullwise {__version__}: errors of {options.table} in {options.domain} ...")
    from ._errors import run_errors

    run_errors(options)
