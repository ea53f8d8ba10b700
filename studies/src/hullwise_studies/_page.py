"""A study as one HTML page without script: text, tables, and charts as inline SVG."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

import hullwise as hw
from hullwise.report import PAGE_SIZE_LIMIT, format_number, html_document, stylesheet

from ._study import Chart, Part, Study
from ._tables import Finding, Table

__all__ = ["cell_text", "html_table", "study_page", "write_page"]


def study_page(study: Study) -> str:
    """The study as one HTML page that loads nothing else, of at most 1,000,000 bytes."""
    levels = 1 + max((len(c.smaller) for part in study.parts for c in part.charts), default=0)
    for level in range(levels):
        page = _page(study, level)
        if len(page.encode("utf-8")) <= PAGE_SIZE_LIMIT:
            break
    return page


def write_page(study: Study, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write the page of a study, whole or not at all.

    Raises
    ------
    FileError
        The file exists and `force` is false, or it cannot be written.
    """
    return hw.report.write_page(study_page(study), path, force=force)


def _page(study: Study, level: int) -> str:
    opening = (
        f'<h1>{escape(study.title)}</h1><p class="lead">{escape(study.lead)}</p>'
        f"<p>This page was computed by hullwise {escape(hw.__version__)}. What ran, and how, is "
        "said at the end.</p>"
    )
    parts = [_part_section(part, level) for part in study.parts]
    body = [opening, *parts, _findings_section(study), _about_section(study)]
    own = (resources.files("hullwise_studies") / "page.css").read_text(encoding="utf-8")
    return html_document(study.title, stylesheet(own), "".join(body))


def _part_section(part: Part, level: int) -> str:
    charts = "".join(_figure(chart, level) for chart in part.charts)
    tables = "".join(html_table(table) for table in part.tables)
    return _section(part.title, f"<p>{escape(part.text)}</p>", _legend(part.legend), charts, tables)


def _section(title: str, *parts: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>\n"


def _figure(chart: Chart, level: int) -> str:
    svg = chart.drawn(level)
    if not svg:
        return ""
    kind = "plots" if svg.count("<svg") > 1 else "scroll"
    return (
        f'<figure class="chart"><div class="{kind}">{svg}</div>'
        f"<figcaption>{escape(chart.caption)}</figcaption></figure>"
    )


def _legend(entries: Sequence[tuple[str, str]]) -> str:
    marks = "".join(
        f'<span><svg class="sw {kind}" viewBox="0 0 10 10" aria-hidden="true">'
        f'<rect class="body" width="10" height="10"/></svg>{escape(text)}</span>'
        for kind, text in entries
    )
    return f'<p class="key">{marks}</p>' if marks else ""


def _findings_section(study: Study) -> str:
    parts = [_finding(finding) for finding in study.findings]
    return _section(study.findings_title, *parts) if parts else ""


def _finding(finding: Finding) -> str:
    table = "" if finding.table is None else html_table(finding.table)
    return (
        f'<div class="finding"><h3>{escape(finding.title)}</h3><p>{escape(finding.text)}</p>'
        f"{table}</div>"
    )


def _about_section(study: Study) -> str:
    items = "".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in study.about)
    notes = "".join(f"<p>{escape(note)}</p>" for note in study.notes)
    return _section("What ran", notes, f"<dl>{items}</dl>") if items or notes else ""


def cell_text(value: Any) -> str:
    """A cell of a table as text."""
    if value is None:
        return ""
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if not np.isfinite(value):
        return "unknown"
    return ("\u2212" if value < 0 else "") + format_number(abs(float(value)))


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
        cells = [f'<th scope="row">{escape(cell_text(v))}</th>' for v in row[: table.keys]]
        for j, value in enumerate(row[table.keys :], table.keys):
            kind = "n first" if j in first else "n"
            kind += " paper" if table.columns[j].endswith("| paper") else ""
            cells.append(f'<td class="{kind}">{escape(cell_text(value))}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    return (
        f'<div class="scroll"><table><caption>{escape(table.title)}</caption><thead>'
        f"<tr>{''.join(top)}</tr><tr>{''.join(below)}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>{note}"
    )
