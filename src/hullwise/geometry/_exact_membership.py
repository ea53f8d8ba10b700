"""The last word on a query that floating point cannot tell from the boundary: exact arithmetic.

Every finite float is a ratio of integers, so whether a query is a convex combination of a few
given rows is a question about integers with a definite answer.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from .._core.types import Floats

MAX_EXACT_ROWS = 64  # a support of more rows would take more than a few tenths of a second


def is_convex_combination(rows: Floats, query: Floats) -> bool:
    """Whether `query` (d,) is exactly a convex combination of `rows` (k, d).

    The rows must be affinely independent (a support found by the solver is), so the weights, if
    there are any, are unique. Fraction-free elimination (Bareiss 1968) of d + 1 equations in k
    unknowns: O(d k^2) products of integers of up to about 110 k bits.
    """
    # where all rows agree with the query any weights of sum 1 do
    differs = (rows != query).any(axis=0)
    rows, query = rows[:, differs], query[differs]
    columns = [_to_integers(np.append(rows[:, j], query[j])) for j in range(rows.shape[1])]
    equations = [*columns, [1] * (len(rows) + 1)]
    weights = _solve_bareiss(equations, len(rows))
    return weights is not None and all(w >= 0 for w in weights)


def _to_integers(values: Floats) -> list[int]:
    """Integers in the ratio of the given floats; one column may have its own unit."""
    ratios = [float(v).as_integer_ratio() for v in values]
    common = max(denominator for _, denominator in ratios)
    return [numerator * (common // denominator) for numerator, denominator in ratios]


def _solve_bareiss(equations: list[list[int]], k: int) -> list[Fraction] | None:
    """The unique solution of an overdetermined system [A | b], or None if there is none."""
    previous_pivot = 1
    for c in range(k):
        pivot = next((i for i in range(c, len(equations)) if equations[i][c]), None)
        if pivot is None:
            return None
        equations[c], equations[pivot] = equations[pivot], equations[c]
        pivot_row = equations[c]
        for i in range(c + 1, len(equations)):
            row = equations[i]
            multiplier = row[c]
            equations[i] = [0] * (c + 1) + [
                (pivot_row[c] * row[j] - multiplier * pivot_row[j]) // previous_pivot
                for j in range(c + 1, k + 1)
            ]
        previous_pivot = pivot_row[c]
    if any(row[k] for row in equations[k:]):
        return None
    weights = [Fraction(0)] * k
    for c in range(k - 1, -1, -1):
        rest = sum((equations[c][j] * weights[j] for j in range(c + 1, k)), Fraction(0))
        weights[c] = (equations[c][k] - rest) / equations[c][c]
    return weights
