"""The network's values on the vertices of a complex that grows layer by layer.

Between two layers of units everything is affine on every cell, so a new vertex, cut into an edge,
takes the values of all layers by interpolation: each vertex passes through each layer once. Values
are continuous across cells, so a rounded vertex does no harm; only signs are judged, by a tolerance
that is relative to what was added up to reach the value.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from .._core.memory import check_memory
from .._core.numba import jit
from .._core.types import Floats, Ints
from ._piecewise_layers import Pieces, Units
from .affine_layers import Affine, Sum
from .network import Network

RELATIVE = 1e-12  # of a wall's largest value: less is zero
ROUNDING = 2.0**-49  # of the magnitudes added up: what rounding may leave of a zero


class Front:
    """Values at vertices X (V, d), advanced from one layer of units to the next."""

    def __init__(self, net: Network, X: Floats) -> None:
        self.net = net
        self.held: dict[int, Floats] = {0: np.ascontiguousarray(X)[:, None]}
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
        return self.held[self._input][:, 0]

    @property
    def rounding(self) -> Floats:
        """What rounding may leave of a zero in each entry of z, (i)."""
        return ROUNDING * self._sizes[self._input]

    def extend(self, a: Any, b: Any, t: Floats) -> None:
        """New vertices a + t (b - a), (k,) each; a and b may be new ones that came before."""
        width = sum(block.shape[2] for block in self.held.values())
        check_memory(8 * len(t) * width, f"the network's values at {len(t):,} more vertices")
        for node, block in self.held.items():
            self.held[node] = extended(block[:, 0], a, b, t)[:, None]

    def keep(self, vertices: Any) -> None:
        """Only these vertices."""
        for node, block in self.held.items():
            self.held[node] = block[vertices]

    def bend(self) -> None:
        """Through the units."""
        node = self.net.layers[self._layer].node
        self._through(node)
        self._sizes[node] = np.abs(self.held[node][:, 0]).max(axis=0)

    def finish(self) -> Floats:
        """Through what follows the last units: outputs (V, n_outputs)."""
        end = len(self.net.nodes) - 1
        self._through(end)
        return self.held[end][:, 0]

    def _through(self, until: int) -> None:
        for i in range(self._after + 1, until + 1):
            node = self.net.nodes[i]
            if not node.bends:
                op: Any = absolute(node.op)  # type: ignore[arg-type]
                given = [self._sizes[j].reshape(1, *self.net.nodes[j].shape) for j in node.inputs]
                out = op.linear(*given)[0]
                self._sizes[i] = (out if op.offset is None else out + op.offset).reshape(-1)
        if until > self._after:
            self.net.resume(self.held, self._after, until=until)
            self._after = until


def absolute(op: Affine) -> Affine:
    """The layer with every number in it made positive."""
    if isinstance(op, Sum):
        return Sum(tuple(abs(f) for f in op.factors))
    real = {
        f.name: np.abs(getattr(op, f.name))
        for f in fields(op)  # type: ignore[arg-type]
        if isinstance(getattr(op, f.name), np.ndarray) and getattr(op, f.name).dtype.kind == "f"
    }
    return replace(op, **real)  # type: ignore[type-var]


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


@dataclass(frozen=True, eq=False)
class Walls:
    """The cuts of a layer, in order; wall c is about entries[ends[c] : ends[c + 1]] of z.

    One entry: where it equals levels[c]. More: where the largest of all but the last equals the
    last, so that a maximum is folded entry by entry.
    """

    ends: Ints
    entries: Ints
    levels: Floats
    units: Ints  # (k,) the unit behind each, within its layer

    def tolerances(self, z: Floats, rounding: Floats) -> Floats:
        """What is zero for each wall, from the vertices' z (V, i) and their rounding (i)."""
        noise = np.maximum(RELATIVE * np.abs(z).max(axis=0), rounding)
        return np.asarray(np.maximum.reduceat(noise[self.entries], self.ends[:-1]))


def walls_of(units: Units, z: Floats) -> Walls:
    """The walls of a layer that some vertex of z (V, i) may be beyond."""
    cuts: list[tuple[Any, float, int]] = []
    if isinstance(units, Pieces):
        low, high = z.min(axis=0), z.max(axis=0)
        for knots in units.knots:
            crossed = np.flatnonzero((low <= knots) & (high > knots))
            cuts += [([unit], float(knots[unit]), int(unit)) for unit in crossed]
    else:
        for unit, group in enumerate(units.groups):  # type: ignore[attr-defined]
            group = group[group >= 0]
            cuts += [(group[: k + 1], 0.0, unit) for k in range(1, len(group))]
    return Walls(
        np.cumsum([0] + [len(entries) for entries, _, _ in cuts]),
        np.array([e for entries, _, _ in cuts for e in entries], dtype=np.int64),
        np.array([level for _, level, _ in cuts], dtype=np.float64),
        np.array([unit for _, _, unit in cuts], dtype=np.int64),
    )
