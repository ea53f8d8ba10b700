"""`hullwise locate` of tables that are not all numbers, and in domains that were fitted before."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.progress import Progress

from ..domain.domain import Domain
from ..domain.domain_location import DomainLocation
from ..errors import DataError, FileError, Hint
from ..geometry.warm_up import compile_locate
from ..io.mixed_table import MixedTable
from ..io.table_reader import OpenTable
from ._command_options import LocateOptions
from ._compiling import compile_kernels, timing_text
from ._domain import fit_domain, new_domain, read_as_domain
from ._domain_text import DomainHeading, note_texts, print_domain_location
from ._fail_on import failing_domain_rows
from ._output import keeps_lists, table_cells, write_output
from ._tables import repeated_ids
from .console import console, progress_bar
from .status import raise_if_cancelled


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
    reading = perf_counter() - start
    compiling = spent[1] or compile_kernels(options.status, compile_locate)
    start = perf_counter()
    location = _located(domain, table, options)
    raise_if_cancelled()
    seconds = spent[0] - spent[1] + perf_counter() - start
    options.status(timing_text(reading, compiling, seconds, "located"))
    id_name = domain.fitted_.column_with("id") or options.id_column
    written: list[str] = []
    try:
        if options.output is not None:
            cells = table_cells(location, id_name, lists=keeps_lists(options))
            written += write_output(cells, options)
    finally:
        # The answer is worth seeing even where the disk is full.
        if not options.quiet:
            out = console(sys.stderr if options.output == "-" else sys.stdout)
            ids = repeated_ids(location.training_labels, location.labels)
            heading = DomainHeading(train_name, Path(query.path).name, (*notes, *ids))
            print_domain_location(out, domain, location, heading)
            out.file.flush()
    for line in written:
        options.status(line)
    failing = failing_domain_rows(location, options)
    return failing is not None and failing.report()


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
