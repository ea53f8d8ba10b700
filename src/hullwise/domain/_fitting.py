"""From a table of training rows to what a domain knows of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from .._core.types import Indices, Mask, Objects
from ..errors import DataError
from ..io.coercion import format_names
from ..io.mixed_table import MixedTable
from ..table.columns import SegmentColumn, UnusedColumn
from ..table.coordinates import Coordinates, TableCoordinates
from ..table.infer import infer_columns
from ..table.learn_outputs import learn_outputs
from ..table.spec import ColumnSpec
from ._directions import with_directions
from ._near_copies import near_copies_notes
from .coordinate_metric import is_unit, unit_kind
from .fitted_table import FittedTable
from .row_blocks import (
    GROUPS_FOR_BEYOND,
    RowBlocks,
    blocks_of_training_times,
    groups_of_training_rows,
)
from .row_segments import RowSegments
from .table_digest import digest_of

Gaps = Literal["each", "columns", "rows"]


def fit_table(
    table: MixedTable,
    spec: ColumnSpec,
    *,
    missing: Gaps,
    metric: Any,
    n_neighbors: int,
    reference: int,
    transformer: Any = None,
) -> FittedTable:
    """What a table holds: in the coordinates of a fitted transformer where there is one.

    Else its columns are as declared in `spec`, and inferred where they are not.
    """
    if table.n < 2:
        raise DataError(
            f"{table.source} has {table.n} row (n_samples={table.n}): a domain needs at least two."
        )
    coordinates: Coordinates
    if transformer is None:
        columns, unused, notes = infer_columns(table, spec)
        coordinates = TableCoordinates(columns)
    else:
        coordinates, unused, notes = learn_outputs(transformer, table, spec)
    values = coordinates.encode(table).values
    filled = coordinates.filled(values)
    keep = np.ones(table.n, dtype=bool)
    has_gaps = np.asarray(~filled.all(axis=0))
    if missing == "columns" and has_gaps.any():
        dropped = [column.name for column, gaps in zip(coordinates.columns, has_gaps) if gaps]
        notes = (*notes, f"left out, as they have gaps in training rows: {', '.join(dropped)}")
        unused = (*unused, *(UnusedColumn(name, "left out", "has gaps") for name in dropped))
        coordinates = coordinates.restricted(~has_gaps)
        values = coordinates.encode(table).values
    elif missing == "rows":
        keep, more = _complete_rows(table, filled)
        notes = (*notes, *more)
    elif has_gaps.any():
        n_gaps = int((~filled.all(axis=1)).sum())
        notes = (
            *notes,
            f"{n_gaps:,} of {table.n:,} training rows have gaps: a new row is located in the "
            "columns that it has, among all training rows that have these",
        )
    fitted = FittedTable(
        coordinates,
        unused,
        notes,
        values[keep],
        None,
        digest_of(table),
        unit_kind(metric),
        n_neighbors,
        reference,
        csv_marks=table.csv_marks,
    )
    id_column = fitted.column_with("id")
    labels = row_labels(table, id_column)
    segments, rows = None, np.flatnonzero(keep)
    blocks, more = row_blocks(table, spec, rows)
    column = next((c for c in coordinates.columns if isinstance(c, SegmentColumn)), None)
    if column is not None:
        codes, _ = column.codes(table.column(column.source))
        segments = RowSegments.of(column, codes[rows])
        more = (*more, *segments.notes(column.levels), *_few_groups(segments, blocks))
    fitted = replace(
        fitted,
        segments=segments,
        labels=None if labels is None else labels[keep],
        blocks=blocks,
    )
    hints = near_copies_notes(fitted, table, rows, spec)
    repeated = () if labels is None else _repeated_ids(labels[keep], id_column)
    fitted = replace(fitted, notes=(*notes, *more, *repeated, *hints))
    if is_unit(metric):
        return fitted
    return with_directions(fitted, metric, table, spec, np.flatnonzero(keep))


def row_blocks(
    table: MixedTable, spec: ColumnSpec, rows: Indices
) -> tuple[RowBlocks | None, tuple[str, ...]]:
    """What of these rows of a table is left out together, as declared, and notes on it."""
    groups, times = spec.columns_with("group"), spec.columns_with("time")
    if len(groups) + len(times) > 1:
        raise DataError(
            "rows are left out by one column of groups, or one of times, not by "
            f"{format_names([*groups, *times])}."
        )
    if times:
        return blocks_of_training_times(table, times[0], rows)
    if not groups:
        return None, ()
    blocks, notes = groups_of_training_rows(table, groups[0])
    return blocks.take(rows), notes


def _few_groups(segments: RowSegments, blocks: RowBlocks | None) -> tuple[str, ...]:
    """A note on segments with too few groups for a row of theirs to be beyond."""
    if blocks is None or blocks.forward:
        return ()
    counts = [len(np.unique(blocks.codes[segments.rows(s)])) for s in range(len(segments))]
    few = [
        f"{name} ({n})"
        for name, n in zip(segments.names, counts)
        if n < min(GROUPS_FOR_BEYOND, len(np.unique(blocks.codes)))
    ]
    if not few:
        return ()
    listed = ", ".join(few[:5]) + ", ..." * (len(few) > 5)
    return (
        f"fewer than {GROUPS_FOR_BEYOND} groups ({blocks.column}) in {listed}: no row there is "
        "'beyond', and one of a new group is 'far' in at most 1 of so many and 1 cases by chance",
    )


def _complete_rows(table: MixedTable, filled: Mask) -> tuple[Mask, tuple[str, ...]]:
    """Training rows without gaps, and a note on the others."""
    keep = np.asarray(filled.all(axis=1))
    if not keep.any():
        raise DataError(f"{table.source}: every training row has a gap in some column.")
    n_gaps = int((~keep).sum())
    if not n_gaps:
        return keep, ()
    return keep, (f"{n_gaps:,} of {table.n:,} training rows with gaps are left out",)


def row_labels(table: MixedTable, id_column: str | None) -> Objects | None:
    """(m,) the ids of the rows where the table has the column of ids, else their index."""
    labels: Objects | None = table.labels
    if id_column is not None and id_column in table.names:
        column = table.column(id_column)
        labels = np.array(column.labels(column.kind).to_pylist(), dtype=object)
    return labels


def _repeated_ids(labels: Objects, id_column: str | None) -> tuple[str, ...]:
    """A note on names that several training rows have."""
    counts = Counter(labels.tolist())
    label, n_rows = counts.most_common(1)[0]
    n_shared = len(labels) - sum(n == 1 for n in counts.values())
    if n_rows == 1:
        return ()
    where = "the index" if id_column is None else id_column
    return (
        f"{n_shared:,} of {len(labels):,} training rows share their name in {where} with others "
        f"({label!r}: {n_rows}), so that it names several in answers; if these belong together, "
        "declare the column as groups",
    )
