"""Training rows left out in turn, measured as new rows are: what distances are usual.

What a metric has learnt from rows, be it a standard deviation, it must not have learnt from the
rows that are left out, or not from the one that is measured:

- from twice as many rows as are left out on, it is learnt from the rows that are not. Given
  those, the rows left out and a new one are exchangeable and the metric is fixed, so what
  docs/bands.md states holds exactly;
- with fewer rows each row left out is measured in units of all the others. That is nearly exact
  (simulated); a metric with directions is then learnt from all rows, and nearly exact too.

Rows that come in groups are left out with their whole group: `leave_blocks_out`.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from .._core.options import check_int
from .._core.types import Floats, Indices, Mask, Progress
from ..errors import DataError
from ._flat import GRAM_RANK_TOLERANCE
from .bands import Reference, negligible
from .cloud import Cloud
from .exclusion import BlockExclusion
from .hull import reference_distances
from .metric import Metric, metric_of_units
from .neighbours import reference_gaps
from .optional_parts import OptionalParts
from .units import UnitKind, unit_ratios, units_of_others, units_without


@runtime_checkable
class MetricOfRows(Protocol):
    """A metric as a function of the rows that it is learnt from; see `MetricLearner`."""

    n: int
    text: str

    def from_all(self) -> Any:
        """The metric learnt from all rows."""
        ...

    def without(self, left_out: Any) -> Any:
        """The metric learnt from all rows but these."""
        ...


MetricLike = ArrayLike | str | Metric | MetricOfRows | None


def rows_left_out(cloud: Cloud, size: int) -> Indices:
    """The seeded rows that a reference of this size leaves out, ascending; none of one row."""
    rows = cloud.sample(check_int("reference", size, 0))
    return rows if cloud.n > 1 else rows[:0]


def can_spare(cloud: Cloud, rows: Indices) -> bool:
    """Whether enough other rows remain to learn a metric from them alone."""
    return 0 < len(rows) <= cloud.n - len(rows)


def metric_for(cloud: Cloud, metric: MetricLike, rows: Indices) -> Metric:
    """The metric in which new rows, and these that are left out, are measured.

    Raises
    ------
    DataError
        The metric cannot be used for this cloud.
    """
    if isinstance(metric, Metric):
        return metric
    splits = can_spare(cloud, rows)
    if isinstance(metric, MetricOfRows):
        if metric.n != cloud.n:
            raise DataError(f"the metric is learnt from {metric.n} rows, X has {cloud.n}.")
        learnt = metric.without(rows) if splits else metric.from_all()
        return cloud.metric(learnt)
    if not splits or not isinstance(metric, str) or metric not in ("std", "range"):
        return cloud.metric(metric)
    kind: UnitKind = "std" if metric == "std" else "range"

    def learn() -> Metric:
        units = units_without(cloud, kind, rows)
        return metric_of_units(kind, units, f" over the {cloud.n - len(rows):,} rows not left out")

    return cloud.cached(("metric", metric, len(rows)), learn)


def leave_out(
    cloud: Cloud,
    metric: Metric,
    n_neighbors: int,
    rows: Indices,
    progress: Progress | None = None,
    own_units: Floats | None = None,
) -> Reference:
    """Leave training rows out, one at a time, and measure how far out they are.

    `metric` is that of `metric_for` and these rows; `own_units` (len(rows), d) are the ratios of
    `own_unit_ratios` where the caller knows them better. O(len(rows) n d) for each pass over the
    data, as for so many queries.
    """
    if not len(rows):
        return Reference.empty(metric, n_neighbors)
    if own_units is None:
        own_units = own_unit_ratios(cloud, metric, rows)
    return Reference(
        rows,
        reference_distances(cloud, metric, rows, progress, own_units),
        cloud.flat.spanned_by_one(cloud.take(rows), cloud.n),
        reference_gaps(cloud, metric, n_neighbors, rows, own_units),
        metric,
        n_neighbors,
        negligible(cloud, metric),
    )


def leave_blocks_out(
    cloud: Cloud,
    metric: Metric,
    n_neighbors: int,
    rows: Indices,
    exclude: BlockExclusion,
    progress: Progress | None = None,
    own_units: Floats | None = None,
) -> Reference:
    """Leave whole blocks of training rows out and measure some rows of each.

    `rows` (r,) are measured, each against the hull of the rows outside its own block (of earlier
    blocks only, where `exclude` leaves later ones out too); at least one row must be. With
    `own_units` (r, d) each is measured in multiples of the metric's units. Without later blocks the
    reference holds the groups, so that each group counts alike in percentiles.
    O(r n d) for each pass over the data.
    """
    if not len(rows):
        return Reference.empty(metric, n_neighbors)
    return Reference(
        rows,
        reference_distances(cloud, metric, rows, progress, own_units, exclude),
        off_flat_of_other_blocks(cloud, rows, exclude),
        reference_gaps(cloud, metric, n_neighbors, rows, own_units, exclude),
        metric,
        n_neighbors,
        negligible(cloud, metric),
        None if exclude.later else exclude.own,
    )


def off_flat_of_other_blocks(cloud: Cloud, rows: Indices, exclude: BlockExclusion) -> Mask:
    """(r,) which of these rows leave the flat of all rows outside their block; O(n d^2).

    In coordinates in which all rows are round, the rows outside a block span the whole flat where
    the Gram matrix of their differences has full rank beyond doubt; else their own flat is sought.
    """
    flat = cloud.flat
    off = np.zeros(len(rows), dtype=bool)
    X = cloud.take(np.arange(cloud.n))
    Y = (flat.frame.map(X) - flat.mean) @ flat.basis
    for block in np.unique(exclude.own):
        queries = np.flatnonzero(exclude.own == block)
        others = ~exclude[queries[:1]].mask(0, cloud.n)[0]
        Z = Y[others] - Y[others].mean(axis=0)
        spread = np.linalg.eigvalsh(Z.T @ Z / len(Z))
        if len(Z) <= flat.rank or spread[0] <= GRAM_RANK_TOLERANCE * spread[-1]:
            rest = Cloud(X[others], copy=False)
            off[queries] = np.isinf(rest.flat.mahalanobis(X[rows[queries]]))
    return off


def own_unit_ratios(cloud: Cloud, metric: Metric, rows: Indices) -> Floats | None:
    """(r, d) what takes the metric's units to those of the others, for each row left out.

    None where the metric is fixed, or learnt from the rows that are not left out.
    """
    kind = metric.learnt_units
    if kind is None or not len(rows) or can_spare(cloud, rows):
        return None
    X = cloud.take(np.arange(cloud.n))
    return unit_ratios(units_of_others(X, kind, rows), metric.root, kind)


def reference_for(
    cloud: Cloud,
    metric: MetricLike,
    n_neighbors: int,
    reference: int | Reference,
    optional: OptionalParts,
) -> Reference:
    """The rows left out in turn: measured now, or before with the same metric.

    Where they cannot be measured, none, with a note in `optional`.

    Raises
    ------
    DataError
        A reference from before was measured with something else.
    """
    if not isinstance(reference, Reference):
        rows = rows_left_out(cloud, reference)
        chosen = metric_for(cloud, metric, rows)
        return optional.compute(
            "the reference (training rows left out in turn) was",
            lambda: cloud.cached(
                ("reference", n_neighbors, len(rows)),
                lambda: leave_out(cloud, chosen, n_neighbors, rows, optional.progress),
                chosen,
            ),
            Reference.empty(chosen, n_neighbors),
        )
    chosen = metric_for(cloud, metric, reference.rows)
    if not reference.metric.equals(chosen) or reference.n_neighbors != n_neighbors:
        raise DataError(
            f"the reference was measured with n_neighbors={reference.n_neighbors} and the "
            f"metric '{reference.metric.text}'; this call has n_neighbors={n_neighbors} and "
            f"'{chosen.text}'. Pass a number of rows to measure a new one."
        )
    return reference
