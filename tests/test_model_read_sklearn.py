"""scikit-learn MLPs, alone and behind scalers."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler

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
    assert not net.outside


@pytest.mark.parametrize("labels", [LABELS, LABELS > 0], ids=["three", "two"])
@pytest.mark.parametrize("scaler", [MinMaxScaler(), "passthrough"], ids=str)
def test_classifiers_give_logits(labels, scaler):
    mlp = make_pipeline(scaler, MLPClassifier(hidden_layer_sizes=(8,), **FAST)).fit(X, labels)
    net = hw.model.read(mlp)
    logits = net(X)
    assert net.outside
    if logits.shape[1] == 1:
        np.testing.assert_array_equal(logits[:, 0] > 0, mlp.predict(X))
    else:
        np.testing.assert_array_equal(mlp.classes_[logits.argmax(1)], mlp.predict(X))


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
