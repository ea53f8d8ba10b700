"""Columns that count the rows: left in a table by habit, and no features."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import DataWarning, Hint

ROW_NUMBER_NAME: Final = re.compile(
    r"(unnamed: ?\d+(_level_\d+)?|index|level_\d+|row|(rows?|rec(ord)?|obs)?[ _.-]?"
    r"(id|no|nr|num|number|names?|index)|rownum|rownames|#)\.?",
    re.IGNORECASE,
)
MIN_COUNTED_ROWS: Final = 3


def row_number_columns(values: NDArray[Any], columns: Sequence[str]) -> list[str]:
    """The columns whose names say that they may count the rows, and which do so.

    Examples
    --------
    >>> row_number_columns(np.array([[0, 5.0], [1, 5.0], [2, 5.0]]), ["Unnamed: 0", "a"])
    ['Unnamed: 0']
    """
    if len(values) < MIN_COUNTED_ROWS:
        return []
    names = [c for c in columns if ROW_NUMBER_NAME.fullmatch(c.strip())]
    return [c for c in names if _counts(values[:, columns.index(c)])]


def warn_of_row_numbers(
    values: NDArray[Any], columns: Sequence[str], name: str, stacklevel: int
) -> None:
    """Say of each column that counts the rows that it is taken for a feature."""
    for column in row_number_columns(values, columns):
        first, last = (float(v) for v in values[[0, -1], columns.index(column)])
        warnings.warn(
            DataWarning(
                f"{name}: column {column!r} counts the rows ({first:g}, {first + 1:g} to {last:g}) "
                "and is taken for a feature",
                hint=Hint.ROW_NUMBERS,
                value=repr(column),
            ),
            stacklevel=stacklevel + 1,
        )


def _counts(column: NDArray[Any]) -> bool:
    if column.dtype.kind not in "iuf" or float(column[0]) not in (0.0, 1.0):
        return False
    return bool((column == column[0] + np.arange(len(column))).all())
