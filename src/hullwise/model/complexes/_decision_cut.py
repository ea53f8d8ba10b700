"""A complex cut once more, where a decision changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._core.threads import StopFlag, single_threaded_blas
from ..._core.types import Floats, Ints
from ...errors import DataError
from .._arguments import as_floats, check_index
from .._layer_values import extended
from .._layer_walls import layer_walls
from .._piecewise_layers import Largest, pieces
from .._rounding import RELATIVE_TOLERANCE
from ._build_limits import BuildLimits
from ._face_lattice import CellLattice
from ._lattice_cutter import LatticeCutter
from ._layer_cutting import cut_by_words, winners
from .boundary_complex import BoundaryComplex

MAX_BOUNDARY_CELLS = 100_000_000


@dataclass(eq=False)
class VertexOutputs:
    """What is compared at the vertices, (V, s): those of a `LayerValues` that has one layer."""

    z: Floats

    def extend(self, a: Any, b: Any, t: Floats) -> None:
        """New vertices a + t (b - a)."""
        self.z = extended(self.z, a, b, t)


def decision_boundary(
    lattice: CellLattice, outputs: Floats, errors: Floats, output: Any, level: Any
) -> BoundaryComplex:
    """Where an output crosses a level, two are equal, or the largest one is another."""
    units: Any
    units, z, noise = _compared(outputs, errors, output, level)
    values, range_ = VertexOutputs(z), (z.min(axis=0), z.max(axis=0))
    noise = np.maximum(RELATIVE_TOLERANCE * np.abs(z).max(axis=0), noise)
    walls = layer_walls(units, range_, noise)
    cutter = LatticeCutter(lattice)
    limits = BuildLimits(MAX_BOUNDARY_CELLS, None, None, StopFlag())
    with single_threaded_blas():
        words, regions = cut_by_words(cutter, walls, values, noise, 0, limits)
    if isinstance(units, Largest):
        return _between_winners(cutter, units, values.z, noise, regions)
    above = np.zeros(cutter.n_cells, np.int64)
    if len(walls.levels):
        above = (words[:, 0] & np.uint64(1)).astype(np.int64)
    elif (range_[0] > noise).all():
        above[:] = 1
    return _between(cutter.lattice(), above, regions)


def _between_winners(
    cutter: LatticeCutter, units: Any, z: Floats, noise: Floats, regions: Ints
) -> BoundaryComplex:
    lattice = cutter.lattice()
    codes, merged = winners(lattice, units, z, noise, regions)
    if merged is not None:
        lattice, codes, regions = merged.lattice, codes[merged.cells], regions[merged.cells]
    return _between(lattice, codes[:, 0].astype(np.int64), regions)


def _between(cells: CellLattice, decisions: Ints, regions: Ints) -> BoundaryComplex:
    sides = cells.sides
    inner = (sides >= 0).all(axis=1)
    faces = np.flatnonzero(inner & (decisions[sides[:, 0]] != decisions[sides[:, 1]]))
    pairs = sides[faces]
    higher = decisions[pairs[:, 0]] > decisions[pairs[:, 1]]
    pairs[higher] = pairs[higher][:, ::-1]
    return BoundaryComplex(cells, decisions, regions, cells.skeleton(faces), pairs)


def _compared(
    outputs: Floats, errors: Floats, output: Any, level: Any
) -> tuple[Any, Floats, Floats]:
    """The units that say what is decided, their inputs at the vertices, and what is zero there."""
    n = outputs.shape[1]
    number = as_floats(level, "level", "a number")
    if number.ndim or not np.isfinite(number):
        raise DataError(f"level is {level!r}; give a finite number")
    sign = pieces("sign", 1, [0.0], [0.0, 1.0])
    if output is None and n > 1:
        if number:
            raise DataError(f"level={level!r} needs output: the number of the one that crosses it")
        return Largest("class", np.arange(n)[None], (1,)), outputs.copy(), errors
    if isinstance(output, tuple | list) and len(output) == 2:
        i, j = (check_index("output", one, n) for one in output)
        if i == j:
            raise DataError(f"output={output!r} compares an output with itself")
        return sign, outputs[:, [i]] - outputs[:, [j]] - number, errors[[i]] + errors[[j]]
    i = 0 if output is None else check_index("output", output, n)
    return sign, outputs[:, [i]] - number, errors[[i]]
