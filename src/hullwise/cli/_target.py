"""The columns that are to be predicted, or that a metric is learnt from: numbers, or labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError
from ..io.table_reader import OpenTable, read_ids, read_rows


def holds_numbers(table: OpenTable, columns: Sequence[str]) -> bool:
    """Whether columns can be read as numbers, some of them missing."""
    try:
        read_rows(table, columns=columns, bad_rows="keep")
    except FileError:
        return False
    return True


def read_labels(table: OpenTable, column: str) -> NDArray[np.str_]:
    """The labels of a column as text, "" where missing."""
    return np.array([_label_text(value) for value in read_ids(table, column).tolist()], dtype=str)


def _label_text(value: Any) -> str:
    """A label as text; a whole number is the same label in a CSV file and as a float."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()
