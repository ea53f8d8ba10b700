"""Metrics that know nothing of the rows that are left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPRegressor

import hullwise as hw
from hullwise.metrics import MetricLearner

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 4))
y = X[:, 0] * X[:, 1] + 0.1 * rng.normal(size=120)
LEFT_OUT = np.arange(5, 45)
OTHERS = np.setdiff1d(np.arange(120), LEFT_OUT)


def spoilt():
    """The same rows but for those left out, which are far away and of other targets."""
    A, b = X.copy(), y.copy()
    A[LEFT_OUT] = 50 + 30 * rng.normal(size=(len(LEFT_OUT), 4))
    b[LEFT_OUT] = rng.normal(size=len(LEFT_OUT)) * 100
    return A, b


def mlp():
    return MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", max_iter=200, random_state=0)


LEARNERS = {
    "targets": lambda A, b: MetricLearner.from_targets(A, b),
    "refitted": lambda A, b: MetricLearner.from_model(mlp(), A, b),
    "fixed": lambda A, b: MetricLearner.from_model(lambda q: q[:, 0] ** 2, A),
    "rfm": lambda A, b: MetricLearner.from_rfm(hw.RFMRegressor(iterations=2), A, b),
}


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_rows_left_out_leave_no_trace(name):
    clean, other = LEARNERS[name](X, y), LEARNERS[name](*spoilt())
    M = clean.without(LEFT_OUT)
    np.testing.assert_array_equal(M, other.without(LEFT_OUT))
    np.testing.assert_array_equal(M, clean.learn(OTHERS))
    assert np.abs(M - clean.from_all()).max() > 0


def test_it_is_the_metric_of_the_other_rows():
    np.testing.assert_array_equal(
        MetricLearner.from_targets(X, y).without(LEFT_OUT),
        hw.metrics.agop_of_rows(X[OTHERS], y[OTHERS]),
    )
    rfm = hw.RFMRegressor(iterations=2)
    learned = MetricLearner.from_rfm(rfm, X, y).without(LEFT_OUT)
    rfm.fit(X[OTHERS], y[OTHERS])
    np.testing.assert_array_equal(learned, rfm.regular_metric())
    M = rfm.locate(X[:3], reference=10).metric
    np.testing.assert_allclose(M.dual(np.eye(4)), learned, rtol=1e-9, atol=1e-12)
    assert (np.linalg.eigvalsh(learned) > 0).all()


def test_frames_are_fitted_as_frames():
    frame = pd.DataFrame(X, columns=list("abcd"))
    line = LinearRegression()
    M = MetricLearner.from_model(line, frame, pd.Series(y), ridge=0).without(LEFT_OUT)
    slopes = line.fit(X[OTHERS], y[OTHERS]).coef_
    np.testing.assert_allclose(M, np.outer(slopes, slopes))


def test_local_metrics_are_learnt_without_the_rows_left_out():
    A, b = spoilt()
    clean = MetricLearner.local(LinearRegression(), X, y, n_neighbors=7)
    other = MetricLearner.local(LinearRegression(), A, b, n_neighbors=7)
    np.testing.assert_array_equal(
        clean.without(LEFT_OUT)(X[0]),
        other.without(LEFT_OUT)(X[0]),
    )


def test_local_locate_leaves_its_reference_out_of_the_metric():
    calls = []

    def learn(rows):
        calls.append(rows)
        return lambda x: np.eye(4)

    loc = hw.metrics.local_locate(X, X[:3] + 9, MetricLearner(learn, 120), reference=30)
    same = hw.metrics.local_locate(X, X[:3] + 9, lambda x: np.eye(4), reference=30)
    np.testing.assert_array_equal(loc.hull_percentile, same.hull_percentile)
    (rows,) = calls
    np.testing.assert_array_equal(rows, np.setdiff1d(np.arange(120), hw.Cloud(X).sample(30)))
    calls.clear()
    hw.metrics.local_locate(X, X[:3], MetricLearner(learn, 120), reference=0)
    np.testing.assert_array_equal(calls, [np.arange(120)])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MetricLearner.from_targets(X, y).without([120]), "row 120"),
        (lambda: MetricLearner.from_targets(X, y).without([-1]), "row -1"),
        (lambda: MetricLearner.from_targets(X, y).without(np.arange(119)), "1 of 120 rows remain"),
        (lambda: MetricLearner.from_model(len, X, y), "cannot be fitted again"),
        (lambda: MetricLearner.from_model(mlp(), X, y[:5]), "y has 5"),
        (lambda: hw.metrics.local_locate(X, X, MetricLearner.from_targets(X[:9], y[:9])), "9 rows"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises((hw.DataError, hw.ModelError), match=message):
        call()
