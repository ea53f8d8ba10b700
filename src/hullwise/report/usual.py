"""What is usual and what is not, in sentences that the summary and the report share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.location_summary import usual_share
from .words import format_number, plain, share

if TYPE_CHECKING:
    from ..geometry.location import Location

MOST_NAMED = 4


def expectation(found: int, m: int, r: int, chance: float) -> str:
    """How many rows are beyond or far, how many would be, and how often so many are.

    Examples
    --------
    >>> print(expectation(34, 400, 500, 0.018).replace("\\u00a0", " "))
    34 of 400 new rows (8.5 %) are beyond or far. Of rows drawn like the training rows it would \
be about 20; so many or more would come up by chance in 2 of 100 such tables.
    """
    if r == 0 or m == 0:
        return ""
    rows = "new row" if m == 1 else "new rows"
    text = f"{found:,} of {m:,} {rows} ({share(found, m)}) {'is' if found == 1 else 'are'} "
    expected = m * usual_share(r)
    about = f"about {expected:,.0f}" if expected >= 1 else "fewer than 1"
    text += f"beyond or far. Of rows drawn like the training rows it would be {about}"
    if found == 0 or math.isnan(chance):
        return f"{text}."
    return f"{text}; so many or more would come up by chance in {_often(chance)} such tables."


def _often(chance: float) -> str:
    if chance > 0.995:
        return "nearly all"
    if chance >= 0.0095:
        return f"{100 * chance:.0f} of 100"
    return f"{1000 * chance:.0f} of 1,000" if chance >= 0.001 else "fewer than 1 of 1,000"


def off_flat_sentences(location: Location) -> list[str]:
    """Which rows leave the flat that the training rows span, and through which feature."""
    off, columns = location.off_flat, location.columns
    count = int(off.sum())
    if count == 0:
        return []
    ending = _consequence(location.band[off])
    low, high = location.box_minimum, location.box_maximum
    constant = np.flatnonzero(low == high)
    moved = location.queries[off][:, constant] != low[constant]
    totals = moved.sum(axis=0)
    order = [i for i in np.argsort(-totals, kind="stable").tolist() if totals[i]]
    said = []
    for i in order[:MOST_NAMED]:
        j, n = int(constant[i]), int(totals[i])
        verb = "new row differs" if n == 1 else "new rows differ"
        value = format_number(float(low[j]), 6)
        said.append(
            f"{plain(columns[j], 40)} is always {value} in the training rows; {n:,} {verb}{ending}"
        )
    if len(order) > MOST_NAMED:
        more = len(order) - MOST_NAMED
        said.append(f"{more:,} more feature{'s' * (more > 1)} never vary in the training rows.")
    others = count - int(moved.any(axis=1).sum())
    if others:
        verb = "new row breaks" if others == 1 else "new rows break"
        said.append(
            f"{others:,} {verb} a linear relation that all training rows obey (their features "
            f"are not independent){ending}"
        )
    return said


def refused_sentence(count: int, done: str = "located") -> list[str]:
    """How many rows could not be used, where there are any."""
    if not count:
        return []
    have = "row has" if count == 1 else "rows have"
    return [f"{count:,} {have} missing or infinite values: not {done}."]


def _consequence(band: NDArray[Any]) -> str:
    if (band == "far").all():
        return ": far, whatever the distance."
    if (band == "unknown").all():
        return "."
    return ", as some training rows do when they are left out."
