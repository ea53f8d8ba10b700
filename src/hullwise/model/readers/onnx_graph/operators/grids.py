"""Images sampled at constant places between their pixels: one matrix for the space of an image."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....._core.types import Floats
from ....affine_layers import Concat, Shape
from ..call import Call
from ..registry import operator
from ..values import Value

GRID_CUBIC_A = -0.75
GRID_MODES = {
    **{"bilinear": "linear", "linear": "linear", "nearest": "nearest"},
    **{"bicubic": "cubic", "cubic": "cubic"},
}
GRID_REACH = {"nearest": [0], "linear": [0, 1], "cubic": [-1, 0, 1, 2]}


@operator("GridSample", opsets=(16, 20, 22))
def grid_sample(call: Call) -> Value:
    """Like `torch.nn.functional.grid_sample`, with a constant grid (rows, *places, axes)."""
    shape, grid = call.shape(), np.asarray(call.constant(1), dtype=np.float64)
    space = shape[2:]
    if grid.ndim != len(shape) or grid.shape[0] != shape[0] or grid.shape[-1] != len(space):
        call.cannot_run()
    mode = GRID_MODES.get(call.text("mode", "linear"))
    padding = call.text("padding_mode", "zeros")
    if mode is None or padding not in ("zeros", "border", "reflection"):
        call.invalid(f"its mode is {call.text('mode')[:40]!r}, its padding {padding[:40]!r}")
    corners = bool(call.integer("align_corners", 0))
    to = grid.shape[1:-1]
    call.reading.limits.check_array((math.prod(to), math.prod(space)), call.name)
    if not np.isfinite(grid).all():
        call.invalid("its grid is not finite")
    grid = call.per_row(grid, grid.ndim)
    rows = call.builder.shape(call.node())[0]
    images = np.broadcast_to(grid, (rows, *grid.shape[1:]))[..., ::-1].reshape(rows, -1, len(space))

    def matrix(k: int) -> Floats:
        axes = [
            _neighbours(images[k, :, i], n, mode, padding, corners) for i, n in enumerate(space)
        ]
        return _product_of_axes(axes, space)

    return call.result(_image_by_image(call, matrix, to))


def _image_by_image(call: Call, matrix: Any, to: Shape) -> int:
    """A matrix for the space of each image (k, channels, *space) of a row."""
    count = iter(range(2**62))

    def layer(node: int) -> int:
        return call.builder.map_space(call.name, node, matrix(next(count)), to)

    return call.per_image(call.node(), layer)


def _neighbours(
    x: Floats, n: int, mode: str, padding: str, corners: bool
) -> tuple[NDArray[np.int64], Floats]:
    """Pixels (m, k) of one axis around places x (m) in [-1, 1], and their weights."""
    x = (x + 1) / 2 * (n - 1) if corners else ((x + 1) * n - 1) / 2
    low, high = (0.0, n - 1.0) if corners else (-0.5, n - 0.5)
    if padding == "border":
        x = np.clip(x, 0, n - 1)
    elif padding == "reflection":
        x = _reflected(x, low, high)
    first = np.rint(x) if mode == "nearest" else np.floor(x)
    pixels = first[:, None].astype(np.int64) + np.array(GRID_REACH[mode])
    distance = np.abs(x[:, None] - pixels)
    if mode == "nearest":
        weights = np.ones(pixels.shape)
    else:
        weights = np.maximum(0.0, 1 - distance) if mode == "linear" else _cubic(distance)
    if padding == "reflection":
        pixels = np.rint(_reflected(pixels.astype(np.float64), low, high)).astype(np.int64)
    if padding == "zeros":
        weights = np.where((pixels >= 0) & (pixels < n), weights, 0.0)
    return np.clip(pixels, 0, n - 1), weights


def _reflected(x: Floats, low: float, high: float) -> Floats:
    """Places folded back at both ends until they lie between them."""
    if high <= low:
        return np.zeros_like(x)
    span = high - low
    turned = np.mod(x - low, 2 * span)
    return low + np.where(turned > span, 2 * span - turned, turned)


def _cubic(d: Floats) -> Floats:
    a = GRID_CUBIC_A
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def _product_of_axes(axes: list[tuple[NDArray[np.int64], Floats]], space: Shape) -> Floats:
    """The matrix (m, prod(space)) of the products of the axes' weights."""
    m = len(axes[0][0])
    W = np.zeros((m, math.prod(space)))
    for place in itertools.product(*(range(pixels.shape[1]) for pixels, _ in axes)):
        flat, weight = np.zeros(m, dtype=np.int64), np.ones(m)
        for (pixels, weights), n, j in zip(axes, space, place, strict=True):
            flat, weight = flat * n + pixels[:, j], weight * weights[:, j]
        np.add.at(W, (np.arange(m), flat), weight)
    return W


@operator("RoiAlign", opsets=(10, 16, 22))
def roi_align(call: Call) -> Value:
    """Means (or maxima) of samples in the cells of constant regions."""
    shape, rois = call.shape(), np.asarray(call.constant(1), dtype=np.float64)
    images = np.asarray(call.constant(2))
    if len(shape) != 4 or rois.ndim != 2 or rois.shape[1] != 4 or images.shape != rois.shape[:1]:
        call.cannot_run()
    call.require_own_axis(0)
    if images.size and not 0 <= images.min() <= images.max() < shape[0]:
        call.invalid("a region lies in no image")
    if call.text("mode", "avg") not in ("avg", "max") or not len(rois):
        call.cannot_run()
    node, out = call.node(), []
    for roi, image in zip(rois, images.tolist(), strict=True):
        size = math.prod(shape[1:])
        index = np.arange(image * size, (image + 1) * size)
        one = call.builder.rearrange(call.name, node, index, shape[1:])
        one = _pooled_region(call, one, roi)
        out.append(call.builder.rearrange(call.name, one, None, (1, *call.builder.shape(one))))
    return call.result(out[0] if len(out) == 1 else call.builder.add(call.name, Concat(0), *out))


def _pooled_region(call: Call, node: int, roi: Floats) -> int:
    """(channels, height, width) to (channels, cells)."""
    channels, *space = call.builder.shape(node)
    cells = (int(call.integer("output_height", 1)), int(call.integer("output_width", 1)))
    places, counts = zip(
        *(_places_in_cells(call, roi, axis, cells[axis]) for axis in (0, 1)), strict=True
    )
    samples = math.prod(cells) * math.prod(counts)
    call.reading.limits.check_array((samples, math.prod(space)), call.name)
    call.reading.limits.check_array((channels, samples, 4), call.name)
    mesh = np.meshgrid(*places, indexing="ij")  # (cells * counts of one axis, of the other)
    order = [mesh[axis].reshape(cells[0], counts[0], cells[1], counts[1]) for axis in (0, 1)]
    y, x = (one.transpose(0, 2, 1, 3).reshape(-1) for one in order)
    inside = (y >= -1) & (y <= space[0]) & (x >= -1) & (x <= space[1])
    axes = [_in_pixels(one, n) for one, n in zip((y, x), space, strict=True)]
    axes[0] = (axes[0][0], axes[0][1] * inside[:, None])
    k = math.prod(counts)
    if call.text("mode", "avg") == "avg":
        W = _product_of_axes(axes, tuple(space)).reshape(-1, k, math.prod(space)).mean(axis=1)
        return call.builder.map_space(call.name, node, W, cells)
    pixels = axes[0][0][:, :, None] * space[1] + axes[1][0][:, None, :]
    weights = axes[0][1][:, :, None] * axes[1][1][:, None, :]
    index = np.arange(channels)[:, None] * math.prod(space) + pixels.reshape(1, -1)
    node = call.builder.rearrange(f"{call.name} (corners)", node, index.ravel(), index.shape)
    node = call.builder.scale(f"{call.name} (weights)", node, weights.reshape(1, -1))
    groups = np.arange(index.size).reshape(channels * math.prod(cells), -1)
    return call.builder.maximum_of_groups(call.name, node, groups, (channels, *cells))


def _places_in_cells(call: Call, roi: Floats, axis: int, cells: int) -> tuple[Floats, int]:
    """Where the cells of a region are sampled along an axis (0: height), how often in a cell."""
    scale = call.number("spatial_scale", 1.0)
    half = call.opset >= 16 and call.text("coordinate_transformation_mode", "half_pixel") == (
        "half_pixel"
    )
    start, end = (roi[i] * scale - (0.5 if half else 0.0) for i in (1 - axis, 3 - axis))
    extent = end - start if half else max(end - start, 1.0)
    if cells < 1 or not np.isfinite(extent):
        call.cannot_run()
    count = int(call.integer("sampling_ratio", 0))
    count = count if count > 0 else max(1, math.ceil(extent / cells))
    call.reading.limits.check_array((cells, count), call.name)
    cell = extent / cells
    steps = (np.arange(count) + 0.5) * cell / count
    return (start + np.arange(cells)[:, None] * cell + steps).ravel(), count


def _in_pixels(x: Floats, n: int) -> tuple[NDArray[np.int64], Floats]:
    """The two pixels around places along an axis, and their weights."""
    x = np.maximum(x, 0.0)
    low = np.minimum(x.astype(np.int64), n - 1)
    x = np.where(low >= n - 1, low, x)
    high = np.minimum(low + 1, n - 1)
    share = x - low
    return np.stack([low, high], axis=1), np.stack([1 - share, share], axis=1)


@operator("DeformConv", opsets=(19, 22))
def deform_conv(call: Call) -> Value:
    """A convolution whose windows see shifted places, by constant offsets (and factors)."""
    shape, W = call.shape(), np.asarray(call.constant(1), dtype=np.float64)
    offset = np.asarray(call.constant(2), dtype=np.float64)
    if len(shape) != 4 or W.ndim != 4 or offset.ndim != 4 or offset.shape[0] != shape[0]:
        call.refuse("over other than two axes")
    groups, shifts = call.integer("group", 1), call.integer("offset_group", 1)
    kernel, counts, places = W.shape[2:], offset.shape[2:], math.prod(W.shape[2:])
    fits = offset.shape[1] == 2 * shifts * places and shape[1] == W.shape[1] * groups
    if min(groups, shifts) < 1 or not fits or shape[1] % shifts or W.shape[0] % groups:
        call.cannot_run()
    mask = np.ones((shape[0], shifts * places, *counts))
    if call.has(4):
        mask = np.broadcast_to(np.asarray(call.constant(4), dtype=np.float64), mask.shape)
    offset, mask = (call.per_row(array, 4) for array in (offset, mask))
    call.reading.limits.check_array((places * math.prod(counts), math.prod(shape[2:])), call.name)
    images = iter(range(len(offset)))

    def layer(node: int) -> int:
        k = next(images)
        shifted = offset[k].reshape(shifts, places, 2, *counts)
        factors = mask[k].reshape(shifts, places, *counts)
        return _deformed(call, node, W.reshape(W.shape[0], -1), kernel, shifted, factors, groups)

    return call.result(call.per_image(call.node(), layer))


def _deformed(
    call: Call, node: int, W: Floats, kernel: Shape, shifted: Floats, factors: Floats, groups: int
) -> int:
    builder, name = call.builder, call.name
    channels, *space = builder.shape(node)
    shifts, places, counts = len(shifted), math.prod(kernel), shifted.shape[3:]
    strides, gaps = call.integers("strides", [1, 1]), call.integers("dilations", [1, 1])
    pads = call.integers("pads", [0] * 4)
    each, columns = channels // shifts, []
    for g in range(shifts):
        axes = []
        for axis in (0, 1):
            steps = np.arange(counts[axis]) * strides[axis] - pads[axis]
            taps = np.arange(kernel[axis]) * gaps[axis]
            taps = taps[:, None] if axis == 0 else taps[None]
            at = np.broadcast_to(taps, kernel).reshape(places, 1, 1) + (
                steps[:, None] if axis == 0 else steps[None]
            )
            axes.append(_with_zeros((at + shifted[g, :, axis]).ravel(), space[axis]))
        M = _product_of_axes(axes, tuple(space)) * factors[g].reshape(-1, 1)
        index = np.arange(g * each * math.prod(space), (g + 1) * each * math.prod(space))
        one = builder.rearrange(f"{name} (group {g})", node, index, (each, *space))
        columns.append(builder.map_space(f"{name} (windows {g})", one, M, (places, *counts)))
    joined = columns[0] if shifts == 1 else builder.add(f"{name} (windows)", Concat(0), *columns)
    joined = builder.rearrange(name, joined, None, (channels * places, *counts))
    return builder.pointwise_conv(name, joined, W, call.constant(3), groups)


def _with_zeros(x: Floats, n: int) -> tuple[NDArray[np.int64], Floats]:
    """The two pixels around places, with no weight beyond the ends."""
    low = np.floor(x).astype(np.int64)
    pixels = np.stack([low, low + 1], axis=1)
    weights = np.maximum(0.0, 1 - np.abs(x[:, None] - pixels))
    weights = np.where((pixels >= 0) & (pixels < n), weights, 0.0)
    return np.clip(pixels, 0, n - 1), weights
