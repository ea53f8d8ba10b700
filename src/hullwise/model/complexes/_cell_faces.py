"""Kernels on the faces of cells that know their corners and facets, each cell by itself.

A face of a cell is a set of its facets, as a mask: the corners on all of them are its corners. So
faces are counted and met without a list of them.
"""

from __future__ import annotations

import numpy as np

from ..._core.numba import jit, uncounted
from ._cell_cutting import EDGE_MULTIPLIER, count_bits, is_edge, lowest_bit, slot_of_edge


@uncounted
def mixed_bits(x):  # type: ignore[no-untyped-def]
    """Numbers that add up to others for other sets: the finaliser of splitmix64."""
    z = (np.uint64(x) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@jit
def vertices_are_simple(d, ids, masks, ends, used, walls, wall_ends, n_vertices):  # type: ignore[no-untyped-def]
    """Whether each corner lies on d facets of its cell, and 2^d cells inside the domain meet there.

    Fewer cannot be: the first wall that was cut is flat near the vertex, and on each side there are
    at least as many cells as parts of that wall, of which there are 2^(d - 1) likewise. With no
    more every cell has that wall, and so on: of those around a face one and one only is above all
    its facets there. Corners on d facets each are not enough: five cells may meet in a plane.
    """
    around, begin, at = np.zeros(n_vertices, np.int64), 0, 0
    for cell in range(len(ends)):
        bits, outer = used[cell], np.uint64(0)
        while bits:
            if walls[at] < 0:
                outer |= bits & (~bits + np.uint64(1))
            at += 1
            bits &= bits - np.uint64(1)
        for i in range(begin, ends[cell]):
            if count_bits(masks[i]) != d:
                return False
            around[ids[i]] += 1 << count_bits(masks[i] & outer)
        begin = ends[cell]
    return (around == 1 << d).all()


@jit
def counts_of_simple_faces(d, masks, ends, is_above):  # type: ignore[no-untyped-def]
    """How many faces of each dimension (d + 1,) cells around simple vertices have, each once.

    The cell above all facets that a face lies on names it; the corners of the cell know which.
    """
    out, begin = np.zeros(d + 1, np.int64), 0
    table, owner = np.zeros(1 << 12, np.uint64), np.full(1 << 12, -1, np.int64)
    shift, last = np.uint64(52), (1 << 12) - 1
    for cell in range(len(ends)):
        most = (ends[cell] - begin) << d
        if 2 * most > len(table):
            bits = 12
            while 1 << bits < 2 * most:
                bits += 1
            table, owner = np.zeros(1 << bits, np.uint64), np.full(1 << bits, -1, np.int64)
            shift, last = np.uint64(64 - bits), (1 << bits) - 1
        out[d] += 1
        for i in range(begin, ends[cell]):
            own = masks[i] & is_above[cell]
            face = own
            while face:  # every set of these facets
                slot = np.int64((face * EDGE_MULTIPLIER) >> shift)
                while owner[slot] == cell and table[slot] != face:
                    slot = (slot + 1) & last
                if owner[slot] != cell:
                    owner[slot], table[slot] = cell, face
                    out[d - count_bits(face)] += 1
                face = (face - np.uint64(1)) & own
        begin = ends[cell]
    return out


@jit
def edges_of_simple_cells(d, ids, masks, ends, is_above):  # type: ignore[no-untyped-def]
    """Every edge (E, 2) of cells around vertices that are simple, each once.

    Of the cells around an edge one lies above all its facets there: that one names it.
    """
    out, used = np.empty((2 * len(ends) + 64, 2), np.int32), np.int64(0)
    few, begin = np.empty(4096, np.int64), 0
    for cell in range(len(ends)):
        beyond, k = ~is_above[cell], 0
        for i in range(begin, ends[cell]):
            if count_bits(masks[i] & beyond) <= 1:
                if k == len(few):
                    few = np.concatenate((few, few))
                few[k] = i
                k += 1
        if used + k * k + 1 > len(out):
            longer = np.empty((2 * (used + k * k + 1), 2), np.int32)
            longer[:used] = out[:used]
            out = longer
        for i in range(k):
            m, v = masks[few[i]], ids[few[i]]
            for j in range(i):  # written where it is none, too, and then written over
                both = m & masks[few[j]]
                out[used, 0], out[used, 1] = ids[few[j]], v
                used += np.int64(both & beyond == 0) & np.int64(count_bits(both) == d - 1)
        begin = ends[cell]
    return out[:used].copy()


@jit
def edges_of_cells(d, ids, masks, ends, n_vertices):  # type: ignore[no-untyped-def]
    """Every edge (E, 2) of any cells, each once."""
    size = 1 << 12
    while size < 8 * n_vertices:
        size *= 2
    keys, n_keys, begin = np.zeros(size, np.uint64), 0, 0
    shift = np.uint64(64 - lowest_bit(np.uint64(size)))
    for cell in range(len(ends)):
        count = ends[cell] - begin
        if 2 * (n_keys + count * count) > len(keys):
            old, size = keys, 4 * len(keys)
            while 2 * (n_keys + count * count) > size:
                size *= 2
            keys, shift = np.zeros(size, np.uint64), np.uint64(64 - lowest_bit(np.uint64(size)))
            for i in range(len(old)):
                if old[i]:
                    keys[slot_of_edge(keys, old[i], shift)] = old[i]
        for r in range(begin, ends[cell]):
            for q in range(begin, r):
                both = masks[r] & masks[q]
                if count_bits(both) >= d - 1 and is_edge(both, r, q, begin, count, masks):
                    p, v = min(ids[r], ids[q]), max(ids[r], ids[q])
                    key = np.uint64(p) << np.uint64(32) | np.uint64(v)
                    slot = slot_of_edge(keys, key, shift)
                    if keys[slot] == 0:
                        keys[slot] = key
                        n_keys += 1
        begin = ends[cell]
    out, used = np.empty((n_keys, 2), np.int32), 0
    for i in range(len(keys)):
        if keys[i]:
            out[used, 0] = np.int32(keys[i] >> np.uint64(32))
            out[used, 1] = np.int32(keys[i] & np.uint64(0xFFFFFFFF))
            used += 1
    return out


@jit
def facet_signatures(ids, masks, ends, used, wall_ends):  # type: ignore[no-untyped-def]
    """For every facet of every cell a number of 64 bits that its corners have in common."""
    out, begin, at = np.empty(wall_ends[-1], np.uint64), 0, 0
    for cell in range(len(ends)):
        bits = used[cell]
        while bits:
            bit = bits & (~bits + np.uint64(1))
            total = np.uint64(0)
            for i in range(begin, ends[cell]):
                if masks[i] & bit:
                    total += mixed_bits(ids[i])
            out[at] = total
            at += 1
            bits &= ~bit
        begin = ends[cell]
    return out
