"""The search for D-optimal weights over a cloud: which rows to look at, and when to stop.

The rows in question are few. Each round improves the weights on the working rows, then one pass
prices all rows: those left out that reach too far join, those that no optimal design can use are
forgotten until the last check (Harman and Pronzato 2007).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from .._core.types import Floats, Indices, Mask, Progress
from . import _ellipsoid_kernels as kernels
from ._flat import Flat, row_blocks, spanning_rows
from .scaled_view import ScaledView

MAX_CANDIDATE_NUMBERS = 1 << 22  # of the rows still in question, kept in memory (32 MiB)
AWAY_STEPS_PER_ITERATION = 64


class DesignSearch:
    """The rows in question, and the weights on them, from one pass over the rows to the next."""

    def __init__(
        self,
        view: ScaledView,
        flat: Flat,
        tolerance: float,
        max_iterations: int,
        max_working_rows: int,
        progress: Progress | None,
    ) -> None:
        self.view, self.flat = view, flat
        self.p = flat.rank + 1
        self.tolerance, self.max_iterations = tolerance, max_iterations
        self.max_working_rows = max(max_working_rows, 2 * self.p)
        self.progress = progress
        self.n_iterations = 0
        self.candidates = np.arange(view.n)  # rows that may yet carry weight
        self.coordinates: Floats | None = None  # of the candidates, once they are few
        self.uses_newton = True  # as long as the matrix fits

    def run(self) -> tuple[Indices, Floats]:
        """Rows and their weights, once the gap is closed, the iterations spent or rounding met."""
        n_first = min(self.max_working_rows, max(20 * self.p, 500))
        rows = spanning_rows(self.view, self.flat, n_first)
        rows, Y, u = self._drop_duplicates(rows, np.ones(len(rows)))
        u = kernels.multiplicative(Y, u, 10)
        target, n_stalled = 1e-2, 0
        best = (np.inf, rows, u)
        while True:
            try:
                u, kappa = self._improve(Y, u, max(target, 0.3 * self.tolerance))
                gap, violators = self._price_all(Y, u)
            except np.linalg.LinAlgError:  # nearly dependent columns: the best so far still holds
                return best[1], best[2]
            self._report(gap, len(rows))
            if gap <= self.tolerance:
                return self._reduce_support(rows, Y, u, kappa)
            at_final_target = self.uses_newton and target <= 0.3 * self.tolerance
            n_stalled = n_stalled + 1 if at_final_target and gap > 0.9 * best[0] else 0
            best = (gap, rows, u) if gap < best[0] else best
            if self.n_iterations >= self.max_iterations or n_stalled > 20:
                return best[1], best[2]
            rows, u = self._next_working_rows(rows, u, kappa, violators, target)
            rows, Y, u = self._drop_duplicates(rows, u)
            target = max(0.03 * target, 0.3 * self.tolerance)

    def _improve(self, Y: Floats, u: Floats, target: float) -> tuple[Floats, Floats]:
        """Better weights on the working rows."""
        n_left = self.max_iterations - self.n_iterations
        report = self._gap_progress(len(u))
        if self.uses_newton:
            u, kappa, steps = kernels.interior_point(Y, u, target, n_left, report)
            self.n_iterations += max(steps, 1)
            return u, kappa
        for _ in range(min(n_left, 4)):
            u = kernels.multiplicative(Y, u, 4)
            u, kappa = kernels.away_steps(Y, u, target, AWAY_STEPS_PER_ITERATION)
            self.n_iterations += 1
            report(float(kappa.max()) / self.p - 1)
        return u, kappa

    def _price_all(self, Y: Floats, u: Floats) -> tuple[float, Indices]:
        """The gap and the violators; where the gap is closed, over the forgotten rows too."""
        gap, violators = self._price(Y, u)
        if gap <= self.tolerance and len(self.candidates) < self.view.n:
            # a forgotten row carries no weight at the optimum, yet may stick out short of it
            self.candidates, self.coordinates = np.arange(self.view.n), None
            gap, violators = self._price(Y, u)
        return gap, violators

    def _price(self, Y: Floats, u: Floats) -> tuple[float, Indices]:
        """The gap over all rows, and the violators, worst first; forgets hopeless rows."""
        c, A = kernels.unit_frame(Y, u)
        kappa = 1 + self._squared_lengths(c, A)
        gap = float(kappa.max()) / self.p - 1
        hopeful = kappa >= kernels.deletion_bound(gap, self.p) * (1 - 1e-9)
        order = np.argsort(-kappa, kind="stable")
        order = order[kappa[order] > self.p * (1 + 0.3 * min(gap, self.tolerance))]
        violators = self.candidates[order[: 8 * self.p]]
        # rounding alone can leave no row at the bound: then it says nothing, and all rows stay
        if hopeful.any() and not hopeful.all():
            self.candidates = self.candidates[hopeful]
            self.coordinates = None if self.coordinates is None else self.coordinates[hopeful]
        is_large = self.view.n * self.p > MAX_CANDIDATE_NUMBERS
        is_few = len(self.candidates) * self.p <= MAX_CANDIDATE_NUMBERS
        if self.coordinates is None and is_large and is_few:
            Z = self.view.take(self.candidates)
            self.coordinates = (Z - self.flat.mean) @ self.flat.basis
        return gap, violators

    def _squared_lengths(self, c: Floats, A: Floats) -> Floats:
        """|A (y - c)|^2 of every candidate."""
        if self.coordinates is not None:
            V = (self.coordinates - c) @ A.T
            return np.asarray(np.einsum("ij,ij->i", V, V))
        mask = np.zeros(self.view.n, dtype=bool)
        mask[self.candidates] = True
        question = partial(
            _squared_lengths_in_part,
            mean=self.flat.mean,
            projector=self.flat.basis @ A.T,
            shift=A @ c,
            mask=None if mask.all() else mask,
        )
        return np.concatenate(self.view.ask(question))

    def _next_working_rows(
        self, rows: Indices, u: Floats, kappa: Floats, violators: Indices, target: float
    ) -> tuple[Indices, Floats]:
        """The next working rows: those that matter so far, and the worst of those left out."""
        active = (u * len(u) > 1e-4) | (kappa > self.p * (1 - 3 * target))
        active &= np.isin(rows, self.candidates)
        rows, u = rows[active], u[active]
        entering = violators[~np.isin(violators, rows)][: 4 * self.p]
        if len(rows) + len(entering) > self.max_working_rows and self.uses_newton:
            n_free = self.max_working_rows - len(rows)
            self.uses_newton = n_free >= self.p
            entering = entering[:n_free] if self.uses_newton else entering
        initial_weight = 0.1 * target / max(len(entering), 1)
        u = np.concatenate([u / u.sum(), np.full(len(entering), initial_weight)])
        return np.concatenate([rows, entering]), np.maximum(u, 1e-3 * target / len(u))

    def _drop_duplicates(self, rows: Indices, u: Floats) -> tuple[Indices, Floats, Floats]:
        """(rows, coordinates, weights) without rows equal to an earlier one, ascending."""
        Z = self.view.take(rows)
        # einsum adds in the same order for every row, so that equal rows have equal sums
        checksum = np.einsum("ij,j->i", Z, np.cos(np.arange(1, Z.shape[1] + 1) ** 2))
        first = np.unique(checksum, return_index=True)[1]
        first = first[np.argsort(rows[first])]
        Y = (Z[first] - self.flat.mean) @ self.flat.basis
        return rows[first], Y, u[first] / u[first].sum()

    def _reduce_support(
        self, rows: Indices, Y: Floats, u: Floats, kappa: Floats
    ) -> tuple[Indices, Floats]:
        """The same optimum on fewer rows, if the gap over all rows stays closed."""
        reduced = kernels.newton_on_support(Y, u, kappa) if self.uses_newton else None
        if reduced is not None and self._price(Y[reduced[0]], reduced[1])[0] <= self.tolerance:
            return rows[reduced[0]], reduced[1]
        heaviest = kernels.heaviest_rows(u, self.p, 0.2 * self.tolerance)
        if self._price(Y[heaviest], u[heaviest])[0] <= self.tolerance:
            return rows[heaviest], u[heaviest] / u[heaviest].sum()
        return rows, u

    def _gap_progress(self, n_rows: int) -> Callable[[float], None]:
        return lambda gap: self._report(gap, n_rows)

    def _report(self, gap: float, n_rows: int) -> None:
        if self.progress is not None:
            text = f"gap {gap:.1e} on {n_rows:,} rows"
            self.progress(self.n_iterations, self.max_iterations, text)


def _squared_lengths_in_part(
    view: ScaledView,
    begin: int,
    mean: Floats,
    projector: Floats,
    shift: Floats,
    mask: Mask | None,
) -> Floats:
    """|(z - mean) @ projector - shift|^2 of the rows of a mask; None for all."""
    squared = []
    for at, Z in row_blocks(view):
        Z = Z if mask is None else Z[mask[begin + at.start : begin + at.stop]]
        V = (Z - mean) @ projector - shift
        squared.append(np.einsum("ij,ij->i", V, V))
    return np.concatenate(squared)
