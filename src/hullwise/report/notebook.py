"""Results as small pieces of HTML, for notebooks and mails: no script, no style sheet, no request.

Colours of text and paper are those of the place where they are shown, so that a dark notebook
stays dark; everything that comes of a table is escaped.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from .words import format_number, printable

if TYPE_CHECKING:
    from .._core.results import RecordResult, TableResult

VIEW_SIZE_LIMIT = 20_000
"""Bytes that a view may have, whatever it shows."""
VIEW_ROWS = (10, 5, 2, 0)  # the next smaller number of rows is taken while a view is too large
VIEW_COLUMNS = 10
CELL_LETTERS = 60
BAND_FILLS = {  # of a middle lightness: they stand out from white and from black
    "core": "#3a7cb8",
    "edge": "#3f97a6",
    "beyond": "#c07f0c",
    "far": "#cf4a36",
    "unknown": "#868b92",
}
SOFT_STYLE = "opacity:.72;font-size:.92em"
LINE_STYLE = "border-bottom:1px solid rgba(128,128,128,.35)"

Cell = str | float | int | bool | None


def view(title: str, *parts: str) -> str:
    """Parts of HTML under a title of plain text."""
    heading = f'<div style="margin:0 0 .4em"><b>{escape(printable(title, 200))}</b></div>'
    return f'<div style="line-height:1.45;max-width:64em">{heading}{"".join(parts)}</div>'


def view_note(text: str) -> str:
    """A line of plain text below a figure."""
    return f'<div style="{SOFT_STYLE};margin:.3em 0">{escape(printable(text, 400))}</div>'


def shrinking(build: Callable[[int], str]) -> str:
    """What `build` makes of a number of rows, of fewer where that is too large."""
    for n_rows in VIEW_ROWS:
        page = build(n_rows)
        if len(page.encode("utf-8", "replace")) <= VIEW_SIZE_LIMIT:
            break
    return page


def counts_bar(counts: Mapping[str, int], fills: Mapping[str, str] = BAND_FILLS) -> str:
    """A bar divided in proportion to the counts, and the same in words."""
    shown = {name: count for name, count in counts.items() if count}
    parts = "".join(
        f'<span title="{escape(name)}: {count:,}" style="flex:{count} 1 0;min-width:3px;'
        f'background:{fills[name]}"></span>'
        for name, count in shown.items()
    )
    words = "".join(
        '<span style="white-space:nowrap;margin-right:1.1em"><span style="display:inline-block;'
        f'width:.7em;height:.7em;background:{fills[name]};margin-right:.35em"></span>'
        f"{escape(name)} <b>{count:,}</b></span>"
        for name, count in shown.items()
    )
    bar = f'<div style="display:flex;gap:1px;height:.8em;max-width:40em">{parts}</div>'
    return f'{bar if shown else ""}<div style="margin:.3em 0 .5em">{words}</div>'


def short_text(value: Any, letters: int = CELL_LETTERS) -> str:
    """A value as a person reads it, in one short line of plain text."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if value is None or value != value:
        return "–"
    if isinstance(value, float):
        return format_number(value, 4) if np.isfinite(value) else "∞" if value > 0 else "−∞"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}" if abs(value) < 10**15 else f"{value:.4g}"
    return printable(value, letters) if value != "" else ""


def html_table(
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
    note: str = "",
    letters: int = CELL_LETTERS,
) -> str:
    """A table of plain values, of so many letters each; numbers stand at the right."""
    lines = [list(row) for row in rows]
    sides = [
        "right" if any(_is_number(line[j]) for line in lines) else "left"
        for j in range(len(header))
    ]
    cell = "padding:.15em 1em .15em 0;vertical-align:top;text-align:"
    head = "".join(
        f'<th style="{cell}{side};font-weight:500;opacity:.72">{escape(short_text(name, 48))}</th>'
        for name, side in zip(header, sides, strict=True)
    )
    body = "".join(
        f'<tr style="{LINE_STYLE};background:none">'
        + "".join(
            f'<td style="{cell}{side}">{escape(short_text(value, letters))}</td>'
            for value, side in zip(line, sides, strict=True)
        )
        + "</tr>"
        for line in lines
    )
    return (
        f'<table style="border-collapse:collapse;margin:0"><thead><tr style="{LINE_STYLE}">{head}'
        f"</tr></thead><tbody>{body}</tbody></table>{view_note(note) if note else ''}"
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)


def more_note(total: int, shown: int, what: str) -> str:
    """How many are not shown, or nothing."""
    more = total - shown
    return f"and {more:,} more {what}{'' if more == 1 else 's'}" if more > 0 else ""


def table_view(result: TableResult) -> str:
    """A result that is a table: its line, and its first rows."""
    return shrinking(lambda n_rows: view(repr(result), first_rows_table(result, n_rows)))


def first_rows_table(result: TableResult, n_rows: int) -> str:
    """The first rows of a result, and how many there are more."""
    columns = result.head_columns(n_rows)
    names = list(columns)[:VIEW_COLUMNS]
    lines = zip(*(list(columns[name])[:n_rows] for name in names), strict=True)
    table = [list(line) for line in lines]
    if "row" not in columns:  # they have no name of their own
        numbers = range(n_rows) if result.labels is None else result.labels
        names = ["", *names]
        table = [[str(number), *line] for number, line in zip(numbers, table)]
    notes = [
        more_note(len(result), len(table), "row"),
        more_note(len(columns), VIEW_COLUMNS, "column"),
    ]
    return html_table(names, table, "; ".join(text for text in notes if text))


def record_view(result: RecordResult) -> str:
    """A result that is one thing: its line, and what it holds."""
    assert dataclasses.is_dataclass(result)
    fields = [field.name for field in dataclasses.fields(result) if not field.name.startswith("_")]
    lines = [(name, field_text(getattr(result, name))) for name in fields]
    return view(repr(result), html_table(["", ""], [line for line in lines if line[1]]))


def field_text(value: Any) -> str:
    """What a field of a result holds, in a few words; "" for what has no short words."""
    if isinstance(value, np.ndarray):
        if value.size <= 6 and value.ndim <= 1:
            return ", ".join(short_text(one) for one in value.ravel())
        return f"{' × '.join(f'{n:,}' for n in value.shape)} {value.dtype}"
    if value is None or isinstance(value, str | bool | int | float | np.generic):
        return short_text(value)
    if isinstance(value, tuple | list):
        short = ", ".join(short_text(one) for one in value[:6])
        return printable(short + (", ..." if len(value) > 6 else ""), 120) if value else ""
    if isinstance(value, Mapping):
        return printable(", ".join(f"{k} {short_text(v)}" for k, v in value.items()), 120)
    return printable(repr(value), 120)
