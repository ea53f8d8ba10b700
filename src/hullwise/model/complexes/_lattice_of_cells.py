"""The faces of all dimensions of cells that were cut alone, with the cells' own numbering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..._core.threads import StopFlag, single_threaded_blas
from ..._core.types import Ints
from ...errors import ModelError
from ._build_limits import BuildLimits
from ._cell_cutting import match_vertices
from ._cell_table import CellTable
from ._face_lattice import CellLattice, FaceLists
from ._lattice_cutter import LatticeCutter
from ._layer_cutting import cut_by_layers

if TYPE_CHECKING:
    from .cell_complex import CellComplex


def lattice_of_cells(whole: CellComplex, table: CellTable) -> CellLattice:
    """The lattice of the same box, cut by the same layers.

    Both ways cut an edge at the same walls in the same order, so that a vertex is known by the ends
    of the edge that it was cut into; cells are known by their codes. What comes out has to have the
    corners of the table, cell by cell.

    Raises
    ------
    ModelError
        It has not: rounding made the two ways disagree.
    """
    domain, codes = whole.domain, whole.layer_codes
    inputs = np.asarray(whole.origin + domain.vertices @ whole.axes)
    cutter = LatticeCutter(domain)
    limits = BuildLimits(2**62, None, None, StopFlag())
    with single_threaded_blas():
        layered = cut_by_layers(whole.net, cutter, inputs, len(codes), limits)
    lattice = cutter.lattice()
    own = np.concatenate([np.zeros((0, 2), np.int64), *cutter.cut_edges])
    vertices = match_vertices(len(domain.vertices), own, table.cut_edges)
    cells = _matched_cells(_flat_codes(layered.layer_codes), _flat_codes(codes))
    if cells is None or (vertices < 0).any() or len(vertices) != len(table.vertices):
        raise _disagreement()
    lattice = _renumbered(lattice, vertices, cells, table)
    corners = lattice.corners[-1]
    if not np.array_equal(corners.ends, table.corners.ends) or not np.array_equal(
        corners.ids, _sorted_within(table.corners)
    ):
        raise _disagreement()
    return lattice


def _disagreement() -> ModelError:
    return ModelError(
        "rounding made two ways of cutting disagree about the faces: give cell_complex "
        "method='lattice'."
    )


def _flat_codes(levels: Any) -> Any:
    """Codes (n_cells, n_units) of all layers."""
    at, parts = np.arange(len(levels[-1].root) if levels else 1), []
    for level in reversed(levels):
        parts.append(level.codes[at])
        at = level.root[at]
    return np.concatenate(parts, axis=1) if parts else np.zeros((1, 0), np.uint8)


def _matched_cells(own: Any, other: Any) -> Ints | None:
    """For each row of `own` the equal row of `other`, None where they are not the same rows."""
    if own.shape != other.shape:
        return None
    if not own.shape[1]:
        return np.arange(len(own))
    orders = [_row_order(rows) for rows in (own, other)]
    if not np.array_equal(own[orders[0]], other[orders[1]]):
        return None
    out = np.empty(len(own), np.int64)
    out[orders[0]] = orders[1]
    return out


def _row_order(rows: Any) -> Ints:
    """An order of rows that depends on their bytes alone."""
    flat = np.ascontiguousarray(rows)
    return np.argsort(flat.view(f"V{flat.dtype.itemsize * flat.shape[1]}").ravel(), kind="stable")


def _renumbered(lattice: CellLattice, vertices: Ints, cells: Ints, table: CellTable) -> CellLattice:
    """The lattice with the vertices and cells of the table."""
    edges = lattice.facets[0]
    first = FaceLists(vertices[edges.ids].astype(np.int32), edges.ends)
    order = np.empty(len(cells), np.int64)
    order[cells] = np.arange(len(cells))
    facets = (first, *lattice.facets[1:-1], lattice.facets[-1].take(order))
    return CellLattice(table.vertices, facets, lattice.walls)


def _sorted_within(lists: FaceLists) -> Any:
    """The entries of each list, rising."""
    return lists.ids[np.lexsort((lists.ids, lists.owners))]
