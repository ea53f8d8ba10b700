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


def exact_cells(W, b, half=1):
    """(vertices with walls, ReLU code) of the cells in [-half, half]^d; the last layer affine."""
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
    return [(cell, code) for cell, code, _ in cells]


def exact_codes(W, b, half=1):
    """The set of ReLU codes (tuples) with interior in [-half, half]^d; the last layer is affine."""
    codes = [code for _, code in exact_cells(W, b, half)]
    assert len(set(codes)) == len(codes)
    return set(codes)


def exact_outputs(W, b, x):
    """The outputs at a point of fractions."""
    for layer, (Wl, bl) in enumerate(zip(W, b, strict=True)):
        x = [
            sum(Fraction(a) * v for a, v in zip(w, x, strict=True)) + Fraction(c)
            for w, c in zip(Wl, bl, strict=True)
        ]
        if layer < len(W) - 1:
            x = [max(v, Fraction(0)) for v in x]
    return x


def _rank(rows):
    rows, rank = [list(r) for r in rows], 0
    for j in range(len(rows[0]) if rows else 0):
        pivot = next((i for i in range(rank, len(rows)) if rows[i][j]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for i in range(rank + 1, len(rows)):
            f = rows[i][j] / rows[rank][j]
            if f:
                rows[i] = [a - f * c for a, c in zip(rows[i], rows[rank], strict=True)]
        rank += 1
    return rank


def cell_faces(cell):
    """The faces of a cell as {set of vertices: dimension}."""
    closed, new = {t for _, t in cell}, {t for _, t in cell}
    while new:
        new = {s & t for s in closed for t in new} - closed
        closed |= new
    faces = {}
    for walls in closed:
        points = [x for x, t in cell if walls <= t]
        edges = [[a - c for a, c in zip(x, points[0], strict=True)] for x in points[1:]]
        faces[frozenset(points)] = _rank(edges)
    return faces


def exact_volume(cell):
    """By pyramids over the facets of facets, the determinants of the simplices they end in."""
    faces = cell_faces(cell)

    def simplices(face, k):
        if k == 0:
            yield list(face)
            return
        apex = min(face)
        for other, dimension in faces.items():
            if dimension == k - 1 and other < face and apex not in other:
                for simplex in simplices(other, k - 1):
                    yield [apex, *simplex]

    d = len(cell[0][0])
    total = Fraction(0)
    for corners in simplices(frozenset(x for x, _ in cell), d):
        total += abs(
            _determinant([[a - c for a, c in zip(x, corners[0], strict=True)] for x in corners[1:]])
        )
    for k in range(2, d + 1):
        total /= k
    return total


def _determinant(rows):
    if not rows:
        return Fraction(1)
    pivot = next((i for i, r in enumerate(rows) if r[0]), None)
    if pivot is None:
        return Fraction(0)
    rows = [list(r) for r in rows]
    rows[0], rows[pivot] = rows[pivot], rows[0]
    rest = [
        [a - r[0] / rows[0][0] * c for a, c in zip(r[1:], rows[0][1:], strict=True)]
        for r in rows[1:]
    ]
    return (-1 if pivot else 1) * rows[0][0] * _determinant(rest)
