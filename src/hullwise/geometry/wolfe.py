"""The nearest point of a small hull, by an active-set method on an updated QR factorisation.

The point of conv{y_1..y_k} nearest to the origin (Wolfe, *Finding the nearest point in a
polytope*, 1976) has the same active sets as the nonnegative least squares problem

    min over u >= 0 of  | sum_i u_i (s, y_i) - (1, 0) |^2,        w = u / sum u,

(Lawson and Hanson, *Solving Least Squares Problems*, chapter 23): for fixed sum u the second part
is the distance itself. Least squares by QR squares no condition number, so points on facets, near
duplicates and thin simplices keep their digits.

Kernels here make no arrays and use no function of NumPy on one: compiling such a function takes
longer than compiling the kernel. They work in a `Workspace` that the caller makes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._core.numba import inlined, jit, subkernel
from .qr_update import append_column, dot, remove_column, solve_upper

# A Python integer that is handed on becomes part of a type: the kernel is compiled for it alone,
# and once more for all others.
ZERO: Any = np.int64(0)
NO_ROW: Any = np.int64(-1)
ROUNDS_ON_THE_WAY: Any = np.int64(2)
ROUNDS_AT_THE_END: Any = np.int64(3)


class Workspace(NamedTuple):
    """Arrays for the nearest points of hulls of at most n rows in r coordinates.

    What they hold never matters, but may not be shared by two threads. With k = min(n, r + 1) + 1,
    more than can be active: a factorisation Qt (k, r + 1), R (k, k); u, new, rhs (k,); column
    (r + 1,); unit (r,); the candidates Y (n, r), their rows (n,), lengths (n,) and state (n,); and
    which are active (k,).
    """

    Qt: Any
    R: Any
    u: Any
    new: Any
    rhs: Any
    column: Any
    unit: Any
    Y: Any
    rows: Any
    size: Any
    state: Any
    active: Any


def workspace(n: int, r: int) -> Workspace:
    """A workspace for hulls of at most n rows in r coordinates."""
    k = min(n, r + 1) + 1
    return Workspace(
        Qt=np.empty((k, r + 1)),
        R=np.empty((k, k)),
        u=np.empty(k),
        new=np.empty(k),
        rhs=np.empty(k),
        column=np.empty(r + 1),
        unit=np.empty(r),
        Y=np.empty((n, r)),
        rows=np.empty(n, np.int64),
        size=np.empty(n),
        state=np.empty(n, np.int8),
        active=np.empty(k, np.int64),
    )


@subkernel
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


@inlined
def _refine(room: Any, k: int, s: float) -> None:
    """One step of iterative refinement of the least squares solution, if it stays positive."""
    u, step, rhs, rho = room.u, room.new, room.rhs, room.column
    _residual(room.Y, s, room.active, u, k, rho)
    for a in range(k):
        rhs[a] = dot(room.Qt[a], rho, rho.shape[0])
    solve_upper(room.R, k, rhs, step)
    for a in range(k):
        if not u[a] + step[a] > 0.0:
            return
    for a in range(k):
        u[a] += step[a]


@subkernel
def _normal(room: Any, k: int, away: Any, rounds: int) -> None:
    """The unit vector from the hull to the query, orthogonal to the support to full precision.

    Near the boundary the residual itself is mostly rounding. What separates is not its length but
    that the support lies flat across it, so it is scaled to length one and made orthogonal anew.
    Where nothing is left of it, `away` stays as it is.
    """
    Qt, rho, unit = room.Qt, room.column, room.unit
    n = rho.shape[0]
    for _ in range(rounds):
        size = np.sqrt(dot(rho, rho, n))
        if size == 0.0:
            return
        for i in range(n):
            rho[i] /= size
        for a in range(k):
            h = dot(Qt[a], rho, n)
            q = Qt[a]
            for i in range(n):
                rho[i] -= h * q[i]
    for i in range(n - 1):
        unit[i] = rho[i + 1]
    size = np.sqrt(dot(unit, unit, n - 1))
    if size == 0.0:
        return
    for i in range(n - 1):
        away[i] = unit[i] / size


@subkernel
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
def _set_column(column: Any, s: float, y: Any) -> None:
    """column = (s, y)."""
    column[0] = s
    for i in range(y.shape[0]):
        column[i + 1] = y[i]


@subkernel
def _append_row(room: Any, k: int, i: int, s: float) -> bool:
    """Add candidate i to the factorisation as column k; False if it depends on the others."""
    column, y = room.column, room.Y[i]
    column[0] = s
    for j in range(y.shape[0]):
        column[j + 1] = y[j]
    if not append_column(room.Qt, room.R, k, column):
        return False
    room.active[k], room.state[i] = i, ACTIVE
    return True


@inlined
def _load_candidates(room: Any, pool: Any, rows: Any, local: Any, q: Any) -> int:
    """Y = pool[local] - q for the rows that are there (-1: none); how many."""
    n = ZERO
    for a in range(rows.shape[0]):
        if rows[a] >= 0:
            z, y = pool[local[a]], room.Y[n]
            for i in range(q.shape[0]):
                y[i] = z[i] - q[i]
            room.rows[n], room.state[n] = rows[a], FREE
            n += 1
    return int(n)


@inlined
def _row_scale(room: Any, n: int) -> float:
    """The s at which columns (s, y) suit a least squares problem; the lengths of the rows."""
    least, largest = np.inf, 0.0
    for i in range(n):
        y = room.Y[i]
        size = np.sqrt(dot(y, y, y.shape[0]))
        room.size[i] = size
        if size < least:
            least = size
        if size > largest:
            largest = size
    s = least if least > 1e-3 * largest else 1e-3 * largest
    return s if s > 0.0 else 1.0


@inlined
def _start_active_set(room: Any, n: int, warm: int, start: Any, s: float, most: int) -> int:
    """Factorise the first `warm` rows with their weights, or the row nearest to the origin."""
    k = ZERO
    for i in range(warm):
        if k == most:
            break
        if start[i] > 1e-15 and _append_row(room, k, i, s):
            room.u[k] = start[i] / s
            k += 1
    if k == 0:
        nearest, least = ZERO, np.inf
        for i in range(n):
            y = room.Y[i]
            size = dot(y, y, y.shape[0])
            if size < least:
                nearest, least = i, size
        _append_row(room, k, nearest, s)
        room.active[0], room.u[0], room.state[nearest], k = nearest, 1.0, ACTIVE, 1
    return int(k)


@inlined
def _solve_active_set(room: Any, k: int, entering: int) -> int:
    """Least squares on the active rows, dropping those it makes negative; how many are left."""
    Qt, R, u, new, rhs = room.Qt, room.R, room.u, room.new, room.rhs
    active, state = room.active, room.state
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
            if u[a] > largest:
                largest = u[a]
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


@inlined
def _look_away(room: Any, k: int, s: float, length: float, p: Any, away: Any) -> None:
    """The unit vector from the nearest point p to the origin."""
    if length > 1e-4 * s:
        for i in range(p.shape[0]):
            away[i] = -p[i] / length
    else:  # the residual's own rounding would drown the answer
        _residual(room.Y, s, room.active, room.u, k, room.column)
        _normal(room, k, away, ROUNDS_ON_THE_WAY)


@inlined
def _farthest_along(room: Any, n: int, away: Any, threshold: float) -> Any:
    """The free row with the largest <y, away> above `threshold`: that value and the row, or -1."""
    best, at = threshold, NO_ROW
    for i in range(n):
        if room.state[i] == FREE:
            value = dot(room.Y[i], away, away.shape[0])
            if value > best:
                best, at = value, i
    return best, at


@inlined
def _nearest_point(
    room: Any, n: int, k: int, s: float, relative: float, absolute: float, p: Any, away: Any
) -> int:
    """Exchange active rows until p is the nearest point; how many are active then."""
    Y, u, active, state = room.Y, room.u, room.active, room.state
    r = Y.shape[1]
    most = n if n < r + 1 else r + 1
    entering, n_stalled, best = n, 0, np.inf  # row n: none
    for _ in range(20 * (n + r) + 100):
        k = _solve_active_set(room, k, entering)
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
        _look_away(room, k, s, length, p, away)
        plane = dot(Y[active[0]], away, r)
        value, at = _farthest_along(room, n, away, plane + relative * length)
        if at < 0 or value - plane <= 1e-16 * room.size[at]:
            break
        entering = n
        state[at] = ASIDE
        if k < most and _append_row(room, k, at, s):
            u[k] = 0.0
            entering = at
            k += 1
    return k


@jit
def nearest_batch(
    room: Any,
    pool: Any,
    rows: Any,
    local: Any,
    weight: Any,
    warm: Any,
    Zq: Any,
    relative: float,
    absolute: Any,
    P: Any,
    U: Any,
) -> None:
    """The nearest point for each query b: the hull of pool[local[b]] seen from Zq[b].

    rows[b] are the same candidates by their row in the cloud (-1: none); the first warm[b] are the
    last support with their weights, all positive. A query is done when no row reaches beyond the
    plane through the nearest point by `relative` times the distance, or the distance is at most
    absolute[b]. On return rows[b], weight[b] and warm[b] hold the new support, P[b] = nearest -
    query and U[b] the unit vector the other way.
    """
    r = Zq.shape[1]
    for b in range(Zq.shape[0]):
        p, away = P[b], U[b]
        n = _load_candidates(room, pool, rows[b], local[b], Zq[b])
        s = _row_scale(room, n)
        k = _start_active_set(room, n, warm[b], weight[b], s, n if n < r + 1 else r + 1)
        k = _nearest_point(room, n, k, s, relative, absolute[b], p, away)
        _refine(room, k, s)
        _residual(room.Y, s, room.active, room.u, k, room.column)
        _normal(room, k, away, ROUNDS_AT_THE_END)
        _point(room.Y, room.active, room.u, k, p)
        total = 0.0
        for a in range(k):
            total += room.u[a]
        for a in range(k):
            rows[b, a] = room.rows[room.active[a]]
            weight[b, a] = room.u[a] / total
        warm[b] = k


_workspace_in_kernel = jit(workspace)


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
    """Nearest point p of conv of the rows of Y (n, r) to the origin, for other kernels.

    The first `warm` rows start active with the positive weights `start`. Fills `active` (rows),
    `weights`, `p` and the unit vector `away` = -p / |p|; returns the number of active rows.
    """
    n, r = Y.shape
    rows, weight = np.zeros((1, n), np.int64), np.zeros((1, n))
    for a in range(n):
        rows[0, a] = a
    weight[0, :warm] = start[:warm]
    n_active, origin = np.full(1, warm, np.int64), np.zeros((1, r))
    P, U = np.zeros((1, r)), np.zeros((1, r))
    U[0] = away
    nearest_batch(
        _workspace_in_kernel(n, r),
        Y,
        rows,
        rows.copy(),
        weight,
        n_active,
        origin,
        relative,
        np.full(1, absolute),
        P,
        U,
    )
    k = n_active[0]
    active[:k], weights[:k] = rows[0, :k], weight[0, :k]
    p[:], away[:] = P[0], U[0]
    return int(k)
