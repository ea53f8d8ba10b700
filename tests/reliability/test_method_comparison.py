"""Methods compared by the errors of rows that were left out in turn."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

import hullwise as hw


def noisy(n=120, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(size=(n, 2))
    return X, np.sin(5 * X[:, 0]) + X[:, 1] + rng.normal(0, 0.3, n)


def test_errors_are_those_of_each_fold_left_out():
    X, y = noisy()
    comparison = hw.compare(X, y, ["delaunay", "nearest"], n_folds=4, random_state=3)
    from hullwise.reliability.folds import left_out_folds

    folds = left_out_folds(len(X), None, 4, 3)
    for i, reg in enumerate([hw.DelaunayRegressor(), hw.NearestRegressor()]):
        residual = np.zeros(len(X))
        for rows in folds:
            rest = np.setdiff1d(np.arange(len(X)), rows)
            residual[rows] = y[rows] - reg.fit(X[rest], y[rest]).predict(X[rows])
        assert comparison.error[i, 0] == pytest.approx(np.sqrt(np.mean(residual**2)))
        assert comparison.median_error[i, 0] == pytest.approx(np.median(np.abs(residual)))
        each = [np.sqrt(np.mean(residual[rows] ** 2)) for rows in folds]
        np.testing.assert_allclose(comparison.fold_error[i, :, 0], each)
        assert comparison.spread[i, 0] == pytest.approx(np.std(each, ddof=1))
    assert comparison.score[0] == pytest.approx(comparison.error[0, 0] / y.std())
    assert comparison.methods[-1] == "median"
    assert comparison.beats_constant


def test_smoothers_win_where_there_is_noise_and_delaunay_where_there_is_none():
    X, y = noisy()
    assert hw.compare(X, y, ["delaunay", "kernel"]).best == "kernel"
    assert hw.compare(X, X @ [1.0, 2.0], ["kernel", "delaunay"]).best == "delaunay"


def test_the_default_methods_are_noise_aware():
    X, y = noisy(100)
    comparison = hw.compare(X, y)
    assert {"minimax", "kernel", "delaunay"} < set(comparison.methods)
    assert comparison.best != "delaunay"
    table = comparison.to_dict()
    assert table["best"].count(True) == 1
    assert table["method"][table["best"].index(True)] == comparison.best
    assert not comparison.failures
    assert comparison.best in repr(comparison)


def test_whole_groups_are_left_out():
    rng = np.random.default_rng(0)
    centre = rng.normal(size=(24, 3))
    group = np.repeat(np.arange(24), 10)
    X = centre[group] + 1e-3 * rng.normal(size=(240, 3))
    y = rng.normal(size=24)[group]  # a number of each group that its place says nothing of
    by_row = hw.compare(X, y, ["nearest"])
    by_group = hw.compare(X, y, ["nearest"], groups=group.astype(str))
    assert by_row.score[0] < 0.2
    assert by_group.score[0] > 0.8
    assert by_group.n_groups == 24
    with pytest.raises(hw.DataError, match="3 groups cannot be divided into 5"):
        hw.compare(X, y, ["nearest"], groups=group % 3)
    with pytest.raises(hw.DataError, match="7 groups for 240 rows"):
        hw.compare(X, y, ["nearest"], groups=group[:7])


def test_several_targets_count_by_their_own_spread():
    X, y = noisy()
    Y = np.column_stack([y, 1000 * y, X[:, 0]])
    comparison = hw.compare(X, Y, ["delaunay", "kernel"])
    assert comparison.error.shape == (3, 3)
    np.testing.assert_allclose(comparison.error[:, 1], 1000 * comparison.error[:, 0])
    relative = comparison.error / Y.std(axis=0)
    np.testing.assert_allclose(comparison.score, np.sqrt(np.mean(relative**2, axis=1)))
    assert "error 2" in comparison.to_dict()


def test_any_regressors_may_be_compared():
    X, y = noisy()
    methods = {"line": LinearRegression(), "smooth": hw.KernelRegressor()}
    comparison = hw.compare(X, X @ [1.0, 2.0], methods)
    assert comparison.best == "line"
    assert isinstance(comparison.best_estimator(), LinearRegression)
    assert comparison.score[0] < 1e-12


def test_classes_are_judged_by_their_shares():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 2))
    labels = np.where(X[:, 0] + 0.3 * rng.normal(size=150) > 0, "yes", "no")
    comparison = hw.compare(X, labels, classes=True)
    assert comparison.methods == ("kernel", "delaunay", "nearest", "shares of the classes")
    i = comparison.methods.index(comparison.best)
    assert comparison.wrong[i] < 0.2 < comparison.wrong[-1]
    assert "wrong" in comparison.to_dict()


def test_the_choice_is_counted_in():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), rng.normal(size=60)
    same = {f"same {i}": hw.NearestRegressor(n_neighbors=6 + i) for i in range(4)}
    comparison = hw.compare(X, y, same)
    best = comparison.methods.index(comparison.best)
    squares = np.square(comparison.fold_score[:-1])
    expected = comparison.score[best] ** 2 + (squares[best] - squares.min(axis=0)).mean()
    assert comparison.corrected_score == pytest.approx(np.sqrt(expected))
    assert comparison.corrected_score > comparison.score[best]
    assert comparison.as_good[:-1].all()
    alone = hw.compare(X, y, {"nearest": hw.NearestRegressor(n_neighbors=1)})
    assert not alone.beats_constant  # twice the variance of what cannot be predicted


def test_one_hard_fold_hides_no_method_that_is_twice_as_wrong_in_all():
    """Squares of the errors would be compared on the last fold alone, and tell nothing."""
    X, y = noisy()
    comparison = hw.compare(X, y, ["delaunay", "nearest"])
    fold_score = np.array([[1.0, 1.1, 0.9, 1.0, 40.0], [2.0, 2.3, 1.9, 2.0, 80.0], [9.0] * 5])
    hard = replace(comparison, fold_score=fold_score, score=np.array([18.0, 36.0, 40.0]))
    assert hard.as_good.tolist()[:2] == [True, False]
    alike = replace(hard, fold_score=fold_score[[0, 0, 2]] * [[1.0], [1.01], [1.0]])
    shuffled = alike.fold_score.copy()
    shuffled[1] = shuffled[1] * [1.2, 0.8, 1.1, 0.9, 1.0]
    assert replace(alike, fold_score=shuffled).as_good.tolist()[:2] == [True, True]


def test_a_method_that_fails_is_named_and_left_out():
    X, y = noisy(40)
    broken = hw.DelaunayRegressor(metric=[1.0, 2.0, 3.0])
    comparison = hw.compare(X, y, {"broken": broken, "nearest": hw.NearestRegressor()})
    assert comparison.best == "nearest"
    assert "broken" in comparison.failures
    assert np.isnan(comparison.score[0])
    with pytest.raises(hw.DataError, match=r"no method can be fitted.*broken"):
        hw.compare(X, y, {"broken": broken})


def test_large_tables_are_compared_on_a_sample_of_whole_groups():
    X, y = noisy(300)
    assert hw.compare(X, y, ["nearest"], max_rows=100).n_rows == 100
    group = np.arange(300) // 7
    sampled = hw.compare(X, y, ["nearest"], groups=group, max_rows=100)
    assert sampled.n_rows <= 100
    assert sampled.n_groups == sampled.n_rows // 7


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"methods": ["krige"]}, "'krige': expected some of delaunay"),
        ({"methods": []}, "name at least one"),
        ({"n_folds": 1}, "n_folds"),
        ({"max_rows": 3}, "max_rows"),
    ],
)
def test_bad_options_are_refused(options, text):
    X, y = noisy(30)
    with pytest.raises(hw.HullwiseError, match=text):
        hw.compare(X, y, **{"methods": ["nearest"], **options})
    with pytest.raises(hw.DataError, match="3 rows"):
        hw.compare(X[:3], y[:3], ["nearest"])
