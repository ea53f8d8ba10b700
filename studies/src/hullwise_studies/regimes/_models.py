"""The models asked: their answers, the metric each has of its task, and its ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hullwise import RFMClassifier, RFMRegressor
from hullwise.errors import ModelError
from hullwise.metrics import agop, agop_of_rows

from .._types import Floats

ENSEMBLE_MEMBERS = 5  # of an ensemble, each on a bootstrap sample and with a seed of its own
TASK_METRIC_RIDGE = 1e-6  # share of the mean eigenvalue that every direction keeps, as in `agop`
AGOP_ROWS = 200  # training rows at which models other than networks are differentiated

GRID_MODELS: Mapping[str, str] = {
    "rfm": "hullwise.RFMRegressor and RFMClassifier as they are; metric: metric_",
    "boosting": "scikit-learn's HistGradientBoosting, 100 trees; metric: AGOP by differences of "
    "half a standard deviation",
    "mlp": "scikit-learn's MLP, 64-64 ReLU, 100 epochs of Adam (rate 0.005, batches of 100); "
    "metric: AGOP through its affine pieces",
    "knn": "scikit-learn's 5 nearest neighbours, weighted by distance; metric: agop_of_rows, from "
    "local linear fits, since its own answer has no gradient",
    "kernel_ridge": "scikit-learn's KernelRidge with a Gaussian kernel, ridge and width by 3-fold "
    "cross-validation; classes as indicators; metric: AGOP",
}
MODEL_TITLES = {
    "rfm": "RFM",
    "boosting": "boosting",
    "mlp": "MLP",
    "knn": "k-NN",
    "kernel_ridge": "kernel ridge",
}


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted model; `estimator` answers for standardised rows."""

    name: str
    estimator: Any
    classes: int

    def outputs(self, Q: Floats) -> Floats:
        """Predictions (m, 1), or shares of the classes (m, classes)."""
        return _outputs(self.estimator, Q, self.classes)

    def error(self, Q: Floats, truth: Floats) -> Floats:
        """|truth - prediction|, or 1 minus the share of the true class, (m,)."""
        outputs = self.outputs(Q)
        if not self.classes:
            return np.asarray(np.abs(outputs[:, 0] - truth))
        return np.asarray(1 - outputs[np.arange(len(Q)), truth.astype(int)])


def fit(name: str, Z: Floats, y: Floats, classes: int, seed: int) -> Fitted:
    """The model `name` on rows Z (n, d) and targets y (n,)."""
    return Fitted(name, _estimator(name, Z, y, classes, seed), classes)


def _estimator(name: str, Z: Floats, y: Floats, classes: int, seed: int) -> Any:
    if name == "kernel_ridge":
        return _kernel_ridge(Z, _target(y, classes))
    target = y.astype(int) if classes else y
    return _new(name, len(Z), classes, seed).fit(Z, target)


def _new(name: str, n: int, classes: int, seed: int) -> Any:
    from sklearn import ensemble, neighbors, neural_network

    if name == "rfm":
        return (RFMClassifier if classes else RFMRegressor)(random_state=seed)
    if name == "boosting":
        kind = "HistGradientBoosting" + ("Classifier" if classes else "Regressor")
        return getattr(ensemble, kind)(early_stopping=False, random_state=seed)
    if name == "mlp":
        net = neural_network.MLPClassifier if classes else neural_network.MLPRegressor
        return net(
            hidden_layer_sizes=(64, 64),
            learning_rate_init=5e-3,
            batch_size=min(100, n),
            max_iter=100,
            n_iter_no_change=1000,
            random_state=seed,
        )
    kind = neighbors.KNeighborsClassifier if classes else neighbors.KNeighborsRegressor
    return kind(weights="distance")


def _kernel_ridge(Z: Floats, T: Floats) -> Any:
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.model_selection import GridSearchCV, KFold

    d = Z.shape[1]
    choices = {"alpha": [1e-3, 1e-2, 1e-1, 1.0], "gamma": [g / d for g in (0.03, 0.1, 0.3, 1.0)]}
    folds = KFold(3, shuffle=True, random_state=0)
    search = GridSearchCV(
        KernelRidge(kernel="rbf"), choices, cv=folds, scoring="neg_mean_squared_error"
    )
    return search.fit(Z, T).best_estimator_


def _target(y: Floats, classes: int) -> Floats:
    """Numbers (n, 1), or indicators (n, classes)."""
    return np.eye(classes)[y.astype(int)] if classes else y.reshape(-1, 1)


def _outputs(estimator: Any, Q: Floats, classes: int) -> Floats:
    if not classes:
        return np.asarray(estimator.predict(Q)).reshape(len(Q), 1)
    if hasattr(estimator, "predict_proba"):
        shares = np.zeros((len(Q), classes))
        shares[:, estimator.classes_.astype(int)] = estimator.predict_proba(Q)
        return shares
    shares = np.clip(estimator.predict(Q), 0.0, 1.0)
    total = shares.sum(axis=1, keepdims=True)
    return np.where(total > 0, shares / np.where(total > 0, total, 1.0), 1 / classes)


def metric_of(model: Fitted, Z: Floats, y: Floats) -> Floats | None:
    """The metric of the task as the model has it, (d, d); None where nothing seems to matter."""
    if model.name == "rfm":
        M = model.estimator.metric_
        return np.asarray(M + TASK_METRIC_RIDGE * np.trace(M) / len(M) * np.eye(len(M)))
    try:
        if model.name == "knn":
            return agop_of_rows(Z, _target(y, model.classes))
        exact = model.name == "mlp"
        return agop(model.estimator, Z if exact else Z[:AGOP_ROWS])
    except ModelError:
        return None


def ensemble_variance(model: Fitted, Z: Floats, y: Floats, Q: Floats, seed: int) -> Floats:
    """Variance of the answers of models on bootstrap samples, mean over outputs, (m,)."""
    from sklearn.base import clone
    from sklearn.utils import resample

    members = []
    for k in range(ENSEMBLE_MEMBERS):
        draw = 1000 * (k + 1) + seed
        stratify = y if model.classes else None
        drawn_rows = resample(np.arange(len(Z)), random_state=draw, stratify=stratify)
        if model.name == "kernel_ridge":
            one = clone(model.estimator).fit(Z[drawn_rows], _target(y[drawn_rows], model.classes))
        else:
            one = _estimator(model.name, Z[drawn_rows], y[drawn_rows], model.classes, draw)
        members.append(_outputs(one, Q, model.classes))
    return np.asarray(np.var(members, axis=0).mean(axis=1))
