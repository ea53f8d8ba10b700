"""Normalisation by stored statistics."""

from __future__ import annotations

import numpy as np

from ..call import Call
from ..registry import operator
from ..values import Value


@operator("BatchNormalization", opsets=(1, 6, 7, 9, 14, 15))
def batch_normalization(call: Call) -> Value:
    """At rest; opsets 1 and 6 train unless told that they are tested, 7 to 13 if asked for more."""
    if call.opset < 7:
        training = not call.integer("is_test", 0)
    elif call.opset < 14:
        training = sum(map(bool, call.outputs)) > 1
    else:
        training = bool(call.integer("training_mode", 0))
    if training:
        call.refuse_curved("with the batch's own statistics (in training mode)")
    shape = call.shape()
    if len(shape) < 2:
        call.cannot_run()
    gain, offset, mean, var = (np.asarray(call.constant(i), dtype=np.float64) for i in range(1, 5))
    eps = call.number("epsilon", 1e-5)
    if call.opset < 9 and not call.integer("spatial", 1):  # statistics of every entry
        own = shape[1:]
    else:
        own = (shape[1], *[1] * (len(shape) - 2))
    if any(array.size != np.prod(own) for array in (gain, offset, mean, var)):
        call.cannot_run()
    if (var + eps <= 0).any():
        call.invalid("a variance is negative")
    a = gain / np.sqrt(var + eps)
    b = offset - a * mean
    return call.result(call.builder.scale(call.name, call.node(), a.reshape(own), b.reshape(own)))
