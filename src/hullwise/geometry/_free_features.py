"""How free and fixed features share the length of a difference.

In a diagonal metric the two lie in coordinates of their own. In |v|^2 = v' M v with M = L' L they
do not, but L may be turned by any rotation: with Q_1 an orthonormal basis of the range of L_S and
Q_2 one of the rest, a change of the free features S moves Q_1' L x at will and never Q_2' L x. So
in these coordinates, (Q_1' L x, Q_2' L x), a matrix is like a diagonal metric, the first ones free.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.types import Floats, Mask
from .block_floats import row_norms
from .metric import Metric

FREE_RANGE = 1e-13  # of the largest: directions in which free features move nothing


@dataclass(frozen=True, eq=False)
class FreeFeatures:
    """Free features (m, d) of queries in a metric that gives each feature a weight."""

    metric: Metric
    free: Mask

    def free_coordinates(self, m: int) -> Mask:
        """(m, d) which coordinates of the metric's frame are free."""
        return self.free

    def lengths(self, way: Floats) -> tuple[Floats, Floats]:
        """(m,) lengths of differences (m, d) in what is free and in what is fixed."""
        fixed = self.metric.norm(np.where(self.free, 0.0, way))
        return self.metric.norm(self.in_free_features(way)), fixed

    def in_free_features(self, way: Floats) -> Floats:
        """(m, d) the change of free features that has the free part of these differences."""
        return np.where(self.free, way, 0.0)

    def arrival(self, nearest: Floats, Q: Floats, step: Floats) -> Floats:
        """(m, d) where the whole of a change of free features leads."""
        return nearest


@dataclass(frozen=True, eq=False)
class FreeDirections:
    """The same free features of all queries, in a metric that is a matrix.

    Attributes
    ----------
    metric : Metric
        The same metric, its factor turned so that the first `n_free` rows are what is free.
    n_free : int
    to_change : (d, r) float64
        Takes turned coordinates to the shortest change of free features.
    """

    metric: Metric
    n_free: int
    to_change: Floats

    def free_coordinates(self, m: int) -> Mask:
        """(m, r) which coordinates of the metric's frame are free."""
        return np.broadcast_to(np.arange(self.metric.rank) < self.n_free, (m, self.metric.rank))

    def lengths(self, way: Floats) -> tuple[Floats, Floats]:
        """(m,) lengths of differences (m, d) in what is free and in what is fixed."""
        image = self.metric.image(way)
        return row_norms(image[:, : self.n_free]), row_norms(image[:, self.n_free :])

    def in_free_features(self, way: Floats) -> Floats:
        """(m, d) the change of free features that has the free part of these differences."""
        return np.asarray(self.metric.image(way) @ self.to_change.T)

    def arrival(self, nearest: Floats, Q: Floats, step: Floats) -> Floats:
        """(m, d) where the whole of a change of free features leads."""
        return Q + step


def free_directions(metric: Metric, free: Mask) -> FreeDirections:
    """Turn the factor of a metric so that free features (d,) have coordinates of their own."""
    L, inverse = metric.factor, metric.inverse
    assert L is not None
    assert inverse is not None
    own = L[:, free]
    unit = np.linalg.norm(own, axis=0)
    unit[unit == 0] = 1.0
    left, size, right = np.linalg.svd(own / unit, full_matrices=True)
    n_free = int((size > FREE_RANGE * size.max(initial=0.0)).sum())
    to_change = np.zeros((L.shape[1], len(L)))
    to_change[free, :n_free] = right[:n_free].T / size[:n_free] / unit[:, None]
    turned = Metric(metric.root, left.T @ L, inverse @ left, metric.text)
    return FreeDirections(turned, n_free, to_change)
