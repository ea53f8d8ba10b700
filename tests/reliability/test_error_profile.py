"""From a domain, rows and predictions to the table of errors against distance."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_friedman1
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import hullwise as hw
from hullwise.errors import DataError
from hullwise.samples import load

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")


def people(n, seed, spread=1.0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": rng.normal(40, 10 * spread, n),
            "pay": rng.normal(3, spread, n),
            "job": rng.choice(["nurse", "clerk", "smith"], n),
        }
    )
    table["y"] = np.abs(table["age"] - 40) / 10 + table["pay"] ** 2 + rng.normal(0, 0.1, n)
    return table


@pytest.fixture(scope="module")
def domain():
    return hw.Domain().fit(people(300, 0), target="y")


def test_error_grows_where_a_line_is_drawn_through_a_curve(domain):
    train, new = people(300, 0), people(400, 1, 1.4)
    model = LinearRegression().fit(train[["age", "pay"]], train["y"])
    new["yhat"] = model.predict(new[["age", "pay"]])
    profile = hw.error_profile(domain, new, "y", "yhat")
    assert profile["hull"].verdict.word == "yes"
    assert profile.by_band.mean[3] > 3 * profile.by_band.mean[0]
    assert profile.mean_error == pytest.approx(np.abs(new["y"] - new["yhat"]).mean())
    by_model = hw.error_profile(domain, new, "y", model)
    by_values = hw.error_profile(domain, new, new["y"].to_numpy(), new["yhat"].to_numpy())
    for other in (by_model, by_values):
        assert other.mean_error == pytest.approx(profile.mean_error)
        assert other["hull"].verdict.word == "yes"
        assert other["hull"].saved == pytest.approx(profile["hull"].saved)


def test_a_level_never_seen_ranks_above_all(domain):
    new = people(200, 1)
    new.loc[:9, "job"] = "baker"
    truth = np.where(new["job"] == "baker", 50.0, np.abs(np.sin(np.arange(200.0))))
    profile = hw.error_profile(domain, new, truth, np.zeros(200))
    assert np.isinf(profile["hull"].curve.edges).sum() == 0
    assert profile.by_band.rows[3] >= 10
    assert profile["hull"].verdict.ratio > 5


def test_classes_are_right_or_wrong(domain):
    new = people(300, 2, 1.3)
    new["kind"] = np.where(new["pay"] > 3, "high", "low")
    profile = hw.error_profile(domain, new, "kind", np.full(300, "high"))
    assert profile.is_classes
    assert profile.mean_error == pytest.approx((new["pay"] <= 3).mean())
    assert 0 < profile["hull"].auroc < 1
    assert "share of wrong classes by band" in profile.band_sentence


def test_several_outputs_count_alike(domain):
    new = people(300, 2)
    truth = np.column_stack([new["y"], 1000 * new["y"]])
    one = hw.error_profile(domain, new, "y", np.zeros(300))
    two = hw.error_profile(domain, new, truth, np.zeros((300, 2)))
    assert two["hull"].verdict.correlation == pytest.approx(one["hull"].verdict.correlation)


def test_groups_are_judged_as_groups(domain):
    new = people(300, 3).assign(patient=np.repeat(np.arange(15), 20))
    profile = hw.error_profile(domain, new, "y", np.zeros(300), groups="patient")
    assert profile.n_groups == 15
    assert profile["hull"].verdict.n_groups == 15
    assert len(profile["hull"].curve.rows) <= 3  # at least five groups in each bin


def test_a_pipeline_is_cross_validated_on_the_raw_table():
    table = people(300, 0)
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["job"]), remainder="passthrough"), Ridge()
    )
    profile = hw.cross_validated_error_profile(model, table, "y")
    assert profile.n_rows == 300
    assert profile["hull"].verdict.word == "yes"


def test_in_forest_fires_distance_says_nothing():
    """The answer may be no, in these words; the spread of the trees says more."""
    fires = load("forest_fires")
    table = pd.DataFrame(fires.X, columns=fires.columns).assign(area=np.log1p(fires.y))
    forest = RandomForestRegressor(60, random_state=0)
    profile = hw.cross_validated_error_profile(forest, table, "area")
    assert [notion.verdict.word for notion in profile.notions[:3]] == ["nothing"] * 3
    assert profile.sentence.startswith(
        "In this table distance says nothing about this model's error"
    )
    assert "ensemble's spread says more" in profile.sentence


def test_what_cannot_be_compared_is_named(domain):
    new = people(50, 4)
    with pytest.raises(DataError, match="lacks the column 'z' of truth"):
        hw.error_profile(domain, new, "z", "y")
    with pytest.raises(DataError, match="prediction has shape"):
        hw.error_profile(domain, new, "y", np.zeros(3))
    new.loc[7, "y"] = np.nan
    with pytest.raises(DataError, match=r"row 7, column 'y' is empty"):
        hw.error_profile(domain, new, "y", np.zeros(50))
    with pytest.raises(DataError, match="at least 20 are needed"):
        hw.error_profile(domain, people(10, 1), "y", np.zeros(10))
    with pytest.raises(DataError, match="no notion 'box'"):
        hw.error_profile(domain, people(50, 1), "y", np.zeros(50))["box"]


def test_a_region_of_acceptance_is_promised_in_words(domain):
    new = people(800, 5, 1.6)
    model = LinearRegression().fit(people(300, 0)[["age", "pay"]], people(300, 0)["y"])
    common = {"at_most": 0.15, "tolerance": 4.0}
    region = hw.acceptance_region(domain, new, "y", model, **common)
    assert 0 < region.accepted_share < 1
    assert region.accepted_loss < 0.15
    assert region.box_plot_share > 0
    assert region.sentence.startswith("With confidence 90 %: of new rows like the calibration rows")
    assert "wrong by more than 4" in region.sentence
    np.testing.assert_array_equal(region.accepts([0.0, 1e9]), [True, False])
    nothing = hw.acceptance_region(domain, new[:60], "y", model, at_most=0.01, tolerance=0.0)
    assert nothing.threshold == -np.inf
    assert "at least 390 accepted rows are needed" in nothing.sentence


def test_options_of_a_region_that_do_not_go_together_are_named(domain):
    new = people(100, 5)
    with pytest.raises(DataError, match="tolerance is missing"):
        hw.acceptance_region(domain, new, "y", np.zeros(100), at_most=0.1)
    with pytest.raises(DataError, match="exceeds largest_loss"):
        hw.acceptance_region(
            domain, new, "y", np.zeros(100), at_most=0.1, loss="bounded", largest_loss=0.5
        )
    with pytest.raises(DataError, match="notion='box'"):
        hw.acceptance_region(domain, new, "y", np.zeros(100), at_most=0.1, notion="box")


def test_labels_against_numbers_are_refused(domain):
    new = people(50, 4)
    with pytest.raises(DataError, match="labels in one and numbers in the other"):
        hw.error_profile(domain, new, "job", np.zeros(50))


def test_off_the_data_distance_says_what_the_spread_of_a_forest_does_not():
    X, y = make_friedman1(1200, noise=1.0, random_state=0)
    inner = (X[:, :5] < 0.8).all(axis=1)
    forest = RandomForestRegressor(60, random_state=0).fit(X[inner], y[inner])
    outer = X[~inner]
    spread = np.std([tree.predict(outer) for tree in forest.estimators_], axis=0)
    profile = hw.error_profile(
        hw.Domain().fit(X[inner]), outer, y[~inner], forest.predict(outer), peers={"spread": spread}
    )
    assert profile["hull"].verdict.word == "yes"
    assert profile["spread"].verdict.word != "yes"
