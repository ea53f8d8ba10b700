"""`hullwise locate`, from two files to the summary, the table and the report."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, TextIO

import numpy as np
from rich.progress import Progress

from ..errors import HullwiseError
from ..geometry.cloud import Cloud
from ..geometry.locate import locate
from ..geometry.location import Location
from ..geometry.location_columns import amounts_text
from ..geometry.readings import pushes_in_metric
from ..geometry.row_selection import RowSelection
from ..geometry.warm_up import compile_locate
from ..io.numeric_table import NumericTable
from ..io.paths import display_path
from ..io.table_reader import OpenTable
from ..metrics import LearntMetric
from ..report.words import printable
from ._command_options import LocateOptions
from ._compiling import compile_kernels, timing_text, with_status
from ._explain import explain_row, rows_named, usable_row
from ._fail_on import failing_rows
from ._junit import write_junit
from ._metric import learn, read_metric, write_metric
from ._output import keeps_lists, output_table, write_output
from ._readings_text import print_readings
from ._report_source import report_source
from ._selection import print_selection, selection_figures, selection_of, with_selection
from ._summary_file import summary_of_numbers, write_summary
from ._summary_text import Heading, print_summary
from ._tables import (
    QueryRows,
    cloud_of,
    pair_columns,
    read_cloud,
    read_queries,
    repeated_ids,
)
from .console import console, progress_bar
from .status import Printer, raise_if_cancelled, record_written

VERIFIED_TEXT = (
    "checked are weights, bounds, directions, verdicts, nearest points, changes and bands, not "
    "the left-out distances, ellipsoid and neighbours"
)
TASK_COLUMNS = (
    *("verdict", "band", "hull_percentile", "lower", "upper", "pushed_out_by"),
    *("neighbour_distance", "neighbour_percentile", "nearest_rows"),
)


@dataclass(frozen=True, eq=False)
class Readings:
    """Where the rows stand; in what matters too, where the metric is that of a task."""

    plain: Location
    task: Location | None = None
    learnt: LearntMetric | None = None

    @property
    def decisive(self) -> Location:
        """The reading that was asked for: what --fail-on looks at."""
        return self.plain if self.task is None else self.task


def run_locate(
    options: LocateOptions,
    train: OpenTable,
    query: OpenTable,
    numbers: NumericTable | None = None,
) -> bool:
    """Locate rows of numbers; whether the condition of --fail-on is met.

    `numbers` are the training rows where they were read already.
    """
    status = options.status
    start = perf_counter()
    pairing = pair_columns(train, query, options, strict=options.strict)
    metric = "std" if options.is_learnt else read_metric(options.metric)
    queries = read_queries(query, pairing.query_features, pairing.query_id, options)
    cloud = (
        read_cloud(train, pairing.features, pairing.train_id, options.scheduler)
        if numbers is None
        else cloud_of(numbers, pairing.features)
    )
    reading = perf_counter() - start
    compiling = compile_kernels(status, compile_locate)
    start = perf_counter()
    raise_if_cancelled()
    learnt = None
    if options.is_learnt:
        learnt = with_status(status, lambda: learn(options, train, cloud, options.reference))
        raise_if_cancelled()
    readings = Readings(_locate(cloud, queries, metric, options))
    if learnt is not None:
        task = _locate(cloud, queries, learnt.metric, options)
        readings = Readings(readings.plain, task, learnt)
    raise_if_cancelled()
    status(timing_text(reading, compiling, perf_counter() - start, "located"))
    proofs = _verify(readings, cloud, status) if options.verify else "not checked again (--verify)"
    written: list[str] = []
    selection = selection_of(readings.decisive, options.fdr)
    try:
        source = report_source(options, proofs, learnt)
        table = _table(readings, queries, options, pairing.query_id, selection)
        _write(readings, table, options, source, written)
        written += _write_for_programs(readings, queries, options, selection)
    finally:
        # The answer is worth seeing even where the disk is full.
        if options.explain:
            _explain(readings.plain, queries, options)
        elif not options.quiet:
            learning = () if learnt is None else learnt.notes
            notes = (*pairing.notes, *learning, *_notes(cloud, queries, options))
            names = [Path(file.path).name for file in (train, query)]
            heading = Heading(names[0], names[1], len(queries.reasons), notes, queries.are_numbered)
            stream = sys.stderr if options.output == "-" else sys.stdout
            _print(readings, heading, stream, selection)
    for line in written:
        status(line)
    failing = failing_rows(readings.decisive, queries, options)
    return failing is not None and failing.report()


def _print(
    readings: Readings, heading: Heading, stream: TextIO, selection: RowSelection | None
) -> None:
    out = console(stream)
    if readings.task is None or readings.learnt is None:
        print_summary(out, readings.plain, heading)
    else:
        print_readings(out, readings.plain, readings.task, readings.learnt.directions, heading)
    print_selection(out, selection)
    out.file.flush()


def _locate(cloud: Cloud, queries: QueryRows, metric: Any, options: LocateOptions) -> Location:
    with progress_bar(options.quiet, Phases) as progress:
        location = locate(
            cloud,
            queries.values,
            metric=metric,
            membership_only=options.membership_only or not len(queries.values),
            n_neighbors=options.n_neighbors,
            reference=options.reference,
            tolerance=options.tolerance,
            max_seconds=options.max_seconds,
            progress=progress,
        )
    return location.labelled(queries.labels)


class Phases:
    """The library's progress calls as one bar after another."""

    NAMES = ("new rows", "training rows left out", "smallest ellipsoid")

    def __init__(self, bars: Progress) -> None:
        self.bars, self.phase, self.last = bars, 0, 0
        self.task = bars.add_task(self.NAMES[0], total=0)

    def __call__(self, done: int, total: int, what: str) -> None:
        ellipsoid = what != "hull"
        if done < self.last or (ellipsoid and self.phase < 2):
            self.phase = 2 if ellipsoid else min(self.phase + 1, 1)
            self.bars.reset(self.task, total=0, description=self.NAMES[self.phase])
        self.last = done
        self.bars.update(self.task, completed=done, total=total)


def _verify(readings: Readings, cloud: Cloud, status: Printer) -> str:
    holds = readings.plain.verify(cloud)
    both = ""
    if readings.task is not None:
        holds &= readings.task.verify(cloud)
        both = " in both readings"
    counts = f"{int(holds.sum()):,} of {len(holds):,}"
    status(f"certificates verified{both}: {counts}; {VERIFIED_TEXT}")
    if not holds.all():
        raise HullwiseError(
            f"certificates that do not hold: {int((~holds).sum())}, the first in row "
            f"{int(np.argmin(holds))}; nothing was written. Please report this."
        )
    return (
        f"{counts} hold{both}, checked by code that shares nothing with the solver; {VERIFIED_TEXT}"
    )


def _notes(cloud: Cloud, queries: QueryRows, options: LocateOptions) -> list[str]:
    """What in the options or the ids may surprise."""
    notes = []
    if options.n_neighbors > cloud.n and not options.membership_only:
        rows = "row" if cloud.n == 1 else "rows"
        notes.append(
            f"--n-neighbors {options.n_neighbors} is more than the {cloud.n:,} training {rows}: "
            "all count."
        )
    return [*notes, *repeated_ids(cloud.labels, queries.ids)]


def _table(
    readings: Readings,
    queries: QueryRows,
    options: LocateOptions,
    id_name: str | None,
    selection: RowSelection | None,
) -> dict[str, Any]:
    """The table that -o asks for; empty without it."""
    if options.output is None:
        return {}
    plain, lists = readings.plain, keeps_lists(options)
    columns: dict[str, Any] = {**(plain.list_columns() if lists else plain.to_dict())}
    rest = {"verdict": "undecided", "band": "unknown"}
    if readings.task is not None:
        columns |= task_columns(readings.task, lists=lists)
        columns["status"] = columns.pop("status")  # the last, as it was
        rest |= {"verdict_task": "undecided", "band_task": "unknown"}
    return output_table(with_selection(columns, selection), queries, id_name, **rest)


def _write(
    readings: Readings,
    table: dict[str, Any],
    options: LocateOptions,
    source: dict[str, str],
    written: list[str],
) -> None:
    """The table, the report and the metric; adds to `written` what there is to say of each."""
    from ..report.report import write_report

    if options.output is not None:
        written += write_output(table, options)
    if options.report is not None:
        title = f"Where the rows of {Path(display_path(options.query)).name} stand"
        write_report(
            readings.plain,
            options.report,
            task=readings.task,
            title=title,
            source=source,
            force=options.force,
        )
        record_written(options.report)
        written.append(f"report written to {options.report}")
    if options.save_metric is not None and readings.learnt is not None:
        written.append(write_metric(readings.learnt, options.save_metric, options.force))


def _write_for_programs(
    readings: Readings,
    queries: QueryRows,
    options: LocateOptions,
    selection: RowSelection | None,
) -> list[str]:
    """The summary as JSON and the test cases; what there is to say of each."""
    written = []
    failing = failing_rows(readings.decisive, queries, options)
    if options.summary is not None:
        figures = summary_of_numbers(readings.plain, len(queries.reasons), readings.task)
        figures["selection"] = selection_figures(selection)
        written.append(write_summary(options.summary, figures, failing, options))
        record_written(options.summary)
    if options.junit is not None and failing is not None:
        places = np.cumsum(queries.usable) - 1
        located = readings.decisive
        written.append(
            write_junit(
                options.junit,
                failing,
                lambda row: queries.reasons.get(row) or _why(located[[places[row]]]),
                train=Path(display_path(options.train)).name,
                query=Path(display_path(options.query)).name,
                force=options.force,
            )
        )
        record_written(options.junit)
    return written


def _why(row: Location) -> str:
    """Band and reasons of one row, then its sentence."""
    pushes = "" if row.membership_only else amounts_text(row.pushed_out_by()[0])
    return f"{row.band[0]}{pushes and ': '}{pushes}\n{row.status_texts()[0]}"


def _explain(location: Location, queries: QueryRows, options: LocateOptions) -> None:
    """Everything of the rows that --explain names."""
    out = console(sys.stderr if options.output == "-" else sys.stdout)
    for row in rows_named(options.explain, queries.ids, len(queries.usable)):
        place = usable_row(queries, row)
        if place is None:
            name = row if queries.ids is None else queries.ids[row]
            out.print(f"\nRow {printable(name, 40)}: {queries.reasons[row]}")
        else:
            explain_row(out, location, place)
    out.file.flush()


def task_columns(task: Location, *, lists: bool) -> dict[str, Any]:
    """What the output says of the reading in a task's metric, beside the plain columns."""
    pushes = pushes_in_metric(task)
    columns: dict[str, Any] = {**(task.list_columns() if lists else task.to_dict())}
    columns["pushed_out_by"] = pushes if lists else [amounts_text(row) for row in pushes]
    return {f"{name}_task": columns[name] for name in TASK_COLUMNS}
