"""Every region in a box: against exact rational arithmetic, known counts, slices and trees."""

import numpy as np
import pytest

import hullwise as hw
from hullwise.model import _facets, zaslavsky
from hullwise.model import regions as module
from hullwise.model._facet_crossing import WallCoordinates
from hullwise.model._lp import UNDETERMINED
from networks import mixed, mlp, tent, whole
from rational import exact_codes
from shared_data import load_npz


def network(data, prefix=""):
    n = sum(key.startswith(f"{prefix}W") for key in data)
    W = [data[f"{prefix}W{i}"] for i in range(n)]
    return hw.model.from_arrays(W, [data[f"{prefix}b{i}"] for i in range(n)])


def keys(codes):
    return {code.tobytes() for code in np.asarray(codes, np.uint8)}


def whole_answer(found):
    """What holds of every complete walk."""
    net, R = found.net, found.n_regions
    assert not found.partial
    assert len(keys(found.codes)) == R
    assert (found.radii > 0).all()
    # units that rest at a knot all through a region get a code from rounding in the network
    space = WallCoordinates(net)
    np.testing.assert_array_equal(space.pattern_at(found.centres), found.codes)
    for i in range(0, R, max(1, R // 50)):
        A, b = found.affine(i)
        y = net(found.centres[i])[0]
        np.testing.assert_allclose(A @ found.centres[i] + b, y, atol=1e-9 * max(1, np.abs(b).max()))
    assert (found.centres - found.radii[:, None] >= found.lower - 1e-9).all()
    assert (found.centres + found.radii[:, None] <= found.upper + 1e-9).all()
    pairs = found.neighbours
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert len(np.unique(pairs, axis=0)) == len(pairs)
    inner = np.bincount(pairs.ravel(), minlength=R)
    assert (inner <= found.n_facets).all()
    # random points fall into regions that were found
    X = np.random.default_rng(0).uniform(found.lower, found.upper, (500, net.n_inputs))
    known = keys(found.codes)
    for x, code in zip(X, space.pattern_at(X), strict=True):
        assert code.tobytes() in known or hw.dissect(net, x).boundary_distance < 1e-9
    return found


@pytest.mark.parametrize("seed", range(60))
def test_exact_enumeration_code_for_code(seed):
    rng = np.random.default_rng(seed)
    d = int(rng.choice([1, 2, 2, 3]))
    most = 9 if d < 3 else 5
    widths = [d, *(int(rng.integers(1, most)) for _ in range(rng.integers(1, 4))), 2]
    net, W, b = whole(widths, seed, int(rng.integers(1, 4)))
    if seed % 3 == 0:
        b = [np.zeros_like(x) for x in b]
        net = hw.model.from_arrays(W, b)
    found = whole_answer(net.regions(1.0))
    exact = exact_codes([w.tolist() for w in W], [x.tolist() for x in b])
    assert {tuple(code) for code in found.codes.tolist()} == exact


def test_exact_enumeration_of_a_wider_network():
    net, W, b = whole([2, 8, 8, 1], 5)
    exact = exact_codes([w.tolist() for w in W], [x.tolist() for x in b])
    assert {tuple(code) for code in net.regions(1.0).codes.tolist()} == exact
    assert len(exact) > 40


@pytest.mark.parametrize(("n", "d"), [(9, 1), (12, 2), (9, 3), (8, 4), (7, 5)])
def test_generic_hyperplanes(n, d):
    rng = np.random.default_rng(d)
    W, b = rng.normal(size=(n, d)), rng.normal(size=n)
    out = np.ones((1, n))
    assert hw.model.from_arrays([W, out], [b, [0.0]]).regions(1e4).n_regions == zaslavsky(n, d)
    central = hw.model.from_arrays([W, out]).regions(1.0)
    assert central.n_regions == zaslavsky(n, d, central=True)
    # scaled copies, mirrored copies, dead units and constant ones add nothing
    rows = np.vstack([2 * W, np.zeros((2, d)), -W / 3, W])
    offsets = np.r_[2 * b, 0.0, 1.0, -b / 3, b]
    net = hw.model.from_arrays([rows, np.ones((1, len(rows)))], [offsets, [0.0]])
    found = whole_answer(net.regions(1e4))
    assert found.n_regions == zaslavsky(n, d)
    assert set(found.codes[:, n].tolist()) == {0}
    assert set(found.codes[:, n + 1].tolist()) == {1}


@pytest.mark.parametrize("depth", [1, 2, 4, 7])
def test_tent_maps(depth):
    found = whole_answer(tent(depth).regions(1.0))
    assert found.n_regions == 2 ** (depth + 1)
    assert len(found.neighbours) == found.n_regions - 1
    assert found.n_distinct_maps == 2 ** (depth + 1)


def test_known_networks():
    data = load_npz("spline/known.npz")
    for name in sorted({key.split("/")[0] for key in data}):
        found = network(data, f"{name}/").regions(float(data[f"{name}/h"]))
        assert (name, found.n_regions) == (name, int(data[f"{name}/n_regions"]))
        whole_answer(found)


@pytest.mark.parametrize("name", ["2d_3x32", "2d_4x64"])
def test_recorded_networks(name):
    data = load_npz(f"spline/{name}.npz")
    found = whole_answer(network(data).regions(1.0, max_regions=20_000))
    bits = [code.tobytes() for code in np.packbits(found.codes, axis=1)]
    assert set(bits) == {code.tobytes() for code in data["codes"]}
    assert len(found.neighbours) == data["n_adjacent"]
    assert found.n_distinct_maps == data["n_distinct_maps"]
    place = {code: i for i, code in enumerate(bits)}
    order = [place[code.tobytes()] for code in data["codes"]]
    np.testing.assert_array_equal(found.n_facets[order], data["n_vertices"])
    for code, x, A, b in zip(data["pt_code"], data["pt_x"], data["pt_A"], data["pt_d"]):
        own, offset = found.affine(place[code.tobytes()])
        np.testing.assert_allclose(own, A, rtol=0, atol=1e-12 * np.abs(A).max())
        np.testing.assert_allclose(own @ x + offset, A @ x + b, atol=1e-11)


@pytest.mark.parametrize("name", ["2d_3x32", "2d_4x64"])
def test_recorded_facets_without_a_box(name):
    data = load_npz(f"spline/{name}.npz")
    facets = hw.dissect(network(data), data["pt_x"]).facets
    assert [len(one.offsets) for one in facets] == data["pt_n_facets"].tolist()


@pytest.mark.parametrize("seed", range(24))
def test_all_units_as_the_slice_has_them(seed):
    net = mixed(2, seed, seed % 2 == 0, seed % 3 != 0)
    found, cut = whole_answer(net.regions(1.5)), net.slice([0, 0], np.eye(2), 1.5)
    assert keys(found.codes) == keys(cut.codes)
    assert len(found.neighbours) == len(cut.neighbours)
    assert found.n_distinct_maps == cut.n_distinct_maps


@pytest.mark.parametrize("seed", range(3))
def test_three_dimensions_as_the_tree_has_them(seed):
    net = mixed(3, seed, width=3)
    found = whole_answer(net.regions(1.0))
    assert keys(found.codes) == keys(net.to_tree(1.0).codes)


def test_rotated_permuted_and_rescaled():
    rng = np.random.default_rng(0)
    W = [rng.normal(size=(10, 3)), rng.normal(size=(8, 10)), rng.normal(size=(2, 8))]
    b = [rng.normal(size=10), rng.normal(size=8), np.zeros(2)]
    base = hw.model.from_arrays(W, b).regions(1.0)
    whole_answer(base)
    order, scale = rng.permutation(10), 2.0 ** rng.integers(-40, 40, 10)
    V = [W[0][order] * scale[:, None], W[1][:, order] / scale, W[2]]
    changed = hw.model.from_arrays(V, [b[0][order] * scale, *b[1:]]).regions(1.0)
    back = np.r_[np.argsort(order), np.arange(10, 18)]
    assert keys(changed.codes[:, back]) == keys(base.codes)
    assert len(changed.neighbours) == len(base.neighbours)
    # the axes in another order and mirrored: a symmetry of the box
    turn = np.eye(3)[[2, 0, 1]] * [1, -1, 1]
    turned = hw.model.from_arrays([W[0] @ turn, *W[1:]], b).regions(1.0)
    assert keys(turned.codes) == keys(base.codes)
    for size in (1e-9, 1e9):
        sized = hw.model.from_arrays([W[0] / size, *W[1:]], b).regions(size)
        assert keys(sized.codes) == keys(base.codes)
        np.testing.assert_allclose(np.sort(sized.radii) / size, np.sort(base.radii), rtol=1e-6)
    moved = hw.model.from_arrays(W, [b[0] - W[0] @ np.full(3, 1e4), *b[1:]])
    assert keys(moved.regions((1e4 - 1, 1e4 + 1)).codes) == keys(base.codes)


def test_the_start_and_the_batch_do_not_matter(monkeypatch):
    net = mlp([2, 16, 16, 2], 1)
    base = net.regions(1.0)
    for start in ([0.9, -0.9], [1.0, 1.0], np.zeros(2)):
        other = net.regions(1.0, start=start)
        assert keys(other.codes) == keys(base.codes)
        assert len(other.neighbours) == len(base.neighbours)
    monkeypatch.setattr(module, "REGION_BATCH", 3)
    again = net.regions(1.0)
    np.testing.assert_array_equal(again.codes, base.codes)
    np.testing.assert_allclose(again.radii, base.radii, rtol=1e-9)


def test_highs_answers_where_the_dictionary_does_not_close(monkeypatch):
    net = mlp([2, 8, 8, 2], 1)
    base = net.regions(1.0)

    def lame(*args):
        centres, radii, state, first, points = _facets.box_cells(*args)
        radii[::2] = np.nan
        state[1::2][state[1::2] == 1] = UNDETERMINED
        return centres, radii, state, first, points

    monkeypatch.setattr(module, "box_cells", lame)
    again = net.regions(1.0)
    assert keys(again.codes) == keys(base.codes)
    np.testing.assert_array_equal(again.neighbours, base.neighbours)


def test_a_budget_leaves_facets_open():
    net, calls = mlp([2, 16, 16, 2], 1), []
    found = net.regions(1.0, max_regions=20, progress=lambda *a: calls.append(a))
    assert found.partial
    assert found.n_regions == 20
    assert found.n_open > 0
    assert repr(found) == (
        f"Regions(20 regions in 2 dimensions, partial: {found.n_open} facets left open)"
    )
    assert calls[0][1:] == (20, "regions")
    assert keys(found.codes) < keys(net.regions(1.0).codes)


def test_a_network_without_units_and_dead_throughout():
    assert hw.model.from_arrays([np.ones((2, 3))]).regions(1.0).n_regions == 1
    dead = hw.model.from_arrays([np.zeros((4, 2)), np.ones((1, 4))])
    found = whole_answer(dead.regions(([0, 0], [1, 2])))
    assert found.n_regions == 1
    assert found.radii == pytest.approx([0.5])
    assert not found.codes.any()


def test_a_table_of_them():
    found = mlp([2, 4, 1], 0).regions(1.0)
    table = found.to_dict()
    assert {len(column) for column in table.values()} == {found.n_regions}
    np.testing.assert_allclose(table["output0"], found.net(found.centres)[:, 0])
    assert len(found) == len(found.to_frame()) == found.n_regions
    assert sum(table["n_neighbours"]) == 2 * len(found.neighbours)


def test_errors_say_what_was_found():
    net = mlp([2, 4, 1], 0)
    with pytest.raises(hw.DataError, match="box"):
        net.regions(None)
    with pytest.raises(hw.DataError, match="lower below the upper"):
        net.regions((1.0, 0.0))
    with pytest.raises(hw.DataError, match=r"outside the box: 3 in column 1"):
        net.regions(1.0, start=[0.0, 3.0])
    with pytest.raises(hw.DataError, match="max_regions"):
        net.regions(1.0, max_regions=0)
    with pytest.raises(hw.DataError, match="regions 0 to"):
        net.regions(1.0).affine(10_000)
    with pytest.raises(hw.ModelError, match="read"):
        module.enumerate_regions("net", 1.0)
