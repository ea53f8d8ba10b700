"""Changes of one row in the coordinates of its pattern of gaps, tried many at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from .._core.types import Floats, Indices, Mask, Objects
from ..geometry.change_bounds import ChangeBounds
from ..geometry.comparison import band_of_hull
from ..geometry.hull import locate_in_hull
from ..geometry.metric import Metric
from ..geometry.smallest_change import BRACKET_SLACK, smallest_changes
from ..table.columns import CategoryColumn, LevelColumn, PeriodicColumn
from ..table.coordinates import Coordinates
from ..table.decoding import change_text, decode, level_coordinates, on_column, takes_steps
from .change import PROVED_WIDTH, USUAL_BANDS, ColumnChange
from .gap_patterns import GapPattern

CIRCLE_STEPS = 72  # places on a circle that are tried, and again between the best two
COARSE_STEP = 0.02  # of the metric's units: shorter steps of whole numbers are simply rounded
MAX_COARSE_COLUMNS = 8  # that are rounded one after the other
PAST_ROUNDING = (2.0**-40, 2.0**-30, 2.0**-20)  # of a way: how much farther a row goes
SMALLEST_MOVE = 1e-12  # of the metric's units: a column that moves less does not change


@dataclass(frozen=True, eq=False)
class RowChanges:
    """One row and what it may be changed into.

    Attributes
    ----------
    coordinates : Coordinates
    pattern : GapPattern
    query : (k,) float64
        The row in the pattern's coordinates.
    fixed : (C,) bool
        The columns that stay as they are.
    levels : mapping of int to (L,) int
        For each column of levels, the numbers of those that a row here may have.
    unseen : tuple of int
        Columns that hold a level which no training row here has. Those of them without coordinates
        (constants, segments) get their first level of `levels` with every change.
    """

    coordinates: Coordinates
    pattern: GapPattern
    query: Floats
    fixed: Mask
    levels: Mapping[int, Indices]
    unseen: tuple[int, ...] = ()

    @property
    def metric(self) -> Metric:
        """In which cost and threshold are measured."""
        return self.pattern.reference.metric

    @property
    def is_too_far(self) -> bool:
        """Whether the row is farther out than the search can measure: 2**200 times the rows."""
        frame = self.pattern.cloud.view_in(self.metric).frame
        return bool(frame.map_queries(np.nan_to_num(self.query)[None])[1].any())

    @cached_property
    def unit_cost(self) -> Floats:
        """(k,) what one unit of each coordinate costs by itself."""
        return self.metric.norm(np.eye(len(self.query)))

    @cached_property
    def owner(self) -> Indices:
        """(k,) the column of each coordinate."""
        return np.asarray(self.coordinates.owner[self.pattern.coordinates])

    @cached_property
    def _free_columns(self) -> list[int]:
        return [int(j) for j in np.unique(self.owner) if not self.fixed[j]]

    def places(self, j: int) -> Indices:
        """The coordinates of a column."""
        return np.flatnonzero(self.owner == j)

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """Free columns that can change little by little: all but categories."""
        return tuple(j for j in self._free_columns if j not in self.categories)

    @cached_property
    def categories(self) -> tuple[int, ...]:
        """Free categories."""
        columns = self.coordinates.columns
        return tuple(j for j in self._free_columns if isinstance(columns[j], CategoryColumn))

    def threshold(self, Q: Floats) -> Floats:
        """(m,) the largest distance that is edge; 0 off the flat of the training rows.

        There no distance is: such a row must come back to the hull itself.
        """
        off = np.isinf(self.pattern.cloud.flat.mahalanobis(Q))
        return np.where(off, 0.0, self.pattern.reference.edge_limit)

    def bands(self, Q: Floats) -> tuple[Objects, Floats]:
        """(m,) bands of rows in these coordinates, and their distances."""
        cloud = self.pattern.cloud
        hull = locate_in_hull(cloud, Q, self.metric)
        band, _ = band_of_hull(hull, cloud.flat.mahalanobis(Q), self.pattern.reference)
        return band, hull.ranked_distance

    def with_levels(self, levels: Sequence[tuple[int, int]]) -> Floats:
        """(k,) the row with other levels: pairs of a column and the number of its level."""
        changed = self.query.copy()
        for j, level in levels:
            column = self.coordinates.columns[j]
            assert isinstance(column, LevelColumn)
            if column.width:
                changed[self.places(j)] = level_coordinates(column)[level]
        return changed

    def cost(self, changed: Floats) -> Floats:
        """(m,) how far changed rows are from the row; what it lacked does not count."""
        return self.metric.norm(np.nan_to_num(changed - self.query))

    # ---- numbers --------------------------------------------------------------------------------

    def solve(self, starts: Floats, sets: Sequence[Sequence[int]]) -> list[ColumnChange]:
        """The smallest change of the columns of each set, from each row of `starts` (m, k).

        A set may be empty: then it is said whether the row of `starts` is near enough as it is.
        """
        if not len(starts):
            return []
        bounds = self._smallest_changes(starts, sets)
        changes = [self._unsettled(sets[b], starts[b], bounds, b) for b in range(len(starts))]
        return [self._on_circles(change, columns) for change, columns in zip(changes, sets)]

    def _smallest_changes(self, starts: Floats, sets: Sequence[Sequence[int]]) -> ChangeBounds:
        free = np.stack([np.isin(self.owner, columns) for columns in sets])
        cloud, threshold = self.pattern.cloud, self.threshold(starts)
        return smallest_changes(cloud, self.metric, starts, free, threshold)

    def _unsettled(
        self, columns: Sequence[int], start: Floats, bounds: ChangeBounds, b: int
    ) -> ColumnChange:
        """A change in coordinates; `settle` finds its cells."""
        rows, weights = _mixture(bounds, b)
        return ColumnChange(
            columns=tuple(self.coordinates.columns[j].name for j in columns),
            values={},
            texts=(),
            amounts={},
            band="unknown",
            upper=float(bounds.upper[b]),
            lower=float(bounds.lower[b]),
            cost=float("inf"),
            query=start,
            changed=bounds.changed[b],
            free=bounds.free[b],
            direction=bounds.direction[b],
            rows=rows,
            weights=weights,
            distance=float(bounds.distance[b]),
            threshold=float(bounds.threshold[b]),
        )

    def _on_circles(self, change: ColumnChange, columns: Sequence[int]) -> ColumnChange:
        """The same change with circles kept to: off them no cell lies.

        One circle is gone round in steps, and once more in finer ones; several go where the change
        would take them through their discs.
        """
        circles = [j for j in columns if isinstance(self.coordinates.columns[j], PeriodicColumn)]
        if not circles or not change.possible:
            return change
        others = [j for j in columns if j not in circles]
        nearest = change.weights @ self.pattern.cloud.take(change.rows)
        starts = np.stack([self.on_columns(z, circles) for z in (change.changed, nearest)])
        starts = np.where(np.isin(self.owner, circles), starts, change.query)
        step = 2 * np.pi
        best = change
        for n_steps in (CIRCLE_STEPS, 2 * CIRCLE_STEPS) if len(circles) == 1 else (0,):
            step /= max(n_steps, 1)
            angles = step * np.arange(-(n_steps // 2), n_steps // 2, dtype=np.float64)
            turned = _turned(starts[:1], self.places(circles[0]), angles)
            starts = np.concatenate([starts, turned])
            bounds = self._smallest_changes(starts, [others] * len(starts))
            upper = np.hypot(self.metric.norm(starts - change.query), bounds.upper)
            b = int(upper.argmin())
            rows, weights = _mixture(bounds, b)
            length = self.metric.norm(bounds.changed[b : b + 1] - change.query)[0]
            best = replace(
                change,
                upper=float(length * (1 + BRACKET_SLACK)) if bounds.possible[b] else np.inf,
                changed=bounds.changed[b],
                rows=rows,
                weights=weights,
                distance=float(bounds.distance[b]),
            )
            starts, step = starts[b : b + 1], 2 * step
        return best

    # ---- cells ----------------------------------------------------------------------------------

    def on_columns(self, z: Floats, columns: Sequence[int]) -> Floats:
        """(k,) coordinates with those of some columns moved to where a cell lies."""
        moved = z.copy()
        for j in columns:
            places = self.places(j)
            moved[places] = on_column(self.coordinates.columns[j], z[None, places])[0]
        return moved

    def settle(self, changes: Sequence[ColumnChange]) -> list[ColumnChange]:
        """The changes with their cells: whole numbers rounded, and the band of the row with them.

        Of all roundings that are tried the least that is edge, else the nearest.
        """
        possible = [change for change in changes if change.possible]
        if not possible:
            return list(changes)
        trials = [self._rounded(change) for change in possible]
        band, _ = self.bands(np.concatenate(trials))
        settled, first = {}, 0
        for change, rows in zip(possible, trials):
            own = band[first : first + len(rows)]
            first += len(rows)
            # the mixture proves of a row that is not rounded what its bracket may leave open
            own[(rows == change.changed).all(axis=1) & (own == "unknown")] = "edge"
            cost, usual = self.cost(rows), np.isin(own, USUAL_BANDS)
            b = int(np.where(usual, cost, np.inf).argmin()) if usual.any() else 0
            settled[id(change)] = self.with_cells(change, rows[b], str(own[b]), float(cost[b]))
        return [settled.get(id(change), change) for change in changes]

    def _rounded(self, change: ColumnChange) -> Floats:
        """(t, k) rows with cells in the columns that take steps; one where there are none."""
        steps = self._stepping(change.free)
        if not steps:
            return self._past_rounding(change) if change.threshold == 0 else change.changed[None]
        trials = [change.changed, *_outwards(change.query, change.changed, self._at(steps))]
        if len(np.unique(self.owner[change.free])) > 1:
            start, changed = self._coarse_steps_first(change, steps)
            trials += _outwards(start, changed, self._at(steps))
        return np.stack([self.on_columns(z, steps) for z in trials])

    def _past_rounding(self, change: ColumnChange) -> Floats:
        """(7, k) the changed row, and a little farther: on the surface of the hull it may miss it.

        Farther on its way, and towards the middle of the training rows.
        """
        columns = self.coordinates.columns
        circles = [j for j in self.numbers if isinstance(columns[j], PeriodicColumn)]
        free = change.free & ~self._at(circles)
        ways = (change.changed - change.query, self.pattern.cloud.mean - change.changed)
        return change.changed + np.stack(
            [np.zeros_like(change.changed)]
            + [share * np.where(free, way, 0.0) for share in PAST_ROUNDING for way in ways]
        )

    def _stepping(self, free: Mask) -> list[int]:
        """The free columns whose cells are whole numbers or ranks."""
        columns = self.coordinates.columns
        return [int(j) for j in np.unique(self.owner[free]) if takes_steps(columns[int(j)])]

    def _at(self, columns: Sequence[int]) -> Mask:
        return np.asarray(np.isin(self.owner, columns))

    def _coarse_steps_first(
        self, change: ColumnChange, steps: Sequence[int]
    ) -> tuple[Floats, Floats]:
        """Round one column after the other, the one with the longest steps first.

        Up or down, whichever leaves the others the smaller change. Returns the row with these
        rounded, and with the others changed after that.
        """
        size = {j: float(self.unit_cost[self.places(j)[0]]) for j in steps}
        coarse = [j for j in sorted(steps, key=lambda j: -size[j]) if size[j] >= COARSE_STEP]
        free = [int(j) for j in np.unique(self.owner[change.free])]
        start, changed = change.query, change.changed
        for j in coarse[:MAX_COARSE_COLUMNS]:
            at = self._at([j])
            free.remove(j)
            both = [np.where(at, way(changed), start) for way in (np.floor, np.ceil)]
            trials = self.solve(np.stack([self.on_columns(z, [j]) for z in both]), [free, free])
            possible = [trial for trial in trials if trial.possible]
            if not possible:
                break
            costs = self.cost(np.stack([trial.changed for trial in possible]))
            best = possible[int(costs.argmin())]
            start, changed = best.query, best.changed
        return start, changed

    def with_cells(self, change: ColumnChange, row: Floats, band: str, cost: float) -> ColumnChange:
        """The change with the cells of a row (k,) in these coordinates, in values and in words."""
        values: dict[str, Any] = {}
        texts: list[tuple[float, str]] = []
        amounts: dict[str, float] = {}
        for j in self.unseen:
            column = self.coordinates.columns[j]
            if isinstance(column, LevelColumn) and not column.width:
                values[column.name] = column.levels[int(self.levels[j][0])]
                texts.append((np.inf, f"{column.name} to {values[column.name]!r}"))
        moved = self.unit_cost * (row - self.query)
        for j in np.unique(self.owner):
            column, places = self.coordinates.columns[j], self.places(int(j))
            size = float(np.nan_to_num(np.abs(moved[places]), nan=np.inf).max())
            if size <= SMALLEST_MOVE * max(1.0, cost):
                continue
            before, after = self.query[places], row[places]
            values[column.name] = decode(column, after)
            texts.append((size, f"{column.name} {change_text(column, before, after)}"))
            if not isinstance(column, CategoryColumn):
                amounts[column.name] = -float(column.amount(before, after, np.zeros(column.width)))
        texts.sort(key=lambda text: -text[0])
        return replace(
            change,
            values=values,
            texts=tuple(text for _, text in texts),
            amounts=amounts,
            band=band,
            cost=cost,
            is_least=self._is_least(change, row, cost),
        )

    def _is_least(self, change: ColumnChange, row: Floats, cost: float) -> bool:
        """Whether the lower bound leaves no room for a smaller change of these cells."""
        if not np.array_equal(change.query, self.query):
            return False  # other levels might need less
        length = change.upper if np.array_equal(row, change.changed) else cost
        if length <= change.lower * (1 + PROVED_WIDTH):
            return True
        steps = self._stepping(change.free)
        if len(steps) != 1 or change.free.sum() != 1:
            return False
        place = self.places(steps[0])[0]
        one_less = abs(row[place] - change.query[place]) - 1
        return bool(one_less * self.unit_cost[place] < change.lower)


def _mixture(bounds: ChangeBounds, b: int) -> tuple[Indices, Floats]:
    """The training rows that a changed row is near a mixture of, and their weights."""
    span = slice(bounds.weights.indptr[b], bounds.weights.indptr[b + 1])
    return bounds.weights.indices[span].astype(np.intp), bounds.weights.data[span]


def _outwards(start: Floats, changed: Floats, at: Mask) -> list[Floats]:
    """A changed row with what is `at` rounded away from where it started, and one step more."""
    away = np.sign(np.where(at, changed - start, 0.0))
    rounded = np.where(away > 0, np.ceil(changed), np.floor(changed))
    rounded = np.where(away != 0, rounded, changed)
    return [rounded, rounded + away]


def _turned(start: Floats, places: Indices, angles: Floats) -> Floats:
    """(s, k) copies of a row (1, k) with one circle turned by each angle."""
    rows = np.repeat(start, len(angles), axis=0)
    x, y = start[0, places]
    rows[:, places[0]] = np.cos(angles) * x - np.sin(angles) * y
    rows[:, places[1]] = np.sin(angles) * x + np.cos(angles) * y
    return rows
