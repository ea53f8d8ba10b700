"""Branch and bound on the inputs of a network: boxes are closed by bounds or cut in two.

A box is closed where linear bounds (`LinearBounds`) show for each unsafe case that one of its
conditions cannot hold; else it is cut in two across the input that accounts for most of what the
bounds lack (after Wang, Pei, Whitehouse, Yang & Jana (2018), *Formal Security Analysis of Neural
Networks using Symbolic Intervals*, section 5.2, whose smear counts slopes only; here the slack of
undecided units counts, as the inputs have a part in it). The cuts are the certificate: the boxes
they leave cover the whole, and each can be checked by itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..._core.types import Floats, Ints, Mask, Progress
from ..linear_bounds import InputBoxes, LinearBounds, output_rows
from ..network import Network
from ._attack import attack_boxes
from ._property_checker import breaks_exactly
from .output_property import OutputProperty, UnsafeCase

BOX_BATCH_NUMBERS = 2**21  # of the widest layer's weights, over the boxes of one batch
LARGEST_BATCH = 512
THINNEST_BOX = 2.0**-40  # of the widths of the whole box: thinner boxes are left open


@dataclass(frozen=True, eq=False)
class BoxCuts:
    """How a box was cut: node i at `value[i]` across input `axis[i]` into nodes child[i] and +1.

    `axis` is -1 where nothing was cut; there `closed[i]`, (n_cases,), names for each case the
    condition that cannot hold, -1 where that is open.
    """

    cases: tuple[UnsafeCase, ...]
    axis: Ints
    value: Floats
    child: Ints
    closed: Ints


@dataclass(eq=False)
class _Cuts:
    """Cuts of one box as they are made."""

    cases: tuple[UnsafeCase, ...]
    axis: list[int] = field(default_factory=lambda: [-1])
    value: list[float] = field(default_factory=lambda: [0.0])
    child: list[int] = field(default_factory=lambda: [-1])
    closed: dict[int, Ints] = field(default_factory=dict)

    def cut(self, node: int, axis: int, value: float) -> tuple[int, int]:
        first = len(self.axis)
        self.axis[node], self.value[node], self.child[node] = axis, value, first
        self.axis += [-1, -1]
        self.value += [0.0, 0.0]
        self.child += [-1, -1]
        return first, first + 1

    def frozen(self) -> BoxCuts:
        closed = np.full((len(self.axis), len(self.cases)), -1, dtype=np.int64)
        for node, conditions in self.closed.items():
            closed[node] = conditions
        return BoxCuts(
            self.cases, np.array(self.axis), np.array(self.value), np.array(self.child), closed
        )


def cases_by_box(cases: Sequence[UnsafeCase]) -> list[tuple[UnsafeCase, ...]]:
    """The cases in groups that are about the same box."""
    groups: dict[bytes, list[UnsafeCase]] = {}
    for case in cases:
        groups.setdefault(case.low.tobytes() + case.high.tobytes(), []).append(case)
    return [tuple(group) for group in groups.values()]


class BoxSearch:
    def __init__(
        self,
        net: Network,
        claim: OutputProperty,
        max_boxes: int,
        max_seconds: float,
        progress: Progress | None,
    ) -> None:
        self.net, self.claim, self.max_boxes = net, claim, max_boxes
        self.started, self.max_seconds, self.progress = time.monotonic(), max_seconds, progress
        self.counter_example: Floats | None = None
        self.broken: UnsafeCase | None = None
        self.n_boxes, self.n_open, self.open_share = 0, 0, 0.0
        self.groups = cases_by_box(claim.cases)
        self.cuts: list[_Cuts] = []
        numbers = net.widest**2
        self.batch = int(np.clip(BOX_BATCH_NUMBERS // numbers, 1, LARGEST_BATCH))

    def run(self, rng: np.random.Generator) -> None:
        for cases in self.groups:
            points = attack_boxes(self.net, cases, rng)
            if self._broken_by(points, cases):
                return
        for cases in self.groups:
            self._search(cases)
            if self.counter_example is not None:
                return

    def _search(self, cases: tuple[UnsafeCase, ...]) -> None:
        cuts = _Cuts(cases)
        self.cuts.append(cuts)
        whole = cases[0].high - cases[0].low
        low, high = cases[0].low[None], cases[0].high[None]
        nodes = np.zeros(1, dtype=np.int64)
        left = 0.0  # share of the box's volume that is too thin to cut
        settled = 0.0
        while len(nodes):
            if self.n_boxes >= self.max_boxes or time.monotonic() - self.started > self.max_seconds:
                break
            batch = slice(max(0, len(nodes) - self.batch), None)
            L, H, ids = low[batch], high[batch], nodes[batch]
            low, high, nodes = low[: batch.start], high[: batch.start], nodes[: batch.start]
            self.n_boxes += len(ids)
            look = _look(self.net, cases, L, H)
            if self._broken_by(look.points, cases):
                return
            for i in np.flatnonzero(look.done):
                cuts.closed[int(ids[i])] = look.closed[i]
            settled += float(_shares(L[look.done], H[look.done], whole).sum())
            thin = ~look.done & (look.split_width <= THINNEST_BOX)
            left += float(_shares(L[thin], H[thin], whole).sum())
            cut = np.flatnonzero(~look.done & ~thin)
            if self.progress is not None:
                self.progress(int(1e6 * settled), 1_000_000, "millionths of the box proved")
            new = [cuts.cut(int(ids[i]), int(look.axis[i]), look.value[i]) for i in cut]
            halves = _halves(L[cut], H[cut], look.axis[cut], look.value[cut])
            low, high = np.concatenate([low, halves[0]]), np.concatenate([high, halves[1]])
            nodes = np.concatenate([nodes, np.array(new, dtype=np.int64).reshape(-1)])
        self.open_share += (left + float(_shares(low, high, whole).sum())) / len(self.groups)

    def _broken_by(self, points: Floats, cases: Sequence[UnsafeCase]) -> bool:
        """Whether a point breaks the property, confirmed without rounding."""
        if not len(points):
            return False
        Y = self.net(points)
        for case in cases:
            values = points @ case.A.T + Y @ case.C.T + case.c
            worst = values.min(axis=1, initial=np.inf)
            for i in np.argsort(-worst)[:3]:
                if worst[i] >= 0 and breaks_exactly(self.net, points[i], case):
                    self.counter_example, self.broken = points[i], case
                    return True
        return False


def _shares(low: Floats, high: Floats, whole: Floats) -> Floats:
    """The shares (B,) of the whole box's volume; inputs that are fixed do not count."""
    wide = whole > 0
    return np.asarray(np.prod((high[:, wide] - low[:, wide]) / whole[wide], axis=1))


def _halves(low: Floats, high: Floats, axis: Ints, value: Floats) -> tuple[Floats, Floats]:
    """Both parts of each box, one after the other."""
    low, high = np.repeat(low, 2, axis=0), np.repeat(high, 2, axis=0)
    rows = np.arange(len(axis))
    high[2 * rows, axis] = value
    low[2 * rows + 1, axis] = value
    return low, high


@dataclass(frozen=True, eq=False)
class _Look:
    """What bounds say of a batch of boxes.

    `done` (B,): no case can hold; `closed` (B, n_cases) by which conditions. `points` are tries at
    a counter-example, `axis` and `value` (B,) where to cut, `split_width` in widths of the whole.
    """

    done: Mask
    closed: Ints
    points: Floats
    axis: Ints
    value: Floats
    split_width: Floats


def _look(net: Network, cases: Sequence[UnsafeCase], low: Floats, high: Floats) -> _Look:
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
    done: Mask = np.asarray((closed >= 0).all(axis=1))
    axis, value, width = _cut_places(bounds, cases, nearest, closed < 0)
    points = [(low + (high - low) / 2)[~done]]
    for k, case in enumerate(cases):
        if len(case.c):
            best = np.where(slopes[at, nearest[:, k]] > 0, high, low)
            points.append(best[closed[:, k] < 0])
    return _Look(done, closed, np.concatenate(points), axis, value, width)


def _most(bounds: LinearBounds, cases: Sequence[UnsafeCase]) -> tuple[Floats, Floats]:
    """Upper bounds (B, r) of all conditions of all cases, and the slopes (B, r, d) behind them."""
    C = np.concatenate([case.C for case in cases])
    A, constant = bounds.below(output_rows(bounds.net, -C, len(bounds.low[0])))
    A -= np.concatenate([case.A for case in cases])
    c = np.concatenate([case.c for case in cases])
    return c - (bounds.inputs.least(A) + constant), -A


def _cut_places(
    bounds: LinearBounds, cases: Sequence[UnsafeCase], nearest: Ints, open_: Mask
) -> tuple[Ints, Floats, Floats]:
    """Across which input to cut each box, where, and that width as a share of the whole box.

    Across the one that adds most to what the nearest conditions of open cases lack: by their own
    slope, or by the slack of units that are undecided because of it.
    """
    low, high = bounds.low[0], bounds.high[0]
    C = np.concatenate([case.C for case in cases])
    A = np.concatenate([case.A for case in cases])
    gain = np.zeros_like(low)
    for k in range(len(cases)):
        row = nearest[:, k]
        seeds = {len(bounds.net.nodes) - 1: -C[row][:, None]}
        slopes, _, slack = bounds.slack_shares(seeds)
        own = np.abs(slopes[:, 0] - A[row]) * (high - low) + slack
        gain += np.where(open_[:, k, None], own, 0.0)
    whole = cases[0].high - cases[0].low
    relative = np.where(whole > 0, (high - low) / np.where(whole > 0, whole, 1), 0.0)
    flat = ~(gain > 0).any(axis=1)
    gain[flat] = relative[flat]
    gain[relative <= THINNEST_BOX] = 0.0
    axis, at = gain.argmax(axis=1), np.arange(len(low))
    value = low[at, axis] + (high[at, axis] - low[at, axis]) / 2
    inside = (value > low[at, axis]) & (value < high[at, axis])
    width = np.where(inside & (gain.max(axis=1) > 0), relative[at, axis], 0.0)
    return axis, value, width
