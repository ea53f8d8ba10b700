"""Cells of a complex in the making that are cut apart from all others, and divided where many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.types import Ints
from .._layer_values import LayerValues
from .._layer_walls import LayerWalls, layer_walls
from .._piecewise_layers import Codes
from .._wall_sides import count_knots_below
from ._cell_cutter import CellCutter
from ._cell_table import CellTable, table_part
from ._lattice_cutter import WORD_WALLS, TooManyCells

CELLS_OUT_OF_ONE = 4  # cells that a word of walls may make of each, on average


@dataclass(frozen=True, eq=False)
class LayerInHand:
    """The walls of a layer, what is zero for each, and the pieces of units without a wall."""

    walls: LayerWalls
    tolerances: Any
    below: Codes
    start: int


@dataclass(eq=False)
class CellsInHand:
    """Cells before a wall of a layer.

    codes (n, units so far) of the layers before; words (n, w): the sides of the layer's walls so
    far, 64 in each; layer is None behind the last one. share: of the work in all, a guess.
    """

    table: CellTable
    values: LayerValues
    codes: Codes
    words: NDArray[np.uint64]
    number: int
    layer: LayerInHand | None
    wall: int
    share: float

    @property
    def is_done(self) -> bool:
        return self.layer is None

    def advance(self, most_cells: int, pause: Callable[[], Any]) -> list[CellsInHand]:
        """On by a word of walls, or into the next layer; in parts where many cells come out."""
        layer = self.layer
        assert layer is not None
        if self.wall == len(layer.walls.levels):
            self._end_layer(layer)
            return [self]
        own = slice(self.wall, min(self.wall + WORD_WALLS, len(layer.walls.levels)))
        while True:
            cutter = CellCutter(self.table)
            try:
                word, root, new = cutter.cut(
                    self.values.z, layer.walls.take(own), layer.tolerances[own],
                    layer.walls.units[own] + layer.start, CELLS_OUT_OF_ONE * most_cells, pause,
                )  # fmt: skip
                break
            except TooManyCells:
                if self.table.n_cells > 1:
                    return self.divided((self.table.n_cells + 1) // 2)
                own = slice(own.start, (own.start + own.stop + 1) // 2)  # one wall makes two cells
        self.values.extend(*new)
        self.table, self.codes = cutter.table, self.codes[root]
        self._add_sides(word, root, own)
        self.wall = own.stop
        return self.divided(most_cells) if self.table.n_cells > most_cells else [self]

    def _add_sides(self, word: Any, root: Ints, own: slice) -> None:
        """The sides of walls own, put behind those before; words are filled before a new one."""
        words, shift = self.words[root], own.start % WORD_WALLS
        if shift:
            words[:, -1] |= word << np.uint64(shift)
            word = word >> np.uint64(WORD_WALLS - shift)
        if not shift or shift + own.stop - own.start > WORD_WALLS:
            words = np.concatenate([words, word[:, None]], axis=1)
        self.words = words

    def _end_layer(self, layer: LayerInHand) -> None:
        codes = count_knots_below(self.words, layer.walls.units, layer.below)
        self.codes = np.concatenate([self.codes, codes.astype(self.codes.dtype)], axis=1)
        self.values.bend()
        self.begin_layer(self.number + 1)

    def begin_layer(self, number: int) -> None:
        """Up to the units of a layer."""
        self.number, self.wall = number, 0
        self.words = np.zeros((self.table.n_cells, 0), np.uint64)
        layers = self.values.net.layers
        if number == len(layers):
            self.layer = None
            return
        units: Any = self.values.advance()
        range_, noise = self.values.range, self.values.noise
        walls = layer_walls(units, range_, noise)
        below = (range_[0] > units.knots + noise).sum(axis=0, dtype=np.uint8)
        tolerances = walls.tolerances(noise) if len(walls.levels) else np.zeros(0)
        self.layer = LayerInHand(walls, tolerances, below, layers[number].start)

    def divided(self, most_cells: int) -> list[CellsInHand]:
        """Parts of at most so many cells, in order."""
        n, parts = self.table.n_cells, []
        n_parts = -(-n // most_cells)
        ends = [n * i // n_parts for i in range(n_parts + 1)]
        for begin, end in pairwise(ends):
            table, vertices = table_part(self.table, begin, end)
            own, share = slice(begin, end), self.share * (end - begin) / n
            parts.append(
                CellsInHand(
                    table, self.values.part(vertices), self.codes[own], self.words[own],
                    self.number, self.layer, self.wall, share,
                )
            )  # fmt: skip
        return parts
