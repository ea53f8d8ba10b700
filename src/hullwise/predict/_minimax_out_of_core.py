"""Minimax linear weights among more rows than a kernel should look at: whole passes, few rows.

Each query works on a set of rows of its own, at first the nearest ones. The kernel finds the
optimum over that set; a pass through the cloud's one question, put twice, then finds rows that
would have a weight there, and they join. A query is done when there are none.
"""

from __future__ import annotations

import numpy as np

from .._core.threads import StopFlag, cpu_count, run_in_threads
from .._core.types import Floats, Indices, Mask, Progress
from ..geometry.pricing import rows_above, top_rows
from ..geometry.scaled_view import ScaledView
from ._distance_kernels import WeightEntries
from ._minimax_kernel import (
    FIRST_MINIMAX_ROWS,
    MINIMAX_LOOSE,
    MINIMAX_UNKNOWN,
    OPTIMALITY_GAP,
    ROWS_PER_UNKNOWN,
    VIOLATION_TOLERANCE,
    minimax_entries,
)

MINIMAX_QUERY_BLOCK = 256  # queries that share a pass
MAX_MINIMAX_PASSES = 40
ROWS_PER_PASS = 64  # that join a set with every pass
MANY_ROWS_AT_ONCE = 400  # rows with a weight: more are sought by a level
Problem = tuple[Floats, Floats, float, float, float]  # Zq, offs, lam, slope, most_risk
Outputs = tuple[Floats, Floats, Indices]  # theta, gap, outcome


def weigh_out_of_core(
    view: ScaledView, problem: Problem, out: Outputs, progress: Progress | None
) -> list[WeightEntries]:
    """Weights of all queries, block by block; theta, gap and outcome go to `out`."""
    Zq, offs, lam, slope, most_risk = problem
    parts = []
    for start in range(0, len(Zq), MINIMAX_QUERY_BLOCK):
        at = slice(start, min(start + MINIMAX_QUERY_BLOCK, len(Zq)))
        own = Zq[at], offs[at], lam, slope, most_risk
        block = _MinimaxBlock(view, own, (out[0][at], out[1][at], out[2][at]))
        parts.append(block.solve())
        if progress is not None:
            progress(at.stop, len(Zq), "queries")
    return parts


class _MinimaxBlock:
    """A block of queries, each with the few rows it works on."""

    def __init__(self, view: ScaledView, problem: Problem, out: Outputs) -> None:
        self.view, self.out = view, out
        self.Zq, self.offs, self.lam, self.slope, self.most_risk = problem
        m = len(self.Zq)
        nothing: WeightEntries = (np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0))
        self.entries: list[WeightEntries] = [nothing] * m
        ones = np.ones((1, view.rank))
        self.square_rounding = float(4 * view.rounding_bound(ones, False)[0])

    def solve(self) -> WeightEntries:
        k = max(FIRST_MINIMAX_ROWS, ROWS_PER_UNKNOWN * (self.view.rank + 2))
        near = top_rows(self.view, 2 * self.Zq, 1.0, min(k, self.view.n))[1]
        row_sets = [np.sort(rows) for rows in near]
        open_ = np.arange(len(self.Zq))
        for _ in range(MAX_MINIMAX_PASSES):
            self._solve_among(open_, row_sets)
            open_ = open_[self.out[2][open_] != MINIMAX_UNKNOWN]
            more = self._violations(open_) if len(open_) else []
            joined = [np.union1d(row_sets[b], rows) for b, rows in zip(open_, more)]
            grew = np.array([len(j) > len(row_sets[b]) for b, j in zip(open_, joined)], bool)
            for b, rows in zip(open_[grew], [j for j, g in zip(joined, grew) if g]):
                row_sets[b] = rows
            open_ = open_[grew]
            if not len(open_):
                break
        self.out[2][open_] = MINIMAX_LOOSE
        columns = [list(column) for column in zip(*self.entries)]
        counts, rows, values = (np.concatenate(column) for column in columns)
        return counts, rows, values

    def _solve_among(self, at: Indices, row_sets: list[Indices]) -> None:
        """The optimum of each query among the rows of its own set."""
        unique, inverse = np.unique(np.concatenate([row_sets[b] for b in at]), return_inverse=True)
        pool = self.view.take(unique)
        ends = np.concatenate([[0], np.cumsum([len(row_sets[b]) for b in at])])

        def solve(number: int, stop: StopFlag) -> None:
            if stop.is_set():
                return
            b = int(at[number])
            columns = np.ascontiguousarray(pool[inverse[ends[number] : ends[number + 1]]].T)
            own = slice(b, b + 1)
            counts, rows, values = minimax_entries(
                *(columns, self.Zq[own], self.offs[own], self.lam, self.slope, self.most_risk),
                *((0, 1), stop.flag, tuple(array[own] for array in self.out)),
            )
            self.entries[b] = counts, row_sets[b][rows], values

        run_in_threads(solve, range(len(at)), max(2, cpu_count()))

    def _violations(self, at: Indices) -> list[Indices]:
        """For each query rows that would have a weight: two questions, put in one pass or two."""
        theta, gap, outcome = self.out
        a, b, c = theta[at, 0], theta[at, 1:-1], theta[at, -1]
        z, off = self.Zq[at], self.offs[at]
        square = np.einsum("ij,ij->i", z, z) + off
        inner, length = np.einsum("ij,ij->i", b, z), np.einsum("ij,ij->i", b, b)
        answers: list[list[Indices]] = [[] for _ in at]
        allowed = np.zeros(len(at))
        for sign in (1.0, -1.0):
            # the ball of the negative sign holds no row where it is empty
            asks = np.ones(len(at), bool) if sign > 0 else length > 2 * a * c - c * c * off
            usable = asks & (c > 0)
            U = 2 * (sign * b[usable] / c[usable, None] + z[usable])
            rounding = self.view.rounding_bound(U, False) + self.square_rounding
            slack = VIOLATION_TOLERANCE * np.abs(a[usable]) + c[usable] * rounding
            allowed[usable] = np.maximum(allowed[usable], slack)
            level = (slack - sign * (a - inner)[usable]) * 2 / c[usable] + square[usable]
            for number, rows in zip(np.flatnonzero(usable), self._above(U, level, at[usable])):
                answers[number].append(rows)
        share = self.view.n * np.square(allowed) / np.maximum(np.abs(a), 1e-300)
        gap[at] += share
        outcome[at[(gap[at] > OPTIMALITY_GAP) | ~(c > 0)]] = MINIMAX_LOOSE
        return [np.concatenate(rows or [np.zeros(0, np.intp)]) for rows in answers]

    def _above(self, U: Floats, level: Floats, queries: Indices) -> list[Indices]:
        """Rows of a score above a level: the best few beyond those that have a weight already."""
        if not len(U):
            return []
        counts = np.array([len(self.entries[b][1]) for b in queries])
        answers: list[Indices] = [np.zeros(0, np.intp)] * len(U)
        few: Mask = counts <= MANY_ROWS_AT_ONCE
        if few.any():
            k = min(self.view.n, int(counts[few].max()) + ROWS_PER_PASS)
            values, rows = top_rows(self.view, U[few], 1.0, k)
            for number, value, row in zip(np.flatnonzero(few), values, rows):
                answers[number] = row[value > level[number]]
        if not few.all():
            many = np.flatnonzero(~few)
            for number, row in zip(many, rows_above(self.view, U[many], level[many], 1.0)):
                answers[number] = row
        return answers
