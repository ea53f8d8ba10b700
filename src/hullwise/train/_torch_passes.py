"""Passes of a torch loss with dual numbers: the same function of the same weights each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.autograd import forward_ad

from .._core.types import Floats
from .._core.wording import type_of
from ..errors import DataError, ModelError
from ._torch import prepare_forward_mode

# Of two passes with the same weights and random numbers, in units of sqrt(eps) of the loss's type:
# more than what an order of summation on a device changes.
SAME_LOSS = 1.0


class LossOfModule(torch.nn.Module):  # type: ignore[misc]
    """A loss as a module around the module that it is of, whose weights can then be replaced."""

    def __init__(self, loss: Callable[[Any], Any], module: torch.nn.Module) -> None:
        super().__init__()
        self.loss, self.module = loss, module

    def forward(self) -> Any:
        return self.loss(self.module)

    def call(self, weights: Mapping[str, Any]) -> Any:
        """The loss where the module's weights are these, by their names in the module."""
        return torch.func.functional_call(
            self, {f"module.{name}": weight for name, weight in weights.items()}, ()
        )


def trained_parameters(module: Any) -> dict[str, Any]:
    """The parameters of a module that require gradients, by name.

    Raises
    ------
    DataError
        There is none.
    """
    parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
    if not parameters:
        raise DataError(
            "the module has no parameter that requires a gradient: nothing is there to perturb."
        )
    return parameters


class DualPasses:
    """Calls of one loss, which must be the same function in each of them.

    Every pass draws the random numbers of the first (dropout drops the same units), and leaves the
    buffers (running means of normalisation) as one pass would; `once` is for a single pass.
    """

    def __init__(self, weights: Sequence[Any], buffers: Sequence[Any], *, once: bool) -> None:
        prepare_forward_mode()
        self.weights, self.buffers = weights, buffers
        self.versions = [weight._version for weight in weights]
        self.random_numbers = {} if once else _random_numbers(weights)
        self.buffers_before = [] if once else [buffer.clone() for buffer in buffers]
        self.losses: list[Any] = []

    def run(self, dual_loss: Callable[[], Any], *, with_rows: bool = False) -> Any:
        """The derivative of the loss that `dual_loss` computes of dual tensors that it makes."""
        if self.losses:
            self._go_back()
        with forward_ad.dual_level(), forward_mode_errors():
            loss, tangent = forward_ad.unpack_dual(_checked(dual_loss(), with_rows))
        loss, tangent = loss.detach(), None if tangent is None else tangent.detach()
        self._check(loss, tangent)
        self.losses.append(loss)
        return tangent

    @property
    def value(self) -> float:
        """The loss, the mean over its rows where it has some."""
        return float(self.losses[0].mean())

    def keeping_buffers(self, work: Callable[[], Any]) -> Any:
        """What `work` returns, the buffers as they were before it."""
        before = [buffer.clone() for buffer in self.buffers]
        result = work()
        _restore(self.buffers, before)
        return result

    def _go_back(self) -> None:
        for device, state in self.random_numbers.items():
            if device.type == "cpu":
                torch.set_rng_state(state)
            else:
                torch.cuda.set_rng_state(state, device)
        _restore(self.buffers, self.buffers_before)

    def _check(self, loss: Any, tangent: Any) -> None:
        if tangent is None:
            raise DataError(
                "the loss does not depend on what is perturbed: it is computed from other numbers, "
                "or the way to it leaves PyTorch's derivatives (detach, item, numpy)."
            )
        if not bool(torch.isfinite(loss).all() & torch.isfinite(tangent).all()):
            raise DataError(
                f"the loss is {float(loss.mean()):g} and its derivative along a tangent "
                f"{float(tangent.mean()):g}: expected finite numbers. The weights or the rows hold "
                "numbers that are too large, or not finite."
            )
        if any(w._version != version for w, version in zip(self.weights, self.versions)):
            raise DataError(
                "the loss changes the weights in place, so that it is no function of them: "
                "change them outside of it."
            )
        if self.losses and not _same(self.losses[0], loss):
            raise DataError(
                f"the loss is {float(self.losses[0].mean()):.9g} in one pass and "
                f"{float(loss.mean()):.9g} in the next with the same weights: it must be one "
                "function in all passes. Random numbers of torch's own generators are repeated; "
                "draw others, and batches, outside of the loss."
            )


def _restore(buffers: Sequence[Any], before: Sequence[Any]) -> None:
    with torch.no_grad():
        for buffer, values in zip(buffers, before):
            buffer.copy_(values)


def _same(a: Any, b: Any) -> bool:
    tolerance = SAME_LOSS * torch.finfo(a.dtype).eps ** 0.5
    return a.shape == b.shape and bool(torch.allclose(a, b, rtol=tolerance, atol=tolerance))


def _checked(loss: Any, with_rows: bool) -> Any:
    """A loss that has a derivative."""
    if not isinstance(loss, torch.Tensor):
        raise DataError(f"the loss is {type_of(loss)}: expected a tensor of one number.")
    if loss.numel() != 1 and not (with_rows and loss.ndim == 1):
        raise DataError(
            f"the loss has shape {tuple(loss.shape)}: expected one number, as loss.mean() is."
        )
    if not loss.is_floating_point():
        raise DataError(f"the loss is of {loss.dtype}: expected floating point numbers.")
    return loss


def _random_numbers(weights: Sequence[Any]) -> dict[Any, Any]:
    """Where the generators stand from which a pass draws, by device."""
    states: dict[Any, Any] = {torch.device("cpu"): torch.get_rng_state()}
    for weight in weights:
        if weight.device.type == "cuda" and weight.device not in states:
            states[weight.device] = torch.cuda.get_rng_state(weight.device)
    return states


@contextmanager
def forward_mode_errors() -> Iterator[None]:
    """What PyTorch cannot differentiate forward, as this library's error.

    Raises
    ------
    ModelError
        An operation has no forward derivative, or the loss runs backward itself.
    """
    try:
        yield
    except NotImplementedError as error:
        words = str(error).strip().splitlines()[0]
        if "forward AD" not in words and "forward mode" not in words:
            raise
        advice = "use another operation, or one of your own with a jvp."
        if "mkldnn" in words:
            advice = "switch it off around the call: torch.backends.mkldnn.flags(enabled=False)."
        raise ModelError(f"PyTorch has no forward derivative here ({words}): {advice}") from error
    except RuntimeError as error:
        if "does not require grad" not in str(error):
            raise
        raise ModelError(
            "the loss runs backward itself, which a forward gradient does without: return it, and "
            "call no backward()."
        ) from error


def as_floats64(tensors: Sequence[Any]) -> Floats:
    """Stacked, on the CPU."""
    return np.asarray(torch.stack(list(tensors)).double().cpu().numpy())
