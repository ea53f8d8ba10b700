"""Kernels on the faces of a complex: cut all that a wall passes through, unit by unit.

A face of dimension k >= 1 is the list of its facets, faces of dimension k - 1; a vertex is a row of
values. Signs are judged at the shared vertices only, three of them (above, below, on the wall), one
bit for each of up to 64 walls. A face is split where it has corners above and below; the new face
between its parts has for facets the mod-2 boundary of the facets on the side above. That is the
right face where signs are exact, ties included, and keeps the boundary of every boundary empty
whatever rounding does to the signs.

A face waits in the bucket of the next wall that passes through it, so that a wall costs nothing but
what it cuts. Faces of all dimensions share one numbering; a record of four words holds a face:

    ABOVE, BELOW  walls that some corner is above, below
    PLACE         where its facets begin in the pool, and how many; of a vertex its row of values
    PARTS         the part it last lost, and the face between the two
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

ABOVE, BELOW, PLACE, PARTS = 0, 1, 2, 3  # columns of a record
COUNT_BITS = np.uint64(20)  # of PLACE: how many facets
COUNT_MASK = np.uint64(2**20 - 1)
HALF_WORD = np.uint64(32)
HALF_MASK = np.uint64(2**32 - 1)
# Counters of a complex that is being cut, and what it needs room for.
FACES, VERTICES, POOL, CELLS, STAMP, HITS = 0, 1, 2, 3, 4, 5
WORD_DONE, ROOM_NEEDED, TOO_MANY_CELLS, WORD_PAUSED = 0, 1, 2, 3  # what `cut_by_walls` returns


@uncounted
def queue_face(f, later, dim, rec, head, link):  # type: ignore[no-untyped-def]
    """Put face f into the bucket of the first of the `later` walls that passes through it."""
    both = rec[f, ABOVE] & rec[f, BELOW] & later
    if both:
        lowest = both & (~both + np.uint64(1))
        u = POWER_OF_HIGH_BITS[(lowest * DE_BRUIJN_SEQUENCE) >> np.uint64(58)]
        link[f] = head[dim[f], u]
        head[dim[f], u] = f


@jit
def begin_word(d, n, dim, rec, pool, head, link, Z, ends, entries, levels, tol, values, sides):  # type: ignore[no-untyped-def]
    """The words of all faces for new walls, and their buckets; walls that vertices lie on.

    sides (2, V, 1) is room for the words of vertices.
    """
    all_vertex_sides(n[VERTICES], Z, ends, entries, levels, tol, values, sides[0], sides[1])
    head[:] = -1
    all_walls, on_wall = ~np.uint64(0), np.uint64(0)
    for f in range(n[FACES]):
        if dim[f] == 0:
            v = np.int64(rec[f, PLACE])
            rec[f, ABOVE], rec[f, BELOW] = sides[0, v, 0], sides[1, v, 0]
            on_wall |= ~(sides[0, v, 0] | sides[1, v, 0])
    for k in range(1, d + 1):
        for f in range(n[FACES]):
            if dim[f] == k:
                above, below, place = np.uint64(0), np.uint64(0), rec[f, PLACE]
                begin = np.int64(place >> COUNT_BITS)
                for i in range(begin, begin + np.int64(place & COUNT_MASK)):
                    above |= rec[pool[i], ABOVE]
                    below |= rec[pool[i], BELOW]
                rec[f, ABOVE], rec[f, BELOW], rec[f, PARTS] = above, below, np.uint64(0)
                queue_face(f, all_walls, dim, rec, head, link)
    return on_wall


@uncounted
def empty_buckets(u, d, ties, dim, rec, pool, head, link, todo, begin, need):  # type: ignore[no-untyped-def]
    """The k-faces that wall u cuts into todo[begin[k] : begin[k + 1]], and the room they need."""
    count = 0
    need[:] = 0
    for k in range(1, d + 1):
        begin[k], f = count, head[k, u]
        while f >= 0:
            todo[count] = f
            count += 1
            n_facets = np.int64(rec[f, PLACE] & COUNT_MASK)
            need[POOL] += 3 * n_facets + 4
            if ties and k > 1:
                first, ridges = np.int64(rec[f, PLACE] >> COUNT_BITS), np.int64(0)
                for i in range(first, first + n_facets):
                    ridges += np.int64(rec[pool[i], PLACE] & COUNT_MASK) + 1
                need[POOL] += ridges
                need[HITS] = max(need[HITS], ridges)
            f = link[f]
        low, high = begin[k], count - 1
        while low < high:  # in the order in which they were made, near each other in memory
            todo[low], todo[high] = todo[high], todo[low]
            low, high = low + 1, high - 1
    begin[d + 1] = count
    need[FACES] = 2 * count
    need[VERTICES] = begin[2] - begin[1]
    need[CELLS] = begin[d + 1] - begin[d]


@uncounted
def cut_edge(  # type: ignore[no-untyped-def]
    e, u, bit, later, n, dim, rec, pool, head, link, Z, ends, entries, levels, tol, values, sides,
    a, b, t,
):  # fmt: skip
    """Split edge e at wall u; later walls that the new vertex lies on. New: a part, the vertex."""
    at = np.int64(rec[e, PLACE] >> COUNT_BITS)
    p, q = pool[at], pool[at + 1]
    if rec[p, BELOW] & bit:
        p, q = q, p
    i, j, v = np.int64(rec[p, PLACE]), np.int64(rec[q, PLACE]), n[VERTICES]
    x = wall_value(Z, i, ends, entries, levels, u)
    w = x / (x - wall_value(Z, j, ends, entries, levels, u))
    a[v], b[v], t[v] = i, j, w
    for c in range(Z.shape[1]):
        Z[v, c] = Z[i, c] + w * (Z[j, c] - Z[i, c])
    if ends[u + 1] - ends[u] == 1:
        Z[v, entries[ends[u]]] = levels[u]
    set_vertex_sides(Z, v, ends, entries, levels, tol, values, sides[0], sides[1])
    m, y = n[FACES], n[FACES] + 1
    n[VERTICES], n[FACES] = v + 1, m + 2
    dim[m], dim[y] = 1, 0
    above, below = sides[0, v, 0] & ~bit, sides[1, v, 0] & ~bit
    rec[y, ABOVE], rec[y, BELOW] = above, below
    rec[y, PLACE], rec[y, PARTS] = np.uint64(v), np.uint64(0)
    pool[at], pool[at + 1] = p, y
    at = n[POOL]
    pool[at], pool[at + 1] = q, y
    n[POOL] = at + 2
    rec[m, PLACE], rec[m, PARTS] = np.uint64(at) << COUNT_BITS | np.uint64(2), np.uint64(0)
    rec[m, ABOVE], rec[m, BELOW] = rec[q, ABOVE] | above, rec[q, BELOW] | below
    rec[e, ABOVE], rec[e, BELOW] = rec[p, ABOVE] | above, rec[p, BELOW] | below
    rec[e, PARTS] = np.uint64(m) << HALF_WORD | np.uint64(y)
    queue_face(e, later, dim, rec, head, link)
    queue_face(m, later, dim, rec, head, link)
    return ~(above | below) & later


@uncounted
def boundary_of_part(begin, end, stamp, rec, pool, mark, hit, to):  # type: ignore[no-untyped-def]
    """The mod-2 boundary of the faces pool[begin:end] into pool[to:]; where it ends."""
    n_hit = 0
    for i in range(begin, end):
        place = rec[pool[i], PLACE]
        first = np.int64(place >> COUNT_BITS)
        for r in range(first, first + np.int64(place & COUNT_MASK)):
            h = pool[r]
            if mark[h] < stamp:
                hit[n_hit] = h
                n_hit += 1
                mark[h] = stamp + 1
            else:
                mark[h] = 2 * stamp + 1 - mark[h]
    for i in range(n_hit):
        if mark[hit[i]] == stamp + 1:
            pool[to] = hit[i]
            to += 1
    return to


@uncounted
def cut_face(f, bit, later, ties, old, n, dim, rec, pool, head, link, mark, hit):  # type: ignore[no-untyped-def]
    """Split face f, of dimension 2 or more, whose facets were split. New: a part, what is between.

    f stays the part above; `old` is how many faces there were before this wall.
    """
    place = rec[f, PLACE]
    first, count, used = np.int64(place >> COUNT_BITS), np.int64(place & COUNT_MASK), n[POOL]
    m, z = n[FACES], n[FACES] + 1
    n[FACES] = m + 2
    dim[m], dim[z] = dim[f], dim[f] - 1
    kept, lost, between = 0, used, used + count + 1
    for i in range(first, first + count):
        g = pool[i]
        y = np.int64(rec[g, PARTS] & HALF_MASK)
        if y >= old:  # split by this wall
            pool[lost], pool[between] = np.int64(rec[g, PARTS] >> HALF_WORD), y
            lost += 1
            between += 1
        elif rec[g, BELOW] & bit:
            pool[lost] = g
            lost += 1
            continue
        pool[first + kept] = g
        kept += 1
    if ties:
        n[STAMP] += 2
        own = first, first + kept, n[STAMP]
        between = boundary_of_part(*own, rec, pool, mark, hit, used + count + 1)
    n_between = between - (used + count + 1)
    pool[lost] = z
    gap = used + count - lost  # between the two lists
    if gap:
        for i in range(lost + 1, lost + 1 + n_between):
            pool[i] = pool[i + gap]
    rec[m, PLACE] = np.uint64(used) << COUNT_BITS | np.uint64(lost + 1 - used)
    rec[z, PLACE] = np.uint64(lost + 1) << COUNT_BITS | np.uint64(n_between)
    used = lost + 1 + n_between
    if kept < count:
        pool[first + kept] = z
        rec[f, PLACE] = np.uint64(first) << COUNT_BITS | np.uint64(kept + 1)
    else:
        for i in range(count):
            pool[used + i] = pool[first + i]
        pool[used + count] = z
        rec[f, PLACE] = np.uint64(used) << COUNT_BITS | np.uint64(count + 1)
        used += count + 1
    n[POOL] = used
    rec[f, PARTS] = np.uint64(m) << HALF_WORD | np.uint64(z)
    rec[m, PARTS], rec[z, PARTS] = np.uint64(0), np.uint64(0)
    for g in (z, m, f):  # the face between first: the parts have it among their facets
        above, below = np.uint64(0), np.uint64(0)
        at = np.int64(rec[g, PLACE] >> COUNT_BITS)
        for i in range(at, at + np.int64(rec[g, PLACE] & COUNT_MASK)):
            above |= rec[pool[i], ABOVE]
            below |= rec[pool[i], BELOW]
        rec[g, ABOVE], rec[g, BELOW] = above, below
        queue_face(g, later, dim, rec, head, link)


@jit
def cut_by_walls(  # type: ignore[no-untyped-def]
    u, d, behind, max_cells, pause, n, need, on_wall, dim, rec, pool, head, link, todo, wall, root,
    Z, ends, entries, levels, tol, values, sides, a, b, t, mark, hit,
):  # fmt: skip
    """Cut by the walls u and behind of a word; what it ended for, and the wall to go on with.

    After `pause` new faces it returns, so that its caller hears of Ctrl-C; where an array is full,
    `need` says how much room the next wall takes.
    """
    begin, start = np.zeros(d + 2, np.int64), n[FACES]
    while u < len(levels):
        bit = np.uint64(1) << np.uint64(u)
        later = ~((bit << np.uint64(1)) - np.uint64(1))
        if head[d, u] < 0:  # with ties a cell may be split though none of its edges is
            u += 1
            continue
        if n[FACES] - start > pause:
            return WORD_PAUSED, u
        ties = on_wall[0] & bit != 0
        empty_buckets(u, d, ties, dim, rec, pool, head, link, todo, begin, need)
        if n[CELLS] + need[CELLS] > max_cells:
            return TOO_MANY_CELLS, u
        if (
            n[FACES] + need[FACES] > len(rec)
            or n[VERTICES] + need[VERTICES] > len(Z)
            or n[POOL] + need[POOL] > len(pool)
            or need[HITS] > len(hit)
        ):
            return ROOM_NEEDED, u
        old = n[FACES]
        for i in range(begin[1], begin[2]):
            e, m = np.int64(todo[i]), n[FACES]
            on_wall[0] |= cut_edge(
                e, u, bit, later, n, dim, rec, pool, head, link, Z, ends, entries, levels, tol,
                values, sides, a, b, t,
            )  # fmt: skip
            wall[m] = wall[e]
        for k in range(2, d + 1):
            for i in range(begin[k], begin[k + 1]):
                f, m = np.int64(todo[i]), n[FACES]
                cut_face(f, bit, later, ties, old, n, dim, rec, pool, head, link, mark, hit)
                wall[m], root[m] = wall[f], root[f]
                if k == d:
                    wall[m + 1] = behind[u]
        n[CELLS] += need[CELLS]
        u += 1
    return WORD_DONE, u


@jit
def faces_by_dimension(d, dim):  # type: ignore[no-untyped-def]
    """How many faces of each dimension (d + 1), and the number of each among those of its own."""
    count, number = np.zeros(d + 1, np.int64), np.empty(len(dim), np.int32)
    for f in range(len(dim)):
        number[f] = count[dim[f]]
        count[dim[f]] += 1
    return count, number


@jit
def facets_of_dimension(k, count, dim, rec, pool, number):  # type: ignore[no-untyped-def]
    """The facets of the k-faces, by their own numbers, one face after another, and their ends."""
    ends, total, i = np.empty(count, np.int64), np.int64(0), 0
    for f in range(len(dim)):
        if dim[f] == k:
            total += np.int64(rec[f, PLACE] & COUNT_MASK)
            ends[i] = total
            i += 1
    ids, at = np.empty(total, np.int32), 0
    for f in range(len(dim)):
        if dim[f] == k:
            first = np.int64(rec[f, PLACE] >> COUNT_BITS)
            for r in range(first, first + np.int64(rec[f, PLACE] & COUNT_MASK)):
                ids[at] = number[pool[r]]
                at += 1
    return ids, ends
