"""Results as lists, as data frames of the input's library, and by row."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import hullwise as hw
from hullwise._core import results
from hullwise._core.results import row_numbers

X = np.random.default_rng(0).normal(size=(60, 3))
Q = np.random.default_rng(1).normal(size=(9, 3)) * 1.5
COLUMNS = ["a", "b", "c"]
FRAMES = {
    "pandas": lambda rows: pd.DataFrame(rows, columns=COLUMNS),
    "polars": lambda rows: pl.DataFrame(rows, schema=COLUMNS, orient="row"),
    "pyarrow": lambda rows: pa.table(dict(zip(COLUMNS, rows.T, strict=True))),
}
TYPES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.Table}


def locations(rows):
    cloud = hw.Cloud(FRAMES["pandas"](X))
    return hw.locate(cloud, rows, reference=20)


@pytest.mark.parametrize("library", FRAMES)
def test_a_frame_comes_back_in_the_library_it_came_in(library):
    frame = locations(FRAMES[library](Q)).to_frame()
    assert isinstance(frame, TYPES[library])
    assert len(frame) == len(Q)
    columns = frame.column_names if library == "pyarrow" else list(frame.columns)
    assert columns[:4] == ["verdict", "band", "hull_percentile", "lower"]
    np.testing.assert_array_equal(np.asarray(frame["upper"]), locations(Q).upper)


@pytest.mark.parametrize("missing", [(), ("pandas",), ("pandas", "polars")])
def test_arrays_come_back_in_the_first_library_that_is_installed(monkeypatch, missing):
    left = [name for name in results.FRAME_LIBRARIES if name not in missing]
    monkeypatch.setattr(results, "find_spec", lambda name: name in left or None)
    location = hw.locate(X, Q, reference=0)
    assert isinstance(location.to_frame(), TYPES[left[0]])
    assert isinstance(location[:0].to_frame(), TYPES[left[0]])


def test_names_of_rows_are_the_index_in_pandas_and_a_column_elsewhere():
    labels = [f"patient {i}" for i in range(len(Q))]
    named = locations(FRAMES["pandas"](Q).set_axis(labels))
    assert list(named.to_frame().index) == labels
    assert list(named[[2, 0]].to_frame().index) == ["patient 2", "patient 0"]
    picked = locations(FRAMES["polars"](Q))[4:6].to_frame()
    assert picked["row"].to_list() == ["4", "5"]


def test_a_dictionary_goes_into_json_as_it_is():
    location = locations(Q)
    table = location.to_dict()
    assert json.loads(json.dumps(table)) == table
    assert table["lower"] == location.lower.tolist()
    assert set(table["verdict"]) <= {"inside", "outside", "undecided"}
    quick = hw.locate(X, Q, membership_only=True).to_dict()
    assert all(type(v) is list for v in quick.values())
    json.dumps(quick)


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (3, [3]),
        (-1, [8]),
        (np.int64(2), [2]),
        (slice(2, 5), [2, 3, 4]),
        (slice(None, None, -4), [8, 4, 0]),
        ([5, 1], [5, 1]),
        ([], []),
        (np.arange(9) > 6, [7, 8]),
    ],
)
def test_rows_of_a_location_are_a_location(index, rows):
    location = locations(Q)
    part = location[index]
    assert isinstance(part, hw.Location)
    assert len(part) == len(rows)
    for name in ("verdict", "lower", "upper", "band", "mahalanobis", "nearest_rows", "residual"):
        np.testing.assert_array_equal(getattr(part, name), getattr(location, name)[rows])
    np.testing.assert_array_equal(part.weights.toarray(), location.weights.toarray()[rows])
    assert part.verify(X).all()
    assert part.to_dict()["pushed_out_by"] == [location.to_dict()["pushed_out_by"][i] for i in rows]
    assert part.n_train == location.n_train


def test_rows_without_a_name_keep_their_number():
    location = locations(Q)
    assert location[:3].labels is None
    assert list(location[2:4].labels) == [2, 3]
    assert list(location[2:6][1:].labels) == [3, 4, 5]
    assert [part.labels[0] for part in list(location)[1:]] == list(range(1, 9))


@pytest.mark.parametrize("index", [9, -10, [0, 9], np.ones(3, bool), 1.0, "a", [[1]]])
def test_rows_that_are_not_there(index):
    with pytest.raises((IndexError, TypeError)):
        row_numbers(index, 9)


# ---- the results of predictors ----------------------------------------------------------------


def regressor():
    frame = FRAMES["pandas"](X)
    return hw.DelaunayRegressor().fit(frame, X[:, 0] ** 2)


def of_predictors(rows):
    model = regressor()
    values = np.asarray(rows)
    band = hw.CalibratedRegressor(hw.DelaunayRegressor()).fit(FRAMES["pandas"](X), X[:, 0])
    return {
        "bound": model.bound(rows, smoothness=1.0, lipschitz=1.0),
        "simplices": model.simplices(rows),
        "band": band.band(rows),
        "shape": hw.simplex_shape(model.weights(rows), FRAMES["pandas"](X), rows),
        "error bound": hw.error_bound(
            model.weights(rows), FRAMES["pandas"](X), rows, smoothness=1.0
        ),
        "local": hw.metrics.local_locate(X, values, lambda x: np.eye(3), reference=3),
    }


@pytest.mark.parametrize("kind", of_predictors(FRAMES["pandas"](Q)))
def test_every_result_with_a_row_per_query_is_a_table(kind):
    result = of_predictors(FRAMES["pandas"](Q))[kind]
    assert len(result) == len(result.to_frame()) == len(Q)
    table = result.to_dict()
    assert json.loads(json.dumps(table)).keys() == table.keys()
    part = result[[6, 2]]
    assert type(part) is type(result)
    assert json.dumps(part.to_dict()) == json.dumps({k: [v[6], v[2]] for k, v in table.items()})
    assert list(part.labels) == [6, 2]
    assert len(result[3]) == 1
    if kind != "local":
        assert isinstance(of_predictors(FRAMES["polars"](Q))[kind].to_frame(), pl.DataFrame)


def test_an_explanation_is_a_table_of_training_rows():
    frame = FRAMES["polars"](Q)
    why = regressor().explain(frame[:1])
    assert isinstance(why.to_frame(), pl.DataFrame)
    assert len(why) == len(why.to_frame()) == len(why.rows)
    assert why.to_dict()["row"] == why.rows.tolist()


def test_smoothness_is_a_table_of_training_rows():
    found = hw.estimate_smoothness(X, X[:, 0] ** 2, rows=20)
    assert found.to_dict()["slope"] == found.slope.tolist()
    assert len(found.to_frame()) == len(found) == 20
    both = hw.estimate_smoothness(X, X[:, :2] ** 2, rows=20)
    assert list(both.to_dict()) == ["row", "slope 0", "slope 1", "curvature 0", "curvature 1"]


# ---- the results of networks ------------------------------------------------------------------


def of_networks(rows):
    net = hw.model.from_arrays(
        [[[1.0, 0.0, 0.5], [0.0, 1.0, -1.0]], [[1.0, -2.0]]], [[0.1, 0.2], [0.0]]
    )
    guard = hw.model.Guard(net).fit(X)
    return {
        "dissection": hw.dissect(net, rows),
        "guard": guard.report(rows),
        "complexity": hw.model.local_complexity(net, rows, 0.5),
    }


@pytest.mark.parametrize("kind", ["dissection", "guard", "complexity"])
@pytest.mark.parametrize("library", FRAMES)
def test_results_of_networks_are_tables(kind, library):
    result = of_networks(FRAMES[library](Q))[kind]
    assert len(result) == len(result.to_frame()) == len(Q)
    assert isinstance(result.to_frame(), TYPES[library])
    table = result.to_dict()
    assert json.dumps(result[[6, 2]].to_dict()) == json.dumps(
        {k: [v[6], v[2]] for k, v in table.items()}
    )
    assert len(result[-1]) == 1


def test_regions_and_directions_are_tables():
    regions = hw.model.from_arrays([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0]]]).regions(1.0)
    assert len(regions.to_frame()) == len(regions) == 4
    json.dumps(regions.to_dict())
    directions = hw.metrics.directions([1.0, 2.0, 0.5], FRAMES["polars"](X))
    assert isinstance(directions.to_frame(), pl.DataFrame)
    assert list(directions.to_dict()["direction"]) == [directions.text(i) for i in range(3)]
