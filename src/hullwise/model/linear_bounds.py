"""What the outputs of a network can be over boxes and balls: bounds that hold in real arithmetic.

A linear function of any layer is carried back through the layers, each unit replaced by a line
below or above it (`_unit_lines`), until it is a linear function of the input, whose extremes over a
box or a ball are known: the backward bounds of Zhang et al. (2018), CROWN, eqs. 3 to 6, and Singh
et al. (2019), DeepPoly. Every rounding error on the way is bounded and counted against the result:
a coefficient c that is off by e moves the bound by at most e times the largest that its entry can
be, so that one product of |c| with the sizes of a layer's terms settles a layer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from .._core.numba import jit
from .._core.rounding import UNIT_ROUNDOFF
from .._core.types import Floats, Ints, Mask
from ._rounding import absolute
from ._unit_lines import UnitLines, undecided, unit_lines
from .network import PUSH_BLOCK_NUMBERS, Network


@dataclass(frozen=True, eq=False)
class InputBoxes:
    """Boxes [low, high] of the input space: both (B, d)."""

    low: Floats
    high: Floats

    def least(self, A: Floats) -> Floats:
        """The least values (B, T) of the linear functions A (B, T, d) over the boxes."""
        return np.asarray(least_over_boxes(A, self.low, self.high))


@dataclass(frozen=True, eq=False)
class InputBall:
    """The points within `radius` of `centre` (d,) in the norm 1, 2 or infinity, and in a box."""

    centre: Floats
    radius: float
    norm: float
    low: Floats
    high: Floats

    def least(self, A: Floats) -> Floats:
        """The least values (1, T) of A (1, T, d): the better bound of ball and box."""
        boxed = np.asarray(least_over_boxes(A, self.low, self.high))
        if self.norm == np.inf:
            return boxed
        dual = np.abs(A).max(axis=2) if self.norm == 1 else np.linalg.norm(A, axis=2)
        size = np.abs(A) @ np.abs(self.centre) + self.radius * dual
        slack = (A.shape[2] + 4) * UNIT_ROUNDOFF * size
        return np.asarray(np.maximum(A @ self.centre - self.radius * dual - slack, boxed))


def input_ball(
    centre: Floats, radius: float, norm: float, box: tuple[Floats, Floats] | None = None
) -> InputBall:
    """The ball, and the smallest box around it within `box`."""
    reach = radius * (1 + 2 * UNIT_ROUNDOFF)
    low, high = np.nextafter(centre - reach, -np.inf), np.nextafter(centre + reach, np.inf)
    if box is not None:
        low, high = np.maximum(low, box[0]), np.minimum(high, box[1])
    return InputBall(centre, radius, norm, low[None], high[None])


class LinearBounds:
    """Bounds of everything in a network over a set of inputs, made layer by layer.

    Attributes
    ----------
    low, high : dict of ndarray (B, size)
        Of each node that has been reached.
    lines : dict of UnitLines
        Of each layer of units, by its node.

    Notes
    -----
    Cost: for each layer of units one backward pass for each of its undecided inputs, twice.
    """

    def __init__(
        self, net: Network, inputs: InputBoxes | InputBall, *, keep_shares: bool = False
    ) -> None:
        self.net, self.inputs, self._keep_shares = net, inputs, keep_shares
        self._shares: dict[int, tuple[Ints, Floats]] = {}
        self.low: dict[int, Floats] = {0: inputs.low}
        self.high: dict[int, Floats] = {0: inputs.high}
        self.lines: dict[int, UnitLines] = {}
        self._sizes: dict[int, Floats] = {}  # of the terms that a node adds up, with roundoff
        for i in range(1, len(net.nodes)):
            self._advance(i)

    def _advance(self, i: int) -> None:
        node = self.net.nodes[i]
        if not node.is_piecewise:
            self._through_affine(i)
            return
        (j,) = node.inputs
        self._tighten(j, undecided(node.op, self.low[j], self.high[j]))  # type: ignore[arg-type]
        lines = unit_lines(node.op, self.low[j], self.high[j])  # type: ignore[arg-type]
        self.lines[i], self.low[i], self.high[i] = lines, lines.low, lines.high
        self._sizes[i] = 4 * UNIT_ROUNDOFF * lines.size

    def _through_affine(self, i: int) -> None:
        node, nodes = self.net.nodes[i], self.net.nodes
        op: Any = node.op
        B = len(self.low[0])

        def shaped(parts: list[Floats]) -> list[Floats]:
            return [p.reshape(B, *nodes[j].shape) for p, j in zip(parts, node.inputs, strict=True)]

        lows, highs = [self.low[j] for j in node.inputs], [self.high[j] for j in node.inputs]
        middle = op.linear(*shaped([(a + b) / 2 for a, b in zip(lows, highs, strict=True)]))
        magnitude = absolute(op)
        radius = magnitude.linear(*shaped([(b - a) / 2 for a, b in zip(lows, highs, strict=True)]))
        size = magnitude.linear(
            *shaped([np.maximum(np.abs(a), np.abs(b)) for a, b in zip(lows, highs, strict=True)])
        )
        if op.offset is not None:
            middle = middle + op.offset
            size = size + np.abs(op.offset)
        terms = prod(node.shape) + sum(prod(nodes[j].shape) for j in node.inputs) + 8
        flat = (B, prod(node.shape))
        self._sizes[i] = 2 * terms * UNIT_ROUNDOFF * size.reshape(flat)
        self.low[i] = (middle - radius).reshape(flat) - self._sizes[i]
        self.high[i] = (middle + radius).reshape(flat) + self._sizes[i]

    def _tighten(self, j: int, entries: Mask) -> None:
        """Narrow the ranges of entries (B, size) of node j by backward bounds.

        Of no others, so that what comes out for a box does not depend on those beside it.
        """
        rows = np.flatnonzero(entries.any(axis=0))
        if not rows.size or j == 0:
            return
        size = self.low[j].shape[1]
        step = max(1, PUSH_BLOCK_NUMBERS // (2 * self.net.widest * len(self.low[0])))
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            seeds = np.zeros((len(self.low[0]), 2 * len(part), size))
            seeds[:, np.arange(len(part)), part] = 1.0
            seeds[:, len(part) + np.arange(len(part)), part] = -1.0
            A, constant = self.below({j: seeds})
            if self._keep_shares:
                self._add_shares(j, part, A)
            least, open_ = self.inputs.least(A) + constant, entries[:, part]
            below = np.where(open_, least[:, : len(part)], -np.inf)
            above = np.where(open_, -least[:, len(part) :], np.inf)
            low = np.maximum(self.low[j][:, part], below)
            self.low[j][:, part] = low
            # ranges that rounding has made empty are a point
            self.high[j][:, part] = np.maximum(np.minimum(self.high[j][:, part], above), low)

    def _add_shares(self, j: int, entries: Ints, A: Floats) -> None:
        """Which share of the range of entries of node j each input accounts for."""
        T = len(entries)
        own = (np.abs(A[:, :T]) + np.abs(A[:, T:])) * (self.high[0] - self.low[0])[:, None]
        total = own.sum(axis=2, keepdims=True)
        part = own / np.where(total > 0, total, 1.0)
        if j in self._shares:
            rows, before = self._shares[j]
            entries, part = np.concatenate([rows, entries]), np.concatenate([before, part], axis=1)
        self._shares[j] = entries, part

    def slack_shares(self, seeds: dict[int, Floats]) -> tuple[Floats, Floats, Floats]:
        """`below` for one row of seeds (B, 1, size), and what each input adds to its slack, (B, d).

        A unit loses up to the gap between its lines, times its weight; the inputs have a part in
        that as they have in the range of what enters the unit. Needs `keep_shares`.
        """
        slack = np.zeros_like(self.low[0])

        def visit(i: int, weights: Floats) -> None:
            (j,) = self.net.nodes[i].inputs
            lines = self.lines[i]
            if j not in self._shares or lines.lower_source is not None:
                return
            entries, part = self._shares[j]
            gap = lines.gaps(self.low[j], self.high[j])[:, entries]
            slack[:] += np.einsum("bn,bnd->bd", np.abs(weights[:, 0, entries]) * gap, part)

        A, constant = self.below(seeds, visit)
        return A, constant, slack

    def least(self, seeds: dict[int, Floats]) -> Floats:
        """Lower bounds (B, T) of the sums of nodes weighted with seeds (B, T, size)."""
        A, constant = self.below(seeds)
        return np.asarray(self.inputs.least(A) + constant)

    def below(
        self, seeds: dict[int, Floats], visit: Callable[[int, Floats], None] | None = None
    ) -> tuple[Floats, Floats]:
        """Linear functions A x + constant of the input below the weighted nodes.

        Seeds (B, T, size) by node. A is (B, T, d) and constant (B, T), which all rounding errors
        have been taken off. `visit(node, weights)` sees what weighs the outputs of units.
        """
        B, T = next(iter(seeds.values())).shape[:2]
        constant = np.zeros((B, T))
        weights = dict(seeds)
        nodes = self.net.nodes
        for i in range(max(seeds), 0, -1):
            block = weights.pop(i, None)
            if block is None:
                continue
            node = nodes[i]
            if node.is_piecewise:
                if visit is not None:
                    visit(i, block)
                parts = [_through_lines(block, self.lines[i], self._sizes[i], constant,
                                        prod(nodes[node.inputs[0]].shape))]  # fmt: skip
            else:
                op: Any = node.op
                constant -= np.matmul(np.abs(block), self._sizes[i][:, :, None])[:, :, 0]
                if op.offset is not None:
                    constant += block @ np.broadcast_to(op.offset, node.shape).reshape(-1)
                shapes = [nodes[j].shape for j in node.inputs]
                parts = op.transpose(block.reshape(B * T, *node.shape), *shapes)
            for j, part in zip(node.inputs, parts, strict=True):
                part = part.reshape(B, T, -1)
                weights[j] = weights[j] + part if j in weights else part
        width = prod(nodes[0].shape)
        return weights.get(0, np.zeros((B, T, width))), constant


def _through_lines(
    block: Floats, lines: UnitLines, sizes: Floats, constant: Floats, width: int
) -> Floats:
    """Weights (B, T, o) of units made weights (B, T, width) of their input; `constant` adds up."""
    block = np.ascontiguousarray(block)
    if lines.lower_source is None:
        out = np.empty_like(block)
        _weigh_lines(block, lines.lower_slope, lines.lower_offset, lines.upper_slope,
                     lines.upper_offset, sizes, constant, out)  # fmt: skip
        return out
    out = np.zeros((*block.shape[:2], width))
    _weigh_sources(block, lines.lower_source, lines.upper_slope, lines.upper_offset, sizes,
                   constant, out)  # fmt: skip
    return out


@jit
def _weigh_lines(block, ls, lo, us, uo, sizes, constant, out):  # type: ignore[no-untyped-def]
    B, T, n = block.shape
    for b in range(B):
        for t in range(T):
            total = 0.0
            for i in range(n):
                c = block[b, t, i]
                if c > 0.0:
                    out[b, t, i] = c * ls[b, i]
                    total += c * lo[b, i] - c * sizes[b, i]
                elif c < 0.0:
                    out[b, t, i] = c * us[b, i]
                    total += c * uo[b, i] + c * sizes[b, i]
                else:
                    out[b, t, i] = 0.0
            constant[b, t] += total


@jit
def _weigh_sources(block, source, slope, offset, sizes, constant, out):  # type: ignore[no-untyped-def]
    B, T, n = block.shape
    for b in range(B):
        for t in range(T):
            total = 0.0
            for i in range(n):
                c = block[b, t, i]
                if c > 0.0:
                    out[b, t, source[b, i]] += c
                    total -= c * sizes[b, i]
                elif c < 0.0:
                    out[b, t, source[b, i]] += c * slope[b, i]
                    total += c * offset[b, i] + c * sizes[b, i]
            constant[b, t] += total


@jit
def least_over_boxes(A, low, high):  # type: ignore[no-untyped-def]
    """The least values (B, T) of linear functions A (B, T, d) over boxes (B, d), rounded down."""
    B, T, d = A.shape
    out = np.empty((B, T))
    for b in range(B):
        for t in range(T):
            total, size = 0.0, 0.0
            for j in range(d):
                a = A[b, t, j]
                term = a * (low[b, j] if a > 0.0 else high[b, j])
                total += term
                size += abs(term)
            out[b, t] = total - (d + 4) * UNIT_ROUNDOFF * size
    return out


def output_rows(net: Network, C: Floats, B: int) -> dict[int, Floats]:
    """Seeds that weigh the outputs with the rows of C (T, n_outputs), for B inputs."""
    return {len(net.nodes) - 1: np.broadcast_to(C, (B, *C.shape)).copy()}
