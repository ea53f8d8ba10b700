"""How much a new run lowers the minimax risk of queries, in closed form, before it is made.

The risk a(z) of the best weighted average of runs at z is the optimum of a dual in D + 2 numbers,

    2 a - lam c^2 - (lam / rho^2) |b|^2 - sum_i (h_i)_+^2,   h_i = |a + b'u_i| - c |u_i|^2 / 2,

u_i = (x_i - z) / unit. A new run x only subtracts (h_x)_+^2. So where h_x <= 0 the optimum stays
what it is: a(z) does not change at all. Where h_x > 0 and the runs with a weight stay the same, the
stationary point of the new quadratic is that of the old one with one more row (Sherman-Morrison),
and a(z) falls by exactly

    h_x^2 / (1 + phi' H^-1 phi),   phi = (s, s u_x, -|u_x|^2 / 2),   s the sign of a + b'u_x,
    H = sum over runs with a weight of phi_i phi_i' + diag(0, lam / rho^2, ..., lam).

It is what IMSE (Sacks, Welch, Mitchell, Wynn 1989) and ALC (Cohn 1996) have for Gaussian processes,
without a covariance function.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import product

import numpy as np

from .._core.types import Floats
from ..errors import DataWarning
from ..predict.minimax import MinimaxRegressor
from ..predict.minimax_fits import MinimaxFits

DEFAULT_RATIOS = (1e-3, 3.0)  # lam and rho, where no target was learnt from
RISK_NOISE_RATIOS = tuple(np.geomspace(1e-5, 1.0, 6).tolist())  # lam, in units of the queries
RISK_SLOPE_RATIOS = (10.0, 1.0)  # rho, the same: slopes stay limited, so that all risks exist
MOST_LEARNT_RUNS = 5000  # a seeded sample of more, to learn where errors are large
LEAST_RISK_RATIO = 1e-7  # lam, in units of the runs: with less, the Delaunay simplex would answer


@dataclass(frozen=True)
class BendingClass:
    """Targets with noise, bends and slopes of at most so much, in the coordinates' own length.

    Attributes
    ----------
    noise, smoothness, lipschitz : float
    """

    noise: float
    smoothness: float
    lipschitz: float

    @classmethod
    def of_ratios(cls, lam: float, rho: float, unit: float, least: float = 0.0) -> BendingClass:
        """The class whose ratios are these when lengths are divided by `unit`."""
        return cls(max(float(np.sqrt(lam)) * unit**2, least), 1.0, rho * unit)

    @classmethod
    def learnt(cls, runs: Floats, targets: Floats, points: Floats) -> BendingClass:
        """That of `learnt_regressor`; a usual one where there are too few runs with targets."""
        regressor = learnt_regressor(runs, targets, points)
        if regressor is not None:
            return cls(regressor.noise, regressor.smoothness, regressor.lipschitz)
        return cls.of_ratios(*DEFAULT_RATIOS, _root_mean_square(points), _least_noise(runs))

    def regressor(self) -> MinimaxRegressor:
        """An estimator of this class, not fitted."""
        return MinimaxRegressor(
            metric=None,
            noise=self.noise,
            smoothness=self.smoothness,
            lipschitz=self.lipschitz,
            level=None,
        )

    def fits(self, runs: Floats, queries: Floats) -> MinimaxFits:
        """Risks and dual numbers of queries (m, D) with these runs (n, D), which are distinct."""
        return _fitted(self.regressor(), runs, np.zeros(len(runs))).local(queries)


def _root_mean_square(points: Floats) -> float:
    """Of distances from the mean; 1 where they are 0."""
    if not len(points):
        return 1.0
    centred = points - points.mean(axis=0)
    return float(np.sqrt(np.square(centred).sum(axis=1).mean())) or 1.0


def learnt_regressor(runs: Floats, targets: Floats, points: Floats) -> MinimaxRegressor | None:
    """The one that predicts left-out runs best, fitted to targets (n, t) that count alike.

    Its ratios are those of bends and slopes across the set of `points` (m, D) that are chosen from
    or predicted: much more noise would make runs best at the ends of the box. None where there are
    too few runs, or none of their targets varies.
    """
    n, D = runs.shape
    spread = targets.std(axis=0) if targets.size else np.zeros(0)
    varies = spread > 1e-12 * np.abs(targets).max(axis=0, initial=0.0)
    if n < D + 2 or not varies.any():
        return None
    Y = (targets[:, varies] - targets[:, varies].mean(axis=0)) / spread[varies]
    if n > MOST_LEARNT_RUNS:
        rows = np.sort(np.random.default_rng(0).permutation(n)[:MOST_LEARNT_RUNS])
        runs, Y = runs[rows], Y[rows]
    unit, least = _root_mean_square(points), _least_noise(runs)
    best, least_error = None, np.inf
    for rho, lam in product(RISK_SLOPE_RATIOS, RISK_NOISE_RATIOS):
        regressor = _fitted(BendingClass.of_ratios(lam, rho, unit, least).regressor(), runs, Y)
        error = float(np.square(regressor.left_out_errors_).mean())
        if error < least_error:
            best, least_error = regressor, error
    return best


def _least_noise(runs: Floats) -> float:
    return float(np.sqrt(LEAST_RISK_RATIO)) * _root_mean_square(runs) ** 2


def _fitted(regressor: MinimaxRegressor, runs: Floats, targets: Floats) -> MinimaxRegressor:
    with warnings.catch_warnings():  # runs far out, or repeated, are runs
        warnings.simplefilter("ignore", DataWarning)
        return regressor.fit(runs, targets)


def risk_falls(fits: MinimaxFits, runs: Floats, new: Floats) -> Floats:
    """(m, C) by how much each new run (C, D) lowers the risk of each query, in closed form.

    Exactly 0 where the risk does not change at all; exact where the runs with a weight stay the
    same; else near it, mostly too large.

    Parameters
    ----------
    fits : MinimaxFits
        Of m queries, with these runs.
    runs, new : (n, D), (C, D) float64

    Notes
    -----
    O(m (k D^2 + C D^2)) for k runs with a weight.

    Source: `hullwise.design.minimax_risk`.
    """
    own = fits.target_class
    ridge = np.full(runs.shape[1] + 2, own.lam / own.rho**2)
    ridge[0], ridge[-1] = 0.0, own.lam
    falls = np.zeros((len(fits), len(new)))
    W = fits.weights
    for i, dual in enumerate(fits.dual):
        if not np.isfinite(dual).all():
            continue
        z = fits.queries[i]
        active = W.indices[W.indptr[i] : W.indptr[i + 1]]
        phi, _ = _rows_of(dual, (runs[active] - z) / own.unit)
        factor = np.linalg.cholesky(phi.T @ phi + np.diag(ridge + 1e-12 * ridge.max()))
        phi, margin = _rows_of(dual, (new - z) / own.unit)
        useful = np.flatnonzero(margin > 0)
        leverage = np.square(np.linalg.solve(factor, phi[useful].T)).sum(axis=0)
        falls[i, useful] = margin[useful] ** 2 / (1 + leverage)
    return falls


def _rows_of(dual: Floats, U: Floats) -> tuple[Floats, Floats]:
    """(k, D + 2) rows phi of points at differences U (k, D), and (k,) their margins h."""
    a, b, c = dual[0], dual[1:-1], dual[-1]
    half = np.square(U).sum(axis=1) / 2
    value = a + U @ b
    sign = np.where(value < 0, -1.0, 1.0)
    phi = np.column_stack([sign, sign[:, None] * U, -half])
    return phi, np.abs(value) - c * half
