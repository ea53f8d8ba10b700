"""A fitted scikit-learn MLP, alone or behind scalers in a pipeline."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np

from ..._core.types import Floats
from ..._core.wording import first_line
from ...errors import HullwiseError, ModelError
from ..output_activations import OutputActivation
from ..smooth_functions import sigmoid, tanh
from ._layer_builder import LayerBuilder
from ._left_out import ReadModel
from ._options import ReadOptions
from ._refusals import Refusal, probe_rows, refuse, require_same_outputs

SKLEARN_SCALERS = ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "PCA")
# of the last layer, behind the outputs that are read; None: nothing
SKLEARN_OUTPUT_ACTIVATIONS = {
    **{"identity": None, "softmax": "softmax", "logistic": "sigmoid", "exp": "exp"},
    "tanh": "tanh",
}


def read_sklearn(model: Any, options: ReadOptions) -> ReadModel:
    """A fitted MLPRegressor or MLPClassifier, or a pipeline of scalers and one of them."""
    title = type(model).__name__
    try:
        options.require_one_input(f"a {title}")
        return _read(model, options.upto, options.unit_error)
    except HullwiseError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ModelError(
            f"this {title} cannot be read, its parts do not fit together: {first_line(error)}"
        ) from None


def _read(model: Any, upto: str | None, error: float | None) -> ReadModel:
    *scalers, mlp = _flat_steps(model)
    _require_fitted([*scalers, mlp])
    if not hasattr(mlp, "coefs_"):
        refuse(type(mlp).__name__, "scikit-learn estimator other than an MLP", part=False)
    smooth = {"tanh": tanh, "logistic": sigmoid}
    if mlp.activation not in ("relu", "identity", *smooth):
        refuse("hidden", f"MLP with the activation {mlp.activation!r}", Refusal.CURVED, part=False)
    if mlp.out_activation_ not in SKLEARN_OUTPUT_ACTIVATIONS:
        refuse("output", f"MLP with the output function {mlp.out_activation_!r}", part=False)
    builder, node = LayerBuilder(((*scalers, mlp)[0].n_features_in_,)), 0
    builder.unit_error = error
    for scaler in scalers:
        node = _add_scaler(builder, scaler, node)
    for i, (W, b) in enumerate(zip(mlp.coefs_, mlp.intercepts_, strict=True)):
        node = builder.linear(f"linear{i}", node, W.T, b)
        if i + 1 < len(mlp.coefs_) and mlp.activation == "relu":
            node = builder.relu(f"relu{i}", node)
        elif i + 1 < len(mlp.coefs_) and mlp.activation in smooth:
            node = builder.smooth(
                f"{mlp.activation}{i}", mlp.activation, node, smooth[mlp.activation]
            )
    last = SKLEARN_OUTPUT_ACTIVATIONS[mlp.out_activation_]
    activations = () if last is None else (OutputActivation(last),)
    net = builder.network(node, type(mlp).__name__, activations)
    X = probe_rows(net.input_shape)
    require_same_outputs(net, X, _logits_of(scalers, mlp, X), f"this {type(mlp).__name__}")
    if upto is None:
        return ReadModel(net, [] if last is None else [(last, "")])
    names = [node.name for node in builder.nodes]
    if upto not in names[1:]:
        raise ModelError(f"there is no layer {upto!r}; there are {', '.join(names[1:])}")
    before = builder.nodes[names.index(upto)].inputs[0]
    return ReadModel(builder.network(before, type(mlp).__name__))


def _require_fitted(steps: list[Any]) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    for step in steps:
        try:
            check_is_fitted(step)
        except NotFittedError:
            raise ModelError(f"{type(step).__name__} is not fitted: call fit first") from None


def _flat_steps(model: Any) -> list[Any]:
    """The steps of a pipeline, and of those inside it, that do something."""
    if not hasattr(model, "steps"):
        return [model]
    steps = [step for _, step in model.steps if step not in (None, "passthrough")]
    return [inner for step in steps for inner in _flat_steps(step)]


def _add_scaler(builder: LayerBuilder, scaler: Any, node: int) -> int:
    """A scaler as it is stored: asking it for answers would round a mean far from zero."""
    kind, n = type(scaler).__name__, builder.shape(node)[0]
    if kind == "PCA":
        W = np.asarray(scaler.components_, dtype=np.float64)
        if scaler.whiten:
            W = W / np.sqrt(scaler.explained_variance_)[:, None]
        return builder.linear(kind, node, W, -W @ scaler.mean_)
    if kind not in SKLEARN_SCALERS:
        refuse(kind, "scikit-learn step other than " + ", ".join(SKLEARN_SCALERS), part=False)
    if kind == "MinMaxScaler":
        node = builder.scale(kind, node, scaler.scale_, scaler.min_)
        return builder.clip(f"{kind} (clip)", node, *scaler.feature_range) if scaler.clip else node
    a = 1 / _stored_parameter(scaler, "scale_", 1.0, n)
    centre = _stored_parameter(scaler, "center_" if kind == "RobustScaler" else "mean_", 0.0, n)
    if kind == "StandardScaler" and not scaler.with_mean:
        centre = np.zeros(n)
    return builder.scale(kind, node, a, -a * centre)


def _stored_parameter(scaler: Any, name: str, default: float, n: int) -> Floats:
    value = getattr(scaler, name, None)
    return np.full(n, default) if value is None else np.asarray(value, dtype=np.float64)


def _logits_of(scalers: list[Any], mlp: Any, X: Floats) -> Any:
    """The model's own outputs, before the last activation."""
    headless = copy.copy(mlp)
    headless.out_activation_ = "identity"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the rows have no column names
        for scaler in scalers:
            X = np.asarray(scaler.transform(X), dtype=np.float64)
        if not hasattr(mlp, "predict_proba"):
            return headless.predict(X)
        outputs = headless.predict_proba(X)
        return outputs[:, 1] if mlp.n_outputs_ == 1 else outputs  # two classes: (1 - z, z)
