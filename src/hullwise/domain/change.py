"""The smallest change of a row of a table: what it is, and what proves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from .._core.results import RecordResult
from .._core.types import Floats, Indices, Mask
from ..geometry.change_bounds import ChangeBounds
from .gap_patterns import GapPattern

USUAL_BANDS = ("core", "edge")
RANKED_DIGITS = 9  # after the point: costs and distances that agree to these are alike
PROVED_WIDTH = 1e-6  # relative width of a bracket up to which a change is said to be the least


@dataclass(frozen=True, eq=False, repr=False)
class ColumnChange(RecordResult):
    """A change of some columns of a row, or the proof that no change of them is enough.

    Attributes
    ----------
    columns : tuple of str
        The columns that may change.
    values : dict of str to value
        The cells after the change, of the columns that it moves: whole numbers and levels as such.
        Empty where no change is known.
    texts : tuple of str
        The same in words, with the amounts in the columns' own units, the largest first.
    amounts : dict of str to float
        New minus old for numbers, the shorter way round for circles, ranks for ordered levels.
    band : str
        Of the row with these values, located again.
    upper, lower : float
        Bracket of the least change, in the metric's units; both infinite where no change of these
        columns is enough. Numbers count as real numbers: rounding to whole ones comes after.
    cost : float
        Of the row with these values.
    is_least : bool
        Whether it is proved that no smaller change to cells of these columns is enough.
    query, changed : (k,) float64
        The row as it is (with the levels that change already changed), and after the change, in
        the coordinates of its pattern of gaps.
    free : (k,) bool
        The coordinates that may change.
    direction : (k,) float64
        What proves `lower`; see `geometry.smallest_change`.
    rows, weights : (s,)
        The mixture of training rows of the pattern that `changed` is within `distance` of.
    distance, threshold : float
        Of `changed` from the hull, and the largest that is still edge.

    Examples
    --------
    >>> import hullwise as hw
    >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(20, 60)]
    >>> loc = hw.Domain().fit(rows).locate([{"job": "clerk", "age": 95}])
    >>> loc.smallest_change(0).best
    ColumnChange(age by -35 (95 to 60): edge, cost 3.03)
    """

    columns: tuple[str, ...]
    values: dict[str, Any]
    texts: tuple[str, ...]
    amounts: dict[str, float]
    band: str
    upper: float
    lower: float
    cost: float
    query: Floats
    changed: Floats
    free: Mask
    direction: Floats
    rows: Indices
    weights: Floats
    distance: float
    threshold: float
    is_least: bool = False

    def __repr__(self) -> str:
        if not self.possible:
            proof = "proved" if self.impossible else "not proved"
            return f"ColumnChange({', '.join(self.columns)}: not enough, {proof})"
        return f"ColumnChange({'; '.join(self.texts)}: {self.band}, cost {self.cost:.3g})"

    @property
    def possible(self) -> bool:
        """Whether it is enough."""
        return bool(np.isfinite(self.upper))

    @property
    def impossible(self) -> bool:
        """Whether it is proved that no change of these columns is enough."""
        return bool(np.isinf(self.lower))


def preference(change: ColumnChange) -> tuple[bool, int, float]:
    """Sorts changes: edge as cells, then of few columns, then small."""
    return change.band not in USUAL_BANDS, len(change.values), round(change.cost, RANKED_DIGITS)


@dataclass(frozen=True, eq=False, repr=False)
class SmallestChange(RecordResult):
    """What brings one row of a table back to the edge band, or the proof that nothing does.

    Attributes
    ----------
    band : str
        Of the row as it is.
    fixed : tuple of str
        The columns that stay as they are.
    together : ColumnChange or None
        All free numbers (ordered levels and circles too) at once: the least change of all.
    alone : tuple of ColumnChange
        Each number that is enough by itself, least first.
    sparse : ColumnChange or None
        The fewest numbers that were searched for: one, or two where none is enough, or more.
    not_enough : tuple of ColumnChange
        What was tried and is not enough, each with its proof: numbers that may change at will, and
        other levels.
    levels : tuple of ColumnChange
        Each change of one level that is enough, nearest first; of two where no one is.
    with_levels : tuple of ColumnChange
        A level with numbers, where neither numbers nor levels are enough.
    everything : ColumnChange or None
        All free coordinates as if levels could be mixed: where this is not enough, nothing is.
    pattern : GapPattern or None
        The training rows that all of this is about.
    fixed_by_name : tuple of str
        Fixed columns that hold a level never seen: no change of the others helps.
    text : str
        All of it in words.

    Examples
    --------
    >>> import hullwise as hw
    >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(20, 60)]
    >>> loc = hw.Domain().fit(rows).locate([{"job": "pilot", "age": 50}])
    >>> change = loc.smallest_change(0)
    >>> [change.values for change in change.changes]
    [{'job': 'clerk'}, {'job': 'nurse'}]
    >>> change.possible, change.verify()
    (True, True)
    """

    band: str
    fixed: tuple[str, ...]
    text: str
    together: ColumnChange | None = None
    alone: tuple[ColumnChange, ...] = ()
    sparse: ColumnChange | None = None
    not_enough: tuple[ColumnChange, ...] = ()
    levels: tuple[ColumnChange, ...] = ()
    with_levels: tuple[ColumnChange, ...] = ()
    everything: ColumnChange | None = None
    pattern: GapPattern | None = None
    fixed_by_name: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"SmallestChange({self.text})"

    def __str__(self) -> str:
        return self.text

    @property
    def changes(self) -> tuple[ColumnChange, ...]:
        """All changes that are enough: fewest columns first, then the least cost.

        Last those that are not edge any more once they are rounded to whole numbers.
        """
        known = [*self.alone, self.sparse, *self.levels, *self.with_levels, self.together]
        changes = {id(c): c for c in known if c is not None and c.possible}.values()
        return tuple(sorted(changes, key=preference))

    @property
    def claims(self) -> tuple[ColumnChange, ...]:
        """Everything that is claimed: the changes that are enough, and what is not."""
        more = (self.everything, self.together, *self.not_enough)
        claims = {id(c): c for c in (*self.changes, *more) if c is not None}
        return tuple(claims.values())

    def verify(self, *, exact: bool = False) -> bool:
        """Whether all claims hold, judged from the training rows by other code.

        The rows are those of `pattern` in coordinates; in float64 with a rounding bound, or with
        `exact` in rational arithmetic alone. Costs one pass for each claim.
        """
        claims = self.claims
        if self.pattern is None or not claims:
            return True
        return bool(bounds_of(claims, self.pattern).verify(self.pattern.cloud, exact=exact).all())

    @property
    def possible(self) -> bool:
        """Whether a change that is enough is known; also where nothing has to change."""
        return self.band in USUAL_BANDS or bool(self.changes)

    @property
    def impossible(self) -> bool:
        """Whether it is proved that no change of the free columns is enough."""
        proved = self.everything is not None and self.everything.impossible
        return proved or bool(self.fixed_by_name)

    @property
    def best(self) -> ColumnChange | None:
        """The change of the fewest columns, and of these the least."""
        return self.changes[0] if self.changes else None


def bounds_of(claims: Sequence[ColumnChange], pattern: GapPattern) -> ChangeBounds:
    """What is claimed of changes of one row, as the checker takes it."""
    ends = np.cumsum([0, *(len(claim.rows) for claim in claims)])
    mixtures = csr_array(
        (
            np.concatenate([claim.weights for claim in claims]),
            np.concatenate([claim.rows for claim in claims]),
            ends,
        ),
        shape=(len(claims), pattern.cloud.n),
    )
    return ChangeBounds(
        queries=np.stack([claim.query for claim in claims]),
        free=np.stack([claim.free for claim in claims]),
        threshold=np.array([claim.threshold for claim in claims]),
        changed=np.stack([claim.changed for claim in claims]),
        upper=np.array([claim.upper for claim in claims]),
        lower=np.array([claim.lower for claim in claims]),
        distance=np.array([claim.distance for claim in claims]),
        weights=mixtures,
        direction=np.stack([claim.direction for claim in claims]),
        metric=pattern.reference.metric,
    )
