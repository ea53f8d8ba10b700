"""Weighted sums of named numbers, and how they are read from text: parsed and never executed."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import DataError


@dataclass(frozen=True)
class LinearForm:
    """A constant plus weights times named numbers."""

    weights: Mapping[str, float]
    constant: float

    def plus(self, other: LinearForm, factor: float = 1.0) -> LinearForm:
        """The sum with `factor` times the other one."""
        weights = dict(self.weights)
        for name, weight in other.weights.items():
            weights[name] = weights.get(name, 0.0) + factor * weight
        return LinearForm(weights, self.constant + factor * other.constant)

    def times(self, factor: float) -> LinearForm:
        """The form multiplied by a number."""
        weights = {name: factor * weight for name, weight in self.weights.items()}
        return LinearForm(weights, factor * self.constant)

    def product(self, other: LinearForm) -> LinearForm | None:
        """The product with a form of which one is a number; None where neither is."""
        if not self.weights:
            return other.times(self.constant)
        return self.times(other.constant) if not other.weights else None


@dataclass(frozen=True)
class FormReader:
    """Turns parts of a Python expression into linear forms.

    `parameter` gives the form of a name, and `refused` the error that says why a part is none.
    """

    parameter: Callable[[str], LinearForm]
    refused: Callable[[str], DataError]

    def tree(self, text: str) -> ast.expr:
        """The expression that a text is."""
        try:
            return ast.parse(text, mode="eval").body
        except SyntaxError:
            advice = " (write == for equality)" if "=" in text.replace("==", "") else ""
            raise self.refused(f"it cannot be read{advice}") from None
        except (RecursionError, MemoryError, ValueError):
            raise self.refused("it is nested too deeply or holds what no text can") from None

    def form(self, node: ast.expr) -> LinearForm:
        """A part of the expression as a linear form."""
        match node:
            case ast.Constant(value=bool()):
                pass
            case ast.Constant(value=int() | float() as value):
                return LinearForm({}, self.finite(value))
            case ast.Constant(value=str() as name) | ast.Name(id=name):
                return self.parameter(name)
            case ast.UnaryOp(op=ast.UAdd() | ast.USub() as sign, operand=inner):
                return self.form(inner).times(-1.0 if isinstance(sign, ast.USub) else 1.0)
            case ast.BinOp(left=left, op=operator, right=right):
                return self._combined(self.form(left), operator, self.form(right))
        raise self.refused(f"it holds {ast.unparse(node)[:40]!r}, which is not linear")

    def finite(self, value: float) -> float:
        """The number, if float64 has it."""
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.refused("it holds a number beyond float64")
        return number

    def _combined(self, left: LinearForm, operator: ast.operator, right: LinearForm) -> LinearForm:
        match operator:
            case ast.Add():
                return left.plus(right)
            case ast.Sub():
                return left.plus(right, -1.0)
            case ast.Mult() if (product := left.product(right)) is not None:
                return product
            case ast.Div() if not right.weights and right.constant:
                return left.times(1.0 / right.constant)
        raise self.refused("it multiplies or divides by a parameter, or by 0")
