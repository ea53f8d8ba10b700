"""Which rows half-spaces prove outside, how far at least, and by which rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.results import UNNAMED_ROWS, Column, RowNames, RowResult
from .._core.types import Array, Floats, Indices, Mask, Objects
from ..errors import DataError
from ..geometry.bands import BANDS
from ..geometry.verdict import Verdict
from ._rule_texts import rule_text

if TYPE_CHECKING:
    from .half_spaces import HalfSpaces


@dataclass(frozen=True, eq=False, repr=False)
class HalfSpaceLocation(RowResult):
    """What half-spaces prove of each of m rows.

    Attributes
    ----------
    rules : HalfSpaces
    proved_outside : (m,) bool
        Outside the hull of the training rows, beyond doubt. False says nothing.
    lower : (m,) float64
        Lower bound of the distance to the hull, in the columns that the row has; 0 where nothing is
        proved.
    rule : (m,) int
        The rule that proves it (`HalfSpaces` says how they are numbered), -1 for none.
    band_at_least : (m,) object
        The band that the row is in at least; core says nothing. A level never seen is far.
    unseen : (m, C) bool
        Columns that hold a level never seen, or differ from a constant.

    Examples
    --------
    >>> import hullwise as hw
    >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(20, 60)]
    >>> rules = hw.Domain().fit(rows).half_spaces()
    >>> located = rules.locate([{"job": "smith", "age": 41}, {"job": "clerk", "age": 95}])
    >>> located.band_at_least, located.by[0]
    (array(['far', 'far'], dtype=object), "job 'smith' was never seen in 80 training rows...")
    """

    rules: HalfSpaces
    proved_outside: Mask
    lower: Floats
    rule: Indices
    band_at_least: Objects
    unseen: Mask
    values: Floats
    cells: dict[str, Any]
    row_names: RowNames = UNNAMED_ROWS

    def __len__(self) -> int:
        return len(self.lower)

    def __repr__(self) -> str:
        n = int(self.proved_outside.sum())
        rows = "row" if len(self) == 1 else "rows"
        return (
            f"HalfSpaceLocation({len(self)} {rows}: {n} proved outside, {len(self) - n} not proved)"
        )

    @property
    def verdict(self) -> Array:
        """(m,) -1 where a row is proved outside, else 0: undecided."""
        return np.where(self.proved_outside, Verdict.OUTSIDE, Verdict.UNDECIDED).astype(np.int8)

    @property
    def by(self) -> list[str]:
        """(m,) the rule that proves a row outside, in words; "" where none does."""
        return [rule_text(self, row) for row in range(len(self))]

    @property
    def status(self) -> list[str]:
        """(m,) a sentence for each row."""
        return [
            f"proved outside: {by}." if outside else "not proved outside: no rule is broken."
            for outside, by in zip(self.proved_outside, self.by)
        ]

    def at_least(self, condition: str) -> Mask:
        """(m,) rows that are proved to be in this band or a worse one, or "outside".

        Raises
        ------
        DataError
            There is no such band.
        """
        if condition == "outside":
            return self.proved_outside
        if condition not in BANDS:
            raise DataError(f"condition={condition!r}: expected one of {', '.join(BANDS)}, outside")
        return np.isin(self.band_at_least, BANDS[BANDS.index(condition) :])

    def _take(self, rows: Indices) -> HalfSpaceLocation:
        return replace(
            self,
            proved_outside=self.proved_outside[rows],
            lower=self.lower[rows],
            rule=self.rule[rows],
            band_at_least=self.band_at_least[rows],
            unseen=self.unseen[rows],
            values=self.values[rows],
            cells={name: labels.take(rows) for name, labels in self.cells.items()},
            row_names=self.row_names.take(rows),
        )

    def _columns(self) -> Mapping[str, Column]:
        return {
            "verdict": ["outside" if outside else "undecided" for outside in self.proved_outside],
            "band_at_least": self.band_at_least,
            "lower": self.lower,
            "rule": self.rule,
            "by": self.by,
        }
