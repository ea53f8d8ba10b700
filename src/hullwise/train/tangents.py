"""Tangents: directions in which a row may move without its answer having to change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core.foreign import own_errors
from .._core.options import check_int, check_positive
from .._core.types import Array, Floats, Indices
from .._core.wording import type_of
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..geometry.neighbours import nearest_rows
from ..io.validation import check_rows
from ..predict.targets import as_array
from ._torch import (
    float_rows,
    import_torch,
    is_tensor,
    prepare_forward_mode,
    refuse_non_finite,
    refuse_without_forward_mode,
)

Transform = Callable[[Any, Any], Any]
LOCAL_PCA_NUMBERS = 1 << 22  # in one block of neighbourhoods
NO_TANGENT = 1e-7  # of a neighbourhood's largest spread: a direction without any
IDENTITY_TOLERANCE = 1e-3  # of the rows' largest entry: how far a transformation by 0 may move them


@own_errors("computing tangents of a table")
def local_tangents(
    X: Any, n_neighbors: int = 10, n_tangents: int = 1, *, Q: Any = None, metric: Any = "std"
) -> Floats:
    """Tangents of a table: the leading directions of each row's nearest rows.

    Parameters
    ----------
    X : array-like (n, d) or Cloud
    n_neighbors : int
        Nearest other rows, which with the row itself make its neighbourhood.
    n_tangents : int
        Directions for each row, at most d and at most `n_neighbors`.
    Q : array-like (m, d), optional
        Where tangents are wanted. The rows of X unless told.
    metric : "std", "range", None, (d,) or (d, d)
        In which rows are near, and tangents have length 1.

    Returns
    -------
    ndarray (m, n_tangents, d)
        In the features' own units, the direction of the most spread first, each of length 1 in the
        metric and at right angles to the others there; its largest entry is positive. A
        neighbourhood of less than `n_tangents` dimensions has tangents of 0 in place of the rest.

    Raises
    ------
    DataError
        If X or Q is not finite, there are too few rows, or the numbers do not fit.

    Notes
    -----
    O(m n d) to find neighbours, O(m d min(n_neighbors, d)^2) for their principal directions. NumPy
    only. That a table's rows lie along few directions locally is an assumption: with noise as large
    as the distance between neighbours, tangents are noise.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> t = np.linspace(0, 6, 200)
    >>> circle = np.stack([np.cos(t), np.sin(t)], axis=1)
    >>> tangents = hw.train.local_tangents(circle, 6)
    >>> tangents.shape
    (200, 1, 2)
    >>> bool(abs((tangents[3:-3, 0] * circle[3:-3]).sum(axis=1)).max() < 0.05)
    True
    """
    check_int("n_neighbors", n_neighbors, 1)
    check_int("n_tangents", n_tangents, 1)
    cloud = X if isinstance(X, Cloud) else Cloud(X, copy=False)
    if n_tangents > min(cloud.d, n_neighbors):
        raise DataError(
            f"n_tangents={n_tangents}: {n_neighbors} neighbours in {cloud.d} features have at most "
            f"{min(cloud.d, n_neighbors)} directions."
        )
    if n_neighbors >= cloud.n:
        raise DataError(
            f"n_neighbors={n_neighbors}: X has {cloud.n} rows, of which each has "
            f"{cloud.n - 1} others."
        )
    measure = cloud.metric(metric)
    if Q is None:
        centres, own = cloud.take(np.arange(cloud.n)), np.arange(cloud.n)
    else:
        centres = check_rows(Q, name="Q", n_features=cloud.d).values.astype(np.float64)
        own = None
    tangents = np.zeros((len(centres), n_tangents, cloud.d))
    block = max(1, LOCAL_PCA_NUMBERS // ((n_neighbors + 1) * cloud.d))
    for start in range(0, len(centres), block):
        part = slice(start, start + block)
        rows = nearest_rows(
            cloud, centres[part], measure, n_neighbors, None if own is None else own[part]
        ).rows
        tangents[part] = _principal_directions(cloud, rows, centres[part], measure, n_tangents)
    return tangents


def _principal_directions(
    cloud: Cloud, rows: Indices, centres: Floats, measure: Any, n_tangents: int
) -> Floats:
    """Leading directions (m, n_tangents, d) of neighbourhoods of rows (m, k) and their centres."""
    m, k = rows.shape
    near = cloud.take(rows.ravel()).reshape(m, k, cloud.d)
    offsets = np.concatenate([near - centres[:, None], np.zeros((m, 1, cloud.d))], axis=1)
    offsets -= offsets.mean(axis=1, keepdims=True)
    image = measure.image(offsets.reshape(-1, cloud.d)).reshape(m, k + 1, -1)
    _, spread, directions = np.linalg.svd(image, full_matrices=False)
    exists = spread > NO_TANGENT * spread[:, :1]
    directions = np.where(exists[:, :, None], directions, 0.0)[:, :n_tangents]
    tangents = np.zeros((m, n_tangents, cloud.d))
    tangents[:, : directions.shape[1]] = measure.preimage(
        directions.reshape(-1, directions.shape[2])
    ).reshape(m, -1, cloud.d)
    largest = np.take_along_axis(tangents, np.abs(tangents).argmax(axis=2)[:, :, None], axis=2)
    return np.asarray(np.where(largest < 0, -tangents, tangents))


def transformation_tangents(
    transform: Transform, X: Any, *, method: str = "differences", step: float = 0.01
) -> Any:
    """How rows begin to move under a transformation: the derivative by its amount, at 0.

    Parameters
    ----------
    transform : callable
        ``transform(X, amount)`` gives rows of the same shape, and X itself for the amount 0: a
        rotation by an angle, a shift, a change of brightness.
    X : array-like or Tensor (n, ...)
        Rows or images, of floats.
    method : {"differences", "jvp"}
        Central finite differences; or exactly, by forward differentiation of a transformation made
        of torch's functions.
    step : float
        The amount of the differences, in the transformation's own unit. For images that are
        interpolated between pixels: an amount that moves them by about half a pixel.

    Returns
    -------
    ndarray or Tensor (n, ...), as X
        Without gradients.

    Raises
    ------
    MissingDependencyError
        If torch is not installed, for "jvp".
    DataError
        If X is not finite, the transformation changes the shape, gives numbers that are not finite,
        or moves X at the amount 0.
    ModelError
        For "jvp", operations that torch cannot differentiate forwards.

    Notes
    -----
    Three calls of the transformation, or one with "jvp". The error of differences is step^2 / 6
    times the third derivative, and of rounding about 1e-7 / step in float32.

    Source: P. Simard, B. Victorri, Y. LeCun, J. Denker, *Tangent Prop: a formalism for specifying
    selected invariances in an adaptive network*, NeurIPS 1991 (printed in 1992).

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> def rotate(X, angle):
    ...     turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    ...     return X @ turn
    >>> hw.train.transformation_tangents(rotate, np.array([[1.0, 0.0], [0.0, 2.0]])).round(3) + 0.0
    array([[ 0.,  1.],
           [-2.,  0.]])
    """
    if not callable(transform):
        raise DataError(
            f"transform is {type_of(transform)}: expected a callable of rows and an amount."
        )
    if method not in ("differences", "jvp"):
        raise DataError(f"method={method!r}: expected 'differences' or 'jvp'.")
    if method == "jvp":
        return _tangents_by_jvp(transform, X)
    check_positive("step", step)
    if is_tensor(X):
        torch = import_torch("transformation_tangents")
        rows = float_rows(torch, X, "X").detach()
        with torch.no_grad():
            return _central_difference(transform, rows, step)
    return _central_difference(transform, _array_rows(X), step)


def _array_rows(X: Any) -> Array:
    rows = as_array(X, "X")
    if rows.dtype.kind not in "fiub" or rows.ndim < 2 or not len(rows):
        raise DataError(
            f"X has shape {rows.shape} and type {rows.dtype}: expected rows of numbers (n, ...)."
        )
    rows = rows if rows.dtype.kind == "f" else rows.astype(np.float64)
    if not np.isfinite(rows).all():
        raise DataError("X holds NaN or infinity: expected finite numbers.")
    return rows


def _central_difference(transform: Transform, rows: Any, step: float) -> Any:
    above, below = (_moved_rows(transform, rows, amount) for amount in (step, -step))
    unmoved = _moved_rows(transform, rows, 0.0)
    _refuse_moved(rows, unmoved)
    return (above - below) / (2 * step)


def _moved_rows(transform: Transform, rows: Any, amount: Any) -> Any:
    moved = transform(rows, amount)
    if tuple(getattr(moved, "shape", ())) != tuple(rows.shape):
        raise DataError(
            f"the transformation turned rows of shape {tuple(rows.shape)} into shape "
            f"{tuple(getattr(moved, 'shape', ()))}: expected the same."
        )
    if is_tensor(moved):
        refuse_non_finite(import_torch("transformation_tangents"), moved, "the transformed X")
    elif not np.isfinite(moved).all():
        raise DataError("the transformation gives NaN or infinity: expected finite numbers.")
    return moved


def _refuse_moved(rows: Any, unmoved: Any) -> None:
    """DataError where the transformation by 0 is not the identity: then it has no tangent here."""
    gap, size = float(abs(unmoved - rows).max()), float(abs(rows).max())
    if gap > IDENTITY_TOLERANCE * size:
        raise DataError(
            f"the transformation by 0 moves X by up to {gap:.3g} (its largest entry is "
            f"{size:.3g}): expected X itself."
        )


def _tangents_by_jvp(transform: Transform, X: Any) -> Any:
    torch = import_torch("transformation_tangents with method='jvp'")
    rows = float_rows(torch, X, "X").detach()
    prepare_forward_mode()
    amount = torch.zeros((), dtype=rows.dtype, device=rows.device)
    try:
        unmoved, tangents = torch.func.jvp(
            lambda value: _moved_rows(transform, rows, value), (amount,), (torch.ones_like(amount),)
        )
    except (NotImplementedError, RuntimeError) as error:
        refuse_without_forward_mode(error, "this transformation")
        raise
    _refuse_moved(rows, unmoved.detach())
    return tangents.detach() if is_tensor(X) else tangents.detach().numpy()
