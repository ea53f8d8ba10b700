"""Ridge regression on given functions, as weights on training rows, and its left-out errors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg

from .._core.types import Floats, Indices

SMOOTHER_RIDGES = 10.0 ** np.arange(-8, 2.5, 0.5)  # tried, over the largest squared singular value
LEAST_SINGULAR_VALUE = 1e-12  # over the norm of the functions' values: less is rounding


@dataclass(frozen=True, eq=False)
class Polynomial:
    """What is not penalised: a constant, and the coordinates along the flat of the rows.

    Columns are orthonormal over the rows: (z - mean) @ directions, after 1 / sqrt(n).
    """

    n: int
    mean: Floats
    directions: Floats  # (r, k)

    @classmethod
    def of(cls, Z: Floats, is_linear: bool) -> Polynomial:
        mean = Z.mean(axis=0)
        if not is_linear:
            return cls(len(Z), mean, np.zeros((Z.shape[1], 0)))
        _, size, V = np.linalg.svd(Z - mean, full_matrices=False)
        used = size > 1e-10 * size.max(initial=0.0)
        return cls(len(Z), mean, V[used].T / size[used])

    def values(self, Z: Floats, exponents: Indices | None = None) -> Floats:
        """The columns at Z (m, r), or at Z 2^e: (m, 1 + k)."""
        along = (Z - self.mean) @ self.directions
        if exponents is not None and exponents.any():
            far = np.ldexp(Z, np.minimum(exponents, 900)[:, None]) - self.mean
            along = np.where(exponents[:, None] > 0, far @ self.directions, along)
        return np.hstack([np.full((len(Z), 1), self.n**-0.5), along])


@dataclass(frozen=True, eq=False)
class LinearSmoother:
    """Least squares on functions with values B (n, c), ridge on their coefficients.

    A prediction from functions b and polynomials t at a query is t P'y + (b - t P'B) A y, with P
    the polynomials at the rows (n, p) and A = V diag(s / (s^2 + ridge)) U' of the singular values
    of B - P P'B: linear in y, and of weights with sum 1.
    """

    P: Floats
    B: Floats

    @cached_property
    def projection(self) -> Floats:
        """P'B, (p, c): what the polynomials take of the functions."""
        return np.asarray(self.P.T @ self.B)

    @cached_property
    def decomposition(self) -> tuple[Floats, Floats, Floats]:
        """U (n, k), s (k,), V (c, k) of what they leave, without what is rounding."""
        rest = self.B - self.P @ self.projection
        rest -= self.P @ (self.P.T @ rest)
        U, s, Vt = scipy.linalg.svd(rest, full_matrices=False)
        used = s > LEAST_SINGULAR_VALUE * max(float(np.linalg.norm(self.B)), 1e-300)
        U = U[:, used]
        U -= self.P @ (self.P.T @ U)  # small singular values bring rounding along
        return U, s[used], Vt[used].T

    def shrinkage(self, ridge: float) -> Floats:
        """s^2 / (s^2 + ridge), (k,)."""
        square = np.square(self.decomposition[1])
        return np.asarray(square / (square + ridge))

    def operator(self, ridge: float) -> Floats:
        """A (c, n)."""
        U, s, V = self.decomposition
        return np.asarray((V * (s / (np.square(s) + ridge))) @ U.T)

    def residuals(self, Y: Floats, ridge: float) -> Floats:
        """What is left of targets Y (n, k)."""
        U = self.decomposition[0]
        rest = Y - self.P @ (self.P.T @ Y)
        return np.asarray(rest - U @ (self.shrinkage(ridge)[:, None] * (U.T @ rest)))

    def degrees_of_freedom(self, ridge: float) -> float:
        """Trace of the matrix that takes Y to its fit."""
        return float(self.P.shape[1] + self.shrinkage(ridge).sum())

    def ridges(self) -> Floats:
        """Those that are tried."""
        s = self.decomposition[1]
        return SMOOTHER_RIDGES * (float(s[0]) ** 2 if len(s) else 1.0)

    def generalised_error(self, Y: Floats, ridge: float) -> float:
        """n |residuals|^2 / (n - degrees of freedom)^2, mean over targets (Golub et al. 1979)."""
        n, free = len(Y), len(Y) - self.degrees_of_freedom(ridge)
        if free < 1e-6 * n:
            return np.inf
        return float(n * np.square(self.residuals(Y, ridge)).sum() / free**2 / Y.shape[1])

    def grouped_error(self, Y: Floats, ridge: float, members: list[Indices]) -> float:
        """Mean squared error of rows whose whole group is left out, the functions being given.

        With H the matrix from Y to its fit and r the residuals it is (I - H_GG)^-1 r_G. Infinite
        where the rest does not tell.
        """
        F = np.hstack([self.P, self.decomposition[0]])
        scale = np.concatenate([np.ones(self.P.shape[1]), self.shrinkage(ridge)])
        rest, total, count = self.residuals(Y, ridge), 0.0, 0
        for rows in members:
            part = F[rows]
            try:
                if len(rows) <= len(scale):
                    inner = np.eye(len(rows)) - (part * scale) @ part.T
                    errors = np.linalg.solve(inner, rest[rows])
                else:
                    inner = np.diag(1 / scale) - part.T @ part
                    errors = rest[rows] + part @ np.linalg.solve(inner, part.T @ rest[rows])
            except np.linalg.LinAlgError:
                return np.inf
            total, count = total + float(np.square(errors).sum()), count + len(rows)
        return float(total / count / Y.shape[1])
