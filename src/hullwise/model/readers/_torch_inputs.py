"""What a torch module takes and gives: rows as its inputs, and the one of its answers to read."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from math import prod
from typing import Any

import numpy as np

from ...errors import ModelError
from ..affine_layers import Shape
from ._options import ReadOptions
from ._refusals import row_shape

EVERY_ROW = 1  # the first axis of a constant that is repeated for each row


@dataclass(frozen=True, eq=False)
class TorchInputs:
    """How rows become a module's arguments.

    Attributes
    ----------
    shape : tuple of int
        Of a row: that of the only input, or (d,) of several side by side.
    parts : dict of str to tuple of int
        Shapes of several inputs, by their names; empty where there is one.
    constants : dict
        Arguments that do not depend on the row.
    order : tuple of str
        Names of arguments in order, where they are passed by place.
    n_rows : int
        That the module is run on at a time.
    """

    shape: Shape
    parts: Mapping[str, Shape]
    constants: Mapping[str, Any]
    order: tuple[str, ...] = ()
    n_rows: int = 2

    def call(self, torch: Any, module: Any, x: Any) -> Any:
        """What the module gives for rows x (n_rows, *shape)."""
        named = {name: _of_rows(torch, value, len(x)) for name, value in self.constants.items()}
        if not self.parts:
            if not self.order:
                return module(x, **named)
            return module(*(named.get(name, x) for name in self.order))
        start = 0
        for name, shape in self.parts.items():
            end = start + prod(shape)
            named[name] = x[:, start:end].reshape(-1, *shape)
            start = end
        return module(*(named[name] for name in self.order)) if self.order else module(**named)


def _of_rows(torch: Any, value: Any, n: int) -> Any:
    """A constant as an argument: arrays of one row repeated, in float64."""
    if isinstance(value, np.ndarray):
        value = torch.as_tensor(value)
    if not isinstance(value, torch.Tensor):
        return value
    value = value.double() if value.is_floating_point() else value
    return value.expand(n, *value.shape[1:]) if value.shape[:1] == (EVERY_ROW,) else value


def inputs_of_module(module: Any, options: ReadOptions) -> TorchInputs:
    """The inputs of a module with a `forward` of its own."""
    parameters = _parameters(module)
    named = {k: p for k, p in parameters.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    open_ended = len(named) < len(parameters)
    requested = options.input_shape
    parts = _parts(requested) if isinstance(requested, Mapping) else {}
    unknown = [
        k for k in (*options.constants, *parts) if k not in named and named and not open_ended
    ]
    if unknown:
        raise ModelError(
            f"the module takes no {unknown[0]!r}; its inputs are {', '.join(named) or 'unnamed'}"
        )
    missing = [
        k
        for k, p in named.items()
        if p.default is p.empty and k not in options.constants and k not in parts
    ]
    if len(missing) > (0 if parts else 1):
        lacking = missing if parts else missing[1:]
        raise ModelError(
            f"the module takes {len(named)} inputs ({', '.join(named)}): give those that stay what "
            f"they are as constants={{{lacking[0]!r}: ...}}, or the shapes of several that are "
            f"read side by side as input_shape={{name: shape, ...}}"
        )
    if parts:
        return TorchInputs((sum(map(prod, parts.values())),), parts, options.constants)
    shape = _first_input_shape(module.modules()) if requested is None else row_shape(requested)
    first = missing[0] if missing else next((k for k in named if k not in options.constants), "")
    if first in list(named)[1:]:  # constants come before it: all are passed by name
        return TorchInputs((prod(shape),), {first: shape}, options.constants)
    return TorchInputs(shape, {}, options.constants)


def _parameters(module: Any) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(module.forward).parameters
    except ValueError:  # compiled code has none to see
        return {}


def _parts(requested: Mapping[str, Any]) -> dict[str, Shape]:
    return {str(name): row_shape(shape) for name, shape in requested.items()}


def _first_input_shape(modules: Iterable[Any]) -> Shape:
    """What the first module that says so takes."""
    for module in modules:
        if hasattr(module, "in_features"):
            return (int(module.in_features),)
        if hasattr(module, "kernel_size") or hasattr(module, "input_size"):
            break
    raise ModelError(
        "the shape of one input row cannot be told from the first layer; give it: "
        "read(module, input_shape=(channels, height, width))"
    )


def answers(value: Any, path: str = "") -> dict[str, Any]:
    """The parts of what a module gives, by name or place: 'logits', '0', 'aux.1'."""
    if is_dataclass(value) and not isinstance(value, type):
        value = {one.name: getattr(value, one.name) for one in fields(value)}
    if hasattr(value, "_fields"):
        value = dict(zip(value._fields, value, strict=True))
    if isinstance(value, Mapping):
        pairs = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, tuple | list):
        pairs = [(str(i), part) for i, part in enumerate(value)]
    else:
        return {path: value}
    out: dict[str, Any] = {}
    for key, part in pairs:
        out |= answers(part, f"{path}.{key}".lstrip("."))
    return out
