"""The rows that a domain was asked for, as they came."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .._core.types import Indices
from ..io.mixed_table import MixedTable

if TYPE_CHECKING:
    from .fitted_table import FittedTable


@dataclass(frozen=True, eq=False)
class NewRows:
    """Rows of a table, and what they were located in.

    Attributes
    ----------
    fitted : FittedTable
    table : MixedTable
        The table that they are rows of.
    rows : (m,) int
        Their numbers in it.
    """

    fitted: FittedTable
    table: MixedTable
    rows: Indices

    def take(self, rows: Indices) -> NewRows:
        """Some of them."""
        return replace(self, rows=self.rows[rows])
