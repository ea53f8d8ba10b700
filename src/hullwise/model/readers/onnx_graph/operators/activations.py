"""Activations that are piecewise affine, entry by entry."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..call import Call
from ..registry import operator
from ..values import Value

LARGEST_FLOAT32 = 3.4028234e38  # a bound that old files write where they mean none


@operator("Relu", opsets=(1, 6, 13, 14))
def relu(call: Call) -> Value:
    return call.elementwise(lambda node: call.builder.relu(call.name, node), keeps_zero=True)


@operator("LeakyRelu", opsets=(1, 6, 16))
def leaky_relu(call: Call) -> Value:
    slope = call.number("alpha", 0.01)
    return call.elementwise(
        lambda node: call.builder.leaky_relu(call.name, node, "leaky_relu", slope), keeps_zero=True
    )


@operator("PRelu", opsets=(1, 6, 7, 9, 16))
def prelu(call: Call) -> Value:
    node, shape, slope = call.node(), call.shape(), np.asarray(call.constant(1))
    own = call.builder.shape(node)
    if call.opset < 7 and slope.size > 1:  # one for each channel
        slope = slope.reshape(-1, *[1] * (len(shape) - 2))
    slope = call.per_row(slope, len(shape))
    try:
        slopes = np.broadcast_to(slope, own)
    except ValueError:
        call.invalid(f"its slopes of shape {slope.shape} do not fit into {shape}")
    return call.result(call.builder.leaky_relu(call.name, node, "prelu", slopes))


@operator("Abs", opsets=(1, 6, 13))
def absolute(call: Call) -> Value:
    return call.elementwise(
        lambda node: call.builder.piecewise(call.name, node, "abs", [0.0], [-1.0, 1.0]),
        keeps_zero=True,
    )


@operator("Clip", opsets=(1, 6, 11, 12, 13))
def clip(call: Call) -> Value:
    if call.opset < 11:
        bounds = [call.number("min"), call.number("max")]
    else:
        bounds = [call.number_of(1), call.number_of(2)]
    low, high = (None if b is None or abs(b) >= LARGEST_FLOAT32 else float(b) for b in bounds)
    if np.isnan([b for b in (low, high) if b is not None]).any():
        call.invalid("a bound is NaN")
    keeps_zero = (low is None or low <= 0) and (high is None or high >= 0)
    return call.elementwise(
        lambda node: call.builder.clip(call.name, node, low, high), keeps_zero=keeps_zero
    )


@operator("HardSigmoid", opsets=(1, 6, 22))
def hard_sigmoid(call: Call) -> Value:
    alpha, beta = call.number("alpha", 0.2), call.number("beta", 0.5)
    if alpha == 0:
        call.refuse("of slope 0")
    knots: Any = np.array([-beta / alpha, (1 - beta) / alpha])
    slopes = [0.0, alpha, 0.0]

    def layer(node: int) -> int:
        first = float(alpha < 0)  # the value far to the left
        knot = float(knots.min())
        return call.builder.piecewise(
            call.name, node, "hard_sigmoid", np.sort(knots), slopes, first, knot
        )

    return call.elementwise(layer, keeps_zero=False)


@operator("Shrink", opsets=(9,))
def shrink(call: Call) -> Value:
    knot, bias = call.number("lambd", 0.5), call.number("bias", 0.0)
    if knot != bias or knot < 0:
        call.refuse_jump("which jumps unless its bias is its lambd")
    if knot == 0:
        return call.value()
    return call.elementwise(
        lambda node: call.builder.soft_shrink(call.name, node, knot), keeps_zero=True
    )


@operator("ThresholdedRelu", opsets=(10, 22))
def thresholded_relu(call: Call) -> Value:
    if call.number("alpha", 1.0) != 0:
        call.refuse_jump()
    return call.elementwise(lambda node: call.builder.relu(call.name, node), keeps_zero=True)
