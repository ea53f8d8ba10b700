"""Every interpolant as a scikit-learn regressor, and what they all share."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

import hullwise as hw
from hullwise.predict import INTERPOLANT_METHODS, interpolant_class

ALL = [interpolant_class(method) for method in INTERPOLANT_METHODS]
SIGNED = (hw.LinearShepardRegressor, hw.RBFNetworkRegressor, hw.MinimaxRegressor)
CONVEX = [kind for kind in ALL if kind not in SIGNED]
SMOOTHERS = (
    hw.NearestRegressor,
    hw.KernelRegressor,
    hw.RBFNetworkRegressor,
    hw.MinimaxRegressor,
)
EXACT = [kind for kind in ALL if kind not in SMOOTHERS]


@parametrize_with_checks([kind() for kind in ALL])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def rows(n=60, d=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, np.sin(X[:, 0]) + X[:, 1] ** 2, rng.normal(size=(25, d)) * 1.2


@pytest.mark.parametrize("kind", ALL)
def test_weights_make_the_prediction(kind):
    X, y, Q = rows()
    reg = kind().fit(X, y)
    W = reg.weights(Q)
    assert W.shape == (25, 60)
    np.testing.assert_allclose(W.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(W @ y, reg.predict(Q), atol=1e-12)
    if kind in CONVEX:
        assert (W.data >= 0).all()
    two = kind().fit(X, np.column_stack([y, -2 * y])).predict(Q)
    np.testing.assert_allclose(two, np.column_stack([W @ y, -2 * (W @ y)]), atol=1e-12)


@pytest.mark.parametrize("kind", EXACT)
def test_training_rows_get_their_own_target(kind):
    X, y, _ = rows()
    np.testing.assert_allclose(kind().fit(X, y).predict(X), y, atol=1e-9)


@pytest.mark.parametrize("kind", ALL)
def test_equal_rows_are_one_place(kind):
    X, y, Q = rows(40)
    twice = np.concatenate([X, X[:10], X[:10]])
    plain, reg = kind().fit(X, y), kind()
    with pytest.warns(hw.DataWarning, match=r"20 row.s. repeat the features .* first is row 40"):
        reg.fit(twice, np.concatenate([y, y[:10] + 3, y[:10] - 3]))
    np.testing.assert_allclose(reg.predict(Q), plain.predict(Q), atol=1e-9)
    W = reg.weights(Q)
    assert W.shape == (25, 60)
    np.testing.assert_array_equal(W[:, :10].toarray(), W[:, 40:50].toarray())
    with pytest.raises(hw.DataError, match=r"row 40 .as row 0"):
        kind(duplicates="raise").fit(twice, np.concatenate([y, y[:10] + 3, y[:10]]))
    kind(duplicates="raise").fit(twice, np.concatenate([y, y[:10], y[:10]]))


@pytest.mark.parametrize("kind", ALL)
def test_copies_carry_no_data_and_answer_alike(kind):
    X, y, Q = rows()
    reg = kind(metric=np.eye(4) + 0.1).fit(X, y)
    assert not hasattr(clone(reg), "cloud_")
    expected = reg.predict(Q)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(reg)).predict(Q), expected)
    reg.set_params(metric=None)  # takes effect with the next fit only
    np.testing.assert_array_equal(reg.predict(Q), expected)
    assert not np.array_equal(reg.fit(X, y).predict(Q), expected)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("metric", ["std", "range", (4.0, 1.0, 0.25, 1.0), "full"])
def test_every_metric_is_a_change_of_coordinates(kind, metric):
    X, y, Q = rows()
    A = np.array([[1, 0.2, 0, 0], [0, 1.5, 0.3, 0], [0, 0, 0.7, 0], [0.1, 0, 0, 1]])
    if isinstance(metric, str) and metric == "full":
        metric = A.T @ A
    reg = kind(metric=metric).fit(X, y)
    L = reg.metric_.image(np.eye(4)).T
    seen = kind(metric=None).fit(X @ L.T, y)
    np.testing.assert_allclose(reg.predict(Q), seen.predict(Q @ L.T), atol=1e-8)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("shape", [(1, 3), (2, 3), (5, 1), (3, 8)])
def test_few_rows(kind, shape):
    rng = np.random.default_rng(1)
    X, Q = rng.normal(size=shape), rng.normal(size=(6, shape[1])) * 3
    W = kind().fit(X, X[:, 0]).weights(Q)
    np.testing.assert_allclose(W.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(kind().fit(X, np.full(len(X), 2.5)).predict(Q), 2.5, atol=1e-9)


@pytest.mark.parametrize("kind", ALL)
def test_a_failed_fit_changes_nothing(kind):
    X, y, Q = rows()
    reg = kind().fit(X, y)
    before = reg.predict(Q)
    with pytest.raises(ValueError, match=r"x2|column 2|feature 2"):
        reg.fit(np.where(np.arange(4) == 2, np.nan, X), y)
    with pytest.raises(ValueError, match=r"59|60"):
        reg.fit(X, y[:-1])
    np.testing.assert_array_equal(reg.predict(Q), before)


def test_class_labels_are_refused_with_what_to_do():
    X, _, _ = rows()
    with pytest.raises(hw.DataError, match="MixtureClassifier"):
        hw.DelaunayRegressor().fit(X, ["a", "b"] * 30)


@pytest.mark.parametrize("kind", ALL)
def test_explain_names_the_rows(kind):
    X, y, Q = rows()
    reg = kind().fit(X, y)
    why = reg.explain(Q[0])
    assert why.prediction == pytest.approx(reg.predict(Q[:1])[0], abs=1e-12)
    assert why.weights.sum() == pytest.approx(1)
    assert (np.diff(np.abs(why.weights)) <= 0).all()
    np.testing.assert_allclose(X[why.rows] - Q[0], why.difference)
    np.testing.assert_array_equal(y[why.rows], why.targets)


def test_explain_keeps_labels_of_rows():
    import pandas as pd

    X, y, Q = rows()
    frame = pd.DataFrame(X, columns=list("abcd"), index=[f"r{i}" for i in range(60)])
    reg = hw.DelaunayRegressor().fit(frame, y)
    why = reg.explain(pd.DataFrame(Q[:1], columns=list("abcd")))
    assert set(why.labels) == {f"r{i}" for i in why.rows}
    assert list(why.to_frame().columns[-4:]) == [f"{c} (row - query)" for c in "abcd"]


MASKED = np.ma.array([0.0, 1.0, 999.0, 3.0, 4.0], mask=[0, 0, 1, 0, 0])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (MASKED, r"masked array with 1 masked value\(s\), first in row 2"),
        (np.full(5, 2**60 + 1), r"beyond 2\*\*53"),
        (np.zeros((5, 0)), "0 feature"),
    ],
)
def test_targets_that_would_be_read_wrongly_are_refused(y, message):
    X = np.arange(5.0)[:, None]
    with pytest.raises(hw.DataError, match=message):
        hw.VoronoiRegressor().fit(X, y)
    with pytest.raises(hw.DataError, match=message):
        hw.CalibratedRegressor(hw.VoronoiRegressor()).fit(X, y)


def test_a_mask_is_never_ignored():
    X = np.arange(5.0)[:, None]
    for use in (
        hw.MixtureRegressor(hw.VoronoiRegressor()).fit,
        hw.MixtureClassifier(hw.VoronoiRegressor()).fit,
        hw.estimate_smoothness,
    ):
        with pytest.raises(hw.DataError, match="y is a masked array"):
            use(X, MASKED)
    with pytest.raises(hw.DataError, match="groups is a masked array"):
        hw.CalibratedRegressor(hw.VoronoiRegressor()).fit(X, np.arange(5.0), groups=MASKED)
    W = np.ma.array([[0.5, 0.5]], mask=[[False, True]])
    with pytest.raises(hw.DataError, match="W is a masked array"):
        hw.error_bound(W, [[0.0], [1.0]], [[0.0]], smoothness=1.0)


@pytest.mark.parametrize(
    ("reg", "changed"),
    [
        (hw.NearestRegressor(), {"n_neighbors": -3}),
        (hw.InverseDistanceRegressor(), {"n_neighbors": 0}),
        (hw.InverseDistanceRegressor(), {"power": -2.0}),
        (hw.BoxSplineRegressor(), {"unbounded": "up"}),
    ],
)
def test_options_changed_after_fit_are_checked_too(reg, changed):
    reg.fit(np.arange(5.0)[:, None], np.arange(5.0)).set_params(**changed)
    with pytest.raises(hw.DataError, match="expected"):
        reg.predict([[0.5]])


def test_simplices_are_verified_against_the_rows_given_to_fit_only():
    X = np.random.default_rng(0).normal(size=(20, 2))
    found = hw.DelaunayRegressor().fit(X, X[:, 0]).simplices(X[:3] / 2)
    assert found.verify(X).all()
    for other in (X[:3], X[:, :1]):
        with pytest.raises(hw.DataError, match=r"expected \(20, 2\), the rows given to fit"):
            found.verify(other)


def test_a_query_at_the_end_of_float64_costs_the_others_nothing():
    X = np.random.default_rng(0).normal(size=(40, 2))
    Q = np.vstack([X[:5] * 0.5, [[9.0, 1.0], [1e300, 0.0], [-1e100, 1.0], [1e-300, 0.0]]])
    found = hw.DelaunayRegressor().fit(X, X[:, 0]).simplices(Q)
    assert found.verify(X).all()


@pytest.mark.parametrize("model", [hw.DelaunayRegressor(), hw.VoronoiRegressor(metric="std")])
def test_a_row_that_takes_the_digits_of_the_others_is_named(model, recwarn):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(60, 2)), columns=["a", "b"])
    X.loc[7, "b"] = 1e6
    model.fit(X, X["a"])
    assert not [w for w in recwarn if issubclass(w.category, hw.DataWarning)]
    X.loc[7, "b"] = 1e20
    with pytest.warns(hw.DataWarning, match=r"'b' is 1e\+20 in row 7 .*drop that row"):
        model.fit(X, X["a"])
    with pytest.warns(hw.DataWarning, match=r"'b' is 1e\+20 in row 7"):
        hw.CalibratedRegressor(model).fit(X, X["a"])


def learnt_weights(X, y):
    """A metric of rows and targets: nothing of a row that is left out may be in it."""
    SEEN.append((X.copy(), np.array(y)))
    return np.abs(np.corrcoef(np.column_stack([X, y]).T)[-1, : X.shape[1]]) + 0.01


SEEN: list = []


@pytest.mark.parametrize("kind", ALL)
def test_a_metric_may_be_learnt_from_the_rows_of_each_fit(kind):
    X, y, Q = rows()
    SEEN.clear()
    reg = kind(metric=learnt_weights).fit(X, y)
    np.testing.assert_array_equal(SEEN[0][0], X)
    np.testing.assert_array_equal(SEEN[0][1], y)
    weights = learnt_weights(X, y)
    fixed = kind(metric=weights).fit(X, y)
    np.testing.assert_array_equal(reg.metric_.root, fixed.metric_.root)
    if kind is not hw.MinimaxRegressor:  # its noise is learnt in metrics of the other rows
        np.testing.assert_array_equal(reg.predict(Q), fixed.predict(Q))
    again = clone(reg).fit(X[:30], y[:30])
    assert not np.array_equal(again.metric_.root, reg.metric_.root)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(reg)).predict(Q), reg.predict(Q))
