"""From a projection in some frame to certificates in the data's own units, and to a verdict.

Here a lower bound becomes a unit direction in the metric, a support becomes weights with a
residual that is computed anew from the rows as they are stored, and the cases that floating point
leaves open are settled: by each feature's own scale, by the range of a single feature, by a simplex
of large volume around the query, or by exact arithmetic.
"""

from __future__ import annotations

from functools import partial
from time import monotonic
from typing import Any

import numpy as np

from .._core.rounding import UNIT_ROUNDOFF
from .._core.types import Floats, Indices, Mask
from ._exact_membership import MAX_EXACT_ROWS, is_convex_combination
from ._interior_simplex import PUSH_FRACTIONS, interior_simplices
from .cloud import SUBNORMAL_SLACK, Cloud
from .hull_projection import Projection, Termination, pad_columns, project
from .metric import Metric, row_norms
from .neighbours import nearest_rows
from .optional_parts import attempt
from .scaling import Frame
from .verdict import Status, Verdict


class Certificates:
    """The proofs for a block of queries, on their way from a frame to the data's own units."""

    def __init__(
        self,
        cloud: Cloud,
        Q: Floats,
        metric: Metric,
        frame: Frame,
        projection: Projection,
        tolerance: float,
    ) -> None:
        self.cloud, self.Q, self.metric = cloud, Q, metric
        self.rows, self.weights = projection.rows, projection.weights
        self.termination = projection.termination.copy()
        self.lower, self.direction = separator_in_metric(cloud, Q, metric, frame, projection)
        self.residual, self.upper = self._evaluate_combinations(np.arange(len(Q)))
        self.allowed = cloud.resolution(tolerance)
        self._separate_by_range(metric)

    def _evaluate_combinations(self, queries: Indices) -> tuple[Floats, Floats]:
        """sum w_i (x_i - q) and an upper bound on its length, from the weights and rows alone."""
        d = self.cloud.d
        residual, upper = np.full((len(queries), d), np.nan), np.full(len(queries), np.inf)
        width = self.rows.shape[1]
        supported = np.flatnonzero((self.rows[queries] >= 0).any(axis=1))
        block = max(1, (1 << 18) // max(1, width * d))
        for start in range(0, len(supported), block):
            at = supported[start : start + block]
            rows, w = self.rows[queries[at]], self.weights[queries[at]]
            X = self.cloud.take(np.maximum(rows, 0).ravel()).reshape(len(at), width, d)
            with np.errstate(over="ignore", invalid="ignore"):
                Y = X - self.Q[queries[at], None, :]
                w = w / w.sum(axis=1, keepdims=True)
                residual[at] = np.einsum("bs,bsd->bd", w, Y)
                each_way = np.einsum("bs,bsd->bd", w, np.abs(Y))
            spread = row_norms(self.metric.image_of_sizes(each_way))
            error = 8 * (width + d + 10) * UNIT_ROUNDOFF * spread
            length = self.metric.norm(residual[at]) * (1 + 8 * UNIT_ROUNDOFF) + error
            length = np.nan_to_num(length, nan=np.inf) + SUBNORMAL_SLACK
            upper[at] = np.where(each_way.any(axis=1), length, 0.0)
        return residual, upper

    def _separate_by_range(self, metric: Metric) -> None:
        """A feature outside its range is a separator that needs no rounding bound."""
        if metric.factor is not None:
            return
        excess = np.maximum(self.Q - self.cloud.maximum, self.cloud.minimum - self.Q)
        excess = np.where(metric.root > 0, excess, -1.0) * metric.root
        feature = excess.argmax(axis=1)
        largest = excess[np.arange(len(feature)), feature] * (1 - 4 * UNIT_ROUNDOFF)
        for b in np.flatnonzero(largest > self.lower):
            j = feature[b]
            self.lower[b] = largest[b]
            self.direction[b] = 0
            is_above = self.Q[b, j] > self.cloud.maximum[j]
            self.direction[b, j] = (1 if is_above else -1) / metric.root[j]

    def residual_within_tolerance(self) -> Mask:
        """Whether the combination agrees with the query in all that the metric sees, (m,)."""
        with np.errstate(invalid="ignore"):
            slack = self.allowed + 8 * UNIT_ROUNDOFF * np.abs(self.Q)
            residual = np.abs(self.metric.image(self.residual))
            return np.asarray((residual <= self.metric.image_of_sizes(slack)).all(axis=1))

    def resolve_open(self, limits: tuple[int, float]) -> None:
        """Project once more, each feature in its own scale, where one for all shows too little."""
        open_ = np.flatnonzero((self.lower <= 0) & ~self.residual_within_tolerance())
        if not open_.size:
            return
        view = self.cloud.columnwise_view
        frame = view.frame
        projection = project(view, frame.map(self.Q[open_]), membership=True, limits=limits)
        lower, direction = separator_in_metric(
            self.cloud, self.Q[open_], self.metric, frame, projection
        )
        separated = lower > self.lower[open_]
        self.lower[open_[separated]] = lower[separated]
        self.direction[open_[separated]] = direction[separated]
        self._replace_combinations(
            open_,
            projection.rows,
            projection.weights,
            lambda queries: self.residual_within_tolerance()[queries],
        )

    def _replace_combinations(
        self, queries: Indices, rows: Indices, weights: Floats, is_better: Any
    ) -> Mask:
        """Put in other combinations where `is_better(queries)` then holds; which they are."""
        width = max(rows.shape[1], self.rows.shape[1])
        self.rows = pad_columns(self.rows, width, -1)
        self.weights = pad_columns(self.weights, width, 0)
        parts = (self.rows, self.weights, self.residual, self.upper)
        before = [part[queries] for part in parts]
        self.rows[queries] = pad_columns(rows, width, -1)
        self.weights[queries] = pad_columns(weights, width, 0)
        self.residual[queries], self.upper[queries] = self._evaluate_combinations(queries)
        replaced: Mask = is_better(queries)
        for part, old in zip(parts, before):
            part[queries[~replaced]] = old[~replaced]
        return replaced

    def decide(self, deadline: float) -> None:
        """The verdict from the two bounds; where both vanish, the sign from exact arithmetic."""
        # among subnormals a product is right to a step only; elsewhere this changes nothing
        lower = np.minimum(self.lower, self.upper) - SUBNORMAL_SLACK
        self.lower = np.where(self.lower > 0, np.maximum(lower, SUBNORMAL_SLACK / 16), 0.0)
        out_of_budget = self.termination == Termination.BUDGET
        status = np.full(len(out_of_budget), Status.STALLED, dtype=object)
        status[out_of_budget] = Status.BUDGET
        within = self.residual_within_tolerance()
        outside = self.lower > 0
        status[outside & ~out_of_budget] = Status.OUTSIDE
        status[outside & (self.termination == Termination.STALLED)] = Status.LOOSE
        verdict = np.where(outside, Verdict.OUTSIDE, Verdict.UNDECIDED).astype(np.int8)
        doubtful = np.flatnonzero(~outside & within)
        interior = self._is_interior(doubtful)
        status[doubtful[interior]] = Status.INSIDE
        self.match_training_rows(doubtful[~interior])
        for b in doubtful[~interior]:
            status[b] = self.exact_recheck(int(b))
        self.prove_interior(np.flatnonzero(status == Status.BOUNDARY), status, deadline)
        for b in doubtful:
            if status[b] in (Status.INSIDE, Status.WITHIN):
                verdict[b] = Verdict.INSIDE
        self.verdict, self.status = verdict, status

    def _is_interior(self, queries: Indices) -> Mask:
        """Whether a ball around the combination, larger than the residual, lies in its simplex.

        With d + 1 rows and all weights positive, the distance to facet i is w_i times the
        altitude of vertex i. If the least of these exceeds the residual, the query is inside,
        exactly. Everything is measured with each feature in its own unit.
        """
        interior = np.zeros(len(queries), dtype=bool)
        count = (self.rows[queries] >= 0).sum(axis=1)
        simplices = np.flatnonzero(count == self.cloud.d + 1)
        frame = self.cloud.columnwise_view.frame
        block = max(1, (1 << 20) // (self.cloud.d + 1) ** 2)
        for start in range(0, len(simplices), block):
            at = queries[simplices[start : start + block]]
            k = self.cloud.d + 1
            rows, w = self.rows[at, :k], self.weights[at, :k]
            Z = frame.map(self.cloud.take(rows.ravel())).reshape(len(at), k, k - 1)
            Z = Z - frame.map(self.Q[at])[:, None, :]
            A = np.concatenate([Z, np.ones((len(at), k, 1))], axis=2)
            inverse = _inverses(A)
            with np.errstate(all="ignore"):
                gradient = np.sqrt(np.einsum("bdk,bdk->bk", inverse[:, :-1], inverse[:, :-1]))
                radius = (w / gradient).min(axis=1)
                error = np.sqrt(np.square(np.einsum("bs,bsd->bd", w, Z)).sum(axis=1)) + 1e-14 * k
                condition = np.abs(A).max(axis=(1, 2)) * np.abs(inverse).max(axis=(1, 2)) * k
                interior[simplices[start : start + block]] = (condition < 1e9) & (
                    radius > 16 * error
                )
        return interior

    def match_training_rows(self, queries: Indices) -> None:
        """A query that is a training row is that row, however many others lie within rounding."""
        if not queries.size:
            return
        neighbours = attempt(
            lambda: nearest_rows(self.cloud, self.Q[queries], self.metric, 1), None
        )
        if neighbours is None:
            return
        nearest = neighbours.rows[:, 0]
        equal = (self.cloud.take(nearest) == self.Q[queries]).all(axis=1)
        matched = queries[equal]
        self.rows[matched], self.weights[matched] = -1, 0.0
        self.rows[matched, 0], self.weights[matched, 0] = nearest[equal], 1.0
        self.residual[matched], self.upper[matched] = 0.0, 0.0

    def exact_recheck(self, b: int) -> Status:
        """The status of query b, whose residual is within the tolerance, by exact arithmetic."""
        rows = self.rows[b][self.rows[b] >= 0]
        if len(rows) <= MAX_EXACT_ROWS and is_convex_combination(self.cloud.take(rows), self.Q[b]):
            return Status.INSIDE
        d, rank = self.cloud.d, self.cloud.known_rank
        is_flat = self.metric.rank < d or (rank is not None and rank < d)
        return Status.WITHIN if is_flat else Status.BOUNDARY

    def prove_interior(self, boundary: Indices, status: Any, deadline: float) -> None:
        """A combination on a thin face may lie deep inside: look for a large simplex around it."""
        if not boundary.size:
            return
        heaviest = self.rows[boundary, self.weights[boundary].argmax(axis=1)]
        for push in PUSH_FRACTIONS:
            retry = np.arange(len(boundary))
            # a simplex through both ends of a thin support is flat: the second try avoids one end
            for avoid in (None, heaviest):
                if not retry.size or monotonic() > deadline:
                    break
                excluded = None if avoid is None else avoid[retry]
                queries = self.Q[boundary[retry]]
                nothing = np.full((len(retry), 1), -1), np.zeros((len(retry), 1))
                rows, weights = attempt(
                    partial(interior_simplices, self.cloud, queries, push, excluded), nothing
                )
                retry, rows, weights = _select(rows[:, 0] >= 0, retry, rows, weights)
                proven = self._replace_combinations(
                    boundary[retry], rows, weights, self._is_interior
                )
                status[boundary[retry[proven]]] = Status.INSIDE
                retry = retry[~proven]
            boundary, heaviest = _select(status[boundary] != Status.INSIDE, boundary, heaviest)

    def round_directions(self) -> bool:
        """Round the directions to float32 and take what that may cost off the lower bounds.

        False, and nothing changed, where some bound is too small for that.
        """
        farthest = _farthest_row_bound(self.cloud, self.Q, self.metric)
        with np.errstate(over="ignore", invalid="ignore"):
            rounded = self.direction.astype(np.float32).astype(np.float64)
            loss = 2 * self.metric.norm(self.direction - rounded) * farthest
            lower = np.where(self.lower > 0, self.lower - loss, 0.0)
        if not (lower[self.lower > 0] > 0).all():
            return False
        self.lower, self.direction = lower, rounded
        return True

    def convex_combinations(self) -> tuple[Indices, Indices, Floats]:
        """The combinations, flat: support sizes, rows and normalised weights."""
        used = self.rows >= 0
        total = self.weights.sum(axis=1, keepdims=True)
        weights = self.weights / np.where(total > 0, total, 1.0)
        return used.sum(axis=1), self.rows[used], weights[used]


def separator_in_metric(
    cloud: Cloud, Q: Floats, metric: Metric, frame: Frame, projection: Projection
) -> tuple[Floats, Floats]:
    """Lower bounds and unit directions of a projection in a frame, as ones in the metric.

    In the frame <u, z(q) - z(x)> >= lower |u| for every row; v with M v proportional to the same
    functional and |v|_M = 1 says it in the metric: <v, q - x>_M >= the bound returned.
    """
    U = projection.direction
    if metric.factor is not None and metric.inverse is not None:
        V = U @ metric.inverse.T
        V += (U - metric.image(V)) @ metric.inverse.T
        # L v is u only up to the condition of L: the difference is taken off the bound
        rounding = 8 * UNIT_ROUNDOFF * row_norms(metric.image_of_sizes(np.abs(V)))
        farthest = _farthest_row_bound(cloud, Q, metric)
        loss = 2 * (row_norms(U - metric.image(V)) + rounding) * farthest
        lower = (frame.distance(projection.lower) - loss) * (1 - 8 * UNIT_ROUNDOFF)
        return np.maximum(lower, 0.0), V / metric.norm(V)[:, None]
    safe_root = np.where(metric.root > 0, metric.root, 1.0)
    T = np.where(metric.root > 0, U * (frame.factor / safe_root), 0.0)
    length = np.sqrt(np.einsum("ij,ij->i", T, T))
    is_valid = length > 0
    length = np.where(is_valid, length, 1.0)
    lower = projection.lower / length / frame.prescale * (1 - 8 * UNIT_ROUNDOFF)
    return np.where(is_valid, lower, 0.0), T / length[:, None] / safe_root


def _farthest_row_bound(cloud: Cloud, Q: Floats, metric: Metric) -> Floats:
    """Bound on the distance of each query from every row, (m,)."""
    reach = np.maximum(cloud.maximum - cloud.centre, cloud.centre - cloud.minimum)
    return row_norms(metric.image_of_sizes(np.abs(Q - cloud.centre) + reach))


def _inverses(A: Floats) -> Floats:
    """The inverse of each matrix; NaN where there is none."""
    try:
        return np.asarray(np.linalg.inv(A))
    except np.linalg.LinAlgError:
        if len(A) == 1:
            return np.full(A.shape, np.nan)
        return np.concatenate([_inverses(matrix[None]) for matrix in A])


def _select(mask: Mask, *parts: Any) -> Any:
    return tuple(part[mask] for part in parts)
