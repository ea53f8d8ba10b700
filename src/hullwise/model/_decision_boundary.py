"""How far a point is from where the network decides otherwise, by a walk through nearby regions.

On a region the outputs are affine, so where they decide otherwise is a polytope and the distance to
it a projection. Regions are visited in the order of the distance of the facets that lead to them:
a segment to any point not yet reached leaves the visited regions through a facet that is waiting,
so the nearest of these is a lower bound, and the walk ends when it meets the best point found.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

import numpy as np

from .._core.options import check_int
from .._core.results import RecordResult
from .._core.threads import single_threaded_blas
from .._core.types import Floats, Ints, Mask, Progress
from ..errors import DataError
from ._arguments import one_row
from ._boundary_guess import BoundaryGuess
from ._certified_radius import certified_radius
from ._distance_norm import DistanceNorm, distance_norm
from ._facet_crossing import WallCoordinates, WallRows
from ._facets import box_cells, same_walls
from ._input_box import input_box
from ._lp import ESSENTIAL, UNDETERMINED
from ._piecewise_layers import Codes
from ._polytope import ROW_TOLERANCE, essential, interior
from ._rival_outputs import RivalOutputs, rival_outputs
from .network import Network

BOUNDS_TOLERANCE = 1e-9  # of the distance: nearer together the bounds have met
LARGEST_PROGRAMME = 2**20  # walls times inputs: larger linear programmes take seconds each
FACET_DIMENSIONS = 10  # dimensions up to which facets are told from other walls
TIE_TOLERANCE = (
    1e-7  # of the outputs' size: how near to a tie the network itself must be at the point
)


@dataclass(frozen=True, eq=False, repr=False)
class DecisionDistance(RecordResult):
    """A bracket of the distance from a point to where the network decides otherwise.

    Attributes
    ----------
    lower, upper : float
        The distance is between them; equal if the walk ended, infinite where the decision never
        changes (or, the upper one, where no change was found within `max_regions`).
    point : ndarray (d,)
        A point at the distance `upper` where another output is as large; NaN if there is none.
    classes : (int, int)
        The largest output at x and the one that is as large at `point` (-1: none). With one output
        0 and 1 are its signs, not above zero and above.
    n_regions : int
        Regions visited.
    norm : float
        The distance's norm: 1, 2 or infinity.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0, 0], [-1.0, 0]], [[1.0, 1.0]]], [[0, 0], [-2.0]])
    >>> decision = hw.dissect(net, [0.5, 7.0]).decision()
    >>> decision.upper, decision.exact, decision.point
    (1.5, True, array([2., 7.]))
    """

    lower: float
    upper: float
    point: Floats
    classes: tuple[int, int]
    n_regions: int
    norm: float = 2.0

    @property
    def gap(self) -> float:
        """How much smaller than `upper` the distance may be; 0 unless `max_regions` was reached."""
        return 0.0 if self.exact else self.upper - self.lower

    @property
    def exact(self) -> bool:
        """Whether the bounds have met."""
        return self.lower == self.upper

    def __repr__(self) -> str:
        a, b = self.classes
        visited = f"{self.n_regions:,} region{'' if self.n_regions == 1 else 's'} visited"
        if self.exact:
            which = f"{a} to {b}" if b >= 0 else f"{a} everywhere"
            return f"DecisionDistance({self.upper:.6g}, {which}, {visited})"
        return (
            f"DecisionDistance(between {self.lower:.6g} and {self.upper:.6g}, {visited}: "
            f"max_regions reached)"
        )


def decision_distance(
    net: Network,
    x: Any,
    *,
    norm: Any = 2,
    box: Any = None,
    max_regions: int = 1000,
    progress: Progress | None = None,
) -> DecisionDistance:
    """The distance from x to the nearest point where another output is as large as its largest.

    Parameters
    ----------
    net : Network
        With one output the decision is whether that is above zero.
    x : array-like (d,)
    norm : 1, 2 or numpy.inf
    box : float, pair of ends, or None
        The valid inputs, which x is one of: no other point counts. A half width, or lower and upper
        ends (all, or for each input); None for the whole space.
    max_regions : int
        Most regions to visit; where there are more the answer is a bracket.
    progress : callable, optional
        Called with (regions visited, max_regions, "regions").

    Returns
    -------
    DecisionDistance

    Raises
    ------
    DataError
        If x is not one finite row of the network's inputs or not in the box, the norm is another,
        or max_regions is below 1.

    Notes
    -----
    What the model applies behind its outputs (`Network.output_activations`) does not count: a
    softmax changes no largest output, and with one output the boundary is where that is zero before
    a sigmoid, 1/2 behind it.

    Three bounds meet. From above a point is found by DeepFool, or among many near and far, and
    brought nearer; from below the walk through the regions, and where it was stopped linear bounds
    over a ball (CROWN), in which no other output can be as large; between them each region in reach
    is searched for the nearest tie, exactly in the norm 2, to 1e-7 by linear programmes in others
    (which large networks are spared: no region is visited there).

    A tie counts as a change. `upper` is a distance to a point at which the network itself was
    evaluated and found to tie, to 1e-7 of its outputs' size. Cost: for each region a forward pass
    for each of min(d, width of the first layer) directions and a projection, O(walls d) for each
    active wall, for each other output and each wall that may be nearer than the best point found.

    Examples
    --------
    >>> import hullwise as hw
    >>> from hullwise.model._decision_boundary import decision_distance
    >>> net = hw.model.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0.0, 0.0], [-2.0]])
    >>> decision = decision_distance(net, [0.5])
    >>> decision, decision.point
    (DecisionDistance(1.5, 0 to 1, 2 regions visited), array([2.]))
    """
    at = one_row(net, x, "x")
    max_regions = check_int("max_regions", max_regions, 1)
    low, high = input_box(net, box)
    if not ((at >= low) & (at <= high)).all():
        raise DataError(f"x is not in the box {box!r}: give a box that holds it")
    with single_threaded_blas():  # the products are small: two threads would mostly wait
        search = _BoundarySearch(rival_outputs(net, at), distance_norm(norm), low - at, high - at)
        search.guess()
        if not search.walks_are_affordable:
            return search.result(search.certified())
        # where x is on walls, the code there need not be that of any region: one that begins at x
        way = np.random.default_rng(0).normal(size=(1, net.n_inputs))
        search.visit(search.coordinates.generic_pattern(at[None], way)[0], 0.0)
        while search.upper > 0 and (facet := search.next()) is not None:
            if len(search.visited) >= max_regions:
                return search.result(max(min(facet[0], search.upper), search.certified()))
            if progress is not None:
                progress(len(search.visited), max_regions, "regions")
            search.visit(facet[1], facet[0])
        return search.result(search.upper)


@dataclass(eq=False)
class _VisitedRegion:
    """A visited region: its walls as unit rows N u >= h about x, and its key."""

    code: Codes
    N: Floats
    h: Floats


@dataclass(eq=False)
class _BoundarySearch:
    rivals: RivalOutputs
    norm: DistanceNorm
    low: Floats  # of offsets from x
    high: Floats
    upper: float = np.inf
    point: Floats | None = None
    to: int = -1
    visited: set[bytes] = field(default_factory=set)
    waiting: list[tuple[float, int, bool, _VisitedRegion, int, Codes]] = field(default_factory=list)
    n: int = 0

    def __post_init__(self) -> None:
        self.net, self.x = self.rivals.net, self.rivals.x
        self.is_boxed = bool(np.isfinite(self.low).any() or np.isfinite(self.high).any())
        self.coordinates = WallCoordinates(
            self.net, basis=self.norm.order == 2 and not self.is_boxed
        )
        eye = np.eye(self.net.n_inputs) if self.is_boxed else np.zeros((0, self.coordinates.d))
        below, above = np.isfinite(self.low), np.isfinite(self.high)
        if self.is_boxed:
            self.sides = np.vstack([eye[below], -eye[above]])
            self.side_offsets = np.concatenate([self.low[below], -self.high[above]])
        else:
            self.sides, self.side_offsets = eye, np.zeros(0)

    @property
    def walks_are_affordable(self) -> bool:
        """Whether nearest points of one region are: linear programmes of all its walls are not."""
        size = sum(layer.n_units for layer in self.net.layers) * self.coordinates.d
        return self.norm.order == 2 or size <= LARGEST_PROGRAMME

    def guess(self) -> None:
        """A first point where the decision changes."""
        u = BoundaryGuess(self.rivals, self.norm, self.low, self.high).offset()
        if u is not None:
            self.point, self.upper = self.x + u, self.norm.size(u)
            leads = self.rivals.rows() @ self.net(self.point[None])[0]
            self.to = self.rivals.names[int(leads.argmax())]

    def certified(self) -> float:
        """A radius within which linear bounds show that nothing changes."""
        return certified_radius(self.rivals, self.norm, self.low, self.high, self.upper)

    def visit(self, code: Codes, key: float) -> None:
        """Look for a change in the region of this code and let its facets wait."""
        self.visited.add(code.tobytes())
        rows = self.coordinates.rows(self.x[None], code[None])
        length = np.linalg.norm(rows.G[0], axis=1)
        real = length > rows.slopes[0]
        safe = np.where(real, length, 1)
        N, h = rows.G[0] / safe[:, None], -rows.c[0] / safe
        region = _VisitedRegion(code, np.ascontiguousarray(N[real]), h[real])
        self._change(region, rows)
        dual = self.norm.dual(N)
        away = np.abs(h) / np.where(real, dual, 1)
        near = real & (np.maximum(away, key) < self.upper)
        if not near.any():
            return
        facets, vanish = self._facets(rows, near, N, h, safe)
        vanish |= ~real & (np.abs(rows.c[0]) <= rows.values[0])
        new = self.coordinates.neighbour_pattern(
            np.repeat(code[None], len(facets), axis=0), vanish, -N[facets]
        )
        place = np.cumsum(real) - 1
        for k, other in zip(facets, new, strict=True):
            if other.tobytes() not in self.visited:
                bound = max(key, float(away[k]))
                self._wait(bound, False, region, int(place[k]), other)

    def _facets(
        self, rows: WallRows, near: Mask, N: Floats, h: Floats, safe: Floats
    ) -> tuple[Ints, Mask]:
        """Walls that may be facets within reach, one of each, and for each all that are the same.

        In few dimensions those that are; else none is left out but copies.
        """
        d = self.coordinates.d
        if d <= FACET_DIMENSIONS and np.isfinite(self.upper):
            low, high = np.full((1, d), -self.upper), np.full((1, d), self.upper)
            if self.is_boxed:
                low, high = np.maximum(low, self.low), np.minimum(high, self.high)
            _, radii, state, first, _ = box_cells(
                rows.G, rows.c, rows.slopes, rows.values, low, high
            )
            if radii[0] > 0 and not (state[0] == UNDETERMINED).any():
                facets = np.flatnonzero((state[0, 2 * d :] == ESSENTIAL) & near)
                return facets, first[0] == (facets + 2 * d)[:, None]
        loose = ROW_TOLERANCE + rows.slopes[0] / safe
        shift = ROW_TOLERANCE * np.abs(h) + rows.values[0] / safe
        facets = np.flatnonzero(near)
        if d <= FACET_DIMENSIONS and not np.isfinite(
            self.upper
        ):  # then `near` is all that are walls
            centre, radius = interior(N[facets], -h[facets])
            if radius > shift[facets].max():
                facets = facets[essential(N[facets], -h[facets], centre)]
        vanish = same_walls(N, h, loose, shift, near, facets)
        alone = vanish.argmax(axis=1) == facets
        return facets[alone], vanish[alone]

    def _within(self, N: Floats, h: Floats) -> tuple[Floats, Floats]:
        """The rows of a region and, behind them, those of the box."""
        if not self.is_boxed:
            return N, h
        return np.vstack([N, self.sides]), np.concatenate([h, self.side_offsets])

    def _wait(self, key: float, sure: bool, region: _VisitedRegion, k: int, code: Codes) -> None:
        self.n += 1
        heappush(self.waiting, (key, self.n, sure, region, k, code))

    def next(self) -> tuple[float, Codes] | None:
        """The nearest facet that leads to a region not visited: its distance and that code."""
        while self.waiting:
            key, _, sure, region, k, code = heappop(self.waiting)
            if key >= self.upper * (1 - BOUNDS_TOLERANCE):
                return None
            if code.tobytes() in self.visited:
                continue
            if sure:
                return key, code
            distance, _, _ = self.norm.nearest_point(
                *self._within(region.N, region.h), k, self.upper
            )
            if distance < self.upper:
                self._wait(max(key, distance), True, region, k, code)
        return None

    def _change(self, region: _VisitedRegion, walls: WallRows) -> None:
        """The nearest point of the region where another output is as large."""
        rows, names = self.rivals.over(walls.maps[0])
        slopes, values = self._rival_errors(walls)
        length = np.linalg.norm(rows[:, 1:], axis=1)
        constant = length <= slopes
        dual = self.norm.dual(rows[:, 1:])
        away = np.where(constant, 0.0, -rows[:, 0] / np.where(constant, 1, dual))
        for j in np.argsort(away):
            if constant[j]:
                if rows[j, 0] < -values[j]:
                    continue
                N, h = region.N, region.h  # a tie all through
            else:
                N = np.vstack([region.N, rows[j, 1:] / length[j]])
                h = np.append(region.h, -rows[j, 0] / length[j])
            if away[j] >= self.upper:
                break
            _, distance, u = self.norm.nearest_point(*self._within(N, h), -1, self.upper)
            if distance < self.upper and self._confirmed(u, names[j]):
                self.upper, self.to = distance, names[j]
                self.point = self.coordinates.point(self.x, u)

    def _rival_errors(self, walls: WallRows) -> tuple[Floats, Floats]:
        """What rounding may leave of a zero in the slopes and values of `_rivals`."""
        slopes, values = walls.map_slopes[0], walls.map_values[0]
        if len(slopes) == 1:
            return slopes, values
        own = self.rivals.own
        others = np.arange(len(slopes)) != self.rivals.own
        return slopes[others] + slopes[own], values[others] + values[own]

    def _confirmed(self, u: Floats, other: int) -> bool:
        """Whether the network itself ties at the point."""
        y = self.net(self.coordinates.point(self.x, u)[None])[0]
        lead = (self.rivals.rows() @ y)[self.rivals.names.index(other)]
        return bool(lead >= -TIE_TOLERANCE * max(self.rivals.size, np.abs(y).max()))

    def result(self, lower: float) -> DecisionDistance:
        point = np.full(len(self.x), np.nan) if self.point is None else self.point
        classes = (self.rivals.own, self.to)
        return DecisionDistance(
            float(lower), float(self.upper), point, classes, len(self.visited), self.norm.order
        )
