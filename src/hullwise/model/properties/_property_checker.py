"""Check a decided property anew: cuts, bounds and counter-examples, by code of its own.

Nothing of the search is used: the layers are taken apart into sparse matrices, and bounds are made
box by box from these. A counter-example is evaluated in rational arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array, vstack

from ..._core.results import RecordResult
from ..._core.types import Floats, Ints, Progress
from ..network import Network
from .output_property import OutputProperty, UnsafeCase

if TYPE_CHECKING:
    from ._box_search import BoxCuts

HALF_ULP = 2.0**-53
IDENTITY_ROWS = 256  # rows of the identity pushed through a layer at a time


@dataclass(frozen=True, eq=False, repr=False)
class PropertyCheck(RecordResult):
    """What the checker says: `ok`, boxes checked, and the first fault in words.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])
    >>> hw.verify_property(net, 2.0, "y0 < 2.1").verify()
    PropertyCheck(ok, 1 box)
    """

    ok: bool
    n_boxes: int
    fault: str

    def __repr__(self) -> str:
        boxes = f"{self.n_boxes:,} box{'' if self.n_boxes == 1 else 'es'}"
        return f"PropertyCheck({'ok' if self.ok else self.fault}, {boxes})"


class SparseNetwork:
    """A network's layers as sparse matrices, their entries exactly the weights."""

    def __init__(self, net: Network) -> None:
        self.nodes = net.nodes
        self.matrices: dict[int, list[Any]] = {}
        self.parts: dict[int, list[tuple[Any, Any, Any]]] = {}  # above zero, below, magnitudes
        self.offsets: dict[int, Floats] = {}
        for i, node in enumerate(net.nodes):
            if node.op is None or node.is_piecewise:
                continue
            op: Any = node.op
            shapes = [net.nodes[j].shape for j in node.inputs]
            self.matrices[i] = [_matrix(op, shapes, k, node.shape) for k in range(len(shapes))]
            self.parts[i] = [(M.maximum(0), M.minimum(0), abs(M)) for M in self.matrices[i]]
            offset = np.zeros(node.shape) if op.offset is None else op.offset
            self.offsets[i] = np.array(np.broadcast_to(offset, node.shape)).reshape(-1)

    def exact(self, x: Floats) -> list[Fraction]:
        """The outputs at x without rounding."""
        values: dict[int, list[Fraction]] = {0: [Fraction(float(v)) for v in x]}
        for i, node in enumerate(self.nodes[1:], 1):
            if node.is_piecewise:
                values[i] = _units_exactly(node.op, values[node.inputs[0]])
                continue
            out = [Fraction(float(v)) for v in self.offsets[i]]
            for j, M in zip(node.inputs, self.matrices[i], strict=True):
                for row in range(M.shape[0]):
                    for at in range(M.indptr[row], M.indptr[row + 1]):
                        out[row] += Fraction(float(M.data[at])) * values[j][M.indices[at]]
            values[i] = out
        return values[len(self.nodes) - 1]


def _matrix(op: Any, shapes: Sequence[Any], k: int, shape: Any) -> Any:
    """The matrix from input k of an affine layer to its output."""
    n = prod(shapes[k])
    parts = []
    for start in range(0, n, IDENTITY_ROWS):
        rows = np.zeros((min(IDENTITY_ROWS, n - start), n))
        rows[np.arange(len(rows)), start + np.arange(len(rows))] = 1.0
        blocks = [
            rows.reshape(-1, *s) if j == k else np.zeros((len(rows), *s))
            for j, s in enumerate(shapes)
        ]
        parts.append(csr_array(np.asarray(op.linear(*blocks)).reshape(len(rows), prod(shape))))
    return csr_array(vstack(parts).T)


def _units_exactly(op: Any, z: list[Fraction]) -> list[Fraction]:
    if hasattr(op, "groups"):
        return [max(z[j] for j in group if j >= 0) for group in op.groups]
    out = []
    for unit, value in enumerate(z):
        piece = sum(value > Fraction(float(t)) for t in op.knots[:, unit])
        slope, offset = op.slopes[piece, unit], op.offsets[piece, unit]
        out.append(Fraction(float(slope)) * value + Fraction(float(offset)))
    return out


def breaks_exactly(net: Network, x: Floats, case: UnsafeCase) -> bool:
    """Whether x is in the case's box and all its conditions hold, in rational arithmetic."""
    if not ((x >= case.low).all() and (x <= case.high).all()):
        return False
    point = [Fraction(float(v)) for v in x]
    outputs = SparseNetwork(net).exact(x)
    for r in range(len(case.c)):
        value = Fraction(float(case.c[r]))
        value += sum((Fraction(float(a)) * v for a, v in zip(case.A[r], point)), Fraction(0))
        value += sum((Fraction(float(a)) * v for a, v in zip(case.C[r], outputs)), Fraction(0))
        if value < 0 or (case.strict[r] and value == 0):
            return False
    return True


def check_example(
    net: Network, claim: OutputProperty, x: Floats, case: UnsafeCase
) -> PropertyCheck:
    """Whether x breaks a property as a case of it says, in rational arithmetic."""
    ok = any(case is one for one in claim.cases) and breaks_exactly(net, x, case)
    return PropertyCheck(ok, 0, "" if ok else "the counter-example does not break the property")


def check_cuts(
    net: Network,
    claim: OutputProperty,
    cuts: Sequence[BoxCuts],
    progress: Progress | None = None,
) -> PropertyCheck:
    """Whether every case is closed in all boxes that the cuts leave of the one it is about."""
    if fault := _left_out(claim, cuts):
        return PropertyCheck(False, 0, fault)
    layers = SparseNetwork(net)
    n = 0
    total = sum(int((part.axis < 0).sum()) for part in cuts)
    for part in cuts:
        low, high = part.cases[0].low, part.cases[0].high
        pending = [(0, low, high)]
        while pending:
            node, low, high = pending.pop()
            axis = int(part.axis[node])
            if axis >= 0:
                at, child = float(part.value[node]), int(part.child[node])
                if not (low[axis] <= at <= high[axis] and node < child):
                    return PropertyCheck(False, n, f"cut {node} lies outside its box")
                below, above = high.copy(), low.copy()
                below[axis] = above[axis] = at
                pending += [(child, low, below), (child + 1, above, high)]
                continue
            n += 1
            fault = _fault(layers, part, node, low, high)
            if fault:
                return PropertyCheck(False, n, fault)
            if progress is not None:
                progress(n, total, "boxes")
    return PropertyCheck(True, n, "")


def _left_out(claim: OutputProperty, cuts: Sequence[BoxCuts]) -> str:
    """What is wrong with the cases that the cuts are about, in words; nothing if it is all."""
    listed = [case for part in cuts for case in part.cases]
    missing = [k for k, case in enumerate(claim.cases) if not any(case is one for one in listed)]
    if missing or len(listed) != len(claim.cases):
        return f"the proof is not about case {missing[0] if missing else 'list'} of the property"
    for part in cuts:
        first = part.cases[0]
        for case in part.cases:
            if not ((case.low == first.low).all() and (case.high == first.high).all()):
                return "cases about unlike boxes share their cuts"
    return ""


def _fault(layers: SparseNetwork, cuts: BoxCuts, node: int, low: Floats, high: Floats) -> str:
    """What is wrong with the box of a node, in words; nothing where it is closed."""
    named = cuts.closed[node]
    if (named < 0).any():
        return f"box {node} is open"
    C = np.array([case.C[r] for case, r in zip(cuts.cases, named)])
    A = np.array([case.A[r] for case, r in zip(cuts.cases, named)])
    c = np.array([case.c[r] for case, r in zip(cuts.cases, named)])
    strict = np.array([case.strict[r] for case, r in zip(cuts.cases, named)])
    most = c - _BoxBounds(layers, low, high).least(-C, -A)
    most += 4 * HALF_ULP * np.abs(most)
    open_ = np.flatnonzero(~((most < 0) | (strict & (most <= 0))))
    return f"box {node} leaves case {open_[0]} open" if open_.size else ""


class _BoxBounds:
    """Intervals of all nodes over one box, and linear functions below sums of outputs."""

    def __init__(self, layers: SparseNetwork, low: Floats, high: Floats) -> None:
        self.layers = layers
        self.ranges: dict[int, tuple[Floats, Floats]] = {0: (low, high)}
        self.lines: dict[int, Floats] = {}  # one row a unit, as `_bounding_lines` makes them
        self.sizes: dict[int, Floats] = {}  # what a node adds up, in magnitude
        for i, node in enumerate(layers.nodes[1:], 1):
            if not node.is_piecewise:
                self.ranges[i] = self._interval(i)
                continue
            j = node.inputs[0]
            lo, hi = self._narrowed(j, _open_entries(node.op, *self.ranges[j]))
            self.ranges[j] = lo, hi
            self.lines[i] = _bounding_lines(node.op, lo, hi)
            self.ranges[i] = self.lines[i][:, 4], self.lines[i][:, 5]

    def _interval(self, i: int) -> tuple[Floats, Floats]:
        lo, hi = self.layers.offsets[i].copy(), self.layers.offsets[i].copy()
        size = np.abs(lo)
        for j, parts in zip(self.layers.nodes[i].inputs, self.layers.parts[i], strict=True):
            positive, negative, magnitude = parts
            below, above = self.ranges[j]
            lo += positive @ below + negative @ above
            hi += positive @ above + negative @ below
            size += magnitude @ np.maximum(np.abs(below), np.abs(above))
        self.sizes[i] = size
        slack = self._roundoff(i) * size
        return lo - slack, hi + slack

    def _roundoff(self, i: int) -> float:
        inputs = sum(M.shape[1] for M in self.layers.matrices[i])
        return float(2 * inputs + 2 * len(self.layers.offsets[i]) + 16) * HALF_ULP

    def _narrowed(self, j: int, open_: Ints) -> tuple[Floats, Floats]:
        """The range of node j, that of the entries that leave a unit open by backward bounds."""
        lo, hi = self.ranges[j]
        if j == 0 or not open_.size:
            return lo, hi
        lo, hi = lo.copy(), hi.copy()
        rows = np.zeros((len(open_), len(lo)))
        rows[np.arange(len(open_)), open_] = 1.0
        lo[open_] = np.maximum(lo[open_], self._back(rows, j))
        hi[open_] = np.maximum(lo[open_], np.minimum(hi[open_], -self._back(-rows, j)))
        return lo, hi

    def least(self, C: Floats, A: Floats) -> Floats:
        """Lower bounds of C y + A x over the box."""
        return self._back(C, len(self.layers.nodes) - 1, A)

    def _back(self, rows: Floats, end: int, inputs: Floats | None = None) -> Floats:
        weights: dict[int, Floats] = {end: rows}
        if inputs is not None:
            weights[0] = inputs
        total = np.zeros(len(rows))
        for i in range(end, 0, -1):
            own = weights.pop(i, None)
            if own is None:
                continue
            node = self.layers.nodes[i]
            if node.is_piecewise:
                part, rest = self._past_units(own, i)
                total += rest
                j = node.inputs[0]
                weights[j] = weights.get(j, 0.0) + part
                continue
            for j, M in zip(node.inputs, self.layers.matrices[i], strict=True):
                weights[j] = weights.get(j, 0.0) + (M.T @ own.T).T
            slack = self._roundoff(i) * (np.abs(own) @ self.sizes[i])
            total += own @ self.layers.offsets[i] - slack
        low, high = self.ranges[0]
        final = weights.get(0)
        if final is None:
            return total
        value = np.maximum(final, 0) @ low + np.minimum(final, 0) @ high
        size = np.abs(final) @ np.maximum(np.abs(low), np.abs(high))
        return np.asarray(total + value - (2 * len(low) + 16) * HALF_ULP * size)

    def _past_units(self, own: Floats, i: int) -> tuple[Floats, Floats]:
        table = self.lines[i]
        source = table[:, 7].astype(np.int64)
        out = np.zeros((len(own), len(self.ranges[self.layers.nodes[i].inputs[0]][0])))
        up, down = np.maximum(own, 0), np.minimum(own, 0)
        np.add.at(out.T, source, (up * table[:, 0] + down * table[:, 2]).T)
        rest = up @ table[:, 1] + down @ table[:, 3]
        return out, rest - 16 * HALF_ULP * (np.abs(own) @ table[:, 6])


def _open_entries(op: Any, low: Floats, high: Floats) -> Ints:
    """The entries whose range meets a knot, or that may be the largest as others may."""
    if not hasattr(op, "groups"):
        return np.flatnonzero(((op.knots > low) & (op.knots < high)).any(axis=0))
    open_: set[int] = set()
    for group in op.groups:
        entries = [int(j) for j in group if j >= 0]
        best = max(low[j] for j in entries)
        rivals = [j for j in entries if high[j] >= best]
        open_.update(rivals if len(rivals) > 1 else ())
    return np.array(sorted(open_), dtype=np.int64)


def _bounding_lines(op: Any, low: Floats, high: Floats) -> Floats:
    """For each unit: slope, offset of a line below and of one above, range, size, source."""
    if hasattr(op, "groups"):
        groups = [[int(j) for j in group if j >= 0] for group in op.groups]
        return np.array([_lines_of_maximum(low, high, group) for group in groups])
    return np.array([_lines_of_unit(op, low[u], high[u], u) for u in range(op.knots.shape[1])])


def _lines_of_unit(op: Any, low: float, high: float, u: int) -> tuple[float, ...]:
    slopes, offsets = op.slopes[:, u].tolist(), op.offsets[:, u].tolist()
    knots = op.knots[:, u].tolist()
    vertices = [low, *(t for t in knots if low < t < high), high]
    values = []
    for z in vertices:
        piece = sum(z > t for t in knots)
        values.append(slopes[piece] * z + offsets[piece])
    size = 2 * max(map(abs, slopes)) * max(abs(low), abs(high)) + max(map(abs, offsets))
    slack = 8 * HALF_ULP * size
    slopes.append((values[-1] - values[0]) / (high - low) if high > low else 0.0)
    middle = (low + high) / 2
    points = list(zip(vertices, values, strict=True))
    below = max(((s, min(f - s * z for z, f in points)) for s in slopes),
                key=lambda line: line[0] * middle + line[1])  # fmt: skip
    above = min(((s, max(f - s * z for z, f in points)) for s in slopes),
                key=lambda line: line[0] * middle + line[1])  # fmt: skip
    return (below[0], below[1] - slack, above[0], above[1] + slack, min(values) - slack,
            max(values) + slack, size, u)  # fmt: skip


def _lines_of_maximum(low: Floats, high: Floats, group: list[int]) -> tuple[float, ...]:
    best = max(group, key=lambda j: low[j])
    top = max(high[j] for j in group)
    decided = all(high[j] <= low[best] for j in group if j != best)
    size = max(abs(low[best]), abs(top))
    above = (1.0, 0.0) if decided else (0.0, top)
    return (1.0, 0.0, *above, low[best], top, size, best)
