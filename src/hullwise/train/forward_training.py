"""Training with forward gradients: any optimiser of PyTorch, without a backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core.options import check_int
from .._core.wording import type_of
from ..errors import DataError, DataTypeError
from ._direction_theory import check_directions, check_perturb
from ._torch import check_module, import_torch
from .gradient_estimate import ForwardGradient, forward_gradient

__all__ = ["ForwardGradientOptimizer", "accumulate_forward_gradient"]


def accumulate_forward_gradient(
    loss: Callable[[Any], Any],
    module: Any,
    random_state: Any,
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
    random_state : torch.Generator or numpy.random.Generator
        Draws the tangents: new ones in every call.
    n_tangents, directions, perturb :
        As in `forward_gradient`.

    Returns
    -------
    ForwardGradient
        Its `value` is the loss; its gradient shares memory with `grad` where that was empty.

    Raises
    ------
    DataError, DataTypeError, ModelError
        As in `forward_gradient`, and where `random_state` is none of these.
    MissingDependencyError
        PyTorch is not installed.

    Examples
    --------
    >>> torch = __import__("pytest").importorskip("torch")
    >>> import hullwise as hw
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
    if not isinstance(random_state, torch.Generator | np.random.Generator):
        raise DataError(
            f"random_state={random_state!r}: expected a torch.Generator or a "
            "numpy.random.Generator, which draws new tangents in every step."
        )
    estimate = forward_gradient(
        loss,
        module,
        n_tangents=n_tangents,
        directions=directions,
        perturb=perturb,
        random_state=random_state,
    )
    for name, parameter in module.named_parameters():
        if name not in estimate.gradient:
            continue
        gradient = estimate.gradient[name]
        # a sum in new memory: the estimate before keeps its numbers
        parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
    return estimate


class ForwardGradientOptimizer:
    """An optimiser of PyTorch whose gradients are forward gradients.

    It takes the place of the optimiser in a training loop: `step` computes the gradient too, so
    that nobody calls `backward`. Schedulers and parameter groups are those of `optimizer`.

    Parameters
    ----------
    module : torch.nn.Module
        What is trained.
    optimizer : torch.optim.Optimizer
        Of the module's parameters: SGD, Adam or another.
    n_tangents, directions, perturb :
        As in `forward_gradient`.
    random_state : int, default=0
        Of the tangents, which are new ones in every step.

    Attributes
    ----------
    last : ForwardGradient or None
        Of the last step.

    Raises
    ------
    DataError
        The optimiser has parameters that the module has not, or an option is wrong.
    DataTypeError, ModelError
        The module or the optimiser is something else.
    MissingDependencyError
        PyTorch is not installed.

    Examples
    --------
    >>> torch = __import__("pytest").importorskip("torch")
    >>> import hullwise as hw
    >>> X, y = torch.eye(3), torch.ones(3, 1)
    >>> net = torch.nn.Linear(3, 1)
    >>> optimizer = hw.train.ForwardGradientOptimizer(
    ...     net, torch.optim.SGD(net.parameters(), lr=0.2))
    >>> for _ in range(300):
    ...     loss = optimizer.step(lambda: (net(X) - y).square().mean())
    >>> loss < 1e-4
    True
    """

    def __init__(
        self,
        module: Any,
        optimizer: Any,
        *,
        n_tangents: int = 1,
        directions: str = "rademacher",
        perturb: str = "weights",
        random_state: int = 0,
    ) -> None:
        torch = import_torch("ForwardGradientOptimizer")
        check_module(torch, module)
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise DataTypeError(
                f"optimizer is {type_of(optimizer)}: expected a "
                "torch.optim.Optimizer, such as torch.optim.SGD(module.parameters(), lr=0.01)."
            )
        check_perturb(perturb)
        check_directions(directions, n_tangents, np.inf)
        self.module, self.optimizer = module, optimizer
        self.n_tangents, self.directions, self.perturb = n_tangents, directions, perturb
        seed = check_int("random_state", random_state, 0)
        self.generator = torch.Generator().manual_seed(seed)
        self.last: ForwardGradient | None = None
        self._check_parameters()

    def _check_parameters(self) -> None:
        own = {id(p) for p in self.module.parameters()}
        groups = self.optimizer.param_groups
        if any(id(p) not in own for group in groups for p in group["params"]):
            raise DataError(
                "the optimizer has parameters that the module has not: they would get no gradient."
            )

    def step(self, closure: Callable[[], Any]) -> float:
        """One step along a new forward gradient; what is in `grad` before it is dropped.

        Parameters
        ----------
        closure : callable
            Returns the loss, a tensor of one number, from calling the module; it runs no backward.

        Returns
        -------
        float
            The loss before the step.

        Raises
        ------
        DataError, ModelError
            As in `forward_gradient`; the module is unchanged then.
        """
        self.zero_grad()
        self.last = accumulate_forward_gradient(
            lambda module: closure(),
            self.module,
            self.generator,
            n_tangents=self.n_tangents,
            directions=self.directions,
            perturb=self.perturb,
        )
        self.optimizer.step()
        return self.last.value

    def zero_grad(self) -> None:
        """Drop the gradients, as `step` does by itself."""
        self.module.zero_grad()

    @property
    def param_groups(self) -> Any:
        """Those of the optimiser."""
        return self.optimizer.param_groups

    def state_dict(self) -> dict[str, Any]:
        """The optimiser's state and where the generator of tangents stands."""
        return {"optimizer": self.optimizer.state_dict(), "generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned."""
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
