"""Pools: the largest, the mean, the sum of sizes in sliding windows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....affine_layers import Shape, Window
from ..call import Call
from ..registry import operator
from ..values import Unread, Value
from .convolutions import sliding_window

PLACES_OF_ONE_MEAN = 64  # of a window taken place by place; larger ones axis by axis


def _window(call: Call, *, dilated: bool, round_up: bool) -> tuple[Window, Shape]:
    """The pool's window; its padding is smaller than it, so that every window sees something."""
    shape, kernel = call.shape(), call.integers("kernel_shape")
    if len(shape) < 3 or kernel is None:
        call.cannot_run()
    size = tuple(kernel)
    window, counts = sliding_window(call, size, shape[2:], dilated=dilated, round_up=round_up)
    reach = [d * (k - 1) + 1 for d, k in zip(window.dilation, size, strict=True)]
    if any(max(side) >= r for side, r in zip(window.padding, reach, strict=True)):
        call.invalid(f"its padding {window.padding} is as large as its window {size}")
    call.reading.limits.check_array((shape[1], *counts), call.name)
    return window, counts


@operator("MaxPool", opsets=(1, 8, 10, 11, 12, 22))
def max_pool(call: Call) -> list[Value]:
    round_up = bool(call.opset >= 10 and call.integer("ceil_mode", 0))
    window, counts = _window(call, dilated=call.opset >= 10, round_up=round_up)

    def layer(node: int) -> int:
        return call.builder.max_pool(call.name, node, window, counts)

    pooled = call.result(call.per_image(call.node(), layer))
    return [pooled, Unread(call.name, f"{call.title}: the places of its maxima")]


@operator("AveragePool", opsets=(1, 7, 10, 11, 19, 22))
def average_pool(call: Call) -> Value:
    round_up = bool(call.opset >= 10 and call.integer("ceil_mode", 0))
    window, counts = _window(call, dilated=call.opset >= 19, round_up=round_up)
    counted = bool(call.opset >= 7 and call.integer("count_include_pad", 0))
    space = call.shape()[2:]

    def layer(node: int) -> int:
        whole = window.counts(space) == counts
        if whole and math.prod(window.size) <= PLACES_OF_ONE_MEAN:
            return call.builder.average_pool(call.name, node, window, counted)
        return _by_axes(call, node, window, counts, "padded" if counted else "seen")

    return call.result(call.per_image(call.node(), layer))


def _by_axes(call: Call, node: int, window: Window, counts: Shape, shared_by: str) -> int:
    """A mean (or a sum, shared by none) over windows is one matrix along each axis."""
    space = call.builder.shape(node)[1:]
    for axis, size in enumerate(space):
        call.reading.limits.check_array((counts[axis], size), call.name)
        step, gap = window.stride[axis], window.dilation[axis]
        before, after = window.padding[axis]
        entries = (
            np.arange(counts[axis])[:, None] * step
            + np.arange(window.size[axis])[None] * gap
            - before
        )
        seen = (entries >= 0) & (entries < size)
        W = np.zeros((counts[axis], size))
        rows, places = np.nonzero(seen)
        np.add.at(W, (rows, entries[rows, places]), 1.0)
        if shared_by == "padded":
            W /= (entries < size + after).sum(axis=1, keepdims=True)
        elif shared_by == "seen":
            W /= seen.sum(axis=1, keepdims=True)
        node = call.builder.along_axis(f"{call.name} (axis {axis})", node, axis + 1, W)
    return node


def _absolute(call: Call, node: int) -> int:
    return call.builder.piecewise(f"{call.name} (sizes)", node, "abs", [0.0], [-1.0, 1.0])


@operator("LpPool", opsets=(1, 2, 11, 18, 22))
def lp_pool(call: Call) -> Value:
    """Of p = 1, the sum of sizes; other norms are not piecewise affine."""
    p = call.number("p", 2.0) if call.opset < 2 else call.integer("p", 2)
    if p != 1:
        call.refuse_curved(f"of p = {p:g}")
    newer = call.opset >= 18
    round_up = bool(newer and call.integer("ceil_mode", 0))
    window, counts = _window(call, dilated=newer, round_up=round_up)

    def layer(node: int) -> int:
        return _by_axes(call, _absolute(call, node), window, counts, "none")

    return call.result(call.per_image(call.node(), layer))


def _spatial_axes(call: Call) -> tuple[int, ...]:
    if len(call.shape()) < 2:
        call.cannot_run()
    return tuple(range(2, len(call.shape())))


@operator("GlobalAveragePool", opsets=(1, 22))
def global_average_pool(call: Call) -> Value:
    node = call.builder.mean_over(call.name, call.node(), _spatial_axes(call), keepdims=True)
    return call.result(node)


@operator("GlobalMaxPool", opsets=(1, 22))
def global_max_pool(call: Call) -> Value:
    axes = _spatial_axes(call)
    shape = call.builder.shape(call.node())
    node = call.builder.rearrange(call.name, call.node(), None, (*shape[:2], math.prod(shape[2:])))
    node = call.builder.maximum_over(call.name, node, (2,), keepdims=True, kind="maxpool")
    return call.result(
        call.builder.rearrange(call.name, node, None, (*shape[:2], *[1] * len(axes)))
    )


@operator("GlobalLpPool", opsets=(1, 2, 22))
def global_lp_pool(call: Call) -> Value:
    p = call.number("p", 2.0) if call.opset < 2 else call.integer("p", 2)
    if p != 1:
        call.refuse_curved(f"of p = {p:g}")
    node = _absolute(call, call.node())
    axes = _spatial_axes(call)
    return call.result(call.builder.mean_over(call.name, node, axes, keepdims=True, total=True))


@operator("MaxUnpool", opsets=(9, 11, 22), arrays=True)
def max_unpool(call: Call) -> Value:
    """Entries put where constant indices say, the rest zeros."""
    shape, indices = call.shape(), np.asarray(call.constant(1))
    to = tuple(call.integers_of(2, [])) if call.has(2) else _unpooled_shape(call, shape)
    if len(to) != len(shape) or to[:2] != shape[:2] or indices.shape != shape:
        call.cannot_run()
    call.reading.limits.check_array(to, call.name)
    natural = _unpooled_shape(call, shape)
    where: Any = np.unravel_index(_checked(call, indices, natural).ravel(), natural)
    cut = tuple(slice(min(n, t)) for n, t in zip(natural, to, strict=True))

    def spread(a: Any) -> Any:
        out, full = np.zeros(natural, dtype=a.dtype), np.zeros(to, dtype=a.dtype)
        out[where] = a.ravel()
        full[cut] = out[cut]
        return full

    return call.move(spread, to, keeps_rows=False)


def _checked(call: Call, indices: Any, shape: Shape) -> Any:
    if indices.dtype.kind not in "iu" or not ((indices >= 0) & (indices < math.prod(shape))).all():
        call.invalid("an index lies outside its output")
    return indices


def _unpooled_shape(call: Call, shape: Shape) -> Shape:
    n = len(shape) - 2
    kernel, strides = call.integers("kernel_shape"), call.integers("strides", [1] * n)
    pads = call.integers("pads", [0] * 2 * n)
    if kernel is None or not len(kernel) == len(strides) == n or len(pads) != 2 * n:
        call.cannot_run()
    space = [(shape[i + 2] - 1) * strides[i] + kernel[i] - pads[i] - pads[n + i] for i in range(n)]
    if min(space, default=1) < 1:
        call.cannot_run()
    return (*shape[:2], *space)
