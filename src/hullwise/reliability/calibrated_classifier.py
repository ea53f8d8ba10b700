"""Sets of classes that hold the right one with a stated probability, and grow off the data."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_is_fitted

from .._core.estimators import BaseEstimator, ClassifierMixin
from .._core.foreign import own_errors
from .._core.options import check_fraction, check_int
from .._core.results import UNNAMED_ROWS, Column, RowNames, RowResult
from .._core.types import Array, Floats, Indices, Mask
from .._core.wording import type_of
from ..domain.domain import Domain
from ..errors import DataError, DataTypeError, DataWarning
from ..geometry.bands import BEYOND
from ..io.mixed_table import read_mixed
from ..predict.targets import encode_classes, encode_groups
from ._calibration_scale import conformal_factor
from ._calibration_split import choose_calibration_rows
from ._tables import domain_of, frame_or_numbers

__all__ = ["CalibratedClassifier", "ClassSets"]


@dataclass(frozen=True, eq=False, repr=False)
class ClassSets(RowResult):
    """For each of m queries the classes that may be right.

    Attributes
    ----------
    members : (m, k) bool
    classes : (k,)
    prediction : (m,)
        The model's own.
    probabilities : (m, k)
        The model's shares of the classes.
    coverage : float

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> y = np.where(X[:, 0] > 0, "right", "left")
    >>> model = hw.CalibratedClassifier(LogisticRegression()).fit(X, y)
    >>> model.sets([[2.0, 0.0], [40.0, 90.0]]).to_dict()["set"]
    [['right'], ['left', 'right']]
    """

    members: Mask
    classes: Array
    prediction: Array
    probabilities: Floats
    coverage: float
    row_names: RowNames = UNNAMED_ROWS

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        mean = f"{self.members.sum(axis=1).mean():.2f}" if len(self) else "unknown"
        return f"ClassSets({len(self)} queries, coverage {self.coverage:g}, mean size {mean})"

    @property
    def size(self) -> Indices:
        """(m,) number of classes in each set."""
        return np.asarray(self.members.sum(axis=1), dtype=np.intp)

    def _take(self, rows: Indices) -> ClassSets:
        return replace(
            self,
            members=self.members[rows],
            prediction=self.prediction[rows],
            probabilities=self.probabilities[rows],
            row_names=self.row_names.take(rows),
        )

    def _columns(self) -> Mapping[str, Column]:
        sets = [self.classes[row].tolist() for row in self.members]
        return {"prediction": self.prediction, "size": self.size, "set": sets}


class CalibratedClassifier(ClassifierMixin, BaseEstimator):
    """Any classifier with shares of classes, and sets that hold the right class as often as stated.

    A set holds the classes whose share p is at least ``threshold_ - b(q)``, and always the most
    probable one. The threshold is the conformal quantile over rows held out. The bonus is
    ``b(q) = max(D / e - 1, 0) / k`` for k classes, D the distance to the hull of the training rows
    and e that within which 95 % of training rows left out stay: 0 where rows usually are, and so
    large far away that no class is excluded, however sure the model.

    Parameters
    ----------
    classifier : estimator
        With `predict_proba`; a copy is fitted.
    coverage : float
        Between 0 and 1.
    calibration : float
        Share of the rows (of the groups) held out.
    domain : Domain, optional
        Settings for the distances.
    random_state : int

    Attributes
    ----------
    classifier_ : estimator
        It has not seen the calibration rows.
    domain_ : Domain
        Of the rows it was fitted on.
    threshold_ : float
    classes_ : (k,)
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    Coverage: if the rows are exchangeable, the right class of a new row is in its set with a
    probability of at least `coverage`, for any classifier and any distribution; on average, not for
    each class or place, and not for queries drawn from elsewhere. With `groups` for a random row of
    a new group. A class that no fitted row has is never in a set: such rows count against the
    threshold. Costs one fit of the classifier and of a domain.

    References
    ----------
    M. Sadinle, J. Lei, L. Wasserman, "Least ambiguous set-valued classifiers with bounded error
    levels", Journal of the American Statistical Association 114, 2019 (the case without bonus).

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> y = np.where(X[:, 0] > 0, "right", "left")
    >>> hw.CalibratedClassifier(LogisticRegression()).fit(X, y).sets([[2.0, 0.0], [0.02, 0.0]])
    ClassSets(2 queries, coverage 0.9, mean size 1.00)
    """

    classifier_: Any
    domain_: Domain
    threshold_: float
    classes_: Array
    _edge: float

    def __init__(
        self,
        classifier: Any,
        *,
        coverage: float = 0.9,
        calibration: float = 0.25,
        domain: Domain | None = None,
        random_state: int = 0,
    ) -> None:
        self.classifier = classifier
        self.coverage = coverage
        self.calibration = calibration
        self.domain = domain
        self.random_state = random_state

    @own_errors("fitting the classifier")
    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Learn training rows X (n, d), any table, and labels y (n,), and calibrate on a part.

        Raises
        ------
        DataError, DataTypeError
            Rows or labels that cannot be used, or too few calibration rows for the coverage.
        """
        if isinstance(self.classifier, type) or not (
            hasattr(self.classifier, "fit") and is_classifier(self.classifier)
        ):
            raise DataTypeError(
                f"classifier is {type_of(self.classifier)}: expected a classifier with "
                "predict_proba."
            )
        for name in ("coverage", "calibration"):
            check_fraction(name, getattr(self, name), ends=False)
        table = frame_or_numbers(X)
        classes, code = encode_classes(y)
        if len(code) != int(table.shape[0]):
            raise DataError(f"X has {table.shape[0]} rows and y {len(code)}: expected as many.")
        group = encode_groups(groups, len(code))
        rng = np.random.default_rng(check_int("random_state", self.random_state, 0))
        left_out = choose_calibration_rows(
            group,
            rng,
            float(self.calibration),
            float(self.coverage),
            "rows" if groups is None else "groups",
        )
        train, held_out = np.flatnonzero(~left_out), np.flatnonzero(left_out)
        rows = _safe_indexing(table, train)
        model = clone(self.classifier).fit(rows, classes[code[train]])
        if not hasattr(model, "predict_proba"):
            raise DataTypeError(f"{type(model).__name__} has no predict_proba.")
        domain = domain_of(self.domain, table)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            domain.fit(rows)
        pattern = domain.fitted_.pattern(domain.fitted_.every_column)
        distances = np.zeros(1) if pattern is None else pattern.reference.hull
        self.classifier_, self.domain_, self.classes_ = model, domain, model.classes_
        self._edge = float(np.quantile(distances, BEYOND / 100)) if len(distances) else 0.0
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(model, name):
                setattr(self, name, getattr(model, name))
        shares, bonus = self._shares(_safe_indexing(table, held_out))
        scores = _scores(shares, bonus, classes[code[held_out]], self.classes_)
        _, calibration_group = np.unique(group[held_out], return_inverse=True)
        factor = conformal_factor(scores, calibration_group, float(self.coverage))
        self.threshold_ = 1.0 - factor
        return self

    @own_errors("predicting sets of classes")
    def sets(self, Q: Any) -> ClassSets:
        """The sets of queries Q (m, d)."""
        check_is_fitted(self)
        table = frame_or_numbers(Q)
        shares, bonus = self._shares(table)
        members = 1.0 - shares - bonus[:, None] <= 1.0 - self.threshold_
        members[np.arange(len(shares)), shares.argmax(axis=1)] = True
        prediction = np.asarray(self.classifier_.predict(table))
        labels = read_mixed(table).labels if hasattr(table, "columns") else None
        names = RowNames(labels, None)
        return ClassSets(members, self.classes_, prediction, shares, float(self.coverage), names)

    @own_errors("predicting")
    def predict(self, Q: Any) -> Array:
        """The classifier's own classes for queries Q (m, d)."""
        check_is_fitted(self)
        return np.asarray(self.classifier_.predict(frame_or_numbers(Q)))

    @own_errors("predicting shares of classes")
    def predict_proba(self, Q: Any) -> Floats:
        """The classifier's own shares of classes for queries Q (m, d): (m, k)."""
        check_is_fitted(self)
        return np.asarray(self.classifier_.predict_proba(frame_or_numbers(Q)), dtype=np.float64)

    def _shares(self, table: Any) -> tuple[Floats, Floats]:
        """The classifier's shares (m, k), and the bonus (m,) for rows off the data."""
        shares = np.asarray(self.classifier_.predict_proba(table), dtype=np.float64)
        location = self.domain_.locate(table)
        distance = np.where(location.verdict == 1, 0.0, location.upper)
        distance[location.unseen.any(axis=1)] = np.inf
        with np.errstate(divide="ignore", invalid="ignore"):
            beyond = np.where(distance > self._edge, distance / self._edge - 1, 0.0)
        return shares, beyond / shares.shape[1]


def _scores(shares: Floats, bonus: Floats, truth: Array, classes: Array) -> Floats:
    """(c,) how much share the right class lacks; infinite where no fitted row had it."""
    places = {label: j for j, label in enumerate(classes.tolist())}
    own = np.array([places.get(label, -1) for label in truth.tolist()])
    mine = shares[np.arange(len(own)), np.maximum(own, 0)]
    return np.where(own < 0, np.inf, 1.0 - mine - bonus)
