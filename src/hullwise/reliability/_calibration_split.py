"""Which rows calibrate a band, and which are left out in turn to learn its shape."""

from __future__ import annotations

import numpy as np

from .._core.types import Indices, Mask
from ..errors import DataError
from ._calibration_scale import COVERAGE_ROUNDING, least_groups

SHAPE_FOLDS = 5  # times that rows are left out to learn the shape of the band
SHAPE_ROWS = 1000  # rows that serve for it, at most


def choose_calibration_rows(
    group: Indices, rng: np.random.Generator, share: float, coverage: float, what: str
) -> Mask:
    """Which rows are for calibration, (n,): a share of the groups, whole.

    Raises
    ------
    DataError
        They are too few for a finite band of this coverage, or leave too few to fit on.
    """
    total = int(group.max()) + 1
    count = int(np.ceil(share * total * (1 - COVERAGE_ROUNDING)))
    need = least_groups(coverage)
    if count < need:
        enough = int(min((need - 1) / share, 1e15)) + 1
        raise DataError(
            f"coverage={coverage:g} needs at least {need} calibration {what}: calibration="
            f"{share:g} of {total} gives {count} (n_samples = {len(group)}). Use at least "
            f"{enough} {what}, a larger calibration= or a lower coverage=."
        )
    if total - count < 2:
        raise DataError(
            f"calibration={share:g} leaves {total - count} of {total} {what} to fit on "
            f"(n_samples = {len(group)}): at least 2 are needed."
        )
    return np.isin(group, rng.permutation(total)[:count])


def choose_folds(
    train: Indices,
    group: Indices,
    rng: np.random.Generator,
    *,
    whole: bool,
    n_folds: int = SHAPE_FOLDS,
) -> list[tuple[Indices, Indices]]:
    """`n_folds` pairs: rows to leave out, and those to predict of them (SHAPE_ROWS in all)."""
    order = rng.permutation(np.unique(group[train]))
    if not whole:  # then only the rows that are predicted need be left out
        order = order[:SHAPE_ROWS]
    folds = []
    for part in np.array_split(order, min(n_folds, len(order))):
        left_out = train[np.isin(group[train], part)]
        predicted = np.sort(rng.permutation(left_out)[: SHAPE_ROWS // n_folds])
        folds.append((left_out, predicted))
    return folds


def whole_folds(group: Indices, n_folds: int, rng: np.random.Generator) -> list[Indices]:
    """Rows left out in turn: a random partition of the groups into at most so many folds."""
    total = int(group.max()) + 1
    fold = np.empty(total, dtype=np.intp)
    fold[rng.permutation(total)] = np.arange(total) % min(n_folds, total)
    return [np.flatnonzero(fold[group] == k) for k in range(min(n_folds, total))]
