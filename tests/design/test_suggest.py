"""What is suggested, to whom it is shown, and what becomes of odd tables of runs."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.spatial.distance import cdist

import hullwise as hw
from hullwise.design import _sphere_checker

SQUARE = {"a": (0, 1), "b": (0, 1)}
LEVELS = {"n": {"low": 1, "high": 3, "role": "integer"}, "kind": ["x", "y"]}


def runs_of(n, d=2, seed=0):
    return np.random.default_rng(seed).random((n, d))


def test_fill_is_the_farthest_candidate_each_time():
    X = runs_of(30, 3)
    new = hw.suggest(X, n=5, box=[(0, 1)] * 3, criterion="fill")
    sites = X
    for i in range(5):
        distances = cdist(new.candidates, sites).min(axis=1)
        assert new.distance[i] == pytest.approx(distances.max())
        assert cdist(new.values[i][None], sites).min() == pytest.approx(distances.max())
        assert new.largest[i] == pytest.approx(distances.max())
        sites = np.vstack([sites, new.values[i]])


def test_a_batch_is_what_one_at_a_time_gives():
    X, own = runs_of(20), runs_of(300, seed=1)
    batch = hw.suggest(X, n=6, box=[(0, 1)] * 2, candidates=own).points
    for i in range(6):
        one = hw.suggest(X, n=1, box=[(0, 1)] * 2, candidates=own).points
        np.testing.assert_array_equal(one[0], batch[i])
        X = np.vstack([X, one])


def test_pending_runs_count():
    X, options = runs_of(20), {"box": [(0, 1)] * 2, "candidates": runs_of(300, seed=1)}
    first = hw.suggest(X, n=3, **options)
    second = hw.suggest(X, n=3, pending=first.points, **options)
    whole = hw.suggest(X, n=6, **options)
    np.testing.assert_array_equal(np.vstack([first.points, second.points]), whole.points)
    later = hw.suggest(X, n=40, box=[(0, 1)] * 2, pending=[[0.5, 0.5]], criterion="fill")
    assert any(name == "pending run 0" for name in later.nearest)


def test_points_come_in_the_library_of_the_runs():
    for library in (pd, pl):
        frame = library.DataFrame({"a": [0.1, 0.9], "b": [0.2, 0.4], "note": ["u", "v"]})
        new = hw.suggest(frame, n=2, box=SQUARE)
        assert isinstance(new.points, library.DataFrame)
        assert list(new.points.columns) == ["a", "b"]
        assert isinstance(new.to_frame(), library.DataFrame)
    assert isinstance(hw.suggest(runs_of(3), n=2, box=[(0, 1)] * 2).points, np.ndarray)
    assert list(hw.suggest(n=2, box=SQUARE).points) == ["a", "b"]


def test_a_column_may_be_called_like_a_reason():
    new = hw.suggest(n=2, box={"distance": (0, 1), "why": (0, 1)})
    assert list(new.to_dict())[:2] == ["distance", "why"]
    assert {"distance_", "why_"} <= set(new.to_dict())


def test_whole_numbers_and_levels_are_such():
    new = hw.suggest([{"n": 1, "kind": "x"}], n=3, box=LEVELS)
    assert all(isinstance(n, int) for n in new.points["n"])
    assert set(new.points["kind"]) <= {"x", "y"}
    assert "kind" in new.why[0]


def test_no_run_and_one_run():
    new = hw.suggest(n=4, box=SQUARE)
    assert new.why[0].startswith("the first run")
    np.testing.assert_allclose(new.values[0], 0.5, atol=0.05)
    one = hw.suggest({"a": [0.0], "b": [0.0]}, [2.0], n=1, box=SQUARE)
    np.testing.assert_allclose(one.values[0], 1, atol=0.1)
    assert len(hw.suggest(pd.DataFrame({"a": [], "b": []}), n=2, box=SQUARE)) == 2


def test_more_points_than_there_are():
    new = hw.suggest([{"n": 1, "kind": "x"}], n=20, box=LEVELS)
    assert len(new) == 5
    assert "5 of 20 points" in new.notes[-1]
    every = [{"n": n, "kind": kind} for n in (1, 2, 3) for kind in "xy"]
    with pytest.raises(hw.DataError, match="at each one of the 6 points that are allowed"):
        hw.suggest(every, n=1, box=LEVELS)


def test_runs_out_of_the_box_failed_and_odd_ones_are_noted():
    runs = [
        {"a": 0.1, "b": 0.1, "y": 1.0},
        {"a": 0.1, "b": 0.1, "y": 1.5},
        {"a": 2.0, "b": 0.5, "y": 2.0},
        {"a": 0.5, "b": 0.5, "y": None},
        {"a": None, "b": 0.5, "y": 3.0},
    ]
    new = hw.suggest(runs, target="y", n=3, box=SQUARE)
    notes = " | ".join(new.notes)
    assert "1 run out of the box" in notes
    assert "1 run without a target (failed)" in notes
    assert "1 run with an empty cell" in notes
    assert "'a'" in notes
    assert len(new.runs) == 4
    assert new.space.contains(new.values).all()


def test_candidates_of_ones_own():
    own = [{"a": 0.2, "b": 0.2}, {"a": 0.2, "b": 0.2}, {"a": 0.9, "b": 0.9}, {"a": 3, "b": 0}]
    new = hw.suggest({"a": [0.0], "b": [0.0]}, n=5, box=SQUARE, candidates=own)
    assert new.points == {"a": [0.9, 0.2], "b": [0.9, 0.2]}
    assert any("1 of 4 candidates" in note for note in new.notes)
    with pytest.raises(hw.DataError, match="none of the 1 rows"):
        hw.suggest(n=1, box=SQUARE, candidates=[{"a": 3, "b": 0}])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"n": 0}, "n=0"),
        ({"criterion": "best"}, "criterion='best'"),
        ({"runs": [{"a": 1}]}, "lacks the parameter 'b'"),
        ({"runs": {"a": [1.0], "b": [1.0]}, "y": [1, 2]}, "one entry for each of 1 runs"),
        ({"runs": {"a": [1.0], "b": [1.0]}, "target": "z"}, "no target 'z'"),
        ({"runs": {"a": [1.0], "b": [1.0]}, "y": ["u"]}, "a failed run has NaN"),
        ({"y": [1.0]}, "without runs"),
        ({"runs": {"a": ["u"], "b": [1.0]}}, "'a'"),
        ({"pending": [{"a": None, "b": 1}]}, "pending run with an empty cell"),
        ({"random_state": -1}, "random_state"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(arguments, text):
    with pytest.raises(hw.DataError, match=text):
        hw.suggest(**{"n": 1, "box": SQUARE} | arguments)


def test_results_are_repeatable_and_another_seed_differs():
    X = runs_of(10)
    one, two, other = (
        hw.suggest(X, n=4, box=[(0, 1)] * 2, random_state=seed).values for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


def test_progress_and_the_view():
    calls = []
    new = hw.suggest(runs_of(5), n=3, box=[(0, 1)] * 2, progress=lambda *call: calls.append(call))
    assert calls[-1] == (3, 3, "points chosen")
    assert "<table" in new._repr_html_()
    assert "1. " in str(new)
    assert len(new[:2]) == 2


# ---- bend ---------------------------------------------------------------------------------------


def bump(X):
    """Flat but for a narrow bump at .7, .7."""
    return np.exp(-((X - 0.7) ** 2).sum(axis=1) / 0.02)


def test_bend_goes_where_left_out_errors_are_large():
    X = runs_of(60)
    new = hw.suggest(X, bump(X), n=10, box=[(0, 1)] * 2)
    fill = hw.suggest(X, n=10, box=[(0, 1)] * 2)
    assert (new.criterion, fill.criterion) == ("bend", "fill")
    near = [(np.linalg.norm(s.values - 0.7, axis=1) < 0.35).sum() for s in (new, fill)]
    assert near[0] > near[1]
    assert "runs near here that are left out miss by" in new.why[0]


def test_bend_is_squared_distance_times_the_scale():
    X = runs_of(40)
    new = hw.suggest(X, bump(X), n=5, box=[(0, 1)] * 2, criterion="bend")
    np.testing.assert_allclose(new.score, new.distance**2 * new.error_scale)
    assert (np.diff(new.score) <= 1e-12).all()
    assert ((new.gain > 0) & (new.gain < 1)).all()
    assert (new.error_scale**2).min() >= 0.5  # half of the mean is always there


def test_units_and_order_of_targets_do_not_matter():
    X = runs_of(40)
    box = [(0, 1)] * 2
    one = hw.suggest(X, bump(X), n=3, box=box).values
    np.testing.assert_array_equal(hw.suggest(X, 1e6 * bump(X) - 3, n=3, box=box).values, one)
    Y = np.c_[bump(X), np.ones(40), bump(X)]
    np.testing.assert_array_equal(hw.suggest(X, Y, n=3, box=box).values, one)


def test_few_runs_constant_targets_noise_and_repetitions():
    box = [(0, 1)] * 2
    few = hw.suggest(runs_of(3), [1.0, 2.0, 4.0], n=1, box=box)
    assert few.criterion == "fill"
    assert "too few, or alike" in few.notes[-1]
    with pytest.raises(hw.DataError, match="expected at least 4"):
        hw.suggest(runs_of(3), [1.0, 2.0, 4.0], n=1, box=box, criterion="bend")
    assert hw.suggest(runs_of(30), np.ones(30), n=1, box=box).criterion == "fill"
    X = np.repeat(runs_of(15), 3, axis=0)
    y = bump(X) + np.random.default_rng(1).normal(0, 0.1, 45)
    assert hw.suggest(X, y, n=3, box=box).criterion == "bend"
    y[:20] = np.nan
    assert "20 runs without a target (failed)" in hw.suggest(X, y, n=1, box=box).notes[0]


def test_bend_among_kinds_of_parameters():
    rng = np.random.default_rng(0)
    runs = pd.DataFrame(
        {
            "a": rng.random(40),
            "k": 10 ** rng.uniform(-3, 0, 40),
            "kind": rng.choice(list("xyz"), 40),
        }
    )
    runs["y"] = runs["a"] * np.log(runs["k"]) * (runs["kind"] == "x")
    box = {"a": (0, 1), "k": {"low": 1e-3, "high": 1, "role": "log"}, "kind": ["x", "y", "z"]}
    new = hw.suggest(runs, target="y", n=6, box=box)
    assert new.criterion == "bend"
    assert (new.points["kind"] == "x").sum() >= 2


# ---- the checker --------------------------------------------------------------------------------

KINDS = {
    "a": {"low": -1, "high": 3, "scale": 0.5},
    "k": {"low": 1e-3, "high": 10, "role": "log"},
    "n": {"low": 1, "high": 9, "role": "integer"},
    "hour": {"low": 0, "high": 24, "role": "periodic"},
    "size": {"levels": ["s", "m", "l"], "role": "ordered"},
    "kind": ["x", "y", "z"],
}


def test_empty_spheres_are_checked_by_other_code():
    first = hw.suggest(n=10, box=KINDS)
    assert first.verify().all()
    new = hw.suggest(
        first.points, n=10, box=KINDS, pending=[dict(zip(KINDS, (1, 1, 5, 3, "m", "x")))]
    )
    assert new.verify().all()
    wrong = replace(new, distance=new.distance * (1 + 1e-6))
    assert not wrong.verify().any()
    nearer = replace(new, runs=np.vstack([new.runs, new.values[7]]))
    assert not nearer.verify()[7]


def test_the_checker_shares_no_code():
    text = Path(_sphere_checker.__file__).read_text()
    ours = [line for line in text.splitlines() if re.match(r"\s*from \.", line)]
    assert ours == [
        "from .._core.types import Mask",
        "    from .parameters import Parameter",
        "    from .suggestions import Suggestions",
    ]
