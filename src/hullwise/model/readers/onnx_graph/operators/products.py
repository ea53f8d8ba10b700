"""Matrix products with constants."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....affine_layers import Concat
from ..call import SLICES_OF_A_ROW, Call
from ..registry import operator
from ..values import Constant, Value
from .movements import broadcast_shape


@operator("Gemm", opsets=(1, 6, 7, 9, 11, 13))
def gemm(call: Call) -> Value:
    """alpha A B + beta C, A and B turned where told."""
    if any(len(call.shape(i)) != 2 for i in (0, 1)):
        call.invalid(f"it multiplies {call.shape(0)} by {call.shape(1)}")
    turned = [bool(call.integer(name, 0)) for name in ("transA", "transB")]
    if len([i for i in call.signals() if i < 2]) == 2:
        call.refuse_curved("as a product of two branches")
    node = _gemm_product(call, turned)
    if call.has(2):
        beta = call.number("beta", 1.0)
        if call.is_constant(2):
            offset = call.per_row(call.constant(2), 2)
            node = call.builder.scale(f"{call.name} (offset)", node, 1.0, beta * offset)
        else:
            node = call.builder.weighted_sum(call.name, [node, call.node(2)], (1.0, beta))
    return call.result(node)


def _gemm_product(call: Call, turned: list[bool]) -> int:
    """alpha A B as one layer where C is a row of offsets, which it then takes along."""
    alpha, builder, name = call.number("alpha", 1.0), call.builder, call.name
    from_left = call.is_constant(0)
    signals = 1 if from_left else 0
    W = call.constant(0 if from_left else 1)
    W = W.T if turned[0 if from_left else 1] else W
    W = W if alpha == 1 else alpha * W
    if signals not in call.signals():
        call.refuse("of constants plus a branch")
    node = call.node(signals)
    if call.n_rows > 1 and (from_left or turned[0]):
        call.mixes_rows()
    if turned[signals]:
        node = builder.swap_last_axes(f"{name} (turned)", node)
    inner = builder.shape(node)[0 if from_left else 1]
    if W.shape[1 if from_left else 0] != inner:
        call.cannot_run()
    if not from_left:
        return builder.linear(name, node, W.T, _taken_offset(call, W.shape[1]))
    node = builder.linear(name, builder.swap_last_axes(f"{name} (turn)", node), W)
    return builder.swap_last_axes(f"{name} (back)", node)


def _taken_offset(call: Call, n: int) -> Any:
    """beta C where it is a row: the product takes it along, and it is no input any more."""
    if not call.has(2) or not call.is_constant(2):
        return None
    C = np.asarray(call.constant(2), dtype=np.float64)
    C = C[0] if C.ndim == 2 and len(C) == 1 else C
    if C.ndim > 1 or C.size not in (1, n):
        return None
    call.inputs[2] = None
    return np.broadcast_to(call.number("beta", 1.0) * C.reshape(-1), (n,))


@operator("MatMul", opsets=(1, 9, 13))
def matmul(call: Call) -> Value:
    if len(call.signals()) == 2:
        call.refuse_curved("as a product of two branches")
    from_left = call.is_constant(0)
    W = np.asarray(call.constant(0 if from_left else 1))
    node = call.node(1 if from_left else 0)
    shape, rank = call.builder.shape(node), len(call.shape(1 if from_left else 0))
    contracted = max(rank - 2, 0) if from_left else rank - 1
    if not shape or not W.ndim:
        call.invalid("it multiplies a single number")
    if W.shape[-1 if from_left else max(W.ndim - 2, 0)] != shape[contracted]:
        call.cannot_run()
    if contracted == 0 or W.ndim > max(rank, 2):
        call.require_own_axis(0)
    if W.ndim > 2:
        return call.result(_many_products(call, node, W, from_left))
    return call.result(_product(call, node, W, from_left))


def _product(call: Call, node: int, W: Any, from_left: bool) -> int:
    """A node of shape (..., k) or (..., k, n) with a matrix or vector."""
    builder, name = call.builder, call.name
    shape = builder.shape(node)
    if len(shape) == 1 or not from_left:
        matrix = W if from_left else W.T
        out = builder.linear(name, node, matrix if W.ndim == 2 else W[None])
        return out if W.ndim == 2 else builder.rearrange(f"{name} (shape)", out, None, shape[:-1])
    out = builder.along_axis(name, node, len(shape) - 2, W if W.ndim == 2 else W[None])
    if W.ndim == 2:
        return out
    return builder.rearrange(f"{name} (shape)", out, None, (*shape[:-2], shape[-1]))


def _many_products(call: Call, node: int, W: Any, from_left: bool) -> int:
    """A stack of matrices (..., k, n): slice by slice."""
    builder, shape = call.builder, call.builder.shape(node)
    vector = len(shape) == 1
    matrix = (shape[0], 1) if vector and from_left else (1, shape[0]) if vector else shape[-2:]
    stack = broadcast_shape(call, shape[:-2], W.shape[:-2])
    count = math.prod(stack)
    if count > SLICES_OF_A_ROW:
        call.refuse(f"of {count:,} matrices for one row")
    node = builder.rearrange(call.name, node, None, (*shape[:-2], *matrix))
    node = builder.broadcast(f"{call.name} (broadcast)", node, (*stack, *matrix))
    matrices = np.broadcast_to(W, (*stack, *W.shape[-2:])).reshape(count, *W.shape[-2:])
    size, out = math.prod(matrix), []
    for j, one in enumerate(matrices):
        part = builder.rearrange(call.name, node, np.arange(j * size, (j + 1) * size), matrix)
        part = _product(call, part, one, from_left)
        out.append(builder.rearrange(call.name, part, None, (1, *builder.shape(part))))
    joined = builder.add(f"{call.name} (joined)", Concat(0), *out)
    rest = builder.shape(joined)[1:]
    if vector:
        rest = rest[:1] if from_left else rest[1:]
    return builder.rearrange(f"{call.name} (shape)", joined, None, (*stack, *rest))


@operator("Einsum", opsets=(12, 28), arrays=True)
def einsum(call: Call) -> Value:
    """With constants, affine in its one branch: by its answers to unit inputs."""
    terms, out = _einsum_terms(call)
    if not call.signals():
        return Constant(_einsum(call, terms, out, [call.constant(i) for i in range(len(terms))]))
    if len(call.signals()) != 1:
        call.refuse_curved("as a product of two branches")
    (own,) = call.signals()
    if call.n_rows > 1:
        row = terms[own][:1]
        others = "".join(term for i, term in enumerate(terms) if i != own)
        if row == "." or out[:1] != row or row in others or terms[own].count(row) > 1:
            call.mixes_rows()
    unit = next(c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in "".join([*terms, out]))
    terms[own] = unit + terms[own]
    operands: list[Any] = [None if i == own else call.constant(i) for i in range(len(terms))]

    def evaluate(x: Any) -> Any:
        operands[own] = x
        return _einsum(call, terms, unit + out, operands)

    return call.result(call.builder.from_unit_rows(call.name, call.node(own), evaluate))


def _einsum_terms(call: Call) -> tuple[list[str], str]:
    equation = call.text("equation").replace(" ", "")
    inputs, arrow, out = equation.partition("->")
    terms = inputs.split(",")
    letters = inputs.replace("...", "").replace(",", "")
    if len(terms) != len(call.inputs) or not all(c.isascii() and c.isalpha() for c in letters):
        call.invalid(f"its equation is {equation[:80]!r}")
    if not arrow:
        once = sorted(c for c in set(letters) if letters.count(c) == 1)
        out = ("..." if "..." in inputs else "") + "".join(once)
    return terms, out


def _einsum(call: Call, terms: list[str], out: str, operands: list[Any]) -> Any:
    sizes: dict[str, int] = {}
    for term, operand in zip(terms, operands, strict=True):
        named = term.replace("...", "")
        free = math.prod(np.shape(operand)) if "..." in term else 1
        sizes["..."] = max(sizes.get("...", 1), free)
        if "..." not in term:
            sizes.update(zip(named, np.shape(operand), strict=False))
    call.reading.limits.count_products(math.prod(sizes.values()), call.name)
    try:
        return np.einsum(",".join(terms) + "->" + out, *operands)
    except ValueError:
        call.cannot_run()
