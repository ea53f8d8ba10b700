"""All faces of a complex of convex cells, each the list of its facets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from ..._core.numba import jit
from ..._core.types import Floats, Ints

FaceIds = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class FaceLists:
    """Lists of face numbers, one for each face: ids (n,) one list after another, and their ends."""

    ids: FaceIds
    ends: Ints

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def begins(self) -> Ints:
        """(F,) where each list begins."""
        return np.concatenate([np.zeros(1, np.int64), self.ends[:-1]])

    @property
    def lengths(self) -> Ints:
        """(F,) how many entries each list has."""
        return self.ends - self.begins

    @property
    def owners(self) -> Ints:
        """(n,) the list that each entry belongs to."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def take(self, which: Ints) -> FaceLists:
        """Some of the lists."""
        lengths = self.lengths[which]
        ends = np.cumsum(lengths)
        first = np.repeat(self.begins[which] - (ends - lengths), lengths)
        return FaceLists(self.ids[first + np.arange(len(first))], ends)

    def as_list(self) -> list[FaceIds]:
        """One array for each face."""
        return np.split(self.ids, self.ends[:-1]) if len(self) else []


@dataclass(frozen=True, eq=False)
class FaceLattice:
    """The faces of a complex of dimension k in R^d.

    vertices (V, d); facets[i - 1]: of each i-face the (i - 1)-faces around it, i = 1 .. k.
    """

    vertices: Floats
    facets: tuple[FaceLists, ...]

    @property
    def dimension(self) -> int:
        return len(self.facets)

    @property
    def n_faces(self) -> tuple[int, ...]:
        """Of each dimension 0 .. k."""
        return (len(self.vertices), *(len(lists) for lists in self.facets))

    @property
    def n_cells(self) -> int:
        """Faces of the highest dimension."""
        return len(self.facets[-1])

    @property
    def euler_characteristic(self) -> int:
        """V - E + F - ..."""
        return int(sum((-1) ** i * m for i, m in enumerate(self.n_faces)))

    @property
    def edges(self) -> FaceIds:
        """(E, 2) pairs of vertices."""
        return self.facets[0].ids.reshape(-1, 2)

    @cached_property
    def corners(self) -> tuple[FaceLists, ...]:
        """The vertices of each i-face, rising, for i = 1 .. k."""
        lists = [FaceLists(np.sort(self.edges, axis=1).reshape(-1), self.facets[0].ends)]
        for facets in self.facets[1:]:
            lists.append(
                FaceLists(*united(*_parts(facets), *_parts(lists[-1]), len(self.vertices)))
            )
        return tuple(lists)

    @property
    def facet_degrees(self) -> Ints:
        """(n_faces[k - 1],) how many cells each facet bounds."""
        return np.bincount(self.facets[-1].ids, minlength=self.n_faces[-2])

    def part(self, cells: Ints) -> FaceLattice:
        """The cells of these numbers with all their faces."""
        return self._closure(cells, self.facets)

    def skeleton(self, faces: Ints) -> FaceLattice:
        """The facets of cells of these numbers with all their faces."""
        return self._closure(faces, self.facets[:-1])

    def _closure(self, which: Ints, levels: tuple[FaceLists, ...]) -> FaceLattice:
        facets = []
        for lists in reversed(levels):
            own = lists.take(which)
            which, ids = np.unique(own.ids, return_inverse=True)
            facets.append(FaceLists(ids.astype(np.int32), own.ends))
        return FaceLattice(self.vertices[which], tuple(reversed(facets)))


@dataclass(frozen=True, eq=False)
class CellLattice(FaceLattice):
    """A complex that fills a domain of R^d.

    walls (n_faces[d - 1],): what lies behind each (d - 1)-face, a unit or, -1 - i, side i of the
    domain.
    """

    walls: FaceIds

    @cached_property
    def sides(self) -> Ints:
        """(n_faces[d - 1], 2) the cells on the two sides of each (d - 1)-face, -1 outside."""
        facets = self.facets[-1]
        out = np.full((len(self.walls), 2), -1, dtype=np.int64)
        order = np.argsort(facets.ids, kind="stable")
        ids, cells = facets.ids[order], facets.owners[order]
        first = np.concatenate([np.ones(1, bool), ids[1:] != ids[:-1]])
        out[ids[first], 0] = cells[first]
        out[ids[~first], 1] = cells[~first]
        return out


def _parts(lists: FaceLists) -> tuple[FaceIds, Ints]:
    return lists.ids, lists.ends


@jit
def united(ids, ends, member_ids, member_ends, n):  # type: ignore[no-untyped-def]
    """For each list the members (of n) of its entries, each once and rising."""
    out, out_ends = np.empty(2 * len(ids) + 16, np.int32), np.empty(len(ends), np.int64)
    mark, used, begin = np.full(n, -1, np.int64), 0, 0
    for f in range(len(ends)):
        first = used
        for i in range(begin, ends[f]):
            g = ids[i]
            for r in range(member_ends[g - 1] if g else 0, member_ends[g]):
                v = member_ids[r]
                if mark[v] != f:
                    mark[v] = f
                    if used == len(out):
                        longer = np.empty(2 * used, np.int32)
                        longer[:used] = out
                        out = longer
                    out[used] = v
                    used += 1
        out[first:used].sort()
        out_ends[f], begin = used, ends[f]
    return out[:used].copy(), out_ends


def box_lattice(low: Floats, high: Floats) -> CellLattice:
    """The faces of a box: side 2 j is where coordinate j is low[j], 2 j + 1 where it is high[j]."""
    corners, facets, walls = _box_faces(len(low))
    return CellLattice(np.where(corners, high, low).astype(float), facets, walls)


def simplex_lattice(corners: Floats) -> CellLattice:
    """The faces of a simplex (d + 1, d): side i is opposite to corner i."""
    d = corners.shape[1]
    faces = [list(combinations(range(d + 1), k + 1)) for k in range(d + 1)]
    facets = []
    for k in range(1, d + 1):
        number = {face: i for i, face in enumerate(faces[k - 1])}
        ids = [number[(*f[:j], *f[j + 1 :])] for f in faces[k] for j in range(k + 1)]
        facets.append(FaceLists(np.array(ids, np.int32), (k + 1) * np.arange(1, len(faces[k]) + 1)))
    opposite = [sum(range(d + 1)) - sum(face) for face in faces[d - 1]]
    return CellLattice(corners, tuple(facets), -1 - np.array(opposite, np.int32))


@cache
def _box_faces(d: int) -> tuple[Ints, tuple[FaceLists, ...], FaceIds]:
    """At which ends of a box's axes its corners are (2^d, d), its faces, and its sides."""
    faces: list[list[tuple[int, ...]]] = [[] for _ in range(d + 1)]
    for place in product((0, 1, 2), repeat=d):  # at the low end, at the high one, between
        faces[place.count(2)].append(place)
    number = [{place: i for i, place in enumerate(level)} for level in faces]
    facets = []
    for k in range(1, d + 1):
        ids = [
            number[k - 1][(*p[:j], s, *p[j + 1 :])]
            for p in faces[k] for j in range(d) if p[j] == 2 for s in (0, 1)
        ]  # fmt: skip
        facets.append(FaceLists(np.array(ids, np.int32), 2 * k * np.arange(1, len(faces[k]) + 1)))
    walls = [-1 - next(2 * j + p[j] for j in range(d) if p[j] < 2) for p in faces[d - 1]]
    return np.array(faces[0]), tuple(facets), np.array(walls, np.int32)
