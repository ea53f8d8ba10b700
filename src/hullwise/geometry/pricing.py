"""One pass over the rows: blocked products, then an arg-max, on a few threads.

The n x B matrix of scores never exists; a pass holds one block of rows and one block of scores
for each thread. Three questions share the pass: the single best row with a few others from all
over the data (what a solver wants), the exact best k (what a neighbour query wants), and all rows
above a level. Each is answered where the rows are, part by part, and the answers merged: equal
scores go to the lowest row, so they do not depend on how the rows are parted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise

import numpy as np

from .._core.threads import cpu_count
from .._core.types import Array, Floats, Indices, Mask
from ._few_directions import best_of_groups, best_rows, suits_kernel
from ._longest_first import best_by_length
from ._score_blocks import BLOCK_ROWS, GroupSpans, ScoreBlock, scan_scores
from .exclusion import BlockExclusion, Exclusion, excluded_scores
from .scaled_view import ScaledView

N_PROPOSALS = 32  # rows a pass may propose for each direction
MAX_LISTED_ROWS = 128  # above a level, that are multiplied again in float64
RowSpans = list[tuple[int, int]]


@dataclass(frozen=True, eq=False)
class PricingResult:
    """For each direction: the largest score, its row, and one winner for each group of rows."""

    best: Floats
    row: Indices
    winners: Indices  # (B, groups)
    scores: Floats  # (B, groups)


def price(
    view: ScaledView,
    U: Floats,
    exclude: Exclusion | None = None,
    single: bool = False,
    h: float = 0.0,
    groups: int | None = None,
) -> PricingResult:
    """The largest <u, z> - h |z|^2 for each row u of U, with one proposal from each group of rows.

    `exclude[b]` is a row that direction b must not see (-1 for none), or a block of rows: that is
    what leaving them out costs. With `single` the scores are float32 products, wherever the view
    is not small.
    """
    block, starts = group_starts(view.n, groups or N_PROPOSALS)
    directions, base = view.operands(U, single, h)
    if single and view.prefers_float32 and view.is_tiled and exclude is None and not h:
        winners, scores = view.row_tiles.best_of_groups(U, groups or N_PROPOSALS)
    elif suits_kernel(view, len(U)) and not h and not isinstance(exclude, BlockExclusion):
        winners, scores = best_of_groups(view, directions, starts, exclude)
    elif view.looks_at_longest_first and exclude is None and not single and not h:
        winners, scores = best_by_length(view.rows_by_length, directions, groups or N_PROPOSALS)
    else:
        question = partial(
            _best_of_groups,
            directions=directions,
            spans=list(pairwise(starts.tolist())),
            block=block,
            exclude=exclude,
            single=single,
            h=h,
        )
        (winners, scores), *others = view.ask(question)
        for rows, values in others:  # the parts in order: equal scores keep the lower row
            winners = np.where(values > scores, rows, winners)
            scores = np.maximum(values, scores)
        scores = scores - base[:, None]
    best = scores.max(axis=1)
    row = np.where(scores == best[:, None], winners, view.n).min(axis=1)
    return PricingResult(best, row, winners, scores)


def price_above(view: ScaledView, U: Floats, level: Floats) -> tuple[PricingResult, Mask]:
    """The same for rows in memory of which those that lie above `level` (B,) matter; and where not.

    A pass in float32 lists the rows that its own rounding lets reach the level; these few are
    multiplied in float64. `best` is at least the level, and no row's score in float64 is above it.
    True in the mask where more rows are above than are listed: there the result says nothing.
    """
    slack = view.in_float32.rounding_bound(U, True) + view.rounding_bound(U, False)
    rows, count = view.row_tiles.at_least(U, level - 2 * slack, MAX_LISTED_ROWS)
    rows = rows[:, : max(1, int(count.max(initial=1)))]
    Z = view.scaled_rows[rows]
    scores = np.where(rows >= 0, np.einsum("bkr,br->bk", Z, U), -np.inf)
    order = np.lexsort((rows, -scores), axis=1)[:, :N_PROPOSALS]
    rows, scores = np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1)
    best = np.maximum(scores[:, 0], level)
    return PricingResult(best, rows[:, 0], rows, scores), count > MAX_LISTED_ROWS


@lru_cache(maxsize=16)
def group_starts(n: int, groups: int) -> tuple[int, Indices]:
    """Rows of a block, and where about `groups` groups of whole blocks begin; the last is n."""
    block = int(np.clip(-(-n // groups), 64, BLOCK_ROWS))
    blocks = np.arange(0, n, block)
    edges = [part[0] for part in np.array_split(blocks, min(groups, len(blocks)))]
    return block, np.array([*edges, n], dtype=np.intp)


def _best_of_groups(
    view: ScaledView,
    begin: int,
    directions: Array,
    spans: RowSpans,
    block: int,
    exclude: Exclusion | None,
    single: bool,
    h: float,
) -> tuple[Indices, Floats]:
    """The best row of each group of rows and its score, (B, groups) both."""
    winners = np.zeros((len(directions), len(spans)), dtype=np.intp)
    scores = np.full((len(directions), len(spans)), -np.inf)

    def best_of_block(group: int, start: int, at: slice, S: ScoreBlock) -> None:
        if exclude is not None:
            S.hide(*excluded_scores(exclude[at], begin + start, S.width))
        arg, value = S.best()
        better = value > scores[at, group]
        winners[at, group][better] = arg[better] + begin + start
        scores[at, group][better] = value[better]

    _scan(view, directions, _spans_in_part(spans, begin, view.n), block, single, best_of_block, h)
    return winners, scores


def top_rows(
    view: ScaledView, U: Floats, h: float, k: int, single: bool = False
) -> tuple[Floats, Indices]:
    """The k largest <u, z> - h |z|^2 for each row u of U: values and rows, (B, k), best first."""
    if suits_kernel(view, len(U)):
        return best_rows(view, view.operands(U, False, h)[0], h, k)
    directions = view.operands(U, single, h)[0]
    question = partial(_best_k, directions=directions, h=h, k=k, n=view.n, single=single)
    return merge_top_rows(view.ask(question), k)


def _best_k(
    view: ScaledView, begin: int, directions: Array, h: float, k: int, n: int, single: bool
) -> tuple[Floats, Indices]:
    """The best k rows of a part; n stands for no row."""
    n_shards = min(2 * cpu_count(), -(-view.n // BLOCK_ROWS))
    shards = np.array_split(np.arange(0, view.n, BLOCK_ROWS), n_shards)
    spans = [(g, int(s[0]), min(int(s[-1]) + BLOCK_ROWS, view.n)) for g, s in enumerate(shards)]
    values = np.full((len(spans), len(directions), k), -np.inf)
    rows = np.full((len(spans), len(directions), k), n, dtype=np.intp)

    def insert(group: int, start: int, at: slice, S: ScoreBlock) -> None:
        S.insert(begin + start, values[group, at], rows[group, at])

    _scan(view, directions, spans, BLOCK_ROWS, single, insert, h)
    return merge_top_rows(list(zip(values, rows)), k)


def merge_top_rows(answers: list[tuple[Floats, Indices]], k: int) -> tuple[Floats, Indices]:
    """The best k of several lists, equal values by lowest row."""
    values = np.concatenate([one[0] for one in answers], axis=1)
    rows = np.concatenate([one[1] for one in answers], axis=1)
    order = np.lexsort((rows, -values), axis=1)[:, :k]
    return np.take_along_axis(values, order, axis=1), np.take_along_axis(rows, order, axis=1)


def rows_above(view: ScaledView, U: Floats, threshold: Floats, h: float = 0.0) -> list[Indices]:
    """For each row u of U every row of the view with <u, z> - h |z|^2 >= threshold, ascending."""
    directions = view.operands(U, False, h)[0]
    above = view.ask(partial(_rows_above, directions=directions, threshold=threshold, h=h))
    return [np.concatenate(parts) for parts in zip(*above)]


def _rows_above(
    view: ScaledView, begin: int, directions: Array, threshold: Floats, h: float
) -> list[Indices]:
    above: list[list[Indices]] = [[] for _ in directions]

    def collect(group: int, start: int, at: slice, S: ScoreBlock) -> None:
        which, row = S.above(threshold[at])
        for b in np.unique(which):
            above[at.start + b].append(row[which == b] + begin + start)

    spans = [(0, start, min(start + BLOCK_ROWS, view.n)) for start in range(0, view.n, BLOCK_ROWS)]
    _scan(view, directions, spans, BLOCK_ROWS, False, collect, h)
    return [np.sort(np.concatenate(parts or [np.zeros(0, np.intp)])) for parts in above]


def _scan(
    view: ScaledView,
    directions: Array,
    spans: GroupSpans,
    block: int,
    single: bool,
    consume: Callable[[int, int, slice, ScoreBlock], None],
    h: float = 0.0,
) -> None:
    """Hand the scores of every block to `consume`, computed where the rows are."""
    if view.on_device(single):
        from ._torch_pricing import scan_on_device

        scan_on_device(view, directions, spans, single, consume, h)
    else:
        scan_scores(view, directions, spans, block, single, consume, h)


def _spans_in_part(spans: RowSpans, begin: int, n: int) -> GroupSpans:
    """The groups' rows that lie in a part of n rows from `begin` on, counted from there."""
    clipped = [(g, max(a - begin, 0), min(b - begin, n)) for g, (a, b) in enumerate(spans)]
    return [(g, a, b) for g, a, b in clipped if a < b]
