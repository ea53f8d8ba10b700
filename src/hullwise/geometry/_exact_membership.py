"""The last word on a query that floating point cannot tell from the boundary: exact arithmetic.

Every finite float is a ratio of integers, so whether a query is a convex combination of a few
given rows is a question about integers with a definite answer.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from .._core.types import Floats

MOST_ROWS = 64  # a support of more rows would take more than a few tenths of a second


def is_combination(rows: Floats, query: Floats) -> bool:
    """Whether `query` (d,) is exactly a convex combination of `rows` (k, d).

    The rows must be affinely independent (a support found by the solver is), so the weights, if
    there are any, are unique. Fraction-free elimination (Bareiss 1968) of d + 1 equations in k
    unknowns: O(d k^2) products of integers of up to about 110 k bits.
    """
    columns = [_integers(np.append(rows[:, j], query[j])) for j in range(rows.shape[1])]
    equations = [*columns, [1] * (len(rows) + 1)]
    weights = _solve(equations, len(rows))
    return weights is not None and all(w >= 0 for w in weights)


def _integers(values: Floats) -> list[int]:
    """Integers in the ratio of the given floats; one column may have its own unit."""
    ratios = [float(v).as_integer_ratio() for v in values]
    common = max(bottom for _, bottom in ratios)
    return [top * (common // bottom) for top, bottom in ratios]


def _solve(equations: list[list[int]], k: int) -> list[Fraction] | None:
    """The unique solution of an overdetermined system [A | b], or None if there is none."""
    last = 1
    for c in range(k):
        pivot = next((i for i in range(c, len(equations)) if equations[i][c]), None)
        if pivot is None:
            return None
        equations[c], equations[pivot] = equations[pivot], equations[c]
        top = equations[c]
        for i in range(c + 1, len(equations)):
            row = equations[i]
            head = row[c]
            equations[i] = [0] * (c + 1) + [
                (top[c] * row[j] - head * top[j]) // last for j in range(c + 1, k + 1)
            ]
        last = top[c]
    if any(row[k] for row in equations[k:]):
        return None
    weights = [Fraction(0)] * k
    for c in range(k - 1, -1, -1):
        rest = sum((equations[c][j] * weights[j] for j in range(c + 1, k)), Fraction(0))
        weights[c] = (equations[c][k] - rest) / equations[c][c]
    return weights
