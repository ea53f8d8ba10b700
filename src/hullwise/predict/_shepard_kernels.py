"""Shepard weights of many queries, and what local linear fits add to them: kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.numba import jit
from ._distance_kernels import WeightEntries, squared_distances, with_room
from ._score_kernels import smallest

WITHIN_BALL = 1 - 8 * 2.0**-52  # of a radius: a query beyond is on the sphere, up to rounding
COVERED, HIT, UNCOVERED = range(3)  # how a query lies to the balls


@jit
def shepard(
    Z: Any,
    Zq: Any,
    floor: float,
    radii: Any,
    n_uncovered: int,
    first: int,
    last: int,
    halt: Any,
    coverage: Any,
) -> WeightEntries:
    """Weights of queries first to last: (entries of each, their rows, their values).

    A weight ((R - D) / (R D))^2 is taken relative to the nearest row's 1 / D^2: no overflow.
    """
    n, r = Z.shape
    Y, square, nearest = np.empty((n, r)), np.empty(n), np.empty(n_uncovered, np.int64)
    count = np.zeros(last - first, np.int64)
    rows, values, size = np.empty(64 * (last - first), np.int64), np.empty(64 * (last - first)), 0
    for b in range(first, last):
        if halt[0]:
            break
        s = squared_distances(Z, Zq[b], Y, square)
        if size + n > rows.shape[0]:
            rows, values = with_room(rows, values, n)
        start, is_hit, least_distance = size, False, np.inf
        for i in range(n):
            distance, radius = np.sqrt(square[i]), radii[i] * s
            on_row = distance <= floor * s
            if on_row and not is_hit:  # the balls so far count for nothing
                is_hit, size = True, start
            if on_row or (not is_hit and distance < radius * WITHIN_BALL):
                rows[size], values[size] = i, distance
                least_distance = min(least_distance, distance)
                size += 1
        coverage[b] = HIT if is_hit else COVERED
        if size == start:
            coverage[b] = UNCOVERED
            smallest(square, np.inf, n_uncovered, nearest)
            for e in range(n_uncovered):
                rows[size + e], values[size + e] = nearest[e], np.sqrt(square[nearest[e]])
            size += n_uncovered
            least_distance = values[start]
        total = 0.0
        for e in range(start, size):
            share = 1.0
            if coverage[b] != HIT:
                share = least_distance / values[e]
            if coverage[b] == COVERED:
                share *= 1.0 - values[e] / (radii[rows[e]] * s)
            values[e] = share * share
            total += values[e]
        for e in range(start, size):
            values[e] /= total
        count[b - first] = size - start
    return count, rows[:size], values[:size]


@jit
def add_slopes(
    Z: Any, Zq: Any, ends: Any, nodes: Any, blend: Any, position: Any, near: Any, operators: Any,
    coverage: Any, first: int, last: int, halt: Any,
) -> WeightEntries:  # fmt: skip
    """Weights of queries first to last when row k predicts y_k + a_k (q - x_k).

    Query b blends the rows nodes[ends[b]:ends[b + 1]]. The slope at row k is
    operators[position[k]] (y[near[k]] - y_k): each fitted row takes its share, and row k gives it.
    """
    n, r = Z.shape
    few = near.shape[1]
    sums, is_listed = np.zeros(n), np.zeros(n, np.bool_)
    count = np.zeros(last - first, np.int64)
    rows, values, size = np.empty(64 * (last - first), np.int64), np.empty(64 * (last - first)), 0
    for b in range(first, last):
        if halt[0]:
            break
        if size + n > rows.shape[0]:
            rows, values = with_room(rows, values, n)
        start = size
        for e in range(ends[b], ends[b + 1]):
            k = nodes[e]
            if not is_listed[k]:
                is_listed[k], rows[size], size = True, k, size + 1
            sums[k] += blend[e]
            if coverage[b] != COVERED:
                continue
            P = operators[position[k]]
            for a in range(few):
                part = 0.0
                for j in range(r):
                    part += (Zq[b, j] - Z[k, j]) * P[j, a]
                i = near[k, a]
                if not is_listed[i]:
                    is_listed[i], rows[size], size = True, i, size + 1
                sums[i] += blend[e] * part
                sums[k] -= blend[e] * part
        for e in range(start, size):
            i = rows[e]
            values[e], sums[i], is_listed[i] = sums[i], 0.0, False
        count[b - first] = size - start
    return count, rows[:size], values[:size]
