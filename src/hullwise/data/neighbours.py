"""Nearest training rows, and how unusual it is to be that far from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..rows._rows import Floats, Indices
from ._frame import Metric
from ._scan import top_rows
from .cloud import Cloud

SPARE = 4  # rows fetched beyond k, so that rounding in the scan cannot hide a nearer one


@dataclass(frozen=True, eq=False)
class NeighbourAnswer:
    """The k nearest training rows of m queries, nearest first, equal distances by lowest row."""

    rows: Indices  # (m, k)
    distances: Floats  # (m, k)


def nearest_rows(
    cloud: Cloud, Q: Floats, metric: Metric, k: int, exclude: Indices | None = None
) -> NeighbourAnswer:
    """The k nearest rows to each row of Q (m, d), leaving out `exclude` (m,); O(m n d).

    The scan asks the cloud for the rows maximising 2 <z, q> - |z|^2; their distances are then
    taken anew from differences, which cancel nothing, and sorted.
    """
    own = 0 if exclude is None else 1
    k = min(k, cloud.n - own)
    if k < 1:
        return NeighbourAnswer(np.zeros((len(Q), 0), np.intp), np.zeros((len(Q), 0)))
    frame = cloud.frame(metric)
    view = cloud.view(frame)
    rows = np.zeros((len(Q), k), dtype=np.intp)
    distances = np.zeros((len(Q), k))
    wanted = min(k + own + SPARE, cloud.n)
    each = int(np.clip((1 << 22) // (wanted * view.rank), 16, 2048))
    for start in range(0, len(Q), each):
        at = slice(start, min(start + each, len(Q)))
        Zq = frame.map(Q[at])
        _, found = top_rows(view, 2 * Zq, 1.0, wanted)
        Z = view.take(found.ravel()).reshape(*found.shape, view.rank)
        gap = np.sqrt(np.square(Z - Zq[:, None, :]).sum(axis=2))
        if exclude is not None:
            gap[found == exclude[at, None]] = np.inf
        order = np.lexsort((found, gap), axis=1)[:, :k]
        rows[at] = np.take_along_axis(found, order, axis=1)
        distances[at] = frame.distance(np.take_along_axis(gap, order, axis=1))
    return NeighbourAnswer(rows, distances)


def reference_gaps(cloud: Cloud, metric: Metric, k: int, rows: Indices) -> Floats:
    """Distance of each given training row to its k-th nearest *other* row, (len(rows),)."""
    if cloud.n < 2:
        return np.zeros(0)
    return nearest_rows(cloud, cloud.take(rows), metric, k, exclude=rows).distances[:, -1]
