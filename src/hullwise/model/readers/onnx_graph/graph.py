"""The walk through a graph: every node read once, in the graph's own order.

Functions of the file are read where they are called, with the opsets that they import; a branch on
a constant is read as the side it takes, a loop of a constant number of passes as all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ....errors import HullwiseError, ModelError
from .._refusals import Refusal, refuse
from .._smooth_layers import smooth_hint
from . import operators  # noqa: F401  (registers the operators)
from .call import Call, Reading, on_constant
from .control import CONTROL, read_control
from .limits import NESTED_CALLS
from .operators.endings import look_through
from .registry import NEWEST_OPSETS, OPERATORS, Operator
from .tensors import sparse_array, tensor_array
from .unread import refusal_of, refusal_of_title
from .values import Constant, Derived, Sequence, Signal, Steps, Unread, Value

LONGEST_NAME = 120  # characters of a layer's name in messages
STANDARD_DOMAINS = ("", "ai.onnx")


class Scope:
    """Names and what they stand for, in a graph, a function or a branch."""

    def __init__(
        self,
        opsets: dict[str, int],
        outer: Scope | None = None,
        attributes: dict[str, Any] | None = None,
        prefix: str = "",
        *,
        sees_outer: bool = False,
    ) -> None:
        self.opsets, self.outer, self.prefix = opsets, outer, prefix
        self.attributes = attributes  # of the call of a function; a branch has those around it
        self.sees_outer = sees_outer  # branches use names from outside, functions do not
        self.values: dict[str, Value | None] = {}
        self.tensors: dict[str, Any] = {}  # initializers, made into arrays when they are needed

    @property
    def depth(self) -> int:
        return 0 if self.outer is None else self.outer.depth + 1


class GraphReader:
    """Reads nodes into the layers of `reading.builder`."""

    def __init__(self, reading: Reading, functions: Iterable[Any]) -> None:
        self.reading = reading
        self.functions = {(f.domain, f.name, f.overload): f for f in functions}

    def add_tensors(self, scope: Scope, graph: Any) -> None:
        for tensor in graph.initializer:
            scope.tensors[tensor.name] = (tensor, tensor_array)
        for tensor in graph.sparse_initializer:
            scope.tensors[tensor.values.name] = (tensor, sparse_array)

    def value(self, scope: Scope, name: str) -> Value | None:
        """What a name stands for; None for an input that a function is not given."""
        place: Scope | None = scope
        while place is not None:
            if name in place.values:
                return place.values[name]
            if name in place.tensors:
                tensor, read = place.tensors[name]
                array = read(tensor, self.reading.folder, self.reading.path)
                place.values[name] = Constant(array)
                return place.values[name]
            place = place.outer if place.sees_outer else None
        raise ModelError(
            f"it is not valid ONNX: {name[:LONGEST_NAME]!r} is needed before it is made"
        )

    def walk(self, nodes: Iterable[Any], outputs: Iterable[str], scope: Scope) -> None:
        """Read the nodes that the outputs need."""
        for node in needed_nodes(list(nodes), set(outputs)):
            self.node(node, scope)

    def node(self, node: Any, scope: Scope) -> None:
        name = f"{scope.prefix}{layer_name(node)}"[:LONGEST_NAME]
        self.reading.limits.count_call(name)
        domain = "" if node.domain in STANDARD_DOMAINS else node.domain
        inputs = [self.value(scope, i) if i else None for i in node.input]
        attributes = _resolved(node.attribute, scope.attributes or {})
        function = self.functions.get((node.domain, node.op_type, node.overload))
        if function is not None:
            out = self._function(function, name, inputs, attributes, scope)
        else:
            opset = scope.opsets.get(domain, 1)
            sources = list(node.input) if scope.outer is None else None
            call = Call(
                *(self.reading, name, node.op_type, domain, opset),
                *(inputs, list(node.output), attributes, sources),
            )
            is_control = not domain and node.op_type in CONTROL
            out = self._control(call, scope) if is_control else self._call(call)
        for output, value in zip(node.output, out, strict=False):
            if output and output in scope.values:
                raise ModelError(f"it is not valid ONNX: {output[:LONGEST_NAME]!r} is made twice")
            scope.values[output] = value

    def _call(self, call: Call) -> list[Any]:
        operator = OPERATORS.get((call.domain, call.kind))
        for value in call.inputs:
            if isinstance(value, Unread):
                refuse(value.layer, f"{value.title}, used by {call.name!r}", Refusal.JUMPS)
        behind = [value for value in call.inputs if isinstance(value, Derived)]
        try:
            if behind:
                return self._behind(call, operator, behind[0])
            if operator is None:
                call.refuse(why=refusal_of(call.kind))
            if call.opset < operator.opsets[0] or call.opset > NEWEST_OPSETS[call.domain]:
                call.refuse(
                    f"where opsets {operator.opsets[0]} to {NEWEST_OPSETS[call.domain]} are known"
                )
            self._check_kinds(call, operator)
            return self._read(call, operator)
        except HullwiseError:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            call.cannot_run()

    def _check_kinds(self, call: Call, operator: Operator) -> None:
        """That what jumps, and sequences, go where they can."""
        for value in call.inputs:
            if isinstance(value, Steps) and not operator.steps:
                refuse(value.layer, value.title, Refusal.JUMPS)
            if isinstance(value, Sequence) and not operator.sequences:
                call.refuse("of a sequence")

    def _read(self, call: Call, operator: Operator) -> list[Any]:
        if any(isinstance(value, Signal | Steps | Sequence) for value in call.inputs):
            if operator.read is None:
                call.refuse(why=refusal_of(call.kind))
            answer = operator.read(call)
        elif operator.evaluate is not None:
            answer = operator.evaluate(call)
        else:
            answer = on_constant(call, operator)
        return answer if isinstance(answer, list) else [answer]

    def _behind(self, call: Call, operator: Operator | None, value: Derived) -> list[Any]:
        """Behind a function that is left out: its plumbing, or another one; else it is inside."""
        out = look_through(call) if call.opset <= NEWEST_OPSETS.get(call.domain, 0) else None
        if out is not None:
            return out
        if operator is not None and operator.read is not None and operator.ends:
            answer = operator.read(call)
            return answer if isinstance(answer, list) else [answer]
        title, name = value.names[0]
        refuse(name, title, refusal_of_title(title), hint=smooth_hint(title))

    def _function(
        self, function: Any, name: str, inputs: list[Any], attributes: dict[str, Any], scope: Scope
    ) -> list[Any]:
        if scope.depth >= NESTED_CALLS:
            raise ModelError(f"the functions of the file call each other too deeply, at {name!r}")
        bound = {a.name: a for a in function.attribute_proto} | attributes
        inner = Scope(opset_versions(function.opset_import), scope, bound, f"{name}/")
        for i, own in enumerate(function.input):
            inner.values[own] = inputs[i] if i < len(inputs) else None
        self.walk(function.node, function.output, inner)
        return [self.value(inner, output) for output in function.output]

    def _control(self, call: Call, scope: Scope) -> list[Any]:
        if scope.depth >= NESTED_CALLS:
            raise ModelError(f"branches in branches are too deep, at {call.name!r}")

        def body(graph: Any, inputs: list[Any], label: str) -> list[Any]:
            prefix = f"{call.name} ({label})/" if label else f"{call.name}/"
            inner = Scope(scope.opsets, scope, scope.attributes, prefix, sees_outer=True)
            self.add_tensors(inner, graph)
            inner.values |= {own.name: one for own, one in zip(graph.input, inputs, strict=True)}
            outputs = [output.name for output in graph.output]
            self.walk(graph.node, outputs, inner)
            return [self.value(inner, output) for output in outputs]

        return read_control(call, body)


def layer_name(node: Any) -> str:
    """A node's own name, or its operator and first output."""
    return node.name or f"{node.op_type}:{node.output[0] if node.output else ''}"


def opset_versions(imports: Iterable[Any]) -> dict[str, int]:
    return {("" if o.domain in STANDARD_DOMAINS else o.domain): int(o.version) for o in imports}


def needed_nodes(nodes: list[Any], outputs: set[str]) -> list[Any]:
    """The nodes that outputs need, in their order."""
    makers = {output: i for i, node in enumerate(nodes) for output in node.output if output}
    needed: set[int] = set()
    open_names = list(outputs)
    while open_names:
        i = makers.get(open_names.pop())
        if i is not None and i not in needed:
            needed.add(i)
            open_names += names_used(nodes[i])
    return [nodes[i] for i in sorted(needed)]


def names_used(node: Any) -> list[str]:
    """The inputs of a node, and what its branches take from outside."""
    names = [name for name in node.input if name]
    for attribute in node.attribute:
        graphs = [attribute.g] if attribute.HasField("g") else []
        for graph in [*graphs, *attribute.graphs]:
            names += [output.name for output in graph.output]
            for inner in graph.node:
                names += names_used(inner)
    return names


def _resolved(attributes: Iterable[Any], bound: dict[str, Any]) -> dict[str, Any]:
    """A node's attributes; those that refer to the function's are looked up there."""
    out = {}
    for attribute in attributes:
        if not attribute.ref_attr_name:
            out[attribute.name] = attribute
        elif attribute.ref_attr_name in bound:
            out[attribute.name] = bound[attribute.ref_attr_name]
    return out
