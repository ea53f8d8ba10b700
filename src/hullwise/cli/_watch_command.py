"""`hullwise watch`: its options; nothing numeric is imported."""

from __future__ import annotations

import os
from dataclasses import dataclass

import click

from .. import __version__
from ..io.sql_query import TablePath
from ._option_groups import OutputOptions, ReadingOptions
from .options import EXIT_CODES, FORCE, OUTPUT, QUIET, READING, REPORT, SOURCE, apply, takes

WATCHED_PARTS = ("hull", "neighbours", "columns")


@dataclass(frozen=True, kw_only=True)
class WatchOptions(ReadingOptions, OutputOptions):
    """`hullwise watch`."""

    domain: str
    batches: tuple[TablePath, ...]
    history: str | None
    alarm: float
    watch: tuple[str, ...]
    holdout: str | None
    random_state: int
    summary: str | None
    metrics: str | None
    junit: str | None
    report: str | None
    fail_on: str | None
    fdr: float | None

    def __post_init__(self) -> None:
        self.check_output(self.report)
        if not self.batches and self.history is None:
            raise click.UsageError("give tables of new rows, or --history to look at one")
        files = [self.output, self.report, self.summary, self.metrics, self.junit]
        places = [os.path.abspath(name) for name in files if name not in (None, "-")]
        if len({*places}) < len(places):
            raise click.UsageError("two outputs name the same file")


@click.command(epilog=EXIT_CODES)
@click.argument("domain")
@click.argument("batches", nargs=-1)
@click.option(
    "--history",
    metavar="URL",
    help="Where the counts of all batches are kept, such as sqlite:///watch.db or "
    "postgresql+psycopg://user@host/name; the watch goes on from there.",
)
@click.option(
    "--alarm",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.001,
    show_default=True,
    help="Probability of a false alarm, ever.",
)
@click.option(
    "--watch",
    type=click.Choice(WATCHED_PARTS),
    multiple=True,
    default=WATCHED_PARTS,
    show_default="all",
    help="What is watched. May be repeated.",
)
@click.option(
    "--holdout",
    metavar="TABLE",
    help="Rows like the training rows that are not among them: distances are then compared with "
    "theirs, exactly.",
)
@click.option(
    "--random-state",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Breaks ties.",
)
@click.option(
    "--fdr",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="RATE",
    help="Name the rows of each batch that are not like the training rows, at this false discovery "
    "rate in each batch, such as 0.1; the alarm does not depend on it.",
)
@click.option("--summary", metavar="OUT.json", help="What the watch says, for other programs.")
@click.option("--metrics", metavar="OUT.prom", help="The same as OpenMetrics, for a monitor.")
@click.option("--junit", metavar="OUT.xml", help="The alarm as a test case, for CI systems.")
@click.option(
    "--fail-on", type=click.Choice(["alarm"]), help="Exit with code 1 once the watch has alarmed."
)
@apply(*READING, *SOURCE, OUTPUT, REPORT, FORCE, QUIET)
@takes(WatchOptions, table="batches")
def watch(options: WatchOptions) -> None:
    """Watch batches of new rows: an alarm that may be looked at as often as one likes.

    DOMAIN is a file of `hullwise fit`, each of BATCHES a table with the same columns, counted in
    this order. If the new rows are exchangeable with the training rows, the probability that this
    watch ever alarms is at most --alarm. An alarm does not say that the change does harm, and no
    alarm does not say that nothing has changed.

    \b
      hullwise watch seen.hull monday.csv --history sqlite:///watch.db
      hullwise watch seen.hull --history sqlite:///watch.db --report watch.html
    """
    options.status(f"hullwise {__version__}: watching new rows of {options.domain} ...")
    from ._watch import run_watch

    if run_watch(options):
        click.get_current_context().exit(1)
