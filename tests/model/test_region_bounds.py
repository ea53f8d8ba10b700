"""Closed forms against brute force, published values, and regions counted."""

import itertools
import math

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import DataError
from hullwise.model import region_bounds, zaslavsky
from hullwise.model._piecewise_layers import pieces, relu
from hullwise.model.affine_layers import Linear, Sum
from hullwise.model.builder import Builder


def serra_by_hand(d, widths):
    """Theorem 1 as it stands: a sum over all (j_1, ..., j_L) in J."""
    total = 0
    for js in itertools.product(*(range(n + 1) for n in widths)):
        left = [n - j for n, j in zip(widths, js, strict=True)]
        if all(j <= min([d, *left[:i], widths[i]]) for i, j in enumerate(js)):
            total += math.prod(math.comb(n, j) for n, j in zip(widths, js, strict=True))
    return total


def montufar_by_hand(d, widths):
    return math.prod(
        sum(math.comb(n, j) for j in range(min([d, *widths[: i + 1]]) + 1))
        for i, n in enumerate(widths)
    )


def network(rng, d, widths, activation="relu"):
    sizes = [d, *widths, 1]
    weights = [rng.normal(size=(o, i)) for i, o in itertools.pairwise(sizes)]
    biases = [rng.normal(size=o) for o in sizes[1:]]
    return hw.model.from_arrays(weights, biases, activation=activation)


def test_zaslavsky_known_values():
    assert zaslavsky(8, 2) == 37
    assert zaslavsky(40, 2) == 821
    assert zaslavsky(16, 2, central=True) == 32
    assert zaslavsky(8, 2, central=True) == 16
    assert [zaslavsky(n, 1) for n in range(5)] == [1, 2, 3, 4, 5]
    assert [zaslavsky(n, 3) for n in range(7)] == [1, 2, 4, 8, 15, 26, 42]  # cake numbers
    assert zaslavsky(5, 9) == 2**5
    assert zaslavsky(5, 9, central=True) == 2**5
    assert zaslavsky(3, 2, bounded=True) == 1
    assert zaslavsky(2, 2, bounded=True) == 0
    assert zaslavsky(4, 2, bounded=True, central=True) == 0
    assert [zaslavsky(0, 3), zaslavsky(0, 3, bounded=True), zaslavsky(0, 3, central=True)] == [
        1,
        0,
        1,
    ]


@pytest.mark.parametrize("d", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [1, 2, 4, 9, 30])
def test_zaslavsky_recursions(n, d):
    """Deleting and restricting to a hyperplane: r(n, d) = r(n-1, d) + r(n-1, d-1)."""
    below = zaslavsky(n - 1, d - 1) if d > 1 else 1
    assert zaslavsky(n, d) == zaslavsky(n - 1, d) + below
    # a central arrangement is the cone over an affine one of one hyperplane less
    if d > 1:
        assert zaslavsky(n, d, central=True) == 2 * zaslavsky(n - 1, d - 1)
    # unbounded regions are those of the central arrangement at infinity
    unbounded = zaslavsky(n, d) - zaslavsky(n, d, bounded=True)
    assert unbounded == zaslavsky(n, d, central=True)


def test_zaslavsky_counts_a_general_arrangement():
    rng = np.random.default_rng(0)
    W, b = rng.normal(size=(12, 2)), 0.3 * rng.normal(size=12)
    net = hw.model.from_arrays([W, np.ones((1, 12))], [b, [0.0]])
    assert net.slice([0, 0], np.eye(2), 1e4).n_regions == zaslavsky(12, 2)


@pytest.mark.parametrize(
    ("widths", "d"),
    [
        ((3,), 2), ((2, 5), 3), ((1, 4, 4), 2), ((4, 1, 4), 3), ((3, 3, 3), 3), ((5, 4, 3), 2),
        ((2, 6, 5), 4), ((6, 2, 6), 5), ((7, 7), 9), ((1, 1, 1), 1), ((5, 5, 2, 4), 4),
    ],
)  # fmt: skip
def test_bounds_as_in_the_papers(widths, d):
    found = region_bounds(widths, d)
    assert found.serra_upper == serra_by_hand(d, widths)
    assert found.montufar_upper == montufar_by_hand(d, widths)
    assert found.montufar_lower <= found.serra_upper <= found.montufar_upper
    assert region_bounds(network(np.random.default_rng(1), d, widths)) == found
    if d == 1 and min(widths) >= 3:
        assert found.serra_upper == math.prod(n + 1 for n in widths)  # Theorem 5


def test_bounds_of_the_reference_shapes():
    """Worst cases in 2-D, 11 to 14 orders of magnitude above the regions that are there."""
    shapes = {(32,) * 3: 529**3, (64,) * 4: 2081**4, (128,) * 3: 8257**3, (128,) * 5: 8257**5}
    said = ("1.5e+08", "1.9e+13", "5.6e+11", "3.8e+19")
    for (widths, value), text in zip(shapes.items(), said, strict=True):
        found = region_bounds(widths, n_inputs=2)
        assert found.montufar_upper == found.serra_upper == value
        assert text in repr(found)
        n = sum(widths)
        assert found.hanin_rolnick == n * n // 2
    assert region_bounds((32,) * 3, 2).montufar_lower == 16**4 * 529


def test_one_layer_is_zaslavsky_and_few_units_two_to_the_n():
    for n, d in [(5, 2), (9, 4), (3, 8)]:
        found = region_bounds([n], d)
        assert found.montufar_upper == found.serra_upper == zaslavsky(n, d)
        assert found.montufar_lower == zaslavsky(n, min(n, d))
    assert region_bounds([2, 3], 40).hanin_rolnick == 2**5


@pytest.mark.parametrize("widths", [(4,), (1, 5), (3, 2, 4), (6, 6)])
def test_no_network_has_more(widths):
    rng = np.random.default_rng(2)
    for _ in range(5):
        for activation in ("relu", "leaky_relu", "abs"):
            net = network(rng, 2, widths, activation)
            found, bound = net.slice([0, 0], np.eye(2), 50.0).n_regions, region_bounds(net)
            assert found <= bound.montufar_upper
            if activation == "relu":
                assert found <= bound.serra_upper
            else:  # a layer of those loses no dimension
                assert bound.serra_upper is None
                assert bound.montufar_lower is None


def test_slices_have_bounds_of_their_own():
    net = network(np.random.default_rng(0), 7, (5, 4))
    assert region_bounds(net, 2) == region_bounds((5, 4), 2)
    assert region_bounds(net, 1).montufar_upper == 6 * 5


def test_more_knots_are_parallel_hyperplanes():
    """Two knots on each of n units: two lines of each direction, counted exactly."""
    build = Builder((2,))
    rng = np.random.default_rng(3)
    first = build.add("a", Linear(rng.normal(size=(4, 2))), 0)
    clip = pieces("clip", 4, [-0.5, 0.5], [0.0, 1.0, 0.0])
    net = build.network(build.add("b", clip, first))
    bound = region_bounds(net)
    assert bound.montufar_upper == 1 + 2 * 4 + 4 * 6
    assert bound.hanin_rolnick == 8**2 // 2
    assert bound.serra_upper is None
    assert net.slice([0, 0], np.eye(2), 1e3).n_regions == bound.montufar_upper


def test_a_skip_goes_round_a_narrow_layer():
    rng = np.random.default_rng(4)

    def build(skip):
        b = Builder((2,))
        thin = b.add("u1", relu(1), b.add("l1", Linear(rng.normal(size=(1, 2))), 0))
        wide = b.add("l2", Linear(rng.normal(size=(2, 1))), thin)
        if skip:
            wide = b.add("add", Sum((1.0, 1.0)), wide, 0)
        last = b.add("l3", Linear(rng.normal(size=(6, 2)), rng.normal(size=6)), wide)
        return b.network(b.add("u2", relu(6), last))

    straight, round_it = region_bounds(build(False)), region_bounds(build(True))
    assert straight.montufar_upper == 2 * 7
    assert round_it.montufar_upper == 2 * zaslavsky(6, 2)
    assert round_it.serra_upper is None
    assert build(True).slice([0, 0], np.eye(2), 1e3).n_regions > straight.montufar_upper


def test_images_are_quick():
    found = region_bounds([1024, 1024, 512], 784)
    assert found.serra_upper < found.montufar_upper
    assert "e+" in repr(found)
    assert region_bounds([4096] * 4, 3072).montufar_upper.bit_length() > 10_000


def test_refusals():
    with pytest.raises(DataError, match="give n_inputs"):
        region_bounds([3, 3])
    with pytest.raises(DataError, match="at least 1"):
        region_bounds([3, 0], 2)
    with pytest.raises(DataError, match="takes 2 inputs"):
        region_bounds(network(np.random.default_rng(0), 2, (3,)), 3)
    with pytest.raises(DataError, match="not a whole number"):
        zaslavsky(2.5, 2)
    with pytest.raises(DataError, match="d is 0"):
        zaslavsky(2, 0)
