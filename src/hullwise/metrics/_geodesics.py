"""Shortest paths in a metric: through a graph of the rows, then by least energy.

The energy sum |x_{i+1} - x_i|² of a path with fixed ends is least for a geodesic run through at
constant speed. It is minimised in coordinates where a straight path of the mean metric has a
Hessian of 1, so that the number of steps does not slow the descent.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.fft import dst
from scipy.optimize import minimize
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from sklearn.neighbors import NearestNeighbors

from .._core.types import Floats, Ints, Progress
from ._path_lengths import continuation, piece_lengths, subdivided_slopes
from ._path_metrics import DataWeightedMetric, PathMetric, PullbackMetric

ENERGY_ITERATIONS = 200
EDGE_SUBDIVISIONS = 4  # of an edge of the graph, whose lengths are added up
WHITENING_FLOOR = (
    1e-8  # of the largest eigenvalue: directions of less weight are not scaled up further
)


@dataclass(frozen=True, eq=False)
class GeodesicSearch:
    """A path (t, d) and how it was found."""

    points: Floats
    graph_length: float
    notes: tuple[str, ...]


def straight_path(a: Floats, b: Floats, steps: int) -> Floats:
    """(steps + 1, d) points on the segment, with both ends exact."""
    share = np.linspace(0, 1, steps + 1)[:, None]
    path = (1 - share) * a + share * b
    path[0], path[-1] = a, b
    return path


def geodesic(
    path_metric: PathMetric,
    ends: Floats,
    rows: Floats,
    units: Any,
    n_neighbors: int,
    steps: int,
    progress: Progress | None,
) -> GeodesicSearch:
    """The shortest path found between two points (2, d); rows (n, d) are distinct."""
    direct = straight_path(ends[0], ends[1], steps)
    through, notes = graph_path(path_metric, ends, rows, units, n_neighbors, progress)
    by_rows = subdivided(through, steps)
    graph_length = float(piece_lengths(path_metric, by_rows).sum())
    paths = {
        "refined from the graph's path": _refine(
            path_metric, resampled(path_metric, by_rows, steps), progress
        ),
        "refined from the straight line": _refine(path_metric, direct, progress),
        "the straight line": direct,
        "the graph's path": by_rows,
    }
    lengths = {name: float(piece_lengths(path_metric, path).sum()) for name, path in paths.items()}
    best = min(lengths, key=lambda name: lengths[name])
    return GeodesicSearch(paths[best], graph_length, (*notes, f"shortest: {best}"))


def graph_path(
    path_metric: PathMetric,
    ends: Floats,
    rows: Floats,
    units: Any,
    n_neighbors: int,
    progress: Progress | None,
) -> tuple[Floats, tuple[str, ...]]:
    """The shortest way (t, d) from row to near row, and what had to be done to find one."""
    nodes = np.concatenate([rows, ends])
    n = len(rows)
    image = units.image(nodes)
    image = image - image[:n].mean(axis=0)
    k = min(n_neighbors, n)
    index = NearestNeighbors(n_neighbors=k).fit(image[:n])
    inner = np.zeros((1, 0), np.intp)
    if n > 1:  # each row's neighbours, itself not among them
        inner = index.kneighbors(n_neighbors=min(n_neighbors, n - 1), return_distance=False)
    outer = index.kneighbors(image[n:], return_distance=False)
    i = np.r_[np.repeat(np.arange(n), inner.shape[1]), np.repeat([n, n + 1], k)]
    j = np.r_[inner.ravel(), outer.ravel()]
    i, j, n_bridges = _connect_ends(image, i, j)
    pairs = np.unique(np.sort(np.c_[i, j], axis=1), axis=0)
    weight = _edge_lengths(path_metric, nodes, pairs, progress)
    floor = 1e-12 * float(weight.max()) + 1e-300  # an edge of weight 0 would be no edge
    graph = csr_array(
        coo_array((np.maximum(weight, floor), (pairs[:, 0], pairs[:, 1])), shape=(n + 2, n + 2))
    )
    before = dijkstra(graph, directed=False, indices=n, return_predecessors=True)[1]
    order = [n + 1]
    while order[-1] != n:
        order.append(int(before[order[-1]]))
    path = nodes[order[::-1]]
    moved = np.r_[True, (path[1:] != path[:-1]).any(axis=1)]
    moved[-1] = True
    path = path[moved]
    if len(path) > 2 and (path[-1] == path[-2]).all():
        path = path[:-1]
    gaps = f"{n_bridges} gap{'s' * (n_bridges != 1)}"
    note = f"{gaps} between groups of rows bridged at the closest pair"
    return path, ((note,) if n_bridges else ())


def _connect_ends(image: Floats, i: Ints, j: Ints) -> tuple[Ints, Ints, int]:
    """Edges added between the closest pairs of groups until the two ends are in one."""
    total, n_added = len(image), 0
    while True:
        graph = coo_array((np.ones(len(i)), (i, j)), shape=(total, total))
        group = connected_components(graph, directed=False)[1]
        if group[-1] == group[-2]:
            return i, j, n_added
        reached, rest = np.flatnonzero(group == group[-2]), np.flatnonzero(group != group[-2])
        search = NearestNeighbors(n_neighbors=1).fit(image[reached])
        gap, near = search.kneighbors(image[rest])
        least = int(np.argmin(gap))
        i, j = np.r_[i, reached[near[least, 0]]], np.r_[j, rest[least]]
        n_added += 1


def _edge_lengths(
    path_metric: PathMetric, nodes: Floats, pairs: Ints, progress: Progress | None
) -> Floats:
    """Lengths of the edges, block by block: in a few parts, or by the metric at their middles."""
    base = path_metric.base if isinstance(path_metric, DataWeightedMetric) else path_metric
    parts = EDGE_SUBDIVISIONS if isinstance(base, PullbackMetric) else 1
    out, block = np.zeros(len(pairs)), max(1, 2**20 // nodes.shape[1])
    for start in range(0, len(pairs), block):
        at = slice(start, start + block)
        P, Q = nodes[pairs[at, 0]], nodes[pairs[at, 1]]
        for s in range(parts):
            low, high = s / parts, (s + 1) / parts
            ends = (1 - low) * P + low * Q, (1 - high) * P + high * Q
            out[at] += np.sqrt(path_metric.squared(*ends))
        if progress:
            progress(min(start + block, len(pairs)), len(pairs), "edges")
    return out


def subdivided(path: Floats, steps: int) -> Floats:
    """The same polyline with points put in, so that it has at least `steps` pieces."""
    each = max(1, -(-steps // (len(path) - 1)))
    share = np.arange(each)[:, None] / each
    pieces = [(1 - share) * p + share * q for p, q in pairwise(path)]
    return np.concatenate([*pieces, path[-1:]])


def at_positions(path: Floats, position: Floats, shares: Floats) -> Floats:
    """Points of the polyline at positions between 0 and 1."""
    return np.stack([np.interp(shares, position, x) for x in path.T], axis=1)


def positions(lengths: Floats) -> Floats:
    """Where the points of a path are, as shares (t,) of its length."""
    total = float(lengths.sum())
    if not total > 0:
        return np.linspace(0, 1, len(lengths) + 1)
    position = np.r_[0.0, np.cumsum(lengths) / total]
    position[-1] = 1.0
    return np.asarray(np.minimum(position, 1.0))


def resampled(path_metric: PathMetric, path: Floats, steps: int) -> Floats:
    """`steps` pieces of equal length in the metric."""
    out = path
    for _ in range(3):  # cutting corners changes the lengths a little
        points = at_positions(
            out, positions(piece_lengths(path_metric, out)), np.linspace(0, 1, steps + 1)
        )
        points[0], points[-1] = path[0], path[-1]
        out = points
    return out


def _refine(path_metric: PathMetric, start: Floats, progress: Progress | None) -> Floats:
    """The shortest of the paths of least energy that are met from `start` on."""
    paths, stages = [start], continuation(path_metric)
    for i, stage in enumerate(stages):
        paths.append(_minimise_energy(stage, paths[-1]))
        if progress:
            progress(i + 1, len(stages), "path")
    return min(paths, key=lambda path: float(piece_lengths(path_metric, path).sum()))


def _minimise_energy(path_metric: PathMetric, start: Floats) -> Floats:
    """The path of least energy near `start`, its pieces made equally long."""
    steps = len(start) - 1
    if steps < 2:
        return start
    base = straight_path(start[0], start[-1], steps)
    frequencies = np.sqrt(2 - 2 * np.cos(np.pi * np.arange(1, steps) / steps))[:, None]
    unwhiten, whiten = _whitening(path_metric.mean((start[1:] + start[:-1]) / 2))
    parts = _energy_subdivisions(path_metric, start.shape[1])
    start_energy = float(path_metric.squared(start[:-1], start[1:]).sum())
    if not 0 < start_energy < np.inf:
        return start

    def path_of(u: Floats) -> Floats:
        path = base.copy()
        path[1:-1] += (
            dst(u.reshape(steps - 1, -1) / frequencies, 1, axis=0, norm="ortho") @ unwhiten.T
        )
        return path

    def energy(u: Floats) -> tuple[float, Floats]:
        path = path_of(u)
        with np.errstate(all="ignore"):
            squared, at_p, at_q = subdivided_slopes(path_metric, path[:-1], path[1:], parts)
            slope = at_q[:-1] + at_p[1:]
            slope = dst(slope @ unwhiten, 1, axis=0, norm="ortho") / frequencies
        value = float(squared.sum())
        if not (np.isfinite(value) and np.isfinite(slope).all()):
            return 1e6, np.zeros_like(u)  # out of where the metric is: the search turns back
        return value / start_energy, slope.ravel() / start_energy

    first = frequencies * dst((start - base)[1:-1] @ whiten.T, 1, axis=0, norm="ortho")
    options = {"maxiter": ENERGY_ITERATIONS, "ftol": 1e-9, "gtol": 1e-9, "maxcor": 20}
    result = minimize(energy, first.ravel(), jac=True, method="L-BFGS-B", options=options)
    return resampled(path_metric, path_of(result.x), steps)


def _energy_subdivisions(path_metric: PathMetric, d: int) -> int:
    """Of each piece, in an energy: the more, the less it can jump what lies between."""
    base = path_metric.base if isinstance(path_metric, DataWeightedMetric) else path_metric
    return 8 if isinstance(base, PullbackMetric) else int(np.clip(64 // d, 1, 4))


def _whitening(M: Floats) -> tuple[Floats, Floats]:
    """(A, A^-1) with A'MA near 1."""
    values, vectors = np.diag(M), np.eye(len(M))
    if np.count_nonzero(M) > np.count_nonzero(values):
        values, vectors = np.linalg.eigh(M)
    root = np.sqrt(np.maximum(values, max(WHITENING_FLOOR * float(values.max()), 1e-300)))
    return vectors / root, (vectors * root).T
