"""Arrow columns as arrays, read from their buffers.

pyarrow's own conversions import pandas when they are first used, which takes a while and loses a
Ctrl-C that arrives in the meantime.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def arrow_values(column: Any) -> NDArray[Any]:
    """The numbers of a column or of one of its chunks, bool as bool.

    Where a value is missing: NaN among floats, else 0 or False.
    """
    chunks = getattr(column, "chunks", None)
    if chunks is None:
        return _chunk_values(column)
    if len(chunks) == 1:
        return _chunk_values(chunks[0])
    dtype = np.dtype(column.type.to_pandas_dtype())
    return np.concatenate([np.empty(0, dtype=dtype), *map(_chunk_values, chunks)])


def valid_mask(column: Any) -> NDArray[np.bool_]:
    """Where a column holds a value."""
    return arrow_values(column.is_valid())


def _chunk_values(array: Any) -> NDArray[Any]:
    import pyarrow as pa

    if pa.types.is_boolean(array.type):
        return _chunk_values(array.cast(pa.uint8())).astype(bool)
    dtype = np.dtype(array.type.to_pandas_dtype())
    data = array.buffers()[1]
    if not len(array) or data is None:
        return np.empty(0, dtype=dtype)
    values = np.frombuffer(data, dtype, len(array), array.offset * dtype.itemsize)
    if array.null_count:
        # What the buffer holds where a value is missing is anything.
        missing = np.nan if dtype.kind == "f" else 0
        return np.where(valid_mask(array), values, np.array(missing, dtype=dtype))
    return values
