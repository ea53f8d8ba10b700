"""In which units the page names the columns of a table that is trained on standardised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.types import Floats

__all__ = ["ColumnUnits"]


@dataclass(frozen=True, eq=False)
class ColumnUnits:
    """Names of the columns of rows, and what their standardised values are in the data's own units.

    Attributes
    ----------
    names : tuple of str
    centre, scale : ndarray (d,)
        A value z of the network is ``centre + scale * z`` of the table.
    is_own : bool
        Whether the page says values in the table's units; else in standard deviations.

    Examples
    --------
    >>> import numpy as np
    >>> units = ColumnUnits(("age",), np.array([40.0]), np.array([10.0]), True)
    >>> units.values(np.array([[1.5]]))
    array([[55.]])
    >>> units.affine_map(np.array([[2.0]]), np.array([1.0]))  # 2 z + 1 = age / 5 - 7
    (array([[0.2]]), array([-7.]))
    """

    names: tuple[str, ...]
    centre: Floats
    scale: Floats
    is_own: bool

    def values(self, Z: Floats) -> Floats:
        """Rows (m, d) as the page says them."""
        return self.centre + self.scale * Z if self.is_own else Z

    def affine_map(self, slopes: Floats, offsets: Floats) -> tuple[Floats, Floats]:
        """An affine map of standardised columns, slopes (k, d), as one of `values`."""
        if not self.is_own:
            return slopes, offsets
        own = slopes / self.scale
        return own, offsets - own @ self.centre

    def to_json(self, axes: Floats) -> list[dict[str, Any]] | None:
        """For each axis (2, d) that is a column, its centre and scale; None if neither is."""
        if not self.is_own:
            return None
        along = [np.flatnonzero(axis) for axis in axes]
        if any(len(places) != 1 for places in along):
            return None
        return [
            {"centre": float(self.centre[places[0]]), "scale": float(self.scale[places[0]])}
            for places in along
        ]
