"""The operators that are read, and in which opsets: one table, filled by the readings.

The opset that a file (or a function in it) imports decides what an operator means. A reading says
from which opset on it holds and which later opsets it has been checked against, so a newer form of
an operator is refused until somebody has read it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .call import Call

NEWEST_OPSETS = {"": 28, "ai.onnx.ml": 5}  # checked against; later ones are refused


@dataclass(frozen=True)
class Operator:
    """How an operator is read.

    Attributes
    ----------
    name, domain : str
    opsets : tuple of int
        Where its meaning or form changed: those of its schema.
    read : callable, optional
        From a call whose inputs may depend on the network's input, to a value (or a list of them).
    evaluate : callable, optional
        For calls on constants alone. Where it is missing, the layers of `read` are applied to them.
    ends : bool
        Whether it may follow a function that is left out at the end of a network.
    steps, sequences : bool
        Whether it takes these among its inputs.
    """

    name: str
    domain: str
    opsets: tuple[int, ...]
    read: Callable[[Call], Any] | None = None
    evaluate: Callable[[Call], Any] | None = None
    ends: bool = False
    steps: bool = False
    sequences: bool = False


OPERATORS: dict[tuple[str, str], Operator] = {}


def operator(
    *names: str,
    opsets: tuple[int, ...],
    domain: str = "",
    evaluate: Any = None,
    arrays: bool = False,
    **takes: bool,
) -> Callable[[Any], Any]:
    """Register a reading of operators (those that share one).

    With `arrays` it takes constants as well as what depends on the input; `takes` are the other
    attributes of `Operator`.
    """

    def register(read: Callable[[Call], Any]) -> Callable[[Call], Any]:
        on_constants = read if arrays else evaluate
        for name in names:
            OPERATORS[domain, name] = Operator(name, domain, opsets, read, on_constants, **takes)
        return read

    return register


def of_constants(name: str, opsets: tuple[int, ...]) -> Callable[[Any], Any]:
    """Register what can only be evaluated on constants (shapes, indices, weights)."""

    def register(evaluate: Callable[[Call], Any]) -> Callable[[Call], Any]:
        OPERATORS["", name] = Operator(name, "", opsets, evaluate=evaluate)
        return evaluate

    return register


def is_known(domain: str, opset: int) -> bool:
    return opset <= NEWEST_OPSETS.get(domain, 0)


def opsets_text(one: Operator) -> str:
    """The opsets it is read in, for people: '11 to 28'."""
    return f"{one.opsets[0]} to {NEWEST_OPSETS[one.domain]}"
