"""Mixtures of samples and of classes: distribution functions, quantiles, KS, probabilities."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from hullwise.errors import DataError, DataTypeError, DataWarning
from hullwise.predict import _mixture_kernels
from hullwise.predict.mixture import MixtureClassifier, MixtureRegressor
from interpolant_doubles import InverseSquare, Nearest

RNG = np.random.default_rng(3)
X = RNG.normal(size=(40, 3))
Q = RNG.normal(size=(12, 3))
SAMPLES = RNG.normal(size=(40, 7)).round(1)  # ties within a row and between rows
CHECKED = [
    MixtureRegressor(InverseSquare()),
    MixtureRegressor(Nearest(k=3)),
    MixtureClassifier(InverseSquare()),
    MixtureClassifier(Nearest(k=3)),
]


@pytest.mark.filterwarnings("ignore::hullwise.DataWarning")
@parametrize_with_checks(CHECKED)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def by_hand(W, samples, b, t, left=False):
    """The mixture's CDF of query b at t, straight from its definition."""
    below = samples < t if left else samples <= t
    return float(W.toarray()[b] @ below.mean(axis=1))


def mixture(interpolant=None):
    return MixtureRegressor(interpolant or InverseSquare()).fit(X, SAMPLES)


# ---- the distribution function --------------------------------------------------------------


@pytest.mark.parametrize("interpolant", [InverseSquare(), Nearest(k=4), Nearest()], ids=repr)
def test_cdf_is_the_weighted_sum_of_the_rows_own(interpolant):
    model = mixture(interpolant)
    W = model.weights(Q)
    t = np.array([0.3, -9.0, 0.3, 9.0, -0.5, -np.inf, np.inf, 0.25])
    found = model.predict_cdf(Q, t)
    expected = [[by_hand(W, SAMPLES, b, v) for v in t] for b in range(len(Q))]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)
    assert (found[:, [1, 5]] == 0).all()
    assert (found[:, [3, 6]] == 1).all()
    own = RNG.normal(size=(len(Q), 5))
    each = model.predict_cdf(Q, own)
    np.testing.assert_array_equal(
        each, np.stack([model.predict_cdf(Q[b : b + 1], own[b])[0] for b in range(len(Q))])
    )
    np.testing.assert_array_equal(model.predict_cdf(Q, 0.3), found[:, 0])


def test_cdf_never_falls_and_is_continuous_from_the_right():
    model = mixture()
    jumps = np.unique(SAMPLES)
    at = model.predict_cdf(Q, jumps)
    assert (np.diff(at, axis=1) >= 0).all()
    np.testing.assert_array_equal(at, model.predict_cdf(Q, np.nextafter(jumps, np.inf)))
    before = model.predict_cdf(Q, np.nextafter(jumps, -np.inf))
    np.testing.assert_array_equal(before[:, 1:], at[:, :-1])
    assert (before < at).all()  # every row has weight here, so every sample is a jump
    assert (before[:, 0] == 0).all()
    assert (at[:, -1] == 1).all()


def test_quantile_inverts_the_distribution_function():
    model = mixture(Nearest(k=4))
    W = model.weights(Q).toarray()
    p = np.array([0.0, 0.1, 0.25, 0.5, 2 / 3, 0.9, 1.0])
    found = model.predict_quantile(Q, p)
    assert (np.diff(found, axis=1) >= 0).all()
    reached = model.predict_cdf(Q, found)
    assert (reached >= p - 1e-12).all()
    assert (model.predict_cdf(Q, np.nextafter(found, -np.inf))[:, 1:] < p[1:]).all()
    for b in range(len(Q)):
        pooled = SAMPLES[W[b] > 0]
        assert found[b, 0] == pooled.min()
        assert found[b, -1] == pooled.max()
        jumps = np.unique(pooled)
        levels = model.predict_cdf(Q[b : b + 1], jumps)[0]
        np.testing.assert_array_equal(model.predict_quantile(Q[b : b + 1], levels)[0], jumps)
        # equal weights: the pooled sample's own quantile
        np.testing.assert_array_equal(
            found[b, 1:], np.quantile(pooled, p[1:], method="inverted_cdf")
        )
    np.testing.assert_array_equal(model.predict_quantile(Q), found[:, 3])


def test_mean_is_that_of_the_mixture():
    model = mixture()
    expected = model.weights(Q).toarray() @ SAMPLES.mean(axis=1)
    np.testing.assert_allclose(model.predict(Q), expected, rtol=1e-13)
    np.testing.assert_allclose(model.score(X, SAMPLES), 1.0)
    huge = MixtureRegressor(Nearest()).fit(X, np.full((40, 9), 1.5e308))
    np.testing.assert_array_equal(huge.predict(Q), np.full(12, 1.5e308))
    tiny = MixtureRegressor(Nearest()).fit(X, np.full((40, 9), 5e-324))
    np.testing.assert_array_equal(tiny.predict(Q), np.full(12, 5e-324))


# ---- Kolmogorov-Smirnov ---------------------------------------------------------------------


@pytest.mark.parametrize("r", [1, 7, 30])
def test_ks_equals_scipy_where_one_row_has_all_the_weight(r):
    model = mixture(Nearest())
    seen = RNG.normal(size=(len(Q), r)).round(1)
    rows = model.weights(Q).indices
    expected = [ks_2samp(SAMPLES[i], s, method="asymp").statistic for i, s in zip(rows, seen)]
    np.testing.assert_allclose(model.ks(Q, seen), expected, rtol=0, atol=1e-14)


def test_ks_equals_scipy_on_pooled_samples():
    model = mixture(Nearest(k=5))
    seen = RNG.normal(0.5, 2, size=(len(Q), 11))
    near = model.weights(Q).indices.reshape(len(Q), 5)
    expected = [
        ks_2samp(SAMPLES[rows].ravel(), s, method="asymp").statistic for rows, s in zip(near, seen)
    ]
    np.testing.assert_allclose(model.ks(Q, seen), expected, rtol=0, atol=1e-14)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), s=st.integers(1, 6), r=st.integers(1, 6))
def test_ks_is_the_largest_gap_over_every_jump_on_both_sides(seed, s, r):
    rng = np.random.default_rng(seed)
    samples = rng.integers(-3, 4, size=(9, s)).astype(float)  # mostly ties
    seen = rng.integers(-3, 4, size=(4, r)).astype(float)
    here = rng.normal(size=(4, 2))
    model = MixtureRegressor(InverseSquare()).fit(
        rng.normal(size=(9, 2)), samples if s > 1 else samples[:, 0]
    )
    W = model.weights(here)
    for b in range(4):
        gaps = [0.0]
        for t in np.union1d(samples, seen):
            gaps.append(abs(by_hand(W, samples, b, t) - (seen[b] <= t).mean()))
            gaps.append(abs(by_hand(W, samples, b, t, left=True) - (seen[b] < t).mean()))
        assert model.ks(here, seen)[b] == pytest.approx(max(gaps), abs=1e-14)


def test_ks_knows_its_extremes():
    model = mixture(Nearest())
    own = SAMPLES[model.weights(Q).indices]
    np.testing.assert_array_equal(model.ks(Q, own), 0.0)
    np.testing.assert_array_equal(model.ks(Q, own[:, ::-1]), 0.0)
    np.testing.assert_array_equal(model.ks(Q, own + 100), 1.0)
    np.testing.assert_array_equal(model.ks(Q, np.full(len(Q), -100.0)), 1.0)


def test_the_same_answer_for_any_batch_and_number_of_threads(monkeypatch):
    model = mixture()
    t, seen = np.sort(RNG.normal(size=9)), RNG.normal(size=(len(Q), 5))
    whole = (model.predict_cdf(Q, t), model.predict_quantile(Q, [0.2, 0.7]), model.ks(Q, seen))
    parts = [slice(0, 1), slice(1, 7), slice(7, 12)]
    apart = (
        np.concatenate([model.predict_cdf(Q[s], t) for s in parts]),
        np.concatenate([model.predict_quantile(Q[s], [0.2, 0.7]) for s in parts]),
        np.concatenate([model.ks(Q[s], seen[s]) for s in parts]),
    )
    monkeypatch.setattr(_mixture_kernels, "MIXTURE_TASK", 1.0)  # one task for each query
    many = (model.predict_cdf(Q, t), model.predict_quantile(Q, [0.2, 0.7]), model.ks(Q, seen))
    for a, b, c in zip(whole, apart, many):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)


def test_only_the_order_of_samples_counts():
    model, other = mixture(), MixtureRegressor(InverseSquare()).fit(X, np.exp(SAMPLES) * 1e200)
    t, p = np.array([-0.5, 0.1]), [0.3, 0.8]
    np.testing.assert_array_equal(
        model.predict_cdf(Q, t + 0.05), other.predict_cdf(Q, np.exp(t + 0.05) * 1e200)
    )
    np.testing.assert_array_equal(
        np.exp(model.predict_quantile(Q, p)) * 1e200, other.predict_quantile(Q, p)
    )
    shuffled = MixtureRegressor(InverseSquare()).fit(X, SAMPLES[:, ::-1])
    np.testing.assert_array_equal(shuffled.predict_cdf(Q, t), model.predict_cdf(Q, t))


def test_rows_at_one_place_pool_their_samples():
    twice, both = [[0.0], [0.0], [5.0]], [[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]]
    with pytest.warns(DataWarning, match="averaged"):
        model = MixtureRegressor(Nearest()).fit(twice, both)
    np.testing.assert_array_equal(model.predict_cdf([[0.1]], [1, 2, 3, 4]), [[0.25, 0.5, 0.75, 1]])
    assert model.ks([[0.1]], [[1.0, 2.0, 3.0, 4.0]])[0] == 0
    same = MixtureRegressor(Nearest()).fit(twice, [[1, 2], [2, 1], [9, 9]])  # no disagreement
    assert same.ks([[0.1]], [[1.0, 2.0]])[0] == 0
    with pytest.raises(DataError, match="repeat the features"):
        MixtureRegressor(Nearest(duplicates="raise")).fit(twice, both)


# ---- classes --------------------------------------------------------------------------------


def test_probability_is_the_weight_of_the_class():
    y = np.array(["elm", "oak", "ash", "oak"] * 10, dtype=object)
    model = MixtureClassifier(InverseSquare()).fit(X, y)
    W = model.weights(Q).toarray()
    found = model.predict_proba(Q)
    assert list(model.classes_) == ["ash", "elm", "oak"]
    expected = np.column_stack([W[:, y == c].sum(axis=1) for c in model.classes_])
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-15)
    np.testing.assert_array_equal(model.predict(Q), model.classes_[expected.argmax(axis=1)])
    np.testing.assert_array_equal(model.predict(X), y)
    assert model.score(X, y) == 1


@pytest.mark.parametrize(
    "y",
    [
        np.tile([0, 1], 20),
        np.tile([True, False], 20),
        np.tile([3.0, -1.0], 20),
        np.tile(["b", "a"], 20),
        pd.Series(["b", "a"] * 20, dtype="category"),
        pd.Series(["b", "a"] * 20, dtype="string"),
        ["b", "a"] * 20,
    ],
    ids=lambda y: str(getattr(y, "dtype", "list")),
)
def test_labels_of_any_type(y):
    model = MixtureClassifier(Nearest()).fit(X, y)
    assert list(model.predict(X)) == list(y)
    assert list(model.classes_) == sorted(set(y))


def test_equal_probabilities_go_to_the_first_class():
    model = MixtureClassifier(Nearest(k=2)).fit([[0.0], [1.0], [9.0]], ["z", "a", "a"])
    assert model.predict([[0.4]])[0] == "a"
    np.testing.assert_array_equal(model.predict_proba([[0.4]]), [[0.5, 0.5]])


def test_rows_at_one_place_share_their_probability():
    twice = [[0.0], [0.0], [0.0], [5.0]]
    with pytest.warns(DataWarning, match="1 row"):
        model = MixtureClassifier(Nearest()).fit(twice, ["a", "b", "a", "c"])
    np.testing.assert_allclose(model.predict_proba([[0.1]]), [[2 / 3, 1 / 3, 0]], rtol=1e-15)
    assert model.predict([[0.1]])[0] == "a"
    with pytest.raises(DataError, match="repeat the features"):
        MixtureClassifier(Nearest(duplicates="raise")).fit(twice, ["a", "b", "a", "c"])


def test_explain_names_rows_and_what_they_mix():
    why = MixtureClassifier(Nearest(k=2)).fit([[0.0], [1.0], [9.0]], ["z", "a", "a"]).explain([0.4])
    assert why.rows.tolist() == [0, 1]
    np.testing.assert_array_equal(why.targets, [[0, 1], [1, 0]])
    np.testing.assert_array_equal(why.prediction, [0.5, 0.5])
    how = mixture(Nearest(k=2)).explain(Q[0])
    np.testing.assert_array_equal(how.targets, np.sort(SAMPLES[how.rows], axis=1))


# ---- as scikit-learn would have it ----------------------------------------------------------


def test_a_clone_is_fitted_and_parameters_reach_the_interpolant():
    inner = Nearest(k=2)
    model = MixtureRegressor(inner).fit(X, SAMPLES)
    assert model.interpolant_ is not inner
    assert not hasattr(inner, "cloud_")
    assert clone(model).set_params(interpolant__k=7).fit(X, SAMPLES).interpolant_.k == 7
    frame = pd.DataFrame(X, columns=list("abc"))
    named = clone(model).fit(frame, SAMPLES)
    assert list(named.feature_names_in_) == list("abc")
    with pytest.raises(ValueError, match="feature names"):
        named.predict(frame.rename(columns={"a": "z"}))
    scores = cross_val_score(MixtureClassifier(Nearest()), X, X[:, 0] > 0, cv=3)
    assert scores.mean() > 0.6


@pytest.mark.parametrize("model", CHECKED, ids=repr)
def test_pickle(model):
    y = np.arange(40) % 3
    model = clone(model).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(Q), model.predict(Q))
    assert (again.weights(Q) != model.weights(Q)).nnz == 0


# ---- hostile input --------------------------------------------------------------------------

BAD = [
    (None, "requires y"),
    (np.zeros((40, 0)), "at least one"),
    (np.zeros((40, 2, 2)), "shape"),
    (np.zeros((39, 2)), "39"),
    (np.where(np.arange(40) == 7, np.nan, 1.0), "row 7"),
    (np.full((40, 2), np.inf), "infinity"),
    ([[1.0, 2.0]] * 39 + [[1.0]], "ragged"),
    (np.array([["a", "b"]] * 40), "text"),
    (np.ones((40, 2)) * 1j, "Complex"),
    (3.0, "shape"),
]


@pytest.mark.parametrize(("y", "message"), BAD, ids=[m for _, m in BAD])
def test_samples_that_cannot_be_used(y, message):
    with pytest.raises(DataError, match=message):
        MixtureRegressor(Nearest()).fit(X, y)


BAD_LABELS = [
    (None, "requires y"),
    (np.linspace(0, 1, 40), "continuous"),
    (np.zeros((40, 2)), "one label"),
    (np.zeros(39), "39"),
    (np.array(["a", 1] * 20, dtype=object), "sorted"),
    (np.array(["a", None] * 20, dtype=object), "20 missing"),
    (pd.Series(["a", pd.NA] * 20, dtype="string"), "first in row 1"),
    (np.array([1.0, np.nan] * 20, dtype=object), "20 missing"),  # else each would be a class
    (["a", np.nan] * 20, "20 missing"),  # else a class called nan
    (np.array(["2020-01-01", "NaT"] * 20, dtype="M8[s]"), "20 missing"),
    (np.where(np.arange(40) == 7, np.nan, 1.0), "row 7"),
    ("a", "shape"),
]


@pytest.mark.parametrize(("y", "message"), BAD_LABELS, ids=[m for _, m in BAD_LABELS])
def test_labels_that_cannot_be_used(y, message):
    with pytest.raises(DataError, match=message):
        MixtureClassifier(Nearest()).fit(X, y)


def test_arguments_that_cannot_be_used():
    model = mixture(Nearest())
    with pytest.raises(DataError, match="NaN"):
        model.predict_cdf(Q, [0.0, np.nan])
    for t in (np.zeros((3, 2)), np.zeros((12, 2, 1))):
        with pytest.raises(DataError, match=r"expected one number, \(k,\)"):
            model.predict_cdf(Q, t)
    for p in (-0.1, 1.1, np.nan, [[0.5]]):
        with pytest.raises(DataError, match="probabilities"):
            model.predict_quantile(Q, p)
    with pytest.raises(DataError, match="3 rows for 12"):
        model.ks(Q, np.zeros((3, 2)))
    with pytest.raises(DataError, match=r"samples.*NaN|NaN"):
        model.ks(Q, np.full((12, 2), np.nan))
    with pytest.raises(DataError, match="one query"):
        model.explain(Q)
    assert model.predict_cdf(Q, []).shape == (12, 0)
    assert model.predict_quantile(Q, []).shape == (12, 0)


def test_only_interpolants_mix_and_only_with_weights_of_at_least_0():
    for mixed in (MixtureRegressor, MixtureClassifier):
        for other in (None, LinearRegression(), Nearest):
            with pytest.raises(DataTypeError, match="mixes with the weights of an interpolant"):
                mixed(other).fit(X, np.arange(40) % 2)
        signed = mixed(Nearest(k=2, sign=-1)).fit(X, np.arange(40) % 2)
        for ask in (signed.predict, signed.weights):
            with pytest.raises(DataError, match=r"negative weights.*query 0.*-1"):
                ask(Q)
        with pytest.raises(NotFittedError):
            mixed(Nearest()).predict(Q)


def test_a_column_of_samples_is_taken_with_a_warning():
    with pytest.warns(DataConversionWarning, match="one sample only"):
        model = MixtureRegressor(Nearest()).fit(X, X[:, :1])
    np.testing.assert_array_equal(model.predict(X), X[:, 0])


def test_a_frame_is_explained_without_a_warning():
    frame = pd.DataFrame(X, columns=list("abc"), index=[f"r{i}" for i in range(40)])
    why = MixtureClassifier(Nearest(k=2)).fit(frame, X[:, 0] > 0).explain(frame.iloc[:1])
    assert why.columns == ("a", "b", "c")
    assert why.labels[0] == "r0"
