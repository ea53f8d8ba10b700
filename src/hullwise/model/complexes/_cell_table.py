"""Cells by their own corners and facets, without the faces between."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..._core.types import Floats, Ints
from ._cell_faces import (
    counts_of_simple_faces,
    edges_of_cells,
    edges_of_simple_cells,
    facet_signatures,
    vertices_are_simple,
)
from ._face_lattice import CellLattice, FaceIds, FaceLists

FacetWords = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class CellTable:
    """The cells of a complex in R^d.

    corners: the vertices of each cell; masks (n,): on which facets of the cell each of those lies,
    a bit for each; used (n_cells,): the bits that stand for a facet; is_above (n_cells,): the
    facets that the cell is above, sides of the domain among them; facet_walls: what lies behind
    the facets, in the order of their bits, as in `CellLattice.walls`. cut_edges (n_new, 2): the
    ends of the edge that each vertex but those of the domain was cut into.
    """

    vertices: Floats
    corners: FaceLists
    masks: FacetWords
    used: FacetWords
    is_above: FacetWords
    facet_walls: FaceLists
    cut_edges: Ints

    @property
    def dimension(self) -> int:
        return int(self.vertices.shape[1])

    @property
    def n_cells(self) -> int:
        return len(self.corners)

    @cached_property
    def edges(self) -> FaceIds:
        """(E, 2) pairs of vertices."""
        cells = self.corners.ids, self.masks, self.corners.ends
        if self.is_simple:
            return np.asarray(edges_of_simple_cells(self.dimension, *cells, self.is_above))
        return np.asarray(edges_of_cells(self.dimension, *cells, len(self.vertices)))

    @cached_property
    def is_simple(self) -> bool:
        """Whether at each vertex d walls meet, and 2^d cells inside the domain."""
        own = self.corners.ids, self.masks, self.corners.ends, self.used
        walls = self.facet_walls.ids, self.facet_walls.ends
        return bool(vertices_are_simple(self.dimension, *own, *walls, len(self.vertices)))

    @cached_property
    def n_faces(self) -> tuple[int, ...]:
        """Of each dimension; where cells are simple, without a list of faces."""
        own = self.masks, self.corners.ends, self.is_above
        return tuple(counts_of_simple_faces(self.dimension, *own).tolist())

    @cached_property
    def facets(self) -> tuple[Ints, FaceIds]:
        """The cells on both sides of each (d - 1)-face (F, 2), -1 outside, and its wall (F,)."""
        walls = self.facet_walls
        own = self.corners.ids, self.masks, self.corners.ends, self.used, walls.ends
        order = np.argsort(facet_signatures(*own), kind="stable")
        signature, cells = facet_signatures(*own)[order], walls.owners[order]
        first = np.concatenate([np.ones(1, bool), signature[1:] != signature[:-1]])
        sides = np.full((np.count_nonzero(first), 2), -1, dtype=np.int64)
        number = np.cumsum(first) - 1
        sides[number[first], 0] = cells[first]
        sides[number[~first], 1] = cells[~first]
        return sides, np.asarray(walls.ids[order][first])


def table_part(table: CellTable, begin: int, end: int) -> tuple[CellTable, Ints]:
    """Cells begin .. end - 1 as a table of their own, and the vertices that they have."""
    which = np.arange(begin, end)
    corners = table.corners
    own = slice(int(corners.begins[begin]), int(corners.ends[end - 1]))
    has = np.zeros(len(table.vertices), bool)
    has[corners.ids[own]] = True
    number = np.cumsum(has, dtype=np.int32) - np.int32(1)
    vertices = np.flatnonzero(has)
    part = CellTable(
        table.vertices[vertices],
        FaceLists(number[corners.ids[own]], corners.ends[begin:end] - own.start),
        table.masks[own],
        table.used[begin:end],
        table.is_above[begin:end],
        table.facet_walls.take(which),
        np.zeros((0, 2), np.int64),
    )
    return part, vertices


def table_of_domain(domain: CellLattice) -> CellTable:
    """The one cell of a box or a simplex, its side i the facet of bit i."""
    X, walls = domain.vertices, domain.walls
    corners, n_sides = domain.corners[-2], len(walls)
    masks = np.zeros(len(X), np.uint64)
    bits = np.uint64(1) << (-1 - walls).astype(np.uint64)
    np.bitwise_or.at(masks, corners.ids, np.repeat(bits, corners.lengths))
    sides = np.array([2**n_sides - 1], np.uint64)
    return CellTable(
        X,
        FaceLists(np.arange(len(X), dtype=np.int32), np.array([len(X)])),
        masks,
        sides,
        sides,
        FaceLists(-1 - np.arange(n_sides, dtype=np.int32), np.array([n_sides])),
        np.zeros((0, 2), np.int64),
    )
