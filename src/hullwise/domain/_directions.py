"""A metric with directions for a fitted table, learnt from rows that are not left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .._core.types import Indices
from ..io.mixed_table import MixedTable
from ..table.spec import ColumnSpec
from .coordinate_metric import coordinate_metric, read_target
from .fitted_table import FittedTable


def with_directions(
    fitted: FittedTable, metric: Any, table: MixedTable, spec: ColumnSpec, rows: Indices
) -> FittedTable:
    """The same with a metric over its coordinates, learnt from rows that are not left out."""
    complete = fitted.filled.all(axis=1)
    pool, blocks = fitted.every_row.pool, fitted.blocks
    spares = len(pool) < len(fitted) and not (blocks is not None and blocks.forward)
    may_teach = ~np.isin(np.arange(len(fitted)), pool) if spares else complete
    names = spec.columns_with("target")
    target = None
    if isinstance(metric, str) and len(names) == 1:
        labels, name, is_class = read_target(table, names[0])
        target = labels[rows], name, is_class
    teaching = np.flatnonzero(may_teach & complete)
    others = np.flatnonzero(~(may_teach & complete))
    learnt = coordinate_metric(metric, fitted.coordinates, fitted.values, teaching, others, target)
    notes = tuple(f"metric: {note}" for note in learnt.notes)
    if isinstance(metric, str) and not spares:
        notes = (*notes, "metric: learnt from all complete rows; bands are nearly exact")
    return replace(fitted, directions=learnt, notes=(*fitted.notes, *notes))
