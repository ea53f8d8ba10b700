"""Comparisons, signs and choices: read where what is made of them does not jump."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ....affine_layers import Shape
from ..._entrywise import (
    Entrywise,
    chosen_entries,
    constant_entries,
    entrywise,
    plus,
    positive,
    spread_entries,
    times,
)
from ..._refusals import Refusal, refuse
from ..call import Call
from ..registry import operator
from ..values import Constant, Signal, Steps, Value
from .constants import evaluated
from .movements import broadcast_shape

Combine = Callable[[Entrywise, Entrywise], Entrywise | None]


def has_steps(call: Call) -> bool:
    return any(isinstance(value, Steps) for value in call.inputs)


def of_two(call: Call, combine: Combine, *, is_truth: bool = False) -> Value:
    """Two inputs as functions of the same entries, combined; `is_truth`: into truth values."""
    shape = broadcast_shape(call, call.shape(0), call.shape(1))
    first, second = (_function(call, i, shape) for i in (0, 1))
    made = combine(first, second)
    if is_truth and made is not None and made.meets():  # the same for every input
        one = made.offsets[0].reshape(_row(call, shape)) != 0
        return Constant(np.concatenate([one] * call.n_rows) if shape else one)
    return _made(call, made, shape)


def _made(call: Call, function: Entrywise | None, shape: Shape) -> Value:
    """A signal where the function has no jumps, else what is followed further."""
    if function is None:
        _refuse_first(call, "of other entries than those compared")
    if function.meets():
        return call.result(call.builder.of_entries(call.name, function, _row(call, shape)))
    layer, title = _first_steps(call)
    return Steps(layer, title, function, shape)


def _first_steps(call: Call) -> tuple[str, str]:
    for value in call.inputs:
        if isinstance(value, Steps):
            return value.layer, value.title
    return call.name, call.title


def _refuse_first(call: Call, reason: str) -> NoReturn:
    layer, title = _first_steps(call)
    refuse(layer, f"{title}, which jumps (used by {call.name!r}, {reason})", Refusal.JUMPS)


def _row(call: Call, shape: Shape) -> Shape:
    return (shape[0] // call.n_rows, *shape[1:]) if shape else ()


def _function(call: Call, i: int, shape: Shape) -> Entrywise:
    """Input i as a function of the entries of some node, in the shape of the result."""
    value, own = call.value(i), call.shape(i)
    call.reading.limits.check_array(shape, call.name)
    if isinstance(value, Constant):
        array = np.broadcast_to(call.per_row(value.array, len(shape)), _row(call, shape))
        return constant_entries(array.astype(np.float64).ravel())
    if call.n_rows > 1 and len(own) != len(shape):
        call.mixes_rows()
    if isinstance(value, Steps):
        function = spread_entries(value.function, _row(call, own), _row(call, shape))
        if function is None:
            _refuse_first(call, "with its entries repeated")
        return function
    node = call.builder.broadcast(f"{call.name} ({i})", call.node(i), _row(call, shape))
    return entrywise(call.builder.nodes, node)


def _compared(call: Call, factor: float) -> Value:
    """1 where ``factor (first - second)`` is above zero. At equality either side will do."""

    def combine(first: Entrywise, second: Entrywise) -> Entrywise | None:
        difference = plus(first, second, -1.0)
        return None if difference is None else positive(difference.mapped(factor, 0.0))

    shape = broadcast_shape(call, call.shape(0), call.shape(1))
    first, second = (_function(call, i, shape) for i in (0, 1))
    made = combine(first, second)
    if made is None:  # of two branches: by their difference
        pair = _branches(call, (0, 1), shape)
        difference = call.builder.difference(f"{call.name} (difference)", *pair)
        made = positive(difference.mapped(factor, 0.0))
    layer, title = _first_steps(call)
    return Steps(layer, title, made, shape)


@operator("Greater", opsets=(1, 7, 9, 13), evaluate=evaluated(np.greater), steps=True)
def greater(call: Call) -> Value:
    return _compared(call, 1.0)


@operator("GreaterOrEqual", opsets=(12, 16), evaluate=evaluated(np.greater_equal), steps=True)
def greater_or_equal(call: Call) -> Value:
    return _compared(call, 1.0)


@operator("Less", opsets=(1, 7, 9, 13), evaluate=evaluated(np.less), steps=True)
def less(call: Call) -> Value:
    return _compared(call, -1.0)


@operator("LessOrEqual", opsets=(12, 16), evaluate=evaluated(np.less_equal), steps=True)
def less_or_equal(call: Call) -> Value:
    return _compared(call, -1.0)


@operator("Sign", opsets=(9, 13), evaluate=evaluated(np.sign), steps=True)
def sign(call: Call) -> Value:
    function = positive(_function(call, 0, call.shape())).mapped(2.0, -1.0)
    layer, title = _first_steps(call)
    return Steps(layer, title, function, call.shape())


@operator("Not", opsets=(1,), evaluate=evaluated(np.logical_not), steps=True)
def not_(call: Call) -> Value:
    value = call.value()
    if not isinstance(value, Steps):
        call.refuse_jump()
    return Steps(value.layer, value.title, value.function.mapped(-1.0, 1.0), value.shape)


@operator("IsNaN", opsets=(9, 13, 20), evaluate=evaluated(np.isnan))
def is_nan(call: Call) -> Value:
    """Never of what is read: its values are finite."""
    call.reading.limits.count_constants(math.prod(call.shape()), call.name)
    return Constant(np.zeros(call.shape(), dtype=bool))


def _infinite(call: Call) -> Value:
    array = np.asarray(call.constant(0))
    low, high = (bool(call.integer(f"detect_{side}", 1)) for side in ("negative", "positive"))
    return Constant((np.isneginf(array) & low) | (np.isposinf(array) & high))


@operator("IsInf", opsets=(10, 20), evaluate=_infinite)
def is_infinite(call: Call) -> Value:
    never: Value = is_nan(call)
    return never


@operator("And", opsets=(1, 7), evaluate=evaluated(np.logical_and), steps=True)
def and_(call: Call) -> Value:
    return of_two(call, times, is_truth=True)


@operator("Or", opsets=(1, 7), evaluate=evaluated(np.logical_or), steps=True)
def or_(call: Call) -> Value:
    def either(first: Entrywise, second: Entrywise) -> Entrywise | None:
        none = times(first.mapped(-1.0, 1.0), second.mapped(-1.0, 1.0))
        return None if none is None else none.mapped(-1.0, 1.0)

    return of_two(call, either, is_truth=True)


@operator("Where", opsets=(9, 16), arrays=True, steps=True)
def where(call: Call) -> Value:
    shape = broadcast_shape(call, *(call.shape(i) for i in range(3)))
    call.reading.limits.check_array(shape, call.name)
    if has_steps(call):
        return _chosen(call, shape)
    if not call.signals():
        call.reading.limits.count_constants(math.prod(shape), call.name)
        return Constant(np.where(*(call.constant(i) for i in range(3))))
    if call.n_rows > 1 and any(len(call.shape(i)) != len(shape) for i in call.signals()):
        call.mixes_rows()
    mask = call.per_row(np.asarray(call.constant(0)) != 0, len(shape))
    parts = [_masked(call, i, own, len(shape)) for i, own in ((1, mask), (2, 1 - mask))]
    nodes = [node for node, _ in parts if node is not None]
    if len(nodes) == 2:
        return call.result(call.builder.weighted_sum(call.name, nodes, (1.0, 1.0)))
    (offset,) = [constant for node, constant in parts if node is None]
    return call.result(call.builder.scale(call.name, nodes[0], 1.0, offset))


def _masked(call: Call, i: int, mask: Any, rank: int) -> tuple[int | None, Any]:
    """Input i times a mask: a node, or a constant for one row."""
    if isinstance(call.value(i), Signal):
        return call.builder.scale(f"{call.name} ({i})", call.node(i), mask), None
    constant = call.per_row(call.constant(i), rank)
    return None, np.where(mask != 0, constant, 0.0)


def _chosen(call: Call, shape: Shape) -> Value:
    """By what jumps: the mask times the first, plus the rest times the second."""
    mask, first, second = (_function(call, i, shape) for i in range(3))
    if not mask.is_step:
        call.invalid("its condition is none")
    both = chosen_entries(mask, first, second)
    if both is None and all(isinstance(call.value(i), Signal) for i in (1, 2)):
        node = call.builder.chosen_branch(call.name, mask, *_branches(call, (1, 2), shape))
        if node is not None:
            node = call.builder.rearrange(f"{call.name} (shape)", node, None, _row(call, shape))
            return call.result(node)
    return _made(call, both, shape)


def _branches(call: Call, places: tuple[int, int], shape: Shape) -> list[int]:
    """Two inputs as nodes of the result's shape."""
    to = _row(call, shape)
    nodes = [call.builder.broadcast(call.name, call.node(i), to) for i in places]
    return [call.builder.before_reshape(node) for node in nodes]
