"""How well a ranking retrieves: average precision and precision, and intervals over splits."""

from __future__ import annotations

import numpy as np
from scipy import special

from .._types import Array, Floats

INTERVAL_PROBABILITY = 0.95


def retrieval_scores(distances: Floats, gallery: Array, queries: Array, k: int) -> Floats:
    """Mean average precision over the whole gallery, and mean precision of the first k.

    Parameters
    ----------
    distances : (m, n)
        From each query to each row of the gallery; equal ones stand in the gallery's order.
    gallery, queries : (n,), (m,)
        Labels; a row is relevant where they are equal. Every query has a relevant row.
    k : int

    Returns
    -------
    (2,) float64
    """
    order = np.argsort(distances, axis=1, kind="stable")
    relevant = gallery[order] == queries[:, None]
    precision = np.cumsum(relevant, axis=1) / np.arange(1, len(gallery) + 1)
    average = (precision * relevant).sum(axis=1) / relevant.sum(axis=1)
    return np.array([average.mean(), precision[:, k - 1].mean()])


def resampled_interval(values: Floats, query_share: float) -> tuple[float, float]:
    """Mean of scores on random splits of one table, and half of its 95 % t-interval.

    Splits of one table share rows, so that the plain t-interval is too narrow. The variance is
    that of Nadeau and Bengio (*Inference for the generalization error*, 2003), corrected
    resampled t: (1/J + queries/training rows) times that of the J scores.

    Parameters
    ----------
    values : (J,)
    query_share : float
        Queries over training rows.
    """
    J = len(values)
    mean = float(np.mean(values))
    if J < 2:
        return mean, float("nan")
    variance = (1 / J + query_share) * float(np.var(values, ddof=1))
    t = float(special.stdtrit(J - 1, (1 + INTERVAL_PROBABILITY) / 2))
    return mean, t * float(np.sqrt(variance))
