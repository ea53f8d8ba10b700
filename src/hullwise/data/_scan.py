"""One pass over the rows: blocked products, then an arg-max, on a few threads.

The n x B matrix of scores never exists; a pass holds one block of rows and one block of scores
for each thread. Two questions share the pass: the single best row with a few others from all
over the data (what a solver wants), and the exact best k (what a neighbour query wants).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit

from .._threads import Stop, cores, for_each, single_threaded_blas
from ..rows._rows import Array, Floats, Indices, Rows
from ._frame import Frame

BLOCK = 1024  # rows of data in one product
CHUNK = 1024  # directions in one product
KEEP = 1 << 22  # a cloud of at most this many numbers keeps its framed rows (32 MiB)
SMALL = 1 << 24  # products of less than this are not worth a second thread
GROUPS = 32  # rows a pass may propose for each direction


class View:
    """The rows of a source, seen in a frame: what the solvers talk to.

    `reach` and `largest` (d,) bound |x - shift| and |x| of every row, feature by feature, in units
    of the frame's `pre`. Where the second is not much more than the first, float32 rows are
    multiplied as they are stored: <u, z> = <u f, x> - <u f, shift>, and no row is ever copied.
    """

    def __init__(self, source: Rows, frame: Frame, reach: Floats, largest: Floats) -> None:
        self.source, self.frame = source, frame
        self.n, self.rank = source.n, frame.rank
        self.small = source.n * frame.rank <= KEEP
        plain = frame.fits_single and source.dtype == np.float32
        offset = np.linalg.norm(largest * frame.factor) / 4 > np.linalg.norm(reach * frame.factor)
        self.as_stored = plain and not offset and not self.small
        self._reach, self._largest = reach, largest

    @cached_property
    def kept(self) -> Floats:
        """All framed rows of a small cloud."""
        return np.ascontiguousarray(self.frame.map(self.source.block(0, self.n)))

    def folds(self, count: int, h: float) -> bool:
        """Whether a pass takes its directions through the metric's matrix instead of the rows.

        <u, y L'> = <u L, y>: the same scores, and rows are not mapped anew in every pass. Mapped
        rows have fewer coordinates where the metric sees few: then it depends on how many ask.
        """
        if self.small or self.frame.matrix is None or h:
            return False
        d, r = self.frame.matrix.shape
        return bool(count * d < r * (count + d))

    @cached_property
    def _unturned(self) -> Frame:
        """The frame without the metric's matrix."""
        return replace(self.frame, matrix=None)

    def block(self, start: int, stop: int, single: bool, folded: bool = False) -> Array:
        if self.small:
            return self.kept[start:stop]
        rows = self.source.block(start, stop)
        if single and self.as_stored:
            return rows
        frame = self._unturned if folded else self.frame
        return frame.map_single(rows) if single else frame.map(rows)

    def take(self, rows: Indices) -> Floats:
        return self.kept[rows] if self.small else self.frame.map(self.source.take(rows))

    def single_directions(self, U: Floats) -> Floats:
        """The directions nearest to U that a float32 pass multiplies exactly as they are."""
        if self.as_stored:
            return np.asarray((U * self.frame.factor).astype(np.float32) / self.frame.factor)
        return U.astype(np.float32).astype(np.float64)

    def factors(self, U: Floats, single: bool, h: float = 0.0) -> tuple[Array, Floats]:
        """What a block is multiplied with for directions U, and what to take off every score."""
        if self.frame.matrix is not None and self.folds(len(U), h):
            U = U @ self.frame.matrix.T
        elif single and self.as_stored:
            D = np.ascontiguousarray(U * self.frame.factor, dtype=np.float32)
            return D, D.astype(np.float64) @ self.frame.shift
        dtype = np.float32 if single and not self.small else np.float64
        return np.ascontiguousarray(U, dtype=dtype), np.zeros(len(U))

    def rounding(self, U: Floats, single: bool) -> Floats:
        """Bound on the error of every computed <u, z>, for each row u of U.

        Every summation order obeys |error| <= gamma_k sum_j |u_j| |z_j| with k terms (Higham,
        Accuracy and Stability, section 3.1); eight more roundings cover the frame itself. A
        metric's matrix adds d terms, whether the rows go through it or the directions.
        """
        single = single and not self.small
        terms = 8 + self.rank + (0 if self.frame.matrix is None else len(self.frame.shift))
        unit = 2.0**-24 if single else 2.0**-53
        gamma = terms * unit / (1 - terms * unit)
        size = self._largest if single and self.as_stored else self._reach
        size = size * np.abs(self.frame.factor)
        if self.frame.matrix is not None:
            size = size @ np.abs(self.frame.matrix)
        tiny = terms * (1e-37 if single else 1e-300)
        return np.asarray(gamma * (np.abs(U) @ size) * (1 + 1e-12) + tiny)


@dataclass(frozen=True, eq=False)
class Priced:
    """For each direction: the largest score, its row, and one winner for each group of rows."""

    best: Floats
    row: Indices
    winners: Indices  # (B, groups)
    scores: Floats  # (B, groups)


def price(
    view: View,
    U: Floats,
    exclude: Indices | None = None,
    single: bool = False,
    h: float = 0.0,
    groups: int = GROUPS,
) -> Priced:
    """The largest <u, z> - h |z|^2 for each row u of U, with one proposal from each group of rows.

    `exclude[b]` is a row that direction b must not see (-1 for none): that is what leaving one
    row out costs. With `single` the scores are float32 products, wherever the view is not small.
    """
    block = int(np.clip(-(-view.n // groups), 64, BLOCK))
    starts = np.arange(0, view.n, block)
    edges = np.array_split(starts, min(groups, len(starts)))
    spans = [(int(e[0]), min(int(e[-1]) + block, view.n)) for e in edges]
    winners = np.zeros((len(U), len(spans)), dtype=np.intp)
    scores = np.full((len(U), len(spans)), -np.inf)

    def best_of_block(group: int, start: int, at: slice, S: Array) -> None:
        if exclude is not None:
            out = exclude[at]
            hit = np.flatnonzero((out >= start) & (out < start + S.shape[1]))
            S[hit, out[hit] - start] = -np.inf
        arg = S.argmax(axis=1)
        value = np.take_along_axis(S, arg[:, None], axis=1)[:, 0]
        better = value > scores[at, group]
        winners[at, group][better] = arg[better] + start
        scores[at, group][better] = value[better]

    directions, base = view.factors(U, single, h)
    _scan(view, directions, spans, block, single, best_of_block, h)
    scores -= base[:, None]
    first = scores.argmax(axis=1)[:, None]
    return Priced(
        np.take_along_axis(scores, first, axis=1)[:, 0],
        np.take_along_axis(winners, first, axis=1)[:, 0],
        winners,
        scores,
    )


def top_rows(view: View, U: Floats, h: float, k: int) -> tuple[Floats, Indices]:
    """The k largest <u, z> - h |z|^2 for each row u of U: values and rows, (B, k), best first."""
    shards = np.array_split(np.arange(0, view.n, BLOCK), min(2 * cores(), -(-view.n // BLOCK)))
    spans = [(int(s[0]), min(int(s[-1]) + BLOCK, view.n)) for s in shards]
    values = np.full((len(spans), len(U), k), -np.inf)
    rows = np.full((len(spans), len(U), k), view.n, dtype=np.intp)

    def merge(group: int, start: int, at: slice, S: Array) -> None:
        merge_top(S, start, values[group, at], rows[group, at])

    _scan(view, view.factors(U, False, h)[0], spans, BLOCK, False, merge, h)
    flat_values = np.moveaxis(values, 0, 1).reshape(len(U), -1)
    flat_rows = np.moveaxis(rows, 0, 1).reshape(len(U), -1)
    order = np.lexsort((flat_rows, -flat_values), axis=1)[:, :k]
    return (
        np.take_along_axis(flat_values, order, axis=1),
        np.take_along_axis(flat_rows, order, axis=1),
    )


def rows_above(view: View, U: Floats, least: Floats) -> list[Indices]:
    """For each row u of U every row of the view with <u, z> >= least, ascending."""
    spans = [(start, min(start + BLOCK, view.n)) for start in range(0, view.n, BLOCK)]
    found: list[list[Indices]] = [[] for _ in U]

    def collect(group: int, start: int, at: slice, S: Array) -> None:
        which, row = np.nonzero(least[at, None] <= S)
        for b in np.unique(which):
            found[at.start + b].append(row[which == b] + start)

    _scan(view, view.factors(U, False)[0], spans, BLOCK, False, collect)
    return [np.sort(np.concatenate(parts or [np.zeros(0, np.intp)])) for parts in found]


def _scan(
    view: View,
    directions: Array,
    spans: list[tuple[int, int]],
    block: int,
    single: bool,
    consume: Callable[[int, int, slice, Array], None],
    h: float = 0.0,
) -> None:
    """Hand the scores of every block to `consume(group, start, directions, scores)`.

    A group is a span of rows; its blocks come in order and from one thread only, so a consumer
    that writes to its own group needs no lock.
    """
    count = len(directions)
    if not count:
        return
    folded = view.folds(count, h)

    def one_group(item: tuple[int, tuple[int, int]], stop: Stop) -> None:
        group, (first, last) = item
        buffer = np.zeros((min(CHUNK, count), block + -block % 64), dtype=directions.dtype)
        for start in range(first, last, block):
            Z = view.block(start, min(start + block, last), single, folded)
            # equal rows get equal scores only where the product treats them alike: no ragged end
            padded = np.pad(Z, ((0, -len(Z) % 64), (0, 0))) if len(Z) % 64 else Z
            weight = h * np.einsum("ij,ij->i", Z, Z) if h else None
            for low in range(0, count, CHUNK):
                if stop.is_set():
                    return
                at = slice(low, min(low + CHUNK, count))
                part = directions[at]
                S = buffer[: len(part), : len(padded)]
                S = np.matmul(part, padded.T, out=S)[:, : len(Z)]
                if weight is not None:
                    S -= weight
                consume(group, start, at, S)

    if view.small:
        _ = view.kept  # made once, before the threads ask for it
    # a thread costs more to start than a small product takes
    threads = cores() if view.n * view.rank * count > SMALL else 1
    with single_threaded_blas():
        for_each(one_group, enumerate(spans), threads)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def merge_top(S: Any, start: int, values: Any, rows: Any) -> None:
    """Insert a block of scores into sorted lists of the best k; ties keep the earlier row."""
    k = values.shape[1]
    for b in range(S.shape[0]):
        least = values[b, k - 1]
        for j in range(S.shape[1]):
            score = S[b, j]
            if score > least:
                at = k - 1
                while at > 0 and values[b, at - 1] < score:
                    values[b, at] = values[b, at - 1]
                    rows[b, at] = rows[b, at - 1]
                    at -= 1
                values[b, at] = score
                rows[b, at] = start + j
                least = values[b, k - 1]
