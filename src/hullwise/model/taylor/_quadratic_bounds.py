"""The largest value of a quadratic form on the unit ball, rounding and the eigensolver included."""

from __future__ import annotations

import numpy as np

from ..._core.rounding import UNIT_ROUNDOFF
from ..._core.types import Floats
from ._taylor_model import UPWARD, TaylorModel


def quadratic_bounds(model: TaylorModel) -> Floats:
    """Bounds (k,) of |sum p_ij t_i t_j| for |t| <= 1, of models of shape (k,)."""
    space = model.space
    crude = space.quadratic_size(model.quadratic).numpy()
    if space.norm != 2 or space.degree == 1 or not np.isfinite(crude).all():
        return np.asarray(crude)
    first, second = (indices.numpy() for indices in space.pairs)
    d, k = space.dimension, len(crude)
    forms = np.zeros((k, d, d))
    halves = model.quadratic.numpy().T / 2
    forms[:, first, second] += halves
    forms[:, second, first] += halves
    norms = np.array([_spectral_norm(form) for form in forms])
    return np.asarray(np.minimum(crude, norms))


def _spectral_norm(form: Floats) -> float:
    """An upper bound of the spectral norm: S = V L V' + R, whatever V and L are.

    |S| <= max |L| (1 + |V'V - 1|) + |R| in the Frobenius norm, with the rounding of the products.
    """
    try:
        values, vectors = np.linalg.eigh(form)
    except np.linalg.LinAlgError:
        return float("inf")
    d, largest = len(form), float(np.abs(values).max())
    slack = 4 * (d + 4) * UNIT_ROUNDOFF * d
    defect = float(np.linalg.norm(vectors.T @ vectors - np.eye(d))) + slack
    residual = float(np.linalg.norm(form - (vectors * values) @ vectors.T)) + slack * largest
    return (largest * (1 + defect) + residual) * UPWARD
