"""What is made of a network follows every kind of layer: against sampling, and each other."""

import warnings

import numpy as np
import pytest

import hullwise as hw

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from hullwise.model.network_difference import network_difference  # noqa: E402
from random_networks import BLOCKS, WIDTH, _affine  # noqa: E402


class OneBlock(nn.Module):
    """A block between two affine maps, of two inputs."""

    def __init__(self, name, seed=0):
        super().__init__()
        rng = np.random.default_rng(seed)
        self.enter, self.block = _affine(rng, 2), BLOCKS[name](rng, WIDTH)
        n = self.block(self.enter(torch.zeros(2, 2, dtype=torch.float64))).shape[1]
        self.leave = _affine(rng, n, 2)

    def forward(self, x):
        return self.leave(self.block(self.enter(x)))


@pytest.fixture(scope="module", params=BLOCKS)
def net(request):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return hw.model.read(OneBlock(request.param), 2)


@pytest.fixture(scope="module")
def square(net):
    return net.slice(np.zeros(2), np.eye(2), 1.0)


RNG = np.random.default_rng(5)
P = RNG.uniform(-1, 1, (2000, 2))
FAR = 3 * RNG.normal(size=(100, 2))


def distinct(codes):
    return len({bytes(code) for code in codes})


def forward(net, X, limits=None):
    """Outputs, what entered each layer of units, and how many entries were clipped."""
    values, entered, clips = [X], [], np.zeros(len(X), dtype=int)
    for node in net.nodes[1:]:
        inputs, op = [values[j] for j in node.inputs], node.op
        if node.is_piecewise:
            z = inputs[0].reshape(len(X), -1)
            if limits is not None:
                low, high = limits[len(entered)]
                slack = 1e-9 * (1 + abs(low) + abs(high))
                clips += ((z < low - slack) | (z > high + slack)).sum(axis=1)
                z = z.clip(low, high)
            entered.append(z)
            if hasattr(op, "knots"):
                piece = (z[:, None] > op.knots).sum(axis=1)
                y = np.take_along_axis(op.slopes, piece, 0) * z
                y += np.take_along_axis(op.offsets, piece, 0)
            else:
                y = np.hstack([z, np.full((len(z), 1), -np.inf)])[:, op.groups].max(axis=-1)
        else:
            y = op.linear(*inputs)
            y = y if op.offset is None else y + op.offset
        values.append(np.asarray(y).reshape(len(X), *node.shape))
    return values[-1].reshape(len(X), -1), entered, clips


def test_regions_complexes_and_trees_are_those_of_the_slice(net, square):
    Y = net(P)
    size = np.abs(Y).max()
    assert square.n_regions >= distinct(net.codes(P))
    assert net.regions(1.0).n_regions == square.n_regions
    whole = hw.model.cell_complex(net, 1.0)
    assert whole.n_regions == square.n_regions
    assert whole.volumes.sum() == pytest.approx(4)
    assert (whole.maximum.max(axis=0) + 1e-12 * size >= Y).all()
    assert (whole.minimum.min(axis=0) - 1e-12 * size <= Y).all()
    tree = net.to_tree(1.0)
    assert tree.n_leaves == square.n_regions
    np.testing.assert_allclose(tree.predict(P), Y, atol=1e-12 * size)
    bounds = hw.model.region_bounds(net)
    assert square.n_regions <= bounds.montufar_upper
    assert bounds.serra_upper is None or square.n_regions <= bounds.serra_upper


def test_a_guard_clips_what_enters_each_unit(net):
    X = P[:60]
    guard = hw.model.Guard(net).fit(X)
    _, entered, _ = forward(net, X)
    limits = [(z.min(axis=0), z.max(axis=0)) for z in entered]
    outputs, _, clips = forward(net, FAR, limits)
    np.testing.assert_array_equal(guard.clip_count(FAR), clips)
    np.testing.assert_allclose(guard.predict(FAR), outputs, atol=1e-11 * np.abs(outputs).max())
    assert not guard.clip_count(X).any()


def test_local_complexity_counts_the_units_that_change(net):
    centres, radius = P[:3], 0.2
    sampled = hw.model.local_complexity(net, centres, radius)
    exact = hw.model.local_complexity(net, centres, radius, exact=True)
    assert (sampled.counts <= exact.counts).all()
    steps = RNG.uniform(-1, 1, (4000, 2))
    steps = radius * steps[np.abs(steps).sum(axis=1) <= 1] @ exact.directions
    for centre, total in zip(centres, exact.total, strict=True):
        codes = net.codes(centre + steps)
        changing = (codes != codes[:1]).any(axis=0).sum()
        assert total - 2 <= changing <= total  # the least corners may hold no sample


def test_occupancy_counts_codes(net):
    occupancy = hw.model.region_occupancy(net, P[:500], P[500:700])
    known = {bytes(code) for code in net.codes(P[:500])}
    new = [bytes(code) in known for code in net.codes(P[500:700])]
    assert occupancy.train.n_regions == len(known)
    assert occupancy.test.training_share == pytest.approx(np.mean(new))


def test_a_difference_has_the_walls_of_both(net, square):
    other = hw.model.read(OneBlock("relu", seed=1), 2)
    difference = network_difference(net, other)
    Y = net(P) - other(P)
    np.testing.assert_allclose(difference(P), Y, atol=1e-12 * np.abs(Y).max())
    s = difference.slice(np.zeros(2), np.eye(2), 1.0)
    assert s.areas.sum() == pytest.approx(4)
    assert s.n_regions >= max(square.n_regions, distinct(difference.codes(P)))
