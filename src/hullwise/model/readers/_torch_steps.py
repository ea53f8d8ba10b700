"""Comparisons, signs and choices of torch: read where what is made of them does not jump."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from ..affine_layers import Shape
from ._entrywise import (
    Entrywise,
    chosen_entries,
    constant_entries,
    entrywise,
    plus,
    positive,
    spread_entries,
    times,
)
from ._layer_builder import LayerBuilder
from ._refusals import Refusal, refuse
from ._torch_layers import TorchCall, TorchSignal, row_constant

COMPARISONS = {
    **{"gt": 1.0, "ge": 1.0, "greater": 1.0, "greater_equal": 1.0},
    **{"lt": -1.0, "le": -1.0, "less": -1.0, "less_equal": -1.0},
}
NEGATIONS = {"logical_not", "invert", "bitwise_not"}
CONJUNCTIONS = {"logical_and", "and", "bitwise_and"}
DISJUNCTIONS = {"logical_or", "or", "bitwise_or"}
SUMS = {"add": 1.0, "iadd": 1.0, "radd": 1.0, "sub": -1.0, "isub": -1.0, "subtract": -1.0}
PRODUCTS = {"mul", "imul", "rmul", "multiply"}
CHOICES = {"where", "masked_fill"}
NEVER_TRUE = {"isnan", "isinf"}
STARTING = {*COMPARISONS, *CHOICES, *NEVER_TRUE, "sign", "sgn"}


@dataclass(frozen=True, eq=False)
class StepSignal:
    """What jumps; `layer` and `title` are those of the first call that does."""

    layer: str
    title: str
    function: Entrywise
    shape: Shape
    node: None = None


class TorchSteps:
    """What can be made of what jumps."""

    layers: LayerBuilder

    def steps(self, call: TorchCall) -> TorchSignal | StepSignal:
        """A call that compares, or works on what compared."""
        kind = call.kind
        if kind == "assigned":  # z[z < 0] = 0
            return self._assigned_by_mask(call)
        if kind in CHOICES:
            function = self._choice(call)
            branch = self._choice_of_branches(call) if function is None else None
            return self._made(call, function) if branch is None else branch
        if kind in NEVER_TRUE:  # of values that are finite
            return self._jumps(call, constant_entries(np.zeros(call.out[0].numel())))
        if kind in ("sign", "sgn"):
            return self._jumps(call, positive(self._operand(call, 0)).mapped(2.0, -1.0))
        if kind in NEGATIONS:
            return self._jumps(call, self._operand(call, 0).mapped(-1.0, 1.0))
        if kind == "neg":
            return self._made(call, self._operand(call, 0).mapped(-1.0, 0.0))
        combine = _combination(call)
        if combine is None:
            self._refuse_first(call)
        function = combine(self._operand(call, 0), self._operand(call, 1))
        if function is None and kind in COMPARISONS:
            function = self._of_difference(call)
        if kind in COMPARISONS and function is not None:
            return self._jumps(call, function)
        return self._made(call, function)

    def _assigned_by_mask(self, call: TorchCall) -> TorchSignal | StepSignal:
        mask, value = call.operand(1), call.operand(2)
        alike = isinstance(mask, StepSignal) and mask.shape == tuple(call.out.shape[1:])
        if not alike or isinstance(value, TorchSignal | StepSignal) or np.size(value) != 1:
            self._refuse_first(call)
        chosen = constant_entries(np.full(call.out[0].numel(), float(value)))
        return self._made(
            call, chosen_entries(self._operand(call, 1), chosen, self._operand(call, 0))
        )

    def _operand(self, call: TorchCall, i: int) -> Entrywise:
        """Argument i as a function of the entries of some node, in the shape of the result."""
        value, to = call.operand(i), tuple(call.out.shape[1:])
        if isinstance(value, StepSignal):
            function = spread_entries(value.function, value.shape, to)
            if function is None:
                refuse(value.layer, f"{value.title} whose entries are repeated", Refusal.JUMPS)
            return function
        if isinstance(value, TorchSignal):
            node = self.layers.batch_first(call.name, value.node)
            node = self.layers.broadcast(f"{call.name} ({i})", node, to)
            return entrywise(self.layers.nodes, node)
        array = np.broadcast_to(row_constant(value, call), to)
        return constant_entries(np.asarray(array, dtype=np.float64).ravel())

    def _choice(self, call: TorchCall) -> Entrywise | None:
        """where(mask, first, second), masked_fill(second, mask, first)."""
        places = (0, 1, 2) if call.kind == "where" else (1, 2, 0)
        mask, first, second = (self._operand(call, i) for i in places)
        return chosen_entries(mask, first, second)

    def _choice_of_branches(self, call: TorchCall) -> TorchSignal | None:
        """where(a > b, a, b): the second plus what the mask leaves of their difference."""
        places = (0, 1, 2) if call.kind == "where" else (1, 2, 0)
        to = tuple(call.out.shape[1:])
        values = [call.operand(i) for i in places]
        if not isinstance(values[0], StepSignal) or not all(
            isinstance(value, TorchSignal) for value in values[1:]
        ):
            return None
        pair = [self.layers.broadcast(call.name, value.node, to) for value in values[1:]]
        node = self.layers.chosen_branch(call.name, self._operand(call, places[0]), *pair)
        return None if node is None else TorchSignal(node)

    def _of_difference(self, call: TorchCall) -> Entrywise | None:
        """A comparison of two branches, by their difference."""
        pair = [call.operand(i) for i in (0, 1)]
        if not all(isinstance(one, TorchSignal) for one in pair):
            return None
        nodes = [self.layers.batch_first(call.name, one.node) for one in pair]
        to = tuple(call.out.shape[1:])
        nodes = [self.layers.before_reshape(self.layers.broadcast(call.name, n, to)) for n in nodes]
        function = self.layers.difference(f"{call.name} (difference)", *nodes)
        return positive(function.mapped(COMPARISONS[call.kind], 0.0))

    def _made(self, call: TorchCall, function: Entrywise | None) -> TorchSignal | StepSignal:
        if function is None:
            self._refuse_first(call)
        if function.meets():
            shape = tuple(call.out.shape[1:])
            return TorchSignal(self.layers.of_entries(call.name, function, shape))
        return self._jumps(call, function)

    def _jumps(self, call: TorchCall, function: Entrywise) -> StepSignal:
        first = _first(call)
        layer, title = (call.name, call.title) if first is None else (first.layer, first.title)
        return StepSignal(layer, title, function, tuple(call.out.shape[1:]))

    def _refuse_first(self, call: TorchCall) -> NoReturn:
        first = _first(call)
        if first is None:
            refuse(
                call.name, f"{call.title} between other entries than those compared", Refusal.JUMPS
            )
        refuse(first.layer, f"{first.title}, which jumps (used by {call.name!r})", Refusal.JUMPS)


def _first(call: TorchCall) -> StepSignal | None:
    values = [call.value(node) for node in call.node.all_input_nodes]
    return next((value for value in values if isinstance(value, StepSignal)), None)


def _combination(call: TorchCall) -> Callable[[Entrywise, Entrywise], Entrywise | None] | None:
    kind = call.kind
    if kind in COMPARISONS:
        return lambda f, g: _compared(f, g, COMPARISONS[kind])
    if kind in SUMS:
        factor = SUMS[kind] * float(call.kwargs.get("alpha", 1))
        return lambda f, g: plus(f, g, factor)
    if kind in PRODUCTS or kind in CONJUNCTIONS:
        return times
    return _either if kind in DISJUNCTIONS else None


def _compared(f: Entrywise, g: Entrywise, factor: float) -> Entrywise | None:
    difference = plus(f, g, -1.0)
    return None if difference is None else positive(difference.mapped(factor, 0.0))


def _either(f: Entrywise, g: Entrywise) -> Entrywise | None:
    none = times(f.mapped(-1.0, 1.0), g.mapped(-1.0, 1.0))
    return None if none is None else none.mapped(-1.0, 1.0)
