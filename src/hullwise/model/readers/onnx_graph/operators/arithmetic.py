"""Sums, differences, products with constants, maxima and minima."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....affine_layers import Shape, Sum
from ..._entrywise import plus, times
from ..call import Call
from ..registry import operator
from ..values import Constant, Signal, Value
from .comparisons import has_steps, of_two
from .constants import evaluated, power_of, quotient
from .movements import broadcast_shape


def _operands(call: Call) -> tuple[list[Any], Shape]:
    """Both inputs as a node (int) or as one row sees a constant, and the result's shape."""
    values = list(call.inputs[:2])
    if call.opset < 7 and call.integer("broadcast", 0) and "axis" in call.attributes:
        values[1] = _at_axis(call)
    shapes = [value.shape for value in values if value is not None and value.shape is not None]
    if len(shapes) != 2:
        call.invalid("it takes two inputs")
    shape = broadcast_shape(call, *shapes)
    call.reading.limits.check_array(shape, call.name)
    operands: list[Any] = []
    for i, value in enumerate(values):
        if isinstance(value, Constant):
            operands.append(call.per_row(value.array, len(shape)))
        else:
            if call.n_rows > 1 and len(call.shape(i)) != len(shape):
                call.mixes_rows()
            operands.append(call.node(i))
    return operands, shape


def _at_axis(call: Call) -> Value:
    """The second input where opsets before 7 put it: its first axis at the axis named."""
    shape, own = call.shape(0), call.shape(1)
    after = len(shape) - call.axis("axis", 0, len(shape)) - len(own)
    if after < 0:
        call.invalid(f"shape {own} does not fit at that axis of {shape}")
    return call.reshaped((*own, *[1] * after), 1)


def _old_broadcast(function: Callable[..., Any]) -> Callable[[Call], Value]:
    """An operator on constants, with the broadcast of opsets before 7."""
    inner = evaluated(function)

    def evaluate(call: Call) -> Value:
        if call.opset < 7 and call.integer("broadcast", 0) and "axis" in call.attributes:
            call.inputs[1] = _at_axis(call)
        return inner(call)

    return evaluate


ARITHMETIC_OPSETS = (1, 6, 7, 13, 14)


@operator("Add", opsets=ARITHMETIC_OPSETS, evaluate=_old_broadcast(np.add), steps=True)
def add(call: Call) -> Value:
    if has_steps(call):
        return of_two(call, plus)
    return _sum_of_two(call, 1.0)


@operator("Sub", opsets=ARITHMETIC_OPSETS, evaluate=_old_broadcast(np.subtract), steps=True)
def sub(call: Call) -> Value:
    if has_steps(call):
        return of_two(call, lambda f, g: plus(f, g, -1.0))
    return _sum_of_two(call, -1.0)


def _sum_of_two(call: Call, factor: float) -> Value:
    (first, second), _ = _operands(call)
    if isinstance(first, int) and isinstance(second, int):
        return call.result(call.builder.weighted_sum(call.name, [first, second], (1.0, factor)))
    if isinstance(first, int):
        return call.result(call.builder.scale(call.name, first, 1.0, factor * second))
    return call.result(call.builder.scale(call.name, second, factor, first))


@operator("Mul", opsets=ARITHMETIC_OPSETS, evaluate=_old_broadcast(np.multiply), steps=True)
def mul(call: Call) -> Value:
    if has_steps(call):
        return of_two(call, times)
    (first, second), _ = _operands(call)
    if isinstance(first, int) and isinstance(second, int):
        if first == second:
            _refuse_norm(call)
        gated = call.builder.gated(call.name, first, second)
        if gated is None:
            call.refuse_curved("as a product of two branches")
        return call.result(gated)
    node, factor = (first, second) if isinstance(first, int) else (second, first)
    return call.result(call.builder.scale(call.name, node, factor))


@operator("Div", opsets=ARITHMETIC_OPSETS, evaluate=_old_broadcast(quotient))
def div(call: Call) -> Value:
    (first, second), _ = _operands(call)
    if isinstance(second, int):
        call.refuse_curved("as a division by a branch")
    if not second.all():
        call.refuse("by zero")
    return call.result(call.builder.scale(call.name, first, 1 / second))


@operator("Pow", opsets=(1, 7, 12, 13, 15), evaluate=evaluated(power_of))
def pow_(call: Call) -> Value:
    """The power of 1, which exporters write of norms."""
    if not call.is_constant(1) or not (np.asarray(call.constant(1)) == 1).all():
        _refuse_norm(call)
        call.refuse_curved()
    if math.prod(broadcast_shape(call, call.shape(0), call.shape(1))) != math.prod(call.shape(0)):
        call.refuse("that repeats its entries")
    return call.value(0)


def _refuse_norm(call: Call) -> None:
    """Refuse, by what it is, the square of what its own mean was taken off."""
    nodes, value = call.builder.nodes, call.value(0)
    if not isinstance(value, Signal):
        return
    node = nodes[value.node]
    if isinstance(node.op, Sum) and tuple(node.op.factors) == (1.0, -1.0):
        whole, mean = node.inputs
        ancestors = {mean}
        while ancestors and whole not in ancestors:
            ancestors = {j for i in ancestors for j in nodes[i].inputs if j >= whole}
        if whole in ancestors:
            call.refuse_curved("in a layer norm written out (the square of x minus its mean)")


@operator("Neg", opsets=(1, 6, 13), evaluate=evaluated(np.negative))
def neg(call: Call) -> Value:
    return call.elementwise(lambda node: call.builder.scale(call.name, node, -1.0), keeps_zero=True)


def _total(*arrays: Any) -> Any:
    return functools.reduce(np.add, arrays)


def _mean(*arrays: Any) -> Any:
    return _total(*arrays) / len(arrays)


@operator("Sum", opsets=(1, 6, 8, 13), evaluate=evaluated(_total))
def sum_(call: Call) -> Value:
    return call.result(_joined(call, np.add, _sum_of_nodes))


@operator("Mean", opsets=(1, 6, 8, 13), evaluate=evaluated(_mean))
def mean(call: Call) -> Value:
    total = _joined(call, np.add, _sum_of_nodes)
    return call.result(call.builder.scale(f"{call.name} (mean)", total, 1 / len(call.inputs)))


def _sum_of_nodes(call: Call, nodes: list[int]) -> int:
    return call.builder.weighted_sum(call.name, nodes, (1.0,) * len(nodes))


def _joined(call: Call, fold: Callable[..., Any], join: Callable[..., int]) -> int:
    """All inputs, the constants among them as one that is broadcast."""
    shape = broadcast_shape(call, *(call.shape(i) for i in range(len(call.inputs))))
    call.reading.limits.check_array(shape, call.name)
    nodes, constants = [], []
    for i, value in enumerate(call.inputs):
        if isinstance(value, Constant):
            constants.append(call.per_row(value.array, len(shape)))
            continue
        if call.n_rows > 1 and len(call.shape(i)) != len(shape):
            call.mixes_rows()
        nodes.append(call.node(i))
    if constants:
        both = functools.reduce(fold, constants)
        nodes.append(call.builder.constant(f"{call.name} (constant)", both))
    return nodes[0] if len(nodes) == 1 else join(call, nodes)


def _largest(*arrays: Any) -> Any:
    return functools.reduce(np.maximum, arrays)


def _smallest(*arrays: Any) -> Any:
    return functools.reduce(np.minimum, arrays)


@operator("Max", opsets=(1, 6, 8, 12, 13), evaluate=evaluated(_largest))
def max_(call: Call) -> Value:
    return _extreme(call, minimum=False)


@operator("Min", opsets=(1, 6, 8, 12, 13), evaluate=evaluated(_smallest))
def min_(call: Call) -> Value:
    return _extreme(call, minimum=True)


def _extreme(call: Call, minimum: bool) -> Value:
    if len(call.inputs) == 2 and len(call.signals()) == 1:
        return _against_constant(call, minimum)

    def join(call: Call, nodes: list[int]) -> int:
        return call.builder.maximum(call.name, nodes, minimum)

    return call.result(_joined(call, np.minimum if minimum else np.maximum, join))


def _against_constant(call: Call, minimum: bool) -> Signal:
    """A branch against a constant: a knot for each entry."""
    operands, shape = _operands(call)
    node, level = operands if isinstance(operands[0], int) else operands[::-1]
    own = (shape[0] // call.n_rows, *shape[1:]) if shape else ()
    node = call.builder.broadcast(f"{call.name} (broadcast)", node, own)
    knots = np.broadcast_to(level, own).reshape(1, -1)
    slopes = [[1.0], [0.0]] if minimum else [[0.0], [1.0]]
    kind = "min" if minimum else "max"
    return call.result(
        call.builder.piecewise(call.name, node, kind, knots, slopes, knots[0], knots[0])
    )
