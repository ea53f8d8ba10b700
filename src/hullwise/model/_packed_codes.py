"""Activation codes of many polygons in little memory: one bit for a unit of two pieces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._core.types import Ints
from ._piecewise_layers import Codes, Pieces, Units
from .planar_complex import HalfEdges


@dataclass(frozen=True, eq=False)
class PackedCodes:
    """One layer's codes on the polygons after it, and the polygon before of each.

    packed (F, bytes) bits where `in_bits`, else the codes themselves. numbers (F,): which of all
    polygons after this layer they are, where they are those of a part.
    """

    packed: Codes
    n_units: int
    in_bits: bool
    root: HalfEdges
    numbers: HalfEdges

    def __len__(self) -> int:
        return len(self.root)

    def take(self, rows: NDArray[np.integer]) -> Codes:
        """The codes (k, n_units) of some polygons."""
        chosen = self.packed[rows]
        return np.unpackbits(chosen, axis=1, count=self.n_units) if self.in_bits else chosen

    def subset(self, rows: NDArray[np.integer], root: HalfEdges) -> PackedCodes:
        """Some of the polygons, with other numbers of those before."""
        return PackedCodes(self.packed[rows], self.n_units, self.in_bits, root, self.numbers[rows])

    @property
    def nbytes(self) -> int:
        return self.packed.nbytes + self.root.nbytes


def fit_in_bits(units: Units) -> bool:
    """Whether no unit of a layer has more than two pieces."""
    return isinstance(units, Pieces) and len(units.knots) == 1


def pack_codes(units: Units, codes: Codes, root: Ints, first_number: int) -> PackedCodes:
    """Codes (F, n_units) of a layer of units."""
    in_bits = fit_in_bits(units)
    packed = np.packbits(codes, axis=1) if in_bits else codes
    numbers = np.arange(first_number, first_number + len(root), dtype=np.int32)
    return PackedCodes(packed, codes.shape[1], in_bits, root.astype(np.int32), numbers)


def codes_along(levels: tuple[PackedCodes, ...], rows: NDArray[np.integer]) -> list[Codes]:
    """The codes of each layer, the first first, of some polygons after the last."""
    parts = []
    for level in reversed(levels):
        parts.append(level.take(rows))
        rows = level.root[rows]
    return parts[::-1]


def used_levels(levels: tuple[PackedCodes, ...], faces: Ints) -> tuple[PackedCodes, ...]:
    """The layers' codes as far as some polygons after the last need them."""
    out: list[PackedCodes] = []
    rows = faces
    for level in reversed(levels):
        before, place = np.unique(level.root[rows], return_inverse=True)
        out.append(level.subset(rows, place.astype(np.int32)))
        rows = before.astype(np.int64)
    return tuple(out[::-1])


def joined_levels(parts: list[list[PackedCodes]], n_regions: list[int]) -> tuple[PackedCodes, ...]:
    """The layers' codes of all parts, whose polygons may come from the same ones before.

    The lists of the parts are emptied: nothing is in memory twice for long.
    """
    if len(parts) == 1:
        return tuple(parts[0])
    out: list[PackedCodes] = []
    before: list[NDArray[np.integer]] = [np.zeros(1, np.int32) for _ in parts]
    for n in n_regions:
        sample = parts[0][0]
        packed = np.empty((n, sample.packed.shape[1]), sample.packed.dtype)
        root = np.empty(n, np.int32)
        for i, levels in enumerate(parts):
            level = levels.pop(0)
            packed[level.numbers], root[level.numbers] = level.packed, before[i][level.root]
            before[i] = level.numbers
        numbers = np.arange(n, dtype=np.int32)
        out.append(PackedCodes(packed, sample.n_units, sample.in_bits, root, numbers))
    order = np.concatenate(before)  # the last in the order of the parts, as their polygons are
    out[-1] = out[-1].subset(order, out[-1].root[order])
    return tuple(out)
