"""What cells of a network have, whether all of a box or some of them are at hand."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import Any

import numpy as np

from ..._core.results import RecordResult
from ..._core.types import Floats
from ._cell_table import CellTable
from ._cell_volumes import volumes_of_cells
from ._face_lattice import CellLattice, FaceIds, FaceLists
from ._face_measures import cell_measures, corner_means


class CellQuantities(RecordResult):
    """Cells with the network's values at their vertices."""

    origin: Floats
    axes: Floats
    structure: CellTable | CellLattice
    outputs: Floats

    @property
    @abstractmethod
    def n_regions(self) -> int:
        """Cells."""

    @property
    def vertices(self) -> Floats:
        """(V, k)."""
        return self.structure.vertices

    @property
    def corners(self) -> FaceLists:
        """The vertices of all cells: `ids`, one cell after another, and their `ends`."""
        structure = self.structure
        return structure.corners if isinstance(structure, CellTable) else structure.corners[-1]

    @cached_property
    def cells(self) -> list[FaceIds]:
        """The vertices of each cell."""
        return self.corners.as_list()

    @cached_property
    def _measures(self) -> tuple[Floats, Floats]:
        if isinstance(self.structure, CellTable):
            return volumes_of_cells(self.structure)
        return cell_measures(self.structure)

    @property
    def volumes(self) -> Floats:
        """(n_regions,) in coordinates u: those of the domain in all."""
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
