"""How far a network of pieces may be from the smooth model whose place it takes."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .._core.types import Floats
from ._piecewise_layers import Pieces
from ._rounding import absolute, reachable_slopes
from .linear_bounds import InputBoxes, LinearBounds
from .network import Network
from .smooth_functions import SmoothFunction

ROUNDING_SHARE = 1e-9  # of a bound, for its own rounding


def approximation_errors(net: Network, box: tuple[Floats, Floats] | None = None) -> Floats:
    """Bounds (n_outputs,) of |model - network| over a box, or for all inputs where it is None.

    A unit is off by its own error, and by the error of what enters it times the steepest slope of
    the smooth function (over what can enter it, and that widened by the error).
    """
    bounds = None
    if box is not None:
        bounds = LinearBounds(net, InputBoxes(box[0][None], box[1][None]))
    errors: dict[int, Floats] = {0: np.zeros((1, net.n_inputs))}
    for i, node in enumerate(net.nodes[1:], 1):
        entering = [errors[j] for j in node.inputs]
        op: Any = node.op
        if not node.is_piecewise:
            shaped = [
                e.reshape(1, *net.nodes[j].shape)
                for e, j in zip(entering, node.inputs, strict=True)
            ]
            errors[i] = absolute(op).linear(*shaped).reshape(1, prod(node.shape))
        elif isinstance(op, Pieces):
            ranges = None if bounds is None else (bounds.low[node.inputs[0]],
                                                  bounds.high[node.inputs[0]])  # fmt: skip
            errors[i] = op.error + entering[0] * _steepest(op, entering[0], ranges)
        else:
            passed = np.where(op.groups >= 0, entering[0][..., op.groups], 0.0)
            errors[i] = passed.max(axis=-1)
        net.release(errors, i)
    last = errors[len(net.nodes) - 1][0]
    return np.asarray(last * (1 + ROUNDING_SHARE))


def _steepest(units: Any, error: Floats, ranges: tuple[Floats, Floats] | None) -> Any:
    """The steepest slopes (1, o) of what the units stand for."""
    function: SmoothFunction | None = units.stands_for
    if ranges is None:
        return np.abs(units.slopes).max(axis=0)[None] if function is None else function.steepest
    low, high = ranges[0] - error, ranges[1] + error
    if function is None:
        return reachable_slopes(units, low, high)
    return function.steepest_over(low[0], high[0])[None]
