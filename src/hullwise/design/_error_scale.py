"""How large left-out errors are near a point, for what the runs' distances explain."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from .._core.types import Floats
from .minimax_risk import learnt_regressor

CAPPED_QUANTILE = 0.95  # of scales: larger ones are taken as this
SHRUNK_SHARE = 0.5  # of the mean, in what is learnt from a few runs
SCALE_BLOCK_ROWS = 1 << 12


def error_scale(runs: Floats, targets: Floats, candidates: Floats) -> Floats | None:
    """(C,) root of the local squared error of left-out runs per unit of their minimax risk.

    Relative to its mean and half shrunk to 1: with it, squared distance to the nearest run is, up
    to a constant, the bound gamma r^2 / 2 of the error with a gamma estimated near the candidate.
    Several targets count alike. None where there are too few runs to learn from.

    Parameters
    ----------
    runs : (n, D) float64
        Coordinates of runs with targets.
    targets : (n, t) float64
    candidates : (C, D) float64

    Notes
    -----
    At most 250 runs are left out in turn, O(n D) each for every ratio that is tried; O(250 C D).
    """
    regressor = learnt_regressor(runs, targets, candidates)
    if regressor is None:
        return None
    rows, risks = regressor.left_out_rows_, regressor.left_out_risks_
    squares = np.square(regressor.left_out_errors_).reshape(len(rows), -1).mean(axis=1)
    usable = np.isfinite(risks) & (risks > 0)
    if not usable.any():
        return None
    scale = squares[usable] / risks[usable]
    scale = np.minimum(scale, np.quantile(scale, CAPPED_QUANTILE))
    if not scale.mean() > 0:
        return None
    places = regressor.cloud_.take(rows[usable]).astype(np.float64)
    relative = _local_means(places, scale, candidates) / scale.mean()
    return np.asarray(np.sqrt((1 - SHRUNK_SHARE) * relative + SHRUNK_SHARE))


def _local_means(places: Floats, scale: Floats, candidates: Floats) -> Floats:
    """(C,) means of the scales of the 2 (D + 1) nearest places, the nearer ones counting more."""
    k = min(len(places), 2 * (places.shape[1] + 1))
    squares, near = np.empty((len(candidates), k)), np.empty((len(candidates), k), dtype=np.intp)
    for start in range(0, len(candidates), SCALE_BLOCK_ROWS):
        block = slice(start, start + SCALE_BLOCK_ROWS)
        every = cdist(candidates[block], places, "sqeuclidean")
        near[block] = np.argpartition(every, k - 1, axis=1)[:, :k]
        squares[block] = np.take_along_axis(every, near[block], axis=1)
    softening = float(np.median(squares.min(axis=1))) or 1.0
    weights = 1 / (squares + softening)
    return np.asarray((weights * scale[near]).sum(axis=1) / weights.sum(axis=1))
