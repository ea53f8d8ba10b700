"""Checks of numeric options, the same wherever an option enters."""

from __future__ import annotations

import re
from numbers import Integral, Real
from typing import Any

import numpy as np

from ..errors import DataError

SIZE_UNITS = {"": 1, "b": 1, "bytes": 1} | {
    f"{prefix}{infix}b": (1024 if infix else 1000) ** power
    for power, prefix in enumerate("kmgt", 1)
    for infix in ("", "i")
}
SIZE_TEXT = re.compile(
    r"(\d+(?:\.\d*)?|\.\d+)\s*(|b|bytes|[kmgt]i?b)", flags=re.IGNORECASE | re.ASCII
)


def check_int(name: str, value: Any, minimum: int) -> int:
    """`value` if it is a whole number of at least `minimum`, else DataError."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < minimum:
        raise DataError(f"{name}={value!r}: expected a whole number of at least {minimum}.")
    return int(value)


def check_nonnegative(name: str, value: Any) -> float:
    """`value` if it is a finite number of at least 0, else DataError."""
    number = _as_float(value)
    if not 0 <= number < np.inf:
        raise DataError(f"{name}={_shown(value)}: expected a finite number of at least 0.")
    return number


def check_positive(name: str, value: Any) -> float:
    """`value` if it is a finite number above 0, else DataError."""
    number = _as_float(value)
    if not 0 < number < np.inf:
        raise DataError(f"{name}={_shown(value)}: expected a finite number above 0.")
    return number


def check_fraction(name: str, value: Any, *, ends: bool) -> float:
    """`value` if it is a number from 0 to 1, the two included if `ends`, else DataError."""
    number = _as_float(value)
    if not 0 <= number <= 1 or (not ends and number in (0, 1)):
        raise DataError(
            f"{name}={_shown(value)}: expected a number "
            f"{'from 0 to 1' if ends else 'between 0 and 1'}."
        )
    return number


def check_size(name: str, value: Any, minimum: int) -> int:
    """Bytes from a whole number or text such as "2 GB", at least `minimum`, else DataError."""
    size: Any = value
    if isinstance(value, str):
        match = SIZE_TEXT.fullmatch(value.strip())
        number, unit = match.groups() if match else ("", "")
        size = int(float(number) * SIZE_UNITS[unit.lower()]) if match else None
    elif isinstance(value, float) and value.is_integer():
        size = int(value)
    if isinstance(size, bool) or not isinstance(size, Integral) or size < minimum:
        raise DataError(
            f"{name}={_shown(value)}: expected bytes, as a number or as text such as '2 GB', at "
            f"least {minimum:,}."
        )
    return int(size)


def _as_float(value: Any) -> float:
    """NaN for what is no number, infinity for whole numbers that are none of float64's."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return np.nan
    try:
        return float(value)
    except OverflowError:
        return np.inf


def _shown(value: Any) -> str:
    """The value as Python writes it, cut where that would fill a page."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
