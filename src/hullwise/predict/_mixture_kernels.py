"""Distribution functions of weighted mixtures of samples: kernels on sorted rows of samples."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array

from .._core.numba import jit
from .._core.threads import StopFlag, cpu_count, run_in_threads
from .._core.types import Floats, Indices

Flag = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]

MIXTURE_TASK = 2e7  # comparisons in one task: about a tenth of a second
PROBABILITY_ROUNDING = 1e-12  # relative: a probability this little below p has reached p


@jit
def _cdf(
    start: int,
    stop: int,
    indptr: Indices,
    indices: Indices,
    w: Floats,
    S: Floats,
    T: Floats,
    left: bool,
    out: Floats,
    flag: Flag,
) -> None:
    """Mixture CDF of queries start to stop at ascending thresholds, merged row by row.

    Numerator and denominator are summed in the same order, so the function rises to exactly 1.
    """
    s, k = S.shape[1], T.shape[1]
    for b in range(start, stop):
        if flag[0]:
            return
        t = T[b if T.shape[0] > 1 else 0]
        total = 0.0
        for e in range(indptr[b], indptr[b + 1]):
            total += w[e] * s
            row, count = S[indices[e]], 0
            for j in range(k):
                while count < s and (row[count] < t[j] or (not left and row[count] == t[j])):
                    count += 1
                out[b, j] += w[e] * count
        for j in range(k):
            out[b, j] /= total


@jit
def _quantile(
    start: int,
    stop: int,
    indptr: Indices,
    indices: Indices,
    w: Floats,
    S: Floats,
    V: Floats,
    p: Floats,
    out: Floats,
    flag: Flag,
) -> None:
    """Least of all samples V (ascending) at which the mixture CDF is positive and reaches p."""
    s = S.shape[1]
    for b in range(start, stop):
        if flag[0]:
            return
        for j in range(len(p)):
            low, high = 0, len(V) - 1  # the largest sample of all always reaches p
            while low < high:
                middle = (low + high) // 2
                below, total = 0.0, 0.0
                for e in range(indptr[b], indptr[b + 1]):
                    below += w[e] * np.searchsorted(S[indices[e]], V[middle], side="right")
                    total += w[e] * s
                if below > 0 and below >= p[j] * total:
                    high = middle
                else:
                    low = middle + 1
            out[b, j] = V[low]


def cdf(W: csr_array, S: Floats, T: Floats, *, left: bool = False) -> Floats:
    """P(sample <= t), or P(sample < t) if `left`, under each row of weights.

    Parameters
    ----------
    W : (m, n)
        Weights of at least 0 with a positive sum in each row.
    S : (n, s)
        Samples, ascending in each row.
    T : (1, k) or (m, k)
        Thresholds, ascending in each row; one row serves all queries.

    Returns
    -------
    (m, k)

    Notes
    -----
    O(nnz (s + k)).
    """
    out = np.zeros((W.shape[0], T.shape[1]))

    def task(span: tuple[int, int], stop: StopFlag) -> None:
        _cdf(*span, W.indptr, W.indices, W.data, S, T, left, out, stop.flag)

    _run_in_parts(task, W, S.shape[1] + T.shape[1])
    return out


def quantiles(W: csr_array, S: Floats, p: Floats) -> Floats:
    """Least sample at which the CDF of each row of weights reaches p (k,): (m, k).

    A bisection over all samples: O(n s log(n s) + nnz k log(n s) log s).
    """
    V = np.unique(S)
    out = np.zeros((W.shape[0], len(p)))
    reached = p * (1 - PROBABILITY_ROUNDING)

    def task(span: tuple[int, int], stop: StopFlag) -> None:
        _quantile(*span, W.indptr, W.indices, W.data, S, V, reached, out, stop.flag)

    _run_in_parts(task, W, 4 * len(p) * np.log2(len(V) + 1) * np.log2(S.shape[1] + 1))
    return out


def ks(W: csr_array, S: Floats, T: Floats) -> Floats:
    """Kolmogorov-Smirnov distance of each mixture to the samples T (m, k), ascending: (m,).

    Between two neighbouring samples of T their own CDF is constant and the mixture's monotone, so
    the largest difference is at a sample or just before one: no other jump need be looked at.
    """
    m = len(T)
    own = csr_array((np.ones(m), np.arange(m), np.arange(m + 1)), shape=(m, m))
    apart = np.zeros(m)
    for left in (False, True):
        gap = np.abs(cdf(W, S, T, left=left) - cdf(own, T, T, left=left))
        np.maximum(apart, gap.max(axis=1), out=apart)
    return apart


def _run_in_parts(
    task: Callable[[tuple[int, int], StopFlag], None], W: csr_array, each: float
) -> None:
    """Run a task on spans of queries, each of about STEP comparisons."""
    m = W.shape[0]
    part = np.floor(W.indptr[:-1] * (each / MIXTURE_TASK)).astype(np.intp)
    starts = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), m]
    spans = list(pairwise(starts))
    run_in_threads(task, spans, cpu_count() if len(spans) > 1 else 1)
