"""The rows behind a prediction: explained, their quantiles, and rows that are equal."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

import hullwise as hw
from hullwise.predict import duplicates
from hullwise.predict.duplicates import unique_rows
from hullwise.predict.quantiles import weighted_quantiles

# ---------------------------------------------------------------- the rows behind a prediction


def test_explain_names_the_rows_and_shares_equal_ones():
    X = pd.DataFrame(
        {"a": [0.0, 1.0, 0.0, 1.0, 9.0], "b": [0.0, 0.0, 1.0, 0.0, 9.0]}, index=list("pqrst")
    )
    Y = np.c_[[0.0, 1.0, 4.0, 3.0, 7.0], [1.0, 1.0, 1.0, 1.0, 1.0]]
    with pytest.warns(hw.DataWarning, match="averaged"):
        model = hw.DelaunayRegressor(metric=[1.0, 4.0]).fit(X, Y)
    why = model.explain(pd.DataFrame({"a": [0.5], "b": [0.125]}))
    assert why.labels.tolist() == ["p", "q", "s", "r"]
    assert why.rows.tolist() == [0, 1, 3, 2]
    np.testing.assert_allclose(why.weights, [0.375, 0.25, 0.25, 0.125], rtol=1e-12)
    np.testing.assert_allclose(why.prediction, [1.5, 1.0], rtol=1e-12)
    np.testing.assert_allclose(why.difference[3], [-0.5, 0.875], rtol=1e-12)
    np.testing.assert_allclose(
        why.distance, np.hypot(why.difference[:, 0], 2 * why.difference[:, 1])
    )
    np.testing.assert_array_equal(why.targets, Y[why.rows])
    assert list(why.to_frame().columns) == [
        *("row", "weight", "target 0", "target 1", "distance"),
        *("a (row - query)", "b (row - query)"),
    ]
    bound = model.bound(pd.DataFrame({"a": [0.5], "b": [0.125]}), smoothness=2.0)
    # the place of q and s counts once: three rows are a simplex
    assert bound.theorem1[0] >= bound.spread[0] > 0


# ---------------------------------------------------------------- quantiles and equal rows


def quantile_by_hand(w, y, p):
    total, goal = Fraction(0), Fraction(p) * sum(map(Fraction, w))
    for value, weight in sorted((v, Fraction(u)) for v, u in zip(y, w) if u):
        total += weight
        if total >= goal:
            return value
    raise AssertionError


def test_quantiles_are_those_of_exact_sums():
    rng = np.random.default_rng(0)
    # sixteenths, so that sums are exact and many of them hit p
    W = rng.multinomial(16, np.ones(12) / 12, size=40) / 16
    Y = rng.integers(0, 6, (12, 2)).astype(float)
    P = [0.0, 0.25, 0.5, 0.8125, 1.0]
    found = weighted_quantiles(csr_array(W), Y, P)
    assert found.shape == (40, 2, 5)
    for b in range(40):
        for j in range(2):
            assert found[b, j].tolist() == [quantile_by_hand(W[b], Y[:, j], p) for p in P]
    assert (weighted_quantiles(csr_array(W), Y[:, 0], 0.5) == found[:, 0, 2]).all()


def test_quantiles_of_thirds_and_of_kept_zeros():
    W = csr_array(([0.0, 1 / 3, 1 / 3, 1 / 3], [0, 1, 2, 3], [0, 4]), shape=(1, 4))
    y = np.array([-9.0, 1.0, 2.0, 3.0])
    assert weighted_quantiles(W, y, [0.0, 1 / 3, 2 / 3, 1.0]).tolist() == [[1.0, 1.0, 2.0, 3.0]]
    assert W.nnz == 4


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan, [[0.5]], "half", [0.5, [0.5]]])
def test_quantiles_refuse(p):
    with pytest.raises(hw.DataError, match="probabilities"):
        weighted_quantiles(csr_array([[1.0]]), np.zeros(1), p)
    with pytest.raises(hw.DataError, match="signed"):
        weighted_quantiles(csr_array([[2.0, -1.0]]), np.zeros(2), 0.5)


def places_by_hand(X):
    seen: dict[tuple[float, ...], int] = {}
    place = [seen.setdefault(tuple(float(v) for v in row), len(seen)) for row in X]
    first = [place.index(k) for k in range(len(seen))]
    return first, place


@pytest.mark.parametrize("collide", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64, np.uint8, bool])
def test_distinct_rows(dtype, collide, monkeypatch):
    if collide:
        monkeypatch.setattr(duplicates, "_hash_rows", lambda X: np.zeros(len(X), dtype=np.uint64))
    rng = np.random.default_rng(0)
    for n, d, many in ((1, 1, 2), (40, 1, 5), (200, 2, 4), (300, 3, 30), (50, 4, 1)):
        X = rng.integers(0, many, (n, d)).astype(dtype)
        first, place = places_by_hand(X)
        found = unique_rows(X)
        assert found.first.tolist() == first
        assert found.inverse.tolist() == place
        share = found.averaging_matrix()
        assert share.shape == (len(first), n)
        np.testing.assert_allclose(share.sum(axis=1), 1, rtol=1e-15)
        np.testing.assert_array_equal((share.toarray() > 0).argmax(axis=0), place)


@pytest.mark.parametrize("collide", [False, True])
def test_both_zeros_are_one_and_neighbours_are_two(collide, monkeypatch):
    if collide:
        monkeypatch.setattr(duplicates, "_hash_rows", lambda X: np.zeros(len(X), dtype=np.uint64))
    X = np.array([[0.0, 1.0], [-0.0, 1.0], [0.0, np.nextafter(1.0, 2)], [5e-324, 1.0]])
    assert unique_rows(X).inverse.tolist() == [0, 0, 1, 2]
    X = np.array([[1, 2**53], [1, 2**53 - 1], [1, 2**53]], dtype=np.int64)
    assert unique_rows(np.asfortranarray(X)).inverse.tolist() == [0, 1, 0]


def test_all_of_the_weight_is_100_percent():
    reg = hw.DelaunayRegressor().fit([[0.0], [1.0]], [1.0, 2.0])
    assert repr(reg.explain([0.0])) == "Explanation(1. from 1 rows: 0 (100 %))"
    assert repr(reg.explain([0.004])) == "Explanation(1.004 from 2 rows: 0 (100 %), 1 (0.4 %))"
    assert repr(reg.explain([0.006])) == "Explanation(1.006 from 2 rows: 0 (99 %), 1 (0.6 %))"


@pytest.mark.parametrize(
    "kind",
    ["Delaunay", "Voronoi", "BoxSpline", "MaxBox", "Shepard", "LinearShepard", "Nearest"],
)
def test_no_queries_are_an_empty_answer(kind):
    rng = np.random.default_rng(0)
    X, Q = np.repeat(rng.uniform(size=(100, 2)), 2, axis=0), np.zeros((0, 2))
    reg = getattr(hw, f"{kind}Regressor")().fit(X, X[:, 0])
    assert reg.predict(Q).shape == (0,)
    assert reg.weights(Q).shape == (0, 200)
    assert reg.predict_quantile(Q, [0.1, 0.9]).shape == (0, 2)
    if kind != "LinearShepard":
        assert len(reg.bound(Q, smoothness=1.0).total) == 0
        band = hw.CalibratedRegressor(reg).fit(X[::2], X[::2, 0]).band(Q)
        assert band.lower.shape == (0,)
    shares = hw.MixtureClassifier(hw.NearestRegressor()).fit(X, X[:, 0] > 0.5).predict_proba(Q)
    assert shares.shape == (0, 2)
