"""`hullwise locate`, from two files to the summary, the table and the report."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any, TextIO

import click
import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from ..errors import HullwiseError
from ..geometry.cloud import Cloud
from ..geometry.locate import locate
from ..geometry.location import BANDS, Location
from ..geometry.warm_up import compile_locate
from ..io.paths import display_path
from ..report.readings import pushes
from ..report.words import plain
from ._both_text import print_both
from ._compiling import compile_kernels, timing_text, with_status
from ._input import (
    Queries,
    open_tables,
    read_cloud,
    read_queries,
    repeated_ids,
    shell_list,
    shell_word,
)
from ._metric import Learnt, learn, write_metric
from ._output import check_outputs, metric_of, output_table, write_output
from ._text import Heading, print_summary
from .console import console, progress_bar
from .options import learns
from .status import Printer, print_nothing, print_status, raise_if_cancelled, record_written

NAMED = 10
TASK_COLUMNS = (
    *("verdict", "band", "hull_percentile", "lower", "upper", "pushed_out_by"),
    *("neighbour_distance", "neighbour_percentile", "nearest_rows"),
)


@dataclass(frozen=True, eq=False)
class Found:
    """Where the rows stand; in what matters too, where the metric is that of a task."""

    plain: Location
    task: Location | None = None
    learnt: Learnt | None = None

    @property
    def acted_on(self) -> Location:
        """The reading that was asked for: what --fail-on looks at."""
        return self.plain if self.task is None else self.task


def run(train: str, query: str, options: dict[str, Any]) -> bool:
    """Do everything; whether the condition of --fail-on is met."""
    status = print_nothing if options["quiet"] else print_status
    outputs = options["output"], options["report"], options["save_metric"]
    check_outputs((train, query), outputs, options["force"])
    start = perf_counter()
    first, second, pairs = open_tables(train, query, options, targets=options["targets"])
    metric = "std" if learns(options) else metric_of(options["metric"])
    queries = read_queries(
        second, pairs.query_features, pairs.query_id, options["bad_rows"] == "keep"
    )
    cloud = read_cloud(first, pairs.features, pairs.train_id, options["scheduler"])
    read = perf_counter() - start
    compiled = compile_kernels(status, compile_locate)
    start = perf_counter()
    raise_if_cancelled()
    learnt = None
    if learns(options):
        learnt = with_status(status, lambda: learn(first, pairs, cloud, options))
        raise_if_cancelled()
    found = Found(_locate(cloud, queries, metric, options))
    if learnt is not None:
        found = Found(found.plain, _locate(cloud, queries, learnt.metric, options), learnt)
    raise_if_cancelled()
    status(timing_text(read, compiled, perf_counter() - start, "located"))
    proofs = _verify(found, cloud, status) if options["verify"] else "not checked again (--verify)"
    done: list[str] = []
    try:
        source = _source((train, query), options, proofs)
        if learnt is not None and learnt.notes:
            source |= {"Metric learnt": " ".join(learnt.notes)}
        _write(found, queries, options, (pairs.query_id, source), done)
    finally:
        # The answer is worth seeing even where the disk is full.
        if not options["quiet"]:
            names = [Path(file.path).name for file in (first, second)]
            learning = () if learnt is None else learnt.notes
            notes = (*pairs.notes, *learning, *_notes(cloud, queries, options))
            heading = Heading(names[0], names[1], len(queries.reasons), notes, queries.counted)
            _print(found, heading, sys.stderr if options["output"] == "-" else sys.stdout)
    for line in done:
        status(line)
    return _failed(found.acted_on, queries, options)


def _print(found: Found, heading: Heading, stream: TextIO) -> None:
    out = console(stream)
    if found.task is None or found.learnt is None:
        print_summary(out, found.plain, heading)
    else:
        print_both(out, found.plain, found.task, found.learnt.directions, heading)
    out.file.flush()


def _locate(cloud: Cloud, queries: Queries, metric: Any, options: dict[str, Any]) -> Location:
    with progress_bar(options["quiet"], Phases) as progress:
        location = locate(
            cloud,
            queries.values,
            metric=metric,
            membership_only=options["membership_only"] or not len(queries.values),
            n_neighbors=options["k"],
            reference=options["reference"],
            max_seconds=options["budget"],
            progress=progress,
        )
    return location.labelled(queries.labels)


class Phases:
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


def _verify(found: Found, cloud: Cloud, status: Printer) -> str:
    good = found.plain.verify(cloud)
    both = ""
    if found.task is not None:
        good &= found.task.verify(cloud)
        both = " in both readings"
    counts = f"{int(good.sum()):,} of {len(good):,}"
    status(f"certificates verified{both}: {counts}")
    if not good.all():
        raise HullwiseError(
            f"certificates that do not hold: {int((~good).sum())}, the first in row "
            f"{int(np.argmin(good))}; nothing was written. Please report this."
        )
    return f"{counts} hold{both}, checked by code that shares nothing with the solver"


def _source(files: tuple[str, str], options: dict[str, Any], proofs: str) -> dict[str, str]:
    """How a report was made: the files, what was asked for, and whether it was checked."""
    told = [f"--metric {shell_word(options['metric'])}"]
    told += [f"--model {shell_word(display_path(options['model']))}"] if options["model"] else []
    told += ["--classes"] if options["classes"] else []
    told += [f"--target {shell_word(c)}" for c in options["targets"]]
    if options["id_column"] is not None:
        told.append(f"--id {shell_word(options['id_column'])}")
    if options["columns"] is not None:
        told.append(f"--columns {shell_list(options['columns'])}")
    told += [f"--{name} {options[name]}" for name in ("k", "reference", "budget") if options[name]]
    told += ["--membership-only"] if options["membership_only"] else []
    train, query = map(display_path, files)
    return {
        "Training file": train,
        "File of new rows": query,
        "Options": " ".join(told),
        "Proofs": proofs,
        "Date": date.today().isoformat(),
    }


def _notes(cloud: Cloud, queries: Queries, options: dict[str, Any]) -> list[str]:
    """What in the options or the ids may surprise."""
    notes = []
    if options["k"] > cloud.n and not options["membership_only"]:
        rows = "row" if cloud.n == 1 else "rows"
        notes.append(f"--k {options['k']} is more than the {cloud.n:,} training {rows}: all count.")
    return [*notes, *repeated_ids(cloud.labels, queries.ids)]


def _write(
    found: Found,
    queries: Queries,
    options: dict[str, Any],
    told: tuple[str | None, dict[str, str]],
    done: list[str],
) -> None:
    """The table and the report; `told` is the name of the id column and how it was made."""
    from ..report.report import write_report

    if options["output"] is not None:
        columns, rest = found.plain.to_dict(), {"verdict": "undecided", "band": "unknown"}
        if found.task is not None:
            columns |= task_columns(found.task)
            columns["status"] = columns.pop("status")  # the last, as it was
            rest |= {"verdict_task": "undecided", "band_task": "unknown"}
        table = output_table(columns, queries, told[0], **rest)
        done += write_output(table, options)
    if options["report"] is not None:
        title = f"Where the rows of {told[1]['File of new rows'].rsplit(os.sep, 1)[-1]} stand"
        write_report(
            found.plain,
            options["report"],
            task=found.task,
            title=title,
            source=told[1],
            force=options["force"],
        )
        record_written(options["report"])
        done.append(f"report written to {options['report']}")
    if options["save_metric"] is not None and found.learnt is not None:
        done.append(write_metric(found.learnt, options["save_metric"], options["force"]))


def task_columns(task: Location) -> dict[str, Any]:
    """What the output says of the reading in a task's metric, beside the plain columns."""
    told = pushes(task, task.metric)
    columns = task.to_dict() | {
        "pushed_out_by": [
            "; ".join(f"{name} {amount:+.4g}" for name, amount in row) for row in told
        ]
    }
    return {f"{name}_task": columns[name] for name in TASK_COLUMNS}


def _failed(location: Location, queries: Queries, options: dict[str, Any]) -> bool:
    """Whether --fail-on is met by more rows than --allow permits; says so on standard error."""
    condition, m = options["fail_on"], len(queries.located)
    if condition is None:
        return False
    met = met_by(location, condition)
    rows = np.flatnonzero(queries.located)[met]
    count, refused = len(rows), len(queries.reasons)
    if not m or 100 * (count + refused) <= options["allow"] * m:
        return False
    names = rows if queries.ids is None else queries.ids[rows]
    listed = ", ".join(plain(name, 40) for name in names[:NAMED]) + ", ..." * (count > NAMED)
    kind = condition if condition in ("far", "outside") else f"{condition} or worse"
    kind += " in what matters" * learns(options)
    told = []
    if count:
        noun = "row is" if count == 1 else "rows are"
        unsure = location.verdict == 0 if condition == "outside" else location.band == "unknown"
        told.append(
            f"{count:,} {noun} {kind}{' or open' * bool((met & unsure).any())} "
            f"(row{'s' * (count > 1)} {listed})"
        )
    if refused:
        told.append(f"{refused:,} could not be located")
    allowed = f"; {options['allow']:g} % of {m:,} allowed" if options["allow"] else ""
    click.echo(f"--fail-on {condition}: {', '.join(told)}{allowed}", err=True)
    return True


def met_by(location: Location, condition: str) -> NDArray[np.bool_]:
    """Which rows meet --fail-on; a row that is open counts as the worst."""
    if condition == "outside":
        boundary = np.array([s.name == "BOUNDARY" for s in location.status], dtype=bool)
        return np.asarray((location.verdict == -1) | ((location.verdict == 0) & ~boundary))
    return np.isin(location.band, [*BANDS[BANDS.index(condition) :], "unknown"])
