"""The rows asked about: checked against the training rows, with their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.results import UNNAMED_ROWS, RowNames
from .._core.types import Mask
from ..errors import DataError
from ..io.coercion import dense_if_it_fits
from ..io.numeric_table import BadRows
from ..io.validation import check_rows, rows_in_memory
from .cloud import MAX_MAGNITUDE, Cloud


@dataclass(frozen=True, eq=False)
class Queries:
    """Rows (m, d) of their own float type.

    `unusable` says of rows with missing or infinite values what they hold.
    """

    values: NDArray[Any]
    row_names: RowNames = UNNAMED_ROWS
    unusable: Mapping[int, str] = field(default_factory=dict)

    @property
    def usable(self) -> Mask:
        """(m,) the rows that can be located."""
        mask = np.ones(len(self.values), dtype=bool)
        mask[list(self.unusable)] = False
        return mask


def read_queries(cloud: Cloud, Q: Any, *, bad_rows: BadRows = "refuse") -> Queries:
    """Queries with the features of a cloud: a table with names has them in any order.

    Raises
    ------
    DataError, DataTypeError
        For rows that cannot be used, saying where, and for missing or additional columns.
    """
    if bad_rows not in ("refuse", "keep"):
        raise DataError(f"bad_rows={bad_rows!r}: expected 'refuse' or 'keep'.")
    if isinstance(Q, str | PathLike):
        from ..io.table_reader import read_table

        Q = read_table(Q, columns=cloud.columns, bad_rows=bad_rows)
    Q = dense_if_it_fits(rows_in_memory(Q, "Q", bad_rows), "Q")
    table = check_rows(
        Q,
        name="Q",
        columns=cloud.columns if hasattr(Q, "columns") else None,
        n_features=cloud.d,
        allow_empty=True,
        by_name=True,
        bad_rows=bad_rows,
    )
    values = table.values
    if values.dtype != np.float32:
        values = values.astype(np.float64, copy=False)
    library = table.frame_library or cloud.frame_library
    queries = Queries(values, RowNames(table.labels, library), table.bad)
    sizes = values[queries.usable] if queries.unusable else values
    if sizes.size and max(-float(sizes.min()), float(sizes.max())) > MAX_MAGNITUDE:
        raise DataError(
            f"Q holds values beyond {MAX_MAGNITUDE:.3g}: differences of such numbers overflow. "
            "Divide that feature by a power of two, in X too."
        )
    return queries
