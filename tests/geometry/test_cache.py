"""What a cloud has computed is not computed again: neither in the next call nor after pickling."""

from __future__ import annotations

import pickle
from collections import Counter

import numpy as np
import pytest

import hullwise as hw
from hullwise.geometry import cloud as cloud_module
from hullwise.geometry import comparison, left_out, scaled_view, training_summary
from hullwise.geometry._cache import MAX_CACHED_METRICS, MAX_PICKLED_BYTES, CloudCache

METRICS = [None, "std", "range", np.array([1.0, 2.0, 3.0]), np.diag([1.0, 2.0, 3.0]) + 0.5]


@pytest.fixture
def computed(monkeypatch):
    """How often each part is computed."""
    counts = Counter()

    def count(module, name):
        compute = getattr(module, name)

        def counted(*args, **options):
            counts[name] += 1
            return compute(*args, **options)

        monkeypatch.setattr(module, name, counted)

    count(comparison, "smallest_ellipsoid")
    count(training_summary, "principal_plane")
    count(left_out, "leave_out")
    count(cloud_module, "find_flat")
    count(cloud_module, "sums_of_squares")
    count(scaled_view.np, "ascontiguousarray")  # the scaled rows of a view
    count(cloud_module, "ScaledView")
    return counts


def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    return X, rng.normal(size=(20, 3)) * 1.3


@pytest.mark.parametrize("metric", METRICS, ids=["none", "std", "range", "vector", "matrix"])
def test_three_calls_on_one_cloud_compute_once(computed, metric):
    X, Q = table()
    cloud = hw.Cloud(X)
    first = hw.locate(cloud, Q, metric=metric)
    once = Counter(computed)
    for name in ("smallest_ellipsoid", "principal_plane", "leave_out", "find_flat"):
        assert once[name] == 1
    for _ in range(2):
        again = hw.locate(cloud, Q, metric=metric)
        np.testing.assert_array_equal(again.ellipsoid_distance, first.ellipsoid_distance)
        np.testing.assert_array_equal(again.band, first.band)
    computed.pop("ascontiguousarray"), once.pop("ascontiguousarray")
    assert computed == once


@pytest.mark.parametrize("metric", METRICS, ids=["none", "std", "range", "vector", "matrix"])
def test_three_calls_on_a_fitted_locator_compute_once(computed, metric):
    X, Q = table()
    locator = hw.HullLocator(metric=metric).fit(X)
    locator.locate(Q)
    once = Counter(computed)
    for _ in range(2):
        locator.locate(Q)
    for name in ("smallest_ellipsoid", "principal_plane", "find_flat", "ScaledView"):
        assert computed[name] == once[name], name


def test_references_are_kept_by_metric_neighbours_and_number(computed):
    X, Q = table()
    cloud = hw.Cloud(X)
    calls = [{}, {"n_neighbors": 3}, {"reference": 20}, {"metric": None}]
    for expected in (len(calls), len(calls)):
        for options in calls:
            hw.locate(cloud, Q[:1], **options)
        assert computed["leave_out"] == expected


def test_many_metrics_push_out_metrics_only(computed):
    X, Q = table()
    cloud = hw.Cloud(X)
    for j in range(2 * MAX_CACHED_METRICS):
        hw.locate(cloud, Q, metric=[1.0, 2.0, j + 1.0])
    assert computed["smallest_ellipsoid"] == computed["principal_plane"] == 1
    before = computed["leave_out"]
    hw.locate(cloud, Q, metric=[1.0, 2.0, 2.0 * MAX_CACHED_METRICS])  # the last one
    assert computed["leave_out"] == before
    hw.locate(cloud, Q, metric=[1.0, 2.0, 1.0])  # the first one
    assert computed["leave_out"] == before + 1
    assert len(cloud._cache.by_metric) == MAX_CACHED_METRICS


def test_what_is_small_survives_pickling(computed):
    X, Q = table()
    cloud = hw.Cloud(X)
    expected = hw.locate(cloud, Q)
    copy = pickle.loads(pickle.dumps(cloud))
    once = Counter(computed)
    found = hw.locate(copy, Q)
    for name in ("smallest_ellipsoid", "principal_plane", "leave_out", "find_flat"):
        assert computed[name] == once[name], name
    for name in ("verdict", "band", "lower", "upper", "ellipsoid_distance"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert copy.metric("std") is found.metric


def test_what_is_large_does_not():
    cache = CloudCache()
    small, large = np.zeros(8), np.zeros(MAX_PICKLED_BYTES // 8 + 1)
    cache.get("small", lambda: small)
    cache.get("large", lambda: large)
    cache.get("pair", lambda: (small, large))
    cache.get("objects", lambda: np.array([None]))
    cache.get("view", lambda: hw.Cloud(np.eye(3)).columnwise_view)
    assert list(pickle.loads(pickle.dumps(cache)).values) == ["small"]


def test_pickles_are_no_larger_than_the_rows_and_what_is_small():
    X = np.random.default_rng(0).normal(size=(40_000, 4))
    cloud = hw.Cloud(X)
    hw.locate(cloud, X[:5], reference=5)
    assert len(pickle.dumps(cloud)) < X.nbytes + 4 * MAX_PICKLED_BYTES


def test_a_box_locator_keeps_ranges_not_rows():
    X = np.random.default_rng(0).normal(size=(40_000, 4))
    locator = hw.BoxLocator().fit(X)
    np.testing.assert_array_equal(locator.data_min_, X.min(axis=0))
    np.testing.assert_array_equal(locator.data_max_, X.max(axis=0))
    assert len(pickle.dumps(locator)) < 4096
