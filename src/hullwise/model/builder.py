"""A network put together layer by layer; shapes and numbers are checked on the way."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..errors import ModelError
from .affine_layers import Shape
from .network import Network, pruned
from .nodes import Node
from .output_activations import OutputActivation


class Builder:
    """Nodes put together one by one; shapes are checked on the way."""

    def __init__(self, input_shape: Sequence[int]) -> None:
        self.nodes = [Node("input", None, (), tuple(int(s) for s in input_shape))]

    def add(self, name: str, op: Any, *inputs: int) -> int:
        """The index of a new node `op` on nodes `inputs`.

        Raises
        ------
        ModelError
            If shapes do not fit or a weight is NaN or infinite.
        """
        for attribute, value in vars(op).items():
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                bad = int(np.sum(~np.isfinite(value)))
                if bad:
                    raise ModelError(
                        f"layer {name!r} has {bad:,} NaN or infinite numbers in {attribute}; "
                        f"nothing can be said of such a network. Train or export it again."
                    )
        try:
            shape = op.shape(*(self.nodes[j].shape for j in inputs))
        except (ValueError, IndexError) as error:
            raise ModelError(f"layer {name!r} {error}") from None
        self.nodes.append(Node(name, op, tuple(inputs), tuple(int(s) for s in shape)))
        return len(self.nodes) - 1

    def shape(self, node: int) -> Shape:
        """Of a node's output."""
        return self.nodes[node].shape

    def network(
        self,
        output: int | None = None,
        source: str = "arrays",
        output_activations: tuple[OutputActivation, ...] = (),
    ) -> Network:
        """The network whose output is a node (None: the last); nodes it does not need are left."""
        for name, node in (("input", self.nodes[0]), ("output", self.nodes[output or -1])):
            if not prod(node.shape):
                raise ModelError(f"the network has no {name}: its shape is {node.shape}")
        whole = Network(tuple(self.nodes), source, output_activations)
        end = len(self.nodes) - 1 if output is None else output
        return pruned(whole, end)
