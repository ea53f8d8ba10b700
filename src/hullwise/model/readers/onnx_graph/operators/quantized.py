"""Quantised weights as the numbers that they stand for; a quantised signal rounds, which jumps."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..call import Call
from ..registry import of_constants
from ..values import Constant, Value

QUANTIZE_OPSETS = (10, 13, 19, 21, 23, 24, 25, 28)


def _spread(call: Call, i: int, like: Any) -> Any:
    """A scale or a zero point as it applies to each entry: one, one along an axis, one a block."""
    array = np.asarray(call.constant(i))
    if array.size == 1:
        return array.reshape(())
    axis = call.one_axis(int(call.integer("axis", 1)), like.ndim)
    block = int(call.integer("block_size", 0) or 0)
    if block:
        repeated = np.repeat(array, block, axis=axis)
        return np.take(repeated, np.arange(like.shape[axis]), axis=axis)
    if array.shape != (like.shape[axis],):
        call.cannot_run()
    return array.reshape(-1, *[1] * (like.ndim - axis - 1))


@of_constants("DequantizeLinear", opsets=QUANTIZE_OPSETS)
def dequantize_linear(call: Call) -> Value:
    x = np.asarray(call.constant(0))
    if x.dtype.kind not in "iu":
        call.refuse(f"of numbers of the kind {x.dtype}")
    call.reading.limits.count_constants(x.size, call.name)
    zero = _spread(call, 2, x).astype(np.float64) if call.has(2) else 0.0
    return Constant((x.astype(np.float64) - zero) * _spread(call, 1, x).astype(np.float64))


@of_constants("QuantizeLinear", opsets=QUANTIZE_OPSETS)
def quantize_linear(call: Call) -> Value:
    """Rounded to the nearest, ties to even, and kept in the range of its kind."""
    x = np.asarray(call.constant(0), dtype=np.float64)
    zero = np.asarray(call.constant(2)) if call.has(2) else np.zeros((), dtype=np.uint8)
    if zero.dtype.kind not in "iu" or call.integer("output_dtype", 0):
        call.refuse("to other than whole numbers of its zero point's kind")
    call.reading.limits.count_constants(x.size, call.name)
    scaled = np.rint(x / _spread(call, 1, x).astype(np.float64))
    shift = _spread(call, 2, x).astype(np.float64) if call.has(2) else 0.0
    limits = np.iinfo(zero.dtype)
    return Constant(np.clip(scaled + shift, limits.min, limits.max).astype(zero.dtype))
