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
from ._delaunay_kernel import NOT_OPTIMAL, OUTSIDE_HULL, find_simplices
from ._simplex_result import SimplexResult, distance_rounding

FIRST_BLOCKS = 512  # blocks whose nearest row begins a query's own set
PASS_GROUPS = 64  # groups of rows of which each may send one with every pass
MAX_PASSES = 100  # passes after which a query is let go
UNRELIABLE_OFFSET = 1e-9  # of the hull's size: a distance to it that is mostly rounding
POOL_NUMBERS = 1 << 22  # numbers gathered at a time for the queries' own sets


def search_out_of_core(
    view: ScaledView, Zq: Floats, result: SimplexResult, spheres: bool, progress: Progress | None
) -> SimplexResult:
    """Fill `result` for queries Zq (m, r); about ten passes over the data, O(m n r) each."""
    for at in query_blocks(*Zq.shape):
        _QueryBlock(view, Zq[at], SimplexResult(*result.views(at))).search(spheres)
        if progress is not None:
            progress(at.stop, len(Zq), "simplices")
    return result


class _QueryBlock:
    """A block of queries, each with the few rows it works on."""

    def __init__(self, view: ScaledView, Zq: Floats, result: SimplexResult) -> None:
        self.view, self.Zq, self.result = view, Zq, result
        self.rounding = distance_rounding(Zq)

    def search(self, spheres: bool) -> None:
        near = price(self.view, 2 * self.Zq, h=1.0, groups=FIRST_BLOCKS).winners
        row_sets = [np.unique(row) for row in near]
        open_ = np.arange(len(self.Zq))
        for _ in range(MAX_PASSES):
            if not open_.size:
                break
            self._solve_among(open_, [row_sets[b] for b in open_], self.Zq[open_])
            candidates = self._rows_inside(open_[self.result.outcome[open_] != OUTSIDE_HULL])
            candidates |= self._rows_beyond(open_[self.result.outcome[open_] == OUTSIDE_HULL])
            joined = {b: np.union1d(row_sets[b], rows) for b, rows in candidates.items()}
            open_ = np.array(
                [b for b in joined if len(joined[b]) > len(row_sets[b])], dtype=np.intp
            )
            for b in open_.tolist():
                row_sets[b] = joined[b]
        out = np.flatnonzero(self.result.outcome == OUTSIDE_HULL)
        self._move_to_faces(out[~np.isin(out, open_)], spheres)
        self.result.outcome[open_] = NOT_OPTIMAL

    def _rows_inside(self, at: Indices) -> dict[int, Indices]:
        """One pass: for each query rows inside the sphere through its own rows."""
        if not at.size:
            return {}
        result, view = self.result, self.view
        rows = result.rows[at]
        U = 2 * (self.Zq[at] + result.nearest[at] + result.centre[at])
        Z = view.take(np.maximum(rows, 0).ravel()).reshape(*rows.shape, view.rank)
        score = np.einsum("bsr,br->bs", Z, U) - np.square(Z).sum(axis=2)
        surface = np.where(rows >= 0, score, -np.inf).max(axis=1)
        pricing = price(view, U, h=1.0, groups=PASS_GROUPS)
        slack = 2 * view.rounding_bound(U, False) + 8 * view.rounding_bound(
            np.ones((1, view.rank)), False
        )
        better = pricing.scores > (surface + slack)[:, None]
        return {int(b): row[use] for b, row, use in zip(at, pricing.winners, better)}

    def _rows_beyond(self, at: Indices) -> dict[int, Indices]:
        """One pass: for each query outside its set rows beyond the plane through its projection.

        So near to the hull that the way there is mostly rounding, a query is projected on the hull
        of all rows instead, with the certificates of that.
        """
        if not at.size:
            return {}
        result, view = self.result, self.view
        offset = result.nearest[at]
        length = np.sqrt(np.einsum("ij,ij->i", offset, offset))
        near = length < UNRELIABLE_OFFSET
        candidates: dict[int, Indices] = {}
        if near.any():
            hull = project(view, self.Zq[at[near]], relative=1e-15)
            candidates = {int(b): row[row >= 0] for b, row in zip(at[near], hull.rows)}
        if not near.all():
            at, U = at[~near], -offset[~near] / length[~near, None]
            plane = np.einsum("ij,ij->i", U, self.Zq[at] + offset[~near])
            pricing = price(view, U, groups=PASS_GROUPS)
            better = pricing.scores > (plane + 4 * view.rounding_bound(U, False))[:, None]
            candidates |= {int(b): row[use] for b, row, use in zip(at, pricing.winners, better)}
        return candidates

    def _move_to_faces(self, at: Indices, spheres: bool) -> None:
        """Queries outside: the simplex on the face that holds the projection, of all its rows."""
        if not at.size:
            return
        view, result = self.view, self.result
        offset = result.nearest[at].copy()
        U = -offset / np.sqrt(np.einsum("ij,ij->i", offset, offset))[:, None]
        supports = [row[w > 0] for row, w in zip(result.rows[at], result.weights[at])]
        lowest = np.array([(view.take(rows) @ u).min() for rows, u in zip(supports, U)])
        lowest -= 4 * view.rounding_bound(U, False) + 4 * self.rounding[at]
        faces = rows_above(view, U, lowest)
        row_sets = [np.union1d(own, face) for own, face in zip(supports, faces)]
        points = self.Zq[at] + offset
        self._solve_among(at, row_sets, points)
        result.nearest[at] += offset
        result.outcome[at] = OUTSIDE_HULL
        if spheres:
            self._push_spheres(at, points, U, lowest)

    def _push_spheres(self, at: Indices, points: Floats, U: Floats, lowest: Floats) -> None:
        """Move the spheres' centres outwards until every row behind the face is out of them."""
        result, view = self.result, self.view
        start, push = result.centre[at].copy(), np.zeros(len(at))
        for _ in range(MAX_PASSES):
            result.centre[at] = start + push[:, None] * U
            inside, needed = self._rows_inside(at), push.copy()
            for k, b in enumerate(at.tolist()):
                Z = view.take(inside[b])
                V = Z[Z @ U[k] < lowest[k]] - points[k]
                if len(V):
                    own = view.take(result.rows[b][:1])[0] - points[k]
                    power = np.square(V).sum(axis=1) - 2 * V @ start[k]
                    level = own @ own - 2 * own @ start[k]
                    farther = ((power - level) / (2 * V @ U[k])).max() * (1 + 1e-9)
                    needed[k] = max(needed[k], farther)
            if (needed <= push).all():
                return
            push = needed

    def _solve_among(self, at: Indices, row_sets: Sequence[Indices], points: Floats) -> None:
        """The simplex around each point among the rows of its own set."""
        total = np.cumsum([len(rows) * (self.view.rank + 1) for rows in row_sets])
        start = 0
        while start < len(at):
            base = total[start - 1] if start else 0
            stop = max(start + 1, int(np.searchsorted(total, base + POOL_NUMBERS)))
            self._solve_pool(at[start:stop], row_sets[start:stop], points[start:stop])
            start = stop

    def _solve_pool(self, at: Indices, row_sets: Sequence[Indices], points: Floats) -> None:
        """The same for so few points that all rows of their sets are in memory at once."""
        unique, inverse = np.unique(np.concatenate(row_sets), return_inverse=True)
        pool = self.view.take(unique)
        ends = np.concatenate([[0], np.cumsum([len(rows) for rows in row_sets])])

        def solve(b: int, halt: StopFlag) -> None:
            local = inverse[ends[b] : ends[b + 1]]
            query = slice(at[b], at[b] + 1)
            columns = np.ascontiguousarray(pool[local].T)
            views = self.result.views(query)
            rounding = self.rounding[query]
            find_simplices(columns, points[b : b + 1], rounding, False, halt.flag, views)
            rows = views[0]
            rows[rows >= 0] = unique[local][rows[rows >= 0]]

        run_in_threads(solve, range(len(at)), max(2, cpu_count()))
