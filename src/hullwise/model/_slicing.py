"""Making a slice: every layer cuts the polygons of the layers before it, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.memory import available_memory, size_text
from .._core.options import check_int, check_nonnegative, check_size
from .._core.threads import StopFlag, single_threaded_blas
from .._core.types import Floats, Progress
from ..errors import DataError, MemoryLimitError
from ._arguments import check_rectangle, one_row
from ._complex_gluing import PartVertices, glue_parts
from ._packed_codes import joined_levels
from ._region_cutter import CutPiece, RegionCutter, RegionLimit
from .network import Network
from .slices import LEAST_SLICE_MEMORY, MAX_SLICE_REGIONS, Slice

WORK_BYTES = 2**27  # of a piece that is cut at a time
NO_MEMORY_LIMIT = 2**62  # where the system does not say what is free
JOIN_COPIES = 2  # of all regions while parts are joined
PARALLEL_TOLERANCE = 1e-12  # axes closer to parallel than this span no plane


def slice_plane(
    net: Network,
    origin: Any,
    axes: Any,
    half_width: Any = 1.0,
    *,
    max_regions: int = MAX_SLICE_REGIONS,
    max_memory: Any = None,
    progress: Progress | None = None,
    stop: StopFlag | None = None,
) -> Slice:
    """The regions with ``|u| <= half_width[0], |v| <= half_width[1]``; see `Network.slice`."""
    plane = check_plane(net, origin, axes, half_width)
    regions = check_int("max_regions", max_regions, 1)
    limits = SliceLimits(regions, *memory_limits(max_memory), stop or StopFlag(), progress)
    with single_threaded_blas():  # the products are small: two threads would mostly wait
        return _whole_slice(plane, limits)


@dataclass(frozen=True, eq=False)
class SlicePlane:
    """A rectangle of a plane in a network's input space."""

    net: Network
    origin: Floats
    axes: Floats
    half: Floats


@dataclass(frozen=True)
class SliceLimits:
    """What a slice may take: regions, bytes of results and of work; and who is told of it."""

    max_regions: int
    memory: int
    work: int
    stop: StopFlag
    progress: Progress | None


def check_plane(net: Network, origin: Any, axes: Any, half_width: Any) -> SlicePlane:
    """The rectangle that a user names, else DataError."""
    centre = one_row(net, origin, "origin")
    frame = net.rows(axes, "axes")
    if len(frame) != 2 or _are_parallel(frame):
        raise DataError(f"axes must be two independent directions (2, {net.n_inputs})")
    return SlicePlane(net, centre, frame, check_rectangle(half_width))


def memory_limits(max_memory: Any) -> tuple[int, int]:
    """Bytes for a slice in all, and of these for what is worked on at a time."""
    if max_memory is None:
        free = available_memory()
        return (NO_MEMORY_LIMIT if free is None else free), WORK_BYTES
    memory = check_size("max_memory", max_memory, LEAST_SLICE_MEMORY)
    return memory, min(WORK_BYTES, memory // 4)


def region_cutter(plane: SlicePlane, limits: SliceLimits, n_layers: int) -> RegionCutter:
    """What cuts a rectangle by the first layers."""
    where = plane.net, plane.origin, plane.axes, plane.half
    allowed = limits.max_regions, limits.work, limits.stop, limits.progress
    return RegionCutter(*where, n_layers, *allowed)


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


def _whole_slice(plane: SlicePlane, limits: SliceLimits) -> Slice:
    """All pieces joined; the layers that make too many regions are left out."""
    n_layers, partial = len(plane.net.layers), False
    while True:
        cutter = region_cutter(plane, limits, n_layers)
        try:
            pieces = _within_memory(cutter, limits)
        except RegionLimit as limit:
            n_layers, partial = limit.layer, True
            continue
        return _joined_slice(plane, cutter, pieces, partial)


def _within_memory(cutter: RegionCutter, limits: SliceLimits) -> list[CutPiece]:
    """All pieces.

    Raises
    ------
    MemoryLimitError
        If they, and the whole made of them, need more than there is.
    """
    pieces: list[CutPiece] = []
    size = 0
    for piece in cutter.pieces():
        pieces.append(piece)
        size += piece.nbytes
        if cutter.is_divided and JOIN_COPIES * size + cutter.work_bytes > limits.memory:
            raise MemoryLimitError(
                f"the slice needs more than {size_text(limits.memory)}: {cutter.n_regions[-1]:,} "
                f"regions with their vertices and values are {size_text(size)}, twice that while "
                "they are joined, and more were to come. Take a smaller half_width, allow more "
                "max_memory, or take the regions part by part (Network.slice_parts), which also go "
                "into a file."
            )
    return pieces


def _joined_slice(
    plane: SlicePlane, cutter: RegionCutter, pieces: list[CutPiece], partial: bool
) -> Slice:
    errors = np.max([piece.output_errors for piece in pieces], axis=0)
    parts = [PartVertices(piece.complex, piece.outputs) for piece in pieces]
    codes = [list(piece.levels) for piece in pieces]
    pieces.clear()
    levels = joined_levels(codes, cutter.n_regions)
    if len(parts) == 1:
        complex_, outputs = parts[0].complex, parts[0].values
    else:
        complex_, outputs = glue_parts(parts)
    rectangle_ = -plane.half, plane.half
    return Slice(
        *(plane.net, plane.origin, plane.axes, *rectangle_),
        *(complex_, levels, outputs, errors, partial),
    )
