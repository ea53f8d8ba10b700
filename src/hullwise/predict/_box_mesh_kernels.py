"""Kernels of the box meshes: boxes cut until no point is left inside, and their basis functions.

A point is a row of C (n, r); a step from one to another counts ``(C[i] - C[j]) * unit`` along each
axis. Differences are taken before anything is scaled, so points that share a large offset lose
nothing, and equal steps stay equal.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.numba import jit

# square root of the machine epsilon: the least value of a box that holds a query
LEAST_BOX_VALUE = 2.0**-26
# farther than any finite width; keeps the quotient with an infinite one at 0
BEYOND_ANY_WIDTH = 2.0**1000
PRODUCT_EXPONENT = 512  # growing products are brought back into range by 2**PRODUCT_EXPONENT
LARGEST_FACTOR = 2.0**500  # one factor of theirs


@jit
def iterative_boxes(
    C: Any, columns: Any, unit: Any, start: int, stop: int, lower: Any, upper: Any
) -> None:
    """Boxes start to stop of the iterative mesh of C (n, r), whose rows are in insertion order.

    A box is cut by the points inserted before it, nearest first, then by those after it in order.
    No cut looks at another box, so boxes may be made in any order. `columns` is C.T, contiguous:
    a loop over points runs several at once without another order of summation.
    """
    gap, inside_rows = np.zeros(len(C)), np.zeros(len(C), dtype=np.int64)
    for j in range(start, stop):
        gap[:j] = 0.0
        for k in range(len(unit)):
            column, here, scale = columns[k], C[j, k], unit[k]
            for i in range(j):
                step = (column[i] - here) * scale
                gap[i] += step * step
        for i in range(j):
            inside_rows[i] = i
        _cut_nearest_first(C, unit, j, j, inside_rows, gap, lower[j], upper[j])
        _cut_in_order(C, unit, j, lower[j], upper[j])


@jit
def largest_boxes(
    C: Any, columns: Any, unit: Any, start: int, stop: int, lower: Any, upper: Any
) -> None:
    """Boxes start to stop of the max box mesh of C (n, r): cut by all others, nearest first."""
    n = len(C)
    gap, inside_rows = np.zeros(n), np.zeros(n, dtype=np.int64)
    for j in range(start, stop):
        gap[:] = 0.0
        for k in range(len(unit)):
            column, here, scale = columns[k], C[j, k], unit[k]
            for i in range(n):
                size = abs((column[i] - here) * scale)
                gap[i] = size if size > gap[i] else gap[i]
        for i in range(n - 1):
            inside_rows[i] = i + (i >= j)
            gap[i] = gap[inside_rows[i]]
        _cut_nearest_first(C, unit, j, n - 1, inside_rows, gap, lower[j], upper[j])


@jit
def _cut_nearest_first(
    C: Any, unit: Any, j: int, count: int, inside_rows: Any, gap: Any, low: Any, high: Any
) -> None:
    """Cut box j at the nearest of the points left inside, until none is; ties by lowest number."""
    while count > 0:
        best = 0
        for s in range(1, count):
            if gap[s] < gap[best]:
                best = s
        axis, step = _cut_at(C, unit, j, inside_rows[best], low, high)
        n_inside = 0
        for s in range(count):  # only the side just cut can have put a point outside
            there = (C[inside_rows[s], axis] - C[j, axis]) * unit[axis]
            inside = there < step if step >= 0 else there > step
            if inside:
                inside_rows[n_inside] = inside_rows[s]
                gap[n_inside] = gap[s]
                n_inside += 1
        count = n_inside


@jit
def _cut_in_order(C: Any, unit: Any, j: int, low: Any, high: Any) -> None:
    """Cut box j at every later point that it still holds when that point's turn comes."""
    r = len(unit)
    axes = np.zeros(r, dtype=np.int64)
    count = 0
    for k in range(r):
        if np.isfinite(low[k]) or np.isfinite(high[k]):
            axes[count] = k
            count += 1
    for i in range(j + 1, len(C)):
        inside = True
        for s in range(count):
            k = axes[s]
            step = (C[i, k] - C[j, k]) * unit[k]
            if step >= high[k] or -step >= low[k]:
                inside = False
                break
        if inside:
            axis, _ = _cut_at(C, unit, j, i, low, high)
            is_listed = False
            for s in range(count):
                is_listed |= axes[s] == axis
            if not is_listed:
                axes[count] = axis
                count += 1


@jit
def _cut_at(C: Any, unit: Any, j: int, i: int, low: Any, high: Any) -> Any:
    """End box j at point i, along the first of the axes that separate them most."""
    axis, widest = 0, (C[i, 0] - C[j, 0]) * unit[0]
    for k in range(1, len(unit)):
        step = (C[i, k] - C[j, k]) * unit[k]
        if abs(step) > abs(widest):
            axis, widest = k, step
    if widest >= 0:
        high[axis] = widest
    else:
        low[axis] = -widest
    return axis, widest


@jit
def box_weights_at(
    P: Any,
    C: Any,
    unit: Any,
    lower: Any,
    upper: Any,
    ends: Any,
    axes: Any,
    column: Any,
    growth: float,
    B: Any,
) -> None:
    """Normalised values at points P (m, r) of the boxes around C (n, r), into B (m, n).

    Box j goes to column[j]; `axes[ends[j]:ends[j + 1]]` are the axes on which it must be looked at.
    With `growth` > 0 an unbounded side counts 1 + growth |step|, else 1. A row that no box holds is
    1 / n throughout.
    """
    n = len(C)
    power = np.zeros(n, dtype=np.int64)
    for b in range(len(P)):
        highest = 0
        for j in range(n):
            first, last = ends[j], ends[j + 1]
            value, scale = _value(P, b, C, j, unit, lower, upper, axes, first, last, growth)
            B[b, column[j]], power[column[j]] = value, scale
            highest = max(highest, scale)
        total = 0.0
        for j in range(n):
            if power[j] != highest:
                B[b, j] = np.ldexp(B[b, j], PRODUCT_EXPONENT * max(power[j] - highest, -4))
            total += B[b, j]
        for j in range(n):
            B[b, j] = B[b, j] / total if total > 0 else 1 / n


@jit
def _value(
    P: Any,
    b: int,
    C: Any,
    j: int,
    unit: Any,
    lower: Any,
    upper: Any,
    axes: Any,
    first: int,
    last: int,
    growth: float,
) -> Any:
    """The basis function of box j at P[b], as (v, e): v 2**(PRODUCT_EXPONENT e)."""
    value, power = 1.0, 0
    for s in range(first, last):
        k = axes[s]
        step = (P[b, k] - C[j, k]) * unit[k]
        size = min(abs(step), BEYOND_ANY_WIDTH)
        width = upper[j, k] if step >= 0 else lower[j, k]
        if width < np.inf:
            part = (width - size) / width  # exact near the face, where 1 - size / width cancels
            if not part > 0:
                return 0.0, 0
            value *= part
        elif growth > 0:
            value *= min(1 + growth * size, LARGEST_FACTOR)
            if value > 2.0**PRODUCT_EXPONENT:
                value *= 2.0**-PRODUCT_EXPONENT
                power += 1
    return (max(value, LEAST_BOX_VALUE), 0) if power == 0 else (value, power)
