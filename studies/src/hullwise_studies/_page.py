"""A study as one HTML page without script: text, tables, and charts as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources
from typing import Any

import numpy as np

from hullwise.report.document import html_document
from hullwise.report.words import format_number

from ._tables import Finding, Table

__all__ = ["figure", "findings_section", "html_table", "legend", "page", "section", "shown"]


def shown(value: Any) -> str:
    """A cell as text."""
    if value is None:
        return ""
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if not np.isfinite(value):
        return "unknown"
    return ("\u2212" if value < 0 else "") + format_number(abs(float(value)))


def page(title: str, body: Sequence[str]) -> str:
    """The whole page: it loads nothing else."""
    sheets = (("hullwise.report", "report.css"), ("hullwise_studies", "page.css"))
    style = "".join((resources.files(a) / b).read_text(encoding="utf-8") for a, b in sheets)
    return html_document(title, style, "".join(part for part in body if part))


def section(title: str, *parts: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>\n"


def figure(svg: str, caption: str) -> str:
    return (
        f'<figure class="chart"><div class="scroll">{svg}</div>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def legend(entries: Sequence[tuple[str, str]]) -> str:
    marks = "".join(
        f'<span><svg class="sw {kind}" viewBox="0 0 10 10" aria-hidden="true">'
        f'<rect class="body" width="10" height="10"/></svg>{escape(text)}</span>'
        for kind, text in entries
    )
    return f'<p class="key">{marks}</p>'


def html_table(table: Table) -> str:
    """A table with its groups of columns as a first line of headings."""
    groups = table.groups()
    first = {columns[0] for name, columns in groups if name}
    top, below = [], []
    for name, columns in groups:
        if not name:
            kind = ' class="name"' if columns[0] == 0 else ""
            top.append(
                f'<th rowspan="2" scope="col"{kind}>{escape(table.columns[columns[0]])}</th>'
            )
            continue
        top.append(f'<th colspan="{len(columns)}" class="first" scope="col">{escape(name)}</th>')
        for j in columns:
            kind = "n first" if j in first else "n"
            text = table.columns[j].partition(" | ")[2]
            below.append(f'<th class="{kind}" scope="col">{escape(text)}</th>')
    rows = []
    for row in table.rows:
        cells = [f'<th scope="row">{escape(shown(v))}</th>' for v in row[: table.keys]]
        for j, value in enumerate(row[table.keys :], table.keys):
            kind = "n first" if j in first else "n"
            kind += " paper" if table.columns[j].endswith("| paper") else ""
            cells.append(f'<td class="{kind}">{escape(shown(value))}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    return (
        f'<div class="scroll"><table><caption>{escape(table.title)}</caption><thead>'
        f"<tr>{''.join(top)}</tr><tr>{''.join(below)}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>{note}"
    )


def findings_section(title: str, findings: Sequence[Finding]) -> str:
    """Differences one after the other, each with its table."""
    parts = [
        f'<div class="finding"><h3>{escape(f.title)}</h3><p>{escape(f.text)}</p>'
        f"{html_table(f.table) if f.table is not None else ''}</div>"
        for f in findings
    ]
    return section(title, *parts) if parts else ""
