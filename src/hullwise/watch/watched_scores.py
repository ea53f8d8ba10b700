"""What a watch counts: one score a row for each distance, each column, and the gaps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from .._core.types import Floats, Mask
from ..domain.fitted_table import FittedTable
from ..errors import DataError
from .urn import Urn
from .watched_rows import (
    ReferenceClass,
    WatchedRows,
    column_scores,
    group_means,
    left_out_distances,
    levels_alone,
    one_row_of_each,
    reference_classes,
    training_rows,
)

ScoreKind = Literal["hull", "neighbours", "column", "gaps"]
# The parts of the probability of a false alarm: distances see rows far out and are blind to small
# shifts of one column, columns the reverse.
SHARES_OF_ALARM = {"hull": 0.25, "neighbours": 0.25, "columns": 0.5}


@dataclass(frozen=True, eq=False)
class DistanceScore:
    """A distance of the rows of one class of gaps, or the mean distance of each of their groups."""

    name: str
    kind: ScoreKind
    rows_of: ReferenceClass

    def of(self, rows: WatchedRows, rng: np.random.Generator) -> Floats:
        """(k,) the distances of the rows, or groups, of this class."""
        values = rows.distances[self.kind]
        own = self.rows_of.holds(rows) & ~np.isnan(values)
        if rows.group is None:
            return np.asarray(values[own])
        own &= rows.group >= 0
        return group_means(values[own], rows.group[own])


@dataclass(frozen=True, eq=False)
class ColumnScore:
    """The value of a column where it has one; of each group that of a row drawn from it."""

    name: str
    fitted: FittedTable
    column: int
    kind: ScoreKind = "column"

    @cached_property
    def alone(self) -> Mask:
        """(L,) levels that one training row holds."""
        return levels_alone(self.fitted, self.column)

    def of(self, rows: WatchedRows, rng: np.random.Generator) -> Floats:
        """(k,) the values of the rows that have one."""
        values = column_scores(self.fitted, self.column, rows, self.alone)
        return _of_rows(values, rows.there[:, self.column], rows, rng)

    @property
    def reference(self) -> Floats:
        """(n,) the values of the training rows, each level looked up among the other rows."""
        rows = training_rows(self.fitted)
        values = column_scores(self.fitted, self.column, rows, self.alone)
        return _of_rows(values, rows.there[:, self.column], rows, np.random.default_rng(0))


@dataclass(frozen=True, eq=False)
class GapScore:
    """How many columns of a row are empty."""

    fitted: FittedTable
    name: str = "gaps"
    kind: ScoreKind = "gaps"

    def of(self, rows: WatchedRows, rng: np.random.Generator) -> Floats:
        """(k,) empty columns of each row, or of a row drawn from each group."""
        n_empty = (~rows.there).sum(axis=1).astype(np.float64)
        return _of_rows(n_empty, np.ones(len(rows), dtype=bool), rows, rng)

    @property
    def reference(self) -> Floats:
        """(n,) those of the training rows."""
        return self.of(training_rows(self.fitted), np.random.default_rng(0))


RowScore = DistanceScore | ColumnScore | GapScore


@dataclass(frozen=True, eq=False)
class WatchedScore:
    """A score, the urn that counts it, and its part of the probability of a false alarm."""

    score: RowScore
    urn: Urn
    weight: float

    @property
    def name(self) -> str:
        """What is watched."""
        return self.score.name

    def definition(self) -> dict[str, Any]:
        """What must not change while counts are kept; the same on every machine."""
        return {
            "name": self.name,
            "kind": self.score.kind,
            "weight": self.weight,
            "gaps": self.urn.gaps.tolist(),
        }


def watched_scores(
    fitted: FittedTable,
    watch: tuple[str, ...],
    holdout_rows: WatchedRows | None,
    rng: np.random.Generator,
) -> tuple[WatchedScore, ...]:
    """The scores of a domain with the urns of their training rows; weights add up to 1.

    Distances are those of training rows left out in turn, or of rows held out.
    """
    scores: list[WatchedScore] = []
    for part in watch:
        if part == "columns":
            own = _column_parts(fitted)
        else:
            own = _distance_parts(fitted, part, holdout_rows, rng)
        total = sum(share for _, _, share in own)
        scores += [
            WatchedScore(score, Urn.of(reference, rng), SHARES_OF_ALARM[part] * share / total)
            for score, reference, share in own
        ]
    if not scores:
        raise DataError("there is nothing to watch: no row was left out, and no column is counted.")
    total = sum(one.weight for one in scores)
    return tuple(WatchedScore(one.score, one.urn, one.weight / total) for one in scores)


Part = tuple[RowScore, Floats, float]  # a score, its reference, and its share of the weight


def _distance_parts(
    fitted: FittedTable, kind: Any, holdout_rows: WatchedRows | None, rng: np.random.Generator
) -> list[Part]:
    parts: list[Part] = []
    for one in reference_classes(fitted):
        score = DistanceScore(_name_of(fitted, kind, one), kind, one)
        if holdout_rows is None:
            reference = left_out_distances(one.reference, kind)
        else:
            reference = score.of(holdout_rows, rng)
        if len(reference) > 1:
            parts.append((score, reference, float(one.n_rows)))
    return parts


def _column_parts(fitted: FittedTable) -> list[Part]:
    columns = fitted.coordinates.columns
    scores: list[ColumnScore | GapScore] = [
        ColumnScore(column.name, fitted, j)
        for j, column in enumerate(columns)
        if fitted.filled[:, j].sum() > 1
    ]
    scores.append(GapScore(fitted))
    return [(score, score.reference, 1.0) for score in scores]


def _name_of(fitted: FittedTable, kind: str, rows_of: ReferenceClass) -> str:
    """The distance, and of which rows where there are several classes of them."""
    name = {"hull": "hull distance", "neighbours": "neighbour distance"}[kind]
    if fitted.segments is not None:
        name += f", {fitted.segments.names[rows_of.segment]}"
    if rows_of.columns is None:
        return f"{name}, rows with rare gaps"
    lacking = [c.name for c, there in zip(fitted.coordinates.columns, rows_of.columns) if not there]
    return f"{name}, rows without {', '.join(lacking)}" if lacking else name


def _of_rows(values: Floats, there: Mask, rows: WatchedRows, rng: np.random.Generator) -> Floats:
    """The values of rows that have one; where groups are counted, one of each group's."""
    own = np.flatnonzero(there)
    if rows.group is None:
        return np.asarray(values[own])
    return np.asarray(values[own[one_row_of_each(rows.group[own], rng)]])
