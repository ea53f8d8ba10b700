"""Linear programs of a polytope {u : s = b - A u >= 0} by one dictionary that is never thrown away.

A dictionary (Chvatal, *Linear Programming*, 1983, chapter 2) writes some variables, the basic ones,
by the others: basic_i = T[i, n] - sum_j T[i, j] nonbasic_j. At a vertex n walls are nonbasic, all
of them zero. Whether wall k is redundant asks how small s_k can be where the other walls hold: row
k of the dictionary is that program's objective, so the next program starts at the last one's
vertex, and every vertex on the way may show that its own walls are needed (Karwan, Lotfi, Telgen &
Zionts, *Redundancy in Mathematical Programming*, 1983). Variables 0 .. m - 1 are the walls' slacks
s, m .. m + n - 1 the coordinates u, which are free and stay basic once they are.
"""

from __future__ import annotations

import numpy as np

from .._core.numba import jit

LP_PIVOT_TOLERANCE = 1e-9  # a smaller entry is not divided by where there is a choice
LP_ZERO = 1e-11  # a smaller entry is rounding
REDUNDANCY_TOLERANCE = (
    1e-9  # a wall is needed if without it its slack goes so far below zero, in radii
)
REBUILD_PIVOTS = 100  # pivots until the dictionary is made anew from A and b

UNDETERMINED, REDUNDANT, ESSENTIAL = -1, 0, 1


@jit
def _pivot(T, rows, n, p, q, basic, nonbasic):  # type: ignore[no-untyped-def]
    """Nonbasic column q enters, basic row p leaves."""
    inverse = 1.0 / T[p, q]
    for j in range(n + 1):
        T[p, j] *= inverse
    T[p, q] = inverse
    for i in range(rows):
        f = T[i, q]
        if i == p or f == 0.0:
            continue
        T[i, q] = 0.0
        for j in range(n + 1):
            T[i, j] -= f * T[p, j]
    basic[p], nonbasic[q] = nonbasic[q], basic[p]


@jit
def _ratio_test(T, rows, n, q, sign, basic, m, skip):  # type: ignore[no-untyped-def]
    """How far nonbasic q may move (by sign) until a slack but `skip` is zero; which row; -1: none.

    Of rows that are met at once, to rounding, the one with the largest pivot.
    """
    best, at = np.inf, -1
    for i in range(rows):
        f = sign * T[i, q]
        if basic[i] < m and i != skip and f > LP_ZERO:
            t = max(T[i, n], 0.0) / f
            if t < best:
                best, at = t, i
    if at < 0:
        return np.inf, -1
    room = best * (1.0 + 1e-9) + 1e-13
    most = 0.0
    for i in range(rows):
        f = sign * T[i, q]
        if basic[i] < m and i != skip and f > max(most, LP_ZERO) and max(T[i, n], 0.0) <= room * f:
            most, at = f, i
    return best, at


@jit
def _bland_row(T, rows, n, q, sign, basic, m, skip, best):  # type: ignore[no-untyped-def]
    """Bland's choice: of the rows met first the lowest variable."""
    room = best * (1.0 + 1e-9) + 1e-13
    at = -1
    for i in range(rows):
        f = sign * T[i, q]
        if basic[i] < m and i != skip and f > LP_ZERO and max(T[i, n], 0.0) <= room * f:
            at = i if at < 0 or basic[i] < basic[at] else at
    return at


@jit
def _coordinates_into_basis(T, rows, n, basic, nonbasic, m):  # type: ignore[no-untyped-def]
    """Coordinates into the basis, from a point inside to a vertex; one without any wall stays."""
    for q in range(n):
        if nonbasic[q] < m:
            continue
        up, i = _ratio_test(T, rows, n, q, 1.0, basic, m, -1)
        down, k = _ratio_test(T, rows, n, q, -1.0, basic, m, -1)
        if i < 0 and k < 0:
            continue
        p = i if k < 0 or (i >= 0 and T[i, q] >= -T[k, q]) else k
        _pivot(T, rows, n, p, q, basic, nonbasic)


@jit
def _ball_rows(G, c, cap, start, T):  # type: ignore[no-untyped-def]
    """The dictionary of max radius, s_i = c_i + G_i y - radius >= 0 and one row for the cap.

    Lengths are in caps, y is counted from `start` and the radius from one that all walls allow.
    """
    m, d = G.shape
    low = 1.0
    for i in range(m):
        value = c[i]
        for j in range(d):
            T[i, j] = -G[i, j]
            value += G[i, j] * start[j]
        T[i, d] = 1.0
        T[i, d + 1] = value / cap
        low = min(low, value / cap)
    T[m, :] = 0.0
    T[m, d], T[m, d + 1] = 1.0, 1.0
    for i in range(m + 1):
        T[i, d + 1] -= low - max(abs(low), 1e-6)


@jit
def _entering_column(T, n, top, nonbasic, walls, bland):  # type: ignore[no-untyped-def]
    """The column that makes basic row `top` grow most, a free one first; -1: none."""
    q, most = -1, LP_ZERO
    for j in range(n):
        gain = -T[top, j]
        if nonbasic[j] >= walls and abs(gain) > LP_ZERO:
            return j
        if gain > most:
            if not bland:
                q, most = j, gain
            elif q < 0 or nonbasic[j] < nonbasic[q]:
                q = j
    return q


@jit
def largest_ball(G, c, cap, start, limit):  # type: ignore[no-untyped-def]
    """The largest ball in {y : G y + c >= 0}, rows of length 1, radius at most cap: (y, ok).

    `start` is where to begin, anywhere; `limit` the most pivots.
    """
    m, d = G.shape
    rows, walls, n = m + 1, m + 1, d + 1
    T = np.empty((rows, n + 1))
    _ball_rows(G, c, cap, start, T)
    basic, nonbasic = np.arange(rows), np.arange(rows, rows + n)
    y, stalls, ok = start.copy(), 0, False
    _, top = _ratio_test(T, rows, n, d, 1.0, basic, walls, -1)
    _pivot(T, rows, n, top, d, basic, nonbasic)  # the radius is basic: its row is the objective
    for _ in range(limit):
        bland = stalls > 2 * n + 20
        q = _entering_column(T, n, top, nonbasic, walls, bland)
        if q < 0:
            ok = True
            break
        sign = 1.0 if T[top, q] < 0.0 else -1.0
        t, p = _ratio_test(T, rows, n, q, sign, basic, walls, top)
        if p < 0:
            break
        if bland:
            p = _bland_row(T, rows, n, q, sign, basic, walls, top, t)
        stalls = stalls + 1 if t * abs(T[top, q]) <= 1e-12 * abs(T[top, n]) else 0
        _pivot(T, rows, n, p, q, basic, nonbasic)
        _clamp_slacks(T, rows, n, basic, walls)
    for i in range(rows):
        if walls <= basic[i] < walls + d:
            y[basic[i] - walls] += cap * T[i, n]
    return y, ok


@jit
def _clamp_slacks(T, rows, n, basic, walls):  # type: ignore[no-untyped-def]
    """Slacks that rounding took below zero are zero."""
    for i in range(rows):
        if basic[i] < walls and T[i, n] < 0.0:
            T[i, n] = 0.0


@jit
def _rebuild(T, A, b, alive, rows, n, basic, nonbasic, m):  # type: ignore[no-untyped-def]
    """The same vertex from A and b anew: False if it is none any more.

    alive[:rows] are the walls left.
    """
    vertex_walls = nonbasic.copy()
    for i in range(rows):
        T[i, :n] = A[alive[i]]
        T[i, n] = b[alive[i]]
        basic[i] = alive[i]
    for j in range(n):
        nonbasic[j] = m + j
    there = np.zeros(m, np.bool_)
    for j in range(n):
        if vertex_walls[j] < m:
            there[vertex_walls[j]] = True
    while True:
        p, q, most = -1, -1, LP_PIVOT_TOLERANCE * 1e-3
        left = False
        for i in range(rows):
            if basic[i] < m and there[basic[i]]:
                left = True
                for j in range(n):
                    if nonbasic[j] >= m and abs(T[i, j]) > most:
                        p, q, most = i, j, abs(T[i, j])
        if p < 0:
            break
        _pivot(T, rows, n, p, q, basic, nonbasic)
    if left:
        return False
    for i in range(rows):
        if basic[i] < m and T[i, n] < 0.0:
            if T[i, n] < -1e-6:
                return False
            T[i, n] = 0.0
    return True


@jit
def _witness(T, rows, n, q, t, basic, m, point):  # type: ignore[no-untyped-def]
    """The point where nonbasic q has the value t."""
    point[:] = 0.0
    for i in range(rows):
        if basic[i] >= m:
            point[basic[i] - m] = T[i, n] - T[i, q] * t


@jit
def _on_wall(A, b, k, point):  # type: ignore[no-untyped-def]
    """`point`, beyond wall k, drawn towards the origin onto it."""
    value = b[k]
    for j in range(len(point)):
        value -= A[k, j] * point[j]
    share = b[k] / (b[k] - value)
    for j in range(len(point)):
        point[j] *= share


@jit
def _test_nonbasic_wall(T, rows, n, q, basic, nonbasic, m, A, b, state, points):  # type: ignore[no-untyped-def]
    """Whether nonbasic wall q can go below zero where the others hold; the row that blocks."""
    t, at = _ratio_test(T, rows, n, q, -1.0, basic, m, -1)
    if t > REDUNDANCY_TOLERANCE:
        k = nonbasic[q]
        state[k] = ESSENTIAL
        _witness(T, rows, n, q, -min(t, 10.0 * (1.0 + b[k])), basic, m, points[k])
        _on_wall(A, b, k, points[k])
    return at


@jit
def _entering(T, n, p, nonbasic, m, bland):  # type: ignore[no-untyped-def]
    """The nonbasic wall that lowers basic p the most, or the lowest that does; -1: none."""
    q, most = -1, LP_ZERO
    for j in range(n):
        if nonbasic[j] < m and T[p, j] > most:
            if not bland:
                q, most = j, T[p, j]
            elif q < 0 or nonbasic[j] < nonbasic[q]:
                q = j
    return q


@jit
def _drop_growing_walls(T, rows, n, basic, nonbasic, m, state):  # type: ignore[no-untyped-def]
    """Without the walls that only grow away from this vertex: how many rows are left."""
    p = 0
    while p < rows:
        grows = basic[p] < m and state[basic[p]] == UNDETERMINED
        for j in range(n):
            if T[p, j] > LP_ZERO or (nonbasic[j] >= m and T[p, j] < -LP_ZERO):
                grows = False
                break
        if grows:
            rows -= 1
            state[basic[p]] = REDUNDANT
            T[p] = T[rows]
            basic[p] = basic[rows]
        else:
            p += 1
    return rows


@jit
def _bring_into_basis(T, rows, n, k, basic, nonbasic, m, A, b, state, points):  # type: ignore[no-untyped-def]
    """The row of wall k, by a pivot if need be; -1 if that showed that it is needed."""
    for q in range(n):
        if nonbasic[q] == k:
            p = _test_nonbasic_wall(T, rows, n, q, basic, nonbasic, m, A, b, state, points)
            if state[k] != UNDETERMINED:
                return -1
            _pivot(T, rows, n, p, q, basic, nonbasic)
            T[p, n] = max(T[p, n], 0.0)
            return p
    for i in range(rows):
        if basic[i] == k:
            return i
    return -1


@jit
def _minimise_slack(T, rows, n, p, basic, nonbasic, m, A, b, state, points):  # type: ignore[no-untyped-def]
    """Basic wall p made as small as the others let it be, until that settles it: pivots made."""
    k, stalls, limit = basic[p], 0, 40 * n + 200
    for pivots in range(limit):
        bland = stalls > n + 10
        q = _entering(T, n, p, nonbasic, m, bland)
        if q < 0:
            state[k] = REDUNDANT
            return pivots
        t, at = _ratio_test(T, rows, n, q, 1.0, basic, m, p)
        if at < 0 or T[p, n] - T[p, q] * t < -REDUNDANCY_TOLERANCE:
            state[k] = ESSENTIAL
            far = t if at >= 0 else (T[p, n] + 1.0 + b[k]) / T[p, q]
            _witness(T, rows, n, q, far, basic, m, points[k])
            _on_wall(A, b, k, points[k])
            return pivots
        if bland:
            at = _bland_row(T, rows, n, q, 1.0, basic, m, p, t)
        stalls = stalls + 1 if t <= 1e-13 else 0
        _pivot(T, rows, n, at, q, basic, nonbasic)
        _clamp_slacks(T, rows, n, basic, m)
        if nonbasic[q] < m and state[nonbasic[q]] == UNDETERMINED:
            _test_nonbasic_wall(T, rows, n, q, basic, nonbasic, m, A, b, state, points)
    return limit


@jit
def essential_walls(A, b, points):  # type: ignore[no-untyped-def]
    """For each wall of {u : A u <= b}, rows of length 1, 0 well inside, whether it is needed.

    Lengths are in radii of the polytope. Walls are tried from the last to the first, and one found
    redundant is gone, so of equal ones one is kept. points[k] gets a point on facet k where all
    other walls are positive. UNDETERMINED where the work did not close.
    """
    m, n = A.shape
    state = np.full(m, UNDETERMINED, np.int8)
    T = np.empty((m, n + 1))
    T[:, :n] = A
    T[:, n] = b
    basic, nonbasic = np.arange(m), np.arange(m, m + n)
    _coordinates_into_basis(T, m, n, basic, nonbasic, m)
    rows = _drop_growing_walls(T, m, n, basic, nonbasic, m, state)
    for q in range(n):
        if nonbasic[q] < m and state[nonbasic[q]] == UNDETERMINED:
            _test_nonbasic_wall(T, rows, n, q, basic, nonbasic, m, A, b, state, points)
    pivots, swept = 0, 0
    for k in range(m - 1, -1, -1):
        if pivots != swept:
            rows, swept = _drop_growing_walls(T, rows, n, basic, nonbasic, m, state), pivots
        if state[k] != UNDETERMINED:
            continue
        p = _bring_into_basis(T, rows, n, k, basic, nonbasic, m, A, b, state, points)
        if p < 0:
            continue
        pivots += _minimise_slack(T, rows, n, p, basic, nonbasic, m, A, b, state, points)
        if state[k] == REDUNDANT:  # it goes: the last row takes its place
            rows -= 1
            T[p] = T[rows]
            basic[p] = basic[rows]
        if pivots > REBUILD_PIVOTS + n:
            pivots, swept = 0, 0
            alive = np.flatnonzero(state != REDUNDANT)
            rows = len(alive)
            if not _rebuild(T, A, b, alive, rows, n, basic, nonbasic, m):
                break
    return state
