"""The checker of minimax linear weights, by weak duality; it shares no code with the search.

For u_i = L (x_i - z) / unit and q_i = |u_i|^2 / 2, any a, b, c with c >= 0 give the lower bound

    D = 2 a - lam c^2 - (lam / rho^2) |b|^2 - sum_i (|a + b'u_i| - c q_i)_+^2

on the risk |w|^2 + (sum |w_i| q_i)^2 / lam + rho^2 |sum w_i u_i|^2 / lam of all weights w of sum 1.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Floats, Indices, Mask
from ..io.rows import Rows

if TYPE_CHECKING:
    from .minimax_fits import MinimaxFits

MINIMAX_CHECK_BLOCK = 1024  # rows looked at together
CHECKED_SHIFT = 1e-9  # of sum |w_i| |u_i|: weights that average to the query, where slopes are free


def verify_weights(fits: MinimaxFits, rows: Rows, tolerance: float, exact: bool) -> Mask:
    """Whether the two bounds of each query meet and its claims are those of its weights, (m,)."""
    if exact:
        return np.array([_verify_exactly(fits, rows, b, tolerance) for b in range(len(fits))], bool)
    m = len(fits)
    if fits.target_class.lam == 0:  # no noise: risk in its units is infinite, whatever the weights
        return np.zeros(m, bool)
    bounds = np.full((m, 2), np.nan)
    claims = np.zeros(m, bool)
    with np.errstate(all="ignore"):
        violation = _violations(fits, rows)
        for b in range(m):
            bounds[b, 0] = _lower_bound(fits, b, violation[b])
            bounds[b, 1], claims[b] = _upper_bound(fits, rows, b)
        share = (bounds[:, 1] - bounds[:, 0]) / bounds[:, 1]
        near = np.abs(fits.risk / bounds[:, 1] - 1) <= tolerance + 1e-12
    return np.asarray(claims & near & (share <= tolerance))


def _differences(fits: MinimaxFits, X: Floats, b: int) -> Floats:
    """u of rows X, (n, r)."""
    metric, unit = fits.target_class.metric, fits.target_class.unit
    V = X - fits.queries[b]
    image = V * metric.root if metric.factor is None else V @ metric.factor.T
    return np.asarray(image / unit)


def _violations(fits: MinimaxFits, rows: Rows) -> Floats:
    """sum_i (|a + b'u_i| - c q_i)_+^2 of each query: one pass over all rows, copies once."""
    total, first = np.zeros(len(fits)), None if fits.unique is None else fits.unique.first
    for start in range(0, rows.n, MINIMAX_CHECK_BLOCK):
        stop = min(start + MINIMAX_CHECK_BLOCK, rows.n)
        X = rows.block(start, stop).astype(np.float64)
        if first is not None:
            X = X[np.isin(np.arange(start, stop), first)]
        for b in range(len(fits)):
            U = _differences(fits, X, b)
            a, slope, c = fits.dual[b, 0], fits.dual[b, 1:-1], fits.dual[b, -1]
            margin = np.abs(a + U @ slope) - c / 2 * np.square(U).sum(axis=1)
            total[b] += np.square(np.maximum(margin, 0)).sum()
    return total


def _lower_bound(fits: MinimaxFits, b: int, violation: float) -> float:
    a, slope, c = fits.dual[b, 0], fits.dual[b, 1:-1], fits.dual[b, -1]
    lam, rho = fits.target_class.lam, fits.target_class.rho
    if not c >= 0:
        return -np.inf
    return float(2 * a - lam * c * c - lam * (slope @ slope) / rho**2 - violation)


def _upper_bound(fits: MinimaxFits, rows: Rows, b: int) -> tuple[float, bool]:
    """The risk of the weights, and whether reach, moment and sum are what they are said to be."""
    W, own = fits.weights, fits.target_class
    span = slice(W.indptr[b], W.indptr[b + 1])
    at, w = _one_of_copies(fits, W.indices[span], W.data[span])
    if not len(at):
        return np.nan, False
    U = _differences(fits, rows.take(at), b)
    q = np.square(U).sum(axis=1) / 2
    mean, size = w @ U, float(np.abs(w) @ np.sqrt(2 * q))
    shift, spread = float(np.sqrt(mean @ mean)), float(np.abs(w) @ q)
    if np.isinf(own.rho):
        bias = 0.0 if shift <= CHECKED_SHIFT * size else np.inf
    else:
        bias = (own.rho * shift) ** 2 / own.lam
    right = abs(w.sum() - 1) <= 1e-9 * np.abs(w).sum()
    right &= abs(shift * own.unit - fits.reach[b]) <= 1e-7 * size * own.unit
    right &= abs(2 * spread * own.unit**2 - fits.moment[b]) <= 1e-7 * fits.moment[b] + 1e-300
    return float(w @ w + spread**2 / own.lam + bias), bool(right)


def _one_of_copies(fits: MinimaxFits, at: Indices, w: Floats) -> tuple[Indices, Floats]:
    """Weights of copies added up on the first of them."""
    if fits.unique is None:
        return at, w
    total = np.zeros(len(fits.unique.first))
    np.add.at(total, fits.unique.inverse[at], w)
    places = np.flatnonzero(total)
    return fits.unique.first[places], total[places]


# ---- in rational numbers ------------------------------------------------------------------------


def _verify_exactly(fits: MinimaxFits, rows: Rows, b: int, tolerance: float) -> bool:
    """The same with nothing rounded: the metric's own numbers and those stored are what they are.

    Where slopes are free the weights are first moved to where they reproduce linear functions.
    """
    W, own = fits.weights, fits.target_class
    span = slice(W.indptr[b], W.indptr[b + 1])
    at, weights = _one_of_copies(fits, W.indices[span], W.data[span])
    if not len(at) or not np.isfinite(fits.dual[b]).all() or fits.dual[b, -1] < 0:
        return False
    first = np.arange(rows.n) if fits.unique is None else fits.unique.first
    points = {int(i): _exact_difference(fits, rows, int(i), b) for i in first}
    half = {i: sum((v * v for v in u), Fraction(0)) / 2 for i, u in points.items()}
    a, *slope, c = (Fraction(float(v)) for v in fits.dual[b])
    lam = Fraction(own.lam)
    slopes = Fraction(0) if np.isinf(own.rho) else lam / Fraction(own.rho) ** 2
    lower = 2 * a - lam * c * c - slopes * sum(v * v for v in slope)
    for i, u in points.items():
        margin = abs(a + sum(v * x for v, x in zip(slope, u))) - c * half[i]
        lower -= max(margin, Fraction(0)) ** 2
    w = {int(i): Fraction(float(v)) for i, v in zip(at, weights)}
    if np.isinf(own.rho) and not _reproduce_linear(w, points):
        return False
    total = sum(w.values())
    w = {i: v / total for i, v in w.items()}
    mean = [sum(v * points[i][j] for i, v in w.items()) for j in range(len(slope))]
    upper = sum(v * v for v in w.values()) + sum(abs(v) * half[i] for i, v in w.items()) ** 2 / lam
    if slopes:
        upper += sum(v * v for v in mean) / slopes
    return upper - lower <= Fraction(tolerance) * upper


def _exact_difference(fits: MinimaxFits, rows: Rows, i: int, b: int) -> list[Fraction]:
    metric, unit = fits.target_class.metric, Fraction(fits.target_class.unit)
    x = rows.take(np.array([i], dtype=np.intp))[0]
    v = [Fraction(float(p)) - Fraction(float(q)) for p, q in zip(x, fits.queries[b])]
    if metric.factor is None:
        return [p * Fraction(float(r)) / unit for p, r in zip(v, metric.root)]
    return [sum(Fraction(float(f)) * p for f, p in zip(row, v)) / unit for row in metric.factor]


def _reproduce_linear(w: dict[int, Fraction], points: dict[int, list[Fraction]]) -> bool:
    """Change a few weights so that sum w_i u_i = 0 and sum w_i = 1 exactly; False if none can."""
    r = len(next(iter(points.values())))
    target = [Fraction(1) - sum(w.values())]
    target += [-sum((v * points[i][j] for i, v in w.items()), Fraction(0)) for j in range(r)]
    # elimination: one row of the system for each equation, one column for each weight
    columns = sorted(w, key=lambda i: -abs(w[i]))
    system = [[Fraction(1) if j == 0 else points[i][j - 1] for i in columns] for j in range(r + 1)]
    pivots: list[tuple[int, int]] = []
    for column in range(len(columns)):
        used = {row for row, _ in pivots}
        open_ = [row for row in range(r + 1) if row not in used and system[row][column] != 0]
        if not open_:
            continue
        pivot = open_[0]
        for row in range(r + 1):
            if row != pivot and system[row][column] != 0:
                factor = system[row][column] / system[pivot][column]
                system[row] = [x - factor * y for x, y in zip(system[row], system[pivot])]
                target[row] -= factor * target[pivot]
        pivots.append((pivot, column))
    used = {row for row, _ in pivots}
    if any(target[row] != 0 for row in range(r + 1) if row not in used):
        return False
    for row, column in pivots:
        w[columns[column]] += target[row] / system[row][column]
    return True
