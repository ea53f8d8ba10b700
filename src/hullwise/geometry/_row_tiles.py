"""A pass over rows in memory in float32, as one kernel: scores never leave the cache.

The rows lie in tiles, and within a tile as columns: the sums of many rows grow side by side.
Four directions share what is loaded of a tile. Each sum is made in the same order, whoever asks
beside it, so a query's scores do not depend on the other queries. A tile of the scores of four
directions is looked at where it was made: a product that wrote them out would spend more time on
reading them again than on computing them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.numba import inlined, jit, uncounted
from .._core.rounding import UNIT_ROUNDOFF
from .._core.threads import StopFlag, cpu_count, run_in_threads
from .._core.types import Array, Floats, Indices
from .block_floats import row_norms

TILE_ROWS = 512  # in 20 features, with four scores each, they fill the processor's nearest cache
STRIP_ROWS = 128  # of a tile, that are one group's or another's
PIECE_ROWS = 32  # of a strip, that are looked at one by one
FEATURES_TOGETHER = 4
DIRECTIONS_OF_A_CALL = 256


@dataclass(frozen=True, eq=False)
class RowTiles:
    """Rows in tiles of 512, the longest first, rounded to float32.

    Attributes
    ----------
    order : (n,) int
        Their numbers.
    packed : (tiles * width * 512,) float32
        Tile by tile, feature by feature; the width is that of the rows, and zeros up to a multiple
        of four.
    width : int
    padding : (tiles * 512,) float32
        0 for a row, and -inf beyond the last one.
    minus_squares : (tiles * 512,) float32
        Minus the squared length of each row; -inf beyond the last one.
    length : (tiles,)
        The largest length of a row of each tile, and no less.
    """

    order: Indices
    packed: Array
    width: int
    padding: Array
    minus_squares: Array
    length: Floats

    @classmethod
    def of(cls, Z: Floats) -> RowTiles:
        n, r = Z.shape
        lengths = row_norms(Z) * (1 + 4 * UNIT_ROUNDOFF)
        order = np.argsort(-lengths, kind="stable")
        n_tiles, width = -(-n // TILE_ROWS), -(-r // FEATURES_TOGETHER) * FEATURES_TOGETHER
        tiles = np.zeros((n_tiles * TILE_ROWS, width), dtype=np.float32)
        tiles[:n, :r] = Z[order]
        padding = np.zeros(len(tiles), dtype=np.float32)
        padding[n:] = -np.inf
        minus_squares = padding.copy()
        minus_squares[:n] = -np.einsum("ij,ij->i", Z, Z)[order]
        by_column = tiles.reshape(n_tiles, TILE_ROWS, width).transpose(0, 2, 1)
        packed = np.ascontiguousarray(by_column).ravel()
        return cls(order, packed, width, padding, minus_squares, lengths[order[::TILE_ROWS]])

    @property
    def n_tiles(self) -> int:
        """How many tiles."""
        return len(self.length)

    def directions(self, U: Floats) -> Array:
        """Directions, rounded to float32, as wide as the tiles."""
        wide = np.zeros((len(U), self.width), dtype=np.float32)
        wide[:, : U.shape[1]] = U
        return wide

    def best_of_groups(self, U: Floats, n_groups: int) -> tuple[Indices, Floats]:
        """The best row of each group and its score in float32, (B, groups) both.

        Strips of 128 rows are dealt out to the groups in turn, so each has rows of every length.
        """
        n_groups = min(n_groups, -(-len(self.order) // STRIP_ROWS))
        places = np.zeros((len(U), n_groups), dtype=np.int64)
        scores = np.full((len(U), n_groups), -np.inf, dtype=np.float32)
        directions = self.directions(U)

        def some_directions(at: slice, stop: StopFlag) -> None:
            buffer = np.empty(4 * TILE_ROWS, dtype=np.float32)
            best_of_tile_groups(
                *(self.packed, self.padding, directions[at], places[at], scores[at]),
                *(buffer, stop.flag),
            )

        self._in_threads(some_directions, len(U))
        return self.order[places], scores.astype(np.float64)

    def top(self, U: Floats, k: int) -> tuple[Floats, Indices]:
        """The k largest <u, z> - |z|^2 in float32 for each direction: values and rows, (B, k)."""
        values = np.full((len(U), k), -np.inf, dtype=np.float32)
        places = np.zeros((len(U), k), dtype=np.int64)
        directions = self.directions(U)

        def some_directions(at: slice, stop: StopFlag) -> None:
            buffer = np.empty(4 * TILE_ROWS, dtype=np.float32)
            top_of_tiles(
                *(self.packed, self.minus_squares, directions[at], values[at], places[at]),
                *(buffer, stop.flag),
            )

        self._in_threads(some_directions, len(U))
        return values.astype(np.float64), self.order[places]

    def at_least(self, U: Floats, level: Floats, most: int) -> tuple[Indices, Indices]:
        """The rows whose score in float32 is at least `level`: their numbers and how many, (B,).

        At most `most` of them (-1 for none); where there are more, the number is most + 1. Tiles of
        rows too short to reach a direction's level are not looked at.
        """
        places = np.full((len(U), most), -1, dtype=np.int64)
        count = np.zeros(len(U), dtype=np.int64)
        directions = self.directions(U)
        # rounded down: a row at the level is listed
        below = np.nextafter(level.astype(np.float32), np.float32(-np.inf))
        below = np.nextafter(below, np.float32(-np.inf))
        reach = row_norms(U) * (1 + 4 * UNIT_ROUNDOFF)
        n_tiles = np.searchsorted(-self.length, -(level / reach), "right").astype(np.int64)

        def some_directions(at: slice, stop: StopFlag) -> None:
            buffer = np.empty(4 * TILE_ROWS, dtype=np.float32)
            rows_above_level(
                *(self.packed, self.padding, directions[at], below[at], n_tiles[at]),
                *(places[at], count[at], buffer, stop.flag),
            )

        self._in_threads(some_directions, len(U))
        return np.where(places >= 0, self.order[places], -1), count

    def _in_threads(self, task: Any, count: int) -> None:
        size = min(DIRECTIONS_OF_A_CALL, max(8, -(-count // cpu_count())))
        size += -size % 4
        blocks = [slice(start, start + size) for start in range(0, count, size)]
        run_in_threads(task, blocks, cpu_count() if len(blocks) > 1 else 1)


@inlined
def _add_to_four(tile: Any, U: Any, b: int, j: int, scores: Any) -> None:
    """Add four features' terms to the scores of a tile for four directions."""
    a0, a1, a2, a3 = U[b, j], U[b, j + 1], U[b, j + 2], U[b, j + 3]
    b0, b1, b2, b3 = U[b + 1, j], U[b + 1, j + 1], U[b + 1, j + 2], U[b + 1, j + 3]
    c0, c1, c2, c3 = U[b + 2, j], U[b + 2, j + 1], U[b + 2, j + 2], U[b + 2, j + 3]
    d0, d1, d2, d3 = U[b + 3, j], U[b + 3, j + 1], U[b + 3, j + 2], U[b + 3, j + 3]
    for i in range(TILE_ROWS):
        z0, z1 = tile[i], tile[i + TILE_ROWS]
        z2, z3 = tile[i + 2 * TILE_ROWS], tile[i + 3 * TILE_ROWS]
        i1, i2, i3 = i + TILE_ROWS, i + 2 * TILE_ROWS, i + 3 * TILE_ROWS
        scores[i] = (((scores[i] + a0 * z0) + a1 * z1) + a2 * z2) + a3 * z3
        scores[i1] = (((scores[i1] + b0 * z0) + b1 * z1) + b2 * z2) + b3 * z3
        scores[i2] = (((scores[i2] + c0 * z0) + c1 * z1) + c2 * z2) + c3 * z3
        scores[i3] = (((scores[i3] + d0 * z0) + d1 * z1) + d2 * z2) + d3 * z3


@inlined
def _add_to_one(tile: Any, U: Any, b: int, j: int, scores: Any) -> None:
    """The same for one direction, in the same order."""
    a0, a1, a2, a3 = U[b, j], U[b, j + 1], U[b, j + 2], U[b, j + 3]
    for i in range(TILE_ROWS):
        z0, z1 = tile[i], tile[i + TILE_ROWS]
        z2, z3 = tile[i + 2 * TILE_ROWS], tile[i + 3 * TILE_ROWS]
        scores[i] = (((scores[i] + a0 * z0) + a1 * z1) + a2 * z2) + a3 * z3


@uncounted
def _score_tile(tile: Any, start: Any, U: Any, b: int, four: bool, scores: Any) -> None:
    """scores = start + <u, z> for the rows of a tile and one direction, or four."""
    if four:
        for i in range(TILE_ROWS):
            scores[i] = start[i]
            scores[i + TILE_ROWS] = start[i]
            scores[i + 2 * TILE_ROWS] = start[i]
            scores[i + 3 * TILE_ROWS] = start[i]
        for j in range(0, U.shape[1], FEATURES_TOGETHER):
            o = j * TILE_ROWS
            _add_to_four(tile[o : o + FEATURES_TOGETHER * TILE_ROWS], U, b, j, scores)
    else:
        for i in range(TILE_ROWS):
            scores[i] = start[i]
        for j in range(0, U.shape[1], FEATURES_TOGETHER):
            o = j * TILE_ROWS
            _add_to_one(tile[o : o + FEATURES_TOGETHER * TILE_ROWS], U, b, j, scores)


@inlined
def _any_above(scores: Any, level: Any) -> bool:
    """Whether some score is above a level."""
    above = False
    for i in range(scores.shape[0]):
        above |= scores[i] > level
    return above


@jit
def best_of_tile_groups(
    packed: Any, start: Any, U: Any, places: Any, best: Any, buffer: Any, stop: Any
) -> None:
    """The first best row of each group of strips, as a place in the tiles, and its score."""
    size = U.shape[1] * TILE_ROWS
    for t in range(start.shape[0] // TILE_ROWS):
        if stop[0]:
            return
        begin = start[t * TILE_ROWS : (t + 1) * TILE_ROWS]
        _best_in_tile(packed[t * size : (t + 1) * size], begin, t, U, places, best, buffer)


@uncounted
def _best_in_tile(
    tile: Any, begin: Any, t: int, U: Any, places: Any, best: Any, buffer: Any
) -> None:
    """What tile t has to add to the best of each group, for every direction."""
    B, n_groups, b = U.shape[0], best.shape[1], 0
    while b < B:
        together = 4 if b + 4 <= B else 1
        _score_tile(tile, begin, U, b, together == 4, buffer)
        for q in range(together):
            for s in range(TILE_ROWS // STRIP_ROWS):
                g = (t * (TILE_ROWS // STRIP_ROWS) + s) % n_groups
                at = q * TILE_ROWS + s * STRIP_ROWS
                scores = buffer[at : at + STRIP_ROWS]
                if _any_above(scores, best[b, g]):
                    for piece in range(0, STRIP_ROWS, PIECE_ROWS):
                        if _any_above(scores[piece : piece + PIECE_ROWS], best[b, g]):
                            for i in range(piece, piece + PIECE_ROWS):
                                if scores[i] > best[b, g]:
                                    best[b, g] = scores[i]
                                    places[b, g] = t * TILE_ROWS + s * STRIP_ROWS + i
            b += 1


@jit
def top_of_tiles(
    packed: Any, start: Any, U: Any, values: Any, places: Any, buffer: Any, stop: Any
) -> None:
    """The k largest scores of each direction, best first, and their rows as places in the tiles."""
    size = U.shape[1] * TILE_ROWS
    for t in range(start.shape[0] // TILE_ROWS):
        if stop[0]:
            return
        begin = start[t * TILE_ROWS : (t + 1) * TILE_ROWS]
        _top_in_tile(packed[t * size : (t + 1) * size], begin, t, U, values, places, buffer)


@uncounted
def _top_in_tile(
    tile: Any, begin: Any, t: int, U: Any, values: Any, places: Any, buffer: Any
) -> None:
    """Put the scores of tile t that are above the last of a direction's list into it."""
    B, last, b = U.shape[0], values.shape[1] - 1, 0
    while b < B:
        together = 4 if b + 4 <= B else 1
        _score_tile(tile, begin, U, b, together == 4, buffer)
        for q in range(together):
            scores = buffer[q * TILE_ROWS : (q + 1) * TILE_ROWS]
            if _any_above(scores, values[b, last]):
                for piece in range(0, TILE_ROWS, PIECE_ROWS):
                    if _any_above(scores[piece : piece + PIECE_ROWS], values[b, last]):
                        for i in range(piece, piece + PIECE_ROWS):
                            if scores[i] > values[b, last]:
                                _insert(values[b], places[b], scores[i], t * TILE_ROWS + i)
            b += 1


@uncounted
def _insert(values: Any, places: Any, score: Any, place: int) -> None:
    """Put a score into a descending list in place of the last."""
    at = values.shape[0] - 1
    while at > 0 and values[at - 1] < score:
        values[at], places[at] = values[at - 1], places[at - 1]
        at -= 1
    values[at], places[at] = score, place


@jit
def rows_above_level(
    packed: Any,
    start: Any,
    U: Any,
    level: Any,
    n_tiles: Any,
    places: Any,
    count: Any,
    buffer: Any,
    stop: Any,
) -> None:
    """The rows whose score is above each direction's level, as places in the tiles.

    Direction b looks at its first n_tiles[b] tiles, and at no other once its list is full: then its
    count is one more than the list is long.
    """
    size = U.shape[1] * TILE_ROWS
    for t in range(start.shape[0] // TILE_ROWS):
        if stop[0]:
            return
        begin = start[t * TILE_ROWS : (t + 1) * TILE_ROWS]
        tile = packed[t * size : (t + 1) * size]
        _list_in_tile(tile, begin, t, U, level, n_tiles, places, count, buffer)


@uncounted
def _list_in_tile(
    tile: Any,
    begin: Any,
    t: int,
    U: Any,
    level: Any,
    n_tiles: Any,
    places: Any,
    count: Any,
    buffer: Any,
) -> None:
    """Add the rows of tile t above their levels to the lists of the directions that look at it."""
    B, most, b = U.shape[0], places.shape[1], 0
    while b < B:
        together = 4 if b + 4 <= B else 1
        looks = False
        for q in range(together):
            looks |= t < n_tiles[b + q] and count[b + q] <= most
        if looks:
            _score_tile(tile, begin, U, b, together == 4, buffer)
        for q in range(together):
            scores = buffer[q * TILE_ROWS : (q + 1) * TILE_ROWS]
            if looks and t < n_tiles[b] and count[b] <= most and _any_above(scores, level[b]):
                for piece in range(0, TILE_ROWS, PIECE_ROWS):
                    if _any_above(scores[piece : piece + PIECE_ROWS], level[b]):
                        for i in range(piece, piece + PIECE_ROWS):
                            if scores[i] > level[b] and count[b] <= most:
                                if count[b] < most:
                                    places[b, count[b]] = t * TILE_ROWS + i
                                count[b] += 1
            b += 1
