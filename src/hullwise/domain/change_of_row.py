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
from .pattern_location import PatternLocation

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
    band, unseen = str(location.band[row]), location.unseen[row]
    part = next((part for part in location.parts if row in part.rows), None)
    stays = _columns_named(location, part, fixed)
    if part is None:
        return SmallestChange(band, fixed, str(location.status[row]))
    if not len(part.pattern.reference):
        text = f"{band}: no training row was left out, so no distance is known to be usual."
        return SmallestChange(band, fixed, text)
    if band in USUAL_BANDS:
        return SmallestChange(band, fixed, f"{band}: nothing has to change.")
    columns = location.coordinates.columns
    new = [int(j) for j in np.flatnonzero(unseen)]
    by_name = tuple(columns[j].name for j in new if stays[j])
    if by_name:
        text = (
            f"{band}: no change of the other columns is enough (proved): {format_names(by_name)} "
            f"is fixed and holds what no training row holds."
        )
        return SmallestChange(band, fixed, text, fixed_by_name=by_name)
    mixed = [columns[j].name for j in new if isinstance(columns[j], KnownLevels)]
    if mixed:
        text = (
            f"{band}: {format_names(mixed)} must change to a level that was seen; {NOT_COMPUTED}."
        )
        return SmallestChange(band, fixed, text)
    row_changes = _changes(location, part, row, stays)
    if row_changes is None:
        text = f"{band}: no two training rows have the columns that it has."
        return SmallestChange(band, fixed, text)
    search = ChangeSearch(row_changes)
    search.run()
    everything = search.everything
    text = change_sentences(
        band=band,
        fixed=fixed,
        together=search.together,
        alone=search.alone,
        sparse=search.sparse,
        levels=search.levels,
        with_levels=search.with_levels,
        nothing_helps=everything is not None and everything.impossible,
        unseen=[f"{columns[j].name} {location.cells[row, j]!r}" for j in new],
        among=_training_rows(location, row),
        unit=UNIT_WORDS[part.table.metric],
    )
    return SmallestChange(
        band,
        fixed,
        text,
        together=search.together,
        alone=tuple(search.alone),
        sparse=search.sparse,
        not_enough=tuple(search.not_enough),
        levels=tuple(search.levels),
        with_levels=tuple(search.with_levels),
        everything=everything,
        pattern=row_changes.pattern,
    )


def _columns_named(
    location: DomainLocation, part: PatternLocation | None, names: Sequence[str]
) -> Mask:
    """(C,) the columns of these names; a date by its own name or that of one of its parts."""
    columns = location.coordinates.columns
    known = {*location.coordinates.sources, *(column.name for column in columns)}
    unused = () if part is None else part.table.unused
    wrong = [name for name in names if name not in known | {column.name for column in unused}]
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


def _changes(
    location: DomainLocation, part: PatternLocation, row: int, fixed: Mask
) -> RowChanges | None:
    """The row among the training rows that have its columns, those with unseen levels too."""
    place = int(np.flatnonzero(part.rows == row)[0])
    values = np.full(len(location.coordinates.owner), np.nan)
    values[part.pattern.coordinates] = part.location.queries[place]
    segment = part.pattern.segment
    pattern = part.table.pattern(location.filled[row] | location.unseen[row], segment=segment)
    if pattern is None:
        return None
    return RowChanges(
        location.coordinates,
        pattern,
        values[pattern.coordinates],
        fixed,
        _known_levels(part.table, segment),
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
