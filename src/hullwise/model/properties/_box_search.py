"""Branch and bound on the inputs of a network: boxes are closed by bounds or cut in two.

A box is closed where linear bounds (`LinearBounds`) show for each unsafe case that one of its
conditions cannot hold; else it is cut in two across the input that accounts for most of what the
bounds lack. The cuts are the certificate: the boxes they leave cover the whole, and each can be
checked by itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..._core.types import Floats, Ints, Progress, Singles
from ..network import Network
from ._attack import attack_boxes
from ._box_examiner import THINNEST_BOX, BoxExaminer, BoxLook
from ._property_checker import breaks_exactly
from .output_property import OutputProperty, UnsafeCase

FIRST_ATTACK_BOXES = 1000  # boxes after which the first try is repeated with more points
ATTACK_GROWTH = 4  # of boxes and points from one try to the next


@dataclass(frozen=True, eq=False)
class BoxCuts:
    """How a box was cut: node i at `value[i]` across input `axis[i]` into nodes child[i] and +1.

    `axis` is -1 where nothing was cut; there `closed[i]`, (n_cases,), names for each case the
    condition that cannot hold, -1 where that is open. Where `slope_rows[i]`, (n_cases,), is not -1
    it names the row of `slopes` (m, n_units): slopes of lines below all units, in the order of
    the network, with which that is proved (NaN: those of the checker's own choice).
    """

    cases: tuple[UnsafeCase, ...]
    axis: Ints
    value: Floats
    child: Ints
    closed: Ints
    slope_rows: Ints
    slopes: Singles


@dataclass(eq=False)
class _Cuts:
    """Cuts of one box as they are made."""

    cases: tuple[UnsafeCase, ...]
    axis: list[int] = field(default_factory=lambda: [-1])
    value: list[float] = field(default_factory=lambda: [0.0])
    child: list[int] = field(default_factory=lambda: [-1])
    closed: dict[int, Ints] = field(default_factory=dict)
    slope_rows: list[tuple[int, int]] = field(default_factory=list)
    slopes: list[Singles] = field(default_factory=list)

    def close(self, node: int, look: BoxLook, i: int) -> None:
        """Box i of what was looked at is done."""
        self.closed[node] = look.closed[i]
        for k in np.flatnonzero(look.has_slopes[i]):
            self.slope_rows.append((node, int(k)))
            self.slopes.append(look.slopes[i, k].copy())

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
        rows = np.full(closed.shape, -1, dtype=np.int64)
        for row, place in enumerate(self.slope_rows):
            rows[place] = row
        slopes = np.array(self.slopes or np.zeros((0, 0)), dtype=np.float32)
        axis, child = (np.array(part, dtype=np.int64) for part in (self.axis, self.child))
        return BoxCuts(self.cases, axis, np.array(self.value), child, closed, rows, slopes)


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
        self.n_boxes, self.open_share = 0, 0.0
        self._next_attack = FIRST_ATTACK_BOXES
        self.groups = cases_by_box(claim.cases)
        self.cuts: list[_Cuts] = []
        self.examiner = BoxExaminer(net)

    def run(self, rng: np.random.Generator) -> None:
        for cases in self.groups:
            if self._broken_by(attack_boxes(self.net, cases, rng), cases):
                return
        for cases in self.groups:
            self._search(cases, rng)
            if self.counter_example is not None:
                return

    def _attack_again(self, cases: Sequence[UnsafeCase], rng: np.random.Generator) -> bool:
        """Try more points, the more the longer the search takes; whether one breaks the property.

        An input that breaks it may be one of millions, which no bound leads to.
        """
        if self.n_boxes < self._next_attack:
            return False
        factor = ATTACK_GROWTH * self._next_attack // FIRST_ATTACK_BOXES
        self._next_attack *= ATTACK_GROWTH
        return self._broken_by(attack_boxes(self.net, cases, rng, factor), cases)

    def _search(self, cases: tuple[UnsafeCase, ...], rng: np.random.Generator) -> None:
        cuts = _Cuts(cases)
        self.cuts.append(cuts)
        whole = cases[0].high - cases[0].low
        low, high = cases[0].low[None], cases[0].high[None]
        nodes = np.zeros(1, dtype=np.int64)
        left = 0.0  # share of the box's volume that is too thin to cut
        settled = 0.0
        size = self.examiner.batch(len(cases))
        while len(nodes):
            if self.n_boxes >= self.max_boxes or time.monotonic() - self.started > self.max_seconds:
                break
            batch = slice(max(0, len(nodes) - size), None)
            L, H, ids = low[batch], high[batch], nodes[batch]
            low, high, nodes = low[: batch.start], high[: batch.start], nodes[: batch.start]
            self.n_boxes += len(ids)
            look = self.examiner.look(cases, L, H)
            if self._broken_by(look.points, cases) or self._attack_again(cases, rng):
                return
            for i in np.flatnonzero(look.done):
                cuts.close(int(ids[i]), look, int(i))
            settled += float(_shares(L[look.done], H[look.done], whole).sum())
            thin = ~look.done & (look.width <= THINNEST_BOX)
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
