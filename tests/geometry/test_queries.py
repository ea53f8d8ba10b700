"""Queries that come in another order, with columns too many or too few, or with holes."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse

import hullwise as hw
from hullwise._core import memory
from hullwise.report import render_report

COLUMNS = ["a", "b", "c"]
X = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 3)) * [1, 10, 100], columns=COLUMNS)
Q = pd.DataFrame(np.random.default_rng(1).normal(size=(7, 3)) * [2, 20, 200], columns=COLUMNS)


def assert_equal(one, other):
    np.testing.assert_array_equal(one.verdict, other.verdict)
    np.testing.assert_array_equal(one.upper, other.upper)
    np.testing.assert_array_equal(one.residual, other.residual)
    assert one.to_dict() == other.to_dict() or np.isnan(one.mahalanobis).any()


def test_columns_are_matched_by_name():
    expected = hw.locate(X, Q, reference=20)
    assert_equal(hw.locate(X, Q[["c", "a", "b"]], reference=20), expected)
    assert_equal(hw.locate(X, pl.DataFrame(Q.to_dict("list"))[["b", "c", "a"]]), hw.locate(X, Q))
    assert expected.columns == ("a", "b", "c")


def test_columns_too_many_or_too_few_are_named():
    with pytest.raises(hw.DataError, match="not in the training data 'extra'"):
        hw.locate(X, Q.assign(extra=0.0))
    with pytest.raises(hw.DataError, match="missing 'b'"):
        hw.locate(X, Q[["a", "c"]])
    with pytest.raises(hw.DataError, match="missing 'b'; not in the training data 'd'"):
        hw.locate(X, Q.rename(columns={"b": "d"}))


def with_holes():
    holed = Q.copy()
    holed.loc[1, "b"] = np.nan
    holed.loc[4, "a"] = np.inf
    return holed


def test_rows_with_holes_are_refused_unless_kept():
    with pytest.raises(hw.DataError, match="NaN"):
        hw.locate(X, with_holes())
    with pytest.raises(hw.DataError, match="bad_rows='drop'"):
        hw.locate(X, Q, bad_rows="drop")


@pytest.mark.parametrize("membership_only", [False, True])
def test_rows_with_holes_say_so_and_the_others_are_located(membership_only):
    options = {"reference": 20, "membership_only": membership_only}
    location = hw.locate(X, with_holes(), bad_rows="keep", **options)
    usable = [0, 2, 3, 5, 6]
    assert list(np.flatnonzero(location.usable)) == usable
    assert_equal(location[usable], hw.locate(X, Q, **options)[usable])
    for b in (1, 4):
        assert location.verdict[b] == hw.Verdict.UNDECIDED
        assert location.band[b] == "unknown"
        assert location.status[b] is hw.Status.NOT_LOCATED
        assert (location.lower[b], location.upper[b]) == (0.0, np.inf)
    table = location.to_dict()
    assert table["status"][1].startswith("not located: ")
    assert "'b'" in table["status"][1]
    assert "'a'" in table["status"][4]
    assert table["pushed_out_by"][1] == table["out_of_range"][1] == table["nearest_rows"][1] == ""
    assert location.verify(X).all()
    assert location.verify(X, exact=True).all()
    assert location[4].unusable == {0: location.unusable[4]}
    assert np.isnan(location.chance()) or location.chance() <= 1


def test_nothing_but_holes():
    nothing = pd.DataFrame(np.full((3, 3), np.nan), columns=COLUMNS)
    location = hw.locate(X, nothing, bad_rows="keep", reference=5)
    assert not location.usable.any()
    assert (location.verdict == 0).all()
    assert len(location.to_frame()) == 3


def test_a_file_with_holes(tmp_path):
    path = tmp_path / "queries.csv"
    with_holes().to_csv(path, index=False)
    location = hw.locate(X, path, bad_rows="keep", reference=20)
    frame = hw.locate(X, with_holes(), bad_rows="keep", reference=20)
    np.testing.assert_array_equal(location.upper, frame.upper)
    assert location.unusable.keys() == frame.unusable.keys() == {1, 4}


def test_the_report_is_about_the_rows_that_could_be_located():
    location = hw.locate(X, with_holes(), bad_rows="keep", reference=20)
    page = render_report(location)
    assert "2 rows have missing or infinite values: not located." in page
    assert '<span class="scope">5\u00a0rows against' in page
    assert "7\u00a0rows against" not in page


@pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")
def test_sparse_tables_are_located_where_they_fit(monkeypatch):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, 60)
    dense = np.eye(4)[codes] + np.c_[rng.normal(size=60), np.zeros((60, 3))]
    sparse = scipy.sparse.csr_array(dense)
    location = hw.locate(sparse, sparse[:5] * 2, reference=10)
    expected = hw.locate(dense, dense[:5] * 2, reference=10)
    np.testing.assert_array_equal(location.upper, expected.upper)
    monkeypatch.setattr(memory, "available_memory", lambda: 1000)
    with pytest.raises(hw.DataTypeError, match=r"toarray\(\).*sparse_output=False"):
        hw.locate(sparse, dense[:5])


def test_a_flat_is_warned_of_once():
    cloud = hw.Cloud([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0]])
    with pytest.warns(hw.DataWarning, match="flat"):
        hw.locate(cloud, [[0.5, 5.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hw.locate(cloud, [[0.5, 5.0]])
