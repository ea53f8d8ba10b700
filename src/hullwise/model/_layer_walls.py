"""The walls that a layer of units cuts a planar complex with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.types import Floats, Ints
from ._piecewise_layers import Pieces, Units


@dataclass(frozen=True, eq=False)
class LayerWalls:
    """The cuts of a layer, in order; wall c is about entries[ends[c] : ends[c + 1]] of z.

    One entry: where it equals levels[c]. More: where the largest of all but the last equals the
    last, so that a maximum is folded entry by entry.
    """

    ends: Ints
    entries: Ints
    levels: Floats
    units: Ints  # (k,) the unit behind each, within its layer

    def take(self, own: slice) -> LayerWalls:
        """Some of the walls, one behind another."""
        ends = self.ends[own.start : own.stop + 1]
        entries = self.entries[ends[0] : ends[-1]]
        return LayerWalls(ends - ends[0], entries, self.levels[own], self.units[own])

    def tolerances(self, noise: Floats) -> Floats:
        """What is zero for each wall, from what is in each entry of z, (i)."""
        largest = np.maximum.reduceat(noise[self.entries], self.ends[:-1])
        compared = np.diff(self.ends) > 1  # the difference of two entries
        return np.asarray(np.where(compared, 2 * largest, largest))


def layer_walls(units: Units, range_: tuple[Floats, Floats], noise: Floats) -> LayerWalls:
    """The walls of a layer that may have vertices on both sides.

    range_ are the least and largest of each entry of z, (i) each; less than noise (i) is zero.
    """
    if isinstance(units, Pieces):
        low, high = range_
        crossed = (low <= units.knots + noise) & (high > units.knots + noise)
        knots, entries = np.nonzero(crossed)
        ends = np.arange(len(entries) + 1)
        return LayerWalls(ends, entries, units.knots[knots, entries], entries)
    cuts: list[tuple[Any, int]] = []
    for unit, group in enumerate(units.groups):  # type: ignore[attr-defined]
        group = group[group >= 0]
        cuts += [(group[: k + 1], unit) for k in range(1, len(group))]
    return LayerWalls(
        np.cumsum([0] + [len(entries) for entries, _ in cuts]),
        np.array([e for entries, _ in cuts for e in entries], dtype=np.int64),
        np.zeros(len(cuts)),
        np.array([unit for _, unit in cuts], dtype=np.int64),
    )
