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
)
from ._torch_gradients import TorchGradients, is_torch


def output_function(gradients: Gradients) -> Callable[[Floats], Floats]:
    """The function that the gradients are those of, (m, d) to (m, k)."""
    if isinstance(gradients, NetworkGradients):
        return gradients.net
    if isinstance(gradients, LinearGradients):
        slopes = gradients.slopes
        return lambda X: X @ slopes.T
    if isinstance(gradients, TorchGradients):
        return gradients.function()
    if isinstance(gradients, FiniteDifferences):
        function = gradients.function
        return lambda X: np.asarray(function(X), dtype=np.float64).reshape(len(X), -1)
    raise ModelError(f"{type(gradients).__name__} has no function")  # pragma: no cover


def is_model(metric: Any) -> bool:
    from ..model.network import Network

    return isinstance(metric, Network) or hasattr(metric, "predict") or is_torch(metric)
