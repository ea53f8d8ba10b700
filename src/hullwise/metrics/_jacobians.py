"""Jacobians of models at many points, block by block: exact where the model's form is known.

A piecewise affine network is differentiated through its affine pieces, a linear model by its
coefficients, kernel machines and smooth networks by their formulas, another torch module by torch,
everything else by central differences with a stated step.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .._core.types import Floats
from .._core.wording import type_of
from ..errors import DataError, DataWarning, ModelError
from ..model.network import Network
from ..model.tangents import first_tangents
from ._closed_form_jacobians import closed_form_gradients
from ._torch_gradients import TorchGradients, is_torch

JACOBIAN_BLOCK_ENTRIES = 2**23  # numbers of Jacobians held at a time
CLASSIFYING = ("softmax", "log_softmax", "sigmoid", "logsigmoid")  # ends of classifiers
SMOOTH_MODEL_STEP, TREE_MODEL_STEP = (
    1e-4,
    0.5,
)  # steps of differences in standard deviations: smooth models, trees


class Gradients(Protocol):
    """Jacobians of a model with k outputs in d inputs."""

    @property
    def method(self) -> str:
        """In words."""

    def jacobians(self, X: Floats) -> Iterator[Floats]:
        """Blocks (m, k, d) for the rows X (n, d), in order."""


def outer_sum(gradients: Gradients, X: Floats) -> Floats:
    """The sum over rows of J'J, (d, d)."""
    if isinstance(gradients, NetworkGradients):
        return gradients.outer_sum(X)
    total = np.zeros((X.shape[1], X.shape[1]))
    for J in gradients.jacobians(X):
        flat = J.reshape(-1, J.shape[2])
        total += flat.T @ flat
    return total


@dataclass(frozen=True, eq=False)
class NetworkGradients:
    """Through the affine pieces of a network, and what was left out behind them.

    Of a classifier that ends in a softmax or a sigmoid: of the decision function before it.
    """

    net: Network

    @property
    def method(self) -> str:
        kinds = " and ".join(one.kind for one in self.net.output_activations)
        behind = f"{' before' if self.of_decisions else ' and'} {kinds}" if kinds else ""
        return f"exact, through the affine pieces{behind}"

    @property
    def of_decisions(self) -> bool:
        """Whether a classifier's last function was left out, and stays so."""
        return any(one.kind in CLASSIFYING for one in self.net.output_activations)

    def _pulled(self, X: Floats, node: int | None) -> Iterator[Floats]:
        net, k = self.net, self.net.n_outputs
        last = len(net.nodes) - 1
        for rows in net.blocks(len(X), k):
            code = net.codes(X[rows])
            seeds = np.broadcast_to(np.eye(k), (len(code), k, k))
            if net.output_activations and not self.of_decisions:
                seeds = net.output_seeds(net(X[rows]))
            yield net.pull({last: seeds}, code, node)

    def jacobians(self, X: Floats) -> Iterator[Floats]:
        return self._pulled(X, None)

    def outer_sum(self, X: Floats) -> Floats:
        """Where one narrow layer sees the whole input, outer products are added up there."""
        start = first_tangents(self.net) if self.net.layers else None
        narrow = start is not None and len(start.outputs) == 1 and start.basis is not None
        node = next(iter(start.outputs)) if start is not None and narrow else None
        total: Any = 0.0
        for J in self._pulled(X, node):
            flat = J.reshape(-1, J.shape[2])
            total = total + flat.T @ flat
        if start is None or node is None or start.basis is None:
            return np.asarray(total + np.zeros((self.net.n_inputs, self.net.n_inputs)))
        into = start.outputs[node][0].T @ start.basis  # (width, d): that layer's own slopes
        return np.asarray(into.T @ total @ into)


@dataclass(frozen=True, eq=False)
class LinearGradients:
    """The same slopes everywhere."""

    slopes: Floats  # (k, d)
    method: str = "exact, by the coefficients"

    def jacobians(self, X: Floats) -> Iterator[Floats]:
        step = max(1, JACOBIAN_BLOCK_ENTRIES // self.slopes.size)
        for i in range(0, len(X), step):
            yield np.broadcast_to(self.slopes, (len(X[i : i + step]), *self.slopes.shape))


@dataclass(frozen=True, eq=False)
class FiniteDifferences:
    """Central differences of f: (m, d) to (m,) or (m, k), with a step for each feature."""

    function: Callable[[Floats], Any]
    steps: Floats
    method: str

    def jacobians(self, X: Floats) -> Iterator[Floats]:
        d = X.shape[1]
        block = max(1, JACOBIAN_BLOCK_ENTRIES // (2 * d * d))
        for i in range(0, len(X), block):
            part = X[i : i + block]
            moved = np.repeat(part[:, None, None, :], d, axis=1).repeat(2, axis=2)
            j = np.arange(d)
            moved[:, j, 0, j] += self.steps
            moved[:, j, 1, j] -= self.steps
            values = np.asarray(self.function(moved.reshape(-1, d)), dtype=np.float64)
            if len(values) != len(moved) * d * 2 or not np.isfinite(values).all():
                raise ModelError(
                    f"the model gives {values.shape} values, or NaN, for {len(moved) * d * 2} rows "
                    f"near those given; it must give one finite row of outputs for each"
                )
            values = values.reshape(len(part), d, 2, -1)
            width = (moved[:, j, 0, j] - moved[:, j, 1, j])[..., None]
            yield ((values[:, :, 0] - values[:, :, 1]) / width).transpose(0, 2, 1)


def gradients_of(model: Any, X: Floats, step: float | None) -> Gradients:
    """How to differentiate a model, for rows like X (n, d); step in standard deviations."""
    if step is not None and not step > 0:
        raise DataError(f"step is {step!r}; give a positive number of standard deviations")
    if isinstance(model, Network):
        return NetworkGradients(model)
    packages = {cls.__module__.partition(".")[0] for cls in type(model).__mro__}
    if step is None and is_torch(model):
        try:
            return _network_gradients(model, X.shape[1])
        except ModelError:
            return TorchGradients(model)
    if step is None and hasattr(model, "coefs_") and model.activation in ("relu", "identity"):
        return _network_gradients(model)
    if (
        step is None
        and "sklearn" in packages
        and hasattr(model, "coef_")
        and not _is_kernel_machine(model)
    ):
        return LinearGradients(np.atleast_2d(np.asarray(model.coef_, dtype=np.float64)))
    gradients = closed_form_gradients(model, X.shape[1]) if step is None else None
    return _finite_differences(model, X, step) if gradients is None else gradients


def _network_gradients(model: Any, *input_shape: int) -> NetworkGradients:
    """Of a model that is read as a network; what is left out is named where it counts."""
    from ..model.readers.read import read

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gradients = NetworkGradients(read(model, *input_shape))
    accounted = gradients.net.output_activations and not gradients.of_decisions
    for warning in caught:
        if warning.category is not DataWarning or not accounted:
            warnings.warn(warning.message, stacklevel=4)
    return gradients


def _is_kernel_machine(model: Any) -> bool:
    return getattr(model, "kernel", "linear") != "linear" or hasattr(model, "dual_coef_")


def _finite_differences(model: Any, X: Floats, step: float | None) -> FiniteDifferences:
    spread = X.std(axis=0)
    spread = np.where(spread > 0, spread, np.maximum(1.0, np.abs(X).max(axis=0)))
    share = (
        (TREE_MODEL_STEP if _is_tree_model(model) else SMOOTH_MODEL_STEP) if step is None else step
    )
    method = f"central differences, {share:g} standard deviations to each side"
    if is_torch(model):
        return FiniteDifferences(TorchGradients(model).function(), share * spread, method)
    for name in ("decision_function", "predict_proba", "predict"):
        if hasattr(model, name):
            return FiniteDifferences(getattr(model, name), share * spread, method)
    if callable(model):
        return FiniteDifferences(model, share * spread, method)
    raise ModelError(
        f"{type_of(model)} cannot be differentiated: give a Network, a torch module, a "
        f"fitted scikit-learn estimator or a function of rows"
    )


def _is_tree_model(model: Any) -> bool:
    steps = getattr(model, "steps", None)
    last = steps[-1][1] if steps else model
    return any(hasattr(last, name) for name in ("tree_", "estimators_", "_predictors", "booster_"))
