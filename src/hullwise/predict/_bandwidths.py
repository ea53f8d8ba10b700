"""Kernels of a distance, and their bandwidths: by rule, or by leaving rows out in turn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import betaln

from .._core.threads import StopFlag, cpu_count, run_in_threads
from .._core.types import Floats, Indices
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ..geometry.neighbours import nearest_rows
from ..geometry.scaling import Frame
from ._batching import BATCH_WORK, ScaledProblem
from ._smoothing_kernels import left_out_errors
from .duplicates import TrainingPlaces

BANDWIDTH_ROWS = 2000  # rows that are left out in turn to choose a bandwidth, at most
BANDWIDTH_STEP = 2.0**0.5  # between the bandwidths that are tried first
WIDTH_MARGIN = 8.0  # they begin at the nearest row's distance over this, and end at half of it
NEIGHBOUR_FACTORS = np.array([1 / 8, 8.0])  # least and largest multiple of a neighbour's distance
BANDWIDTH_REFINEMENTS = 3  # each halves the step around the best


@dataclass(frozen=True)
class SmoothingKernel:
    """K(u) = (1 - u^a)^b within u < 1 for a > 0; else exp(-u^2 / 2), or exp(<q, x> / h^2)."""

    a: float
    b: float
    is_attention: bool = False

    @property
    def is_compact(self) -> bool:
        """Whether it ends at u = 1."""
        return self.a > 0

    def spread_ratio(self, d: int) -> float:
        """The bandwidth at which it has the variance of a Gaussian kernel of bandwidth 1 in R^d."""
        if not self.is_compact:
            return 1.0
        a, b = self.a, self.b
        variance = np.exp(betaln((d + 2) / a, b + 1) - betaln(d / a, b + 1)) / d
        return float(1 / np.sqrt(variance))


SMOOTHING_KERNELS = {
    "gaussian": SmoothingKernel(0.0, 0.0),
    "epanechnikov": SmoothingKernel(2.0, 1.0),
    "triangular": SmoothingKernel(1.0, 1.0),
    "tricube": SmoothingKernel(3.0, 3.0),
    "softmax": SmoothingKernel(0.0, 0.0, is_attention=True),
}


@dataclass(frozen=True, eq=False)
class Bandwidth:
    """A bandwidth in the frame, and the errors that chose it where rows were left out."""

    value: float
    tried: Floats | None = None  # (c,) ascending
    errors: Floats | None = None  # (c,) mean squared error over the target's variance

    def in_units(self, frame: Frame) -> Bandwidth:
        """The same in the metric."""
        tried = None if self.tried is None else frame.distance(self.tried)
        return Bandwidth(float(frame.distance(np.array(self.value))), tried, self.errors)


def rule_bandwidth(rule: str, problem: ScaledProblem, kernel: SmoothingKernel) -> float:
    """Scott's or Silverman's bandwidth, from the spread of the rows over the dimensions they use.

    Scott 1992 (6.42) and Silverman 1986 (4.14): sigma n^(-1/(d+4)) and
    sigma (n (d+2) / 4)^(-1/(d+4)), sigma^2 the mean variance; for other kernels times the ratio of
    their spread to the Gaussian's.
    """
    n, d, sigma = len(problem.rows), *_spread(problem)
    count = n if rule == "scott" else n * (d + 2) / 4
    return float(sigma * count ** (-1 / (d + 4)) * kernel.spread_ratio(d)) or 1.0


def _spread(problem: ScaledProblem) -> tuple[int, float]:
    """How many dimensions the rows use, and the root of the mean variance along them."""
    variance = problem.rows.var(axis=0)
    used = variance > problem.floor**2
    if not used.any():
        return max(1, problem.rows.shape[1]), 0.0
    return int(used.sum()), float(np.sqrt(variance[used].mean()))


def attention_queries(
    problem: ScaledProblem, cloud: Cloud, metric: Metric
) -> tuple[Floats, Indices]:
    """Queries from the origin of the data's units, where attention has its inner products."""
    origin = ScaledProblem.of(cloud, np.zeros((1, cloud.d)), metric)
    exponents = np.maximum(problem.exponents, origin.exponents[0])
    own = np.ldexp(problem.queries, (problem.exponents - exponents)[:, None])
    zero = np.ldexp(origin.queries, (origin.exponents[0] - exponents)[:, None])
    return own - zero, exponents


def left_out_bandwidth(
    cloud: Cloud,
    metric: Metric,
    places: TrainingPlaces,
    kernel: SmoothingKernel,
    n_neighbors: int,
    mass: Floats,
) -> Bandwidth:
    """The bandwidth, in the frame, with the least error of places predicted from other groups.

    With `n_neighbors` a multiple of the distance to that neighbour. O(min(p, 2000) p (r + c)) for
    p places, r dimensions and c bandwidths tried.
    """
    problem = ScaledProblem.of(cloud, np.zeros((0, cloud.d)), metric)
    queries = problem.rows
    if kernel.is_attention:
        own = replace(problem, queries=queries, exponents=np.zeros(len(queries), np.intp))
        queries, exponents = attention_queries(own, cloud, metric)
        queries = np.ldexp(queries, exponents[:, None])
    left_out = LeftOutRows(problem, places, kernel, n_neighbors, mass, queries)
    if n_neighbors:
        lengths = NEIGHBOUR_FACTORS
    else:
        rows = left_out.rows
        nearest = nearest_rows(cloud, cloud.take(rows), metric, 1, exclude=rows).distances[:, 0]
        lengths = _length_range(problem, np.ldexp(nearest, -problem.frame.exponent))
        if kernel.is_attention:  # scores are products of a query's size and such a length
            lengths = np.sqrt(lengths * np.sqrt(np.square(queries).sum(axis=1).mean()))
    low, high = lengths * kernel.spread_ratio(_spread(problem)[0])
    return left_out.choose(float(low), float(high))


@dataclass(frozen=True, eq=False)
class LeftOutRows:
    """Errors of places predicted from those of other groups, for any bandwidth."""

    problem: ScaledProblem
    places: TrainingPlaces
    kernel: SmoothingKernel
    n_neighbors: int
    mass: Floats
    queries: Floats  # (p, r): the places as queries

    @cached_property
    def rows(self) -> Indices:
        """Those that are left out in turn."""
        p = len(self.problem.rows)
        return np.unique(np.linspace(0, p - 1, min(p, BANDWIDTH_ROWS)).astype(np.intp))

    def choose(self, low: float, high: float) -> Bandwidth:
        """The bandwidth with the least error: steps of 2^(1/2), then smaller ones at the best."""
        count = int(np.ceil(np.log(high / low) / np.log(BANDWIDTH_STEP))) + 1
        widths: Floats = np.asarray(low * BANDWIDTH_STEP ** np.arange(count))
        errors = self.mean_errors(widths)
        step = BANDWIDTH_STEP
        for _ in range(BANDWIDTH_REFINEMENTS):
            step = float(np.sqrt(step))
            best = widths[_least(errors)]
            widths = np.append(widths, [best / step, best * step])
            errors = np.append(errors, self.mean_errors(widths[-2:]))
            order = np.argsort(widths)
            widths, errors = widths[order], errors[order]
        return Bandwidth(float(widths[_least(errors)]), widths, errors)

    def mean_errors(self, widths: Floats) -> Floats:
        """Mean squared error of left-out rows, over the variance of the target, (c,)."""
        p, rows = len(self.problem.rows), self.rows
        targets = standardised(self.places.targets)
        errors = np.zeros((len(rows), len(widths)))

        def leave_out(start: int, stop: StopFlag) -> None:
            left_out_errors(
                *(self.problem.rows, self.queries, targets, rows, widths),
                *(min(self.n_neighbors, p), self.kernel.a, self.kernel.b),
                *(self.kernel.is_attention, self.mass, self.problem.floor),
                *(weight_cutoff(self.mass), self.places.group_ends, self.places.groups),
                self.places.n_groups,
                start,
                min(start + each, len(rows)),
                stop.flag,
                errors,
            )

        work = p * (4.0 * self.problem.rows.shape[1] + 8.0 * len(widths) + 16)
        each = int(np.clip(BATCH_WORK / work, 1, len(rows)))
        starts = range(0, len(rows), each)
        run_in_threads(leave_out, starts, 1 if len(starts) == 1 else max(2, cpu_count()))
        usable = np.isfinite(errors).all(axis=1)
        if not usable.any():
            raise DataError(
                "no row is left to predict another one from: there is one group only, or each "
                "group has a row that equals one of every other. Give a bandwidth, or no groups."
            )
        share = self.mass[rows[usable]]
        return np.asarray(share @ errors[usable] / share.sum() / targets.shape[1])


def _least(errors: Floats) -> int:
    """The least error; of equal ones that of the largest bandwidth, the smoothest."""
    return int(len(errors) - 1 - errors[::-1].argmin())


def standardised(Y: Floats) -> Floats:
    """Targets (p, k) of mean 0 and variance 1, so that each counts alike."""
    size = np.abs(Y).max(axis=0)
    centred = Y / np.where(size > 0, size, 1.0)
    centred = centred - centred.mean(axis=0)
    spread = centred.std(axis=0)
    return np.ascontiguousarray(centred / np.where(spread > 1e-14, spread, 1.0))


def _length_range(problem: ScaledProblem, nearest: Floats) -> Floats:
    """The least and the largest bandwidth worth trying: from one row to nearly all of them alike.

    `nearest` are distances of rows to their nearest other one.
    """
    far = _spread(problem)[1] * np.sqrt(problem.rows.shape[1])
    apart = nearest[nearest > 2 * problem.floor]
    if far == 0 or not apart.size:
        return np.array([1.0, 1.0])
    return np.array([min(float(np.median(apart)), far) / WIDTH_MARGIN, far * WIDTH_MARGIN / 2])


def weight_cutoff(mass: Floats) -> float:
    """Minus the logarithm of a weight that is left out: all of them are less than rounding."""
    return float(53 * np.log(2) + np.log(mass.sum()))


def frame_length(frame: Frame, length: float) -> float:
    """A length in the metric as one in the frame, neither 0 nor infinite."""
    with np.errstate(over="ignore", under="ignore"):
        least, most = np.finfo(np.float64).smallest_subnormal, np.finfo(np.float64).max
        return float(np.clip(np.ldexp(length, -frame.exponent), least, most))
