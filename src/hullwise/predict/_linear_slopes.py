"""The ridge regression whose intercept a minimax weighted average is: its slopes, and its risk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from .._core.types import Floats
from ..geometry.cloud import Cloud
from .minimax_fits import TargetClass


@dataclass(frozen=True, eq=False)
class LocalRidge:
    """What follows from the weights of m queries alone.

    Attributes
    ----------
    slope : (m, d, k)
    risk, reach, moment : (m,)
    """

    slope: Floats
    risk: Floats
    reach: Floats
    moment: Floats


def local_slopes(W: csr_array, cloud: Cloud, Q: Floats, own: TargetClass, Y: Floats) -> LocalRidge:
    """Slopes at queries Q (m, d) of targets Y (n, k), and risk, reach and moment of weights W.

    Ridge regression on (1, u, -s r^2 / 2) over the rows with a weight of sign s.
    """
    m, d, k = len(Q), cloud.d, Y.shape[1]
    slope = np.full((m, d, k), np.nan)
    risk, reach, moment = np.full(m, np.nan), np.full(m, np.nan), np.full(m, np.nan)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for b in range(m):
            span = slice(W.indptr[b], W.indptr[b + 1])
            at, w = W.indices[span], W.data[span]
            if not len(at):
                continue
            U = own.metric.image(cloud.take(at) - Q[b]) / own.unit
            q = np.square(U).sum(axis=1) / 2
            mean, spread = w @ U, float(np.abs(w) @ q)
            shift = float(np.sqrt(mean @ mean))
            bias = 0.0 if np.isinf(own.rho) else (own.rho * shift) ** 2 / max(own.lam, 1e-300)
            risk[b] = w @ w + spread**2 / max(own.lam, 1e-300) + bias
            reach[b], moment[b] = shift * own.unit, 2 * spread * own.unit**2
            slope[b] = _to_data(_ridge(U, np.sign(w) * q, own, Y[at]), own)
    return LocalRidge(slope, risk, reach, moment)


def _ridge(U: Floats, curved: Floats, own: TargetClass, Y: Floats) -> Floats:
    """Coefficients of u, (r, k), each penalised as in the dual; least squares, never singular."""
    r = U.shape[1]
    A = np.column_stack([np.ones(len(U)), U, -curved])
    penalty = 0.0 if np.isinf(own.rho) else np.sqrt(own.lam) / own.rho
    ridge = np.diag(np.concatenate([[0.0], np.full(r, penalty), [np.sqrt(own.lam)]]))
    B = np.vstack([Y, np.zeros((r + 2, Y.shape[1]))])
    if not (np.isfinite(A).all() and np.isfinite(B).all()):
        return np.full((r, Y.shape[1]), np.nan)
    return np.asarray(np.linalg.lstsq(np.vstack([A, ridge]), B)[0][1:-1])


def _to_data(slope: Floats, own: TargetClass) -> Floats:
    """Slopes along the metric's coordinates, (r, k), as those along features, (d, k)."""
    metric = own.metric
    if metric.factor is None:
        return np.asarray(slope * metric.root[:, None] / own.unit)
    return np.asarray(metric.factor.T @ slope / own.unit)
