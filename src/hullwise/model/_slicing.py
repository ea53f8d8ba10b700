"""Making a slice: every layer cuts the polygons of the layers before it.

In the main thread a long cut runs in a thread beside it, so that Ctrl-C is heard; short ones, and
those of other threads, run where they are called.
"""

from __future__ import annotations

from threading import current_thread, main_thread
from typing import Any

import numpy as np

from .._core.options import check_int, check_nonnegative
from .._core.threads import StopFlag, run_in_threads, single_threaded_blas
from .._core.types import Floats, Progress
from ..errors import DataError, StoppedError
from ._arguments import check_rectangle, one_row
from ._layer_cuts import LayerCut, cut_layer
from ._layer_values import LayerValues
from ._piecewise_layers import Units
from .network import Network
from .planar_complex import Complex, TooManyFaces, rectangle
from .slices import MAX_SLICE_REGIONS, Slice

SHORT_CUT_REGIONS = 20_000  # regions before a layer; up to twice as many behind it take some 10 ms
PARALLEL_TOLERANCE = 1e-12  # axes closer to parallel than this span no plane


def slice_plane(
    net: Network,
    origin: Any,
    axes: Any,
    half_width: Any = 1.0,
    *,
    max_regions: int = MAX_SLICE_REGIONS,
    progress: Progress | None = None,
    stop: StopFlag | None = None,
) -> Slice:
    """The regions with ``|u| <= half_width[0], |v| <= half_width[1]``; see `Network.slice`."""
    centre = one_row(net, origin, "origin")
    frame = net.rows(axes, "axes")
    if len(frame) != 2 or _are_parallel(frame):
        raise DataError(f"axes must be two independent directions (2, {net.n_inputs})")
    half = check_rectangle(half_width)
    max_regions = check_int("max_regions", max_regions, 1)
    with single_threaded_blas():  # the products are small: two threads would mostly wait
        return _cut_all_layers(net, centre, frame, half, max_regions, progress, stop or StopFlag())


def _are_parallel(frame: Floats) -> bool:
    """Whether two directions (2, d) span no plane. The cost is that of 2 d numbers, not of d^2."""
    largest = np.abs(frame).max(axis=1, keepdims=True)
    if not largest.all():
        return True
    scaled = frame / largest  # no square leaves the range of floats
    unit = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    return bool(np.linalg.svd(unit, compute_uv=False)[-1] < PARALLEL_TOLERANCE)


def slice_through(
    net: Network, a: Any, b: Any, c: Any, margin: float = 0.5, **options: Any
) -> Slice:
    """The slice through three points, in a rectangle that holds them; see `Network.slice_through`.

    The axes are orthonormal: the first from a to b, the origin is the middle of the rectangle.
    """
    corners = np.vstack([one_row(net, p, name) for p, name in ((a, "a"), (b, "b"), (c, "c"))])
    margin = check_nonnegative("margin", margin)
    frame = corners[1:] - corners[0]
    if _are_parallel(frame):
        raise DataError("a, b and c lie on one line: they span no plane")
    first = frame[0] / np.linalg.norm(frame[0])
    second = frame[1] - (frame[1] @ first) * first
    axes = np.vstack([first, second / np.linalg.norm(second)])
    uv = (corners - corners[0]) @ axes.T
    low, high = uv.min(axis=0), uv.max(axis=0)
    half = (high - low) * (0.5 + margin / 2)
    return slice_plane(net, corners[0] + (low + high) / 2 @ axes, axes, half, **options)


def _cut_all_layers(
    net: Network,
    origin: Floats,
    axes: Floats,
    half: Floats,
    max_regions: int,
    progress: Progress | None,
    stop: StopFlag,
) -> Slice:
    complex_ = rectangle(-half, half)
    values_, layer_codes, partial = LayerValues(net, origin + complex_.xy @ axes), [], False
    for i, layer in enumerate(net.layers):
        if progress is not None:
            progress(i, len(net.layers), f"{complex_.n_faces:,} regions")
        units = values_.advance()
        try:
            step = _cut_interruptibly(complex_, units, values_, layer.start, max_regions, stop)
        except TooManyFaces:
            partial = not stop.is_set()
        if stop.is_set():
            raise StoppedError(f"the slice was stopped in layer {i + 1} of {len(net.layers)}")
        if partial:
            break
        if step.new is not None:
            values_.extend(step.new.a, step.new.b, step.new.t)
        if step.vertices is not None:
            values_.keep(step.vertices)
        values_.bend()
        complex_ = step.complex
        layer_codes.append(step.codes)
    if partial:  # the layers behind are not cut: their values at the vertices
        values_ = LayerValues(net, origin + complex_.xy @ axes)
        for _ in net.layers:
            values_.advance()
            values_.bend()
    outputs, errors = values_.finish()
    codes = tuple(layer_codes)
    return Slice(net, origin, axes, -half, half, complex_, codes, outputs, errors, partial)


def _cut_interruptibly(
    old: Complex,
    units: Units,
    values_: LayerValues,
    start: int,
    max_regions: int,
    stop: StopFlag,
) -> LayerCut:
    """`cut_layer` such that Ctrl-C is heard, which the main thread does between steps of Python.

    There only what is short is done at once, the rest in a thread of its own.
    """
    inputs = old, units, values_.z, values_.range, values_.noise, start
    if current_thread() is not main_thread():
        return cut_layer(*inputs, max_regions, stop)
    if old.n_faces < SHORT_CUT_REGIONS:
        few = min(max_regions, 2 * SHORT_CUT_REGIONS)
        try:
            return cut_layer(*inputs, few, stop)
        except TooManyFaces:
            if few == max_regions or stop.is_set():
                raise
    results: list[LayerCut] = []

    def task(_: None, stop: StopFlag) -> None:
        with np.errstate(over="raise", invalid="raise"):  # the caller's settings are not this one's
            results.append(cut_layer(*inputs, max_regions, stop))

    run_in_threads(task, [None], 2, stop)
    return results[0]
