"""The simplex of rows behind each prediction: how large, how flat, how near."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.foreign import own_errors
from .._core.results import UNNAMED_ROWS, RowNames, RowResult
from .._core.rounding import UNIT_ROUNDOFF
from .._core.threads import StopFlag, cpu_count, run_in_threads, single_threaded_blas
from .._core.types import Array, Floats, Indices
from ..geometry.block_floats import row_norms
from ._row_weights import DIFFERENCES_AT_ONCE, WeightedRows, weighted_rows

__all__ = ["SimplexShape", "simplex_shape"]


@dataclass(frozen=True, eq=False, repr=False)
class SimplexShape(RowResult):
    """The simplices behind m predictions, in the metric.

    A prediction has a simplex where at most d + 1 rows have a weight; otherwise the first three
    are NaN.

    Attributes
    ----------
    longest_edge : (m,)
        0 for a single row.
    smallest_singular_value : (m,)
        Of the edges from the vertex nearest to the weighted mean of the rows, in the simplex's own
        flat; 0 where the rows are affinely dependent, up to rounding, NaN for a single row.
    circumradius : (m,)
        Radius of the sphere through the vertices in their flat; 0 for a single row, NaN where the
        rows are affinely dependent.
    nearest : (m,)
        Distance from the query to the nearest of its rows.
    rows : (m,) intp
        Number of rows with a weight.
    labels : (m,) object or None
        Labels of the queries, where they had some.

    ``shape[i]``, slices and masks pick queries; `to_dict` and `to_frame` give a table.

    Examples
    --------
    >>> import hullwise as hw
    >>> X, W = [[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]], [[0.2, 0.4, 0.4]]
    >>> shape = hw.simplex_shape(W, X, [[1.2, 1.6]], metric=None)
    >>> shape.longest_edge.round(9), shape.circumradius.round(9)
    (array([5.]), array([2.5]))
    """

    longest_edge: Floats
    smallest_singular_value: Floats
    circumradius: Floats
    nearest: Floats
    rows: Indices
    row_names: RowNames = UNNAMED_ROWS

    def plot(self, ax: Any = None) -> Any:
        """Draw the longest edge of each simplex against its width; returns matplotlib axes."""
        from ..report.error_pictures import draw_simplex_shape

        return draw_simplex_shape(self, ax)

    def __repr__(self) -> str:
        edges = self.longest_edge[~np.isnan(self.longest_edge)]
        most = f"longest edge up to {edges.max():.4g}" if len(edges) else "no simplex"
        few, many = self.rows.min(), self.rows.max()
        rows = f"{few} row{'s' * bool(few != 1)}" if few == many else f"{few} to {many} rows"
        m = len(self.rows)
        return f"SimplexShape({m} {'query' if m == 1 else 'queries'} from {rows} each; {most})"

    def _take(self, rows: Indices) -> SimplexShape:
        return SimplexShape(
            self.longest_edge[rows],
            self.smallest_singular_value[rows],
            self.circumradius[rows],
            self.nearest[rows],
            self.rows[rows],
            self.row_names.take(rows),
        )

    def _columns(self) -> Mapping[str, Array]:
        return {
            "longest_edge": self.longest_edge,
            "smallest_singular_value": self.smallest_singular_value,
            "circumradius": self.circumradius,
            "nearest": self.nearest,
            "rows": self.rows,
        }


@own_errors("measuring simplices")
def simplex_shape(W: Any, X: Any, Q: Any, *, metric: Any = "std") -> SimplexShape:
    """Size and shape of the simplex behind each prediction.

    Parameters
    ----------
    W : sparse matrix or array (m, n)
        Weights, one row for each query, with sum 1.
    X : array (n, d), data frame, or Cloud
        The rows that the weights belong to.
    Q : array or data frame (m, d)
    metric : "std", "range", None, (d,) or (d, d)
        The metric of all lengths.

    Returns
    -------
    SimplexShape

    Raises
    ------
    DataError, DataTypeError
        As `hullwise.error_bound`.

    Notes
    -----
    These are what the bound of Lux et al. (2021), Theorem 1 and their Figure of the data spacing
    are made of. O(nnz d) time and O(m d^3) for simplices, in blocks, on a few threads.

    Examples
    --------
    >>> import hullwise as hw
    >>> X = [[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]]
    >>> shape = hw.simplex_shape([[0.5, 0.25, 0.25]], X, [[0.75, 1.0]], metric=None)
    >>> shape
    SimplexShape(1 query from 3 rows each; longest edge up to 5)
    >>> shape.circumradius.round(12), shape.smallest_singular_value.round(12), shape.nearest
    (array([2.5]), array([3.]), array([1.25]))
    """
    weighted = weighted_rows(W, X, Q, metric)
    m, unit = len(weighted.Q), weighted.frame.distance
    measures = np.full((3, m), np.nan)

    def measure(batch: SimplexBatch) -> None:
        measures[:, batch.queries] = unit(_measures(batch))

    with np.errstate(all="ignore"):
        _measure_simplices(weighted, measure)
        longest, least, radius = measures
        near = unit(_nearest_distance(weighted))
    return SimplexShape(longest, least, radius, near, weighted.counts(), weighted.row_names)


SINGLE_THREAD_NUMBERS = 1 << 16  # numbers that are not worth a second thread


@dataclass(frozen=True, eq=False)
class SimplexBatch:
    """Simplices of one size, each on its own scale of 2**exponent.

    `edges` (b, k, r) start at the vertex nearest to the weighted mean p, which is `mean_distance`
    (b,) away from it; `singular` (b, k) are their singular values, descending, and `triangle`
    (b, k, k) is the R of their QR factorisation.
    """

    queries: Indices
    exponent: NDArray[np.intp]
    edges: Floats
    mean_distance: Floats
    singular: Floats
    triangle: Floats

    def least(self) -> Floats:
        """The smallest singular value less what rounding may have added to it, at least 0."""
        k, r = self.edges.shape[1:]
        if not k:
            return np.full(len(self.queries), np.nan)
        rounding = 4 * (k + r) * UNIT_ROUNDOFF * self.singular[:, 0]
        return np.asarray(np.maximum(self.singular[:, -1] - rounding, 0.0))


def theorem_terms(weighted: WeightedRows) -> tuple[Floats, NDArray[np.intp]]:
    """|p - x_0|^2 + sqrt(k) h^2 |p - x_0| / s of Theorem 1, (m,) as mantissa and exponent."""
    m = len(weighted.Q)
    value, exponent = np.full(m, np.nan), np.zeros(m, dtype=np.intp)

    def measure(batch: SimplexBatch) -> None:
        k = batch.edges.shape[1]
        longest_square = np.square(batch.edges).sum(axis=2).max(axis=1, initial=0.0)
        slope = np.sqrt(k) * longest_square / batch.least() if k else np.zeros(len(longest_square))
        term = (np.square(batch.mean_distance) + slope * batch.mean_distance) * (
            1 + 64 * (k + 8) * UNIT_ROUNDOFF
        )
        value[batch.queries] = np.where(np.isfinite(term), term, np.nan)
        exponent[batch.queries] = 2 * batch.exponent

    _measure_simplices(weighted, measure)
    return value, exponent


def _measure_simplices(weighted: WeightedRows, measure: Any) -> None:
    """Hand all queries with at most r + 1 rows to `measure`, in batches of one size."""

    def measure_batch(batch: tuple[Indices, int], stop: StopFlag) -> None:
        if not stop.is_set():
            with np.errstate(all="ignore"):
                measure(_simplex_batch(weighted, *batch))

    threads = cpu_count() if weighted.W.nnz * weighted.cloud.d > SINGLE_THREAD_NUMBERS else 1
    with single_threaded_blas():
        run_in_threads(measure_batch, list(_equal_sized(weighted)), threads)


def _equal_sized(weighted: WeightedRows) -> Iterator[tuple[Indices, int]]:
    counts, r = weighted.counts(), weighted.frame.rank
    for size in np.unique(counts[counts <= r + 1]).tolist():
        queries = np.flatnonzero(counts == size)
        # an eighth keeps a batch short, so that Ctrl-C is heard
        each = max(1, DIFFERENCES_AT_ONCE // 8 // (size * max(weighted.cloud.d, r)))
        for start in range(0, len(queries), each):
            yield queries[start : start + each], size


def _simplex_batch(weighted: WeightedRows, queries: Indices, size: int) -> SimplexBatch:
    entries = weighted.W.indptr[queries][:, None] + np.arange(size)
    b, weight = len(queries), weighted.W.data[entries]
    X = weighted.rows(entries.ravel()).reshape(b, size, -1)

    def edges_from(vertex: Indices) -> Floats:
        origin = np.take_along_axis(X, vertex[:, None, None], axis=1)
        flat = np.broadcast_to(origin, X.shape).reshape(b * size, -1)
        return weighted.image(X.reshape(b * size, -1), flat)[0].reshape(b, size, -1)

    # the mean is taken from a vertex, not from the query, which may be far away
    edges = edges_from(np.zeros(b, dtype=np.intp))
    gaps = edges - (weight[:, :, None] * edges).sum(axis=1, keepdims=True)
    nearest = row_norms(gaps.reshape(b * size, -1)).reshape(b, size).argmin(axis=1)
    edges = edges_from(nearest)
    exponent = np.frexp(np.abs(edges).max(axis=(1, 2), initial=0.0))[1]
    edges = np.ldexp(edges, -exponent[:, None, None])
    mean_distance = row_norms((weight[:, :, None] * edges).sum(axis=1))
    others = np.arange(size - 1) + (np.arange(size - 1) >= nearest[:, None])
    edges = np.take_along_axis(edges, others[:, :, None], axis=1)
    edges[~np.isfinite(edges).all(axis=(1, 2))] = 0.0
    triangle, singular = np.zeros((b, size - 1, size - 1)), np.zeros((b, size - 1))
    if size > 1:
        triangle = np.asarray(np.linalg.qr(edges.transpose(0, 2, 1), mode="r"))
        singular = np.asarray(np.linalg.svd(triangle, compute_uv=False))
    return SimplexBatch(queries, exponent.astype(np.intp), edges, mean_distance, singular, triangle)


def _measures(batch: SimplexBatch) -> Floats:
    """Longest edge, smallest singular value and circumradius, (3, b), in the frame."""
    b, k = batch.edges.shape[:2]
    longest, radius = np.zeros(b), np.zeros(b)
    for j in range(k):  # edges between the others are differences of those from the base
        end = batch.edges[:, j : j + 1]
        sides = np.concatenate([end, batch.edges[:, j + 1 :] - end], axis=1)
        longest = np.maximum(longest, np.sqrt(np.square(sides).sum(axis=2)).max(axis=1))
    least = batch.least()
    if k:
        # <e_j, c> = |e_j|^2 / 2 for every edge, with the edges' QR: R' (Q'c) = |e|^2 / 2
        half = np.square(batch.edges).sum(axis=2)[:, :, None] / 2
        independent = least > 0
        R = np.where(independent[:, None, None], batch.triangle, np.eye(k))
        centre = np.linalg.solve(R.transpose(0, 2, 1), half)[:, :, 0]
        radius = np.where(independent, np.sqrt(np.square(centre).sum(axis=1)), np.nan)
        least = np.where(independent, batch.singular[:, -1], 0.0)
    return np.ldexp(np.stack([longest, least, radius]), batch.exponent)


def _nearest_distance(weighted: WeightedRows) -> Floats:
    """Distance from each query to the nearest row with a weight, in the frame."""
    distance = np.zeros(weighted.W.nnz)
    for first, last in weighted.spans():
        Q = weighted.Q[weighted.query_of(first, last)]
        distance[first:last] = row_norms(weighted.image(weighted.rows(slice(first, last)), Q)[0])
    return np.asarray(np.minimum.reduceat(distance, weighted.W.indptr[:-1]))
