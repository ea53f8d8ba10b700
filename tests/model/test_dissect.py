"""At points: A x + b is the network, the region is the code's, the nearest wall is the nearest."""

import numpy as np
import pytest

import hullwise as hw
from hullwise.model.region_walls import walls
from networks import every_layer, mlp, whole
from shared_data import SHARED

RECORDED = SHARED / "spline"
CASES = {"mlp": mlp((4, 12, 12, 3)), "wide": mlp((40, 6, 8, 2)), "every": every_layer()}


def points(net, m=20, seed=0):
    return np.random.default_rng(seed).normal(size=(m, net.n_inputs))


@pytest.mark.parametrize("name", ["2d_3x32", "2d_4x64", "784_3x128"])
def test_recorded_networks(name):
    path = RECORDED / f"{name}.npz"
    if not path.exists():
        pytest.skip("the recorded networks are not there")
    z = np.load(path)
    n = sum(key.startswith("W") for key in z.files)
    net = hw.model.from_arrays([z[f"W{i}"] for i in range(n)], [z[f"b{i}"] for i in range(n)])
    p = hw.dissect(net, z["pt_x"])
    assert np.abs(p.A - z["pt_A"]).max() <= 1e-12 * np.abs(z["pt_A"]).max()
    assert np.abs(p.b - z["pt_d"]).max() <= 1e-12 * np.abs(z["pt_d"]).max()
    np.testing.assert_array_equal(np.packbits(p.code, axis=1), z["pt_code"])
    np.testing.assert_allclose(p.boundary_distance, z["pt_boundary_dist"], rtol=1e-9)
    start = np.array([layer.start for layer in net.layers])
    layer, unit = z["pt_boundary_arg"].T
    np.testing.assert_array_equal(p.boundary_unit, start[layer] + unit)
    if len(z["pt_n_facets"]):
        np.testing.assert_array_equal([len(f.offsets) for f in p.facets], z["pt_n_facets"])


@pytest.mark.parametrize("name", CASES)
def test_the_map_is_the_network(name):
    net = CASES[name]
    X = points(net)
    p = hw.dissect(net, X)
    scale = np.abs(p.output).max()
    np.testing.assert_allclose(np.einsum("mod,md->mo", p.A, X) + p.b, net(X), atol=1e-13 * scale)
    np.testing.assert_array_equal(p.code, net.codes(X))
    # and near the points, still within their regions
    step = np.random.default_rng(1).normal(size=X.shape)
    step *= (0.99 * p.boundary_distance / np.linalg.norm(step, axis=1))[:, None]
    np.testing.assert_array_equal(net.codes(X + step), p.code)
    moved = np.einsum("mod,md->mo", p.A, X + step) + p.b
    np.testing.assert_allclose(moved, net(X + step), atol=1e-13 * scale)


@pytest.mark.parametrize("name", CASES)
def test_the_nearest_wall(name):
    net = CASES[name]
    p = hw.dissect(net, points(net))
    to = p.boundary_distance[:, None] * p.boundary_direction
    for factor, changed in ((1 - 1e-9, False), (1 + 1e-9, True)):
        codes = net.codes(p.X + factor * to)
        assert ((codes != p.code).any(axis=1) == changed).all()
    rows = np.arange(len(codes))
    assert (codes[rows, p.boundary_unit] != p.code[rows, p.boundary_unit]).all()
    np.testing.assert_allclose(np.linalg.norm(p.boundary_direction, axis=1), 1)
    G, c, units = walls(net, p.X)
    value, norm = np.einsum("mkd,md->mk", G, p.X) + c, np.linalg.norm(G, axis=2)
    assert value.min() >= -1e-12
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.where(norm > 1e-13, value / norm, np.inf)
    np.testing.assert_allclose(gap.min(axis=1), p.boundary_distance, rtol=1e-7)


def test_tangents_in_parts_give_the_same(monkeypatch):
    net = every_layer()
    X = points(net)
    want = hw.dissect(net, X).boundary_distance
    monkeypatch.setattr("hullwise.model.network.PUSH_BLOCK_NUMBERS", 5 * net.widest)
    np.testing.assert_allclose(hw.dissect(net, X).boundary_distance, want, rtol=1e-12)
    np.testing.assert_allclose(net(X), hw.dissect(net, X).output)


def test_one_point_comes_without_a_batch_axis():
    net = every_layer()
    x = points(net, 1)[0]
    one, many = hw.dissect(net, x), hw.dissect(net, x[None])
    image = hw.dissect(net, x.reshape(net.input_shape))
    assert one.A.shape == (3, 36)
    assert many.A.shape == (1, 3, 36)
    assert one.b.shape == (3,)
    np.testing.assert_array_equal(one.A, many.A[0])
    np.testing.assert_array_equal(image.code, one.code)
    assert one.boundary_distance.shape == ()


def test_templates_are_slopes_in_the_shape_of_the_input():
    net = every_layer()
    x = points(net, 1)[0]
    p = hw.dissect(net, x)
    template = p.template(1)
    assert template.shape == net.input_shape
    assert (template * x.reshape(net.input_shape)).sum() + p.b[1] == pytest.approx(p.output[1])


def test_a_network_without_units_is_one_piece():
    p = hw.dissect(hw.model.from_arrays([[[1.0, 2.0]]], [[3.0]]), [1.0, 1.0])
    assert p.boundary_distance == np.inf
    assert p.boundary_unit == -1
    assert (p.A.tolist(), p.b.tolist(), len(p.facets.offsets)) == ([[1.0, 2.0]], [3.0], 0)


def test_dead_units_have_no_wall():
    net = hw.model.from_arrays([[[0.0, 0], [1, 0]], [[1, 1]]], [[-1, 0], [0]])
    p = hw.dissect(net, [[3.0, 0.0]])
    assert p.boundary_distance == [3.0]
    assert p.boundary_unit == [1]


@pytest.mark.parametrize("name", ["mlp", "every"])
def test_facets_bound_the_region_and_none_is_to_spare(name):
    net = CASES[name]
    rng = np.random.default_rng(3)
    for x in points(net, 4):
        f = hw.dissect(net, x).facets
        assert (f.normals @ x + f.offsets > 0).all()
        np.testing.assert_allclose(np.linalg.norm(f.normals, axis=1), 1)
        code = net.codes(x)[0]
        for direction in rng.normal(size=(40, net.n_inputs)):
            rate = f.normals @ direction
            with np.errstate(divide="ignore"):
                reach = np.where(rate < 0, -(f.normals @ x + f.offsets) / rate, np.inf)
            end = min(reach.min(), 1e3)
            assert (net.codes(x + (1 - 1e-7) * end * direction)[0] == code).all()
            if end < 1e3:
                out = net.codes(x + (1 + 1e-7) * end * direction)[0]
                assert out[f.units[reach.argmin()]] != code[f.units[reach.argmin()]]


@pytest.mark.parametrize("seed", range(4))
def test_power_cells_subdivide_their_parents(seed):
    net = mlp((2, 6, 5, 2), seed=seed)
    s = net.slice(np.zeros(2), np.eye(2))
    cells = hw.dissect(net, s.points(s.centroids)).power_cells()
    parents = [
        np.zeros(s.n_regions, int),
        np.unique(s.codes[:, :6], axis=0, return_inverse=True)[1],
    ]
    X = np.random.default_rng(seed).uniform(-1, 1, (200, 2))
    own = s.find(X)
    for layer, parent in enumerate(parents):
        for x, region in zip(X, own, strict=True):
            siblings = np.flatnonzero(parent == parent[region])
            power = [cells[i][layer].power(x) for i in siblings]
            best = siblings[int(np.argmin(power))]
            columns = net.layers[layer].columns
            np.testing.assert_array_equal(s.codes[best, columns], s.codes[region, columns])


def test_pull_is_the_adjoint_of_push():
    net = every_layer()
    X = points(net, 5)
    code = net.codes(X)
    rng = np.random.default_rng(0)
    tangent, weight = rng.normal(size=(5, 2, 36)), rng.normal(size=(5, 2, 3))
    pushed = net.push(tangent, code, origin=False)
    pulled = net.pull({len(net.nodes) - 1: weight}, code)
    np.testing.assert_allclose((pushed * weight).sum(2), (pulled * tangent).sum(2), rtol=1e-10)


def test_upto_is_the_part_before_a_layer():
    net = mlp((3, 5, 4, 2))
    X = points(net)
    first = net.upto(0)
    np.testing.assert_allclose(first(X), X @ net.nodes[1].op.W.T + net.nodes[1].op.b)
    assert net.upto("relu1").n_units == 5
    assert net.upto(-1).n_outputs == 4
    with pytest.raises(hw.ModelError, match="no layer of units 'x'"):
        net.upto("x")
    with pytest.raises(hw.ModelError, match="2 layers"):
        net.upto(2)


@pytest.mark.parametrize(
    ("X", "says"),
    [([[1.0, 2.0]], "2 columns"), ([[np.nan] * 3], "NaN"), ([["a", "b", "c"]], "X")],
)
def test_bad_rows(X, says):
    with pytest.raises((hw.DataError, hw.DataTypeError), match=says):
        hw.dissect(mlp((3, 4, 1)), X)


def test_no_rows():
    p = hw.dissect(mlp((3, 4, 2)), np.zeros((0, 3)))
    assert p.A.shape == (0, 2, 3)
    assert p.boundary_distance.shape == (0,)


@pytest.mark.parametrize(
    ("weights", "biases", "says"),
    [
        ([], None, "empty"),
        ([[[1.0, 2.0]], [[1.0, 2.0]]], None, "takes 2 inputs"),
        ([[[1.0, np.inf]]], None, "NaN or infinite"),
        ([[[1.0]]], [[1.0, 2.0]], "2 entries"),
        ([[[1.0]]], [], "1 weights but 0 biases"),
        ([[1.0]], None, r"shape \(1,\)"),
    ],
)
def test_bad_arrays(weights, biases, says):
    with pytest.raises(hw.ModelError, match=says):
        hw.model.from_arrays(weights, biases)


def test_whole_numbers_exactly():
    net, W, b = whole((3, 5, 4, 2), 1)
    x = np.array([1.0, -2.0, 3.0])
    h = np.maximum(W[1] @ np.maximum(W[0] @ x + b[0], 0) + b[1], 0)
    np.testing.assert_array_equal(hw.dissect(net, x).output, W[2] @ h + b[2])
