"""The network's values on the vertices of a complex that grows layer by layer.

Between two layers of units everything is affine on every cell, so a new vertex, cut into an edge,
takes the values of all layers by interpolation: each vertex passes through each layer once. Values
are continuous across cells, so a rounded vertex does no harm; only signs are judged, by a tolerance
that is relative to what was added up to reach the value.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.memory import check_memory
from .._core.numba import jit
from .._core.types import Floats
from ._piecewise_layers import Units
from ._rounding import SUM_ROUNDOFF, absolute
from .network import Network


class LayerValues:
    """Values at vertices X (V, d), advanced from one layer of units to the next."""

    def __init__(self, net: Network, X: Floats) -> None:
        self.net = net
        self.outputs: dict[int, Floats] = {0: np.ascontiguousarray(X)[:, None]}
        self._sizes: dict[int, Floats] = {0: np.abs(X).max(axis=0)}
        self._after = 0
        self._layer = -1

    def advance(self) -> Units:
        """Through the affine layers to the next units; the units."""
        self._layer += 1
        node = self.net.layers[self._layer].node
        self._through(node - 1)
        return self.net.nodes[node].op  # type: ignore[return-value]

    @property
    def _input(self) -> int:
        return self.net.nodes[self.net.layers[self._layer].node].inputs[0]

    @property
    def z(self) -> Floats:
        """What enters the units, (V, i)."""
        return self.outputs[self._input][:, 0]

    @property
    def rounding(self) -> Floats:
        """What rounding may leave of a zero in each entry of z, (i)."""
        return SUM_ROUNDOFF * self._sizes[self._input]

    def extend(self, a: Any, b: Any, t: Floats) -> None:
        """New vertices a + t (b - a), (k,) each; a and b may be new ones that came before."""
        width = sum(block.shape[2] for block in self.outputs.values())
        check_memory(8 * len(t) * width, f"the network's values at {len(t):,} more vertices")
        for node, block in self.outputs.items():
            self.outputs[node] = extended(block[:, 0], a, b, t)[:, None]

    def keep(self, vertices: Any) -> None:
        """Only these vertices."""
        for node, block in self.outputs.items():
            self.outputs[node] = block[vertices]

    def bend(self) -> None:
        """Through the units."""
        node = self.net.layers[self._layer].node
        self._through(node)
        self._sizes[node] = np.abs(self.outputs[node][:, 0]).max(axis=0)

    def finish(self) -> Floats:
        """Through what follows the last units: outputs (V, n_outputs)."""
        end = len(self.net.nodes) - 1
        self._through(end)
        return self.outputs[end][:, 0]

    def _through(self, until: int) -> None:
        for i in range(self._after + 1, until + 1):
            node = self.net.nodes[i]
            if not node.is_piecewise:
                op: Any = absolute(node.op)  # type: ignore[arg-type]
                inputs = [self._sizes[j].reshape(1, *self.net.nodes[j].shape) for j in node.inputs]
                out = op.linear(*inputs)[0]
                self._sizes[i] = (out if op.offset is None else out + op.offset).reshape(-1)
        if until > self._after:
            self.net.resume(self.outputs, self._after, until=until)
            self._after = until


def extended(values: Floats, a: Any, b: Any, t: Floats) -> Floats:
    """Values (V, s) with those of new vertices a + t (b - a) behind them, made in order."""
    out = np.empty((len(values) + len(t), values.shape[1]))
    out[: len(values)] = values
    _interpolate(out, len(values), np.asarray(a), np.asarray(b), t)
    return out


@jit
def _interpolate(out, start, a, b, t):  # type: ignore[no-untyped-def]
    for i in range(len(t)):
        for j in range(out.shape[1]):
            x = out[a[i], j]
            out[start + i, j] = x + t[i] * (out[b[i], j] - x)
