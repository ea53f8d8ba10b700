"""Checks of numeric options, the same wherever an option enters."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from ..errors import DataError


def check_int(name: str, value: Any, minimum: int) -> int:
    """`value` if it is a whole number of at least `minimum`, else DataError."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < minimum:
        raise DataError(f"{name}={value!r}: expected a whole number of at least {minimum}.")
    return int(value)


def check_nonnegative(name: str, value: Any) -> float:
    """`value` if it is a finite number of at least 0, else DataError."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not 0 <= float(value) < np.inf:
        raise DataError(f"{name}={value!r}: expected a finite number of at least 0.")
    return float(value)
