"""Minimax linear weights of many queries among rows that fit in the cache's reach: one kernel.

Each query works on a few rows, at first the nearest ones. A look at all rows then finds those that
would have a weight in the dual point found, and they join, until a look finds none: the optimum
over a few rows is that over all. Letters as in `_minimax_newton`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._core.numba import jit, subkernel
from .._core.rounding import UNIT_ROUNDOFF
from ._distance_kernels import WeightEntries, with_room
from ._minimax_newton import solve_rows
from ._minimax_primal import polish, worst_case_risk
from ._score_kernels import scores, smallest

FIRST_MINIMAX_ROWS = 40  # nearest rows to begin with, or
ROWS_PER_UNKNOWN = 4  # so many for each of the dual numbers
MANY_ROWS = 512  # a working set this large takes every row that a look finds
MAX_LOOKS = 60
VIOLATION_TOLERANCE = 1e-13  # of a: a row that would have a smaller weight is not looked for
NOISE_STEPS = (8.0, 1.7, 1.15)  # between the noise ratios of one solve
OPTIMALITY_GAP = 1e-9  # relative duality gap of a proved optimum
MINIMAX_OPTIMAL, MINIMAX_LOOSE, MINIMAX_UNKNOWN = range(3)  # how a search ends


@subkernel
def make_buffers(r: int, capacity: int) -> Any:
    """Room for a working set of so many rows, and what Newton's method needs."""
    p, stride = r + 2, capacity + 9  # columns of a power of two would share their place in a cache
    working_set = np.empty((r, stride)), np.empty(stride), np.empty((stride, p))
    h, trial_h = np.empty((2, stride)), np.empty((2, stride))
    arrays = np.empty((stride, p)), np.empty((p, p)), np.empty(p), np.empty(p)
    return working_set, (np.zeros(p), h, trial_h, *arrays)


@subkernel
def add_rows(
    columns: Any, z: Any, off: float, shrink: float, at: Any, k: int, more: int, working_set: Any
) -> None:
    """Rows at[k:more] join the working set, in lengths of 1 / shrink."""
    UT, q, rows = working_set
    r = columns.shape[0]
    for i in range(k, more):
        total, own = off, rows[i]
        own[0] = 1.0
        for j in range(r):
            v = columns[j, at[i]] - z[j]
            total += v * v
            UT[j, i] = own[1 + j] = v * shrink
        q[i] = own[r + 1] = 0.5 * total * shrink * shrink


@subkernel
def collect(value: Any, below: float, most: int, k: int, at: Any) -> int:
    """Rows of a value under `below` join at[k:]: the `most` smallest, or all; the new count."""
    if k < MANY_ROWS:
        return k + smallest(value, below, min(most, value.shape[0]), at[k:])
    for i in range(value.shape[0]):
        if value[i] < below:
            at[k] = i
            k += 1
    return k


@subkernel
def find_violations(
    columns: Any, z: Any, off: float, shrink: float, theta: Any, farthest: float, state: Any
) -> Any:
    """Rows that would have a weight at theta join at[k:]; the new count, and what was tolerated.

    Twice the cloud's one question: h |v|^2 - <y, v> under a level, for either sign of a + b'u.
    """
    at, k, value = state
    r = columns.shape[0]
    a, b, c = theta[0], theta[1 : r + 1] * shrink, theta[r + 1] * shrink * shrink
    length = 0.0
    for j in range(r):
        length += b[j] * b[j]
    size = abs(a) + np.sqrt(length * farthest) + c * farthest
    allowed = VIOLATION_TOLERANCE * abs(a) + (r + 16) * UNIT_ROUNDOFF * size
    most, before = max(60, max(6 * r, k // 2)), k
    scores(columns, z, 0.5 * c, b, a - 0.5 * c * off, value)
    for i in range(before):
        value[at[i]] = 0.0
    k = collect(value, -allowed, most, k, at)
    if length > 2.0 * a * c - c * c * off:  # else no row is in the ball of the other sign
        scores(columns, z, 0.5 * c, -b, -a - 0.5 * c * off, value)
        for i in range(k):
            value[at[i]] = 0.0
        k = collect(value, -allowed, most, k, at)
    return k, allowed


@subkernel
def optimum(
    columns: Any, query: Any, k: int, lam: float, slope: float, factor: float, state: Any
) -> Any:
    """The optimum over all columns from a working set of k rows: its size, and what is tolerated.

    `factor` is that of the first solve, as in `solve_rows`. The last number is 0 where the search
    did not end.
    """
    z, off, shrink, farthest = query
    at, value, working_set, buffers = state
    lam, slope = lam * shrink**4, slope * shrink**2
    for _ in range(MAX_LOOKS):
        converged = solve_rows(working_set, k, lam, slope, factor, buffers)
        if factor == 0.0 and not converged:
            sort_rows(columns, query, k, state)
            solve_rows(working_set, k, lam, slope, NOISE_STEPS[0], buffers)
        factor = 0.0
        more, allowed = find_violations(
            columns, z, off, shrink, buffers[0], farthest, (at, k, value)
        )
        if more == k:
            return k, allowed
        add_rows(columns, z, off, shrink, at, k, more, working_set)
        k = more
    return k, 0.0


@subkernel
def sort_rows(columns: Any, query: Any, k: int, state: Any) -> None:
    """The working set nearest first."""
    z, off, shrink, _ = query
    at, _, working_set, _ = state
    at[:k] = at[:k][np.argsort(working_set[1][:k])]
    add_rows(columns, z, off, shrink, at, 0, k, working_set)


@subkernel
def first_look(columns: Any, z: Any, off: float, state: Any) -> Any:
    """The nearest rows become the working set: how many, a length 1 / shrink, and the farthest."""
    at, value, working_set, _ = state
    r, n = columns.shape
    scores(columns, z, 1.0, np.zeros(r), 0.0, value)
    farthest = off
    for i in range(n):
        farthest = max(farthest, value[i] + off)
    k = min(n, max(FIRST_MINIMAX_ROWS, ROWS_PER_UNKNOWN * (r + 2)))
    smallest(value, np.inf, k, at)
    middle = value[at[k // 2]] + off
    if middle <= 0.0:
        middle = farthest
    shrink = 1.0
    if middle > 0.0:
        shrink = math.ldexp(1.0, -(math.frexp(middle)[1] // 2))
    add_rows(columns, z, off, shrink, at, 0, k, working_set)
    return k, shrink, farthest


@subkernel
def weights_and_gap(
    working_set: Any, k: int, lam: float, slope: float, tolerated: float, buffers: Any
) -> float:
    """Weights of sum 1 in the place of h; the relative duality gap over all rows, at most.

    The primal value is the worst-case risk of these weights, D a bound on that of any others.
    """
    theta, h = buffers[0], buffers[1]
    p = theta.shape[0]
    total = squares = size = 0.0
    for i in range(k):
        w = h[0, i] if h[0, i] > 0 else 0.0
        squares += w * w
        h[0, i] = h[1, i] * w
        total += h[0, i]
    for j in range(1, p - 1):
        size += theta[j] * theta[j]
    D = 2 * theta[0] - lam * theta[p - 1] ** 2 - slope * size - squares - tolerated
    w = h[0, :k]
    if total > 0:
        for i in range(k):
            w[i] /= total
        primal = worst_case_risk(w, working_set, lam, slope)
        if primal - D <= OPTIMALITY_GAP * primal and slope > 0:
            return float((primal - D) / primal)
    if not polish(w, working_set, lam, slope):
        return np.inf
    primal = worst_case_risk(w, working_set, lam, slope)
    return float((primal - D) / primal)


@jit
def minimax_entries(
    columns: Any,
    queries: Any,
    offs: Any,
    lam: float,
    slope: float,
    most_risk: float,
    span: Any,
    stop: Any,
    out: Any,
) -> WeightEntries:
    """Weights of queries first to last, and (theta, gap, outcome) in their places of `out`.

    `offs` are squared distances to the flat of the rows. A query so far out that its risk is more
    than `most_risk`, whatever the weights, has none.
    """
    r, n = columns.shape
    first, last = span
    thetas, gaps, outcomes = out
    counts = np.zeros(last - first, np.int64)
    rows, values, used = np.empty(64, np.int64), np.empty(64), 0
    at, value = np.empty(n + 1, np.int64), np.empty(n)
    working_set, buffers = make_buffers(r, n)
    state = at, value, working_set, buffers
    for b in range(first, last):
        if stop[0]:
            break
        z, off = queries[b], offs[b]
        k, shrink, farthest = first_look(columns, z, off, state)
        least = 0.5 * (value[at[0]] + off)
        if least * least > most_risk * lam:
            outcomes[b] = MINIMAX_UNKNOWN
            continue
        query = z, off, shrink, farthest
        own_lam, own_slope = lam * shrink**4, slope * shrink**2
        gap, allowed = np.inf, 0.0
        for factor in NOISE_STEPS:  # a smaller one where the last did not do
            k, allowed = optimum(columns, query, k, lam, slope, factor, state)
            tolerated = n * allowed * allowed
            gap = weights_and_gap(working_set, k, own_lam, own_slope, tolerated, buffers)
            if gap <= OPTIMALITY_GAP:
                break
            sort_rows(columns, query, k, state)
        gaps[b] = gap
        is_optimal = allowed > 0.0 and gap <= OPTIMALITY_GAP
        outcomes[b] = MINIMAX_OPTIMAL if is_optimal else MINIMAX_LOOSE
        for j in range(r + 2):
            power = 0 if j == 0 else (1 if j <= r else 2)
            thetas[b, j] = buffers[0][j] * shrink**power
        if used + k > rows.shape[0]:
            rows, values = with_room(rows, values, k)
        for i in range(k):
            w = buffers[1][0, i]
            if w != 0.0:
                rows[used], values[used] = at[i], w
                used += 1
                counts[b - first] += 1
    return counts, rows[:used], values[:used]


@jit
def left_out_predictions(
    columns: Any, z: Any, off: float, lams: Any, slopes: Any, Y: Any, out: Any
) -> None:
    """Predictions at z from targets Y (n, t), and risks, for noise ratios lams, descending.

    Each solve begins where the last one ended; `out` is (predictions (l, t), risks (l,)), NaN
    where there is no optimum.
    """
    r, n = columns.shape
    predictions, risks = out
    at, value = np.empty(n + 1, np.int64), np.empty(n)
    working_set, buffers = make_buffers(r, n)
    state = at, value, working_set, buffers
    k, shrink, farthest = first_look(columns, z, off, state)
    query = z, off, shrink, farthest
    for number in range(lams.shape[0]):
        lam, slope = lams[number], slopes[number]
        k, allowed = optimum(
            columns, query, k, lam, slope, 0.0 if number > 0 else NOISE_STEPS[0], state
        )
        own_lam, own_slope = lam * shrink**4, slope * shrink**2
        gap = weights_and_gap(working_set, k, own_lam, own_slope, 0.0, buffers)
        predictions[number], risks[number] = np.nan, np.nan
        if gap < 1e-3:
            risks[number] = buffers[0][0]
            predictions[number] = 0.0
            for i in range(k):
                for t in range(Y.shape[1]):
                    predictions[number, t] += buffers[1][0, i] * Y[at[i], t]
