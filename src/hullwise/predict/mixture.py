"""Predictions that are distributions or class probabilities, mixed with an interpolant's weights.

What an interpolant mixes need not be numbers. Weights of at least 0 with sum 1 mix distribution
functions into a distribution function, and class labels into class probabilities.
"""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning

from .._core.caller import caller_stacklevel
from .._core.estimators import ClassifierMixin, RegressorMixin
from .._core.foreign import own_errors
from .._core.types import Array, Floats, Progress
from .._core.wording import type_of
from ..errors import DataError, DataTypeError
from ..geometry.cloud_estimator import CloudEstimator
from ..geometry.scaling import power_of_two_exponents
from ..io.validation import check_rows, check_target
from . import _mixture_kernels
from .explanation import Explanation
from .interpolant import Interpolant
from .quantiles import check_probabilities
from .targets import as_array, as_one_row, encode_classes

__all__ = ["MixtureClassifier", "MixtureRegressor"]


class MixtureEstimator(CloudEstimator):
    """What regressor and classifier share: an interpolant of their own, and its weights."""

    interpolant: Interpolant
    interpolant_: Interpolant

    def _fit_interpolant(self, X: Any, target: Floats, **learned: Any) -> Self:
        """Fit a copy of the interpolant on targets (n, k)."""
        if not isinstance(self.interpolant, Interpolant):
            raise DataTypeError(
                f"interpolant is {type_of(self.interpolant)}: {type(self).__name__} mixes "
                "with the weights of an interpolant such as DelaunayRegressor()."
            )
        fitted = clone(self.interpolant).fit(X, target)
        self._set_fitted(X, fitted.cloud_, interpolant_=fitted, **learned)
        return self

    @own_errors("weighing rows")
    def weights(self, Q: Any, *, progress: Progress | None = None) -> csr_array:
        """Weights of queries Q (m, d) over the training rows: (m, n) CSR, each row with sum 1.

        Raises
        ------
        DataError
            For an interpolant with negative weights: such a sum is no mixture.
        """
        self._queries(Q)
        W = self.interpolant_.weights(Q, progress=progress)
        if (negative := W.data < 0).any():
            b = int(np.searchsorted(W.indptr, int(negative.argmax()), side="right")) - 1
            raise DataError(
                f"{type(self.interpolant_).__name__} gives negative weights, first for query {b} "
                f"(counted from 0; the least is {W.data.min():.3g}): a mixture needs weights of "
                "at least 0. Use another interpolant, such as DelaunayRegressor()."
            )
        return W

    @own_errors("explaining a prediction")
    def explain(self, q: Any) -> Explanation:
        """Which rows make the prediction at one query q, (d,) or (1, d): heaviest first.

        Its `targets` are what is mixed: a row's samples, ascending, or its class as 0s and a 1.
        """
        self._queries(as_one_row(q))
        return self.interpolant_.explain(q)


class MixtureRegressor(RegressorMixin, MixtureEstimator):
    """Function-valued prediction: each training row has samples of a distribution.

    The prediction at a query is the mixture of the rows' empirical distributions with the weights
    of an interpolant, F(t) = sum_i w_i F_i(t). It is again a distribution.

    Parameters
    ----------
    interpolant : Interpolant
        Whose weights mix, as ``VoronoiRegressor()``; a copy is fitted. They must be at least 0.

    Attributes
    ----------
    interpolant_ : Interpolant
        The fitted copy; its targets are the samples, ascending in each row.
    samples_ : (n, s) float64
        The samples, ascending in each row.
    cloud_ : Cloud
        The distinct training rows.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    Rows that are equal in every feature share their weight, which pools their samples; the
    interpolant warns of it, or refuses with ``duplicates="raise"``. `fit` costs that of the
    interpolant and O(n s log s). `score` is the R^2 of the predicted means against the means of
    the samples given. Function-valued interpolation: Lux et al. 2021, section 6.5.

    Examples
    --------
    >>> import hullwise as hw
    >>> X, samples = [[0.0], [1.0]], [[1.0, 2.0], [3.0, 4.0]]
    >>> model = hw.MixtureRegressor(hw.DelaunayRegressor()).fit(X, samples)
    >>> model.predict_cdf([[0.25]], [1.0, 2.0, 3.0])
    array([[0.375, 0.75 , 0.875]])
    >>> model.predict([[0.25]]), model.predict_quantile([[0.25]], 0.5)
    (array([2.]), array([2.]))
    >>> model.ks([[0.0], [0.25]], [[1.0, 2.0], [1.0, 2.0]])
    array([0.  , 0.25])
    """

    samples_: Floats

    def __init__(self, interpolant: Interpolant) -> None:
        self.interpolant = interpolant

    @own_errors("fitting the regressor")
    def fit(self, X: Any, y: Any) -> Self:
        """Learn training rows X (n, d) and s samples of each, y (n, s), or (n,) for one of each.

        Raises
        ------
        DataError, DataTypeError
            For rows or samples that cannot be used; NaN is refused.
        """
        table = _check_samples(y)
        samples = np.sort(table.reshape(len(table), -1), axis=1)
        if table.ndim == 2 and samples.shape[1] == 1:
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected: each row has one "
                "sample only, so every distribution mixed is a single point.",
                DataConversionWarning,
                stacklevel=caller_stacklevel(),
            )
        return self._fit_interpolant(X, samples, samples_=samples)

    @own_errors("predicting")
    def predict(self, Q: Any) -> Floats:
        """Means of the mixtures at queries Q (m, d): (m,)."""
        return np.asarray(self.weights(Q) @ _means(self.samples_))

    @own_errors("predicting distributions")
    def predict_cdf(self, Q: Any, t: ArrayLike) -> Floats:
        """Distribution functions of the mixtures: the probability of a sample of at most t.

        Parameters
        ----------
        Q : (m, d)
        t : float, (k,) or (m, k)
            Thresholds: one, k for all queries alike, or k of each query's own. May be infinite.

        Returns
        -------
        (m,) for one threshold, else (m, k) float64
            From 0 to 1, never falling in t, continuous from the right.

        Notes
        -----
        O(nnz (s + k)) beyond the weights, with nnz the number of weights.
        """
        W = self.weights(Q)
        thresholds = _check_thresholds(t)
        if thresholds.ndim > 2 or (thresholds.ndim == 2 and len(thresholds) != W.shape[0]):
            raise DataError(
                f"t has shape {thresholds.shape}: expected one number, (k,) for all queries, or "
                f"({W.shape[0]}, k), one row for each."
            )
        rows = np.atleast_2d(thresholds)
        order = np.argsort(rows, axis=1)
        ordered = _mixture_kernels.cdf(W, self.samples_, np.take_along_axis(rows, order, axis=1))
        cdf = np.empty_like(ordered)
        np.put_along_axis(cdf, np.broadcast_to(order, cdf.shape), ordered, axis=1)
        return cdf[:, 0] if thresholds.ndim == 0 else cdf

    @own_errors("predicting quantiles")
    def predict_quantile(self, Q: Any, p: ArrayLike = 0.5) -> Floats:
        """Quantiles of the mixtures; p = 0.5 is the median.

        Parameters
        ----------
        Q : (m, d)
        p : float or (k,)
            Probabilities, 0 to 1.

        Returns
        -------
        (m,) or (m, k) float64
            The least sample t with ``predict_cdf(Q, t) >= p`` (up to 1e-12 of p, so that rounding
            in the sum of weights does not skip a sample); for p = 0 the least sample.

        Notes
        -----
        O(n s log(n s) + nnz k log(n s) log s) beyond the weights.
        """
        probabilities = check_probabilities(p)
        W = self.weights(Q)
        quantiles = _mixture_kernels.quantiles(W, self.samples_, probabilities.reshape(-1))
        return quantiles[:, 0] if probabilities.ndim == 0 else quantiles

    @own_errors("comparing distributions")
    def ks(self, Q: Any, samples: Any) -> Floats:
        """Kolmogorov-Smirnov distances between the mixtures and samples seen at the queries.

        Parameters
        ----------
        Q : (m, d)
        samples : (m, r), or (m,) for one of each
            Samples of each query, as many as were seen; r need not be s.

        Returns
        -------
        (m,) float64
            The largest difference, over all t, between the mixture's distribution function and
            the empirical one of the samples: exact, on both sides of every jump.

        Notes
        -----
        O(nnz (s + r)) beyond the weights. A p-value needs the size of the sample that a mixture
        stands for, which is a matter of convention: none is given.
        """
        W = self.weights(Q)
        table = _check_samples(samples, "samples")
        table = table.reshape(len(table), -1)
        if len(table) != W.shape[0]:
            raise DataError(f"samples has {len(table)} rows for {W.shape[0]} queries.")
        return _mixture_kernels.ks(W, self.samples_, np.sort(table, axis=1))

    @own_errors("scoring predictions")
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R^2 of the predicted means against the means of the samples y, (n, s) or (n,)."""
        n = len(self._queries(X).values)
        return float(super().score(X, check_target(_means(_check_samples(y)), n), sample_weight))


class MixtureClassifier(ClassifierMixin, MixtureEstimator):
    """Class probabilities as the weights of an interpolant, added up by class.

    Parameters
    ----------
    interpolant : Interpolant
        Whose weights count, as ``DelaunayRegressor()``; a copy is fitted. They must be at least 0.

    Attributes
    ----------
    classes_ : (k,)
        The labels found, ascending.
    interpolant_ : Interpolant
        The fitted copy; its targets are the classes as 0s and a 1, (n, k).
    cloud_ : Cloud
        The distinct training rows.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    Rows that are equal in every feature share their weight. Where their labels differ the
    probability is shared among the classes: the interpolant warns of it, or refuses with
    ``duplicates="raise"``. The probabilities are shares of weight and are not calibrated. Memory
    for the classes: n k numbers.

    Examples
    --------
    >>> import hullwise as hw
    >>> X, y = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], ["oak", "elm", "elm"]
    >>> model = hw.MixtureClassifier(hw.DelaunayRegressor()).fit(X, y)
    >>> model.classes_, model.predict_proba([[0.25, 0.5]])
    (array(['elm', 'oak'], dtype='<U3'), array([[0.75, 0.25]]))
    >>> model.predict([[0.25, 0.5], [0.5, 0.0]])
    array(['elm', 'elm'], dtype='<U3')
    """

    classes_: Array

    def __init__(self, interpolant: Interpolant) -> None:
        self.interpolant = interpolant

    @own_errors("fitting the classifier")
    def fit(self, X: Any, y: Any) -> Self:
        """Learn training rows X (n, d) and their classes y (n,), of any type that sorts.

        Raises
        ------
        DataError, DataTypeError
            For rows or labels that cannot be used.
        """
        classes, code = encode_classes(y)
        return self._fit_interpolant(X, np.eye(len(classes))[code], classes_=classes)

    @own_errors("predicting classes")
    def predict_proba(self, Q: Any) -> Floats:
        """Probability of each class at queries Q (m, d): (m, k), in the order of `classes_`."""
        shares = np.asarray(self.weights(Q) @ self.interpolant_.y_)
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    @own_errors("scoring predictions")
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of rows X (m, d) whose class y (m,) is the most probable one."""
        labels = check_target(as_array(y), len(self._queries(X).values))
        classes, code = encode_classes(labels)
        try:
            return float(super().score(X, classes[code], sample_weight))
        except TypeError as error:
            raise DataError(
                f"y holds {classes.dtype}, and the classes are {self.classes_.dtype}: they cannot "
                f"be compared ({error})."
            ) from error

    @own_errors("predicting classes")
    def predict(self, Q: Any) -> Array:
        """The most probable class of queries Q (m, d), (m,); of equal ones the first."""
        best = self.predict_proba(Q).argmax(axis=1)
        return np.asarray(self.classes_[best])


def _check_thresholds(t: Any) -> Floats:
    array = as_array(t, "t")
    try:
        thresholds = array.astype(np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(f"t holds {array.dtype}: thresholds are numbers ({error}).") from error
    if np.isnan(thresholds).any():
        raise DataError("t contains NaN: a threshold must be a number.")
    return thresholds


def _check_samples(y: Any, name: str = "y") -> Floats:
    """Samples as (n, s) or (n,) float64."""
    values = None if y is None else as_array(y, name)
    if values is not None and (values.ndim == 0 or values.size == 0):
        raise DataError(f"{name} has shape {values.shape}: expected (n, s) samples, at least one.")
    values = check_target(values, 0 if values is None else len(values))
    if values.dtype.kind not in "bf":  # no text, and no integer that float64 cannot hold
        values = check_rows(values.reshape(len(values), -1), name=name).values.reshape(values.shape)
    return values.astype(np.float64)


def _means(samples: Floats) -> Floats:
    """Row means; scaled by a power of two, so that no sum overflows."""
    samples = samples.reshape(len(samples), -1)
    exponent = power_of_two_exponents(np.abs(samples).max(keepdims=True))[0, 0]
    return np.asarray(np.ldexp(np.ldexp(samples, -exponent).mean(axis=1), exponent))
