"""Updates put into data at constant places, either of which may depend on the input."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....affine_layers import Concat
from ..call import Call
from ..registry import operator
from ..values import Constant, Signal, Value

TIMES_ADDED = 256  # updates that are added to one entry
REDUCTIONS = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


@operator("ScatterElements", "Scatter", opsets=(9, 11, 13, 16, 18), arrays=True)
def scatter_elements(call: Call) -> Value:
    shape, indices = call.shape(), np.asarray(call.constant(1))
    axis = call.axis("axis", 0, len(shape))
    fits = all(
        n <= s or i == axis for i, (n, s) in enumerate(zip(indices.shape, shape, strict=False))
    )
    if indices.ndim != len(shape) or call.shape(2) != indices.shape or not fits:
        call.cannot_run()
    places: list[Any] = list(np.indices(indices.shape, sparse=True))
    places[axis] = _from_the_start(call, indices, shape[axis])
    targets = np.ravel_multi_index(np.broadcast_arrays(*places), shape)
    return _scattered(call, targets.ravel())


@operator("ScatterND", opsets=(11, 13, 16, 18), arrays=True)
def scatter_nd(call: Call) -> Value:
    shape, indices = call.shape(), np.asarray(call.constant(1))
    depth = indices.shape[-1] if indices.ndim else 0
    if not 0 < depth <= len(shape) or call.shape(2) != (*indices.shape[:-1], *shape[depth:]):
        call.cannot_run()
    columns = [_from_the_start(call, indices[..., i], shape[i]) for i in range(depth)]
    slices = np.ravel_multi_index(columns, shape[:depth]).reshape(-1, 1)
    size = math.prod(shape[depth:])
    return _scattered(call, (slices * size + np.arange(size)).ravel())


@operator("TensorScatter", opsets=(24,), arrays=True)
def tensor_scatter(call: Call) -> Value:
    """A cache with an update written into it, from a place of each row on."""
    shape, own = call.shape(0), call.shape(1)
    axis = call.axis("axis", -2, len(shape))
    rest = [s == o for i, (s, o) in enumerate(zip(shape, own, strict=False)) if i != axis]
    if len(own) != len(shape) or axis == 0 or not all(rest) or own[axis] > shape[axis]:
        call.cannot_run()
    starts = np.asarray(call.integers_of(2, [0] * shape[0]))
    if starts.shape != (shape[0],):
        call.cannot_run()
    places: list[Any] = list(np.indices(own, sparse=True))
    along = places[axis] + starts.reshape(-1, *[1] * (len(own) - 1))
    circular = call.text("mode", "linear") == "circular"
    places[axis] = along % shape[axis] if circular else along
    if places[axis].min() < 0 or places[axis].max() >= shape[axis]:
        call.invalid("it writes beyond its cache")
    targets = np.ravel_multi_index(np.broadcast_arrays(*places), shape)
    call.inputs = [call.inputs[0], None, call.inputs[1]]
    return _scattered(call, targets.ravel())


def _from_the_start(call: Call, indices: Any, size: int) -> NDArray[np.int64]:
    if indices.dtype.kind not in "iu" or (
        indices.size and not -size <= indices.min() <= indices.max() < size
    ):
        call.invalid(f"an index lies outside {size} entries")
    return np.asarray(indices % max(size, 1), dtype=np.int64)


def _scattered(call: Call, targets: NDArray[np.int64]) -> Value:
    """Input 2, flat, at flat targets of input 0."""
    how = call.text("reduction", "none") if call.opset >= 16 else "none"
    if how != "none" and how not in REDUCTIONS:
        call.invalid(f"its reduction is {how[:40]!r}")
    if not call.signals():
        return _of_constants(call, targets, how)
    if how == "none":
        return _replaced(call, targets)
    if not call.is_constant(2):
        if how != "add":
            call.refuse(f"of a branch, with the reduction {how!r}")
        return _added(call, targets)
    shape = call.shape()
    neutral = {"add": 0.0, "mul": 1.0, "max": -np.inf, "min": np.inf}[how]
    full = np.full(math.prod(shape), neutral)
    REDUCTIONS[how].at(full, targets, call.constant(2).ravel())
    own = np.broadcast_to(call.per_row(full.reshape(shape), len(shape)), _row_shape(call))
    builder, node = call.builder, call.node()
    if how == "add":
        return call.result(builder.scale(call.name, node, 1.0, own))
    if how == "mul":
        return call.result(builder.scale(call.name, node, own))
    return call.result(_bounded(call, node, own.ravel(), minimum=how == "min"))


def _row_shape(call: Call) -> Any:
    shape = call.shape()
    return (shape[0] // call.n_rows, *shape[1:]) if shape else shape


def _of_constants(call: Call, targets: NDArray[np.int64], how: str) -> Constant:
    call.reading.limits.count_constants(math.prod(call.shape()), call.name)
    out = np.array(call.constant(0))
    updates = np.asarray(call.constant(2)).ravel()
    if how == "none":
        out.reshape(-1)[targets] = updates
    else:
        REDUCTIONS[how].at(out.reshape(-1), targets, updates)
    return Constant(out)


def _replaced(call: Call, targets: NDArray[np.int64]) -> Value:
    """Data without the entries at the targets, plus updates at them and nothing elsewhere."""
    shape = call.shape()
    size = math.prod(shape)
    last = np.zeros(size, dtype=np.int64)
    last[targets] = np.arange(1, targets.size + 1)  # of updates to one place the last one stays

    def without(a: Any) -> Any:
        out = a.copy().reshape(-1)
        out[targets] = 0
        return out.reshape(shape)

    def only(a: Any) -> Any:
        return np.where(last > 0, a.reshape(-1)[np.maximum(last - 1, 0)], 0).reshape(shape)

    parts = [
        call.move(function, shape, keeps_rows=False, i=i)
        for i, function in ((0, without), (2, only))
    ]
    nodes = [part.node for part in parts if isinstance(part, Signal) and part.table is None]
    constants = [part.array for part in parts if isinstance(part, Constant)]
    if len(nodes) + len(constants) < 2:
        call.mixes_rows()
    if constants:
        offset = call.per_row(constants[0], len(shape))
        return call.result(call.builder.scale(call.name, nodes[0], 1.0, offset))
    return call.result(call.builder.weighted_sum(call.name, nodes, (1.0, 1.0)))


def _added(call: Call, targets: NDArray[np.int64]) -> Value:
    """Data plus updates that are a branch: a part for each time that places are added to."""
    shape = call.shape()
    order = np.argsort(targets, kind="stable")
    ranks = np.empty(targets.size, dtype=np.int64)
    first = np.searchsorted(targets[order], targets[order])
    ranks[order] = np.arange(targets.size) - first
    times = int(ranks.max(initial=-1)) + 1
    if times > TIMES_ADDED:
        call.refuse(f"of a branch, which adds {times:,} numbers to one entry")
    parts = []
    for k in range(times):
        source = np.zeros(math.prod(shape), dtype=np.int64)
        own = np.flatnonzero(ranks == k)
        source[targets[own]] = own + 1

        def placed(a: Any, source: Any = source) -> Any:
            return np.where(source > 0, a.reshape(-1)[source - 1], 0).reshape(shape)

        part: Any = call.move(placed, shape, keeps_rows=False, i=2)
        if part.table is not None:
            call.mixes_rows()
        parts.append(part.node)
    if call.is_constant(0):
        offset = call.per_row(call.constant(0), len(shape))
        nodes = [
            call.builder.constant(f"{call.name} (data)", np.broadcast_to(offset, _row_shape(call)))
        ]
    else:
        nodes = [call.node()]
    nodes += parts
    return call.result(call.builder.weighted_sum(call.name, nodes, (1.0,) * len(nodes)))


def _bounded(call: Call, node: int, level: Any, minimum: bool) -> int:
    """The larger (or smaller) of entries and of the levels that are finite."""
    builder, shape = call.builder, call.builder.shape(node)
    bounded = np.flatnonzero(np.isfinite(level))
    part = builder.rearrange(f"{call.name} (bounded)", node, bounded, bounded.shape)
    knots, slopes = level[bounded].reshape(1, -1), [[1.0], [0.0]] if minimum else [[0.0], [1.0]]
    kind = "min" if minimum else "max"
    part = builder.piecewise(call.name, part, kind, knots, slopes, knots[0], knots[0])
    flat = builder.rearrange(f"{call.name} (flat)", node, None, (level.size,))
    joined = builder.add(f"{call.name} (joined)", Concat(0), flat, part)
    index = np.arange(level.size)
    index[bounded] = level.size + np.arange(bounded.size)
    return builder.rearrange(f"{call.name} (shape)", joined, index, shape)
