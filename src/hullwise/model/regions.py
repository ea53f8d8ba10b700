"""Every region of a network in a box, in any number of dimensions, by walking facets."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ._affine import Floats
from ._cross import FLAT, Cell, cell, neighbours
from ._maps import n_distinct
from ._units import Codes
from .network import Network

Progress = Callable[[int, int, str], Any]


@dataclass(frozen=True, eq=False, repr=False)
class Regions:
    """The regions of a network in a box; made by `Network.regions`.

    Attributes
    ----------
    net : Network
    low, high : ndarray (d,)
        The box.
    codes : ndarray (R, n_units)
    centres : ndarray (R, d)
        The centre of the largest ball within each region and the box.
    radii : ndarray (R,)
    n_facets : ndarray (R,)
        Facets of each region within the box, the box's own included.
    neighbours : ndarray (P, 2)
        Pairs of regions that share a facet.
    n_open : int
        Regions seen across a facet but not entered because the budget ended.

    Notes
    -----
    Regions of a box hang together across facets, so the walk finds all of them, down to an inner
    radius of 1e-10 of the box. Cost for each region: d forward passes, one linear programme, and a
    small least squares problem for each wall that rays leave open.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0, 0, 0], [0, 1, 0], [0, 0, 1]], [[1.0, 1, 1]]])
    >>> net.regions(1.0)
    Regions(8 in 3 dimensions, 12 pairs of neighbours)
    """

    net: Network
    low: Floats
    high: Floats
    codes: Codes
    centres: Floats
    radii: Floats
    n_facets: NDArray[np.int64]
    neighbours: NDArray[np.int64]
    n_open: int

    @property
    def n_regions(self) -> int:
        return len(self.codes)

    @property
    def partial(self) -> bool:
        """Whether the budget ended before the walk."""
        return self.n_open > 0

    @cached_property
    def _maps(self) -> tuple[Floats, Floats]:
        from .dissect import dissect

        found = dissect(self.net, self.centres)
        return found.A, found.b

    def affine(self, region: int) -> tuple[Floats, Floats]:
        """The affine map (A, b) of a region."""
        return self._maps[0][region], self._maps[1][region]

    @cached_property
    def n_distinct_maps(self) -> int:
        """How many of the regions' affine maps differ: the linear regions."""
        A, b = self._maps
        return n_distinct(np.concatenate([A, b[..., None]], axis=2))

    def __repr__(self) -> str:
        part = f"; partial, {self.n_open:,} more were seen" if self.partial else ""
        return (
            f"Regions({self.n_regions:,} in {self.net.n_inputs} dimensions, "
            f"{len(self.neighbours):,} pairs of neighbours{part})"
        )


def regions(
    net: Network,
    box: Any,
    *,
    start: Any = None,
    budget: int = 10_000,
    progress: Progress | None = None,
) -> Regions:
    """See `Network.regions`."""
    low, high = box_of(net, box)
    size = float((high - low).max())
    first = (low + high) / 2 if start is None else net.rows(start, "start")[0]
    if (first < low).any() or (first > high).any():
        raise DataError("start lies outside the box")
    found = _Found(net)
    todo: deque[tuple[Codes, int]] = deque((code, -1) for code in _around(net, first, size))
    seen = {code.tobytes() for code, _ in todo}
    waiting = 0
    while todo:
        code, came_from = todo.popleft()
        here = cell(net, code, (low, high))
        centre, radius = here.centre()
        if radius <= FLAT * size:
            found.flat.add(code.tobytes())
            continue
        if found.count >= budget:
            waiting += 1
            continue
        around = neighbours(net, here, centre)
        found.add(here, centre, radius, around.facets, [c.tobytes() for c in around.codes])
        for other in around.codes:
            if other.tobytes() not in seen:
                seen.add(other.tobytes())
                todo.append((other, found.count))
        if progress is not None and found.count % 16 == 0:
            progress(found.count, found.count + len(todo), "regions")
    return found.result(low, high, waiting)


def box_of(net: Network, box: Any) -> tuple[Floats, Floats]:
    """(low, high), each (d,), from a half width or a pair.

    Raises
    ------
    DataError
        If a bound is not finite or low is not below high.
    """
    if np.ndim(box) == 0:
        low, high = -np.asarray(box, dtype=np.float64), np.asarray(box, dtype=np.float64)
    else:
        low, high = (np.asarray(side, dtype=np.float64) for side in box)
    try:
        low, high = (np.broadcast_to(side, (net.n_inputs,)).copy() for side in (low, high))
    except ValueError:
        raise DataError(
            f"box has bounds of shapes {low.shape} and {high.shape}; give a half width, or a pair "
            f"of bounds with {net.n_inputs} entries each"
        ) from None
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
        raise DataError("box needs finite bounds, each lower one below its upper one")
    return low, high


def _around(net: Network, x: Floats, size: float) -> list[Codes]:
    """Codes of regions at x: its own, and, should x be on a wall, some beside it."""
    rng = np.random.default_rng(0)
    near = x + np.vstack([np.zeros(len(x)), rng.normal(size=(8, len(x))) * size * 1e-6])
    return list(np.unique(net.codes(near), axis=0))


class _Found:
    """Regions as the walk enters them."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self.cells: list[Cell] = []
        self.centres: list[Floats] = []
        self.radii: list[float] = []
        self.n_facets: list[int] = []
        self.beside: list[list[bytes]] = []
        self.flat: set[bytes] = set()

    @property
    def count(self) -> int:
        return len(self.cells)

    def add(self, here: Cell, centre: Floats, radius: float, facets: int, beside: Any) -> None:
        self.cells.append(here)
        self.centres.append(centre)
        self.radii.append(radius)
        self.n_facets.append(facets)
        self.beside.append(beside)

    def result(self, low: Floats, high: Floats, waiting: int) -> Regions:
        n, d = self.count, self.net.n_inputs
        codes = np.array([c.code for c in self.cells], dtype=self.net.code_dtype)
        index = {code.tobytes(): i for i, code in enumerate(codes)}
        pairs = {
            (min(i, index[o]), max(i, index[o]))
            for i, others in enumerate(self.beside)
            for o in others
            if o in index
        }
        return Regions(
            self.net,
            low,
            high,
            codes.reshape(n, self.net.n_units),
            np.array(self.centres).reshape(n, d),
            np.array(self.radii),
            np.array(self.n_facets, dtype=np.int64),
            np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2),
            waiting,
        )
