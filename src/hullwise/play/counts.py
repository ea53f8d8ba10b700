"""Counts of regions that hold rows."""

from __future__ import annotations

import numpy as np

from .._core.types import Array, Ints
from ..model.network import Network

__all__ = ["OccupiedRegions", "occupied_regions"]

from dataclasses import dataclass


@dataclass(frozen=True)
class OccupiedRegions:
    """How many regions hold a row, and how many of those rows of more than one class."""

    n_regions: int
    n_mixed: int | None


def occupied_regions(net: Network, X: Array, labels: Ints | None) -> OccupiedRegions:
    """Of rows X (m, d): their distinct codes. Cost: a forward pass and a sort of the codes.

    Examples
    --------
    >>> import hullwise as hw, numpy as np
    >>> net = hw.model.from_arrays([[[1, 0], [0, 1]], [[1, -1]]])
    >>> occupied_regions(net, np.array([[1.0, 2], [2, 1], [-1, 1]]), np.array([0, 1, 0]))
    OccupiedRegions(n_regions=2, n_mixed=1)
    """
    if not len(X):
        return OccupiedRegions(0, None if labels is None else 0)
    codes = np.ascontiguousarray(net.codes(X))
    if not codes.shape[1]:
        codes = np.zeros((len(X), 1), dtype=np.uint8)
    keys = codes.view(np.dtype((np.void, codes.dtype.itemsize * codes.shape[1]))).ravel()
    _, region = np.unique(keys, return_inverse=True)
    n_regions = int(region.max()) + 1
    if labels is None:
        return OccupiedRegions(n_regions, None)
    pairs = np.unique(np.stack([region.ravel(), labels]), axis=1)
    return OccupiedRegions(n_regions, int((np.bincount(pairs[0]) > 1).sum()))
