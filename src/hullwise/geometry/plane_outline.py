"""The outline of points in a plane, and which points lie within it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from .._core.types import Floats, Mask

OUTLINE_SLACK = 1e-9  # of the outline's width


def outline(points: Floats) -> Floats:
    """Corners of the convex hull of points in the plane, counter-clockwise; one or two if flat."""
    if len(points) == 0:
        return points
    middle = points.mean(axis=0)
    width = float(np.abs(points - middle).max())
    if width == 0:
        return points[:1]
    unit = (points - middle) / width
    direction = np.linalg.svd(unit, full_matrices=False)[2]
    if float(np.ptp(unit @ direction[1])) > OUTLINE_SLACK:
        try:
            return np.asarray(points[ConvexHull(unit).vertices], dtype=np.float64)
        except QhullError:
            pass
    along = unit @ direction[0]
    return points[[int(along.argmin()), int(along.argmax())]]


def in_outline(points: Floats, corners: Floats) -> Mask:
    """Whether each point lies in the polygon `outline` returned, up to 1e-9 of its width."""
    width = max(float(np.ptp(corners, axis=0).max()), np.finfo(float).tiny)
    with np.errstate(over="ignore"):
        points = (points - corners[0]) / width
    corners = (corners - corners[0]) / width
    if len(corners) == 1:
        return np.asarray(np.abs(points).max(axis=1) <= OUTLINE_SLACK)
    inside = np.ones(len(points), dtype=bool)
    # Two corners are walked there and back: the half-planes then leave the line alone.
    for a, b in pairwise([*corners, corners[0]]):
        edge = b - a
        length = float(np.hypot(*edge))
        offset = points - a
        with np.errstate(over="ignore", invalid="ignore"):
            inside &= edge[0] * offset[:, 1] - edge[1] * offset[:, 0] >= -OUTLINE_SLACK * length
        if len(corners) == 2:
            inside &= offset @ edge >= -OUTLINE_SLACK * length
    return inside
