"""The features that half-spaces weigh: what another language can compute from a table's cells.

A number is (x - centre) scale, a category one indicator for each level, a circle cosine and sine.
Half-spaces are inequalities <w, f> <= b in these, whatever the coordinates of the domain are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._core.types import Floats, Indices, Mask
from ..geometry.units import MAX_UNIT_RATIO
from ..table.columns import CategoryColumn, Column, PeriodicColumn
from ..table.coordinates import TableCoordinates

INPUT_ROUNDINGS = 8  # units of roundoff in the cells of a row, of mixtures of rows, of decimals
FUNCTION_ROUNDINGS = 16  # units of roundoff in a cosine, a sine, a logarithm of any library
USABLE_FEATURE = 1e100  # a feature beyond this counts as a gap in half-spaces of many columns


@dataclass(frozen=True, eq=False)
class RuleFeatures:
    """Columns as features; D coordinates, F features.

    Attributes
    ----------
    coordinates : TableCoordinates
    centre, scale : (D,) float64
        Of coordinates that are numbers; 0 and 1 elsewhere.
    root : (D,) float64
        The metric: the square root of each coordinate's weight.
    """

    coordinates: TableCoordinates
    centre: Floats
    scale: Floats
    root: Floats

    @classmethod
    def fit(cls, coordinates: TableCoordinates, values: Floats, root: Floats) -> RuleFeatures:
        """For training rows (n, D), NaN in gaps; centre and scale are float32 where these reach."""
        centre, scale = np.zeros(len(root)), np.ones(len(root))
        for j in np.flatnonzero(number_coordinates(coordinates)):
            middle = np.nanmin(values[:, j]) / 2 + np.nanmax(values[:, j]) / 2
            centre[j], scale[j] = short(middle), short(root[j])
        return cls(coordinates, centre, scale, root)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns."""
        return self.coordinates.columns

    @cached_property
    def owner(self) -> Indices:
        """(F,) the column of each feature."""
        return np.repeat(np.arange(len(self.columns)), [n_features(c) for c in self.columns])

    def features_of(self, column: int) -> slice:
        """The features of a column."""
        start = int(np.searchsorted(self.owner, column))
        return slice(start, start + n_features(self.columns[column]))

    @cached_property
    def is_number(self) -> Mask:
        """(C,) columns with one feature that is a number."""
        mask = np.zeros(len(self.columns), dtype=bool)
        mask[self.coordinates.owner[number_coordinates(self.coordinates)]] = True
        return mask

    def features(self, values: Floats) -> Floats:
        """(m, F) features of rows given as coordinates (m, D); NaN in gaps."""
        out = np.empty((len(values), len(self.owner)))
        for j, column in enumerate(self.columns):
            block, at = values[:, self.coordinates.coordinates_of(j)], self.features_of(j)
            if isinstance(column, CategoryColumn):
                code = np.argmax(column.shares(block), axis=1)
                indicators = np.arange(at.stop - at.start) == code[:, None]
                out[:, at] = np.where(np.isnan(block[:, :1]), np.nan, indicators)
            elif isinstance(column, PeriodicColumn):
                out[:, at] = block / column.radius
            elif column.width:
                k = self.coordinates.coordinates_of(j)
                with np.errstate(over="ignore", invalid="ignore"):
                    out[:, at] = (block - self.centre[k]) * self.scale[k]
        return out

    def numbers(self, values: Floats, column: int) -> Floats:
        """(m,) the coordinate of a column that is a number, of rows (m, D)."""
        return np.asarray(values[:, self.coordinates.coordinates_of(column).start])

    def usable(self, features: Floats) -> Mask:
        """(m, C) which columns half-spaces may use: filled, and no number of absurd size."""
        out = np.ones((len(features), len(self.columns)), dtype=bool)
        with np.errstate(invalid="ignore"):
            good = np.abs(features) <= USABLE_FEATURE
        for j, column in enumerate(self.columns):
            if n_features(column):
                out[:, j] = good[:, self.features_of(j)].all(axis=1)
        return out

    def weights(self, functionals: Floats) -> Floats:
        """(k, F) functionals of coordinates (k, D) as weights of features, up to a constant."""
        out = np.zeros((len(functionals), len(self.owner)))
        for j, column in enumerate(self.columns):
            k, at = self.coordinates.coordinates_of(j), self.features_of(j)
            if isinstance(column, CategoryColumn):
                out[:, at] = functionals[:, k] @ column.vertices.T
            elif isinstance(column, PeriodicColumn):
                out[:, at] = functionals[:, k] * column.radius
            elif column.width:
                out[:, at] = functionals[:, k] / self.scale[k]
        return out

    def metric_weights(self, weights: Floats) -> Floats:
        """(k, F) weights in the metric's units: rows of length 1 bound a distance by themselves."""
        out = np.empty(weights.shape)
        for j, column in enumerate(self.columns):
            k, at = self.coordinates.coordinates_of(j), self.features_of(j)
            if isinstance(column, CategoryColumn) and column.width:
                points = weights[:, at] - weights[:, at].mean(axis=1, keepdims=True)
                out[:, at] = points / self.root[k][0]
            elif isinstance(column, PeriodicColumn):
                out[:, at] = weights[:, at] / (column.radius * self.root[k])
            elif column.width:
                out[:, at] = weights[:, at] * (self.scale[k] / self.root[k])
        return out

    def uses(self, weights: Floats) -> Mask:
        """(k, C) the columns that have a weight."""
        out = np.zeros((len(weights), len(self.columns)), dtype=bool)
        for j in range(len(self.columns)):
            out[:, j] = (weights[:, self.features_of(j)] != 0).any(axis=1)
        return out

    def evaluation_error(
        self, weights: Floats, minimum: Floats, maximum: Floats, roundoff: float
    ) -> Floats:
        """(k,) bound on the error of <w, f> for any mixture of training rows, in any order of sums.

        `minimum` and `maximum` (C,) are the box of the columns that are numbers; `roundoff` is the
        unit roundoff of the arithmetic. Each feature's own error, and gamma_n of the sum (Higham,
        Accuracy and Stability, section 3.1), with room to spare.
        """
        size, error = np.ones(len(self.owner)), np.zeros(len(self.owner))
        for j, column in enumerate(self.columns):
            at = self.features_of(j)
            if self.is_number[j]:
                k = self.coordinates.coordinates_of(j)
                ends = np.array([minimum[j], maximum[j]])
                size[at] = np.abs((ends - self.centre[k]) * self.scale[k]).max()
                cells = (np.abs(ends).max() + (column.role == "log")) * self.scale[k][0]
                count = FUNCTION_ROUNDINGS if column.role == "log" else INPUT_ROUNDINGS
                error[at] = count * roundoff * (size[at] + cells)
            elif isinstance(column, PeriodicColumn):
                error[at] = (2 * np.pi * FUNCTION_ROUNDINGS + FUNCTION_ROUNDINGS) * roundoff
        terms = len(self.owner) + INPUT_ROUNDINGS
        return np.abs(weights) @ (2 * error + 2 * terms * roundoff * size)


def number_coordinates(coordinates: TableCoordinates) -> Mask:
    """(D,) coordinates that are numbers: no vertices of levels, no circles."""
    is_number = [
        column.width == 1 and not isinstance(column, CategoryColumn)
        for column in coordinates.columns
    ]
    return np.asarray(np.array(is_number, dtype=bool)[coordinates.owner])


def n_features(column: Column) -> int:
    """Features of a column: one for each level of a category."""
    if isinstance(column, CategoryColumn):
        return len(column.levels) if column.width else 0
    return column.width


def short(number: float) -> float:
    """The nearest float32 where those reach so far, so that both precisions have the same."""
    within = 1 / MAX_UNIT_RATIO**0.5 < abs(number) < MAX_UNIT_RATIO**0.5
    return float(np.float32(number)) if within or number == 0 else float(number)
