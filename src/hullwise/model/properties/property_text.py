"""Properties as people write them: comparisons of inputs x0, x1, ... and outputs y0, y1, ..."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from ..._core.wording import type_of
from ...errors import DataError
from .._input_box import box_ends
from ._formulas import Condition, Formula, Junction, LinearExpression, unsafe_cases
from .output_property import OutputProperty

PYTHON_ORDERS = {
    ast.GtE: (1.0, False),
    ast.Gt: (1.0, True),
    ast.LtE: (-1.0, False),
    ast.Lt: (-1.0, True),
}
EXPECTED = (
    "comparisons (<=, <, >=, >) of sums of inputs x0, x1, ..., outputs y0, y1, ... and numbers, "
    "joined by `and`, `or`, `not`, or `argmax == 3`, `argmin == 0`"
)


def output_property(text: str, box: Any, n_inputs: int, n_outputs: int) -> OutputProperty:
    """A property from the words that must be true of a network's inputs x and outputs y.

    Parameters
    ----------
    text : str
        Such as ``"y0 <= 3 and y1 < y0 + 2 * y2"``, ``"argmax == 3"`` (no other output is larger)
        or ``"x0 < 0 or y0 > 1"``.
    box : float, (float, float) or (array-like, array-like)
        The inputs it is about: a half width, or lower and upper ends for all or for each.
    n_inputs, n_outputs : int

    Returns
    -------
    OutputProperty

    Raises
    ------
    DataError
        If the words are no such comparisons; the message says where.

    Notes
    -----
    The text is parsed and never run. Cost: the product of its `or`s.

    Examples
    --------
    >>> import hullwise as hw
    >>> hw.model.output_property("argmax == 2", box=0.5, n_inputs=4, n_outputs=3)
    OutputProperty('argmax == 2', 2 unsafe cases)
    """
    low, high = box_ends(box, n_inputs, may_be_flat=True)
    formula = _Text(text, n_inputs, n_outputs).formula()
    return OutputProperty(unsafe_cases(formula.negated(), low, high), text)


class _Text:
    def __init__(self, text: str, n_inputs: int, n_outputs: int) -> None:
        if not isinstance(text, str):
            raise DataError(f"the property is {type_of(text)}: expected a text, {EXPECTED}")
        self.text = text
        self.sizes = {"x": n_inputs, "y": n_outputs}

    def formula(self) -> Formula:
        try:
            return self._formula(ast.parse(self.text.strip(), mode="eval").body)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(
                f"the property {self.text!r} cannot be read: expected {EXPECTED}"
            ) from None

    def _formula(self, tree: ast.AST) -> Formula:
        if isinstance(tree, ast.BoolOp):
            return Junction(isinstance(tree.op, ast.And), tuple(map(self._formula, tree.values)))
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
            return self._formula(tree.operand).negated()
        if isinstance(tree, ast.Compare):
            return self._comparison(tree)
        raise self._error(tree)

    def _comparison(self, tree: ast.Compare) -> Formula:
        sides = [tree.left, *tree.comparators]
        if isinstance(tree.left, ast.Name) and tree.left.id in ("argmax", "argmin"):
            return self._winner(tree)
        parts: list[Formula] = []
        for left, order, right in zip(sides, tree.ops, sides[1:]):
            if type(order) not in PYTHON_ORDERS:
                raise self._error(tree)
            sign, strict = PYTHON_ORDERS[type(order)]
            difference = self._linear(left).plus(self._linear(right), -1.0)
            parts.append(Condition(difference.times(sign), strict))
        return parts[0] if len(parts) == 1 else Junction(True, tuple(parts))

    def _winner(self, tree: ast.Compare) -> Formula:
        """`argmax == k`: no other output is above y_k (`argmin`: below)."""
        named = tree.comparators[0]
        if (
            len(tree.ops) != 1
            or not isinstance(tree.ops[0], ast.Eq)
            or not isinstance(named, ast.Constant)
            or type(named.value) is not int
            or named.value >= self.sizes["y"]
        ):
            raise self._error(tree)
        sign = 1.0 if tree.left.id == "argmax" else -1.0  # type: ignore[attr-defined]
        own = self._variable("y", named.value)
        others = [j for j in range(self.sizes["y"]) if j != named.value]
        if not others:
            raise self._error(tree)
        return Junction(
            True,
            tuple(Condition(own.plus(self._variable("y", j), -1.0).times(sign)) for j in others),
        )

    def _linear(self, tree: ast.AST) -> LinearExpression:
        if isinstance(tree, ast.Constant) and type(tree.value) in (int, float):
            number: Any = tree.value
            if not np.isfinite(float(number)):
                raise self._error(tree)
            return LinearExpression(np.zeros(sum(self.sizes.values())), float(number))
        if isinstance(tree, ast.Name):
            match = re.fullmatch(r"([xy])_?(\d{1,9})", tree.id)
            if match is None or int(match[2]) >= self.sizes[match[1]]:
                raise self._error(tree)
            return self._variable(match[1], int(match[2]))
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub | ast.UAdd):
            return self._linear(tree.operand).times(-1.0 if isinstance(tree.op, ast.USub) else 1.0)
        if isinstance(tree, ast.BinOp):
            return self._combined(tree, self._linear(tree.left), self._linear(tree.right))
        raise self._error(tree)

    def _combined(
        self, tree: ast.BinOp, left: LinearExpression, right: LinearExpression
    ) -> LinearExpression:
        if isinstance(tree.op, ast.Add | ast.Sub):
            return left.plus(right, 1.0 if isinstance(tree.op, ast.Add) else -1.0)
        if isinstance(tree.op, ast.Mult) and (left.is_constant or right.is_constant):
            return right.times(left.constant) if left.is_constant else left.times(right.constant)
        if isinstance(tree.op, ast.Div) and right.is_constant and right.constant != 0:
            return left.times(1 / right.constant)
        raise self._error(tree)

    def _variable(self, kind: str, place: int) -> LinearExpression:
        row = np.zeros(sum(self.sizes.values()))
        row[place + (self.sizes["x"] if kind == "y" else 0)] = 1.0
        return LinearExpression(row, 0.0)

    def _error(self, tree: ast.AST) -> DataError:
        part = ast.get_source_segment(self.text.strip(), tree) or self.text
        return DataError(
            f"the property {self.text!r} has {part!r}: expected {EXPECTED}; the network has inputs "
            f"x0 to x{self.sizes['x'] - 1} and outputs y0 to y{self.sizes['y'] - 1}"
        )
