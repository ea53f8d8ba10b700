"""Bounds of one batch of boxes: which cases they close, and where to cut what is left.

After Wang, Pei, Whitehouse, Yang & Jana (2018), *Formal Security Analysis of Neural Networks using
Symbolic Intervals*, section 5.2, whose smear counts slopes only; here the slack of undecided units
counts, as the inputs have a part in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..._core.rounding import UNIT_ROUNDOFF
from ..._core.threads import StopFlag, cpu_count, run_in_threads
from ..._core.types import Floats, Ints, Mask, Singles
from ..linear_bounds import InputBoxes, LinearBounds, output_rows
from ..network import Network
from ._affine_chain import AffineChain, affine_chain
from ._chain_kernel import examine_boxes
from .output_property import UnsafeCase

BOX_BATCH_NUMBERS = 2**21  # of the widest layer's weights, over the boxes of one batch
LARGEST_BATCH = 512
THINNEST_BOX = 2.0**-40  # of the widths of the whole box: thinner boxes are left open
CHAIN_PART = 32  # boxes that a thread looks at before it looks whether it should stop
CHAIN_BATCH_NUMBERS = 2**22  # slopes of lower lines, over the boxes and cases of one batch


@dataclass(frozen=True, eq=False)
class BoxLook:
    """What bounds say of a batch of boxes.

    `closed` (B, n_cases) names the condition that cannot hold, -1 where none is known; `slopes`
    (B, n_cases, n_units) are those of lower lines (NaN where a unit is on one piece) where
    `has_slopes` (B, n_cases): there the lines of `unit_lines`
    were not enough. `points` are tries at a counter-example; `axis`, `value` and `width` (B,) say
    where to cut, and the width there of the whole box's.
    """

    closed: Ints
    points: Floats
    axis: Ints
    value: Floats
    width: Floats
    slopes: Singles
    has_slopes: Mask

    @property
    def done(self) -> Mask:
        """Boxes (B,) in which no case can hold."""
        return np.asarray((self.closed >= 0).all(axis=1))


class BoxExaminer:
    """Bounds over boxes of one network: compiled where it is a small chain of layers."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self.chain = affine_chain(net)

    def batch(self, n_cases: int) -> int:
        """How many boxes to look at together."""
        if self.chain is None:
            return int(np.clip(BOX_BATCH_NUMBERS // self.net.widest**2, 1, LARGEST_BATCH))
        size = CHAIN_BATCH_NUMBERS // max(1, n_cases * self.chain.n_units)
        return int(np.clip(size, 1, LARGEST_BATCH))

    def look(self, cases: Sequence[UnsafeCase], low: Floats, high: Floats) -> BoxLook:
        """Look at boxes (B, d) all of whose cases are about the same whole box."""
        if self.chain is None:
            return _look_by_bounds(self.net, cases, low, high)
        return _look_by_forms(self.chain, cases, low, high)


def _look_by_forms(
    chain: AffineChain, cases: Sequence[UnsafeCase], low: Floats, high: Floats
) -> BoxLook:
    B, d = low.shape
    K = len(cases)
    ends = np.cumsum([0] + [len(case.c) for case in cases])
    rows = (*_stacked(cases), np.concatenate([case.strict for case in cases]), ends)
    closed = np.full((B, K), -1, dtype=np.int64)
    gains, corners = np.zeros((B, d)), np.zeros((B, K, d))
    slopes = np.full((B, K, chain.n_units), np.nan, dtype=np.float32)
    has_slopes = np.zeros((B, K), dtype=np.uint8)

    def examine(part: slice, stop: StopFlag) -> None:
        examine_boxes(chain.arrays, low[part], high[part], rows, closed[part], gains[part],
                      corners[part], slopes[part], has_slopes[part], stop.flag)  # fmt: skip

    parts = [slice(start, start + CHAIN_PART) for start in range(0, B, CHAIN_PART)]
    run_in_threads(examine, parts, max(2, cpu_count()))
    open_ = closed < 0
    middles = (low + (high - low) / 2)[open_.any(axis=1)]
    points = np.concatenate([middles, corners[open_ & (ends[1:] > ends[:-1])]])
    place = _cut_places(gains, low, high, cases[0].high - cases[0].low)
    return BoxLook(closed, points, *place, slopes, has_slopes.astype(bool))


def _stacked(cases: Sequence[UnsafeCase]) -> tuple[Floats, Floats, Floats]:
    """C, A and c of the conditions of all cases."""
    C = np.concatenate([case.C for case in cases])
    A = np.concatenate([case.A for case in cases])
    return C, A, np.concatenate([case.c for case in cases])


def _look_by_bounds(
    net: Network, cases: Sequence[UnsafeCase], low: Floats, high: Floats
) -> BoxLook:
    B = len(low)
    bounds = LinearBounds(net, InputBoxes(low, high), keep_shares=True)
    most, slopes = _most(bounds, cases)
    closed = np.full((B, len(cases)), -1, dtype=np.int64)
    nearest = np.zeros((B, len(cases)), dtype=np.int64)
    start, at = 0, np.arange(B)
    for k, case in enumerate(cases):
        if len(case.c):
            row = most[:, start : start + len(case.c)].argmin(axis=1)
            top = most[at, start + row]
            # a condition that is at most 0 cannot hold where it must be above 0
            excluded = (top < 0) | (case.strict[row] & (top <= 0))
            closed[:, k] = np.where(excluded, row, -1)
            nearest[:, k] = start + row
            start += len(case.c)
    gain = _gains(bounds, cases, nearest, closed < 0)
    points = [(low + (high - low) / 2)[(closed < 0).any(axis=1)]]
    for k, case in enumerate(cases):
        if len(case.c):
            best = np.where(slopes[at, nearest[:, k]] > 0, high, low)
            points.append(best[closed[:, k] < 0])
    place = _cut_places(gain, low, high, cases[0].high - cases[0].low)
    nothing = np.zeros((B, len(cases), 0), dtype=np.float32)
    return BoxLook(closed, np.concatenate(points), *place, nothing, np.zeros(closed.shape, bool))


def _most(bounds: LinearBounds, cases: Sequence[UnsafeCase]) -> tuple[Floats, Floats]:
    """Upper bounds (B, r) of all conditions of all cases, and the slopes (B, r, d) behind them."""
    C, A, c = _stacked(cases)
    slopes, constant = bounds.below(output_rows(bounds.net, -C, len(bounds.low[0])))
    rounding = 2 * UNIT_ROUNDOFF * (np.abs(slopes) + np.abs(A))
    reach = np.maximum(np.abs(bounds.low[0]), np.abs(bounds.high[0]))
    least = bounds.inputs.least(slopes - A) + constant
    top = c - least + np.matmul(rounding, reach[:, :, None])[:, :, 0]
    return top + 4 * UNIT_ROUNDOFF * (np.abs(c) + np.abs(least)), A - slopes


def _gains(bounds: LinearBounds, cases: Sequence[UnsafeCase], nearest: Ints, open_: Mask) -> Floats:
    """What cutting across each input may gain, (B, d), for the nearest conditions of open cases.

    By their own slope, and by the slack of units that are undecided because of it.
    """
    low, high = bounds.low[0], bounds.high[0]
    C, A, _ = _stacked(cases)
    gain = np.zeros_like(low)
    for k in range(len(cases)):
        row = nearest[:, k]
        seeds = {len(bounds.net.nodes) - 1: -C[row][:, None]}
        slopes, _, slack = bounds.slack_shares(seeds)
        own = np.abs(slopes[:, 0] - A[row]) * (high - low) + slack
        gain += np.where(open_[:, k, None], own, 0.0)
    return gain


def _cut_places(
    gain: Floats, low: Floats, high: Floats, whole: Floats
) -> tuple[Ints, Floats, Floats]:
    """Across which input to cut each box, where, and the width there as a share of the whole's.

    Across the one of the largest gain; the width is 0 where a box cannot be cut.
    """
    relative = np.where(whole > 0, (high - low) / np.where(whole > 0, whole, 1), 0.0)
    flat = ~(gain > 0).any(axis=1)
    gain[flat] = relative[flat]
    gain[relative <= THINNEST_BOX] = 0.0
    axis, at = gain.argmax(axis=1), np.arange(len(low))
    value = low[at, axis] + (high[at, axis] - low[at, axis]) / 2
    inside = (value > low[at, axis]) & (value < high[at, axis])
    width = np.where(inside & (gain.max(axis=1) > 0), relative[at, axis], 0.0)
    return axis, value, width
