"""Nearest training rows, and how unusual it is to be that far from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from .._core.types import Floats, Indices
from ._score_blocks import BLOCK, merge_top
from .cloud import Cloud
from .metric import Metric
from .pricing import merged, top_rows
from .scaled_view import ScaledView

SPARE = 4  # rows fetched beyond k: the gap to the last of them shows whether rounding matters


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The k nearest training rows of m queries, nearest first, equal distances by lowest row."""

    rows: Indices  # (m, k)
    distances: Floats  # (m, k)


def nearest_rows(
    cloud: Cloud, Q: Floats, metric: Metric, k: int, exclude: Indices | None = None
) -> Neighbours:
    """The k nearest rows to each row of Q (m, d), leaving out `exclude` (m,); O(m n d).

    The scan asks the cloud for the rows maximising 2 <z, q> - |z|^2; their distances are then
    taken anew from differences, which cancel nothing, and sorted. Where rounding in the scan could
    have hidden a nearer row, all rows are measured by differences.
    """
    own = 0 if exclude is None else 1
    k = min(k, cloud.n - own)
    if k < 1:
        return Neighbours(np.zeros((len(Q), 0), np.intp), np.zeros((len(Q), 0)))
    view = cloud.view_in(metric)
    rows = np.zeros((len(Q), k), dtype=np.intp)
    distances = np.zeros((len(Q), k))
    wanted = min(k + own + SPARE, cloud.n)
    each = int(np.clip((1 << 22) // (wanted * view.rank), 16, 2048))
    for start in range(0, len(Q), each):
        at = slice(start, min(start + each, len(Q)))
        out = None if exclude is None else exclude[at]
        Zq = view.frame.map(Q[at])
        scores, found = top_rows(view, 2 * Zq, 1.0, wanted)
        found, gap = _sorted(view, Zq, found, out)
        if wanted < cloud.n:
            # a row left out may be as near as the last one kept: then every row is measured
            slack = scores[:, k + own - 1] - scores[:, -1]
            doubt = np.flatnonzero(slack <= 4 * _score_rounding(view, Zq))
            if doubt.size:
                again = _by_differences(view, Zq[doubt], k + own)
                left = None if out is None else out[doubt]
                found[doubt, : k + own], gap[doubt, : k + own] = _sorted(
                    view, Zq[doubt], again, left
                )
        rows[at], distances[at] = found[:, :k], view.frame.distance(gap[:, :k])
    return Neighbours(rows, distances)


def _sorted(
    view: ScaledView, Zq: Floats, found: Indices, exclude: Indices | None
) -> tuple[Indices, Floats]:
    """The rows found (m, k) by their distances from differences; `exclude` goes to the end."""
    Z = view.take(found.ravel()).reshape(*found.shape, view.rank)
    gap = np.sqrt(np.square(Z - Zq[:, None, :]).sum(axis=2))
    if exclude is not None:
        gap[found == exclude[:, None]] = np.inf
    order = np.lexsort((found, gap), axis=1)
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(gap, order, axis=1)


def _score_rounding(view: ScaledView, Zq: Floats) -> Floats:
    """Bound on the error of 2 <z, q> - |z|^2 for any row, (m,)."""
    ones = np.ones((1, view.rank))
    return np.asarray(view.rounding_bound(2 * Zq, False) + view.rounding_bound(ones, False) * 4)


def _by_differences(view: ScaledView, Zq: Floats, k: int) -> Indices:
    """The k nearest rows with nothing that cancels; O(m n d) without a matrix product."""
    return merged(view.ask(partial(_nearest, Zq=Zq, k=k, n=view.n)), k)[1]


def _nearest(view: ScaledView, begin: int, Zq: Floats, k: int, n: int) -> tuple[Floats, Indices]:
    values, rows = np.full((len(Zq), k), -np.inf), np.full((len(Zq), k), n, dtype=np.intp)
    for start in range(0, view.n, BLOCK):
        Z = view.block(start, min(start + BLOCK, view.n), False)
        S = np.stack([-np.square(Z - q).sum(axis=1) for q in Zq])
        merge_top(S, begin + start, values, rows)
    return values, rows


def reference_gaps(cloud: Cloud, metric: Metric, k: int, rows: Indices) -> Floats:
    """Distance of each given training row to its k-th nearest *other* row, (len(rows),)."""
    if cloud.n < 2:
        return np.zeros(0)
    return nearest_rows(cloud, cloud.take(rows), metric, k, exclude=rows).distances[:, -1]
