"""Lines: every break, and nothing else."""

import numpy as np
import pytest

import hullwise as hw
from networks import every_layer, mlp, same_codes, tent, whole


def check(line):
    t = np.random.default_rng(0).uniform(0, 1, 400)
    at = np.searchsorted(line.breaks, t)
    X = line.x0 + t[:, None] * (line.x1 - line.x0)
    near = np.abs(t[:, None] - line.knots).min(axis=1) < 1e-11
    assert same_codes(line.net, X[~near], line.codes[at[~near]])
    scale = np.abs(line.values).max()
    np.testing.assert_allclose(line.at(t), line.net(X), atol=1e-11 * scale)
    assert (line.codes[1:] != line.codes[:-1]).any(axis=1).all()
    assert (np.diff(line.knots) > 0).all()
    assert line.knots[0] == 0
    assert line.knots[-1] == 1
    slope = np.diff(line.values, axis=0) / np.diff(line.knots)[:, None]
    rough = 1e-13 * scale / np.diff(line.knots)[:, None]
    assert (np.abs(line.slopes - slope) <= 1e-9 * scale + rough).all()


@pytest.mark.parametrize("widths", [(2, 16, 16, 2), (5, 30, 20, 10, 1), (3, 1)])
def test_random(widths):
    rng = np.random.default_rng(0)
    line = mlp(widths).along(rng.normal(size=widths[0]), 3 * rng.normal(size=widths[0]))
    check(line)
    assert len(line.units) == len(line.breaks) == len(line.layers)
    assert all(len(units) == 1 for units in line.units)


def test_every_kind_of_layer():
    a, b = np.random.default_rng(2).normal(size=(2, 36))
    net = every_layer()
    check(net.along(a, b))
    back = net.along(b, a)
    np.testing.assert_array_equal(back.codes[::-1], net.along(a, b).codes)


@pytest.mark.parametrize("seed", range(10))
def test_whole_numbers_where_breaks_coincide(seed):
    net, *_ = whole((2, 6, 6, 4, 2), seed)
    check(net.along([-3, -2], [3, 2]))
    check(net.along([-3, 0], [3, 0]))


@pytest.mark.parametrize("depth", [1, 4, 9])
def test_tent_maps(depth):
    line = tent(depth).along([-1.0], [1.0])
    assert line.n_pieces == 2 ** (depth + 1)
    np.testing.assert_array_equal(line.breaks, np.arange(1, line.n_pieces) / line.n_pieces)


def test_a_walk_along_a_wall_and_on_dead_units():
    net = hw.model.from_arrays([[[1, 0], [0, 1], [0, 0]], [[1, 1, 1]]], [[0, 0, 0], [0]])
    line = net.along([-1, 0], [1, 0])
    assert line.breaks.tolist() == [0.5]
    assert line.codes.tolist() == [[0, 0, 0], [1, 0, 0]]


@pytest.mark.parametrize("classes", [1, 2, 4])
def test_decisions(classes):
    net = mlp((2, 16, 16, classes), seed=5)
    line = net.along([-2, -1], [2, 1])
    out = np.c_[line.at(np.linspace(0, 1, 20001)), np.zeros(20001)][:, : max(2, classes)]
    changes = np.flatnonzero(np.diff(out.argmax(axis=1)))
    found = line.decisions()
    assert len(changes) == len(found)
    np.testing.assert_allclose(found, changes / 20000, atol=1e-4)
    values = np.sort(np.c_[line.at(found), np.zeros(len(found))][:, : max(2, classes)], axis=1)
    np.testing.assert_allclose(values[:, -1], values[:, -2], atol=1e-12)


def test_the_same_point_twice_is_no_line():
    with pytest.raises(hw.DataError, match="same point"):
        mlp((2, 4, 1)).along([1, 2], [1, 2])


@pytest.mark.parametrize("seed", range(3))
def test_a_segment_in_parts_has_the_same_pieces(seed, monkeypatch):
    nets = [mlp((4, 30, 30, 2), seed), every_layer(6, 2, seed)]
    for net in nets:
        a, b = 2 * np.random.default_rng(seed).normal(size=(2, net.n_inputs))
        whole = net.along(a, b)
        assert whole.n_pieces > 10
        with monkeypatch.context() as patch:
            patch.setattr("hullwise.model.line.SEGMENT_NUMBERS", 1)
            parts = net.along(a, b)
        np.testing.assert_allclose(parts.knots, whole.knots, atol=1e-13)
        np.testing.assert_array_equal(parts.codes, whole.codes)
        np.testing.assert_allclose(parts.values, whole.values, atol=1e-11)
        check(parts)
