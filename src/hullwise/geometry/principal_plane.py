"""A map of the cloud: the plane in which it spreads most, a sample, and its outline there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.types import Floats
from .cloud import Cloud

MAP_SAMPLE_ROWS = 2000
N_OUTLINE_DIRECTIONS = 64


@dataclass(frozen=True, eq=False)
class PrincipalPlane:
    """The first two principal axes of the standardised rows; y = ((x - centre) / scale) @ axes.T.

    Attributes
    ----------
    axes : (2, d)
        Unit vectors; the second is zero where the data has one dimension only.
    share : (2,)
        Share of the variance along each axis, 0 to 1.
    centre, scale : (d,)
        Mean and standard deviation of each feature (1 for a constant one).
    sample : (s, d)
        Training rows in the data's own units: a seeded sample, and the rows that reach farthest
        in 64 directions of the plane, which are the corners of the hull's shadow.
    """

    axes: Floats
    share: Floats
    centre: Floats
    scale: Floats
    sample: Floats

    def project(self, points: Floats) -> Floats:
        """(k, 2) coordinates of points (k, d) on the map."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray((points - self.centre) / self.scale @ self.axes.T)

    def __repr__(self) -> str:
        return f"PrincipalPlane({len(self.sample)} rows, {self.share.sum():.0%} of the variance)"


def principal_plane(cloud: Cloud) -> PrincipalPlane:
    """The map of a cloud; one pass for the outline, O(n d), and O(s d^2) for the axes."""
    rows = cloud.sample(int(np.clip((1 << 22) // cloud.d, 64, MAP_SAMPLE_ROWS)))
    sample = cloud.take(rows)
    scale = np.where(cloud.spread > 0, cloud.spread, 1.0)
    Z = (sample - cloud.mean) / scale
    _, size, axes = np.linalg.svd(Z - Z.mean(axis=0), full_matrices=False)
    variance = size**2 / max(float((size**2).sum()), 1e-300)
    n_axes = min(2, len(axes))
    principal, share = np.zeros((2, cloud.d)), np.zeros(2)
    # the sign of an axis is free: the largest entry is made positive, so that maps compare
    sign = np.sign(axes[np.arange(n_axes), np.abs(axes[:n_axes]).argmax(axis=1)])
    principal[:n_axes], share[:n_axes] = axes[:n_axes] * sign[:, None], variance[:n_axes]
    angle = np.linspace(0, 2 * np.pi, N_OUTLINE_DIRECTIONS, endpoint=False)
    G = np.outer(np.cos(angle), principal[0]) + np.outer(np.sin(angle), principal[1])
    corners = np.unique(cloud.support(G * (scale.min() / scale)).rows)
    outline = cloud.take(np.setdiff1d(corners, rows))
    return PrincipalPlane(principal, share, cloud.mean, scale, np.concatenate([sample, outline]))
