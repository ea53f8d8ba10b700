"""A point near x where a network decides otherwise: steps to it, and steps that bring it nearer."""

from __future__ import annotations

import numpy as np

from .._core.types import Floats
from ._distance_norm import DistanceNorm
from ._rival_outputs import RivalOutputs

DEEPFOOL_STEPS = 100
FAR_DIRECTIONS = 32
FAR_DOUBLINGS = 40
TIGHTENING_STEPS = 40
OVERSHOOT = 1.05
LARGEST_BIAS = 0.1
HOME_SHARES = (1.0, 1.01, 1.1, 1.4)  # of the step from x to a tie, tried by themselves
BACKWARD_SHARE = 0.9  # of the way from x to the best tie
BISECTIONS = 60


class BoundaryGuess:
    """Searches about x (d,) for a near point of another decision, within offsets [low, high]."""

    def __init__(self, rivals: RivalOutputs, norm: DistanceNorm, low: Floats, high: Floats) -> None:
        self.rivals, self.norm, self.low, self.high = rivals, norm, low, high
        self.x = rivals.x

    def offset(self) -> Floats | None:
        """The offset from x of a point that ties or decides otherwise; None where none is known."""
        u = self._deepfool()
        if u is None:
            u = self._far()
        return None if u is None else self._tightened(self._first_tie(u))

    def _linearised(self, u: Floats) -> tuple[Floats, Floats]:
        """The rivals' leads (r,) at x + u, and their slopes (r, d)."""
        net, at = self.rivals.net, (self.x + u)[None]
        R = self.rivals.rows()
        slopes = net.pull({len(net.nodes) - 1: R[None]}, net.codes(at))[0]
        return R @ net(at)[0], slopes

    def _deepfool(self) -> Floats | None:
        """Steps to the nearest tie of the piece at hand, until the network decides otherwise.

        Moosavi-Dezfooli, Fawzi & Frossard (2016), DeepFool.
        """
        u = np.zeros_like(self.x)
        for step in range(DEEPFOOL_STEPS):
            leads, slopes = self._linearised(u)
            if leads.max() >= 0:
                return u
            length = self.norm.dual(slopes)
            length[length <= 1e-12 * np.abs(slopes).max(initial=0.0)] = 0.0
            away = np.where(length > 0, -leads / np.where(length > 0, length, 1), np.inf)
            j = int(away.argmin())
            if not np.isfinite(away[j]):
                return None
            reach = 1.02**step * 1.01 * -leads[j]
            move = self.norm.step_to_plane(slopes[j], reach, self.low - u, self.high - u)
            if not (np.isfinite(move).all() and move.any()):
                return None
            u = u + move
        return None

    def _far(self) -> Floats | None:
        """The nearest of many points, near and far, that decides otherwise."""
        rng = np.random.default_rng(0)
        if np.isfinite(self.low).all() and np.isfinite(self.high).all():
            tries = rng.uniform(self.low, self.high, (FAR_DIRECTIONS * FAR_DOUBLINGS, len(self.x)))
        else:
            ways = rng.normal(size=(FAR_DIRECTIONS, len(self.x)))
            ways /= np.linalg.norm(ways, axis=1, keepdims=True)
            start = 1e-3 * max(1.0, float(np.linalg.norm(self.x)))
            lengths = start * 2.0 ** np.arange(FAR_DOUBLINGS)
            tries = (lengths[:, None, None] * ways).reshape(-1, len(self.x))
            tries = np.clip(tries, self.low, self.high)
        for start_ in range(0, len(tries), FAR_DIRECTIONS):
            part = tries[start_ : start_ + FAR_DIRECTIONS]
            other = np.flatnonzero(self.rivals.leads(self.x + part) >= 0)
            if other.size:
                sizes = [self.norm.size(part[i]) for i in other]
                return np.asarray(part[other[int(np.argmin(sizes))]])
        return None

    def _first_tie(self, u: Floats) -> Floats:
        """The change nearest to x that bisection finds on the way to x + u."""
        low, high = 0.0, 1.0
        for _ in range(BISECTIONS):
            t = (low + high) / 2
            if self.rivals.leads((self.x + t * u)[None])[0] >= 0:
                high = t
            else:
                low = t
        return np.asarray(high * u)

    def _tightened(self, u: Floats) -> Floats:
        """Nearer ties, by steps towards the tie of the piece at hand that stay near x.

        Croce & Hein (2020), *Minimally distorted Adversarial Examples with a Fast Adaptive Boundary
        Attack*, algorithm 1: each step goes to where the nearest rival ties, from the last point
        and, in part, from x; from beyond the boundary it goes back towards x.
        """
        best, size, at = u, self.norm.size(u), u
        for _ in range(TIGHTENING_STEPS):
            leads, slopes = self._linearised(at)
            dual = self.norm.dual(slopes)
            away = np.abs(leads) / np.where(dual > 0, dual, 1e-300)
            j = int(away.argmin())
            if dual[j] == 0:
                break
            target = float(slopes[j] @ at - leads[j])
            low, high = self.low, self.high
            here = self.norm.step_to_plane(slopes[j], -leads[j], low - at, high - at)
            home = self.norm.step_to_plane(slopes[j], target, low, high)
            from_here, from_home = self.norm.size(here), self.norm.size(home)
            bias = min(from_here / max(from_here + from_home, 1e-300), LARGEST_BIAS)
            at = (1 - bias) * (at + OVERSHOOT * here) + bias * OVERSHOOT * home
            tries = np.clip(np.vstack([at, np.outer(HOME_SHARES, home)]), low, high)
            if not np.isfinite(tries).all():
                break
            at = tries[0]
            for i in np.flatnonzero(self.rivals.leads(self.x + tries) >= 0):
                if self.norm.size(tries[i]) < size:
                    best = self._first_tie(tries[i])
                    size = self.norm.size(best)
                at = BACKWARD_SHARE * best
        return best
