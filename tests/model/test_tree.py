"""A network and its decision tree are the same function, and the leaves are the regions."""

from __future__ import annotations

import itertools
from functools import cache
from math import comb

import numpy as np
import pytest
from scipy.optimize import linprog

import hullwise as hw
from hullwise.model._piecewise_layers import Largest, pieces
from hullwise.model.affine_layers import Concat, Conv, Linear, Sum, Window
from hullwise.model.builder import Builder
from hullwise.model.trees.to_tree import to_tree
from shared_data import SHARED

KNOWN = [
    *("central16", "central8_8", "corners", "dup8", "generic40", "generic8", "grid5x7"),
    *("tent2", "tent4", "tent8"),
]


@cache
def recorded(name):
    path = SHARED / "spline" / name
    if not path.exists():
        pytest.skip(f"{name} is not there: set HULLWISE_SHARED to the folder that holds it")
    with np.load(path) as data:
        return dict(data)


def weights(data, prefix=""):
    depth = sum(key.startswith(f"{prefix}W") for key in data)
    return [data[f"{prefix}W{k}"] for k in range(depth)], [
        data[f"{prefix}b{k}"] for k in range(depth)
    ]


def dense(*widths, seed=0, bias=0.5, **options):
    rng = np.random.default_rng([seed, *widths])
    W = [rng.normal(size=(o, i)) * np.sqrt(2 / i) for i, o in itertools.pairwise(widths)]
    return hw.model.from_arrays(W, [rng.normal(size=len(w)) * bias for w in W], **options)


def mixed(d, seed=0):
    """Clips, maxima of two and three, absolute values, and a skip."""
    rng = np.random.default_rng([seed, d])
    build = Builder((d,))

    def linear(o, i, at):
        return build.add("", Linear(rng.normal(size=(o, i)), rng.normal(size=o) / 2), at)

    first = build.add("clip", pieces("clip", 5, [-0.5, 0.7], [0, 1, 0]), linear(5, d, 0))
    groups = np.array([[0, 1, 2], [3, 4, -1], [-1, 5, 6]])
    largest = build.add("max", Largest("max", groups, (3,)), linear(7, 5, first))
    joined = build.add("join", Concat(0), largest, 0)
    third = build.add("abs", pieces("abs", 3, [0], [-1, 1]), linear(3, 3 + d, joined))
    build.add("skip", Sum((1.0, -2.0)), linear(3, 3, third), largest)
    return build.network()


def images():
    """A convolution of 3 x 3 images and the largest of its values."""
    rng = np.random.default_rng(5)
    build = Builder((1, 3, 3))
    window = Window((2, 2), (1, 1), ((0, 0), (0, 0)), (1, 1))
    at = build.add("conv", Conv(rng.normal(size=(1, 1, 2, 2)), rng.normal(size=1), window), 0)
    at = build.add("relu", pieces("relu", 4, [0], [0, 1]), at)
    build.add("max", Largest("max", np.arange(4)[None], (1,)), at)
    return build.network()


def same(tree, net, X):
    """The tree's answers and leaves at rows are the network's answers and codes."""
    true = net(X)
    scale = np.abs(true).max(initial=1)
    np.testing.assert_allclose(tree.predict(X), true, rtol=0, atol=1e-13 * scale)
    np.testing.assert_array_equal(tree.codes[tree.apply(X)], net.codes(X))


def well_formed(tree):
    """Every node and every end hangs from one place; leaves have codes of their own."""
    children = np.sort(tree.children.ravel())
    ends = len(tree.leaf_of_end)
    expected = np.r_[np.arange(-ends, 0), np.arange(1, tree.n_nodes)]
    np.testing.assert_array_equal(children, expected if tree.n_nodes else [])
    assert ends == tree.n_nodes + 1
    assert len(np.unique(tree.codes, axis=0)) == tree.n_leaves
    done = tree.leaf_of_end[tree.leaf_of_end >= 0]
    np.testing.assert_array_equal(np.unique(done), np.arange(tree.n_leaves))


# ---- known counts -------------------------------------------------------------------------


@pytest.mark.parametrize("name", KNOWN)
def test_known_networks(name):
    data = recorded("known.npz")
    net = hw.model.from_arrays(*weights(data, f"{name}/"))
    half = float(data[f"{name}/h"])
    tree = to_tree(net, half)
    well_formed(tree)
    assert tree.n_leaves == tree.n_nodes + 1 == data[f"{name}/n_regions"]
    assert tree.shares.sum() == pytest.approx(1, abs=1e-12)
    same(tree, net, np.random.default_rng(0).uniform(-half, half, (2000, 2)))


@pytest.mark.parametrize(
    ("name", "inside", "plane", "depth"),
    [("2d_3x32.npz", 1981, 4515, 15.6), ("2d_4x64.npz", 12395, None, 19.6)],
)
def test_reference_networks(name, inside, plane, depth):
    data = recorded(name)
    net = hw.model.from_arrays(*weights(data))
    tree = to_tree(net, 1.0)
    well_formed(tree)
    assert tree.n_leaves == inside
    assert round(tree.mean_depth, 1) == depth
    assert tree.shares.sum() == pytest.approx(1, abs=1e-9)
    # every recorded region has its leaf: code, area and map
    leaf = tree.apply(data["centroid_z"])
    assert len(np.unique(leaf)) == inside
    bits = np.unpackbits(data["codes"], axis=1)[:, : net.n_units]
    np.testing.assert_array_equal(tree.codes[leaf], bits)
    np.testing.assert_allclose(4 * tree.shares[leaf], data["area"], rtol=1e-6, atol=1e-13)
    X = np.random.default_rng(1).uniform(-1, 1, (20_000, 2))
    same(tree, net, X)
    assert tree.depths(X).mean() == pytest.approx(tree.mean_depth, abs=0.1)
    for i in range(len(data["pt_z"])):
        A, b = tree.leaf_affine(int(tree.apply(data["pt_z"][i])[0]))
        np.testing.assert_allclose(A, data["pt_A"][i], rtol=0, atol=1e-12)
        np.testing.assert_allclose(b, data["pt_d"][i], rtol=0, atol=1e-12)
    if plane:
        whole = to_tree(net)
        assert (whole.n_leaves, whole.n_nodes) == (plane, plane - 1)
        assert np.isnan(whole.mean_depth)
        same(whole, net, X * 1e3)
        assert set(map(bytes, tree.codes)) <= set(map(bytes, whole.codes))


def tent(k):
    """x -> the k-fold tent of x on [0, 1], by pairs of ReLUs."""
    hidden = [np.array([[1.0], [1.0]])] + [np.array([[2.0, -4.0]] * 2)] * (k - 1)
    W = [*hidden, np.array([[2.0, -4.0]])]
    return hw.model.from_arrays(W, [np.array([0.0, -0.5])] * k + [np.zeros(1)])


@pytest.mark.parametrize("k", [1, 2, 3, 5, 8, 10])
def test_tents_on_a_line(k):
    net = tent(k)
    tree = to_tree(net, 1.0)
    assert tree.n_leaves == tree.n_nodes + 1 == 2**k + 1
    widths = np.sort(tree.shares)
    np.testing.assert_allclose(widths, [*[0.5 / 2**k] * 2**k, 0.5], rtol=1e-9)
    knots = np.arange(-(2**k), 2**k + 1)[:, None] / 2**k  # every wall, exactly
    np.testing.assert_array_equal(tree.predict(knots), net(knots))
    slopes = np.array([tree.leaf_affine(i)[0].item() for i in range(tree.n_leaves)])
    assert sorted(set(np.abs(slopes))) == [0, 2**k]


@pytest.mark.parametrize("n", [1, 2, 5, 9])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_generic_walls(n, d):
    """Zaslavsky: n generic walls cut the space into sum_i C(n, i), central ones into fewer."""
    net = dense(d, n, 1, seed=2)
    assert to_tree(net).n_leaves == sum(comb(n, i) for i in range(d + 1))
    central = dense(d, n, 1, seed=2, bias=0.0)
    expected = 2 * sum(comb(n - 1, i) for i in range(d))
    assert to_tree(central).n_leaves == to_tree(central, 3.0).n_leaves == expected


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "abs"])
@pytest.mark.parametrize("d", [2, 3])
def test_leaves_are_all_feasible_codes(d, activation):
    """Of all 2^n codes exactly those whose polytope has room have a leaf."""
    net = dense(d, 4, 3, 1, seed=3, activation=activation)
    tree = to_tree(net, 1.0)
    block = np.vstack([np.zeros(d), np.eye(d)])[None]
    found = set()
    for bits in itertools.product([0, 1], repeat=7):
        rows = []

        def visit(layer, z, code, rows=rows):
            rows.append((z[0] * np.where(code[0], 1, -1)).T)

        net.push(block, np.array([bits], dtype=np.uint8), visit=visit)
        G = np.vstack(rows)
        norms = np.linalg.norm(G[:, 1:], axis=1)
        flat = norms < 1e-12
        if (G[flat, 0] < -1e-12).any():
            continue
        G = G[~flat] / norms[~flat, None]
        ball = linprog(
            [0.0] * d + [-1.0],
            np.hstack([-G[:, 1:], np.ones((len(G), 1))]),
            G[:, 0],
            bounds=[(-1, 1)] * d + [(0, None)],
        )
        if ball.status == 0 and ball.x[-1] > 1e-6:
            found.add(bytes(bits))
    dead = net.codes(np.zeros((1, d)))  # a unit that is zero on a whole cell has the lower code
    assert dead.shape == (1, 7)
    assert found >= set(map(bytes, tree.codes.astype(np.uint8)))
    if activation != "relu":  # nothing is flat
        assert len(found) == tree.n_leaves
    X = np.random.default_rng(0).uniform(-1, 1, (20_000, d))
    assert set(map(bytes, net.codes(X))) <= set(map(bytes, tree.codes))


# ---- the same function --------------------------------------------------------------------

NETS = {
    "line": dense(1, 8, 8, 2),
    "plane": dense(2, 10, 10, 3),
    "space": dense(3, 6, 5, 2),
    "four": dense(4, 5, 3, 1),
    "leaky": dense(2, 8, 8, 1, activation="leaky_relu"),
    "abs": dense(2, 6, 6, 1, activation="abs"),
    "bias-free": dense(2, 8, 8, 1, bias=0.0),
    "mixed line": mixed(1),
    "mixed plane": mixed(2),
    "mixed space": mixed(3),
    "images": images(),
}


@pytest.mark.parametrize("box", [(-1.0, 2.0), None], ids=["box", "whole"])
@pytest.mark.parametrize("name", NETS)
def test_tree_is_the_network(name, box):
    net, rng = NETS[name], np.random.default_rng(7)
    tree = to_tree(net, box, max_regions=150 if name == "mixed space" else 400)
    if name in ("line", "plane", "space", "four", "abs", "mixed line", "mixed plane"):
        assert not tree.partial or (box is None and name == "abs")
    well_formed(tree)
    X = rng.uniform(-1, 2, (4000, net.n_inputs))
    done = tree.apply(X) >= 0
    assert done.any()
    same(tree, net, X[done])
    # rows exactly on walls: of the first layer, and feet on the tests along the way
    for i in range(min(tree.n_nodes, 20)):
        w, beta = tree.normals[i], tree.offsets[i]
        on = X[:50] - ((X[:50] - tree.origin) @ w + beta)[:, None] / (w @ w) * w
        on = on[((on >= -1) & (on <= 2)).all(axis=1)]
        if len(on):
            on = on[tree.apply(on) >= 0]
        if not len(on):
            continue
        np.testing.assert_allclose(tree.predict(on), net(on), rtol=1e-12, atol=1e-12)
    for leaf in np.unique(tree.apply(X[done]))[:20]:
        A, b = tree.leaf_affine(int(leaf))
        rows = X[done][tree.apply(X[done]) == leaf]
        np.testing.assert_allclose(rows @ A.T + b, net(rows), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["plane", "mixed plane", "line", "abs"])
def test_shares_are_frequencies(name):
    net = NETS[name]
    tree = to_tree(net, 1.0)
    X = np.random.default_rng(3).uniform(-1, 1, (100_000, net.n_inputs))
    met = np.bincount(tree.apply(X), minlength=tree.n_leaves) / len(X)
    spread = np.sqrt(tree.shares * (1 - tree.shares) / len(X))
    assert (np.abs(met - tree.shares) < 5 * spread + 1e-4).all()
    assert tree.depths(X).mean() == pytest.approx(tree.mean_depth, abs=0.05)
    assert tree.depth >= tree.depths(X).max() >= tree.mean_depth


@pytest.mark.parametrize("name", ["mixed plane", "plane"])
def test_a_smaller_box_has_a_part_of_the_leaves(name):
    net = NETS[name]
    trees = [to_tree(net, h) for h in (0.3, 1.0, 4.0, None)]
    kinds = [set(map(bytes, t.codes)) for t in trees]
    assert all(a <= b for a, b in itertools.pairwise(kinds))
    assert len(kinds[0]) < len(kinds[2])


@pytest.mark.parametrize("seed", range(6))
def test_tree_and_slice_agree(seed):
    """Two ways to cut the same square: every code, every area."""
    for net in (dense(2, 12, 10, 8, 2, seed=seed), mixed(2, seed)):
        tree, cut = to_tree(net, 1.0), net.slice([0, 0], np.eye(2), 1.0)
        assert tree.n_leaves == cut.n_regions
        place = {bytes(code): i for i, code in enumerate(tree.codes)}
        leaf = np.array([place[bytes(code)] for code in cut.codes])
        np.testing.assert_allclose(4 * tree.shares[leaf], cut.areas, atol=1e-12)


@pytest.mark.parametrize("seed", [33, 40, 47])
def test_units_that_are_zero_on_a_cell(seed):
    """Behind a dead layer without biases all is zero: the lower code, as the network has it."""
    net = dense(2, 8, 8, 8, 1, seed=seed, bias=0.0)
    tree = to_tree(net, 1.0)
    same(tree, net, np.random.default_rng(seed).uniform(-1, 1, (5000, 2)))
    behind = tree.codes[~tree.codes[:, 8:16].any(axis=1)]
    assert len(behind)
    assert not behind[:, 16:].any()


def test_the_box_may_stand_anywhere():
    """Moved and scaled with the first layer, the tree stays: far away nothing is lost."""
    rng = np.random.default_rng(11)
    W = [rng.normal(size=(10, 2)), rng.normal(size=(8, 10)), rng.normal(size=(1, 8))]
    b = [rng.normal(size=10) / 2, rng.normal(size=8) / 2, np.zeros(1)]
    near = to_tree(hw.model.from_arrays(W, b), 1.0)
    shift, scale = np.array([2.0**20, -(2.0**18)]), np.array([2.0**-6, 2.0**9])
    W0 = W[0] / scale
    moved = hw.model.from_arrays([W0, *W[1:]], [b[0] - W0 @ shift, *b[1:]])
    far = to_tree(moved, (shift - scale, shift + scale))
    np.testing.assert_array_equal(near.codes, far.codes)
    np.testing.assert_array_equal(near.children, far.children)
    np.testing.assert_allclose(near.shares, far.shares, atol=1e-9)
    X = rng.uniform(-1, 1, (1000, 2))
    # the rows themselves are rounded to 2e-10 of their distance from 0
    np.testing.assert_allclose(far.predict(X * scale + shift), near.predict(X), atol=1e-6)


# ---- not generic --------------------------------------------------------------------------


def test_duplicates_and_dead_units_ask_nothing():
    rng = np.random.default_rng(4)
    W, b = rng.normal(size=(4, 2)), rng.normal(size=4) / 4
    plain = to_tree(hw.model.from_arrays([W, np.ones((1, 4))], [b, [0.0]]), 1.0)
    more = np.vstack([W, 3.7 * W, -0.2 * W, np.zeros((3, 2)), W[:1]])
    biases = np.r_[b, 3.7 * b, -0.2 * b, 0.0, 1.0, -1.0, 100.0]
    net = hw.model.from_arrays([more, np.ones((1, 16))], [biases, [0.0]])
    tree = to_tree(net, 1.0)
    assert (tree.n_leaves, tree.n_nodes) == (plain.n_leaves, plain.n_nodes)
    np.testing.assert_array_equal(tree.codes[:, 4:8], tree.codes[:, :4])
    np.testing.assert_array_equal(tree.codes[:, 8:12], 1 - tree.codes[:, :4])
    np.testing.assert_array_equal(np.unique(tree.codes[:, 12:], axis=0), [[0, 1, 0, 1]])
    same(tree, net, rng.uniform(-1, 1, (1000, 2)))


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("box", [1.0, None])
def test_cancelling_duplicates_are_zero(d, box):
    """A unit on the difference of two equal units is zero, whatever rounding makes of it."""
    rng = np.random.default_rng(d)
    W = rng.normal(size=(3, d))
    first = np.vstack([W, W / 3, W * 7])
    second = rng.normal(size=(4, 3))
    W1 = np.hstack([second, -1.5 * second, -second / 14])
    net = hw.model.from_arrays([first, W1, np.ones((1, 4))], [np.zeros(9), np.zeros(4), [0.0]])
    tree = to_tree(net, box)
    assert tree.n_leaves == 2 * sum(comb(2, i) for i in range(d))
    assert not tree.codes[:, 9:].any()


@pytest.mark.parametrize("d", [1, 2, 3])
def test_constant_and_affine_networks(d):
    constant = hw.model.from_arrays([np.zeros((2, d)), np.ones((1, 2))], [[1.0, -1.0], [0.0]])
    affine = hw.model.from_arrays([np.arange(2 * d, dtype=float).reshape(2, d)], [[1.0, 2.0]])
    for net, box in itertools.product((constant, affine), (2.0, None)):
        tree = to_tree(net, box)
        assert (tree.n_leaves, tree.n_nodes, tree.depth) == (1, 0, 0)
        X = np.random.default_rng(0).uniform(-1, 1, (5, d))
        np.testing.assert_allclose(tree.predict(X), net(X))
        assert tree.to_text().startswith("leaf 0: y0 = ")
    np.testing.assert_array_equal(to_tree(constant).codes, [[1, 0]])


def test_no_test_is_always_answered_alike():
    """Both sides of every node are met, in the box, by rows of the box."""
    tree = to_tree(NETS["plane"], 1.0)
    X = np.random.default_rng(2).uniform(-1, 1, (200_000, 2))
    met = np.zeros((tree.n_nodes, 2), dtype=bool)
    at = np.zeros(len(X), dtype=int)
    while (at >= 0).any():
        here = np.flatnonzero(at >= 0)
        node = at[here]
        z = np.einsum("md,md->m", X[here] - tree.origin, tree.normals[node]) + tree.offsets[node]
        met[node, (z > 0).astype(int)] = True
        at[here] = tree.children[node, (z > 0).astype(int)]
    assert met.mean() > 0.98  # the rest are too small for this many rows
    np.testing.assert_array_equal(tree.leaf_of_end[-1 - at], tree.apply(X))


# ---- budget, rows outside, words ----------------------------------------------------------


@pytest.mark.parametrize("max_regions", [1, 2, 7, 50, 220])
@pytest.mark.parametrize("name", ["plane", "mixed plane", "space", "line"])
def test_budget(name, max_regions):
    net = NETS[name]
    whole = to_tree(net, 1.0)
    part = to_tree(net, 1.0, max_regions=max_regions)
    well_formed(part)
    ends = len(whole.leaf_of_end)
    assert part.partial == (max_regions < ends)
    assert len(part.leaf_of_end) == min(max_regions, ends)
    assert set(map(bytes, part.codes)) <= set(map(bytes, whole.codes))
    X = np.random.default_rng(0).uniform(-1, 1, (500, net.n_inputs))
    leaf = part.apply(X)
    if (leaf < 0).any():
        with pytest.warns(hw.DataWarning, match=f"{np.count_nonzero(leaf < 0)} of 500 rows"):
            found = part.predict(X)
    else:
        found = part.predict(X)
    np.testing.assert_allclose(found, net(X), rtol=1e-12, atol=1e-12)
    if part.partial:
        assert "partial" in repr(part)
        assert "unfinished" in part.to_text(max_depth=100)


def test_rows_outside_the_box():
    net = NETS["plane"]
    tree = to_tree(net, ([-1.0, 0.0], [1.0, 2.0]))
    X = np.array([[0.0, 1.0], [-1.0, 0.0], [1.0, 2.0], [0.5, -0.5]])
    with pytest.raises(hw.DataError, match=r"1 of 4 rows.*row 3 has -0\.5 in column 1"):
        tree.predict(X)
    with pytest.raises(hw.DataError, match="row 3"):
        tree.apply(X)
    with pytest.raises(hw.DataError, match="row 3"):
        tree.depths(X)
    with pytest.raises(hw.DataError, match="outside='maybe'"):
        tree.predict(X, outside="maybe")
    np.testing.assert_allclose(tree.predict(X, outside="network"), net(X), rtol=1e-13)
    leaf = tree.apply(X, outside="network")
    assert leaf[3] == -1
    assert (leaf[:3] >= 0).all()


@pytest.mark.parametrize(
    "box",
    [-1.0, 0.0, np.nan, np.inf, (1, 0), (0, np.inf), (0, 1, 2), ([0, 0, 0], [1, 1, 1]), "box"],
)
def test_boxes_that_are_none(box):
    with pytest.raises(hw.DataError, match="box="):
        to_tree(NETS["plane"], box)


def test_other_arguments():
    with pytest.raises(hw.DataError, match="max_regions=0"):
        to_tree(NETS["plane"], 1.0, max_regions=0)
    with pytest.raises(hw.ModelError, match="takes a Network, not list"):
        to_tree([1, 2])
    tree = NETS["plane"].to_tree(1.0)
    with pytest.raises(hw.DataError, match="leaf -1"):
        tree.leaf_affine(-1)
    with pytest.raises(hw.DataError, match="columns"):
        tree.predict([[1.0, 2.0, 3.0]])
    said = []
    to_tree(NETS["plane"], 1.0, progress=lambda *a: said.append(a))
    assert said[-1] == (tree.n_leaves, 100_000, "leaves")


def test_text():
    net = dense(12, 2, 3)
    text = to_tree(net, max_regions=10).to_text()
    assert "relu0[0]: " in text
    assert "(4 smaller terms)" in text
    assert ", ..." in text
    lines = to_tree(NETS["plane"], 1.0).to_text(max_depth=2).splitlines()
    assert len(lines) <= 7
    assert any(line.endswith("...") for line in lines)
