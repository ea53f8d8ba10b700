"""Weights by a kernel of the distance, and their leave-one-out errors. Kernels.

The letters are those of Nadaraya (1964) and Watson (1964): h is the bandwidth, K the kernel. A
kernel is three numbers: K(u) = (1 - u^a)^b for u < 1 where a > 0; where a = 0 it is exp(-u^2 / 2),
or, with `is_attention`, exp(<q, x> / h^2).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._core.numba import jit, subkernel
from ._distance_kernels import WeightEntries, with_room

TIED_SHARE = 2.0**-50  # of what is added up for a difference of squares: less is rounding


@subkernel
def nearest_first(Z: Any, q: Any, shrink: float, is_attention: bool, skip: Any, out: Any) -> int:
    """out_i = |x_i - q|^2, or -<q, x_i>, of rows shrunk as the query was; the row with the least.

    Rows that are skipped have infinity; -1 where all are.
    """
    best, nearest = np.inf, -1
    for i in range(Z.shape[0]):
        out[i] = np.inf
        if skip[i]:
            continue
        total = 0.0
        for k in range(Z.shape[1]):
            if is_attention:
                total -= q[k] * Z[i, k]
            else:
                y = Z[i, k] * shrink - q[k]
                total += y * y
        out[i] = total
        if total < best or nearest < 0:
            best, nearest = total, i
    return nearest


@subkernel
def squares_beyond_nearest(
    Z: Any,
    q: Any,
    shrink: float,
    is_attention: bool,
    floor: float,
    skip: Any,
    nearest: int,
    out: Any,
) -> None:
    """out_i = (|x_i - q|^2 - |x_0 - q|^2) shrink, x_0 the nearest row: what cancels is never made.

    It is <x_i - x_0, (x_i - q) + (x_0 - q)>; for attention -2 <q, x_i - x_0>. What is rounding
    is 0: rows that are equally near stay so.
    """
    least = 0.0
    for i in range(Z.shape[0]):
        if skip[i]:
            out[i] = np.inf
            continue
        total, size, width = 0.0, 0.0, 0.0
        for k in range(Z.shape[1]):
            a = Z[i, k] - Z[nearest, k]
            if is_attention:
                b = -2.0 * q[k]
            else:
                b = (Z[i, k] * shrink - q[k]) + (Z[nearest, k] * shrink - q[k])
            total += a * b
            size += abs(a * b)
            width += abs(b)
        if abs(total) <= TIED_SHARE * Z.shape[1] * size + 2.0 * floor * width:
            total = 0.0
        out[i] = total
        least = min(least, total)
    if least < 0.0:
        for i in range(Z.shape[0]):
            out[i] -= least


@subkernel
def exponential_weights(
    beyond: Any, exponent: int, h: float, mass: Any, cutoff: float, out: Any
) -> None:
    """out_i = mass_i exp(-beyond_i 2^exponent / (2 h^2)), 0 where that is rounding."""
    digits, power = math.frexp(h)
    half = 0.5 / (digits * digits)
    power = min(max(exponent - 2 * power, -2000), 2000)
    first = 2.0 ** (power // 2)
    second = 2.0 ** (power - power // 2)
    for i in range(beyond.shape[0]):
        x = beyond[i] * half * first * second
        out[i] = mass[i] * math.exp(-x) if x <= cutoff else 0.0


@subkernel
def compact_weights(
    square: Any, exponent: int, h: float, a: float, b: float, mass: Any, out: Any
) -> bool:
    """out_i = mass_i (1 - (D_i / h)^a)^b within h; whether any row is."""
    digits, power = math.frexp(h)
    power = min(max(exponent - power, -1000), 1000)
    scale = 2.0**power / digits
    covered = False
    for i in range(square.shape[0]):
        u = math.sqrt(square[i]) * scale
        out[i] = mass[i] * (1.0 - u**a) ** b if u < 1.0 else 0.0
        covered = covered or out[i] > 0.0
    return covered


@subkernel
def weigh_nearest(beyond: Any, mass: Any, out: Any) -> None:
    """out_i = mass_i for the nearest rows, equally near ones alike."""
    for i in range(beyond.shape[0]):
        out[i] = mass[i] if beyond[i] == 0.0 else 0.0


@subkernel
def own_unit(square: Any, n_neighbors: int, exponent: int) -> float:
    """The distance to the n-th nearest row; rows without a distance are infinitely far."""
    kth = np.partition(square, n_neighbors - 1)[n_neighbors - 1]
    if not np.isfinite(kth):
        kth = 0.0
        for value in square:
            if np.isfinite(value):
                kth = max(kth, value)
    return max(math.sqrt(kth) * 2.0 ** min(exponent, 900), 5e-324)


@jit
def kernel_weights(
    Z: Any,
    Q: Any,
    exponents: Any,
    h: float,
    n_neighbors: int,
    a: float,
    b: float,
    is_attention: bool,
    mass: Any,
    floor: float,
    cutoff: float,
    first: int,
    last: int,
    halt: Any,
) -> WeightEntries:
    """Weights of queries first to last: (entries of each, their rows, their values).

    With n_neighbors > 0 the bandwidth is h times the distance to that neighbour.
    """
    n = Z.shape[0]
    square, beyond, weight = np.empty(n), np.empty(n), np.empty(n)
    skip = np.zeros(n, np.bool_)
    count, size = np.zeros(last - first, np.int64), 0
    rows, values = np.empty(n, np.int64), np.empty(n)
    for m in range(first, last):
        if halt[0]:
            break
        q, exponent = Q[m], exponents[m]
        shrink = 2.0 ** max(-exponent, -1000)
        nearest = nearest_first(Z, q, shrink, is_attention, skip, square)
        width = h
        if n_neighbors > 0:
            width = min(h * own_unit(square, n_neighbors, exponent), 1e300)
        covered = a > 0.0 and compact_weights(square, exponent, width, a, b, mass, weight)
        if not covered:
            squares_beyond_nearest(Z, q, shrink, is_attention, floor, skip, nearest, beyond)
            if a > 0.0:
                weigh_nearest(beyond, mass, weight)
            else:
                exponential_weights(beyond, exponent, width, mass, cutoff, weight)
        if size + n > rows.shape[0]:
            rows, values = with_room(rows, values, n)
        start, total = size, 0.0
        for i in range(n):
            if weight[i] > 0.0:
                rows[size], values[size] = i, weight[i]
                total += weight[i]
                size += 1
        for e in range(start, size):
            values[e] /= total
        count[m - first] = size - start
    return count, rows[:size], values[:size]


@jit
def left_out_errors(
    Z: Any,
    Q: Any,
    Y: Any,
    rows: Any,
    widths: Any,
    n_neighbors: int,
    a: float,
    b: float,
    is_attention: bool,
    mass: Any,
    floor: float,
    cutoff: float,
    group_ends: Any,
    groups: Any,
    n_groups: int,
    first: int,
    last: int,
    halt: Any,
    errors: Any,
) -> None:
    """errors[j] (widths,): squared errors at rows[j] predicted from the rows of other groups.

    Q are the places of all rows as queries; NaN where no other group has rows.
    """
    n = Z.shape[0]
    square, beyond, weight = np.empty(n), np.empty(n), np.empty(n)
    is_left_out, skip = np.zeros(n_groups, np.bool_), np.zeros(n, np.bool_)
    prediction = np.empty(Y.shape[1])
    for j in range(first, last):
        if halt[0]:
            break
        own = rows[j]
        is_left_out[:] = False
        for e in range(group_ends[own], group_ends[own + 1]):
            is_left_out[groups[e]] = True
        for i in range(n):
            skip[i] = False
            for e in range(group_ends[i], group_ends[i + 1]):
                skip[i] = skip[i] or is_left_out[groups[e]]
        nearest = nearest_first(Z, Q[own], 1.0, is_attention, skip, square)
        if nearest < 0:
            errors[j] = np.nan
            continue
        unit = own_unit(square, n_neighbors, 0) if n_neighbors > 0 else 1.0
        squares_beyond_nearest(Z, Q[own], 1.0, is_attention, floor, skip, nearest, beyond)
        for c in range(widths.shape[0]):
            width = max(widths[c] * unit, 5e-324)
            if a == 0.0:
                exponential_weights(beyond, 0, width, mass, cutoff, weight)
            elif not compact_weights(square, 0, width, a, b, mass, weight):
                weigh_nearest(beyond, mass, weight)
            total = 0.0
            prediction[:] = 0.0
            for i in range(n):
                if weight[i] > 0.0:
                    total += weight[i]
                    for k in range(Y.shape[1]):
                        prediction[k] += weight[i] * Y[i, k]
            for k in range(Y.shape[1]):
                errors[j, c] += (prediction[k] / total - Y[own, k]) ** 2
