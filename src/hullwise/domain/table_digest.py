"""A hash by which a table is known again."""

from __future__ import annotations

import hashlib

from ..io.mixed_table import MixedTable


def digest_of(table: MixedTable) -> str:
    """A hash of the table's cells, by which a domain in a file names what it was fitted on."""
    import pyarrow as pa

    sink = hashlib.sha256()
    for name in table.names:
        # as Arrow writes it: a part of a larger table is then no more than that part
        column = pa.table({name: table.arrow.column(name).combine_chunks()})
        for batch in column.to_batches():
            sink.update(batch.schema.serialize())
            sink.update(batch.serialize())
    return sink.hexdigest()
