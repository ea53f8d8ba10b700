"""The checker of proofs: of the rows of a table alone, is what a proof claims true?

It is written to be read: NumPy, whole numbers and fractions, and no code of what it checks. All
training rows are scored in float64 with a rounding bound; whatever the bound leaves open, or
everything with `exact=True`, is judged in whole numbers, where a claim holds or does not.

A proof of "outside, by at least `lower`" is a slope for each number and a table of points for each
category: no training row scores as much as the row. A proof of "at most `upper` away" or "inside"
is a mixture of training rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from scipy.sparse import csr_array

from .._core.types import Array, Floats, Indices, Mask
from ._checked_rows import CheckedRows
from ._exact_arrays import ExactArray

PROOF_ROUNDOFF = 2.0**-53
LEAST_CLAIM_IN_FLOATS = 2.0**-900  # smaller claims, and those above its inverse, are judged exactly
SCORED_ROWS = 2048  # training rows, and rows with proofs, that are scored at a time
LARGEST_EXACT_MIXTURE = 64  # rows of a mixture whose exactness is checked
OUTSIDE_VERDICT, INSIDE_VERDICT = -1, 1


@dataclass(frozen=True, eq=False)
class HullClaims:
    """What is claimed of m rows that are located by the same columns.

    Attributes
    ----------
    columns : tuple of int
        Those columns; a bound in them holds for every filling of the others.
    root : (k,) float64
        Square roots of the weights of the coordinates.
    factor : (r, k) float64 or None
        L, where the metric is L'L and the weights are not used.
    lower, upper, verdict : (m,)
    exactly : (m,) bool
        Whether "inside" is claimed exactly, and not within `tolerance` of each range.
    direction : (m, k) float64
        v with <v, q - x> >= lower |v| for every training row x, in the metric.
    weights : csr_array (m, n)
        Of all training rows.
    """

    columns: tuple[int, ...]
    root: Floats
    factor: Floats | None
    lower: Floats
    upper: Floats
    verdict: Array
    exactly: Mask
    tolerance: float
    direction: Floats
    weights: csr_array

    def take(self, rows: Indices) -> HullClaims:
        """The claims of some rows."""
        return replace(
            self,
            lower=self.lower[rows],
            upper=self.upper[rows],
            verdict=self.verdict[rows],
            exactly=self.exactly[rows],
            direction=self.direction[rows],
            weights=csr_array(self.weights[rows]),
        )

    def functionals(self, rows: Indices) -> tuple[Floats, Floats]:
        """(b, k) M v, the slopes of the coordinates, and the size of what is added up for each."""
        v = self.direction[rows]
        if self.factor is None:
            slopes = v * self.root * self.root
            return slopes, np.abs(slopes)
        sizes = (np.abs(v) @ np.abs(self.factor).T) @ np.abs(self.factor)
        return (v @ self.factor.T) @ self.factor, sizes

    @property
    def n_factors(self) -> int:
        """Rows of the factor."""
        return 0 if self.factor is None else len(self.factor)

    def exact_functional(self, v: ExactArray) -> ExactArray:
        """M v, exactly."""
        if self.factor is None:
            return v * ExactArray.of(self.root) * ExactArray.of(self.root)
        L = ExactArray.of(self.factor)
        return L.T @ (L @ v)

    def exact_square(self, v: ExactArray) -> ExactArray:
        """|v|^2 in the metric, exactly."""
        image = (
            v * ExactArray.of(self.root) if self.factor is None else ExactArray.of(self.factor) @ v
        )
        return image @ image

    def sees_none(self, residual: Floats, allowed: Floats) -> bool:
        """Whether the metric sees no more of a residual than of what is allowed."""
        if self.factor is None:
            return bool(((np.abs(residual) <= allowed) | (self.root == 0)).all())
        return bool((np.abs(self.factor @ residual) <= np.abs(self.factor) @ allowed).all())

    def lengths(self, V: Floats) -> Floats:
        """(m,) |v| in the metric, to within a few units in the last place."""
        image = V * self.root if self.factor is None else V @ self.factor.T
        return np.asarray(np.sqrt(np.square(image).sum(axis=-1)))


def hull_claims_hold(
    claims: HullClaims, training: CheckedRows, rows: Indices, queries: CheckedRows, exact: bool
) -> Mask:
    """(m,) whether bounds and verdict of each row hold against these training rows.

    `rows` are all that have the columns, of the segment where there are segments.
    """
    holds = _claims_are_consistent(claims)
    holds &= _separated(claims, training.take(rows), queries, holds, exact)
    half_width = _half_widths(claims, training.take(rows))
    is_row = np.zeros(len(training), dtype=bool)
    is_row[rows] = True
    for b in np.flatnonzero(holds):
        span = slice(claims.weights.indptr[b], claims.weights.indptr[b + 1])
        support, w = claims.weights.indices[span], claims.weights.data[span]
        if not len(w):
            holds[b] = np.isinf(claims.upper[b]) and claims.verdict[b] != INSIDE_VERDICT
            continue
        mixes = is_row[support].all() and (w >= 0).all() and abs(w.sum() - 1) <= 1e-12
        holds[b] = mixes and _mixture_holds(
            claims, training.take(support), w, queries.take([b]), half_width, int(b), exact
        )
    return holds


def _claims_are_consistent(claims: HullClaims) -> Mask:
    lower, upper = claims.lower, claims.upper
    sizes = (lower >= 0) & (lower <= upper) & np.isfinite(lower)
    outside = claims.verdict == OUTSIDE_VERDICT
    return np.asarray(sizes & (outside == (lower > 0)) & np.isfinite(claims.direction).all(axis=1))


def _separated(
    claims: HullClaims, training: CheckedRows, queries: CheckedRows, asked: Mask, exact: bool
) -> Mask:
    """(m,) whether every training row scores less than the row, by `lower` times |v| at least."""
    holds = np.ones(len(queries), dtype=bool)
    claiming = np.flatnonzero((claims.lower > 0) & asked)
    for start in range(0, len(claiming), SCORED_ROWS):
        block = claiming[start : start + SCORED_ROWS]
        with np.errstate(all="ignore"):
            score = _Score(claims, training, queries, block)
            best = np.max([each.max(axis=1) for _, each in score.blocks()], axis=0)
            claim = claims.lower[block] * claims.lengths(claims.direction[block])
            lead = score.own - best - score.bound
            certain = lead > claim * (1 + 64 * PROOF_ROUNDOFF)
            certain &= (claim > LEAST_CLAIM_IN_FLOATS) & (claim < 1 / LEAST_CLAIM_IN_FLOATS)
            open_ = np.flatnonzero(~certain | exact)
            near = score.rows_above(best - 2 * score.bound, open_)
        for place, rows in zip(open_, near, strict=True):
            b = int(block[place])
            holds[b] = _separates_exactly(claims, b, training.take(rows), queries.take([b]))
    return holds


class _Score:
    """What training rows score for a block of rows, and how far the float scores may be off."""

    def __init__(
        self, claims: HullClaims, training: CheckedRows, queries: CheckedRows, block: Indices
    ) -> None:
        layout = training.layout
        used = np.isin(layout.owner, claims.columns)
        categories = [j for j in claims.columns if j in layout.vertices]
        slopes, terms = np.zeros((2, len(block), len(used)))  # and their terms, before they cancel
        slopes[:, used], terms[:, used] = claims.functionals(block)
        self.training = training
        self.numbers = np.flatnonzero(used & ~np.isin(layout.owner, categories))
        self.slopes = slopes[:, self.numbers]
        blocks = {j: layout.owner == j for j in categories}
        self.points = {j: slopes[:, at] @ layout.vertices[j].T for j, at in blocks.items()}
        self.origin = training.numbers[:1, self.numbers]
        numbers = queries.numbers[np.ix_(block, self.numbers)] - self.origin
        self.own = np.einsum("ij,ij->i", self.slopes, numbers)
        for j, points in self.points.items():
            self.own += points[np.arange(len(block)), queries.codes[block, j]]
        widest = np.abs(training.numbers[:, self.numbers] - self.origin).max(axis=0, initial=0.0)
        size = np.einsum("ij,ij->i", terms[:, self.numbers], np.abs(numbers) + widest)
        for j, at in blocks.items():
            size += 2 * (terms[:, at] @ np.abs(layout.vertices[j]).T).max(axis=1)
        n_terms = 4 * len(used) + 4 * len(claims.columns) + 2 * claims.n_factors + 64
        self.bound = n_terms * (PROOF_ROUNDOFF * size + 2.0**-1074)

    def blocks(self) -> Iterator[tuple[int, Floats]]:
        """(first row, (b, rows) scores) for all training rows."""
        for start in range(0, len(self.training), SCORED_ROWS):
            rows = self.training.take(slice(start, start + SCORED_ROWS))
            score = self.slopes @ (rows.numbers[:, self.numbers] - self.origin).T
            for j, points in self.points.items():
                score += points[:, rows.codes[:, j]]
            yield start, score

    def rows_above(self, least: Floats, places: Indices) -> list[Indices]:
        """For each of these rows of the block the training rows that do not score less."""
        near: list[list[Indices]] = [[] for _ in places]
        for start, score in self.blocks() if len(places) else ():
            for rows, place in zip(near, places, strict=True):
                rows.append(start + np.flatnonzero(~(score[place] < least[place])))
        return [np.concatenate(rows) for rows in near]


def _separates_exactly(claims: HullClaims, b: int, rows: CheckedRows, query: CheckedRows) -> bool:
    """<v, q - x> >= lower |v| for each of these rows, in whole numbers."""
    v = ExactArray.of(claims.direction[b])
    X = np.unique(rows.coordinates(claims.columns), axis=0)
    Y = ExactArray.of(np.concatenate([query.coordinates(claims.columns), X]))
    gaps = (Y[0] - Y[1:]) @ claims.exact_functional(v)
    lower = ExactArray.of(claims.lower[b])
    target = lower * lower * claims.exact_square(v)
    return gaps.all_positive and (gaps * gaps).at_least(target)


def _half_widths(claims: HullClaims, training: CheckedRows) -> Floats:
    """(k,) half of each coordinate's range."""
    low, high = [], []
    for start in range(0, len(training), SCORED_ROWS):
        X = training.take(slice(start, start + SCORED_ROWS)).coordinates(claims.columns)
        low.append(X.min(axis=0))
        high.append(X.max(axis=0))
    return np.asarray(np.max(high, axis=0) / 2 - np.min(low, axis=0) / 2)


def _mixture_holds(
    claims: HullClaims,
    support: CheckedRows,
    w: Floats,
    query: CheckedRows,
    half_width: Floats,
    b: int,
    exact: bool,
) -> bool:
    """Whether the mixture lies within `upper`, and is the row itself where that is claimed."""
    X, q = support.coordinates(claims.columns), query.coordinates(claims.columns)[0]
    if np.isfinite(claims.upper[b]) and not _within(claims, X, q, w, float(claims.upper[b]), exact):
        return False
    if claims.verdict[b] != INSIDE_VERDICT:
        return True
    with np.errstate(all="ignore"):
        residual = (w[:, None] * (X - q)).sum(axis=0)
        slack = 2.0**-48 * (np.abs(X).max(axis=0) + np.abs(q)) + 2.0**-1068
        if not claims.sees_none(residual, 4 * claims.tolerance * half_width + slack):
            return False
    if not exact or not claims.exactly[b] or len(w) > LARGEST_EXACT_MIXTURE:
        return True
    return _is_exact_mixture(_equations(claims, support, query))


def _within(claims: HullClaims, X: Floats, q: Floats, w: Floats, upper: float, exact: bool) -> bool:
    """|sum w (x - q)| <= upper sum w, in whole numbers where floats leave it open."""
    if not exact and LEAST_CLAIM_IN_FLOATS < upper < 1 / LEAST_CLAIM_IN_FLOATS:
        with np.errstate(all="ignore"):
            length = claims.lengths((w[:, None] * (X - q)).sum(axis=0) / w.sum())
            sizes = (w[:, None] * np.abs(X - q)).sum(axis=0)
            image = (
                sizes * claims.root if claims.factor is None else sizes @ np.abs(claims.factor).T
            )
            bound = 4 * (len(w) + len(q)) * PROOF_ROUNDOFF * np.sqrt(np.square(image).sum())
            if length + bound <= upper:
                return True
    Y = ExactArray.of(np.concatenate([q[None], X]))
    weights, limit = ExactArray.of(w), ExactArray.of(upper)
    total = weights.sum()
    square = claims.exact_square((Y[1:] - Y[0]).T @ weights)
    return (limit * limit * total * total).at_least(square)


def _equations(
    claims: HullClaims, support: CheckedRows, query: CheckedRows
) -> list[list[Fraction]]:
    """What exact weights fulfil: number by number, level by level, and that they sum to 1."""
    system: list[list[Fraction]] = []
    for j in claims.columns:
        if j in support.layout.vertices:
            codes = np.append(support.codes[:, j], query.codes[:, j])
            lines = (codes == np.unique(codes)[:, None]).astype(float)
        else:
            at = support.layout.owner == j
            lines = np.vstack([support.numbers[:, at], query.numbers[:, at]]).T
        system += [[Fraction(float(x)) for x in line] for line in lines]
    return [*system, [Fraction(1)] * (len(support) + 1)]


def _is_exact_mixture(system: list[list[Fraction]]) -> bool:
    """Whether weights of at least 0 solve the equations (rows: coefficients, then the right side).

    Gauss and Jordan over the fractions; the rows of the mixture are affinely independent.
    """
    n_unknowns, done = len(system[0]) - 1, 0
    for c in range(n_unknowns):
        pivot = next((i for i in range(done, len(system)) if system[i][c] != 0), None)
        if pivot is None:
            return False
        system[done], system[pivot] = system[pivot], system[done]
        system[done] = [x / system[done][c] for x in system[done]]
        for i, line in enumerate(system):
            if i != done and line[c] != 0:
                system[i] = [x - line[c] * y for x, y in zip(line, system[done], strict=True)]
        done += 1
    return all(line[-1] == 0 for line in system[done:]) and all(
        line[-1] >= 0 for line in system[:done]
    )
