"""The checker of smallest changes: from the rows, the query and the certificates alone.

It shares no code with the search. The claims, with z the changed query, p the mixture of rows that
the weights make, t the reach and |.| the length in the metric:

1. z agrees with the query q in what is fixed, and |z - p| <= distance <= t;
2. a z with |z - q| <= upper does so too: this z, or the one on the way to p that is t away from it,
   for which |(p - q)_S| <= upper + sqrt(t^2 - |(p - q)_F|^2);
3. every z within t of the hull has |z - q| >= lower, as for the direction u
   <u, q - x> >= lower |u_S| + t |u| for each row x; where lower is infinite, u_S = 0.

Float64 with a rounding bound judges first; what it leaves open, or everything with `exact`, is
judged in rational arithmetic, where square roots are squared away.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.types import Floats, Indices, Mask
from ..io.rows import Rows

if TYPE_CHECKING:
    from .smallest_change import ChangeBounds

CHANGE_CHECKER_ROUNDOFF = 2.0**-53
CHECKED_REACH = 2.0**-36  # of the rows' extent in the metric: a reach below is checked up to this
CHECKED_ROWS = 4096  # in one block


def changes_hold(changes: ChangeBounds, rows: Rows, exact: bool) -> Mask:
    """(m,) whether the claims of each change hold."""
    root = changes.metric.root
    m, d = changes.queries.shape
    U = changes.direction * root * root
    largest = np.full(m, -np.inf)
    low, high = np.full(d, np.inf), np.full(d, -np.inf)
    for start in range(0, rows.n, CHECKED_ROWS):
        X = np.asarray(rows.block(start, min(start + CHECKED_ROWS, rows.n)), dtype=np.float64)
        low, high = np.minimum(low, X.min(axis=0)), np.maximum(high, X.max(axis=0))
        for b in range(m):
            largest[b] = max(largest[b], float(((X - changes.queries[b]) @ U[b]).max()))
    extent = float(np.sqrt(np.square((high - low) * root).sum()))
    size = np.maximum(np.abs(high - changes.queries), np.abs(low - changes.queries))
    bound = (2 * d + 16) * CHANGE_CHECKER_ROUNDOFF * np.einsum("ij,ij->i", np.abs(U), size)
    return np.array(
        [
            _upper_holds(changes, rows, b, extent)
            and _lower_holds(changes, rows, b, largest[b], bound[b], exact)
            for b in range(m)
        ],
        dtype=bool,
    )


def _upper_holds(changes: ChangeBounds, rows: Rows, b: int, extent: float) -> bool:
    """Claims 1 and 2, in rational arithmetic: there are few rows in a mixture."""
    upper, distance, reach = (float(v[b]) for v in (changes.upper, changes.distance, changes.reach))
    if np.isinf(upper):
        return True  # nothing is claimed
    free, query, changed = changes.free[b], changes.queries[b], changes.changed[b]
    span = slice(changes.weights.indptr[b], changes.weights.indptr[b + 1])
    support, weights = changes.weights.indices[span], changes.weights.data[span]
    if not np.isfinite(changed).all() or not (changed == query)[~free].all():
        return False
    if not len(weights) or not (weights >= 0).all() or support.max() >= rows.n:
        return False
    allowed = max(reach, CHECKED_REACH * extent) if reach < CHECKED_REACH * extent else reach
    if not 0 <= distance <= allowed:
        return False
    root = _exact(changes.metric.root)
    points = [_exact(row) for row in rows.take(support.astype(np.intp))]
    total = sum(_exact(weights))
    nearest = [
        sum(w * point[j] for w, point in zip(_exact(weights), points)) / total
        for j in range(len(query))
    ]
    z, q = _exact(changed), _exact(query)
    if _square(root, z, nearest) > Fraction(distance) ** 2:
        return False
    if _square(root, z, q) <= Fraction(upper) ** 2:
        return True
    rest = max(Fraction(reach), Fraction(distance)) ** 2 - _square(root, nearest, q, ~free)
    return rest >= 0 and _at_most_sum(_square(root, nearest, q, free), Fraction(upper), rest)


def _lower_holds(
    changes: ChangeBounds, rows: Rows, b: int, largest: float, bound: float, exact: bool
) -> bool:
    """Claim 3."""
    lower, reach, free = float(changes.lower[b]), float(changes.reach[b]), changes.free[b]
    if lower == 0:
        return True  # nothing is claimed
    image = changes.direction[b] * changes.metric.root
    if not np.isfinite(image).all() or not image.any():
        return False
    if np.isinf(lower):
        if image[free].any():
            return False
        lower = 0.0
    length, free_length = float(np.linalg.norm(image)), float(np.linalg.norm(image[free]))
    least = (lower * free_length + reach * length) * (1 + 64 * CHANGE_CHECKER_ROUNDOFF)
    if not exact and -largest - bound > least:
        return True
    near = np.arange(rows.n) if exact else _rows_near_maximum(changes, rows, b, largest - 2 * bound)
    return _separates(changes, rows.take(near), b, lower)


def _rows_near_maximum(changes: ChangeBounds, rows: Rows, b: int, level: float) -> Indices:
    u = changes.direction[b] * changes.metric.root**2
    near = []
    for start in range(0, rows.n, CHECKED_ROWS):
        X = np.asarray(rows.block(start, min(start + CHECKED_ROWS, rows.n)), dtype=np.float64)
        near.append(start + np.flatnonzero((X - changes.queries[b]) @ u >= level))
    return np.concatenate(near)


def _separates(changes: ChangeBounds, points: Floats, b: int, lower: float) -> bool:
    """Exactly: <u, q - x> >= lower |u_S| + t |u| for each of these rows, and not nothing."""
    root, v = _exact(changes.metric.root), _exact(changes.direction[b])
    image = [r * x for r, x in zip(root, v)]
    functional = [r * x for r, x in zip(root, image)]
    query = _exact(changes.queries[b])
    whole = sum(x * x for x in image)
    part = sum(x * x for x, is_free in zip(image, changes.free[b]) if is_free)
    gaps = [
        sum(f * (a - x) for f, a, x in zip(functional, query, _exact(point))) for point in points
    ]
    gap, t, least = min(gaps), Fraction(float(changes.reach[b])), Fraction(lower)
    if gap <= 0:
        return False
    # gap >= l sqrt(part) + t sqrt(whole), both sides squared twice
    rest = gap * gap - least * least * part - t * t * whole
    return rest >= 0 and rest * rest >= 4 * least * least * t * t * part * whole


def _exact(values: Any) -> list[Fraction]:
    return [Fraction(float(value)) for value in values]


def _square(root: list[Fraction], a: list[Any], b: list[Any], at: Any = None) -> Fraction:
    """|a - b|^2 in a diagonal metric, in some of the features."""
    terms = ((r * (x - y)) ** 2 for r, x, y in zip(root, a, b))
    return Fraction(sum(t for j, t in enumerate(terms) if at is None or at[j]))


def _at_most_sum(square: Fraction, length: Fraction, other_square: Fraction) -> bool:
    """Whether sqrt(square) <= length + sqrt(other_square)."""
    rest = square - length * length - other_square
    return rest <= 0 or rest * rest <= 4 * length * length * other_square
