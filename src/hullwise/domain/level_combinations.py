"""Which levels of categories occur together in training rows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from .._core.types import Floats, Indices, Ints, Mask
from ..table.columns import CategoryColumn
from ..table.coordinates import Coordinates

MAX_PAIR_LEVELS = 4000  # of all categories together: their pairs are a table of so many squared
MAX_COMBINATION_WORK = 2e10  # n times the square of that: beyond, it takes more than seconds
COMBINATION_ROWS = 4096  # training rows, or new ones, looked at together


@dataclass(frozen=True, eq=False)
class LevelCombinations:
    """Which levels occur together in training rows.

    Attributes
    ----------
    columns : (K,) int
        The categories.
    sizes : (K,) int
        How many levels each has.
    starts : (K,) int
        Where the levels of each begin, among all levels.
    pairs : (L, L) bool
        Pairs of levels that some training row holds.
    prefixes : tuple of (K', keys)
        For numbers of columns, ascending to K: the combinations of the first so many that occur,
        sorted. A key is a place among those before, and the levels that follow, in mixed radix.
    """

    columns: Indices
    sizes: Ints
    starts: Indices
    pairs: Mask
    prefixes: tuple[tuple[int, Ints], ...]

    @classmethod
    def of(cls, coordinates: Coordinates, values: Floats) -> LevelCombinations | None:
        """Of training rows as coordinates; None for fewer than two categories, or too many levels.

        O(n L^2) multiplications for L levels in all.
        """
        categories = [
            (j, c)
            for j, c in enumerate(coordinates.columns)
            if isinstance(c, CategoryColumn) and c.width
        ]
        sizes = np.array([len(c.levels) for _, c in categories], dtype=np.int64)
        n_levels = int(sizes.sum())
        if len(categories) < 2 or n_levels > MAX_PAIR_LEVELS:
            return None
        if len(values) * float(n_levels) ** 2 > MAX_COMBINATION_WORK:
            return None
        codes = np.full((len(values), len(categories)), -1, dtype=np.int32)
        for k, (j, column) in enumerate(categories):
            block = values[:, coordinates.coordinates_of(j)]
            rows = np.flatnonzero(~np.isnan(block).any(axis=1))
            codes[rows, k] = column.level_numbers(block[rows])
        starts = np.cumsum(sizes) - sizes
        together = np.zeros((n_levels, n_levels))
        for first in range(0, len(codes), COMBINATION_ROWS):
            part = codes[first : first + COMBINATION_ROWS]
            holds = np.zeros((len(part), n_levels), dtype=np.float32)
            rows, columns = np.nonzero(part >= 0)
            holds[rows, starts[columns] + part[rows, columns]] = 1.0
            together += holds.T @ holds
        complete = codes[(codes >= 0).all(axis=1)].astype(np.int64)
        places = np.array([j for j, _ in categories], dtype=np.intp)
        return cls(places, sizes, starts, together > 0, _prefixes(complete, sizes))

    def new_pairs(self, codes: Ints) -> Indices:
        """(p, 3) row and two places among the columns, of pairs of levels never seen together.

        `codes` (m, K) are -1 where there is no level.
        """
        first, second = np.array(list(combinations(range(len(self.columns)), 2))).T
        level = np.where(codes < 0, 0, codes + self.starts)
        absent = ~self.pairs[level[:, first], level[:, second]]
        absent &= (codes[:, first] >= 0) & (codes[:, second] >= 0)
        row, pair = np.nonzero(absent)
        return np.column_stack([row, first[pair], second[pair]])

    def is_new(self, codes: Ints) -> Mask:
        """(m,) rows with a level in every category, all of which no training row holds."""
        complete = np.flatnonzero((codes >= 0).all(axis=1))
        new = np.zeros(len(codes), dtype=bool)
        place, begin = np.zeros(len(complete), dtype=np.int64), 0
        for end, known in self.prefixes:
            keys = _keys(place, codes[complete], self.sizes, begin, end)
            place = np.minimum(np.searchsorted(known, keys), max(0, len(known) - 1))
            new[complete] |= (known[place] != keys) if len(known) else True
            begin = end
        return new


def _keys(place: Ints, codes: Ints, sizes: Ints, begin: int, end: int) -> Ints:
    """Places, and the levels of columns from `begin` to `end`, as one whole number each."""
    keys = place.copy()
    for k in range(begin, end):
        keys = keys * int(sizes[k]) + codes[:, k]
    return keys


def _prefixes(codes: Ints, sizes: Ints) -> tuple[tuple[int, Ints], ...]:
    """The combinations of ever more columns, as many at a time as a whole number holds."""
    prefixes: list[tuple[int, Ints]] = []
    place, begin, n_places = np.zeros(len(codes), dtype=np.int64), 0, 1
    while begin < len(sizes):
        end, radix = begin + 1, n_places * int(sizes[begin])
        while end < len(sizes) and radix * int(sizes[end]) < 1 << 62:
            radix, end = radix * int(sizes[end]), end + 1
        known, place = np.unique(_keys(place, codes, sizes, begin, end), return_inverse=True)
        place, n_places = place.ravel().astype(np.int64), max(1, len(known))
        prefixes.append((end, known))
        begin = end
    return tuple(prefixes)
