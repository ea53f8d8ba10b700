"""Nearest training rows, and how unusual it is to be that far from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from .._core.results import scatter
from .._core.types import Floats, Indices, Mask
from ._score_blocks import BLOCK_ROWS, merge_top
from .block_floats import row_norms
from .cloud import Cloud
from .exclusion import BlockExclusion
from .metric import Metric
from .pricing import merge_top_rows, top_rows
from .scaled_view import ScaledView

# rows fetched beyond the nearest ones: the gap to the last of them shows whether rounding matters
SPARE_NEIGHBOURS = 4


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The k nearest training rows of m queries, nearest first, equal distances by lowest row."""

    rows: Indices  # (m, k)
    distances: Floats  # (m, k)

    @property
    def farthest(self) -> Floats:
        """(m,) distance to the last of them; NaN where none were sought."""
        if self.distances.shape[1] == 0:
            return np.full(len(self.distances), np.nan)
        return self.distances[:, -1]

    def take(self, queries: Indices) -> Neighbours:
        """Those of some of the queries."""
        return Neighbours(self.rows[queries], self.distances[queries])

    def scatter(self, where: Mask) -> Neighbours:
        """The same for the queries at `where`, -1 and NaN for the others."""
        return Neighbours(scatter(self.rows, where, -1), scatter(self.distances, where, np.nan))


def nearest_rows(
    cloud: Cloud, Q: Floats, metric: Metric, n_neighbors: int, exclude: Indices | None = None
) -> Neighbours:
    """The nearest rows to each row of Q (m, d), leaving out `exclude` (m,); O(m n d).

    The scan asks the cloud for the rows maximising 2 <z, q> - |z|^2; their distances are then
    taken anew from differences, which cancel nothing, and sorted. Where rounding in the scan could
    have hidden a nearer row, all rows are measured by differences.
    """
    n_excluded = 0 if exclude is None else 1
    k = min(n_neighbors, cloud.n - n_excluded)
    if k < 1:
        return Neighbours(np.zeros((len(Q), 0), np.intp), np.zeros((len(Q), 0)))
    view = cloud.view_in(metric)
    rows = np.zeros((len(Q), k), dtype=np.intp)
    distances = np.zeros((len(Q), k))
    n_fetched = min(k + n_excluded + SPARE_NEIGHBOURS, cloud.n)
    block = min(max((1 << 22) // (n_fetched * view.rank), 16), 2048)
    for start in range(0, len(Q), block):
        at = slice(start, min(start + block, len(Q)))
        # far beyond the rows, what is nearest depends on the direction only
        Zq, exponents = view.frame.map_queries(Q[at])
        excluded = None if exclude is None else exclude[at]
        nearest, gaps = _nearest_in_block(view, Zq, k + n_excluded, n_fetched, excluded)
        rows[at], distances[at] = nearest[:, :k], view.frame.distance(gaps[:, :k], exponents)
    return Neighbours(rows, distances)


def _nearest_in_block(
    view: ScaledView, Zq: Floats, k: int, n_fetched: int, exclude: Indices | None
) -> tuple[Indices, Floats]:
    """The nearest k rows and their distances in the frame; `exclude` among them comes last."""
    if view.is_tiled:  # float32 is enough for nearly every query
        rows, gaps, doubtful = _nearest_in_tiles(view, Zq, k, n_fetched, exclude)
        if doubtful.size:
            own = None if exclude is None else exclude[doubtful]
            rows[doubtful], gaps[doubtful], left = _nearest_by_scores(
                view, Zq[doubtful], k, n_fetched, own
            )
            doubtful = doubtful[left]
    else:
        rows, gaps, doubtful = _nearest_by_scores(view, Zq, k, n_fetched, exclude)
    if doubtful.size:
        candidates = _nearest_by_differences(view, Zq[doubtful], k)
        rows[doubtful, :k], gaps[doubtful, :k] = _sort_by_distance(
            view, Zq[doubtful], candidates, None if exclude is None else exclude[doubtful]
        )
    return rows, gaps


def _nearest_in_tiles(
    view: ScaledView, Zq: Floats, k: int, n_fetched: int, exclude: Indices | None
) -> tuple[Indices, Floats, Indices]:
    """The same in float32: rows, distances, and the queries whose nearest rounding may hide.

    A score is a sum of 2 q_j z_j and -|z|^2: at most rank + 4 roundings of terms whose sizes add up
    to no more than what the bound of products says, and the largest square.
    """
    scores, candidates = view.row_tiles.top(2 * Zq, n_fetched)
    rows, gaps = _sort_by_distance(view, Zq, candidates, exclude)
    if n_fetched == view.n:
        return rows, gaps, np.zeros(0, dtype=np.intp)
    slack = scores[:, k - 1] - scores[:, -1]
    square = view.row_tiles.length[0] ** 2 * (view.rank + 8) * 2.0**-23
    error = view.in_float32.rounding_bound(2 * Zq, True) + square
    return rows, gaps, np.flatnonzero(slack <= 4 * error)


def _nearest_by_scores(
    view: ScaledView, Zq: Floats, k: int, n_fetched: int, exclude: Indices | None
) -> tuple[Indices, Floats, Indices]:
    """Rows and distances by one pass of products, and the queries whose nearest it may have missed.

    A row left out may be as near as the last one of the k: then every row is to be measured.
    """
    scores, candidates = top_rows(view, 2 * Zq, 1.0, n_fetched)
    rows, gaps = _sort_by_distance(view, Zq, candidates, exclude)
    if n_fetched == view.n:
        return rows, gaps, np.zeros(0, dtype=np.intp)
    slack = scores[:, k - 1] - scores[:, -1]
    return rows, gaps, np.flatnonzero(slack <= 4 * _score_rounding(view, Zq))


def _sort_by_distance(
    view: ScaledView, Zq: Floats, candidates: Indices, exclude: Indices | None
) -> tuple[Indices, Floats]:
    """Candidate rows (m, k) by their distances from differences; `exclude` goes to the end."""
    Z = view.take(candidates.ravel()).reshape(*candidates.shape, view.rank)
    D = Z - Zq[:, None, :]
    gaps = row_norms(D.reshape(-1, view.rank)).reshape(candidates.shape)
    if exclude is not None:
        gaps[candidates == exclude[:, None]] = np.inf
    order = np.lexsort((candidates, gaps), axis=1)
    return np.take_along_axis(candidates, order, axis=1), np.take_along_axis(gaps, order, axis=1)


def _score_rounding(view: ScaledView, Zq: Floats) -> Floats:
    """Bound on the error of 2 <z, q> - |z|^2 for any row, (m,)."""
    ones = np.ones((1, view.rank))
    return np.asarray(view.rounding_bound(2 * Zq, False) + view.rounding_bound(ones, False) * 4)


def _nearest_by_differences(view: ScaledView, Zq: Floats, k: int) -> Indices:
    """The k nearest rows with nothing that cancels; O(m n d) without a matrix product."""
    return _top_by_differences(view, Zq, k)[1]


def _top_by_differences(
    view: ScaledView,
    Zq: Floats,
    k: int,
    scale: Floats | None = None,
    exclude: BlockExclusion | None = None,
) -> tuple[Floats, Indices]:
    """Minus the distances of the k nearest rows, and the rows."""
    question = partial(_nearest_in_part, Zq=Zq, k=k, n=view.n, scale=scale, exclude=exclude)
    return merge_top_rows(view.ask(question), k)


def _nearest_in_part(
    view: ScaledView,
    begin: int,
    Zq: Floats,
    k: int,
    n: int,
    scale: Floats | None,
    exclude: BlockExclusion | None,
) -> tuple[Floats, Indices]:
    values, rows = np.full((len(Zq), k), -np.inf), np.full((len(Zq), k), n, dtype=np.intp)
    for start in range(0, view.n, BLOCK_ROWS):
        Z = view.block(start, min(start + BLOCK_ROWS, view.n), False)
        units = np.ones((len(Zq), 1)) if scale is None else scale
        S = np.stack([-row_norms((Z - q) * unit) for q, unit in zip(Zq, units)])
        if exclude is not None:
            S[exclude.mask(begin + start, begin + start + len(Z))] = -np.inf
        merge_top(S, len(Z), begin + start, values, rows)
    return values, rows


def reference_gaps(
    cloud: Cloud,
    metric: Metric,
    n_neighbors: int,
    rows: Indices,
    scale: Floats | None = None,
    exclude: BlockExclusion | None = None,
) -> Floats:
    """Distance of each of these training rows to its k-th nearest *other* row, (len(rows),).

    `scale` (len(rows), d) measures each in units of its own, as multiples of those of a diagonal
    metric; `exclude` leaves whole blocks of rows out.
    """
    if cloud.n < 2:
        return np.zeros(0)
    if exclude is not None:
        view = cloud.view_in(metric)
        k = min(n_neighbors, int(exclude.n_others().min()))
        Zq = view.frame.map(cloud.take(rows))
        distances = _top_by_differences(view, Zq, k, scale, exclude)[0][:, k - 1]
        return view.frame.distance(-distances)
    if scale is None:
        return nearest_rows(cloud, cloud.take(rows), metric, n_neighbors, rows).distances[:, -1]
    # every row is measured; each row left out is the first of its own neighbours
    view = cloud.view_in(metric)
    k = min(n_neighbors, cloud.n - 1) + 1
    Zq = view.frame.map(cloud.take(rows))
    return view.frame.distance(-_top_by_differences(view, Zq, k, scale)[0][:, -1])
