"""The smallest change of some features that brings a query within a distance of the hull.

For a query q, free features S, fixed ones F and a threshold t of the distance:

    least |z - q|   over z with z_F = q_F and distance(z, hull) <= t.

For a point p of the hull with |(p - q)_F| <= t the best such z moves towards p in S until it is t
away, at the cost |(p - q)_S| - sqrt(t^2 - |(p - q)_F|^2). The best p is the nearest point of the
hull in another diagonal metric, in which S counts mu times for some mu in (0, 1]: with
lambda = 1 / mu - 1 it minimises |z_S - q_S|^2 + lambda distance(z)^2. So mu is sought by bisection
(for fixed mu that is Wolfe's nearest point), and mu -> 0 is the limit t = 0.

Every answer has a proof from both sides. Above: z itself, with the weights of p. Below: for any
direction u, with b the largest <u, x> of all rows, every such z has

    |z_S - q_S|  >=  (<u, q> - b - t |u|) / |u_S| ,

and where u_S = 0 and the numerator is positive, no change of S helps at all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array

from .._core.rounding import UNIT_ROUNDOFF
from .._core.types import Floats, Indices, Mask
from ..errors import DataError
from ._free_features import FreeDirections, FreeFeatures, free_directions
from .block_floats import row_norms
from .change_bounds import ChangeBounds, join_in_order
from .cloud import Cloud
from .hull_projection import lower_bounds, pad_columns, project
from .metric import Metric
from .pricing import price
from .scaled_view import ScaledView

LEAST_SCALE = 2.0**-24  # of free features, times what a far query is from the rows: its square
# is the smallest mu, nearly no weight
INNER_THRESHOLD = 1 - 2.0**-25  # of the threshold: how near to the hull a changed row comes
LIMIT_SCALE = 2.0**-15  # the same where the lower bound of the limit of no threshold is computed
ROUNDING_THRESHOLD = 2.0**-40  # of the rows' extent: a threshold below this is none
CHANGE_CLOSED = 1e-10  # relative width of the bracket of a change at which its search ends
BRACKET_SLACK = 2.0**-46  # of lengths: more than the rounding in them
DIRECTION_SLACK = 2.0**-28  # of bounds in a metric that is a matrix
MAX_CHANGE_ROUNDS = 60  # of bisection


def smallest_changes(
    cloud: Cloud, metric: Metric, Q: Floats, free: Mask, threshold: Floats
) -> ChangeBounds:
    """The smallest changes of queries Q (m, d) to within `threshold` (m,) of the hull.

    Each in its own features, `free` (m, d).

    Raises
    ------
    DataError
        A query is too far out.

    Notes
    -----
    O(m n d) for each round of bisection, about 10 of them. In a metric that is a matrix queries are
    searched together only where they have the same free features.
    """
    if metric.factor is None:
        return _changes_in_frame(cloud, metric, FreeFeatures(metric, free), Q, free, threshold)
    sets, which = np.unique(free, axis=0, return_inverse=True)
    parts, order = [], []
    for number, features in enumerate(sets):
        at = np.flatnonzero(which.ravel() == number)
        split = free_directions(metric, features)
        parts.append(_changes_in_frame(cloud, metric, split, Q[at], free[at], threshold[at]))
        order.append(at)
    return join_in_order(parts, np.argsort(np.concatenate(order)), metric)


def _changes_in_frame(
    cloud: Cloud,
    metric: Metric,
    split: FreeFeatures | FreeDirections,
    Q: Floats,
    free: Mask,
    threshold: Floats,
) -> ChangeBounds:
    # a turned metric is used once: it must not push the cloud's own views out
    is_own = split.metric is metric
    view = cloud.view_in(metric) if is_own else cloud.view(cloud.frame(split.metric))
    Zq, exponents = view.frame.map_queries(Q)
    if exponents.any():
        raise DataError(
            f"row {int(np.argmax(exponents > 0))} is farther out than 2**200 times the training "
            "rows lie: no change of it is computed."
        )
    search = _WeightBisection(
        view, Zq, split.free_coordinates(len(Q)), np.ldexp(threshold, -view.frame.exponent)
    )
    search.run()
    return _in_own_units(cloud, split, Q, free, threshold, search)


class _WeightBisection:
    """The state of m problems, in the frame's coordinates."""

    def __init__(self, view: ScaledView, Zq: Floats, free: Mask, threshold: Floats) -> None:
        m, r = Zq.shape
        self.view, self.Zq, self.free, self.threshold = view, Zq, free, threshold
        self.upper, self.lower = np.full(m, np.inf), np.zeros(m)
        self.direction, self.fixed_part = np.zeros((m, r)), np.zeros(m)
        self.rows, self.weights = np.zeros((m, 0), dtype=np.intp), np.zeros((m, 0))

    def run(self) -> None:
        """Decide which changes are possible, then close their brackets."""
        # without fixed features the nearest point in the metric itself is the best one
        all_free = self.free.all(axis=1)
        far = np.maximum(1.0, row_norms(np.where(self.free, self.Zq, 0.0)))
        start = np.where(all_free, 1.0, np.square(LEAST_SCALE / far))
        excess, functional = self._evaluate(np.arange(len(self.Zq)), start)
        possible = np.isfinite(self.upper)
        self._prove_impossible(np.flatnonzero(~possible & ~all_free), functional)
        is_limit = self.threshold <= ROUNDING_THRESHOLD
        limits = np.flatnonzero(possible & ~all_free & is_limit)
        if len(limits):  # what proves the limit has more digits a little before it
            self._evaluate(limits, np.square(LIMIT_SCALE / far[limits]))
        open_ = np.flatnonzero(possible & ~all_free & ~is_limit)
        self._bisect(open_, np.log(start[open_]), excess[open_])
        wide = self.lower < self.upper * (1 - 16 * CHANGE_CLOSED)
        self._price_again(np.flatnonzero(possible & wide & self.direction.any(axis=1)))

    def _bisect(self, open_: Indices, low: Floats, low_excess: Floats) -> None:
        """Seek log mu between `low`, where z is near enough, and 0: secants, and some halvings."""
        high = np.zeros(len(open_))
        high_excess, _ = self._evaluate(open_, np.ones(len(open_)))
        for round_ in range(MAX_CHANGE_ROUNDS):
            gap = self.upper[open_] - self.lower[open_]
            is_open = (gap > CHANGE_CLOSED * self.upper[open_]) & (high - low > 1e-13)
            is_open &= high_excess > 0
            open_, low, high = open_[is_open], low[is_open], high[is_open]
            low_excess, high_excess = low_excess[is_open], high_excess[is_open]
            if not len(open_):
                return
            secant = high - high_excess * (high - low) / (high_excess - low_excess)
            margin = (high - low) / 64
            inside = (secant > low + margin) & (secant < high - margin)
            at = np.where(inside & (round_ % 3 > 0), secant, (low + high) / 2)
            excess, _ = self._evaluate(open_, np.exp(at))
            above = excess > 0
            high, high_excess = np.where(above, at, high), np.where(above, excess, high_excess)
            low, low_excess = np.where(above, low, at), np.where(above, low_excess, excess)

    def _evaluate(self, problems: Indices, mu: Floats) -> tuple[Floats, Floats]:
        """Nearest points with the free features counted mu times, and what they prove.

        Returns log distance(z) - log threshold, which increases in mu, and the functionals.
        """
        Zq, free = self.Zq[problems], self.free[problems]
        scale = np.where(free, np.sqrt(mu)[:, None], 1.0)
        projection = project(self.view, Zq, scale=scale, relative=1e-13)
        functional = projection.direction * scale
        self._raise_lower(problems, functional, projection.lower)
        way = combined_rows(self.view.take, projection.rows, projection.weights) - Zq
        free_part = row_norms(np.where(free, way, 0.0))
        fixed_part = row_norms(np.where(free, 0.0, way))
        threshold = np.maximum(self.threshold[problems], ROUNDING_THRESHOLD)
        upper = length_of_change(free_part, fixed_part, threshold)
        better = upper < self.upper[problems]
        rows, weights = projection.rows[better], projection.weights[better]
        self._store(problems[better], upper[better], rows, weights)
        self.fixed_part[problems] = fixed_part
        distance = np.maximum(np.hypot(mu * free_part, fixed_part), 1e-300)
        return np.log(distance / threshold), functional

    def _raise_lower(self, problems: Indices, functional: Floats, gap: Floats) -> None:
        """The bound that each functional proves: `gap` is <u, q> - b."""
        length = row_norms(functional) * (1 + 4 * UNIT_ROUNDOFF)
        free_length = row_norms(np.where(self.free[problems], functional, 0.0))
        numerator = gap - self.threshold[problems] * length * (1 + 4 * UNIT_ROUNDOFF)
        with np.errstate(divide="ignore", invalid="ignore"):
            lower = np.where(numerator > 0, numerator / free_length, 0.0) * (1 - 4 * UNIT_ROUNDOFF)
        better = lower > self.lower[problems]
        self.lower[problems[better]] = lower[better]
        self.direction[problems[better]] = functional[better]

    def _price_again(self, problems: Indices) -> None:
        """The same functionals with a rounding bound made of their own terms.

        The free part of a far query is large where that of its functional is small.
        """
        if not len(problems):
            return
        U, Zq = self.direction[problems], self.Zq[problems]
        error = self.view.rounding_bound(U, False)
        error += 2 * U.shape[1] * UNIT_ROUNDOFF * np.einsum("ij,ij->i", np.abs(U), np.abs(Zq))
        gap = np.einsum("ij,ij->i", U, Zq) - price(self.view, U).best - 2 * error
        self._raise_lower(problems, U, gap)

    def _store(self, problems: Indices, upper: Floats, rows: Indices, weights: Floats) -> None:
        width = rows.shape[1]
        if width > self.rows.shape[1]:
            self.rows = pad_columns(self.rows, width, -1)
            self.weights = pad_columns(self.weights, width, 0.0)
        self.upper[problems] = upper
        self.rows[problems], self.weights[problems] = -1, 0.0
        self.rows[problems, :width], self.weights[problems, :width] = rows, weights

    def _prove_impossible(self, problems: Indices, functional: Floats) -> None:
        """Without its free part a functional proves, where it separates, that no change helps."""
        U = np.where(self.free[problems], 0.0, functional[problems])
        U = U[(has_part := U.any(axis=1))]
        problems = problems[has_part]
        if not len(problems):
            return
        best = price(self.view, U).best
        distance, _, _ = lower_bounds(self.view, U, self.Zq[problems], best, False)
        self._raise_lower(problems, U, distance * row_norms(U))


def length_of_change(free_part: Floats, fixed_part: Floats, threshold: Floats) -> Floats:
    """How far a query moves towards a point of the hull in the free features, to be near enough.

    The point is `free_part` away in these and `fixed_part` in the others; infinite where the latter
    alone is beyond the threshold.
    """
    rest = remaining_length(fixed_part, threshold)
    return np.where(fixed_part <= threshold, np.maximum(free_part - rest, 0.0), np.inf)


def remaining_length(fixed_part: Floats, threshold: Floats) -> Floats:
    """How far in the free features a point may be that is `fixed_part` away in the others."""
    return np.sqrt(np.maximum(threshold - fixed_part, 0.0) * (threshold + fixed_part))


def combined_rows(
    take: Callable[[Indices], Floats], rows: Indices, weights: Floats, origin: Floats | None = None
) -> Floats:
    """(m, d) combinations of training rows, less an origin; `rows` (m, s) is -1 where none is."""
    unique, places = np.unique(np.maximum(rows, 0), return_inverse=True)
    points = take(unique)[places.reshape(rows.shape)]
    if origin is not None:
        points = points - origin[:, None, :]
    return np.asarray(np.einsum("ms,msd->md", weights, points))


def _in_own_units(
    cloud: Cloud,
    split: FreeFeatures | FreeDirections,
    Q: Floats,
    free: Mask,
    threshold: Floats,
    search: _WeightBisection,
) -> ChangeBounds:
    """The answers of a search in the data's own units."""
    frame, metric = search.view.frame, split.metric
    possible = np.isfinite(search.upper)
    used = (search.rows >= 0) & possible[:, None]
    total = np.where(used, search.weights, 0.0).sum(axis=1)
    share = np.where(used, search.weights, 0.0) / np.where(possible, total, 1.0)[:, None]
    nearest = combined_rows(cloud.take, search.rows, share)
    sizes = combined_rows(lambda rows: np.abs(cloud.take(rows)), search.rows, share)
    way = combined_rows(cloud.take, search.rows, share, Q)
    is_limit = search.threshold <= ROUNDING_THRESHOLD
    changed = _a_little_within(split, Q, free, np.where(is_limit, 0.0, threshold), nearest, way)
    upper = _safe_upper(split, np.where(is_limit, 0.0, threshold), way)
    lower = frame.distance(search.lower)
    if metric.factor is not None:  # what proves them has fewer digits there
        upper = metric.norm(changed - Q) * (1 + DIRECTION_SLACK)
        lower = lower * (1 - DIRECTION_SLACK)
    rounding = row_norms(metric.image_of_sizes(np.abs(changed) + sizes))
    distance = metric.norm(nearest - changed) + (cloud.d + 16) * UNIT_ROUNDOFF * rounding
    ends = np.concatenate([[0], np.cumsum(used.sum(axis=1))])
    return ChangeBounds(
        queries=Q,
        free=free,
        threshold=threshold,
        changed=np.where(possible[:, None], changed, np.nan),
        upper=np.where(possible, upper, np.inf),
        lower=lower,
        distance=np.where(possible, distance, frame.distance(search.fixed_part)),
        weights=csr_array((share[used], search.rows[used], ends), shape=(len(Q), cloud.n)),
        direction=metric.preimage(search.direction),
        metric=metric,
        columns=cloud.names,
    )


def _a_little_within(
    split: FreeFeatures | FreeDirections,
    Q: Floats,
    free: Mask,
    threshold: Floats,
    nearest: Floats,
    way: Floats,
) -> Floats:
    """(m, d) queries moved towards points of the hull until they are nearer than the threshold."""
    free_part, fixed_part = split.lengths(way)
    rest = remaining_length(fixed_part, np.maximum(threshold * INNER_THRESHOLD, fixed_part))
    part = np.divide(rest, free_part, out=np.ones_like(rest), where=free_part > rest)[:, None]
    step = split.in_free_features(way)
    # from the far end: the nearer the row comes, the more digits it has
    return np.where(free & (part < 1), split.arrival(nearest, Q, step) - part * step, Q)


def _safe_upper(split: FreeFeatures | FreeDirections, threshold: Floats, way: Floats) -> Floats:
    """(m,) how long the way is until a query is the threshold away, rounded to the safe side."""
    free_part, fixed_part = (part * (1 + BRACKET_SLACK) for part in split.lengths(way))
    upper = length_of_change(free_part, fixed_part, threshold * (1 - BRACKET_SLACK))
    return np.where(np.isfinite(upper), upper, free_part)
