"""A strict CSV reader: every cell is a number, or the line and column of one that is not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from .._core.memory import check_memory
from ..errors import FileError, Hint
from ._arrow import arrow_values, valid_mask
from ._byte_source import ByteSource
from ._number_grammar import cell_hint, is_inexact, is_number, number_pattern, value
from ._spreadsheet_text import shown_text
from .coercion import LARGEST_INTEGER, TIME_ADVICE, format_names

LIKELY_SEPARATORS: Final = (";", "\t", "|", ",")


class CsvTable:
    """One CSV file while it is read: its columns, and where in the text a value came from.

    `names` are those of all columns of the file, `features` those asked for; `named` is False
    where the names are only places.
    """

    kind = ".csv"
    index: tuple[str, ...] = ()

    def __init__(self, source: ByteSource, sep: str, decimal: str, header: bool) -> None:
        self.source, self.sep, self.decimal, self.named = source, sep, decimal, header
        self.path = source.name
        self.first_line, cells = self._first()
        # A quoted name may hold line breaks.
        self.header_end = self.first_line + sum(c.count("\n") for c in cells)
        self._refuse_separator(cells)
        if header:
            self._refuse_numbers_only(cells)
            self.names = tuple(shown_text(c.strip()) for c in cells)
        else:
            self.names = tuple(f"x{j}" for j in range(len(cells)))

    def _first(self) -> tuple[int, list[str]]:
        for line, cells in self.source.records(self.sep):
            if cells:
                if any("\udc80" <= mark <= "\udcff" for mark in "".join(cells)):
                    self.source.refuse_encoding()
                return line, cells
        raise FileError(self.path, "the file is empty")

    def _refuse_separator(self, cells: list[str]) -> None:
        if len(cells) > 1:
            return
        if cells[0].lower().startswith("sep="):
            raise FileError(
                self.path, f"line 1 is {cells[0]!r}, a note for Excel: delete that line"
            )
        for other in LIKELY_SEPARATORS:
            if other != self.sep and other in cells[0]:
                mark = "'\\t' (a tab)" if other == "\t" else repr(other)
                raise FileError(
                    self.path,
                    f"one column called {cells[0][:60]!r}: its values look separated by {mark}, "
                    f"but {self.sep!r} was expected",
                    hint=Hint.SEPARATOR,
                    value=mark,
                )
        if re.fullmatch(r"\s*\S+(\s+\S+)+\s*", cells[0]) and self._is_spaced(cells[0]):
            raise FileError(
                self.path, "values are separated by spaces; save the file with commas or tabs"
            )

    def _is_spaced(self, first: str) -> bool:
        records = self.source.records(self.sep)
        next(records)
        _, second = next(records, (0, []))
        words = second[0].split() if len(second) == 1 else []
        return len(words) == len(first.split()) and all(is_number(w) for w in words)

    def _refuse_numbers_only(self, cells: list[str]) -> None:
        marked = [c.strip().replace(self.decimal, ".") for c in cells]
        if all(is_number(c) for c in marked):
            raise FileError(
                self.path,
                f"line {self.first_line} holds numbers only ({format_names(cells, 4)}), so there "
                "seems to "
                "be no header",
                hint=Hint.NO_HEADER,
            )

    # ---- reading --------------------------------------------------------------------------

    def read(
        self, features: list[str], id_column: str | None, keep_bad: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.object_] | None]:
        """Values and row ids; NaN and infinity only where `keep_bad`."""
        self.features = features
        if "" in features:
            raise FileError(
                self.path,
                f"column {self.names.index('') + 1} has no name in line {self.first_line} (some "
                "programs write row numbers so)",
                hint=Hint.UNNAMED_COLUMN,
            )
        self._check_size()
        table = self._parse(self.features, id_column)
        if table.num_rows == 0:
            raise FileError(self.path, "has a header but no rows")
        values = self._values(table, keep_bad)
        ids = None if id_column is None else _ids(table.column(id_column))
        return values, ids

    def _check_size(self) -> None:
        head = self.source.head()
        lines = head.count(b"\n") or head.count(b"\r") or 1
        rows = max(1, int(self.source.size() / len(head) * lines))
        # Arrow's columns and the array made of them exist at the same time.
        check_memory(16 * rows * len(self.features), f"{self.path}: about {rows} rows as float64")

    def _parse(self, features: Sequence[str], id_column: str | None, text: bool = False) -> Any:
        import pyarrow as pa
        from pyarrow import csv

        types = {c: pa.string() for c in features} if text else {}
        if id_column is not None:
            types[id_column] = pa.string()
        read = csv.ReadOptions(
            column_names=list(self.names),
            skip_rows=self.header_end if self.named else self.first_line - 1,
            # A record must fit into a block.
            block_size=max(1 << 20, 128 * len(self.names)),
        )
        parse = csv.ParseOptions(
            delimiter=self.sep,
            newlines_in_values=True,
            # In a file of one column a blank line is a missing value.
            ignore_empty_lines=len(self.names) > 1,
        )
        convert = csv.ConvertOptions(
            include_columns=list(
                dict.fromkeys([*features, *([] if id_column is None else [id_column])])
            ),
            column_types=types,
            null_values=[""],
            quoted_strings_can_be_null=not text,
            decimal_point=self.decimal,
        )
        try:
            with self.source.stream() as stream:
                table = csv.read_csv(
                    stream, read_options=read, parse_options=parse, convert_options=convert
                )
        except OSError as error:
            self.source.refuse_read(error)
        except pa.ArrowInvalid as error:
            self._explain(str(error))
        return table if len(self.names) > 1 or text else _without_blank_end(table)

    def _explain(self, problem: str) -> NoReturn:
        if "UTF8" in problem:
            self.source.refuse_encoding()
        if "Empty CSV" in problem or "Could not skip" in problem:
            raise FileError(self.path, "has a header but no rows") from None
        d, bad, last = len(self.names), None, 0
        for line, cells in self.source.records(self.sep):
            last = line
            if bad is None and cells and len(cells) != d:
                bad = line, cells
        if bad is None:
            raise FileError(self.path, " ".join(problem.split())[:300]) from None
        line, cells = bad
        hint = "; quote values that hold the separator, or fix the line"
        if line == last and len(cells) < d:
            hint = "; it is the last line, so the file may have been cut off"
        elif self.sep == "," and len(cells) == 2 * d:
            hint = "; if commas are decimal marks here, save the file with ';' between values"
        raise FileError(
            self.path,
            f"line {line} has {len(cells)} value{'s' * (len(cells) != 1)} where {d} are expected"
            f" ({self.sep.join(cells)[:60]!r}){hint}",
        ) from None

    # ---- values ---------------------------------------------------------------------------

    def _values(self, table: Any, keep_bad: bool) -> NDArray[np.float64]:
        import pyarrow.types as types

        kinds = {c: table.schema.field(c).type for c in self.features}
        if any(types.is_binary(t) for t in kinds.values()):
            self.source.refuse_encoding()
        text = [c for c, t in kinds.items() if types.is_string(t)]
        self._refuse_text(table, text, keep_bad)
        self._refuse_times(table, [c for c, t in kinds.items() if types.is_temporal(t)])
        if not keep_bad:
            self._refuse_missing(table)
        values = np.empty((table.num_rows, len(self.features)), dtype=np.float64)
        for j, column in enumerate(self.features):
            if types.is_string(kinds[column]):
                values[:, j] = self._numbers_in_text(column, table.column(column).to_pylist())
                continue
            numbers = _numbers(table.column(column))
            self._refuse_inexact(column, numbers)
            values[:, j] = numbers
            if not keep_bad:
                self._refuse_infinite(column, values[:, j])
        return values

    def _numbers_in_text(self, column: str, cells: list[str]) -> list[float]:
        row = next((i for i, cell in enumerate(cells) if is_inexact(cell)), None)
        if row is not None:
            self._raise_inexact(row, column)
        return [value(cell, self.decimal) for cell in cells]

    def _refuse_times(self, table: Any, times: list[str]) -> None:
        if not times:
            return
        line, cell = self._cell(_first_set(table.column(times[0]).is_valid()), times[0])
        raise FileError(
            self.path,
            f"columns that hold times: {format_names(times)} (line {line}: {cell!r}); "
            f"{TIME_ADVICE}",
            hint=Hint.LEAVE_OUT,
        )

    def _refuse_text(self, table: Any, columns: list[str], keep_bad: bool) -> None:
        import pyarrow.compute as compute

        pattern = number_pattern(self.decimal, missing=keep_bad)
        bad = {
            c: compute.invert(compute.match_substring_regex(table.column(c), pattern))
            for c in columns
        }
        counts = {c: int(compute.sum(mask).as_py() or 0) for c, mask in bad.items()}
        if keep_bad:
            bad = {c: mask for c, mask in bad.items() if counts[c]}
        if not bad:
            return
        first = {c: _first_set(mask) for c, mask in bad.items()}
        column = min(first, key=lambda c: first[c])
        line, cell = self._cell(first[column], column)
        total = sum(counts.values())
        cells = "1 cell is" if total == 1 else f"{total} cells in {len(bad)} column"
        if total > 1:
            cells += f"{'s' * (len(bad) > 1)} ({format_names(list(bad))}) are"
        sample = table.column(column).filter(bad[column]).slice(0, 1000).to_pylist()
        text, hint, value = cell_hint(sample, self.decimal)
        problem = f"line {line}, column {column!r} holds {cell!r}, which is no number"
        raise FileError(self.path, f"{problem}; {cells} not numeric{text}", hint=hint, value=value)

    def _refuse_missing(self, table: Any) -> None:
        counts = {c: table.column(c).null_count for c in self.features}
        total = sum(counts.values())
        if not total:
            return
        empty = [c for c, count in counts.items() if count == table.num_rows]
        if empty and table.num_rows > 1:
            raise FileError(
                self.path,
                f"columns without any value: {format_names(empty)}",
                hint=Hint.LEAVE_OUT,
            )
        holes = {c: _first_set(table.column(c).is_null()) for c, k in counts.items() if k}
        column = min(holes, key=lambda c: holes[c])
        line, _ = self._cell(holes[column], column)
        self._raise_missing(line, column, "is empty", total)

    def _raise_missing(self, line: int, column: str, what: str, total: int) -> NoReturn:
        many = f"; {total} values are missing like it" if total > 1 else ""
        raise FileError(
            self.path,
            f"line {line}, column {column!r} {what}{many}; nothing is filled in for you: impute "
            "missing values or drop those rows",
        )

    def _refuse_infinite(self, column: str, numbers: NDArray[np.float64]) -> None:
        bad = ~np.isfinite(numbers)
        if bad.any():
            line, value = self._cell(int(np.argmax(bad)), column)
            if np.isnan(numbers[np.argmax(bad)]):
                self._raise_missing(line, column, f"holds {value!r}", int(np.isnan(numbers).sum()))
            raise FileError(
                self.path,
                f"line {line}, column {column!r} holds {value!r}, which is infinite as float64; "
                f"{int(bad.sum())} such in this column; replace it or drop those rows",
            )

    def _refuse_inexact(self, column: str, numbers: NDArray[Any]) -> None:
        if numbers.dtype.kind == "b":
            return
        # As a double 2**53 may be a rounded 2**53 + 1, so the text decides.
        large = np.flatnonzero((numbers >= LARGEST_INTEGER) | (numbers <= -LARGEST_INTEGER))
        if not len(large):
            return
        text = self._parse([column], None, text=True).column(column)
        row = next((i for i in large.tolist() if is_inexact(text[i].as_py())), None)
        if row is not None:
            self._raise_inexact(row, column)

    def _raise_inexact(self, row: int, column: str) -> NoReturn:
        line, cell = self._cell(row, column)
        raise FileError(
            self.path,
            f"line {line}, column {column!r} holds the integer {cell}: beyond 2**53 neighbouring "
            "integers are the same float64",
            hint=Hint.OFFSET_OR_ROW_ID,
        )

    def _cell(self, row: int, column: str) -> tuple[int, str]:
        """Line number and text of a data row's cell."""
        j = self.names.index(column)
        for at, (line, cells) in enumerate(self._below_header()):
            if at == row:
                return line, cells[j] if j < len(cells) else ""
        return row, ""

    def _below_header(self) -> Iterator[tuple[int, list[str]]]:
        first = self.header_end + 1 if self.named else self.first_line
        for line, cells in self.source.records(self.sep):
            if line >= first and (cells or len(self.names) == 1):
                yield line, cells


def _first_set(mask: Any) -> int:
    return int(np.argmax(arrow_values(mask)))


def _numbers(column: Any) -> NDArray[Any]:
    """The column's numbers, NaN where it is empty."""
    import pyarrow as pa

    if column.null_count and not pa.types.is_floating(column.type):
        # Else numpy would get objects; what float64 rounds to 2**53 is looked up in the text.
        column = column.cast(pa.float64(), safe=False)
    return arrow_values(column)


def _without_blank_end(table: Any) -> Any:
    present = np.flatnonzero(valid_mask(table.column(0)))
    return table.slice(0, int(present[-1]) + 1 if len(present) else 0)


def _ids(column: Any) -> NDArray[np.object_]:
    """Whole numbers as int if that keeps every character of them, else text."""
    cells = ["" if c is None else shown_text(c) for c in column.to_pylist()]
    # Longer ones are refused by int().
    whole = all(re.fullmatch(r"-?[1-9][0-9]{0,999}|0", c) for c in cells)
    ids = np.empty(len(cells), dtype=object)
    ids[:] = [int(c) for c in cells] if whole else cells
    return ids
