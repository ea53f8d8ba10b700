"""SciPy's Delaunay triangulation of points in few dimensions, believed only where it is checked.

Qhull triangulates; what a query gets of it is checked from the points alone: the corners' weights
are convex and reproduce the query, and no point lies nearer to the simplex's circumcentre than its
corners (a k-d tree says so, over all points). A query said to be outside is beyond a plane that no
point is beyond. What fails, as thin or overlapping simplices may, is left to the search.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import Delaunay, QhullError, cKDTree

from .._core.rounding import UNIT_ROUNDOFF
from .._core.threads import single_threaded_blas
from .._core.types import Floats, Indices, Mask
from ..geometry.metric import Metric
from ._triangulation_kernels import morton_codes, weigh_in_simplices
from .simplices import SimplexStatus, Simplices

SIMPLICES_PER_POINT = {2: 2.0, 3: 6.8, 4: 31.8}  # of many random points (Dwyer 1991)
MAX_SIMPLICES = 1 << 22  # expected ones beyond which no triangulation is made unasked
WEIGHT_TOLERANCE = 1e-12  # a weight below 0 by no more is rounding
SPHERE_TOLERANCE = 1e-9  # of the longest edge squared: how deep in a sphere a point may lie
HULL_TOLERANCE = 1e-12  # of the points' extent: what is outside by no more is left to the search
PRODUCT_NUMBERS = 1 << 22  # numbers in memory at once where queries or points meet all facets
MAX_FACET_LOOKS = 1 << 33  # points times facets of the hull, beyond which the search is quicker
UNCHECKED, EMPTY, NOT_EMPTY = range(3)  # what is known of a simplex's sphere


@dataclass(frozen=True, eq=False)
class TriangulatedQueries:
    """What a triangulation says of m queries, checked.

    Attributes
    ----------
    simplex : (m,)
        Its number, -1 where there is none.
    corners, weights : (m, d + 1)
        Of the simplex around each query that is `inside`.
    inside, outside : (m,) bool
        A query that is neither is left open.
    """

    simplex: Indices
    corners: Indices
    weights: Floats
    inside: Mask
    outside: Mask


@dataclass(frozen=True, eq=False)
class Triangulation:
    """A triangulation of distinct points (n, d), and what has been checked of it so far.

    `corners` (s, d + 1) are its simplices by the numbers of these points.
    """

    points: Floats
    delaunay: Delaunay
    corners: Indices
    spheres: Indices = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "spheres", np.zeros(len(self.corners), dtype=np.int8))

    @cached_property
    def tree(self) -> cKDTree:
        """All points, to find the one nearest to a centre."""
        return cKDTree(self.points)

    @cached_property
    def inverses(self) -> Floats:
        """(s, d + 1, d): of each simplex the inverse of its edges from the last corner, and it."""
        with single_threaded_blas():  # a threaded one spins on matrices of this size
            return np.asarray(self.delaunay.transform)

    def locate(self, Q: Floats) -> TriangulatedQueries:
        """The simplex around each query (m, d), neighbours after each other to walk less."""
        order = morton_order(Q)
        with single_threaded_blas():
            simplex = np.empty(len(Q), dtype=np.intp)
            simplex[order] = self.delaunay.find_simplex(Q[order])
        weights, inside = np.zeros((len(Q), Q.shape[1] + 1)), np.zeros(len(Q), dtype=bool)
        triangulation = self.points, self.corners, self.inverses
        tolerances = WEIGHT_TOLERANCE, SPHERE_TOLERANCE
        weigh_in_simplices(Q, simplex, triangulation, tolerances, weights, inside)
        self._check_spheres(simplex[inside])
        inside &= self.spheres[simplex] == EMPTY
        outside = simplex < 0
        if outside.any():
            outside[outside] = self._is_outside(Q[outside])
        return TriangulatedQueries(simplex, self.corners[simplex], weights, inside, outside)

    def _check_spheres(self, simplices: Indices) -> None:
        """Find out of which simplices (k,) no point lies in the circumscribed sphere."""
        new = np.unique(simplices[self.spheres[simplices] == UNCHECKED])
        if not len(new):
            return
        corners = self.points[self.corners[new]]
        centre = self.centres(new)
        with np.errstate(invalid="ignore", over="ignore"):
            radii = np.sqrt(np.square(corners - centre[:, None]).sum(axis=2))
            edge = np.square(corners[:, :-1] - corners[:, -1:]).sum(axis=2).max(axis=1)
            least, largest = radii.min(axis=1), radii.max(axis=1)
            size = largest + np.abs(corners).max(axis=(1, 2))
            # where rounding is no smaller than the tolerance, nothing is known
            known = (8 * UNIT_ROUNDOFF * largest * size <= SPHERE_TOLERANCE * edge) & (
                largest * (largest - least) <= SPHERE_TOLERANCE * edge
            )
            known &= np.isfinite(centre).all(axis=1)
        nearest = np.zeros(len(new))
        nearest[known] = self.tree.query(centre[known])[0]
        empty = known & ((least - nearest) * (least + nearest) <= SPHERE_TOLERANCE * edge)
        self.spheres[new] = np.where(empty, EMPTY, NOT_EMPTY)

    def simplices(self, located: TriangulatedQueries, Q: Floats, metric: Metric) -> Simplices:
        """The simplices around those queries that are inside, as a result to be verified."""
        at = located.inside
        corners, w, queries = located.corners[at], located.weights[at], Q[at]
        ends = np.arange(len(w) + 1) * w.shape[1]
        W = csr_array((w.ravel(), corners.ravel(), ends), shape=(len(w), len(self.points)))
        return Simplices(
            corners,
            W,
            queries,
            np.zeros(len(w)),
            self.centres(located.simplex[at]),
            np.full(len(w), SimplexStatus.INSIDE, dtype=object),
            metric,
            queries,
        )

    def centres(self, simplices: Indices) -> Floats:
        """Circumcentres of simplices, (k, d): equally far from all corners."""
        inverse, corners = self.inverses[simplices], self.points[self.corners[simplices]]
        with np.errstate(invalid="ignore", over="ignore"):
            squares = np.square(corners[:, :-1] - corners[:, -1:]).sum(axis=2)
            return np.asarray(
                corners[:, -1] + np.einsum("kij,ki->kj", inverse[:, :-1], squares) / 2
            )

    @cached_property
    def _facet_planes(self) -> tuple[Floats, Floats]:
        """Outward unit normals (f, d) of the hull's facets, and how far all points reach along."""
        simplex, opposite = np.nonzero(self.delaunay.neighbors < 0)
        corners = self.corners[simplex]
        is_facet = np.arange(corners.shape[1]) != opposite[:, None]
        d = self.points.shape[1]
        facet = self.points[corners[is_facet].reshape(-1, d)]  # (f, d, d)
        normal = np.linalg.svd(facet[:, 1:] - facet[:, :1])[2][:, -1]
        inwards = self.points[corners[~is_facet]] - facet[:, 0]
        normal *= -np.sign(np.einsum("fj,fj->f", inwards, normal))[:, None]
        centred = self.points - self.points[0]
        reach = np.full(len(normal), -np.inf)
        step = max(1, PRODUCT_NUMBERS // max(1, len(normal)))
        for start in range(0, len(centred), step):
            np.maximum(reach, (centred[start : start + step] @ normal.T).max(axis=0), out=reach)
        return normal, reach

    def _is_outside(self, Q: Floats) -> Mask:
        """Whether each query is outside the points' box, or beyond a plane that none is beyond."""
        is_outside = ((self.points.min(axis=0) > Q) | (self.points.max(axis=0) < Q)).any(axis=1)
        n_facets = int((self.delaunay.neighbors < 0).sum())
        if n_facets * len(self.points) > MAX_FACET_LOOKS:
            return np.asarray(is_outside)
        rest = np.flatnonzero(~is_outside)
        if len(rest):
            normal, reach = self._facet_planes
            extent = np.ptp(self.points, axis=0).max()
        step = max(1, PRODUCT_NUMBERS // max(1, n_facets))
        for start in range(0, len(rest), step):
            part = rest[start : start + step]
            excess = ((Q[part] - self.points[0]) @ normal.T - reach).max(axis=1)
            is_outside[part] = excess > HULL_TOLERANCE * extent
        return np.asarray(is_outside)


def triangulate(points: Floats, limited: bool) -> Triangulation | None:
    """Qhull's triangulation of distinct points (n, d); None where it has none.

    With `limited` also none in more than 4 dimensions, or of so many points that memory suffers.
    """
    n, d = points.shape
    expected = n * SIMPLICES_PER_POINT.get(d, np.inf)
    if d < 2 or n < d + 2 or (limited and expected > MAX_SIMPLICES):
        return None
    try:
        delaunay = Delaunay(points)
    except (QhullError, ValueError):  # points on a flat, or of a size that it cannot square
        return None
    return Triangulation(points, delaunay, delaunay.simplices.astype(np.intp))


def morton_order(Q: Floats) -> Indices:
    """An order of points (m, d), d at most 4, in which neighbours follow each other."""
    codes, d = np.zeros(len(Q), dtype=np.int64), Q.shape[1]
    if not len(Q):
        return codes
    # column by column: NumPy is slow along an axis as short as this
    low = np.array([column.min() for column in Q.T])
    width = np.array([column.max() for column in Q.T]) - low
    bits = min(15, 60 // d)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        scale = ((1 << bits) - 1) / width
    scale = np.where(np.isfinite(scale) & np.isfinite(width), scale, 0.0)
    morton_codes(Q, low, scale, bits, codes)
    return np.asarray(codes.argsort())
