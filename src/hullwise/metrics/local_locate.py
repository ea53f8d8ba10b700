"""Where queries stand, each in a metric of its own.

The directions that matter need not be the same everywhere. Here every query is measured in the
metric at its own place, and so is every training row that is left out to learn what is usual.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.options import check_int
from .._core.results import UNNAMED_ROWS, Column, RowNames, RowResult
from .._core.types import Floats, Indices, Progress
from ..errors import DataError
from ..geometry.bands import BANDS, Reference, negligible, rank
from ..geometry.cloud import Cloud
from ..geometry.hull import locate_in_hull, reference_distances
from ..geometry.location_columns import VERDICT_WORDS
from ..geometry.metric import Metric
from ..geometry.neighbours import nearest_rows
from ..geometry.queries import read_queries
from .metric_learner import MetricLearner

__all__ = ["LocalLocation", "local_locate"]


@dataclass(frozen=True, eq=False)
class LocalLocation(RowResult):
    """Where each of m queries stands against the training rows, each in its own metric.

    Attributes
    ----------
    verdict : (m,) int8
        -1 outside, 0 undecided, 1 inside, as in a `Location`.
    lower, upper : (m,) float64
        Certified bracket of the distance to the hull, in the query's own metric.
    residual : (m, d) float64
        Nearest point of the hull in that metric, less the query.
    nearest_rows : (m, n_neighbors) int
        The training rows nearest in that metric, nearest first.
    neighbour_distance : (m, n_neighbors) float64
        How far they are.
    band, hull_percentile : (m,)
        Ranked among training rows left out in turn, each in its own metric; "unknown" and NaN
        where no metric can be had for those.
    queries : (m, d), labels : (m,) or None, columns : (d,) str
        As in a `Location`.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> X = [[0.0], [1.0], [3.0]]
    >>> found = hw.metrics.local_locate(X, [[0.5], [9.0]], lambda x: np.eye(1), n_neighbors=2)
    >>> found
    LocalLocation(2 queries, each in its own metric: 1 core, 1 far)
    >>> found.neighbour_distance
    array([[0.5, 0.5],
           [6. , 8. ]])
    """

    verdict: NDArray[np.int8]
    lower: Floats
    upper: Floats
    residual: Floats
    nearest_rows: Indices
    neighbour_distance: Floats
    band: NDArray[np.object_]
    hull_percentile: Floats
    queries: NDArray[Any]
    columns: tuple[str, ...]
    row_names: RowNames = UNNAMED_ROWS

    def __len__(self) -> int:
        return len(self.verdict)

    def plot(self, ax: Any = None) -> Any:
        """Draw the share of rows up to each percentile; returns matplotlib axes."""
        from ..report.location_pictures import draw_local_location

        return draw_local_location(self, ax)

    def __repr__(self) -> str:
        named = ", ".join(
            f"{(self.band == b).sum()} {b}" for b in (*BANDS, "unknown") if (self.band == b).any()
        )
        return f"LocalLocation({len(self)} queries, each in its own metric: {named or 'no rows'})"

    def _repr_html_(self) -> str:
        from ..report.location_view import local_location_view

        return local_location_view(self)

    def _take(self, rows: Indices) -> LocalLocation:
        return LocalLocation(
            self.verdict[rows],
            self.lower[rows],
            self.upper[rows],
            self.residual[rows],
            self.nearest_rows[rows],
            self.neighbour_distance[rows],
            self.band[rows],
            self.hull_percentile[rows],
            self.queries[rows],
            self.columns,
            self.row_names.take(rows),
        )

    def _columns(self) -> Mapping[str, Column]:
        listed = range(self.nearest_rows.shape[1])
        return {
            "verdict": [VERDICT_WORDS[v] for v in self.verdict.tolist()],
            "band": self.band,
            "lower": self.lower,
            "upper": self.upper,
            **{f"nearest_{j + 1}": self.nearest_rows[:, j] for j in listed},
            **{f"distance_{j + 1}": self.neighbour_distance[:, j] for j in listed},
        }


def local_locate(
    X: Any,
    Q: Any,
    metric: Callable[[Floats], Any] | MetricLearner | Any,
    *,
    n_neighbors: int = 5,
    reference: int = 100,
    progress: Progress | None = None,
) -> LocalLocation:
    """Say for every row of Q where it stands against the rows of X, in the metric at that row.

    Parameters
    ----------
    X : array-like (n, d), data frame, path or Cloud
        The training rows.
    Q : array-like (m, d), data frame or path
    metric : callable, MetricLearner, or array (m, d, d)
        Takes one place (d,) and gives the metric there (d, d); or the metrics at the queries. For
        example ``lambda x: hw.metrics.local_agop(model, x, X)``. A learner
        (``MetricLearner.local(model, X, y)``) learns from the rows that are not left out, so that
        bands hold exactly.
    n_neighbors : int
        Nearest rows listed for each query.
    reference : int
        How many training rows (a seeded sample) are left out in turn, each measured in the metric
        at its own place; 0 for none, and none where `metric` is an array. At most half of the rows
        where it is a learner.
    progress : callable, optional
        Called as ``progress(done, total, what)``.

    Returns
    -------
    LocalLocation

    Raises
    ------
    DataError
        For rows that cannot be used, or a metric of another shape, not symmetric or not positive
        semidefinite, naming the query.

    Notes
    -----
    The hull is the same in every metric of full rank, so verdicts are those of `hullwise.locate`;
    distances, bands and nearest rows are not. Each query is a search of its own: O(n d^2) to turn
    the rows, and a few passes O(n d); so are the rows left out.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> X = np.random.default_rng(0).uniform(size=(200, 2))
    >>> def metric(x):                          # on the left the first feature matters
    ...     return np.diag([1.0, 1e-6] if x[0] < 0.5 else [1e-6, 1.0])
    >>> found = hw.metrics.local_locate(X, [[0.3, 2.0], [0.7, 2.0]], metric)
    >>> found.upper.round(2), found.band
    (array([0., 1.]), array(['core', 'far'], dtype=object))
    """
    cloud = X if isinstance(X, Cloud) else Cloud(X, copy=False)
    queries = read_queries(cloud, Q)
    values = queries.values
    check_int("n_neighbors", n_neighbors, 1)
    check_int("reference", reference, 0)
    rows = cloud.sample(reference) if cloud.n > 1 else np.arange(0)
    if isinstance(metric, MetricLearner):
        rows = cloud.sample(min(reference, cloud.n // 2))
        metric = _learn_without(metric, rows, cloud.n)
    matrices = None
    if not callable(metric):
        matrices, rows = _one_for_each_query(metric, len(values), cloud.d), np.arange(0)
    total = len(values) + len(rows)
    report = progress or (lambda n, total, what: None)
    projections, nearest, rounding = [], [], []
    for i, q in enumerate(values):
        report(i, total, "queries in their own metrics")
        place_metric = _metric_at(
            cloud, metric(q) if matrices is None else matrices[i], f"query {i}"
        )
        projections.append(locate_in_hull(cloud, q[None], place_metric))
        rounding.append(negligible(cloud, place_metric))
        nearest.append(nearest_rows(cloud, q[None].astype(np.float64), place_metric, n_neighbors))
    distances = np.zeros(len(rows))
    for i, row in enumerate(cloud.take(rows)):
        report(len(values) + i, total, "training rows in theirs")
        place_metric = _metric_at(cloud, metric(row), f"training row {rows[i]}")
        distance = reference_distances(cloud, place_metric, rows[i : i + 1])[0]
        distances[i] = distance if distance > negligible(cloud, place_metric) else 0.0
    report(total, total, "done")
    lower = np.array([one.lower[0] for one in projections]).reshape(-1)
    upper = np.array([one.upper[0] for one in projections]).reshape(-1)
    settled = np.array([one.ranked_distance[0] for one in projections]).reshape(-1)
    settled_or_zero = np.where(settled > np.array(rounding).reshape(-1), settled, 0.0)
    band, share = _bands_and_percentiles(
        cloud, values, np.minimum(lower, settled_or_zero), settled_or_zero, rows, distances
    )
    width = min(n_neighbors, cloud.n)
    return LocalLocation(
        verdict=np.array([part.verdict[0] for part in projections], dtype=np.int8),
        lower=lower,
        upper=upper,
        residual=np.array([part.residual[0] for part in projections]).reshape(-1, cloud.d),
        nearest_rows=np.array([part.rows[0] for part in nearest], np.intp).reshape(-1, width),
        neighbour_distance=np.array([part.distances[0] for part in nearest]).reshape(-1, width),
        band=band,
        hull_percentile=share,
        queries=values,
        columns=cloud.names,
        row_names=queries.row_names,
    )


def _learn_without(learner: MetricLearner, rows: Indices, n: int) -> Callable[[Floats], Any]:
    """The metric by place, learnt from the other rows."""
    if learner.n != n:
        raise DataError(f"the metric is learnt from {learner.n} rows, X has {n}")
    metric = learner.without(rows)
    return metric if callable(metric) else lambda x: metric


def _one_for_each_query(metric: Any, m: int, d: int) -> Floats:
    matrices = np.asarray(metric, dtype=np.float64)
    if matrices.shape != (m, d, d):
        raise DataError(
            f"metric has shape {matrices.shape}: expected a function of one place, or one matrix "
            f"for each query, ({m}, {d}, {d})."
        )
    return matrices


def _bands_and_percentiles(
    cloud: Cloud, Q: Floats, lower: Floats, settled: Floats, rows: Indices, distances: Floats
) -> tuple[NDArray[np.object_], Floats]:
    """Bands and percentiles among the rows left out."""
    alone = cloud.flat.spanned_by_one(cloud.take(rows), cloud.n)
    reference = Reference(rows, distances, alone, distances, cloud.metric(None), 1)
    return rank(lower, settled, np.isinf(cloud.flat.mahalanobis(Q)), reference)


def _metric_at(cloud: Cloud, M: Any, where: str) -> Metric:
    """The metric at a place; no weight at all counts as the same small weight on everything."""
    matrix = np.asarray(M, dtype=np.float64)
    if matrix.shape != (cloud.d, cloud.d):
        raise DataError(
            f"the metric at {where} has shape {matrix.shape}: expected ({cloud.d}, {cloud.d})."
        )
    if not matrix.any():
        matrix = np.finfo(float).eps * np.eye(cloud.d)
    try:
        return cloud.metric(matrix)
    except DataError as error:
        raise DataError(f"at {where}: {error}") from None
