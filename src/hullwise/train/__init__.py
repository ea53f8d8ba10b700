"""Training aids of the same geometry: gradients without backpropagation, penalties, mixtures."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# The same names once more, for type checkers and editors: a test compares the two.
if TYPE_CHECKING:
    from .directional import directional_derivative as directional_derivative
    from .distillation import Distillation as Distillation
    from .distillation import distill as distill
    from .dual_array import DualArray as DualArray
    from .forward_training import ForwardGradientOptimizer as ForwardGradientOptimizer
    from .forward_training import accumulate_forward_gradient as accumulate_forward_gradient
    from .gradient_estimate import ForwardGradient as ForwardGradient
    from .gradient_estimate import forward_gradient as forward_gradient
    from .mixtures import MixedRows as MixedRows
    from .mixtures import mixup as mixup
    from .orthogonality import orthogonality_penalty as orthogonality_penalty
    from .soft_targets import distillation_loss as distillation_loss
    from .soft_targets import teacher_outputs as teacher_outputs
    from .tangent_derivatives import tangent_penalty as tangent_penalty
    from .tangents import local_tangents as local_tangents
    from .tangents import transformation_tangents as transformation_tangents

# Names are imported when first used: without PyTorch the rest of hullwise goes on working.
_HOMES: dict[str, str] = {
    "tangent_penalty": "tangent_derivatives",
    "transformation_tangents": "tangents",
    "local_tangents": "tangents",
    "mixup": "mixtures",
    "MixedRows": "mixtures",
    "orthogonality_penalty": "orthogonality",
    "distill": "distillation",
    "Distillation": "distillation",
    "distillation_loss": "soft_targets",
    "teacher_outputs": "soft_targets",
    "forward_gradient": "gradient_estimate",
    "ForwardGradient": "gradient_estimate",
    "accumulate_forward_gradient": "forward_training",
    "ForwardGradientOptimizer": "forward_training",
    "DualArray": "dual_array",
    "directional_derivative": "directional",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hullwise.train' has no attribute {name!r}")
    return getattr(import_module(f"hullwise.train.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
