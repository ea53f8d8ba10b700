"""A planar complex in parts that are cut one by one.

Parts are made of whole polygons. Where two of them meet each has the edges, as sides of its border;
their outer half-edges carry the edge's *tag* in the place of the wall: twice its number, and one
more in the part that comes second. Cuts divide a tagged half-edge into tagged ones, so that the two
sides can be matched again (`_complex_gluing`), and what belongs to both is counted in the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.numba import jit
from .._core.types import Floats, Ints, Mask
from .planar_complex import Complex

RECTANGLE_TAG = -1  # of outer half-edges on the rectangle's sides


@dataclass(frozen=True, eq=False)
class ComplexPart:
    """Some polygons of a complex.

    faces (F,), vertices (V,): which of the whole complex they are. n_fixed: the vertices at ends of
    border edges, the first ones; owned (n_fixed,): whether no earlier part has them.
    """

    complex: Complex
    faces: Ints
    vertices: Ints
    n_fixed: int
    owned: Mask


def group_faces(xy: Floats, weights: Floats, n_groups: int) -> Ints:
    """Groups (F,) of points (F, 2) near each other, of about equal weight, by halving."""
    labels = np.zeros(len(xy), dtype=np.int64)
    pending = [(np.arange(len(xy)), n_groups)]
    n = 0
    while pending:
        rows, parts = pending.pop()
        if parts == 1 or len(rows) == 1:
            labels[rows] = n
            n += 1
            continue
        axis = int(np.ptp(xy[rows], axis=0).argmax())
        order = rows[np.argsort(xy[rows, axis], kind="stable")]
        filled = np.cumsum(weights[order])
        share = (parts // 2) / parts
        middle = int(np.searchsorted(filled, share * filled[-1]))
        middle = min(max(middle, 1), len(rows) - 1)
        pending += [(order[middle:], parts - parts // 2), (order[:middle], parts // 2)]
    return labels


def owned_vertices(complex_: Complex, owned: Mask) -> Mask:
    """Which vertices (V,) are counted here, from those of the first ones, (n_fixed,)."""
    out = np.ones(len(complex_.xy), dtype=np.bool_)
    outer = np.flatnonzero(complex_.face < 0)
    second = outer[(complex_.wall[outer] >= 0) & (complex_.wall[outer] % 2 == 1)]
    out[complex_.start[second]] = False
    out[: len(owned)] = owned
    return out


def split_complex(
    whole: Complex, owned: Mask, labels: Ints, first_tag: int
) -> tuple[list[ComplexPart], int]:
    """The parts of polygons with equal label (F,), in their order, and the next free tag.

    owned (n_fixed,): as in `ComplexPart`.
    """
    face, twin = whole.face, whole.twin
    label = np.append(labels, -1)  # that of face -1
    mine, other = label[face], label[face[twin]]
    cross = np.flatnonzero((mine >= 0) & (other >= 0) & (mine != other))
    tags = np.full(len(face), RECTANGLE_TAG, dtype=np.int32)
    smaller = cross[cross < twin[cross]]
    tags[smaller] = first_tag + 2 * np.arange(len(smaller))
    tags[twin[smaller]] = tags[smaller]
    tags[cross] += mine[cross] > other[cross]
    earliest = np.full(len(whole.xy), len(labels), dtype=np.int64)
    inner = np.flatnonzero(face >= 0)
    np.minimum.at(earliest, whole.start[inner], labels[face[inner]])
    counted = owned_vertices(whole, owned)
    parts, order = [], np.argsort(labels, kind="stable")
    bounds = np.searchsorted(labels[order], np.arange(int(labels.max()) + 2))
    for i in range(len(bounds) - 1):
        faces = order[bounds[i] : bounds[i + 1]]
        halves, first, vertices, n_fixed = take_faces(whole.halves, whole.first, faces, tags)
        fixed = vertices[:n_fixed]
        own = counted[fixed] & (earliest[fixed] == i)
        part = Complex(whole.xy[vertices], halves, first)
        parts.append(ComplexPart(part, faces, vertices, int(n_fixed), own))
    return parts, first_tag + 2 * len(smaller)


@jit
def take_faces(halves, first, faces, tags):  # type: ignore[no-untyped-def]
    """The half-edges, a half-edge of each polygon and the vertices of some polygons.

    Vertices at ends of border edges come first; how many they are is the last result.
    """
    start, after, twin, face, wall = halves[0], halves[1], halves[2], halves[3], halves[4]
    place = np.full(len(start), -1, np.int32)
    n = 0
    for f in faces:
        h = np.int64(first[f])
        while True:
            place[h] = n
            n += 1
            h = np.int64(after[h])
            if h == first[f]:
                break
    n_outer, inner, k = 0, np.empty(n, np.int64), 0
    for f in faces:
        h = np.int64(first[f])
        while True:
            inner[k] = h
            k += 1
            n_outer += place[twin[h]] < 0
            h = np.int64(after[h])
            if h == first[f]:
                break
    out, new_first = np.empty((5, n + n_outer), np.int32), np.empty(len(faces), np.int32)
    vertex = np.full(start.max() + 1, -1, np.int32)
    vertices, n_vertices, outer = np.empty(n, np.int64), 0, n
    for i in range(n):
        h = inner[i]
        g = np.int64(twin[h])
        if place[g] < 0:
            for v in (start[h], start[g]):
                if vertex[v] < 0:
                    vertex[v], vertices[n_vertices] = n_vertices, v
                    n_vertices += 1
            out[0, outer], out[1, outer], out[2, outer] = vertex[start[g]], -1, i
            out[3, outer], out[4, outer] = -1, tags[h] if face[g] >= 0 else wall[g]
            out[2, i] = outer
            outer += 1
    n_fixed, i = n_vertices, 0
    for f in range(len(faces)):
        new_first[f] = i
        while i < n:
            h = inner[i]
            if face[h] != faces[f]:
                break
            v = start[h]
            if vertex[v] < 0:
                vertex[v], vertices[n_vertices] = n_vertices, v
                n_vertices += 1
            out[0, i], out[1, i] = vertex[v], place[after[h]]
            if place[twin[h]] >= 0:
                out[2, i] = place[twin[h]]
            out[3, i], out[4, i] = f, wall[h]
            i += 1
    return out, new_first, vertices[:n_vertices].copy(), n_fixed


@jit
def crossing_counts(above, below, folds, first, after, start):  # type: ignore[no-untyped-def]
    """How many walls pass through each polygon, from the words of its corners."""
    counts = np.zeros(len(first), np.int64)
    for f in range(len(first)):
        for word in range(above.shape[1]):
            up, down, h = np.uint64(0), np.uint64(0), np.int64(first[f])
            while True:
                up |= above[start[h], word]
                down |= below[start[h], word]
                h = np.int64(after[h])
                if h == first[f]:
                    break
            rest = up & (down | folds[word])
            while rest:
                rest &= rest - np.uint64(1)
                counts[f] += 1
    return counts
