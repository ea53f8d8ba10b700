"""The Delaunay simplex around a point, from a linear program instead of a triangulation.

For a point z in the hull of the rows x_i the Delaunay simplex around it is an optimal basis of

    min  sum w_i |x_i - z|^2    over  w >= 0,  sum w_i = 1,  sum w_i (x_i - z) = 0

(the lower hull of the lifted rows (x, |x|^2) above z; Edelsbrunner and Seidel 1986). The dual
variables y_0, y of a basis are a sphere through its rows with centre z + y/2, and the reduced cost
of a row, |x - z|^2 - <y, x - z> - y_0, is its power with respect to that sphere: the rows that may
enter the basis are exactly those inside. Primal simplex steps on an updated QR factorisation of
the columns (s, x_i - z), each step with fresh weights, so that no error is carried along.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data._qr import append_column, dot, jit, remove_column, solve_lower, solve_upper

UNIT = 2.0**-53
MORE = 8  # rows that one look at all rows adds


@jit  # type: ignore[untyped-decorator]
def scores(ZT: Any, q: Any, h: float, y: Any, y0: float, out: Any) -> None:
    """out_i = h |v|^2 - <y, v> - y0 with v = z_i - q, for every column z_i of ZT (r, n).

    Blocks that stay in the cache, and loops over whole slices, which the compiler can vectorise.
    """
    r, n = ZT.shape
    whole = r - r % 4
    for start in range(0, n, 512):
        part = out[start : start + 512]
        for i in range(part.shape[0]):
            part[i] = -y0
        for j in range(0, whole, 4):
            z0, z1 = ZT[j, start : start + 512], ZT[j + 1, start : start + 512]
            z2, z3 = ZT[j + 2, start : start + 512], ZT[j + 3, start : start + 512]
            q0, q1, q2, q3 = q[j], q[j + 1], q[j + 2], q[j + 3]
            y0_, y1, y2, y3 = y[j], y[j + 1], y[j + 2], y[j + 3]
            for i in range(part.shape[0]):
                v0, v1, v2, v3 = z0[i] - q0, z1[i] - q1, z2[i] - q2, z3[i] - q3
                first = v0 * (h * v0 - y0_) + v1 * (h * v1 - y1)
                part[i] += first + (v2 * (h * v2 - y2) + v3 * (h * v3 - y3))
        for j in range(whole, r):
            z, a, c = ZT[j, start : start + 512], q[j], y[j]
            for i in range(part.shape[0]):
                v = z[i] - a
                part[i] += v * (h * v - c)


@jit  # type: ignore[untyped-decorator]
def smallest(values: Any, below: float, most: int, at: Any) -> int:
    """The places of the `most` smallest values under `below`, smallest first; how many."""
    count = 0
    for i in range(values.shape[0]):
        value = values[i]
        if value < below:
            if count < most:
                count += 1
            k = count - 1
            while k > 0 and values[at[k - 1]] > value:
                at[k] = at[k - 1]
                k -= 1
            at[k] = i
            if count == most:
                below = values[at[most - 1]]
    return count


@jit  # type: ignore[untyped-decorator]
def sphere(Qt: Any, R: Any, k: int, s: float, cost: Any, active: Any, h: Any, y: Any) -> float:
    """The dual variables of a basis: fills y (r,) of least length, returns y_0."""
    n = Qt.shape[1]
    for a in range(k):
        h[a] = cost[active[a]]
    solve_lower(R, k, h, h)
    y0 = 0.0
    for j in range(n - 1):
        y[j] = 0.0
    for a in range(k):
        y0 += h[a] * Qt[a, 0]
        q = Qt[a]
        for j in range(n - 1):
            y[j] += h[a] * q[j + 1]
    return y0 * s


@jit  # type: ignore[untyped-decorator]
def _weigh(Qt: Any, R: Any, k: int, s: float, h: Any, w: Any) -> None:
    """The weights of a basis, from sum w_i (s, y_i) = (s, 0)."""
    for a in range(k):
        h[a] = s * Qt[a, 0]
    solve_upper(R, k, h, w)


@jit  # type: ignore[untyped-decorator]
def _leaving(w: Any, t: Any, k: int, active: Any, bland: bool) -> int:
    """Which basic row stops the step w - theta t first; -1 if none does.

    Among rows that stop it within rounding the one with the largest t keeps the basis well
    conditioned; after many steps without progress the lowest row ends any cycle (Bland 1977).
    """
    largest = 0.0
    for a in range(k):
        largest = max(largest, abs(t[a]))
    limit, best, at = np.inf, 0.0, -1
    for a in range(k):
        if t[a] > 1e-11 * largest:
            limit = min(limit, (max(w[a], 0.0) + 1e-14) / t[a])
    for a in range(k):
        if t[a] > 1e-11 * largest and max(w[a], 0.0) <= limit * t[a]:
            if bland:
                if at < 0 or active[a] < active[at]:
                    at = a
            elif t[a] > best:
                best, at = t[a], a
    return at


@jit  # type: ignore[untyped-decorator]
def _entering(Y: Any, cost: Any, inside: Any, y: Any, y0: float, noise: float, bland: bool) -> int:
    """The row to enter next, by power over distance (the first one inside if `bland`), or -1."""
    r = Y.shape[1]
    size, enters, best = np.sqrt(dot(y, y, r)), -1, 0.0
    for i in range(inside.shape[0]):
        if inside[i]:
            continue
        power = cost[i] - dot(Y[i], y, r) - y0
        length = np.sqrt(cost[i])
        slack = 4.0 * noise + 16.0 * UNIT * (cost[i] + size * length + abs(y0))
        if power < -slack:
            if bland:
                return i
            if power < best * (length + 1e-300):
                best, enters = power / (length + 1e-300), i
    return enters


@jit  # type: ignore[untyped-decorator]
def _improve(Y: Any, cost: Any, n: int, s: float, basis: Any, k: int, y: Any, halt: Any) -> Any:
    """Simplex steps among the first n rows of Y (relative to the point) from a feasible basis.

    `basis` is (Qt, R, active, w) of k rows, and is replaced by an optimal one. Returns
    (k, y_0, noise): `noise` is how far from 0 rounding leaves the power of the basis's own rows.
    """
    Qt, R, active, w = basis
    r = Y.shape[1]
    h, t, column = np.zeros(r + 2), np.zeros(r + 2), np.zeros(r + 1)
    column[0] = s
    inside = np.zeros(n, np.bool_)
    for a in range(k):
        inside[active[a]] = True
    y0, noise, value, idle = 0.0, 0.0, np.inf, 0
    for _ in range(200 + 50 * (n + r)):
        y0 = sphere(Qt, R, k, s, cost, active, h, y)
        noise, spread = 0.0, 0.0
        for a in range(k):
            i = active[a]
            noise = max(noise, abs(cost[i] - dot(Y[i], y, r) - y0))
            spread += max(w[a], 0.0) * cost[i]
        idle = 0 if spread < value * (1.0 - 1e-14) else idle + 1
        value = min(value, spread)
        bland = idle > 2 * (r + 2)
        enters = _entering(Y, cost, inside, y, y0, noise, bland)
        if enters < 0 or halt[0]:
            break
        for j in range(r):
            column[j + 1] = Y[enters, j]
        if not append_column(Qt, R, k, column) or k == r + 1:
            # the row depends on the basis: step towards it until some basic weight is used up
            for a in range(k):
                h[a] = R[a, k]
            solve_upper(R, k, h, t)
            leaves = _leaving(w, t, k, active, bland)
            if leaves < 0:
                break
            inside[active[leaves]] = False
            remove_column(Qt, R, k, leaves)
            k -= 1
            for a in range(leaves, k):
                active[a] = active[a + 1]
            append_column(Qt, R, k, column)
        active[k] = enters
        inside[enters] = True
        k += 1
        _weigh(Qt, R, k, s, h, w)
    return k, y0, noise


@jit  # type: ignore[untyped-decorator]
def fill(ZT: Any, q: Any, rows: Any, start: int, stop: int, Y: Any, cost: Any) -> None:
    """Rows start..stop of the working set, relative to q, with their squared distances."""
    for a in range(start, stop):
        c = 0.0
        for j in range(ZT.shape[0]):
            v = ZT[j, rows[a]] - q[j]
            Y[a, j] = v
            c += v * v
        cost[a] = c


@jit  # type: ignore[untyped-decorator]
def keep_active(Y: Any, cost: Any, rows: Any, active: Any, k: int) -> None:
    """Cut the working set down to its k active rows, in their order."""
    kept = active[:k].copy()
    Y2, c2, r2 = Y[kept], cost[kept], rows[kept]
    for a in range(k):
        Y[a], cost[a], rows[a], active[a] = Y2[a], c2[a], r2[a], a


@jit  # type: ignore[untyped-decorator]
def begin(Y: Any, cost: Any, k: int, basis: Any) -> Any:
    """Factorise a basis of the first k rows; those that depend on the others are left out."""
    Qt, R, active, w = basis
    r = Y.shape[1]
    s = np.sqrt(cost[:k].max())
    if s == 0.0:
        s = 1.0
    column, h = np.zeros(r + 1), np.zeros(r + 2)
    column[0] = s
    size = 0
    for a in range(k):
        for j in range(r):
            column[j + 1] = Y[a, j]
        if size < r + 1 and append_column(Qt, R, size, column):
            active[size] = a
            size += 1
    _weigh(Qt, R, size, s, h, w)
    return size, s


@jit  # type: ignore[untyped-decorator]
def descend(
    ZT: Any, z: Any, face: Any, Y: Any, cost: Any, held: Any, k: int, basis: Any, y: Any, work: Any
) -> Any:
    """Least spread around z over all columns of ZT from the k rows of the working set.

    `face` is (depth, deepest): only columns whose depth is no more may take part. Returns the
    basis's size, y_0, the scale s of its factorisation, and whether the last look found nothing.
    """
    depth, deepest = face
    out, fresh, halt = work
    active, w = basis[2], basis[3]
    size, s = begin(Y, cost, k, basis)
    count, room, r = k, Y.shape[0], Y.shape[1]
    value, idle = np.inf, 0
    while True:
        size, y0, noise = _improve(Y, cost, count, s, basis, size, y, halt)
        scores(ZT, z, 1.0, y, y0, out)
        if deepest < np.inf:
            for i in range(out.shape[0]):
                if depth[i] > deepest:
                    out[i] = np.inf
        length, far, spread = np.sqrt(dot(y, y, r)), 0.0, 0.0
        for a in range(size):
            far = max(far, cost[active[a]])
            spread += max(w[a], 0.0) * cost[active[a]]
        slack = 8.0 * noise + 64.0 * UNIT * (far + length * np.sqrt(far) + abs(y0))
        found = smallest(out, -slack, MORE, fresh)
        idle = 0 if spread < value * (1.0 - 1e-14) else idle + 1
        value = min(value, spread)
        if found == 0:
            return size, y0, s, True
        if idle > 50 + 4 * r or halt[0]:
            return size, y0, s, False
        if count + found > room:
            keep_active(Y, cost, held, active, size)
            count = size
        for a in range(found):
            held[count + a] = fresh[a]
        fill(ZT, z, held, count, count + found, Y, cost)
        count += found


@jit  # type: ignore[untyped-decorator]
def complete(
    ZT: Any,
    z: Any,
    Y: Any,
    cost: Any,
    held: Any,
    size: int,
    s: float,
    basis: Any,
    y: Any,
    y0: float,
    out: Any,
) -> Any:
    """Move the empty sphere away from a thin basis until it meets rows that complete a simplex.

    The point then lies on a face of the simplex: the rows that are met have weight 0.
    """
    Qt, R, active, w = basis
    r = Y.shape[1]
    column, slope = np.zeros(r + 1), np.zeros(out.shape[0])
    while size < r + 1:
        # the unit vector that the basis sees least, made orthogonal to it
        least, at = np.inf, 0
        for j in range(r + 1):
            seen = 0.0
            for a in range(size):
                seen += Qt[a, j] ** 2
            if seen < least:
                least, at = seen, j
        column[:] = 0.0
        column[at] = 1.0
        for _ in range(2):
            for a in range(size):
                h = dot(Qt[a], column, r + 1)
                for j in range(r + 1):
                    column[j] -= h * Qt[a, j]
        scores(ZT, z, 1.0, y, y0, out)
        scores(ZT, z, 0.0, -column[1:], -s * column[0], slope)
        length = np.sqrt(dot(column, column, r + 1))
        step, row = np.inf, -1
        for i in range(out.shape[0]):
            if abs(slope[i]) > 1e-9 * s * length:
                reach = max(out[i], 0.0) / slope[i]
                if abs(reach) < abs(step):
                    step, row = reach, i
        if row < 0:
            break
        a = Y.shape[0] - (r + 1) + size  # places at the end of the working set are free for these
        held[a] = row
        fill(ZT, z, held, a, a + 1, Y, cost)
        for j in range(r):
            y[j] += step * column[j + 1]
        y0 += step * s * column[0]
        column[0] = s
        column[1:] = Y[a]
        if not append_column(Qt, R, size, column):
            break
        active[size], w[size] = a, 0.0
        size += 1
    return size, y0
