"""Rules of activations, powers, softmax and norms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import smooth_functions as smooth
from ..output_activations import SELU_ALPHA, SELU_SCALE
from ._affine_rules import is_model
from ._normalizing_rules import (
    centred,
    log_softmax,
    mean_of,
    normalized,
    softmax,
    times,
    unit_vectors_norm,
)
from ._operator_call import OperatorCall, rule
from ._taylor_model import TaylorModel
from ._unary_functions import (
    BrokenLine,
    ErrorFunction,
    Exponential,
    Logarithm,
    Power,
    SmoothUnit,
    UnaryFunction,
    Wave,
)
from ._unary_rules import product, sum_of, through

SOFTPLUS_THRESHOLD = 20.0  # where torch's softplus becomes a line, if it is asked for no other

UNARY_FUNCTIONS: dict[str, Callable[[], UnaryFunction]] = {
    "exp": Exponential,
    "log": Logarithm,
    "sqrt": lambda: Power(0.5),
    "rsqrt": lambda: Power(-0.5),
    "reciprocal": lambda: Power(-1.0),
    "square": lambda: Power(2.0),
    "sin": lambda: Wave(0),
    "cos": lambda: Wave(1),
    "erf": ErrorFunction,
    "tanh": lambda: SmoothUnit(smooth.tanh()),
    "sigmoid": lambda: SmoothUnit(smooth.sigmoid()),
    "silu": lambda: SmoothUnit(smooth.silu()),
    "mish": lambda: SmoothUnit(smooth.mish()),
    "hardswish": lambda: SmoothUnit(smooth.hardswish()),
    "relu": lambda: _clipped(0.0, np.inf),
    "relu6": lambda: _clipped(0.0, 6.0),
    "abs": lambda: BrokenLine((0.0,), (-1.0, 1.0), np.abs),
    "hardsigmoid": lambda: BrokenLine(
        (-3.0, 3.0), (0.0, 1 / 6, 0.0), lambda z: np.clip(z + 3, 0, 6) / 6
    ),
}  # fmt: skip


def _clipped(low: float, high: float) -> BrokenLine:
    ends = [(low, 0), (high, 1)]
    knots = tuple(t for t, _ in ends if np.isfinite(t))
    slopes = (*([0.0] if np.isfinite(low) else []), 1.0, *([0.0] if np.isfinite(high) else []))
    return BrokenLine(knots, slopes, lambda z: np.clip(z, low, high))


@rule(*UNARY_FUNCTIONS)
def unary(call: OperatorCall) -> TaylorModel:
    return through(UNARY_FUNCTIONS[call.name](), call["self"])


@rule("gelu")
def gelu(call: OperatorCall) -> TaylorModel:
    rough = call.get("approximate", "none") == "tanh"
    function = smooth.gelu_tanh() if rough else smooth.gelu()
    return through(SmoothUnit(function), call["self"])


@rule("expm1")
def exponential_minus_one(call: OperatorCall) -> TaylorModel:
    return through(Exponential(), call["self"]).plus(-1.0)


@rule("log1p")
def logarithm_of_one_plus(call: OperatorCall) -> TaylorModel:
    return through(Logarithm(), call["self"].plus(1.0))


@rule("softplus")
def softplus(call: OperatorCall) -> TaylorModel:
    beta, end = float(call.get("beta", 1.0)), float(call.get("threshold", SOFTPLUS_THRESHOLD))
    return through(SmoothUnit(smooth.softplus(beta), end / beta), call["self"])


@rule("log_sigmoid_forward", "log_sigmoid")
def log_sigmoid(call: OperatorCall) -> Any:
    out = times(through(SmoothUnit(smooth.softplus()), times(call["self"], -1.0)), -1.0)
    return [out, None] if call.name.endswith("forward") else out


@rule("elu", "selu", "celu")
def elu(call: OperatorCall) -> TaylorModel:
    alpha, scale, rate = (float(call.get(n, 1.0)) for n in ("alpha", "scale", "input_scale"))
    if call.name == "selu":
        alpha, scale = SELU_ALPHA, SELU_SCALE
    if call.name == "celu":
        rate = 1 / alpha
    return through(SmoothUnit(smooth.elu(alpha, scale, rate)), call["self"])


@rule("leaky_relu", "_prelu_kernel", "prelu")
def leaky_relu(call: OperatorCall) -> TaylorModel:
    if call.name != "leaky_relu":  # a z + (1 - a) relu(z), with a slope for each channel
        z, a = call["self"], call["weight"]
        if call.name == "prelu" and a.numel() > 1:
            a = a.reshape(-1, *[1] * (z.value.ndim - 2))
        positive = through(_clipped(0.0, np.inf), z)
        return sum_of(times(z, a), times(positive, 1 - a))
    slope = float(call.get("negative_slope", 0.01))
    return through(
        BrokenLine((0.0,), (slope, 1.0), lambda z: np.where(z > 0, z, slope * z)), call["self"]
    )


@rule("softshrink")
def soft_shrink(call: OperatorCall) -> TaylorModel:
    end = float(call.get("lambd", 0.5))
    return through(
        BrokenLine((-end, end), (1.0, 0.0, 1.0), lambda z: z - np.clip(z, -end, end)), call["self"]
    )


@rule("clamp", "hardtanh", "clamp_min", "clamp_max")
def clamp(call: OperatorCall) -> TaylorModel:
    low, high = call.get("min", -np.inf), call.get("max", np.inf)
    if call.name == "hardtanh":
        low, high = call.get("min_val", -1.0), call.get("max_val", 1.0)
    if any(is_model(end) or np.ndim(end) for end in (low, high)):
        call.refuse("between tensors")
    if not np.isfinite(low) and not np.isfinite(high):
        return call["self"]  # type: ignore[no-any-return]
    return through(_clipped(float(low), float(high)), call["self"])


@rule("maximum", "minimum", "fmax", "fmin")
def extreme(call: OperatorCall) -> TaylorModel:
    """max(a, b) = b + relu(a - b), min(a, b) = a - relu(a - b)."""
    from ._affine_rules import as_model

    one, other = as_model(call.space, call["self"]), as_model(call.space, call["other"])
    positive = through(_clipped(0.0, np.inf), sum_of(one, other, -1.0))
    if "max" in call.name:
        return sum_of(positive, other)
    return sum_of(one, positive, -1.0)


@rule("pow")
def power(call: OperatorCall) -> TaylorModel:
    exponent = call["exponent"]
    if is_model(exponent) or np.ndim(exponent) or not is_model(call["self"]):
        call.refuse("with an exponent that is no number")
    if exponent in (0, 1):
        return times(call["self"], 1.0) if exponent else call["self"] * 0
    return through(Power(float(exponent)), call["self"])


@rule("glu")
def gated(call: OperatorCall) -> TaylorModel:
    axis = int(call.get("dim", -1))
    value, gate = (call["self"].mapped(lambda z, i=i: z.chunk(2, axis)[i], None, 0) for i in (0, 1))
    return product(value, through(SmoothUnit(smooth.sigmoid()), gate), lambda a, b: a * b)


@rule("_softmax", "_safe_softmax", "softmax")
def softmax_along(call: OperatorCall) -> Any:
    return softmax(call["self"], _axis(call), call.frozen)


@rule("_log_softmax", "log_softmax")
def log_softmax_along(call: OperatorCall) -> TaylorModel:
    return log_softmax(call["self"], _axis(call))


def _axis(call: OperatorCall) -> int:
    ndim: int = call["self"].value.ndim
    return int(call["dim"]) % ndim - ndim  # from the end: stacks have an axis in front


@rule("native_layer_norm", "_fused_rms_norm", "rms_norm")
def layer_norm(call: OperatorCall) -> Any:
    call.only("input")
    axes = [-1 - i for i in range(len(call["normalized_shape"]))]
    eps = call.get("eps", np.finfo(np.float64).eps)
    centering = call.name == "native_layer_norm"
    out = normalized(call["input"], axes, float(eps), centering, call.frozen)
    out = _scaled(out, call.get("weight"), call.get("bias"))
    return out if call.name == "rms_norm" else [out, None, None]


@rule("native_group_norm")
def group_norm(call: OperatorCall) -> list[Any]:
    """N, C, HxW of the call are those of the row alone."""
    call.only("input")
    model: TaylorModel = call["input"]
    shape, groups = model.value.shape, int(call["group"])
    grouped = model.mapped(lambda z: z.reshape(shape[0], groups, -1), None, 0)
    out = normalized(grouped, [-1], float(call["eps"]), True, call.frozen)
    out = out.mapped(lambda z: z.reshape(shape), None, 0)
    each = (-1, *[1] * (len(shape) - 2))
    weight, bias = call.get("weight"), call.get("bias")
    weight = None if weight is None else weight.reshape(each)
    return [_scaled(out, weight, None if bias is None else bias.reshape(each)), None, None]


def _scaled(model: TaylorModel, weight: Any, bias: Any) -> TaylorModel:
    model = model if weight is None else times(model, weight)
    return model if bias is None else model.plus(bias)


@rule(
    *("native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm"),
    "_native_batch_norm_legit",
)
def batch_norm(call: OperatorCall) -> list[Any]:
    """At rest; with statistics of its own it is an instance norm of the row."""
    call.only("input")
    model: TaylorModel = call["input"]
    each = (-1, *[1] * (model.value.ndim - 2))
    weight, bias = call.get("weight"), call.get("bias")
    weight, bias = (None if a is None else a.reshape(each) for a in (weight, bias))
    mean, variance = call.get("running_mean"), call.get("running_var")
    eps = float(call.get("eps", 1e-5))
    if call.get("training", call.get("train", False)) or mean is None:
        axes = [0, *range(2, model.value.ndim)]
        out = normalized(model, axes, eps, True, call.frozen)
    else:
        out = times(model.plus(-mean.reshape(each)), (variance + eps).rsqrt().reshape(each))
    return [_scaled(out, weight, bias), None, None]


@rule("var", "var_mean", "std")
def variance(call: OperatorCall) -> Any:
    model: TaylorModel = call["self"]
    axes = call.get("dim")
    axes = [int(a) for a in (range(model.value.ndim) if axes is None else np.atleast_1d(axes))]
    n = int(np.prod([model.value.shape[a] for a in axes]))
    left = float(call.get("correction", 1)) if call.get("unbiased", True) else 0.0
    keepdim = bool(call.get("keepdim", False))
    squares = through(Power(2.0), centred(model, 1.0 / n, axes))
    out = times(mean_of(squares, axes, keepdim), n / (n - left))
    if call.name == "std":
        return through(Power(0.5), out)
    return [out, mean_of(model, axes, keepdim)] if call.name == "var_mean" else out


@rule("linalg_vector_norm", "norm")
def vector_norm(call: OperatorCall) -> TaylorModel:
    model: TaylorModel = call["self"]
    if float(call.get("ord", call.get("p", 2))) != 2:
        call.refuse("of another order than 2")
    axes = call.get("dim")
    axes = [int(a) for a in (range(model.value.ndim) if axes is None else np.atleast_1d(axes))]
    return unit_vectors_norm(call.space, model, axes, bool(call.get("keepdim", False)))
