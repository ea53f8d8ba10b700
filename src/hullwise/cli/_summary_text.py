"""What `hullwise locate` says on the terminal: plain words, small tables, at most 100 columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.text import Text

from ..geometry.location_summary import LocationSummary, smallest_change
from ..report.usual import expectation, off_flat_sentences
from ..report.words import plain as printable
from ._layout import (
    RIGHT,
    STYLES,
    add_count,
    counts_table,
    grid_of,
    indented,
    print_notes,
    rows_text,
    section,
    status_notes,
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


def _band_meanings(summary: LocationSummary) -> dict[str, str]:
    r = summary.n_reference
    if not r:
        return {"core": "inside the hull", "unknown": "no training rows to compare with"}
    meanings = {
        "core": "no farther out than half of them",
        "edge": "farther out than half of them",
        "beyond": "farther out than 95 % of them",
        "far": f"farther out than all {r:,} of them" if r > 1 else "farther out than that one",
    }
    if summary.bands["unknown"]:
        meanings["unknown"] = "the distance is not settled"
    return meanings


def _print_bands(out: Console, location: Location, summary: LocationSummary) -> None:
    r = summary.n_reference
    rows = "training rows left out in turn" if r > 1 else "training row left out"
    against = f", against {r:,} {rows}" if r else ""
    section(out, f"Where the new rows stand{against}")
    table = counts_table("band")
    for band, meaning in _band_meanings(summary).items():
        add_count(out, table, band, summary.bands[band], of=summary.n_rows, meaning=meaning)
    indented(out, table)
    out.print()
    if r:
        text = expectation(summary.n_out, summary.n_rows, r, summary.chance)
        out.print(Text(text, style="bold"))
    print_off_flat(out, location)
    out.print(_hull_sentence(summary))


def print_off_flat(out: Console, location: Location) -> None:
    """Which rows leave the flat of the training rows, in red."""
    for sentence in off_flat_sentences(location):
        out.print(Text(sentence, style="bold red"))


def _hull_sentence(summary: LocationSummary) -> str:
    inside, outside, undecided = (summary.verdicts[v] for v in ("inside", "outside", "undecided"))
    text = f"Inside the convex hull of the training rows: {inside:,}; outside: {outside:,}"
    if undecided:
        text += f"; on its boundary or undecided: {undecided:,}"
    if summary.n_reference and outside > 0.8 * summary.n_rows > 0:
        text += (
            ". With many features nearly every row is outside, a training row left out too: "
            "act on the band, not on the verdict"
        )
    return text + "."


def _print_verdicts(out: Console, summary: LocationSummary) -> None:
    section(out, "Where the new rows stand")
    meanings = {
        "inside": "a weighted average of training rows; the weights prove it",
        "outside": "a direction separates it from every training row",
        "undecided": "neither proof was found",
    }
    table = counts_table("verdict")
    for verdict, meaning in meanings.items():
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
        ("rows", RIGHT),
        ("too high", RIGHT),
        ("too low", RIGHT),
        ("", {"width": 14, "no_wrap": True}),
    )
    for feature in features[:LEADING_FEATURES]:
        table.add_row(
            Text(printable(feature.name, 40)),
            f"{feature.rows:,}",
            f"{feature.too_high:,}",
            f"{feature.too_low:,}",
            Text(bar(out, feature.rows / features[0].rows), style="blue"),
        )
    indented(out, table)
    hidden = len(features) - LEADING_FEATURES
    verb = "feature is" if hidden == 1 else "features are"
    more = f" {hidden} more {verb} not shown." if hidden > 0 else ""
    out.print(f"  Rows outside where the feature is among the three leading changes.{more}")


def _print_farthest(
    out: Console, location: Location, summary: LocationSummary, are_numbered: bool
) -> None:
    if not len(summary.farthest):
        return
    section(out, "The farthest rows, and the smallest change that would bring each inside")
    table = table_of(
        ("row", {"max_width": 16, "overflow": "fold"}),
        ("band", {"no_wrap": True}),
        ("distance", RIGHT),
        ("pct.", RIGHT),
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
    k = location.nearest_rows.shape[1]
    near_rows = f"{k} nearest training rows" if k > 1 else "nearest training row"
    texts = {
        "box": "every feature within its training range",
        "ellipsoid": "inside the smallest ellipsoid of the data",
        "hull": "inside the convex hull of the data",
        "neighbours": f"as near to its {near_rows} as 95 % of those",
    }
    section(out, 'Other definitions of "within the data", side by side')
    table = table_of(("definition", {}), ("rows", RIGHT))
    for name, count in summary.definitions.items():
        table.add_row(texts[name], f"{count:,} of {summary.n_rows:,}")
    indented(out, table)


def print_remarks(out: Console, location: Location, heading: Heading) -> None:
    notes = list(heading.notes)
    if heading.refused:
        rows = "row has" if heading.refused == 1 else "rows have"
        notes.append(f"{heading.refused:,} {rows} missing or infinite values: not located.")
    notes += status_notes(location.status, ("BOUNDARY", "STALLED", "BUDGET"))
    if location.membership_only:
        notes.append("Membership only: no distances, bands or other definitions were computed.")
    elif np.isnan(location.ellipsoid_distance).all():
        notes.append("The smallest ellipsoid was not computed: the data are large.")
    r = len(location.reference)
    if 0 < r < location.n_train:
        notes.append(
            f"Bands rest on a seeded sample of {r:,} training rows, each left out in turn "
            "(--reference)."
        )
    print_notes(out, notes)
