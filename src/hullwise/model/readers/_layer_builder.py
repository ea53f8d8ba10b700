"""The layers that models are made of, put together from arrays: what all readers build with."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

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


class Limits(Protocol):
    """What may be made; the methods raise where it is too much."""

    def check_array(self, shape: Shape, name: str) -> None: ...
    def count_numbers(self, size: int, name: str) -> None: ...
    def count_products(self, count: int, name: str) -> None: ...


class LayerBuilder(Builder):
    """A builder that knows the layers models are made of; every method returns a node.

    Axes are those of one row: the batch is not counted. With `limits` every layer is counted.
    """

    def __init__(self, input_shape: Sequence[int], limits: Limits | None = None) -> None:
        super().__init__(input_shape)
        self.limits = limits

    def add(self, name: str, op: Any, *inputs: int) -> int:
        node = super().add(name, op, *inputs)
        if self.limits is not None:
            arrays = [v for v in vars(op).values() if isinstance(v, np.ndarray)]
            size = math.prod(self.shape(node))
            self.limits.count_numbers(size + sum(map(numbers_in_memory, arrays)), name)
            self.limits.count_products(products_of_a_row(op, self.shape(node)), name)
        return node

    def check_array(self, shape: Shape, name: str) -> None:
        """That an array may be made, before it is."""
        if self.limits is not None:
            self.limits.check_array(shape, name)

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

    def along_axis(self, name: str, node: int, axis: int, W: Any, b: Any = None) -> int:
        """A matrix (out, in), and an offset (out), along one axis."""
        shape = self.shape(node)
        if axis == len(shape) - 1:
            return self.linear(name, node, W, b)
        order = np.moveaxis(np.arange(math.prod(shape)).reshape(shape), axis, -1)
        node = self.rearrange(f"{name} (axis {axis} last)", node, order.ravel(), order.shape)
        node = self.linear(name, node, W, b)
        moved = self.shape(node)
        back = np.moveaxis(np.arange(math.prod(moved)).reshape(moved), -1, axis)
        return self.rearrange(f"{name} (axis {axis} back)", node, back.ravel(), back.shape)

    def conv_transpose(
        self, name: str, node: int, W: Any, b: Any, window: Window, groups: int, counts: Shape
    ) -> int:
        """The adjoint of a convolution with W (c, o / groups, *size), to `counts` positions.

        Zeros are put between the entries, then a convolution with the turned weights follows.
        """
        channels, *space = self.shape(node)
        W = as_floats(W).reshape(groups, channels // groups, *np.shape(W)[1:])
        W = np.flip(W.swapaxes(1, 2), axis=tuple(range(3, W.ndim)))
        W = np.ascontiguousarray(W).reshape(-1, channels // groups, *window.size)
        n = len(window.size)
        stretched = [t * (s - 1) + 1 for t, s in zip(window.stride, space, strict=True)]
        reach = [d * (k - 1) for d, k in zip(window.dilation, window.size, strict=True)]
        before = [r - p[0] for r, p in zip(reach, window.padding, strict=True)]
        sizes = [c + r for c, r in zip(counts, reach, strict=True)]
        self.check_array((channels, *stretched), name)
        self.check_array((channels, *sizes), name)
        entries = np.full((channels, *stretched), -1)
        steps = tuple(slice(None, None, t) for t in window.stride)
        entries[(slice(None), *steps)] = np.arange(channels * math.prod(space)).reshape(
            channels, *space
        )
        for axis in range(n):
            entries = crop_or_pad(entries, axis + 1, before[axis], sizes[axis])
        node = self.rearrange(f"{name} (spread)", node, entries.ravel(), entries.shape)
        inner = Window(window.size, (1,) * n, ((0, 0),) * n, window.dilation)
        return self.conv(name, node, W, b, inner, groups)

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
        if index is None:
            node = self.before_reshape(node)
            if tuple(to) == self.shape(node):
                return node
        order = None if index is None else np.ascontiguousarray(index, dtype=np.int64)
        return self.add(name, Rearrange(tuple(to), order), node)

    def before_reshape(self, node: int) -> int:
        """The node with the same entries in the same order, before they were only reshaped."""
        while isinstance(op := self.nodes[node].op, Rearrange) and op.index is None:
            (node,) = self.nodes[node].inputs
        return node

    def broadcast(self, name: str, node: int, to: Shape) -> int:
        if self.shape(node) == tuple(to):
            return node
        self.check_array(to, name)
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
        self.check_array((2 + 3 * len(knots), n), name)
        return self.add(name, pieces(kind, n, knots, slopes, start, value), node)

    def relu(self, name: str, node: int) -> int:
        self.check_array((5, math.prod(self.shape(node))), name)
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
            return self.constant(name, np.full(self.shape(node), high))
        knots = [bound for bound in (low, high) if bound is not None]
        if not knots:
            return node
        slopes = [0.0] * (low is not None) + [1.0] + [0.0] * (high is not None)
        return self.piecewise(name, node, "clip", knots, slopes, knots[0], knots[0])

    def max_pool(self, name: str, node: int, window: Window, counts: Shape) -> int:
        """The largest in each window; counts are the positions along each axis."""
        groups = self.windows(name, node, window, counts)
        return self.add(name, Largest("maxpool", groups, (self.shape(node)[0], *counts)), node)

    def windows(self, name: str, node: int, window: Window, counts: Shape) -> Any:
        """The entries (o, k) that a sliding window sees, -1 for padding, channel by channel."""
        shape = self.shape(node)
        self.check_array((shape[0], *counts, *window.size), name)
        window = pad_to_counts(window, shape[1:], counts)
        entries = np.arange(math.prod(shape)).reshape(shape)
        padded = np.pad(entries, ((0, 0), *window.padding), constant_values=-1)
        reach = [d * (k - 1) + 1 for d, k in zip(window.dilation, window.size, strict=True)]
        axes = tuple(range(1, len(shape)))
        views = np.lib.stride_tricks.sliding_window_view(padded, reach, axes)
        starts = [slice(0, t * c, t) for t, c in zip(window.stride, counts, strict=True)]
        views = views[(slice(None), *starts, *(slice(None, None, d) for d in window.dilation))]
        return views.reshape(shape[0] * math.prod(counts), -1)

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
        self,
        name: str,
        node: int,
        axes: tuple[int, ...],
        keepdims: bool,
        minimum: bool = False,
        kind: str = "maximum",
    ) -> int:
        """The largest (or smallest) over axes of the sample."""
        shape = self.shape(node)
        others = [i for i in range(len(shape)) if i not in axes]
        order = np.arange(math.prod(shape)).reshape(shape).transpose(*others, *axes)
        groups = order.reshape(math.prod(shape[i] for i in others), -1)
        to = reduced_shape(shape, axes, keepdims)
        return self.maximum_of_groups(name, node, groups, to, minimum, kind)

    def maximum_of_groups(
        self,
        name: str,
        node: int,
        groups: Any,
        to: Shape,
        minimum: bool = False,
        kind: str = "maximum",
    ) -> int:
        """The largest (or smallest) of groups (o, k) of flat entries, -1 for none."""
        if minimum:
            node = self.scale(f"{name} (minus)", node, -1.0)
        out = self.add(name, Largest(kind, np.ascontiguousarray(groups), to), node)
        return self.scale(f"{name} (minimum)", out, -1.0) if minimum else out

    def sorted_along(self, name: str, node: int, axis: int, descending: bool, k: int) -> int:
        """The first k entries in order along an axis, by a network of comparisons.

        Merge exchange (Knuth, The Art of Computer Programming 3, algorithm 5.2.2 M): stages of
        disjoint pairs, each pair put in order by its maximum and its minimum.
        """
        shape = self.shape(node)
        n = shape[axis]
        order = np.moveaxis(np.arange(math.prod(shape)).reshape(shape), axis, -1)
        lines = order.reshape(-1, n)
        node = self.rearrange(f"{name} (flat)", node, None, (lines.size,))
        for stage, (first, second) in enumerate(merge_exchange(n)):
            pairs = np.stack([lines[:, first], lines[:, second]], axis=-1).reshape(-1, 2)
            label, m = f"{name} (stage {stage})", len(pairs)
            self.check_array((m, 2), name)
            largest = self.maximum_of_groups(f"{label} (largest)", node, pairs, (m,))
            smallest = self.maximum_of_groups(f"{label} (smallest)", node, pairs, (m,), True)
            joined = self.concat(label, [node, largest, smallest], 0)
            index = np.arange(lines.size)
            index[pairs[:, 0 if descending else 1]] = lines.size + np.arange(m)
            index[pairs[:, 1 if descending else 0]] = lines.size + m + np.arange(m)
            node = self.rearrange(label, joined, index, (lines.size,))
        kept = np.moveaxis(order[..., :k], -1, axis)
        return self.rearrange(name, node, kept.ravel(), kept.shape)

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
        self.check_array((n, n), name)
        b = np.asarray(evaluate(np.zeros((1, *shape))))[0]
        self.check_array((n, b.size), name)
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


def merge_exchange(n: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The stages of a sorting network on n entries: disjoint pairs, the smaller place first."""
    top = 1 << max(n - 1, 0).bit_length() >> 1
    p = top
    while p:
        q, r, d = top, 0, p
        while True:
            first = np.arange(n - d)
            first = first[(first & p) == r]
            yield first, first + d
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1


def crop_or_pad(entries: Any, axis: int, before: int, size: int) -> Any:
    """Entries along an axis from `before` places in front of them on, -1 where there are none."""
    index = np.arange(size) - before
    inside = (index >= 0) & (index < entries.shape[axis])
    taken = np.take(entries, np.where(inside, index, 0), axis=axis)
    return np.where(inside.reshape(-1, *[1] * (entries.ndim - axis - 1)), taken, -1)


def numbers_in_memory(array: Any) -> int:
    """Of an array: one that repeats a number (strides of zero) holds it once."""
    pairs = zip(array.shape, array.strides, strict=True)
    return math.prod(size for size, stride in pairs if stride)


def products_of_a_row(op: Any, shape: Shape) -> int:
    """Multiplications that a layer costs for one row, given the shape of its output."""
    if isinstance(op, Linear):
        return op.W.size * math.prod(shape[:-1])
    if isinstance(op, Conv):
        return op.W.size * math.prod(shape[1:])
    if isinstance(op, Average):
        return math.prod(shape) * math.prod(op.window.size)
    return math.prod(shape)


def as_floats(values: Any) -> Floats:
    """A copy as float64; an array of them that nobody can write to is not copied."""
    if isinstance(values, np.ndarray) and values.dtype == np.float64 and not values.flags.writeable:
        return values
    return np.array(values, dtype=np.float64)
