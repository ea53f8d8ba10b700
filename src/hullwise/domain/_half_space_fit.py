"""From a fitted table to the rules that all of its rows keep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .._core.rounding import UNIT_ROUNDOFF
from .._core.types import Floats, Progress
from ..errors import DataError
from ..geometry.bands import BEYOND, EDGE, Reference
from ..geometry.ellipsoid import smallest_ellipsoid
from ..geometry.optional_parts import attempt
from ..table.columns import Column, LevelColumn
from ..table.coordinates import TableCoordinates
from ._half_space_directions import choose_directions, frequent_patterns, training_maxima
from ._rule_features import FUNCTION_ROUNDINGS, INPUT_ROUNDINGS, RuleFeatures
from .fitted_table import FittedTable
from .half_spaces import EllipsoidRule, HalfSpaces

MAX_ELLIPSOID_COORDINATES = 60  # with more its numbers are most of the file


def fit_half_spaces(
    table: FittedTable,
    gaps: tuple[str, ...],
    *,
    n_directions: int,
    offset_rounding: float,
    progress: Progress | None,
) -> HalfSpaces:
    """The rules; see `Domain.half_spaces`."""
    coordinates = table.coordinates
    if not isinstance(coordinates, TableCoordinates):
        raise DataError(
            "half-spaces are of columns that this library makes coordinates of: a transformer is "
            "code, which no such file holds. Keep the rows, or fit without transformer=."
        )
    if table.segments is not None:
        raise DataError(
            "half-spaces are of all training rows together, and this domain has segments (by=): "
            "keep the rows, or fit one domain for each segment."
        )
    coordinates = TableCoordinates(tuple(_without_counts(c) for c in coordinates.columns))
    every = table.pattern(table.every_column, progress)
    patterns = frequent_patterns(table, progress)
    if any(p.reference.metric.factor is not None for p, _ in patterns):
        raise DataError("half-spaces are of a metric that only gives each column its unit.")
    features = RuleFeatures.fit(coordinates, table.values, table.units.root)
    minimum, maximum = _box(features, table.values, offset_rounding)
    choice = choose_directions(table, features, n_directions, progress)
    best = training_maxima(features, table.values, choice.weights)
    error = features.evaluation_error(choice.weights, minimum, maximum, UNIT_ROUNDOFF)
    offsets = best + 2 * error + 4 * UNIT_ROUNDOFF * np.abs(best)
    ellipsoid = None
    if every is not None and len(every.coordinates) <= MAX_ELLIPSOID_COORDINATES:
        complete = table.values[every.rows]
        ellipsoid = attempt(lambda: _ellipsoid(features, complete, minimum, maximum), None)
    rules = HalfSpaces(
        features,
        minimum,
        maximum,
        ellipsoid,
        choice.weights,
        _rounded_outward(offsets, offset_rounding),
        choice.gain,
        choice.n_probes,
        np.array([p.columns for p, _ in patterns]).reshape(-1, len(coordinates.columns)),
        np.array([band_limits(p.reference) for p, _ in patterns]).reshape(-1, 3),
        len(table),
        table.metric_text,
        gaps,
        table.csv_marks,
    )
    return rules


def band_limits(reference: Reference) -> tuple[float, float, float]:
    """Distances beyond which a row is edge, beyond and far; infinite where none is.

    A left-out row that leaves the flat of the others ranks above all that do not, so no distance
    alone says that a row ranks above it.
    """
    usual = np.where(reference.off, np.inf, reference.hull)
    order = np.argsort(usual, kind="stable")
    usual, r = usual[order], len(usual)
    if not r:
        return np.inf, np.inf, np.inf
    places = [int(r * p / 100) for p in (EDGE, BEYOND)]
    if reference.weights is not None:  # rounded as in `percentile`
        shares = np.round(100 * np.cumsum(reference.weights[order]), 9)
        places = np.searchsorted(shares, (EDGE, BEYOND), side="right").tolist()
    edge, beyond = (float(usual[min(r - 1, place)]) for place in places)
    return edge, beyond, float(usual[-1])


def _without_counts(column: Column) -> Column:
    """A column that does not say how many rows hold each level."""
    if not isinstance(column, LevelColumn):
        return column
    return replace(column, counts=(0,) * len(column.levels))


def _box(features: RuleFeatures, values: Floats, rounding: float) -> tuple[Floats, Floats]:
    """(C,) least and largest numbers, rounded outward."""
    low, high = np.full((2, len(features.columns)), np.nan)
    for j in np.flatnonzero(features.is_number):
        column, x = features.columns[j], features.numbers(values, int(j))
        ends = np.array([np.nanmin(x), np.nanmax(x)])
        slack = INPUT_ROUNDINGS * UNIT_ROUNDOFF * np.abs(ends).max()
        if column.role in ("log", "date"):
            slack = 2 * FUNCTION_ROUNDINGS * UNIT_ROUNDOFF * (np.abs(ends).max() + 1)
        if column.role == "ordered":
            slack = 0.0
        low[j], high[j] = ends[0] - slack, ends[1] + slack
        if rounding and column.role != "ordered":
            unit = rounding / features.root[features.coordinates.coordinates_of(int(j))][0]
            low[j], high[j] = np.floor(low[j] / unit) * unit, np.ceil(high[j] / unit) * unit
    return low, high


def _rounded_outward(offsets: Floats, rounding: float) -> Floats:
    return np.ceil(offsets / rounding) * rounding if rounding else offsets


def _ellipsoid(
    features: RuleFeatures, complete: Floats, minimum: Floats, maximum: Floats
) -> EllipsoidRule | None:
    """The smallest ellipsoid around the rows that have all columns, as a rule; None for a point."""
    ellipsoid = smallest_ellipsoid(complete)
    frame = ellipsoid.frame
    if not ellipsoid.rank or frame.matrix is not None:
        return None
    functionals = ellipsoid.root * frame.factor * frame.prescale
    matrix = features.weights(functionals)
    matrix /= np.linalg.norm(features.metric_weights(matrix), 2) * (1 + 2.0**-20)
    matrix = matrix.astype(np.float32).astype(np.float64)
    F = features.features(complete)
    centre = (F[ellipsoid.support] * ellipsoid.weights[:, None]).sum(axis=0) @ matrix.T
    lengths = np.linalg.norm(F @ matrix.T - centre, axis=1)
    error = features.evaluation_error(matrix, minimum, maximum, UNIT_ROUNDOFF)
    radius = float(lengths.max() + 4 * np.linalg.norm(error) + 2.0**-40 * lengths.max())
    return EllipsoidRule(matrix, centre, radius)
