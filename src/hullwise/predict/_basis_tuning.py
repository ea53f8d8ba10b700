"""Fine-tuning of a radial basis: centres and widths by L-BFGS, coefficients always the best ones.

The squared error after the linear solve is a function of centres and widths alone (Golub and
Pereyra 1973); as the coefficients are optimal its gradient is the partial one at them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import Bounds, minimize

from .._core.types import Floats
from ._linear_smoother import LinearSmoother
from ._radial_basis import RadialBasis

WIDTH_RANGE = float(np.log(16.0))  # a width may become this much larger or smaller, as a logarithm


def tuning_objective(
    basis: RadialBasis, Z: Floats, P: Floats, Y: Floats, ridge: float
) -> tuple[float, Floats, Floats]:
    """J = (|y - fit|^2 + ridge |coefficients|^2) / 2n, and its gradient: (c, r) and (c,)."""
    smoother = LinearSmoother(P, basis.values(Z))
    coefficients = smoother.operator(ridge) @ Y
    residuals = smoother.residuals(Y, ridge)
    value = np.square(residuals).sum() + ridge * np.square(coefficients).sum()
    slope = -residuals @ coefficients.T / len(Z)
    return (float(value) / 2 / len(Z), *basis.gradients(Z, slope))


def tune(
    basis: RadialBasis, Z: Floats, P: Floats, Y: Floats, ridge: float, iterations: int
) -> RadialBasis:
    """The basis after at most so many iterations of L-BFGS, targets Y (n, k) of variance 1."""
    shape, c = basis.centers.shape, len(basis.widths)
    unit = float(np.exp(np.log(basis.widths).mean()))  # so that centres and log widths move alike

    def unpack(theta: Floats) -> RadialBasis:
        centers = basis.centers + unit * theta[c:].reshape(shape)
        return replace(basis, centers=centers, widths=basis.widths * np.exp(theta[:c]))

    def objective(theta: Floats) -> tuple[float, Floats]:
        value, by_center, by_width = tuning_objective(unpack(theta), Z, P, Y, ridge)
        return value, np.concatenate([by_width, unit * by_center.ravel()])

    start = np.zeros(c + basis.centers.size)
    far = np.full(len(start), np.inf)
    far[:c] = WIDTH_RANGE
    result = minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(-far, far),
        options={"maxiter": min(iterations, 2**30)},
    )
    return unpack(result.x)
