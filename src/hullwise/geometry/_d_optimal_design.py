"""The search for D-optimal weights over a cloud: which rows to look at, and when to stop.

The rows in question are few. Each round improves the weights on the working rows, then one pass
prices all rows: those left out that reach too far join, those that no optimal design can use are
forgotten until the last check (Harman and Pronzato 2007).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .._core.types import Floats, Indices, Progress
from . import _ellipsoid_kernels as kernels
from ._flat import Flat, blocks, spanning_rows
from .scaled_view import ScaledView

HELD = 1 << 22  # numbers of the rows still in question that are kept in memory (32 MiB)
SWEEP = 64  # away steps counted as one iteration


class Search:
    """The rows in question, and the weights on them, from one pass over the rows to the next."""

    def __init__(
        self,
        view: ScaledView,
        flat: Flat,
        tolerance: float,
        limit: int,
        cap: int,
        progress: Progress | None,
    ) -> None:
        self.view, self.flat = view, flat
        self.p = flat.rank + 1
        self.tolerance, self.limit = tolerance, limit
        self.cap = max(cap, 2 * self.p)
        self.progress = progress
        self.spent = 0
        self.alive = np.arange(view.n)  # rows that may yet carry weight
        self.held: Floats | None = None  # their coordinates, once they are few
        self.dense = True  # Newton steps, as long as their matrix fits

    def run(self) -> tuple[Indices, Floats]:
        """Rows and their weights, once the gap is closed, the budget spent or rounding reached."""
        rows = spanning_rows(self.view, self.flat, min(self.cap, max(20 * self.p, 500)))
        rows, Y, u = self._distinct(rows, np.ones(len(rows)))
        u = kernels.multiplicative(Y, u, 10)
        goal, stalled = 1e-2, 0
        best = (np.inf, rows, u)
        while True:
            u, kappa = self._improve(Y, u, max(goal, 0.3 * self.tolerance))
            gap, out = self._price(Y, u)
            if gap <= self.tolerance and len(self.alive) < self.view.n:
                # a forgotten row carries no weight at the optimum, yet may stick out short of it
                self.alive, self.held = np.arange(self.view.n), None
                gap, out = self._price(Y, u)
            self._tell(gap, len(rows))
            if gap <= self.tolerance:
                return self._sparse(rows, Y, u, kappa)
            settled = self.dense and goal <= 0.3 * self.tolerance
            stalled = stalled + 1 if settled and gap > 0.9 * best[0] else 0
            best = (gap, rows, u) if gap < best[0] else best
            if self.spent >= self.limit or stalled > 20:
                return best[1], best[2]
            rows, Y, u = self._distinct(*self._renew(rows, u, kappa, out, goal))
            goal = max(0.03 * goal, 0.3 * self.tolerance)

    def _improve(self, Y: Floats, u: Floats, goal: float) -> tuple[Floats, Floats]:
        """Better weights on the working rows."""
        left = self.limit - self.spent
        if self.dense:
            u, kappa, steps = kernels.interior_point(Y, u, goal, left, self._tick(len(u)))
            self.spent += max(steps, 1)
            return u, kappa
        for _ in range(min(left, 4)):
            u = kernels.multiplicative(Y, u, 4)
            u, kappa = kernels.away_steps(Y, u, goal, SWEEP)
            self.spent += 1
            self._tick(len(u))(float(kappa.max()) / self.p - 1)
        return u, kappa

    def _price(self, Y: Floats, u: Floats) -> tuple[float, Indices]:
        """The gap over all rows, and the rows left out, worst first; forgets hopeless rows."""
        c, A = kernels.unit_frame(Y, u)
        if self.held is not None:
            V = (self.held - c) @ A.T
            kappa = 1 + np.einsum("ij,ij->i", V, V)
        else:
            wanted = np.zeros(self.view.n, dtype=bool)
            wanted[self.alive] = True
            asked = partial(
                _sizes,
                mean=self.flat.mean,
                to=self.flat.basis @ A.T,
                shift=A @ c,
                wanted=None if wanted.all() else wanted,
            )
            kappa = 1 + np.concatenate(self.view.ask(asked))
        gap = float(kappa.max()) / self.p - 1
        stay = kappa >= kernels.deletion_bound(gap, self.p) * (1 - 1e-9)
        order = np.argsort(-kappa, kind="stable")
        over = order[kappa[order] > self.p * (1 + 0.3 * min(gap, self.tolerance))]
        out = self.alive[over[: 8 * self.p]]
        if not stay.all():
            self.alive = self.alive[stay]
            self.held = None if self.held is None else self.held[stay]
        if self.held is None and len(self.alive) * self.p <= HELD < self.view.n * self.p:
            self.held = (self.view.take(self.alive) - self.flat.mean) @ self.flat.basis
        return gap, out

    def _renew(
        self, rows: Indices, u: Floats, kappa: Floats, out: Indices, goal: float
    ) -> tuple[Indices, Floats]:
        """The next working rows: those that matter so far, and the worst of those left out."""
        matter = (u * len(u) > 1e-4) | (kappa > self.p * (1 - 3 * goal))
        matter &= np.isin(rows, self.alive)
        rows, u = rows[matter], u[matter]
        out = out[~np.isin(out, rows)][: 4 * self.p]
        if len(rows) + len(out) > self.cap and self.dense:
            room = self.cap - len(rows)
            self.dense = room >= self.p
            out = out[:room] if self.dense else out
        light = 0.1 * goal / max(len(out), 1)
        u = np.concatenate([u / u.sum(), np.full(len(out), light)])
        return np.concatenate([rows, out]), np.maximum(u, 1e-3 * goal / len(u))

    def _distinct(self, rows: Indices, u: Floats) -> tuple[Indices, Floats, Floats]:
        """(rows, coordinates, weights) without rows equal to an earlier one, ascending."""
        Z = self.view.take(rows)
        # einsum adds in the same order for every row, so that equal rows have equal marks
        mark = np.einsum("ij,j->i", Z, np.cos(np.arange(1, Z.shape[1] + 1) ** 2))
        first = np.unique(mark, return_index=True)[1]
        first = first[np.argsort(rows[first])]
        Y = (Z[first] - self.flat.mean) @ self.flat.basis
        return rows[first], Y, u[first] / u[first].sum()

    def _sparse(self, rows: Indices, Y: Floats, u: Floats, kappa: Floats) -> tuple[Indices, Floats]:
        """The same optimum on fewer rows, if the gap over all rows stays closed."""
        found = kernels.newton_on_support(Y, u, kappa) if self.dense else None
        if found is not None and self._price(Y[found[0]], found[1])[0] <= self.tolerance:
            return rows[found[0]], found[1]
        on = kernels.negligible(u, self.p, 0.2 * self.tolerance)
        if self._price(Y[on], u[on])[0] <= self.tolerance:
            return rows[on], u[on] / u[on].sum()
        return rows, u

    def _tick(self, count: int) -> Callable[[float], None]:
        return lambda gap: self._tell(gap, count)

    def _tell(self, gap: float, count: int) -> None:
        if self.progress is not None:
            self.progress(self.spent, self.limit, f"gap {gap:.1e} on {count:,} rows")


def _sizes(
    view: ScaledView, begin: int, mean: Floats, to: Floats, shift: Floats, wanted: Any
) -> Floats:
    """|(z - mean) @ to - shift|^2 of the rows wanted; None for all."""
    found = []
    for at, Z in blocks(view):
        Z = Z if wanted is None else Z[wanted[begin + at.start : begin + at.stop]]
        V = (Z - mean) @ to - shift
        found.append(np.einsum("ij,ij->i", V, V))
    return np.concatenate(found)
