"""Nodes as functions of earlier ones entry by entry: piecewise affine, and joined at a level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._core.types import Floats
from .._piecewise_layers import Pieces
from ..affine_layers import Rearrange, Scale
from ..nodes import Node

MEETING_TOLERANCE = 1e-6  # of their values: branches that meet at a level, in float32


@dataclass(frozen=True, eq=False)
class Entrywise:
    """``slopes[r] x + offsets[r]`` of the flat entries x of a node, with r knots below x.

    root is that node, None for a constant; knots (p, n) rising, slopes and offsets (p + 1, n).
    """

    root: int | None
    knots: Floats
    slopes: Floats
    offsets: Floats

    def mapped(self, a: Floats, b: Floats) -> Entrywise:
        """``a f + b``."""
        return Entrywise(self.root, self.knots, self.slopes * a, self.offsets * a + b)

    def at(self, x: Floats) -> tuple[Floats, Floats]:
        """Values at x (n), and the sizes of what they are the sum of."""
        piece = (x > self.knots).sum(axis=0)
        i = np.arange(len(x))
        slope, offset = self.slopes[piece, i], self.offsets[piece, i]
        return slope * x + offset, np.abs(slope * x) + np.abs(offset)


def entrywise(nodes: Sequence[Node], node: int) -> Entrywise:
    """A node as a function of the earliest one that it is one of."""
    op, n = nodes[node].op, math.prod(nodes[node].shape)
    if isinstance(op, Rearrange) and op.index is not None and (op.index < 0).all():
        return Entrywise(None, np.zeros((0, n)), np.zeros((1, n)), np.zeros((1, n)))
    if isinstance(op, Rearrange) and op.index is None:
        return entrywise(nodes, nodes[node].inputs[0])
    if isinstance(op, Scale):
        factor = np.broadcast_to(op.a, nodes[node].shape).ravel()
        offset = np.broadcast_to(0.0 if op.b is None else op.b, nodes[node].shape).ravel()
        return entrywise(nodes, nodes[node].inputs[0]).mapped(factor, offset)
    if isinstance(op, Pieces):
        inner = entrywise(nodes, nodes[node].inputs[0])
        outer = _of_affine(op, inner)
        if outer is not None:
            return outer
    return Entrywise(node, np.zeros((0, n)), np.ones((1, n)), np.zeros((1, n)))


def _of_affine(op: Pieces, inner: Entrywise) -> Entrywise | None:
    """Units on an affine function that rises in every entry; None where it is none."""
    if inner.root is None or inner.knots.size or not (inner.slopes > 0).all():
        return None
    a, b = inner.slopes[0], inner.offsets[0]
    return Entrywise(inner.root, (op.knots - b) / a, op.slopes * a, op.slopes * b + op.offsets)


def joined_at(level: Floats, low: Entrywise, high: Entrywise, turned: Any) -> Entrywise | None:
    """`low` below a level (n) and `high` above it, the other way round where `turned`.

    None where they do not meet there, or where entries would have knots of unlike numbers.
    """
    if np.any(turned):
        if low.knots.size or high.knots.size:
            if not np.all(turned):
                return None
            low, high = high, low
        else:
            low, high = (
                Entrywise(
                    low.root,
                    low.knots,
                    np.where(turned, second.slopes, first.slopes),
                    np.where(turned, second.offsets, first.offsets),
                )
                for first, second in ((low, high), (high, low))
            )
    ends = [part.at(level) for part in (low, high)]
    if (np.abs(ends[0][0] - ends[1][0]) > MEETING_TOLERANCE * (ends[0][1] + ends[1][1])).any():
        return None
    below, above = low.knots < level, high.knots > level
    if not all((mask == mask[:, :1]).all() for mask in (below, above)):
        return None
    p = int(below[:, 0].sum()) if len(below) else 0
    q = len(above) - int(above[:, 0].sum()) if len(above) else 0
    root = low.root if low.root is not None else high.root
    return Entrywise(
        root,
        np.concatenate([low.knots[:p], level[None], high.knots[q:]]),
        np.concatenate([low.slopes[: p + 1], high.slopes[q:]]),
        np.concatenate([low.offsets[: p + 1], high.offsets[q:]]),
    )
