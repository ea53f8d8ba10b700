"""Checks of what users pass to the names of this room, and the border of what numpy raises."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from numbers import Integral
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np

from .._core.foreign import own_errors
from .._core.types import Floats
from .._core.wording import type_of
from ..errors import DataError, ModelError
from ..io.validation import check_rows

if TYPE_CHECKING:
    from .network import Network

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def border(doing: str) -> Callable[[Callable[Arguments, Answer]], Callable[Arguments, Answer]]:
    """A decorator: errors of numpy and numba in the call, overflow too, become this library's."""

    def decorate(function: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
        @wraps(function)
        def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
            with own_errors(doing), np.errstate(over="raise", invalid="raise"):
                try:
                    return function(*args, **kwargs)
                except SystemError as error:
                    if _is_interrupt(error):
                        raise KeyboardInterrupt from None
                    raise

        return call

    return decorate


def _is_interrupt(error: BaseException) -> bool:
    """Whether Ctrl-C came while numba made Python objects of what a kernel returns.

    The interpreter then raises a SystemError about the kernel in its place.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


def check_network(net: Any, what: str) -> Network:
    """`net` if it is a Network, else ModelError."""
    from .network import Network

    if not isinstance(net, Network):
        raise ModelError(
            f"{what} takes a Network, not {type(net).__name__}; hullwise.model.read makes one"
        )
    return net


def network_rows(net: Network, X: Any, name: str) -> Floats:
    """Rows as a network takes them; see `Network.rows`."""
    if not hasattr(X, "columns"):
        try:
            array = X if hasattr(X, "detach") else np.asarray(X)
        except ValueError:
            raise DataError(
                f"{name} is no table of numbers: its rows have unlike lengths"
            ) from None
        if np.shape(array) == (net.n_inputs,) or np.shape(array) == net.input_shape:
            array = array.reshape(1, -1)
        elif np.shape(array)[1:] == net.input_shape:
            array = array.reshape(len(array), net.n_inputs)
        X = array
    values = np.asarray(check_rows(X, name=name, allow_empty=True).values, dtype=np.float64)
    if values.shape[1] != net.n_inputs:
        shape = "" if len(net.input_shape) == 1 else f" (shape {net.input_shape})"
        raise DataError(
            f"{name} has {values.shape[1]} columns, but the network takes {net.n_inputs} "
            f"inputs{shape}; give the columns it was trained on, in their order."
        )
    return values


def one_row(net: Network, x: Any, name: str) -> Floats:
    """The single row x as (d,).

    Raises
    ------
    DataError
        If there is not exactly one, or it does not fit the network.
    """
    rows = net.rows(x, name)
    if len(rows) != 1:
        raise DataError(f"{name} has {len(rows)} rows; give one point of {net.n_inputs} numbers")
    return np.asarray(rows[0])


def as_floats(value: Any, name: str, expected: str) -> Floats:
    """An array of numbers, finite or not.

    Raises
    ------
    DataError
        If it is none; `expected` says what it should be.
    """
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise DataError(
            f"{name} is {type_of(value)} that is no array of numbers: give {expected}"
        ) from None


def check_index(name: str, value: Any, n: int) -> int:
    """`value` if it counts one of n things, the first 0, else DataError."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or not 0 <= value < n:
        raise DataError(f"{name} {value!r}: there are {name}s 0 to {n - 1}.")
    return int(value)


def check_rectangle(half_width: Any) -> Floats:
    """Half widths (2,) of a rectangle, from one or two positive numbers, else DataError."""
    half = as_floats(half_width, "half_width", "one or two positive numbers")
    if half.shape not in ((), (1,), (2,)) or not (np.isfinite(half).all() and (half > 0).all()):
        raise DataError(f"half_width is {half_width!r}; give one or two positive numbers")
    return np.array(np.broadcast_to(half, (2,)))


def check_positive(name: str, value: Any, what: str) -> float:
    """`value` if it is a finite number above 0, else DataError."""
    number = as_floats(value, name, what)
    if isinstance(value, bool) or number.ndim or not 0 < number < np.inf:
        raise DataError(f"{name} is {value!r}; it is {what}")
    return float(number)
