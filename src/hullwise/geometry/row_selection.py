"""Rows selected as not like the training rows, at a false discovery rate.

A conformal p-value ranks a row among training rows left out: (1 + #{left out rows at least as far
out}) / (r + 1). P-values of many new rows share that reference, so they depend on one another, but
positively: the step-up rule of Benjamini and Hochberg (1995) then holds its rate (Bates, Candes,
Lei, Romano and Sesia 2023).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .._core.options import check_fraction
from .._core.results import UNNAMED_ROWS, Column, RowNames, RowResult
from .._core.types import Floats, Indices, Mask


@dataclass(frozen=True, eq=False, repr=False)
class RowSelection(RowResult):
    """The new rows, or whole groups of them, that are not like the training rows.

    If the others are exchangeable with the training rows, the share of rows selected that are like
    the training rows after all is at most `fdr`, on average over training tables and new rows.

    Attributes
    ----------
    fdr : float
        The false discovery rate.
    p_values : (m,) float64
        Of each row; in a group that of the group. NaN for rows without one: these are not selected.
    adjusted_p_values : (m,) float64
        Of Benjamini and Hochberg: the least rate at which a row is selected.
    n_reference : int
        Training rows left out, or groups of them left out whole.
    n_train : int
        How many there are.
    unseen_rate : float
        Share of training rows that alone hold a level: left out, they rank beyond all others.
    group : (m,) int or None
        Groups count once; None where each row stands alone.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> rng = np.random.default_rng(0)
    >>> X, Q = rng.normal(size=(500, 4)), rng.normal(size=(100, 4))
    >>> Q[:10] += 5
    >>> chosen = hw.locate(X, Q).select(fdr=0.1)
    >>> chosen
    RowSelection(10 of 100 rows at a false discovery rate of 0.1)
    >>> chosen.rows
    array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """

    fdr: float
    p_values: Floats
    adjusted_p_values: Floats
    n_reference: int
    n_train: int
    unseen_rate: float = 0.0
    group: Indices | None = None
    row_names: RowNames = UNNAMED_ROWS

    def __len__(self) -> int:
        return len(self.p_values)

    def __repr__(self) -> str:
        return (
            f"RowSelection({self.n_selected:,} of {self._count(self.n_tested)} at a false "
            f"discovery rate of {self.fdr:g})"
        )

    @property
    def mask(self) -> Mask:
        """(m,) rows that are selected."""
        return np.asarray(self.adjusted_p_values <= self.fdr)

    @property
    def rows(self) -> Indices:
        """Their numbers, from 0."""
        return np.flatnonzero(self.mask)

    @cached_property
    def _first_rows(self) -> Indices:
        """A row of each unit that has a p-value: of each group, or each row."""
        there = np.flatnonzero(~np.isnan(self.p_values))
        if self.group is None:
            return there
        _, first = np.unique(self.group[there], return_index=True)
        return np.asarray(there[first])

    @property
    def n_tested(self) -> int:
        """Rows, or groups, with a p-value."""
        return len(self._first_rows)

    @property
    def n_selected(self) -> int:
        """Rows, or groups, that are selected."""
        return int(self.mask[self._first_rows].sum())

    @property
    def least_p_value(self) -> float:
        """That of a row farther out than all rows left out: 1 / (r + 1) without new levels."""
        return self.unseen_rate + (1 - self.unseen_rate) / (self.n_reference + 1)

    @property
    def n_far_needed(self) -> int:
        """How many rows must be farther out than all rows left out for these to be selected."""
        return max(1, int(np.ceil(self.least_p_value * self.n_tested / self.fdr * (1 - 1e-12))))

    def reference_needed(self, n_far: int = 1) -> int | None:
        """How many rows left out it takes to select `n_far` rows that are farther out than all.

        The step-up rule selects k rows of m with p = 1 / (r + 1) where that is at most fdr k / m.
        None where no number is enough, as too many honest rows hold a level never seen.

        Examples
        --------
        >>> import hullwise as hw
        >>> chosen = hw.locate([[0.0], [1.0]], [[k] for k in range(10)]).select(fdr=0.1)
        >>> chosen.reference_needed(), chosen.reference_needed(5)
        (99, 19)
        """
        room = self.fdr * n_far / max(1, self.n_tested) - self.unseen_rate
        if room <= 0:
            return None
        return max(0, int(np.ceil((1 - self.unseen_rate) / room * (1 - 1e-12))) - 1)

    @property
    def text(self) -> str:
        """What was selected in words, and what it would take where nothing could be."""
        if not self.n_tested:
            return f"No {self._unit} has a p-value: nothing was left out to compare it with."
        rate, m = f"a false discovery rate of {self.fdr:g}", self._count(self.n_tested)
        if self.n_selected:
            return (
                f"{self.n_selected:,} of {m} selected at {rate}: of {self._unit}s selected so, at "
                f"most {100 * self.fdr:g} % are like the training {self._unit}s, on average."
            )
        text = f"None of {m} selected at {rate}."
        n_far = int((self.p_values[self._first_rows] <= self.least_p_value * (1 + 1e-12)).sum())
        return text if n_far >= self.n_far_needed else f"{text} {self._what_it_takes(n_far)}"

    def _what_it_takes(self, n_far: int) -> str:
        """How many rows would have to be far out, and how many left out to select one alone."""
        if self.n_far_needed == 1:
            return f"None is farther out than the {self._count(self.n_reference)} left out."
        needed = self.reference_needed()
        alone = f"the {self._count(self.n_train)} there are would not be enough for one alone"
        if needed is not None and needed <= self.n_train:
            alone = f"for one alone, {needed:,} {self._unit}s must be left out (reference=)"
        many = f"at least {self.n_far_needed:,} must be farther out than all of them"
        are = "is" if n_far == 1 else "are"
        if self.n_far_needed > self.n_tested:
            many = "no number of far ones is enough"
        return f"With {self._count(self.n_reference)} left out {many} ({n_far:,} {are}); {alone}."

    @property
    def _unit(self) -> str:
        return "row" if self.group is None else "group"

    def _count(self, n: int) -> str:
        return f"{n:,} {self._unit}{'s' * (n != 1)}"

    def _take(self, rows: Indices) -> RowSelection:
        return replace(
            self,
            p_values=self.p_values[rows],
            adjusted_p_values=self.adjusted_p_values[rows],
            group=None if self.group is None else self.group[rows],
            row_names=self.row_names.take(rows),
        )

    def _columns(self) -> Mapping[str, Column]:
        return {
            "p_value": self.p_values,
            "adjusted_p_value": self.adjusted_p_values,
            "selected": self.mask,
        }


def select_rows(
    p_values: Floats,
    fdr: float,
    *,
    n_reference: int,
    n_train: int,
    unseen_rate: float = 0.0,
    group: Indices | None = None,
    row_names: RowNames = UNNAMED_ROWS,
) -> RowSelection:
    """Select rows by their p-values (m,) at a false discovery rate; whole groups where given."""
    check_fraction("fdr", fdr, ends=False)
    adjusted = np.full(len(p_values), np.nan)
    there = np.flatnonzero(~np.isnan(p_values))
    if len(there):
        from scipy.stats import false_discovery_control  # 40 MB that few calls need

        unit = np.arange(len(there)) if group is None else group[there]
        _, first, back = np.unique(unit, return_index=True, return_inverse=True)
        adjusted[there] = false_discovery_control(p_values[there[first]], method="bh")[back]
    return RowSelection(
        fdr, p_values, adjusted, n_reference, n_train, unseen_rate, group, row_names
    )
