"""Jacobians by formula, against central differences of the same model."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import SVC, SVR

import hullwise as hw
from hullwise.metrics._jacobians import gradients_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4)) * [1, 2, 3, 1] + [0, 5, 0, 0]
Q = RNG.normal(size=(15, 4)) + np.array([0, 5, 0, 0])
Y = np.sin(X[:, 0]) + 0.3 * X[:, 1]
CLASSES = (X[:, 0] > 0).astype(int) + (X[:, 2] > 1)


def smooth(kind, **options):
    return kind(max_iter=40, random_state=0, **options)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize(
    ("model", "target", "function", "method"),
    [
        (KernelRidge(kernel="rbf", gamma=0.2), Y, "predict", "kernel"),
        (KernelRidge(kernel="rbf"), np.column_stack([Y, Y**2]), "predict", "kernel"),
        (SVR(), Y, "predict", "kernel"),
        (SVC(), CLASSES > 0, "decision_function", "kernel"),
        (hw.RFMRegressor(), Y, "predict", "kernel"),
        (hw.RFMRegressor(kernel="gaussian", bandwidth=3.0), Y, "predict", "kernel"),
        (smooth(MLPRegressor, activation="tanh"), Y, "predict", "activation"),
        (
            smooth(MLPRegressor, hidden_layer_sizes=(5, 4), activation="logistic"),
            Y,
            "predict",
            "activation",
        ),
        (smooth(MLPClassifier, activation="tanh"), CLASSES, "predict_log_proba", "activation"),
        (KernelRidge(kernel="laplacian"), Y, "predict", "differences"),
        (SVC(), CLASSES, "decision_function", "differences"),
    ],
)
def test_formulas_are_the_derivatives(model, target, function, method):
    model.fit(X, target)
    found = gradients_of(model, X, None)
    assert method in found.method
    J = np.concatenate(list(found.jacobians(Q)))
    near = np.concatenate(list(gradients_of(getattr(model, function), X, 1e-5).jacobians(Q)))
    if function == "predict_log_proba":  # the outputs but for what is common to all classes
        J, near = (one - one.mean(axis=1, keepdims=True) for one in (J, near))
    size = np.abs(near).max()
    np.testing.assert_allclose(
        J, near, atol=1e-3 * size if method == "differences" else 1e-7 * size
    )
