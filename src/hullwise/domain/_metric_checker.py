"""The checker of metrics in gaps: is what is claimed the least over all ways to fill the rest?"""

from __future__ import annotations

import numpy as np

from .._core.types import Floats, Indices

SCHUR_AGREEMENT = 1e-7  # of the units of the whole metric: metrics this near are one
FILLED_RANGE = 1e-13  # of the largest: directions that a filling moves along


def metric_in_gaps(factor: Floats, places: Indices) -> Floats:
    """S (k, k) with v'Sv the least of |L (v, f)|^2 over f, by least squares; L is (r, D)."""
    missing = np.setdiff1d(np.arange(factor.shape[1]), places)
    own, filling = factor[:, places], factor[:, missing]
    size = np.sqrt(np.square(filling).sum(axis=0))
    filling = filling[:, size > 0] / size[size > 0]
    best = np.linalg.lstsq(filling, own, rcond=FILLED_RANGE)[0]
    rest = own - filling @ best
    return np.asarray(rest.T @ rest)


def metric_agrees(claimed: Floats, factor: Floats, places: Indices) -> bool:
    """Whether a claimed metric (k, k) is that of L among the coordinates that are there."""
    unit = np.sqrt(np.square(factor[:, places]).sum(axis=0))
    unit[unit == 0] = 1.0
    difference = (claimed - metric_in_gaps(factor, places)) / unit / unit[:, None]
    return bool(np.abs(difference).max(initial=0.0) <= SCHUR_AGREEMENT)
