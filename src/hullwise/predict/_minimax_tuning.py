"""How noisy a target is and how much it bends, from the errors of rows that are left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .._core.threads import StopFlag, cpu_count, run_in_threads
from .._core.types import Floats, Indices, Mask
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ._bandwidths import standardised
from ._minimax_kernel import left_out_predictions
from ._minimax_search import MinimaxProblem
from .duplicates import TrainingPlaces

LEFT_OUT_ROWS = 250  # rows that are left out in turn, at most
LEFT_OUT_POOL = 2000  # nearest other rows that predict one of them
METRIC_FOLDS = 3  # of the rows, to learn metrics without the row that is left out
NOISE_RATIOS = 7  # tried between the least and the most
LARGEST_NOISE_RATIO = 30.0  # lam: nearly least squares over all rows
SLOPE_RATIOS = (30.0, 1.0, 0.2)  # rho: slopes that are free, and such that cost
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

    def predict(
        self, metric: Metric, rows: Indices, lams: Floats, rho: float
    ) -> tuple[Floats, Floats]:
        """Predictions (l, s, t) and risks (l, s) at some left-out rows, lams descending."""
        problem = MinimaxProblem.of(self.cloud, metric)
        columns, unit = problem.coordinates.columns, problem.frame_unit
        Y = np.ascontiguousarray(self.places.targets)
        predictions = np.full((len(rows), len(lams), Y.shape[1]), np.nan)
        risks = np.full((len(rows), len(lams)), np.nan)
        own_lams, slopes = lams * unit**4, lams * unit**2 / rho**2

        def leave_out(number: int, stop: StopFlag) -> None:
            if stop.is_set():
                return
            row = int(rows[number])
            pool = _nearest_pool(columns, row, np.flatnonzero(self.others(row)))
            if len(pool):
                part, z = np.ascontiguousarray(columns[:, pool]), columns[:, row].copy()
                out = predictions[number], risks[number]
                left_out_predictions(part, z, 0.0, own_lams, slopes, Y[pool], out)

        run_in_threads(leave_out, range(len(rows)), max(2, cpu_count()))
        return predictions.transpose(1, 0, 2), risks.T


def _nearest_pool(columns: Floats, row: int, others: Indices) -> Indices:
    """The nearest LEFT_OUT_POOL of some columns, ascending."""
    if len(others) <= LEFT_OUT_POOL:
        return others
    V = columns[:, others] - columns[:, row, None]
    square = np.einsum("ji,ji->i", V, V)
    return others[np.sort(np.argpartition(square, LEFT_OUT_POOL)[:LEFT_OUT_POOL])]


def noise_ratios(problem: MinimaxProblem, rows: Indices) -> Floats:
    """Noise ratios worth trying, descending: from least squares to few rows.

    The least is a hundredth of the fourth power of the distance to as many rows as it takes.
    """
    columns, unit = problem.coordinates.columns, problem.frame_unit
    few = rows[:: max(1, len(rows) // 50)]
    k = min(columns.shape[1] - 1, columns.shape[0] + 2)
    squares = []
    for row in few:
        V = columns - columns[:, row, None]
        squares.append(np.partition(np.einsum("ji,ji->i", V, V), k)[k])
    low = float(np.median(squares)) / unit**2
    least = min(max(low * low / 100, LEAST_NOISE_RATIO), 1.0)
    return np.geomspace(LARGEST_NOISE_RATIO, least, NOISE_RATIOS)


def target_units(Y: Floats) -> Floats:
    """(t,) standard deviations of targets (p, t); 1 for one that does not vary."""
    size = np.abs(Y).max(axis=0)
    size = np.where(size > 0, size, 1.0)
    return np.asarray(np.where(standardised(Y).any(axis=0), size * (Y / size).std(axis=0), 1.0))


def compare_candidates(
    sample: LeftOutSample,
    learners: Sequence[Callable[[Indices], Metric]],
    is_learnt: Sequence[bool],
    lams: Floats | None,
    rhos: Sequence[float],
    is_absolute: bool,
) -> list[Candidate]:
    """Left-out errors of every metric and pair of ratios; no candidates where no row is left.

    A learner gives the metric learnt from the places that it is called with. One that looks at
    targets is called for each fold without that fold: a row that helped to learn a metric looks too
    good in it.
    """
    everything = np.arange(sample.cloud.n)
    folds = sample.folds() if any(is_learnt) else np.zeros(sample.cloud.n, np.intp)
    targets = sample.places.targets
    unit = target_units(targets)
    candidates = []
    for number, (learn, learnt) in enumerate(zip(learners, is_learnt)):
        parts = [sample.rows]
        metrics = [learn(everything)] if not learnt else []
        if learnt:
            parts = [sample.rows[folds[sample.rows] == fold] for fold in range(METRIC_FOLDS)]
            metrics = [learn(np.flatnonzero(folds != fold)) for fold in range(METRIC_FOLDS)]
        order = np.argsort(np.concatenate(parts), kind="stable")
        tried = lams
        if tried is None:
            tried = noise_ratios(MinimaxProblem.of(sample.cloud, metrics[0]), sample.rows)
        for rho in rhos:
            answers = [
                sample.predict(metric, rows, tried, rho) for metric, rows in zip(metrics, parts)
            ]
            predictions = np.concatenate([answer[0] for answer in answers], axis=1)[:, order]
            risks = np.concatenate([answer[1] for answer in answers], axis=1)[:, order]
            for lam, own, risk in zip(tried, predictions, risks):
                error = np.abs(own - targets[sample.rows]) / unit
                mean = float(np.mean(error if is_absolute else np.square(error)))
                candidates.append(Candidate(number, float(lam), rho, mean, own, risk))
    return [one for one in candidates if np.isfinite(one.error)]


def best_candidate(candidates: Sequence[Candidate]) -> Candidate:
    """The one of the least error; of nearly equal ones the first, which is the smoothest."""
    if not candidates:
        raise DataError(
            "no row is left to predict another one from: there is one group only. Give noise and "
            "smoothness, or no groups."
        )
    least = min(one.error for one in candidates)
    return next(one for one in candidates if one.error <= least * (1 + 1e-9) + 1e-24)
