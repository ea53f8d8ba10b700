"""Distances to walls behind convolutions: shared backward passes against tangents."""

import numpy as np
import pytest

import hullwise as hw
from hullwise.model._locality import layer_passes, slope_lengths
from hullwise.model.builder import Builder
from hullwise.model.region_walls import _by_tangents
from hullwise.model.tangents import first_tangents
from networks import mlp

from hullwise.model._piecewise_layers import Largest, relu  # isort: skip
from hullwise.model.affine_layers import Conv, Linear, Rearrange, Scale, Sum, Window  # isort: skip


def convolutional(seed=0, size=20):
    """Two convolutions with strides, one in groups, a residual sum, pools, a linear layer."""
    rng = np.random.default_rng(seed)
    b = Builder((2, size, size))
    half = size // 2

    def window(k, t, p):
        return Window((k, k), (t, t), ((p, p), (p, p)), (1, 1))

    first = Conv(rng.normal(size=(4, 2, 3, 3)), rng.normal(size=4), window(3, 2, 1))
    z = b.add("first", first, 0)
    z = b.add("relu", relu(4 * half * half), z)
    inner = Conv(rng.normal(size=(4, 2, 3, 3)), rng.normal(size=4), window(3, 1, 1), groups=2)
    y = b.add("second", inner, z)
    z = b.add("sum", Sum((1.0, -0.5)), z, y)
    z = b.add("scale", Scale(rng.uniform(0.5, 2, (4, 1, 1)), rng.normal(size=(4, 1, 1))), z)
    index = np.arange(4 * half * half).reshape(4, half, half)
    views = np.lib.stride_tricks.sliding_window_view(index, (2, 2), (1, 2))[:, ::2, ::2]
    groups = np.concatenate([views.reshape(-1, 4), np.full((views.size // 4, 1), -1)], axis=1)
    z = b.add("pool", Largest("maxpool", groups, (4, half // 2, half // 2)), z)
    z = b.add("flat", Rearrange((half * half,)), z)
    z = b.add("linear", Linear(rng.normal(size=(5, half * half)), rng.normal(size=5)), z)
    z = b.add("last", relu(5), z)
    b.add("out", Linear(rng.normal(size=(3, 5))), z)
    return b.network()


def test_slopes_have_the_lengths_that_tangents_give():
    net = convolutional()
    X = np.random.default_rng(1).normal(size=(4, net.n_inputs))
    codes = net.codes(X)
    passes = layer_passes(net, net.n_inputs)
    assert sum(one.entries.n_passes for one in passes) < net.n_inputs / 2
    by_tangents = _by_tangents(net, codes, first_tangents(net))
    tangents = [
        [np.concatenate(parts) for parts in zip(*values, strict=True)]
        for values in zip(*((e, w) for _, e, w in by_tangents), strict=True)
    ]
    shared = [
        [np.concatenate(parts) for parts in zip(*values, strict=True)]
        for values in zip(*((e, w) for _, e, w in slope_lengths(net, passes, codes)), strict=True)
    ]
    for expected, lengths in zip(tangents, shared, strict=True):
        for one, other in zip(expected, lengths, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-13)


def test_the_nearest_wall_is_reached_and_no_nearer_one_crossed():
    net = convolutional(3)
    assert net.shared_passes is not None
    X = np.random.default_rng(2).normal(size=(6, net.n_inputs))
    p = hw.dissect(net, X)
    for share, same in ((1 - 1e-9, True), (1 + 1e-9, False)):
        ends = X + share * p.boundary_distance[:, None] * p.boundary_direction
        assert ((net.codes(ends) == p.codes).all(axis=1) == same).all()


def test_nothing_is_shared_where_every_unit_sees_every_input():
    assert mlp([3, 8, 8, 2]).shared_passes is None


def test_one_template_at_a_time():
    net = convolutional(4)
    X = np.random.default_rng(5).normal(size=(3, net.n_inputs))
    alone = [hw.dissect(net, X).template(k) for k in range(3)]
    whole = hw.dissect(net, X).A
    for k in range(3):
        np.testing.assert_allclose(alone[k].reshape(3, -1), whole[:, k], rtol=1e-12)
    with pytest.raises(hw.DataError, match="output 3"):
        hw.dissect(net, X).template(3)
