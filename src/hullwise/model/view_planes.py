"""Which plane and which segment of the input space to show, where none is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Floats, Ints
from ..errors import DataError

if TYPE_CHECKING:
    from .network import Network

VIEW_MARGIN = 0.12  # of the rows' extent, on every side
PRINCIPAL_ROWS = 2000  # rows that the principal directions are found from


@dataclass(frozen=True, eq=False)
class ViewPlane:
    """A rectangle of a plane in the input space, and what it is in words."""

    origin: Floats
    axes: Floats
    half: Floats
    words: str
    across: tuple[str, str]  # what the picture's sides are


def whole_plane(X: Floats, columns: tuple[str, str]) -> ViewPlane:
    """Of a network of two inputs, as far as the rows reach."""
    low, high = X.min(axis=0), X.max(axis=0)
    return ViewPlane(
        (low + high) / 2,
        np.eye(2),
        _padded(high - low),
        f"All that the network sees: {columns[0]} across, {columns[1]} upwards, as far as the "
        "rows reach.",
        columns,
    )


def principal_plane(net: Network, X: Floats) -> ViewPlane:
    """Through the rows' mean along the two directions in which they vary most, in raw units.

    Raises
    ------
    DataError
        If the rows span no plane.
    """
    sample = X[np.unique(np.linspace(0, len(X) - 1, min(len(X), PRINCIPAL_ROWS)).astype(int))]
    mean = sample.mean(axis=0)
    values, axes = _principal(sample - mean)
    if len(values) < 2 or values[1] <= 1e-9 * max(values[0], np.abs(mean).max(), 1e-300):
        raise DataError(
            "the rows lie on one line or less: they span no plane; name three rows that do with "
            "--slice, or leave the slice out with --slice none"
        )
    uv = (X - mean) @ axes.T
    low, high = uv.min(axis=0), uv.max(axis=0)
    total = float(((sample - mean) ** 2).sum())
    shares = [100 * float(v) ** 2 / total for v in values[:2]]
    words = (
        "The plane through the mean of the rows along the two directions in which they vary most "
        f"({shares[0]:.0f} % and {shares[1]:.0f} % of the variance, in the columns' own units)."
    )
    names = "first principal direction", "second principal direction"
    return ViewPlane(mean + (low + high) / 2 @ axes, axes, _padded(high - low), words, names)


def plane_of_rows(a: Floats, b: Floats, c: Floats, names: tuple[str, str, str]) -> ViewPlane:
    """Through three rows.

    Raises
    ------
    DataError
        If they lie on one line.
    """
    first, second = b - a, c - a
    size = float(np.linalg.norm(first))
    first = first / max(size, 1e-300)
    second = second - (second @ first) * first
    height = float(np.linalg.norm(second))
    if size == 0 or height <= 1e-12 * max(size, float(np.linalg.norm(c - a))):
        raise DataError(f"rows {', '.join(names)} lie on one line: they span no plane")
    axes = np.vstack([first, second / height])
    uv = (np.vstack([a, b, c]) - a) @ axes.T
    low, high = uv.min(axis=0), uv.max(axis=0)
    half = (high - low) * 0.85
    words = f"The plane through rows {names[0]}, {names[1]} and {names[2]}."
    sides = f"from row {names[0]} towards row {names[1]}", f"towards row {names[2]}"
    return ViewPlane(a + (low + high) / 2 @ axes, axes, half, words, sides)


def far_pair(outputs: Floats, classes: Ints | None) -> tuple[int, int] | None:
    """Two rows to walk between: of the classes most seen, each the surest; or least to largest.

    `classes` are those of the rows, None where the output is a number. None for no such pair.
    """
    if len(outputs) < 2:
        return None
    if classes is None:
        a, b = int(outputs[:, 0].argmin()), int(outputs[:, 0].argmax())
        return (a, b) if outputs[a, 0] < outputs[b, 0] else None
    kinds, count = np.unique(classes, return_counts=True)
    if len(kinds) < 2:
        return 0, len(outputs) - 1
    two = np.sort(kinds[np.argsort(-count, kind="stable")[:2]])
    if outputs.shape[1] == 1:
        return int(outputs[:, 0].argmin()), int(outputs[:, 0].argmax())
    top = np.sort(outputs, axis=1)
    lead = top[:, -1] - top[:, -2]
    a, b = (int(np.where(classes == k, lead, -np.inf).argmax()) for k in two)
    return a, b


def _padded(extent: Floats) -> Floats:
    extent = np.where(extent > 0, extent, max(float(extent.max()), 1.0))
    return np.asarray(extent * (0.5 + VIEW_MARGIN))


def _principal(Z: Floats) -> tuple[Floats, Floats]:
    """The two largest singular values and right singular vectors, signs settled."""
    if min(Z.shape) > 64:
        from scipy.sparse.linalg import svds

        _, values, axes = svds(Z, k=2, v0=np.ones(min(Z.shape)))
        values, axes = values[::-1], axes[::-1]
    else:
        _, values, axes = np.linalg.svd(Z, full_matrices=False)
    axes = axes[:2]
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    return values, np.asarray(axes * signs[:, None])
