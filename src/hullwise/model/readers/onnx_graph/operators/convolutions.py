"""Convolutions with constant weights over any number of spatial axes, and their adjoints."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....affine_layers import Shape, Window
from ..call import Call
from ..registry import operator
from ..values import Value


def sliding_window(
    call: Call, size: Shape, space: Shape, *, dilated: bool = True, round_up: bool = False
) -> tuple[Window, Shape]:
    """The window of a convolution or pool, and how many positions it has along each axis."""
    n = len(space)
    strides = tuple(call.integers("strides", [1] * n))
    dilations = tuple(call.integers("dilations", [1] * n)) if dilated else (1,) * n
    pads = call.integers("pads", [0] * 2 * n)
    if not len(size) == len(strides) == len(dilations) == n or len(pads) != 2 * n:
        call.invalid(f"its window {size} does not fit into {space}")
    if min((*size, *strides, *dilations), default=1) < 1 or min(pads, default=0) < 0:
        call.invalid(f"its window {size} has strides {strides}, dilations {dilations}, pads {pads}")
    reach = [d * (k - 1) + 1 for d, k in zip(dilations, size, strict=True)]
    auto = call.text("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        counts = tuple(-(-s // t) for s, t in zip(space, strides, strict=True))
        sides = tuple(
            _halves(max(0, (c - 1) * t + r - s), auto == "SAME_UPPER")
            for c, t, r, s in zip(counts, strides, reach, space, strict=True)
        )
        return Window(size, strides, sides, dilations), counts
    if auto not in ("NOTSET", "VALID"):
        call.invalid(f"its auto_pad is {auto[:40]!r}")
    pads = [0] * 2 * n if auto == "VALID" else pads
    sides = tuple((pads[i], pads[n + i]) for i in range(n))
    counts = tuple(
        _positions(s, p, r, t, round_up)
        for s, p, r, t in zip(space, sides, reach, strides, strict=True)
    )
    if min(counts, default=1) < 1:
        call.invalid(f"its window {size} does not fit into {space}")
    return Window(size, strides, sides, dilations), counts


def _halves(total: int, upper: bool) -> tuple[int, int]:
    """A padding split over both sides, the odd one at the end (upper) or at the start."""
    small, large = total // 2, total - total // 2
    return (small, large) if upper else (large, small)


def _positions(size: int, sides: tuple[int, int], reach: int, stride: int, round_up: bool) -> int:
    room = size + sum(sides) - reach
    if room < 0:
        return 0
    if not round_up:
        return room // stride + 1
    count = -(-room // stride) + 1
    starts_in_padding = (count - 1) * stride >= size + sides[0]
    return count - 1 if starts_in_padding else count


def _weights(call: Call) -> tuple[Any, Any]:
    W, b = np.asarray(call.constant(1)), call.constant(2)
    shape = call.shape()
    if W.ndim < 3 or len(shape) != W.ndim:
        call.cannot_run()
    kernel = call.integers("kernel_shape")
    if kernel is not None and tuple(kernel) != W.shape[2:]:
        call.invalid(f"its kernel_shape {kernel} is not that of its weights {W.shape}")
    if not W.size:
        call.invalid("it has no weights")
    return W, b


@operator("Conv", opsets=(1, 11, 22))
def conv(call: Call) -> Value:
    W, b = _weights(call)
    channels, space, groups = call.shape()[1], call.shape()[2:], call.integer("group", 1)
    if groups < 1 or W.shape[1] * groups != channels or W.shape[0] % groups:
        call.cannot_run()
    if b is not None and b.shape != (W.shape[0],):
        call.invalid(f"its bias has the shape {b.shape}")
    window, counts = sliding_window(call, W.shape[2:], space)
    padded = [s + sum(p) for s, p in zip(space, window.padding, strict=True)]
    call.reading.limits.check_array((channels, *padded), call.name)
    call.reading.limits.check_array((W.shape[0], *counts), call.name)
    call.reading.limits.count_products(W.size * math.prod(counts), call.name)

    def layer(node: int) -> int:
        return call.builder.conv(call.name, node, W, b, window, groups)

    return call.result(call.per_image(call.node(), layer))


@operator("ConvTranspose", opsets=(1, 11, 22))
def conv_transpose(call: Call) -> Value:
    W, b = _weights(call)
    channels, space, groups = call.shape()[1], call.shape()[2:], call.integer("group", 1)
    if groups < 1 or W.shape[0] != channels or channels % groups:
        call.cannot_run()
    window, counts = _spread_window(call, W.shape[2:], space)
    call.reading.limits.check_array((W.shape[1] * groups, *counts), call.name)
    call.reading.limits.count_products(W.size * math.prod(counts), call.name)

    def layer(node: int) -> int:
        return call.builder.conv_transpose(call.name, node, W, b, window, groups, counts)

    return call.result(call.per_image(call.node(), layer))


def _spread_window(call: Call, size: Shape, space: Shape) -> tuple[Window, Shape]:
    """The window of a transposed convolution, and the positions it gives along each axis."""
    n = len(space)
    strides = call.integers("strides", [1] * n)
    dilations = call.integers("dilations", [1] * n)
    extra = call.integers("output_padding", [0] * n)
    pads, wanted = call.integers("pads", [0] * 2 * n), call.integers("output_shape")
    lengths = {len(size), len(strides), len(dilations), len(extra)}
    if lengths != {n} or len(pads) != 2 * n or min((*strides, *dilations)) < 1 or min(extra) < 0:
        call.invalid("its strides, dilations and pads do not fit its weights")
    auto = call.text("auto_pad", "NOTSET")
    sides, counts = [], []
    for i in range(n):
        full = strides[i] * (space[i] - 1) + extra[i] + dilations[i] * (size[i] - 1) + 1
        if wanted is not None or auto in ("SAME_UPPER", "SAME_LOWER"):
            count = space[i] * strides[i] if wanted is None else wanted[-n:][i]
            sides.append(_halves(max(0, full - count), auto == "SAME_UPPER"))
        else:
            side = (0, 0) if auto == "VALID" else (pads[i], pads[n + i])
            sides.append(side)
            count = full - sum(side)
        counts.append(count)
    if min(counts) < 1:
        call.invalid(f"its window {size} gives no positions in {space}")
    return Window(size, tuple(strides), tuple(sides), tuple(dilations)), tuple(counts)


@operator("Col2Im", opsets=(18,))
def col2im(call: Call) -> Value:
    """The adjoint of taking windows apart: their entries are added up where they belong."""
    shape = call.shape()
    space, size = tuple(call.integers_of(1, [])), tuple(call.integers_of(2, []))
    if len(shape) != 3 or len(space) != len(size) or not space or min((*space, *size)) < 1:
        call.cannot_run()
    window, counts = sliding_window(call, size, space)
    places = math.prod(size)
    if shape[1] % places or shape[2] != math.prod(counts):
        call.invalid(f"columns of shape {shape} are not those of {counts} windows")
    channels = shape[1] // places
    call.reading.limits.check_array((channels, *space), call.name)

    def layer(node: int) -> int:
        # as a transposed convolution of groups whose weights pick one place each
        W = np.eye(places).reshape(1, places, 1, *size)
        W = np.broadcast_to(W, (channels, places, 1, *size)).reshape(-1, 1, *size)
        node = call.builder.rearrange(call.name, node, None, (channels * places, *counts))
        return call.builder.conv_transpose(call.name, node, W, None, window, channels, space)

    return call.result(call.per_image(call.node(), layer))
