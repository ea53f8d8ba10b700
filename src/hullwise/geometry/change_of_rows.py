"""The smallest changes of the rows of a location."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DataError
from ..io.coercion import format_names
from .change_bounds import ChangeBounds
from .cloud import Cloud
from .location import Location
from .smallest_change import smallest_changes


def changes_of_rows(location: Location, X: Any, fixed: Sequence[str]) -> ChangeBounds:
    """See `Location.smallest_change`."""
    fixed = (fixed,) if isinstance(fixed, str) else tuple(fixed)
    wrong = [name for name in fixed if name not in location.columns]
    if wrong:
        raise DataError(
            f"fixed: there is no feature {format_names(wrong)}; the features are "
            f"{format_names(list(location.columns))}."
        )
    reference = location.training.reference
    if not len(reference):
        raise DataError(
            "no training row was left out, so no distance is known to be usual: locate with "
            "reference=500."
        )
    cloud = X if isinstance(X, Cloud) else Cloud(X, copy=False)
    if (cloud.n, cloud.d) != (location.n_train, len(location.columns)):
        raise DataError(
            f"X has {cloud.n} rows and {cloud.d} features; this location was computed against "
            f"{location.n_train} rows and {len(location.columns)} features."
        )
    if location.unusable:
        raise DataError(
            f"row {min(location.unusable)} could not be located: leave it out, "
            "as in location[~np.isnan(queries).any(axis=1)]."
        )
    Q = np.asarray(location.queries, dtype=np.float64)
    free = np.array([name not in fixed for name in location.columns])
    threshold = np.where(location.off_flat, 0.0, reference.edge_limit)
    return smallest_changes(
        cloud, location.metric, Q, np.broadcast_to(free, Q.shape), threshold
    ).labelled(location.row_names)
