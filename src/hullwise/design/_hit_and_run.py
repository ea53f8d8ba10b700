"""Points of a tiny allowed part: corners of the linear constraints, and chains within.

Hit-and-run (Smith 1984): from a point, a random direction, and a uniform point of the chord on
which box and linear constraints hold; where a constraint that is a function forbids it, the chord
is cut there and drawn from again (the shrinkage of slice sampling, Neal 2003), so that the uniform
distribution is kept.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from .._core.types import Floats, Ints, Mask
from .design_space import EQUALITY_TOLERANCE, DesignSpace
from .parameters import LogParameter

CORNER_PROGRAMS = 40  # linear programs with random objectives, for points to begin from
CHAIN_STEPS = 60
CHORD_TRIES = 12
NULL_DIRECTION = 1e-10  # singular values of the equalities up to here leave directions free


def feasible_points(space: DesignSpace, rng: np.random.Generator) -> Floats:
    """Points that keep the linear relations, mixtures of corners; those that functions allow.

    Corners are optima of (mixed-integer) linear programs with random objectives.
    """
    low, high = space.ranges
    if not space.relations:
        return np.zeros((0, len(low)))
    lower, upper = space.limits
    integral = np.array([not p.is_continuous for p in space.parameters])
    span = np.where(high > low, high - low, 1.0)
    corners = []
    for _ in range(CORNER_PROGRAMS):
        solution = milp(
            rng.normal(size=len(low)) / span,
            constraints=LinearConstraint(space.matrix, lower, upper),
            integrality=integral.astype(int),
            bounds=Bounds(low, high),
        )
        if solution.x is None:
            break
        corners.append(np.where(integral, np.rint(solution.x), np.clip(solution.x, low, high)))
    if not corners:
        return np.zeros((0, len(low)))
    vertices = np.array(corners)
    pairs = rng.integers(len(vertices), size=(20 * CORNER_PROGRAMS, len(low) + 1))
    shares = rng.dirichlet(np.ones(pairs.shape[1]), size=len(pairs))
    mixtures = np.einsum("ij,ijk->ik", shares, vertices[pairs])
    mixtures[:, integral] = vertices[pairs[:, 0]][:, integral]  # whole numbers cannot be mixed
    points = np.vstack([mixtures, vertices])
    return points[space.allowed(points)]


def chain_points(space: DesignSpace, starts: Floats, n: int, rng: np.random.Generator) -> Floats:
    """n allowed points at the ends of chains from allowed ones (s, p)."""
    points = starts[np.arange(n) % len(starts)].copy()
    directions = _ChordDirections(space)
    for _ in range(CHAIN_STEPS):
        _move_along_chords(space, points, directions.draw(points, rng), rng)
        _move_levels(space, points, rng)
    return _rounded(space, points)


class _ChordDirections:
    """Random directions of the parameters that are real numbers, within the equalities."""

    def __init__(self, space: DesignSpace) -> None:
        low, high = space.ranges
        self.free = np.array([p.is_continuous for p in space.parameters])
        self.span = np.where(self.free, high - low, 0.0)
        equal = np.array([relation.is_equality for relation in space.relations], dtype=bool)
        A = space.matrix[equal] * self.span
        _, sizes, rows = np.linalg.svd(A) if len(A) else (None, np.zeros(0), np.eye(len(low)))
        rank = int((sizes > NULL_DIRECTION * max(sizes.max(initial=0.0), 1e-300)).sum())
        null = rows[rank:]
        self.basis = null[:, self.free] @ np.eye(len(low))[self.free] * self.span

    def draw(self, points: Floats, rng: np.random.Generator) -> Floats:
        """(m, p) one for each point: Gaussian, or the difference of two other points."""
        m = len(points)
        gaussian = rng.normal(size=(m, len(self.basis))) @ self.basis
        pairs = rng.integers(m, size=(2, m))
        between = np.where(self.free, points[pairs[0]] - points[pairs[1]], 0.0)
        alike = self._same_levels(points, pairs)
        takes_difference = (rng.random(m) < 0.5) & alike & (between != 0).any(axis=1)
        return np.where(takes_difference[:, None], between, gaussian)

    def _same_levels(self, points: Floats, pairs: Ints) -> Mask:
        """(m,) pairs whose difference keeps the equalities: they agree in what is discrete."""
        rest = ~self.free
        same = (points[pairs[0]][:, rest] == points[pairs[1]][:, rest]).all(axis=1)
        return np.asarray(same)


def _move_along_chords(
    space: DesignSpace, points: Floats, D: Floats, rng: np.random.Generator
) -> None:
    """Move every point to a place of its chord that is allowed, where one is met."""
    first, last = _chord(space, points, D)
    is_log = np.array([isinstance(p, LogParameter) for p in space.parameters])
    waiting = np.flatnonzero((last > first) & (D != 0).any(axis=1))
    for _ in range(CHORD_TRIES):
        if not len(waiting):
            return
        t = first[waiting] + (last - first)[waiting] * rng.random(len(waiting))
        moved = points[waiting] + t[:, None] * D[waiting]
        ok = space.allowed(moved)
        # uniform in the logarithms: a density of one over the values, by Metropolis
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.log(points[waiting][:, is_log]) - np.log(moved[:, is_log])
        accepted = ok & (np.log(rng.random(len(waiting))) <= ratio.sum(axis=1))
        points[waiting[accepted]] = moved[accepted]
        shrinks = ~ok
        first[waiting] = np.where(shrinks & (t < 0), t, first[waiting])
        last[waiting] = np.where(shrinks & (t >= 0), t, last[waiting])
        waiting = waiting[shrinks]


def _chord(space: DesignSpace, points: Floats, D: Floats) -> tuple[Floats, Floats]:
    """(m,) where the line through each point leaves box and linear constraints, backward and on."""
    low, high = space.ranges
    lower, upper = space.limits
    along = np.hstack([D, D @ space.matrix.T])
    place = np.hstack([points, points @ space.matrix.T])
    ends = np.r_[low, lower], np.r_[high, upper]
    equal = np.array([relation.is_equality for relation in space.relations], dtype=bool)
    along[:, len(low) :][:, equal] = 0.0  # directions keep equalities, up to rounding
    size = np.abs(along).max(axis=1, keepdims=True)
    still = np.abs(along) <= EQUALITY_TOLERANCE * 1e-6 * size
    with np.errstate(divide="ignore", invalid="ignore"):
        to_low, to_high = (ends[0] - place) / along, (ends[1] - place) / along
    backward = np.where(still, -np.inf, np.where(along > 0, to_low, to_high))
    forward = np.where(still, np.inf, np.where(along > 0, to_high, to_low))
    return np.minimum(backward.max(axis=1), 0.0), np.maximum(forward.min(axis=1), 0.0)


def _move_levels(space: DesignSpace, points: Floats, rng: np.random.Generator) -> None:
    """Let every point take another value of one discrete parameter, where that is allowed."""
    discrete = [j for j, p in enumerate(space.parameters) if (p.n_values or 0) > 1]
    if not discrete:
        return
    chosen = rng.choice(discrete, size=len(points))
    moved = points.copy()
    for j in discrete:
        rows = np.flatnonzero(chosen == j)
        moved[rows, j] = space.parameters[j].values(rng.random(len(rows)))
    ok = space.allowed(moved)
    points[ok] = moved[ok]


def _rounded(space: DesignSpace, points: Floats) -> Floats:
    """The points with fewer digits, where that is allowed too."""
    if space.has_equality:
        return points
    low, high = space.ranges
    span = np.where(high > low, high - low, 1.0)
    short = space.values((points - low) / span)
    logs = [j for j, p in enumerate(space.parameters) if isinstance(p, LogParameter)]
    discrete = [j for j, p in enumerate(space.parameters) if not p.is_continuous]
    short[:, logs + discrete] = points[:, logs + discrete]
    ok = space.allowed(short)
    return np.where(ok[:, None], short, points)
