"""What the pictures of a slice are made of: outlines of classes, walls, and their density."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.types import Floats, Ints

if TYPE_CHECKING:
    from .slices import Slice


DENSITY_CELLS = 200  # along the longer side of the rectangle


def class_of(outputs: Floats) -> Ints:
    """The largest output of each row (k, n_outputs); for one output whether it is above 0."""
    if outputs.shape[1] == 1:
        return (outputs[:, 0] > 0).astype(np.int64)
    return np.asarray(outputs.argmax(axis=1))


def class_outlines(s: Slice) -> dict[int, list[Floats]]:
    """The parts of the rectangle where each class wins, as closed outlines, exactly.

    Class: loops (k, 2) with the class on their left, so that holes run clockwise.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    cells = s._decision
    face, twin, after, wall = cells.face, cells.twin, cells.after, cells.wall
    halves = cells.edges
    inner = halves[(wall[halves] != -2) & (face[halves] >= 0) & (face[twin[halves]] >= 0)]
    n = cells.n_faces
    links = coo_array((np.ones(len(inner)), (face[inner], face[twin[inner]])), shape=(n, n))
    _, part = connected_components(links, directed=False)
    areas, centroids = cells.moments()
    largest = np.lexsort((areas, part))[np.r_[np.flatnonzero(np.diff(np.sort(part))), n - 1]]
    won = class_of(s.net(s.points(centroids[largest])))[part]
    won = np.r_[won, -1]  # face -1 is outside
    mine, other = won[face], won[face[twin]]
    borders = (mine != other) & (mine >= 0)
    out: dict[int, list[Floats]] = {}
    left = set(np.flatnonzero(borders).tolist())
    follow, back, same = after.tolist(), twin.tolist(), (mine == other).tolist()
    start = cells.start
    while left:
        h = first = min(left) if len(left) < 64 else next(iter(left))
        loop = []
        while True:
            left.discard(h)
            loop.append(h)
            h = follow[h]
            while same[h]:
                h = follow[back[h]]
            if h == first:
                break
        out.setdefault(int(mine[first]), []).append(cells.xy[start[np.array(loop)]])
    return dict(sorted(out.items()))


def fan_triangles(s: Slice) -> Ints:
    """Vertices (T, 3) of a fan of triangles within each region."""
    halves, ends = s.complex.loops
    at = s.complex.start[halves]
    begin = np.r_[0, ends[:-1]]
    head = np.repeat(at[begin], np.diff(np.r_[0, ends]))
    fan = np.stack([head, at, s.complex.start[s.complex.after[halves]]], axis=1)
    return np.asarray(fan[(fan[:, 0] != fan[:, 1]) & (fan[:, 0] != fan[:, 2])])


def straight_walls(s: Slice) -> tuple[Floats, Ints]:
    """The walls as few straight segments (k, 2, 2), and the layer (k,) of each.

    Edges of one unit that continue each other are joined; the rectangle's sides are left out.
    """
    inner = s.edge_layers >= 0
    ends = s.vertices[s.edges[inner]]
    units, layers = s.edge_units[inner], s.edge_layers[inner]
    if not len(ends):
        return ends, layers
    step = ends[:, 1] - ends[:, 0]
    length = np.hypot(*step.T)
    keep = length > 0
    ends, units, layers = ends[keep], units[keep], layers[keep]
    step = step[keep] / length[keep, None]
    upright = np.abs(step[:, 0]) <= 1e-9  # all point to the right, or upwards
    step *= np.where(np.where(upright, step[:, 1], step[:, 0]) < 0, -1, 1)[:, None]
    size = float((s.high - s.low).max())
    offset = (ends[:, 0, 0] * step[:, 1] - ends[:, 0, 1] * step[:, 0]) / size
    along = np.einsum("eij,ej->ei", ends, step)
    low, high = along.min(axis=1), along.max(axis=1)
    line = np.c_[units, np.round(np.arctan2(step[:, 1], step[:, 0]) * 1e5), np.round(offset * 1e5)]
    order = np.lexsort((low, line[:, 2], line[:, 1], line[:, 0]))
    line, low, high = line[order], low[order], high[order]
    new = (line[1:] != line[:-1]).any(axis=1) | (low[1:] > high[:-1] + 1e-6 * size)
    begin = np.flatnonzero(np.r_[True, new])
    final = np.r_[begin[1:], len(order)] - 1
    first, last = order[begin], order[final]
    a = _end(ends[first], step[first], np.argmin)
    b = _end(ends[last], step[last], np.argmax)
    return np.stack([a, b], axis=1), layers[first]


def _end(ends: Floats, step: Floats, which: Any) -> Floats:
    along = np.einsum("eij,ej->ei", ends, step)
    return np.asarray(ends[np.arange(len(ends)), which(along, axis=1)])


def wall_density(s: Slice, radius: float = 0.03, grid: int = DENSITY_CELLS) -> Floats:
    """Local complexity: length of walls per area of the plane, on a grid (ny, nx).

    The mean over a disc of `radius` times the rectangle's longer side around each cell's centre
    (only the part within the rectangle counts). Rows go upwards in v.
    """
    from scipy.signal import fftconvolve

    side = s.high - s.low
    cell = float(side.max()) / grid
    shape = np.maximum(1, np.round(side / cell)).astype(int)
    segments, _ = straight_walls(s)
    step = segments[:, 1] - segments[:, 0]
    length = np.hypot(*step.T)
    pieces = np.maximum(1, np.ceil(2 * length / cell)).astype(int)
    which = np.repeat(np.arange(len(segments)), pieces)
    place = np.arange(len(which)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    at = segments[which, 0] + ((place + 0.5) / pieces[which])[:, None] * step[which]
    total, _, _ = np.histogram2d(
        at[:, 0],
        at[:, 1],
        bins=(int(shape[0]), int(shape[1])),
        range=((s.low[0], s.high[0]), (s.low[1], s.high[1])),
        weights=(length / pieces)[which],
    )
    reach = max(1, round(radius * grid))
    ticks = np.arange(-reach, reach + 1)
    disc = (ticks[:, None] ** 2 + ticks**2 <= reach**2).astype(float)
    area = fftconvolve(np.ones_like(total), disc, mode="same") * float((side / shape).prod())
    return np.asarray(np.maximum(fftconvolve(total, disc, mode="same"), 0) / area).T
