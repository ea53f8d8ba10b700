"""Shades of regions that neighbours do not share, and how strongly rows are drawn."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Floats, Ints

if TYPE_CHECKING:
    from ..model.slices import Slice

N_SHADES = 8
ON_PLANE = 1e-9  # of the picture's size: rows that near to the plane are on it


def region_shades(s: Slice, count: int = N_SHADES) -> Ints:
    """A shade (n_regions,) in 0..count-1 for each region: neighbours differ.

    The shade that a region asks for is a hash of its code, so that it mostly keeps it in another
    slice; it takes the next one that no neighbour has. Six would always do for some order.
    """
    codes = np.ascontiguousarray(s.codes)
    wish = np.array([zlib.crc32(code.tobytes()) for code in codes], dtype=np.int64) % count
    pairs = np.r_[s.neighbours, s.neighbours[:, ::-1]]
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    ends = np.searchsorted(pairs[:, 0], np.arange(s.n_regions + 1)).tolist()
    beside = pairs[:, 1].tolist()
    out, wish_list = [-1] * s.n_regions, wish.tolist()
    for i in np.argsort(-np.diff(ends), kind="stable").tolist():
        used = [out[j] for j in beside[ends[i] : ends[i + 1]]]
        free = (k for k in range(count) if (wish_list[i] + k) % count not in used)
        best = next(free, None)
        if best is None:
            out[i] = min(range(count), key=used.count)
        else:
            out[i] = (wish_list[i] + best) % count
    return np.array(out)


def row_opacity(distance: Floats, size: float) -> Floats:
    """How strongly rows are drawn, in (0, 1]: 1 on the plane, 1/2 at the median distance.

    Rows within a billionth of `size` of the plane are on it.
    """
    if not len(distance) or distance.max() <= ON_PLANE * size:
        return np.ones(len(distance))
    middle = max(float(np.median(distance)), ON_PLANE * size)
    return np.asarray(1 / (1 + (distance / middle) ** 2))
