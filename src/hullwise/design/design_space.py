"""A design space: a box of parameters, and constraints between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._core.types import Array, Floats, Indices, Mask
from ..errors import DataError
from ..io.coercion import format_names
from ..io.mixed_table import MixedTable, read_mixed
from ._box_table import parameters_of
from .constraint_text import LinearBound, parse_constraint
from .parameters import CategoryParameter, Parameter

Constraint = str | Callable[[Mapping[str, Array]], Any]
CONSTRAINT_SLACK = 1e-12  # of the terms of a relation: 0.1 + 0.2 is at most 0.3
EQUALITY_TOLERANCE = 1e-9  # of the terms of a relation: sides this near are equal


@dataclass(frozen=True, eq=False, repr=False)
class DesignSpace:
    """Parameters with their ranges, and which combinations of their values are allowed.

    Parameters
    ----------
    box : mapping, (d, 2) array, table, path, Domain or DesignSpace
        The range of each parameter: ``{"a": (0, 1), "kind": ["x", "y"], "k": {"low": 0.001,
        "high": 1, "role": "log"}}``; for arrays one row (low, high) for each column; a table or a
        file with columns name, low, high and, where needed, role (number, integer, log, ordered,
        category, periodic), levels (``x|y``), period and scale; or a fitted `Domain`, whose
        columns and training ranges are taken.
    constraints : str, function, or sequence of them
        Linear comparisons such as ``"a + b <= 1"``, or functions of a dictionary of columns that
        say for each row whether it is allowed.

    Attributes
    ----------
    parameters : tuple of Parameter
    relations : tuple of LinearBound
    functions : tuple of callable

    Raises
    ------
    DataError, FileError
        A range or a constraint cannot be read.

    Examples
    --------
    >>> import hullwise as hw
    >>> space = hw.DesignSpace({"a": (0, 1), "b": (0, 1)}, "a + b <= 1")
    >>> space
    DesignSpace(2 parameters, 1 constraint)
    >>> space.allowed(np.array([[0.2, 0.3], [0.9, 0.8]]))
    array([ True, False])
    """

    parameters: tuple[Parameter, ...]
    relations: tuple[LinearBound, ...]
    functions: tuple[Callable[[Mapping[str, Array]], Any], ...]

    def __init__(
        self, box: Any, constraints: Constraint | Sequence[Constraint] | None = None
    ) -> None:
        inherited = box if isinstance(box, DesignSpace) else None
        parameters = inherited.parameters if inherited is not None else parameters_of(box)
        listing = [] if constraints is None else constraints
        if isinstance(listing, str) or callable(listing):
            listing = [listing]
        numbers = [p.name for p in parameters if not isinstance(p, CategoryParameter)]
        texts = [one for one in listing if not callable(one)]
        relations = [relation for text in texts for relation in parse_constraint(text, numbers)]
        functions = [one for one in listing if callable(one)]
        if inherited is not None:
            relations, functions = (
                [*inherited.relations, *relations],
                [*inherited.functions, *functions],
            )
        object.__setattr__(self, "parameters", parameters)
        object.__setattr__(self, "relations", tuple(relations))
        object.__setattr__(self, "functions", tuple(functions))

    def __repr__(self) -> str:
        n, k = len(self.parameters), len(self.relations) + len(self.functions)
        return f"DesignSpace({n} parameter{'s' * (n != 1)}, {k or 'no'} constraint{'s' * (k != 1)})"

    def __str__(self) -> str:
        width = max(len(p.name) for p in self.parameters)
        lines = [f"  {p.name:<{width}}  {p.describe()}" for p in self.parameters]
        texts = dict.fromkeys(relation.text for relation in self.relations)
        functions = [getattr(f, "__name__", "a function") for f in self.functions]
        lines += [f"  constraint: {text}" for text in (*texts, *functions)]
        return "\n".join([repr(self), *lines])

    @property
    def names(self) -> tuple[str, ...]:
        """(p,) names of the parameters."""
        return tuple(p.name for p in self.parameters)

    @cached_property
    def owner(self) -> Indices:
        """(D,) the parameter of each coordinate."""
        return np.repeat(np.arange(len(self.parameters)), [p.width for p in self.parameters])

    @cached_property
    def matrix(self) -> Floats:
        """(R, p) weights of the linear relations."""
        A = np.zeros((len(self.relations), len(self.parameters)))
        for i, relation in enumerate(self.relations):
            for name, weight in relation.weights.items():
                A[i, self.names.index(name)] = weight
        return A

    @cached_property
    def limits(self) -> tuple[Floats, Floats]:
        """(R,) lower and (R,) upper ends of the linear relations."""
        low = np.array([relation.low for relation in self.relations])
        return low, np.array([relation.high for relation in self.relations])

    @cached_property
    def ranges(self) -> tuple[Floats, Floats]:
        """(p,) lower and (p,) upper ends of the parameters."""
        low = np.array([p.low for p in self.parameters])
        return low, np.array([p.high for p in self.parameters])

    @property
    def has_equality(self) -> bool:
        """Whether some relation leaves no width."""
        return any(relation.is_equality for relation in self.relations)

    def coordinates(self, values: Floats) -> Floats:
        """(m, D) coordinates of points given as values (m, p)."""
        parts = [p.coordinates(values[:, j]) for j, p in enumerate(self.parameters)]
        return np.hstack([np.zeros((len(values), 0)), *parts])

    def values(self, unit: Floats) -> Floats:
        """(m, p) values at points of the unit cube (m, p)."""
        return np.column_stack([p.values(unit[:, j]) for j, p in enumerate(self.parameters)])

    def contains(self, values: Floats) -> Mask:
        """(m,) which points are in the box, whatever the constraints say."""
        inside = np.ones(len(values), dtype=bool)
        for j, parameter in enumerate(self.parameters):
            inside &= parameter.contains(values[:, j])
        return inside

    def allowed(self, values: Floats) -> Mask:
        """(m,) which points given as values (m, p) are in the box and keep all constraints."""
        allowed = self.contains(values)
        allowed &= self.keeps_relations(values)
        if self.functions and allowed.any():
            rows = np.flatnonzero(allowed)
            columns = self.columns(values[rows])
            for function in self.functions:
                allowed[rows] &= _checked_answer(function, columns, len(rows))
        return allowed

    def keeps_relations(self, values: Floats) -> Mask:
        """(m,) which points keep the linear relations, up to rounding."""
        keeps = np.ones(len(values), dtype=bool)
        for weights, relation in zip(self.matrix, self.relations):
            used = weights != 0
            terms = values[:, used] * weights[used]
            total, size = terms.sum(axis=1), np.abs(terms).sum(axis=1)
            ends = [abs(end) for end in (relation.low, relation.high) if np.isfinite(end)]
            share = EQUALITY_TOLERANCE if relation.is_equality else CONSTRAINT_SLACK
            slack = share * (size + max(ends))
            if relation.strict:
                keeps &= (total > relation.low + slack) & (total < relation.high - slack)
            else:
                keeps &= (total >= relation.low - slack) & (total <= relation.high + slack)
        return keeps

    def columns(self, values: Floats) -> dict[str, Array]:
        """The cells of points given as values (m, p), by parameter."""
        return {p.name: p.cells(values[:, j]) for j, p in enumerate(self.parameters)}

    def read(self, table: Any, name: str = "the table") -> Floats:
        """(n, p) values of the rows of a table, NaN in gaps and for levels that are not known.

        Raises
        ------
        DataError, FileError
            A column is missing, or a cell is not what its parameter is.
        """
        mixed = table if isinstance(table, MixedTable) else read_mixed(table, name=name)
        missing = [column for column in self.names if column not in mixed.names]
        if missing:
            raise DataError(
                f"{mixed.source} lacks the parameter{'s' * (len(missing) > 1)} "
                f"{format_names(missing)} of the box; it has "
                f"{format_names(list(mixed.names)) or 'no columns'}."
            )
        return np.column_stack([p.read(mixed.column(p.name)) for p in self.parameters])


def _checked_answer(
    function: Callable[[Mapping[str, Array]], Any], columns: Mapping[str, Array], m: int
) -> Mask:
    """(m,) what a constraint given as a function says."""
    answer = np.asarray(function(columns))
    name = getattr(function, "__name__", "a constraint")
    if answer.dtype != bool or answer.shape not in ((), (m,)):
        raise DataError(
            f"{name} answered with {answer.dtype} of shape {answer.shape} for {m} points: a "
            f"constraint that is a function takes a dictionary of columns and returns ({m},) "
            "booleans, such as lambda t: t['a'] * t['b'] <= 1."
        )
    return np.broadcast_to(answer, (m,))
