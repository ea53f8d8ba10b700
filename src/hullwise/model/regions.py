"""Every region of a network in a box, by walking from region to region across their facets.

Two regions of a box that share no facet are joined by a chain of regions that do, so a walk that
crosses every facet finds them all. A region is kept as its code; its walls are affine functions, of
which linear programs say which bound it (`_polytope`) and the germ beyond a facet says which code
lies there (`_across`). Points on facets are only where the next region's numbers start from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from .._core.options import check_int
from .._core.results import Column, TableResult
from .._core.threads import single_threaded_blas
from .._core.types import Floats, Ints, Progress
from ..errors import DataError, ModelError
from ._affine_maps import n_distinct
from ._arguments import check_index, check_network, one_row
from ._facet_crossing import WallCoordinates
from ._facets import VANISHING_WALL, box_cells, solve_by_highs
from ._input_box import input_box
from ._lp import ESSENTIAL, UNDETERMINED
from ._piecewise_layers import Codes
from .network import Network

REGION_BATCH = 128  # regions looked at together
REGION_BATCH_NUMBERS = 2**22  # held for them


@dataclass(frozen=True, eq=False, repr=False)
class Regions(TableResult):
    """The regions of a network in a box; made by :meth:`hullwise.model.Network.regions`.

    Attributes
    ----------
    codes : ndarray (n_regions, n_units)
        Activation codes, no two alike, in the order in which the walk came by.
    centres : ndarray (n_regions, d)
        The centre of a largest ball in each region (and the box).
    radii : ndarray (n_regions,)
        That ball's radius.
    neighbours : ndarray (P, 2)
        Pairs of regions that share a facet, the lower number first.
    n_facets : ndarray (n_regions,)
        Facets of each region, those on the sides of the box included.
    n_open : int
        Facets behind which no region was recorded: `max_regions` was reached, or what lies there is
        thinner than rounding can tell.
    partial : bool
        Whether any facet was left open.
    lower, upper : ndarray (d,)
        The box.
    net : Network

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0]]])
    >>> r = net.regions(1.0)
    >>> r, r.n_facets, len(r.neighbours)
    (Regions(4 regions in 2 dimensions), array([4, 4, 4, 4]), 4)
    """

    net: Network
    lower: Floats
    upper: Floats
    codes: Codes
    centres: Floats
    radii: Floats
    neighbours: Ints
    n_facets: Ints
    n_open: int

    @property
    def n_regions(self) -> int:
        """Distinct activation codes with interior in the box."""
        return len(self.codes)

    @property
    def partial(self) -> bool:
        return self.n_open > 0

    def _maps(self, which: Any) -> Floats:
        """Affine maps (k, n_outputs, 1 + d) about the box's middle: the value, then the slopes."""
        codes, d = self.codes[which], self.net.n_inputs
        block = np.vstack([self.lower / 2 + self.upper / 2, np.eye(d)])[None]
        parts = [
            self.net.push(np.repeat(block, len(codes[rows]), axis=0), codes[rows])
            for rows in self.net.blocks(len(codes), d + 1)
        ]
        return np.concatenate(parts).transpose(0, 2, 1)

    @cached_property
    def n_distinct_maps(self) -> int:
        """How many of the regions' affine maps differ by more than 1e-9: the linear regions.

        Holds n_regions n_outputs (d + 1) numbers while it counts.
        """
        return n_distinct(self._maps(slice(None)))

    def affine(self, i: int) -> tuple[Floats, Floats]:
        """A (n_outputs, d) and b (n_outputs,) of region i: the network is A x + b there.

        Raises
        ------
        DataError
            If there is no such region.
        """
        i = check_index("region", i, self.n_regions)
        (affine_map,) = self._maps([i])
        middle = self.lower / 2 + self.upper / 2
        return affine_map[:, 1:].copy(), affine_map[:, 0] - affine_map[:, 1:] @ middle

    def __len__(self) -> int:
        return self.n_regions

    def _columns(self) -> Mapping[str, Column]:
        degree = np.bincount(self.neighbours.ravel(), minlength=self.n_regions)
        outputs = self.net(self.centres)
        return {
            "region": np.arange(self.n_regions),
            **{f"centre{j}": self.centres[:, j] for j in range(self.centres.shape[1])},
            "radius": self.radii,
            "n_facets": self.n_facets,
            "n_neighbours": degree,
            **{f"output{j}": outputs[:, j] for j in range(outputs.shape[1])},
        }

    def __repr__(self) -> str:
        def count(n: int, what: str) -> str:
            return f"{n:,} {what}{'' if n == 1 else 's'}"

        rest = f", partial: {count(self.n_open, 'facet')} left open" if self.partial else ""
        dimensions = count(self.centres.shape[1], "dimension")
        return f"Regions({count(self.n_regions, 'region')} in {dimensions}{rest})"


def enumerate_regions(
    net: Network,
    box: Any,
    *,
    start: Any = None,
    max_regions: int = 10_000,
    progress: Progress | None = None,
    random_state: int = 0,
) -> Regions:
    """Every region of a network with interior in a box.

    Parameters
    ----------
    net : Network
    box : float or (lower, upper)
        A half width around 0, or a pair of numbers or of (d,) arrays.
    start : array-like (d,), optional
        Where the walk starts; None: the middle of the box. Moved a little if it is on a wall.
    max_regions : int
        Most regions. Where there are more the answer is partial: the regions nearest to the start,
        counted in facets crossed.
    progress : callable, optional
        Called with (regions done, max_regions, "regions").
    random_state : int
        Of the moves of a start that is on a wall.

    Returns
    -------
    Regions

    Raises
    ------
    DataError
        If the box is none, the start is outside it or max_regions is below 1.
    ModelError
        If `net` is no network.

    Notes
    -----
    For each region one forward pass for each of the d inputs, one linear program for the ball and
    one, warm from the last, for each wall that no vertex on the way decides: O(k d) a pivot with k
    walls, about k d pivots at worst. That is 0.05 to 0.1 ms a region in 2 dimensions, 3 ms in 20,
    0.2 s in 128 and half a minute in 784 on one core; there take `dissect`, `slice` or `along`. A
    partial answer is the regions nearest the start in facets crossed, no random sample. Regions
    whose largest ball is below 1e-12 of the box, or below what rounding leaves uncertain of the
    walls that it touches, are not seen; the facets that lead there are counted in `n_open`.

    Source: the walk is that of reverse search and its kin (Sleumer 1999, *Output-sensitive cell
    enumeration in hyperplane arrangements*), with a set of codes for memory.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> W = np.random.default_rng(0).normal(size=(5, 3))
    >>> net = hw.model.from_arrays([W, np.ones((1, 5))])
    >>> net.regions(1.0).n_regions == hw.model.zaslavsky(5, 3, central=True)
    True
    """
    check_network(net, "regions")
    if box is None:
        raise DataError("box=None: regions are enumerated in a bounded box; give its ends.")
    lower, upper = input_box(net, box)
    max_regions = check_int("max_regions", max_regions, 1)
    random_state = check_int("random_state", random_state, 0)
    walk = _FacetWalk(net, lower, upper, max_regions)
    with single_threaded_blas():  # the products are small: two threads would mostly wait
        walk.begin(_start(net, start, lower, upper), np.random.default_rng(random_state))
        while walk.queue:
            if progress is not None:
                progress(len(walk.visited), max_regions, "regions")
            walk.step()
    return walk.result()


def _start(net: Network, start: Any, lower: Floats, upper: Floats) -> Floats:
    if start is None:
        return np.asarray(lower / 2 + upper / 2)
    x = one_row(net, start, "start")
    if (x < lower).any() or (x > upper).any():
        column = int(np.argmax((x < lower) | (x > upper)))
        raise DataError(
            f"start lies outside the box: {x[column]:g} in column {column}, not in "
            f"[{lower[column]:g}, {upper[column]:g}]."
        )
    return np.asarray(x)


@dataclass(eq=False)
class _FacetWalk:
    net: Network
    lower: Floats
    upper: Floats
    max_regions: int
    queue: deque[tuple[Codes, Floats, int]] = field(default_factory=deque)
    number: dict[bytes, int] = field(default_factory=dict)  # of every code met
    visited: list[tuple[int, Codes, Floats, float, int]] = field(default_factory=list)
    pairs: list[tuple[int, int]] = field(default_factory=list)
    n_beyond: int = 0

    def __post_init__(self) -> None:
        self.coordinates = WallCoordinates(self.net, basis=False)
        sides = 2 * self.net.n_inputs + len(self._walls)
        self.batch = max(1, min(REGION_BATCH, REGION_BATCH_NUMBERS // (sides * self.net.n_inputs)))

    @cached_property
    def _walls(self) -> Ints:
        from .region_walls import wall_units

        return wall_units(self.net)

    def begin(self, x: Floats, rng: Any) -> None:
        """The region of x, or of a point near it that is in the interior of one."""
        half = (self.upper - self.lower) / 2
        reach = 0.0
        for _ in range(60):
            near = np.clip(x + reach * half * rng.uniform(-1, 1, len(x)), self.lower, self.upper)
            code = self.coordinates.pattern_at(near[None])
            if self._cells(near[None], code)[1][0] > 0:
                self._meet(code[0], near)
                return
            reach = min(1.0, max(1e-6, 3 * reach))
        raise ModelError(
            "found no region with interior near the start: the regions there are thinner than "
            "rounding can tell. Give another start or a larger box."
        )

    def _cells(self, X: Floats, codes: Codes) -> tuple[Floats, Floats, Any, Ints, Floats, Floats]:
        rows = self.coordinates.rows(X, codes)
        low, high = self.lower - X, self.upper - X
        cells = box_cells(rows.G, rows.c, rows.slopes, rows.values, low, high)
        centres, radii, state, first, points = cells
        for r in np.flatnonzero(np.isnan(radii) | (state == UNDETERMINED).any(axis=1)):
            solve_by_highs(rows.G[r], rows.c[r], low[r], high[r], int(r), cells)
        length = np.linalg.norm(rows.G, axis=2, keepdims=True)
        normals = rows.G / np.where(length > 0, length, 1)
        return X + centres, radii, state, first, X[:, None] + points, normals

    def _meet(self, code: Codes, x: Floats) -> int:
        """The number of the region with this code, -1 beyond `max_regions`."""
        key = code.tobytes()
        if key not in self.number:
            if len(self.number) >= self.max_regions:
                return -1
            self.number[key] = len(self.number)
            self.queue.append((code, x, self.number[key]))
        return self.number[key]

    def step(self) -> None:
        """A few regions: their balls and facets, and what lies across those."""
        batch = [self.queue.popleft() for _ in range(min(self.batch, len(self.queue)))]
        codes = np.array([code for code, _, _ in batch])
        X = np.clip(np.array([x for _, x, _ in batch]), self.lower, self.upper)
        centres, radii, state, first, points, normals = self._cells(X, codes)
        d = self.net.n_inputs
        facets = (state == ESSENTIAL) & (radii > 0)[:, None]
        for r, (code, _, number) in enumerate(batch):
            if radii[r] > 0:
                n = int(facets[r].sum())
                self.visited.append((number, code, centres[r], float(radii[r]), n))
        region, wall = np.nonzero(facets[:, 2 * d :])
        step = max(1, REGION_BATCH_NUMBERS // max(1, first.shape[1] + self.net.widest))
        for at in range(0, len(region), step):
            own, w = region[at : at + step], wall[at : at + step]
            vanish = (first[own] == (w + 2 * d)[:, None]) | (first[own] == VANISHING_WALL)
            new = self.coordinates.neighbour_pattern(codes[own], vanish, -normals[own, w])
            for i, code in enumerate(new):
                other = self._meet(code, points[own[i], w[i] + 2 * d])
                if other < 0:
                    self.n_beyond += 1
                else:
                    self.pairs.append((batch[own[i]][2], other))

    def result(self) -> Regions:
        place = np.full(len(self.number), -1)
        place[[one[0] for one in self.visited]] = np.arange(len(self.visited))
        pairs = place[np.array(self.pairs, dtype=np.int64).reshape(-1, 2)]
        lost = int(np.count_nonzero((pairs < 0).any(axis=1)))
        pairs = np.unique(np.sort(pairs[(pairs >= 0).all(axis=1)], axis=1), axis=0)
        return Regions(
            net=self.net,
            lower=self.lower,
            upper=self.upper,
            codes=np.array([one[1] for one in self.visited]),
            centres=np.array([one[2] for one in self.visited]),
            radii=np.array([one[3] for one in self.visited]),
            neighbours=pairs[pairs[:, 0] < pairs[:, 1]],
            n_facets=np.array([one[4] for one in self.visited]),
            n_open=self.n_beyond + lost,
        )
