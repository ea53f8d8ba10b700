"""Branches, loops and scans: read as the side that is taken, and as the passes that are made.

What decides must not depend on the network's input: the number of passes, and whether one more is
made, are then the same for every row, and a loop is its body, once for each pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from ....errors import HullwiseError
from .call import Call
from .operators.movements import joined
from .registry import NEWEST_OPSETS
from .values import Constant, Signal, Value

MOST_PASSES = 4096  # of one loop


class BodyReader(Protocol):
    """Reads a graph inside a call: its name, its inputs, a word for the names of its layers."""

    def __call__(self, graph: Any, inputs: list[Any], label: str) -> list[Any]: ...


def read_control(call: Call, body: BodyReader) -> list[Any]:
    """The outputs of an If, a Loop or a Scan.

    Raises
    ------
    ModelError
        If what decides depends on the network's input, or there are too many passes.
    """
    if call.opset > NEWEST_OPSETS[""]:
        call.refuse(f"where opsets up to {NEWEST_OPSETS['']} are known")
    try:
        return CONTROL[call.kind](call, body)
    except HullwiseError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        call.cannot_run()


def _branch(call: Call, body: BodyReader) -> list[Any]:
    """The side that a constant condition takes."""
    side = "then_branch" if _is_true(call, call.value(0), "its condition") else "else_branch"
    graph = call.graph(side)
    if graph is None:
        call.invalid(f"it has no {side}")
    return body(graph, [], "")


def _loop(call: Call, body: BodyReader) -> list[Any]:
    """Passes while the condition holds, and at most so many as its first input says."""
    graph, states = call.graph("body"), list(call.inputs[2:])
    if graph is None:
        call.invalid("it has no body")
    most = int(call.number_of(0, MOST_PASSES + 1))
    condition: Any = call.inputs[1] if call.has(1) else Constant(np.array(True))
    given, passes = [output.name for output in graph.output], 0
    collected: list[list[Any]] = [[] for _ in given[1 + len(states) :]]
    while passes < most and _is_true(call, condition, "whether it goes on"):
        _require_few(call, passes + 1)
        inputs = [Constant(np.array(passes)), condition, *states]
        out = body(graph, inputs, f"pass {passes}")
        condition, states = out[0], out[1 : 1 + len(states)]
        for values, value in zip(collected, out[1 + len(states) :], strict=True):
            values.append(value)
        passes += 1
    return [*states, *(_stacked(call, values, 0) for values in collected)]


def _scan(call: Call, body: BodyReader) -> list[Any]:
    """One pass for each place along an axis of the inputs that are scanned."""
    if call.opset < 9:
        return _scan_of_batches(call, body)
    graph, n_scanned = call.graph("body"), int(call.integer("num_scan_inputs", 0))
    if graph is None or not 0 < n_scanned <= len(call.inputs):
        call.invalid("it scans nothing")
    n_states = len(call.inputs) - n_scanned
    n_given = len(graph.output) - n_states
    axes, ways = (
        _each(call, "scan_input_axes", n_scanned),
        _each(call, "scan_input_directions", n_scanned),
    )
    to_axes, to_ways = (
        _each(call, "scan_output_axes", n_given),
        _each(call, "scan_output_directions", n_given),
    )
    parts = [
        _places(call, n_states + i, axis, bool(way))
        for i, (axis, way) in enumerate(zip(axes, ways, strict=True))
    ]
    states, collected = _scanned(call, body, call.inputs[:n_states], parts)
    out = list(states)
    for values, axis, way in zip(collected, to_axes, to_ways, strict=True):
        out.append(_stacked(call, values[::-1] if way else values, axis))
    return out


def _scan_of_batches(call: Call, body: BodyReader) -> list[Any]:
    """The first form: states and inputs have an axis of batches, here of one, that bodies lack."""
    n_scanned = int(call.integer("num_scan_inputs", 0))
    n_states = len(call.inputs) - 1 - n_scanned
    ways = _each(call, "directions", n_scanned)
    if (
        call.has(0)
        or n_states < 0
        or any(shape[:1] != (1,) for shape in map(call.shape, range(1, len(call.inputs))))
    ):
        call.refuse("of a batch, or of sequences of unlike lengths")
    for i in range(1, len(call.inputs)):
        call.inputs[i] = _reshaped(call, call.value(i), call.shape(i)[1:])
    parts = [_places(call, 1 + n_states + i, 0, bool(way)) for i, way in enumerate(ways)]
    states, collected = _scanned(call, body, call.inputs[1 : 1 + n_states], parts)
    out = [*states, *(_stacked(call, values, 0) for values in collected)]
    return [_reshaped(call, value, (1, *value.shape)) for value in out]


def _scanned(
    call: Call, body: BodyReader, states: list[Any], parts: list[list[Any]]
) -> tuple[list[Any], list[list[Any]]]:
    """The last states, and what each pass gave beside them."""
    graph = call.graph("body")
    if len({len(one) for one in parts}) != 1:
        call.invalid("it scans inputs of unlike lengths")
    _require_few(call, len(parts[0]))
    collected: list[list[Any]] = [[] for _ in range(len(graph.output) - len(states))]
    for t, now in enumerate(zip(*parts, strict=True)):
        out = body(graph, [*states, *now], f"pass {t}")
        states = out[: len(states)]
        for values, value in zip(collected, out[len(states) :], strict=True):
            values.append(value)
    return states, collected


def _is_true(call: Call, value: Any, what: str) -> bool:
    if not isinstance(value, Constant) or value.array.size != 1:
        call.refuse_jump(f"where {what} depends on the input")
    return bool(np.ravel(value.array)[0])


def _require_few(call: Call, passes: int) -> None:
    if passes > MOST_PASSES:
        call.refuse(f"of more than {MOST_PASSES:,} passes")


def _each(call: Call, name: str, count: int) -> list[int]:
    """A list of whole numbers, zeros where it is left out."""
    values: list[int] = call.integers(name, [0] * count)
    if len(values) != count:
        call.invalid(f"its {name} are {len(values)}, not {count}")
    return values


def _on(call: Call, items: list[Any], attributes: dict[str, Any] | None = None) -> Call:
    return Call(
        *(call.reading, call.name, call.kind, call.domain, call.opset),
        *(items, call.outputs, attributes or {}),
    )


def _reshaped(call: Call, value: Any, to: tuple[int, ...]) -> Any:
    return _on(call, [value]).reshaped(to)


def _places(call: Call, i: int, axis: int, backwards: bool) -> list[Any]:
    """An input cut along an axis, which its parts lack."""
    shape = call.shape(i)
    axis = call.one_axis(axis, len(shape))
    _require_few(call, shape[axis])
    to = (*shape[:axis], *shape[axis + 1 :])
    out = []
    for t in range(shape[axis])[:: -1 if backwards else 1]:

        def cut(a: Any, t: int = t) -> Any:
            return np.take(a, t, axis=axis)

        out.append(call.move(cut, to, keeps_rows=axis != 0, i=i))
    return out


def _stacked(call: Call, values: list[Any], axis: int) -> Value:
    """Values of all passes along a new axis."""
    if not values:
        call.refuse("of no passes, whose outputs have no numbers")
    for value in values:
        if not isinstance(value, Constant | Signal):
            call.refuse("whose passes give what is no tensor")
    axis = call.one_axis(axis, len(values[0].shape) + 1)
    parts = [
        _reshaped(call, value, (*value.shape[:axis], 1, *value.shape[axis:])) for value in values
    ]
    return joined(_on(call, parts), axis)


CONTROL: dict[str, Callable[[Call, BodyReader], list[Any]]] = {
    "If": _branch,
    "Loop": _loop,
    "Scan": _scan,
}
