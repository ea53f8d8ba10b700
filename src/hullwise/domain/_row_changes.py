"""Changes of one row in the coordinates of its pattern of gaps, tried many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from .._core.types import Floats, Indices, Mask, Objects
from ..geometry.comparison import band_of_hull
from ..geometry.hull import locate_in_hull
from ..geometry.metric import Metric
from ..geometry.smallest_change import ChangeBounds, smallest_changes
from ..table.columns import CategoryColumn, LevelColumn, PeriodicColumn
from ..table.coordinates import Coordinates
from ..table.decoding import change_text, decode, level_coordinates, on_column, takes_steps
from .change import USUAL_BANDS, ColumnChange
from .gap_patterns import GapPattern

CIRCLE_STEPS = 72  # places on a circle that are tried, and again between the best two
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
    restored : tuple of int
        Constant columns in which the row differs: they get their value back with every change.
    """

    coordinates: Coordinates
    pattern: GapPattern
    query: Floats
    fixed: Mask
    restored: tuple[int, ...] = ()

    @property
    def metric(self) -> Metric:
        """In which cost and reach are measured."""
        return self.pattern.reference.metric

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

    def reach(self, Q: Floats) -> Floats:
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
        cloud, reach = self.pattern.cloud, self.reach(starts)
        return smallest_changes(cloud, self.metric, starts, free, reach)

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
            reach=float(bounds.reach[b]),
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
            best = replace(
                change,
                upper=float(upper[b]),
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

        Rounded to the nearest, outwards, and one step farther out: the least that is edge.
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
            cost = self.cost(rows)
            order = np.lexsort((cost, ~np.isin(own, USUAL_BANDS)))
            b = int(order[0]) if np.isin(own, USUAL_BANDS).any() else 0
            exact = np.array_equal(rows[b], change.changed) and own[b] == "unknown"
            settled[id(change)] = self.with_cells(
                change, rows[b], "edge" if exact else str(own[b]), float(cost[b])
            )
        return [settled.get(id(change), change) for change in changes]

    def _rounded(self, change: ColumnChange) -> Floats:
        """(t, k) rows with cells in the columns that take steps; one where there are none."""
        steps = [j for j in np.unique(self.owner[change.free]) if self._takes_steps(int(j))]
        if not steps:
            return change.changed[None]
        at = np.isin(self.owner, steps)
        away = np.sign(np.where(at, change.changed - change.query, 0.0))
        outwards = np.where(away > 0, np.ceil(change.changed), np.floor(change.changed))
        outwards = np.where(at & (away != 0), outwards, change.changed)
        trials = (change.changed, outwards, outwards + away)
        return np.stack([self.on_columns(z, steps) for z in trials])

    def _takes_steps(self, j: int) -> bool:
        return takes_steps(self.coordinates.columns[j])

    def with_cells(self, change: ColumnChange, row: Floats, band: str, cost: float) -> ColumnChange:
        """The change with the cells of a row (k,) in these coordinates, in values and in words."""
        values: dict[str, Any] = {}
        texts: list[tuple[float, str]] = []
        amounts: dict[str, float] = {}
        for j in self.restored:
            column = self.coordinates.columns[j]
            values[column.name] = decode(column, row[:0])
            texts.append((np.inf, f"{column.name} {change_text(column, row[:0], row[:0])}"))
        moved = self.metric.image((row - self.query)[None])[0]
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
        )


def _mixture(bounds: ChangeBounds, b: int) -> tuple[Indices, Floats]:
    """The training rows that a changed row is near a mixture of, and their weights."""
    span = slice(bounds.weights.indptr[b], bounds.weights.indptr[b + 1])
    return bounds.weights.indices[span].astype(np.intp), bounds.weights.data[span]


def _turned(start: Floats, places: Indices, angles: Floats) -> Floats:
    """(s, k) copies of a row (1, k) with one circle turned by each angle."""
    rows = np.repeat(start, len(angles), axis=0)
    x, y = start[0, places]
    rows[:, places[0]] = np.cos(angles) * x - np.sin(angles) * y
    rows[:, places[1]] = np.sin(angles) * x + np.cos(angles) * y
    return rows
