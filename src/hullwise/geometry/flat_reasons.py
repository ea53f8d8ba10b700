"""Why a query leaves the flat that the training rows span, in the table's own columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .linear_relations import LinearRelation

if TYPE_CHECKING:
    from .location import Location

MOST_REASONS = 3  # for each row


def broken_relations(location: Location) -> dict[int, list[tuple[LinearRelation, float]]]:
    """For each row off the flat the relations that it breaks and by how much, the worst first."""
    rows = np.flatnonzero(location.off_flat)
    relations = location.training.relations
    if not len(rows) or not relations:
        return {}
    queries = location.queries[rows].astype(np.float64)
    breaks = np.stack([relation.breaks(queries) for relation in relations], axis=1)
    excess = np.stack([relation.excess(queries) for relation in relations], axis=1)
    broken = {}
    for i, row in enumerate(rows.tolist()):
        order = np.argsort(-breaks[i], kind="stable").tolist()
        pairs = [(relations[k], float(excess[i, k])) for k in order if breaks[i, k] > 1]
        if pairs:
            broken[row] = pairs
    return broken


def flat_reasons(location: Location) -> dict[int, list[str]]:
    """For each row off the flat what puts it there, at most three sentences' worth."""
    broken = broken_relations(location)
    low, names = location.box_minimum, location.columns
    constant = np.flatnonzero(low == location.box_maximum)
    reasons = {}
    for row in np.flatnonzero(location.off_flat).tolist():
        query = location.queries[row].astype(np.float64)
        texts = [
            f"{names[j]} is always {low[j]:.6g}; here {query[j]:.6g}"
            for j in constant.tolist()
            if query[j] != low[j]
        ]
        texts += [f"{one.text(names)}; {one.here(query)}" for one, _ in broken.get(row, [])]
        more = len(texts) - MOST_REASONS
        reasons[row] = texts[:MOST_REASONS] + ([f"and {more} more"] if more > 0 else [])
        if not texts:
            reasons[row] = ["it breaks a linear relation that all training rows obey"]
    return reasons
