"""New groups compared with training groups that were left out whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import betabinom

from .._core.results import Column, TableResult
from .._core.types import Floats, Indices, Ints, Mask, Objects
from .._core.wording import counted
from ..geometry.bands import BANDS, Reference
from ..geometry.left_out import leave_out
from .pattern_location import PatternLocation

if TYPE_CHECKING:
    from .domain_location import DomainLocation

GROUP_LEVEL = 0.05  # a new group is out where its p is at most this, or the least there can be
ROWS_ONE_BY_ONE = 200  # training rows left out one by one, to say what that would have claimed


@dataclass(frozen=True, eq=False, repr=False)
class GroupComparison(TableResult):
    """How far out each new group is, among training groups that were left out whole.

    A group's statistic is the median distance of its rows. `p` is the probability that a group
    drawn like the training groups is as far out, (1 + #{g : T_g >= T}) / (G + 1), where the medians
    are of as many rows on either side: of min(n_g, k) rows, a seeded sample, k those of the new
    group.

    Attributes
    ----------
    column : str
        The column of groups.
    names : (M,) object
    rows : (M,) int
        Rows of each new group.
    median_distance : (M,) float64
        Of the rows that have the gaps which most rows of the group have.
    p : (M,) float64
        NaN for groups that training rows belong to, and where nothing was left out.
    n_compared : (M,) int
        Training groups that it was compared with.
    share_out : (M,) float64
        Share of the group's rows that are beyond or far.
    share_out_by_rows : float
        Share of all rows that would be, had training rows been left out one by one.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> rng = np.random.default_rng(0)
    >>> centre = rng.normal(size=(30, 3))
    >>> rows = [(g, *(centre[g] + 0.1 * rng.normal(size=3))) for g in range(30) for _ in range(8)]
    >>> rows = [dict(zip(("patient", "a", "b", "c"), row)) for row in rows]
    >>> loc = hw.Domain(groups="patient").fit(rows[:200]).locate(rows[200:])
    >>> groups = loc.groups()
    >>> groups
    GroupComparison(5 groups, compared with 25 left out whole: 0 out)
    >>> groups.rows.tolist(), bool((groups.p > 0.05).all())
    ([8, 8, 8, 8, 8], True)
    """

    column: str
    names: Objects
    rows: Ints
    median_distance: Floats
    p: Floats
    n_compared: Ints
    share_out: Floats
    share_out_by_rows: float = float("nan")

    def __len__(self) -> int:
        return len(self.names)

    def plot(self, ax: Any = None) -> Any:
        """Draw each new group by its median distance and its p; returns matplotlib axes."""
        from ..report.location_pictures import draw_groups

        return draw_groups(self, ax)

    def __repr__(self) -> str:
        return (
            f"GroupComparison({counted(len(self), 'group')}, compared with "
            f"{self.n_compared.max(initial=0)} left out whole: {int(self.is_out.sum())} out)"
        )

    @property
    def is_out(self) -> Mask:
        """(M,) groups with p <= 5 %, or with the least p that so few training groups allow."""
        return np.asarray(self.p <= np.maximum(GROUP_LEVEL, 1 / (self.n_compared + 1)) + 1e-12)

    @property
    def text(self) -> str:
        """The comparison in a sentence or two."""
        compared = ~np.isnan(self.p)
        n_new, n_old = int(compared.sum()), int(self.n_compared.max(initial=0))
        if not n_new:
            return f"No new {_plural(self.column)} to compare."
        least = float(np.nanmin(self.p))
        text = (
            f"{n_new:,} new {_plural(self.column, n_new)}, compared with {n_old:,} left out whole: "
            f"{int(self.is_out.sum()):,} of them out (p of the farthest: {least:.2g})."
        )
        if self.share_out_by_rows == self.share_out_by_rows:
            text += (
                f" By rows, as if they were independent, {100 * self.share_out_by_rows:.3g} % "
                "would be beyond or far."
            )
        return text

    def _columns(self) -> Mapping[str, Column]:
        return {
            self.column: [str(name) for name in self.names],
            "rows": self.rows,
            "median_distance": self.median_distance,
            "p": self.p,
            "share_out": self.share_out,
        }


def _plural(column: str, n: int = 2) -> str:
    """Patients, or groups of a column whose name is no word."""
    if not column.isalpha():
        return f"group{'s' * (n != 1)} of {column}"
    return column + "s" * (n != 1 and not column.endswith("s"))


def compare_groups(location: DomainLocation, *, by_rows: bool = True) -> GroupComparison | None:
    """The new groups of a location; None where it has none."""
    grouped = location.grouped
    if grouped is None:
        return None
    n_groups = len(grouped.names)
    sizes = np.bincount(grouped.codes, minlength=n_groups)
    part_of_group = _leading_parts(location.parts, grouped.codes, n_groups)
    median, p = np.full(n_groups, np.nan), np.full(n_groups, np.nan)
    n_compared = np.zeros(n_groups, dtype=np.int64)
    for number, part in enumerate(location.parts):
        distance, own = ranking_distance(part), grouped.codes[part.rows]
        usual = _TrainingMedians(part.pattern.reference)
        members = _members(own, np.flatnonzero(part_of_group == number))
        for group, places in members.items():
            mine = distance[places]
            median[group], n_compared[group] = np.median(mine), len(usual)
            if len(usual) and not grouped.known[group]:
                p[group] = usual.p_of(mine)
    is_out = np.isin(location.band, BANDS[2:])
    n_out = np.bincount(grouped.codes[is_out], minlength=n_groups)
    there = sizes > 0
    return GroupComparison(
        grouped.column,
        grouped.names[there],
        sizes[there],
        median[there],
        p[there],
        n_compared[there],
        (n_out / np.maximum(sizes, 1))[there],
        share_out_by_rows(location.parts) if by_rows else float("nan"),
    )


def ranking_distance(part: PatternLocation) -> Floats:
    """(m,) distances to rank rows by: 0 inside, infinite off the flat of the training rows."""
    location = part.location
    distance = location.hull.ranked_distance
    return np.where(location.off_flat, np.inf, distance)


def _leading_parts(parts: tuple[PatternLocation, ...], codes: Indices, n_groups: int) -> Indices:
    """(M,) the part that holds most rows of each group; the first of several."""
    counts = np.zeros((max(1, len(parts)), n_groups), dtype=np.int64)
    for number, part in enumerate(parts):
        counts[number] = np.bincount(codes[part.rows], minlength=n_groups)
    return np.where(counts.max(axis=0) > 0, counts.argmax(axis=0), -1)


def _members(codes: Indices, groups: Indices) -> dict[int, Indices]:
    """The places of each of these groups among the codes."""
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], groups, side="left")
    stops = np.searchsorted(codes[order], groups, side="right")
    return {int(g): order[a:b] for g, a, b in zip(groups, starts, stops)}


class _TrainingMedians:
    """Median distances of training groups left out whole, by how many rows they are of."""

    def __init__(self, reference: Reference) -> None:
        self.samples: list[Floats] = []
        if reference.groups is not None and len(reference):
            hull = np.where(reference.off, np.inf, reference.hull)
            order = np.random.default_rng(0).permutation(len(hull))  # a sample is the first rows
            members = _members(reference.groups[order], np.unique(reference.groups))
            self.samples = [hull[order[places]] for places in members.values()]
        self._medians: dict[int, Floats] = {}

    def __len__(self) -> int:
        return len(self.samples)

    def of(self, k: int) -> Floats:
        """(G,) of at most k rows each."""
        if k not in self._medians:
            self._medians[k] = np.array([np.median(sample[:k]) for sample in self.samples])
        return self._medians[k]

    def p_of(self, distance: Floats) -> float:
        """Of a new group with these distances; groups of fewer rows see as many of its rows."""
        k = len(distance)
        shuffled = distance[np.random.default_rng(0).permutation(k)]
        sizes = np.minimum([len(sample) for sample in self.samples], k)
        own = {int(size): float(np.median(shuffled[:size])) for size in np.unique(sizes)}
        as_far = self.of(k) >= np.array([own[int(size)] for size in sizes])
        return float((1 + as_far.sum()) / (len(self) + 1))


def share_out_by_rows(parts: tuple[PatternLocation, ...]) -> float:
    """Share of rows beyond or far, had training rows been left out one by one; NaN without any."""
    n_out = n_rows = 0
    for part in parts:
        cloud, reference = part.pattern.cloud, part.pattern.reference
        rows = cloud.sample(ROWS_ONE_BY_ONE)
        if not len(reference):
            continue
        alone = leave_out(cloud, reference.metric, reference.n_neighbors, rows)
        usual = np.where(alone.off, np.inf, alone.hull)
        n_rows += len(part.rows)
        n_out += int((ranking_distance(part) > np.quantile(usual, 0.95, method="higher")).sum())
    return n_out / n_rows if n_rows else float("nan")


def chance_of_groups(groups: GroupComparison) -> float:
    """That so many new groups are out; p itself for one group, NaN where none can be compared.

    A new group is out if it is farther out than the (G - c + 1)-th of G training groups with
    c = floor(.05 (G + 1)), at least 1; over samples their number is beta-binomial with c and
    G - c + 1, as in docs/bands.md.
    """
    compared = ~np.isnan(groups.p)
    if not compared.any():
        return float("nan")
    if compared.sum() == 1:
        return float(groups.p[compared][0])
    law = np.ones(1)
    for n_training in np.unique(groups.n_compared[compared]).tolist():
        m = int((groups.n_compared[compared] == n_training).sum())
        c = max(1, int(np.floor(GROUP_LEVEL * (n_training + 1) + 1e-9)))
        law = np.convolve(law, betabinom.pmf(np.arange(m + 1), m, c, n_training - c + 1))
    return float(law[int(groups.is_out.sum()) :].sum())
