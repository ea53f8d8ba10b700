"""Which rows are left out together, in turn."""

from __future__ import annotations

import numpy as np

from .._core.types import Indices, Objects
from ..errors import DataError
from .binned_means import group_codes


def left_out_folds(
    n: int, labels: Objects | None, n_folds: int, random_state: int
) -> list[Indices]:
    """Rows left out in turn: a random partition of the rows, or of the groups.

    Examples
    --------
    >>> [len(rows) for rows in left_out_folds(10, None, 3, 0)]
    [4, 3, 3]
    """
    group = group_codes(labels, n)
    n_groups = int(group.max(initial=-1)) + 1
    if n_groups < n_folds:
        raise DataError(
            f"{n_groups} {'rows' if labels is None else 'groups'} cannot be divided into "
            f"{n_folds} folds."
        )
    fold = np.random.default_rng(random_state).permutation(n_groups) % n_folds
    return [np.flatnonzero(fold[group] == k) for k in range(n_folds)]
