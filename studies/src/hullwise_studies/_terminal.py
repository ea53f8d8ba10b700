"""`hullwise study`: a study computed, as text and as a page."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from hullwise import report
from hullwise.cli.console import console, progress_bar, require_standard_output
from hullwise.cli.status import print_status, record_written

from ._options import StudyOptions
from ._page import cell_text, write_page
from ._study import Study
from ._tables import Table


def run_study(name: str, options: StudyOptions) -> None:
    """Compute a study, print its tables, and write its page if one is named."""
    require_standard_output()
    module = import_module(f".{name}", __package__)
    if options.output is not None:
        report.check_page_path(options.output, force=options.force)
    if options.cache is not None:
        record_written(f"what had been finished, in {options.cache},")
    start = perf_counter()
    with progress_bar(quiet=False) as progress:
        study = module.run(**options.arguments(), progress=progress)
    print_study(console(sys.stdout), study)
    if options.output is not None:
        write_page(study, options.output, force=options.force)
        print_status(f"page written to {os.fspath(options.output)}")
    print_status(f"done in {perf_counter() - start:.0f} s")


def print_study(out: Console, study: Study) -> None:
    """Title, tables and findings; at most 100 columns wide."""
    out.print()
    out.print(Text(study.title, style="bold underline"))
    out.print(Text(f"\n{study.lead}"))
    for part in study.parts:
        for table in part.tables:
            _print_table(out, table)
    _print_findings(out, study)
    if study.notes:
        out.print()
        for note in study.notes:
            out.print(Text(note))


def _print_findings(out: Console, study: Study) -> None:
    if not study.findings:
        return
    out.print()
    out.print(Text(study.findings_title, style="bold underline"))
    for finding in study.findings:
        out.print()
        out.print(Text(finding.title, style="bold"))
        out.print(Padding(Text(finding.text), (0, 0, 0, 2)))
        if finding.table is not None:
            _print_table(out, finding.table)


def _print_table(out: Console, table: Table) -> None:
    """A table, cut into parts between its groups of columns where it is too wide."""
    out.print()
    out.print(Text(table.title, style="bold"))
    for columns in parts_of(table, out.width - 2):
        grid = Grid(box=None, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
        heads = _headings(table, columns)
        for k, j in enumerate(columns):
            text = any(isinstance(row[j], str) for row in table.rows)
            side: Any = "left" if text else "right"
            grid.add_column(Text(heads[k], style="dim"), justify=side, no_wrap=True)
        for row in table.rows:
            grid.add_row(*(Text(cell_text(row[j])) for j in columns))
        out.print(Padding(grid, (0, 0, 0, 2)))
    if table.note:
        out.print(Padding(Text(table.note, style="dim"), (0, 0, 0, 2)))


def _headings(table: Table, columns: list[int]) -> list[str]:
    """The group above its first column, and the column's own name, as short lines."""
    heads, last = [], ""
    for j in columns:
        group, cut, name = table.columns[j].partition(" | ")
        if not cut:
            group, name = "", group
        above = "" if group == last else group
        last = group
        heads.append("\n".join([*_short(above), *_short(name)]) if cut else "\n".join(_short(name)))
    tall = max(h.count("\n") for h in heads)
    return ["\n" * (tall - h.count("\n")) + h for h in heads]


def _short(text: str, width: int = 14) -> list[str]:
    lines: list[str] = []
    for word in text.split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def parts_of(table: Table, width: int) -> list[list[int]]:
    """Numbers of columns that fit side by side; those that name the row lead every part."""

    def wide(j: int) -> int:
        lines = [line for part in table.columns[j].split(" | ") for line in _short(part)]
        cells = [cell_text(row[j]) for row in table.rows]
        return 1 + max(map(len, [*lines, *cells]))

    keys = list(range(table.keys))
    parts = [keys]
    for _, columns in table.groups():
        columns = [j for j in columns if j >= table.keys]
        room = sum(map(wide, parts[-1])) + sum(map(wide, columns))
        if room > width and len(parts[-1]) > table.keys:
            parts.append(keys)
        parts[-1] = parts[-1] + columns
    return parts
