"""Layers that are affine: what they do to the linear part of a block, its transpose, the offset.

A block is (B, *shape). `linear` leaves the offset out, so that tangents pass through the same
code as values; `transpose` is the adjoint of `linear`. Cost: that of the layer's own product.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats

Shape = tuple[int, ...]
UNFOLDED_BLOCK_NUMBERS = 2**22  # numbers of a convolution's unfolded input at a time


class Affine(Protocol):
    """y = linear(x) + offset."""

    @property
    def offset(self) -> Floats | None:
        """What is added to the linear part, broadcast over the output's shape."""

    def shape(self, *shapes: Shape) -> Shape:
        """Of the output, from those of the inputs; DataError where they do not fit."""

    def linear(self, *blocks: Floats) -> Floats:
        """The linear part of blocks (B, *shape)."""

    def transpose(self, block: Floats, *shapes: Shape) -> tuple[Floats, ...]:
        """The adjoint on a block (B, *output shape): one block for each input."""


@dataclass(frozen=True, eq=False)
class Linear:
    """W (o, i) along the last axis, plus b (o)."""

    W: Floats
    b: Floats | None = None

    @property
    def offset(self) -> Floats | None:
        return self.b

    def shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        if not shape or shape[-1] != self.W.shape[1]:
            raise ValueError(f"takes {self.W.shape[1]} inputs and is given shape {shape}")
        return (*shape[:-1], self.W.shape[0])

    def linear(self, *blocks: Floats) -> Floats:
        return _product(blocks[0], self.W.T)

    def transpose(self, block: Floats, *shapes: Shape) -> tuple[Floats, ...]:
        return (_product(block, self.W),)


def _product(block: Floats, W: Floats) -> Floats:
    flat = block.reshape(-1, block.shape[-1]) @ W
    return flat.reshape(*block.shape[:-1], W.shape[1])


@dataclass(frozen=True, eq=False)
class Window:
    """Positions of a sliding window over the spatial axes, one entry an axis."""

    size: Shape
    stride: Shape
    padding: tuple[tuple[int, int], ...]
    dilation: Shape

    def counts(self, spatial: Shape) -> Shape:
        """How many positions along each axis."""
        if len(spatial) != len(self.size):
            raise ValueError(f"takes {len(self.size)} spatial axes and is given {len(spatial)}")
        counts = tuple(
            (s + sum(p) - d * (k - 1) - 1) // t + 1
            for s, p, d, k, t in zip(
                spatial, self.padding, self.dilation, self.size, self.stride, strict=True
            )
        )
        if min(counts) < 1:
            raise ValueError(f"its window {self.size} does not fit into {spatial}")
        return counts

    def parts(self, spatial: Shape) -> list[Any]:
        """For each place in the window, the slices of the padded input that it sees."""
        counts = self.counts(spatial)
        return [
            (
                ...,
                *(
                    slice(o * d, o * d + t * (c - 1) + 1, t)
                    for o, d, t, c in zip(place, self.dilation, self.stride, counts, strict=True)
                ),
            )
            for place in itertools.product(*map(range, self.size))
        ]

    def padded(self, block: Floats, value: float = 0.0) -> Floats:
        if not any(map(any, self.padding)):
            return block
        lead = [(0, 0)] * (block.ndim - len(self.padding))
        return np.pad(block, [*lead, *self.padding], constant_values=value)

    def unfold(self, block: Floats) -> Floats:
        """(B, c, *spatial) as (B, c, places, positions)."""
        spatial = block.shape[2:]
        full = self.padded(block)
        patches = [full[part] for part in self.parts(spatial)]
        return np.stack(patches, axis=2).reshape(*block.shape[:2], len(patches), -1)

    def fold(self, columns: Floats, spatial: Shape) -> Floats:
        """The adjoint of `unfold`: (B, c, places, positions) added up to (B, c, *spatial)."""
        lead, counts = columns.shape[:2], self.counts(spatial)
        sizes = [s + sum(p) for s, p in zip(spatial, self.padding, strict=True)]
        full = np.zeros((*lead, *sizes))
        for place, part in enumerate(self.parts(spatial)):
            full[part] += columns[:, :, place].reshape(*lead, *counts)
        own = zip(spatial, self.padding, strict=True)
        inner: Any = (..., *(slice(p[0], p[0] + s) for s, p in own))
        return np.asarray(full[inner])


@dataclass(frozen=True, eq=False)
class Conv:
    """Cross-correlation with W (o, c / groups, *size) over one or two spatial axes, plus b (o)."""

    W: Floats
    b: Floats | None
    window: Window
    groups: int = 1

    @property
    def offset(self) -> Floats | None:
        return None if self.b is None else self.b.reshape(-1, *[1] * len(self.window.size))

    def shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        channels = self.W.shape[1] * self.groups
        if len(shape) != 1 + len(self.window.size) or shape[0] != channels:
            axes = ", height, width"[: 8 * len(self.window.size)] if shape else ""
            raise ValueError(f"takes ({channels}{axes}) and is given shape {shape}")
        return (self.W.shape[0], *self.window.counts(shape[1:]))

    def linear(self, *blocks: Floats) -> Floats:
        (block,) = blocks
        shape = self.shape(block.shape[1:])
        W = self.W.reshape(self.groups, -1, self.W.shape[1] * math.prod(self.window.size))
        out = np.empty((len(block), *shape))
        step = max(1, UNFOLDED_BLOCK_NUMBERS // (W.shape[2] * self.groups * math.prod(shape[1:])))
        for start in range(0, len(block), step):
            part = block[start : start + step]
            columns = self.window.unfold(part).reshape(len(part), self.groups, W.shape[2], -1)
            out[start : start + step] = (W @ columns).reshape(len(part), *shape)
        return out

    def transpose(self, block: Floats, *shapes: Shape) -> tuple[Floats, ...]:
        ((channels, *spatial),) = shapes
        W = self.W.reshape(self.groups, -1, self.W.shape[1] * math.prod(self.window.size))
        by_group = block.reshape(len(block), self.groups, W.shape[1], -1)
        places = math.prod(self.window.size)
        out = np.empty((len(block), channels, *spatial))
        step = max(1, UNFOLDED_BLOCK_NUMBERS // (channels * places * by_group.shape[3]))
        for start in range(0, len(block), step):
            part = by_group[start : start + step]
            columns = (W.transpose(0, 2, 1) @ part).reshape(len(part), channels, places, -1)
            out[start : start + step] = self.window.fold(columns, tuple(spatial))
        return (out,)


@dataclass(frozen=True, eq=False)
class Average:
    """The mean over a window of each channel; the padding counts or does not."""

    window: Window
    count_padding: bool = True

    offset: None = field(default=None, init=False)

    def shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        return (shape[0], *self.window.counts(shape[1:]))

    def _share(self, spatial: Shape) -> Floats:
        """One over the number of entries averaged at each position."""
        if self.count_padding:
            return np.full(self.window.counts(spatial), 1 / math.prod(self.window.size))
        counted = self.window.unfold(np.ones((1, 1, *spatial))).sum(axis=2)
        return np.asarray(1 / counted.reshape(self.window.counts(spatial)))

    def linear(self, *blocks: Floats) -> Floats:
        (block,) = blocks
        total = self.window.unfold(block).sum(axis=2)
        shaped = total.reshape(len(block), *self.shape(block.shape[1:]))
        return np.asarray(shaped * self._share(block.shape[2:]))

    def transpose(self, block: Floats, *shapes: Shape) -> tuple[Floats, ...]:
        ((_, *spatial),) = shapes
        shares = (block * self._share(tuple(spatial))).reshape(*block.shape[:2], 1, -1)
        columns = np.repeat(shares, math.prod(self.window.size), axis=2)
        return (self.window.fold(columns, tuple(spatial)),)


@dataclass(frozen=True, eq=False)
class Scale:
    """x a + b entry by entry, both broadcast: batch norm at rest, times or plus a constant."""

    a: Floats
    b: Floats | None = None

    @property
    def offset(self) -> Floats | None:
        return self.b

    def shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        shapes_ = (shape, self.a.shape, () if self.b is None else self.b.shape)
        if np.broadcast_shapes(*shapes_) != shape:
            raise ValueError(f"holds constants that do not fit entry by entry into {shape}")
        return shape

    def linear(self, *blocks: Floats) -> Floats:
        return blocks[0] * self.a

    def transpose(self, block: Floats, *shapes: Shape) -> tuple[Floats, ...]:
        return (np.asarray(block * self.a),)


@dataclass(frozen=True, eq=False)
class Rearrange:
    """Entries entries from the flat input in a new order and shape: reshape, transpose, slice.

    `index` (prod(to)) names the entries, -1 a zero (padding); None keeps the order.
    """

    to: Shape
    index: NDArray[np.int64] | None = None

    offset: None = field(default=None, init=False)

    def shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        if self.index is None and math.prod(shape) != math.prod(self.to):
            raise ValueError(f"cannot arrange {shape} as {self.to}")
        return self.to

    def linear(self, *blocks: Floats) -> Floats:
        (block,) = blocks
        if self.index is None:
            return block.reshape(len(block), *self.to)
        entries = block.reshape(len(block), -1)[:, self.index]
        entries[:, self.index < 0] = 0
        return entries.reshape(len(block), *self.to)

    def transpose(self, block: Floats, *shapes: Shape) -> tuple[Floats, ...]:
        (shape,) = shapes
        if self.index is None:
            return (block.reshape(len(block), *shape),)
        out = np.zeros((len(block), math.prod(shape)))
        real = self.index >= 0
        entries = block.reshape(len(block), -1)[:, real]
        place: Any = (slice(None), self.index[real])
        np.add.at(out, place, entries)
        return (out.reshape(len(block), *shape),)


@dataclass(frozen=True, eq=False)
class Sum:
    """The inputs added up, each times its factor (residual connections, subtraction)."""

    factors: tuple[float, ...]

    offset: None = field(default=None, init=False)

    def shape(self, *shapes: Shape) -> Shape:
        return np.broadcast_shapes(*shapes)

    def linear(self, *blocks: Floats) -> Floats:
        rank = max(b.ndim for b in blocks)
        grown = [b.reshape(len(b), *[1] * (rank - b.ndim), *b.shape[1:]) for b in blocks]
        total: Any = 0.0
        for factor, block in zip(self.factors, grown, strict=True):
            total = total + (block if factor == 1 else factor * block)
        return np.asarray(total)

    def transpose(self, block: Floats, *shapes: Shape) -> tuple[Floats, ...]:
        out = []
        for factor, shape in zip(self.factors, shapes, strict=True):
            lead = block.ndim - 1 - len(shape)
            part = block.sum(axis=tuple(range(1, 1 + lead)))
            wide = tuple(i + 1 for i, s in enumerate(shape) if s == 1 and part.shape[i + 1] > 1)
            out.append(factor * (part.sum(axis=wide, keepdims=True) if wide else part))
        return tuple(out)


@dataclass(frozen=True, eq=False)
class Concat:
    """The inputs one after another along an axis (counted without the batch)."""

    axis: int

    offset: None = field(default=None, init=False)

    def shape(self, *shapes: Shape) -> Shape:
        first, axis = shapes[0], self.axis
        rest = {s[:axis] + s[axis + 1 :] for s in shapes}
        if len(rest) > 1:
            raise ValueError(f"cannot join {', '.join(map(str, shapes))} along axis {axis}")
        return (*first[:axis], sum(s[axis] for s in shapes), *first[axis + 1 :])

    def linear(self, *blocks: Floats) -> Floats:
        return np.concatenate(blocks, axis=self.axis + 1)

    def transpose(self, block: Floats, *shapes: Shape) -> tuple[Floats, ...]:
        ends = np.cumsum([s[self.axis] for s in shapes])[:-1]
        return tuple(np.split(block, ends, axis=self.axis + 1))
