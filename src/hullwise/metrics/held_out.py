"""Whether a metric learnt from rows says anything of rows that it was not learnt from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._core.types import Floats
from ..geometry.cloud import Cloud
from ..geometry.neighbours import nearest_rows

NEIGHBOURS = 10
HELD = 1000  # most rows held out
FEWEST = 50


def explained(
    learn: Callable[[Floats, Floats], Floats], Z: Floats, T: Floats, *, seed: int = 0
) -> tuple[float, float]:
    """Shares of the variance of held-out targets that averages of near rows explain.

    Parameters
    ----------
    learn : function of rows (n, d) and targets (n, t)
        Gives a metric (d, d) of full rank.
    Z : (n, d)
        Rows, standardised.
    T : (n, t)
        Targets; each counts by its own spread.

    Returns
    -------
    (float, float)
        R2 of the averages of the 10 nearest rows, for a seeded fifth of the rows (at most 1,000):
        nearest in the metric learnt from the others, and nearest plainly. NaN for fewer than 50
        rows.

    Notes
    -----
    The cost of `learn`, and two searches for nearest rows.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> Z = np.random.default_rng(0).normal(size=(400, 8))
    >>> task, plain = explained(hw.metrics.agop_of_rows, Z, Z[:, :1] * Z[:, 1:2])
    >>> task > 0.8 > plain
    True
    """
    n = len(Z)
    if n < FEWEST:
        return float("nan"), float("nan")
    order = np.random.default_rng(seed).permutation(n)
    held, rest = np.split(order, [min(n // 5, HELD)])
    cloud = Cloud(Z[rest], copy=False)
    spread = T[held].std(axis=0)
    known = spread > 0
    if not known.any():
        return float("nan"), float("nan")
    found = []
    for metric in (learn(Z[rest], T[rest]), None):
        near = nearest_rows(cloud, Z[held], cloud.metric(metric), NEIGHBOURS).rows
        error = (T[held] - T[rest][near].mean(axis=1))[:, known] / spread[known]
        found.append(1.0 - float(np.square(error).mean()))
    return found[0], found[1]
