"""Comparisons with a level, and choices by them: read where the branches meet at it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....affine_layers import Shape
from ..call import Call
from ..registry import operator
from ..values import Condition, Constant, Signal, Value
from .constants import evaluated
from .movements import broadcast_shape


@operator("Greater", opsets=(1, 7, 9, 13), evaluate=evaluated(np.greater))
def greater(call: Call) -> Value:
    return _compared(call, above=True)


@operator("GreaterOrEqual", opsets=(12, 16), evaluate=evaluated(np.greater_equal))
def greater_or_equal(call: Call) -> Value:
    return _compared(call, above=True)


@operator("Less", opsets=(1, 7, 9, 13), evaluate=evaluated(np.less))
def less(call: Call) -> Value:
    return _compared(call, above=False)


@operator("LessOrEqual", opsets=(12, 16), evaluate=evaluated(np.less_equal))
def less_or_equal(call: Call) -> Value:
    return _compared(call, above=False)


@operator("Not", opsets=(1,), evaluate=evaluated(np.logical_not), conditions=True)
def not_(call: Call) -> Value:
    value = call.value()
    if not isinstance(value, Condition):
        call.refuse()
    return Condition(
        value.layer, value.title, value.node, value.shape, value.level, not value.above
    )


def _compared(call: Call, above: bool) -> Value:
    """Equality does not matter: where branches meet, either side gives the same."""
    shape = broadcast_shape(call, call.shape(0), call.shape(1))
    call.reading.limits.check_array(shape, call.name)
    signals = call.signals()
    if call.n_rows > 1 and any(len(call.shape(i)) != len(shape) for i in signals):
        call.mixes_rows()
    if len(signals) == 2:
        both = [call.node(0), call.node(1)]
        node = call.builder.weighted_sum(f"{call.name} (difference)", both, (1.0, -1.0))
        level = np.zeros(1)
    else:
        (own,) = signals
        node = call.builder.broadcast(call.name, call.node(own), _row(call, shape))
        level = call.per_row(call.constant(1 - own), len(shape))
        above = above if own == 0 else not above
    return Condition(call.name, call.title, node, shape, level, above)


def _row(call: Call, shape: Shape) -> Shape:
    return (shape[0] // call.n_rows, *shape[1:]) if shape else ()


@operator("Where", opsets=(9, 16), arrays=True, conditions=True)
def where(call: Call) -> Value:
    condition = call.value(0)
    if isinstance(condition, Condition):
        return chosen(call, condition, call.value(1), call.value(2))
    shape = broadcast_shape(call, *(call.shape(i) for i in range(3)))
    call.reading.limits.check_array(shape, call.name)
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


def chosen(call: Call, condition: Condition, first: Any, second: Any) -> Value:
    """The first value where the condition holds, the second where not."""
    values = [first, second]
    shapes = [value.shape for value in values if value is not None and value.shape is not None]
    if len(shapes) != 2:
        call.cannot_run()
    shape = broadcast_shape(call, condition.shape, *shapes)
    call.reading.limits.check_array(shape, call.name)
    own, nodes = _row(call, shape), []
    for i, value in enumerate(values):
        if isinstance(value, Constant):
            array = np.broadcast_to(call.per_row(value.array, len(shape)), own)
            nodes.append(call.builder.constant(f"{call.name} ({i})", array))
        elif isinstance(value, Signal) and value.table is None and not value.whole:
            if call.n_rows > 1 and len(value.shape) != len(shape):
                call.mixes_rows()
            nodes.append(call.builder.broadcast(f"{call.name} ({i})", value.node, own))
        else:
            call.refuse()
    if call.n_rows > 1 and len(condition.shape) != len(shape):
        call.mixes_rows()
    tested = call.builder.broadcast(f"{call.name} (compared)", condition.node, own)
    above, below = nodes if condition.above else nodes[::-1]
    return call.result(call.builder.switch(call.name, tested, condition.level, above, below))
