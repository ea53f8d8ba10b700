"""Operators that move entries: what they do to an array, they do to a table of positions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....affine_layers import Shape
from ..._layer_builder import MovedBatch
from ..call import Call
from ..registry import operator
from ..values import Constant, Signal, Value


@operator("Transpose", opsets=(1, 13, 21, 23, 24, 25), arrays=True, steps=True)
def transpose(call: Call) -> Value:
    shape = call.shape()
    perm = call.integers("perm", list(range(len(shape)))[::-1])
    if sorted(perm) != list(range(len(shape))):
        call.invalid(f"it permutes {len(shape)} axes by {perm}")
    to = tuple(shape[i] for i in perm)
    return call.move(lambda a: a.transpose(perm), to, keeps_rows=perm[:1] == [0])


@operator("Slice", opsets=(1, 10, 11, 13), arrays=True, steps=True)
def slice_(call: Call) -> Value:
    shape = call.shape()
    if call.opset < 10:
        starts, ends, axes = (call.integers(name) for name in ("starts", "ends", "axes"))
        steps = None
    else:
        starts, ends, axes, steps = (call.integers_of(i) for i in (1, 2, 3, 4))
    axes = list(range(len(starts or ()))) if axes is None else axes
    steps = [1] * len(axes) if steps is None else steps
    if starts is None or ends is None or not len(starts) == len(ends) == len(axes) == len(steps):
        call.invalid("its starts, ends, axes and steps are not equally many")
    cuts = [slice(None)] * len(shape)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if step == 0:
            call.invalid("a step is 0")
        cuts[call.one_axis(axis, len(shape))] = slice(start, end, step)
    to = tuple(len(range(*cut.indices(n))) for cut, n in zip(cuts, shape, strict=True))
    whole = not shape or range(*cuts[0].indices(shape[0])) == range(shape[0])
    if whole and cuts:
        cuts[0] = slice(None)
    return call.move(lambda a: a[tuple(cuts)], to, keeps_rows=whole)


def _indices(call: Call, i: int, size: int) -> NDArray[np.int64]:
    """Input i as indices counted from the first entry."""
    indices = np.asarray(call.constant(i))
    if indices.dtype.kind not in "iu":
        call.invalid(f"its input {i} holds no whole numbers")
    if indices.size and not -size <= indices.min() <= indices.max() < size:
        call.invalid(f"it takes entries {indices.min()} to {indices.max()} of {size}")
    return np.asarray(indices % max(size, 1), dtype=np.int64)


@operator("Gather", opsets=(1, 11, 13), arrays=True, steps=True)
def gather(call: Call) -> Value:
    shape = call.shape()
    axis = call.axis("axis", 0, len(shape))
    indices = _indices(call, 1, shape[axis])
    to = (*shape[:axis], *indices.shape, *shape[axis + 1 :])
    return call.move(lambda a: np.take(a, indices, axis=axis), to, keeps_rows=axis != 0)


@operator("GatherElements", opsets=(11, 13), arrays=True)
def gather_elements(call: Call) -> Value:
    shape = call.shape()
    axis = call.axis("axis", 0, len(shape))
    indices = _indices(call, 1, shape[axis])
    if indices.ndim != len(shape):
        call.invalid(f"its indices have {indices.ndim} axes, its data {len(shape)}")
    cut = tuple(slice(None) if i == axis else slice(size) for i, size in enumerate(indices.shape))
    return call.move(
        lambda a: np.take_along_axis(a[cut], indices, axis=axis), indices.shape, keeps_rows=False
    )


@operator("GatherND", opsets=(11, 12, 13), arrays=True)
def gather_nd(call: Call) -> Value:
    shape, indices = call.shape(), np.asarray(call.constant(1))
    batch = call.integer("batch_dims", 0)
    if indices.ndim <= batch or indices.dtype.kind not in "iu":
        call.invalid("its indices do not fit its batch_dims")
    depth = batch + indices.shape[-1]
    if batch < 0 or depth > len(shape) or indices.shape[:batch] != shape[:batch]:
        call.invalid(f"its indices {indices.shape} do not fit into {shape}")
    sizes = np.array(shape[batch:depth])
    if indices.size and not ((indices >= -sizes) & (indices < sizes)).all():
        call.invalid("an index lies outside its data")
    to = (*indices.shape[:-1], *shape[depth:])
    lead = math.prod(shape[:batch])
    places = (indices % sizes).reshape(lead, -1, indices.shape[-1])
    own = np.arange(lead)[:, None]

    def take(a: Any) -> Any:
        flat = a.reshape(lead, *shape[batch:])
        return flat[(own, *np.moveaxis(places, -1, 0))].reshape(to)

    return call.move(take, to, keeps_rows=False)


@operator("Pad", opsets=(1, 2, 11, 13, 18, 19, 21, 23, 24, 25), arrays=True)
def pad(call: Call) -> Value:
    shape, (before, after) = call.shape(), _pads(call)
    mode = call.text("mode", "constant")
    modes = {"constant": "constant", "reflect": "reflect", "edge": "edge"}
    if call.opset >= 19:
        modes["wrap"] = "wrap"
    if mode not in modes:
        call.refuse(f"in mode {mode!r}")
    to = tuple(max(0, s + b + e) for s, b, e in zip(shape, before, after, strict=True))
    inner = [s + min(b, 0) + min(e, 0) for s, b, e in zip(shape, before, after, strict=True)]
    if min(inner, default=1) < 1 and mode != "constant":
        call.invalid(f"it pads {shape} by {before} and {after} in mode {mode!r}")
    if mode == "reflect" and any(
        max(b, e) >= max(n, 2) for b, e, n in zip(before, after, inner, strict=True)
    ):
        call.refuse("that reflects more than there is")
    value = _pad_value(call) if mode == "constant" else 0.0

    def padded(a: Any) -> Any:
        return pad_array(a, before, after, mode)

    if call.is_constant(0):
        call.reading.limits.check_array(to, call.name)
        array = call.constant(0)
        out = padded(array)
        outside = padded(np.ones(array.shape, dtype=bool)) == 0
        return Constant(np.where(outside, np.asarray(value, dtype=array.dtype), out))
    moved = call.move(padded, to, keeps_rows=not (before[0] or after[0]) if shape else True)
    if value == 0 or not isinstance(moved, Signal):
        return moved
    if moved.table is not None or ((before[0] or after[0]) and call.n_rows > 1):
        call.mixes_rows()
    own = (shape[0] // call.n_rows, *shape[1:])
    fill = np.where(padded(np.ones(own, dtype=bool)) == 0, value, 0.0)
    return call.result(call.builder.scale(call.name, moved.node, 1.0, fill))


def _pads(call: Call) -> tuple[list[int], list[int]]:
    """How much is added before and after along each axis; negative cuts off."""
    rank = len(call.shape())
    if call.opset < 11:
        pads = call.integers("paddings" if call.opset < 2 else "pads", [])
    else:
        pads = call.integers_of(1, [])
    axes = call.integers_of(3) if call.opset >= 18 else None
    axes = list(range(rank)) if axes is None else [call.one_axis(axis, rank) for axis in axes]
    if len(pads) != 2 * len(axes):
        call.invalid(f"it has {len(pads)} pads for {len(axes)} axes")
    before, after = [0] * rank, [0] * rank
    for i, axis in enumerate(axes):
        before[axis], after[axis] = pads[i], pads[len(axes) + i]
    return before, after


def _pad_value(call: Call) -> float:
    if call.opset < 11:
        return float(call.number("value", 0.0))
    return float(call.number_of(2, 0.0))


def pad_array(a: Any, before: list[int], after: list[int], mode: str) -> Any:
    """Cut off where negative, then padded (with zeros in mode 'constant')."""
    sides = list(zip(before, after, strict=True))
    cuts = tuple(
        slice(max(0, -b), max(0, n + min(e, 0))) for (b, e), n in zip(sides, a.shape, strict=True)
    )
    widths = [(max(0, b), max(0, e)) for b, e in sides]
    if not widths:
        return a
    return np.pad(a[cuts], widths, mode=mode)  # type: ignore[call-overload]


@operator("Split", opsets=(1, 2, 11, 13, 18), arrays=True, steps=True)
def split(call: Call) -> list[Value]:
    shape = call.shape()
    axis = call.axis("axis", 0, len(shape))
    sizes = call.integers("split") if call.opset < 13 else call.integers_of(1)
    if sizes is None and call.opset < 2:
        sizes = call.integers_of(1)
    if sizes is None:
        parts = (
            call.integer("num_outputs", len(call.outputs))
            if call.opset >= 18
            else len(call.outputs)
        )
        each = -(-shape[axis] // max(parts, 1))
        sizes = [max(0, min(each, shape[axis] - i * each)) for i in range(min(parts, 2**16))]
        if call.opset < 18 and each * parts != shape[axis]:
            call.invalid(f"it splits {shape[axis]} into {parts} equal parts")
    if sum(sizes) != shape[axis] or min(sizes, default=0) < 0:
        call.invalid(f"it splits {shape[axis]} into {sizes}")
    out: list[Value] = []
    for size, end in zip(sizes, np.cumsum(sizes), strict=True):
        cut = (*[slice(None)] * axis, slice(int(end) - size, int(end)))
        to = (*shape[:axis], size, *shape[axis + 1 :])
        out.append(call.move(lambda a, cut=cut: a[cut], to, keeps_rows=axis != 0))  # type: ignore[misc]
    return out


@operator("Expand", opsets=(8, 13), arrays=True, steps=True)
def expand(call: Call) -> Value:
    shape, wanted = call.shape(), call.integers_of(1, [])
    to = broadcast_shape(call, shape, tuple(wanted))
    return _broadcast(call, to)


def broadcast_shape(call: Call, *shapes: Shape) -> Shape:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        call.invalid(f"shapes {', '.join(map(str, shapes))} do not fit each other")


def _broadcast(call: Call, to: Shape) -> Value:
    shape = call.shape()
    if call.n_rows > 1 and len(to) == len(shape) and to[0] == shape[0]:
        return call.move(lambda a: np.broadcast_to(a, (a.shape[0], *to[1:])), to, keeps_rows=True)
    return call.move(lambda a: np.broadcast_to(a, to), to, keeps_rows=False)


@operator("Tile", opsets=(1, 6, 13), arrays=True)
def tile(call: Call) -> Value:
    shape = call.shape()
    if call.opset < 6:
        repeats = [1] * len(shape)
        repeats[call.one_axis(int(call.number_of(2, 0)), len(shape))] = int(call.number_of(1, 1))
    else:
        repeats = call.integers_of(1, [])
    if len(repeats) != len(shape) or min(repeats, default=1) < 0:
        call.invalid(f"it repeats {len(shape)} axes {repeats} times")
    to = tuple(s * r for s, r in zip(shape, repeats, strict=True))
    return call.move(lambda a: np.tile(a, repeats), to, keeps_rows=repeats[:1] == [1])


@operator("Concat", opsets=(1, 4, 11, 13), arrays=True)
def concat(call: Call) -> Value:
    shapes = [call.shape(i) for i in range(len(call.inputs))]
    return joined(call, call.axis("axis", 1 if call.opset < 4 else 0, len(shapes[0])))


def joined(call: Call, axis: int) -> Value:
    """All inputs of a call one after another along an axis."""
    shapes = [call.shape(i) for i in range(len(call.inputs))]
    rest = {(len(s), s[:axis] + s[axis + 1 :]) for s in shapes}
    if len(rest) > 1:
        call.invalid(f"it cannot join {', '.join(map(str, shapes))} along axis {axis}")
    to = (*shapes[0][:axis], sum(s[axis] for s in shapes), *shapes[0][axis + 1 :])
    call.reading.limits.check_array(to, call.name)
    signals = call.signals()
    if not signals:
        call.reading.limits.count_constants(math.prod(to), call.name)
        return Constant(np.concatenate([call.constant(i) for i in range(len(shapes))], axis=axis))
    if call.n_rows > 1 and (axis == 0 or any(_is_moved(value) for value in call.inputs)):
        return _joined_tables(call, axis)
    whole = any(value.whole for value in call.inputs if isinstance(value, Signal))
    nodes = []
    for i, value in enumerate(call.inputs):
        if isinstance(value, Signal):
            nodes.append(value.node)
        elif math.prod(shapes[i]):
            own = call.per_row(call.constant(i), len(to))
            own_shape = (
                own.shape[0] if call.n_rows == 1 else shapes[i][0] // call.n_rows,
                *shapes[i][1:],
            )
            own = np.broadcast_to(own, own_shape)
            nodes.append(call.builder.constant(f"{call.name} ({i})", own))
    out = call.result(call.builder.concat(call.name, nodes, axis))
    return Signal(out.node, out.shape, None, whole)


def _is_moved(value: Any) -> bool:
    return isinstance(value, Signal) and value.table is not None


def _joined_tables(call: Call, axis: int) -> Value:
    """The same where rows are not along the first axis, or are joined: by tables of positions."""
    parts: list[Any] = []
    for i, value in enumerate(call.inputs):
        if isinstance(value, Signal):
            table = value.table
            parts.append(value.node if table is None else MovedBatch(value.node, table))
        elif not np.any(np.asarray(call.constant(i))):
            parts.append(None)
        else:
            call.mixes_rows()
    moves = [part for part in parts if part is not None]
    size = sum(math.prod(call.shape(i)) for i in range(len(call.inputs)))
    call.reading.limits.count_numbers(size, call.name)
    node, tables = call.builder.joined_tables(call.name, moves, call.n_rows)
    places = iter(tables)
    arrays = [
        np.zeros(call.shape(i), dtype=np.int64)
        if part is None
        else next(places).reshape(call.shape(i))
        for i, part in enumerate(parts)
    ]
    return call.from_table(node, np.concatenate(arrays, axis=axis))


@operator("DepthToSpace", opsets=(1, 11, 13, 28), arrays=True)
def depth_to_space(call: Call) -> Value:
    n, c, h, w = _image_shape(call)
    b, column = _block(call), call.text("mode", "DCR") == "CRD" and call.opset >= 11
    if c % b**2:
        call.invalid(f"{c} channels are no multiple of {b} x {b}")
    split_shape = (-1, c // b**2, b, b, h, w) if column else (-1, b, b, c // b**2, h, w)
    perm = (0, 1, 4, 2, 5, 3) if column else (0, 3, 4, 1, 5, 2)
    to = (n, c // b**2, h * b, w * b)
    return call.move(
        lambda a: a.reshape(split_shape).transpose(perm).reshape(-1, *to[1:]), to, keeps_rows=True
    )


@operator("SpaceToDepth", opsets=(1, 13, 28), arrays=True)
def space_to_depth(call: Call) -> Value:
    n, c, h, w = _image_shape(call)
    b, column = _block(call), call.text("mode", "DCR") == "CRD" and call.opset >= 28
    if h % b or w % b:
        call.invalid(f"{h} x {w} is no multiple of {b}")
    perm = (0, 1, 3, 5, 2, 4) if column else (0, 3, 5, 1, 2, 4)
    to = (n, c * b**2, h // b, w // b)
    return call.move(
        lambda a: a.reshape(-1, c, h // b, b, w // b, b).transpose(perm).reshape(-1, *to[1:]),
        to,
        keeps_rows=True,
    )


def _image_shape(call: Call) -> Shape:
    shape = call.shape()
    if len(shape) != 4:
        call.invalid(f"it takes (rows, channels, height, width) and is given {shape}")
    return shape


def _block(call: Call) -> int:
    b = int(call.integer("blocksize", 0))
    if not 0 < b < 2**15:
        call.invalid(f"its blocksize is {b}")
    return b
