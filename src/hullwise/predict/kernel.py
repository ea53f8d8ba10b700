"""Kernel regression (Nadaraya 1964, Watson 1964): rows weighted by a kernel of the distance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from scipy.sparse import csr_array

from .._core.foreign import own_errors
from .._core.memory import check_memory
from .._core.options import check_int, check_nonnegative
from .._core.results import UNNAMED_ROWS, Column, RowNames, RowResult
from .._core.threads import StopFlag
from .._core.types import Floats, Indices, Mask, Progress
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ..geometry.neighbours import nearest_rows
from ._bandwidths import (
    SMOOTHING_KERNELS,
    Bandwidth,
    SmoothingKernel,
    attention_queries,
    frame_length,
    left_out_bandwidth,
    rule_bandwidth,
    weight_cutoff,
)
from ._batching import ScaledProblem, weigh_in_batches
from ._distance_kernels import WeightEntries
from ._smoothing_kernels import kernel_weights
from .duplicates import TrainingPlaces
from .interpolant import BATCH_WEIGHTS, Interpolant, MetricOption, dense_batch_rows

__all__ = ["KernelRegressor", "KernelSupport"]

BANDWIDTH_RULES = ("leave-one-out", "scott", "silverman")
SAMPLED_QUERIES = 16  # queries that say how many weights all will have
GAUSSIAN_REACH = float(np.sqrt(2 * 53 * np.log(2)))  # bandwidths at which K is 2^-53


@dataclass(frozen=True, eq=False, repr=False)
class KernelSupport(RowResult):
    """How much stands behind each of m predictions of a `KernelRegressor`.

    Attributes
    ----------
    n_rows : (m,) intp
        Training rows with a weight.
    effective_rows : (m,)
        ``1 / sum w^2`` over them (Kish): as many rows of equal weight would have this variance.
    bandwidth : (m,)
        At the query, in the metric.
    distance : (m,)
        To the nearest row, in the metric.
    in_reach : (m,) bool
        Whether the nearest row is within the kernel: nearer than its end, or than the 8.6
        bandwidths at which a Gaussian is 2^-53. Elsewhere the nearest rows answer, however far
        they are.
    labels : (m,) object or None
        Labels of the queries, where they had some.

    Examples
    --------
    >>> import hullwise as hw
    >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0]
    >>> reg = hw.KernelRegressor(kernel="epanechnikov", bandwidth=1.5, metric=None).fit(X, y)
    >>> support = reg.support([[1.0], [9.0]])
    >>> support
    KernelSupport(2 queries: 1 out of reach; median 1.88 effective rows)
    >>> support.n_rows, support.in_reach
    (array([3, 1]), array([ True, False]))
    """

    n_rows: Indices
    effective_rows: Floats
    bandwidth: Floats
    distance: Floats
    in_reach: Mask
    row_names: RowNames = UNNAMED_ROWS

    def __repr__(self) -> str:
        m, out = len(self.n_rows), int((~self.in_reach).sum())
        if not m:
            return "KernelSupport(0 queries)"
        return (
            f"KernelSupport({m} {'query' if m == 1 else 'queries'}: {out} out of reach; median "
            f"{np.median(self.effective_rows):.3g} effective rows)"
        )

    def _take(self, rows: Indices) -> KernelSupport:
        return KernelSupport(
            self.n_rows[rows],
            self.effective_rows[rows],
            self.bandwidth[rows],
            self.distance[rows],
            self.in_reach[rows],
            self.row_names.take(rows),
        )

    def _columns(self) -> Mapping[str, Column]:
        names = ("n_rows", "effective_rows", "bandwidth", "distance", "in_reach")
        return {name: getattr(self, name) for name in names}


class KernelRegressor(Interpolant):
    """Kernel regression: the average of all rows, each weighted by a kernel of its distance.

    Parameters
    ----------
    metric : "std", "range", None, (d,), (d, d) or function of (X, y)
        Of the distances.
    duplicates : {"mean", "count", "raise"}
        Rows that are equal but for the target are one place, as for every interpolant here; with
        "count" each copy counts, as in the papers.
    kernel : {"gaussian", "epanechnikov", "triangular", "tricube", "softmax"}
        K(u) of u = distance / bandwidth: exp(-u^2 / 2); 1 - u^2, 1 - u or (1 - u^3)^3 for u < 1 and
        else 0; "softmax" is exp(<q, x> / bandwidth^2), attention with the rows as keys.
    bandwidth : "leave-one-out", "scott", "silverman" or float
        In the metric; that with the least squared error of rows predicted from the others, or a
        rule of thumb for densities, or a number greater than 0.
    n_neighbors : int or None
        The bandwidth at a query is `bandwidth` times the distance to its n-th nearest row; None
        for one bandwidth everywhere.

    Attributes
    ----------
    bandwidth_ : float
        In the metric, or the multiple of the neighbour's distance.
    bandwidths_, cv_errors_ : (c,) or None
        Bandwidths tried, and the mean squared errors of left-out rows, of targets of variance 1.
    cloud_ : Cloud
        The distinct training rows.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    Weights are K_i / sum K_j: at least 0 with sum 1, so `explain`, `bound` and quantiles hold as
    for every interpolant; but a training row does not get its own target back. Weights are made
    relative to the nearest row's, so none is ever NaN: where no row is within a compact kernel,
    and in the limit of a Gaussian far away, the nearest rows share the weight; `support` says
    where. With `n_neighbors` far queries take rows more and more alike instead. Weights of less
    than 2^-53 / n of the largest are left out.

    Leaving a row out is exact: its weight is taken out and the rest divided by their sum. Its
    copies and, with `groups`, its whole group go too. One bandwidth serves all targets. With more
    than 2,000 rows 2,000 evenly spaced ones are left out in turn. O(min(n, 2000) n (d + c)) to
    fit for c bandwidths, O(m n d) to predict, in batches of at most 2^24 weights.

    "softmax" with `bandwidth` h is softmax attention at temperature h^2, with inner products about
    the origin of the metric: it depends on where that is, but for keys of one length (as after
    normalising them) it is "gaussian" with the same bandwidth.

    Source: Nadaraya, *On estimating regression*, Theory of Probability and its Applications 1964;
    Watson, *Smooth regression analysis*, Sankhya 1964; Vaswani et al., *Attention is all you need*,
    2017.

    Examples
    --------
    >>> import hullwise as hw
    >>> reg = hw.KernelRegressor(bandwidth=1.0, metric=None).fit([[0.0], [2.0]], [0.0, 1.0])
    >>> reg.predict([[1.0], [2.0], [60.0]]).round(4)
    array([0.5   , 0.8808, 1.    ])
    >>> reg.support([[1.0], [60.0]]).in_reach
    array([ True, False])
    """

    bandwidth_: float
    bandwidths_: Floats | None
    cv_errors_: Floats | None
    _kernel: SmoothingKernel
    _n_neighbors: int
    _mass: Floats
    _duplicate_options: ClassVar[tuple[str, ...]] = ("mean", "count", "raise")

    def __init__(
        self,
        *,
        metric: MetricOption = "std",
        duplicates: str = "mean",
        kernel: str = "gaussian",
        bandwidth: str | float = "leave-one-out",
        n_neighbors: int | None = None,
    ) -> None:
        super().__init__(metric=metric, duplicates=duplicates)
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.n_neighbors = n_neighbors

    @own_errors("fitting the regressor")
    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Learn training rows X (n, d) and their targets y, (n,) or (n, k) numbers.

        Parameters
        ----------
        X : (n, d)
        y : (n,) or (n, k)
        groups : (n,), optional
            Which rows belong together: groups are left out as a whole to choose the bandwidth.

        Raises
        ------
        DataError, DataTypeError
            For rows, targets or options that cannot be used.
        """
        self._checked_options()
        return self._fit_rows(X, y, groups)

    def _checked_options(self) -> tuple[SmoothingKernel, int]:
        """The kernel, and the neighbour whose distance is the unit, 0 for none."""
        if not isinstance(self.kernel, str) or self.kernel not in SMOOTHING_KERNELS:
            names = ", ".join(repr(name) for name in SMOOTHING_KERNELS)
            raise DataError(f"kernel={self.kernel!r}: expected one of {names}.")
        k = 0 if self.n_neighbors is None else check_int("n_neighbors", self.n_neighbors, 1)
        if isinstance(self.bandwidth, str):
            if self.bandwidth not in BANDWIDTH_RULES:
                names = ", ".join(repr(name) for name in BANDWIDTH_RULES)
                raise DataError(f"bandwidth={self.bandwidth!r}: expected {names} or a number.")
            if k and self.bandwidth != "leave-one-out":
                raise DataError(
                    f"bandwidth={self.bandwidth!r} is a length, and n_neighbors={k} makes it a "
                    "multiple of a distance: give a number, or 'leave-one-out'."
                )
        elif check_nonnegative("bandwidth", self.bandwidth) == 0:
            raise DataError(
                "bandwidth=0: expected more than 0. NearestRegressor takes the nearest."
            )
        if k and self.kernel == "softmax":
            raise DataError(
                f"n_neighbors={k} is about distances, of which kernel='softmax' has none: leave it "
                "out, or use 'gaussian'."
            )
        return SMOOTHING_KERNELS[self.kernel], k

    def _learn_targets(
        self, cloud: Cloud, metric: Metric, places: TrainingPlaces
    ) -> dict[str, Any]:
        kernel, k = self._checked_options()
        counts = places.counts.astype(np.float64)
        mass = counts if self.duplicates == "count" else np.ones(cloud.n)
        if not isinstance(self.bandwidth, str):
            bandwidth = Bandwidth(float(self.bandwidth))
        else:
            problem = ScaledProblem.of(cloud, np.zeros((0, cloud.d)), metric)
            if self.bandwidth != "leave-one-out" or cloud.n == 1:
                bandwidth = Bandwidth(rule_bandwidth(self.bandwidth, problem, kernel))
            else:
                bandwidth = left_out_bandwidth(cloud, metric, places, kernel, k, mass)
            bandwidth = bandwidth if k else bandwidth.in_units(problem.frame)
        return {
            "bandwidth_": bandwidth.value,
            "bandwidths_": bandwidth.tried,
            "cv_errors_": bandwidth.errors,
            "_kernel": kernel,
            "_n_neighbors": min(k, cloud.n),
            "_mass": mass,
        }

    def _batch_rows(self) -> int:
        return dense_batch_rows(self.cloud_.n)

    def _weigh(self, Q: Floats, progress: Progress | None) -> csr_array:
        if len(Q) * self.cloud_.n > 2 * BATCH_WEIGHTS:
            sample = np.unique(np.linspace(0, len(Q) - 1, SAMPLED_QUERIES).astype(np.intp))
            share = self._weights_at(Q[sample], None).nnz / len(sample)
            check_memory(
                int(32 * len(Q) * share),
                f"weights of {len(Q):,} queries on about {share:,.0f} rows each",
                "Ask for fewer queries at once; `predict` does so by itself.",
            )
        return self._weights_at(Q, progress)

    def _weights_at(self, Q: Floats, progress: Progress | None) -> csr_array:
        kernel, problem = self._kernel, ScaledProblem.of(self.cloud_, Q, self.metric_)
        queries, exponents = problem.queries, problem.exponents
        if kernel.is_attention:
            queries, exponents = attention_queries(problem, self.cloud_, self.metric_)
        h, cutoff = self.bandwidth_, weight_cutoff(self._mass)
        if not self._n_neighbors:
            h = frame_length(problem.frame, h)

        def weigh(first: int, last: int, stop: StopFlag) -> WeightEntries:
            return kernel_weights(
                *(problem.rows, queries, exponents, h, self._n_neighbors),
                *(kernel.a, kernel.b, kernel.is_attention, self._mass, problem.floor),
                *(cutoff, first, last, stop.flag),
            )

        work = self.cloud_.n * (4.0 * problem.rows.shape[1] + 32)
        return weigh_in_batches(weigh, (len(Q), self.cloud_.n), work, progress)

    @own_errors("measuring the support of predictions")
    def support(self, Q: Any) -> KernelSupport:
        """How many rows stand behind each prediction at Q (m, d), and whether they are in reach."""
        checked = self._queries(Q)
        values, size = checked.values.astype(np.float64), self._batch_rows()
        parts = [self._support(values[a : a + size]) for a in range(0, max(1, len(values)), size)]
        count, effective, bandwidth, distance, in_reach = map(np.concatenate, zip(*parts))
        return KernelSupport(count, effective, bandwidth, distance, in_reach, checked.row_names)

    def _support(self, Q: Floats) -> tuple[Indices, Floats, Floats, Floats, Mask]:
        W = self.row_weights(Q)
        bandwidth, distance, in_reach = self._reach(Q)
        squares = csr_array((np.square(W.data), W.indices, W.indptr), shape=W.shape)
        return np.diff(W.indptr), 1 / squares.sum(axis=1), bandwidth, distance, in_reach

    def _reach(self, Q: Floats) -> tuple[Floats, Floats, Mask]:
        """Bandwidths, distances to the nearest rows, and whether these are in reach, (m,) each."""
        k = self._n_neighbors
        distances = nearest_rows(self.cloud_, Q, self.metric_, max(1, k)).distances
        bandwidth = np.full(len(Q), self.bandwidth_)
        if k:
            bandwidth *= distances[:, k - 1]
        reach = 1.0 if self._kernel.is_compact else GAUSSIAN_REACH
        with np.errstate(over="ignore"):
            in_reach = (distances[:, 0] < reach * bandwidth) | (distances[:, 0] == 0)
        if self._kernel.is_attention:
            in_reach[:] = True
        return bandwidth, distances[:, 0], in_reach

    def remarks(self, Q: Floats) -> tuple[str, ...]:
        """The bandwidth, and how many queries are beyond every row's reach."""
        chosen = "" if self.cv_errors_ is None else ", chosen by leaving training rows out"
        unit = f" times the distance to row {self._n_neighbors}" if self._n_neighbors else ""
        remark = f"The {self.kernel} kernel has the bandwidth {self.bandwidth_:.4g}{unit}{chosen}."
        n_out = int((~self._reach(Q)[2]).sum()) if len(Q) else 0
        if not n_out:
            return (remark,)
        rows = "1 row is" if n_out == 1 else f"{n_out:,} rows are"
        return remark, f"{rows} out of its reach: there the nearest training rows answer."
