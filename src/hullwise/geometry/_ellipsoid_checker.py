"""Proof-checker of an enclosing ellipsoid; it shares nothing with the solver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .cloud import Cloud

if TYPE_CHECKING:
    from .ellipsoid import Ellipsoid

EXTENDED_PRECISION_MARGIN = 1e-6  # rows this close to the boundary need extended precision


def verify_ellipsoid(ellipsoid: Ellipsoid, cloud: Cloud) -> bool:
    """Whether every row is enclosed and the volume is within the stated factor of the smallest."""
    e = ellipsoid
    if cloud.d != len(e.offset) or e.root.shape != (e.rank, cloud.d):
        return False
    numbers = (e.root, e.offset, e.weights, np.array([e.gap, e.log_volume_gap, e.flat_tolerance]))
    if not all(np.isfinite(part).all() for part in numbers):
        return False
    step = max(1, (1 << 20) // cloud.d)
    for start in range(0, cloud.n, step):
        X = cloud.take(np.arange(start, min(start + step, cloud.n)))
        if not _encloses(e, X):
            return False
    return _weights_prove_gap(e, cloud)


def _coordinates(
    e: Ellipsoid, X: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Rows as the ellipsoid sees them; powers of two and one subtraction."""
    return (X * e.frame.prescale - e.frame.shift * e.frame.prescale) * e.frame.factor - e.offset


def _encloses(e: Ellipsoid, X: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> bool:
    D = _coordinates(e, X)
    length = np.sqrt(((D @ e.root.T) ** 2).sum(axis=1))
    if (length > 1 + EXTENDED_PRECISION_MARGIN).any():
        return False
    close = D[length > 1 - EXTENDED_PRECISION_MARGIN].astype(np.longdouble)
    root = e.root.astype(np.longdouble)
    for row in close:  # one by one: an extended product has no fast form anyway
        if np.square((root * row).sum(axis=1)).sum() > 1:
            return False
    if e.directions is not None:
        off = D - (D @ e.directions) @ e.directions.T
        return bool((np.sqrt((off**2).sum(axis=1)) <= e.flat_tolerance).all())
    return True


def _weights_prove_gap(e: Ellipsoid, cloud: Cloud) -> bool:
    """log vol(ellipsoid) - log vol{(x - c)' S^-1 (x - c) <= rank} <= log_volume_gap."""
    rows, u, r = e.support, e.weights, e.rank
    if len(rows) != len(u) or len(np.unique(rows)) != len(rows) or (u <= 0).any():
        return False
    if len(rows) == 0 or rows.min() < 0 or rows.max() >= cloud.n or abs(u.sum() - 1) > 1e-9:
        return False
    if r == 0:
        return True
    u = u / u.sum()
    D = _coordinates(e, cloud.take(rows))
    D = (D - u @ D) * np.sqrt(u)[:, None]
    inner = np.log(np.linalg.svd(D, compute_uv=False)[:r])  # half axes of S
    outer = np.log(np.linalg.svd(e.root, compute_uv=False)[:r])  # 1 / half axes of the ellipsoid
    excess = -outer.sum() - inner.sum() - 0.5 * r * np.log(r)
    # the sums of logarithms are right to about eps times the spread of the axes
    rounding = 64 * np.finfo(np.float64).eps * r * np.exp(max(np.ptp(inner), np.ptp(outer)))
    claimed = 0.5 * r * np.log1p(e.gap * (r + 1) / r)
    return bool(excess <= min(e.log_volume_gap, claimed) + rounding + 1e-12)
