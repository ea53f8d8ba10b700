"""Options that every locator takes, checked the same way wherever they enter."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from ..errors import DataError


def whole_number(name: str, value: Any, least: int) -> int:
    """`value` if it is a whole number of at least `least`, else DataError."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise DataError(f"{name}={value!r}: expected a whole number of at least {least}.")
    return int(value)


def nonnegative(name: str, value: Any) -> float:
    """`value` if it is a finite number of at least 0, else DataError."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not 0 <= float(value) < np.inf:
        raise DataError(f"{name}={value!r}: expected a finite number of at least 0.")
    return float(value)
