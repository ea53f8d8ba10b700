"""The words of an answer."""

from __future__ import annotations

from enum import Enum, IntEnum


class Verdict(IntEnum):
    """Where a query lies; a proof goes with INSIDE and OUTSIDE.

    Examples
    --------
    >>> import hullwise as hw
    >>> loc = hw.locate([[0.0], [1.0]], [[0.5], [3.0]])
    >>> [hw.Verdict(v).name for v in loc.verdict]
    ['INSIDE', 'OUTSIDE']
    """

    OUTSIDE = -1
    UNDECIDED = 0
    INSIDE = 1


class Status(Enum):
    """How an answer came about, and what to do if it is not enough.

    Examples
    --------
    >>> import hullwise as hw
    >>> loc = hw.locate([[0.0], [1.0]], [[0.5], [3.0]])
    >>> loc.status[1].name
    'OUTSIDE'
    >>> print(loc.status[1].value)
    outside: the direction separates the query from every training row.
    """

    INSIDE = "inside: the query is a convex combination of training rows."
    WITHIN = (
        "inside within the tolerance: the training rows lie in a flat, or the metric sees some "
        "directions only, and the query is as near to their hull as rounding can tell."
    )
    OUTSIDE = "outside: the direction separates the query from every training row."
    LOOSE = (
        "outside: the direction separates the query from every training row; the distance is so "
        "near to rounding that float64 could not close its bracket to 1e-6, both bounds hold."
    )
    BOUNDARY = (
        "undecided: the query is nearer to the hull's boundary than rounding; treat it as a "
        "boundary point."
    )
    STALLED = (
        "undecided: the bracket could not be closed in float64; the features have very different "
        "scales, or rows are nearly equal: rescale the features, or pass a metric."
    )
    NOT_LOCATED = "not located: the row has missing or infinite values."
    BUDGET = (
        "the budget of time or passes ended first; the bracket is valid but open: raise the "
        "budget, or ask for membership only."
    )
