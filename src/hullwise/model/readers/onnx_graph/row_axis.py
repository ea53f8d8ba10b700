"""The network without the axis of rows that every value of a graph carries.

While a graph is read, a row is (1, *rest), so that axes are numbered as in the file. Nothing of a
network needs that axis: layers are put together again without it, and reshapes that only put it on
or took it off are gone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ...._core.types import Floats
from ..._piecewise_layers import Largest
from ...affine_layers import Concat, Linear, Rearrange, Scale, Shape, Sum
from ...network import Network
from ...nodes import Node
from ...output_activations import OutputActivation
from .._layer_builder import LayerBuilder


def drop_row_axis(
    nodes: list[Node],
    values: set[int],
    end: int,
    title: str,
    activations: tuple[OutputActivation, ...],
) -> Network:
    """The network of nodes up to `end`; `values` are those that stand for a value of the graph."""
    return RowAxis(nodes, values).network(end, title, activations)


class RowAxis:
    """Puts nodes together again; `new` holds for each its new node."""

    def __init__(self, nodes: list[Node], values: set[int]) -> None:
        self.nodes, self.values = nodes, values
        self.builder = LayerBuilder(nodes[0].shape)
        self.new: dict[int, int] = {0: 0}

    def network(self, end: int, title: str, activations: tuple[OutputActivation, ...]) -> Network:
        for i in _needed(self.nodes, end):
            self.new[i] = self._again(i)
        node = self._as(end, _without_row(self.nodes[end].shape))
        return self.builder.network(node, title, activations)

    def _is_short(self, i: int) -> bool:
        """Whether the new node has lost the axis."""
        return self.builder.shape(self.new[i]) != self.nodes[i].shape

    def _as(self, i: int, shape: Shape) -> int:
        return self.builder.rearrange(self.nodes[i].name, self.new[i], None, shape)

    def _again(self, i: int) -> int:
        node, short = self.nodes[i], [self._is_short(j) for j in self.nodes[i].inputs]
        op: Any = node.op
        if isinstance(op, Rearrange):
            to = _without_row(node.shape) if i in self.values else node.shape
            return self.builder.rearrange(node.name, self.new[node.inputs[0]], op.index, to)
        if isinstance(op, Largest) and i in self.values:
            op = replace(op, to=_without_row(op.to))
            return self.builder.add(node.name, op, *(self.new[j] for j in node.inputs))
        if any(short):
            adapted = self._without_axis(op, node)
            if adapted is not None:
                inputs = [self._as(j, _without_row(self.nodes[j].shape)) for j in node.inputs]
                return self.builder.add(node.name, adapted, *inputs)
        inputs = [self._as(j, self.nodes[j].shape) for j in node.inputs]
        return self.builder.add(node.name, op, *inputs)

    def _without_axis(self, op: Any, node: Node) -> Any:
        """The layer on inputs without the axis; None where it needs it."""
        shapes = [self.nodes[j].shape for j in node.inputs]
        if any(shape[:1] != (1,) or len(shape) < 2 for shape in shapes):
            return None
        rule = RULES.get(type(op), None if not node.is_piecewise else _unchanged)
        return None if rule is None else rule(op, shapes)


def _needed(nodes: list[Node], end: int) -> list[int]:
    """The nodes that `end` needs, in order, without the input."""
    needed, open_nodes = set(), [end]
    while open_nodes:
        i = open_nodes.pop()
        if i not in needed:
            needed.add(i)
            open_nodes += nodes[i].inputs
    return sorted(needed - {0})


def _without_row(shape: Shape) -> Shape:
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape


def _unchanged(op: Any, shapes: list[Shape]) -> Any:
    return op


def _scale(op: Scale, shapes: list[Shape]) -> Scale:
    rank = len(shapes[0])

    def shorter(array: Floats) -> Floats:
        return array[0] if array.ndim == rank else array

    return Scale(shorter(op.a), None if op.b is None else shorter(op.b))


def _concat(op: Concat, shapes: list[Shape]) -> Concat | None:
    return Concat(op.axis - 1) if op.axis else None


def _sum(op: Sum, shapes: list[Shape]) -> Sum | None:
    return op if len({math.prod(shape) for shape in shapes}) == 1 else None


RULES: dict[type, Callable[..., Any]] = {
    Linear: _unchanged,
    Scale: _scale,
    Concat: _concat,
    Sum: _sum,
}
