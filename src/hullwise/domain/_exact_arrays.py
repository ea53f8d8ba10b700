"""Arrays of floats as whole numbers times one power of two: what they are, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class ExactArray:
    """Python's whole numbers, of any size, times ``2**exponent``."""

    whole: Any
    exponent: int

    @classmethod
    def of(cls, values: Any) -> ExactArray:
        """Floats, exactly."""
        digits, exponents = np.frexp(np.asarray(values, dtype=np.float64))
        exponents = np.where(digits == 0, 0, exponents - 53)
        low = int(exponents.min(initial=0))
        whole = (digits * 2.0**53).astype(np.int64).astype(object)
        return cls(whole * 2 ** (exponents - low).astype(object), low)

    @property
    def T(self) -> ExactArray:
        """Transposed."""
        return ExactArray(self.whole.T, self.exponent)

    def __getitem__(self, at: Any) -> ExactArray:
        return ExactArray(self.whole[at], self.exponent)

    def __mul__(self, other: ExactArray) -> ExactArray:
        return ExactArray(self.whole * other.whole, self.exponent + other.exponent)

    def __matmul__(self, other: ExactArray) -> ExactArray:
        return ExactArray(self.whole @ other.whole, self.exponent + other.exponent)

    def __sub__(self, other: ExactArray) -> ExactArray:
        mine, its, low = self._aligned(other)
        return ExactArray(mine - its, low)

    def sum(self) -> ExactArray:
        """The sum of all numbers."""
        return ExactArray(self.whole.sum(), self.exponent)

    def at_least(self, other: ExactArray) -> bool:
        """Whether every number is at least the other one."""
        mine, its, _ = self._aligned(other)
        return bool(np.all(mine >= its))

    @property
    def all_positive(self) -> bool:
        """Whether every number is above 0."""
        return bool(np.all(self.whole > 0))

    def _aligned(self, other: ExactArray) -> tuple[Any, Any, int]:
        low = min(self.exponent, other.exponent)
        mine, its = (one.whole * 2 ** (one.exponent - low) for one in (self, other))
        return mine, its, low
