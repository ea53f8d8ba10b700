"""Linear constraints written as text, such as ``a + b <= 1``, parsed and never executed."""

from __future__ import annotations

import ast
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from .._core.linear_forms import FormReader, LinearForm
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
    reader = FormReader(partial(_parameter, text, names), partial(_refused, text))
    return _relations(reader.tree(source), reader, text)


def _refused(text: str, why: str) -> DataError:
    return DataError(
        f"constraint {text!r}: {why}. Expected a linear comparison of parameters, such as "
        "'a + 2*b <= 1'; names that are no identifiers stand in quotes."
    )


def _parameter(text: str, names: Sequence[str], name: str) -> LinearForm:
    # Python normalises identifiers, so that the micro sign becomes a Greek letter
    own = {unicodedata.normalize("NFKC", one): one for one in names}
    known = own.get(unicodedata.normalize("NFKC", name))
    if known is None:
        listing = format_names(list(own.values()))
        raise _refused(text, f"{name!r} is no parameter that is a number; these are {listing}")
    return LinearForm({known: 1.0}, 0.0)


def _relations(tree: ast.expr, reader: FormReader, text: str) -> list[LinearBound]:
    if isinstance(tree, ast.BoolOp):
        raise reader.refused("it joins several comparisons: give each as its own constraint")
    if not isinstance(tree, ast.Compare):
        raise reader.refused("it compares nothing")
    sides = [reader.form(side) for side in (tree.left, *tree.comparators)]
    relations = []
    for left, operator, right in zip(sides, tree.ops, sides[1:]):
        if not isinstance(operator, LINEAR_COMPARISONS):
            raise reader.refused("it compares with something else than <=, >=, <, > or ==")
        relations.append(_relation(left.plus(right, -1.0), operator, reader, text))
    return relations


def _relation(form: LinearForm, operator: ast.cmpop, reader: FormReader, text: str) -> LinearBound:
    """The relation form <= 0, form >= 0 or form == 0."""
    weights = {name: weight for name, weight in form.weights.items() if weight}
    for number in (*weights.values(), form.constant):
        reader.finite(number)
    if not weights:
        raise reader.refused("no parameter is left in it")
    end = -form.constant
    low = -np.inf if isinstance(operator, ast.LtE | ast.Lt) else end
    high = np.inf if isinstance(operator, ast.GtE | ast.Gt) else end
    strict = isinstance(operator, ast.Lt | ast.Gt)
    return LinearBound(weights, low, high, strict, text)
