"""Which columns push rows out, in the columns' own units."""

from __future__ import annotations

import numpy as np

from .._core.types import Floats, Mask
from ..geometry.readings import LEAST_PART
from ..geometry.verdict import Verdict
from ..table.coordinates import Coordinates
from .pattern_location import PatternLocation


def column_changes(coordinates: Coordinates, part: PatternLocation) -> tuple[Floats, Floats]:
    """(m, C) each column's share of the squared distance, and what it is in the column's units.

    0 in columns that part no row from its nearest mixture, in rows that are inside, and in columns
    that were not used.
    """
    location = part.location
    width = location.training.half_width
    shares = np.zeros((len(location), len(coordinates.columns)))
    amounts = np.zeros_like(shares)
    known = ~np.isnan(location.nearest).any(axis=1) & (location.verdict != Verdict.INSIDE)
    residual, metric = location.residual[known], location.metric
    if metric.factor is not None:
        # the least change that the metric cannot tell from it: what does not matter may stay
        residual = metric.preimage(metric.image(residual))
    parts = np.maximum(residual * metric.dual(residual), 0.0)
    parts /= np.maximum(parts.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    start = 0
    for j, (column, used) in enumerate(zip(coordinates.columns, part.pattern.columns)):
        if not used or not column.width:
            continue
        block = slice(start, start + column.width)
        start += column.width
        query = location.queries[known, block]
        nearest = query + residual[:, block]
        amount = column.amount(query, nearest, width[block])
        amounts[known, j] = amount
        share = parts[:, block].sum(axis=1)
        if metric.factor is not None:
            share[share < LEAST_PART] = 0.0
        shares[known, j] = np.where(amount != 0, share, 0.0)
    return shares, amounts


def ranked_changes(
    shares: Floats, amounts: Floats, names: list[str], k: int
) -> list[list[tuple[str, float]]]:
    """For each row at most k columns that part it from its nearest mixture, largest share first."""
    order = np.argsort(-shares, axis=1, kind="stable")[:, :k]
    leading: Mask = np.take_along_axis(shares, order, axis=1) > 0
    sizes = np.take_along_axis(amounts, order, axis=1).tolist()
    return [
        [(names[j], size) for j, size, is_leading in zip(*row) if is_leading]
        for row in zip(order.tolist(), sizes, leading.tolist())
    ]
