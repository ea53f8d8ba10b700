"""The regions of a plane part by part, for slices that are larger than memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.threads import StopFlag, single_threaded_blas
from .._core.types import Progress
from ..errors import DataError
from ._arguments import border
from ._complex_parts import owned_vertices
from ._region_cutter import CutPiece, RegionCutter, RegionLimit
from ._slicing import SliceLimits, SlicePlane, check_plane, memory_limits, region_cutter
from .network import Network
from .slice_readings import PlaneDistance
from .slices import Slice

if TYPE_CHECKING:
    from .slice_file import SliceFile

MAX_STREAMED_REGIONS = 2**31 - 1  # after a layer: they are counted in 32 bits


@dataclass(frozen=True, eq=False, repr=False)
class SlicePart(Slice):
    """Some of the regions of a slice; what a `Slice` says of its regions it says of these.

    Each region is in one part. Vertices and edges between parts are in both; they are counted once
    in `n_own_vertices` and `n_own_edges`, so that over all parts ``V - E + n_regions = 1``.

    Attributes
    ----------
    n_own_vertices, n_own_edges : int
        Those that no earlier part has.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]])
    >>> (part,) = net.slice_parts([0, 0], [[1, 0], [0, 1]])
    >>> part
    SlicePart(6 regions, 9 vertices, 14 edges)
    """

    n_own_vertices: int
    n_own_edges: int

    def decision_distance(self, uv: Any) -> PlaneDistance:
        """Not known: other parts may be nearer."""
        raise DataError("a part of a slice does not know how far the decision is: take Slice's")

    def __repr__(self) -> str:
        return (
            f"SlicePart({self.n_regions:,} region{'' if self.n_regions == 1 else 's'}, "
            f"{len(self.vertices):,} vertices, {len(self.complex.edges):,} edges)"
        )


class SliceParts:
    """The parts of a slice; made by `Network.slice_parts`. Each iteration computes them anew.

    Memory is that of the part that is there and of the work on the next ones.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]])
    >>> parts = net.slice_parts([0, 0], [[1, 0], [0, 1]])
    >>> [(part.n_regions, float(part.areas.sum())) for part in parts]
    [(6, 4.0)]
    """

    def __init__(self, plane: SlicePlane, limits: SliceLimits) -> None:
        self.net = plane.net
        self._plane, self._limits = plane, limits

    def __iter__(self) -> Iterator[SlicePart]:
        return self.with_cutter()[1]

    def with_cutter(self) -> tuple[RegionCutter, Iterator[SlicePart]]:
        """What cuts, whose counts are whole at the end, and the parts."""
        cutter = region_cutter(self._plane, self._limits, len(self.net.layers))
        return cutter, self._parts(cutter.pieces())

    def _parts(self, pieces: Iterator[CutPiece]) -> Iterator[SlicePart]:
        while (piece := _next_piece(pieces)) is not None:
            yield _slice_part(self._plane, piece)

    def save(self, path: str | PathLike[str], *, force: bool = False) -> SliceFile:
        """Write all parts into one file, the whole of it or none; a file there only by `force`.

        Raises
        ------
        FileError
            If the file exists, or cannot be written.
        """
        from .slice_file import save_parts

        return save_parts(self, path, force=force)

    def __repr__(self) -> str:
        return f"SliceParts(of {self.net!r})"


def slice_parts(
    net: Network,
    origin: Any,
    axes: Any,
    half_width: Any = 1.0,
    *,
    max_memory: Any = None,
    progress: Progress | None = None,
    stop: StopFlag | None = None,
) -> SliceParts:
    """The parts of a slice; see `Network.slice_parts`."""
    plane = check_plane(net, origin, axes, half_width)
    limits = memory_limits(max_memory)
    return SliceParts(
        plane, SliceLimits(MAX_STREAMED_REGIONS, *limits, stop or StopFlag(), progress)
    )


@border("slicing the network")
def _next_piece(pieces: Iterator[CutPiece]) -> CutPiece | None:
    with single_threaded_blas():
        try:
            return next(pieces, None)
        except RegionLimit:
            raise DataError(
                f"the plane has more than {MAX_STREAMED_REGIONS:,} regions: take smaller rectangles"
            ) from None


def _slice_part(plane: SlicePlane, piece: CutPiece) -> SlicePart:
    cells = piece.complex
    outer = np.flatnonzero(cells.face < 0)
    n_second = int(np.count_nonzero((cells.wall[outer] >= 0) & (cells.wall[outer] % 2 == 1)))
    n_vertices = int(np.count_nonzero(owned_vertices(cells, piece.owned)))
    n_edges = cells.halves.shape[1] // 2 - n_second
    halves = cells.halves.copy()
    halves[4, outer] = halves[4, halves[2, outer]]  # the walls behind them in the place of tags
    return SlicePart(
        *(plane.net, plane.origin, plane.axes, -plane.half, plane.half),
        *(replace(cells, halves=halves), piece.levels, piece.outputs, piece.output_errors),
        *(False, n_vertices, n_edges),
    )
