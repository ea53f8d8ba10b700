"""Reductions over axes: sums, means, maxima; running sums; the largest k."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._layer_builder import LONGEST_SORT
from ..call import Call
from ..registry import operator
from ..values import Constant, Unread, Value


def _reduced_axes(call: Call, axes_are_input: int) -> tuple[int, ...] | None:
    """The axes that a reduction names; None where it reduces nothing."""
    rank = len(call.shape())
    axes = call.integers("axes") if call.opset < axes_are_input else call.integers_of(1)
    if not axes:
        if call.opset >= axes_are_input and call.integer("noop_with_empty_axes", 0):
            return None
        axes = list(range(rank))
    own = sorted({call.one_axis(axis, rank) for axis in axes})
    if own and call.signals():
        call.require_own_axis(own[0])
    return tuple(own)


def _on_arrays(function: Any, axes_are_input: int) -> Any:
    """A reduction of constants."""

    def evaluate(call: Call) -> Value:
        array = np.asarray(call.constant(0))
        axes = _reduced_axes(call, axes_are_input)
        if axes is None:
            return Constant(array)
        if not array.size:
            call.refuse("of an empty array")
        out = function(array, axis=axes, keepdims=bool(call.integer("keepdims", 1)))
        return Constant(np.asarray(out).astype(array.dtype))

    return evaluate


REDUCTION_OPSETS = (1, 11, 13, 18)


def _mean_or_sum(call: Call, node: int, axes_are_input: int, total: bool) -> Value:
    axes, keep = _reduced_axes(call, axes_are_input), bool(call.integer("keepdims", 1))
    if axes is None:
        return call.result(node)
    return call.result(call.builder.mean_over(call.name, node, axes, keep, total))


@operator("ReduceMean", opsets=REDUCTION_OPSETS, evaluate=_on_arrays(np.mean, 18))
def reduce_mean(call: Call) -> Value:
    return _mean_or_sum(call, call.node(), 18, total=False)


@operator("ReduceSum", opsets=(1, 11, 13), evaluate=_on_arrays(np.sum, 13))
def reduce_sum(call: Call) -> Value:
    return _mean_or_sum(call, call.node(), 13, total=True)


@operator("ReduceL1", opsets=REDUCTION_OPSETS)
def reduce_l1(call: Call) -> Value:
    sizes = call.builder.piecewise(f"{call.name} (sizes)", call.node(), "abs", [0.0], [-1.0, 1.0])
    return _mean_or_sum(call, sizes, 18, total=True)


@operator("ReduceMax", opsets=(1, 11, 12, 13, 18, 20), evaluate=_on_arrays(np.max, 18))
def reduce_max(call: Call) -> Value:
    return _extreme_over(call, minimum=False)


@operator("ReduceMin", opsets=(1, 11, 12, 13, 18, 20), evaluate=_on_arrays(np.min, 18))
def reduce_min(call: Call) -> Value:
    return _extreme_over(call, minimum=True)


def _extreme_over(call: Call, minimum: bool) -> Value:
    node, axes = call.node(), _reduced_axes(call, 18)
    if axes is None:
        return call.result(node)
    keep = bool(call.integer("keepdims", 1))
    return call.result(call.builder.maximum_over(call.name, node, axes, keep, minimum))


@operator("CumSum", opsets=(11, 14))
def cumulative_sum(call: Call) -> Value:
    shape = call.shape()
    axis = call.require_own_axis(call.one_axis(int(call.number_of(1, 0)), len(shape)))
    n = shape[axis]
    call.reading.limits.check_array((n, n), call.name)
    W = np.tri(n, k=-1 if call.integer("exclusive", 0) else 0)
    W = W.T if call.integer("reverse", 0) else W
    return call.result(call.builder.along_axis(call.name, call.node(), axis, W))


@operator("TopK", opsets=(1, 10, 11, 24))
def top_k(call: Call) -> list[Value]:
    """The k largest (or smallest) in order: entries compared and exchanged in a fixed pattern."""
    shape = call.shape()
    axis = call.require_own_axis(call.axis("axis", -1, len(shape)))
    k = int(call.integer("k", 0) if call.opset < 10 else call.number_of(1, 0))
    largest = bool(call.opset < 11 or call.integer("largest", 1))
    n = shape[axis]
    if not 0 < k <= n:
        call.invalid(f"it takes {k} of {n}")
    if n > LONGEST_SORT:
        call.refuse(f"of {n:,} entries along one axis")
    if call.opset >= 11 and not call.integer("sorted", 1) and 1 < k < n:
        call.refuse("in no stated order")
    node = call.builder.sorted_along(call.name, call.node(), axis, largest, k)
    return [call.result(node), Unread(call.name, f"{call.title}: the places of its maxima")]


@operator("AffineGrid", opsets=(20,))
def affine_grid(call: Call) -> Value:
    """Points of a grid moved by the affine maps that are the input."""
    size, theta = call.integers_of(1, []), call.shape()
    space = size[2:]
    if len(space) not in (2, 3) or theta != (size[0], len(space), len(space) + 1):
        call.cannot_run()
    call.reading.limits.check_array((theta[0], *space, len(space)), call.name)
    corners = bool(call.integer("align_corners", 0))
    steps = [np.linspace(-1, 1, s) if corners else (2 * np.arange(s) + 1) / s - 1 for s in space]
    mesh = np.meshgrid(*steps, indexing="ij")
    points = np.stack([*mesh[::-1], np.ones_like(mesh[0])], axis=-1).reshape(-1, len(space) + 1)
    node = call.builder.linear(call.name, call.node(), points)  # (rows, axes, points)
    node = call.builder.swap_last_axes(f"{call.name} (points first)", node)
    rows = call.builder.shape(node)[0]
    return call.result(call.builder.rearrange(call.name, node, None, (rows, *space, len(space))))
