"""A recurrent layer of ReLU units, one step after another: h_t = g(W x_t + R h_(t-1) + b)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._layer_builder import LayerBuilder

LONGEST_SEQUENCE_OF_STEPS = 4096


def unrolled(
    builder: LayerBuilder,
    name: str,
    node: int,
    weights: tuple[Any, Any, Any],
    start: Any,
    *,
    backwards: bool = False,
    activation: Callable[[str, int], int] | None = None,
) -> tuple[int, int]:
    """The states (k, steps, units) of inputs (k, steps, features), and the last of them (k, units).

    weights are W (units, features), R (units, units) and b (units); start is a node or an array
    (k, units) of first states.
    """
    activation = activation or builder.relu
    W, R, b = (np.asarray(one, dtype=np.float64) for one in weights)
    driven = builder.linear(f"{name} (inputs)", node, W, b)
    k, steps, units = builder.shape(driven)
    places = np.arange(k * steps * units).reshape(k, steps, units)
    state: Any = start
    out = [0] * steps
    for t in range(steps)[:: -1 if backwards else 1]:
        label = f"{name} (step {t})"
        z = builder.rearrange(f"{label} input", driven, places[:, t].ravel(), (k, units))
        if isinstance(state, int):
            fed = builder.linear(f"{label} state", state, R)
            z = builder.weighted_sum(f"{label} sum", [z, fed], (1.0, 1.0))
        elif np.any(state):
            z = builder.scale(f"{label} sum", z, 1.0, np.asarray(state) @ R.T)
        state = activation(label, z)
        out[t] = builder.rearrange(f"{label} shape", state, None, (k, 1, units))
    joined = builder.concat(f"{name} (steps)", out, 1)
    return joined, int(state)
