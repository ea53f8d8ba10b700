"""Bands around predictions: a stated coverage, and wider where the geometry is poor.

The error bound of `hullwise.error_bound` says how the error of a weighted average can grow with
the geometry of its rows, up to two constants of the target. Here the constants are fitted to
errors on rows left out, and the whole is stretched on further rows until it covers.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning

from .._core.caller import caller_stacklevel
from .._core.estimators import RegressorMixin
from .._core.foreign import own_errors
from .._core.options import check_fraction, check_int
from .._core.results import RowNames
from .._core.types import Array, Floats, Indices
from ..errors import DataError, DataTypeError, DataWarning
from ..geometry.cloud_estimator import CloudEstimator
from ..io.validation import LabelledArray, check_rows
from ._calibration_scale import conformal_factor, fit_scale
from ._calibration_split import SHAPE_ROWS, choose_calibration_rows, choose_folds, encode_groups
from ._duplicates import unique_rows
from .error_bound import error_bound
from .explanation import Explanation
from .interpolant import PREDICTION_BATCH, Interpolant
from .outlier_check import warn_of_outliers
from .prediction_band import Band
from .targets import as_one_row, numeric_target

__all__ = ["CalibratedRegressor"]


class CalibratedRegressor(RegressorMixin, CloudEstimator):
    """An interpolant with bands of stated coverage that widen where its geometry is poor.

    The half width at a query q with weights w is ``factor_ * u(q)``::

        u(q) = noise_ + lipschitz_ |sum w_i x_i - q| + smoothness_ / 2 sum |w_i| |x_i - q|^2

    the error bound of the weights plus a term for noise. The three constants are fitted to errors
    on training rows left out in turn, and kept large enough that u always grows with both
    distances; the factor is then the conformal quantile of ``|y - prediction| / u`` on calibration
    rows that nothing else has seen.

    Parameters
    ----------
    interpolant : Interpolant
        Whose predictions get bands; a copy is fitted.
    coverage : float
        Between 0 and 1.
    calibration : float
        Share of the rows (of the groups, where there are some) held out for the factor.
    random_state : int
        Seed of the split.

    Attributes
    ----------
    interpolant_ : Interpolant
        The fitted copy; it has not seen the calibration rows.
    training_rows_, calibration_rows_ : (n - c,) and (c,) intp
        Which rows it was fitted on, and which were held out.
    noise_, lipschitz_, smoothness_ : float
        Constants of u. They describe errors on this table, and are no bounds on the target.
    factor_ : float
        By how much u is stretched.
    scores_ : (c,)
        ``|y - prediction| / u`` of the calibration rows.
    cloud_ : Cloud
        The distinct rows that the interpolant was fitted on.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    Coverage: if the rows are exchangeable, as when drawn independently from one population, a new
    row from the same population lies in its band with a probability of at least `coverage`, for
    any number of rows, any interpolant and any target. That is an average over splits, tables and
    new rows: not a promise for each place, nor for queries drawn from elsewhere. There the band
    widens with the geometry, which is sensible and not guaranteed. With `groups` (recordings of
    one patient, say) the split keeps groups whole, and the promise is about a random row of a new
    group, if groups are exchangeable and so are the rows within each.

    It holds for the interpolant fitted without the calibration rows, which is therefore the one
    that predicts: it is not fitted again on all rows. Units (``metric="std"``, ``"range"``) are
    those of the rows it was fitted on. A metric that was learnt beforehand from all rows has seen
    the calibration rows, and nothing is promised then: pass the function that learns it, as
    ``DelaunayRegressor(metric=hullwise.metrics.agop_of_rows)``, which is called with the rows and
    targets of each fit alone.

    `fit` costs that of the interpolant six times, predictions for at most 1,000 left-out rows and
    the calibration rows, and a linear program on those 1,000.

    References
    ----------
    H. Papadopoulos, K. Proedrou, V. Vovk, A. Gammerman, "Inductive confidence machines for
    regression", ECML 2002 (split conformal prediction). Y. Lee, R. F. Barber, R. Willett,
    "Distribution-free inference with hierarchical data", 2023 (groups). R. Koenker, G. Bassett,
    "Regression quantiles", Econometrica 46, 1978 (the constants).

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(size=(400, 2))
    >>> y = np.sin(6 * X[:, 0]) + X[:, 1] + rng.normal(0, 0.05, 400)
    >>> model = hw.CalibratedRegressor(hw.DelaunayRegressor(), coverage=0.9).fit(X, y)
    >>> band = model.band([[0.5, 0.5], [0.5, 2.0]])
    >>> bool(band.width[1] > 2 * band.width[0])
    True
    """

    interpolant_: Interpolant
    training_rows_: Indices
    calibration_rows_: Indices
    noise_: float
    lipschitz_: float
    smoothness_: float
    factor_: float
    scores_: Floats
    labels_: Any
    _columns: tuple[str, ...] | None

    def __init__(
        self,
        interpolant: Interpolant,
        *,
        coverage: float = 0.9,
        calibration: float = 0.25,
        random_state: int = 0,
    ) -> None:
        self.interpolant = interpolant
        self.coverage = coverage
        self.calibration = calibration
        self.random_state = random_state

    @own_errors("fitting the regressor")
    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Learn training rows X (n, d) and targets y (n,), and calibrate on a part of them.

        Parameters
        ----------
        X : (n, d)
        y : (n,)
        groups : (n,), optional
            Which rows belong together, of any type that sorts; groups are never divided between
            fitting and calibration.

        Raises
        ------
        DataError, DataTypeError
            For rows or targets that cannot be used, and for too few calibration rows (or groups)
            for the coverage, saying how many are needed.
        """
        self._check_options()
        checked = check_rows(X)
        target = _single_target(y, len(checked.values))
        group = encode_groups(groups, len(target))
        self._check_rows(checked.values, checked.columns, target)
        rng = np.random.default_rng(check_int("random_state", self.random_state, 0))
        left_out = choose_calibration_rows(
            group,
            rng,
            float(self.calibration),
            float(self.coverage),
            "rows" if groups is None else "groups",
        )
        train, calibration = np.flatnonzero(~left_out), np.flatnonzero(left_out)
        fitted = self._fit_interpolant(checked, target, train)
        folds = choose_folds(train, group, rng, whole=groups is not None)
        constants = self._fit_constants(checked, target, train, folds, fitted)
        error, reach, moment = _errors(fitted, checked.values[calibration], target[calibration])
        scores = _scores(error, _error_scale(constants, reach, moment))
        _, code = np.unique(group[calibration], return_inverse=True)
        noise, lipschitz, smoothness = (float(c) for c in constants)
        self._set_fitted(
            X,
            fitted.cloud_,
            interpolant_=fitted,
            training_rows_=train,
            calibration_rows_=calibration,
            noise_=noise,
            lipschitz_=lipschitz,
            smoothness_=smoothness,
            scores_=scores,
            factor_=conformal_factor(scores, code, float(self.coverage)),
            labels_=checked.labels,
            _columns=checked.columns,
        )
        return self

    @own_errors("predicting bands")
    def band(self, Q: Any) -> Band:
        """Predictions and bands for queries Q (m, d)."""
        checked = self._queries(Q)
        prediction, reach, moment = _predict(self.interpolant_, checked.values.astype(np.float64))
        u = _error_scale(np.array([self.noise_, self.lipschitz_, self.smoothness_]), reach, moment)
        with np.errstate(invalid="ignore", over="ignore"):
            half = self.factor_ * u
        half[np.isnan(half)] = np.inf  # 0 times infinity: nothing is known
        lower, upper = prediction - half, prediction + half
        coverage = float(self.coverage)
        return Band(prediction, lower, upper, u, reach, moment, coverage, checked.row_names)

    @own_errors("predicting")
    def predict(self, Q: Any) -> Floats:
        """Predictions for queries Q (m, d), in the middle of their bands: (m,)."""
        values = self._values(Q)
        return np.asarray(self.interpolant_.predict(_with_columns(values, self._columns)))

    @own_errors("weighing rows")
    def weights(self, Q: Any) -> csr_array:
        """Weights of queries Q (m, d) over all n rows given to `fit`, 0 for those held out."""
        values = self._values(Q)
        W = self.interpolant_.row_weights(values)
        n = len(self.training_rows_) + len(self.calibration_rows_)
        rows = self.training_rows_[W.indices]
        return csr_array((W.data, rows, W.indptr), shape=(W.shape[0], n))

    @own_errors("explaining a prediction")
    def explain(self, q: Any) -> Explanation:
        """Which rows make the prediction at one query q, (d,) or (1, d): heaviest first."""
        checked = self._queries(as_one_row(q))
        why = self.interpolant_.explain(_with_columns(checked.values, self._columns))
        rows = self.training_rows_[why.rows]
        labels = None if self.labels_ is None else np.asarray(self.labels_)[rows]
        return replace(why, rows=rows, row_names=RowNames(labels, checked.frame_library))

    @own_errors("scoring predictions")
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R^2 of the predictions at X (m, d) against y (m,)."""
        target = numeric_target(y, len(self._queries(X).values))
        return float(super().score(X, target, sample_weight))

    def _values(self, Q: Any) -> Floats:
        return self._queries(Q).values.astype(np.float64)

    def _check_options(self) -> None:
        if not isinstance(self.interpolant, Interpolant):
            raise DataTypeError(
                f"interpolant is a {type(self.interpolant).__name__}: CalibratedRegressor needs "
                "the weights of an interpolant such as DelaunayRegressor()."
            )
        for name in ("coverage", "calibration"):
            check_fraction(name, getattr(self, name), ends=False)

    def _check_rows(self, X: Array, columns: tuple[str, ...] | None, y: Floats) -> None:
        """Warn or refuse once, with the numbers of the rows of the whole table."""
        warn_of_outliers(X, columns or [f"x{j}" for j in range(X.shape[1])])
        unique = unique_rows(X)
        if len(unique.first) < len(X):
            self.interpolant.check_duplicates(y, unique)

    def _fit_interpolant(self, checked: LabelledArray, y: Floats, rows: Indices) -> Interpolant:
        table = _with_columns(checked.values[rows], checked.columns)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # said before, about the whole table
            fitted: Interpolant = clone(self.interpolant).fit(table, y[rows])
        return fitted

    def _fit_constants(
        self,
        checked: LabelledArray,
        y: Floats,
        train: Indices,
        folds: list[tuple[Indices, Indices]],
        fitted: Interpolant,
    ) -> Floats:
        """The constants of u, from errors on training rows left out in turn."""
        parts = []
        for left_out, predicted in folds:
            rest = np.setdiff1d(train, left_out, assume_unique=True)
            model = self._fit_interpolant(checked, y, rest)
            parts.append(_errors(model, checked.values[predicted], y[predicted]))
        error, reach, moment = (np.concatenate(part) for part in zip(*parts))
        constants = np.full(3, np.nan)
        if np.isfinite(moment).all():
            slope = _typical_slopes(fitted, y[train])
            constants = fit_scale(error, reach, moment, float(self.coverage), slope)
        if not np.isfinite(constants).all():
            raise DataError(
                "squared distances between the rows, or errors over such, overflow: bring "
                'features and target to units near 1, or use metric="range" in the interpolant.'
            )
        return constants


def _typical_slopes(fitted: Interpolant, y: Floats) -> tuple[float, float]:
    """Lipschitz constant and smoothness of a target that varies once over the data."""
    cloud = fitted.cloud_
    rows = cloud.take(cloud.sample(SHAPE_ROWS))
    radius = float(np.median(fitted.metric_.norm(rows - cloud.mean)))
    deviation = float(np.median(np.abs(y - np.median(y)))) or float(np.abs(y - y.mean()).mean())
    if radius == 0:
        return np.inf, np.inf
    with np.errstate(over="ignore"):
        first, second = np.float64(deviation) / radius, 2 * np.float64(deviation) / radius / radius
    return float(first), float(second)


def _predict(fitted: Interpolant, Q: Floats) -> tuple[Floats, Floats, Floats]:
    """Prediction, reach and moment of each query."""
    starts = range(0, max(1, len(Q)), PREDICTION_BATCH)
    parts = [_predict_batch(fitted, Q[start : start + PREDICTION_BATCH]) for start in starts]
    prediction, reach, moment = (np.concatenate(part) for part in zip(*parts))
    return prediction, reach, moment


def _predict_batch(fitted: Interpolant, Q: Floats) -> tuple[Floats, Floats, Floats]:
    W = fitted.unique_row_weights(Q)
    bound = error_bound(W, fitted.cloud_, Q, smoothness=0.0, metric=fitted.metric_)
    prediction = fitted.share_among_copies(W) @ fitted.y_
    return np.asarray(prediction), bound.reach, bound.moment


def _errors(fitted: Interpolant, Q: Array, y: Floats) -> tuple[Floats, Floats, Floats]:
    """|y - prediction|, reach and moment of each row."""
    prediction, reach, moment = _predict(fitted, Q.astype(np.float64))
    return np.abs(y - prediction), reach, moment


def _error_scale(constants: Floats, reach: Floats, moment: Floats) -> Floats:
    noise, lipschitz, smoothness = constants
    with np.errstate(over="ignore"):
        return np.asarray(noise + lipschitz * reach + smoothness / 2 * moment)


def _scores(error: Floats, u: Floats) -> Floats:
    """error / u, where an error of 0 is none however small u is."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(error == 0, 0.0, error / u)


def _single_target(y: Any, n: int) -> Floats:
    target = numeric_target(y, n)
    if target.ndim == 1:
        return target
    if target.shape[1] != 1:
        raise DataError(
            f"y has shape {target.shape}: a band is about one target. Fit one "
            "CalibratedRegressor for each column."
        )
    warnings.warn(
        "A column-vector y was passed when a 1d array was expected: its column is taken.",
        DataConversionWarning,
        stacklevel=caller_stacklevel(),
    )
    return target[:, 0]


def _with_columns(values: Array, columns: tuple[str, ...] | None) -> Any:
    """A table with the names that the rows came with."""
    if columns is None:
        return values
    import pyarrow as pa

    return pa.table({name: values[:, j] for j, name in enumerate(columns)})
