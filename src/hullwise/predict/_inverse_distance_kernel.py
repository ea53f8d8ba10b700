"""Weights by a power of the distance to the nearest rows: one kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.numba import jit
from ._distance_kernels import WeightEntries, squared_distances
from ._score_kernels import smallest

SELECTION_ROWS = 64  # neighbours beyond which sorting all rows is faster than keeping the best


@jit
def inverse_distance(
    Z: Any, Zq: Any, floor: float, power: float, k: int, first: int, last: int, halt: Any
) -> WeightEntries:
    """Weights of queries first to last: (entries of each, their rows, their values).

    Relative to the nearest row's weight, so nothing overflows; power 0 is alike for all k rows.
    """
    n, r = Z.shape
    Y, square, nearest = np.empty((n, r)), np.empty(n), np.arange(k)
    count, size = np.zeros(last - first, np.int64), 0
    rows, values = np.empty(k * (last - first), np.int64), np.empty(k * (last - first))
    for b in range(first, last):
        if halt[0]:
            break
        s = squared_distances(Z, Zq[b], Y, square)
        if k < n and k <= SELECTION_ROWS:
            smallest(square, np.inf, k, nearest)
        elif k < n:
            nearest[:] = np.argsort(square, kind="mergesort")[:k]
        start, total, least_square = size, 0.0, square[nearest].min()
        is_on_row = power > 0.0 and least_square <= (floor * s) ** 2
        for i in nearest:
            if is_on_row:
                weight = 1.0 if square[i] <= (floor * s) ** 2 else 0.0
            else:
                weight = 1.0 if power == 0.0 else np.sqrt(least_square / square[i]) ** power
            if weight > 0.0:
                rows[size], values[size] = i, weight
                total += weight
                size += 1
        for e in range(start, size):
            values[e] /= total
        count[b - first] = size - start
    return count, rows[:size], values[:size]
