"""A small network without branches as matrices with units behind them, for compiled code."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..._core.types import Floats, Ints, Mask
from .._piecewise_layers import Pieces
from ..network import Network

MOST_CHAIN_INPUTS = 64
MOST_CHAIN_UNITS = 1024
MOST_CHAIN_WEIGHTS = 2**22  # numbers of all matrices, padded to the widest


@dataclass(frozen=True, eq=False)
class AffineChain:
    """Steps y = W x + b, each followed by units or not; the last is not.

    Attributes
    ----------
    sizes : ndarray (steps + 1,)
        Of the input and of what each step gives.
    weights : ndarray (steps, m, m)
    offsets : ndarray (steps, m)
        Padded to the widest size.
    has_units : ndarray (steps,) of bool
    knots : ndarray (steps, m, p)
        Of the unit behind each entry, rising; infinite where there are fewer.
    slopes, pieces : ndarray (steps, m, p + 1)
        Its slopes, and its values at zero, between the knots.
    first : ndarray (steps,)
        The place of each step's first unit among all units of the network.
    """

    sizes: Ints
    weights: Floats
    offsets: Floats
    has_units: Mask
    knots: Floats
    slopes: Floats
    pieces: Floats
    first: Ints
    n_units: int

    @property
    def arrays(self) -> tuple[Any, ...]:
        """All arrays, in the order in which kernels take them."""
        return (self.sizes, self.weights, self.offsets, self.has_units, self.knots, self.slopes,
                self.pieces, self.first)  # fmt: skip


def affine_chain(net: Network) -> AffineChain | None:
    """The network as a chain; None where it branches, has maxima of entries, or is large."""
    n_units = sum(layer.n_units for layer in net.layers)
    if net.n_inputs > MOST_CHAIN_INPUTS or n_units > MOST_CHAIN_UNITS:
        return None
    steps = _steps(net)
    if steps is None:
        return None
    sizes = np.array([net.n_inputs] + [len(b) for _, b, _ in steps])
    m = int(sizes.max())
    if len(steps) * m * m > MOST_CHAIN_WEIGHTS:
        return None
    p = max((len(units.knots) for *_, units in steps if units is not None), default=1)
    weights, offsets = np.zeros((len(steps), m, m)), np.zeros((len(steps), m))
    knots = np.full((len(steps), m, p), np.inf)
    slopes, pieces = np.ones((len(steps), m, p + 1)), np.zeros((len(steps), m, p + 1))
    first, n = np.zeros(len(steps), dtype=np.int64), 0
    for i, (W, b, units) in enumerate(steps):
        weights[i, : W.shape[0], : W.shape[1]], offsets[i, : len(b)] = W, b
        first[i] = n
        if units is None:
            continue
        q, o = units.knots.shape
        knots[i, :o, :q] = units.knots.T
        slopes[i, :o, : q + 1], pieces[i, :o, : q + 1] = units.slopes.T, units.offsets.T
        n += o
    has_units = np.array([units is not None for *_, units in steps])
    return AffineChain(sizes, weights, offsets, has_units, knots, slopes, pieces, first, n)


def _steps(net: Network) -> list[tuple[Floats, Floats, Pieces | None]] | None:
    """Matrix, offset and units of each step; None where the nodes are no chain of these."""
    steps: list[tuple[Floats, Floats, Pieces | None]] = []
    ends_with_units = True
    for i, node in enumerate(net.nodes[1:], 1):
        if node.inputs != (i - 1,):
            return None
        if not node.is_piecewise:
            W, b = _dense(node.op, net.nodes[i - 1].shape, node.shape)
            if not ends_with_units and (joint := _joined(*steps[-1][:2], W, b)) is not None:
                steps[-1] = (*joint, None)
            else:
                steps.append((W, b, None))
            ends_with_units = False
            continue
        if not isinstance(node.op, Pieces):
            return None
        if ends_with_units:
            n = prod(node.shape)
            steps.append((np.eye(n), np.zeros(n), None))
        steps[-1] = (*steps[-1][:2], node.op)
        ends_with_units = True
    if ends_with_units:
        n = net.n_outputs
        steps.append((np.eye(n), np.zeros(n), None))
    return steps


def _dense(op: Any, shape: Any, out: Any) -> tuple[Floats, Floats]:
    n, k = prod(shape), prod(out)
    W = np.asarray(op.linear(np.eye(n).reshape(n, *shape))).reshape(n, k).T
    offset = 0.0 if op.offset is None else op.offset
    return np.array(W), np.array(np.broadcast_to(offset, out), dtype=float).reshape(-1)


def _joined(A: Floats, a: Floats, B: Floats, b: Floats) -> tuple[Floats, Floats] | None:
    """B (A x + a) + b as one step where that takes no rounding, else None."""
    if _only_selects(B) or (_only_selects(A) and (np.count_nonzero(A, axis=0) <= 1).all()):
        shift = B @ a
        if ((shift == 0) | (b == 0)).all() and (_only_selects(B) or not a.any()):
            return B @ A, shift + b
    return None


def _only_selects(W: Floats) -> bool:
    """Whether each row is one entry of 1, so that a product with it is exact."""
    return bool(((W == 0) | (W == 1)).all() and (np.count_nonzero(W, axis=1) == 1).all())
