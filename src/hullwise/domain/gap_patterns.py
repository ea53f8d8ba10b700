"""Rows with gaps: which training rows a row is located in, and which it is compared with.

A row is located in the columns that it has. That is not a guess: in a diagonal metric the distance
to the hull's projection is the least over all ways to fill the gaps. The hull is that of all
training rows that have these columns. The rows left out are those with the same gaps, where there
are enough: the pattern is part of the row, so given the pattern a new row and these are
exchangeable, whatever makes the gaps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Floats, Indices, Mask, Progress
from ..geometry.bands import Reference
from ..geometry.cloud import Cloud
from ..geometry.left_out import leave_out
from ..geometry.metric import Metric
from ..geometry.units import UnitKind, unit_ratios, unit_roots, units_of_others, units_without
from ..table.coordinates import Coordinates

if TYPE_CHECKING:
    from .fitted_table import FittedTable

FEWEST_ALIKE = 20  # left-out rows with the same gaps: with fewer, all that have the columns are
RARE_PATTERNS = 20  # patterns beyond these get a smaller reference
RARE_REFERENCE = 100


@dataclass(frozen=True, eq=False)
class GapPattern:
    """The training rows as rows with certain columns see them.

    Attributes
    ----------
    columns : (C,) bool
        The columns that such rows have.
    coordinates : (k,) int
        Their coordinates.
    rows : (n,) int
        The training rows that have these columns: those of `cloud`.
    cloud : Cloud
    reference : Reference
        Of rows with the same gaps, where `alike` is true.
    alike : bool
    """

    columns: Mask
    coordinates: Indices
    rows: Indices
    cloud: Cloud
    reference: Reference
    alike: bool


def left_out_pool(filled: Mask, reference: int) -> Indices:
    """The training rows that may be left out, drawn without looking at anything but their gaps.

    From twice `reference` rows on at most half of the rows of each pattern of gaps, so that units
    can be learnt from the others; all rows where there are fewer.
    """
    n = len(filled)
    if n < 2 * reference:
        return np.arange(n)
    order = np.random.default_rng(0).permutation(n)
    patterns, which = np.unique(filled, axis=0, return_inverse=True)
    counts = np.bincount(which, minlength=len(patterns))
    pool: list[Indices] = []
    for rank, pattern in enumerate(np.argsort(-counts, kind="stable")):
        most = reference if rank < RARE_PATTERNS else RARE_REFERENCE
        alike = order[which[order] == pattern]
        pool.append(alike[: min(most, len(alike) // 2)])
    return np.sort(np.concatenate(pool))


@dataclass(frozen=True, eq=False)
class LearntUnits:
    """The weight of each coordinate, fixed or learnt from rows, and how rows left out are measured.

    Attributes
    ----------
    root : (D,) float64
        Square roots of the weights, for new rows.
    own_ratio : (n, D) float64 or None
        What takes them to units of the others for each training row; None where the units are
        learnt from rows that are never left out.
    """

    root: Floats
    own_ratio: Floats | None

    @classmethod
    def learn(
        cls, values: Floats, coordinates: Coordinates, kind: UnitKind | None, pool: Indices
    ) -> LearntUnits:
        """From the encoded rows (n, D), NaN in gaps; `kind` None keeps the data's own units."""
        n = len(values)
        if kind is None:
            fixed = coordinates.fixed_weights("std")
            return cls(np.sqrt(np.where(np.isnan(fixed), 1.0, fixed)), None)
        fixed = coordinates.fixed_weights(kind)
        root = np.sqrt(np.where(np.isnan(fixed), 1.0, fixed))
        spares = len(pool) < n
        own_ratio = None if spares else np.ones(values.shape)
        for j in np.flatnonzero(np.isnan(fixed)):
            rows = np.flatnonzero(~np.isnan(values[:, j]))
            column = values[rows, j : j + 1]
            if len(rows) < 3:
                continue
            left_out = np.flatnonzero(np.isin(rows, pool)) if spares else rows[:0]
            cloud = Cloud(column, copy=False)
            if len(left_out) and len(left_out) < len(rows) - 2:
                units = units_without(cloud, kind, left_out)
            else:
                units = cloud.spread if kind == "std" else cloud.maximum / 2 - cloud.minimum / 2
            root[j] = unit_roots(kind, units)[0]
            if own_ratio is not None:
                own = units_of_others(column, kind, np.arange(len(rows)))
                own_ratio[rows, j] = unit_ratios(own, root[j : j + 1], kind)[:, 0]
        return cls(root, own_ratio)


def gap_pattern(
    table: FittedTable,
    columns: Mask,
    measured: Reference | None = None,
    progress: Progress | None = None,
) -> GapPattern | None:
    """What rows with these columns are located in; None where no two training rows have them.

    `measured` is the reference where it is known already.
    """
    rows = np.flatnonzero(table.filled[:, columns].all(axis=1))
    places = np.flatnonzero(columns[table.coordinates.owner])
    if len(rows) < 2 or not len(places):
        return None
    names = tuple(table.coordinates.names[j] for j in places)
    values = np.ascontiguousarray(table.values[np.ix_(rows, places)])
    cloud = Cloud(values, columns=names, copy=False)
    metric = Metric(table.units.root[places], None, None, table.metric_text)
    may_leave = np.isin(rows, table.pool) & ~table.alone_with_a_level[rows]
    same = (table.filled[rows] == columns).all(axis=1)
    alike = int((may_leave & same).sum()) >= FEWEST_ALIKE
    left_out = np.flatnonzero(may_leave & same if alike else may_leave)
    if len(left_out) > table.reference:
        order = np.random.default_rng(0).permutation(left_out)
        left_out = np.sort(order[: table.reference])
    own_ratio = table.units.own_ratio
    scale = None if own_ratio is None else own_ratio[np.ix_(rows[left_out], places)]
    if measured is None:
        measured = leave_out(cloud, metric, table.n_neighbors, left_out, progress, scale)
    return GapPattern(columns, places, rows, cloud, replace(measured, metric=metric), alike)
