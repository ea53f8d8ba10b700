"""Neural Decision Trees: routes are probabilities, sharing is counted, they learn and behave."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

import hullwise as hw
from hullwise.model import NeuralDecisionTree, NeuralDecisionTreeClassifier
from hullwise.model.trees._ndt import checked_shape, leaf_of, paths, soft, turns

torch = pytest.importorskip("torch")

SHARINGS = ["none", "hash"]
sharings = pytest.mark.parametrize("sharing", SHARINGS)


def checkerboard(n=1600, seed=0):
    """Squares of side 1 in turned axes, two classes."""
    rng = np.random.default_rng(seed)
    P = rng.uniform(-2, 2, (n, 2))
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    return P @ np.array([[c, s], [-s, c]]), np.floor(P).sum(axis=1) % 2


def blobs(n=60, d=3, k=3, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    return rng.normal(size=(n, d)) + 6 * rng.normal(size=(k, d))[y], y


# ---- routes -------------------------------------------------------------------------------


@sharings
@pytest.mark.parametrize("depth", [1, 2, 5])
def test_paths_are_those_of_a_tree(depth, sharing):
    way = paths(depth, sharing)
    shape = checked_shape(2, 3, depth, (), sharing)
    assert way.shape == (2**depth, depth if sharing == "hash" else 2**depth - 1)
    assert (np.abs(way).sum(axis=1) == depth).all()
    assert len(np.unique(way, axis=0)) == 2**depth
    assert (way.sum(axis=0) == 0).all()  # every split has as many leaves on either side
    # a row whose splits are those of a leaf goes to that leaf, whatever the others are
    rng = np.random.default_rng(depth)
    s = np.where(way != 0, way, rng.choice([-1, 1], way.shape)) * rng.uniform(0.1, 2, way.shape)
    np.testing.assert_array_equal(leaf_of(turns(shape, s)), np.arange(2**depth))
    # probabilities: of all leaves 1; at certain splits all on the hard leaf
    s = rng.normal(size=(50, way.shape[1]))
    np.testing.assert_allclose(np.exp(soft(shape, s)).sum(axis=1), 1, rtol=1e-12)
    sharp = np.exp(soft(shape, np.sign(s) * 1e3))
    np.testing.assert_allclose(sharp, np.eye(2**depth)[leaf_of(turns(shape, s))], atol=1e-12)
    assert np.isfinite(soft(shape, s * 1e300)).all()


@sharings
@pytest.mark.parametrize("hidden", [(), (5,), (4, 3)])
def test_module_is_a_mixture_of_leaves(hidden, sharing):
    """Against a walk down the tree, node by node."""
    depth = 3
    torch.manual_seed(0)
    module = NeuralDecisionTree(4, 3, depth, hidden, sharing=sharing).double()
    x = torch.randn(20, 4, dtype=torch.float64)

    def split(level, before):
        many = 0 if sharing == "hash" else 2**level - 1 + before
        h = x
        for layer, (W, b) in enumerate(zip(module.weights, module.biases, strict=True)):
            h = (h if layer == 0 else h.relu()) @ W[many].T + b[many]
        return torch.sigmoid(h[:, level if sharing == "hash" else 0])

    expected = torch.zeros(20, 3, dtype=torch.float64)
    leaf = torch.zeros(20, dtype=torch.long)
    for i in range(2**depth):
        p, before, here = torch.ones(20), 0, torch.ones(20, dtype=torch.bool)
        for level in range(depth):
            turn = i >> (depth - level - 1) & 1
            right = split(level, before)
            p = p * (right if turn else 1 - right)
            here &= (right > 0.5) == bool(turn)
            before = 2 * before + turn
        expected += p[:, None] * torch.softmax(module.leaves[i], 0)
        leaf[here] = i
    np.testing.assert_allclose(module(x).exp().detach(), expected.detach(), rtol=1e-10)
    hard = torch.log_softmax(module.leaves, 1)[leaf]
    np.testing.assert_allclose(module(x, routing="hard").detach(), hard.detach(), rtol=1e-10)
    routes = module.routes(x).exp()
    np.testing.assert_allclose(routes.sum(1).detach(), 1, rtol=1e-12)
    mean = routes.mean(0)
    information = (routes * (routes / mean).log()).sum(1).mean()
    assert module.information(x).item() == pytest.approx(information.item(), rel=1e-9)
    assert torch.autograd.gradcheck(lambda t: module(t), x[:3].clone().requires_grad_())
    assert sum(p.numel() for p in module.parameters()) == (
        checked_shape(4, 3, depth, hidden, sharing).n_split_parameters + 8 * 3
    )
    assert f"8 leaves, {3 if sharing == 'hash' else 7} splits, {sharing}" in repr(module)


def test_module_after_other_layers():
    """It trains behind a convolution, saves, and loads."""
    torch.manual_seed(1)
    images = torch.randn(64, 1, 6, 6)
    labels = (images[:, 0, :3].sum((1, 2)) > images[:, 0, 3:].sum((1, 2))).long()
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3),
        torch.nn.Flatten(),
        NeuralDecisionTree(64, 2, 2, (8,), sharing="hash"),
    )
    optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
    first = None
    for _ in range(40):
        loss = torch.nn.functional.nll_loss(net(images), labels)
        first = first or loss.item()
        optimiser.zero_grad()
        loss.backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
        optimiser.step()
    assert loss.item() < 0.6 * first
    held = io.BytesIO()
    torch.save(net.state_dict(), held)
    held.seek(0)
    twin = NeuralDecisionTree(64, 2, 2, (8,), sharing="hash")
    again = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.Flatten(), twin)
    again.load_state_dict(torch.load(held, weights_only=True))
    assert torch.equal(again(images), net(images))
    assert isinstance(pickle.loads(pickle.dumps(twin)), type(twin))


def test_information_finds_two_blobs_without_labels():
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    X = torch.tensor(rng.normal(size=(200, 2)) * 0.3 + np.where(y, 1, -1)[:, None])
    torch.manual_seed(0)
    module = NeuralDecisionTree(2, 2, 1).double()
    optimiser = torch.optim.Adam(module.parameters(), lr=0.05)
    for _ in range(100):
        loss = -module.information(X)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    leaf = module.routes(X).argmax(1).numpy()
    assert max((leaf == y).mean(), (leaf != y).mean()) == 1
    assert module.information(X).item() == pytest.approx(np.log(2), abs=0.05)


# ---- the classifier -----------------------------------------------------------------------


@parametrize_with_checks(
    [
        NeuralDecisionTreeClassifier(depth=3, epochs=30, random_state=0),
        NeuralDecisionTreeClassifier(
            depth=3, hidden=(8,), sharing="hash", routing="hard", epochs=20, random_state=0
        ),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@sharings
@pytest.mark.parametrize("hidden", [(), (6,)])
def test_numpy_and_torch_agree(hidden, sharing):
    X, y = blobs()
    tree = NeuralDecisionTreeClassifier(
        depth=3, hidden=hidden, sharing=sharing, epochs=5, random_state=0
    ).fit(X, y)
    offset, scale = tree.scaling()
    module = tree.to_torch()
    rows = torch.from_numpy((X - offset) / scale)
    with torch.no_grad():
        np.testing.assert_allclose(tree.predict_proba(X), module(rows).exp(), rtol=1e-10)
        tree.routing = "hard"
        np.testing.assert_allclose(tree.predict_proba(X), module(rows, "hard").exp(), rtol=1e-10)
        np.testing.assert_array_equal(tree.apply(X), _hard(module, rows))
    code = tree.regions(X)
    assert code.shape == (len(X), 3)
    assert code.dtype == np.uint8
    np.testing.assert_array_equal(code @ [4, 2, 1], tree.apply(X))
    # rows of one region have one answer
    for leaf in np.unique(tree.apply(X)):
        assert len(np.unique(tree.predict_proba(X[tree.apply(X) == leaf]), axis=0)) == 1
    np.testing.assert_allclose(tree.predict_proba(X).sum(axis=1), 1, rtol=1e-12)
    assert len(tree.loss_curve_) == 5


def _hard(module, rows):
    s = module.splits(rows)
    return ((s > 0).double() @ module.positive + (s <= 0).double() @ module.negative).argmax(1)


def test_same_seed_same_tree_and_no_trace():
    X, y = blobs()
    torch.manual_seed(5)
    expected = torch.randn(3)
    torch.manual_seed(5)
    make = NeuralDecisionTreeClassifier(depth=2, epochs=5, random_state=1)
    P = clone(make).fit(X, y).predict_proba(X)
    assert torch.equal(torch.randn(3), expected)  # torch's own draws go on undisturbed
    np.testing.assert_array_equal(clone(make).fit(X, y).predict_proba(X), P)
    assert not np.array_equal(make.set_params(random_state=2).fit(X, y).predict_proba(X), P)
    again = pickle.loads(pickle.dumps(make))
    np.testing.assert_array_equal(again.predict_proba(X), make.predict_proba(X))


@pytest.mark.parametrize("factor", [1e-200, 2.0**-40, 2.0**60, 1e200])
def test_units_do_not_matter(factor):
    X, y = blobs()
    make = NeuralDecisionTreeClassifier(depth=2, random_state=0)
    plain = np.c_[X, np.zeros(len(X))]
    scaled = np.c_[X * [1, factor, 1], np.full(len(X), factor)]  # a constant column too
    expected = clone(make).fit(plain, y)
    assert expected.score(plain, y) > 0.95
    found = clone(make).fit(scaled, y).predict_proba(scaled)
    np.testing.assert_allclose(found, expected.predict_proba(plain), atol=1e-8)


def test_in_pipelines_and_searches():
    X, y = blobs()
    names = np.array(["elm", "oak", "ash"])[y]
    pipe = make_pipeline(StandardScaler(), NeuralDecisionTreeClassifier(random_state=0))
    search = GridSearchCV(
        pipe, {"neuraldecisiontreeclassifier__depth": [1, 2]}, cv=2, error_score="raise"
    )
    search.fit(X, names)
    assert list(search.classes_) == ["ash", "elm", "oak"]
    assert search.score(X, names) > 0.95


# ---- what is shared -----------------------------------------------------------------------


def test_sharing_is_counted():
    X, y = checkerboard(400)
    fitted = {
        sharing: NeuralDecisionTreeClassifier(
            depth=4, sharing=sharing, epochs=10, random_state=0
        ).fit(X, y)
        for sharing in SHARINGS
    }
    own, shared = fitted["none"].sharing_, fitted["hash"].sharing_
    assert (own.n_nodes, own.n_splits, own.n_split_parameters) == (15, 15, 15 * 3)
    assert (shared.n_nodes, shared.n_splits, shared.n_split_parameters) == (15, 4, 4 * 3)
    assert own.n_leaf_parameters == shared.n_leaf_parameters == 16 * 2
    np.testing.assert_array_equal(own.nodes_per_split, np.ones(15))
    np.testing.assert_array_equal(shared.nodes_per_split, [1, 2, 4, 8])
    np.testing.assert_array_equal(shared.leaves_per_split, [shared.n_leaves_used] * 4)
    np.testing.assert_allclose(shared.reach, 1)
    for tree, found in ((fitted["none"], own), (fitted["hash"], shared)):
        assert found.nodes_per_split.sum() == 15
        assert found.reach.sum() == pytest.approx(4)
        assert found.n_leaves_used == len(np.unique(tree.apply(X))) <= found.n_leaves == 16
        assert found.leaves_per_split.sum() == 4 * found.n_leaves_used
    assert own.reach[0] == 1
    # a node is asked of what its parent sends on
    code = fitted["none"].regions(X)
    assert own.reach[1] == pytest.approx((code[:, 0] == 0).mean())
    assert own.reach[2] == pytest.approx((code[:, 0] == 1).mean())
    assert own.reach[6] == pytest.approx((code[:, :2] == 1).all(axis=1).mean())
    assert repr(shared).startswith("Sharing(4 splits for 15 nodes, ")


def test_hash_leaves_are_cells_of_an_arrangement():
    """Four lines cut the plane into at most 11 of the 16 codes."""
    X, y = checkerboard(1000)
    tree = NeuralDecisionTreeClassifier(depth=4, sharing="hash", epochs=5, random_state=0)
    assert tree.fit(X, y).sharing_.n_leaves_used <= 11


# ---- how well -----------------------------------------------------------------------------


def test_digits():
    X, y = load_digits(return_X_y=True)
    A, Q, a, b = train_test_split(X, y, test_size=0.25, random_state=0)
    plain = DecisionTreeClassifier(random_state=0).fit(A, a).score(Q, b)
    for options in ({}, {"sharing": "hash", "hidden": (32,), "depth": 6}):
        tree = NeuralDecisionTreeClassifier(epochs=40, random_state=0, **options).fit(A, a)
        assert tree.score(Q, b) > max(plain + 0.05, 0.92)
        assert tree.set_params(routing="hard").score(Q, b) > max(plain + 0.05, 0.92)


def test_turned_checkerboard():
    """Eight squares a class: regions of a class are not connected, and no axis runs along them."""
    (A, a), (Q, b) = checkerboard(1600, 0), checkerboard(800, 1)
    plain = DecisionTreeClassifier(max_depth=6, random_state=0).fit(A, a).score(Q, b)
    oblique = NeuralDecisionTreeClassifier(depth=6, epochs=60, random_state=0).fit(A, a)
    assert oblique.score(Q, b) > plain + 0.05
    nonlinear = NeuralDecisionTreeClassifier(
        depth=6, hidden=(32,), sharing="hash", epochs=60, random_state=0
    ).fit(A, a)
    assert nonlinear.score(Q, b) > plain + 0.15


# ---- errors -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 0}, "depth=0"),
        ({"depth": 17}, "depth=17: expected at most 16"),
        ({"depth": 2.5}, "depth=2.5"),
        ({"hidden": 8}, r"hidden=8: .*\(16,\)"),
        ({"hidden": "8"}, "hidden='8'"),
        ({"hidden": (0,)}, r"hidden\[0\]=0"),
        ({"sharing": "all"}, "sharing='all': expected 'none' or 'hash'"),
        ({"routing": None}, "routing=None: expected 'soft' or 'hard'"),
        ({"epochs": 0}, "epochs=0"),
        ({"learning_rate": 0}, "learning_rate=0"),
        ({"learning_rate": np.nan}, "learning_rate=nan"),
    ],
)
def test_bad_parameters(options, message):
    X, y = blobs()
    tree = NeuralDecisionTreeClassifier(**options)
    with pytest.raises(hw.DataError, match=message):
        tree.fit(X, y)
    assert not hasattr(tree, "classes_")
    shape = {k: v for k, v in options.items() if k in ("depth", "hidden", "sharing")}
    if shape:
        with pytest.raises(hw.DataError, match=message):
            NeuralDecisionTree(3, 2, **shape)


def test_training_that_ends_in_nan():
    X, y = blobs()
    tree = NeuralDecisionTreeClassifier(learning_rate=1e300, hidden=(4,), random_state=0)
    with pytest.raises(hw.ModelError, match=r"in epoch 1 .*smaller"):
        tree.fit(X, y)


def test_not_fitted():
    tree = NeuralDecisionTreeClassifier()
    for ask in (tree.to_torch, tree.scaling):
        with pytest.raises(NotFittedError):
            ask()
    for name in ("predict", "predict_proba", "regions", "apply"):
        with pytest.raises(NotFittedError):
            getattr(tree, name)([[0.0]])


def test_without_torch(monkeypatch):
    X, y = blobs()
    fitted = NeuralDecisionTreeClassifier(depth=2, epochs=2, random_state=0).fit(X, y)
    P = fitted.predict_proba(X)
    monkeypatch.setitem(sys.modules, "torch", None)
    for ask in (
        lambda: NeuralDecisionTree(2, 2),
        lambda: NeuralDecisionTreeClassifier().fit(X, y),
        fitted.to_torch,
    ):
        with pytest.raises(hw.ModelError, match="pip install torch"):
            ask()
    again = pickle.loads(pickle.dumps(fitted))  # what is fitted goes on answering
    np.testing.assert_array_equal(again.predict_proba(X), P)


def test_torch_is_not_imported_for_the_name():
    said = "import sys, hullwise as hw; hw.model.NeuralDecisionTreeClassifier(); "
    said += "hw.model.NeuralDecisionTree; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", said], check=True)
