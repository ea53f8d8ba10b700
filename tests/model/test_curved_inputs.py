"""Curved functions of the inputs: exact, their derivatives, and the chords that are drawn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import DataError, ModelError
from hullwise.model.curved_inputs import CHORD_LAYER, INPUT_FUNCTIONS

BY_NUMPY = {
    "x": lambda x, y: x,
    "y": lambda x, y: y,
    "x2": lambda x, y: x * x,
    "y2": lambda x, y: y * y,
    "xy": lambda x, y: x * y,
    "sinx": lambda x, y: np.sin(x),
    "siny": lambda x, y: np.sin(y),
}
CHOICES = [
    ["x", "y"],
    ["y", "x"],
    ["y"],
    ["x2", "y2"],
    ["xy"],
    ["x", "xy", "x2"],
    ["y2", "xy", "sinx", "x2", "y"],
    list(INPUT_FUNCTIONS),
]
POINTS = np.random.default_rng(0).uniform([-3, -1], [2, 4], size=(400, 2))


def network_of(n_inputs: int, n_outputs: int = 1) -> hw.model.Network:
    rng = np.random.default_rng(n_inputs)
    sizes = [n_inputs, 7, 5, n_outputs]
    weights = [rng.normal(size=(b, a)) for a, b in itertools.pairwise(sizes)]
    return hw.model.from_arrays(weights, [rng.normal(size=len(W)) for W in weights])


@pytest.mark.parametrize("names", CHOICES)
def test_functions_are_those_named(names: list[str]) -> None:
    expected = np.column_stack([BY_NUMPY[name](*POINTS.T) for name in names])
    np.testing.assert_allclose(hw.model.CurvedInputs(names)(POINTS), expected, atol=1e-14)


@pytest.mark.parametrize("names", CHOICES)
def test_derivatives_are_those_of_differences(names: list[str]) -> None:
    inputs, step = hw.model.CurvedInputs(names), 1e-6
    sides = [(inputs(POINTS + e) - inputs(POINTS - e)) / (2 * step) for e in step * np.eye(2)]
    np.testing.assert_allclose(inputs.jacobians(POINTS), np.stack(sides, axis=2), atol=1e-8)


@pytest.mark.parametrize("names", CHOICES)
@pytest.mark.parametrize("n_pieces", [2, 5, 32])
def test_chords_are_as_near_as_the_bound_and_not_much_nearer(
    names: list[str], n_pieces: int
) -> None:
    inputs, low, high = hw.model.CurvedInputs(names), [-3.0, -1.0], [2.0, 4.0]
    identity = hw.model.from_arrays([np.eye(len(names))])
    chords = inputs.network(identity, low, high, n_pieces)
    grid = np.stack(np.meshgrid(np.linspace(-3, 2, 161), np.linspace(-1, 4, 161)), -1)
    points = grid.reshape(-1, 2)
    errors = np.abs(chords(points) - inputs(points)).max(axis=0)
    bounds = inputs.error_bounds(low, high, n_pieces)
    assert (errors <= bounds + 1e-12).all()
    curved = [name not in ("x", "y") for name in names]
    assert (errors[curved] > 0.2 * bounds[curved]).all()
    assert not bounds[~np.array(curved)].any()


def test_a_square_is_met_at_its_knots_and_off_by_the_bound_between_them() -> None:
    inputs = hw.model.CurvedInputs(["x2"])
    chords = inputs.network(hw.model.from_arrays([[[1.0]]]), [0, 0], [4, 1], 4)
    x = np.array([0.0, 0.5, 1.0, 1.5, 4.0])
    np.testing.assert_array_equal(chords(np.c_[x, x])[:, 0], [0, 0.5, 1, 2.5, 16])
    np.testing.assert_array_equal(inputs.error_bounds([0, 0], [4, 1], 4), [0.25])


@pytest.mark.parametrize("half", [1e-3, 1e-7])
def test_chords_of_a_deep_view_lose_no_digits(half: float) -> None:
    inputs, centre = hw.model.CurvedInputs(INPUT_FUNCTIONS), np.array([900.0, -700.0])
    chords = inputs.network(hw.model.from_arrays([np.eye(7)]), centre - half, centre + half, 16)
    points = centre + half * np.random.default_rng(0).uniform(-1, 1, (200, 2))
    bounds = inputs.error_bounds(centre - half, centre + half, 16)
    rounding = 1e-15 * np.abs(inputs(points)).max(axis=0) + 1e-12
    assert (np.abs(chords(points) - inputs(points)) <= bounds + 8 * rounding).all()
    slopes = hw.dissect(chords, points).A
    np.testing.assert_allclose(slopes, inputs.jacobians(points), atol=4 * half, rtol=1e-9)


@pytest.mark.parametrize("names", CHOICES)
def test_a_slice_behind_chords_is_that_of_the_network_behind_them(names: list[str]) -> None:
    net, inputs = network_of(len(names), 2), hw.model.CurvedInputs(names)
    drawn = inputs.network(net, [-3, -1], [2, 4], 6)
    s = drawn.slice([-0.5, 1.5], np.eye(2), 2.5)
    np.testing.assert_allclose(s.outputs, drawn(s.points(s.vertices)), atol=1e-10)
    np.testing.assert_allclose(s.areas.sum(), 25.0)
    assert (drawn.layers[0].name == CHORD_LAYER) == inputs.is_curved


def test_affine_inputs_have_no_chords_and_the_network_itself_where_nothing_changes() -> None:
    net = network_of(2)
    assert hw.model.CurvedInputs(["x", "y"]).network(net, [0, 0], [1, 1]) is net
    swapped = hw.model.CurvedInputs(["y", "x"]).network(net, [0, 0], [1, 1])
    assert [layer.name for layer in swapped.layers] == [layer.name for layer in net.layers]
    np.testing.assert_allclose(swapped(POINTS), net(POINTS[:, ::-1]), atol=1e-12)


def test_a_product_beside_both_squares_takes_three_families_of_knots() -> None:
    def n_curves(names: list[str]) -> int:
        net = hw.model.from_arrays([np.eye(len(names))])
        return hw.model.CurvedInputs(names).network(net, [0, 0], [1, 1]).n_units

    assert n_curves(["xy"]) == 2
    assert n_curves(["x2", "xy"]) == 3
    assert n_curves(["xy", "y2", "x2"]) == 3


def test_derivatives_of_a_network_behind_are_those_of_torch() -> None:
    torch = pytest.importorskip("torch")
    names = list(INPUT_FUNCTIONS)
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Linear(7, 9), torch.nn.ReLU(), torch.nn.Linear(9, 3)
    ).double()
    x = torch.tensor(POINTS, requires_grad=True)
    u, v = x[:, 0], x[:, 1]
    outputs = module(torch.stack([u, v, u * u, v * v, u * v, u.sin(), v.sin()], 1))
    expected = np.stack(
        [
            torch.autograd.grad(outputs[:, j].sum(), x, retain_graph=True)[0].numpy()
            for j in range(3)
        ],
        axis=1,
    )
    inputs, net = hw.model.CurvedInputs(names), hw.model.read(module, 7)
    slopes = net.model_jacobians(inputs(POINTS)) @ inputs.jacobians(POINTS)
    np.testing.assert_allclose(slopes, expected, atol=1e-10)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["x", "z"], "'z' is no function of the inputs; expected x, y, x2"),
        ([], "give at least one function of the inputs, and each of them once"),
        (["x", "x"], "each of them once"),
    ],
)
def test_unknown_functions_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        hw.model.CurvedInputs(names)


def test_what_does_not_fit_is_refused() -> None:
    inputs = hw.model.CurvedInputs(["x2", "y"])
    with pytest.raises(
        ModelError, match="takes 3 inputs, but there are 2 functions of x and y: x2"
    ):
        inputs.network(network_of(3), [0, 0], [1, 1])
    with pytest.raises(DataError, match="is empty; low is below high"):
        inputs.network(network_of(2), [0, 0], [1, 0])
    with pytest.raises(DataError, match="n_pieces is 300; it is at most 256"):
        inputs.network(network_of(2), [0, 0], [1, 1], 300)
    with pytest.raises(DataError, match=r"shape \(3,\); give finite points"):
        inputs([1.0, 2.0, 3.0])
    with pytest.raises(DataError, match="corners"):
        inputs.error_bounds([0], [1])
    with pytest.raises(ModelError, match="takes a Network"):
        inputs.network("net", [0, 0], [1, 1])
    with pytest.raises(DataError, match=r"give finite points"):
        inputs([[1.0, np.inf]])
