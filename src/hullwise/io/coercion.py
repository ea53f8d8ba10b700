"""From any container to one two-dimensional array of real numbers, or a reason why not."""

from __future__ import annotations

import datetime
import math
import sys
from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from .._core import memory
from .._core.wording import type_of
from ..errors import DataError, DataTypeError

# Integers up to here are float64 numbers, each of them.
LARGEST_INTEGER: Final = 2**53

TIME_TYPES: Final = (
    datetime.date,
    datetime.time,
    datetime.timedelta,
    np.datetime64,
    np.timedelta64,
)
TIME_ADVICE: Final = (
    "convert it to numbers whose unit you choose, such as seconds since a date: "
    '(t - t.min()) / np.timedelta64(1, "s")'
)


def format_names(names: Sequence[object], most: int = 8) -> str:
    """Names in quotes, shortened.

    Examples
    --------
    >>> format_names(["a", "b", "c"], most=2)
    "'a', 'b' and 1 more"
    """
    listing = ", ".join(repr(x) for x in names[:most])
    return listing + (f" and {len(names) - most} more" if len(names) > most else "")


def cell_place(
    i: int,
    j: int,
    columns: Sequence[str] | None,
    labels: NDArray[np.object_] | None = None,
    start: int = 0,
) -> str:
    """Where entry (i, j) is, by name; labels[0] belongs to row `start`."""
    row = f"row {i}" + (f" (label {labels[i - start]!r})" if labels is not None else "")
    return f"{row}, column {columns[j]!r}" if columns is not None else f"{row}, column {j}"


# ---- containers ---------------------------------------------------------------------------


def refuse_sparse(X: Any, name: str) -> None:
    sparse = sys.modules.get("scipy.sparse")
    if sparse is not None and sparse.issparse(X):
        size = 8 * int(np.prod([int(s) for s in X.shape]))
        raise DataTypeError(
            f"Sparse data is not supported: {name} is a sparse {type(X).__name__} of shape "
            f"{X.shape}. Call {name}.toarray() if {size / 2**20:.1f} MiB ({size} bytes) of dense "
            "float64 fit in memory; one-hot encoders give dense rows with sparse_output=False."
        )


def dense_if_it_fits(X: Any, name: str) -> Any:
    """A sparse table as a dense array where memory allows it; anything else as it is.

    Raises
    ------
    DataTypeError
        The dense array would not fit.
    """
    sparse = sys.modules.get("scipy.sparse")
    if sparse is None or not sparse.issparse(X):
        return X
    free = memory.available_memory()
    if free is not None and 3 * 8 * int(np.prod([int(s) for s in X.shape])) > free:
        refuse_sparse(X, name)
    return X.toarray()


def refuse_tensor(X: Any, name: str) -> None:
    library = type(X).__module__.partition(".")[0]
    if library == "torch":
        device = getattr(getattr(X, "device", None), "type", "cpu")
        if device != "cpu" or getattr(X, "requires_grad", False):
            what = f"lies on the device {device!r}" if device != "cpu" else "requires gradients"
            raise DataTypeError(
                f"{name} is a torch tensor that {what}: pass {name}.detach().cpu()."
            )
        refuse_tensor_kind(X, name)
    elif library == "cupy":
        raise DataTypeError(f"{name} is a cupy array on a GPU: pass {name}.get().")


def refuse_tensor_kind(tensor: Any, name: str) -> None:
    """Refuse torch tensors that are no plain tables of numbers, wherever they lie."""
    if getattr(tensor, "is_nested", False):
        raise DataTypeError(f"{name} is a nested tensor: pass one row of numbers for each row.")
    layout = str(getattr(tensor, "layout", "torch.strided")).removeprefix("torch.")
    if layout != "strided":
        raise DataTypeError(f"{name} is a tensor of layout {layout}: call {name}.to_dense() first.")
    if getattr(tensor, "is_meta", False):
        raise DataTypeError(f"{name} is a tensor on the meta device, which holds no numbers.")
    if getattr(tensor, "is_quantized", False):
        raise DataTypeError(f"{name} is a quantized tensor: call {name}.dequantize() first.")


def as_table(X: Any, name: str) -> NDArray[Any]:
    """A two-dimensional array of any dtype; X itself if it is one."""
    if isinstance(X, np.ma.MaskedArray):
        if np.ma.is_masked(X):
            masked = np.argwhere(np.ma.getmaskarray(X))
            raise DataError(
                f"{name} is a masked array with {len(masked)} masked values, the first "
                f"at {masked[0].tolist()}: a mask means missing, as NaN does. "
                f"Impute them ({name}.filled(...)) or drop those rows."
            )
        X = X.data
    if isinstance(X, np.matrix):
        X = np.asarray(X)
    values = X if isinstance(X, np.ndarray) else _from_sequence(X, name)
    if values.ndim == 1 and values.dtype.kind == "O" and len(values):
        _refuse_ragged(list(values), name)
    _check_two_dimensional(values, name)
    return values


def _from_sequence(X: Any, name: str) -> NDArray[Any]:
    try:
        values = np.asarray(X)
        if values.dtype.kind in "US":
            # Numbers next to text have become text; keep what each entry was.
            values = np.asarray(X, dtype=object)
    except ValueError as error:
        if isinstance(X, (list, tuple)):
            _refuse_ragged(X, name)
        raise DataError(f"{name} cannot be read as an array: {error}") from error
    except (TypeError, RuntimeError) as error:
        raise DataTypeError(
            f"{name} of type {type(X).__name__} cannot be read as an array: {error}"
        ) from error
    return values


def _refuse_ragged(rows: Sequence[Any], name: str) -> None:
    lengths = [len(r) if hasattr(r, "__len__") and not isinstance(r, str) else -1 for r in rows]
    for i, length in enumerate(lengths):
        if length != lengths[0]:
            a, b = (f"{k} values" if k >= 0 else "one number" for k in (lengths[0], length))
            raise DataError(
                f"{name} has rows of unequal length: row 0 holds {a}, row {i} holds {b} (counted "
                "from 0). Every row needs one value for each feature."
            )


def _check_two_dimensional(values: NDArray[Any], name: str) -> None:
    if values.dtype.names is not None:
        raise DataTypeError(
            f"{name} is a structured array with the fields {format_names(values.dtype.names)}: "
            "pass "
            "numpy.lib.recfunctions.structured_to_unstructured(X) or a data frame."
        )
    if values.ndim == 2:
        return
    if values.ndim == 0 and values.dtype.kind == "O":
        raise DataTypeError(
            f"{name} is {type_of(values.item())}: pass the rows themselves, an array or "
            "data frame of shape (n rows, d features)."
        )
    if values.ndim == 0:
        raise DataError(
            f"Expected 2D array, got scalar array instead: {name} is a single "
            f"{type(values.item()).__name__}. Reshape your data to (n rows, d features)."
        )
    if values.ndim == 1:
        raise DataError(
            f"Expected 2D array, got 1D array instead: {name} has shape {values.shape}. Reshape "
            f"your data with {name}.reshape(-1, 1) if it holds one feature, or "
            f"{name}.reshape(1, -1) if it holds one row."
        )
    raise DataError(
        f"Expected 2D array, got {values.ndim}D array instead: {name} has shape {values.shape}. "
        "Reshape your data to (n rows, d features), for example "
        f"{name}.reshape({values.shape[0]}, -1)."
    )


# ---- entries ------------------------------------------------------------------------------


def real_values(
    values: NDArray[Any],
    name: str,
    columns: Sequence[str] | None,
    labels: NDArray[np.object_] | None = None,
) -> NDArray[Any]:
    """The same values in a real dtype of at most 8 bytes."""
    kind = values.dtype.kind
    if kind in "biu" or (kind == "f" and values.dtype.itemsize <= 8):
        if values.dtype.isnative or isinstance(values, np.memmap):
            return values
        return values.astype(values.dtype.newbyteorder("="))
    if kind == "f":
        return _from_longdouble(values, name, columns, labels)
    if kind == "c":
        raise DataError(
            f"Complex data not supported: {name} is {values.dtype}. Pass real and imaginary "
            "parts as separate columns."
        )
    if kind in "mM":
        raise DataError(f"{name} holds times ({values.dtype}): {TIME_ADVICE}.")
    if kind in "OUST":
        return _from_objects(values, name, columns, labels)
    raise DataTypeError(f"{name} has the dtype {values.dtype}, which holds no numbers.")


def _from_longdouble(
    values: NDArray[Any],
    name: str,
    columns: Sequence[str] | None,
    labels: NDArray[np.object_] | None,
) -> NDArray[np.float64]:
    out = np.empty(values.shape, dtype=np.float64)
    for i, row in enumerate(values):
        with np.errstate(over="ignore", under="ignore"):
            out[i] = row
        beyond = np.isinf(out[i]) & np.isfinite(row)
        if beyond.any():
            j = int(np.argmax(beyond))
            raise DataError(
                f"{name} holds {row[j]} in {cell_place(i, j, columns, labels)} (counted from 0), "
                f"beyond the largest float64 ({np.finfo(np.float64).max:.3g}). Rescale that "
                "column."
            )
    return out


def _from_objects(
    values: NDArray[Any],
    name: str,
    columns: Sequence[str] | None,
    labels: NDArray[np.object_] | None,
) -> NDArray[np.float64]:
    out = np.empty(values.shape, dtype=np.float64)
    for j in range(values.shape[1]):
        column = values[:, j]
        if set(map(type, column)) <= {float, bool}:
            out[:, j] = column
            continue
        for i, entry in enumerate(column):
            try:
                out[i, j] = _number(entry)
            except (DataError, DataTypeError) as error:
                where = cell_place(i, j, columns, labels)
                raise type(error)(f"{name}, {where} (counted from 0): {error}") from None
    return out


def _number(entry: Any) -> float:
    if isinstance(entry, (bool, float, np.bool_, np.floating)):
        return float(entry)
    if isinstance(entry, (int, np.integer)):
        if abs(int(entry)) > LARGEST_INTEGER:
            raise DataError(
                f"the integer {_digits(int(entry))} is beyond 2**53, where neighbouring integers "
                "are the same float64. Subtract an offset from that column first."
            )
        return float(entry)
    if entry is None or type(entry).__name__ in ("NAType", "NaTType"):
        return np.nan
    if isinstance(entry, (str, bytes)):
        refuse_text(entry)
    if isinstance(entry, (complex, np.complexfloating)):
        raise DataError(f"Complex data not supported: found {entry!r}.")
    if isinstance(entry, TIME_TYPES):
        raise DataError(f"found the time {entry!s}: {TIME_ADVICE}.")
    if isinstance(entry, (Real, Decimal)):
        return _from_exact(entry)
    raise DataTypeError(
        f"argument must be no string but a real number, not {type(entry).__name__!r}."
    )


def _digits(number: int) -> str:
    """The digits, or how many bits where they are too many to read (and for Python to write)."""
    return str(number) if number.bit_length() < 500 else f"of {number.bit_length()} bits"


def _from_exact(entry: Real | Decimal) -> float:
    """A decimal or another real number; integers that would be rounded are refused."""
    try:
        value = float(entry)
    except OverflowError:
        raise DataError(f"{entry!s:.40} is beyond the largest float64.") from None
    except ValueError:
        return math.nan  # a signalling NaN
    if isinstance(entry, Decimal) and entry.is_finite() and entry.as_tuple().exponent == 0:
        return _number(int(entry))
    return value


def refuse_text(entry: str | bytes) -> NoReturn:
    """Raise for one cell of text, saying whether it looks like a number."""
    text = entry.decode("utf-8", "replace") if isinstance(entry, bytes) else entry
    excerpt = repr(text if len(text) <= 40 else text[:37] + "...")
    try:
        float(text)
    except ValueError:
        raise DataError(
            f"could not convert string to float: found the text {excerpt}. Encode text as "
            "numbers, or leave that column out."
        ) from None
    raise DataError(
        f"found the number {excerpt} as text. Numbers in text are not guessed at: convert that "
        "column, for example with .astype(float)."
    )
