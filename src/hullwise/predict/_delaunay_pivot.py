"""The Delaunay simplex around a point, from a linear program instead of a triangulation.

For a point z in the hull of the rows x_i the Delaunay simplex around it is an optimal basis of

    min  sum w_i |x_i - z|^2    over  w >= 0,  sum w_i = 1,  sum w_i (x_i - z) = 0

(the lower hull of the lifted rows (x, |x|^2) above z; Edelsbrunner and Seidel 1986). The dual
variables y_0, y of a basis are a sphere through its rows with centre z + y/2, and the reduced cost
of a row, |x - z|^2 - <y, x - z> - y_0, is its power with respect to that sphere: the rows that may
enter the basis are exactly those inside. Primal simplex steps on an updated QR factorisation of
the columns (s, x_i - z), each with fresh weights, so that no error is carried along.

Kernels. `basis` is (Qt, R, active, w, target): the factorisation, the places of its rows in the
working set, their weights, and the right-hand side. `working_set` is (Y, cost, rows): its rows
relative to z, their squared distances, and their numbers. `all_rows` is
(ZT, z, depth, deepest, out): the columns of ZT, those of larger depth barred, and room for scores.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.numba import jit
from .._core.rounding import UNIT_ROUNDOFF
from ..geometry.qr_update import append_column, dot, remove_column, solve_lower, solve_upper
from ..geometry.wolfe import nearest_to_origin
from ._score_kernels import scores, smallest

ROWS_PER_LOOK = 8  # rows that one look at all rows adds
NUDGE_WEIGHT = 1e-9  # weight of a row that only makes the basis whole
DEPENDENT_ROW = 1e-12  # of the scale: a row that leaves the basis's flat by less lies in it
PIVOT_TOLERANCE = (
    1e-9  # of the largest coefficient: a row that would leave a basis near to singular
)


@jit
def sphere(basis: Any, k: int, s: float, cost: Any, h: Any, y: Any) -> float:
    """The dual variables of a basis of k rows: fills y (r,), of least length, and returns y_0."""
    Qt, R, active = basis[0], basis[1], basis[2]
    for a in range(k):
        h[a] = cost[active[a]]
    solve_lower(R, k, h, h)
    y0 = 0.0
    y[:] = 0.0
    for a in range(k):
        y0 += h[a] * Qt[a, 0]
        q = Qt[a]
        for j in range(y.shape[0]):
            y[j] += h[a] * q[j + 1]
    return y0 * s


@jit
def _solve_weights(basis: Any, k: int, h: Any) -> None:
    """The weights of a basis, from sum w_i (s, y_i) = target."""
    Qt, R, _, w, target = basis
    for a in range(k):
        h[a] = dot(Qt[a], target, target.shape[0])
    solve_upper(R, k, h, w)


@jit
def _leaving_row(w: Any, t: Any, k: int, active: Any, bland: bool) -> int:
    """Which basic row stops the step w - theta t first; -1 if none does.

    Among rows that stop it within rounding the one with the largest t keeps the basis well
    conditioned; after many steps without progress the lowest row ends any cycle (Bland 1977).
    """
    largest = 0.0
    for a in range(k):
        largest = max(largest, abs(t[a]))
    limit, best, at = np.inf, 0.0, -1
    for a in range(k):
        if t[a] > PIVOT_TOLERANCE * largest:
            limit = min(limit, (max(w[a], 0.0) + 1e-15) / t[a])
    for a in range(k):
        if t[a] > PIVOT_TOLERANCE * largest and max(w[a], 0.0) <= limit * t[a]:
            if bland:
                if at < 0 or active[a] < active[at]:
                    at = a
            elif t[a] > best:
                best, at = t[a], a
    return at


@jit
def _entering_row(
    Y: Any, cost: Any, inside: Any, y: Any, y0: float, noise: float, bland: bool
) -> int:
    """The row to enter next, by power over distance (the first one inside if `bland`), or -1."""
    r = Y.shape[1]
    size, enters, best = np.sqrt(dot(y, y, r)), -1, 0.0
    for i in range(inside.shape[0]):
        if inside[i]:
            continue
        power = cost[i] - dot(Y[i], y, r) - y0
        length = np.sqrt(cost[i])
        slack = 4.0 * noise + 16.0 * UNIT_ROUNDOFF * (cost[i] + size * length + abs(y0))
        if power < -slack:
            if bland:
                return i
            if power < best * (length + 1e-300):
                best, enters = power / (length + 1e-300), i
    return enters


@jit
def _exchange(basis: Any, k: int, leaves: int, enters: int, column: Any) -> None:
    """Put the row `enters` of the working set, with its column, in the place of a basic row."""
    Qt, R, active = basis[0], basis[1], basis[2]
    remove_column(Qt, R, k, leaves)
    for a in range(leaves, k - 1):
        active[a] = active[a + 1]
    append_column(Qt, R, k - 1, column)
    active[k - 1] = enters


@jit
def _own_power_noise(Y: Any, cost: Any, active: Any, k: int, y: Any, y0: float) -> float:
    """How far from 0 rounding leaves the power of the basis's own rows."""
    noise = 0.0
    for a in range(k):
        i = active[a]
        noise = max(noise, abs(cost[i] - dot(Y[i], y, y.shape[0]) - y0))
    return noise


@jit
def _primal_steps(working_set: Any, n: int, s: float, basis: Any, k: int, y: Any, halt: Any) -> Any:
    """Simplex steps among the first n rows of the working set, until the basis is optimal there.

    Returns (y_0, noise, spread).
    """
    Y, cost, _ = working_set
    Qt, R, active, w, _ = basis
    r = Y.shape[1]
    h, t, column = np.zeros(r + 2), np.zeros(r + 2), np.zeros(r + 1)
    column[0] = s
    inside = np.zeros(n, np.bool_)
    for a in range(k):
        inside[active[a]] = True
    value, idle = np.inf, 0
    y0, noise, spread = 0.0, 0.0, 0.0
    for _ in range(200 + 50 * (n + r)):
        y0 = sphere(basis, k, s, cost, h, y)
        noise, spread = _own_power_noise(Y, cost, active, k, y, y0), 0.0
        for a in range(k):
            spread += w[a] * cost[active[a]]
        idle = 0 if spread < value * (1.0 - 1e-14) else idle + 1
        value = min(value, spread)
        bland = idle > 2 * (r + 2)
        enters = _entering_row(Y, cost, inside, y, y0, noise, bland)
        if enters < 0 or halt[0]:
            break
        column[1:] = Y[enters]
        for a in range(k):
            h[a] = dot(Qt[a], column, r + 1)
        solve_upper(R, k, h, t)
        leaves = _leaving_row(w, t, k, active, bland)
        if leaves < 0:
            break
        inside[active[leaves]] = False
        inside[enters] = True
        _exchange(basis, k, leaves, enters, column)
        _solve_weights(basis, k, h)
    return y0, noise, spread


@jit
def load_rows(ZT: Any, q: Any, working_set: Any, start: int, stop: int) -> None:
    """Places start..stop of the working set, relative to q."""
    Y, cost, rows = working_set
    for a in range(start, stop):
        c = 0.0
        for j in range(ZT.shape[0]):
            v = ZT[j, rows[a]] - q[j]
            Y[a, j] = v
            c += v * v
        cost[a] = c


@jit
def drop_inactive(working_set: Any, active: Any, k: int) -> None:
    """Cut the working set down to its k active rows, in their order."""
    Y, cost, rows = working_set
    active_places = active[:k].copy()
    Y2, c2, r2 = Y[active_places], cost[active_places], rows[active_places]
    for a in range(k):
        Y[a], cost[a], rows[a], active[a] = Y2[a], c2[a], r2[a], a


@jit
def factorise(working_set: Any, k: int, basis: Any) -> Any:
    """Factorise a basis of the first k rows, leaving out what depends on the others.

    Returns its size and the scale s of its columns.
    """
    Qt, R, active, _, target = basis
    Y, cost, _ = working_set
    s = np.sqrt(cost[:k].max())
    if s == 0.0:
        s = 1.0
    target[:] = 0.0
    target[0] = s
    column, size = np.zeros(len(target)), 0
    column[0] = s
    for a in range(k):
        column[1:] = Y[a]
        if size < len(target) and append_column(Qt, R, size, column):
            active[size] = a
            size += 1
    _solve_weights(basis, size, np.zeros(size))
    return size, s


@jit
def _complete_basis(all_rows: Any, working_set: Any, size: int, s: float, basis: Any) -> int:
    """Add rows to a basis until it spans all rows, each the farthest from the flat so far.

    They get tiny weights of their own and the target moves along, so that the first steps are
    not all of length zero: where many rows share a face, which one leaves is then never a
    question of rounding. `least_spread` takes the target back.
    """
    ZT, z, depth, deepest, out = all_rows
    Qt, R, active, w, target = basis
    column = np.zeros(len(target))
    while size < len(target):
        least, at = np.inf, 0
        for j in range(len(target)):
            on_axis = 0.0
            for a in range(size):
                on_axis += Qt[a, j] ** 2
            if on_axis < least:
                least, at = on_axis, j
        column[:] = 0.0
        column[at] = 1.0
        for _ in range(2):
            for a in range(size):
                h = dot(Qt[a], column, len(target))
                for j in range(len(target)):
                    column[j] -= h * Qt[a, j]
        scores(ZT, z, 0.0, -column[1:], -s * column[0], out)
        far, row = DEPENDENT_ROW * np.sqrt(dot(column, column, len(target))), -1
        for i in range(out.shape[0]):
            if abs(out[i]) > far and depth[i] <= deepest:
                far, row = abs(out[i]), i
        if row < 0:
            break
        working_set[2][size] = row
        load_rows(ZT, z, working_set, size, size + 1)
        column[0] = s
        column[1:] = working_set[0][size]
        if not append_column(Qt, R, size, column):
            break
        active[size] = size
        w[size] = NUDGE_WEIGHT * (1.0 + (0.618 * size) % 1.0)
        for j in range(len(target)):
            target[j] += w[size] * column[j]
        size += 1
    scale = s / target[0]
    for j in range(len(target)):
        target[j] *= scale
    _solve_weights(basis, size, np.zeros(size))
    return size


@jit
def weights_of_nearest(Y: Any, floor: float, w: Any) -> float:
    """Weights of at least 0, where rounding made some of a thin simplex with corners Y negative.

    Those of its point nearest to the origin; returns how far that is.
    """
    k, r = Y.shape
    active, n_found, p, u = np.zeros(k + 1, np.int64), np.zeros(k + 1), np.zeros(r), np.zeros(r)
    used = nearest_to_origin(Y, 0, n_found, 1e-15, floor / 8.0, active, n_found, p, u)
    w[:] = 0.0
    for a in range(used):
        w[active[a]] = n_found[a]
    return float(np.sqrt(dot(p, p, r)))


@jit
def _dual_steps(
    all_rows: Any, working_set: Any, size: int, s: float, basis: Any, y: Any, y0: float
) -> float:
    """Walk from the simplex around the moved target to the one around the point itself.

    Dual simplex steps: the row with the most negative weight leaves, and the sphere grows across
    the opposite facet until it meets another row. Returns y_0.
    """
    ZT, z, depth, deepest, out = all_rows
    Qt, R, active, w, target = basis
    r, n = len(target) - 1, size
    h, d, slope = np.zeros(size), np.zeros(r + 1), np.zeros(out.shape[0])
    for _ in range(20 + 2 * r):
        _solve_weights(basis, size, h)
        leaves = int(w[:size].argmin())
        if w[leaves] >= -1e-13:
            break
        h[:] = 0.0
        h[leaves] = 1.0
        solve_lower(R, size, h, h)
        d[:] = 0.0
        for a in range(size):
            for j in range(r + 1):
                d[j] += h[a] * Qt[a, j]
        scores(ZT, z, 1.0, y, y0, out)
        scores(ZT, z, 0.0, -d[1:], -s * d[0], slope)
        step, row = np.inf, -1
        for i in range(out.shape[0]):
            if slope[i] < -PIVOT_TOLERANCE and depth[i] <= deepest:
                reach = max(out[i], 0.0) / -slope[i]
                if reach < step:
                    step, row = reach, i
        if row < 0:
            break
        working_set[2][n] = row
        load_rows(ZT, z, working_set, n, n + 1)
        d[0] = s
        d[1:] = working_set[0][n]
        _exchange(basis, size, leaves, n, d)
        n += 1
        y0 = sphere(basis, size, s, working_set[1], h, y)
    return y0


@jit
def least_spread(
    all_rows: Any, working_set: Any, k: int, floor: float, basis: Any, y: Any, halt: Any
) -> Any:
    """Least spread around z over all rows, from the k rows of the working set that hold it.

    Returns the basis's size, y_0, and whether the last look found no row in the sphere.
    """
    ZT, z, depth, deepest, out = all_rows
    Y, cost, rows = working_set
    _, _, active, w, target = basis
    size, s = factorise(working_set, k, basis)
    drop_inactive(working_set, active, size)
    if size == 1:
        y[:] = 0.0
        return 1, cost[0], True
    whole = size == len(target)
    if not whole:
        size = _complete_basis(all_rows, working_set, size, s, basis)
    count, room, r = size, Y.shape[0] - 4 * Y.shape[1] - 20, Y.shape[1]
    fresh = np.zeros(ROWS_PER_LOOK, np.int64)
    value, idle, is_optimal = np.inf, 0, False
    while True:
        y0, noise, spread = _primal_steps(working_set, count, s, basis, size, y, halt)
        scores(ZT, z, 1.0, y, y0, out)
        if deepest < np.inf:
            for i in range(out.shape[0]):
                if depth[i] > deepest:
                    out[i] = np.inf
        far = 0.0
        for a in range(size):
            far = max(far, cost[active[a]])
        slack = 8.0 * noise + 64.0 * UNIT_ROUNDOFF * (far + np.sqrt(dot(y, y, r) * far) + abs(y0))
        n_found = smallest(out, -slack, ROWS_PER_LOOK, fresh)
        idle = 0 if spread < value * (1.0 - 1e-14) else idle + 1
        value = min(value, spread)
        if n_found == 0:
            is_optimal = noise <= 1e-6 * far
            break
        if idle > 50 + 4 * r or halt[0]:
            break
        if count + n_found > room:
            drop_inactive(working_set, active, size)
            count = size
        for a in range(n_found):
            rows[count + a] = fresh[a]
        load_rows(ZT, z, working_set, count, count + n_found)
        count += n_found
    if not whole:
        drop_inactive(working_set, active, size)
        target[:] = 0.0
        target[0] = s
        _solve_weights(basis, size, np.zeros(size))
        if w[:size].min() < 0.0 and weights_of_nearest(Y[:size], floor, w[:size]) > floor:
            y0 = _dual_steps(all_rows, working_set, size, s, basis, y, y0)
    return size, y0, is_optimal
