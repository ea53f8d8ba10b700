"""The layers that models are made of, put together from arrays: what all readers build with."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.memory import check_memory
from ..._core.types import Floats
from ...errors import ModelError
from .._piecewise_layers import Largest, pieces, relu
from ..affine_layers import Average, Concat, Conv, Linear, Rearrange, Scale, Shape, Sum, Window
from ..builder import Builder
from ._refusals import refuse


@dataclass(frozen=True, eq=False)
class MovedBatch:
    """Entries of a node moved such that rows of a batch are not along the first axis.

    table holds, for each place, the entry's number from 1 in the node's whole batch (0: padding).
    """

    node: int
    table: NDArray[np.int64]


class LayerBuilder(Builder):
    """A builder that knows the layers models are made of; every method returns a node.

    Axes are those of one row: the batch is not counted.
    """

    def linear(self, name: str, node: int, W: Any, b: Any = None) -> int:
        return self.add(name, Linear(as_floats(W), None if b is None else as_floats(b)), node)

    def scale(self, name: str, node: int, a: Any = 1.0, b: Any = None) -> int:
        """Times a, plus b, both broadcast over the sample."""
        shape = self.shape(node)
        op = Scale(as_floats(a), None if b is None else as_floats(b))
        offset_shape = () if op.b is None else op.b.shape
        full = np.broadcast_shapes(shape, op.a.shape, offset_shape)
        if full != shape:
            node = self.broadcast(f"{name} (broadcast)", node, full)
        return self.add(name, op, node)

    def conv(self, name: str, node: int, W: Any, b: Any, window: Window, groups: int) -> int:
        bias = None if b is None else as_floats(b)
        return self.add(name, Conv(as_floats(W), bias, window, groups), node)

    def batch_norm(
        self, name: str, node: int, mean: Any, var: Any, eps: float, gain: Any, shift: Any
    ) -> int:
        """Of the channels, the sample's first axis, by the stored mean and variance."""
        a = 1 / np.sqrt(as_floats(var) + eps)
        a = a if gain is None else a * as_floats(gain)
        b = -a * as_floats(mean)
        b = b if shift is None else b + as_floats(shift)
        per_channel = (-1, *[1] * (len(self.shape(node)) - 1))
        return self.scale(name, node, a.reshape(per_channel), b.reshape(per_channel))

    def average_pool(self, name: str, node: int, window: Window, count_padding: bool) -> int:
        return self.add(name, Average(window, count_padding), node)

    def mean_over(
        self, name: str, node: int, axes: tuple[int, ...], keepdims: bool, total: bool = False
    ) -> int:
        """The mean (or the sum) over axes of the sample."""
        shape = self.shape(node)
        others = [i for i in range(len(shape)) if i not in axes]
        size = math.prod(shape[i] for i in axes)
        order = np.arange(math.prod(shape)).reshape(shape).transpose(*others, *axes)
        last_axis = (*(shape[i] for i in others), size)
        node = self.rearrange(f"{name} (order)", node, order.ravel(), last_axis)
        node = self.linear(name, node, np.full((1, size), 1.0 if total else 1 / size))
        return self.rearrange(f"{name} (shape)", node, None, reduced_shape(shape, axes, keepdims))

    def swap_last_axes(self, name: str, node: int) -> int:
        shape = self.shape(node)
        order = np.arange(math.prod(shape)).reshape(shape).swapaxes(-1, -2)
        return self.rearrange(name, node, order.ravel(), order.shape)

    def map_space(self, name: str, node: int, W: Any, to: Shape) -> int:
        """One matrix (out, in) for the flat spatial axes of every channel."""
        channels, *space = self.shape(node)
        node = self.rearrange(f"{name} (flat)", node, None, (channels, math.prod(space)))
        return self.rearrange(f"{name} (shape)", self.linear(name, node, W), None, (channels, *to))

    def rearrange(self, name: str, node: int, index: Any, to: Shape) -> int:
        """Entries in a new order and shape; nothing is added where neither changes."""
        if index is not None and len(index) == math.prod(self.shape(node)):
            index = None if (index == np.arange(len(index))).all() else index
        if index is None and tuple(to) == self.shape(node):
            return node
        order = None if index is None else np.ascontiguousarray(index, dtype=np.int64)
        return self.add(name, Rearrange(tuple(to), order), node)

    def broadcast(self, name: str, node: int, to: Shape) -> int:
        index = np.arange(math.prod(self.shape(node))).reshape(self.shape(node))
        return self.rearrange(name, node, np.broadcast_to(index, to).ravel(), to)

    def piecewise(
        self,
        name: str,
        node: int,
        kind: str,
        knots: Any,
        slopes: Any,
        value: float = 0.0,
        start: float = 0.0,
    ) -> int:
        """Units of pieces, entry by entry, with the output `value` at the input `start`."""
        n = math.prod(self.shape(node))
        return self.add(name, pieces(kind, n, knots, slopes, start, value), node)

    def relu(self, name: str, node: int) -> int:
        return self.add(name, relu(math.prod(self.shape(node))), node)

    def leaky_relu(self, name: str, node: int, kind: str, slope: Any) -> int:
        """A slope below zero, a number or one for each channel (the sample's first axis)."""
        shape, below = self.shape(node), as_floats(slope)
        if below.size > 1:
            per_channel = (-1, *[1] * (len(shape) - 1))
            below = below.reshape(per_channel) if below.ndim == 1 else below
            below = np.broadcast_to(below, shape).reshape(-1)
        slopes = np.stack([below.ravel(), np.ones(below.size)])
        return self.piecewise(name, node, kind, [0.0], slopes)

    def soft_shrink(self, name: str, node: int, knot: float) -> int:
        return self.piecewise(name, node, "soft_shrink", [-knot, knot], [1.0, 0.0, 1.0])

    def clip(self, name: str, node: int, low: float | None, high: float | None) -> int:
        low = None if low is None or low == -np.inf else float(low)
        high = None if high is None or high == np.inf else float(high)
        if low is not None and high is not None and low >= high:
            raise ModelError(f"layer {name!r} clips to [{low:g}, {high:g}], which is no interval")
        knots = [bound for bound in (low, high) if bound is not None]
        if not knots:
            return node
        slopes = [0.0] * (low is not None) + [1.0] + [0.0] * (high is not None)
        return self.piecewise(name, node, "clip", knots, slopes, knots[0], knots[0])

    def max_pool(self, name: str, node: int, window: Window, counts: Shape) -> int:
        """The largest in each window; counts are the positions along each axis."""
        shape = self.shape(node)
        window = pad_to_counts(window, shape[1:], counts)
        entries = np.arange(math.prod(shape)).reshape(shape)
        padded = np.pad(entries, ((0, 0), *window.padding), constant_values=-1)
        windows = np.stack([padded[part] for part in window.parts(shape[1:])], axis=-1)
        groups = windows.reshape(-1, windows.shape[-1])
        return self.add(name, Largest("maxpool", groups, (shape[0], *counts)), node)

    def maximum(self, name: str, nodes: list[int], minimum: bool = False) -> int:
        """The largest (or smallest) entry by entry of several nodes."""
        to = np.broadcast_shapes(*(self.shape(node) for node in nodes))
        n = math.prod(to)
        if minimum:
            nodes = [self.scale(f"{name} (minus {i})", one, -1.0) for i, one in enumerate(nodes)]
        nodes = [self.broadcast(f"{name} ({i})", one, to) for i, one in enumerate(nodes)]
        flat = [self.rearrange(f"{name} (flat {i})", a, None, (n,)) for i, a in enumerate(nodes)]
        joined = self.add(f"{name} (joined)", Concat(0), *flat)
        groups = np.arange(len(nodes) * n).reshape(len(nodes), n).T
        out = self.add(name, Largest("maximum", groups, to), joined)
        return self.scale(f"{name} (minimum)", out, -1.0) if minimum else out

    def maximum_over(
        self, name: str, node: int, axes: tuple[int, ...], keepdims: bool, minimum: bool = False
    ) -> int:
        """The largest (or smallest) over axes of the sample."""
        shape = self.shape(node)
        others = [i for i in range(len(shape)) if i not in axes]
        order = np.arange(math.prod(shape)).reshape(shape).transpose(*others, *axes)
        groups = order.reshape(math.prod(shape[i] for i in others), -1)
        return self.maximum_of_groups(
            name, node, groups, reduced_shape(shape, axes, keepdims), minimum
        )

    def maximum_of_groups(
        self, name: str, node: int, groups: Any, to: Shape, minimum: bool = False
    ) -> int:
        """The largest (or smallest) of groups (o, k) of flat entries, -1 for none."""
        if minimum:
            node = self.scale(f"{name} (minus)", node, -1.0)
        out = self.add(name, Largest("maximum", np.ascontiguousarray(groups), to), node)
        return self.scale(f"{name} (minimum)", out, -1.0) if minimum else out

    def adaptive_max_pool(self, name: str, node: int, counts: Shape) -> int:
        """Max pooling to so many positions; windows overlap where they do not divide."""
        channels, *space = shape = self.shape(node)
        entries = np.arange(math.prod(shape)).reshape(shape)
        spans = [
            [(i * s // k, -(-(i + 1) * s // k)) for i in range(k)]
            for s, k in zip(space, counts, strict=True)
        ]
        windows = [
            entries[(slice(None), *(slice(*span) for span in place))].reshape(channels, -1)
            for place in itertools.product(*spans)
        ]
        groups = np.full((channels, len(windows), max(w.shape[1] for w in windows)), -1)
        for i, window in enumerate(windows):
            groups[:, i, : window.shape[1]] = window
        op = Largest("maxpool", groups.reshape(-1, groups.shape[2]), (channels, *counts))
        return self.add(name, op, node)

    def from_unit_rows(self, name: str, node: int, evaluate: Callable[[Floats], Any]) -> int:
        """Any affine layer, by its answers to zero and to unit inputs.

        Cost: as many rows through the layer as it has inputs, and the matrix.
        """
        shape = self.shape(node)
        n = math.prod(shape)
        b = np.asarray(evaluate(np.zeros((1, *shape))))[0]
        check_memory(8 * n * (n + 2 * b.size), f"layer {name!r} as a matrix")
        columns = np.asarray(evaluate(np.eye(n).reshape(n, *shape))) - b
        node = self.rearrange(f"{name} (flat)", node, None, (n,))
        offset = b.ravel() if b.any() else None
        node = self.linear(name, node, np.ascontiguousarray(columns.reshape(n, -1).T), offset)
        return self.rearrange(f"{name} (shape)", node, None, b.shape)

    def rearranged_by(
        self,
        name: str,
        value: int | MovedBatch,
        evaluate: Callable[[Floats], Any],
        n_rows: int,
    ) -> list[int | MovedBatch]:
        """A movement of entries by what it does to a table of positions; a node for each part.

        `evaluate` takes `n_rows` samples. What it adds besides (padding with a number) is added. A
        part whose rows are not along the first axis is a MovedBatch until another movement brings
        them back.
        """
        node, table = (value.node, value.table) if isinstance(value, MovedBatch) else (value, None)
        size = math.prod(self.shape(node))
        if table is None:
            table = np.arange(1, n_rows * size + 1).reshape(n_rows, *self.shape(node))
        parts: list[int | MovedBatch] = []
        positions = table.astype(np.float64)
        outputs = zip(evaluate(positions), evaluate(0 * positions), strict=True)
        for i, (out, offset) in enumerate(outputs):
            label = f"{name} ({i})" if i else name
            index = np.rint(out - offset).astype(np.int64)
            first = index[:1]
            rows = [first + (first > 0) * size * row for row in range(n_rows)]
            if index.shape[:1] == (n_rows,) and (index == np.concatenate(rows)).all():
                part = self.rearrange(label, node, first.ravel() - 1, first.shape[1:])
                parts.append(self.scale(label, part, 1.0, offset[0]) if offset.any() else part)
            elif offset.any():
                raise ModelError(f"layer {name!r} mixes or moves the rows of a batch: not read")
            else:
                parts.append(MovedBatch(node, index))
        return parts

    def constant(self, name: str, value: Any) -> int:
        """A node that is the same for every input."""
        array = as_floats(value)
        node = self.rearrange(name, 0, np.full(array.size, -1), array.shape)
        return self.scale(name, node, 1.0, array)

    def batch_first(self, name: str, value: int | MovedBatch | None) -> int:
        """A value that is a node, with its rows along the first axis."""
        if isinstance(value, MovedBatch):
            raise ModelError(
                f"what enters {name!r} mixes or moves the rows of a batch: it is not read"
            )
        if value is None:
            refuse(name, "use of the places of maxima (indices)")
        return value

    def weighted_sum(self, name: str, nodes: list[int], factors: tuple[float, ...]) -> int:
        to = np.broadcast_shapes(*(self.shape(node) for node in nodes))
        nodes = [self.broadcast(f"{name} ({i})", node, to) for i, node in enumerate(nodes)]
        return self.add(name, Sum(factors), *nodes)

    def concat(self, name: str, nodes: list[int], axis: int) -> int:
        return self.add(name, Concat(axis), *nodes)


def pad_to_counts(window: Window, space: Shape, counts: Shape) -> Window:
    """The window with its padding at the end such that it has so many positions (ceil mode)."""
    padding = []
    for i, (size, count) in enumerate(zip(space, counts, strict=True)):
        before = window.padding[i][0]
        reach = (count - 1) * window.stride[i] + window.dilation[i] * (window.size[i] - 1) + 1
        padding.append((before, max(window.padding[i][1], reach - size - before)))
    return Window(window.size, window.stride, tuple(padding), window.dilation)


def reduced_shape(shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Shape:
    """What a reduction over axes leaves of a shape."""
    return tuple(1 if i in axes else s for i, s in enumerate(shape) if keepdims or i not in axes)


def constant_of_one_row(name: str, value: Any, rank: int) -> Floats:
    """A constant as it applies to one row, where `rank` axes are those of a batch."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim < rank:
        return array
    if array.ndim > rank or not (array == array[:1]).all():
        raise ModelError(f"layer {name!r} has a constant for each row of a batch: not read")
    return np.asarray(array[0])


def as_floats(values: Any) -> Floats:
    return np.array(values, dtype=np.float64)
