"""Training rows as coordinates, with what rows of each pattern of gaps are located in."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .._core.threads import KeyedLocks
from .._core.types import Floats, Indices, Mask, Objects, Progress
from ..errors import FileError
from ..geometry.bands import Reference
from ..geometry.metric import Metric
from ..geometry.units import UnitKind
from ..io.archive import digest_of_array
from ..table.columns import CategoryColumn, UnusedColumn
from ..table.coordinates import Coordinates
from .coordinate_metric import CoordinateMetric
from .gap_patterns import FEWEST_ALIKE, RARE_PATTERNS, GapPattern, LearntUnits, gap_pattern
from .level_combinations import LevelCombinations
from .row_blocks import RowBlocks
from .row_segments import RowSegments
from .row_subset import RowSubset

PatternKey = tuple[int, bytes]  # a segment, and the columns that are there
LARGEST_LOGARITHM = 308.2547  # of a float, to base 10
SMALLEST_LOGARITHM = -324.0
CHECKED_ROWS = 1 << 14  # of a file, that are looked at together
KEPT_PATTERNS = 200  # patterns of gaps whose clouds and references are kept for the next row


@dataclass(frozen=True, eq=False)
class FittedTable:
    """Training rows as coordinates (n, D), NaN in gaps, and how distance is measured among them.

    Attributes
    ----------
    coordinates : Coordinates
    unused : tuple of UnusedColumn
    notes : tuple of str
    values : (n, D) float64
    labels : (n,) object or None
    digest : str
        Hash of the table's cells.
    metric : "std", "range" or None
    n_neighbors, reference : int
    stored : dict of (int, bytes) to Reference
        References that were measured before, by segment and pattern of gaps.
    blocks : RowBlocks or None
        Groups that are left out whole, or blocks of time; else rows are left out one by one.
    segments : RowSegments or None
        What parts the rows into domains of their own.
    values_sha256 : str or None
        The digest of `values` as they were written, where they come from a file.
    directions : CoordinateMetric or None
        A metric over the coordinates that is more than units, in place of `metric`.
    csv_marks : (str, str) or None
        Separator and decimal mark of the text file of training rows: new ones are read alike.
    """

    coordinates: Coordinates
    unused: tuple[UnusedColumn, ...]
    notes: tuple[str, ...]
    values: Floats
    labels: Objects | None
    digest: str
    metric: UnitKind | None
    n_neighbors: int
    reference: int
    stored: dict[PatternKey, Reference] = field(default_factory=dict)
    blocks: RowBlocks | None = None
    segments: RowSegments | None = None
    values_sha256: str | None = None
    directions: CoordinateMetric | None = None
    csv_marks: tuple[str, str] | None = None
    _patterns: OrderedDict[PatternKey, GapPattern | None] = field(default_factory=OrderedDict)
    _measuring: KeyedLocks = field(default_factory=KeyedLocks)

    def __len__(self) -> int:
        return len(self.values)

    def column_with(self, role: str) -> str | None:
        """The one column that was declared to have a role, such as "id" or "group"."""
        names = [c.name for c in self.unused if c.role == role and c.reason == "declared"]
        return names[0] if len(names) == 1 else None

    @property
    def every_column(self) -> Mask:
        """(C,) the pattern of rows without gaps."""
        return np.ones(len(self.coordinates.columns), dtype=bool)

    @cached_property
    def filled(self) -> Mask:
        """(n, C) which columns each training row has."""
        return self.coordinates.filled(self.values)

    @cached_property
    def always_filled(self) -> Mask:
        """(C,) the columns that no training row lacks."""
        return np.asarray(self.filled.all(axis=0))

    @cached_property
    def every_row(self) -> RowSubset:
        """All training rows."""
        return RowSubset(self, np.arange(len(self)))

    @property
    def units(self) -> LearntUnits:
        """The weights of the coordinates, learnt from all segments together."""
        return self.every_row.units

    @cached_property
    def combinations(self) -> LevelCombinations | None:
        """Which levels of categories occur together; None where that takes too long to know."""
        return LevelCombinations.of(self.coordinates, self.values)

    @property
    def metric_text(self) -> str:
        """The metric in words."""
        if self.directions is not None:
            return self.directions.metric.text
        unit = {"std": "standard deviation", "range": "range", None: None}[self.metric]
        numbers = f"each number divided by its {unit}" if unit else "numbers in their own units"
        levels = any(column.role == "category" for column in self.coordinates.columns)
        return numbers + ", categories as vertices of a simplex" * levels

    def metric_of(self, places: Indices, units: LearntUnits) -> Metric | None:
        """The metric of rows that have these coordinates; None where it sees nothing of them."""
        if self.directions is not None:
            return self.directions.among(places)
        return Metric(units.root[places], None, None, self.metric_text)

    @cached_property
    def subsets(self) -> tuple[RowSubset, ...]:
        """The training rows of each segment; all of them where there are none."""
        if self.segments is None:
            return (self.every_row,)
        return tuple(
            RowSubset(self, self.segments.rows(segment), segment)
            for segment in range(len(self.segments))
        )

    @cached_property
    def levels_of_segments(self) -> dict[int, Mask]:
        """For each category the levels (S, L) that occur in the training rows of each segment."""
        there = {}
        for j, column in enumerate(self.coordinates.columns):
            if isinstance(column, CategoryColumn) and column.width:
                block = self.values[:, self.coordinates.coordinates_of(j)]
                there[j] = np.zeros((len(self.subsets), len(column.levels)), dtype=bool)
                for subset in self.subsets:
                    rows = subset.rows[subset.filled[:, j]]
                    there[j][subset.segment, column.level_numbers(block[rows])] = True
        return there

    def pattern(
        self, columns: Mask, progress: Progress | None = None, segment: int = 0
    ) -> GapPattern | None:
        """What rows of a segment with these columns are located in, made once and kept."""
        self.refuse_damage()
        key = (segment, columns.tobytes())
        if key in self._patterns:
            with contextlib.suppress(KeyError):  # another thread has just let it go
                self._patterns.move_to_end(key)
                return self._patterns[key]
        with self._measuring.lock(key):  # threads that meet a pattern at once measure it once
            if key not in self._patterns:
                measured, subset = self.stored.get(key), self.subsets[segment]
                pattern = gap_pattern(subset, columns, measured, progress)
                self._patterns[key] = pattern
                while len(self._patterns) > KEPT_PATTERNS:
                    self._patterns.popitem(last=False)
                return pattern
            return self._patterns[key]

    def is_measured(self, columns: Mask, segment: int = 0) -> bool:
        """Whether what rows of a segment with these columns are located in is there already."""
        return (segment, columns.tobytes()) in self._patterns

    def measure_frequent(self, progress: Progress | None = None) -> None:
        """Measure what rows with the most frequent gaps are compared with: no row waits for it."""
        for subset in self.subsets:
            patterns, counts = np.unique(subset.filled, axis=0, return_counts=True)
            order = np.argsort(-counts, kind="stable")[:RARE_PATTERNS]
            for columns in patterns[order[counts[order] >= FEWEST_ALIKE]]:
                self.pattern(columns, progress, subset.segment)

    @cached_property
    def is_intact(self) -> bool:
        """Whether the rows are as they were written; all of them are read for it, once.

        Rows in memory are; those of a file must also be such as a domain writes.
        """
        if self.values_sha256 is None:
            return True
        return digest_of_array(self.values) == self.values_sha256 and self._holds_coordinates()

    def _holds_coordinates(self) -> bool:
        """Whether no number is infinite, no logarithm too large, no category off its vertices."""
        limits = {"category": 1.0, "log": LARGEST_LOGARITHM}
        most_of = [limits.get(c.role, np.finfo(np.float64).max) for c in self.coordinates.columns]
        most = np.array(most_of)[self.coordinates.owner]
        low = np.where(most == LARGEST_LOGARITHM, SMALLEST_LOGARITHM, -most)
        for start in range(0, len(self), CHECKED_ROWS):
            rows = self.values[start : start + CHECKED_ROWS]
            if ((rows > most) | (rows < low)).any():
                return False
        return True

    def refuse_damage(self) -> None:
        """FileError where the rows in the file are not as they were written."""
        if not self.is_intact:
            path = str(getattr(self.values, "filename", "the file of the domain"))
            raise FileError(path, "is damaged: its training rows are not as they were written")

    def measured(self) -> dict[PatternKey, Reference]:
        """The references that were measured, by segment and pattern of gaps."""
        used = {key: p.reference for key, p in self._patterns.items() if p is not None}
        return {**self.stored, **used}
