"""The convex hull of a cloud: verdicts, distances and their proofs, in the data's own units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from .._core.results import scatter, scatter_sparse
from .._core.rounding import UNIT_ROUNDOFF
from .._core.types import Floats, Indices, Mask, Progress
from ._certificates import Certificates
from .cloud import Cloud
from .exclusion import Exclusion
from .hull_projection import project, query_blocks
from .metric import Metric
from .verdict import Status, Verdict


@dataclass(frozen=True, eq=False)
class HullResult:
    """Verdicts and proofs of m queries, in the metric and in the data's own units."""

    verdict: np.ndarray[Any, np.dtype[np.int8]]  # (m,)
    lower: Floats  # (m,)
    upper: Floats  # (m,)
    weights: csr_array  # (m, n)
    direction: Floats  # (m, d)
    nearest: Floats  # (m, d)
    residual: Floats  # (m, d)
    status: np.ndarray[Any, np.dtype[np.object_]]  # (m,)

    @property
    def ranked_distance(self) -> Floats:
        """(m,) the distance to rank a query by: 0 inside and on the boundary, else `upper`."""
        inside = (self.verdict == Verdict.INSIDE) | (self.status == Status.BOUNDARY)
        return np.where(inside, 0.0, self.upper)

    def take(self, rows: Indices) -> HullResult:
        """The answers for some of the queries."""
        return HullResult(
            self.verdict[rows],
            self.lower[rows],
            self.upper[rows],
            csr_array(self.weights[rows]),
            self.direction[rows],
            self.nearest[rows],
            self.residual[rows],
            self.status[rows],
        )

    def scatter(self, where: Mask) -> HullResult:
        """The same answers for the queries at `where`; the others claim nothing."""
        return HullResult(
            scatter(self.verdict, where, Verdict.UNDECIDED),
            scatter(self.lower, where, 0.0),
            scatter(self.upper, where, np.inf),
            scatter_sparse(self.weights, where),
            scatter(self.direction, where, 0.0),
            scatter(self.nearest, where, np.nan),
            scatter(self.residual, where, np.nan),
            scatter(self.status, where, Status.NOT_LOCATED),
        )


def locate_in_hull(
    cloud: Cloud,
    Q: Floats,
    metric: Metric,
    *,
    membership_only: bool = False,
    tolerance: float = 1e-12,
    max_seconds: float | None = None,
    progress: Progress | None = None,
) -> HullResult:
    """Verdict, certified bracket and proofs for each row of Q (m, d).

    `tolerance` is relative to each feature's own range; `max_seconds` bounds the search. The cost
    is one pass O(m n d) over the data for each round (1 to 10 of them), and O(m d^3) at most
    between.
    """
    limits = (1000, np.inf if max_seconds is None else monotonic() + max_seconds)
    # inside or outside does not depend on the units of the features, so membership may use any
    columnwise = membership_only and metric.scales_columns
    view = cloud.columnwise_view if columnwise else cloud.view_in(metric)
    frame = view.frame
    result = _empty_result(Q, membership_only)
    combinations = []
    for at in query_blocks(*Q.shape):
        report = _shifted_progress(progress, at.start, len(Q))
        Zq, exponents = frame.map_queries(Q[at])
        projection = project(
            view, Zq, exponents, membership=membership_only, limits=limits, progress=report
        )
        certificates = Certificates(cloud, Q[at], metric, frame, projection, tolerance)
        if not membership_only and metric.scales_columns:
            certificates.resolve_open(limits)
        certificates.decide(limits[1])
        result.verdict[at], result.status[at] = certificates.verdict, certificates.status
        if result.direction.dtype == np.float32 and not certificates.round_directions():
            result = replace(result, direction=result.direction.astype(np.float64))
        result.lower[at], result.upper[at] = certificates.lower, certificates.upper
        result.direction[at] = certificates.direction
        if not membership_only:
            result.residual[at] = certificates.residual
            np.add(Q[at], certificates.residual, out=result.nearest[at])
        combinations.append(certificates.convex_combinations())
    return replace(result, weights=_stack_weights(combinations, (len(Q), cloud.n)))


def _shifted_progress(progress: Progress | None, start: int, total: int) -> Callable[[int], Any]:
    return lambda n_done: progress and progress(start + n_done, total, "hull")


def _empty_result(Q: Floats, membership_only: bool) -> HullResult:
    """Room for the result; where no nearest point is sought one shared NaN takes no memory."""
    m = len(Q)
    is_short = membership_only and Q.dtype == np.float32
    nothing = np.broadcast_to(np.nan, Q.shape)
    return HullResult(
        verdict=np.zeros(m, np.int8),
        lower=np.zeros(m),
        upper=np.zeros(m),
        weights=csr_array((m, 0)),
        direction=np.zeros(Q.shape, dtype=np.float32 if is_short else np.float64),
        nearest=nothing if membership_only else np.zeros(Q.shape),
        residual=nothing if membership_only else np.zeros(Q.shape),
        status=np.full(m, None, dtype=object),
    )


def _stack_weights(
    combinations: list[tuple[Indices, Indices, Floats]], shape: tuple[int, int]
) -> csr_array:
    """One sparse matrix from blocks of (support sizes, rows, weights)."""
    if not combinations:
        return csr_array(shape)
    counts, rows, weights = (np.concatenate(part) for part in zip(*combinations))
    W = csr_array((weights, rows, np.concatenate([[0], np.cumsum(counts)])), shape=shape)
    W.sort_indices()
    return W


def reference_distances(
    cloud: Cloud,
    metric: Metric,
    rows: Indices,
    progress: Progress | None = None,
    scale: Floats | None = None,
    exclude: Exclusion | None = None,
) -> Floats:
    """Distance of each of these training rows to the hull of all the *other* rows, (len(rows),).

    The yardstick for new rows: a new row that is no farther out than these is as far out as
    training rows themselves are. `scale` (len(rows), d) measures each in units of its own, as
    multiples of those of a diagonal metric; `exclude` leaves other rows out than each row itself.
    Cost as for `locate_in_hull` of len(rows) queries.
    """
    if cloud.n < 2:
        return np.zeros(0)
    view = cloud.view_in(metric)
    frame = view.frame
    length = np.zeros(len(rows))
    for at in query_blocks(len(rows), cloud.d):
        report = _shifted_progress(progress, at.start, len(rows))
        Zq = frame.map(cloud.take(rows[at]))
        own = None if scale is None else scale[at]
        left_out = rows[at] if exclude is None else exclude[at]
        projection = project(view, Zq, exclude=left_out, scale=own, progress=report)
        touching = (projection.lower <= 0) & (projection.upper <= 64 * UNIT_ROUNDOFF * frame.rank)
        length[at] = np.where(touching, 0.0, projection.upper)
    return frame.distance(length)
