"""Properties as people write them: comparisons of inputs x0, x1, ... and outputs y0, y1, ..."""

from __future__ import annotations

import ast
import re
from typing import Any

from ..._core.linear_forms import FormReader, LinearForm
from ..._core.wording import type_of
from ...errors import DataError
from .._input_box import box_ends
from ._formulas import Condition, Formula, Junction, unsafe_cases
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
    return OutputProperty(unsafe_cases(formula.negated(), low, high, n_outputs), text)


class _Text:
    def __init__(self, text: str, n_inputs: int, n_outputs: int) -> None:
        self.text, self.sizes = text, {"x": n_inputs, "y": n_outputs}
        if not isinstance(text, str):
            raise DataError(f"the property is {type_of(text)}: expected a text, {EXPECTED}")
        self.reader = FormReader(self._variable, self._refused)

    def formula(self) -> Formula:
        return self._formula(self.reader.tree(self.text.strip()))

    def _formula(self, tree: ast.expr) -> Formula:
        if isinstance(tree, ast.BoolOp):
            return Junction(isinstance(tree.op, ast.And), tuple(map(self._formula, tree.values)))
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
            return self._formula(tree.operand).negated()
        if isinstance(tree, ast.Compare):
            return self._comparison(tree)
        raise self._part_refused(tree)

    def _comparison(self, tree: ast.Compare) -> Formula:
        if isinstance(tree.left, ast.Name) and tree.left.id in ("argmax", "argmin"):
            return self._winner(tree, 1.0 if tree.left.id == "argmax" else -1.0)
        sides = [self.reader.form(side) for side in (tree.left, *tree.comparators)]
        parts: list[Formula] = []
        for left, order, right in zip(sides, tree.ops, sides[1:]):
            if type(order) not in PYTHON_ORDERS:
                raise self._part_refused(tree)
            sign, strict = PYTHON_ORDERS[type(order)]
            parts.append(Condition(left.plus(right, -1.0).times(sign), strict))
        return parts[0] if len(parts) == 1 else Junction(True, tuple(parts))

    def _winner(self, tree: ast.Compare, sign: float) -> Formula:
        """`argmax == k` (sign 1): no other output is above y_k; `argmin == k`: none is below."""
        named, k = tree.comparators[0], self.sizes["y"]
        equal = len(tree.ops) == 1 and isinstance(tree.ops[0], ast.Eq)
        winner = named.value if isinstance(named, ast.Constant) else None
        if not equal or type(winner) is not int or not 0 <= winner < k or k < 2:
            raise self._part_refused(tree)
        own = self._variable(f"y{winner}")
        leads = [own.plus(self._variable(f"y{j}"), -1.0) for j in range(k) if j != winner]
        return Junction(True, tuple(Condition(lead.times(sign)) for lead in leads))

    def _variable(self, name: str) -> LinearForm:
        match = re.fullmatch(r"([xy])_?(\d{1,9})", name)
        if match is None or int(match[2]) >= self.sizes[match[1]]:
            raise self._refused(f"it has no {name!r}")
        return LinearForm({f"{match[1]}{int(match[2])}": 1.0}, 0.0)

    def _part_refused(self, tree: ast.expr) -> DataError:
        return self._refused(f"it holds {ast.unparse(tree)[:60]!r}")

    def _refused(self, why: str) -> DataError:
        text = self.text if len(self.text) <= 200 else f"{self.text[:197]}..."
        return DataError(
            f"the property {text!r}: {why}; expected {EXPECTED}. The network has inputs x0 to "
            f"x{self.sizes['x'] - 1} and outputs y0 to y{self.sizes['y'] - 1}."
        )
