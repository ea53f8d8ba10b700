"""A planar complex of convex polygons, cut by functions that are affine on every polygon.

A half-edge h runs from vertex `start[h]` along the polygon `face[h]` (-1 outside) to the start of
`after[h]`; `twin[h]` runs back on the other side. Outside, `after` follows one side of the border
and ends in -1. Vertices are shared, so a wall that
crosses an edge makes one vertex there for both sides and V - E + F = 1 holds by construction.
Cutting costs the sign of every wall at every vertex, one look at every corner of a polygon for 64
walls, and O(1) for each new edge and polygon.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats, Ints
from ._layer_walls import LayerWalls
from ._polygon_cutting import cut_all, dissolve_all, loops

RECTANGLE_CORNERS = 4
HalfEdges = NDArray[np.int32]  # four for each polygon: half the memory of int64


@dataclass(frozen=True, eq=False)
class Complex:
    """Vertices xy (V, 2), half-edges (5, H) and a half-edge of each polygon, first (F,).

    The rows of `halves` are `start`, `after`, `twin`, `face` and `wall`, the unit behind each edge
    (-1 for the rectangle's sides).
    """

    xy: Floats
    halves: HalfEdges
    first: HalfEdges

    @property
    def start(self) -> HalfEdges:
        return np.asarray(self.halves[0])

    @property
    def after(self) -> HalfEdges:
        return np.asarray(self.halves[1])

    @property
    def twin(self) -> HalfEdges:
        return np.asarray(self.halves[2])

    @property
    def face(self) -> HalfEdges:
        return np.asarray(self.halves[3])

    @property
    def wall(self) -> HalfEdges:
        return np.asarray(self.halves[4])

    @property
    def n_faces(self) -> int:
        return len(self.first)

    @cached_property
    def loops(self) -> tuple[Ints, Ints]:
        """Half-edges of all polygons one after another, counter-clockwise, and where each ends."""
        return loops(self.first, self.after, np.count_nonzero(self.face >= 0))  # type: ignore[no-any-return]

    @cached_property
    def edges(self) -> Ints:
        """One half-edge of every edge, (E,)."""
        return np.flatnonzero(np.arange(len(self.twin)) < self.twin)

    def polygons(self) -> list[Floats]:
        """The corners (k, 2) of every polygon."""
        halves, ends = self.loops
        return np.split(self.xy[self.start[halves]], ends[:-1])

    def moments(self) -> tuple[Floats, Floats]:
        """Areas (F,) and centroids (F, 2)."""
        halves, ends = self.loops
        begin = np.r_[0, ends[:-1]]
        a = self.xy[self.start[halves]]
        b = self.xy[self.start[self.after[halves]]]
        pivot = np.repeat(a[begin], np.diff(np.r_[0, ends]), axis=0)
        a, b = a - pivot, b - pivot  # about a corner: a small polygon far out loses nothing
        double = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
        area = np.add.reduceat(double, begin) / 2
        first = np.add.reduceat(double[:, None] * (a + b), begin) / 6
        means = np.add.reduceat(a, begin) / np.diff(np.r_[0, ends])[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            inner = first / area[:, None]
        flat = ~np.isfinite(inner).all(axis=1) | (area <= 0)
        inner[flat] = means[flat]
        return area, inner + pivot[begin]

    def corner_means(self, values: Floats) -> Floats:
        """Vertex values (V, s) averaged over the corners of each polygon: inner values (F, s)."""
        halves, ends = self.loops
        begin = np.r_[0, ends[:-1]]
        total = np.add.reduceat(values[self.start[halves]], begin, axis=0)
        return np.asarray(total / np.diff(np.r_[0, ends])[:, None])


def rectangle(low: Floats, high: Floats) -> Complex:
    """The rectangle with corners low and high."""
    (a, b), (c, d) = low, high
    i = np.arange(4)
    return Complex(
        xy=np.array([[a, b], [c, b], [c, d], [a, d]], dtype=np.float64),
        halves=np.array(
            [
                np.r_[i, (i + 1) % 4],
                np.r_[(i + 1) % 4, np.full(4, -1)],
                np.r_[i + 4, i],
                np.r_[np.zeros(4, int), np.full(4, -1)],
                np.full(8, -1),
            ],
            dtype=np.int32,
        ),
        first=np.zeros(1, np.int32),
    )


@dataclass(frozen=True, eq=False)
class Cut:
    """A complex after its cuts.

    sides (F, words): for each polygon the walls that it is above, 64 in a word. root (F,): the
    polygon before.
    a, b, t (k,): new vertices as a + t (b - a).
    """

    complex: Complex
    sides: NDArray[np.uint64]
    root: Ints
    a: Ints
    b: Ints
    t: Floats


class TooManyFaces(Exception):
    """More polygons than `max_faces`."""


def cut(
    old: Complex,
    z: Floats,
    walls: LayerWalls,
    tol: Floats,
    behind: Ints,
    max_faces: int,
    stop: NDArray[np.uint8],
) -> Cut:
    """Cut by walls given through values z (V, i) at the vertices.

    tol (k,): less is zero; behind (k,): what the edges of each wall are to name.

    Raises
    ------
    TooManyFaces
        If more than `max_faces` polygons come out, or `stop` was set.
    """
    cuts = (walls.ends, walls.entries, walls.levels, tol, behind)
    state = (old.xy, old.halves, old.first)
    z = np.ascontiguousarray(z)
    complete, xy, halves, (first, sides, root), new = cut_all(z, *cuts, *state, max_faces, stop)
    if not complete:
        raise TooManyFaces
    return Cut(Complex(xy, halves, first), sides, root, *new)


@dataclass(frozen=True, eq=False)
class Dissolved:
    """A complex whose polygons of equal key were joined.

    faces (F,): one of the old polygons each is made of; vertices (V,): which old ones are left.
    """

    complex: Complex
    faces: Ints
    vertices: Ints


def dissolve(old: Complex, key: Ints, n_fixed: int = RECTANGLE_CORNERS) -> Dissolved:
    """Join neighbours of equal key (F,); what a key covers must be convex.

    The first `n_fixed` vertices stay.
    """
    halves, first, faces, vertices = dissolve_all(len(old.xy), n_fixed, old.halves, key)
    return Dissolved(Complex(old.xy[vertices], halves, first), faces, vertices)
