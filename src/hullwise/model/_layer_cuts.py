"""A planar complex cut by one layer of units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.threads import StopFlag
from .._core.types import Floats, Ints
from ._layer_values import extended
from ._layer_walls import layer_walls
from ._piecewise_layers import Codes, Pieces, Units
from ._wall_sides import count_knots_below
from .planar_complex import Complex, Cut, cut, dissolve

MERGE_BLOCK_NUMBERS = 2**22  # entries of maxima compared at a time


@dataclass(frozen=True, eq=False)
class LayerCodes:
    """One layer's codes (F', n_units) on the polygons after it, and the polygon before of each."""

    codes: Codes
    root: Ints


@dataclass(frozen=True, eq=False)
class LayerCut:
    """A complex after one layer."""

    complex: Complex
    codes: LayerCodes
    new: Cut | None
    vertices: Ints | None  # which are left of those before and the new ones


def cut_layer(
    old: Complex,
    units: Units,
    z: Floats,
    range_: tuple[Floats, Floats],
    noise: Floats,
    start: int,
    n_fixed: int,
    max_regions: int,
    stop: StopFlag,
) -> LayerCut:
    """Cut by one layer of units whose input at the vertices is z (V, i), less than noise (i) zero.

    range_ are the least and largest of each entry of z, (i) each. Edges name the unit behind them,
    counted from `start`. The first `n_fixed` vertices stay.

    Raises
    ------
    TooManyFaces
        If more than `max_regions` polygons come out, or `stop` was set.
    """
    walls = layer_walls(units, range_, noise)
    if not len(walls.levels):
        codes = units.code(old.corner_means(z), noise=noise)
        return LayerCut(old, LayerCodes(codes, np.arange(old.n_faces)), None, None)
    behind = walls.units + start
    new = cut(old, z, walls, walls.tolerances(noise), behind, max_regions, stop.flag)
    if isinstance(units, Pieces):
        below = (range_[0] > units.knots + noise).sum(axis=0, dtype=np.uint8)
        layer_codes = LayerCodes(count_knots_below(new.sides, walls.units, below), new.root)
        return LayerCut(new.complex, layer_codes, new, None)
    return _merge_equal_codes(units, z, noise, n_fixed, new)


def _merge_equal_codes(units: Units, z: Floats, noise: Floats, n_fixed: int, new: Cut) -> LayerCut:
    """Maxima: where the winner is the same on both sides of a cut, the cut is taken back."""
    inner = new.complex.corner_means(extended(z, new.a, new.b, new.t))
    step = max(1, MERGE_BLOCK_NUMBERS // units.n_walls)
    parts = [inner[i : i + step] for i in range(0, len(inner), step)]
    codes = np.concatenate([units.code(part, noise=noise) for part in parts])
    rows = np.ascontiguousarray(np.c_[new.root.astype("<i8").view(np.uint8).reshape(-1, 8),
                                      codes.view(np.uint8).reshape(len(codes), -1)])  # fmt: skip
    key = np.unique(rows.view(f"V{rows.shape[1]}").ravel(), return_inverse=True)[1]
    merged = dissolve(new.complex, key, n_fixed)
    layer_codes = LayerCodes(codes[merged.faces], new.root[merged.faces])
    return LayerCut(merged.complex, layer_codes, new, merged.vertices)
