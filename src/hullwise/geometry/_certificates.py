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
from .._core.types import Floats, Indices, Ints, Mask
from ._exact_membership import MAX_EXACT_ROWS, is_convex_combination
from ._interior_simplex import PUSH_FRACTIONS, interior_simplices
from .block_floats import (
    LEAST_NORMAL,
    SUBNORMAL_STEP,
    float_above,
    float_below,
    row_norms,
    with_row_exponents,
)
from .cloud import Cloud
from .hull_projection import Projection, Termination, pad_columns, project
from .metric import Metric
from .neighbours import nearest_rows
from .optional_parts import attempt
from .scaling import Frame
from .verdict import Status, Verdict

WEIGHT_ROUNDING = 1e-12  # a row with no more weight is not needed for a simplex around a query


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
            Y = X - self.Q[queries[at], None, :]
            w = w / w.sum(axis=1, keepdims=True)
            residual[at] = np.einsum("bs,bsd->bd", w, Y)
            each_way = np.einsum("bs,bsd->bd", w, np.abs(Y))
            is_apart = ((Y != 0) & (w > 0)[:, :, None]).any(axis=(1, 2))
            length = self._length_above(residual[at], each_way, width)
            upper[at] = np.where(is_apart, length, 0.0)
        return residual, upper

    def _length_above(self, residual: Floats, each_way: Floats, width: int) -> Floats:
        """Upper bound on the metric's length of residuals that are sums of `width` terms."""
        # a product of subnormal size is right to one step only
        each_way = each_way + (width + 2) * SUBNORMAL_STEP
        sizes, exponents = self.metric.scaled_image_of_sizes(each_way)
        error = 8 * (width + self.cloud.d + 10) * UNIT_ROUNDOFF * row_norms(sizes)
        image, own_exponents = self.metric.scaled_image(residual)
        length = np.ldexp(row_norms(image), own_exponents - exponents)
        return float_above(length * (1 + 8 * UNIT_ROUNDOFF) + error, exponents)

    def _separate_by_range(self, metric: Metric) -> None:
        """A feature outside its range is a separator that needs no rounding bound."""
        if metric.factor is not None:
            return
        excess = np.maximum(self.Q - self.cloud.maximum, self.cloud.minimum - self.Q)
        with np.errstate(over="ignore", under="ignore"):
            distance = np.asarray(np.where(metric.root > 0, excess, -1.0) * metric.root)
        feature = np.argmax(distance, axis=1)
        largest = distance[np.arange(len(feature)), feature] * (1 - 4 * UNIT_ROUNDOFF)
        # in the data's own units a difference of subnormal size is exact
        rounded = float_below(np.maximum(largest, 0.0), 0)
        largest = np.where(metric.root[feature] == 1, largest, rounded)
        for b in np.flatnonzero(largest > self.lower):
            j = feature[b]
            self.lower[b] = largest[b]
            self.direction[b] = 0
            is_above = self.Q[b, j] > self.cloud.maximum[j]
            self.direction[b, j] = (1 if is_above else -1) / metric.root[j]

    def residual_within_tolerance(self) -> Mask:
        """Whether the combination agrees with the query in all that the metric sees, (m,)."""
        slack = self.allowed + 8 * UNIT_ROUNDOFF * np.abs(self.Q)
        if self.metric.factor is None:
            return np.asarray(
                ((np.abs(self.residual) <= slack) | (self.metric.root == 0)).all(axis=1)
            )
        known = np.asarray(~np.isnan(self.residual).any(axis=1))
        image, exponents = self.metric.scaled_image(np.where(known[:, None], self.residual, 0.0))
        sizes, own_exponents = self.metric.scaled_image_of_sizes(slack)
        with np.errstate(over="ignore", under="ignore"):
            image = np.ldexp(np.abs(image), (exponents - own_exponents)[:, None])
        return np.asarray(known & (image <= sizes).all(axis=1))

    def resolve_open(self, limits: tuple[int, float]) -> None:
        """Project once more, each feature in its own scale, where one for all shows too little."""
        open_ = np.flatnonzero((self.lower <= 0) & ~self.residual_within_tolerance())
        if not open_.size:
            return
        view = self.cloud.columnwise_view
        frame = view.frame
        Zq, exponents = frame.map_queries(self.Q[open_])
        projection = project(view, Zq, exponents, membership=True, limits=limits)
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
        self.lower = np.maximum(np.minimum(self.lower, self.upper), 0.0)
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
        exactly. Everything is measured with each feature in its own unit. A feature in which every
        row of the support equals the query (a level of a category) holds for any weights: it is
        no dimension of the simplex. Rows with weights that are rounding are none of its corners.
        """
        interior = np.zeros(len(queries), dtype=bool)
        used = self._has_weight(queries)
        count, width = used.sum(axis=1), used.shape[1]
        block = max(1, (1 << 20) // max(1, width * self.cloud.d))
        for start in range(0, len(queries), block):
            at = np.arange(start, min(start + block, len(queries)))
            rows = np.maximum(self.rows[queries[at]], 0)
            X = self.cloud.take(rows.ravel()).reshape(len(at), width, self.cloud.d)
            differs = (self.Q[queries[at], None, :] != X) & used[at][:, :, None]
            varies = differs.any(axis=1)
            # of a single row the query is that row, which is seen more exactly elsewhere
            at = at[(count[at] == varies.sum(axis=1) + 1) & (count[at] > 1)]
            features, own = np.unique(varies[at - start], axis=0, return_inverse=True)
            for g, mask in enumerate(features):
                members = at[own.ravel() == g]
                interior[members] = self._is_in_simplex(queries[members], np.flatnonzero(mask))
        return interior

    def _has_weight(self, queries: Indices) -> Mask:
        """Which rows of the supports have more weight than rounding gives, (len(queries), s)."""
        return np.asarray(
            (self.rows[queries] >= 0) & (self.weights[queries] > WEIGHT_ROUNDING), dtype=bool
        )

    def _is_in_simplex(self, queries: Indices, features: Indices) -> Mask:
        """The same for supports of one row more than these features."""
        k, frame = len(features) + 1, self.cloud.columnwise_view.frame
        is_inside = np.zeros(len(queries), dtype=bool)
        block = max(1, (1 << 20) // (k * self.cloud.d))
        for start in range(0, len(queries), block):
            at = queries[start : start + block]
            order = np.argsort(~self._has_weight(at), axis=1, kind="stable")[:, :k]
            rows = np.take_along_axis(self.rows[at], order, 1)
            w = np.take_along_axis(self.weights[at], order, 1)
            Z = frame.map(self.cloud.take(rows.ravel()))[:, features].reshape(len(at), k, k - 1)
            Z = Z - frame.map(self.Q[at])[:, None, features]
            A = np.concatenate([Z, np.ones((len(at), k, 1))], axis=2)
            inverse = _inverses(A)
            with np.errstate(all="ignore"):
                gradient = np.sqrt(np.einsum("bdk,bdk->bk", inverse[:, :-1], inverse[:, :-1]))
                radius = (w / gradient).min(axis=1)
                error = np.sqrt(np.square(np.einsum("bs,bsd->bd", w, Z)).sum(axis=1)) + 1e-14 * k
                condition = np.abs(A).max(axis=(1, 2)) * np.abs(inverse).max(axis=(1, 2)) * k
                is_inside[start : start + block] = (condition < 1e9) & (radius > 16 * error)
        return is_inside

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
        farthest, exponents = _farthest_row_bound(self.cloud, self.Q, self.metric)
        with np.errstate(over="ignore", invalid="ignore"):
            rounded = self.direction.astype(np.float32).astype(np.float64)
            image, own_exponents = self.metric.scaled_image(self.direction - rounded)
            loss = float_above(2 * row_norms(image) * farthest, exponents + own_exponents)
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
    if metric.factor is not None and metric.inverse is not None:
        return _separator_in_matrix_metric(cloud, Q, metric, frame, projection, metric.inverse)
    U, root = projection.direction, np.where(metric.root > 0, metric.root, 1.0)
    # the functional in the metric's coordinates, whatever its size: u * factor / root
    factor_digits, factor_exponents = np.frexp(frame.factor * (metric.root > 0))
    root_digits, root_exponents = np.frexp(root)
    T, exponents = with_row_exponents(
        U * (factor_digits / root_digits),
        factor_exponents - root_exponents + np.frexp(frame.prescale)[1] - 1,
    )
    length = row_norms(T)
    is_valid = length > 0
    length = np.where(is_valid, length, 1.0)
    lower = projection.lower / length * (1 - 8 * UNIT_ROUNDOFF)
    lower = float_below(np.where(is_valid, lower, 0.0), projection.exponents - exponents)
    T = T / length[:, None]
    with np.errstate(under="ignore"):
        direction = T / root
    return _less_subnormal_rounding(cloud, Q, metric, lower, direction, T != 0), direction


def _less_subnormal_rounding(
    cloud: Cloud, Q: Floats, metric: Metric, lower: Floats, direction: Floats, used: Mask
) -> Floats:
    """Lower bounds less what directions lose where they are as small as a subnormal number."""
    rounded = used & (np.abs(direction) < LEAST_NORMAL)
    if not rounded.any():
        return lower
    farthest = np.abs(Q - cloud.centre) + _reach(cloud)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        each = rounded * (metric.root * (metric.root * SUBNORMAL_STEP) * farthest)
        remaining = (lower - each.sum(axis=1)) * (1 - 4 * UNIT_ROUNDOFF)
    return np.where(remaining > 0, float_below(np.maximum(remaining, 0.0), 0), 0.0)


def _separator_in_matrix_metric(
    cloud: Cloud, Q: Floats, metric: Metric, frame: Frame, projection: Projection, inverse: Floats
) -> tuple[Floats, Floats]:
    U = projection.direction
    V = U @ inverse.T
    V += (U - metric.image(V)) @ inverse.T
    # L v is u only up to the condition of L: the difference is taken off the bound
    rounding = 8 * UNIT_ROUNDOFF * row_norms(metric.image_of_sizes(np.abs(V)))
    farthest, exponents = _farthest_row_bound(cloud, Q, metric)
    unit = frame.exponent + projection.exponents
    with np.errstate(over="ignore", under="ignore"):
        loss = (
            2 * (row_norms(U - metric.image(V)) + rounding) * np.ldexp(farthest, exponents - unit)
        )
    lower = np.maximum(projection.lower - loss, 0.0) * (1 - 8 * UNIT_ROUNDOFF)
    return float_below(lower, unit), V / metric.norm(V)[:, None]


def _reach(cloud: Cloud) -> Floats:
    return np.asarray(np.maximum(cloud.maximum - cloud.centre, cloud.centre - cloud.minimum))


def _farthest_row_bound(cloud: Cloud, Q: Floats, metric: Metric) -> tuple[Floats, Ints]:
    """Bound on the distance of each query from every row, times 2**exponents: both (m,)."""
    sizes, exponents = metric.scaled_image_of_sizes(np.abs(Q - cloud.centre) + _reach(cloud))
    return row_norms(sizes), exponents


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
