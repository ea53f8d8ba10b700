"""Layers whose outputs get a tangent while a pass goes through them, and their own derivatives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd import forward_ad
from torch.overrides import TorchFunctionMode

from ..errors import DataError, ModelError

# What may be asked of a parameter anywhere: it does not depend on its numbers.
SHAPE_QUESTIONS = {
    *(getattr(torch.Tensor, name).__get__ for name in ("shape", "ndim", "dtype", "device")),
    *(getattr(torch.Tensor, name).__get__ for name in ("requires_grad", "is_leaf", "grad")),
    *(getattr(torch.Tensor, name) for name in ("size", "numel", "dim", "is_floating_point")),
}


@dataclass(frozen=True, eq=False)
class LayerCall:
    """One call of a layer: what went in, and the tangent that its output was given."""

    layer: Any
    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    versions: tuple[int, ...]
    tangent: Any


class PerturbedLayers:
    """The layers of a module that have parameters of their own to train.

    Raises
    ------
    ModelError
        A module has such parameters and inner layers that have some too: its output comes after
        theirs, and its own derivative would be a backward pass through them.
    """

    def __init__(self, module: Any) -> None:
        self.names: dict[Any, str] = {}
        for name, layer in module.named_modules():
            own = any(p.requires_grad for p in layer.parameters(recurse=False))
            if not own:
                continue
            inner = {id(p) for child in layer.children() for p in child.parameters()}
            if inner:
                raise ModelError(
                    f"the module {name or type(module).__name__!r} has parameters beside "
                    "inner layers with parameters: put its own into a layer, or take "
                    "perturb='weights'."
                )
            self.names[layer] = name or type(module).__name__
        self.calls: list[LayerCall] = []
        self.inside = 0

    @contextmanager
    def watched(self, tangent_like: Callable[[Any], Any]) -> Iterator[None]:
        """Within the block every output of a layer is a dual number, and `calls` says of each."""
        self.calls, self.inside = [], 0

        def enter(layer: Any, args: Any) -> None:
            self.inside += 1

        def leave(layer: Any, args: Any, kwargs: Any, output: Any) -> Any:
            self.inside -= 1
            return self._perturbed(layer, args, kwargs, output, tangent_like)

        hooks = [layer.register_forward_pre_hook(enter) for layer in self.names]
        # last of all hooks: the output that others see is the one that goes on
        hooks += [layer.register_forward_hook(leave, with_kwargs=True) for layer in self.names]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _perturbed(
        self, layer: Any, args: Any, kwargs: Any, output: Any, tangent_like: Callable[[Any], Any]
    ) -> Any:
        name = self.names[layer]
        if not isinstance(output, torch.Tensor) or not output.is_floating_point():
            raise ModelError(
                f"the layer {name!r} ({type(layer).__name__}) returns no single tensor of floating "
                "point numbers: only such outputs are perturbed; take perturb='weights'."
            )
        primal, tangent = forward_ad.unpack_dual(output)
        drawn = tangent_like(primal)
        args, kwargs = _primals(args), _primals(kwargs)
        self.calls.append(LayerCall(layer, name, args, kwargs, _versions(args, kwargs), drawn))
        # a copy: what follows may change the output in place, and its tangent with it
        return forward_ad.make_dual(primal, drawn.clone() if tangent is None else tangent + drawn)

    def gradients(self, derivative: Any, parameters: Sequence[Any]) -> list[Any]:
        """The parameters' gradients, that of an output being the derivative times its tangent.

        `derivative` is one number, or one for each row, of whose losses the mean is taken.
        """
        sums: list[Any] = [None] * len(parameters)
        places = {id(p): i for i, p in enumerate(parameters)}
        for call in self.calls:
            if _versions(call.args, call.kwargs) != call.versions:
                raise ModelError(
                    f"the input of the layer {call.name!r} is changed in place after it: switch "
                    "that off (inplace=False), or take perturb='weights'."
                )
            own = [p for p in call.layer.parameters(recurse=False) if p.requires_grad]
            with torch.enable_grad():
                output = call.layer(*call.args, **call.kwargs)
            weight = _rows_as(derivative, call)
            gradients = torch.autograd.grad(output, own, weight * call.tangent, allow_unused=True)
            for p, gradient in zip(own, gradients):
                if gradient is not None:
                    before = sums[places[id(p)]]
                    sums[places[id(p)]] = gradient if before is None else before.add_(gradient)
        return [
            torch.zeros_like(p, requires_grad=False) if gradient is None else gradient
            for p, gradient in zip(parameters, sums)
        ]


def _rows_as(derivative: Any, call: LayerCall) -> Any:
    """The derivative as a factor of the output's tangent; rows of losses are rows of the output."""
    shape = call.tangent.shape
    if derivative.ndim == 0:
        return derivative.to(call.tangent)
    if not shape or shape[0] != len(derivative):
        raise DataError(
            f"the loss has {len(derivative)} rows, the output of the layer {call.name!r} has "
            f"shape {tuple(shape)}: with a loss for each row it needs an entry for each."
        )
    return (derivative / len(derivative)).to(call.tangent).reshape(-1, *[1] * (len(shape) - 1))


def _primals(values: Any) -> Any:
    """The same without tangents."""
    if isinstance(values, torch.Tensor):
        return forward_ad.unpack_dual(values).primal.detach()
    if isinstance(values, Mapping):
        return {name: _primals(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return type(values)(_primals(value) for value in values)
    return values


def _versions(*values: Any) -> tuple[int, ...]:
    """How often each tensor among them has been changed in place."""
    versions: list[int] = []
    for value in values:
        if isinstance(value, torch.Tensor):
            versions.append(value._version)
        elif isinstance(value, Mapping):
            versions += _versions(*value.values())
        elif isinstance(value, list | tuple):
            versions += _versions(*value)
    return tuple(versions)


class ParametersOnlyInLayers(TorchFunctionMode):  # type: ignore[misc]
    """Refuses a loss that uses a parameter elsewhere than in its layer, as a penalty does.

    What it adds to the gradient would be left out in silence.
    """

    def __init__(self, layers: PerturbedLayers, parameters: Mapping[str, Any]) -> None:
        super().__init__()
        self.layers = layers
        self.names = {id(p): name for name, p in parameters.items()}

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if not self.layers.inside and function not in SHAPE_QUESTIONS:
            for value in (*args, *(kwargs or {}).values()):
                if id(value) in self.names:
                    raise DataError(
                        f"the loss uses the parameter {self.names[id(value)]!r} outside of its "
                        "layer, and a perturbation of activations does not see that: add such a "
                        "penalty by its own gradient, or take perturb='weights'."
                    )
        return function(*args, **(kwargs or {}))
