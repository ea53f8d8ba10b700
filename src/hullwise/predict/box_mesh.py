"""Box meshes (Lux et al. 2018): a box around every row, cut so that it holds no other row.

Each box carries the product of one tent per axis, 1 at its row and 0 on its faces; the values of
all boxes at a query, divided by their sum, are the weights of the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from .._core.threads import StopFlag, cpu_count, run_in_threads
from .._core.types import Floats, Indices, Progress
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ..geometry.scaling import Frame
from ._batching import mapped
from ._box_mesh_kernels import basis, iterative_boxes, largest_boxes
from ._duplicates import Places, distinct_places

__all__ = ["BoxMesh", "box_spline_mesh", "box_weights", "max_box_mesh"]

TASK = 1 << 24  # coordinates compared in one task, so that it is short
BATCH = 1 << 20  # values of basis functions that one thread holds


@dataclass(frozen=True, eq=False, repr=False)
class BoxMesh:
    """One box for each place of a cloud: places are rows, merged where the metric sees no gap.

    Axes are the features (those of weight 0 left out), or for a full (d, d) metric the rows of
    its factor. The box around c is ``c - lower < x < c + upper`` on every axis.

    Attributes
    ----------
    order : (p,) intp
        The row at the anchor of each box (the lowest, where several rows are one place). The
        iterative mesh has them in order of insertion, the max box mesh in the order of the rows.
    lower, upper : (p, r) float64
        Widths of box b below and above its anchor, infinite where nothing bounds it; in units of
        2**exponent of the metric.
    exponent : int
    places : Places or None
        Which rows are one place, where some are.

    Examples
    --------
    >>> import hullwise as hw
    >>> from hullwise.predict.box_mesh import max_box_mesh
    >>> cloud = hw.Cloud([[0.0, 0.0], [4.0, 1.0], [1.0, 8.0]])
    >>> mesh = max_box_mesh(cloud, cloud.metric(None))
    >>> mesh
    BoxMesh(3 boxes, 2 axes, 5 of 12 sides bounded)
    >>> mesh.upper * 2.0**mesh.exponent
    array([[ 4.,  8.],
           [inf,  7.],
           [inf, inf]])
    """

    order: Indices
    lower: Floats
    upper: Floats
    exponent: int
    places: Places | None

    def __repr__(self) -> str:
        bounded = int(np.isfinite(self.lower).sum() + np.isfinite(self.upper).sum())
        boxes, axes = self.lower.shape
        return f"BoxMesh({boxes} boxes, {axes} axes, {bounded} of {2 * boxes * axes} sides bounded)"


def box_spline_mesh(cloud: Cloud, metric: Metric) -> BoxMesh:
    """The iterative box mesh (Lux et al. 2018, section 2.2, as computed for Lux et al. 2021).

    1. Places are inserted by their distance from the centre of their bounding box, nearest first
       (equal distances: lowest row first).
    2. A new box is unbounded. The places already there are taken nearest first (Euclidean in the
       metric; equal distances: first inserted first). Where the new box holds the other place in
       its interior, the new box is cut there; where the other box holds the new place, the other
       box is cut there.
    3. A cut goes through the other place, across the axis on which the two are farthest apart
       (equal: the first such axis).

    No box holds another place in its interior, so every row gets itself. In three dimensions or
    more the boxes need not cover the space: those of (68, 44, 61), (62, 40, 66) and (69, 55, 73)
    leave out (68, 35, 75). The 2018 paper inserts by largest error up to a tolerance and takes
    existing boxes in any order; 1 and 2 are what reproduces the predictions of the 2021 paper.

    Cost: O(n^2 (d + c)) time with c cuts a box (about 10 on data of 12 to 28 features), O(n d)
    memory.
    """
    frame = cloud.frame(metric)
    rows = _coordinates(frame, _rows(cloud))
    centre = (rows.min(axis=0) + rows.max(axis=0)) / 2
    order = np.argsort(np.linalg.norm((rows - centre) * _unit(frame), axis=1), kind="stable")
    return _build(iterative_boxes, frame, rows, order)


def max_box_mesh(cloud: Cloud, metric: Metric) -> BoxMesh:
    """The max box mesh (Lux et al. 2018, section 2.1), with a box around every place.

    A box starts unbounded. Of the places in its interior the nearest in the maximum norm (equal:
    the lowest row) cuts it: the box ends at that place, across the axis on which the two are
    farthest apart (equal: the first such axis). That is repeated until its interior holds no
    other place, at most once for each of the 2 d sides. So the least width of a box is as large
    as it can be.

    Every row gets itself. In three dimensions or more the boxes need not cover the space, as in
    `box_spline_mesh`.

    Cost: O(n^2 d) time, O(n d) memory.
    """
    frame = cloud.frame(metric)
    rows = _coordinates(frame, _rows(cloud))
    return _build(largest_boxes, frame, rows, np.arange(cloud.n))


def _build(kernel: Callable[..., None], frame: Frame, rows: Floats, order: Indices) -> BoxMesh:
    """A box for each place, in the given order of rows."""
    found = distinct_places(rows)
    places = found if len(found.first) < len(rows) else None
    order = order[np.isin(order, found.first)] if places else order
    C, unit = np.ascontiguousarray(rows[order]), _unit(frame)
    columns = np.ascontiguousarray(C.T)
    lower, upper = np.full(C.shape, np.inf), np.full(C.shape, np.inf)

    def some_boxes(start: int, stop: StopFlag) -> None:
        if not stop.is_set():
            kernel(C, columns, unit, start, min(start + each, len(C)), lower, upper)

    each = max(1, TASK // C.size)
    run_in_threads(some_boxes, range(0, len(C), each), cpu_count() if len(C) > each else 1)
    return BoxMesh(order, lower, upper, frame.exponent, places)


def box_weights(
    mesh: BoxMesh,
    cloud: Cloud,
    Q: Floats,
    metric: Metric,
    progress: Progress | None = None,
    *,
    unbounded: str = "flat",
) -> csr_array:
    """Weights of queries Q (m, d) over the rows of the cloud, (m, n), each row with sum 1.

    With l, u the widths of the box around c, its value at x is the product over the axes of

        1 - (c - x) / l  for x < c,    1 - (x - c) / u  for x >= c,

    and 0 outside its interior (the box spline of order 2 in each axis, equation (3) of Lux et al.
    2018). Inside, a product below 2**-26 counts as 2**-26. Weights are the values divided by
    their sum (Lux et al. 2021, section 3.4). A side that nothing bounds has the factor 1, or with
    ``unbounded="growing"`` 1 + |x - c| in the metric's units, as in the code of 2021. (The 2018
    paper ends such sides at a bounding box with L < x < U for all rows, and names none.) Where no
    box holds the query all places have the same weight. Rows that are one place share its weight
    equally.

    Cost: O(m n d) time at worst, mostly O(m n) as few axes rule a box out; memory beyond the
    weights themselves 8 MiB a thread.

    Raises
    ------
    DataError
        For another value of `unbounded`.
    """
    growing = known_side(unbounded)
    frame = cloud.frame(metric)
    with np.errstate(over="ignore"):  # a query too far for a float64 is outside every finite side
        P = _coordinates(frame, Q)
    C = _coordinates(frame, cloud.take(mesh.order))
    asked = np.isfinite(mesh.lower) | np.isfinite(mesh.upper) | growing
    ends = np.concatenate([[0], np.cumsum(asked.sum(axis=1))])
    column = mesh.order if mesh.places is None else mesh.places.place[mesh.order]
    boxes = (C, _unit(frame), mesh.lower, mesh.upper, ends, np.nonzero(asked)[1], column)
    metre = float(np.ldexp(1.0, min(mesh.exponent, 1000))) if growing else 0.0
    each = max(1, min(BATCH, 2 * TASK // C.shape[1]) // len(C))
    starts = range(0, len(Q), each)
    parts: list[Any] = [None] * len(starts)

    def some_queries(number: int, stop: StopFlag) -> None:
        if not stop.is_set():
            at = slice(starts[number], starts[number] + each)
            B = np.zeros((len(P[at]), len(C)))
            basis(P[at], *boxes, metre, B)
            parts[number] = _entries(B)

    together = 4 * cpu_count()
    for first in range(0, len(starts), together):
        numbers = range(first, min(first + together, len(starts)))
        run_in_threads(some_queries, numbers, cpu_count() if len(numbers) > 1 else 1)
        if progress is not None:
            progress(min(numbers.stop * each, len(Q)), len(Q), "queries")
    return _joined(parts, len(C), mesh.places)


def _entries(B: Floats) -> tuple[Indices, Indices, Floats]:
    """Counts, columns and values of the entries of B that are not 0."""
    rows, columns = np.nonzero(B)
    return np.bincount(rows, minlength=len(B)), columns, B[rows, columns]


def _joined(parts: list[Any], boxes: int, places: Places | None) -> csr_array:
    if not parts:
        parts = [(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0))]
    counts, columns, values = (np.concatenate(part) for part in zip(*parts))
    ends = np.concatenate([[0], np.cumsum(counts)])
    W = csr_array((values, columns, ends), shape=(len(counts), boxes))
    if places is not None:
        W = csr_array(W @ places.share())
        W.sort_indices()
    return W


def known_side(unbounded: Any) -> bool:
    """Whether sides that nothing bounds grow; DataError for an unknown answer."""
    if unbounded not in ("flat", "growing"):
        raise DataError(
            f"unbounded={unbounded!r}: expected 'flat' (a side that nothing bounds counts 1) or "
            "'growing' (it counts 1 + the distance from the row)."
        )
    return bool(unbounded == "growing")


def _rows(cloud: Cloud) -> Floats:
    return cloud.take(np.arange(cloud.n))


def _coordinates(frame: Frame, X: Floats) -> Floats:
    """Rows of X on the axes of the boxes: differences times `_unit` are those of the frame.

    The frame's own shift would round first: boxes of rows on a grid would then be cut across an
    axis that rounding picked.
    """
    if frame.matrix is None:
        return np.ascontiguousarray(X[:, frame.factor > 0] * frame.prescale)
    plain = replace(frame, matrix=None).map(X)
    return np.asarray(mapped(np.clip(plain, -(2.0**500), 2.0**500), frame.matrix))


def _unit(frame: Frame) -> Floats:
    if frame.matrix is None:
        return np.asarray(frame.factor[frame.factor > 0])
    return np.ones(frame.rank)
