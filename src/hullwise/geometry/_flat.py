"""The flat on which the rows lie, and coordinates in which the cloud on it is round."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats, Indices
from .block_floats import row_norms
from .scaled_view import ScaledView
from .scaling import Frame, power_of_two_exponents

GRAM_RANK_TOLERANCE = 1e-7  # eigenvalue ratio above which a Gram matrix shows the rank beyond doubt
CONSTANT_COLUMN_WIDTH = 4 * 8 * np.finfo(np.float64).eps  # of its size: narrower is constant


@dataclass(frozen=True, eq=False)
class Flat:
    """Affine hull of the rows: y = (z - mean) @ basis has mean 0 and variance 1 along each axis.

    z is in `frame` coordinates; `directions` (d, r) is an orthonormal basis of the flat there,
    None where the flat is the whole space.
    """

    frame: Frame
    mean: Floats
    basis: Floats
    directions: Floats | None

    @property
    def rank(self) -> int:
        """Dimension of the flat."""
        return int(self.basis.shape[1])

    def mahalanobis(self, Q: Floats) -> Floats:
        """Distance of each row of Q (m, d) from the mean in units of the covariance, (m,).

        Infinite off the flat (by more than 1e-9 of a column's half width).
        """
        Z, exponents = self.frame.map_queries(Q)
        D = Z - np.ldexp(self.mean, -exponents[:, None])
        with np.errstate(over="ignore"):
            size = np.ldexp(row_norms(D @ self.basis), exponents)
        if self.directions is not None:
            residual = D - (D @ self.directions) @ self.directions.T
            off = np.abs(residual).max(axis=1, initial=0.0)
            unit = np.ldexp(1.0, -exponents)
            size[off > 1e-9 * (unit + np.abs(D).max(axis=1, initial=0.0))] = np.inf
        return np.asarray(size)

    def spanned_by_one(self, X: Floats, n: int) -> NDArray[np.bool_]:
        """Which of these training rows (r, d) of n leave the flat of all the others.

        Such a row has leverage 1: some direction of the flat is its own.
        """
        return np.asarray(1 + np.square(self.mahalanobis(X)) > n * (1 - 1e-9))


def row_blocks(view: ScaledView) -> Iterator[tuple[slice, Floats]]:
    """All rows of a view, about 8 MiB at a time."""
    size = int(np.clip((1 << 20) // view.rank, 64, 8192))
    for start in range(0, view.n, size):
        stop = min(start + size, view.n)
        yield slice(start, stop), view.block(start, stop, False)


def find_flat(view: ScaledView, noise: Floats, tolerance: float = 1e-11) -> Flat:
    """Rank and round coordinates; O(n d^2), one pass where the rank is clear and two elsewhere.

    A direction is part of the flat when the rows' spread along it exceeds both `tolerance` times
    the largest spread (columns measured in their own width) and four times the rounding of the
    stored values, `noise` (d,).
    """
    frame = view.frame
    if view.n <= view.rank:
        mean = view.take(np.arange(view.n)).mean(axis=0)
        return Flat(frame, mean, *_basis_by_svd(view, mean, noise, tolerance))
    total, gram = _sum_moments(view.ask(_moments))
    mean = total / view.n
    gram = gram / view.n - np.outer(mean, mean)
    spread = np.sqrt(np.maximum(np.diag(gram), 0.0))
    # a column of little more than rounding keeps its frame's unit: dividing would raise the noise
    unit = np.where(spread > 1e3 * noise, spread, 1.0)
    values, vectors = np.linalg.eigh(gram / np.outer(unit, unit))
    major = values > GRAM_RANK_TOLERANCE * values[-1]
    size, axes = np.sqrt(values[major]), vectors[:, major]
    if not major.all():
        minor_size, minor_axes = _minor_directions(view, mean, unit, vectors[:, ~major])
        rounding = 4 * np.linalg.norm(minor_axes * (noise / unit)[:, None], axis=0)
        largest = np.sqrt(max(values[-1], 0.0))
        in_flat = (minor_size > tolerance * largest) & (minor_size > rounding)
        size = np.concatenate([size, minor_size[in_flat]])
        axes = np.concatenate([axes, minor_axes[:, in_flat]], axis=1)
    basis = axes / size / unit[:, None]
    if len(size) == view.rank:
        return Flat(frame, mean, basis, None)
    return Flat(frame, mean, basis, np.linalg.qr(axes * unit[:, None])[0])


def _moments(
    view: ScaledView, start: int, mean: Floats | float = 0.0, axes: Floats | None = None
) -> tuple[Floats, Floats]:
    """Sum and sum of outer products of the rows of a part, or of (rows - mean) @ axes."""
    r = view.rank if axes is None else axes.shape[1]
    total, gram = np.zeros(r), np.zeros((r, r))
    for _, Z in row_blocks(view):
        Y = Z if axes is None else (Z - mean) @ axes
        total += Y.sum(axis=0)
        gram += Y.T @ Y
    return total, gram


def _sum_moments(parts: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    return np.sum([part[0] for part in parts], axis=0), np.sum([part[1] for part in parts], axis=0)


def _minor_directions(
    view: ScaledView, mean: Floats, unit: Floats, axes: Floats
) -> tuple[Floats, Floats]:
    """Spread of the rows along directions where a Gram matrix sees only its own rounding.

    The rows are projected on those directions first, which makes the numbers small before they
    are squared: spreads of 1e-15 of the largest are seen instead of 1e-8.
    """
    shift, gram = _sum_moments(view.ask(partial(_moments, mean=mean, axes=axes / unit[:, None])))
    gram = gram / view.n - np.outer(shift, shift) / view.n**2
    values, vectors = np.linalg.eigh(gram)
    return np.sqrt(np.maximum(values, 0.0)), axes @ vectors


def rescale_constant_columns(frame: Frame, size: Floats) -> Frame:
    """A column frame in which a column that hardly moves is measured by its size (d,) instead.

    A column that moves by no more than a few units in its last place is a constant: its noise
    must not pass for a dimension.
    """
    constant = (size > 0) & (size * frame.factor > 2.0 / CONSTANT_COLUMN_WIDTH)
    own = np.ldexp(1.0, -power_of_two_exponents(size))
    return replace(frame, factor=np.where(constant, own, frame.factor))


def _basis_by_svd(
    view: ScaledView, mean: Floats, noise: Floats, tolerance: float
) -> tuple[Floats, Floats | None]:
    """The same for no more rows than features."""
    Z = view.take(np.arange(view.n)) - mean
    _, sigma, Vt = np.linalg.svd(Z / np.sqrt(view.n), full_matrices=False)
    rounding = 4 * np.linalg.norm(Vt * noise, axis=1)
    in_flat = (sigma > tolerance * sigma.max(initial=0.0)) & (sigma > rounding)
    directions = np.ascontiguousarray(Vt[in_flat].T)
    return directions / sigma[in_flat], None if in_flat.sum() == view.rank else directions


def extreme_rows(view: ScaledView, flat: Flat, N: Floats) -> tuple[Floats, Indices]:
    """|y N|^2 of every row, and the rows furthest either way along each column of N (r, k)."""
    parts = view.ask(partial(_extremes, mean=flat.mean, projector=flat.basis @ N))
    best = np.stack([part[1] for part in parts])
    first = best.argmax(axis=0)  # the parts in order: equal ones keep the lower row
    row = np.stack([part[2] for part in parts])[first, np.arange(best.shape[1])]
    return np.concatenate([part[0] for part in parts]), row


def _extremes(
    view: ScaledView, begin: int, mean: Floats, projector: Floats
) -> tuple[Floats, Floats, Indices]:
    k = projector.shape[1]
    size = np.zeros(view.n)
    best, row = np.full(2 * k, -np.inf), np.zeros(2 * k, dtype=np.intp)
    for at, Z in row_blocks(view):
        Y = (Z - mean) @ projector
        size[at] = np.einsum("ij,ij->i", Y, Y)
        for half, sign in ((slice(0, k), 1), (slice(k, 2 * k), -1)):
            arg = Y.argmax(axis=0) if sign > 0 else Y.argmin(axis=0)
            value = sign * Y[arg, np.arange(k)]
            better = value > best[half]
            best[half] = np.where(better, value, best[half])
            row[half] = np.where(better, arg + at.start + begin, row[half])
    return size, best, row


def spanning_rows(view: ScaledView, flat: Flat, count: int) -> Indices:
    """About `count` rows far out under the covariance, that reach well along every direction.

    One pass picks them; further ones only while some direction of unit variance in the cloud is
    nearly lost in the choice, which adds the extreme rows along each such direction.
    """
    size, rows = extreme_rows(view, flat, np.eye(flat.rank))
    count = min(count, view.n)
    outermost = np.argpartition(size, view.n - count)[view.n - count :]
    rows = np.union1d(rows, outermost)
    while True:
        Y = (view.take(rows) - flat.mean) @ flat.basis
        values, vectors = np.linalg.eigh((Y - Y.mean(axis=0)).T @ (Y - Y.mean(axis=0)))
        underspanned = values < 0.25
        if not underspanned.any():
            return rows
        extended = np.union1d(rows, extreme_rows(view, flat, vectors[:, underspanned])[1])
        if len(extended) == len(rows):
            return rows
        rows = extended
