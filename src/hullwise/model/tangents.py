"""Tangents at a network's first units, which are the same at every point."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .._core.types import Floats
from .network import Network


@dataclass(frozen=True, eq=False)
class FirstTangents:
    """Tangents at the first units, the same at every point: outputs of nodes (1, T, size).

    Where only one narrow layer is seen there, T is its width instead of d, by a QR factorisation:
    lengths are the same. basis (T, d) leads back, None: the unit vectors.
    """

    outputs: dict[int, Floats]
    after: int
    basis: Floats | None


def first_tangents(net: Network) -> FirstTangents:
    if net.n_first_tangents < net.n_inputs:
        (node,) = net.before_units
        seeds, step = np.eye(net.n_first_tangents)[None], net.most_slots
        no_code = np.zeros((1, net.n_units), np.uint8)  # no unit is before that node
        slopes = np.empty((net.n_first_tangents, net.n_inputs))
        for low in range(0, len(slopes), step):
            rows = slice(low, low + step)
            slopes[rows] = net.pull({node: seeds[:, rows]}, no_code)[0]
        Q, R = np.linalg.qr(slopes.T)
        return FirstTangents({node: R[None]}, net.layers[0].node - 1, Q.T)
    outputs: dict[int, Floats] = {0: np.eye(net.n_inputs)[None]}
    after = net.layers[0].node - 1
    if after > 0:
        net.resume(outputs, 0, origin=False, until=after)
    return FirstTangents(outputs, after, None)


def tangent_blocks(
    net: Network, m: int, start: FirstTangents
) -> Iterator[tuple[slice, dict[int, Floats]]]:
    """Blocks of points with all or, where one point's do not fit, a part of the tangents."""
    T = next(iter(start.outputs.values())).shape[1]
    step = max(1, net.blocks(T)[0].stop)
    for rows in net.blocks(m, T):
        n = len(range(*rows.indices(m)))
        for low in range(0, T, step):
            parts = {j: block[:, low : low + step] for j, block in start.outputs.items()}
            yield rows, {j: np.broadcast_to(b, (n, *b.shape[1:])) for j, b in parts.items()}
