"""Radial basis functions: centres, widths, values, and the gradient with respect to both."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from .._core.types import Floats

LEAST_VARIANCE = 1e-6  # of the mean variance of the rows: no component is thinner
ROWS_PER_DIMENSION = 10  # a component with fewer is drawn towards a round one


@dataclass(frozen=True, eq=False)
class RadialBasis:
    """exp(-|z - c|^2 / (2 s^2)) for c centres in r coordinates, divided by their sum or not.

    With `shapes` (c, r, r) the length of a difference v at a centre is that of v @ shape.
    """

    centers: Floats  # (c, r)
    widths: Floats  # (c,)
    is_normalized: bool
    shapes: Floats | None = None

    def scaled(self, factor: float) -> RadialBasis:
        """The same with all widths times a factor."""
        return replace(self, widths=self.widths * factor)

    def squares(self, Z: Floats) -> Floats:
        """|z - c|^2 / s^2 for rows Z (n, r), (n, c)."""
        out = np.empty((len(Z), len(self.centers)))
        for c, (center, width) in enumerate(zip(self.centers, self.widths)):
            V = Z - center
            if self.shapes is not None:
                V = V @ self.shapes[c]
            V /= width
            out[:, c] = np.einsum("nr,nr->n", V, V)
        return out

    def values(self, Z: Floats) -> Floats:
        """The functions at rows Z (n, r), (n, c): no sum underflows to 0 however far a row is."""
        half = self.squares(Z)
        half /= 2
        if not self.is_normalized:
            return np.exp(-half)
        values = np.exp(half.min(axis=1, keepdims=True) - half)
        return np.asarray(values / values.sum(axis=1, keepdims=True))

    def gradients(self, Z: Floats, slope: Floats) -> tuple[Floats, Floats]:
        """Derivatives of J by the centres (c, r) and log widths (c,), from those by the values.

        `slope` (n, c) is dJ / d values at rows Z.
        """
        squares, values = self.squares(Z), self.values(Z)
        slope = slope * values  # by the logarithm of an unnormalised value
        if self.is_normalized:
            slope = slope - values * slope.sum(axis=1, keepdims=True)
        by_width = (slope * squares).sum(axis=0)
        by_center = slope.T @ Z - slope.sum(axis=0)[:, None] * self.centers
        if self.shapes is not None:
            by_center = np.einsum("cr,crs,cts->ct", by_center, self.shapes, self.shapes)
        return by_center / np.square(self.widths)[:, None], by_width


def place_basis(
    Z: Floats, kind: str, n_centers: int, widths: str, n_neighbors: int, random_state: int
) -> RadialBasis:
    """A basis for rows Z (n, r): "kmeans", a Gaussian "mixture" with its shapes, or some "rows".

    All rows where there are no more than centres. One thread: sums have one order.
    """
    if n_centers >= len(Z):
        centers = Z.copy()
    elif kind == "rows":
        rng = np.random.default_rng(random_state)
        centers = Z[np.sort(rng.choice(len(Z), n_centers, replace=False))]
    else:
        with warnings.catch_warnings(), threadpool_limits(1):
            # fewer clusters than centres, or a mixture that has not settled: any centres will do
            warnings.simplefilter("ignore")
            if kind == "mixture":
                return _mixture_basis(Z, n_centers, random_state)
            model = KMeans(n_centers, n_init=1, random_state=_seeded(random_state)).fit(Z)
        centers = np.unique(model.cluster_centers_, axis=0)
    return RadialBasis(centers, center_widths(Z, centers, widths, n_neighbors), False)


def _seeded(random_state: int) -> np.random.RandomState:
    """A generator for scikit-learn, which takes no whole numbers beyond 2^32."""
    return np.random.RandomState(np.random.MT19937(np.random.SeedSequence(random_state)))


def _mixture_basis(Z: Floats, n_centers: int, random_state: int) -> RadialBasis:
    """Each component's mean, size and shape: a square is the squared Mahalanobis distance."""
    r = Z.shape[1]
    least = LEAST_VARIANCE * float(Z.var(axis=0).mean()) or 1.0
    mixture = GaussianMixture(n_centers, reg_covar=least, random_state=_seeded(random_state)).fit(Z)
    covariances = np.asarray(mixture.covariances_)
    variances = np.trace(covariances, axis1=1, axis2=2) / r
    roundness = np.clip(1 - mixture.weights_ * len(Z) / (ROWS_PER_DIMENSION * r), 0.0, 1.0)
    covariances *= (1 - roundness)[:, None, None]
    covariances += (roundness * variances)[:, None, None] * np.eye(r)
    factors = np.linalg.inv(np.linalg.cholesky(covariances / variances[:, None, None]))
    shapes = np.ascontiguousarray(np.swapaxes(factors, 1, 2))
    return RadialBasis(mixture.means_, np.sqrt(variances), False, shapes)


def center_widths(Z: Floats, centers: Floats, rule: str, n_neighbors: int) -> Floats:
    """Widths (c,) by rule: root mean square distance to the nearest other centres, or one for all.

    "nearest" is that of Moody and Darken 1989, "global" the largest distance over sqrt(2 c).
    """
    c = len(centers)
    if c == 1:
        size = float(np.sqrt(Z.var(axis=0).sum()))
        return np.array([size or 1.0])
    squares = np.stack([np.square(centers - center).sum(axis=1) for center in centers])
    if rule == "global":
        return np.full(c, np.sqrt(squares.max() / (2 * c)) or 1.0)
    np.fill_diagonal(squares, np.inf)
    k = min(n_neighbors, c - 1)
    widths = np.sqrt(np.partition(squares, k - 1, axis=1)[:, :k].mean(axis=1))
    least = 1e-6 * float(widths.max())  # centres that lie on each other
    return np.asarray(np.maximum(widths, least or 1.0))
