"""Delaunay simplices among more rows than a kernel should look at: whole passes, few rows at once.

For each query the nearest row of every block begins a small set of its own. A query inside the
hull of its set gets the Delaunay simplex of the set, and a pass finds rows of the cloud inside
that simplex's sphere; these and the simplex are the next set. The spread falls with every round,
so the rounds end. A query outside its set is projected on the hull of all rows first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._threads import Stop, cores, for_each
from ..data._options import Progress
from ..data._rounds import project, query_blocks
from ..data._scan import View, price, rows_above
from ..rows._rows import Floats, Indices
from ._coordinates import Coordinates
from ._found import Found, floors
from ._search import INSIDE, LOOSE, OUTSIDE, find_simplices

BEGIN = 512  # blocks whose nearest row begins a query's own set
ROUNDS = 100
POOL = 1 << 22  # numbers gathered at a time for the queries' own sets


def search_large(
    place: Coordinates, Zq: Floats, found: Found, whole: bool, progress: Progress | None
) -> Found:
    """Fill `found` for queries Zq (m, r); about ten passes over the data, O(m n r) each."""
    for at in query_blocks(*Zq.shape):
        _Block(place.view, Zq[at], Found(*found.part(at))).run(whole)
        if progress is not None:
            progress(at.stop, len(Zq), "simplices")
    return found


class _Block:
    """A block of queries, each with the few rows it works on."""

    def __init__(self, view: View, Zq: Floats, found: Found) -> None:
        self.view, self.Zq, self.found = view, Zq, found
        self.floor = floors(Zq)

    def run(self, whole: bool) -> None:
        every = np.arange(len(self.Zq))
        near = price(self.view, 2 * self.Zq, h=1.0, groups=BEGIN).winners
        self._solve(every, list(near), self.Zq, whole)
        out = self.found.ended == OUTSIDE
        self._descend(every[~out], whole)
        if not out.any():
            return
        hull = project(self.view, self.Zq[out], relative=1e-15)
        touching = hull.lower <= 0
        supports = [row[row >= 0] for row in hull.rows]
        some = every[out]
        self._solve(some[touching], _pick(supports, touching), self.Zq[some[touching]], whole)
        self._descend(some[touching], whole)
        weights = [w[row >= 0] for w, row in zip(hull.weights, hull.rows)]
        self._on_faces(
            some[~touching],
            _pick(supports, ~touching),
            _pick(weights, ~touching),
            hull.direction[~touching],
            whole,
        )

    def _descend(self, some: Indices, whole: bool) -> None:
        """Rounds of one pass each, until no row of the cloud lies in any of the spheres."""
        found = self.found
        for _ in range(ROUNDS):
            some = some[found.ended[some] == INSIDE]
            if not some.size:
                return
            before = self._spread(some)
            inside = self._rows_inside(some, self.Zq[some] + found.centre[some])
            open_ = np.array([len(rows) > 0 for rows in inside])
            some, before = some[open_], before[open_]
            own = [found.rows[b][found.rows[b] >= 0] for b in some]
            sets = [np.union1d(mine, rows) for mine, rows in zip(own, _pick(inside, open_))]
            self._solve(some, sets, self.Zq[some], whole)
            some = some[self._spread(some) < before * (1 - 1e-14)]
        found.ended[some] = LOOSE

    def _rows_inside(self, some: Indices, centre: Floats) -> list[Indices]:
        """One pass: rows inside the spheres around `centre` through the queries' own rows."""
        found, view = self.found, self.view
        U = 2 * centre
        rows = found.rows[some]
        Z = view.take(np.maximum(rows, 0).ravel()).reshape(*rows.shape, view.rank)
        score = np.einsum("bsr,br->bs", Z, U) - np.square(Z).sum(axis=2)
        plane = np.where(rows >= 0, score, -np.inf).max(axis=1)
        seen = price(view, U, h=1.0)
        ones = np.ones((1, view.rank))
        slack = 2 * view.rounding(U, False) + 8 * view.rounding(ones, False)
        better = seen.scores > (plane + slack)[:, None]
        return [row[use] for row, use in zip(seen.winners, better)]

    def _spread(self, some: Indices) -> Floats:
        """sum w_i |z_i - p|^2 of each query's simplex."""
        rows, point = self.found.rows[some], self.Zq[some] + self.found.nearest[some]
        Z = self.view.take(np.maximum(rows, 0).ravel()).reshape(*rows.shape, self.view.rank)
        apart = np.square(Z - point[:, None, :]).sum(axis=2)
        return np.asarray((self.found.weights[some] * apart).sum(axis=1))

    def _on_faces(
        self,
        some: Indices,
        supports: list[Indices],
        weights: list[Floats],
        U: Floats,
        whole: bool,
    ) -> None:
        """Queries outside: the simplex on the face that holds the projection."""
        if not some.size:
            return
        view, found = self.view, self.found
        Z = [view.take(rows) for rows in supports]
        points = np.stack([w @ z for w, z in zip(weights, Z)])
        lowest = np.array([(z @ u).min() for z, u in zip(Z, U)])
        lowest -= 4 * view.rounding(U, False) + 4 * self.floor[some]
        faces = rows_above(view, U, lowest)
        sets = [np.union1d(own, face) for own, face in zip(supports, faces)]
        self._solve(some, sets, points, False)
        found.nearest[some] += points - self.Zq[some]
        found.ended[some] = OUTSIDE
        if whole:
            self._push(some, points, U, lowest)

    def _push(self, some: Indices, points: Floats, U: Floats, lowest: Floats) -> None:
        """Move the spheres' centres outwards until every row behind the face is out of them."""
        found, view = self.found, self.view
        start, push = found.centre[some].copy(), np.zeros(len(some))
        for _ in range(ROUNDS):
            found.centre[some] = start + push[:, None] * U
            inside = self._rows_inside(some, points + found.centre[some])
            more = push.copy()
            for b, rows in enumerate(inside):
                Z = view.take(rows)
                behind = Z @ U[b] < lowest[b]
                if not behind.any():
                    continue
                V = Z[behind] - points[b]
                own = view.take(found.rows[some[b]][:1])[0] - points[b]
                level = own @ own - 2 * start[b] @ own
                power = np.square(V).sum(axis=1) - 2 * V @ start[b] - level
                more[b] = max(more[b], (power / (2 * V @ U[b])).max() * (1 + 1e-9))
            if (more <= push).all():
                return
            push = more

    def _solve(self, some: Indices, sets: Sequence[Indices], points: Floats, whole: bool) -> None:
        """The simplex around each point among the rows of its own set."""
        found, rank = self.found, self.view.rank
        total = np.cumsum([len(rows) * (rank + 1) for rows in sets])
        start = 0
        while start < len(some):
            base = total[start - 1] if start else 0
            stop = max(start + 1, int(np.searchsorted(total, base + POOL)))
            part = sets[start:stop]
            unique, inverse = np.unique(np.concatenate(part), return_inverse=True)
            pool = self.view.take(unique)
            ends = np.concatenate([[0], np.cumsum([len(rows) for rows in part])])

            def one(
                b: int,
                halt: Stop,
                first: int = start,
                pool: Floats = pool,
                inverse: Indices = inverse,
                ends: Indices = ends,
                unique: Indices = unique,
            ) -> None:
                local = inverse[ends[b - first] : ends[b - first + 1]]
                at = slice(some[b], some[b] + 1)
                columns = np.ascontiguousarray(pool[local].T)
                answer = found.part(at)
                find_simplices(columns, points[b : b + 1], self.floor[at], whole, halt.flag, answer)
                rows = answer[0]
                rows[rows >= 0] = unique[local][rows[rows >= 0]]

            for_each(one, range(start, stop), max(2, cores()))
            start = stop


def _pick(parts: Sequence[Indices], which: Floats) -> list[Indices]:
    return [part for part, use in zip(parts, which) if use]
