"""Targets, checked: nothing that is missing may pass for a number or a label."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import DataConversionWarning

from .._core.caller import caller_stacklevel
from .._core.types import Array, Floats, Indices
from ..errors import DataError
from ..io.validation import check_rows, check_target


def refuse_masked(values: Any, name: str = "y") -> None:
    """DataError for a masked array that hides something: NumPy would use what is under the mask."""
    if np.ma.is_masked(values):
        masked = np.argwhere(np.ma.getmaskarray(values))
        raise DataError(
            f"{name} is a masked array with {len(masked)} masked value(s), first in row "
            f"{masked[0][0]} (counted from 0): a mask means missing, as NaN does. Fill them in "
            f"({name}.filled(...)) or drop those rows."
        )


def as_array(values: Any, name: str = "y") -> Array:
    """Values as an array of any type; DataError for rows of unequal length and the like."""
    refuse_masked(values, name)
    try:
        return np.asarray(values)
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(
            f"{name} is ragged, or holds what no array does: every row needs the same number of "
            f"entries ({error})."
        ) from error


def as_one_row(q: Any) -> Any:
    """A query (d,) as a table of one row; a table stays what it is."""
    if isinstance(q, list | tuple) or getattr(q, "ndim", None) == 1:
        row = as_array(q, "q")
        return row[None] if row.ndim == 1 else q
    return q


def numeric_target(y: Any, n: int) -> Floats:
    """Targets (n,) or (n, k) as float64, exactly; an object array may hold numbers."""
    target = check_target(None if y is None else as_array(y), n)
    text = target.dtype.kind == "O" and any(isinstance(value, str) for value in target.ravel())
    if text or target.dtype.kind not in "buifO":
        raise DataError(
            f"Unknown label type: y holds {target.dtype}, a regressor needs numbers. For class "
            "labels wrap it, as in MixtureClassifier(DelaunayRegressor())."
        )
    values = check_rows(target.reshape(n, -1), name="y").values
    return values.reshape(target.shape).astype(np.float64)


def encode_classes(y: Any) -> tuple[Array, Indices]:
    """The distinct labels, ascending, and which of them each row has."""
    labels = as_array(y)
    labels = check_target(None if y is None else labels, len(labels) if labels.ndim else 0)
    _refuse_missing_labels(y if labels.dtype.kind in "US" else labels)
    if labels.ndim == 2:
        if labels.shape[1] != 1:
            raise DataError(f"y has shape {labels.shape}: expected one label for each row, (n,).")
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected: its column is taken.",
            DataConversionWarning,
            stacklevel=caller_stacklevel(),
        )
        labels = labels[:, 0]
    if labels.dtype.kind == "f" and (fractional := labels != np.round(labels)).any():
        raise DataError(
            f"y holds continuous numbers, as {labels[fractional][0]:g} in row "
            f"{int(fractional.argmax())}: a classifier needs class labels. Use "
            "MixtureRegressor, or give the bins as labels."
        )
    try:
        classes, code = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise DataError(
            f"the labels of y cannot be sorted ({error}): give all of them one type, none missing."
        ) from error
    return classes, code.reshape(-1)


def _refuse_missing_labels(labels: Any) -> None:
    """DataError for None, NaN, NaT or pandas' NA among labels, before NumPy makes a class of it."""
    if getattr(getattr(labels, "dtype", None), "kind", "O") not in "OMm":
        return
    array = labels if isinstance(labels, np.ndarray) else np.asarray(labels, dtype=object)
    missing = [i for i, label in enumerate(array.reshape(-1)) if not _equals_itself(label)]
    if missing:
        raise DataError(
            f"y contains NaN: {len(missing)} missing label(s), first in row {missing[0]} (counted "
            "from 0). Nothing is filled in for you: drop those rows."
        )


def _equals_itself(label: Any) -> bool:
    """False for None, NaN, NaT, and for pandas' NA, whose comparison with itself is NA."""
    same = label is not None and label == label
    return isinstance(same, bool | np.bool_) and bool(same)


def encode_groups(groups: Any, n: int) -> Indices:
    """The group of each row as a number, (n,); each row its own where none are given."""
    if groups is None:
        return np.arange(n)
    labels = as_array(groups, "groups")
    if labels.shape != (n,):
        raise DataError(f"groups has shape {labels.shape}: expected one for each of {n} rows.")
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        row = int(np.isnan(labels).argmax())
        raise DataError(f"groups contains NaN, first in row {row}: each row needs a group.")
    try:
        return np.unique(labels, return_inverse=True)[1].reshape(-1)
    except TypeError as error:
        raise DataError(f"groups cannot be sorted ({error}): give all one type.") from error
