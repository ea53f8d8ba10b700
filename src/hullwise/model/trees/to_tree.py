"""Growing the decision tree that a network is, over a box or the whole space."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._core.options import check_int
from ..._core.types import Floats, Indices, Progress
from .._arguments import check_network
from .._input_box import input_box
from .._piecewise_layers import Codes
from ..network import Network
from ._grow import TreeParts, grow
from .tree import NetworkTree


def to_tree(
    net: Network,
    box: Any = None,
    *,
    max_regions: int = 100_000,
    progress: Progress | None = None,
) -> NetworkTree:
    """The decision tree equal to a network over a box, no infeasible branch in it.

    Parameters
    ----------
    net : Network
    box : float, (lower, upper) or None
        A half width around 0, a pair of numbers or of (d,) arrays, or the whole space.
    max_regions : int
        Most ends of the tree. Where there are more the tree is partial: what is not finished is
        answered by the network.
    progress : callable, optional
        Called with (leaves done, max_regions, "leaves").

    Returns
    -------
    NetworkTree
        Questions come in the network's order: layer by layer, unit by unit.

    Raises
    ------
    DataError
        If the box is none or max_regions is below 1.
    ModelError
        If `net` is no network.

    Notes
    -----
    In one and two dimensions cells are polygons (with corners at infinity in the whole plane) and
    are cut exactly; a wall cuts if its values go beyond 1e-12 of their largest, and beyond what
    rounding may leave, on both sides. Above, a branch stays if a ball of radius 1e-7 of the box
    (absolute without one) fits in, by a linear program for every wall on every cell: small
    networks only. O(leaves x (units in all) x corners) in the plane.

    A maximum of k entries is asked in k - 1 comparisons, and a fixed order of them cuts some
    regions into several ends; `n_leaves` counts regions.

    Source: Aytekin (2022), arXiv 2210.05189, section 2; the pruning here is by feasibility.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0]]])
    >>> tree = hw.model.to_tree(net, 1.0)
    >>> tree, tree.mean_depth
    (NetworkTree(4 leaves, 3 nodes, depth 2, in a box), 2.0)
    >>> tree.predict([[0.5, -0.25]])
    array([[0.5]])
    """
    check_network(net, "to_tree")
    max_regions = check_int("max_regions", max_regions, 1)
    lower, upper = input_box(net, box)
    bounded = box is not None
    centre = lower / 2 + upper / 2 if bounded else np.zeros(net.n_inputs)
    half = upper / 2 - lower / 2 if bounded else np.ones(net.n_inputs)
    grown = grow(net, centre, half, bounded, max_regions, progress)
    return _to_arrays(net, grown, (lower, upper), centre, half)


def _to_arrays(
    net: Network, grown: TreeParts, box: tuple[Floats, Floats], centre: Floats, half: Floats
) -> NetworkTree:
    d, ends = net.n_inputs, grown.ends + grown.unfinished
    rows = np.array(grown.rows) if grown.rows else np.zeros((0, d + 1))
    codes = np.array([one.code for one in grown.ends], dtype=net.code_dtype)
    codes = codes.reshape(len(grown.ends), net.n_units)
    leaves, first = _number_codes(codes)
    volumes = np.array([one.cell.volume() for one in ends])
    return NetworkTree(
        net=net,
        lower=box[0],
        upper=box[1],
        origin=centre,
        children=np.array(grown.children, dtype=np.int64).reshape(-1, 2),
        normals=rows[:, :d] / half,
        offsets=rows[:, -1].copy(),
        units=np.array(grown.units, dtype=np.int64),
        leaf_of_end=np.append(leaves, np.full(len(grown.unfinished), -1, dtype=np.int64)),
        codes=codes[first],
        end_depths=np.array([one.depth for one in ends], dtype=np.int64),
        end_shares=volumes / 4,
    )


def _number_codes(codes: Codes) -> tuple[Indices, Indices]:
    """For each code the number of its kind, in order of appearance, and where each kind appears."""
    number: dict[bytes, int] = {}
    first: list[int] = []
    kinds = np.empty(len(codes), dtype=np.int64)
    for i, code in enumerate(codes):
        key = code.tobytes()
        if key not in number:
            number[key] = len(first)
            first.append(i)
        kinds[i] = number[key]
    return kinds, np.array(first, dtype=np.int64)
