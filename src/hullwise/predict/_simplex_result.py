"""What a search for Delaunay simplices returns, in its own coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from .._core.rounding import UNIT_ROUNDOFF
from .._core.types import Floats, Indices


@dataclass(frozen=True, eq=False)
class SimplexResult:
    """Simplices of m queries in coordinates of rank r; rows are padded with -1."""

    rows: Indices  # (m, r + 1)
    weights: Floats  # (m, r + 1)
    nearest: Floats  # (m, r) the point interpolated at, relative to the query
    centre: Floats  # (m, r) of the empty sphere, relative to that point
    outcome: Indices  # (m,) INSIDE_HULL, OUTSIDE_HULL or NOT_OPTIMAL of `_delaunay_kernel`

    @classmethod
    def empty(cls, m: int, r: int) -> SimplexResult:
        """Room for the simplices of m queries."""
        rows, weights = np.full((m, r + 1), -1, dtype=np.int64), np.zeros((m, r + 1))
        return cls(rows, weights, np.zeros((m, r)), np.zeros((m, r)), np.zeros(m, np.int64))

    def views(self, at: Any) -> tuple[Any, ...]:
        """Views of the queries `at`, for a kernel to fill."""
        return self.rows[at], self.weights[at], self.nearest[at], self.centre[at], self.outcome[at]

    def weight_matrix(self, n: int) -> csr_array:
        """The weights over n rows, (m, n); rows with weight 0 are left out."""
        mask = self.weights > 0
        ends = np.concatenate([[0], np.cumsum(mask.sum(axis=1))])
        W = csr_array((self.weights[mask], self.rows[mask], ends), shape=(len(mask), n))
        W.sort_indices()
        return W


def distance_rounding(Zq: Floats) -> Floats:
    """For each query the distance to the hull that is no more than rounding."""
    size = np.sqrt(np.einsum("ij,ij->i", Zq, Zq))
    return np.asarray(4 * UNIT_ROUNDOFF * (1 + size) * np.sqrt(max(1, Zq.shape[1])))
