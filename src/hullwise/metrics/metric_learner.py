"""Metrics that can be learnt again without some of the rows.

Rows left out in turn say which distances are usual. That is exact only if the metric they are
measured in knows no more of them than of a query: if it is a function of the other rows alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from .._core.types import Floats, Indices
from .._core.wording import type_of
from ..errors import DataError, ModelError
from ..geometry.cloud import Cloud
from .curvature_matrices import curvature, curvature_of_rows
from .feature_matrices import agop, local_agop
from .local_linear_fits import agop_of_rows

PlaceMetric = Callable[[Floats], Floats]
FEWEST_LEARNT_ROWS = 2


@dataclass(frozen=True, eq=False, repr=False)
class MetricLearner:
    """A metric as a function of the training rows that it is learnt from.

    Attributes
    ----------
    learn : function of indices (k,)
        Gives the metric learnt from these training rows, and their targets, alone: (d, d), or a
        function of one place (d,) that gives it.
    n : int
        How many training rows there are.
    text : str
        What is learnt, in words.

    Notes
    -----
    Let r of the n training rows be drawn without looking at them, and the metric be learnt from
    the other n - r. Given those, the r rows and a query from the same source are exchangeable and
    the metric is fixed, so the bands and chances of `hullwise.locate` hold exactly, as in a metric
    that was known beforehand.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> X = np.random.default_rng(0).normal(size=(400, 6))
    >>> learner = hw.metrics.MetricLearner.from_targets(X, X[:, 0] * X[:, 1])
    >>> learner
    MetricLearner(AGOP of local fits, 400 rows)
    >>> loc = hw.locate(X, X[:1] + 9, metric=learner, reference=100)    # learnt from 300 rows
    >>> loc.band
    array(['far'], dtype=object)
    >>> M = learner.without(hw.Cloud(X).sample(100))                    # the same by hand
    >>> hw.locate(X, X[:1] + 9, metric=M, reference=100).band
    array(['far'], dtype=object)
    """

    learn: Callable[[Indices], Floats | PlaceMetric]
    n: int
    text: str = "metric given by a function"

    def __repr__(self) -> str:
        return f"MetricLearner({self.text}, {self.n:,} rows)"

    def from_all(self) -> Floats | PlaceMetric:
        """The metric learnt from every row."""
        return self.learn(np.arange(self.n))

    def without(self, left_out: Any) -> Floats | PlaceMetric:
        """The metric learnt from all rows but these.

        Parameters
        ----------
        left_out : array-like (r,) of int
            Indices of training rows.

        Raises
        ------
        DataError
            If an index is not there, or fewer than two rows remain.
        """
        rows = np.asarray(left_out, dtype=np.intp).ravel()
        if rows.size and not (rows.min() >= 0 and rows.max() < self.n):
            raise DataError(
                f"left_out names row {rows.max() if rows.min() >= 0 else rows.min()}: there are "
                f"{self.n} training rows, counted from 0"
            )
        rest = np.setdiff1d(np.arange(self.n), rows)
        if len(rest) < FEWEST_LEARNT_ROWS:
            raise DataError(
                f"{len(rest)} of {self.n} rows remain to learn a metric from: leave fewer out"
            )
        return self.learn(rest)

    @classmethod
    def from_targets(cls, X: Any, y: Any, *, method: str = "agop", **options: Any) -> MetricLearner:
        """`agop_of_rows` of rows X (n, d) and targets y, or `curvature_of_rows`.

        `method` is "agop" or "curvature"; other options are those of the function.
        """
        methods = {"agop": agop_of_rows, "curvature": curvature_of_rows}
        if method not in methods:
            raise DataError(f"method={method!r}: expected 'agop' or 'curvature'")
        function = methods[method]
        cloud = X if isinstance(X, Cloud) else Cloud(X, copy=False)
        targets = np.asarray(y)

        def learn(rows: Indices) -> Floats:
            return function(cloud.take(rows), targets[rows], **options)

        text = "AGOP of local fits" if method == "agop" else "absolute Hessian of a smooth fit"
        return cls(learn, cloud.n, text)

    @classmethod
    def from_model(
        cls, model: Any, X: Any, y: Any = None, *, method: str = "agop", **options: Any
    ) -> MetricLearner:
        """`agop` of a model over rows X (n, d), or `curvature`; other options are its own.

        With targets y the model, a scikit-learn estimator, is cloned and fitted to each choice of
        rows. Without, it is taken as it is: right only for a model that has not seen X.
        """
        methods = {"agop": agop, "curvature": curvature}
        if method not in methods:
            raise DataError(f"method={method!r}: expected 'agop' or 'curvature'")
        function, refit = methods[method], _refit(model, X, y)

        def learn(rows: Indices) -> Floats:
            return function(refit(rows), _safe_indexing(X, rows), **options)

        name = "AGOP" if method == "agop" else "absolute Hessian"
        return cls(learn, len(X), f"{name} of {type_of(model)}")

    @classmethod
    def from_rfm(cls, model: Any, X: Any, y: Any) -> MetricLearner:
        """The metric of a recursive feature machine, fitted to each choice of rows."""
        refit = _refit(model, X, y)
        return cls(lambda rows: refit(rows).regular_metric(), len(X), "RFM")

    @classmethod
    def local(cls, model: Any, X: Any, y: Any = None, **options: Any) -> MetricLearner:
        """`local_agop` of a model over rows X (n, d), for `local_locate`; y as in `from_model`."""
        refit = _refit(model, X, y)

        def learn(rows: Indices) -> PlaceMetric:
            fitted, near = refit(rows), _safe_indexing(X, rows)
            return lambda x: local_agop(fitted, x, near, **options)

        return cls(learn, len(X), f"local AGOP of {type_of(model)}")


def _refit(model: Any, X: Any, y: Any) -> Callable[[Indices], Any]:
    """The model fitted to a choice of rows, or as it is where there are no targets."""
    if y is None:
        return lambda rows: model
    if not hasattr(model, "fit") or not hasattr(model, "get_params"):
        raise ModelError(
            f"{type_of(model)} cannot be fitted again: pass a scikit-learn estimator, no "
            "y, or MetricLearner(function of row indices, n)"
        )
    if len(y) != len(X):
        raise DataError(f"X has {len(X)} rows, y has {len(y)}: one target for each row")
    return lambda rows: clone(model).fit(_safe_indexing(X, rows), _safe_indexing(y, rows))
