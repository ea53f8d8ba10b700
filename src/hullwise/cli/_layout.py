"""Small tables and sections, as every command prints them: at most 100 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..report.words import share
from .console import bar

RIGHT_ALIGNED: dict[str, Any] = {"justify": "right", "no_wrap": True}
STYLES = {
    "core": "green",
    "edge": "cyan",
    "beyond": "yellow",
    "far": "red",
    "unknown": "dim",
    "inside": "green",
    "outside": "yellow",
    "undecided": "dim",
}


def section(out: Console, title: str) -> None:
    """A title above a part of the answer."""
    out.print()
    out.print(Text(title, style="bold"))


def table_of(*columns: tuple[str, dict[str, Any]]) -> Table:
    """A table without lines, of these columns."""
    table = Table(box=None, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0))
    for title, options in columns:
        table.add_column(Text(title, style="dim"), **options)
    return table


def counts_table(first: str) -> Table:
    """A table of counts with their shares; see `add_count`."""
    return table_of(
        (first, {"no_wrap": True}),
        ("rows", RIGHT_ALIGNED),
        ("share", RIGHT_ALIGNED),
        ("", {"width": 14, "no_wrap": True}),
        ("what it means", {}),
    )


def add_count(out: Console, table: Table, name: str, count: int, *, of: int, meaning: str) -> None:
    """One line of a `counts_table`."""
    table.add_row(
        Text(name, style=f"bold {STYLES[name]}"),
        f"{count:,}",
        share(count, of),
        Text(bar(out, count / of), style=STYLES[name]),
        Text(meaning),
    )


def indented(out: Console, table: Any) -> None:
    """A table two places in."""
    out.print(Padding(table, (0, 0, 0, 2)))


def grid_of(*lines: tuple[str, str]) -> Table:
    """Names and what they are, in two columns."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in lines:
        grid.add_row(name, Text(text))
    return grid


def rows_text(count: int) -> str:
    """A number of rows."""
    return f"{count:,} row{'s' * (count != 1)}"


def print_notes(out: Console, notes: Sequence[str]) -> None:
    """The remarks at the end, if there are any."""
    if notes:
        section(out, "Notes")
    for note in notes:
        out.print(Padding(Text(note), (0, 0, 0, 2)))
