"""Looks at all rows: the score of each, and the smallest of them. Kernels."""

from __future__ import annotations

from typing import Any

from .._core.numba import jit


@jit
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


@jit
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
