"""The other definitions in the table: ranks, bands, neighbours, ellipsoid, box."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

import hullwise as hw
from hullwise.geometry import scaled_view
from hullwise.geometry.bands import bands, chance, percentile


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(11)
    X = rng.normal(size=(60, 3)) * [1.0, 10.0, 0.1]
    X[7] = X[3]
    return X, rng.normal(size=(25, 3)) * [2.0, 12.0, 0.3]


@pytest.mark.parametrize("keep", [1 << 22, 0], ids=["kept", "streamed"])
@pytest.mark.parametrize("metric", [None, "std", "range", [1.0, 4.0, 0.0]], ids=str)
def test_leaving_out_equals_leaving_out(monkeypatch, table, metric, keep):
    """In units of the others too: as a cloud of the others, which learns its own, measures it."""
    monkeypatch.setattr(scaled_view, "MAX_NUMBERS_IN_MEMORY", keep)
    X, _ = table
    location = hw.locate(X, X[:1], metric=metric, reference=len(X), n_neighbors=4)
    expected, gaps = [], []
    for i in range(len(X)):
        others = hw.locate(
            np.delete(X, i, axis=0), X[[i]], metric=metric, reference=0, n_neighbors=4
        )
        expected.append(0.0 if others.verdict[0] == 1 else others.upper[0])
        gaps.append(others.neighbour_distance[0])
    np.testing.assert_allclose(location.reference, expected, rtol=3e-6, atol=1e-12)
    assert (location.reference == 0).sum() == (np.array(expected) == 0).sum() >= 10
    found = hw.NeighbourLocator(n_neighbors=4, metric=metric, reference=len(X)).fit(X)
    np.testing.assert_allclose(found.reference_gaps_, gaps, rtol=1e-9)


def test_a_sample_of_reference_rows_is_seeded_and_without_repeats():
    X = np.random.default_rng(0).normal(size=(400, 2))
    first, second = (hw.HullLocator(metric=None, reference=50).fit(X).reference_ for _ in range(2))
    np.testing.assert_array_equal(first.rows, second.rows)
    np.testing.assert_array_equal(first.hull, second.hull)
    assert len(set(first.rows.tolist())) == 50
    assert (np.diff(first.rows) > 0).all()
    assert len(first.hull) == len(first.gaps) == 50


def test_percentile_is_the_share_strictly_below():
    reference = np.array([3.0, 0.0, 1.0, 1.0])
    values = np.array([-1.0, 0.0, 0.5, 1.0, 1.5, 3.0, 4.0])
    np.testing.assert_array_equal(
        percentile(values, reference), [0.0, 0.0, 25.0, 25.0, 75.0, 75.0, 100.0]
    )
    assert np.isnan(percentile(values, np.zeros(0))).all()


def test_bands_by_percentile_and_unknown_while_the_bracket_spans_two():
    reference = np.arange(100.0)
    at = np.array([0.0, 50.0, 50.5, 95.0, 95.5, 99.0, 99.5])
    named = ["core", "core", "edge", "edge", "beyond", "beyond", "far"]
    assert list(bands(at, at, reference)) == named
    np.testing.assert_array_equal(bands(at, at + 1e-9, reference)[2], "edge")
    lower, upper = np.array([10.0, 60.0, 10.0, 96.0, 0.0]), np.array([40.0, 94.0, 60.0, 200.0, 1e9])
    expected = ["core", "edge", "unknown", "unknown", "unknown"]
    assert list(bands(lower, upper, reference)) == expected


def test_bands_hold_what_they_promise():
    """Rows drawn like the training rows: at most 5 of 100 beyond the 95th percentile, or nearly."""
    rng = np.random.default_rng(3)
    X, Q = rng.normal(size=(400, 6)), rng.normal(size=(400, 6))
    location = hw.locate(X, Q, metric=None, reference=400)
    usual = np.isin(location.band, ["core", "edge"]).mean()
    assert 0.90 <= usual <= 0.99
    assert (location.band == "far").mean() <= 0.02
    assert (location.band != "unknown").all()


def test_bands_follow_the_distances(table):
    X, Q = table
    location = hw.locate(X, Q, metric=None, reference=len(X))
    at = np.where(location.verdict == 1, 0.0, location.upper)
    np.testing.assert_array_equal(location.hull_percentile, percentile(at, location.reference))
    assert (location.band[location.verdict == 1] == "core").all()
    assert (location.band[at > location.reference.max()] == "far").all()
    assert (location.band == "far").any()


@pytest.mark.parametrize("metric", [None, "std", "range"])
@pytest.mark.parametrize("keep", [1 << 22, 0], ids=["kept", "streamed"])
def test_neighbours_are_those_of_scikit_learn(monkeypatch, metric, keep):
    monkeypatch.setattr(scaled_view, "MAX_NUMBERS_IN_MEMORY", keep)
    rng = np.random.default_rng(4)
    X, Q = rng.normal(size=(500, 4)) * [1, 1e-3, 1e3, 1], rng.normal(size=(70, 4)) * [1, 0, 1e3, 1]
    unit = {None: 1.0, "std": X.std(axis=0), "range": np.ptp(X, axis=0)}[metric]
    distances, rows = NearestNeighbors(n_neighbors=6).fit(X / unit).kneighbors(Q / unit)
    location = hw.locate(X, Q, metric=metric, n_neighbors=6, reference=0)
    np.testing.assert_array_equal(location.nearest_rows, rows)
    np.testing.assert_allclose(location.neighbour_distance, distances[:, -1], rtol=1e-12)
    found = hw.NeighbourLocator(n_neighbors=6, metric=metric, reference=0).fit(X).neighbours(Q)
    np.testing.assert_allclose(found.distances, distances, rtol=1e-12)


def test_neighbours_far_from_zero_lose_no_digits():
    rng = np.random.default_rng(5)
    X, Q = np.round(rng.normal(size=(300, 3)), 6), np.round(rng.normal(size=(40, 3)), 6)
    near = hw.NeighbourLocator(metric=None, n_neighbors=3, reference=0).fit(X).neighbours(Q)
    far = (
        hw.NeighbourLocator(metric=None, n_neighbors=3, reference=0)
        .fit(X + 1e7)
        .neighbours(Q + 1e7)
    )
    np.testing.assert_array_equal(far.rows, near.rows)
    np.testing.assert_allclose(far.distances, near.distances, atol=1e-8)


def test_fewer_rows_than_neighbours():
    location = hw.locate([[0.0], [1.0]], [[0.25]], metric=None, n_neighbors=5)
    np.testing.assert_array_equal(location.nearest_rows, [[0, 1]])
    assert location.neighbour_distance[0] == 0.75


def test_neighbour_percentile_is_among_the_rows_own(table):
    X, Q = table
    location = hw.locate(X, Q, metric=None, n_neighbors=2, reference=len(X))
    own = np.sort(np.linalg.norm(X[:, None] - X, axis=2), axis=1)[:, 2]
    expected = [100 * (own < g).mean() for g in location.neighbour_distance]
    np.testing.assert_allclose(location.neighbour_percentile, expected)


def test_ellipsoid_and_covariance_columns(table):
    X, Q = table
    location = hw.locate(X, Q, metric=None, reference=0)
    ellipsoid = hw.smallest_ellipsoid(X)
    np.testing.assert_allclose(location.ellipsoid_distance, ellipsoid.distance(Q), rtol=1e-12)
    np.testing.assert_array_equal(location.in_ellipsoid, ellipsoid.contains(Q))
    assert location.in_ellipsoid[location.verdict == 1].all()
    D = Q - X.mean(axis=0)
    squared = np.einsum("ij,jk,ik->i", D, np.linalg.inv(np.cov(X.T, bias=True)), D)
    np.testing.assert_allclose(location.mahalanobis, np.sqrt(squared), rtol=1e-9)


def test_mahalanobis_off_the_flat_is_infinite():
    X = np.random.default_rng(6).normal(size=(50, 2)) @ [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]
    with pytest.warns(hw.DataWarning, match="flat of dimension 2 in 3"):
        location = hw.locate(
            X, np.vstack([X[0] + X[1] - X[2], X[0] + [0, 0, 1]]), metric=None, reference=0
        )
    assert np.isfinite(location.mahalanobis[0])
    assert np.isinf(location.mahalanobis[1])
    assert not location.in_ellipsoid[1]


def test_box_columns(table):
    X, Q = table
    location = hw.locate(X, Q, metric=None, reference=0)
    low, high = X.min(axis=0), X.max(axis=0)
    excess = Q - np.clip(Q, low, high)
    np.testing.assert_array_equal(location.box_excess, excess)
    np.testing.assert_array_equal(location.in_range_share, ((low <= Q) & (high >= Q)).mean(axis=1))
    assert (location.lower >= np.abs(excess).max(axis=1) * (1 - 1e-12)).all()
    frame = location.to_frame()
    b = int(np.abs(excess[:, 1]).argmax())
    assert f"x1 {excess[b, 1]:+.4g}" in frame["out_of_range"][b]


def test_residual_is_the_smallest_change(table):
    X, Q = table
    location = hw.locate(X, Q, metric=None, reference=0)
    np.testing.assert_allclose(location.nearest, location.weights @ X, atol=1e-12)
    np.testing.assert_allclose(location.residual, location.nearest - Q, atol=1e-12)
    size = np.linalg.norm(location.residual, axis=1)
    np.testing.assert_allclose(size, location.upper, rtol=1e-9, atol=1e-12)
    inside = hw.locate(X, Q + 0.99 * location.residual, metric=None, reference=0)
    np.testing.assert_allclose(inside.upper, 0.01 * location.upper, rtol=1e-3, atol=1e-12)


def test_pushed_out_by_ranks_by_share_of_range():
    X = np.array([[0.0, 0.0, 0.0], [1.0, 100.0, 10.0]])
    X = np.array([[a, b, c] for a in X[:, 0] for b in X[:, 1] for c in X[:, 2]])
    location = hw.locate(
        X, [[2.0, 150.0, 5.0], [0.5, -20.0, 12.0], [0.5, 50.0, 5.0]], metric=None, reference=0
    )
    first, second, third = location.pushed_out_by()
    assert [name for name, _ in first] == ["x0", "x1"]
    assert [amount for _, amount in first] == pytest.approx([1.0, 50.0])
    assert sorted(second) == [("x1", pytest.approx(-20.0)), ("x2", pytest.approx(2.0))]
    assert third == []
    assert [name for name, _ in location.pushed_out_by(1)[0]] == ["x0"]


def test_table_of_all_columns(table):
    X, Q = table
    frame = hw.locate(X, Q, metric=None).to_frame()
    wanted = {"verdict", "lower", "upper", "band", "hull_percentile", "in_range_share"}
    wanted |= {"in_ellipsoid", "neighbour_percentile", "nearest_rows", "pushed_out_by"}
    assert wanted <= set(frame.columns)
    assert set(frame["verdict"]) == {"inside", "outside"}
    quick = hw.locate(X, Q, membership_only=True).to_frame()
    assert list(quick.columns) == list(frame.columns)
    assert list(quick["verdict"]) == list(frame["verdict"])


@pytest.mark.parametrize("setting", [0.002, 0.5, 5.0])
def test_a_constant_feature_that_moves_is_far_whatever_its_unit(setting):
    rng = np.random.default_rng(3)
    X, Q = rng.normal(size=(300, 5)), rng.normal(size=(40, 5))
    X = np.column_stack([X, np.full(len(X), 0.001)])
    moved = np.column_stack([Q, np.full(len(Q), setting)])
    still = np.column_stack([Q, np.full(len(Q), 0.001)])
    with pytest.warns(hw.DataWarning, match="constant: x5"):
        found = hw.locate(X, np.vstack([moved, still]), metric="std")
    assert (found.band[:40] == "far").all()
    assert found.off_flat[:40].all()
    assert not found.off_flat[40:].any()
    plain = hw.locate(X[:, :5], Q, metric="std")
    np.testing.assert_array_equal(found.band[40:], plain.band)
    assert found.verify(X).all()


def test_a_training_row_that_alone_moves_a_feature_counts_as_off_the_flat():
    rng = np.random.default_rng(4)
    X = np.column_stack([rng.normal(size=(60, 3)), np.zeros(60)])
    X[7, 3] = 1.0
    found = hw.locate(X, [[0.0, 0.0, 0.0, 0.5]], metric=None, reference=60)
    assert not found.off_flat.any()
    reference = hw.HullLocator(metric=None, reference=60).fit(X).reference_
    assert list(np.flatnonzero(reference.off)) == [7]


def test_chance_is_the_beta_binomial_tail_by_simulation():
    rng = np.random.default_rng(5)
    r, m, tables = 60, 40, 20_000
    draws = rng.random((tables, r + m))
    limit = np.sort(draws[:, :r], axis=1)[:, int(0.95 * r)]
    beyond = (draws[:, r:] > limit[:, None]).sum(axis=1)
    for found in (1, 3, 6):
        share = (beyond >= found).mean()
        spread = 4 * np.sqrt(share * (1 - share) / tables)
        assert abs(chance(found, m, r) - share) < spread
    assert np.isnan(chance(1, 10, 0))
