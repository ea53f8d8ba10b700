"""A radial basis network fitted to rows in a frame: centres, widths, ridge, fine-tuning."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .._core.types import Floats, Indices
from ..errors import DataError
from ._bandwidths import standardised
from ._basis_tuning import tune
from ._batching import ScaledProblem
from ._linear_smoother import LinearSmoother, Polynomial
from ._radial_basis import RadialBasis, place_basis
from .duplicates import TrainingPlaces

WIDTH_FACTORS = (0.5, 1.0, 2.0, 4.0, 8.0)  # of the rule's widths, tried


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """The checked options of `RBFNetworkRegressor`, widths that are numbers in the frame."""

    n_centers: int
    centers: str
    widths: str | float
    n_neighbors: int
    width_factor: str | float
    ridge: str | float
    is_normalized: bool
    is_linear: bool
    fine_tuning: int
    random_state: int


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """Functions, polynomials, and what they do to targets, in the frame."""

    basis: RadialBasis
    polynomial: Polynomial
    smoother: LinearSmoother
    ridge: float
    width_factor: float
    error: float  # that chose these two
    targets: Floats  # (p, k), of the places

    @cached_property
    def answer(self) -> tuple[Floats, Floats]:
        """Coefficients of the polynomials (p, k) and of the functions (c, k)."""
        P = self.smoother.P
        return P.T @ self.targets, self.smoother.operator(self.ridge) @ self.targets

    def functions(self, problem: ScaledProblem) -> tuple[Floats, Floats]:
        """Polynomials (m, p) and what is left of the basis without them (m, c) at the queries."""
        T = self.polynomial.values(problem.queries, problem.exponents)
        return T, self.basis.values(problem.queries) - T @ self.smoother.projection

    def weights(self, problem: ScaledProblem) -> Floats:
        """Weights of the queries on the places, (m, p)."""
        T, B = self.functions(problem)
        return np.asarray(T @ self.smoother.P.T + B @ self.smoother.operator(self.ridge))

    def outputs(self, problem: ScaledProblem) -> Floats:
        """Predictions at the queries, (m, k)."""
        T, B = self.functions(problem)
        constant, coefficients = self.answer
        return np.asarray(T @ constant + B @ coefficients)


def fit_network(Z: Floats, places: TrainingPlaces, options: NetworkOptions) -> FittedNetwork:
    """The network of rows Z (p, r) and what belongs to them."""
    rule = options.widths if isinstance(options.widths, str) else "nearest"
    basis = place_basis(
        Z, options.centers, options.n_centers, rule, options.n_neighbors, options.random_state
    )
    if not isinstance(options.widths, str):
        basis = replace(basis, widths=np.full(len(basis.centers), options.widths))
    basis = replace(basis, is_normalized=options.is_normalized)
    polynomial = Polynomial.of(Z, options.is_linear)
    P, Y = polynomial.values(Z), standardised(places.targets)
    factor, ridge, error = _choose(basis, Z, P, Y, places, options)
    basis = basis.scaled(factor)
    if options.fine_tuning:
        basis = tune(basis, Z, P, Y, ridge, options.fine_tuning)
    smoother = LinearSmoother(P, basis.values(Z))
    return FittedNetwork(basis, polynomial, smoother, ridge, factor, error, places.targets)


def _choose(
    basis: RadialBasis,
    Z: Floats,
    P: Floats,
    Y: Floats,
    places: TrainingPlaces,
    options: NetworkOptions,
) -> tuple[float, float, float]:
    """Width factor and ridge with the least error, and that error."""
    is_chosen = isinstance(options.ridge, str) or isinstance(options.width_factor, str)
    members = _members(places) if is_chosen else None
    if not isinstance(options.width_factor, str):
        factors: tuple[float, ...] = (float(options.width_factor),)
    else:
        factors = WIDTH_FACTORS if isinstance(options.widths, str) else (1.0,)
    best = (factors[0], 0.0, np.inf)
    for factor in factors:
        smoother = LinearSmoother(P, basis.scaled(factor).values(Z))
        is_free = isinstance(options.ridge, str)
        for ridge in smoother.ridges()[::-1] if is_free else [float(options.ridge)]:
            if members is None:
                error = smoother.generalised_error(Y, ridge)
            else:
                error = smoother.grouped_error(Y, ridge, members)
            if error < best[2] or not np.isfinite(best[2]):
                best = (factor, float(ridge), error)
    return best


def _members(places: TrainingPlaces) -> list[Indices] | None:
    """The places of each group, (g,) lists; None where each place is a group of its own."""
    if places.n_groups == len(places.counts) and len(places.groups) == len(places.counts):
        return None
    owner = np.repeat(np.arange(len(places.counts)), np.diff(places.group_ends))
    order = np.argsort(places.groups, kind="stable")
    edges = np.flatnonzero(np.diff(places.groups[order])) + 1
    if np.diff([0, *edges, len(order)]).max() == len(places.counts):
        raise DataError(
            "no row is left to predict the others from: there is one group only, or one with a "
            "copy of every row. Give ridge and width_factor as numbers, or no groups."
        )
    return [np.asarray(rows, dtype=np.intp) for rows in np.split(owner[order], edges)]
