"""Parts of a planar complex joined to the whole again.

The two sides of a border edge were cut by the same walls, each in its own part, so that they have
the same vertices but for rounding; matched in their order along the edge, every vertex of the
second side becomes that of the first. Where rounding has given one side a vertex more, it is put
into the other side first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .._core.types import Floats, Ints, Mask
from ._complex_parts import RECTANGLE_TAG
from .planar_complex import Complex, HalfEdges

SAME_PLACE = 1e-9  # of the rectangle's width: vertices of an edge's two sides that are one


@dataclass(frozen=True, eq=False)
class PartVertices:
    """A part of a complex with its values (V, s) at the vertices."""

    complex: Complex
    values: Floats


@dataclass(frozen=True, eq=False)
class BorderSides:
    """Outer half-edges of all parts on tagged edges, (k,), in the order of `edge` and `side`.

    Along its edge each has a place that grows, and the sides' segments are in that order.
    """

    part: Ints
    outer: Ints
    edge: Ints
    side: Ints
    place: Floats

    def take(self, rows: Ints | Mask) -> BorderSides:
        return BorderSides(
            *(getattr(self, name)[rows] for name in ("part", "outer", "edge", "side", "place"))
        )


def glue_parts(parts: list[PartVertices]) -> tuple[Complex, Floats]:
    """The complex of all parts, which are taken from the list, and the values at its vertices.

    Polygons stand one part after another.
    """
    sides = _border_sides(parts)
    uneven = _uneven_edges(sides)
    if len(uneven):
        size = max(float(np.ptp(part.complex.xy, axis=0).max()) for part in parts)
        for edge in uneven:
            owners = np.unique(sides.part[sides.edge == edge])
            while _insert_missing(parts, owners, edge, SAME_PLACE * size):
                pass
        sides = _border_sides(parts)
    first, second = sides.take(sides.side == 0), sides.take(sides.side == 1)
    n_vertices = np.cumsum([0, *(len(part.complex.xy) for part in parts)])
    vertex = _shared_vertices(parts, first, second, n_vertices)
    return _joined(parts, first, second, vertex, n_vertices)


def _border_sides(parts: list[PartVertices], of: Ints | None = None) -> BorderSides:
    """Of all parts, or of some."""
    part, outer, tag, middle = [], [], [], []
    for i in range(len(parts)) if of is None else of:
        cells = parts[i].complex
        own = np.flatnonzero((cells.face < 0) & (cells.wall != RECTANGLE_TAG))
        part.append(np.full(len(own), i))
        outer.append(own)
        tag.append(cells.wall[own].astype(np.int64))
        middle.append((cells.xy[cells.start[own]] + cells.xy[cells.start[cells.twin[own]]]) / 2)
    tags = np.concatenate(tag)
    edge, at = tags // 2, np.concatenate(middle)
    order = np.argsort(edge, kind="stable")
    place = np.empty(len(edge))
    place[order] = _places_along(edge[order], at[order])
    sides = BorderSides(np.concatenate(part), np.concatenate(outer), edge, tags % 2, place)
    return sides.take(np.lexsort((place, sides.side, edge)))


def _places_along(edge: Ints, at: Floats) -> Floats:
    """The coordinate of points (k, 2) in which those of equal edge, one behind another, spread."""
    if not len(edge):
        return np.empty(0)
    begin = np.flatnonzero(np.r_[True, edge[1:] != edge[:-1]])
    extent = np.maximum.reduceat(at, begin) - np.minimum.reduceat(at, begin)
    is_upright = np.repeat(extent[:, 1] > extent[:, 0], np.diff(np.r_[begin, len(edge)]))
    return np.where(is_upright, at[:, 1], at[:, 0])


def _uneven_edges(sides: BorderSides) -> Ints:
    """Edges whose sides have unlike numbers of segments."""
    edges, at = np.unique(sides.edge, return_inverse=True)
    balance = np.bincount(at, weights=1 - 2 * sides.side, minlength=len(edges))
    return np.asarray(edges[balance != 0])


def _insert_missing(parts: list[PartVertices], owners: Ints, edge: int, slack: float) -> bool:
    """Give one side of an edge a vertex that only the other has; whether there was one."""
    both = _border_sides(parts, owners)
    both = both.take(both.edge == edge)
    sides = [both.take(both.side == i) for i in (0, 1)]
    ends = [_inner_vertices(parts, side) for side in sides]
    axis = int(np.ptp(np.concatenate([places for places, _ in ends]), axis=0).argmax())
    left, right = (np.append(places[:, axis], np.inf) for places, _ in ends)
    i = j = 0
    while left[i] < np.inf or right[j] < np.inf:
        if abs(left[i] - right[j]) <= slack:
            i, j = i + 1, j + 1
            continue
        poor, row = (1, i) if left[i] < right[j] else (0, j)
        places, values = ends[1 - poor]
        _insert_vertex(parts, sides[poor], places[row], values[row], axis)
        return True
    return False


def _inner_vertices(parts: list[PartVertices], side: BorderSides) -> tuple[Floats, Floats]:
    """Places (k, 2) and values of the vertices between a side's segments, in order."""
    places, values = [], []
    for p, outer in zip(side.part, side.outer, strict=True):
        cells = parts[p].complex
        ends = cells.start[[outer, cells.twin[outer]]]
        places.append(cells.xy[ends])
        values.append(parts[p].values[ends])
    at = np.array(places)
    axis = int(np.ptp(at.reshape(-1, 2), axis=0).argmax())
    rows = np.arange(len(at) - 1)
    later = at[:-1, :, axis].argmax(axis=1)
    return at[rows, later], np.array(values)[rows, later]


def _insert_vertex(
    parts: list[PartVertices], side: BorderSides, place: Floats, value: Floats, axis: int
) -> None:
    """Put a vertex into the segment of a side that it lies on."""
    beyond = []
    for p, outer in zip(side.part, side.outer, strict=True):
        cells = parts[p].complex
        low, high = np.sort(cells.xy[cells.start[[outer, cells.twin[outer]]], axis])
        beyond.append(max(low - place[axis], place[axis] - high))
    best = int(np.argmin(beyond))
    p, k = int(side.part[best]), int(side.outer[best])
    cells = parts[p].complex
    start, after, twin, face, wall = cells.halves.tolist()
    h, v, n = twin[k], len(cells.xy), len(start)  # as `_polygon_cutting.split_edge`
    start += [v, v]
    after += [after[h], after[k]]
    after[h], after[k] = n, n + 1
    face += [face[h], face[k]]
    wall += [wall[h], wall[k]]
    twin += [k, h]
    twin[h], twin[k] = n + 1, n
    halves = np.array([start, after, twin, face, wall], dtype=np.int32)
    grown = replace(cells, xy=np.vstack([cells.xy, place]), halves=halves)
    parts[p] = PartVertices(grown, np.vstack([parts[p].values, value]))


def _shared_vertices(
    parts: list[PartVertices], first: BorderSides, second: BorderSides, n_vertices: Ints
) -> Ints:
    """For each vertex of all parts, one after another, the earliest that it is the same as."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    vertex = np.arange(n_vertices[-1], dtype=np.int32)
    a, b = _ends(parts, first, n_vertices), _ends(parts, second, n_vertices)
    pairs = np.concatenate([np.c_[a[:, 0], b[:, 1]], np.c_[a[:, 1], b[:, 0]]])
    if not len(pairs):
        return vertex
    shared, at = np.unique(pairs, return_inverse=True)
    at = at.reshape(pairs.shape)
    n = len(shared)
    links = coo_array((np.ones(len(at)), (at[:, 0], at[:, 1])), shape=(n, n))
    _, group = connected_components(links, directed=False)
    _, earliest = np.unique(group, return_index=True)
    vertex[shared] = shared[earliest][group]
    return vertex


def _ends(parts: list[PartVertices], side: BorderSides, n_vertices: Ints) -> Ints:
    """The vertices (k, 2) that outer half-edges run from and to, counted through all parts."""
    out = np.empty((len(side.outer), 2), dtype=np.int64)
    for rows, p in _by_part(side):
        cells = parts[p].complex
        outer = side.outer[rows]
        out[rows, 0] = cells.start[outer] + n_vertices[p]
        out[rows, 1] = cells.start[cells.twin[outer]] + n_vertices[p]
    return out


def _by_part(side: BorderSides) -> list[tuple[Ints, int]]:
    order = np.argsort(side.part, kind="stable")
    numbers, begin = np.unique(side.part[order], return_index=True)
    rows = np.split(order, begin[1:]) if len(numbers) else []
    return [(one, int(p)) for one, p in zip(rows, numbers, strict=True)]


def _joined(
    parts: list[PartVertices],
    first: BorderSides,
    second: BorderSides,
    vertex: Ints,
    n_vertices: Ints,
) -> tuple[Complex, Floats]:
    kept = vertex == np.arange(len(vertex))
    number = np.cumsum(kept, dtype=np.int32) - 1
    number = number[vertex]
    stays = [(one.complex.face >= 0) | (one.complex.wall == RECTANGLE_TAG) for one in parts]
    n_halves = np.cumsum([0, *(int(one.sum()) for one in stays)])
    n_faces = np.cumsum([0, *(one.complex.n_faces for one in parts)])
    inner = [_kept_twins(parts, side, stays, n_halves) for side in (first, second)]
    xy, values = (
        np.empty((int(kept.sum()), 2)),
        np.empty((int(kept.sum()), parts[0].values.shape[1])),
    )
    halves = np.empty((5, n_halves[-1]), dtype=np.int32)
    first_half = np.empty(n_faces[-1], dtype=np.int32)
    for p in range(len(parts)):
        cells, own = parts[p].complex, slice(n_vertices[p], n_vertices[p + 1])
        mine = kept[own]
        xy[number[own][mine]], values[number[own][mine]] = cells.xy[mine], parts[p].values[mine]
        place = np.cumsum(stays[p], dtype=np.int32) - 1 + n_halves[p]
        rows = slice(n_halves[p], n_halves[p + 1])
        start, after, twin, face, wall = cells.halves[:, stays[p]]
        halves[0, rows] = number[own][start]
        halves[1, rows] = np.where(after < 0, -1, place[after])
        halves[2, rows] = place[twin]
        halves[3, rows] = np.where(face < 0, -1, face + n_faces[p])
        halves[4, rows] = wall
        first_half[n_faces[p] : n_faces[p + 1]] = place[cells.first]
        parts[p] = PartVertices(_NOTHING, values[:0])
    halves[2, inner[0]], halves[2, inner[1]] = inner[1], inner[0]
    return Complex(xy, halves, first_half), values


_NOTHING = Complex(np.empty((0, 2)), np.empty((5, 0), np.int32), np.empty(0, np.int32))


def _kept_twins(
    parts: list[PartVertices], side: BorderSides, stays: list[Mask], n_halves: Ints
) -> HalfEdges:
    """The inner half-edges of a side, as they are numbered in the whole."""
    out = np.empty(len(side.outer), dtype=np.int32)
    for rows, p in _by_part(side):
        place = np.cumsum(stays[p], dtype=np.int32) - 1 + n_halves[p]
        out[rows] = place[parts[p].complex.twin[side.outer[rows]]]
    return out
