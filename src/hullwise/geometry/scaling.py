"""The coordinates in which the solvers work, and the way back.

Every cloud is centred and scaled by powers of two before anything is computed: that alone
cures offsets of 1e12 and scales of 1e+-300. A metric is one more linear map on top, so the
solvers see plain Euclidean points and never ask which metric is in force.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Array, Floats, Ints, Singles
from .block_floats import NO_EXPONENT, with_row_exponents

if TYPE_CHECKING:
    from .metric import Metric

__all__ = [
    "Frame",
    "columnwise_frame",
    "identity_frame",
    "metric_frame",
    "power_of_two_exponents",
    "prescales",
]

FAR_EXPONENT = 200  # a query of more than 2**200 in a frame has an exponent of its own


@dataclass(frozen=True, eq=False)
class Frame:
    """z = ((x * prescale - shift * prescale) * factor) [@ matrix].

    `prescale` (d,) is 1 or, for features of extreme size, a power of two. A distance in the metric
    is 2**exponent times the one between the z.
    """

    shift: Floats
    prescale: Floats
    factor: Floats
    matrix: Floats | None
    exponent: int

    @property
    def rank(self) -> int:
        """Number of coordinates of z."""
        return len(self.factor) if self.matrix is None else self.matrix.shape[1]

    @property
    def is_prescaled(self) -> bool:
        """Whether some feature is of extreme size."""
        return bool((self.prescale != 1).any())

    @property
    def fits_float32(self) -> bool:
        """Whether float32 can map rows by itself: a plain scaling well within its range."""
        used = np.abs(self.factor[self.factor != 0])
        is_diagonal = self.matrix is None and not self.is_prescaled
        return is_diagonal and bool(((used > 2.0**-100) & (used < 2.0**100)).all())

    def map(self, X: Array) -> Floats:
        """Rows of X in the frame's coordinates, float64."""
        Z = X.astype(np.float64)
        if self.is_prescaled:
            Z *= self.prescale
            Z -= self.shift * self.prescale
        else:
            Z -= self.shift
        Z *= self.factor
        return Z if self.matrix is None else Z @ self.matrix

    def map_queries(self, Q: Array) -> tuple[Floats, Ints]:
        """(Z, e): queries are Z * 2**e in the frame, e = 0 but for those far beyond its unit."""
        with np.errstate(over="ignore", invalid="ignore"):
            Z = self.map(Q)
            far = ~(np.abs(Z).max(axis=1, initial=0.0) <= 2.0**FAR_EXPONENT)
        exponents = np.zeros(len(Z), dtype=np.int64)
        if far.any():
            Z[far], exponents[far] = self._map_far(Q[far].astype(np.float64))
        return Z, exponents

    def _map_far(self, Q: Floats) -> tuple[Floats, Ints]:
        factor, exponents = np.frexp(self.factor)
        exponents = np.where(factor == 0, NO_EXPONENT, exponents + _log2(self.prescale))
        Z, top = with_row_exponents(Q - self.shift, exponents)
        Z = Z * factor
        if self.matrix is not None:
            Z = Z @ self.matrix
        Z, moved = with_row_exponents(Z)
        exponents = np.maximum(top + moved - FAR_EXPONENT, 0)
        return np.ldexp(Z, np.maximum(top + moved - exponents, -2000)[:, None]), exponents

    def map_float32(self, X: Array) -> Singles:
        """The same in float32, without leaving float32 where the rows themselves are that short."""
        if self.fits_float32 and _fits_float32(X.dtype):
            Z = X.astype(np.float32)
            Z -= self.shift.astype(np.float32)
            Z *= self.factor.astype(np.float32)
            return Z
        return self.map(X).astype(np.float32)

    def distance(self, length: Floats, exponents: Ints | None = None) -> Floats:
        """Lengths in the frame as lengths in the metric; those of a query have its exponent."""
        own = 0 if exponents is None else exponents.reshape(-1, *[1] * (length.ndim - 1))
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(np.ldexp(length, self.exponent + own))


def prescales(largest: Floats) -> Floats:
    """1, or the power of two that brings features of extreme size (d,) to where squares exist."""
    extreme = (largest > 0) & ~((largest > 1e-100) & (largest < 1e100))
    exponents = np.clip(-np.frexp(largest)[1], -1022, 1022)
    return np.where(extreme, np.ldexp(1.0, exponents), 1.0)


def metric_frame(metric: Metric, centre: Floats, prescale: Floats, reach: Floats) -> Frame:
    """Coordinates in which `metric` is Euclidean and entries are at most about 1.

    `reach` (d,) bounds |x - centre| * prescale feature by feature.
    """
    unscale = -_log2(prescale)
    if metric.factor is None:
        reached, exponents = np.frexp(reach)
        scaled_roots = (reached * metric.root)[None, :]  # reached is at least 1 / 2
        exponent = int(with_row_exponents(scaled_roots, exponents + unscale)[1][0])
        with np.errstate(over="ignore", under="ignore"):
            factor = np.ldexp(metric.root, unscale - exponent)
        return Frame(centre, prescale, np.minimum(factor, 2.0**1000), None, exponent)
    # each feature in its own power of two: units of very different sizes keep their digits
    column = power_of_two_exponents(reach)
    digits, exponents = np.frexp(metric.factor)
    exponents = np.where(digits == 0, NO_EXPONENT, exponents + column + unscale)
    top = int(exponents.max(initial=NO_EXPONENT))
    scaled = np.ldexp(digits, np.maximum(exponents - top, -2000))
    largest = float((np.abs(scaled) @ np.ldexp(reach, -column)).max(initial=0.0))
    moved = int(np.frexp(largest)[1])
    matrix = np.ldexp(scaled, -moved).T
    return Frame(centre, prescale, np.ldexp(1.0, -column), matrix, top + moved)


def identity_frame(d: int) -> Frame:
    """Coordinates that are the numbers themselves."""
    return Frame(np.zeros(d), np.ones(d), np.ones(d), None, 0)


def columnwise_frame(centre: Floats, prescale: Floats, reach: Floats) -> Frame:
    """Coordinates in which every feature has its own power-of-two scale (no metric at all)."""
    factor = np.ldexp(1.0, -power_of_two_exponents(reach))
    return Frame(centre, prescale, factor, None, 0)


def _fits_float32(dtype: np.dtype[np.generic]) -> bool:
    """Whether every value of this type is a float32 exactly."""
    return dtype.itemsize <= (4 if dtype.kind == "f" else 2)


def power_of_two_exponents(values: Floats) -> Ints:
    """Exponents e with |value| <= 2**e (0 for zeros), none so small that 2**-e overflows."""
    exponent = np.frexp(values)[1]
    return np.where(values == 0, 0, np.maximum(exponent, -1020))


def _log2(powers: Floats) -> Ints:
    return np.frexp(powers)[1] - 1
