"""Where a network decides otherwise, as a complex one dimension below that of its regions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..._core.results import RecordResult
from ..._core.types import Floats, Ints
from ...errors import DataError
from ._face_lattice import CellLattice, FaceIds, FaceLattice
from ._face_measures import cell_measures, corner_means
from ._homology import betti_numbers
from ._polygon_loops import oriented_loops
from .surface_mesh import SurfaceMesh


@dataclass(frozen=True, eq=False, repr=False)
class BoundaryComplex(RecordResult):
    """The faces between cells on which a network decides differently.

    Made by :meth:`hullwise.model.CellComplex.boundary`. Faces share their vertices, so that the
    boundary is watertight: it ends nowhere but on the sides of the box.

    Attributes
    ----------
    cells : CellLattice
        The complex, its regions cut where the decision changes.
    decisions : ndarray (n_cells,)
        Of each cell: 1 above the level and 0 elsewhere, or the output that is largest.
    regions : ndarray (n_cells,)
        The region that each cell lies in.
    surface : FaceLattice
        The faces between cells of different decisions, with their own faces.
    sides : ndarray (n_surface_faces, 2)
        The cells on both sides of each: that of the lower decision first.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> W = np.vstack([np.eye(3), -np.eye(3)])
    >>> net = hw.model.from_arrays([W, np.ones((1, 6))], [np.zeros(6), np.full(1, -0.5)])
    >>> octahedron = hw.model.cell_complex(net, 1.0).boundary()
    >>> octahedron.n_faces, octahedron.betti_numbers
    ((6, 12, 8), (1, 0, 1))
    """

    cells: CellLattice
    decisions: Ints
    regions: Ints
    surface: FaceLattice
    sides: Ints

    @property
    def dimension(self) -> int:
        """k - 1."""
        return self.surface.dimension

    @property
    def vertices(self) -> Floats:
        """(V, k)."""
        return self.surface.vertices

    @property
    def edges(self) -> FaceIds:
        """(E, 2) pairs of vertices."""
        return self.surface.edges

    @cached_property
    def faces(self) -> list[FaceIds]:
        """The vertices of each face of dimension k - 1."""
        return self.surface.corners[-1].as_list()

    @property
    def n_faces(self) -> tuple[int, ...]:
        """How many faces of each dimension, vertices first."""
        return self.surface.n_faces

    @property
    def euler_characteristic(self) -> int:
        """V - E + F - ..."""
        return self.surface.euler_characteristic

    @cached_property
    def betti_numbers(self) -> tuple[int, ...]:
        """Mod 2, of the boundary: its pieces, its loops, what it encloses, ..."""
        return betti_numbers(self.surface)

    def decision_betti_numbers(self, decision: int) -> tuple[int, ...]:
        """Mod 2, of all points of the box that are decided so, with their border.

        The number of connected pieces, of tunnels through them, of cavities, ...
        """
        cells = np.flatnonzero(self.decisions == decision)
        if not len(cells):
            known = np.unique(self.decisions).tolist()
            raise DataError(f"nothing in the box is decided {decision!r}; decisions are {known}.")
        return betti_numbers(self.cells.part(cells))

    @cached_property
    def measures(self) -> Floats:
        """(F,) the (k - 1)-volumes of the faces: areas in 3 dimensions."""
        return cell_measures(self.surface)[0]

    @property
    def is_closed(self) -> bool:
        """Whether it ends nowhere, not even on the sides of the box."""
        return not (self.surface.facet_degrees % 2).any()

    @cached_property
    def components(self) -> Ints:
        """(F,) which connected piece each face belongs to."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        corners = self.surface.corners[-1]
        n, m = len(corners), len(self.vertices)
        pairs = corners.owners, n + corners.ids
        graph = coo_array((np.ones(len(pairs[0]), np.int8), pairs), shape=(n + m, n + m))
        labels = connected_components(graph, directed=False)[1][:n]
        return np.asarray(np.unique(labels, return_inverse=True)[1], dtype=np.int64)

    def mesh(self) -> SurfaceMesh:
        """The boundary in 3 dimensions as polygons, turned towards the higher decision.

        Raises
        ------
        DataError
            In other dimensions.
        """
        if self.cells.dimension != 3:
            raise DataError(
                f"a mesh is that of a boundary in 3 dimensions, and the box has "
                f"{self.cells.dimension}: give cell_complex three axes."
            )
        if not len(self.sides):
            return SurfaceMesh(np.zeros((0, 3)), np.zeros(0, np.int32), np.zeros(0, np.int64))
        inner = corner_means(self.surface.corners[-1], self.vertices)
        beyond = corner_means(self.cells.corners[-1], self.cells.vertices)[self.sides[:, 1]]
        loops = oriented_loops(self.surface, beyond - inner)
        return SurfaceMesh(self.vertices, loops.ids, loops.ends)

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw it; see :func:`hullwise.report.draw_surface`."""
        from ...report.surface_picture import draw_surface

        return draw_surface(self.mesh(), ax, **options)

    def __repr__(self) -> str:
        return (
            f"BoundaryComplex({self.n_faces[-1]:,} faces of dimension {self.dimension}, "
            f"{self.n_faces[0]:,} vertices)"
        )
