"""Minimax linear weights from a few rows: Newton's method on the concave dual. Kernels.

The letters are those of the dual problem. For rows u_i = x_i - z, q_i = |u_i|^2 / 2::

    D(a, b, c) = 2 a - lam c^2 - slope |b|^2 - sum_i (|a + b'u_i| - c q_i)_+^2
    w_i = sign(a + b'u_i) (|a + b'u_i| - c q_i)_+

It is piecewise quadratic: with phi_i = (s_i, s_i u_i, -q_i), s_i the sign, over rows with a weight
the maximum solves (sum phi phi' + diag(0, slope, lam)) theta = e_1, the normal equations of a ridge
regression on (1, u, q). Roll, Nazin and Ljung 2002 to 2007 for the problem.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.numba import subkernel
from ..geometry.qr_update import dot

NEWTON_STEPS = 60
DECREMENT_TOLERANCE = 1e-16  # of D: Newton's decrement at which a solve ends
LINE_SEARCH_ROUNDING = 1e-10  # of D: a gain below this is not measured


@subkernel
def solve_definite(H: Any, x: Any) -> None:
    """x becomes H^-1 x by a Cholesky factor, made in the lower half of H.

    A pivot that is rounding is taken as infinite: that unknown stays as it is.
    """
    p = H.shape[0]
    for j in range(p):
        row = H[j]
        floor = 1e-15 * row[j] + 1e-300
        s = row[j] - dot(row, row, j)
        pivot = np.sqrt(s) if s > floor else 1e150
        row[j] = pivot
        for i in range(j + 1, p):
            other = H[i]
            other[j] = (other[j] - dot(row, other, j)) / pivot
    for i in range(p):
        x[i] = (x[i] - dot(H[i], x, i)) / H[i, i]
    for i in range(p - 1, -1, -1):
        x[i] /= H[i, i]
        for k in range(i):
            x[k] -= H[i, k] * x[i]


@subkernel
def closed_form_start(q: Any, k: int, lam: float, least: int, theta: Any) -> float:
    """The optimum among b = 0, from q ascending; lam is raised until `least` rows take part.

    Of the m nearest rows: a m - c s1 = 1, a s1 - c s2 = lam c; row m stays out while
    lam < q_m s1 - s2. Returns the lam used.
    """
    s1 = s2 = 0.0
    theta[:] = 0.0
    for m in range(1, k + 1):
        enters = q[m - 1] * s1 - s2
        s1 += q[m - 1]
        s2 += q[m - 1] * q[m - 1]
        if m < min(least, k):
            continue
        leaves = q[m] * s1 - s2 if m < k else np.inf
        if lam >= leaves:
            continue
        raised = lam
        if m == least and m < k:
            raised = max(lam, 0.5 * (enters + leaves))
        det = m * (s2 + raised) - s1 * s1
        if det > 0:
            theta[0], theta[-1] = (s2 + raised) / det, s1 / det
            return raised
    theta[0], theta[-1] = 1.0, 1.0
    return lam


@subkernel
def dual_value(UT: Any, q: Any, k: int, lam: float, slope: float, theta: Any, h: Any) -> float:
    """D; h_i = |a + b'u_i| - c q_i with the sign of a + b'u_i in its own array, h[1]."""
    r = UT.shape[0]
    margin, sign = h[0][:k], h[1][:k]
    for i in range(k):
        margin[i] = theta[0]
    for j in range(r):
        b, u = theta[1 + j], UT[j, :k]
        for i in range(k):
            margin[i] += b * u[i]
    c, total, size = theta[r + 1], 0.0, 0.0
    for i in range(k):
        sign[i] = -1.0 if margin[i] < 0 else 1.0
        margin[i] = abs(margin[i]) - c * q[i]
        if margin[i] > 0:
            total += margin[i] * margin[i]
    for j in range(r):
        size += theta[1 + j] * theta[1 + j]
    return float(2 * theta[0] - lam * c * c - slope * size - total)


@subkernel
def load_active(rows: Any, k: int, h: Any, A: Any) -> int:
    """Rows phi_i of those with a weight, in A; how many, padded with zeros to whole fours.

    `rows` holds (1, u_i, q_i).
    """
    p, count = A.shape[1], 0
    for i in range(k):
        if h[0, i] > 0:
            phi, own, s = A[count], rows[i], h[1, i]
            for j in range(p - 1):
                phi[j] = s * own[j]
            phi[p - 1] = -own[p - 1]
            count += 1
    for i in range(count, count + (-count) % 4):
        A[i] = 0.0
    return count


@subkernel
def normal_matrix(A: Any, count: int, lam: float, slope: float, H: Any) -> None:
    """sum phi phi' + diag(0, slope, lam), lower half."""
    p = H.shape[0]
    H[:, :] = 0.0
    for i in range(0, count, 4):
        a0, a1, a2, a3 = A[i], A[i + 1], A[i + 2], A[i + 3]
        for r in range(p):
            row, f0, f1, f2, f3 = H[r], a0[r], a1[r], a2[r], a3[r]
            for s in range(r + 1):
                row[s] += (f0 * a0[s] + f1 * a1[s]) + (f2 * a2[s] + f3 * a3[s])
    for j in range(1, p - 1):
        H[j, j] += slope
    H[p - 1, p - 1] += lam


@subkernel
def gradient(A: Any, count: int, lam: float, slope: float, theta: Any, out: Any) -> None:
    """Half the gradient of D: e_1 - sum h_i phi_i - diag(0, slope, lam) theta."""
    p = theta.shape[0]
    for j in range(p):
        out[j] = -slope * theta[j]
    out[0], out[p - 1] = 1.0, -lam * theta[p - 1]
    for i in range(count):
        phi = A[i]
        h = dot(phi, theta, p)
        for j in range(p):
            out[j] -= h * phi[j]


@subkernel
def newton(working_set: Any, k: int, lam: float, slope: float, buffers: Any) -> bool:
    """Maximise D over the first k rows from theta, in place; whether it converged.

    Semismooth Newton with Armijo's line search: finite, since D is piecewise quadratic.
    `working_set` is (UT, q, rows), `buffers` (theta, h, trial_h, A, H, step, trial).
    """
    UT, q, rows = working_set
    theta, h, trial_h, A, H, step, trial = buffers
    p = theta.shape[0]
    D = dual_value(UT, q, k, lam, slope, theta, h)
    for _ in range(NEWTON_STEPS):
        count = load_active(rows, k, h, A)
        gradient(A, count, lam, slope, theta, trial)
        step[:] = trial
        normal_matrix(A, count, lam, slope, H)
        if slope == 0.0 and count < p - 1:
            for j in range(1, p - 1):
                H[j, j] += 1e-9 * H[0, 0] + 1e-300
        solve_definite(H, step)
        gain = dot(trial, step, p)
        if not gain > DECREMENT_TOLERANCE * abs(D):
            return True
        eta, improved, D_trial = 1.0, False, D
        for _ in range(40):
            for j in range(p):
                trial[j] = theta[j] + eta * step[j]
            D_trial = dual_value(UT, q, k, lam, slope, trial, trial_h)
            if D_trial >= D + 0.1 * eta * gain:
                improved = True
                break
            if eta == 1.0 and gain < LINE_SEARCH_ROUNDING * abs(D):
                improved = D_trial >= D - 1e-15 * abs(D)
                break
            eta *= 0.5
        if not improved:
            return gain < LINE_SEARCH_ROUNDING * abs(D)
        theta[:] = trial
        h[:, :k] = trial_h[:, :k]
        D = D_trial
    return False


@subkernel
def solve_rows(
    working_set: Any, k: int, lam: float, slope: float, factor: float, buffers: Any
) -> bool:
    """The optimum over the first k rows: from theta where `factor` is 0.

    Else the rows come nearest first, and the noise ratio falls by that factor from where many rows
    take part: a vertex of a linear program is hard to reach from far.
    """
    theta, raised = buffers[0], lam
    if factor > 0:
        raised = closed_form_start(working_set[1], k, lam, min(k, 2 * theta.shape[0]), theta)
    while True:
        converged = newton(working_set, k, raised, slope / lam * raised, buffers)
        if raised <= lam:
            return converged
        raised = max(lam, raised / factor)
