"""Kernels of the smallest enclosing ellipsoid: D-optimal weights on a few thousand rows.

Arrays in, arrays out. Y (s, r) are rows in coordinates where the cloud is roughly round, u (s,)
their weights, p = r + 1. With c = sum u y and S = sum u (y - c)(y - c)', the leverage of a row is

    kappa = (y, 1)' (sum u (y, 1)(y, 1)')^-1 (y, 1) = 1 + (y - c)' S^-1 (y - c),

and u is optimal when no leverage exceeds p (Kiefer and Wolfowitz 1960; Titterington 1975).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import cho_factor, cho_solve, lapack

from .._core.types import Floats, Indices

GRAM_BLOCK_ROWS = 256  # rows of a Gram matrix worked on while they lie in the cache
INTERIOR_STEP_FRACTION = 0.99  # part of the way to the boundary an interior step goes


def deletion_bound(gap: float, p: int) -> float:
    """Leverage below which a row cannot carry weight in any optimal design.

    With N = M^-1/2 M* M^-1/2, trace N <= p (1 + gap) and trace N^-1 <= p, so that no eigenvalue
    of N is below t, the smaller root of t^2 - (2 + e) t + 1 + e / p = 0 with e = p gap; a row of
    optimal leverage p has leverage at least p t now (Harman and Pronzato 2007, Theorem 1).
    """
    e = p * max(gap, 0.0)
    return float(p * (1 + e / 2 - np.sqrt(e * (4 + e - 4 / p)) / 2))


def unit_frame(Y: Floats, u: Floats) -> tuple[Floats, Floats]:
    """Centre c (r,) and lower triangular A (r, r) with kappa = 1 + |A (y - c)|^2; O(s r^2)."""
    q = u / u.sum()
    c = q @ Y
    D = Y - c
    L = np.linalg.cholesky((D * q[:, None]).T @ D)
    inverse, info = lapack.dtrtri(L, lower=1)
    if info:
        raise np.linalg.LinAlgError("singular moment matrix")
    return c, np.tril(inverse)


def leverages(Y: Floats, u: Floats) -> tuple[Floats, Floats]:
    """Rows V (s, r) in the unit frame of u, and their leverages for the weights u / sum u."""
    c, A = unit_frame(Y, u)
    V = (Y - c) @ A.T
    return V, 1 + np.einsum("ij,ij->i", V, V)


def multiplicative(Y: Floats, u: Floats, steps: int) -> Floats:
    """u <- u kappa / p: monotone, cheap, and quick to find the shape but not the end.

    Silvey, Titterington and Torsney (1978). O(s r^2) a step.
    """
    u = u / u.sum()
    for _ in range(steps):
        u = u * leverages(Y, u)[1] / (Y.shape[1] + 1)
    return np.asarray(u / u.sum())


def interior_point(
    Y: Floats, u: Floats, target: float, limit: int, progress: Callable[[float], None]
) -> tuple[Floats, Floats, int]:
    """Weights on Y to a relative gap `target`: (u, kappa, steps).

    Primal-dual Newton steps on max log det M(u) - p sum u, u >= 0, whose optimality conditions
    are kappa_i + slack_i = p, u_i slack_i = 0. The Jacobian of kappa is -K o K, K = Z' M^-1 Z, so
    a step is one Cholesky factorisation of K o K + diag(slack / u) (Sun and Freund 2004,
    section 4, with Mehrotra's predictor and corrector). O(s^3 / 3 + s^2 r) a step.
    """
    s, p = len(u), Y.shape[1] + 1
    V, kappa = leverages(Y, u)
    gap = float(kappa.max()) / p - 1
    slack = np.maximum(p - kappa, 0.3 * p * max(gap, 1e-9))
    best, n_stalled = (gap, u, kappa), 0
    for step in range(1, limit + 1):
        if gap <= target or n_stalled == 4:
            return best[1], best[2], step - 1
        total = float(u.sum())
        w = kappa / total
        factor = _newton_matrix(V, slack / u, total)
        du, ds = _direction(factor, u, slack, w - p, 0.0)
        a, b = _step_length(u, du), _step_length(slack, ds)
        mean = float(u @ slack) / s
        predicted = float((u + a * du) @ (slack + b * ds)) / s
        du, ds = _direction(factor, u, slack, w - p, mean * (predicted / mean) ** 3 - du * ds)
        del factor  # the next one needs the room
        u = u + min(1.0, INTERIOR_STEP_FRACTION * _step_length(u, du, 2.0)) * du
        slack = slack + min(1.0, INTERIOR_STEP_FRACTION * _step_length(slack, ds, 2.0)) * ds
        V, kappa = leverages(Y, u)
        gap = float(kappa.max()) / p - 1
        n_stalled = 0 if gap < 0.9 * best[0] else n_stalled + 1
        if gap < best[0]:
            best = (gap, u / u.sum(), kappa)
        progress(gap)
    return best[1], best[2], limit


def _newton_matrix(V: Floats, diagonal: Floats, total: float) -> tuple[Floats, bool]:
    """Cholesky factor of ((1 + V V') / total) squared entry by entry, plus a diagonal."""
    damping = 0.0
    while True:
        K = V @ V.T
        for at in range(0, len(K), GRAM_BLOCK_ROWS):
            part = K[at : at + GRAM_BLOCK_ROWS]
            part += 1.0
            part /= total
            part *= part
        diagonal_view = K.reshape(-1)[:: len(K) + 1]
        diagonal_view += diagonal
        diagonal_view *= 1 + damping
        try:
            factor: tuple[Floats, bool] = cho_factor(
                K.T, lower=True, overwrite_a=True, check_finite=False
            )
        except np.linalg.LinAlgError:
            # K o K has rank at most p (p + 1) / 2: at the end rounding alone may break it
            damping = max(100 * damping, 1e-13)
            continue
        return factor


def _direction(
    factor: tuple[Floats, bool], u: Floats, slack: Floats, excess: Floats, aim: Floats | float
) -> tuple[Floats, Floats]:
    """Newton step towards kappa + slack = p and u slack = aim."""
    du = cho_solve(factor, aim / u + excess, check_finite=False)
    return du, (aim - u * slack - slack * du) / u


def _step_length(x: Floats, dx: Floats, most: float = 1.0) -> float:
    """Largest step at most `most` that keeps x + step dx nonnegative."""
    rate = float(np.max(-dx / x))
    return min(most, 1.0 / rate) if rate > 0 else most


def newton_on_support(Y: Floats, u: Floats, kappa: Floats) -> tuple[Indices, Floats] | None:
    """The rows that carry weight and their weights by plain Newton steps; None where that fails.

    At the end of an interior path a row either has u_i s >> slack_i / p or the reverse. On the
    first kind kappa = p is a smooth square system that Newton solves in two or three steps.
    """
    p = Y.shape[1] + 1
    support = np.flatnonzero(u * len(u) > np.maximum(p - kappa, 0.0) / p)
    v = u[support] / u[support].sum()
    for _ in range(8):
        try:
            V, now = leverages(Y[support], v)
            if np.abs(now - p).max() < 1e-10 * p:
                break
            v = v + cho_solve(_newton_matrix(V, np.zeros(len(support)), 1.0), now - p)
        except np.linalg.LinAlgError:
            return None
        support, v = support[v > 0], v[v > 0]
        if len(support) < p:
            return None
        v = v / v.sum()
    return support, v


def heaviest_rows(u: Floats, p: int, budget: float) -> Indices:
    """Rows to keep when the lightest ones go and no leverage may grow by more than `budget`.

    Without rows of total weight m, M shrinks by at most the factor 1 - m max kappa.
    """
    order = np.argsort(u, kind="stable")
    dropped = np.cumsum(u[order]) * p <= budget
    return np.sort(order[~dropped])


def away_steps(Y: Floats, u: Floats, target: float, steps: int) -> tuple[Floats, Floats]:
    """Khachiyan's coordinate ascent with away steps (Todd and Yildirim 2007, Algorithm 3.1).

    For more rows than a Newton matrix can hold: O(s r) a step, linear convergence. Returns
    (u, kappa), kappa recomputed from u.
    """
    p = Y.shape[1] + 1
    u = u / u.sum()
    c, A = unit_frame(Y, u)
    Z = np.concatenate([(Y - c) @ A.T, np.ones((len(Y), 1))], axis=1)
    inverse = np.eye(p)
    kappa = np.einsum("ij,ij->i", Z, Z)
    for _ in range(steps):
        support = np.flatnonzero(u)
        up, down = int(kappa.argmax()), int(support[kappa[support].argmin()])
        over, under = kappa[up] / p - 1, 1 - kappa[down] / p
        if max(over, under) <= target:
            break
        j = up if over >= under else down
        beta = (kappa[j] - p) / ((kappa[j] - 1) * p)
        beta = max(beta, -u[j] / (1 - u[j])) if u[j] < 1 else beta
        g = inverse @ Z[j]
        t = beta / (1 - beta + beta * kappa[j])
        kappa = (kappa - t * np.square(Z @ g)) / (1 - beta)
        inverse = (inverse - t * np.outer(g, g)) / (1 - beta)
        u = u * (1 - beta)
        u[j] = max(u[j] + beta, 0.0) if j == up or u[j] + beta > 1e-15 else 0.0
    u = u / u.sum()
    return u, leverages(Y, u)[1]
