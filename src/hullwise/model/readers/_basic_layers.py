"""The layers that models are made of, put together from arrays: products, moves, units, sums."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from ..._core.memory import check_memory
from ..._core.types import Floats
from .._piecewise_layers import pieces, relu
from ..affine_layers import Average, Concat, Conv, Linear, Rearrange, Scale, Shape, Sum
from ..builder import Builder


class Limits(Protocol):
    """What may be made; the methods raise where it is too much."""

    def check_array(self, shape: Shape, name: str) -> None: ...
    def count_numbers(self, size: int, name: str) -> None: ...
    def count_products(self, count: int, name: str) -> None: ...


class BasicLayers(Builder):
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
        value: Any = 0.0,
        start: Any = 0.0,
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

    def constant(self, name: str, value: Any) -> int:
        """A node that is the same for every input."""
        array = as_floats(value)
        node = self.rearrange(name, 0, np.full(array.size, -1), array.shape)
        return self.scale(name, node, 1.0, array)

    def weighted_sum(self, name: str, nodes: list[int], factors: tuple[float, ...]) -> int:
        to = np.broadcast_shapes(*(self.shape(node) for node in nodes))
        nodes = [self.broadcast(f"{name} ({i})", node, to) for i, node in enumerate(nodes)]
        return self.add(name, Sum(factors), *nodes)

    def concat(self, name: str, nodes: list[int], axis: int) -> int:
        return self.add(name, Concat(axis), *nodes)


def reduced_shape(shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Shape:
    """What a reduction over axes leaves of a shape."""
    return tuple(1 if i in axes else s for i, s in enumerate(shape) if keepdims or i not in axes)


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
