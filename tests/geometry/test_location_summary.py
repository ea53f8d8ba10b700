"""A location in counts, and the rows that meet a condition."""

import numpy as np
import pytest

import hullwise as hw
from hullwise.geometry.location_summary import FeatureCount, smallest_change

SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


def test_features_are_counted_with_their_sign():
    queries = [[3.0, 0.5], [-2.0, 0.5], [0.5, 4.0], [0.5, 0.5], [2.0, 2.0]]
    summary = hw.locate(SQUARE, queries, metric=None).summary()
    assert summary.features == (FeatureCount("x0", 2, 1), FeatureCount("x1", 2, 0))
    assert [feature.rows for feature in summary.features] == [3, 2]


def test_counts_are_those_of_the_columns():
    rng = np.random.default_rng(0)
    X, Q = rng.normal(size=(60, 3)), 2 * rng.normal(size=(40, 3))
    location = hw.locate(X, Q)
    summary = location.summary()
    assert summary.bands == {
        band: int((location.band == band).sum())
        for band in ("core", "edge", "beyond", "far", "unknown")
    }
    assert summary.verdicts == {
        "inside": int((location.verdict == 1).sum()),
        "outside": int((location.verdict == -1).sum()),
        "undecided": int((location.verdict == 0).sum()),
    }
    assert summary.n_out == summary.bands["beyond"] + summary.bands["far"]
    assert summary.expected_out == pytest.approx(40 * 3 / 61)
    assert summary.chance == location.chance()
    assert summary.definitions["hull"] == summary.verdicts["inside"]
    assert summary.definitions["box"] == int((location.in_range_share == 1).sum())
    far = location.upper[summary.farthest]
    assert (np.diff(far) <= 0).all()
    assert len(far) == summary.verdicts["outside"]


@pytest.mark.filterwarnings("ignore:the 6 training rows span")
def test_a_row_off_the_flat_is_the_farthest():
    X = np.c_[np.arange(6.0), np.full(6, 2.0)]
    location = hw.locate(X, [[50.0, 2.0], [3.0, 2.001]], metric=None)
    assert location.summary().farthest.tolist() == [1, 0]


def test_the_smallest_change_names_both_values():
    location = hw.locate(SQUARE, [[3.0, 0.5], [2.0, 1.5]], metric=None)
    assert smallest_change(location, 0) == [("x0", 3.0, 1.0)]
    assert smallest_change(location, 1) == [("x0", 2.0, 1.0), ("x1", 1.5, 1.0)]


def test_at_least_a_band_is_that_one_or_worse():
    rng = np.random.default_rng(1)
    location = hw.locate(rng.normal(size=(80, 4)), 2 * rng.normal(size=(60, 4)))
    bands = ("core", "edge", "beyond", "far")
    for i, band in enumerate(bands):
        worse = np.isin(location.band, [*bands[i:], "unknown"])
        np.testing.assert_array_equal(location.at_least(band), worse)
    assert location.at_least("core").all()
    with pytest.raises(hw.DataError, match="expected one of core, edge, beyond, far, outside"):
        location.at_least("near")


def test_a_row_that_is_open_counts_as_the_worst_but_not_one_on_the_boundary():
    rng = np.random.default_rng(0)
    X, Q = rng.normal(size=(300, 20)), rng.normal(size=(5, 20))
    stopped = hw.locate(X, Q, max_seconds=0.0, reference=0)
    assert (stopped.verdict == 0).any()
    assert stopped.at_least("outside").all()
    assert stopped.at_least("far")[stopped.band == "unknown"].all()
    edge = hw.locate([[0.0, 0.0], [3.0, 0.0], [0.0, 1.0]], [[0.1, 0.0]])
    assert not edge.at_least("outside").any()
