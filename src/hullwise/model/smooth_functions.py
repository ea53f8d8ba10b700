"""Smooth activations, and straight pieces that stay within a stated distance of them everywhere.

Between two knots the chord of f is off by at most h^2/8 times the largest |f''| there, which is at
most the larger of its values at the ends and h/2 times a bound of |f'''|. Beyond the outermost
knots f nears a straight line from one side, and so is off by what it is off at the knot at most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import erf, expit

from .._core.types import Floats

LARGEST_REACH = 64.0  # outermost knots: behind them every function here is straight to rounding
FINEST_CELL = 2.0**-24  # of a start cell: knots nearer together are not asked for
SLOPE_SAMPLES = 256  # cells in which slopes over a range are bounded

Function = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False)
class SmoothFunction:
    """A function of one number with what is known of its derivatives.

    Attributes
    ----------
    name : str
    value, slope, bend : callable
        f, f' and f''.
    steepest, most_bent, most_turned : float
        Bounds of |f'|, |f''| and |f'''| (where they exist).
    left, right : (float, float)
        The lines slope * z + offset that f nears at the two ends.
    breaks : tuple of float
        Where f'' jumps: these are knots.
    reach : float
        Beyond it, on both sides, the distance to the end's line shrinks, always of one sign.
    """

    name: str
    value: Function
    slope: Function
    bend: Function
    steepest: float
    most_bent: float
    most_turned: float
    left: tuple[float, float]
    right: tuple[float, float]
    breaks: tuple[float, ...] = ()
    reach: float = 4.0

    def steepest_over(self, low: Floats, high: Floats) -> Floats:
        """Bounds (n,) of |f'| over ranges [low, high], (n,); where f' jumps, from both sides."""
        width = high - low
        share = np.linspace(0, 1, SLOPE_SAMPLES + 1)[:, None]
        at = np.clip(low + share * width, -1e3, 1e3)
        sampled = np.abs(self.slope(at)).max(axis=0)
        return np.asarray(
            np.minimum(sampled + width / SLOPE_SAMPLES * self.most_bent, self.steepest)
        )


@dataclass(frozen=True, eq=False)
class StraightPieces:
    """Knots (p,) rising, slopes (p + 1,), the value at the first knot; off by at most `error`."""

    knots: Floats
    slopes: Floats
    first_value: float
    error: float


def interpolant(function: SmoothFunction, error: float) -> StraightPieces:
    """Straight pieces through points of f that are off by at most `error`, with few knots."""
    low, high = _outer_knots(function, error)
    ends = [low, *(t for t in function.breaks if low < t < high), high]
    knots = [low]
    worst = 0.0
    for end in ends[1:]:
        while knots[-1] < end:
            width = _longest_cell(function, knots[-1], end, error)
            knots.append(end if knots[-1] + width >= end else knots[-1] + width)
            worst = max(worst, _chord_error(function, knots[-2], knots[-1]))
    t = np.array(knots)
    f = function.value(t)
    slopes = np.concatenate([[function.left[0]], np.diff(f) / np.diff(t), [function.right[0]]])
    tails = max(_tail(function, low), _tail(function, high))
    size = float(np.abs(f).max() + np.abs(t).max() * np.abs(slopes).max())
    return StraightPieces(t, slopes, float(f[0]), max(worst, tails) + 2.0**-48 * size)


def _tail(function: SmoothFunction, z: float) -> float:
    """How far f is from the line at that end."""
    slope, offset = function.left if z < 0 else function.right
    return abs(float(function.value(np.array([z]))[0]) - slope * z - offset)


def _outer_knots(function: SmoothFunction, error: float) -> tuple[float, float]:
    """Where f is within `error` of its lines from there on, halfway beyond `reach` at least."""
    ends = []
    for sign in (-1.0, 1.0):
        near, far = function.reach, LARGEST_REACH
        if _tail(function, sign * near) <= error:
            ends.append(sign * near)
            continue
        for _ in range(40):
            middle = (near + far) / 2
            near, far = (near, middle) if _tail(function, sign * middle) <= error else (middle, far)
        ends.append(sign * far)
    return ends[0], ends[1]


def _longest_cell(function: SmoothFunction, begin: float, end: float, error: float) -> float:
    """A cell from `begin` whose chord is off by at most `error`, as long as halvings find it."""
    width = end - begin
    while _chord_error(function, begin, begin + width) > error and width > FINEST_CELL:
        width *= 0.8
    return width


def _chord_error(function: SmoothFunction, begin: float, end: float) -> float:
    """A bound of the distance of f from its chord over a cell without a break inside."""
    width = end - begin
    inward = width * 1e-9  # f'' at a break is that of the cell's side
    ends = np.abs(function.bend(np.array([begin + inward, end - inward]))).max()
    bent = min(float(ends) + width / 2 * function.most_turned, function.most_bent)
    return width**2 / 8 * bent


def _normal_density(z: Floats) -> Floats:
    return np.asarray(np.exp(-z * z / 2) / np.sqrt(2 * np.pi))


def _logistic_bend(z: Floats) -> Floats:
    s = expit(z)
    return np.asarray(s * (1 - s) * (1 - 2 * s))


def gelu() -> SmoothFunction:
    """z Phi(z); Hendrycks & Gimpel (2016)."""
    return SmoothFunction(
        "gelu",
        lambda z: np.asarray(z * (1 + erf(z / np.sqrt(2))) / 2),
        lambda z: np.asarray((1 + erf(z / np.sqrt(2))) / 2 + z * _normal_density(z)),
        lambda z: np.asarray((2 - z * z) * _normal_density(z)),
        1.13, 0.7979, 0.79, (0.0, 0.0), (1.0, 0.0),
    )  # fmt: skip


def gelu_tanh() -> SmoothFunction:
    """z (1 + tanh(sqrt(2 / pi) (z + .044715 z^3))) / 2, the usual approximation of GELU."""
    a, b = np.sqrt(2 / np.pi), 0.044715

    def parts(z: Floats) -> tuple[Floats, Floats, Floats]:
        t = np.tanh(a * (z + b * z**3))
        return t, a * (1 + 3 * b * z * z), 6 * a * b * z

    def slope(z: Floats) -> Floats:
        t, u, _ = parts(z)
        return np.asarray((1 + t + z * (1 - t * t) * u) / 2)

    def bend(z: Floats) -> Floats:
        t, u, v = parts(z)
        return np.asarray((1 - t * t) * (u + z * v / 2 - z * t * u * u))

    return SmoothFunction(
        "gelu_tanh", lambda z: np.asarray(z * (1 + parts(z)[0]) / 2), slope, bend,
        1.13, 0.7979, 0.85, (0.0, 0.0), (1.0, 0.0),
    )  # fmt: skip


def silu() -> SmoothFunction:
    """z / (1 + exp(-z)), also called swish."""

    def slope(z: Floats) -> Floats:
        s = expit(z)
        return np.asarray(s * (1 + z * (1 - s)))

    def bend(z: Floats) -> Floats:
        s = expit(z)
        return np.asarray(s * (1 - s) * (2 + z * (1 - 2 * s)))

    return SmoothFunction(
        "silu", lambda z: np.asarray(z * expit(z)), slope, bend,
        1.1, 0.5, 0.32, (0.0, 0.0), (1.0, 0.0),
    )  # fmt: skip


def mish() -> SmoothFunction:
    """z tanh(log(1 + exp(z))); Misra (2019)."""

    def parts(z: Floats) -> tuple[Floats, Floats, Floats]:
        t, s = np.tanh(np.logaddexp(0, z)), expit(z)
        first = (1 - t * t) * s
        return t, first, (1 - t * t) * s * (1 - s - 2 * t * s)

    def slope(z: Floats) -> Floats:
        t, first, _ = parts(z)
        return np.asarray(t + z * first)

    def bend(z: Floats) -> Floats:
        _, first, second = parts(z)
        return np.asarray(2 * first + z * second)

    return SmoothFunction(
        "mish", lambda z: np.asarray(z * parts(z)[0]), slope, bend,
        1.1, 0.7, 0.75, (0.0, 0.0), (1.0, 0.0),
    )  # fmt: skip


def tanh() -> SmoothFunction:
    """The hyperbolic tangent."""
    return SmoothFunction(
        "tanh",
        lambda z: np.asarray(np.tanh(z)),
        lambda z: np.asarray(1 - np.tanh(z) ** 2),
        lambda z: np.asarray(-2 * np.tanh(z) * (1 - np.tanh(z) ** 2)),
        1.0, 0.77, 2.0, (0.0, -1.0), (0.0, 1.0),
    )  # fmt: skip


def error_function() -> SmoothFunction:
    """erf."""

    def slope(z: Floats) -> Floats:
        return np.asarray(2 / np.sqrt(np.pi) * np.exp(-z * z))

    return SmoothFunction(
        "erf", lambda z: np.asarray(erf(z)), slope, lambda z: np.asarray(-2 * z * slope(z)),
        1.1284, 0.968, 2.257, (0.0, -1.0), (0.0, 1.0),
    )  # fmt: skip


def sigmoid() -> SmoothFunction:
    """1 / (1 + exp(-z))."""
    return SmoothFunction(
        "sigmoid",
        lambda z: np.asarray(expit(z)),
        lambda z: np.asarray(expit(z) * expit(-z)),
        _logistic_bend,
        0.25, 0.0963, 0.125, (0.0, 0.0), (0.0, 1.0),
    )  # fmt: skip


def softplus(beta: float = 1.0) -> SmoothFunction:
    """log(1 + exp(beta z)) / beta."""
    return SmoothFunction(
        f"softplus({beta:g})",
        lambda z: np.asarray(np.logaddexp(0, beta * z) / beta),
        lambda z: np.asarray(expit(beta * z)),
        lambda z: np.asarray(beta * expit(beta * z) * expit(-beta * z)),
        1.0, beta / 4, 0.0963 * beta**2, (0.0, 0.0), (1.0, 0.0), reach=0.0,
    )  # fmt: skip


def elu(alpha: float = 1.0, scale: float = 1.0, rate: float = 1.0) -> SmoothFunction:
    """scale * (z where z > 0, else alpha (exp(rate z) - 1)): ELU, SELU and CELU."""
    height = scale * alpha

    def exponential(z: Floats, order: int) -> Floats:
        return height * rate**order * np.exp(rate * np.minimum(z, 0.0))

    return SmoothFunction(
        f"elu({alpha:g}, {scale:g}, {rate:g})",
        lambda z: np.where(z > 0, scale * z, exponential(z, 0) - height),
        lambda z: np.where(z > 0, scale, exponential(z, 1)),
        lambda z: np.where(z > 0, 0.0, exponential(z, 2)),
        max(scale, height * rate), height * rate**2, height * rate**3,
        (0.0, -height), (scale, 0.0), (0.0,), 0.5,
    )  # fmt: skip


def hardswish() -> SmoothFunction:
    """z clip(z + 3, 0, 6) / 6: a parabola between two lines."""
    return SmoothFunction(
        "hardswish",
        lambda z: np.asarray(z * np.clip(z + 3, 0, 6) / 6),
        lambda z: np.where(np.abs(z) < 3, z / 3 + 0.5, (z > 0) * 1.0),
        lambda z: np.where(np.abs(z) < 3, 1 / 3, 0.0),
        1.5, 1 / 3, 0.0, (0.0, 0.0), (1.0, 0.0), (-3.0, 3.0), 3.0,
    )  # fmt: skip


@lru_cache(maxsize=64)
def known_interpolant(make: Callable[..., SmoothFunction], parameters: tuple[float, ...],
                      error: float) -> tuple[SmoothFunction, StraightPieces]:  # fmt: skip
    """A function and its interpolant, made once."""
    function = make(*parameters)
    return function, interpolant(function, error)
