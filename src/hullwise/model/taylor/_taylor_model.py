"""Taylor models: polynomials of degree 1 or 2 around a point, with what they leave out bounded.

Makino & Berz (2003), Taylor models and other validated functional inclusion methods; errors of
nonlinear steps are noise symbols of affine arithmetic (de Figueiredo & Stolfi, 2004), so that later
layers may cancel them. An entry of a tensor is, for every t in the unit ball,

    value + sum_i a_i t_i + sum_{i <= j} p_ij t_i t_j + sum_k g_k s_k + rest,

with |s_k| <= 1, the same s_k in all entries, and |rest| <= `rest`. All rounding of the numbers
value, a, p and g is in `rest`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..._core.rounding import UNIT_ROUNDOFF

UPWARD = 1.0 + 2.0**-32  # of a bound, for the rounding of its own few operations and sums
LEAST_REST = 2.0**-1000  # more than what underflow takes away from an entry
MOST_SYMBOLS = 16_384  # noise symbols of a point; errors of later steps are intervals
SYMBOL_NUMBERS = 2**25  # of one tensor's rows: past that, too


@dataclass(eq=False)
class TaylorSpace:
    """What all Taylor models of one point share: the unit ball of t in `dimension` numbers.

    `norm` is 2 or infinity; `degree` 1 has no p. Where it is not `bounded`, only values and
    linear parts count.
    """

    torch: Any
    dimension: int
    norm: float
    degree: int
    bounded: bool = True
    n_symbols: int = 0  # of all models together: no two errors share one

    @cached_property
    def pairs(self) -> tuple[Any, Any]:
        """Places (p,) of the two factors of each p_ij."""
        torch, d = self.torch, self.dimension
        first, second = torch.triu_indices(d, d) if self.degree == 2 else torch.zeros(2, 0).long()
        return first, second

    @property
    def n_rows(self) -> int:
        """Rows of value, a and p; those of g come behind."""
        return 1 + self.dimension + len(self.pairs[0])

    @cached_property
    def pair_weights(self) -> Any:
        """Squares of the entries of the symmetric matrix that p is made of, by the squares of p."""
        first, second = self.pairs
        return self.torch.where(first == second, 1.0, 0.5).double()

    def linear_size(self, rows: Any) -> Any:
        """Bounds (*shape) of |sum_i a_i t_i| from the rows (d, *shape)."""
        if self.norm == 2:
            return (rows * rows).sum(0).sqrt() * UPWARD
        return rows.abs().sum(0) * UPWARD

    def quadratic_size(self, rows: Any) -> Any:
        """Bounds (*shape) of |sum p_ij t_i t_j| from the rows (p, *shape)."""
        if self.norm == 2:
            squares = self.torch.tensordot(self.pair_weights, rows * rows, 1)
            return squares.sqrt() * UPWARD
        return rows.abs().sum(0) * UPWARD

    def products(self, one: Any, other: Any) -> Any:
        """Rows (p, *shape) of (sum one_i t_i)(sum other_j t_j), entry by entry."""
        return self.combined(one, other, lambda a, b: a * b)

    def combined(self, one: Any, other: Any, bilinear: Callable[[Any, Any], Any]) -> Any:
        """The same for any product of two tensors; `bilinear` maps stacks of them."""
        first, second = self.pairs
        both = bilinear(one[first], other[second])
        if one is other:
            double = self.torch.where(first == second, 1.0, 2.0).double()
            return both * double.reshape(-1, *[1] * (both.ndim - 1))
        mirrored = bilinear(one[second], other[first])
        off = (first != second).double().reshape(-1, *[1] * (both.ndim - 1))
        return both + off * mirrored


@dataclass(frozen=True, eq=False)
class TaylorModel:
    """A tensor of Taylor models: rows (1 + d + p + k, *shape) of value, a, p, g; rest (*shape)."""

    space: TaylorSpace
    rows: Any
    rest: Any

    @property
    def value(self) -> Any:
        return self.rows[0]

    @property
    def linear(self) -> Any:
        return self.rows[1 : 1 + self.space.dimension]

    @property
    def quadratic(self) -> Any:
        return self.rows[1 + self.space.dimension : self.space.n_rows]

    @property
    def symbols(self) -> Any:
        return self.rows[self.space.n_rows :]

    @cached_property
    def linear_size(self) -> Any:
        return self.space.linear_size(self.linear)

    @cached_property
    def curved_size(self) -> Any:
        """Bounds (*shape) of all but value and linear part."""
        noise = self.symbols.abs().sum(0)
        return (self.space.quadratic_size(self.quadratic) + noise + self.rest) * UPWARD

    @cached_property
    def deviation(self) -> Any:
        """Bounds (*shape) of how far the entry is from its value."""
        return (self.linear_size + self.curved_size) * UPWARD

    @cached_property
    def size(self) -> Any:
        return (self.value.abs() + self.deviation) * UPWARD

    def plus(self, constant: Any) -> TaylorModel:
        """A constant is added; -inf (what a mask puts out) is taken as it is."""
        torch = self.space.torch
        value = self.value + constant
        rows = self.rows.expand(len(self.rows), *value.shape).clone()
        rows[0] = value
        rounding = torch.where(value.isinf(), 0.0, UNIT_ROUNDOFF * value.abs())
        return TaylorModel(self.space, rows, self.rest + rounding * UPWARD)

    def mapped(
        self, linear: Callable[[Any], Any], absolute: Callable[[Any], Any] | None, n_terms: int
    ) -> TaylorModel:
        """Through a linear map of tensors, and the map of the magnitudes of its numbers.

        `linear` takes one tensor; sums have `n_terms` terms. Where it only moves entries,
        `n_terms` is 0 and nothing is rounded.
        """
        rows = self.space.torch.vmap(linear)(self.rows)
        spread = linear if absolute is None else absolute
        rest = self.rest
        if n_terms:
            rest = rest + 2 * (n_terms + 2) * UNIT_ROUNDOFF * self.size + LEAST_REST
        return TaylorModel(self.space, rows, known(spread(rest) * (UPWARD if n_terms else 1.0)))

    def with_errors(self, local: Any) -> TaylorModel:
        """New errors (*shape) of entries: a noise symbol of each, for `rest` too, while few."""
        torch, n = self.space.torch, local.numel()
        if not self.space.bounded:
            return self
        both = known(self.rest + local) * UPWARD
        n_symbols = self.space.n_symbols + n
        too_many = n_symbols > MOST_SYMBOLS or (self.space.n_rows + n_symbols) * n > SYMBOL_NUMBERS
        if too_many or not bool(both.isfinite().all()):
            return replace(self, rest=both)
        older = padded(self.rows, self.space.n_rows + self.space.n_symbols)
        fresh = torch.diag(both.reshape(-1)).reshape(n, *both.shape)
        self.space.n_symbols += n
        return replace(self, rows=torch.cat([older, fresh]), rest=torch.zeros_like(both))

    def within(self, low: float, high: float) -> TaylorModel:
        """The same where it is known that entries are in [low, high] for all t."""
        torch, kept = self.space.torch, self.space.n_rows
        polynomial = (self.linear_size + self.space.quadratic_size(self.quadratic)) * UPWARD
        most = torch.maximum(high - self.value, self.value - low) + polynomial
        loose = ~(known(self.rows[kept:].abs().sum(0) + self.rest) <= most)
        if not bool(loose.any()):
            return self
        rows = self.rows.clone()
        rows[kept:] = torch.where(loose, 0.0, rows[kept:])
        return replace(self, rows=rows, rest=torch.where(loose, most * UPWARD, self.rest))


def known(bound: Any) -> Any:
    """Bounds of which nothing is known (infinity times 0) are infinite."""
    return bound.nan_to_num(nan=np.inf, posinf=np.inf)


def padded(rows: Any, n: int) -> Any:
    """Rows with zeros for the noise symbols that are newer than the model."""
    if len(rows) == n:
        return rows
    out = rows.new_zeros(n, *rows.shape[1:])
    out[: len(rows)] = rows
    return out
