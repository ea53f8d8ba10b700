"""Fourier transforms and rotations of embeddings: linear with constant coefficients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....._core.types import Floats
from ..call import Call
from ..registry import operator
from ..values import Value


@operator("DFT", opsets=(17, 20))
def dft(call: Call) -> Value:
    """Along one axis, of real or complex numbers (the last axis has their parts)."""
    shape, rank = call.shape(), len(call.shape())
    if rank < 2 or shape[-1] not in (1, 2):
        call.cannot_run()
    named = call.integer("axis", 1) if call.opset < 20 else call.number_of(2, -2)
    axis = call.require_own_axis(call.one_axis(int(named), rank))
    if axis == rank - 1:
        call.invalid("it transforms along the axis of real and imaginary parts")
    inverse, onesided = bool(call.integer("inverse", 0)), bool(call.integer("onesided", 0))
    n = shape[axis]
    length = int(call.number_of(1, 2 * (n - 1) if inverse and onesided else n))
    if length < 1:
        call.invalid(f"its length is {length}")
    count = length if not onesided or inverse else length // 2 + 1
    call.reading.limits.check_array((2 * count, n * shape[-1]), call.name)
    call.reading.limits.check_array((n * shape[-1], length), call.name)
    units = np.eye(n * shape[-1]).reshape(-1, n, shape[-1])
    spectrum = transformed(units, length, inverse, onesided)
    W = spectrum.reshape(len(units), -1).T
    return call.result(_along(call, call.node(), axis, W, spectrum.shape[1:]))


def transformed(x: Floats, length: int, inverse: bool, onesided: bool) -> Floats:
    """The transform of x (m, n, parts) along its middle axis, as (m, count, parts)."""
    values: Any = x[..., 0] + 1j * x[..., 1] if x.shape[-1] == 2 else x[..., 0]
    if inverse and onesided:
        return np.fft.irfft(values, n=length, axis=1)[..., None]
    function = np.fft.ifft if inverse else np.fft.fft
    out = function(values, n=length, axis=1)
    out = out[:, : length // 2 + 1] if onesided else out
    return np.stack([out.real, out.imag], axis=-1)


def _along(call: Call, node: int, axis: int, W: Floats, to: Any) -> int:
    """A matrix for an axis and the parts in the last one together."""
    builder, shape = call.builder, call.builder.shape(node)
    order = np.moveaxis(np.arange(math.prod(shape)).reshape(shape), axis, -2)
    rest = order.shape[:-2]
    together = (*rest, order.shape[-2] * order.shape[-1])
    node = builder.rearrange(f"{call.name} (parts)", node, order.ravel(), together)
    node = builder.linear(call.name, node, W)
    moved = np.arange(math.prod(builder.shape(node))).reshape(*rest, *to)
    back = np.moveaxis(moved, -2, axis)
    return builder.rearrange(f"{call.name} (shape)", node, back.ravel(), back.shape)


@operator("STFT", opsets=(17,))
def stft(call: Call) -> Value:
    """Frames of a signal, times a window, each transformed."""
    shape, step = call.shape(), call.number_of(1, 0)
    window = call.constant(2)
    default = shape[1] if window is None else len(window)
    frame = int(call.number_of(3, default))
    if len(shape) not in (2, 3) or not 0 < frame <= shape[1] or step < 1:
        call.cannot_run()
    parts = shape[2] if len(shape) == 3 else 1
    weights = np.ones(frame) if window is None else np.asarray(window, dtype=np.float64)
    if weights.shape != (frame,) or parts not in (1, 2):
        call.cannot_run()
    starts = np.arange(0, shape[1] - frame + 1, int(step))
    places = starts[:, None] + np.arange(frame)
    to = (shape[0], *places.shape, parts)
    call.reading.limits.check_array(to, call.name)
    onesided = bool(call.integer("onesided", 1))
    units = np.eye(frame * parts).reshape(-1, frame, parts) * weights[:, None]
    call.reading.limits.check_array((2 * frame, frame * parts), call.name)
    spectrum = transformed(units, frame, False, onesided)
    W = spectrum.reshape(len(units), -1).T
    framed = call.move(lambda a: a.reshape(-1, shape[1], parts)[:, places], to, keeps_rows=True)
    node = framed.node  # type: ignore[union-attr]
    return call.result(_along(call, node, 2, W, spectrum.shape[1:]))


@operator("RotaryEmbedding", opsets=(23,))
def rotary_embedding(call: Call) -> Value:
    """Pairs of entries turned by constant angles."""
    shape = call.shape()
    heads = call.integer("num_heads", 0) if len(shape) == 3 else shape[1:2][0] if shape else 0
    if len(shape) not in (3, 4) or heads < 1 or shape[-1] % (heads if len(shape) == 3 else 1):
        call.cannot_run()
    if len(shape) == 4:
        rows, _, length, size = shape
    else:
        rows, length, size = shape[0], shape[1], shape[2] // heads
    turned = call.integer("rotary_embedding_dim", 0) or size
    cos, sin = (_angles(call, i, rows, length, turned) for i in (1, 2))
    order = (
        np.arange(turned).reshape(-1, 2)
        if call.integer("interleaved", 0)
        else (np.arange(turned).reshape(2, -1).T)
    )
    partner, factor = np.arange(size), np.ones((rows, length, size))
    across = np.zeros((rows, length, size))
    partner[order[:, 0]], partner[order[:, 1]] = order[:, 1], order[:, 0]
    factor[..., order[:, 0]] = factor[..., order[:, 1]] = cos
    across[..., order[:, 0]], across[..., order[:, 1]] = -sin, sin
    to = shape if len(shape) == 4 else (rows, length, heads, size)
    table = call.move(lambda a: _partners(a, to, partner, shape), shape, keeps_rows=True)
    swap = (slice(None), None) if len(shape) == 4 else (slice(None), slice(None), None)
    full = [np.broadcast_to(array[swap], to).reshape(shape) for array in (factor, across)]
    own = [call.per_row(array, len(shape)) for array in full]
    builder, name = call.builder, call.name
    kept = builder.scale(f"{name} (cosines)", call.node(), own[0])
    crossed = builder.scale(f"{name} (sines)", table.node, own[1])  # type: ignore[union-attr]
    return call.result(builder.weighted_sum(name, [kept, crossed], (1.0, 1.0)))


def _angles(call: Call, i: int, rows: int, length: int, turned: int) -> Any:
    """Cosines or sines (rows, length, half of what is turned)."""
    cache = np.asarray(call.constant(i), dtype=np.float64)
    if call.has(3):
        cache = cache[np.asarray(call.constant(3))]
    if cache.shape != (rows, length, turned // 2):
        call.cannot_run()
    return cache


def _partners(a: Any, to: Any, partner: Any, shape: Any) -> Any:
    return a.reshape(-1, *to[1:])[..., partner].reshape(-1, *shape[1:])
