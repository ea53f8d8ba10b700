"""Interpolants on meshes, as scikit-learn regressors; each only asks its method."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from .._core.types import Floats, Indices, Progress
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from .box_mesh import BoxMesh, box_spline_mesh, box_weights, known_side, max_box_mesh
from .delaunay import delaunay_weights
from .interpolant import Interpolant
from .simplices import Simplices, find
from .voronoi import voronoi_weights

__all__ = ["BoxSplineRegressor", "DelaunayRegressor", "MaxBoxRegressor", "VoronoiRegressor"]


class _BoxRegressor(Interpolant):
    """What the two box meshes share."""

    mesh_: BoxMesh

    def __init__(
        self,
        *,
        metric: ArrayLike | str | None = None,
        duplicates: str = "mean",
        unbounded: str = "flat",
    ) -> None:
        self.metric = metric
        self.duplicates = duplicates
        self.unbounded = unbounded

    def _weigh(self, Q: Floats, metric: Metric, progress: Progress | None) -> csr_array:
        return box_weights(self.mesh_, self.cloud_, Q, metric, progress, unbounded=self.unbounded)


class BoxSplineRegressor(_BoxRegressor):
    """Box splines on the iterative box mesh: rows weighted by boxes that no other row is in.

    Parameters
    ----------
    metric : None, "std", "range", (d,) or (d, d)
        Which axis separates two rows most, and which rows are near, depends on it: with None on
        the units of the features. A full (d, d) matrix turns the boxes onto its own axes, the
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
        known_side(self.unbounded)
        mesh = box_spline_mesh(cloud, metric)
        return {"mesh_": mesh, "order_": mesh.order}


class MaxBoxRegressor(_BoxRegressor):
    """Box splines on the max box mesh: around each row the box whose nearest side is farthest.

    Parameters
    ----------
    metric : None, "std", "range", (d,) or (d, d)
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
        known_side(self.unbounded)
        return {"mesh_": max_box_mesh(cloud, metric)}


class VoronoiRegressor(Interpolant):
    """Rows weighted by how far the query is towards the end of their Voronoi cell.

    Parameters
    ----------
    metric : None, "std", "range", (d,) or (d, d)
        In which units nearness counts.
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
    Row i has the weight ``1 - max_j <q - x_i, x_j - x_i> / |x_j - x_i|^2`` where that is positive:
    1 at the row itself, 1/2 where its cell ends, 0 at twice that distance. The prediction is
    continuous and always defined. O(n (d + log n)) for each query, and O(i d) more for the i-th
    nearest row where no nearer one rules it out.

    Source: Lux, Watson, Chang, Hong, Cameron, *Interpolation of sparse high-dimensional data*,
    Numerical Algorithms 2021, section 3.5; Lux et al., *Novel meshes for multivariate
    interpolation and approximation*, ACMSE 2018.

    Examples
    --------
    >>> import hullwise as hw
    >>> reg = hw.VoronoiRegressor().fit([[0.0], [1.0], [3.0]], [0.0, 2.0, 1.0])
    >>> reg.predict([[0.25], [1.0]])
    array([0.5, 2. ])
    """

    def __init__(self, *, metric: ArrayLike | str | None = None, duplicates: str = "mean") -> None:
        self.metric = metric
        self.duplicates = duplicates

    def _weigh(self, Q: Floats, metric: Metric, progress: Progress | None) -> csr_array:
        return voronoi_weights(self.cloud_, Q, metric, progress)


class DelaunayRegressor(Interpolant):
    """Piecewise linear interpolation on the Delaunay simplex around each query.

    Parameters
    ----------
    metric : None, "std", "range", (d,) or (d, d)
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
    >>> reg = hw.DelaunayRegressor().fit(X, [0.0, 1.0, 1.0, 4.0])
    >>> reg.predict([[0.25, 0.25], [2.0, 3.0]])      # outside: the corner's
    array([0.5, 4. ])
    >>> reg.weights([[0.25, 0.25]]).toarray()
    array([[0.5 , 0.25, 0.25, 0.  ]])
    >>> reg.bound([[0.25, 0.25], [2.0, 3.0]], smoothness=1.0, lipschitz=2.0).shift.round(9)
    array([0., 2.])
    """

    def __init__(self, *, metric: ArrayLike | str | None = None, duplicates: str = "mean") -> None:
        self.metric = metric
        self.duplicates = duplicates

    def _weigh(self, Q: Floats, metric: Metric, progress: Progress | None) -> csr_array:
        return delaunay_weights(self.cloud_, Q, metric, progress)

    def simplices(self, Q: Any, *, progress: Progress | None = None) -> Simplices:
        """The simplex around each query of Q (m, d), with the empty sphere that proves it."""
        values = self._queries(Q).values.astype(np.float64)
        return find(self.cloud_, values, self.metric_, self.places_, progress)
