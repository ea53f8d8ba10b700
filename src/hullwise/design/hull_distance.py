"""How much a new run lowers the distance of queries to the hull of the runs, from below.

With p the nearest point of the hull of the runs to a query q, a new run x brings the hull nearer
only if <x - p, q - p> > 0: else p stays nearest, since no point of the new hull, a mixture of x and
a point of the old one, is beyond the plane through p. And the segment from p to x is in the new
hull: so the distance falls at least to that of q from the segment.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from .._core.types import Floats
from ..errors import DataWarning
from ..geometry.cloud import Cloud
from ..geometry.locate import locate


@dataclass(frozen=True, eq=False)
class HullDistances:
    """Where queries are against the hull of runs.

    Attributes
    ----------
    queries, nearest : (m, D) float64
        `nearest` is a point of the hull, up to the bracket's width the nearest.
    distance : (m,) float64
        To `nearest`: the upper end of the bracket; 0 inside.
    """

    queries: Floats
    nearest: Floats
    distance: Floats

    @classmethod
    def of(cls, runs: Floats, queries: Floats) -> HullDistances:
        """Measured with a bracket by the search for nearest points of the hull."""
        with warnings.catch_warnings():  # runs in a flat are usual at the start
            warnings.simplefilter("ignore", DataWarning)
            location = locate(Cloud(runs), queries, metric=None, reference=0, n_neighbors=1)
        outside = location.upper > 0
        residual = np.where(outside[:, None], location.residual, 0.0)
        return cls(queries, queries + residual, np.sqrt(np.square(residual).sum(axis=1)))

    def falls(self, new: Floats) -> Floats:
        """(m, C) lower bounds of how much each new run (C, D) lowers each distance.

        O(m C D).
        """
        falls = np.zeros((len(self.queries), len(new)))
        for i in np.flatnonzero(self.distance > 0).tolist():
            towards = self.queries[i] - self.nearest[i]
            steps = new - self.nearest[i]
            length = np.square(steps).sum(axis=1)
            along = steps @ towards
            share = np.clip(along / np.where(length > 0, length, 1.0), 0.0, 1.0)
            left = towards - share[:, None] * steps
            falls[i] = np.where(
                along > 0, self.distance[i] - np.sqrt(np.square(left).sum(axis=1)), 0.0
            )
        return np.maximum(falls, 0.0)
