"""A location as a table: one row per query, one name per column, the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.results import Column

if TYPE_CHECKING:
    from .location import Location

VERDICT_WORDS = {-1: "outside", 0: "undecided", 1: "inside"}


def location_columns(location: Location) -> Mapping[str, Column]:
    """The columns of the table in their order."""
    return {
        "verdict": [VERDICT_WORDS[v] for v in location.verdict.tolist()],
        "band": location.band,
        "hull_percentile": location.hull_percentile,
        "lower": location.lower,
        "upper": location.upper,
        "pushed_out_by": [amounts_text(row) for row in location.pushed_out_by()],
        "in_range_share": location.in_range_share,
        "out_of_range": [amounts_text(row) for row in _out_of_range(location)],
        **location.comparison.columns(),
        "nearest_rows": ["; ".join(map(str, near)) for near in _nearest_rows(location)],
        "status": location.status_texts(),
    }


def location_lists(location: Location) -> Mapping[str, Column]:
    """The same with lists in the cells that list things."""
    return {
        **location_columns(location),
        "pushed_out_by": location.pushed_out_by(),
        "out_of_range": _out_of_range(location),
        "nearest_rows": _nearest_rows(location),
    }


def amounts_text(amounts: list[tuple[str, float]]) -> str:
    """Features and signed amounts as one cell."""
    return "; ".join(f"{name} {amount:+.4g}" for name, amount in amounts)


def _out_of_range(location: Location) -> list[list[tuple[str, float]]]:
    names, excess = location.columns, location.box_excess
    excess[list(location.unusable)] = 0.0
    zero = 2e-9 * location.training.half_width  # of a range: less is shown as 0
    shown = np.where(np.abs(excess) < zero, 0.0, excess)
    return [
        [(names[j], float(amounts[j])) for j in np.flatnonzero(row)]
        for row, amounts in zip(excess, shown)
    ]


def _nearest_rows(location: Location) -> list[list[Any]]:
    labels = location.training_labels
    return [
        [i if labels is None else labels[i] for i in row if i >= 0]
        for row in location.nearest_rows.tolist()
    ]
