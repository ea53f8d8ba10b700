"""Metrics of paths: constant, the pullback of a map, or a field of matrices.

Each gives the squared lengths of short segments, and their slopes in both ends: all that graphs,
lengths and energies of paths need.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from sklearn.neighbors import NearestNeighbors

from .._core.options import check_nonnegative
from .._core.types import Floats
from .._core.wording import type_of
from ..errors import DataError, ModelError
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ._jacobians import Gradients, NetworkGradients, gradients_of
from ._model_functions import is_model, output_function

FIELD_BLOCK_ENTRIES = 2**22  # numbers of matrices held at a time
PULLBACK_RIDGE = 1e-6  # of the mean eigenvalue, as in `agop`
PULLBACK_SAMPLE = 1000  # rows from which a mean eigenvalue is learnt
FIELD_STEP = 1e-3  # of a feature's standard deviation: differences of a field of matrices
DATA_DISTANCE_NEIGHBOURS = 5  # nearest rows whose distance says how far from the data a point is

Slopes = tuple[Floats, Floats, Floats]


class PathMetric(Protocol):
    """Squared lengths of the segments from the rows of P (m, d) to those of Q."""

    @property
    def text(self) -> str:
        """In words."""

    @property
    def constant(self) -> bool:
        """Whether it is the same everywhere, so that straight lines are shortest."""

    def squared(self, P: Floats, Q: Floats) -> Floats:
        """(m,), exact where the metric is constant, else to second order in the segment."""

    def slopes(self, P: Floats, Q: Floats) -> Slopes:
        """`squared`, and its gradients (m, d) in P and in Q."""

    def mean(self, P: Floats) -> Floats:
        """The metric (d, d) averaged over the rows of P."""


@dataclass(frozen=True, eq=False)
class ConstantMetric:
    """The same metric everywhere."""

    metric: Metric
    constant: bool = True

    @property
    def text(self) -> str:
        return self.metric.text

    def squared(self, P: Floats, Q: Floats) -> Floats:
        return np.asarray(np.square(self.metric.image(Q - P)).sum(axis=1))

    def slopes(self, P: Floats, Q: Floats) -> Slopes:
        half = self.metric.dual(Q - P)
        return self.squared(P, Q), -2 * half, 2 * half

    def mean(self, P: Floats) -> Floats:
        return self.metric.dual(np.eye(P.shape[1]))


@dataclass(frozen=True, eq=False)
class PullbackMetric:
    """J'J of a map f, and a little of the plain metric: the pullback of (f, sqrt(ridge) x).

    A segment is as long as the chord between the images of its ends: no Jacobian is needed, and
    kinks and steps of f, where J'J jumps, do no harm.
    """

    function: Callable[[Floats], Floats]
    gradients: Gradients
    ridge: float
    text: str
    constant: bool = False

    def squared(self, P: Floats, Q: Floats) -> Floats:
        rise = self.function(Q) - self.function(P)
        lengths = np.square(rise).sum(axis=1) + self.ridge * np.square(Q - P).sum(axis=1)
        return np.asarray(lengths)

    def slopes(self, P: Floats, Q: Floats) -> Slopes:
        rise, step = self.function(Q) - self.function(P), Q - P
        squared = np.square(rise).sum(axis=1) + self.ridge * np.square(step).sum(axis=1)
        at_p, at_q = (_transposed_products(self.gradients, X, rise) for X in (P, Q))
        return squared, -2 * (at_p + self.ridge * step), 2 * (at_q + self.ridge * step)

    def mean(self, P: Floats) -> Floats:
        J = np.concatenate(list(self.gradients.jacobians(P))).reshape(-1, P.shape[1])
        return np.asarray(J.T @ J / len(P) + self.ridge * np.eye(P.shape[1]))


@dataclass(frozen=True, eq=False)
class MetricField:
    """Matrices M(x) from a function, taken at the middle of each segment."""

    function: Callable[[Floats], Any]
    steps: Floats
    text: str = "a metric that differs from place to place, given by the user"
    constant: bool = False

    def matrices(self, X: Floats) -> Floats:
        """(m, d, d), checked."""
        d = X.shape[1]
        M = np.asarray(self.function(X), dtype=np.float64)
        if M.shape != (len(X), d, d):
            raise DataError(
                f"the metric function gives shape {M.shape} for {len(X)} points of {d} features; "
                f"expected ({len(X)}, {d}, {d})"
            )
        return M

    def check(self, X: Floats) -> None:
        """Refuse what is no metric at the rows of X."""
        for x in X:
            M = self.matrices(x[None])[0]
            if not np.isfinite(M).all():
                raise DataError(f"the metric is not finite at {_point_text(x)}")
            size = float(np.abs(M).max())
            if not np.allclose(M, M.T, rtol=1e-9, atol=1e-9 * size):
                raise DataError(f"the metric is not symmetric at {_point_text(x)}")
            least = float(np.linalg.eigvalsh((M + M.T) / 2)[0])
            if least < -1e-9 * size:
                raise DataError(
                    f"the metric has the eigenvalue {least:.3g} at {_point_text(x)}: it must be "
                    "positive semidefinite everywhere"
                )

    def squared(self, P: Floats, Q: Floats) -> Floats:
        out, (m, d) = np.empty(len(P)), P.shape
        block = max(1, FIELD_BLOCK_ENTRIES // (d * d))
        for i in range(0, m, block):
            at = slice(i, i + block)
            V = Q[at] - P[at]
            out[at] = _quadratic_forms(self.matrices((P[at] + Q[at]) / 2), V)
        if (out < 0).any():
            worst = int(np.argmin(out))
            if out[worst] < -1e-9 * np.abs(out).max():
                self.check((P + Q)[worst : worst + 1] / 2)
        return np.maximum(out, 0.0)

    def slopes(self, P: Floats, Q: Floats) -> Slopes:
        (m, d), middle, V = P.shape, (P + Q) / 2, Q - P
        squared, along, turn = np.empty(m), np.empty((m, d)), np.empty((m, d))
        block = max(1, FIELD_BLOCK_ENTRIES // (2 * d * d * d))
        moves = np.concatenate([np.diag(self.steps), -np.diag(self.steps)])
        for i in range(0, m, block):
            at = slice(i, i + block)
            M, v = self.matrices(middle[at]), V[at]
            along[at] = np.einsum("mij,mj->mi", M, v)
            squared[at] = (along[at] * v).sum(axis=1)
            there = (middle[at][:, None] + moves).reshape(-1, d)
            forms = _quadratic_forms(self.matrices(there), v.repeat(2 * d, axis=0)).reshape(
                -1, 2, d
            )
            turn[at] = (forms[:, 0] - forms[:, 1]) / (2 * self.steps)
        return squared, turn / 2 - 2 * along, turn / 2 + 2 * along

    def mean(self, P: Floats) -> Floats:
        M = np.mean([self.matrices(x[None])[0] for x in P], axis=0)
        return np.asarray((M + M.T) / 2)


class DataWeightedMetric:
    """A metric made longer away from the rows: c(x) M(x), c = 1 + stay_near max(0, r²/g² - 1).

    r² is the mean squared distance to the 5 nearest rows, g² its median over the rows themselves.
    """

    constant = False

    def __init__(self, base: PathMetric, rows: Floats, units: Metric, stay_near: float) -> None:
        self.base, self.units, self.weight = base, units, stay_near
        self.rows, self.image = rows, units.image(rows)
        self.n_near = min(DATA_DISTANCE_NEIGHBOURS, len(rows) - 1)
        self.centre = self.image.mean(axis=0)
        self.search = NearestNeighbors(n_neighbors=self.n_near).fit(self.image - self.centre)
        own = self.search.kneighbors()[0]
        self.typical = float(np.median(np.square(own).mean(axis=1)))
        self.text = f"{base.text}, longer away from the rows (stay_near={stay_near:g})"

    def over(self, base: PathMetric) -> DataWeightedMetric:
        """The same factor on another metric."""
        other = copy(self)
        other.base = base
        return other

    def _factor(self, X: Floats) -> tuple[Floats, Floats]:
        image = self.units.image(X)
        rows = self.search.kneighbors(image - self.centre, return_distance=False)
        away = image[:, None] - self.image[rows]
        excess = np.square(away).sum(axis=2).mean(axis=1) / self.typical - 1
        away, units = away.mean(axis=1), self.units
        slope = away * units.root if units.factor is None else away @ units.factor
        grow = np.where(excess > 0, 2 * self.weight / self.typical, 0.0)
        return 1 + self.weight * np.maximum(excess, 0.0), grow[:, None] * slope

    def squared(self, P: Floats, Q: Floats) -> Floats:
        return self.base.squared(P, Q) * self._factor((P + Q) / 2)[0]

    def slopes(self, P: Floats, Q: Floats) -> Slopes:
        squared, at_p, at_q = self.base.slopes(P, Q)
        factor, slope = self._factor((P + Q) / 2)
        turn = squared[:, None] * slope / 2
        return squared * factor, at_p * factor[:, None] + turn, at_q * factor[:, None] + turn

    def mean(self, P: Floats) -> Floats:
        return self.base.mean(P) * float(self._factor(P)[0].mean())


def read_path_metric(metric: Any, cloud: Cloud, ends: Floats) -> PathMetric:
    """Understand the `metric` argument; `ends` (2, d) are where functions are tried."""
    if callable(metric) or hasattr(metric, "predict"):
        values = None
        if not is_model(metric):
            values = np.asarray(metric(ends), dtype=np.float64)
        if values is not None and values.ndim > 2:
            field = MetricField(
                metric, FIELD_STEP * _feature_scales(cloud.take(cloud.sample(PULLBACK_SAMPLE)))
            )
            field.check(ends)
            return field
        if values is not None and (
            len(np.atleast_1d(values)) != 2 or not np.isfinite(values).all()
        ):
            raise DataError(
                f"the metric function gives shape {values.shape}, or NaN, for 2 points; expected "
                f"(2, {cloud.d}, {cloud.d}) for a metric, or one finite row of outputs for each"
            )
        return _pullback(metric, cloud)
    try:
        return ConstantMetric(cloud.metric(metric))
    except TypeError:
        raise DataError(
            f"metric is {type_of(metric)}: expected None, 'std', 'range', a vector or "
            "matrix of numbers, a function, or a model that predicts"
        ) from None


def weighted_by_data(
    path_metric: PathMetric, rows: Floats, units: Metric, stay_near: Any
) -> PathMetric:
    """The measure made longer away from the rows (n, d), which are distinct."""
    weight = check_nonnegative("stay_near", stay_near)
    if weight == 0 or len(rows) < 2:
        return path_metric
    weighted = DataWeightedMetric(path_metric, rows, units, weight)
    return weighted if weighted.typical > 0 else path_metric


def _pullback(model: Any, cloud: Cloud) -> PullbackMetric:
    rows = cloud.take(cloud.sample(PULLBACK_SAMPLE))
    gradients = gradients_of(model, rows, None)
    total = sum(float(np.square(J).sum()) for J in gradients.jacobians(rows))
    mean = total / len(rows) / cloud.d
    if not mean > 0:
        raise ModelError("the model does not change at any row: it induces no metric")
    text = f"pullback of {type_of(model)}, {gradients.method}"
    return PullbackMetric(output_function(gradients), gradients, PULLBACK_RIDGE * mean, text)


def _transposed_products(gradients: Gradients, X: Floats, V: Floats) -> Floats:
    """J(x)'v for each row x of X (m, d) and v of V (m, k); a network needs no J for it."""
    out, start = np.empty(X.shape), 0
    if isinstance(gradients, NetworkGradients):
        net = gradients.net
        for at in net.blocks(len(X)):
            seeds = {len(net.nodes) - 1: V[at, None]}
            out[at] = net.pull(seeds, net.codes(X[at]), None)[:, 0]
        return out
    for J in gradients.jacobians(X):
        at = slice(start, start + len(J))
        out[at] = (V[at, None] @ J)[:, 0]
        start += len(J)
    return out


def _feature_scales(rows: Floats) -> Floats:
    spread = rows.std(axis=0)
    size = np.maximum(np.abs(rows).max(axis=0), 1e-300)
    largest = float(spread.max())
    return np.where(spread > 0, spread, largest if largest > 0 else size)


def _quadratic_forms(M: Floats, V: Floats) -> Floats:
    return np.asarray(((M @ V[:, :, None])[:, :, 0] * V).sum(axis=1))


def _point_text(x: Floats) -> str:
    return "(" + ", ".join(f"{v:.4g}" for v in x[:6]) + (", ...)" if len(x) > 6 else ")")
