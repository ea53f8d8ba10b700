"""The numbers of a batch of rows that a watch counts: distances, columns, gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.types import Floats, Indices, Mask
from ..domain.domain_location import DomainLocation
from ..domain.fitted_table import FittedTable
from ..domain.gap_patterns import RARE_PATTERNS
from ..geometry.bands import Reference
from ..geometry.location import Location
from ..geometry.verdict import Verdict
from ..table.columns import LevelColumn, PeriodicColumn

DISTANCES = ("hull", "neighbours")


@dataclass(frozen=True, eq=False)
class WatchedRows:
    """Rows as a watch sees them.

    Attributes
    ----------
    values : (m, D) float64
        Coordinates, NaN in gaps.
    there : (m, C) bool
        Columns that hold something, be it a level never seen.
    unseen : (m, C) bool
        Columns that hold a level never seen.
    segment : (m,) int
    has_rare_gaps : (m,) bool
        Rows that are compared with the one class of rare gaps.
    distances : dict of str to (m,) float64
        By notion; 0 inside, infinite off the training rows' flat, NaN where a row was not located
        or holds a level never seen.
    group : (m,) int or None
        The group of each row, where whole groups are counted; -1 for rows that are not counted.
    """

    values: Floats
    there: Mask
    unseen: Mask
    segment: Indices
    has_rare_gaps: Mask
    distances: dict[str, Floats]
    group: Indices | None = None

    def __len__(self) -> int:
        return len(self.values)


def training_rows(fitted: FittedTable) -> WatchedRows:
    """The training rows; their distances are those of rows left out, and not here."""
    n = len(fitted)
    segment = np.zeros(n, dtype=np.intp)
    if fitted.segments is not None:
        segment = fitted.segments.of_level[fitted.segments.codes]
    none = np.zeros(fitted.filled.shape, dtype=bool)
    group = None if fitted.blocks is None else fitted.blocks.codes
    rare = np.zeros(n, dtype=bool)
    return WatchedRows(fitted.values, fitted.filled, none, segment, rare, {}, group)


def located_rows(location: DomainLocation) -> WatchedRows:
    """The rows of a batch that was located."""
    assert location.new_rows is not None
    fitted, table = location.new_rows.fitted, location.new_rows.table
    encoded = fitted.coordinates.encode(table)
    there = fitted.coordinates.filled(encoded.values) | encoded.unseen
    m = len(location)
    segment = np.zeros(m, dtype=np.intp)
    if location.segmented is not None:
        segment = location.segmented.segment
    distances = {notion: np.full(m, np.nan) for notion in DISTANCES}
    rare = np.zeros(m, dtype=bool)
    for part in location.parts:
        rare[part.rows] = part.pattern.rare
        for notion in DISTANCES:
            distances[notion][part.rows] = distance_of(part.location, notion)
    by_name = location.unseen.any(axis=1)  # rows alone with a level are not left out either
    for values in distances.values():
        values[by_name] = np.nan
    group = None
    if location.grouped is not None:
        codes = location.grouped.codes
        group = np.where(location.grouped.known[codes], -1, codes)
    return WatchedRows(encoded.values, there, encoded.unseen, segment, rare, distances, group)


def distance_of(location: Location, notion: str) -> Floats:
    """(m,) distances by a notion, comparable with those of rows left out."""
    if notion == "neighbours":
        return location.neighbour_distance
    # An inside row is at 1e-15 or so, where a row left out is at 0: both are 0.
    outside = np.where(location.verdict == Verdict.INSIDE, 0.0, location.upper)
    return np.where(location.off_flat, np.inf, outside)


def left_out_distances(reference: Reference, notion: str) -> Floats:
    """(r,) the same of the training rows left out; the mean of each group left out whole."""
    values = reference.gaps if notion == "neighbours" else reference.hull
    if notion == "hull":
        values = np.where(reference.off, np.inf, values)
    return values if reference.groups is None else group_means(values, reference.groups)


def group_means(values: Floats, groups: Indices) -> Floats:
    """(G,) the mean of each group's values."""
    _, own, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return np.asarray(np.bincount(own, weights=values) / sizes)


@dataclass(frozen=True, eq=False)
class ReferenceClass:
    """Training rows left out that new rows with the same gaps are compared with.

    Attributes
    ----------
    segment : int
    columns : (C,) bool or None
        The columns that they have; None for the one class of all rare gaps.
    reference : Reference
    n_rows : int
        Training rows of this class, left out or not.
    """

    segment: int
    columns: Mask | None
    reference: Reference
    n_rows: int

    def holds(self, rows: WatchedRows) -> Mask:
        """(m,) which new rows are of this class."""
        own = rows.segment == self.segment
        if self.columns is None:
            return np.asarray(own & rows.has_rare_gaps)
        return np.asarray(own & (rows.there == self.columns).all(axis=1))


def reference_classes(fitted: FittedTable) -> list[ReferenceClass]:
    """The classes of gaps, in each segment, whose rows are compared with their like.

    The 20 most frequent patterns of gaps that enough training rows have, and all rare ones as one.
    """
    watched: list[ReferenceClass] = []
    for subset in fitted.subsets:
        segment = subset.segment
        if fitted.segments is not None and segment == fitted.segments.in_all_rows:
            continue  # its rows are compared with those of all segments
        patterns, counts = np.unique(subset.filled, axis=0, return_counts=True)
        n_rare = int(counts[counts < subset.fewest_alike].sum())
        for k in np.argsort(-counts, kind="stable")[:RARE_PATTERNS].tolist():
            if counts[k] < subset.fewest_alike:
                break
            pattern = fitted.pattern(patterns[k], None, segment)
            if pattern is not None and pattern.alike and len(pattern.reference):
                watched.append(
                    ReferenceClass(segment, patterns[k], pattern.reference, int(counts[k]))
                )
        if n_rare and len(subset.rare_rows):
            watched.append(ReferenceClass(segment, None, subset.rare_reference, n_rare))
    return watched


def column_scores(fitted: FittedTable, column: int, rows: WatchedRows, alone: Mask) -> Floats:
    """(m,) one number a row for a column: its value, its angle, or its level's number.

    A level that no other training row holds ranks beyond all levels, for training rows (`alone`, by
    level) as for new ones: both are looked up among the others.
    """
    kind = fitted.coordinates.columns[column]
    block = rows.values[:, fitted.coordinates.coordinates_of(column)]
    unseen = rows.unseen[:, column]
    if not kind.width:
        return unseen.astype(np.float64)
    if isinstance(kind, PeriodicColumn):
        return np.asarray(np.arctan2(block[:, 1], block[:, 0]))
    if not isinstance(kind, LevelColumn):
        return block[:, 0]
    scores = np.full(len(rows), np.nan)
    known = rows.there[:, column] & ~unseen
    numbers = kind.level_numbers(block[known])
    scores[known] = np.where(alone[numbers], len(kind.levels), numbers) if len(alone) else numbers
    scores[unseen] = len(kind.levels)
    return scores


def levels_alone(fitted: FittedTable, column: int) -> Mask:
    """(L,) levels that exactly one training row holds; empty where the column has none."""
    kind = fitted.coordinates.columns[column]
    if not isinstance(kind, LevelColumn) or not kind.width:
        return np.zeros(0, dtype=bool)
    block = fitted.values[:, fitted.coordinates.coordinates_of(column)]
    numbers = kind.level_numbers(block[fitted.filled[:, column]])
    return np.asarray(np.bincount(numbers, minlength=len(kind.levels)) == 1)


def one_row_of_each(groups: Indices, rng: np.random.Generator) -> Indices:
    """A row drawn from each group: between groups these are exchangeable."""
    order = rng.permutation(len(groups))
    order = order[groups[order] >= 0]
    _, first = np.unique(groups[order], return_index=True)
    return np.sort(order[first])


def new_group_names(location: DomainLocation) -> list[str]:
    """The new groups of a batch that have a name."""
    assert location.new_rows is not None
    grouped, blocks = location.grouped, location.new_rows.fitted.blocks
    if grouped is None or blocks is None:
        return []
    labels = location.new_rows.table.column(grouped.column).labels(blocks.kind)
    named = {*labels.drop_null().to_pylist()}
    return sorted(named & {*grouped.names[~grouped.known].tolist()})
