"""Volumes and middles of all faces of a lattice, each face once."""

from __future__ import annotations

import numpy as np

from ..._core.numba import jit
from ..._core.types import Floats
from ._face_lattice import FaceLattice, FaceLists

SMALLEST_HEIGHT = 2.0**-1022  # a height of 0 has no direction: its basis vector is 0


def cell_measures(lattice: FaceLattice) -> tuple[Floats, Floats]:
    """Volumes (n_cells,) and centroids (n_cells, d) of the cells.

    The pyramids over the facets of a face f with one of its vertices, the apex, fill it:
    V_k(f) = 1/k sum of dist(apex, g) V_(k-1)(g) over its facets g. No term is negative, so that
    nothing cancels and the smallest cells have as many digits as the largest.
    """
    n = lattice.n_faces[0]
    X = np.ascontiguousarray(lattice.vertices)
    measure, apex, middle = np.ones(n), np.arange(n), X
    basis = np.zeros((n, 0, X.shape[1]))
    for k, facets in enumerate(lattice.facets, 1):
        last = k == lattice.dimension
        measure, apex, middle, basis = pyramids(
            X, k, facets.ids, facets.ends, measure, apex, middle, basis, last
        )
    return measure, middle


@jit
def pyramids(X, k, ids, ends, measure, apex, middle, basis, last):  # type: ignore[no-untyped-def]
    """Measure, apex, centroid and orthonormal basis of each k-face, from those of its facets."""
    d, m = X.shape[1], len(ends)
    own, own_apex, own_middle = np.zeros(m), np.zeros(m, np.int64), np.zeros((m, d))
    own_basis = np.zeros((0 if last else m, k, d))
    r, begin = np.empty(d), 0
    for f in range(m):
        p, most = apex[ids[begin]], -1.0
        for i in range(begin, ends[f]):
            g = ids[i]
            for c in range(d):
                r[c] = X[p, c] - X[apex[g], c]
            for b in range(k - 1):
                along = 0.0
                for c in range(d):
                    along += basis[g, b, c] * r[c]
                for c in range(d):
                    r[c] -= along * basis[g, b, c]
            height = np.sqrt((r * r).sum())
            part = height * measure[g]
            own[f] += part
            for c in range(d):  # the centroid of a pyramid, seen from its apex
                own_middle[f, c] += part * (middle[g, c] - X[p, c]) * k / (k + 1)
            if height > most and not last:
                most = height
                own_basis[f, : k - 1] = basis[g]
                own_basis[f, k - 1] = r / max(height, SMALLEST_HEIGHT)
        for c in range(d):
            inner = own_middle[f, c] / own[f] if own[f] > 0 else 0.0
            own_middle[f, c] = X[p, c] + inner
        own[f] /= k
        own_apex[f], begin = p, ends[f]
    return own, own_apex, own_middle, own_basis


def corner_means(corners: FaceLists, values: Floats) -> Floats:
    """Vertex values (V, s) averaged over the corners of each face (F, s)."""
    total = np.add.reduceat(values[corners.ids], corners.begins, axis=0)
    return np.asarray(total / corners.lengths[:, None])
