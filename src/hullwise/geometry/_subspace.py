"""More features than rows: the same distances in as many coordinates as there are rows.

n rows span a flat of at most n - 1 dimensions. In an orthonormal basis of it, with one more
coordinate for how far a query is off the flat, every distance between a query and a row is what
it was, so nearest points can be found in n coordinates instead of d.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr

from .._core.types import Floats
from ..io.rows import ArrayRows
from .block_floats import row_norms
from .scaled_view import ScaledView
from .scaling import identity_frame


class RowSpan:
    """A view in the basis of its rows' own flat; O(n^2 d) to make, O(m n d) to map m queries."""

    def __init__(self, view: ScaledView) -> None:
        Z = view.take(np.arange(view.n))
        self.mean = Z.mean(axis=0)
        self.basis, triangle = qr((Z - self.mean).T, mode="economic")
        rows = np.column_stack([triangle.T, np.zeros(view.n)])
        frame = identity_frame(rows.shape[1])
        reach = np.abs(rows).max(axis=0)
        self.view = ScaledView(ArrayRows(rows), frame, reach, reach)

    def map(self, Zq: Floats) -> Floats:
        """Coordinates of queries: along the flat, and how far off it."""
        off = self._off_span(Zq)
        distance = row_norms(off)
        return np.column_stack([(Zq - self.mean) @ self.basis, distance])

    def full_directions(self, Zq: Floats, U: Floats) -> Floats:
        """Unit directions in the view's own coordinates from directions in these."""
        off = self._off_span(Zq)
        distance = row_norms(off)
        rate = U[:, -1] / np.where(distance > 0, distance, 1.0)
        V = U[:, :-1] @ self.basis.T + off * rate[:, None]
        return np.asarray(V / row_norms(V)[:, None])

    def _off_span(self, Zq: Floats) -> Floats:
        """The part of each query off the flat, orthogonal to it to rounding."""
        off = Zq - self.mean
        for _ in range(2):
            off = off - (off @ self.basis) @ self.basis.T
        return np.asarray(off)
