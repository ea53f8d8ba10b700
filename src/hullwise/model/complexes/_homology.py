"""Betti numbers of complexes of convex faces, with coefficients mod 2.

Pairs of faces that homology does not need are removed first: a face whose boundary has one face
left, with that one (Mrozek & Batko (2009), *Coreduction homology algorithm*), and a face that is in
the boundary of one face only, with that one. What is left is small; there ranks are counted.
"""

from __future__ import annotations

import numpy as np

from ..._core.numba import jit
from ..._core.types import Ints
from ._face_lattice import FaceLattice


def betti_numbers(lattice: FaceLattice) -> tuple[int, ...]:
    """b_0 .. b_d of a complex: components, tunnels, cavities, ..."""
    counts = np.array(lattice.n_faces)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    if not offsets[-1]:
        return (0,) * len(counts)
    ids = np.concatenate(
        [np.zeros(0, np.int64)] + [lists.ids + offsets[k] for k, lists in enumerate(lattice.facets)]
    )
    lengths = np.concatenate([np.zeros(counts[0], np.int64)] + [x.lengths for x in lattice.facets])
    ends = np.cumsum(lengths)
    around, around_ends = _transposed(ids, lengths)
    alive, components = reduce_pairs(ids, ends, around, around_ends, int(counts[0]))
    left = [alive[offsets[k] : offsets[k + 1]] for k in range(len(counts))]
    ranks = [0] + [
        _rank(ids, ends, alive, offsets[k] + np.flatnonzero(left[k])) for k in range(1, len(counts))
    ]
    betti = [
        int(np.count_nonzero(left[k])) - ranks[k] - (ranks[k + 1] if k + 1 < len(counts) else 0)
        for k in range(len(counts))
    ]
    betti[0] += components
    return tuple(betti)


def _transposed(ids: Ints, lengths: Ints) -> tuple[Ints, Ints]:
    """For every face the faces that have it in their boundary, and where each list ends."""
    order = np.argsort(ids, kind="stable")
    owners = np.repeat(np.arange(len(lengths)), lengths)
    return owners[order], np.cumsum(np.bincount(ids, minlength=len(lengths)))


@jit
def reduce_pairs(ids, ends, around, around_ends, n_vertices):  # type: ignore[no-untyped-def]
    """Which faces are left, and how many components there are (a vertex of each is taken out)."""
    n = len(ends)
    alive = np.ones(n, np.bool_)
    below, above = np.empty(n, np.int64), np.empty(n, np.int64)  # faces left in and around each
    for f in range(n):
        below[f] = ends[f] - (ends[f - 1] if f else 0)
        above[f] = around_ends[f] - (around_ends[f - 1] if f else 0)
    queue, head, tail = np.empty(3 * n, np.int64), 0, 0
    components, next_vertex = 0, 0
    removed = np.empty(2, np.int64)
    for f in range(n):
        if below[f] == 1 or above[f] == 1:
            queue[tail] = f
            tail += 1
    while True:
        n_removed = 0
        if head < tail:
            f = queue[head]
            head += 1
            if not alive[f]:
                continue
            if below[f] == 1:
                for i in range(ends[f - 1] if f else 0, ends[f]):
                    if alive[ids[i]]:
                        removed[0], removed[1], n_removed = ids[i], f, 2
            elif above[f] == 1:
                for i in range(around_ends[f - 1] if f else 0, around_ends[f]):
                    if alive[around[i]]:
                        removed[0], removed[1], n_removed = f, around[i], 2
        else:  # a component that was not met yet
            while next_vertex < n_vertices and not alive[next_vertex]:
                next_vertex += 1
            if next_vertex == n_vertices:
                break
            removed[0], n_removed = next_vertex, 1
            components += 1
        for r in range(n_removed):
            alive[removed[r]] = False
        for r in range(n_removed):
            g = removed[r]
            for i in range(around_ends[g - 1] if g else 0, around_ends[g]):
                c = around[i]
                below[c] -= 1
                if alive[c] and below[c] == 1:
                    queue[tail] = c
                    tail += 1
            for i in range(ends[g - 1] if g else 0, ends[g]):
                c = ids[i]
                above[c] -= 1
                if alive[c] and above[c] == 1:
                    queue[tail] = c
                    tail += 1
    return alive, components


def _rank(ids: Ints, ends: Ints, alive: np.typing.NDArray[np.bool_], faces: Ints) -> int:
    """The rank mod 2 of the boundaries of some faces, in what is left."""
    pivots: dict[int, int] = {}  # by their highest entry, columns as bits
    number = {int(f): i for i, f in enumerate(np.flatnonzero(alive))}
    for f in faces.tolist():
        column = 0
        for g in ids[ends[f - 1] if f else 0 : ends[f]].tolist():
            if alive[g]:
                column ^= 1 << number[g]
        while column:
            top = column.bit_length()
            if top not in pivots:
                pivots[top] = column
                break
            column ^= pivots[top]
    return len(pivots)
