"""Operators on constants alone: shapes worked out by the graph, weights made by it.

Of the input most of them are not piecewise affine (comparisons jump, products are no sums), so only
their values on constants are known here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..call import Call
from ..registry import of_constants, operator
from ..values import Constant, Value
from .movements import broadcast_shape
from .shapes import NEW_TYPES


@operator("Constant", opsets=(1, 9, 11, 12, 13, *NEW_TYPES), arrays=True)
def constant(call: Call) -> Value:
    for name in ("value", "sparse_value"):
        if name in call.attributes:
            array = call.tensor(name) if name == "value" else call.sparse_tensor(name)
            call.reading.limits.count_constants(array.size, call.name)
            return Constant(array)
    for name, values, kind in (
        ("value_float", call.number, np.float64),
        ("value_floats", call.numbers, np.float64),
        ("value_int", call.integer, np.int64),
        ("value_ints", call.integers, np.int64),
        ("value_string", call.text, object),
        ("value_strings", call.texts, object),
    ):
        if name in call.attributes:
            return Constant(np.array(values(name), dtype=kind))
    call.invalid("it holds no value")


@operator("ConstantOfShape", opsets=(9, 20, 21, 23, 24, 25), arrays=True)
def constant_of_shape(call: Call) -> Value:
    shape = tuple(call.integers_of(0, []))
    if min(shape, default=0) < 0:
        call.invalid(f"it makes an array of shape {shape}")
    call.reading.limits.check_array(shape, call.name)
    value = call.tensor("value")
    value = np.zeros(1) if value is None else value.reshape(-1)
    if value.size != 1:
        call.invalid(f"it fills an array with {value.size} numbers")
    return Constant(np.broadcast_to(value[0], shape))


@operator("Range", opsets=(11, 27), arrays=True)
def range_(call: Call) -> Value:
    start, limit, delta = (call.number_of(i) for i in range(3))
    if None in (start, limit, delta) or delta == 0:
        call.invalid(f"it counts from {start} to {limit} by {delta}")
    size = max(0, math.ceil((limit - start) / delta))
    call.reading.limits.check_array((size,), call.name)
    call.reading.limits.count_constants(size, call.name)
    return Constant(start + delta * np.arange(size, dtype=call.constant(0).dtype))


@operator("EyeLike", opsets=(9, 22), arrays=True)
def eye_like(call: Call) -> Value:
    shape = call.shape()
    if len(shape) != 2:
        call.invalid(f"it makes a matrix of shape {shape}")
    call.reading.limits.check_array(shape, call.name)
    call.reading.limits.count_constants(math.prod(shape), call.name)
    return Constant(np.eye(*shape, k=int(np.clip(call.integer("k", 0), -(2**31), 2**31))))


@of_constants("OneHot", opsets=(9, 11, 28))
def one_hot(call: Call) -> Value:
    indices, values = np.asarray(call.constant(0)), np.asarray(call.constant(2))
    depth = int(call.number_of(1, 0))
    axis = call.one_axis(int(call.integer("axis", -1)), indices.ndim + 1)
    to = (*indices.shape[:axis], depth, *indices.shape[axis:])
    call.reading.limits.check_array(to, call.name)
    call.reading.limits.count_constants(math.prod(to), call.name)
    steps = np.arange(depth).reshape(-1, *[1] * (indices.ndim - axis))
    ours = np.expand_dims(np.rint(indices).astype(np.int64) % max(depth, 1), axis) == steps
    return Constant(np.where(ours, values[1], values[0]))


@of_constants("NonZero", opsets=(9, 13))
def non_zero(call: Call) -> Value:
    return Constant(np.array(np.nonzero(np.atleast_1d(call.constant(0))), dtype=np.int64))


def _arrays(call: Call) -> list[Any]:
    """The inputs, whose broadcast is small enough."""
    arrays = [np.asarray(call.constant(i)) for i in range(len(call.inputs))]
    if any(array.dtype == object for array in arrays):
        call.refuse("of text")
    shape = broadcast_shape(call, *(array.shape for array in arrays))
    call.reading.limits.check_array(shape, call.name)
    call.reading.limits.count_constants(math.prod(shape), call.name)
    return arrays


def evaluated(function: Callable[..., Any]) -> Callable[[Call], Value]:
    """An entry-by-entry function as the evaluation of an operator on constants."""

    def evaluate(call: Call) -> Value:
        arrays = _arrays(call)
        with np.errstate(all="ignore"):
            out = np.asarray(function(*arrays))
        if out.dtype.kind == "f":
            return Constant(out.astype(np.float64))
        kinds = {array.dtype for array in arrays}
        return Constant(
            out.astype(kinds.pop()) if out.dtype.kind in "iu" and len(kinds) == 1 else out
        )

    return evaluate


def quotient(a: Any, b: Any) -> Any:
    """Of whole numbers rounded towards zero, as in C."""
    if a.dtype.kind in "iu":
        return np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))
    return np.true_divide(a, b)


def power_of(a: Any, b: Any) -> Any:
    return np.power(a.astype(np.float64), b.astype(np.float64)).astype(a.dtype)


UNARY: dict[str, tuple[tuple[int, ...], Callable[..., Any]]] = {
    "Ceil": ((1, 6, 13), np.ceil),
    "Cos": ((7, 22), np.cos),
    "Floor": ((1, 6, 13), np.floor),
    "Log": ((1, 6, 13), np.log),
    "Reciprocal": ((1, 6, 13), lambda a: 1 / a),
    "Round": ((11, 22), np.rint),
    "Sin": ((7, 22), np.sin),
    "Sqrt": ((1, 6, 13), np.sqrt),
}
BINARY: dict[str, tuple[tuple[int, ...], Callable[..., Any]]] = {
    "Equal": ((1, 7, 11, 13, 19), np.equal),
    "Xor": ((1, 7), np.logical_xor),
}
for _name, (_opsets, _function) in {**UNARY, **BINARY}.items():
    of_constants(_name, _opsets)(evaluated(_function))


@of_constants("Mod", opsets=(10, 13, 28))
def mod(call: Call) -> Value:
    return evaluated(np.fmod if call.integer("fmod", 0) else np.mod)(call)


@of_constants("ArgMin", opsets=(1, 11, 12, 13))
def arg_min(call: Call) -> Value:
    return place_of_extreme(call, np.argmin)


def place_of_extreme(call: Call, function: Callable[..., Any]) -> Value:
    array = np.asarray(call.constant(0))
    axis = call.axis("axis", 0, array.ndim)
    if call.integer("select_last_index", 0):
        array = np.flip(array, axis)
    place = np.asarray(function(array, axis=axis), dtype=np.int64)
    if call.integer("select_last_index", 0):
        place = array.shape[axis] - 1 - place
    return Constant(np.expand_dims(place, axis) if call.integer("keepdims", 1) else place)


REDUCED: dict[str, Callable[..., Any]] = {
    "ReduceL2": lambda a, **axes: np.sqrt(np.sum(np.square(a), **axes)),
    "ReduceProd": np.prod,
    "ReduceSumSquare": lambda a, **axes: np.sum(np.square(a), **axes),
}


def _reduced(function: Callable[..., Any]) -> Callable[[Call], Value]:
    def evaluate(call: Call) -> Value:
        array = np.asarray(call.constant(0))
        axes = call.integers("axes") if call.opset < 18 else call.integers_of(1)
        if not axes and call.opset >= 18 and call.integer("noop_with_empty_axes", 0):
            return Constant(array)
        own = tuple(call.one_axis(axis, array.ndim) for axis in axes) if axes else None
        out = function(array, axis=own, keepdims=bool(call.integer("keepdims", 1)))
        return Constant(np.asarray(out, dtype=array.dtype))

    return evaluate


for _name, _function in REDUCED.items():
    of_constants(_name, (1, 11, 13, 18))(_reduced(_function))
