"""What a module does behind its last affine piece: functions left out, labels looked through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...errors import ModelError
from ..output_activations import OutputActivation
from ._refusals import Refusal, refuse
from ._smooth_layers import smooth_hint
from ._torch_layers import TorchCall

# kind of call: (function, the name and place of its parameter)
TORCH_ENDINGS: dict[str, tuple[str, str, int]] = {
    **{"sigmoid": ("sigmoid", "", 0), "expit": ("sigmoid", "", 0), "tanh": ("tanh", "", 0)},
    **{"logsigmoid": ("logsigmoid", "", 0), "log_sigmoid": ("logsigmoid", "", 0)},
    **{"exp": ("exp", "", 0), "softplus": ("softplus", "beta", 1), "erf": ("erf", "", 0)},
    **{"softsign": ("softsign", "", 0), "elu": ("elu", "alpha", 1), "celu": ("celu", "alpha", 1)},
    **{"selu": ("selu", "", 0), "atan": ("arctan", "", 0), "arctan": ("arctan", "", 0)},
    **{"sinh": ("sinh", "", 0), "asinh": ("arcsinh", "", 0), "arcsinh": ("arcsinh", "", 0)},
}
TORCH_SOFTMAXES = ("softmax", "log_softmax")
ORDER_KEEPING_CALLS = {
    *("flatten", "unflatten", "reshape", "view", "view_as", "reshape_as", "ravel", "squeeze"),
    *("unsqueeze", "contiguous", "clone", "detach", "alias", "dropout", "requires_grad"),
}
WHOLE_NUMBER_CASTS = {"long", "int", "short", "to", "type"}


@dataclass(frozen=True, eq=False)
class LeftOut:
    """What stands behind functions that are left out.

    Attributes
    ----------
    before : traced call
        What enters the first of them.
    activations : tuple of OutputActivation
    names : tuple of (str, str)
        Kinds and layers.
    in_order : bool
        Whether these are still the functions' outputs, not a label of them.
    """

    before: Any
    activations: tuple[OutputActivation, ...]
    names: tuple[tuple[str, str], ...]
    in_order: bool = True


def ending(call: TorchCall, before: Any) -> LeftOut | None:
    """A call as a function that may be left out, on the traced call `before`; None: it is none."""
    activation = _activation(call)
    if activation is None:
        return None
    return LeftOut(before, (activation,), ((call.title, call.name),))


def behind(call: TorchCall, value: LeftOut) -> LeftOut:
    """What a call makes of what is left out; what is more than a label or a shape is refused."""
    named = (*value.names, (call.title, call.name))
    keeps_rows = getattr(call.out, "shape", ())[:1] == (call.n_rows,)
    if call.kind in ORDER_KEEPING_CALLS and keeps_rows:
        return value
    if call.kind == "argmax" and call.get("dim", 1) not in (None, 0, -call.n_axes):
        return LeftOut(value.before, value.activations, named, in_order=False)
    if call.kind in WHOLE_NUMBER_CASTS and not value.in_order:
        return value
    if value.in_order and call.kind == "log" and value.activations[-1].kind in LOGARITHMS:
        last = value.activations[-1]
        both = OutputActivation(LOGARITHMS[last.kind], last.layer, 1.0, last.shape, last.axis)
        return LeftOut(value.before, (*value.activations[:-1], both), named)
    activation = _activation(call) if value.in_order else None
    if activation is None:
        kind, layer = value.names[0]
        refuse(layer, kind, Refusal.CURVED, hint=smooth_hint(kind))
    return LeftOut(value.before, (*value.activations, activation), named)


LOGARITHMS = {"softmax": "log_softmax", "sigmoid": "logsigmoid"}


def _activation(call: TorchCall) -> OutputActivation | None:
    if call.kind in TORCH_SOFTMAXES:
        return _softmax(call)
    if call.kind not in TORCH_ENDINGS:
        return None
    kind, parameter, place = TORCH_ENDINGS[call.kind]
    value = float(call.get(parameter, place, 1.0)) if parameter else 1.0
    if not value > 0:
        refuse(
            call.name,
            f"{call.title} of {parameter} = {value:g}, which does not increase",
            Refusal.CURVED,
        )
    return OutputActivation(kind, call.name, value)


def _softmax(call: TorchCall) -> OutputActivation:
    axis, rank = call.get("dim", 1), call.out.ndim
    if axis is None:  # what torch takes where none is named
        axis = 0 if rank in (0, 1, 3) else 1
    axis = int(axis) % rank
    if axis == 0:
        raise ModelError(
            f"layer {call.name!r} is a {call.title} over the rows of a batch: not read"
        )
    return OutputActivation(call.kind, call.name, 1.0, tuple(call.out.shape[1:]), axis - 1)
