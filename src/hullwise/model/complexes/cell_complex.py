"""The linear regions of a network on a box, as a complex of convex cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np

from ..._core.types import Floats, Ints
from ...errors import DataError, MissingDependencyError
from .._arguments import border, check_index, check_network
from .._layer_cuts import LayerCodes
from .._piecewise_layers import Codes
from ..network import Network
from ._cell_quantities import CellQuantities
from ._cell_table import CellTable
from ._complex_checker import ComplexCheck, check_complex
from ._face_lattice import CellLattice, FaceIds
from ._homology import betti_numbers
from .boundary_complex import BoundaryComplex


@dataclass(frozen=True, eq=False, repr=False)
class CellComplex(CellQuantities):
    """Every region of a network in a box, with faces of all dimensions.

    Made by :func:`hullwise.model.cell_complex`. Vertices, volumes and centroids are in coordinates
    u of the box; the network's inputs there are ``origin + u @ axes``, which is u itself unless
    axes were given.

    Attributes
    ----------
    net : Network
    origin, axes : ndarray (n_inputs,), (k, n_inputs)
    domain : CellLattice
        The box.
    structure : CellTable or CellLattice
        What was cut: cells by their corners and facets, or all faces.
    outputs : ndarray (V, n_outputs)
        The network's values at the vertices.
    output_errors : ndarray (n_outputs,)
        What rounding may have done to them.
    partial : bool
        True where a limit was reached: the cells are then those of the first
        ``len(n_regions_per_layer)`` layers only.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> W = np.vstack([np.eye(3), -np.eye(3)])
    >>> net = hw.model.from_arrays([W, np.ones((1, 6))], [np.zeros(6), np.full(1, -0.5)])
    >>> cells = hw.model.cell_complex(net, 1.0)
    >>> cells.n_regions, float(cells.maximum.max())
    (8, 2.5)
    """

    net: Network
    origin: Floats
    axes: Floats
    domain: CellLattice
    structure: CellTable | CellLattice
    layer_codes: tuple[LayerCodes, ...]
    outputs: Floats
    output_errors: Floats
    partial: bool

    @property
    def dimension(self) -> int:
        """k, of the box."""
        return self.domain.dimension

    @cached_property
    def lattice(self) -> CellLattice:
        """The faces of all dimensions: `facets`, `corners`, `walls`, `sides`.

        Made on first use where cells were cut alone; that takes some times as long as they took.
        """
        if isinstance(self.structure, CellLattice):
            return self.structure
        from ._lattice_of_cells import lattice_of_cells

        return lattice_of_cells(self, self.structure)

    @property
    def n_regions(self) -> int:
        """Distinct activation codes with an interior in the box."""
        return self.structure.n_cells

    @property
    def n_faces(self) -> tuple[int, ...]:
        """How many faces of each dimension: vertices, edges, ..., cells.

        Counted without making them where no more than k walls meet in a vertex.
        """
        structure = self.structure
        simple = isinstance(structure, CellTable) and structure.is_simple
        return structure.n_faces if simple else self.lattice.n_faces

    @property
    def n_regions_per_layer(self) -> list[int]:
        """After the first layer, the first two, ..."""
        return [len(level.root) for level in self.layer_codes]

    @property
    def euler_characteristic(self) -> int:
        """V - E + F - ...: 1, that of a box, where the faces are right."""
        return sum((-1) ** i * n for i, n in enumerate(self.n_faces))

    @property
    def edges(self) -> FaceIds:
        """(E, 2) pairs of vertices."""
        return self.structure.edges

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
        sides = self._facets[0]
        return np.asarray(sides[(sides >= 0).all(axis=1)])

    @cached_property
    def neighbour_units(self) -> Ints:
        """(P,) the unit behind the face between two neighbours, counted through all layers."""
        sides, walls = self._facets
        return np.asarray(walls[(sides >= 0).all(axis=1)], dtype=np.int64)

    @cached_property
    def _facets(self) -> tuple[Ints, FaceIds]:
        if isinstance(self.structure, CellTable):
            return self.structure.facets
        return self.structure.sides, self.structure.walls

    def facets_of(self, region: int) -> FaceIds:
        """The (k - 1)-faces of a cell."""
        region = check_index("region", region, self.n_regions)
        facets = self.lattice.facets[-1]
        return np.asarray(facets.ids[facets.begins[region] : facets.ends[region]])

    @cached_property
    def betti_numbers(self) -> tuple[int, ...]:
        """Mod 2: (1, 0, ...), those of a box, where the faces are right."""
        return betti_numbers(self.lattice)

    @border("finding the boundary of a decision")
    def boundary(self, output: Any = None, level: float = 0.0) -> BoundaryComplex:
        """Where the decision changes.

        Parameters
        ----------
        output : int or (int, int), optional
            Where this output crosses the level; where the first of two is above the second by the
            level. Unless given: where the largest output is another, and of a network of one
            output where that crosses the level.
        level : float

        Returns
        -------
        BoundaryComplex

        Raises
        ------
        DataError
            There is no such output, or the complex is partial.

        Notes
        -----
        One cut more of a copy of the complex. Where an output is equal to the level on a whole
        cell, that cell is not above it.

        Examples
        --------
        >>> import numpy as np, hullwise as hw
        >>> W = np.vstack([np.eye(3), -np.eye(3)])
        >>> net = hw.model.from_arrays([W, np.ones((1, 6))], [np.zeros(6), np.full(1, -0.5)])
        >>> octahedron = hw.model.cell_complex(net).boundary()
        >>> octahedron.n_faces, octahedron.betti_numbers, octahedron.is_closed
        ((6, 12, 8), (1, 0, 1), True)
        """
        if self.partial:
            raise DataError(
                "the complex is partial: where the network decides is not known; give a higher "
                "max_regions or max_seconds, or a smaller box."
            )
        from ._decision_cut import decision_boundary

        return decision_boundary(self.lattice, self.outputs, self.output_errors, output, level)

    def dual_graph(self) -> Any:
        """The cells as nodes of a NetworkX graph, neighbours joined.

        Nodes have `volume` and `value` (the outputs at a point inside), edges the `unit` between.

        Raises
        ------
        MissingDependencyError
            If NetworkX is not installed.

        Examples
        --------
        >>> import hullwise as hw
        >>> net = hw.model.from_arrays([[[1, 0, 0], [0, 1, 0]], [[1, 1]]])
        >>> hw.model.cell_complex(net).dual_graph().number_of_edges()
        4
        """
        try:
            import networkx  # type: ignore[import-untyped]
        except ImportError:
            raise MissingDependencyError(
                "a dual graph is one of NetworkX, which is not installed: pip install "
                "'hullwise[graph]'; neighbours has the same pairs as an array."
            ) from None
        graph = networkx.Graph()
        cells = zip(self.volumes.tolist(), self.values.tolist())
        graph.add_nodes_from((i, {"volume": v, "value": y}) for i, (v, y) in enumerate(cells))
        joined = zip(self.neighbours.tolist(), self.neighbour_units.tolist())
        graph.add_edges_from((a, b, {"unit": unit}) for (a, b), unit in joined)
        return graph

    def verify(self) -> ComplexCheck:
        """Have an independent checker look at faces, codes, values and volumes.

        It shares no code with what made the complex. Cost: Python steps for each face, about 1 ms
        a cell in 4 dimensions, and memory for all chains of faces, k! times 2^k a cubic cell.

        Examples
        --------
        >>> import hullwise as hw
        >>> net = hw.model.from_arrays([[[1, 0, 0], [0, 1, 0]], [[1, 1]]])
        >>> hw.model.cell_complex(net).verify()
        ComplexCheck(ok)
        """
        return check_complex(self)

    def save(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """Write faces, codes and values; the network is not among them.

        Raises
        ------
        FileError
            The file cannot be written, or exists and `force` is false.
        """
        from ._complex_file import save_complex

        save_complex(self, path, force=force)

    @staticmethod
    def load(path: str | PathLike[str], net: Network) -> CellComplex:
        """Read what `save` wrote, for the network that it was made of.

        Arrays are read by memory map. Nothing in the file is run.

        Raises
        ------
        FileError
            It is no such file, is damaged, or is that of another network.
        """
        from ._complex_file import load_complex

        return load_complex(path, check_network(net, "CellComplex.load"))

    def __repr__(self) -> str:
        layers = len(self.layer_codes)
        part = f" of {len(self.net.layers)}: partial" if self.partial else ""
        return (
            f"CellComplex({self.n_regions:,} region{'' if self.n_regions == 1 else 's'} in "
            f"{layers} layer{'' if layers == 1 else 's'}{part}, {self.dimension} dimensions, "
            f"{len(self.vertices):,} vertices, {len(self.edges):,} edges)"
        )
