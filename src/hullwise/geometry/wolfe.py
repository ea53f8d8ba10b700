"""The nearest point of a small hull, by an active-set method on an updated QR factorisation.

The point of conv{y_1..y_k} nearest to the origin (Wolfe, *Finding the nearest point in a
polytope*, 1976) has the same active sets as the nonnegative least squares problem

    min over u >= 0 of  | sum_i u_i (s, y_i) - (1, 0) |^2,        w = u / sum u,

(Lawson and Hanson, *Solving Least Squares Problems*, chapter 23): for fixed sum u the second part
is the distance itself. Least squares by QR squares no condition number, so points on facets, near
duplicates and thin simplices keep their digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.numba import jit
from .qr_update import append_column, dot, remove_column, solve_upper


@jit
def _residual(Y: Any, s: float, active: Any, u: Any, k: int, rho: Any) -> None:
    """rho = (1, 0) - sum u_i (s, y_i)."""
    r = Y.shape[1]
    total = 0.0
    for i in range(r + 1):
        rho[i] = 0.0
    for a in range(k):
        total += u[a]
        y = Y[active[a]]
        for i in range(r):
            rho[i + 1] -= u[a] * y[i]
    rho[0] = 1.0 - s * total


@jit
def _refine(Qt: Any, R: Any, k: int, Y: Any, s: float, active: Any, u: Any, rho: Any) -> None:
    """One step of iterative refinement of the least squares solution, if it stays positive."""
    _residual(Y, s, active, u, k, rho)
    rhs, step = np.zeros(k), np.zeros(k)
    for a in range(k):
        rhs[a] = dot(Qt[a], rho, rho.shape[0])
    solve_upper(R, k, rhs, step)
    for a in range(k):
        if not u[a] + step[a] > 0.0:
            return
    for a in range(k):
        u[a] += step[a]


@jit
def _normal(Qt: Any, k: int, rho: Any, away: Any, rounds: int) -> bool:
    """The unit vector from the hull to the query, orthogonal to the support to full precision.

    Near the boundary the residual itself is mostly rounding. What separates is not its length but
    that the support lies flat across it, so it is scaled to length one and made orthogonal anew.
    """
    n = rho.shape[0]
    for _ in range(rounds):
        size = np.sqrt(dot(rho, rho, n))
        if size == 0.0:
            return False
        for i in range(n):
            rho[i] /= size
        for a in range(k):
            h = dot(Qt[a], rho, n)
            q = Qt[a]
            for i in range(n):
                rho[i] -= h * q[i]
    size = np.sqrt(dot(rho[1:], rho[1:], n - 1))
    if size == 0.0:
        return False
    for i in range(n - 1):
        away[i] = rho[i + 1] / size
    return True


@jit
def _point(Y: Any, active: Any, u: Any, k: int, p: Any) -> float:
    """p = sum w_i y_i with w = u / sum u; returns |p|^2."""
    r = Y.shape[1]
    total = 0.0
    for a in range(k):
        total += u[a]
    for i in range(r):
        p[i] = 0.0
    for a in range(k):
        w = u[a] / total
        y = Y[active[a]]
        for i in range(r):
            p[i] += w * y[i]
    return float(dot(p, p, r))


FREE, ACTIVE, ASIDE = 0, 1, 2  # a row set aside is not tried again before the next progress


@jit
def _start_active_set(
    Y: Any, warm: int, start: Any, s: float, Qt: Any, R: Any, active: Any, u: Any, state: Any
) -> int:
    """Factorise the warm rows with their weights, or the single row nearest to the origin."""
    n, r = Y.shape
    column = np.zeros(r + 1)
    column[0] = s
    k = 0
    for i in range(warm):
        if k == R.shape[0] - 1:
            break
        column[1:] = Y[i]
        if start[i] > 1e-15 and append_column(Qt, R, k, column):
            active[k], u[k], state[i] = i, start[i] / s, ACTIVE
            k += 1
    if k == 0:
        nearest, least = 0, np.inf
        for i in range(n):
            size = dot(Y[i], Y[i], r)
            if size < least:
                nearest, least = i, size
        column[1:] = Y[nearest]
        append_column(Qt, R, 0, column)
        active[0], u[0], state[nearest], k = nearest, 1.0, ACTIVE, 1
    return k


@jit
def _solve_active_set(
    Qt: Any, R: Any, k: int, u: Any, new: Any, rhs: Any, active: Any, state: Any, entering: int
) -> int:
    """Least squares on the active rows, dropping those it makes negative; how many are left."""
    while True:
        for a in range(k):
            rhs[a] = Qt[a, 0]
        solve_upper(R, k, rhs, new)
        length, blocking = 1.0, -1
        for a in range(k):
            if new[a] <= 0.0 and u[a] <= length * (u[a] - new[a]):
                length, blocking = u[a] / (u[a] - new[a]), a
        if blocking < 0 or k == 1:
            for a in range(k):
                u[a] = new[a]
            return k
        largest = 0.0
        for a in range(k):
            u[a] += length * (new[a] - u[a])
            largest = max(largest, u[a])
        u[blocking] = 0.0
        for a in range(k - 1, -1, -1):
            # a row that has just entered is still tiny after a short step: only a step that it
            # blocks itself takes it out
            if a == blocking or (u[a] <= 1e-15 * largest and active[a] != entering):
                state[active[a]] = ASIDE if active[a] == entering else FREE
                remove_column(Qt, R, k, a)
                for b in range(a, k - 1):
                    u[b], active[b] = u[b + 1], active[b + 1]
                k -= 1


@jit
def _farthest_along(Y: Any, state: Any, away: Any, threshold: float) -> Any:
    """The free row with the largest <y, away> above `threshold`: that value and the row, or -1."""
    n, r = Y.shape
    best, at = threshold, -1
    for i in range(n):
        if state[i] == FREE:
            value = dot(Y[i], away, r)
            if value > best:
                best, at = value, i
    return best, at


@jit
def nearest_to_origin(
    Y: Any,
    warm: int,
    start: Any,
    relative: float,
    absolute: float,
    active: Any,
    weights: Any,
    p: Any,
    away: Any,
) -> int:
    """Nearest point p of conv of the rows of Y (n, r) to the origin.

    The first `warm` rows start active with the positive weights `start`. Stops when
    no row reaches beyond the plane through p by relative |p|, or |p| <= absolute. Fills `active`
    (rows), `weights`, `p` and the unit vector `away` = -p / |p|; returns the number of active rows.
    """
    n, r = Y.shape
    max_active = min(n, r + 1) + 1
    Qt, R = np.zeros((max_active, r + 1)), np.zeros((max_active, max_active))
    u, new, rhs = np.zeros(max_active), np.zeros(max_active), np.zeros(max_active)
    state, column, size = np.zeros(n, np.int8), np.zeros(r + 1), np.zeros(n)
    for i in range(n):
        size[i] = np.sqrt(dot(Y[i], Y[i], r))
    s = max(size.min(), 1e-3 * size.max())
    if s == 0.0:
        s = 1.0
    k = _start_active_set(Y, warm, start, s, Qt, R, active, u, state)
    entering, n_stalled, best = -1, 0, np.inf
    for _ in range(20 * (n + r) + 100):
        k = _solve_active_set(Qt, R, k, u, new, rhs, active, state, entering)
        pp = _point(Y, active, u, k, p)
        n_stalled += 1
        if pp < best * (1.0 - 1e-15):
            best, n_stalled = pp, 0
            for i in range(n):
                if state[i] == ASIDE and i != entering:
                    state[i] = FREE
        if pp <= absolute * absolute or k > r or n_stalled > 8:
            break
        length = np.sqrt(pp)
        if length > 1e-4 * s:
            for i in range(r):
                away[i] = -p[i] / length
        else:  # the residual's own rounding would drown the answer
            _residual(Y, s, active, u, k, column)
            _normal(Qt, k, column, away, 2)
        plane = dot(Y[active[0]], away, r)
        value, at = _farthest_along(Y, state, away, plane + relative * length)
        if at < 0 or value - plane <= 1e-16 * size[at]:
            break
        column[0] = s
        column[1:] = Y[at]
        entering = -1
        state[at] = ASIDE
        if k < max_active - 1 and append_column(Qt, R, k, column):
            active[k], u[k], state[at] = at, 0.0, ACTIVE
            entering = at
            k += 1
    _refine(Qt, R, k, Y, s, active, u, column)
    _residual(Y, s, active, u, k, column)
    _normal(Qt, k, column, away, 3)
    _point(Y, active, u, k, p)
    total = u[:k].sum()
    for a in range(k):
        weights[a] = u[a] / total
    return int(k)


@jit
def nearest_batch(
    pool: Any, rows: Any, local: Any, weight: Any, warm: Any, Zq: Any, floor: Any, P: Any, U: Any
) -> None:
    """`nearest_to_origin` for each query b: the hull of pool[local[b]] seen from Zq[b].

    rows[b] are the same candidates by their row in the cloud (-1: none); the first warm[b] are the
    last support with their weights. On return rows[b], weight[b] and warm[b] hold the new
    support, P[b] = nearest - query and U[b] the unit vector the other way.
    """
    m, r = Zq.shape
    width = rows.shape[1]
    Y = np.zeros((width, r))
    cloud_rows = np.zeros(width, np.int64)
    max_active = min(width, r + 1) + 1
    active, solution = np.zeros(max_active, np.int64), np.zeros(max_active)
    for b in range(m):
        n = 0
        for a in range(width):
            if rows[b, a] >= 0:
                cloud_rows[n] = rows[b, a]
                z = pool[local[b, a]]
                for i in range(r):
                    Y[n, i] = z[i] - Zq[b, i]
                n += 1
        k = nearest_to_origin(
            Y[:n], warm[b], weight[b], 1e-13, floor[b], active, solution, P[b], U[b]
        )
        for a in range(k):
            rows[b, a] = cloud_rows[active[a]]
            weight[b, a] = solution[a]
        warm[b] = k
