"""Delaunay interpolation: linear on the simplex around each query, with no triangulation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from .._core.foreign import own_errors
from .._core.types import Floats, Progress
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ._coordinates import flat_coordinates
from ._delaunay_search import search_simplices
from .interpolant import Interpolant
from .simplices import Simplices, find_simplices

__all__ = ["DelaunayRegressor", "delaunay_weights"]


def delaunay_weights(
    cloud: Cloud, Q: Floats, metric: Metric, progress: Progress | None = None
) -> csr_array:
    """Barycentric weights in the Delaunay simplex around each query, (m, n).

    Outside the hull the weights at the nearest point of the hull.
    """
    result = search_simplices(flat_coordinates(cloud, metric), Q, False, progress)
    return result.weight_matrix(cloud.n)


class DelaunayRegressor(Interpolant):
    """Piecewise linear interpolation on the Delaunay simplex around each query.

    Parameters
    ----------
    metric : "std", "range", None, (d,), (d, d) or function of (X, y)
        In which units nearness counts; the simplices depend on it.
    duplicates : {"mean", "raise"}
        What to do with rows that are equal but for the target.

    Attributes
    ----------
    cloud_ : Cloud
        The distinct training rows.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    Inside the hull the weights are the barycentric coordinates of the query in the Delaunay
    simplex around it, outside those of the nearest point of the hull (in the metric); `bound` adds
    what the way there may cost, `simplices` says how far it is and proves all of it.

    No triangulation is made: the simplex is the optimal basis of the linear program
    ``min sum w_i |x_i - q|^2`` over convex weights with mean q (Edelsbrunner and Seidel 1986),
    found by primal simplex steps on a few rows at a time, so d = 100 is no obstacle. Of all convex
    weights that reproduce linear functions these have the least worst-case error
    (`hullwise.error_bound`).

    Where the simplex is not unique (rows on one sphere, as on a grid, or queries on a face) one is
    returned, the same one each time; all have the same spread, and their predictions differ only
    as far as the targets are not linear there. Rows that span a flat are interpolated within it; a
    query off the flat is outside.

    Each query costs about ten looks at all rows, O(n d), and some tens of simplex steps, O(d^2).
    Memory beyond the rows: one more copy of them up to 4 million numbers, a bounded amount above.

    Source: Lux, Watson, Chang, Hong, Cameron, *Interpolation of sparse high-dimensional data*,
    Numerical Algorithms 2021, section 3.1; Chang, Watson, Lux, Butt, Cameron, Hong, *Algorithm
    1012: DELAUNAYSPARSE*, ACM Transactions on Mathematical Software 2020.

    Examples
    --------
    >>> import hullwise as hw
    >>> X = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]
    >>> reg = hw.DelaunayRegressor(metric=None).fit(X, [0.0, 1.0, 1.0, 4.0])
    >>> reg.predict([[0.25, 0.25], [2.0, 3.0]])      # outside: the corner's
    array([0.5, 4. ])
    >>> reg.weights([[0.25, 0.25]]).toarray()
    array([[0.5 , 0.25, 0.25, 0.  ]])
    >>> reg.bound([[0.25, 0.25], [2.0, 3.0]], smoothness=1.0, lipschitz=2.0).shift.round(9)
    array([0., 2.])
    """

    def _weigh(self, Q: Floats, progress: Progress | None) -> csr_array:
        return delaunay_weights(self.cloud_, Q, self.metric_, progress)

    @own_errors("finding simplices")
    def simplices(self, Q: Any, *, progress: Progress | None = None) -> Simplices:
        """The simplex around each query of Q (m, d), with the empty sphere that proves it."""
        checked = self._queries(Q)
        values = checked.values.astype(np.float64)
        simplices = find_simplices(self.cloud_, values, self.metric_, self.unique_rows_, progress)
        return replace(simplices, row_names=checked.row_names)
