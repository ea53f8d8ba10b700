"""A complex cut by the layers of a network, whichever way its cells are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..._core.types import Floats, Ints
from .._layer_cuts import MERGE_BLOCK_NUMBERS, LayerCodes
from .._layer_values import LayerValues
from .._layer_walls import LayerWalls, layer_walls
from .._piecewise_layers import Codes, Pieces, Units
from .._wall_sides import count_knots_below
from ..network import Network
from ._build_limits import BuildLimits
from ._face_lattice import CellLattice
from ._face_measures import corner_means
from ._face_merging import MergedCells, merge_cells
from ._lattice_cutter import WORD_WALLS, LatticeCutter


class GrowingValues(Protocol):
    """Values z (V, i) at the vertices of a complex that is cut."""

    @property
    def z(self) -> Floats:
        """(V, i)."""

    def extend(self, a: Any, b: Any, t: Floats) -> None:
        """New vertices a + t (b - a)."""


class Cutter(Protocol):
    """A complex that is cut: `LatticeCutter` or `CellCutter`."""

    @property
    def n_cells(self) -> int:
        """Cells that there are."""

    def cut(
        self,
        z: Floats,
        walls: LayerWalls,
        tol: Floats,
        behind: Ints,
        max_cells: int,
        pause: Callable[[], Any],
    ) -> tuple[Any, Ints, tuple[Ints, Ints, Floats]]:
        """Cut by up to 64 walls; see `LatticeCutter.cut`."""


@dataclass(frozen=True, eq=False)
class LayeredCells:
    """Codes of layers on the cells behind them, and the network's outputs at the vertices."""

    layer_codes: tuple[LayerCodes, ...]
    outputs: Floats
    output_errors: Floats


def cut_by_layers(
    net: Network, cutter: Cutter, inputs: Floats, n_layers: int, limits: BuildLimits
) -> LayeredCells:
    """Cut by the first layers of a network, whose inputs (V, n_inputs) at the vertices are given.

    Raises
    ------
    TooManyCells, FacetsOverflow, TimeIsUp, StoppedError
        A limit was reached.
    """
    values_, layer_codes = LayerValues(net, inputs), []
    for i, layer in enumerate(net.layers):
        units = values_.advance()
        if i < n_layers:
            limits.begin_layer(i, len(net.layers), cutter.n_cells)
            layer_codes.append(_cut_layer(cutter, units, values_, layer.start, limits))
        values_.bend()
    outputs, errors = values_.finish()
    return LayeredCells(tuple(layer_codes), outputs, errors)


def _cut_layer(
    cutter: Cutter, units: Units, values_: LayerValues, start: int, limits: BuildLimits
) -> LayerCodes:
    range_, noise = values_.range, values_.noise
    walls = layer_walls(units, range_, noise)
    below = (
        (range_[0] > units.knots + noise).sum(axis=0, dtype=np.uint8)
        if isinstance(units, Pieces)
        else np.zeros(0, np.uint8)
    )
    sides, root = cut_by_words(cutter, walls, values_, noise, start, limits)
    if isinstance(units, Pieces):
        return LayerCodes(count_knots_below(sides, walls.units, below), root)
    assert isinstance(cutter, LatticeCutter)  # cells alone cannot be joined
    codes, merged = winners(cutter.lattice(), units, values_.z, noise, root)
    if merged is None:
        return LayerCodes(codes, root)
    cutter.restart(merged.lattice)
    values_.keep(merged.vertices)
    return LayerCodes(codes[merged.cells], root[merged.cells])


def winners(
    lattice: CellLattice, units: Units, z: Floats, noise: Floats, root: Ints
) -> tuple[Codes, MergedCells | None]:
    """Codes of maxima on the cells that their walls made, and the cells joined where equal."""
    inner = corner_means(lattice.corners[-1], z)
    step = max(1, MERGE_BLOCK_NUMBERS // units.n_walls)
    parts = [inner[i : i + step] for i in range(0, len(inner), step)]
    codes = np.concatenate([units.code(part, noise=noise) for part in parts])
    table = np.concatenate([root[:, None].astype("<i8").view(np.uint8).reshape(len(root), -1),
                            codes.view(np.uint8).reshape(len(codes), -1)], axis=1)  # fmt: skip
    rows = np.ascontiguousarray(table).view(f"V{table.shape[1]}").ravel()
    key = np.unique(rows, return_inverse=True)[1]
    if key.max(initial=0) + 1 == len(key):
        return codes, None
    return codes, merge_cells(lattice, key)


def cut_by_words(
    cutter: Cutter,
    walls: LayerWalls,
    values_: GrowingValues,
    noise: Floats,
    start: int,
    limits: BuildLimits,
) -> tuple[NDArray[np.uint64], Ints]:
    """Cut by any number of walls, 64 at a time; the words of each cell and the cell before all."""
    tol, n_walls = walls.tolerances(noise), len(walls.levels)
    words, root = np.zeros((cutter.n_cells, 0), np.uint64), np.arange(cutter.n_cells)
    for begin in range(0, n_walls, WORD_WALLS):
        own = slice(begin, begin + WORD_WALLS)
        word, before, new = cutter.cut(
            values_.z,
            walls.take(own),
            tol[own],
            walls.units[own] + start,
            limits.max_regions,
            lambda: limits.check(cutter.n_cells),
        )
        values_.extend(*new)
        words, root = np.concatenate([words[before], word[:, None]], axis=1), root[before]
    return words, root
