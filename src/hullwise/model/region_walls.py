"""The walls of a region: all of them, the nearest, and those that bound it.

A wall is an affine function on the region that a unit's code fixes the sign of. Its slope comes
from pushing tangents through the layers; before the first units these are the same at every point,
and no more of them are needed than the narrowest layer there has entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.types import Floats, Ints
from ._piecewise_layers import Codes
from .network import Network
from .tangents import first_tangents, tangent_blocks


@dataclass(frozen=True, eq=False)
class Facets:
    """The walls that bound a region: ``{y : normals @ y + offsets >= 0}``, none to spare.

    normals (k, d) unit vectors pointing inwards, offsets (k,), units (k,) the unit behind each
    (counted through all layers).

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0, 0.0], [2.0, 1.0], [2.0, 0.0]], [[1.0, 1.0, 1.0]]])
    >>> hw.dissect(net, [1.0, 5.0]).facets
    Facets(2 in 2 dimensions)
    """

    normals: Floats
    offsets: Floats
    units: Ints

    def __repr__(self) -> str:
        return f"Facets({len(self.offsets)} in {self.normals.shape[1]} dimensions)"


def walls(net: Network, X: Floats, codes: Codes | None = None) -> tuple[Floats, Floats, Ints]:
    """All walls of the regions around X (m, d), none left out: G (m, k, d), c (m, k), units (k,).

    The region is ``G @ y + c >= 0``; walls that are none (a maximum's winner against itself) are 0.

    Parameters
    ----------
    net : Network
    X : ndarray (m, d)
        The points.
    codes : ndarray (m, n_units), optional
        Their activation codes, if known.

    Returns
    -------
    G : ndarray (m, k, d)
    c : ndarray (m, k)
    units : ndarray (k,)
        The unit behind each wall, counted through all layers.

    Notes
    -----
    Cost: a forward pass for each of the d inputs, and m k d numbers.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0, 0.0], [0.0, 2.0]], [[1.0, 1.0]]])
    >>> G, c, units = hw.model.walls(net, np.array([[3.0, -1.0]]))
    >>> G[0]
    array([[ 1.,  0.],
           [-0., -2.]])
    """
    codes = net.codes(X) if codes is None else codes
    G: list[Floats] = []

    def see(layer: int, z: Floats, code: Codes) -> None:
        op: Any = net.nodes[net.layers[layer].node].op
        G.append(op.walls(z, code, True))

    frame = np.vstack([np.zeros(net.n_inputs), np.eye(net.n_inputs)])[None]
    net.push(np.broadcast_to(frame, (len(X), *frame.shape[1:])), codes, visit=see)
    at = np.concatenate(G, axis=2) if G else np.zeros((len(X), net.n_inputs + 1, 0))
    return at[:, 1:].transpose(0, 2, 1), at[:, 0], wall_units(net)


def wall_units(net: Network) -> Ints:
    """The unit of each wall through all layers."""
    parts = [
        net.nodes[layer.node].op.wall_units() + layer.start  # type: ignore[union-attr]
        for layer in net.layers
    ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _wall_values(net: Network, X: Floats, codes: Codes) -> Floats:
    """The walls' values (m, k) at the points, all >= 0."""
    parts: list[Floats] = []

    def see(layer: int, z: Floats, code: Codes) -> None:
        op: Any = net.nodes[net.layers[layer].node].op
        parts.append(op.walls(z, code, True)[:, 0])

    net.push(X[:, None], codes, visit=see)
    return np.concatenate(parts, axis=1) if parts else np.zeros((len(X), 0))


def nearest_walls(net: Network, X: Floats, codes: Codes) -> tuple[Floats, Ints]:
    """Distance (m,) to the nearest wall and which it is, -1 for none."""
    if not net.layers or not len(X):
        return np.full(len(X), np.inf), np.full(len(X), -1)
    start = first_tangents(net)
    distance, which = np.full(len(X), np.inf), np.full(len(X), -1)
    norms: dict[int, Floats] = {}

    def settle(rows: slice) -> None:
        length = np.sqrt(np.concatenate([norms[i] for i in range(len(net.layers))], axis=1))
        value = _wall_values(net, X[rows], codes[rows])
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = np.where(length > 0, value / length, np.inf)
        best = gap.argmin(axis=1)
        distance[rows] = gap[np.arange(len(gap)), best]
        which[rows] = np.where(np.isfinite(distance[rows]), best, -1)

    last: slice | None = None
    for rows, outputs in tangent_blocks(net, len(X), start):
        if last is not None and rows != last:
            settle(last)
            norms.clear()
        last = rows

        def see(layer: int, z: Floats, code: Codes) -> None:
            op: Any = net.nodes[net.layers[layer].node].op
            same = z.strides[0] == 0 and not hasattr(op, "groups")
            squared = op.wall_norms(z[:1] if same else z, code)
            norms[layer] = norms[layer] + squared if layer in norms else squared

        net.resume(dict(outputs), start.after, codes[rows], origin=False, visit=see,
                   until=net.layers[-1].node)  # fmt: skip
        for i, squared in norms.items():
            norms[i] = np.broadcast_to(squared, (len(codes[rows]), squared.shape[1]))
    if last is not None:
        settle(last)
    return distance, which


def wall_directions(net: Network, codes: Codes, which: Ints) -> Floats:
    """Unit vectors (m, d) towards wall `which` of each point."""
    out = np.zeros((len(codes), net.n_inputs))
    ops: list[Any] = [net.nodes[one.node].op for one in net.layers]
    ends = np.cumsum([0, *(op.n_walls for op in ops)])
    for i, layer in enumerate(net.layers):
        mine = np.flatnonzero((which >= ends[i]) & (which < ends[i + 1]))
        node = net.nodes[layer.node].inputs[0]
        op = ops[i]
        width = int(np.prod(net.nodes[node].shape))
        for rows in net.blocks(len(mine)):
            points = mine[rows]
            code = codes[points]
            seed = _wall_seed(op, width, code[:, layer.columns], which[points] - ends[i])
            out[points] = 0.0 - net.pull({node: seed[:, None]}, code)[:, 0]
    length = np.linalg.norm(out, axis=1, keepdims=True)
    return np.asarray(out / np.where(length > 0, length, 1))


def _wall_seed(op: Any, width: int, code: Codes, wall: Ints) -> Floats:
    """The wall as a linear function (B, width) of the units' input, signed to be >= 0."""
    B = len(code)
    seed, rows = np.zeros((B, width)), np.arange(B)
    unit = op.wall_units()[wall]
    own = code[rows, unit]
    if hasattr(op, "groups"):
        place = wall % op.groups.shape[1]
        seed[rows, op.groups[unit, own]] += 1
        seed[rows, op.groups[unit, place]] -= 1
    else:
        seed[rows, unit] = np.where(own > wall // width, 1.0, -1.0)
    return seed


def facets(net: Network, x: Floats, code: Codes) -> Facets:
    from ._polytope import essential

    if not net.layers:
        return Facets(np.zeros((0, net.n_inputs)), np.zeros(0), np.zeros(0, dtype=np.int64))
    start, rows = first_tangents(net), []

    def see(layer: int, z: Floats, own: Codes) -> None:
        op: Any = net.nodes[net.layers[layer].node].op
        rows.append(op.walls(z, own, False)[0].T)

    parts = []
    for _, outputs in tangent_blocks(net, 1, start):
        rows.clear()
        net.resume(outputs, start.after, code, origin=False, visit=see, until=net.layers[-1].node)
        parts.append(np.concatenate(rows))
    G = np.concatenate(parts, axis=1)  # in the coordinates of the basis, with x as the origin
    value = _wall_values(net, x[None], code)[0]
    length = np.linalg.norm(G, axis=1)
    real = np.flatnonzero(length > 0)
    G, value = G[real] / length[real, None], value[real] / length[real]
    bounding = np.flatnonzero(essential(G, value, np.zeros(G.shape[1])))
    normals = G[bounding] if start.basis is None else G[bounding] @ start.basis
    return Facets(normals, value[bounding] - normals @ x, wall_units(net)[real[bounding]])
