"""Voronoi weights of many queries: one kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.numba import jit
from ._distance_kernels import WeightEntries, squared_distances, with_room

VECTOR_LANES = 8  # rows whose products are taken together, in vector instructions
CANCELLATION = 1e-3  # of |y_i|^2 + |y_j|^2: below, differences are taken, not products
LEAST_VORONOI_WEIGHT = 2.0**-46  # a weight below this is rounding
CERTAINLY_FARTHER = 1 + 1e-12  # a row beyond this times the squared distance is farther for certain


@jit
def voronoi(Z: Any, Zq: Any, floor: float, first: int, last: int, halt: Any) -> WeightEntries:
    """Weights of queries first to last: (entries of each, their rows, their values).

    With y_i = x_i - q the ratio of row i against row j is <-y_i, y_j - y_i> / |y_j - y_i|^2. Rows
    come by distance. A nearer row may give any ratio, and 1 or more leaves row i without weight;
    a farther one gives at most |y_i| / (|y_i| + |y_j|) (at y_j opposite to y_i), so the search
    ends once that is no more than the largest ratio found.
    """
    n, r = Z.shape
    Y, square, ordered = np.empty((n, r)), np.empty(n), np.empty(n)
    T, products = np.zeros((-(-n // VECTOR_LANES), r, VECTOR_LANES)), np.empty(VECTOR_LANES)
    count = np.zeros(last - first, np.int64)
    rows, values, size = np.empty(64 * (last - first), np.int64), np.empty(64 * (last - first)), 0
    for b in range(first, last):
        if halt[0]:
            break
        s = squared_distances(Z, Zq[b], Y, square)
        order = np.argsort(square, kind="mergesort")
        for c in range(n):
            ordered[c] = square[order[c]]
            for k in range(r):
                T[c // VECTOR_LANES, k, c % VECTOR_LANES] = Y[order[c], k]
        start, total, limit = size, 0.0, (floor * s) ** 2
        on_a_row = ordered[0] <= limit
        for a in range(n):
            if on_a_row:
                if ordered[a] > limit:
                    break
                weight = 1.0
            else:
                weight = _weight(a, Z, order, Y[order[a]], T, ordered, (s, floor * s), products)
            # far from all rows they may rule out each other by rounding: the nearest then stays
            last_resort = a == n - 1 and size == start
            if weight > LEAST_VORONOI_WEIGHT or last_resort:
                if size == rows.shape[0]:
                    rows, values = with_room(rows, values, n - a)
                rows[size] = (
                    order[0] if last_resort and weight <= LEAST_VORONOI_WEIGHT else order[a]
                )
                values[size] = max(weight, LEAST_VORONOI_WEIGHT)
                total += values[size]
                size += 1
        for e in range(start, size):
            values[e] /= total
        count[b - first] = size - start
    return count, rows[:size], values[:size]


@jit
def _weight(
    a: int, Z: Any, order: Any, y: Any, T: Any, ordered: Any, scale: Any, products: Any
) -> float:
    """1 less the largest ratio of the row at place a, shared with the rows at the same point."""
    n, r = Z.shape
    s, floor = scale
    own_square, distance, largest_ratio, n_same = ordered[a], np.sqrt(ordered[a]), 0.0, 1
    for block in range(T.shape[0]):
        c0 = block * VECTOR_LANES
        if c0 > a and ordered[c0] > own_square * CERTAINLY_FARTHER:
            farther = np.sqrt(ordered[c0])
            if farther > distance + floor and distance <= largest_ratio * (distance + farther):
                break
        _products(y, T[block], products)
        for c in range(c0, min(c0 + VECTOR_LANES, n)):
            if c == a:
                continue
            squares = own_square + ordered[c]
            denominator = squares - 2.0 * products[c - c0]
            numerator = own_square - products[c - c0]
            if not denominator > CANCELLATION * squares:
                numerator, denominator = 0.0, 0.0
                for k in range(r):
                    edge = (Z[order[c], k] - Z[order[a], k]) * s
                    numerator -= y[k] * edge
                    denominator += edge * edge
                if denominator <= floor * floor:
                    n_same += 1
                    continue
            if numerator >= denominator:
                return 0.0
            if numerator > largest_ratio * denominator:
                largest_ratio = numerator / denominator
    return (1.0 - largest_ratio) / n_same


@jit
def _products(y: Any, t: Any, out: Any) -> None:
    """<y, x> for the eight columns x of t; sums kept apart by hand stay in registers."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    for k in range(y.shape[0]):
        v = y[k]
        s0 += v * t[k, 0]
        s1 += v * t[k, 1]
        s2 += v * t[k, 2]
        s3 += v * t[k, 3]
        s4 += v * t[k, 4]
        s5 += v * t[k, 5]
        s6 += v * t[k, 6]
        s7 += v * t[k, 7]
    out[0], out[1], out[2], out[3] = s0, s1, s2, s3
    out[4], out[5], out[6], out[7] = s4, s5, s6, s7
