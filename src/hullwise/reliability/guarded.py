"""A model that knows its domain: what it does with rows that are out is decided beforehand."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._core.caller import caller_stacklevel
from .._core.estimators import BaseEstimator
from .._core.foreign import own_errors
from .._core.results import UNNAMED_ROWS, Column, RowNames, RowResult, scatter
from .._core.types import Array, Floats, Indices, Mask, Objects
from .._core.wording import type_of
from ..domain.domain import Domain
from ..domain.domain_location import DomainLocation
from ..errors import DataError, DataTypeError, DataWarning, OutOfDomainError
from ..geometry.bands import BANDS
from ..io.mixed_table import read_mixed
from ._tables import named_table

ACTIONS = ("nan", "raise", "warn")
NAMED_ROWS = 5  # rows that are out, named in an error or a warning
Fallback = Callable[[Any], Any]


@dataclass(frozen=True, eq=False, repr=False)
class GuardedPrediction(RowResult):
    """Predictions with where their rows stand.

    Attributes
    ----------
    prediction : (m,) or (m, k)
        NaN (None for classes) where none was made.
    is_out : (m,) bool
        Whether the row was refused to the model.
    source : (m,) object
        "model", "fallback" or "none".
    location : DomainLocation

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> from sklearn.linear_model import LinearRegression
    >>> X = np.random.default_rng(0).uniform(size=(200, 2))
    >>> guarded = hw.Guarded(LinearRegression()).fit(X, X.sum(axis=1))
    >>> answers = guarded.predict_with_location([[0.5, 0.5], [0.5, 9.0]])
    >>> answers.source
    array(['model', 'none'], dtype=object)
    """

    prediction: Array
    is_out: Mask
    source: Objects
    location: DomainLocation
    row_names: RowNames = UNNAMED_ROWS

    def __len__(self) -> int:
        return len(self.is_out)

    def __repr__(self) -> str:
        counts = {name: int((self.source == name).sum()) for name in ("model", "fallback", "none")}
        by = ", ".join(f"{count} by the {name}" for name, count in counts.items() if count)
        return f"GuardedPrediction({len(self)} rows: {by.replace('by the none', 'not predicted')})"

    def _take(self, rows: Indices) -> GuardedPrediction:
        return replace(
            self,
            prediction=self.prediction[rows],
            is_out=self.is_out[rows],
            source=self.source[rows],
            location=self.location[rows],
            row_names=self.row_names.take(rows),
        )

    def _columns(self) -> Mapping[str, Column]:
        outputs = self.prediction.reshape(len(self), -1)
        names = ["prediction"] if outputs.shape[1] == 1 else range(outputs.shape[1])
        columns: dict[str, Column] = {
            name if isinstance(name, str) else f"prediction_{name}": outputs[:, j]
            for j, name in enumerate(names)
        }
        return {**columns, "source": self.source, "band": self.location.band} | {
            "status": self.location.status
        }


def _has(name: str) -> Callable[[Any], bool]:
    return lambda guarded: hasattr(guarded.model, name)


class Guarded(BaseEstimator):
    """A model that is asked only about rows inside its domain.

    Parameters
    ----------
    model : estimator
        Any scikit-learn estimator or pipeline.
    domain : Domain, optional
        Its settings; ``Domain()`` unless given. A domain and a model that are both fitted can be
        used as they are, without `fit`.
    on_out : {"nan", "raise", "warn"}, callable or fitted estimator
        What is done about a row that is out: no prediction (NaN, None for classes), an error that
        names the rows, the model's prediction with a warning, or the answer of a fallback, which is
        called with the rows that are out. The fallback may be the simulator itself.
    band : {"edge", "beyond", "far"}
        From which band on a row is out. Rows without a band are out.
    learn : bool
        Keep the rows that the fallback answered, with its answers: `refit` learns from them.

    Attributes
    ----------
    model_, domain_
        Fitted.
    learnt_rows_, learnt_targets_ : list
        What the fallback answered since the last `fit` or `refit`.

    Notes
    -----
    `predict` costs `Domain.locate` and the model's own prediction. To keep it, save the model as
    you do and the domain beside it: ``Guarded(model, hullwise.load("seen.hull"))`` predicts.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> from sklearn.linear_model import LinearRegression
    >>> X = np.random.default_rng(0).uniform(size=(200, 2))
    >>> guarded = hw.Guarded(LinearRegression()).fit(X, X.sum(axis=1))
    >>> guarded.predict([[0.5, 0.5], [0.5, 9.0]]).round(6)
    array([ 1., nan])
    >>> guarded.predict_with_location([[0.5, 0.5], [0.5, 9.0]])
    GuardedPrediction(2 rows: 1 by the model, 1 not predicted)
    >>> guarded.set_params(on_out=lambda rows: np.sum(rows, axis=1)).predict([[0.5, 9.0]])
    array([9.5])
    """

    model_: Any
    domain_: Domain
    learnt_rows_: list[Any]
    learnt_targets_: list[Any]

    def __init__(
        self,
        model: Any,
        domain: Domain | None = None,
        *,
        on_out: str | Fallback | Any = "nan",
        band: str = "far",
        learn: bool = False,
    ) -> None:
        self.model = model
        self.domain = domain
        self.on_out = on_out
        self.band = band
        self.learn = learn

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.model)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        tags.target_tags = inner.target_tags
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        try:
            self._parts()
        except NotFittedError:
            return False
        return True

    def fit(self, X: Any, y: Any, **fit_params: Any) -> Guarded:
        """Fit model and domain on training rows X (n, d), any table, and targets y.

        Raises
        ------
        DataError, DataTypeError
            Options or rows that cannot be used.
        """
        self._check_options()
        domain = (Domain() if self.domain is None else self.domain).unfitted()
        with own_errors("fitting the model"):
            model = clone(self.model).fit(X, y, **fit_params)
        domain.fit(named_table(X))
        self.model_, self.domain_ = model, domain
        for name in ("n_features_in_", "feature_names_in_", "classes_"):
            if hasattr(model, name):
                setattr(self, name, getattr(model, name))
        self._training = (X, y) if self.learn else None
        self.learnt_rows_, self.learnt_targets_ = [], []
        return self

    def refit(self) -> Guarded:
        """Fit again with the rows that the fallback answered beside the training rows.

        Raises
        ------
        DataError
            ``learn=True`` was not set when it was fitted.
        """
        training = getattr(self, "_training", None)
        if training is None:
            raise DataError("refit needs the training rows: fit with learn=True.")
        X, y = training
        if not self.learnt_rows_:
            return self
        rows = _stacked([X, *self.learnt_rows_])
        return self.fit(rows, np.concatenate([np.asarray(y), *self.learnt_targets_]))

    def predict(self, X: Any) -> Array:
        """Predictions for rows X (m, d); those that are out as `on_out` says.

        Raises
        ------
        OutOfDomainError
            With ``on_out="raise"``, naming the rows that are out and why.
        """
        return self.predict_with_location(X).prediction

    def predict_with_location(self, X: Any) -> GuardedPrediction:
        """The predictions, with where each row stands and who answered."""
        model, _ = self._parts()
        self._check_options()
        location = self._locate(X)
        out = location.at_least(self.band)
        if self.on_out == "raise" and out.any():
            raise OutOfDomainError(f"{_rows_out(location, out)} Nothing is predicted.")
        if self.on_out == "warn" and out.any():
            warnings.warn(
                f"{_rows_out(location, out)} Predicted all the same.",
                DataWarning,
                stacklevel=caller_stacklevel(),
            )
        by_model = np.ones(len(out), dtype=bool) if self.on_out == "warn" else ~out
        answers, source = [], np.full(len(out), "none", dtype=object)
        if by_model.any() or not len(out):
            with own_errors("predicting with the model"):
                answers.append((by_model, np.asarray(model.predict(_rows_of(X, by_model)))))
            source[by_model] = "model"
        rest = ~by_model
        if rest.any() and not isinstance(self.on_out, str):
            answers.append((rest, self._ask_fallback(_rows_of(X, rest), int(rest.sum()))))
            source[rest] = "fallback"
        prediction = _merged(answers, len(out), is_classifier(model))
        return GuardedPrediction(prediction, out, source, location, location.row_names)

    @available_if(_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Floats:
        """Class shares (m, k) for rows X; NaN for rows that are out, whatever `on_out` says."""
        model, _ = self._parts()
        inside = ~self._locate(X).at_least(self.band)
        if not inside.any():
            return np.full((len(inside), len(model.classes_)), np.nan)
        shares = np.asarray(model.predict_proba(_rows_of(X, inside)), dtype=np.float64)
        return scatter(shares, inside, np.nan)

    def score(self, X: Any, y: Any) -> float:
        """The model's own score over the rows that get a prediction; NaN where none does."""
        model, _ = self._parts()
        inside = ~self._locate(X).at_least(self.band)
        if self.on_out == "warn":
            inside[:] = True
        if not inside.any():
            return float("nan")
        truth = np.asarray(y)
        if len(truth) != len(inside):
            raise DataError(
                f"X and y have inconsistent numbers of samples: X has {len(inside)} rows, y has "
                f"{len(truth)}"
            )
        with own_errors("scoring predictions"):
            return float(model.score(_rows_of(X, inside), truth[inside]))

    def _parts(self) -> tuple[Any, Domain]:
        """The fitted model and domain: this estimator's own, or those that it was made of."""
        if hasattr(self, "model_"):
            return self.model_, self.domain_
        check_is_fitted(self.model)
        if self.domain is None or not hasattr(self.domain, "fitted_"):
            raise NotFittedError(
                "this Guarded is not fitted: call fit, or make it of a fitted model and a fitted "
                "Domain."
            )
        return self.model, self.domain

    def _locate(self, X: Any) -> DomainLocation:
        _, domain = self._parts()
        table = named_table(X)
        shape: tuple[int, ...] = () if hasattr(table, "columns") else getattr(table, "shape", ())
        expected = getattr(self, "n_features_in_", None)
        if len(shape) == 2 and expected is not None and shape[1] != expected:
            raise DataError(
                f"X has {shape[1]} features, but {type(self).__name__} is expecting {expected} "
                "features as input."
            )
        return domain.locate(table)

    def _check_options(self) -> None:
        if self.band not in BANDS[1:]:
            raise DataError(f"band={self.band!r}: expected {', '.join(BANDS[1:])}.")
        if isinstance(self.on_out, str):
            if self.on_out not in ACTIONS:
                raise DataError(
                    f"on_out={self.on_out!r}: expected {', '.join(ACTIONS)}, a function or a "
                    "fitted estimator."
                )
        elif not callable(self.on_out) and not hasattr(self.on_out, "predict"):
            raise DataTypeError(
                f"on_out is {type_of(self.on_out)}: expected a word, a function or a "
                "fitted estimator."
            )
        if not (is_regressor(self.model) or is_classifier(self.model)):
            raise DataTypeError(
                f"model is {type_of(self.model)}: expected a regressor or a classifier."
            )

    def _ask_fallback(self, rows: Any, n: int) -> Array:
        ask: Any = getattr(self.on_out, "predict", self.on_out)
        answers = np.asarray(ask(rows))
        if len(np.atleast_1d(answers)) != n:
            raise DataError(
                f"the fallback answered with shape {answers.shape} for {n} rows: expected one "
                "answer for each."
            )
        if self.learn and hasattr(self, "model_"):
            self.learnt_rows_.append(rows)
            self.learnt_targets_.append(answers)
        return answers


def _merged(answers: list[tuple[Mask, Array]], m: int, classes: bool) -> Array:
    """One array of all predictions; NaN, or None for classes, where there is none."""
    covered = sum(int(mask.sum()) for mask, _ in answers)
    if len(answers) == 1 and covered == m:
        return answers[0][1]
    shape = answers[0][1].shape[1:] if answers else ()
    if classes and covered < m:
        merged: Array = np.full((m, *shape), None, dtype=object)
    else:
        kinds = [values.dtype for _, values in answers]
        missing = [np.dtype(np.float64)] if covered < m else []
        merged = np.empty((m, *shape), dtype=np.result_type(*kinds, *missing))
        merged[...] = np.nan if covered < m else merged
    for mask, values in answers:
        merged[mask] = values.reshape(-1, *shape)
    return merged


def _rows_out(location: DomainLocation, out: Mask) -> str:
    """The rows that are out, named, the first with its reason."""
    rows = np.flatnonzero(out)
    names = [str(row if location.labels is None else location.labels[row]) for row in rows]
    more = ", ..." if len(rows) > NAMED_ROWS else ""
    listed = ", ".join(names[:NAMED_ROWS]) + more
    return (
        f"{len(rows):,} of {len(out):,} rows are out of the domain (row{'s' * (len(rows) > 1)} "
        f"{listed}); row {names[0]}: {_reason(location, int(rows[0]))}."
    )


def _reason(location: DomainLocation, row: int) -> str:
    """Its band, and what pushes it out where its sentence does not name a column."""
    band, status = location.band[row], location.status[row].removesuffix(".")
    pushed = location.pushed_out_by(3)[row]
    reason = status if status.startswith(band) else f"{band}. {status}"
    if not pushed:
        return reason
    amounts = ", ".join(f"{name} by {amount:+.4g}" for name, amount in pushed)
    return f"{reason}. Out by: {amounts}"


def _rows_of(X: Any, mask: Mask) -> Any:
    """Some rows of a table, in its own kind."""
    if mask.all() and hasattr(X, "shape"):
        return X
    if isinstance(X, list) and X and isinstance(X[0], Mapping):
        return [row for row, picked in zip(X, mask.tolist()) if picked]
    from sklearn.utils import _safe_indexing

    return _safe_indexing(X if hasattr(X, "shape") else np.asarray(X), np.flatnonzero(mask))


def _stacked(tables: list[Any]) -> Any:
    """Tables of one kind, one below the other."""
    if not hasattr(tables[0], "columns"):
        return np.concatenate([np.asarray(table) for table in tables])
    import pyarrow as pa

    stacked = pa.concat_tables(
        [read_mixed(table).arrow for table in tables], promote_options="permissive"
    )
    return stacked.to_pandas()
