"""On which side of a layer's walls vertices and polygons lie, one bit for each wall.

A row of words holds 64 walls in each: bit c of `above` says that a vertex is above wall c by more
than is zero, bit c of `below` the same for the other side. A polygon's words are those of its
corners, joined by *or*: a wall passes through it where both have its bit, so that the few of many
walls that do are seen at once, and no polygon looks at its corners for each wall.
"""

from __future__ import annotations

import numpy as np

from .._core.numba import inlined, jit, uncounted

# Times this, each power of two has other uppermost six bits (a de Bruijn sequence): its exponent.
DE_BRUIJN_SEQUENCE = np.uint64(0x03F79D71B4CB0A89)
POWER_OF_HIGH_BITS = np.empty(64, dtype=np.int64)
for _power in range(64):
    POWER_OF_HIGH_BITS[((int(DE_BRUIJN_SEQUENCE) << _power) & (2**64 - 1)) >> 58] = _power


@inlined
def wall_value(Z, v, ends, entries, levels, c):  # type: ignore[no-untyped-def]
    """The function of wall c at vertex v; see `_layer_walls.LayerWalls`."""
    last = ends[c + 1] - 1
    x = Z[v, entries[ends[c]]]
    if last == ends[c]:
        x -= levels[c]
    else:
        for i in range(ends[c] + 1, last):
            x = max(x, Z[v, entries[i]])
        x -= Z[v, entries[last]]
    return x


@inlined
def set_vertex_sides(Z, v, ends, entries, levels, tol, values, above, below):  # type: ignore[no-untyped-def]
    """The words of vertex v; `values` (64) is room to work in."""
    single = len(entries) == len(levels)
    for word in range(above.shape[1]):
        begin = 64 * word
        n = min(len(levels) - begin, 64)
        if single:  # loops of their own, so that each is made of vector instructions
            for i in range(n):
                values[i] = Z[v, entries[begin + i]] - levels[begin + i]
        else:
            for i in range(n):
                values[i] = wall_value(Z, v, ends, entries, levels, begin + i)
        up, down = np.uint64(0), np.uint64(0)
        for i in range(n):
            up |= np.uint64(values[i] > tol[begin + i]) << np.uint64(i)
        for i in range(n):
            down |= np.uint64(values[i] < -tol[begin + i]) << np.uint64(i)
        above[v, word], below[v, word] = up, down


@uncounted
def all_vertex_sides(n, Z, ends, entries, levels, tol, values, above, below):  # type: ignore[no-untyped-def]
    """The words of the first n vertices."""
    for v in range(n):
        set_vertex_sides(Z, v, ends, entries, levels, tol, values, above, below)


@inlined
def set_polygon_sides(f, first, after, start, above, below, face_above, face_below):  # type: ignore[no-untyped-def]
    """The words of polygon f, from those of its corners."""
    for word in range(above.shape[1]):
        up, down, h = np.uint64(0), np.uint64(0), first[f]
        while True:
            up |= above[start[h], word]
            down |= below[start[h], word]
            h = after[h]
            if h == first[f]:
                break
        face_above[f, word], face_below[f, word] = up, down


@inlined
def append_bits(word, begin, out, n):  # type: ignore[no-untyped-def]
    """The places of a word's bits, plus `begin`, into `out` from n on; how many there are then."""
    rest = word
    while rest:
        fewer = rest & (rest - np.uint64(1))
        out[n] = begin + POWER_OF_HIGH_BITS[((rest ^ fewer) * DE_BRUIJN_SEQUENCE) >> np.uint64(58)]
        n += 1
        rest = fewer
    return n


@jit
def count_knots_below(sides, units, base):  # type: ignore[no-untyped-def]
    """Codes (F, n_units): base (n_units), and one more for each wall of a unit that is below."""
    codes, n = np.empty((len(sides), len(base)), np.uint8), len(base)
    words, places = np.zeros((1, n), np.int64), np.zeros((1, n), np.uint64)
    used, count = np.zeros((1, n), np.uint64), np.zeros(n, np.int64)
    for c in range(len(units)):  # rounds with one wall of each unit at most
        i, unit = count[units[c]], units[c]
        if i == len(words):
            words = np.concatenate((words, np.zeros((1, n), np.int64)))
            places = np.concatenate((places, np.zeros((1, n), np.uint64)))
            used = np.concatenate((used, np.zeros((1, n), np.uint64)))
        words[i, unit], places[i, unit], used[i, unit] = c >> 6, np.uint64(c & 63), 1
        count[unit] += 1
    for f in range(len(sides)):
        codes[f] = base
        for i in range(len(words)):
            if sides.shape[1] == 1:  # the usual case, in vector instructions
                word = sides[f, 0]
                for unit in range(n):
                    codes[f, unit] += np.uint8((word >> places[i, unit]) & used[i, unit])
            else:
                for unit in range(n):
                    bit = (sides[f, words[i, unit]] >> places[i, unit]) & used[i, unit]
                    codes[f, unit] += np.uint8(bit)
    return codes


@jit
def vertex_sides(z, ends, entries, levels, tol):  # type: ignore[no-untyped-def]
    """The words of all vertices, z (V, i), and those of walls that compare more than two entries.

    above, below (V, words) and folds (words).
    """
    words, values = (len(levels) + 63) // 64, np.empty(64)
    above = np.empty((len(z), words), np.uint64)
    below, folds = np.empty((len(z), words), np.uint64), np.zeros(words, np.uint64)
    all_vertex_sides(len(z), z, ends, entries, levels, tol, values, above, below)
    for c in range(len(levels)):
        folds[c >> 6] |= np.uint64(ends[c + 1] - ends[c] > 2) << np.uint64(c & 63)
    return above, below, folds
