"""Tries at inputs that break a property: random points, and steps up the conditions from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..._core.types import Floats
from ..network import Network
from .output_property import UnsafeCase

RANDOM_POINTS = 1000
CLIMBING_POINTS = 32
CLIMBING_STEPS = 40
MOST_ATTACK_GROWTH = 16  # of these numbers of points, in later tries
ATTACK_NUMBERS = 2**22  # of the widest layer, for all random points


def attack_boxes(
    net: Network, cases: Sequence[UnsafeCase], rng: np.random.Generator, factor: int = 1
) -> Floats:
    """The most promising points of each case: projected sign gradients from the best random ones.

    Madry, Makelov, Schmidt, Tsipras & Vladu (2018), *Towards Deep Learning Models Resistant to
    Adversarial Attacks*; the steps shrink from a quarter of the box to a thousandth.
    From `factor` times as many points as at first, up to 16 times.
    """
    low, high = cases[0].low, cases[0].high
    factor = min(factor, MOST_ATTACK_GROWTH)
    climbing = CLIMBING_POINTS * factor
    n = max(climbing, min(RANDOM_POINTS * factor, ATTACK_NUMBERS // net.widest))
    start = low + rng.random((n, len(low))) * (high - low)
    start[0] = low + (high - low) / 2
    Y = net(start)
    ends = []
    for case in cases:
        if not len(case.c):
            continue
        worst = _conditions(case, start, Y).min(axis=1)
        best = np.argsort(-worst)[:climbing]
        ends += [start[best], _climb(net, case, start[best])]
    return np.concatenate(ends) if ends else start[:1]


def _conditions(case: UnsafeCase, X: Floats, Y: Floats) -> Floats:
    """The values (m, r) of the conditions of a case."""
    return np.asarray(X @ case.A.T + Y @ case.C.T + case.c)


def _climb(net: Network, case: UnsafeCase, X: Floats) -> Floats:
    """Points from X up the least of the case's conditions, the best on each way."""
    best, height = X.copy(), np.full(len(X), -np.inf)
    last = len(net.nodes) - 1
    width = case.high - case.low
    for step in np.geomspace(0.25, 1e-3, CLIMBING_STEPS):
        values = _conditions(case, X, net(X))
        lowest = values.argmin(axis=1)
        worst = values[np.arange(len(X)), lowest]
        higher = worst > height
        best[higher], height[higher] = X[higher], worst[higher]
        slope = net.pull({last: case.C[lowest][:, None]}, net.codes(X))[:, 0] + case.A[lowest]
        X = np.clip(X + step * width * np.sign(slope), case.low, case.high)
    return best
