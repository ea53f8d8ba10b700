"""A planar complex of convex polygons, cut by functions that are affine on every polygon.

Half-edges: h runs from vertex `start[h]` along the polygon `face[h]` (-1 outside the square), to
the start of `after[h]`; `twin[h]` runs back on the other side. Vertices are shared, so a wall that
crosses an edge makes one vertex there for both sides and V - E + F = 1 holds by construction.
Cutting costs one look at every edge for each function and O(1) for each new vertex, edge, polygon.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data._qr import jit
from ._affine import Floats
from ._front import Walls

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Complex:
    """Vertices xy (V, 2) and half-edges; `wall` (H,) is the unit behind each, -1 the square."""

    xy: Floats
    start: Ints
    after: Ints
    twin: Ints
    face: Ints
    wall: Ints
    first: Ints  # (F,) a half-edge of each polygon

    @property
    def n_faces(self) -> int:
        return len(self.first)

    @cached_property
    def loops(self) -> tuple[Ints, Ints]:
        """Half-edges of all polygons one after another, counter-clockwise, and where each ends."""
        return _loops(self.first, self.after, np.count_nonzero(self.face >= 0))  # type: ignore[no-any-return]

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
        start=np.r_[i, (i + 1) % 4],
        after=np.r_[(i + 1) % 4, 4 + (i + 3) % 4],
        twin=np.r_[i + 4, i],
        face=np.r_[np.zeros(4, int), np.full(4, -1)],
        wall=np.full(8, -1),
        first=np.zeros(1, int),
    )


@dataclass(frozen=True, eq=False)
class Cut:
    """A complex after its cuts.

    bits (F, cuts): whether a polygon is above each level. root (F,): the polygon before.
    a, b, t (k,): new vertices as a + t (b - a).
    """

    complex: Complex
    bits: NDArray[np.uint8]
    root: Ints
    a: Ints
    b: Ints
    t: Floats


class TooMany(Exception):
    """More polygons than the budget."""


def cut(
    old: Complex,
    z: Floats,
    walls: Walls,
    tol: Floats,
    behind: Ints,
    budget: int,
    stop: NDArray[np.uint8],
) -> Cut:
    """Cut by walls given through values z (V, i) at the vertices.

    tol (k,): less is zero; behind (k,): what the edges of each wall are to name.

    Raises
    ------
    TooMany
        If more than `budget` polygons come out, or `stop` was set.
    """
    state = (old.xy, old.start, old.after, old.twin, old.face, old.wall, old.first)
    given = (walls.ends, walls.entries, walls.levels, tol, behind)
    done, out = _cut(np.ascontiguousarray(z), *given, *state, budget, stop)
    if not done:
        raise TooMany
    return Cut(Complex(*out[:7]), *out[7:])


@dataclass(frozen=True, eq=False)
class Dissolved:
    """A complex whose polygons of equal key were joined.

    faces (F,): one of the old polygons each is made of; vertices (V,): which old ones are left.
    """

    complex: Complex
    faces: Ints
    vertices: Ints


def dissolve(old: Complex, key: Ints) -> Dissolved:
    """Join neighbours of equal key (F,); what a key covers must be convex."""
    state = (old.start, old.after, old.twin, old.face, old.wall, key)
    *halves, first, faces, vertices = _dissolve(len(old.xy), *state)
    return Dissolved(Complex(old.xy[vertices], *halves, first), faces, vertices)


@jit
def _grown(x, n):  # type: ignore[no-untyped-def]
    out = np.empty(n, x.dtype)
    out[: len(x)] = x
    return out


@jit
def _grown_rows(x, n):  # type: ignore[no-untyped-def]
    out = np.empty((n, x.shape[1]), x.dtype)
    out[: len(x)] = x
    return out


@jit
def _loops(first, after, total):  # type: ignore[no-untyped-def]
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
def _value(Z, v, entries, level):  # type: ignore[no-untyped-def]
    """A wall's function at vertex v."""
    last = len(entries) - 1
    if last == 0:
        return Z[v, entries[0]] - level
    x = Z[v, entries[0]]
    for i in range(1, last):
        x = max(x, Z[v, entries[i]])
    return x - Z[v, entries[last]]


@jit
def _chord(f, sign, first, after, start, ends):  # type: ignore[no-untyped-def]
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
    found = 0
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
                found += 1
        h = n
        if h == first[f]:
            break
    return found == 2


@jit
def _above(Z, entry, level, tol, start, after, h0):  # type: ignore[no-untyped-def]
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
def _straddled(Z, ends, entries, levels, tol, start, after, h0, low, high, out):  # type: ignore[no-untyped-def]
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
                x = _value(Z, v, entries[ends[c] : ends[c + 1]], levels[c])
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
def _cut(Z, ends, entries, levels, tol, units, xy, start, after, twin, face, wall, first, budget, stop):  # type: ignore[no-untyped-def]
    nv, nh, nf, nc, nr = len(xy), len(start), len(first), len(levels), len(first)
    V, H, F = nv + 64, nh + 256, nf + 64
    Z, xy = _grown_rows(Z, V), _grown_rows(xy, V)
    start, after, twin = _grown(start, H), _grown(after, H), _grown(twin, H)
    face, wall, first = _grown(face, H), _grown(wall, H), _grown(first, F)
    root, bits = np.empty(F, np.int64), np.zeros((F, nc), np.uint8)
    root[:nf] = np.arange(nf)
    old = nv
    a, b, t = np.empty(V, np.int64), np.empty(V, np.int64), np.empty(V)
    sign, chord = np.empty(V, np.int8), np.empty(4, np.int64)
    low, high, list_ = np.empty(nc), np.empty(nc), np.empty(nc, np.int64)

    done = True
    for r in range(nr):
        if nf > budget or stop[0]:
            done = False
            break
        own = nf  # the parts of polygon r are itself and those from here on
        n_list = _straddled(Z, ends, entries, levels, tol, start, after, first[r], low, high, list_)
        for i_list in range(n_list):
            c = list_[i_list]
            if nf > budget:
                break
            wall_entries = entries[ends[c] : ends[c + 1]]
            for part in range(own - 1, nf):
                f = r if part == own - 1 else part
                plus, minus = False, False
                h = first[f]
                while True:
                    x = _value(Z, start[h], wall_entries, levels[c])
                    sign[start[h]] = 1 if x > tol[c] else (-1 if x < -tol[c] else 0)
                    plus, minus = plus or x > tol[c], minus or x < -tol[c]
                    h = after[h]
                    if h == first[f]:
                        break
                if not (plus and minus):
                    continue
                while True:
                    p, q = start[h], start[after[h]]
                    if sign[p] * sign[q] >= 0:
                        h = after[h]
                        if h == first[f]:
                            break
                        continue
                    if nv == V:
                        V *= 2
                        Z, xy = _grown_rows(Z, V), _grown_rows(xy, V)
                        a, b, t, sign = _grown(a, V), _grown(b, V), _grown(t, V), _grown(sign, V)
                    if nh + 4 > H:
                        H *= 2
                        start, after, twin = _grown(start, H), _grown(after, H), _grown(twin, H)
                        face, wall = _grown(face, H), _grown(wall, H)
                    x = _value(Z, p, wall_entries, levels[c])
                    w = x / (x - _value(Z, q, wall_entries, levels[c]))
                    a[nv], b[nv], t[nv] = p, q, w
                    for i in range(2):
                        xy[nv, i] = xy[p, i] + w * (xy[q, i] - xy[p, i])
                    for j in range(Z.shape[1]):
                        Z[nv, j] = Z[p, j] + w * (Z[q, j] - Z[p, j])
                    if len(wall_entries) == 1:
                        Z[nv, wall_entries[0]] = levels[c]
                    sign[nv] = 0
                    # h: p to new, k: q to new, nh: new to q, nh + 1: new to p
                    k = twin[h]
                    start[nh], start[nh + 1] = nv, nv
                    after[nh], after[nh + 1] = after[h], after[k]
                    after[h], after[k] = nh, nh + 1
                    face[nh], face[nh + 1] = face[h], face[k]
                    wall[nh], wall[nh + 1] = wall[h], wall[h]
                    twin[h], twin[nh + 1] = nh + 1, h
                    twin[k], twin[nh] = nh, k
                    h = after[nh]
                    nh += 2
                    nv += 1
                    if h == first[f]:
                        break
                if not _chord(f, sign, first, after, start, chord):
                    continue
                if nh + 2 > H:
                    H *= 2
                    start, after, twin = _grown(start, H), _grown(after, H), _grown(twin, H)
                    face, wall = _grown(face, H), _grown(wall, H)
                if nf == F:
                    F *= 2
                    first, root, bits = _grown(first, F), _grown(root, F), _grown_rows(bits, F)
                before_p, at_p, before_q, at_q = chord
                # the corners from p to q are negative: they become polygon nf
                start[nh], start[nh + 1] = start[at_p], start[at_q]
                after[nh], after[nh + 1] = at_q, at_p
                after[before_p], after[before_q] = nh, nh + 1
                twin[nh], twin[nh + 1] = nh + 1, nh
                wall[nh], wall[nh + 1] = units[c], units[c]
                face[nh] = f
                first[f], first[nf] = nh, nh + 1
                h = at_p
                while h != nh + 1:
                    face[h] = nf
                    h = after[h]
                face[nh + 1] = nf
                root[nf] = r
                nf += 1
                nh += 2
        for c in range(nc):
            bits[r, c] = high[c] > tol[c]
        for f in range(own, nf):
            bits[f] = bits[r]
        for i in range(n_list):
            c = list_[i]
            if ends[c + 1] - ends[c] == 1:
                j = entries[ends[c]]
                bits[r, c] = _above(Z, j, levels[c], tol[c], start, after, first[r])
                for f in range(own, nf):
                    bits[f, c] = _above(Z, j, levels[c], tol[c], start, after, first[f])
    return done, (
        xy[:nv].copy(), start[:nh].copy(), after[:nh].copy(), twin[:nh].copy(),
        face[:nh].copy(), wall[:nh].copy(), first[:nf].copy(),
        bits[:nf].copy(), root[:nf].copy(), a[old:nv].copy(), b[old:nv].copy(), t[old:nv].copy(),
    )  # fmt: skip


@jit
def _dissolve(nv, start, after, twin, face, wall, key):  # type: ignore[no-untyped-def]
    nh = len(start)
    dead, left = np.zeros(nh, np.bool_), np.zeros(nv, np.int64)
    for h in range(nh):
        f, g = face[h], face[twin[h]]
        dead[h] = f >= 0 and g >= 0 and key[f] == key[g]
        if not dead[h]:
            left[start[h]] += 1
    # a vertex with two edges left is a bend of none of them, but for the rectangle's corners
    kept = np.full(nv, -1, np.int64)
    vertices, n = np.empty(nv, np.int64), 0
    for v in range(nv):
        if v < 4 or left[v] > 2:
            kept[v], vertices[n] = n, v
            n += 1
    vertices = vertices[:n].copy()
    new_half, new_face = np.full(nh, -1, np.int64), np.full(len(key), -1, np.int64)
    n = 0
    for h in range(nh):
        if not dead[h] and kept[start[h]] >= 0:
            new_half[h] = n
            n += 1
    starts, afters, twins = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    faces_of, walls = np.full(n, -1, np.int64), np.empty(n, np.int64)
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
        starts[i], afters[i], twins[i] = kept[start[h]], new_half[k], new_half[twin[last]]
        walls[i] = wall[h]
    for h in range(nh):
        i = new_half[h]
        if i < 0 or face[h] < 0 or faces_of[i] >= 0:
            continue
        first[nf], faces[nf] = i, face[h]
        k = i
        while True:
            faces_of[k] = nf
            k = afters[k]
            if k == i:
                break
        nf += 1
    return starts, afters, twins, faces_of, walls, first[:nf].copy(), faces[:nf].copy(), vertices
