"""A call that has no reading of its own, taken apart into torch's operators."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from ...errors import ModelError
from ._layer_builder import LayerBuilder
from ._refusals import Refusal, refuse
from ._torch_recorder import CallRecorder
from ._torch_refusals import JUMPING_CALLS, refusal_of_call

if TYPE_CHECKING:
    from ._torch_layers import TorchCall


class InnerCallRecorder(CallRecorder):
    """The operators that one call is made of, as torch hands them to its kernels.

    `inputs` are the placeholders of the call's own inputs, in their order.
    """

    def __init__(self, call: TorchCall) -> None:
        self.begin(call.reader.torch, [], (call.name, call))
        self.inputs = []
        followed = {}
        for i, node in enumerate(call.node.all_input_nodes):
            followed[node] = call.reader.examples[node].clone()
            self.inputs.append(self.graph.placeholder(f"input_{i}"))
            self.follow(followed[node], self.inputs[-1])
        args, kwargs = (call.with_inputs(followed, a) for a in (call.node.args, call.node.kwargs))
        with self.torch.no_grad(), warnings.catch_warnings(), self.dispatch_mode():
            warnings.simplefilter("ignore")
            self.answer = self.nodes(call.node.target(*args, **kwargs))
        for node in self.graph.nodes:
            node.meta["is_inner"] = True


class TorchInnerCalls:
    """Readings of calls by the calls that they are made of."""

    layers: LayerBuilder
    values: dict[Any, Any]
    examples: dict[Any, Any]

    def read_call(self, node: Any) -> None:
        raise NotImplementedError

    def inner_calls(self, call: TorchCall) -> Any:
        """The value of a call by its inner ones; refused where one of these is."""
        if call.node.meta.get("is_inner"):
            raise LookupError(call.kind)
        if call.kind in JUMPING_CALLS:
            refuse(call.name, call.title, Refusal.JUMPS)
        n_nodes = len(self.layers.nodes)
        try:
            return self._read_inner(call)
        except Exception as error:  # of torch too, whose kernels take what they take
            del self.layers.nodes[n_nodes:]
            why = refusal_of_call(call)
            if why is Refusal.UNREAD and isinstance(error, ModelError):
                raise ModelError(error.problem_text()) from None
            refuse(call.name, call.title, why)

    def _read_inner(self, call: TorchCall) -> Any:
        inner = InnerCallRecorder(call)
        for own, outer in zip(inner.inputs, call.node.all_input_nodes, strict=True):
            self.values[own], self.examples[own] = self.values[outer], self.examples[outer]
        for node in inner.graph.nodes:
            if node.op == "call_function":
                self.read_call(node)
        if isinstance(inner.answer, tuple | list):
            return tuple(self.values[part] for part in inner.answer)
        return self.values[inner.answer]
