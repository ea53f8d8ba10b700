"""Directional derivatives of plain NumPy functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core.wording import type_of
from ..errors import DataError
from ._numpy_forward_gradient import call_with_duals, checked_leaves
from ._trees import leaves_of
from .dual_array import DualArray

__all__ = ["directional_derivative"]


def directional_derivative(
    function: Callable[[Any], Any], parameters: Any, tangent: Any
) -> tuple[Any, Any]:
    """The value of a NumPy function and its exact derivative along a direction, in one pass.

    Parameters
    ----------
    function : callable
        Takes what `parameters` is, of `DualArray`s, and returns a number or an array computed from
        them with NumPy.
    parameters : array, or tree of arrays
        Where the derivative is taken: an array, or dictionaries, lists and tuples of them.
    tangent : array, or tree of arrays
        The direction, shaped like the parameters.

    Returns
    -------
    value, derivative : ndarray
        Of the function, in the shape of what it returns.

    Raises
    ------
    DataError
        The tangent has another shape, or the result does not depend on the parameters.
    DataTypeError
        The function uses something that has no rule, which the message names.

    Notes
    -----
    Cost: about two to four times the function. Source: see `DualArray`.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> value, slope = hw.train.directional_derivative(
    ...     lambda x: np.sin(x[0]) * x, np.array([0.0, 3.0]), np.array([1.0, 0.0]))
    >>> slope
    array([0., 3.])
    """
    leaves, along = checked_leaves(parameters), checked_leaves(tangent)
    shapes, other = [x.shape for x in leaves], [x.shape for x in along]
    names = [name for name, _ in leaves_of(parameters)]
    if shapes != other or names != [name for name, _ in leaves_of(tangent)]:
        raise DataError(f"tangent has the shapes {other}, parameters {shapes}: expected the same.")
    result = call_with_duals(function, parameters, leaves, along)
    if not isinstance(result, DualArray):
        raise DataError(
            f"the function returns {type_of(result)} that does not depend on the "
            "parameters: expected numbers computed from them, joined with np.stack."
        )
    return np.asarray(result.value), np.asarray(result.tangent)
