"""scikit-learn MLPs, alone and behind scalers."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

import hullwise as hw

rng = np.random.default_rng(0)
X = rng.normal(size=(80, 3)) * [1, 10, 100] + 5
y = np.abs(X[:, 0]) + X[:, 1] / 10
LABELS = (y > np.median(y)).astype(int) + (y > 6.5)
FAST = {"solver": "lbfgs", "max_iter": 20, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore:lbfgs failed")


def fitted(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it need not converge
        return model.fit(X, y)


@pytest.mark.parametrize("target", [y, np.c_[y, -2 * y]], ids=["one", "two"])
def test_regressors(target):
    mlp = make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(8, 5), **FAST)).fit(
        X, target
    )
    net = hw.model.read(mlp)
    np.testing.assert_allclose(net(X), mlp.predict(X).reshape(len(X), -1), rtol=1e-10)
    assert net.n_units == 13
    assert not net.output_activations


@pytest.mark.parametrize("labels", [LABELS, LABELS > 0], ids=["three", "two"])
@pytest.mark.parametrize("scaler", [MinMaxScaler(), "passthrough"], ids=str)
def test_classifiers_give_logits(labels, scaler):
    mlp = make_pipeline(scaler, MLPClassifier(hidden_layer_sizes=(8,), **FAST)).fit(X, labels)
    with pytest.warns(hw.DataWarning, match="softmax|sigmoid"):
        net = hw.model.read(mlp)
    logits = net(X)
    assert net.output_activations
    if logits.shape[1] == 1:
        np.testing.assert_array_equal(logits[:, 0] > 0, mlp.predict(X))
    else:
        np.testing.assert_array_equal(mlp.classes_[logits.argmax(1)], mlp.predict(X))


@pytest.mark.parametrize(
    "scalers",
    [
        [StandardScaler(with_mean=False)],
        [StandardScaler(with_std=False)],
        [MinMaxScaler((-1, 2)), MaxAbsScaler()],
        [make_pipeline(RobustScaler(with_centering=False), "passthrough")],
        [RobustScaler(), PCA(2)],
        [PCA(3, whiten=True)],
        [MinMaxScaler(clip=True)],
    ],
    ids=str,
)
def test_scalers(scalers):
    mlp = fitted(make_pipeline(*scalers, MLPRegressor(hidden_layer_sizes=(6,), **FAST)))
    Q = 3 * X
    np.testing.assert_allclose(hw.model.read(mlp)(Q)[:, 0], mlp.predict(Q), rtol=1e-10, atol=1e-10)


def test_a_mean_far_from_zero_costs_no_digits():
    far = make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(6,), **FAST))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        far.fit(X + 1e9, y)
    net, scaler = hw.model.read(far), far[0]
    slopes = net.nodes[1].op.a
    np.testing.assert_array_equal(slopes, 1 / scaler.scale_)


def test_columns_with_names():
    frame = pd.DataFrame(X, columns=list("abc"))
    for first in (StandardScaler(), "passthrough"):
        mlp = make_pipeline(first, MLPClassifier(hidden_layer_sizes=(4,), **FAST))
        with pytest.warns(hw.DataWarning, match="the sigmoid at the end is"):
            assert hw.model.read(mlp.fit(frame, y > 5)).n_inputs == 3


def test_the_part_before_a_layer():
    mlp = fitted(MLPRegressor(hidden_layer_sizes=(8, 5), **FAST))
    net = hw.model.read(mlp, upto="linear1")
    want = np.maximum(X @ mlp.coefs_[0] + mlp.intercepts_[0], 0)
    np.testing.assert_allclose(net(X), want, atol=1e-12)
    with pytest.raises(hw.ModelError, match="no layer 'linear9'"):
        hw.model.read(mlp, upto="linear9")


def test_the_exponential_behind_a_poisson_regressor_is_left_out_and_said():
    mlp = fitted(MLPRegressor(hidden_layer_sizes=(4,), loss="poisson", max_iter=50, random_state=0))
    with pytest.warns(hw.DataWarning, match=r"the exp at the end.*Values and gradients"):
        net = hw.model.read(mlp)
    np.testing.assert_allclose(np.exp(net(X)[:, 0]), mlp.predict(X))
    np.testing.assert_allclose(net.model_outputs(X)[:, 0], mlp.predict(X))
    slopes = net.model_jacobians(X)[:, 0]  # agop puts the exponential back, so it has no warning
    np.testing.assert_allclose(hw.metrics.agop(mlp, X, ridge=0), slopes.T @ slopes / len(X))
    assert not hw.model.read(mlp, upto="linear1").output_activations


def test_output_functions_that_are_not_known_are_refused():
    mlp = fitted(MLPRegressor(hidden_layer_sizes=(4,), **FAST))
    mlp.out_activation_ = "swish"
    with pytest.raises(hw.ModelError, match="output function 'swish'"):
        hw.model.read(mlp)


def test_estimators_whose_parts_do_not_fit():
    mlp = fitted(make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(4,), **FAST)))
    mlp[1].coefs_[1] = np.ones((7, 1))
    with pytest.raises(hw.ModelError, match="linear1"):
        hw.model.read(mlp)
    unfitted = make_pipeline(StandardScaler(), mlp[1])
    with pytest.raises(hw.ModelError, match="StandardScaler is not fitted"):
        hw.model.read(unfitted)


def test_identity_is_affine():
    mlp = MLPRegressor(hidden_layer_sizes=(4,), activation="identity", **FAST).fit(X, y)
    assert hw.model.read(mlp).n_units == 0


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (fitted(MLPRegressor(hidden_layer_sizes=(4,), activation="tanh", **FAST)), "tanh"),
        (MLPRegressor(hidden_layer_sizes=(4,)), "not fitted"),
        (fitted(LinearRegression()), "other than an MLP"),
        (
            fitted(
                make_pipeline(PolynomialFeatures(), MLPRegressor(hidden_layer_sizes=(4,), **FAST))
            ),
            "Polynomial",
        ),
        (object(), "object cannot be read"),
    ],
)
def test_what_cannot_be_read(model, says):
    with pytest.raises(hw.ModelError, match=says):
        hw.model.read(model)
