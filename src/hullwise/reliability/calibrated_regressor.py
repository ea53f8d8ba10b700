"""Bands around predictions: a stated coverage, and wider where rows are far from the data.

How the error of a prediction can grow with the geometry of its rows is known up to constants of the
target. Here the constants are fitted to errors on rows left out, and the whole is stretched on
further rows until it covers.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import is_regressor
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.validation import check_is_fitted

from .._core.caller import caller_stacklevel
from .._core.estimators import RegressorMixin
from .._core.foreign import own_errors
from .._core.options import check_fraction, check_int
from .._core.results import RowNames
from .._core.types import Floats, Indices
from .._core.wording import type_of
from ..domain.domain import Domain
from ..errors import DataError, DataTypeError
from ..geometry.cloud_estimator import RowsEstimator
from ..io.mixed_table import read_mixed
from ..io.validation import check_rows
from ..predict.explanation import Explanation
from ..predict.interpolant import Interpolant
from ..predict.targets import as_one_row, encode_groups, numeric_target
from ._calibrated_fits import (
    CalibrationTable,
    InterpolantTable,
    ModelTable,
    Terms,
    with_columns,
)
from ._calibrated_fitting import (
    Calibration,
    calibrate_by_folds,
    calibrate_by_split,
    error_scales,
)
from ._calibration_scale import cross_conformal_limits
from ._tables import domain_of, frame_or_numbers, named_table
from .prediction_band import Band

__all__ = ["CalibratedRegressor"]

Method = Literal["split", "cv+", "jackknife+"]
BAND_BLOCK = 2**22  # entries of queries times training rows at once


class CalibratedRegressor(RegressorMixin, RowsEstimator):
    """Any regressor, with bands of stated coverage that widen where rows are far from the data.

    The half width at a query q is ``factor_ * u(q)``. For an interpolant with weights w ::

        u(q) = noise_ + lipschitz_ |sum w_i x_i - q| + smoothness_ / 2 sum |w_i| |x_i - q|^2

    the error bound of the weights plus a term for noise; `MinimaxRegressor` has its own u, the half
    width of its band, and only the factor is fitted. For any other regressor ::

        u(q) = noise_ + lipschitz_ D(q) + smoothness_ N(q)

    with D the distance to the hull of its training rows and N that to their fifth nearest row, as a
    `Domain` measures them. The three constants are fitted to errors on training rows left out in
    turn, and kept large enough that u always grows with both distances; the factor is then the
    conformal quantile of ``|y - prediction| / u`` on rows that nothing else has seen.

    Parameters
    ----------
    regressor : estimator
        Whose predictions get bands; copies are fitted.
    coverage : float
        Between 0 and 1.
    calibration : float
        For "split": share of the rows (of the groups) held out for the factor.
    method : {"split", "cv+", "jackknife+"}
        "split" holds rows out once; "cv+" leaves folds out in turn and uses every row for both;
        "jackknife+" is "cv+" with a fold for each row (or group).
    n_folds : int
        For "cv+".
    joint : bool
        For several targets: all of them are in their bands at once with the stated coverage, not
        each by itself.
    domain : Domain, optional
        Settings for the distances of a regressor that is no interpolant.
    random_state : int
        Seed of the split or the folds.

    Attributes
    ----------
    regressor_ : estimator
        The fitted copy that predicts: with "split" it has not seen the calibration rows.
    training_rows_, calibration_rows_ : intp
        Which rows it was fitted on, and which were held out.
    noise_, lipschitz_, smoothness_ : float, or (k,) for several targets
        Constants of u. They describe errors on this table, and are no bounds on the target.
    factor_ : float or (k,)
        By how much u is stretched; NaN for "cv+" and "jackknife+", where each row has its own.
    scores_ : (c,) or (c, k)
        ``|y - prediction| / u`` of the calibration rows, or of all rows left out.
    cloud_ : Cloud
        Of an interpolant: the distinct rows that it was fitted on.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    Coverage: if the rows are exchangeable, as when drawn independently from one population, a new
    row from the same population lies in its band with a probability of at least `coverage`, for
    any number of rows, any regressor and any target; with "cv+" and "jackknife+" of at least
    ``2 coverage - 1``, and in practice about `coverage`. That is an average over splits, tables and
    new rows: not a promise for each place, nor for queries drawn from elsewhere. There the band
    widens with the distance, which is sensible and not guaranteed. With `groups` (recordings of
    one patient, say) groups are kept whole, and the promise is about a random row of a new
    group, if groups are exchangeable and so are the rows within each.

    With "split" it holds for the regressor fitted without the calibration rows, which is therefore
    the one that predicts. Units (``metric="std"``, ``"range"``) are those of the rows it was fitted
    on. A metric that was learnt beforehand from all rows has seen the calibration rows, and nothing
    is promised then: pass the function that learns it, as
    ``DelaunayRegressor(metric=hullwise.metrics.agop_of_rows)``, which is called with the rows and
    targets of each fit alone.

    `fit` costs that of the regressor six times with "split", and four times for each fold else,
    predictions for the rows left out, and a linear program on at most 1,000.

    References
    ----------
    H. Papadopoulos, K. Proedrou, V. Vovk, A. Gammerman, "Inductive confidence machines for
    regression", ECML 2002 (split conformal prediction). R. F. Barber, E. Candes, A. Ramdas, R.
    Tibshirani, "Predictive inference with the jackknife+", Annals of Statistics 49, 2021 (theorems
    1 and 4). Y. Lee, R. F. Barber, R. Willett, "Distribution-free inference with hierarchical
    data", 2023 (groups). R. Koenker, G. Bassett, "Regression quantiles", Econometrica 46, 1978 (the
    constants).

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(size=(400, 2))
    >>> y = np.sin(6 * X[:, 0]) + X[:, 1] + rng.normal(0, 0.05, 400)
    >>> for regressor in (hw.DelaunayRegressor(), RandomForestRegressor(50, random_state=0)):
    ...     band = hw.CalibratedRegressor(regressor).fit(X, y).band([[0.5, 0.5], [0.5, 2.0]])
    ...     print(bool(band.width[1] > 2 * band.width[0]))
    True
    True
    """

    regressor_: Any
    training_rows_: Indices
    calibration_rows_: Indices
    noise_: Any
    lipschitz_: Any
    smoothness_: Any
    factor_: Any
    scores_: Floats
    labels_: Any
    _columns: tuple[str, ...] | None
    _calibrated: Calibration

    def __init__(
        self,
        regressor: Any,
        *,
        coverage: float = 0.9,
        calibration: float = 0.25,
        method: Method = "split",
        n_folds: int = 10,
        joint: bool = False,
        domain: Domain | None = None,
        random_state: int = 0,
    ) -> None:
        self.regressor = regressor
        self.coverage = coverage
        self.calibration = calibration
        self.method = method
        self.n_folds = n_folds
        self.joint = joint
        self.domain = domain
        self.random_state = random_state

    # ---- fitting ------------------------------------------------------------------------------

    @own_errors("fitting the regressor")
    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Learn training rows X (n, d) and targets y (n,) or (n, k), and calibrate.

        Parameters
        ----------
        X : (n, d) array, or for a pipeline any data frame
        y : (n,) or (n, k)
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
        table, target = self._read(X, y)
        group = encode_groups(groups, len(target))
        rng = np.random.default_rng(check_int("random_state", self.random_state, 0))
        whole = groups is not None
        if whole:
            table.group = group
        coverage = float(self.coverage)
        if self.method == "split":
            share = float(self.calibration)
            calibrated = calibrate_by_split(
                table, target, group, rng, whole, coverage, share, self.joint
            )
        else:
            n_folds = self.n_folds if self.method == "cv+" else None
            calibrated = calibrate_by_folds(table, target, group, rng, whole, coverage, n_folds)
        self._keep(X, table, calibrated)
        return self

    def _read(self, X: Any, y: Any) -> tuple[CalibrationTable, Floats]:
        if isinstance(self.regressor, Interpolant):
            checked = check_rows(X)
            target = _targets(y, len(checked.values))
            return InterpolantTable(self.regressor, checked, target), target
        table = frame_or_numbers(X)
        target = _targets(y, int(table.shape[0]))
        return ModelTable(self.regressor, domain_of(self.domain, table, reference=0), table), target

    def _keep(self, X: Any, table: CalibrationTable, calibrated: Calibration) -> None:
        """Set everything that was learnt, at once and last, so that an error changes nothing."""
        single = calibrated.scores.shape[1] == 1
        constants = calibrated.fits[0][1]
        fitted: dict[str, Any] = {
            name: float(constants[0, j]) if single else constants[:, j]
            for j, name in enumerate(("noise_", "lipschitz_", "smoothness_"))
        }
        fitted |= {
            "regressor_": calibrated.model,
            "training_rows_": calibrated.training,
            "calibration_rows_": calibrated.calibration,
            "scores_": calibrated.scores[:, 0] if single else calibrated.scores,
            "factor_": float(calibrated.factors[0]) if single else calibrated.factors,
            "_calibrated": calibrated,
        }
        if isinstance(table, InterpolantTable):
            cloud = calibrated.model.cloud_
            fitted |= {"labels_": table.checked.labels, "_columns": table.checked.columns}
            self._set_fitted(X, cloud, cloud_=cloud, **fitted)
            return
        for name, value in fitted.items():
            setattr(self, name, value)
        self.labels_, self._columns = None, None
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(calibrated.model, name):
                setattr(self, name, getattr(calibrated.model, name))

    # ---- asking -------------------------------------------------------------------------------

    @own_errors("predicting bands")
    def band(self, Q: Any) -> Band:
        """Predictions and bands for queries Q (m, d)."""
        rows, names = self._as_rows(Q)
        if self.method == "split":
            fitted, constants, _ = self._calibrated.fits[0]
            terms = fitted.terms(rows)
            u = error_scales(constants, terms)
            with np.errstate(invalid="ignore", over="ignore"):
                half = (
                    np.broadcast_to(np.atleast_1d(self.factor_), (self._calibrated.n_targets,)) * u
                )
            half[np.isnan(half)] = np.inf  # 0 times infinity: nothing is known
            prediction = terms.prediction
            lower, upper = prediction - half, prediction + half
        else:
            prediction, lower, upper, u, terms = self._cross_limits(rows)
        return Band(
            self._shaped(prediction),
            self._shaped(lower),
            self._shaped(upper),
            self._shaped(u),
            terms.reach,
            terms.moment,
            float(self.coverage),
            names,
        )

    def _cross_limits(self, rows: Any) -> tuple[Floats, Floats, Floats, Floats, Terms]:
        """Limits of "cv+": quantiles over the training rows of prediction -+ score * u."""
        calibrated = self._calibrated
        scores, k = calibrated.scores, calibrated.n_targets
        parts = [(fit.terms(rows), constants, own) for fit, constants, own in calibrated.fits]
        scales = [error_scales(constants, t) for t, constants, _ in parts]
        m = len(scales[0])
        lower, upper = np.empty((m, k)), np.empty((m, k))
        for block in _blocks(m, len(scores)):
            for j in range(k):
                own_scores = scores.max(axis=1) if self.joint else scores[:, j]
                low, high = np.empty((len(block), len(scores))), np.empty((len(block), len(scores)))
                for (terms, _, own), scale in zip(parts, scales):
                    with np.errstate(invalid="ignore", over="ignore"):
                        half = scale[block, j, None] * own_scores[own]
                    half[np.isnan(half)] = np.inf
                    low[:, own] = terms.prediction[block, j, None] - half
                    high[:, own] = terms.prediction[block, j, None] + half
                lower[block, j], upper[block, j] = cross_conformal_limits(
                    low, high, calibrated.group, float(self.coverage)
                )
        prediction = np.asarray(self.regressor_.predict(rows)).reshape(m, k)
        return prediction, lower, upper, np.median(scales, axis=0), parts[0][0]

    @own_errors("predicting")
    def predict(self, Q: Any) -> Floats:
        """Predictions for queries Q (m, d), in the middle of their bands: (m,) or (m, k)."""
        rows, _ = self._as_rows(Q)
        return np.asarray(self.regressor_.predict(rows))

    @own_errors("weighing rows")
    def weights(self, Q: Any) -> csr_array:
        """Weights of queries Q (m, d) over all n rows given to `fit`, 0 for those held out.

        Of an interpolant only.
        """
        self._check_interpolant("weights")
        W = self.regressor_.row_weights(self._queries(Q).values.astype(np.float64))
        n = len(self.training_rows_) + len(self.calibration_rows_)
        rows = self.training_rows_[W.indices]
        return csr_array((W.data, rows, W.indptr), shape=(W.shape[0], n))

    @own_errors("explaining a prediction")
    def explain(self, q: Any) -> Explanation:
        """Which rows make the prediction at one query q, (d,) or (1, d): heaviest first.

        Of an interpolant only.
        """
        self._check_interpolant("explain")
        checked = self._queries(as_one_row(q))
        why: Explanation = self.regressor_.explain(with_columns(checked.values, self._columns))
        rows = self.training_rows_[why.rows]
        labels = None if self.labels_ is None else np.asarray(self.labels_)[rows]
        return replace(why, rows=rows, row_names=RowNames(labels, checked.frame_library))

    @own_errors("scoring predictions")
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R^2 of the predictions at X (m, d) against y (m,)."""
        rows, _ = self._as_rows(X)
        m = rows.shape[0] if hasattr(rows, "shape") else len(rows)
        return float(super().score(X, numeric_target(y, m), sample_weight))

    def _as_rows(self, Q: Any) -> tuple[Any, RowNames]:
        """Queries as the regressor takes them, and what they are called."""
        check_is_fitted(self)
        if isinstance(self.regressor, Interpolant):
            checked = self._queries(Q)
            values = checked.values.astype(np.float64)
            return with_columns(values, self._columns), checked.row_names
        table = named_table(Q)
        if hasattr(table, "columns"):
            return table, RowNames(read_mixed(table).labels, None)
        checked = self._queries(table)
        return checked.values, checked.row_names

    def _shaped(self, values: Floats) -> Floats:
        return values[:, 0] if self._calibrated.n_targets == 1 else values

    def _check_interpolant(self, what: str) -> None:
        if not isinstance(self.regressor, Interpolant):
            raise DataTypeError(
                f"{what} needs the weights of an interpolant such as DelaunayRegressor(), and the "
                f"regressor is {type_of(self.regressor)}."
            )

    def _check_options(self) -> None:
        if isinstance(self.regressor, type) or not (
            hasattr(self.regressor, "fit") and is_regressor(self.regressor)
        ):
            raise DataTypeError(
                f"regressor is {type_of(self.regressor)}: CalibratedRegressor needs a "
                "regressor; CalibratedClassifier takes classifiers."
            )
        if self.method not in ("split", "cv+", "jackknife+"):
            raise DataError(f"method={self.method!r}: expected 'split', 'cv+' or 'jackknife+'.")
        check_int("n_folds", self.n_folds, 2)
        for name in ("coverage", "calibration"):
            check_fraction(name, getattr(self, name), ends=False)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _blocks(m: int, n: int) -> Iterator[Indices]:
    size = max(1, BAND_BLOCK // max(n, 1))
    for start in range(0, m, size):
        yield np.arange(start, min(start + size, m))


def _targets(y: Any, n: int) -> Floats:
    """(n, k) float64."""
    target = numeric_target(y, n)
    if target.ndim == 2 and target.shape[1] == 1:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected: its column is taken.",
            DataConversionWarning,
            stacklevel=caller_stacklevel(),
        )
    return target.reshape(n, -1)
