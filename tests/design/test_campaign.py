"""Ask and tell: batches that come back in any order, failures, and points that are not run."""

import numpy as np
import pandas as pd
import pytest

import hullwise as hw

SQUARE = {"a": (0, 1), "b": (0, 1)}


def value(points):
    return np.sin(5 * np.asarray(points["a"])) + np.asarray(points["b"]) ** 2


def test_a_campaign_does_what_suggest_does_with_its_tables():
    campaign = hw.Campaign(SQUARE, "a + b <= 1.5")
    first = campaign.ask(8)
    campaign.tell(first.points, value(first.points))
    second, third = campaign.ask(3), campaign.ask(2)
    assert (first.criterion, second.criterion) == ("fill", "bend")
    again = hw.suggest(
        campaign.runs,
        target="y",
        n=2,
        box=SQUARE,
        constraints="a + b <= 1.5",
        pending=second.points,
    )
    np.testing.assert_array_equal(again.values, third.values)
    assert len(campaign.pending["a"]) == 5


def test_runs_come_back_in_any_order():
    campaign = hw.Campaign(SQUARE, runs=pd.DataFrame({"a": [0.5], "b": [0.5]}), y=[1.0])
    points = campaign.ask(4).points
    campaign.tell(points.iloc[[2]], [3.0])
    campaign.tell(points.iloc[[0, 3]], [1.0, 4.0])
    assert repr(campaign) == "Campaign(4 runs, 1 pending)"
    assert isinstance(campaign.pending, pd.DataFrame)
    pd.testing.assert_frame_equal(campaign.pending, points.iloc[[1]].reset_index(drop=True))
    assert campaign.runs["y"].tolist() == [1.0, 3.0, 1.0, 4.0]


def test_points_that_failed_are_not_asked_again_and_withdrawn_ones_are():
    box = {"n": {"low": 1, "high": 4, "role": "integer"}}
    campaign = hw.Campaign(box)
    points = campaign.ask(4).points
    campaign.tell({"n": [1]}, [np.nan])
    campaign.withdraw({"n": [3]})
    assert campaign.ask(1).points == {"n": [3]}
    with pytest.raises(hw.DataError, match="nothing is left"):
        campaign.ask(1)
    assert sorted(points["n"]) == [1, 2, 3, 4]
    assert "1 of them failed" in repr(campaign)


def test_points_that_nobody_asked_for_can_be_told():
    campaign = hw.Campaign(SQUARE)
    campaign.tell([{"a": 0.1, "b": 0.2}, {"a": 3, "b": 0.5}], [[1.0, 2.0], [2.0, 3.0]])
    assert list(campaign.runs) == ["a", "b", "y0", "y1"]
    assert not campaign.pending["a"]


@pytest.mark.parametrize(
    ("points", "y", "text"),
    [
        ({"a": [0.1], "b": [0.2]}, [1.0, 2.0], "one entry for each of 1 runs"),
        ({"a": [0.1], "b": [None]}, [1.0], "empty cell"),
        ({"a": [0.1]}, [1.0], "lacks the parameter 'b'"),
        ({"a": [0.1], "b": [0.2]}, [[1.0, 2.0]], "expected 1, as before"),
        ({"a": [0.1], "b": [0.2]}, ["x"], "no number"),
        ({"a": [0.1], "b": [0.2]}, [np.inf], "infinite"),
    ],
)
def test_a_bad_answer_changes_nothing(points, y, text):
    campaign = hw.Campaign(SQUARE, runs={"a": [0.5], "b": [0.5]}, y=[1.0])
    campaign.ask(1)
    before = campaign.runs, campaign.pending
    with pytest.raises(hw.DataError, match=text):
        campaign.tell(points, y)
    assert (campaign.runs, campaign.pending) == before
    with pytest.raises(hw.DataError, match="1 of 1 points are not pending"):
        campaign.withdraw({"a": [0.1], "b": [0.2]})


def test_a_surrogate_gets_better_by_the_runs_asked():
    """The path of docs/next.md: the error falls, and no more slowly than with random runs."""
    rng = np.random.default_rng(0)
    tests = pd.DataFrame(rng.random((500, 2)), columns=["a", "b"])
    campaign = hw.Campaign(SQUARE)
    errors = []
    for _ in range(4):
        points = campaign.ask(10).points
        campaign.tell(points, value(points))
        runs = pd.DataFrame(campaign.runs)
        model = hw.DelaunayRegressor(metric=None).fit(runs[["a", "b"]], runs["y"])
        errors.append(np.abs(model.predict(tests) - value(tests)).mean())
    assert errors[-1] < 0.3 * errors[0]
    X = rng.random((40, 2))
    random = hw.DelaunayRegressor(metric=None).fit(X, value({"a": X[:, 0], "b": X[:, 1]}))
    assert errors[-1] < np.abs(random.predict(tests.to_numpy()) - value(tests)).mean()
