"""What is said of a location, worded once for the page and for the terminal.

Everything here is text made of figures that `LocationSummary` and `Location` hold.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .._core.types import Mask, Objects
from ..geometry.flat_reasons import broken_relations
from ..geometry.location_summary import LocationSummary
from .words import format_number, is_or_are, printable, printable_names, rows, share, training

if TYPE_CHECKING:
    from ..geometry.location import Location
    from ..metrics import Directions

LEADING_WORDS = "three"  # `location_summary.LEADING_CHANGES`
RELATIONS_NAMED = 4
CONSTANTS_NAMED = 4  # features that never vary, in the sentences on the flat

VERDICT_MEANINGS = {
    "inside": "a weighted average of training rows; the weights prove it",
    "outside": "a direction separates it from every training row",
    "undecided": "neither proof was found",
}
READINGS_MEANING = (
    "Plainly, every feature counts alike, each in its own spread. In what matters, a change counts "
    "as much as the task's metric says that the target depends on it. A row that is out plainly "
    "and not in what matters differs in features that hardly matter; one that is out in what "
    "matters asks about a region of which the training rows say little."
)
OPEN_STATUSES = ("BOUNDARY", "STALLED", "BUDGET")  # of which a reader should know


# ---- bands ------------------------------------------------------------------------------------


class BandCounts(Protocol):
    """What summaries of locations share."""

    @property
    def n_rows(self) -> int:
        """New rows."""
        ...

    @property
    def n_reference(self) -> int:
        """Training rows left out in turn."""
        ...

    @property
    def bands(self) -> dict[str, int]:
        """Rows in each band."""
        ...

    @property
    def verdicts(self) -> dict[str, int]:
        """Rows with each verdict."""
        ...


def band_title(summary: BandCounts) -> str:
    """The heading of the bands, with what they are read off."""
    r = summary.n_reference
    left_out = "training rows left out in turn" if r > 1 else "training row left out"
    return "Where the new rows stand" + (f", against {r:,} {left_out}" if r else "")


def band_meanings(summary: BandCounts) -> dict[str, str]:
    """What each band means, under `band_title`, for the bands that are worth a line."""
    meanings = meanings_against(summary.n_reference)
    if summary.n_reference and summary.bands["unknown"]:
        meanings["unknown"] = "the distance is not settled"
    return meanings


def meanings_against(n_reference: int) -> dict[str, str]:
    """What each band means where so many training rows were left out."""
    r = n_reference
    if not r:
        return {
            "core": "inside the hull",
            "unknown": "no training rows to compare with",
        }
    return {
        "core": "no farther out than half of them",
        "edge": "farther out than half of them",
        "beyond": "farther out than 95 % of them",
        "far": f"farther out than all {r:,} of them" if r > 1 else "farther out than that one",
    }


def expectation_sentence(summary: LocationSummary) -> str:
    """How many rows are beyond or far, how many would be, and how often so many are.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> rng = np.random.default_rng(1)
    >>> X, Q = rng.normal(size=(300, 2)), rng.normal(size=(50, 2)) + 1.2
    >>> print(expectation_sentence(hw.locate(X, Q).summary()).replace("\\u00a0", " "))
    13 of 50 new rows (26 %) are beyond or far. Of rows drawn like the training rows it would be \
about 2; so many or more would come up by chance in fewer than 1 of 1,000 such tables.
    """
    if not summary.n_reference:
        return ""
    return usual_text(summary.n_rows, summary.n_out, summary.expected_out, summary.chance)


def usual_text(m: int, n_out: int, expected: float, chance: float, how: str = "") -> str:
    """How many of m rows are beyond or far, how many would be, and how often so many are.

    `how` says in which way they are, such as "by distance".
    """
    if not m:
        return ""
    text = (
        f"{n_out:,} of {m:,} new row{'' if m == 1 else 's'} ({share(n_out, m)}) "
        f"{is_or_are(n_out)} beyond or far{how and ' '}{how}. Of rows drawn like the training rows "
        "it would be "
    )
    text += f"about {expected:,.0f}" if expected >= 1 else "fewer than 1"
    if n_out == 0 or math.isnan(chance):
        return f"{text}."
    often = _how_often(chance)
    return f"{text}; so many or more would come up by chance in {often} such tables."


def _how_often(chance: float) -> str:
    if chance > 0.995:
        return "nearly all"
    if chance >= 0.0095:
        return f"{100 * chance:.0f} of 100"
    return f"{1000 * chance:.0f} of 1,000" if chance >= 0.001 else "fewer than 1 of 1,000"


# ---- verdicts and other definitions -----------------------------------------------------------


def hull_sentence(summary: BandCounts) -> str:
    """How many rows are inside the hull, and what to make of it where nearly none is."""
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


def definition_texts(location: Location) -> dict[str, str]:
    """What the rows that a definition calls in have in common, by the definition's name."""
    k = location.nearest_rows.shape[1]
    neighbours = f"{k} nearest training rows" if k > 1 else "nearest training row"
    return {
        "box": "every feature within its training range",
        "ellipsoid": "inside the smallest ellipsoid of the data",
        "hull": "inside the convex hull of the data",
        "neighbours": f"as near to its {neighbours} as 95 % of those",
    }


def definition_counts(location: Location, summary: LocationSummary) -> list[tuple[str, int]]:
    """How many rows each definition calls in, in words."""
    texts = definition_texts(location)
    return [(texts[name], count) for name, count in summary.definitions.items()]


# ---- the flat ---------------------------------------------------------------------------------


def off_flat_sentences(location: Location) -> list[str]:
    """Which rows leave the flat that the training rows span, and through which feature."""
    off, names = location.off_flat, printable_names(location.columns, 40)
    count = int(off.sum())
    if count == 0:
        return []
    ending = _consequence(location.band[off])
    low, high = location.box_minimum, location.box_maximum
    constant = np.flatnonzero(low == high)
    moved = location.queries[off][:, constant] != low[constant]
    totals = moved.sum(axis=0)
    order = [i for i in np.argsort(-totals, kind="stable").tolist() if totals[i]]
    sentences = []
    for i in order[:CONSTANTS_NAMED]:
        j, n = int(constant[i]), int(totals[i])
        verb = "new row differs" if n == 1 else "new rows differ"
        value, name = format_number(float(low[j]), 6), names[location.columns[j]]
        sentences.append(f"{name} is always {value} in the training rows; {n:,} {verb}{ending}")
    if len(order) > CONSTANTS_NAMED:
        more = len(order) - CONSTANTS_NAMED
        sentences.append(
            f"{more:,} more feature{'s' * (more > 1)} never vary in the training rows."
        )
    return sentences + _relation_sentences(location, off, moved.any(axis=1), ending)


def _relation_sentences(location: Location, off: Mask, moved: Mask, ending: str) -> list[str]:
    """Which linear relations the rows off the flat break, for rows that move no constant."""
    broken = broken_relations(location)
    rows_off = np.flatnonzero(off)[~moved].tolist()
    counts = Counter(relation for b in rows_off for relation, _ in broken.get(b, []))
    sentences = []
    for relation, n in counts.most_common(RELATIONS_NAMED):
        verb = "new row breaks" if n == 1 else "new rows break"
        text = printable(relation.text(location.columns), 200)
        where = "" if relation.is_sum else " in the training rows"
        sentences.append(f"{text}{where}; {n:,} {verb} that{ending}")
    if len(counts) > RELATIONS_NAMED:
        more = len(counts) - RELATIONS_NAMED
        sentences.append(f"{more:,} more such relation{'s are' if more > 1 else ' is'} broken.")
    others = sum(b not in broken for b in rows_off)
    if others:
        verb = "new row breaks" if others == 1 else "new rows break"
        sentences.append(
            f"{others:,} {verb} a linear relation that all training rows obey (their features "
            f"are not independent){ending}"
        )
    return sentences


def _consequence(band: Objects) -> str:
    if (band == "far").all():
        return ": far, whatever the distance."
    if (band == "unknown").all():
        return "."
    return ", as some training rows do when they are left out."


# ---- features ---------------------------------------------------------------------------------


def features_note(summary: LocationSummary, n_shown: int) -> str:
    """What the counts of leading features mean, and how many are not shown."""
    hidden = len(summary.features) - n_shown
    more = f" {hidden:,} more feature{' is' if hidden == 1 else 's are'} not shown."
    return (
        f"Rows outside where the feature is among the {LEADING_WORDS} that would have to change "
        f"most, as parts of their training ranges.{more if hidden > 0 else ''}"
    )


# ---- remarks ----------------------------------------------------------------------------------


def refused_sentence(count: int, done: str = "located") -> list[str]:
    """How many rows could not be used, where there are any."""
    if not count:
        return []
    verb = "row has" if count == 1 else "rows have"
    return [f"{count:,} {verb} missing or infinite values: not {done}."]


def status_sentences(statuses: Iterable[Any], names: Sequence[str] = OPEN_STATUSES) -> list[str]:
    """How often an answer ended in each of these ways, in the status's own words."""
    counts = Counter(status for status in statuses if status.name in names)
    return [f"{count:,} row{'s' * (count > 1)}: {s.value}" for s, count in counts.items()]


def remarks(location: Location, summary: LocationSummary) -> list[str]:
    """What else a reader must know of how a location came about."""
    notes = status_sentences(location.status)
    if location.membership_only:
        notes.append("Membership only: no distances, bands or other definitions were computed.")
    n = summary.n_usual_out_of_range
    if n:
        notes.append(
            f"{n:,} row{' is' if n == 1 else 's are'} core or edge although a feature is out of "
            "its training range; the status of each says which."
        )
    notes += location.notes
    if 0 < summary.n_reference < summary.n_train:
        notes.append(
            f"Bands rest on a seeded sample of {training(summary.n_reference)}, each left out in "
            "turn."
        )
    return notes


# ---- two readings -----------------------------------------------------------------------------


def readings_sentence(plain: Location, task: Location) -> str:
    """How many rows are out of the data, and how many of these in what matters.

    Examples
    --------
    >>> import hullwise as hw
    >>> X, Q = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [[0.5, 99.0], [99.0, 0.5]]
    >>> plain, task = hw.locate(X, Q), hw.locate(X, Q, metric=[1.0, 0.0])
    >>> print(readings_sentence(plain, task).replace("\\u00a0", " "))
    2 of 2 rows (100 %) are beyond or far from the data; of these, 1 is beyond or far in what \
matters too, and 1 is not.
    """
    m = len(plain)
    out, matters = plain.beyond_or_far, task.beyond_or_far
    n_out, both = int(out.sum()), int((out & matters).sum())
    new = int((matters & ~out).sum())
    text = f"{n_out:,} of {rows(m)} ({share(n_out, m)}) {is_or_are(n_out)} beyond or far from the "
    text += "data"
    if n_out:
        text += f"; of these, {both:,} {is_or_are(both)} beyond or far in what matters too, "
        text += f"and {n_out - both:,} {is_or_are(n_out - both)} not"
    if new:
        text += f"; {new:,} more {is_or_are(new)} out in what matters alone"
    return text + "."


def readings_expectations(plain: Location, task: Location) -> list[str]:
    """The expectation for each of the two readings."""
    named = {"Plainly": plain, "In what matters": task}
    texts = {name: expectation_sentence(one.summary()) for name, one in named.items()}
    return [f"{name}: {text}" for name, text in texts.items() if text]


def dimension_sentence(directions: Directions) -> str:
    """What the effective dimension of a metric is, and means."""
    return (
        f"Effective dimension {format_number(directions.effective_dimension, 2)} of "
        f"{len(directions.columns):,}: as if that many directions counted alike and no other."
    )
