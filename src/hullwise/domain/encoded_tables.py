"""Tables of new rows as coordinates, and where the rows of several of them stand, in one search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .._core.results import RowNames
from .._core.types import Floats, Indices, Mask, Objects, Progress
from ..errors import DataError
from ..geometry.cloud import MAX_MAGNITUDE
from ..geometry.locate import locate_by_hull
from ..io.coercion import format_names
from ..io.mixed_column import note_fault
from ..io.mixed_table import MixedTable
from ..table.columns import LevelColumn
from ._fitting import row_labels
from .domain_location import DomainLocation
from .fitted_table import FittedTable
from .gap_patterns import rows_by_segment_and_pattern
from .new_combinations import combinations_note
from .new_rows import NewRows
from .pattern_location import PatternLocation
from .row_blocks import groups_of_new_rows
from .row_segments import SegmentedRows, levels_never_seen_in_segment, segments_of_new_rows


@dataclass(frozen=True, eq=False)
class EncodedTable:
    """A table of m new rows as coordinates.

    Attributes
    ----------
    table : MixedTable
    values : (m, D) float64
    unseen, filled : (m, C) bool
        Columns that hold a level never seen, and those that each row is located by.
    segment : (m,) int
    segmented : SegmentedRows or None
    unusable : dict of int to str
        Rows that are not located, and why.
    """

    table: MixedTable
    values: Floats
    unseen: Mask
    filled: Mask
    segment: Indices
    segmented: SegmentedRows | None
    unusable: dict[int, str]

    def __len__(self) -> int:
        return len(self.values)


def encode_table(fitted: FittedTable, table: MixedTable, *, strict: bool = False) -> EncodedTable:
    """Read the cells of new rows; those of a tolerant table that cannot be are noted.

    Raises
    ------
    DataError
        A column is missing, a cell is not what its column is, or `strict` and a column is unknown.
    """
    if strict or not table.is_named:
        _refuse_extra(fitted, table)
    encoded = fitted.coordinates.encode(table)
    _refuse_large(fitted, table, encoded.values)
    filled = fitted.coordinates.filled(encoded.values)
    filled &= ~encoded.unseen | ~fitted.coordinates.located_by
    unseen, segment = encoded.unseen, np.zeros(table.n, dtype=np.intp)
    segmented = segments_of_new_rows(fitted, table, encoded.values, filled)
    if segmented is not None:
        segment = segmented.segment
        absent = levels_never_seen_in_segment(fitted, encoded.values, filled, segment)
        unseen, filled = unseen | absent, filled & ~absent
    unusable = dict(table.faults or {})
    filled[list(unusable)] = False
    unseen[list(unusable)] = False
    return EncodedTable(table, encoded.values, unseen, filled, segment, segmented, unusable)


def locate_encoded(
    fitted: FittedTable,
    tables: Sequence[EncodedTable],
    *,
    max_seconds: float | None = None,
    progress: Progress | None = None,
) -> list[DomainLocation]:
    """Where the rows of each table stand; they are searched for together, whatever table is theirs.

    One search for four tables of one row takes little longer than for one.
    """
    one = len(tables) == 1
    segment = tables[0].segment if one else np.concatenate([t.segment for t in tables])
    filled = tables[0].filled if one else np.concatenate([t.filled for t in tables])
    values = tables[0].values if one else np.concatenate([t.values for t in tables])
    parts = []
    for own_segment, columns, rows in rows_by_segment_and_pattern(segment, filled):
        pattern = fitted.pattern(columns, progress, own_segment)
        if pattern is None:
            continue
        location = locate_by_hull(
            pattern.cloud,
            values[np.ix_(rows, pattern.coordinates)],
            pattern.reference,
            max_seconds=max_seconds,
            progress=progress,
        )
        parts.append(PatternLocation(rows, pattern, location))
    if one:
        return [_domain_location(fitted, tables[0], tuple(parts))]
    ends = np.cumsum([len(table) for table in tables]).tolist()
    return [
        _domain_location(fitted, table, _parts_between(parts, end - len(table), end))
        for table, end in zip(tables, ends)
    ]


def _parts_between(
    parts: Sequence[PatternLocation], start: int, end: int
) -> tuple[PatternLocation, ...]:
    """The rows from `start` to before `end`, counted from 0."""
    own = []
    for part in parts:
        low, high = np.searchsorted(part.rows, (start, end)).tolist()
        if low < high:
            location = part.location[low:high]
            location = replace(location, row_names=RowNames())
            own.append(PatternLocation(part.rows[low:high] - start, part.pattern, location))
    return tuple(own)


def _domain_location(
    fitted: FittedTable, encoded: EncodedTable, parts: tuple[PatternLocation, ...]
) -> DomainLocation:
    table, grouped, notes = encoded.table, None, tuple[str, ...]()
    if fitted.blocks is not None and not fitted.blocks.forward:
        grouped, notes = groups_of_new_rows(table, fitted.blocks)
    where = DomainLocation(
        parts,
        encoded.unseen,
        encoded.filled,
        _unseen_cells(fitted, table, encoded.unseen),
        fitted.coordinates,
        fitted.labels,
        _mean_unseen_rate(fitted, encoded.segment),
        (*_notes_on(fitted, table, _filled_in_table(encoded)), *notes),
        RowNames(row_labels(table, fitted.column_with("id")), table.frame_library),
        len(fitted),
        fitted.metric_text,
        NewRows(fitted, table, np.arange(table.n)),
        grouped,
        encoded.segmented,
        encoded.unusable,
    )
    return replace(where, notes=(*where.notes, *combinations_note(where)))


def _refuse_large(fitted: FittedTable, table: MixedTable, values: Floats) -> None:
    """Note cells whose differences would overflow, which become gaps, or raise for the first."""
    for row, place in np.argwhere(np.abs(values) > MAX_MAGNITUDE).tolist():
        name = fitted.coordinates.columns[int(fitted.coordinates.owner[place])].name
        text = f"column {name!r} holds {values[row, place]:g}, beyond {MAX_MAGNITUDE:.3g}"
        if table.faults is None:
            raise DataError(f"{table.place(row)}, {text}: differences of such numbers overflow.")
        note_fault(table.faults, row, text)
        values[row, place] = np.nan


def _unseen_cells(fitted: FittedTable, table: MixedTable, unseen: Mask) -> Objects:
    """(m, C) the labels of levels never seen, None elsewhere."""
    cells = np.full(unseen.shape, None, dtype=object)
    for j, column in enumerate(fitted.coordinates.columns):
        rows = np.flatnonzero(unseen[:, j])
        if len(rows) and isinstance(column, LevelColumn):
            labels = table.column(column.source).labels(column.kind)
            cells[rows, j] = [labels[int(row)].as_py() for row in rows]
    return cells


def _extra_columns(fitted: FittedTable, table: MixedTable) -> list[str]:
    """Columns of a table that the domain does not know."""
    known = {*fitted.coordinates.sources, *(column.name for column in fitted.unused)}
    return [name for name in table.names if name not in known]


def _refuse_extra(fitted: FittedTable, table: MixedTable) -> None:
    extra = _extra_columns(fitted, table)
    if extra and not table.is_named:
        raise DataError(
            f"{table.source} has {len(table.names)} columns, and the training table had "
            f"{len(table.names) - len(extra)}: an array needs as many."
        )
    if extra:
        raise DataError(
            f"{table.source} has columns that the training table has not: "
            f"{format_names(extra)}; without strict they would be ignored."
        )


def _filled_in_table(encoded: EncodedTable) -> Mask:
    """Which cells hold something; those of rows that cannot be read are not called empty."""
    filled = encoded.filled | encoded.unseen
    filled[list(encoded.unusable)] = True
    return filled


def _notes_on(fitted: FittedTable, table: MixedTable, filled: Mask) -> tuple[str, ...]:
    """What of a table of new rows may surprise."""
    notes = []
    extra = _extra_columns(fitted, table)
    if extra:
        notes.append(f"columns that are not known are ignored: {format_names(extra)}")
    newly = fitted.always_filled & ~filled.all(axis=0)
    for column, new, n_empty in zip(fitted.coordinates.columns, newly, (~filled).sum(axis=0)):
        if new:
            rows = "1 new row" if n_empty == 1 else f"{n_empty:,} new rows"
            notes.append(f"{column.name} is empty in {rows} and in no training row")
    return (*notes, *fitted.coordinates.notes_on(table))


def _mean_unseen_rate(fitted: FittedTable, segment: Indices) -> float:
    """Share of honest rows of these segments with some level never seen."""
    counts = np.bincount(segment, minlength=len(fitted.subsets))
    rates = [s.unseen_rate if n else 0.0 for s, n in zip(fitted.subsets, counts.tolist())]
    return float(counts @ np.array(rates) / max(1, len(segment)))
