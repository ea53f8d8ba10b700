"""`forward_gradient` of torch functions and modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd import forward_ad

from .._core.wording import type_of
from ..errors import DataError, DataTypeError, ModelError
from ._direction_theory import check_directions, relative_variance
from ._seeds import seed_of
from ._torch_activations import torch_activation_gradient
from ._torch_passes import DualPasses, LossOfModule, as_floats64, trained_parameters
from ._torch_tangents import TangentSource
from ._trees import leaves_of, tree_like
from .gradient_estimate import ForwardGradient


def torch_forward_gradient(
    function: Callable[[Any], Any],
    parameters: Any,
    n_tangents: int,
    directions: str,
    perturb: str,
    random_state: Any,
) -> ForwardGradient:
    """`forward_gradient` where the parameters are a module or tensors."""
    with torch.inference_mode(False):  # in it PyTorch carries no derivative
        if perturb == "activations":
            return torch_activation_gradient(
                function, parameters, n_tangents, directions, random_state
            )
        return torch_weight_gradient(function, parameters, n_tangents, directions, random_state)


def torch_weight_gradient(
    function: Callable[[Any], Any],
    parameters: Any,
    n_tangents: int,
    directions: str,
    random_state: Any,
) -> ForwardGradient:
    """`forward_gradient` with `perturb="weights"`."""
    function, tree, buffers = _as_function(function, parameters)
    named = list(leaves_of(tree))
    for name, weight in named:
        _check_weight(name, weight)
    weights = [weight.detach() for _, weight in named]
    n = sum(weight.numel() for weight in weights)
    n_tangents = check_directions(directions, n_tangents, n)
    passes = DualPasses(weights, buffers, once=n_tangents == 1)
    sums: list[Any] = []
    derivatives = []
    for tangents in TangentSource(directions, seed_of(random_state)).tangents(n_tangents, weights):

        def dual_loss(tangents: Any = tangents) -> Any:
            duals = (forward_ad.make_dual(w, v) for w, v in zip(weights, tangents))
            return function(tree_like(tree, duals.__next__))

        derivatives.append(passes.run(dual_loss).reshape(()))
        sums = _added(sums, tangents, derivatives[-1] / n_tangents)
    D = as_floats64(derivatives)
    squared_norm = float((D**2).mean())
    return ForwardGradient(
        gradient=tree_like(tree, iter(sums).__next__),
        value=passes.value,
        derivatives=D,
        squared_norm=squared_norm,
        variance=relative_variance(directions, n, n_tangents) * squared_norm,
        n_parameters=n,
        n_perturbed=n,
        directions=directions,
        perturb="weights",
    )


def _added(sums: list[Any], tangents: list[Any], factor: Any) -> list[Any]:
    """The sums and the factor times the tangents, in the tangents' own memory at first.

    New memory costs more than the numbers that are written to it.
    """
    if not sums:
        return [tangent.mul_(factor.to(tangent)) for tangent in tangents]
    for total, tangent in zip(sums, tangents):
        total.addcmul_(tangent, factor.to(total))
    return sums


def _as_function(
    function: Callable[[Any], Any], parameters: Any
) -> tuple[Callable[[Any], Any], Any, tuple[Any, ...]]:
    """The function of a tree of tensors, that tree, and the buffers that a call may change."""
    if not isinstance(parameters, torch.nn.Module):
        return function, parameters, ()
    tree = trained_parameters(parameters)
    return LossOfModule(function, parameters).call, tree, tuple(parameters.buffers())


def _check_weight(name: str, weight: Any) -> None:
    if not isinstance(weight, torch.Tensor):
        raise DataTypeError(f"{name} is {type_of(weight)}: expected a tensor, like others.")
    if isinstance(weight, torch.nn.parameter.UninitializedTensorMixin):
        raise ModelError(f"{name} has no shape yet: run the module once on rows first.")
    if not weight.is_floating_point():
        raise DataError(
            f"{name} is of {weight.dtype}: only floating point numbers have derivatives."
        )
