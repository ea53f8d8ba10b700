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
from ._facet_crossing import WallCoordinates, WallRows
from ._facets import box_cells, same_walls
from ._lp import ESSENTIAL, UNDETERMINED
from ._piecewise_layers import Codes
from ._polytope import ROW_TOLERANCE, essential, interior
from ._polytope_projection import nearest_point
from .network import Network

BOUNDS_TOLERANCE = 1e-9  # of the distance: nearer together the bounds have met
FACET_DIMENSIONS = 10  # dimensions up to which facets are told from other walls
DEEPFOOL_STEPS = 100
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
        changes (or, the upper one, where `max_regions` was reached before any change was found).
    point : ndarray (d,)
        A point at the distance `upper` where another output is as large; NaN if there is none.
    classes : (int, int)
        The largest output at x and the one that is as large at `point` (-1: none). With one output
        0 and 1 are its signs, not above zero and above.
    n_regions : int
        Regions visited.

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
    net: Network, x: Any, *, max_regions: int = 1000, progress: Progress | None = None
) -> DecisionDistance:
    """The distance from x to the nearest point where another output is as large as its largest.

    Parameters
    ----------
    net : Network
        With one output the decision is whether that is above zero.
    x : array-like (d,)
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
        If x is not one finite row of the network's inputs, or max_regions is below 1.

    Notes
    -----
    What the model applies behind its outputs (`Network.output_activations`) does not count: a
    softmax changes no largest output, and with one output the boundary is where that is zero before
    a sigmoid, 1/2 behind it.

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
    rows = net.rows(x, "x")
    if len(rows) != 1:
        raise DataError(f"x has {len(rows)} rows; give one point")
    max_regions = check_int("max_regions", max_regions, 1)
    with single_threaded_blas():  # the products are small: two threads would mostly wait
        search = _BoundarySearch(net, rows[0])
        search.guess()
        # where x is on walls, the code there need not be that of any region: one that begins at x
        way = np.random.default_rng(0).normal(size=rows.shape)
        search.visit(search.coordinates.generic_pattern(rows, way)[0], 0.0)
        while search.upper > 0 and (facet := search.next()) is not None:
            if len(search.visited) >= max_regions:
                return search.result(min(facet[0], search.upper))
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
    net: Network
    x: Floats
    upper: float = np.inf
    point: Floats | None = None
    to: int = -1
    visited: set[bytes] = field(default_factory=set)
    waiting: list[tuple[float, int, bool, _VisitedRegion, int, Codes]] = field(default_factory=list)
    n: int = 0

    def __post_init__(self) -> None:
        self.coordinates = WallCoordinates(self.net)
        y = self.net(self.x[None])[0]
        self.size = float(np.abs(y).max())
        self.own = int(y[0] > 0) if len(y) == 1 else int(y.argmax())

    def guess(self) -> None:
        """A first point: steps to the nearest tie of the piece at hand, until the network changes.

        Moosavi-Dezfooli, Fawzi & Frossard (2016), DeepFool; then the first tie on the way there.
        """
        y = self.x.copy()
        for step in range(DEEPFOOL_STEPS):
            walls = self.coordinates.rows(y[None], self.net.codes(y[None]))
            rows, _ = self._rivals(walls.maps[0])
            if rows[:, 0].max() >= 0:
                self._first_tie(y)
                return
            length = np.linalg.norm(rows[:, 1:], axis=1)
            length[length <= self._rival_errors(walls)[0]] = 0.0
            if not length.any():
                return
            away = np.where(length > 0, -rows[:, 0] / np.where(length > 0, length, 1), np.inf)
            j = int(away.argmin())
            y = self.coordinates.point(y, 1.02**step * 1.01 * away[j] / length[j] * rows[j, 1:])
            if not np.isfinite(y).all():
                return

    def _first_tie(self, y: Floats) -> None:
        """The change nearest to x that bisection finds on the segment to y, where there is one."""
        low, high = 0.0, 1.0
        for _ in range(60):
            t = (low + high) / 2
            at = self.x + t * (y - self.x)
            if self._rivals(self.net(at[None])[0][:, None])[0].max() >= 0:
                high = t
            else:
                low = t
        self.point = self.x + high * (y - self.x)
        self.upper = float(np.linalg.norm(self.point - self.x))
        rows, names = self._rivals(self.net(self.point[None])[0][:, None])
        self.to = names[int(rows[:, 0].argmax())]

    def _rivals(self, maps: Floats) -> tuple[Floats, list[int]]:
        """How much larger each other output is than x's, as affine functions; which they are."""
        if len(maps) == 1:
            return (maps if self.own == 0 else -maps), [1 - self.own]
        names = [j for j in range(len(maps)) if j != self.own]
        return maps[names] - maps[self.own], names

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
        near = real & (np.maximum(np.abs(h), key) < self.upper)
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
                bound = max(key, abs(float(h[k])))
                self._wait(bound, False, region, int(place[k]), other)

    def _facets(
        self, rows: WallRows, near: Mask, N: Floats, h: Floats, safe: Floats
    ) -> tuple[Ints, Mask]:
        """Walls that may be facets within reach, one of each, and for each all that are the same.

        In few dimensions those that are; else none is left out but copies.
        """
        d = self.coordinates.d
        if d <= FACET_DIMENSIONS and np.isfinite(self.upper):
            reach = np.full((1, d), self.upper)
            _, radii, state, first, _ = box_cells(
                rows.G, rows.c, rows.slopes, rows.values, -reach, reach
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
            distance, _ = nearest_point(region.N, region.h, k, self.upper)
            if distance < self.upper:
                self._wait(max(key, distance), True, region, k, code)
        return None

    def _change(self, region: _VisitedRegion, walls: WallRows) -> None:
        """The nearest point of the region where another output is as large."""
        rows, names = self._rivals(walls.maps[0])
        slopes, values = self._rival_errors(walls)
        length = np.linalg.norm(rows[:, 1:], axis=1)
        constant = length <= slopes
        away = np.where(constant, 0.0, -rows[:, 0] / np.where(constant, 1, length))
        for j in np.argsort(away):
            if constant[j]:
                if rows[j, 0] < -values[j]:
                    continue
                N, h = region.N, region.h  # a tie all through
            else:
                N = np.vstack([region.N, rows[j, 1:] / length[j]])
                h = np.append(region.h, away[j])
            if away[j] >= self.upper:
                break
            distance, u = nearest_point(N, h, -1, self.upper)
            if distance < self.upper and self._confirmed(u, names[j]):
                self.upper, self.to = distance, names[j]
                self.point = self.coordinates.point(self.x, u)

    def _rival_errors(self, walls: WallRows) -> tuple[Floats, Floats]:
        """What rounding may leave of a zero in the slopes and values of `_rivals`."""
        slopes, values = walls.map_slopes[0], walls.map_values[0]
        if len(slopes) == 1:
            return slopes, values
        others = np.arange(len(slopes)) != self.own
        return slopes[others] + slopes[self.own], values[others] + values[self.own]

    def _confirmed(self, u: Floats, other: int) -> bool:
        """Whether the network itself ties at the point."""
        y = self.net(self.coordinates.point(self.x, u)[None])[0]
        rows, names = self._rivals(y[:, None])
        return bool(rows[names.index(other), 0] >= -TIE_TOLERANCE * max(self.size, np.abs(y).max()))

    def result(self, lower: float) -> DecisionDistance:
        point = np.full(len(self.x), np.nan) if self.point is None else self.point
        classes = (self.own, self.to)
        return DecisionDistance(float(lower), float(self.upper), point, classes, len(self.visited))
