"""Polygons in space as they are seen from one side: far ones first, lit from the upper left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Floats

if TYPE_CHECKING:
    from ..model.complexes.surface_mesh import SurfaceMesh

LIGHT = np.array([-0.35, 0.75, 0.56])  # in the picture: to the right, upwards, towards the eye
FRONT, BACK = np.array([0x27, 0x63, 0x9B]), np.array([0xC9, 0x82, 0x08])


@dataclass(frozen=True, eq=False)
class SeenSurface:
    """Polygons (k, 2), the farthest first, the colour of each (#rrggbb), and their extent."""

    polygons: list[Floats]
    colors: list[str]
    low: Floats
    high: Floats


def seen_surface(mesh: SurfaceMesh, azimuth: float, elevation: float) -> SeenSurface:
    """The mesh seen from a direction, angles in degrees: parallel projection."""
    a, e = np.radians([azimuth, elevation])
    right = np.array([-np.sin(a), np.cos(a), 0.0])
    eye = np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    frame = np.array([right, np.cross(eye, right), eye])
    seen = mesh.vertices @ frame.T
    polygons = [seen[corners] for corners in mesh.polygons.as_list()] if len(mesh.ends) else []
    order = np.argsort([p[:, 2].mean() for p in polygons], kind="stable")
    low, high = seen[:, :2].min(axis=0, initial=np.inf), seen[:, :2].max(axis=0, initial=-np.inf)
    return SeenSurface(
        [polygons[i][:, :2] for i in order], [_color(polygons[i]) for i in order], low, high
    )


def _color(polygon: Floats) -> str:
    """Blue from the side of the higher decision, ochre from the other, by how it is lit."""
    edges = polygon[1:] - polygon[0]
    normal = np.cross(edges[:-1], edges[1:]).sum(axis=0)
    length = np.linalg.norm(normal)
    normal = normal / length if length > 0 else np.array([0.0, 0.0, 1.0])
    base = FRONT if normal[2] > 0 else BACK
    facing = normal if normal[2] > 0 else -normal
    light = 0.35 + 0.65 * max(0.0, float(facing @ LIGHT))
    mixed = np.rint(255 - (255 - base) * (1.25 - 0.6 * light)).clip(0, 255).astype(int)
    return "#" + "".join(f"{c:02x}" for c in mixed)
