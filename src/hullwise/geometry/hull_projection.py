"""Nearest points of the convex hull of a cloud, each with a proof from both sides.

For a block of queries two steps alternate. One pass over all rows (`price`) finds, for every open
query, how far the hull reaches in the query's own direction: that certifies a lower bound on the
distance, and proposes a few rows from all over the data. Then the nearest point of the hull of
each query's few rows is found exactly (`_wolfe`), which certifies an upper bound and gives the
next direction. The support of the last round is kept, so the upper bound falls strictly and the
rounds end (Wolfe 1976); a query leaves as soon as its bracket closes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np

from .._core.rounding import UNIT_ROUNDOFF
from .._core.threads import cpu_count, run_in_threads
from .._core.types import Floats, Indices
from ._subspace import RowSpan
from .pricing import price
from .scaled_view import ScaledView
from .wolfe import nearest_batch

WIDE = 4  # from this many times more features than rows, fewer coordinates do
LARGE = 1 << 26  # numbers of a cloud of which a sample is searched first
SAMPLE, SAMPLED = 1 << 15, 1 << 22  # its rows and numbers, at most
IDLE = 4  # rounds without progress before a query is let go
OPEN, SEPARATED, CLOSED, TOUCHING, STALLED, BUDGET = range(6)


@dataclass(frozen=True, eq=False)
class Projection:
    """Nearest points in the coordinates of a frame; m queries, supports padded with row -1."""

    lower: Floats  # (m,) certified
    upper: Floats  # (m,) certified
    direction: Floats  # (m, r) unit vectors that certify `lower`
    rows: Indices  # (m, s)
    weights: Floats  # (m, s) positive on the support, zero on the padding
    ended: Indices  # (m,) one of the codes above


def query_blocks(m: int, d: int) -> Iterator[slice]:
    """Blocks in which m queries are projected: about 2 MiB for each (m, d) array in flight."""
    size = int(np.clip((1 << 18) // max(d, 1), 64, 2048))
    for start in range(0, m, size):
        yield slice(start, min(start + size, m))


def project(
    view: ScaledView,
    Zq: Floats,
    *,
    exclude: Indices | None = None,
    membership: bool = False,
    relative: float = 1e-6,
    limits: tuple[int, float] = (1000, np.inf),
    progress: Callable[[int], Any] = lambda done: None,
) -> Projection:
    """Nearest points of the hull of a view to the rows of Zq (m, r), in the view's frame.

    `exclude` names one row for each query that its hull shall not have (-1: none). `membership`
    lets a query go as soon as it is separated; otherwise it stays until ``upper - lower`` is at
    most `relative` times upper. `limits` are a number of passes and a time (`time.monotonic`).
    `progress` hears how many queries are done.
    """
    narrow = RowSpan(view) if view.rank > WIDE * view.n else None
    seen, queries = (narrow.view, narrow.map(Zq)) if narrow else (view, Zq)
    batch = _Batch(seen, queries, exclude, membership, relative)
    sample = min(SAMPLE, SAMPLED // seen.rank)
    if seen.n * seen.rank > LARGE and seen.n > 4 * sample and sample > 2 * seen.rank:
        batch.begin_with(*seen.sample(sample), limits)
    batch.run(limits, progress)
    lower, direction = batch.lower, batch.direction
    if narrow:  # found in few coordinates, proven in all
        direction = narrow.widen(Zq, direction)
        best = price(view, direction, exclude).best
        lower = np.maximum(bound_below(view, direction, Zq, best, False)[0], 0.0)
    return Projection(lower, batch.upper, direction, batch.rows, batch.weights, batch.ended)


def bound_below(
    view: ScaledView, U: Floats, Zq: Floats, best: Floats, single: bool
) -> tuple[Floats, Floats, Floats]:
    """What a pass proves: a lower bound on each distance, <u, q>, and the rounding in both.

    Every row x has <u, x> <= best + error, so the query is at least (<u, q> - best - error) / |u|
    away from the hull.
    """
    length = np.sqrt(np.einsum("ij,ij->i", U, U)) * (1 + 4 * UNIT_ROUNDOFF)
    ahead = np.einsum("ij,ij->i", U, Zq)
    size = np.sqrt(np.einsum("ij,ij->i", Zq, Zq))
    error = view.rounding_bound(U, single) + 2 * U.shape[1] * UNIT_ROUNDOFF * size * length
    gap = ahead - best
    # room for a checker with a coarser rounding bound, but never at the cost of the sign
    lower = np.maximum(gap - 8 * error, (gap - error) / 8) / length * (1 - 4 * UNIT_ROUNDOFF)
    return lower, ahead, error


class _Batch:
    """The state of a block of queries, from the first pass until every bracket is closed."""

    def __init__(
        self,
        view: ScaledView,
        Zq: Floats,
        exclude: Indices | None,
        membership: bool,
        relative: float,
    ) -> None:
        m, r = Zq.shape
        self.view, self.Zq, self.exclude = view, Zq, exclude
        self.membership, self.relative = membership, relative
        self.size = np.sqrt(np.einsum("ij,ij->i", Zq, Zq))
        self.lower, self.upper = np.zeros(m), np.full(m, np.inf)
        self.rows, self.weights = np.zeros((m, 0), np.intp), np.zeros((m, 0))
        self.count = np.zeros(m, np.intp)
        self.passes, self.idle = np.zeros(m, np.intp), np.zeros(m, np.intp)
        self.ended = np.full(m, OPEN)
        self.single = np.full(m, not view.in_memory)
        # from the centre to the query: this direction alone separates nearly every row far out
        away = np.where(self.size[:, None] > 0, Zq, 1.0)
        self.away = away / np.sqrt(np.einsum("ij,ij->i", away, away))[:, None]
        self.direction = self.away.copy()

    def begin_with(self, part: ScaledView, rows: Indices, limits: tuple[int, float]) -> None:
        """Find the nearest points of the hull of some rows first, which costs no pass.

        What is inside their hull is inside; the others begin with a direction that is nearly right.
        """
        exclude = None
        if self.exclude is not None:
            at = np.minimum(np.searchsorted(rows, self.exclude), len(rows) - 1)
            exclude = np.where(rows[at] == self.exclude, at, -1)
        first = _Batch(part, self.Zq, exclude, False, 1e-2)
        first.run((100, limits[1]), lambda done: None)
        self.rows = np.where(first.rows >= 0, rows[first.rows], -1)
        self.weights, self.count, self.upper = first.weights, first.count, first.upper
        if not self.membership:  # the way from the centre separates more of those outside
            self.away = first.away
        self.ended[first.ended == TOUCHING] = TOUCHING

    def run(self, limits: tuple[int, float], progress: Callable[[int], Any]) -> None:
        while (waiting := np.flatnonzero(self.ended == OPEN)).size:
            progress(len(self.ended) - len(waiting))
            if self.passes.max() >= limits[0] or monotonic() > limits[1]:
                self.ended[waiting] = BUDGET
            for single in (True, False):
                some = waiting[(self.ended[waiting] == OPEN) & (self.single[waiting] == single)]
                if some.size:
                    proposed = self._price(some, single)
                    on = self.ended[some] == OPEN
                    self._nearest(some[on], proposed[on])
        progress(len(self.ended))

    def _price(self, some: Indices, single: bool) -> Indices:
        """One pass over the data: lower bounds, and rows to try next (-1 for none)."""
        U = self.away[some]
        if single:
            U = self.view.float32_directions(U)  # what is multiplied is what certifies
        exclude = None if self.exclude is None else self.exclude[some]
        found = price(self.view, U, exclude, single)
        self.passes[some] += 1
        lower, ahead, error = bound_below(self.view, U, self.Zq[some], found.best, single)
        length = np.sqrt(np.einsum("ij,ij->i", U, U))
        better = lower > self.lower[some]
        self.lower[some[better]] = lower[better]
        self.direction[some[better]] = (U / length[:, None])[better]

        # a row further along than the support's own plane shortens the way to the query
        gain = found.scores - (ahead - self.upper[some] * length)[:, None]
        known = found.winners[:, :, None] == self.rows[some][:, None, :]
        useful = (gain > 0) & ~known.any(axis=2)
        faint = gain.max(axis=1) <= (2 * error if single else 0.0)
        self._decide(some, single, faint | ~useful.any(axis=1) | (self.idle[some] > IDLE))
        return np.where(useful, found.winners, -1)

    def _decide(self, some: Indices, single: bool, stuck: Any) -> None:
        """Let go the queries for which this pass was the last one."""
        lower, upper = self.lower[some], self.upper[some]
        ended = np.full(len(some), OPEN)
        if single:
            self.single[some[stuck]] = False  # float32 sees no further: float64 decides
            self.idle[some[stuck]] = 0
        else:
            ended[stuck] = STALLED
        ended[upper * (1 - self.relative) <= lower] = CLOSED
        if self.membership:
            ended[lower > 0] = SEPARATED
        self.ended[some] = ended

    def _nearest(self, some: Indices, proposed: Indices) -> None:
        """Nearest points of the hulls of supports and proposals: upper bounds, next directions."""
        if not some.size:
            return
        width = int(self.count[some].max())
        rows = np.concatenate([self.rows[some, :width], proposed], axis=1)
        rows[:, :width][np.arange(width) >= self.count[some][:, None]] = -1
        weights = np.zeros(rows.shape)
        weights[:, :width] = self.weights[some, :width]
        count = self.count[some]
        P = np.zeros((len(some), self.view.rank))
        U = self.away[some]
        # nearer than this a computed residual says nothing more
        floor = 2 * UNIT_ROUNDOFF * (1 + self.size[some])
        # rows are fetched for a few queries at a time; from a file that must be read whole for
        # them, for as many as 32 MiB hold
        room, most = (1 << 19, 64) if self.view.source.seekable else (1 << 22, len(some))
        each = int(np.clip(room // (rows.shape[1] * self.view.rank), 1, most))

        def solve(at: slice, stop: Any) -> None:
            if stop.is_set():
                return
            pool, local = self._pool(rows[at])
            nearest_batch(
                *(pool, rows[at], local, weights[at], count[at]),
                *(self.Zq[some[at]], floor[at], P[at], U[at]),
            )

        parts = [slice(i, i + each) for i in range(0, len(some), each)]
        run_in_threads(solve, parts, cpu_count() if rows.size * self.view.rank > 1 << 16 else 1)
        self._keep(some, rows, weights, count)
        length = np.sqrt(np.einsum("ij,ij->i", P, P))
        # weights, subtraction and sum: each term of P is known to a few units of its own size
        error = (count + 10) * UNIT_ROUNDOFF * (1 + self.size[some]) * np.sqrt(self.view.rank)
        self._watch(some, length + error)
        self.ended[some[length <= floor]] = TOUCHING
        self.away[some] = U

    def _watch(self, some: Indices, upper: Floats) -> None:
        """Take over what became shorter, and count the rounds in which nothing did."""
        progress = upper < self.upper[some] * (1 - 1e-12)
        self.idle[some] = np.where(progress, 0, self.idle[some] + 1)
        self.upper[some] = np.minimum(upper, self.upper[some])

    def _pool(self, rows: Indices) -> tuple[Floats, Indices]:
        """The framed rows that a few queries need, and the queries' rows as places in it."""
        if self.view.in_memory:
            return self.view.scaled_rows, rows
        unique, inverse = np.unique(rows, return_inverse=True)
        absent = int(unique[0] == -1)
        return self.view.take(unique[absent:]), inverse.reshape(rows.shape) - absent

    def _keep(self, some: Indices, rows: Indices, weights: Floats, count: Indices) -> None:
        width = int(count.max())
        if width > self.rows.shape[1]:
            self.rows = widen(self.rows, width, -1)
            self.weights = widen(self.weights, width, 0.0)
        inside = np.arange(width) < count[:, None]
        self.rows[some, :width] = np.where(inside, rows[:, :width], -1)
        self.rows[some, width:] = -1
        self.weights[some, :width] = np.where(inside, weights[:, :width], 0.0)
        self.weights[some, width:] = 0.0
        self.count[some] = count


def widen(A: Any, width: int, fill: float) -> Any:
    return np.pad(A, ((0, 0), (0, width - A.shape[1])), constant_values=fill)
