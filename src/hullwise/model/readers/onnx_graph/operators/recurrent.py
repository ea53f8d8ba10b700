"""A recurrent layer of ReLU units, unrolled over its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..._recurrent_layers import LONGEST_SEQUENCE_OF_STEPS, unrolled
from ..call import Call
from ..registry import operator
from ..values import Signal, Value

RECURRENT_ACTIVATIONS = ("Relu", "LeakyRelu", "Affine")
WAYS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}


@operator("RNN", opsets=(1, 7, 14, 22))
def rnn(call: Call) -> list[Value]:
    """Y (steps, ways, rows, units) and the last states (ways, rows, units)."""
    ways = WAYS.get(call.text("direction", "forward"))
    W, R = (np.asarray(call.constant(i), dtype=np.float64) for i in (1, 2))
    if ways is None or W.ndim != 3 or len(W) != len(ways) or len(call.shape()) != 3:
        call.cannot_run()
    _require_plain(call)
    units = W.shape[1]
    b = np.zeros((len(ways), 2 * units)) if not call.has(3) else np.asarray(call.constant(3))
    rows_first = bool(call.integer("layout", 0))
    node = _rows_first(call, rows_first)
    k, steps, _ = call.builder.shape(node)
    if steps > LONGEST_SEQUENCE_OF_STEPS:
        call.refuse(f"of {steps:,} steps")
    start = _first_states(call, len(ways), k, units, rows_first)
    joined, last = [], []
    for way, backwards in enumerate(ways):
        name = f"{call.name} ({'back' if backwards else 'forth'})"
        weights = W[way], R[way], b[way, :units] + b[way, units:]
        states, end = unrolled(
            *(call.builder, name, node, weights, start[way]),
            backwards=backwards,
            activation=_activation(call, way),
        )
        joined.append(call.builder.rearrange(name, states, None, (k, steps, 1, units)))
        last.append(call.builder.rearrange(name, end, None, (k, 1, units)))
    whole = call.builder.concat(f"{call.name} (ways)", joined, 2)
    ends = call.builder.concat(f"{call.name} (last)", last, 1)
    if rows_first:
        return [call.result(whole), call.result(ends)]
    return [_moved(call, whole, (1, 2, 0, 3)), _moved(call, ends, (1, 0, 2))]


def _require_plain(call: Call) -> None:
    lengths = call.integers_of(4)
    steps = call.shape()[1 if call.integer("layout", 0) else 0]
    if lengths is not None and set(lengths) != {steps}:
        call.refuse("whose rows have unlike lengths")
    if "clip" in call.attributes:
        call.refuse("with a clip of what enters its units")


def _activation(call: Call, way: int) -> Callable[[str, int], int]:
    """The layer of units of one direction."""
    names = call.texts("activations") or ["Tanh", "Tanh"]
    kind = names[way] if way < len(names) else names[0]
    if kind not in RECURRENT_ACTIVATIONS:
        call.refuse_curved(f"of {kind} units")
    alphas, betas = call.numbers("activation_alpha", []), call.numbers("activation_beta", [])
    # the lists have a number for each activation that takes one, in order
    before = names[:way]
    i = sum(name in ("LeakyRelu", "Affine") for name in before)
    j = before.count("Affine")
    builder = call.builder
    if kind == "Relu":
        return builder.relu
    alpha = alphas[i] if i < len(alphas) else 0.01 if kind == "LeakyRelu" else 1.0
    if kind == "Affine":
        beta = betas[j] if j < len(betas) else 0.0
        return lambda name, node: builder.scale(name, node, alpha, beta)
    return lambda name, node: builder.leaky_relu(name, node, "leaky_relu", alpha)


def _rows_first(call: Call, already: bool) -> int:
    """The input as a node (rows of one row of the batch, steps, features)."""
    if already:
        return call.node()
    steps, rows, features = call.shape()
    moved = call.move(lambda a: np.moveaxis(a, 1, 0), (rows, steps, features), keeps_rows=False)
    if not isinstance(moved, Signal) or moved.table is not None:
        call.mixes_rows()
    return moved.node


def _first_states(call: Call, ways: int, k: int, units: int, rows_first: bool) -> Any:
    """First states of one row of the batch, for each way: numbers (k, units), or a node."""
    if not call.has(5):
        return np.zeros((ways, k, units))
    if not call.is_constant(5):
        return _made_states(call, ways, k, units, rows_first)
    h = np.asarray(call.constant(5), dtype=np.float64)
    h = h if rows_first else np.moveaxis(h, 1, 0)
    return np.moveaxis(np.asarray(call.per_row(h, 3)).reshape(k, ways, units), 1, 0)


def _made_states(call: Call, ways: int, k: int, units: int, rows_first: bool) -> list[int]:
    """The same where they depend on the network's input."""
    rows = call.shape(5)[0 if rows_first else 1]
    if call.shape(5) != ((rows, ways, units) if rows_first else (ways, rows, units)):
        call.cannot_run()
    states: Any = call.value(5)
    if not rows_first:
        to = (rows, ways, units)
        states = call.move(lambda a: np.moveaxis(a, 1, 0), to, keeps_rows=False, i=5)
    if not isinstance(states, Signal) or states.table is not None:
        call.mixes_rows()
    places = np.arange(k * ways * units).reshape(k, ways, units)
    return [
        call.builder.rearrange(
            f"{call.name} (state {way})", states.node, places[:, way].ravel(), (k, units)
        )
        for way in range(ways)
    ]


def _moved(call: Call, node: int, order: tuple[int, ...]) -> Any:
    """A node as a value whose axes are in another order."""
    value = call.result(node)
    call.inputs = [value]
    to = tuple(value.shape[axis] for axis in order)
    return call.move(lambda a: np.transpose(a, order), to, keeps_rows=False)
