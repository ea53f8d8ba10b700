"""A fitted scikit-learn MLP, alone or behind scalers in a pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ModelError
from ._reading import Layers, checked, probes, refuse
from .network import Network

SCALERS = ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler")
OUTPUTS = ("softmax", "logistic")  # on top of the logits that are read


def read_sklearn(model: Any) -> Network:
    """A fitted MLPRegressor or MLPClassifier, or a pipeline of scalers and one of them."""
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except NotFittedError:
        raise ModelError(f"{type(model).__name__} is not fitted: call fit first") from None
    steps = [step for _, step in model.steps] if hasattr(model, "steps") else [model]
    *scalers, mlp = [step for step in steps if step is not None and step != "passthrough"]
    if not hasattr(mlp, "coefs_"):
        refuse(type(mlp).__name__, "scikit-learn estimator other than an MLP")
    build, at = Layers(((scalers or [mlp])[0].n_features_in_,)), 0
    for scaler in scalers:
        if type(scaler).__name__ not in SCALERS:
            refuse(type(scaler).__name__, "scikit-learn step other than " + ", ".join(SCALERS))
        if getattr(scaler, "clip", False):
            raise ModelError("MinMaxScaler(clip=True) is not read; use clip=False")
        zero = scaler.transform(np.zeros((1, build.shape(at)[0])))[0]
        one = scaler.transform(np.ones((1, build.shape(at)[0])))[0]
        at = build.scale(type(scaler).__name__, at, one - zero, zero)
    if mlp.activation not in ("relu", "identity"):
        refuse("hidden", f"MLP with the activation {mlp.activation!r}")
    for i, (W, b) in enumerate(zip(mlp.coefs_, mlp.intercepts_, strict=True)):
        at = build.linear(f"linear{i}", at, W.T, b)
        if i + 1 < len(mlp.coefs_) and mlp.activation == "relu":
            at = build.relu(f"relu{i}", at)
    outside = (f"{mlp.out_activation_} at the end",) if mlp.out_activation_ in OUTPUTS else ()
    net = build.network(at, type(mlp).__name__, outside)
    X = probes(net.input_shape)
    checked(net, X, _own(model, scalers, mlp, X), f"this {type(mlp).__name__}")
    return net


def _own(model: Any, scalers: list[Any], mlp: Any, X: Any) -> Any:
    """The model's own outputs, before the last activation."""
    if mlp.out_activation_ not in OUTPUTS:
        return model.predict(X)
    for scaler in scalers:
        X = scaler.transform(X)
    h = X
    for i, (W, b) in enumerate(zip(mlp.coefs_, mlp.intercepts_, strict=True)):
        h = h @ W + b
        if i + 1 < len(mlp.coefs_) and mlp.activation == "relu":
            h = np.maximum(h, 0)
    p = mlp.predict_proba(X)
    with np.errstate(over="ignore"):
        own = 1 / (1 + np.exp(-h[:, 0])) if h.shape[1] == 1 else None
    sure = p[:, 1] if own is not None else p.argmax(axis=1)
    same = np.allclose(sure, own) if own is not None else (h.argmax(axis=1) == sure).all()
    if not same:
        raise ModelError("this MLPClassifier's probabilities are not those of its layers")
    return h
