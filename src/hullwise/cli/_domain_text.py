"""What the terminal says of a domain, and of where rows stand in it; at most 100 columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from .._core.wording import counted
from ..errors import Note
from ..report.domain_sentences import (
    GAP_RULES,
    column_lines,
    domain_band_meanings,
    domain_band_title,
    domain_expectations,
    gap_sentences,
    rare_sentence,
)
from ..report.domain_view import row_reasons
from ..report.sentences import hull_sentence
from ..report.words import printable, printable_names
from ._hints import OPTION_WORDS
from ._layout import (
    RIGHT_ALIGNED,
    STYLES,
    add_count,
    counts_table,
    grid_of,
    indented,
    print_notes,
    rows_text,
    section,
    table_of,
)
from .console import bar

if TYPE_CHECKING:
    from ..domain.domain import Domain
    from ..domain.domain_location import DomainLocation
    from ..domain.domain_summary import DomainSummary
    from ..domain.group_comparison import GroupComparison

DOMAIN_FARTHEST_ROWS = 8
DOMAIN_LEADING_COLUMNS = 8


@dataclass(frozen=True)
class DomainHeading:
    """Where the rows came from, and what else a reader must know."""

    train: str
    query: str
    notes: tuple[str, ...] = ()


def note_texts(notes: tuple[str, ...]) -> list[str]:
    """Notes whose hints are options of the command line."""
    return [n.worded(OPTION_WORDS) if isinstance(n, Note) else str(n) for n in notes]


def print_domain(out: Console, domain: Domain, train: str) -> None:
    """What a domain holds: its table, and what every column was taken for."""
    fitted = domain.fitted_
    n_columns, width = len(fitted.coordinates.columns), len(fitted.coordinates.owner)
    out.print()
    out.print(
        grid_of(
            ("training data", f"{train}: {rows_text(len(fitted))}"),
            ("columns", f"{n_columns:,} in {counted(width, 'coordinate')}"),
            ("distance", f"{fitted.metric_text} (--metric)"),
            ("gaps", f"{GAP_RULES[domain.missing]} (--missing)"),
        )
    )
    print_columns(out, domain)
    print_notes(out, note_texts(fitted.notes))


def print_columns(out: Console, domain: Domain) -> None:
    """What every column was taken for."""
    section(out, "What every column was taken for")
    table = table_of(
        ("column", {"overflow": "fold"}), ("taken for", {"no_wrap": True}), ("as", {}), ("why", {})
    )
    lines = column_lines(domain.fitted_)
    names = printable_names((name for name, *_ in lines), 40)
    for name, role, text, reason in lines:
        texts = (printable(cell, 120) if cell else "" for cell in (text, reason))
        table.add_row(*map(Text, (names[name], role, *texts)))
    indented(out, table)


def print_domain_location(
    out: Console, domain: Domain, location: DomainLocation, heading: DomainHeading
) -> None:
    """The whole answer, from the tables' sizes to the farthest rows."""
    _print_heading(out, domain, location, heading)
    if len(location) == 0 or len(location.unusable) == len(location):
        out.print("\nNo row could be located.", style="bold")
        print_notes(out, [*heading.notes, *_remarks(location)])
        return
    summary = location.summary()
    _print_domain_bands(out, location, summary, location.groups())
    _print_leading_columns(out, summary)
    _print_farthest_rows(out, location, summary)
    gaps = gap_sentences(summary)
    print_notes(out, [*heading.notes, *gaps, *_remarks(location)])


def _print_heading(
    out: Console, domain: Domain, location: DomainLocation, heading: DomainHeading
) -> None:
    columns = [column.name for column in domain.fitted_.coordinates.columns]
    names = ", ".join(printable(c, 20) for c in columns[:6]) + (", ..." if columns[6:] else "")
    n_bad = len(location.unusable)
    bad = f" (of these, {n_bad:,} could not be located)" if n_bad else ""
    out.print()
    out.print(
        grid_of(
            ("training data", f"{heading.train}: {rows_text(location.n_train)}"),
            ("new rows", f"{heading.query}: {rows_text(len(location))}{bad}"),
            ("columns", f"{len(columns):,}: {names}"),
            ("distance", location.metric_text),
        )
    )


def _print_domain_bands(
    out: Console,
    location: DomainLocation,
    summary: DomainSummary,
    groups: GroupComparison | None,
) -> None:
    section(out, domain_band_title(summary, location))
    table = counts_table("band")
    meanings = domain_band_meanings(summary, location)
    if summary.n_unseen:
        meanings["far"] += ", or holds what was never seen"
    if summary.bands["unknown"]:
        meanings["unknown"] = "not located, or the distance is not settled"
    for band, meaning in meanings.items():
        add_count(out, table, band, summary.bands[band], of=summary.n_rows, meaning=meaning)
    indented(out, table)
    out.print()
    if groups is not None:
        out.print(Text(groups.text, style="bold"))
    for text in domain_expectations(summary, by_rows=groups is None):
        out.print(Text(text, style="bold"))
    if rare := rare_sentence(summary):
        out.print(rare)
    out.print(hull_sentence(summary))


def _print_leading_columns(out: Console, summary: DomainSummary) -> None:
    shown = summary.columns[:DOMAIN_LEADING_COLUMNS]
    if not shown:
        return
    section(out, "The columns most often responsible")
    table = table_of(
        ("column", {"overflow": "fold"}),
        ("rows", RIGHT_ALIGNED),
        ("too high", RIGHT_ALIGNED),
        ("too low", RIGHT_ALIGNED),
        ("other level", RIGHT_ALIGNED),
        ("", {"width": 14, "no_wrap": True}),
    )
    names = printable_names((column.name for column in shown), 40)
    for column in shown:
        counts = (column.too_high, column.too_low, column.of_another_level)
        table.add_row(
            Text(names[column.name]),
            f"{column.rows:,}",
            *(f"{count:,}" if count else "" for count in counts),
            Text(bar(out, column.rows / shown[0].rows), style="blue"),
        )
    indented(out, table)
    more = len(summary.columns) - len(shown)
    hidden = f" {more:,} more {'is' if more == 1 else 'are'} not shown." if more else ""
    text = f"Rows outside where the column is among the three leading reasons.{hidden}"
    out.print(Padding(Text(text), (0, 0, 0, 2)))


def _print_farthest_rows(out: Console, location: DomainLocation, summary: DomainSummary) -> None:
    if not len(summary.farthest):
        return
    section(out, "The farthest rows, and what parts each from the nearest mixture of training rows")
    table = table_of(
        ("row", {"max_width": 16, "overflow": "fold"}),
        ("band", {"no_wrap": True}),
        ("distance", RIGHT_ALIGNED),
        ("pct.", RIGHT_ALIGNED),
        ("its own → nearest", {}),
    )
    shown = summary.farthest[:DOMAIN_FARTHEST_ROWS].tolist()
    bands, upper, percentile = location.band, location.upper, location.hull_percentile
    for row in shown:
        label = row if location.labels is None else location.labels[row]
        band, rank = str(bands[row]), percentile[row]
        table.add_row(
            Text(printable(label, 40)),
            Text(band, style=STYLES[band]),
            f"{upper[row]:.3g}" if np.isfinite(upper[row]) else "",
            "" if np.isnan(rank) else f"{rank:.4g}",
            Text(row_reasons(location.compare_columns(row))),
        )
    indented(out, table)
    ids = "Rows are counted from 0. " if location.labels is None else ""
    pct = "pct.: training rows, left out in turn, that are less far out, in percent."
    out.print(f"  {ids}{pct if summary.n_reference else ''}".rstrip())


def _remarks(location: DomainLocation) -> list[str]:
    n = len(location.unusable)
    texts = []
    if n:
        first = min(location.unusable)
        verb = "row holds" if n == 1 else "rows hold"
        name = first if location.labels is None else printable(location.labels[first], 40)
        texts.append(
            f"{n:,} {verb} a cell that cannot be read and {'is' if n == 1 else 'are'} not located; "
            f"the first is row {name}: {location.unusable[first]}."
        )
    return [*texts, *note_texts(location.notes)]
