"""The guard: hand-computed clips, nothing clipped at home, the same under rearranged neurons."""

import itertools
import pickle

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import DataError, DataWarning, ModelError
from hullwise.model import Guard
from hullwise.model._piecewise_layers import Largest, relu
from hullwise.model._unit_ranges import clip_inputs, unit_extremes, unit_ranges
from hullwise.model.affine_layers import Conv, Linear, Rearrange, Sum, Window
from hullwise.model.builder import Builder


def network(rng, sizes=(5, 16, 12, 3)):
    weights = [rng.normal(size=(o, i)) for i, o in itertools.pairwise(sizes)]
    return hw.model.from_arrays(weights, [rng.normal(size=o) for o in sizes[1:]])


def pooled(rng):
    """A convolution, a maximum over its windows, a skip around a layer of ReLU."""
    build = Builder((1, 6, 6))
    window = Window((3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1))
    conv = build.add("conv", Conv(rng.normal(size=(2, 1, 3, 3)), rng.normal(size=2), window), 0)
    at = np.arange(72).reshape(2, 3, 2, 3, 2).transpose(0, 1, 3, 2, 4).reshape(18, 4)
    pool = build.add("pool", Largest("maxpool", at, (2, 3, 3)), conv)
    flat = build.add("flat", Rearrange((18,)), pool)
    first = build.add("lin", Linear(rng.normal(size=(18, 18)), rng.normal(size=18)), flat)
    joined = build.add("add", Sum((1.0, 1.0)), build.add("relu", relu(18), first), first)
    return build.network(build.add("out", Linear(rng.normal(size=(3, 18))), joined))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_by_hand():
    """Two units 2 x and -x + y, then one unit of their difference."""
    weights = [[[2.0, 0.0], [-1.0, 1.0]], [[1.0, -1.0]], [[3.0]]]
    net = hw.model.from_arrays(weights, [[0.0, 0.0], [0.0], [1.0]])
    X = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    with pytest.warns(DataWarning, match="3 fit rows are too few"):
        guard = Guard(net).fit(X)
    # inputs of the first layer (0, 0), (2, -1), (2, 1); of the second 0, 2, 1
    np.testing.assert_array_equal(guard.low_[0], [0, -1])
    np.testing.assert_array_equal(guard.high_[0], [2, 1])
    assert (guard.low_[1][0], guard.high_[1][0]) == (0, 2)
    # (3, 0): inputs 6 and -3 are clipped to 2 and -1; then 2 - 0 is within; output 3 * 2 + 1
    # (-1, -1): inputs -2 and 0 are clipped to 0 and 0; then 0; output 1
    # (0, 4): inputs 0 and 4 are clipped to 0 and 1; then -1 is clipped to 0; output 1
    Q = [[3.0, 0.0], [-1.0, -1.0], [0.0, 4.0]]
    np.testing.assert_array_equal(guard.clip_counts(Q), [[2, 0], [1, 0], [1, 1]])
    np.testing.assert_array_equal(guard.clip_count(Q), [2, 1, 2])
    np.testing.assert_array_equal(guard.predict(Q).ravel(), [7, 1, 1])
    np.testing.assert_allclose(guard.excess(Q), [4 / 2 + 2 / 2, 2 / 2, 3 / 2 + 1 / 2])
    np.testing.assert_array_equal(guard.box_count(Q), [1, 2, 1])
    np.testing.assert_allclose(guard.box_excess(Q), [2, 1 + 0.5, 1])
    assert guard.threshold_ == np.inf
    assert not guard.refuse(Q).any()
    report = guard.report(Q)
    np.testing.assert_array_equal(report.share, [[1, 0], [0.5, 0], [0.5, 1]])
    table = report.to_dict()
    assert list(report.to_frame().columns) == list(table)
    assert list(table) == [
        "clips", "share_relu0", "share_relu1", "excess", "box_count", "box_excess", "refused",
    ]  # fmt: skip
    assert {len(column) for column in table.values()} == {3} == {len(report)}


@pytest.mark.parametrize("make", [network, pooled])
@pytest.mark.parametrize("shift", [0.0, 1e3])
def test_nothing_is_clipped_on_the_training_rows(rng, make, shift, monkeypatch):
    net = make(rng)
    X = shift + rng.normal(size=(400, net.n_inputs))
    guard = Guard(net).fit(X)
    assert guard.clip_counts(X).sum() == 0
    assert guard.excess(X).sum() == guard.box_count(X).sum() == guard.box_excess(X).sum() == 0
    np.testing.assert_allclose(guard.predict(X), net(X), rtol=1e-10, atol=1e-9)
    for row in X[:20]:  # products of one row round otherwise than those of many
        assert guard.clip_count(row).tolist() == [0]
    monkeypatch.setattr("hullwise.model.network.PUSH_BLOCK_NUMBERS", 500)
    assert guard.clip_count(X).sum() == 0
    again = Guard(net).fit(X)
    for a, b in zip(guard.low_ + guard.high_, again.low_ + again.high_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("make", [network, pooled])
def test_clips_are_those_of_a_loop(rng, make):
    """Every layer by itself: its input of the clipped layers before, clipped, counted."""
    net = make(rng)
    X, Q = rng.normal(size=(100, net.n_inputs)), 3 * rng.normal(size=(20, net.n_inputs))
    guard = Guard(net).fit(X)
    held, counts = {0: Q}, []
    for i, node in enumerate(net.nodes[1:], start=1):
        given = [held[j] for j in node.inputs]
        if node.is_piecewise:
            low, high = guard.low_[len(counts)], guard.high_[len(counts)]
            counts.append(((given[0] < low) | (given[0] > high)).sum(axis=1))
            z = np.clip(given[0], low, high)
            if isinstance(node.op, Largest):
                held[i] = z[:, node.op.groups].max(axis=2)
            else:
                held[i] = np.maximum(z, 0)
        else:
            shaped = [
                g.reshape(-1, *net.nodes[j].shape) for g, j in zip(given, node.inputs, strict=True)
            ]
            out = node.op.linear(*shaped)
            out = out if node.op.offset is None else out + node.op.offset
            held[i] = out.reshape(len(Q), -1)
    np.testing.assert_allclose(guard.predict(Q), held[len(net.nodes) - 1], atol=1e-9)
    np.testing.assert_array_equal(guard.clip_counts(Q), np.transpose(counts))
    assert guard.clip_count(Q).min() > 0


def test_a_clip_changes_the_piece_and_not_the_skip(rng):
    """The neuron's input is clipped across its knot, what goes round it is not."""
    build = Builder((1,))
    first = build.add("lin", Linear(np.ones((1, 1))), 0)
    last = build.add("add", Sum((1.0, 10.0)), build.add("relu", relu(1), first), first)
    net = build.network(last)
    guard = Guard(net).fit(np.linspace(-3, -1, 50)[:, None])
    assert guard.predict([[2.0]]).tolist() == [[20.0]]  # relu(-1) + 10 * 2
    assert net([[2.0]]).tolist() == [[22.0]]


def test_bounded_everywhere_and_itself_piecewise_affine(rng):
    net = network(rng, (2, 8, 6, 1))
    X = rng.uniform(-1, 1, size=(300, 2))
    guard = Guard(net).fit(X)
    far = 1e6 * rng.normal(size=(200, 2))
    values = guard.predict(far)
    last, offset = net.nodes[-1].op.W, net.nodes[-1].op.b
    relus = np.maximum(guard.low_[-1], 0), np.maximum(guard.high_[-1], 0)
    least = np.minimum(last * relus[0], last * relus[1]).sum() + offset[0]
    most = np.maximum(last * relus[0], last * relus[1]).sum() + offset[0]
    assert values.min() >= least - 1e-9
    assert values.max() <= most + 1e-9
    along = guard.network_.along([-50.0, 3.0], [50.0, -4.0])
    t = np.linspace(0, 1, 501)[:, None]
    line = [-50.0, 3.0] + t * np.array([100.0, -7.0])
    np.testing.assert_allclose(along.at(t[:, 0]), guard.predict(line), atol=1e-8)


def test_permuted_and_scaled_neurons_change_nothing(rng):
    net = network(rng)
    W, b = [n.op.W for n in net.nodes[1::2]], [n.op.b for n in net.nodes[1::2]]
    order, scale = rng.permutation(16), 2.0 ** rng.integers(-8, 8, size=16)
    other = hw.model.from_arrays(
        [(W[0] * scale[:, None])[order], (W[1] / scale)[:, order], W[2]],
        [(b[0] * scale)[order], b[1], b[2]],
    )
    X, Q = rng.normal(size=(500, 5)), rng.normal(size=(300, 5)) * 2
    one, two = Guard(net).fit(X).report(Q), Guard(other).fit(X).report(Q)
    np.testing.assert_array_equal(one.clips, two.clips)
    np.testing.assert_array_equal(one.share, two.share)
    np.testing.assert_array_equal(one.refused, two.refused)
    np.testing.assert_allclose(one.excess, two.excess, rtol=1e-9)
    assert one.threshold == two.threshold


def test_more_rows_never_clip_more_at_the_first_layer(rng):
    net, X, Q = network(rng), rng.normal(size=(500, 5)), 2 * rng.normal(size=(200, 5))
    few, many = Guard(net).fit(X[:100]), Guard(net).fit(X)
    assert (few.clip_counts(Q)[:, 0] >= many.clip_counts(Q)[:, 0]).all()
    assert (few.box_count(Q) >= many.box_count(Q)).all()


@pytest.mark.parametrize("quantile", [0.01, 0.1, 0.3])
def test_quantiles_are_order_statistics_in_any_blocks(rng, quantile, monkeypatch):
    net, X = network(rng), rng.normal(size=(230, 5))
    z = np.sort(net.upto(1)(X), axis=0)
    k = int(230 * quantile)
    monkeypatch.setattr("hullwise.model.network.PUSH_BLOCK_NUMBERS", 16 * 37)
    guard = Guard(net, quantile=quantile).fit(X)
    np.testing.assert_allclose(guard.low_[1], z[k], atol=1e-12)
    np.testing.assert_allclose(guard.high_[1], z[-1 - k], atol=1e-12)
    assert (guard.clip_counts(X)[:, 0] > 0).any()
    whole = unit_ranges([unit_extremes(net, X, k + 1)], quantile)
    parts = unit_ranges([unit_extremes(net, X[i::5], k + 1) for i in range(5)], quantile)
    np.testing.assert_allclose(np.array(whole[0]), np.array(parts[0]), atol=1e-12)


def test_the_level_holds_on_held_out_rows(rng):
    """Over many draws of clean rows and queries: refused at most `level` of the time."""
    net, shares = network(rng), []
    guard = Guard(net).fit(rng.normal(size=(300, 5)))
    for _ in range(200):
        guard.set_threshold(rng.normal(size=(39, 5)), level=0.1)
        shares.append(guard.refuse(rng.normal(size=(100, 5))).mean())
    assert np.mean(shares) <= 0.1 + 3 * np.std(shares) / np.sqrt(200)
    assert np.mean(shares) > 0.02
    assert guard.refuse(20 * rng.normal(size=(50, 5))).all()


def test_the_threshold_is_the_order_statistic(rng):
    net = network(rng)
    guard, clean = Guard(net).fit(rng.normal(size=(200, 5))), rng.normal(size=(59, 5)) * 1.5
    counts = np.sort(guard.clip_count(clean))
    assert guard.set_threshold(clean).threshold_ == counts[56]  # ceil(60 * .95) = 57th
    assert "59 counts, clean rows, level 0.05" in guard.threshold_source_
    assert guard.set_threshold(clean, 0.5).threshold_ == counts[29]
    with pytest.warns(DataWarning, match="18 X_clean are too few .* it takes 19"):
        guard.set_threshold(clean[:18])
    assert guard.threshold_ == np.inf
    assert guard.set_threshold(clean[:19]).threshold_ == guard.clip_count(clean[:19]).max()


def test_the_cross_fitted_threshold(rng):
    net, X = network(rng), rng.normal(size=(103, 5))
    guard = Guard(net, level=0.2, random_state=3).fit(X)
    parts = np.random.default_rng(3).permutation(103) % 5
    counts = np.empty(103, dtype=int)
    for i in range(5):
        counts[parts == i] = Guard(net).fit(X[parts != i]).clip_count(X[parts == i])
    assert guard.threshold_ == np.sort(counts)[int(np.ceil(104 * 0.8)) - 1]
    assert "cross-fitted" in guard.threshold_source_


def test_constant_inputs_have_a_width_of_their_own(rng):
    net = network(rng)
    X = rng.normal(size=(100, 5))
    X[:, 2] = 4.0
    guard = Guard(net).fit(X)
    Q = X[:3].copy()
    Q[:, 2] = 5.0
    others = np.ptp(np.delete(X, 2, axis=1), axis=0)
    np.testing.assert_allclose(guard.box_excess(Q), 1 / np.median(others))
    assert guard.box_count(Q).tolist() == [1, 1, 1]
    single = Guard(network(rng, (1, 3, 1)))
    with pytest.warns(DataWarning):
        single.fit([[2.0]])
    assert np.isfinite(single.excess([[3.0]])).all()


def test_pickles_and_prints(rng):
    guard = Guard(network(rng), quantile=0.01).fit(rng.normal(size=(80, 5)))
    Q = rng.normal(size=(9, 5))
    again = pickle.loads(pickle.dumps(guard))
    np.testing.assert_array_equal(again.predict(Q), guard.predict(Q))
    np.testing.assert_array_equal(again.clip_counts(Q), guard.clip_counts(Q))
    assert repr(again) == repr(guard)
    assert repr(guard).startswith("Guard(28 ranges, refuses more than")
    assert "not fitted" in repr(Guard(network(rng)))
    assert "\n" not in repr(guard.report(Q))


def test_no_queries_and_no_units(rng):
    guard = Guard(network(rng)).fit(rng.normal(size=(80, 5)))
    assert guard.clip_counts(np.empty((0, 5))).shape == (0, 2)
    assert guard.predict(np.empty((0, 5))).shape == (0, 3)
    assert len(guard.report(np.empty((0, 5)))) == 0
    linear = Guard(hw.model.from_arrays([np.ones((1, 2))])).fit(np.eye(2).repeat(30, axis=0))
    assert linear.clip_count([[5.0, 5.0]]).tolist() == [0]
    assert linear.box_count([[5.0, 5.0]]).tolist() == [2]
    assert linear.predict([[5.0, 5.0]]).tolist() == [[10.0]]


def test_refusals(rng):
    pd = pytest.importorskip("pandas")
    net, X = network(rng), rng.normal(size=(50, 5))
    with pytest.raises(ModelError, match=r"call fit\(X\)"):
        Guard(net).predict(X)
    with pytest.raises(ModelError, match="takes a Network, not list"):
        Guard([1]).fit(X)
    with pytest.raises(DataError, match="no rows"):
        Guard(net).fit(np.empty((0, 5)))
    with pytest.raises(DataError, match="takes 5 inputs"):
        Guard(net).fit(X[:, :4])
    with pytest.raises(DataError, match=r"below 0\.5"):
        Guard(net, quantile=0.5).fit(X)
    with pytest.raises(DataError, match="level=5: expected a number between 0 and 1"):
        Guard(net, level=5).fit(X)
    guard = Guard(net).fit(pd.DataFrame(X, columns=list("abcde")))
    with pytest.raises(DataError, match="NaN"):
        guard.predict(np.full((1, 5), np.nan))
    with pytest.raises(DataError):
        guard.clip_count(pd.DataFrame(X, columns=list("abced")))
    np.testing.assert_array_equal(
        guard.predict(pd.DataFrame(X, columns=list("abcde"))), guard.predict(X)
    )


def test_clipping_twice_is_clipping_once(rng):
    net, X = network(rng), rng.normal(size=(100, 5))
    once = clip_inputs(net, unit_ranges([unit_extremes(net, X, 1)], 0.0))
    twice = clip_inputs(once, unit_ranges([unit_extremes(once, X, 1)], 0.0))
    Q = 3 * rng.normal(size=(50, 5))
    np.testing.assert_allclose(once(Q), twice(Q), atol=1e-12)
