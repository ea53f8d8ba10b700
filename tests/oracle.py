"""A second opinion in exact rational arithmetic, written without a look at the solver."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations


def in_hull(points, query) -> bool:
    """Phase one of the simplex method over the rationals, with Bland's rule: is q in conv(points)?

    Minimise the sum of artificial variables of sum w_i (x_i, 1) = (q, 1), w >= 0.
    """
    d = len(query)
    rows = [[Fraction(p[j]) for p in points] + [Fraction(query[j])] for j in range(d)]
    rows.append([Fraction(1)] * (len(points) + 1))
    rows = [[-x for x in r] if r[-1] < 0 else r for r in rows]
    n, m = len(points), d + 1
    basis = [n + i for i in range(m)]
    cost = [sum((r[j] for r in rows), Fraction(0)) for j in range(n + 1)]
    while True:
        enter = next((j for j in range(n) if cost[j] > 0), None)
        if enter is None:
            return cost[n] == 0
        leave = min(
            (i for i in range(m) if rows[i][enter] > 0),
            key=lambda i: (rows[i][n] / rows[i][enter], basis[i]),
        )
        head = rows[leave][enter]
        rows[leave] = [x / head for x in rows[leave]]
        for i in range(m):
            if i != leave and rows[i][enter]:
                f = rows[i][enter]
                rows[i] = [x - f * y for x, y in zip(rows[i], rows[leave])]
        f = cost[enter]
        cost = [x - f * y for x, y in zip(cost, rows[leave])]
        basis[leave] = enter


def squared_distance(points, query) -> Fraction:
    """Least squared distance to a projection on the hull of any d + 1 points or fewer, exactly."""
    d = len(query)
    best = None
    for k in range(1, d + 2):
        for face in combinations(points, k):
            w = _project(face, query)
            if w is None or min(w) < 0:
                continue
            gap = [sum(a * Fraction(p[j]) for a, p in zip(w, face)) - query[j] for j in range(d)]
            value = sum(g * g for g in gap)
            best = value if best is None else min(best, value)
    return best


def _project(face, query):
    """Weights of the projection on the affine hull of the face; None if it is degenerate."""
    base, d = face[0], len(query)
    edges = [[Fraction(p[j] - base[j]) for j in range(d)] for p in face[1:]]
    k = len(edges)
    gram = [
        [sum(a * b for a, b in zip(e, f)) for f in edges]
        + [sum(a * (query[j] - base[j]) for j, a in enumerate(e))]
        for e in edges
    ]
    for c in range(k):
        pivot = next((i for i in range(c, k) if gram[i][c]), None)
        if pivot is None:
            return None
        gram[c], gram[pivot] = gram[pivot], gram[c]
        gram[c] = [x / gram[c][c] for x in gram[c]]
        for i in range(k):
            if i != c and gram[i][c]:
                f = gram[i][c]
                gram[i] = [x - f * y for x, y in zip(gram[i], gram[c])]
    v = [gram[c][k] for c in range(k)]
    return [1 - sum(v), *v]


def nearest(points, query):
    """Squared distance to the hull and the point's weights {index: weight}, exactly.

    Wolfe's walk over the rationals: no tolerance, so its last step is a proof. Every point lies
    on the far side of the plane through the nearest point, which the final test has checked.
    """
    first = {}
    for i, p in enumerate(points):
        first.setdefault(tuple(Fraction(x) for x in p), i)
    q = [Fraction(x) for x in query]
    index = list(first.values())
    Y = [[x - t for x, t in zip(p, q)] for p in first]
    start = min(range(len(Y)), key=lambda i: _dot(Y[i], Y[i]))
    weights = {start: Fraction(1)}
    while True:
        x = [sum((w * Y[i][j] for i, w in weights.items()), Fraction(0)) for j in range(len(q))]
        length2 = _dot(x, x)
        reach = [_dot(x, y) for y in Y]
        new = min(range(len(Y)), key=reach.__getitem__)
        if reach[new] >= length2:
            return length2, {index[i]: w for i, w in weights.items() if w}
        weights[new] = Fraction(0)
        while True:
            face = list(weights)
            wanted = dict(zip(face, _project([Y[i] for i in face], [0] * len(q))))
            if min(wanted.values()) > 0:
                weights = wanted
                break
            step = min(
                weights[i] / (weights[i] - v) for i, v in wanted.items() if v <= 0 and i != new
            )
            weights = {i: w + step * (wanted[i] - w) for i, w in weights.items()}
            weights = {i: w for i, w in weights.items() if w > 0 or i == new}


def _dot(a, b):
    return sum((x * y for x, y in zip(a, b)), Fraction(0))


def combination(points, weights):
    """sum w_i p_i / sum w_i, exactly, for any floats."""
    share = [Fraction(w) for w in weights]
    total = sum(share, Fraction(0))
    return [
        sum((w * Fraction(p[j]) for w, p in zip(share, points)), Fraction(0)) / total
        for j in range(len(points[0]))
    ]
