"""The bound holds, for every kind of weights and every function whose constants are known."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import coo_array, csc_array, csr_array, csr_matrix, lil_array
from scipy.spatial import Delaunay
from sklearn.ensemble import RandomForestRegressor
from sklearn.neighbors import KNeighborsRegressor

import hullwise as hw
from hullwise.predict import _row_weights
from known_functions import functions


def check(W, X, Q, slack=1e-13, signed=False):
    """The bound is met by every function, and by the sphere with equality where nothing shifts."""
    W = csr_array(W)
    for name, f, L, gamma in functions(X.shape[1]):
        bound = hw.error_bound(W, X, Q, smoothness=gamma, lipschitz=L, metric=None)
        error = np.abs(W @ f(X) - f(Q))
        size = abs(W) @ np.abs(f(X)) + np.abs(f(Q)) + 1
        assert (error <= bound.total + slack * size).all(), name
        assert (bound.total >= bound.shift).all()
        assert (bound.total >= bound.spread).all()
        known = ~np.isnan(bound.theorem1)
        if not signed:
            assert (error <= bound.theorem1 + slack * size)[known].all(), name
    W = W.toarray()
    V = X[None] - Q[:, None]
    one = hw.error_bound(W, X, Q, smoothness=2.0, lipschitz=1.0, metric=None)
    np.testing.assert_allclose(one.spread, (np.abs(W) * (V**2).sum(axis=2)).sum(axis=1), rtol=1e-12)
    reach = np.linalg.norm(W @ X - Q, axis=1)
    np.testing.assert_allclose(one.shift, reach, rtol=1e-10, atol=1e-12)
    return one


def delaunay_weights(X, Q):
    mesh = Delaunay(X)
    at = mesh.find_simplex(Q)
    Q, at = Q[at >= 0], at[at >= 0]
    T = mesh.transform[at]
    inner = np.einsum("bij,bj->bi", T[:, :-1], Q - T[:, -1])
    w = np.c_[inner, 1 - inner.sum(axis=1)]
    rows = np.repeat(np.arange(len(Q)), w.shape[1])
    return coo_array((w.ravel(), (rows, mesh.simplices[at].ravel())), (len(Q), len(X))), Q


def forest_weights(forest, X, Q):
    leaf, at = forest.apply(X), forest.apply(Q)
    W = np.zeros((len(Q), len(X)))
    for tree in range(leaf.shape[1]):
        same = at[:, tree, None] == leaf[None, :, tree]
        W += same / same.sum(axis=1, keepdims=True)
    return csr_array(W / leaf.shape[1])


REGRESSORS = [
    "DelaunayRegressor",
    "VoronoiRegressor",
    "BoxSplineRegressor",
    "MaxBoxRegressor",
    "ShepardRegressor",
    "LinearShepardRegressor",
    "InverseDistanceRegressor",
    "NearestRegressor",
]


@pytest.mark.parametrize("d", [1, 2, 4])
def test_random_convex_weights(d):
    rng = np.random.default_rng(d)
    X, Q = rng.uniform(-1, 2, (60, d)), rng.uniform(-2, 3, (40, d))
    W = np.zeros((40, 60))
    for b in range(40):
        rows = rng.choice(60, rng.integers(1, 20), replace=False)
        W[b, rows] = rng.dirichlet(np.ones(len(rows)))
    check(W, X, Q)


@pytest.mark.parametrize("d", [1, 3])
def test_signed_weights(d):
    rng = np.random.default_rng(d)
    X, Q = rng.uniform(-1, 2, (30, d)), rng.uniform(-2, 3, (50, d))
    W = rng.normal(size=(50, 30))
    W += (1 - W.sum(axis=1, keepdims=True)) / 30
    check(W, X, Q, signed=True)


@pytest.mark.parametrize("d", [2, 3, 5])
def test_delaunay_attains_it_for_the_sphere_and_theorem_1_is_never_below(d):
    rng = np.random.default_rng(d)
    X = rng.uniform(-1, 2, (80, d))
    W, Q = delaunay_weights(X, rng.dirichlet(np.ones(80), 300) @ X)
    assert len(Q) > 250
    one = check(W, X, Q)
    assert (one.shift < 1e-12).all()
    f = 1.5 * (X**2).sum(axis=1)
    bound = hw.error_bound(W, X, Q, smoothness=3.0, metric=None)
    error = W @ f - 1.5 * (Q**2).sum(axis=1)
    np.testing.assert_allclose(error, bound.spread, rtol=1e-11, atol=1e-13)
    assert (bound.theorem1 >= bound.spread).all()
    assert not np.isnan(bound.theorem1).any()


def test_nearest_rows_of_scikit_learn():
    rng = np.random.default_rng(0)
    X, Q = rng.uniform(-1, 2, (200, 3)), rng.uniform(-2, 3, (100, 3))
    model = KNeighborsRegressor(7).fit(X, np.zeros(200))
    check(model.kneighbors_graph(Q, mode="connectivity") / 7, X, Q)


def test_leaves_of_a_forest():
    rng = np.random.default_rng(0)
    X, Q = rng.uniform(-1, 2, (200, 2)), rng.uniform(-2, 3, (100, 2))
    y = np.sin(X).sum(axis=1)
    forest = RandomForestRegressor(10, bootstrap=False, max_features=1, random_state=0)
    forest.set_params(min_samples_leaf=3).fit(X, y)
    W = forest_weights(forest, X, Q)
    np.testing.assert_allclose(W @ y, forest.predict(Q), rtol=1e-12)
    check(W, X, Q)
    error = np.abs(W @ y - np.sin(Q).sum(axis=1))
    assert (
        error <= hw.error_bound(W, X, Q, smoothness=1.0, lipschitz=np.sqrt(2), metric=None).total
    ).all()


@pytest.mark.parametrize("name", REGRESSORS)
def test_every_regressor(name):
    rng = np.random.default_rng(0)
    X, Q = rng.uniform(-1, 2, (80, 3)), rng.uniform(-2, 3, (60, 3))
    model = getattr(hw, name)().fit(X, np.zeros(80))
    check(model.weights(Q), X, Q, slack=1e-11, signed=name.startswith("Linear"))
    mine, its = (
        hw.error_bound(model.weights(Q), X, Q, smoothness=2.0),
        model.bound(Q, smoothness=2.0),
    )
    np.testing.assert_allclose(mine.total, its.total, rtol=1e-12)


# ---------------------------------------------------------------- exact numbers


def exact_terms(W, X, Q):
    """Squared reach and moment, in rationals, of weights divided by their sum."""
    out = []
    for w, q in zip(W, Q):
        w = [Fraction(float(v)) for v in w]
        total = sum(w)
        gaps = [[Fraction(float(a)) - Fraction(float(b)) for a, b in zip(x, q)] for x in X]
        mean = [sum(v * g[j] for v, g in zip(w, gaps)) / total for j in range(len(q))]
        moment = sum(abs(v / total) * sum(g * g for g in gap) for v, gap in zip(w, gaps))
        out.append((sum(g * g for g in mean), moment))
    return out


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("scale", [1.0, 2.0**-400, 2.0**400, 1e-9])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_rounded_upward_and_hardly(signed, scale, offset):
    rng = np.random.default_rng(7)
    for d in (1, 2, 5):
        X = (rng.integers(-9, 10, (6, d)) + offset) * scale
        Q = (rng.integers(-9, 10, (20, d)) + offset) * scale
        Q[0] = X[0]
        W = rng.normal(size=(20, 6)) if signed else rng.random((20, 6))
        W *= rng.random((20, 6)) < 0.7
        W[:, 0] += 1 - W.sum(axis=1)
        W[0] = 0
        W[0, 0] = 1
        found = hw.error_bound(W, X, Q, smoothness=2.0, lipschitz=1.0, metric=None)
        for b, (reach, moment) in enumerate(exact_terms(W, X, Q)):
            up, far = Fraction(float(found.moment[b])), Fraction(float(found.reach[b]))
            assert up >= moment
            assert far * far >= reach
            if 1e-290 < float(moment) < 1e290:
                assert up <= moment * (1 + Fraction(1, 10**12))
                assert far <= Fraction(float(reach) ** 0.5) * (1 + Fraction(1, 10**12)) + (
                    Fraction(float(moment) ** 0.5) / 10**13 * (1 + sum(abs(W[b])) ** 2)
                )
        assert found.moment[0] == found.reach[0] == found.total[0] == 0


def test_integers_by_hand():
    found = hw.error_bound(
        [[0.25, 0.75]], [[0], [4]], [[2]], smoothness=3.0, lipschitz=5.0, metric=None
    )
    np.testing.assert_allclose(found.reach, [1.0], rtol=1e-14)
    np.testing.assert_allclose(found.moment, [4.0], rtol=1e-14)
    np.testing.assert_allclose(found.total, [5.0 + 6.0], rtol=1e-14)
    # x0 = 4 is nearest to p = 3: 1/2 * 3 * 1 + 3 * 16 / (2 * 4) * 1
    np.testing.assert_allclose(found.theorem1, [1.5 + 6.0 + 5.0], rtol=1e-13)


def test_theorem_1_by_its_formula():
    rng = np.random.default_rng(1)
    for d, s in ((2, 3), (3, 4), (5, 3), (4, 2)):
        X, w = rng.normal(size=(s, d)), rng.dirichlet(np.ones(s))
        q = rng.normal(size=d)
        found = hw.error_bound(w[None], X, q[None], smoothness=1.7, lipschitz=0.3, metric=None)
        p = w @ X
        x0 = np.linalg.norm(X - p, axis=1).argmin()
        E = np.delete(X, x0, axis=0) - X[x0]
        sigma, k = np.linalg.svd(E)[1][-1], np.linalg.norm(E, axis=1).max()
        away = np.linalg.norm(p - X[x0])
        paper = 1.7 * away**2 / 2 + np.sqrt(s - 1) * 1.7 * k**2 / (2 * sigma) * away
        np.testing.assert_allclose(found.theorem1, paper + 0.3 * np.linalg.norm(p - q), rtol=1e-10)


def test_theorem_1_needs_a_simplex():
    X = [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    W = [
        [1, 0, 0, 0, 0],  # a point is one
        [0.5, 0, 0.5, 0, 0],
        [0.25, 0.5, 0.25, 0, 0],  # on a line
        [0.25, 0.25, 0.25, 0.25, 0],  # too many
        [0.5, 0, 0, 0, 0.5],  # the same place twice
    ]
    Q = [[0.0, 3.0]] * 5
    found = hw.error_bound(W, X, Q, smoothness=1.0, lipschitz=2.0, metric=None)
    np.testing.assert_array_equal(np.isnan(found.theorem1), [False, False, True, True, True])
    np.testing.assert_allclose(found.theorem1[0], 6.0, rtol=1e-12)


# ---------------------------------------------------------------- forms of input


FORMS = [
    np.asarray,
    csr_array,
    csr_matrix,
    csc_array,
    coo_array,
    lil_array,
    lambda W: W.tolist(),
    pd.DataFrame,
    np.asfortranarray,
]


@pytest.mark.parametrize("form", FORMS)
def test_any_form_of_weights(form):
    rng = np.random.default_rng(0)
    X, Q, W = rng.random((9, 2)), rng.random((5, 2)), rng.dirichlet(np.ones(9), 5)
    W *= rng.random(W.shape) < 0.5
    W /= W.sum(axis=1, keepdims=True)
    before = W.copy()
    found = hw.error_bound(form(W), X, Q, smoothness=1.0, lipschitz=1.0, metric=None)
    same = hw.error_bound(
        W, hw.Cloud(X), pd.DataFrame(Q), smoothness=1.0, lipschitz=1.0, metric=None
    )
    np.testing.assert_array_equal(found.total, same.total)
    np.testing.assert_array_equal(found.theorem1, same.theorem1)
    np.testing.assert_array_equal(W, before)


def test_entries_given_twice_and_zeros_kept():
    W = csr_array(([0.25, 0.25, 0.5, 0.0], [0, 0, 1, 2], [0, 4]), shape=(1, 3))
    X, Q = [[0.0], [2.0], [50.0]], [[1.0]]
    found = hw.error_bound(W, X, Q, smoothness=1.0, metric=None)
    assert (
        found.theorem1[0]
        == hw.error_bound([[0.5, 0.5, 0]], X, Q, smoothness=1.0, metric=None).theorem1[0]
    )
    assert W.nnz == 4
    assert hw.simplex_shape(W, X, Q, metric=None).rows.tolist() == [2]


def test_float32_weights_are_taken_by_their_own_precision():
    W = np.full((2, 3), 1 / 3, dtype=np.float32)
    hw.error_bound(W, np.eye(3), np.eye(3)[:2], smoothness=1.0, metric=None)
    with pytest.raises(hw.DataError, match="sums to"):
        hw.error_bound(W.astype(float), np.eye(3), np.eye(3)[:2], smoothness=1.0, metric=None)


def test_metrics_are_linear_maps():
    rng = np.random.default_rng(0)
    X, Q, W = rng.random((9, 3)), rng.random((6, 3)), np.zeros((6, 9))
    W[:, :4] = rng.dirichlet(np.ones(4), 6)
    L = rng.normal(size=(3, 3))
    kind = {"smoothness": 2.0, "lipschitz": 3.0}
    for metric, image in (
        (np.array([4.0, 1.0, 0.25]), np.diag([2.0, 1.0, 0.5])),
        (L.T @ L, L),
        ("range", np.diag(1 / np.ptp(X, axis=0))),
        ("std", np.diag(1 / X.std(axis=0))),
    ):
        plain = hw.error_bound(W, X @ image.T, Q @ image.T, metric=None, **kind)
        found = hw.error_bound(W, X, Q, metric=metric, **kind)
        for name, values in plain.to_dict().items():
            np.testing.assert_allclose(found.to_dict()[name], values, rtol=1e-9, err_msg=name)
        mine, its = (
            hw.simplex_shape(W, X, Q, metric=metric),
            hw.simplex_shape(W, X @ image.T, Q @ image.T, metric=None),
        )
        for name, values in its.to_dict().items():
            np.testing.assert_allclose(mine.to_dict()[name], values, rtol=1e-9, err_msg=name)


def test_a_metric_that_does_not_see_a_feature():
    X, Q, W = [[0.0, 0.0], [2.0, 9.0]], [[1.0, -50.0]], [[0.5, 0.5]]
    found = hw.error_bound(W, X, Q, smoothness=2.0, lipschitz=1.0, metric=[1.0, 0.0])
    np.testing.assert_allclose(found.total, [1.0], rtol=1e-12)


@pytest.mark.parametrize("power", [-990, -500, 500, 990])
def test_scale(power):
    rng = np.random.default_rng(0)
    X, Q = rng.random((30, 3)), rng.uniform(-1, 2, (20, 3))
    W = np.zeros((20, 30))
    W[:, :4] = rng.dirichlet(np.ones(4), 20)
    unit = 2.0**power
    plain = hw.error_bound(W, X, Q, smoothness=3.0, lipschitz=2.0, metric=None)
    found = hw.error_bound(W, X * unit, Q * unit, smoothness=3.0 / unit, lipschitz=2.0, metric=None)
    for name in ("shift", "spread", "theorem1", "total"):
        np.testing.assert_allclose(getattr(found, name) / unit, getattr(plain, name), rtol=1e-12)
    np.testing.assert_allclose(found.reach / unit, plain.reach, rtol=1e-12)
    mine, its = (
        hw.simplex_shape(W, X * unit, Q * unit, metric=None),
        hw.simplex_shape(W, X, Q, metric=None),
    )
    np.testing.assert_allclose(mine.circumradius / unit, its.circumradius, rtol=1e-10)


def test_offset():
    rng = np.random.default_rng(0)
    X, Q = rng.integers(0, 1 << 20, (30, 3)), rng.integers(0, 1 << 20, (20, 3))
    W = np.zeros((20, 30))
    W[:, :4] = rng.dirichlet(np.ones(4), 20)
    far = hw.error_bound(W, X + 1e12, Q + 1e12, smoothness=3.0, lipschitz=2.0, metric=None)
    near = hw.error_bound(W, X, Q, smoothness=3.0, lipschitz=2.0, metric=None)
    for name, values in near.to_dict().items():
        np.testing.assert_allclose(far.to_dict()[name], values, rtol=1e-12, err_msg=name)


def test_what_does_not_fit_a_number_is_infinite_never_nan():
    found = hw.error_bound(
        [[0.5, 0.5]], [[0.0], [1e300]], [[5e299]], smoothness=1.0, lipschitz=1.0, metric=None
    )
    assert found.moment[0] == found.total[0] == np.inf
    assert found.reach[0] < 1e289
    tiny = hw.error_bound([[0.5, 0.5]], [[0.0], [1e-300]], [[5e-301]], smoothness=1.0, metric=None)
    assert 0 < tiny.spread[0] < 1e-320
    apart = hw.error_bound(
        [[2.0, -1.0]], [[0.0], [1e-300]], [[1.7e308]], smoothness=1.0, lipschitz=1, metric=None
    )
    assert apart.total[0] == np.inf
    assert apart.shift[0] >= 1.7e308


def test_any_block_size_and_any_batch(monkeypatch):
    rng = np.random.default_rng(0)
    X, Q = rng.random((50, 4)), rng.random((30, 4))
    W = rng.random((30, 50)) * (rng.random((30, 50)) < rng.random((30, 1)) ** 2)
    W[:, 0] += 0.1
    W /= W.sum(axis=1, keepdims=True)
    whole, shape = (
        hw.error_bound(W, X, Q, smoothness=1.0, lipschitz=1.0, metric=None),
        hw.simplex_shape(W, X, Q, metric=None),
    )
    assert (shape.rows <= 5).any()
    assert (shape.rows > 20).any()
    for b in range(30):
        one = hw.error_bound(W[[b]], X, Q[[b]], smoothness=1.0, lipschitz=1.0, metric=None)
        for name, values in whole.to_dict().items():
            np.testing.assert_array_equal(one.to_dict()[name], [values[b]], err_msg=name)
    for numbers in (4, 64, 300):
        monkeypatch.setattr(_row_weights, "DIFFERENCES_AT_ONCE", numbers)
        found = hw.error_bound(W, X, Q, smoothness=1.0, lipschitz=1.0, metric=None)
        for name, values in whole.to_dict().items():
            np.testing.assert_allclose(found.to_dict()[name], values, rtol=1e-12, err_msg=name)
        np.testing.assert_array_equal(hw.simplex_shape(W, X, Q, metric=None).nearest, shape.nearest)


def test_spans_cover_every_entry_once(monkeypatch):
    monkeypatch.setattr(_row_weights, "DIFFERENCES_AT_ONCE", 10)
    W = np.zeros((5, 40))
    for b, s in enumerate((2, 3, 40, 1, 4)):
        W[b, :s] = 1 / s
    given = _row_weights.weighted_rows(W, np.zeros((40, 1)), np.zeros((5, 1)), None)
    spans = list(given.spans())
    assert spans[0][0] == 0
    assert spans[-1][1] == given.W.nnz
    assert all(a[1] == b[0] for a, b in pairwise(spans))
    assert max(b - a for a, b in spans) <= 10


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"W": [[0.5, 0.5, 0], [0.5, 0.4, 0]]}, r"row 1 of W sums to 0\.9"),
        ({"W": [[0.5, 0.5, 0], [0, 0, 0]]}, "row 1 of W sums to 0 "),
        ({"W": [[0.5, np.nan, 0], [0, 0, 1]]}, "NaN or infinity, first in row 0"),
        ({"W": [[1.0, 0, 0], [0, np.inf, 1]]}, "NaN or infinity, first in row 1"),
        ({"W": [[0.5, 0.5], [0.5, 0.5]]}, r"shape \(2, 2\): expected \(2, 3\)"),
        ({"W": [0.5, 0.5, 0]}, r"shape \(3,\): expected"),
        ({"W": [[1j, 0, 0], [1, 0, 0]]}, "complex"),
        ({"W": [["a", "b", "c"]] * 2}, "real numbers"),
        ({"W": [[1e308, 1e308, -1e308]] * 2}, "sums to"),
        ({"Q": [[0.0], [1.0]]}, "1 feature"),
        ({"Q": [[0.0, np.nan], [1.0, 1.0]]}, "NaN"),
        ({"X": [[0.0, np.inf], [1.0, 1.0], [0, 0]]}, "infinit"),
        ({"smoothness": -1.0}, "smoothness=-1"),
        ({"smoothness": np.nan}, "smoothness=nan"),
        ({"lipschitz": np.inf}, "lipschitz=inf"),
        ({"lipschitz": "1"}, "lipschitz='1'"),
        ({"metric": [1.0]}, "metric has shape"),
    ],
)
def test_refusals(change, message):
    given = {
        "W": [[0.5, 0.5, 0], [0, 0, 1]],
        "X": [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]],
        "Q": [[0.2, 0.2], [0.0, 1.0]],
        "smoothness": 1.0,
    } | change
    with pytest.raises(hw.DataError, match=message):
        hw.error_bound(given.pop("W"), given.pop("X"), given.pop("Q"), **given)


def test_columns_must_agree_and_labels_are_kept():
    X = pd.DataFrame({"a": [0.0, 1.0], "b": [0.0, 1.0]})
    Q = pd.DataFrame({"a": [0.5], "b": [0.5]}, index=["here"])
    found = hw.error_bound([[0.5, 0.5]], X, Q, smoothness=1.0, metric=None)
    assert found.to_frame().index.tolist() == ["here"]
    assert hw.simplex_shape([[0.5, 0.5]], X, Q, metric=None).to_frame().index.tolist() == ["here"]
    with pytest.raises(hw.DataError, match="b"):
        hw.error_bound([[0.5, 0.5]], X, Q[["b", "a"]], smoothness=1.0, metric=None)


def test_words():
    one = hw.error_bound([[1.0]], [[0.0]], [[2.0]], smoothness=1.0, lipschitz=1.0, metric=None)
    assert repr(one).startswith("ErrorBound(1 query: total up to 4,")
    assert list(one.to_frame().columns) == list(one.to_dict())
    assert repr(hw.simplex_shape([[1.0]], [[0.0]], [[2.0]], metric=None)) == (
        "SimplexShape(1 query from 1 row each; longest edge up to 0)"
    )


def test_one_constant_for_each_target():
    rng = np.random.default_rng(0)
    X, Q = rng.normal(size=(30, 2)), rng.normal(size=(7, 2))
    reg = hw.DelaunayRegressor().fit(X, X @ np.diag([1.0, -3.0]))
    both = reg.bound(Q, smoothness=[2.0, 5e-300], lipschitz=[3.0, 1e200])
    for k, (smoothness, lipschitz) in enumerate([(2.0, 3.0), (5e-300, 1e200)]):
        alone = reg.bound(Q, smoothness=smoothness, lipschitz=lipschitz)
        for name in ("total", "shift", "spread", "theorem1"):
            np.testing.assert_array_equal(getattr(both, name)[:, k], getattr(alone, name))
    assert list(both.to_dict())[:3] == ["total 0", "total 1", "shift 0"]
    one_slope = reg.bound(Q, smoothness=[2.0, 4.0], lipschitz=3.0)
    np.testing.assert_array_equal(one_slope.shift[:, 0], one_slope.shift[:, 1])
    estimated = hw.estimate_smoothness(X, reg.y_)
    assert reg.bound(Q, smoothness=estimated.smoothness).spread.shape == (7, 2)
    for wrong in ([1.0, -1.0], [np.nan, 1.0], [[1.0, 2.0]], [], ["a"], None):
        with pytest.raises(hw.DataError, match="smoothness="):
            reg.bound(Q, smoothness=wrong)
    with pytest.raises(hw.DataError, match="one each for every target"):
        reg.bound(Q, smoothness=[1.0, 2.0], lipschitz=[1.0, 2.0, 3.0])
