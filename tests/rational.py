"""Regions of small networks in exact rational arithmetic: the double description, cut by cut."""

from fractions import Fraction
from itertools import combinations, product


def _cut(cell, row):
    """The two parts (where row <= 0, where row >= 0) of a cell: lists of (vertex, tight walls)."""
    value = [sum(a * v for a, v in zip(row, (*x, 1), strict=True)) for x, _ in cell]
    mark = object()
    low = [
        (x, t | {mark} if v == 0 else t) for (x, t), v in zip(cell, value, strict=True) if v <= 0
    ]
    high = [
        (x, t | {mark} if v == 0 else t) for (x, t), v in zip(cell, value, strict=True) if v >= 0
    ]
    for i, k in combinations(range(len(cell)), 2):
        if value[i] * value[k] >= 0:
            continue
        shared = cell[i][1] & cell[k][1]
        if any(shared <= t for n, (_, t) in enumerate(cell) if n not in (i, k)):
            continue  # not an edge
        s = value[i] / (value[i] - value[k])
        x = tuple(a + s * (b - a) for a, b in zip(cell[i][0], cell[k][0], strict=True))
        low.append((x, shared | {mark}))
        high.append((x, shared | {mark}))
    return low, high, min(value), max(value)


def _box(d, half):
    return [
        (tuple(Fraction(s) * half for s in signs), frozenset((i, s) for i, s in enumerate(signs)))
        for signs in product((-1, 1), repeat=d)
    ]


def exact_codes(W, b, half=1):
    """The set of ReLU codes (tuples) with interior in [-half, half]^d; the last layer is affine."""
    d = len(W[0][0])
    unit = [[Fraction(int(i == j)) for j in range(d + 1)] for i in range(d)]
    cells = [(_box(d, Fraction(half)), (), unit)]
    for Wl, bl in zip(W[:-1], b[:-1], strict=True):
        after = []
        for cell, code, maps in cells:
            rows = []
            for w, offset in zip(Wl, bl, strict=True):
                row = [
                    sum(Fraction(a) * m[j] for a, m in zip(w, maps, strict=True))
                    for j in range(d + 1)
                ]
                row[d] += Fraction(offset)
                rows.append(row)
            parts = [(cell, ())]
            for row in rows:
                split = []
                for part, own in parts:
                    low, high, least, most = _cut(part, row)
                    if most <= 0:
                        split.append((part, (*own, 0)))
                    elif least >= 0:
                        split.append((part, (*own, 1)))
                    else:
                        split += [(low, (*own, 0)), (high, (*own, 1))]
                parts = split
            for part, own in parts:
                new = [[c * m for m in row] for c, row in zip(own, rows, strict=True)]
                after.append((part, code + own, new))
        cells = after
    codes = [code for _, code, _ in cells]
    assert len(set(codes)) == len(codes)
    return set(codes)
