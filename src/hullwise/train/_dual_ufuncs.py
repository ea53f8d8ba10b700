"""Derivatives of NumPy's and SciPy's ufuncs, as partial derivatives by argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from .._core.types import Array

# of (arguments, result), the factor of the argument's tangent
Partial = Callable[..., Any]


def _share_of_larger(a: Any, b: Any, y: Array) -> Any:
    """1 where a is the larger, 0 where b is, and half of each where they are equal."""
    return 0.5 * (np.asarray(a > b, dtype=float) + (a >= b))


def _by_base(a: Any, p: Any, y: Array) -> Any:
    # p a^(p - 1), which is 0 for p = 0 at a = 0 too
    return p * np.power(np.asarray(a, dtype=float), np.where(p == 0, 1, np.subtract(p, 1)))


def _by_exponent(a: Any, p: Any, y: Array) -> Any:
    # 0^p is 0 for all p above 0
    return np.where((a == 0) & (p > 0), 0.0, y * np.log(np.where((a == 0) & (p > 0), 1.0, a)))


PARTIALS: dict[Any, tuple[Partial, ...]] = {
    np.positive: (lambda x, y: 1.0,),
    np.negative: (lambda x, y: -1.0,),
    np.absolute: (lambda x, y: np.sign(x),),
    np.fabs: (lambda x, y: np.sign(x),),
    np.square: (lambda x, y: 2 * x,),
    np.sqrt: (lambda x, y: 0.5 / y,),
    np.cbrt: (lambda x, y: 1 / (3 * y * y),),
    np.reciprocal: (lambda x, y: -y * y,),
    np.exp: (lambda x, y: y,),
    np.exp2: (lambda x, y: y * np.log(2.0),),
    np.expm1: (lambda x, y: y + 1,),
    np.log: (lambda x, y: 1 / x,),
    np.log2: (lambda x, y: 1 / (x * np.log(2.0)),),
    np.log10: (lambda x, y: 1 / (x * np.log(10.0)),),
    np.log1p: (lambda x, y: 1 / (1 + x),),
    np.sin: (lambda x, y: np.cos(x),),
    np.cos: (lambda x, y: -np.sin(x),),
    np.tan: (lambda x, y: 1 + y * y,),
    np.arcsin: (lambda x, y: 1 / np.sqrt(1 - x * x),),
    np.arccos: (lambda x, y: -1 / np.sqrt(1 - x * x),),
    np.arctan: (lambda x, y: 1 / (1 + x * x),),
    np.sinh: (lambda x, y: np.cosh(x),),
    np.cosh: (lambda x, y: np.sinh(x),),
    np.tanh: (lambda x, y: 1 - y * y,),
    np.arcsinh: (lambda x, y: 1 / np.sqrt(x * x + 1),),
    np.arccosh: (lambda x, y: 1 / np.sqrt(x * x - 1),),
    np.arctanh: (lambda x, y: 1 / (1 - x * x),),
    np.deg2rad: (lambda x, y: np.pi / 180,),
    np.radians: (lambda x, y: np.pi / 180,),
    np.rad2deg: (lambda x, y: 180 / np.pi,),
    np.degrees: (lambda x, y: 180 / np.pi,),
    np.add: (lambda a, b, y: 1.0, lambda a, b, y: 1.0),
    np.subtract: (lambda a, b, y: 1.0, lambda a, b, y: -1.0),
    np.multiply: (lambda a, b, y: b, lambda a, b, y: a),
    np.divide: (lambda a, b, y: 1 / b, lambda a, b, y: -y / b),
    np.power: (_by_base, _by_exponent),
    np.float_power: (_by_base, _by_exponent),
    np.maximum: (_share_of_larger, lambda a, b, y: 1 - _share_of_larger(a, b, y)),
    np.minimum: (lambda a, b, y: 1 - _share_of_larger(a, b, y), _share_of_larger),
    np.hypot: (lambda a, b, y: a / y, lambda a, b, y: b / y),
    np.arctan2: (lambda a, b, y: b / (a * a + b * b), lambda a, b, y: -a / (a * a + b * b)),
    np.logaddexp: (lambda a, b, y: np.exp(a - y), lambda a, b, y: np.exp(b - y)),
    special.expit: (lambda x, y: y * (1 - y),),
    special.log_expit: (lambda x, y: special.expit(-x),),
    special.logit: (lambda x, y: 1 / (x * (1 - x)),),
    special.erf: (lambda x, y: 2 / np.sqrt(np.pi) * np.exp(-x * x),),
    special.erfc: (lambda x, y: -2 / np.sqrt(np.pi) * np.exp(-x * x),),
    special.ndtr: (lambda x, y: np.exp(-x * x / 2) / np.sqrt(2 * np.pi),),
    special.gammaln: (lambda x, y: special.psi(x),),
    special.xlogy: (
        lambda a, b, y: np.log(b),
        lambda a, b, y: np.where(np.asarray(a) == 0, 0.0, a / b),
    ),
}

BILINEAR_UFUNCS = {np.matmul, np.vecdot} if hasattr(np, "vecdot") else {np.matmul}

# Answers that are no real numbers: they have no derivative, and are computed from the values.
DISCRETE_UFUNCS = {
    *(np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal),
    *(np.isfinite, np.isnan, np.isinf, np.signbit),
    *(np.logical_and, np.logical_or, np.logical_not, np.logical_xor),
}

STEPWISE_UFUNCS = {np.floor, np.ceil, np.rint, np.trunc, np.sign, np.floor_divide, np.heaviside}
