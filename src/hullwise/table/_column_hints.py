"""Hints about columns whose cells may not be what they look like; they change nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from .._core.types import Floats

MANY_LEVELS = 500  # levels of one column from which their number is noted
NEARLY_EVERY_LEVEL = 0.9
LEAST_PERIODIC = 5  # different numbers, with fewer it may be anything
# Words of a name that stand for a period, and where their numbers may lie.
PERIODS: dict[str, tuple[float, float, float]] = {
    "hour|hr|hh": (24, 0, 24),
    "minute|min": (60, 0, 60),
    "month|mnth|mon|mth": (12, 0, 12),
    "weekday|dow|wday|day_?of_?week|week_?day": (7, 0, 7),
    "yday|doy|day_?of_?year": (365.25, 0, 366),
    "wind_?dir|wind_?direction|angle|bearing|azimuth|heading": (360, -180, 360),
}
NUMBER_WITH_MARKS = re.compile(
    r"[$€£¥]?\s?[+-]?(\d{1,3}([,' ]\d{3})+|\d+)([.,]\d+)?\s?[%$€£¥]?", re.ASCII
)
OTHER_DATE = re.compile(r"\d{1,4}[/.]\d{1,2}[/.]\d{1,4}([ T]\d{1,2}:\d\d.*)?", re.ASCII)


def likely_period(name: str, distinct: Floats) -> float | None:
    """The period that a column's name suggests, where its whole numbers (ascending) fit it."""
    if len(distinct) < LEAST_PERIODIC:
        return None
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    for pattern, (period, low, high) in PERIODS.items():
        if re.search(rf"(^|[^a-z])({pattern})([^a-z]|$)", words):
            fits = low <= distinct[0] and distinct[-1] <= high and np.ptp(distinct) <= period
            return period if fits and np.ptp(distinct) > period / 3 else None
    return None


def notes_on_levels(name: str, levels: Sequence[str]) -> list[str]:
    """What may be wrong with the levels of a column of text."""
    notes = []
    if _nearly_all(levels, OTHER_DATE):
        notes.append(
            f"{name!r} looks like dates that are not ISO ({levels[0]!r}): write them as "
            "2024-05-31 to have them read as dates"
        )
    elif _nearly_all(levels, NUMBER_WITH_MARKS) and not all(map(str.isdigit, levels)):
        notes.append(
            f"{name!r} looks like numbers with separators or signs ({levels[-1]!r}), which are "
            "read as text: write plain numbers, with a point, to have them read as numbers"
        )
    pair = _similar_levels(levels)
    if pair is not None:
        notes.append(
            f"{name!r} holds {pair[0]!r} and {pair[1]!r}, which are two levels: write them alike "
            "if they are one"
        )
    if len(levels) >= MANY_LEVELS:
        notes.append(f"{name!r} has {len(levels):,} levels, each a coordinate: that takes its time")
    return notes


def _nearly_all(levels: Sequence[str], pattern: re.Pattern[str]) -> bool:
    matching = sum(pattern.fullmatch(level) is not None for level in levels)
    return matching >= NEARLY_EVERY_LEVEL * len(levels)


def _similar_levels(levels: Sequence[str]) -> tuple[str, str] | None:
    """Two levels that differ in case, spaces, hyphens or forms of letters only."""
    first: dict[str, str] = {}
    for level in levels:
        folded = unicodedata.normalize("NFKC", level).casefold()
        normalised = re.sub(r"[\s_-]+", " ", folded).strip()
        if normalised in first:
            return first[normalised], level
        first[normalised] = level
    return None
