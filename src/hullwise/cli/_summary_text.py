"""What `hullwise locate` says on the terminal: plain words, small tables, at most 100 columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ..geometry.location_summary import LocationSummary, smallest_change
from ..report.sentences import (
    VERDICT_MEANINGS,
    band_meanings,
    band_title,
    definition_counts,
    expectation_sentence,
    features_note,
    hull_sentence,
    off_flat_sentences,
    refused_sentence,
    remarks,
)
from ..report.words import printable, printable_names
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
    from ..geometry.location import Location

FARTHEST_ROWS = 8
LEADING_FEATURES = 8
CHANGES_OF_ROW = 3


@dataclass(frozen=True)
class Heading:
    """Where the tables came from, and what else a reader must know."""

    train: str
    query: str
    refused: int = 0  # rows of the query file that could not be located
    notes: tuple[str, ...] = ()
    are_numbered: bool = True  # whether unnamed rows are rows of the file, counted from 0


def print_summary(out: Console, location: Location, heading: Heading) -> None:
    """The whole answer, from the tables' sizes to the farthest rows."""
    print_heading(out, location, heading)
    if len(location) == 0:
        out.print("\nNo row could be located.", style="bold")
        return
    summary = location.summary()
    if location.membership_only:
        _print_verdicts(out, summary)
    else:
        _print_bands(out, location, summary)
        _print_features(out, summary)
        _print_farthest(out, location, summary, heading.are_numbered)
        print_definitions(out, location, summary)
    print_remarks(out, location, heading)


def print_heading(
    out: Console, location: Location, heading: Heading, task: Location | None = None
) -> None:
    d = len(location.columns)
    names = ", ".join(printable(c, 20) for c in location.columns[:6]) + (", ..." if d > 6 else "")
    refused = f" (and {heading.refused:,} that could not be located)" if heading.refused else ""
    lines = [
        ("training data", f"{heading.train}: {rows_text(location.n_train)}"),
        ("new rows", f"{heading.query}: {rows_text(len(location))}{refused}"),
        ("features", f"{d:,}: {names}"),
    ]
    if task is None:
        lines += [("distance", f"{printable(location.metric_text, 200)} (--metric)")]
    else:
        lines += [
            ("plain distance", printable(location.metric_text, 200)),
            ("what matters", f"{printable(task.metric_text, 200)} (--metric)"),
        ]
    grid = grid_of(*lines)
    out.print()
    out.print(grid)


def _print_bands(out: Console, location: Location, summary: LocationSummary) -> None:
    section(out, band_title(summary))
    table = counts_table("band")
    for band, meaning in band_meanings(summary).items():
        add_count(out, table, band, summary.bands[band], of=summary.n_rows, meaning=meaning)
    indented(out, table)
    out.print()
    if summary.n_reference:
        out.print(Text(expectation_sentence(summary), style="bold"))
    print_off_flat(out, location)
    out.print(hull_sentence(summary))


def print_off_flat(out: Console, location: Location) -> None:
    """Which rows leave the flat of the training rows, in red."""
    for sentence in off_flat_sentences(location):
        out.print(Text(sentence, style="bold red"))


def _print_verdicts(out: Console, summary: LocationSummary) -> None:
    section(out, "Where the new rows stand")
    table = counts_table("verdict")
    for verdict, meaning in VERDICT_MEANINGS.items():
        count = summary.verdicts[verdict]
        add_count(out, table, verdict, count, of=summary.n_rows, meaning=meaning)
    indented(out, table)


def _print_features(out: Console, summary: LocationSummary) -> None:
    features = summary.features
    if not features:
        return
    section(out, "The features most often responsible")
    table = table_of(
        ("feature", {"overflow": "fold"}),
        ("rows", RIGHT_ALIGNED),
        ("too high", RIGHT_ALIGNED),
        ("too low", RIGHT_ALIGNED),
        ("", {"width": 14, "no_wrap": True}),
    )
    shown = features[:LEADING_FEATURES]
    names = printable_names((feature.name for feature in shown), 40)
    for feature in shown:
        table.add_row(
            Text(names[feature.name]),
            f"{feature.rows:,}",
            f"{feature.too_high:,}",
            f"{feature.too_low:,}",
            Text(bar(out, feature.rows / features[0].rows), style="blue"),
        )
    indented(out, table)
    out.print(Padding(Text(features_note(summary, len(shown))), (0, 0, 0, 2)))


def _print_farthest(
    out: Console, location: Location, summary: LocationSummary, are_numbered: bool
) -> None:
    if not len(summary.farthest):
        return
    section(out, "The farthest rows, and the smallest change that would bring each inside")
    table = table_of(
        ("row", {"max_width": 16, "overflow": "fold"}),
        ("band", {"no_wrap": True}),
        ("distance", RIGHT_ALIGNED),
        ("pct.", RIGHT_ALIGNED),
        ("change", {}),
    )
    for b in summary.farthest[:FARTHEST_ROWS].tolist():
        label = b if location.labels is None else location.labels[b]
        rank = location.hull_percentile[b]
        table.add_row(
            Text(printable(label, 40)),
            Text(str(location.band[b]), style=STYLES[str(location.band[b])]),
            f"{location.upper[b]:.3g}",
            "" if np.isnan(rank) else f"{rank:.4g}",
            Text(_change_text(location, b)),
        )
    indented(out, table)
    ids = "Rows are counted from 0. " if are_numbered else ""
    pct = "pct.: training rows, left out in turn, that are less far out, in percent."
    out.print(f"  {ids}{pct if summary.n_reference else ''}".rstrip())


def _change_text(location: Location, row: int) -> str:
    changes = smallest_change(location, row)
    parts = []
    for name, old, new in changes[:CHANGES_OF_ROW]:
        digits = 3
        # Enough digits that the two values do not look the same.
        while digits < 12 and max(abs(old), abs(new)) > abs(new - old) * 10 ** (digits - 1):
            digits += 1
        parts.append(f"{printable(name, 24)} {old:.{digits}g} to {new:.{digits}g}")
    more = len(changes) - CHANGES_OF_ROW
    return "; ".join(parts) + (f"; {more} smaller" if more > 0 else "")


def print_definitions(out: Console, location: Location, summary: LocationSummary) -> None:
    """How many rows are within the data by each definition."""
    section(out, 'Other definitions of "within the data", side by side')
    table = table_of(("definition", {}), ("rows", RIGHT_ALIGNED))
    for text, count in definition_counts(location, summary):
        table.add_row(text, f"{count:,} of {summary.n_rows:,}")
    indented(out, table)


def print_remarks(out: Console, location: Location, heading: Heading) -> None:
    """What else a reader must know."""
    refused = refused_sentence(heading.refused)
    print_notes(out, [*heading.notes, *refused, *remarks(location, location.summary())])
