"""Resize and Upsample: one matrix along each axis, from the standard's own formulas.

Where the standard leaves a choice, it is that of PyTorch and onnxruntime: with corners aligned the
coordinates count whole output entries, also where the size is a fraction cut off.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ....._core.types import Floats
from ....affine_layers import Shape
from ..call import Call
from ..registry import operator
from ..values import Signal, Value

ASYMMETRIC = "asymmetric"


@dataclass(frozen=True)
class Resampling:
    """How entries of one axis are made of others."""

    mode: str = "nearest"  # nearest, linear or cubic
    coordinates: str = "half_pixel"
    nearest: str = "round_prefer_floor"
    cubic_a: float = -0.75
    exclude_outside: bool = False
    antialias: bool = False
    extrapolation: float = 0.0
    roi: dict[int, tuple[float, float]] = field(default_factory=dict)


@operator("Upsample", opsets=(1, 7, 9))
def upsample(call: Call) -> Value:
    shape = call.shape()
    if call.opset < 7:
        scales = [1.0, 1.0, call.number("height_scale", 0.0), call.number("width_scale", 0.0)]
    elif call.opset < 9:
        scales = call.numbers("scales", [])
    else:
        scales = [float(s) for s in np.ravel(call.constant(1))]
    if call.opset > 9:
        call.refuse("which this opset no longer has")
    mode = {"bilinear": "linear"}.get(call.text("mode", "nearest"), call.text("mode", "nearest"))
    how = Resampling(mode, ASYMMETRIC, "floor")
    return _resized(call, how, *_sizes_of_scales(call, shape, scales, range(len(shape))))


@operator("Resize", opsets=(10, 11, 13, 18, 19))
def resize(call: Call) -> Value:
    if call.opset < 11:
        scales = [float(s) for s in np.ravel(call.constant(1))]
        how = Resampling(call.text("mode", "nearest"), ASYMMETRIC, "simple")
        shape = call.shape()
        return _resized(call, how, *_sizes_of_scales(call, shape, scales, range(len(shape))))
    axes = _resized_axes(call)
    how = Resampling(
        call.text("mode", "nearest"),
        call.text("coordinate_transformation_mode", "half_pixel"),
        call.text("nearest_mode", "round_prefer_floor"),
        call.number("cubic_coeff_a", -0.75),
        bool(call.integer("exclude_outside", 0)),
        bool(call.opset >= 18 and call.integer("antialias", 0)),
        call.number("extrapolation_value", 0.0),
        _regions(call, axes),
    )
    return _resized(call, how, *_wanted_sizes(call, axes))


def _resized_axes(call: Call) -> list[int]:
    rank = len(call.shape())
    axes = call.integers("axes") if call.opset >= 18 else None
    return list(range(rank)) if axes is None else [call.one_axis(axis, rank) for axis in axes]


def _regions(call: Call, axes: list[int]) -> dict[int, tuple[float, float]]:
    """The part of each axis that is cropped, as shares of it."""
    if call.text("coordinate_transformation_mode") != "tf_crop_and_resize" or not call.has(1):
        return {}
    roi = np.ravel(call.constant(1)).astype(np.float64)
    if roi.size != 2 * len(axes):
        call.invalid(f"its region has {roi.size} numbers for {len(axes)} axes")
    return {axis: (float(roi[i]), float(roi[len(axes) + i])) for i, axis in enumerate(axes)}


def _wanted_sizes(call: Call, axes: list[int]) -> tuple[Shape, list[float]]:
    """The resulting shape and the scale of each axis, from scales or sizes."""
    shape = call.shape()
    scales = np.ravel(call.constant(2)) if call.has(2) else np.zeros(0)
    if scales.size:
        return _sizes_of_scales(call, shape, [float(s) for s in scales], axes)
    sizes = call.integers_of(3, [])
    if len(sizes) != len(axes) or min(sizes, default=0) < 1:
        call.invalid(f"it resizes {len(axes)} axes to {sizes}")
    to, factors = list(shape), [1.0] * len(shape)
    ratios = [size / shape[axis] for size, axis in zip(sizes, axes, strict=True)]
    policy = call.text("keep_aspect_ratio_policy", "stretch") if call.opset >= 18 else "stretch"
    for axis, size, ratio in zip(axes, sizes, ratios, strict=True):
        if policy == "stretch":
            to[axis], factors[axis] = size, ratio
        elif policy in ("not_larger", "not_smaller"):
            common = min(ratios) if policy == "not_larger" else max(ratios)
            to[axis], factors[axis] = math.floor(common * shape[axis] + 0.5), common
        else:
            call.invalid(f"its keep_aspect_ratio_policy is {policy[:40]!r}")
    return tuple(to), factors


def _sizes_of_scales(
    call: Call, shape: Shape, scales: list[float], axes: Any
) -> tuple[Shape, list[float]]:
    if len(scales) != len(axes) or not all(0 < s < 2**31 for s in scales):
        call.invalid(f"it scales {len(axes)} axes by {scales}")
    to, factors = list(shape), [1.0] * len(shape)
    for axis, scale in zip(axes, scales, strict=True):
        to[axis], factors[axis] = math.floor(shape[axis] * scale), scale
    return tuple(to), factors


def _resized(call: Call, how: Resampling, to: Shape, scales: list[float]) -> Value:
    if how.mode not in ("nearest", "linear", "cubic"):
        call.invalid(f"its mode is {how.mode[:40]!r}")
    if how.coordinates not in COORDINATES:
        call.invalid(f"its coordinate_transformation_mode is {how.coordinates[:40]!r}")
    shape = call.shape()
    call.reading.limits.check_array(to, call.name)
    if min(to, default=1) < 1:
        call.invalid(f"it resizes {shape} to {to}")
    value: Value = call.value()
    for axis, (size, count) in enumerate(zip(shape, to, strict=True)):
        if size == count and scales[axis] == 1 and axis not in how.roi:
            continue
        call.require_own_axis(axis)
        x = _coordinates(how, axis, size, count, scales[axis])
        if how.mode == "nearest":
            value = _by_places(call, how, value, axis, x, scales[axis])
        else:
            assert isinstance(value, Signal)
            call.reading.limits.check_array((count, size), call.name)
            W = _weights(how, x, size, scales[axis])
            outside = _is_outside(how, x, size)
            W[outside] = 0
            offset = np.where(outside, how.extrapolation, 0.0) if outside.any() else None
            label = f"{call.name} (axis {axis})"
            value = call.result(call.builder.along_axis(label, value.node, axis, W, offset))
    return value


def _by_places(
    call: Call, how: Resampling, value: Value, axis: int, x: Floats, scale: float
) -> Value:
    assert isinstance(value, Signal)
    size = call.builder.shape(value.node)[axis]
    places = np.clip(NEAREST[how.nearest](x, scale), 0, size - 1).astype(np.int64)
    outside = _is_outside(how, x, size)
    operands: list[Value | None] = [value]
    own = Call(
        *(call.reading, f"{call.name} (axis {axis})", call.kind, call.domain, call.opset),
        *(operands, call.outputs, {}),
    )
    to = (*value.shape[:axis], len(places), *value.shape[axis + 1 :])
    moved = own.move(lambda a: np.take(a, places, axis=axis), to, keeps_rows=axis != 0)
    assert isinstance(moved, Signal)
    if not outside.any():
        return moved
    along = (-1, *[1] * (len(to) - axis - 1))
    keep, fill = np.where(outside, 0.0, 1.0), np.where(outside, how.extrapolation, 0.0)
    node = call.builder.scale(own.name, moved.node, keep.reshape(along), fill.reshape(along))
    return call.result(node)


def _coordinates(how: Resampling, axis: int, size: int, count: int, scale: float) -> Floats:
    start, end = how.roi.get(axis, (0.0, 1.0))
    # the nearest entry hangs on halves and whole numbers: counted as implementations do
    kind: Any = np.float32 if how.mode == "nearest" else np.float64
    y, s = np.arange(count, dtype=kind), kind(scale)
    x = COORDINATES[how.coordinates](y, size, count, s, start, end)
    return np.asarray(np.broadcast_to(x, (count,)), dtype=np.float64)


def _is_outside(how: Resampling, x: Floats, size: int) -> Any:
    if how.coordinates != "tf_crop_and_resize":
        return np.zeros(len(x), dtype=bool)
    return (x < 0) | (x > size - 1)


def _half_pixel_symmetric(y: Any, size: int, count: int, s: float, a: float, b: float) -> Any:
    return size / 2 * (1 - count / (size * s)) + (y + 0.5) / s - 0.5


def _crop_and_resize(y: Any, size: int, count: int, s: float, a: float, b: float) -> Any:
    if count == 1:
        return 0.5 * (a + b) * (size - 1) + 0 * y
    return a * (size - 1) + y * (b - a) * (size - 1) / (count - 1)


# from places y of `count` to places of `size`, for the scale s and the region [a, b]
COORDINATES: dict[str, Callable[..., Any]] = {
    "half_pixel": lambda y, size, count, s, a, b: (y + 0.5) / s - 0.5,
    "half_pixel_symmetric": _half_pixel_symmetric,
    "pytorch_half_pixel": lambda y, size, count, s, a, b: (
        (y + 0.5) / s - 0.5 if count > 1 else 0 * y
    ),
    "align_corners": lambda y, size, count, s, a, b: (
        y * (size - 1) / (count - 1) if count > 1 else 0 * y
    ),
    ASYMMETRIC: lambda y, size, count, s, a, b: y / s,
    "tf_crop_and_resize": _crop_and_resize,
}


def _simple(x: Any, scale: float) -> Any:
    """Opset 10: cut off, but rounded up where the axis shrinks."""
    return np.ceil(x) if scale < 1 else np.floor(x)


NEAREST: dict[str, Callable[..., Any]] = {
    "round_prefer_floor": lambda x, scale: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x, scale: np.floor(x + 0.5),
    "floor": lambda x, scale: np.floor(x),
    "ceil": lambda x, scale: np.ceil(x),
    "simple": _simple,
}


def _triangle(distance: Any, a: float) -> Any:
    return np.maximum(0.0, 1 - distance)


def _cubic(distance: Any, a: float) -> Any:
    """Keys (1981), Cubic convolution interpolation for digital image processing, eq. (4)."""
    d = distance
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def _weights(how: Resampling, x: Floats, size: int, scale: float) -> Floats:
    """The matrix (count, size): entries beyond the ends count as the last ones, or not at all."""
    kernel, radius = (_triangle, 1) if how.mode == "linear" else (_cubic, 2)
    stretch = min(scale, 1.0) if how.antialias else 1.0  # shrinking, a wider filter
    reach = math.ceil(radius / stretch)
    offsets = np.arange(-reach, reach + 2)
    places = np.floor(x)[:, None].astype(np.int64) + offsets
    weights = kernel(np.abs(places - x[:, None]) * stretch, how.cubic_a)
    if how.exclude_outside:
        weights = np.where((places >= 0) & (places < size), weights, 0.0)
    if how.exclude_outside or how.antialias:
        weights = weights / weights.sum(axis=1, keepdims=True)
    W = np.zeros((len(x), size))
    np.add.at(W, (np.arange(len(x))[:, None], np.clip(places, 0, size - 1)), weights)
    return W
