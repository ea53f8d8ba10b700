"""`forward_gradient` of plain NumPy functions, by dual numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .._core.types import Array, Floats
from .._core.wording import type_of
from ..errors import DataError, DataTypeError
from ._direction_theory import check_directions, relative_variance
from ._seeds import seed_of
from ._trees import leaves_of, tree_like
from .dual_array import DualArray
from .gradient_estimate import ForwardGradient


def numpy_forward_gradient(
    function: Callable[[Any], Any],
    parameters: Any,
    n_tangents: int,
    directions: str,
    random_state: Any,
) -> ForwardGradient:
    """`forward_gradient` where the parameters are arrays or numbers."""
    leaves = checked_leaves(parameters)
    n = sum(leaf.size for leaf in leaves)
    n_tangents = check_directions(directions, n_tangents, n)
    rng = np.random.default_rng(seed_of(random_state))
    sums = [np.zeros(leaf.shape) for leaf in leaves]
    derivatives, values = np.empty(n_tangents), np.empty(n_tangents)
    for k, tangents in enumerate(_tangents(directions, n_tangents, leaves, rng)):
        result = call_with_duals(function, parameters, leaves, tangents)
        values[k], derivatives[k] = _one_number(result)
        for total, tangent in zip(sums, tangents):
            total += derivatives[k] / n_tangents * tangent
    if np.ptp(values):
        raise DataError(
            f"the function returns {values.min():.9g} in one pass and {values.max():.9g} in "
            "another at the same place: it must be one function; draw random numbers outside of it."
        )
    squared_norm = float((derivatives**2).mean())
    return ForwardGradient(
        gradient=tree_like(parameters, iter(sums).__next__),
        value=float(values[0]),
        derivatives=derivatives,
        squared_norm=squared_norm,
        variance=relative_variance(directions, n, n_tangents) * squared_norm,
        n_parameters=n,
        n_perturbed=n,
        directions=directions,
        perturb="weights",
    )


def checked_leaves(parameters: Any) -> list[Floats]:
    """The arrays among the parameters, as float64.

    Raises
    ------
    DataError, DataTypeError
        There is none, or one holds whole numbers, or no numbers, or some that are not finite.
    """
    leaves = []
    for name, leaf in leaves_of(parameters):
        numeric = isinstance(leaf, np.ndarray | np.generic | int | float)
        array = np.asarray(leaf) if numeric else np.empty(0, dtype=object)
        if array.dtype.kind not in "fiu":
            raise DataTypeError(
                f"{name} is {type_of(leaf)}: expected a torch.nn.Module, tensors, or "
                "arrays of floating point numbers."
            )
        if array.dtype.kind in "iu":
            raise DataError(
                f"{name} is of {array.dtype}: only floating point numbers have derivatives."
            )
        if not np.isfinite(array).all():
            raise DataError(f"{name} has numbers that are not finite.")
        leaves.append(array.astype(np.float64))
    if not sum(leaf.size for leaf in leaves):
        raise DataError("parameters holds no number: nothing is there to perturb.")
    return leaves


def call_with_duals(
    function: Callable[[Any], Any], parameters: Any, leaves: Sequence[Array], tangents: Any
) -> Any:
    """The function where every array is a dual number, a copy that it may change."""
    duals = (DualArray(leaf.copy(), tangent.copy()) for leaf, tangent in zip(leaves, tangents))
    try:
        return function(tree_like(parameters, duals.__next__))
    except (TypeError, ValueError) as error:
        # NumPy's assignment to a plain array words what it was told once more
        if isinstance(error.__cause__, DataTypeError):
            raise error.__cause__ from None
        raise


def _one_number(result: Any) -> tuple[float, float]:
    if not isinstance(result, DualArray):
        raise DataError(
            f"the function returns {type_of(result)} that does not depend on the "
            "parameters: expected one number computed from them."
        )
    if result.size != 1:
        raise DataError(f"the function returns shape {result.shape}: expected one number.")
    value, derivative = result.value.item(), result.tangent.item()
    if not np.isfinite([value, derivative]).all():
        raise DataError(
            f"the function is {value:g} and its derivative along a tangent {derivative:g}: "
            "expected finite numbers."
        )
    return value, derivative


def _tangents(
    directions: str, n_tangents: int, leaves: Sequence[Floats], rng: np.random.Generator
) -> Iterator[list[Floats]]:
    """K tangents, each an array for each of the leaves."""
    ends = np.cumsum([leaf.size for leaf in leaves])
    n = int(ends[-1])
    if directions == "orthonormal":
        columns = np.linalg.qr(rng.standard_normal((n, n_tangents)))[0] * np.sqrt(n)
    for k in range(n_tangents):
        if directions == "orthonormal":
            flat = columns[:, k].copy()
        elif directions == "rademacher":
            flat = rng.integers(0, 2, n) * 2.0 - 1
        else:
            flat = rng.standard_normal(n)
        parts = np.split(flat, ends[:-1])
        yield [part.reshape(leaf.shape) for part, leaf in zip(parts, leaves)]
