"""Delaunay simplices among more rows than a kernel should look at: whole passes, few rows at once.

Each query works on a set of rows of its own, at first the nearest row of every block. The kernel
finds its simplex, or its projection, in that set; one pass through the cloud then finds rows
inside the sphere, or beyond the plane, and they join the set. A query is done when there are none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._core.threads import StopFlag, cpu_count, run_in_threads
from .._core.types import Floats, Indices, Progress
from ..geometry.hull_projection import project, query_blocks
from ..geometry.pricing import price, rows_above
from ..geometry.scaled_view import ScaledView
from ._coordinates import Coordinates
from ._delaunay_search import LOOSE, OUTSIDE, find_simplices
from ._simplex_result import Found, floors

BEGIN = 512  # blocks whose nearest row begins a query's own set
MORE = 64  # groups of rows of which each may send one with every pass
ROUNDS = 100  # passes after which a query is let go
THIN = 1e-9  # distance to the hull, in its size, below which the way there is mostly rounding
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

    def __init__(self, view: ScaledView, Zq: Floats, found: Found) -> None:
        self.view, self.Zq, self.found = view, Zq, found
        self.floor = floors(Zq)

    def run(self, whole: bool) -> None:
        near = price(self.view, 2 * self.Zq, h=1.0, groups=BEGIN).winners
        sets = [np.unique(row) for row in near]
        left = np.arange(len(self.Zq))
        for _ in range(ROUNDS):
            if not left.size:
                break
            self._solve(left, _pick(sets, left), self.Zq[left])
            more = self._rows_inside(left[self.found.ended[left] != OUTSIDE])
            more |= self._rows_beyond(left[self.found.ended[left] == OUTSIDE])
            joined = {b: np.union1d(sets[b], rows) for b, rows in more.items()}
            left = np.array([b for b in joined if len(joined[b]) > len(sets[b])], dtype=np.intp)
            for b in left.tolist():
                sets[b] = joined[b]
        out = np.flatnonzero(self.found.ended == OUTSIDE)
        self._on_faces(out[~np.isin(out, left)], whole)
        self.found.ended[left] = LOOSE

    def _rows_inside(self, some: Indices) -> dict[int, Indices]:
        """One pass: for each query rows inside the sphere through its own rows."""
        if not some.size:
            return {}
        found, view = self.found, self.view
        rows = found.rows[some]
        U = 2 * (self.Zq[some] + found.nearest[some] + found.centre[some])
        Z = view.take(np.maximum(rows, 0).ravel()).reshape(*rows.shape, view.rank)
        score = np.einsum("bsr,br->bs", Z, U) - np.square(Z).sum(axis=2)
        surface = np.where(rows >= 0, score, -np.inf).max(axis=1)
        seen = price(view, U, h=1.0, groups=MORE)
        ones = np.ones((1, view.rank))
        slack = 2 * view.rounding_bound(U, False) + 8 * view.rounding_bound(ones, False)
        better = seen.scores > (surface + slack)[:, None]
        return {int(b): row[use] for b, row, use in zip(some, seen.winners, better)}

    def _rows_beyond(self, some: Indices) -> dict[int, Indices]:
        """One pass: for each query outside its set rows beyond the plane through its projection.

        So near to the hull that the way there is mostly rounding, a query is projected on the hull
        of all rows instead, with the certificates of that.
        """
        if not some.size:
            return {}
        found, view = self.found, self.view
        way = found.nearest[some]
        length = np.sqrt(np.einsum("ij,ij->i", way, way))
        thin = length < THIN
        more: dict[int, Indices] = {}
        if thin.any():
            hull = project(view, self.Zq[some[thin]], relative=1e-15)
            more = {int(b): row[row >= 0] for b, row in zip(some[thin], hull.rows)}
        if not thin.all():
            some, U = some[~thin], -way[~thin] / length[~thin, None]
            plane = np.einsum("ij,ij->i", U, self.Zq[some] + way[~thin])
            seen = price(view, U, groups=MORE)
            better = seen.scores > (plane + 4 * view.rounding_bound(U, False))[:, None]
            more |= {int(b): row[use] for b, row, use in zip(some, seen.winners, better)}
        return more

    def _on_faces(self, some: Indices, whole: bool) -> None:
        """Queries outside: the simplex on the face that holds the projection, of all its rows."""
        if not some.size:
            return
        view, found = self.view, self.found
        way = found.nearest[some].copy()
        U = -way / np.sqrt(np.einsum("ij,ij->i", way, way))[:, None]
        supports = [row[w > 0] for row, w in zip(found.rows[some], found.weights[some])]
        lowest = np.array([(view.take(rows) @ u).min() for rows, u in zip(supports, U)])
        lowest -= 4 * view.rounding_bound(U, False) + 4 * self.floor[some]
        faces = rows_above(view, U, lowest)
        sets = [np.union1d(own, face) for own, face in zip(supports, faces)]
        points = self.Zq[some] + way
        self._solve(some, sets, points)
        found.nearest[some] += way
        found.ended[some] = OUTSIDE
        if whole:
            self._push(some, points, U, lowest)

    def _push(self, some: Indices, points: Floats, U: Floats, lowest: Floats) -> None:
        """Move the spheres' centres outwards until every row behind the face is out of them."""
        found, view = self.found, self.view
        start, push = found.centre[some].copy(), np.zeros(len(some))
        for _ in range(ROUNDS):
            found.centre[some] = start + push[:, None] * U
            inside, more = self._rows_inside(some), push.copy()
            for k, b in enumerate(some.tolist()):
                Z = view.take(inside[b])
                V = Z[Z @ U[k] < lowest[k]] - points[k]
                if len(V):
                    own = view.take(found.rows[b][:1])[0] - points[k]
                    power = np.square(V).sum(axis=1) - 2 * V @ start[k]
                    level = own @ own - 2 * own @ start[k]
                    more[k] = max(more[k], ((power - level) / (2 * V @ U[k])).max() * (1 + 1e-9))
            if (more <= push).all():
                return
            push = more

    def _solve(self, some: Indices, sets: Sequence[Indices], points: Floats) -> None:
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
                halt: StopFlag,
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
                find_simplices(columns, points[b : b + 1], self.floor[at], False, halt.flag, answer)
                rows = answer[0]
                rows[rows >= 0] = unique[local][rows[rows >= 0]]

            run_in_threads(one, range(start, stop), max(2, cpu_count()))
            start = stop


def _pick(sets: Sequence[Indices], some: Indices) -> list[Indices]:
    return [sets[b] for b in some]
