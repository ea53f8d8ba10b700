"""Kernel ridge regression on more rows than a kernel matrix can be held for.

Conjugate gradients on (K + ridge I) a = T. The kernel is computed anew, in blocks and in single
precision, for every product, and the system is preconditioned by a randomised Nystrom
approximation of K (Frangella, Tropp & Udell, SIAM J. Matrix Anal. Appl. 2023, algorithm 5.3; the
landmarks are sampled rows). The residual is accumulated in double precision; distances below some
1e-3 of the size of the rows are lost in the single one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from threading import local
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from .._core.memory import check_memory
from .._core.threads import StopFlag, cpu_count, run_in_threads, single_threaded_blas
from .._core.types import Floats

KERNEL_STRIP_ROWS, KERNEL_BLOCK_ROWS = 4096, 512  # rows of a kernel block (8 MiB)
NYSTROM_LANDMARKS = 1000
RIDGE_RESIDUAL_TOLERANCE = 1e-4  # relative: beyond it the digits that count change no more
RIDGE_PRODUCTS = 200  # products

log = logging.getLogger("hullwise")
Singles = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Kernel:
    """A kernel of Euclidean distance: exp(-D / width) or exp(-D^2 / (2 width^2)).

    Where one, it is kept as kernel - 1: what rows far narrower than the kernel differ in would be
    lost in single precision beside the 1.
    """

    name: str
    width: float

    def shifted(self, S: Any) -> Any:
        """Squared distances to kernel values less 1, in place."""
        np.maximum(S, 0, out=S)
        if self.name == "laplace":
            np.sqrt(S, out=S)
            S *= S.dtype.type(-1 / self.width)
        else:
            S *= S.dtype.type(-0.5 / self.width**2)
        return np.expm1(S, out=S)


@dataclass(frozen=True, eq=False)
class RidgeSolution:
    """Coefficients (n, k), the relative residual of the worst target, and products needed."""

    coefficients: Floats
    residual: float
    products: int


def solve_kernel_ridge(
    Z: Floats, kernel: Kernel, ridge: float, T: Floats, random_state: int
) -> RidgeSolution:
    """Coefficients of kernel ridge regression at rows Z (n, r), whose distance is Euclidean.

    O(n^2 (r + k)) for each product, of which 20 to 100 are needed; memory 5 n landmarks bytes.
    """
    n = len(Z)
    rank = min(NYSTROM_LANDMARKS, max(1, n // 10))
    strips = -(-n // KERNEL_STRIP_ROWS)
    check_memory(8 * n * rank + 8 * strips * n * T.shape[1], f"the solver for {n:,} rows")
    A = np.ascontiguousarray(Z, dtype=np.float32)
    with single_threaded_blas():
        precondition = _preconditioner(Z, A, kernel, ridge, rank, random_state)

        def kernel_plus_ridge(V: Floats) -> Floats:
            return kernel_product(A, kernel, V) + ridge * V

        return _conjugate_gradients(kernel_plus_ridge, precondition, T)


def kernel_product(A: Singles, kernel: Kernel, V: Floats) -> Floats:
    """K V for the rows A (n, r) and V (n, k), each block of the symmetric K computed once."""
    n, k = V.shape
    half = np.einsum("ij,ij->i", A, A)
    W = V.astype(np.float32)
    starts = list(range(0, n, KERNEL_STRIP_ROWS))
    parts = [np.zeros((n - start, k)) for start in starts]  # one a strip: sums in a fixed order
    scratch = local()

    def add_strip(number: int, stop: StopFlag) -> None:
        start = starts[number]
        end = min(start + KERNEL_STRIP_ROWS, n)
        if not hasattr(scratch, "block"):
            scratch.block = np.empty((KERNEL_STRIP_ROWS, KERNEL_BLOCK_ROWS), dtype=np.float32)
        part = parts[number]
        for low in range(start, n, KERNEL_BLOCK_ROWS):
            if stop.is_set():
                return
            high = min(low + KERNEL_BLOCK_ROWS, n)
            S = np.matmul(
                A[start:end], A[low:high].T, out=scratch.block[: end - start, : high - low]
            )
            S *= -2
            S += half[start:end, None]
            S += half[low:high]
            if low < end:  # a row is at distance 0 of itself whatever the rounding
                both = np.arange(low, min(high, end))
                S[both - start, both - low] = 0
            S = kernel.shifted(S)
            part[: end - start] += S @ W[low:high]
            if high > end:
                first = max(low, end)
                part[first - start : high - start] += S[:, first - low :].T @ W[start:end]

    run_in_threads(add_strip, range(len(starts)), cpu_count())
    out = np.zeros((n, k))
    for start, part in zip(starts, parts):
        out[start:] += part
    return np.asarray(out + V.sum(axis=0))


def _preconditioner(
    Z: Floats, A: Singles, kernel: Kernel, ridge: float, rank: int, random_state: int
) -> Callable[[Floats], Floats]:
    """An approximate inverse of K + ridge I, exact on the span of the kernel at some rows."""
    landmarks = np.sort(np.random.default_rng(random_state).choice(len(Z), rank, replace=False))
    core = 1 + kernel.shifted(_squared_distances(Z[landmarks], Z[landmarks]))
    core[np.diag_indices(rank)] = 1 + 1e-8 * rank
    lower = np.linalg.cholesky(core)
    factor = np.empty((len(Z), rank), dtype=np.float32)
    for low in range(0, len(Z), KERNEL_STRIP_ROWS):
        values = 1 + kernel.shifted(
            _squared_distances(Z[low : low + KERNEL_STRIP_ROWS], Z[landmarks])
        )
        factor[low : low + KERNEL_STRIP_ROWS] = solve_triangular(lower, values.T, lower=True).T
    gram = np.zeros((rank, rank))
    for low in range(0, len(Z), KERNEL_STRIP_ROWS):
        strip = factor[low : low + KERNEL_STRIP_ROWS]
        gram += strip.T.astype(np.float64) @ strip
    values, vectors = np.linalg.eigh(gram)
    values = np.maximum(values, 1e-10 * values[-1])
    least = float(values[0]) + ridge
    # factor @ vectors / sqrt(values) has orthonormal columns U: (K + ridge I)^-1 is about
    # I / least + U diag(1 / (values + ridge) - 1 / least) U'
    middle = (vectors * ((1 / (values + ridge) - 1 / least) / values)) @ vectors.T

    def precondition(R: Floats) -> Floats:
        inner = middle @ (factor.T @ R.astype(np.float32)).astype(np.float64)
        return np.asarray(R / least + (factor @ inner.astype(np.float32)).astype(np.float64))

    return precondition


def _squared_distances(A: Floats, B: Floats) -> Floats:
    return np.asarray((A * A).sum(axis=1)[:, None] + (B * B).sum(axis=1) - 2 * (A @ B.T))


def _conjugate_gradients(
    kernel_plus_ridge: Callable[[Floats], Floats],
    precondition: Callable[[Floats], Floats],
    T: Floats,
) -> RidgeSolution:
    """Every column of T at once, each with its own steps, until the worst residual is small."""
    size = np.maximum(np.linalg.norm(T, axis=0), np.finfo(float).tiny)
    X, R = np.zeros_like(T), T.copy()
    best, least = X, np.inf
    Y = precondition(R)
    P, inner = Y.copy(), (R * Y).sum(axis=0)
    for count in range(1, RIDGE_PRODUCTS + 1):
        Q = kernel_plus_ridge(P)
        along = (P * Q).sum(axis=0)
        step = np.divide(inner, along, out=np.zeros_like(inner), where=along > 0)
        X, R = X + step * P, R - step * Q
        residual = float((np.linalg.norm(R, axis=0) / size).max())
        log.info("kernel solver: product %d, relative residual %.1e", count, residual)
        if residual < least:
            best, least = X, residual
        if residual <= RIDGE_RESIDUAL_TOLERANCE or residual > 1e3 * least or not step.any():
            break
        Y = precondition(R)
        previous, inner = inner, (R * Y).sum(axis=0)
        P = Y + np.divide(inner, previous, out=np.zeros_like(inner), where=previous > 0) * P
    return RidgeSolution(best, least, count)
