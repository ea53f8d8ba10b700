"""A sentence for each row: how its answer came about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..table.columns import CategoryColumn, ConstantColumn, LevelColumn
from .domain_summary import levels_of
from .pattern_location import PatternLocation

if TYPE_CHECKING:
    from .domain_location import DomainLocation

NOT_LOCATED = "not located: training rows, or the metric, say nothing of the columns that it has."
WHOLLY_EMPTY = "not located: each of its cells in the domain's columns is empty."


def row_sentences(location: DomainLocation) -> list[str]:
    """(m,) the sentences, in the table's own words."""
    sentences = [NOT_LOCATED] * len(location)
    for row in np.flatnonzero(~location.filled.any(axis=1)).tolist():
        sentences[row] = WHOLLY_EMPTY
    for part in location.parts:
        texts = part.location.status_texts()
        for place, level in _absent_levels(location, part).items():
            texts[place] = f"{part.location.status[place].value} {level}"
        for text, row in zip(texts, part.rows.tolist(), strict=True):
            sentences[row] = _located(part, text, location.located_without(row))
    for row in np.flatnonzero(location.unseen.any(axis=1)).tolist():
        sentences[row] = f"{_unseen(location, row)}; otherwise {sentences[row]}"
    if location.segmented is not None:
        for row, name in enumerate(location.segmented.names):
            nearest = "the nearest, " if location.segmented.is_nearest[row] else ""
            sentences[row] += f" Located in {nearest}{name}."
    for row, reason in location.unusable.items():
        sentences[row] = f"not located: {reason}."
    return sentences


def _absent_levels(location: DomainLocation, part: PatternLocation) -> dict[int, str]:
    """Rows off the flat of the training rows with a level that none of these holds, and which."""
    off = np.flatnonzero(part.location.off_flat)
    if not len(off):
        return {}
    codes = levels_of(location, part)[off]
    training = part.pattern.cloud.take(np.arange(part.pattern.cloud.n))
    sentences: dict[int, str] = {}
    start = 0
    for j, (column, used) in enumerate(zip(location.coordinates.columns, part.pattern.columns)):
        block = slice(start, start + column.width)
        start += column.width if used else 0
        if not (used and isinstance(column, CategoryColumn) and column.width):
            continue
        there = np.unique(column.shares(training[:, block]).argmax(axis=1))
        for place, code in zip(off.tolist(), codes[:, j].tolist()):
            if code not in there:
                sentences[place] = (
                    f"Of the training rows with these columns filled none holds {column.name} "
                    f"{column.levels[code]!r}."
                )
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
