"""What a slice says of a point of its plane: how far the decision is, within what it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._core.results import RecordResult
from .._core.types import Floats
from ..errors import DataError

if TYPE_CHECKING:
    from .slices import Slice


@dataclass(frozen=True, eq=False)
class PlaneDistance(RecordResult):
    """How far a point of a slice is from where the network decides otherwise, along the plane.

    Attributes
    ----------
    distance : float
        In units of (u, v): those of the inputs where the axes are orthonormal.
    foot : ndarray (2,) or None
        The nearest such point; None where none is known.
    at_least : bool
        The distance is only that of the rectangle's border: beyond it may be something nearer than
        all that the slice shows.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> net = hw.model.from_arrays([np.eye(2), np.array([[1.0, -1.0]])], [np.zeros(2), np.zeros(1)])
    >>> net.slice([0, 0], np.eye(2)).decision_distance([0.5, 0.1])
    PlaneDistance(0.2828)
    """

    distance: float
    foot: Floats | None
    at_least: bool

    def __repr__(self) -> str:
        return f"PlaneDistance({'at least ' if self.at_least else ''}{self.distance:.4g})"


def nearest_on_segments(point: Floats, segments: Floats) -> tuple[float, Floats, int]:
    """The nearest point of segments (k, 2, 2): its distance, itself, and on which it lies.

    Infinite, NaN and -1 where there are none.
    """
    if not len(segments):
        return float("inf"), np.full(2, np.nan), -1
    a, way = segments[:, 0], segments[:, 1] - segments[:, 0]
    squared = np.einsum("ij,ij->i", way, way)
    share = np.einsum("ij,ij->i", point - a, way) / np.where(squared > 0, squared, 1.0)
    foot = a + np.clip(share, 0, 1)[:, None] * way
    distance = np.hypot(*(foot - point).T)
    best = int(distance.argmin())
    return float(distance[best]), foot[best], best


def nearest_decision(s: Slice, point: Floats) -> PlaneDistance:
    """The nearest of the decision boundary's segments to a point (2,): O(segments)."""
    if s.partial:
        raise DataError("the slice is partial: where the network decides is not known")
    border = float(np.minimum(point - s.low, s.high - point).min())
    distance, foot, _ = nearest_on_segments(point, s.decision_boundary())
    if distance <= border:
        return PlaneDistance(distance, foot, False)
    return PlaneDistance(max(border, 0.0), None, True)
