"""Fitting what a calibrated regressor is made of: models, constants of the scale, and scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.types import Floats, Indices
from ..errors import DataError
from ._calibrated_fits import CalibratedFit, CalibrationTable, InterpolantTable, Terms
from ._calibration_scale import conformal_factors, fit_scale
from ._calibration_split import choose_calibration_rows, choose_folds, whole_folds

INNER_FOLDS = 3  # of the rows that a fold leaves, to learn the shape of the band
FEWEST_GROUPS_IN_TURN = 3


@dataclass(frozen=True, eq=False)
class Calibration:
    """What was fitted, and the scores of the rows that were left out.

    Attributes
    ----------
    fits : list of (CalibratedFit, (k, 3), (c,) int)
        Each fit with the constants of its scale, and the rows it has not seen.
    model : estimator
        Which predicts.
    training, calibration : intp
        The rows that the model has seen, and those held out from it.
    scores : (c, k) float64
    factors : (k,) float64
    group : (c,) int
    """

    fits: list[tuple[CalibratedFit, Floats, Indices]]
    model: Any
    training: Indices
    calibration: Indices
    scores: Floats
    factors: Floats
    group: Indices

    @property
    def n_targets(self) -> int:
        """Number of targets k."""
        return int(self.scores.shape[1])


def calibrate_by_split(
    table: CalibrationTable,
    target: Floats,
    group: Indices,
    rng: np.random.Generator,
    whole: bool,
    coverage: float,
    share: float,
    joint: bool,
) -> Calibration:
    """Hold a share of the rows (of whole groups) out, once."""
    what = "groups" if whole else "rows"
    left_out = choose_calibration_rows(group, rng, share, coverage, what)
    train, calibration = np.flatnonzero(~left_out), np.flatnonzero(left_out)
    fitted = table.fit(target, train)
    folds = choose_folds(train, group, rng, whole=whole)
    constants = fit_constants(table, target, train, folds, fitted, coverage)
    scores = scores_of(fitted, constants, table.take(calibration), target[calibration])
    _, code = np.unique(group[calibration], return_inverse=True)
    factors = conformal_factors(scores, code, coverage, joint)
    fits = [(fitted, constants, calibration)]
    return Calibration(fits, fitted.model, train, calibration, scores, factors, code)


def calibrate_by_folds(
    table: CalibrationTable,
    target: Floats,
    group: Indices,
    rng: np.random.Generator,
    whole: bool,
    coverage: float,
    n_folds: int | None,
) -> Calibration:
    """Leave folds out in turn, each row or group where `n_folds` is None; all rows predict."""
    n_groups = int(group.max()) + 1
    if n_groups < FEWEST_GROUPS_IN_TURN:
        raise DataError(
            f"rows are left out in turn, and again of the rest: at least {FEWEST_GROUPS_IN_TURN} "
            f"rows or groups are needed (n_samples={table.n})."
        )
    everything = np.arange(table.n)
    scores = np.empty((table.n, target.shape[1]))
    fits = []
    for left_out in whole_folds(group, n_groups if n_folds is None else n_folds, rng):
        rest = np.setdiff1d(everything, left_out, assume_unique=True)
        fitted = table.fit(target, rest)
        inner = choose_folds(rest, group, rng, whole=whole, n_folds=INNER_FOLDS)
        constants = fit_constants(table, target, rest, inner, fitted, coverage)
        scores[left_out] = scores_of(fitted, constants, table.take(left_out), target[left_out])
        fits.append((fitted, constants, left_out))
    model = table.fit(target, everything).model
    unknown = np.full(target.shape[1], np.nan)
    return Calibration(fits, model, everything, everything[:0], scores, unknown, group)


def fit_constants(
    table: CalibrationTable,
    y: Floats,
    train: Indices,
    folds: list[tuple[Indices, Indices]],
    fitted: CalibratedFit,
    coverage: float,
) -> Floats:
    """The constants of u (k, 3), from errors on training rows left out in turn.

    Those of the interpolant where it knows its own scale.

    Raises
    ------
    DataError
        They are not finite.
    """
    if getattr(fitted, "has_own_scale", False):
        model = fitted.model
        own = [model.noise_, model.lipschitz_, model.smoothness_]
        return np.column_stack([np.broadcast_to(one, (y.shape[1],)) for one in own])
    parts = []
    for left_out, predicted in folds:
        rest = np.setdiff1d(train, left_out, assume_unique=True)
        terms = table.fit(y, rest).terms(table.take(predicted))
        parts.append((np.abs(y[predicted] - terms.prediction), terms.reach, terms.moment))
    error, reach, moment = (np.concatenate(part) for part in zip(*parts))
    constants = np.full((y.shape[1], 3), np.nan)
    usable = np.isfinite(moment) & np.isfinite(reach)
    if usable.all() if isinstance(table, InterpolantTable) else usable.any():
        for j in range(y.shape[1]):
            constants[j] = fit_scale(
                error[usable, j],
                reach[usable],
                moment[usable],
                coverage,
                typical_slopes(fitted.radius, y[train, j]),
                table.least_share,
            )
    if not np.isfinite(constants).all():
        raise DataError(
            "squared distances between the rows, or errors over such, overflow: bring "
            'features and target to units near 1, or use metric="range" in the interpolant.'
        )
    return constants


def typical_slopes(radius: float, y: Floats) -> tuple[float, float]:
    """Lipschitz constant and smoothness of a target that varies once over the data."""
    deviation = float(np.median(np.abs(y - np.median(y)))) or float(np.abs(y - y.mean()).mean())
    if radius == 0:
        return np.inf, np.inf
    with np.errstate(over="ignore"):
        first, second = np.float64(deviation) / radius, 2 * np.float64(deviation) / radius / radius
    return float(first), float(second)


def scores_of(fitted: CalibratedFit, constants: Floats, rows: Any, y: Floats) -> Floats:
    """(c, k) |y - prediction| / u; an error of 0 is none however small u is."""
    terms = fitted.terms(rows)
    error = np.abs(y - terms.prediction)
    u = error_scales(constants, terms)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where((error == 0) | np.isinf(u), 0.0, error / u)


def error_scales(constants: Floats, terms: Terms) -> Floats:
    """(m, k) the error scale u of each target; an interpolant's own is in units of the noise."""
    reach, moment = terms.reach, terms.moment
    if terms.scale is not None:
        unit = np.where(constants[:, 0] > 0, constants[:, 0], 1.0)
        return np.asarray(terms.scale[:, None] * unit)
    noise, lipschitz, smoothness = constants.T
    with np.errstate(over="ignore", invalid="ignore"):
        grown = lipschitz * reach[:, None] + smoothness / 2 * moment[:, None]
        return np.asarray(noise + np.where(np.isnan(grown), np.inf, grown))
