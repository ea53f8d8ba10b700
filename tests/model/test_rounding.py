"""Rounding errors carried through the layers: bounds that hold, and signs judged by them."""

from fractions import Fraction

import numpy as np
import pytest

import hullwise as hw
from degenerate_networks import degenerate, faults, scaled_mixed
from hullwise.model._point_codes import codes_and_outputs
from hullwise.model._rounding import ErrorScreen
from networks import every_layer, mlp

# rows of [0, ...] and combinations of rows, so that units are 0 in exact arithmetic
LEFTOVER = (
    [
        [[0, -7.696903006940742], [0, 0.05595583185222641], [0, 0.866387294430719], [0, 0]],
        [
            [0, -104.52945636843351, 0, -2.122364156073265],
            [-1.5087983703965882, -207.540024507932, 0, -4.213888833532856],
            [-0.03112125743049809, -4.280828145476794, -0.2764783156867178, 0.0869178557883826],
            [0, 0, -0.6352846474752102, 0],
        ],
        [
            [0, 0.017289109064807896, 0.8381981236088357, 0],
            [-0.5485027954871934, 0.2762585152660571, -13.393366208691036, 5.828844354213353],
            [0, -0.011586852489312035, 0.5617454305290213, -0.2444737663575199],
        ],
        [[4.980582816684353, 0.31170021833004435, 7.431685145158574]],
    ],
    [
        [7.696903006940742, 0, 0.866387294430719, 2.7559043849376015],
        [5.849032684156703, -11.613074713972791, 0.23953729989657768, 0],
        [-0.20077971530763836, -3.208210778155914, 0],
        [-1.0],
    ],
)


@pytest.mark.parametrize("block", range(12))
def test_degenerate_networks_have_the_codes_of_exact_arithmetic(block):
    wrong = {}
    for seed in range(100 * block, 100 * (block + 1)):
        net, exact, kind = degenerate(seed)
        found = faults(net, exact, seed)
        if found:
            wrong[seed, kind] = found
    assert not wrong


def test_what_a_relu_leaves_of_a_zero_is_no_scale():
    W, b = LEFTOVER
    net = hw.model.from_arrays(W, b)
    s = net.slice(np.zeros(2), 2 * np.eye(2))
    np.testing.assert_array_equal(net.codes(s.points(s.centroids)), s.codes)
    assert {tuple(c) for c in s.codes} == {tuple(c) for c in net.regions(2.0).codes}
    assert {tuple(c) for c in s.codes} == {tuple(c) for c in net.to_tree(2.0).codes}


@pytest.mark.parametrize("seed", range(60))
def test_ties_of_maxima_are_settled_alike_everywhere(seed):
    net, exact = scaled_mixed(seed)
    s = net.slice(np.zeros(2), np.eye(2))
    inner = s.points(s.centroids)
    np.testing.assert_array_equal(net.codes(inner), s.codes)
    np.testing.assert_array_equal(hw.dissect(net, inner).code, s.codes)
    codes = {tuple(c) for c in s.codes}
    assert codes == exact
    assert codes == {tuple(c) for c in net.regions(1.0).codes}
    assert codes == {tuple(c) for c in net.to_tree(1.0).codes}


def exact_inputs(W, b, x):
    """What enters each layer of ReLUs at x, in rational numbers."""
    h, out = [Fraction(v) for v in x], []
    for Wl, bl in zip(W[:-1], b[:-1], strict=True):
        z = [
            sum((Fraction(w) * v for w, v in zip(row, h, strict=True)), Fraction(c))
            for row, c in zip(Wl, bl, strict=True)
        ]
        out.append(z)
        h = [max(v, Fraction(0)) for v in z]
    return out


def carried(net, X):
    """The inputs of each layer of units at X, and the bounds on their errors."""
    rounding, after = net.rounding_errors, 0
    outputs = {0: X[:, None]}
    errors = {0: rounding.of_rounding(np.abs(X)[:, None])}
    screen, out = ErrorScreen(rounding, np.abs(X).max()), []
    for layer in net.layers:
        net.resume(outputs, after, until=layer.node - 1)
        rounding.advance(errors, after, layer.node - 1)
        entry = net.nodes[layer.node].inputs[0]
        z, error = outputs[entry], errors[entry]
        bound, rough = rounding.bound(error)[:, 0], screen.next_layer()
        assert (bound <= rough * (1 + 1e-12)).all()
        out.append((z[:, 0], bound))
        net.resume(outputs, layer.node - 1, until=layer.node)
        slopes = np.ones(z[:, 0].shape) if hasattr(net.nodes[layer.node].op, "knots") else None
        errors[layer.node] = rounding.through_units(
            net.nodes[layer.node].op,
            error,
            slopes,
            lambda z=z: np.abs(z),
            np.abs(outputs[layer.node]),
        )
        net.release(errors, layer.node)
        screen.bend(np.abs(z[:, 0]).max())
        after = layer.node
    return out


@pytest.mark.parametrize(
    "widths", [[3, 4, 1], [2, 8, 8, 8, 1], [40, 64, 64, 1], [2, *[16] * 24, 1]]
)
def test_the_bounds_hold_in_rational_arithmetic(widths):
    net = mlp(widths, len(widths))
    affine = [node.op for node in net.nodes if hasattr(node.op, "W")]
    W, b = [op.W.tolist() for op in affine], [op.b.tolist() for op in affine]
    X = np.random.default_rng(0).normal(size=(4, widths[0]))
    layers = carried(net, X)
    for i, x in enumerate(X):
        for exact, (z, bound) in zip(exact_inputs(W, b, x), layers, strict=True):
            gaps = [abs(Fraction(v) - e) for v, e in zip(z[i], exact, strict=True)]
            assert all(gap <= Fraction(limit) for gap, limit in zip(gaps, bound[i], strict=True))
    z, bound = layers[-1]
    assert (bound < 1e-9 * np.abs(z).max()).all()  # and they are no excuse for what is not zero


def test_errors_are_taken_at_worst_in_shallow_networks_only():
    assert mlp([2, 8, 8, 1]).rounding_errors.worst_case
    assert not mlp([2, *[16] * 24, 1]).rounding_errors.worst_case
    tiny = hw.model.from_arrays([np.full((8, 8), 1e-120)] * 9)
    assert tiny.rounding_errors.worst_case  # squares of its weights are no floats


def test_every_kind_of_layer_is_screened():
    net = every_layer()
    carried(net, np.random.default_rng(0).normal(size=(5, net.n_inputs)))


@pytest.mark.parametrize("depth", [12, 40])
def test_deep_networks_lose_no_regions(depth):
    net = mlp([2, *[8] * depth, 1], 3)
    s = net.slice(np.zeros(2), np.eye(2))
    assert s.n_regions > 20
    np.testing.assert_array_equal(net.codes(s.points(s.centroids)), s.codes)
    assert {tuple(c) for c in s.codes} == {tuple(c) for c in net.regions(1.0).codes}


def test_rows_near_a_knot_are_looked_at_again_one_by_one():
    net = hw.model.from_arrays([[[0.1, 0.2], [0.3, 0.6], [1, 0]], [[3.0, -1.0, 0.0]], [[1.0]]])
    X = np.array([[1.0, 2.0], [0.5, 0.25], [0.0, 0.0], [0.7, 0.1]])
    codes, outputs = codes_and_outputs(net, X)
    np.testing.assert_array_equal(codes[:, 3], 0)  # 3 h0 - h1 is zero
    np.testing.assert_array_equal(codes[:, :3], [[1, 1, 1], [1, 1, 1], [0, 0, 0], [1, 1, 1]])
    np.testing.assert_allclose(outputs, 0, atol=1e-15)


def test_a_unit_that_is_zero_throughout_is_no_wall():
    net = hw.model.from_arrays(
        [[[0.1, 0.2], [0.3, 0.6], [1, 0]], [[3.0, -1.0, 0.0], [0.0, 0.0, 1.0]], [[1.0, 1.0]]],
        [[0, 0, 1], [0, -0.5], [0]],
    )
    p = hw.dissect(net, [0.7, 0.4])
    assert p.boundary_unit in (0, 1)
    assert p.boundary_distance == pytest.approx(1.5 / 5**0.5)
    assert set(p.facets.units.tolist()) <= {0, 1, 2, 4}
    G, c, units = hw.model.walls(net, p.X)
    assert not G[0, units == 3].any()
    assert not c[0, units == 3].any()
    line = net.along([0.1, 0.1], [0.9, 0.8])
    assert 3 not in np.concatenate([[], *line.units])


def test_outputs_that_tie_to_rounding_decide_nothing():
    net = hw.model.from_arrays([[[0.1, 0.2], [1, 0]], [[3.0, 0.0], [3.0, 1e-17], [0, 1]]])
    line = net.along([0.1, 2.0], [0.9, 2.5])
    assert line.decisions().size == 0
    s = net.slice([0.5, 2.0], np.eye(2) * 0.3)
    assert len(s.decision_boundary()) == 0
    cross = net.along([0.1, 2.0], [3.0, 0.1]).decisions()
    assert len(cross) == 1


def test_a_guard_counts_no_clips_of_what_is_zero_to_rounding():
    W = [[[0.1, 0.2], [0.3, 0.6], [1, 0]], [[3.0, -1.0, 0.0]] * 2, [[1.0, 2.0]]]
    net = hw.model.from_arrays(W)
    rng = np.random.default_rng(0)
    guard = hw.model.Guard(net).fit(rng.uniform(0.4, 0.6, (50, 2)))
    inside = rng.uniform(0.42, 0.58, (400, 2))
    assert (guard.clip_counts(inside)[:, 1] == 0).all()
    far = guard.report(inside * 100)
    assert (far.share[:, 1] == 0).all()
