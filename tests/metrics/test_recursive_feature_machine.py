"""Recursive feature machines: scikit-learn's checks, the published sets, the metric they find."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import hullwise as hw


@parametrize_with_checks([hw.RFMRegressor(), hw.RFMClassifier()])
def test_scikit_learn(estimator, check):
    check(estimator)


def turned(d, seed):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]


def friedman(X):
    bent = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
    return bent + 10 * X[:, 3] + 5 * X[:, 4]


def rank2(X):
    U = X @ turned(50, 1)[:, :2]
    return U[:, 0] * U[:, 1] + U[:, 0] ** 2


def rank3(X):
    U = X @ turned(16, 2)[:, :3]
    return U[:, 0] * U[:, 1] + U[:, 2] ** 2 + U[:, 0]


@pytest.mark.parametrize(
    ("target", "d", "uniform", "least"),
    [(friedman, 10, True, 0.94), (rank2, 50, False, 0.87), (rank3, 16, False, 0.96)],
)
def test_sets_with_few_directions(target, d, uniform, least):
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(1800, d)) if uniform else rng.normal(size=(1800, d))
    y = target(X)
    reg = hw.RFMRegressor().fit(X[:800], y[:800])
    assert reg.n_iter_ > 0
    assert reg.score(X[800:], y[800:]) >= least


def test_diabetes_is_that_of_kernel_ridge():
    X, y = load_diabetes(return_X_y=True)
    p = np.random.default_rng(0).permutation(len(y))
    train, test = p[:282], p[282:]
    ridge = make_pipeline(
        StandardScaler(),
        GridSearchCV(
            KernelRidge(kernel="laplacian"), {"alpha": [0.01, 0.1, 1], "gamma": [0.003, 0.01, 0.03]}
        ),
    ).fit(X[train], y[train] - y[train].mean())
    other = 1 - np.var(y[test] - y[train].mean() - ridge.predict(X[test])) / np.var(y[test])
    assert hw.RFMRegressor().fit(X[train], y[train]).score(X[test], y[test]) >= other - 0.03


@pytest.mark.parametrize("kernel", ["laplace", "gaussian"])
def test_the_metric_is_the_gradient_outer_product_of_its_own_answer(kernel):
    """One step from the identity, against differences of the fitted function."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 3)) * [1, 5, 0.2]
    y = np.sin(X[:, 0]) + X[:, 1]
    flat = hw.RFMRegressor(kernel=kernel, iterations=0, ridges=[0.1]).fit(X, y)
    Z, M, scale = flat._fitted
    K, D = flat._kernel(Z, Z, M)
    step = flat._next_metric(Z, flat.dual_coef_, K, D, M) / np.outer(scale, scale)
    found = hw.metrics.agop(flat.predict, X, ridge=0, step=1e-5)
    np.testing.assert_allclose(step / np.trace(step), found / np.trace(found), atol=2e-3)


def test_units_do_not_matter_and_diagonal_is():
    rng = np.random.default_rng(2)
    X, Q = rng.normal(size=(150, 4)), rng.normal(size=(20, 4))
    y = X[:, 0] * X[:, 1]
    unit = np.array([1e-6, 1.0, 1e9, 30.0])
    a, b = hw.RFMRegressor().fit(X, y), hw.RFMRegressor().fit(X * unit, 7 * y + 3)
    np.testing.assert_allclose(7 * a.predict(Q) + 3, b.predict(Q * unit), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(a.metric_, b.metric_ * np.outer(unit, unit), rtol=1e-5, atol=1e-8)
    diagonal = hw.RFMRegressor(diagonal=True).fit(X, y).metric_
    np.testing.assert_array_equal(diagonal, np.diag(np.diag(diagonal)))
    assert diagonal[[0, 1], [0, 1]].min() > 10 * diagonal[[2, 3], [2, 3]].max()


def test_answers_come_with_a_location():
    rng = np.random.default_rng(3)
    X = rng.uniform(size=(300, 6))
    reg = hw.RFMRegressor().fit(X, np.sin(4 * X[:, 0]) + X[:, 1])
    Q = np.full((3, 6), 0.5)
    Q[1, 5] = Q[2, 0] = 3.0  # out in a feature that does not matter, in one that does
    found = reg.locate(Q, reference=0)
    assert found.upper[2] > 10 * found.upper[1]
    assert found.upper[0] < 1e-9


def test_classes_outputs_pickles_and_searches():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(200, 5))
    labels = np.array(["a", "b", "c"])[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0)]
    clf = hw.RFMClassifier().fit(X, labels)
    assert clf.score(X, labels) > 0.9
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1)
    assert cross_val_score(hw.RFMClassifier(iterations=1), X, labels, cv=3).mean() > 0.7
    again = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(again.predict(X), clf.predict(X))
    many = hw.RFMRegressor(iterations=1).fit(X, np.c_[X[:, 0], -2 * X[:, 0]])
    np.testing.assert_allclose(many.predict(X) @ [2, 1], 0, atol=1e-8)
    assert clone(many).get_params() == many.get_params()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"kernel": "x"}, "kernel"),
        ({"bandwidth": 0}, "bandwidth"),
        ({"ridges": []}, "ridges"),
        ({"ridges": [-1.0]}, "ridges"),
        ({"iterations": -1}, "iterations"),
        ({"cv": 1}, "cv"),
    ],
)
def test_bad_options(options, says):
    X = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(hw.DataError, match=says):
        hw.RFMRegressor(**options).fit(X, X[:, 0])


def test_one_class_is_refused():
    with pytest.raises(hw.DataError, match="one class"):
        hw.RFMClassifier().fit([[0.0], [1.0]], ["a", "a"])
