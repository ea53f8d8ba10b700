"""Columns of pandas that Arrow cannot hold as they are: cells of several types, and intervals."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from ..errors import DataTypeError
from .mixed_column import number_label


def plain_columns(frame: Any, name: str) -> Any:
    """The frame, with columns of several types made numbers or text.

    Numbers beside text are written as text: which of the two is wrong, the reader of text says.

    Raises
    ------
    DataTypeError
        A column holds what is no cell, such as lists beside numbers.
    """
    import pandas as pd

    changed = {}
    for column in frame.columns:
        cells = frame[column]
        if isinstance(cells.dtype, pd.CategoricalDtype):
            if isinstance(cells.cat.categories.dtype, pd.IntervalDtype | pd.PeriodDtype):
                changed[column] = cells.cat.rename_categories(cells.cat.categories.astype(str))
        elif isinstance(cells.dtype, pd.IntervalDtype):
            changed[column] = cells.astype(str).mask(cells.isna())
        elif cells.dtype == object:
            one_type = _of_one_type(cells, f"{name}: column {column!r}")
            if one_type is not None:
                changed[column] = one_type
    return frame.assign(**changed) if changed else frame


def _of_one_type(cells: Any, place: str) -> Any:
    """The cells as one type; None where they are of one already, as far as Arrow minds."""
    filled = cells[cells.notna().to_numpy()]
    types = {type(cell) for cell in filled}
    if len(types) < 2 or all(issubclass(one, str) for one in types):
        return None
    if all(issubclass(one, datetime.date | np.datetime64) for one in types):
        return None
    if all(issubclass(one, bool | np.bool_ | int | float | np.number | Decimal) for one in types):
        return cells.astype(np.float64)
    words = (str, bool, np.bool_, int, float, np.number, Decimal, datetime.date)
    strange = [(row, cell) for row, cell in filled.items() if not isinstance(cell, words)]
    if strange:
        row, cell = strange[0]
        raise DataTypeError(
            f"{place} holds {type(cell).__name__} in row {row}, beside other cells: make each "
            "column numbers, text, booleans or dates."
        )
    return cells.map(_as_text, na_action="ignore")


def _as_text(cell: Any) -> str:
    if isinstance(cell, bool | np.bool_ | str | datetime.date):
        return str(cell)
    return number_label(float(cell)) if abs(cell) < 2**53 else str(cell)
