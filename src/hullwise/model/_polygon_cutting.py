"""Kernels on half-edges: cut polygons by walls, join polygons, list their corners.

Arrays grow by doubling; nothing here knows of networks. `Z[v]` are the values at vertex v that the
walls are about (see `_layer_walls.LayerWalls`).
"""

from __future__ import annotations

import numpy as np

from .._core.numba import jit


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


@jit
def value(Z, v, entries, level):  # type: ignore[no-untyped-def]
    """A wall's function at vertex v."""
    last = len(entries) - 1
    if last == 0:
        return Z[v, entries[0]] - level
    x = Z[v, entries[0]]
    for i in range(1, last):
        x = max(x, Z[v, entries[i]])
    return x - Z[v, entries[last]]


@jit
def signs(Z, about, level, tol, start, after, h0, sign):  # type: ignore[no-untyped-def]
    """The corners' signs, into `sign`; how many edges change sign and whether both signs occur."""
    plus, minus, changes, before, h = False, False, 0, 0, h0
    while True:
        x = value(Z, start[h], about, level)
        s = 1 if x > tol else (-1 if x < -tol else 0)
        sign[start[h]] = s
        plus, minus = plus or s > 0, minus or s < 0
        if s * before < 0:
            changes += 1
        before = s
        h = after[h]
        if h == h0:
            break
    if before * sign[start[h0]] < 0:
        changes += 1
    return changes, plus and minus


@jit
def find_chord(f, sign, first, after, start, ends):  # type: ignore[no-untyped-def]
    """The half-edges (before, at) the two corners where polygon f is to be cut, or False.

    ends gets [before p, p, before q, q]: the first corner of sign 0 behind the last positive one,
    and the same behind the last negative one. More than two zeros come from rounding only.
    """
    h = first[f]
    plus, minus = False, False
    while True:
        s = sign[start[h]]
        if s > 0:
            plus = True
        elif s < 0:
            minus = True
        h = after[h]
        if h == first[f]:
            break
    if not (plus and minus):
        return False
    n_ends = 0
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


@jit
def above(Z, entry, level, tol, start, after, h0):  # type: ignore[no-untyped-def]
    """Whether a polygon is above a level: the side of its corner farthest from it."""
    h, most = h0, 0.0
    while True:
        x = Z[start[h], entry] - level
        if abs(x) > abs(most):
            most = x
        h = after[h]
        if h == h0:
            return most > tol


@jit
def straddling(Z, ends, entries, levels, tol, start, after, h0, low, high, out):  # type: ignore[no-untyped-def]
    """The walls that may pass through a polygon, into `out`; their number."""
    low[:], high[:] = np.inf, -np.inf
    simple = len(entries) == len(low)
    h = h0
    while True:
        v = start[h]
        if simple:
            for c in range(len(low)):
                x = Z[v, entries[c]] - levels[c]
                low[c], high[c] = min(low[c], x), max(high[c], x)
        else:
            for c in range(len(low)):
                x = value(Z, v, entries[ends[c] : ends[c + 1]], levels[c])
                low[c], high[c] = min(low[c], x), max(high[c], x)
        h = after[h]
        if h == h0:
            break
    n = 0
    for c in range(len(low)):
        # a maximum is convex: above at all corners, its other entry may still win inside
        if high[c] > tol[c] and (low[c] < -tol[c] or ends[c + 1] - ends[c] > 2):
            out[n] = c
            n += 1
    return n


@jit
def split_edge(h, nv, nh, start, after, twin, face, wall):  # type: ignore[no-untyped-def]
    """Put vertex nv into the edge of half-edge h, with half-edges nh and nh + 1 behind it."""
    k = twin[h]  # h: p to nv, k: q to nv, nh: nv to q, nh + 1: nv to p
    start[nh], start[nh + 1] = nv, nv
    after[nh], after[nh + 1] = after[h], after[k]
    after[h], after[k] = nh, nh + 1
    face[nh], face[nh + 1] = face[h], face[k]
    wall[nh], wall[nh + 1] = wall[h], wall[h]
    twin[h], twin[nh + 1] = nh + 1, h
    twin[k], twin[nh] = nh, k


@jit
def split_face(f, nf, nh, chord, unit, start, after, twin, face, wall, first):  # type: ignore[no-untyped-def]
    """Cut polygon f along a chord; the corners from p to q become polygon nf."""
    before_p, at_p, before_q, at_q = chord
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


@jit
def cut_all(Z, ends, entries, levels, tol, units, xy, halves, first, max_faces, stop):  # type: ignore[no-untyped-def]
    """Cut every polygon by every wall that passes through it; see `planar_complex.cut`."""
    start, after, twin, face, wall = halves[0], halves[1], halves[2], halves[3], halves[4]
    nv, nh, nf, nc, nr = len(xy), len(start), len(first), len(levels), len(first)
    old, V, H, F = nv, nv + 64, nh + 256, nf + 64
    Z, xy = grown_rows(Z, V), grown_rows(xy, V)
    start, after, twin = grown(start, H), grown(after, H), grown(twin, H)
    face, wall, first = grown(face, H), grown(wall, H), grown(first, F)
    root, bits = np.empty(F, np.int64), np.zeros((F, nc), np.uint8)
    a, b, t = np.empty(V, np.int64), np.empty(V, np.int64), np.empty(V)
    sign, chord = np.empty(V, np.int8), np.empty(4, np.int64)
    low, high, crossing = np.empty(nc), np.empty(nc), np.empty(nc, np.int64)
    complete = True
    for r in range(nr):
        root[r] = r
    for r in range(nr):
        own = nf  # the parts of polygon r are itself and those from here on
        n = straddling(Z, ends, entries, levels, tol, start, after, first[r], low, high, crossing)
        for c in crossing[:n]:
            if nf > max_faces or stop[0]:
                complete = False
                break
            about = entries[ends[c] : ends[c + 1]]
            for part in range(own - 1, nf):
                f = r if part == own - 1 else part
                new, cuts = signs(Z, about, levels[c], tol[c], start, after, first[f], sign)
                if not cuts:
                    continue
                if nv + new > V:
                    V *= 2
                    Z, xy = grown_rows(Z, V), grown_rows(xy, V)
                    a, b, t, sign = grown(a, V), grown(b, V), grown(t, V), grown(sign, V)
                if nh + 2 * new + 2 > H:
                    H *= 2
                    start, after, twin = grown(start, H), grown(after, H), grown(twin, H)
                    face, wall = grown(face, H), grown(wall, H)
                if nf == F:
                    F *= 2
                    first, root, bits = grown(first, F), grown(root, F), grown_rows(bits, F)
                h = first[f]
                while new > 0:
                    p, q = start[h], start[after[h]]
                    if sign[p] * sign[q] < 0:
                        x = value(Z, p, about, levels[c])
                        w = x / (x - value(Z, q, about, levels[c]))
                        a[nv], b[nv], t[nv], sign[nv] = p, q, w, 0
                        for i in range(2):
                            xy[nv, i] = xy[p, i] + w * (xy[q, i] - xy[p, i])
                        for i in range(Z.shape[1]):
                            Z[nv, i] = Z[p, i] + w * (Z[q, i] - Z[p, i])
                        if len(about) == 1:
                            Z[nv, about[0]] = levels[c]
                        split_edge(h, nv, nh, start, after, twin, face, wall)
                        h = after[h]
                        nh, nv, new = nh + 2, nv + 1, new - 1
                    h = after[h]
                if find_chord(f, sign, first, after, start, chord):
                    split_face(f, nf, nh, chord, units[c], start, after, twin, face, wall, first)
                    root[nf] = r
                    nf, nh = nf + 1, nh + 2
        if not complete:
            break
        for c in range(nc):
            bits[r, c] = high[c] > tol[c]
        for f in range(own, nf):
            bits[f] = bits[r]
        for c in crossing[:n]:
            if ends[c + 1] - ends[c] == 1:
                j = entries[ends[c]]
                bits[r, c] = above(Z, j, levels[c], tol[c], start, after, first[r])
                for f in range(own, nf):
                    bits[f, c] = above(Z, j, levels[c], tol[c], start, after, first[f])
    halves = np.empty((5, nh), np.int64)
    halves[0], halves[1], halves[2] = start[:nh], after[:nh], twin[:nh]
    halves[3], halves[4] = face[:nh], wall[:nh]
    new_vertices = (a[old:nv].copy(), b[old:nv].copy(), t[old:nv].copy())
    faces = (first[:nf].copy(), bits[:nf].copy(), root[:nf].copy())
    return complete, xy[:nv].copy(), halves, faces, new_vertices


@jit
def dissolve_all(nv, halves, key):  # type: ignore[no-untyped-def]
    """Join polygons of equal key; see `planar_complex.dissolve`."""
    start, after, twin, face, wall = halves[0], halves[1], halves[2], halves[3], halves[4]
    nh = len(start)
    dead, left = np.zeros(nh, np.bool_), np.zeros(nv, np.int64)
    for h in range(nh):
        f, g = face[h], face[twin[h]]
        dead[h] = f >= 0 and g >= 0 and key[f] == key[g]
        if not dead[h]:
            left[start[h]] += 1
    # a vertex with two edges left is a bend of none of them, but for the rectangle's corners
    new_vertex = np.full(nv, -1, np.int64)
    vertices, n = np.empty(nv, np.int64), 0
    for v in range(nv):
        if v < 4 or left[v] > 2:
            new_vertex[v], vertices[n] = n, v
            n += 1
    vertices = vertices[:n].copy()
    new_half, _new_face = np.full(nh, -1, np.int64), np.full(len(key), -1, np.int64)
    n = 0
    for h in range(nh):
        if not dead[h] and new_vertex[start[h]] >= 0:
            new_half[h] = n
            n += 1
    out = np.full((5, n), -1, np.int64)
    first, faces, nf = np.empty(len(key), np.int64), np.empty(len(key), np.int64), 0
    for h in range(nh):
        i = new_half[h]
        if i < 0:
            continue
        last = h
        while True:
            k = after[last]
            while dead[k]:
                k = after[twin[k]]
            if new_half[k] >= 0:
                break
            last = k
        out[0, i], out[1, i], out[2, i] = new_vertex[start[h]], new_half[k], new_half[twin[last]]
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
