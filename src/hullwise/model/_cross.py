"""From one region of a network to its neighbours across facets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._affine import Floats
from ._polytope import bounding, interior
from ._units import Codes
from ._walls import wall_units, walls
from .network import Network

FLAT = 1e-10  # a region whose inner radius is less than this, relative to the box, is none
TOGETHER = 1e-9  # walls whose unit normals and places agree to this are one


@dataclass(frozen=True, eq=False)
class Cell:
    """The region of a code within bounds: all its walls, those of the box behind them.

    normals (k, d) of length 1 and offsets (k,), >= 0 inside; units (k,), -1 for the box.
    """

    code: Codes
    normals: Floats
    offsets: Floats
    units: NDArray[np.int64]
    at: NDArray[np.int64]  # (k,) which of the network's walls it is, -1 for the box

    def centre(self) -> tuple[Floats, float]:
        return interior(self.normals, self.offsets)


def cell(net: Network, code: Codes, box: tuple[Floats, Floats] | None) -> Cell:
    """The region of a code (n_units,) within a box (low, high), each (d,)."""
    d = net.n_inputs
    G, c, units = walls(net, np.zeros((1, d)), code[None])
    length = np.linalg.norm(G[0], axis=1)
    # a wall without slope that is on the right side says nothing; on the wrong side, nothing fits
    keep = np.flatnonzero((length > 0) | (c[0] < 0))
    G, c = G[0][keep], c[0][keep]
    size = np.where(length[keep] > 0, length[keep], 1.0)
    parts = [(G / size[:, None], c / size, units[keep], keep)]
    if box is not None:
        low, high = box
        none = np.full(2 * d, -1)
        parts.append((np.vstack([np.eye(d), -np.eye(d)]), np.r_[-low, high], none, none))
    normals, offsets, owners, at = (np.concatenate(p) for p in zip(*parts, strict=True))
    return Cell(code, normals, offsets, owners, at)


@dataclass(frozen=True, eq=False)
class Neighbours:
    """What is across each facet (k, d) of a cell: codes (k, n_units); -1 box facets are left out."""

    facets: int
    codes: list[Codes]
    points: Floats
    normals: Floats


def neighbours(net: Network, own: Cell, centre: Floats) -> Neighbours:
    """The cells across the facets; points (k, d) inside the facets, normals (k, d) inwards."""
    found = bounding(own.normals, own.offsets, centre)
    real = found.rows[own.units[found.rows] >= 0]
    points = found.points[own.units[found.rows] >= 0]
    codes = [_across(net, own, row, point) for row, point in zip(real, points, strict=True)]
    return Neighbours(len(found.rows), codes, points, own.normals[real])


def _across(net: Network, own: Cell, row: int, point: Floats) -> Codes:
    """The code just beyond a point inside facet `row`.

    Walls that lie on the facet change together; on which side of each the way out leads is what
    the derivative along it says, layer by layer, since a deeper wall may turn there.
    """
    n = own.normals[row]
    same = np.abs(np.abs(own.normals @ n) - 1) <= TOGETHER
    scale = 1 + np.abs(point).max()
    same &= np.abs(own.normals @ point + own.offsets) <= TOGETHER * scale
    together = own.at[same & (own.at >= 0)]
    code = own.code[None].copy()
    starts = np.cumsum([0, *(_op(net, i).n_walls for i in range(len(net.layers)))])

    def turn(layer: int, z: Floats, here: Codes) -> None:
        op = _op(net, layer)
        mine = together[(together >= starts[layer]) & (together < starts[layer + 1])]
        _turn(op, z[0, 0], z[0, 1], here[0], mine - starts[layer])

    net.push(np.stack([point, -n])[None], code, visit=turn)
    return code[0]


def _op(net: Network, layer: int) -> Any:
    return net.nodes[net.layers[layer].node].op


def _turn(op: Any, z: Floats, along: Floats, code: Codes, walls: NDArray[np.int64]) -> None:
    """Set the codes of units whose walls are crossed, by where z goes."""
    if not hasattr(op, "groups"):
        knot, unit = np.divmod(walls, len(z))
        code[unit] = knot + (along[unit] > 0)
        return
    for unit in np.unique(walls // op.groups.shape[1]):
        places = walls[walls // op.groups.shape[1] == unit] % op.groups.shape[1]
        tied = np.unique(np.r_[places, code[unit]])
        code[unit] = tied[along[op.groups[unit, tied]].argmax()]


__all__ = ["Cell", "cell", "neighbours", "wall_units"]
