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

import numpy as np

from .._core.types import Floats
from ..errors import DataWarning
from ..predict.minimax import MinimaxRegressor
from ..predict.minimax_fits import MinimaxFits

DEFAULT_NOISE_RATIO = 1e-3  # lam, where no target was learnt from
DEFAULT_SLOPE_RATIO = 3.0  # rho, the same
LEAST_RISK_RATIO = 1e-6  # lam: with less the risk is that of interpolation, which is nearly flat


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
    def learnt(cls, runs: Floats, targets: Floats, queries: Floats) -> BendingClass:
        """The class that predicts left-out runs best; a usual one where there are too few.

        Its slope is always limited, so that risks exist off the flat of the runs.
        """
        n, D = runs.shape
        spread = targets.std(axis=0) if targets.size else np.zeros(0)
        varies = spread > 1e-12 * np.abs(targets).max(axis=0, initial=0.0)
        if n < D + 2 or not varies.any():
            centred = queries - queries.mean(axis=0)
            unit = float(np.sqrt(np.square(centred).sum(axis=1).mean())) or 1.0
            lam, rho = DEFAULT_NOISE_RATIO, DEFAULT_SLOPE_RATIO
        else:
            Y = (targets[:, varies] - targets[:, varies].mean(axis=0)) / spread[varies]
            regressor = _fitted(MinimaxRegressor(metric=None), runs, Y)
            unit, lam, rho = regressor.unit_, regressor.lam_, regressor.rho_
        lam = max(lam, LEAST_RISK_RATIO)
        return cls(float(np.sqrt(lam)) * unit**2, 1.0, min(rho, 1e3) * unit)

    def fits(self, runs: Floats, queries: Floats) -> MinimaxFits:
        """Risks and dual numbers of queries (m, D) with these runs (n, D), which are distinct."""
        regressor = MinimaxRegressor(
            metric=None,
            noise=self.noise,
            smoothness=self.smoothness,
            lipschitz=self.lipschitz,
            level=None,
        )
        return _fitted(regressor, runs, np.zeros(len(runs))).local(queries)


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
