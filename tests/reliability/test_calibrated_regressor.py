"""Calibrated bands: their stated coverage, how they widen, and what they refuse."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

import hullwise as hw
from hullwise.errors import DataError, DataTypeError, DataWarning
from hullwise.reliability._calibration_scale import (
    LEAST_SHARE,
    conformal_factor,
    fit_scale,
    least_groups,
)
from hullwise.reliability.calibrated_regressor import CalibratedRegressor
from interpolant_doubles import InverseSquare, Nearest


def wave(X):
    return np.sin(5 * X[:, 0]) + X[:, 1] ** 2


def table(seed, n=120, noise=0.1):
    rng = np.random.default_rng(seed)
    X = rng.uniform(size=(n, 2))
    return X, wave(X) + noise * rng.standard_t(3, size=n), rng


def inside(band, y):
    return (band.lower <= y) & (y <= band.upper)


@pytest.mark.filterwarnings("ignore::hullwise.DataWarning")
@parametrize_with_checks(
    [
        CalibratedRegressor(Nearest(k=2), coverage=0.5),
        CalibratedRegressor(InverseSquare(), coverage=0.5),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# ---- coverage -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("coverage", "interpolant"),
    [(0.9, Nearest(k=2)), (0.5, InverseSquare()), (0.8, Nearest(k=2, sign=-1))],
    ids=["nearest", "inverse", "signed"],
)
def test_coverage_is_as_stated_and_not_much_more(coverage, interpolant):
    """One new row a table: the events are independent, and covered with c' = k / (c + 1)."""
    hits, tables, exact = 0, 100, 0.0
    for seed in range(tables):
        X, y, rng = table(seed, n=60)
        model = CalibratedRegressor(interpolant, coverage=coverage).fit(X, y)
        Q = rng.uniform(size=(1, 2))
        hits += int(inside(model.band(Q), wave(Q) + 0.1 * rng.standard_t(3, size=1))[0])
        exact = np.ceil((len(model.scores_) + 1) * coverage) / (len(model.scores_) + 1)
    assert coverage <= exact < coverage + 1 / 16
    assert binomtest(hits, tables, exact).pvalue > 1e-3


def heavy(rng, shape):
    return rng.lognormal(0, 2, shape)


@pytest.mark.parametrize("draw", [heavy, lambda rng, s: rng.standard_t(2, s)], ids=["log", "t"])
@pytest.mark.parametrize("metric", ["std", "range", hw.metrics.agop_of_rows, None], ids=str)
def test_coverage_with_units_that_rows_set_themselves(metric, draw):
    """Few rows of many heavy-tailed features: each row changes the units of all others."""
    hits, tables, exact = 0, 20 if callable(metric) else 60, 0.0
    for seed in range(tables):
        rng = np.random.default_rng(seed)
        X = draw(rng, (41, 12))
        y = np.arctan(X[:, 0]) + rng.standard_t(3, 41)
        model = CalibratedRegressor(Nearest(k=2, metric=metric), coverage=0.8, calibration=0.35)
        model.fit(X[:40], y[:40])
        hits += int(inside(model.band(X[40:]), y[40:])[0])
        exact = np.ceil((len(model.scores_) + 1) * 0.8) / (len(model.scores_) + 1)
    assert binomtest(hits, tables, exact).pvalue > 1e-3


def test_nothing_is_learnt_from_a_row_that_is_left_out():
    """Neither units nor metric: every function of the rows is called without those it measures."""
    X, y, _ = table(0, n=60)
    calls = []

    def recorded(rows, targets):
        calls.append({tuple(row) for row in rows})
        return np.ones(2)

    model = CalibratedRegressor(Nearest(k=2, metric=recorded)).fit(X, y)
    training = {tuple(row) for row in X[model.training_rows_]}
    assert calls[0] == training
    assert len(calls) == 6  # the interpolant that predicts, and five that leave rows out
    assert all(call < training for call in calls[1:])
    assert set.union(*(training - call for call in calls[1:])) == training


def grouped(rng, groups, each):
    """Rows around a place of each group, with an offset of its own: rows of one are alike."""
    centre, offset = rng.uniform(size=(groups, 2)), rng.normal(0, 0.5, groups)
    code = np.repeat(np.arange(groups), each)
    X = centre[code] + 0.02 * rng.normal(size=(len(code), 2))
    return X, wave(X) + offset[code] + 0.02 * rng.normal(size=len(code)), code


def test_groups_are_kept_whole_and_a_new_group_is_covered():
    hits, blind, tables = 0, 0, 70
    for seed in range(tables):
        X, y, code = grouped(np.random.default_rng(seed), 41, 6)
        new = code == 40
        model = CalibratedRegressor(Nearest(k=3), coverage=0.8)
        model.fit(X[~new], y[~new], groups=code[~new])
        apart = set(code[model.calibration_rows_]) & set(code[model.training_rows_])
        assert not apart
        hits += int(inside(model.band(X[new][:1]), y[new][:1])[0])
        blind += int(inside(clone(model).fit(X[~new], y[~new]).band(X[new][:1]), y[new][:1])[0])
    # 10 calibration groups: the 0.8 is met at a mass of 9 / 11 or a little more
    assert binomtest(hits, tables, 9 / 11, alternative="less").pvalue > 1e-3
    assert binomtest(blind, tables, 0.8, alternative="less").pvalue < 1e-6  # rows are not alike


def test_stretch_is_the_conformal_quantile():
    rng = np.random.default_rng(0)
    for c in (1, 9, 19, 20, 99):
        scores = rng.exponential(size=c)
        for coverage in (0.05, 0.5, 0.7, 0.9, 0.95, 0.99):
            k = int(np.ceil((c + 1) * coverage - 1e-9))
            expected = np.sort(scores)[k - 1] if k <= c else np.inf
            assert conformal_factor(scores, np.arange(c), coverage) == expected
            assert np.isfinite(expected) == (c >= least_groups(coverage))
    assert [least_groups(c) for c in (0.05, 0.5, 0.8, 0.9, 0.95, 0.99)] == [1, 1, 4, 9, 19, 99]


def test_stretch_weighs_groups_alike():
    # three groups of 1, 2 and 100 rows, a quarter of the mass each
    scores = np.concatenate([[1.0], [2.0, 3.0], np.linspace(4, 5, 100)])
    code = np.repeat([0, 1, 2], [1, 2, 100])
    for coverage, expected in [(0.25, 1.0), (0.3, 2.0), (0.4, 3.0), (0.5, 3.0), (0.75, 5.0)]:
        assert conformal_factor(scores, code, coverage) == expected
    assert conformal_factor(scores, code, 0.76) == np.inf


# ---- shape ----------------------------------------------------------------------------------


@pytest.mark.parametrize("interpolant", [Nearest(k=3), InverseSquare()], ids=repr)
@pytest.mark.parametrize("target", ["wave", "noise", "constant away from one row", "line"])
def test_the_band_widens_off_the_data(interpolant, target):
    X, y, rng = table(5, n=300)
    y = {
        "wave": y,
        "noise": rng.normal(size=300),
        "constant away from one row": np.where(np.arange(300) == 7, 1.0, 0.0),
        "line": X[:, 0],
    }[target]
    model = CalibratedRegressor(interpolant, coverage=0.8).fit(X, y)
    way = np.array([[0.5 + s, 0.5] for s in (0.5, 1, 2, 4, 8, 16, 32)])
    band = model.band(way)
    assert (np.diff(band.scale) > 0).all()
    assert (np.diff(band.reach) > 0).all()
    assert (np.diff(band.moment) > 0).all()
    assert model.lipschitz_ > 0
    assert model.smoothness_ > 0
    at_home = np.median(model.band(rng.uniform(size=(50, 2))).scale)
    assert band.scale[-1] > 20 * at_home
    np.testing.assert_allclose(band.width, 2 * model.factor_ * band.scale, rtol=1e-9, atol=1e-12)


def test_the_band_is_wider_where_rows_are_few_and_errors_large():
    rng = np.random.default_rng(2)
    X = np.concatenate([rng.uniform(0, 1, 300), rng.uniform(1, 9, 60)])[:, None]
    y = np.sin(3 * X[:, 0])
    model = CalibratedRegressor(Nearest()).fit(X, y)
    Q = np.concatenate([rng.uniform(0.1, 0.9, 200), rng.uniform(2, 8, 200)])[:, None]
    band, dense = model.band(Q), Q[:, 0] < 1
    assert np.median(band.width[~dense]) > 3 * np.median(band.width[dense])
    # one width for all, at the same coverage, is too wide among many rows and too narrow among few
    half = np.quantile(
        np.abs(y[model.calibration_rows_] - model.predict(X[model.calibration_rows_])), 0.9
    )
    error = np.abs(np.sin(3 * Q[:, 0]) - band.prediction)
    assert np.median(band.width[dense]) < half
    ours, constant = (
        inside(band, np.sin(3 * Q[:, 0]))[~dense].mean(),
        (error <= half)[~dense].mean(),
    )
    assert ours > constant + 0.1


def test_scale_finds_the_constants_it_was_made_with():
    rng = np.random.default_rng(4)
    reach, moment = rng.uniform(size=4000), rng.uniform(size=4000)
    u = 0.2 + 0.5 * reach + 1.5 * moment  # smoothness 3
    residual = u * rng.uniform(size=4000) / 0.9  # its 0.9 quantile is u everywhere
    found = fit_scale(residual, reach, moment, 0.9, (10.0, 10.0))
    np.testing.assert_allclose(found, [0.2, 0.5, 3.0], rtol=0.15)

    # the quantile loss cannot be improved upon nearby
    def loss(a):
        gap = residual - (a[0] + a[1] * reach + a[2] / 2 * moment)
        return np.where(gap > 0, 0.9 * gap, -0.1 * gap).mean()

    for step in rng.normal(size=(200, 3)) * 0.01:
        assert loss(found) <= loss(found + step) + 1e-12


def test_scale_keeps_its_floors_and_has_no_units():
    rng = np.random.default_rng(5)
    residual, reach, moment = (
        np.abs(rng.normal(size=500)),
        rng.uniform(size=500),
        rng.uniform(size=500),
    )
    falling = residual * (2 - reach - moment)  # errors that shrink as the geometry gets worse
    found = fit_scale(falling, reach, moment, 0.9, (np.inf, np.inf))
    usual = np.quantile(falling, 0.9) / np.quantile(
        np.column_stack([reach, moment / 2]), 0.9, axis=0
    )
    np.testing.assert_allclose(found[1:], LEAST_SHARE * usual, rtol=1e-9)
    for a, b in [(1e-100, 1e80), (1e100, 1e-80), (3.0, 7.0)]:
        same = fit_scale(falling * a, reach * b, moment * b * b, 0.9, (np.inf, np.inf))
        np.testing.assert_allclose(same, found * [a, a / b, a / b / b], rtol=1e-6)
    # nothing to learn from: the slopes of the target itself
    nothing = fit_scale(np.zeros(50), np.zeros(50), moment[:50], 0.9, (2.0, 4.0))
    np.testing.assert_allclose(nothing, [0, LEAST_SHARE * 2, LEAST_SHARE * 4])
    rounding = fit_scale(residual, 1e-17 * reach, moment, 0.9, (2.0, 4.0))
    assert rounding[1] == pytest.approx(
        LEAST_SHARE * 2
    )  # a reach of rounding errors teaches nothing


# ---- what it says ---------------------------------------------------------------------------


def test_the_model_that_predicts_has_not_seen_the_calibration_rows():
    X, y, rng = table(1)
    model = CalibratedRegressor(Nearest(k=2)).fit(X, y)
    train, held = model.training_rows_, model.calibration_rows_
    assert np.array_equal(np.sort(np.concatenate([train, held])), np.arange(120))
    assert len(held) == 30
    Q = rng.uniform(size=(9, 2))
    alone = Nearest(k=2).fit(X[train], y[train])
    np.testing.assert_array_equal(model.predict(Q), alone.predict(Q))
    band = model.band(Q)
    np.testing.assert_array_equal(band.prediction, alone.predict(Q))
    W = model.weights(Q)
    assert W.shape == (9, 120)
    assert W[:, held].nnz == 0
    np.testing.assert_allclose(W @ y, model.predict(Q), rtol=1e-14)
    bound = alone.bound(Q, smoothness=model.smoothness_, lipschitz=model.lipschitz_)
    np.testing.assert_allclose(band.scale, model.noise_ + bound.total, rtol=1e-9)
    why = model.explain(Q[0])
    np.testing.assert_array_equal(np.sort(why.rows), np.sort(W[[0]].indices))
    assert len(set(why.rows) & set(held)) == 0
    # other targets of the calibration rows change the factor and nothing else
    other = np.array(y)
    other[held] += 5
    again = clone(model).fit(X, other)
    np.testing.assert_array_equal(again.predict(Q), model.predict(Q))
    np.testing.assert_array_equal(again.band(Q).scale, band.scale)
    assert again.factor_ > 2 * model.factor_


def test_the_band_as_a_table():
    X, y, rng = table(1)
    frame = pd.DataFrame(X, columns=["age", "dose"], index=[f"p{i}" for i in range(120)])
    model = CalibratedRegressor(Nearest(k=2)).fit(frame, y)
    assert list(model.feature_names_in_) == ["age", "dose"]
    band = model.band(frame.iloc[:7])
    assert len(band) == 7
    assert repr(band).startswith("Band(7 queries, coverage 0.9, median width ")
    assert list(band.to_dict()) == ["prediction", "lower", "upper", "scale", "reach", "moment"]
    shown = band.to_frame()
    assert list(shown.index) == [f"p{i}" for i in range(7)]
    np.testing.assert_array_equal(shown["upper"], band.upper)
    why = model.explain(frame.iloc[:1])
    assert why.columns == ("age", "dose")
    assert list(why.labels) == [f"p{i}" for i in why.rows]
    assert len(model.explain(frame.iloc[[3]]).rows) == 2
    with pytest.raises(ValueError, match="feature names"):
        model.band(frame.rename(columns={"age": "AGE"}))


def test_seeds_clones_and_pickles():
    X, y, rng = table(1)
    Q = rng.uniform(size=(9, 2))
    inner = Nearest(k=2)
    model = CalibratedRegressor(inner, random_state=3).fit(X, y)
    assert not hasattr(inner, "cloud_")
    for same in (clone(model).fit(X, y), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(same.band(Q).upper, model.band(Q).upper)
        np.testing.assert_array_equal(same.calibration_rows_, model.calibration_rows_)
    other = CalibratedRegressor(inner, random_state=4).fit(X, y)
    assert not np.array_equal(other.calibration_rows_, model.calibration_rows_)
    one_by_one = np.concatenate([model.band(Q[i : i + 1]).upper for i in range(9)])
    np.testing.assert_array_equal(one_by_one, model.band(Q).upper)


@pytest.mark.parametrize("units", [1e-150, 1e100])
def test_units_do_not_matter(units):
    X, y, rng = table(1)
    Q = rng.uniform(-1, 2, size=(30, 2))
    plain = CalibratedRegressor(Nearest(k=2)).fit(X, y).band(Q)
    scaled = CalibratedRegressor(Nearest(k=2)).fit(X * units, y).band(Q * units)
    np.testing.assert_allclose(scaled.width, plain.width, rtol=1e-6)


def test_exact_predictions_have_no_width():
    X = np.random.default_rng(0).uniform(size=(80, 2))
    band = CalibratedRegressor(Nearest()).fit(X, np.full(80, 3.0)).band([[0.5, 0.5], [9.0, 9.0]])
    np.testing.assert_array_equal(band.width, 0)  # as far as 20 rows can tell


# ---- hostile input --------------------------------------------------------------------------


def test_too_few_rows_say_how_many_are_needed():
    X, y, _ = table(1, n=30)
    with pytest.raises(DataError, match=r"needs at least 9 calibration rows.*gives 8.*at least 33"):
        CalibratedRegressor(Nearest()).fit(X, y)
    enough, target, _ = table(1, n=33)
    assert np.isfinite(CalibratedRegressor(Nearest()).fit(enough, target).factor_)
    with pytest.raises(DataError, match=r"needs at least 9 calibration groups.*of 3 gives 1"):
        CalibratedRegressor(Nearest()).fit(X, y, groups=np.arange(30) % 3)
    with pytest.raises(DataError, match="to fit on"):
        CalibratedRegressor(Nearest(), coverage=0.1, calibration=0.9).fit(X[:2], y[:2])


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.zeros(5), r"shape \(5,\)"),
        (np.where(np.arange(120) == 3, np.nan, 1.0), "NaN, first in row 3"),
        (np.array(["a", 1] * 60, dtype=object), "sorted"),
        (np.zeros((120, 1)), "shape"),
    ],
)
def test_groups_that_cannot_be_used(groups, message):
    X, y, _ = table(1)
    with pytest.raises(DataError, match=message):
        CalibratedRegressor(Nearest()).fit(X, y, groups=groups)


@pytest.mark.parametrize("value", [0, 1, -0.1, 1.5, float("nan"), True, "0.9", None])
def test_options_that_cannot_be_used(value):
    X, y, _ = table(1)
    for name in ("coverage", "calibration"):
        with pytest.raises(DataError, match=f"{name}=.*between 0 and 1"):
            CalibratedRegressor(Nearest(), **{name: value}).fit(X, y)


def test_what_cannot_be_calibrated():
    X, y, _ = table(1)
    for other in (None, LogisticRegression(), Nearest):
        with pytest.raises(DataTypeError, match="needs a regressor"):
            CalibratedRegressor(other).fit(X, y)
    with pytest.raises(DataTypeError, match="needs the weights of an interpolant"):
        CalibratedRegressor(LinearRegression()).fit(X, y).weights(X)
    model = CalibratedRegressor(Nearest())
    with pytest.raises(NotFittedError):
        model.band(X)
    with pytest.raises(DataError, match="row 3"):
        model.fit(X, np.where(np.arange(120) == 3, np.nan, y))
    with pytest.raises(DataError):
        model.fit(X, np.where(np.arange(120) == 3, None, y))
    with pytest.raises(DataError, match="random_state"):
        CalibratedRegressor(Nearest(), random_state=-1).fit(X, y)
    for X_units, y_units in [(1e200, 1.0), (1e-140, 1e140)]:
        with pytest.raises(DataError, match="overflow"):
            model.fit(X * X_units, y * y_units)
    with pytest.warns(DataConversionWarning):
        model.fit(X, y[:, None])
    with pytest.raises(DataError, match="3 features"):
        model.band(np.zeros((2, 3)))


def test_far_queries_get_an_infinite_band_and_no_warning():
    X, y, _ = table(1)
    band = CalibratedRegressor(InverseSquare()).fit(X, y).band([[1e160, 0.0]])
    assert band.lower[0] == -np.inf
    assert band.upper[0] == np.inf


def test_rows_that_repeat_are_named_by_their_own_numbers():
    X, y, _ = table(1)
    X[100] = X[2]
    with pytest.warns(DataWarning, match=r"row 100 \(as row 2;") as said:
        CalibratedRegressor(Nearest()).fit(X, y)
    assert len(said) == 1
    with pytest.raises(DataError, match=r"row 100 \(as row 2;"):
        CalibratedRegressor(Nearest(duplicates="raise")).fit(X, y)
