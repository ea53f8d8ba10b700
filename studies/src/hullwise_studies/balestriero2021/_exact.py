"""Probability that a new Gaussian sample lies in the hull of N others, without sampling.

Kabluchko and Zaporozhets (2020), Theorem 1.1 at sigma = 1: with

    g_n(r) = P(all n coordinates of a Gaussian vector of covariance I + r 11' are negative)
    b_k    = binomial(N, k) g_k(-1/(1+k)) g_{N-k}(1/(1+k))

the sample lies outside with probability 2 (b_{d-1} + b_{d-3} + ...) and inside with
2 (b_{d+1} + b_{d+3} + ...). g_k is the solid angle of the regular k-simplex at a vertex and
g_{N-k} its external angle in the regular N-simplex, so this is also the expected share of N + 1
samples that are vertices of their hull (Affentranger and Schneider 1992).

Each g is one integral. The second has a positive, log-concave integrand. The first one,

    sqrt((1+k)/(2 pi)) * integral of exp(-v^2/2) (w(v/sqrt 2)/2)^k,   w the Faddeeva function,

is taken along the line parallel to the real axis through the integrand's saddle point, where
nothing cancels: digits are lost neither for large k nor for angles of 1e-300. Both are summed by
the trapezoidal rule, which converges faster than any power of the step, and kept as logarithms.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from hullwise.errors import DataError

REACH = 9.5  # the integrands fall at least as fast as exp(-x^2/2): beyond it less than 1e-19
LARGEST = 10**15  # samples


def share_inside(N: int, d: int) -> float:
    """Probability that a sample of N(0, I_d) lies in the convex hull of N others.

    Parameters
    ----------
    N : int
        Samples that span the hull, at least 1.
    d : int
        Dimensions, at least 1.

    Returns
    -------
    float
        With a relative error of about 1e-11, also where it is 1e-200.

    Raises
    ------
    DataError
        For numbers below 1 or N above 1e15.

    Notes
    -----
    O(d) integrals. Z. Kabluchko, D. Zaporozhets, "Absorption probabilities for Gaussian polytopes
    and regular spherical simplices", Advances in Applied Probability 52, 2020, Theorem 1.1 with
    sigma = 1. The rows may have any invertible covariance: membership is affinely invariant.

    Examples
    --------
    >>> from hullwise_studies import balestriero2021
    >>> round(balestriero2021.share_inside(10_000, 10), 4)
    0.6468
    >>> round(balestriero2021.share_inside(9, 1), 9)  # one dimension: all but 2/(N+1)
    0.8
    """
    N, d = _count("N", N), _count("d", d)
    if d + 1 > N:
        return 0.0
    outside = 2.0 * math.fsum(math.exp(_log_term(N, k)) for k in range(d - 1, -1, -2))
    if outside < 0.5:
        return 1.0 - outside
    inside: list[float] = []
    for k in range(d + 1, N + 1, 2):
        inside.append(math.exp(_log_term(N, k)))
        # the terms are log-concave in k: once they fall, they fall ever faster
        if len(inside) > 1 and inside[-1] <= min(inside[-2], 1e-17 * max(inside)):
            break
    return 2.0 * math.fsum(inside)


def share_outside(N: int, d: int) -> float:
    """Probability that a sample of N(0, I_d) lies outside the convex hull of N others.

    As `share_inside`, with a relative error of about 1e-11 where this one is the small number.

    Parameters
    ----------
    N, d : int
        Samples and dimensions, at least 1.

    Returns
    -------
    float

    Raises
    ------
    DataError
        For numbers below 1 or N above 1e15.

    Notes
    -----
    O(d) integrals; Kabluchko and Zaporozhets (2020), Theorem 1.1.

    Examples
    --------
    >>> from hullwise_studies import balestriero2021
    >>> round(balestriero2021.share_outside(4, 1), 9)
    0.4
    """
    N, d = _count("N", N), _count("d", d)
    if d + 1 > N:
        return 1.0
    outside = 2.0 * math.fsum(math.exp(_log_term(N, k)) for k in range(d - 1, -1, -2))
    return outside if outside < 0.5 else 1.0 - share_inside(N, d)


def half(d: int, share: float = 0.5) -> int:
    """Samples whose hull holds a new Gaussian sample with at least this probability.

    Parameters
    ----------
    d : int
        Dimensions, at least 1.
    share : float
        The probability, between 0 and 1.

    Returns
    -------
    int
        The smallest N with ``share_inside(N, d) >= share``.

    Raises
    ------
    DataError
        For d below 1, a share outside (0, 1), or where more than 1e15 samples are needed.

    Notes
    -----
    Bisection: about 2 log2(N) evaluations of `share_inside`.

    Examples
    --------
    >>> from hullwise_studies import balestriero2021
    >>> [balestriero2021.half(d) for d in (1, 2, 3, 4, 5)]
    [3, 11, 27, 63, 135]
    """
    d = _count("d", d)
    if not 0 < share < 1:
        raise DataError(f"share is {share}: expected a probability between 0 and 1.")
    share *= 1 - 1e-12  # rounding must not add a sample where the probability is met exactly
    low, high = d, d + 1
    while share_inside(high, d) < share:
        low, high = high, 2 * high
        if high > LARGEST:
            raise DataError(f"share {share} at d = {d} needs more than 1e15 samples.")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if share_inside(middle, d) < share else (low, middle)
    return high


def threshold(d: int) -> float:
    """2^(d/2)/d, the number of samples named in Theorem 1 of Balestriero et al. (2021).

    Parameters
    ----------
    d : int
        Dimensions.

    Returns
    -------
    float

    Notes
    -----
    The theorem is about the limit d to infinity, for samples uniform in a ball (Barany and Furedi
    1988).

    Examples
    --------
    >>> from hullwise_studies import balestriero2021
    >>> balestriero2021.threshold(8)
    2.0
    """
    return float(2.0 ** (_count("d", d) / 2) / d)


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer) or value < 1:
        raise DataError(f"{name} is {value!r}: expected a whole number of at least 1.")
    if value > LARGEST:
        raise DataError(f"{name} is {value!r}: expected at most 1e15.")
    return int(value)


def _log_term(N: int, k: int) -> float:
    """log b_k."""
    choose = math.lgamma(N + 1) - math.lgamma(k + 1) - math.lgamma(N - k + 1)
    if k <= 1000:  # lgamma of a large N loses digits in the difference
        choose = math.fsum(math.log1p((N - k) / j) for j in range(1, k + 1))
    return choose + log_internal(k) + _log_external(N - k, k)


@lru_cache(maxsize=4096)
def log_internal(k: int) -> float:
    """log g_k(-1/(1+k)): solid angle of the regular k-simplex at a vertex, as a share of 1."""
    from scipy.optimize import brentq
    from scipy.special import erfcx, wofz

    if k == 0:
        return 0.0
    # On the imaginary axis v = ic: f(c) = c^2/2 + k log(erfcx(c/sqrt 2)/2), least at the saddle.
    root = math.sqrt(2.0)

    def slope(c: float) -> float:
        # d/dx log erfcx(x) = 2x - 2/(sqrt(pi) erfcx(x)), x = c/sqrt 2
        x = c / root
        return c + k * (2 * x - 2 / (math.sqrt(math.pi) * float(erfcx(x)))) / root

    c = float(brentq(slope, 0.0, 2 * math.sqrt(k) + 2, xtol=1e-12))
    u = np.arange(-REACH, REACH, 1 / 16)
    v = u + 1j * c
    logs = -(v**2) / 2 + k * np.log(wofz(v / root) / 2)
    top = float(logs.real.max())
    total = float(np.sum(np.exp(logs - top)).real) / 16
    return top + math.log(total) + 0.5 * math.log((1 + k) / (2 * math.pi))


def _log_external(n: int, k: int) -> float:
    """log g_n(1/(1+k)) = log E Phi(x/sqrt(1+k))^n, x standard normal."""
    from scipy.optimize import brentq
    from scipy.special import log_ndtr, ndtr

    if n == 0:
        return 0.0
    s = 1 / math.sqrt(1 + k)

    def log_phi(y: Any) -> Any:  # near 0 its digits count n times
        return np.where(y > 0, np.log1p(-ndtr(-np.abs(y))), log_ndtr(y))

    def ratio(y: float) -> float:  # phi/Phi
        return math.exp(-y * y / 2 - 0.5 * math.log(2 * math.pi) - float(log_phi(y)))

    peak = float(brentq(lambda x: -x + n * s * ratio(s * x), 0.0, n * s + 1, xtol=1e-10))
    r = ratio(s * peak)
    width = 1 / math.sqrt(1 + n * s * s * r * (s * peak + r))
    step = width / 8
    x = np.arange(peak - REACH, peak + REACH, step)
    logs = -(x**2) / 2 + n * log_phi(s * x)
    top = float(logs.max())
    return top + math.log(float(np.sum(np.exp(logs - top))) * step) - 0.5 * math.log(2 * math.pi)
