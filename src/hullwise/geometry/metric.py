"""Metrics: which length a difference of two rows has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from .._core.types import Floats, Ints
from .._core.wording import type_of
from ..errors import DataError
from .block_floats import NO_EXPONENT, row_norms, with_row_exponents
from .units import UnitKind, unit_roots


@dataclass(frozen=True, eq=False)
class Metric:
    """|v|_M^2 = v' M v, kept as a diagonal root or as a factor L with M = L' L.

    `root` (d,) holds the square roots of a diagonal M; otherwise `factor` (r, d) is L, whose
    rows are orthogonal, and `inverse` (d, r) its pseudo-inverse. `learnt_units` says which units of
    the rows it divides by, if any.
    """

    root: Floats
    factor: Floats | None
    inverse: Floats | None
    text: str
    learnt_units: UnitKind | None = None

    def equals(self, other: Metric) -> bool:
        """Whether both measure alike."""
        if self.factor is None or other.factor is None:
            same_kind = self.factor is None and other.factor is None
            return same_kind and np.array_equal(self.root, other.root)
        return np.array_equal(self.factor, other.factor)

    @property
    def scales_columns(self) -> bool:
        """Whether M only gives each feature its own positive unit."""
        return self.factor is None and bool((self.root > 0).all())

    @property
    def rank(self) -> int:
        """Number of dimensions that the metric sees."""
        return int((self.root > 0).sum()) if self.factor is None else len(self.factor)

    def image(self, V: Floats) -> Floats:
        """L v for each row v of V, with M = L' L."""
        return V * self.root if self.factor is None else V @ self.factor.T

    def image_of_sizes(self, V: Floats) -> Floats:
        """Bound on the entries of L v' for every v' that is at most v in each feature."""
        return V * self.root if self.factor is None else V @ np.abs(self.factor).T

    def preimage(self, V: Floats) -> Floats:
        """The shortest v with L v equal to each row of V: 0 in what the metric does not see."""
        if self.factor is None or self.inverse is None:
            safe = np.where(self.root > 0, self.root, 1.0)
            return np.where(self.root > 0, V / safe, 0.0)
        return V @ self.inverse.T

    def dual(self, V: Floats) -> Floats:
        """M v for each row v of V: what takes the Euclidean inner product to that of the metric."""
        return V * self.root * self.root if self.factor is None else self.image(V) @ self.factor

    def norm(self, V: Floats) -> Floats:
        """|v|_M for each row of V; infinite beyond the floats."""
        image, exponents = self.scaled_image(V)
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(np.ldexp(row_norms(image), exponents))

    @cached_property
    def _scaled_columns(self) -> tuple[Floats, Ints]:
        """Root or factor with columns of sizes about 1, and the exponents of the columns."""
        columns = self.root[:, None] if self.factor is None else self.factor.T
        scaled, exponents = with_row_exponents(columns)
        # what the metric does not see must not set the exponent of a row
        exponents = np.where(scaled.any(axis=1), exponents, NO_EXPONENT)
        return (scaled[:, 0] if self.factor is None else scaled.T), exponents

    def scaled_image(self, V: Floats) -> tuple[Floats, Ints]:
        """(Z, e) with L v = z 2**e for each row v of V, of any size; entries of z are at most d.

        What is added up to make an entry of z is right to 2**-1000.
        """
        scaled, column_exponents = self._scaled_columns
        Z, exponents = with_row_exponents(V, column_exponents)
        return (Z * scaled if self.factor is None else Z @ scaled.T), exponents

    def scaled_image_of_sizes(self, V: Floats) -> tuple[Floats, Ints]:
        """(Z, e) with `image_of_sizes` of V equal to z 2**e, for sizes beyond those of floats."""
        scaled, column_exponents = self._scaled_columns
        Z, exponents = with_row_exponents(V, column_exponents)
        return (Z * scaled if self.factor is None else Z @ np.abs(scaled).T), exponents


def metric_of_units(kind: UnitKind, units: Floats, note: str = "") -> Metric:
    """The metric that divides each feature by its standard deviation, or twice its half range."""
    name = "standard deviation" if kind == "std" else "range"
    text = f"Euclidean, each feature divided by its {name}{note}"
    return Metric(unit_roots(kind, units), None, None, text, kind)


def metric_array(metric: ArrayLike) -> Floats:
    """The weights or the matrix of a metric as an array, else DataError."""
    try:
        return np.asarray(metric, dtype=np.float64)
    except (TypeError, ValueError):
        is_sequence = isinstance(metric, np.ndarray | list | tuple)
        problem = "holds what is no number" if is_sequence else f"is {type_of(metric)}"
        raise DataError(
            f"metric {problem}: expected a name, a vector of weights or a matrix."
        ) from None


def parse_metric(metric: ArrayLike | None, spread: Floats, half_range: Floats) -> Metric:
    """Understand the `metric` argument.

    None and "euclidean" are the data's own units; "std" and "range" divide each feature by its
    standard deviation or its range over the training rows (a constant feature keeps its units);
    (d,) is the diagonal of M, (d, d) is M itself, symmetric positive semidefinite.
    """
    d = len(spread)
    if metric is None or (isinstance(metric, str) and metric == "euclidean"):
        return Metric(np.ones(d), None, None, "Euclidean, in the data's own units")
    if isinstance(metric, str):
        if metric not in ("std", "range"):
            raise DataError(
                f"metric={metric!r}: expected 'std', 'range', 'euclidean' or None, a vector of "
                f"{d} weights or a ({d}, {d}) matrix."
            )
        if metric == "std":
            return metric_of_units("std", spread)
        return metric_of_units("range", half_range)
    M = metric_array(metric)
    if M.shape not in ((d,), (d, d)):
        raise DataError(f"metric has shape {M.shape}: expected ({d},) or ({d}, {d}).")
    if not np.isfinite(M).all():
        raise DataError("metric holds NaN or infinite entries: every weight must be finite.")
    if M.ndim == 1:
        if (M < 0).any() or not (M > 0).any():
            raise DataError(
                f"metric weight {M.min():g} at feature {int(M.argmin())}: weights must be "
                "nonnegative and not all zero."
            )
        return Metric(np.sqrt(M), None, None, "diagonal metric given by the user")
    # entries of about 1, by an even power of two: its root is one too
    exponent = 2 * (int(np.frexp(np.abs(M).max())[1]) // 2)
    M = np.ldexp(M, -exponent)
    if not np.allclose(M, M.T, rtol=1e-9, atol=1e-12 * np.abs(M).max()):
        raise DataError("metric is not symmetric: pass (M + M.T) / 2 if that is what you mean.")
    values, vectors = np.linalg.eigh((M + M.T) / 2)
    largest = float(values[-1])
    if largest <= 0 or values[0] < -1e-9 * largest:
        raise DataError(
            f"metric has the eigenvalue {np.ldexp(values[0], exponent):g}: it must be positive "
            "semidefinite, not zero."
        )
    unit = np.ones(d)
    if values[0] < 1e-10 * largest:
        # units of very different sizes would hide what matters: judge it with a unit diagonal
        unit = np.sqrt(np.abs(np.diag(M)))
        unit[unit == 0] = 1.0
        values, vectors = np.linalg.eigh((M + M.T) / 2 / unit[:, None] / unit)
    keep = values > 1e-14 * values[-1]
    size, basis = np.sqrt(values[keep]), vectors[:, keep]
    factor, inverse = size[:, None] * basis.T * unit, basis / size / unit[:, None]
    factor, inverse = np.ldexp(factor, exponent // 2), np.ldexp(inverse, -exponent // 2)
    return Metric(np.ones(d), factor, inverse, "matrix metric given by the user")
