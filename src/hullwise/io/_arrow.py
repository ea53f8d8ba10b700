"""Arrow columns as arrays, read from their buffers.

pyarrow's own conversions import pandas when they are first used, which takes a while and loses a
Ctrl-C that arrives in the meantime.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .coercion import LARGEST_INTEGER


def is_numeric_type(dtype: Any) -> bool:
    """Whether a column of this Arrow type holds numbers or bool."""
    import pyarrow.types as types

    numeric = types.is_integer(dtype) or types.is_floating(dtype) or types.is_decimal(dtype)
    return bool(numeric or types.is_boolean(dtype))


def numpy_dtype(dtype: Any) -> np.dtype[Any]:
    """The dtype in which `arrow_values` gives numbers of this Arrow type."""
    import pyarrow.types as types

    return np.dtype(np.float64 if types.is_decimal(dtype) else dtype.to_pandas_dtype())


def arrow_values(column: Any) -> NDArray[Any]:
    """The numbers of a column or of one of its chunks, bool as bool, decimals as float64.

    Where a value is missing: NaN among floats, else 0 or False.
    """
    chunks = getattr(column, "chunks", None)
    if chunks is None:
        return _chunk_values(column)
    if len(chunks) == 1:
        return _chunk_values(chunks[0])
    dtype = numpy_dtype(column.type)
    return np.concatenate([np.empty(0, dtype=dtype), *map(_chunk_values, chunks)])


def valid_mask(column: Any) -> NDArray[np.bool_]:
    """Where a column holds a value."""
    return arrow_values(column.is_valid())


def rounded_decimal(column: Any) -> int | None:
    """The first row of a column of decimals with a whole number beyond 2**53, where there is one.

    Only columns without fractions: as in text, a number with a fraction is rounded like any other.
    """
    import pyarrow.types as types

    dtype = column.type
    if not types.is_decimal(dtype) or dtype.scale > 0 or dtype.precision - dtype.scale < 16:
        return None
    for row in np.flatnonzero(np.abs(arrow_values(column)) >= LARGEST_INTEGER).tolist():
        value: Decimal = column[row].as_py()
        if abs(value) > LARGEST_INTEGER:
            return int(row)
    return None


def _chunk_values(array: Any) -> NDArray[Any]:
    import pyarrow as pa

    if pa.types.is_boolean(array.type):
        return _chunk_values(array.cast(pa.uint8())).astype(bool)
    if pa.types.is_decimal(array.type):
        # By way of text, which is rounded once; Arrow's own conversion may be off in the last bit.
        array = array.cast(pa.string()).cast(pa.float64())
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
