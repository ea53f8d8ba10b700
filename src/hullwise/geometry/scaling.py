"""The coordinates in which the solvers work, and the way back.

Every cloud is centred and scaled by powers of two before anything is computed: that alone
cures offsets of 1e12 and scales of 1e+-300. A metric is one more linear map on top, so the
solvers see plain Euclidean points and never ask which metric is in force.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.types import Array, Floats, Ints, Singles

__all__ = ["Frame", "power_of_two_exponents"]


@dataclass(frozen=True, eq=False)
class Frame:
    """z = ((x * pre - shift * pre) * factor) [@ matrix].

    A distance in the metric is 2**exponent times the one between the z.
    """

    shift: Floats
    prescale: float
    factor: Floats
    matrix: Floats | None
    exponent: int

    @property
    def rank(self) -> int:
        """Number of coordinates of z."""
        return len(self.factor) if self.matrix is None else self.matrix.shape[1]

    @property
    def fits_float32(self) -> bool:
        """Whether float32 can map rows by itself: a plain scaling well within its range."""
        used = np.abs(self.factor[self.factor != 0])
        is_diagonal = self.matrix is None and self.prescale == 1.0
        return is_diagonal and bool(((used > 2.0**-100) & (used < 2.0**100)).all())

    def map(self, X: Array) -> Floats:
        """Rows of X in the frame's coordinates, float64."""
        Z = X.astype(np.float64)
        if self.prescale != 1.0:
            Z *= self.prescale
        Z -= self.shift * self.prescale
        Z *= self.factor
        return Z if self.matrix is None else Z @ self.matrix

    def map_float32(self, X: Array) -> Singles:
        """The same in float32, without leaving float32 where the rows themselves are that short."""
        if self.fits_float32 and _fits_float32(X.dtype):
            Z = X.astype(np.float32)
            Z -= self.shift.astype(np.float32)
            Z *= self.factor.astype(np.float32)
            return Z
        return self.map(X).astype(np.float32)

    def distance(self, length: Floats) -> Floats:
        """Lengths in the frame as lengths in the metric."""
        return np.ldexp(length, self.exponent)


def _fits_float32(dtype: np.dtype[np.generic]) -> bool:
    """Whether every value of this type is a float32 exactly."""
    return dtype.itemsize <= (4 if dtype.kind == "f" else 2)


def power_of_two_exponents(values: Floats) -> Ints:
    """Exponents e with |value| <= 2**e (0 for zeros), none so small that 2**-e overflows."""
    exponent = np.frexp(values)[1]
    return np.where(values == 0, 0, np.maximum(exponent, -1020))
