"""What refusing the farthest rows saves: the risk-coverage curve and its area."""

from __future__ import annotations

import numpy as np

from .._core.types import Floats, Indices

RISK_RESAMPLES = 400


def area_under_risk_coverage(distance: Floats, error: Floats) -> float:
    """Mean over coverages of the mean error of the nearest rows (AURC); ties in expectation.

    Geifman, Uziel and El-Yaniv 2019. O(n log n).

    Examples
    --------
    >>> import numpy as np
    >>> area_under_risk_coverage(np.array([1.0, 2.0]), np.array([0.0, 1.0]))
    0.25
    """
    order = np.argsort(distance, kind="stable")
    _, first, size = np.unique(distance[order], return_index=True, return_counts=True)
    tied = np.repeat(np.add.reduceat(error[order], first) / size, size)
    return float((np.cumsum(tied) / np.arange(1, len(tied) + 1)).mean())


def share_saved(distance: Floats, error: Floats) -> float:
    """1 - AURC / mean error: what refusing far rows saves; 0 is expected in random order."""
    mean = float(np.mean(error))
    return 1 - area_under_risk_coverage(distance, error) / mean if mean > 0 else 0.0


def share_saved_limits(
    distance: Floats,
    error: Floats,
    group: Indices,
    *,
    level: float = 0.9,
    random_state: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap limits of `share_saved`, by whole groups; for display."""
    rng = np.random.default_rng(random_state)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(int(group.max(initial=0)) + 2))
    saved = []
    for _ in range(RISK_RESAMPLES):
        drawn = rng.integers(0, len(starts) - 1, len(starts) - 1)
        rows = _rows_of_groups(order, starts, drawn)
        saved.append(share_saved(distance[rows], error[rows]))
    low, high = np.quantile(saved, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _rows_of_groups(order: Indices, starts: Indices, groups: Indices) -> Indices:
    """The rows of these groups, one after another."""
    counts = starts[groups + 1] - starts[groups]
    offsets = np.repeat(starts[groups] - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
    return np.asarray(order[np.arange(int(counts.sum())) + offsets])


def area_under_roc(distance: Floats, is_wrong: Floats) -> float:
    """Probability that a wrong row is farther out than a right one; NaN where all are alike."""
    from scipy.stats import rankdata

    wrong = is_wrong > 0
    n_wrong, n_right = int(wrong.sum()), int((~wrong).sum())
    if not n_wrong or not n_right:
        return float("nan")
    ranks = rankdata(distance)
    return float((ranks[wrong].sum() - n_wrong * (n_wrong + 1) / 2) / (n_wrong * n_right))
