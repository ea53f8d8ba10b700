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
BLOCK = 2048


def verify_location(location: Location, rows: Rows, exact: bool) -> np.ndarray[Any, Any]:
    """Whether each row's claims hold, (m,) bool.

    The claims: the weights are nonnegative and their combination lies within `upper` of the query;
    the direction leaves every training row at least `lower` behind the query; the verdict follows
    from the two (and for `INSIDE` the combination agrees with the query in every feature within
    the tolerance; with `exact`, the query is a convex combination exactly where that is claimed).
    """
    M = _Metric(location.metric.root, location.metric.factor)
    highest, slack, nearly = _highest_rows(location, rows, M, exact)
    return np.array(
        [
            _row_holds(location, rows, M, b, highest[b], slack[b], nearly[b], exact)
            for b in range(len(location.verdict))
        ],
        dtype=bool,
    )


class _Metric:
    """<v, w>_M, in float64 and in integers."""

    def __init__(self, root: Floats, factor: Floats | None) -> None:
        self.root, self.L = root, factor

    def image(self, V: Floats) -> Floats:
        """L v: the metric's length is the Euclidean length of this."""
        return V * self.root if self.L is None else V @ self.L.T

    def image_of_sizes(self, V: Floats) -> Floats:
        """Bound on |L v'| for every v' with |v'| <= v in each feature."""
        return V * self.root if self.L is None else V @ np.abs(self.L).T

    def exact_image(self, v: _Exact) -> _Exact:
        """L v exactly."""
        if self.L is None:
            return _exact(self.root).times(v)
        return self._whole.product(v)

    def functional(self, v: _Exact) -> _Exact:
        """M v exactly."""
        if self.L is None:
            return _exact(self.root).times(self.exact_image(v))
        turned = _Exact(self._whole.whole.T, self._whole.exponent)
        return turned.product(self.exact_image(v))

    @cached_property
    def _whole(self) -> _Exact:
        return _exact(self.L)


@dataclass(frozen=True, eq=False)
class _Exact:
    """Whole numbers (Python's, of any size) times a power of two: what floats are, exactly."""

    whole: Any
    exponent: int

    def times(self, other: _Exact) -> _Exact:
        return _Exact(self.whole * other.whole, self.exponent + other.exponent)

    def product(self, other: _Exact) -> _Exact:
        return _Exact(self.whole @ other.whole, self.exponent + other.exponent)

    @property
    def square(self) -> _Exact:
        """The squared length, or the square of a number."""
        return self.product(self) if np.ndim(self.whole) else self.times(self)

    def at_least(self, other: _Exact) -> bool:
        low = min(self.exponent, other.exponent)
        mine, its = (one.whole * 2 ** (one.exponent - low) for one in (self, other))
        return bool(mine >= its)


def _exact(values: Any) -> _Exact:
    """Floats as whole numbers with one power of two for all."""
    digits, exponent = np.frexp(np.asarray(values, dtype=np.float64))
    exponent = np.where(digits == 0, 0, exponent - 53)
    low = int(exponent.min(initial=0))
    whole = (digits * 2.0**53).astype(np.int64).astype(object)
    return _Exact(whole * 2 ** (exponent - low).astype(object), low)


def _highest_rows(
    location: Location, rows: Rows, M: _Metric, exact: bool
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
    bound = terms * np.einsum("ij,ij->i", size, np.abs(shifted))
    widest = np.zeros(d)
    best = np.full(m, -np.inf)
    for start in range(0, rows.n, BLOCK):
        Y = rows.block(start, min(start + BLOCK, rows.n)).astype(np.float64) - origin
        widest = np.maximum(widest, np.abs(Y).max(axis=0))
        for low in range(0, m, BLOCK):
            best[low : low + BLOCK] = np.maximum(
                best[low : low + BLOCK], (V[low : low + BLOCK] @ Y.T).max(axis=1)
            )
    bound = bound + terms * (size @ widest)
    nearly: list[Any] = [[] for _ in range(m)]
    unsure = np.flatnonzero(_is_unsure(location, M, best - ahead, bound, exact))
    for start in range(0, rows.n if unsure.size else 0, BLOCK):
        Y = rows.block(start, min(start + BLOCK, rows.n)).astype(np.float64) - origin
        for low in range(0, len(unsure), BLOCK):
            some = unsure[low : low + BLOCK]
            close = V[some] @ Y.T >= (best[some] - 2 * bound[some])[:, None]
            for b, row in zip(*np.nonzero(close)):
                nearly[some[b]].append(start + row)
    return best - ahead, bound, [np.array(r, dtype=np.intp) for r in nearly]


def _is_unsure(location: Location, M: _Metric, highest: Floats, bound: Floats, exact: bool) -> Any:
    """Rows for which float64 cannot tell whether the lower bound holds (all that claim one)."""
    claimed = location.lower * np.linalg.norm(M.image(location.direction), axis=1)
    sure = (-highest - bound > claimed * (1 + 8 * CHECKER_ROUNDOFF)) & (not exact)
    return (location.lower > 0) & ~sure


def _row_holds(
    location: Location,
    rows: Rows,
    M: _Metric,
    b: int,
    highest: float,
    bound: float,
    nearly: np.ndarray[Any, Any],
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
    if lower > 0 and (exact or nearly.size):
        if -highest + bound < lower * float(np.linalg.norm(M.image(v[None])[0])) * (
            1 - 8 * CHECKER_ROUNDOFF
        ):
            return False
        # rows further than twice the bound behind the best cannot be the best
        if nearly.size and not _separates(M, v, query, rows.take(nearly), lower):
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
    return verdict != 1 or _is_inside(location, M, points, w, query, b, exact)


def _separates(M: _Metric, v: Floats, query: Floats, points: Floats, lower: float) -> bool:
    """Exactly: <v, q - x>_M >= lower |v|_M for each given row."""
    functional = M.functional(_exact(v))
    target = _exact(lower).square.times(M.exact_image(_exact(v)).square)
    for row in points:
        both = _exact(np.stack([query, row]))
        gap = functional.product(_Exact(both.whole[0] - both.whole[1], both.exponent))
        if gap.whole <= 0 or not gap.times(gap).at_least(target):
            return False
    return True


def _within(
    M: _Metric, points: Floats, w: Floats, query: Floats, upper: float, exact: bool
) -> bool:
    """Whether the combination lies within `upper` of the query."""
    with np.errstate(over="ignore", invalid="ignore"):
        Y = points - query
        image = M.image((w[:, None] * Y).sum(axis=0)[None] / w.sum())[0]
        length = float(np.linalg.norm(image))
        each_way = (w[:, None] * np.abs(Y)).sum(axis=0)
        size = float(np.linalg.norm(M.image_of_sizes(each_way[None])[0]))
    bound = 4 * (len(w) + len(query)) * CHECKER_ROUNDOFF * size
    if not exact and length + bound <= upper:
        return True
    if np.isfinite(length + bound) and length - bound > upper:
        return False
    both, share = _exact(np.concatenate([query[None], points])), _exact(w)
    differences = _Exact(both.whole[1:] - both.whole[0], both.exponent)
    total = _Exact(share.whole.sum(), share.exponent)
    return (
        _exact(upper).times(total).square.at_least(M.exact_image(share.product(differences)).square)
    )


def _is_inside(
    location: Location, M: _Metric, points: Floats, w: Floats, query: Floats, b: int, exact: bool
) -> bool:
    """Whether the combination agrees with the query in all that the metric sees; exactly, where
    that is claimed."""
    with np.errstate(over="ignore"):
        gap = np.abs(M.image((w[:, None] * (points - query)).sum(axis=0)[None])[0])
    if not (gap <= 2 * M.image_of_sizes(location.allowed(b)[None])[0]).all():
        return False
    if not exact or location.status[b].name != "INSIDE" or len(w) > 64:
        return True
    return _solves(points, query)


def _solves(points: Floats, query: Floats) -> bool:
    """Exactly: the query is a convex combination of these affinely independent rows.

    Cramer by Gauss-Jordan over the rationals: slow, short, and nothing like the solver's way.
    """
    k = len(points)
    system = [
        [Fraction(float(x)) for x in points[:, j]] + [Fraction(float(query[j]))]
        for j in range(points.shape[1])
    ]
    system.append([Fraction(1)] * (k + 1))
    done = 0
    for c in range(k):
        pivot = next((i for i in range(done, len(system)) if system[i][c] != 0), None)
        if pivot is None:
            return False
        system[done], system[pivot] = system[pivot], system[done]
        head = system[done][c]
        system[done] = [x / head for x in system[done]]
        for i, row in enumerate(system):
            if i != done and row[c] != 0:
                system[i] = [x - row[c] * y for x, y in zip(row, system[done])]
        done += 1
    return all(row[k] == 0 for row in system[done:]) and all(r[k] >= 0 for r in system[:done])
