"""Tables written as CSV, Parquet or JSON lines: the whole file or none."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, BinaryIO, Literal, TextIO

import numpy as np
from numpy.typing import NDArray

from .._core.foreign import own_errors
from ..errors import DataError, FileError
from ._spreadsheet_text import spreadsheet_text
from .atomic_write import output_path, whole_file

__all__ = ["Columns", "check_table_output", "write_table"]

OUTPUT_SUFFIXES = (".csv", ".parquet", ".jsonl")
Columns = Mapping[str, Sequence[Any] | NDArray[Any]]


@own_errors("writing the table")
def write_table(columns: Columns, path: str | PathLike[str], *, force: bool = False) -> None:
    """Write columns as CSV, Parquet or JSON lines: the whole file or none.

    Parameters
    ----------
    columns : mapping of str to sequence
        Columns of equal length. In CSV floats keep every digit, None is an empty cell, and text
        that a spreadsheet would run (it begins with ``=``, ``@``, ``+``, ``-``, a tab or a carriage
        return) is written with an apostrophe before it, which `read_table` takes away again. Cells
        that are lists or dictionaries stay such in the other formats; in JSON numbers that are not
        finite are null.
    path : str or path
        ``.csv``, ``.parquet`` or ``.jsonl``; ``-`` writes CSV to standard output.
    force : bool, default=False
        Replace an existing file.

    Raises
    ------
    FileError
        The file exists and `force` is false, another suffix, no folder, no permission, disk full,
        closed standard output.
    DataError
        Columns of unequal length.
    BrokenPipeError
        Standard output was closed by its reader.

    Notes
    -----
    Written under a temporary name in the same folder and renamed; the temporary file is removed
    whatever goes wrong. O(total size).

    Examples
    --------
    >>> write_table({"row": [0, 1], "verdict": ["inside", None]}, "-")
    row,verdict
    0,inside
    1,
    """
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"columns of unequal length: {lengths}")
    if os.fsdecode(path) == "-":
        _write_standard_output(columns)
        return
    kind = check_table_output(path, force=force)
    with whole_file(path, force=force) as stream:
        if kind == ".parquet":
            _write_parquet(columns, stream)
        elif kind == ".jsonl":
            _write_json_lines(columns, stream)
        else:
            with io.TextIOWrapper(stream, encoding="utf-8", newline="") as text:
                _write_csv(columns, text)


def _write_standard_output(columns: Columns) -> None:
    if sys.stdout is None or sys.stdout.closed:
        raise FileError("standard output", "is closed")
    try:
        _write_csv(columns, sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileError("standard output", f"cannot be written ({reason})") from None


def check_table_output(path: str | PathLike[str], *, force: bool) -> str:
    """The kind of table that `path` names, or why none can be written there.

    Raises
    ------
    FileError
        As `write_table`, as far as it can be known before.
    """
    target = output_path(path, force=force)
    kind = target.suffix.lower()
    regular = target.is_file() or not target.exists()
    if regular and kind not in OUTPUT_SUFFIXES:
        raise FileError(
            os.fsdecode(path), "unknown kind of output; name it .csv, .parquet or .jsonl"
        )
    return kind


def _write_csv(columns: Columns, stream: TextIO) -> None:
    header = [_csv_cell(name) for name in columns]
    cells = [_csv_cells(column) for column in columns.values()]
    # The csv module would leave a carriage return bare, where it ends a line.
    bare = any("\r" in cell for part in (header, *cells) for cell in part if isinstance(cell, str))
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if bare else csv.QUOTE_MINIMAL
    writer = csv.writer(stream, lineterminator="\n", quoting=quoting)
    writer.writerow(header)
    writer.writerows(zip(*cells, strict=True))


def _csv_cells(column: Sequence[Any] | NDArray[Any]) -> list[Any]:
    if isinstance(column, np.ndarray) and column.dtype.kind in "biuf":
        return _cells(column)
    return [_csv_cell(cell) for cell in _cells(column)]


def _csv_cell(cell: Any) -> Any:
    return spreadsheet_text(cell) if isinstance(cell, str) else cell


def _write_parquet(columns: Columns, stream: BinaryIO) -> None:
    # pyarrow.array imports pandas where there is one, and would lose a Ctrl-C meanwhile.
    with contextlib.suppress(ImportError):
        import pandas  # noqa: F401
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({n: pa.array(_arrow_input(c)) for n, c in columns.items()}), stream)


def _write_json_lines(columns: Columns, stream: BinaryIO) -> None:
    names = list(columns)
    for row in zip(*(_cells(column) for column in columns.values()), strict=True):
        cells = {name: _json_cell(cell) for name, cell in zip(names, row)}
        stream.write(json.dumps(cells, ensure_ascii=False, allow_nan=False).encode() + b"\n")


def _json_cell(cell: Any) -> Any:
    """A cell as JSON has it: no number that is not finite."""
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    if isinstance(cell, Mapping):
        return {name: _json_cell(part) for name, part in cell.items()}
    if isinstance(cell, list | tuple):
        return [_json_cell(part) for part in cell]
    return cell if cell is None or isinstance(cell, bool | int | str) else str(cell)


def _cells(column: Sequence[Any] | NDArray[Any]) -> list[Any]:
    return column.tolist() if isinstance(column, np.ndarray) else list(column)


def _arrow_input(column: Sequence[Any] | NDArray[Any]) -> Any:
    whole = isinstance(column, np.ndarray) and column.ndim == 1 and column.dtype.kind in "biuf"
    return column if whole else _cells(column)
