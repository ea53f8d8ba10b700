"""Functions that are left out where nothing but their output's plumbing follows them.

A softmax over the classes of one row, or a function that increases entry by entry, changes values
and gradients but neither regions nor which output is the largest. Everywhere else it is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ....affine_layers import Shape
from ....output_activations import OutputActivation
from ..call import Call
from ..registry import operator
from ..values import Constant, Derived, Signal, Value
from .constants import UNARY, evaluated, place_of_extreme
from .smooth import ONNX_SELU, in_pieces, replaces

PARAMETERS = {"Elu": "alpha", "Celu": "alpha"}
ELEMENTWISE_ENDINGS: dict[str, tuple[tuple[int, ...], str, Any]] = {
    "Asinh": ((9, 22), "arcsinh", np.arcsinh),
    "Atan": ((7, 22), "arctan", np.arctan),
    "Celu": ((12, 28), "celu", None),
    "Elu": ((1, 6, 22), "elu", None),
    "Erf": ((9, 13), "erf", None),
    "Exp": ((1, 6, 13), "exp", np.exp),
    "Selu": ((1, 6, 22), "selu", None),
    "Sigmoid": ((1, 6, 13), "sigmoid", None),
    "Sinh": ((9, 22), "sinh", np.sinh),
    "Softplus": ((1, 22), "softplus", None),
    "Softsign": ((1, 22), "softsign", None),
    "Tanh": ((1, 6, 13), "tanh", np.tanh),
}


def derived(call: Call, activation: OutputActivation | None, *, in_order: bool) -> Derived:
    """What is behind a function of the call's data."""
    value = call.value(0)
    added = () if activation is None else (activation,)
    named = ((call.title, call.name),)
    if isinstance(value, Derived):
        if activation is not None and not value.in_order:
            call.refuse_curved()
        names = (*value.names, *named)
        return Derived(
            value.base, value.source, (*value.activations, *added), names, in_order, value.shape
        )
    assert isinstance(value, Signal)
    if value.table is not None:
        call.mixes_rows()
    return Derived(value, call.sources[0], added, named, in_order, value.shape)


def _activation(call: Call, kind: str) -> OutputActivation:
    parameter = 1.0
    if call.kind in PARAMETERS:
        parameter = call.number(PARAMETERS[call.kind], 1.0)
        if not parameter > 0:
            call.refuse_curved(
                f"of {PARAMETERS[call.kind]} = {parameter:g}, which does not increase"
            )
    if call.kind == "Selu":
        for name, standard in ONNX_SELU.items():
            if abs(call.number(name, standard) - standard) > 1e-3:
                call.refuse(f"of {name} = {call.number(name):g}")
    return OutputActivation(kind, call.name, parameter)


def _register(name: str, opsets: tuple[int, ...], kind: str, function: Any) -> None:
    def read(call: Call) -> Value:
        if replaces(call):
            return in_pieces(call)
        return derived(call, _activation(call, kind), in_order=True)

    def evaluate(call: Call) -> Value:
        activation = _activation(call, kind)
        array = np.asarray(call.constant(0), dtype=np.float64)
        return Constant(activation(array.reshape(1, -1)).reshape(array.shape))

    operator(
        name, opsets=opsets, evaluate=evaluated(function) if function else evaluate, ends=True
    )(read)


for _name, (_opsets, _kind, _function) in ELEMENTWISE_ENDINGS.items():
    _register(_name, _opsets, _kind, _function)


def _softmax_of_constants(call: Call) -> Value:
    array = np.asarray(call.constant(0), dtype=np.float64)
    activation = _softmax(call, array.shape, 1)
    return Constant(activation(array.reshape(1, -1)).reshape(array.shape))


@operator("Softmax", "LogSoftmax", opsets=(1, 11, 13), evaluate=_softmax_of_constants, ends=True)
def softmax(call: Call) -> Value:
    """Over one axis; before opset 13 over all axes from one on."""
    shape = call.value(0).shape
    if shape is None:
        call.refuse_curved()
    return derived(call, _softmax(call, shape, call.n_rows), in_order=True)


def _softmax(call: Call, shape: Shape, n_rows: int) -> OutputActivation:
    older = call.opset < 13
    axis = call.axis("axis", 1 if older else -1, len(shape))
    if axis == 0 and n_rows > 1:
        call.mixes_rows()
    kind = "softmax" if call.kind == "Softmax" else "log_softmax"
    own = (shape[0] // n_rows, *shape[1:])
    if older:
        own = (int(np.prod(own[:axis])), int(np.prod(own[axis:])))
        axis = 1
    return OutputActivation(kind, call.name, 1.0, own, axis)


@operator("Log", opsets=UNARY["Log"][0], evaluate=evaluated(np.log), ends=True)
def log(call: Call) -> Value:
    """Behind a softmax, the logarithm of its probabilities."""
    value = call.value(0)
    if not isinstance(value, Derived) or not value.in_order:
        call.refuse_curved()
    last = value.activations[-1] if value.activations else None
    if last is None or last.kind not in ("softmax", "sigmoid"):
        call.refuse_curved()
    kind = "log_softmax" if last.kind == "softmax" else "logsigmoid"
    both = OutputActivation(kind, last.layer, 1.0, last.shape, last.axis)
    names = (*value.names, (call.title, call.name))
    return Derived(
        value.base, value.source, (*value.activations[:-1], both), names, True, value.shape
    )


def _arg_max_of_constants(call: Call) -> Value:
    return place_of_extreme(call, np.argmax)


@operator("ArgMax", opsets=(1, 11, 12, 13), evaluate=_arg_max_of_constants)
def arg_max(call: Call) -> Value:
    """The label: the largest output's place."""
    shape = call.value(0).shape
    if shape is not None:
        call.require_own_axis(call.axis("axis", 0, len(shape)))
    return derived(call, None, in_order=False)


KEEPING_ORDER = {"Identity", "Dropout", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "ZipMap"}
MAKING_LABELS = {
    *("ArgMax", "ArrayFeatureExtractor", "Binarizer", "LabelEncoder", "Gather", "Slice", "Split"),
    *("TopK", "Normalizer", "Concat", "Sub"),
}


def look_through(call: Call) -> list[Value] | None:
    """What an operator behind the functions at the end gives; None: it is none of the plumbing."""
    behind = [value for value in call.inputs if isinstance(value, Derived)]
    first = behind[0]
    if call.kind == "Cast":
        in_order = first.in_order and call.integer("to", 0) in (1, 10, 11, 16)
    elif call.kind in KEEPING_ORDER:
        in_order = first.in_order
    elif call.kind in MAKING_LABELS and _is_plumbing(call, behind):
        in_order = False
    else:
        return None
    shape = _shape_behind(call, first) if in_order else None
    names = tuple(dict.fromkeys(name for one in behind for name in one.names))
    if not in_order:
        names = (*names, (call.title, call.name))
    out = Derived(first.base, first.source, first.activations, names, in_order, shape)
    return [out] * max(1, len(call.outputs))


def _is_plumbing(call: Call, behind: list[Derived]) -> bool:
    """Whether probabilities and labels are only put together, row by row."""
    same = {(one.base.node, one.activations) for one in behind}
    if call.kind == "Sub":  # 1 - p, of two classes
        one = call.inputs[0]
        return isinstance(one, Constant) and bool((one.array == 1).all())
    if call.kind == "Concat":
        return len(behind) == len(call.inputs) and len(same) == 1 and call.integer("axis", 0) != 0
    if call.kind in ("Gather", "Slice", "Split") and call.n_rows > 1:
        return not _touches_rows(call)
    return len(same) == 1


def _touches_rows(call: Call) -> bool:
    """Whether a cut of probabilities is along the rows (labels looked up in a constant are not)."""
    if isinstance(call.inputs[0], Constant):
        return False
    if call.kind != "Slice":
        return int(call.integer("axis", 0)) == 0
    axes = call.integers("axes") if call.opset < 10 else call.integers_of(3)
    return axes is None or 0 in axes


def _shape_behind(call: Call, value: Derived) -> Any:
    """The shape that a Reshape or its like gives, for a softmax that may follow."""
    if value.shape is None or call.kind in ("Identity", "Dropout", "Cast"):
        return value.shape
    if call.kind == "ZipMap":
        return None
    from ..registry import OPERATORS

    builder = type(call.builder)((*value.shape,))
    reading = type(call.reading)(builder, 1, call.reading.limits)
    own = Call(
        reading,
        call.name,
        call.kind,
        call.domain,
        call.opset,
        [Signal(0, value.shape), *call.inputs[1:]],
        call.outputs,
        call.attributes,
    )
    read = OPERATORS[call.domain, call.kind].read
    assert read is not None
    to = read(own)
    shape = to.shape
    if call.n_rows > 1 and (not shape or shape[0] % call.n_rows):
        call.mixes_rows()
    return shape
