"""The point of a polytope {u : G u >= h} nearest to 0, by least distance programming.

Lawson & Hanson, *Solving Least Squares Problems* (1974), chapter 23: the multipliers w >= 0 of
min |u|^2, G u >= h solve the nonnegative least squares problem min |E w - f|, where column i of E
is (h_i, G_i) and f = (1, 0); with the residual rho = f - E w the point is -rho_1 / rho_0, and there
is none where rho = 0. Each set of active rows gives the point of the polytope of those rows alone,
so its distance is a lower bound that only rises.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.numba import jit
from .._core.types import Floats
from ..geometry.qr_update import append_column, dot, remove_column, solve_upper

FEASIBILITY_TOLERANCE = 1e-11  # a row is kept if it is violated by less, relative to the distance


def nearest_point(
    G: Floats, h: Floats, fixed: int = -1, limit: float = np.inf
) -> tuple[float, Floats]:
    """The distance of {u : G u >= h} from 0 and its nearest point; rows of length 1.

    Row `fixed`, if any, is an equation. The distance is infinite where there is no such point, or
    none nearer than `limit`.

    Notes
    -----
    Cost: O(k d) for each row that becomes active, of which there are at most d at a time.

    Examples
    --------
    >>> import numpy as np
    >>> from hullwise.model._polytope_projection import nearest_point
    >>> nearest_point(np.array([[1.0, 0.0], [0.6, 0.8]]), np.array([3.0, 1.0]))
    (2.99..., array([3., 0.]))
    """
    most = h[fixed] if fixed >= 0 and abs(h[fixed]) > max(h.max(), 0.0) else h.max(initial=0.0)
    scale = abs(float(most))
    u = np.zeros(G.shape[1])
    if scale == 0.0:
        return 0.0, u
    ok = _least_distance(np.ascontiguousarray(G), h / scale, fixed, limit / scale, u)
    u *= scale
    return (float(np.linalg.norm(u)) if ok else np.inf), u


@jit
def _least_distance(G: Any, h: Any, fixed: int, limit: float, u: Any) -> bool:
    m, d = G.shape
    most = min(m, d + 1) + 1
    Qt, R = np.zeros((most, d + 1)), np.zeros((most, most))
    w, new, rhs = np.zeros(most), np.zeros(most), np.zeros(most)
    active, k = np.zeros(most, np.int64), 0
    state, column = np.zeros(m, np.int8), np.zeros(d + 1)
    n_fixed = 0  # the first active rows that never leave
    if fixed >= 0:
        column[0] = h[fixed]
        column[1:] = G[fixed]
        append_column(Qt, R, 0, column)
        active[0], state[fixed], k, n_fixed = fixed, 1, 1, 1
    best, entered = -1.0, -1
    for _ in range(20 * (m + d) + 100):
        k = _nonnegative_step(Qt, R, k, w, new, rhs, active, state, n_fixed, entered)
        rest = 1.0
        for a in range(k):
            rest -= w[a] * h[active[a]]
        for j in range(d):
            u[j] = 0.0
        for a in range(k):
            g = G[active[a]]
            for j in range(d):
                u[j] += w[a] * g[j]
        if not rest > 1e-13:
            return False  # no point, or none within 1e6 times the farthest row
        for j in range(d):
            u[j] /= rest
        far = np.sqrt(dot(u, u, d))
        if far >= limit:
            return False
        if far > best * (1.0 + 1e-14):
            best = far
            for i in range(m):
                if state[i] == 2 and i != entered:
                    state[i] = 0
        at, worst = -1, FEASIBILITY_TOLERANCE * max(far, 1.0)
        for i in range(m):
            if state[i] == 0:
                value = h[i] - dot(G[i], u, d)
                if value > worst:
                    at, worst = i, value
        if at < 0:
            return True
        column[0] = h[at]
        column[1:] = G[at]
        state[at] = 2
        entered = -1
        if k < most - 1 and append_column(Qt, R, k, column):
            active[k], w[k], state[at], entered = at, 0.0, 1, at
            k += 1
    return False


@jit
def _nonnegative_step(
    Qt: Any,
    R: Any,
    k: int,
    w: Any,
    new: Any,
    rhs: Any,
    active: Any,
    state: Any,
    n_fixed: int,
    entered: int,
) -> int:
    """Least squares on the active rows, without those whose multipliers it makes negative."""
    while True:
        for a in range(k):
            rhs[a] = Qt[a, 0]
        solve_upper(R, k, rhs, new)
        length, blocking = 1.0, -1
        for a in range(n_fixed, k):
            if new[a] <= 0.0 and w[a] <= length * (w[a] - new[a]):
                length, blocking = w[a] / (w[a] - new[a]), a
        if blocking < 0:
            for a in range(k):
                w[a] = new[a]
            return k
        for a in range(k):
            w[a] += length * (new[a] - w[a])
        state[active[blocking]] = 2 if active[blocking] == entered else 0
        remove_column(Qt, R, k, blocking)
        for b in range(blocking, k - 1):
            w[b], active[b] = w[b + 1], active[b + 1]
        k -= 1
