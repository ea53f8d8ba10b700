"""A complex in a file: its faces, codes and values; the network is not in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from ... import __version__
from ..._core.types import Array, Floats, Ints
from ...errors import FileError
from ...io.archive import read_archive, write_archive
from .._layer_cuts import LayerCodes
from .._rounding import RELATIVE_TOLERANCE
from ..network import Network
from ._cell_table import CellTable
from ._face_lattice import CellLattice, FaceLists, box_lattice, simplex_lattice
from .cell_complex import CellComplex

COMPLEX_FORMAT = 1
KIND_OF_COMPLEX = "cell complex"
COMPARED_VERTICES = 1000  # at which the network has to give what the file says
OTHER_NETWORK = 1e-6  # of the largest output: one rounded otherwise is the same network still


def save_complex(whole: CellComplex, path: str | PathLike[str], *, force: bool) -> None:
    """Write it; see `CellComplex.save`."""
    structure, corners = whole.structure, whole.domain.vertices
    is_simplex = len(corners) == whole.dimension + 1
    arrays: dict[str, Array] = {
        "origin": whole.origin,
        "axes": whole.axes,
        "domain": corners if is_simplex else np.array([corners.min(axis=0), corners.max(axis=0)]),
        "vertices": structure.vertices,
        "outputs": whole.outputs,
        "output_errors": whole.output_errors,
    }
    if isinstance(structure, CellTable):
        arrays |= {
            "corners": structure.corners.ids,
            "corners.ends": structure.corners.ends,
            "masks": structure.masks,
            "used": structure.used,
            "is_above": structure.is_above,
            "cut_edges": structure.cut_edges,
            "walls": structure.facet_walls.ids,
            "walls.ends": structure.facet_walls.ends,
        }
    else:
        arrays["walls"] = structure.walls
        for k, lists in enumerate(structure.facets, 1):
            arrays |= {f"facets{k}": lists.ids, f"facets{k}.ends": lists.ends}
    for i, level in enumerate(whole.layer_codes):
        arrays |= {f"codes{i}": level.codes, f"roots{i}": level.root}
    header = {
        "kind": KIND_OF_COMPLEX,
        "format": COMPLEX_FORMAT,
        "made_by": f"hullwise {__version__}",
        "network": whole.net.source,
        "dimension": whole.dimension,
        "domain": "simplex" if is_simplex else "box",
        "n_layers": len(whole.layer_codes),
        "partial": whole.partial,
        "method": "cells" if isinstance(structure, CellTable) else "lattice",
    }
    write_archive(path, header, arrays, force=force)


def load_complex(path: str | PathLike[str], net: Network) -> CellComplex:
    """Read one; see `CellComplex.load`."""
    name = os.fsdecode(path)
    header, arrays = read_archive(path)
    if header.get("kind") != KIND_OF_COMPLEX:
        raise FileError(name, "holds no cell complex: CellComplex.save writes one")
    if header.get("format") != COMPLEX_FORMAT:
        raise FileError(
            name,
            f"has the format {header.get('format')!r}, and this is hullwise {__version__}, which "
            f"reads format {COMPLEX_FORMAT}: read it with the version that wrote it "
            f"({str(header.get('made_by', 'unknown'))[:80]})",
        )
    try:
        whole = _restored(header, arrays, net)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise FileError(name, f"does not hold a whole complex ({str(error)[:200]})") from None
    if not _is_of(whole):
        raise FileError(name, f"is not the complex of {net!r}: its outputs are others")
    return whole


def _restored(header: Mapping[str, Any], arrays: Mapping[str, Array], net: Network) -> CellComplex:
    d, n_layers = int(header["dimension"]), int(header["n_layers"])
    is_simplex = header["domain"] == "simplex"
    ends = _numbers(arrays, "domain", (d + 1 if is_simplex else 2, d))
    domain = simplex_lattice(ends) if is_simplex else box_lattice(*ends)
    structure: CellTable | CellLattice
    if header["method"] == "cells":
        structure = _table(arrays, d, len(domain.vertices))
    else:
        structure = _lattice(arrays, d)
    vertices, counts = structure.vertices, structure.n_cells
    levels, before = [], 1
    for i, layer in zip(range(n_layers), net.layers):
        codes, root = arrays[f"codes{i}"], _ids(arrays, f"roots{i}", before)
        if codes.shape != (len(root), layer.n_units) or codes.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"codes of layer {i} that do not fit the network")
        levels.append(LayerCodes(codes, root.astype(np.int64)))
        before = len(root)
    if len(levels) != n_layers or before != counts:
        raise ValueError("codes that are not those of its cells")
    return CellComplex(
        net=net,
        origin=_numbers(arrays, "origin", (net.n_inputs,)),
        axes=_numbers(arrays, "axes", (d, net.n_inputs)),
        domain=domain,
        structure=structure,
        layer_codes=tuple(levels),
        outputs=_numbers(arrays, "outputs", (len(vertices), net.n_outputs)),
        output_errors=_numbers(arrays, "output_errors", (net.n_outputs,)),
        partial=bool(header["partial"]),
    )


def _lattice(arrays: Mapping[str, Array], d: int) -> CellLattice:
    vertices = _numbers(arrays, "vertices", (None, d))
    n, facets = len(vertices), []
    for k in range(1, d + 1):
        facets.append(_lists(arrays, f"facets{k}", n))
        n = len(facets[-1])
    walls = arrays["walls"]
    if walls.shape != (len(facets[-2]),) or walls.dtype != np.int32:
        raise ValueError("walls that are not those of its faces")
    return CellLattice(vertices, tuple(facets), walls)


def _table(arrays: Mapping[str, Array], d: int, n_corners: int) -> CellTable:
    vertices = _numbers(arrays, "vertices", (None, d))
    corners = _lists(arrays, "corners", len(vertices))
    walls = FaceLists(arrays["walls"], _ends(arrays, "walls"))
    masks, used, is_above = (arrays[name] for name in ("masks", "used", "is_above"))
    words_fit = all(x.dtype == np.uint64 for x in (masks, used, is_above))
    n_facets = np.bitwise_count(used) if words_fit and used.shape == walls.ends.shape else None
    if (
        n_facets is None
        or walls.ids.dtype != np.int32
        or not masks.shape == corners.ids.shape
        or not used.shape == is_above.shape == corners.ends.shape
        or not np.array_equal(n_facets, walls.lengths)
    ):
        raise ValueError("masks that are not those of its cells")
    cut_edges = arrays["cut_edges"]
    n_new = len(vertices) - n_corners
    inside = cut_edges.size == 0 or (cut_edges.min() >= 0 and cut_edges.max() < len(vertices))
    if cut_edges.shape != (n_new, 2) or cut_edges.dtype != np.int64 or not inside:
        raise ValueError("edges that are not those its vertices were cut into")
    return CellTable(vertices, corners, masks, used, is_above, walls, cut_edges)


def _lists(arrays: Mapping[str, Array], name: str, n: int) -> FaceLists:
    return FaceLists(_ids(arrays, name, n), _ends(arrays, name))


def _numbers(arrays: Mapping[str, Array], name: str, shape: tuple[int | None, ...]) -> Floats:
    out = arrays[name]
    fits = out.ndim == len(shape) and all(m in (n, None) for n, m in zip(out.shape, shape))
    if not fits or out.dtype != np.float64 or not np.isfinite(out).all():
        raise ValueError(f"{name} is no array of numbers {shape}")
    return out


def _ids(arrays: Mapping[str, Array], name: str, n: int) -> Any:
    out = arrays[name]
    if out.ndim != 1 or out.dtype.kind not in "iu" or (len(out) and not out.min() >= 0):
        raise ValueError(f"{name} holds no numbers of faces")
    if len(out) and out.max() >= n:
        raise ValueError(f"{name} names face {out.max()} of {n}")
    return out


def _ends(arrays: Mapping[str, Array], name: str) -> Ints:
    ends, n = arrays[f"{name}.ends"], len(arrays[name])
    rising = ends.dtype == np.int64 and ends.ndim == 1 and (np.diff(ends, prepend=0) > 0).all()
    if not rising or not len(ends) or ends[-1] != n:
        raise ValueError(f"{name}.ends do not rise to {n}")
    return ends


def _is_of(whole: CellComplex) -> bool:
    """Whether the network gives the outputs that are kept, at some of the vertices."""
    step = max(1, len(whole.vertices) // COMPARED_VERTICES)
    outputs = whole.outputs[::step]
    gap = np.abs(whole.net(whole.points(whole.vertices[::step])) - outputs)
    size = np.abs(outputs).max(initial=RELATIVE_TOLERANCE)
    return bool((gap <= OTHER_NETWORK * size + whole.output_errors).all())
