"""A domain and what it says of rows as small pieces of HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._figures import row_name
from .notebook import counts_bar, html_table, more_note, shrinking, view, view_note
from .words import NBSP, format_number, is_or_are, printable, rows, training

if TYPE_CHECKING:
    from ..domain.column_comparisons import ColumnComparison
    from ..domain.domain import Domain
    from ..domain.domain_location import DomainLocation
    from ..domain.domain_summary import DomainSummary

DOMAIN_VIEW_COLUMNS = 40
DOMAIN_VIEW_NOTES = 6
REASONS_OF_ROW = 3
LETTERS_OF_REASONS = 240


def domain_view(domain: Domain) -> str:
    """The view of a `Domain`: what every column was taken for."""
    if not hasattr(domain, "fitted_"):
        return view(repr(domain))
    fitted = domain.fitted_
    used = [(c.name, c.role, c.describe(), c.reason) for c in fitted.coordinates.columns]
    lines = [*used, *((c.name, c.role, c.describe(), "") for c in fitted.unused)]

    def build(n_rows: int) -> str:
        n_shown = min(len(lines), DOMAIN_VIEW_COLUMNS * n_rows // 10)
        note = more_note(len(lines), n_shown, "column")
        header = ["column", "taken for", "as", "why"]
        table = html_table(header, lines[:n_shown], note, letters=100)
        notes = (view_note(text) for text in fitted.notes[:DOMAIN_VIEW_NOTES])
        return view(repr(domain), table, *notes)

    return shrinking(build)


def domain_location_view(location: DomainLocation) -> str:
    """The view of a `DomainLocation`; the cost is that of its summary."""
    summary = location.summary()
    title = f"{rows(summary.n_rows)} against {training(summary.n_train)}"
    notes = [view_note(text) for text in location.notes[:DOMAIN_VIEW_NOTES]]
    return shrinking(
        lambda n_rows: view(
            title, _summary_parts(summary), _farthest_lines(location, summary, n_rows), *notes
        )
    )


def _farthest_lines(location: DomainLocation, summary: DomainSummary, n_rows: int) -> str:
    farthest = summary.farthest[:n_rows].tolist()
    lines = [
        [
            row_name(location.labels, row, 40),
            location.band[row],
            float(location.hull_percentile[row]),
            row_reasons(location.compare_columns(row)),
            ", ".join(location.located_without(row)),
        ]
        for row in farthest
    ]
    if not lines:
        return ""
    header = ["farthest", "band", "percentile", "its own → nearest mixture of training rows"]
    if any(line[-1] for line in lines):
        header.append("located without")
    more = len(summary.farthest) - len(lines)
    note = f"{more:,} more {is_or_are(more)} outside the hull" if more else ""
    shown = [line[: len(header)] for line in lines]
    return html_table(header, shown, note, letters=LETTERS_OF_REASONS)


def row_reasons(columns: tuple[ColumnComparison, ...], k: int = REASONS_OF_ROW) -> str:
    """Why a row is out, in one line: levels never seen first, then the largest changes."""
    unseen = [
        f"{printable(c.name, 30)} {printable(c.value, 30)!r} {c.unseen_text}"
        for c in columns
        if c.is_unseen
    ]
    changes = sorted((c for c in columns if c.share > 0), key=lambda c: -c.share)
    texts = unseen + [
        f"{printable(c.name, 30)} {printable(c.value, 30)} → {no_break(c.nearest)}" for c in changes
    ]
    return "; ".join(texts[:k]) + (" ..." if len(texts) > k else "")


def no_break(text: str) -> str:
    """The same with percentages that stay on one line."""
    return text.replace(" %", f"{NBSP}%")


def domain_summary_view(summary: DomainSummary) -> str:
    """The view of a `DomainSummary`: bands, and how often each column pushes a row out."""
    title = f"{rows(summary.n_rows)} against {training(summary.n_train)}"
    shown = summary.columns[:8]
    lines = [[c.name, c.too_high, c.too_low, c.of_another_level] for c in shown]
    note = more_note(len(summary.columns), len(lines), "column")
    header = ["pushed out by", "rows too high", "too low", "of another level"]
    table = html_table(header, lines, note) if lines else ""
    return view(title, _summary_parts(summary), table)


def _summary_parts(summary: DomainSummary) -> str:
    """The bar of bands, and how many rows are out by distance and by name."""
    if not summary.n_rows:
        return ""
    text = f"{summary.n_out_by_distance:,} beyond or far by distance"
    if summary.expected_out == summary.expected_out:
        text += f" (about {format_number(summary.expected_out, 2)} would by chance)"
    if summary.n_unseen:
        expected = format_number(summary.expected_unseen, 2)
        text += f"; {summary.n_unseen:,} with a level never seen (about {expected} would by chance)"
    if summary.chance == summary.chance:
        text += f"; chance of so many {format_number(summary.chance, 2)}"
    return counts_bar(summary.bands) + view_note(text + ".")
