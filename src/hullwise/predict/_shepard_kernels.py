"""Shepard weights of many queries, and what local linear fits add to them: kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.numba import jit
from ._batching import differences, extended, nearest_few

WITHIN = 1 - 8 * 2.0**-52  # of a radius: a query beyond is on the sphere, up to rounding
COVERED, HIT, UNCOVERED = range(3)  # how a query was answered


@jit
def shepard(
    Z: Any, Zq: Any, floor: float, radii: Any, few: int, first: int, last: int, halt: Any, how: Any
) -> Any:
    """Weights of queries first to last: (entries of each, their rows, their values).

    A weight ((R - D) / (R D))^2 is taken relative to the nearest row's 1 / D^2: no overflow.
    """
    n, r = Z.shape
    Y, square, nearest = np.empty((n, r)), np.empty(n), np.empty(few, np.int64)
    count = np.zeros(last - first, np.int64)
    rows, values, size = np.empty(64 * (last - first), np.int64), np.empty(64 * (last - first)), 0
    for b in range(first, last):
        if halt[0]:
            break
        s = differences(Z, Zq[b], Y, square)
        if size + n > rows.shape[0]:
            rows, values = extended(rows, values, n)
        start, hit, least = size, False, np.inf
        for i in range(n):
            gap, radius = np.sqrt(square[i]), radii[i] * s
            on = gap <= floor * s
            if on and not hit:  # the balls found so far count for nothing
                hit, size = True, start
            if on or (not hit and gap < radius * WITHIN):
                rows[size], values[size] = i, gap
                least = min(least, gap)
                size += 1
        how[b] = HIT if hit else COVERED
        if size == start:
            how[b] = UNCOVERED
            nearest_few(square, few, nearest)
            for e in range(few):
                rows[size + e], values[size + e] = nearest[e], np.sqrt(square[nearest[e]])
            size += few
            least = values[start]
        total = 0.0
        for e in range(start, size):
            share = 1.0
            if how[b] != HIT:
                share = least / values[e]
            if how[b] == COVERED:
                share *= 1.0 - values[e] / (radii[rows[e]] * s)
            values[e] = share * share
            total += values[e]
        for e in range(start, size):
            values[e] /= total
        count[b - first] = size - start
    return count, rows[:size], values[:size]


@jit
def add_slopes(
    Z: Any, Zq: Any, ends: Any, nodes: Any, blend: Any, place: Any, near: Any, operators: Any,
    how: Any, first: int, last: int, halt: Any,
) -> Any:  # fmt: skip
    """Weights of queries first to last when row k predicts y_k + a_k (q - x_k).

    Query b blends the rows nodes[ends[b]:ends[b + 1]]. The slope at row k is
    operators[place[k]] (y[near[k]] - y_k), so each fitted row takes its share, and row k gives it.
    """
    n, r = Z.shape
    few = near.shape[1]
    sums, seen = np.zeros(n), np.zeros(n, np.bool_)
    count = np.zeros(last - first, np.int64)
    rows, values, size = np.empty(64 * (last - first), np.int64), np.empty(64 * (last - first)), 0
    for b in range(first, last):
        if halt[0]:
            break
        if size + n > rows.shape[0]:
            rows, values = extended(rows, values, n)
        start = size
        for e in range(ends[b], ends[b + 1]):
            k = nodes[e]
            if not seen[k]:
                seen[k], rows[size], size = True, k, size + 1
            sums[k] += blend[e]
            if how[b] != COVERED:
                continue
            P = operators[place[k]]
            for a in range(few):
                part = 0.0
                for j in range(r):
                    part += (Zq[b, j] - Z[k, j]) * P[j, a]
                i = near[k, a]
                if not seen[i]:
                    seen[i], rows[size], size = True, i, size + 1
                sums[i] += blend[e] * part
                sums[k] -= blend[e] * part
        for e in range(start, size):
            i = rows[e]
            values[e], sums[i], seen[i] = sums[i], 0.0, False
        count[b - first] = size - start
    return count, rows[:size], values[:size]
