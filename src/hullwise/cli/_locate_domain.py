"""`hullwise locate` of tables that are not all numbers, and in domains that were fitted before."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from rich.progress import Progress

from ..domain.domain import Domain
from ..domain.domain_location import DomainLocation
from ..errors import DataError, FileError, Hint, HullwiseError
from ..geometry.row_selection import RowSelection
from ..geometry.warm_up import compile_locate
from ..io.mixed_table import MixedTable
from ..io.table_reader import OpenTable
from ..report.domain_view import row_reasons
from ..report.report import write_report
from ._command_options import LocateOptions
from ._compiling import compile_kernels, timing_text
from ._domain import fit_domain, new_domain, read_as_domain
from ._domain_text import DomainHeading, note_texts, print_domain_location
from ._explain import explain_domain_row, rows_named
from ._fail_on import FailingRows, failing_domain_rows
from ._junit import write_junit
from ._output import keeps_lists, table_cells, write_output
from ._report_source import report_source
from ._selection import print_selection, selection_figures, selection_of, with_selection
from ._summary_file import summary_of_domain, write_summary
from ._tables import repeated_ids
from .console import console, progress_bar
from .status import raise_if_cancelled, record_written


def fit_and_locate(
    options: LocateOptions,
    train: OpenTable,
    query: OpenTable,
    refusal: FileError | None = None,
) -> bool:
    """Fit a domain and locate the new rows in it; whether the condition of --fail-on is met.

    `refusal` is why the training table is none of numbers: where its text is meant to be numbers,
    that is what is wrong.
    """
    start = perf_counter()
    domain = new_domain(options, train)
    table = read_as_domain(train, domain)
    compiling = compile_kernels(options.status, compile_locate)
    with progress_bar(options.quiet, domain_bars) as progress:
        try:
            fit_domain(domain, table, options, progress)
        except DataError as error:
            raise _refused_number(error, refusal, options) or error from None
    raise_if_cancelled()
    notes = tuple(note_texts(domain.fitted_.notes))
    return locate_in_domain(
        options, domain, query, Path(train.path).name, notes, (perf_counter() - start, compiling)
    )


def locate_in_domain(
    options: LocateOptions,
    domain: Domain,
    query: OpenTable,
    train_name: str,
    notes: tuple[str, ...] = (),
    spent: tuple[float, float] = (0.0, 0.0),
) -> bool:
    """Locate the new rows, write and say where they stand.

    `notes` are what is to be said of the training table, `spent` the seconds that fitting took, and
    those of them that went into compiling.
    """
    start = perf_counter()
    table = read_as_domain(query, domain)
    if query.kind == ".jsonl":  # a name that no row has is a gap in each
        table = table.with_gaps(domain.fitted_.coordinates.sources)
    reading = perf_counter() - start
    compiling = spent[1] or compile_kernels(options.status, compile_locate)
    start = perf_counter()
    location = _located(domain, table, options)
    raise_if_cancelled()
    seconds = spent[0] - spent[1] + perf_counter() - start
    options.status(timing_text(reading, compiling, seconds, "located"))
    proofs = _verified(location, options)
    failing = failing_domain_rows(location, options)
    selection = selection_of(location, options.fdr)
    names = train_name, Path(query.path).name
    answer = DomainAnswer(domain, location, failing, *names, notes, selection)
    rows = rows_named(options.explain, location.labels, len(location))
    written: list[str] = []
    try:
        _write(answer, options, proofs, written)
    finally:
        # The answer is worth seeing even where the disk is full.
        if not options.quiet or rows:
            _print(answer, rows, options)
    for line in written:
        options.status(line)
    return failing is not None and failing.report()


@dataclass(frozen=True, eq=False)
class DomainAnswer:
    """Where the rows stand, and what is said of it."""

    domain: Domain
    location: DomainLocation
    failing: FailingRows | None
    train_name: str
    query_name: str
    notes: tuple[str, ...]
    selection: RowSelection | None


def _verified(location: DomainLocation, options: LocateOptions) -> str:
    """Check all claims where --verify asks for it; what the report says of it."""
    if not options.verify:
        return "not checked again (--verify)"
    holds = location.verify()
    counts = f"{int(holds.sum()):,} of {len(holds):,}"
    options.status(f"claims verified: {counts}")
    if not holds.all():
        raise HullwiseError(
            f"claims that do not hold: {int((~holds).sum())}, the first in row "
            f"{int(np.argmin(holds))}; nothing was written. Please report this."
        )
    return f"{counts} hold, checked by code that shares nothing with the search"


def _print(answer: DomainAnswer, rows: list[int], options: LocateOptions) -> None:
    """The summary, or the rows that --explain names in its place."""
    location = answer.location
    out = console(sys.stderr if options.output == "-" else sys.stdout)
    for row in rows:
        explain_domain_row(out, location, row, options.fixed)
    if not rows:
        ids = repeated_ids(location.training_labels, location.labels)
        notes = (*answer.notes, *ids)
        heading = DomainHeading(answer.train_name, answer.query_name, notes)
        print_domain_location(out, answer.domain, location, heading)
        print_selection(out, answer.selection)
    out.file.flush()


def _write(answer: DomainAnswer, options: LocateOptions, proofs: str, written: list[str]) -> None:
    """Every file that is asked for; adds to `written` what there is to say of each."""
    location, fitted = answer.location, answer.domain.fitted_
    if options.output is not None:
        id_name = fitted.column_with("id") or options.id_column
        cells = table_cells(location, id_name, lists=keeps_lists(options))
        cells = with_selection(cells, answer.selection)
        written += write_output(cells, options)
    if options.report is not None:
        write_report(
            location,
            options.report,
            title=f"Where the rows of {answer.query_name} stand",
            source=report_source(options, proofs),
            force=options.force,
        )
        record_written(options.report)
        written.append(f"report written to {options.report}")
    if options.summary is not None:
        figures = summary_of_domain(location, fitted.digest)
        figures["selection"] = selection_figures(answer.selection)
        written.append(
            write_summary(options.summary, figures, answer.failing, options, answer.notes)
        )
        record_written(options.summary)
    if options.proofs is not None:
        location.save_proofs(options.proofs, force=options.force)
        record_written(options.proofs)
        written.append(f"proofs written to {options.proofs}: check them with hullwise verify")
    if options.junit is not None and answer.failing is not None:
        written.append(
            write_junit(
                options.junit,
                answer.failing,
                lambda row: _why(location[[row]]),
                train=answer.train_name,
                query=answer.query_name,
                force=options.force,
            )
        )
        record_written(options.junit)


def _why(row: DomainLocation) -> str:
    """Band and reasons of one row, then its sentence."""
    reasons = "" if row.unusable else row_reasons(row.compare_columns(0))
    return f"{row.band[0]}{reasons and ': '}{reasons}\n{row.status[0]}"


def _refused_number(
    error: DataError, refusal: FileError | None, options: LocateOptions
) -> FileError | None:
    """Why cells are no numbers, where nothing says that they are anything else."""
    if refusal is None or options.domain_options:
        return None
    for hint in error.hints:
        if hint[0] in (Hint.NAME_AS_GAP, Hint.DECLARE_CATEGORY):
            refusal.with_hint(*hint)
    return refusal


def _located(domain: Domain, table: MixedTable, options: LocateOptions) -> DomainLocation:
    with progress_bar(options.quiet, domain_bars) as progress:
        try:
            return domain.locate(
                table,
                bad_rows=options.bad_rows,
                strict=options.strict,
                max_seconds=options.max_seconds,
                progress=progress,
            )
        except FileError:
            raise
        except DataError as error:
            raise _with_advice(error, domain, table, options) from None


def _with_advice(
    error: DataError, domain: Domain, table: MixedTable, options: LocateOptions
) -> DataError:
    """The error, and that the other rows can be located where it is one of a cell."""
    if options.bad_rows == "refuse":
        with contextlib.suppress(DataError):
            domain.fitted_.coordinates.encode(table.tolerant())
            return error.with_hint(Hint.KEEP_BAD_ROWS, "located")
    return error


def domain_bars(bars: Progress) -> Any:
    """The library's progress calls as one bar, whatever they are about."""
    task = bars.add_task("rows", total=None)
    return lambda done, total, _: bars.update(task, completed=done, total=total)
