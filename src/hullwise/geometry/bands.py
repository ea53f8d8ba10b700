"""Bands: a distance ranked among the distances of training rows that were left out in turn.

Past about ten features nearly every honest new row is outside the hull, and so is nearly every
training row once it is left out. How far out is usual can be read off those; a new row drawn like
them takes any rank among them with equal probability, as in conformal prediction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.results import RecordResult
from .._core.types import Floats, Indices, Mask, Objects
from .._core.wording import counted
from .block_floats import row_norms
from .metric import Metric

if TYPE_CHECKING:
    from .cloud import Cloud

BANDS = ("core", "edge", "beyond", "far")
BAND_NAMES = (*BANDS, "unknown")
EDGE, BEYOND = 50.0, 95.0  # percentiles at which these bands begin
VALUES_WORTH_SORTING = 8  # fewer are ranked by comparing


@dataclass(frozen=True, eq=False)
class Reference(RecordResult):
    """What training rows themselves look like when each is left out of the cloud.

    Attributes
    ----------
    rows : (r,) int
        The sampled training rows.
    hull : (r,) float64
        Distance of each to the hull of the other rows.
    off : (r,) bool
        Whether it leaves the flat that the other rows span.
    gaps : (r,) float64
        Distance of each to its nearest other row number `n_neighbors`.
    metric : Metric
    n_neighbors : int
        With what they were measured; `locate` refuses to use them with anything else.
    groups : (r,) int or None
        The group of each, where it was left out with its whole group; else each stands alone.
    negligible : float
        Distances to the hull up to this one count as none in a rank: a hundredth of the rows' own
        spread where the metric is a matrix, which may all but ignore some directions, else 0.

    Examples
    --------
    >>> import hullwise as hw
    >>> locator = hw.HullLocator(metric=None, n_neighbors=1).fit([[0.0], [1.0], [3.0]])
    >>> locator.reference_
    Reference(3 training rows left out in turn)
    >>> locator.reference_.hull
    array([1., 0., 2.])
    >>> locator.reference_.gaps
    array([1., 1., 2.])
    """

    rows: Indices
    hull: Floats
    off: Mask
    gaps: Floats
    metric: Metric
    n_neighbors: int
    negligible: float = 0.0
    groups: Indices | None = None

    @classmethod
    def empty(cls, metric: Metric, n_neighbors: int) -> Reference:
        """No rows left out: there is nothing to compare with."""
        none = np.zeros(0)
        return cls(none.astype(np.intp), none, none.astype(bool), none, metric, n_neighbors)

    def __len__(self) -> int:
        return len(self.hull)

    @property
    def edge_limit(self) -> float:
        """The largest distance of a row on the flat of the training rows that is still edge.

        NaN without rows left out; infinite where so many of these leave the flat that no distance
        on it is unusual.
        """
        if not len(self):
            return float("nan")
        usual = np.where(self.off, np.inf, self.hull)
        still_edge = usual[percentile(usual, usual, self.weights) <= BEYOND]
        return max(float(still_edge.max()), self.negligible)

    def __repr__(self) -> str:
        if self.groups is None:
            return f"Reference({counted(len(self.rows), 'training row')} left out in turn)"
        groups = counted(self.n_groups, "group")
        return f"Reference({counted(len(self.rows), 'training row')}, {groups} left out whole)"

    @property
    def n_groups(self) -> int:
        """How many groups were left out whole; rows where each stands alone."""
        return len(self.rows) if self.groups is None else len(np.unique(self.groups))

    @property
    def weights(self) -> Floats | None:
        """(r,) what each row counts in a percentile: 1 / ((G + 1) n_g) in one of G groups.

        None where all count alike. The one more group is the new row's own, ranked above all.
        """
        if self.groups is None:
            return None
        _, own, sizes = np.unique(self.groups, return_inverse=True, return_counts=True)
        return np.asarray(1.0 / ((len(sizes) + 1) * sizes[own]))


def negligible(cloud: Cloud, metric: Metric) -> float:
    """A hundredth of the root mean square distance of rows from their mean in a matrix metric."""
    if metric.factor is None:
        return 0.0
    rows = cloud.take(cloud.sample(2000))
    distances = metric.norm(rows - cloud.mean)
    return float(row_norms(distances[None, :])[0] / np.sqrt(len(rows)) / 100)


def percentile(values: Floats, reference: Floats, weights: Floats | None = None) -> Floats:
    """Share of reference values strictly below each value, in percent; NaN where there is none.

    `weights` (r,) are what the reference values count, with a sum of at most 1; else all alike.
    """
    if not len(reference):
        return np.full(len(values), np.nan)
    if weights is None and len(values) < VALUES_WORTH_SORTING:
        share = 100.0 * (reference < values[:, None]).sum(axis=1) / len(reference)
        return np.where(np.isnan(values), np.nan, share)
    order = np.argsort(reference, kind="stable")
    below = np.searchsorted(reference[order], values, side="left")
    if weights is None:
        share = 100.0 * below / len(reference)
    else:  # sums of weights are rounded: 19 times 1/20 is no more than .95
        share = np.round(100.0 * np.concatenate([[0.0], np.cumsum(weights[order])])[below], 9)
    return np.where(np.isnan(values), np.nan, share)


def rank(lower: Floats, upper: Floats, off: Mask, reference: Reference) -> tuple[Objects, Floats]:
    """Band and percentile of each query from the bracket of its distance.

    A query that leaves the flat which the training rows span (`off`) ranks above every row that
    does not, however short the way: a feature that never moved has no unit to measure it by.
    """
    if not len(reference):
        inside = np.where(upper <= reference.negligible, "core", "unknown").astype(object)
        return inside, percentile(upper, reference.hull)
    low, high, usual = _ranked(lower, upper, off, reference)
    weights = reference.weights
    return bands(low, high, usual, weights), percentile(high, usual, weights)


def _ranked(
    lower: Floats, upper: Floats, off: Mask, reference: Reference
) -> tuple[Floats, Floats, Floats]:
    """Brackets and distances of left-out rows to rank by: those off the flat above all others."""
    lower, upper, usual = (
        np.where(distance <= reference.negligible, 0.0, distance)
        for distance in (lower, upper, reference.hull)
    )
    finite = upper[np.isfinite(upper)].max(initial=0.0)
    above = max(float(finite), float(usual.max())) * 2 + 1
    with np.errstate(over="ignore"):
        usual = np.where(reference.off, usual + above, usual)
        return np.where(off, lower + above, lower), np.where(off, upper + above, upper), usual


def conformal_p_values(lower: Floats, upper: Floats, off: Mask, reference: Reference) -> Floats:
    """(m,) that a row like the training rows is as far out; NaN without rows left out.

    (1 + #{left-out rows at least as far out}) / (r + 1); of groups left out whole the mean over
    groups of that share, with the new row's own group as one more (Lee, Barber and Willett 2023).
    Ties count against the row, so that no random number is needed: rows inside the hull have large
    p-values, which are never the ones that matter. An open bracket counts by its lower end.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> ref = hw.HullLocator(metric=None).fit([[float(k * k)] for k in range(5)]).reference_
    >>> ref.hull
    array([1., 0., 0., 0., 7.])
    >>> q = np.array([0.0, 3.0, 9.0])
    >>> conformal_p_values(q, q, np.zeros(3, bool), ref).round(3)
    array([1.   , 0.333, 0.167])
    """
    if not len(reference):
        return np.full(len(lower), np.nan)
    low, _, usual = _ranked(lower, upper, off, reference)
    below = percentile(low, usual, reference.weights) / 100
    if reference.weights is not None:
        return np.asarray(1.0 - below)
    r = len(usual)
    return np.asarray((1 + r - np.rint(r * below)) / (r + 1))


def bands(
    lower: Floats, upper: Floats, reference: Floats, weights: Floats | None = None
) -> Objects:
    """core, edge, beyond or far by the percentile of the distance; unknown while the bracket
    spans a band.

    A row drawn like the training rows is core or edge in 95 of 100 cases, and far, farther out
    than every sampled training row, in at most one of r + 1: the ranks of exchangeable distances
    are uniform (docs/bands.md says for which metrics exactly).
    """
    limits = np.array([EDGE, BEYOND])
    names = np.array(BANDS, dtype=object)

    def index(distance: Floats) -> Any:
        at = np.searchsorted(limits, percentile(distance, reference, weights), side="left")
        return np.where(distance > reference.max(), 3, at)

    low, high = index(lower), index(upper)
    return np.asarray(np.where(low == high, names[high], "unknown"), dtype=object)


def band_limits(
    distance: Floats, band: Objects, reference: Floats, weights: Floats | None = None
) -> list[float] | None:
    """The distances past which rows are edge, beyond and far.

    None where distances alone do not part the bands of these rows: training rows that leave the
    flat of the others rank above the rest too.
    """
    if not len(reference):
        return None
    ordered, r = np.sort(reference), len(reference)
    places = [int(r * p / 100) for p in (EDGE, BEYOND)]
    if weights is not None:
        shares = np.round(100 * np.cumsum(weights[np.argsort(reference)]), 9)
        places = np.searchsorted(shares, (EDGE, BEYOND), side="right").tolist()
    limits = [float(ordered[min(r - 1, place)]) for place in places]
    limits.append(float(ordered[-1]))
    expected = np.array(BANDS, dtype=object)[np.searchsorted(limits, distance)]
    return limits if (expected == band).all() else None


def chance(n_out: int, m: int, r: int) -> float:
    """Probability that `n_out` or more of m rows drawn like the training rows are beyond or far.

    Such a row is beyond or far if it exceeds the c-th of r left-out distances with
    c = floor(.95 r) + 1. The probability of that is Beta(r - c + 1, c) distributed over samples,
    so their number is beta-binomial: nearly, as a left-out distance lacks one row of the hull that
    a new one has, and at most, where distances tie. NaN without reference rows.

    Examples
    --------
    >>> round(chance(34, 400, 500), 3), round(chance(24, 400, 500), 2)
    (0.018, 0.26)
    """
    from scipy.stats import betabinom  # 40 MB and a third of a second that few calls need

    c = 1 + int(np.floor(r * BEYOND / 100))
    if r < 1 or c > r:
        return float("nan")
    return float(betabinom.sf(n_out - 1, m, r - c + 1, c))
