"""Where runs are: those done, those that failed, those under way, and what becomes of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.types import Floats, Mask, Objects
from ..errors import DataError
from ..io.coercion import format_names
from ..io.mixed_table import MixedTable, read_mixed
from ..predict.targets import as_array
from .design_space import DesignSpace


@dataclass(frozen=True, eq=False)
class Sites:
    """Points of the design space where runs are.

    Attributes
    ----------
    values : (s, p) float64
    names : (s,) object
        What each is called in sentences, such as "run 12".
    targets : (s, t) float64
        NaN where a run failed, is under way, or has no target.
    is_pending : (s,) bool
    frame_library : str or None
        That the runs came in.
    notes : tuple of str
    """

    values: Floats
    names: Objects
    targets: Floats
    is_pending: Mask
    frame_library: str | None
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def has_target(self) -> Mask:
        """(s,) runs with every target."""
        return np.asarray(~np.isnan(self.targets).any(axis=1) & (self.targets.shape[1] > 0))


def read_sites(
    space: DesignSpace, runs: Any, y: Any, target: str | Sequence[str] | None, pending: Any
) -> Sites:
    """The runs there are, with their targets, and those under way.

    Raises
    ------
    DataError, FileError
    """
    values, names, library = np.zeros((0, len(space.parameters))), [], None
    targets, notes = np.zeros((0, 0)), list[str]()
    if runs is not None and not _is_empty(runs):
        table = read_mixed(runs, name="the table of runs")
        values = space.read(table)
        library = table.frame_library
        names = [
            f"run {label}" for label in (range(table.n) if table.labels is None else table.labels)
        ]
        targets = _targets_of(table, y, target)
        notes += _notes_on_runs(space, values, targets)
        usable: Mask = np.asarray(~np.isnan(values).any(axis=1))
        values, targets = values[usable], targets[usable]
        names = [name for name, there in zip(names, usable) if there]
    elif y is not None and len(as_array(y)):
        raise DataError("y is given without runs.")
    n = len(values)
    if pending is not None and not _is_empty(pending):
        table = read_mixed(pending, name="the table of pending runs")
        more = space.read(table)
        gaps = np.isnan(more).any(axis=1)
        if gaps.any():
            raise DataError(
                f"{table.place(int(np.argmax(gaps)))}: a pending run with an empty cell or a level "
                "that the box lacks."
            )
        values = np.vstack([values, more])
        names += [f"pending run {i}" for i in range(len(more))]
        targets = np.vstack([targets, np.full((len(more), targets.shape[1]), np.nan)])
        library = library or table.frame_library
    return Sites(
        values,
        np.array(names, dtype=object),
        targets,
        np.arange(len(values)) >= n,
        library,
        tuple(notes),
    )


def _is_empty(table: Any) -> bool:
    """Whether a table in memory has no rows, whatever its columns."""
    return hasattr(table, "__len__") and not isinstance(table, str | dict) and not len(table)


def _targets_of(table: MixedTable, y: Any, target: str | Sequence[str] | None) -> Floats:
    """(n, t) targets, NaN where a run has none."""
    if y is not None:
        if target is not None:
            raise DataError("the targets are given twice: as y and as target.")
        return target_values(y, table.n)
    names = [] if target is None else [target] if isinstance(target, str) else list(target)
    lacking = [name for name in names if name not in table.names]
    if lacking:
        raise DataError(
            f"{table.source} has no target {format_names(lacking)}; its columns are "
            f"{format_names(list(table.names))}."
        )
    columns = [table.column(name).numbers() for name in names]
    return np.column_stack([np.zeros((table.n, 0)), *columns])


def target_values(y: Any, n: int) -> Floats:
    """(n, t) targets given as an array, NaN where a run failed.

    Raises
    ------
    DataError
    """
    try:
        values = np.asarray(as_array(y), dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError("y holds what is no number; a failed run has NaN.") from None
    if values.ndim not in (1, 2) or len(values) != n:
        raise DataError(f"y has shape {values.shape}: expected one entry for each of {n} runs.")
    if np.isinf(values).any():
        raise DataError("y holds infinite numbers; a failed run has NaN.")
    return values.reshape(n, -1)


def _notes_on_runs(space: DesignSpace, values: Floats, targets: Floats) -> list[str]:
    """What may surprise of the runs."""
    notes = []
    gaps: Mask = np.asarray(np.isnan(values).any(axis=1))
    if gaps.any():
        columns = [p.name for p, gap in zip(space.parameters, np.isnan(values.sum(axis=0))) if gap]
        notes.append(
            f"{_runs(gaps)} with an empty cell, or a value that the box cannot place, in "
            f"{format_names(columns)}: left out"
        )
    failed: Mask = np.asarray(np.isnan(targets).any(axis=1) & ~gaps)
    if failed.any():
        notes.append(
            f"{_runs(failed)} without a target (failed): not suggested again, and no error is "
            "learnt there"
        )
    outside: Mask = np.asarray(~gaps & ~space.contains(np.where(gaps[:, None], 0.0, values)))
    if outside.any():
        notes.append(f"{_runs(outside)} out of the box: they count as runs")
    return notes


def _runs(mask: Mask) -> str:
    return f"{int(mask.sum()):,} run{'s' * (int(mask.sum()) != 1)}"


def is_nameless(runs: Any) -> bool:
    """Whether runs come as an array, whose columns are known by their places alone."""
    return hasattr(runs, "ndim") and not hasattr(runs, "columns")
