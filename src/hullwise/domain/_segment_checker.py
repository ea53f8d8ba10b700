"""The checker's own reading of segments: which training rows a row is located among."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from .._core.types import Indices, Mask
from ._checked_cells import NEVER_SEEN
from ._checked_rows import CheckedRows


def rows_of_segment(
    segments: Mapping[str, Any] | None, segment: int, training: CheckedRows
) -> Indices:
    """The training rows of a segment, by the cells of its column; `segments` as a file has them."""
    if segments is None or segment == segments["in_all_rows"]:
        return np.arange(len(training))
    level = training.codes[:, _column(training)]
    return np.flatnonzero(np.array(segments["of_level"])[level] == segment)


def segment_holds(segments: Mapping[str, Any] | None, segment: int, queries: CheckedRows) -> Mask:
    """(m,) whether rows are of this segment, or of a level never seen, which has no segment."""
    if segments is None:
        return np.full(len(queries), segment == 0)
    level = queries.codes[:, _column(queries)]
    own = np.array([*segments["of_level"], 0])[level]
    return np.asarray((level == NEVER_SEEN) | (own == segment))


def own_segments(segments: Mapping[str, Any] | None, queries: CheckedRows) -> Indices:
    """(m,) the segment of each row by its own cell; that of all rows for a level never seen."""
    if segments is None:
        return np.zeros(len(queries), dtype=np.intp)
    level = queries.codes[:, _column(queries)]
    own = np.array([*segments["of_level"], 0])[level]
    return np.where(level == NEVER_SEEN, segments["in_all_rows"], own).astype(np.intp)


def in_segment(queries: CheckedRows, training: CheckedRows) -> CheckedRows:
    """The rows with levels that none of these training rows holds as levels never seen."""
    codes = queries.codes.copy()
    for j, column in enumerate(queries.layout.columns):
        if column["role"] == "category":
            is_level = codes[:, j] >= 0
            absent = is_level & ~np.isin(codes[:, j], training.codes[:, j])
            codes[absent, j] = NEVER_SEEN
    return replace(queries, codes=codes)


def _column(rows: CheckedRows) -> int:
    return next(j for j, c in enumerate(rows.layout.columns) if c["role"] == "segment")
