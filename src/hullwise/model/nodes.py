"""The parts of a network's graph: its nodes, and where its layers of units stand in a code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from ._piecewise_layers import Units
from .affine_layers import Affine, Shape


@dataclass(frozen=True, eq=False)
class Node:
    """One layer: `op` on the outputs of `inputs` (indices of earlier nodes; 0 is the input)."""

    name: str
    op: Affine | Units | None
    inputs: tuple[int, ...]
    shape: Shape

    @property
    def is_piecewise(self) -> bool:
        """Whether its units have pieces."""
        return hasattr(self.op, "code")


@dataclass(frozen=True, eq=False)
class UnitLayer:
    """One layer of units: where its codes stand in the whole code."""

    name: str
    kind: str
    node: int
    n_units: int
    start: int

    @property
    def columns(self) -> slice:
        return slice(self.start, self.start + self.n_units)


def unit_layers(nodes: tuple[Node, ...]) -> tuple[UnitLayer, ...]:
    """The layers of units among nodes, in order."""
    layers, start = [], 0
    for i, node in enumerate(nodes):
        if node.is_piecewise:
            kind, n = node.op.kind, prod(node.shape)  # type: ignore[union-attr]
            layers.append(UnitLayer(node.name, kind, i, n, start))
            start += n
    return tuple(layers)


def needed_indices(nodes: Sequence[Node], end: int) -> list[int]:
    """The nodes that node `end` needs, in order, it the last."""
    needed, pending = {0}, [end]
    while pending:
        i = pending.pop()
        if i not in needed:
            needed.add(i)
            pending += nodes[i].inputs
    return sorted(needed)


def needed_nodes(nodes: tuple[Node, ...], end: int) -> tuple[Node, ...]:
    """The nodes that node `end` needs, numbered anew, it the last."""
    indices = needed_indices(nodes, end)
    new = {old: i for i, old in enumerate(indices)}
    return tuple(
        Node(n.name, n.op, tuple(new[j] for j in n.inputs), n.shape)
        for n in (nodes[i] for i in indices)
    )
