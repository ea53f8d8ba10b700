"""locate: the whole answer for a table of queries, in one call."""

from __future__ import annotations

from dataclasses import fields
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._core.options import check_int, check_nonnegative
from .._core.types import Progress
from ..errors import DataError
from ..io.validation import check_rows
from .bands import Reference, negligible, percentile, rank
from .cloud import MAX_MAGNITUDE, Cloud
from .ellipsoid import smallest_ellipsoid
from .hull import HullResult, locate_in_hull, reference_distances
from .location import Location
from .metric import Metric
from .neighbours import nearest_rows, reference_gaps
from .principal_plane import principal_plane

__all__ = ["locate"]

ELLIPSOID_WORK = 2e8  # n d^2 above which the ellipsoid takes more than a few seconds


def locate(
    X: Any,
    Q: Any,
    *,
    metric: ArrayLike | str | None = "std",
    membership_only: bool = False,
    n_neighbors: int = 5,
    reference: int | Reference = 500,
    tolerance: float = 1e-12,
    max_seconds: float | None = None,
    progress: Progress | None = None,
) -> Location:
    """Say for every row of Q where it stands against the rows of X, with a proof.

    Parameters
    ----------
    X : array (n, d), data frame, path or Cloud
        The training rows.
    Q : array (m, d), data frame or path
        The queries; a data frame must have the columns of X, in the same order.
    metric : "std", "range", "euclidean", None, (d,) or (d, d)
        In which units distance counts. "std" and "range" divide each feature by its standard
        deviation or range over X; "euclidean" or None takes the data's own units. A vector is the
        diagonal of M, a matrix M itself, in ``|v|^2 = v' M v`` (positive semidefinite).
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
    cloud = X if isinstance(X, Cloud) else Cloud(X, copy=False)
    values, labels = read_queries(cloud, Q)
    check_nonnegative("tolerance", tolerance)
    check_int("n_neighbors", n_neighbors, 1)
    if max_seconds is not None:
        check_nonnegative("max_seconds", max_seconds)
    chosen = cloud.metric(metric)
    if not membership_only:
        cloud.warn_if_flat()
    hull = locate_in_hull(
        cloud,
        values,
        chosen,
        membership_only=membership_only,
        tolerance=tolerance,
        max_seconds=max_seconds,
        progress=progress,
    )
    if membership_only:
        compared = _not_compared(len(values))
    else:
        if not isinstance(reference, Reference):
            reference = leave_out(cloud, chosen, n_neighbors, reference, progress)
        elif not reference.metric.equals(chosen) or reference.n_neighbors != n_neighbors:
            raise DataError(
                f"the reference was measured with n_neighbors={reference.n_neighbors} and the "
                f"metric '{reference.metric.text}'; this call has n_neighbors={n_neighbors} and "
                f"'{chosen.text}'. Pass a number of rows to measure a new one."
            )
        compared = _compared(cloud, values, hull, chosen, n_neighbors, reference, progress)
    return Location(
        **{field.name: getattr(hull, field.name) for field in fields(hull)},
        **compared,
        queries=values,
        labels=labels,
        columns=cloud.names,
        training_labels=cloud.labels,
        box_minimum=cloud.minimum,
        box_maximum=cloud.maximum,
        metric=chosen,
        tolerance=tolerance,
        membership_only=membership_only,
        n_train=cloud.n,
    )


def _compared(
    cloud: Cloud,
    values: NDArray[Any],
    hull: HullResult,
    metric: Metric,
    n_neighbors: int,
    reference: Reference,
    progress: Progress | None,
) -> dict[str, Any]:
    """The band and the other definitions, by the names of a Location's attributes."""
    near = nearest_rows(cloud, values, metric, n_neighbors)
    mahalanobis = cloud.flat.mahalanobis(values)
    off = np.isinf(mahalanobis)
    upper = hull.ranked_distance
    band, share = rank(np.minimum(hull.lower, upper), upper, off, reference)
    ellipsoid = np.full(len(values), np.nan)
    if cloud.n * float(cloud.d) ** 2 <= ELLIPSOID_WORK:
        found = cloud.cached("ellipsoid", lambda: smallest_ellipsoid(cloud, progress=progress))
        ellipsoid = found.distance(values)
    return {
        "band": band,
        "hull_percentile": share,
        "reference": reference.hull,
        "ellipsoid_distance": ellipsoid,
        "mahalanobis": mahalanobis,
        "neighbour_distance": near.distances[:, -1],
        "neighbour_percentile": percentile(near.distances[:, -1], reference.gaps),
        "nearest_rows": near.rows,
        "plane": cloud.cached("plane", lambda: principal_plane(cloud)),
    }


def _not_compared(m: int) -> dict[str, Any]:
    """What a membership run leaves open."""
    numbers = ("hull_percentile", "ellipsoid_distance", "mahalanobis")
    gaps = ("neighbour_distance", "neighbour_percentile")
    return {
        **{name: np.full(m, np.nan) for name in (*numbers, *gaps)},
        "band": np.full(m, "unknown", dtype=object),
        "reference": np.zeros(0),
        "nearest_rows": np.zeros((m, 0), np.intp),
    }


def leave_out(
    cloud: Cloud,
    metric: Metric,
    n_neighbors: int = 5,
    sample: int = 500,
    progress: Progress | None = None,
) -> Reference:
    """Leave a seeded sample of training rows out, one at a time, and measure how far out they are.

    O(sample n d) for each pass over the data, as for so many queries.
    """
    rows = cloud.sample(check_int("reference", sample, 0))
    if cloud.n < 2 or not len(rows):
        none = np.zeros(0)
        return Reference(rows[:0], none, none.astype(bool), none, metric, n_neighbors)
    return Reference(
        rows,
        reference_distances(cloud, metric, rows, progress),
        cloud.flat.spanned_by_one(cloud.take(rows), cloud.n),
        reference_gaps(cloud, metric, n_neighbors, rows),
        metric,
        n_neighbors,
        negligible(cloud, metric),
    )


def read_queries(cloud: Cloud, Q: Any) -> tuple[NDArray[Any], Any]:
    """Queries as an array (m, d) of their own float type, and their labels."""
    if isinstance(Q, str | PathLike):
        from ..io.table_reader import read_table

        table = read_table(Q, columns=cloud.columns)
        return table.values, table.ids
    checked = check_rows(
        Q,
        name="Q",
        columns=cloud.columns if hasattr(Q, "columns") else None,
        n_features=cloud.d,
        allow_empty=True,
    )
    values = checked.values
    if values.dtype != np.float32:
        values = values.astype(np.float64, copy=False)
    if values.size and max(-float(values.min()), float(values.max())) > MAX_MAGNITUDE:
        raise DataError(
            f"Q holds values beyond {MAX_MAGNITUDE:.3g}: differences of such numbers overflow. "
            "Divide that feature by a power of two, in X too."
        )
    return values, checked.labels
