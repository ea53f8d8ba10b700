"""Combinations of levels that no training row holds: counted and named, pairs first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._core.results import Column, TableResult
from .._core.types import Indices, Objects
from ..table.columns import CategoryColumn
from .domain_summary import levels_of
from .level_combinations import COMBINATION_ROWS

if TYPE_CHECKING:
    from .domain_location import DomainLocation

MAX_WORK_FOR_A_NOTE = 2e9  # training rows times the square of all levels
NAMED_PAIRS = 3  # in the sentence


@dataclass(frozen=True)
class NewPair:
    """Two levels that no training row holds together, and the new rows that do."""

    column: str
    level: str
    with_column: str
    with_level: str
    rows: tuple[int, ...]


@dataclass(frozen=True, eq=False, repr=False)
class NewCombinations(TableResult):
    """Combinations of levels that no training row holds. None of them makes a row far.

    Attributes
    ----------
    n_rows : int
        The new rows.
    rows : (c,) int
        Those that combine levels as no training row does.
    pairs : tuple of NewPair
        The pairs of levels among them that are never together, those of most rows first; rows that
        are in none combine three levels or more anew.
    names : (m,) object or None
        What the new rows are called.

    Examples
    --------
    >>> import hullwise as hw
    >>> rows = [{"job": "nurse", "shift": s, "age": a} for s in ("day", "night") for a in range(40)]
    >>> rows += [{"job": "clerk", "shift": "day", "age": age} for age in range(40)]
    >>> loc = hw.Domain().fit(rows).locate([{"job": "clerk", "shift": "night", "age": 20}])
    >>> print(loc.new_combinations().text)
    1 of 1 new rows combine levels as no training row does: job 'clerk' with shift 'night' (row 0).
    """

    n_rows: int
    rows: Indices
    pairs: tuple[NewPair, ...]
    names: Objects | None = None

    def __len__(self) -> int:
        return len(self.pairs)

    def __repr__(self) -> str:
        return f"NewCombinations({len(self.rows)} of {self.n_rows} rows, {len(self)} pairs)"

    @property
    def text(self) -> str:
        """The count in a sentence; empty where there is nothing to say."""
        if not len(self.rows):
            return ""
        text = (
            f"{len(self.rows):,} of {self.n_rows:,} new rows combine levels as no training row does"
        )
        if not self.pairs:
            return f"{text}; each level and each pair of levels was seen."
        listed = []
        for pair in self.pairs[:NAMED_PAIRS]:
            row = pair.rows[0] if self.names is None else self.names[pair.rows[0]]
            where = f"row {row}" if len(pair.rows) == 1 else f"{len(pair.rows)} rows"
            both = f"{pair.column} {pair.level!r} with {pair.with_column} {pair.with_level!r}"
            listed.append(f"{both} ({where})")
        more = f", and {len(self.pairs) - NAMED_PAIRS} more pairs"
        listed_text = ", ".join(listed) + more * (len(self.pairs) > NAMED_PAIRS)
        of_pairs = len({row for pair in self.pairs for row in pair.rows})
        if of_pairs == len(self.rows):
            return f"{text}: {listed_text}."
        return (
            f"{text}; each level and each pair of levels was seen but in {of_pairs}: {listed_text}."
        )

    def _columns(self) -> Mapping[str, Column]:
        return {
            "column": [pair.column for pair in self.pairs],
            "level": [pair.level for pair in self.pairs],
            "with_column": [pair.with_column for pair in self.pairs],
            "with_level": [pair.with_level for pair in self.pairs],
            "rows": [list(pair.rows) for pair in self.pairs],
        }


def combinations_note(location: DomainLocation) -> tuple[str, ...]:
    """What the notes of a location say of combinations, where that takes no time to speak of."""
    assert location.new_rows is not None
    fitted = location.new_rows.fitted
    n_levels = sum(
        len(c.levels) for c in location.coordinates.columns if isinstance(c, CategoryColumn)
    )
    if len(location) < 2 or len(fitted) * float(n_levels) ** 2 > MAX_WORK_FOR_A_NOTE:
        return ()
    result = new_combinations(location)
    return (result.text,) if result is not None and result.text else ()


def new_combinations(location: DomainLocation) -> NewCombinations | None:
    """Of a location's rows; None where it is not known which levels occur together."""
    assert location.new_rows is not None
    known = location.new_rows.fitted.combinations
    if known is None:
        return None
    columns = location.coordinates.columns
    new_rows: list[Indices] = []
    pairs: dict[tuple[int, int, int, int], list[int]] = {}
    for part in location.parts:
        codes = levels_of(location, part)[:, known.columns]
        for start in range(0, len(codes), COMBINATION_ROWS):
            block = codes[start : start + COMBINATION_ROWS]
            numbers = part.rows[start : start + COMBINATION_ROWS]
            absent = known.new_pairs(block)
            for row, a, b in absent.tolist():
                key = (a, int(block[row, a]), b, int(block[row, b]))
                pairs.setdefault(key, []).append(int(numbers[row]))
            new_rows += [numbers[known.is_new(block)], numbers[absent[:, 0]]]
    rows = np.unique(np.concatenate([np.zeros(0, dtype=np.intp), *new_rows]))

    def named(key: tuple[int, int, int, int]) -> NewPair:
        one, other = columns[known.columns[key[0]]], columns[known.columns[key[2]]]
        assert isinstance(one, CategoryColumn)
        assert isinstance(other, CategoryColumn)
        levels = one.levels[key[1]], other.levels[key[3]]
        return NewPair(one.name, levels[0], other.name, levels[1], tuple(sorted(pairs[key])))

    counts = Counter({key: len(own) for key, own in pairs.items()})
    ranked = sorted(counts, key=lambda key: (-counts[key], key))
    named_pairs = tuple(named(key) for key in ranked)
    return NewCombinations(len(location), rows, named_pairs, location.row_names.labels)
