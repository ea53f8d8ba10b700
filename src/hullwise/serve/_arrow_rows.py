"""Rows as Arrow IPC, a stream or a file: looked at before anything of it is unpacked.

A body of a few kilobytes may stand for gigabytes: compressed, or as references to one long text.
Neither is followed.
"""

from __future__ import annotations

import struct
from http import HTTPStatus
from typing import Any

from ..io.mixed_table import MixedTable
from ._json_rows import (
    MAX_LETTERS_OF_CELL,
    REQUEST_SOURCE,
    check_columns,
    check_row_count,
)
from ._request_errors import RequestError
from ._request_rows import KnownColumns, RequestRows, shown_name

FILE_MAGIC = b"ARROW1"
FILE_START = 8  # what follows is laid out as a stream is
# Flatbuffers of Message.fbs: the place of each field in its table.
MESSAGE_HEADER, DICTIONARY_DATA, BATCH_LENGTH, BATCH_COMPRESSION = 2, 1, 0, 3
WRITE_AGAIN = "write it without compression"


def arrow_rows(body: bytes, known: KnownColumns, max_rows: int) -> RequestRows:
    """Read a body.

    Raises
    ------
    RequestError
        It is no Arrow, compressed, too long, or lacks columns.
    """
    import pyarrow as pa

    stream = body[FILE_START:] if body.startswith(FILE_MAGIC) else body
    try:
        _check_messages(stream, max_rows)
        schema = pa.ipc.open_stream(stream).schema
        _check_schema(schema, known)
        places = [i for i, name in enumerate(schema.names) if name in known.read]
        options = pa.ipc.IpcReadOptions(included_fields=places, use_threads=False)
        table = pa.ipc.open_stream(stream, options=options).read_all()
        table.validate(full=True)
    except (pa.ArrowException, struct.error, OSError, ValueError, OverflowError) as error:
        text = " ".join(str(error).split())[:200]
        raise RequestError(
            HTTPStatus.BAD_REQUEST, f"the body is no Arrow IPC stream or file ({text})"
        ) from None
    if not table.num_rows:
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, "the body holds no rows")
    table = pa.table({name: _checked(table.column(name)) for name in table.column_names})
    return RequestRows(
        MixedTable(table, REQUEST_SOURCE, gaps=known.gaps, faults={}), known.unknown(schema.names)
    )


def _check_messages(stream: bytes, max_rows: int) -> None:
    """Refuse compressed batches, and more rows than are taken, before they are unpacked."""
    import pyarrow as pa

    n_rows = 0
    reader = pa.ipc.MessageReader.open_stream(pa.BufferReader(stream))
    for message in iter(lambda: _next_message(reader), None):
        if message.type == "schema":
            continue
        metadata = memoryview(message.metadata)
        batch = _table_at(metadata, _root(metadata), MESSAGE_HEADER)
        if message.type == "dictionary":
            batch = _table_at(metadata, batch, DICTIONARY_DATA)
        if _field(metadata, batch, BATCH_COMPRESSION) is not None:
            raise RequestError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the Arrow body is compressed: {WRITE_AGAIN}"
            )
        place = _field(metadata, batch, BATCH_LENGTH)
        length = 0 if place is None else struct.unpack_from("<q", metadata, place)[0]
        if length < 0:
            raise ValueError("a batch of a negative length")
        if message.type == "record batch":
            n_rows += length
        check_row_count(n_rows, max_rows)


def _next_message(reader: Any) -> Any:
    try:
        return reader.read_next_message()
    except StopIteration:
        return None


def _root(metadata: memoryview) -> int:
    return int(struct.unpack_from("<I", metadata, 0)[0])


def _field(metadata: memoryview, table: int, number: int) -> int | None:
    """Where a field of a flatbuffers table lies; None where it is not there."""
    slots = table - int(struct.unpack_from("<i", metadata, table)[0])
    if slots < 0 or table < 0:
        raise ValueError("a message that points outside of itself")
    size = int(struct.unpack_from("<H", metadata, slots)[0])
    slot = 4 + 2 * number
    offset = int(struct.unpack_from("<H", metadata, slots + slot)[0]) if slot < size else 0
    return table + offset if offset else None


def _table_at(metadata: memoryview, table: int, number: int) -> int:
    """The table that a field points to."""
    place = _field(metadata, table, number)
    if place is None:
        raise ValueError("a message without a header")
    return place + int(struct.unpack_from("<I", metadata, place)[0])


def _check_schema(schema: Any, known: KnownColumns) -> None:
    import pyarrow.types as types

    names = schema.names
    check_columns(names, known)
    for field in schema:
        if field.name not in known.read:
            continue
        if names.count(field.name) > 1:
            raise _refused(f"the column {shown_name(field.name)!r} is there twice")
        kind = field.type.value_type if types.is_dictionary(field.type) else field.type
        if not _is_read(kind):
            raise _refused(
                f"column {field.name!r} holds cells of the type {str(field.type)[:60]}, which are "
                "neither numbers, text, booleans nor dates: convert it"
            )


def _is_read(kind: Any) -> bool:
    import pyarrow.types as types

    tests = (
        *(types.is_boolean, types.is_integer, types.is_floating, types.is_decimal, types.is_null),
        *(types.is_string, types.is_large_string, types.is_timestamp, types.is_date),
        getattr(types, "is_string_view", lambda _: False),
    )
    return any(test(kind) for test in tests)


def _checked(column: Any) -> Any:
    """A column with its texts written out, none of which is very long."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as types

    is_view = getattr(types, "is_string_view", lambda _: False)
    texts = column
    if types.is_dictionary(column.type):
        texts = pa.chunked_array([chunk.dictionary for chunk in column.chunks])
    if is_view(texts.type) or types.is_string(texts.type) or types.is_large_string(texts.type):
        longest = pc.max(pc.binary_length(texts)).as_py() or 0
        if longest > MAX_LETTERS_OF_CELL:
            raise _refused(
                f"a cell of text holds {longest:,} bytes, where {MAX_LETTERS_OF_CELL:,} are read"
            )
    return column.cast(pa.large_string()) if is_view(column.type) else column


def _refused(sentence: str) -> RequestError:
    return RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, sentence)
