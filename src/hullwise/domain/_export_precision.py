"""The numbers of half-spaces in float64 or float32, every limit rounded outward.

In float32 the cells themselves are rounded, and every limit makes room for that: what is proved
stays proved, of rows that are farther out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .._core.types import Floats
from ..errors import DataError
from ._rule_features import USABLE_FEATURE
from .half_spaces import LEAST_EXCESS, SHRINKAGE, HalfSpaces

Precision = Literal["double", "single"]
FLOAT32_ROUNDOFF = 2.0**-24
FLOAT32_REACH = 1e30  # sizes beyond this and their inverses are left to float64
PERIODS_IN_FLOAT32 = 4.0  # numbers farther around their circle count as a gap


@dataclass(frozen=True, eq=False)
class ExportNumbers:
    """What a program in one precision needs; `HalfSpaces` says what is what.

    `low` and `high` are the ends of the box in the metric's units, for amounts; `usable` is the
    largest feature, `most_periods` the farthest way around a circle, that half-spaces may use.
    """

    dtype: type[np.floating]
    minimum: Floats
    maximum: Floats
    low: Floats
    high: Floats
    offsets: Floats
    radius: float
    band_limits: Floats
    usable: float
    most_periods: float
    least_excess: float
    shrinkage: float


def numbers_in(rules: HalfSpaces, precision: Precision) -> ExportNumbers:
    """The numbers in a precision.

    Raises
    ------
    DataError
        There is no such precision, or float32 does not reach a column's numbers.
    """
    root = rules.box_root
    low, high = rules.minimum * root, rules.maximum * root
    radius = np.inf if rules.ellipsoid is None else rules.ellipsoid.radius
    if precision == "double":
        return ExportNumbers(
            np.float64,
            rules.minimum,
            rules.maximum,
            low,
            high,
            rules.offsets,
            radius,
            rules.band_limits,
            USABLE_FEATURE,
            np.inf,
            LEAST_EXCESS,
            SHRINKAGE,
        )
    if precision != "single":
        raise DataError(f"precision={precision!r}: expected 'double' or 'single'.")
    _check_reach(rules)
    box, u = (rules.minimum, rules.maximum), FLOAT32_ROUNDOFF
    error = rules.features.evaluation_error(rules.weights, *box, u)
    margin = 8 * u * np.maximum(np.abs(low), np.abs(high))
    if rules.ellipsoid is not None:
        images = rules.features.evaluation_error(rules.ellipsoid.matrix, *box, u)
        images += 2 * u * np.abs(rules.ellipsoid.centre)
        radius += 4 * float(np.linalg.norm(images)) + 2.0**-12 * radius
    n_features = len(rules.features.owner)
    return ExportNumbers(
        np.float32,
        rules.minimum,
        rules.maximum,
        low - margin,
        high + margin,
        rounded_up(rules.offsets + 2 * error + 8 * u * np.abs(rules.offsets)),
        float(rounded_up(np.array(radius))),
        rounded_up(rules.band_limits),
        FLOAT32_REACH,
        PERIODS_IN_FLOAT32,
        float(np.float32(1 / FLOAT32_REACH)),
        1 - max(2.0**-12, 16 * (n_features + 16) * u),
    )


def rounded_up(numbers: Floats) -> Floats:
    """The least float32 numbers that are not below these."""
    nearest = numbers.astype(np.float32)
    above = np.nextafter(nearest, np.float32(np.inf))
    return np.where(nearest < numbers, above, nearest).astype(np.float64)


def _check_reach(rules: HalfSpaces) -> None:
    """Refuse columns whose numbers float32 cannot tell apart, or hold."""
    features = rules.features
    for j, column in enumerate(rules.columns):
        if not features.is_number[j]:
            continue
        k = features.coordinates.coordinates_of(j)
        sizes = np.array([features.scale[k][0], features.root[k][0]])
        ends = np.abs([rules.minimum[j], rules.maximum[j], features.centre[k][0]])
        if (sizes > FLOAT32_REACH).any() or (sizes < 1 / FLOAT32_REACH).any():
            text = f"one unit is {1 / features.root[k][0]:.3g}"
        elif ends.max() > FLOAT32_REACH:
            text = f"it reaches {ends.max():.3g}"
        else:
            continue
        raise DataError(
            f"column {column.name!r} is beyond float32 ({text}): export with precision='double'."
        )
