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
DENSE_SHARE = 0.2  # of a matrix that is not zero: from here on it is stored whole


@dataclass(frozen=True, eq=False, repr=False)
class PropertyCheck(RecordResult):
    """What the checker says: `ok`, boxes checked, and the first fault in words.

    `refutes` where it is a counter-example, in rational arithmetic, that was checked.

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
    refutes: bool = False

    def __repr__(self) -> str:
        if self.refutes:
            return f"PropertyCheck({'ok' if self.ok else self.fault}, a counter-example)"
        boxes = f"{self.n_boxes:,} box{'' if self.n_boxes == 1 else 'es'}"
        return f"PropertyCheck({'ok' if self.ok else self.fault}, {boxes})"


class SparseNetwork:
    """A network's layers as sparse matrices, their entries exactly the weights."""

    def __init__(self, net: Network) -> None:
        self.nodes = net.nodes
        self.matrices: dict[int, list[Any]] = {}
        self.factors: dict[int, list[Any]] = {}
        self.parts: dict[int, list[tuple[Any, Any, Any]]] = {}  # above zero, below, magnitudes
        self.offsets: dict[int, Floats] = {}
        for i, node in enumerate(net.nodes):
            if node.op is None or node.is_piecewise:
                continue
            op: Any = node.op
            shapes = [net.nodes[j].shape for j in node.inputs]
            self.matrices[i] = [_matrix(op, shapes, k, node.shape) for k in range(len(shapes))]
            self.factors[i] = [_quick(M) for M in self.matrices[i]]
            self.parts[i] = [
                (_quick(M.maximum(0)), _quick(M.minimum(0)), _quick(abs(M)))
                for M in self.matrices[i]
            ]
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


def _quick(M: Any) -> Any:
    """The matrix itself, dense where most of it is."""
    return M.toarray() if M.nnz > DENSE_SHARE * prod(M.shape) else M


def _units_exactly(op: Any, z: list[Fraction]) -> list[Fraction]:
    if hasattr(op, "groups"):
        return [max(z[j] for j in group if j >= 0) for group in op.groups]
    out = []
    for unit, value in enumerate(z):
        piece = sum(value > Fraction(float(t)) for t in op.knots[:, unit])
        slope, offset = op.slopes[piece, unit], op.offsets[piece, unit]
        out.append(Fraction(float(slope)) * value + Fraction(float(offset)))
    return out


class _NoProofError(Exception):
    """What a certificate says is no proof of anything, in words."""


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
    fault = "" if ok else "the counter-example does not break the property"
    return PropertyCheck(ok, 0, fault, refutes=True)


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
        reached = np.zeros(len(part.axis), dtype=bool)
        pending = [(0, low, high)]
        while pending:
            node, low, high = pending.pop()
            axis = int(part.axis[node])
            if axis >= 0:
                at, child = float(part.value[node]), int(part.child[node])
                if not low[axis] <= at <= high[axis]:
                    return PropertyCheck(False, n, f"cut {node} lies outside its box")
                if not node < child < len(reached) - 1 or reached[child : child + 2].any():
                    return PropertyCheck(False, n, f"the parts of cut {node} are not its own")
                reached[child : child + 2] = True
                below, above = high.copy(), low.copy()
                below[axis] = above[axis] = at
                pending += [(child, low, below), (child + 1, above, high)]
                continue
            n += 1
            try:
                fault = _fault(layers, part, node, low, high)
            except _NoProofError as error:
                fault = f"box {node}: {error}"
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
    if any(not 0 <= r < len(case.c) for case, r in zip(cuts.cases, named, strict=True)):
        return f"box {node} is open"
    bounds = _BoxBounds(layers, low, high)
    for k, (case, r) in enumerate(zip(cuts.cases, named, strict=True)):
        row = int(cuts.slope_rows[node, k])
        if row >= len(cuts.slopes) or row < -1:
            return f"box {node} names slopes that are not there"
        slopes = None if row < 0 else cuts.slopes[row].astype(float)
        least = bounds.least(-case.C[r][None], -case.A[r][None], slopes)[0]
        top = case.c[r] - least
        top += 4 * HALF_ULP * (abs(case.c[r]) + abs(least))
        if not (top < 0 or (case.strict[r] and top <= 0)):
            return f"box {node} leaves case {k} open"
    return ""


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

    def least(self, C: Floats, A: Floats, slopes: Floats | None = None) -> Floats:
        """Lower bounds of C y + A x over the box; with lines of these slopes below all units."""
        own = self.lines
        if slopes is not None:
            self.lines = self._with_slopes(slopes)
        bounds = self._back(C, len(self.layers.nodes) - 1, A)
        self.lines = own
        return bounds

    def _with_slopes(self, slopes: Floats) -> dict[int, Floats]:
        """The lines of all units, those below with slopes (n_units,) in the nodes' order or NaN."""
        if np.isinf(slopes).any() or len(slopes) != sum(map(len, self.lines.values())):
            raise _NoProofError("its slopes do not fit the network")
        out, start = {}, 0
        for i in sorted(self.lines):
            op, table = self.layers.nodes[i].op, self.lines[i].copy()
            if hasattr(op, "groups"):
                raise _NoProofError("it has slopes of maxima")
            chosen = slopes[start : start + len(table)]
            start += len(table)
            lo, hi = self.ranges[self.layers.nodes[i].inputs[0]]
            z, f, size = _unit_vertices(op, lo, hi)
            decided = (z[1:-1] <= lo) | (z[1:-1] >= hi)
            keeps = decided.all(axis=0) | np.isnan(chosen)
            chosen = np.where(keeps, 0.0, chosen)
            size = size + 2 * np.abs(chosen) * np.maximum(np.abs(lo), np.abs(hi))
            below = (f - chosen * z).min(axis=0) - 8 * HALF_ULP * size
            table[:, 0] = np.where(keeps, table[:, 0], chosen)
            table[:, 1] = np.where(keeps, table[:, 1], below)
            table[:, 6] = np.maximum(table[:, 6], size)
            out[i] = table
        return out

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
            for j, M in zip(node.inputs, self.layers.factors[i], strict=True):
                weights[j] = weights.get(j, 0.0) + own @ M
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
        up, down = np.maximum(own, 0), np.minimum(own, 0)
        out = up * table[:, 0] + down * table[:, 2]
        if hasattr(self.layers.nodes[i].op, "groups"):
            scattered = np.zeros((len(own), len(self.ranges[self.layers.nodes[i].inputs[0]][0])))
            np.add.at(scattered.T, source, out.T)
            out = scattered
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
    return _lines_of_units(op, low, high)


def _unit_vertices(op: Any, low: Floats, high: Floats) -> tuple[Floats, Floats, Floats]:
    """Where units bend between their ends, with the ends, and their values there; magnitudes."""
    z = np.vstack([low, np.minimum(np.maximum(op.knots, low), high), high])
    units = np.arange(len(low))
    f = np.empty_like(z)
    for v, row in enumerate(z):
        piece = (op.knots < row).sum(axis=0)
        f[v] = op.slopes[piece, units] * row + op.offsets[piece, units]
    furthest = np.maximum(np.abs(low), np.abs(high))
    return z, f, 2 * np.abs(op.slopes).max(axis=0) * furthest + np.abs(op.offsets).max(axis=0)


def _lines_of_units(op: Any, low: Floats, high: Floats) -> Floats:
    z, f, size = _unit_vertices(op, low, high)
    slack = 8 * HALF_ULP * size
    rise, run = f[-1] - f[0], high - low
    chord = np.divide(rise, run, out=np.zeros_like(run), where=run > 0)
    middle = (low + high) / 2
    table = np.empty((len(low), 8))
    for column, sign in ((0, 1.0), (2, -1.0)):
        height = np.full(len(low), -np.inf)
        for slope in (*op.slopes, chord):
            offset = (sign * (f - slope * z)).min(axis=0)
            reached = sign * slope * middle + offset
            better = reached > height
            height = np.where(better, reached, height)
            table[better, column] = slope[better]
            table[better, column + 1] = sign * (offset - slack)[better]
    table[:, 4], table[:, 5], table[:, 6] = f.min(axis=0) - slack, f.max(axis=0) + slack, size
    table[:, 7] = np.arange(len(low))
    return table


def _lines_of_maximum(low: Floats, high: Floats, group: list[int]) -> tuple[float, ...]:
    best = max(group, key=lambda j: low[j])
    top = max(high[j] for j in group)
    decided = all(high[j] <= low[best] for j in group if j != best)
    size = max(abs(low[best]), abs(top))
    above = (1.0, 0.0) if decided else (0.0, top)
    return (1.0, 0.0, *above, low[best], top, size, best)
