"""Distances in the norms 1, 2 and infinity: of hyperplanes, and of polytopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog

from .._core.types import Floats
from ..errors import DataError
from ._polytope_projection import nearest_point

LP_RELATIVE_ERROR = 1e-7  # what distances by linear programmes are lowered by


@dataclass(frozen=True)
class DistanceNorm:
    """The norm with this `order`: 1, 2 or infinity."""

    order: float

    def size(self, u: Floats) -> float:
        return float(np.linalg.norm(u, ord=self.order))

    def dual(self, rows: Floats) -> Floats:
        """The dual norms (k,) of rows (k, d): a plane ``g u = t`` is |t| / dual(g) from 0."""
        if self.order == 2:
            return np.asarray(np.linalg.norm(rows, axis=1))
        size = np.abs(rows)
        return np.asarray(size.sum(axis=1) if self.order == np.inf else size.max(axis=1, initial=0))

    def step_to_plane(self, g: Floats, t: float, low: Floats, high: Floats) -> Floats:
        """A short u in the box [low, high] about 0 with ``g u = t``, or as near to it as it gets.

        The shortest, but where it leaves the box in the norms 1 and 2.
        """
        u = np.zeros_like(g)
        free = g != 0
        rest = t
        while free.any() and rest != 0:
            step = self._shortest(np.where(free, g, 0.0), rest)
            moved = np.clip(u + step, low, high)
            free &= moved == u + step
            u, rest = moved, t - float(g @ moved)
            if abs(rest) <= 1e-15 * abs(t):
                break
        return u

    def _shortest(self, g: Floats, t: float) -> Floats:
        if self.order == 2:
            return np.asarray(t / float(g @ g) * g)
        if self.order == np.inf:
            return np.asarray(t / float(np.abs(g).sum()) * np.sign(g))
        j = int(np.abs(g).argmax())
        out = np.zeros_like(g)
        out[j] = t / g[j]
        return out

    def nearest_point(
        self, G: Floats, h: Floats, fixed: int = -1, limit: float = np.inf
    ) -> tuple[float, float, Floats]:
        """A lower bound of the distance of {u : G u >= h} from 0, that of a point u of it, and u.

        As `_polytope_projection.nearest_point`; in the norms 1 and infinity a linear programme.
        """
        if self.order == 2:
            distance, u = nearest_point(G, h, fixed, limit)
            return distance, distance, u
        point = self._by_linear_programme(G, h, fixed)
        if point is None:
            return np.inf, np.inf, np.zeros(G.shape[1])
        distance = self.size(point)
        return (1 - LP_RELATIVE_ERROR) * distance, distance, point

    def _by_linear_programme(self, G: Floats, h: Floats, fixed: int) -> Floats | None:
        k, d = G.shape
        rest = np.arange(k) != fixed
        equal: dict[str, Any] = {}
        if self.order == np.inf:
            cost = np.append(np.zeros(d), 1.0)
            one, eye = np.ones((d, 1)), np.eye(d)
            A = np.vstack([
                np.hstack([-G[rest], np.zeros((int(rest.sum()), 1))]),
                np.hstack([eye, -one]),
                np.hstack([-eye, -one]),
            ])  # fmt: skip
            b = np.concatenate([-h[rest], np.zeros(2 * d)])
            bounds: Any = [(None, None)] * d + [(0, None)]
            row = np.append(G[fixed], 0.0)
        else:
            cost, bounds = np.ones(2 * d), (0, None)
            A, b = np.hstack([-G[rest], G[rest]]), -h[rest]
            row = np.concatenate([G[fixed], -G[fixed]])
        if fixed >= 0:
            equal = {"A_eq": row[None], "b_eq": h[fixed : fixed + 1]}
        solution = linprog(cost, A_ub=A, b_ub=b, bounds=bounds, method="highs", **equal)
        if solution.x is None:
            return None
        u = solution.x
        return np.asarray(u[:d] if self.order == np.inf else u[:d] - u[d:])


def distance_norm(norm: Any) -> DistanceNorm:
    """The norm named 1, 2 or infinity.

    Raises
    ------
    DataError
        If it is none of these.
    """
    orders: dict[Any, float] = {1: 1.0, 2: 2.0, np.inf: np.inf, "inf": np.inf}
    try:
        return DistanceNorm(orders[norm])
    except (KeyError, TypeError):
        raise DataError(f"norm={norm!r}: expected 1, 2 or numpy.inf") from None
