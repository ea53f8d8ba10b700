"""The walls of a region: all of them, the nearest, and those that bound it.

A wall is an affine function on the region that a unit's code fixes the sign of. Its slope comes
from pushing tangents through the layers; before the first units these are the same at every point,
and no more of them are needed than the narrowest layer there has entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .._core.memory import check_memory
from .._core.results import RecordResult
from .._core.types import Floats, Ints, Mask
from ..errors import DataError
from ._arguments import border, check_network
from ._facet_crossing import wall_errors
from ._layer_values import UNCHECKED_BYTES
from ._locality import most_passes, slope_lengths
from ._piecewise_layers import Codes, Pieces
from ._polytope import essential
from ._rounding import ErrorScreen, slopes_of_code
from ._sampled_walls import (
    most_length_ratio,
    n_walls,
    nearest_of_sampled,
    random_tangents,
    wall_slopes,
)
from .network import Network
from .tangents import FirstTangents, first_tangents, tangent_blocks


@dataclass(frozen=True, eq=False)
class Facets(RecordResult):
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


@border("listing the walls of regions")
def walls(net: Network, X: Floats, codes: Codes | None = None) -> tuple[Floats, Floats, Ints]:
    """All walls of the regions around X (m, d), none left out: G (m, k, d), c (m, k), units (k,).

    The region is ``G @ y + c >= 0``; walls that are none (a maximum's winner against itself, a unit
    that is constant to rounding) have G = 0, and c = 0 where they are 0 throughout.

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
    X = check_network(net, "walls").rows(X)
    codes = net.codes(X) if codes is None else np.asarray(codes)
    if codes.shape != (len(X), net.n_units) or codes.dtype.kind not in "iu":
        raise DataError(
            f"codes are {codes.dtype} of shape {codes.shape}; expected whole numbers of shape "
            f"({len(X)}, {net.n_units}), such as net.codes(X)"
        )
    _check_slopes(net, len(X) * (net.n_inputs + 1))
    G: list[Floats] = []
    values: list[Floats] = []
    lengths: list[Floats] = []

    def see(layer: int, z: Floats, code: Codes) -> None:
        op: Any = net.nodes[net.layers[layer].node].op
        G.append(op.walls(z, code, True))
        values.append(z[:, 0])
        lengths.append(np.linalg.norm(z[:, 1:], axis=1))

    frame = np.vstack([np.zeros(net.n_inputs), np.eye(net.n_inputs)])[None]
    net.push(np.broadcast_to(frame, (len(X), *frame.shape[1:])), codes, visit=see)
    at = np.concatenate(G, axis=2) if G else np.zeros((len(X), net.n_inputs + 1, 0))
    normals, offsets = at[:, 1:].transpose(0, 2, 1).copy(), at[:, 0].copy()
    errors, slopes = _wall_errors(net, np.zeros_like(X), codes, values, lengths)
    flat = np.linalg.norm(normals, axis=2) <= slopes
    normals[flat] = 0.0
    offsets[flat & (np.abs(offsets) <= errors)] = 0.0
    return normals, offsets, wall_units(net)


def _check_slopes(net: Network, n_numbers: int) -> None:
    """That so many numbers for each wall fit in memory."""
    n = n_walls(net)
    if 8 * n * n_numbers > UNCHECKED_BYTES:
        advice = "The nearest wall needs no others: dissect(net, X).boundary_distance."
        check_memory(8 * n * n_numbers, f"the slopes of all {n:,} walls of a region", advice)


def wall_units(net: Network) -> Ints:
    """The unit of each wall through all layers."""
    parts = [
        net.nodes[layer.node].op.wall_units() + layer.start  # type: ignore[union-attr]
        for layer in net.layers
    ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _wall_values(net: Network, X: Floats, codes: Codes) -> tuple[Floats, list[Floats]]:
    """The walls' values (m, k) at the points, all >= 0 to rounding; what enters each layer."""
    parts: list[Floats] = []
    entering: list[Floats] = []

    def see(layer: int, z: Floats, code: Codes) -> None:
        op: Any = net.nodes[net.layers[layer].node].op
        parts.append(op.walls(z, code, True)[:, 0])
        entering.append(z[:, 0])

    net.push(X[:, None], codes, visit=see)
    values = np.concatenate(parts, axis=1) if parts else np.zeros((len(X), 0))
    return values, entering


def _wall_errors(
    net: Network, X: Floats, codes: Codes, values: list[Floats], lengths: list[Floats]
) -> tuple[Floats, Floats]:
    """What rounding may leave of a zero in the walls' values and slopes, (m, k) each.

    values and lengths, (m, i) each, are those of what enters each layer of units.
    """
    rounding, after = net.rounding_errors, 0
    errors = {0: rounding.of_rounding(np.stack([np.abs(X), np.ones_like(X)], axis=1))}
    parts: list[Floats] = []
    for layer, z, length in zip(net.layers, values, lengths, strict=True):
        units: Any = net.nodes[layer.node].op
        rounding.advance(errors, after, layer.node - 1)
        error = errors[net.nodes[layer.node].inputs[0]]
        parts.append(wall_errors(units, error))
        code = codes[:, layer.columns]
        leaving = units.push(np.stack([z, length], axis=1), code, True)
        entering = partial(np.stack, [np.abs(z), length], axis=1)
        errors[layer.node] = rounding.through_units(
            units, error, slopes_of_code(units, code), entering, np.abs(leaving)
        )
        net.release(errors, layer.node)
        after = layer.node
    bounds = rounding.bound(np.concatenate(parts, axis=2) if parts else np.zeros((len(X), 2, 0)))
    return bounds[:, 0], bounds[:, 1]


def _may_be_rounding(net: Network, entry_lengths: list[Floats], wall_lengths: list[Floats]) -> Mask:
    """Points (m,) with a wall whose slope may be nothing but rounding."""
    screen = ErrorScreen(net.rounding_errors, 1.0, origin=False)
    close = np.zeros(len(entry_lengths[0]), dtype=bool)
    for entries, lengths in zip(entry_lengths, wall_lengths, strict=True):
        bound = 2 * screen.next_layer()
        if lengths.min(initial=np.inf) <= bound:
            close |= ((lengths > 0) & (lengths <= bound)).any(axis=1)
        screen.bend(entries.max(initial=0.0))
    return close


def nearest_walls(net: Network, X: Floats, codes: Codes) -> tuple[Floats, Ints]:
    """Distance (m,) to the nearest wall and which it is, -1 for none."""
    distance, which = np.full(len(X), np.inf), np.full(len(X), -1)
    if not net.layers:
        return distance, which
    if is_sampled(net):
        return _nearest_by_sampling(net, X, codes)
    for rows, entry_lengths, wall_lengths in slope_lengths_of(net, codes):
        length = np.concatenate(wall_lengths, axis=1)
        value, entering = _wall_values(net, X[rows], codes[rows])
        real = length > 0
        close = np.flatnonzero(_may_be_rounding(net, entry_lengths, wall_lengths))
        if close.size:
            own = [z[close] for z in entering], [entry[close] for entry in entry_lengths]
            slopes = _wall_errors(net, X[rows][close], codes[rows][close], *own)[1]
            real[close] = length[close] > slopes
        gap = np.where(real, np.maximum(value, 0.0) / np.where(real, length, 1), np.inf)
        best = gap.argmin(axis=1)
        distance[rows] = gap[np.arange(len(gap)), best]
        which[rows] = np.where(np.isfinite(distance[rows]), best, -1)
    return distance, which


def _nearest_by_sampling(net: Network, X: Floats, codes: Codes) -> tuple[Floats, Ints]:
    distance, which = np.empty(len(X)), np.empty(len(X), dtype=np.int64)
    ratio = most_length_ratio(n_walls(net))
    for i in range(len(X)):
        x, code = X[i : i + 1], codes[i : i + 1]
        ((_, entries, walls),) = _by_tangents(net, code, random_tangents(net))
        values, entering = _wall_values(net, x, code)
        errors = _wall_errors(net, x, code, entering, [ratio * one for one in entries])[1]
        most = ratio * np.concatenate(walls, axis=1)[0]
        nearest = nearest_of_sampled(net, code[0], np.maximum(values[0], 0.0), most, errors[0])
        distance[i], which[i] = nearest
    return distance, which


def is_sampled(net: Network) -> bool:
    """Whether all slopes at a point take too many passes, and random tangents find the nearest."""
    return net.shared_passes is None and net.n_first_tangents > most_passes(net)


def slope_lengths_of(
    net: Network, codes: Codes
) -> Iterator[tuple[slice, list[Floats], list[Floats]]]:
    """Blocks of points: the lengths of the slopes of what enters each layer, and of its walls.

    By backward passes that units without a common input share, where these are fewer than the
    tangents that would be pushed.
    """
    passes = net.shared_passes
    if passes is None:
        return _by_tangents(net, codes, first_tangents(net))
    return slope_lengths(net, passes, codes)


def _by_tangents(
    net: Network, codes: Codes, start: FirstTangents
) -> Iterator[tuple[slice, list[Floats], list[Floats]]]:
    entries: dict[int, Floats] = {}
    walls: dict[int, Floats] = {}

    def add(sums: dict[int, Floats], layer: int, part: Floats) -> None:
        sums[layer] = sums[layer] + part if layer in sums else part

    def see(layer: int, z: Floats, code: Codes) -> None:
        units: Any = net.nodes[net.layers[layer].node].op
        same = z.strides[0] == 0  # before the first units all points have the same slopes
        squares = np.einsum("bti,bti->bi", *[z[:1] if same else z] * 2)
        add(entries, layer, np.broadcast_to(squares, (len(z), squares.shape[1])))
        if not isinstance(units, Pieces):
            add(walls, layer, units.wall_norms(z, code))

    def lengths(rows: slice) -> tuple[slice, list[Floats], list[Floats]]:
        layers = range(len(net.layers))
        ops: list[Any] = [net.nodes[layer.node].op for layer in net.layers]
        own = [np.sqrt(entries[i]) for i in layers]
        return (
            rows,
            own,
            [
                np.sqrt(walls[i]) if i in walls else _repeated(own[i], len(ops[i].knots))
                for i in layers
            ],
        )

    last: slice | None = None
    for rows, outputs in tangent_blocks(net, len(codes), start):
        if last is not None and rows != last:
            yield lengths(last)
            entries.clear()
            walls.clear()
        last = rows
        net.resume(dict(outputs), start.after, codes[rows], origin=False, visit=see,
                   until=net.layers[-1].node)  # fmt: skip
    if last is not None:
        yield lengths(last)


def _repeated(lengths: Floats, n_knots: int) -> Floats:
    return lengths if n_knots == 1 else np.tile(lengths, n_knots)


def wall_directions(net: Network, codes: Codes, which: Ints) -> Floats:
    """Unit vectors (m, d) towards wall `which` of each point."""
    out = 0.0 - wall_slopes(net, codes, which)
    length = np.linalg.norm(out, axis=1, keepdims=True)
    return np.asarray(out / np.where(length > 0, length, 1))


def facets(net: Network, x: Floats, code: Codes) -> Facets:
    if not net.layers:
        return Facets(np.zeros((0, net.n_inputs)), np.zeros(0), np.zeros(0, dtype=np.int64))
    _check_slopes(net, net.n_first_tangents)
    start = first_tangents(net)
    parts: list[Floats] = []
    rows: list[Floats] = []
    squares = [0.0] * len(net.layers)

    def see(layer: int, z: Floats, own: Codes) -> None:
        op: Any = net.nodes[net.layers[layer].node].op
        rows.append(op.walls(z, own, False)[0].T)
        squares[layer] = squares[layer] + np.einsum("ti,ti->i", z[0], z[0])

    for _, outputs in tangent_blocks(net, 1, start):
        rows.clear()
        net.resume(outputs, start.after, code, origin=False, visit=see, until=net.layers[-1].node)
        parts.append(np.concatenate(rows))
    G = np.concatenate(parts, axis=1)  # in the coordinates of the basis, with x as the origin
    values, entering = _wall_values(net, x[None], code)
    lengths = [np.sqrt(square)[None] for square in squares]
    slopes = _wall_errors(net, x[None], code, entering, lengths)[1][0]
    length, value = np.linalg.norm(G, axis=1), values[0]
    real = np.flatnonzero(length > slopes)
    G, value = G[real] / length[real, None], value[real] / length[real]
    bounding = np.flatnonzero(essential(G, value, np.zeros(G.shape[1])))
    normals = G[bounding] if start.basis is None else G[bounding] @ start.basis
    return Facets(normals, value[bounding] - normals @ x, wall_units(net)[real[bounding]])
