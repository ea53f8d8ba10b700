"""The column that is to be predicted, or that a metric is learnt from: numbers, or labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError
from ..io.table_reader import OpenTable, read_rows
from ._input import Plan


def holds_numbers(table: OpenTable, target: str) -> bool:
    """Whether a target can be read as numbers, some of them missing."""
    try:
        read_rows(table, columns=[target], bad_rows="keep")
    except FileError:
        return False
    return True


def target_labels(table: OpenTable, target: str, pairs: Plan) -> NDArray[np.str_]:
    """The labels as text, "" where missing."""
    feature = next(c for c in pairs.features if c in table.names)
    ids = read_rows(table, columns=[feature], id_column=target, bad_rows="keep").ids
    assert ids is not None  # a column was named
    return np.array([_label(value) for value in ids.tolist()], dtype=str)


def _label(value: Any) -> str:
    """A label as text; a whole number is the same label in a CSV file and as a float."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()
