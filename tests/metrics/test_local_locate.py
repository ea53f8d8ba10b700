"""Metrics of places: distances in them, and plain distances beside distances in any metric."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4))
Q = 1.7 * RNG.normal(size=(30, 4))


def turned(seed, rank=4):
    A = np.random.default_rng(seed).normal(size=(4, rank))
    return A @ A.T


@pytest.mark.parametrize("M", [None, "std", np.array([1, 2, 0, 3.0]), turned(1), turned(2, 2)])
def test_plain_bounds_hold_in_any_metric(M):
    plain = hw.locate(X, Q, metric=None, reference=0)
    found = hw.locate(X, Q, metric=M, reference=0)
    assert (found.lower_euclidean <= plain.upper).all()
    assert (found.upper_euclidean >= plain.lower).all()
    np.testing.assert_array_equal(found.lower_euclidean > 0, found.lower > 0)
    if M is None:
        np.testing.assert_allclose(found.lower_euclidean, found.lower, rtol=1e-9)
        np.testing.assert_allclose(found.upper_euclidean, found.upper, atol=1e-9)
    short = hw.locate(X, Q.astype(np.float32), metric=M, membership_only=True)
    assert (short.lower_euclidean <= plain.upper + 1e-6).all()
    assert np.isnan(short.upper_euclidean).all()


def test_one_metric_everywhere_is_that_metric():
    M = turned(3)
    expected = hw.locate(X, Q, metric=M, n_neighbors=3, reference=100)
    found = hw.metrics.local_locate(X, Q, lambda x: M, n_neighbors=3, reference=100)
    for name in ("verdict", "band", "nearest_rows"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    np.testing.assert_allclose(found.upper, expected.upper, rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(found.hull_percentile, expected.hull_percentile)
    np.testing.assert_allclose(found.residual, expected.residual, atol=1e-4)
    np.testing.assert_allclose(
        found.neighbour_distance[:, -1],
        hw.locate(X, Q, metric=M, n_neighbors=3, reference=0).neighbour_distance,
    )


def test_each_query_is_measured_in_its_own():
    metrics = np.stack([turned(seed) for seed in range(len(Q))])
    found = hw.metrics.local_locate(X, Q, metrics)
    alone = [hw.locate(X, q[None], metric=M, reference=0) for q, M in zip(Q, metrics)]
    np.testing.assert_array_equal(found.upper, [one.upper[0] for one in alone])
    np.testing.assert_array_equal(found.nearest_rows, [one.nearest_rows[0] for one in alone])
    assert set(found.band) == {"core", "unknown"}  # no metric is given for rows left out
    assert list(found.to_dict())[:4] == ["verdict", "band", "lower", "upper"]
    assert len(found.to_frame()) == len(found) == len(Q)


def test_a_target_that_depends_on_another_feature_elsewhere():
    rng = np.random.default_rng(1)
    rows = rng.uniform(-1, 1, size=(600, 3))

    def target(x):
        return np.where(x[:, 0] < 0, np.sin(3 * x[:, 1]), np.sin(3 * x[:, 2]))

    queries = np.array([[-0.5, 2.0, 0.0], [-0.5, 0.0, 2.0], [0.5, 2.0, 0.0], [0.5, 0.0, 2.0]])
    found = hw.metrics.local_locate(
        rows, queries, lambda x: hw.metrics.local_agop(target, x, rows, n_neighbors=8), reference=60
    )
    static = hw.locate(rows, queries, metric=hw.metrics.agop(target, rows), reference=0).upper
    assert found.upper[0] > 20 * found.upper[1]
    assert found.upper[3] > 20 * found.upper[2]
    assert found.band.tolist() == ["far", "core", "core", "far"]
    assert static.max() < 2 * static.min()  # one metric for all cannot tell them apart


def test_a_place_where_nothing_matters_weighs_all_alike():
    found = hw.metrics.local_locate(X, Q, np.zeros((len(Q), 4, 4)))
    plain = hw.locate(X, Q, metric=None, reference=0)
    np.testing.assert_array_equal(found.verdict, plain.verdict)
    np.testing.assert_array_equal(found.nearest_rows, plain.nearest_rows)


def test_no_queries_and_progress():
    told = []
    found = hw.metrics.local_locate(
        X, Q[:0], lambda x: np.eye(4), reference=3, progress=lambda *a: told.append(a)
    )
    assert len(found) == 0
    assert told[-1] == (3, 3, "done")


@pytest.mark.parametrize(
    ("metric", "says"),
    [
        (np.eye(4), r"metric has shape \(4, 4\)"),
        (lambda x: np.eye(3), r"at query 0 has shape \(3, 3\)"),
        (lambda x: -np.eye(4), "at query 0: metric has the eigenvalue -1"),
        (lambda x: np.full((4, 4), np.nan), "at query 0: metric holds NaN"),
    ],
)
def test_bad_metrics_are_named(metric, says):
    with pytest.raises(DataError, match=says):
        hw.metrics.local_locate(X, Q, metric)
