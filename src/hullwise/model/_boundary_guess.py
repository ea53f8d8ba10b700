"""A point near x where a network decides otherwise: steps to it, and steps that bring it nearer."""

from __future__ import annotations

import numpy as np

from .._core.types import Floats
from ._distance_norm import DistanceNorm
from ._rival_outputs import RivalOutputs

DEEPFOOL_STEPS = 100
FAR_DIRECTIONS = 32
FAR_DOUBLINGS = 40
TIGHTENING_STEPS = 30
OVERSHOOTS = (1.0, 1.01, 1.1, 1.4)
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
        """Nearer ties, by steps from x to where the piece at the last one ties.

        After Croce & Hein (2020), *Minimally distorted Adversarial Examples with a Fast Adaptive
        Boundary Attack*.
        """
        size = self.norm.size(u)
        for _ in range(TIGHTENING_STEPS):
            leads, slopes = self._linearised(u)
            nearer = None
            for j in np.argsort(-leads)[:3]:
                target = float(slopes[j] @ u - leads[j])
                step = self.norm.step_to_plane(slopes[j], target, self.low, self.high)
                nearer = self._other_decision(step, size)
                if nearer is not None:
                    break
            if nearer is None:
                return u
            u = self._first_tie(nearer)
            before, size = size, self.norm.size(u)
            if size > before * (1 - 1e-9):
                return u
        return u

    def _other_decision(self, step: Floats, size: float) -> Floats | None:
        """The step, or a little more of it, where it decides otherwise and is shorter than size."""
        tries = [np.clip(share * step, self.low, self.high) for share in OVERSHOOTS]
        tries = [u for u in tries if np.isfinite(u).all() and self.norm.size(u) < size]
        if not tries:
            return None
        other = np.flatnonzero(self.rivals.leads(self.x + np.array(tries)) >= 0)
        return tries[other[0]] if other.size else None
