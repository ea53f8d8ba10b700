"""A location as a small piece of HTML: bands as a bar, and the farthest rows with their reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.types import Indices
from ..geometry.bands import BAND_NAMES
from ._figures import row_name
from .notebook import (
    BAND_FILLS,
    counts_bar,
    first_rows_table,
    html_table,
    more_note,
    shrinking,
    view,
    view_note,
)
from .sentences import expectation_sentence, hull_sentence
from .words import is_or_are, printable_names, rows, signed, training

if TYPE_CHECKING:
    from ..geometry.location import Location
    from ..geometry.location_summary import LocationSummary
    from ..metrics.local_locate import LocalLocation

VIEW_REASONS = 3
REASON_LETTERS = 120
VIEW_FEATURES = 6
VERDICT_FILLS = {
    "inside": BAND_FILLS["core"],
    "outside": BAND_FILLS["far"],
    "undecided": BAND_FILLS["unknown"],
}


def location_view(location: Location) -> str:
    """The view of a `Location`; O(m d) for the summary, and the reasons of ten rows."""
    summary = location.summary()
    return shrinking(
        lambda n_rows: view(
            f"{rows(summary.n_rows)} against {training(summary.n_train)}, "
            f"{len(location.columns):,} feature{'' if len(location.columns) == 1 else 's'}",
            _bars(summary),
            _farthest_rows(location, summary.farthest, n_rows),
            *(view_note(note) for note in location.notes[:3]),
        )
    )


def _bars(summary: LocationSummary) -> str:
    if summary.bands["unknown"] == summary.n_rows or not summary.n_reference:
        bar = counts_bar(summary.verdicts, VERDICT_FILLS)
    else:
        bar = counts_bar(summary.bands)
    text = expectation_sentence(summary) or hull_sentence(summary)
    return bar + (view_note(text) if summary.n_rows else "")


def _farthest_rows(location: Location, farthest: Indices, n_rows: int) -> str:
    if location.membership_only or not len(farthest):
        return ""
    few = farthest[:n_rows]
    names = printable_names(location.columns, 24)
    lines = [
        [
            row_name(location.labels, row, 40),
            location.band[row],
            float(location.distance[row]),
            float(location.hull_percentile[row]),
            reasons_text([(names.get(name, name), amount) for name, amount in reasons]),
        ]
        for row, reasons in zip(few.tolist(), location[few].pushed_out_by(VIEW_REASONS + 1))
    ]
    header = ["farthest", "band", "distance", "percentile", "pushed out by"]
    more = len(farthest) - len(few)
    note = f"{more:,} more {is_or_are(more)} outside the hull" if more else ""
    return html_table(header, lines, note, letters=REASON_LETTERS)


def reasons_text(reasons: list[tuple[str, Any]]) -> str:
    """Columns and signed amounts, the first few of them, in one line."""
    texts = [
        f"{name} {signed(amount) if isinstance(amount, float) else amount}"
        for name, amount in reasons[:VIEW_REASONS]
    ]
    return "; ".join(texts) + (" ..." if len(reasons) > VIEW_REASONS else "")


def summary_view(summary: LocationSummary) -> str:
    """The view of a `LocationSummary`: bands, and how often each feature pushes a row out."""
    lines = [[one.name, one.too_high, one.too_low] for one in summary.features[:VIEW_FEATURES]]
    note = more_note(len(summary.features), len(lines), "feature")
    table = html_table(["pushed out by", "rows too high", "too low"], lines, note)
    title = f"{rows(summary.n_rows)} against {training(summary.n_train)}"
    return view(title, _bars(summary), table if lines else "")


def local_location_view(location: LocalLocation) -> str:
    """The view of rows that were each located in a metric of their own: a bar above the table."""
    counts = {band: int((location.band == band).sum()) for band in BAND_NAMES}
    return shrinking(
        lambda n_rows: view(
            f"{rows(len(location))}, each in its own metric",
            counts_bar(counts),
            first_rows_table(location, n_rows),
        )
    )
