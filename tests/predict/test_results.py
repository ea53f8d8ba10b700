"""Results of predictions: rows that can be picked, lists for JSON, frames like the input."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

import hullwise as hw

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(60, 2)), columns=["a", "b"])
Q = pd.DataFrame(RNG.normal(size=(5, 2)), columns=["a", "b"], index=list("vwxyz"))
REG = hw.DelaunayRegressor().fit(X, X["a"])


def results(queries):
    model = hw.CalibratedRegressor(hw.VoronoiRegressor()).fit(X, X["a"])
    W = REG.weights(queries)
    return {
        "bound": REG.bound(queries, smoothness=1.0, lipschitz=1.0),
        "error_bound": hw.error_bound(W, X, queries, smoothness=1.0),
        "shape": hw.simplex_shape(W, X, queries),
        "band": model.band(queries),
        "simplices": REG.simplices(queries),
    }


@pytest.mark.parametrize("name", results(Q))
def test_rows_can_be_picked(name):
    result = results(Q)[name]
    assert len(result) == 5
    table, picked = result.to_dict(), result[[3, 0]]
    assert json.loads(json.dumps(table)).keys() == table.keys()
    assert picked.labels.tolist() == ["y", "v"]
    for column, values in picked.to_dict().items():
        expected = [table[column][3], table[column][0]]
        assert json.dumps(values) == json.dumps(expected), column
    assert len(result[-1]) == len(result[result.labels == "z"]) == 1
    assert result[1:3].labels.tolist() == ["w", "x"]
    with pytest.raises(IndexError, match="no row 5"):
        result[5]


@pytest.mark.parametrize("name", results(Q))
def test_frames_are_those_of_the_input(name):
    frame = results(Q)[name].to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert frame.index.tolist() == list("vwxyz")
    assert isinstance(results(pl.from_pandas(Q))[name].to_frame(), pl.DataFrame)


def test_tables_of_training_rows():
    why = REG.explain(pl.from_pandas(Q[:1]))
    assert isinstance(why.to_frame(), pl.DataFrame)
    assert why.to_frame().columns == list(why.to_dict())
    assert json.dumps(why.to_dict())
    assert len(why) == len(why.rows)
    least = hw.estimate_smoothness(X, np.column_stack([X["a"], X["b"] ** 2]))
    assert list(least.to_dict()) == ["row", "slope 0", "slope 1", "curvature 0", "curvature 1"]
    assert len(least) == 60


def test_picked_simplices_hold():
    simplices = REG.simplices(Q)
    assert simplices[1:4].verify(X).all()
    assert simplices.to_dict()["corners"][0].count(";") == 2
