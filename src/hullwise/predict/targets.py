"""Targets as they are given: nothing that is missing may pass for a number."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.types import Floats
from ..errors import DataError
from ..io.validation import check_rows, check_target


def refuse_masked(values: Any, name: str = "y") -> None:
    """DataError for a masked array that hides something: NumPy would use what is under the mask."""
    if np.ma.is_masked(values):
        masked = np.argwhere(np.ma.getmaskarray(values))
        raise DataError(
            f"{name} is a masked array with {len(masked)} masked value(s), first in row "
            f"{masked[0][0]} (counted from 0): a mask means missing, as NaN does. Fill them in "
            f"({name}.filled(...)) or drop those rows."
        )


def read_numbers(y: Any, n: int) -> Floats:
    """Targets (n,) or (n, k) as float64, exactly; an object array may hold numbers."""
    refuse_masked(y)
    target = check_target(y, n)
    text = target.dtype.kind == "O" and any(isinstance(value, str) for value in target.ravel())
    if text or target.dtype.kind not in "buifO":
        raise DataError(
            f"Unknown label type: y holds {target.dtype}, a regressor needs numbers. For class "
            "labels wrap it, as in MixtureClassifier(DelaunayRegressor())."
        )
    values = check_rows(target.reshape(n, -1), name="y").values
    return values.reshape(target.shape).astype(np.float64)
