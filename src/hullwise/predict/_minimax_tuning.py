"""How noisy a target is and how much it bends, from the errors of rows that are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._core.threads import StopFlag, cpu_count, run_in_threads
from .._core.types import Floats, Indices, Mask
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ..geometry.neighbours import nearest_rows
from ..geometry.pricing import top_rows
from ._bandwidths import standardised
from ._metric_choices import MetricChoice
from ._minimax_kernel import left_out_predictions
from ._minimax_search import MinimaxProblem
from .duplicates import TrainingPlaces

LEFT_OUT_ROWS = 250  # rows that are left out in turn, at most
LEFT_OUT_POOL = 2000  # nearest other rows that predict one of them
METRIC_FOLDS = 3  # of the rows, to learn metrics without the row that is left out
NOISE_RATIOS = 7  # tried between the least and the most
LARGEST_NOISE_RATIO = 30.0  # lam: nearly least squares over all rows
SLOPE_RATIOS = (30.0, 1.0, 0.2)  # rho: slopes that are free, and such that cost
REFINEMENTS = (2.0, 2.0, 1.4)  # of rho, and squared of lam, around the best
LEAST_NOISE_RATIO = 1e-8  # lam: below, targets are interpolated


@dataclass(frozen=True, eq=False)
class Candidate:
    """A choice of metric and ratios, and how well left-out rows were predicted.

    Attributes
    ----------
    metric : int
        Number of the metric.
    lam, rho : float
    error : float
        Mean error of the left-out rows over targets of variance 1.
    predictions : (s, t)
    risk : (s,)
    """

    metric: int
    lam: float
    rho: float
    error: float
    predictions: Floats
    risk: Floats


@dataclass(frozen=True, eq=False)
class LeftOutSample:
    """Some of the places, each predicted from those that share no group with it."""

    cloud: Cloud
    places: TrainingPlaces
    rows: Indices

    @classmethod
    def of(cls, cloud: Cloud, places: TrainingPlaces) -> LeftOutSample:
        """At most LEFT_OUT_ROWS of the places, drawn with a fixed seed."""
        return cls(cloud, places, cloud.sample(LEFT_OUT_ROWS))

    def others(self, row: int) -> Mask:
        """(p,) places that share no group with this one."""
        p, places = self.cloud.n, self.places
        own = places.groups[places.group_ends[row] : places.group_ends[row + 1]]
        if places.n_groups == p == len(places.groups):
            return np.asarray(np.arange(p) != row)
        shared = np.isin(places.groups, own)
        return np.asarray(np.add.reduceat(shared, places.group_ends[:-1]) == 0)

    def folds(self) -> Indices:
        """(p,) the fold of each place: those that share a group are in one."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import connected_components

        p, places = self.cloud.n, self.places
        ones = np.ones(len(places.groups))
        shape = (p, places.n_groups)
        member = csr_array((ones, places.groups, places.group_ends), shape=shape)
        _, unit = connected_components(member @ member.T, directed=False)
        fold = np.random.default_rng(0).permutation(int(unit.max()) + 1) % METRIC_FOLDS
        return np.asarray(fold[unit])

    def pools(self, metric: Metric, rows: Indices) -> list[Indices]:
        """The nearest other places of each row, at most LEFT_OUT_POOL, ascending."""
        others = [np.flatnonzero(self.others(int(row))) for row in rows]
        if all(len(one) <= LEFT_OUT_POOL for one in others):
            return others
        view = MinimaxProblem.of(self.cloud, metric).coordinates.view
        k = min(LEFT_OUT_POOL, view.n)
        near = top_rows(view, 2 * view.take(rows), 1.0, k)[1]
        nearest = [np.sort(row[np.isin(row, one)]) for row, one in zip(near, others)]
        return [pool if len(pool) else one[:k] for pool, one in zip(nearest, others)]

    def predict(
        self, metric: Metric, rows: Indices, pools: list[Indices], lams: Floats, rho: float
    ) -> tuple[Floats, Floats]:
        """Predictions (l, s, t) and risks (l, s) at some left-out rows, lams descending."""
        problem = MinimaxProblem.of(self.cloud, metric)
        view, unit = problem.coordinates.view, problem.frame_unit
        Y, queries = self.places.targets, view.take(rows)
        predictions = np.full((len(rows), len(lams), Y.shape[1]), np.nan)
        risks = np.full((len(rows), len(lams)), np.nan)
        own_lams, slopes = lams * unit**4, lams * unit**2 / rho**2

        def leave_out(number: int, stop: StopFlag) -> None:
            pool = pools[number]
            if not stop.is_set() and len(pool):
                columns = np.ascontiguousarray(view.take(pool).T)
                out, own = (predictions[number], risks[number]), np.ascontiguousarray(Y[pool])
                left_out_predictions(columns, queries[number], 0.0, own_lams, slopes, own, out)

        run_in_threads(leave_out, range(len(rows)), max(2, cpu_count()))
        return predictions.transpose(1, 0, 2), risks.T


def noise_ratios(problem: MinimaxProblem, rows: Indices) -> Floats:
    """Noise ratios worth trying, descending: from least squares to few rows.

    The least is a hundredth of the fourth power of the distance to as many rows as it takes.
    """
    cloud, metric = problem.cloud, problem.metric
    few = rows[:: max(1, len(rows) // 50)]
    k = min(cloud.n - 1, problem.coordinates.view.rank + 3)
    near = nearest_rows(cloud, cloud.take(few), metric, k, exclude=few)
    low = (float(np.median(near.farthest)) / problem.unit) ** 2 if k else 1.0
    least = min(max(low * low / 100, LEAST_NOISE_RATIO), 1.0)
    return np.geomspace(LARGEST_NOISE_RATIO, least, NOISE_RATIOS)


def target_units(Y: Floats) -> Floats:
    """(t,) standard deviations of targets (p, t); 1 for one that does not vary."""
    size = np.abs(Y).max(axis=0)
    size = np.where(size > 0, size, 1.0)
    return np.asarray(np.where(standardised(Y).any(axis=0), size * (Y / size).std(axis=0), 1.0))


@dataclass(frozen=True, eq=False)
class MetricFolds:
    """A choice of metric, learnt without each part of the left-out rows that it serves."""

    sample: LeftOutSample
    parts: list[Indices]
    metrics: list[Metric]

    @cached_property
    def pools(self) -> list[list[Indices]]:
        """The places that may predict each left-out row, part by part."""
        return [self.sample.pools(m, rows) for m, rows in zip(self.metrics, self.parts)]

    @classmethod
    def of(cls, sample: LeftOutSample, choice: MetricChoice) -> MetricFolds | None:
        """One that looks at targets is learnt for each fold without that fold.

        A row that helped to learn a metric looks too good in it. None where it cannot be learnt.
        """
        rows, folds = sample.rows, np.zeros(sample.cloud.n, np.intp)
        if choice.is_learnt:
            folds = sample.folds()
        used = np.unique(folds[rows])
        parts = [rows[folds[rows] == fold] for fold in used]
        others = [folds != fold if choice.is_learnt else folds == fold for fold in used]
        metrics = [choice.attempt(np.flatnonzero(rest)) for rest in others if rest.any()]
        usable = [metric for metric in metrics if metric is not None]
        return cls(sample, parts, usable) if len(usable) == len(parts) else None

    def predict(self, lams: Floats, rho: float) -> tuple[Floats, Floats]:
        """Predictions (l, s, t) and risks (l, s) of the left-out rows, lams descending."""
        order = np.argsort(np.concatenate(self.parts), kind="stable")
        answers = [
            self.sample.predict(metric, rows, pools, lams, rho)
            for metric, rows, pools in zip(self.metrics, self.parts, self.pools)
        ]
        predictions, risks = (np.concatenate(part, axis=1)[:, order] for part in zip(*answers))
        return predictions, risks


def compare_candidates(
    sample: LeftOutSample,
    choices: Sequence[MetricChoice],
    lams: Floats | None,
    rhos: Sequence[float],
    is_absolute: bool,
) -> list[Candidate]:
    """Left-out errors of every metric and pair of ratios; none where no row is left to predict.

    Around the best pair others are tried.
    """
    candidates: list[Candidate] = []
    for number, choice in enumerate(choices):
        folds = MetricFolds.of(sample, choice)
        if folds is not None:
            candidates += _pairs_of_ratios(number, folds, lams, rhos, is_absolute)
    return candidates


def _pairs_of_ratios(
    number: int, folds: MetricFolds, lams: Floats | None, rhos: Sequence[float], is_absolute: bool
) -> list[Candidate]:
    """The candidates of one metric."""
    sample = folds.sample
    candidates: list[Candidate] = []
    targets = sample.places.targets
    unit = target_units(targets)

    def compare(tried: Floats, rho: float) -> None:
        known = {one.lam for one in candidates if one.rho == rho}
        tried = tried[[lam not in known for lam in tried]]
        for lam, own, risk in zip(tried, *folds.predict(tried, rho)):
            error = np.abs(own - targets[sample.rows]) / unit
            mean = float(np.mean(error if is_absolute else np.square(error)))
            if np.isfinite(mean):
                candidates.append(Candidate(number, float(lam), rho, mean, own, risk))

    tried = lams
    if tried is None:
        tried = noise_ratios(MinimaxProblem.of(sample.cloud, folds.metrics[0]), sample.rows)
    for rho in rhos:
        compare(tried, rho)
    for step in REFINEMENTS if candidates else ():
        pairs = neighbours_of(best_candidate(candidates), step, lams is None, len(rhos) > 1)
        for rho in dict.fromkeys(pair[1] for pair in pairs):
            compare(np.array([pair[0] for pair in pairs if pair[1] == rho]), rho)
    return candidates


def neighbours_of(
    best: Candidate, step: float, vary_lam: bool, vary_rho: bool
) -> list[tuple[float, float]]:
    """Pairs (lam, rho) around the best, lam descending for each rho."""
    pairs = []
    if vary_lam:
        pairs += [(best.lam * step**2, best.rho), (max(best.lam / step**2, 1e-8), best.rho)]
    if vary_rho:
        pairs += [(best.lam, min(best.rho * step, max(SLOPE_RATIOS))), (best.lam, best.rho / step)]
    return [pair for pair in pairs if pair != (best.lam, best.rho)]


def best_candidate(candidates: Sequence[Candidate]) -> Candidate:
    """The one of the least error; of nearly equal ones the first, which is the smoothest."""
    if not candidates:
        raise DataError(
            "no row is left to predict another one from: there is one group only. Give noise and "
            "smoothness, or no groups."
        )
    least = min(one.error for one in candidates)
    return next(one for one in candidates if one.error <= least * (1 + 1e-9) + 1e-24)
