"""Statistics of each feature, computed where the rows are, part by part."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.types import Floats
from ..io.rows import Rows
from ..io.validation import check_block
from ._score_blocks import BLOCK_ROWS
from .scaling import Frame

SUMMED_AS_IT_IS = 2.0**900  # a sum of any number of rows below it is finite


def feature_summary(rows: Rows, start: int, columns: Any) -> tuple[Floats, Floats, Floats, Floats]:
    """Least, greatest and sum of each feature; an error where one is not finite.

    The sum comes in two parts: that of blocks of ordinary size, and 2**-60 of that of blocks so
    large that a sum of any number of rows might not be finite.
    """
    low, high = np.full(rows.d, np.inf), np.full(rows.d, -np.inf)
    total, large = np.zeros(rows.d), np.zeros(rows.d)
    for first in range(0, rows.n, 4 * BLOCK_ROWS):
        block = rows.block(first, min(first + 4 * BLOCK_ROWS, rows.n))
        check_block(block, start + first, columns, "X")
        block_low, block_high = block.min(axis=0), block.max(axis=0)
        np.minimum(low, block_low, out=low)
        np.maximum(high, block_high, out=high)
        if max(-float(block_low.min()), float(block_high.max())) < SUMMED_AS_IT_IS:
            total += block.sum(axis=0, dtype=np.float64)
        else:
            large += np.ldexp(block.astype(np.float64), -60).sum(axis=0)
    return low, high, total, large


def rounded_mean(mean: Floats, low: Floats, high: Floats) -> Floats:
    """The mean to a millionth of the range, as an origin.

    Sums in another order, by rows in other parts, then give the same origin to the last bit.
    """
    step = np.frexp(high / 2 - low / 2)[1] - 20
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = np.ldexp(np.rint(np.ldexp(mean, -step)), step)
    return np.clip(np.where(np.isfinite(rounded), rounded, mean), low, high)


def sums_of_squares(rows: Rows, start: int, frame: Frame, mean: Floats) -> Floats:
    """The sum of squares of each feature about the mean, in a frame."""
    total, centre = np.zeros(rows.d), frame.map(mean[None, :])
    for first in range(0, rows.n, BLOCK_ROWS):
        Z = frame.map(rows.block(first, min(first + BLOCK_ROWS, rows.n)))
        total += np.square(Z - centre).sum(axis=0)
    return total
