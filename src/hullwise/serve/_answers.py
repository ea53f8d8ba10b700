"""Where rows stand, as a client gets it: JSON, or an Arrow stream."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from .. import __version__
from .._core.types import Floats
from ..domain.domain_location import DomainLocation

ARROW_STREAM = "application/vnd.apache.arrow.stream"
ARROW_FILE = "application/vnd.apache.arrow.file"
JSON_TYPE = "application/json"


def answer_columns(location: DomainLocation) -> dict[str, Any]:
    """The columns of an answer, as `hullwise locate -o where.jsonl` has them, and each row's error.

    `pushed_out_by` holds objects of a column and an amount; floats are arrays.
    """
    columns = dict(location.list_columns())
    columns["pushed_out_by"] = [
        [{"column": name, "amount": amount} for name, amount in row]
        for row in columns["pushed_out_by"]
    ]
    labels, status = location.labels, columns.pop("status")
    errors: list[str | None] = [None] * len(location)
    for row in location.unusable:
        errors[row] = status[row]
    names = list(range(len(location))) if labels is None else labels.tolist()
    return {"row": names, **columns, "status": status, "error": errors}


def json_answer(location: DomainLocation, notes: list[str]) -> dict[str, Any]:
    """The answer as an object: a list of rows, and what may surprise."""
    columns = answer_columns(location)
    lists = [
        _plain(cells) if isinstance(cells, np.ndarray) else cells for cells in columns.values()
    ]
    return {
        "hullwise": __version__,
        "rows": [dict(zip(columns, cells)) for cells in zip(*lists)],
        "bands": band_counts(location),
        "notes": [*notes, *map(str, location.notes)],
    }


def _plain(values: Any) -> list[Any]:
    """An array as JSON has it: null for numbers that are not finite."""
    cells = list(values.tolist())
    if values.dtype.kind == "f":
        for row in np.flatnonzero(~np.isfinite(values)).tolist():
            cells[row] = None
    return cells


def band_counts(location: DomainLocation) -> dict[str, int]:
    """How many rows are in each band that has some."""
    return dict(Counter(location.band.tolist()))


def arrow_answer(location: DomainLocation, notes: list[str]) -> bytes:
    """The same columns as an Arrow IPC stream; notes are in the schema's metadata."""
    import pyarrow as pa

    push = pa.list_(pa.struct([("column", pa.string()), ("amount", pa.float64())]))
    kinds = {
        "pushed_out_by": push,
        "located_without": pa.list_(pa.string()),
        **dict.fromkeys(("verdict", "band", "segment", "status", "error"), pa.string()),
        **dict.fromkeys(("hull_percentile", "lower", "upper"), pa.float64()),
    }
    columns = answer_columns(location)
    arrays = {
        name: pa.array(_without_infinity(cells), kinds.get(name), from_pandas=True)
        for name, cells in columns.items()
    }
    about = {"hullwise": __version__, "notes": "\n".join([*notes, *map(str, location.notes)])}
    table = pa.table(arrays).replace_schema_metadata(about)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _without_infinity(cells: Any) -> Any:
    """Distances that have no upper end are null, as in JSON."""
    if not isinstance(cells, np.ndarray) or cells.dtype.kind != "f":
        return cells
    values: Floats = np.where(np.isfinite(cells), cells, np.nan)
    return values
