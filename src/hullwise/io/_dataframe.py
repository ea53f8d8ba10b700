"""Data frames of any library, through narwhals, as one array."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .._core.foreign import own_errors
from .._core.memory import check_memory
from ..errors import DataError, DataTypeError
from .coercion import LARGEST_INTEGER, TIME_ADVICE, format_names, refuse_sparse, refuse_tensor


def is_frame(X: Any, name: str) -> bool:
    """Whether X is a data frame in memory; refuse the containers that are no dense table."""
    if isinstance(X, (np.ndarray, list, tuple)):
        return False
    refuse_sparse(X, name)
    refuse_tensor(X, name)
    if X is None or isinstance(X, (str, bytes, dict, set, int, float)):
        raise DataTypeError(
            f"Expected 2D array, got {type(X).__name__} instead: {name} must be an array or data "
            "frame of shape (n rows, d features)."
        )
    refuse_plan(X, name)
    import narwhals as nw

    if nw.dependencies.is_into_dataframe(X):
        return True
    if nw.dependencies.is_into_series(X):
        raise DataError(
            f"Expected 2D array, got a series of {len(X)} values instead. Reshape your data with "
            f"{name}.to_frame() if it holds one feature, or {name}.to_frame().T (pandas) if it "
            "holds one row."
        )
    return False


def refuse_plan(X: Any, name: str) -> None:
    """Refuse what holds the plan of a table, and no values."""
    library, kind = type(X).__module__.partition(".")[0], type(X).__name__
    call = PLAN_LIBRARIES.get(library) if kind != "Array" else None
    if call is not None:
        raise DataTypeError(
            f"{name} is a {library} {kind}, which holds a plan and no values yet: call {call} "
            "first."
        )


def collected(X: Any, name: str) -> Any:
    """The rows of what holds a plan or a stream of them; anything else as it is.

    A polars LazyFrame becomes a polars DataFrame; a relation or a result of DuckDB, Arrow batches,
    a reader or scanner of them, and any other object with ``__arrow_c_stream__`` a pyarrow.Table.

    Raises
    ------
    MemoryLimitError
        The batches do not fit.
    """
    library, kind = type(X).__module__.partition(".")[0], type(X).__name__
    if kind == "LazyFrame" and library in ("polars", "narwhals"):
        with own_errors(f"collecting {name}"):
            return X.collect()
    if library in ("duckdb", "_duckdb"):
        with own_errors(f"reading {name}"):
            X = _duckdb_reader(X)
    elif library == "pyarrow":
        import pyarrow as pa

        if isinstance(X, pa.RecordBatch):
            return pa.Table.from_batches([X])
        if kind == "Scanner":
            X = X.to_reader()
    elif _is_foreign_stream(X):
        import pyarrow as pa

        X = pa.RecordBatchReader.from_stream(X)
    return _all_batches(X, name)


def _duckdb_reader(X: Any) -> Any:
    """The Arrow batches of a relation, or of what a connection has executed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # how it would be spelt in another version
        for call in ("to_arrow_reader", "fetch_record_batch"):
            if hasattr(X, call):
                return getattr(X, call)()
    return X


def _is_foreign_stream(X: Any) -> bool:
    """Whether X brings Arrow batches and is of no library of data frames."""
    if not hasattr(X, "__arrow_c_stream__"):
        return False
    import narwhals as nw

    known = nw.dependencies
    return not (known.is_into_dataframe(X) or known.is_into_series(X))


def _all_batches(X: Any, name: str) -> Any:
    """A pyarrow.Table of a reader of batches; anything else as it is."""
    if type(X).__name__ != "RecordBatchReader":
        return X
    import pyarrow as pa

    batches, rows = [], 0
    with own_errors(f"reading {name}"):
        for batch in X:
            batches.append(batch)
            rows += batch.num_rows
            # What has been read is there already: what follows is the array made of it.
            check_memory(8 * rows * batch.num_columns, f"{name}: its first {rows} rows as an array")
    return pa.Table.from_batches(batches, X.schema)


def frame_columns(X: Any, name: str) -> tuple[str, ...] | None:
    """Names of the columns if they are text, as in scikit-learn."""
    names = list(X.column_names if hasattr(X, "column_names") else X.columns)
    twice = [str(c) for c, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"{name} has duplicate column names: {format_names(twice)}. Rename or drop the copies."
        )
    text = [isinstance(c, str) for c in names]
    if any(text) and not all(text):
        kinds = sorted({type(c).__name__ for c in names})
        raise DataTypeError(
            f"{name} has column names of mixed types ({', '.join(kinds)}). Feature names are only "
            f"supported if all are text: {name}.columns = {name}.columns.astype(str)."
        )
    return tuple(names) if names and all(text) else None


def frame_labels(X: Any) -> NDArray[np.object_] | None:
    """The pandas index, unless it is 0, 1, 2, ... by default."""
    index = getattr(X, "index", None)
    if index is None or callable(index):
        return None
    default = type(index).__name__ == "RangeIndex" and index.start == 0 and index.step == 1
    if default and index.name is None:
        return None
    labels = np.empty(len(X), dtype=object)
    labels[:] = list(index)
    return labels


def frame_library(X: Any) -> str:
    """The library that a data frame belongs to, such as "pandas", "polars" or "pyarrow"."""
    import narwhals as nw

    return str(nw.from_native(X, eager_only=True).implementation.value)


def frame_values(X: Any, name: str) -> NDArray[Any]:
    """The frame as one array: shared where the frame is one block, else copied once."""
    import narwhals as nw

    frame = nw.from_native(X, eager_only=True)
    series = [frame[:, j] for j in range(frame.shape[1])]
    refuse_columns([(str(s.name), _unusable_kind(s)) for s in series], name)
    dtypes = getattr(X, "dtypes", None)
    if dtypes is not None and hasattr(dtypes, "unique"):
        kinds = dtypes.unique()
        if len(kinds) == 1 and isinstance(kinds[0], np.dtype):
            return np.asarray(X.to_numpy())
    arrays = [np.asarray(s.to_numpy()) for s in series]
    if not arrays:
        return np.empty((len(frame), 0))
    numeric = [a for a in arrays if a.dtype.kind in "biuf"]
    dtype = np.result_type(*numeric) if len(numeric) == len(arrays) else np.dtype(object)
    if dtype.kind == "f":
        # int64 next to float64 would be rounded here without a word.
        arrays = [
            _refuse_rounding(a, name, str(s.name)) for a, s in zip(arrays, series, strict=True)
        ]
    values = np.empty((len(frame), len(arrays)), dtype=dtype)
    for j, array in enumerate(arrays):
        values[:, j] = array
    return values


def _refuse_rounding(array: NDArray[Any], name: str, column: str) -> NDArray[Any]:
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8 and array.size:
        for extreme in (array.max(), array.min()):
            if abs(int(extreme)) > LARGEST_INTEGER:
                raise DataError(
                    f"{name} holds the integer {extreme} in row {int(np.argmax(array == extreme))}"
                    f", column {column!r} (counted from 0): beyond 2**53 neighbouring integers "
                    "are the same float64. Subtract an offset from that column first."
                )
    return array


def _unusable_kind(series: Any) -> str:
    """Why a column holds no numbers; empty if it may."""
    import narwhals as nw

    dtype = series.dtype
    native = str(getattr(series.to_native(), "dtype", ""))
    if native.startswith("Sparse"):
        return "sparse"
    if native.startswith("complex"):
        return "complex"
    if isinstance(dtype, (nw.Categorical, nw.Enum)):
        return "category"
    if dtype.is_temporal() or native.startswith("period"):
        return "time"
    if isinstance(dtype, nw.String) and not series.is_null().all():
        return "text"
    if isinstance(dtype, (nw.List, nw.Struct, nw.Array)):
        return "nested"
    if isinstance(dtype, (nw.Int128, nw.UInt128)):
        return "wide"
    return ""


PLAN_LIBRARIES: Final = {
    "dask": ".compute()",
    "dask_expr": ".compute()",
    "ibis": ".to_pyarrow()",
    "pyspark": ".toPandas()",
    "sqlframe": ".toPandas()",
}
COLUMN_KIND_ADVICE: Final = {
    "sparse": "Sparse data is not supported: make it dense with .sparse.to_dense()",
    "complex": "Complex data not supported: pass real and imaginary parts as columns",
    "category": "encode categories as numbers, for example one column for each category "
    "(one-hot), even where the categories are numbers",
    "time": TIME_ADVICE,
    "text": "could not convert string to float: encode text as numbers, convert numbers in text "
    "with .astype(float), or leave the column out",
    "nested": "give each number a column of its own",
    "wide": "convert it to int64 or float64",
}


def refuse_columns(reasons: Sequence[tuple[str, str]], name: str) -> None:
    """Raise for the first kind of unusable column, naming all of that kind."""
    for kind in COLUMN_KIND_ADVICE:
        unusable = [column for column, reason in reasons if reason == kind]
        if unusable:
            error = DataTypeError if kind == "sparse" else DataError
            noun = "column" if len(unusable) == 1 else "columns"
            words = "128-bit integer" if kind == "wide" else kind
            raise error(
                f"{name} has {noun} of {words} type: {format_names(unusable)}; "
                f"{COLUMN_KIND_ADVICE[kind]}."
            )
