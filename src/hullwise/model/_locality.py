"""Which inputs each entry of a network can see, and slopes of entries that see none in common.

Behind convolutions a unit's slope is zero outside its receptive field. Entries whose fields do not
overlap share one backward pass: the slope of each stands alone in its own field. Fields are those
of the layers' structure, whatever the weights and the codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import scipy.sparse as sp

from .._core.numba import jit
from .._core.types import Floats, Ints
from ._piecewise_layers import Codes, Largest
from .affine_layers import Average, Concat, Conv, Linear, Rearrange, Scale, Shape, Sum, Window
from .network import PUSH_BLOCK_NUMBERS, Network

PASSED_NUMBERS = 2**24  # of a point, in all its passes: beyond, slopes are estimated first
MOST_FIELD_ENTRIES = 2**25  # of all receptive fields of one node; beyond, nothing is shared
OCCUPIED_NUMBERS = 2**27  # passes times inputs, while entries are put into passes


@dataclass(frozen=True, eq=False)
class SharedPasses:
    """Entries of a node in passes: those of one pass have fields without a common input.

    entries (n) pass after pass, starts (p + 1) where each begins; fields are the inputs that these
    entries see, one after another, ends (n + 1) where each entry's begin. Entries that see nothing
    are left out.
    """

    entries: Ints
    starts: Ints
    fields: Ints
    ends: Ints

    @property
    def n_passes(self) -> int:
        return len(self.starts) - 1


@dataclass(frozen=True, eq=False)
class LayerPasses:
    """Of one layer of units: passes of the entries that enter it, and of its maxima."""

    entries: SharedPasses
    maxima: SharedPasses | None

    def cost(self, units: Any) -> int:
        """Backward passes for a point."""
        wide = 0 if self.maxima is None else self.maxima.n_passes * units.groups.shape[1]
        return self.entries.n_passes + wide


def layer_passes(net: Network, n_tangents: int) -> tuple[LayerPasses, ...] | None:
    """The shared passes of all layers of units; None where they are no fewer than tangents.

    None, too, where they cost so much that random tangents are taken (`_sampled_walls`).

    Cost: a sparse product for each layer, once for a network.
    """
    most = min(n_tangents, OCCUPIED_NUMBERS // net.n_inputs, most_passes(net))
    limit = min(MOST_FIELD_ENTRIES, most * net.n_inputs)  # fields of one pass have no common input
    fields: dict[int, Any] = {0: sp.identity(net.n_inputs, dtype=np.float32, format="csr")}
    out: list[LayerPasses] = []
    for i in range(1, net.layers[-1].node + 1):
        node = net.nodes[i]
        seen = [fields[j] for j in node.inputs]
        shapes = [net.nodes[j].shape for j in node.inputs]
        own = _through(node.op, seen, shapes, node.shape, limit)
        if own is None:
            return None
        fields[i] = own
        if node.is_piecewise:
            entries = _shared(seen[0], most)
            wide = isinstance(node.op, Largest)
            maxima = _shared(own, most) if wide else None
            if entries is None or (wide and maxima is None):
                return None
            out.append(LayerPasses(entries, maxima))
            most -= out[-1].cost(node.op)
            if most < 0:
                return None
    return tuple(out)


def most_passes(net: Network) -> int:
    """How many passes the slopes at a point may take."""
    return PASSED_NUMBERS // sum(prod(node.shape) for node in net.nodes)


def _through(op: Any, seen: list[Any], shapes: list[Shape], shape: Shape, limit: int) -> Any:
    """The fields (size, d) behind a layer; None where they are too many to hold."""
    if hasattr(op, "knots") or isinstance(op, Scale):
        return seen[0]
    if isinstance(op, Largest):
        places = np.flatnonzero(op.groups.ravel() >= 0)
        rows = places // op.groups.shape[1]
        chosen = _ones(rows, op.groups.ravel()[places], (len(op.groups), prod(shapes[0])))
        return _product(chosen, seen, limit)
    if isinstance(op, Linear):
        lead = prod(shapes[0][:-1])
        joined = sp.kron(sp.identity(lead), np.ones((1, shapes[0][-1]), np.float32), format="csr")
        return _repeated(_product(joined, seen, limit), shape[-1], limit)
    if isinstance(op, Conv):
        per_channel = _window_pattern(op.window, shapes[0][1:])
        groups, channels = op.groups, shapes[0][0]
        joined = sp.kron(sp.identity(groups), np.ones((1, channels // groups), np.float32))
        fields = _product(sp.kron(joined, per_channel, format="csr"), seen, limit)
        each = shape[0] // groups
        if fields is None or fields.nnz * each > limit:
            return None
        order = np.arange(fields.shape[0]).reshape(groups, 1, -1)
        return fields[np.repeat(order, each, axis=1).ravel()]
    if isinstance(op, Average):
        pattern = _window_pattern(op.window, shapes[0][1:])
        return _product(sp.kron(sp.identity(shapes[0][0]), pattern, format="csr"), seen, limit)
    if isinstance(op, Rearrange):
        return seen[0] if op.index is None else _moved(seen[0], op.index)
    if isinstance(op, Sum):
        total = 0
        for part, own in zip(seen, shapes, strict=True):
            index = np.arange(prod(own)).reshape(own)
            total = total + part[np.broadcast_to(index, shape).ravel()]
        return _counted(total, limit)
    if isinstance(op, Concat):
        starts = np.cumsum([0, *map(prod, shapes)])
        parts = [
            start + np.arange(prod(own)).reshape(own)
            for start, own in zip(starts[:-1], shapes, strict=True)
        ]
        return sp.vstack(seen, format="csr")[np.concatenate(parts, axis=op.axis).ravel()]
    return None


def _ones(rows: Any, columns: Any, shape: tuple[int, int]) -> Any:
    return sp.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape)


def _product(pattern: Any, seen: list[Any], limit: int) -> Any:
    """The union of fields for each row of a pattern."""
    if seen[0] is None:
        return None
    if float((pattern @ np.diff(seen[0].indptr)).sum()) > 8 * limit:
        return None
    return _counted(pattern @ seen[0], limit)


def _counted(fields: Any, limit: int) -> Any:
    """Fields as ones; None where they are too many to hold."""
    if fields.nnz > limit:
        return None
    fields = fields.tocsr()
    fields.data[:] = 1
    return fields


def _repeated(fields: Any, times: int, limit: int) -> Any:
    if fields is None or fields.nnz * times > limit:
        return None
    return fields[np.repeat(np.arange(fields.shape[0]), times)]


def _moved(fields: Any, index: Ints) -> Any:
    """Rows in another order, -1 an entry that sees nothing."""
    nothing = sp.csr_matrix((1, fields.shape[1]), dtype=np.float32)
    return sp.vstack([fields, nothing], format="csr")[index]


def _window_pattern(window: Window, space: Shape) -> Any:
    """Which places of space each position of a window sees: (positions, prod(space))."""
    places = np.arange(prod(space), dtype=np.float64).reshape(1, 1, *space)
    full = window.padded(places, -1)
    seen = np.stack([full[part].ravel() for part in window.parts(space)], axis=1)
    rows = np.repeat(np.arange(len(seen)), seen.shape[1])[(seen >= 0).ravel()]
    columns = seen[seen >= 0].astype(np.int64)
    return _ones(rows, columns, (len(seen), prod(space)))


def _shared(fields: Any, most: int) -> SharedPasses | None:
    """Entries put into the first pass that none of their inputs is taken in; None beyond `most`."""
    if most < 1:
        return None
    fields.sort_indices()
    d = fields.shape[1]
    colour = _first_free(fields.indptr, fields.indices, d, most)
    if (colour == -2).any():
        return None
    entries = np.argsort(colour, kind="stable")
    entries = entries[colour[entries] >= 0]
    sizes = np.diff(fields.indptr)[entries]
    order = colour[entries]
    starts = np.searchsorted(order, np.arange(order.max(initial=-1) + 2))
    own = [fields.indices[fields.indptr[e] : fields.indptr[e + 1]] for e in entries]
    inputs = np.concatenate(own) if own else np.zeros(0, dtype=np.int64)
    return SharedPasses(entries, starts, inputs.astype(np.int64), np.r_[0, np.cumsum(sizes)])


@jit
def _first_free(indptr, indices, d, most):  # type: ignore[no-untyped-def]
    """A pass for each entry: -1 of one that sees nothing, -2 where none of `most` is free."""
    n = len(indptr) - 1
    taken = np.zeros((most, d), np.bool_)
    colour = np.full(n, -1, np.int64)
    for e in range(n):
        if indptr[e] == indptr[e + 1]:
            continue
        colour[e] = -2
        for c in range(most):
            free = True
            for k in range(indptr[e], indptr[e + 1]):
                if taken[c, indices[k]]:
                    free = False
                    break
            if free:
                for k in range(indptr[e], indptr[e + 1]):
                    taken[c, indices[k]] = True
                colour[e] = c
                break
        if colour[e] == -2:
            break
    return colour


def slope_lengths(
    net: Network, passes: tuple[LayerPasses, ...], codes: Codes
) -> Iterator[tuple[slice, list[Floats], list[Floats]]]:
    """Point by point: the lengths of the slopes of what enters each layer, and of its walls."""
    for i in range(len(codes)):
        code, entries, walls = codes[i : i + 1], [], []
        for layer, one in zip(net.layers, passes, strict=True):
            node, op = net.nodes[layer.node].inputs[0], net.nodes[layer.node].op
            own = _entry_lengths(net, node, one.entries, code)
            entries.append(own[None])
            if one.maxima is None:
                walls.append(np.tile(own, len(op.knots))[None])  # type: ignore[union-attr]
            else:
                winners = code[0, layer.columns]
                walls.append(_maximum_lengths(net, node, op, one.maxima, code, winners)[None])
        yield slice(i, i + 1), entries, walls


def _entry_lengths(net: Network, node: int, passes: SharedPasses, code: Codes) -> Floats:
    width = prod(net.nodes[node].shape)
    out = np.zeros(width)
    for low, high in _chunks(net, passes):
        entries = passes.entries[passes.starts[low] : passes.starts[high]]
        row = np.repeat(np.arange(high - low), np.diff(passes.starts[low : high + 1]))
        seeds = np.zeros((1, high - low, width))
        seeds[0, row, entries] = 1
        out[entries] = _lengths(net.pull({node: seeds}, code)[0], passes, low, high, row)
    return out


def _maximum_lengths(
    net: Network, node: int, op: Any, passes: SharedPasses, code: Codes, winners: Codes
) -> Floats:
    """Of the walls of maxima: the winner less each other entry."""
    width, places = prod(net.nodes[node].shape), op.groups.shape[1]
    out = np.zeros((len(op.groups), places))
    for low, high in _chunks(net, passes):
        units = passes.entries[passes.starts[low] : passes.starts[high]]
        row = np.repeat(np.arange(high - low), np.diff(passes.starts[low : high + 1]))
        best = op.groups[units, winners[units]]
        for place in range(places):
            other = op.groups[units, place]
            real = (other >= 0) & (other != best)
            seeds = np.zeros((1, high - low, width))
            seeds[0, row[real], best[real]] = 1
            seeds[0, row[real], other[real]] = -1
            slopes = net.pull({node: seeds}, code)[0]
            out[units, place] = np.where(real, _lengths(slopes, passes, low, high, row), 0.0)
    return out.ravel()


def _chunks(net: Network, passes: SharedPasses) -> Iterator[tuple[int, int]]:
    step = max(1, PUSH_BLOCK_NUMBERS // net.widest)
    for low in range(0, passes.n_passes, step):
        yield low, min(passes.n_passes, low + step)


def _lengths(slopes: Floats, passes: SharedPasses, low: int, high: int, row: Ints) -> Floats:
    """Of slopes (passes, d) the lengths within each entry's own field."""
    first, last = passes.starts[low], passes.starts[high]
    if first == last:
        return np.zeros(0)
    ends = passes.ends[first : last + 1]
    fields = passes.fields[ends[0] : ends[-1]]
    own = slopes[np.repeat(row, np.diff(ends)), fields]
    return np.asarray(np.sqrt(np.add.reduceat(own * own, ends[:-1] - ends[0])))
