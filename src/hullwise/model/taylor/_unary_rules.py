"""A function of one number applied to every entry of a Taylor model."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._core.rounding import UNIT_ROUNDOFF
from ._taylor_model import LEAST_REST, UPWARD, TaylorModel, known, padded
from ._unary_functions import UnaryFunction


def through(function: UnaryFunction, model: TaylorModel) -> TaylorModel:
    """Taylor models of f(z) from those of z, by the tangent or the parabola of f at the value.

    With z = c + l + q, l linear in t, the parabola's f'' l^2 / 2 is kept and f''(2 l q + q^2) / 2
    is an error, beside the remainder of f itself.
    """
    space, torch = model.space, model.space.torch
    c, D = model.value.numpy(), model.deviation.numpy()
    jet = function.jet(c)
    tangent_off, parabola_off = function.remainders(c, D, jet)
    slope, bend = torch.as_tensor(jet.slope), torch.as_tensor(jet.bend)
    rows = model.rows * slope
    rows[0] = torch.as_tensor(jet.value)
    if space.degree == 2:
        curved, linear = model.curved_size.numpy(), model.linear_size.numpy()
        kept = 1 + space.dimension
        rows[kept : space.n_rows] += bend / 2 * space.products(model.linear, model.linear)
        local = parabola_off + np.abs(jet.bend) * (linear * curved + curved * curved / 2)
    else:
        local = tangent_off
    with np.errstate(all="ignore"):
        rounding = (
            jet.value_error + jet.slope_error * D + jet.bend_error * D * D
            + 8 * UNIT_ROUNDOFF * (np.abs(jet.slope) * D + np.abs(jet.bend) * D * D)
        )  # fmt: skip
        rest = model.rest * torch.as_tensor(np.abs(jet.slope) + jet.slope_error)
    rest = (rest + torch.as_tensor(rounding)) * UPWARD + LEAST_REST
    return TaylorModel(space, rows, known(rest)).with_errors(known(torch.as_tensor(local)) * UPWARD)


def product(one: TaylorModel, other: TaylorModel, bilinear: Any, n_terms: int = 1) -> TaylorModel:
    """A product of two Taylor models: entry by entry, or of matrices (`bilinear` of tensors)."""
    space, torch = one.space, one.space.torch
    n = max(len(one.rows), len(other.rows))
    first, second = (padded(m.rows, n) for m in (one, other))
    rows = _over_rows(torch, bilinear, first, other.value, 0)
    rows = rows + _over_rows(torch, bilinear, one.value, second, 1)
    value = bilinear(one.value, other.value)
    rows[0] = value
    sizes = [
        (m.value.abs(), m.linear_size, m.curved_size, m.deviation, m.size) for m in (one, other)
    ]
    (c1, l1, q1, D1, M1), (c2, l2, q2, D2, M2) = sizes
    if space.degree == 2:
        kept = 1 + space.dimension
        pairs = torch.vmap(bilinear)
        rows[kept : space.n_rows] += space.combined(one.linear, other.linear, pairs)
        local = bilinear(l1, q2) + bilinear(q1, D2)
    else:
        local = bilinear(D1, D2)
    rest = bilinear(one.rest, c2) + bilinear(c1, other.rest)
    rest = rest + 2 * (n_terms + 4) * UNIT_ROUNDOFF * bilinear(M1, M2) + LEAST_REST
    return TaylorModel(space, rows, known(rest * UPWARD)).with_errors(known(local) * UPWARD)


def total(models: list[TaylorModel], operator: Any) -> TaylorModel:
    """An operator that takes a list of tensors and moves their entries: cat, stack."""
    space, n = models[0].space, max(len(m.rows) for m in models)
    torch = space.torch
    rows = torch.vmap(lambda *parts: operator(list(parts)))(*(padded(m.rows, n) for m in models))
    return TaylorModel(space, rows, operator([m.rest for m in models]))


def sum_of(one: TaylorModel, other: TaylorModel, factor: float = 1.0) -> TaylorModel:
    """one + factor * other, with the broadcasting of tensors."""
    n = max(len(one.rows), len(other.rows))
    shape = np.broadcast_shapes(tuple(one.value.shape), tuple(other.value.shape))
    first, second = (_spread(padded(m.rows, n), shape) for m in (one, other))
    size = one.size + abs(factor) * other.size
    rest = one.rest + abs(factor) * other.rest + 4 * UNIT_ROUNDOFF * size
    return TaylorModel(one.space, first + factor * second, known(rest * UPWARD))


def _spread(rows: Any, shape: tuple[int, ...]) -> Any:
    """Rows (n, *own) as (n, *shape), axes in front of `own` added behind the first."""
    own = rows.shape[1:]
    return rows.reshape(len(rows), *[1] * (len(shape) - len(own)), *own).expand(-1, *shape)


def _over_rows(torch: Any, bilinear: Any, one: Any, other: Any, place: int) -> Any:
    return torch.vmap(bilinear, in_dims=(None, 0) if place else (0, None))(one, other)
