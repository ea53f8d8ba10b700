"""The regions of a network on a plane, exactly, layer by layer.

A plane cuts a region of the network in a convex polygon. Each layer cuts the polygons of the layers
before it along the zeros of its units, which are straight on each of them; Humayun, Balestriero,
Balakrishnan & Baraniuk (2023), SplineCam, and Berzins (2023), Polyhedral Complex Extraction from
ReLU Networks using Edge Subdivision, do the same with other structures.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._core.memory import check_memory
from .._core.results import RecordResult
from .._core.threads import StopFlag as StopFlag
from .._core.types import Floats, Ints
from ..errors import DataError
from ._affine_maps import n_distinct, offsets_at, slopes_at, slopes_of_output
from ._arguments import as_floats, border, check_index
from ._layer_cuts import cut_layer
from ._packed_codes import PackedCodes, codes_along
from ._piecewise_layers import Codes, Largest, pieces
from ._plane_location import locate_points
from ._rounding import RELATIVE_TOLERANCE
from .network import Network
from .planar_complex import RECTANGLE_CORNERS, Complex
from .slice_readings import PlaneDistance, nearest_decision

MAX_SLICE_REGIONS = 2_000_000  # regions
LEAST_SLICE_MEMORY = 2**20  # bytes that a slice may be limited to
UNCHECKED_CODE_BYTES = 2**26  # codes up to which nobody is asked for free memory


@dataclass(frozen=True, eq=False, repr=False)
class Slice(RecordResult):
    """Every region of a network in a rectangle of a plane; made by `Network.slice`.

    A point of the plane is ``origin + u axes[0] + v axes[1]``; polygons, areas and centroids are in
    (u, v). Regions are the distinct activation codes with an interior in the rectangle.

    Attributes
    ----------
    net : Network
    origin, axes : ndarray (d,), (2, d)
    low, high : ndarray (2,)
        The rectangle in (u, v).
    n_regions : int
    n_regions_per_layer : list of int
        After the first layer, the first two, ...
    vertices : ndarray (V, 2)
    edges : ndarray (E, 2)
        Pairs of vertices; V - E + n_regions = 1.
    edge_units, edge_layers : ndarray (E,)
        The unit (counted through all layers) and layer behind each edge, -1 the rectangle.
    neighbours : ndarray (P, 2)
        The regions on the two sides of each inner edge.
    outputs : ndarray (V, n_outputs)
        The network's values at the vertices.
    output_errors : ndarray (n_outputs,)
        What rounding may have done to them: less is a tie of two outputs.
    partial : bool
        True where there are more than `max_regions`: the regions are then those of the first
        ``len(n_regions_per_layer)`` layers only.

    Notes
    -----
    Cost: about ten corners' forward passes through every layer for each region, and O(1) for each
    vertex, edge and region made. Zero is decided relative to each unit's own scale (1e-12 of its
    largest value, or what rounding may leave), so regions thinner than that are not seen.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]])
    >>> s = net.slice([0, 0], [[1, 0], [0, 1]])
    >>> s
    Slice(6 regions in 1 layer, 9 vertices, 14 edges)
    >>> float(s.areas.sum())
    4.0
    """

    net: Network
    origin: Floats
    axes: Floats
    low: Floats
    high: Floats
    complex: Complex
    layer_codes: tuple[PackedCodes, ...]
    outputs: Floats
    output_errors: Floats
    partial: bool

    @property
    def n_regions(self) -> int:
        return self.complex.n_faces

    @property
    def n_regions_per_layer(self) -> list[int]:
        return [len(level) for level in self.layer_codes]

    @cached_property
    def codes(self) -> Codes:
        """Activation codes (n_regions, n_units) of the layers that were cut."""
        n_units = sum(level.n_units for level in self.layer_codes)
        size = self.n_regions * n_units * np.dtype(self.net.code_dtype).itemsize
        if size > UNCHECKED_CODE_BYTES:
            what = f"the codes of {self.n_regions:,} regions"
            check_memory(2 * size, what, "`codes_of` gives those of some regions.")
        return self.codes_of(np.arange(self.n_regions))

    def codes_of(self, regions: Any) -> Codes:
        """The activation codes (k, n_units) of some regions, of the layers that were cut."""
        regions = np.atleast_1d(np.asarray(regions, dtype=np.int64))
        parts = codes_along(self.layer_codes, regions)
        whole = [part.astype(self.net.code_dtype, copy=False) for part in parts]
        none = np.zeros((len(regions), 0), np.uint8)
        return np.asarray(np.concatenate(whole, axis=1) if whole else none)

    @cached_property
    def polygons(self) -> list[Floats]:
        """The corners (k, 2) of each region, counter-clockwise."""
        return self.complex.polygons()

    def polygon(self, region: int) -> Floats:
        """The corners (k, 2) of one region."""
        region = check_index("region", region, self.n_regions)
        corners, ends = self.corners
        return np.asarray(self.vertices[corners[ends[region - 1] if region else 0 : ends[region]]])

    @cached_property
    def corners(self) -> tuple[Ints, Ints]:
        """All polygons as flat arrays: vertices (C,) one region after another, and their ends.

        Region i has ``corners[ends[i - 1] : ends[i]]``, counter-clockwise; ends (n_regions,).
        """
        halves, ends = self.complex.loops
        return self.complex.start[halves].astype(np.int64), ends

    @cached_property
    def edges_by_layer(self) -> tuple[Ints, Ints]:
        """The edges (E, 2) in the order of their layers, and how many there are of each.

        The rectangle's come first: counts (n_layers + 1,).
        """
        counts = np.bincount(self.edge_layers + 1, minlength=len(self.net.layers) + 1)
        return self.edges[np.argsort(self.edge_layers, kind="stable")], counts

    @cached_property
    def _moments(self) -> tuple[Floats, Floats]:
        return self.complex.moments()

    @property
    def areas(self) -> Floats:
        """In (u, v): those of the rectangle in all."""
        return self._moments[0]

    @property
    def centroids(self) -> Floats:
        """(n_regions, 2), a point inside each region."""
        return self._moments[1]

    @property
    def vertices(self) -> Floats:
        return self.complex.xy

    @cached_property
    def edges(self) -> Ints:
        halves = self.complex.edges
        ends = self.complex.start[halves], self.complex.start[self.complex.twin[halves]]
        return np.stack(ends, axis=1).astype(np.int64)

    @cached_property
    def edge_units(self) -> Ints:
        return np.asarray(self.complex.wall[self.complex.edges], dtype=np.int64)

    @cached_property
    def edge_layers(self) -> Ints:
        ends = np.array([layer.start + layer.n_units for layer in self.net.layers])
        layers = np.searchsorted(ends, self.edge_units, side="right")
        return np.asarray(np.where(self.edge_units < 0, -1, layers))

    @cached_property
    def neighbours(self) -> Ints:
        halves = self.complex.edges
        pairs = np.c_[self.complex.face[halves], self.complex.face[self.complex.twin[halves]]]
        return np.asarray(pairs[(pairs >= 0).all(axis=1)], dtype=np.int64)

    @cached_property
    def maps(self) -> Floats:
        """The affine map of each region on the plane: (n_regions, n_outputs, 3).

        Value at (0, 0), change per u, change per v.
        """
        frame = np.vstack([self.origin, self.axes])[None]
        out = np.empty((self.n_regions, self.net.n_outputs, 3))
        for rows in self.net.blocks(self.n_regions, 3):
            code = self.codes_of(np.arange(self.n_regions)[rows])
            block = np.broadcast_to(frame, (len(code), *frame.shape[1:]))
            out[rows] = self.net.push(block, code).transpose(0, 2, 1)
        return out

    @cached_property
    def n_distinct_maps(self) -> int:
        """How many of the regions' affine maps on the plane differ: the linear regions."""
        return n_distinct(self.maps)

    def affine(self, region: int, output: int | None = None) -> tuple[Floats, Floats]:
        """The affine map (A, b) of a region in the whole input space; .1 ms in small networks.

        With `output` the row (1, d) of A and the entry (1,) of b of that output alone: one
        backward pass, and no more memory than for a row.
        """
        region = check_index("region", region, self.n_regions)
        code = self.net.codes(self.points(self.centroids[region]))
        if output is not None:
            output = check_index("output", output, self.net.n_outputs)
            b = offsets_at(self.net, code)[0, output : output + 1]
            return slopes_of_output(self.net, code, output), b
        return slopes_at(self.net, code)[0], offsets_at(self.net, code)[0]

    @cached_property
    def values(self) -> Floats:
        """The outputs at a point inside each region, (n_regions, n_outputs)."""
        return self.complex.corner_means(self.outputs)

    @border("placing points of the plane")
    def points(self, uv: Any) -> Floats:
        """Points (k, d) of the input space from plane coordinates (k, 2) or (2,)."""
        return np.asarray(self.origin + _plane_points(uv) @ self.axes)

    def coordinates(self, X: Any) -> tuple[Floats, Floats]:
        """Rows X (m, d) projected on the plane: (m, 2), and their distances from it (m,)."""
        gaps = self.net.rows(X) - self.origin
        uv = np.linalg.lstsq(self.axes.T, gaps.T, rcond=None)[0].T
        return np.asarray(uv), np.asarray(np.linalg.norm(gaps - uv @ self.axes, axis=1))

    @border("finding regions of the plane")
    def find(self, uv: Any) -> Ints:
        """The region of each point (k, 2) of the plane, -1 outside the rectangle.

        Cost: O(n_regions) a point, some 5 ns for each.
        """
        cells = self.complex
        slack = 1e-9 * float((self.high - self.low).max())
        where = cells.xy, cells.start, cells.after, cells.first
        return np.asarray(locate_points(_plane_points(uv), *where, slack))

    @cached_property
    def _decision(self) -> Complex:
        n = self.net.n_outputs
        units: Any = (
            pieces("sign", 1, [0.0], [0.0, 1.0])
            if n == 1
            else Largest("class", np.arange(n)[None], (1,))
        )
        size = np.abs(self.outputs).max(axis=0)
        noise = np.maximum(RELATIVE_TOLERANCE * size, self.output_errors)
        limit = 10 * MAX_SLICE_REGIONS
        ranges = self.outputs.min(axis=0), self.outputs.max(axis=0)
        inputs = self.complex, units, self.outputs, ranges, noise
        return cut_layer(*inputs, DECISION_WALL, RECTANGLE_CORNERS, limit, StopFlag()).complex

    def decision_boundary(self) -> Floats:
        """The segments (k, 2, 2) where the largest output changes (one output: where it is 0)."""
        boundary = self._decision
        halves = boundary.edges[boundary.wall[boundary.edges] == DECISION_WALL]
        return np.stack(
            [
                boundary.xy[boundary.start[halves]],
                boundary.xy[boundary.start[boundary.twin[halves]]],
            ],
            1,
        )

    def decision_distance(self, uv: Any) -> PlaneDistance:
        """How far a point (2,) of the plane is from the decision boundary, along the plane.

        From the segments that the slice has: the distance itself where none can be nearer beyond
        the rectangle, else no more than that it is at least that of the border. For a network of
        two inputs and orthonormal axes it is that of `hullwise.dissect`.

        Raises
        ------
        DataError
            If the slice is partial.
        """
        return nearest_decision(self, _plane_points(uv)[0])

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw it; see :func:`hullwise.report.draw_slice`."""
        from ..report.partition import draw_slice

        return draw_slice(self, ax, **options)

    def __repr__(self) -> str:
        layers = len(self.layer_codes)
        part = f" of {len(self.net.layers)}: partial" if self.partial else ""
        return (
            f"Slice({self.n_regions:,} region{'' if self.n_regions == 1 else 's'} in "
            f"{layers} layer{'' if layers == 1 else 's'}{part}, "
            f"{len(self.vertices):,} vertices, {len(self.complex.edges):,} edges)"
        )


DECISION_WALL = -2  # the wall behind an edge of the decision boundary


def _plane_points(uv: Any) -> Floats:
    points = np.atleast_2d(as_floats(uv, "uv", "points (k, 2) of the plane"))
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise DataError(f"uv has shape {points.shape}; give finite points (k, 2) of the plane")
    return points
