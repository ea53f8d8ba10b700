"""A strict CSV reader: every cell is a number, or the line and column of one that is not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from .._core.memory import check_memory
from .._core.types import Floats
from ..errors import DataError, FileError, Hint
from ._arrow import valid_mask
from ._byte_source import ByteSource
from ._csv_values import csv_values
from ._number_grammar import is_number
from ._spreadsheet_text import shown_text
from .coercion import format_names

LIKELY_SEPARATORS: Final = (";", "\t", "|", ",")
COMMENT_MARK: Final = "#"
LINES_TO_JUDGE_SPACES: Final = 5


class CsvTable:
    """One CSV file while it is read: its columns, and where in the text a value came from.

    Attributes
    ----------
    names : tuple of str
        Of all columns of the file.
    named : bool
        False where the names are only places.
    first_line : int
        Of the header, or of the first row where there is none: what stands above it is blank or
        a comment.
    """

    kind = ".csv"
    index: tuple[str, ...] = ()

    def __init__(self, source: ByteSource, sep: str, decimal: str, header: bool) -> None:
        self.source, self.sep, self.decimal, self.named = source, sep, decimal, header
        self.path = source.name
        self._looked_up: tuple[int, int, list[str]] | None = None
        _check_marks(sep, decimal)
        self.first_line, cells = self._first_record()
        # A quoted name may hold line breaks.
        self.header_end = self.first_line + sum(c.count("\n") for c in cells)
        self._refuse_separator(cells)
        if header:
            self._refuse_numbers_only(cells)
            self.names = tuple(shown_text(c.strip()) for c in cells)
        else:
            self.names = tuple(f"x{j}" for j in range(len(cells)))

    def _first_record(self) -> tuple[int, list[str]]:
        """Line and cells of the first record that is no comment.

        A line that begins with # is a comment if the line below has another number of cells;
        else it may be the header.
        """
        comment: tuple[int, list[str]] | None = None
        for line, cells in self.source.records(self.sep):
            if not cells:
                continue
            if any("\udc80" <= mark <= "\udcff" for mark in "".join(cells)):
                self.source.refuse_encoding()
            if comment is not None and len(comment[1]) == len(cells):
                return comment
            if not cells[0].startswith(COMMENT_MARK):
                if comment is not None and self.named:
                    self._refuse_lost_header(line, cells)
                return line, cells
            comment = line, cells
        if comment is None:
            raise FileError(self.path, "the file is empty")
        return comment

    def _refuse_lost_header(self, line: int, cells: list[str]) -> None:
        """Refuse what stands below comments if it may be a row: the header was one of them."""
        number = next((c for c in cells if is_number(c, self.decimal)), None)
        if number is not None:
            raise FileError(
                self.path,
                f"line {line} is the first that is no comment, and no header, since it holds the "
                f"number {number!r}",
                hint=Hint.NO_HEADER,
            )

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
        if len(cells[0].split()) > 1:
            self._refuse_spaces(cells[0])

    def _refuse_spaces(self, header: str) -> None:
        """Refuse a file in which spaces part values: as many words in each line, some numbers."""
        records = (cells for line, cells in self.source.records(self.sep) if line > self.first_line)
        lines = [cells for cells in islice(records, LINES_TO_JUDGE_SPACES) if cells]
        if not lines or any(len(cells) != 1 for cells in lines):
            return
        words = [line[0].split() for line in lines]
        if any(len(row) != len(header.split()) for row in words):
            return
        if not all(any(is_number(word) for word in row) for row in words):
            return
        what = "values are separated by spaces, not by commas or tabs"
        if all(" ".join(row) == line[0] for row, line in zip(words, lines)) and header == " ".join(
            header.split()
        ):
            raise FileError(self.path, what, hint=Hint.SEPARATOR, value="' '")
        raise FileError(self.path, f"{what}; save the file with one of these")

    def _refuse_numbers_only(self, cells: list[str]) -> None:
        if all(is_number(c, self.decimal) for c in cells):
            raise FileError(
                self.path,
                f"line {self.first_line} holds numbers only ({format_names(cells, 4)}), so there "
                "seems to be no header",
                hint=Hint.NO_HEADER,
            )

    # ---- reading --------------------------------------------------------------------------

    def read(
        self, features: list[str], id_column: str | None, keep_bad: bool
    ) -> tuple[Floats, NDArray[np.object_] | None]:
        """Values and row ids; NaN and infinity only where `keep_bad`."""
        if "" in features:
            raise FileError(
                self.path,
                f"column {self.names.index('') + 1} has no name in line {self.first_line} (some "
                "programs write row numbers so)",
                hint=Hint.UNNAMED_COLUMN,
            )
        self._check_size(len(features))
        table = self._number_table(features, id_column)
        if table is None:
            table = self.text_table(features, id_column)
        if table.num_rows == 0:
            raise FileError(self.path, "has a header but no rows")
        values = csv_values(self, table, features, keep_bad)
        ids = None if id_column is None else _ids(table.column(id_column))
        return values, ids

    def _check_size(self, n_features: int) -> None:
        head = self.source.head()
        lines = head.count(b"\n") or head.count(b"\r") or 1
        rows = max(1, int(self.source.size() / len(head) * lines))
        # Arrow's columns and the array made of them exist at the same time.
        check_memory(16 * rows * n_features, f"{self.path}: about {rows} rows as float64")

    def _number_table(self, features: Sequence[str], id_column: str | None) -> Any:
        """Columns as float64, null where empty; None if that does not work for all of them.

        Finite numbers that Arrow reads so are numbers by our grammar too, and a good deal faster.
        """
        import pyarrow as pa

        types = dict.fromkeys(features, pa.float64())
        try:
            return self._parse(types, id_column, line_bytes=16 * len(features))
        except pa.ArrowInvalid as error:
            if "conversion error" not in str(error):
                self._explain(str(error))
            return None

    def text_table(self, columns: Sequence[str], id_column: str | None = None) -> Any:
        """The columns as they are written, as a pyarrow.Table of strings.

        Raises
        ------
        FileError
            Lines of unequal length, bytes that are not UTF-8.
        MemoryLimitError
            More text than fits.
        """
        import pyarrow as pa

        types = dict.fromkeys(columns, pa.string())
        try:
            return self._parse(types, id_column, line_bytes=12 * len(columns), byte_bytes=1)
        except pa.ArrowInvalid as error:
            self._explain(str(error))

    def _parse(
        self, types: dict[str, Any], id_column: str | None, line_bytes: int, byte_bytes: int = 0
    ) -> Any:
        import pyarrow as pa
        from pyarrow import csv

        columns, text = list(types), pa.string() in types.values()
        if id_column is not None:
            types = types | {id_column: pa.string()}
            columns = list(dict.fromkeys([*columns, id_column]))
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
            include_columns=columns,
            column_types=types,
            null_values=[""],
            quoted_strings_can_be_null=not text,
            decimal_point=self.decimal,
        )
        try:
            with self.source.stream(line_bytes, byte_bytes) as stream:
                table = csv.read_csv(
                    stream, read_options=read, parse_options=parse, convert_options=convert
                )
        except OSError as error:
            self.source.refuse_read(error)
        self.source.check()
        return table if len(self.names) > 1 else _without_blank_end(table)

    def _explain(self, problem: str) -> NoReturn:
        """Raise for text that is no table, with the line where it stops being one."""
        if "UTF8" in problem:
            self.source.refuse_encoding()
        if "Empty CSV" in problem or "Could not skip" in problem:
            raise FileError(self.path, "has a header but no rows") from None
        d, bad, last = len(self.names), None, 0
        for line, cells in self.source.records(self.sep):
            last = line
            if bad is None and line >= self.first_line and cells and len(cells) != d:
                bad = line, cells
        if bad is None:
            raise FileError(self.path, " ".join(problem.split())[:300]) from None
        line, cells = bad
        hint = "; quote values that hold the separator, or fix the line"
        if cells[0].startswith(COMMENT_MARK):
            hint = "; it looks like a comment: delete such lines"
        elif line == last and len(cells) < d:
            hint = "; it is the last line, so the file may have been cut off"
        elif self.sep == "," and len(cells) == 2 * d:
            hint = "; if commas are decimal marks here, save the file with ';' between values"
        raise FileError(
            self.path,
            f"line {line} has {len(cells)} value{'s' * (len(cells) != 1)} where {d} are expected"
            f" ({self.sep.join(cells)[:60]!r}){hint}",
        ) from None

    def place(self, row: int) -> str:
        """Where a row of the data stands, in words."""
        return f"{self.path}: line {self.row_cells(row)[0]}"

    def row_cells(self, row: int) -> tuple[int, list[str]]:
        """Line number and cells of a row of the data."""
        if self._looked_up is None or self._looked_up[0] != row:
            records = enumerate(self._data_records())
            line, cells = next((record for at, record in records if at == row), (row, []))
            self._looked_up = row, line, cells
        return self._looked_up[1:]

    def _data_records(self) -> Iterator[tuple[int, list[str]]]:
        first = self.header_end + 1 if self.named else self.first_line
        for line, cells in self.source.records(self.sep):
            if line >= first and (cells or len(self.names) == 1):
                yield line, cells


def likely_marks(head: str) -> tuple[str, str]:
    """Separator and decimal mark of the beginning of a text."""
    first, _, rest = head.lstrip("\ufeff\r\n").partition("\n")
    counts = {mark: first.count(mark) for mark in (",", *LIKELY_SEPARATORS)}
    sep = max(counts, key=lambda mark: counts[mark])  # a comma where there is none, or a tie
    if sep != "," and re.search(r"\d,\d", rest or first) and not re.search(r"\d\.\d", rest):
        return sep, ","
    return sep, "."


def _check_marks(sep: str, decimal: str) -> None:
    """Refuse marks with which a line could be read in two ways."""
    for option, mark in (("sep", sep), ("decimal", decimal)):
        if mark in '"\r\n\0+-' or mark.isalnum():
            raise DataError(f"{option}={mark!r}: expected a mark that no number holds, such as ';'")
    if sep == decimal:
        raise DataError(f"sep={sep!r} and decimal={decimal!r} are the same mark")


def _without_blank_end(table: Any) -> Any:
    """Without the blank lines at the end of a file of one column."""
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
