"""Cell complexes against rational enumeration, known counts, and walks over facets."""

from __future__ import annotations

from itertools import pairwise, product
from math import factorial

import numpy as np
import pytest

import hullwise as hw
from networks import mixed, mlp
from rational import cell_faces, exact_cells, exact_outputs, exact_volume
from shared_data import load_npz

WIDTHS = [(2, 5, 4, 1), (2, 4, 4, 3, 1), (3, 4, 4, 1), (3, 6, 2), (3, 3, 3, 3, 1), (4, 4, 3, 1)]


def degenerate_arrays(widths, seed):
    """Whole numbers, with copies, opposites and multiples of units, without biases at times."""
    rng = np.random.default_rng(seed)
    most = 1 + seed % 2
    W = [rng.integers(-most, most + 1, (o, i)) for i, o in pairwise(widths)]
    b = [rng.integers(-most, most + 1, o) * (seed % 4 > 0) for o in widths[1:]]
    if seed % 3 == 0:
        i, j = rng.choice(widths[1], 2, replace=False)
        factor = [1, -1, 2][seed % 3]
        W[0][i], b[0][i] = factor * W[0][j], factor * b[0][j]
    return [w.astype(float) for w in W], [x.astype(float) for x in b]


def scaled(W, b, seed):
    """The same function and codes, with ties that hold to rounding only."""
    rng = np.random.default_rng(seed)
    W, b = [w.copy() for w in W], [x.copy() for x in b]
    for layer in range(len(W) - 1):
        factor = np.exp(1.5 * rng.normal(size=len(b[layer])))
        W[layer] *= factor[:, None]
        b[layer] *= factor
        W[layer + 1] /= factor
    return W, b


def exact_counts(cells, d):
    faces = {}
    for cell, _ in cells:
        faces.update(cell_faces(cell))
    dims = np.array(list(faces.values()))
    return tuple(int((dims == k).sum()) for k in range(d + 1))


@pytest.mark.parametrize("seed", range(24))
def test_faces_volumes_and_extremes_are_those_of_rational_arithmetic(seed):
    widths = WIDTHS[seed % len(WIDTHS)]
    W, b = degenerate_arrays(widths, seed)
    cells = exact_cells(W, b)
    counts = exact_counts(cells, widths[0])
    volume = {code: float(exact_volume(cell)) for cell, code in cells}
    for arrays, method in product(((W, b), scaled(W, b, seed)), ("cells", "lattice")):
        c = hw.model.cell_complex(hw.model.from_arrays(*arrays), 1.0, method=method)
        codes = [tuple(code) for code in c.codes.tolist()]
        assert set(codes) == set(volume)
        assert len(set(codes)) == len(codes)
        assert c.n_faces == counts
        assert c.euler_characteristic == 1
        np.testing.assert_allclose(c.volumes, [volume[code] for code in codes], rtol=1e-9)
    values = {code: [exact_outputs(W, b, x) for x, _ in cell] for cell, code in cells}
    for code, low, high in zip(codes, c.minimum, c.maximum):
        for k in range(widths[-1]):
            own = [float(v[k]) for v in values[code]]
            assert low[k] == pytest.approx(min(own), rel=1e-9, abs=1e-9)
            assert high[k] == pytest.approx(max(own), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("widths", [(3, 70, 1), (4, 9, 9, 2), (5, 7, 6, 1), (6, 5, 4, 1)])
def test_cells_alone_have_the_faces_of_the_lattice(widths):
    net = mlp(widths, seed=3)
    cells, lattice = (hw.model.cell_complex(net, 0.5, method=m) for m in ("cells", "lattice"))
    assert repr(cells) == repr(lattice)  # without a look at faces
    assert len(cells.neighbours) == len(lattice.neighbours)
    assert cells.n_faces == lattice.n_faces
    edges, made = (np.sort(e, axis=1) for e in (cells.edges, cells.lattice.edges))
    np.testing.assert_array_equal(np.unique(edges, axis=0), np.unique(made, axis=0))
    assert cells.volumes.sum() == pytest.approx(1.0, rel=1e-12)
    np.testing.assert_allclose(np.sort(cells.volumes), np.sort(lattice.volumes), rtol=1e-6)
    if len(cells.volumes) < 1500:
        assert cells.verify().ok


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_an_edge_with_an_odd_number_of_cells_is_one(sign):
    """max(x, 0) + y bends at y's own wall: five cells around the line, of two facets there each."""
    W = [np.array([[1.0, 0, 0], [0, 1, 0], [0, -1, 0]]), sign * np.array([[1.0, 1, -1]]), [[1.0]]]
    c = hw.model.cell_complex(hw.model.from_arrays(W), method="cells")
    assert not c.structure.is_simple
    assert (len(c.vertices), len(c.edges), c.n_regions) == (18, 35, 5)
    assert c.n_faces == c.lattice.n_faces == (18, 35, 23, 5)


@pytest.mark.parametrize("widths", [(3, 9, 9, 1), (4, 7, 6, 1), (5, 6, 5, 1), (6, 5, 4, 1)])
def test_volumes_and_counts_without_faces_are_those_with(widths):
    net = mlp(widths, seed=5)
    cells, lattice = (hw.model.cell_complex(net, method=m) for m in ("cells", "lattice"))
    assert cells.structure.is_simple
    assert cells.n_faces == lattice.n_faces
    assert cells.euler_characteristic == 1
    np.testing.assert_allclose(np.sort(cells.volumes), np.sort(lattice.volumes), rtol=1e-7)
    own, other = (c.centroids[np.argsort(c.volumes)] for c in (cells, lattice))
    np.testing.assert_allclose(own, other, atol=1e-9)
    assert "lattice" not in vars(cells)  # faces were not made


def test_cells_of_many_facets_are_cut_as_a_lattice():
    """A tangent cell of 80 sides in the middle of as many lines."""
    angles = np.arange(80) * np.pi / 40
    W = np.column_stack([np.cos(angles), np.sin(angles)])
    net = hw.model.from_arrays([W, np.ones((1, 80))], [np.full(80, -0.5), np.zeros(1)])
    c = hw.model.cell_complex(net)
    assert c.corners.lengths.max() == 80
    assert c.euler_characteristic == 1
    with pytest.raises(hw.errors.ModelError, match="64 facets"):
        hw.model.cell_complex(net, method="cells")
    with pytest.raises(hw.errors.ModelError, match="maxima"):
        hw.model.cell_complex(mixed(2, 0), method="cells")


@pytest.mark.parametrize("d", [2, 3, 4])
@pytest.mark.parametrize("integers", [False, True])
def test_regions_are_those_of_the_walk_over_facets(d, integers):
    """With clips, overlapping maxima, absolute values, a skip and leaky units."""
    for seed in range(2):
        net = mixed(d, seed, integers=integers)
        c, walk = hw.model.cell_complex(net, 1.0), net.regions(1.0)
        assert {tuple(x) for x in c.codes} == {tuple(x) for x in walk.codes}
        assert c.n_regions == walk.n_regions
        assert c.euler_characteristic == 1
        assert c.volumes.sum() == pytest.approx(2**d, rel=1e-12)
        np.testing.assert_array_equal(net.codes(c.centroids), c.codes)
        np.testing.assert_allclose(net(c.vertices), c.outputs, atol=1e-12)


def test_a_layer_of_more_units_than_a_word_has_bits():
    net = mlp((3, 100, 1), seed=3)
    c = hw.model.cell_complex(net, 0.1)
    assert c.n_regions == net.regions(0.1, max_regions=20_000).n_regions
    assert c.euler_characteristic == 1
    assert c.volumes.sum() == pytest.approx(0.008, rel=1e-12)


def test_lines_through_a_point_and_planes_in_a_pencil():
    """32 sectors, where sign vectors do not identify faces."""
    angles = np.arange(16) * np.pi / 16 + 0.1
    W = np.column_stack([np.cos(angles), np.sin(angles)])
    plane = hw.model.cell_complex(hw.model.from_arrays([W, np.ones((1, 16))]))
    assert plane.n_faces == (1 + 32 + 4, 32 + 32 + 4, 32)
    pencil = np.column_stack([W, np.zeros(16)])
    solid = hw.model.cell_complex(hw.model.from_arrays([pencil, np.ones((1, 16))]))
    assert solid.n_regions == 32
    assert solid.n_faces[0] == 2 * plane.n_faces[0]


def test_a_subspace_of_many_inputs():
    net = mlp((20, 12, 12, 2), seed=1)
    rng = np.random.default_rng(0)
    origin, axes = rng.normal(size=20), rng.normal(size=(2, 20))
    c = hw.model.cell_complex(net, 0.7, origin=origin, axes=axes)
    s = net.slice(origin, axes, 0.7)
    assert c.n_faces == (len(s.vertices), len(s.edges), s.n_regions)
    assert {tuple(x) for x in c.codes} == {tuple(x) for x in s.codes}
    np.testing.assert_allclose(np.sort(c.volumes), np.sort(s.areas), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(net(c.points(c.vertices)), c.outputs, atol=1e-12)


@pytest.mark.parametrize("d", [2, 3, 5])
def test_a_simplex_for_a_domain(d, tmp_path):
    net = mlp((d, 7, 5, 1), seed=4)
    corners = np.vstack([np.zeros(d), np.eye(d)]) * 2 - 0.4
    cells, lattice = (
        hw.model.cell_complex(net, simplex=corners, method=m) for m in ("cells", "lattice")
    )
    assert cells.volumes.sum() == pytest.approx(2**d / factorial(d), rel=1e-12)
    assert cells.n_faces == lattice.n_faces
    assert cells.euler_characteristic == 1
    whole = hw.model.cell_complex(net, (-0.4, 1.6))
    inside = (whole.centroids + 0.4).sum(axis=1) < 2
    assert {tuple(c) for c in whole.codes[inside]} <= {tuple(c) for c in cells.codes}
    np.testing.assert_array_equal(net.codes(cells.centroids), cells.codes)
    if d < 5:
        assert cells.verify().ok
    parts = list(hw.model.cell_parts(net, simplex=corners, max_part_regions=7))
    assert sum(part.n_regions for part in parts) == cells.n_regions
    cells.save(tmp_path / "simplex")
    again = hw.model.CellComplex.load(tmp_path / "simplex", net)
    np.testing.assert_array_equal(again.domain.vertices, corners)


def test_what_is_beyond_max_regions_is_left_out():
    net = mlp((3, 8, 8, 8, 1), seed=0)
    whole = hw.model.cell_complex(net)
    assert not whole.partial
    part = hw.model.cell_complex(net, max_regions=whole.n_regions_per_layer[1])
    assert part.partial
    assert part.n_regions_per_layer == whole.n_regions_per_layer[:2]
    assert part.euler_characteristic == 1
    none = hw.model.cell_complex(net, max_regions=2)
    assert none.n_regions == 1
    assert none.partial


def test_a_limit_of_time_leaves_layers_out():
    net = mlp((4, 30, 30, 30, 1), seed=0)
    part = hw.model.cell_complex(net, max_seconds=1e-9)
    assert part.partial
    assert part.n_regions == 1


def test_stopping():
    stop = hw.model.StopFlag()
    stop.set()
    with pytest.raises(hw.errors.StoppedError, match="layer 1 of 1"):
        hw.model.cell_complex(mlp((3, 4, 1)), stop=stop)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"box": None}, "bounded box"),
        ({"box": (1.0, 0.0)}, "lower below the upper"),
        ({"box": (0.0, 1.0), "axes": [[1.0, 0, 0]]}, "2 to 8 directions"),
        ({"axes": [[1.0, 0, 0], [2.0, 0, 0]]}, "independent"),
        ({"axes": np.eye(3)[:2], "box": (0.0, 1.0, 2.0)}, "half width or a pair"),
        ({"origin": [0.0, 0, 0]}, "without axes"),
        ({"simplex": np.eye(3)}, r"\(4, 3\)"),
        ({"simplex": np.zeros((4, 3))}, "one hyperplane"),
        ({"max_regions": 0}, "max_regions"),
        ({"method": "fast"}, "auto, cells, lattice"),
        ({"max_seconds": -1}, "max_seconds"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(hw.errors.DataError, match=message):
        hw.model.cell_complex(mlp((3, 4, 1)), **arguments)


def test_what_can_be_read_is_taken():
    from sklearn.neural_network import MLPRegressor

    X = np.random.default_rng(0).uniform(-1, 1, (60, 3))
    model = MLPRegressor(hidden_layer_sizes=(6, 5), solver="lbfgs", tol=0.1, random_state=0)
    c = hw.model.cell_complex(model.fit(X, np.abs(X).sum(axis=1)))
    np.testing.assert_allclose(c.outputs[:, 0], model.predict(c.vertices), atol=1e-9)
    with pytest.raises(hw.errors.ModelError):
        hw.model.cell_complex(object())


@pytest.mark.parametrize("method", ["cells", "lattice"])
def test_known_counts(method):
    """Lines in a pencil, grids, copies of units, tent maps: recorded region counts."""
    known = load_npz("spline/known.npz")
    for name in sorted({key.partition("/")[0] for key in known}):
        own = {k.partition("/")[2]: v for k, v in known.items() if k.startswith(f"{name}/")}
        n = sum(k.startswith("W") for k in own)
        net = hw.model.from_arrays(
            [own[f"W{i}"] for i in range(n)], [own[f"b{i}"] for i in range(n)]
        )
        c = hw.model.cell_complex(net, float(own["h"]), method=method)
        assert (name, c.n_regions) == (name, int(own["n_regions"]))
        assert c.euler_characteristic == 1


def test_too_many_inputs_are_refused():
    with pytest.raises(hw.errors.ModelError, match=r"axes \(k, 20\)"):
        hw.model.cell_complex(mlp((20, 4, 1)))
