"""Distances of candidates to their nearest sites, kept up to date as sites are added."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from .._core.types import Floats, Indices, Progress

BLOCK_DISTANCES = 1 << 22


class NearestSites:
    """The squared distance of each candidate to its nearest site, and which site that is.

    Attributes
    ----------
    squares : (C,) float64
        Infinite where there is no site.
    nearest : (C,) int
        -1 where there is no site.
    """

    def __init__(self, candidates: Floats, sites: Floats, progress: Progress | None = None) -> None:
        self.candidates = candidates
        self.n_sites = 0
        self.squares: Floats = np.full(len(candidates), np.inf)
        self.nearest: Indices = np.full(len(candidates), -1)
        block = max(1, BLOCK_DISTANCES // max(len(candidates), 1))
        for start in range(0, len(sites), block):
            self.add(sites[start : start + block])
            if progress is not None:
                progress(min(start + block, len(sites)), len(sites), "distances to runs")

    def largest_radius(self) -> float:
        """Of the empty spheres around candidates; infinite where there is no site."""
        return float(np.sqrt(self.squares.max(initial=0.0)))

    def add(self, sites: Floats) -> None:
        """Count these points (k, D) as sites too."""
        squares = cdist(self.candidates, sites, "sqeuclidean")
        place = np.argmin(squares, axis=1)
        least = squares[np.arange(len(squares)), place]
        closer = least < self.squares
        self.nearest = np.where(closer, self.n_sites + place, self.nearest)
        self.squares = np.minimum(self.squares, least)
        self.n_sites += len(sites)
