"""Operators that keep all entries in their order, or tell a shape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....affine_layers import Shape
from ..call import Call
from ..registry import operator
from ..tensors import FLOATING, WHOLE, type_name
from ..values import Constant, Signal, Steps, Value

NEW_TYPES = (19, 21, 23, 24, 25)  # opsets that only added number types


@operator("Identity", opsets=(1, 13, 14, 16, *NEW_TYPES), arrays=True, steps=True, sequences=True)
def identity(call: Call) -> Value:
    return call.value()


@operator("Dropout", opsets=(1, 6, 7, 10, 12, 13, 22), arrays=True)
def dropout(call: Call) -> list[Value]:
    """At rest the identity; opsets 1 and 6 train unless told that they are tested."""
    if call.opset < 7:
        ratio, training = call.number("ratio", 0.5), not call.integer("is_test", 0)
    else:
        ratio = call.number_of(1, 0.5) if call.opset >= 12 else 0.5
        training = bool(call.number_of(2, False)) if call.opset >= 12 else False
    if training and ratio != 0:
        call.refuse_curved("in training mode, which draws at random")
    mask = np.broadcast_to(np.True_, call.shape())
    return [call.value(), Constant(mask)]


@operator("Cast", opsets=(1, 6, 9, 13, *NEW_TYPES, 28), arrays=True, steps=True)
def cast(call: Call) -> Value:
    if call.opset < 6:
        names = {type_name(code): code for code in (*FLOATING, *WHOLE)}
        return cast_to(call, names.get(call.text("to").upper(), 0))
    return cast_to(call, call.integer("to", 0))


@operator("CastLike", opsets=(15, *NEW_TYPES), arrays=True, steps=True)
def cast_like(call: Call) -> Value:
    like = call.value(1)
    if not isinstance(like, Constant):
        return cast_to(call, FLOATING[0])
    codes = {np.dtype(kind): code for code, kind in WHOLE.items()}
    return cast_to(call, codes.get(like.array.dtype, FLOATING[0]))


def cast_to(call: Call, code: int) -> Value:
    """Real numbers stay what they are on the way; constants are rounded as the file has it."""
    value = call.value()
    if isinstance(value, Steps):  # of zeros and ones, or what was made of them
        return value
    if code not in FLOATING and code not in WHOLE:
        call.refuse(f"to {type_name(code)}")
    if isinstance(value, Signal):
        whole = code not in FLOATING
        if whole and (not value.whole or WHOLE[code] is np.bool_):
            call.refuse_jump(f"to {type_name(code)}, which rounds")
        return Signal(value.node, value.shape, value.table, whole)
    assert isinstance(value, Constant)
    array = value.array
    if array.dtype == object:
        call.refuse("of text")
    if code in FLOATING:
        narrow = {10: np.float16, 1: np.float32}.get(code)
        with np.errstate(over="ignore"):
            array = array if narrow is None else array.astype(narrow)
        return Constant(array.astype(np.float64))
    with np.errstate(invalid="ignore"):
        return Constant(array != 0 if code == 9 else np.trunc(array).astype(WHOLE[code]))


@operator("Reshape", opsets=(1, 5, 13, 14, *NEW_TYPES), arrays=True, steps=True)
def reshape(call: Call) -> Value:
    wanted = call.integers("shape", []) if call.opset < 5 else call.integers_of(1, [])
    shape, copies = call.shape(), not call.integer("allowzero", 0)
    if sum(size == -1 for size in wanted) > 1 or min(wanted, default=0) < -1:
        call.invalid(f"it reshapes to {wanted}")
    if copies and any(size == 0 and i >= len(shape) for i, size in enumerate(wanted)):
        call.invalid(f"it reshapes {shape} to {wanted}")
    to = [shape[i] if size == 0 and copies else size for i, size in enumerate(wanted)]
    if -1 in to:
        rest = math.prod(size for size in to if size != -1)
        if rest == 0 or math.prod(shape) % rest:
            call.invalid(f"it cannot arrange {shape} as {wanted}")
        to[to.index(-1)] = math.prod(shape) // rest
    return call.reshaped(tuple(to))


@operator("Flatten", opsets=(1, 9, 11, 13, 21, 23, 24, 25), arrays=True, steps=True)
def flatten(call: Call) -> Value:
    shape, axis = call.shape(), call.integer("axis", 1)
    if not -len(shape) <= axis <= len(shape):
        call.invalid(f"axis {axis} is none of {len(shape)}")
    axis += len(shape) if axis < 0 else 0
    return call.reshaped((math.prod(shape[:axis]), math.prod(shape[axis:])))


def _axes(call: Call) -> Any:
    return call.integers("axes") if call.opset < 13 else call.integers_of(1)


@operator("Squeeze", opsets=(1, 11, 13, 21, 23, 24, 25), arrays=True, steps=True)
def squeeze(call: Call) -> Value:
    shape, axes = call.shape(), _axes(call)
    if axes is None:
        gone = {i for i, size in enumerate(shape) if size == 1}
    else:
        gone = {call.one_axis(axis, len(shape)) for axis in axes}
    if any(shape[i] != 1 for i in gone):
        call.invalid(f"it squeezes axes {sorted(gone)} of {shape}")
    return call.reshaped(tuple(size for i, size in enumerate(shape) if i not in gone))


@operator("Unsqueeze", opsets=(1, 11, 13, 21, 23, 24, 25), arrays=True, steps=True)
def unsqueeze(call: Call) -> Value:
    shape, axes = call.shape(), _axes(call)
    if axes is None:
        call.invalid("it names no axes")
    rank = len(shape) + len(axes)
    new = {call.one_axis(axis, rank) for axis in axes}
    if len(new) != len(axes):
        call.invalid(f"it names an axis twice in {axes}")
    sizes = iter(shape)
    return call.reshaped(tuple(1 if i in new else next(sizes) for i in range(rank)))


@operator("Shape", opsets=(1, 13, 15, *NEW_TYPES), arrays=True)
def shape_of(call: Call) -> Value:
    shape: Shape = call.shape()
    if call.opset >= 15:
        shape = shape[slice(call.integer("start", 0), call.integer("end", None))]
    return Constant(np.array(shape, dtype=np.int64))


@operator("Size", opsets=(1, 13, *NEW_TYPES), arrays=True)
def size_of(call: Call) -> Value:
    return Constant(np.array(math.prod(call.shape()), dtype=np.int64))
