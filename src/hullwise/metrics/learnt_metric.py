"""A metric learnt from a network or from training rows, cut to what matters, and what it is worth.

Tables mix units, so eigenvalues are those in standard deviations of the features. The directions
that hold 99.9 % of the metric are kept and the rest is cut off, so that rows that are inside in all
that matters are proved inside; what does not matter would put them outside, if only by a little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from .._core.foreign import own_errors
from .._core.memory import check_memory
from .._core.results import RecordResult
from .._core.types import Array, Floats
from ..errors import DataError, Hint, ModelError
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from .curvature_matrices import curvature, fit_curvature
from .directions import Directions, directions, leading_metric
from .feature_matrices import agop, nfm_of_rows
from .local_linear_fits import agop_of_rows
from .recursive_feature_machine import RFMClassifier, RFMRegressor
from .variance_explained import variance_explained

__all__ = ["LearntMetric", "learn_metric"]

LEARNT_TRACE = 0.999  # share of the metric's trace that its directions hold
LABEL_KINDS = 20  # more kinds of labels than this and a fifth of the rows are no classes
CHANCE_SHARE = 0.05  # of the variance: a metric that explains less may be chance

Method = Literal["agop", "curvature", "rfm", "nfm"]


@dataclass(frozen=True, eq=False)
class LearntMetric(RecordResult):
    """A metric that was learnt, and what it is worth.

    Attributes
    ----------
    metric : Metric
        For ``hullwise.locate(X, Q, metric=...)`` and the regressors: its leading directions only.
    matrix : (d, d) float64
        The same as a matrix, in the features' own units.
    directions : Directions
        Its directions, in standard deviations of the features.
    explained : float
        Share of the variance of held-out targets that it explains: averages of near rows for
        ``"agop"``, the machine itself for ``"rfm"``; for ``"curvature"`` of what a linear function
        leaves. NaN from a network or of too few rows.
    explained_plainly : float
        The same averages where nearness is plain, for ``"agop"``.
    notes : tuple of str
        These figures in sentences.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> X = np.random.default_rng(0).normal(size=(300, 4))
    >>> hw.metrics.learn_metric(X, X[:, 0] * X[:, 1])
    LearntMetric(AGOP of local linear fits of 'y'; its 2 leading directions)
    """

    metric: Metric
    matrix: Floats
    directions: Directions
    explained: float
    explained_plainly: float
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"LearntMetric({self.metric.text})"


@dataclass(frozen=True, eq=False)
class _Estimate:
    """A matrix as it was learnt, before it is cut to its leading directions."""

    matrix: Floats
    text: str
    explained: float = float("nan")
    explained_plainly: float = float("nan")
    notes: tuple[str, ...] = ()


def learn_metric(
    X: Any,
    y: Any = None,
    *,
    method: Method = "agop",
    model: Any = None,
    layer: int | str | None = None,
    classes: bool = False,
    target_name: str = "y",
    left_out: ArrayLike | None = None,
) -> LearntMetric:
    """Learn what matters to a target, or to a network, as a metric of the rows.

    Parameters
    ----------
    X : array-like (n, d), data frame or Cloud
        The training rows.
    y : array-like (n,) or (n, t), optional
        The target: numbers, or labels (n,) of classes. Not needed with a model.
    method : {"agop", "curvature", "rfm", "nfm"}
        The average gradient outer product of the model, or of local linear fits to y; the average
        absolute Hessian of the model, or of a smooth fit to y; the metric of a recursive feature
        machine fitted to y; or W'W of a layer of the model.
    model : Network, torch module, or anything `agop` takes, optional
        For ``"nfm"`` a Network, as `hullwise.model.read` returns it.
    layer : int or str, optional
        For ``"nfm"``: a linear layer that reads the rows, by number or name.
    classes : bool, default=False
        Whether numbers in y are labels of classes.
    target_name : str
        What messages and notes call y.
    left_out : array-like (r,) of int, optional
        Training rows that nothing is learnt from: those that `hullwise.locate` will leave out in
        turn. Its bands then hold exactly in this metric; see `MetricLearner`.

    Returns
    -------
    LearntMetric

    Raises
    ------
    DataError
        If y is missing, not of one entry a row, the same in every row, or holds too many different
        labels; if no direction matters more than noise would let it seem to.
    ModelError
        If the network has no such layer, or the layer does not read the rows.

    Notes
    -----
    The cost of `agop`, `agop_of_rows` (twice: once for a part of the rows, to say what it is worth)
    or of fitting an `RFMRegressor`; O(d^3) to cut.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> X = np.random.default_rng(0).normal(size=(300, 4))
    >>> learnt = hw.metrics.learn_metric(X, X[:, 0] * X[:, 1])
    >>> bool(learnt.explained > learnt.explained_plainly)
    True
    >>> hw.locate(X, 3 * X[:2], metric=learnt.metric).band.shape
    (2,)
    """
    with own_errors("learning a metric"):
        cloud = X if isinstance(X, Cloud) else Cloud(X, copy=False)
        check_memory(
            24 * cloud.n * cloud.d, f"the {cloud.n:,} training rows to learn a metric from"
        )
        rows = cloud.rows.block(0, cloud.n).astype(np.float64)
        if left_out is not None:
            learnt_from = np.setdiff1d(np.arange(cloud.n), np.asarray(left_out, dtype=np.intp))
            y = None if y is None else _checked_length(y, cloud.n)[learnt_from]
            rows = rows[learnt_from]
            cloud = Cloud(rows, columns=cloud.columns, copy=False)
        if model is not None:
            estimate = _from_network(method, model, layer, rows)
        else:
            target = _checked_target(y, len(rows), classes, target_name)
            from_rows = ESTIMATES_FROM_ROWS.get(method, _from_local_fits)
            estimate = from_rows(rows, target, target_name)
        scale = np.where(cloud.spread > 0, cloud.spread, 1.0)
        metric = leading_metric(estimate.matrix, scale, LEARNT_TRACE, estimate.text)
        assert metric.factor is not None  # a matrix
        return LearntMetric(
            metric,
            metric.factor.T @ metric.factor,
            directions(metric, cloud),
            estimate.explained,
            estimate.explained_plainly,
            estimate.notes,
        )


# ---- from a network ---------------------------------------------------------------------------


def _from_network(method: Method, net: Any, layer: int | str | None, rows: Floats) -> _Estimate:
    source = getattr(net, "source", type(net).__name__)
    if method == "agop":
        return _Estimate(agop(net, rows, ridge=0), f"AGOP of {source} over the training rows")
    if method == "curvature":
        text = f"average absolute Hessian of {source} at the training rows"
        return _Estimate(curvature(net, rows, ridge=0), text)
    if method != "nfm" or layer is None:
        raise DataError(
            f"method={method!r}, layer={layer!r}: a model has agop, curvature, or nfm of a layer"
        )
    M, name = nfm_of_rows(net, layer, rows[:1])
    return _Estimate(M, f"W'W of layer {name!r} of {source}")


# ---- from the training rows -------------------------------------------------------------------


def _checked_length(y: Any, n: int) -> Array:
    values = np.asarray(y)
    if len(values) != n:
        raise DataError(f"y has {len(values):,} entries for {n:,} rows of X")
    return values


def _checked_target(y: Any, n: int, classes: bool, name: str) -> Array:
    """Numbers (n,) or (n, t) as float64, or labels (n,) of classes."""
    if y is None:
        raise DataError("a metric is learnt from a target y or from a model: neither was given")
    values = _checked_length(y, n)
    labels = classes or values.dtype.kind not in "buif"
    if not labels:
        values = values.astype(np.float64)
    elif values.ndim > 1:
        raise DataError(f"the target {name!r} holds labels in {values.shape[1]} columns: give one")
    kinds = len(np.unique(values)) if labels else 0
    if kinds == 1 or (not labels and (values == values[:1]).all()):
        raise DataError(
            f"the target {name!r} is the same in every row: nothing matters to it, so there is no "
            "metric to learn"
        )
    if kinds > max(LABEL_KINDS, n // 5):
        text = "" if classes else ", and it is no number everywhere"
        raise DataError(
            f"the target {name!r} holds {kinds:,} different labels in {n:,} rows{text}: too many "
            "to learn a metric from classes"
        )
    return values


def _as_numbers(target: Array) -> Floats:
    """Numbers as they are, labels as indicators."""
    if target.dtype.kind == "f":
        return target
    return np.asarray((target[:, None] == np.unique(target)).astype(np.float64))


def _from_local_fits(rows: Floats, target: Array, name: str) -> _Estimate:
    y = _as_numbers(target)
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    Z = (rows - mean) / np.where(scale > 0, scale, 1.0)
    notes: tuple[str, ...] = ()
    try:
        M = agop_of_rows(rows, y, ridge=0)
        task, plainly = variance_explained(agop_of_rows, Z, y.reshape(len(y), -1))
    except ModelError:
        raise DataError(
            f"no direction of the features matters to the target {name!r} more than its noise "
            "would let it seem to: there is no metric to learn",
            hint=Hint.METRIC_OF_SPREAD,
        ) from None
    if not np.isnan(task):
        notes = (
            f"Averages of the 10 nearest rows explain {_share_text(task)} of the variance of "
            f"{name!r} in training rows held out from the metric ({_share_text(plainly)} where "
            f"nearness is plain): {_worth(task)}.",
        )
    return _Estimate(M, f"AGOP of local linear fits of {name!r}", task, plainly, notes)


def _from_bends(rows: Floats, target: Array, name: str) -> _Estimate:
    try:
        M, share = fit_curvature(Cloud(rows, copy=False), _as_numbers(target))
    except ModelError:
        raise DataError(
            f"the target {name!r} bends in no direction more than its noise would let it seem to: "
            "a linear function says as much, and there is no metric of its bends to learn",
            hint=Hint.METRIC_OF_SPREAD,
        ) from None
    note = (
        f"A smooth fit explains {_share_text(share)} of what a linear function leaves of {name!r}, "
        f"in training rows left out: {_worth(share)}. Where the target is linear, however steep, "
        "distance does not count."
    )
    return _Estimate(
        M, f"average absolute Hessian of a smooth fit of {name!r}", share, notes=(note,)
    )


def _from_machine(rows: Floats, target: Array, name: str) -> _Estimate:
    machine = (RFMRegressor if target.dtype.kind == "f" else RFMClassifier)().fit(rows, target)
    notes: list[str] = []
    share = float("nan")
    if machine.cv_errors_ is not None:  # there are enough rows for cross-validation
        share = 1 - float(machine.cv_errors_.min())
        notes.append(
            f"The machine explains {_share_text(share)} of the variance of {name!r} in training "
            f"rows held out from it: {_worth(share)}."
        )
    if machine.n_iter_ == 0:
        notes.append(
            "Cross-validation preferred no learnt metric: in what matters all features count "
            "alike, each by its standard deviation."
        )
    text = f"learnt by a recursive feature machine from {name!r}"
    return _Estimate(machine.metric_, text, share, notes=tuple(notes))


ESTIMATES_FROM_ROWS = {"agop": _from_local_fits, "curvature": _from_bends, "rfm": _from_machine}


def _share_text(share: float) -> str:
    return "none" if share < 0.005 else f"{100 * share:.0f} %"


def _worth(share: float) -> str:
    """What a metric that explains so much is worth."""
    if share < CHANCE_SHARE:
        return "what it says matters may well be chance"
    return "a metric knows no more of what matters than that"
