"""`hullwise next`: its options; nothing numeric is imported."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

import click

from .. import __version__
from ._option_groups import OutputOptions, ReadingOptions
from .options import EXIT_CODES, FORCE, QUIET, READING, REPORT, apply, takes, target_option

DESIGN_CRITERIA = ("auto", "bend", "fill", "risk", "hull")


@dataclass(frozen=True, kw_only=True)
class NextOptions(ReadingOptions, OutputOptions):
    """`hullwise next`."""

    runs: str | None
    target: tuple[str, ...]
    box: str
    constraint: tuple[str, ...]
    n: int
    pending: str | None
    queries: str | None
    candidates: str | None
    criterion: Literal["auto", "bend", "fill", "risk", "hull"]
    n_candidates: int
    random_state: int
    report: str | None

    def __post_init__(self) -> None:
        self.check_output(self.report)
        if self.runs is None and self.target:
            raise click.UsageError("--target is a column of RUNS: name the table of runs")
        if self.queries is None and self.criterion in ("risk", "hull"):
            raise click.UsageError(f"--criterion {self.criterion} needs --queries")
        if self.inputs.count("-") > 1:
            raise click.UsageError("only one table can be standard input")

    @property
    def inputs(self) -> tuple[str, ...]:
        """The files that are read."""
        names = (self.runs, self.box, self.pending, self.queries, self.candidates)
        return tuple(name for name in names if name is not None)

    @property
    def title(self) -> str:
        """What the runs are called."""
        return "no runs yet" if self.runs is None else os.path.basename(self.runs)


@click.command("next", epilog=EXIT_CODES)
@click.argument("runs", required=False)
@click.option(
    "--box",
    required=True,
    metavar="BOUNDS",
    help="The parameters: a table with name, low, high and, where needed, role (number, integer, "
    "log, ordered, category, periodic), levels (x|y|z), period, scale; or a file of hullwise fit.",
)
@apply(target_option("A column of RUNS with what each run gave; empty where it failed."))
@click.option(
    "--constraint",
    multiple=True,
    metavar="'a + b <= 1'",
    help="A linear comparison of parameters; other names stand in double quotes. May be repeated.",
)
@click.option(
    "-n",
    "n",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Points to suggest.",
)
@click.option(
    "--pending",
    metavar="TABLE",
    help="Points that are being run: they count as runs.",
)
@click.option(
    "--queries",
    metavar="TABLE",
    help="The rows that are to be predicted, where they are known: points are chosen among them.",
)
@click.option(
    "--candidates",
    metavar="TABLE",
    help="Points to choose from, in place of those of the box or the queries.",
)
@click.option(
    "--criterion",
    type=click.Choice(DESIGN_CRITERIA),
    default="auto",
    show_default=True,
    help="fill: the centre of the largest empty sphere. bend: squared distance to the nearest run "
    "times the local scale of left-out errors; needs --target. risk: lowers the minimax risk of "
    "--queries. hull: lowers their distance to the hull of the runs. auto: risk with --queries, "
    "else bend with --target, else fill.",
)
@click.option(
    "--n-candidates",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Points of the box to choose from; more is not better.",
)
@click.option(
    "--random-state",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of the points to choose from.",
)
@apply(*READING)
@click.option(
    "-o", "--output", metavar="OUT", help="One row per point: .csv, .parquet, .jsonl, or -."
)
@apply(REPORT, FORCE, QUIET)
@takes(NextOptions)
def next_runs(options: NextOptions) -> None:
    """Suggest where to run next, and say why.

    RUNS is a table with one row for each simulation or measurement so far; without it, the first
    runs of all are suggested. Columns that the box does not name are ignored.

    \b
      hullwise next --box bounds.csv -n 20 -o first.csv
      hullwise next sims.csv --target y --box bounds.csv --constraint 'a + b <= 1' -n 10
    """
    options.status(f"hullwise {__version__}: where to run next ({options.title}) ...")
    from ._next import run_next

    run_next(options)
