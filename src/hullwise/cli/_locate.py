"""`hullwise locate`, from two files to the summary, the table and the report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from .._output import output_path
from ..data._warm import warm_up
from ..data.cloud import Cloud
from ..data.locate import locate
from ..data.location import BANDS, Location
from ..errors import DataError, FileError, HullwiseError
from ..rows._paths import existing
from ..rows._table import open_table
from ..rows._write import check_table_output, write_table
from ._input import Queries, plan, read_cloud, read_queries, same_file
from ._text import Heading, console, print_summary

WRITTEN = "hullwise.written"
Say = Callable[[str], Any]


def run(train: str, query: str, options: dict[str, Any]) -> bool:
    """Do everything; whether the condition of --fail-on is met."""
    say = _quiet if options["quiet"] else _say
    _check_outputs(train, query, options)
    start = perf_counter()
    reading = {k: options[k] for k in ("sep", "decimal")} | {"header": not options["no_header"]}
    first, second = open_table(train, **reading), open_table(query, **reading)
    pairs = plan(
        first,
        second,
        targets=options["targets"],
        id_column=options["id_column"],
        columns=options["columns"],
    )
    metric = _metric(options["metric"])
    queries = read_queries(
        second, pairs.query_features, pairs.query_id, options["bad_rows"] == "keep"
    )
    cloud = read_cloud(first, pairs.features, pairs.train_id)
    read = perf_counter() - start
    compiled = compile_kernels(say)
    start = perf_counter()
    location = _locate(cloud, queries, metric, options)
    say(_times(read, compiled, perf_counter() - start))
    if options["verify"]:
        _verify(location, cloud, say)
    done: list[str] = []
    try:
        _write(location, queries, options, pairs.query_id, done)
    finally:
        # The answer is worth seeing even where the disk is full.
        if not options["quiet"]:
            names = [Path(file.path).name for file in (first, second)]
            heading = Heading(names[0], names[1], len(queries.reasons), pairs.notes)
            out = console(sys.stderr if options["output"] == "-" else sys.stdout)
            print_summary(out, location, heading)
            out.file.flush()
    for line in done:
        say(line)
    return fails(location, options["fail_on"], bool(queries.reasons))


def _locate(cloud: Cloud, queries: Queries, metric: Any, options: dict[str, Any]) -> Location:
    with progress_bar(options["quiet"]) as progress:
        location = locate(
            cloud,
            queries.values,
            metric=metric,
            membership_only=options["membership_only"] or not len(queries.values),
            k=options["k"],
            reference=options["reference"],
            budget=options["budget"],
            progress=progress,
        )
    return replace(location, labels=queries.labels)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _quiet(_: str) -> None:
    pass


def _times(read: float, compiled: float, located: float) -> str:
    apart = f"kernels compiled in {compiled:.1f} s (once per machine), " if compiled else ""
    return f"read in {read:.1f} s, {apart}located in {located:.1f} s"


def compile_kernels(say: Say) -> float:
    """Compile what is not in the cache, saying so before; seconds spent, 0.0 for none."""
    return warm_up(lambda: say("compiling the kernels (once per machine) ..."))


@contextmanager
def progress_bar(quiet: bool) -> Any:
    """A callback that draws a bar on standard error; None where no one would see it."""
    err = Console(file=sys.stderr)
    if quiet or not err.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as drawn:
        yield _Phases(drawn)


class _Phases:
    """The library's progress calls as one bar after another."""

    NAMES = ("new rows", "training rows left out", "smallest ellipsoid")

    def __init__(self, drawn: Progress) -> None:
        self.drawn, self.phase, self.last = drawn, 0, 0
        self.task = drawn.add_task(self.NAMES[0], total=0)

    def __call__(self, done: int, total: int, what: str) -> None:
        ellipsoid = what != "hull"
        if done < self.last or (ellipsoid and self.phase < 2):
            self.phase = 2 if ellipsoid else min(self.phase + 1, 1)
            self.drawn.reset(self.task, total=0, description=self.NAMES[self.phase])
        self.last = done
        self.drawn.update(self.task, completed=done, total=total)


def _metric(text: str) -> Any:
    """The --metric option as `locate` takes it."""
    if text in ("std", "range"):
        return text
    if text == "none":
        return None
    if not text.endswith(".npy"):
        raise DataError(f"--metric {text!r}: expected std, range, none or a .npy file.")
    try:
        return np.load(existing(text), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise FileError(text, f"is no .npy file of numbers ({error})") from None


def _check_outputs(train: str, query: str, options: dict[str, Any]) -> None:
    """Refuse an output that cannot be written before anything is computed."""
    for path in (options["output"], options["report"]):
        if path is None or path == "-":
            continue
        if same_file(path, train) or same_file(path, query):
            raise FileError(path, "is an input of this command; name another file")
    if options["output"] not in (None, "-"):
        check_table_output(options["output"], force=options["force"])
    if options["report"] is not None:
        output_path(options["report"], force=options["force"])


def _verify(location: Location, cloud: Cloud, say: Say) -> None:
    good = location.verify(cloud)
    say(f"certificates verified: {int(good.sum()):,} of {len(good):,}")
    if not good.all():
        raise HullwiseError(
            f"{int((~good).sum())} certificates do not hold, the first in row "
            f"{int(np.argmin(good))}; nothing was written. Please report this."
        )


def _write(
    location: Location,
    queries: Queries,
    options: dict[str, Any],
    id_name: str | None,
    done: list[str],
) -> None:
    from ..show.report import write_report

    written = click.get_current_context().meta
    if options["output"] is not None:
        write_table(
            rows_table(location, queries, id_name), options["output"], force=options["force"]
        )
        if options["output"] != "-":
            written[WRITTEN] = options["output"]
            done.append(f"{len(queries.located):,} rows written to {options['output']}")
    if options["report"] is not None:
        write_report(location, options["report"], force=options["force"])
        written[WRITTEN] = options["report"]
        done.append(f"report written to {options['report']}")


def rows_table(
    location: Location, queries: Queries, id_name: str | None
) -> dict[str, Sequence[Any] | NDArray[Any]]:
    """The columns of the output: the row's name, then everything known of it.

    One entry for each row of the query file, in its order; None where there is nothing to say.
    """
    found = location.to_dict()
    m = len(queries.located)
    first = id_name if id_name is not None and id_name not in found else "row"
    names = np.arange(m) if queries.ids is None else queries.ids
    table: dict[str, Sequence[Any] | NDArray[Any]] = {first: names}
    where = np.flatnonzero(queries.located).tolist()
    for name, column in found.items():
        known = column.tolist() if isinstance(column, np.ndarray) else list(column)
        cells: list[Any] = [None] * m
        for row, value in zip(where, known, strict=True):
            cells[row] = None if isinstance(value, float) and np.isnan(value) else value
        table[name] = cells
    for row, reason in queries.reasons.items():
        for name, value in (("verdict", "undecided"), ("band", "unknown"), ("status", reason)):
            table[name][row] = value  # type: ignore[index]
    return table


def fails(location: Location, condition: str | None, refused: bool) -> bool:
    """Whether --fail-on is met; a row that is open or not located counts as the worst."""
    if condition is None:
        return False
    if refused:
        return True
    if condition == "outside":
        open_rows = [
            v == 0 and s.name != "BOUNDARY" for v, s in zip(location.verdict, location.status)
        ]
        return bool((location.verdict == -1).any() or any(open_rows))
    worse = {*BANDS[BANDS.index(condition) :], "unknown"}
    return any(band in worse for band in location.band)
