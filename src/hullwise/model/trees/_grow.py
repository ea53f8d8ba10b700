"""Growing a network's decision tree: each unit in turn asks on which side of its wall a cell is.

Cells wait in chunks of the same layer, the newest first, so that leaves are finished early and few
cells are held. A chunk is pushed through the affine layers at once; then each of its cells is cut
by the layer's walls, unit by unit, and what is left of it are the cells of the next layer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.types import Floats, Progress
from .._piecewise_layers import Codes, Largest, Pieces
from .._rounding import slopes_of_code
from ..network import PUSH_BLOCK_NUMBERS, Network
from ._cells import Cell, whole

CHUNK_CELLS = 256  # cells pushed at a time


@dataclass
class OpenCell:
    """A cell on its way: its code so far, and the child of a node that it hangs from."""

    cell: Cell
    code: Codes
    slot: tuple[int, int]
    depth: int
    origin: int = 0  # its parent's place in the chunk


@dataclass
class TreeParts:
    """A tree as lists. A child is a node, or -1 - (an end)."""

    children: list[list[int]] = field(default_factory=list)
    rows: list[Floats] = field(default_factory=list)  # (d + 1,) in the coordinates of cells
    units: list[int] = field(default_factory=list)
    ends: list[OpenCell] = field(default_factory=list)
    unfinished: list[OpenCell] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Cells in all, waiting ones too."""
        return len(self.children) + 1

    def node(self, at: OpenCell, row: Floats, unit: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """A new node where `at` hangs; the slots of its two children."""
        new = len(self.children)
        self.hang(at.slot, new)
        self.children.append([0, 0])
        self.rows.append(row)
        self.units.append(unit)
        return (new, 0), (new, 1)

    def hang(self, slot: tuple[int, int], child: int) -> None:
        if slot[0] >= 0:
            self.children[slot[0]][slot[1]] = child


def grow(
    net: Network,
    centre: Floats,
    half: Floats,
    bounded: bool,
    max_regions: int,
    progress: Progress | None,
) -> TreeParts:
    """The tree over centre + [-half, half] (over the whole space unless `bounded`)."""
    grown, d = TreeParts(), net.n_inputs
    code = np.zeros(net.n_units, dtype=net.code_dtype)
    block = np.vstack([centre, np.diag(half)])[None]
    size = np.abs(centre) + half if bounded else np.ones(d)
    errors = {0: net.rounding_errors.of_rounding(size[None, None])}
    start = OpenCell(whole(d, bounded), code, (-1, 0), 0)
    waiting = [Chunk(-1, [start], {0: block}, errors, 0)]
    step = max(1, min(CHUNK_CELLS, PUSH_BLOCK_NUMBERS // (net.widest * (d + 1))))
    while waiting:
        chunk = waiting.pop()
        if chunk.layer + 1 == len(net.layers):
            grown.ends += chunk.cells
        else:
            chunk.through(net)
            cells = _cut_all(net, chunk, grown, max_regions)
            parts = [cells[i : i + step] for i in range(0, len(cells), step)]
            waiting += [_bent(net, chunk, part) for part in reversed(parts)]
        if progress is not None:
            progress(len(grown.ends), max_regions, "leaves")
    for end, one in enumerate(grown.ends + grown.unfinished):
        grown.hang(one.slot, -1 - end)
    return grown


@dataclass
class Chunk:
    """Cells behind the units of a layer, and what the nodes up to `after` say on them."""

    layer: int
    cells: list[OpenCell]
    outputs: dict[int, Floats]  # blocks (B, 1 + d, size): the centre and the axes of u
    errors: dict[int, Floats]  # (B, 1, size): what rounding may have done to them
    after: int

    def through(self, net: Network) -> None:
        """To the input of the next layer of units."""
        self.layer += 1
        end = net.layers[self.layer].node - 1
        if end > self.after:
            net.rounding_errors.advance(self.errors, self.after, end)
            net.resume(self.outputs, self.after, until=end)
        self.after = end


def _bent(net: Network, chunk: Chunk, cells: list[OpenCell]) -> Chunk:
    """Some of the cells a chunk was cut into, behind the units."""
    layer = net.layers[chunk.layer]
    node, entry = layer.node, net.nodes[layer.node].inputs[0]
    units: Any = net.nodes[node].op
    parents = np.array([one.origin for one in cells])
    outputs = {i: block[parents] for i, block in chunk.outputs.items()}
    errors = {i: error[parents] for i, error in chunk.errors.items()}
    codes = np.array([one.code for one in cells])
    entering = partial(_largest_values, outputs[entry])
    net.resume(outputs, node - 1, codes, until=node)
    slopes = slopes_of_code(units, codes[:, layer.columns])
    errors[node] = net.rounding_errors.through_units(
        units, errors[entry], slopes, entering, _largest_values(outputs[node])
    )
    net.release(errors, node)
    return Chunk(chunk.layer, cells, outputs, errors, node)


def _largest_values(block: Floats) -> Floats:
    """The largest magnitudes (B, 1, w) on the box of maps (B, 1 + d, w)."""
    return np.asarray(np.abs(block).sum(axis=1, keepdims=True))


@dataclass(frozen=True, eq=False)
class CellTest:
    """A row that cuts a cell; the code and what is left to ask on either side."""

    row: Floats
    noise: float
    unit: int
    codes: tuple[Codes, Codes]
    states: tuple[Any, Any]


class _PieceTests:
    """Every knot of every unit in turn, on the cells of one parent."""

    def __init__(self, op: Pieces, start: int, z: Floats, noise: Floats) -> None:
        p, n = op.knots.shape
        self.units = np.repeat(np.arange(n), p)
        knots = op.knots.T.reshape(-1)
        self.rows = z[self.units]
        self.rows[:, -1] -= knots
        self.noises = noise[self.units]
        self.units += start

    def begin(self) -> Any:
        return None

    def first(self, one: OpenCell, state: NDArray[np.int64] | None) -> CellTest | None:
        """The first test that cuts; those before it go into the cell's code."""
        left = np.arange(len(self.rows)) if state is None else state
        sides = one.cell.sides(self.rows[left], self.noises[left], state is None)
        cuts = np.flatnonzero(sides == 0)
        np.add.at(one.code, self.units[left[sides == 1]], 1)
        if not len(cuts):
            return None
        j, rest = left[cuts[0]], left[cuts[0] + 1 :]
        rest = rest[np.abs(sides[cuts[0] + 1 :]) != 1]
        above = one.code.copy()
        above[self.units[j]] += 1
        codes, unit = (one.code, above), int(self.units[j])
        return CellTest(self.rows[j], float(self.noises[j]), unit, codes, (rest, rest))


class _LargestTests:
    """Every maximum in turn, folded: the larger of the first two against the third, and so on."""

    def __init__(self, op: Largest, start: int, z: Floats, noise: Floats) -> None:
        self.groups, self.z, self.noise, self.start = op.groups, z, noise, start

    def begin(self) -> Any:
        return 0, 0, -1

    def first(self, one: OpenCell, state: tuple[int, int, int]) -> CellTest | None:
        begin, at, winner = state
        for unit in range(begin, len(self.groups)):
            group = self.groups[unit]
            for place in range(at, len(group)):
                if group[place] < 0 or winner < 0:
                    winner = place if group[place] >= 0 else winner
                    continue
                row = self.z[group[place]] - self.z[group[winner]]
                noise = float(self.noise[group[place]] + self.noise[group[winner]])
                side = one.cell.sides(row[None], np.array([noise]), True)[0]
                if side == 0:
                    states = (unit, place + 1, winner), (unit, place + 1, place)
                    codes = one.code, one.code.copy()
                    return CellTest(row, noise, self.start + unit, codes, states)
                winner = place if side > 0 else winner
            one.code[self.start + unit] = winner
            at, winner = 0, -1
        return None


def _cut_all(net: Network, chunk: Chunk, grown: TreeParts, max_regions: int) -> list[OpenCell]:
    """What the walls of the layer that a chunk is at leave of its cells."""
    layer = net.layers[chunk.layer]
    op: Any = net.nodes[layer.node].op
    source = net.nodes[layer.node].inputs[0]
    z = np.roll(chunk.outputs[source], -1, axis=1).transpose(0, 2, 1)
    if net.n_inputs == 1:  # a strip: nothing depends on the second coordinate
        z = np.insert(z, 1, 0.0, axis=2)
    z = np.ascontiguousarray(z)
    noise = net.rounding_errors.bound(chunk.errors[source][:, 0])
    kind: Any = _PieceTests if isinstance(op, Pieces) else _LargestTests
    uncut: list[OpenCell] = []
    for i, parent in enumerate(chunk.cells):
        tests = kind(op, layer.start, z[i], noise[i])
        stack = [(parent, tests.begin())]
        while stack:
            one, state = stack.pop()
            test = tests.first(one, state)
            one.origin = i
            if test is None:
                uncut.append(one)
            elif grown.count >= max_regions:
                grown.unfinished.append(one)
            else:
                slots = grown.node(one, test.row, test.unit)
                cells = one.cell.split(test.row, test.noise)
                for side in (1, 0):
                    sub = OpenCell(cells[side], test.codes[side], slots[side], one.depth + 1)
                    stack.append((sub, test.states[side]))
    return uncut
