"""Kernels on cells that know their own corners and facets, cut one by one and depth first.

A cell is a list of corners, vertices by number, each with a mask: bit i says that it lies on the
cell's facet i. Two corners are the ends of an edge where their masks have d - 1 facets in common
and, unless every corner lies on exactly d, no third corner lies on all of those. A wall makes a
vertex on each edge from above to below; a table of edges that were cut gives it the same number in
all cells. Of the facets a part keeps those with a corner strictly on its side.

Nothing is known here of faces between edges and facets, so that a cell costs its corners alone; see
`_face_cutting` for all faces.
"""

from __future__ import annotations

import numpy as np

from ..._core.numba import jit, uncounted
from .._wall_sides import (
    DE_BRUIJN_SEQUENCE,
    POWER_OF_HIGH_BITS,
    all_vertex_sides,
    set_vertex_sides,
    wall_value,
)

# Counters of cells that are being cut: parents begun, parts that wait, what was written.
PARENT, WAITING, CORNERS_OUT, WALLS_OUT, CELLS_OUT, N_VERTICES, CUT_EDGES = 0, 1, 2, 3, 4, 5, 6
# Why `cut_cells` ended: all done, an array is full, too many cells, a pause, too many facets.
CELLS_DONE, VERTEX_ROOM, TABLE_ROOM, OUTPUT_ROOM, STACK_ROOM = 0, 1, 2, 3, 4
TOO_MANY, PAUSED, TOO_MANY_FACETS = 5, 6, 7
BEGIN, COUNT, IS_SIMPLE = 0, 1, 2  # of a part that waits, in `place`
USED, IS_ABOVE, ABOVE_WORD, BELOW_WORD, LATER = 0, 1, 2, 3, 4  # its words
EDGE_MULTIPLIER = np.uint64(0xD6E8FEB86659FD93)  # an odd number whose products spread well
MOST_FACETS = 64
MOST_WAITING = 66  # a word of walls halves a cell 64 times at most


@uncounted
def count_bits(x):  # type: ignore[no-untyped-def]
    """How many bits of a word are set."""
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@uncounted
def lowest_bit(x):  # type: ignore[no-untyped-def]
    """The place of the lowest bit of a word that is not 0."""
    lowest = x & (~x + np.uint64(1))
    return POWER_OF_HIGH_BITS[(lowest * DE_BRUIJN_SEQUENCE) >> np.uint64(58)]


@uncounted
def slot_of_edge(keys, key, shift):  # type: ignore[no-untyped-def]
    """Where an edge stands in the table, or the empty place where it would."""
    slot, last = np.int64((key * EDGE_MULTIPLIER) >> shift), len(keys) - 1
    while keys[slot] != 0 and keys[slot] != key:
        slot = (slot + 1) & last
    return slot


@jit
def match_vertices(n, own, other):  # type: ignore[no-untyped-def]
    """The same vertices under other numbers (V,), from the edges (n_new, 2) they were cut into.

    The first n have the same numbers; -1 for a vertex that the others have not.
    """
    size = 64
    while size < 2 * len(other):
        size *= 2
    shift = np.uint64(64 - lowest_bit(np.uint64(size)))
    keys, numbers = np.zeros(size, np.uint64), np.empty(size, np.int64)
    for v in range(len(other)):
        low, high = min(other[v, 0], other[v, 1]), max(other[v, 0], other[v, 1])
        key = np.uint64(low) << np.uint64(32) | np.uint64(high)
        slot = slot_of_edge(keys, key, shift)
        keys[slot], numbers[slot] = key, n + v
    out = np.full(n + len(own), -1, np.int64)
    out[:n] = np.arange(n)
    for v in range(len(own)):
        p, q = out[own[v, 0]], out[own[v, 1]]
        if p >= 0 and q >= 0:
            key = np.uint64(min(p, q)) << np.uint64(32) | np.uint64(max(p, q))
            slot = slot_of_edge(keys, key, shift)
            if keys[slot] == key:
                out[n + v] = numbers[slot]
    return out


@jit
def rehash(keys, numbers, shift, old_keys, old_numbers):  # type: ignore[no-untyped-def]
    """A table's entries into a larger one."""
    for i in range(len(old_keys)):
        if old_keys[i]:
            slot = slot_of_edge(keys, old_keys[i], shift)
            keys[slot], numbers[slot] = old_keys[i], old_numbers[i]


@uncounted
def make_vertex(  # type: ignore[no-untyped-def]
    p, q, u, n, Z, ends, entries, levels, tol, values, sides, a, b, t
):  # fmt: skip
    """Make the next vertex, where wall u cuts the edge from p, above, to q, below."""
    v = n[N_VERTICES]
    x = wall_value(Z, p, ends, entries, levels, u)
    w = x / (x - wall_value(Z, q, ends, entries, levels, u))
    a[v], b[v], t[v] = p, q, w
    for c in range(Z.shape[1]):
        Z[v, c] = Z[p, c] + w * (Z[q, c] - Z[p, c])
    if ends[u + 1] - ends[u] == 1:
        Z[v, entries[ends[u]]] = levels[u]
    set_vertex_sides(Z, v, ends, entries, levels, tol, values, sides[0], sides[1])
    bit = np.uint64(1) << np.uint64(u)
    sides[0, v, 0] &= ~bit
    sides[1, v, 0] &= ~bit
    n[N_VERTICES], n[CUT_EDGES] = v + 1, n[CUT_EDGES] + 1


@uncounted
def load_parent(d, cell, cells, sides, corners, masks, place, words, walls):  # type: ignore[no-untyped-def]
    """Put a cell on the empty stack."""
    ids, own_masks, ends, used, is_above, own_walls, wall_ends = cells
    begin, end = ends[cell - 1] if cell else 0, ends[cell]
    above, below, simple = np.uint64(0), np.uint64(0), 1
    for i in range(begin, end):
        v = ids[i]
        corners[i - begin], masks[i - begin] = v, own_masks[i]
        above |= sides[0, v, 0]
        below |= sides[1, v, 0]
        if count_bits(own_masks[i]) != d:
            simple = 0
    place[0, BEGIN], place[0, COUNT], place[0, IS_SIMPLE] = 0, end - begin, simple
    words[0, USED], words[0, IS_ABOVE] = used[cell], is_above[cell]
    words[0, ABOVE_WORD], words[0, BELOW_WORD] = above, below
    words[0, LATER] = ~np.uint64(0)
    at, bits = wall_ends[cell - 1] if cell else 0, used[cell]
    while bits:
        walls[0, lowest_bit(bits)] = own_walls[at]
        at += 1
        bits &= bits - np.uint64(1)


@uncounted
def write_cell(p, parent, n, corners, masks, place, words, walls, out):  # type: ignore[no-untyped-def]
    """A part that no later wall cuts, as a cell."""
    ids, own_masks, ends, used, is_above, own_walls, wall_ends, above, root = out
    begin, at = place[p, BEGIN], n[CORNERS_OUT]
    for i in range(place[p, COUNT]):
        ids[at + i], own_masks[at + i] = corners[begin + i], masks[begin + i]
    n[CORNERS_OUT] = at + place[p, COUNT]
    at, bits, cell = n[WALLS_OUT], words[p, USED], n[CELLS_OUT]
    while bits:
        own_walls[at] = walls[p, lowest_bit(bits)]
        at += 1
        bits &= bits - np.uint64(1)
    n[WALLS_OUT] = at
    ends[cell], wall_ends[cell] = n[CORNERS_OUT], at
    used[cell], is_above[cell] = words[p, USED], words[p, IS_ABOVE]
    above[cell], root[cell] = words[p, ABOVE_WORD], parent
    n[CELLS_OUT] = cell + 1


@uncounted
def is_edge(both, r, q, begin, count, masks):  # type: ignore[no-untyped-def]
    """Whether no third corner lies on all facets that corners r and q have in common."""
    for i in range(begin, begin + count):
        if masks[i] & both == both and i != r and i != q:
            return False
    return True


@uncounted
def write_part(p, begin, kept, bit, first, count, ids, own_masks, corners, masks, words, sides):  # type: ignore[no-untyped-def]
    """Corners ids[first : first + count] to the part's end at begin; its words joined with theirs.

    Only facets `kept` stay, and the new one where bit is given.
    """
    above, below = words[p, ABOVE_WORD], words[p, BELOW_WORD]
    for i in range(count):
        v = ids[first + i]
        corners[begin + i], masks[begin + i] = v, (own_masks[first + i] & kept) | bit
        above |= sides[0, v, 0]
        below |= sides[1, v, 0]
    words[p, ABOVE_WORD], words[p, BELOW_WORD] = above, below


@uncounted
def split_part(d, u, wall, n, corners, masks, place, words, walls, new, new_masks, near, edges):  # type: ignore[no-untyped-def]
    """Cut the part on top of the stack by wall u; its upper part goes on top of its lower one."""
    keys, numbers, shift, Z, ends, entries, levels, tol, values, sides, a, b, t = edges
    p, bit = n[WAITING] - 1, np.uint64(1) << np.uint64(u)
    begin, count = place[p, BEGIN], place[p, COUNT]
    simple, kept_above, kept_below = place[p, IS_SIMPLE] == 1, np.uint64(0), np.uint64(0)
    # above | on the wall | below, in the room for new corners: from both ends, and behind
    n_above, n_below, n_on, room = 0, 0, 0, count
    for i in range(begin, begin + count):
        v, m = corners[i], masks[i]
        if sides[0, v, 0] & bit:
            new[n_above], new_masks[n_above] = i, m
            kept_above |= m
            n_above += 1
        elif sides[1, v, 0] & bit:
            new[room + n_below], new_masks[room + n_below] = i, m
            kept_below |= m
            n_below += 1
        else:
            new[2 * room + n_on], new_masks[2 * room + n_on] = v, m
            n_on += 1
    simple = simple and n_on == 0
    made, last_slot = 2 * room + n_on, len(keys) - 1
    for i in range(n_above):
        m, n_near, r = new_masks[i], np.int64(0), new[i]
        for j in range(room, room + n_below):  # without a branch that no one could foresee
            near[n_near] = j
            n_near += np.int64(count_bits(m & new_masks[j]) >= d - 1)
        for k in range(n_near):
            q, both = new[near[k]], m & new_masks[near[k]]
            if simple or is_edge(both, r, q, begin, count, masks):
                above, below = corners[r], corners[q]
                low, high = np.uint64(min(above, below)), np.uint64(max(above, below))
                key = low << np.uint64(32) | high
                slot = np.int64((key * EDGE_MULTIPLIER) >> shift)
                while keys[slot] != key:  # a call for each edge would cost more than this
                    if keys[slot] == 0:
                        keys[slot], numbers[slot] = key, n[N_VERTICES]
                        make_vertex(
                            above, below, u, n, Z, ends, entries, levels, tol, values, sides,
                            a, b, t,
                        )  # fmt: skip
                        break
                    slot = (slot + 1) & last_slot
                new[made], new_masks[made] = numbers[slot], both
                made += 1
    for i in range(n_above):
        new[i] = corners[new[i]]
    for j in range(room, room + n_below):
        new[j] = corners[new[j]]
    shared = made - 2 * room
    side = np.uint64(1) << np.uint64(lowest_bit(~words[p, USED]))
    later = ~((bit << np.uint64(1)) - np.uint64(1))
    top, middle = p + 1, begin + n_below + shared
    for i in range(MOST_FACETS):
        walls[top, i] = walls[p, i]
    walls[p, lowest_bit(side)], walls[top, lowest_bit(side)] = wall, wall
    words[top, USED], words[top, IS_ABOVE] = (
        kept_above | side,
        words[p, IS_ABOVE] & kept_above | side,
    )
    words[p, USED], words[p, IS_ABOVE] = kept_below | side, words[p, IS_ABOVE] & kept_below & ~side
    for part in (p, top):
        words[part, ABOVE_WORD], words[part, BELOW_WORD] = np.uint64(0), np.uint64(0)
        words[part, LATER] = later
        place[part, IS_SIMPLE] = simple
    none = np.uint64(0)
    stack = corners, masks, words, sides
    write_part(p, begin, kept_below, none, room, n_below, new, new_masks, *stack)
    write_part(p, begin + n_below, kept_below, side, 2 * room, shared, new, new_masks, *stack)
    write_part(top, middle, kept_above, none, 0, n_above, new, new_masks, *stack)
    write_part(top, middle + n_above, kept_above, side, 2 * room, shared, new, new_masks, *stack)
    place[p, COUNT] = n_below + shared
    place[top, BEGIN], place[top, COUNT] = middle, n_above + shared
    n[WAITING] = top + 1


@jit
def cut_cells(  # type: ignore[no-untyped-def]
    d, behind, max_cells, pause, n, cells, out, stack, new, new_masks, near, edges
):
    """Cut cell after cell by a word of walls, on from where the counters n stand; why it ended.

    cells, out: ids, masks, ends, used, is_above, walls, wall_ends (out: and above, root). stack:
    corners, masks, place, words, walls of parts that wait. edges: the table, what makes vertices.
    """
    corners, masks, place, words, walls = stack
    keys, sides, n_cells, cuts = edges[0], edges[9], len(cells[2]), 0
    while True:
        if n[WAITING] == 0:
            if n[PARENT] == n_cells:
                return CELLS_DONE
            cell = n[PARENT]
            count = cells[2][cell] - (cells[2][cell - 1] if cell else 0)
            if count > len(corners):
                return STACK_ROOM
            load_parent(d, cell, cells, sides, corners, masks, place, words, walls)
            n[PARENT], n[WAITING] = cell + 1, 1
        p = n[WAITING] - 1
        count = place[p, COUNT]
        crossed = words[p, ABOVE_WORD] & words[p, BELOW_WORD] & words[p, LATER]
        if crossed == 0:
            if (
                n[CORNERS_OUT] + count > len(out[0])
                or n[WALLS_OUT] + MOST_FACETS > len(out[5])
                or n[CELLS_OUT] == len(out[2])
            ):
                return OUTPUT_ROOM
            write_cell(p, n[PARENT] - 1, n, corners, masks, place, words, walls, out)
            n[WAITING] = p
            continue
        most = count * count // 4 + 1  # edges from above to below
        if n[CELLS_OUT] + n[WAITING] + n_cells - n[PARENT] >= max_cells:
            return TOO_MANY
        if words[p, USED] == ~np.uint64(0):
            return TOO_MANY_FACETS
        if n[N_VERTICES] + most > len(edges[3]):
            return VERTEX_ROOM
        if 2 * (n[CUT_EDGES] + most) > len(keys):
            return TABLE_ROOM
        if place[p, BEGIN] + 3 * count + 2 * most > len(corners) or 3 * count + most > len(new):
            return STACK_ROOM
        if cuts == pause:
            return PAUSED
        cuts += 1
        u = lowest_bit(crossed)
        split_part(
            d, u, behind[u], n, corners, masks, place, words, walls, new, new_masks, near, edges
        )


@jit
def begin_cells(n_vertices, Z, ends, entries, levels, tol, values, sides):  # type: ignore[no-untyped-def]
    """The words of all vertices for a new word of walls."""
    all_vertex_sides(n_vertices, Z, ends, entries, levels, tol, values, sides[0], sides[1])
