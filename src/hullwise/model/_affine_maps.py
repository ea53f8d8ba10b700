"""The affine maps of a network's pieces, and how many are different."""

from __future__ import annotations

import numpy as np

from .._core.memory import check_memory
from .._core.types import Floats
from ._layer_values import UNCHECKED_BYTES
from ._piecewise_layers import Codes
from .network import Network

ONE_ROW = "One output at a time, template(output) needs a row of them only."
MAP_TOLERANCE = 1e-9  # of the largest number in the maps


def slopes_at(net: Network, codes: Codes) -> Floats:
    """Slopes A (m, n_outputs, d) of the pieces with codes (m, n_units): the piece is A x + b.

    Cost: one backward pass for each output.
    """
    k = net.n_outputs
    return weighted_slopes(net, codes, np.broadcast_to(np.eye(k), (len(codes), k, k)))


def weighted_slopes(net: Network, codes: Codes, weights: Floats) -> Floats:
    """Slopes (m, k, d) of sums of outputs with weights (m, k, n_outputs), a few sums at a time."""
    m, k = weights.shape[:2]
    out = empty_slopes(m, k, net.n_inputs)
    last, step = len(net.nodes) - 1, net.most_slots
    for rows in net.blocks(m, k):
        for low in range(0, k, step):
            part = slice(low, low + step)
            out[rows, part] = net.pull({last: weights[rows, part]}, codes[rows])
    return out


def empty_slopes(m: int, k: int, d: int) -> Floats:
    """Room for slopes (m, k, d).

    Raises
    ------
    MemoryLimitError
        If so many numbers do not fit.
    """
    if 8 * m * k * d > UNCHECKED_BYTES:
        check_memory(8 * m * k * d, f"the slopes of {k:,} outputs in {d:,} inputs", ONE_ROW)
    return np.empty((m, k, d))


def slopes_of_output(net: Network, codes: Codes, output: int) -> Floats:
    """One row (m, d) of the slopes: those of one output. Cost: a backward pass."""
    out = np.empty((len(codes), net.n_inputs))
    seed, last = np.zeros((1, 1, net.n_outputs)), len(net.nodes) - 1
    seed[0, 0, output] = 1
    for rows in net.blocks(len(codes)):
        code = codes[rows]
        out[rows] = net.pull({last: np.broadcast_to(seed, (len(code), 1, net.n_outputs))}, code)[
            :, 0
        ]
    return out


def offsets_at(net: Network, codes: Codes) -> Floats:
    """Offsets b (m, n_outputs) of the pieces with codes (m, n_units). Cost: a forward pass."""
    out = np.empty((len(codes), net.n_outputs))
    for rows in net.blocks(len(codes)):
        code = codes[rows]
        out[rows] = net.push(np.zeros((len(code), 1, net.n_inputs)), code)[:, 0]
    return out


def n_distinct(maps: Floats) -> int:
    """How many of the maps (k, ...) differ by more than rounding.

    Sorted along one random direction equal maps are neighbours; only runs of neighbours are
    compared number by number. Cost: O(k log k) for maps of equal size, more where many are close.
    """
    flat = maps.reshape(len(maps), -1)
    if not flat.size:
        return min(len(maps), 1)
    tol = MAP_TOLERANCE * float(np.abs(flat).max())
    key = flat @ np.random.default_rng(0).normal(size=flat.shape[1])
    order = np.argsort(key)
    wide = tol * np.sqrt(flat.shape[1]) * 4
    starts = np.flatnonzero(np.diff(key[order], prepend=-np.inf) > wide)
    count = 0
    for run in np.split(order, starts[1:]):
        while len(run):
            count += 1
            run = run[np.abs(flat[run] - flat[run[0]]).max(axis=1) > tol]
    return count
