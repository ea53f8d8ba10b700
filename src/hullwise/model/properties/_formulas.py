"""Conditions joined by and and or, as the cases in which they hold: boxes of inputs with rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from ..._core.types import Floats
from ...errors import DataError
from .output_property import UnsafeCase

MOST_CASES = 10_000


@dataclass(frozen=True, eq=False)
class LinearExpression:
    """``coefficients @ (x, y) + constant``, over inputs and outputs one after another."""

    coefficients: Floats
    constant: float

    def plus(self, other: LinearExpression, factor: float = 1.0) -> LinearExpression:
        return LinearExpression(
            self.coefficients + factor * other.coefficients,
            self.constant + factor * other.constant,
        )

    def times(self, factor: float) -> LinearExpression:
        return LinearExpression(factor * self.coefficients, factor * self.constant)

    @property
    def is_constant(self) -> bool:
        return not self.coefficients.any()


@dataclass(frozen=True, eq=False)
class Condition:
    """``expression >= 0``, or above 0 where `strict`."""

    expression: LinearExpression
    strict: bool = False

    def negated(self) -> Condition:
        return Condition(self.expression.times(-1.0), not self.strict)


@dataclass(frozen=True, eq=False)
class Junction:
    """All of the parts (`every`), or one of them."""

    every: bool
    parts: tuple[Formula, ...]

    def negated(self) -> Junction:
        return Junction(not self.every, tuple(part.negated() for part in self.parts))


Formula = Condition | Junction


def conjunctions(formula: Formula) -> list[list[Condition]]:
    """The formula as a list of cases, in each of which all conditions hold.

    Raises
    ------
    DataError
        If there are more than 10,000.
    """
    if isinstance(formula, Condition):
        return [[formula]]
    parts = [conjunctions(part) for part in formula.parts]
    if not formula.every:
        return _few_enough([case for part in parts for case in part])
    cases: list[list[Condition]] = [[]]
    for part in parts:
        cases = _few_enough([a + b for a, b in product(cases, part)])
    return cases


def _few_enough(cases: list[list[Condition]]) -> list[list[Condition]]:
    if len(cases) > MOST_CASES:
        raise DataError(
            f"the property makes more than {MOST_CASES:,} cases of its ands and ors; "
            "give its parts one by one"
        )
    return cases


def unsafe_cases(formula: Formula, low: Floats, high: Floats) -> tuple[UnsafeCase, ...]:
    """The cases of a formula over boxes within [low, high]; without those that no input is in."""
    cases = [_unsafe_case(conditions, low, high) for conditions in conjunctions(formula)]
    return tuple(case for case in cases if (case.low <= case.high).all())


def _unsafe_case(conditions: Sequence[Condition], low: Floats, high: Floats) -> UnsafeCase:
    d = len(low)
    low, high = low.copy(), high.copy()
    rows: list[Condition] = []
    for condition in conditions:
        weights = condition.expression.coefficients
        used = np.flatnonzero(weights)
        if len(used) == 1 and used[0] < d and not condition.strict and abs(weights[used[0]]) == 1:
            j = used[0]
            bound = -condition.expression.constant * weights[j]
            if weights[j] > 0:
                low[j] = max(low[j], bound)
            else:
                high[j] = min(high[j], bound)
        else:
            rows.append(condition)
    W = np.array([row.expression.coefficients for row in rows])
    W = (
        W.reshape(len(rows), -1)
        if rows
        else np.zeros((0, len(conditions[0].expression.coefficients)))
    )
    return UnsafeCase(
        low,
        high,
        W[:, :d],
        W[:, d:],
        np.array([row.expression.constant for row in rows]),
        np.array([row.strict for row in rows], dtype=bool),
    )
