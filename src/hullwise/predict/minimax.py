"""Minimax linear regression: the best weighted average of training rows there is, with a proof."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array

from .._core.foreign import own_errors
from .._core.options import check_nonnegative
from .._core.types import Array, Floats, Indices, Progress
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..geometry.left_out import MetricOfRows
from ..geometry.metric import Metric
from ._linear_slopes import local_slopes
from ._mean_level import move_to_level, target_level
from ._metric_choices import is_fixed, metric_choices
from ._minimax_constants import TargetConstants, numbers_of_targets
from ._minimax_kernel import MINIMAX_LOOSE, MINIMAX_OPTIMAL, MINIMAX_UNKNOWN
from ._minimax_search import MinimaxProblem, MinimaxWeights
from ._minimax_tuning import (
    LEAST_NOISE_RATIO,
    Candidate,
    LeftOutSample,
    best_candidate,
    compare_candidates,
)
from .delaunay import delaunay_weights
from .duplicates import TrainingPlaces
from .error_bound import ErrorBound
from .interpolant import Interpolant, MetricOption
from .minimax_band import HardestTarget, hardest_target
from .minimax_fits import MinimaxFits, TargetClass, WeightStatus
from .targets import as_one_row

__all__ = ["MinimaxRegressor"]

FREE_RISK = 0.01  # of the squared level: with less risk nothing is moved to the mean
UNKNOWN_SHARE = 1e-12  # of the weight on the rows: nothing is known
ERROR_SCALE_COVERAGE = 0.9
REMOTE_PULL = 0.999  # of the weight on the mean: what the rest is hardly matters
OUTCOME_STATUS = {
    MINIMAX_OPTIMAL: WeightStatus.OPTIMAL,
    MINIMAX_LOOSE: WeightStatus.LOOSE,
    MINIMAX_UNKNOWN: WeightStatus.REMOTE,
}


class MinimaxRegressor(Interpolant):
    """The weights on training rows with the least worst-case error, for targets with noise.

    Parameters
    ----------
    metric : "std", "agop", "auto", "range", None, (d,), (d, d), function of (X, y), MetricLearner
        In which units bends count. "auto" is the best of "std" and all that are learnt from rows
        and targets, by left-out rows; these are learnt without the rows that are left out.
    duplicates : {"mean", "raise"}
        What to do with rows that are equal but for the target.
    noise : float or (k,), optional
        Standard deviation of the noise, in the target's units. None: learnt by leaving rows out.
    smoothness : float or (k,), optional
        Largest second derivative, in the metric: how much a target bends. None: learnt so.
    lipschitz : float or (k,), optional
        Largest slope, in the metric; infinity for any: then linear functions are reproduced. A
        number needs `smoothness` too. None: learnt, as a multiple of `smoothness`.
    level : float, optional
        Targets are within so many times the 99 % quantile of ``|y - mean|`` of their mean: that
        bounds the answer far off the data. None for no bound.
    loss : {"squared", "absolute"}
        The error of left-out rows that chooses what is learnt.

    Attributes
    ----------
    noise_, smoothness_, lipschitz_ : float, or (k,) for several targets
        As given or learnt. Predictions are the best for targets that bend at most so much; what is
        learnt is what predicts best, and no bound on the target.
    lam_, rho_ : float
        (noise / smoothness)^2 and lipschitz / smoothness in units of `unit_`: the weights depend on
        these two only, so all targets share them.
    unit_ : float
        Root mean square distance of the rows from their mean, in the metric.
    table_ : list of dict
        Every choice that was tried, and its left-out error over the variance of the target.
    left_out_rows_, left_out_errors_ : (s,), (s,) or (s, k)
        Distinct rows that were left out, and their target minus its prediction.
    left_out_risks_ : (s,)
        Their risks without themselves, as those of `MinimaxFits`.
    cloud_ : Cloud
        The distinct training rows.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    Among all weights w of sum 1 on the training rows those with the least ::

        |w|^2 + (sum |w_i| r_i^2 / 2)^2 / lam + rho^2 |sum w_i (x_i - q)|^2 / lam

    r_i the distance of row i from the query: the largest mean squared error, in units of the
    noise's variance, over all targets that bend at most `smoothness` about the query and slope at
    most `lipschitz` there (the two as a pair in a ball). It is strictly convex, with a dual in
    d + 2 numbers; their optimum is found over a few rows, and then certified over all
    (`MinimaxFits.verify`). No estimator of any kind has a worst-case error of less than 1 / 1.25 of
    it if the noise is Gaussian (Donoho 1994). The weighted average is the intercept of a ridge
    regression on (1, x - q, r^2 / 2) over the rows with a weight; its slopes are those of `local`.

    As the noise vanishes these are the weights of `DelaunayRegressor` wherever no negative weight
    helps; with lam below 1e-8 that one answers. As smoothness vanishes (and slopes are free) they
    are those of least squares on all rows.

    Where the risk is more than a hundredth of the squared level the answer moves towards the mean
    of the targets: the best multiple of such weights, if the target is within its level of the
    mean, is S^2 / (S^2 + noise^2 risk).

    O(n d) for each of two to five looks at all rows, and O(k d^2) for each of some ten Newton
    steps on k rows.

    Source: Sacks, Ylvisaker, *Linear estimation for approximately linear models*, Annals of
    Statistics 1978; Donoho, *Statistical estimation and optimal recovery*, Annals of Statistics
    1994; Roll, Nazin, Ljung, *Nonlinear system identification via direct weight optimization*,
    Automatica 2005; Imbens, Wager, *Optimized regression discontinuity designs*, Review of
    Economics and Statistics 2019.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(size=(300, 2))
    >>> y = np.sin(4 * X[:, 0]) + X[:, 1] + rng.normal(0, 0.1, 300)
    >>> reg = hw.MinimaxRegressor().fit(X, y)
    >>> reg.predict([[0.5, 0.5]]).round(1), round(reg.noise_, 1)
    (array([1.4]), 0.1)
    >>> reg.local([[0.5, 0.5]]).verify(X)
    array([ True])
    """

    noise_: Any
    smoothness_: Any
    lipschitz_: Any
    lam_: float
    rho_: float
    unit_: float
    table_: list[dict[str, Any]]
    left_out_rows_: Indices
    left_out_errors_: Floats
    left_out_risks_: Floats
    _class: TargetClass
    _level_ratio: float
    _level_rows: Indices

    def __init__(
        self,
        *,
        metric: MetricOption | MetricOfRows = "std",
        duplicates: str = "mean",
        noise: Any = None,
        smoothness: Any = None,
        lipschitz: Any = None,
        level: float | None = 5.0,
        loss: str = "squared",
    ) -> None:
        super().__init__(metric=metric, duplicates=duplicates)  # type: ignore[arg-type]
        self.noise = noise
        self.smoothness = smoothness
        self.lipschitz = lipschitz
        self.level = level
        self.loss = loss

    # ---- fitting ------------------------------------------------------------------------------

    @own_errors("fitting the regressor")
    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Learn training rows X (n, d) and their targets y, (n,) or (n, k) numbers.

        Parameters
        ----------
        X : (n, d)
        y : (n,) or (n, k)
        groups : (n,), optional
            Which rows belong together: groups are left out as a whole.

        Raises
        ------
        DataError, DataTypeError
            For rows, targets or options that cannot be used.
        """
        if self.loss not in ("squared", "absolute"):
            raise DataError(f"loss={self.loss!r}: expected 'squared' or 'absolute'.")
        if self.level is not None and check_nonnegative("level", self.level) == 0:
            raise DataError("level=0: expected more than 0, or None.")
        return self._fit_rows(X, y, groups)

    def _read_metric(self, cloud: Cloud, table: Array, target: Floats) -> Metric:
        """That of the option where it is fixed; one that looks at targets is learnt with them."""
        option: Any = self.metric
        return cloud.metric(option if is_fixed(option) else "std")

    def _learn_targets(
        self, cloud: Cloud, metric: Metric, places: TrainingPlaces
    ) -> dict[str, Any]:
        constants = TargetConstants.of(self, places.targets.shape[1])
        choices = metric_choices(self.metric, cloud, metric, places)
        if len(choices) > 1 and constants.smoothness is not None:
            raise DataError("smoothness is in the metric's units: name the metric too, not 'auto'.")
        everything = np.arange(cloud.n)
        metric = choices[0].learn(everything)
        sample = LeftOutSample.of(cloud, places)
        lams, rhos = constants.ratios(MinimaxProblem.of(cloud, metric).unit)
        candidates: list[Candidate] = []
        if cloud.n > 1:
            is_absolute = self.loss == "absolute"
            candidates = compare_candidates(sample, choices, lams, rhos, is_absolute)
        rows, errors = sample.rows, np.zeros((0, places.targets.shape[1]))
        risks = np.zeros(0)
        if candidates or (cloud.n > 1 and lams is None):
            best = best_candidate(candidates)
            lam, rho = best.lam, best.rho
            metric = choices[best.metric].learn(everything) if best.metric else metric
            errors = places.targets[rows] - best.predictions
            risks = best.risk
            noise = np.sqrt(np.mean(np.square(errors) / (1 + risks)[:, None], axis=0))
        else:
            lam, rho, rows = 1.0 if lams is None else float(lams[0]), rhos[0], rows[:0]
            noise = np.zeros(places.targets.shape[1])
        unit = MinimaxProblem.of(cloud, metric).unit
        own = constants.target_class(metric, unit, lam, rho, noise)
        ratio, level_rows = target_level(self.level, cloud, places, own)
        single = places.targets.shape[1] == 1
        return {
            "metric_": metric,
            "lam_": own.lam,
            "rho_": own.rho,
            "unit_": own.unit,
            **{
                f"{name}_": float(values[0]) if single else values
                for name, values in (
                    ("noise", own.noise),
                    ("smoothness", own.smoothness),
                    ("lipschitz", own.lipschitz),
                )
            },
            "table_": [
                {"metric": choices[c.metric].name, "lam": c.lam, "rho": c.rho, "error": c.error}
                for c in candidates
            ],
            "left_out_rows_": rows,
            "left_out_errors_": errors[:, 0] if single else errors,
            "left_out_risks_": risks,
            "_class": own,
            "_level_ratio": ratio,
            "_level_rows": level_rows,
        }

    # ---- weights ------------------------------------------------------------------------------

    @property
    def _interpolates(self) -> bool:
        return self.lam_ < LEAST_NOISE_RATIO

    def _solve(self, Q: Floats, progress: Progress | None) -> tuple[MinimaxWeights, Floats]:
        """Minimax weights, and the share of each query that moves to the mean, (m,)."""
        ratio = self._level_ratio
        most_risk = ratio**2 / UNKNOWN_SHARE if np.isfinite(ratio) else np.inf
        problem = MinimaxProblem.of(self.cloud_, self.metric_)
        solved = problem.weigh(Q, self.lam_, self.rho_, most_risk, progress)
        with np.errstate(over="ignore", invalid="ignore"):
            excess = np.maximum(solved.dual[:, 0] / ratio**2 - FREE_RISK, 0.0)
            pull = excess / (1 + excess)
        pull[solved.outcome == MINIMAX_UNKNOWN] = 1.0
        return solved, np.where(np.isnan(pull), 1.0, pull)

    def _weigh(self, Q: Floats, progress: Progress | None) -> csr_array:
        if self._interpolates:
            return delaunay_weights(self.cloud_, Q, self.metric_, progress)
        solved, pull = self._solve(Q, progress)
        return move_to_level(solved.W, pull, self._level_rows)

    @own_errors("fitting about queries")
    def local(self, Q: Any, *, progress: Progress | None = None) -> MinimaxFits:
        """Value, slope, rows, risk and proof at each query of Q (m, d).

        The slopes cost O(k d^2) for k rows with a weight.
        """
        checked = self._queries(Q)
        values = checked.values.astype(np.float64)
        m, own = len(values), self._class
        if self._interpolates:
            W = delaunay_weights(self.cloud_, values, self.metric_, progress)
            dual = np.full((m, self.metric_.rank + 2), np.nan)
            pull, gap = np.zeros(m), np.full(m, np.nan)
            status = np.full(m, WeightStatus.INTERPOLATED, dtype=object)
        else:
            solved, pull = self._solve(values, progress)
            W, dual, gap = solved.W, solved.dual, solved.gap
            remote = (solved.outcome == MINIMAX_LOOSE) & (pull > REMOTE_PULL)
            outcome = np.where(remote, MINIMAX_UNKNOWN, solved.outcome)
            status = np.array([OUTCOME_STATUS[int(one)] for one in outcome], dtype=object)
        Y = self.y_.reshape(len(self.y_), -1)
        if self.averaging_ is not None:
            Y = np.asarray(self.averaging_ @ Y)
        fit = local_slopes(W, self.cloud_, values, own, Y)
        value = self.share_among_copies(move_to_level(W, pull, self._level_rows)) @ self.y_
        single = self.y_.ndim == 1
        return MinimaxFits(
            np.asarray(value),
            fit.slope[:, :, 0] if single else fit.slope,
            self.share_among_copies(W),
            pull,
            fit.risk,
            fit.reach,
            fit.moment,
            dual,
            gap,
            status,
            values,
            own,
            self._level_ratio * own.noise,
            self.unique_rows_,
            checked.row_names,
        )

    def bound(
        self,
        Q: Any,
        *,
        smoothness: Any = None,
        lipschitz: Any = None,
        noise: Any = None,
    ) -> ErrorBound:
        """How wrong the predictions at Q (m, d) can be, with the noise as a third term.

        Constants not named are those that were given or learnt; where slopes are free, 0.
        """
        own = self._class
        slopes = np.where(np.isfinite(own.lipschitz), own.lipschitz, 0.0)
        single = self.y_.ndim == 1
        chosen = [
            (value[0] if single else value) if option is None else option
            for option, value in ((smoothness, own.smoothness), (lipschitz, slopes))
        ]
        bound = super().bound(Q, smoothness=chosen[0], lipschitz=chosen[1])
        sizes = own.noise if noise is None else numbers_of_targets("noise", noise, len(own.noise))
        W = self.unique_row_weights(self._queries(Q).values.astype(np.float64))
        squares = csr_array((np.square(W.data), W.indices, W.indptr), shape=W.shape).sum(axis=1)
        error = np.sqrt(np.asarray(squares))[:, None] * sizes
        return replace(bound, noise=error[:, 0] if single else error)

    @own_errors("finding the hardest target")
    def hardest_target(self, q: Any, *, target: int = 0) -> HardestTarget:
        """The target that makes the weights at one query q, (d,) or (1, d), the best there are.

        Of all targets of the class the one that is largest at q while the rows show least of it; a
        function, to be drawn. `target` is its number where there are several.
        """
        fits = self.local(as_one_row(q))
        if len(fits) != 1:
            raise DataError(f"hardest_target takes one query: found {len(fits)} rows.")
        if not 0 <= target < len(self._class.noise):
            raise DataError(f"target={target}: there are {len(self._class.noise)}.")
        if fits.status[0] in (WeightStatus.REMOTE, WeightStatus.INTERPOLATED):
            raise DataError(f"no hardest target here: {fits.status[0].value}.")
        return hardest_target(fits, target, self.cloud_.rows.block(0, self.cloud_.n))

    def error_scale(self, Q: Floats) -> Floats:
        """(m,) how errors at checked queries grow, in units of the noise: `CalibratedRegressor`'s.

        The half width of a band for a row; one number serves all targets, which share the weights.
        """
        band = self.local(Q).band(ERROR_SCALE_COVERAGE)
        half = (band.width / 2).reshape(len(Q), -1)
        unit = self._class.noise
        j = int(np.argmax(unit))
        return half[:, j] / unit[j] if unit[j] > 0 else half[:, j]

    def remarks(self, Q: Floats) -> tuple[str, ...]:
        """What the weights are best for, and how many queries are far off."""
        own = self._class
        if self._interpolates:
            return ("There is nearly no noise: the Delaunay simplex around each query answers.",)
        noise, smoothness = ", ".join(f"{v:.4g}" for v in own.noise), own.smoothness
        bends = ", ".join(f"{v:.4g}" for v in smoothness)
        remark = (
            f"The weights are the best for noise of {noise} and targets that bend at most {bends}."
        )
        n_moved = int((self._solve(Q, None)[1] > 0.5).sum()) if len(Q) else 0
        if not n_moved:
            return (remark,)
        rows = "1 row is" if n_moved == 1 else f"{n_moved:,} rows are"
        return remark, f"{rows} so far off that mostly the mean of the targets answers."
