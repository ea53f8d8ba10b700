"""What large networks need: walls by random tangents, maps and tangents a few at a time."""

import numpy as np
import pytest

import hullwise as hw
from hullwise.model import region_walls
from hullwise.model._affine_maps import empty_slopes
from networks import every_layer, mixed, mlp
from residual_network import residual_network


@pytest.mark.parametrize("seed", range(4))
def test_the_nearest_wall_by_random_tangents_is_that_of_all_walls(seed):
    for net in (every_layer(8, 3, seed), mixed(6, seed), mlp((9, 30, 20, 2), seed)):
        X = np.random.default_rng(seed).normal(size=(5, net.n_inputs))
        p = hw.dissect(net, X)
        expected = region_walls.nearest_walls(net, p.X, p.codes)
        distance, which = region_walls._nearest_by_sampling(net, p.X, p.codes)
        np.testing.assert_allclose(distance, expected[0], rtol=1e-12)
        units = region_walls.wall_units(net)
        assert (units[which] == units[expected[1]]).all()


def test_a_network_without_walls_that_can_be_crossed_has_no_nearest():
    net = hw.model.from_arrays([np.zeros((3, 2)), np.ones((1, 3))], [np.ones(3), [0.0]])
    p = hw.dissect(net, np.ones((2, 2)))
    distance, which = region_walls._nearest_by_sampling(net, p.X, p.codes)
    assert np.isinf(distance).all()
    assert (which == -1).all()


def test_of_a_residual_network_the_nearest_wall_is_reached_and_no_nearer_one_crossed():
    net = residual_network()
    assert region_walls.is_sampled(net)
    p = hw.dissect(net, np.random.default_rng(0).normal(size=net.n_inputs))
    way = p.boundary_distance * p.boundary_direction
    assert (net.codes(p.X + (1 - 1e-7) * way) == p.codes).all()
    assert (net.codes(p.X + (1 + 1e-7) * way) != p.codes).any()


def test_maps_of_many_outputs_are_made_a_few_at_a_time(monkeypatch):
    net = mlp((5, 12, 7), 3)
    X = np.random.default_rng(0).normal(size=(3, 5))
    whole, jacobians = hw.dissect(net, X).A, net.model_jacobians(X)
    monkeypatch.setattr("hullwise.model.network.PUSH_BLOCK_NUMBERS", 3 * net.widest)
    np.testing.assert_allclose(hw.dissect(net, X).A, whole, rtol=1e-13)
    np.testing.assert_allclose(net.model_jacobians(X), jacobians, rtol=1e-13)


def test_a_narrow_first_layer_needs_no_tangent_for_each_input():
    rng = np.random.default_rng(0)
    d = 60_000  # the square of which does not fit in memory
    W = rng.normal(size=(6, d)) / np.sqrt(d)
    net = hw.model.from_arrays([W, rng.normal(size=(2, 6))], [rng.normal(size=6), np.zeros(2)])
    x = rng.normal(size=d)
    p = hw.dissect(net, x)
    z = W @ x + np.asarray(net.nodes[1].op.b)
    expected = np.abs(z) / np.linalg.norm(W, axis=1)
    np.testing.assert_allclose(p.boundary_distance, expected.min(), rtol=1e-12)
    assert p.boundary_unit == expected.argmin()


def test_what_does_not_fit_in_memory_is_refused_with_what_needs_less(monkeypatch):
    monkeypatch.setattr("hullwise._core.memory.available_memory", lambda: 2**30)
    net = residual_network()
    p = hw.dissect(net, np.zeros(net.n_inputs))
    with pytest.raises(hw.MemoryLimitError, match=r"all .* walls.*boundary_distance"):
        _ = p.facets
    with pytest.raises(hw.MemoryLimitError, match=r"slopes of .*template\(output\)"):
        empty_slopes(10**6, 1000, 150_528)
