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
from ._batching import join_weights
from ._box_mesh_kernels import box_weights_at, iterative_boxes, largest_boxes
from ._distance_kernels import WeightEntries, multiply_rowwise
from .duplicates import UniqueRows, unique_rows
from .interpolant import Interpolant, MetricOption

__all__ = [
    "BoxMesh",
    "BoxSplineRegressor",
    "MaxBoxRegressor",
    "box_spline_mesh",
    "box_weights",
    "max_box_mesh",
]

MESH_TASK = 1 << 24  # coordinates compared in one task, so that it is short
BASIS_VALUES = 1 << 20  # values of basis functions that one thread holds


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
    unique_rows : UniqueRows or None
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
    unique_rows: UniqueRows | None

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
    rows = _box_coordinates(frame, cloud.take(np.arange(cloud.n)))
    centre = (rows.min(axis=0) + rows.max(axis=0)) / 2
    order = np.argsort(np.linalg.norm((rows - centre) * _axis_units(frame), axis=1), kind="stable")
    return _cut_boxes(iterative_boxes, frame, rows, order)


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
    rows = _box_coordinates(frame, cloud.take(np.arange(cloud.n)))
    return _cut_boxes(largest_boxes, frame, rows, np.arange(cloud.n))


def _cut_boxes(kernel: Callable[..., None], frame: Frame, rows: Floats, order: Indices) -> BoxMesh:
    """A box for each place, in the given order of rows."""
    unique = unique_rows(rows)
    has_copies = len(unique.first) < len(rows)
    order = order[np.isin(order, unique.first)] if has_copies else order
    C, unit = np.ascontiguousarray(rows[order]), _axis_units(frame)
    columns = np.ascontiguousarray(C.T)
    lower, upper = np.full(C.shape, np.inf), np.full(C.shape, np.inf)

    def cut_part(start: int, stop: StopFlag) -> None:
        if not stop.is_set():
            kernel(C, columns, unit, start, min(start + each, len(C)), lower, upper)

    each = max(1, MESH_TASK // C.size)
    run_in_threads(cut_part, range(0, len(C), each), cpu_count() if len(C) > each else 1)
    return BoxMesh(order, lower, upper, frame.exponent, unique if has_copies else None)


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
    growing = sides_grow(unbounded)
    frame = cloud.frame(metric)
    with np.errstate(over="ignore"):  # a query too far for a float64 is outside every finite side
        P = _box_coordinates(frame, Q)
    C = _box_coordinates(frame, cloud.take(mesh.order))
    decisive = np.isfinite(mesh.lower) | np.isfinite(mesh.upper) | growing
    ends = np.concatenate([[0], np.cumsum(decisive.sum(axis=1))])
    column = mesh.order if mesh.unique_rows is None else mesh.unique_rows.inverse[mesh.order]
    boxes = (C, _axis_units(frame), mesh.lower, mesh.upper, ends, np.nonzero(decisive)[1], column)
    growth = float(np.ldexp(1.0, min(mesh.exponent, 1000))) if growing else 0.0
    each = max(1, min(BASIS_VALUES, 2 * MESH_TASK // C.shape[1]) // len(C))
    starts = range(0, len(Q), each)
    nothing: WeightEntries = (np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0))
    parts = [nothing] * len(starts)

    def weigh_part(number: int, stop: StopFlag) -> None:
        if not stop.is_set():
            at = slice(starts[number], starts[number] + each)
            B = np.zeros((len(P[at]), len(C)))
            box_weights_at(P[at], *boxes, growth, B)
            parts[number] = _nonzero_entries(B)

    together = 4 * cpu_count()
    for first in range(0, len(starts), together):
        numbers = range(first, min(first + together, len(starts)))
        run_in_threads(weigh_part, numbers, cpu_count() if len(numbers) > 1 else 1)
        if progress is not None:
            progress(min(numbers.stop * each, len(Q)), len(Q), "queries")
    W = join_weights(parts, len(C))
    if mesh.unique_rows is not None:
        W = csr_array(W @ mesh.unique_rows.averaging_matrix())
        W.sort_indices()
    return W


def _nonzero_entries(B: Floats) -> WeightEntries:
    rows, columns = np.nonzero(B)
    return np.bincount(rows, minlength=len(B)), columns, B[rows, columns]


def sides_grow(unbounded: Any) -> bool:
    """Whether sides that nothing bounds grow; DataError for an unknown option."""
    if not isinstance(unbounded, str) or unbounded not in ("flat", "growing"):
        raise DataError(
            f"unbounded={unbounded!r}: expected 'flat' (a side that nothing bounds counts 1) or "
            "'growing' (it counts 1 + the distance from the row)."
        )
    return bool(unbounded == "growing")


def _box_coordinates(frame: Frame, X: Floats) -> Floats:
    """Rows of X on the axes of the boxes: differences times `_axis_units` are those of the frame.

    The frame's own shift would round first: boxes of rows on a grid would then be cut across an
    axis that rounding picked.
    """
    if frame.matrix is None:
        return np.ascontiguousarray((X * frame.prescale)[:, frame.factor > 0])
    scaled = replace(frame, matrix=None).map(X)
    return np.asarray(multiply_rowwise(np.clip(scaled, -(2.0**500), 2.0**500), frame.matrix))


def _axis_units(frame: Frame) -> Floats:
    if frame.matrix is None:
        return np.asarray(frame.factor[frame.factor > 0])
    return np.ones(frame.rank)


class BoxRegressor(Interpolant):
    """What the regressors on the two box meshes share."""

    mesh_: BoxMesh

    def __init__(
        self,
        *,
        metric: MetricOption = "std",
        duplicates: str = "mean",
        unbounded: str = "flat",
    ) -> None:
        super().__init__(metric=metric, duplicates=duplicates)
        self.unbounded = unbounded

    def _weigh(self, Q: Floats, progress: Progress | None) -> csr_array:
        return box_weights(
            self.mesh_, self.cloud_, Q, self.metric_, progress, unbounded=self.unbounded
        )


class BoxSplineRegressor(BoxRegressor):
    """Box splines on the iterative box mesh: rows weighted by boxes that no other row is in.

    Parameters
    ----------
    metric : "std", "range", None, (d,), (d, d) or function of (X, y)
        Which axis separates two rows most, and which rows are near, depends on it: with None
        on the units of the features. A full (d, d) matrix turns the boxes onto its own axes, the
        rows of a factor L with M = L' L (its eigenvectors).
    duplicates : {"mean", "raise"}
        What to do with rows that are equal but for the target.
    unbounded : {"flat", "growing"}
        The factor of a side that nothing bounds: 1, or 1 + the distance from the row (in the
        metric's units), as in the code of Lux et al. 2021.

    Attributes
    ----------
    cloud_ : Cloud
        The distinct training rows.
    mesh_ : BoxMesh
        Their boxes.
    order_ : (p,) intp
        Rows of `cloud_` in the order in which their boxes were inserted.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    The construction: rows are inserted from the centre of the data outwards; a row within an
    existing box ends that box there, across the axis on which the two rows are farthest apart,
    and the new box ends alike at the rows within it. `hullwise.predict.box_mesh.box_spline_mesh`
    says it step by step, with ties; `box_weights` says how values become weights. A training row
    gets itself. A query within no box, which takes three features or more, gets the plain average
    of all distinct rows. O(n^2 d) to fit, O(m n d) to predict.

    Source: Lux, Watson, Chang, Bernard, Li, Yu, Xu, Back, Butt, Cameron, Hong, *Novel meshes for
    multivariate interpolation and approximation*, ACMSE 2018; Lux, Watson, Chang, Hong, Cameron,
    *Interpolation of sparse high-dimensional data*, Numerical Algorithms 2021, section 3.4.

    Examples
    --------
    >>> import hullwise as hw
    >>> X, y = [[0.0, 0.0], [4.0, 1.0], [1.0, 8.0]], [0.0, 1.0, 4.0]
    >>> reg = hw.BoxSplineRegressor().fit(X, y)
    >>> reg.mesh_
    BoxMesh(3 boxes, 2 axes, 5 of 12 sides bounded)
    >>> reg.predict([[1.0, 0.5], [1.0, 8.0]]).round(3)
    array([0.262, 4.   ])
    """

    order_: Indices

    def _learn(self, cloud: Cloud, metric: Metric) -> dict[str, Any]:
        sides_grow(self.unbounded)
        mesh = box_spline_mesh(cloud, metric)
        return {"mesh_": mesh, "order_": mesh.order}


class MaxBoxRegressor(BoxRegressor):
    """Box splines on the max box mesh: around each row the box whose nearest side is farthest.

    Parameters
    ----------
    metric : "std", "range", None, (d,), (d, d) or function of (X, y)
        As for `BoxSplineRegressor`.
    duplicates : {"mean", "raise"}
        What to do with rows that are equal but for the target.
    unbounded : {"flat", "growing"}
        As for `BoxSplineRegressor`.

    Attributes
    ----------
    cloud_ : Cloud
        The distinct training rows.
    mesh_ : BoxMesh
        Their boxes.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    The construction: the box of a row ends at the nearest row within it in the maximum norm,
    across the axis on which the two are farthest apart, until no other row is within it;
    `hullwise.predict.box_mesh.max_box_mesh` says it with ties, `box_weights` how values become
    weights. The paper uses the values themselves; here, as for `BoxSplineRegressor`, they are
    divided by their sum. A training row gets itself. A query within no box, which takes three
    features or more, gets the plain average of all distinct rows. O(n^2 d) to fit, O(m n d) to
    predict.

    Source: Lux, Watson, Chang, Bernard, Li, Yu, Xu, Back, Butt, Cameron, Hong, *Novel meshes for
    multivariate interpolation and approximation*, ACMSE 2018, section 2.1.

    Examples
    --------
    >>> import hullwise as hw
    >>> X, y = [[0.0, 0.0], [4.0, 1.0], [1.0, 8.0]], [0.0, 1.0, 4.0]
    >>> hw.MaxBoxRegressor().fit(X, y).predict([[1.0, 0.5], [1.0, 8.0]]).round(3)
    array([0.262, 4.   ])
    """

    def _learn(self, cloud: Cloud, metric: Metric) -> dict[str, Any]:
        sides_grow(self.unbounded)
        return {"mesh_": max_box_mesh(cloud, metric)}
