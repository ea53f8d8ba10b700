"""Smooth activations: refused, or straight pieces in their place where an error is allowed."""

from __future__ import annotations

from collections.abc import Callable

from .... import smooth_functions as smooth
from ..call import Call
from ..registry import operator
from ..values import Value

ONNX_SELU = {"alpha": 1.6732631921768188, "gamma": 1.0507010221481323}
Maker = tuple[Callable[..., smooth.SmoothFunction], tuple[float, ...]]

SMOOTH_READINGS: dict[str, Callable[[Call], Maker]] = {
    "Sigmoid": lambda call: (smooth.sigmoid, ()),
    "Tanh": lambda call: (smooth.tanh, ()),
    "Erf": lambda call: (smooth.error_function, ()),
    "Softplus": lambda call: (smooth.softplus, ()),
    "Elu": lambda call: (smooth.elu, (call.number("alpha", 1.0),)),
    "Selu": lambda call: (
        smooth.elu,
        (call.number("alpha", ONNX_SELU["alpha"]), call.number("gamma", ONNX_SELU["gamma"])),
    ),
    "Celu": lambda call: (
        smooth.elu,
        (call.number("alpha", 1.0), 1.0, 1 / call.number("alpha", 1.0)),
    ),
    "Gelu": lambda call: (
        smooth.gelu_tanh if call.text("approximate", "none") == "tanh" else smooth.gelu,
        (),
    ),
    "HardSwish": lambda call: (smooth.hardswish, ()),
    "Mish": lambda call: (smooth.mish, ()),
}  # fmt: skip


def in_pieces(call: Call) -> Value:
    """The call as units of pieces; ModelError where no error is allowed."""
    make, parameters = SMOOTH_READINGS[call.kind](call)
    return call.elementwise(
        lambda node: call.builder.smooth(call.name, call.title, node, make, *parameters),
        keeps_zero=False,
    )


def replaces(call: Call) -> bool:
    """Whether pieces take the place of a call that could be left out at the end of the graph."""
    wanted = call.builder.unit_error is not None and call.kind in SMOOTH_READINGS
    return wanted and not set(call.outputs) & call.reading.answers


@operator("Gelu", opsets=(20,))
def gelu(call: Call) -> Value:
    return in_pieces(call)


@operator("HardSwish", opsets=(14, 22))
def hard_swish(call: Call) -> Value:
    return in_pieces(call)


@operator("Mish", opsets=(18, 22))
def mish(call: Call) -> Value:
    return in_pieces(call)
