"""The corners of two-dimensional faces one after another, all turned the same way."""

from __future__ import annotations

import numpy as np

from ..._core.numba import jit
from ..._core.types import Floats
from ._face_lattice import FaceLattice, FaceLists


def oriented_loops(surface: FaceLattice, normals: Floats) -> FaceLists:
    """The corners of each 2-face, counter-clockwise seen against its vector in normals (F, 3)."""
    faces, edges = surface.facets[1], surface.edges
    loops = FaceLists(corner_loops(faces.ids, faces.ends, edges), faces.ends)
    X, begins = surface.vertices, loops.begins
    corners = X[loops.ids] - np.repeat(X[loops.ids[begins]], loops.lengths, axis=0)
    after = np.arange(1, len(loops.ids) + 1)
    after[loops.ends - 1] = begins
    newell = np.add.reduceat(np.cross(corners, corners[after]), begins, axis=0)
    turned = (newell * normals).sum(axis=1) < 0
    place = np.arange(len(loops.ids))
    back = np.repeat(begins + loops.ends - 1, loops.lengths) - place
    return FaceLists(loops.ids[np.where(turned[loops.owners], back, place)], loops.ends)


@jit
def corner_loops(ids, ends, edges):  # type: ignore[no-untyped-def]
    """The corners, in their order, of faces with edges ids, one face after another."""
    out, begin = np.empty(len(ids), np.int32), 0
    used = np.zeros(len(ids), np.bool_)
    for f in range(len(ends)):
        here = edges[ids[begin], 1]
        out[begin] = edges[ids[begin], 0]
        used[begin] = True
        for place in range(begin + 1, ends[f]):
            out[place] = here
            for i in range(begin + 1, ends[f]):
                a, b = edges[ids[i], 0], edges[ids[i], 1]
                if not used[i] and (a == here or b == here):
                    used[i] = True
                    here = b if a == here else a
                    break
        begin = ends[f]
    return out


def fan_corners(loops: FaceLists) -> tuple[FaceLists, np.typing.NDArray[np.int64]]:
    """Triangles of convex polygons, and the polygon of each."""
    lengths = loops.lengths - 2
    owner = np.repeat(np.arange(len(loops)), lengths)
    first = np.repeat(loops.begins, lengths)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    ids = loops.ids[np.stack([first, first + place + 1, first + place + 2], axis=1)].reshape(-1)
    return FaceLists(ids, 3 * np.arange(1, len(owner) + 1)), owner
