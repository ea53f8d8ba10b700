"""How finely the network cuts the plane, at a grid of points: units that change nearby."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..model.affine_layers import Linear
from ..model.complexity import local_complexity
from ..model.network import Network
from ..model.nodes import Node
from .drawing import Drawing

__all__ = ["complexity_reading", "plane_network"]

COMPLEXITY_GRID_SIDE = 24


def plane_network(drawing: Drawing) -> Network:
    """The drawn network as one of the plane's two coordinates, from the middle of the view."""
    drawn = drawing.slice
    place = Linear(np.ascontiguousarray(drawn.axes.T), drawn.origin)
    front = Node("plane", None, (), (2,)), Node("place", place, (0,), (drawn.net.n_inputs,))
    behind = (
        replace(node, inputs=tuple(j + 1 for j in node.inputs)) for node in drawn.net.nodes[1:]
    )
    return Network((*front, *behind), drawn.net.source)


def complexity_reading(drawing: Drawing) -> dict[str, Any]:
    """Units that change within a square about each point of a grid, by layer; see `messages`.

    `hullwise.model.local_complexity` at 24 x 24 points, radius half their spacing: a unit counts
    where it is on different pieces at two of four corners, so deeper layers are a lower bound.
    Cost: 2,304 forward passes, about 5 ms.
    """
    half, n = drawing.slice.high, COMPLEXITY_GRID_SIDE
    share = (2 * np.arange(n) + 1) / n - 1
    x, y = half[:, None] * share
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    radius = float(half.max()) / n
    counts = local_complexity(plane_network(drawing), points, radius).counts
    own = counts[:, drawing.n_chord_layers :]
    return {
        "x": x + drawing.centre[0],
        "y": y + drawing.centre[1],
        "radius": radius,
        "counts": own.sum(axis=1).reshape(n, n),
        "mean_by_layer": own.mean(axis=0),
    }
