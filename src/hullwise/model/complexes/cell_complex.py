"""The linear regions of a network on a box, as a complex of convex cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..._core.results import RecordResult
from ..._core.types import Floats, Ints
from .._arguments import check_index
from .._layer_cuts import LayerCodes
from .._piecewise_layers import Codes
from ..network import Network
from ._face_lattice import FaceIds, FaceLattice, FaceLists
from ._face_measures import cell_measures, corner_means


@dataclass(frozen=True, eq=False, repr=False)
class CellComplex(RecordResult):
    """Every region of a network in a box, with faces of all dimensions.

    Made by :func:`hullwise.model.cell_complex`. Vertices, volumes and centroids are in coordinates
    u of the box; the network's inputs there are ``origin + u @ axes``, which is u itself unless
    axes were given.

    Attributes
    ----------
    net : Network
    origin, axes : ndarray (n_inputs,), (k, n_inputs)
    lattice : FaceLattice
        The faces: `vertices`, `facets`, `corners`, `walls`, `sides`.
    outputs : ndarray (V, n_outputs)
        The network's values at the vertices.
    output_errors : ndarray (n_outputs,)
        What rounding may have done to them.
    partial : bool
        True where a limit was reached: the cells are then those of the first
        ``len(n_regions_per_layer)`` layers only.
    """

    net: Network
    origin: Floats
    axes: Floats
    lattice: FaceLattice
    layer_codes: tuple[LayerCodes, ...]
    outputs: Floats
    output_errors: Floats
    partial: bool

    @property
    def dimension(self) -> int:
        """k, of the box."""
        return self.lattice.dimension

    @property
    def n_regions(self) -> int:
        """Distinct activation codes with an interior in the box."""
        return self.lattice.n_cells

    @property
    def n_faces(self) -> tuple[int, ...]:
        """How many faces of each dimension: vertices, edges, ..., cells."""
        return self.lattice.n_faces

    @property
    def n_regions_per_layer(self) -> list[int]:
        """After the first layer, the first two, ..."""
        return [len(level.root) for level in self.layer_codes]

    @property
    def euler_characteristic(self) -> int:
        """V - E + F - ...: 1, that of a box, where the faces are right."""
        return int(sum((-1) ** k * m for k, m in enumerate(self.n_faces)))

    @property
    def vertices(self) -> Floats:
        """(V, k)."""
        return self.lattice.vertices

    @property
    def edges(self) -> FaceIds:
        """(E, 2) pairs of vertices."""
        return self.lattice.edges

    @property
    def corners(self) -> FaceLists:
        """The vertices of all cells: `ids`, one cell after another, and their `ends`."""
        return self.lattice.corners[-1]

    @cached_property
    def cells(self) -> list[FaceIds]:
        """The vertices of each cell."""
        return self.corners.as_list()

    @cached_property
    def codes(self) -> Codes:
        """Activation codes (n_regions, n_units) of the layers that were cut."""
        at, parts = np.arange(self.n_regions), []
        for level in reversed(self.layer_codes):
            parts.append(level.codes[at])
            at = level.root[at]
        whole = [part.astype(self.net.code_dtype, copy=False) for part in reversed(parts)]
        empty = np.zeros((self.n_regions, 0), np.uint8)
        return np.asarray(np.concatenate(whole, axis=1) if whole else empty)

    @cached_property
    def neighbours(self) -> Ints:
        """(P, 2) the cells on the two sides of each inner (k - 1)-face."""
        return np.asarray(self.lattice.sides[(self.lattice.sides >= 0).all(axis=1)])

    @cached_property
    def neighbour_units(self) -> Ints:
        """(P,) the unit behind the face between two neighbours, counted through all layers."""
        return np.asarray(self.lattice.walls[(self.lattice.sides >= 0).all(axis=1)], dtype=np.int64)

    @cached_property
    def _measures(self) -> tuple[Floats, Floats]:
        return cell_measures(self.lattice)

    @property
    def volumes(self) -> Floats:
        """(n_regions,) in coordinates u: those of the box in all."""
        return self._measures[0]

    @property
    def centroids(self) -> Floats:
        """(n_regions, k), a point inside each cell."""
        return self._measures[1]

    @cached_property
    def values(self) -> Floats:
        """The outputs at a point inside each region, (n_regions, n_outputs)."""
        return corner_means(self.corners, self.outputs)

    @cached_property
    def minimum(self) -> Floats:
        """(n_regions, n_outputs) the least value of every output in each cell."""
        return np.minimum.reduceat(self.outputs[self.corners.ids], self.corners.begins, axis=0)

    @cached_property
    def maximum(self) -> Floats:
        """(n_regions, n_outputs) the largest value of every output in each cell."""
        return np.maximum.reduceat(self.outputs[self.corners.ids], self.corners.begins, axis=0)

    def points(self, u: Any) -> Floats:
        """Inputs (m, n_inputs) of the network at coordinates u (m, k)."""
        return np.asarray(self.origin + np.atleast_2d(np.asarray(u, dtype=float)) @ self.axes)

    def facets_of(self, region: int) -> FaceIds:
        """The (k - 1)-faces of a cell."""
        region = check_index("region", region, self.n_regions)
        facets = self.lattice.facets[-1]
        return np.asarray(facets.ids[facets.begins[region] : facets.ends[region]])

    def __repr__(self) -> str:
        layers = len(self.layer_codes)
        part = f" of {len(self.net.layers)}: partial" if self.partial else ""
        return (
            f"CellComplex({self.n_regions:,} region{'' if self.n_regions == 1 else 's'} in "
            f"{layers} layer{'' if layers == 1 else 's'}{part}, {self.dimension} dimensions, "
            f"{self.n_faces[0]:,} vertices, {self.n_faces[1]:,} edges)"
        )
