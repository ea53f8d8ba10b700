"""Cells of a lattice joined where the wall between them is none: one winner of a maximum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..._core.types import Ints
from ._face_lattice import CellLattice, FaceIds, FaceLists

SIGNATURE_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # of splitmix64, Steele et al. (2014)


@dataclass(frozen=True, eq=False)
class MergedCells:
    """A lattice whose cells of equal key were joined.

    cells (n_cells,): one of the old cells that each is made of; vertices (V,): which are left.
    """

    lattice: CellLattice
    cells: Ints
    vertices: Ints


def merge_cells(old: CellLattice, key: Ints) -> MergedCells:
    """Join the cells of equal key (n_cells,); what a key covers must be convex.

    An old face lies in the interior of the new face that has the same cells and sides of the
    domain around it: of all old faces with these the ones of the highest dimension make it up.
    """
    d = old.dimension
    first, joined = np.unique(key, return_index=True, return_inverse=True)[1:]
    order = np.argsort(first)  # new cells in the order of the old ones
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    signatures = _signatures(old, rank[joined])
    all_of_them = np.concatenate(signatures)
    dims = np.repeat(np.arange(d + 1), old.n_faces)
    unique, inverse = np.unique(all_of_them, return_inverse=True)
    top = np.zeros(len(unique), np.int64)
    np.maximum.at(top, inverse, dims)
    of_each = np.split(inverse, np.cumsum(old.n_faces)[:-1])
    numbers, representatives = (
        [],
        [],
    )  # by dimension: new number of a signature; an old face of each
    for k in range(d + 1):
        own = np.flatnonzero(top[of_each[k]] == k)
        _, where = np.unique(of_each[k][own], return_index=True)
        representative = np.sort(own[where])
        number = np.full(len(unique), -1, np.int32)
        number[of_each[k][representative]] = np.arange(len(representative))
        numbers.append(number)
        representatives.append(representative)
    facets = tuple(
        _new_facets(old.facets[k - 1], numbers[k][of_each[k]], numbers[k - 1][of_each[k - 1]])
        for k in range(1, d + 1)
    )
    kept = representatives[0]
    lattice = CellLattice(old.vertices[kept], facets, old.walls[representatives[d - 1]])
    return MergedCells(lattice, representatives[d], kept)


def _signatures(old: CellLattice, joined: Ints) -> list[np.typing.NDArray[np.uint64]]:
    """For the faces of each dimension a number of 64 bits for the set of cells and sides around."""
    n_new = int(joined.max()) + 1
    n_all = n_new + 2 * old.dimension + 2
    pairs = [np.arange(old.n_cells) * n_all + joined]
    for k in range(old.dimension, 0, -1):
        facets = old.facets[k - 1]
        around, of = _split(pairs[-1], n_all)
        lists = facets.take(around)
        owner = np.repeat(of, lists.lengths)
        below = lists.ids.astype(np.int64) * n_all + owner
        if k == old.dimension:
            outer = np.flatnonzero(old.walls < 0)
            below = np.concatenate([below, outer * n_all + n_new - 1 - old.walls[outer]])
        pairs.append(_distinct(below))
    out = []
    for level in reversed(pairs):
        face, member = _split(level, n_all)
        begins = np.flatnonzero(np.concatenate([[True], face[1:] != face[:-1]]))
        out.append(np.add.reduceat(_mixed(member), begins))
    return out


def _split(pairs: Ints, n: int) -> tuple[Ints, Ints]:
    return pairs // n, pairs % n


def _distinct(x: Ints) -> Ints:
    """Each number once, rising; a sort, which is several times faster than a table of them."""
    x = np.sort(x)
    return np.asarray(x[np.concatenate([np.ones(min(len(x), 1), bool), x[1:] != x[:-1]])])


def _mixed(x: Ints) -> np.typing.NDArray[np.uint64]:
    """Numbers that add up to others for other sets: the finaliser of splitmix64."""
    with np.errstate(over="ignore"):
        z = (x.astype(np.uint64) + np.uint64(1)) * SIGNATURE_MULTIPLIER
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _new_facets(old: FaceLists, number: FaceIds, facet_number: FaceIds) -> FaceLists:
    """The facets of new faces: those of their old parts that are faces themselves, each once."""
    owner, facet = number[old.owners].astype(np.int64), facet_number[old.ids].astype(np.int64)
    real = (owner >= 0) & (facet >= 0)
    n = len(facet_number) + 1
    owner, facet = _split(_distinct(owner[real] * n + facet[real]), n)
    return FaceLists(facet.astype(np.int32), np.cumsum(np.bincount(owner)))
