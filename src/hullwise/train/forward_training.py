"""Training with forward gradients: any optimiser of PyTorch, without a backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DataError
from ._torch import check_module, import_torch
from .gradient_estimate import ForwardGradient, forward_gradient

__all__ = ["accumulate_forward_gradient"]


def accumulate_forward_gradient(
    loss: Callable[[Any], Any],
    module: Any,
    generator: Any,
    *,
    n_tangents: int = 1,
    directions: str = "rademacher",
    perturb: str = "weights",
) -> ForwardGradient:
    """Add a forward gradient to the `grad` of a module's parameters, as `loss.backward()` would.

    Parameters
    ----------
    loss : callable
        Takes the module and returns its loss, a tensor of one number; it runs no backward.
    module : torch.nn.Module
        Its parameters that require gradients are perturbed.
    generator : torch.Generator or numpy.random.Generator
        Draws the tangents: new ones in every call.
    n_tangents, directions, perturb :
        As in `forward_gradient`.

    Returns
    -------
    ForwardGradient
        Its `value` is the loss.

    Raises
    ------
    DataError, DataTypeError, ModelError
        As in `forward_gradient`, and where `generator` is none.
    MissingDependencyError
        PyTorch is not installed.

    Examples
    --------
    >>> import torch, hullwise as hw
    >>> X, y, generator = torch.eye(3), torch.ones(3, 1), torch.Generator().manual_seed(0)
    >>> net = torch.nn.Linear(3, 1)
    >>> optimizer = torch.optim.SGD(net.parameters(), lr=0.2)
    >>> for _ in range(300):
    ...     optimizer.zero_grad()
    ...     step = hw.train.accumulate_forward_gradient(
    ...         lambda net: (net(X) - y).square().mean(), net, generator)
    ...     optimizer.step()
    >>> step.value < 1e-4
    True
    """
    torch = import_torch("accumulate_forward_gradient")
    check_module(torch, module)
    if not isinstance(generator, torch.Generator | np.random.Generator):
        raise DataError(
            f"generator={generator!r}: expected a torch.Generator or a numpy.random.Generator, "
            "which draws new tangents in every step."
        )
    estimate = forward_gradient(
        loss,
        module,
        n_tangents=n_tangents,
        directions=directions,
        perturb=perturb,
        random_state=generator,
    )
    for name, parameter in module.named_parameters():
        if name not in estimate.gradient:
            continue
        gradient = estimate.gradient[name].clone()
        parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)
    return estimate
