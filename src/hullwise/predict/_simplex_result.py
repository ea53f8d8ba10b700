"""What a search for simplices finds, in its own coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.rounding import UNIT_ROUNDOFF
from .._core.types import Floats, Indices


@dataclass(frozen=True, eq=False)
class Found:
    """Simplices of m queries in coordinates of rank r; rows are padded with -1."""

    rows: Indices  # (m, r + 1)
    weights: Floats  # (m, r + 1)
    nearest: Floats  # (m, r) the point interpolated at, relative to the query
    centre: Floats  # (m, r) of the empty sphere, relative to that point
    ended: Indices  # (m,)

    @classmethod
    def empty(cls, m: int, r: int) -> Found:
        """Room for m answers."""
        rows, weights = np.full((m, r + 1), -1, dtype=np.int64), np.zeros((m, r + 1))
        return cls(rows, weights, np.zeros((m, r)), np.zeros((m, r)), np.zeros(m, np.int64))

    def part(self, at: Any) -> tuple[Any, ...]:
        """Views of some of the queries' answers, as the kernel fills them."""
        return self.rows[at], self.weights[at], self.nearest[at], self.centre[at], self.ended[at]


def floors(Zq: Floats) -> Floats:
    """For each query the distance to the hull that is no more than rounding."""
    size = np.sqrt(np.einsum("ij,ij->i", Zq, Zq))
    return np.asarray(4 * UNIT_ROUNDOFF * (1 + size) * np.sqrt(max(1, Zq.shape[1])))
