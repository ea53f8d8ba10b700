"""Linear relations that all training rows obey, in the table's own columns.

Rows that span a flat obey as many relations as the flat lacks dimensions. They are read off the
orthogonal complement of the flat, reduced until each involves few columns, and written with whole
numbers where these hold: columns that always sum to 1, a column that is the sum of others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._core.types import Array, Floats, Indices
from .cloud import Cloud

MOST_RELATED_FEATURES = 2000  # beyond that many the complement is not reduced
NEGLIGIBLE_COEFFICIENT = 1e-7  # of the largest, columns in units of their own range
WHOLE_NUMBER_TOLERANCE = 1e-6
LARGEST_WHOLE_COEFFICIENT = 1000.0
RELATION_SLACK = 1e-9  # of the columns' ranges
RELATION_SAMPLE = 2000  # rows that a relation is checked on
MOST_TERMS = 6  # written out


@dataclass(frozen=True, eq=False)
class LinearRelation:
    """``sum_k coefficients[k] * x[columns[k]] == constant`` for every training row.

    `slack` is how far rounding may take a row of the training rows' size from it.
    """

    columns: Indices
    coefficients: Floats
    constant: float
    slack: float

    def excess(self, Q: Array) -> Floats:
        """By how much each query (m, d) is off: the sum less the constant."""
        return np.asarray(Q[:, self.columns] @ self.coefficients) - self.constant

    def breaks(self, Q: Array) -> Floats:
        """The excess of each query in units of what rounding allows: above 1 it is broken."""
        rounding = 1e-13 * np.abs(Q[:, self.columns]) @ np.abs(self.coefficients)
        return np.asarray(np.abs(self.excess(Q)) / (self.slack + rounding + 1e-300))

    def text(self, names: Sequence[str]) -> str:
        """The relation in words, such as ``c = a + b`` or ``x, y, ... always sum to 1``."""
        own = [names[j] for j in self.columns]
        if self.is_sum:
            listed = ", ".join(own[:2]) + (", ..." if len(own) > 3 else "")
            listed += f", {own[2]}" if len(own) == 3 else ""
            return f"{listed} always sum to {self.constant:.6g}"
        target = self.target
        rest = [k for k in range(len(own)) if k != target]
        terms = [(-self.coefficients[k] / self.coefficients[target], own[k]) for k in rest]
        written = _sum_text(terms[:MOST_TERMS], len(terms) > MOST_TERMS)
        constant = self.constant / self.coefficients[target]
        if constant:
            written += f" {'-' if constant < 0 else '+'} {abs(constant):.6g}"
        return f"{own[target]} = {written}"

    def here(self, query: Array) -> str:
        """What the relation is at one query (d,)."""
        excess = float(self.excess(query[None])[0])
        if self.is_sum:
            return f"here {_rounded(self.constant + excess, self.slack):.6g}"
        return f"here off by {self.amount(excess):.4g}"

    def amount(self, excess: float) -> float:
        """An excess in units of the sum, or of the column that the relation is solved for."""
        return excess if self.is_sum else excess / float(self.coefficients[self.target])

    @property
    def is_sum(self) -> bool:
        """Whether all columns count alike."""
        return bool((self.coefficients == self.coefficients[0]).all()) and len(self.columns) > 1

    @property
    def target(self) -> int:
        """The place of the column that the relation is solved for: the last that counts once."""
        once = np.flatnonzero(np.abs(self.coefficients) == np.abs(self.coefficients).min())
        signs = np.sign(self.coefficients[once])
        alone = once[[int((np.sign(self.coefficients) == s).sum()) == 1 for s in signs]]
        return int(alone[-1] if len(alone) else once[-1])


def relations_of(cloud: Cloud) -> tuple[LinearRelation, ...]:
    """The relations of a cloud, found once."""
    return cloud.cached("linear relations", lambda: linear_relations(cloud))


def linear_relations(cloud: Cloud) -> tuple[LinearRelation, ...]:
    """The relations of a cloud's rows, sparsest first; none where the rows are too few to have any.

    O(d^2 (d - r)) for a flat of dimension r, after one look at a sample of the rows. Features that
    never vary are left out: they are constants, no relations.
    """
    flat, vary = cloud.flat, np.flatnonzero(cloud.minimum < cloud.maximum)
    too_few = cloud.rank >= cloud.n - 1  # any n rows span no more than n - 1 dimensions
    if flat.directions is None or too_few or not len(vary) or cloud.d > MOST_RELATED_FEATURES:
        return ()
    directions = flat.directions[vary]
    complement = np.linalg.qr(directions, mode="complete")[0][:, directions.shape[1] :].T
    scale = (flat.frame.prescale * flat.frame.factor)[vary]
    half = (cloud.maximum / 2 - cloud.minimum / 2)[vary] * scale
    sample = cloud.take(cloud.sample(RELATION_SAMPLE))[:, vary].astype(np.float64)
    relations = []
    for row in _reduced(complement * half):
        parts = np.abs(row) > NEGLIGIBLE_COEFFICIENT * np.abs(row).max(initial=0.0)
        if parts.sum() < 2:
            continue
        columns = np.flatnonzero(parts)
        coefficients = _whole(row[columns] / half[columns] * scale[columns])
        values = sample[:, columns] @ coefficients
        constant = float(np.median(values))
        width = (cloud.maximum / 2 - cloud.minimum / 2)[vary][columns]
        slack = RELATION_SLACK * float(np.abs(coefficients) @ width)
        if abs(constant - round(constant)) <= slack:
            constant = float(round(constant))
        if np.abs(values - constant).max() <= 1e3 * slack:
            relations.append(LinearRelation(vary[columns], coefficients, constant, slack))
    return tuple(sorted(relations, key=lambda one: len(one.columns)))


def _reduced(A: Floats) -> Floats:
    """The rows of A (k, d) reduced so that each has a column of its own: Gauss-Jordan."""
    A, pivots = A.copy(), []
    for i in range(len(A)):
        rest = np.abs(A[i:])
        at = np.unravel_index(int(rest.argmax()), rest.shape)
        row, column = i + int(at[0]), int(at[1])
        if A[row, column] == 0:
            return A[:i]
        A[[i, row]] = A[[row, i]]
        A[i] /= A[i, column]
        others = np.arange(len(A)) != i
        A[others] -= np.outer(A[others, column], A[i])
        pivots.append(column)
    return A


def _whole(coefficients: Floats) -> Floats:
    """The same relation with whole coefficients, where small ones do; else the largest is 1."""
    for size in np.unique(np.abs(coefficients)):
        for times in (1, 2, 3, 4, 5, 6, 10):
            scaled = coefficients / size * times
            whole = np.round(scaled)
            near = np.abs(scaled - whole) <= WHOLE_NUMBER_TOLERANCE
            small = np.abs(whole) <= LARGEST_WHOLE_COEFFICIENT
            if (near & small & (whole != 0)).all():
                return np.asarray(whole * np.sign(whole[0]))
    return np.asarray(coefficients / coefficients[np.abs(coefficients).argmax()])


def _rounded(value: float, slack: float) -> float:
    """0 where no more than rounding is left of it."""
    return 0.0 if abs(value) <= slack else value


def _sum_text(terms: Sequence[tuple[float, str]], more: bool) -> str:
    text = ""
    for weight, name in terms:
        size = "" if abs(weight) == 1 else f"{abs(weight):.6g} "
        sign = "-" if weight < 0 else "+"
        text += f" {sign} {size}{name}" if text else f"{'-' if weight < 0 else ''}{size}{name}"
    return text + (" + ..." if more else "")
