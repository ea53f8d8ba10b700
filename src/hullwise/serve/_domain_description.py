"""What a domain expects of rows, as JSON: columns, what they were taken for, bands, sizes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import __version__
from .._core.results import json_ready
from .._core.types import Floats
from ..domain.domain import Domain
from ..domain.fitted_table import FittedTable
from ..report.sentences import meanings_against
from ..table.columns import Column, LevelColumn, PeriodicColumn
from ..table.decoding import decode, on_column
from ._request_rows import KnownColumns
from .service_limits import ServiceLimits

LEVELS_DESCRIBED = 200
TYPICAL_ROWS = 10_000  # looked at for what is typical


def domain_description(
    domain: Domain, known: KnownColumns, limits: ServiceLimits
) -> dict[str, Any]:
    """What `GET /domain` answers; one pass over the training rows."""
    fitted = domain.fitted_
    pattern = fitted.pattern(fitted.every_column, segment=0)
    n_reference = 0 if pattern is None else len(pattern.reference)
    return {
        "hullwise": __version__,
        "rows": len(fitted),
        "sha256": fitted.digest,
        "metric": fitted.metric_text,
        "n_reference": n_reference,
        "bands": {"unknown": "the distance is not settled", **meanings_against(n_reference)},
        "columns": [_source(fitted, source) for source in known.sources],
        "names_of_rows": fitted.column_with("id"),
        "groups": None if fitted.blocks is None else fitted.blocks.column,
        "not_read": [
            {"name": column.name, "reason": column.reason}
            for column in fitted.unused
            if column.name not in known.read
        ],
        "notes": [str(note) for note in fitted.notes],
        "limits": limits.to_dict(),
    }


def _source(fitted: FittedTable, source: str) -> dict[str, Any]:
    """One column of the table that rows are read from; a date may give several columns."""
    columns = [(j, c) for j, c in enumerate(fitted.coordinates.columns) if c.source == source]
    j, first = columns[0]
    about: dict[str, Any] = {
        "name": source,
        "role": "date" if len(columns) > 1 else first.role,
        "text": "; ".join(column.describe() for _, column in columns),
        "reason": first.reason,
        "has_gaps": bool(not fitted.always_filled[j]),
        "typical": None,
        "minimum": None,
        "maximum": None,
        "levels": None,
        "n_levels": None,
    }
    values = fitted.values[:, fitted.coordinates.coordinates_of(j)]
    if isinstance(first, LevelColumn):
        order = np.argsort(-np.array(first.counts), kind="stable")[:LEVELS_DESCRIBED]
        about["levels"] = [first.levels[k] for k in order.tolist()]
        about["n_levels"] = len(first.levels)
        about["typical"] = about["levels"][0] if about["levels"] else None
    elif first.width:
        about |= _range(first, values)
    return dict(json_ready(about))


def _range(column: Column, values: Floats) -> dict[str, Any]:
    """The least and largest cell of training rows, and one in the middle."""
    filled = values[~np.isnan(values).any(axis=1)]
    if not len(filled) or column.width != 1:
        return {}
    step = -(-len(filled) // TYPICAL_ROWS)
    middle = np.median(filled[::step], axis=0)
    typical = _cell(column, on_column(column, middle[None])[0])
    if isinstance(column, PeriodicColumn):
        return {"typical": typical}
    ends = {"minimum": filled.min(axis=0), "maximum": filled.max(axis=0)}
    return {"typical": typical, **{name: _cell(column, end) for name, end in ends.items()}}


def _cell(column: Column, coordinates: Floats) -> Any:
    cell = decode(column, coordinates)
    return float(f"{cell:.6g}") if isinstance(cell, float) else cell
