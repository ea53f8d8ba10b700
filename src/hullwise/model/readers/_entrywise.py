"""Functions of the entries of a node, piecewise affine, which may jump on the way.

Comparisons, signs and masks jump, but what is made of them often does not:
``where(x > 0, x, a x)``, ``sign(x) x``, ``x (x > 0)``. They are followed as functions of one entry
each, and become layers where they meet at every knot.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.types import Floats
from .._piecewise_layers import Pieces
from ..affine_layers import Rearrange, Scale, Shape
from ..nodes import Node

MEETING_TOLERANCE = 1e-6  # of their sizes: pieces that meet at a knot, with numbers in float32
MOST_KNOTS = 64  # of an entry


@dataclass(frozen=True, eq=False)
class Entrywise:
    """``slopes[r] x + offsets[r]`` of the flat entries x of a node, with r knots below x.

    root is that node, None for a constant; knots (p, n) rising, slopes and offsets (p + 1, n).
    """

    root: int | None
    knots: Floats
    slopes: Floats
    offsets: Floats

    @property
    def is_step(self) -> bool:
        """Whether it is constant on every piece."""
        return not self.slopes.any()

    def mapped(self, a: Floats | float, b: Floats | float) -> Entrywise:
        """``a f + b``."""
        return replace(self, slopes=self.slopes * a, offsets=self.offsets * a + b)

    def meets(self) -> bool:
        """Whether it has no jumps."""
        low = self.slopes[:-1] * self.knots, self.offsets[:-1]
        high = self.slopes[1:] * self.knots, self.offsets[1:]
        sizes = np.maximum(*(np.abs(a) + np.abs(b) for a, b in (low, high)))
        return bool((np.abs(sum(low) - sum(high)) <= MEETING_TOLERANCE * sizes).all())


def entrywise(nodes: Sequence[Node], node: int) -> Entrywise:
    """A node as a function of the earliest one that it is one of."""
    op, n = nodes[node].op, math.prod(nodes[node].shape)
    if isinstance(op, Rearrange) and op.index is not None and (op.index < 0).all():
        return constant_entries(np.zeros(n))
    if isinstance(op, Rearrange) and op.index is None:
        return entrywise(nodes, nodes[node].inputs[0])
    if isinstance(op, Scale):
        factor = np.broadcast_to(op.a, nodes[node].shape).ravel()
        offset = np.broadcast_to(0.0 if op.b is None else op.b, nodes[node].shape).ravel()
        return entrywise(nodes, nodes[node].inputs[0]).mapped(factor, offset)
    if isinstance(op, Pieces):
        inner = entrywise(nodes, nodes[node].inputs[0])
        if inner.root is not None and not inner.knots.size and (inner.slopes > 0).all():
            a, b = inner.slopes[0], inner.offsets[0]
            knots, offsets = (op.knots - b) / a, op.slopes * b + op.offsets
            return Entrywise(inner.root, knots, op.slopes * a, offsets)
        composed = None if inner.root is None else _composed(op, inner)
        if composed is not None:
            return composed
    root = _first_alike(nodes, node)
    return Entrywise(root, np.zeros((0, n)), np.ones((1, n)), np.zeros((1, n)))


def _first_alike(nodes: Sequence[Node], node: int) -> int:
    """The earliest node that moves the same entries in the same way."""

    def source(i: int) -> int:
        (i,) = nodes[i].inputs
        while isinstance(op := nodes[i].op, Rearrange) and op.index is None:
            (i,) = nodes[i].inputs
        return i

    own = nodes[node].op
    index = own.index if isinstance(own, Rearrange) else None
    if index is None:
        return node
    for i in range(1, node):
        op: Any = nodes[i].op
        moves = isinstance(op, Rearrange) and op.index is not None
        if moves and source(i) == source(node) and np.array_equal(op.index, index):
            return i
    return node


def _composed(op: Pieces, f: Entrywise) -> Entrywise | None:
    """A layer of units on a function: its first piece, and what each knot adds above it."""
    out: Entrywise | None = f.mapped(op.slopes[0], op.offsets[0])
    for knot, turn in zip(op.knots, np.diff(op.slopes, axis=0), strict=True):
        above = f.mapped(1.0, -knot)
        part = times(above, positive(above))
        out = None if out is None or part is None else plus(out, part.mapped(turn, 0.0))
    return out


def constant_entries(values: Floats) -> Entrywise:
    n = len(values)
    return Entrywise(None, np.zeros((0, n)), np.zeros((1, n)), values.reshape(1, n))


def spread_entries(f: Entrywise, shape: Shape, to: Shape) -> Entrywise | None:
    """A function of entries of one shape as one of another; None unless nothing is repeated."""
    if math.prod(shape) == math.prod(to):
        return f
    if f.root is not None:
        return None
    values = np.broadcast_to(f.offsets.reshape(shape), to).ravel()
    return constant_entries(values)


def plus(f: Entrywise, g: Entrywise, factor: float = 1.0) -> Entrywise | None:
    """``f + factor g``; None where they are functions of unlike entries."""
    both = _refined(f, g)
    if both is None:
        return None
    f, g = both
    offsets = f.offsets + factor * g.offsets
    return _reduced(replace(f, slopes=f.slopes + factor * g.slopes, offsets=offsets))


def times(f: Entrywise, g: Entrywise) -> Entrywise | None:
    """``f g``; None where that is not piecewise affine, or of unlike entries."""
    both = _refined(f, g)
    if both is None:
        return None
    f, g = both
    if (f.slopes * g.slopes).any():
        return None
    slopes = f.slopes * g.offsets + f.offsets * g.slopes
    return _reduced(replace(f, slopes=slopes, offsets=f.offsets * g.offsets))


def chosen_entries(mask: Entrywise, first: Entrywise, second: Entrywise) -> Entrywise | None:
    """The first where the mask is 1, the second where it is 0."""
    chosen, rest = times(mask, first), times(mask.mapped(-1.0, 1.0), second)
    return None if chosen is None or rest is None else plus(chosen, rest)


def positive(f: Entrywise) -> Entrywise:
    """1 where f > 0, else 0: a crossing within each piece is a knot of its own."""
    p, n = f.knots.shape
    ends = np.concatenate([np.full((1, n), -np.inf), f.knots, np.full((1, n), np.inf)])
    low, high = ends[:-1], ends[1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        zero = -f.offsets / f.slopes
    crosses = (f.slopes != 0) & (zero > low) & (zero < high)
    with np.errstate(invalid="ignore"):
        inner = np.where(np.isinf(low), np.where(np.isinf(high), 0.0, high - 1), low + 1)
        inner = np.where(np.isfinite(low) & np.isfinite(high), (low + high) / 2, inner)
    sign = (f.slopes * inner + f.offsets > 0).astype(np.float64)
    first = np.where(crosses, (f.slopes < 0).astype(np.float64), sign)
    last = np.where(crosses, (f.slopes > 0).astype(np.float64), sign)
    beside = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high, 0.0))
    knots = np.empty((2 * p + 1, n))
    knots[::2], knots[1::2] = np.where(crosses, zero, beside), f.knots
    values = np.stack([first, last], axis=1).reshape(-1, n)
    return _reduced(Entrywise(f.root, knots, np.zeros_like(values), values))


def _refined(f: Entrywise, g: Entrywise) -> tuple[Entrywise, Entrywise] | None:
    """Both with the knots of both."""
    if f.root is not None and g.root is not None and f.root != g.root:
        return None
    if f.slopes.shape[1] != g.slopes.shape[1] or len(f.knots) + len(g.knots) > MOST_KNOTS:
        return None
    knots = np.concatenate([f.knots, g.knots])
    order = np.argsort(knots, axis=0, kind="stable")
    from_f = np.cumsum(order < len(f.knots), axis=0)
    zero = np.zeros((1, knots.shape[1]), dtype=np.int64)
    piece_f = np.concatenate([zero, from_f])
    piece_g = np.arange(len(knots) + 1)[:, None] - piece_f
    knots = np.take_along_axis(knots, order, axis=0)
    root = g.root if f.root is None else f.root
    first, second = (
        Entrywise(root, knots, _taken(h.slopes, piece), _taken(h.offsets, piece))
        for h, piece in ((f, piece_f), (g, piece_g))
    )
    return first, second


def _taken(values: Floats, piece: NDArray[np.int64]) -> Floats:
    return np.take_along_axis(values, piece, axis=0)


def _reduced(f: Entrywise) -> Entrywise:
    """Without knots at which no entry changes, and without pieces of no length."""
    p, n = f.knots.shape
    keep = np.zeros((p, n), dtype=bool)
    slope, offset = f.slopes[0], f.offsets[0]
    for r in range(p):
        empty = f.knots[r] == f.knots[r + 1] if r + 1 < p else np.zeros(n, dtype=bool)
        keep[r] = ~empty & ((f.slopes[r + 1] != slope) | (f.offsets[r + 1] != offset))
        slope = np.where(keep[r], f.slopes[r + 1], slope)
        offset = np.where(keep[r], f.offsets[r + 1], offset)
    counts = keep.sum(axis=0)
    if (counts == counts[:1]).all():
        rows = np.nonzero(keep.T)[1].reshape(n, -1).T
    else:  # entries with unlike numbers of knots keep those of all
        used = np.flatnonzero(keep.any(axis=1))
        rows = np.broadcast_to(used[:, None], (len(used), n))
    pieces = np.concatenate([np.zeros((1, n), dtype=np.int64), rows + 1])
    return Entrywise(
        f.root, _taken(f.knots, rows), _taken(f.slopes, pieces), _taken(f.offsets, pieces)
    )
