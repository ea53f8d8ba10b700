"""A table of cells while it is cut, in the form that the kernels take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..._core.types import Floats, Ints
from .._layer_values import extended
from .._layer_walls import LayerWalls
from ._cell_cutting import (
    CELLS_DONE,
    CELLS_OUT,
    CORNERS_OUT,
    MOST_FACETS,
    MOST_WAITING,
    N_VERTICES,
    OUTPUT_ROOM,
    PAUSED,
    STACK_ROOM,
    TABLE_ROOM,
    TOO_MANY,
    TOO_MANY_FACETS,
    VERTEX_ROOM,
    WALLS_OUT,
    begin_cells,
    cut_cells,
    rehash,
)
from ._cell_table import CellTable
from ._face_lattice import FaceLists
from ._lattice_cutter import WORD_WALLS, TooManyCells, longer, room_for

CORNER_PAIRS_BETWEEN_PAUSES = 2**20  # some 30 ms: a cut takes 4^d of them
LEAST_CUTS_BETWEEN_PAUSES = 64


class FacetsOverflow(Exception):
    """A cell of more facets than a mask has bits."""


class CellCutter:
    """Cells cut word of walls by word of walls."""

    def __init__(self, table: CellTable) -> None:
        self.table = table
        self.d = table.dimension

    @property
    def n_cells(self) -> int:
        return self.table.n_cells

    def cut(
        self,
        z: Floats,
        walls: LayerWalls,
        tol: Floats,
        behind: Ints,
        max_cells: int,
        pause: Callable[[], Any],
    ) -> tuple[Any, Ints, tuple[Ints, Ints, Floats]]:
        """The same as `LatticeCutter.cut`.

        Raises
        ------
        TooManyCells
            If more than `max_cells` come out.
        FacetsOverflow
            A cell has more than 64 facets.
        """
        columns, entries = np.unique(walls.entries, return_inverse=True)
        n_before = len(z)
        self._begin(z[:, columns], n_before)
        cuts = walls.ends, entries.astype(np.int64), walls.levels, tol, np.empty(WORD_WALLS)
        begin_cells(n_before, self.Z, *cuts, self.sides)
        between = max(LEAST_CUTS_BETWEEN_PAUSES, CORNER_PAIRS_BETWEEN_PAUSES >> 2 * self.d)
        status = PAUSED
        while status != CELLS_DONE:
            status = cut_cells(
                self.d, behind, max_cells, between, self.n, self.cells, self.out,
                self.stack, self.new, self.new_masks, self.near,
                (self.keys, self.numbers, self.shift, self.Z, *cuts, self.sides, self.a, self.b,
                 self.t),
            )  # fmt: skip
            if status == TOO_MANY:
                raise TooManyCells
            if status == TOO_MANY_FACETS:
                raise FacetsOverflow
            if status == PAUSED:
                pause()
            elif status != CELLS_DONE:
                self._grow(status)
        return self._end(n_before)

    def _begin(self, z: Floats, n_before: int) -> None:
        table = self.table
        n_corners, n_cells = len(table.corners.ids), table.n_cells
        self.n = np.zeros(8, np.int64)
        self.n[N_VERTICES] = n_before
        self.cells = (
            table.corners.ids, table.masks, table.corners.ends, table.used, table.is_above,
            table.facet_walls.ids, table.facet_walls.ends,
        )  # fmt: skip
        room = max(2**14, 4 * n_before)
        self.Z = np.empty((room, z.shape[1]))
        self.Z[:n_before] = z
        self.sides = np.empty((2, room, 1), np.uint64)
        self.a, self.b, self.t = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
        self._make_table(1 << max(13, (4 * n_before).bit_length()))
        self._make_stack(max(16384, 4 * 2**self.d * MOST_WAITING))
        # what is not touched costs nothing, and copies into longer arrays are spared
        room, corners = max(2**15, 4 * n_cells), max(2**20, 4 * n_corners)
        self.out: tuple[Any, ...] = (
            np.empty(corners, np.int32), np.empty(corners, np.uint64), np.empty(room, np.int64),
            np.empty(room, np.uint64), np.empty(room, np.uint64),
            np.empty(max(2**18, 4 * len(table.facet_walls.ids)), np.int32),
            np.empty(room, np.int64), np.empty(room, np.uint64), np.empty(room, np.int64),
        )  # fmt: skip

    def _make_table(self, size: int) -> None:
        self.keys, self.numbers = np.zeros(size, np.uint64), np.empty(size, np.int32)
        self.shift = np.uint64(65 - size.bit_length())

    def _make_stack(self, room: int) -> None:
        self.stack = (
            np.empty(room, np.int64), np.empty(room, np.uint64),
            np.zeros((MOST_WAITING, 3), np.int64), np.zeros((MOST_WAITING, 5), np.uint64),
            np.zeros((MOST_WAITING, MOST_FACETS), np.int32),
        )  # fmt: skip
        self._make_work_room(room)

    def _make_work_room(self, room: int) -> None:
        self.new, self.new_masks = np.empty(room, np.int64), np.empty(room, np.uint64)
        self.near = np.empty(room, np.int64)

    def _grow(self, status: int) -> None:
        if status == VERTEX_ROOM:
            room = self._room(len(self.Z), 8 * self.Z.shape[1] + 40)
            self.Z, self.t = longer(self.Z, room), longer(self.t, room)
            self.a, self.b = longer(self.a, room), longer(self.b, room)
            sides = np.empty((2, room, 1), np.uint64)
            sides[:, : self.sides.shape[1]] = self.sides
            self.sides = sides
        elif status == TABLE_ROOM:
            keys, numbers = self.keys, self.numbers
            self._make_table(self._room(len(keys), 12))
            rehash(self.keys, self.numbers, self.shift, keys, numbers)
        elif status == OUTPUT_ROOM:
            sizes = [self._room(len(x), x.itemsize) for x in self.out]
            self.out = tuple(longer(x, size) for x, size in zip(self.out, sizes))
        elif status == STACK_ROOM:
            old, room = self.stack, self._room(len(self.stack[0]), 16)
            self.stack = (longer(old[0], room), longer(old[1], room), *old[2:])
            self._make_work_room(room)

    def _room(self, n: int, row_bytes: int) -> int:
        return room_for(n, row_bytes, int(self.n[CELLS_OUT]))

    def _end(self, n_before: int) -> tuple[Any, Ints, tuple[Ints, Ints, Floats]]:
        n = self.n
        ids, masks, ends, used, is_above, walls, wall_ends, above, root = self.out
        own = slice(n_before, n[N_VERTICES])
        new = self.a[own], self.b[own], self.t[own]
        C, k = n[CELLS_OUT], n[CORNERS_OUT]
        self.table = CellTable(
            extended(self.table.vertices, *new),
            FaceLists(ids[:k], ends[:C]),
            masks[:k],
            used[:C],
            is_above[:C],
            FaceLists(walls[: n[WALLS_OUT]], wall_ends[:C]),
            np.concatenate([self.table.cut_edges, np.column_stack(new[:2])]),
        )
        del self.cells, self.stack, self.keys, self.numbers
        return above[:C], root[:C], new
