"""Conditions joined by and and or, as the cases in which they hold: boxes of inputs with rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from ..._core.linear_forms import LinearForm
from ..._core.types import Floats
from ...errors import DataError
from .output_property import UnsafeCase

MOST_CASES = 10_000


@dataclass(frozen=True, eq=False)
class Condition:
    """``expression >= 0``, or above 0 where `strict`."""

    expression: LinearForm
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


def unsafe_cases(
    formula: Formula, low: Floats, high: Floats, n_outputs: int
) -> tuple[UnsafeCase, ...]:
    """The cases of a formula over boxes within [low, high]; without those that no input is in.

    Inputs are called x0, x1, ... in it and outputs y0, y1, ...
    """
    cases = [_unsafe_case(conditions, low, high, n_outputs) for conditions in conjunctions(formula)]
    return tuple(case for case in cases if (case.low <= case.high).all())


def _unsafe_case(
    conditions: Sequence[Condition], low: Floats, high: Floats, n_outputs: int
) -> UnsafeCase:
    low, high = low.copy(), high.copy()
    rows: list[Condition] = []
    for condition in conditions:
        weights = {name: w for name, w in condition.expression.weights.items() if w}
        name = next(iter(weights), "")
        if (
            len(weights) == 1
            and name[0] == "x"
            and not condition.strict
            and abs(weights[name]) == 1
        ):
            j, bound = int(name[1:]), -condition.expression.constant * weights[name]
            if weights[name] > 0:
                low[j] = max(low[j], bound)
            else:
                high[j] = min(high[j], bound)
        else:
            rows.append(condition)
    W = {"x": np.zeros((len(rows), len(low))), "y": np.zeros((len(rows), n_outputs))}
    for r, row in enumerate(rows):
        for name, weight in row.expression.weights.items():
            W[name[0]][r, int(name[1:])] = weight
    constants = np.array([row.expression.constant for row in rows])
    strict = np.array([row.strict for row in rows], dtype=bool)
    return UnsafeCase(low, high, W["x"], W["y"], constants, strict)
