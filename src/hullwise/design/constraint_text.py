"""Linear constraints written as text, such as ``a + b <= 1``, parsed and never executed."""

from __future__ import annotations

import ast
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .._core.wording import type_of
from ..errors import DataError
from ..io.coercion import format_names

LONGEST_CONSTRAINT = 2000  # characters
LINEAR_COMPARISONS = (ast.LtE, ast.Lt, ast.GtE, ast.Gt, ast.Eq)


@dataclass(frozen=True)
class LinearBound:
    """low <= sum of weights times parameters <= high.

    Attributes
    ----------
    weights : dict of str to float
        Of the parameters that occur.
    low, high : float
        One of them may be infinite; both are one number for an equality.
    strict : bool
        Whether the ends themselves are not allowed.
    text : str
        As it was written.
    """

    weights: Mapping[str, float]
    low: float
    high: float
    strict: bool
    text: str

    @property
    def is_equality(self) -> bool:
        """Whether it leaves no width."""
        return self.low == self.high


@dataclass(frozen=True)
class LinearForm:
    """A constant plus weights times parameters."""

    weights: Mapping[str, float]
    constant: float

    def plus(self, other: LinearForm, sign: float = 1.0) -> LinearForm:
        """The sum, or with sign -1 the difference."""
        weights = dict(self.weights)
        for name, weight in other.weights.items():
            weights[name] = weights.get(name, 0.0) + sign * weight
        return LinearForm(weights, self.constant + sign * other.constant)

    def times(self, factor: float) -> LinearForm:
        """The form multiplied by a number."""
        weights = {name: factor * weight for name, weight in self.weights.items()}
        return LinearForm(weights, factor * self.constant)


def parse_constraint(text: str, names: Sequence[str]) -> list[LinearBound]:
    """The linear relations that a constraint states between the named parameters.

    Parameters
    ----------
    text : str
        One comparison, or a chain such as ``0.2 <= a + 2*b <= 1``, with ``<=``, ``>=``, ``<``,
        ``>`` and ``==``. A name that is no identifier stands in quotes: ``"flow rate" <= b``.
    names : sequence of str
        The parameters that are numbers.

    Raises
    ------
    DataError
        It is no such comparison; the message says where.

    Examples
    --------
    >>> (relation,) = parse_constraint('2 * a + "flow rate" / 2 <= 1 + a', ["a", "flow rate"])
    >>> relation.weights, relation.high
    ({'a': 1.0, 'flow rate': 0.5}, 1.0)
    """
    if not isinstance(text, str):
        raise DataError(f"a constraint is text or a function, got {type_of(text)}.")
    if len(text) > LONGEST_CONSTRAINT:
        raise DataError(f"a constraint of {len(text):,} characters: at most {LONGEST_CONSTRAINT:,}")
    source = text.strip().replace("≤", "<=").replace("≥", ">=").replace("`", '"')
    try:
        tree = ast.parse(source, mode="eval").body
        return _relations(tree, _FormReader(text, names))
    except SyntaxError:
        advice = " (write == for equality)" if "=" in source.replace("==", "") else ""
        raise _refused(
            text, f"it cannot be read{advice}; names that are no identifiers stand in quotes"
        ) from None
    except (RecursionError, MemoryError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise _refused(text, "it is nested too deeply or holds what no text can") from None


def _refused(text: str, why: str) -> DataError:
    return DataError(
        f"constraint {text!r}: {why}. Expected a linear comparison of parameters, such as "
        "'a + 2*b <= 1'."
    )


class _FormReader:
    """Turns parts of a constraint into linear forms."""

    def __init__(self, text: str, names: Sequence[str]) -> None:
        self.text = text
        # Python normalises identifiers, so that the micro sign becomes a Greek letter
        self.names = {unicodedata.normalize("NFKC", name): name for name in names}

    def form(self, node: ast.expr) -> LinearForm:
        """A part of the constraint as a linear form."""
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
                return self.combined(self.form(left), operator, self.form(right))
        raise _refused(self.text, f"it holds {ast.unparse(node)[:40]!r}, which is not linear")

    def finite(self, value: float) -> float:
        try:
            number = float(value)
        except OverflowError:
            number = np.inf
        if not np.isfinite(number):
            raise _refused(self.text, "it holds a number beyond float64")
        return number

    def parameter(self, name: str) -> LinearForm:
        known = self.names.get(unicodedata.normalize("NFKC", name))
        if known is None:
            listing = format_names(list(self.names.values()))
            raise _refused(
                self.text, f"{name!r} is no parameter that is a number; these are {listing}"
            )
        return LinearForm({known: 1.0}, 0.0)

    def combined(self, left: LinearForm, operator: ast.operator, right: LinearForm) -> LinearForm:
        match operator:
            case ast.Add():
                return left.plus(right)
            case ast.Sub():
                return left.plus(right, -1.0)
            case ast.Mult() if not left.weights:
                return right.times(left.constant)
            case ast.Mult() if not right.weights:
                return left.times(right.constant)
            case ast.Div() if not right.weights and right.constant:
                return left.times(1.0 / right.constant)
        raise _refused(self.text, "it multiplies or divides by a parameter, or by 0")


def _relations(tree: ast.expr, reader: _FormReader) -> list[LinearBound]:
    if isinstance(tree, ast.BoolOp):
        raise _refused(reader.text, "it joins several comparisons: give each as its own constraint")
    if not isinstance(tree, ast.Compare):
        raise _refused(reader.text, "it compares nothing")
    sides = [reader.form(side) for side in (tree.left, *tree.comparators)]
    relations = []
    for left, operator, right in zip(sides, tree.ops, sides[1:]):
        if not isinstance(operator, LINEAR_COMPARISONS):
            raise _refused(reader.text, "it compares with something else than <=, >=, <, > or ==")
        relations.append(_relation(left.plus(right, -1.0), operator, reader))
    return relations


def _relation(form: LinearForm, operator: ast.cmpop, reader: _FormReader) -> LinearBound:
    """The relation form <= 0, form >= 0 or form == 0."""
    weights = {name: weight for name, weight in form.weights.items() if weight}
    for number in (*weights.values(), form.constant):
        reader.finite(number)
    if not weights:
        raise _refused(reader.text, "no parameter is left in it")
    end = -form.constant
    low = -np.inf if isinstance(operator, ast.LtE | ast.Lt) else end
    high = np.inf if isinstance(operator, ast.GtE | ast.Gt) else end
    strict = isinstance(operator, ast.Lt | ast.Gt)
    return LinearBound(weights, low, high, strict, reader.text)
