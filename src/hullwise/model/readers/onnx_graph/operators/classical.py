"""Operators of ai.onnx.ml: what scalers and linear models of scikit-learn are written as."""

from __future__ import annotations

import math

import numpy as np

from ..call import Call
from ..registry import operator
from ..values import Signal, Value

ML = "ai.onnx.ml"


def _real(call: Call, i: int = 0) -> int:
    """Input i, which may also be whole numbers: these operators make them real."""
    value = call.value(i)
    if isinstance(value, Signal) and value.whole and value.table is None:
        return value.node
    return call.node(i)


@operator("Scaler", opsets=(1,), domain=ML)
def scaler(call: Call) -> Value:
    """(x - offset) scale, feature by feature."""
    offset, scale = (
        np.array(call.numbers(name, [d])) for name, d in (("offset", 0.0), ("scale", 1.0))
    )
    node = _real(call)
    n = call.shape()[-1] if call.shape() else 1
    if offset.size not in (1, n) or scale.size not in (1, n):
        call.cannot_run()
    return call.result(call.builder.scale(call.name, node, scale, -offset * scale))


@operator("Imputer", opsets=(1,), domain=ML)
def imputer(call: Call) -> Value:
    """Replaces NaN, which no row that is asked about has; other values would make jumps."""
    replaced = call.attributes.get("replaced_value_float")
    if (
        "imputed_value_floats" not in call.attributes
        or replaced is None
        or not math.isnan(replaced.f)
    ):
        call.refuse_jump("that replaces numbers")
    return call.result(_real(call))


@operator("ArrayFeatureExtractor", opsets=(1,), domain=ML, arrays=True)
def array_feature_extractor(call: Call) -> Value:
    """Columns, by constant places."""
    shape, places = call.shape(), np.asarray(call.constant(1)).ravel()
    if not shape or places.dtype.kind not in "iu" or not places.size:
        call.cannot_run()
    if not (places >= 0).all() or not (places < shape[-1]).all():
        call.invalid(f"a place lies outside {shape[-1]} columns")
    to = (*shape[:-1], len(places)) if len(shape) > 1 else (1, len(places))
    keeps_rows = len(shape) > 1
    return call.move(
        lambda a: np.take(a, places, axis=-1).reshape(-1, *to[1:]), to, keeps_rows=keeps_rows
    )


@operator("FeatureVectorizer", opsets=(1,), domain=ML)
def feature_vectorizer(call: Call) -> Value:
    """Columns side by side."""
    nodes = [_real(call, i) for i in range(len(call.inputs))]
    if any(len(call.shape(i)) != 2 for i in range(len(nodes))):
        call.cannot_run()
    sizes = call.integers("inputdimensions")
    if sizes is not None and sizes != [call.shape(i)[1] for i in range(len(nodes))]:
        call.invalid(f"its inputdimensions {sizes} are not those of its inputs")
    return call.result(call.builder.concat(call.name, nodes, 1))


@operator("LinearRegressor", opsets=(1,), domain=ML)
def linear_regressor(call: Call) -> Value:
    if call.text("post_transform", "NONE") != "NONE":
        call.refuse_curved(f"with post_transform {call.text('post_transform')}")
    targets, node = call.integer("targets", 1), _real(call)
    W, b = np.array(call.numbers("coefficients", [])), call.numbers("intercepts")
    n = call.shape()[-1] if call.shape() else 0
    if not n or targets < 1 or W.size != targets * n or (b is not None and len(b) != targets):
        call.cannot_run()
    return call.result(call.builder.linear(call.name, node, W.reshape(targets, n), b))


@operator("ZipMap", opsets=(1,), domain=ML, arrays=True)
def zip_map(call: Call) -> Value:
    """Columns with names: they keep their order."""
    return call.value()


def _only_behind(call: Call) -> Value:
    """Of probabilities (then it never comes here), or of constants."""
    call.refuse_jump("whose output is a label")


for _name, _opsets in {"Binarizer": (1,), "Normalizer": (1,), "LabelEncoder": (1, 2, 4)}.items():
    operator(_name, opsets=_opsets, domain=ML)(_only_behind)
