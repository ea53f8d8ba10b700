"""Functions of one number: value and derivatives at a point, and bounds of them around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from scipy.special import erf

from ..._core.rounding import UNIT_ROUNDOFF
from ..._core.types import Floats
from ..smooth_functions import SmoothFunction

FORMULA_ROUNDOFF = 64 * UNIT_ROUNDOFF  # of the terms of a formula with a few elementary functions
LARGEST_ERF_BEND, LARGEST_ERF_TURN = 0.968, 2.257  # of |erf''| and |erf'''|


class Jet(NamedTuple):
    """f, f', f'' at entries c, and how far each may be off by rounding."""

    value: Floats
    slope: Floats
    bend: Floats
    value_error: Floats
    slope_error: Floats
    bend_error: Floats


class UnaryFunction(Protocol):
    """What a rule needs of f: c (*shape), and D (*shape) how far around it."""

    def jet(self, c: Floats) -> Jet: ...

    def remainders(self, c: Floats, D: Floats, jet: Jet) -> tuple[Floats, Floats]:
        """Bounds, for |z - c| <= D, of what the tangent and the parabola at c are off by."""


def relative_jet(value: Floats, slope: Floats, bend: Floats) -> Jet:
    """Of formulas whose errors are relative to what they give."""
    errors = (FORMULA_ROUNDOFF * np.abs(part) for part in (value, slope, bend))
    return Jet(value, slope, bend, *errors)


def from_derivatives(bend: Floats, turn: Floats, D: Floats) -> tuple[Floats, Floats]:
    """Taylor's bounds of both remainders, from those of |f''| and |f'''| in the range."""
    with np.errstate(all="ignore"):
        first, second = bend * D * D / 2, turn * D * D * D / 6
    return np.nan_to_num(first, nan=np.inf), np.nan_to_num(second, nan=np.inf)


@dataclass(frozen=True)
class SmoothUnit:
    """An activation of which global bounds of the derivatives are known.

    `threshold`: where a softplus of torch becomes a line, times its rate.
    """

    function: SmoothFunction
    threshold: float = np.inf

    def jet(self, c: Floats) -> Jet:
        f, reach = self.function, 1 + np.abs(c)
        limit = max(abs(f.left[1]), abs(f.right[1]), 1.0) + f.steepest
        sizes = (limit, 1 + f.steepest, 1 + f.most_bent)
        errors = (FORMULA_ROUNDOFF * size * reach for size in sizes)
        return Jet(f.value(c), f.slope(c), f.bend(c), *errors)

    def remainders(self, c: Floats, D: Floats, jet: Jet) -> tuple[Floats, Floats]:
        f = self.function
        first, second = from_derivatives(
            np.full_like(c, f.most_bent), np.full_like(c, f.most_turned), D
        )
        crossing = np.zeros(np.shape(c), dtype=bool)
        with np.errstate(invalid="ignore"):
            for t in f.breaks:  # the bend jumps there, and the slope may
                met = np.abs(c - t) <= D * (1 + 2.0**-40) + 2.0**-40
                left, right = f.slope(np.array([t - 2.0**-40, t + 2.0**-40]))
                first = first + np.where(met, (abs(right - left) + 2.0**-38) * D, 0.0)
                crossing |= met
            first = np.fmin(first, (f.steepest + np.abs(jet.slope)) * D)
            parabola = first + np.abs(jet.bend) * D * D / 2
            second = np.where(crossing, parabola, np.fmin(second, parabola))
        return first + self._beyond(c, D), second + self._beyond(c, D)

    def _beyond(self, c: Floats, D: Floats) -> Floats:
        """What a softplus is off by where torch takes a line for it."""
        return np.where(c + D >= self.threshold, np.exp(-20.0), 0.0)


@dataclass(frozen=True)
class Exponential:
    """exp."""

    def jet(self, c: Floats) -> Jet:
        value = np.exp(c)
        return relative_jet(value, value, value)

    def remainders(self, c: Floats, D: Floats, jet: Jet) -> tuple[Floats, Floats]:
        with np.errstate(over="ignore"):
            largest = np.exp(c + D)
        return from_derivatives(largest, largest, D)


@dataclass(frozen=True)
class Power:
    """z^a, for positive z; where a is 2, 3, ... for any z, where it is -1, -2, ... for z != 0."""

    exponent: float

    def _factors(self) -> tuple[float, float, float]:
        a = self.exponent
        return a, a * (a - 1), a * (a - 1) * (a - 2)

    def jet(self, c: Floats) -> Jet:
        a, (first, second, _) = self.exponent, self._factors()
        with np.errstate(all="ignore"):
            return relative_jet(_power(c, a), first * _power(c, a - 1), second * _power(c, a - 2))

    def remainders(self, c: Floats, D: Floats, jet: Jet) -> tuple[Floats, Floats]:
        a, (_, second, third) = self.exponent, self._factors()
        bounds = []
        with np.errstate(all="ignore"):
            near = np.where(a == round(a), np.abs(c), c) - D
            far = np.abs(c) + D
            whole = a == round(a) and a >= 0
            for factor, power in ((second, a - 2), (third, a - 3)):
                if factor == 0:
                    bounds.append(np.zeros_like(c))
                    continue
                end = far if power >= 0 else near
                size = abs(factor) * np.power(end, power)
                bounds.append(np.where(whole | (near > 0), size, np.inf))
        return from_derivatives(bounds[0], bounds[1], D)


def _power(c: Floats, a: float) -> Floats:
    if a == 0:
        return np.ones_like(c)
    return np.asarray(np.power(c, a))


@dataclass(frozen=True)
class Logarithm:
    """log, for positive z."""

    def jet(self, c: Floats) -> Jet:
        with np.errstate(all="ignore"):
            return relative_jet(np.log(c), 1 / c, -1 / (c * c))

    def remainders(self, c: Floats, D: Floats, jet: Jet) -> tuple[Floats, Floats]:
        with np.errstate(all="ignore"):
            near = c - D
            bend, turn = 1 / near**2, 2 / near**3
        inside = near > 0
        return from_derivatives(np.where(inside, bend, np.inf), np.where(inside, turn, np.inf), D)


@dataclass(frozen=True)
class Wave:
    """A sine, shifted by `quarters` of its period: 1 for the cosine."""

    quarters: int

    def jet(self, c: Floats) -> Jet:
        functions = (np.sin, np.cos, lambda z: -np.sin(z), lambda z: -np.cos(z))
        parts = [np.asarray(functions[(self.quarters + k) % 4](c)) for k in range(3)]
        error = FORMULA_ROUNDOFF * np.ones_like(c)
        return Jet(parts[0], parts[1], parts[2], error, error, error)

    def remainders(self, c: Floats, D: Floats, jet: Jet) -> tuple[Floats, Floats]:
        return from_derivatives(np.ones_like(c), np.ones_like(c), D)


@dataclass(frozen=True)
class ErrorFunction:
    """erf."""

    def jet(self, c: Floats) -> Jet:
        slope = 2 / np.sqrt(np.pi) * np.exp(-c * c)
        error = FORMULA_ROUNDOFF * (1 + c * c) * np.ones_like(c)
        return Jet(np.asarray(erf(c)), slope, -2 * c * slope, error, error, error * (1 + np.abs(c)))

    def remainders(self, c: Floats, D: Floats, jet: Jet) -> tuple[Floats, Floats]:
        bend, turn = np.full_like(c, LARGEST_ERF_BEND), np.full_like(c, LARGEST_ERF_TURN)
        return from_derivatives(bend, turn, D)


@dataclass(frozen=True)
class BrokenLine:
    """Straight pieces: the piece at c stands for f, and is off where the range meets a knot."""

    knots: tuple[float, ...]
    slopes: tuple[float, ...]
    value_at: Callable[[Floats], Floats]

    def jet(self, c: Floats) -> Jet:
        slope = np.asarray(self.slopes)[np.searchsorted(self.knots, c)]
        error = FORMULA_ROUNDOFF * (
            np.abs(slope) * np.abs(c) + np.abs(np.asarray(self.knots)).max()
        )
        value = self.value_at(c)
        return Jet(value, slope, np.zeros_like(c), error, np.zeros_like(c), np.zeros_like(c))

    def remainders(self, c: Floats, D: Floats, jet: Jet) -> tuple[Floats, Floats]:
        low, high = c - D, c + D
        worst = np.zeros_like(c)
        with np.errstate(invalid="ignore"):
            for z in (low, high, *(np.clip(t, low, high) for t in self.knots)):
                off = np.abs(self.value_at(z) - jet.value - jet.slope * (z - c))
                rounding = FORMULA_ROUNDOFF * (np.abs(z) + np.abs(c)) * max(map(abs, self.slopes))
                worst = np.maximum(worst, off + rounding)
        inside = np.searchsorted(self.knots, low) == np.searchsorted(self.knots, high, "right")
        worst = np.where(inside & np.isfinite(D), 0.0, np.nan_to_num(worst, nan=np.inf))
        return worst, worst
