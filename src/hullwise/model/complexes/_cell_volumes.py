"""Volumes and centroids of cells that know their corners and facets, without a list of faces."""

from __future__ import annotations

import numpy as np

from ..._core.numba import jit, subkernel, uncounted
from ..._core.threads import StopFlag, cpu_count, run_in_threads
from ..._core.types import Floats
from ._cell_cutting import EDGE_MULTIPLIER, count_bits
from ._cell_table import CellTable
from ._face_measures import SMALLEST_HEIGHT

FACES_BETWEEN_STOPS = 2**21  # in the cells that a thread measures at a time: some 50 ms
FACE_TABLE_BITS = 12  # of the table of one cell's faces; what finds no room is measured again
MOST_PROBES = 16


def volumes_of_cells(table: CellTable, stop: StopFlag | None = None) -> tuple[Floats, Floats]:
    """Volumes (n_cells,) and centroids (n_cells, d), cell by cell and on all processors.

    A pyramid over each facet that misses one corner, and so on down, each face of a cell once: 2^d
    faces in a cube, where its lattice has 3^d. As in `cell_measures` no term is negative, so that
    the smallest cells have all their digits.
    """
    n, d = table.n_cells, table.dimension
    measure, middle = np.empty(n), np.empty((n, d))
    X = np.ascontiguousarray(table.vertices)
    own = table.corners.ids, table.masks, table.corners.ends
    each = max(1, FACES_BETWEEN_STOPS // 4**d)

    def measure_part(begin: int, stop: StopFlag) -> None:
        if not stop.is_set():
            measure_cells(X, *own, begin, min(begin + each, n), measure, middle)

    run_in_threads(measure_part, range(0, n, each), cpu_count() if n > each else 1, stop)
    return measure, middle


@uncounted
def is_facet_of_face(b, union, common, own, rows, k, count, masks):  # type: ignore[no-untyped-def]
    """Whether the corners of a face on facet b are all those of a facet of it, named by b first.

    own: the corners there, as a mask of the facets that all of them lie on.
    """
    n_own = np.int64(0)
    for i in range(count):
        n_own += np.int64(masks[rows[k, i]] & b != 0)
    others = own & union & ~common & ~b
    while others:
        c, n_other = others & (~others + np.uint64(1)), np.int64(0)
        for i in range(count):
            n_other += np.int64(masks[rows[k, i]] & c != 0)
        if n_other > n_own or (n_other == n_own and c < b):
            return False
        others &= ~c
    return True


@uncounted
def open_face(k, rows, counts, commons, bits, apex, masks):  # type: ignore[no-untyped-def]
    """Begin the face of dimension k with corners rows[k]: its apex, and the facets beyond it."""
    union, common = np.uint64(0), ~np.uint64(0)
    for i in range(counts[k]):
        union |= masks[rows[k, i]]
        common &= masks[rows[k, i]]
    apex[k], commons[k] = rows[k, 0], common
    bits[k, 0] = union & ~common & ~masks[rows[k, 0]]
    bits[k, 1] = union


@uncounted
def add_pyramid(k, p, X, apexes, measure, middle, basis, best, r):  # type: ignore[no-untyped-def]
    """A facet's pyramid with apex p to a face of dimension k: its part, and a basis if highest."""
    d, g = X.shape[1], apexes[k - 1]
    for c in range(d):
        r[c] = X[p, c] - X[g, c]
    for b in range(k - 1):
        along = 0.0
        for c in range(d):
            along += basis[k - 1, b, c] * r[c]
        for c in range(d):
            r[c] -= along * basis[k - 1, b, c]
    square = 0.0
    for c in range(d):
        square += r[c] * r[c]
    height = np.sqrt(square)
    part = height * measure[k - 1]
    measure[k] += part
    for c in range(d):
        middle[k, c] += part * (middle[k - 1, c] - X[p, c]) * k / (k + 1)
    if height > best[k]:
        best[k] = height
        for b in range(k - 1):
            for c in range(d):
                basis[k, b, c] = basis[k - 1, b, c]
        for c in range(d):
            basis[k, k - 1, c] = r[c] / max(height, SMALLEST_HEIGHT)


@uncounted
def close_face(k, p, X, measure, middle):  # type: ignore[no-untyped-def]
    """The measure and the centroid of a face whose pyramids with apex p were all added."""
    for c in range(X.shape[1]):
        inner = middle[k, c] / measure[k] if measure[k] > 0 else 0.0
        middle[k, c] = X[p, c] + inner
    measure[k] /= k


@uncounted
def slot_of_face(face, cell, keys, owners):  # type: ignore[no-untyped-def]
    """Where a face of a cell, the mask of its facets, is kept or could be; -1 where no room is."""
    slot, last = (
        np.int64((face * EDGE_MULTIPLIER) >> np.uint64(64 - FACE_TABLE_BITS)),
        len(keys) - 1,
    )
    for _ in range(MOST_PROBES):
        if owners[slot] != cell or keys[slot] == face:
            return slot
        slot = (slot + 1) & last
    return np.int64(-1)


@uncounted
def copy_face(k, to, to_state, slot, state):  # type: ignore[no-untyped-def]
    """Vertex, measure, centroid and basis of a face of dimension k from one place to another."""
    vertex, measure, middle, basis = state
    to_vertex, to_measure, to_middle, to_basis = to_state
    to_vertex[to], to_measure[to] = vertex[slot], measure[slot]
    for c in range(middle.shape[1]):
        to_middle[to, c] = middle[slot, c]
    for b in range(k):
        for c in range(middle.shape[1]):
            to_basis[to, b, c] = basis[slot, b, c]


@subkernel
def measure_cell(cell, X, ids, masks, rows, counts, walk, state, keys, owners, kept):  # type: ignore[no-untyped-def]
    """Measure[d] and middle[d] of one cell, whose corners are in rows[d]; its faces are kept."""
    commons, bits, apex, best, r = walk
    vertex, measure, middle, basis = state
    d = X.shape[1]
    simple = True
    for i in range(counts[d]):
        simple = simple and count_bits(masks[i]) == d
    k = d
    open_face(k, rows, counts, commons, bits, apex, masks)
    measure[k], best[k], middle[k] = 0.0, -1.0, 0.0
    while True:
        if bits[k, 0] == 0:  # all facets of this face are in
            p = vertex[k] = ids[apex[k]]
            close_face(k, p, X, measure, middle)
            if k == d:
                return
            slot = slot_of_face(commons[k], cell, keys, owners)
            if slot >= 0:
                owners[slot], keys[slot] = cell, commons[k]
                copy_face(k, slot, kept, k, state)
            k += 1
            add_pyramid(k, ids[apex[k]], X, vertex, measure, middle, basis, best, r)
            continue
        b = bits[k, 0] & (~bits[k, 0] + np.uint64(1))
        bits[k, 0] &= ~b
        n, own = 0, ~np.uint64(0)
        for i in range(counts[k]):
            row = rows[k, i]
            if masks[row] & b:
                rows[k - 1, n] = row
                own &= masks[row]
                n += 1
        if not simple and not is_facet_of_face(
            b, bits[k, 1], commons[k], own, rows, k, counts[k], masks
        ):
            continue
        if k == 1:
            vertex[0], measure[0] = ids[rows[0, 0]], 1.0
            middle[0] = X[vertex[0]]
            add_pyramid(1, ids[apex[1]], X, vertex, measure, middle, basis, best, r)
            continue
        slot = slot_of_face(own, cell, keys, owners)
        if slot >= 0 and owners[slot] == cell:
            copy_face(k - 1, k - 1, state, slot, kept)
            add_pyramid(k, ids[apex[k]], X, vertex, measure, middle, basis, best, r)
            continue
        k -= 1
        counts[k] = n
        open_face(k, rows, counts, commons, bits, apex, masks)
        measure[k], best[k], middle[k] = 0.0, -1.0, 0.0


@subkernel
def order_corners(X, ids, begin, along, out):  # type: ignore[no-untyped-def]
    """The corners of a cell along a direction: few faces miss the first corner of all around them.

    Any order gives the same volume; in this one a cube has 2^d such faces.
    """
    for i in range(len(along)):
        along[i] = 0.0
        for c in range(X.shape[1]):
            along[i] += X[ids[begin + i], c] * (1.0 + 0.1 * c)
    order = np.argsort(along)
    for i in range(len(along)):
        out[i] = order[i]


@jit
def measure_cells(X, ids, masks, ends, first, last, out, out_middle):  # type: ignore[no-untyped-def]
    """Volumes and centroids of cells first .. last - 1."""
    d, most = X.shape[1], 1
    for cell in range(first, last):
        most = max(most, ends[cell] - (ends[cell - 1] if cell else 0))
    along = np.empty(most)
    rows, counts = np.empty((d + 1, most), np.int64), np.zeros(d + 1, np.int64)
    walk = (
        np.zeros(d + 1, np.uint64), np.zeros((d + 1, 2), np.uint64), np.zeros(d + 1, np.int64),
        np.zeros(d + 1), np.empty(d),
    )  # fmt: skip
    state = (
        np.zeros(d + 1, np.int64),
        np.zeros(d + 1),
        np.zeros((d + 1, d)),
        np.zeros((d + 1, d, d)),
    )
    size = 1 << FACE_TABLE_BITS
    keys, owners = np.zeros(size, np.uint64), np.full(size, -1, np.int64)
    kept = np.empty(size, np.int64), np.empty(size), np.empty((size, d)), np.empty((size, d, d))
    for cell in range(first, last):
        begin = ends[cell - 1] if cell else 0
        counts[d] = ends[cell] - begin
        order_corners(X, ids, begin, along[: counts[d]], rows[d])
        own = slice(begin, ends[cell])
        measure_cell(cell, X, ids[own], masks[own], rows, counts, walk, state, keys, owners, kept)
        out[cell] = state[1][d]
        for c in range(d):
            out_middle[cell, c] = state[2][d, c]
