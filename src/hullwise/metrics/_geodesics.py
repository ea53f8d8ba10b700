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
from ._path_lengths import Measure, NearRows, Pullback, eased, fine_slopes, piece_lengths

ITERATIONS = 200
PARTS = 4  # of an edge of the graph, whose lengths are added up
FLOOR = 1e-8  # of the largest eigenvalue: directions of less weight are not scaled up further


@dataclass(frozen=True, eq=False)
class Found:
    """A path (t, d) and how it was found."""

    points: Floats
    graph_length: float
    notes: tuple[str, ...]


def straight(a: Floats, b: Floats, steps: int) -> Floats:
    """(steps + 1, d) points on the segment, with both ends exact."""
    share = np.linspace(0, 1, steps + 1)[:, None]
    path = (1 - share) * a + share * b
    path[0], path[-1] = a, b
    return path


def geodesic(
    measure: Measure,
    ends: Floats,
    rows: Floats,
    units: Any,
    neighbours: int,
    steps: int,
    progress: Progress | None,
) -> Found:
    """The shortest path found between two points (2, d); rows (n, d) are distinct."""
    direct = straight(ends[0], ends[1], steps)
    through, notes = graph_path(measure, ends, rows, units, neighbours, progress)
    by_rows = subdivided(through, steps)
    graph_length = float(piece_lengths(measure, by_rows).sum())
    paths = {
        "refined from the graph's path": _refined(
            measure, resampled(measure, by_rows, steps), progress
        ),
        "refined from the straight line": _refined(measure, direct, progress),
        "the straight line": direct,
        "the graph's path": by_rows,
    }
    lengths = {name: float(piece_lengths(measure, path).sum()) for name, path in paths.items()}
    best = min(lengths, key=lambda name: lengths[name])
    return Found(paths[best], graph_length, (*notes, f"shortest: {best}"))


def graph_path(
    measure: Measure,
    ends: Floats,
    rows: Floats,
    units: Any,
    neighbours: int,
    progress: Progress | None,
) -> tuple[Floats, tuple[str, ...]]:
    """The shortest way (t, d) from row to near row, and what had to be done to find one."""
    nodes = np.concatenate([rows, ends])
    n = len(rows)
    seen = units.image(nodes)
    seen = seen - seen[:n].mean(axis=0)
    k = min(neighbours, n)
    index = NearestNeighbors(n_neighbors=k).fit(seen[:n])
    inner = np.zeros((1, 0), np.intp)
    if n > 1:  # each row's neighbours, itself not among them
        inner = index.kneighbors(n_neighbors=min(neighbours, n - 1), return_distance=False)
    outer = index.kneighbors(seen[n:], return_distance=False)
    i = np.r_[np.repeat(np.arange(n), inner.shape[1]), np.repeat([n, n + 1], k)]
    j = np.r_[inner.ravel(), outer.ravel()]
    i, j, added = _joined(seen, i, j)
    pairs = np.unique(np.sort(np.c_[i, j], axis=1), axis=0)
    weight = _edges(measure, nodes, pairs, progress)
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
    note = f"{added} gap{'s' * (added != 1)} between groups of rows bridged at the closest pair"
    return path, ((note,) if added else ())


def _joined(seen: Floats, i: Ints, j: Ints) -> tuple[Ints, Ints, int]:
    """Edges added between the closest pairs of groups until the two ends are in one."""
    total, added = len(seen), 0
    while True:
        graph = coo_array((np.ones(len(i)), (i, j)), shape=(total, total))
        group = connected_components(graph, directed=False)[1]
        if group[-1] == group[-2]:
            return i, j, added
        mine, rest = np.flatnonzero(group == group[-2]), np.flatnonzero(group != group[-2])
        search = NearestNeighbors(n_neighbors=1).fit(seen[mine])
        gap, near = search.kneighbors(seen[rest])
        least = int(np.argmin(gap))
        i, j = np.r_[i, mine[near[least, 0]]], np.r_[j, rest[least]]
        added += 1


def _edges(measure: Measure, nodes: Floats, pairs: Ints, progress: Progress | None) -> Floats:
    """Lengths of the edges, block by block: in a few parts, or by the metric at their middles."""
    base = measure.base if isinstance(measure, NearRows) else measure
    parts = PARTS if isinstance(base, Pullback) else 1
    out, block = np.zeros(len(pairs)), max(1, 2**20 // nodes.shape[1])
    for start in range(0, len(pairs), block):
        at = slice(start, start + block)
        P, Q = nodes[pairs[at, 0]], nodes[pairs[at, 1]]
        for s in range(parts):
            low, high = s / parts, (s + 1) / parts
            ends = (1 - low) * P + low * Q, (1 - high) * P + high * Q
            out[at] += np.sqrt(measure.squared(*ends))
        if progress:
            progress(min(start + block, len(pairs)), len(pairs), "edges")
    return out


def subdivided(path: Floats, steps: int) -> Floats:
    """The same polyline with points put in, so that it has at least `steps` pieces."""
    each = max(1, -(-steps // (len(path) - 1)))
    share = np.arange(each)[:, None] / each
    pieces = [(1 - share) * p + share * q for p, q in pairwise(path)]
    return np.concatenate([*pieces, path[-1:]])


def at_positions(path: Floats, position: Floats, wanted: Floats) -> Floats:
    """Points of the polyline at positions between 0 and 1."""
    return np.stack([np.interp(wanted, position, x) for x in path.T], axis=1)


def positions(lengths: Floats) -> Floats:
    """Where the points of a path are, as shares (t,) of its length."""
    total = float(lengths.sum())
    if not total > 0:
        return np.linspace(0, 1, len(lengths) + 1)
    position = np.r_[0.0, np.cumsum(lengths) / total]
    position[-1] = 1.0
    return np.asarray(np.minimum(position, 1.0))


def resampled(measure: Measure, path: Floats, steps: int) -> Floats:
    """`steps` pieces of equal length in the metric."""
    out = path
    for _ in range(3):  # cutting corners changes the lengths a little
        found = at_positions(
            out, positions(piece_lengths(measure, out)), np.linspace(0, 1, steps + 1)
        )
        found[0], found[-1] = path[0], path[-1]
        out = found
    return out


def _refined(measure: Measure, start: Floats, progress: Progress | None) -> Floats:
    """The shortest of the paths of least energy that are met from `start` on."""
    found, stages = [start], eased(measure)
    for i, stage in enumerate(stages):
        found.append(_least_energy(stage, found[-1]))
        if progress:
            progress(i + 1, len(stages), "path")
    return min(found, key=lambda path: float(piece_lengths(measure, path).sum()))


def _least_energy(measure: Measure, start: Floats) -> Floats:
    """The path of least energy near `start`, its pieces made equally long."""
    steps = len(start) - 1
    if steps < 2:
        return start
    base = straight(start[0], start[-1], steps)
    waves = np.sqrt(2 - 2 * np.cos(np.pi * np.arange(1, steps) / steps))[:, None]
    out_of, into = _whitening(measure.mean((start[1:] + start[:-1]) / 2))
    parts = _parts(measure, start.shape[1])
    unit = float(measure.squared(start[:-1], start[1:]).sum())
    if not 0 < unit < np.inf:
        return start

    def path_of(u: Floats) -> Floats:
        path = base.copy()
        path[1:-1] += dst(u.reshape(steps - 1, -1) / waves, 1, axis=0, norm="ortho") @ out_of.T
        return path

    def energy(u: Floats) -> tuple[float, Floats]:
        path = path_of(u)
        with np.errstate(all="ignore"):
            squared, at_p, at_q = fine_slopes(measure, path[:-1], path[1:], parts)
            slope = at_q[:-1] + at_p[1:]
            slope = dst(slope @ out_of, 1, axis=0, norm="ortho") / waves
        value = float(squared.sum())
        if not (np.isfinite(value) and np.isfinite(slope).all()):
            return 1e6, np.zeros_like(u)  # out of where the metric is: the search turns back
        return value / unit, slope.ravel() / unit

    first = waves * dst((start - base)[1:-1] @ into.T, 1, axis=0, norm="ortho")
    options = {"maxiter": ITERATIONS, "ftol": 1e-9, "gtol": 1e-9, "maxcor": 20}
    found = minimize(energy, first.ravel(), jac=True, method="L-BFGS-B", options=options)
    return resampled(measure, path_of(found.x), steps)


def _parts(measure: Measure, d: int) -> int:
    """Of each piece, in an energy: the more, the less it can jump what lies between."""
    base = measure.base if isinstance(measure, NearRows) else measure
    return 8 if isinstance(base, Pullback) else int(np.clip(64 // d, 1, 4))


def _whitening(M: Floats) -> tuple[Floats, Floats]:
    """(A, A^-1) with A'MA near 1."""
    values, vectors = np.diag(M), np.eye(len(M))
    if np.count_nonzero(M) > np.count_nonzero(values):
        values, vectors = np.linalg.eigh(M)
    root = np.sqrt(np.maximum(values, max(FLOOR * float(values.max()), 1e-300)))
    return vectors / root, (vectors * root).T
