"""Which method predicts rows best that it has not seen: compared by leaving rows out in turn."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from .._core.foreign import own_errors
from .._core.options import check_int
from .._core.results import Column, TableResult
from .._core.types import Array, Floats, Indices, Mask, Objects, Progress
from ..errors import DataError, DataWarning, HullwiseError
from ..predict import INTERPOLANT_METHODS, interpolant_class
from ..predict.targets import numeric_target
from .binned_means import group_codes
from .folds import left_out_folds

__all__ = ["MethodComparison", "compare"]

COMPARED_METHODS = ("minimax", "kernel", "rbf-network", "delaunay", "linear-shepard", "nearest")
COMPARED_CLASS_METHODS = ("kernel", "delaunay", "nearest")  # of no negative weights
COMPARISON_ROWS = 1000
LEAST_COMPARISON_ROWS = 10
STANDARD_ERRORS = 2.0  # beyond which one method is worse than another
CONSTANT_MEDIAN, CONSTANT_SHARES = "median", "shares of the classes"  # what needs no features


@dataclass(frozen=True, eq=False, repr=False)
class MethodComparison(TableResult):
    """Errors of methods on rows that were left out in turn.

    Attributes
    ----------
    methods : tuple of str
        m names; the last is a constant that needs no features: the median of the training targets,
        or the shares of the classes. It is never the best.
    error : (m, k)
        Root mean square error of the left-out rows, in units of each of k targets. NaN for a method
        that could not be fitted.
    fold_error : (m, f, k)
        The same of each of f folds.
    median_error : (m, k)
        Median absolute error.
    wrong : (m,) or None
        Of classes: the share of left-out rows whose most likely class is not theirs.
    seconds : (m,)
        To fit and to predict, over all folds.
    score : (m,)
        Root of the mean over targets of the mean square error over the target's variance; of
        classes of the mean square error of the shares. The least one is the best.
    fold_score : (m, f)
    scale : (k,)
        What an error was divided by: the spread of each target, 1 for classes.
    n_rows, n_groups : int
        How many rows were compared on, and in how many groups.
    failures : dict
        Why a method could not be fitted, by its name.
    estimators : dict
        The methods, not fitted.

    `to_frame` and `to_dict` give a row for each method.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(size=(120, 2))
    >>> y = np.sin(4 * X[:, 0]) + X[:, 1] + rng.normal(0, 0.3, 120)
    >>> comparison = hw.compare(X, y, ["kernel", "delaunay"])
    >>> comparison.best
    'kernel'
    >>> reg = comparison.best_estimator().fit(X, y)
    """

    methods: tuple[str, ...]
    error: Floats
    fold_error: Floats
    median_error: Floats
    wrong: Floats | None
    seconds: Floats
    score: Floats
    fold_score: Floats
    scale: Floats
    n_rows: int
    n_groups: int
    failures: Mapping[str, str] = field(default_factory=dict)
    estimators: Mapping[str, Any] = field(default_factory=dict)

    @property
    def best(self) -> str:
        """The method with the least score."""
        return self.methods[self._best]

    @property
    def _best(self) -> int:
        return int(np.nanargmin(self.score[:-1]))

    def best_estimator(self) -> Any:
        """The best method as an estimator that is not fitted."""
        from sklearn.base import clone

        return clone(self.estimators[self.best])

    @property
    def spread(self) -> Floats:
        """(m, k) standard deviation of the error over the folds."""
        return np.asarray(np.std(self.fold_error, axis=1, ddof=1))

    @property
    def as_good(self) -> Mask:
        """(m,) whether the best method is not better by two standard errors over the folds.

        Logarithms of the scores are compared fold by fold, so that one hard fold does not hide a
        method that is twice as wrong in all of them; their standard error counts that folds share
        training rows (Nadeau and Bengio, *Inference for the generalization error*, Machine Learning
        2003).
        """
        logarithms = np.log(np.maximum(self.fold_score, np.finfo(np.float64).tiny))
        difference = logarithms - logarithms[self._best]
        n_folds = difference.shape[1]
        variance = difference.var(axis=1, ddof=1) * (1 / n_folds + 1 / (n_folds - 1))
        return np.asarray(difference.mean(axis=1) <= STANDARD_ERRORS * np.sqrt(variance))

    @property
    def corrected_score(self) -> float:
        """The best score with the choice counted in: the least of several is too small.

        Each fold adds how much the method that is best in that fold alone is better there
        (Tibshirani and Tibshirani, *A bias correction for the minimum error rate in
        cross-validation*, Annals of Applied Statistics 2009). An estimate, no bound.
        """
        squares = np.square(self.fold_score[:-1])
        own = squares[self._best]
        gain = own - np.nanmin(squares, axis=0)
        return float(np.sqrt(np.square(self.score[self._best]) + gain.mean()))

    @property
    def beats_constant(self) -> bool:
        """Whether the best method predicts better than the constant, by what left-out rows say."""
        return bool(self.score[self._best] < self.score[-1])

    def _columns(self) -> Mapping[str, Column]:
        k = self.error.shape[1]
        columns: dict[str, Column] = {"method": list(self.methods), "score": self.score}
        for t in range(0 if self.wrong is not None else k):
            name = "" if k == 1 else f" {t}"
            columns[f"error{name}"] = self.error[:, t]
            columns[f"spread{name}"] = self.spread[:, t]
            columns[f"median_error{name}"] = self.median_error[:, t]
        if self.wrong is not None:
            columns["wrong"] = self.wrong
        return columns | {
            "seconds": self.seconds,
            "best": np.arange(len(self.methods)) == self._best,
            "as_good": self.as_good,
        }

    def __repr__(self) -> str:
        i, constant = self._best, self.methods[-1]
        return (
            f"MethodComparison({self.best} is the best of {len(self.methods) - 1}: error "
            f"{self.score[i]:.3g} of the targets' spread, {constant} {self.score[-1]:.3g}; "
            f"{self.fold_score.shape[1]} folds of {self.n_rows:,} rows)"
        )


def compare(
    X: Any,
    y: Any,
    methods: Iterable[str] | Mapping[str, Any] | None = None,
    *,
    groups: Any = None,
    metric: Any = "std",
    classes: bool = False,
    n_folds: int = 5,
    max_rows: int = COMPARISON_ROWS,
    random_state: int = 0,
    progress: Progress | None = None,
) -> MethodComparison:
    """Compare methods by the errors of rows that are left out in turn.

    Parameters
    ----------
    X : array-like (n, d) or data frame
    y : array-like (n,) or (n, k)
        Numbers; with `classes` labels (n,).
    methods : names, or dict of scikit-learn regressors by name, optional
        Names are those of ``hullwise predict --method``: "minimax", "kernel", "delaunay", ... Six
        of them unless told, three for classes.
    groups : array-like (n,), optional
        Which rows belong together: they are left out together, and methods that leave rows out
        themselves are told.
    metric : as for the regressors
        Of methods given by name; one that is learnt, such as ``"agop"``, is learnt from the other
        folds alone.
    classes : bool
        Whether y holds labels: then shares are predicted, and judged by their mean square error.
    n_folds : int
    max_rows : int
        Of more rows a sample is compared on, whole groups at a time.
    random_state : int
        Draws sample and folds.
    progress : function of (count, total, text), optional

    Returns
    -------
    MethodComparison

    Raises
    ------
    DataError
        There are fewer than ten rows, fewer groups than folds, or no method can be fitted.

    Notes
    -----
    The least of several errors is too small; `MethodComparison.corrected_score` counts the
    choice in, `as_good` says which methods are no worse than the folds can tell. Each method is
    fitted `n_folds` times.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(size=(100, 2))
    >>> hw.compare(X, X @ [1.0, 2.0], ["nearest", "delaunay"]).best
    'delaunay'
    """
    with own_errors("comparing methods"):
        estimators = _estimators(methods, metric, classes)
        check_int("n_folds", n_folds, 2)
        n = len(X)
        T = _indicators(y, n) if classes else numeric_target(y, n).reshape(n, -1)
        labels = None if groups is None else np.asarray(groups, dtype=object).reshape(-1)
        if labels is not None and len(labels) != n:
            raise DataError(f"{len(labels):,} groups for {n:,} rows: expected one each.")
        if n < LEAST_COMPARISON_ROWS:
            raise DataError(f"{n} rows: expected at least {LEAST_COMPARISON_ROWS} to compare on.")
        rows = _sample(
            n, labels, check_int("max_rows", max_rows, LEAST_COMPARISON_ROWS), random_state
        )
        part = None if labels is None else labels[rows]
        folds = left_out_folds(len(rows), part, n_folds, random_state)
        scale = T[rows].std(axis=0)
        scale = np.ones(T.shape[1]) if classes else np.where(scale > 0, scale, 1.0)
        residuals, seconds, failures = _left_out_residuals(
            estimators, X, T, rows, part, folds, progress
        )
        if len(failures) == len(estimators):
            name, text = next(iter(failures.items()))
            raise DataError(f"no method can be fitted to these rows; {name}: {text}")
        constant = CONSTANT_SHARES if classes else CONSTANT_MEDIAN
        residuals.append(_constant_residuals(T[rows], folds, classes))
        return _summarise(
            (*estimators, constant),
            np.stack(residuals),
            T[rows],
            folds,
            scale,
            np.array([*seconds, 0.0]),
            len(rows) if part is None else len(np.unique(group_codes(part, len(rows)))),
            failures,
            estimators,
            classes,
        )


def _estimators(
    methods: Iterable[str] | Mapping[str, Any] | None, metric: Any, classes: bool
) -> dict[str, Any]:
    if isinstance(methods, Mapping):
        chosen = dict(methods)
    else:
        default = COMPARED_CLASS_METHODS if classes else COMPARED_METHODS
        names = default if methods is None else tuple(methods)
        unknown = [name for name in names if name not in INTERPOLANT_METHODS]
        if unknown:
            known = ", ".join(INTERPOLANT_METHODS)
            raise DataError(f"methods holds {unknown[0]!r}: expected some of {known}.")
        chosen = {name: interpolant_class(name)(metric=metric) for name in names}
    if not chosen:
        raise DataError("methods is empty: name at least one.")
    return chosen


def _indicators(y: Any, n: int) -> Floats:
    labels = np.asarray(y)
    if labels.shape != (n,):
        raise DataError(f"labels have shape {labels.shape}: expected ({n},), one for each row.")
    return np.asarray((labels[:, None] == np.unique(labels)).astype(np.float64))


def _sample(n: int, labels: Objects | None, max_rows: int, random_state: int) -> Indices:
    """At most so many rows, in their order: whole groups, one at least."""
    if n <= max_rows:
        return np.arange(n)
    group = group_codes(labels, n)
    order = np.random.default_rng(random_state).permutation(int(group.max()) + 1)
    total = np.cumsum(np.bincount(group)[order])
    chosen = order[: max(1, int(np.searchsorted(total, max_rows, side="right")))]
    return np.flatnonzero(np.isin(group, chosen))


def _left_out_residuals(
    estimators: Mapping[str, Any],
    X: Any,
    T: Floats,
    rows: Indices,
    labels: Objects | None,
    folds: list[Indices],
    progress: Progress | None,
) -> tuple[list[Floats], list[float], dict[str, str]]:
    """Of each method the residuals (r, k) of left-out rows, NaN where it cannot be fitted."""
    residuals, seconds, failures = [], [], {}
    total = len(estimators) * len(folds)
    for i, (name, estimator) in enumerate(estimators.items()):
        own, start = np.full((len(rows), T.shape[1]), np.nan), perf_counter()
        for f, left_out in enumerate(folds):
            if progress is not None:
                progress(i * len(folds) + f, total, f"comparing {name}")
            rest = np.setdiff1d(np.arange(len(rows)), left_out)
            group = None if labels is None else labels[rest]
            try:
                prediction = _predict(estimator, X, T, rows[rest], rows[left_out], group)
            except HullwiseError as error:
                failures[name] = str(error)
                own[:] = np.nan
                break
            own[left_out] = T[rows[left_out]] - prediction
        residuals.append(own)
        seconds.append(perf_counter() - start)
    if progress is not None:
        progress(total, total, "methods compared")
    return residuals, seconds, failures


def _predict(
    estimator: Any, X: Any, T: Floats, rest: Indices, left_out: Indices, group: Objects | None
) -> Floats:
    """Predictions (m, k) of left-out rows by the method fitted to the rest."""
    from sklearn.base import clone
    from sklearn.utils import _safe_indexing

    model, y = clone(estimator), T[rest, 0] if T.shape[1] == 1 else T[rest]
    takes_groups = "groups" in inspect.signature(model.fit).parameters
    options = {"groups": group} if takes_groups and group is not None else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # the fit to all rows says it once
        model.fit(_safe_indexing(X, rest), y, **options)
        return np.asarray(model.predict(_safe_indexing(X, left_out))).reshape(len(left_out), -1)


def _constant_residuals(T: Floats, folds: list[Indices], classes: bool) -> Floats:
    residuals = np.zeros(T.shape)
    for left_out in folds:
        rest = np.setdiff1d(np.arange(len(T)), left_out)
        centre = T[rest].mean(axis=0) if classes else np.median(T[rest], axis=0)
        residuals[left_out] = T[left_out] - centre
    return residuals


def _summarise(
    names: tuple[str, ...],
    residuals: Array,
    T: Floats,
    folds: list[Indices],
    scale: Floats,
    seconds: Floats,
    n_groups: int,
    failures: Mapping[str, str],
    estimators: Mapping[str, Any],
    classes: bool,
) -> MethodComparison:
    squares = np.square(residuals)
    relative = squares / np.square(scale)
    wrong = None
    if classes:
        wrong = ((T - residuals).argmax(axis=2) != T.argmax(axis=1)).mean(axis=1)
        wrong[np.isnan(residuals).any(axis=(1, 2))] = np.nan
    return MethodComparison(
        names,
        np.sqrt(squares.mean(axis=1)),
        np.stack([np.sqrt(squares[:, rows].mean(axis=1)) for rows in folds], axis=1),
        np.median(np.abs(residuals), axis=1),
        wrong,
        seconds,
        np.sqrt(relative.mean(axis=(1, 2))),
        np.stack([np.sqrt(relative[:, rows].mean(axis=(1, 2))) for rows in folds], axis=1),
        scale,
        len(T),
        n_groups,
        dict(failures),
        dict(estimators),
    )
