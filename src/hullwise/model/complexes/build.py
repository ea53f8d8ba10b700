"""Complexes from networks and boxes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._core.options import check_int, check_positive
from ..._core.threads import StopFlag, single_threaded_blas
from ..._core.types import Floats, Progress
from ...errors import DataError, ModelError
from .._arguments import as_floats, border, one_row
from .._input_box import input_box
from ..network import Network
from ..readers.read import read
from ._build_limits import BuildLimits, TimeIsUp
from ._cell_cutter import CellCutter, FacetsOverflow
from ._cell_table import table_of_domain
from ._face_lattice import CellLattice, box_lattice, simplex_lattice
from ._lattice_cutter import LatticeCutter, TooManyCells
from ._layer_cutting import cut_by_layers
from .cell_complex import CellComplex

MAX_COMPLEX_REGIONS = 1_000_000
MAX_COMPLEX_DIMENSION = 8
COMPLEX_METHODS = ("auto", "cells", "lattice")
SPAN_TOLERANCE = 1e-10  # axes whose least singular value is below this share span less


@border("making the cell complex of a network")
def cell_complex(
    net: Any,
    box: Any = 1.0,
    *,
    origin: Any = None,
    axes: Any = None,
    simplex: Any = None,
    method: str = "auto",
    max_regions: int = MAX_COMPLEX_REGIONS,
    max_seconds: float | None = None,
    progress: Progress | None = None,
    stop: StopFlag | None = None,
) -> CellComplex:
    """Every linear region of a network in a box of two to eight dimensions, with all its faces.

    Parameters
    ----------
    net : Network or anything :func:`hullwise.model.read` takes
        A torch module, a path to an ONNX file, a fitted scikit-learn MLP.
    box : float or (lower, upper)
        A half width around 0, or a pair of numbers or of (k,) arrays: of the inputs, or of the
        coordinates along `axes` where they are given.
    origin, axes : array-like (n_inputs,), (k, n_inputs), optional
        An affine subspace: its points are ``origin + u @ axes``. Unless given, all of the input.
    simplex : array-like (k + 1, k), optional
        The corners of a simplex, which is then the domain in the place of the box.
    method : "auto", "cells" or "lattice"
        What is kept while cells are cut: the corners and facets of each alone, and faces between
        are made when something asks for them; or all faces. "auto": cells, unless a layer has
        maxima, whose cells are joined afterwards, or a cell has more than 64 facets.
    max_regions : int
        Most regions. A layer that makes more is left out with all behind it, and the complex is
        `partial`.
    max_seconds : float, optional
        The same for time: layers that are not done by then are left out.
    progress : callable, optional
        Called with (layers done, layers, words).
    stop : StopFlag, optional
        Set by another thread to end the work.

    Returns
    -------
    CellComplex

    Raises
    ------
    DataError
        If the box, the axes or the method are none, or the dimension is not 2 to 8.
    ModelError
        If `net` cannot be read, or has other than 2 to 8 inputs and no axes are given.
    MemoryLimitError
        Before an array that cannot fit is made.
    StoppedError
        If `stop` was set.

    Notes
    -----
    Each layer cuts the cells of the layers before it, and a cell is visited by the walls that pass
    through it alone. Cells cost O(v^2) for v corners, 2^k on average: 1 to 2 microseconds in 3 to
    5 dimensions. The lattice costs O(1) for each face, 3^k a cell: .1 to .4 microseconds. Signs
    are judged at the shared vertices, once, by 1e-12 of a unit's largest value or what rounding may
    leave of a zero, whichever is more, so regions thinner than that are not seen.

    Source: layer by layer as in Berzins (2023), *Polyhedral Complex Extraction from ReLU Networks
    using Edge Subdivision*, with incidences in place of sign vectors: ties and parallel walls are
    no exception.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> W = np.vstack([np.eye(3), -np.eye(3)])
    >>> net = hw.model.from_arrays([W, np.ones((1, 6))], [np.zeros(6), np.full(1, -0.5)])
    >>> complex_ = hw.model.cell_complex(net, 1.0)
    >>> complex_
    CellComplex(8 regions in 1 layer, 3 dimensions, 27 vertices, 54 edges)
    >>> float(complex_.volumes.sum()), complex_.euler_characteristic
    (8.0, 1)
    """
    if not isinstance(net, Network):
        net = read(net)
    base, frame = complex_subspace(net, origin, axes)
    domain = complex_domain(net, box, simplex, len(frame), axes is not None)
    if method not in COMPLEX_METHODS:
        raise DataError(f"method={method!r}: expected one of {', '.join(COMPLEX_METHODS)}")
    limits = BuildLimits(
        check_int("max_regions", max_regions, 1),
        None if max_seconds is None else check_positive("max_seconds", max_seconds),
        progress,
        stop or StopFlag(),
    )
    with single_threaded_blas():  # the products are small: two threads would mostly wait
        return _build(net, base, frame, domain, method, limits)


def _build(
    net: Network,
    origin: Floats,
    axes: Floats,
    domain: CellLattice,
    method: str,
    limits: BuildLimits,
) -> CellComplex:
    inputs = np.asarray(origin + domain.vertices @ axes)
    has_maxima = any(hasattr(node.op, "groups") for node in net.nodes)
    if method == "cells" and has_maxima:
        raise ModelError(
            "method='cells': the network has layers of maxima, whose cells are joined again; give "
            "'auto' or 'lattice'."
        )
    by_cells, n_layers = method != "lattice" and not has_maxima, len(net.layers)
    while True:
        cutter = CellCutter(table_of_domain(domain)) if by_cells else LatticeCutter(domain)
        try:
            layered = cut_by_layers(net, cutter, inputs, n_layers, limits)
            break
        except FacetsOverflow:
            if method == "cells":
                raise ModelError("method='cells': a cell has more than 64 facets") from None
            by_cells = False
        except (TooManyCells, TimeIsUp):  # the layers before once more, which fit
            n_layers = limits.layer
            limits = BuildLimits(limits.max_regions, None, limits.progress, limits.stop)
    return CellComplex(
        net=net,
        origin=origin,
        axes=axes,
        domain=domain,
        structure=cutter.table if isinstance(cutter, CellCutter) else cutter.lattice(),
        layer_codes=layered.layer_codes,
        outputs=layered.outputs,
        output_errors=layered.output_errors,
        partial=n_layers < len(net.layers),
    )


def complex_subspace(net: Network, origin: Any, axes: Any) -> tuple[Floats, Floats]:
    """Origin and axes; those of the input itself where none are given."""
    d = net.n_inputs
    if axes is None:
        if origin is not None:
            raise DataError("origin is given without axes: give both, or a box around it.")
        if not 2 <= d <= MAX_COMPLEX_DIMENSION:
            raise ModelError(
                f"the network takes {d:,} input{'' if d == 1 else 's'}: a cell complex has 2 to "
                f"{MAX_COMPLEX_DIMENSION} dimensions. Give axes (k, {d}) of a subspace, or take "
                f"{'net.along' if d == 1 else 'net.slice or net.regions'}."
            )
        return np.zeros(d), np.eye(d)
    frame = np.asarray(net.rows(axes, "axes"))
    k = len(frame)
    if not 2 <= k <= MAX_COMPLEX_DIMENSION:
        raise DataError(f"axes has {k} rows: expected 2 to {MAX_COMPLEX_DIMENSION} directions.")
    lengths = np.linalg.norm(frame, axis=1, keepdims=True)
    unit = frame / np.where(lengths > 0, lengths, 1.0)
    if k > d or np.linalg.svd(unit, compute_uv=False)[-1] < SPAN_TOLERANCE:
        raise DataError(f"axes: expected {k} independent directions ({k}, {d}); these are not.")
    base = np.zeros(d) if origin is None else one_row(net, origin, "origin")
    return np.asarray(base), frame


def complex_domain(net: Network, box: Any, simplex: Any, k: int, in_subspace: bool) -> CellLattice:
    """The box, or the simplex where its corners are given."""
    if simplex is None:
        return box_lattice(*_box(net, box, k, in_subspace))
    expected = f"the {k + 1} corners of a simplex, ({k + 1}, {k})"
    corners = as_floats(simplex, "simplex", expected)
    if corners.shape != (k + 1, k):
        raise DataError(f"simplex has shape {corners.shape}: expected {expected}.")
    if not np.isfinite(corners).all():
        raise DataError(f"simplex has values that are not finite: expected {expected}.")
    sides = corners[1:] - corners[0]
    widths = np.linalg.svd(sides, compute_uv=False)
    if widths[-1] <= SPAN_TOLERANCE * widths[0]:
        raise DataError(f"simplex: its corners lie in one hyperplane; expected {expected}.")
    return simplex_lattice(corners)


def _box(net: Network, box: Any, k: int, in_subspace: bool) -> tuple[Floats, Floats]:
    """The ends (k,) of the box."""
    if box is None:
        raise DataError("box=None: a complex is that of a bounded box; give its ends.")
    if not in_subspace:
        return input_box(net, box)
    expected = f"a half width or a pair (lower, upper) of numbers or of {k} numbers each"
    if np.ndim(box) == 0:
        half = as_floats(box, "box", expected)
        ends = [np.full(k, -half), np.full(k, half)]
    else:
        try:
            ends = [np.broadcast_to(as_floats(e, "box", expected).reshape(-1), (k,)) for e in box]
        except ValueError:
            raise DataError(f"box={box!r}: expected {expected}.") from None
    if len(ends) != 2 or not (np.isfinite(ends).all() and (ends[0] < ends[1]).all()):
        raise DataError(f"box={box!r}: expected {expected}, the lower below the upper.")
    return ends[0].copy(), ends[1].copy()
