"""Derivatives of NumPy's functions: linear ones, products, choices, and a few of linear algebra."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ..errors import DataTypeError
from .dual_array import DualArray, bilinear, value_of

Rule = Callable[..., Any]

# Linear in the first argument, which is an array or a sequence of arrays.
LINEAR_FUNCTIONS = (
    *(np.sum, np.mean, np.cumsum, np.diff, np.trace, np.diag, np.diagonal, np.tril, np.triu),
    *(np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack),
    *(np.reshape, np.ravel, np.transpose, np.squeeze, np.expand_dims, np.broadcast_to),
    *(np.moveaxis, np.swapaxes, np.rollaxis, np.roll, np.flip, np.fliplr, np.flipud, np.rot90),
    *(np.tile, np.repeat, np.take, np.take_along_axis, np.compress, np.delete, np.copy),
    *(np.atleast_1d, np.atleast_2d, np.real),
)
SPLITTING_FUNCTIONS = (np.split, np.array_split, np.hsplit, np.vsplit)
# Arrays of constants, in which derivatives have a place.
CONSTANT_FUNCTIONS = (np.zeros_like, np.ones_like, np.empty_like, np.full_like)
BILINEAR_FUNCTIONS = (
    *(np.dot, np.inner, np.outer, np.vdot, np.tensordot, np.kron, np.cross, np.convolve),
)
# Their answers are whole numbers, truth values or shapes.
DISCRETE_FUNCTIONS = (
    *(np.argmax, np.argmin, np.argsort, np.nonzero, np.flatnonzero, np.count_nonzero, np.argwhere),
    *(np.searchsorted, np.digitize, np.isclose, np.allclose, np.array_equal, np.any, np.all),
    *(np.shape, np.ndim, np.size),
    *(np.result_type, np.iscomplexobj, np.isrealobj, np.may_share_memory, np.shares_memory),
)


def apply_function(function: Any, args: Any, options: Any) -> Any:
    """The function of dual numbers, or an error that names it."""
    name = f"{function.__module__}.{function.__name__}"
    options = {key: value for key, value in options.items() if value is not np._NoValue}
    if options.get("out") is not None:
        raise DataTypeError(f"{name} with out= has no rule for dual numbers: take its result.")
    options.pop("out", None)
    if options.get("initial") is not None:
        raise DataTypeError(f"{name} with initial= has no rule for dual numbers: add it yourself.")
    if function in DISCRETE_FUNCTIONS:
        args, options = _values(args), _values(options)
        return function(*args, **options)
    if function not in FUNCTION_RULES:
        raise DataTypeError(
            f"{name} has no rule for dual numbers: write it with functions that have one, or apply "
            "it to x.value if its derivative is not wanted."
        )
    return FUNCTION_RULES[function](*args, **options)


def _values(tree: Any) -> Any:
    """The same without derivatives, in lists too."""
    if isinstance(tree, dict):
        return {key: _values(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(_values(value) for value in tree)
    return value_of(tree)


def _tangents(tree: Any) -> Any:
    """The same with derivatives, which are 0 for what is constant."""
    if isinstance(tree, list | tuple):
        return type(tree)(_tangents(value) for value in tree)
    return tree.tangent if isinstance(tree, DualArray) else np.zeros_like(tree, dtype=float)


def _linear(function: Any) -> Rule:
    def rule(first: Any, *args: Any, **options: Any) -> DualArray:
        args, options = _values(args), _values(options)
        return DualArray(
            function(_values(first), *args, **options), function(_tangents(first), *args, **options)
        )

    return rule


def _constant(function: Any) -> Rule:
    return lambda x, *args, **options: DualArray(function(x.value, *args, **options))


def _splitting(function: Any) -> Rule:
    def rule(x: Any, *args: Any, **options: Any) -> list[DualArray]:
        parts = zip(function(x.value, *args, **options), function(x.tangent, *args, **options))
        return [DualArray(value, tangent) for value, tangent in parts]

    return rule


def _product(function: Any) -> Rule:
    def rule(a: Any, b: Any, *args: Any, **options: Any) -> DualArray:
        return bilinear(lambda a, b: function(a, b, *args, **options), a, b)

    return rule


def _einsum(subscripts: Any, *operands: Any, **options: Any) -> DualArray:
    if not isinstance(subscripts, str):
        raise DataTypeError("numpy.einsum of dual numbers needs its subscripts as text.")
    return bilinear(lambda *arrays: np.einsum(subscripts, *arrays, **options), *operands)


def _where(condition: Any, *choices: Any) -> Any:
    if not choices:
        return np.nonzero(value_of(condition))
    a, b = choices
    chosen = value_of(condition)
    return DualArray(
        np.where(chosen, value_of(a), value_of(b)), np.where(chosen, _tangents(a), _tangents(b))
    )


def _extreme(function: Any) -> Rule:
    def rule(x: Any, axis: Any = None, *, keepdims: bool = False, where: Any = True) -> DualArray:
        if where is not True:
            raise DataTypeError(f"numpy.{function.__name__} with where= has no rule.")
        best = function(x.value, axis=axis, keepdims=True)
        ties = x.value == best
        share = (ties * x.tangent).sum(axis=axis, keepdims=True) / ties.sum(
            axis=axis, keepdims=True
        )
        if not keepdims:
            best, share = np.squeeze(best, axis=axis), np.squeeze(share, axis=axis)
        return DualArray(best, share)

    return rule


def _prod(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis) % x.ndim
    for one in sorted(axes, reverse=True):
        parts = np.moveaxis(x, one, 0)
        start = DualArray(np.ones(parts.shape[1:]))
        product: Any = reduce(lambda a, b: a * b, parts, start)
        x = np.expand_dims(product, one) if keepdims else product
    return x


def _var(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    centred = x - np.mean(x, axis=axis, keepdims=True)
    total = np.sum(np.square(centred), axis=axis, keepdims=keepdims)
    return total / (x.size // max(total.size, 1) - ddof)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    of_vectors = x.ndim == 1 if axis is None else np.ndim(axis) == 0
    if ord is not None and ord != (2 if of_vectors else "fro"):
        raise DataTypeError(f"numpy.linalg.norm with ord={ord!r} has no rule for dual numbers.")
    return np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))


def _average(x: Any, axis: Any = None, weights: Any = None, *, keepdims: bool = False) -> Any:
    if weights is None:
        return np.mean(x, axis=axis, keepdims=keepdims)
    if np.shape(weights) != np.shape(x):
        raise DataTypeError("numpy.average of dual numbers needs weights of the same shape.")
    total = np.sum(x * weights, axis=axis, keepdims=keepdims)
    return total / np.sum(weights, axis=axis, keepdims=keepdims)


def _clip(x: Any, a_min: Any = None, a_max: Any = None, **options: Any) -> Any:
    low, high = options.pop("min", a_min), options.pop("max", a_max)
    if options:
        raise DataTypeError(f"numpy.clip with {', '.join(options)} has no rule for dual numbers.")
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _sort(x: Any, axis: int | None = -1) -> Any:
    x, axis = (np.ravel(x), 0) if axis is None else (x, axis)
    return np.take_along_axis(x, np.argsort(x.value, axis=axis, kind="stable"), axis=axis)


def _solve(A: Any, b: Any) -> DualArray:
    solution = np.linalg.solve(value_of(A), value_of(b))
    change = _tangents(b)
    if isinstance(A, DualArray):
        change = change - A.tangent @ solution
    return DualArray(solution, np.linalg.solve(value_of(A), change))


def _inv(A: DualArray) -> DualArray:
    inverse = np.linalg.inv(A.value)
    return DualArray(inverse, -inverse @ A.tangent @ inverse)


def _log_det_tangent(A: DualArray) -> Any:
    return np.trace(np.linalg.solve(A.value, A.tangent), axis1=-2, axis2=-1)


def _det(A: DualArray) -> DualArray:
    determinant = np.linalg.det(A.value)
    return DualArray(determinant, determinant * _log_det_tangent(A))


def _slogdet(A: DualArray) -> tuple[Any, DualArray]:
    sign, log = np.linalg.slogdet(A.value)
    return sign, DualArray(log, _log_det_tangent(A))


FUNCTION_RULES: dict[Any, Rule] = {
    **{function: _linear(function) for function in LINEAR_FUNCTIONS},
    **{function: _constant(function) for function in CONSTANT_FUNCTIONS},
    **{function: _splitting(function) for function in SPLITTING_FUNCTIONS},
    **{function: _product(function) for function in BILINEAR_FUNCTIONS},
    **{function: _extreme(function) for function in (np.max, np.min, np.amax, np.amin)},
    np.einsum: _einsum,
    np.where: _where,
    np.prod: _prod,
    np.var: _var,
    np.std: lambda x, *args, **options: np.sqrt(_var(x, *args, **options)),
    np.ptp: lambda x, axis=None: np.max(x, axis=axis) - np.min(x, axis=axis),
    np.average: _average,
    np.clip: _clip,
    np.sort: _sort,
    np.linalg.norm: _norm,
    np.linalg.solve: _solve,
    np.linalg.inv: _inv,
    np.linalg.det: _det,
    np.linalg.slogdet: _slogdet,
}
