"""The checker of smallest changes: from the rows, the query and the certificates alone.

It shares no code with the search. The claims, with z the changed query, p the mixture of rows that
the weights make, t the threshold and |.| the length in the metric:

1. z agrees with the query q in what is fixed, and |z - p| <= distance <= t;
2. a z with |z - q| <= upper does so too: this z, or the one on the way to p that is t away from it,
   for which |(p - q)_S| <= upper + sqrt(t^2 - |(p - q)_F|^2) in a diagonal metric;
3. every z within t of the hull has |z - q| >= lower, as for the direction u
   <u, q - x> >= lower |u_S| + t |u| for each row x; where lower is infinite, u_S = 0. Here |u_S| is
   the most that u sees of a change of S of length 1: in a matrix metric, the length of the
   projection of L u on the range of L_S; it is taken off u where lower is infinite.

Float64 with a rounding bound judges first; what it leaves open, or everything with `exact`, is
judged in rational arithmetic, where square roots are squared away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.types import Floats, Indices, Mask
from ..io.rows import Rows

if TYPE_CHECKING:
    from .change_bounds import ChangeBounds

CHANGE_CHECKER_ROUNDOFF = 2.0**-53
CHECKED_THRESHOLD = 2.0**-36  # of the rows' extent in the metric: the least threshold
CHECKED_DIGITS = 2.0**-30  # of lengths in a metric that is a matrix, in float64
CHECKED_STORAGE = 2.0**-44  # of the rows' numbers: what is left of their last digits
CHANGE_CHECKER_BLOCK_ROWS = 4096  # in one block


def changes_hold(changes: ChangeBounds, rows: Rows, exact: bool) -> Mask:
    """(m,) whether the claims of each change hold."""
    length = _CheckedLength(changes.metric.root, changes.metric.factor)
    m, d = changes.queries.shape
    V = np.array(
        [
            length.off_free(v, free) if np.isinf(lower) else v
            for v, free, lower in zip(changes.direction, changes.free, changes.lower)
        ]
    ).reshape(m, d)
    U = length.functional(V)
    largest = np.full(m, -np.inf)
    low, high = np.full(d, np.inf), np.full(d, -np.inf)
    for start in range(0, rows.n, CHANGE_CHECKER_BLOCK_ROWS):
        X = np.asarray(
            rows.block(start, min(start + CHANGE_CHECKER_BLOCK_ROWS, rows.n)), dtype=np.float64
        )
        low, high = np.minimum(low, X.min(axis=0)), np.maximum(high, X.max(axis=0))
        for b in range(m):
            largest[b] = max(largest[b], float(((X - changes.queries[b]) @ U[b]).max()))
    extent = float(np.linalg.norm(length.image_of_sizes(high - low)))
    size = np.maximum(np.abs(high - changes.queries), np.abs(low - changes.queries))
    terms = 2 * d + 2 * length.rank + 16
    bound = terms * CHANGE_CHECKER_ROUNDOFF * np.einsum("ij,ij->i", length.terms(V), size)
    stored = length.image_of_sizes(np.maximum(np.abs(low), np.abs(high)))
    least_threshold = CHECKED_THRESHOLD * extent + CHECKED_STORAGE * float(np.linalg.norm(stored))
    checker = _OneChange(changes, rows, length, least_threshold, exact)
    return np.array(
        [
            checker.upper_holds(b) and checker.lower_holds(b, V[b], largest[b], bound[b])
            for b in range(m)
        ],
        dtype=bool,
    )


class _CheckedLength:
    """|v|_M with M = L' L, in float64 and in rational numbers."""

    def __init__(self, root: Floats, factor: Floats | None) -> None:
        self.root, self.L = root, factor
        self.rank = 0 if factor is None else len(factor)

    def image(self, V: Floats) -> Floats:
        """L v."""
        return V * self.root if self.L is None else V @ self.L.T

    def image_of_sizes(self, V: Floats) -> Floats:
        """Bound on |L v'| for every v' of these sizes."""
        return V * self.root if self.L is None else V @ np.abs(self.L).T

    def functional(self, V: Floats) -> Floats:
        """M v."""
        return self.image(V) * self.root if self.L is None else self.image(V) @ self.L

    def terms(self, V: Floats) -> Floats:
        """The sizes of the terms of M v, before they cancel."""
        image = self.image_of_sizes(np.abs(V))
        return image * self.root if self.L is None else image @ np.abs(self.L)

    def free_part(self, v: Floats, free: Mask) -> Floats:
        """The part of L v that changes of free features can move along."""
        if self.L is None:
            return np.where(free, v * self.root, 0.0)
        own = self.L[:, free]
        return np.asarray(own @ np.linalg.lstsq(own, self.L @ v, rcond=None)[0])

    def off_free(self, v: Floats, free: Mask) -> Floats:
        """v without what changes of free features can move along."""
        if self.L is None:
            return v
        moved = v.copy()
        moved[free] -= np.linalg.lstsq(self.L[:, free], self.L @ v, rcond=None)[0]
        return moved

    def exact_image(self, v: Sequence[Fraction]) -> list[Fraction]:
        """L v exactly."""
        if self.L is None:
            return [Fraction(float(r)) * x for r, x in zip(self.root, v)]
        return [_dot(_exact(row), v) for row in self.L]

    def exact_functional(self, v: Sequence[Fraction]) -> list[Fraction]:
        """M v exactly."""
        image = self.exact_image(v)
        if self.L is None:
            return [Fraction(float(r)) * x for r, x in zip(self.root, image)]
        return [_dot(_exact(column), image) for column in self.L.T]

    def exact_free_part(
        self, functional: list[Fraction], free: Mask
    ) -> tuple[list[Fraction], Fraction]:
        """The shortest w of free features with M w equal to the functional there, and |w|^2."""
        places = np.flatnonzero(free).tolist()
        if self.L is None:
            square = [Fraction(float(r)) ** 2 for r in self.root]
            w = [functional[j] / square[j] if square[j] else Fraction(0) for j in places]
        else:
            columns = [_exact(self.L[:, j]) for j in places]
            gram = [[_dot(a, b) for b in columns] for a in columns]
            w = _solve(gram, [functional[j] for j in places])
        change = [Fraction(0)] * len(functional)
        for j, value in zip(places, w):
            change[j] = value
        return change, sum((functional[j] * change[j] for j in places), Fraction(0))


@dataclass(frozen=True)
class _OneChange:
    """Judges the claims of one change after the other."""

    changes: ChangeBounds
    rows: Rows
    length: _CheckedLength
    least_threshold: float
    exact: bool

    def upper_holds(self, b: int) -> bool:
        """Claims 1 and 2, in rational arithmetic: there are few rows in a mixture."""
        changes, free = self.changes, self.changes.free[b]
        upper, distance, threshold = (
            float(v[b]) for v in (changes.upper, changes.distance, changes.threshold)
        )
        if np.isinf(upper):
            return True  # nothing is claimed
        query, changed = changes.queries[b], changes.changed[b]
        span = slice(changes.weights.indptr[b], changes.weights.indptr[b + 1])
        support, weights = changes.weights.indices[span], changes.weights.data[span]
        if not np.isfinite(changed).all() or not (changed == query)[~free].all():
            return False
        if not len(weights) or not (weights >= 0).all() or support.max() >= self.rows.n:
            return False
        if not 0 <= distance <= max(threshold, self.least_threshold):
            return False
        points = [_exact(row) for row in self.rows.take(support.astype(np.intp))]
        shares = _exact(weights)
        nearest = [_dot(shares, column) / sum(shares) for column in zip(*points)]
        z, q = _exact(changed), _exact(query)
        if self._square(z, nearest) > Fraction(distance) ** 2:
            return False
        if self._square(z, q) <= Fraction(upper) ** 2:
            return True
        if self.length.L is not None:
            return False
        rest = max(Fraction(threshold), Fraction(distance)) ** 2 - self._square(nearest, q, ~free)
        return rest >= 0 and _at_most_sum(self._square(nearest, q, free), Fraction(upper), rest)

    def _square(
        self, a: Sequence[Fraction], b: Sequence[Fraction], at: Mask | None = None
    ) -> Fraction:
        """|a - b|^2, in some of the features."""
        gap = [x - y if at is None or at[j] else Fraction(0) for j, (x, y) in enumerate(zip(a, b))]
        image = self.length.exact_image(gap)
        return _dot(image, image)

    def lower_holds(self, b: int, v: Floats, largest: float, bound: float) -> bool:
        """Claim 3, for the direction v."""
        changes, free = self.changes, self.changes.free[b]
        lower, threshold = float(changes.lower[b]), float(changes.threshold[b])
        if lower == 0:
            return True  # nothing is claimed
        image = self.length.image(v[None])[0]
        if not np.isfinite(image).all() or not image.any():
            return False
        part = self.length.free_part(v, free)
        slack = 64 * CHANGE_CHECKER_ROUNDOFF if self.length.L is None else CHECKED_DIGITS
        whole, free_length = float(np.linalg.norm(image)), float(np.linalg.norm(part))
        if np.isinf(lower):
            if free_length > (0.0 if self.length.L is None else CHECKED_DIGITS * whole):
                return False
            lower = 0.0
        least = (lower * free_length + threshold * whole) * (1 + slack)
        if not self.exact and -largest - bound > least:
            return True
        near = (
            np.arange(self.rows.n) if self.exact else self._near_maximum(b, v, largest - 2 * bound)
        )
        return self._separates(b, self.rows.take(near))

    def _near_maximum(self, b: int, v: Floats, level: float) -> Indices:
        u = self.length.functional(v[None])[0]
        near = []
        for start in range(0, self.rows.n, CHANGE_CHECKER_BLOCK_ROWS):
            X = self.rows.block(start, min(start + CHANGE_CHECKER_BLOCK_ROWS, self.rows.n))
            gap = (np.asarray(X, dtype=np.float64) - self.changes.queries[b]) @ u
            near.append(start + np.flatnonzero(gap >= level))
        return np.concatenate(near)

    def _separates(self, b: int, points: Floats) -> bool:
        """Exactly: <u, q - x> >= lower |u_S| + t |u| for each of these rows, and not nothing."""
        v, query = _exact(self.changes.direction[b]), _exact(self.changes.queries[b])
        functional = self.length.exact_functional(v)
        whole = _dot(functional, v)
        change, part = self.length.exact_free_part(functional, self.changes.free[b])
        lower = float(self.changes.lower[b])
        if np.isinf(lower):  # u without what free features can move along
            moved = self.length.exact_functional(change)
            functional = [x - y for x, y in zip(functional, moved)]
            whole, part, lower = whole - part, Fraction(0), 0.0
        gap = min(
            _dot(functional, [a - x for a, x in zip(query, _exact(point))]) for point in points
        )
        t, least = Fraction(float(self.changes.threshold[b])), Fraction(lower)
        if gap <= 0:
            return False
        # gap >= l sqrt(part) + t sqrt(whole), both sides squared twice
        rest = gap * gap - least * least * part - t * t * whole
        return rest >= 0 and rest * rest >= 4 * least * least * t * t * part * whole


def _exact(values: Any) -> list[Fraction]:
    return [Fraction(float(value)) for value in values]


def _dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(a, b)), Fraction(0))


def _solve(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    """A solution of a symmetric system that has one, by Gauss-Jordan; free unknowns are 0."""
    k = len(right)
    system = [[*row, value] for row, value in zip(matrix, right)]
    pivots: list[int] = []
    for c in range(k):
        r = len(pivots)
        pivot = next((i for i in range(r, k) if system[i][c] != 0), None)
        if pivot is None:
            continue
        system[r], system[pivot] = system[pivot], system[r]
        head = system[r][c]
        system[r] = [x / head for x in system[r]]
        for i in range(k):
            if i != r and system[i][c] != 0:
                factor = system[i][c]
                system[i] = [x - factor * y for x, y in zip(system[i], system[r])]
        pivots.append(c)
    solution = [Fraction(0)] * k
    for r, c in enumerate(pivots):
        solution[c] = system[r][k]
    return solution


def _at_most_sum(square: Fraction, length: Fraction, other_square: Fraction) -> bool:
    """Whether sqrt(square) <= length + sqrt(other_square)."""
    rest = square - length * length - other_square
    return rest <= 0 or rest * rest <= 4 * length * length * other_square
