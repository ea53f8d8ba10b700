"""JSON lines: a table of one object a line, each a row; a name that a row lacks is a gap in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, DataTypeError, FileError
from ._byte_source import MAX_LINE_CHARACTERS, ByteSource
from ._finite import refuse_bad
from .mixed_column import MixedColumn
from .records import record_columns

CELL_BYTES = 120  # of a cell as an object of Python, while the lines are read


class JsonLinesTable:
    """An `OpenTable` of JSON lines, whose rows are read when it is opened.

    Attributes
    ----------
    arrow : pyarrow.Table
        The rows.
    lines : list of int
        The line on which each row stands.
    """

    kind, named = ".jsonl", True
    index: tuple[str, ...] = ()

    def __init__(self, source: ByteSource) -> None:
        self.path = source.name
        self.lines: list[int] = []
        rows = []
        for line, text in _lines(source):
            rows.append(_row(text, line, self.path))
            self.lines.append(line)
        if rows and not any(rows):
            raise FileError(self.path, f"none of its {len(rows):,} objects holds a cell")
        try:
            self.arrow = record_columns(rows, self.path)
        except DataTypeError as error:
            raise FileError(self.path, str(error)) from None
        self.names = tuple(self.arrow.column_names)

    def place(self, row: int) -> str:
        """Where a row stands, in words."""
        return f"{self.path}: line {self.lines[row]}"

    def read(
        self, features: list[str], id_column: str | None, keep_bad: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.object_] | None]:
        """Values and row ids; NaN only where `keep_bad`."""
        columns = [MixedColumn(c, self.arrow.column(c), ".", self.place) for c in features]
        try:
            values = np.empty((self.arrow.num_rows, len(columns)))
            for j, column in enumerate(columns):
                values[:, j] = column.numbers()
            if not keep_bad:
                refuse_bad(values, "the table", 0, features, None)
        except FileError:
            raise
        except DataError as error:
            text = str(error).removeprefix(f"{self.path}: ")
            raise FileError(self.path, text) from None
        if id_column is None:
            return values, None
        ids = np.empty(len(values), dtype=object)
        ids[:] = self.arrow.column(id_column).to_pylist()
        return values, ids


def begins_with_object(head: bytes) -> bool:
    """Whether text begins as JSON lines do."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(b"{") and start[1:].lstrip()[:1] in (b'"', b"}")


def _lines(source: ByteSource) -> Iterator[tuple[int, str]]:
    """(line number from 1, text) of each line that holds something."""
    with source.stream(line_bytes=CELL_BYTES, byte_bytes=CELL_BYTES // 8) as stream:
        import io

        buffered = io.BufferedReader(stream)
        number = 0
        while data := buffered.readline(MAX_LINE_CHARACTERS):
            number += 1
            if len(data) == MAX_LINE_CHARACTERS and not data.endswith(b"\n"):
                raise FileError(source.name, f"line {number} is too long: expected one row a line")
            try:
                text = data.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError:
                source.refuse_encoding()
            if text:
                yield number, text
    source.check()


def _row(text: str, line: int, path: str) -> dict[str, Any]:
    """The cells of one line.

    Raises
    ------
    FileError
        The line is no JSON object, or holds a cell that is a list or an object.
    """
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", "nested too deeply")
        raise FileError(
            path, f"line {line} is no JSON ({reason}); expected one object a line"
        ) from None
    if not isinstance(row, dict):
        raise FileError(
            path,
            f"line {line} holds a JSON {_kind_of(row)}; expected one object a line, such as "
            '{"age": 41, "job": "nurse"}',
        )
    for name, cell in row.items():
        if isinstance(cell, dict | list):
            raise FileError(
                path,
                f"line {line}, {name!r} holds a JSON {_kind_of(cell)}; a cell is a number, a text, "
                "true, false or null",
            )
    return row


def _kind_of(value: Any) -> str:
    kinds: Sequence[tuple[type, str]] = ((dict, "object"), (list, "list"), (str, "text"))
    return next((word for kind, word in kinds if isinstance(value, kind)), "value")
