"""Linear interpolation of scattered data behind SciPy's call, in any dimension and checked."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import Delaunay

from .._core.caller import caller_stacklevel
from .._core.foreign import own_errors
from .._core.types import Array, Floats, Indices, Mask
from ..errors import DataError, DataTypeError, DataWarning
from ..geometry.cloud import Cloud
from ._coordinate_arrays import read_points, read_queries
from ._coordinates import flat_coordinates
from ._delaunay_search import search_simplices
from ._triangulation import Triangulation, triangulate
from .duplicates import UniqueRows, unique_rows
from .simplices import SimplexStatus, find_simplices

__all__ = ["LinearNDInterpolator"]

OUTSIDE_OPTIONS = ("nan", "project", "linear")
INTERPOLATION_BATCH = 1 << 18  # whose corners and values are in memory at once
ON_HULL_TOLERANCE = 1e-12  # of a coordinate's range: a query off the hull by no more is on it
INWARD_SHARE = 2.0**-20  # of the way to the mean of the points: where the nearest piece is read


@dataclass(frozen=True, eq=False)
class CornerWeights:
    """Corners (m, d + 1), padded with -1, and weights of each query; whether it is inside."""

    corners: Indices
    weights: Floats
    inside: Mask

    def take(self, rows: Mask) -> CornerWeights:
        """Those of some queries."""
        return CornerWeights(self.corners[rows], self.weights[rows], self.inside[rows])


class LinearNDInterpolator:
    """Piecewise linear interpolation of scattered data in any dimension, called as SciPy's.

    Parameters
    ----------
    points : (n, d) array, tuple of d arrays (n,), or scipy.spatial.Delaunay
    values : (n, ...) array
        Real or complex numbers; a nan makes what lies beside it nan.
    fill_value : number
        What outside the convex hull stands in the answer, with ``outside="nan"``.
    rescale : bool
        Divide each coordinate by its range first. The simplices depend on it.
    outside : {"nan", "project", "linear"}
        What happens outside the convex hull: `fill_value`, the value at the nearest point of the
        hull, or the linear piece there, continued.
    triangulation : bool, optional
        Triangulate once with SciPy, or search the simplex of each query. Default: triangulate
        distinct points in 2 to 4 dimensions of which some four million simplices are expected at
        most. It is best decided by the number of queries: see Notes.

    Attributes
    ----------
    points : (n, d)
        As interpolated, that is rescaled with ``rescale=True``.
    values : (n, ...)
    tri : scipy.spatial.Delaunay or None
        The triangulation of the distinct points.

    Raises
    ------
    DataError, DataTypeError
        A ValueError or TypeError, where SciPy raises one; for points on a flat, where SciPy has an
        error of Qhull, the interpolation is that within the flat.

    Notes
    -----
    Where SciPy's answer is right this one is equal to it, up to rounding. It is checked: the
    corners' weights reproduce the query, no point lies in the sphere through the corners, a query
    outside is beyond a plane that no point is beyond. What a triangulation cannot show so (thin or
    overlapping simplices, large offsets) is searched as by `DelaunayRegressor`. `verify` checks
    the answers once more by other code.

    Points on a common sphere, as on a grid, have several Delaunay triangulations and all are
    right; the one that SciPy has is used if there is a triangulation, so that values agree. Whether
    there is one depends on the points alone, never on the queries.

    Equal points are one point, with the mean of their values; a warning says if these differ.
    SciPy takes one of them.

    ``outside="linear"`` takes the piece that is met first on the way from the nearest point of the
    hull to the mean of the points, a millionth of the way in. Simplices at the hull may be thin,
    and their slopes steep: far out such a value says little.

    Building costs the triangulation; a query then about a microsecond and, where its simplex is
    new, a look into a k-d tree. Without triangulation, and outside the hull unless it is "nan",
    each query costs about ten looks at all points, O(n d).

    Source: Barber, Dobkin, Huhdanpaa, *The Quickhull algorithm for convex hulls*, ACM Transactions
    on Mathematical Software 1996, for the triangulation; Edelsbrunner and Seidel 1986 for the
    search.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> x, y = np.array([0.0, 1.0, 0.0, 2.0]), np.array([0.0, 0.0, 1.0, 2.0])
    >>> interp = hw.LinearNDInterpolator((x, y), x + 2 * y)
    >>> interp(0.25, [0.25, 3.0])
    array([0.75,  nan])
    >>> hw.LinearNDInterpolator((x, y), x + 2 * y, outside="linear")(0.25, [0.25, 3.0])
    array([0.75, 6.25])
    >>> hw.LinearNDInterpolator((x, y), x + 2 * y, outside="project")(2.0, [2.0, 3.0])
    array([6., 6.])
    >>> interp.verify(0.25, [0.25, 3.0])
    array([ True,  True])
    """

    offset: Floats | None  # rescaled points are (points - offset) / scale
    scale: Floats | None

    def __init__(
        self,
        points: Any,
        values: Any,
        fill_value: complex = np.nan,
        rescale: bool = False,
        *,
        outside: str = "nan",
        triangulation: bool | None = None,
    ) -> None:
        if not isinstance(outside, str) or outside not in OUTSIDE_OPTIONS:
            names = ", ".join(repr(option) for option in OUTSIDE_OPTIONS)
            raise DataError(f"outside={outside!r}: expected one of {names}.")
        with own_errors("reading points and values"):
            X = read_points(points.points if isinstance(points, Delaunay) else points)
            self.outside, self.offset, self.scale = outside, None, None
            if rescale:
                if isinstance(points, Delaunay):
                    raise DataError("rescale=True: a triangulation is of points as they are.")
                self.offset, width = X.mean(axis=0), np.ptp(X, axis=0)
                self.scale = np.where(width > 0, width, 1.0)
                X = (X - self.offset) / self.scale
            self.points = X
            self._unique = unique_rows(X)
            self._distinct = X[self._unique.first]
            self.values = values
            self.fill_value = self._read_fill(fill_value)
        self._triangulation = self._triangulate(points, triangulation)

    def _triangulate(self, points: Any, requested: bool | None) -> Triangulation | None:
        if requested is not None and not requested:
            return None
        if isinstance(points, Delaunay):
            corners = self._unique.inverse[points.simplices]
            return Triangulation(self._distinct, points, corners)
        with own_errors("triangulating points"):
            return triangulate(self._distinct, limited=requested is None)

    def _read_fill(self, fill_value: Any) -> complex:
        is_complex = np.issubdtype(self._table.dtype, np.complexfloating)
        try:
            fill = complex(fill_value) if is_complex else float(fill_value)
        except TypeError:
            kind = "a number" if is_complex else "a real number, as the values are"
            raise DataTypeError(f"fill_value={fill_value!r}: expected {kind}.") from None
        if self.outside != "nan" and fill == fill:
            raise DataError(
                f"fill_value={fill_value!r} is for outside='nan': "
                f"with outside={self.outside!r} every query has a value."
            )
        return fill

    @property
    def tri(self) -> Delaunay | None:
        """SciPy's triangulation of the distinct points, None where there is none."""
        return None if self._triangulation is None else self._triangulation.delaunay

    @property
    def values(self) -> Array:
        """The values (n, ...) at the points; other ones may be set, for the same triangulation."""
        return self._values

    @values.setter
    def values(self, values: Any) -> None:
        array = np.asarray(values)
        if array.ndim == 0 or len(array) != len(self.points):
            count = "one number as" if array.ndim == 0 else f"{len(array):,}"
            raise DataError(f"{count} values of {len(self.points):,} points: expected one each.")
        is_complex = np.issubdtype(array.dtype, np.complexfloating)
        array = np.ascontiguousarray(array, dtype=np.complex128 if is_complex else np.float64)
        self._values = array
        self._table = _mean_over_copies(array.reshape(len(array), -1), self._unique)

    def __repr__(self) -> str:
        n, d = self.points.shape
        return f"LinearNDInterpolator({n:,} points in {d} dimensions, outside={self.outside!r})"

    @own_errors("interpolating")
    def __call__(self, *coordinates: Any) -> Array:
        """Values at queries: d arrays that broadcast, or one array (..., d).

        Returns
        -------
        (..., values.shape[1:]) float64 or complex128
        """
        Q, shape = self._read(coordinates)
        table = self._table
        out = np.full((len(Q), table.shape[1]), self.fill_value, dtype=table.dtype)
        finite = np.isfinite(Q)
        rows = np.arange(len(Q)) if finite.all() else np.flatnonzero(finite.all(axis=1))
        for start in range(0, len(rows), INTERPOLATION_BATCH):
            at = rows[start : start + INTERPOLATION_BATCH]
            pieces = self._find_pieces(Q[at])
            if self.outside == "nan" and not pieces.inside.all():
                pieces, at = pieces.take(pieces.inside), at[pieces.inside]
            out[at] = _weighted_values(pieces.corners, pieces.weights, table)
        return out.reshape(shape + self._values.shape[1:])

    @own_errors("weighing points")
    def weights(self, *coordinates: Any) -> csr_array:
        """Weights of queries over the points, (m, n) CSR: values are W @ values.

        Each row has sum 1; none is filled for a query that gets `fill_value`. They are at least 0
        but for ``outside="linear"``, outside.
        """
        Q, _ = self._read(coordinates)
        if not np.isfinite(Q).all():
            raise DataError("Weights are of finite queries: found nan or infinity.")
        pieces = self._find_pieces(Q)
        mask = (pieces.corners >= 0) & (pieces.weights != 0)
        if self.outside == "nan":
            mask &= pieces.inside[:, None]
        ends = np.concatenate([[0], np.cumsum(mask.sum(axis=1))])
        shape = (len(Q), len(self._distinct))
        W = csr_array((pieces.weights[mask], pieces.corners[mask], ends), shape=shape)
        if len(self._distinct) < len(self.points):
            W = csr_array(W @ self._unique.averaging_matrix())
        W.sort_indices()
        return W

    @own_errors("verifying values")
    def verify(self, *coordinates: Any, tolerance: float = 1e-9) -> Mask:
        """Check the simplex behind each query again, from the points alone and by other code.

        That of `Simplices.verify`: weights, the empty sphere, and outside the hull the nearest
        point of it, which proves that the query is outside. O(m n d).

        Returns
        -------
        (...) bool
        """
        Q, shape = self._read(coordinates)
        holds = np.zeros(len(Q), dtype=bool)
        finite = np.isfinite(Q).all(axis=1)
        holds[finite] = self._verify(Q[finite], tolerance)
        return holds.reshape(shape)

    def _read(self, coordinates: tuple[Any, ...]) -> tuple[Floats, tuple[int, ...]]:
        Q, shape = read_queries(coordinates, self.points.shape[1])
        if self.offset is not None and self.scale is not None:
            Q = (Q - self.offset) / self.scale
        return Q, shape

    @cached_property
    def _cloud(self) -> Cloud:
        return Cloud(self._distinct)

    def _find_pieces(self, Q: Floats) -> CornerWeights:
        """Corners and weights of finite queries (m, d), continued outside if that is asked."""
        pieces = self._interpolate(Q)
        outside = np.flatnonzero(~pieces.inside)
        if self.outside == "linear" and len(outside):
            self._continue(Q[outside], outside, pieces)
        return pieces

    def _interpolate(self, Q: Floats) -> CornerWeights:
        """Corners and weights of queries; outside those of the nearest point, or none."""
        if self._triangulation is None:
            on_line = Q.shape[1] == 1 and len(self._distinct) > 1
            return (
                _interpolate_on_line(self._distinct[:, 0], Q[:, 0]) if on_line else self._search(Q)
            )
        located = self._triangulation.locate(Q)
        pieces = CornerWeights(located.corners, located.weights, located.inside)
        if located.inside.all():
            return pieces
        pieces.corners[~located.inside] = -1
        pieces.weights[~located.inside] = 0.0
        settled = located.inside | (located.outside & (self.outside == "nan"))
        open_ = np.flatnonzero(~settled)
        if len(open_):
            searched = self._search(Q[open_])
            pieces.corners[open_], pieces.weights[open_] = searched.corners, searched.weights
            pieces.inside[open_] = searched.inside
        return pieces

    def _search(self, Q: Floats) -> CornerWeights:
        """The same without a triangulation, one query at a time."""
        (m, d), X = Q.shape, self._distinct
        coordinates = flat_coordinates(self._cloud, self._cloud.metric(None))
        result = search_simplices(coordinates, Q, False, None)
        k = result.rows.shape[1]
        corners, weights = np.full((m, d + 1), -1), np.zeros((m, d + 1))
        corners[:, :k], weights[:, :k] = result.rows, result.weights
        offset = np.einsum("mk,mkj->mj", weights, X[corners] - Q[:, None])
        allowed = np.maximum(
            ON_HULL_TOLERANCE * np.ptp(X, axis=0), self._cloud.resolution(ON_HULL_TOLERANCE)
        )
        return CornerWeights(corners, weights, (np.abs(offset) <= allowed).all(axis=1))

    def _continue(self, Q: Floats, rows: Indices, pieces: CornerWeights) -> None:
        """Put the weights of the nearest linear piece in place of those of the nearest point."""
        X = self._distinct
        nearest = np.einsum("mk,mkj->mj", pieces.weights[rows], X[pieces.corners[rows]])
        inner = self._interpolate(nearest + INWARD_SHARE * (X.mean(axis=0) - nearest))
        corners = X[inner.corners]
        corners[inner.corners < 0] = 0.0
        heaviest = np.take_along_axis(corners, inner.weights.argmax(axis=1)[:, None, None], axis=1)
        edges = np.where((inner.corners >= 0)[:, :, None], corners - heaviest, 0.0)
        # in the flat of the corners the weights are unique: that of the heaviest makes up the sum
        w = np.einsum("mjk,mj->mk", np.linalg.pinv(edges, rcond=1e-14), Q - heaviest[:, 0])
        at = np.arange(len(w)), inner.weights.argmax(axis=1)
        w[at] = 0.0
        w[at] = 1 - w.sum(axis=1)
        pieces.corners[rows], pieces.weights[rows] = inner.corners, w

    def _verify(self, Q: Floats, tolerance: float) -> Mask:
        """Whether the simplices behind the answers at finite queries (m, d) are what they say."""
        metric, X = self._cloud.metric(None), self._distinct
        holds, searched = np.zeros(len(Q), dtype=bool), np.ones(len(Q), dtype=bool)
        if self._triangulation is not None:
            located = self._triangulation.locate(Q)
            simplices = self._triangulation.simplices(located, Q, metric)
            holds[located.inside] = simplices.verify(X, tolerance=tolerance)
            searched = ~located.inside
        simplices = find_simplices(self._cloud, Q[searched], metric)
        agrees = np.ones(len(simplices), dtype=bool)
        if self._triangulation is not None:  # where it says outside the search must say so too
            is_outside = np.array([s is SimplexStatus.OUTSIDE for s in simplices.status], bool)
            agrees = is_outside | ~located.outside[searched]
        holds[searched] = agrees & simplices.verify(X, tolerance=tolerance)
        return holds


def _weighted_values(corners: Indices, weights: Floats, table: Array) -> Array:
    """Weighted sums (m, v) of the rows of a table at corners (m, k), padded with -1."""
    value = np.zeros((len(corners), table.shape[1]), dtype=table.dtype)
    is_padded = bool((corners < 0).any())
    for j in range(corners.shape[1]):
        term = weights[:, j, None] * table[corners[:, j]]
        # a missing value there is none of this query's
        value += np.where(corners[:, j, None] < 0, 0, term) if is_padded else term
    return value


def _interpolate_on_line(x: Floats, q: Floats) -> CornerWeights:
    """The same in one dimension, where the simplices lie between neighbours: x (n,), q (m,)."""
    order = np.argsort(x)
    x = x[order]
    left = np.clip(np.searchsorted(x, q, side="right") - 1, 0, len(x) - 2)
    share = np.clip((q - x[left]) / (x[left + 1] - x[left]), 0.0, 1.0)
    corners = np.column_stack([order[left], order[left + 1]])
    return CornerWeights(corners, np.column_stack([1 - share, share]), (q >= x[0]) & (q <= x[-1]))


def _mean_over_copies(table: Array, unique: UniqueRows) -> Array:
    """Values (n, v) of points as those of distinct points; a warning where copies differ."""
    if len(unique.first) == len(table):
        return table
    first = table[unique.first[unique.inverse]]
    differs = ((table != first) & ~(np.isnan(table) & np.isnan(first))).any(axis=1)
    if differs.any():
        row = int(differs.argmax())
        warnings.warn(
            f"{int(differs.sum()):,} point(s) repeat an earlier one with another value, the first "
            f"is point {row} (as point {int(unique.first[unique.inverse[row]])}; counted from 0): "
            "the mean of their values is taken.",
            DataWarning,
            stacklevel=caller_stacklevel(),
        )
    return np.asarray(unique.averaging_matrix() @ table)
