"""A domain's location in figures: what terminal, page, notebook and a caller in Python all read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Floats, Indices, Ints, Mask
from ..geometry.bands import BANDS
from ..geometry.location_summary import LEADING_CHANGES, LEADING_FRACTION, usual_share
from ..geometry.verdict import Verdict
from ..table.columns import CategoryColumn, Column, ConstantColumn
from ._reasons import column_changes
from .pattern_location import PatternLocation

if TYPE_CHECKING:
    from .domain_location import DomainLocation

RARE_LEVEL = 0.02  # of the training rows: a level that so few have is named where rows are out


@dataclass(frozen=True)
class ColumnCount:
    """In how many rows a column is among the leading reasons.

    `too_high` and `too_low` are those of columns with an order, `of_another_level` of categories.
    """

    name: str
    role: str
    too_high: int
    too_low: int
    of_another_level: int

    @property
    def rows(self) -> int:
        """All together."""
        return self.too_high + self.too_low + self.of_another_level


@dataclass(frozen=True)
class LevelCount:
    """How many new rows hold a level, and how many training rows do."""

    column: str
    level: str
    rows: int
    training_rows: int
    constant: str = ""  # the one value of the column in all training rows, where it has one

    @property
    def is_constant(self) -> bool:
        """Whether the column has one value in all training rows."""
        return bool(self.constant)


@dataclass(frozen=True)
class GapCount:
    """How many new rows were located without the same columns, and with what they were compared."""

    without: tuple[str, ...]
    rows: int
    training_rows: int  # with all the other columns: those whose hull it is
    n_reference: int
    is_alike: bool  # whether the rows left out have the same gaps
    is_rare: bool = False  # whether they have other gaps that few training rows have


@dataclass(frozen=True, eq=False)
class DomainSummary:
    """Counts of a domain's location.

    Attributes
    ----------
    n_rows, n_train : int
        New rows and training rows.
    n_reference : int
        Training rows left out in turn, for the pattern of gaps that most new rows have.
    bands : dict of str to int
        Rows in each of core, edge, beyond, far and unknown.
    distance_bands : dict of str to int
        The same by distance alone.
    verdicts : dict of str to int
        Rows that are inside, outside and undecided.
    n_out, n_out_by_distance : int
        Rows beyond or far, and those that are so by distance.
    expected_out : float
        How many of as many rows drawn like the training rows would be so by distance; NaN without
        a reference.
    n_unseen, expected_unseen : int, float
        Rows with a level never seen, and how many would have one by chance (Good 1953).
    chance, chance_by_distance, chance_by_name : float
        `DomainLocation.chance` and its two parts.
    unseen : tuple of LevelCount
        The levels never seen, and what differs from a constant; the most frequent first.
    rare : tuple of LevelCount
        Levels of at most 2 % of the training rows among the rows out by distance; those of most
        rows first.
    n_with_rare_level : int
        Rows out by distance that hold some of them.
    gaps : tuple of GapCount
        Rows that were located without some column, the most frequent gaps first.
    columns : tuple of ColumnCount
        How often each column is among the three leading reasons of a row outside, most often first.
        A reason counts where its share is at least a tenth of the row's largest.
    farthest : (s,) int
        The rows outside, farthest first: those that are far before all others.

    Examples
    --------
    >>> import hullwise as hw
    >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(20, 60)]
    >>> new = [("nurse", 30), ("smith", 30), ("clerk", 95)]
    >>> new = [{"job": job, "age": age} for job, age in new]
    >>> summary = hw.Domain().fit(rows).locate(new).summary()
    >>> summary
    DomainSummary(3 rows: 1 inside, 2 outside; 2 beyond or far, 1 of them by name)
    >>> summary.unseen[0].level, summary.columns[0].name, summary.farthest
    ('smith', 'age', array([2, 1]))
    """

    n_rows: int
    n_train: int
    n_reference: int
    bands: dict[str, int]
    distance_bands: dict[str, int]
    verdicts: dict[str, int]
    n_out: int
    n_out_by_distance: int
    expected_out: float
    n_unseen: int
    expected_unseen: float
    chance: float
    chance_by_distance: float
    chance_by_name: float
    unseen: tuple[LevelCount, ...]
    rare: tuple[LevelCount, ...]
    n_with_rare_level: int
    gaps: tuple[GapCount, ...]
    columns: tuple[ColumnCount, ...]
    farthest: Indices

    def __repr__(self) -> str:
        by_name = f", {self.n_unseen} of them by name" if self.n_unseen else ""
        return (
            f"DomainSummary({self.n_rows} rows: {self.verdicts['inside']} inside, "
            f"{self.verdicts['outside']} outside; {self.n_out} beyond or far{by_name})"
        )

    def _repr_html_(self) -> str:
        from ..report.domain_view import domain_summary_view

        return domain_summary_view(self)


def summarize_domain(location: DomainLocation) -> DomainSummary:
    """The counts of a domain's location; O(m C log C) beside one pass over the coordinates."""
    m, parts = len(location), location.parts
    unseen = location.unseen.any(axis=1)
    verdicts = Counter(location.verdict.tolist())
    bands, by_distance = Counter(location.band.tolist()), Counter(location.distance_band.tolist())
    main = max(parts, key=lambda part: len(part.rows), default=None)
    with_reference = [part for part in parts if len(part.pattern.reference)]
    if location.is_replay:
        with_reference = []
    rare, n_with_rare_level = _rare_levels(location)
    return DomainSummary(
        n_rows=m,
        n_train=location.n_train,
        n_reference=0 if main is None else len(main.pattern.reference),
        bands={band: bands[band] for band in (*BANDS, "unknown")},
        distance_bands={band: by_distance[band] for band in (*BANDS, "unknown")},
        verdicts={v.name.lower(): verdicts[int(v)] for v in Verdict},
        n_out=bands["beyond"] + bands["far"],
        n_out_by_distance=by_distance["beyond"] + by_distance["far"],
        expected_out=sum(
            len(part.rows) * usual_share(part.pattern.reference.n_groups) for part in with_reference
        )
        if with_reference
        else float("nan"),
        n_unseen=int(unseen.sum()),
        expected_unseen=m * location.unseen_rate,
        chance=location.chance(),
        chance_by_distance=location.chance_by_distance(),
        chance_by_name=location.chance_by_name(),
        unseen=_unseen_levels(location),
        rare=rare,
        n_with_rare_level=n_with_rare_level,
        gaps=_gaps(location),
        columns=_leading_columns(location),
        farthest=_farthest_rows(location),
    )


def _unseen_levels(location: DomainLocation) -> tuple[LevelCount, ...]:
    counts = Counter(
        (int(j), str(location.cells[row, j])) for row, j in np.argwhere(location.unseen)
    )
    columns = location.coordinates.columns
    return tuple(
        LevelCount(columns[j].name, level, rows, 0, _constant_of(columns[j]))
        for (j, level), rows in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def _constant_of(column: Column) -> str:
    return column.levels[0] if isinstance(column, ConstantColumn) else ""


def levels_of(location: DomainLocation, part: PatternLocation) -> Ints:
    """(m, C) the number of each row's level in the categories that were used, -1 elsewhere."""
    codes = np.full((len(part.rows), len(location.coordinates.columns)), -1, dtype=np.int64)
    start = 0
    for j, (column, used) in enumerate(zip(location.coordinates.columns, part.pattern.columns)):
        if not used:
            continue
        block = slice(start, start + column.width)
        start += column.width
        if isinstance(column, CategoryColumn) and column.width:
            codes[:, j] = column.shares(part.location.queries[:, block]).argmax(axis=1)
    return codes


def _rare_levels(location: DomainLocation) -> tuple[tuple[LevelCount, ...], int]:
    """The rare levels of rows that are out by distance, and how many of these hold one."""
    counts: Counter[tuple[int, int]] = Counter()
    n_rows, columns = 0, location.coordinates.columns
    for part in location.parts:
        is_out = np.isin(part.location.band, BANDS[2:])
        codes = levels_of(location, part)[is_out]
        has_rare = np.zeros(len(codes), dtype=bool)
        for j, column in enumerate(columns):
            if not isinstance(column, CategoryColumn) or not len(codes):
                continue
            limit = RARE_LEVEL * sum(column.counts)
            is_rare = np.array([count <= limit for count in column.counts], dtype=bool)
            rows = np.flatnonzero((codes[:, j] >= 0) & is_rare[codes[:, j]])
            counts.update((j, code) for code in codes[rows, j].tolist())
            has_rare[rows] = True
        n_rows += int(has_rare.sum())
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(_level_count(columns[j], code, rows) for (j, code), rows in ranked), n_rows


def _level_count(column: object, code: int, rows: int) -> LevelCount:
    assert isinstance(column, CategoryColumn)
    return LevelCount(column.name, column.levels[code], rows, column.counts[code])


def _gaps(location: DomainLocation) -> tuple[GapCount, ...]:
    counts = []
    for part in location.parts:
        without = tuple(
            column.name
            for column, used in zip(location.coordinates.columns, part.pattern.columns)
            if not used
        )
        if without:
            pattern = part.pattern
            n_training, r = len(pattern.rows), len(pattern.reference)
            counts.append(
                GapCount(without, len(part.rows), n_training, r, pattern.alike, pattern.rare)
            )
    return tuple(sorted(counts, key=lambda count: (-count.rows, count.without)))


def _leading_columns(location: DomainLocation) -> tuple[ColumnCount, ...]:
    columns = location.coordinates.columns
    n = len(columns)
    high, low, other = (np.zeros(n, dtype=np.int64) for _ in range(3))
    for part in location.parts:
        shares, amounts = column_changes(location.coordinates, part)
        leading = _is_leading(shares)
        for j, column in enumerate(columns):
            mine = leading[:, j]
            if isinstance(column, CategoryColumn):
                other[j] += int(mine.sum())
            else:
                high[j] += int((mine & (amounts[:, j] > 0)).sum())
                low[j] += int((mine & (amounts[:, j] < 0)).sum())
    order = np.argsort(-(high + low + other), kind="stable").tolist()
    return tuple(
        ColumnCount(columns[j].name, columns[j].role, int(high[j]), int(low[j]), int(other[j]))
        for j in order
        if high[j] + low[j] + other[j]
    )


def _is_leading(shares: Floats) -> Mask:
    """(m, C) whether a column is among the leading reasons of a row."""
    if not shares.size:
        return np.zeros(shares.shape, dtype=bool)
    k = min(LEADING_CHANGES, shares.shape[1])
    order = np.argsort(-shares, axis=1, kind="stable")[:, :k]
    among = np.zeros(shares.shape, dtype=bool)
    np.put_along_axis(among, order, True, axis=1)
    largest = shares.max(axis=1, keepdims=True)
    return np.asarray(among & (shares > 0) & (shares >= LEADING_FRACTION * largest))


def _farthest_rows(location: DomainLocation) -> Indices:
    outside = np.flatnonzero(location.verdict == Verdict.OUTSIDE)
    far = location.band[outside] == "far"
    distance = np.where(np.isfinite(location.upper), location.upper, location.lower)[outside]
    return outside[np.lexsort((-distance, ~far))]
