"""The smallest change of one row of a located table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Indices, Mask
from ..errors import DataError
from ..io.coercion import format_names
from ..table.columns import CategoryColumn, Column, LevelColumn, SegmentColumn
from ..table.output_columns import KnownLevels, OutputColumn
from ._change_search import ChangeSearch
from ._change_sentences import change_sentences
from ._row_changes import RowChanges
from .change import USUAL_BANDS, SmallestChange

if TYPE_CHECKING:
    from .domain_location import DomainLocation
    from .fitted_table import FittedTable

UNIT_WORDS = {"std": " sd", "range": " ranges", None: ""}
NOT_COMPUTED = "the transformer mixes it with other columns, so no change is computed"


def smallest_change_of_row(
    location: DomainLocation, row: int, fixed: Sequence[str]
) -> SmallestChange:
    """See `DomainLocation.smallest_change`."""
    if not 0 <= row < len(location):
        raise IndexError(f"there is no row {row}: the location has {len(location)} rows")
    fixed = (fixed,) if isinstance(fixed, str) else tuple(fixed)
    band, columns = str(location.band[row]), location.coordinates.columns
    stays = _columns_named(location, fixed)
    new = [int(j) for j in np.flatnonzero(location.unseen[row])]
    by_name = tuple(columns[j].name for j in new if stays[j])
    if by_name:
        text = (
            f"{band}: no change of the other columns is enough (proved): {format_names(by_name)} "
            f"is fixed and holds what no training row holds."
        )
        return SmallestChange(band, fixed, text, fixed_by_name=by_name)
    row_changes = _row_changes(location, row, stays)
    obstacle = _why_no_search(location, row, row_changes)
    if obstacle or row_changes is None:
        return SmallestChange(band, fixed, obstacle)
    search = ChangeSearch(row_changes)
    search.run()
    everything = search.everything
    text = change_sentences(
        band=band,
        fixed=fixed,
        together=search.together,
        alone=search.alone,
        sparse=search.sparse,
        is_decided=search.is_decided,
        levels=search.levels,
        with_levels=search.with_levels,
        nothing_helps=everything is not None and everything.impossible,
        unseen=[f"{columns[j].name} {location.cells[row, j]!r}" for j in new],
        among=_training_rows(location, row),
        unit=UNIT_WORDS[_fitted(location).metric],
    )
    return search.result(band, fixed, text)


def _why_no_search(location: DomainLocation, row: int, row_changes: RowChanges | None) -> str:
    """Why nothing is sought for a row, in words; empty where it is."""
    band, columns = str(location.band[row]), location.coordinates.columns
    if band in USUAL_BANDS:
        return f"{band}: nothing has to change."
    if row_changes is None:
        return str(location[row].status[0])
    mixed = [columns[j].name for j in row_changes.unseen if isinstance(columns[j], KnownLevels)]
    if mixed:
        return (
            f"{band}: {format_names(mixed)} must change to a level that was seen; {NOT_COMPUTED}."
        )
    if not len(row_changes.pattern.reference):
        return f"{band}: no training row was left out, so no distance is known to be usual."
    if row_changes.is_too_far:
        return f"{band}: more than 2**200 times farther out than training rows; no change is known."
    return ""


def _fitted(location: DomainLocation) -> FittedTable:
    new_rows = location.new_rows
    assert new_rows is not None
    return new_rows.fitted


def _columns_named(location: DomainLocation, names: Sequence[str]) -> Mask:
    """(C,) the columns of these names; a date by its own name or that of one of its parts."""
    columns = location.coordinates.columns
    known = {*location.coordinates.sources, *(column.name for column in columns)}
    known |= {column.name for column in _fitted(location).unused}
    wrong = [name for name in names if name not in known]
    if wrong:
        raise DataError(
            f"fixed: there is no column {format_names(wrong)}; the columns are "
            f"{format_names([column.name for column in columns])}."
        )
    return np.array([bool({column.name, *_sources(column)} & {*names}) for column in columns])


def _training_rows(location: DomainLocation, row: int) -> str:
    """What the rows are called that a row is located among."""
    segmented = location.segmented
    if segmented is None or segmented.is_nearest[row]:
        return "training rows"
    return f"training rows of {segmented.names[row]}"


def _sources(column: Column) -> tuple[str, ...]:
    """The columns of the table that a column of coordinates depends on."""
    return column.inputs if isinstance(column, OutputColumn) else (column.source,)


def _row_changes(location: DomainLocation, row: int, fixed: Mask) -> RowChanges | None:
    """The row among the training rows that have its columns, those with unseen levels too."""
    table, segmented = _fitted(location), location.segmented
    segment = 0 if segmented is None else int(segmented.segment[row])
    used = location.filled[row] | location.unseen[row]
    pattern = table.pattern(used, segment=segment)
    if pattern is None:
        return None
    values = np.full(len(location.coordinates.owner), np.nan)
    for part in location.parts:
        for place in np.flatnonzero(part.rows == row):
            values[part.pattern.coordinates] = part.location.queries[place]
    return RowChanges(
        location.coordinates,
        pattern,
        values[pattern.coordinates],
        fixed,
        _known_levels(table, segment),
        tuple(np.flatnonzero(location.unseen[row]).tolist()),
    )


def _known_levels(table: FittedTable, segment: int) -> dict[int, Indices]:
    """For each column of levels the numbers of those that the rows of a segment hold."""
    levels = {}
    for j, column in enumerate(table.coordinates.columns):
        if not isinstance(column, LevelColumn):
            continue
        known = np.ones(len(column.levels), dtype=bool)
        if table.segments is not None and isinstance(column, SegmentColumn):
            known = table.segments.of_level == segment
        elif table.segments is not None and column.width and isinstance(column, CategoryColumn):
            known = table.levels_of_segments[j][segment]
        levels[j] = np.flatnonzero(known)
    return levels
