"""The locators are well-behaved scikit-learn transformers, and say what `locate` says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import hullwise as hw
from hullwise.geometry.bands import BANDS

LOCATORS = [
    hw.HullLocator(metric=None, reference=20),
    hw.EllipsoidLocator(),
    hw.BoxLocator(),
    hw.NeighbourLocator(metric=None, reference=20),
]
COLUMNS = {
    "HullLocator": ["hull_verdict", "hull_lower", "hull_upper", "hull_percentile", "hull_band"],
    "EllipsoidLocator": ["in_ellipsoid", "ellipsoid_distance", "mahalanobis"],
    "BoxLocator": ["in_range_share", "box_distance"],
    "NeighbourLocator": ["neighbour_distance", "neighbour_percentile"],
}
every = pytest.mark.parametrize("locator", LOCATORS, ids=lambda e: type(e).__name__)

RNG = np.random.default_rng(31)
NAMES = ["age", "dose", "weight"]
X = pd.DataFrame(RNG.normal(size=(120, 3)) * [1, 100, 0.01], columns=NAMES)
Q = pd.DataFrame(RNG.normal(size=(30, 3)) * [2, 200, 0.02], columns=NAMES, index=range(500, 530))


@pytest.mark.filterwarnings("ignore::hullwise.DataWarning")
@parametrize_with_checks(LOCATORS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@every
def test_columns_and_their_names(locator):
    fitted = clone(locator).fit(X)
    found = fitted.transform(Q)
    names = COLUMNS[type(locator).__name__]
    assert list(fitted.get_feature_names_out()) == names
    assert found.shape == (len(Q), len(names))
    assert found.dtype == np.float64
    assert list(fitted.feature_names_in_) == NAMES
    assert fitted.n_features_in_ == 3
    np.testing.assert_array_equal(clone(locator).fit_transform(X), fitted.transform(X))


@every
def test_set_output(locator):
    fitted = clone(locator).set_output(transform="pandas").fit(X)
    frame = fitted.transform(Q)
    assert list(frame.columns) == COLUMNS[type(locator).__name__]
    assert list(frame.index) == list(Q.index)
    plain = clone(locator).fit(X).transform(Q)
    np.testing.assert_array_equal(frame.to_numpy(), plain)
    np.testing.assert_array_equal(fitted.score_samples(Q), clone(locator).fit(X).score_samples(Q))
    other = fitted.set_output(transform="polars").transform(Q)
    assert isinstance(other, pl.DataFrame)
    np.testing.assert_array_equal(other.to_numpy(), plain)


def test_columns_are_those_of_locate():
    location = hw.locate(X, Q, metric=None, n_neighbors=3, reference=50)
    hull = hw.HullLocator(metric=None, n_neighbors=3, reference=50).fit(X)
    order = [BANDS.index(b) for b in location.band]
    columns = (location.verdict, location.lower, location.upper, location.hull_percentile, order)
    np.testing.assert_allclose(hull.transform(Q), np.column_stack(columns), rtol=1e-9, atol=1e-9)
    whole = hull.locate(Q)
    np.testing.assert_array_equal(whole.verdict, location.verdict)
    np.testing.assert_array_equal(whole.band, location.band)
    np.testing.assert_array_equal(whole.nearest_rows, location.nearest_rows)
    assert list(whole.labels) == list(Q.index)
    assert whole.verify(X, exact=True).all()
    assert hull.rank_ == 3
    neighbour = hw.NeighbourLocator(metric=None, n_neighbors=3, reference=50).fit(X).transform(Q)
    np.testing.assert_allclose(neighbour[:, 0], location.neighbour_distance, rtol=1e-12)
    np.testing.assert_allclose(neighbour[:, 1], location.neighbour_percentile)
    box = hw.BoxLocator().fit(X)
    np.testing.assert_array_equal(box.transform(Q)[:, 0], location.in_range_share)
    np.testing.assert_array_equal(box.excess(Q), location.box_excess)
    shares = np.abs(location.box_excess) / np.ptp(X.to_numpy(), axis=0)
    np.testing.assert_allclose(box.transform(Q)[:, 1], shares.max(axis=1), rtol=1e-12)
    ellipsoid = hw.EllipsoidLocator().fit(X).transform(Q)
    np.testing.assert_array_equal(ellipsoid[:, 0] == 1, location.in_ellipsoid)
    np.testing.assert_allclose(ellipsoid[:, 1], location.ellipsoid_distance, rtol=1e-9)
    np.testing.assert_allclose(ellipsoid[:, 2], location.mahalanobis, rtol=1e-9)


@every
def test_scores_fall_on_the_way_out(locator):
    fitted = clone(locator).fit(X)
    step = X.to_numpy()[[4]] - X.to_numpy().mean(axis=0)
    path = X.to_numpy().mean(axis=0) + np.array([[4.0], [8.0], [50.0], [1e6]]) * step
    score = fitted.score_samples(pd.DataFrame(path, columns=NAMES))
    assert score.shape == (4,)
    assert (np.diff(score) < 0).all()
    assert (score <= 0).all()


def test_score_of_an_inside_row_is_zero():
    hull = hw.HullLocator(metric=None, reference=5).fit(X)
    np.testing.assert_array_equal(hull.score_samples(X), 0.0)
    np.testing.assert_array_equal(hw.BoxLocator().fit(X).score_samples(X), 0.0)


def test_in_pipelines_and_unions():
    scaled = make_pipeline(StandardScaler(), hw.HullLocator(metric=None, reference=0)).fit(X)
    direct = hw.HullLocator(reference=0, metric="std").fit(X).transform(Q)
    np.testing.assert_array_equal(scaled.transform(Q)[:, 0], direct[:, 0])
    np.testing.assert_allclose(scaled.transform(Q)[:, 1:], direct[:, 1:], rtol=1e-5, atol=1e-9)
    union = FeatureUnion([(type(e).__name__, clone(e)) for e in LOCATORS]).fit(X)
    width = sum(map(len, COLUMNS.values()))
    assert union.transform(Q).shape == (len(Q), width)
    assert "HullLocator__hull_upper" in union.get_feature_names_out()
    some = ColumnTransformer([("two", hw.BoxLocator(), ["dose", "age"])]).fit(X)
    np.testing.assert_array_equal(
        some.transform(Q), hw.BoxLocator().fit(X[["dose", "age"]]).transform(Q[["dose", "age"]])
    )


def test_as_features_of_a_model_with_a_search():
    y = X.to_numpy() @ [1.0, 0.01, 100.0]
    model = make_pipeline(hw.NeighbourLocator(metric=None, reference=20), LinearRegression())
    search = GridSearchCV(model, {"neighbourlocator__n_neighbors": [1, 3]}, cv=3).fit(X, y)
    assert search.best_params_["neighbourlocator__n_neighbors"] in (1, 3)


@every
def test_other_columns_are_refused(locator):
    fitted = clone(locator).fit(X)
    with pytest.raises(ValueError, match=r"order|dose"):
        fitted.transform(Q[["dose", "age", "weight"]])
    with pytest.raises(ValueError, match="height"):
        fitted.transform(Q.rename(columns={"dose": "height"}))
    with pytest.warns(UserWarning, match="feature names"):
        fitted.transform(Q.to_numpy())
    with pytest.raises(ValueError, match=r"2 features.*3 features"):
        clone(locator).fit(X.to_numpy()).transform(Q.to_numpy()[:, :2])


@every
def test_target_is_ignored(locator):
    expected = clone(locator).fit(X).transform(Q)
    found = clone(locator).fit(X, np.arange(len(X))).transform(Q)
    np.testing.assert_array_equal(found, expected)


@every
def test_parameters_are_taken_as_given(locator):
    """As scikit-learn asks: nothing is checked or changed before fit."""
    for name, value in locator.get_params().items():
        assert getattr(locator, name) is value
    assert repr(locator).startswith(type(locator).__name__)


@pytest.mark.parametrize(
    ("locator", "words"),
    [
        (hw.HullLocator(metric="manhattan"), "manhattan"),
        (hw.HullLocator(metric=[1.0, 2.0]), r"\(2,\)"),
        (hw.HullLocator(metric=None, n_neighbors=0), "n_neighbors"),
        (hw.HullLocator(metric=None, reference=-1), "reference"),
        (hw.HullLocator(metric=None, tolerance=-1.0), "tolerance"),
        (hw.NeighbourLocator(metric=None, n_neighbors=0), "n_neighbors"),
        (hw.NeighbourLocator(metric=None, reference=-1), "reference"),
        (hw.EllipsoidLocator(tolerance=0.0), "tolerance"),
    ],
    ids=repr,
)
def test_bad_parameters_are_refused_at_fit(locator, words):
    with pytest.raises(hw.DataError, match=words):
        clone(locator).fit(X)


def test_no_reference_means_no_percentile():
    assert np.isnan(hw.HullLocator(metric=None, reference=0).fit(X).transform(Q)[:, 3]).all()
    assert np.isnan(hw.NeighbourLocator(metric=None, reference=0).fit(X).transform(Q)[:, 1]).all()


def test_one_training_row():
    one = X.iloc[:1]
    with pytest.warns(hw.DataWarning, match="flat of dimension 0"):
        hull = hw.HullLocator(metric=None).fit(one)
    np.testing.assert_array_equal(hull.transform(one)[0, :3], [1.0, 0.0, 0.0])
    assert hull.transform(Q)[0, 1] == pytest.approx(
        np.linalg.norm(Q.to_numpy()[0] - one.to_numpy()[0]), rel=1e-9
    )
    neighbour = hw.NeighbourLocator(metric=None, n_neighbors=5).fit(one).transform(Q)
    assert np.isfinite(neighbour[:, 0]).all()
