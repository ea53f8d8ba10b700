"""What the readers of models share: layers put together from arrays, and the words of refusals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..._core.memory import check_memory
from ..._core.types import Floats
from ...errors import ModelError
from .._piecewise_layers import Largest, pieces, relu
from ..affine_layers import Average, Concat, Conv, Linear, Rearrange, Scale, Shape, Sum, Window
from ..builder import Builder
from ..network import Network

SUPPORTED = (
    "linear, convolution (1-D and 2-D), batch norm at rest, average pooling, flatten, reshape, "
    "transpose, slice, pad, add, subtract, concatenate, times or plus a constant, dropout, ReLU, "
    "leaky ReLU, PReLU, absolute value, hard tanh, ReLU6, clip, hard sigmoid, max pooling, maximum "
    "and minimum of two"
)
TOLERANCE = 1e-9  # of the largest output: our forward pass against the model's own, in float64


@dataclass(frozen=True, eq=False)
class Loose:
    """Entries of a node moved such that rows of a batch are not along the first axis.

    table holds, for each place, the entry's number from 1 in the node's whole batch (0: padding).
    """

    node: int
    table: NDArray[np.int64]


class Layers(Builder):
    """A builder that knows the layers models are made of; every method returns a node."""

    def linear(self, name: str, at: int, W: Any, b: Any = None) -> int:
        return self.add(name, Linear(_numbers(W), None if b is None else _numbers(b)), at)

    def scale(self, name: str, at: int, a: Any = 1.0, b: Any = None) -> int:
        """Times a, plus b, both broadcast over the sample."""
        shape = self.shape(at)
        b = None if b is None else _numbers(b)
        op = Scale(_numbers(a), b)
        wide = np.broadcast_shapes(shape, op.a.shape, () if b is None else b.shape)
        if wide != shape:  # a constant larger than the signal spreads it
            index = np.broadcast_to(np.arange(math.prod(shape)).reshape(shape), wide).ravel()
            at = self.rearrange(f"{name} (spread)", at, index, wide)
        return self.add(name, op, at)

    def conv(self, name: str, at: int, W: Any, b: Any, window: Window, groups: int) -> int:
        return self.add(
            name, Conv(_numbers(W), None if b is None else _numbers(b), window, groups), at
        )

    def batch_norm(
        self, name: str, at: int, mean: Any, var: Any, eps: float, gain: Any, shift: Any
    ) -> int:
        """Of the channels, the sample's first axis, by the stored mean and variance."""
        a = 1 / np.sqrt(_numbers(var) + eps)
        a = a if gain is None else a * _numbers(gain)
        b = -a * _numbers(mean)
        b = b if shift is None else b + _numbers(shift)
        form = (-1, *[1] * (len(self.shape(at)) - 1))
        return self.scale(name, at, a.reshape(form), b.reshape(form))

    def average(self, name: str, at: int, window: Window, count_padding: bool) -> int:
        return self.add(name, Average(window, count_padding), at)

    def mean(
        self, name: str, at: int, axes: tuple[int, ...], keep: bool, total: bool = False
    ) -> int:
        """Over axes of the sample."""
        shape = self.shape(at)
        rest = [i for i in range(len(shape)) if i not in axes]
        size = math.prod(shape[i] for i in axes)
        order = np.arange(math.prod(shape)).reshape(shape).transpose(*rest, *axes)
        at = self.rearrange(f"{name} (order)", at, order.ravel(), (*(shape[i] for i in rest), size))
        at = self.linear(name, at, np.full((1, size), 1.0 if total else 1 / size))
        to = tuple(1 if i in axes else s for i, s in enumerate(shape) if keep or i not in axes)
        return self.rearrange(f"{name} (shape)", at, None, to)

    def turned(self, name: str, at: int) -> int:
        """The last two axes of the sample exchanged."""
        shape = self.shape(at)
        order = np.arange(math.prod(shape)).reshape(shape).swapaxes(-1, -2)
        return self.rearrange(name, at, order.ravel(), order.shape)

    def spatial(self, name: str, at: int, W: Any, to: Shape) -> int:
        """One matrix (out, in) for the flat spatial axes of every channel."""
        channels, *space = self.shape(at)
        at = self.rearrange(f"{name} (flat)", at, None, (channels, math.prod(space)))
        return self.rearrange(f"{name} (shape)", self.linear(name, at, W), None, (channels, *to))

    def rearrange(self, name: str, at: int, index: Any, to: Shape) -> int:
        """Entries in a new order and shape; nothing is added where neither changes."""
        if index is not None and len(index) == math.prod(self.shape(at)):
            index = None if (index == np.arange(len(index))).all() else index
        if index is None and tuple(to) == self.shape(at):
            return at
        kept = None if index is None else np.ascontiguousarray(index, dtype=np.int64)
        return self.add(name, Rearrange(tuple(to), kept), at)

    def unit(
        self,
        name: str,
        at: int,
        kind: str,
        knots: Any,
        slopes: Any,
        value: float = 0.0,
        start: float = 0.0,
    ) -> int:
        """Pieces with the output `value` at the input `start`."""
        n = math.prod(self.shape(at))
        return self.add(name, pieces(kind, n, knots, slopes, start, value), at)

    def relu(self, name: str, at: int) -> int:
        return self.add(name, relu(math.prod(self.shape(at))), at)

    def leaky(self, name: str, at: int, kind: str, slope: Any) -> int:
        """A slope below zero, a number or one for each channel (the sample's first axis)."""
        shape, below = self.shape(at), _numbers(slope)
        if below.size > 1:
            form = below.reshape(-1, *[1] * (len(shape) - 1)) if below.ndim == 1 else below
            below = np.broadcast_to(form, shape).reshape(-1)
        return self.unit(name, at, kind, [0.0], np.stack([below.ravel(), np.ones(below.size)]))

    def soft_shrink(self, name: str, at: int, knot: float) -> int:
        return self.unit(name, at, "soft_shrink", [-knot, knot], [1.0, 0.0, 1.0])

    def clip(self, name: str, at: int, low: float | None, high: float | None) -> int:
        low = None if low is None or low == -np.inf else float(low)
        high = None if high is None or high == np.inf else float(high)
        if low is not None and high is not None and low >= high:
            raise ModelError(f"layer {name!r} clips to [{low:g}, {high:g}], which is no interval")
        knots = [k for k in (low, high) if k is not None]
        if not knots:
            return at
        slopes = [0.0] * (low is not None) + [1.0] + [0.0] * (high is not None)
        return self.unit(name, at, "clip", knots, slopes, knots[0], knots[0])

    def max_pool(self, name: str, at: int, window: Window, counts: Shape) -> int:
        """The largest in each window; counts are the positions along each axis."""
        shape = self.shape(at)
        window = fitted(window, shape[1:], counts)
        entries = np.arange(math.prod(shape)).reshape(shape)
        full = np.pad(entries, ((0, 0), *window.padding), constant_values=-1)
        seen = np.stack([full[part] for part in window.parts(shape[1:])], axis=-1)
        groups = seen.reshape(-1, seen.shape[-1])
        return self.add(name, Largest("maxpool", groups, (shape[0], *counts)), at)

    def largest(self, name: str, ats: list[int], least: bool = False) -> int:
        """The largest (or least) entry by entry of several nodes."""
        shapes = [self.shape(a) for a in ats]
        to = np.broadcast_shapes(*shapes)
        n = math.prod(to)
        if least:
            ats = [self.scale(f"{name} (negative {i})", a, -1.0) for i, a in enumerate(ats)]
        flat = [self.spread(f"{name} ({i})", a, to) for i, a in enumerate(ats)]
        flat = [self.rearrange(f"{name} (flat {i})", a, None, (n,)) for i, a in enumerate(flat)]
        both = self.add(f"{name} (both)", Concat(0), *flat)
        groups = np.arange(len(ats) * n).reshape(len(ats), n).T
        out = self.add(name, Largest("maximum", groups, to), both)
        return self.scale(f"{name} (least)", out, -1.0) if least else out

    def largest_over(
        self, name: str, at: int, axes: tuple[int, ...], keep: bool, least: bool = False
    ) -> int:
        """The largest (or least) over axes of the sample."""
        shape = self.shape(at)
        rest = [i for i in range(len(shape)) if i not in axes]
        order = np.arange(math.prod(shape)).reshape(shape).transpose(*rest, *axes)
        groups = order.reshape(math.prod(shape[i] for i in rest), -1)
        to = tuple(1 if i in axes else s for i, s in enumerate(shape) if keep or i not in axes)
        return self.pooled(name, at, groups, to, least)

    def pooled(self, name: str, at: int, groups: Any, to: Shape, least: bool = False) -> int:
        """The largest (or least) of groups (o, k) of flat entries, -1 for none."""
        if least:
            at = self.scale(f"{name} (negative)", at, -1.0)
        out = self.add(name, Largest("maximum", np.ascontiguousarray(groups), to), at)
        return self.scale(f"{name} (least)", out, -1.0) if least else out

    def adaptive_max(self, name: str, at: int, counts: Shape) -> int:
        """Max pooling to so many positions; windows overlap where they do not divide."""
        channels, *space = shape = self.shape(at)
        entries = np.arange(math.prod(shape)).reshape(shape)
        spans = [
            [(i * s // k, -(-(i + 1) * s // k)) for i in range(k)]
            for s, k in zip(space, counts, strict=True)
        ]
        windows = [
            entries[(slice(None), *(slice(*span) for span in place))].reshape(channels, -1)
            for place in itertools.product(*spans)
        ]
        groups = np.full((channels, len(windows), max(w.shape[1] for w in windows)), -1)
        for i, window in enumerate(windows):
            groups[:, i, : window.shape[1]] = window
        op = Largest("maxpool", groups.reshape(-1, groups.shape[2]), (channels, *counts))
        return self.add(name, op, at)

    def by_matrix(self, name: str, at: int, run: Callable[[Floats], Any]) -> int:
        """Any affine layer, by its answers to zero and to unit inputs.

        Cost: as many rows through the layer as it has inputs, and the matrix.
        """
        shape = self.shape(at)
        n = math.prod(shape)
        b = np.asarray(run(np.zeros((1, *shape))))[0]
        check_memory(8 * n * (n + 2 * b.size), f"layer {name!r} as a matrix")
        columns = np.asarray(run(np.eye(n).reshape(n, *shape))) - b
        at = self.rearrange(f"{name} (flat)", at, None, (n,))
        shift = b.ravel() if b.any() else None
        at = self.linear(name, at, np.ascontiguousarray(columns.reshape(n, -1).T), shift)
        return self.rearrange(f"{name} (shape)", at, None, b.shape)

    def moved_by(
        self, name: str, at: int | Loose, run: Callable[[Floats], Any], rows: int
    ) -> list[int | Loose]:
        """A movement of entries by what it does to a table of positions; a node for each part.

        run takes `rows` samples. What it adds besides (padding with a number) is added. A part
        whose rows are not along the first axis is loose until another movement brings them back.
        """
        node, table = (at.node, at.table) if isinstance(at, Loose) else (at, None)
        size = math.prod(self.shape(node))
        if table is None:
            table = np.arange(1, rows * size + 1).reshape(rows, *self.shape(node))
        parts: list[int | Loose] = []
        given = table.astype(np.float64)
        for i, (out, added) in enumerate(zip(run(given), run(0 * given), strict=True)):
            label = f"{name} ({i})" if i else name
            index = np.rint(out - added).astype(np.int64)
            own = index[:1]
            later = [own + (own > 0) * size * row for row in range(rows)]
            if index.shape[:1] == (rows,) and (index == np.concatenate(later)).all():
                part = self.rearrange(label, node, own.ravel() - 1, own.shape[1:])
                parts.append(self.scale(label, part, 1.0, added[0]) if added.any() else part)
            elif added.any():
                raise ModelError(f"layer {name!r} mixes or moves the rows of a batch: not read")
            else:
                parts.append(Loose(node, index))
        return parts

    def constant(self, name: str, value: Any) -> int:
        """A node that is the same for every input."""
        array = _numbers(value)
        at = self.rearrange(name, 0, np.full(array.size, -1), array.shape)
        return self.scale(name, at, 1.0, array)

    def held(self, name: str, at: int | Loose | None) -> int:
        """A node that is one, with its rows along the first axis."""
        if isinstance(at, Loose):
            raise ModelError(
                f"what enters {name!r} mixes or moves the rows of a batch: it is not read"
            )
        if at is None:
            refuse(name, "use of the places of maxima (indices)")
        return at

    def spread(self, name: str, at: int, to: Shape) -> int:
        """Broadcast to a shape."""
        index = np.arange(math.prod(self.shape(at))).reshape(self.shape(at))
        return self.rearrange(name, at, np.broadcast_to(index, to).ravel(), to)

    def sum(self, name: str, ats: list[int], factors: tuple[float, ...]) -> int:
        to = np.broadcast_shapes(*(self.shape(a) for a in ats))
        flat = [self.spread(f"{name} ({i})", a, to) for i, a in enumerate(ats)]
        return self.add(name, Sum(factors), *flat)

    def concat(self, name: str, ats: list[int], axis: int) -> int:
        return self.add(name, Concat(axis), *ats)


def fitted(window: Window, space: Shape, counts: Shape) -> Window:
    """The window with its padding at the end such that it has so many positions (ceil mode)."""
    padding = []
    for i, (size, count) in enumerate(zip(space, counts, strict=True)):
        before = window.padding[i][0]
        reach = (count - 1) * window.stride[i] + window.dilation[i] * (window.size[i] - 1) + 1
        padding.append((before, max(window.padding[i][1], reach - size - before)))
    return Window(window.size, window.stride, tuple(padding), window.dilation)


def refuse(name: str, kind: str, *, part: bool = True) -> NoReturn:
    """Say what a layer is, what is known, and (where there is one) how to read the part before."""
    offer = f'The part before it can be read: read(model, upto="{name}"). ' if part else ""
    raise ModelError(
        f"layer {name!r} is a {kind}, which is not piecewise affine or not known here. Known are: "
        f"{SUPPORTED}. {offer}For where queries stand in the data no network is needed: "
        f"hullwise.locate."
    )


def checked(net: Network, X: Floats, expected: Any, what: str, tol: float = TOLERANCE) -> None:
    """That our forward pass gives what the model itself gives; never analyse a wrong copy.

    Raises
    ------
    ModelError
        If shapes or numbers differ, or the model gives NaN.
    """
    wanted = np.asarray(expected, dtype=np.float64).reshape(len(X), -1)
    found = net(X)
    if not np.isfinite(wanted).all():
        raise ModelError(f"{what} gives NaN or infinity on ordinary inputs")
    if found.shape != wanted.shape:
        raise ModelError(
            f"{what} gives {wanted.shape[1]} outputs, as read it gives {found.shape[1]}: please "
            f"report this model"
        )
    scale = max(float(np.abs(wanted).max(initial=0.0)), 1e-300)
    gap = float(np.abs(found - wanted).max(initial=0.0)) / scale
    if gap > tol:
        raise ModelError(
            f"{what}, as read, differs from itself by {gap:.1e} of its largest output on test "
            f"inputs (at most {tol:.0e} is rounding): it is not analysed. Please report this model."
        )


def per_row(name: str, value: Any, rank: int) -> Floats:
    """A constant as it applies to one row, where `rank` axes are those of a batch."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim < rank:
        return array
    if array.ndim > rank or not (array == array[:1]).all():
        raise ModelError(f"layer {name!r} has a constant for each row of a batch: not read")
    return np.asarray(array[0])


def probes(shape: Shape, m: int = 8) -> Floats:
    """Test inputs (m, d): zero, small, ordinary and large."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(m, math.prod(shape))) * np.geomspace(0.01, 30, m)[:, None]
    X[0] = 0
    return X


def _numbers(values: Any) -> Floats:
    return np.array(values, dtype=np.float64)
