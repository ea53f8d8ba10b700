"""A location as a table: one row per query, one name per column, the same everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .location import Location


def columns_of(location: Location) -> dict[str, Any]:
    """The columns of the table in their order; text columns are lists of str."""
    excess, names = location.box_excess, location.columns
    known = ~np.isnan(location.ellipsoid_distance)
    return {
        "verdict": [_VERDICTS[int(v)] for v in location.verdict],
        "band": list(location.band),
        "hull_percentile": location.hull_percentile,
        "lower": location.lower,
        "upper": location.upper,
        "pushed_out_by": [
            "; ".join(f"{name} {amount:+.4g}" for name, amount in row)
            for row in location.pushed_out_by()
        ],
        "in_range_share": location.in_range_share,
        "out_of_range": [
            "; ".join(f"{names[j]} {row[j]:+.4g}" for j in np.flatnonzero(row)) for row in excess
        ],
        "in_ellipsoid": [bool(v) if k else None for v, k in zip(location.in_ellipsoid, known)],
        "ellipsoid_distance": location.ellipsoid_distance,
        "mahalanobis": location.mahalanobis,
        "neighbour_distance": location.neighbour_distance,
        "neighbour_percentile": location.neighbour_percentile,
        "nearest_rows": [
            "; ".join(str(_label(location, int(i))) for i in row) for row in location.nearest_rows
        ],
        "status": [s.value for s in location.status],
    }


_VERDICTS = {-1: "outside", 0: "undecided", 1: "inside"}


def _label(location: Location, row: int) -> Any:
    return row if location.training_labels is None else location.training_labels[row]


def frame_of(columns: dict[str, Any], labels: Any) -> Any:
    """A data frame of whichever library is there; pandas keeps the labels as its index."""
    try:
        import pandas as pd
    except ImportError:
        if labels is not None:
            columns = {"row": [str(v) for v in labels], **columns}
        try:
            import polars as pl
        except ImportError:
            import pyarrow as pa

            return pa.table(columns)
        return pl.DataFrame(columns)
    return pd.DataFrame(columns, index=None if labels is None else pd.Index(labels))
