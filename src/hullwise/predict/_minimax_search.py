"""Minimax linear weights of queries over all rows of a cloud, and the dual numbers behind them.

Lengths are in units of the rows' root mean square distance from their mean, so that the noise
ratio lam = (sigma / gamma)^2 and the slope ratio rho = L / gamma have no units.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from .._core.threads import StopFlag
from .._core.types import Floats, Indices, Progress
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ..geometry.scaled_view import ScaledView
from ._batching import join_weights, map_rowwise, weigh_in_batches
from ._coordinates import FlatCoordinates, flat_coordinates
from ._distance_kernels import WeightEntries
from ._minimax_kernel import MINIMAX_LOOSE, minimax_entries
from ._minimax_out_of_core import weigh_out_of_core

OFF_FLAT_TOLERANCE = 1e-9  # of the rows' own size: a query nearer to their flat lies on it


@dataclass(frozen=True, eq=False)
class MinimaxWeights:
    """Weights of m queries over n rows, of sum 1, and what proves them.

    Attributes
    ----------
    W : (m, n) CSR
        Empty rows where the outcome is MINIMAX_UNKNOWN.
    dual : (m, r + 2)
        a, b and c over differences in the metric divided by the unit.
    gap : (m,)
        Relative duality gap.
    outcome : (m,)
        MINIMAX_OPTIMAL, MINIMAX_LOOSE or MINIMAX_UNKNOWN.
    """

    W: csr_array
    dual: Floats
    gap: Floats
    outcome: Indices


@dataclass(frozen=True, eq=False)
class MinimaxProblem:
    """A cloud in a metric, with its own unit of length."""

    cloud: Cloud
    metric: Metric

    @classmethod
    def of(cls, cloud: Cloud, metric: Metric) -> MinimaxProblem:
        """The one kept with the cloud."""
        return cloud.cached("minimax problem", lambda: cls(cloud, metric), metric)

    @cached_property
    def coordinates(self) -> FlatCoordinates:
        """Coordinates along the flat that the rows span."""
        return flat_coordinates(self.cloud, self.metric)

    @cached_property
    def frame_unit(self) -> float:
        """Root mean square distance of the rows from their mean, in the frame; 1 where it is 0."""
        parts = self.coordinates.view.ask(_second_moments)
        count, mean = self.cloud.n, np.sum([part[0] for part in parts], axis=0) / self.cloud.n
        total = sum(part[1] for part in parts) / count - float(mean @ mean)
        return float(np.sqrt(total)) if total > 1e-28 else 1.0

    @property
    def unit(self) -> float:
        """The same in the metric."""
        return float(self.coordinates.view.frame.distance(np.array(self.frame_unit)))

    def off_flat(self, Q: Floats) -> Floats:
        """From the flat of the rows to queries Q (m, d), in the metric's own frame, (m, r)."""
        basis = self.coordinates.basis
        frame = self.cloud.frame(self.metric)
        if basis is None:
            return np.zeros((len(Q), frame.rank))
        D = map_rowwise(frame, Q) - map_rowwise(frame, self.cloud.take([0]))
        return np.asarray(D - (D @ basis) @ basis.T)

    def weigh(
        self,
        Q: Floats,
        lam: float,
        rho: float,
        most_risk: float = np.inf,
        progress: Progress | None = None,
    ) -> MinimaxWeights:
        """Minimax weights of queries Q (m, d); O(n r) for each of a few looks at all rows.

        A query whose risk is more than `most_risk`, whatever the weights, gets none.
        """
        coordinates, m, unit = self.coordinates, len(Q), self.frame_unit
        Zq, away = coordinates.map(Q), self.off_flat(Q)
        offs = np.einsum("ij,ij->i", away, away)
        dual = np.full((m, coordinates.view.rank + 2), np.nan)
        gap, outcome = np.full(m, np.nan), np.full(m, MINIMAX_LOOSE)
        out = dual, gap, outcome
        own_lam, own_slope = lam * unit**4, lam * unit**2 / rho**2
        W = self._weigh(Zq, offs, (own_lam, own_slope, most_risk), out, progress)
        if np.isinf(rho):  # linear functions cannot be reproduced off the flat
            off = np.sqrt(offs) > OFF_FLAT_TOLERANCE * (unit + np.abs(Zq).max(axis=1, initial=0.0))
            gap[off], outcome[off] = np.inf, MINIMAX_LOOSE
        return MinimaxWeights(W, self._in_metric(dual, away / unit, lam, rho), gap, outcome)

    def _weigh(
        self,
        Zq: Floats,
        offs: Floats,
        constants: tuple[float, float, float],
        out: tuple[Floats, Floats, Indices],
        progress: Progress | None,
    ) -> csr_array:
        """Weights of mapped queries; theta, gap and outcome in the frame go to `out`."""
        view, shape = self.coordinates.view, (len(Zq), self.cloud.n)
        if not view.in_memory:
            parts = weigh_out_of_core(view, (Zq, offs, *constants), out, progress)
            return join_weights(parts, self.cloud.n)
        columns = self.coordinates.columns

        def weigh(first: int, last: int, stop: StopFlag) -> WeightEntries:
            return minimax_entries(columns, Zq, offs, *constants, (first, last), stop.flag, out)

        work = self.cloud.n * (8.0 * view.rank + 32)
        return weigh_in_batches(weigh, shape, work, progress)

    def _in_metric(self, dual: Floats, away: Floats, lam: float, rho: float) -> Floats:
        """Dual numbers over differences in the metric, from those along the flat in its frame."""
        unit, basis = self.frame_unit, self.coordinates.basis
        a, b, c = dual[:, 0], dual[:, 1:-1] * unit, dual[:, -1] * unit**2
        if basis is not None:
            weight = rho**2 / lam if np.isfinite(rho) else 0.0
            a = a + weight * np.einsum("ij,ij->i", away, away)
            b = b @ basis.T + weight * away
        return np.column_stack([a, b, c])


def _second_moments(view: ScaledView, start: int) -> tuple[Floats, float]:
    """Sum of the rows of a part, and of their squares."""
    total, squares = np.zeros(view.rank), 0.0
    for first in range(0, view.n, 8192):
        Z = view.block(first, min(first + 8192, view.n), False)
        total += Z.sum(axis=0)
        squares += float(np.einsum("ij,ij->", Z, Z))
    return total, squares
