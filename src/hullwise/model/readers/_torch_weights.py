"""New weights on the structure that was read: a torch module followed while it trains.

The reader has seen every call with its tensors. Those of the module's own (parameters, statistics,
what is made of them) stand in the calls as objects of the private copy that was traced. New values
are written into that copy, what is derived of them is computed again in the order of the trace, and
only the calls that take such tensors are read again, by the same code. The network is that of a
fresh read, bit for bit, and a new one: the arrays of earlier networks are never written to.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..._core.types import Floats
from ...errors import ModelError
from ..affine_layers import Linear
from ..network import Network
from ..nodes import Node, needed_indices
from ._options import ReadOptions
from ._refusals import probe_rows
from ._torch_reader import (
    checked_network,
    copy_at_rest,
    module_errors,
    require_module_outputs,
    traced,
)
from ._torch_recorder import leaves, module_tensors
from ._torch_steps import STARTING, StepSignal

STRUCTURAL_CACHES = ("layers", "widest", "_last_use", "code_dtype")  # of a Network: no weights
COMPARED_ROWS = 2  # of a module's outputs with those of what was read of it


class StructureChanged(Exception):
    """The module is no longer put together as it was when it was read."""


class CopiedTensor(NamedTuple):
    """A tensor of the module, its private copy, and the copy's numbers (None: whole numbers)."""

    name: str
    source: Any
    copy: Any
    numbers: Floats | None


class TorchWeights:
    """A module that was read, and the way of its tensors into the nodes that were made.

    Attributes
    ----------
    network : Network
        As of the last `refresh`.
    left_out : sequence of (str, str)
        Kinds and layers of what the reader left out.
    """

    def __init__(self, module: Any, options: ReadOptions) -> None:
        import torch

        self.torch, self.module, self.whole = torch, module, options.upto is None
        with module_errors(torch, module):
            self._snapshot = [(part, _attributes(part)) for part in module.modules()]
            self._reader, end = traced(torch, module, options)
            self.network = checked_network(torch, self._reader, end, options.upto)
        self.left_out = end.left_out
        self._nodes = list(self._reader.layers.nodes)
        self._places = needed_indices(self._nodes, end.node)
        self._tensors = self._copied_tensors()
        self._calls = [call for call in self._reader.nodes_of if self._depends_on_weights(call)]
        self._linear = {call: self._linear_arrays(call) for call in self._calls}

    @property
    def can_be_refreshed(self) -> bool:
        """Whether all that weights decide is in the calls that were written down."""
        return self._tensors is not None and not self._reader.recorder.reads_values

    def is_same_structure(self) -> bool:
        """Whether the module's parts, tensors and settings are the objects that were read."""
        return all(_is_unchanged(part, attributes) for part, attributes in self._snapshot)

    def refresh(self) -> Network:
        """The network with the module's present weights.

        Raises
        ------
        StructureChanged
            If the numbers no longer fit into what was read.
        ModelError
            If one is NaN or infinite.
        """
        layers, nodes = self._reader.layers, list(self._nodes)
        with self.torch.no_grad():
            self._copy_values()
            for call in self._calls:
                span = self._reader.nodes_of[call]
                arrays = self._linear[call]
                if arrays is not None:
                    old = nodes[span.start]
                    W, b = arrays
                    op = Linear(np.array(W, float), None if b is None else np.array(b, float))
                    nodes[span.start] = Node(old.name, op, old.inputs, old.shape)
                    continue
                layers.nodes = nodes[: span.start]
                self._reader.read_call(call)
                made = layers.nodes[span.start :]
                _require_same_nodes(nodes[span.start : span.stop], made)
                nodes[span.start : span.stop] = made
        self._nodes = nodes
        self.network = self._on_nodes(nodes)
        return self.network

    def require_module_outputs(self) -> None:
        """That the network gives what the module gives at a few rows; ModelError where not."""
        self._reader.module = copy_at_rest(self.module)
        rows = probe_rows(self.network.input_shape)[-COMPARED_ROWS:]
        require_module_outputs(self.torch, self._reader, self.network, rows, self.whole)

    def _copied_tensors(self) -> list[CopiedTensor] | None:
        """The module's tensors beside those of the copy; None where they are not the same ones."""
        sources = {(i, key): a for i, key, a in module_tensors(self.torch, self.module)}
        names = [name for name, _ in self.module.named_modules()]
        tensors = []
        for i, key, own in self._reader.recorder.module_tensors:
            source = sources.get((i, key))
            if source is None or source.shape != own.shape:
                return None
            name = f"{names[i]}.{key}".lstrip(".")
            numbers = own.numpy() if own.dtype in (self.torch.float64, self.torch.float32) else None
            tensors.append(CopiedTensor(name, source, own, numbers))
        return tensors

    def _depends_on_weights(self, call: Any) -> bool:
        """Whether new weights may make other nodes of a call."""
        values, arguments = self._reader.values, call.all_input_nodes
        if call.meta.get("kind") in STARTING or any(
            isinstance(values[one], StepSignal) for one in [call, *arguments]
        ):
            return True  # where jumps lie is followed through earlier nodes, weights among them
        own = self._reader.recorder.own
        return any(id(a) in own for a in leaves((call.args, call.kwargs)))

    def _linear_arrays(self, call: Any) -> tuple[Any, Any] | None:
        """Weights and offset of a call that is one linear layer, as the copy's own numbers."""
        span = self._reader.nodes_of[call]
        if call.meta.get("kind") != "linear" or len(span) != 1:
            return None
        W, b = (
            call.args[i] if len(call.args) > i else call.kwargs.get(key)
            for i, key in ((1, "weight"), (2, "bias"))
        )
        return W.numpy(), None if b is None else b.numpy()

    def _copy_values(self) -> None:
        """The module's present numbers, and what is derived of them."""
        for name, source, own, numbers in self._tensors or ():
            if source.shape != own.shape:
                raise StructureChanged
            own.copy_(source)
            if numbers is None:
                continue
            with np.errstate(all="ignore"):
                total = np.add.reduce(numbers, axis=None)
            if not np.isfinite(total):
                _require_finite(name, numbers)
        for call, args, kwargs, results in self._reader.recorder.derivations:
            again = leaves(call(*args, **kwargs))
            parts = [part for part in again if isinstance(part, self.torch.Tensor)]
            if [part.shape for part in parts] != [own.shape for own in results]:
                raise StructureChanged
            for own, part in zip(results, parts, strict=True):
                own.copy_(part)

    def _on_nodes(self, nodes: list[Node]) -> Network:
        """The network with the ops of these nodes."""
        old = self.network
        ops = [nodes[i].op for i in self._places]
        new = [
            node if op is node.op else Node(node.name, op, node.inputs, node.shape)
            for node, op in zip(old.nodes, ops, strict=True)
        ]
        net = Network(tuple(new), old.source, old.output_activations)
        vars(net).update((k, v) for k, v in vars(old).items() if k in STRUCTURAL_CACHES)
        return net


def _attributes(part: Any) -> dict[str, Any]:
    """What a module holds; dicts are copied, so that a tensor put in another's place shows."""
    return {key: dict(a) if isinstance(a, dict) else a for key, a in vars(part).items()}


def _is_unchanged(part: Any, attributes: dict[str, Any]) -> bool:
    present = vars(part)
    attributes["training"] = present["training"]  # a copy at rest is read either way
    try:
        return bool(present == attributes)
    except (RuntimeError, TypeError, ValueError):  # arrays of unlike identity have no truth value
        return False


def _require_finite(name: str, numbers: Floats) -> None:
    bad = int(np.count_nonzero(~np.isfinite(numbers)))
    if bad:
        raise ModelError(
            f"training has diverged: {bad:,} of the {numbers.size:,} numbers of {name!r} are NaN "
            f"or infinite, and nothing can be said of such a network. Begin again, with a smaller "
            f"learning rate"
        )


def _require_same_nodes(old: list[Node], new: list[Node]) -> None:
    def shapes(nodes: list[Node]) -> list[Any]:
        return [(n.name, type(n.op), getattr(n.op, "kind", ""), n.inputs, n.shape) for n in nodes]

    if shapes(old) != shapes(new):
        raise StructureChanged
