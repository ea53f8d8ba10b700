"""Whether a metric learnt from rows says anything of rows that it was not learnt from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._core.types import Floats
from ..geometry.cloud import Cloud
from ..geometry.neighbours import nearest_rows

AVERAGED_NEIGHBOURS = 10
MAX_LEFT_OUT_ROWS = 1000
MIN_SPLIT_ROWS = 50


def variance_explained(
    learn: Callable[[Floats, Floats], Floats], Z: Floats, T: Floats, *, random_state: int = 0
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
    random_state : int
        Of the fifth that is left out.

    Returns
    -------
    (float, float)
        R2 of the averages of the 10 nearest rows, for a random fifth of the rows (at most 1,000):
        nearest in the metric learnt from the others, and nearest in Euclidean distance. NaN for
        fewer than 50 rows.

    Notes
    -----
    The cost of `learn`, and two searches for nearest rows.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> Z = np.random.default_rng(0).normal(size=(400, 8))
    >>> learned, euclidean = variance_explained(hw.metrics.agop_of_rows, Z, Z[:, :1] * Z[:, 1:2])
    >>> learned > 0.8 > euclidean
    True
    """
    n = len(Z)
    if n < MIN_SPLIT_ROWS:
        return float("nan"), float("nan")
    order = np.random.default_rng(random_state).permutation(n)
    left_out, rest = np.split(order, [min(n // 5, MAX_LEFT_OUT_ROWS)])
    cloud = Cloud(Z[rest], copy=False)
    spread = T[left_out].std(axis=0)
    varies = spread > 0
    if not varies.any():
        return float("nan"), float("nan")
    shares = []
    for metric in (learn(Z[rest], T[rest]), None):
        near = nearest_rows(cloud, Z[left_out], cloud.metric(metric), AVERAGED_NEIGHBOURS).rows
        error = (T[left_out] - T[rest][near].mean(axis=1))[:, varies] / spread[varies]
        shares.append(1.0 - float(np.square(error).mean()))
    return shares[0], shares[1]
