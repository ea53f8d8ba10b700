"""How many affine maps are different."""

from __future__ import annotations

import numpy as np

from .._core.types import Floats

SAME = 1e-9  # of the largest number in the maps


def n_distinct(maps: Floats) -> int:
    """How many of the maps (k, ...) differ by more than rounding.

    Sorted along one random direction equal maps are neighbours; only runs of neighbours are
    compared number by number. Cost: O(k log k) for maps of equal size, more where many are close.
    """
    flat = maps.reshape(len(maps), -1)
    if not flat.size:
        return min(len(maps), 1)
    tol = SAME * float(np.abs(flat).max())
    key = flat @ np.random.default_rng(0).normal(size=flat.shape[1])
    order = np.argsort(key)
    wide = tol * np.sqrt(flat.shape[1]) * 4
    starts = np.flatnonzero(np.diff(key[order], prepend=-np.inf) > wide)
    found = 0
    for run in np.split(order, starts[1:]):
        while len(run):
            found += 1
            run = run[np.abs(flat[run] - flat[run[0]]).max(axis=1) > tol]
    return found
