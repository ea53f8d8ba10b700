"""Points and queries in the shapes that SciPy's interpolators of scattered data take."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.types import Floats
from ..errors import DataError


def read_points(points: Any) -> Floats:
    """Points (n, d) from an array, or from a tuple of d coordinate arrays; (n,) is d = 1."""
    X = _as_floats(_stack(points), "points")
    if X.ndim == 1:
        X = X.reshape(-1, 1)
    if X.ndim != 2 or not X.size:
        raise DataError(
            f"points have shape {X.shape}: expected (n, d), n points in d dimensions, "
            "or a tuple of d coordinate arrays of shape (n,)."
        )
    if not np.isfinite(X).all():
        row, column = np.argwhere(~np.isfinite(X))[0]
        raise DataError(
            f"points hold {X[row, column]} in row {row}, coordinate {column} (counted from 0): "
            "expected finite numbers. Leave out the points that lack a coordinate."
        )
    return X


def read_queries(coordinates: tuple[Any, ...], d: int) -> tuple[Floats, tuple[int, ...]]:
    """Queries (m, d) and the shape in which their values go.

    `coordinates` are the arguments of a call: d arrays that broadcast, or one of shape (..., d).
    """
    if not coordinates:
        raise DataError(f"No coordinates: expected one array (..., {d}), or {d} that broadcast.")
    array = coordinates[0] if len(coordinates) == 1 else coordinates
    Q = _as_floats(_stack(array), "queries")
    if Q.ndim == 0:
        Q = Q.reshape(1)
    elif Q.ndim == 1 and not isinstance(array, tuple):
        if Q.size % d:
            raise DataError(f"{Q.size} coordinates are no queries in {d} dimensions.")
        Q = Q.reshape(-1, d)
    if Q.shape[-1] != d:
        raise DataError(
            f"Queries have {Q.shape[-1]} coordinates and points have {d}: "
            f"expected an array (..., {d}), or {d} arrays that broadcast."
        )
    return np.ascontiguousarray(Q.reshape(-1, d)), Q.shape[:-1]


def _stack(coordinates: Any) -> Any:
    """A tuple of coordinate arrays as one array (..., d), anything else as it is."""
    if isinstance(coordinates, tuple) and len(coordinates) == 1:
        coordinates = coordinates[0]
    if not isinstance(coordinates, tuple):
        return coordinates
    arrays = [np.asarray(array) for array in coordinates]
    try:
        return np.stack(np.broadcast_arrays(*arrays), axis=-1)
    except ValueError:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise DataError(f"Coordinate arrays of shapes {shapes} do not broadcast.") from None


def _as_floats(values: Any, name: str) -> Floats:
    array = np.asarray(values)
    if np.issubdtype(array.dtype, np.complexfloating):
        raise DataError(f"The {name} are complex: expected real coordinates.")
    return np.asarray(array, dtype=np.float64)
