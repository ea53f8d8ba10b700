"""From a projection in some frame to claims in the data's own units, and to a verdict.

Here a lower bound becomes a unit direction in the metric, a support becomes weights with a
residual that is computed anew from the rows as they are stored, and the cases that floating point
leaves open are settled: by each feature's own scale, by the range of a single feature, by a fat
simplex around the query, or by exact arithmetic.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

import numpy as np

from .._core.rounding import UNIT_ROUNDOFF
from .._core.types import Floats, Indices
from ._exact_membership import MOST_ROWS, is_combination
from ._interior_simplex import PUSHES, interior_simplices
from .cloud import TINY, Cloud
from .hull_projection import BUDGET, STALLED, Projection, project, widen
from .metric import Metric, row_norms
from .neighbours import nearest_rows
from .scaling import Frame
from .verdict import Status, Verdict


class Claims:
    """A block of answers on its way from a frame to the data's own units."""

    def __init__(
        self,
        cloud: Cloud,
        Q: Floats,
        metric: Metric,
        frame: Frame,
        found: Projection,
        tolerance: float,
    ) -> None:
        self.cloud, self.Q, self.metric = cloud, Q, metric
        self.rows, self.weights, self.ended = found.rows, found.weights, found.ended.copy()
        self.lower, self.direction = _in_metric(cloud, Q, metric, frame, found)
        self.residual, self.upper = self._exhibit(np.arange(len(Q)))
        self.allowed = cloud.resolution(tolerance)
        self._outside_the_box(metric)

    def _exhibit(self, some: Indices) -> tuple[Floats, Floats]:
        """sum w_i (x_i - q) and an upper bound on its length, from the weights and rows alone."""
        d = self.cloud.d
        residual, upper = np.full((len(some), d), np.nan), np.full(len(some), np.inf)
        width = self.rows.shape[1]
        have = np.flatnonzero((self.rows[some] >= 0).any(axis=1))
        each = max(1, (1 << 18) // max(1, width * d))
        for start in range(0, len(have), each):
            at = have[start : start + each]
            rows, w = self.rows[some[at]], self.weights[some[at]]
            X = self.cloud.take(np.maximum(rows, 0).ravel()).reshape(len(at), width, d)
            with np.errstate(over="ignore", invalid="ignore"):
                Y = X - self.Q[some[at], None, :]
                w = w / w.sum(axis=1, keepdims=True)
                residual[at] = np.einsum("bs,bsd->bd", w, Y)
                each_way = np.einsum("bs,bsd->bd", w, np.abs(Y))
            spread = row_norms(self.metric.image_of_sizes(each_way))
            error = 8 * (width + d + 10) * UNIT_ROUNDOFF * spread
            size = self.metric.norm(residual[at]) * (1 + 8 * UNIT_ROUNDOFF) + error
            apart = each_way.any(axis=1)
            upper[at] = np.where(apart, np.nan_to_num(size, nan=np.inf) + TINY, 0.0)
        return residual, upper

    def _outside_the_box(self, metric: Metric) -> None:
        """A feature outside its range is a separator that needs no rounding bound."""
        if metric.factor is not None:
            return
        excess = np.maximum(self.Q - self.cloud.maximum, self.cloud.minimum - self.Q)
        excess = np.where(metric.root > 0, excess, -1.0) * metric.root
        at = excess.argmax(axis=1)
        most = excess[np.arange(len(at)), at] * (1 - 4 * UNIT_ROUNDOFF)
        for b in np.flatnonzero(most > self.lower):
            self.lower[b] = most[b]
            self.direction[b] = 0
            above = self.Q[b, at[b]] > self.cloud.maximum[at[b]]
            self.direction[b, at[b]] = (1 if above else -1) / metric.root[at[b]]

    def _near(self) -> Any:
        """Whether the exhibited combination agrees with the query in all that the metric sees."""
        with np.errstate(invalid="ignore"):
            slack = self.allowed + 8 * UNIT_ROUNDOFF * np.abs(self.Q)
            seen = np.abs(self.metric.image(self.residual))
            return (seen <= self.metric.image_of_sizes(slack)).all(axis=1)

    def ask_again(self, limits: tuple[int, float]) -> None:
        """Ask once more, each feature in its own scale, where one scale for all sees too little."""
        some = np.flatnonzero((self.lower <= 0) & ~self._near())
        if not some.size:
            return
        view = self.cloud.columnwise_view
        frame = view.frame
        found = project(view, frame.map(self.Q[some]), membership=True, limits=limits)
        lower, direction = _in_metric(self.cloud, self.Q[some], self.metric, frame, found)
        apart = lower > self.lower[some]
        self.lower[some[apart]], self.direction[some[apart]] = lower[apart], direction[apart]
        self._exchange(some, found.rows, found.weights, lambda some: self._near()[some])

    def _exchange(self, some: Indices, rows: Indices, weights: Floats, better: Any) -> Any:
        """Exhibit other combinations, and keep those for which `better(some)` holds: which."""
        width = max(rows.shape[1], self.rows.shape[1])
        self.rows = widen(self.rows, width, -1)
        self.weights = widen(self.weights, width, 0)
        held = (self.rows, self.weights, self.residual, self.upper)
        before = [part[some] for part in held]
        self.rows[some], self.weights[some] = widen(rows, width, -1), widen(weights, width, 0)
        self.residual[some], self.upper[some] = self._exhibit(some)
        kept = better(some)
        for part, old in zip(held, before):
            part[some[~kept]] = old[~kept]
        return kept

    def decide(self, deadline: float) -> None:
        """The verdict from the two bounds; where both vanish, the sign from exact arithmetic."""
        # among subnormals a product is right to a step only; elsewhere this changes nothing
        lower = np.maximum(np.minimum(self.lower, self.upper) - TINY, TINY / 16)
        self.lower = np.where(self.lower > 0, lower, 0.0)
        budget = self.ended == BUDGET
        status = np.full(len(budget), Status.STALLED, dtype=object)
        status[budget] = Status.BUDGET
        near = self._near()
        outside = self.lower > 0
        status[outside & ~budget] = Status.OUTSIDE
        status[outside & (self.ended == STALLED)] = Status.LOOSE
        verdict = np.where(outside, Verdict.OUTSIDE, Verdict.UNDECIDED).astype(np.int8)
        doubtful = np.flatnonzero(~outside & near)
        proven = self._strictly_inside(doubtful)
        status[doubtful[proven]] = Status.INSIDE
        self._recognise(doubtful[~proven])
        for b in doubtful[~proven]:
            status[b] = self._exact(int(b))
        self._look_deeper(np.flatnonzero(status == Status.BOUNDARY), status, deadline)
        for b in doubtful:
            if status[b] in (Status.INSIDE, Status.WITHIN):
                verdict[b] = Verdict.INSIDE
        self.verdict, self.status = verdict, status

    def _strictly_inside(self, some: Indices) -> Any:
        """Whether a ball around the combination, larger than the residual, lies in its simplex.

        With d + 1 rows and all weights positive, the distance to facet i is w_i times the
        altitude of vertex i. If the least of these exceeds the residual, the query is inside,
        exactly. Everything is measured with each feature in its own unit.
        """
        proven = np.zeros(len(some), dtype=bool)
        count = (self.rows[some] >= 0).sum(axis=1)
        full = np.flatnonzero(count == self.cloud.d + 1)
        frame = self.cloud.columnwise_view.frame
        each = max(1, (1 << 20) // (self.cloud.d + 1) ** 2)
        for start in range(0, len(full), each):
            at = some[full[start : start + each]]
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
                sound = np.abs(A).max(axis=(1, 2)) * np.abs(inverse).max(axis=(1, 2)) * k < 1e9
                proven[full[start : start + each]] = sound & (radius > 16 * error)
        return proven

    def _recognise(self, some: Indices) -> None:
        """A query that is a training row is that row, however many others lie within rounding."""
        if not some.size:
            return
        near = nearest_rows(self.cloud, self.Q[some], self.metric, 1).rows[:, 0]
        same = (self.cloud.take(near) == self.Q[some]).all(axis=1)
        here = some[same]
        self.rows[here], self.weights[here] = -1, 0.0
        self.rows[here, 0], self.weights[here, 0] = near[same], 1.0
        self.residual[here], self.upper[here] = 0.0, 0.0

    def _look_deeper(self, some: Indices, status: Any, deadline: float) -> None:
        """A combination on a thin face may lie deep inside: look for a fat simplex around it."""
        if not some.size:
            return
        top = self.weights[some].argmax(axis=1)
        heaviest = self.rows[some, top]
        for push in PUSHES:
            retry = np.arange(len(some))
            # a simplex through both ends of a thin support is flat: the second try avoids one end
            for avoid in (None, heaviest):
                if not retry.size or monotonic() > deadline:
                    break
                left = None if avoid is None else avoid[retry]
                rows, weights = interior_simplices(self.cloud, self.Q[some[retry]], push, left)
                retry, rows, weights = _take(rows[:, 0] >= 0, retry, rows, weights)
                proven = self._exchange(some[retry], rows, weights, self._strictly_inside)
                status[some[retry[proven]]] = Status.INSIDE
                retry = retry[~proven]
            some, heaviest = _take(status[some] != Status.INSIDE, some, heaviest)

    def shorten(self) -> bool:
        """Round the directions to float32 and take what that may cost off the lower bounds.

        False, and nothing changed, where some bound is too small for that.
        """
        far = _farthest(self.cloud, self.Q, self.metric)
        with np.errstate(over="ignore", invalid="ignore"):
            short = self.direction.astype(np.float32).astype(np.float64)
            lost = 2 * self.metric.norm(self.direction - short) * far
            lower = np.where(self.lower > 0, self.lower - lost, 0.0)
        if not (lower[self.lower > 0] > 0).all():
            return False
        self.lower, self.direction = lower, short
        return True

    def combination(self) -> tuple[Indices, Indices, Floats]:
        """The exhibited combinations, flat: support sizes, rows and normalised weights."""
        have = self.rows >= 0
        total = self.weights.sum(axis=1, keepdims=True)
        shares = self.weights / np.where(total > 0, total, 1.0)
        return have.sum(axis=1), self.rows[have], shares[have]

    def _exact(self, b: int) -> Status:
        rows = self.rows[b][self.rows[b] >= 0]
        if len(rows) <= MOST_ROWS and is_combination(self.cloud.take(rows), self.Q[b]):
            return Status.INSIDE
        flat = min(self.cloud.rank, self.metric.rank) < self.cloud.d
        return Status.WITHIN if flat else Status.BOUNDARY


def _in_metric(
    cloud: Cloud, Q: Floats, metric: Metric, frame: Frame, found: Projection
) -> tuple[Floats, Floats]:
    """Lower bounds and unit directions of a projection in a frame, as ones in the metric.

    In the frame <u, z(q) - z(x)> >= lower |u| for every row; v with M v proportional to the same
    functional and |v|_M = 1 says it in the metric: <v, q - x>_M >= the bound returned.
    """
    U = found.direction
    if metric.factor is not None and metric.inverse is not None:
        V = U @ metric.inverse.T
        V += (U - metric.image(V)) @ metric.inverse.T
        # L v is u only up to the condition of L: what is lost is taken off the bound
        lost = row_norms(U - metric.image(V)) + 8 * UNIT_ROUNDOFF * row_norms(
            metric.image_of_sizes(np.abs(V))
        )
        far = _farthest(cloud, Q, metric)
        lower = (frame.distance(found.lower) - 2 * lost * far) * (1 - 8 * UNIT_ROUNDOFF)
        return np.maximum(lower, 0.0), V / metric.norm(V)[:, None]
    safe = np.where(metric.root > 0, metric.root, 1.0)
    T = np.where(metric.root > 0, U * (frame.factor / safe), 0.0)
    size = np.sqrt(np.einsum("ij,ij->i", T, T))
    ok = size > 0
    size = np.where(ok, size, 1.0)
    lower = np.where(ok, found.lower / size / frame.prescale * (1 - 8 * UNIT_ROUNDOFF), 0.0)
    return lower, T / size[:, None] / safe


def _farthest(cloud: Cloud, Q: Floats, metric: Metric) -> Floats:
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
        return np.concatenate([_inverses(one[None]) for one in A])


def _take(which: Any, *parts: Any) -> Any:
    return tuple(part[which] for part in parts)
