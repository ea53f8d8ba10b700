"""Where rows stand, as a client gets it: JSON, or an Arrow stream."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .. import __version__
from .._core.results import json_ready
from ..domain.domain_location import DomainLocation

ARROW_STREAM = "application/vnd.apache.arrow.stream"
ARROW_FILE = "application/vnd.apache.arrow.file"
JSON_TYPE = "application/json"


def answer_columns(location: DomainLocation) -> dict[str, list[Any]]:
    """The columns of an answer, as `hullwise locate -o where.jsonl` has them, and each row's error.

    `pushed_out_by` holds objects of a column and an amount.
    """
    columns = location.list_columns()
    labels, status = location.labels, columns["status"]
    cells = {name: json_ready(column) for name, column in columns.items() if name != "status"}
    cells["pushed_out_by"] = [
        [{"column": name, "amount": amount} for name, amount in row]
        for row in cells["pushed_out_by"]
    ]
    errors: list[str | None] = [None] * len(location)
    for row in location.unusable:
        errors[row] = status[row]
    names = range(len(location)) if labels is None else labels.tolist()
    return {"row": list(names), **cells, "status": list(status), "error": errors}


def json_answer(location: DomainLocation, notes: list[str]) -> dict[str, Any]:
    """The answer as an object: a list of rows, and what may surprise."""
    columns = answer_columns(location)
    return {
        "hullwise": __version__,
        "rows": [dict(zip(columns, cells)) for cells in zip(*columns.values())],
        "bands": band_counts(location),
        "notes": [*notes, *map(str, location.notes)],
    }


def band_counts(location: DomainLocation) -> dict[str, int]:
    """How many rows are in each band that has some."""
    return dict(Counter(location.band.tolist()))


def arrow_answer(location: DomainLocation, notes: list[str]) -> bytes:
    """The same columns as an Arrow IPC stream; notes are in the schema's metadata."""
    import pyarrow as pa

    columns = answer_columns(location)
    push = pa.list_(pa.struct([("column", pa.string()), ("amount", pa.float64())]))
    types = {
        "pushed_out_by": push,
        "located_without": pa.list_(pa.string()),
        "error": pa.string(),
    }
    texts = {"verdict", "band", "segment", "status"}
    floats = {"hull_percentile", "lower", "upper"}
    arrays = {}
    for name, cells in columns.items():
        kind = types.get(name)
        if name in texts:
            kind = pa.string()
        elif name in floats:
            kind = pa.float64()
        arrays[name] = pa.array(cells, kind)
    table = pa.table(arrays)
    table = table.replace_schema_metadata(
        {"hullwise": __version__, "notes": "\n".join([*notes, *map(str, location.notes)])}
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
