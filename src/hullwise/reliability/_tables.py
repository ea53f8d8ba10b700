"""Tables as scikit-learn's estimators take them: frames with names, and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..domain.domain import Domain
from ..io.mixed_table import read_mixed
from ..io.validation import check_rows


def named_table(X: Any) -> Any:
    """A table with names; a frame whose columns have none is an array, as scikit-learn has it."""
    columns = getattr(X, "columns", None)
    if columns is None or isinstance(X, np.ndarray):
        return X
    return X if all(isinstance(name, str) for name in columns) else np.asarray(X)


def frame_or_numbers(X: Any) -> Any:
    """A frame with names as it is, anything else as a checked array of numbers."""
    table = named_table(X)
    return table if hasattr(table, "columns") else check_rows(table, allow_empty=True).values


def domain_of(settings: Domain | None, table: Any, **options: Any) -> Domain:
    """An unfitted domain for a table: of the settings, or all numbers where it is an array."""
    if settings is not None:
        return settings.unfitted()
    if hasattr(table, "columns"):
        return Domain(**options)
    return Domain(numbers=read_mixed(table[:1]).names, **options)
