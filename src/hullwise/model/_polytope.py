"""Polytopes {y : G y + c >= 0}: a largest ball inside, and the rows that bound them.

Rows are taken to length 1 and copies of a row dropped; lengths are then measured in radii of the
polytope about its own centre, so that a region 1e-9 wide is treated as any other. Small programs go
through one dictionary (`_lp`), large ones and those that do not close through HiGHS.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.numba import jit
from .._core.threads import single_threaded_blas
from .._core.types import Floats, Mask
from ..errors import DataError
from ._lp import (
    ESSENTIAL,
    REDUNDANCY_TOLERANCE,
    REDUNDANT,
    UNDETERMINED,
    essential_walls,
    largest_ball,
)

ROW_TOLERANCE = (
    1e-12  # rows of length 1 that differ by less, and by less than rounding may, are one
)
HIGHS_NUMBERS = 500_000  # numbers in a dictionary, above which HiGHS is asked for the ball
INDEPENDENCE_TOLERANCE = 1e-10


def interior(G: Any, c: Any, box: Any = None) -> tuple[Floats, float]:
    """Centre and radius of a largest ball in {y : G y + c >= 0 (and lo <= y <= hi)}.

    Parameters
    ----------
    G : ndarray (k, d)
    c : ndarray (k,)
        Rows of any length; a row of zeros says only whether its constant is negative.
    box : pair of ndarray (d,), optional
        Lower and upper ends.

    Returns
    -------
    centre : ndarray (d,)
    radius : float
        0 or less: the polytope is empty or flat, and no point has all its walls farther inside.
        Infinite: balls of any size fit.

    Notes
    -----
    Cost: one linear program in d + 1 unknowns, O(d) pivots of O(k d).

    Examples
    --------
    >>> import numpy as np
    >>> from hullwise.model._polytope import interior
    >>> interior(np.array([[1.0, 0.0], [0.0, 2.0], [-1.0, -1.0]]), np.array([0.0, 0.0, 2.0]))
    (array([0.585..., 0.585...]), 0.585...)
    """
    N, offsets, bad = _unit_rows(np.asarray(G, float), np.asarray(c, float))
    if bad:
        return np.zeros(N.shape[1]), -np.inf
    if box is not None:
        N, offsets = np.vstack([*box_rows(len(box[0])), N]), np.r_[-box[0], box[1], offsets]
    if not len(N):
        return np.zeros(N.shape[1]), np.inf
    start = np.zeros(N.shape[1]) if box is None else (box[0] + box[1]) / 2
    far = 1.0 + float(np.abs(N @ start + offsets).max())
    cap = far * 1e4 if box is None else far
    y, radius = _ball(N, offsets, cap, start)
    return y, np.inf if radius >= cap * (1 - 1e-9) else radius


def essential(G: Any, c: Any, x: Any, box: Any = None) -> Mask:
    """Rows of {y : G y + c >= 0} whose removal changes it: (k,).

    Parameters
    ----------
    G : ndarray (k, d)
    c : ndarray (k,)
        Rows of any length.
    x : ndarray (d,)
        A point inside, none of the rows (but rows of zeros) zero there.
    box : pair of ndarray (d,), optional
        Lower and upper ends; rows that the box makes redundant are.

    Returns
    -------
    ndarray (k,) of bool
        Of rows that are equal but for their length the first counts. A row counts if without it
        the polytope would reach at least 1e-9 of its own radius beyond it.

    Raises
    ------
    DataError
        If x is not inside.

    Notes
    -----
    A row that is independent of all others is needed and takes no more part, nor does its
    direction; what is left is decided in the dimension that it spans. Cost: a QR factorisation,
    then pivots of O(k d), a few for each row.

    Examples
    --------
    >>> import numpy as np
    >>> from hullwise.model._polytope import essential
    >>> G = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 0.0]])
    >>> essential(G, np.zeros(4), np.ones(2))
    array([ True,  True, False, False])
    """
    G, x = np.asarray(G, float), np.asarray(x, float)
    length = np.linalg.norm(G, axis=1)
    slack = G @ x + np.asarray(c, float)
    out = np.zeros(len(G), dtype=bool)
    real = np.flatnonzero(length > 0)
    if not len(real):
        return out
    N, slack = G[real] / length[real, None], slack[real] / length[real]
    boxed = 0 if box is None else 2 * G.shape[1]
    if box is not None:
        N, slack = np.vstack([*box_rows(len(x)), N]), np.r_[x - box[0], box[1] - x, slack]
    if slack.min() <= 0:
        row = int(slack.argmin())
        where = "the box" if row < boxed else f"row {real[row - boxed]}"
        raise DataError(f"x is not inside: {where} has the distance {slack[row]:g}, not above 0.")
    first = np.flatnonzero(
        copies(N, slack, np.full(len(N), ROW_TOLERANCE), ROW_TOLERANCE * slack) < 0
    )
    with single_threaded_blas():
        bounding = first[_essential_rows(N[first], slack[first])]
    out[real[bounding[bounding >= boxed] - boxed]] = True
    return out


def _essential_rows(N: Floats, slack: Floats) -> Mask:
    """`essential` for rows of length 1, no two equal, with 0 inside."""
    Y = _spanned(N)
    out = np.ones(len(N), dtype=bool)
    rest = np.arange(len(N))
    if len(N) > Y.shape[1] > 2:
        alone = _independent(Y)
        if alone.any():
            rest = np.flatnonzero(~alone)
            lower = _spanned(N[rest])
            if lower.shape[1] != Y.shape[1] - np.count_nonzero(alone):
                rest = np.arange(len(N))  # rounding: no shortcut
            else:
                Y = lower
    if len(rest) > Y.shape[1]:  # as many rows as dimensions: all independent
        out[rest] = _essential_spanning(Y, slack[rest])
    return out


def _spanned(N: Floats) -> Floats:
    """Coordinates (k, r) of rows (k, d) in the space they span, by an isometry."""
    from scipy.linalg import qr

    if not len(N):
        return np.zeros((0, 0))
    R, order = qr(N.T, mode="r", pivoting=True)
    size = np.abs(np.diag(R))
    rank = int(np.count_nonzero(size > INDEPENDENCE_TOLERANCE * size[0]))
    if rank == N.shape[1]:
        return N
    out = np.empty((len(N), rank))
    out[order] = R[:rank].T
    return out


def _independent(Y: Floats) -> Mask:
    """Rows of Y (k, r), of rank r, that are no combination of the others: leverage 1."""
    Q = np.linalg.qr(Y)[0]
    return np.asarray(np.einsum("ij,ij->i", Q, Q) > 1 - INDEPENDENCE_TOLERANCE)


def _essential_spanning(N: Floats, slack: Floats) -> Mask:
    """Which rows are needed, 0 inside and the rows spanning the space."""
    length = np.linalg.norm(N, axis=1)
    N, slack = np.ascontiguousarray(N / length[:, None]), slack / length
    y, radius = _ball(N, slack, float(slack.max()), np.zeros(N.shape[1]))
    if radius <= 0:  # 0 is inside, by less than rounding
        y, radius = np.zeros(N.shape[1]), float(slack.min())
    A, b = -N, (slack + N @ y) / radius
    state = essential_walls(A, b, np.empty_like(A))
    for k in np.flatnonzero(state == UNDETERMINED)[::-1]:
        state[k] = (
            ESSENTIAL
            if reach_beyond(A, b, k, state)[0] > b[k] + REDUNDANCY_TOLERANCE
            else REDUNDANT
        )
    return np.asarray(state == ESSENTIAL)


def reach_beyond(A: Floats, b: Floats, k: int, state: Any) -> tuple[float, Floats]:
    """How far beyond wall k (by at most 1) the other walls that are left let a point go: by HiGHS.

    In units of its offset, b[k] at the wall; and that point.
    """
    from scipy.optimize import linprog

    others = np.flatnonzero(state != REDUNDANT)
    others = others[others != k]
    A_ub, b_ub = np.vstack([A[others], A[k]]), np.r_[b[others], b[k] + 1]
    solution = linprog(-A[k], A_ub=A_ub, b_ub=b_ub, bounds=(None, None), method="highs")
    if solution.x is None:
        return np.inf, np.zeros(A.shape[1])
    return -float(solution.fun), solution.x


def _ball(N: Floats, c: Floats, cap: float, start: Floats) -> tuple[Floats, float]:
    """A largest ball for rows of length 1; its radius is what the rows say at its centre."""
    if N.size > HIGHS_NUMBERS:
        return ball_by_highs(N, c, cap)
    y, radius, ok = ball(np.ascontiguousarray(N), np.ascontiguousarray(c), cap, start)
    return (y, radius) if ok else ball_by_highs(N, c, cap)


def ball_by_highs(N: Floats, c: Floats, cap: float) -> tuple[Floats, float]:
    from scipy.optimize import linprog

    d = N.shape[1]
    solution = linprog(
        np.append(np.zeros(d), -1.0),
        A_ub=np.hstack([-N, np.ones((len(N), 1))]),
        b_ub=c,
        bounds=[(None, None)] * d + [(None, cap)],
        method="highs",
    )
    if solution.x is None:
        return np.zeros(d), -np.inf
    return solution.x[:d], min(cap, float((N @ solution.x[:d] + c).min()))


@jit
def ball(N, c, cap, start):  # type: ignore[no-untyped-def]
    """`centre`, again from its own answer where rounding shows: (y, radius, whether it closed)."""
    m, d = N.shape
    limit = 60 * (m + d) + 200
    y, ok = largest_ball(N, c, cap, start, limit)
    radius = min(cap, _least(N, c, y))
    for _ in range(2):  # once more, with lengths about its own radius
        if not ok or abs(radius) > 1e-5 * cap:
            break
        again, ok = largest_ball(N, c, 1e3 * abs(radius) + 1e-15 * cap, y, limit)
        better = _least(N, c, again)
        if better <= radius * (1.0 + 1e-9) or better <= radius:
            break
        y, radius = again, better
    return y, radius, ok


@jit
def _least(N, c, y):  # type: ignore[no-untyped-def]
    least = np.inf
    for i in range(len(N)):
        value = c[i]
        for j in range(len(y)):
            value += N[i, j] * y[j]
        least = min(least, value)
    return least


@jit
def copies(N, c, slopes, values):  # type: ignore[no-untyped-def]
    """For each row of length 1 the first row that is the same wall, -1 if that is itself.

    slopes, values: what rounding may have done to each row's entries and constant.
    """
    m, d = N.shape
    out = np.full(m, -1)
    for i in range(m):
        for k in range(i):
            if out[k] >= 0:
                continue
            tol = slopes[i] + slopes[k]
            same = True
            for j in range(d):
                if abs(N[i, j] - N[k, j]) > tol:
                    same = False
                    break
            if same and abs(c[i] - c[k]) <= values[i] + values[k] + tol * abs(c[k]):
                out[i] = k
                break
    return out


def _unit_rows(G: Floats, c: Floats) -> tuple[Floats, Floats, bool]:
    """Rows of length 1, and whether a row of zeros says that there is nothing."""
    length = np.linalg.norm(G, axis=1)
    real = length > 0
    return G[real] / length[real, None], c[real] / length[real], bool((c[~real] < 0).any())


def box_rows(d: int) -> tuple[Floats, Floats]:
    return np.eye(d), -np.eye(d)
