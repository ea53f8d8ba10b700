"""The search for the smallest change of a row: all numbers, few of them, one level, two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice, product

import numpy as np

from ..table.columns import LevelColumn
from ._row_changes import RowChanges
from .change import RANKED_DIGITS, USUAL_BANDS, ColumnChange, SmallestChange, preference

MAX_PAIR_COLUMNS = 24  # numbers of which all pairs are tried; with more, those of the nearest
BEST_CHANGES = 5  # that are followed: of one level to pairs, of numbers to whole numbers
MAX_LEVEL_TRIALS = 1000  # rows with other levels in one batch

Levels = tuple[tuple[int, int], ...]  # columns, and the numbers of their new levels


@dataclass(eq=False)
class ChangeSearch:
    """The changes of one row, as `SmallestChange` has them.

    Attributes
    ----------
    row : RowChanges
        Its levels that no training row has must change first.
    is_decided : bool
        Whether all sets of numbers that were tried are enough, or proved not to be.
    """

    row: RowChanges
    everything: ColumnChange | None = None
    together: ColumnChange | None = None
    alone: list[ColumnChange] = field(default_factory=list)
    sparse: ColumnChange | None = None
    not_enough: list[ColumnChange] = field(default_factory=list)
    is_decided: bool = True
    levels: list[ColumnChange] = field(default_factory=list)
    with_levels: list[ColumnChange] = field(default_factory=list)

    def result(self, band: str, fixed: tuple[str, ...], text: str) -> SmallestChange:
        """What was found, as a result."""
        return SmallestChange(
            band,
            fixed,
            text,
            together=self.together,
            alone=tuple(self.alone),
            sparse=self.sparse,
            not_enough=tuple(self.not_enough),
            levels=tuple(self.levels),
            with_levels=tuple(self.with_levels),
            everything=self.everything,
            pattern=self.row.pattern,
        )

    def run(self) -> None:
        """Try all of it, the cheapest proof first."""
        row = self.row
        if row.unseen:
            self._levels_never_seen()
            return
        start = row.query[None]
        free = (*row.numbers, *row.categories)
        self.everything, together = row.solve(np.repeat(start, 2, axis=0), [free, row.numbers])
        if self.everything.impossible:
            return
        if row.numbers:
            (self.together,) = row.settle([together])
        if self.together is not None and self.together.possible:
            self._fewest_numbers()
        self._other_levels()
        if not (self.levels or (self.together is not None and self.together.possible)):
            self._levels_with_numbers()

    # ---- few numbers ----------------------------------------------------------------------------

    def _solve_sets(self, sets: Sequence[tuple[int, ...]]) -> list[ColumnChange]:
        """Changes of these sets of columns; those that are not enough are noted."""
        changes = self.row.solve(np.repeat(self.row.query[None], len(sets), axis=0), sets)
        self.is_decided &= all(change.possible or change.impossible for change in changes)
        self.not_enough += [change for change in changes if change.impossible]
        return changes

    def _fewest_numbers(self) -> None:
        """One column, exhaustively; else two; else more, each time the one that brings nearest.

        What is left of the distance when a column may change at will is the distance without it.
        """
        numbers = self.row.numbers
        sets: list[tuple[int, ...]] = [(j,) for j in numbers]
        order: list[int] = []
        while sets:
            changes = self._solve_sets(sets)
            least = sorted((c for c in changes if c.possible), key=lambda change: change.upper)
            settled = sorted(
                self.row.settle(least if not order else least[:BEST_CHANGES]), key=preference
            )
            self.sparse = settled[0] if settled else None
            ranked = sorted(range(len(sets)), key=lambda k: (changes[k].upper, changes[k].distance))
            if not order:
                self.alone = settled
                order = [numbers[k] for k in ranked]
            if self.sparse is not None and self.sparse.band in USUAL_BANDS:
                return
            chosen = sets[ranked[0]]
            if len(chosen) == 1:
                sets = list(combinations(order[:MAX_PAIR_COLUMNS], 2))
            else:
                sets = [(*chosen, j) for j in order if j not in chosen]

    # ---- levels ---------------------------------------------------------------------------------

    def _try_levels(self, trials: Sequence[Levels]) -> list[tuple[Levels, ColumnChange]]:
        """Rows with other levels, nearest first; those that are not enough are noted."""
        trials = list(trials)[:MAX_LEVEL_TRIALS]
        if not trials:
            return []
        starts = np.stack([self.row.with_levels(levels) for levels in trials])
        changes = self.row.solve(starts, [()] * len(trials))
        self.not_enough += [
            self.row.with_cells(change, change.query, "unknown", float("inf"))
            for change in changes
            if change.impossible
        ]
        return sorted(
            zip(trials, changes), key=lambda tried: round(tried[1].distance, RANKED_DIGITS)
        )

    def _other_levels(self) -> None:
        """Every level of every free category, and pairs of the best where no one is enough."""
        tried = self._try_levels([(level,) for level in self._single_levels()])
        self.levels = self.row.settle([change for _, change in tried if change.possible])
        if self.levels:
            return
        best = [levels[0] for levels, _ in tried[:BEST_CHANGES]]
        pairs: list[Levels] = [(a, b) for a, b in combinations(best, 2) if a[0] != b[0]]
        tried = self._try_levels(pairs)
        self.levels = self.row.settle([change for _, change in tried if change.possible])

    def _single_levels(self) -> list[tuple[int, int]]:
        row = self.row
        return [
            (j, int(k))
            for j in row.categories
            for k in row.levels[j]
            if not np.allclose(row.with_levels([(j, k)]), row.query)
        ]

    def _levels_with_numbers(self) -> None:
        """One other level and all free numbers, where neither alone is enough."""
        if self.row.numbers:
            self._numbers_after([(level,) for level in self._single_levels()])

    def _numbers_after(self, trials: Sequence[Levels]) -> None:
        """The least change of numbers after each change of levels."""
        if not trials:
            return
        starts = np.stack([self.row.with_levels(levels) for levels in trials])
        changes = self.row.solve(starts, [self.row.numbers] * len(trials))
        possible = sorted((c for c in changes if c.possible), key=lambda change: change.upper)
        self.with_levels = self.row.settle(possible[:BEST_CHANGES])

    def _levels_never_seen(self) -> None:
        """Levels that were seen instead of those that were not; then with numbers."""
        row = self.row
        choices = []
        for j in row.unseen:
            column = row.coordinates.columns[j]
            assert isinstance(column, LevelColumn)
            common = np.argsort(-np.array(column.counts)[row.levels[j]], kind="stable")
            ordered = row.levels[j][common if column.width else slice(0, 1)]
            choices.append([(j, int(k)) for k in ordered])
        tried = self._try_levels(list(islice(product(*choices), MAX_LEVEL_TRIALS)))
        free = (*row.numbers, *row.categories)
        (self.everything,) = row.solve(row.with_levels(tried[0][0])[None], [free])
        if self.everything.impossible:
            return
        self.levels = row.settle([change for _, change in tried if change.possible])
        if not self.levels and row.numbers:
            self._numbers_after([levels for levels, _ in tried])
