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
