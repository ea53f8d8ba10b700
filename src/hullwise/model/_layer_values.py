"""The network's values on the vertices of a complex that grows layer by layer.

Between two layers of units everything is affine on every cell, so a new vertex, cut into an edge,
takes the values of all layers by interpolation: each vertex passes through each layer once. Values
are continuous across cells, so a rounded vertex does no harm; only signs are judged, by what
rounding may have done to the value on its way through the layers (`_rounding`).
"""

from __future__ import annotations

from copy import copy
from math import prod
from typing import Any

import numpy as np

from .._core.memory import check_memory
from .._core.numba import jit
from .._core.types import Floats
from ._piecewise_layers import Pieces, Units
from ._rounding import RELATIVE_TOLERANCE, reachable_slopes
from .network import Network

UNCHECKED_BYTES = 2**24  # a layer's new values up to which nobody is asked for free memory: .3 ms


class LayerValues:
    """Values at vertices X (V, d), advanced from one layer of units to the next."""

    def __init__(self, net: Network, X: Floats) -> None:
        self.net = net
        self.outputs: dict[int, Floats] = {0: np.ascontiguousarray(X)[:, None]}
        size = np.abs(X).max(axis=0, initial=0.0)[None, None]
        self._errors: dict[int, Floats] = {0: net.rounding_errors.of_rounding(size)}
        self._after = 0
        self._layer = -1
        self._range: tuple[Floats, Floats] | None = None
        self._known_noise: dict[int, Floats] = {}

    def part(self, vertices: Any) -> LayerValues:
        """The values at some vertices; what counts as zero stays what it is at all of them.

        Of layers ahead it is what the values at these vertices say, carried through without cuts.
        """
        if not self._known_noise:
            self._known_noise = self._noise_ahead()
        out = copy(self)
        out.outputs = {node: block[vertices] for node, block in self.outputs.items()}
        out._errors, out._range = dict(self._errors), None
        return out

    def _noise_ahead(self) -> dict[int, Floats]:
        ahead = copy(self)
        ahead.outputs, ahead._errors = dict(self.outputs), dict(self._errors)
        noise = {self._layer: self.noise}
        for layer in range(self._layer + 1, len(self.net.layers)):
            ahead.bend()
            ahead.advance()
            noise[layer] = ahead.noise
        return noise

    @property
    def row_numbers(self) -> int:
        """Numbers at one vertex: those there are, and those of the layer behind the units."""
        node = self.net.layers[self._layer].node
        behind = self.net.nodes[node : node + 2]
        now = sum(int(block.shape[2]) for block in self.outputs.values())
        return now + sum(prod(one.shape) for one in behind)

    def advance(self) -> Units:
        """Through the affine layers to the next units; the units."""
        self._layer += 1
        node = self.net.layers[self._layer].node
        self._through_affine(node - 1)
        self._range = None
        return self.net.nodes[node].op  # type: ignore[return-value]

    @property
    def _input(self) -> int:
        return self.net.nodes[self.net.layers[self._layer].node].inputs[0]

    @property
    def z(self) -> Floats:
        """What enters the units, (V, i)."""
        return self.outputs[self._input][:, 0]

    @property
    def range(self) -> tuple[Floats, Floats]:
        """The least and the largest of each entry of z, (i) each."""
        if self._range is None:
            z = self.z
            self._range = np.full(z.shape[1], np.inf), np.full(z.shape[1], -np.inf)
            widen_range(z, 0, *self._range)
        return self._range

    @property
    def errors(self) -> Floats:
        """What rounding may have done to each entry of z, (i)."""
        return np.asarray(self.net.rounding_errors.bound(self._errors[self._input])[0, 0])

    @property
    def noise(self) -> Floats:
        """What counts as zero in each entry of z, (i)."""
        if self._layer in self._known_noise:
            return self._known_noise[self._layer]
        low, high = self.range
        relative = RELATIVE_TOLERANCE * np.maximum(-low, high)
        return np.asarray(np.maximum(relative, self.errors))

    def extend(self, a: Any, b: Any, t: Floats) -> None:
        """New vertices a + t (b - a), (k,) each; a and b may be new ones that came before."""
        width = sum(block.shape[2] for block in self.outputs.values())
        if 8 * len(t) * width > UNCHECKED_BYTES:
            check_memory(8 * len(t) * width, f"the network's values at {len(t):,} more vertices")
        for node, block in self.outputs.items():
            self.outputs[node] = extended(block[:, 0], a, b, t)[:, None]
        if self._range is not None:
            widen_range(self.z, len(self.z) - len(t), *self._range)

    def keep(self, vertices: Any) -> None:
        """Only these vertices."""
        for node, block in self.outputs.items():
            self.outputs[node] = block[vertices]
        self._range = None

    def bend(self) -> None:
        """Through the units."""
        node = self.net.layers[self._layer].node
        units: Any = self.net.nodes[node].op
        rounding = self.net.rounding_errors
        bound, (low, high) = self.errors, self.range
        low, high = low - bound, high + bound
        slopes = reachable_slopes(units, low[None], high[None])
        error = self._errors[self._input]
        leaving = self._through_units(units, node)[None, None]
        self._errors[node] = rounding.through_units(
            units, error, slopes, lambda: np.maximum(-low, high)[None, None], leaving
        )
        self.net.release(self._errors, node)
        self._after = node

    def _through_units(self, units: Units, node: int) -> Floats:
        """Through the units of a node; the largest magnitude of each of their outputs."""
        if isinstance(units, Pieces) and len(units.knots) == 1:
            pieces = units.knots[0], units.slopes, units.offsets, units.shifted
            out, largest = bent(self.z, *pieces)
            if np.isfinite(largest).all():
                self.outputs[node] = out[:, None]
                self.net.release(self.outputs, node)
                return np.asarray(largest)
        self.net.resume(self.outputs, node - 1, until=node)  # raises where numbers overflow
        return np.asarray(np.abs(self.outputs[node][:, 0]).max(axis=0))

    def finish(self) -> tuple[Floats, Floats]:
        """Through what follows the last units: outputs (V, n_outputs) and their errors."""
        end = len(self.net.nodes) - 1
        self._through_affine(end)
        errors = self.net.rounding_errors.bound(self._errors[end])[0, 0]
        return self.outputs[end][:, 0], np.asarray(errors)

    def _through_affine(self, until: int) -> None:
        if until > self._after:
            self.net.rounding_errors.advance(self._errors, self._after, until)
            self.net.resume(self.outputs, self._after, until=until)
            self._after = until


def extended(values: Floats, a: Any, b: Any, t: Floats) -> Floats:
    """Values (V, s) with those of new vertices a + t (b - a) behind them, made in order."""
    out = np.empty((len(values) + len(t), values.shape[1]))
    out[: len(values)] = values
    _interpolate(out, len(values), np.asarray(a), np.asarray(b), t)
    return out


@jit
def widen_range(z, begin, low, high):  # type: ignore[no-untyped-def]
    """The least and largest of each column, of rows from `begin` on too, in low and high (i)."""
    for v in range(begin, len(z)):
        for i in range(len(low)):
            x = z[v, i]
            low[i] = x if x < low[i] else low[i]
            high[i] = x if x > high[i] else high[i]


@jit
def bent(z, knots, slopes, offsets, shifted):  # type: ignore[no-untyped-def]
    """Units of one knot at z (V, n): outputs (V, n) and their largest magnitudes (n)."""
    out, largest = np.empty(z.shape), np.zeros(z.shape[1])
    for v in range(len(z)):
        for i in range(z.shape[1]):
            x = z[v, i]
            y = x * (slopes[1, i] if x > knots[i] else slopes[0, i])
            if shifted:
                y += offsets[1, i] if x > knots[i] else offsets[0, i]
            out[v, i] = y
            largest[i] = abs(y) if abs(y) > largest[i] else largest[i]
    return out, largest


@jit
def _interpolate(out, start, a, b, t):  # type: ignore[no-untyped-def]
    for i in range(len(t)):
        for j in range(out.shape[1]):
            x = out[a[i], j]
            out[start + i, j] = x + t[i] * (out[b[i], j] - x)
