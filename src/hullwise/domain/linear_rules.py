"""Half-spaces of a domain as linear constraints on columns, for optimisers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.results import RecordResult
from .._core.types import Floats, Mask
from ..errors import DataError, MissingDependencyError
from ..io.coercion import format_names
from ..table.columns import Column, LogColumn, NumberColumn

if TYPE_CHECKING:
    from .half_spaces import HalfSpaces


@dataclass(frozen=True, eq=False, repr=False)
class LinearRules(RecordResult):
    """A x <= b and lower <= x <= upper: constraints that every training row keeps.

    They hold the hull of the training rows and a little more: an optimum within them may be
    outside, but not by much where half-spaces are near. `HalfSpaces.linear` makes it.

    Attributes
    ----------
    names : tuple of str
        The d variables: columns that are numbers, ``log10(name)`` for those that are log.
    A : (k, d) float64
    b : (k,) float64
    lower, upper : (d,) float64

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> rng = np.random.default_rng(0)
    >>> a = rng.uniform(size=200)
    >>> domain = hw.Domain().fit({"a": a, "b": a + rng.uniform(0, 0.2, 200)})
    >>> rules = domain.half_spaces().linear()
    >>> rules
    LinearRules(2 variables, ... half-spaces)
    >>> from scipy.optimize import minimize
    >>> best = minimize(
    ...     lambda x: x[0] - x[1], [0.5, 0.6], bounds=rules.to_bounds(),
    ...     constraints=rules.to_scipy(), method="SLSQP",
    ... )
    >>> bool(-0.21 < best.fun < -0.19)
    True
    """

    names: tuple[str, ...]
    A: Floats
    b: Floats
    lower: Floats
    upper: Floats

    def __repr__(self) -> str:
        return f"LinearRules({len(self.names)} variables, {len(self.b)} half-spaces)"

    def to_scipy(self) -> Any:
        """The half-spaces as a `scipy.optimize.LinearConstraint`; the box is `to_bounds`."""
        from scipy.optimize import LinearConstraint

        return LinearConstraint(self.A, -np.inf, self.b)

    def to_bounds(self) -> Any:
        """The box as `scipy.optimize.Bounds`."""
        from scipy.optimize import Bounds

        return Bounds(self.lower, self.upper)

    def to_botorch(self) -> list[tuple[Any, Any, float]]:
        """The half-spaces as BoTorch's `inequality_constraints`, its `bounds` being the box.

        Tuples (indices, coefficients, rhs) for ``sum coefficients * x[indices] >= rhs``. Samplers
        of polytopes there take ``(A, b)`` with A x <= b instead.

        Raises
        ------
        MissingDependencyError
            PyTorch is not installed.
        """
        try:
            import torch
        except ImportError:
            raise MissingDependencyError(
                "BoTorch's constraints are tensors, and PyTorch is not installed: use A and b."
            ) from None
        constraints = []
        for weights, end in zip(self.A, self.b):
            used = np.flatnonzero(weights)
            indices = torch.as_tensor(used, dtype=torch.long)
            constraints.append((indices, torch.as_tensor(-weights[used]), -float(end)))
        return constraints


def linear_rules(
    rules: HalfSpaces,
    near: Mapping[str, Any] | None,
    n_half_spaces: int | None,
    fixed: Mapping[str, Any],
) -> LinearRules:
    """The rules as linear constraints; see `HalfSpaces.linear`.

    Raises
    ------
    DataError
        A column is neither a number nor fixed, or `near` or `fixed` name what is no column.
    """
    _check_names(rules, near, fixed)
    features, columns = rules.features, rules.columns
    free = [j for j, column in enumerate(columns) if column.name not in fixed and column.width]
    A, b = np.zeros((len(rules.weights), len(free))), rules.offsets.copy()
    for place, j in enumerate(free):
        k, at = features.coordinates.coordinates_of(j), features.features_of(j)
        A[:, place] = rules.weights[:, at][:, 0] * features.scale[k][0]
        b += A[:, place] * features.centre[k][0]
    usable: Mask = (A != 0).any(axis=1)
    if fixed:
        F, known = _features_of(rules, fixed)
        is_fixed = np.array([column.name in fixed for column in columns], dtype=bool)
        b -= rules.weights @ np.where(is_fixed[features.owner], F, 0.0)
        usable = np.asarray(usable & ~rules.uses[:, is_fixed & ~known].any(axis=1))
    order = np.flatnonzero(usable)
    if near is not None:
        x = _variables(rules, near, free)
        order = order[np.argsort((b - A @ x)[order], kind="stable")]
    order = order[:n_half_spaces]
    names = tuple(_variable_name(columns[j]) for j in free)
    return LinearRules(names, A[order], b[order], rules.minimum[free], rules.maximum[free])


def _check_names(
    rules: HalfSpaces, near: Mapping[str, Any] | None, fixed: Mapping[str, Any]
) -> None:
    names = [column.name for column in rules.columns]
    unknown = [name for name in (*(near or {}), *fixed) if name not in names]
    if unknown:
        raise DataError(
            f"no column is called {format_names(unknown)}: expected {format_names(names)}."
        )
    other = [
        c.name
        for c in rules.columns
        if c.width and c.name not in fixed and not isinstance(c, NumberColumn | LogColumn)
    ]
    if other:
        raise DataError(
            f"the columns {format_names(other)} are no plain numbers: give a value of each in "
            "fixed, and the constraints are those of the other columns then."
        )


def _variable_name(column: Column) -> str:
    return f"log10({column.name})" if isinstance(column, LogColumn) else column.name


def _features_of(rules: HalfSpaces, cells: Mapping[str, Any]) -> tuple[Floats, Mask]:
    """(F,) features of these cells, 0 where there are none; and (C,) which columns have one."""
    located = rules.locate_one(cells)
    F = rules.features.features(located.values)
    known = rules.features.usable(F)[0] & ~located.unseen[0]
    unseen = [c.name for c, gone in zip(rules.columns, located.unseen[0]) if gone]
    if unseen:
        raise DataError(f"fixed: {format_names(unseen)} holds a level that was never seen.")
    return np.where(known[rules.features.owner], F[0], 0.0), known


def _variables(rules: HalfSpaces, near: Mapping[str, Any], free: list[int]) -> Floats:
    """(d,) the variables at a row."""
    lacking = [rules.columns[j].name for j in free if rules.columns[j].name not in near]
    if lacking:
        raise DataError(f"near lacks {format_names(lacking)}: expected a value for each variable.")
    values = rules.locate_one(near).values[0]
    return np.array([values[rules.features.coordinates.coordinates_of(j).start] for j in free])
