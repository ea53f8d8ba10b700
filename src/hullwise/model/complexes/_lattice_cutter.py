"""A face lattice while it is cut, in the form that the kernels take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..._core.memory import check_memory
from ..._core.types import Floats, Ints
from .._layer_values import extended
from .._layer_walls import LayerWalls
from ._face_cutting import (
    ABOVE,
    CELLS,
    COUNT_BITS,
    FACES,
    HITS,
    PLACE,
    POOL,
    ROOM_NEEDED,
    STAMP,
    TOO_MANY_CELLS,
    VERTICES,
    WORD_DONE,
    begin_word,
    cut_by_walls,
    faces_by_dimension,
    facets_of_dimension,
)
from ._face_lattice import CellLattice, FaceLists

WORD_WALLS = 64  # walls whose signs fit in a word
FACES_BETWEEN_PAUSES = 2**18  # some 50 ms
GROWTH, LARGE_GROWTH = 4, 2  # of an array that is full, and of one of many bytes
LARGE_ARRAY_BYTES = 2**27
UNCHECKED_GROWTH_BYTES = 2**26  # allocated without a look at what is free
CELL_ADVICE = "Give a lower max_regions, a smaller box, or max_seconds."


class TooManyCells(Exception):
    """More cells than `max_regions`."""


class LatticeCutter:
    """The faces of a lattice, one numbering for all dimensions; grown as walls cut them."""

    def __init__(self, lattice: CellLattice) -> None:
        self.cut_edges: list[Ints] = []  # the ends of those that new vertices were cut into
        self.restart(lattice)

    def restart(self, lattice: CellLattice) -> None:
        """Go on with another lattice."""
        d, counts = lattice.dimension, lattice.n_faces
        offsets = np.concatenate([[0], np.cumsum(counts)])
        self.d, self.X = d, lattice.vertices
        self.n = np.zeros(6, np.int64)
        self.n[[FACES, VERTICES, CELLS]] = offsets[-1], counts[0], counts[-1]
        self.n[POOL] = sum(len(lists.ids) for lists in lattice.facets)
        n_faces, n_pool = int(self.n[FACES]), int(self.n[POOL])
        room = max(4096, 2 * n_faces)
        self.dim, self.rec = np.empty(room, np.int8), np.zeros((room, 4), np.uint64)
        self.wall, self.root = np.zeros(room, np.int32), np.zeros(room, np.int32)
        self.link, self.todo = np.empty(room, np.int32), np.empty(room, np.int32)
        self.mark = np.zeros(room, np.int64)
        self.pool, self.hit = np.empty(max(16384, 2 * n_pool), np.int32), np.empty(256, np.int32)
        self.dim[:n_faces] = np.repeat(np.arange(d + 1), counts)
        self.rec[: counts[0], PLACE] = np.arange(counts[0])
        at = 0
        for k, lists in enumerate(lattice.facets, 1):
            self.pool[at : at + len(lists.ids)] = lists.ids + offsets[k - 1]
            place = (lists.begins + at) << int(COUNT_BITS) | lists.lengths
            self.rec[offsets[k] : offsets[k + 1], PLACE] = place.astype(np.uint64)
            at += len(lists.ids)
        self.wall[offsets[d - 1] : offsets[d]] = lattice.walls
        self.head = np.empty((d + 1, WORD_WALLS), np.int32)

    @property
    def n_cells(self) -> int:
        return int(self.n[CELLS])

    @property
    def cells(self) -> Ints:
        """(n_cells,) the cells in the numbering of all faces."""
        return np.flatnonzero(self.dim[: self.n[FACES]] == self.d)

    def cut(
        self,
        z: Floats,
        walls: LayerWalls,
        tol: Floats,
        behind: Ints,
        max_cells: int,
        pause: Callable[[], Any],
    ) -> tuple[Any, Ints, tuple[Ints, Ints, Floats]]:
        """Cut by up to 64 walls of values z (V, i); less than tol (k,) is zero.

        Returns for each cell the walls that it is above, one bit each, and the cell before; and
        the new vertices a + t (b - a). `pause` is called now and then and may raise.

        Raises
        ------
        TooManyCells
            If more than `max_cells` come out; the lattice is then cut by some walls only.
        """
        columns, entries = np.unique(walls.entries, return_inverse=True)
        n_before = len(z)
        self.Z = np.empty((max(1024, 4 * n_before), len(columns)))
        self.Z[:n_before] = z[:, columns]
        self._make_room_for_vertices()
        cuts = walls.ends, entries.astype(np.int64), walls.levels, tol
        values, need = np.empty(WORD_WALLS), np.zeros(6, np.int64)
        self.root[self.cells] = np.arange(self.n_cells)
        self.n[STAMP], self.mark = 0, np.zeros(len(self.rec), np.int64)
        on_wall = np.zeros(1, np.uint64)
        on_wall[0] = begin_word(
            self.d, self.n, self.dim, self.rec, self.pool, self.head, self.link, self.Z, *cuts,
            values, self.sides,
        )  # fmt: skip
        status, u = ROOM_NEEDED, 0
        while status != WORD_DONE:
            status, u = cut_by_walls(
                u, self.d, behind, max_cells, FACES_BETWEEN_PAUSES, self.n, need, on_wall, self.dim,
                self.rec, self.pool, self.head, self.link, self.todo, self.wall, self.root, self.Z,
                *cuts, values, self.sides, self.a, self.b, self.t, self.mark, self.hit,
            )  # fmt: skip
            if status == TOO_MANY_CELLS:
                raise TooManyCells
            if status == ROOM_NEEDED:
                self._grow(need)
            elif status != WORD_DONE:
                pause()
        n_vertices = int(self.n[VERTICES])
        new = self.a[n_before:n_vertices], self.b[n_before:n_vertices], self.t[n_before:n_vertices]
        self.X = extended(self.X, *new)
        self.cut_edges.append(np.column_stack(new[:2]))
        cells = self.cells
        return self.rec[cells, ABOVE], self.root[cells].astype(np.int64), new

    def _make_room_for_vertices(self) -> None:
        room = len(self.Z)
        self.sides = np.empty((2, room, 1), np.uint64)
        self.a, self.b = np.empty(room, np.int64), np.empty(room, np.int64)
        self.t = np.empty(room)

    def _grow(self, need: Ints) -> None:
        """Room for what the next wall needs, several times over."""
        n = self.n
        if n[FACES] + need[FACES] > len(self.rec):
            room = room_for(int(n[FACES] + need[FACES]), 57, int(n[CELLS]))
            self.dim, self.rec = longer(self.dim, room), longer(self.rec, room)
            self.wall, self.root = longer(self.wall, room), longer(self.root, room)
            self.link, self.todo = longer(self.link, room), np.empty(room, np.int32)
            self.mark = np.zeros(room, np.int64)
        if n[VERTICES] + need[VERTICES] > len(self.Z):
            row = 8 * self.Z.shape[1] + 40
            room = room_for(int(n[VERTICES] + need[VERTICES]), row, int(n[CELLS]))
            self.Z, self.t = longer(self.Z, room), longer(self.t, room)
            self.a, self.b = longer(self.a, room), longer(self.b, room)
            self.sides = np.empty((2, room, 1), np.uint64)
        if n[POOL] + need[POOL] > len(self.pool):
            room = room_for(int(n[POOL] + need[POOL]), 4, int(n[CELLS]))
            self.pool = longer(self.pool, room)
        if need[HITS] > len(self.hit):
            self.hit = np.empty(GROWTH * int(need[HITS]), np.int32)

    def lattice(self) -> CellLattice:
        """The faces by dimension."""
        n = int(self.n[FACES])
        dim, rec = self.dim[:n], self.rec[:n]
        count, number = faces_by_dimension(self.d, dim)
        facets = tuple(
            FaceLists(*facets_of_dimension(k, count[k], dim, rec, self.pool, number))
            for k in range(1, self.d + 1)
        )
        return CellLattice(self.X, facets, self.wall[:n][dim == self.d - 1])


def longer(x: Any, room: int) -> Any:
    out = np.empty((room, *x.shape[1:]), x.dtype)
    out[: len(x)] = x
    return out


def room_for(n: int, row_bytes: int, n_cells: int) -> int:
    """Rows to allocate where n are needed: several times as many, where the memory is there."""
    room = (GROWTH if n * row_bytes < LARGE_ARRAY_BYTES else LARGE_GROWTH) * n
    if room * row_bytes > UNCHECKED_GROWTH_BYTES:
        what = f"Cutting a complex of {n_cells:,} cells further"
        check_memory(room * row_bytes, what, CELL_ADVICE)
    return room
