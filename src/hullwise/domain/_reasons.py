"""Which columns push a row out, in the columns' own units."""

from __future__ import annotations

import numpy as np

from ..table.coordinates import Coordinates
from .pattern_location import PatternLocation


def reasons(coordinates: Coordinates, part: PatternLocation, place: int) -> list[tuple[str, float]]:
    """The columns that part one row from its nearest mixture, most responsible first."""
    location = part.location
    width = location.training.half_width
    ranked: list[tuple[float, str, float]] = []
    start = 0
    for column, used in zip(coordinates.columns, part.pattern.columns):
        if not used or not column.width:
            continue
        block = slice(start, start + column.width)
        start += column.width
        query, nearest = location.queries[place, block], location.nearest[place, block]
        if np.isnan(nearest).any():
            continue
        share, amount = column.change(query, nearest, width[block])
        if share > 0:
            ranked.append((share, column.name, amount))
    ranked.sort(key=lambda reason: -reason[0])
    return [(name, amount) for _, name, amount in ranked]
