"""Dual numbers: arrays that carry a derivative through plain NumPy code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .._core.types import Array
from ..errors import DataError, DataTypeError
from ._dual_ufuncs import BILINEAR_UFUNCS, DISCRETE_UFUNCS, PARTIALS, STEPWISE_UFUNCS

__all__ = ["DualArray"]

REDUCED_UFUNCS: dict[Any, Any] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
}


class DualArray(NDArrayOperatorsMixin):
    """An array and its derivative in one direction, for functions written for NumPy.

    Parameters
    ----------
    value : array-like
        Real numbers.
    tangent : array-like, optional
        Their derivatives, of the same shape; 0 unless told.

    Attributes
    ----------
    value, tangent : ndarray

    Raises
    ------
    DataError
        The shapes differ.
    DataTypeError
        The values are no real numbers; or, where it is used, NumPy has no rule for what is done to
        it. Nothing loses its derivative in silence.

    Notes
    -----
    Operators, indexing and assignment, the methods of an array, about sixty ufuncs of NumPy and
    SciPy, and NumPy's functions that sum, average, choose, join, reshape, multiply and solve. Where
    two are equal, `maximum` and `max` take the mean of their derivatives. Comparisons and `argmax`
    answer from the values. `x.value` leaves the derivative behind on purpose.

    Source: Clifford (1871); as forward differentiation, Griewank & Walther (2008), Evaluating
    Derivatives, chapter 3.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> x = hw.train.DualArray([1.0, 2.0], [1.0, 0.0])
    >>> np.sum(np.exp(x) * x[1])
    DualArray(20.21467585477939, tangent=5.43656365691809)
    >>> np.floor(x)
    Traceback (most recent call last):
    hullwise.errors.DataTypeError: numpy.floor is constant between its steps: ...
    """

    value: Array
    tangent: Array

    def __init__(self, value: Any, tangent: Any = None) -> None:
        self.value = _real(value, "value")
        zero = tangent is None
        self.tangent = np.zeros_like(self.value) if zero else _real(tangent, "tangent")
        if self.tangent.shape != self.value.shape:
            raise DataError(
                f"tangent has shape {self.tangent.shape}, value {self.value.shape}: expected the "
                "same."
            )

    def __repr__(self) -> str:
        value, tangent = self.value.tolist(), self.tangent.tolist()
        if self.size > 10:
            return f"DualArray(shape {self.shape})"
        return f"DualArray({value}, tangent={tangent})"

    def __format__(self, form: str) -> str:
        return format(self.value[()], form) if form else repr(self)

    # what NumPy asks

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "reduce" and ufunc in REDUCED_UFUNCS:
            options.setdefault("axis", 0)
            return REDUCED_UFUNCS[ufunc](*inputs, **options)
        (out,) = options.pop("out", (None,))
        if method != "__call__" or options:
            what = f".{method}" if method != "__call__" else f" with {', '.join(options)}"
            raise DataTypeError(f"numpy.{ufunc.__name__}{what} has no rule for dual numbers.")
        result = _apply(ufunc, inputs)
        return result if out is None else _assign(out, result, ufunc.__name__)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from ._dual_functions import apply_function

        return apply_function(func, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        raise DataTypeError(
            "this would turn a dual number into a plain array and lose its derivative: leave out "
            "np.asarray and np.array, join with np.stack, fill np.zeros_like(x), write A @ x for "
            "A.dot(x); x.value leaves the derivative behind on purpose."
        )

    def __float__(self) -> NoReturn:
        raise DataTypeError(
            "this would turn a dual number into a plain one and lose its derivative: use NumPy's "
            "functions in place of math's, no float(), and fill np.zeros_like(x) in place of a "
            "plain array; x.value leaves the derivative behind on purpose."
        )

    __int__ = __complex__ = __index__ = __float__

    def __bool__(self) -> bool:
        return bool(self.value)

    # an array's own

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[DualArray]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> DualArray:
        return DualArray(self.value[index], self.tangent[index])

    def __setitem__(self, index: Any, values: Any) -> None:
        dual = isinstance(values, DualArray)
        self.value[index] = values.value if dual else values
        self.tangent[index] = values.tangent if dual else 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """Of the array."""
        return self.value.ndim

    @property
    def size(self) -> int:
        """Of the array."""
        return self.value.size

    @property
    def dtype(self) -> Any:
        """Of the array."""
        return self.value.dtype

    @property
    def T(self) -> Any:
        """Transposed."""
        return np.transpose(self)

    def reshape(self, *shape: Any) -> Any:
        """As an array's."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """As an array's."""
        return np.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    def astype(self, dtype: Any) -> DualArray:
        """As an array's, to a type of floating point numbers."""
        if not np.issubdtype(np.dtype(dtype), np.floating):
            raise DataTypeError(f"a dual number as {np.dtype(dtype)} would lose its derivative.")
        return DualArray(self.value.astype(dtype), self.tangent.astype(dtype))

    def copy(self) -> DualArray:
        """As an array's."""
        return DualArray(self.value.copy(), self.tangent.copy())

    def __getattr__(self, name: str) -> Any:
        if name not in METHODS:
            raise AttributeError(
                f"a dual number has no attribute {name!r}: of an array's it has those with a rule."
            )
        function = getattr(np, METHODS[name])
        return lambda *args, **kwargs: function(self, *args, **kwargs)


# Methods of an array that are functions of NumPy.
METHODS = {
    name: name
    for name in (
        *("sum", "mean", "max", "min", "prod", "std", "var", "cumsum", "clip", "dot", "ravel"),
        *("squeeze", "swapaxes", "trace", "diagonal", "take", "repeat", "argmax", "argmin"),
        *("argsort", "any", "all"),
    )
} | {"flatten": "ravel"}


def value_of(x: Any) -> Any:
    """Without its derivative."""
    return x.value if isinstance(x, DualArray) else x


def _real(values: Any, name: str) -> Array:
    array = np.asarray(values)
    if array.dtype.kind in "biu":
        array = array.astype(float)
    if array.dtype.kind != "f":
        raise DataTypeError(f"{name} is of {array.dtype}: expected real numbers.")
    return array


def _apply(ufunc: Any, inputs: Any) -> Any:
    values = [value_of(x) for x in inputs]
    if ufunc in DISCRETE_UFUNCS:
        return ufunc(*values)
    name = f"numpy.{ufunc.__name__}"
    if ufunc in STEPWISE_UFUNCS:
        raise DataTypeError(
            f"{name} is constant between its steps: its derivative is 0 or there is none. If that "
            "is meant, apply it to x.value."
        )
    if ufunc in BILINEAR_UFUNCS:
        return bilinear(ufunc, *inputs)
    if ufunc not in PARTIALS:
        raise DataTypeError(
            f"{name} has no rule for dual numbers: write it with functions that have one, or apply "
            "it to x.value if its derivative is not wanted."
        )
    result = np.asarray(ufunc(*values))
    tangent = np.zeros(result.shape, dtype=result.dtype)
    for x, partial in zip(inputs, PARTIALS[ufunc]):
        if isinstance(x, DualArray):
            tangent += partial(*values, result) * x.tangent
    return DualArray(result, tangent)


def bilinear(function: Any, *inputs: Any, **options: Any) -> DualArray:
    """A product: linear in each of its arguments."""
    values = [value_of(x) for x in inputs]
    result = np.asarray(function(*values, **options))
    tangent = np.zeros(result.shape, dtype=result.dtype)
    for i, x in enumerate(inputs):
        if isinstance(x, DualArray):
            tangent += function(*values[:i], x.tangent, *values[i + 1 :], **options)
    return DualArray(result, tangent)


def _assign(out: Any, result: Any, name: str) -> Any:
    if not isinstance(out, DualArray):
        raise DataTypeError(
            f"numpy.{name} would write a dual number into a plain array, which has no place for "
            "its derivative: make a new array (a = a + x, not a += x)."
        )
    if out.shape != result.shape:
        raise DataError(f"the result has shape {result.shape}, the array for it {out.shape}.")
    out[...] = result
    return out
