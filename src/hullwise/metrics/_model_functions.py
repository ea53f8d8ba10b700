"""Models as functions of rows: what their Jacobians are the derivatives of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core.types import Floats
from ..errors import ModelError
from ._jacobians import (
    FiniteDifferences,
    Gradients,
    LinearGradients,
    NetworkGradients,
    TorchGradients,
)


def output_function(gradients: Gradients) -> Callable[[Floats], Floats]:
    """The function that the gradients are those of, (m, d) to (m, k)."""
    if isinstance(gradients, NetworkGradients):
        return gradients.net
    if isinstance(gradients, LinearGradients):
        slopes = gradients.slopes
        return lambda X: X @ slopes.T
    if isinstance(gradients, TorchGradients):
        return torch_function(gradients.module)
    if isinstance(gradients, FiniteDifferences):
        function = gradients.function
        return lambda X: np.asarray(function(X), dtype=np.float64).reshape(len(X), -1)
    raise ModelError(f"{type(gradients).__name__} has no function")  # pragma: no cover


def torch_function(module: Any) -> Callable[[Floats], Floats]:
    """A torch module as a function of arrays, in float64 and at rest."""
    import copy

    import torch

    copied = copy.deepcopy(module).cpu().double().eval()

    def call(X: Floats) -> Floats:
        with torch.no_grad():
            out = copied(torch.tensor(X, dtype=torch.float64))
        return np.asarray(out.reshape(len(X), -1).numpy())

    return call


def is_torch(model: Any) -> bool:
    """Whether it is a torch module, without importing torch."""
    return hasattr(model, "state_dict") and hasattr(model, "parameters")


def is_model(metric: Any) -> bool:
    from ..model.network import Network

    return isinstance(metric, Network) or hasattr(metric, "predict") or is_torch(metric)
