"""A location in figures: what the summary on the terminal and a caller in Python both read."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats, Indices
from .bands import BANDS, BEYOND
from .verdict import Verdict

if TYPE_CHECKING:
    from .location import Location

LEADING_CHANGES = 3  # of a row
LEADING_FRACTION = 0.1  # of the row's largest change, as shares of the features' ranges
NUMBERS_OF_CHANGES = 2_000_000  # at once
CHANGE_SHARE = 1e-9  # of a feature's range


@dataclass(frozen=True)
class FeatureCount:
    """In how many rows a feature is among the leading changes, and in which direction."""

    name: str
    too_high: int
    too_low: int

    @property
    def rows(self) -> int:
        """Both directions together."""
        return self.too_high + self.too_low


@dataclass(frozen=True, eq=False)
class LocationSummary:
    """Counts of a location.

    Attributes
    ----------
    n_rows, n_train, n_reference : int
        Queries, training rows, and training rows left out in turn.
    bands : dict of str to int
        Rows in each of core, edge, beyond, far and unknown.
    verdicts : dict of str to int
        Rows that are inside, outside and undecided.
    n_out : int
        Rows beyond or far.
    expected_out : float
        How many of as many rows drawn like the training rows would be; NaN without a reference.
    chance : float
        `Location.chance`.
    features : tuple of FeatureCount
        How often each feature is among the three leading changes of a row outside, most often
        first. A change counts where, as a share of its feature's training range, it is at least a
        tenth of the row's largest.
    farthest : (s,) int
        The rows outside, farthest first; those off the flat of the training rows before all others.
    definitions : dict of str to int
        Rows within the data by each definition that was computed: every feature in its range
        ("box"), in the smallest ellipsoid ("ellipsoid"), in the hull ("hull"), and as near to their
        nearest training rows as 95 % of those are to theirs ("neighbours").
    n_usual_out_of_range : int
        Rows that are core or edge although a feature is out of its training range.

    Examples
    --------
    >>> import hullwise as hw
    >>> loc = hw.locate([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [[0.2, 0.2], [2.0, 0.0]])
    >>> loc.summary()
    LocationSummary(2 rows: 1 inside, 1 outside; 0 beyond or far)
    >>> loc.summary().features, loc.summary().farthest
    ((FeatureCount(name='x0', too_high=1, too_low=0),), array([1]))
    """

    n_rows: int
    n_train: int
    n_reference: int
    bands: dict[str, int]
    verdicts: dict[str, int]
    n_out: int
    expected_out: float
    chance: float
    features: tuple[FeatureCount, ...]
    farthest: Indices
    definitions: dict[str, int]
    n_usual_out_of_range: int

    def __repr__(self) -> str:
        return (
            f"LocationSummary({self.n_rows} rows: {self.verdicts['inside']} inside, "
            f"{self.verdicts['outside']} outside; {self.n_out} beyond or far)"
        )

    def _repr_html_(self) -> str:
        from ..report.location_view import summary_view

        return summary_view(self)


def summarize(location: Location) -> LocationSummary:
    """The counts of a location; O(m d log d)."""
    bands = Counter(location.band.tolist())
    verdicts = Counter(location.verdict.tolist())
    m, r = len(location), len(location.reference)
    return LocationSummary(
        n_rows=m,
        n_train=location.n_train,
        n_reference=r,
        bands={band: bands[band] for band in (*BANDS, "unknown")},
        verdicts={v.name.lower(): verdicts[int(v)] for v in Verdict},
        n_out=bands["beyond"] + bands["far"],
        expected_out=m * usual_share(r) if r else float("nan"),
        chance=location.chance(),
        features=_feature_counts(location),
        farthest=_farthest(location),
        n_usual_out_of_range=int(location.usual_out_of_range.sum()),
        definitions={name: int(m.sum()) for name, m in location.definitions.items()},
    )


def smallest_change(location: Location, row: int) -> list[tuple[str, float, float]]:
    """The change that would bring a row inside: (feature, value, value at the nearest point).

    Largest first, as shares of the features' training ranges; shares below 1e-9 are left out.
    """
    residual, query = location.residual[row], location.queries[row]
    width = location.box_maximum - location.box_minimum
    share = np.abs(residual) / np.where(width > 0, width, 1.0)
    order = [j for j in np.argsort(-share, kind="stable").tolist() if share[j] > CHANGE_SHARE]
    old, new = query.astype(np.float64), query + residual
    zero = CHANGE_SHARE * width  # amounts below it are rounding
    old, new = (np.where(np.abs(v) < zero, 0.0, v) for v in (old, new))
    return [(location.columns[j], float(old[j]), float(new[j])) for j in order]


def usual_share(r: int) -> float:
    """Expected share beyond or far of rows drawn like the training rows, r of them left out.

    Such a row takes each of r + 1 ranks with equal probability; see `bands.chance`.
    """
    return (r - math.floor(r * BEYOND / 100)) / (r + 1)


def leading_changes(location: Location, n_changes: int = LEADING_CHANGES) -> NDArray[np.int32]:
    """(m, n_changes) signed features: j + 1 too low, -(j + 1) too high in feature j, 0 none.

    Those of rows outside that would have to change most, as shares of the features' training
    ranges; a change counts where it is at least a tenth of the row's largest. O(m d), blockwise.
    """
    m, d = location.queries.shape
    changes = np.zeros((m, n_changes), dtype=np.int32)
    if location.membership_only:
        return changes
    outside = np.flatnonzero(location.verdict == Verdict.OUTSIDE)
    step = max(1, NUMBERS_OF_CHANGES // d)
    for start in range(0, len(outside), step):
        rows = outside[start : start + step]
        residual = location.residual[rows]
        sizes = relative_sizes(location, residual)
        each, least = np.arange(len(rows)), LEADING_FRACTION * sizes.max(axis=1)
        for place in range(min(n_changes, d)):
            feature = sizes.argmax(axis=1)
            size = sizes[each, feature]
            sign = np.where(residual[each, feature] < 0, -1, 1)
            counts = (size > 0) & (size >= least)
            changes[rows, place] = np.where(counts, sign * (feature + 1), 0)
            sizes[each, feature] = -1.0
    return changes


def relative_sizes(location: Location, residual: Floats) -> Floats:
    """|residual| as a share of each feature's training range, infinite where that is zero."""
    width = location.box_maximum - location.box_minimum
    size = np.abs(residual)
    # A constant column reached through convex weights is off by rounding alone.
    rounding = 1e-12 * np.maximum(np.abs(location.box_minimum), np.abs(location.box_maximum))
    size = np.where((width == 0) & (size <= rounding), 0.0, np.nan_to_num(size))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(size > 0, size / width, 0.0)


def _feature_counts(location: Location) -> tuple[FeatureCount, ...]:
    changes, d = leading_changes(location), len(location.columns)
    high = np.bincount(-changes[changes < 0] - 1, minlength=d)
    low = np.bincount(changes[changes > 0] - 1, minlength=d)
    order = np.argsort(-(high + low), kind="stable").tolist()
    return tuple(
        FeatureCount(location.columns[j], int(high[j]), int(low[j]))
        for j in order
        if high[j] + low[j]
    )


def _farthest(location: Location) -> Indices:
    outside = np.flatnonzero(location.verdict == Verdict.OUTSIDE)
    distance = location.distance[outside]
    # a row off the flat ranks above all that are not, however short its way
    order = np.lexsort((-distance, ~location.off_flat[outside]))
    return outside[order]
