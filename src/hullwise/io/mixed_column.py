"""One column of a table as people have them: numbers, text, booleans, times and gaps.

A column says what all of its cells are (`MixedColumn.kind`) and gives them as numbers, as labels or
as days. What a cell of text is, is decided cell by cell: a column of text is a column of numbers
only if each filled cell is one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np

from .._core.types import Floats, Mask
from ..errors import DataError, DataTypeError, Hint
from ._cell_faults import CellAdvice, cell_advice
from ._number_grammar import is_number, number_pattern

WORDS_FOR_NO_NUMBER = ("NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL")  # gaps
ISO_DATE = r"^\s*\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?\s*$"
CODE_OF_DIGITS = (
    r"^\s*([+-]?0\d+|\d{16,})\s*$"  # 01234 and longer than float64: labels, not numbers
)
NO_DATE = ", which is no date (as 2024-05-31 or 2024-05-31T12:30)"
SHORTEST_CODE = 10**15  # whole numbers from here on have 16 digits: labels too
CELLS_OF_NOTATION = 200  # looked at to see whether text is numbers written in another way
MORE_FAULTS, MAX_FAULT_LETTERS = "; and more", 1000  # of what is said of one row
NEARLY_ALL = 0.9  # share of numbers from which a column of text is one of numbers with bad cells


class ColumnKind(Enum):
    """What all filled cells of a column are."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"
    TEXT = "text"
    EMPTY = "empty"


@dataclass(frozen=True, eq=False)
class MixedColumn:
    """One column as Arrow holds it, and what its cells are.

    Attributes
    ----------
    name : str
    cells : pyarrow.ChunkedArray
        The cells as read: text where the table is a text file.
    decimal : str
        Decimal mark of numbers in text.
    place : callable
        ``place(row)`` says where a row stands: "line 7" or "row 5".
    gaps : sequence of str
        Texts that stand for a gap, beside the empty one.
    faults : dict of int to str, optional
        Where it is given, a cell that is not what it is read as is noted there, by its row, and is
        a gap; without, it is an error.
    """

    name: str
    cells: Any
    decimal: str
    place: Any
    gaps: tuple[str, ...] = ()
    faults: dict[int, str] | None = None

    @cached_property
    def _text(self) -> Any:
        """Trimmed text, its letters composed, with gaps as nulls; None where cells are no text."""
        import pyarrow as pa
        import pyarrow.compute as pc

        cells = self.cells
        if pa.types.is_dictionary(cells.type):
            cells = cells.cast(cells.type.value_type)
        if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
            return None
        text = pc.utf8_trim_whitespace(cells)
        if not pc.all(pc.string_is_ascii(text)).as_py():
            text = pc.utf8_normalize(text, form="NFC")  # an accent is part of its letter
        empty = pc.is_in(text, value_set=pa.array(["", *self.gaps], text.type))
        return pc.if_else(empty, pa.scalar(None, text.type), text)

    @cached_property
    def empty(self) -> Mask:
        """(n,) cells that hold nothing."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if self._text is None:
            missing = pc.is_null(self.cells, nan_is_null=pa.types.is_floating(self.cells.type))
            return as_mask(missing)
        text = self._text
        if self.kind in (ColumnKind.NUMBER, ColumnKind.EMPTY):
            text = _without_words(text)
        return as_mask(text.is_null())

    @cached_property
    def kind(self) -> ColumnKind:
        """What all filled cells are; of text in which nearly all are numbers see `numbers`."""
        import pyarrow as pa
        import pyarrow.types as types

        dtype = self.cells.type
        if types.is_null(dtype) or self.cells.null_count == len(self.cells):
            return ColumnKind.EMPTY
        if self._text is not None:
            return self._kind_of_text()
        if types.is_boolean(dtype):
            return ColumnKind.BOOLEAN
        if types.is_integer(dtype):
            return ColumnKind.TEXT if self._has_codes() else ColumnKind.NUMBER
        if types.is_floating(dtype) or types.is_decimal(dtype):
            return ColumnKind.NUMBER
        if types.is_timestamp(dtype) or types.is_date(dtype):
            return ColumnKind.TIME
        if isinstance(dtype, pa.DictionaryType) and not types.is_nested(dtype.value_type):
            return ColumnKind.TEXT
        raise DataTypeError(
            f"column {self.name!r} holds cells of the type {dtype}, which are neither numbers, "
            "text, booleans nor dates: convert it",
            hint=Hint.LEAVE_OUT,
        )

    def _has_codes(self) -> bool:
        """Whether whole numbers are so long that they are labels, as in a text file."""
        import pyarrow.compute as pc

        if self.cells.type.bit_width < 64:
            return False
        extremes = pc.min_max(self.cells).as_py()
        return bool(max(abs(extremes["min"]), abs(extremes["max"])) >= SHORTEST_CODE)

    def _kind_of_text(self) -> ColumnKind:
        import pyarrow.compute as pc

        text = _without_words(self._text)
        filled = len(text) - text.null_count
        if not filled:
            return ColumnKind.EMPTY
        if _count(text, number_pattern(self.decimal)) == filled:
            return ColumnKind.TEXT if _count(text, CODE_OF_DIGITS) else ColumnKind.NUMBER
        text = self._text
        filled = len(text) - text.null_count
        words = pc.utf8_lower(text)
        if _count(words, "^(true|false)$") == filled:
            return ColumnKind.BOOLEAN
        return ColumnKind.TIME if _count(text, ISO_DATE) == filled else ColumnKind.TEXT

    @property
    def whole(self) -> bool:
        """Whether all filled cells are whole numbers."""
        numbers = self.numbers()
        numbers = numbers[~np.isnan(numbers)]
        return bool((numbers == np.rint(numbers)).all() and (np.abs(numbers) < 2.0**53).all())

    @property
    def ordered_levels(self) -> tuple[str, ...] | None:
        """Levels in their order, where the column is an ordered categorical."""
        import pyarrow as pa

        if not (pa.types.is_dictionary(self.cells.type) and self.cells.type.ordered):
            return None
        chunks = self.cells.chunks
        return tuple(str(v) for v in chunks[0].dictionary.to_pylist()) if chunks else ()

    @property
    def has_time_zone(self) -> bool:
        """Whether some filled cells are times with a time zone."""
        import pyarrow as pa

        if self._text is None:
            return bool(pa.types.is_timestamp(self.cells.type) and self.cells.type.tz is not None)
        return _count(self._text, r"(Z|[+-]\d\d:?\d\d)\s*$") > 0 and _count(self._text, "[T:]") > 0

    def bad_number(self) -> tuple[int, str, float] | None:
        """Where text that is a number in nearly every cell holds none.

        The row, its cell, and the share of numbers.
        """
        import pyarrow.compute as pc

        if self._text is None or self.kind is not ColumnKind.TEXT:
            return None
        text = _without_words(self._text)
        matches = pc.match_substring_regex(text, number_pattern(self.decimal)).fill_null(True)
        filled = len(text) - text.null_count
        wrong = ~as_mask(matches)
        share = 1 - wrong.sum() / filled if filled else 0.0
        if not wrong.any() or share < NEARLY_ALL:
            return None
        row = int(np.argmax(wrong))
        return row, str(self._text[row].as_py()), share

    def gap_words(self) -> list[str]:
        """Words and signs without digits, such as ?, among cells that are numbers otherwise."""
        import pyarrow as pa
        import pyarrow.compute as pc

        text = _without_words(self._text)
        is_number = pc.match_substring_regex(text, number_pattern(self.decimal)).fill_null(True)
        other = pc.unique(text.filter(pa.array(~as_mask(is_number))))
        return sorted(cell for cell in other.to_pylist() if not re.search(r"\d", cell))

    def other_notation(self) -> tuple[int, str, CellAdvice] | None:
        """Where text holds numbers that are written in another way, such as with decimal commas.

        The row of the first such cell, the cell, and what to do; None where some of the first cells
        are mere text.
        """
        if self._text is None or self.kind is not ColumnKind.TEXT:
            return None
        text = _without_words(self._text)
        rows = np.flatnonzero(as_mask(text.is_valid()))[:CELLS_OF_NOTATION]
        cells = [str(text[row].as_py()) for row in rows.tolist()]
        is_plain = [is_number(cell, self.decimal) for cell in cells]
        if all(is_plain):
            return None
        advice = cell_advice(cells, self.decimal)
        if not (advice.text or advice.hint in (Hint.DECIMAL, Hint.GROUPED_OR_DECIMAL)):
            return None
        first = is_plain.index(False)
        return int(rows[first]), cells[first], advice

    def numbers(self) -> Floats:
        """(n,) float64, NaN in gaps; booleans are 0 and 1.

        Raises
        ------
        DataError
            A cell is no number, or infinite, or an integer that float64 would round.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        kind = self.kind  # refuses cells that no column may hold
        if self._text is None:
            if pa.types.is_temporal(self.cells.type):
                self.refuse(~self.empty, ", which is a date, where numbers are expected")
                return np.full(len(self.cells), np.nan)
            values = self._cast(self.cells)
        elif kind is ColumnKind.BOOLEAN:
            values = self._cast(pc.equal(pc.utf8_lower(self._text), "true"))
        else:
            text = _without_words(self._text)
            matches = pc.match_substring_regex(text, number_pattern(self.decimal)).fill_null(True)
            wrong = ~as_mask(matches)
            if wrong.any():
                self.refuse(wrong, ", which is no number")
                text = pc.if_else(pa.array(wrong), pa.scalar(None, text.type), text)
            text = pc.replace_substring(text, self.decimal, ".")
            values = self._cast(pc.replace_substring_regex(text, r"^\+", ""))
        infinite = np.isinf(values)
        if infinite.any():
            self.refuse(infinite, ", which is infinite as float64")
            values[infinite] = np.nan
        return values

    def _cast(self, cells: Any) -> Floats:
        """Cells as float64, NaN where they are empty."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_boolean(cells.type):
            cells = cells.cast(pa.int8())
        if pa.types.is_integer(cells.type) and cells.type.bit_width == 64:
            large = (
                np.abs(cells.fill_null(0).to_numpy(zero_copy_only=False).astype(np.float64))
                >= 2.0**53
            )
            if large.any():
                self.refuse(
                    large,
                    ", which is an integer beyond 2**53, where neighbouring integers are the same "
                    "float64: declare the column an id or a category, or subtract an offset",
                )
                cells = pc.if_else(pa.array(large), pa.scalar(None, cells.type), cells)
        return np.array(
            cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64
        )

    def labels(self, kind: ColumnKind) -> Any:
        """The cells as labels (pyarrow strings, null in gaps), as a column of this kind has them.

        Numbers are written the same whatever they were stored as: 3, 3.0 and "3" are "3".
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        if kind is ColumnKind.BOOLEAN and self.kind in (ColumnKind.BOOLEAN, ColumnKind.NUMBER):
            values = self.numbers()
            names = np.where(values == 1, "True", np.where(values == 0, "False", ""))
            other = (values != 0) & (values != 1) & ~np.isnan(values)
            names = names.astype(object)
            names[other] = [number_label(v) for v in values[other]]
            return pa.array(names, pa.string(), mask=np.isnan(values))
        if kind is ColumnKind.NUMBER and self.kind is not ColumnKind.TEXT:
            values = self.numbers()
            known, places = np.unique(values, return_inverse=True)
            names = np.array([number_label(v) for v in known], dtype=object)
            return pa.array(names[places], pa.string(), mask=np.isnan(values))
        if self._text is not None:
            return _flat(self._text).cast(pa.string())
        if pa.types.is_dictionary(self.cells.type) and self.kind is ColumnKind.TEXT:
            cells = self.cells.cast(self.cells.type.value_type)
            return replace(self, cells=cells).labels(kind)
        if self.kind is ColumnKind.NUMBER:
            return self.labels(ColumnKind.NUMBER)
        if self.kind is ColumnKind.BOOLEAN:
            return self.labels(ColumnKind.BOOLEAN)
        return _flat(pc.cast(self.cells, pa.string()))

    def days(self) -> Floats:
        """(n,) days since 1970-01-01 UTC, NaN in gaps.

        Raises
        ------
        DataError
            A cell is no date.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        cells = self.cells
        if self._text is not None:
            text = self._text
            matches = pc.match_substring_regex(text, ISO_DATE).fill_null(True)
            wrong = ~as_mask(matches)
            if wrong.any():
                self.refuse(wrong, NO_DATE)
                text = pc.if_else(pa.array(wrong), pa.scalar(None, text.type), text)
            cells = pa.array(self._stamps(_flat(text).to_pylist()), pa.timestamp("us"))
        elif not pa.types.is_temporal(cells.type):
            self.refuse(~self.empty, NO_DATE)
            return np.full(len(cells), np.nan)
        micro = cells.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        return (
            np.array(micro.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
            / 86_400e6
        )

    def _stamps(self, texts: list[str | None]) -> list[Any]:
        """ISO texts as times without zone, in UTC."""
        stamps: list[Any] = [None] * len(texts)
        for row, text in enumerate(texts):
            try:
                stamps[row] = None if text is None else _utc(text)
            except ValueError:  # such as the 31st of June
                self.refuse(np.arange(len(texts)) == row, NO_DATE)
        return stamps

    def refuse(self, wrong: Mask, problem: str) -> None:
        """Note cells (n,) that are not what they should be, or raise for the first.

        `problem` goes on from the cell: ", which is no number".

        Raises
        ------
        DataError
            Where the column has no place for notes.
        """
        rows = np.flatnonzero(wrong).tolist()
        for row in rows if self.faults is not None else rows[:1]:
            text = f"column {self.name!r} holds {_shown(self.cells[row].as_py())}{problem}"
            if self.faults is None:
                raise DataError(f"{self.place(row)}, {text}.")
            note_fault(self.faults, row, text)


def note_fault(faults: dict[int, str], row: int, text: str) -> None:
    """Add what is wrong of a row to what else is: one sentence says all of it, up to a length."""
    before = faults.get(row)
    if before is None:
        faults[row] = text
    elif text not in before and not before.endswith(MORE_FAULTS):
        is_long = len(before) + len(text) > MAX_FAULT_LETTERS
        faults[row] = before + (MORE_FAULTS if is_long else f"; {text}")


def _shown(cell: Any) -> str:
    return number_label(cell) if isinstance(cell, float) and np.isfinite(cell) else repr(cell)


def number_label(value: float) -> str:
    """A number as a label: the same text for 3 and 3.0."""
    return str(int(value)) if value == np.rint(value) and abs(value) < 1e15 else repr(float(value))


def as_mask(cells: Any) -> Mask:
    """Arrow booleans without nulls as an array."""
    return np.asarray(cells.to_numpy(zero_copy_only=False), dtype=bool)


def as_floats(cells: Any) -> Floats:
    """Arrow numbers as float64, NaN where they are null."""
    import pyarrow as pa

    numbers = cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.array(numbers, dtype=np.float64)


def _without_words(text: Any) -> Any:
    """The text with the words that stand for no number as gaps."""
    import pyarrow as pa
    import pyarrow.compute as pc

    missing = pc.is_in(text, value_set=pa.array(WORDS_FOR_NO_NUMBER, text.type))
    return pc.if_else(missing, pa.scalar(None, text.type), text)


def _count(text: Any, pattern: str) -> int:
    import pyarrow.compute as pc

    return int(pc.sum(pc.match_substring_regex(text, pattern)).as_py() or 0)


def _flat(cells: Any) -> Any:
    """Chunks as one array."""
    return cells.combine_chunks() if hasattr(cells, "combine_chunks") else cells


def _utc(text: str) -> Any:
    """An ISO text as a time without zone, in UTC."""
    from datetime import UTC, datetime

    when = datetime.fromisoformat(re.sub(r"Z$", "+00:00", text))
    return when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when
