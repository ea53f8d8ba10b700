"""Every affine piece of a network on a segment, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._core.memory import check_memory
from .._core.results import RecordResult
from .._core.types import Floats, Ints
from ..errors import DataError
from ._arguments import as_floats, one_row
from ._layer_values import UNCHECKED_BYTES, LayerValues
from ._piecewise_layers import Codes, Pieces, Units
from .network import Network

SEGMENT_NUMBERS = 2**26  # of the values at breaks that are held at a time: half a GiB
FEWEST_VERTICES = 8  # that are held at a time, however large the network
BREAK_TOLERANCE = 1e-13  # of the segment: breaks closer than this are one


@dataclass(frozen=True, eq=False, repr=False)
class Line(RecordResult):
    """The pieces of a network on the segment from x0 to x1; made by `Network.along`.

    Attributes
    ----------
    net : Network
    x0, x1 : ndarray (d,)
    knots : ndarray (n_pieces + 1,)
        0, the breaks, 1: positions as shares of the segment.
    values : ndarray (n_pieces + 1, n_outputs)
        The network there.
    output_errors : ndarray (n_outputs,)
        What rounding may have done to the values.
    codes : ndarray (n_pieces, n_units)
        The activation code of each piece.

    Notes
    -----
    Cost: two forward passes for each piece; values of half a GiB of numbers at a time (or of 8
    breaks), and a code of n_units bytes for each piece. Breaks closer than 1e-13 of the segment are
    one break.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[2.0], [2.0]], [[1.0, -2.0]]], [[0.0, -1.0], [0.0]])
    >>> l = net.along([-1.0], [1.0])
    >>> l
    Line(3 pieces, length 2)
    >>> l.breaks
    array([0.5 , 0.75])
    """

    net: Network
    x0: Floats
    x1: Floats
    knots: Floats
    values: Floats
    output_errors: Floats
    codes: Codes

    @property
    def n_pieces(self) -> int:
        return len(self.knots) - 1

    @property
    def breaks(self) -> Floats:
        """Positions in (0, 1) where the code changes."""
        return self.knots[1:-1]

    @property
    def length(self) -> float:
        """Of the segment, in the units of the input."""
        return float(np.linalg.norm(self.x1 - self.x0))

    @cached_property
    def points(self) -> Floats:
        """The points (n_pieces + 1, d) at the knots."""
        return np.asarray(self.x0 + self.knots[:, None] * (self.x1 - self.x0))

    @cached_property
    def slopes(self) -> Floats:
        """Change of each output per share of the segment, on each piece: (n_pieces, n_outputs)."""
        frame = np.vstack([self.x0, self.x1 - self.x0])[None]
        out = np.empty((self.n_pieces, self.net.n_outputs))
        for rows in self.net.blocks(self.n_pieces, 2):
            code = self.codes[rows]
            block = np.broadcast_to(frame, (len(code), *frame.shape[1:]))
            out[rows] = self.net.push(block, code)[:, 1]
        return out

    @cached_property
    def units(self) -> list[Ints]:
        """The units (counted through all layers) that change at each break."""
        return [
            np.flatnonzero(a != b) for a, b in zip(self.codes[:-1], self.codes[1:], strict=True)
        ]

    @cached_property
    def layers(self) -> Ints:
        """The first layer that changes at each break."""
        ends = [layer.start + layer.n_units for layer in self.net.layers]
        return np.searchsorted(ends, [units[0] for units in self.units], side="right")

    def at(self, t: Any) -> Floats:
        """The network (k, n_outputs) at shares t (k,) of the segment, from the pieces alone."""
        where = as_floats(t, "t", "shares (k,) of the segment")
        return np.stack([np.interp(where, self.knots, v) for v in self.values.T], axis=-1)

    def decisions(self) -> Floats:
        """Shares of the segment where the largest output changes (one output: crosses 0)."""
        values, noise = self.values, self.output_errors
        if self.net.n_outputs == 1:
            values, noise = np.c_[values, 0 * values], np.append(noise, 0.0)
        tied = values[0] >= values[0].max() - noise - noise[values[0].argmax()]
        top = int(np.argmax(np.where(tied, values[min(1, self.n_pieces)], -np.inf)))
        shares: list[float] = []
        for i in range(self.n_pieces):
            ends = self.knots[i], self.knots[i + 1]
            changes, top = _upper_envelope_breaks(values[i], values[i + 1], noise, top)
            shares += [ends[0] + t * (ends[1] - ends[0]) for t in changes]
        apart = np.diff(shares, prepend=-np.inf) > BREAK_TOLERANCE
        return np.array(shares)[apart]

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw outputs and breaks; see :func:`hullwise.report.draw_line`."""
        from ..report.partition import draw_line

        return draw_line(self, ax, **options)

    def __repr__(self) -> str:
        n = self.n_pieces
        return f"Line({n:,} piece{'' if n == 1 else 's'}, length {self.length:.3g})"


def _upper_envelope_breaks(
    a: Floats, b: Floats, noise: Floats, top: int
) -> tuple[list[float], int]:
    """Where in [0, 1] the largest of the functions from a to b changes, and which it is at last.

    `top` is the largest before; another one counts where it ends above it by more than the noise.
    """
    out: list[float] = []
    at = 0.0
    while True:
        ahead = b - b[top]
        gap = a[top] - a
        over = ahead > noise + noise[top]
        behind = np.maximum(gap, 0.0)
        meet = np.where(over, np.maximum(behind / np.where(over, behind + ahead, 1), at), np.inf)
        first = np.flatnonzero(meet == meet.min())
        if not meet[first[0]] <= 1:
            return out, top
        top = int(first[ahead[first].argmax()])
        at = float(meet[top])
        out.append(at)


def trace_segment(net: Network, x0: Any, x1: Any) -> Line:
    """See `Network.along`.

    Raises
    ------
    DataError
        If x0 or x1 is not one finite row of d numbers, or both are the same point.
    """
    ends = np.vstack([one_row(net, x0, "x0"), one_row(net, x1, "x1")])
    if (ends[0] == ends[1]).all():
        raise DataError("x0 and x1 are the same point: there is no segment between them")
    t, values, errors = _traced(net, ends, np.array([0.0, 1.0]))
    codes = _codes(net, ends, t)
    real = np.r_[True, (codes[1:] != codes[:-1]).any(axis=1), True]
    codes = codes if real.all() else codes[real[:-1]]
    return Line(net, ends[0], ends[1], t[real], values[real], errors, codes)


def _traced(net: Network, ends: Floats, t: Floats) -> tuple[Floats, Floats, Floats]:
    """All breaks from t[0] to t[-1], the values there, and what rounding may have done to these.

    Where the values at all breaks are too many numbers, the halves are traced one after the other.
    """
    values_, most = LayerValues(net, _points(ends, t)), _most_vertices(net)
    for _ in net.layers:
        units = values_.advance()
        for gaps, tol in _wall_values(units, values_):
            t = _insert_breaks(t, values_, gaps(), tol)
        if len(t) > most:
            del values_
            middle = len(t) // 2
            parts = [_traced(net, ends, part) for part in (t[: middle + 1], t[middle:])]
            (first, values, errors), (last, behind, more) = parts
            joined = np.concatenate([first[:-1], last]), np.concatenate([values[:-1], behind])
            return *joined, np.maximum(errors, more)
        values_.bend()
    values, errors = values_.finish()
    return t, values, errors


def _most_vertices(net: Network) -> int:
    """Points of a segment whose values are held at a time: three layers of the widest."""
    return max(FEWEST_VERTICES, SEGMENT_NUMBERS // (3 * net.widest))


def _points(ends: Floats, t: Floats) -> Floats:
    return np.asarray(ends[0] + t[:, None] * (ends[1] - ends[0]))


def _wall_values(units: Units, values_: LayerValues) -> Iterator[tuple[Any, Floats]]:
    """The walls of a layer step by step: values at the vertices (V, k) when called, tolerance."""
    noise = values_.noise
    if isinstance(units, Pieces):
        for knots in units.knots:
            yield (lambda level=knots: values_.z - level), noise
        return
    groups: Any = units.groups  # type: ignore[attr-defined]
    for k in range(1, groups.shape[1]):
        earlier, last = groups[:, :k], groups[:, k]
        tol = 2 * np.maximum(noise[earlier].max(axis=1), noise[last])

        def folded(earlier: Ints = earlier, last: Ints = last) -> Floats:
            z = values_.z
            top = np.where(earlier >= 0, z[:, earlier], -np.inf).max(axis=2)
            gap = top - z[:, last]
            return np.where((last >= 0) & np.isfinite(top), gap, 0.0)

        yield folded, tol


def _insert_breaks(t: Floats, values_: LayerValues, gaps: Floats, tol: Floats) -> Floats:
    """New vertices where a gap (V, k) changes sign; all put in order along the segment."""
    sign = np.where(np.abs(gaps) <= tol, 0, np.sign(gaps))
    at, wall = np.nonzero(sign[:-1] * sign[1:] < 0)
    if not len(at):
        return t
    before, behind = gaps[at, wall], gaps[at + 1, wall]
    share = before / (before - behind)
    position = t[at] + share * (t[at + 1] - t[at])
    order = np.argsort(position, kind="stable")
    apart = np.diff(position[order], prepend=-np.inf) > BREAK_TOLERANCE
    order = order[apart & (position[order] - t[at[order]] > BREAK_TOLERANCE)]
    order = order[t[at[order] + 1] - position[order] > BREAK_TOLERANCE]
    values_.extend(at[order], at[order] + 1, share[order])
    t = np.r_[t, position[order]]
    rank = np.argsort(t, kind="stable")
    values_.keep(rank)
    return t[rank]


def _codes(net: Network, ends: Floats, t: Floats) -> Codes:
    """The code between each pair of neighbours: z is affine there, so their mean has its sign.

    A unit that is zero at both ends, to rounding, has the lower code, as at a knot.
    """
    n = (len(t) - 1) * net.n_units * np.dtype(net.code_dtype).itemsize
    if n > UNCHECKED_BYTES:
        what = f"the codes of {len(t) - 1:,} pieces of {net.n_units:,} units"
        check_memory(n, what, "Follow a shorter segment.")
    out = np.empty((len(t) - 1, net.n_units), dtype=net.code_dtype)
    step = _most_vertices(net) - 1
    for low in range(0, len(out), step):
        rows = slice(low, low + step)
        values_ = LayerValues(net, _points(ends, t[low : low + step + 1]))
        for layer in net.layers:
            units = values_.advance()
            z = (values_.z[1:] + values_.z[:-1]) / 2
            out[rows, layer.columns] = units.code(z, noise=values_.noise)
            values_.bend()
    return out
