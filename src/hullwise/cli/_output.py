"""Outputs that the commands share: checked before anything is computed, then written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError
from ..io.atomic_write import output_path
from ..io.table_writer import check_table_output, write_table
from ._command_options import OutputOptions
from ._tables import QueryRows, same_file
from .console import require_standard_output
from .status import record_written


def output_table(
    columns: Mapping[str, Any], queries: QueryRows, id_name: str | None, **unknown: str
) -> dict[str, Sequence[Any] | NDArray[Any]]:
    """The columns of the output: the row's name, then everything found of it.

    One entry for each row of the query file, in its order; None where there is nothing to say.
    `unknown` is what columns hold for rows that could not be used; their status says why.
    """
    m = len(queries.usable)
    first = id_name if id_name is not None and id_name not in columns else "row"
    names = np.arange(m) if queries.ids is None else queries.ids
    table: dict[str, Sequence[Any] | NDArray[Any]] = {first: names}
    where = np.flatnonzero(queries.usable).tolist()
    for name, column in columns.items():
        entries = column.tolist() if isinstance(column, np.ndarray) else list(column)
        cells: list[Any] = [None] * m
        for row, value in zip(where, entries, strict=True):
            cells[row] = None if isinstance(value, float) and np.isnan(value) else value
        table[name] = cells
    for row, reason in queries.reasons.items():
        for name, value in (unknown | {"status": reason}).items():
            table[name][row] = value  # type: ignore[index]
    return table


def write_output(table: Mapping[str, Any], options: OutputOptions) -> list[str]:
    """Write the table where the options say; what there is to say of it."""
    assert options.output is not None
    write_table(table, options.output, force=options.force)
    if options.output == "-":
        return []
    record_written(options.output)
    return [f"{len(next(iter(table.values()))):,} rows written to {options.output}"]


def check_outputs(
    options: OutputOptions, inputs: Sequence[str], others: Sequence[str | None] = ()
) -> None:
    """Refuse an output that cannot be written before anything is computed.

    `others` are files besides the table: a page, a metric.
    """
    table = options.output
    for path in (table, *others):
        if path is not None and path != "-" and any(same_file(path, one) for one in inputs):
            raise FileError(path, "is an input of this command; name another file")
    if table == "-" or not options.quiet:
        require_standard_output()
    if table is not None and table != "-":
        check_table_output(table, force=options.force)
    for path in others:
        if path is not None:
            output_path(path, force=options.force)
