"""A sentence for each row: how its answer came about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..table.columns import ConstantColumn, LevelColumn
from .pattern_location import PatternLocation

if TYPE_CHECKING:
    from .domain_location import DomainLocation

NOT_LOCATED = "not located: training rows, or the metric, say nothing of the columns that it has."


def row_sentences(location: DomainLocation) -> list[str]:
    """(m,) the sentences, in the table's own words."""
    sentences = [NOT_LOCATED] * len(location)
    for part in location.parts:
        for text, row in zip(part.location.status_texts(), part.rows.tolist(), strict=True):
            sentences[row] = _located(part, text, location.located_without(row))
    for row in np.flatnonzero(location.unseen.any(axis=1)):
        sentences[row] = f"{_unseen(location, int(row))}; otherwise {sentences[row]}"
    if location.segmented is not None:
        for row, name in enumerate(location.segmented.names):
            nearest = "the nearest, " if location.segmented.is_nearest[row] else ""
            sentences[row] += f" Located in {nearest}{name}."
    for row, reason in location.unusable.items():
        sentences[row] = f"not located: {reason}."
    return sentences


def _located(part: PatternLocation, text: str, lacking: list[str]) -> str:
    if not lacking:
        return text
    n = len(part.pattern.reference)
    compared = "compared with training rows that have all the rest"
    if part.pattern.alike:
        compared = f"compared with {n} training rows that lack the same"
    elif part.pattern.rare:
        compared = f"few training rows lack just that: compared with {n} that have such rare gaps"
    return f"{text} Located without {', '.join(lacking)}; {compared}."


def _unseen(location: DomainLocation, row: int) -> str:
    texts = []
    for j in np.flatnonzero(location.unseen[row]):
        column = location.coordinates.columns[j]
        assert isinstance(column, LevelColumn)
        cell = location.cells[row, j]
        if isinstance(column, ConstantColumn):
            texts.append(f"{column.name} was always {column.levels[0]!r}, not {cell!r}")
        else:
            texts.append(
                f"{column.name} {cell!r} was never seen in {_where(location, row, int(j))}"
            )
    return "far: " + "; ".join(texts)


def _where(location: DomainLocation, row: int, j: int) -> str:
    """The training rows that lack a level: all, or those of the row's segment."""
    column = location.coordinates.columns[j]
    assert isinstance(column, LevelColumn)
    if location.segmented is not None and location.cells[row, j] in column.levels:
        return f"training rows of {location.segmented.names[row]}, and is elsewhere"
    return f"{sum(column.counts):,} training rows ({len(column.levels)} levels)"
