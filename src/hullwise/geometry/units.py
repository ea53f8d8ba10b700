"""Units learnt from rows, for rows that shall not help to set them.

A training row that is left out must be measured as a new row would be: in units (standard
deviations, ranges) that it did not help to set. Else an outlier shrinks its own distance, and new
rows look farther out than they are. Two ways:

- `units_without`: units of all rows but some. With those the left-out rows and a new row are
  exchangeable, and what is said of bands holds exactly (docs/bands.md).
- `units_of_others`: for each row the units of all the others, where there are too few rows to
  spare some. Nearly exact: as the jackknife.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from .._core.types import Floats, Indices
from ..io.rows import Rows, ask
from ._score_blocks import BLOCK_ROWS
from .scaling import power_of_two_exponents

if TYPE_CHECKING:
    from .cloud import Cloud

UnitKind = Literal["std", "range"]
MAX_UNIT_RATIO = 2.0**200  # between a row's own unit and that of all rows: squares stay finite
TRUSTED_SHARE = 2.0**-20  # of a sum of squares: what is left after a subtraction has digits
PIVOT_ROWS = 64  # whose median is the place from which squares are taken


def unit_roots(kind: UnitKind, units: Floats) -> Floats:
    """The diagonal root of the metric that divides each feature by its unit.

    `units` are standard deviations, or half ranges; where one is 0 the feature keeps its units.
    """
    root = (1.0 if kind == "std" else 0.5) / np.maximum(units, 2.0**-1022)
    return np.where(units > 0, root, 1.0)


def units_without(cloud: Cloud, kind: UnitKind, rows: Indices) -> Floats:
    """(d,) standard deviation, or half the range, of all rows but these (ascending).

    O(n d): one pass for the squares, and one more for the ranges where one of these rows is the
    least or greatest in some feature.
    """
    low, high = cloud.minimum, cloud.maximum
    taken = cloud.take(rows)
    if (taken.min(axis=0) <= low).any() or (taken.max(axis=0) >= high).any():
        extremes = ask(cloud.rows, partial(_extremes_without, rows=rows))
        low = np.min([part[0] for part in extremes], axis=0)
        high = np.max([part[1] for part in extremes], axis=0)
    half_range = high / 2 - low / 2
    if kind == "range":
        return np.asarray(half_range)
    others = np.setdiff1d(np.arange(min(cloud.n, len(rows) + PIVOT_ROWS)), rows)
    pivot = np.median(cloud.take(others), axis=0)
    exponents = power_of_two_exponents(half_range)
    question = partial(_moments_without, rows=rows, pivot=pivot, exponents=exponents)
    sums, squares = np.sum(ask(cloud.rows, question), axis=0) / (cloud.n - len(rows))
    spread = np.ldexp(np.sqrt(np.maximum(squares - np.square(sums), 0.0)), exponents)
    return rounded_units(np.where(half_range > 0, spread, 0.0))


def rounded_units(units: Floats) -> Floats:
    """Units to 40 bits: sums in another order, by rows in other parts, then give the same ones."""
    digits, exponent = np.frexp(units)
    return np.asarray(np.ldexp(np.rint(np.ldexp(digits, 40)), exponent - 40))


def units_of_others(X: Floats, kind: UnitKind, rows: Indices) -> Floats:
    """(r, d) standard deviation, or half the range, of all rows of X (n, d) but one, for each row.

    O(n d): s_{-i}^2 = (S - y_i^2 n / (n - 1)) / (n - 1) with y the rows about their mean and S
    their sum of squares; anew from the others where nearly nothing is left of S.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [3.0]])
    >>> units_of_others(X, "std", np.arange(3)).ravel().tolist()
    [1.0, 1.5, 0.5]
    >>> units_of_others(X, "range", np.arange(3)).ravel().tolist()
    [1.0, 1.5, 0.5]
    """
    n = len(X)
    ordered = np.sort(X, axis=0)
    low = np.where(X[rows] == ordered[0], ordered[min(1, n - 1)], ordered[0])
    high = np.where(X[rows] == ordered[-1], ordered[max(n - 2, 0)], ordered[-1])
    half_range = high / 2 - low / 2
    if kind == "range":
        return np.asarray(half_range)
    exponents = power_of_two_exponents(ordered[-1] / 2 - ordered[0] / 2)
    Y = np.ldexp(X / 2 - np.median(X, axis=0) / 2, 1 - exponents)
    Y -= Y.mean(axis=0)
    total = np.square(Y).sum(axis=0)
    rest = total - np.square(Y[rows]) * (n / (n - 1))
    spread = np.ldexp(np.sqrt(np.maximum(rest, 0.0) / (n - 1)), exponents)
    doubtful = rest <= TRUSTED_SHARE * total
    for i in np.flatnonzero(doubtful.any(axis=1)):
        features = np.flatnonzero(doubtful[i])
        spread[i, features] = _standard_deviations(np.delete(X[:, features], rows[i], axis=0))
    return np.where(half_range > 0, spread, 0.0)


def units_of_other_blocks(
    x: Floats, kind: UnitKind, blocks: Indices, *, earlier: bool = False
) -> Floats:
    """(B,) standard deviation, or half the range, of the values x (n,) outside each block.

    `blocks` (n,) are numbers from 0 to B - 1; with `earlier` only earlier blocks count. A block
    without two other values has the unit 0. O(n B).

    Examples
    --------
    >>> x, blocks = np.array([0.0, 2.0, 5.0, 9.0]), np.array([0, 0, 1, 1])
    >>> units_of_other_blocks(x, "std", blocks), units_of_other_blocks(x, "range", blocks)
    (array([2., 1.]), array([2., 1.]))
    >>> units_of_other_blocks(x, "std", blocks, earlier=True)
    array([0., 1.])
    """
    units = np.zeros(int(blocks.max(initial=-1)) + 1)
    for block in range(len(units)):
        others = x[blocks < block] if earlier else x[blocks != block]
        if len(others) < 2:
            continue
        if kind == "range":
            units[block] = others.max() / 2 - others.min() / 2
        else:
            units[block] = _standard_deviations(others[:, None])[0]
    return units


def unit_ratios(own: Floats, root: Floats, kind: UnitKind) -> Floats:
    """(r, d) what takes the coordinates of a diagonal metric to units of each row's own (r, d)."""
    return np.asarray(np.minimum(unit_roots(kind, own) / root, MAX_UNIT_RATIO))


def _standard_deviations(X: Floats) -> Floats:
    """Of each column, at any scale; exactly 0 where a column is constant."""
    half = X.max(axis=0) / 2 - X.min(axis=0) / 2
    exponents = power_of_two_exponents(half)
    Y = np.ldexp(X / 2 - np.median(X, axis=0) / 2, 1 - exponents)
    spread = np.ldexp(Y.std(axis=0), exponents)
    return np.where(half > 0, spread, 0.0)


def _others(rows: Rows, start: int, left_out: Indices) -> Iterator[Floats]:
    """Blocks of a part of the rows as float64, without those that are left out."""

    for first in range(0, rows.n, BLOCK_ROWS):
        block = np.asarray(rows.block(first, min(first + BLOCK_ROWS, rows.n)), dtype=np.float64)
        numbers = start + first + np.arange(len(block))
        at = np.minimum(np.searchsorted(left_out, numbers), len(left_out) - 1)
        yield block[left_out[at] != numbers]


def _extremes_without(part: Rows, start: int, rows: Indices) -> tuple[Floats, Floats]:
    low, high = np.full(part.d, np.inf), np.full(part.d, -np.inf)
    for block in _others(part, start, rows):
        low = np.minimum(low, block.min(axis=0, initial=np.inf))
        high = np.maximum(high, block.max(axis=0, initial=-np.inf))
    return low, high


def _moments_without(
    part: Rows, start: int, rows: Indices, pivot: Floats, exponents: Indices
) -> Floats:
    """(2, d) sums and sums of squares about a pivot, in powers of two of each feature."""
    sums = np.zeros((2, part.d))
    for block in _others(part, start, rows):
        Y = np.ldexp(block / 2 - pivot / 2, 1 - exponents)
        sums[0] += Y.sum(axis=0)
        sums[1] += np.square(Y).sum(axis=0)
    return sums
