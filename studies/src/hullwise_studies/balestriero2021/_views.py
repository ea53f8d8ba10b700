"""Images seen through a smaller window, a coarser grid or a finer one, as rows of a table.

All are linear maps of the pixels with whole numbers for weights: a mean over 28/3 pixels is given
as 28 times itself. Membership does not change with the scale, and 8-bit images stay exact: equal
images stay equal, and what is constant stays constant.
"""

from __future__ import annotations

import numpy as np

from .._types import Array, Floats

BLOCK = 4096


def rows_of(images: Array) -> Array:
    """One row per image: float32 for 8-bit pixels, which it holds exactly, otherwise float64."""
    kind = np.float32 if images.dtype in (np.uint8, np.int8, np.bool_, np.float32) else np.float64
    return np.ascontiguousarray(images.reshape(len(images), -1), dtype=kind)


def centre_patch(images: Array, size: int) -> Array:
    """Rows of the central size x size pixels; no more than there are along either side.

    Where the margins cannot be equal the lower and right one is the larger.
    """
    (top, high), (left, wide) = (_window(n, size) for n in images.shape[1:3])
    return rows_of(images[:, top : top + high, left : left + wide])


def _window(n: int, size: int) -> tuple[int, int]:
    return (n - min(size, n)) // 2, min(size, n)


def smoothed(images: Array, size: int) -> Array:
    """Rows of size x size means over areas that tile the image: a box filter, then subsampling.

    Areas need not be of whole pixels; a side shorter than `size` is left as it is.
    """
    h, w = images.shape[1:3]
    return _mapped(images, area_weights(h, min(size, h)), area_weights(w, min(size, w)))


def resampled_patch(images: Array, factor: float, size: int) -> Array:
    """The central size x size pixels of the images enlarged (linearly) or reduced (means)."""
    maps = []
    for n in images.shape[1:3]:
        m = max(1, round(n * factor))
        weights = linear_weights(n, m) if m >= n else area_weights(n, m)
        start, count = _window(m, size)
        maps.append(weights[start : start + count])
    return _mapped(images, *maps)


def _mapped(images: Array, down: Floats, across: Floats) -> Array:
    """Both maps applied to each image, block by block; float32 where that holds the sums."""
    n, _, _, c = images.shape
    most = down.sum(axis=1).max() * across.sum(axis=1).max() * 255
    exact = images.dtype in (np.uint8, np.bool_) and most < 2**24
    out = np.empty((n, len(down), len(across), c), np.float32 if exact else np.float64)
    for start in range(0, n, BLOCK):
        part = images[start : start + BLOCK].astype(np.float64)
        out[start : start + BLOCK] = np.einsum(
            "ih,nhwc,jw->nijc", down, part, across, optimize=True
        )
    return out.reshape(n, -1)


def area_weights(n: int, m: int) -> Floats:
    """(m, n) whole numbers: sums over m equal stretches of n pixels are n times the means."""
    low = np.arange(m)[:, None] * n
    pixel = np.arange(n)[None] * m
    overlap = np.minimum(low + n, pixel + m) - np.maximum(low, pixel)
    return np.asarray(np.maximum(overlap, 0), dtype=np.float64)


def linear_weights(n: int, m: int) -> Floats:
    """(m, n) whole numbers: 2m times linear interpolation between pixel centres.

    Beyond the first and last centre the image is constant.
    """
    place = np.clip((2 * np.arange(m) + 1) * n - m, 0, 2 * m * (n - 1))
    left = np.minimum(place // (2 * m), max(n - 2, 0))
    part = place - 2 * m * left
    weights = np.zeros((m, n))
    weights[np.arange(m), left] = 2 * m - part
    if n > 1:
        weights[np.arange(m), left + 1] += part
    return weights


def quantised(values: Array, levels: int, low: Floats, high: Floats) -> Array:
    """Each feature rounded to `levels` equal steps between `low` and `high`: whole numbers."""
    span = np.where(high > low, high - low, 1.0)
    return np.clip(np.round((values - low) / span * (levels - 1)), 0, levels - 1).astype(np.float32)
