"""Rows with gaps: which training rows a row is located in, and which it is compared with.

A row is located in the columns that it has. That is not a guess: in a diagonal metric the distance
to the hull's projection is the least over all ways to fill the gaps. The hull is that of all
training rows that have these columns. The rows left out are those with the same gaps, where there
are enough: the pattern is part of the row, so given the pattern a new row and these are
exchangeable, whatever makes the gaps. All patterns that too few rows have are one class together,
in which each row is measured in the columns that it has itself: that holds as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Floats, Indices, Mask, Progress
from ..geometry.bands import Reference, negligible
from ..geometry.cloud import Cloud
from ..geometry.exclusion import BlockExclusion
from ..geometry.left_out import leave_blocks_out, leave_out
from ..geometry.metric import Metric
from ..geometry.units import (
    UnitKind,
    unit_ratios,
    unit_roots,
    units_of_other_blocks,
    units_of_others,
    units_without,
)
from ..table.coordinates import Coordinates
from .row_blocks import RowBlocks, left_out_groups, sample_of_groups

if TYPE_CHECKING:
    from .row_subset import RowSubset

FEWEST_ALIKE = 20  # left-out rows, or groups, with the same gaps: with fewer, the gaps are rare
FEWEST_RARE = 10  # rows, or groups, with rare gaps: with fewer, all that have the columns
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
        Of rows with the same gaps, where `alike` is true; of rows with gaps that few have, where
        `rare` is; else of all that have these columns.
    alike, rare : bool
    segment : int
        The segment of the training rows that these are.
    """

    columns: Mask
    coordinates: Indices
    rows: Indices
    cloud: Cloud
    reference: Reference
    alike: bool
    rare: bool = False
    segment: int = 0


def left_out_pool(filled: Mask, reference: int, blocks: RowBlocks | None = None) -> Indices:
    """The training rows that may be left out, drawn without looking at anything but their gaps.

    From twice `reference` rows on at most half of the rows of each pattern of gaps, but 20 where
    there are as many, so that units can be learnt from the others; all rows where there are fewer.
    Of groups, whole ones.
    """
    n = len(filled)
    if blocks is not None:
        if blocks.forward:
            return np.flatnonzero(blocks.codes > blocks.codes.min(initial=0))
        return np.flatnonzero(np.isin(blocks.codes, left_out_groups(blocks.codes)))
    if n < 2 * reference:
        return np.arange(n)
    order = np.random.default_rng(0).permutation(n)
    patterns = [rows for _, rows in rows_by_pattern(filled)]
    pool: list[Indices] = []
    for rank, rows in enumerate(sorted(patterns, key=len, reverse=True)):
        most = reference if rank < RARE_PATTERNS else RARE_REFERENCE
        alike = order[np.isin(order, rows)]
        # half of them, but no fewer than it takes to compare rows with the same gaps
        fewest = FEWEST_ALIKE if len(alike) >= FEWEST_ALIKE else 0
        pool.append(alike[: min(most, max(len(alike) // 2, fewest))])
    return np.sort(np.concatenate(pool))


@dataclass(frozen=True, eq=False)
class LearntUnits:
    """The weight of each coordinate, fixed or learnt from rows, and how rows left out are measured.

    Attributes
    ----------
    root : (D,) float64
        Square roots of the weights, for new rows.
    own_ratio : (n, D) or (B, D) float64 or None
        What takes them to units of the others for each training row, or block of rows; None where
        the units are learnt from rows that are never left out.
    blocks : (n,) int or None
        The block of each row, where `own_ratio` has a row for each block.
    """

    root: Floats
    own_ratio: Floats | None
    blocks: Indices | None = None

    def ratios(self, rows: Indices, coordinates: Indices) -> Floats | None:
        """What takes these coordinates of these training rows to units of their others."""
        if self.own_ratio is None:
            return None
        rows = rows if self.blocks is None else self.blocks[rows]
        return np.asarray(self.own_ratio[np.ix_(rows, coordinates)])

    @classmethod
    def learn(
        cls,
        values: Floats,
        coordinates: Coordinates,
        kind: UnitKind | None,
        pool: Indices,
        blocks: RowBlocks | None = None,
    ) -> LearntUnits:
        """From the encoded rows (n, D), NaN in gaps; `kind` None keeps the data's own units."""
        n = len(values)
        if kind is None:
            fixed = coordinates.fixed_weights("std")
            return cls(np.sqrt(np.where(np.isnan(fixed), 1.0, fixed)), None)
        fixed = coordinates.fixed_weights(kind)
        root = np.sqrt(np.where(np.isnan(fixed), 1.0, fixed))
        spares = len(pool) < n and not (blocks is not None and blocks.forward)
        n_own = n if blocks is None else len(blocks)
        own_ratio = None if spares else np.ones((n_own, values.shape[1]))
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
            if own_ratio is not None and blocks is not None:
                others = units_of_other_blocks(
                    column[:, 0], kind, blocks.codes[rows], earlier=blocks.forward
                )
                ratio = unit_ratios(others[:, None], root[j : j + 1], kind)[:, 0]
                own_ratio[: len(ratio), j] = np.where(others > 0, ratio, 1.0)
            elif own_ratio is not None:
                own = units_of_others(column, kind, np.arange(len(rows)))
                own_ratio[rows, j] = unit_ratios(own, root[j : j + 1], kind)[:, 0]
        return cls(root, own_ratio, None if blocks is None else blocks.codes)


def rows_by_pattern(filled: Mask) -> list[tuple[Mask, Indices]]:
    """Each pattern of the columns (C,) that rows have, and the rows (m, C) with it, ascending."""
    if len(filled) and (filled == filled[0]).all():
        return [(filled[0], np.arange(len(filled)))]
    packed = np.packbits(filled, axis=1)
    keys = packed.view(np.dtype((np.void, packed.shape[1])))[:, 0]
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    order, counts = np.argsort(which, kind="stable"), np.bincount(which)
    return list(zip(filled[first], np.split(order, np.cumsum(counts)[:-1])))


def rows_by_segment_and_pattern(segment: Indices, filled: Mask) -> list[tuple[int, Mask, Indices]]:
    """The same for the rows of each segment (m,): its number, the pattern, and the rows."""
    parts = []
    for number in np.unique(segment).tolist():
        rows = np.flatnonzero(segment == number)
        parts += [(number, columns, rows[own]) for columns, own in rows_by_pattern(filled[rows])]
    return parts


def gap_pattern(
    subset: RowSubset,
    columns: Mask,
    measured: Reference | None = None,
    progress: Progress | None = None,
) -> GapPattern | None:
    """What rows with these columns are located in; None where no two training rows have them.

    `measured` is the reference where it is known already.
    """
    view = _view(subset, columns)
    if view is None:
        return None
    left_out, alike = rows_to_leave_out(subset, view.own, columns)
    rare = not alike and is_rare(subset, columns)
    if measured is None:
        measured = subset.rare_reference if rare else view.leave_out(left_out, progress)
    reference = replace(
        measured, metric=view.metric, negligible=negligible(view.cloud, view.metric)
    )
    return GapPattern(
        *(columns, view.places, subset.rows[view.own], view.cloud, reference),
        *(alike, rare, subset.segment),
    )


@dataclass(frozen=True, eq=False)
class _PatternView:
    """The rows of a subset that have certain columns, in these columns alone."""

    subset: RowSubset
    own: Indices
    places: Indices
    cloud: Cloud
    metric: Metric

    def leave_out(self, left_out: Indices, progress: Progress | None = None) -> Reference:
        """Rows at these places among `own`, each against the others, or those of other blocks."""
        subset, own, metric = self.subset, self.own, self.metric
        is_unit = subset.table.directions is None
        scale = subset.units.ratios(own[left_out], self.places) if is_unit else None
        n_neighbors = subset.table.n_neighbors
        if subset.blocks is None:
            return leave_out(self.cloud, metric, n_neighbors, left_out, progress, scale)
        codes = subset.blocks.codes[own]
        exclude = BlockExclusion(codes, codes[left_out], subset.blocks.forward)
        others = exclude.n_others() > 0  # a group that alone has these columns leaves no hull
        return leave_blocks_out(
            *(self.cloud, metric, n_neighbors, left_out[others], exclude[others], progress),
            own_units=None if scale is None else scale[others],
        )


def _view(subset: RowSubset, columns: Mask) -> _PatternView | None:
    """What rows with these columns see; None where no two training rows have them."""
    table = subset.table
    own = np.flatnonzero(subset.filled[:, columns].all(axis=1))
    places = np.flatnonzero(columns[table.coordinates.owner])
    if len(own) < 2 or not len(places):
        return None
    metric = table.metric_of(places, subset.units)
    if metric is None:
        return None
    rows, values = subset.rows[own], table.values
    if (len(rows), len(places)) != values.shape:  # else they stay where they are, in a file too
        values = np.ascontiguousarray(values[np.ix_(rows, places)])
    names = tuple(table.coordinates.names[j] for j in places)
    return _PatternView(subset, own, places, Cloud(values, columns=names, copy=False), metric)


def rows_to_leave_out(subset: RowSubset, own: Indices, columns: Mask) -> tuple[Indices, bool]:
    """Places among `own` of the rows that are left out, and whether they have the same gaps."""
    may_leave = subset.may_leave[own]
    same = may_leave & (subset.filled[own] == columns).all(axis=1)
    alike = subset.n_left_out(own[same]) >= subset.fewest_alike
    left_out = np.flatnonzero(same if alike else may_leave)
    blocks, reference = subset.blocks, subset.table.reference
    if blocks is not None and not blocks.forward:
        return left_out[sample_of_groups(blocks.codes[own[left_out]], reference)], alike
    return _sample(left_out, reference), alike


def _sample(rows: Indices, size: int) -> Indices:
    """At most so many of these rows, drawn without looking."""
    if len(rows) <= size:
        return rows
    return np.sort(np.random.default_rng(0).permutation(rows)[:size])


def is_rare(subset: RowSubset, columns: Mask) -> bool:
    """Whether rows with these columns are compared with all rows of rare gaps, as there are enough.

    Not where a column is empty that no training row has empty: no row is like that.
    """
    had_gaps = np.asarray(~subset.filled.all(axis=0))
    return bool(had_gaps[~columns].all()) and len(subset.rare_rows) > 0


def rows_of_rare_gaps(subset: RowSubset) -> Indices:
    """A sample of the rows with gaps that too few others have; none where these are too few too."""
    rare = [np.zeros(0, dtype=np.intp)]
    for _, rows in rows_by_pattern(subset.filled):
        own = rows[subset.may_leave[rows]]
        if subset.n_left_out(own) < subset.fewest_alike:
            rare.append(own)
    rows = np.sort(np.concatenate(rare))
    if subset.n_left_out(rows) < min(FEWEST_RARE, subset.fewest_alike):
        return rows[:0]
    if subset.blocks is not None and not subset.blocks.forward:
        return rows[sample_of_groups(subset.blocks.codes[rows], RARE_REFERENCE)]
    return _sample(rows, RARE_REFERENCE)


def reference_of_rare_gaps(subset: RowSubset) -> Reference:
    """These rows, each left out and measured in the columns that it has itself.

    Rare gaps are one class of rows, in which a new row and these are exchangeable.
    """
    parts: list[tuple[Indices, Reference]] = []
    for columns, places in rows_by_pattern(subset.filled[subset.rare_rows]):
        view, rows = _view(subset, columns), subset.rare_rows[places]
        if view is not None:
            part = view.leave_out(np.searchsorted(view.own, rows))
            parts.append((view.own[part.rows], part))
    references = [part for _, part in parts]
    groups = [part.groups for part in references if part.groups is not None]
    return Reference(
        np.concatenate([rows for rows, _ in parts]),
        np.concatenate([part.hull for part in references]),
        np.concatenate([part.off for part in references]),
        np.concatenate([part.gaps for part in references]),
        references[0].metric,
        references[0].n_neighbors,
        groups=np.concatenate(groups) if groups else None,
    )
