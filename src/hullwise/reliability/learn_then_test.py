"""The largest threshold up to which a mean loss is proved to stay below a limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .._core.types import Floats, Indices, Mask

STARTS = 5  # thresholds at which testing may begin, each with its share of the error probability
THRESHOLDS = 20
BET_SIZES = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0])
LARGEST_BET = 0.95

PValue = Callable[[Floats, float], float]


@dataclass(frozen=True, eq=False)
class TestedThresholds:
    """Thresholds with the p-value of "the mean loss up to here exceeds the limit".

    Attributes
    ----------
    thresholds, p_values : (K,) float64
    largest : float
        The largest that is proved; -inf where none is.
    """

    __test__ = False  # no test class, whatever its name begins with
    thresholds: Floats
    p_values: Floats
    largest: float


def binomial_p_value(loss: Floats, limit: float) -> float:
    """For losses that are 0 or 1: exact.

    Examples
    --------
    >>> import numpy as np
    >>> round(binomial_p_value(np.zeros(65), 0.06), 4)
    0.0179
    """
    from scipy.stats import binom

    return float(binom.cdf(loss.sum(), len(loss), limit))


def betting_p_value(loss: Floats, limit: float) -> float:
    """For losses in [0, 1]: one over the largest capital of a bet against "mean > limit".

    The capital prod(1 + l_i (limit - x_i)) with 0 <= l_i < 1 / (1 - limit) is a supermartingale
    where the mean is at least the limit (Waudby-Smith and Ramdas 2024, section 4). Here the mean of
    seven fixed bets and one learnt from the past; the order of the rows must not depend on the
    losses.
    """
    from scipy.special import logsumexp

    top = LARGEST_BET / max(1 - limit, 1e-9)
    fixed = np.cumsum(np.log1p(top * BET_SIZES[:, None] * (limit - loss)), axis=1)
    past = np.arange(1, len(loss) + 1)
    mean = (0.5 * limit + np.concatenate([[0.0], np.cumsum(loss)[:-1]])) / past
    squares = np.concatenate([[0.0], np.cumsum((loss - mean) ** 2)[:-1]])
    variance = (0.25 * limit + squares) / past
    learnt = np.clip((limit - mean) / (variance + (limit - mean) ** 2), 0.0, top)
    log_capital = np.vstack([fixed, np.cumsum(np.log1p(learnt * (limit - loss)))])
    mixed = logsumexp(log_capital, axis=0) - np.log(len(log_capital))
    return float(min(1.0, np.exp(-mixed.max())))


def t_p_value(loss: Floats, limit: float) -> float:
    """Student's t, for losses without a bound: approximate, nothing is guaranteed."""
    from scipy.stats import t

    n = len(loss)
    spread = float(loss.std(ddof=1)) if n > 1 else np.inf
    if spread == 0:
        return float(loss.mean() > limit)
    return float(t.cdf((float(loss.mean()) - limit) / (spread / np.sqrt(n)), max(n - 1, 1)))


def largest_threshold(
    distance: Floats,
    loss: Floats,
    limit: float,
    *,
    p_value: PValue,
    error_probability: float,
    thresholds: Floats | None = None,
    group: Indices | None = None,
    random_state: int = 0,
) -> TestedThresholds:
    """Largest t with E[loss | distance <= t] <= limit; wrong with at most `error_probability`.

    Parameters
    ----------
    distance, loss : (n,) float64
        Of rows that neither model nor notion of distance has learnt from.
    thresholds : (K,) float64, optional
        Fixed without these rows; else quantiles of `distance`, and then the row that sits at t is
        left out of its test, so that the others are independent draws of loss | distance < t.
    group : (n,) int, optional
        The mean is then over a random row of a random group: each group counts once, by the mean of
        (loss - limit) 1{distance <= t} over its rows.

    Notes
    -----
    Learn then test (Angelopoulos, Bates, Candes, Jordan and Lei 2025). Thresholds are tested from
    near to far from five starts that share the error probability; a proof hands its part on, a
    failure loses it (the fallback procedure, Wiens 2003). The risk need not grow with t. O(K n).
    """
    order = np.random.default_rng(random_state).permutation(len(distance))
    d, x = distance[order], loss[order]
    codes = None if group is None else group[order]
    own = thresholds is None
    t = own_thresholds(d) if thresholds is None else np.unique(thresholds)
    p = np.ones(len(t))
    for k, limit_distance in enumerate(t):
        accepted = d <= limit_distance
        if codes is not None:
            rows = np.bincount(codes)
            sums = np.bincount(codes, np.where(accepted, x - limit, 0.0))
            p[k] = p_value(sums[rows > 0] / rows[rows > 0] + limit, limit)
            continue
        if own:
            accepted[np.flatnonzero(d == limit_distance)[0]] = False
        p[k] = p_value(x[accepted], limit) if accepted.any() else 1.0
    proved = fallback_procedure(p, error_probability)
    largest = float(t[proved].max()) if proved.any() else -np.inf
    return TestedThresholds(t, p, largest)


def own_thresholds(distance: Floats, fewest: int = 30) -> Floats:
    """Quantiles of the distances themselves, from 30 rows on."""
    n = len(distance)
    if not n:
        return np.zeros(0)
    ranks = np.unique(np.round(np.linspace(min(fewest, n), n, THRESHOLDS)).astype(int))
    return np.unique(np.sort(distance)[ranks - 1])


def fallback_procedure(p_values: Floats, error_probability: float) -> Mask:
    """Which hypotheses are rejected, tested in order from evenly spaced starts.

    Examples
    --------
    >>> import numpy as np
    >>> fallback_procedure(np.array([0.5, 0.01, 0.03, 0.5, 0.5]), 0.1)
    array([False,  True,  True, False, False])
    """
    n = len(p_values)
    starts = set(np.round(np.linspace(0, n - 1, min(STARTS, n))).astype(int).tolist())
    rejected = np.zeros(n, dtype=bool)
    available = 0.0
    for k, p in enumerate(p_values.tolist()):
        available += error_probability / len(starts) if k in starts else 0.0
        rejected[k] = p <= available
        available = available if rejected[k] else 0.0
    return rejected


def box_plot_threshold(left_out_distance: Floats) -> float:
    """CAST's area of applicability: the largest left-out distance that is no box-plot outlier.

    Q3 + 1.5 IQR (Meyer and Pebesma 2021); it looks at no error and guarantees nothing.
    """
    lower, upper = np.quantile(left_out_distance, [0.25, 0.75])
    limit = upper + 1.5 * (upper - lower)
    return float(left_out_distance[left_out_distance <= limit].max())
