"""An updated QR factorisation of a few columns, for kernels: add a column, take one out, solve.

The columns are a_0 .. a_{k-1} of length n, with A = Q R; `Qt` holds Q transposed, one row for
each column of A.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.numba import subkernel


@subkernel
def dot(a: Any, b: Any, n: int) -> float:
    """Eight running sums: the compiler may then use vector instructions without reordering."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    m = n - n % 8
    for i in range(0, m, 8):
        s0 += a[i] * b[i]
        s1 += a[i + 1] * b[i + 1]
        s2 += a[i + 2] * b[i + 2]
        s3 += a[i + 3] * b[i + 3]
        s4 += a[i + 4] * b[i + 4]
        s5 += a[i + 5] * b[i + 5]
        s6 += a[i + 6] * b[i + 6]
        s7 += a[i + 7] * b[i + 7]
    s = ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))
    for i in range(m, n):
        s += a[i] * b[i]
    return s


@subkernel
def append_column(Qt: Any, R: Any, k: int, a: Any) -> bool:
    """Add the column a as column k of the factorisation; False if it depends on the others."""
    n = a.shape[0]
    q = Qt[k]
    for i in range(n):
        q[i] = a[i]
    for j in range(k):
        R[j, k] = 0.0
    norm = np.sqrt(dot(a, a, n))
    for _ in range(2):  # twice is enough: orthogonal to rounding whatever the column
        for j in range(k):
            h = dot(Qt[j], q, n)
            R[j, k] += h
            qj = Qt[j]
            for i in range(n):
                q[i] -= h * qj[i]
    residual_norm = np.sqrt(dot(q, q, n))
    if residual_norm <= 1e-14 * norm:
        return False
    R[k, k] = residual_norm
    for i in range(n):
        q[i] /= residual_norm
    return True


@subkernel
def remove_column(Qt: Any, R: Any, k: int, c: int) -> None:
    """Take column c out of a factorisation of k columns, by Givens rotations."""
    n = Qt.shape[1]
    for j in range(c, k - 1):
        for i in range(j + 2):
            R[i, j] = R[i, j + 1]
    for j in range(c, k - 1):
        x, y = R[j, j], R[j + 1, j]
        r = np.hypot(x, y)
        if r == 0.0:
            continue
        co, si = x / r, y / r
        R[j, j] = r
        R[j + 1, j] = 0.0
        for c2 in range(j + 1, k - 1):
            t0, t1 = R[j, c2], R[j + 1, c2]
            R[j, c2] = co * t0 + si * t1
            R[j + 1, c2] = co * t1 - si * t0
        q0, q1 = Qt[j], Qt[j + 1]
        for i in range(n):
            t0, t1 = q0[i], q1[i]
            q0[i] = co * t0 + si * t1
            q1[i] = co * t1 - si * t0


@subkernel
def solve_upper(R: Any, k: int, rhs: Any, out: Any) -> None:
    """Solve R out = rhs, the first k rows and columns."""
    for i in range(k - 1, -1, -1):
        t = rhs[i]
        for j in range(i + 1, k):
            t -= R[i, j] * out[j]
        out[i] = t / R[i, i]


@subkernel
def solve_lower(R: Any, k: int, rhs: Any, out: Any) -> None:
    """Solve R' out = rhs, the first k rows and columns."""
    for i in range(k):
        t = rhs[i]
        for j in range(i):
            t -= R[j, i] * out[j]
        out[i] = t / R[i, i]
