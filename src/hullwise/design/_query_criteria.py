"""Criteria that lower something of queries: their minimax risk, their distance to the hull."""

from __future__ import annotations

import numpy as np

from .._core.types import Floats
from .hull_distance import HullDistances
from .minimax_risk import BendingClass, risk_falls


class MinimaxRisk:
    """ "risk": the candidate that lowers the mean minimax risk of the queries most, closed form."""

    least = 0.0

    def __init__(
        self, candidates: Floats, sites: Floats, queries: Floats, own: BendingClass
    ) -> None:
        self.candidates, self.queries, self.own = candidates, queries, own
        self.sites = np.unique(sites, axis=0)
        self._solve()

    def _solve(self) -> None:
        self.fits = self.own.fits(self.sites, self.queries)
        risk = self.fits.risk
        self.risk = np.where(np.isfinite(risk), risk, 0.0)

    def scores(self) -> Floats:
        return np.asarray(risk_falls(self.fits, self.sites, self.candidates).mean(axis=0))

    def level(self) -> float:
        return float(self.risk.mean())

    def add(self, candidate: int) -> None:
        self.sites = np.unique(np.vstack([self.sites, self.candidates[candidate]]), axis=0)
        self._solve()


class HullCoverage:
    """ "hull": the candidate that at least lowers the mean distance of queries to the hull most."""

    least = 0.0

    def __init__(self, candidates: Floats, sites: Floats, queries: Floats) -> None:
        self.candidates, self.sites, self.queries = candidates, sites, queries
        self.hull = HullDistances.of(sites, queries)

    def scores(self) -> Floats:
        return np.asarray(self.hull.falls(self.candidates).mean(axis=0))

    def level(self) -> float:
        return float(self.hull.distance.mean())

    def add(self, candidate: int) -> None:
        self.sites = np.vstack([self.sites, self.candidates[candidate]])
        self.hull = HullDistances.of(self.sites, self.queries)
