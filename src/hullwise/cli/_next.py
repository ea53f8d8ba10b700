"""`hullwise next`: reads the runs, prints what is suggested and why, and writes it."""

from __future__ import annotations

import sys
from typing import Any

from rich.text import Text

from ..design.design_space import DesignSpace
from ..design.suggest import suggest
from ..design.suggestions import Suggestions
from ..domain.domain import Domain
from ..domain.domain_file import load
from ..errors import FileError
from ..io.mixed_table import MixedTable, mixed_table
from ..io.paths import display_path
from ..report.words import format_number, printable
from ._layout import RIGHT_ALIGNED, grid_of, indented, print_notes, section, table_of
from ._next_command import NextOptions
from ._output import check_outputs, output_cells, write_output
from ._tables import open_as
from .console import console, progress_bar
from .status import record_written

POINTS_SHOWN = 30
PARAMETERS_SHOWN = 6


def run_next(options: NextOptions) -> None:
    """Suggest the next runs and say why."""
    check_outputs(options, options.inputs, [options.report])
    box = _read_box(options)
    csv_marks = box.fitted_.csv_marks if isinstance(box, Domain) else None
    space = DesignSpace(box, options.constraint)
    tables = {
        name: _table(getattr(options, name), options, csv_marks)
        for name in ("runs", "pending", "queries", "candidates")
    }
    with progress_bar(options.quiet) as progress:
        suggestions = suggest(
            tables["runs"],
            n=options.n,
            box=space,
            target=options.target or None,
            pending=tables["pending"],
            queries=tables["queries"],
            candidates=tables["candidates"],
            criterion=options.criterion,
            n_candidates=options.n_candidates,
            random_state=options.random_state,
            progress=progress,
        )
    written = _write(options, suggestions)
    if not options.quiet:
        _print(options, suggestions)
    for line in written:
        options.status(line)


def _read_box(options: NextOptions) -> Any:
    if not options.box.endswith(".hull"):
        return _table(options.box, options)
    domain = load(options.box)
    if not isinstance(domain, Domain):
        raise FileError(
            options.box, "keeps half-spaces and no training rows: give a table of bounds instead"
        )
    return domain


def _table(
    path: str | None, options: NextOptions, csv_marks: tuple[str, str] | None = None
) -> MixedTable | None:
    return None if path is None else mixed_table(open_as(path, options, csv_marks))


def _write(options: NextOptions, suggestions: Suggestions) -> list[str]:
    written: list[str] = []
    if options.output is not None:
        table = {name: output_cells(column) for name, column in suggestions.to_dict().items()}
        written += write_output(table, options)
    if options.report is not None:
        from ..report.next_page import write_next_page

        source = {"Runs": options.title, "Box": display_path(options.box)}
        write_next_page(suggestions, options.report, source=source, force=options.force)
        record_written(options.report)
        written.append(f"report written to {options.report}")
    return written


def _print(options: NextOptions, suggestions: Suggestions) -> None:
    out = console(sys.stderr if options.output == "-" else sys.stdout)
    out.print()
    space = suggestions.space
    n_runs, n_pending = len(suggestions.runs), int(suggestions.is_pending.sum())
    extent = f"{n_runs:,} run{'s' * (n_runs != 1)}" if n_runs else "none yet"
    extent += f", {n_pending:,} of them under way" if n_pending else ""
    out.print(
        grid_of(
            ("runs", extent),
            ("box", f"{printable(display_path(options.box), 50)}: {space!r}"),
            ("criterion", suggestions.criterion),
        )
    )
    section(out, "Where to run next")
    names = space.names[:PARAMETERS_SHOWN]
    table = table_of(
        ("", RIGHT_ALIGNED),
        *((printable(name, 16), RIGHT_ALIGNED) for name in names),
        ("distance", RIGHT_ALIGNED),
        ("nearest", {"overflow": "fold"}),
    )
    for i in range(min(len(suggestions), POINTS_SHOWN)):
        texts = [space.parameters[j].text(suggestions.values[i, j]) for j in range(len(names))]
        table.add_row(
            f"{i + 1}",
            *(printable(text, 16) for text in texts),
            format_number(suggestions.distance[i]) if suggestions.nearest[i] else "",
            Text(printable(suggestions.nearest[i], 30) if suggestions.nearest[i] else ""),
        )
    indented(out, table)
    hidden = [
        (len(suggestions) - POINTS_SHOWN, "more points"),
        (len(space.names) - PARAMETERS_SHOWN, "more parameters"),
    ]
    for count, what in hidden:
        if count > 0:
            indented(out, Text(f"... and {count:,} {what} (-o writes all)"))
    section(out, "Why")
    for i, text in enumerate(suggestions.why[:POINTS_SHOWN]):
        indented(out, Text(f"{i + 1}. {printable(text, 400)}"))
    print_notes(out, suggestions.notes)
    out.file.flush()
