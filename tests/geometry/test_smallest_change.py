"""The smallest change of free features: against least squares, by hand, on moved tables."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import nnls

import hullwise as hw
from hullwise.errors import DataError
from hullwise.geometry.smallest_change import smallest_changes


def distance_by_nnls(T, z):
    """Distance of z to the hull of the rows of T: nothing of ours in it."""
    A = T - z
    size = np.abs(A).max()
    w, _ = nnls(np.vstack([A.T / size, np.full(len(A), 100.0)]), np.r_[np.zeros(len(z)), 100.0])
    return float(np.linalg.norm(w / w.sum() @ A))


def problems(n=120, d=5, m=14, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * 3.0 ** np.arange(d)
    Q = 2.2 * rng.normal(size=(m, d)) * 3.0 ** np.arange(d)
    free = rng.random((m, d)) < 0.6
    free[0], free[1] = True, False
    cloud = hw.Cloud(X)
    return cloud, cloud.metric("std"), X, Q, free


def changes(threshold, **options):
    cloud, metric, X, Q, free = problems(**options)
    return smallest_changes(cloud, metric, Q, free, np.full(len(Q), threshold)), metric, X, Q, free


@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
def test_both_bounds_meet_and_the_changed_row_is_near_enough(threshold):
    change, metric, X, Q, free = changes(threshold)
    n_moved = 0
    for b in range(len(Q)):
        T, q = X * metric.root, Q[b] * metric.root
        fixed = ~free[b]
        from_fixed = distance_by_nnls(T[:, fixed], q[fixed]) if fixed.any() else 0.0
        assert change.possible[b] == (from_fixed <= threshold + 1e-7)
        assert change.impossible[b] == (not change.possible[b])
        if not change.possible[b]:
            assert change.distance[b] == pytest.approx(from_fixed, rel=1e-6)
            continue
        np.testing.assert_array_equal(change.changed[b, fixed], Q[b, fixed])
        z = change.changed[b] * metric.root
        assert np.linalg.norm(z - q) <= change.upper[b] * (1 + 1e-6)
        assert distance_by_nnls(T, z) <= threshold + 1e-7
        assert change.lower[b] <= change.upper[b] <= change.lower[b] * (1 + 1e-8) + 1e-12
        n_moved += change.upper[b] > 0
    assert n_moved > 2


def test_without_fixed_features_it_is_the_distance_less_the_threshold():
    cloud, metric, X, Q, free = problems()
    free[:] = True
    change = smallest_changes(cloud, metric, Q, free, np.full(len(Q), 0.4))
    loc = hw.locate(cloud, Q, metric=metric, reference=0)
    np.testing.assert_allclose(change.upper, np.maximum(loc.upper - 0.4, 0), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(change.lower, np.maximum(loc.upper - 0.4, 0), rtol=1e-6, atol=1e-12)


def test_nothing_shorter_comes_near_enough():
    change, metric, X, Q, free = changes(0.5, n=12, d=3, m=8, seed=3)
    rng = np.random.default_rng(0)
    moved = np.flatnonzero(change.possible & (change.upper > 0))
    assert len(moved) > 2
    for b in moved:
        T, q = X * metric.root, Q[b] * metric.root
        for _ in range(300):
            step = np.where(free[b], rng.normal(size=3), 0.0)
            step += 3 * rng.random() * (change.changed[b] - Q[b]) * metric.root
            step *= 0.999 * change.lower[b] / np.linalg.norm(step)
            assert distance_by_nnls(T, q + step) > 0.5


def test_by_hand():
    """A square, seen from (3, 2): the first feature alone meets a circle around the corner."""
    cloud = hw.Cloud([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    Q = np.array([[3.0, 1.5], [3.0, 1.5], [3.0, 1.5], [3.0, 0.5]])
    free = np.array([[True, False], [False, True], [True, True], [True, False]])
    threshold = np.array([0.75, 0.75, 0.75, 0.0])
    change = smallest_changes(cloud, cloud.metric(None), Q, free, threshold)
    expected = [2 - np.sqrt(0.75**2 - 0.5**2), np.inf, np.hypot(2, 0.5) - 0.75, 2.0]
    np.testing.assert_allclose(change.upper, expected, rtol=1e-6)
    np.testing.assert_allclose(change.lower, expected, rtol=1e-6)
    assert change.distance[1] == pytest.approx(2.0)
    np.testing.assert_allclose(change.changed[3], [1.0, 0.5], atol=1e-12)


@pytest.mark.parametrize("move", ["scale", "rows", "columns", "shift"])
def test_the_same_table_in_other_clothes(move):
    cloud, metric, X, Q, free = problems(seed=5)
    threshold = np.full(len(Q), 0.5)
    before = smallest_changes(cloud, metric, Q, free, threshold)
    order = np.arange(X.shape[1])
    if move == "scale":
        X, Q = X * 2.0 ** np.arange(-9, 21, 6), Q * 2.0 ** np.arange(-9, 21, 6)
    elif move == "rows":
        X = X[::-1]
    elif move == "columns":
        order = order[::-1]
    else:
        X, Q = X + 1e6, Q + 1e6
    moved = hw.Cloud(X[:, order])
    after = smallest_changes(moved, moved.metric("std"), Q[:, order], free[:, order], threshold)
    np.testing.assert_allclose(after.upper, before.upper, rtol=1e-7)
    np.testing.assert_allclose(after.lower, before.lower, rtol=1e-7)


def test_the_largest_edge_distance_is_edge_and_the_next_float_is_not():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(60, 4))
    reference = hw.HullLocator(reference=60, metric=None).fit(X).reference_
    limit = reference.edge_limit
    from hullwise.geometry.bands import rank

    on_flat = np.zeros(2, dtype=bool)
    distance = np.array([limit, np.nextafter(limit, np.inf)])
    assert rank(distance, distance, on_flat, reference)[0].tolist() == ["edge", "beyond"]


def test_a_row_beyond_all_floats_is_refused():
    cloud, metric, _, Q, free = problems()
    Q[3, 0] = 1e200
    with pytest.raises(DataError, match="row 3 is farther out"):
        smallest_changes(cloud, metric, Q, free, np.ones(len(Q)))


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
def test_the_checker_agrees(threshold, exact):
    for seed in range(3):
        cloud, metric, _, Q, free = problems(n=40, d=4, seed=seed)
        change = smallest_changes(cloud, metric, Q, free, np.full(len(Q), threshold))
        assert change.verify(cloud, exact=exact).all()
        assert {True, False} == set(change.possible.tolist())


@pytest.mark.parametrize(
    "field", ["upper", "lower", "changed", "distance", "direction", "threshold"]
)
def test_the_checker_sees_what_is_false(field):
    cloud, metric, _, Q, free = problems(n=40, d=4, seed=1)
    change = smallest_changes(cloud, metric, Q, free, np.full(len(Q), 0.3))
    moves = change.possible & (change.upper > 0)
    assert moves.sum() > 2
    spoilt = {
        "upper": change.upper * (1 - 1e-9),
        "lower": change.lower * (1 + 1e-6),
        "changed": change.changed + 1e-6,
        "distance": change.distance * (1 - 1e-9),
        "direction": change.direction + 1e-3,
        "threshold": change.threshold * (1 - 1e-6),
    }[field]
    wrong = replace(change, **{field: spoilt})
    assert not wrong.verify(cloud)[moves].any()
    if field == "threshold":  # not near enough, whatever the change costs
        nothing = replace(wrong, upper=np.full(len(Q), 1e6), lower=np.zeros(len(Q)))
        assert not nothing.verify(cloud)[moves].any()
    if field in ("lower", "direction"):
        impossible = replace(change, lower=np.full(len(Q), np.inf))
        assert not impossible.verify(cloud)[moves].any()


def turned_metric(cloud, seed=0, rank=None):
    rng = np.random.default_rng(seed)
    d = cloud.d
    A = rng.normal(size=(rank or d, d)) / cloud.spread
    return cloud.metric(A.T @ A)


@pytest.mark.parametrize("rank", [None, 2])
@pytest.mark.parametrize("threshold", [0.0, 0.6])
def test_a_matrix_is_like_a_diagonal_metric_in_turned_coordinates(rank, threshold):
    cloud, _, X, Q, free = problems(n=40, d=4, seed=2)
    metric = turned_metric(cloud, rank=rank)
    change = smallest_changes(cloud, metric, Q, free, np.full(len(Q), threshold))
    assert change.verify(cloud).all()
    assert change.verify(cloud, exact=True).all()
    moved = change.possible & (change.upper > 1e-9)
    assert moved.sum() > 2
    assert (change.upper[moved] <= change.lower[moved] * (1 + 1e-6)).all()
    for b in np.flatnonzero(change.possible):
        z = metric.image(change.changed[b][None])[0]
        assert distance_by_nnls(metric.image(X), z) <= threshold + 1e-6
        np.testing.assert_array_equal(change.changed[b, ~free[b]], Q[b, ~free[b]])
    for b in np.flatnonzero(change.impossible):
        # least distance over fillings of the free features
        L_S = metric.factor[:, free[b]]
        rest = np.eye(len(L_S)) - L_S @ np.linalg.pinv(L_S)
        left = distance_by_nnls(metric.image(X) @ rest.T, rest @ metric.image(Q[b][None])[0])
        assert left > threshold
        assert change.distance[b] == pytest.approx(left, rel=1e-5)


def test_a_diagonal_matrix_is_the_diagonal_metric():
    cloud, metric, _, Q, free = problems(n=60, d=4, seed=4)
    matrix = replace(metric, factor=np.diag(metric.root), inverse=np.diag(1 / metric.root))
    threshold = np.full(len(Q), 0.5)
    one, other = (smallest_changes(cloud, m, Q, free, threshold) for m in (metric, matrix))
    np.testing.assert_allclose(other.upper, one.upper, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(other.lower, one.lower, rtol=1e-6, atol=1e-9)
    wrong = replace(other, lower=other.lower * (1 + 1e-6))
    assert not wrong.verify(cloud)[other.possible & (other.upper > 0)].any()


def test_the_rows_of_a_location():
    rng = np.random.default_rng(0)
    X, Q = rng.normal(size=(300, 4)), rng.normal(size=(12, 4))
    Q[:6] *= 3
    loc = hw.locate(X, Q)
    change = loc.smallest_change(X, fixed=["x0"])
    assert change.verify(X).all()
    usual = np.isin(loc.band, ("core", "edge"))
    assert (change.upper[usual] == 0).all()
    assert (change.upper[~usual] > 0).all()
    again = hw.locate(X, change.changed[change.possible], reference=loc.training.reference)
    assert np.isin(again.band, ("core", "edge")).all()
    table = change[:2].to_dict()
    assert list(table) == ["enough", "lower", "upper", "change"]
    assert len(change[~usual].to_frame()) == (~usual).sum()
    with pytest.raises(DataError, match="fixed: there is no feature 'x9'"):
        loc.smallest_change(X, fixed=["x9"])
    with pytest.raises(DataError, match="no training row was left out"):
        hw.locate(X, Q, reference=0).smallest_change(X)
    with pytest.raises(DataError, match="X has 100 rows"):
        loc.smallest_change(X[:100])
