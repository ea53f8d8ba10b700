"""The two numbers-only steps of a calibrated band: its shape, and how much to stretch it."""

from __future__ import annotations

import numpy as np
from scipy.sparse import eye_array, hstack

from .._core.types import Floats, Indices

LEAST_SHARE = 0.1  # least share of each term, see `fit_scale`
NEGLIGIBLE_REACH = 1e-9  # of the distance of its rows: the weights average to the query
COVERAGE_ROUNDING = 1e-12  # relative: a sum of shares this little below the coverage has reached it


def fit_scale(
    residual: Floats,
    reach: Floats,
    moment: Floats,
    level: float,
    slope: tuple[float, float],
    least_share: float = LEAST_SHARE,
) -> Floats:
    """Constants (noise, lipschitz, smoothness) of the error scale u that fits residuals best.

    u = noise + lipschitz * reach + smoothness / 2 * moment. They minimise the pinball loss of
    |residual| against u at `level`: linear quantile regression, a linear program (Koenker and
    Bassett 1978), with the constants bounded below. The bounds have no units of their own: where
    reach (or moment) is at its usual size, its quantile at `level`, the term is at least
    `least_share` of the usual residual. `slope` (2,) caps that, and serves where nothing else can
    be learned: the constants at which the target's own deviation is reached at the data's own
    radius.
    """
    sizes = np.abs(residual)
    reach = np.where(reach <= NEGLIGIBLE_REACH * np.sqrt(moment), 0.0, reach)
    usual = float(np.quantile(sizes, level)) or float(sizes.max())
    cap = np.array([np.inf, *slope])
    if usual == 0:
        return np.where(np.isfinite(cap), least_share * cap, 0.0)
    terms = np.column_stack([np.ones(len(sizes)), reach, moment / 2])
    typical = np.quantile(terms, level, axis=0)
    unit = np.where(typical > 0, typical, terms.max(axis=0))
    unit[unit == 0] = 1.0
    with np.errstate(all="ignore"):  # infinite constants are for the caller to refuse
        least = least_share * np.fmin(np.where(typical > 0, 1.0, np.inf), cap * (unit / usual))
        least[~np.isfinite(least)] = 0.0
        fitted = _quantile_regression(sizes / usual, terms / unit, level, least)
        return np.asarray(np.maximum(least, fitted) * usual / unit)


def _quantile_regression(r: Floats, F: Floats, level: float, least: Floats) -> Floats:
    """a >= least that minimises sum level (r - F a)_+ + (1 - level) (F a - r)_+."""
    from scipy.optimize import linprog

    m, k = F.shape
    cost = np.concatenate([np.zeros(k), np.full(m, level / m), np.full(m, (1 - level) / m)])
    A = hstack([F, eye_array(m), -eye_array(m)], format="csc")
    bounds = [(float(b), None) for b in least] + [(0.0, None)] * (2 * m)
    program = linprog(cost, A_eq=A, b_eq=r, bounds=bounds, method="highs")
    return np.asarray(program.x[:k]) if program.status == 0 else np.maximum(least, 1.0)


def conformal_factor(scores: Floats, group: Indices, coverage: float) -> float:
    """The factor that makes u cover: the conformal quantile of scores, groups counting alike.

    Each of K groups has the mass 1 / (K + 1), divided equally among its scores; the rest stands
    for the group to come, at infinity (Lee, Barber and Willett 2023). Where every row is its own
    group this is the ceil((c + 1) coverage)-th of c scores (Papadopoulos et al. 2002).
    """
    size = np.bincount(group)
    mass = 1.0 / (len(size) + 1) / size[group]
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(mass[order]) >= coverage * (1 - COVERAGE_ROUNDING)
    return float(scores[order[int(reached.argmax())]]) if reached.any() else np.inf


def conformal_factors(scores: Floats, group: Indices, coverage: float, joint: bool) -> Floats:
    """(k,) the factor of each target; one for all where they are to be covered at once."""
    k = scores.shape[1]
    if joint:
        return np.full(k, conformal_factor(scores.max(axis=1), group, coverage))
    return np.array([conformal_factor(scores[:, j], group, coverage) for j in range(k)])


def cross_conformal_limits(
    low: Floats, high: Floats, group: Indices, coverage: float
) -> tuple[Floats, Floats]:
    """(m,) limits of the jackknife+ and CV+ from each training row's own limits (m, n).

    The quantiles at which all but 1 - coverage of the groups' mass, the new group's among it, lies
    above or below (Barber et al. 2021, equation 5, with the weights of Lee et al. 2023).
    """
    size = np.bincount(group)
    mass = 1.0 / (len(size) + 1) / size[group]
    limits = []
    for values in (-low, high):
        order = np.argsort(values, axis=1, kind="stable")
        reached = np.cumsum(mass[order], axis=1) >= coverage * (1 - COVERAGE_ROUNDING)
        first = reached.argmax(axis=1)
        chosen = np.take_along_axis(values, np.take_along_axis(order, first[:, None], 1), 1)[:, 0]
        limits.append(np.where(reached.any(axis=1), chosen, np.inf))
    return -limits[0], limits[1]


def least_groups(coverage: float) -> int:
    """How many calibration rows (or groups) a finite band of this coverage takes."""
    return max(1, int(np.ceil(coverage / (1 - coverage) * (1 - COVERAGE_ROUNDING))))
