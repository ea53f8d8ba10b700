"""The checker: from the rows, the queries and the certificates alone, is every claim true?

It shares no code with the solver. A claim is first judged in float64 with a rounding bound of its
own; a row that the bound leaves open, or every row with `exact=True`, is judged in exact integer
arithmetic, where a claim holds or does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.types import Floats
from ..io.rows import Rows

if TYPE_CHECKING:
    from .location import Location

CHECKER_ROUNDOFF = 2.0**-53
CHECKED_IN_FLOATS = 2.0**-900  # claims below it, or above its inverse, are judged exactly
LEAST_STEP = 2.0**-1074
CHECKER_BLOCK_ROWS = 2048  # of rows, and of queries


def verify_location(location: Location, rows: Rows, exact: bool) -> np.ndarray[Any, Any]:
    """Whether each row's claims hold, (m,) bool.

    The claims: the weights are nonnegative and their combination lies within `upper` of the query;
    the direction leaves every training row at least `lower` behind the query; the verdict follows
    from the two (and for `INSIDE` the combination agrees with the query in every feature within
    the tolerance; with `exact`, the query is a convex combination exactly where that is claimed).
    """
    M = _CheckedMetric(location.metric.root, location.metric.factor)
    largest_gap, slack, near_maximum = _farthest_along_directions(location, rows, M, exact)
    return np.array(
        [
            _claims_hold(location, rows, M, b, largest_gap[b], slack[b], near_maximum[b], exact)
            for b in range(len(location.verdict))
        ],
        dtype=bool,
    )


def _length(v: Floats) -> float:
    """Euclidean length; scaled by a power of two first, so that no square leaves the floats."""
    largest = float(np.abs(v).max(initial=0.0))
    if not 0 < largest < np.inf:
        return largest
    exponent = int(np.frexp(largest)[1])
    with np.errstate(over="ignore"):
        return float(np.ldexp(np.sqrt(np.square(np.ldexp(v, -exponent)).sum()), exponent))


class _CheckedMetric:
    """<v, w>_M, in float64 and in integers."""

    def __init__(self, root: Floats, factor: Floats | None) -> None:
        self.root, self.L = root, factor

    def image(self, V: Floats) -> Floats:
        """L v: the metric's length is the Euclidean length of this."""
        return V * self.root if self.L is None else V @ self.L.T

    def image_of_sizes(self, V: Floats) -> Floats:
        """Bound on |L v'| for every v' with |v'| <= v in each feature."""
        return V * self.root if self.L is None else V @ np.abs(self.L).T

    def exact_image(self, v: _BigFloats) -> _BigFloats:
        """L v exactly."""
        if self.L is None:
            return _to_big_floats(self.root).times(v)
        return self._whole.product(v)

    def functional(self, v: _BigFloats) -> _BigFloats:
        """M v exactly."""
        if self.L is None:
            return _to_big_floats(self.root).times(self.exact_image(v))
        turned = _BigFloats(self._whole.whole.T, self._whole.exponent)
        return turned.product(self.exact_image(v))

    @cached_property
    def _whole(self) -> _BigFloats:
        return _to_big_floats(self.L)


@dataclass(frozen=True, eq=False)
class _BigFloats:
    """Whole numbers (Python's, of any size) times a power of two: what floats are, exactly."""

    whole: Any
    exponent: int

    def times(self, other: _BigFloats) -> _BigFloats:
        return _BigFloats(self.whole * other.whole, self.exponent + other.exponent)

    def product(self, other: _BigFloats) -> _BigFloats:
        return _BigFloats(self.whole @ other.whole, self.exponent + other.exponent)

    @property
    def square(self) -> _BigFloats:
        """The squared length, or the square of a number."""
        return self.product(self) if np.ndim(self.whole) else self.times(self)

    def at_least(self, other: _BigFloats) -> bool:
        low = min(self.exponent, other.exponent)
        mine, its = (one.whole * 2 ** (one.exponent - low) for one in (self, other))
        return bool(mine >= its)


def _to_big_floats(values: Any) -> _BigFloats:
    """Floats as whole numbers with one power of two for all."""
    digits, exponent = np.frexp(np.asarray(values, dtype=np.float64))
    exponent = np.where(digits == 0, 0, exponent - 53)
    low = int(exponent.min(initial=0))
    whole = (digits * 2.0**53).astype(np.int64).astype(object)
    return _BigFloats(whole * 2 ** (exponent - low).astype(object), low)


def _farthest_along_directions(
    location: Location, rows: Rows, M: _CheckedMetric, exact: bool
) -> tuple[Floats, Floats, list[np.ndarray[Any, Any]]]:
    """max_i <v, x_i - q>_M for each query, its rounding bound, and the rows within the bound.

    Rows are taken relative to the first training row: a float difference is right to one unit of
    itself, so an offset of the whole table costs nothing.
    """
    m, d = location.queries.shape
    origin = rows.take(np.zeros(1, np.intp))[0]
    v = location.direction.astype(np.float64)
    V = v * M.root * M.root if M.L is None else (v @ M.L.T) @ M.L
    shifted = np.asarray(location.queries, np.float64) - origin
    ahead = np.einsum("ij,ij->i", V, shifted)
    # the terms of M v, before they cancel
    size = np.abs(V) if M.L is None else (np.abs(v) @ np.abs(M.L).T) @ np.abs(M.L)
    terms = (2 * d + (0 if M.L is None else 2 * len(M.L)) + 16) * CHECKER_ROUNDOFF
    bound = 4 * d * LEAST_STEP + terms * np.einsum("ij,ij->i", size, np.abs(shifted))
    widest = np.zeros(d)
    best = np.full(m, -np.inf)
    for start in range(0, rows.n, CHECKER_BLOCK_ROWS):
        Y = rows.block(start, min(start + CHECKER_BLOCK_ROWS, rows.n)).astype(np.float64) - origin
        widest = np.maximum(widest, np.abs(Y).max(axis=0))
        for low in range(0, m, CHECKER_BLOCK_ROWS):
            at = slice(low, low + CHECKER_BLOCK_ROWS)
            best[at] = np.maximum(best[at], (V[at] @ Y.T).max(axis=1))
    bound = bound + terms * (size @ widest)
    near_maximum: list[Any] = [[] for _ in range(m)]
    uncertain = np.flatnonzero(_needs_exact_check(location, M, best - ahead, bound, exact))
    for start in range(0, rows.n if uncertain.size else 0, CHECKER_BLOCK_ROWS):
        Y = rows.block(start, min(start + CHECKER_BLOCK_ROWS, rows.n)).astype(np.float64) - origin
        for low in range(0, len(uncertain), CHECKER_BLOCK_ROWS):
            block = uncertain[low : low + CHECKER_BLOCK_ROWS]
            close = V[block] @ Y.T >= (best[block] - 2 * bound[block])[:, None]
            for b, row in zip(*np.nonzero(close)):
                near_maximum[block[b]].append(start + row)
    return best - ahead, bound, [np.array(r, dtype=np.intp) for r in near_maximum]


def _needs_exact_check(
    location: Location, M: _CheckedMetric, largest_gap: Floats, bound: Floats, exact: bool
) -> Any:
    """Rows for which float64 cannot tell whether the lower bound holds (all that claim one)."""
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.array([_length(v) for v in M.image(location.direction.astype(np.float64))])
        claim = location.lower * lengths
    # a product of subnormal size is right to a step only: exact arithmetic decides there
    certain = (-largest_gap - bound > claim * (1 + 8 * CHECKER_ROUNDOFF)) & (not exact)
    certain &= (claim > CHECKED_IN_FLOATS) & (claim < 1 / CHECKED_IN_FLOATS)
    return (location.lower > 0) & ~certain


def _claims_hold(
    location: Location,
    rows: Rows,
    M: _CheckedMetric,
    b: int,
    largest_gap: float,
    bound: float,
    near_maximum: np.ndarray[Any, Any],
    exact: bool,
) -> bool:
    lower, upper, verdict = location.lower[b], location.upper[b], int(location.verdict[b])
    if not (0 <= lower <= upper) or (verdict == -1) != (lower > 0):
        return False
    if (verdict == 1) != (location.status[b].name in ("INSIDE", "WITHIN")):
        return False
    query, v = location.queries[b].astype(np.float64), location.direction[b].astype(np.float64)
    if not (np.isfinite(v).all() and np.isfinite(lower)):
        return False
    if lower > 0 and (exact or near_maximum.size):
        if -largest_gap + bound < lower * _length(M.image(v[None])[0]) * (1 - 8 * CHECKER_ROUNDOFF):
            return False
        # rows further than twice the bound behind the best cannot be the best
        if near_maximum.size and not _separates(M, v, query, rows.take(near_maximum), lower):
            return False
    span = slice(location.weights.indptr[b], location.weights.indptr[b + 1])
    support, w = location.weights.indices[span], location.weights.data[span]
    if not len(w):
        return bool(np.isinf(upper)) and verdict != 1
    if not (w >= 0).all() or abs(w.sum() - 1) > 1e-12 or support.max() >= rows.n:
        return False
    points = rows.take(support.astype(np.intp))
    if not _within(M, points, w, query, float(upper), exact):
        return False
    return verdict != 1 or _agrees_with_query(location, M, points, w, query, b, exact)


def _separates(M: _CheckedMetric, v: Floats, query: Floats, points: Floats, lower: float) -> bool:
    """Exactly: <v, q - x>_M >= lower |v|_M for each given row."""
    functional = M.functional(_to_big_floats(v))
    target = _to_big_floats(lower).square.times(M.exact_image(_to_big_floats(v)).square)
    for row in points:
        pair = _to_big_floats(np.stack([query, row]))
        gap = functional.product(_BigFloats(pair.whole[0] - pair.whole[1], pair.exponent))
        if gap.whole <= 0 or not gap.times(gap).at_least(target):
            return False
    return True


def _within(
    M: _CheckedMetric, points: Floats, w: Floats, query: Floats, upper: float, exact: bool
) -> bool:
    """Whether the combination lies within `upper` of the query."""
    if np.isinf(upper):
        return True  # nothing is claimed
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        Y = points - query
        image = M.image((w[:, None] * Y).sum(axis=0)[None] / w.sum())[0]
        length = _length(image)
        each_way = (w[:, None] * np.abs(Y)).sum(axis=0)
        size = _length(M.image_of_sizes(each_way[None])[0])
        steps = np.full((1, len(query)), (len(w) + 2) * LEAST_STEP)
        bound = 4 * (len(w) + len(query)) * CHECKER_ROUNDOFF * size
        bound += _length(M.image_of_sizes(steps)[0])
    in_floats = CHECKED_IN_FLOATS < upper < 1 / CHECKED_IN_FLOATS
    if not exact and in_floats and length + bound <= upper:
        return True
    if in_floats and np.isfinite(length + bound) and length - bound > upper:
        return False
    pair, weights = _to_big_floats(np.concatenate([query[None], points])), _to_big_floats(w)
    differences = _BigFloats(pair.whole[1:] - pair.whole[0], pair.exponent)
    total = _BigFloats(weights.whole.sum(), weights.exponent)
    return (
        _to_big_floats(upper)
        .times(total)
        .square.at_least(M.exact_image(weights.product(differences)).square)
    )


def _agrees_with_query(
    location: Location,
    M: _CheckedMetric,
    points: Floats,
    w: Floats,
    query: Floats,
    b: int,
    exact: bool,
) -> bool:
    """Whether the combination agrees with the query in all that the metric sees; exactly, where
    that is claimed."""
    residual, allowed = (w[:, None] * (points - query)).sum(axis=0), 2 * location.allowed(b)
    if M.L is None:
        agrees = (np.abs(residual) <= allowed) | (M.root == 0)
    else:  # both times one power of two, which no side of the comparison feels
        pair = np.stack([residual, allowed])
        pair = np.ldexp(pair, -int(np.frexp(np.abs(pair).max())[1]))
        L = np.ldexp(M.L, -int(np.frexp(np.abs(M.L).max())[1]))
        agrees = np.abs(pair[:1] @ L.T) <= pair[1:] @ np.abs(L).T
    if not agrees.all():
        return False
    if not exact or location.status[b].name != "INSIDE" or len(w) > 64:
        return True
    return _is_exact_combination(points, query)


def _is_exact_combination(points: Floats, query: Floats) -> bool:
    """Exactly: the query is a convex combination of these affinely independent rows.

    Cramer by Gauss-Jordan over the rationals: slow, short, and nothing like the solver's way.
    """
    k = len(points)
    system = [
        [Fraction(float(x)) for x in points[:, j]] + [Fraction(float(query[j]))]
        for j in range(points.shape[1])
    ]
    system.append([Fraction(1)] * (k + 1))
    n_pivots = 0
    for c in range(k):
        pivot = next((i for i in range(n_pivots, len(system)) if system[i][c] != 0), None)
        if pivot is None:
            return False
        system[n_pivots], system[pivot] = system[pivot], system[n_pivots]
        head = system[n_pivots][c]
        system[n_pivots] = [x / head for x in system[n_pivots]]
        for i, row in enumerate(system):
            if i != n_pivots and row[c] != 0:
                system[i] = [x - row[c] * y for x, y in zip(row, system[n_pivots])]
        n_pivots += 1
    return all(row[k] == 0 for row in system[n_pivots:]) and all(
        r[k] >= 0 for r in system[:n_pivots]
    )
