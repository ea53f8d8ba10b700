"""Outputs that the commands share: checked before anything is computed, then written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..domain.domain_location import DomainLocation
from ..errors import FileError
from ..io.atomic_write import output_path
from ..io.sql_query import TablePath
from ..io.table_writer import check_table_output, write_table
from ._option_groups import OutputOptions
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
            cells[row] = _output_cell(value)
        table[name] = cells
    for row, reason in queries.reasons.items():
        for name, value in (unknown | {"status": reason}).items():
            table[name][row] = value  # type: ignore[index]
    return table


def keeps_lists(options: OutputOptions) -> bool:
    """Whether the output is of a kind whose cells may be lists."""
    name = (options.output or "-").lower()
    return name.endswith((".parquet", ".jsonl"))


def table_cells(
    location: DomainLocation, id_name: str | None, *, lists: bool
) -> dict[str, Sequence[Any] | NDArray[Any]]:
    """The columns of the output of rows in a domain; lists as lists, or as text."""
    columns = location.list_columns() if lists else location.to_dict()
    return named_cells(columns, location.labels, id_name)


def named_cells(
    columns: Mapping[str, Any], labels: NDArray[Any] | None, id_name: str | None
) -> dict[str, Sequence[Any] | NDArray[Any]]:
    """Columns with the names of their rows before them."""
    m = len(next(iter(columns.values())))
    first = id_name if id_name is not None and id_name not in columns else "row"
    table: dict[str, Sequence[Any] | NDArray[Any]] = {
        first: np.arange(m) if labels is None else labels
    }
    for name, column in columns.items():
        table[name] = output_cells(column)
    return table


def output_cells(column: Any) -> list[Any]:
    """The cells of a column as files have them."""
    cells = column.tolist() if isinstance(column, np.ndarray) else list(column)
    return [_output_cell(cell) for cell in cells]


def _output_cell(cell: Any) -> Any:
    """A cell as files have it: pairs of a column and an amount as such, nothing for NaN."""
    if isinstance(cell, float):
        return None if np.isnan(cell) else cell
    if isinstance(cell, list):
        return [_output_cell(part) for part in cell]
    if isinstance(cell, tuple):
        return dict(zip(("column", "amount"), cell))
    return cell


def write_output(table: Mapping[str, Any], options: OutputOptions) -> list[str]:
    """Write the table where the options say; what there is to say of it."""
    assert options.output is not None
    write_table(table, options.output, force=options.force)
    if options.output == "-":
        return []
    record_written(options.output)
    return [f"{len(next(iter(table.values()))):,} rows written to {options.output}"]


def check_outputs(
    options: OutputOptions, inputs: Sequence[TablePath], others: Sequence[str | None] = ()
) -> None:
    """Refuse an output that cannot be written before anything is computed.

    `others` are files besides the table: a page, a metric.
    """
    table = options.output
    if table == "-" or not options.quiet:
        require_standard_output()
    if table is not None and table != "-":
        refuse_inputs([table], inputs)
        check_table_output(table, force=options.force)
    check_files(others, inputs, force=options.force)


def check_files(outputs: Sequence[str | None], inputs: Sequence[TablePath], *, force: bool) -> None:
    """Refuse outputs that cannot be written, whatever their kind.

    Raises
    ------
    FileError
    """
    paths = [path for path in outputs if path is not None]
    refuse_inputs(paths, inputs)
    for path in paths:
        output_path(path, force=force)


def refuse_inputs(outputs: Sequence[str], inputs: Sequence[TablePath]) -> None:
    """Refuse outputs that would replace what is read."""
    for path in outputs:
        if any(same_file(path, one) for one in inputs):
            raise FileError(path, "is an input of this command; name another file")
