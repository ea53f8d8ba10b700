"""What is said of a domain and of its locations, worded once for the page and for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .sentences import band_meanings, band_title, usual_text
from .words import format_number, is_or_are, printable, rows, training

if TYPE_CHECKING:
    from ..domain.domain_location import DomainLocation
    from ..domain.domain_summary import DomainSummary, GapCount, LevelCount
    from ..domain.fitted_table import FittedTable

LEVELS_NAMED = 4
GAPS_NAMED = 4
GAP_COLUMNS_NAMED = 6
GAP_RULES = {
    "each": "each row is located in the columns that it has",
    "columns": "columns with gaps in training rows are left out",
    "rows": "training rows with gaps are left out",
}


def domain_band_title(summary: DomainSummary, location: DomainLocation) -> str:
    """The heading of the bands: rows of segments are each compared within their own."""
    if location.segmented is None:
        return band_title(summary)
    return "Where the new rows stand, each against rows of its own segment left out in turn"


def domain_band_meanings(summary: DomainSummary, location: DomainLocation) -> dict[str, str]:
    """What each band means, under `domain_band_title`."""
    meanings = band_meanings(summary)
    if location.segmented is not None and "far" in meanings and summary.n_reference:
        meanings["far"] = "farther out than all of them"
    return meanings


def column_lines(fitted: FittedTable) -> list[tuple[str, str, str, str]]:
    """What every column was taken for: its name, the role, what it is, and why."""
    lines = []
    for column in fitted.coordinates.columns:
        text, reason = column.describe(), column.reason
        lines.append((column.name, column.role, text, "" if reason in text else reason))
    for unused in fitted.unused:
        declared = unused.reason == "declared"
        text = "no feature" if declared else f"no feature: {unused.reason}"
        lines.append((unused.name, unused.role, text, "declared" * declared))
    return lines


def domain_expectations(summary: DomainSummary, *, by_rows: bool = True) -> list[str]:
    """How many rows are out by distance and by name, and how many would be by chance.

    Where whole groups are left out, rows are not counted (`by_rows` false).
    """
    texts = []
    if by_rows and summary.expected_out == summary.expected_out:
        texts.append(
            usual_text(
                summary.n_rows,
                summary.n_out_by_distance,
                summary.expected_out,
                summary.chance_by_distance,
                "by distance" if summary.n_unseen else "",
            )
        )
    return [text for text in (*texts, *unseen_sentences(summary)) if text]


def unseen_sentences(summary: DomainSummary) -> list[str]:
    """Which levels were never seen, in how many rows, and how many would have one by chance."""
    constants = [level for level in summary.unseen if level.is_constant]
    levels = [level for level in summary.unseen if not level.is_constant]
    texts = []
    if levels:
        n = sum(level.rows for level in levels)
        count = min(n, summary.n_unseen)
        verb = "holds" if count == 1 else "hold"
        texts.append(
            f"{count:,} of {rows(summary.n_rows)} {verb} a level never seen: {_levels(levels)}; "
            f"about {format_number(summary.expected_unseen, 2)} would by chance."
        )
    by_column: dict[tuple[str, str], int] = {}
    for level in constants:
        key = level.column, level.constant
        by_column[key] = by_column.get(key, 0) + level.rows
    for (column, value), n in list(by_column.items())[:LEVELS_NAMED]:
        verb = "new row differs" if n == 1 else "new rows differ"
        texts.append(
            f"{printable(column, 40)} is always {printable(value, 40)} in the training rows; "
            f"{n:,} {verb}: far, by name."
        )
    return texts


def rare_sentence(summary: DomainSummary) -> str:
    """How many rows out by distance hold a rare level, and which."""
    if not summary.n_with_rare_level:
        return ""
    verb = "holds" if summary.n_with_rare_level == 1 else "hold"
    return (
        f"Of {rows(summary.n_out_by_distance)} beyond or far by distance, "
        f"{summary.n_with_rare_level:,} {verb} a level of at most 2 % of the training rows: "
        f"{_levels(summary.rare)}."
    )


def _levels(levels: Sequence[LevelCount]) -> str:
    named = [
        f"{printable(level.column, 40)} {printable(level.level, 40)!r} ({level.rows:,})"
        for level in levels[:LEVELS_NAMED]
    ]
    more = len(levels) - LEVELS_NAMED
    return ", ".join(named) + (f" and {more:,} more" if more > 0 else "")


def gap_sentences(summary: DomainSummary) -> list[str]:
    """How many rows were located without which columns, and what they were compared with."""
    texts = [_gap_sentence(count) for count in summary.gaps[:GAPS_NAMED]]
    rest = summary.gaps[GAPS_NAMED:]
    if rest:
        n = sum(count.rows for count in rest)
        texts.append(
            f"{rows(n)} {is_or_are(n)} located without other columns: {len(rest):,} more patterns "
            "of gaps."
        )
    return texts


def _gap_sentence(count: GapCount) -> str:
    names = ", ".join(printable(name, 40) for name in count.without[:GAP_COLUMNS_NAMED])
    names += ", ..." * (len(count.without) > GAP_COLUMNS_NAMED)
    with_what = f"{_some_of(count.n_reference, count.training_rows)} that have all the rest"
    if count.is_alike:
        with_what = f"{count.n_reference:,} training rows that lack the same"
    elif count.is_rare:
        with_what = f"{count.n_reference:,} training rows with such rare gaps, each in its columns"
    return (
        f"{rows(count.rows)} {is_or_are(count.rows)} located without {names}, and compared with "
        f"{with_what}."
    )


def _some_of(part: int, whole: int) -> str:
    return f"all {training(whole)}" if part == whole else f"{part:,} of {training(whole)}"
