"""Nearest points of the convex hull of a cloud, each with a proof from both sides.

For a block of queries two steps alternate. One pass over all rows (`price`) finds, for every open
query, how far the hull reaches in the query's own direction: that certifies a lower bound on the
distance, and proposes a few rows from all over the data. Then the nearest point of the hull of
each query's few rows is found exactly (`wolfe`), which certifies an upper bound and gives the
next direction. The support of the last round is kept, so the upper bound falls strictly and the
rounds end (Wolfe 1976); a query leaves as soon as its bracket closes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from time import monotonic
from typing import Any

import numpy as np

from .._core.rounding import UNIT_ROUNDOFF
from .._core.threads import StopFlag, cpu_count, run_in_threads
from .._core.types import Floats, Indices, Ints, Mask
from ._subspace import RowSpan
from .block_floats import row_norms
from .exclusion import BlockExclusion, Exclusion
from .pricing import PricingResult, price, price_above
from .scaled_view import ScaledView
from .wolfe import nearest_batch, workspace

SUBSPACE_RATIO = 4  # from this many times more features than rows, fewer coordinates do
SAMPLE_FIRST_NUMBERS = 1 << 26  # numbers of a cloud of which a sample is searched first
SAMPLE_ROWS, SAMPLE_NUMBERS = 1 << 15, 1 << 22  # of that sample, at most
SAMPLE_CLOSED = 1e-3  # relative width of a bracket in the longest rows
SUPPORT_TOLERANCE = 1e-13  # of the distance: how far a row may reach beyond a nearest point
MAX_IDLE_ROUNDS = 4  # without progress, before a query is let go


class Termination(IntEnum):
    """Why the search for a query's nearest point came to its end."""

    OPEN = 0  # it did not
    SEPARATED = 1  # certified outside, which is all that membership needs
    CLOSED = 2  # the bracket is closed
    TOUCHING = 3  # the query is in the hull, up to rounding
    STALLED = 4  # rounding ended the search
    BUDGET = 5  # time or passes ran out


@dataclass(frozen=True, eq=False)
class Projection:
    """Nearest points in the coordinates of a frame; m queries, supports padded with row -1.

    Where a query has an exponent of its own, `lower` is in units of 2**exponent of the frame, and
    `upper` belongs to the query without it.
    """

    lower: Floats  # (m,) certified
    upper: Floats  # (m,) certified
    direction: Floats  # (m, r) unit vectors that certify `lower`
    rows: Indices  # (m, s)
    weights: Floats  # (m, s) positive on the support, zero on the padding
    termination: Indices  # (m,) members of Termination
    exponents: Ints  # (m,)


def query_blocks(m: int, d: int) -> Iterator[slice]:
    """Blocks in which m queries are projected: about 2 MiB for each (m, d) array in flight."""
    size = min(max((1 << 18) // max(d, 1), 64), 2048)
    for start in range(0, m, size):
        yield slice(start, min(start + size, m))


def project(
    view: ScaledView,
    Zq: Floats,
    exponents: Ints | None = None,
    *,
    exclude: Exclusion | None = None,
    scale: Floats | None = None,
    membership: bool = False,
    relative: float = 1e-6,
    limits: tuple[int, float] = (1000, np.inf),
    progress: Callable[[int], Any] = lambda n_done: None,
) -> Projection:
    """Nearest points of the hull of a view to the rows of Zq (m, r), in the view's frame.

    A query is its row of Zq times 2**exponents (m,), which are 0 but for queries far out: for those
    the nearest point of the query without the exponent serves, as they see the hull alike.
    `exclude` names one row for each query that its hull shall not have (-1: none), or a block of
    rows. `scale` (m, r) gives each query units of its own: for it all coordinates, its own and
    those of the rows, are multiplied by its row of `scale`, and its answer is in these.
    `membership` lets a query go as soon as it is separated; otherwise it stays until ``upper -
    lower`` is at most `relative` times upper. `limits` are a number of passes and a time
    (`time.monotonic`). `progress` hears how many queries are done.
    """
    # a span of the rows mixes coordinates, so units of a query's own leave no way through it
    span = RowSpan(view) if view.rank > SUBSPACE_RATIO * view.n and scale is None else None
    searched, queries = (span.view, span.map(Zq)) if span else (view, Zq)
    search = _ProjectionSearch(searched, queries, exclude, membership, relative, scale)
    sample = min(SAMPLE_ROWS, SAMPLE_NUMBERS // searched.rank)
    is_large = searched.n * searched.rank > SAMPLE_FIRST_NUMBERS and scale is None
    if is_large and searched.n > 4 * sample and sample > 2 * searched.rank:
        search.start_with_sample(*searched.sample(sample), limits)
    elif searched.looks_at_longest_first and scale is None and exclude is None:
        search.start_with_sample(*searched.longest_rows, limits, SAMPLE_CLOSED)
    search.run(limits, progress)
    lower, direction = search.lower, search.direction
    if span:  # found in few coordinates, proven in all
        direction = span.full_directions(Zq, direction)
    exponents = np.zeros(len(Zq), dtype=np.int64) if exponents is None else exponents
    unproven = np.arange(len(Zq)) if span else np.flatnonzero(exponents)
    if unproven.size:
        U = direction[unproven]
        best = price(view, U, None if exclude is None else exclude[unproven]).best
        proof = lower_bounds(view, U, Zq[unproven], best, False, exponents=exponents[unproven])
        lower[unproven] = np.maximum(proof[0], 0.0)
    return Projection(
        *(lower, search.upper, direction, search.rows, search.weights, search.termination),
        exponents,
    )


def lower_bounds(
    view: ScaledView,
    U: Floats,
    Zq: Floats,
    best: Floats,
    single: bool,
    scale: Floats | None = None,
    exponents: Ints | None = None,
) -> tuple[Floats, Floats, Floats]:
    """What a pass proves: a lower bound on each distance, <u, q>, and the rounding in both.

    Every row x has <u, x> <= best + error, so the query is at least (<u, q> - best - error) / |u|
    away from the hull; in units of its own the same functional has the length |u / scale|. Where
    the query is Zq 2**exponent, all of this is in units of 2**exponent.
    """
    rounding = view.rounding_bound(U, single)
    if exponents is not None:
        best, rounding = np.ldexp(best, -exponents), np.ldexp(rounding, -exponents)
    length = row_norms(U if scale is None else U / scale) * (1 + 4 * UNIT_ROUNDOFF)
    at_query = np.einsum("ij,ij->i", U, Zq)
    size = row_norms(Zq)
    error = rounding + 2 * U.shape[1] * UNIT_ROUNDOFF * size * length
    gap = at_query - best
    # room for a checker with a coarser rounding bound, but never at the cost of the sign
    lower = np.maximum(gap - 8 * error, (gap - error) / 8) / length * (1 - 4 * UNIT_ROUNDOFF)
    return lower, at_query, error


class _ProjectionSearch:
    """The state of a block of queries, from the first pass until every bracket is closed."""

    def __init__(
        self,
        view: ScaledView,
        Zq: Floats,
        exclude: Exclusion | None,
        membership: bool,
        relative: float,
        scale: Floats | None = None,
    ) -> None:
        m, r = Zq.shape
        self.view, self.Zq, self.exclude, self.scale = view, Zq, exclude, scale
        self.membership, self.relative = membership, relative
        own_Zq = self.own_units(Zq)
        self.size = row_norms(own_Zq)
        self.lower, self.upper = np.zeros(m), np.full(m, np.inf)
        self.rows, self.weights = np.zeros((m, 0), np.intp), np.zeros((m, 0))
        self.count = np.zeros(m, np.intp)
        self.n_passes, self.n_idle = np.zeros(m, np.intp), np.zeros(m, np.intp)
        self.termination = np.full(m, Termination.OPEN)
        self.single = np.full(m, view.prefers_float32)
        # from the centre to the query: this direction alone separates nearly every row far out
        outward = np.where(self.size[:, None] > 0, own_Zq, 1.0)
        self.outward = outward / row_norms(outward)[:, None]
        self.direction = self.outward.copy()
        self.leaves_support = np.ones(m, dtype=bool)  # else a pass says nothing of the support

    def own_units(self, Z: Floats, queries: Indices | slice = slice(None)) -> Floats:
        """One row for each of these queries, in that query's units."""
        return Z if self.scale is None else Z * self.scale[queries]

    def start_with_sample(
        self, part: ScaledView, rows: Indices, limits: tuple[int, float], relative: float = 1e-2
    ) -> None:
        """Find the nearest points of the hull of a sample first, which costs no pass.

        What is inside its hull is inside; the others begin with a direction that is nearly right.
        """
        exclude: Exclusion | None = None
        if isinstance(self.exclude, BlockExclusion):
            exclude = self.exclude.among(rows)
        elif self.exclude is not None:
            at = np.minimum(np.searchsorted(rows, self.exclude), len(rows) - 1)
            exclude = np.where(rows[at] == self.exclude, at, -1)
        first = _ProjectionSearch(part, self.Zq, exclude, False, relative)
        first.run((100, limits[1]), lambda n_done: None)
        self.rows = np.where(first.rows >= 0, rows[first.rows], -1)
        self.weights, self.count, self.upper = first.weights, first.count, first.upper
        if not self.membership:  # the way from the centre separates more of those outside
            self.outward = first.outward
        else:
            self.leaves_support[:] = False
        self.termination[first.termination == Termination.TOUCHING] = Termination.TOUCHING

    def run(self, limits: tuple[int, float], progress: Callable[[int], Any]) -> None:
        """Alternate passes over all rows and projections on few until no query is open."""
        while (open_ := np.flatnonzero(self.termination == Termination.OPEN)).size:
            progress(len(self.termination) - len(open_))
            if self.n_passes.max() >= limits[0] or monotonic() > limits[1]:
                self.termination[open_] = Termination.BUDGET
            for single in (True, False):
                is_open = self.termination[open_] == Termination.OPEN
                queries = open_[is_open & (self.single[open_] == single)]
                if queries.size:
                    proposed = self._price(queries, single)
                    still_open = self.termination[queries] == Termination.OPEN
                    self._project(queries[still_open], proposed[still_open])
        progress(len(self.termination))

    def _price(self, queries: Indices, single: bool) -> Indices:
        """One pass over the data: lower bounds, and rows to try next (-1 for none)."""
        U = self.own_units(self.outward[queries], queries)
        if single:
            U = self.view.float32_directions(U)  # what is multiplied is what certifies
        exclude = None if self.exclude is None else self.exclude[queries]
        scale = None if self.scale is None else self.scale[queries]
        lists_rows = not single and scale is None and exclude is None and self.view.is_tiled
        if lists_rows and np.isfinite(self.upper[queries]).all():
            priced = self._price_above_support(queries, U)
        else:
            priced = price(self.view, U, exclude, single)
        self.n_passes[queries] += 1
        lower, at_query, error = lower_bounds(
            self.view, U, self.Zq[queries], priced.best, single, scale
        )
        U = U if scale is None else U / scale
        length = row_norms(U)
        better = lower > self.lower[queries]
        self.lower[queries[better]] = lower[better]
        self.direction[queries[better]] = (U / length[:, None])[better]

        # a row further along than the support's own plane shortens the way to the query
        plane = (at_query - self.upper[queries] * length)[:, None]
        gain = np.full(priced.scores.shape, -np.inf)  # where every row of a group is left out
        np.subtract(priced.scores, plane, out=gain, where=priced.scores > -np.inf)
        in_support = (priced.winners[:, :, None] == self.rows[queries][:, None, :]).any(axis=2)
        useful = (gain > 0) & ~in_support
        faint = gain.max(axis=1) <= (2 * error if single else 0.0)
        idle = self.n_idle[queries] > MAX_IDLE_ROUNDS
        stuck = faint | ~useful.any(axis=1) | idle
        self._terminate(queries, single, stuck & self.leaves_support[queries])
        return np.where(useful, priced.winners, -1)

    def _price_above_support(self, queries: Indices, U: Floats) -> PricingResult:
        """A pass that looks for rows beyond the plane through each nearest point."""
        at_query = np.einsum("ij,ij->i", U, self.Zq[queries])
        level = at_query - self.upper[queries] * row_norms(U)
        priced, is_long = price_above(self.view, U, level)
        long = np.flatnonzero(is_long)
        if long.size:
            all_ = price(self.view, U[long])
            width = max(priced.winners.shape[1], all_.winners.shape[1])
            winners, scores = (
                pad_columns(priced.winners, width, -1),
                pad_columns(priced.scores, width, -np.inf),
            )
            winners[long] = pad_columns(all_.winners, width, -1)
            scores[long] = pad_columns(all_.scores, width, -np.inf)
            best, row = priced.best.copy(), priced.row.copy()
            best[long], row[long] = all_.best, all_.row
            priced = PricingResult(best, row, winners, scores)
        return priced

    def _terminate(self, queries: Indices, single: bool, stuck: Mask) -> None:
        """Let go the queries for which this pass was the last one."""
        lower, upper = self.lower[queries], self.upper[queries]
        termination = np.full(len(queries), Termination.OPEN)
        if single:
            self.single[queries[stuck]] = False  # float32 sees no further: float64 decides
            self.n_idle[queries[stuck]] = 0
        else:
            termination[stuck] = Termination.STALLED
        termination[upper * (1 - self.relative) <= lower] = Termination.CLOSED
        if self.membership:
            termination[lower > 0] = Termination.SEPARATED
        self.termination[queries] = termination

    def _project(self, queries: Indices, proposed: Indices) -> None:
        """Nearest points of the hulls of supports and proposals: upper bounds, next directions."""
        if not queries.size:
            return
        width = int(self.count[queries].max())
        rows = np.concatenate([self.rows[queries, :width], proposed], axis=1)
        rows[:, :width][np.arange(width) >= self.count[queries][:, None]] = -1
        weights = np.zeros(rows.shape)
        weights[:, :width] = self.weights[queries, :width]
        count = self.count[queries]
        P = np.zeros((len(queries), self.view.rank))
        U = self.outward[queries]
        # nearer than this a computed residual says nothing more
        floor = 2 * UNIT_ROUNDOFF * (1 + self.size[queries])
        # rows are fetched for a few queries at a time; from a file that must be read whole for
        # them, for as many as 32 MiB hold
        room, most = (1 << 19, 64) if self.view.source.seekable else (1 << 22, len(queries))
        block = min(max(room // (rows.shape[1] * self.view.rank), 1), most)

        def solve(at: slice, stop: StopFlag) -> None:
            if stop.is_set():
                return
            pool, local = self._fetch_rows(rows[at], queries[at])
            Zq = self.own_units(self.Zq[queries[at]], queries[at])
            nearest_batch(
                workspace(rows.shape[1], self.view.rank),
                *(pool, rows[at], local, weights[at], count[at]),
                *(Zq, SUPPORT_TOLERANCE, floor[at], P[at], U[at]),
            )

        blocks = [slice(i, i + block) for i in range(0, len(queries), block)]
        run_in_threads(solve, blocks, cpu_count() if rows.size * self.view.rank > 1 << 16 else 1)
        self._store_supports(queries, rows, weights, count)
        length = row_norms(P)
        # weights, subtraction and sum: each term of P is known to a few units of its own size
        error = (count + 10) * UNIT_ROUNDOFF * (1 + self.size[queries]) * np.sqrt(self.view.rank)
        self._update_upper(queries, length + error)
        self.termination[queries[length <= floor]] = Termination.TOUCHING
        self.outward[queries] = U
        self.leaves_support[queries] = True

    def _update_upper(self, queries: Indices, upper: Floats) -> None:
        """Take over what became shorter, and count the rounds in which nothing did."""
        progress = upper < self.upper[queries] * (1 - 1e-12)
        self.n_idle[queries] = np.where(progress, 0, self.n_idle[queries] + 1)
        self.upper[queries] = np.minimum(upper, self.upper[queries])

    def _fetch_rows(self, rows: Indices, queries: Indices) -> tuple[Floats, Indices]:
        """The framed rows that a few queries need, and the queries' rows as places among them."""
        if self.scale is not None:
            places = np.arange(rows.size).reshape(rows.shape)
            Z = self.view.take(np.maximum(rows, 0).ravel()).reshape(*rows.shape, self.view.rank)
            own_Z = Z * self.scale[queries, None, :]
            return own_Z.reshape(-1, self.view.rank), np.where(rows >= 0, places, -1)
        if self.view.in_memory:
            return self.view.scaled_rows, rows
        unique, inverse = np.unique(rows, return_inverse=True)
        absent = int(unique[0] == -1)
        return self.view.take(unique[absent:]), inverse.reshape(rows.shape) - absent

    def _store_supports(
        self, queries: Indices, rows: Indices, weights: Floats, count: Indices
    ) -> None:
        width = int(count.max())
        if width > self.rows.shape[1]:
            self.rows = pad_columns(self.rows, width, -1)
            self.weights = pad_columns(self.weights, width, 0.0)
        in_support = np.arange(width) < count[:, None]
        self.rows[queries, :width] = np.where(in_support, rows[:, :width], -1)
        self.rows[queries, width:] = -1
        self.weights[queries, :width] = np.where(in_support, weights[:, :width], 0.0)
        self.weights[queries, width:] = 0.0
        self.count[queries] = count


def pad_columns(A: Any, width: int, fill: float) -> Any:
    """A with columns of `fill` added up to `width`; A itself where it is that wide."""
    if A.shape[1] == width:
        return A
    wider = np.full((len(A), width), fill, dtype=A.dtype)
    wider[:, : A.shape[1]] = A
    return wider
