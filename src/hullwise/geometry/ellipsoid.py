"""The smallest ellipsoid around the rows, with the proof of how small.

The weights u of a D-optimal design are the dual of the smallest enclosing ellipsoid: any weights
bound its volume from below, and the ellipsoid they shape, blown up until it holds every row,
bounds it from above. The two meet at the optimum; `Ellipsoid.gap` says how far apart they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._core.foreign import own_errors
from .._core.options import check_int, check_nonnegative
from .._core.results import RecordResult
from .._core.threads import single_threaded_blas
from .._core.types import Floats, Indices, Ints, Progress
from ..errors import DataError
from ..io.validation import check_rows
from . import _ellipsoid_kernels as kernels
from ._d_optimal_design import DesignSearch
from ._ellipsoid_checker import verify_ellipsoid
from ._flat import Flat, row_blocks
from .block_floats import row_norms
from .cloud import Cloud
from .scaled_view import ScaledView
from .scaling import Frame

__all__ = ["Ellipsoid", "EllipsoidStatus", "smallest_ellipsoid"]


class EllipsoidStatus(Enum):
    """How the search ended, in words."""

    OPTIMAL = "Encloses every row, and its gap is within the tolerance."
    ROUNDING = (
        "Encloses every row, but rounding stopped the gap above the tolerance: some columns are "
        "nearly dependent. Drop one of them, or accept the gap stated."
    )
    BUDGET = (
        "Encloses every row, but the iterations ran out before the gap reached the tolerance: "
        "the gap stated still holds. Raise max_iterations or working_rows, or the tolerance."
    )


@dataclass(frozen=True, eq=False)
class Ellipsoid(RecordResult):
    """A small ellipsoid that holds every row: {x : (x - centre)' shape (x - centre) <= 1}.

    Attributes
    ----------
    centre : (d,) float64
        In the data's own units.
    support : (k,) intp
        Rows that carry weight, ascending: at the optimum they lie on the boundary.
    weights : (k,) float64
        Their weights, positive, sum 1: the dual, which proves the gap.
    gap : float
        (1 + r^2) / (rank + 1) - 1 where r is the largest distance of any row from the weighted
        mean in the metric of the weighted covariance; 0 at the optimum.
    log_volume_gap : float
        The logarithm of the volume exceeds that of the smallest ellipsoid by at most this.
    rank : int
        Dimension of the rows' affine hull. Below d the ellipsoid lies in that flat.
    flat_tolerance : float
        A point counts as on the flat when it is off by at most this, each column measured in
        about its own half width over the training rows (a constant column in its own size).
    iterations : int
    status : EllipsoidStatus
    frame, offset, root
        The ellipsoid as it is evaluated: ``distance = |root (frame.map(q) - offset)|``, with `root`
        (rank, d). It keeps its digits where `shape` cannot (columns of very different size).
    directions : (d, rank) or None
        Orthonormal basis of the flat in frame coordinates; None where rank = d.

    Examples
    --------
    >>> import hullwise as hw
    >>> ellipsoid = hw.smallest_ellipsoid([[0, 0], [2, 0], [0, 1], [2, 1]])
    >>> ellipsoid.centre.round(3), ellipsoid.contains([[1, 0.5], [3, 0.5]])
    (array([1. , 0.5]), array([ True, False]))
    >>> ellipsoid.verify([[0, 0], [2, 0], [0, 1], [2, 1]])
    True
    """

    centre: Floats
    support: Indices
    weights: Floats
    gap: float
    log_volume_gap: float
    rank: int
    flat_tolerance: float
    iterations: int
    status: EllipsoidStatus
    frame: Frame
    offset: Floats
    root: Floats
    directions: Floats | None
    columns: tuple[str, ...] | None = None

    @property
    def shape(self) -> Floats:
        """H (d, d), symmetric positive semidefinite of rank `rank`, per squared unit of the data.

        Infinite or zero entries mean that the squares leave float64 (data of size 1e+-160).
        """
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            A = self.root * self.frame.factor * self.frame.prescale
            return np.asarray(A.T @ A)

    def distance(self, Q: ArrayLike) -> Floats:
        """How far out each query is: 1 on the boundary, 2 at twice that; inf off the flat.

        Parameters
        ----------
        Q : array-like (m, d)
            Queries, in the data's own units.

        Returns
        -------
        (m,) float64

        Raises
        ------
        DataError
            Where Q holds NaN or infinities, or has not d columns.

        Notes
        -----
        O(m d rank) time; blocks of 8 MiB.
        """
        d = len(self.offset)
        names = self.columns if hasattr(Q, "columns") else None
        checked = check_rows(Q, name="Q", columns=names, n_features=d, allow_empty=True)
        values = checked.values
        out = np.zeros(len(values))
        size = min(max((1 << 20) // d, 64), 8192)
        for start in range(0, len(values), size):
            Z, exponents = self.frame.map_queries(values[start : start + size])
            out[start : start + size] = _distance(Z, exponents, self)
        return out

    def contains(self, Q: ArrayLike) -> NDArray[np.bool_]:
        """Whether each query is in the ellipsoid, (m,) bool; every training row is."""
        return np.asarray(self.distance(Q) <= 1.0)

    def verify(self, X: Any) -> bool:
        """Check from the rows alone that all are enclosed and that the volume is as small as said.

        Parameters
        ----------
        X : array (n, d) or Cloud
            The rows the ellipsoid was made for.

        Notes
        -----
        Containment is checked row by row, near the boundary in extended precision. The gap is
        checked without any leverage: the smallest volume is at least that of
        {x : (x - c)' S^-1 (x - c) <= rank} for the mean c and covariance S of the rows under
        *any* weights, so two volumes are compared. O(n d rank); shares no code with the solver.
        """
        return verify_ellipsoid(self, _as_cloud(X))

    def __repr__(self) -> str:
        n, d = len(self.support), len(self.offset)
        flat = "" if self.rank == d else f" on a flat of dimension {self.rank}"
        return f"Ellipsoid({d} features{flat}, {n} support rows, gap {self.gap:.1e})"


def smallest_ellipsoid(
    cloud_or_X: Any,
    *,
    tolerance: float = 1e-6,
    max_iterations: int = 100,
    working_rows: int = 5000,
    progress: Progress | None = None,
) -> Ellipsoid:
    """The ellipsoid of least volume that holds every row, to a proven relative gap.

    Parameters
    ----------
    cloud_or_X : Cloud or array-like (n, d)
        The rows.
    tolerance : float
        Relative gap wanted. The volume is then at most a factor exp((d + 1) tolerance / 2) above
        the smallest, and every axis as good as exact.
    max_iterations : int
        Newton steps (or sweeps of 64 away steps) before the best ellipsoid so far is returned.
    working_rows : int
        Rows a Newton step may hold, at least 2 (d + 1): its memory is 8 working_rows^2 bytes
        (200 MB as it stands), its time working_rows^3 / 3 operations. Where more rows are needed,
        away steps take over and close the gap only slowly.
    progress : callable, optional
        Called as progress(done, total, message) after every iteration.

    Returns
    -------
    Ellipsoid

    Raises
    ------
    DataError
        For rows that are unusable, or a tolerance that is not between 0 and 1.

    Notes
    -----
    The rows in question are few: those far out under the covariance, then those that the
    ellipsoid of the moment leaves out. Weights on them come from a primal-dual interior-point
    method; each pass over all rows prices them (kappa, one matrix product), adds the violators
    and forgets, until the last check, the rows that no optimal design can use (Harman and
    Pronzato 2007).
    About five passes of O(n d^2) and fifteen Newton steps of O(s^3), s the support (between d + 1
    and d (d + 3) / 2). Working sets too large for that go on with Todd and Yildirim's away steps.
    One core is used; memory beyond the rows is the Newton matrix and two blocks of 8 MiB.
    Ctrl-C is heard between Newton steps (under a second at 5,000 working rows).

    References
    ----------
    Todd and Yildirim (2007), On Khachiyan's algorithm for the computation of minimum-volume
    enclosing ellipsoids. Sun and Freund (2004), Computation of minimum-volume covering
    ellipsoids. Harman and Pronzato (2007), Improvements on removing nonoptimal support points in
    D-optimum design algorithms.

    Examples
    --------
    >>> from hullwise.geometry.ellipsoid import smallest_ellipsoid
    >>> ellipsoid = smallest_ellipsoid([[0, 0], [2, 0], [0, 1], [2, 1], [1, 0.5]])
    >>> ellipsoid  # doctest: +ELLIPSIS
    Ellipsoid(2 features, 4 support rows, gap ...)
    >>> ellipsoid.distance([[1, 0.5], [2, 1], [4, 0.5]]).round(3)
    array([0.   , 1.   , 2.121])
    """
    with own_errors("finding the smallest ellipsoid"):
        check_int("max_iterations", max_iterations, 1)
        check_int("working_rows", working_rows, 1)
        if not 0 < check_nonnegative("tolerance", tolerance) < 1:
            raise DataError(f"tolerance={tolerance}: expected a number between 0 and 1.")
        cloud = _as_cloud(cloud_or_X)
        try:
            # at these sizes a second BLAS thread burns its core and gains next to nothing
            with single_threaded_blas():
                ellipsoid, n_iterations = _search(
                    cloud, tolerance, max_iterations, working_rows, progress
                )
        except np.linalg.LinAlgError as error:
            raise DataError(
                f"the smallest ellipsoid of these rows is beyond float64 ({error}): some columns "
                "are nearly dependent. Drop one of them."
            ) from error
        status = EllipsoidStatus.OPTIMAL
        if ellipsoid.gap > tolerance:
            ran_out = n_iterations >= max_iterations
            status = EllipsoidStatus.BUDGET if ran_out else EllipsoidStatus.ROUNDING
        return replace(ellipsoid, iterations=n_iterations, status=status, columns=cloud.columns)


def _as_cloud(X: Any) -> Cloud:
    """The one place where rows of any kind become a cloud."""
    return X if isinstance(X, Cloud) else Cloud(X, copy=False)


def _search(
    cloud: Cloud,
    tolerance: float,
    max_iterations: int,
    working_rows: int,
    progress: Progress | None,
) -> tuple[Ellipsoid, int]:
    """The ellipsoid of the best weights, and the iterations spent on them."""
    flat = cloud.flat
    view = cloud.view(flat.frame)
    if not flat.rank:
        return _enclose(view, flat, np.zeros(1, dtype=np.intp), np.ones(1)), 0
    search = DesignSearch(view, flat, tolerance, max_iterations, working_rows, progress)
    rows, u = search.run()
    return _enclose(view, flat, rows, u), search.n_iterations


def _enclose(view: ScaledView, flat: Flat, rows: Indices, u: Floats) -> Ellipsoid:
    """Blow the weights' ellipsoid up until it verifiably holds every row, and state the gap."""
    frame, order = flat.frame, np.argsort(rows)
    rows, u = rows[order], u[order] / u.sum()
    Z = view.take(rows)
    offset, rank = u @ Z, flat.rank
    Y = (Z - flat.mean) @ flat.basis
    root = kernels.unit_frame(Y, u)[1] @ flat.basis.T if rank else np.zeros((0, view.rank))
    question = partial(_farthest_in_part, offset=offset, root=root, directions=flat.directions)
    parts = view.ask(question)
    largest, off_flat = max(part[0] for part in parts), max(part[1] for part in parts)
    reach = np.max([part[2] for part in parts], axis=0)
    # twice |fl(root (z - offset)) - root (z - offset)|, whatever the order of summation
    # (Higham, Accuracy and Stability, section 3.1): holds for this pass and for any later one
    eps = np.finfo(np.float64).eps
    rounding = 2 * (view.rank + 8) * eps
    if rank:
        size = np.linalg.norm(np.abs(root) @ (reach + np.abs(offset)))
        largest = (np.sqrt(largest) + rounding * float(size)) ** 2
        root = root / np.sqrt(largest)
    return Ellipsoid(
        centre=frame.shift + offset / frame.factor / frame.prescale,
        support=rows,
        weights=u,
        gap=max((1 + largest) / (rank + 1) - 1, 0.0),
        log_volume_gap=max(0.5 * rank * float(np.log(largest / rank)), 0.0) if rank else 0.0,
        rank=rank,
        flat_tolerance=2 * float(np.sqrt(off_flat)) + 64 * eps * np.sqrt(view.rank),
        iterations=0,
        status=EllipsoidStatus.OPTIMAL,
        frame=frame,
        offset=offset,
        root=root,
        directions=flat.directions,
    )


def _farthest_in_part(
    view: ScaledView, begin: int, offset: Floats, root: Floats, directions: Floats | None
) -> tuple[float, float, Floats]:
    """Largest |root (z - offset)|^2, largest squared distance off the flat, largest entries."""
    largest, off_flat, reach = 0.0, 0.0, np.zeros(view.rank)
    for _, block in row_blocks(view):
        D = block - offset
        V = D @ root.T
        largest = max(largest, float(np.einsum("ij,ij->i", V, V).max()))
        reach = np.maximum(reach, np.abs(block).max(axis=0))
        if directions is not None:
            D -= (D @ directions) @ directions.T
            off_flat = max(off_flat, float(np.einsum("ij,ij->i", D, D).max()))
    return largest, off_flat, reach


def _distance(Z: Floats, exponents: Ints, ellipsoid: Ellipsoid) -> Floats:
    """Distances of rows Z 2**exponents (m,), given in frame coordinates."""
    eps = np.finfo(np.float64).eps
    D = Z - np.ldexp(ellipsoid.offset, -exponents[:, None])
    size = np.maximum(np.abs(D).max(axis=1, initial=0.0), np.ldexp(1.0, -exponents))
    D /= size[:, None]  # far queries must not overflow when squared
    with np.errstate(over="ignore"):
        out = np.ldexp(row_norms(D @ ellipsoid.root.T) * size, exponents)
        size = np.ldexp(size, exponents)
    if ellipsoid.directions is not None:
        residual = D - (D @ ellipsoid.directions) @ ellipsoid.directions.T
        allowed = ellipsoid.flat_tolerance / size + 64 * eps
        out[row_norms(residual) > allowed] = np.inf
    return np.asarray(out)
