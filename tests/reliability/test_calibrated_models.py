"""Bands around any regressor, sets of classes around any classifier: coverage, off the data too."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.estimator_checks import parametrize_with_checks

import hullwise as hw
from hullwise.errors import DataError, DataTypeError

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        hw.CalibratedRegressor(Ridge(), coverage=0.5),
        hw.CalibratedRegressor(KNeighborsRegressor(1), coverage=0.5, method="cv+", n_folds=3),
        hw.CalibratedClassifier(LogisticRegression(), coverage=0.5),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def wave(X):
    return np.sin(4 * X[:, 0]) + X[:, 1]


def table(seed, n=80, k=1):
    rng = np.random.default_rng(seed)
    X = rng.standard_t(4, size=(n, 2))
    y = wave(X)[:, None] * [1, 10][:k] + rng.standard_t(3, size=(n, k)) * 0.3
    return X, y[:, 0] if k == 1 else y


@pytest.mark.parametrize("method", ["split", "cv+", "jackknife+"])
def test_new_rows_are_covered_as_often_as_stated(method):
    """One new row a table, so that the events are independent; heavy tails."""
    hits, tables = 0, {"split": 50, "cv+": 30, "jackknife+": 10}[method]
    n = 80 if method != "jackknife+" else 15
    for seed in range(tables):
        X, y = table(seed, n + 1)
        model = hw.CalibratedRegressor(
            KNeighborsRegressor(3), coverage=0.8, method=method, n_folds=5
        ).fit(X[:n], y[:n])
        band = model.band(X[n:])
        hits += int(band.lower[0] <= y[n] <= band.upper[0])
    assert binomtest(hits, tables, 0.8, alternative="less").pvalue > 1e-3
    assert hits / tables < 0.98


def test_several_targets_each_or_all_at_once():
    each, joint, n = np.zeros(2), 0, 40
    for seed in range(n):
        X, y = table(seed, 81, k=2)
        for together in (False, True):
            model = hw.CalibratedRegressor(LinearRegression(), coverage=0.8, joint=together)
            band = model.fit(X[:80], y[:80]).band(X[80:])
            assert band.lower.shape == (1, 2)
            inside = ((band.lower <= y[80:]) & (y[80:] <= band.upper))[0]
            if together:
                joint += int(inside.all())
            else:
                each += inside
    assert (each / n > 0.6).all()
    assert joint / n > 0.6
    assert model.factor_.shape == (2,)
    assert len(band.to_frame().columns) >= 8


def test_groups_are_kept_whole():
    """Rows of a group share their luck: by rows a new group is covered too seldom."""
    hits = {True: [], False: []}
    for seed in range(30):
        rng = np.random.default_rng(seed)
        group = np.repeat(np.arange(31), 8)
        X = rng.normal(size=(31, 2))[group] + 0.01 * rng.normal(size=(len(group), 2))
        y = rng.normal(size=31)[group] + 0.05 * rng.normal(size=len(group))
        new = group == 30
        for whole in (True, False):
            model = hw.CalibratedRegressor(KNeighborsRegressor(1), coverage=0.8)
            model.fit(X[~new], y[~new], groups=group[~new] if whole else None)
            band = model.band(X[new])
            hits[whole].append(((band.lower <= y[new]) & (y[new] <= band.upper)).mean())
    assert np.mean(hits[True]) > 0.7
    assert np.mean(hits[False]) < 0.5


@pytest.mark.parametrize("method", ["split", "cv+"])
def test_bands_widen_off_the_data(method):
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(300, 3))
    y = np.sin(5 * X[:, 0]) + X[:, 1] + 0.1 * rng.normal(size=300)
    forest = RandomForestRegressor(30, random_state=0)
    model = hw.CalibratedRegressor(forest, method=method, n_folds=3).fit(X, y)
    line = np.column_stack([np.linspace(0.5, 4, 8), np.full(8, 0.5), np.full(8, 0.5)])
    width = model.band(line).width
    assert (np.diff(width[1:]) > 0).all()
    assert width[-1] > 3 * width[0]


def test_a_pipeline_on_a_table_with_categories(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"age": rng.normal(40, 10, 400), "job": rng.choice(["a", "b"], 400)})
    y = table["age"] + 20 * (table["job"] == "a") + rng.normal(0, 1, 400)
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["job"]), remainder="passthrough"
    )
    model = hw.CalibratedRegressor(make_pipeline(encode, Ridge())).fit(table, y)
    new = pd.DataFrame({"age": [41.0, 41.0], "job": ["a", "never"]})
    width = model.band(new).width
    assert width[0] < 6
    assert np.isinf(width[1])  # nothing is known of a level never seen
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.band(new).lower, model.band(new).lower)
    assert clone(model).get_params()["coverage"] == 0.9


def test_options_are_checked():
    X, y = table(0)
    with pytest.raises(DataError, match="method='bootstrap'"):
        hw.CalibratedRegressor(Ridge(), method="bootstrap").fit(X, y)
    with pytest.raises(DataTypeError, match="CalibratedClassifier takes classifiers"):
        hw.CalibratedRegressor(LogisticRegression()).fit(X, y)
    with pytest.raises(DataTypeError, match="expected a classifier"):
        hw.CalibratedClassifier(Ridge()).fit(X, y > 0)
    with pytest.raises(DataError, match="at least 9 calibration rows"):
        hw.CalibratedRegressor(Ridge()).fit(X[:20], y[:20])


# ---- sets of classes --------------------------------------------------------------------------


def classes(seed, n):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    score = X @ [[1.5, 0.0, -1.0], [0.0, 1.5, -1.0]] + rng.gumbel(size=(n, 3))
    return X, np.array(["a", "b", "c"])[score.argmax(axis=1)]


def test_the_right_class_is_in_the_set_as_often_as_stated():
    hits, sizes, tables = 0, [], 60
    for seed in range(tables):
        X, y = classes(seed, 121)
        model = hw.CalibratedClassifier(LogisticRegression(), coverage=0.8).fit(X[:120], y[:120])
        sets = model.sets(X[120:])
        hits += int(sets.members[0, model.classes_.tolist().index(y[120])])
        sizes.append(sets.size[0])
    assert binomtest(hits, tables, 0.8, alternative="less").pvalue > 1e-3
    assert np.mean(sizes) < 2.7


def test_sets_grow_off_the_data_where_the_model_is_sure():
    X, y = classes(0, 600)
    sure = X[:, 0] > 0
    labels = np.where(sure, "right", "left")
    model = hw.CalibratedClassifier(RandomForestClassifier(50, random_state=0)).fit(X, labels)
    near, far = model.sets([[1.5, 0.0], [60.0, 0.0]])[0], model.sets([[60.0, 0.0]])
    assert near.to_dict()["set"] == [["right"]]
    assert far.size.tolist() == [2]
    assert far.prediction.tolist() == ["right"]
    assert repr(near) == "ClassSets(1 queries, coverage 0.9, mean size 1.00)"


def test_groups_of_classes_are_kept_whole():
    X, y = classes(0, 300)
    model = hw.CalibratedClassifier(LogisticRegression(), coverage=0.7)
    model.fit(X, y, groups=np.repeat(np.arange(30), 10))
    assert 0 <= model.threshold_ <= 1
    with pytest.raises(DataError, match="calibration groups"):
        model.fit(X, y, groups=np.repeat(np.arange(3), 100))
