"""Minimax linear weights on the rows that have one: their risk, and its least. Kernels.

Where noise is low the weights, differences of large dual terms, have few digits. On given rows and
signs s the risk is w'w + (sum w_i s_i q_i)^2 / lam + |sum w_i u_i|^2 / slope, a quadratic function,
whose least value over weights of sum 1 a Cholesky factor gives to nearly all digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.numba import subkernel
from ..geometry.qr_update import dot
from ._minimax_newton import solve_definite

POLISHED_ROWS = 400  # more rows have weights that are no differences of large terms


@subkernel
def worst_case_risk(w: Any, working_set: Any, lam: float, slope: float) -> float:
    """|w|^2 + (sum |w_i| q_i)^2 / lam + |sum w_i u_i|^2 / slope; without the last for slope 0."""
    UT, q, _ = working_set
    k, shift, spread = w.shape[0], 0.0, 0.0
    for i in range(k):
        spread += abs(w[i]) * q[i]
    if slope > 0:
        for j in range(UT.shape[0]):
            mean = dot(w, UT[j], k)
            shift += mean * mean / slope
    return float(dot(w, w, k) + spread * spread / lam + shift)


@subkernel
def polish(w: Any, working_set: Any, lam: float, slope: float) -> bool:
    """Weights of least risk on the rows and signs of w, in its place; False if there are none."""
    at = np.flatnonzero(w)
    if slope == 0.0:
        return reproduce_linear(w, at, working_set)
    return 0 < len(at) <= POLISHED_ROWS and least_risk(w, at, working_set, lam, slope)


@subkernel
def least_risk(w: Any, at: Any, working_set: Any, lam: float, slope: float) -> bool:
    """The same where slopes cost: M^-1 1, scaled to sum 1."""
    _, q, rows = working_set
    k, r = len(at), rows.shape[1] - 2
    M, x = np.empty((k, k)), np.ones(k)
    for i in range(k):
        own, curved = rows[at[i], 1 : r + 1], np.sign(w[at[i]]) * q[at[i]] / lam
        for j in range(i + 1):
            M[i, j] = dot(own, rows[at[j], 1 : r + 1], r) / slope
            M[i, j] += curved * np.sign(w[at[j]]) * q[at[j]]
        M[i, i] += 1.0
    solve_definite(M, x)
    total = x.sum()
    if not np.isfinite(total) or total <= 0:
        return False
    for i in range(k):
        w[at[i]] = x[i] / total
    return True


@subkernel
def reproduce_linear(w: Any, at: Any, working_set: Any) -> bool:
    """The nearest weights with sum 1 and sum w_i u_i = 0 on the same rows, but for rounding."""
    rows, p = working_set[2], working_set[2].shape[1] - 1
    H, x = np.empty((p, p)), np.empty(p)
    for _ in range(3):  # the first sets it right, the others what rounding left
        H[:, :] = 0.0
        x[:] = 0.0
        x[0] = 1.0
        for i in at:
            own = rows[i]
            for j in range(p):
                x[j] -= w[i] * own[j]
                for t in range(j + 1):
                    H[j, t] += own[j] * own[t]
        solve_definite(H, x)
        for i in at:
            w[i] += dot(rows[i], x, p)
    return bool(np.isfinite(w).all())
