"""Rules of operators that are linear where the rest is constant, and of products."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ._normalizing_rules import times
from ._operator_call import OperatorCall, rule
from ._taylor_model import TaylorModel
from ._unary_functions import Power
from ._unary_rules import product, sum_of, through, total


def is_model(value: Any) -> bool:
    return isinstance(value, TaylorModel)


@rule(
    *("view", "_unsafe_view", "reshape", "transpose", "t", "permute", "expand", "select", "slice"),
    *("unsqueeze", "squeeze", "clone", "contiguous", "alias", "detach", "_to_copy", "flip", "roll"),
    *("index_select", "gather", "repeat", "lift_fresh_copy", "diagonal", "unfold", "expand_copy"),
    *("view_copy", "_reshape_alias", "flatten", "movedim", "take_along_dim", "constant_pad_nd"),
    *("reflection_pad1d", "reflection_pad2d", "replication_pad1d", "replication_pad2d", "tril"),
    *("triu", "narrow", "_reshape_copy", "slice_copy", "permute_copy", "transpose_copy"),
    *("unsqueeze_copy", "squeeze_copy", "select_copy", "pixel_shuffle", "pixel_unshuffle"),
    *("channel_shuffle", "upsample_nearest1d", "upsample_nearest2d", "_upsample_nearest_exact2d"),
)  # fmt: skip
def moves(call: OperatorCall) -> TaylorModel:
    """Entries change places, are repeated, or left out."""
    call.only("self", "input")
    place = "self" if "self" in call.arguments else "input"
    if call.get("value", 0) != 0:
        call.refuse("that fills in numbers")
    if call.name == "_to_copy":
        return call[place]  # type: ignore[no-any-return]
    reshaping = call.name in ("view", "_unsafe_view", "view_copy", "_reshape_alias")

    def move(z: Any) -> Any:
        return z.reshape(call["size"]) if reshaping else call.run(**{place: z})

    return call[place].mapped(move, None, 0)  # type: ignore[no-any-return]


@rule("split", "split_with_sizes", "unbind", "chunk", "unsafe_split", "split_copy", "unbind_copy")
def parts(call: OperatorCall) -> list[TaylorModel]:
    model: TaylorModel = call["self"]

    def part(i: int) -> Callable[[Any], Any]:
        return lambda z: call.run(self=z)[i]

    return [model.mapped(part(i), None, 0) for i in range(len(call.run(self=model.value)))]


@rule("index")
def index(call: OperatorCall) -> TaylorModel:
    """Entries by constant places."""
    if any(map(is_model, call["indices"])):
        call.refuse("at places that depend on the input")
    return call["self"].mapped(lambda z: call.run(self=z), None, 0)  # type: ignore[no-any-return]


@rule("cat", "stack", "concat")
def joined(call: OperatorCall) -> TaylorModel:
    space, place = call.space, "tensors"
    models = [as_model(space, part) for part in call[place]]
    return total(models, lambda tensors: call.run(**{place: tensors}))


@rule("select_scatter", "slice_scatter")
def written(call: OperatorCall) -> TaylorModel:
    whole, part = (as_model(call.space, call[name]) for name in ("self", "src"))
    first = whole.mapped(lambda z: call.run(self=z, src=part.value * 0), None, 0)
    second = part.mapped(lambda z: call.run(self=whole.value * 0, src=z), None, 0)
    return sum_of(first, second)


def as_model(space: Any, value: Any) -> TaylorModel:
    """A constant as a Taylor model."""
    if is_model(value):
        return value  # type: ignore[no-any-return]
    value = value.double()
    rows = value.new_zeros(space.n_rows, *value.shape)
    rows[0] = value
    return TaylorModel(space, rows, value.new_zeros(value.shape))


@rule("add", "sub", "rsub")
def added(call: OperatorCall) -> TaylorModel:
    one, other, alpha = call["self"], call["other"], float(call.get("alpha", 1))
    factors = {"add": (1.0, alpha), "sub": (1.0, -alpha), "rsub": (-alpha, 1.0)}[call.name]
    if is_model(one) and is_model(other):
        return sum_of(times(one, factors[0]), other, factors[1])
    model, constant = (one, other) if is_model(one) else (other, one)
    factor, weight = factors if is_model(one) else factors[::-1]
    model = model if factor == 1 else times(model, factor)
    tensor = call.space.torch.as_tensor(constant, dtype=call.space.torch.float64)
    return _broadcast(model, tensor).plus(weight * tensor)


def _broadcast(model: TaylorModel, constant: Any) -> TaylorModel:
    shape = np.broadcast_shapes(tuple(model.value.shape), tuple(constant.shape))
    if shape == tuple(model.value.shape):
        return model
    return model.mapped(lambda z: z.expand(shape), None, 0)


@rule("neg")
def negative(call: OperatorCall) -> TaylorModel:
    return call["self"].mapped(lambda z: -z, lambda z: z, 0)  # type: ignore[no-any-return]


@rule("mul")
def multiplied(call: OperatorCall) -> TaylorModel:
    one, other = call["self"], call["other"]
    if is_model(one) and is_model(other):
        if one is other:
            return through(Power(2.0), one)
        return product(one, other, lambda a, b: a * b)
    model, constant = (one, other) if is_model(one) else (other, one)
    return times(model, constant)


@rule("div")
def divided(call: OperatorCall) -> TaylorModel:
    one, other = call["self"], call["other"]
    if call.get("rounding_mode"):
        call.refuse("that rounds")
    if not is_model(other):
        divisor = call.space.torch.as_tensor(other, dtype=call.space.torch.float64)
        return one.mapped(lambda z: z / divisor, lambda z: z / divisor.abs(), 1)  # type: ignore[no-any-return]
    inverse = through(Power(-1.0), other)
    return product(one, inverse, lambda a, b: a * b) if is_model(one) else times(inverse, one)


@rule("sum", "mean")
def summed(call: OperatorCall) -> TaylorModel:
    model: TaylorModel = call["self"]
    axes = call.get("dim")
    axes = list(range(model.value.ndim)) if axes is None or axes == [] else np.atleast_1d(axes)
    n = prod(model.value.shape[int(a)] for a in axes)
    options = {**call.arguments, "dtype": None}
    return model.mapped(lambda z: call.operator(**{**options, "self": z}), None, n)


@rule("cumsum")
def running_sum(call: OperatorCall) -> TaylorModel:
    model: TaylorModel = call["self"]
    return model.mapped(lambda z: z.cumsum(call["dim"]), None, model.value.shape[call["dim"]])


@rule("mm", "bmm", "matmul", "mv", "dot")
def matrix_product(call: OperatorCall) -> TaylorModel:
    names = [name for name in ("self", "mat2", "vec", "other", "tensor") if name in call.arguments]
    return matmul(call, *(call[name] for name in names))


@rule("addmm", "baddbmm", "addmv")
def matrix_product_plus(call: OperatorCall) -> TaylorModel:
    pairs = {"addmm": ("mat1", "mat2"), "baddbmm": ("batch1", "batch2"), "addmv": ("mat", "vec")}
    factors = [call[name] for name in pairs[call.name]]
    bias, alpha, beta = call["self"], float(call.get("alpha", 1)), float(call.get("beta", 1))
    out = matmul(call, *factors) if any(map(is_model, factors)) else as_model(
        call.space, factors[0] @ factors[1]
    )  # fmt: skip
    out = out if alpha == 1 else times(out, alpha)
    if is_model(bias):
        return sum_of(out, bias, beta)
    return _broadcast(out, bias).plus(beta * bias)


def matmul(call: OperatorCall, one: Any, other: Any) -> TaylorModel:
    n = (one.value if is_model(one) else one).shape[-1]
    if is_model(one) and is_model(other):
        return product(one, other, lambda a, b: a @ b, n)
    if is_model(one):
        return one.mapped(lambda z: z @ other, lambda z: z @ other.abs(), n)  # type: ignore[no-any-return]
    return other.mapped(lambda z: one @ z, lambda z: one.abs() @ z, n)  # type: ignore[no-any-return]


@rule("convolution")
def convolution(call: OperatorCall) -> TaylorModel:
    call.only("input")
    weight, bias = call["weight"], call.get("bias")
    n = prod(weight.shape) // max(1, weight.shape[1 if call["transposed"] else 0])
    out: TaylorModel = call["input"].mapped(
        lambda z: call.run(input=z, bias=None),
        lambda z: call.run(input=z, bias=None, weight=weight.abs()), n,
    )  # fmt: skip
    if bias is None:
        return out
    return out.plus(bias.reshape(-1, *[1] * (out.value.ndim - 2)))


@rule(
    *("avg_pool1d", "avg_pool2d", "avg_pool3d", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d"),
    "adaptive_avg_pool1d",
)
def average_pool(call: OperatorCall) -> TaylorModel:
    model: TaylorModel = call["self"]
    return model.mapped(lambda z: call.run(self=z), None, prod(model.value.shape[2:]))


@rule("masked_fill")
def masked_fill(call: OperatorCall) -> TaylorModel:
    call.only("self")
    model, mask = call["self"], call["mask"]
    zeros = call.space.torch.zeros(mask.shape, dtype=call.space.torch.float64)
    fill = zeros.masked_fill(mask, call["value"])
    kept = _broadcast(model, mask).mapped(lambda z: z.masked_fill(mask, 0.0), None, 0)
    return kept.plus(fill)


@rule("where")
def chosen(call: OperatorCall) -> TaylorModel:
    torch, mask = call.space.torch, call["condition"]
    if is_model(mask):
        call.refuse("whose condition depends on the input")

    def side(value: Any, here: Any) -> Any:
        if is_model(value):
            return _broadcast(value, here).mapped(lambda z: torch.where(here, z, 0.0), None, 0)
        return torch.where(here, torch.as_tensor(value, dtype=torch.float64), 0.0)

    one, other = side(call["self"], mask), side(call["other"], ~mask)
    if is_model(one) and is_model(other):
        return sum_of(one, other)
    return one.plus(other) if is_model(one) else other.plus(one)  # type: ignore[no-any-return]
