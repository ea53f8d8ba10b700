"""Half-spaces as JSON, for any other language; docs/domain.md describes the format."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import __version__
from ..table.columns import Column, LevelColumn, PeriodicColumn
from .half_spaces import SHRINKAGE, HalfSpaces

JSON_FORMAT = "hullwise half-spaces"
JSON_VERSION = 1


def half_spaces_document(rules: HalfSpaces) -> dict[str, Any]:
    """The rules as what JSON takes; numbers that are infinite are null."""
    ellipsoid = rules.ellipsoid
    return {
        "format": JSON_FORMAT,
        "version": JSON_VERSION,
        "made_by": f"hullwise {__version__}",
        "n_train": rules.n_train,
        "metric": rules.metric_text,
        "shrinkage": SHRINKAGE,
        "gaps": ["", *rules.gaps],
        "columns": [_column(rules, j, column) for j, column in enumerate(rules.columns)],
        "ellipsoid": None
        if ellipsoid is None
        else {
            "matrix": ellipsoid.matrix.tolist(),
            "centre": ellipsoid.centre.tolist(),
            "radius": ellipsoid.radius,
        },
        "half_spaces": [
            {"weights": weights, "offset": offset, "gain": gain}
            for weights, offset, gain in zip(
                rules.weights.tolist(), rules.offsets.tolist(), rules.gain.tolist()
            )
        ],
        "bands": [
            {
                "columns": [c.name for c, used in zip(rules.columns, columns) if used],
                **{
                    name: float(limit) if np.isfinite(limit) else None
                    for name, limit in zip(("edge", "beyond", "far"), limits)
                },
            }
            for columns, limits in zip(rules.band_columns, rules.band_limits)
        ],
    }


def _column(rules: HalfSpaces, j: int, column: Column) -> dict[str, Any]:
    at, k = rules.features.features_of(j), rules.features.coordinates.coordinates_of(j)
    entry: dict[str, Any] = {
        "name": column.name,
        "source": column.source,
        "role": column.role,
        "features": [at.start, at.stop],
    }
    if isinstance(column, LevelColumn):
        entry |= {
            "levels": list(column.levels),
            "kind": column.kind.value,
            "gap_is_level": column.gap_is_level,
        }
    if isinstance(column, PeriodicColumn):
        entry |= {"period": column.period, "date_part": column.part or None}
    if rules.features.is_number[j]:
        entry |= {
            "minimum": float(rules.minimum[j]),
            "maximum": float(rules.maximum[j]),
            "root": float(rules.box_root[j]),
            "centre": float(rules.features.centre[k][0]),
            "scale": float(rules.features.scale[k][0]),
        }
    return entry
