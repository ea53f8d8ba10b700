"""Proved remainders checked by interval arithmetic that shares nothing with them.

Along whole segments through the point, cut into small cells, an attention block is evaluated in
intervals written here: what the tangent misses is enclosed, and must stay below the remainder.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import erf

import hullwise as hw

torch = pytest.importorskip("torch")
nn = torch.nn

OUTWARD = 1e-13  # more than the rounding of any operation here, of what goes into it
CELLS = 4_000


class Intervals:
    """Ends (cells, ...) of intervals."""

    def __init__(self, low: Any, high: Any) -> None:
        slack = OUTWARD * (1 + np.maximum(np.abs(low), np.abs(high)))
        self.low, self.high = low - slack, high + slack

    def __add__(self, other: Any) -> Intervals:
        other = other if isinstance(other, Intervals) else Intervals(other, other)
        return Intervals(self.low + other.low, self.high + other.high)

    def __neg__(self) -> Intervals:
        return Intervals(-self.high, -self.low)

    def __mul__(self, other: Any) -> Intervals:
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Intervals(np.minimum.reduce(ends), np.maximum.reduce(ends))

    def map(self, increasing: Any) -> Intervals:
        return Intervals(increasing(self.low), increasing(self.high))

    def at(self, axes: Any) -> Intervals:
        return Intervals(axes(self.low), axes(self.high))

    def sum(self, axis: int, keepdims: bool = False) -> Intervals:
        return self.at(lambda z: z.sum(axis, keepdims=keepdims))

    def through(self, W: Any, b: Any) -> Intervals:
        """W z + b over the last axis."""
        up, down = np.maximum(W, 0).T, np.minimum(W, 0).T
        low = self.low @ up + self.high @ down + b
        return Intervals(low, self.high @ up + self.low @ down + b)

    def square(self) -> Intervals:
        ends = self.low**2, self.high**2
        low = np.where((self.low < 0) & (self.high > 0), 0.0, np.minimum(*ends))
        return Intervals(np.maximum(low, 0), np.maximum(*ends))


def gelu(z: Intervals) -> Intervals:
    """Falling to -0.7518, where it is -0.16997, then rising."""

    def f(t: Any) -> Any:
        return t * (1 + erf(t / np.sqrt(2))) / 2

    turning = (z.low < -0.7517) & (z.high > -0.7519)
    low = np.where(turning, -0.16998, np.minimum(f(z.low), f(z.high)))
    return Intervals(low, np.maximum(f(z.low), f(z.high)))


class Block(nn.Module):  # type: ignore[misc,name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.randn(3, 4)), nn.Parameter(torch.randn(3, 4))
        self.q, self.k, self.v = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)
        self.norm, self.first, self.last = nn.LayerNorm(4), nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, x: Any) -> Any:
        z = x[..., None] * self.scale + self.shift
        w = (self.q(z) @ self.k(z).transpose(-1, -2) / 2).softmax(-1)
        z = self.norm(z + w @ self.v(z))
        return self.last(nn.functional.gelu(self.first(z))).mean(1)


def enclosed(net: Block, x: Any, v: Any, t: Any) -> Intervals:
    """Outputs (cells, 2) at x + s v for s in the cells that t are the ends of."""

    def numbers(one: Any) -> Any:
        return one.detach().numpy()

    def linear(layer: Any, z: Intervals) -> Intervals:
        return z.through(numbers(layer.weight), numbers(layer.bias))

    moved = np.sort(np.stack([x + t[:-1, None] * v, x + t[1:, None] * v]), axis=0)
    scale = np.broadcast_to(numbers(net.scale), (len(t) - 1, 3, 4))
    z = Intervals(*(np.repeat(end[..., None], 4, 2) for end in moved)) * Intervals(scale, scale)
    z = z + numbers(net.shift)
    q, k, u = (linear(layer, z) for layer in (net.q, net.k, net.v))
    pairs = q.at(lambda a: a[:, :, None]) * k.at(lambda a: a[:, None])
    e = pairs.sum(3).at(lambda a: a / 2).map(np.exp)
    total = e.sum(2, keepdims=True)
    weights = e * Intervals(1 / total.high, 1 / total.low)
    mixed = (weights.at(lambda a: a[..., None]) * u.at(lambda a: a[:, None])).sum(2)
    z = z + mixed
    z = z.through(np.eye(4) - 0.25, 0.0)
    scatter = z.square().sum(2, keepdims=True).at(lambda a: a / 4 + net.norm.eps)
    z = z * Intervals(scatter.high**-0.5, scatter.low**-0.5)
    z = linear(net.last, gelu(linear(net.first, z)))
    return z.sum(1).at(lambda a: a / 3)


@pytest.mark.parametrize("radius", [0.1])
def test_whole_segments_stay_within_the_remainder(radius: float) -> None:
    torch.manual_seed(1)
    net = Block().double()
    rng = np.random.default_rng(0)
    x = rng.normal(size=3)
    p = hw.dissect(net, x, radius=radius)
    box = hw.dissect(net, x, radius=radius, norm=np.inf)
    t = np.linspace(-radius, radius, CELLS + 1)
    for kind, corner in ((p, False), (box, True)):
        v = rng.normal(size=3)
        v = np.sign(v) if corner else v / np.linalg.norm(v)
        values = enclosed(net, x, v, t)
        tangent = kind.output + t[:, None] * (kind.A @ v)
        tangent = Intervals(*np.sort(np.stack([tangent[:-1], tangent[1:]]), axis=0))
        missed = values + -tangent
        worst = np.maximum(np.abs(missed.low), np.abs(missed.high)).max(axis=0)
        assert (worst <= kind.remainder).all()
        assert (kind.remainder <= 100 * worst).all()
