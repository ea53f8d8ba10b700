"""The columns of a text file as float64, or the line and column of the first cell that is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

import numpy as np

from .._core.types import Floats, Mask
from ..errors import FileError, Hint
from ._arrow import arrow_values, valid_mask
from ._cell_faults import cell_advice, cell_fault, is_time
from ._text_values import first_rounded_integer, text_values
from .coercion import LARGEST_INTEGER, TIME_ADVICE, format_names

SAMPLE_CELLS = 1000  # looked at to say what is wrong with a column


class TextTable(Protocol):
    """A text file whose rows can be looked up."""

    path: str
    names: tuple[str, ...]
    decimal: str

    def text_table(self, columns: Sequence[str], id_column: str | None = None) -> Any: ...

    def row_cells(self, row: int) -> tuple[int, list[str]]: ...


@dataclass
class Faults:
    """Cells of some kind: how many each column has, and the row of the first one."""

    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)

    def add(self, column: str, mask: Mask) -> None:
        count = int(mask.sum())
        if count:
            self.counts[column], self.first[column] = count, int(np.argmax(mask))

    def __bool__(self) -> bool:
        return bool(self.counts)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def earliest(self) -> str:
        """The column of the first such row."""
        return min(self.first, key=lambda c: self.first[c])


def csv_values(file: TextTable, table: Any, features: Sequence[str], keep_bad: bool) -> Floats:
    """Values (n, d) of columns that Arrow read as float64, or as text.

    Raises
    ------
    FileError
        For cells that are no number, times, missing values, integers beyond 2**53, and infinite
        values; missing and infinite ones are kept where `keep_bad`.
    """
    import pyarrow as pa

    values = np.empty((table.num_rows, len(features)), dtype=np.float64)
    unusable = Unusable(file, keep_bad)
    doubtful = []
    for j, column in enumerate(features):
        cells = table.column(column)
        if pa.types.is_string(cells.type):
            values[:, j] = unusable.add_text(column, cells)
            continue
        values[:, j] = arrow_values(cells)
        empty = ~valid_mask(cells)
        unusable.empty.add(column, empty)
        with np.errstate(invalid="ignore"):
            large = np.abs(values[:, j]) >= LARGEST_INTEGER
        if (large | (np.isnan(values[:, j]) & ~empty)).any():
            doubtful.append(column)
    if doubtful:
        # Words for NaN and infinity, and integers that were rounded: only the text tells.
        again = file.text_table(doubtful)
        for column in doubtful:
            values[:, features.index(column)] = unusable.add_text(column, again.column(column))
    unusable.refuse(table.num_rows)
    return values


class Unusable:
    """The cells of one file that are no finite numbers, column by column."""

    def __init__(self, file: TextTable, keep_bad: bool) -> None:
        self.file, self.keep_bad = file, keep_bad
        self.empty, self.text, self.nan = Faults(), Faults(), Faults()
        self.infinite, self.rounded = Faults(), Faults()
        self.samples: dict[str, list[str]] = {}

    def add_text(self, column: str, cells: Any) -> Floats:
        """The values of a column of text, whose unusable cells are noted."""
        read = text_values(cells, self.file.decimal)
        no_number = read.no_number if self.keep_bad else read.no_number | read.missing_word
        self.empty.counts.pop(column, None)
        self.empty.first.pop(column, None)
        self.empty.add(column, read.empty)
        self.text.add(column, no_number)
        if column in self.text.counts:
            rows = np.flatnonzero(no_number)[:SAMPLE_CELLS]
            self.samples[column] = [cells[row].as_py() for row in rows.tolist()]
        missing = read.empty | read.missing_word | read.no_number
        self.nan.add(column, np.isnan(read.values) & ~missing)
        row = first_rounded_integer(cells, read.values)
        if row is not None:
            self.rounded.counts[column], self.rounded.first[column] = 1, row
        self.infinite.add(column, np.isinf(read.values))
        return read.values

    def refuse(self, n: int) -> None:
        """Raise for the worst kind of cell there is."""
        checks: list[tuple[Faults, Callable[[int], None]]] = [
            (self.text, self._refuse_text),
            (self.rounded, self._refuse_rounded),
        ]
        if not self.keep_bad:
            checks[1:1] = [(self.empty, self._refuse_empty)]
            checks += [(self.nan, self._refuse_nan), (self.infinite, self._refuse_infinite)]
        for faults, refuse in checks:
            if faults:
                refuse(n)

    def _refuse_text(self, n: int) -> None:
        times = [c for c, cells in self.samples.items() if all(map(is_time, cells))]
        if times and len(times) == len(self.text.counts):
            line, cell = self._cell(self.text.first[times[0]], times[0])
            self._refuse(
                f"columns that hold times: {format_names(times)} (line {line}: {cell!r}); "
                f"{TIME_ADVICE}",
                Hint.LEAVE_OUT,
            )
        self._refuse_units(n)
        column = self.text.earliest
        line, cell = self._cell(self.text.first[column], column)
        total, columns = self.text.total, list(self.text.counts)
        cells = "1 cell is" if total == 1 else f"{total} cells in {len(columns)} column"
        if total > 1:
            cells += f"{'s' * (len(columns) > 1)} ({format_names(columns)}) are"
        advice = cell_advice(self.samples[column], self.file.decimal)
        fault = cell_fault(cell)
        self._refuse(
            f"line {line}, column {column!r} holds {_excerpt(cell)}, which is no number"
            f"{f' ({fault})' if fault else ''}; {cells} not numeric{advice.text}"
            f"{self._line_advice(self.text.first[column])}",
            advice.hint,
            advice.value,
        )

    def _refuse_units(self, n: int) -> None:
        """Refuse a first row of units: no other row has such cells."""
        columns = list(self.text.counts)
        if n < 2 or self.text.total != len(columns) or any(self.text.first.values()):
            return
        if not any(_is_word(self.samples[c][0]) for c in columns):
            return
        line, cells = self.file.row_cells(0)
        self._refuse(
            f"line {line} ({format_names(cells, 4)}) holds no numbers where all lines below do: if "
            "it holds units, delete it"
        )

    def _line_advice(self, row: int) -> str:
        """What is special about the whole line of a cell."""
        _, cells = self.file.row_cells(row)
        if tuple(c.strip() for c in cells) == self.file.names:
            return "; the line repeats the header: delete it"
        if cells and cells[0].startswith("#"):
            return "; the line looks like a comment: delete such lines"
        return ""

    def _refuse_empty(self, n: int) -> None:
        columns = [c for c, count in self.empty.counts.items() if count == n]
        if columns and n > 1:
            self._refuse(f"columns without any value: {format_names(columns)}", Hint.LEAVE_OUT)
        self._refuse_missing(self.empty, "is empty")

    def _refuse_nan(self, n: int) -> None:
        column = next(iter(self.nan.counts))
        _, cell = self._cell(self.nan.first[column], column)
        self._refuse_missing(self.nan, f"holds {cell!r}")

    def _refuse_missing(self, faults: Faults, what: str) -> NoReturn:
        column = faults.earliest
        line, _ = self._cell(faults.first[column], column)
        more = f"; {faults.total} values are missing like it" if faults.total > 1 else ""
        self._refuse(
            f"line {line}, column {column!r} {what}{more}; nothing is filled in for you: impute "
            "missing values or drop those rows"
        )

    def _refuse_infinite(self, n: int) -> None:
        column = self.infinite.earliest
        line, cell = self._cell(self.infinite.first[column], column)
        self._refuse(
            f"line {line}, column {column!r} holds {_excerpt(cell)}, which is infinite as float64; "
            f"{self.infinite.counts[column]} such in this column; replace it or drop those rows"
        )

    def _refuse_rounded(self, n: int) -> None:
        column = self.rounded.earliest
        line, cell = self._cell(self.rounded.first[column], column)
        self._refuse(
            f"line {line}, column {column!r} holds the integer {_excerpt(cell)[1:-1]}: beyond "
            "2**53 neighbouring integers are the same float64",
            Hint.OFFSET_OR_ROW_ID,
        )

    def _cell(self, row: int, column: str) -> tuple[int, str]:
        """Line number and text of one cell."""
        line, cells = self.file.row_cells(row)
        j = self.file.names.index(column)
        return line, cells[j] if j < len(cells) else ""

    def _refuse(self, problem: str, hint: Hint | None = None, value: str = "") -> NoReturn:
        raise FileError(self.file.path, problem, hint=hint, value=value)


def _is_word(cell: str) -> bool:
    """Whether a cell may name a unit."""
    return any(c.isalpha() or c in "%°$€£" for c in cell)


def _excerpt(cell: str) -> str:
    return repr(cell if len(cell) <= 60 else cell[:57] + "...")
