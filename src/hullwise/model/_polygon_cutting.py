"""Kernels on half-edges: cut polygons by walls, join polygons, list their corners.

Arrays grow by doubling; nothing here knows of networks. `Z[v]` are the values at vertex v that the
walls are about (see `_layer_walls.LayerWalls`).
"""

from __future__ import annotations

import numpy as np

from .._core.numba import inlined, jit, uncounted
from ._wall_sides import (
    all_vertex_sides,
    append_bits,
    set_polygon_sides,
    set_vertex_sides,
    wall_value,
)


@jit
def grown(x, n):  # type: ignore[no-untyped-def]
    out = np.empty(n, x.dtype)
    out[: len(x)] = x
    return out


@jit
def grown_rows(x, n):  # type: ignore[no-untyped-def]
    out = np.empty((n, x.shape[1]), x.dtype)
    out[: len(x)] = x
    return out


@jit
def loops(first, after, total):  # type: ignore[no-untyped-def]
    halves, ends, k = np.empty(total, np.int64), np.empty(len(first), np.int64), 0
    for f in range(len(first)):
        h = first[f]
        while True:
            halves[k] = h
            k += 1
            h = after[h]
            if h == first[f]:
                break
        ends[f] = k
    return halves, ends


@inlined
def set_signs(f, c, first, after, start, above, below, sign):  # type: ignore[no-untyped-def]
    """The corners' signs against wall c, into `sign`; how many edges change sign."""
    word, place = c >> 6, np.uint64(c & 63)
    changes, before, h = 0, np.int64(0), first[f]
    while True:
        v = start[h]
        up = np.int64((above[v, word] >> place) & np.uint64(1))
        s = up - np.int64((below[v, word] >> place) & np.uint64(1))
        sign[v] = s
        if s * before < 0:
            changes += 1
        before = s
        h = after[h]
        if h == first[f]:
            break
    if before * sign[start[h]] < 0:
        changes += 1
    return changes


@inlined
def find_chord(f, sign, first, after, start, ends):  # type: ignore[no-untyped-def]
    """The half-edges (before, at) the two corners where polygon f is to be cut; whether there are.

    ends gets [before p, p, before q, q]: the first corner of sign 0 behind the last positive one,
    and the same behind the last negative one. More than two zeros come from rounding only.
    """
    h, n_ends = first[f], 0
    while True:
        n = after[h]
        s = sign[start[h]]
        if s != 0 and sign[start[n]] == 0:
            m = n
            while sign[start[m]] == 0:
                m = after[m]
            if sign[start[m]] == -s:
                k = 0 if s > 0 else 2
                ends[k], ends[k + 1] = h, n
                n_ends += 1
        h = n
        if h == first[f]:
            break
    return n_ends == 2


@inlined
def split_edge(h, nv, nh, start, after, twin, face, wall):  # type: ignore[no-untyped-def]
    """Put vertex nv into the edge of half-edge h, with half-edges nh and nh + 1 behind it."""
    k = twin[h]  # h: p to nv, k: q to nv, nh: nv to q, nh + 1: nv to p
    start[nh], start[nh + 1] = nv, nv
    after[nh], after[nh + 1] = after[h], after[k]
    after[h], after[k] = nh, nh + 1
    face[nh], face[nh + 1] = face[h], face[k]
    wall[nh], wall[nh + 1] = wall[h], wall[k]  # a border names other things on its outer side
    twin[h], twin[nh + 1] = nh + 1, h
    twin[k], twin[nh] = nh, k


@inlined
def split_face(f, nf, nh, chord, unit, start, after, twin, face, wall, first):  # type: ignore[no-untyped-def]
    """Cut polygon f along a chord; the corners from p to q become polygon nf."""
    before_p, at_p, before_q, at_q = chord[0], chord[1], chord[2], chord[3]
    start[nh], start[nh + 1] = start[at_p], start[at_q]
    after[nh], after[nh + 1] = at_q, at_p
    after[before_p], after[before_q] = nh, nh + 1
    twin[nh], twin[nh + 1] = nh + 1, nh
    wall[nh], wall[nh + 1] = unit, unit
    first[f], first[nf] = nh, nh + 1
    face[nh] = f
    h = nh + 1
    while True:
        face[h] = nf
        h = after[h]
        if h == nh + 1:
            break


@inlined
def farthest_is_above(Z, entry, level, tol, start, after, h0):  # type: ignore[no-untyped-def]
    """Whether a polygon is above a level: the side of its corner farthest from it."""
    h, most = h0, 0.0
    while True:
        x = Z[start[h], entry] - level
        if abs(x) > abs(most):
            most = x
        h = after[h]
        if h == h0:
            break
    return most > tol


@inlined
def settle_sides(  # type: ignore[no-untyped-def]
    f, Z, ends, entries, levels, tol, start, after, first, crossed, initial, face_above, face_below
):
    """The walls that polygon f is above, into `face_above`.

    Where corners lie on both sides of a wall that could not cut it, the farthest decides. For walls
    that were not to cut it (`crossed` has no bit) it is what was so of the polygon before.
    """
    for word in range(len(initial)):
        up = (initial[word] & ~crossed[word]) | (face_above[f, word] & crossed[word])
        both = face_above[f, word] & face_below[f, word] & crossed[word]
        c = 64 * word
        while both:
            if both & np.uint64(1):
                entry = entries[ends[c]]
                if not farthest_is_above(Z, entry, levels[c], tol[c], start, after, first[f]):
                    up &= ~(np.uint64(1) << np.uint64(c & 63))
            both >>= np.uint64(1)
            c += 1
        face_above[f, word] = up


ALL_CUT, NEEDS_ROOM, CUT_STOPPED = 0, 1, 2  # what `cut_some` returns


@uncounted
def cut_some(  # type: ignore[no-untyped-def]
    counters, Z, ends, entries, levels, tol, units, xy, start, after, twin, face, wall, first, root,
    a, b, t, sign, above, below, face_above, face_below, folds, singles, initial, crossed, walls,
    chord, values, n_polygons, max_faces, stop,
):  # fmt: skip
    """Cut polygon after polygon, on from `counters`, until all are done or an array is full."""
    W, (nv, nh, nf, r, own, n_crossing, k, part, n_parts) = len(initial), counters
    status = ALL_CUT
    while r < n_polygons:
        if n_crossing < 0:  # a polygon that was not begun yet
            own = nf  # its parts are itself and those from here on
            set_polygon_sides(r, first, after, start, above, below, face_above, face_below)
            n_crossing, k, part = 0, 0, own - 1
            for word in range(W):
                up = face_above[r, word]
                # a maximum is convex: above at all corners, its other entry may still win inside
                passing = up & (face_below[r, word] | folds[word])
                n_crossing = append_bits(passing, 64 * word, walls, n_crossing)
                initial[word], crossed[word] = up, passing & singles[word]
        while k < n_crossing and status == ALL_CUT:
            c = walls[k]
            if part == own - 1 and (nf > max_faces or stop[0]):
                status = CUT_STOPPED
                break
            if part == own - 1:
                n_parts = nf
            word, place = c >> 6, np.uint64(c & 63)
            while part < n_parts:
                f = r if part == own - 1 else part
                if not ((face_above[f, word] & face_below[f, word]) >> place) & np.uint64(1):
                    part += 1
                    continue
                new = set_signs(f, c, first, after, start, above, below, sign)
                if nv + new > len(xy) or nh + 2 * new + 2 > len(start) or nf == len(first):
                    status = NEEDS_ROOM
                    break
                h = first[f]
                while new > 0:
                    p, q = start[h], start[after[h]]
                    if sign[p] * sign[q] < 0:
                        x = wall_value(Z, p, ends, entries, levels, c)
                        w = x / (x - wall_value(Z, q, ends, entries, levels, c))
                        a[nv], b[nv], t[nv], sign[nv] = p, q, w, 0
                        for i in range(2):
                            xy[nv, i] = xy[p, i] + w * (xy[q, i] - xy[p, i])
                        for i in range(Z.shape[1]):
                            Z[nv, i] = Z[p, i] + w * (Z[q, i] - Z[p, i])
                        if ends[c + 1] - ends[c] == 1:
                            Z[nv, entries[ends[c]]] = levels[c]
                        set_vertex_sides(Z, nv, ends, entries, levels, tol, values, above, below)
                        g = face[twin[h]]
                        for i in range(W):  # rounding may leave it beyond both ends
                            face_above[f, i] |= above[nv, i]
                            face_below[f, i] |= below[nv, i]
                            if g >= own or g == r:
                                face_above[g, i] |= above[nv, i]
                                face_below[g, i] |= below[nv, i]
                        split_edge(h, nv, nh, start, after, twin, face, wall)
                        h = after[h]
                        nh, nv, new = nh + 2, nv + 1, new - 1
                    h = after[h]
                if find_chord(f, sign, first, after, start, chord):
                    split_face(f, nf, nh, chord, units[c], start, after, twin, face, wall, first)
                    root[nf] = r
                    for g in (f, nf):
                        set_polygon_sides(
                            g, first, after, start, above, below, face_above, face_below
                        )
                    nf, nh = nf + 1, nh + 2
                part += 1
            if status == ALL_CUT:
                k, part = k + 1, own - 1
        if status != ALL_CUT:
            break
        for part in range(own - 1, nf):
            f = r if part == own - 1 else part
            settle_sides(f, Z, ends, entries, levels, tol, start, after, first, crossed, initial,
                         face_above, face_below)  # fmt: skip
        r, n_crossing = r + 1, -1
    return status, (nv, nh, nf, r, own, n_crossing, k, part, n_parts)


@jit
def cut_all(z, ends, entries, levels, tol, units, xy, halves, first, max_faces, stop):  # type: ignore[no-untyped-def]
    """Cut every polygon by every wall that passes through it; see `planar_complex.cut`.

    `entries` are of z (V, i); only the columns that they name are carried along.
    """
    nv, nh, nf, nc, nr = len(xy), halves.shape[1], len(first), len(levels), len(first)
    V, H, F, W = 3 * nv + 64, 3 * nh + 256, 3 * nf + 64, (nc + 63) // 64
    place, columns = np.full(z.shape[1], -1), np.empty(z.shape[1], np.int64)
    entries, n = entries.copy(), 0
    for i in range(len(entries)):
        if place[entries[i]] < 0:
            place[entries[i]], columns[n] = n, entries[i]
            n += 1
        entries[i] = place[entries[i]]
    Z, xy, old = np.empty((V, n)), grown_rows(xy, V), nv
    for v in range(nv):
        for i in range(n):
            Z[v, i] = z[v, columns[i]]
    start, after, twin = grown(halves[0], H), grown(halves[1], H), grown(halves[2], H)
    face, wall, first = grown(halves[3], H), grown(halves[4], H), grown(first, F)
    root = np.empty(F, np.int64)
    root[:nr] = np.arange(nr)
    a, b, t, sign = np.empty(V, np.int64), np.empty(V, np.int64), np.empty(V), np.empty(V, np.int8)
    above, below = np.empty((V, W), np.uint64), np.empty((V, W), np.uint64)
    face_above, face_below = np.empty((F, W), np.uint64), np.empty((F, W), np.uint64)
    folds, singles = np.zeros(W, np.uint64), np.zeros(W, np.uint64)
    for c in range(nc):
        n = ends[c + 1] - ends[c]
        folds[c >> 6] |= np.uint64(n > 2) << np.uint64(c & 63)
        singles[c >> 6] |= np.uint64(n == 1) << np.uint64(c & 63)
    initial, crossed, walls = np.empty(W, np.uint64), np.empty(W, np.uint64), np.empty(nc, np.int64)
    chord, values = np.empty(4, np.int64), np.empty(64)
    all_vertex_sides(nv, Z, ends, entries, levels, tol, values, above, below)
    zero = np.int64(0)  # no literal: another type
    status, counters = NEEDS_ROOM, (nv, nh, nf, zero, nf, zero - 1, zero, zero, zero)
    while status == NEEDS_ROOM:
        status, counters = cut_some(
            counters, Z, ends, entries, levels, tol, units, xy, start, after, twin, face, wall,
            first, root, a, b, t, sign, above, below, face_above, face_below, folds, singles,
            initial, crossed, walls, chord, values, nr, max_faces, stop,
        )  # fmt: skip
        if status == NEEDS_ROOM:
            V, H, F = 2 * V, 2 * H, 2 * F
            Z, xy = grown_rows(Z, V), grown_rows(xy, V)
            a, b, t, sign = grown(a, V), grown(b, V), grown(t, V), grown(sign, V)
            above, below = grown_rows(above, V), grown_rows(below, V)
            start, after, twin = grown(start, H), grown(after, H), grown(twin, H)
            face, wall = grown(face, H), grown(wall, H)
            first, root = grown(first, F), grown(root, F)
            face_above, face_below = grown_rows(face_above, F), grown_rows(face_below, F)
    nv, nh, nf = counters[0], counters[1], counters[2]
    halves = np.empty((5, nh), np.int32)
    halves[0], halves[1], halves[2] = start[:nh], after[:nh], twin[:nh]
    halves[3], halves[4] = face[:nh], wall[:nh]
    new_vertices = (a[old:nv].copy(), b[old:nv].copy(), t[old:nv].copy())
    faces = (first[:nf].copy(), face_above[:nf].copy(), root[:nf].copy())
    return status == ALL_CUT, xy[:nv].copy(), halves, faces, new_vertices


@jit
def dissolve_all(nv, n_fixed, halves, key):  # type: ignore[no-untyped-def]
    """Join polygons of equal key; see `planar_complex.dissolve`."""
    start, after, twin, face, wall = halves[0], halves[1], halves[2], halves[3], halves[4]
    nh = len(start)
    dead, left = np.zeros(nh, np.bool_), np.zeros(nv, np.int64)
    for h in range(nh):
        f, g = face[h], face[twin[h]]
        dead[h] = f >= 0 and g >= 0 and key[f] == key[g]
        if not dead[h]:
            left[start[h]] += 1
    # a vertex with two edges left is a bend of none of them, but for the border's corners
    new_vertex = np.full(nv, -1, np.int64)
    vertices, n = np.empty(nv, np.int64), 0
    for v in range(nv):
        if v < n_fixed or left[v] > 2:
            new_vertex[v], vertices[n] = n, v
            n += 1
    vertices = vertices[:n].copy()
    new_half, _new_face = np.full(nh, -1, np.int64), np.full(len(key), -1, np.int64)
    n = 0
    for h in range(nh):
        if not dead[h] and new_vertex[start[h]] >= 0:
            new_half[h] = n
            n += 1
    out = np.full((5, n), -1, np.int32)
    first, faces, nf = np.empty(len(key), np.int32), np.empty(len(key), np.int64), 0
    for h in range(nh):
        i = new_half[h]
        if i < 0:
            continue
        last, following = h, np.int64(-1)
        while True:
            k = after[last]
            while k >= 0 and dead[k]:
                k = after[twin[k]]
            if k < 0:  # the end of an outer side
                break
            following = new_half[k]
            if following >= 0:
                break
            last = k
        out[0, i], out[1, i], out[2, i] = new_vertex[start[h]], following, new_half[twin[last]]
        out[4, i] = wall[h]
    for h in range(nh):
        i = new_half[h]
        if i < 0 or face[h] < 0 or out[3, i] >= 0:
            continue
        first[nf], faces[nf] = i, face[h]
        k = i
        while True:
            out[3, k] = nf
            k = out[1, k]
            if k == i:
                break
        nf += 1
    return out, first[:nf].copy(), faces[:nf].copy(), vertices
