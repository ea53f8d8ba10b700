"""Operators that choose entries by constants: masks, triangles, sequences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..call import Call
from ..registry import operator
from ..values import Value
from .movements import pad_array


@operator("Compress", opsets=(9, 11, 28), arrays=True)
def compress(call: Call) -> Value:
    shape, condition = call.shape(), np.asarray(call.constant(1)).ravel().astype(bool)
    chosen = np.flatnonzero(condition)
    if "axis" not in call.attributes:
        chosen = chosen[chosen < math.prod(shape)]
        return call.move(lambda a: a.reshape(-1)[chosen], chosen.shape, keeps_rows=False)
    axis = call.axis("axis", 0, len(shape))
    chosen = chosen[chosen < shape[axis]]
    to = (*shape[:axis], len(chosen), *shape[axis + 1 :])
    return call.move(lambda a: np.take(a, chosen, axis=axis), to, keeps_rows=axis != 0)


@operator("Trilu", opsets=(14,), arrays=True)
def trilu(call: Call) -> Value:
    shape, k = call.shape(), int(call.number_of(1, 0))
    if len(shape) < 2:
        call.invalid(f"it takes matrices and is given {shape}")
    k = int(np.clip(k, -(2**31), 2**31))
    part = np.triu if call.integer("upper", 1) else np.tril
    return call.move(lambda a: part(a, k), shape, keeps_rows=len(shape) > 2)


@operator("CenterCropPad", opsets=(18,), arrays=True)
def center_crop_pad(call: Call) -> Value:
    shape, wanted = call.shape(), call.integers_of(1, [])
    axes = call.integers("axes", list(range(len(shape))))
    axes = [call.one_axis(axis, len(shape)) for axis in axes]
    if len(axes) != len(wanted) or min(wanted, default=0) < 0:
        call.invalid(f"it has {len(wanted)} sizes for {len(axes)} axes")
    before, after = [0] * len(shape), [0] * len(shape)
    for axis, size in zip(axes, wanted, strict=True):
        more = size - shape[axis]
        first = more // 2 if more > 0 else -(-more // 2)
        before[axis], after[axis] = first, more - first
    to = tuple(s + b + e for s, b, e in zip(shape, before, after, strict=True))
    keeps_rows = not shape or not (before[0] or after[0])
    return call.move(lambda a: pad_array(a, before, after, "constant"), to, keeps_rows=keeps_rows)


@operator("ReverseSequence", opsets=(10, 28), arrays=True)
def reverse_sequence(call: Call) -> Value:
    shape, lengths = call.shape(), call.integers_of(1, [])
    rank = len(shape)
    batch, time = call.axis("batch_axis", 1, rank), call.axis("time_axis", 0, rank)
    if batch == time or len(lengths) != shape[batch] or max(lengths, default=0) > shape[time]:
        call.invalid("its sequence lengths do not fit its data")

    def reverse(a: Any) -> Any:
        out = np.moveaxis(a, (batch, time), (0, 1)).copy()
        for i, length in enumerate(lengths):
            out[i, : max(length, 0)] = out[i, : max(length, 0)][::-1]
        return np.moveaxis(out, (0, 1), (batch, time))

    return call.move(reverse, shape, keeps_rows=False)
