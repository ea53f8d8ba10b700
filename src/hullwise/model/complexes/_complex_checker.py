"""Whether a complex is one, and that of its network: shares nothing with what made it.

Faces are looked at as lists alone, values come from the network's weights in a plain pass of its
own, and volumes from the divergence theorem on facets cut into simplices, not from heights.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._core.results import RecordResult
from ..._core.types import Floats, Ints

if TYPE_CHECKING:
    from .cell_complex import CellComplex

CHECKED_AGREEMENT = 1e-9  # of the largest output, or of the domain's volume
CHECKED_ZERO = 1e-9  # of a unit's largest input: what lies on its wall is below it


@dataclass(frozen=True, eq=False)
class ComplexCheck(RecordResult):
    """What an independent checker says of a complex; made by `CellComplex.verify`.

    Attributes
    ----------
    euler_characteristic : int
        V - E + F - ..., 1 for a box.
    n_open_boundaries : int
        Faces whose facets' facets do not cancel mod 2: 0 where every face is closed.
    n_unshared_faces : int
        (k - 1)-faces that are not in two cells, nor in one and on a side of the box.
    n_wrong_codes : int
        Cells whose code is not that of the network at a point inside.
    n_wrong_neighbours : int
        Pairs of neighbours, and edges, that do not follow from the faces, or are left out.
    n_wrong_walls : int
        Inner (k - 1)-faces with a corner off the wall of their unit.
    output_gap : float
        The largest difference between an output at a vertex and the network's.
    jump : float
        The largest difference at a shared corner of the affine maps of two neighbours, as a share
        of the largest output.
    volume_gap : float
        Of the cells' volumes together from the domain's, as a share of it.
    ok : bool
        Everything is as it has to be.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> W = np.vstack([np.eye(3), -np.eye(3)])
    >>> net = hw.model.from_arrays([W, np.ones((1, 6))], [np.zeros(6), np.full(1, -0.5)])
    >>> check = hw.model.cell_complex(net, 1.0).verify()
    >>> check.ok, check.euler_characteristic
    (True, 1)
    """

    euler_characteristic: int
    n_open_boundaries: int
    n_unshared_faces: int
    n_wrong_codes: int
    n_wrong_neighbours: int
    n_wrong_walls: int
    output_gap: float
    jump: float
    volume_gap: float
    ok: bool

    def __repr__(self) -> str:
        return f"ComplexCheck({'ok' if self.ok else 'NOT OK: ' + ', '.join(self.problems)})"

    @property
    def problems(self) -> list[str]:
        """What is not as it has to be."""
        wrong = {
            "an Euler characteristic other than 1": self.euler_characteristic != 1,
            "open boundaries": self.n_open_boundaries > 0,
            "unshared faces": self.n_unshared_faces > 0,
            "wrong codes": self.n_wrong_codes > 0,
            "wrong neighbours or edges": self.n_wrong_neighbours > 0,
            "faces off their walls": self.n_wrong_walls > 0,
            "outputs at vertices": self.output_gap > CHECKED_AGREEMENT,
            "jumps between cells": self.jump > CHECKED_AGREEMENT,
            "volumes": self.volume_gap > CHECKED_AGREEMENT,
        }
        return [what for what, is_wrong in wrong.items() if is_wrong]


def check_complex(whole: CellComplex) -> ComplexCheck:
    """Look at everything; see `CellComplex.verify`."""
    lattice, X = whole.lattice, whole.lattice.vertices
    facets = [(lists.ids.astype(np.int64), lists.ends) for lists in lattice.facets]
    counts = [len(X), *(len(ends) for _, ends in facets)]
    sides, unshared = _two_sides(*facets[-1], lattice.walls)
    corners = _corners(facets)
    points = np.array([X[c].mean(axis=0) for c in corners])
    exact = np.asarray(whole.net(whole.origin + X @ whole.axes))
    size = float(np.abs(exact).max(initial=1e-300))
    n_cut = sum(layer.n_units for layer in whole.net.layers[: len(whole.layer_codes)])
    own = whole.net.codes(whole.origin + points @ whole.axes)[:, :n_cut]
    result = ComplexCheck(
        euler_characteristic=int(sum((-1) ** k * m for k, m in enumerate(counts))),
        n_open_boundaries=_open_boundaries(facets),
        n_unshared_faces=unshared,
        n_wrong_codes=int((own != whole.codes).any(axis=1).sum()),
        n_wrong_neighbours=_wrong_pairs(whole, sides, facets[0][0]),
        n_wrong_walls=_wrong_walls(whole, facets),
        output_gap=float(np.abs(exact - whole.outputs).max(initial=0.0)) / size,
        jump=0.0 if whole.partial else _jump(whole, sides, facets, size),
        volume_gap=_volume_gap(X, facets, _domain_volume(whole.domain.vertices)),
        ok=True,
    )
    return replace(result, ok=not result.problems)


def _wrong_pairs(whole: CellComplex, sides: list[list[int]], ends: Ints) -> int:
    """Neighbours and edges on one list and not on the other."""
    inner = {frozenset(cells) for cells in sides if len(cells) == 2}
    edges = set(map(frozenset, ends.reshape(-1, 2).tolist()))
    named = set(map(frozenset, whole.neighbours.tolist()))
    named_edges = set(map(frozenset, whole.edges.tolist()))
    return len(inner ^ named) + len(edges ^ named_edges)


def _two_sides(ids: Ints, ends: Ints, walls: Any) -> tuple[list[list[int]], int]:
    """The cells of each facet, and how many facets have the wrong number of them."""
    cells: list[list[int]] = [[] for _ in walls]
    begin = 0
    for cell, end in enumerate(ends.tolist()):
        for g in ids[begin:end].tolist():
            cells[g].append(cell)
        begin = end
    return cells, sum(len(c) != (1 if w < 0 else 2) for c, w in zip(cells, walls.tolist()))


def _open_boundaries(facets: list[tuple[Ints, Ints]]) -> int:
    """Faces of dimension 2 and more in whose boundary some ridge does not occur twice."""
    wrong = 0
    for (ids, ends), (lower, lower_ends) in zip(facets[1:], facets[:-1]):
        begin = 0
        for end in ends.tolist():
            ridges = [
                lower[lower_ends[g - 1] if g else 0 : lower_ends[g]]
                for g in ids[begin:end].tolist()
            ]
            times = np.unique(np.concatenate(ridges), return_counts=True)[1]
            wrong += bool((times != 2).any())
            begin = end
    return wrong


def _corners(facets: list[tuple[Ints, Ints]]) -> list[Ints]:
    """The vertices of each cell."""
    members: list[Any] = [set(pair) for pair in facets[0][0].reshape(-1, 2).tolist()]
    for ids, ends in facets[1:]:
        new, begin = [], 0
        for end in ends.tolist():
            new.append(set().union(*(members[g] for g in ids[begin:end].tolist())))
            begin = end
        members = new
    return [np.array(sorted(m)) for m in members]


def _wrong_walls(whole: CellComplex, facets: list[tuple[Ints, Ints]]) -> int:
    """Inner faces with a corner that is not on the wall of the unit that they are said to be on."""
    net, walls, wrong = whole.net, whole.lattice.walls, 0
    inputs = whole.origin + whole.lattice.vertices @ whole.axes
    distance = np.zeros((len(inputs), net.n_units), bool)  # whether a vertex is off a unit's walls

    def see(layer: int, z: Floats, code: Any) -> None:
        op: Any = net.nodes[net.layers[layer].node].op
        columns, value = net.layers[layer].columns, z[:, 0]
        scale = CHECKED_ZERO * np.abs(value).max(initial=1e-300)
        if hasattr(op, "knots"):
            gap = np.abs(value[:, None] - op.knots).min(axis=1)
        else:  # of a maximum: between its two largest entries
            entries = np.sort(np.where(op.groups >= 0, value[:, op.groups], -np.inf), axis=2)
            single = op.groups.shape[1] < 2
            gap = np.zeros(entries.shape[:2]) if single else entries[..., -1] - entries[..., -2]
        distance[:, columns] = gap > scale

    net.push(inputs[:, None], visit=see)
    corners = _corners(facets[:-1])
    for face, unit in enumerate(walls.tolist()):
        wrong += unit >= 0 and bool(distance[corners[face], unit].any())
    return wrong


def _jump(
    whole: CellComplex, sides: list[list[int]], facets: list[tuple[Ints, Ints]], size: float
) -> float:
    """How far the affine maps of neighbours differ at the corners that they share."""
    net, codes = whole.net, whole.codes
    frame = np.vstack([whole.origin, whole.axes])[None]
    maps = np.concatenate(
        [
            net.push(np.repeat(frame, len(codes[rows]), axis=0), codes[rows])
            for rows in net.blocks(len(codes), frame.shape[1])
        ]
    )
    corners, X, largest = _corners(facets[:-1]), whole.lattice.vertices, 0.0
    for face, cells in enumerate(sides):
        if len(cells) == 2:
            a, b = maps[cells[0]], maps[cells[1]]
            at = np.column_stack([np.ones(len(corners[face])), X[corners[face]]])
            largest = max(largest, float(np.abs(at @ (a - b)).max()))
    return largest / size


def _domain_volume(corners: Floats) -> float:
    """Of a simplex, which has k + 1 corners, or of a box."""
    if len(corners) == corners.shape[1] + 1:
        return float(abs(np.linalg.det(corners[1:] - corners[0])) / factorial(corners.shape[1]))
    return float(np.prod(corners.max(axis=0) - corners.min(axis=0)))


def _volume_gap(X: Floats, facets: list[tuple[Ints, Ints]], whole: float) -> float:
    """Simplices from a point inside each cell over one inside each of its faces, down to edges.

    Their determinants without sign add up to the volume; a cell that is not convex, or has a face
    too many, has more.
    """
    d = X.shape[1]
    middles = [X]
    members: list[Any] = [{v} for v in range(len(X))]
    for ids, ends in facets:
        new, begin = [], 0
        for end in ends.tolist():
            new.append(set().union(*(members[g] for g in ids[begin:end].tolist())))
            begin = end
        members = new
        middles.append(np.array([X[sorted(m)].mean(axis=0) for m in members]))
    total = 0.0
    chains = np.arange(len(facets[-1][1]))[:, None]  # flags: cell, facet, ..., vertex
    for k in range(d, 0, -1):
        ids, ends = facets[k - 1]
        begins = np.concatenate([[0], ends[:-1]])
        lengths = (ends - begins)[chains[:, -1]]
        first = np.repeat(begins[chains[:, -1]] - np.cumsum(lengths) + lengths, lengths)
        below = ids[first + np.arange(len(first))]
        chains = np.column_stack([np.repeat(chains, lengths, axis=0), below])
    step = 100_000
    for start in range(0, len(chains), step):
        flag = chains[start : start + step]
        corner = np.stack([middles[d - i][flag[:, i]] for i in range(d + 1)], axis=1)
        total += float(np.abs(np.linalg.det(corner[:, 1:] - corner[:, :1])).sum())
    for k in range(2, d + 1):
        total /= k
    return abs(total - whole) / whole
