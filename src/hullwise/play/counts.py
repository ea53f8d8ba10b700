"""Counts of regions that hold rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.types import Ints

__all__ = ["OccupiedRegions", "occupied_regions"]


@dataclass(frozen=True)
class OccupiedRegions:
    """How many regions hold a row, and how many of those rows of more than one class."""

    n_regions: int
    n_mixed: int | None


def occupied_regions(codes: Any, labels: Ints | None) -> OccupiedRegions:
    """Of rows with activation codes (m, n_units) and labels (m,): a sort of the codes.

    Examples
    --------
    >>> import numpy as np
    >>> occupied_regions(np.array([[1, 1], [1, 1], [0, 1]]), np.array([0, 1, 0]))
    OccupiedRegions(n_regions=2, n_mixed=1)
    """
    if not len(codes):
        return OccupiedRegions(0, None if labels is None else 0)
    codes = np.ascontiguousarray(codes if codes.shape[1] else np.zeros((len(codes), 1), np.uint8))
    keys = codes.view(np.dtype((np.void, codes.dtype.itemsize * codes.shape[1]))).ravel()
    _, region = np.unique(keys, return_inverse=True)
    n_regions = int(region.max()) + 1
    if labels is None:
        return OccupiedRegions(n_regions, None)
    pairs = np.unique(np.stack([region.ravel(), labels]), axis=1)
    return OccupiedRegions(n_regions, int((np.bincount(pairs[0]) > 1).sum()))
