"""Forward gradients that perturb what layers return, and not their weights.

After M. Ren, S. Kornblith, R. Liao, G. Hinton (2023), Scaling Forward Gradient with Local Losses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch

from .._core.wording import type_of
from ..errors import DataError, DataTypeError
from ._direction_theory import check_directions
from ._perturbed_layers import ParametersOnlyInLayers, PerturbedLayers
from ._seeds import seed_of
from ._torch_passes import DualPasses, LossOfModule, as_floats64, trained_parameters
from ._torch_tangents import TangentSource
from ._trees import tree_like
from .gradient_estimate import ForwardGradient


def torch_activation_gradient(
    loss: Callable[[Any], Any],
    module: Any,
    n_tangents: int,
    directions: str,
    random_state: Any,
) -> ForwardGradient:
    """`forward_gradient` with `perturb="activations"`."""
    if not isinstance(module, torch.nn.Module):
        raise DataTypeError(
            "perturb='activations' needs a torch.nn.Module, whose layers have outputs to perturb; "
            f"parameters is {type_of(module)}."
        )
    parameters = trained_parameters(module)
    weights = list(parameters.values())
    n_tangents = check_directions(directions, n_tangents, np.inf)
    once = n_tangents == 1 and directions != "orthonormal"
    passes = DualPasses(weights, tuple(module.buffers()), once=once)
    layers = PerturbedLayers(module)
    problem = ActivationProblem(loss, module, parameters, passes, layers)
    tangents = problem.tangents(directions, n_tangents, seed_of(random_state))
    derivatives, squares = [], []
    mean: list[Any] = []
    for tangent_like in tangents:
        derivatives.append(problem.derivative(tangent_like))
        gradients = passes.keeping_buffers(lambda: layers.gradients(derivatives[-1], weights))
        squares.append(sum(float(g.double().square().sum()) for g in gradients))
        if len(squares) == 1:
            mean = [gradient.div_(n_tangents) for gradient in gradients]
            continue
        for total, gradient in zip(mean, gradients):
            total.add_(gradient, alpha=1 / n_tangents)
    squared_norm, variance = _moments(mean, squares, directions, problem.n_perturbed)
    return ForwardGradient(
        gradient=tree_like(dict(parameters), iter(mean).__next__),
        value=passes.value,
        derivatives=as_floats64(derivatives),
        squared_norm=squared_norm,
        variance=variance,
        n_parameters=sum(p.numel() for p in weights),
        n_perturbed=problem.n_perturbed,
        directions=directions,
        perturb="activations",
    )


class ActivationProblem:
    """A loss as a function of what the layers of a module return."""

    def __init__(
        self, loss: Any, module: Any, parameters: Any, passes: DualPasses, layers: PerturbedLayers
    ) -> None:
        self.call = LossOfModule(loss, module).call
        self.frozen = {name: p.detach() for name, p in parameters.items()}
        self.passes, self.layers = passes, layers
        self.normalising = [
            name
            for name, part in module.named_modules()
            if isinstance(part, torch.nn.modules.batchnorm._BatchNorm) and part.training
        ]

    def derivative(self, tangent_like: Callable[[Any], Any]) -> Any:
        """Of the loss, or of each row's, along the tangents that the layers' outputs are given."""
        first = not self.passes.losses

        def dual_loss() -> Any:
            check = ParametersOnlyInLayers(self.layers, self.frozen) if first else nullcontext()
            with self.layers.watched(tangent_like), check:
                return self.call(self.frozen)

        derivative = self.passes.run(dual_loss, with_rows=True)
        if derivative.numel() == 1:
            return derivative.reshape(())
        if self.normalising:
            raise DataError(
                f"a loss for each row needs rows that do not meet, but {self.normalising[0]!r} "
                "normalises over the batch: return the mean of the losses, or use eval()."
            )
        return derivative

    @property
    def n_perturbed(self) -> int:
        """Numbers of a tangent; where there is a loss for each row, of one row's."""
        total = sum(call.tangent.numel() for call in self.layers.calls)
        return int(total // self.passes.losses[0].numel())

    def tangents(
        self, directions: str, n_tangents: int, seed: int
    ) -> Iterator[Callable[[Any], Any]]:
        """For each pass, what draws the tangent of an output."""
        source = TangentSource(directions, seed)
        if directions != "orthonormal":
            for _ in range(n_tangents):
                yield source.like
            return
        self.derivative(torch.zeros_like)  # a pass that says which outputs there are
        outputs, rows = [call.tangent for call in self.layers.calls], self.passes.losses[0].numel()
        check_directions(directions, n_tangents, self.n_perturbed)
        sizes = [output.numel() // rows for output in outputs]
        columns = source.columns((rows, self.n_perturbed, n_tangents), outputs[0])
        for k in range(n_tangents):
            yield _each_like_the_next(columns[..., k].split(sizes, dim=1))


def _each_like_the_next(parts: Sequence[Any]) -> Callable[[Any], Any]:
    """The parts in turn, in the shape of the output that asks."""
    rest = iter(parts)
    return lambda output: next(rest).reshape(output.shape).to(output)


def _moments(mean: list[Any], squares: list[float], directions: str, n: int) -> tuple[float, float]:
    """Estimates without bias of |grad|^2 and of the variance, from the spread over the tangents.

    Orthonormal tangents are K of the n axes of a random frame, drawn without replacement, and the
    mean over the whole frame is the gradient: the variance of a mean of K has the factor 1 - K / n.
    """
    K = len(squares)
    if K == 1:
        return np.nan, np.nan
    squared_mean = sum(float(g.double().square().sum()) for g in mean)
    variance = (sum(squares) - K * squared_mean) / (K - 1) / K
    if directions == "orthonormal":
        variance *= 1 - K / n
    return squared_mean - variance, variance
