"""`hullwise study`: a study computed, as text and as a page."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from time import perf_counter
from typing import Any

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from hullwise.cli.console import console, progress_bar
from hullwise.cli.status import record_written
from hullwise.io.atomic_write import output_path

from . import lux2021
from ._page import shown
from ._study import Study, write_page
from ._tables import Finding, Table
from .lux2021._models import METHODS


def run(options: dict[str, Any]) -> None:
    """`hullwise study lux2021`, which has a page and a text of its own."""
    _run(lux2021, options, print_lux2021, lux2021.write_page)


def run_study(name: str, options: dict[str, Any]) -> None:
    """Any other study: its module's `run` takes the options but output and force."""
    _run(import_module(f".{name}", __package__), options, print_study, write_page)


def _run(module: Any, options: dict[str, Any], show: Any, write: Any) -> None:
    """Compute, print the tables, and write the page if one is asked for."""
    output, force = options["output"], options["force"]
    if output is not None:
        output_path(output, force=force)
    given = {name: options[name] for name in options if name not in ("output", "force")}
    if options.get("cache") is not None:
        record_written(f"what had been finished, in {options['cache']},")
    start = perf_counter()
    with progress_bar(quiet=False) as progress:
        study = module.run(**given, progress=progress)
    show(console(sys.stdout), study)
    if output is not None:
        write(study, output, force=force)
        click.echo(f"page written to {os.fspath(output)}", err=True)
    click.echo(f"done in {perf_counter() - start:.0f} s", err=True)


def print_study(out: Console, study: Study) -> None:
    """Title, tables and findings; at most 100 columns wide."""
    out.print()
    out.print(Text(study.title, style="bold underline"))
    out.print(Text(f"\n{study.lead}"))
    for part in study.parts:
        for table in part.tables:
            _print_table(out, table)
    _print_findings(out, "Findings", study.findings)


def _print_findings(out: Console, title: str, findings: Sequence[Finding]) -> None:
    if not findings:
        return
    out.print()
    out.print(Text(title, style="bold underline"))
    for finding in findings:
        out.print()
        out.print(Text(finding.title, style="bold"))
        out.print(Padding(Text(finding.text), (0, 0, 0, 2)))
        if finding.table is not None:
            _print_table(out, finding.table)


def print_lux2021(out: Console, study: lux2021.Study) -> None:
    """Every table, then what differs from the paper; at most 100 columns wide."""
    out.print()
    out.print(Text("Interpolation of sparse high-dimensional data (2021)", style="bold underline"))
    out.print("\nLux, Watson, Chang, Hong, Cameron: published figures, those computed here, and")
    out.print("their difference.")
    told = {f.table.name for f in study.findings if f.table is not None}
    for name, table in study.tables.items():
        if name not in told:
            _print_table(out, table)
    _print_findings(out, "What differs from the paper, and why", study.findings)
    out.print()
    left = [m.name for s, m in METHODS.items() if s not in study.methods]
    if left:
        out.print(Text(f"Left out on this run: {', '.join(left)}."))
    if not study.full:
        text = (
            "Short form: 2,000 of the paper's 100,000 steps of the MLP, 512 of its 8,192 rows in "
            "the analytic experiment. --full runs all."
        )
        out.print(Text(text))


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
            grid.add_row(*(Text(shown(row[j])) for j in columns))
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
        cells = [shown(row[j]) for row in table.rows]
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
