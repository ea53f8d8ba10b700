"""The layers that models are made of: windows, maxima, orders, and moves of whole batches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.types import Floats
from ...errors import ModelError
from .._piecewise_layers import Largest, Pieces
from ..affine_layers import Average, Concat, Conv, Shape, Sum, Window
from ._basic_layers import as_floats, reduced_shape
from ._entrywise import Entrywise, constant_entries, entrywise, times
from ._refusals import Refusal, refuse
from ._smooth_layers import SmoothLayers

SAME_CONSTANT = 1e-13  # of the largest: constants that are one, computed in two rows of a batch
LONGEST_SORT = 4096  # entries along an axis that are put in order by a network of comparisons


@dataclass(frozen=True, eq=False)
class MovedBatch:
    """Entries of a node moved such that rows of a batch are not along the first axis.

    table holds, for each place, the entry's number from 1 in the node's whole batch (0: padding).
    """

    node: int
    table: NDArray[np.int64]


class LayerBuilder(SmoothLayers):
    """A builder that readers use; every method returns a node, of one row."""

    def conv(self, name: str, node: int, W: Any, b: Any, window: Window, groups: int) -> int:
        bias = None if b is None else as_floats(b)
        return self.add(name, Conv(as_floats(W), bias, window, groups), node)

    def pointwise_conv(self, name: str, node: int, W: Any, b: Any, groups: int) -> int:
        """A matrix (o, c / groups) for the channels of (c, *space)."""
        n = len(self.shape(node)) - 1
        window = Window((1,) * n, (1,) * n, ((0, 0),) * n, (1,) * n)
        return self.conv(name, node, np.reshape(W, (*np.shape(W), *[1] * n)), b, window, groups)

    def average_pool(self, name: str, node: int, window: Window, count_padding: bool) -> int:
        return self.add(name, Average(window, count_padding), node)

    def conv_transpose(
        self, name: str, node: int, W: Any, b: Any, window: Window, groups: int, counts: Shape
    ) -> int:
        """The adjoint of a convolution with W (c, o / groups, *size), to `counts` positions.

        Zeros are put between the entries, then a convolution with the turned weights follows.
        """
        channels, *space = self.shape(node)
        W = as_floats(W).reshape(groups, channels // groups, *np.shape(W)[1:])
        W = np.flip(W.swapaxes(1, 2), axis=tuple(range(3, W.ndim)))
        W = np.ascontiguousarray(W).reshape(-1, channels // groups, *window.size)
        n = len(window.size)
        stretched = [t * (s - 1) + 1 for t, s in zip(window.stride, space, strict=True)]
        reach = [d * (k - 1) for d, k in zip(window.dilation, window.size, strict=True)]
        before = [r - p[0] for r, p in zip(reach, window.padding, strict=True)]
        sizes = [c + r for c, r in zip(counts, reach, strict=True)]
        self.check_array((channels, *stretched), name)
        self.check_array((channels, *sizes), name)
        entries = np.full((channels, *stretched), -1)
        steps = tuple(slice(None, None, t) for t in window.stride)
        entries[(slice(None), *steps)] = np.arange(channels * math.prod(space)).reshape(
            channels, *space
        )
        for axis in range(n):
            entries = crop_or_pad(entries, axis + 1, before[axis], sizes[axis])
        node = self.rearrange(f"{name} (spread)", node, entries.ravel(), entries.shape)
        inner = Window(window.size, (1,) * n, ((0, 0),) * n, window.dilation)
        return self.conv(name, node, W, b, inner, groups)

    def max_pool(self, name: str, node: int, window: Window, counts: Shape) -> int:
        """The largest in each window; counts are the positions along each axis."""
        groups = self.windows(name, node, window, counts)
        return self.add(name, Largest("maxpool", groups, (self.shape(node)[0], *counts)), node)

    def windows(self, name: str, node: int, window: Window, counts: Shape) -> Any:
        """The entries (o, k) that a sliding window sees, -1 for padding, channel by channel."""
        shape = self.shape(node)
        self.check_array((shape[0], *counts, *window.size), name)
        window = pad_to_counts(window, shape[1:], counts)
        entries = np.arange(math.prod(shape)).reshape(shape)
        padded = np.pad(entries, ((0, 0), *window.padding), constant_values=-1)
        reach = [d * (k - 1) + 1 for d, k in zip(window.dilation, window.size, strict=True)]
        axes = tuple(range(1, len(shape)))
        views = np.lib.stride_tricks.sliding_window_view(padded, reach, axes)
        starts = [slice(0, t * c, t) for t, c in zip(window.stride, counts, strict=True)]
        views = views[(slice(None), *starts, *(slice(None, None, d) for d in window.dilation))]
        return views.reshape(shape[0] * math.prod(counts), -1)

    def maximum(self, name: str, nodes: list[int], minimum: bool = False) -> int:
        """The largest (or smallest) entry by entry of several nodes."""
        to = np.broadcast_shapes(*(self.shape(node) for node in nodes))
        n = math.prod(to)
        if minimum:
            nodes = [self.scale(f"{name} (minus {i})", one, -1.0) for i, one in enumerate(nodes)]
        nodes = [self.broadcast(f"{name} ({i})", one, to) for i, one in enumerate(nodes)]
        flat = [self.rearrange(f"{name} (flat {i})", a, None, (n,)) for i, a in enumerate(nodes)]
        joined = self.add(f"{name} (joined)", Concat(0), *flat)
        groups = np.arange(len(nodes) * n).reshape(len(nodes), n).T
        out = self.add(name, Largest("maximum", groups, to), joined)
        return self.scale(f"{name} (minimum)", out, -1.0) if minimum else out

    def maximum_over(
        self,
        name: str,
        node: int,
        axes: tuple[int, ...],
        keepdims: bool,
        minimum: bool = False,
        kind: str = "maximum",
    ) -> int:
        """The largest (or smallest) over axes of the sample."""
        shape = self.shape(node)
        others = [i for i in range(len(shape)) if i not in axes]
        order = np.arange(math.prod(shape)).reshape(shape).transpose(*others, *axes)
        groups = order.reshape(math.prod(shape[i] for i in others), -1)
        to = reduced_shape(shape, axes, keepdims)
        return self.maximum_of_groups(name, node, groups, to, minimum, kind)

    def maximum_of_groups(
        self,
        name: str,
        node: int,
        groups: Any,
        to: Shape,
        minimum: bool = False,
        kind: str = "maximum",
    ) -> int:
        """The largest (or smallest) of groups (o, k) of flat entries, -1 for none."""
        if minimum:
            node = self.scale(f"{name} (minus)", node, -1.0)
        out = self.add(name, Largest(kind, np.ascontiguousarray(groups), to), node)
        return self.scale(f"{name} (minimum)", out, -1.0) if minimum else out

    def of_entries(self, name: str, f: Entrywise, shape: Shape, kind: str = "where") -> int:
        """A function of the entries of an earlier node that has no jumps, as a layer."""
        if f.root is None:
            return self.constant(name, f.offsets[0].reshape(shape))
        if not len(f.knots):
            of_root = self.shape(f.root)
            a, b = f.slopes[0].reshape(of_root), f.offsets[0].reshape(of_root)
            return self.rearrange(f"{name} (shape)", self.scale(name, f.root, a, b), None, shape)
        self.check_array((3, *f.slopes.shape), name)
        out = self.add(name, Pieces(kind, f.knots, f.slopes, f.offsets), f.root)
        return self.rearrange(f"{name} (shape)", out, None, shape)

    def difference(self, name: str, first: int, second: int) -> Entrywise:
        """Of two nodes entry by entry; the same one each time that it is asked for."""
        for i, node in enumerate(self.nodes):
            if isinstance(node.op, Sum) and node.op.factors == (1.0, -1.0):
                if node.inputs == (first, second):
                    return entrywise(self.nodes, i)
                if node.inputs == (second, first):
                    return entrywise(self.nodes, i).mapped(-1.0, 0.0)
        made = self.weighted_sum(name, [first, second], (1.0, -1.0))
        return entrywise(self.nodes, made)

    def chosen_branch(self, name: str, mask: Entrywise, first: int, second: int) -> int | None:
        """The first node where the mask is 1, else the second; None where that would jump."""
        pair = [self.before_reshape(node) for node in (first, second)]
        part = times(mask, self.difference(f"{name} (difference)", *pair))
        if part is None or not part.meets():
            return None
        gap = self.of_entries(name, part, self.shape(second))
        return self.weighted_sum(f"{name} (sum)", [second, gap], (1.0, 1.0))

    def sorted_along(self, name: str, node: int, axis: int, descending: bool, k: int) -> int:
        """The first k entries in order along an axis, by a network of comparisons.

        Merge exchange (Knuth, The Art of Computer Programming 3, algorithm 5.2.2 M): stages of
        disjoint pairs, each pair put in order by its maximum and its minimum.
        """
        shape = self.shape(node)
        n = shape[axis]
        order = np.moveaxis(np.arange(math.prod(shape)).reshape(shape), axis, -1)
        lines = order.reshape(-1, n)
        node = self.rearrange(f"{name} (flat)", node, None, (lines.size,))
        for stage, (first, second) in enumerate(merge_exchange(n)):
            pairs = np.stack([lines[:, first], lines[:, second]], axis=-1).reshape(-1, 2)
            label, m = f"{name} (stage {stage})", len(pairs)
            self.check_array((m, 2), name)
            largest = self.maximum_of_groups(f"{label} (largest)", node, pairs, (m,))
            smallest = self.maximum_of_groups(f"{label} (smallest)", node, pairs, (m,), True)
            joined = self.concat(label, [node, largest, smallest], 0)
            index = np.arange(lines.size)
            index[pairs[:, 0 if descending else 1]] = lines.size + np.arange(m)
            index[pairs[:, 1 if descending else 0]] = lines.size + m + np.arange(m)
            node = self.rearrange(label, joined, index, (lines.size,))
        kept = np.moveaxis(order[..., :k], -1, axis)
        return self.rearrange(name, node, kept.ravel(), kept.shape)

    def adaptive_max_pool(self, name: str, node: int, counts: Shape) -> int:
        """Max pooling to so many positions; windows overlap where they do not divide."""
        channels, *space = shape = self.shape(node)
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
        return self.add(name, op, node)

    def pool_at(self, name: str, node: int, sizes: Shape, counts: Shape, draws: Any) -> int:
        """Fractional max pooling (Graham 2014): windows at ``int((i + draw) a) - int(draw a)``.

        draws (channels, axes) lie in [0, 1), a is such that the windows reach from end to end.
        """
        channels, *space = shape = self.shape(node)
        entries = np.arange(math.prod(shape)).reshape(shape)
        groups = []
        for own, draw in zip(entries, draws, strict=True):
            places = [
                _drawn_starts(n, k, size, u)[:, None] + np.arange(size)
                for n, k, size, u in zip(space, counts, sizes, draw, strict=True)
            ]
            for place in itertools.product(*places):
                groups.append(own[np.ix_(*place)].ravel())
        op = Largest("maxpool", np.array(groups), (channels, *counts))
        return self.add(name, op, node)

    def moved_entries(self, name: str, f: Entrywise, places: Any) -> Entrywise:
        """A function of entries with these of its flat entries, in this order."""
        if f.root is None:
            return constant_entries(f.offsets[0, places])
        if len(places) == f.slopes.shape[1] and (places == np.arange(len(places))).all():
            return f
        node = self._same_move(f.root, places)
        if node is None:
            node = self.rearrange(f"{name} (entries)", f.root, places, places.shape)
        inner = entrywise(self.nodes, node)
        return Entrywise(inner.root, *(v[:, places] for v in (f.knots, f.slopes, f.offsets)))

    def _same_move(self, root: int, places: Any) -> int | None:
        """A node whose flat entries are these of another: what was compared may be moved alike."""
        whole = self.before_reshape(root)
        for i, node in enumerate(self.nodes):
            index = getattr(node.op, "index", None)
            if index is None or self.before_reshape(node.inputs[0]) != whole:
                continue
            if np.array_equal(index, places):
                return i
        return None

    def rearranged_by(
        self,
        name: str,
        values: Sequence[int | MovedBatch],
        evaluate: Callable[..., Any],
        n_rows: int,
    ) -> list[int | MovedBatch]:
        """A movement of entries by what it does to tables of positions; a node for each part.

        `evaluate` takes `n_rows` samples of each value. What it adds besides (padding with a
        number) is added. A part whose rows are not along the first axis is a MovedBatch until
        another movement brings them back.
        """
        node, tables = self.joined_tables(name, values, n_rows)
        size = math.prod(self.shape(node))
        parts: list[int | MovedBatch] = []
        outputs = zip(
            evaluate(*(table.astype(np.float64) for table in tables)),
            evaluate(*(np.zeros(table.shape) for table in tables)),
            strict=True,
        )
        for i, (out, offset) in enumerate(outputs):
            label = f"{name} ({i})" if i else name
            index = np.rint(out - offset).astype(np.int64)
            first = index[:1]
            rows = [first + (first > 0) * size * row for row in range(n_rows)]
            if index.shape[:1] == (n_rows,) and (index == np.concatenate(rows)).all():
                part = self.rearrange(label, node, first.ravel() - 1, first.shape[1:])
                parts.append(self.scale(label, part, 1.0, offset[0]) if offset.any() else part)
            elif offset.any():
                raise ModelError(f"layer {name!r} mixes or moves the rows of a batch: not read")
            else:
                parts.append(MovedBatch(node, index))
        return parts

    def joined_tables(
        self, name: str, values: Sequence[int | MovedBatch], n_rows: int
    ) -> tuple[int, list[NDArray[np.int64]]]:
        """One node that holds all of some values' entries, and for each their positions in it."""
        nodes = [v.node if isinstance(v, MovedBatch) else v for v in values]
        distinct = list(dict.fromkeys(nodes))
        sizes = [math.prod(self.shape(node)) for node in distinct]
        starts = dict(zip(distinct, np.cumsum([0, *sizes[:-1]]), strict=True))
        total = sum(sizes)
        tables = []
        for value, node in zip(values, nodes, strict=True):
            shape = (n_rows, *self.shape(node))
            own = np.arange(1, math.prod(shape) + 1).reshape(shape)
            own = value.table if isinstance(value, MovedBatch) else own
            row, entry = np.divmod(own - 1, max(math.prod(shape[1:]), 1))
            tables.append(np.where(own > 0, row * total + starts[node] + entry + 1, 0))
        if len(distinct) == 1:
            return distinct[0], tables
        flat = [
            self.rearrange(f"{name} (flat {i})", node, None, (size,))
            for i, (node, size) in enumerate(zip(distinct, sizes, strict=True))
        ]
        return self.concat(f"{name} (joined)", flat, 0), tables

    def batch_first(self, name: str, value: int | MovedBatch | None) -> int:
        """A value that is a node, with its rows along the first axis."""
        if isinstance(value, MovedBatch):
            raise ModelError(
                f"what enters {name!r} mixes or moves the rows of a batch: it is not read"
            )
        if value is None:
            refuse(name, "use of the places of maxima (indices)", Refusal.JUMPS)
        return value


def _drawn_starts(n: int, count: int, size: int, draw: float) -> NDArray[np.int64]:
    """Where `count` windows of a size begin among n entries."""
    step = (n - size) / (count - 1) if count > 1 else 0.0
    starts = ((np.arange(count) + draw) * step).astype(np.int64) - int(draw * step)
    starts[-1] = n - size
    return starts


def pad_to_counts(window: Window, space: Shape, counts: Shape) -> Window:
    """The window with its padding at the end such that it has so many positions (ceil mode)."""
    padding = []
    for i, (size, count) in enumerate(zip(space, counts, strict=True)):
        before = window.padding[i][0]
        reach = (count - 1) * window.stride[i] + window.dilation[i] * (window.size[i] - 1) + 1
        padding.append((before, max(window.padding[i][1], reach - size - before)))
    return Window(window.size, window.stride, tuple(padding), window.dilation)


def constant_of_one_row(name: str, value: Any, rank: int) -> Floats:
    """A constant as it applies to one row, where `rank` axes are those of a batch."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim < rank:
        return array
    slack = SAME_CONSTANT * float(np.abs(array).max(initial=0.0))
    if array.ndim > rank or not (np.abs(array - array[:1]) <= slack).all():
        raise ModelError(f"layer {name!r} has a constant for each row of a batch: not read")
    return np.asarray(array[0])


def merge_exchange(n: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The stages of a sorting network on n entries: disjoint pairs, the smaller place first."""
    top = 1 << max(n - 1, 0).bit_length() >> 1
    p = top
    while p:
        q, r, d = top, 0, p
        while True:
            first = np.arange(n - d)
            first = first[(first & p) == r]
            yield first, first + d
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1


def crop_or_pad(entries: Any, axis: int, before: int, size: int) -> Any:
    """Entries along an axis from `before` places in front of them on, -1 where there are none."""
    index = np.arange(size) - before
    inside = (index >= 0) & (index < entries.shape[axis])
    taken = np.take(entries, np.where(inside, index, 0), axis=axis)
    return np.where(inside.reshape(-1, *[1] * (entries.ndim - axis - 1)), taken, -1)
