"""Local complexity, spread over regions, distance of codes: by hand, by brute force, rearranged."""

import itertools

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import DataError
from hullwise.model import local_complexity, region_occupancy, vq_distance
from hullwise.model._piecewise_layers import Largest, pieces
from hullwise.model.affine_layers import Linear
from hullwise.model.builder import Builder
from shared_data import SHARED


def layers_of(rng, sizes):
    weights = [rng.normal(size=(o, i)) * np.sqrt(2 / i) for i, o in itertools.pairwise(sizes)]
    return weights, [0.5 * rng.normal(size=o) for o in sizes[1:]]


def network(rng, sizes=(2, 12, 10, 8, 2)):
    return hw.model.from_arrays(*layers_of(rng, sizes))


def rearranged(rng, sizes):
    """A network, and the same function with neurons permuted and scaled by powers of 2."""
    W, b = layers_of(rng, sizes)
    plain = hw.model.from_arrays(W, b)
    for i in range(len(W) - 1):
        order = rng.permutation(len(W[i]))
        scale = 2.0 ** rng.integers(-6, 7, size=len(W[i]))
        W[i], b[i] = (W[i] * scale[:, None])[order], (b[i] * scale)[order]
        W[i + 1] = (W[i + 1] / scale)[:, order]
    return plain, hw.model.from_arrays(W, b)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# local complexity


def test_complexity_of_lines_by_hand():
    """Units x, y, x + y - 5: the neighbourhood of radius r meets those nearer than r |v| sums."""
    net = hw.model.from_arrays([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]], [[0, 0, -5], [0]])
    for exact in (False, True):
        found = local_complexity(net, [[0.1, 0.1], [0.1, 9.0], [9.0, 9.0]], 1.0, exact=exact)
        assert found.counts.tolist() == [[2], [1], [0]]
        assert found.total.tolist() == [2, 1, 0]
        assert found.mean.tolist() == [1.0]


def test_first_layer_is_the_hull_and_the_line():
    """A wall crosses the hull of x +- r v exactly if |z| < r max |<grad z, v>|."""
    rng = np.random.default_rng(1)
    for d, P in [(2, 1), (2, 2), (5, 3), (30, 25)]:
        net = network(rng, (d, 40, 1))
        X = rng.normal(size=(50, d))
        found = local_complexity(net, X, 0.4, P, random_state=P)
        W, b = net.nodes[1].op.W, net.nodes[1].op.b
        reach = 0.4 * np.abs(W @ found.directions.T).max(axis=1)
        np.testing.assert_array_equal(found.counts[:, 0], (np.abs(X @ W.T + b) < reach).sum(axis=1))
        np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(P), atol=1e-12)


@pytest.mark.parametrize("P", [1, 2])
@pytest.mark.parametrize("d", [2, 6])
def test_sampled_never_counts_more_than_exact(rng, P, d):
    net = network(rng, (d, 12, 10, 8, 2))
    X = rng.uniform(-0.5, 0.5, size=(40, d))
    for radius in (0.01, 0.3, 2.0):
        sampled = local_complexity(net, X, radius, P, random_state=3)
        exact = local_complexity(net, X, radius, P, random_state=3, exact=True)
        assert (sampled.counts <= exact.counts).all()
        np.testing.assert_array_equal(sampled.counts[:, 0], exact.counts[:, 0])
        np.testing.assert_array_equal(sampled.directions, exact.directions)


@pytest.mark.parametrize("P", [1, 2])
def test_exact_is_a_dense_grid(rng, P):
    """Units seen to change on a fine grid of the neighbourhood: no more, and nearly all."""
    net = network(rng)
    X = rng.uniform(-0.5, 0.5, size=(10, 2))
    found = local_complexity(net, X, 0.5, P, exact=True)
    t = np.linspace(-1, 1, 401)
    if P == 2:
        u, v = np.meshgrid(t, t)
        grid = np.c_[u.ravel(), v.ravel()]
        grid = grid[np.abs(grid).sum(axis=1) <= 1]
    else:
        grid = t[:, None]
    missed = 0
    for x, counts in zip(X, found.counts, strict=True):
        codes = net.codes(x + 0.5 * grid @ found.directions)
        changed = (codes != codes[0]).any(axis=0)
        seen = np.array([changed[layer.columns].sum() for layer in net.layers])
        assert (seen <= counts).all()
        missed += (counts - seen).sum()
    assert missed <= 2


def test_complexity_of_permuted_and_scaled_neurons(rng):
    plain, other = rearranged(rng, (3, 12, 10, 2))
    X = rng.normal(size=(60, 3))
    for options in ({}, {"exact": True}, {"n_directions": 1, "exact": True}):
        one = local_complexity(plain, X, 0.3, **options)
        two = local_complexity(other, X, 0.3, **options)
        np.testing.assert_array_equal(one.counts, two.counts)


def test_complexity_is_that_of_each_row(rng, monkeypatch):
    net, X = network(rng), rng.normal(size=(30, 2))
    whole = local_complexity(net, X, 0.3).counts
    parts = [local_complexity(net, x, 0.3).counts[0] for x in X]
    np.testing.assert_array_equal(whole, parts)
    monkeypatch.setattr("hullwise.model.network.PUSH_BLOCK_NUMBERS", 200)
    np.testing.assert_array_equal(whole, local_complexity(net, X, 0.3).counts)
    wider = [local_complexity(net, X, r).counts[:, 0] for r in (0.1, 0.2, 0.5)]
    assert (np.diff(wider, axis=0) >= 0).all()


def test_complexity_of_other_units(rng):
    """Maxima and units of two knots count once, whatever piece they change to."""
    build = Builder((2,))
    first = build.add("lin", Linear(4 * rng.normal(size=(8, 2)), rng.normal(size=8)), 0)
    most = build.add("max", Largest("max", np.arange(8).reshape(4, 2), (4,)), first)
    net = build.network(build.add("clip", pieces("clip", 4, [0.0, 1.0], [0.0, 1.0, 0.0]), most))
    X = rng.uniform(-1, 1, size=(30, 2))
    sampled, exact = (local_complexity(net, X, 1.0, exact=e) for e in (False, True))
    assert (sampled.counts <= exact.counts).all()
    np.testing.assert_array_equal(sampled.counts[:, 0], exact.counts[:, 0])
    assert exact.counts.max() == 4


def test_undercount_of_deeper_layers_is_as_recorded():
    """3 x 32 at radius .5: 16.75/16.75, 14.13/14.30, 9.53/10.12 at points of our choosing."""
    path = SHARED / "spline/2d_3x32.npz"
    if not path.exists():
        pytest.skip("no shared data")
    with np.load(path) as z:
        net = hw.model.from_arrays([z[f"W{i}"] for i in range(4)], [z[f"b{i}"] for i in range(4)])
    X = np.random.default_rng(0).uniform(-0.5, 0.5, size=(200, 2))
    sampled = local_complexity(net, X, 0.5, 2)
    exact = local_complexity(net, X, 0.5, 2, exact=True)
    assert sampled.mean[0] == exact.mean[0]
    np.testing.assert_allclose(exact.mean, [16.75, 14.30, 10.12], rtol=0.06)
    np.testing.assert_allclose(
        sampled.mean / exact.mean, [1, 14.13 / 14.30, 9.53 / 10.12], rtol=0.02
    )


def test_complexity_refusals_and_repr(rng):
    net = network(rng, (3, 4, 1))
    for radius in (0, -1, np.inf, np.nan):
        with pytest.raises(DataError, match="positive length"):
            local_complexity(net, np.ones((2, 3)), radius)
    with pytest.raises(DataError, match="at most the 3 inputs"):
        local_complexity(net, np.ones((2, 3)), 1, 4)
    with pytest.raises(DataError, match="1 or 2 directions"):
        local_complexity(net, np.ones((2, 3)), 1, 3, exact=True)
    found = local_complexity(net, np.ones((1, 3)), 1.0)
    assert repr(found).startswith("LocalComplexity(sampled, 1 point, radius 1, 3 directions: ")
    assert local_complexity(net, np.empty((0, 3)), 1, exact=True).counts.shape == (0, 1)
    assert "no points" in repr(local_complexity(net, np.empty((0, 3)), 1))


# distance of codes


def test_vq_distance_by_hand():
    net = hw.model.from_arrays([[[1, 0], [0, 1]], [[1, -1]], [[1]]])
    found = vq_distance(net, [1, 2], [2, 1])
    assert found.total == 1 / 3
    assert found.per_layer.tolist() == [0, 1]
    many = vq_distance(net, [1, 2], [[2, 1], [1, 2], [-1, 2]])
    np.testing.assert_allclose(many.total, [1 / 3, 0, 1 / 3])
    assert many.per_layer.tolist() == [[0, 1], [0, 0], [0.5, 0]]
    assert repr(many) == "VQDistance(3 pairs, 0.2222 on average)"
    with pytest.raises(DataError, match="give pairs"):
        vq_distance(net, np.ones((2, 2)), np.ones((3, 2)))


def test_vq_distance_is_a_metric_of_regions(rng):
    net, X = network(rng), rng.normal(size=(3, 40, 2))
    ab, bc, ac = (vq_distance(net, X[i], X[j]) for i, j in [(0, 1), (1, 2), (0, 2)])
    assert (ac.total <= ab.total + bc.total + 1e-12).all()
    assert (ac.per_layer <= ab.per_layer + bc.per_layer + 1e-12).all()
    np.testing.assert_array_equal(ab.total, vq_distance(net, X[1], X[0]).total)
    assert not vq_distance(net, X[0], X[0]).total.any()
    sizes = [layer.n_units for layer in net.layers]
    np.testing.assert_allclose(ab.total, ab.per_layer @ sizes / sum(sizes))
    # a walk crosses at least as many walls as codes differ between its ends
    assert len(net.along(X[0, 0], X[1, 0]).breaks) >= round(ab.total[0] * sum(sizes))


def test_vq_distance_of_permuted_and_scaled_neurons(rng):
    plain, other = rearranged(rng, (3, 12, 10, 2))
    X = rng.normal(size=(2, 60, 3))
    one, two = vq_distance(plain, *X), vq_distance(other, *X)
    np.testing.assert_array_equal(one.per_layer, two.per_layer)


# spread over regions


def test_spread_by_hand():
    """Regions of x, y, then x - y: four quadrants, the first cut along its diagonal."""
    net = hw.model.from_arrays([[[1, 0], [0, 1]], [[1, -1]], [[1]]])
    X = [[1, 2], [2, 1], [1, 3], [-1, 1], [-2, 1]]
    found = region_occupancy(
        net, X, X_test=[[3, 4], [-1, -1], [2, 1]], X_off=[[1, -1]], y=["a", "b", "a", "b", "a"]
    )
    assert found.train.n_cells_per_layer == (2, 3)
    assert found.train.n_regions == 3
    assert found.rows_per_region.tolist() == [2, 2, 1]
    assert found.train_region[0] == found.train_region[2]
    assert found.train_region[1] == 2
    assert found.train.training_share_per_layer == (1.0, 0.8)
    assert found.test.training_share_per_layer == (2 / 3, 2 / 3)
    assert found.test.n_cells_per_layer == (2, 3)
    assert [one.training_share for one in found.off] == [0.0]
    # the first layer splits rows 0-3, 2-3 and 4-1, the second 0-1 and 2-1, nothing 4-3
    assert found.classes.n_pairs == 6
    assert found.classes.split_at == (3, 2)
    assert found.classes.never == 1
    assert found.classes.mixed_cells == (2, 1)
    assert found.classes.mixed_rows == (5, 2)
    assert found.classes.mixed_regions.tolist() == [found.train_region[3]]


def test_spread_is_that_of_the_codes(rng, monkeypatch):
    """Against sets of codes and all pairs of rows, in any blocks."""
    net = network(rng)
    X, T, y = rng.normal(size=(150, 2)), rng.normal(size=(90, 2)), rng.integers(3, size=150)
    monkeypatch.setattr("hullwise.model.network.PUSH_BLOCK_NUMBERS", 12 * 17)
    found = region_occupancy(net, X, T, y=y)
    codes, held = net.codes(X), net.codes(T)
    first = np.full((150, 150), 3)
    for i, layer in reversed(list(enumerate(net.layers))):
        stop = layer.columns.stop
        train = [row.tobytes() for row in codes[:, :stop]]
        test = [row.tobytes() for row in held[:, :stop]]
        assert found.train.n_cells_per_layer[i] == len(set(train))
        assert found.test.n_cells_per_layer[i] == len(set(test))
        assert found.test.training_share_per_layer[i] == np.mean([t in set(train) for t in test])
        assert found.train.training_share_per_layer[i] == np.mean(
            [train.count(t) > 1 for t in train]
        )
        part = codes[:, layer.columns]
        first[(part[:, None] != part[None]).any(axis=2)] = i
    unlike = np.triu(y[:, None] != y[None])
    assert found.classes.n_pairs == unlike.sum()
    assert found.classes.split_at == tuple((unlike & (first == i)).sum() for i in range(3))
    assert found.classes.never == (unlike & (first == 3)).sum()
    sizes = np.bincount(found.train_region)
    np.testing.assert_array_equal(sizes, found.rows_per_region)
    assert (np.diff(sizes) <= 0).all()
    mixed = [r for r in range(len(sizes)) if len(set(y[found.train_region == r])) > 1]
    assert found.classes.mixed_regions.tolist() == mixed
    assert found.classes.mixed_cells[-1] == len(mixed)
    assert found.classes.mixed_rows[-1] == np.isin(found.train_region, mixed).sum()


def test_spread_metamorphic(rng):
    plain, other = rearranged(rng, (3, 12, 10, 2))
    X, T, y = rng.normal(size=(200, 3)), rng.normal(size=(50, 3)), rng.integers(4, size=200)
    one, two = (region_occupancy(net, X, T, y=y, random_state=1) for net in (plain, other))
    assert (one.train, one.test, one.off) == (two.train, two.test, two.off)
    assert one.classes.split_at == two.classes.split_at
    order = rng.permutation(200)
    moved = region_occupancy(plain, X[order], T[::-1], X_off=X, y=10 - y[order])
    assert (moved.train, moved.test) == (one.train, one.test)
    assert moved.classes.split_at == one.classes.split_at
    np.testing.assert_array_equal(moved.rows_per_region, one.rows_per_region)
    assert moved.off[0].training_share == 1.0
    twice = region_occupancy(plain, np.r_[X, X], T)
    assert twice.train.n_regions == one.train.n_regions
    assert twice.train.training_share == 1.0
    assert twice.test == one.test


def test_spread_off_the_data_by_default(rng):
    net, X = network(rng), rng.normal(size=(100, 2)) + np.array([5, 0])
    found = region_occupancy(net, X)
    assert [(one.name, one.n_rows) for one in found.off] == [("uniform", 100), ("shuffled", 100)]
    assert found.test is None
    assert found.classes is None
    assert region_occupancy(net, X).off == found.off
    assert region_occupancy(net, X, random_state=1).off != found.off
    assert repr(found).startswith("RegionOccupancy(100 training rows in ")
    assert all("\n" not in repr(one) for one in (found, found.train))


def test_spread_edges(rng):
    linear = hw.model.from_arrays([np.ones((1, 2))])
    found = region_occupancy(linear, [[1, 2], [3, 4]], X_test=np.empty((0, 2)), y=[0, 1])
    assert found.train.n_regions == 1
    assert found.classes.never == 1
    assert np.isnan(found.test.training_share)
    net = network(rng)
    with pytest.raises(DataError, match="no rows"):
        region_occupancy(net, np.empty((0, 2)))
    with pytest.raises(DataError, match="one class each"):
        region_occupancy(net, np.ones((3, 2)), y=[0, 1])
    assert vq_distance(linear, [1, 2], [3, 4]).total == 0
