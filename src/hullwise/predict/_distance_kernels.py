"""Kernels that all weights made of distances share."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.numba import jit
from .._core.types import Floats, Indices
from ..geometry.qr_update import dot

VANISHING_SQUARE = 1e-200  # of a squared distance: differences are enlarged first
ENLARGEMENT = 2.0**500
WeightEntries = tuple[Indices, Indices, Floats]  # entries of each query, their rows and values


@jit
def multiply_rowwise(Z: Any, matrix: Any) -> Any:
    """Z @ matrix, each row by itself: the same bits whatever the other rows are."""
    out = np.zeros((Z.shape[0], matrix.shape[1]))
    for b in range(Z.shape[0]):
        for j in range(Z.shape[1]):
            for k in range(matrix.shape[1]):
                out[b, k] += Z[b, j] * matrix[j, k]
    return out


@jit
def squared_distances(Z: Any, q: Any, Y: Any, square: Any) -> float:
    """Y = (Z - q) s and its squared lengths; returns s: 1, or more where squares would vanish."""
    n, r = Z.shape
    s = 1.0
    while True:
        least = np.inf
        for i in range(n):
            y = Y[i]
            for k in range(r):
                y[k] = (Z[i, k] - q[k]) * s
            square[i] = dot(y, y, r)
            least = min(least, square[i])
        if least >= VANISHING_SQUARE or s > 1.0:
            return s
        s = ENLARGEMENT


@jit
def with_room(rows: Any, values: Any, n_more: int) -> Any:
    """The two arrays with room for `n_more` entries at least, and at least twice as many."""
    size = max(2 * rows.shape[0], rows.shape[0] + n_more)
    new_rows, new_values = np.empty(size, np.int64), np.empty(size)
    new_rows[: rows.shape[0]] = rows
    new_values[: rows.shape[0]] = values
    return new_rows, new_values
