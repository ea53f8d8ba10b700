"""Softmax and normalisation of Taylor models, and both with their statistics frozen.

Frozen, the weights of a softmax and the scale of a norm are numbers, those at the point itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._core.rounding import UNIT_ROUNDOFF
from ._taylor_model import LEAST_REST, UPWARD, TaylorModel, TaylorSpace, known
from ._unary_functions import FORMULA_ROUNDOFF, Power
from ._unary_rules import product, through

# of |E (v - m)^3| in the square of the width twice: the largest third moment in a range of width 1
LARGEST_THIRD_MOMENT = 0.0963


def times(model: TaylorModel, factor: Any) -> TaylorModel:
    """Entry by entry, by numbers."""
    factor = model.space.torch.as_tensor(factor, dtype=model.space.torch.float64)
    return model.mapped(lambda z: z * factor, lambda z: z * factor.abs(), 1)


def mean_of(model: TaylorModel, axes: Any, keepdim: bool) -> TaylorModel:
    n = int(np.prod([model.value.shape[a] for a in axes]))
    return model.mapped(lambda z: z.mean(axes, keepdim=keepdim), None, n)


def centred(model: TaylorModel, weights: Any, axes: Any) -> TaylorModel:
    """Entries minus their weighted mean over axes; the weights are positive, their sum is 1."""
    n = int(np.prod([model.value.shape[a] for a in axes]))

    def minus_mean(z: Any) -> Any:
        return z - (weights * z).sum(axes, keepdim=True)

    def plus_mean(z: Any) -> Any:
        return z + (weights * z).sum(axes, keepdim=True)

    return model.mapped(minus_mean, plus_mean, n + 2)


def normalized(
    model: TaylorModel, axes: Any, eps: float, center: bool, frozen: bool
) -> TaylorModel:
    """z / sqrt(mean(z^2) + eps) over axes, of z minus its mean where it is to be centred."""
    axes = [a % model.value.ndim for a in axes]
    if center:
        n = int(np.prod([model.value.shape[a] for a in axes]))
        model = centred(model, 1.0 / n, axes)
    squares = mean_of(through(Power(2.0), model), axes, True).plus(eps)
    if frozen:
        return times(model, squares.value.rsqrt())
    out = product(model, through(Power(-0.5), squares), lambda a, b: a * b)
    largest = float(np.sqrt(np.prod([model.value.shape[a] for a in axes]))) * UPWARD
    return out.within(-largest, largest)


def softmax(model: TaylorModel, axis: int, frozen: bool) -> Any:
    """exp(z_i) / sum_j exp(z_j) along an axis; entries of -inf are left out, as masks want it.

    Along v, with m and V the mean and the variance of v under p, p_i'' = p_i ((v_i - m)^2 - V) and
    |p_i'''| <= 1.0963 p_i w^3, w the width of v. With v centred under the p of the point,
    sum_j p_j exp(v_j) >= 1 (Jensen), so p_i stays below p_i exp(v_i).
    """
    torch, space = model.space.torch, model.space
    masked = model.value == -np.inf
    p = torch.softmax(model.value, axis).nan_to_num(nan=0.0)  # all masked: torch's safe softmax
    if frozen:
        return p
    v, p, D = _centred_logits(model, p, masked, axis)
    width = torch.minimum(2 * D.amax(axis, keepdim=True), _width(D, axis)) * UPWARD
    high = torch.minimum(p * D.exp() * UPWARD, torch.ones_like(p))
    rows = v.rows * p
    rows[0] = p
    if space.degree == 2:
        kept = 1 + space.dimension
        squares = space.products(v.linear, v.linear)
        variance = (p * squares).sum(axis if axis < 0 else axis + 1, keepdim=True)
        rows[kept : space.n_rows] += p / 2 * (squares - variance)
        mixed = 2 * v.linear_size * v.curved_size + v.curved_size**2
        local = p / 2 * (mixed + (p * mixed).sum(axis, keepdim=True))
        third = (1 + LARGEST_THIRD_MOMENT) / 6 * high * width**3
        spare = high * (width**2 / 2) + p / 2 * (v.linear_size**2 + width**2 / 4)
        local = local + torch.fmin(third, spare)
    else:
        local = high * torch.fmin(width**2 / 2, width + 1)
    n = model.value.shape[axis]
    rounding = p * (FORMULA_ROUNDOFF + 4 * (n + 4) * UNIT_ROUNDOFF) * (1 + D + D * D + width**2)
    rounding = rounding + p * _logit_error(model, p, masked, axis)
    rest = (v.rest * p + rounding) * UPWARD + LEAST_REST
    out = TaylorModel(space, rows, known(rest)).with_errors(known(local) * UPWARD)
    return out.within(0.0, 1.0)


def _centred_logits(
    model: TaylorModel, p: Any, masked: Any, axis: int
) -> tuple[TaylorModel, Any, Any]:
    """The logits minus their mean under p, 0 where masked; p; how far each moves."""
    torch, space = model.space.torch, model.space
    rows = torch.where(masked, 0.0, model.rows)
    rows[0] = 0.0  # only differences count, and p has those of the values
    shifted = TaylorModel(space, rows, torch.where(masked, 0.0, model.rest))
    v = centred(shifted, p, [axis])
    D = torch.where(masked, 0.0, v.deviation)
    return v, p, D


def _width(D: Any, axis: int) -> Any:
    """Bounds of max v - min v, from |v_i| <= D_i: the two largest D."""
    k = min(2, D.shape[axis])
    return D.topk(k, axis).values.sum(axis, keepdim=True) * (2 if k == 1 else 1)


def _logit_error(model: TaylorModel, p: Any, masked: Any, axis: int) -> Any:
    """Relative errors of p: exponents of differences of rounded logits."""
    torch = model.space.torch
    size = torch.where(masked, 0.0, model.value.abs()).amax(axis, keepdim=True)
    return 8 * UNIT_ROUNDOFF * size


def log_softmax(model: TaylorModel, axis: int) -> TaylorModel:
    """z_i - log sum_j exp(z_j): of v, centred under p, v_i - log sum_j p_j exp(v_j)."""
    torch, space = model.space.torch, model.space
    masked = model.value == -np.inf
    p = torch.softmax(model.value, axis)
    v, p, D = _centred_logits(model, p, masked, axis)
    width = _width(D, axis) * UPWARD
    rows = v.rows.clone()
    rows[0] = torch.log_softmax(model.value, axis)
    if space.degree == 2:
        kept = 1 + space.dimension
        squares = space.products(v.linear, v.linear)
        rows[kept : space.n_rows] -= (p * squares).sum(
            axis if axis < 0 else axis + 1, keepdim=True
        ) / 2
        mixed = 2 * v.linear_size * v.curved_size + v.curved_size**2
        local = (p * mixed).sum(axis, keepdim=True) / 2 + LARGEST_THIRD_MOMENT / 6 * width**3
    else:
        local = width**2 / 8
    n = model.value.shape[axis]
    rounding = (FORMULA_ROUNDOFF + 4 * (n + 4) * UNIT_ROUNDOFF) * (1 + D + width**2)
    rounding = rounding + _logit_error(model, p, masked, axis) + UNIT_ROUNDOFF * rows[0].abs()
    rest = (v.rest + rounding) * UPWARD + LEAST_REST
    local = known(local) * UPWARD
    return TaylorModel(space, rows, known(rest)).with_errors(local.expand_as(rest))


def unit_vectors_norm(
    space: TaylorSpace, model: TaylorModel, axes: Any, keepdim: bool
) -> TaylorModel:
    """The Euclidean norm over axes."""
    n = int(np.prod([model.value.shape[a] for a in axes]))
    squares = through(Power(2.0), model).mapped(lambda z: z.sum(axes, keepdim=keepdim), None, n)
    return through(Power(0.5), squares)
