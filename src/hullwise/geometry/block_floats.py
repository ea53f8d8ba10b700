"""Block floating point: rows of numbers that share an exponent, for sizes beyond those of floats.

A row is ``Z * 2**exponent`` with entries of Z below 1 in size. Squares and sums of such entries
neither overflow nor lose what matters; what is too small to be seen is below 2**-1000 of its row.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.types import Floats, Ints

NO_EXPONENT = -(1 << 20)  # of zero: below every other
LEAST_NORMAL = 2.0**-1022
SUBNORMAL_STEP = 2.0**-1074
SAFE_NORM = 2.0**480  # the square of a norm below it is finite, that of one above 1 / it is normal


def with_row_exponents(V: Floats, column_exponents: Any = 0) -> tuple[Floats, Ints]:
    """(Z, e) with V[i, j] * 2**c[j] = Z[i, j] * 2**e[i], the largest |Z| of a row in [0.5, 1)."""
    digits, exponents = np.frexp(V)
    exponents = np.where(digits == 0, NO_EXPONENT, exponents + column_exponents)
    top = exponents.max(axis=1, initial=NO_EXPONENT)
    top = np.where(top == NO_EXPONENT, 0, top)
    return np.ldexp(digits, np.maximum(exponents - top[:, None], -2000)), top


def row_norms(V: Floats) -> Floats:
    """Euclidean length of each row; squares that would leave the floats are scaled first."""
    norms = np.asarray(np.sqrt(np.einsum("ij,ij->i", V, V)))
    least, largest = norms.min(initial=1.0), norms.max(initial=1.0)
    if least > 1 / SAFE_NORM and largest < SAFE_NORM:
        return norms
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        extreme = ~((norms > 1 / SAFE_NORM) & (norms < SAFE_NORM))
        Z, exponents = with_row_exponents(V[extreme])
        norms[extreme] = np.ldexp(np.sqrt(np.einsum("ij,ij->i", Z, Z)), exponents)
    return norms


def float_below(values: Floats, exponents: Any) -> Floats:
    """The largest float that is certainly at most values * 2**exponents, for values of at least 0.

    One below the least normal number is taken a step down, since it may have been rounded up.
    """
    with np.errstate(over="ignore", under="ignore"):
        result = np.ldexp(values, exponents)
    result = np.minimum(result, np.finfo(np.float64).max)
    return np.asarray(np.where(result < LEAST_NORMAL, np.nextafter(result, 0.0), result))


def float_above(values: Floats, exponents: Any) -> Floats:
    """A float that is certainly at least values * 2**exponents; infinite beyond the floats."""
    with np.errstate(over="ignore", under="ignore"):
        result = np.ldexp(values, exponents)
    subnormal = (result < LEAST_NORMAL) & (values > 0)
    return np.asarray(np.where(subnormal, np.nextafter(result, np.inf), result))
