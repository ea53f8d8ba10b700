"""locate: the whole answer for a table of queries, in one call."""

from __future__ import annotations

from typing import Any

from .._core.foreign import own_errors
from .._core.options import check_int, check_nonnegative
from .._core.types import Floats, Progress
from ..io.numeric_table import BadRows
from .bands import Reference
from .cloud import Cloud
from .comparison import Comparison, compare
from .hull import locate_in_hull
from .left_out import MetricLike, metric_for, reference_for, rows_left_out
from .linear_relations import LinearRelation, relations_of
from .location import Location
from .optional_parts import OptionalParts
from .queries import Queries, read_queries
from .training_summary import TrainingSummary, plane_of

__all__ = ["locate", "locate_by_hull"]


def locate(
    X: Any,
    Q: Any,
    *,
    metric: MetricLike = "std",
    membership_only: bool = False,
    n_neighbors: int = 5,
    reference: int | Reference = 500,
    tolerance: float = 1e-12,
    max_seconds: float | None = None,
    bad_rows: BadRows = "refuse",
    progress: Progress | None = None,
) -> Location:
    """Say for every row of Q where it stands against the rows of X, with a proof.

    Parameters
    ----------
    X : array (n, d), data frame, path or Cloud
        The training rows.
    Q : array (m, d), data frame or path
        The queries; a data frame must have the columns of X, in any order.
    metric : "std", "range", "euclidean", None, (d,), (d, d) or MetricLearner
        In which units distance counts. "std" and "range" divide each feature by its standard
        deviation or range over X, without the rows left out where there are at least twice as many
        rows; "euclidean" or None takes the data's own units. A vector is the diagonal of M, a
        matrix M itself, in ``|v|^2 = v' M v`` (positive semidefinite). A
        `hullwise.metrics.MetricLearner` is asked for the metric without the rows left out.
    membership_only : bool
        Leave each query as soon as a proof of inside or outside is found: no distances, bands
        or other definitions.
    n_neighbors : int
        Nearest training rows listed for each query.
    reference : int or Reference
        How many training rows (a seeded sample) are left out in turn to learn which distances
        are usual; 0 for none. A `Reference` from an earlier call is used as it is.
    tolerance : float
        Relative to each feature's range, how near to the query the exhibited combination must
        come for the verdict INSIDE.
    max_seconds : float, optional
        Seconds after which the hull search stops; open rows keep their best bracket and the
        status `Status.BUDGET`.
    bad_rows : {"refuse", "keep"}
        Queries with missing or infinite values: an error, or UNDECIDED with the status
        `Status.NOT_LOCATED`, the reason in `Location.unusable`, and the others located.
    progress : callable, optional
        Called as ``progress(done, total, what)``.

    Returns
    -------
    Location
        Verdicts, brackets, weights, directions, bands and the other definitions, row by row.

    Raises
    ------
    DataError, DataTypeError
        For rows that cannot be used (NaN, text, another number of features ...), saying where.

    Notes
    -----
    The cost is O(m n d) for each pass over the data, with 1 to 10 passes, shared by all queries
    of a block; at most O(m d^3) between passes. The distance is found by Wolfe's nearest-point
    method [1]_ on a few rows for each query, priced against all rows. The smallest ellipsoid is
    left out (NaN) where n d^2 exceeds 2e8; `EllipsoidLocator` computes it at any size.

    References
    ----------
    .. [1] P. Wolfe, "Finding the nearest point in a polytope", Mathematical Programming 11,
       1976. Membership as interpolation: R. Balestriero, J. Pesenti, Y. LeCun, "Learning in high
       dimension always amounts to extrapolation", 2021, Definition 1.

    Examples
    --------
    >>> import hullwise as hw
    >>> X = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    >>> loc = hw.locate(X, [[0.5, 0.5], [2.0, 0.5]], metric=None)
    >>> loc.verdict
    array([ 1, -1], dtype=int8)
    >>> loc.upper.round(6), loc.residual[1].round(6) + 0.0
    (array([0., 1.]), array([-1.,  0.]))
    >>> bool(loc.verify(X).all())
    True
    """
    with own_errors("locating"):
        cloud = X if isinstance(X, Cloud) else Cloud(X, copy=False)
        queries = read_queries(cloud, Q, bad_rows=bad_rows)
        check_nonnegative("tolerance", tolerance)
        check_int("n_neighbors", n_neighbors, 1)
        if max_seconds is not None:
            check_nonnegative("max_seconds", max_seconds)
        optional = OptionalParts(progress)
        if membership_only:
            left_out = Reference.empty(
                metric_for(cloud, metric, rows_left_out(cloud, 0)), n_neighbors
            )
        else:
            cloud.warn_if_flat()
            left_out = reference_for(cloud, metric, n_neighbors, reference, optional)
        return _locate_queries(
            cloud,
            queries,
            left_out,
            optional,
            membership_only=membership_only,
            tolerance=tolerance,
            max_seconds=max_seconds,
            progress=progress,
        )


def locate_by_hull(
    cloud: Cloud,
    Q: Floats,
    reference: Reference,
    *,
    max_seconds: float | None = None,
    progress: Progress | None = None,
) -> Location:
    """`locate` in the metric of a reference, by the hull, its bands and the neighbours.

    Without the smallest ellipsoid, whose distances are NaN, and the map: both take seconds for a
    cloud that has not been asked yet. Nor is it warned of a flat, whose columns are no features of
    the user's: each row that leaves it says so in words.
    """
    with own_errors("locating"):
        if max_seconds is not None:
            check_nonnegative("max_seconds", max_seconds)
        return _locate_queries(
            cloud,
            read_queries(cloud, Q),
            reference,
            OptionalParts(progress),
            max_seconds=max_seconds,
            progress=progress,
            by_hull=True,
        )


def _locate_queries(
    cloud: Cloud,
    queries: Queries,
    left_out: Reference,
    optional: OptionalParts,
    *,
    membership_only: bool = False,
    tolerance: float = 1e-12,
    max_seconds: float | None = None,
    progress: Progress | None = None,
    by_hull: bool = False,
) -> Location:
    usable = queries.usable
    values = queries.values[usable] if queries.unusable else queries.values
    hull = locate_in_hull(
        cloud,
        values,
        left_out.metric,
        membership_only=membership_only,
        tolerance=tolerance,
        max_seconds=max_seconds,
        progress=progress,
    )
    comparison, plane = Comparison.empty(len(values)), None
    relations: tuple[LinearRelation, ...] = ()
    if not membership_only:
        if not by_hull:
            plane = optional.compute("the map of the rows was", lambda: plane_of(cloud), None)
        if cloud.known_rank is not None and cloud.known_rank < cloud.d:
            relations = optional.compute(
                "the linear relations of the rows were", lambda: relations_of(cloud), ()
            )
        comparison = compare(cloud, values, hull, left_out, optional, ellipsoid=not by_hull)
    return Location(
        queries=queries.values,
        hull=hull.scatter(usable) if queries.unusable else hull,
        comparison=comparison.scatter(usable) if queries.unusable else comparison,
        training=TrainingSummary.of(cloud, left_out, plane, relations),
        metric=left_out.metric,
        tolerance=tolerance,
        membership_only=membership_only,
        unusable=queries.unusable,
        row_names=queries.row_names,
    )
