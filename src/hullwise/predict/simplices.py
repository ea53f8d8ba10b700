"""Delaunay simplices as a result: corners, weights, empty spheres, and how to check them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .._core.foreign import own_errors
from .._core.options import check_nonnegative
from .._core.results import UNNAMED_ROWS, Column, RowNames, RowResult
from .._core.types import Floats, Indices, Progress
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ._coordinates import flat_coordinates
from ._delaunay_search import search_simplices
from .duplicates import UniqueRows

__all__ = ["SimplexStatus", "Simplices"]


class SimplexStatus(Enum):
    """How the search for a simplex ended; the value is a sentence.

    Examples
    --------
    >>> import hullwise as hw
    >>> reg = hw.DelaunayRegressor().fit([[0.0], [1.0]], [0.0, 1.0])
    >>> [status.name for status in reg.simplices([[0.5], [2.0]]).status]
    ['INSIDE', 'OUTSIDE']
    """

    INSIDE = "inside the hull: this simplex holds the query"
    OUTSIDE = "outside the hull: this simplex holds the nearest point of the hull"
    LOOSE = (
        "the search ended before its sphere was empty (rounding, or a stop): the weights are "
        "valid, but rows with less spread may exist"
    )


OUTCOMES = (SimplexStatus.INSIDE, SimplexStatus.OUTSIDE, SimplexStatus.LOOSE)


@dataclass(frozen=True, eq=False, repr=False)
class Simplices(RowResult):
    """The Delaunay simplex around each of m queries, with the sphere that proves it.

    Attributes
    ----------
    corners : (m, s) intp
        Training rows at the corners, s at most rank + 1, padded with -1; of equal rows the lowest.
        A corner may have weight 0: then the query lies on a face.
    weights : (m, n) CSR
        Barycentric coordinates of `nearest`: at least 0, sum 1.
    nearest : (m, d)
        The point interpolated at, in the data's own units: the query where it is inside the hull,
        else the point of the hull nearest to it in the metric.
    distance : (m,)
        Between query and `nearest`, in the metric.
    centre : (m, d)
        Centre of a sphere (in the metric) through the corners with weight that no row lies in.
    status : (m,) SimplexStatus
    metric : Metric
    queries : (m, d)

    ``simplices[i]``, slices and masks pick queries; `to_dict` and `to_frame` give a table of
    status, distance, and corners with their weights.

    Examples
    --------
    >>> import hullwise as hw
    >>> X = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]
    >>> reg = hw.DelaunayRegressor(metric=None).fit(X, [0.0, 1.0, 1.0, 4.0])
    >>> simplices = reg.simplices([[0.25, 0.25], [2.0, 3.0]])
    >>> simplices
    Simplices(2 queries: 1 inside, 1 outside)
    >>> simplices.centre[0], simplices.distance
    (array([0.5, 0.5]), array([0., 1.]))
    >>> simplices.verify(X)
    array([ True,  True])
    """

    corners: Indices
    weights: csr_array
    nearest: Floats
    distance: Floats
    centre: Floats
    status: NDArray[np.object_]
    metric: Metric
    queries: Floats
    row_names: RowNames = UNNAMED_ROWS

    def __repr__(self) -> str:
        names = [("INSIDE", "inside"), ("OUTSIDE", "outside"), ("LOOSE", "loose")]
        counts = {word: sum(s.name == name for s in self.status) for name, word in names}
        parts = [f"{c:,} {w}" for w, c in counts.items() if c or w != "loose"]
        return f"Simplices({len(self.status):,} queries: {', '.join(parts)})"

    def _take(self, rows: Indices) -> Simplices:
        return Simplices(
            self.corners[rows],
            csr_array(self.weights[rows]),
            self.nearest[rows],
            self.distance[rows],
            self.centre[rows],
            self.status[rows],
            self.metric,
            self.queries[rows],
            self.row_names.take(rows),
        )

    def _columns(self) -> Mapping[str, Column]:
        return {
            "status": [status.name for status in self.status],
            "distance": self.distance,
            "corners": ["; ".join(str(i) for i in row if i >= 0) for row in self.corners.tolist()],
            "weights": ["; ".join(f"{w:.4g}" for w in row) for row in self._corner_weights()],
        }

    def _corner_weights(self) -> Iterator[list[float]]:
        """The weights of each query at its corners, in their order."""
        for b, corners in enumerate(self.corners):
            entries = slice(self.weights.indptr[b], self.weights.indptr[b + 1])
            at_row = dict(zip(self.weights.indices[entries], self.weights.data[entries]))
            yield [float(at_row.get(row, 0.0)) for row in corners[corners >= 0]]

    @own_errors("verifying simplices")
    def verify(self, X: Any, *, tolerance: float = 1e-9) -> NDArray[np.bool_]:
        """Check every claim from the rows X alone, with code that shares nothing with the search.

        For each query, up to `tolerance` of the distances involved: the weights are those of a
        convex combination of corners that is `nearest`, and `distance` is that from the query; no
        row of X reaches beyond the plane through `nearest` across the way to the query (so nothing
        in the hull is nearer); no row lies in the sphere (so no other convex combination has a
        smaller spread); and the query is `nearest` itself where, and only where, it is said to be
        inside. O(m n d), at any scale.

        Parameters
        ----------
        X : (n, d) or Cloud
            The rows given to `fit`.
        tolerance : float

        Returns
        -------
        (m,) bool
        """
        from ._simplices_verify import verify_simplices

        allowed = check_nonnegative("tolerance", tolerance)
        cloud = X if isinstance(X, Cloud) else Cloud(X, copy=False)
        expected = self.weights.shape[1], self.queries.shape[1]
        if (cloud.n, cloud.d) != expected:
            raise DataError(
                f"X has shape {(cloud.n, cloud.d)}: expected {expected}, the rows given to fit."
            )
        return verify_simplices(self, cloud.rows, allowed)


def find_simplices(
    cloud: Cloud,
    Q: Floats,
    metric: Metric,
    unique: UniqueRows | None = None,
    progress: Progress | None = None,
) -> Simplices:
    """The simplices of queries Q (m, d) with everything that proves them.

    `unique` says which training row each row of the cloud is.
    """
    coordinates = flat_coordinates(cloud, metric)
    result = search_simplices(coordinates, Q, True, progress)
    W = result.weight_matrix(cloud.n)
    offset = mean_difference(W, cloud, Q)
    near = np.abs(metric.image(offset)) <= metric.image_of_sizes(cloud.resolution(1e-12))
    status = np.array([OUTCOMES[outcome] for outcome in result.outcome], dtype=object)
    status[~near.all(axis=1) & (status == SimplexStatus.INSIDE)] = SimplexStatus.OUTSIDE
    reached = (offset == 0).all(axis=1) & (status == SimplexStatus.OUTSIDE)  # on the surface
    status[reached] = SimplexStatus.INSIDE
    offset[status == SimplexStatus.INSIDE] = 0.0
    nearest = Q + offset
    corners = result.rows.astype(np.intp)
    if unique is not None:
        corners = np.where(corners >= 0, unique.first[corners], -1)
        shape = (len(Q), len(unique.inverse))
        W = csr_array((W.data, unique.first[W.indices], W.indptr), shape=shape)
    return Simplices(
        corners,
        W,
        nearest,
        metric.norm(offset),
        nearest + coordinates.to_data(result.centre),
        status,
        metric,
        Q,
    )


def mean_difference(W: csr_array, cloud: Cloud, Q: Floats) -> Floats:
    """sum w_i (x_i - q) for each query, (m, d), from differences, which cancel nothing."""
    mean = np.zeros(Q.shape)
    for b in range(len(Q)):
        entries = slice(W.indptr[b], W.indptr[b + 1])
        mean[b] = W.data[entries] @ (cloud.take(W.indices[entries]) - Q[b])
    return mean
